"""The values that pass between sampling, spool and writer. Times of points are milliseconds of wall time since 1970."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class SpoolUnavailable(Exception):  # noqa: N818 - a state of the world that is waited out, not a slip of the program
    """The spool's file cannot be used now: full, read-only, hanging, damaged, gone. No alarm depends on it."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What one point did in one minute (or longer): every good reading counts, reported or not."""

    low: float
    high: float
    last: float


@dataclass(frozen=True, slots=True)
class Flush:
    """What became due since the flush before: lines ready for the store, in the order they were made.

    `minutes`: minute since 1970 -> point -> summary. The running minute is among them, and comes again with the next
    flush, wider.
    """

    lines: tuple[str, ...]
    first_ms: int
    last_ms: int
    minutes: Mapping[int, Mapping[str, Summary]]
    dropped: int = 0  # lines given up in memory since the flush before, because the spool did not take them


@dataclass(frozen=True, slots=True)
class Keep:
    """How much the spool holds; beyond either bound the oldest is the loser, and is counted."""

    days: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Batch:
    """The oldest lines that wait, for one request. `upto` is the last blob they are of."""

    upto: int
    lines: tuple[bytes, ...]
    body: bytes  # the lines joined by line ends, gzip


@dataclass(frozen=True, slots=True)
class Poison:
    """A line that the store will never take, and its words."""

    line: str
    why: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Every line that was ever made is in exactly one of the others: made = written + waiting + dropped + poisoned."""

    made: int = 0
    written: int = 0
    waiting: int = 0
    dropped: int = 0
    poisoned: int = 0
    bytes: int = 0  # of the waiting blobs
    oldest_ms: int | None = None  # of the waiting lines


@dataclass(frozen=True, slots=True)
class Damage:
    """A spool's file was damaged, and begun anew: its minutes are lost, and the lines that waited in it."""

    why: str
    lines: int | None  # counted as dropped; None: nobody can tell how many, and they are in no count


@dataclass(frozen=True, slots=True)
class Plot:
    """One point over time: row i covers `step_s` seconds from `at[i]` (seconds since 1970). A gap has no row."""

    point: str
    step_s: int
    at: tuple[int, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    last: tuple[float, ...]
