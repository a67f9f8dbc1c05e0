"""What a branch's facts amount to: `State`, and `evolve(state, recorded) -> state`.

A pure fold. The gateway lives through it, a restart replays it, and every control room runs the same function on
its replica. It never decides (see `decide`), never asks the time, and no fact, however odd, makes it raise: a fact
about something that is not there leaves the state as it was.
"""

# ruff: noqa: TC003 - checkpoints are built from these hints at run time

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from types import MappingProxyType
from typing import TypeVar

from sentinel.core import facts, numbering
from sentinel.core.facts import AnswerKind, ClockQuality, Disposition, PictureMoment, Recorded
from sentinel.core.model import Condition, Ladder, Party, Role, Severity, Via

CODE_REST = timedelta(days=90)  # a code is not used again in a branch for so long
RECENT = 20  # closed incidents kept in the state for pages and late receipts; silent ones push none of the others out
LEAVING = 500  # and so many at most while a notice of theirs has still to leave; the oldest lose their words
# Notices of one incident in the state: one that stays open for weeks loses its oldest, which the journal keeps.
NOTICES, NOTICES_MOST = 100, 200
PICTURES = 200  # of one incident in the state: nobody takes more of it, and the journal keeps each
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)  # before anything that this house can have seen


class NoticeState(StrEnum):
    """How far a notice got. `read`, too, is not answered."""

    PENDING = "pending"
    SENDING = "sending"  # in the outbox only: a lease, never a fact
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to one contact by one channel, as the facts tell it."""

    id: str
    contact: str
    channel: str
    path: str
    party: Party
    words: str
    step: int
    state: NoticeState
    at: datetime  # of its last change
    reason: str = ""

    @property
    def live(self) -> bool:
        """Still to be sent."""
        return self.state is NoticeState.PENDING

    @property
    def told(self) -> bool:
        """It left: the contact may have read it."""
        return self.state in (NoticeState.SENT, NoticeState.DELIVERED, NoticeState.READ)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person said, and how long that is worth something."""

    kind: AnswerKind
    by: str
    name: str
    party: Party
    via: Via
    at: datetime
    until: datetime | None
    boot: str


@dataclass(frozen=True, slots=True)
class Picture:
    """What one camera showed. The picture itself lies beside the chain, and may have been erased."""

    camera: str  # "<device>.<camera>"
    moment: PictureMoment
    at: datetime
    ref: str


@dataclass(frozen=True, slots=True)
class Incident:
    """One thing a person must deal with."""

    code: str
    key: str
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
    opened_at: datetime
    opened_seq: int
    armed_at: datetime
    armed_boot: str
    active: bool = True  # the input is (as far as we know) still in this condition
    rungs: int = 0
    rungs_base: datetime = LONG_AGO
    answers: tuple[Answer, ...] = ()
    reports: tuple[str, ...] = ()  # who, on the spot, called it a mistake
    false_by: tuple[str, ...] = ()  # officers who called it false, as `officer` tells them apart
    notices: Mapping[str, Notice] = field(default_factory=lambda: MappingProxyType({}))
    closed_at: datetime | None = None
    disposition: Disposition | None = None
    closed_by: str = ""  # contact or account id
    closed_name: str = ""  # reference to the name beside the chain
    again_at: datetime | None = None  # when it last went into alarm anew; `armed_at` moves with the clock and the power
    signalled_at: datetime = LONG_AGO  # its last activation, in the time of `signalled_boot`
    signalled_boot: str = ""
    confirmed_by: str = ""  # what else said so since its last activation: a subject
    pictures: tuple[Picture, ...] = ()

    @property
    def leaving(self) -> bool:
        """A notice of it waits to be sent."""
        return any(notice.live for notice in self.notices.values())


