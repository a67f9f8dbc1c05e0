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
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sentinel.core import facts
from sentinel.core.codes import ROLES
from sentinel.core.model import Condition
from sentinel.duty.supervise import supervise
from sentinel.gateway import series, showing
from sentinel.gateway.card import CLOSE_S, NO_ROOM, Card
from sentinel.gateway.faults import DAMAGED, Fault
from sentinel.gateway.machine import in_steps
from sentinel.gateway.recorders import Recorders
from sentinel.gateway.vitals import Daemon, Vitals
from sentinel.pictures.shelf import LEFT
from sentinel.settings.recording import InfluxV2
from sentinel.telemetry.model import Keep
from sentinel.telemetry.sampling import Sampler
from sentinel.telemetry.target import version_1, version_2

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from sentinel.core.detect import ZoneView
    from sentinel.core.facts import Recorded
    from sentinel.core.incident import State
    from sentinel.core.model import Reading
    from sentinel.core.signal import Signal
    from sentinel.duty.supervise import Fallen, Progress
    from sentinel.gateway.poller import PollStats
    from sentinel.gateway.world import World
    from sentinel.ports import Clock
    from sentinel.settings.recording import Influx
    from sentinel.settings.site import Settings
    from sentinel.telemetry.model import Counts, Damage, Flush, Plot
    from sentinel.telemetry.target import Target

log = logging.getLogger("sentinel.recording")

LOOK_S = 1.0
WAITING = 5_000  # replies, states and facts put down since the last look: most of a minute; the oldest is the loser
SLICE = 10  # of those at a turn of the loop: some milliseconds on a Pi, with fifty values in each reply
FLUSH_S = 12.0  # a power cut takes at most 15 s
SILENT_S = 30.0
DAMAGED_S = 3600.0  # a file that was begun anew is well at once, and somebody should see that it was not
STORE, SPOOL = "telemetry:store", "telemetry:spool"


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
    latest: Callable[[], Mapping[str, Reading]]
    links: Callable[[], Mapping[str, PollStats]]
    state: Callable[[], State]
    health: Callable[[], str]
    began: float  # monotonic, of the daemon
    pictures: Callable[[], int] = lambda: 0  # bytes of those that are kept


