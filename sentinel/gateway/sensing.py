"""Readings in, signals to the desk: the gateway's ears between whoever asks or listens on a line and the rules.

Polling begins before the journal is replayed; until `start`, readings wait here, all of them: a button pressed in
those seconds was pressed. Every reading also goes to the telemetry sink and stays here as the latest of its point.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from sentinel.core.detect import Detector
from sentinel.core.model import Quality, Reading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sentinel.core.decide import Event
    from sentinel.core.detect import ZoneView
    from sentinel.core.model import Condition, Device, Value, Zone
    from sentinel.core.signal import Signal
    from sentinel.core.supervision import DeviceView
    from sentinel.ports import Clock, TelemetrySink

log = logging.getLogger("sentinel.sensing")

TICK_S = 0.25
WAITING = 200_000  # readings kept before the replay is done; the oldest is the loser


class Sensing:
    """All points of a branch. `submit` is the desk's; `is_bare`: what it was given last is in memory only."""

    def __init__(
        self,
        clock: Clock,
        submit: Callable[..., asyncio.Future[None]],
        sink: TelemetrySink | None = None,
        is_bare: Callable[[], bool] = lambda: False,
    ) -> None:
        self._clock = clock
        self._submit = submit
        self._sink = sink
        self._is_bare = is_bare
        self._waiting: deque[tuple[list[Reading], bool]] = deque(maxlen=WAITING)
        self._detector: Detector | None = None
        self._behind: asyncio.Future[None] | None = None  # of what was submitted last; the desk keeps the order
        self._undecided: list[tuple[frozenset[str], asyncio.Future[bool]]] = []  # points, and who waits for them
        self._before: dict[str, Value] = {}  # what a point gave last, where its latest reading failed
        self.latest: dict[str, Reading] = {}
        self.taken = 0  # readings since the start
        self.told: Callable[[Sequence[Signal]], None] = lambda _signals: None  # after the desk has them
        self.alive: Callable[[], None] = lambda: None

    def start(
        self,
        zones: Sequence[Zone],
        devices: Sequence[Device],
        conditions: Mapping[str, Condition],
        began: float,
        *,
        blind: bool = False,
    ) -> None:
        """Begin to detect (or begin anew after a reload), and take what has waited. `began`: monotonic start of polling.

        `blind`: the conditions of before could not be read.
        """
        self._detector = Detector(zones, devices, conditions, began, blind=blind)
        while self._waiting:
            readings, sudden = self._waiting.popleft()
            self._detect(readings, sudden=sudden)
        self._promise()

    def take(self, readings: list[Reading]) -> None:
        """One reply's readings, from a poller or a surveyor, in their own time."""
        self.taken += len(readings)
        self._take(readings, sudden=False)

    def hear(self, readings: list[Reading], regular: bool = False) -> asyncio.Future[bool]:
        """What a panel said by itself. Done when all that follows is durable: True; False when it is in memory only.

        A panel that says it once more, because it got no answer, waits for the same. What a delay of its zone keeps
        from being told is not durable either. Rule 6: only a sign of life (`regular`) is counted, news may be a hold-up.
        """
        if regular:
            self.taken += len({reading.point for reading in readings})
        self._take(readings, sudden=not regular)
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._undecided.append((frozenset(one.point for one in readings if one.quality is Quality.GOOD), done))
        self._promise()
        return done

    def _take(self, readings: list[Reading], *, sudden: bool) -> None:
        latest, kept = self.latest, readings
        for reading in readings:
            if reading.quality is not Quality.GOOD:
                kept = self._remembered(readings)
                break
        for reading in kept:
            latest[reading.point] = reading
        if self._detector is None:
            self._waiting.append((readings, sudden))
        else:
            self._detect(readings, sudden=sudden)
        if self._sink is not None and kept:  # last: no fault of a record keeps an alarm from the desk
            self._sink.take(kept)

    def _remembered(self, readings: list[Reading]) -> list[Reading]:
        """A point that is held has what it said last, and that is fresh; one that never said anything has nothing."""
        kept = []
        for reading in readings:
            last = self.latest.get(reading.point)
            value = self._before.get(reading.point) if last is None or last.value is None else last.value
            if reading.quality is not Quality.HELD:
                kept.append(reading)
                if reading.value is None and value is not None:
                    self._before[reading.point] = value
            elif value is not None:
                kept.append(Reading(reading.point, value, Quality.GOOD, reading.at))
        return kept

    @property
    def started(self) -> bool:
        """Whether detection has begun; before that nothing is known of any zone."""
        return self._detector is not None

    def view(self) -> list[ZoneView]:
        """Every zone as detection sees it now; empty before the start."""
        return [] if self._detector is None else self._detector.view(self._clock.monotonic())

    def devices(self) -> list[DeviceView]:
        """Every device as detection sees it now; empty before the start."""
        return [] if self._detector is None else self._detector.devices(self._clock.monotonic())

    async def run(self) -> None:
        """Let time pass for the rules: ages, delays, dead devices."""
        while True:
            await asyncio.sleep(TICK_S)
            if self._detector is not None:
                self._tell(self._detector.tick(self._clock.monotonic()))
                self._promise()
            self.alive()

    def _detect(self, readings: list[Reading], *, sudden: bool) -> None:
        assert self._detector is not None
        if readings:
            self._tell(self._detector.feed(readings, readings[-1].at, sudden=sudden))

    def _tell(self, signals: Sequence[Signal]) -> None:
        if signals:
            events: Sequence[Event] = signals
            self._behind = self._submit(*events)
            self.told(signals)

    def _promise(self) -> None:
        """Who waits for points that are decided on by now waits for the desk alone."""
        if self._detector is None or not self._undecided:
            return
        waiting, self._undecided = self._undecided, []
        for points, done in waiting:
            if done.cancelled():
                continue
            if self._detector.undecided(points):
                self._undecided.append((points, done))
            elif self._behind is None or self._behind.done():
                self._keep(done, self._behind)
            else:
                self._behind.add_done_callback(partial(self._keep, done))

    def _keep(self, done: asyncio.Future[bool], behind: asyncio.Future[None] | None) -> None:
        lost = behind is not None and (behind.cancelled() or behind.exception() is not None)
        if not done.done():
            done.set_result(not lost and not self._is_bare())
