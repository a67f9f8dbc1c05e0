"""Who is told: posts that hold persons, and the ladders that name them rung by rung."""

from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sentinel.core.model import Party, Role, Severity
from sentinel.settings.fields import Address, Flag, Form, Ident, Line, Names, Positive, Seconds
from sentinel.settings.place import Day


class Person(Form):
    """Somebody who holds a post for a time, both days included."""

    name: Line
    since: Annotated[Day, Field(alias="from")]
    until: Day | None = None

    @model_validator(mode="after")
    def _ends_after_it_began(self) -> Self:
        if self.until is not None and self.until < self.since:
            raise ValueError("until is before from")
        return self

    def overlaps(self, other: "Person") -> bool:
        """Whether both hold their posts on some day."""
        return self.since <= (other.until or date.max) and other.since <= (self.until or date.max)


class Contact(Form):
    """A post. Its addresses are keyed by channel."""

    party: Party
    name: Names
    language: Literal["hi", "en"]
    on_site: Flag = False  # may stand beside the robber: manager, cashier, guard
    shared_group: Flag = False  # a group or a list: who reads it is not known
    persons: tuple[Person, ...] = ()
    addresses: Annotated[dict[Ident, Address], Field(min_length=1)]


class Tell(Form):
    """One way to one contact."""

    contact: Ident
    by: Ident


class Step(Form):
    """One rung."""

    after: Annotated[Seconds, Field(ge=0)]
    tell: Annotated[tuple[Tell, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len(set(self.tell)) != len(self.tell):
            raise ValueError("tell: one contact is told twice by one channel: keep one")
        return self


class SinglePath(StrEnum):
    """The one word that takes a critical ladder without a second path."""

    ACCEPTED = "accepted"


class Ladder(Form):
    """Who is told when. Without `roles` it takes every role, without `severity` every severity, that none above took."""

    roles: Annotated[tuple[Role, ...], Field(min_length=1)] | None = None
    severity: Annotated[tuple[Severity, ...], Field(min_length=1)] | None = None
    single_path: SinglePath | None = None
    round: Positive
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _climbs(self) -> Self:
        for number, (lower, upper) in enumerate(pairwise(self.steps), start=1):
            if upper.after <= lower.after:
                raise ValueError(f"steps[{number}].after is not later than the step before it")
        if self.round <= self.steps[-1].after:
            raise ValueError("round is over before the last step: make it longer than the last `after`")
        for step in self.steps:
            if step.after != int(step.after):
                raise ValueError("steps are timed in whole seconds")
        return self

    def takes(self, role: Role, severity: Severity) -> bool:
        """Whether an incident of this kind climbs it."""
        return (self.roles is None or role in self.roles) and (self.severity is None or severity in self.severity)


class PathKind(StrEnum):
    """What sort of way out."""

    WAN = "wan"
    LTE = "lte"
    SIM = "sim"
    PSTN = "pstn"
    LOCAL = "local"


class Path(Form):
    """A physically separate way out, bound to a network interface or a modem."""

    kind: PathKind
    interface: Line | None = None
    modem: Line | None = None

    @model_validator(mode="after")
    def _bound_to_one_thing(self) -> Self:
        if (self.interface is None) == (self.modem is None) and self.kind is not PathKind.LOCAL:
            raise ValueError("is bound to either an interface (eth0) or a modem (/dev/serial/by-id/...): write one")
        return self

    def wire(self) -> str | None:
        """The physical thing: a VLAN or an alias of an interface is the same wire."""
        if self.interface is not None:
            return self.interface.split(".")[0].split(":")[0]
        return self.modem
