"""What stands in the branch: links, devices, zones, channels. Their own options belong to the drivers and channels.

`Tables` is how the caller says which kinds exist; nothing here knows a concrete driver.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Protocol

from pydantic import AfterValidator, BaseModel, Field, StrictInt, StringConstraints

from sentinel.core.codes import is_critical
from sentinel.core.model import Role
from sentinel.ports import Poll, Table
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


@dataclass(frozen=True, slots=True)
class Tables:
    """The kinds that exist: each gives the model of its options, or LookupError naming the kinds there are.

    `profiles` finds a profile by what a device's options name (LookupError, OSError or ValueError when there is none).
    `plan` says what a device would be asked: (driver, device, options, profile, urgent points) -> polls; ValueError
    when the options ask for what the device has not.
    """

    links: Callable[[str], type[BaseModel]]
    drivers: Callable[[str], type[BaseModel]]
    channels: Callable[[str], type[BaseModel]]
    profiles: Callable[[str], ProfileView]
    plan: Callable[[str, str, BaseModel, ProfileView | None, Collection[str]], Sequence[Poll]]


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


@dataclass(frozen=True, slots=True)
class Channel:
    """One way to tell people, with the options of its kind."""

    kind: str
    path: str
    options: BaseModel
    limit: Limit | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """One device, with the options of its driver. `points` is None when the driver works without a profile."""

    name: Names
    link: str
    driver: str
    options: BaseModel
    profile: ProfileView | None
    points: Mapping[str, PointView] | None


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
