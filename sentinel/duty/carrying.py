"""What is open, as facts for another journal: the one that held it was deleted, or replaced by an older copy.

Written late and in its own times, so that the branch, its next start and its rooms go on with it under the same codes. What
lay beside the lost chain (names) stays lost. Pure; the desk calls it when the file that it opened again is not its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sentinel.core import facts
from sentinel.core.incident import LONG_AGO, NoticeState
from sentinel.core.model import Condition

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sentinel.core.facts import Fact
    from sentinel.core.incident import Incident, Notice, State

Batch = tuple["datetime", list["Fact"]]


def carried(known: State, found: State, now: datetime) -> list[Batch]:
    """What the new file must be told, so that it knows of everything open in `known`. `found`: what it says by itself."""
    batches: list[Batch] = []
    for incident in sorted(known.incidents.values(), key=lambda one: one.opened_seq):
        there = found.incidents.get(incident.code)
        also = [code for code, one in known.also.items() if one == incident.code and code not in found.also]
        batches += _of(incident, there if there is not None and there.key == incident.key else None, also, now)
    for key, condition in known.conditions.items():
        closed = next((one for one in known.recent if one.key == key), None)
        if condition is not Condition.NORMAL and key not in known.by_key and closed is not None:
            batches.append((now, [_signalled(closed, active=True)]))  # else the next start would tell it anew
    return batches + [
        (one.closed_at, [facts.IncidentClosed(one.code, one.disposition, one.closed_by, "", None, None)])
        for one in known.recent
        if one.code in found.incidents and one.closed_at is not None and one.disposition is not None
    ]


def nameless(fact: Fact) -> Fact:
    """The fact without its reference to a name, which lay beside the chain that is lost."""
    match fact:
        case facts.Answered() | facts.MistakeReported() | facts.FalseProposed() | facts.IncidentClosed():
            return replace(fact, name="")
        case _:
            return fact


def queued(incident: Incident, notice: Notice) -> facts.NoticeQueued:
    """The fact that queued this notice, as far as the state knows it."""
    targets = [target for step in incident.ladder.steps for target in step.targets]
    language = next((target.language for target in targets if target.contact == notice.contact), "hi")
    return facts.NoticeQueued(
        notice=notice.id,
        code=incident.code,
        contact=notice.contact,
        channel=notice.channel,
        path=notice.path,
        language=language,
        party=notice.party,
        words=notice.words,
        args=(),
        priority=incident.severity.rank + 1,
        step=notice.step,
    )


def _of(incident: Incident, there: Incident | None, also: list[str], now: datetime) -> Iterator[Batch]:
    if there is None:
        yield incident.opened_at, [_signalled(incident, active=incident.active), _opened(incident)]
    for code in also:
        yield incident.again_at or now, [replace(_opened(incident), code=code)]
    if incident.again_at is not None and (there is None or there.again_at != incident.again_at):
        yield incident.again_at, [facts.IncidentReactivated(incident.code)]
    known = {(one.kind, one.by, one.at) for one in there.answers} if there is not None else set()
    for one in incident.answers:
        if (one.kind, one.by, one.at) not in known:
            yield one.at, [facts.Answered(incident.code, one.kind, one.by, "", one.party, one.via, one.until)]
    last: list[Fact] = []
    if incident.rungs_base != LONG_AGO:
        last.append(facts.Escalated(incident.code, incident.rungs_base, incident.rungs, (), facts.Cause.DUE))
    if not incident.active:
        last.append(facts.IncidentCleared(incident.code))
    for notice in incident.notices.values():
        if there is None or notice.id not in there.notices:
            last.append(queued(incident, notice))
        last += _became(notice)
    if last:
        yield now, last


def _became(notice: Notice) -> list[Fact]:
    match notice.state:
        case NoticeState.SENT:
            return [facts.NoticeSent(notice.id, 0)]
        case NoticeState.DELIVERED | NoticeState.READ:
            return [facts.NoticeDelivered(notice.id)]
        case NoticeState.FAILED:
            return [facts.NoticeFailed(notice.id, 0, notice.reason)]
        case NoticeState.WITHDRAWN:
            return [facts.NoticeWithdrawn(notice.id, notice.reason)]
        case _:
            return []


def _signalled(incident: Incident, *, active: bool) -> facts.Signalled:
    alarm = incident.key == incident.subject
    of = Condition.ALARM if alarm else Condition.TROUBLE
    return facts.Signalled(
        subject=incident.subject,
        role=incident.role,
        condition=of if active else Condition.NORMAL,
        of=of,
        event=incident.event,
        severity=incident.severity,
        test=incident.test,
        reason=incident.reason,
        value="",
        hides=incident.hides,
    )


def _opened(incident: Incident) -> facts.IncidentOpened:
    return facts.IncidentOpened(
        code=incident.code,
        key=incident.key,
        subject=incident.subject,
        role=incident.role,
        severity=incident.severity,
        event=incident.event,
        latching=incident.latching,
        silent=incident.silent,
        test=incident.test,
        reason=incident.reason,
        hides=incident.hides,
        ladder=incident.ladder,
    )
