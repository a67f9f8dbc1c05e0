"""What a control room says to its branch, as values: receipts and commands, parsed strictly. Pure.

Nothing here decides what an answer is worth: that is `core.incident`, by the grants of the room in the settings.
Used by the uplink; every event that it tells its owner is one of these.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sentinel.core.encoding import unstamp
from sentinel.core.facts import Disposition

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_SEQ = 2**53  # what every JSON reader holds exactly
LONGEST = timedelta(hours=1)  # that a command may be meant for: its id is kept from then on


class CommandKind(StrEnum):
    """What a room may ask of a branch."""

    ACKNOWLEDGE = "acknowledge"
    DISPATCH = "dispatch"
    ARRIVE = "arrive"
    CLOSE = "close"
    ESCALATE = "escalate"
    SILENCE = "silence"
    SELFTEST = "selftest"
    RESEND = "resend"
    WATCH = "watch"
    FETCH = "fetch"


ACTUATING = frozenset({CommandKind.SILENCE, CommandKind.SELFTEST})  # refused while the clock may be wrong

Arg = str | int


@dataclass(frozen=True, slots=True)
class RoomCommand:
    """One command. `by_role` is a claim; `room` is what the broker's ACL proves."""

    id: str
    kind: CommandKind
    room: str
    at: datetime
    until: datetime
    by_name: str
    by_role: str
    args: tuple[tuple[str, Arg], ...]
    sig: str = ""

    def arg(self, name: str) -> Arg | None:
        """The argument of this name, or None."""
        return dict(self.args).get(name)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The room has made every fact of this epoch durable up to `seq`, whose hash it says."""

    room: str
    epoch: str
    seq: int
    hash: str


class ForkKind(StrEnum):
    """How a room's copy contradicts this journal."""

    OTHER_HASH = "other-hash"  # a cloned gateway, or a journal that was changed
    AHEAD = "ahead"  # this journal was restored from before what the room has seen
    UNKNOWN_EPOCH = "unknown-epoch"  # none that this journal ever had


@dataclass(frozen=True, slots=True)
class Forked:
    """A receipt that cannot be of this journal. Told once for each different receipt."""

    receipt: Receipt
    kind: ForkKind


class Refusal(StrEnum):
    """Why a command did nothing."""

    RETAINED = "retained"
    MALFORMED = "malformed"
    EXPIRED = "expired"
    CLOCK = "clock-unsynchronised"
    TOO_MANY = "too-many"  # this one and what follows it until the room is calm again; the room gives them anew


@dataclass(frozen=True, slots=True)
class Refused:
    """A command that did nothing. `id`, `kind` and `by` are empty where the message did not give them rightly."""

    room: str
    id: str
    kind: str
    by: str
    reason: Refusal


@dataclass(frozen=True, slots=True)
class RoomSeen:
    """A room came or went: by its status, its will, a sign of life, or the lack of one."""

    room: str
    online: bool


@dataclass(frozen=True, slots=True)
class WireChanged:
    """The broker is there (None) or not, and why."""

    trouble: str | None


Event = Receipt | Forked | RoomCommand | Refused | RoomSeen | WireChanged

_EPOCH = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_HASH = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_CODE = re.compile(r"[0-9A-Za-z-]{1,32}")
# One line, and whole signs: half a surrogate pair passes JSON, and no letter can be written with it.
_TEXT = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,280}")
_NAME = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,80}")


def receipt_of(room: str, body: Mapping[str, object] | None) -> Receipt | None:
    """The receipt in this message, or None when it is not one."""
    if body is None or body.keys() != {"epoch", "seq", "hash"}:
        return None
    epoch, seq, digest = body["epoch"], body["seq"], body["hash"]
    if not (_matches(_EPOCH, epoch) and _seq(seq, least=0) and _matches(_HASH, digest)):
        return None
    return Receipt(room, str(epoch), _number(seq), str(digest))


