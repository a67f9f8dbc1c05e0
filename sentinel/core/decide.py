"""`decide(state, policy, event, now) -> facts`: every decision of the house, pure.

An event is a signal, a command, what became of a notice, or the mere passing of time (`Tick`). The facts of one
call belong together: the journal writes them, and the outbox rows that follow from them, in one transaction.
The last act of every decision is to climb: an incident's first notices are queued in the same breath that opens it,
so that no crash can come between.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, assert_never

from sentinel.core import facts, ladder
from sentinel.core.authority import Command, CommandKind, party, refusal
from sentinel.core.codes import ROLES
from sentinel.core.facts import AnswerKind, Cause, Disposition, Fact, Recorded
from sentinel.core.incident import Incident, NoticeState, State, evolve, free_code, officer
from sentinel.core.model import Condition, Failure, Ladder, Party, Role, Severity, Step
from sentinel.core.signal import Signal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from sentinel.core.incident import Notice
    from sentinel.core.model import Policy, Target

CONFIRMS = timedelta(minutes=10)  # a recorder lost so soon after an alarm is no coincidence
# A recorder that answers anything at all, be it "wrong password", was not carried away.
GONE = frozenset({"silent", Failure.NOT_CONNECTED, Failure.NO_REPLY})
EMPTY_LADDER = Ladder("none", (), 300)


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed. `repair`: incidents that the auditor found without a next step are due now."""

    repair: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Report:
    """What a channel or a receipt says of a notice."""

    notice: str
    state: NoticeState  # SENT, DELIVERED, READ, FAILED; PENDING means delayed
    attempt: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Pictured:
    """Pictures of one incident lie beside the journal. `by`: the channels that carry them to whoever was told."""

    kept: tuple[facts.PictureKept, ...]
    by: frozenset[str] = frozenset()


Event = Signal | Command | Report | Tick | Pictured

ANSWERS = {
    CommandKind.ACKNOWLEDGE: AnswerKind.ACKNOWLEDGED,
    CommandKind.DISPATCH: AnswerKind.DISPATCHED,
    CommandKind.ARRIVE: AnswerKind.ARRIVED,
}


FOLLOW_UPS = frozenset({"restored", "closed", "confirmed", "pictures", *(f"answered.{kind}" for kind in AnswerKind)})


def decide(state: State, policy: Policy, event: Event, now: datetime) -> tuple[Fact, ...]:
    """What follows from this event. The facts are to be journalled together, then evolved, in this order."""
    desk = _Desk(state, policy, now)
    match event:
        case Signal():
            desk.signal(event)
        case Command():
            desk.command(event)
        case Report():
            desk.report(event)
        case Pictured():
            desk.pictured(event)
        case Tick():
            desk.repair(event.repair)
            desk.touched.update(state.incidents)
        case _:
            assert_never(event)
    desk.climb()
    return tuple(desk.facts)


def next_due(state: State, now: datetime) -> datetime | None:
    """When time alone will next make somebody due."""
    times = [
        due.next_at
        for incident in state.incidents.values()
        if (due := ladder.due_in(state, incident, now)).next_at is not None
    ]
    return min(times, default=None)


def may_take(policy: Policy, incident: Incident, contact: str, channel: str) -> bool:
    """Whether a notice whose channel is gone may go to its contact by this one.

    Of a hold-up only where the ladder of today names it: where its other addresses ring nobody has checked.
    """
    if not incident.silent:
        return True
    today = _off_site(_ladder_for(policy, incident.role, incident.severity), policy)
    return any((one.contact, one.channel) == (contact, channel) for step in today.steps for one in step.targets)


