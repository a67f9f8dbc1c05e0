"""What stands in the branch: links, devices, zones, channels. Their own options belong to the drivers and channels.

`Tables` is how the caller says which kinds exist; nothing here knows a concrete driver.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Annotated, Protocol

from pydantic import AfterValidator, BaseModel, Field, StrictInt, StringConstraints

from sentinel.core.codes import is_critical
from sentinel.core.model import Condition, Role, Sight, Text
from sentinel.ports import Speech, Table
from sentinel.settings.fields import Flag, Form, Ident, Names, Positive, Seconds
from sentinel.settings.wiring import Wiring

GATEWAYS_OWN = frozenset(
    {
        Role.LINK, Role.DEVICE, Role.COVERAGE, Role.PATH, Role.JOURNAL, Role.AUDIT,
        Role.PROGRAM, Role.CLOCK_STEP, Role.DELIVERY, Role.POWER_UP, Role.TELEMETRY,
    }
)  # fmt: skip


class WordView(Protocol):
    """One line of a status word."""

    @property
    def state(self) -> str | None:
        """The word, or None for "nothing there"."""


class PointView(Protocol):
    """What the settings need to know of a profile's point."""

    @property
    def id(self) -> str:
        """Its name inside the device."""

    @property
    def gives(self) -> str:
        """ "bool", "word" or "number"."""

    @property
    def unit(self) -> str:
        """What a number is measured in; "" where it counts or numbers something."""

    @property
    def table(self) -> Table | None:
        """Where it is read: a coil is the device's own output, unless the profile gives it a role. None: no Modbus."""

    @property
    def latching(self) -> bool:
        """Whether the device holds a short contact until it was read."""

    @property
    def role(self) -> Role | None:
        """What the profile takes it for."""

    @property
    def states(self) -> Sequence[tuple[int, str]]:
        """The words it gives, by number."""

    @property
    def match(self) -> Sequence[WordView]:
        """The words it gives, by pattern."""


def words(point: PointView) -> frozenset[str]:
    """Every word that a point can give."""
    return frozenset(w for _, w in point.states) | {m.state for m in point.match if m.state is not None}


class ProfileView(Protocol):
    """A profile, as far as the settings look into it. ValueError when `counts` ask for what the device has not."""

    def points(self, counts: Mapping[str, int] | None = None) -> Sequence[PointView]:
        """Every point, lists expanded."""


class DescribedView(PointView, Protocol):
    """A point that its driver describes: with a role and a meaning for its words it is a zone by itself."""

    @property
    def means(self) -> Sequence[tuple[str, Condition]]:
        """What each of its words means."""

    @property
    def name(self) -> Text | None:
        """What people call it; None: the device's own name."""

    @property
    def pushed(self) -> bool:
        """The device says by itself when it changes; the interval is then its sign of life."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A kind of link or driver that exists: the model of its options, and what it carries or speaks."""

    options: type[BaseModel]
    speech: Speech = Speech.MODBUS


@dataclass(frozen=True, slots=True)
class Tables:
    """The kinds that exist, or LookupError naming the kinds there are.

    `profiles` finds a profile by what a device's options name (LookupError, OSError or ValueError when there is none).
    `described` gives a driver's own points, None where a profile has them: (driver, options) -> points.
    `intervals` says how often each point is read, "<device>.<point>" -> seconds: (driver, device, options, profile,
    urgent points); ValueError when the options ask for what the device has not.
    """

    links: Callable[[str], Spoken]
    drivers: Callable[[str], Spoken]
    channels: Callable[[str], type[BaseModel]]
    profiles: Callable[[str], ProfileView]
    described: Callable[[str, BaseModel], Sequence[DescribedView] | None]
    intervals: Callable[[str, str, BaseModel, ProfileView | None, Collection[str]], Mapping[str, float]]


class DeviceForm(Form):
    """The part of a device that is the same for every driver."""

    name: Names
    link: Ident
    driver: Ident


class LinkForm(Form):
    """The part of a link that is the same for every kind."""

    kind: Ident


