"""Lines and flushes as a branch makes them, for the tests of the spool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sentinel.telemetry.model import Flush

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sentinel.telemetry.model import Counts, Summary

NOW_MS = 1_795_000_000_000  # in November 2026
EVERY_MS = 12_000


def lines(number: int, count: int) -> tuple[str, ...]:
    """Those of the flush with this number: no two are alike."""
    at = NOW_MS + number * EVERY_MS
    return tuple(
        f"measure,device=panel,point=p{i % 60} value={20 + i % 7}.{i % 10},quality=0i {at + i}" for i in range(count)
    )


def flush(
    number: int, count: int, *, at_ms: int | None = None, minutes: Mapping[int, Mapping[str, Summary]] | None = None
) -> Flush:
    """A flush of so many lines."""
    at = NOW_MS + number * EVERY_MS if at_ms is None else at_ms
    return Flush(lines(number, count), at, at + EVERY_MS - 1, minutes or {})


def balanced(counts: Counts) -> bool:
    """The law of the counts."""
    parts = (counts.written, counts.waiting, counts.dropped, counts.poisoned)
    return counts.made == sum(parts) and min(parts) >= 0
