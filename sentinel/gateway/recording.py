"""What of a branch is recorded, and where the record stands: readings and states in, lines to the spool.

The only place that decides what telemetry may know (rule 6). Nothing on the way of an alarm waits for anything here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sentinel.telemetry.model import Counts

if TYPE_CHECKING:
    from sentinel.core.model import Text


@dataclass(frozen=True, slots=True)
class RecordedPoint:
    """A number that is recorded, and may be plotted. Limits are those of the zone on it."""

    point: str  # "<device>.<point>"
    name: Text  # the zone's where there is one, else the device's
    unit: str
    device: str
    zone: str | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class RecorderView:
    """Where the record stands now, for page, metrics and API. Seconds are ages."""

    counts: Counts
    server: str  # host and port of the database; "" where none is configured
    store_up: bool | None  # None: not heard of yet, or none is configured
    store_since_s: float
    store_reason: str  # why it is down, "" otherwise
    written_age_s: float | None  # since the last line was taken there
    spool_up: bool
    spool_since_s: float
    spool_reason: str
    days: int  # the spool's bounds
    limit_bytes: int
    disk_free_bytes: int | None
