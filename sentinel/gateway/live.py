"""The readings that the rooms see live: the last of each point, sent when it changed. Pure apart from what it holds.

Bounded by the points there are. Takes readings as a TelemetrySink; the uplink asks it what to send. Nothing decides
by it: alarms travel as facts.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sentinel.core.encoding import canonical
from sentinel.core.model import Failure, Quality

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sentinel.core.model import Reading

EVERY_S, WATCHED_EVERY_S, WATCH_S, ALL_S = 5.0, 1.0, 60.0, 60.0
MAX_POINTS = 400  # in one message: below 64 KiB


class LiveBoard:
    """The last reading of each point, and which of them the rooms do not have yet. Times are the run's monotonic."""

    def __init__(self) -> None:
        self._last: dict[str, Reading] = {}
        self._owed: dict[str, None] = {}  # ordered: the longest owed first
        self._next = self._all = 0.0
        self._watched_until = 0.0

    def take(self, readings: Sequence[Reading]) -> None:
        """Keep the newest of each point."""
        for reading in readings:
            before = self._last.get(reading.point)
            self._last[reading.point] = reading
            if before is None or (before.value, before.quality) != (reading.value, reading.quality):
                self._owed[reading.point] = None

    def watch(self, now: float) -> None:
        """A room is looking: send each second for a minute."""
        self._watched_until = now + WATCH_S
        self._next = min(self._next, now + WATCHED_EVERY_S)

    def due(self, at: str, now: float) -> str | None:
        """The message to send now, or None. What does not fit goes with the next one."""
        if now < self._next:
            return None
        if now >= self._all:
            self._owed = dict.fromkeys(self._last)
            self._all = now + ALL_S
        if not self._owed:
            return None
        self._next = now + (WATCHED_EVERY_S if now < self._watched_until else EVERY_S)
        points = list(self._owed)[:MAX_POINTS]
        for point in points:
            del self._owed[point]
        return canonical({"at": at, "readings": [self._shown(point, now) for point in points]})

    def _shown(self, point: str, now: float) -> dict[str, object]:
        reading = self._last[point]
        age_s = round(max(0.0, now - reading.at), 1)
        if isinstance(reading.value, float) and not math.isfinite(reading.value):  # JSON has no word for it
            return {"point": point, "value": None, "quality": Quality.FAILED, "age_s": age_s, "reason": Failure.RANGE}
        shown: dict[str, object] = {"point": point, "value": reading.value, "quality": reading.quality, "age_s": age_s}
        return shown if reading.reason is None else {**shown, "reason": reading.reason}
