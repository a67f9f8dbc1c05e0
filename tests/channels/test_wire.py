"""The connection to the broker, on a real mosquitto that dies, refuses and comes back."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from sentinel.channels import channel
from sentinel.channels.mqtt import BACKOFF_LAST_S, MqttOptions, MqttWire, Tls, Trouble, backoff
from sentinel.ports import ChannelError
from tests.channels.book import Held
from tests.channels.conftest import USERS
from tests.servers import free_port, make_certificates

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tests.servers import Broker


def options(broker: Broker, user: str, **changes: Any) -> MqttOptions:
    values: dict[str, Any] = {
        "kind": "mqtt",
        "path": "wan",
        "host": "127.0.0.1",
        "port": broker.port,
        "username": user,
        "password": Held(USERS[user]),
        "tls": {"ca_file": str(broker.certificates.ca)},
        "rooms": ["durg"],
        "keepalive": 2,
    }
    return MqttOptions(**{**values, **changes})


class Ear:
    """A listener that remembers."""

    def __init__(self, will: tuple[str, str] = ("sentinel/v1/b17/status", '{"state":"offline"}')) -> None:
        self._will = will
        self.messages: list[tuple[str, dict[str, object] | None, bool]] = []
        self.edges: list[str | None] = []
        self._news = asyncio.Event()

    def will(self) -> tuple[str, str]:
        return self._will

    def heard(self, topic: str, body: dict[str, object] | None, retained: bool) -> None:
        self.messages.append((topic, body, retained))
        self._news.set()

    def changed(self, trouble: str | None) -> None:
        self.edges.append(trouble)
        self._news.set()

    async def until(self, true: Callable[[], bool], timeout_s: float = 15.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not true():
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def running(wire: MqttWire, ear: Ear, *topics: str) -> AsyncIterator[None]:
    task = asyncio.create_task(wire.run(ear, topics or ("sentinel/v1/b17/command/durg",)))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.real
async def test_what_the_room_says_arrives_at_the_branch_and_back(broker: Broker) -> None:
    branch, room = Ear(), Ear(("sentinel/v1/rooms/durg/status", "{}"))
    down, up = MqttWire(options(broker, "b17"), "b17"), MqttWire(options(broker, "room+durg"), "room-durg")
    async with running(down, branch), running(up, room, "sentinel/v1/+/facts"):
        await branch.until(lambda: down.up)
        await room.until(lambda: up.up)
        await up.publish("sentinel/v1/b17/command/durg", '{"id":"थाना"}')
        await branch.until(lambda: bool(branch.messages))
        await down.publish("sentinel/v1/b17/facts", '{"from":1}')
        await room.until(lambda: bool(room.messages))
    assert branch.messages == [("sentinel/v1/b17/command/durg", {"id": "थाना"}, False)]
    assert room.messages == [("sentinel/v1/b17/facts", {"from": 1}, False)]
    assert (branch.edges, room.edges) == ([None], [None])


@pytest.mark.real
async def test_a_wrong_password_is_told_once_and_not_taken_for_a_dead_broker(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    wire, ear = MqttWire(options(broker, "b17", password=Held("wrong")), "b17"), Ear()
    async with running(wire, ear):
        await ear.until(lambda: bool(ear.edges))
        await asyncio.sleep(1.5)  # time for a second and a third try
        with pytest.raises(ChannelError, match="user name or password") as error:
            await wire.publish("sentinel/v1/b17/facts", "{}")
    assert not error.value.permanent
    assert ear.edges == [Trouble.CREDENTIAL]
    assert [r.getMessage() for r in caplog.records if r.name == "sentinel.channels.mqtt"] == [
        f"broker lost: {Trouble.CREDENTIAL} host=127.0.0.1 port={broker.port} path=wan"
    ]


@pytest.mark.real
async def test_a_broker_with_another_ones_certificate_gets_no_password(broker: Broker, tmp_path: Path) -> None:
    other = make_certificates(tmp_path / "other")
    wire, ear = MqttWire(options(broker, "b17", tls=Tls(ca_file=str(other.ca))), "b17"), Ear()
    async with running(wire, ear):
        await ear.until(lambda: bool(ear.edges))
    assert ear.edges == [Trouble.TLS]
    assert "b17" not in broker.log()


@pytest.mark.real
async def test_while_a_branch_is_set_up_any_certificate_may_be_taken(broker: Broker) -> None:
    wire, ear = MqttWire(options(broker, "b17", tls=Tls(insecure=True)), "b17"), Ear()
    async with running(wire, ear):
        await ear.until(lambda: wire.up)


@pytest.mark.real
async def test_a_broker_that_dies_in_the_middle_fails_the_publish_and_is_found_again(broker: Broker) -> None:
    wire, ear = MqttWire(options(broker, "b17"), "b17"), Ear()
    async with running(wire, ear):
        await ear.until(lambda: wire.up)
        confirmed = 0

        async def flood() -> None:
            nonlocal confirmed
            while True:
                await wire.publish("sentinel/v1/b17/facts", "{}", timeout_s=2.0)
                confirmed += 1

        flooding = asyncio.create_task(flood())
        await asyncio.sleep(0.3)
        broker.kill()
        with pytest.raises(ChannelError):
            await asyncio.wait_for(flooding, 5)
        assert confirmed > 10
        await ear.until(lambda: not wire.up)
        await broker.start()
        await ear.until(lambda: wire.up)
        await wire.publish("sentinel/v1/b17/facts", "{}")
    assert ear.edges[0] is None
    assert ear.edges[1] == Trouble.LOST
    assert ear.edges[-1] is None


@pytest.mark.real
async def test_a_broker_that_goes_silent_is_noticed_and_does_not_hold_a_publish_beyond_its_deadline(
    broker: Broker,
) -> None:
    wire, ear = MqttWire(options(broker, "b17"), "b17"), Ear()
    async with running(wire, ear):
        await ear.until(lambda: wire.up)
        broker.signal(signal.SIGSTOP)
        try:
            began = asyncio.get_running_loop().time()
            with pytest.raises(ChannelError, match=r"within 0\.5 s"):
                await wire.publish("sentinel/v1/b17/facts", "{}", timeout_s=0.5)
            assert asyncio.get_running_loop().time() - began < 2
            await ear.until(lambda: Trouble.LOST in ear.edges)
        finally:
            broker.signal(signal.SIGCONT)
        await ear.until(lambda: wire.up)


@pytest.mark.real
async def test_no_more_than_a_bounded_number_of_messages_wait_for_a_silent_broker(broker: Broker) -> None:
    wire, ear = MqttWire(options(broker, "b17"), "b17"), Ear()
    async with running(wire, ear):
        await ear.until(lambda: wire.up)
        broker.signal(signal.SIGSTOP)
        try:
            tries = [wire.publish("sentinel/v1/b17/facts", "{}", timeout_s=0.5) for _ in range(40)]
            failures = [str(result) for result in await asyncio.gather(*tries, return_exceptions=True)]
        finally:
            broker.signal(signal.SIGCONT)
    assert failures.count("too many messages wait for the broker") == 40 - 16


@pytest.mark.real
async def test_the_broker_says_offline_for_a_branch_that_was_killed(broker: Broker) -> None:
    room = Ear(("sentinel/v1/rooms/durg/status", "{}"))
    up = MqttWire(options(broker, "room+durg"), "room-durg")
    program = f"""
