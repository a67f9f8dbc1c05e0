"""Fakes that keep rules: a loop whose time jumps, a clock, lines, a mailbox, a room; and `Story`, the gateway among them.

In a story everything of the house is real (pollers, rules, desk, journal on a real file, outbox, uplink, API on a real
socket); only time, wires and the far ends are made here. An hour takes a second or two.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import selectors
import shutil
import tempfile
import uuid
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar
from zoneinfo import ZoneInfo

import aiohttp
from aiohttp import web

from drivers.links.stats import Tally
from drivers.sim import hikvision_answers as answers
from drivers.sim.device import Refused, SimulatedDevice
from drivers.sim.hikvision import SimHikvision
from drivers.sim.hikvision_recorder import SimCamera, SimRecorder
from sentinel.channels.mqtt import MqttWire
from sentinel.commands.tables import real_tables
from sentinel.core import facts
from sentinel.core.encoding import stamp
from sentinel.core.model import ContactSense, Failure, LimitSense, StateSense
from sentinel.demo.room import Copy
from sentinel.demo.sink import DATABASE, Sink
from sentinel.duty.clock import SystemClock
from sentinel.gateway.app import Gateway
from sentinel.gateway.world import World
from sentinel.ports import ChannelError, HttpReply, LinkError, Sent, Speech
from sentinel.settings.branch import Loaded, load
from sentinel.settings.problems import Level, Problem
from sentinel.telemetry.model import SpoolUnavailable
from sentinel.telemetry.spool import Spool
from tests.example import EXAMPLE, wired
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Mapping

    from drivers.links.stats import LinkStats
    from sentinel.channels.mqtt import Listener, MqttOptions
    from sentinel.core.facts import Recorded
    from sentinel.core.incident import Incident
    from sentinel.core.model import Value
    from sentinel.journal.thread import Journal
    from sentinel.ports import Channel, HttpRequest, Letter, Request, Words, Write
    from sentinel.settings import equipment
    from sentinel.settings.problems import Problem
    from sentinel.telemetry.model import Keep

T = TypeVar("T")
F = TypeVar("F")

MONDAY_NOON = datetime(2026, 6, 1, 6, 30, tzinfo=UTC)  # in Bhilai: the branch is open
MONDAY_NIGHT = datetime(2026, 6, 1, 18, 30, tzinfo=UTC)  # midnight in Bhilai
KOLKATA = ZoneInfo("Asia/Kolkata")
BRANCH = "shivnath-sector6"
ROOM = "durg"
ROOM_BEATS_S = 10.0


# --- Time -----------------------------------------------------------------------------------------------------------


class _Leaping(selectors.DefaultSelector):
    """Where the loop would sleep it leaps, unless a thread works for it or bytes wait."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        self.loop.leap(1e-6)  # a turn of the loop takes some time in every world: nobody spins for ever on a rounding
        if events or timeout == 0:
            return events
        if self.loop.outside or timeout is None:
            return super().select(10.0)  # a thread wakes it; a loop that waits for nothing is a hung test
        self.loop.leap(max(timeout, self.loop.grain_s))
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its time is the next timer's. While a thread works for somebody here, time stands still."""

    def __init__(self) -> None:
        selector = _Leaping()
        selector.loop = self
        self._now = 1000.0
        self.outside = 0  # calls that a thread works on
        self.grain_s = 0.0  # leap at least so far: a machine whose loop is served only now and then
        super().__init__(selector)

    def time(self) -> float:
        return self._now

    def leap(self, by_s: float) -> None:
        self._now += by_s

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        work = super().run_in_executor(executor, func, *args)
        self.outside += 1
        work.add_done_callback(self._back)
        return work

    def _back(self, _work: asyncio.Future[Any]) -> None:
        self.outside -= 1

    def watch(self, journal: Journal) -> None:
        """The journal has a thread of its own: time stands still while it writes."""
        submit: Callable[[Callable[[], Any], float], Awaitable[Any]] = journal._submit

        async def counted(work: Callable[[], Any], deadline_s: float) -> Any:
            self.outside += 1
            try:
                return await submit(work, deadline_s)
            finally:
                self.outside -= 1

        setattr(journal, "_submit", counted)  # noqa: B010 - the one seam of the fakes into the house