class _Desk:
    """One decision in the making: each fact is evolved as soon as it is said, so that the next can lean on it."""

    def __init__(self, state: State, policy: Policy, now: datetime) -> None:
        self.state = state
        self.policy = policy
        self.now = now
        self.facts: list[Fact] = []
        self.touched: set[str] = set()  # codes whose ladder may have begun: only they are climbed, so a storm is linear

    def say(self, fact: Fact) -> None:
        self.facts.append(fact)
        state = self.state
        self.state = evolve(
            state, Recorded(state.epoch, state.seq + 1, self.now, state.boot, state.clock, late=False, fact=fact)
        )

    # --- Signals ---------------------------------------------------------------------------------------------------

    def signal(self, signal: Signal) -> None:
        self.say(
            facts.Signalled(
                subject=signal.subject,
                role=signal.role,
                condition=signal.condition,
                of=signal.of,
                event=signal.event,
                severity=signal.severity,
                test=signal.test,
                reason=signal.reason,
                value=signal.value,
                hides=signal.hides,
            )
        )
        code = self.state.by_key.get(signal.key)
        incident = None if code is None else self.state.incidents[code]
        if signal.condition is Condition.NORMAL:
            if incident is not None:
                self._over(incident, signal)
        elif incident is None:
            if signal.severity is not Severity.INFO:
                self._open(signal, silent=signal.silent or (ROLES[signal.role].silent and signal.of is Condition.ALARM))
        elif signal.severity.rank < incident.severity.rank:
            louder = _ladder_for(self.policy, signal.role, signal.severity)
            self.say(facts.IncidentRaised(incident.code, signal.severity, louder))
            self.touched.add(incident.code)
        elif signal.condition is Condition.ALARM and (
            not incident.active
            or incident.answers
            or (incident.test and not signal.test)
            or signal.role is Role.PROGRAM  # a second weakening is news, whoever has seen the first
        ):
            self.say(facts.IncidentReactivated(incident.code))
            self.touched.add(incident.code)
        if _recorder_gone(self.policy, signal):
            self._confirm(signal.subject)

    def _open(self, signal: Signal, *, silent: bool) -> None:
        rule = ROLES[signal.role]
        alarm = signal.of is Condition.ALARM
        policy_ladder = _ladder_for(self.policy, signal.role, signal.severity)
        code = free_code(self.state, self.now, silent=silent)
        self.touched.add(code)
        self.say(
            facts.IncidentOpened(
                code=code,
                key=signal.key,
                subject=signal.subject,
                role=signal.role,
                severity=signal.severity,
                event=signal.event,
                latching=rule.latching and alarm,
                silent=silent,
                test=signal.test,
                reason=signal.reason,
                hides=signal.hides,
                ladder=_off_site(policy_ladder, self.policy) if silent else policy_ladder,
            )
        )

    def _confirm(self, by: str) -> None:
        """A recorder, or the line to it, was lost: every alarm of the last ten minutes is confirmed, once.

        1. Alarms only (a burglary, a fire, a hold-up), open, not a test, and of this boot: after a power cut nobody
           knows how long ago a signal was, and a recorder starts more slowly than this machine.
        2. Its severity stays. Everyone who was told is told `confirmed`, once; of a hold-up that is its own off-site
           ladder, as always.
        3. Where no answer stands its ladder begins anew, as for a new activation. Where somebody has it, they are told
           and nothing else changes.
        """
        for code, incident in sorted(self.state.incidents.items()):
            fresh = incident.signalled_boot == self.state.boot
            if not fresh or not -ladder.SLACK <= self.now - incident.signalled_at <= CONFIRMS:
                continue
            if not _is_alarm(incident) or incident.test or incident.confirmed_by:
                continue
            afresh = ladder.standing(incident, self.now) is None
            self.say(facts.IncidentConfirmed(code, by, afresh))
            at_once = {one.contact for step in incident.ladder.steps[:1] for one in step.targets if step.after_s <= 0}
            self._follow_up(incident, "confirmed", but=at_once if afresh else ())  # those hear it from the first rung
            if afresh:
                self.touched.add(code)

    # --- Pictures --------------------------------------------------------------------------------------------------

    def pictured(self, event: Pictured) -> None:
        """Note them, and send them to whoever was told by a channel that carries pictures.

        Before the ladder's later rungs, after every first notice: those are told in words, which weigh nothing.
        """
        codes = dict.fromkeys(one.code for one in event.kept if self.state.find(one.code) is not None)
        for one in event.kept:
            if one.code in codes:
                self.say(one)
        for code in codes:
            incident = self.state.find(code)
            if incident is None or not event.by:
                continue
            ways = {
                (notice.contact, notice.channel)
                for notice in incident.notices.values()
                if (notice.told or notice.live) and notice.step >= 0 and notice.channel in event.by
            }
            for way, target in _targets(incident).items():
                if way in ways:
                    self._queue(incident, target, "pictures", incident.severity.rank + 2, -1)

    def _over(self, incident: Incident, signal: Signal) -> None:
        if incident.latching:
            if incident.active:
                self.say(facts.IncidentCleared(incident.code))
            return
        if not _is_alarm(incident):  # a door that stood open for a moment was opened: that still leaves
            self._withdraw(incident, "restored")
        self.say(facts.IncidentClosed(incident.code, Disposition.RESTORED, "", "", None, None))
        if not signal.folded:
            self._follow_up(incident, "restored")

    # --- Commands --------------------------------------------------------------------------------------------------

    def command(self, command: Command) -> None:
        word = command.word or command.kind
        reason = refusal(self.state, self.policy, command, self.now)
        if reason:
            self.say(facts.CommandRefused(command.id, word, command.by, command.via, reason))
            return
        self.say(facts.CommandTaken(command.id, word, command.by, command.via, command.until))
        incident = self.state.open(command.code)
        assert incident is not None  # `refusal` saw to it
        speaks_for = party(self.policy, command)
        match command.kind:
            case CommandKind.ACKNOWLEDGE | CommandKind.DISPATCH | CommandKind.ARRIVE:
                self._answer(incident, command, speaks_for)
            case CommandKind.CLOSE:
                self._close(incident, command, speaks_for)
            case CommandKind.ESCALATE:
                self._tell(incident, Cause.ASKED)
            case CommandKind.MISTAKE:
                self.say(facts.MistakeReported(incident.code, command.by, command.name, speaks_for, command.via))
                self._follow_up(incident, "mistake", only=Party.POLICE)
            case CommandKind.OTHER:  # refused above
                pass
            case _:
                assert_never(command.kind)

    def _answer(self, incident: Incident, command: Command, speaks_for: Party) -> None:
        kind = ANSWERS[command.kind]
        expiry = ladder.EXPIRY[kind, incident.severity]
        until = None if expiry is None else self.now + expiry
        self.say(facts.Answered(incident.code, kind, command.by, command.name, speaks_for, command.via, until))
        answer = self.state.incidents[incident.code].answers[-1]
        if ladder.stops(answer, incident.severity):
            self._withdraw(incident, "answered")
        self._follow_up(incident, f"answered.{kind}", but={command.by})

    def _close(self, incident: Incident, command: Command, speaks_for: Party) -> None:
        assert command.disposition is not None  # `refusal` saw to it
        critical = incident.severity is Severity.CRITICAL
        if critical and command.disposition is Disposition.FALSE and not self._false_is_sure(incident, command):
            self.say(facts.FalseProposed(incident.code, command.by, command.name, command.via))
            return
        self._withdraw(incident, "closed")
        self.say(
            facts.IncidentClosed(incident.code, command.disposition, command.by, command.name, speaks_for, command.via)
        )
        self._follow_up(incident, "closed", but={command.by})

    def _false_is_sure(self, incident: Incident, command: Command) -> bool:
        arrived = any(answer.kind is AnswerKind.ARRIVED for answer in incident.answers)
        second = any(who != officer(command.by, command.name, command.via) for who in incident.false_by)
        return arrived or second

    # --- Notices ---------------------------------------------------------------------------------------------------

    def report(self, report: Report) -> None:
        match report.state:
            case NoticeState.SENT:
                self._sent(report)
            case NoticeState.DELIVERED | NoticeState.READ:
                self.say(facts.NoticeDelivered(report.notice))
            case NoticeState.PENDING:
                self.say(facts.NoticeDelayed(report.notice, report.attempt, report.reason))
            case NoticeState.FAILED:
                self._failed(report)
            case NoticeState.WITHDRAWN:
                self.say(facts.NoticeWithdrawn(report.notice, report.reason))
            case NoticeState.SENDING:  # a lease, never a fact
                pass
            case _:
                assert_never(report.state)

    def _sent(self, report: Report) -> None:
        incident = self.state.find(report.notice.partition("-")[0])
        before = None if incident is None else incident.notices.get(report.notice)
        self.say(facts.NoticeSent(report.notice, report.attempt))
        if incident is not None and before is not None and before.state is not NoticeState.SENT:
            self._reached(incident, before)
        # Withdrawn in mid-send, it left all the same: whoever reads it is told what has become of it.
        if incident is not None and before is not None and before.state is NoticeState.WITHDRAWN:
            answered = before.reason == "answered" and incident.answers
            words = f"answered.{incident.answers[-1].kind}" if answered else before.reason
            target = _targets(incident).get((before.contact, before.channel))
            if target is not None and words in FOLLOW_UPS:
                self._queue(incident, target, words, 4, -1)

    def _failed(self, report: Report) -> None:
        """Failed for good on the last rung taken of a critical incident: the next one is told now, not in its time.

        Of the last rung only, and never round again: a dead mailbox costs each round no more than its waiting.
        """
        code = report.notice.partition("-")[0]
        before = self.state.open(code)
        self.say(facts.NoticeFailed(report.notice, report.attempt, report.reason))
        incident = self.state.open(code)
        if before is None or incident is None or incident.severity is not Severity.CRITICAL:
            return
        was, is_ = before.notices.get(report.notice), incident.notices.get(report.notice)
        if was is None or is_ is None or was.state is is_.state:
            return
        unreachable = _unreachable(is_, report.reason, silent=incident.silent)
        if unreachable.key not in self.state.by_key:
            self.signal(unreachable)
        if incident.rungs == 0:
            return
        last = (incident.rungs - 1) % max(1, len(incident.ladder.steps))
        if is_.step == last < len(incident.ladder.steps) - 1 and ladder.standing(incident, self.now) is None:
            self._tell(incident, Cause.FAILED)

    def _reached(self, incident: Incident, notice: Notice) -> None:
        """A letter left there again. That of a hold-up ends only what nobody in the branch sees."""
        for silent in (True,) if incident.silent else (True, False):
            mended = _unreachable(notice, "", Condition.NORMAL, silent=silent)
            if mended.key in self.state.by_key:
                self.signal(mended)

    def _withdraw(self, incident: Incident, reason: str) -> None:
        for notice in list(self.state.incidents[incident.code].notices.values()):
            if notice.live and notice.step >= 0:
                self.say(facts.NoticeWithdrawn(notice.id, reason))

    def _follow_up(
        self, incident: Incident, words: str, *, but: Collection[str] = (), only: Party | None = None
    ) -> None:
        """Tell everyone who was told: once each, by the way that reached them."""
        now_known = self.state.find(incident.code) or incident
        ways = {
            (notice.contact, notice.channel)
            for notice in now_known.notices.values()
            if notice.told and notice.step >= 0 and notice.contact not in but and only in (None, notice.party)
        }
        for way, target in _targets(incident).items():
            if way in ways:
                self._queue(incident, target, words, 4, -1)

    # --- The ladder ------------------------------------------------------------------------------------------------

    def repair(self, codes: Iterable[str]) -> None:
        for code in sorted(codes):
            incident = self.state.incidents.get(code)
            if incident is not None:
                self._tell(incident, Cause.REPAIRED)

    def climb(self) -> None:
        """Take every rung of the touched incidents that is due by now."""
        for code in sorted(self.touched & self.state.incidents.keys()):
            incident = self.state.incidents[code]
            due = ladder.due_in(self.state, incident, self.now)
            if due.steps:
                self.say(facts.Escalated(incident.code, due.base, due.rungs, due.steps, Cause.DUE))
                fresh = incident.rungs == 0 or incident.rungs_base != due.base
                for step in due.steps:
                    self._tell_step(incident, step, fresh=fresh)

    def _tell(self, incident: Incident, cause: Cause) -> None:
        due = ladder.due_in(self.state, incident, self.now, asked=True)
        self.say(facts.Escalated(incident.code, due.base, due.rungs, due.steps, cause))
        for step in due.steps:
            self._tell_step(incident, step, fresh=False)

    def _tell_step(self, incident: Incident, step: int, *, fresh: bool) -> None:
        first = fresh and step == 0 and incident.severity is Severity.CRITICAL
        priority = 0 if first else incident.severity.rank + 1
        for target in incident.ladder.steps[step].targets:
            waiting = any(
                notice.live and (notice.contact, notice.channel) == (target.contact, target.channel)
                for notice in self.state.incidents[incident.code].notices.values()
                if notice.step >= 0
            )
            if not waiting:  # ten days without a network are one notice a way, not three thousand
                self._queue(incident, target, _words(incident), priority, step)

    def _queue(self, incident: Incident, target: Target, words: str, priority: int, step: int) -> None:
        if incident.silent and target.contact in _on_site(self.policy):  # who came there since the ladder was frozen
            return
        last = self.state.noticed_silently if incident.silent else self.state.noticed
        self.say(
            facts.NoticeQueued(
                notice=f"{incident.code}-{last + 1}",
                code=incident.code,
                contact=target.contact,
                channel=target.channel,
                path=target.path,
                language=target.language,
                party=target.party,
                words=words,
                args=(),
                priority=priority,
                step=step,
            )
        )


