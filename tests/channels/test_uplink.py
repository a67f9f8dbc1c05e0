"""A branch and its room over a real broker: facts by number, receipts, commands, heartbeat."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from sentinel.channels.mqtt import MqttWire
from sentinel.core.encoding import stamp
from sentinel.core.facts import Stopping
from sentinel.core.model import Quality, Reading
from sentinel.demo.room import Room
from sentinel.gateway import uplink as module
from sentinel.gateway.exchange import (
    CommandKind,
    Event,
    Forked,
    ForkKind,
    Receipt,
    Refusal,
    Refused,
    RoomCommand,
    RoomSeen,
    WireChanged,
)
from sentinel.gateway.uplink import Uplink
from sentinel.ports import ChannelError, Sent
from tests.channels.book import Book, WallClock, letter
from tests.channels.test_wire import Ear, options, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from tests.servers import Broker

pytestmark = pytest.mark.real


class Branch:
    """An uplink with what it told its owner."""

    def __init__(
        self, broker: Broker, book: Book, id_: str = "b17", rooms: tuple[str, ...] = ("durg",), **given: object
    ) -> None:
        self.events: list[Event] = []
        self.health: str | None = "good"
        self.clock = WallClock()
        self._news = asyncio.Event()
        receipts: Mapping[str, int] = given.get("receipts", {})  # type: ignore[assignment]
        self.uplink = Uplink(
            MqttWire(options(broker, id_, rooms=rooms), id_),
            book,
            self.clock,
            branch=id_,
            rooms=rooms,
            version="0.1.0",
            health=lambda: self.health,
            tell=self._tell,
            receipts=receipts,
        )

    def _tell(self, event: Event) -> None:
        self.events.append(event)
        self._news.set()

    async def until(self, true: Callable[[], bool], timeout_s: float = 15.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not true():
                self._news.clear()
                await self._news.wait()

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


@asynccontextmanager
async def up(*parties: Branch | Room) -> AsyncIterator[None]:
    """They run, each over its own connection, until the block ends."""
    async with AsyncExitStack() as stack:
        for party in parties:
            task = asyncio.create_task(party.uplink.run() if isinstance(party, Branch) else party.run())
            stack.push_async_callback(ended, task)
            if isinstance(party, Branch):
                await party.until(lambda b=party: WireChanged(None) in b.events)  # type: ignore[misc]
            else:
                await party.until(lambda r=party: r.up)  # type: ignore[misc]
        yield


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def room_of(broker: Broker) -> Room:
    return Room(MqttWire(options(broker, "room+durg"), "room-durg"), "durg")


async def test_every_fact_reaches_the_room_in_order_and_only_its_receipt_is_a_delivery(broker: Broker) -> None:
    book, room = Book(), room_of(broker)
    book.write(450)
    branch = Branch(broker, book)
    async with up(room, branch):
        await room.until(lambda: "b17" in room.copies and room.copies["b17"].seq == 450)
        book.write()
        assert await branch.uplink.send(letter(address="durg", seq=451)) in (Sent.SENT, Sent.DELIVERED)
        await branch.until(lambda: Receipt("durg", "e1", 451, book.hash(451)) in branch.events)
        assert await branch.uplink.send(letter(address="durg", seq=451)) is Sent.DELIVERED
    copy = room.copies["b17"]
    assert [fact.seq for fact in copy.facts] == list(range(1, 452))
    assert copy.hash == book.hash(451)
    assert not copy.broken


async def test_a_letter_to_a_room_that_is_not_there_is_sent_but_not_delivered(broker: Broker) -> None:
    book = Book()
    branch = Branch(broker, book)
    async with up(branch):
        book.write()
        assert await branch.uplink.send(letter(address="durg", seq=1)) is Sent.SENT
        with pytest.raises(ChannelError, match="no room") as error:
            await branch.uplink.send(letter(address="raipur", seq=1))
    assert error.value.permanent
    assert not branch.of(Receipt)


async def test_a_letter_fails_at_its_deadline_when_the_broker_is_gone(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SEND_S", 0.5)
    book = Book()
    branch = Branch(broker, book)
    async with up(branch):
        broker.kill()
        book.write()
        with pytest.raises(ChannelError, match="did not reach the broker") as error:
            await branch.uplink.send(letter(address="durg", seq=1))
    assert not error.value.permanent


async def test_a_broker_that_dies_in_the_middle_loses_no_fact(broker: Broker) -> None:
    book, room = Book(), room_of(broker)
    branch = Branch(broker, book)
    async with up(room, branch):
        for step in range(60):
            book.write(7)
            branch.uplink.wake()
            await asyncio.sleep(0.01)
            if step in (20, 40):
                broker.kill()
                await asyncio.sleep(0.1)
                await broker.start()
        await room.until(lambda: room.copies["b17"].seq == 420, 30)
        await branch.until(lambda: Receipt("durg", "e1", 420, book.hash(420)) in branch.events)
    assert [fact.seq for fact in room.copies["b17"].facts] == list(range(1, 421))
    assert not room.copies["b17"].broken


async def test_a_room_that_was_away_gets_what_it_missed_and_the_newest_first(broker: Broker) -> None:
    book, room = Book(), room_of(broker)
    branch = Branch(broker, book)
    async with up(branch):
        book.write(1000)
        assert await branch.uplink.send(letter(address="durg", seq=1000)) is Sent.SENT
        async with up(room):
            await room.until(lambda: "b17" in room.copies and room.copies["b17"].seq == 1000)
            assert not room.copies["b17"].broken

    again, room = Branch(broker, book), room_of(broker)  # the daemon was restarted, with a long backlog
    async with up(room, again):
        await room.until(lambda: "b17" in room.copies and room.copies["b17"].seq == 1000)
    first = room.copies["b17"].batches
    assert [fact.seq for fact in room.copies["b17"].facts] == list(range(1, 1001))
    assert first == [] or first[0][0] in (1, 801)


async def test_a_gap_is_asked_for_and_filled(broker: Broker) -> None:
    book, room = Book(), room_of(broker)
    book.write(30)
    branch = Branch(broker, book, receipts={"durg": 30})  # the journal thinks the room has them; the room has nothing
    async with up(branch, room):
        book.write()
        branch.uplink.wake()
        await room.until(lambda: "b17" in room.copies and room.copies["b17"].seq == 31)
    assert not branch.of(Refused)


async def test_a_receipt_with_another_hash_is_a_fork_and_delivers_nothing(broker: Broker) -> None:
    book, room = Book(), room_of(broker)
    branch = Branch(broker, book)
    book.write(5)
    bad = {"epoch": "e1", "seq": 5, "hash": "0" * 64}
    async with up(branch, room):
        await room.until(lambda: "b17" in room.copies and room.copies["b17"].seq == 5)
        await branch.until(lambda: bool(branch.of(Receipt)))
        book.write()
        for _ in range(3):
            room.say("b17/receipt/durg", bad)
        room.say("b17/receipt/durg", {"epoch": "e1", "seq": 7, "hash": "1" * 64})
        await branch.until(lambda: len(branch.of(Forked)) == 2)
        room.say("b17/receipt/durg", {"epoch": "e7", "seq": 7, "hash": "1" * 64})
        await branch.until(lambda: len(branch.of(Forked)) == 3)
    assert [fork.kind for fork in branch.of(Forked) if isinstance(fork, Forked)] == [
        ForkKind.OTHER_HASH,
        ForkKind.AHEAD,
        ForkKind.UNKNOWN_EPOCH,
    ]


async def test_a_new_epoch_begins_at_the_room_too(broker: Broker) -> None:
    book, room = Book(), room_of(broker)
    book.write(20)
    branch = Branch(broker, book)
    async with up(room, branch):
        await room.until(lambda: "b17" in room.copies and room.copies["b17"].seq == 20)
        book.epoch, book.rows = "e2", []
        book.write(3)
        branch.uplink.wake()
        await branch.until(lambda: Receipt("durg", "e2", 3, book.hash(3)) in branch.events)
    assert (room.copies["b17"].epoch, room.copies["b17"].seq) == ("e2", 3)
    assert not branch.of(Forked)


async def test_a_command_reaches_the_desk_as_often_as_the_room_gives_it_for_only_the_facts_know_what_was_done(
    broker: Broker,
) -> None:
    room, branch = room_of(broker), Branch(broker, Book())
    async with up(room, branch):
        id_ = room.command("b17", CommandKind.ACKNOWLEDGE, name="आरक्षक यादव", role="police", incident="4821")
        await branch.until(lambda: bool(branch.of(RoomCommand)))
        taken = branch.of(RoomCommand)[0]
        assert isinstance(taken, RoomCommand)
        assert (taken.id, taken.room, taken.by_name, taken.by_role) == (id_, "durg", "आरक्षक यादव", "police")
        assert taken.args == (("incident", "4821"),)
        again: dict[str, object] = {"id": id_, "kind": "acknowledge", "incident": "4821"}
        again |= {"at": stamp(taken.at), "until": stamp(taken.until), "by": {"name": "आरक्षक यादव", "role": "police"}}
        room.say("b17/command/durg", again)
        await branch.until(lambda: len(branch.of(RoomCommand)) == 2)
    assert branch.of(RoomCommand) == [taken, taken]


async def test_a_room_gone_mad_does_not_fill_the_journal_with_refusals_and_still_acknowledges(broker: Broker) -> None:
    room, branch = room_of(broker), Branch(broker, Book())
    async with up(room, branch):
        for number in range(200):
            room.say("b17/command/durg", {"id": f"x{number}"})
        room.command("b17", CommandKind.ACKNOWLEDGE, name="a", role="police", incident="4821")
        await branch.until(lambda: bool(branch.of(RoomCommand)))
    assert len(branch.of(Refused)) == module.MAX_REFUSALS
    assert branch.uplink.refusals_untold == 200 - module.MAX_REFUSALS
    last = branch.of(Refused)[-1]
    assert isinstance(last, Refused)
    assert last.reason is Refusal.TOO_MANY, "the last that is noted says that there were more"


async def test_a_hold_up_that_could_not_be_written_is_told_from_memory(broker: Broker) -> None:
    ear, branch = Ear(("sentinel/v1/rooms/durg/status", "{}")), Branch(broker, Book())
    wire = MqttWire(options(broker, "room+durg"), "room-durg")
    async with running(wire, ear, "sentinel/v1/+/bare"), up(branch):
        await ear.until(lambda: wire.up)
        assert await branch.uplink.send(letter(address="durg", seq=0)) is Sent.SENT
        await ear.until(lambda: bool(ear.messages))
    topic, body, retained = ear.messages[0]
    assert (topic, retained) == ("sentinel/v1/b17/bare", False)
    assert body is not None
    assert (body["incident"], body["contact"], body["urgent"]) == ("4821", "thana", True)
    assert body["body"] == letter().body


async def test_a_room_that_is_gone_does_not_hold_up_the_other(broker: Broker) -> None:
    book, room = Book(), room_of(broker)
    book.write(300)
    branch = Branch(broker, book, rooms=("raipur", "durg"), receipts={"raipur": 2, "durg": 290})
    async with up(room, branch):
        await room.until(lambda: "b17" in room.copies and room.copies["b17"].seq == 300)
        await branch.until(lambda: Receipt("durg", "e1", 300, book.hash(300)) in branch.events)
        assert await branch.uplink.send(letter(address="durg", seq=300)) is Sent.DELIVERED
        assert await branch.uplink.send(letter(address="raipur", seq=300)) is Sent.SENT


async def test_a_letter_left_over_from_before_a_restart_is_sent_though_its_room_is_away(broker: Broker) -> None:
    book = Book()
    book.write(50)
    branch = Branch(broker, book, rooms=("raipur", "durg"), receipts={"raipur": 2, "durg": 50})
    async with up(branch):
        assert await branch.uplink.send(letter(address="raipur", seq=20)) is Sent.SENT
        assert await branch.uplink.send(letter(address="raipur", seq=2)) is Sent.DELIVERED


async def test_a_fact_larger_than_a_batch_goes_alone(broker: Broker) -> None:
    book, room = Book(), room_of(broker)
    book.write()
    book.write(fact=Stopping("x" * 90_000))
    book.write()
    branch = Branch(broker, book)
    async with up(room, branch):
        await room.until(lambda: "b17" in room.copies and room.copies["b17"].seq == 3)
    assert not room.copies["b17"].broken


async def test_an_expired_a_retained_and_a_garbled_command_do_nothing(broker: Broker) -> None:
    room, branch = room_of(broker), Branch(broker, Book())
    good = '{"at":"2026-11-23T20:00:00.000000Z","by":{"name":"b","role":"police"},"id":"r1","incident":"1",'
    good += '"kind":"acknowledge","until":"2036-11-23T20:00:00.000000Z"}'
    async with up(room):
        await room._wire.publish("sentinel/v1/b17/command/durg", good, retain=True)
        async with up(branch):
            await branch.until(lambda: len(branch.of(Refused)) == 1)
            await room._wire.publish("sentinel/v1/b17/command/durg", "", retain=True)
            room.command("b17", CommandKind.CLOSE, name="a", role="police", incident="1", disposition="false", for_s=-1)
            room.say("b17/command/durg", {"id": "g1", "kind": "open-the-vault", "by": {"name": "a", "role": "police"}})
            await branch.until(lambda: len(branch.of(Refused)) == 4)
    reasons = [event.reason for event in branch.of(Refused) if isinstance(event, Refused)]
    assert reasons == [Refusal.RETAINED, Refusal.MALFORMED, Refusal.EXPIRED, Refusal.MALFORMED]
    assert not branch.of(RoomCommand)


async def test_while_the_clock_is_wrong_answers_are_taken_and_sirens_are_not_moved(broker: Broker) -> None:
    room, branch = room_of(broker), Branch(broker, Book())
    branch.clock.synced = False
    async with up(room, branch):
        room.command("b17", CommandKind.SELFTEST, name="a", role="police", test="siren")
        room.command("b17", CommandKind.DISPATCH, name="a", role="police", incident="4821", for_s=-3600)
        await branch.until(lambda: bool(branch.of(RoomCommand)) and bool(branch.of(Refused)))
    assert [event.reason for event in branch.of(Refused) if isinstance(event, Refused)] == [Refusal.CLOCK]
    assert [event.kind for event in branch.of(RoomCommand) if isinstance(event, RoomCommand)] == [CommandKind.DISPATCH]


async def test_the_heartbeat_says_how_the_branch_is_and_stops_when_nothing_moves(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HEARTBEAT_S", 0.1)
    book, room = Book(), room_of(broker)
    book.write(3)
    branch = Branch(broker, book)
    async with up(room, branch):
        await room.until(lambda: "b17" in room.copies and len(room.copies["b17"].statuses) > 3)
        said = room.copies["b17"].statuses[-1]
        assert {key: said[key] for key in said if key != "at"} == {
            "state": "online",
            "epoch": "e1",
            "seq": 3,
            "version": "0.1.0",
            "clock": "synced",
            "health": "good",
            "retained": False,
        }
        branch.health = None
        await asyncio.sleep(0.3)
        count = len(room.copies["b17"].statuses)
        await asyncio.sleep(0.5)
        assert len(room.copies["b17"].statuses) == count
        branch.health = "impaired"
        await room.until(lambda: room.copies["b17"].statuses[-1]["health"] == "impaired")
        await branch.uplink.close()
        await room.until(lambda: room.copies["b17"].statuses[-1]["state"] == "stopping")


async def test_the_branch_sees_its_room_come_and_go(broker: Broker) -> None:
    branch = Branch(broker, Book())
    async with up(branch):
        async with up(room_of(broker)):
            await branch.until(lambda: RoomSeen("durg", True) in branch.events)
        room = room_of(broker)
        async with up(room):
            sockets = room._wire._client
            assert sockets is not None
            sockets._client.socket().shutdown(2)  # type: ignore[union-attr]
            await branch.until(lambda: RoomSeen("durg", False) in branch.events)


async def test_the_room_sees_readings_live_and_all_of_them_to_begin_with(broker: Broker) -> None:
    room, branch = room_of(broker), Branch(broker, Book())
    now = branch.clock.monotonic()
    branch.uplink.live.take(
        [Reading("panel.di1", False, Quality.GOOD, now), Reading("hall.t", 31.5, Quality.GOOD, now)]
    )
    async with up(room, branch):
        await room.until(lambda: "b17" in room.copies and bool(room.copies["b17"].live))
        readings = room.copies["b17"].live[0]["readings"]
    assert isinstance(readings, list)
    assert [(r["point"], r["value"], r["quality"]) for r in readings] == [
        ("panel.di1", False, "good"),
        ("hall.t", 31.5, "good"),
    ]