def virtual_loop() -> VirtualLoop:
    """The running one."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop


class FakeClock:
    """The clocks of a machine, for a real SystemClock to read: wall time is right, wrong, or stepped, as the story says."""

    def __init__(self, now: datetime = MONDAY_NOON, *, synced: bool = True) -> None:
        self._loop = asyncio.get_running_loop()
        self.boot(now, synced=synced)

    def boot(self, now: datetime, *, synced: bool) -> None:
        """The machine starts: its monotonic time begins anew, its wall time is whatever the battery says."""
        self._began, self._set, self._set_at = self._loop.time(), now, self._loop.time()
        self.synced = synced
        self.boot_id = uuid.uuid4().hex

    def wall(self) -> datetime:
        return self._set + timedelta(seconds=self._loop.time() - self._set_at)

    def step(self, to: datetime, *, synced: bool = True) -> None:
        """Somebody sets the clock."""
        self._set, self._set_at, self.synced = to, self._loop.time(), synced

    def monotonic(self) -> float:
        return self._loop.time() - self._began

    def disciplined(self) -> bool:
        return self.synced

    def system(self, trusted: bool = False) -> SystemClock:
        """What the daemon makes of them."""
        return SystemClock(trusted=trusted, wall=self.wall, monotonic=self.monotonic, disciplined=self.disciplined)


# --- Lines ----------------------------------------------------------------------------------------------------------


@dataclass
class FakeLink:
    """One line with simulated devices on it, that can be cut, or on which a device says nothing."""

    name: str
    devices: dict[int, SimulatedDevice] = field(default_factory=dict)
    cut: bool = False
    silent: set[int] = field(default_factory=set)
    takes_s: float = 0.01
    timeout_s: float = 0.3
    asked: list[tuple[float, int]] = field(default_factory=list)  # (time, unit)
    broken: list[LinkError] = field(default_factory=list)  # the next answers
    tally: Tally = field(default_factory=Tally)

    async def read(self, request: Request, timeout_s: float | None = None) -> Words:
        now = asyncio.get_running_loop().time()
        self.asked.append((now, request.unit))
        if self.cut:
            await asyncio.sleep(0)
            raise LinkError(Failure.NOT_CONNECTED, "the line is cut")
        if request.unit in self.silent or request.unit not in self.devices:
            await asyncio.sleep(timeout_s or self.timeout_s)
            raise LinkError(Failure.NO_REPLY, f"unit {request.unit} says nothing")
        await asyncio.sleep(self.takes_s)
        if self.broken:
            raise self.broken.pop(0)
        try:
            return tuple(self.devices[request.unit].read(request.table, request.address, request.count, now))
        except Refused as error:
            raise LinkError(Failure.REFUSED, str(error)) from None

    async def write(self, write: Write) -> None:
        self.devices[write.unit].write(write.table, write.address, write.values)

    def held_s(self, unit: int) -> float:
        return 0.0

    def stats(self) -> LinkStats:
        return self.tally.snapshot()

    async def close(self) -> None:
        pass


class FakeByteLine:
    """A line that carries bytes, with a panel at its other end; it can be cut, not be there, or take nothing any more."""

    def __init__(self) -> None:
        self.there = True  # the port, the module
        self.stuck = False  # takes nothing that is said
        self.opened = 0
        self.said: list[tuple[float, bytes]] = []  # what the gateway said, with its time
        self.on_said: Callable[[bytes], None] = lambda _data: None
        self._coming: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._open = False

    async def open(self) -> None:
        await asyncio.sleep(0.01)
        if not self.there:
            raise LinkError(Failure.NOT_CONNECTED, "no such port")
        self.opened += 1
        self._open, self._coming = True, asyncio.Queue()

    async def receive(self) -> bytes:
        data = await self._coming.get()
        if data is None:
            raise LinkError(Failure.NOT_CONNECTED, "the line is gone")
        return data

    async def send(self, data: bytes) -> None:
        if self.stuck:
            await asyncio.Event().wait()
        self.said.append((asyncio.get_running_loop().time(), data))
        self.on_said(data)

    async def close(self) -> None:
        self._open = False

    def say(self, data: bytes) -> None:
        """The panel says it; over a line that is not open nobody hears it."""
        if self._open:
            self._coming.put_nowait(data)

    def cut(self, *, back: bool = False) -> None:
        """The adapter is pulled out, and put back."""
        self.there = back
        if not back:
            self._coming.put_nowait(None)


class FakeRecorderLink:
    """A line to a recorder: each question takes its time and is answered by `answer`, all at once where they come so."""

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        self.answer = answer  # a reply, or the LinkError that the line would raise
        self.takes_s = 0.05
        self.failure: Failure | None = None  # of everything
        self.asked: list[tuple[float, Any]] = []
        self.together = self.most = 0  # questions under way, and at most so far
        self.streams = 0  # opened so far
        self._events: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def read(self, request: Any, timeout_s: float | None = None) -> Any:
        self.asked.append((asyncio.get_running_loop().time(), request))
        self.together += 1
        self.most = max(self.most, self.together)
        try:
            await asyncio.sleep(self.takes_s)
        finally:
            self.together -= 1
        if self.failure is not None:
            raise LinkError(self.failure, "the recorder does not answer")
        found = self.answer(request)
        if isinstance(found, LinkError):
            raise found
        return found

    async def stream(self, request: Any) -> AsyncGenerator[bytes, None]:
        self.streams += 1
        await asyncio.sleep(self.takes_s)
        if self.failure is not None:
            raise LinkError(self.failure, "the recorder does not answer")
        while (event := await self._events.get()) is not None:
            yield event

    def event(self, data: bytes | None) -> None:
        """The recorder says something by its stream; None: it drops it."""
        self._events.put_nowait(data)

    async def close(self) -> None:
        pass


class FakeRecorder:
    """A Hikvision recorder with the example's four cameras, asked without a network. Turn its `inside`."""

    def __init__(self, clock: FakeClock) -> None:
        cameras = {number: SimCamera(f"Camera {number}") for number in range(1, 5)}
        self.inside = SimRecorder(cameras, now=lambda: clock.wall().astimezone(KOLKATA))
        self._answers = SimHikvision(self.inside)
        self.link = FakeRecorderLink(self._answer)
        self.lacks = ""  # text in the paths that this model does not know
        self.shows: dict[int, bytes] = {}  # by channel; the simulator's own small picture where nothing is written

    def event(self, kind: str, channel: int) -> None:
        """The recorder says by its stream that something happens."""
        self.link.event(answers.event(self.inside, kind, channel, 1, active=True))

    def _answer(self, request: HttpRequest) -> HttpReply:
        if not request.signed:
            return HttpReply(401, {}, b"")
        path = request.target.partition("?")[0].removeprefix("/ISAPI/")
        text = None
        if found := re.fullmatch(r"Streaming/channels/(\d+)0[12]/picture", path):
            shown = self.shows.get(int(found[1]), self.inside.pictures["normal"])
            return HttpReply(200, {"content-type": "image/jpeg"}, shown)
        if not self.lacks or self.lacks not in path:
            text = self._answers._text(path, request.method, request.body.decode(), lying=False)
        return HttpReply(403 if text is None else 200, {"content-type": "application/xml"}, (text or "").encode())


