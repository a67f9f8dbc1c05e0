"""The field types that all settings share: ids, names in two languages, durations, strict words and numbers."""

import re
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StrictBool,
    StrictFloat,
    StrictInt,
)
from pydantic.types import StringConstraints

from sentinel.core.model import Text
from sentinel.ports import Secret

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)(ms|s|m|h)")
_DEVANAGARI = re.compile(r"[\u0900-\u097F]")
_CONTROL = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)  # line ends and text-direction tricks


class Form(BaseModel):
    """Every part of a config: no unknown keys, no changes afterwards, no infinities."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, arbitrary_types_allowed=True)


def _seconds(value: object) -> object:
    if isinstance(value, str) and (found := _DURATION.fullmatch(value)) is not None:
        return float(found[1]) * _UNITS[found[2]]
    raise ValueError("is no duration: write 100ms, 5s, 3m or 1h")


def _one_line(value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError("has a line end or a control character: write it as one plain line")
    return value


def _hindi(value: str) -> str:
    if not _DEVANAGARI.search(value):
        raise ValueError("has no Hindi letter: write it in Devanagari, as the constable reads it")
    return value


def _address(value: object) -> object:
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be text in quotes, or !credential NAME, !file /PATH, !env NAME")
    return _one_line(value.strip())


Ident = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z][a-z0-9-]{0,39}$")]
Line = Annotated[
    str,
    StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_one_line),
]
Seconds = Annotated[float, BeforeValidator(_seconds)]
Positive = Annotated[float, BeforeValidator(_seconds), Field(gt=0)]
Address = Annotated[str | Secret, PlainValidator(_address)]  # where a letter goes: plain, or kept as a secret
Number = StrictInt | StrictFloat
Flag = StrictBool


class Names(Form):
    """One name in both languages, both required: half a name is a person who cannot read it."""

    en: Line
    hi: Annotated[Line, AfterValidator(_hindi)]

    def text(self) -> Text:
        """As core knows it."""
        return Text(hi=self.hi, en=self.en)