@dataclass(frozen=True, slots=True)
class State:
    """A branch, as its facts tell it. Every mapping is replaced, never changed."""

    epoch: str = ""
    seq: int = 0
    at: datetime = LONG_AGO
    boot: str = ""
    clock: ClockQuality = ClockQuality.UNSYNCED
    config: str = ""
    # What the branch can see is counted apart from what it must not know of, codes and notices both.
    issued: int = numbering.SPOKEN.first  # where in the row of codes the next one is looked for
    issued_silently: int = numbering.SILENT.first
    noticed: int = 0  # the highest number of a notice so far
    noticed_silently: int = 0
    incidents: Mapping[str, Incident] = field(default_factory=dict)  # open, by code
    by_key: Mapping[str, str] = field(default_factory=dict)  # open: key -> code
    also: Mapping[str, str] = field(default_factory=dict)  # open: another code that it was told under -> its code
    resting: Mapping[str, datetime] = field(default_factory=dict)  # code -> closed at
    recent: tuple[Incident, ...] = ()  # closed, newest first
    conditions: Mapping[str, Condition] = field(default_factory=dict)  # last signalled, by incident key
    values: Mapping[str, str] = field(default_factory=dict)  # what the point gave then, while it is not normal
    commands: Mapping[str, datetime] = field(default_factory=dict)  # ids carried out -> until

    def open(self, code: str) -> Incident | None:
        """The open incident that people know by this code."""
        return self.incidents.get(self.also.get(code, code))

    def find(self, code: str) -> Incident | None:
        """The incident of this code: open, or recently closed."""
        return self.open(code) or next((one for one in self.recent if one.code == code), None)


def officer(by: str, name: str, via: Via) -> str:
    """Who this is among officers: the account; in a room, which signs in its own people, their names too."""
    return f"{by}/{name}" if via is Via.ROOM else by


def free_code(state: State, now: datetime, *, silent: bool) -> str:
    """The code of the next incident: open nowhere, and rested."""
    return numbering.next_code(
        state.issued_silently if silent else state.issued,
        lambda code: code in state.incidents or code in state.also,
        lambda code: (CODE_REST - (now - state.resting.get(code, LONG_AGO))).total_seconds(),
    )


V = TypeVar("V")

_ALL: dict[type, attrgetter[tuple[object, ...]]] = {}  # class -> all of its fields at once


def _with(value: V, **changes: object) -> V:
    """`dataclasses.replace` for slotted classes at a sixth of its cost: a replay of 100,000 facts is made of it."""
    cls = type(value)
    slots: tuple[str, ...] = cls.__slots__  # type: ignore[attr-defined]
    every = _ALL.get(cls) or _ALL.setdefault(cls, attrgetter(*slots))
    new: V = object.__new__(cls)
    put = object.__setattr__
    for name, old in zip(slots, every(value), strict=True):
        put(new, name, old)
    for name, changed in changes.items():
        put(new, name, changed)
    return new


def _set(fresh: State, **changes: object) -> State:
    """Change the copy that `evolve` has just made: nobody else has seen it yet."""
    for name, value in changes.items():
        object.__setattr__(fresh, name, value)
    return fresh


