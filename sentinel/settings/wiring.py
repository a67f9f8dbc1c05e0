"""How a zone is wired, as an installer says it, and the Sense that core makes of it.

Four ways: a dry contact, bands of an input behind end-of-line resistors, limits of a measured value, words of a state.
"""

from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from sentinel.core.model import BandSense, Condition, ContactSense, LimitSense, Sense, StateSense
from sentinel.settings.fields import Flag, Form, Number

Meaning = Literal[Condition.NORMAL, Condition.ALARM, Condition.TROUBLE]


class Contact(StrEnum):
    """How the contact rests when all is well."""

    NORMALLY_CLOSED = "normally-closed"  # a cut wire alarms
    NORMALLY_OPEN = "normally-open"  # a cut wire is silence


class ContactWiring(Form):
    """A dry contact. The input reads true while the circuit is closed, unless the board shows it the other way round."""

    contact: Contact
    active_low: Flag = False  # this board's input reads false while the circuit is closed

    def sense(self) -> Sense:
        """As core reads it."""
        return ContactSense(alarm_when=(self.contact is Contact.NORMALLY_OPEN) is not self.active_low)

    def cut_reads(self) -> Condition | None:
        """What a cut wire looks like."""
        return Condition.ALARM if self.contact is Contact.NORMALLY_CLOSED else Condition.NORMAL


class Band(Form):
    """From `low` to `high`, both included, means this."""

    low: Number
    high: Number
    means: Meaning

    @model_validator(mode="after")
    def _runs_upward(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")
        return self


class BandWiring(Form):
    """An analogue input behind end-of-line resistors. What lies in no band is trouble."""

    bands: Annotated[tuple[Band, ...], Field(min_length=2)]
    cut: Number | None = None  # what the input reads with the wire off its terminal: measure it

    @model_validator(mode="after")
    def _says_both(self) -> Self:
        for wanted in (Condition.NORMAL, Condition.ALARM):
            if all(band.means is not wanted for band in self.bands):
                raise ValueError(f"bands: none means {wanted}: write what the input reads then")
        ordered = sorted(self.bands, key=lambda band: band.low)
        for below, above in pairwise(ordered):
            if above.low <= below.high and above.means is not below.means:
                raise ValueError(f"bands: {below.means} and {above.means} both hold {above.low}: keep them apart")
        return self

    def sense(self) -> Sense:
        """As core reads it."""
        return BandSense(tuple((float(b.low), float(b.high), b.means) for b in self.bands))

    def cut_reads(self) -> Condition | None:
        """What a cut wire looks like; None when nobody measured it."""
        if self.cut is None:
            return None
        return next((b.means for b in self.bands if b.low <= self.cut <= b.high), Condition.TROUBLE)


class LimitWiring(Form):
    """A measured value; it alarms outside the limits and returns only past them by `hysteresis`."""

    low: Number | None = None
    high: Number | None = None
    hysteresis: Annotated[Number, Field(ge=0)]

    @model_validator(mode="after")
    def _can_return(self) -> Self:
        if self.low is None and self.high is None:
            raise ValueError("has neither low nor high: write at least one limit")
        if self.low is not None and self.high is not None and self.low + self.hysteresis >= self.high - self.hysteresis:
            raise ValueError("low and high leave no normal between them: widen them or lessen hysteresis")
        return self

    def sense(self) -> Sense:
        """As core reads it."""
        low, high = (None if limit is None else float(limit) for limit in (self.low, self.high))
        return LimitSense(low, high, float(self.hysteresis))

    def cut_reads(self) -> Condition | None:
        """Nobody knows: a sensor with its own electronics fails as it likes."""
        return None


class StateWiring(Form):
    """A word that the device gives (from its profile). A word that is not listed is trouble, never normal."""

    states: Annotated[dict[str, Meaning], Field(min_length=2)]

    @model_validator(mode="after")
    def _says_both(self) -> Self:
        for wanted in (Condition.NORMAL, Condition.ALARM):
            if wanted not in self.states.values():
                raise ValueError(f"states: no word means {wanted}: write which one does")
        return self

    def sense(self) -> Sense:
        """As core reads it."""
        return StateSense(tuple(self.states.items()))

    def cut_reads(self) -> Condition | None:
        """The panel supervises its own loop and gives another word, which is trouble when it is not listed."""
        return Condition.TROUBLE


# Tags come back in the places of pydantic's errors: a tag that is also a key would be taken for that key.
def _way(value: object) -> str:
    if isinstance(value, dict):
        for key in ("contact", "bands", "states"):
            if key in value:
                return f"<{key}>"
        if {"low", "high", "hysteresis"} & value.keys():
            return "<limits>"
    return "<unknown>"


Wiring = Annotated[
    Annotated[ContactWiring, Tag("<contact>")]
    | Annotated[BandWiring, Tag("<bands>")]
    | Annotated[LimitWiring, Tag("<limits>")]
    | Annotated[StateWiring, Tag("<states>")],
    Discriminator(
        _way,
        custom_error_type="wiring",
        custom_error_message="says no way: write contact, bands, low/high with hysteresis, or states",
    ),
]