class Limit(Form):
    """At most so many notices in a time: an operator's cap, a mail server's patience. No first critical one waits for it."""

    count: Annotated[StrictInt, Field(ge=1, le=10_000)]
    per: Positive


class ChannelForm(Form):
    """The part of a channel that is the same for every kind."""

    kind: Ident
    path: Ident
    limit: Limit | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """One line, with the options of its kind."""

    kind: str
    options: BaseModel
    speech: Speech = Speech.MODBUS


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to tell people, with the options of its kind."""

    kind: str
    path: str
    options: BaseModel
    limit: Limit | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """One device, with the options of its driver. `points` is None when neither a profile nor the driver names any."""

    name: Names
    link: str
    driver: str
    options: BaseModel
    profile: ProfileView | None
    points: Mapping[str, PointView] | None
    speech: Speech = Speech.MODBUS
    described: Mapping[str, DescribedView] = field(default_factory=dict)  # of `points`, those its driver describes


class Bilingual(Protocol):
    """A name in both languages."""

    @property
    def hi(self) -> str:
        """In Devanagari."""

    @property
    def en(self) -> str:
        """In English."""


class CameraView(Protocol):
    """One channel of a recorder, as its driver's options hold it."""

    @property
    def name(self) -> Bilingual:
        """What people call it."""

    @property
    def channel(self) -> int:
        """Its number at the recorder, from 1."""

    @property
    def sees(self) -> Sequence[Sight]:
        """The places that it covers."""

    @property
    def watches(self) -> Sequence[str]:
        """The zones at whose alarm its pictures are kept."""


def required_days(device: Device, today: date) -> int:
    """How far back a recorder's footage must go today; 0 of a device that keeps none."""
    footage = getattr(device.options, "footage", None)
    return int(footage.required(today)) if footage is not None else 0


def cameras_of(device: Device) -> Mapping[str, CameraView]:
    """The cameras of a recorder by id; none of any other device."""
    cameras = getattr(device.options, "cameras", None)
    return cameras if isinstance(cameras, Mapping) else {}


class Accept(StrEnum):
    """A weakness that the bank takes, by name."""

    CUT_WIRE = "cut-wire-reads-normal"
    ODD_WORDS = "words-mean-otherwise"


def _of_a_zone(role: Role) -> Role:
    if role is Role.SUMMARY:
        raise ValueError("a point taken off the hooter says that something sounds, not where: write it under summaries")
    if role is Role.MEASURE:
        raise ValueError("a measured value without limits is recorded anyway: leave the zone out")
    if role in GATEWAYS_OWN:
        raise ValueError(f"'{role}' is the gateway's own: choose what the point means")
    return role


PointName = Annotated[
    str, StringConstraints(strict=True, pattern=r"^[a-z][a-z0-9-]{0,39}\.[a-z0-9][a-z0-9-]*(\.[a-z0-9-]+)*$")
]


class Wired(Form):
    """What a zone and a summary share."""

    point: PointName
    name: Names
    wiring: Wiring
    on_delay: Annotated[Seconds, Field(ge=0, le=3600)] | None = None
    off_delay: Annotated[Seconds, Field(ge=0, le=3600)] | None = None
    stale_after: Annotated[Positive, Field(le=3600)] | None = None

    def device(self) -> str:
        """The device's id."""
        return self.point.partition(".")[0]


class Zone(Wired):
    """A point with a meaning and a name that people in this branch know."""

    role: Annotated[Role, AfterValidator(_of_a_zone)]
    latching_input: Flag = False  # the device holds a short press until it was read: say so only if the manual does
    accept: tuple[Accept, ...] = ()

    def critical(self) -> bool:
        """Whether its alarm is of the kind that is never delayed."""
        return is_critical(self.role)


class Summary(Wired):
    """A point taken off the hooter: something is sounding. Never a zone."""


def options_of(raw: Mapping[str, object], envelope: Collection[str], model: type[BaseModel]) -> dict[str, object]:
    """The part of an entry that belongs to the driver's or channel's own model."""
    return {key: value for key, value in raw.items() if key not in envelope or key in model.model_fields}