def command_of(room: str, body: Mapping[str, object] | None) -> RoomCommand | Refused:
    """The command in this message; anything missing, unknown or out of bounds is refused, never guessed."""
    if body is None:
        return Refused(room, "", "", "", Refusal.MALFORMED)
    by = body.get("by")
    name = by.get("name") if isinstance(by, dict) else None
    wrong = Refused(
        room,
        str(body["id"]) if _matches(_ID, body.get("id")) else "",
        str(body["kind"]) if _is_one_of(CommandKind, body.get("kind")) else "",
        str(name) if _matches(_NAME, name) else "",
        Refusal.MALFORMED,
    )
    if not (wrong.id and wrong.kind and wrong.by and isinstance(by, dict) and by.keys() == {"name", "role"}):
        return wrong
    kind = CommandKind(wrong.kind)
    args = _args(kind, {key: value for key, value in body.items() if key not in _COMMON})
    at, until = _time(body.get("at")), _time(body.get("until"))
    sig = body.get("sig", "")
    if args is None or at is None or until is None or not _matches(_ID, by["role"]):
        return wrong
    if not isinstance(sig, str) or len(sig) > 512:
        return wrong
    return RoomCommand(wrong.id, kind, room, at, until, wrong.by, str(by["role"]), args, sig)


def judge(command: RoomCommand, now: datetime, *, synchronised: bool) -> Refusal | None:
    """Why this command must not run now. With a clock that may be wrong only answers are taken, whatever `until` says."""
    if command.until - command.at > LONGEST:
        return Refusal.MALFORMED
    if not synchronised:
        return Refusal.CLOCK if command.kind in ACTUATING else None
    if command.until - now > 2 * LONGEST:  # dated ahead, beyond what any two clocks may differ
        return Refusal.MALFORMED
    return Refusal.EXPIRED if now > command.until else None


def age_of(status: Mapping[str, object], now: datetime) -> timedelta | None:
    """How long ago a room said this of itself, by its own clock; None when it does not say."""
    at = _time(status.get("at"))
    return None if at is None else abs(now - at)


_COMMON = frozenset({"id", "kind", "at", "until", "by", "sig"})


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _seq(value: object, least: int = 1) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < MAX_SEQ


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _minutes(value: object) -> bool:
    return _seq(value) and _number(value) <= 60


def _is_one_of(words: type[StrEnum], value: object) -> bool:
    return isinstance(value, str) and value in list(words)


def _time(value: object) -> datetime | None:
    try:
        return unstamp(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _is_code(value: object) -> bool:
    return _matches(_CODE, value)


def _is_text(value: object) -> bool:
    return _matches(_TEXT, value)


def _is_disposition(value: object) -> bool:
    return _is_one_of(Disposition, value) and value != Disposition.RESTORED


# kind -> (arguments it must have, arguments it may have)
_ARGS: Mapping[CommandKind, tuple[Mapping[str, Callable[[object], bool]], Mapping[str, Callable[[object], bool]]]] = {
    CommandKind.ACKNOWLEDGE: ({"incident": _is_code}, {"note": _is_text}),
    CommandKind.DISPATCH: ({"incident": _is_code}, {"note": _is_text}),
    CommandKind.ARRIVE: ({"incident": _is_code}, {"note": _is_text}),
    CommandKind.CLOSE: ({"incident": _is_code, "disposition": _is_disposition}, {"note": _is_text}),
    CommandKind.ESCALATE: ({"incident": _is_code}, {"note": _is_text}),
    CommandKind.SILENCE: ({"zone": _is_code, "minutes": _minutes}, {"note": _is_text}),
    CommandKind.SELFTEST: ({"test": _is_code}, {}),
    CommandKind.RESEND: ({"incident": _is_code}, {}),
    CommandKind.WATCH: ({}, {}),
    CommandKind.FETCH: ({"from": _seq}, {}),
}


def _args(kind: CommandKind, given: Mapping[str, object]) -> tuple[tuple[str, Arg], ...] | None:
    must, may = _ARGS[kind]
    if not must.keys() <= given.keys() <= must.keys() | may.keys():
        return None
    taken: list[tuple[str, Arg]] = []
    for name, value in sorted(given.items()):
        if not isinstance(value, str | int) or not (must.get(name) or may[name])(value):
            return None
        taken.append((name, value))
    return tuple(taken)