def evolve(state: State, recorded: Recorded) -> State:
    """The state after one more fact."""
    state = _with(
        state, epoch=recorded.epoch, seq=recorded.seq, at=recorded.at, boot=recorded.boot, clock=recorded.clock
    )
    fact = recorded.fact
    match fact:
        case facts.NoticeQueued():
            return _queued(state, fact, recorded)
        case facts.NoticeSent():
            return _notice(state, fact.notice, NoticeState.SENT, "", recorded.at)
        case facts.NoticeDelivered():
            return _notice(state, fact.notice, NoticeState.DELIVERED, "", recorded.at)
        case facts.NoticeDelayed():
            return _notice(state, fact.notice, NoticeState.PENDING, fact.reason, recorded.at)
        case facts.NoticeFailed():
            return _notice(state, fact.notice, NoticeState.FAILED, fact.reason, recorded.at)
        case facts.NoticeWithdrawn():
            return _notice(state, fact.notice, NoticeState.WITHDRAWN, fact.reason, recorded.at)
        case facts.Signalled():
            of = fact.subject if fact.of is Condition.ALARM else f"{fact.subject}/trouble"
            if fact.condition is not Condition.NORMAL and fact.reason and of in state.by_key:
                state = _change(state, state.by_key[of], reason=fact.reason)  # the letters say what it is about now
            return _set(state, conditions={**state.conditions, of: fact.condition}, values=_values(state, of, fact))
        case facts.IncidentOpened():
            return _opened(state, fact, recorded)
        case facts.IncidentReactivated():
            return _again(state, fact.code, recorded)
        case facts.IncidentRaised():
            return _raised(state, fact, recorded)
        case facts.IncidentCleared():
            return _change(state, fact.code, active=False)
        case facts.IncidentConfirmed():
            return _confirmed(state, fact, recorded)
        case facts.PictureKept():
            return _pictured(state, fact)
        case facts.Answered():
            return _answered(state, fact, recorded)
        case facts.MistakeReported():
            incident = state.open(fact.code)
            return state if incident is None else _put(state, _with(incident, reports=(*incident.reports, fact.by)))
        case facts.FalseProposed():
            incident = state.open(fact.code)
            return (
                state
                if incident is None
                else _put(state, _with(incident, false_by=(*incident.false_by, officer(fact.by, fact.name, fact.via))))
            )
        case facts.IncidentClosed():
            return _closed(state, fact, recorded)
        case facts.Escalated():
            return _change(state, fact.code, rungs=max(0, fact.rungs), rungs_base=fact.base)
        case facts.Started():
            return _started(_set(state, config=fact.config), recorded)
        case facts.Reloaded():
            return _set(state, config=fact.config)
        case facts.ClockStepped():
            return _stepped(state, fact.by_s, recorded.boot)
        case facts.CommandTaken():
            # Kept long past their time: without a believable clock an old one cannot be known by its age.
            kept = {id_: until for id_, until in state.commands.items() if recorded.at - until < CODE_REST}
            return _set(state, commands={**kept, fact.id: fact.until})
        case _:
            return state


def replay(records: list[Recorded], state: State | None = None) -> State:
    """The state that these facts amount to."""
    state = state or State()
    for recorded in records:
        state = evolve(state, recorded)
    return state


def _values(state: State, key: str, fact: facts.Signalled) -> Mapping[str, str]:
    if fact.condition is not Condition.NORMAL and fact.value:
        return {**state.values, key: fact.value}
    if key not in state.values:
        return state.values
    return {one: value for one, value in state.values.items() if one != key}


def _put(state: State, incident: Incident) -> State:
    return _set(state, incidents={**state.incidents, incident.code: incident})


def _change(state: State, code: str, **changes: object) -> State:
    incident = state.open(code)
    return state if incident is None else _put(state, _with(incident, **changes))


def _again(state: State, code: str, recorded: Recorded) -> State:
    """Never a test: only the first activation of an announced point can be one (DESIGN rule 8)."""
    return _change(
        state,
        code,
        active=True,
        again_at=recorded.at,
        signalled_at=recorded.at,
        signalled_boot=recorded.boot,
        confirmed_by="",
        test=False,
        armed_at=recorded.at,
        armed_boot=recorded.boot,
        rungs=0,
        rungs_base=LONG_AGO,
        answers=(),
        false_by=(),
    )


def _raised(state: State, fact: facts.IncidentRaised, recorded: Recorded) -> State:
    """What was answered was something smaller: the louder ladder begins."""
    return _change(
        state,
        fact.code,
        severity=fact.severity,
        ladder=fact.ladder,
        armed_at=recorded.at,
        armed_boot=recorded.boot,
        rungs=0,
        rungs_base=LONG_AGO,
        answers=(),
    )


def _confirmed(state: State, fact: facts.IncidentConfirmed, recorded: Recorded) -> State:
    if not fact.afresh:
        return _change(state, fact.code, confirmed_by=fact.by)
    return _change(
        state,
        fact.code,
        confirmed_by=fact.by,
        armed_at=recorded.at,
        armed_boot=recorded.boot,
        rungs=0,
        rungs_base=LONG_AGO,
    )


