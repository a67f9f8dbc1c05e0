"""Any fact of any kind, made from the type hints alone: what is added to `facts` is covered without another word."""

from __future__ import annotations

import types
import typing
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, get_type_hints

from hypothesis import strategies as st

from sentinel.core.chain import KINDS
from sentinel.core.facts import ClockQuality, Fact, Recorded

TEXTS = st.text(max_size=12) | st.sampled_from(["", "लूट", '"\\\n', "\u2028", "😀"])
STAMPS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - bounds must be naive


def by_type(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type as the facts use it."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        if args[-1] is Ellipsis:
            return st.lists(by_type(args[0]), max_size=3).map(tuple)
        return st.tuples(*map(by_type, args))
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*map(by_type, args))
    if hint is type(None):
        return st.none()
    if is_dataclass(hint):
        return a_dataclass(typing.cast("type[Any]", hint))
    if issubclass(hint, StrEnum):
        return st.sampled_from(list(hint))
    plain: dict[type, st.SearchStrategy[Any]] = {
        str: TEXTS,
        bool: st.booleans(),
        int: st.integers(-(10**20), 10**20),
        float: st.floats(allow_nan=False, allow_infinity=False) | st.integers(-100, 100),
        datetime: STAMPS,
    }
    return plain[hint]


def a_dataclass(cls: type[Any], **given: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Instances of a dataclass, some of its fields chosen by the caller."""
    hints = get_type_hints(cls)
    return st.builds(cls, **{f.name: given[f.name] if f.name in given else by_type(hints[f.name]) for f in fields(cls)})


FACTS: st.SearchStrategy[Fact] = st.sampled_from(sorted(KINDS)).flatmap(lambda kind: a_dataclass(KINDS[kind]))

RECORDS: st.SearchStrategy[Recorded] = st.builds(
    Recorded,
    epoch=TEXTS,
    seq=st.integers(1, 2**60),
    at=STAMPS,
    boot=TEXTS,
    clock=st.sampled_from(ClockQuality),
    late=st.booleans(),
    fact=FACTS,
)
