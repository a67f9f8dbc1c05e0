"""A fact's line and its hash: the exact text that is stored, sent and chained, and the way back from it.

Canonical JSON, so that a room that parses a line and writes it again gets the same bytes. Released versions decode for
ever: an older one is lifted by `UPCASTS`, a newer one is kept as `Newer`.
"""

from __future__ import annotations

import hashlib
import json
import typing
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sentinel.core.encoding import as_bool, as_int, as_text, build, canonical, plain, stamp, unstamp
from sentinel.core.facts import ClockQuality, Fact, Newer, Recorded

if TYPE_CHECKING:
    from collections.abc import Callable

GENESIS = "0" * 64  # the hash before the first fact of an epoch
ENVELOPE = 9  # epoch, seq, at, boot, clock, late, kind, v, body

KINDS: dict[str, type[Any]] = {cls.KIND: cls for cls in typing.get_args(Fact) if cls is not Newer}

# (kind, old version) -> body of that version to body of the next. Version 1 is the first: nothing to lift yet.
UPCASTS: dict[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]] = {}


def body_of(fact: Fact) -> dict[str, Any]:
    """The fact's fields as plain JSON values."""
    if isinstance(fact, Newer):
        loaded: dict[str, Any] = json.loads(fact.body)
        return loaded
    return {f.name: plain(getattr(fact, f.name)) for f in fields(fact)}


def line(recorded: Recorded) -> str:
    """The text that is stored and hashed."""
    fact = recorded.fact
    kind, v = (fact.kind, fact.v) if isinstance(fact, Newer) else (fact.KIND, fact.V)
    return canonical(
        {
            "epoch": recorded.epoch,
            "seq": recorded.seq,
            "at": stamp(recorded.at),
            "boot": recorded.boot,
            "clock": recorded.clock,
            "late": recorded.late,
            "kind": kind,
            "v": v,
            "body": body_of(fact),
        }
    )


def chain(previous: str, text: str) -> str:
    """The hash of a line: SHA-256 over the hash before it and its text, as 64 hex digits."""
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()


def parse(text: str) -> Recorded:
    """The record of `line`; ValueError when it is not one. An unknown kind or a newer version becomes `Newer`.

    Strict: every name and type must be what the dataclasses say, because `evolve` leans on them and because whatever
    was let through differently could not be written again to the same bytes.
    """
    try:
        raw = json.loads(text)
        if "\\u" in text:
            json.dumps(raw, ensure_ascii=False).encode()  # UnicodeEncodeError on half a surrogate pair
        if len(raw) != ENVELOPE or raw["seq"] < 1:
            raise ValueError("not a fact: its envelope")
        return Recorded(
            epoch=as_text(raw["epoch"]),
            seq=as_int(raw["seq"]),
            at=unstamp(raw["at"]),
            boot=as_text(raw["boot"]),
            clock=ClockQuality(raw["clock"]),
            late=as_bool(raw["late"]),
            fact=_fact(as_text(raw["kind"]), as_int(raw["v"]), raw["body"]),
        )
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a fact: {error!r}") from error


def _fact(kind: str, v: int, body: dict[str, Any]) -> Fact:
    if type(body) is not dict:
        raise TypeError("body is not an object")
    cls = KINDS.get(kind)
    if cls is None or v > cls.V:
        return Newer(kind, v, canonical(body))
    while v < cls.V:
        body = UPCASTS[kind, v](body)
        v += 1
    fact: Fact = build(cls, body)
    return fact
