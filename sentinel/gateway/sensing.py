"""Readings in, signals to the desk: the gateway's ears between the pollers and the rules.

Polling begins before the journal is replayed; until `start`, readings wait here, all of them: a button pressed in
those seconds was pressed. Every reading also goes to the telemetry sink and stays here as the latest of its point.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING

from sentinel.core.detect import Detector

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sentinel.core.decide import Event
    from sentinel.core.detect import ZoneView
    from sentinel.core.model import Condition, Device, Reading, Zone
    from sentinel.core.signal import Signal
    from sentinel.core.supervision import DeviceView
    from sentinel.ports import Clock, TelemetrySink

log = logging.getLogger("sentinel.sensing")

TICK_S = 0.25
WAITING = 200_000  # readings kept before the replay is done; the oldest is the loser


class Sensing:
    """All points of a branch. `submit` is the desk's."""

    def __init__(
        self, clock: Clock, submit: Callable[..., asyncio.Future[None]], sink: TelemetrySink | None = None
    ) -> None:
        self._clock = clock
        self._submit = submit
        self._sink = sink
        self._waiting: deque[list[Reading]] = deque(maxlen=WAITING)
        self._detector: Detector | None = None
        self.latest: dict[str, Reading] = {}
        self.taken = 0  # readings since the start
        self.told: Callable[[Sequence[Signal]], None] = lambda _signals: None  # after the desk has them
        self.alive: Callable[[], None] = lambda: None

    def start(
        self, zones: Sequence[Zone], devices: Sequence[Device], conditions: Mapping[str, Condition], began: float
    ) -> None:
        """Begin to detect (or begin anew after a reload), and take what has waited. `began`: monotonic start of polling."""
        self._detector = Detector(zones, devices, conditions, began)
        while self._waiting:
            self._detect(self._waiting.popleft())

    def take(self, readings: list[Reading]) -> None:
        """One reply's readings, from a poller."""
        latest = self.latest
        self.taken += len(readings)
        for reading in readings:
            latest[reading.point] = reading
        if self._detector is None:
            self._waiting.append(readings)
        else:
            self._detect(readings)
        if self._sink is not None:  # last: no fault of a record keeps an alarm from the desk
            self._sink.take(readings)

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
            self.alive()

    def _detect(self, readings: list[Reading]) -> None:
        assert self._detector is not None
        if readings:
            self._tell(self._detector.feed(readings, readings[-1].at))

    def _tell(self, signals: Sequence[Signal]) -> None:
        if signals:
            events: Sequence[Event] = signals
            self._submit(*events)
            self.told(signals)