def _unreachable(notice: Notice, reason: str, condition: Condition = Condition.TROUBLE, *, silent: bool) -> Signal:
    """Somebody who must know of the loudest things cannot be told this way. Said once, not at each letter's refusal.

    For hold-ups it is a thing of its own: neither its beginning nor its end may show that one was pressed.
    """
    rule = ROLES[Role.DELIVERY]
    subject = f"delivery:{notice.contact}/{notice.channel}{'/quiet' if silent else ''}"
    return Signal(
        subject, Role.DELIVERY, condition, Condition.TROUBLE, rule.event, rule.severity, reason[:80], silent=silent
    )


def _targets(incident: Incident) -> dict[tuple[str, str], Target]:
    """Every way to everybody on its ladder, once."""
    return {(one.contact, one.channel): one for step in incident.ladder.steps for one in step.targets}


def _is_alarm(incident: Incident) -> bool:
    """Somebody may be at the branch; all else, mains gone or a dead recorder, is told in the words of a fault.

    Contact ID's events below 200 are alarms, those from 300 faults of the system.
    """
    return incident.event < 200 and incident.severity.rank <= Severity.HIGH.rank


def _words(incident: Incident) -> str:
    """What a rung says."""
    if not _is_alarm(incident):
        return "trouble"
    return "confirmed" if incident.confirmed_by else "alarm"


