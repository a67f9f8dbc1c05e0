"""The tables of minute summaries: written with each flush, packed by point when their hour is over, pruned, plotted.

`store` calls it inside its own transactions. An hour's rows lie together by point, so that a plot of a month reads one
stretch of the file. The loser is the oldest day.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from sentinel.telemetry.summaries import (
    STEP_S,
    Track,
    fold,
    pack_hour,
    pack_minute,
    sound,
    unpack_minute,
    wider,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from sentinel.telemetry.model import Plot, Summary

log = logging.getLogger("sentinel.telemetry")

MOST_ROWS: Final = 10_000
_SHIFT: Final = 32  # hour.at = number of the point << 32 | hour since 1970
_HOUR: Final = (1 << _SHIFT) - 1
_DAY_H: Final = 24


class Minutes:
    """The summaries of an open file. Each method wants the connection; changes want a transaction around them."""

    def __init__(self, db: sqlite3.Connection, days: int, most_bytes: int, summed: int) -> None:
        self.summed = summed  # bytes of the packed hours, about: told to and kept by `store`
        self._days, self._most_bytes = days, most_bytes
        self._points: dict[str, int] = {name: number for number, name in db.execute("SELECT id, name FROM point")}
        self._hours = {hour for (hour,) in db.execute("SELECT DISTINCT minute / 60 FROM minute")}
        self._pruned_day = 0

    def add(self, db: sqlite3.Connection, minutes: Mapping[int, Mapping[str, Summary]]) -> None:
        """Widen what is there by what came."""
        for minute, points in minutes.items():
            known = self._minute(db, minute)
            for name, one in points.items():
                if sound(one):
                    number = self._number(db, name)
                    known[number] = wider(known.get(number), one)
            if known:
                db.execute("INSERT OR REPLACE INTO minute VALUES (?, ?)", (minute, pack_minute(known)))
                self._hours.add(minute // 60)

    def over(self, running: Mapping[int, object]) -> list[int]:
        """The hours that can be packed, when these minutes are what comes now."""
        now = {minute // 60 for minute in running}
        return sorted(self._hours - now) if now else []

    def pack(self, db: sqlite3.Connection, hour: int) -> None:
        """Put an hour's minutes by point, with what was packed of it before: a clock may have been set back."""
        span = (hour * 60, hour * 60 + 60)
        points: dict[int, dict[int, Summary]] = {}
        for minute, data in db.execute("SELECT minute, data FROM minute WHERE minute >= ? AND minute < ?", span):
            for number, one in _points_of(minute, data).items():
                points.setdefault(number, {})[minute] = one
        for number, minutes in points.items():
            key = number << _SHIFT | hour
            if (row := db.execute("SELECT data FROM hour WHERE at = ?", (key,)).fetchone()) is not None:
                self.summed -= len(row[0])
                packed = Track()
                _add_hour(packed, key, row[0])
                minutes = _together(packed.minutes(), minutes)  # noqa: PLW2901 - the same minutes, completed
            data = pack_hour({minute % 60: minutes[minute] for minute in sorted(minutes)})
            db.execute("INSERT OR REPLACE INTO hour VALUES (?, ?)", (key, data))
            self.summed += len(data)
        db.execute("DELETE FROM minute WHERE minute >= ? AND minute < ?", span)
        self._hours.discard(hour)

    def prune(self, db: sqlite3.Connection, now_s: int | None) -> None:
        """Forget, once a day, what is older than was asked, when the time is known; and the oldest days beyond the room."""
        day = self._pruned_day if now_s is None else now_s // 86400
        if day != self._pruned_day:
            self._forget(db, (day - self._days) * _DAY_H)
            self._pruned_day = day
        while self.summed > self._most_bytes and (oldest := self._oldest(db)) is not None:
            self._forget(db, oldest + _DAY_H)

    def plot(self, db: sqlite3.Connection, point: str, begin_s: int, end_s: int, most: int) -> Plot:
        """What is there of one point; whatever is asked, at most MOST_ROWS rows."""
        most = min(max(most, 1), MOST_ROWS)
        number = self._points.get(point, 0)
        track = Track()
        newest = self._newest(db, number)
        end = min(max(end_s, 0), (newest + 1) * STEP_S)
        begin = min(max(begin_s, end - (self._days + 1) * 86400, 0), end)
        keys = (number << _SHIFT | begin // 3600, number << _SHIFT | end // 3600)
        for key, data in db.execute("SELECT at, data FROM hour WHERE at >= ? AND at <= ? ORDER BY at", keys):
            _add_hour(track, key, data)
        late: dict[int, Summary] = {}
        for minute, data in db.execute("SELECT minute, data FROM minute ORDER BY minute"):
            if (one := _points_of(minute, data).get(number)) is not None:
                late[minute] = one
        if track.at and late and min(late) <= track.at[-1]:  # the clock was set back into a packed hour
            late, track = _together(track.minutes(), late), Track()
        for minute in sorted(late):
            track.add_minute(minute, late[minute])
        return fold(point, track, begin, end, most)

    def _newest(self, db: sqlite3.Connection, number: int) -> int:
        """The last minute of which there can be something."""
        (minute,) = db.execute("SELECT max(minute) FROM minute").fetchone()
        row = db.execute("SELECT max(at) FROM hour WHERE at < ?", ((number + 1) << _SHIFT,)).fetchone()
        hour = row[0] & _HOUR if row[0] is not None and row[0] >> _SHIFT == number else -1
        return max(-1 if minute is None else minute, hour * 60 + 59)

    def _minute(self, db: sqlite3.Connection, minute: int) -> dict[int, Summary]:
        row = db.execute("SELECT data FROM minute WHERE minute = ?", (minute,)).fetchone()
        return {} if row is None else _points_of(minute, row[0])

    def _number(self, db: sqlite3.Connection, name: str) -> int:
        number = self._points.get(name)
        if number is None:
            number = len(self._points) + 1
            db.execute("INSERT INTO point VALUES (?, ?)", (number, name))
            self._points[name] = number
        return number

    def _oldest(self, db: sqlite3.Connection) -> int | None:
        hours = []
        for number in self._points.values():
            keys = (number << _SHIFT, (number + 1) << _SHIFT)
            (key,) = db.execute("SELECT min(at) FROM hour WHERE at >= ? AND at < ?", keys).fetchone()
            if key is not None:
                hours.append(key & _HOUR)
        return min(hours, default=None)

    def _forget(self, db: sqlite3.Connection, before: int) -> None:
        for number in self._points.values():
            keys = (number << _SHIFT, number << _SHIFT | max(before, 0))
            gone = db.execute("DELETE FROM hour WHERE at >= ? AND at < ? RETURNING length(data)", keys).fetchall()
            self.summed -= sum(length for (length,) in gone)


def _together(old: Mapping[int, Summary], new: Mapping[int, Summary]) -> dict[int, Summary]:
    return {**old, **{minute: wider(old.get(minute), one) for minute, one in new.items()}}


# A row that cannot be read is a gap in a plot; nothing else suffers from it.


def _points_of(minute: int, data: bytes) -> dict[int, Summary]:
    try:
        return unpack_minute(data)
    except ValueError:
        log.warning("damaged summary left out minute=%d", minute)
        return {}


def _add_hour(track: Track, key: int, data: bytes) -> None:
    try:
        track.add_hour(key & _HOUR, data)
    except ValueError:
        log.warning("damaged summary left out point=%d hour=%d", key >> _SHIFT, key & _HOUR)
