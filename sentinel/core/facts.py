"""Every fact that is journalled, one frozen dataclass each, and its encoding. Released versions decode for ever.

A fact says what happened, in the past tense, in the terms of that moment: whoever replays it needs no settings.
People are named by contact id; names, numbers and free text lie beside the chain and appear here as references.
`line()` is the exact text that is stored and hashed: canonical JSON, so that a room that parses and writes it again
gets the same bytes.
"""

# ruff: noqa: TC001 - the decoder reads these types from the hints at run time

from __future__ import annotations

import hashlib
import json
import math
import types
import typing
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, get_type_hints

from sentinel.core.model import Condition, Ladder, Party, Role, Severity, Via

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

GENESIS = "0" * 64  # the hash before the first fact of an epoch
STAMP_LENGTH = 27
ENVELOPE = 9  # epoch, seq, at, boot, clock, late, kind, v, body


class ClockQuality(StrEnum):
    """How far the wall time of a fact may be believed."""

    SYNCED = "synced"
    UNSYNCED = "unsynced"  # no time server yet: at least the last fact's time, perhaps much later


class AnswerKind(StrEnum):
    """What a person said. Each expires in its own time; see `ladder.EXPIRY`."""

    ACKNOWLEDGED = "acknowledged"
    DISPATCHED = "dispatched"
    ARRIVED = "arrived"


class Disposition(StrEnum):
    """What it turned out to be. `RESTORED` is a fault that went away by itself."""

    GENUINE = "genuine"
    FALSE = "false"
    TEST = "test"
    FAULT = "fault"
    RESTORED = "restored"


class Cause(StrEnum):
    """Why a rung of the ladder was taken."""

    DUE = "due"
    ASKED = "asked"  # a person pressed "escalate now"
    REPAIRED = "repaired"  # the auditor found no next step


# --- The daemon's own life ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two programs (settings), redacted. `weakens`: somebody is told less, later or not at all."""

    path: str
    what: str
    weakens: bool


@dataclass(frozen=True, slots=True)
class Started:
    """The daemon came up with this program."""

    KIND: ClassVar = "started"
    V: ClassVar = 1
    version: str
    config: str  # hash of the redacted settings
    changes: tuple[Change, ...]  # against the program of the last start or reload


@dataclass(frozen=True, slots=True)
class Stopping:
    """An orderly stop was asked for."""

    KIND: ClassVar = "stopping"
    V: ClassVar = 1
    reason: str


@dataclass(frozen=True, slots=True)
class Reloaded:
    """A new program was taken without a restart."""

    KIND: ClassVar = "reloaded"
    V: ClassVar = 1
    config: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class ReloadRefused:
    """A new program was not valid; the old one stands."""

    KIND: ClassVar = "reload-refused"
    V: ClassVar = 1
    errors: int


@dataclass(frozen=True, slots=True)
class ClockStepped:
    """The wall clock jumped by this much: moves the deadlines that were set in this boot before it, and no others."""

    KIND: ClassVar = "clock-stepped"
    V: ClassVar = 1
    by_s: float


@dataclass(frozen=True, slots=True)
class EpochBegan:
    """A journal began: new, or restored behind what a room had already seen."""

    KIND: ClassVar = "epoch-began"
    V: ClassVar = 1
    reason: str
    previous: str  # the previous epoch's id, or ""
    head: str  # its last known hash, or ""


@dataclass(frozen=True, slots=True)
class Sealed:
    """Old facts were pruned up to and including `up_to`, whose hash verify starts from."""

    KIND: ClassVar = "sealed"
    V: ClassVar = 1
    up_to: int
    hash: str


@dataclass(frozen=True, slots=True)
class BareModeEnded:
    """The journal can be written again; what was told from memory follows, marked late."""

    KIND: ClassVar = "bare-mode-ended"
    V: ClassVar = 1
    since: datetime
    told: int
    reason: str


# --- What was sensed --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Signalled:
    """A zone, device, link or part of the gateway changed its condition."""

    KIND: ClassVar = "signalled"
    V: ClassVar = 1
    subject: str  # "zone:<id>", "device:<id>", "link:<id>", "channel:<id>", "gateway:<part>"
    role: Role
    condition: Condition
    of: Condition  # for NORMAL: what is over, ALARM or TROUBLE; else the same as condition
    event: int
    severity: Severity
    test: bool
    reason: str
    value: str
    hides: tuple[str, ...] = ()  # zones that cannot be known while this stands


