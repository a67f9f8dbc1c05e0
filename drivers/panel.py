"""What drivers of alarm panels share: which point an event belongs to, and what that point then says.

An entry of the config takes the events that it names; what nobody named falls to a catch-all point by its class, so
that nothing a panel reports is ever lost. A point may have several zones behind it: it is in alarm while one of them
is, and a new alarm of another (or the same button pressed again) is marked `again`, which the detector tells anew.
Panels that cannot be asked for their state are held: what stood before a restart stands until it is told otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt, model_validator

from drivers.described import Described
from drivers.panel_codes import CATCH_ALLS, MOMENTARY, Kind, kind
from sentinel.core.codes import ROLES
from sentinel.core.model import Condition, Quality, Reading, Role, Text

if TYPE_CHECKING:
    from collections.abc import Iterable

REPEAT_S = 30.0  # the same message within this is a repetition (an ACK that came late), not a second press
MOMENT_S = 600.0  # how long an event without a restore stands
MOST_SOURCES = 500  # behind one point; what comes beyond is told and never restored
MOST_SHOWN = 40  # characters of something that no table knows
MOST_NAMED = 8  # zones that a word's detail names
_SECRET_ALARMS = frozenset({Role.HOLD_UP, Role.DURESS, Role.PANIC})
_FIRES = frozenset({Role.FIRE, Role.SMOKE, Role.HEAT, Role.CALL_POINT})
_TAMPERS = frozenset({Role.TAMPER, Role.ATM_TAMPER})
_ARMINGS = frozenset({Role.ARMED, Role.OPENING})  # an alarm of a door's zone must never be taken for its opening
_OF_NO_PANEL = frozenset(
    {
        Role.SUMMARY, Role.MEASURE, Role.COVERAGE, Role.LINK, Role.DEVICE, Role.PATH, Role.JOURNAL, Role.AUDIT,
        Role.PROGRAM, Role.CLOCK_STEP, Role.DELIVERY, Role.POWER_UP, Role.TELEMETRY,
    }
)  # fmt: skip


class Word(StrEnum):
    """What a point of a panel says; after a blank follow the events and zones behind it: "alarm 130/5,131/7"."""

    NORMAL = "normal"
    ALARM = "alarm"
    TROUBLE = "trouble"
    BYPASSED = "bypassed"
    ARMED = "armed"
    DISARMED = "disarmed"


_N, _A, _T = Condition.NORMAL, Condition.ALARM, Condition.TROUBLE
WORDS = ((Word.NORMAL, _N), (Word.ALARM, _A), (Word.TROUBLE, _T), (Word.BYPASSED, _T))
_ARMING = ((Word.DISARMED, _N), (Word.ARMED, _A))
_OPENING = ((Word.ARMED, _N), (Word.DISARMED, _A))
_RANK = {Word.ALARM: 0, Word.TROUBLE: 1, Word.BYPASSED: 2}


# --- What an operator writes -----------------------------------------------------------------------------------------


def _of_a_panel(role: Role) -> Role:
    if role in _OF_NO_PANEL:
        raise ValueError(f"'{role}' is nothing that a panel reports: choose what the zone means")
    return role


class PointName(BaseModel):
    """What people in this branch call it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hi: Annotated[str, Field(min_length=1, max_length=60)]
    en: Annotated[str, Field(min_length=1, max_length=60)]


Code = Annotated[StrictInt, Field(ge=100, le=999, description="Contact ID, three digits")]


class PanelPoint(BaseModel):
    """One point of a panel: the events it takes, by code, zone and partition; all that are given must fit.

    With `zone` and no `event` it takes what a zone can report. A hold-up reported for a zone that is no hold-up
    button, or a fire for one that is no fire detector, still goes to its catch-all: it is never told as something less.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Annotated[Role, AfterValidator(_of_a_panel)]
    name: PointName
    event: tuple[Code, ...] = ()
    zone: Annotated[StrictInt, Field(ge=0, le=9999)] | None = None
    partition: Annotated[StrictInt, Field(ge=0, le=99)] | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.event and self.zone is None:
            raise ValueError("say which events it takes: event, zone, or both")
        for code in self.event:
            if kind(code) in (Kind.HOLD_UP, Kind.DURESS) and self.role not in _SECRET_ALARMS:
                raise ValueError(f"{code} is a hold-up or duress: its role is hold-up, duress or panic")
            if kind(code) is Kind.FIRE and self.role not in _FIRES:
                raise ValueError(f"{code} is a fire, gas or CO alarm: its role is fire, smoke, heat or call-point")
        if self.role in _ARMINGS and {kind(code) for code in self.event} != {Kind.ARMED}:
            raise ValueError(f"'{self.role}' is told by openings and closings alone: say which, event: [401]")
        return self


PointId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]


class PanelOptions(BaseModel):
    """The part that every panel driver's options share."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    driver: str
    points: Annotated[dict[PointId, PanelPoint], Field(max_length=500)] = {}

    @model_validator(mode="after")
    def _free_names(self) -> Self:
        for id_ in self.points:
            if id_ in set(Kind):
                raise ValueError(f"points.{id_}: the driver has a point of that name: choose another")
        return self