class FakeReceiver:
    """A Sur-Gard receiver at the other end of a line: what is not acknowledged within four seconds it says again."""

    def __init__(self, line: FakeByteLine, account: str = "C601") -> None:
        self.acknowledged: list[tuple[float, str]] = []  # reports, with the time
        self.said = 0  # reports, repetitions counted
        self.works = True
        self._line, self._account = line, account
        self._waiting: list[str] = []
        self._news, self._answered = asyncio.Event(), asyncio.Event()
        self._answer = b""
        line.on_said = self._hear

    def report(self, event: str, zone: int, *, restored: bool = False) -> None:
        """The panel has reported it: three digits, and the zone."""
        self._waiting.append(f"5011 18{self._account}{'R' if restored else 'E'}{event}01{zone:03}")
        self._news.set()

    async def run(self) -> None:
        """Say what waits, and every thirty seconds that it is there; for ever."""
        loop, beat_at = asyncio.get_running_loop(), 0.0
        while True:
            report = self._waiting[0] if self._waiting else ""
            self._answered.clear()
            self._news.clear()
            if not report and loop.time() < beat_at:
                await self._within(beat_at - loop.time(), self._news)
                continue
            if self.works:
                self.said += bool(report)
                self._line.say((report or "1011           @    ").encode() + b"\x14")
            if not await self._within(4.0, self._answered) or self._answer != b"\x06":
                continue
            if report:
                self.acknowledged.append((loop.time(), self._waiting.pop(0)))
            else:
                beat_at = loop.time() + 30.0

    def _hear(self, data: bytes) -> None:
        self._answer = data
        self._answered.set()

    @staticmethod
    async def _within(seconds: float, event: asyncio.Event) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return False
        return True