# --- Incidents ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IncidentOpened:
    """Somebody must deal with this. The ladder is frozen here: a later change of the settings cannot corrupt it."""

    KIND: ClassVar = "incident-opened"
    V: ClassVar = 1
    code: str
    key: str  # one open incident per key: the subject, with "/trouble" for its troubles
    subject: str
    role: Role
    severity: Severity
    event: int
    latching: bool
    silent: bool
    test: bool
    reason: str
    hides: tuple[str, ...]
    ladder: Ladder


@dataclass(frozen=True, slots=True)
class IncidentReactivated:
    """The point went into alarm anew while its incident was open and cleared or answered: the ladder starts afresh."""

    KIND: ClassVar = "incident-reactivated"
    V: ClassVar = 1
    code: str


@dataclass(frozen=True, slots=True)
class IncidentCleared:
    """The input is normal again. A latched incident stays open until a person closes it."""

    KIND: ClassVar = "incident-cleared"
    V: ClassVar = 1
    code: str


@dataclass(frozen=True, slots=True)
class Answered:
    """A person answered. `party` is what the credential and channel are worth, never what the text claimed."""

    KIND: ClassVar = "answered"
    V: ClassVar = 1
    code: str
    kind: AnswerKind
    by: str  # contact or account id
    name: str  # reference to the name beside the chain, or ""
    party: Party
    via: Via
    until: datetime | None  # when this answer is no longer worth anything; None: until it is closed


@dataclass(frozen=True, slots=True)
class MistakeReported:
    """The bank says that it was a mistake. Shown to the police; it stops nothing."""

    KIND: ClassVar = "mistake-reported"
    V: ClassVar = 1
    code: str
    by: str
    name: str
    party: Party
    via: Via


@dataclass(frozen=True, slots=True)
class FalseProposed:
    """One officer calls it false; without a report from the spot a second officer must say so too."""

    KIND: ClassVar = "false-proposed"
    V: ClassVar = 1
    code: str
    by: str
    name: str
    via: Via


@dataclass(frozen=True, slots=True)
class IncidentClosed:
    """Closed by a person with a disposition, or restored by itself."""

    KIND: ClassVar = "incident-closed"
    V: ClassVar = 1
    code: str
    disposition: Disposition
    by: str
    name: str
    party: Party | None
    via: Via | None


@dataclass(frozen=True, slots=True)
class Escalated:
    """Rungs of the ladder were taken: all those numbered below `rungs` since `base` are done."""

    KIND: ClassVar = "escalated"
    V: ClassVar = 1
    code: str
    base: datetime  # when this run of the ladder began
    rungs: int  # rungs done since base, over all rounds
    steps: tuple[int, ...]  # the steps (from 0) taken now
    cause: Cause


# --- Notices -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NoticeQueued:
    """One message to one contact by one channel is to leave. The journal makes the outbox row in the same transaction."""

    KIND: ClassVar = "notice-queued"
    V: ClassVar = 1
    notice: str  # "<code>-<n>" within this opening of the code; unique in the journal together with the epoch
    code: str
    contact: str
    channel: str
    path: str
    language: str
    party: Party
    words: str  # id in core.words
    args: tuple[tuple[str, str], ...]  # what the words need beyond the incident: ids and figures, never names
    priority: int  # 0 first critical notice, 1 critical, 2 high, 3 fault, 4 follow-up
    step: int  # the ladder's step, -1 for follow-ups


@dataclass(frozen=True, slots=True)
class NoticeSent:
    """Handed over to the channel's other end."""

    KIND: ClassVar = "notice-sent"
    V: ClassVar = 1
    notice: str
    attempt: int


@dataclass(frozen=True, slots=True)
class NoticeDelivered:
    """The other end says that it has it. Delivered is not answered."""

    KIND: ClassVar = "notice-delivered"
    V: ClassVar = 1
    notice: str