def _pictured(state: State, fact: facts.PictureKept) -> State:
    """Also of an incident that was closed meanwhile: a door that stood open for a moment is restored in five seconds."""
    incident = state.find(fact.code)
    if incident is None or len(incident.pictures) >= PICTURES:
        return state
    if any(one.ref == fact.ref for one in incident.pictures):
        return state
    pictures = (*incident.pictures, Picture(fact.camera, fact.moment, fact.at, fact.ref))
    return _replaced(state, _with(incident, pictures=pictures))


def _opened(state: State, fact: facts.IncidentOpened, recorded: Recorded) -> State:
    taken = fact.code in state.incidents or fact.code in state.also
    known = state.by_key.get(fact.key)
    if known is not None and known == state.also.get(fact.code, fact.code):
        return state
    if known is not None:  # by a start that could not read that it was open: pressed anew, and told under two codes
        also = state.also if taken else {**state.also, fact.code: known}
        return _set(_again(state, known, recorded), also=also)
    # Nor could it read which codes were open: rather told once more under another one than not at all.
    code = free_code(state, recorded.at, silent=fact.silent) if taken else fact.code
    incident = Incident(
        code=code,
        key=fact.key,
        subject=fact.subject,
        role=fact.role,
        severity=fact.severity,
        event=fact.event,
        latching=fact.latching,
        silent=fact.silent,
        test=fact.test,
        reason=fact.reason,
        hides=fact.hides,
        ladder=fact.ladder,
        opened_at=recorded.at,
        opened_seq=recorded.seq,
        armed_at=recorded.at,
        armed_boot=recorded.boot,
        signalled_at=recorded.at,
        signalled_boot=recorded.boot,
    )
    return _set(
        state,
        issued=state.issued if fact.silent else numbering.after(state.issued, code),
        issued_silently=numbering.after(state.issued_silently, code) if fact.silent else state.issued_silently,
        incidents={**state.incidents, code: incident},
        by_key={**state.by_key, fact.key: code},
    )


def _answered(state: State, fact: facts.Answered, recorded: Recorded) -> State:
    incident = state.open(fact.code)
    if incident is None:
        return state
    answer = Answer(fact.kind, fact.by, fact.name, fact.party, fact.via, recorded.at, fact.until, recorded.boot)
    return _put(state, _with(incident, answers=(*incident.answers, answer)))


def _closed(state: State, fact: facts.IncidentClosed, recorded: Recorded) -> State:
    incident = state.open(fact.code)
    if incident is None:
        return state
    closed = _with(
        incident,
        closed_at=recorded.at,
        disposition=fact.disposition,
        closed_by=fact.by,
        closed_name=fact.name,
    )
    resting = {**state.resting}
    codes = [incident.code, *(code for code, one in state.also.items() if one == incident.code)]
    for code in codes:
        resting.pop(code, None)  # last in, last out: the dictionary's order is the order of rest
    while resting and recorded.at - resting[oldest := next(iter(resting))] >= CODE_REST:
        del resting[oldest]
    resting.update(dict.fromkeys(codes, recorded.at))
    return _set(
        state,
        incidents={code: one for code, one in state.incidents.items() if code != incident.code},
        by_key={key: code for key, code in state.by_key.items() if code != incident.code},
        also={code: one for code, one in state.also.items() if one != incident.code},
        resting=resting,
        recent=(closed, *_older(state.recent, silent=closed.silent)),
    )


def _older(recent: tuple[Incident, ...], *, silent: bool) -> Iterator[Incident]:
    """Those that stay beside one more that was closed."""
    alike = 1
    for one in recent:
        alike += one.silent is silent
        if one.silent is not silent or alike <= RECENT or (one.leaving and alike <= LEAVING):
            yield one


