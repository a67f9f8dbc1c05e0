"""The branch's side of the exchange with its control rooms: facts out by number, receipts and commands in, heartbeat.

Also the `mqtt` Channel: to a room the notice is the facts themselves, so `send` waits until the fact has left. It
writes nothing durable and decides nothing: what came in goes to `tell`. Built and run by `gateway.app`.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from sentinel.core.encoding import canonical, stamp
from sentinel.gateway.allowance import Allowance
from sentinel.gateway.blobs import Blobs
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
    age_of,
    command_of,
    judge,
    receipt_of,
)
from sentinel.gateway.lanes import BATCH, Lanes, RoomMark
from sentinel.gateway.live import LiveBoard
from sentinel.ports import ChannelError, Sent

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from sentinel.gateway.blobs import Blob
    from sentinel.ports import Clock, Letter

ROOT = "sentinel/v1"
MAX_BATCH_BYTES = 64 * 1024
HEARTBEAT_S = 10.0
LOOK_S = 1.0  # how often the lanes look again by themselves, should nobody wake them
PIECE_LOOK_S = 0.1  # a piece of a picture waits for facts
PUBLISH_S = 10.0
SEND_S = 10.0
STOPPING_S = 2.0
ROOM_SILENT_S = 60.0  # rooms say how they are every 10 s, as branches do; a broker keeps what a dead one said last
MAX_COMMANDS, COMMAND_EVERY_S = 120, 3.0  # at once, and then; a room gone mad must not fill the journal
MAX_REFUSALS, REFUSAL_EVERY_S = 30, 60.0  # told; the rest is counted


class FactRow(Protocol):
    """A fact as the journal stores it."""

    @property
    def seq(self) -> int:
        """Its number in the epoch."""

    @property
    def text(self) -> str:
        """The exact line that was hashed: canonical JSON."""

    @property
    def hashes(self) -> tuple[str, str]:
        """The hash before it, and its own."""


class FactSource(Protocol):
    """The journal, as the uplink needs it."""

    def head(self) -> tuple[str, int]:
        """Epoch and number of the last durable fact (0: none), from memory."""

    async def facts_from(self, seq: int, limit: int) -> Sequence[FactRow]:
        """Facts of this epoch in order from `seq`, or from the first that was not pruned."""


class Wire(Protocol):
    """A connection to a broker, as `channels.mqtt` makes it."""

    @property
    def up(self) -> bool:
        """Connected now."""

    async def run(self, listener: Uplink, topics: tuple[str, ...]) -> None:
        """Keep connected until cancelled; tell the listener."""

    async def publish(
        self, topic: str, payload: str, *, qos: int = 1, retain: bool = False, timeout_s: float = 5.0
    ) -> None:
        """Hand over to the broker, or ChannelError."""


class Uplink:
    """One broker's rooms. `tell` is called in the event loop and may not block; `health` gives None without progress."""

    def __init__(
        self,
        wire: Wire,
        source: FactSource,
        clock: Clock,
        *,
        branch: str,
        rooms: Sequence[str],
        version: str,
        health: Callable[[], str | None],
        tell: Callable[[Event], None],
        receipts: Mapping[str, int] | None = None,
        past_epochs: Collection[str] = (),
    ) -> None:
        self.live = LiveBoard()
        self.refusals_untold = 0
        self._blobs = Blobs()
        self._pictures = asyncio.Event()
        self._wire, self._source, self._clock, self._tell = wire, source, clock, tell
        self._root, self._version, self._health = f"{ROOT}/{branch}", version, health
        self._epoch, self._past_epochs = source.head()[0], {*past_epochs}
        known = {room: (receipts or {}).get(room, 0) for room in rooms}
        self._marks = {room: RoomMark(receipt=seq) for room, seq in known.items()}
        self._lanes = Lanes(max(known.values(), default=0) + 1)
        self._receipts: dict[str, Receipt] = {}  # the newest of each room, waiting for its hash to be looked up
        self._told: dict[str, Receipt] = {}  # the last of each room that the owner heard of
        self._commands = {room: Allowance(MAX_COMMANDS, COMMAND_EVERY_S) for room in rooms}
        self._refusals = {room: Allowance(MAX_REFUSALS, REFUSAL_EVERY_S) for room in rooms}
        self._work, self._beat, self._came = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._moved = asyncio.Condition()
        self._state = "online"

    async def run(self) -> None:
        """Until cancelled."""
        topics = (
            *(f"{self._root}/receipt/{room}" for room in self._marks),
            *(f"{self._root}/command/{room}" for room in self._marks),
            *(f"{ROOT}/rooms/{room}/status" for room in self._marks),
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(self._wire.run(self, topics), name="uplink-wire")
            group.create_task(self._keep_publishing(), name="uplink-facts")
            group.create_task(self._keep_receiving(), name="uplink-receipts")
            group.create_task(self._keep_beating(), name="uplink-heartbeat")
            group.create_task(self._keep_showing(), name="uplink-live")
            group.create_task(self._keep_sending_pictures(), name="uplink-pictures")

    def wake(self) -> None:
        """New facts are durable: publish them now rather than at the next look."""
        self._work.set()

    def offer(self, blob: Blob) -> None:
        """A small picture, when the facts are out. Lost with the connection it is sent again, with the power it is not."""
        self._blobs.offer(blob)
        self._pictures.set()

    # --- Channel ---

    async def send(self, letter: Letter) -> Sent:
        """SENT when the broker has the letter's fact, DELIVERED when the room's receipt covers it."""
        mark = self._marks.get(letter.address)
        if mark is None:
            raise ChannelError(f"{letter.address} is no room of this broker", permanent=True)
        if letter.seq == 0:  # told from memory: there is no fact to send, and the room must hear of it all the same
            await self._wire.publish(f"{self._root}/bare", self._bare(letter), timeout_s=SEND_S)
            return Sent.SENT
        if letter.seq < self._lanes.low and mark.receipt < letter.seq:
            self._lanes.rewind(letter.seq)  # left unfinished by an earlier run
        self._work.set()
        try:
            async with asyncio.timeout(SEND_S), self._moved:
                await self._moved.wait_for(lambda: mark.receipt >= letter.seq or self._lanes.has(letter.seq))
        except TimeoutError:
            raise ChannelError(f"room {letter.address}: the fact did not reach the broker in {SEND_S:g} s") from None
        return Sent.DELIVERED if mark.receipt >= letter.seq else Sent.SENT

    async def close(self) -> None:
        """Say `stopping`, so that nobody takes what follows for a dead branch. The caller then cancels `run`."""
        self._state = "stopping"
        with suppress(ChannelError):
            await self._wire.publish(
                f"{self._root}/status", self._status("stopping"), retain=True, timeout_s=STOPPING_S
            )

    # --- Listener ---

    def will(self) -> tuple[str, str]:
        """Said by the broker when we vanish; its `at` is when this connection began."""
        return f"{self._root}/status", self._status("offline")

    def changed(self, trouble: str | None) -> None:
        """The wire came up or went down."""
        if trouble is None:
            self._lanes.skip_to_newest(self._source.head()[1])
            self._beat.set()
            self._work.set()
        else:
            for mark in self._marks.values():
                mark.online = None
        self._tell(WireChanged(trouble))

    def heard(self, topic: str, body: dict[str, object] | None, retained: bool) -> None:
        """A message of a room. Topics are those we subscribed to; anything else is dropped."""
        match topic.removeprefix(f"{ROOT}/").split("/"):
            case ["rooms", room, "status"] if room in self._marks:
                self._status_of(room, body, retained=retained)
            case [_, "receipt", room] if room in self._marks and not retained:
                receipt = receipt_of(room, body)
                if receipt is not None:
                    self._room_seen(room, online=True)
                    self._receipts[room] = receipt
                    self._came.set()
            case [_, "command", room] if room in self._marks:
                self._command(command_of(room, body), retained=retained)

    def _status_of(self, room: str, body: dict[str, object] | None, *, retained: bool) -> None:
        """What a broker kept says how the room was; only a young one by a clock that is right says how it is."""
        online = body is not None and body.get("state") == "online"
        if online and body is not None and retained:
            age = age_of(body, self._clock.now())
            if age is None or age.total_seconds() > ROOM_SILENT_S or not self._clock.synchronised():
                return  # a living room says so again within ten seconds
        self._room_seen(room, online=online)

    def _room_seen(self, room: str, *, online: bool) -> None:
        mark = self._marks[room]
        if online:
            mark.heard_at = self._clock.monotonic()
        if online is mark.online:
            return
        mark.online = online
        if online:
            self._lanes.rewind(mark.receipt + 1)
            self._beat.set()  # it sees at once where we are
            self._work.set()
        self._tell(RoomSeen(room, online))

    def _command(self, parsed: RoomCommand | Refused, *, retained: bool) -> None:
        if isinstance(parsed, Refused):
            self._refuse(parsed)
            return
        # Whether it was carried out before, only the facts know: remembered here, an answer that could not be written
        # would be refused when the room gives it again.
        reason = (
            Refusal.RETAINED if retained else judge(parsed, self._clock.now(), synchronised=self._clock.synchronised())
        )
        if reason is not None:
            self._refuse(Refused(parsed.room, parsed.id, parsed.kind, parsed.by_name, reason))
            return
        if self._commands[parsed.room].take(self._clock.monotonic()) is None:
            self._refuse(Refused(parsed.room, parsed.id, parsed.kind, parsed.by_name, Refusal.TOO_MANY))
            return
        if parsed.kind is CommandKind.FETCH:
            seq = parsed.arg("from")
            self._lanes.rewind(seq if isinstance(seq, int) else 1)
            self._work.set()
            return
        if parsed.kind is CommandKind.WATCH:
            self.live.watch(self._clock.monotonic())
            return  # asked anew every minute while somebody looks: no fact
        self._tell(parsed)

    def _refuse(self, refused: Refused) -> None:
        left = self._refusals[refused.room].take(self._clock.monotonic())
        if left is None:
            self.refusals_untold += 1
            return
        self._tell(refused if left else replace(refused, reason=Refusal.TOO_MANY))

    # --- Tasks ---

    async def _keep_publishing(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._work.wait()
            self._work.clear()
            now = self._clock.monotonic()
            for room, mark in self._marks.items():
                if mark.online and now - mark.heard_at > ROOM_SILENT_S:
                    self._room_seen(room, online=False)
                again = mark.resend_from(self._lanes.behind, now)
                if again is not None:
                    self._lanes.rewind(again)
            try:
                while self._wire.up and await self._publish_batch():
                    pass
            except ChannelError:  # the wire tells its own loss; here it is only tried again
                await asyncio.sleep(LOOK_S)

    async def _publish_batch(self) -> bool:
        """One batch, whatever is first by the lanes. False when all is out."""
        epoch, head = self._source.head()
        if epoch != self._epoch:
            self._past_epochs.add(self._epoch)
            self._epoch, self._lanes = epoch, Lanes()
            for mark in self._marks.values():
                mark.confirmed(0)
        first = self._lanes.next(head)
        rows = [] if first is None else within(await self._source.facts_from(first, BATCH), MAX_BATCH_BYTES - 256)
        if first is None or not rows:
            return False
        before, last = rows[0].hashes[0], rows[-1].seq
        facts = ",".join(row.text for row in rows)
        payload = f'{{"epoch":{canonical(epoch)},"from":{rows[0].seq},"prev":"{before}","facts":[{facts}]}}'
        await self._wire.publish(f"{self._root}/facts", payload, timeout_s=PUBLISH_S)
        if epoch == self._epoch:
            self._lanes.sent(first, last)
        async with self._moved:
            self._moved.notify_all()
        return True

    async def _keep_receiving(self) -> None:
        while True:
            await self._came.wait()
            self._came.clear()
            while self._receipts:
                await self._judge(self._receipts.pop(next(iter(self._receipts))))

    async def _judge(self, receipt: Receipt) -> None:
        """Count a receipt only when its hash is ours: another one is a fork, and delivers nothing."""
        epoch, head = self._source.head()
        fork: ForkKind | None = None
        if receipt.epoch != epoch:
            if receipt.epoch in self._past_epochs:
                return  # the room has not begun this epoch yet
            fork = ForkKind.UNKNOWN_EPOCH
        elif receipt.seq > head:
            fork = ForkKind.AHEAD
        elif receipt.seq > 0:
            rows = await self._source.facts_from(receipt.seq, 1)
            if rows and rows[0].seq == receipt.seq and rows[0].hashes[1] != receipt.hash:
                fork = ForkKind.OTHER_HASH
        if fork is None:
            self._marks[receipt.room].confirmed(receipt.seq)
        if self._told.get(receipt.room) != receipt:
            self._told[receipt.room] = receipt
            self._tell(receipt if fork is None else Forked(receipt, fork))
        async with self._moved:
            self._moved.notify_all()

    async def _keep_beating(self) -> None:
        while True:
            health = self._health()
            if health is not None and self._state == "online":  # without progress silence is the truth
                with suppress(ChannelError):
                    await self._wire.publish(f"{self._root}/status", self._status("online", health), retain=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_S):
                    await self._beat.wait()
            self._beat.clear()

    async def _keep_showing(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S / 2)
            if not self._wire.up:
                continue
            message = self.live.due(stamp(self._clock.now()), self._clock.monotonic())
            if message is not None:
                with suppress(ChannelError):  # lost: every point comes again within the minute
                    await self._wire.publish(f"{self._root}/live", message, qos=0)

    async def _keep_sending_pictures(self) -> None:
        """Piece by piece, one under way at a time; each waits until every fact is out."""
        while True:
            piece = self._blobs.next()
            if piece is None:
                self._pictures.clear()
                await self._pictures.wait()
            elif not self._wire.up or self._lanes.next(self._source.head()[1]) is not None:
                await asyncio.sleep(PIECE_LOOK_S)
            else:
                try:
                    await self._wire.publish(f"{self._root}/{piece[0]}", piece[1], timeout_s=PUBLISH_S)
                    self._blobs.sent(piece[0])
                except ChannelError:  # the wire tells its own loss
                    await asyncio.sleep(LOOK_S)

    def _bare(self, letter: Letter) -> str:
        return canonical(
            {
                "at": stamp(self._clock.now()),
                "notice": letter.notice,
                "incident": letter.code,
                "contact": letter.contact,
                "subject": letter.subject,
                "body": letter.body,
                "urgent": letter.urgent,
            }
        )

    def _status(self, state: str, health: str = "unknown") -> str:
        epoch, seq = self._source.head()
        return canonical(
            {
                "state": state,
                "at": stamp(self._clock.now()),
                "epoch": epoch,
                "seq": seq,
                "version": self._version,
                "clock": "synced" if self._clock.synchronised() else "unsynced",
                "health": health,
            }
        )


def within(rows: Sequence[FactRow], budget: int) -> list[FactRow]:
    """The first rows that fit into so many bytes, at least one: a fact is never cut and never skipped."""
    taken: list[FactRow] = []
    for row in rows:
        budget -= len(row.text.encode()) + 1
        if taken and budget < 0:
            break
        taken.append(row)
    return taken
