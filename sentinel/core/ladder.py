"""Policy -> who is due and when the next is due, from one function of the incident and `now`.

A ladder runs in rungs numbered from 0 without end: step 0, step 1, ... step n-1, then round again. It begins (its
`base`) when the incident opens, is pressed anew, or when the last answer that stopped it expires. Nothing here is
a flag: the facts say what was answered and which rungs were taken; the rest is arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sentinel.core.facts import AnswerKind
from sentinel.core.model import Party, Severity

if TYPE_CHECKING:
    from sentinel.core.incident import Answer, Incident

# How long an answer is worth something, by kind and severity. None: until the incident is closed.
EXPIRY: dict[tuple[AnswerKind, Severity], timedelta | None] = {
    (AnswerKind.ACKNOWLEDGED, Severity.CRITICAL): timedelta(minutes=3),
    (AnswerKind.DISPATCHED, Severity.CRITICAL): timedelta(minutes=15),
    (AnswerKind.ARRIVED, Severity.CRITICAL): None,
    (AnswerKind.ACKNOWLEDGED, Severity.HIGH): timedelta(minutes=15),
    (AnswerKind.DISPATCHED, Severity.HIGH): timedelta(minutes=60),
    (AnswerKind.ARRIVED, Severity.HIGH): None,
    (AnswerKind.ACKNOWLEDGED, Severity.FAULT): timedelta(hours=24),
    (AnswerKind.DISPATCHED, Severity.FAULT): timedelta(hours=72),
    (AnswerKind.ARRIVED, Severity.FAULT): timedelta(hours=72),
}


@dataclass(frozen=True, slots=True)
class Due:
    """What the ladder wants at `now`: the steps to take (from 0, in order), the rung count after them, the next time."""

    base: datetime
    steps: tuple[int, ...]
    rungs: int
    next_at: datetime | None  # None: a person has it, until they close it


def stops(answer: Answer, severity: Severity) -> bool:
    """Whether this answer is worth stopping the ladder at all: for a critical incident only the police's is."""
    return severity is not Severity.CRITICAL or answer.party is Party.POLICE


def standing(incident: Incident, now: datetime) -> Answer | None:
    """The answer that stops the ladder now and longest, if there is one."""
    answers = [
        answer
        for answer in incident.answers
        if stops(answer, incident.severity) and (answer.until is None or now < answer.until)
    ]
    return max(answers, key=lambda answer: (answer.until is None, answer.until or answer.at), default=None)


def base(incident: Incident, now: datetime) -> datetime:
    """When the current run of the ladder began: armed, or the last expiry of an answer that had stopped it."""
    expired = [
        answer.until
        for answer in incident.answers
        if stops(answer, incident.severity) and answer.until is not None and answer.until <= now
    ]
    return max([incident.armed_at, *expired])


def due(incident: Incident, now: datetime, *, hurried: bool = False) -> Due:
    """Who is due. `hurried`: a path is missing, so what is left repeats twice as often.

    After a long gap (a power cut, a stepped clock) each step is due at most once, whatever number of rounds passed.
    """
    began = base(incident, now)
    done = incident.rungs if incident.rungs_base == began else 0
    answer = standing(incident, now)
    if answer is not None:
        return Due(began, (), done, answer.until)
    steps = incident.ladder.steps
    if not steps:
        return Due(began, (), done, None)
    round_s = incident.ladder.round_s / (2 if hurried else 1)
    round_s = max(round_s, steps[-1].after_s + 1)

    def at(rung: int) -> datetime:
        return began + timedelta(seconds=rung // len(steps) * round_s + steps[rung % len(steps)].after_s)

    rounds = max(0, int((now - began).total_seconds() // round_s))
    rungs = max(done, rounds * len(steps))
    while at(rungs) <= now:
        rungs += 1
    late = range(max(done, rungs - len(steps)), rungs)
    return Due(began, tuple(dict.fromkeys(rung % len(steps) for rung in late)), rungs, at(rungs))
