"""When a branch is open: weekly hours, second and fourth Saturdays, holidays, in the branch's own time zone.

Pure: the caller passes the moment. An ATM lobby never closes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date, datetime, time
    from zoneinfo import ZoneInfo

SATURDAY = 5  # as date.weekday() counts


class SiteKind(StrEnum):
    """What sort of place it is."""

    BRANCH = "branch"
    ATM_LOBBY = "atm-lobby"
    CURRENCY_CHEST = "currency-chest"


@dataclass(frozen=True, slots=True)
class Hours:
    """Spans of opening for each weekday, Monday first; a span ends before its second time."""

    zone: ZoneInfo
    week: tuple[tuple[tuple[time, time], ...], ...]  # seven
    closed_saturdays: frozenset[int] = frozenset()  # 2 and 4: Indian banks since 1 September 2015
    holidays: frozenset[date] = frozenset()


def is_open(hours: Hours, kind: SiteKind, when: datetime) -> bool:
    """Whether people work there at this moment (aware). The wall clock of the branch decides."""
    if kind is SiteKind.ATM_LOBBY:
        return True
    local = when.astimezone(hours.zone)
    day = local.date()
    if day in hours.holidays:
        return False
    if day.weekday() == SATURDAY and (day.day - 1) // 7 + 1 in hours.closed_saturdays:
        return False
    return any(start <= local.time() < end for start, end in hours.week[day.weekday()])
