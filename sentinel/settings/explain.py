"""pydantic's complaints in an installer's words: the place that exists in the file, the reason, the remedy.

Inputs are never quoted, except plain numbers: a word in the wrong place may be a password.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from sentinel.settings.secrets import REMEDY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pydantic_core import ErrorDetails

    from sentinel.settings.problems import Place

_PATTERNS = {
    r"^[a-z][a-z0-9-]{0,39}$": "is no id: small letters, digits and dashes, a letter first, at most 40",
    r"^[0-9A-F]{3,16}$": "is no account: 3 to 16 digits 0-9 and A-F, capital letters, in quotes",
    r"^/": "must be an absolute path",
    r"^[a-z][a-z0-9-]{0,39}\.[a-z0-9][a-z0-9-]*(\.[a-z0-9-]+)*$": "is no point: write DEVICE.POINT, as in panel.di1",
}

_SAID: Mapping[str, Callable[[dict[str, Any], Any], str]] = {
    "missing": lambda _c, _i: "is required",
    "string_type": lambda _c, _i: "must be text: put it in quotes",
    "bool_type": lambda _c, _i: "must be true or false",
    "int_type": lambda _c, _i: "must be a whole number, without quotes",
    "int_parsing": lambda _c, _i: "must be a whole number",
    "float_type": lambda _c, _i: "must be a number, without quotes",
    "float_parsing": lambda _c, _i: "must be a number",
    "dict_type": lambda _c, _i: "must be a list of `key: value` lines",
    "model_type": lambda _c, _i: "must be a list of `key: value` lines",
    "model_attributes_type": lambda _c, _i: "must be a list of `key: value` lines",
    "tuple_type": lambda _c, _i: "must be a list: [one, two] or lines that begin with a dash",
    "list_type": lambda _c, _i: "must be a list: [one, two] or lines that begin with a dash",
    "enum": lambda c, i: _choice(c["expected"], i),
    "literal_error": lambda c, i: _choice(c["expected"], i),
    "less_than_equal": lambda c, i: f"{_number(i)} is above {c['le']}",
    "less_than": lambda c, i: f"{_number(i)} is not below {c['lt']}",
    "greater_than_equal": lambda c, i: f"{_number(i)} is below {c['ge']}",
    "greater_than": lambda c, i: f"{_number(i)} is not above {c['gt']}",
    "too_short": lambda c, _i: f"needs at least {c['min_length']}",
    "too_long": lambda c, _i: f"takes at most {c['max_length']}",
    "string_too_short": lambda _c, _i: "is empty: fill it in",
    "string_too_long": lambda c, _i: f"is longer than {c['max_length']} characters",
    "string_pattern_mismatch": lambda c, _i: _PATTERNS.get(c["pattern"], f"does not have the form {c['pattern']}"),
    "is_instance_of": lambda c, _i: REMEDY if c["class"] == "Secret" else f"is no {c['class']}",
}


def explain(
    error: ValidationError, place: Place, exists: Callable[[Place], bool], model: type[BaseModel]
) -> Iterator[tuple[Place, str]]:
    """One (place, reason) for each complaint about the entry at `place`."""
    for detail in error.errors(include_url=False):
        kind, location = detail["type"], detail["loc"]
        where = _real(place, location, exists)
        if kind == "missing":
            yield (*where, *location[-1:]), "is required"
        elif kind == "extra_forbidden":
            yield where, _unknown_key(str(location[-1]), _fields_at(model, location[:-1]))
        else:
            yield where, _reason(detail)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint for a word that is not known: the nearest one, or all there are."""
    names = sorted(known)
    near = get_close_matches(word, names, n=1)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"there are: {', '.join(names)}" if names else "there are none"


def _reason(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    said = _SAID.get(detail["type"])
    if said is not None:
        return said(context, detail["input"])
    if detail["type"] in ("value_error", "assertion_error"):
        return detail["msg"].partition(", ")[2]
    message = detail["msg"]
    return message[:1].lower() + message[1:]


def _choice(expected: str, value: object) -> str:
    """The words to choose from; of a long list the nearest one."""
    words = re.findall(r"'([^']+)'", expected)
    near = get_close_matches(str(value), words, n=1) if len(words) > 5 else []
    if near:
        return f"is not known; did you mean '{near[0]}'?"
    return f"must be {' or '.join(words)}" if words else f"must be {expected}"  # numbers stand without quotes


def _number(value: object) -> str:
    """The number that the installer wrote; a duration has lost its unit by now, so nothing of it."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else "it"


def _real(place: Place, location: Iterable[str | int], exists: Callable[[Place], bool]) -> Place:
    """The part of pydantic's location that the file has: its names of union members and validators are left out."""
    for key in location:
        if exists((*place, key)):
            place = (*place, key)
    return place


def _unknown_key(key: str, fields: Iterable[str]) -> str:
    known = list(fields)
    return f"is not known here; {did_you_mean(key, known)}" if known else "is not known here: take it away"


def _fields_at(model: type[BaseModel], location: Iterable[str | int]) -> list[str]:
    """What may be written at a place inside a model; where there are several ways to write it, all of theirs."""
    here = [model]
    for key in location:
        fields = [field for m in here if isinstance(key, str) and (field := _field(m, key)) is not None]
        if fields:
            here = [inner for field in fields for inner in _models_in(field)]
    return [f.alias or name for m in here for name, f in m.model_fields.items()]


def _field(model: type[BaseModel], key: str) -> Any:
    found = next((f for name, f in model.model_fields.items() if key in (name, f.alias)), None)
    return found.annotation if found is not None else None


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)
