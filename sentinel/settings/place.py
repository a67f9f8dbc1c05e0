"""The branch itself: who it is, where it stands, when it opens, and where the daemon keeps its things."""

import re
from collections.abc import Mapping
from datetime import date, time
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, StrictInt, StringConstraints, model_validator

from sentinel.core.model import Party, Sight
from sentinel.settings.fields import Form, Ident, Line, Names, Number
from sentinel.settings.hours import Hours, SiteKind

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])")
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def weekdays(written: str) -> tuple[int, ...]:
    """`mon-fri`, `sat` or `mon, wed`: the weekdays meant, Monday 0."""
    found: list[int] = []
    for part in written.split(","):
        first, _, last = part.strip().partition("-")
        if first not in _DAYS or (last or first) not in _DAYS or _DAYS.index(last or first) < _DAYS.index(first):
            raise ValueError(f"'{written}' names no days: write mon-fri, sat or mon,wed")
        found.extend(range(_DAYS.index(first), _DAYS.index(last or first) + 1))
    return tuple(found)


def spans(written: str) -> tuple[tuple[time, time], ...]:
    """`10:00-14:00, 15:00-17:00`: the times meant, in order and apart."""
    found: list[tuple[time, time]] = []
    for part in written.split(","):
        match = _SPAN.fullmatch(part.strip())
        if match is None or (match[3] == "24" and match[4] != "00"):
            raise ValueError(f"'{written}' are no hours: write 10:00-17:00")
        end = time.max if match[3] == "24" else time(int(match[3]), int(match[4]))
        start = time(int(match[1]), int(match[2]))
        if end <= start or (found and start < found[-1][1]):
            raise ValueError(
                f"'{written}' does not run forward: the end comes after the start, the parts after each other"
            )
        found.append((start, end))
    return tuple(found)


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name is a folder of the database
        raise ValueError("is no time zone: in India write Asia/Kolkata") from None
    return name


def _real_day(value: object) -> object:
    if not isinstance(value, str) or not _ISO_DAY.fullmatch(value):
        raise ValueError("is no day: write 2027-01-26")
    return value


def _not_rooms(value: str) -> str:
    if value == "rooms":  # sentinel/v1/rooms/ is where the rooms' own status lies
        raise ValueError("'rooms' is no branch id: it is the rooms' own topic")
    return value


Day = Annotated[date, BeforeValidator(_real_day)]


Week = tuple[tuple[tuple[time, time], ...], ...]


def week(open_: Mapping[str, str]) -> Week:
    """The spans of each weekday, Monday first."""
    days: dict[int, tuple[tuple[time, time], ...]] = {}
    for name, written in open_.items():
        for day in weekdays(name):
            if day in days:
                raise ValueError(f"{_DAYS[day]} is given twice: keep one")
            days[day] = spans(written)
    return tuple(days.get(day, ()) for day in range(7))


def _can_be_meant(open_: dict[str, str]) -> dict[str, str]:
    week(open_)
    return open_


class OpeningHours(Form):
    """Weekly hours. A day that is not written is closed."""

    open: Annotated[dict[str, str], Field(min_length=1), AfterValidator(_can_be_meant)]
    closed_saturdays: tuple[Annotated[StrictInt, Field(ge=1, le=5)], ...] = ()
    holidays: tuple[Day, ...] = ()


class Location(Form):
    """WGS 84, degrees; for the map on the wall."""

    lat: Annotated[Number, Field(ge=-90, le=90)]
    lon: Annotated[Number, Field(ge=-180, le=180)]


class Station(Form):
    """The linked police station."""

    id: Ident
    name: Names


class Branch(Form):
    """One site."""

    id: Annotated[Ident, AfterValidator(_not_rooms)]
    number: Annotated[StrictInt, Field(ge=1, le=9999)]  # said before a code on channels that branches share
    name: Names
    bank: Line
    kind: SiteKind = SiteKind.BRANCH
    address: Line
    location: Location
    station: Station
    # Contact ID accounts are hexadecimal; longer ones exist in DC-09.
    account: Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9A-F]{3,16}$")]
    time_zone: Annotated[str, AfterValidator(_known_zone)] = "Asia/Kolkata"
    language: Literal["hi", "en"] = "hi"
    hours: OpeningHours | None = None
    own_addresses: tuple[Line, ...] = ()  # telephones and mailboxes that ring or show inside the branch
    must_see: tuple[Sight, ...] = ()  # the places that its cameras cover between them
    not_seen_accepted: tuple[Sight, ...] = ()  # of those, the ones that the bank leaves without a camera for now

    @model_validator(mode="after")
    def _hours_where_there_are_doors(self) -> Self:
        if self.hours is None and self.kind is not SiteKind.ATM_LOBBY:
            raise ValueError("hours is required: only an atm-lobby never closes")
        if self.hours is not None and self.kind is SiteKind.ATM_LOBBY:
            raise ValueError("hours: an atm-lobby never closes; leave them out")
        return self

    def opening(self) -> Hours:
        """For `hours.is_open`."""
        zone = ZoneInfo(self.time_zone)
        if self.hours is None:
            return Hours(zone, ((),) * 7)
        return Hours(
            zone, week(self.hours.open), frozenset(self.hours.closed_saturdays), frozenset(self.hours.holidays)
        )


class Gateway(Form):
    """Where the daemon keeps its things. The page stays on loopback until there is sign-in and TLS."""

    state_dir: Annotated[str, StringConstraints(strict=True, pattern=r"^/")] = "/var/lib/sentinel"
    socket: Annotated[str, StringConstraints(strict=True, pattern=r"^/", max_length=100)] = (
        "/run/sentinel/sentinel.sock"
    )
    page_port: Annotated[StrictInt, Field(ge=1, le=65535)] | None = 8080
    clock: Literal["kernel", "trusted"] = "kernel"  # trusted: a battery clock that the installer vouches for


class Room(Form):
    """A control room and what this branch lets it say."""

    may_speak_for: tuple[Literal[Party.POLICE, Party.BANK, Party.SERVICE], ...] = ()