def _queued(state: State, fact: facts.NoticeQueued, recorded: Recorded) -> State:
    incident = state.find(fact.code)
    if incident is None or fact.notice in incident.notices or fact.notice.partition("-")[0] != fact.code:
        return state
    notice = Notice(
        fact.notice,
        fact.contact,
        fact.channel,
        fact.path,
        fact.party,
        fact.words,
        fact.step,
        NoticeState.PENDING,
        recorded.at,
    )
    number = numbering.notice_number(fact.notice)
    if incident.silent:
        state = _set(state, noticed_silently=max(state.noticed_silently + 1, number))
    else:
        state = _set(state, noticed=max(state.noticed + 1, number))
    kept = incident.notices if len(incident.notices) < NOTICES_MOST else _thinned(incident.notices)
    return _with_notices(state, incident, {**kept, notice.id: notice})


def _thinned(notices: Mapping[str, Notice]) -> Mapping[str, Notice]:
    """Without the oldest that are final; but the last letter of a ladder that left by each way shows who was told."""
    told = {(one.contact, one.channel): one.id for one in notices.values() if one.told and one.step >= 0}
    kept = set(told.values())
    final = (id_ for id_, one in notices.items() if not one.live and id_ not in kept)
    oldest = set(itertools.islice(final, len(notices) - NOTICES))
    return {id_: one for id_, one in notices.items() if id_ not in oldest}


def _notice(state: State, id_: str, to: NoticeState, reason: str, at: datetime) -> State:
    code = id_.partition("-")[0]
    incident = state.find(code)
    notice = None if incident is None else incident.notices.get(id_)
    if incident is None or notice is None or not _may_become(notice.state, to):
        return state
    changed = _with(notice, state=to, reason=reason, at=at)
    return _with_notices(state, incident, {**incident.notices, id_: changed})


def _may_become(before: NoticeState, after: NoticeState) -> bool:
    """Forward only; but a notice that was withdrawn in mid-send and left after all did leave."""
    match before:
        case NoticeState.PENDING:
            return True
        case NoticeState.SENT:
            return after in (NoticeState.DELIVERED, NoticeState.READ, NoticeState.FAILED)
        case NoticeState.DELIVERED:
            return after is NoticeState.READ
        case NoticeState.WITHDRAWN | NoticeState.FAILED:
            return after in (NoticeState.SENT, NoticeState.DELIVERED)
        case _:
            return False


def _with_notices(state: State, incident: Incident, notices: Mapping[str, Notice]) -> State:
    return _replaced(state, _with(incident, notices=notices))


def _replaced(state: State, changed: Incident) -> State:
    """The same incident, open or closed, in its place."""
    if changed.code in state.incidents:
        return _put(state, changed)
    return _set(state, recent=tuple(changed if one.code == changed.code else one for one in state.recent))


def _started(state: State, recorded: Recorded) -> State:
    """At a boot without a believable clock no answer can be shown to be unexpired: every open ladder is due at once."""
    if recorded.clock is ClockQuality.SYNCED:
        return state
    incidents = {
        code: _with(
            incident,
            armed_at=recorded.at,
            armed_boot=recorded.boot,
            rungs=0,
            rungs_base=LONG_AGO,
            answers=tuple(answer for answer in incident.answers if answer.until is None),
        )
        for code, incident in state.incidents.items()
    }
    return _set(state, incidents=incidents)


def _stepped(state: State, by_s: float, boot: str) -> State:
    try:
        by = timedelta(seconds=by_s)
        return _set(state, incidents={code: _moved(one, by, boot) for code, one in state.incidents.items()})
    except OverflowError:  # a step that no calendar has
        return state


def _moved(incident: Incident, by: timedelta, boot: str) -> Incident:
    answers = tuple(
        _with(answer, at=answer.at + by, until=None if answer.until is None else answer.until + by)
        if answer.boot == boot
        else answer
        for answer in incident.answers
    )
    armed_here = incident.armed_boot == boot
    base_here = armed_here and incident.rungs_base == incident.armed_at
    base_here = base_here or any(one.boot == boot and one.until == incident.rungs_base for one in incident.answers)
    return _with(
        incident,
        armed_at=incident.armed_at + by if armed_here else incident.armed_at,
        signalled_at=incident.signalled_at + by if incident.signalled_boot == boot else incident.signalled_at,
        rungs_base=incident.rungs_base + by if base_here else incident.rungs_base,
        answers=answers,
    )
