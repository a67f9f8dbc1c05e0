"""Our values as JSON and back: canonical text, time stamps, and any frozen dataclass built strictly from its hints."""

from __future__ import annotations

import json
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, get_type_hints

STAMP_LENGTH = 27


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: parsing and encoding again gives the same text.

    Half a surrogate pair, which a stranger's JSON can smuggle into a string, becomes "?": UTF-8 cannot say it.
    """
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "replace").decode("utf-8")


def stamp(at: datetime) -> str:
    """ISO 8601 in UTC with microseconds and Z, fixed width, so that it sorts."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")[: STAMP_LENGTH - 1] + "Z"


def unstamp(text: str) -> datetime:
    """The datetime of `stamp`; ValueError on anything else."""
    at = datetime.fromisoformat(text)
    if stamp(at) != text:
        raise ValueError(f"not a time stamp: {text!r}")
    return at


def plain(value: Any) -> Any:
    """A value of ours as JSON has it: dataclasses and mappings as objects, tuples as lists, times as stamps."""
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    return value


Maker = typing.Callable[[Any], Any]


def build(cls: type[Any], body: Mapping[str, Any]) -> Any:
    """The dataclass of this JSON object; TypeError, KeyError or ValueError where a name or a type is not its own."""
    makers = _MAKERS.get(cls)
    if makers is None:
        hints = get_type_hints(cls)
        makers = _MAKERS[cls] = [(f.name, _maker(hints[f.name])) for f in fields(cls)]
    if len(body) != len(makers):  # a field left out or dropped could not be written again to the same bytes
        raise TypeError(f"{cls.__name__} has other fields")
    return cls(*[make(body[name]) for name, make in makers])


_MAKERS: dict[type[Any], list[tuple[str, Maker]]] = {}  # a replay runs through here a hundred thousand times


def _maker(hint: Any) -> Maker:
    """How a JSON value becomes a field of this type; TypeError or ValueError where it cannot."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        if args[-1] is Ellipsis:
            each = _maker(args[0])
            return lambda value: tuple([each(item) for item in _list(value)])
        makers = [_maker(arg) for arg in args]
        return lambda value: tuple([make(item) for make, item in zip(makers, _list(value), strict=True)])
    if origin in (typing.Union, types.UnionType):  # only ever "or None"
        make = _maker(next(arg for arg in args if arg is not type(None)))
        return lambda value: None if value is None else make(value)
    if origin is Mapping:
        inner = _maker(args[1])
        return lambda value: {key: inner(item) for key, item in _object(value).items()}
    if is_dataclass(hint):
        return lambda value: build(typing.cast("type[Any]", hint), value)
    if issubclass(hint, StrEnum):
        members = {str(member): member for member in hint}
        return members.__getitem__
    plain: dict[type, Maker] = {str: as_text, int: as_int, bool: as_bool, float: _number, datetime: unstamp}
    return plain[hint]


def as_text(value: Any) -> str:
    """The value, if it is text; TypeError otherwise."""
    if type(value) is not str:
        raise TypeError(f"not a text: {value!r}")
    return value


def as_int(value: Any) -> int:
    """The value, if it is an integer and no truth value; TypeError otherwise."""
    if type(value) is not int:
        raise TypeError(f"not an integer: {value!r}")
    return value


def as_bool(value: Any) -> bool:
    """The value, if it is a truth value; TypeError otherwise."""
    if type(value) is not bool:
        raise TypeError(f"not a truth value: {value!r}")
    return value


def _number(value: Any) -> float:
    if type(value) is not int and (type(value) is not float or not math.isfinite(value)):
        raise TypeError(f"not a number: {value!r}")
    return typing.cast("float", value)


def _object(value: Any) -> dict[str, Any]:
    if type(value) is not dict:
        raise TypeError(f"not an object: {value!r}")
    return value


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise TypeError(f"not a list: {value!r}")
    return value