# --- Far ends -------------------------------------------------------------------------------------------------------


@dataclass
class FakeMailbox:
    """A mail server and everybody's mailbox. It keeps each letter with the time when it took it."""

    down: bool = False
    takes_s: float = 0.2
    refuses: set[str] = field(default_factory=set)  # addresses
    letters: list[tuple[float, Letter]] = field(default_factory=list)
    tries: int = 0

    async def send(self, letter: Letter) -> Sent:
        self.tries += 1
        await asyncio.sleep(self.takes_s)
        if self.down:
            raise ChannelError("the mail server is lost")
        if letter.address in self.refuses:
            raise ChannelError("the mailbox was refused: 550", permanent=True)
        self.letters.append((asyncio.get_running_loop().time(), letter))
        return Sent.SENT

    async def check(self) -> None:
        await asyncio.sleep(self.takes_s)
        if self.down:
            raise ChannelError("the mail server is lost")

    async def close(self) -> None:
        pass


class FakeRoom:
    """A broker with one room behind it, which keeps a copy of the journal as a room must: it believes no broken chain."""

    def __init__(self) -> None:
        self.copy = Copy()
        self.reachable = True  # the broker
        self.online = True  # the room behind it
        self.known = True  # the broker has heard of the room at all
        self.hung = False  # it says nothing more, and the broker keeps what it said last
        self.now: Callable[[], datetime] = lambda: MONDAY_NOON
        self.said_at = MONDAY_NOON  # when it last said how it is
        self.told: list[tuple[float, facts.NoticeQueued]] = []
        self.from_memory: list[tuple[float, dict[str, Any]]] = []
        self.pieces: list[tuple[float, str, dict[str, Any]]] = []  # of pictures, each with its SHA-256
        self.retained: dict[str, Any] = {}
        self.wire: FakeWire | None = None
        self.wake = asyncio.Event()

    def set(self, *, reachable: bool | None = None, online: bool | None = None) -> None:
        """Cut or mend the way there; let the room go or come."""
        self.reachable = self.reachable if reachable is None else reachable
        self.online = self.online if online is None else online
        if online is not None and self.wire is not None and self.wire.up:
            self.wire.hear_status()
        self.wake.set()

    def take(self, topic: str, body: dict[str, Any]) -> None:
        """What a branch published."""
        kind = topic.rpartition("/")[2]
        if kind == "status":
            self.retained = body
        elif topic.rpartition("/")[0].endswith("/blob"):
            self.pieces.append((asyncio.get_running_loop().time(), kind, body))
        elif kind == "bare":
            self.from_memory.append((asyncio.get_running_loop().time(), body))
        elif kind == "facts" and self.online and not self.hung:
            known = len(self.copy.facts)
            if body["epoch"] != self.copy.epoch and body["from"] == 1:
                known = len(self.copy.facts)
            self.copy.take(body)
            for one in self.copy.facts[known:]:
                if isinstance(one.fact, facts.NoticeQueued) and one.fact.channel == "room":
                    self.told.append((asyncio.get_running_loop().time(), one.fact))

    def command(self, kind: str, *, retained: bool = False, **given: Any) -> str:
        """Give a command, as it stands on the wire; its id."""
        assert self.wire is not None
        body = {"id": uuid.uuid4().hex, "kind": kind} | given
        self.wire.hear(f"command/{ROOM}", body, retained=retained)
        return str(body["id"])


