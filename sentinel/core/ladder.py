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
from sentinel.core.incident import LONG_AGO
from sentinel.core.model import Condition, Party, Severity

if TYPE_CHECKING:
    from sentinel.core.incident import Answer, Incident, State

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
    (AnswerKind.ACKNOWLEDGED, Severity.INFO): timedelta(hours=24),
    (AnswerKind.DISPATCHED, Severity.INFO): timedelta(hours=72),
    (AnswerKind.ARRIVED, Severity.INFO): timedelta(hours=72),
}

SLACK = timedelta(minutes=1)  # a clock may be set back by so much unannounced; more, and what lies ahead is nonsense
LONGEST_S = 86400.0  # no rung and no round is further away, whatever a journalled ladder says


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
    """The answer that stops the ladder now and longest, if there is one. One given in the future is not believed."""
    answers = [
        answer
        for answer in incident.answers
        if stops(answer, incident.severity)
        and answer.at - now <= SLACK
        and (answer.until is None or now < answer.until)
    ]
    return max(answers, key=lambda answer: (answer.until is None, answer.until or answer.at), default=None)


def base(incident: Incident, now: datetime) -> datetime:
    """When the current run of the ladder began: armed, or the last expiry of an answer that had stopped it.

    A ladder that was armed in the future (by a clock that has been set right since) has been due for a long time.
    """
    armed = incident.armed_at if incident.armed_at - now <= SLACK else LONG_AGO
    expired = [
        answer.until
        for answer in incident.answers
        if stops(answer, incident.severity) and answer.until is not None and answer.until <= now
    ]
    return max([armed, *expired])


def due(incident: Incident, now: datetime, *, hurried: bool = False, asked: bool = False) -> Due:
    """Who is due. `hurried`: a path is missing, so what is left repeats twice as often. `asked`: one rung more, now.

    After a long gap (a power cut, a stepped clock) each step is due at most once, whatever number of rounds passed.
    Rungs taken early never run ahead of the current round, so that nobody's next round comes later for it.
    """
    began = base(incident, now)
    done = incident.rungs if incident.rungs_base == began else 0
    answer = standing(incident, now)
    steps = incident.ladder.steps
    if not steps:
        return Due(began, (), done, None if answer is None else answer.until)
    after = [min(max(step.after_s, 0), LONGEST_S) for step in steps]
    round_s = min(incident.ladder.round_s, LONGEST_S) / (2 if hurried else 1)
    round_s = max(round_s, after[-1] + 1)

    def at(rung: int) -> datetime:
        return began + timedelta(seconds=rung // len(steps) * round_s + after[rung % len(steps)])

    rounds = max(0, int((now - began).total_seconds() // round_s))
    end = (rounds + 1) * len(steps)
    if done > end:  # counted in shorter rounds, or nonsense: this round is told again rather than the next ones not
        done = rounds * len(steps)
    rungs = done
    if answer is None:
        rungs = max(done, rounds * len(steps))
        while at(rungs) <= now:
            rungs += 1
    taken = list(range(max(done, rungs - len(steps)), rungs))
    if asked:
        taken.append(rungs)
        rungs = min(rungs + 1, end)
    next_at = at(rungs) if answer is None else answer.until
    return Due(began, tuple(dict.fromkeys(rung % len(steps) for rung in taken)), rungs, next_at)


def due_in(state: State, incident: Incident, now: datetime, *, asked: bool = False) -> Due:
    """`due` as the ladder of this state runs. Desk, auditor and page ask here: an auditor that counts otherwise accuses."""
    hurried = any(
        state.conditions.get(f"channel:{target.channel}/trouble") is Condition.TROUBLE
        for step in incident.ladder.steps
        for target in step.targets
    )
    return due(incident, now, hurried=hurried, asked=asked)