@dataclass(frozen=True, slots=True)
class NoticeDelayed:
    """An attempt failed and will be made again; journalled when the reason changes, not at each attempt."""

    KIND: ClassVar = "notice-delayed"
    V: ClassVar = 1
    notice: str
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class NoticeFailed:
    """It will not be tried again by this channel."""

    KIND: ClassVar = "notice-failed"
    V: ClassVar = 1
    notice: str
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class NoticeWithdrawn:
    """Answered, restored or closed before it left."""

    KIND: ClassVar = "notice-withdrawn"
    V: ClassVar = 1
    notice: str
    reason: str


# --- Commands ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CommandTaken:
    """A command was carried out; its id does nothing a second time."""

    KIND: ClassVar = "command-taken"
    V: ClassVar = 1
    id: str
    kind: str
    by: str
    via: Via
    until: datetime


@dataclass(frozen=True, slots=True)
class CommandRefused:
    """A command did nothing, and why."""

    KIND: ClassVar = "command-refused"
    V: ClassVar = 1
    id: str
    kind: str
    by: str
    via: Via
    reason: str


@dataclass(frozen=True, slots=True)
class Newer:
    """A fact of a kind or version that this code does not know: kept, chained and shown, never dropped."""

    kind: str
    v: int
    body: str  # canonical JSON


Fact = (
    Started
    | Stopping
    | Reloaded
    | ReloadRefused
    | ClockStepped
    | EpochBegan
    | Sealed
    | BareModeEnded
    | Signalled
    | IncidentOpened
    | IncidentReactivated
    | IncidentCleared
    | Answered
    | MistakeReported
    | FalseProposed
    | IncidentClosed
    | Escalated
    | NoticeQueued
    | NoticeSent
    | NoticeDelivered
    | NoticeDelayed
    | NoticeFailed
    | NoticeWithdrawn
    | CommandTaken
    | CommandRefused
    | Newer
)

KINDS: dict[str, type[Any]] = {cls.KIND: cls for cls in typing.get_args(Fact) if cls is not Newer}

# (kind, old version) -> body of that version to body of the next. Version 1 is the first: nothing to lift yet.
UPCASTS: dict[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]] = {}


@dataclass(frozen=True, slots=True)
class Recorded:
    """A fact with its place in the journal. Order is by `seq`, never by `at`."""

    epoch: str
    seq: int  # from 1 in each epoch
    at: datetime  # aware UTC
    boot: str  # id of the boot (kernel's, or the run's where there is none)
    clock: ClockQuality
    late: bool  # written after the fact was acted on (bare mode)
    fact: Fact


# --- Encoding ----------------------------------------------------------------------------------------------------------


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


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    return value


def body_of(fact: Fact) -> dict[str, Any]:
    """The fact's fields as plain JSON values."""
    if isinstance(fact, Newer):
        loaded: dict[str, Any] = json.loads(fact.body)
        return loaded
    return {f.name: _plain(getattr(fact, f.name)) for f in fields(fact)}


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
            epoch=_text(raw["epoch"]),
            seq=_int(raw["seq"]),
            at=unstamp(raw["at"]),
            boot=_text(raw["boot"]),
            clock=ClockQuality(raw["clock"]),
            late=_bool(raw["late"]),
            fact=_fact(_text(raw["kind"]), _int(raw["v"]), raw["body"]),
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
    fact: Fact = _build(cls, body)
    return fact


Maker = typing.Callable[[Any], Any]


def _build(cls: type[Any], body: Mapping[str, Any]) -> Any:
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
    if is_dataclass(hint):
        return lambda value: _build(typing.cast("type[Any]", hint), value)
    if issubclass(hint, StrEnum):
        members = {str(member): member for member in hint}
        return members.__getitem__
    plain: dict[type, Maker] = {str: _text, int: _int, bool: _bool, float: _number, datetime: unstamp}
    return plain[hint]


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError(f"not a text: {value!r}")
    return value


def _int(value: Any) -> int:
    if type(value) is not int:
        raise TypeError(f"not an integer: {value!r}")
    return value


def _bool(value: Any) -> bool:
    if type(value) is not bool:
        raise TypeError(f"not a truth value: {value!r}")
    return value


def _number(value: Any) -> float:
    if type(value) is not int and (type(value) is not float or not math.isfinite(value)):
        raise TypeError(f"not a number: {value!r}")
    return typing.cast("float", value)


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise TypeError(f"not a list: {value!r}")
    return value
