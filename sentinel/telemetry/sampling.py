"""Which readings become lines: what changed by more than the deadband, and everything read once in each minute.

Pure: no clock, no I/O. The recorder hands every reading in and takes a flush out. What was last *reported* is the
measure of a change, so that a slow drift is told. Every good reading counts in the minute summaries, reported or not.
Bounded: the oldest lines and minutes are the losers, lines are counted.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sentinel.core.model import Quality
from sentinel.telemetry.lines import fields, head, line, number
from sentinel.telemetry.model import Flush, Summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sentinel.core.model import Reading

EVERY_S: Final = 60.0  # each series has a line in each such stretch of wall time in which it was read
LINES_AT_MOST: Final = 40_000  # in memory, refused ones among them: 15 s of a large branch where everything changes
MINUTES_AT_MOST: Final = 10  # summaries in memory while the spool takes none
GOOD, STALE, FAILED = 0, 1, 2
_EVERY_MS: Final = int(EVERY_S * 1000)
_STEP_S: Final = 0.001  # an offset that moved less is the jitter of reading two clocks
_BACK_MS: Final = 60_000  # a clock that was set back by less is waited for, a millisecond a line; by more, followed
_OTHERS_AT_MOST: Final = 1024  # series whose last millisecond is known
_LARGEST: Final = 1e300  # beyond is no measurement, and a deadband around it would not be finite
_NEVER_MS: Final = sys.maxsize


@dataclass(slots=True)
class _Series:
    """One series: when its newest line was."""

    head: str
    minute: int = -1
    at_ms: int = -1 - _BACK_MS


@dataclass(slots=True)
class _Measure(_Series):
    """One numeric point. Between `begin` and `end` a good value from `floor` to `ceiling` is no news."""

    deadband: float = 0.0
    begin: float = 0.0  # of the minute, monotonic seconds
    end: float = 0.0
    floor: float = math.inf  # nothing is no news, until something was reported
    ceiling: float = -math.inf
    quality: int = -1
    low: float = math.inf  # of the minute
    high: float = -math.inf
    last: float | None = None  # None: not read since the last flush


@dataclass(slots=True)
class _Zone(_Series):
    """One zone: the state and quality that were last reported."""

    shown: tuple[int, int] | None = None


class Sampler:
    """Readings and states in, lines and minute summaries out. Unknown points and zones, and words, are passed over."""

    def __init__(self) -> None:
        self._measures: dict[str, _Measure] = {}
        self._zones: dict[str, _Zone] = {}
        self._others: dict[str, _Series] = {}
        self._offset_s = 0.0
        self._lines: list[str] = []
        self._first_ms = _NEVER_MS
        self._last_ms = -_NEVER_MS
        self._dropped = 0
        self._minutes: dict[int, dict[str, Summary]] = {}

    def measure(self, point: str, tags: Mapping[str, str], deadband: float) -> None:
        """Register a numeric point, once. `deadband` is in the unit of the point."""
        self._measures[point] = _Measure(head("measure", tags), deadband=min(deadband, _LARGEST))

    def zone(self, zone: str, tags: Mapping[str, str]) -> None:
        """Register a zone, once."""
        self._zones[zone] = _Zone(head("zone", tags))

    def take(self, readings: Iterable[Reading], offset_s: float) -> None:
        """Every reading of every poll. `offset_s` is wall time less monotonic time, both in seconds."""
        if abs(offset_s - self._offset_s) > _STEP_S:
            self._step(offset_s)
        known = self._measures.get
        good = Quality.GOOD
        for reading in readings:
            measure = known(reading.point)
            if measure is None:
                continue
            value: Any = reading.value
            try:
                if (
                    reading.quality is good
                    and measure.floor <= value <= measure.ceiling
                    and measure.begin <= reading.at < measure.end
                ):
                    measure.last = value
                    if value < measure.low:
                        measure.low = value
                    elif value > measure.high:
                        measure.high = value
                    continue
            except TypeError:  # a word has no place between two numbers
                pass
            self._news(measure, reading)
        self._bound()

    def saw(self, zone: str, state: int, quality: int, at_ms: int) -> None:
        """A zone's state now: 0 normal, 1 alarm, 2 trouble, 3 unknown, 4 supervised; quality 0 good, 1 stale, 2 failed."""
        known = self._zones.get(zone)
        if known is None:
            return
        minute, shown = at_ms // _EVERY_MS, (state, quality)
        if minute != known.minute or shown != known.shown:
            known.minute, known.shown = minute, shown
            self._add(known, f"quality={quality}i,state={state}i", at_ms)
            self._bound()

    def other(
        self, measurement: str, tags: Mapping[str, str], values: Mapping[str, bool | int | float | str], at_ms: int
    ) -> None:
        """A line as it is given: link, gateway, incident, ..."""
        text = fields(values)
        if not text:
            return
        name = head(measurement, tags)
        series = self._others.pop(name, None) or _Series(name)
        self._others[name] = series
        if len(self._others) > _OTHERS_AT_MOST:
            del self._others[next(iter(self._others))]
        self._add(series, text, at_ms)
        self._bound()

    def flush(self) -> Flush | None:
        """What became due since the flush before; None when nothing did."""
        for point, measure in self._measures.items():
            if measure.last is not None:
                self._summarise(point, measure)
        if not self._lines and not self._minutes:
            return None
        span = (self._first_ms, self._last_ms) if self._lines else (0, 0)
        flush = Flush(tuple(self._lines), *span, self._minutes, self._dropped)
        self._lines, self._minutes, self._dropped = [], {}, 0
        self._first_ms, self._last_ms = _NEVER_MS, -_NEVER_MS
        return flush

    def refused(self, flush: Flush) -> None:
        """The spool did not take it: it comes again with the next."""
        if flush.lines:
            self._lines[:0] = flush.lines
            self._first_ms = min(self._first_ms, flush.first_ms)
            self._last_ms = max(self._last_ms, flush.last_ms)
        self._dropped += flush.dropped
        newer, self._minutes = self._minutes, {}
        for minutes in (flush.minutes, newer):
            for minute, points in minutes.items():
                for point, summary in points.items():
                    self._merge(minute, point, summary)
        self._bound()

    def _news(self, measure: _Measure, reading: Reading) -> None:
        """A reading that changes something: the minute, the quality, or the value by more than the deadband."""
        value = reading.value
        if isinstance(value, str):
            return
        at_ms = round((reading.at + self._offset_s) * 1000)
        due = not measure.begin <= reading.at < measure.end and self._turn(reading.point, measure, at_ms // _EVERY_MS)
        believed = _believed(value) if reading.quality is Quality.GOOD else None
        if believed is None:
            quality = STALE if reading.quality is Quality.STALE else FAILED
            if due or measure.quality != quality:
                measure.quality, measure.floor, measure.ceiling = quality, math.inf, -math.inf
                self._add(measure, f"quality={quality}i", at_ms)
            return
        measure.last = believed
        if believed < measure.low:  # noqa: PLR1730 - calls of min and max would be a quarter of a line's cost
            measure.low = believed
        if believed > measure.high:  # noqa: PLR1730
            measure.high = believed
        if due or not measure.floor <= believed <= measure.ceiling:
            measure.quality = GOOD
            measure.floor, measure.ceiling = believed - measure.deadband, believed + measure.deadband
            self._add(measure, f"quality=0i,value={number(believed)}", at_ms)

    def _turn(self, point: str, measure: _Measure, minute: int) -> bool:
        """True when this minute is another than the one of the series."""
        measure.begin = minute * EVERY_S - self._offset_s
        measure.end = measure.begin + EVERY_S
        if minute == measure.minute:
            return False
        self._summarise(point, measure)
        measure.minute, measure.low, measure.high = minute, math.inf, -math.inf
        return True

    def _step(self, offset_s: float) -> None:
        """The wall clock was set: where the minutes begin and end is found anew for each series."""
        self._offset_s = offset_s
        for measure in self._measures.values():
            measure.end = -math.inf

    def _summarise(self, point: str, measure: _Measure) -> None:
        if measure.last is not None:
            self._merge(measure.minute, point, Summary(float(measure.low), float(measure.high), float(measure.last)))
            measure.last = None

    def _merge(self, minute: int, point: str, summary: Summary) -> None:
        points = self._minutes.setdefault(minute, {})
        if older := points.get(point):
            summary = Summary(min(older.low, summary.low), max(older.high, summary.high), summary.last)
        points[point] = summary

    def _add(self, series: _Series, text: str, at_ms: int) -> None:
        if series.at_ms - _BACK_MS < at_ms <= series.at_ms:  # two points on one millisecond are one in the store
            at_ms = series.at_ms + 1
        series.at_ms = at_ms
        if at_ms < self._first_ms:  # noqa: PLR1730
            self._first_ms = at_ms
        if at_ms > self._last_ms:  # noqa: PLR1730
            self._last_ms = at_ms
        self._lines.append(line(series.head, text, at_ms))

    def _bound(self) -> None:
        if (excess := len(self._lines) - LINES_AT_MOST) > 0:
            del self._lines[:excess]
            self._dropped += excess
        while len(self._minutes) > MINUTES_AT_MOST:
            del self._minutes[min(self._minutes)]


def _believed(value: float | None) -> float | None:
    """The value as a number; None for what no store takes: a device that says NaN has not answered."""
    if value is None or not -_LARGEST <= value <= _LARGEST:
        return None
    return float(value)
