"""The laws of the house, held against branches that live through anything in any order."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sentinel.core import facts, ladder
from sentinel.core.authority import CommandKind
from sentinel.core.chain import line, parse
from sentinel.core.codes import ROLES
from sentinel.core.decide import Report, Tick, decide, next_due
from sentinel.core.facts import ClockQuality, Disposition, Fact
from sentinel.core.incident import CODE_REST, NoticeState, State, replay
from sentinel.core.model import Condition, Party, Role, Severity, Via
from tests.core.branch import CONTACTS, POLICY, ZONES, Life, alarm, mended, over, trouble
from tests.core.invariants import check

ON_SITE = {contact.id for contact in CONTACTS if contact.on_site}
ROLE = {one.id: one.role for one in ZONES}
BYS = {
    Via.STATION: ["thana-1", "thana-2"],
    Via.ROOM: ["district-room", "other-room"],
    Via.SMS: ["thana", "manager", "officer", "service", "stranger"],
    Via.VOICE: ["thana", "officer"],
    Via.EMAIL: ["thana"],
    Via.PAGE: ["manager"],
    Via.SOCKET: ["manager"],
}


class Branch(RuleBasedStateMachine):
    """Signals, commands, notices, power cuts and clocks, as they come."""

    def __init__(self) -> None:
        super().__init__()
        self.life = Life()
        self.closed: dict[str, datetime] = {}  # code -> when

    def lived(self, said: tuple[Fact, ...]) -> None:
        """What must be true of any decision's facts."""
        state = self.life.state
        for fact in said:
            match fact:
                case facts.IncidentOpened():
                    rested = self.closed.pop(fact.code, None)
                    assert rested is None or self.life.now - rested >= CODE_REST, "a code was reused too soon"
                case facts.IncidentClosed():
                    self.closed[fact.code] = self.life.now
                case facts.NoticeQueued():
                    incident = state.find(fact.code)
                    assert incident is not None
                    assert not (incident.silent and fact.contact in ON_SITE), "a phone rings beside the robber"
                case _:
                    pass

    @initialize()
    def begins(self) -> None:
        self.life.say(facts.EpochBegan("new", "", ""), facts.Started("0.1.0", "c0ffee", ()))

    @rule(zone=st.sampled_from(sorted(ROLE)), what=st.sampled_from([alarm, alarm, over, trouble, mended]))
    def signals(self, zone: str, what: object) -> None:
        assert callable(what)
        one = what(zone, ROLE[zone])
        before = self.life.state.by_key.get(one.key)
        open_before = None if before is None else self.life.state.incidents[before]
        said = self.life.do(one)
        self.lived(said)
        if one.condition is Condition.NORMAL and open_before is not None:
            assert (open_before.code in self.life.state.incidents) is open_before.latching, "latched means latched"
        if one.condition is Condition.ALARM:
            code = self.life.state.by_key[one.key]
            incident = self.life.state.incidents[code]
            assert incident.active
            assert incident.latching is (ROLES[one.role].severity is Severity.CRITICAL)
            if open_before is None or open_before.answers or not open_before.active:
                told = {n.party for n in incident.notices.values() if n.live or n.told}
                assert Party.POLICE in told or incident.severity is Severity.FAULT

    @precondition(lambda self: self.life.state.incidents)
    @rule(
        data=st.data(),
        kind=st.sampled_from(CommandKind),
        via=st.sampled_from(Via),
        claims=st.sampled_from(Party),
        disposition=st.sampled_from([None, *Disposition]),
        name=st.sampled_from(["", "n1", "n2"]),
    )
    def somebody_says(
        self,
        data: st.DataObject,
        kind: CommandKind,
        via: Via,
        claims: Party,
        disposition: Disposition | None,
        name: str,
    ) -> None:
        code = data.draw(st.sampled_from(sorted(self.life.state.incidents)))
        by = data.draw(st.sampled_from(BYS[via]))
        before = self.life.incident(code)
        said = self.life.command(kind, code, by=by, via=via, claims=claims, name=name, disposition=disposition)
        self.lived(said)
        proven = via is Via.STATION or by == "district-room" or (via in (Via.SMS, Via.VOICE) and by == "thana")
        after = self.life.incident(code)
        if before.severity is Severity.CRITICAL and not proven:
            now = self.life.now
            assert after.closed_at is None
            assert ladder.standing(after, now) == ladder.standing(before, now), "only the police stop the police ladder"
            assert not [fact for fact in said if isinstance(fact, facts.NoticeWithdrawn)]

    @rule(data=st.data(), to=st.sampled_from(NoticeState))
    def a_channel_reports(self, data: st.DataObject, to: NoticeState) -> None:
        everywhere = [*self.life.state.incidents.values(), *self.life.state.recent]
        ids = sorted(id_ for incident in everywhere for id_ in incident.notices)
        if ids:
            self.lived(self.life.do(Report(data.draw(st.sampled_from(ids)), to, 1, "no-reply")))

    @rule(seconds=st.sampled_from([0.2, 5, 59, 60, 179, 180, 299, 900, 4000, 86400 * 40]))
    def time_passes(self, seconds: float) -> None:
        self.life.now += timedelta(seconds=seconds)
        self.lived(self.life.do(Tick()))

    @rule()
    def the_auditor_repairs(self) -> None:
        self.lived(self.life.do(Tick(repair=frozenset(self.life.state.incidents))))

    @rule(clock=st.sampled_from(ClockQuality), seconds=st.integers(1, 5000))
    def power_goes_and_comes(self, clock: ClockQuality, seconds: int) -> None:
        before = self.life.state
        said = self.life.reboot(clock=clock, seconds=seconds)
        self.lived(said)
        if clock is ClockQuality.UNSYNCED:
            climbed = {fact.code for fact in said if isinstance(fact, facts.Escalated)}
            held = {code for code, one in before.incidents.items() if any(a.until is None for a in one.answers)}
            assert climbed >= set(before.incidents) - held, "every open ladder is due at once"

    @rule(by_s=st.sampled_from([-3.0, 7.5, -86400.0, 86400.0 * 365]))
    def the_clock_is_set(self, by_s: float) -> None:
        before = self.life.state
        self.life.step_clock(by_s)
        by = timedelta(seconds=by_s)
        for code, was in before.incidents.items():
            now = self.life.state.incidents[code]
            assert now.armed_at - was.armed_at == (by if was.armed_boot == self.life.boot else timedelta(0))
            for one, other in zip(was.answers, now.answers, strict=True):
                moved = by if one.boot == self.life.boot else timedelta(0)
                assert other.at - one.at == moved
                assert one.until is None or (other.until is not None and other.until - one.until == moved)
        for code in self.closed:
            self.closed[code] = self.life.now  # a rest is counted in facts' times; only the order matters here
        self.lived(self.life.do(Tick()))

    @invariant()
    def every_open_critical_incident_has_a_next_step(self) -> None:
        life = self.life
        after = life.state
        ticked = decide(after, POLICY, Tick(), life.now)
        settled = Life(now=life.now, boot=life.boot, clock=life.clock, state=after)
        settled.say(*ticked)
        for incident in settled.state.incidents.values():
            due = ladder.due(incident, life.now)
            assert not due.steps, "a tick leaves nobody due"
            answer = ladder.standing(incident, life.now)
            if due.next_at is None:
                assert answer is not None
                assert answer.until is None
            else:
                assert due.next_at > life.now
            if incident.severity is Severity.CRITICAL:
                assert answer is None or answer.party is Party.POLICE
                soonest = next_due(settled.state, life.now)
                assert due.next_at is None or (soonest is not None and soonest <= due.next_at)
                if answer is not None and answer.until is not None:
                    fresh = ladder.due(incident, answer.until)
                    assert fresh.steps, "somebody is due when an answer expires"

    @invariant()
    def the_state_is_one_that_can_be(self) -> None:
        check(self.life.state)

    def teardown(self) -> None:
        start = State(epoch="e1", clock=ClockQuality.SYNCED, boot="boot-1")
        lines = [line(recorded) for recorded in self.life.records]
        assert replay([parse(text) for text in lines], start) == self.life.state
        assert [line(parse(text)) for text in lines] == lines


Branch.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestABranchThatLivesThroughAnything = Branch.TestCase


def storm(size: int) -> float:
    """Seconds of CPU for so many zones going into alarm in one second, and one tick after each."""
    life = Life()
    began = time.process_time()
    for number in range(size):
        life.do(alarm(f"z{number}", Role.INTRUSION))
        life.now += timedelta(seconds=1 / size)
    life.do(Tick())
    took = time.process_time() - began
    assert len(life.state.incidents) == size
    assert all(incident.notices for incident in life.state.incidents.values())
    assert len({incident.code for incident in life.state.incidents.values()}) == size
    return took


def test_five_hundred_signals_in_a_second_are_all_decided_within_it() -> None:
    assert min(storm(500) for _ in range(2)) < 1.0


def test_a_storm_ten_times_as_large_takes_about_ten_times_as_long() -> None:
    small = min(storm(100) for _ in range(5))
    large = min(storm(1000) for _ in range(2))
    assert large < 30 * small
