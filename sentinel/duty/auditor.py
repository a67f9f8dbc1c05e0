"""The auditor: every minute it proves that each open incident has a next step and each notice a live or final state.

`audit` is pure. What it finds is repaired towards telling (the step is due now, the row is made again), told as a
fault incident and shown as `health: impaired`. It trusts neither the ladder's arithmetic nor the outbox.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from sentinel.core import ladder
from sentinel.core.codes import ROLES
from sentinel.core.decide import Tick
from sentinel.core.facts import AnswerKind
from sentinel.core.model import Condition, Role
from sentinel.core.signal import Signal
from sentinel.journal.errors import JournalUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sentinel.core.incident import Incident, State
    from sentinel.duty.desk import Desk
    from sentinel.journal.outbox import OutboxRow
    from sentinel.ports import Clock

log = logging.getLogger("sentinel.audit")

EVERY_S = 60.0
CONFIRM_S = 5.0  # the desk looks at its deadlines every 2 s: what stands so long later is no race with it
OVERDUE = timedelta(seconds=30)  # a step this late was missed
PUT_OFF = timedelta(minutes=10)  # the longest backoff is six
HELD = timedelta(minutes=2)  # a lease is one


class Rows(Protocol):
    """What the auditor needs of the journal."""

    async def live(self) -> Sequence[OutboxRow]:
        """All that still has to leave."""

    async def release_expired(self, now: datetime) -> int:
        """Leases that ran out go back to pending."""

    async def release(self, notice: str, now: datetime) -> bool:
        """Give a live row back, due now; False when it is final or lost."""

    async def requeue(self, notice: str, now: datetime) -> bool:
        """Make the row of this notice again from the fact that queued it, due now."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that should not be: an incident's code or a notice's id, and what is wrong."""

    subject: str
    what: str
    code: str
    silent: bool = False  # about a hold-up: nothing of it may show in the branch


def audit(state: State, live_rows: Mapping[str, OutboxRow], now: datetime) -> list[Finding]:
    """What does not add up. `live_rows`: what the outbox will still send or is sending, by notice."""
    findings = [
        Finding(row.notice, "put off for too long", row.code, _silent(state, row.code))
        for row in live_rows.values()
        if _far(row, now)
    ]
    for incident in state.incidents.values():
        fault = _ladder_fault(state, incident, now)
        if fault:
            findings.append(Finding(incident.code, fault, incident.code, incident.silent))
        findings += [
            Finding(notice.id, "live in the facts, missing from the outbox", incident.code, incident.silent)
            for notice in incident.notices.values()
            if notice.live and notice.id not in live_rows
        ]
    return findings


def _silent(state: State, code: str) -> bool:
    incident = state.find(code)
    return incident is None or incident.silent  # whose it was is not known any more: say nothing


def _far(row: OutboxRow, now: datetime) -> bool:
    """A deadline that no backoff and no lease gives: set on another time."""
    put_off = row.next_at is not None and row.next_at > now + PUT_OFF
    return put_off or (row.lease_until is not None and row.lease_until > now + HELD)


def _ladder_fault(state: State, incident: Incident, now: datetime) -> str:
    due = ladder.due_in(state, incident, now)
    if due.next_at is None:
        answer = ladder.standing(incident, now)
        held = answer is not None and answer.kind is AnswerKind.ARRIVED
        return "" if held else "no next step"
    if due.steps:
        missed = now - OVERDUE
        return "a step is overdue" if ladder.due_in(state, incident, missed).steps else ""
    return ""


class Auditor:
    """Runs `audit` and mends what it finds."""

    def __init__(
        self,
        desk: Desk,
        rows: Rows,
        clock: Clock,
    ) -> None:
        self._desk = desk
        self._rows = rows
        self._clock = clock
        self.findings: list[Finding] = []
        self.alive: Callable[[], None] = lambda: None

    async def run(self) -> None:
        """Audit once a minute, for ever."""
        while True:
            await self.once()
            self.alive()
            await asyncio.sleep(EVERY_S)

    async def once(self) -> list[Finding]:
        """One audit with its repairs; returns what it found."""
        try:
            await self._rows.release_expired(self._clock.now())
            still = await self._look()
            if still:
                await asyncio.sleep(CONFIRM_S)
                again = await self._look()
                still = [one for one in still if one in again]
        except JournalUnavailable:
            return []  # bare mode tells that itself
        for finding in still:
            if not finding.silent:
                log.error("audit finding subject=%s what=%s", finding.subject, finding.what)
            if finding.subject != finding.code and not await self._rows.release(finding.subject, self._clock.now()):
                await self._rows.requeue(finding.subject, self._clock.now())
        lost = frozenset(one.code for one in still if one.subject == one.code)
        if lost:
            await self._desk.submit(Tick(repair=lost))
        self.findings = still
        await self._tell()
        return still

    async def _tell(self) -> None:
        """Its beginning and its end. What is about hold-ups is a thing of its own, for those who are not in the branch."""
        for silent in (False, True):
            signal = _signal([one for one in self.findings if one.silent is silent], silent=silent)
            if signal.condition is not self._desk.state.conditions.get(signal.key, Condition.NORMAL):
                await self._desk.submit(signal)

    async def _look(self) -> list[Finding]:
        # The desk's state first: a notice that becomes final in between is then missing nowhere.
        before = self._desk.state
        rows = {row.notice: row for row in await self._rows.live()}
        found = [] if self._desk.bare is not None else audit(before, rows, self._clock.now())
        return [one for one in found if self._still(one)]

    def _still(self, finding: Finding) -> bool:
        incident = self._desk.state.find(finding.code)
        if incident is None:
            return False
        if finding.subject == finding.code:
            return True
        return finding.subject in incident.notices and incident.notices[finding.subject].live


def _signal(found: list[Finding], *, silent: bool) -> Signal:
    rule = ROLES[Role.AUDIT]
    condition = Condition.TROUBLE if found else Condition.NORMAL
    reason = "; ".join(sorted({one.what for one in found}))[:80]
    subject = f"gateway:audit{'/quiet' if silent else ''}"
    return Signal(subject, Role.AUDIT, condition, Condition.TROUBLE, rule.event, rule.severity, reason, silent=silent)