def _recorder_gone(policy: Policy, signal: Signal) -> bool:
    """A device or link went silent, and a recorder is behind it. One that comes back, or is folded into its line, is none."""
    if signal.condition is not Condition.TROUBLE or signal.role not in (Role.DEVICE, Role.LINK):
        return False
    if signal.reason not in GONE:
        return False
    recorders = {zone.point.partition(".")[0] for zone in policy.zones if zone.role is Role.RECORDER}
    kind, _, id_ = signal.subject.partition(":")
    return any(one.id in recorders for one in policy.devices if id_ == (one.id if kind == "device" else one.link))


def _ladder_for(policy: Policy, role: Role, severity: Severity) -> Ladder:
    """The ladder of this role at this severity, else one of this severity, else the next louder, else any.

    `sentinel check` refuses a branch where nobody is told; this keeps a signal that no row foresaw from falling
    through it.
    """
    rows = policy.ladders
    return next(
        (
            one
            for wanted in (
                [one for r, s, one in rows if r is role and s is severity],
                [one for _, s, one in rows if s is severity],
                [one for _, s, one in sorted(rows, key=lambda row: -row[1].rank) if s.rank < severity.rank],
                [one for _, _, one in rows],
            )
            for one in wanted
        ),
        EMPTY_LADDER,
    )


def _on_site(policy: Policy) -> set[str]:
    return {contact.id for contact in policy.contacts if contact.on_site}


def _off_site(policy_ladder: Ladder, policy: Policy) -> Ladder:
    """The ladder without anybody who stands in the branch: no phone may ring beside the robber."""
    on_site = _on_site(policy)
    steps = tuple(
        Step(step.after_s, tuple(one for one in step.targets if not one.on_site and one.contact not in on_site))
        for step in policy_ladder.steps
    )
    return Ladder(policy_ladder.id, steps, policy_ladder.round_s)
