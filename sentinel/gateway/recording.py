"""The branch's record: readings and states in, lines to the spool every few seconds, and how the record itself is.

    take, signals, recorded, a look each second -> Sampler -> Flush -> Spool -> Writer -> the database
                                                                         '-> plots

What is called from the way of an alarm (`take`, `signals`, `recorded`) puts down what it was given and returns: no fault
of the record, and no slip of its code, reaches an alarm. What waits for the card or the network does so in tasks of its
own. A card or a database that fails is told as a fault incident and is no reason to restart anything.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sentinel.core import facts
from sentinel.core.codes import ROLES
from sentinel.core.model import Condition, Role
from sentinel.core.signal import Signal
from sentinel.duty.supervise import supervise
from sentinel.gateway import series, showing
from sentinel.gateway.machine import in_steps
from sentinel.settings.recording import InfluxV2
from sentinel.telemetry.model import Keep, SpoolUnavailable
from sentinel.telemetry.sampling import Sampler
from sentinel.telemetry.target import version_1, version_2

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from sentinel.core.detect import ZoneView
    from sentinel.core.facts import Recorded
    from sentinel.core.incident import State
    from sentinel.core.model import Reading
    from sentinel.duty.supervise import Fallen, Progress
    from sentinel.gateway.poller import PollStats
    from sentinel.gateway.world import World
    from sentinel.ports import Clock
    from sentinel.settings.recording import Influx
    from sentinel.settings.site import Settings
    from sentinel.telemetry.model import Counts, Flush, Plot
    from sentinel.telemetry.target import Target

log = logging.getLogger("sentinel.recording")

LOOK_S = 1.0
WAITING = 5_000  # replies, states and facts put down since the last look: most of a minute; the oldest is the loser
FLUSH_S = 12.0  # a power cut takes at most 15 s
SILENT_S = 30.0
REOPEN_S = 60.0
PATIENCE_S = 60.0  # a card that mends itself within this was no fault
MINUTE_MS = 60_000
LINK_UP_S = 10.0  # a line without an answer for so long (or for two of its slowest polls) is down
ROOM_BYTES = 24 * 2**20  # the last of a card belongs to the journal: telemetry leaves it alone
STATVFS_S = 3.0
CLOSE_S = 2.0
STORE, SPOOL = "telemetry:store", "telemetry:spool"
HEALTH = {"ok": 0, "impaired": 1, "bare": 2}

RecordedPoint = series.RecordedPoint


@dataclass(frozen=True, slots=True)
class RecorderView:
    """Where the record stands now, for page, metrics and API. Seconds are ages."""

    counts: Counts
    server: str  # host and port of the database; "" where none is configured
    store_up: bool | None  # None: not heard of yet, or none is configured
    store_since_s: float
    store_reason: str  # a word of core.words.REASONS, "" while it is up
    written_age_s: float | None  # since the last line was taken there
    spool_up: bool | None  # None: not opened yet
    spool_since_s: float
    spool_reason: str  # a word of core.words.REASONS, or the disk's own
    days: int  # the spool's bounds
    limit_bytes: int
    disk_free_bytes: int | None


@dataclass(frozen=True, slots=True)
class Around:
    """What the recorder looks at, asked each time."""

    zones: Callable[[], Sequence[ZoneView]]
    links: Callable[[], Mapping[str, PollStats]]
    state: Callable[[], State]
    health: Callable[[], str]
    began: float  # monotonic, of the daemon


@dataclass(frozen=True, slots=True)
class _Seen:
    """Zones as they were at an instant between two looks."""

    views: Sequence[ZoneView]
    at_ms: int


@dataclass(slots=True)
class _Link:
    """What was last seen of a line."""

    patience_s: float
    answered: int
    answered_at: float
    up: bool | None = None  # None: nothing was heard of it yet, for less than its patience
    told: bool | None = None


class Recorder:
    """One generation of the record; a reload that changes what is recorded makes a new one. Make it inside the loop."""

    def __init__(
        self,
        settings: Settings,
        path: Path,
        world: World,
        clock: Clock,
        around: Around,
        tell: Callable[[Signal], object],
    ) -> None:
        self._settings, self._clock, self._around, self._tell = settings, clock, around, tell
        self._points = {point.point: point for point in series.numbers(settings)}
        self._sampler = Sampler()
        for point in self._points.values():
            self._sampler.measure(point.point, series.number_tags(settings, point), point.deadband)
        for zone, tags in series.zone_tags(settings).items():
            self._sampler.zone(zone, tags)
        wanted, influx = settings.telemetry.spool, settings.telemetry.influx
        self._keep = Keep(wanted.days, wanted.max_mib * 2**20)
        self._folder, self._free_bytes, self._rss_bytes = path.parent, world.free_bytes, world.rss_bytes
        self._spool = world.spool(path, self._keep, influx is not None)
        self._target = None if influx is None else target_of(influx)
        self._writer = None if self._target is None else world.writer(self._spool, self._target, clock, self._heard)
        self._store_fault: str | None = None  # what the writer wants a person to know, "" once it is mended
        self._spool_up: bool | None = None
        self._spool_since = self._retry_at = clock.monotonic()
        self._spool_reason = ""
        self._free: int | None = None
        self._asking: asyncio.Task[int] | None = None  # how much room there is; a card that hangs is asked once only
        self._readings: deque[Sequence[Reading]] = deque(maxlen=WAITING)
        self._missed = 0  # readings
        self._seen: deque[_Seen] = deque(maxlen=WAITING)
        self._facts: deque[Recorded] = deque(maxlen=WAITING)
        self._links: dict[str, _Link] = {}
        self._health = ""
        self._bare_at = -PATIENCE_S  # when the journal could not be written either
        self._minute = -1
        self._told: dict[str, bool] | None = None  # which faults stand; None: the journal was not read yet
        self._flushing = asyncio.Lock()
        self._closed = False
        self._closing: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._progress: Progress | None = None
        self._alive: Callable[[], None] = lambda: None
        self._offset_s = clock.now().timestamp() - clock.monotonic()

    # --- Life ------------------------------------------------------------------------------------------------------

    def open(self, progress: Progress, fallen: Fallen) -> None:
        """Begin to look, to flush and to write. Only a look that stands still is a reason for the watchdog."""
        self._progress, self._alive = progress, progress.expect("recorder", SILENT_S)
        works: dict[str, Callable[[], Awaitable[None]]] = {"recorder": self._keep_looking, "spool": self._keep_flushing}
        if self._writer is not None:
            works["writer"] = self._writer.run
        for name, work in works.items():
            self._tasks.append(asyncio.create_task(supervise(name, work, fallen), name=name))

    async def close(self) -> Flush | None:
        """Put what is in memory on the card, within CLOSE_S and the spool's own deadline; what it did not take comes back."""
        await self._leave(*(task for task in self._tasks if task.get_name() != "spool"))
        if self._progress is not None:
            self._progress.forget("recorder")
        try:
            async with asyncio.timeout(CLOSE_S), self._flushing:
                self._closed = True
                await self._flush_now()
        except TimeoutError:
            log.warning("the spool did not close in time")
        self._closed = True
        await self.abandon()
        self._catch_up()
        return self._sampler.flush()

    def inherit(self, left: Flush | None) -> None:
        """What the recorder before this one could not put on the card."""
        if left is not None:
            self._sampler.refused(left)

    async def abandon(self) -> None:
        """Stop without a flush and give the file back; also a second time. A card that hangs is left to the kernel."""
        await self._leave(*self._tasks)
        self._tasks.clear()
        if self._asking is not None:
            self._asking.cancel()
        if self._closing is None:
            self._closing = asyncio.create_task(self._spool.close(), name="spool closes")
        await asyncio.wait({self._closing}, timeout=CLOSE_S)

    @staticmethod
    async def _leave(*tasks: asyncio.Task[None]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- What is seen ------------------------------------------------------------------------------------------------

    def take(self, readings: Sequence[Reading]) -> None:
        """ports.TelemetrySink: every reading of every poll."""
        if len(self._readings) == WAITING:
            self._missed += len(self._readings[0])
        self._readings.append(readings)

    def signals(self, signals: Sequence[Signal]) -> None:
        """A zone changed just now: an alarm shorter than a second is recorded too. Silent zones wait for the look."""
        changed = {one.subject for one in signals if not ROLES[one.role].silent}
        if any(subject.startswith("zone:") for subject in changed):
            views = [view for view in self._around.zones() if f"zone:{view.zone.id}" in changed]
            self._seen.append(_Seen(views, self._now_ms()))

    def recorded(self, records: Sequence[Recorded]) -> None:
        """Facts became durable, some of them of incidents."""
        self._facts.extend(records)

    async def _keep_looking(self) -> None:
        while True:
            self._alive()  # first: a look that falls is started again by its supervisor, and no restart mends it
            self.look()
            await asyncio.sleep(LOOK_S)

    def _catch_up(self) -> None:
        """Sample what was put down. It is taken away first: what makes this fall does so once."""
        while self._readings:
            self._sampler.take(self._readings.popleft(), self._offset_s)
        while self._seen:
            seen = self._seen.popleft()
            self._saw(seen.views, seen.at_ms)
        while self._facts:
            self._note(self._facts.popleft())

    def _note(self, one: Recorded) -> None:
        """What the branch may see of an incident that opened, was answered or closed."""
        match one.fact:
            case facts.IncidentOpened(code=code) | facts.Answered(code=code) | facts.IncidentClosed(code=code):
                incident = self._around.state().find(code)
            case _:
                return
        if incident is None or incident.silent:
            return
        tags = {"branch": self._settings.branch.id, "role": incident.role, "severity": incident.severity}
        is_open = not isinstance(one.fact, facts.IncidentClosed)
        answered = isinstance(one.fact, facts.Answered)
        values = {"code": int(code), "event": incident.event, "open": int(is_open), "answered": int(answered)}
        self._sampler.other("incident", tags, values, int(one.at.timestamp() * 1000))

    def look(self) -> None:
        """One look around: every zone, and what of lines and daemon is due."""
        now = self._clock.monotonic()
        self._offset_s = self._clock.now().timestamp() - now
        now_ms = self._now_ms()
        self._catch_up()
        self._saw(self._around.zones(), now_ms)
        turned, self._minute = now_ms // MINUTE_MS != self._minute, now_ms // MINUTE_MS
        for name, stats in self._around.links().items():
            self._see_link(name, stats, now, now_ms, due=turned)
        health = self._around.health()
        if turned or health != self._health:
            self._health = health
            self._see_daemon(now, now_ms)
        self._judge(now)

    def _saw(self, views: Sequence[ZoneView], now_ms: int) -> None:
        for view in views:
            self._sampler.saw(view.zone.id, *series.state_of(showing.zone(view)), now_ms)

    def _see_link(self, name: str, stats: PollStats, now: float, now_ms: int, *, due: bool) -> None:
        answered = stats.reads - stats.failed
        link = self._links.get(name)
        if link is None or answered < link.answered:  # a reload made the poller anew
            link = self._links[name] = _Link(self._patience_s(name), 0, now)
        if answered > link.answered:
            link.answered, link.answered_at, link.up = answered, now, True
        elif now - link.answered_at > link.patience_s:
            link.up = False
        if link.up is None or (link.up is link.told and not due):
            return
        link.told = link.up
        values = {"up": int(link.up), "latency_ms": round(stats.latency_s * 1000, 1), "errors": stats.failed}
        self._sampler.other("link", {"branch": self._settings.branch.id, "link": name}, values, now_ms)

    def _patience_s(self, link: str) -> float:
        devices = {id_ for id_, device in self._settings.devices.items() if device.link == link}
        polled = (every for point, every in self._settings.polled.items() if point.partition(".")[0] in devices)
        return max(LINK_UP_S, 2 * max(polled, default=0.0))

    def _see_daemon(self, now: float, now_ms: int) -> None:
        counts = self._spool.counts()
        rss = self._rss_bytes()
        values: dict[str, bool | int | float | str] = {
            "uptime_s": int(now - self._around.began),
            "spool_depth": counts.waiting,
            "points_made": counts.made,
            "points_written": counts.written,
            "points_dropped": counts.dropped,
            "readings_missed": self._missed,
            "health": HEALTH[self._health],
            "clock_synced": int(self._clock.synchronised()),
        }
        if rss is not None:
            values["rss_bytes"] = rss
        if self._free is not None:
            values["disk_free_bytes"] = in_steps(self._free)
        self._sampler.other("gateway", {"branch": self._settings.branch.id}, values, now_ms)

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)

    # --- To the card -----------------------------------------------------------------------------------------------

    async def _keep_flushing(self) -> None:
        due = self._clock.monotonic()
        while not self._closed:
            async with self._flushing:
                await self._flush_now()
            due = max(due + FLUSH_S, self._clock.monotonic())
            await asyncio.sleep(due - self._clock.monotonic())
        await asyncio.Event().wait()  # closed: whoever supervises this need not start it again

    async def _flush_now(self) -> None:
        """One flush. What the card does not take stays in the sampler, which is bounded and counts what it drops."""
        try:
            await self._have_room()
            if self._spool.failure is not None:
                await self._reopen()
            self._catch_up()
            flush = self._sampler.flush()
            if flush is None:
                return
            try:
                await self._spool.append(flush)
            except BaseException:
                self._sampler.refused(flush)
                raise
        except SpoolUnavailable as error:
            self._spool_is(False, str(error))
            return
        self._spool_is(True, "")
        if self._writer is not None:
            self._writer.wake()

    async def _have_room(self) -> None:
        if self._asking is None:
            self._asking = asyncio.create_task(asyncio.to_thread(self._free_bytes, self._folder), name="room")
        done, _ = await asyncio.wait({self._asking}, timeout=STATVFS_S)
        if not done:
            self._free = None
            raise SpoolUnavailable("the card does not answer")
        asked, self._asking = self._asking, None
        try:
            self._free = asked.result()
        except OSError as error:
            self._free = None
            raise SpoolUnavailable(error.strerror or str(error)) from None
        if self._free < ROOM_BYTES:
            raise SpoolUnavailable("no-room")

    async def _reopen(self) -> None:
        now = self._clock.monotonic()
        if now < self._retry_at:
            raise SpoolUnavailable(self._spool_reason or str(self._spool.failure))
        self._retry_at = now + REOPEN_S
        await self._spool.open(self._now_ms())

    def _spool_is(self, up: bool, reason: str) -> None:
        if up is not self._spool_up:
            now = self._clock.monotonic()
            if not up:
                log.warning("spool lost: %s", reason)
            elif self._spool_up is False:
                log.info("spool back after=%.0fs", now - self._spool_since)
            self._spool_up, self._spool_since = up, now
        self._spool_reason = reason

    # --- Faults ------------------------------------------------------------------------------------------------------

    def _heard(self, up: bool, reason: str) -> None:
        """From the writer: what a person should know of the database, and that it is mended."""
        self._store_fault = "" if up else reason
        self._judge(self._clock.monotonic())

    def _judge(self, now: float) -> None:
        """Tell what has lasted, and that it is over, once each. A fault of before the restart stands until it is mended."""
        if self._told is None:
            conditions = self._around.state().conditions
            self._told = {one: conditions.get(f"{one}/trouble") is Condition.TROUBLE for one in (STORE, SPOOL)}
        if self._health == "bare":  # the same card, and told already: by itself this is news again once that is over
            self._bare_at = self._retry_at = now
        lasted = self._spool_up is False and now - max(self._spool_since, self._bare_at) >= PATIENCE_S
        if lasted and not self._told[SPOOL]:
            self._say(SPOOL, "no-room" if self._spool_reason == "no-room" else "card")
        elif self._spool_up and self._told[SPOOL]:
            self._say(SPOOL, "")
        if self._store_fault:
            if not self._told[STORE]:
                self._say(STORE, self._store_fault)
        elif self._told[STORE] and (self._writer is None or self._store_fault == "" or self._writer.view().up):
            self._say(STORE, "")

    def _say(self, subject: str, reason: str) -> None:
        assert self._told is not None
        self._told[subject] = bool(reason)
        rule = ROLES[Role.TELEMETRY]
        condition = Condition.TROUBLE if reason else Condition.NORMAL
        self._tell(
            Signal(subject, Role.TELEMETRY, condition, Condition.TROUBLE, rule.event, rule.severity, reason[:80])
        )

    # --- What others ask -------------------------------------------------------------------------------------------

    def view(self) -> RecorderView:
        """Where the record stands now."""
        now = self._clock.monotonic()
        store = None if self._writer is None else self._writer.view()
        return RecorderView(
            counts=self._spool.counts(),
            server="" if self._target is None else urlsplit(self._target.url).netloc,
            store_up=None if store is None else store.up,
            store_since_s=0.0 if store is None else store.since_s,
            store_reason="" if store is None else store.reason,
            written_age_s=None if store is None else store.last_written_s,
            spool_up=self._spool_up,
            spool_since_s=now - self._spool_since,
            spool_reason=self._spool_reason,
            days=self._keep.days,
            limit_bytes=self._keep.bytes,
            disk_free_bytes=None if self._free is None else in_steps(self._free),
        )

    def points(self) -> list[RecordedPoint]:
        """The numbers that can be plotted."""
        return list(self._points.values())

    async def plot(self, point: str, begin_s: int, end_s: int, most: int = 600) -> Plot:
        """LookupError for what is not recorded, SpoolUnavailable when the card cannot be read now."""
        if point not in self._points:
            raise LookupError(f"'{point}' is no recorded number")
        return await self._spool.plot(point, begin_s, end_s, most)


def target_of(influx: Influx) -> Target:
    """The database that the settings name."""
    if isinstance(influx, InfluxV2):
        return version_2(
            influx.url, org=influx.org or "", bucket=influx.bucket, token=influx.token, ca_file=influx.ca_file
        )
    return version_1(
        influx.url,
        database=influx.database,
        retention_policy=influx.retention_policy,
        username=influx.username,
        password=influx.password,
        ca_file=influx.ca_file,
    )