class FakeWire(MqttWire):
    """The uplink's wire to `FakeRoom`."""

    def __init__(self, options: MqttOptions, client_id: str, room: FakeRoom) -> None:
        super().__init__(options, client_id)
        self._room = room
        self._listener: Listener | None = None
        self._up = False
        room.wire = self

    @property
    def up(self) -> bool:
        return self._up

    async def run(self, listener: Listener, topics: tuple[str, ...]) -> None:
        room, told = self._room, False
        try:
            while True:
                await asyncio.sleep(0.05)
                if self._room.reachable:
                    self._listener, self._up, told = listener, True, True
                    listener.changed(None)
                    self.hear_status(retained=True)
                    while room.reachable:
                        self.hear_status()
                        room.wake.clear()
                        with suppress(TimeoutError):
                            async with asyncio.timeout(ROOM_BEATS_S):
                                await room.wake.wait()
                    self._up = False
                    listener.changed("the connection was lost")
                elif not told:
                    told = True
                    listener.changed("the broker does not answer")
                room.wake.clear()
                if not room.reachable:
                    await room.wake.wait()
        finally:
            self._up = False

    async def publish(
        self, topic: str, payload: str, *, qos: int = 1, retain: bool = False, timeout_s: float = 5.0
    ) -> None:
        if not self.up:
            raise ChannelError("not connected")
        await asyncio.sleep(0.02)
        if not self.up:
            raise ChannelError("the broker did not confirm it")
        self._room.take(topic, json.loads(payload))
        copy = self._room.copy
        if self._room.online and not self._room.hung and copy.seq and topic.endswith("/facts"):
            receipt = {"epoch": copy.epoch, "seq": copy.seq, "hash": copy.hash}
            asyncio.get_running_loop().call_later(0.03, self.hear, f"receipt/{ROOM}", receipt)

    def hear_status(self, *, retained: bool = False) -> None:
        """What the room says of itself now, or what the broker kept of it."""
        room = self._room
        assert self._listener is not None
        if not room.known or (room.hung and not retained):
            return
        if not retained:
            room.said_at = room.now()
        body: dict[str, object] = {"state": "online" if room.online else "offline", "at": stamp(room.said_at)}
        self._listener.heard(f"sentinel/v1/rooms/{ROOM}/status", body, retained=retained)

    def hear(self, topic: str, body: dict[str, Any], retained: bool = False) -> None:
        if self.up and self._listener is not None:
            self._listener.heard(f"sentinel/v1/{BRANCH}/{topic}", body, retained=retained)


class FakeStore(Sink):
    """A database of measured values on a real port of this machine: it believes no line, and can be away or refuse."""

    def __init__(self) -> None:
        super().__init__(port=free_port())
        self.answers = 204  # what it says to the next writes
        self.asked = 0
        self.lines: list[str] = []  # as they came, also twice
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        await self.come()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.go()

    async def come(self) -> None:
        """Be there."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.add_routes([web.post("/api/v2/write", self.take)])
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def go(self) -> None:
        """Be away: connections are refused."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def take(self, request: web.Request) -> web.Response:
        self.asked += 1
        text = (await request.read()).decode()
        if self.answers != 204:
            return web.Response(status=self.answers)
        answer = await self.write(request)
        if answer.status == 204:
            self.lines += text.split("\n")
        return answer

    def of(self, measurement: str) -> list[str]:
        """Every line of a measurement, in the order in which it came."""
        return [line for line in self.lines if line.startswith(f"{measurement},")]


class FakeCard:
    """The card under the spool: full, dead, or hanging, as the story says. The file on it is a real one."""

    def __init__(self) -> None:
        self.dead = False
        self.hangs = False
        self.free_bytes = 2**30
        self.appends = 0

    def spool(self, path: Path, keep: Keep, forward: bool) -> Spool:
        return CardSpool(self, path, keep, forward)


