"""Every fact that is journalled, one frozen dataclass each. Released versions decode for ever (see `chain`).

A fact says what happened, in the past tense, in the terms of that moment: whoever replays it needs no settings.
People are named by contact id; names, numbers and free text lie beside the chain and appear here as references.
"""

# ruff: noqa: TC001, TC003 - the decoder reads these types from the hints at run time

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from sentinel.core.model import Condition, Ladder, Party, Role, Severity, Via


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


class PictureMoment(StrEnum):
    """Which side of the alarm a picture shows."""

    BEFORE = "before"  # the newest that was there already
    AFTER = "after"


class Cause(StrEnum):
    """Why a rung of the ladder was taken."""

    DUE = "due"
    ASKED = "asked"  # a person pressed "escalate now"
    REPAIRED = "repaired"  # the auditor found no next step
    FAILED = "failed"  # somebody of the rung before cannot be reached this way at all


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
class IncidentRaised:
    """What stands open weighs more by now (a way out that is missing, once the branch is closed): told anew, more widely."""

    KIND: ClassVar = "incident-raised"
    V: ClassVar = 1
    code: str
    severity: Severity
    ladder: Ladder


@dataclass(frozen=True, slots=True)
class IncidentCleared:
    """The input is normal again. A latched incident stays open until a person closes it."""

    KIND: ClassVar = "incident-cleared"
    V: ClassVar = 1
    code: str


@dataclass(frozen=True, slots=True)
class IncidentConfirmed:
    """Something else says so too: the recorder was lost within minutes of the alarm."""

    KIND: ClassVar = "incident-confirmed"
    V: ClassVar = 1
    code: str
    by: str  # "device:<id>" or "link:<id>"
    afresh: bool  # nobody's answer stood: the ladder begins anew


@dataclass(frozen=True, slots=True)
class PictureKept:
    """A picture of a camera that watches the incident's zone lies beside the journal, until it is erased on time."""

    KIND: ClassVar = "picture-kept"
    V: ClassVar = 1
    code: str
    camera: str  # "<device>.<camera>"
    moment: PictureMoment
    at: datetime  # when it was taken
    ref: str  # SHA-256 over its own salt and the picture, 64 hex digits: the salt goes with the picture


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
    | IncidentRaised
    | IncidentCleared
    | IncidentConfirmed
    | PictureKept
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