import asyncio
from tests.channels.test_wire import Ear, MqttWire, MqttOptions, Held
o = MqttOptions(kind="mqtt", path="wan", host="127.0.0.1", port={broker.port}, password=Held("branch-secret"),
    tls={{"ca_file": "{broker.certificates.ca}"}}, rooms=["durg"])
async def main():
    wire, ear = MqttWire(o, "b17"), Ear()
    task = asyncio.create_task(wire.run(ear, ("sentinel/v1/b17/command/durg",)))
    await ear.until(lambda: wire.up)
    await wire.publish("sentinel/v1/b17/status", '{{"state":"online"}}', retain=True)
    await task
asyncio.run(main())
"""
    async with running(up, room, "sentinel/v1/+/status"):
        child = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
        await room.until(lambda: any(body == {"state": "online"} for _, body, _ in room.messages))
        child.kill()
        await child.wait()
        await room.until(lambda: room.messages[-1][1] == {"state": "offline"})
    late = Ear(("sentinel/v1/rooms/durg/status", "{}"))
    async with running(MqttWire(options(broker, "room+durg"), "late"), late, "sentinel/v1/+/status"):
        await late.until(lambda: bool(late.messages))
    assert late.messages == [("sentinel/v1/b17/status", {"state": "offline"}, True)]


@pytest.mark.real
async def test_hostile_messages_arrive_as_none_and_the_next_good_one_is_heard(broker: Broker) -> None:
    branch, room = Ear(), Ear(("sentinel/v1/rooms/durg/status", "{}"))
    down, up = MqttWire(options(broker, "b17"), "b17"), MqttWire(options(broker, "room+durg"), "room-durg")
    async with running(down, branch), running(up, room, "sentinel/v1/+/facts"):
        await branch.until(lambda: down.up)
        await room.until(lambda: up.up)
        for bad in (
            "",
            "[]",
            "null",
            "NaN",
            '{"a":NaN}',
            '{"a":1,"a":2}',
            "[" * 100_000,
            '{"a":' * 90_000,
            "\x00",
            "\ud7ff{",
        ):
            await up.publish("sentinel/v1/b17/command/durg", bad)
        await up.publish("sentinel/v1/b17/command/durg", '{"good":1}')
        await branch.until(lambda: bool(branch.messages) and branch.messages[-1][1] == {"good": 1})
    assert [body for _, body, _ in branch.messages[:-1]] == [None] * (len(branch.messages) - 1)
    assert len(branch.messages) == 10  # the one beyond the broker's own limit never came


async def test_nobody_at_the_other_end_is_told_as_such_and_stopping_is_quick() -> None:
    wire = MqttWire(MqttOptions(kind="mqtt", path="wan", host="127.0.0.1", port=free_port(), rooms=("durg",)), "b17")
    ear = Ear()
    async with running(wire, ear):
        await ear.until(lambda: bool(ear.edges))
        began = asyncio.get_running_loop().time()
    assert ear.edges == [Trouble.UNREACHABLE]
    assert asyncio.get_running_loop().time() - began < 1


async def test_a_broker_that_accepts_and_says_nothing_is_given_up() -> None:
    closed = asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            pass
        closed.set()
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        wire = MqttWire(MqttOptions(kind="mqtt", path="wan", host="127.0.0.1", port=port, rooms=("durg",)), "b17")
        ear = Ear()
        async with running(wire, ear):
            await ear.until(lambda: bool(ear.edges))
            await asyncio.wait_for(closed.wait(), 5)  # its socket is not left open
    assert ear.edges == [Trouble.UNREACHABLE]


async def test_a_password_that_cannot_be_read_is_told_and_tried_again() -> None:
    class Absent:
        def read(self) -> str:
            raise LookupError("!credential broker is absent")

    chosen = MqttOptions(kind="mqtt", path="wan", host="127.0.0.1", port=1, password=Absent(), rooms=("durg",))
    wire, ear = MqttWire(chosen, "b17"), Ear()
    async with running(wire, ear):
        await ear.until(lambda: bool(ear.edges))
    assert ear.edges == [Trouble.SECRET]


def test_the_waits_between_tries_grow_to_a_limit_and_differ() -> None:
    waits = backoff()
    first = [next(waits) for _ in range(12)]
    assert 0.25 <= first[0] <= 0.5
    assert all(BACKOFF_LAST_S / 2 <= wait <= BACKOFF_LAST_S for wait in first[6:])
    assert len(set(first)) == 12


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tls": None, "host": "broker.example"}, "tls is missing"),
        ({"password": "hunter2"}, "a secret never stands here"),
        ({"rooms": []}, "rooms"),
        ({"rooms": ["durg", "durg"]}, "named twice"),
        ({"rooms": ["Durg/+"]}, "rooms"),
        ({"port": "1883"}, "port"),
        ({"tls": {"insecure": "no"}}, "insecure"),
        ({"keepalive": 0}, "keepalive"),
        ({"passwrod": 1}, "passwrod"),
    ],
)
def test_a_wrong_option_is_refused_by_name(changes: dict[str, Any], said: str) -> None:
    good = {"kind": "mqtt", "path": "wan", "host": "127.0.0.1", "rooms": ["durg"], "tls": {}}
    with pytest.raises(ValidationError, match=said) as error:
        channel("mqtt").options(**{**good, **changes})
    assert "hunter2" not in str(error.value.errors(include_input=False))