class CardSpool(Spool):
    """The real spool on a `FakeCard`. While its thread works, time stands still."""

    def __init__(self, card: FakeCard, path: Path, keep: Keep, forward: bool) -> None:
        super().__init__(path, keep, forward=forward)
        self._card = card

    async def _submit(self, work: Callable[[], T], deadline_s: float) -> T:
        if self._card.hangs:
            await asyncio.sleep(deadline_s)
            raise SpoolUnavailable(f"no answer within {deadline_s:g} s")
        if self._card.dead:
            raise SpoolUnavailable("disk I/O error")
        self._card.appends += 1
        loop = asyncio.get_running_loop()
        if not isinstance(loop, VirtualLoop):
            return await super()._submit(work, deadline_s)
        loop.outside += 1
        try:
            return await super()._submit(work, deadline_s)
        finally:
            loop.outside -= 1


# --- The whole branch -----------------------------------------------------------------------------------------------


class Story:
    """One branch of the example config and its surroundings. Use with `async with`; then it has been running 3 seconds."""

    def __init__(
        self,
        *,
        edits: Mapping[str, str] | None = None,
        now: datetime = MONDAY_NOON,
        synced: bool = True,
        store: FakeStore | None = None,
        whole: bool = False,
    ) -> None:
        self.store = store  # none: no database is configured
        self._whole = whole  # with the example's recorder and its talking panel
        self.card = FakeCard()
        self.home = Path(tempfile.mkdtemp(prefix="story-"))  # a socket's path must be short
        self.state_dir = self.home / "state"
        self.clock = FakeClock(now, synced=synced)
        self.mail = FakeMailbox()
        self.room = FakeRoom()
        self.room.now = self.clock.wall
        self.links: dict[str, FakeLink] = {}
        self.line = FakeByteLine()  # to the receiver, where there is one
        self.receiver = FakeReceiver(self.line)
        self.cctv = FakeRecorder(self.clock)
        self.record: list[Recorded] = []
        self.gateway: Gateway
        self._task: asyncio.Task[None] | None = None
        self._receiving: asyncio.Task[None] | None = None
        self._zero = 0.0
        self._write(dict(edits or {}))
        loaded = self.load()
        assert loaded.settings is not None, [str(one) for one in loaded.problems if one.level is Level.ERROR]
        self.settings = loaded.settings
        self._build_plant()

    async def __aenter__(self) -> Self:
        await self.boot()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.power_off()
        if self._receiving is not None:
            self._receiving.cancel()
        shutil.rmtree(self.home)

    # --- Settings

    def _write(self, edits: dict[str, str]) -> None:
        """The example with its places moved, and with what this story says otherwise."""
        secrets = self.home / "secrets"
        secrets.mkdir(exist_ok=True)
        (secrets / "sho-mail").write_text("sho.bhilai@police.example", encoding="utf-8")
        (secrets / "mqtt-password").write_text("x", encoding="utf-8")
        (secrets / "mail-password").write_text("x", encoding="utf-8")
        (secrets / "influx-token").write_text("x", encoding="utf-8")
        os.environ["CREDENTIALS_DIRECTORY"] = str(secrets)
        (secrets / "cctv-password").write_text("right", encoding="utf-8")
        text = EXAMPLE.read_text(encoding="utf-8") if self._whole else wired()
        own = {
            "/var/lib/sentinel ": f"{self.state_dir} ",
            "/run/sentinel/sentinel.sock": f"{self.home}/s.sock",
            "  page_port: 8080 ": "  page_port: null ",
        }
        for before, after in {**own, **edits}.items():
            assert before in text, f"the example does not say {before!r}"
            text = text.replace(before, after)
        if self.store is None:
            text = re.sub(r"  influx:\n(?:    .*\n)+", "", text)
        else:
            text = text.replace("https://influx.durg-police.example:8086", f"http://127.0.0.1:{self.store.port}")
            text = text.replace("bucket: branches", f"bucket: {DATABASE}")
        self.config.write_text(text, encoding="utf-8")

    @property
    def config(self) -> Path:
        return self.home / "branch.yaml"

    def load(self) -> Loaded:
        return load(self.config, real_tables(self.home))

    async def reload(self, edits: Mapping[str, str]) -> tuple[Problem, ...]:
        """SIGHUP with another file; what is wrong with it."""
        self._write(dict(edits))
        self.gateway._reload.set()
        await self.seconds(2)
        return self.load().problems

    # --- The plant

    def _build_plant(self) -> None:
        for name, link in self.settings.links.items():
            if link.speech is Speech.MODBUS:
                self.links[name] = FakeLink(name)
        self._devices: dict[str, SimulatedDevice] = {}
        for id_, device in self.settings.devices.items():
            if device.link not in self.links:
                continue
            profile, options = device.profile, device.options
            made = SimulatedDevice(id_, profile, options.unit, options.counts)  # type: ignore[arg-type, attr-defined]
            self.links[device.link].devices[made.unit] = made
            self._devices[id_] = made
        for id_, zone in {**self.settings.zones, **self.settings.summaries}.items():
            if zone.device() in self._devices:
                self.release(id_)

    def press(self, zone: str, value: Value | None = None) -> None:
        """Bring the zone's point into alarm."""
        self._set(zone, alarm=True, value=value)

    def release(self, zone: str, value: Value | None = None) -> None:
        """And back."""
        self._set(zone, alarm=False, value=value)

    def _set(self, zone: str, *, alarm: bool, value: Value | None) -> None:
        wired = self.settings.zones.get(zone) or self.settings.summaries[zone]
        device, _, point = wired.point.partition(".")
        match wired.wiring.sense():
            case ContactSense(alarm_when=when):
                found: Value = when if alarm else not when
            case StateSense():
                found = "fire" if alarm else "normal"
            case LimitSense(low=low, high=high):
                limit = high if low is None else low
                assert limit is not None
                found = limit + (5.0 if (low is None) is alarm else -5.0)
            case _:
                raise AssertionError(zone)
        self._devices[device].set(point, found if value is None else value)

    def silence(self, device: str, *, back: bool = False) -> None:
        """The device answers nothing any more."""
        wired = self.settings.devices[device]
        link, unit = self.links[wired.link], self._devices[device].unit
        (link.silent.discard if back else link.silent.add)(unit)

    def cut(self, link: str, *, back: bool = False) -> None:
        """The line is unplugged."""
        self.links[link].cut = not back

    # --- Power

    def _world(self) -> World:
        def link(entry: equipment.Link, name: str, folder: Path) -> Any:
            match entry.speech:
                case Speech.BYTES:
                    return self.line
                case Speech.HTTP:
                    return self.cctv.link
                case _:
                    return self.links.setdefault(name, FakeLink(name))

        def channel(entry: equipment.Channel, branch: str) -> Channel | MqttWire:
            return FakeWire(entry.options, branch, self.room) if entry.kind == "mqtt" else self.mail  # type: ignore[arg-type]

        return World(
            self.clock.system,
            lambda: self.clock.boot_id,
            link,
            channel,
            self.card.spool,
            free_bytes=lambda _folder: self.card.free_bytes,
            rss_bytes=lambda: 40 * 2**20,
        )

    async def boot(self) -> None:
        """Start the daemon and let it run for three seconds."""
        if self._whole and self._receiving is None:
            self._receiving = asyncio.create_task(self.receiver.run(), name="receiver")
        loaded = self.load()
        assert loaded.settings is not None
        self.gateway = Gateway(loaded.settings, self.load, self._world())
        virtual_loop().watch(self.gateway.journal)
        self.gateway.desk.listeners.append(self.record.extend)
        self._task = asyncio.create_task(self.gateway.run(), name="gateway")
        await self.seconds(3)

    async def power_off(self) -> None:
        """Cut the power: no good-bye."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self.gateway._memory.stop()
            self.room.wire = self._task = None

    async def stop(self) -> float:
        """SIGTERM; how long it took."""
        assert self._task is not None
        began = virtual_loop().time()
        self.gateway._asked_to_stop("SIGTERM")
        await self._task
        self._task = None
        return virtual_loop().time() - began

    async def restart(
        self, *, cut_power: bool = False, off: timedelta = timedelta(seconds=2), clock: datetime | None = None
    ) -> None:
        """Off and on again. `clock`: what the clock says then, not believable; else it is right."""
        down_at = self.clock.wall()
        await (self.power_off() if cut_power else self.stop())
        if cut_power:
            self.clock.boot(down_at + off if clock is None else clock, synced=clock is None)
        else:
            await self.seconds(off.total_seconds())
        await self.boot()

    # --- Time and people

    async def seconds(self, count: float) -> None:
        await asyncio.sleep(count)

    async def minutes(self, count: float) -> None:
        await asyncio.sleep(60 * count)

    def mark(self) -> None:
        """From here on letters are told with their time from now, and earlier ones no more."""
        self._zero = virtual_loop().time()

    async def answer(
        self,
        kind: str,
        zone: str | None = None,
        *,
        by: str = "Insp. A. Sahu",
        role: str = "police",
        code: str = "",
        valid_s: float = 60.0,
        retained: bool = False,
        **more: Any,
    ) -> str:
        """The room answers; two seconds later it has had its effect."""
        now = self.clock.wall()
        about = {"incident": f"17-{code or self.incident(zone).code}"}
        given = {"at": stamp(now), "until": stamp(now + timedelta(seconds=valid_s)), "by": {"name": by, "role": role}}
        id_ = self.room.command(kind, retained=retained, **{**given, **about, **more})
        await self.seconds(2)
        return id_

    async def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        """The daemon's API by its real socket; text where it is no JSON."""
        async with self.session() as session, session.request(method, f"http://localhost{path}", json=body) as reply:
            text = await reply.text()
            return reply.status, json.loads(text) if "json" in reply.content_type else text

    @asynccontextmanager
    async def session(self) -> AsyncIterator[aiohttp.ClientSession]:
        connector = aiohttp.UnixConnector(self.settings.gateway.socket)
        async with aiohttp.ClientSession(connector=connector) as session:
            yield session

    # --- What came of it

    def letters(self, channel: str = "", *, contact: str = "") -> list[str]:
        """ "m:ss channel contact words" of every letter since `mark`, in order: exactly these and no other."""
        words = {one.fact.notice: one.fact.words for one in self.record if isinstance(one.fact, facts.NoticeQueued)}
        all_ = [(at, "mail", one.contact, words.get(one.notice, "bare")) for at, one in self.mail.letters]
        all_ += [(at, "room", fact.contact, fact.words) for at, fact in self.room.told]
        all_ += [(at, "room", body["contact"], "bare") for at, body in self.room.from_memory]
        kept = [
            (round(at - self._zero), way, whom, what)
            for at, way, whom, what in all_
            if at >= self._zero and channel in ("", way) and contact in ("", whom)
        ]
        return [f"{at // 60}:{at % 60:02} {way} {whom} {what}" for at, way, whom, what in sorted(kept)]

    def texts(self, contact: str) -> list[str]:
        """Subject and body of the mails to somebody since `mark`."""
        return [f"{x.subject}\n{x.body}" for at, x in self.mail.letters if x.contact == contact and at >= self._zero]

    def incident(self, zone: str | None = None) -> Incident:
        """The one open incident (of this zone)."""
        found = list(self.open(zone))
        assert len(found) == 1, [one.subject for one in self.gateway.desk.state.incidents.values()]
        return found[0]

    def open(self, zone: str | None = None) -> Iterator[Incident]:
        """Open incidents, of this zone where one is given."""
        for one in self.gateway.desk.state.incidents.values():
            if zone is None or one.subject == f"zone:{zone}":
                yield one

    def subjects(self) -> list[str]:
        """What is open."""
        return sorted(one.key for one in self.open())

    def facts(self, kind: type[F]) -> list[F]:
        """Every fact of a kind that became durable, in order."""
        return [one.fact for one in self.record if isinstance(one.fact, kind)]

    async def stored(self) -> list[Recorded]:
        """What the journal holds."""
        return [one async for page in self.gateway.journal.replay() for one in page]

    async def good(self) -> None:
        """What must hold at the end of every story: the chain, and a room that has what the branch has."""
        report = await self.gateway.verify()
        assert report.ok, report.why
