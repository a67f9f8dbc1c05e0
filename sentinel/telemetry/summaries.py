"""Minute summaries as bytes: all points of one minute while its hour runs, then one point's hour. And their folding.

Pure. Doubles in the machine's own order: every machine we run on is little-endian. `minutes` keeps them.
"""

from __future__ import annotations

import zlib
from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, Final

from sentinel.telemetry.model import Plot, Summary

if TYPE_CHECKING:
    from collections.abc import Mapping

STEP_S: Final = 60
_FULL: Final = 2**60 - 1  # an hour with all its minutes


def wider(old: Summary | None, new: Summary) -> Summary:
    """Both together; `new` is the later one."""
    if old is None:
        return new
    return Summary(min(old.low, new.low), max(old.high, new.high), new.last)


def sound(one: Summary) -> bool:
    """An infinite or undefined value can be neither drawn nor folded."""
    return isfinite(one.low) and isfinite(one.high) and isfinite(one.last)


def pack_minute(points: Mapping[int, Summary]) -> bytes:
    """{number of a point: what it did}, as the numbers, then the lows, the highs, the lasts."""
    of = points.values()
    values = array("d", [one.low for one in of])
    values.extend([one.high for one in of])
    values.extend([one.last for one in of])
    return array("I", points).tobytes() + values.tobytes()


def unpack_minute(data: bytes) -> dict[int, Summary]:
    """Back; ValueError when these are not such bytes."""
    count, rest = divmod(len(data), 28)
    if rest:
        raise ValueError("not a minute")
    numbers, values = array("I", data[: count * 4]), array("d", data[count * 4 :])
    return dict(
        zip(
            numbers,
            map(Summary, values[:count], values[count : 2 * count], values[2 * count :]),
            strict=True,
        )
    )


def pack_hour(minutes: Mapping[int, Summary]) -> bytes:
    """{minute of the hour: what the point did}, in order of the minutes."""
    mask = 0
    for minute in minutes:
        mask |= 1 << minute
    of = minutes.values()
    values = array("d", [one.low for one in of])
    values.extend([one.high for one in of])
    values.extend([one.last for one in of])
    return mask.to_bytes(8, "little") + zlib.compress(values.tobytes(), 6)


@dataclass(slots=True)
class Track:
    """One point's minutes in order of time, as columns."""

    at: array[int] = field(default_factory=lambda: array("q"))  # minutes since 1970
    low: array[float] = field(default_factory=lambda: array("d"))
    high: array[float] = field(default_factory=lambda: array("d"))
    last: array[float] = field(default_factory=lambda: array("d"))

    def add_hour(self, hour: int, data: bytes) -> None:
        """Append a packed hour; ValueError when these are not such bytes."""
        mask = int.from_bytes(data[:8], "little")
        try:
            values = array("d", zlib.decompress(data[8:]))
        except zlib.error as error:
            raise ValueError("not an hour") from error
        count = mask.bit_count()
        if len(values) != 3 * count or mask > _FULL:
            raise ValueError("not an hour")
        first = hour * 60
        if mask == _FULL:
            self.at.extend(range(first, first + 60))
        else:
            self.at.extend([first + minute for minute in range(60) if mask >> minute & 1])
        self.low.extend(values[:count])
        self.high.extend(values[count : 2 * count])
        self.last.extend(values[2 * count :])

    def add_minute(self, minute: int, one: Summary) -> None:
        """Append one minute."""
        self.at.append(minute)
        self.low.append(one.low)
        self.high.append(one.high)
        self.last.append(one.last)

    def minutes(self) -> dict[int, Summary]:
        """As values, by minute since 1970."""
        return dict(zip(self.at, map(Summary, self.low, self.high, self.last), strict=True))


def fold(point: str, track: Track, begin_s: int, end_s: int, most: int) -> Plot:
    """At most `most` rows of equal length from the minute of `begin_s` to `end_s`; what lies outside is left out."""
    begin, end = begin_s // STEP_S, -(-end_s // STEP_S)
    step = max(1, -(-(end - begin) // most))
    at: list[int] = []
    low: list[float] = []
    high: list[float] = []
    last: list[float] = []
    here, stop = bisect_left(track.at, begin), bisect_left(track.at, end)
    while here < stop:
        row = (track.at[here] - begin) // step
        after = bisect_left(track.at, begin + (row + 1) * step, here, stop)
        at.append((begin + row * step) * STEP_S)
        low.append(min(track.low[here:after]))
        high.append(max(track.high[here:after]))
        last.append(track.last[after - 1])
        here = after
    return Plot(point, step * STEP_S, tuple(at), tuple(low), tuple(high), tuple(last))