def described(options: PanelOptions, every_s: float, own: Iterable[Described] = ()) -> list[Described]:
    """Every point of a panel: the operator's, the catch-alls, and the driver's own."""
    points = [
        Described(id_, "word", every_s, one.role, _means(one.role), Text(one.name.hi, one.name.en), pushed=True)
        for id_, one in options.points.items()
    ]
    points += [
        Described(id_, "word", every_s, one.role, () if one.role is None else _means(one.role), one.name, pushed=True)
        for id_, one in CATCH_ALLS.items()
    ]
    return [*points, *own]


def _means(role: Role) -> tuple[tuple[str, Condition], ...]:
    if role is Role.ARMED:
        return _ARMING
    return _OPENING if role is Role.OPENING else WORDS


# --- What a panel says -----------------------------------------------------------------------------------------------


class Status(StrEnum):
    """Q of Contact ID."""

    NEW = "new"  # 1, E; of arming: opened
    RESTORED = "restored"  # 3, R; of arming: closed
    STILL = "still"  # 6, P: a report of what is known


@dataclass(frozen=True, slots=True)
class Event:
    """One event in Contact ID's numbers, wherever it came from."""

    code: int
    status: Status
    partition: int = 0
    zone: int = 0  # or the user, as the code has it
    point: str = ""  # the detector inside the zone, where the panel names it
    text: str = ""  # what the panel calls it

    @property
    def label(self) -> str:
        """For people: "130/5", "130/2.5" in another partition than the first, "301" of the panel itself."""
        where = f"{self.partition}.{self.zone}" if self.partition > 1 else str(self.zone)
        label = f"{self.code}/{where}" if self.zone or self.partition > 1 else str(self.code)
        return ":".join((label, *filter(None, (self.point, self.text))))

    @property
    def key(self) -> Key:
        """What a restore must name. An alarm may be restored by a neighbouring code (131 by 130); of the panel's own
        faults each is another.
        """
        return (self.code // 10 if self.code < 200 else self.code, self.partition, self.zone, self.point)


Key = tuple[int, int, int, str]


@dataclass(slots=True)
class _Source:
    """One thing behind a point that is not normal."""

    word: Word
    label: str
    heard: float
    until: float | None


@dataclass(slots=True)
class _Point:
    """What is known of one point in this run. `said` is "" until something was."""

    role: Role | None
    said: str = ""
    sources: dict[Key, _Source] = field(default_factory=dict)
    opened: dict[int, int] = field(default_factory=dict)  # partition -> user


_STRANGE: Key = (-1, 0, 0, "")
_TOO_MANY: Key = (0, 0, 0, "")


class Panel:
    """All points of one panel. Every method gives readings; `at` is monotonic seconds."""

    def __init__(self, device: str, options: PanelOptions, own: Iterable[Described] = ()) -> None:
        self._device = device
        self._entries = options.points
        self._points = {one.id: _Point(one.role) for one in described(options, 0.0, own)}

    def take(self, event: Event, at: float) -> list[Reading]:
        """What an event changes, one reading for each point that it belongs to."""
        class_ = kind(event.code)
        readings: list[Reading] = []
        covered = False
        for id_, entry in self._entries.items():
            word = _word(entry, event, class_)
            if word is None:
                continue
            readings.append(self._turn(id_, word, event, at))
            covered = covered or word is Word.ALARM or class_ is not Kind.TAMPER
        if not covered:
            readings.append(self._catch(class_, event, at))
        return readings

    def take_unnamed(self, event: Event, at: float) -> Reading:
        """The same for an event that may be none of the entries' own, though its number fits: to its catch-all only."""
        return self._catch(kind(event.code), event, at)

    def secret(self, readings: Iterable[Reading]) -> bool:
        """Whether one of them is of a point that is silent in the branch: nothing else may move with it (rule 6)."""
        roles = (self._points[reading.point.partition(".")[2]].role for reading in readings)
        return any(role is not None and ROLES[role].silent for role in roles)

    def say(self, id_: str, word: str, at: float, *, again: bool = False) -> Reading:
        """A word for one of the driver's own points, or for a point whose state the driver knows by itself."""
        self._points[id_].said = word
        return Reading(f"{self._device}.{id_}", word, Quality.GOOD, at, again=again)

    def tracks(self, event: Event) -> bool:
        """Whether this run has heard what the event would restore."""
        return any(event.key in point.sources for point in self._points.values())

    def strange(self, text: str, at: float, id_: str = Kind.TROUBLE, for_s: float = MOMENT_S) -> Reading:
        """Something that no table knows: told for a while, with so much of it as is fit to be shown."""
        shown = printable(text, MOST_SHOWN)
        point = self._points[id_]
        fresh = self._add(point, _STRANGE, _Source(Word.ALARM, shown, at, at + for_s))
        return self.say(id_, _sum(point), at, again=fresh)

    def beat(self, at: float) -> list[Reading]:
        """The panel is there: each point as it is known in this run, or held as it was."""
        return [
            Reading(f"{self._device}.{id_}", point.said, Quality.GOOD, at)
            if point.said
            else Reading(f"{self._device}.{id_}", None, Quality.HELD, at)
            for id_, point in self._points.items()
        ]

    def tick(self, at: float) -> list[Reading]:
        """What stood only for a while is over."""
        readings = []
        for id_, point in self._points.items():
            over = [key for key, one in point.sources.items() if one.until is not None and one.until <= at]
            for key in over:
                del point.sources[key]
            if over:
                readings.append(self.say(id_, _sum(point), at))
        return readings

    def _catch(self, class_: Kind, event: Event, at: float) -> Reading:
        if class_ in (Kind.TEST, Kind.EVENT):
            return self.say(class_, f"{event.status} {event.label}", at)
        return self._turn(class_, Word.ALARM, event, at)

    def _turn(self, id_: str, word: Word, event: Event, at: float) -> Reading:
        point = self._points[id_]
        if point.role in _ARMINGS:
            return self.say(id_, _arming(point, event), at)
        key = event.key
        again = False
        if event.status is Status.RESTORED:
            point.sources.pop(key, None)
        else:
            until = at + MOMENT_S if event.code in MOMENTARY else None
            fresh = self._add(point, key, _Source(word, event.label, at, until))
            again = fresh and word is Word.ALARM and event.status is Status.NEW
        return self.say(id_, _sum(point), at, again=again)

    @staticmethod
    def _add(point: _Point, key: Key, source: _Source) -> bool:
        """Keep it as the newest; True when it is an activation of its own and no repetition."""
        before = point.sources.pop(key, None)
        if len(point.sources) >= MOST_SOURCES:
            key = _TOO_MANY  # one for all that are too many
            point.sources.pop(key, None)
        point.sources[key] = source
        return before is None or before.word is not source.word or source.heard - before.heard > REPEAT_S


def printable(text: str, most: int) -> str:
    """So much of what a panel wrote as is fit to stand in a word's detail."""
    return "".join(c if c.isascii() and (c.isalnum() or c in ".:/-") else "_" for c in text[:most])


def _word(entry: PanelPoint, event: Event, class_: Kind) -> Word | None:
    """What the event makes of the entry's point; None when it is not its own."""
    if entry.partition not in (None, event.partition) or entry.zone not in (None, event.zone):
        return None
    if entry.event:
        return Word.ALARM if event.code in entry.event else None
    return _of_a_zone(entry.role, event.code, class_)


def _of_a_zone(role: Role, code: int, class_: Kind) -> Word | None:
    """What an event says of the zone that it numbers, where nothing but the zone is written."""
    fits = {
        Kind.HOLD_UP: role in _SECRET_ALARMS,
        Kind.HELP: role in _SECRET_ALARMS,
        Kind.FIRE: role in _FIRES,
        Kind.BURGLARY: True,
        Kind.ENVIRONMENT: role not in _SECRET_ALARMS | _FIRES,
    }
    if class_ in fits:
        return Word.ALARM if fits[class_] else None
    if class_ is Kind.TAMPER and code not in {341, 461}:  # those number a module, a keypad
        return Word.ALARM if role in _TAMPERS else Word.TROUBLE
    if class_ in (Kind.FIRE_TROUBLE, Kind.TROUBLE) and (code // 10 in {20, 37, 38, 39}):
        return Word.TROUBLE
    if class_ is Kind.BYPASS and code // 10 == 57:
        return Word.BYPASSED
    return None  # the number is a module's, or a user's


def _sum(point: _Point) -> str:
    """The worst word of what stands behind it, and the newest of those that say it."""
    if not point.sources:
        return Word.NORMAL
    worst = min((one.word for one in point.sources.values()), key=_RANK.__getitem__)
    named = [one.label for one in point.sources.values() if one.word is worst]
    more = f",+{len(named) - MOST_NAMED}" if len(named) > MOST_NAMED else ""
    return f"{worst} {','.join(named[: -MOST_NAMED - 1 : -1])}{more}"


def _arming(point: _Point, event: Event) -> str:
    """Disarmed while one partition is known to be open."""
    point.opened.pop(event.partition, None)
    if event.status is not Status.RESTORED and len(point.opened) < MOST_SOURCES:
        point.opened[event.partition] = event.zone
    if not point.opened:
        return f"{Word.ARMED} {event.label}"
    return f"{Word.DISARMED} {','.join(f'{part}.{user}' for part, user in sorted(point.opened.items())[:MOST_NAMED])}"