@dataclass(frozen=True, slots=True)
class _Seen:
    """Zones as they were at an instant between two looks."""

    views: Sequence[ZoneView]
    at_ms: int


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
        self._rss_bytes = world.rss_bytes
        self._spool = world.spool(path, self._keep, influx is not None)
        self._card = Card(self._spool, path.parent, world.free_bytes, clock)
        self._vitals = Vitals(settings, self._sampler)
        self._recorders = Recorders(settings, self._sampler)
        self._target = None if influx is None else target_of(influx)
        self._writer = None if self._target is None else world.writer(self._spool, self._target, clock, self._heard)
        self._store_reason: str | None = None  # what the writer wants a person to know, "" once it is mended
        self._damage: Damage | None = None
        self._damaged_at = 0.0
        self._faults: tuple[Fault, Fault] | None = None  # of card and database; None: the journal was not read yet
        self._readings: deque[Sequence[Reading]] = deque(maxlen=WAITING)
        self._missed = 0  # readings
        self._seen: deque[_Seen] = deque(maxlen=WAITING)
        self._facts: deque[Recorded] = deque(maxlen=WAITING)
        self._health = ""
        self._flushing = asyncio.Lock()
        self._closed = False
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
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S), self._flushing:
                    self._closed = True
                    await self._flush_now()
            await self._leave(*self._tasks)  # a flush that hangs gives back what it holds
            await self._catch_up()
            if (left := self._sampler.flush()) is not None:
                log.warning("the record ends with lines that are not on the card lines=%d", len(left.lines))
            return left
        finally:
            self._closed = True
            await self.abandon()

    def inherit(self, left: Flush | None) -> None:
        """What the recorder before this one could not put on the card."""
        if left is not None:
            self._sampler.refused(left)

    async def abandon(self) -> None:
        """Stop without a flush and give the file back; also a second time. A card that hangs is left to the kernel."""
        await self._leave(*self._tasks)
        self._tasks.clear()
        await self._card.close()

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
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def _catch_up(self) -> None:
        """Sample what was put down, a slice at a turn of the loop: after a long start it is a minute's readings."""
        while self._readings or self._seen or self._facts:
            self._sample(SLICE)
            await asyncio.sleep(0)

    def _sample(self, most: int) -> None:
        """So many of what was put down. Each is taken away first: what makes this fall does so once."""
        for _ in range(most):
            if self._readings:
                self._sampler.take(self._readings.popleft(), self._offset_s)
            elif self._seen:
                seen = self._seen.popleft()
                self._saw(seen.views, seen.at_ms)
            elif self._facts:
                self._note(self._facts.popleft())
            else:
                break

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

    async def look(self) -> None:
        """One look around: every zone, and what of lines and daemon is due."""
        self._offset_s = self._clock.now().timestamp() - self._clock.monotonic()
        await self._catch_up()
        now, now_ms = self._clock.monotonic(), self._now_ms()
        zones = self._around.zones()
        self._saw(zones, now_ms)
        self._recorders.look(zones, self._around.latest(), now, now_ms)
        self._health = self._around.health()
        daemon = Daemon(
            health=self._health,
            uptime_s=int(now - self._around.began),
            synced=self._clock.synchronised(),
            missed=self._missed,
            rss_bytes=self._rss_bytes(),
            free_bytes=self._shown_free(),
        )
        self._vitals.look(self._around.links(), daemon, self._spool.counts(), now, now_ms)
        if self._writer is not None:
            self._writer.look()  # whatever its step waits for
        self._judge(now)

    def _shown_free(self) -> int | None:
        """As if no pictures were kept: those of a hold-up would be seen in it (rule 6). On a card that is too full for them,
        what there is.
        """
        free = self._card.free
        if free is None:
            return None
        return in_steps(free + self._around.pictures() if free >= LEFT else free)

    def _saw(self, views: Sequence[ZoneView], now_ms: int) -> None:
        for view in views:
            self._sampler.saw(view.zone.id, *series.state_of(showing.zone(view)), now_ms)

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
        """What the card does not take stays in the sampler, which is bounded and counts what it drops."""
        await self._catch_up()
        if await self._card.put(self._sampler) and self._writer is not None:
            self._writer.wake()

    # --- Faults ------------------------------------------------------------------------------------------------------

    def _heard(self, up: bool, reason: str) -> None:
        """From the writer: what a person should know of the database, and that it is mended."""
        self._store_reason = "" if up else reason
        self._judge(self._clock.monotonic())

    def _judge(self, now: float) -> None:
        """Say how card and database are; what of it a person hears is decided in `faults`."""
        if self._spool.damage is not self._damage:
            self._damage, self._damaged_at = self._spool.damage, now
        if self._health == "bare":
            self._card.hurry()
        if self._faults is None:
            if self._health in ("", "bare"):  # what stands is in a journal that was not read yet
                return
            self._faults = (
                self._fault(SPOOL),
                self._fault(STORE, patience_s=0.0, quiet_s=(0.0,)),
            )  # the writer has both
        spool, store = self._faults
        spool.look(self._of_card(now), now)
        store.look(self._of_store(), now)

    def _fault(self, subject: str, **times: Any) -> Fault:
        state = self._around.state()
        stands = None
        if state.conditions.get(key := f"{subject}/trouble") is Condition.TROUBLE:
            incident = state.find(state.by_key.get(key, ""))
            stands = "" if incident is None else incident.reason
        return Fault(subject, self._tell, stands, **times)

    def _of_card(self, now: float) -> str | None:
        if self._health == "bare":  # the same card, and told already: by itself this is news again once that is over
            return None
        if self._is_damaged(now):
            return DAMAGED
        if self._card.up is False:
            return NO_ROOM if self._card.reason == NO_ROOM else "card"
        return None if self._card.up is None else ""

    def _of_store(self) -> str | None:
        if self._writer is None:
            return ""
        if self._store_reason is None:  # of this run's faults; one of before it is over with the first line
            return "" if self._writer.view().up else None
        return self._store_reason

    def _is_damaged(self, now: float) -> bool:
        return self._damage is not None and now - self._damaged_at < DAMAGED_S

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
            spool_up=self._card.up,
            spool_since_s=now - self._card.since,
            spool_reason=self._card.reason or (DAMAGED if self._is_damaged(now) else ""),
            days=self._keep.days,
            limit_bytes=self._keep.bytes,
            disk_free_bytes=self._shown_free(),
        )

    def points(self) -> list[series.RecordedPoint]:
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
        return version_2(influx.url, org=influx.org, bucket=influx.bucket, token=influx.token, ca_file=influx.ca_file)
    return version_1(
        influx.url,
        database=influx.database,
        retention_policy=influx.retention_policy,
        username=influx.username,
        password=influx.password,
        ca_file=influx.ca_file,
    )
