"""The ladder: who is told when, until whose answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sentinel.core import facts, ladder
from sentinel.core.authority import CommandKind
from sentinel.core.decide import Report, Tick, decide, next_due
from sentinel.core.facts import AnswerKind, Cause, Disposition
from sentinel.core.incident import LONG_AGO, Incident, NoticeState
from sentinel.core.model import Condition, Ladder, Party, Role, Severity, Step, Via
from sentinel.core.signal import Signal
from tests.core.branch import LOUD, NOON, POLICY, THANA, Life, alarm, over, queued, refused, told, trouble

CHANNEL_DOWN = Signal(
    "channel:mail", Role.DELIVERY, Condition.TROUBLE, Condition.TROUBLE, 354, Severity.FAULT, reason="no-reply"
)


def test_the_first_step_is_told_in_the_same_breath_that_opens_the_incident() -> None:
    said = Life().do(alarm("fire", Role.FIRE))
    assert told(said) == {"thana", "room"}
    assert {notice.priority for notice in queued(said)} == {0}


def test_nobody_answers_for_twenty_minutes_and_the_ladder_goes_round() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    times = []
    for _ in range(20 * 60):
        life.deliver(code)
        life.now += timedelta(seconds=1)
        times += [((life.now - NOON).total_seconds(), who) for who in sorted(told(life.do(Tick())))]
    assert times[:6] == [
        (60, "manager"),
        (60, "officer"),
        (120, "district"),
        (300, "room"),
        (300, "thana"),
        (360, "manager"),
    ]
    assert [at for at, who in times if who == "thana"] == [300, 600, 900, 1200]


def test_the_police_answer_and_the_ladder_rests_for_three_minutes_only() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    life.police(CommandKind.ACKNOWLEDGE, code)
    assert next_due(life.state, life.now) == NOON + timedelta(minutes=3)
    assert not told(life.wait(minutes=2, seconds=59))
    assert told(life.wait(seconds=1)) == {"thana", "room"}
    assert told(life.wait(seconds=60)) == {"manager", "officer"}, "it starts afresh, rung by rung"


def test_a_party_on_its_way_counts_for_fifteen_minutes() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    life.police(CommandKind.DISPATCH, code)
    assert not told(life.wait(minutes=14, seconds=59))
    assert told(life.wait(seconds=1)) == {"thana", "room"}


def test_a_later_weaker_answer_does_not_shorten_an_earlier_one() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    life.police(CommandKind.DISPATCH, code)
    life.wait(minutes=1)
    life.police(CommandKind.ACKNOWLEDGE, code)
    assert next_due(life.state, life.now) == NOON + timedelta(minutes=15)


def test_a_party_on_the_spot_has_it_until_it_is_closed() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    life.police(CommandKind.ARRIVE, code)
    assert next_due(life.state, life.now) is None
    assert not told(life.wait(hours=9))


def test_the_bank_answers_and_the_station_is_told_as_if_nobody_had() -> None:
    alone, answered = Life(), Life()
    for life in (alone, answered):
        life.press("fire", Role.FIRE)
    code = next(iter(answered.state.incidents))
    for kind in (CommandKind.ACKNOWLEDGE, CommandKind.ACKNOWLEDGE):
        answered.command(kind, code, by="officer", via=Via.SMS)
    for _ in range(15):
        for life in (alone, answered):
            life.deliver(code)
        assert told(alone.wait(minutes=1)) == told(answered.wait(minutes=1))


def test_for_a_fault_anybody_answers() -> None:
    life = Life()
    life.do(alarm("mains", Role.MAINS))
    (code,) = life.state.incidents
    life.command(CommandKind.ACKNOWLEDGE, code, by="service", via=Via.SMS)
    assert next_due(life.state, life.now) == NOON + timedelta(hours=24)


def test_every_kind_of_answer_has_a_lifetime_for_every_severity() -> None:
    assert set(ladder.EXPIRY) == {(kind, severity) for kind in AnswerKind for severity in Severity}


def test_an_answer_to_an_incident_of_no_weight_is_taken_like_one_to_a_fault() -> None:
    life = Life()
    life.say(
        facts.IncidentOpened(
            "1234", "k", "zone:door", Role.OPENING, Severity.INFO, 401, False, False, False, "", (), LOUD
        )
    )
    said = life.police(CommandKind.ACKNOWLEDGE, "1234")
    assert any(isinstance(fact, facts.Answered) for fact in said)


def test_after_ten_days_without_anybody_awake_each_step_is_due_once() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    life.deliver(code)
    life.now += timedelta(days=10)
    said = life.do(Tick())
    assert sorted(notice.contact for notice in queued(said)) == ["district", "manager", "officer", "room", "thana"]
    assert life.do(Tick()) == ()


def test_ten_days_without_a_network_are_one_notice_a_way() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    for _ in range(300):
        life.now += timedelta(minutes=48)
        life.do(Tick())
    waiting = [notice.contact for notice in life.incident(code).notices.values() if notice.live]
    assert sorted(waiting) == ["district", "manager", "officer", "room", "thana"]


def test_with_a_channel_down_what_is_left_repeats_twice_as_often() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    life.deliver(code)
    life.do(CHANNEL_DOWN)
    life.wait(seconds=149)
    life.deliver(code)
    assert "thana" in told(life.wait(seconds=1))


def test_when_the_channel_is_back_nobody_waits_for_rounds_that_were_told_in_advance() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    life.do(CHANNEL_DOWN)
    life.wait(hours=1)
    life.do(replace(CHANNEL_DOWN, condition=Condition.NORMAL))
    life.deliver(code)
    assert "thana" in told(life.wait(seconds=301))


def test_escalate_now_tells_the_next_step_now() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    said = life.command(CommandKind.ESCALATE, code, by="officer", via=Via.SMS)
    assert told(said) == {"manager", "officer"}
    assert any(isinstance(fact, facts.Escalated) and fact.cause is Cause.ASKED for fact in said)
    assert told(life.command(CommandKind.ESCALATE, code, by="officer", via=Via.SMS)) == {"district"}


@pytest.mark.parametrize("presses", [1, 2, 3, 50])
def test_however_often_somebody_presses_escalate_the_station_is_told_again_at_its_time(presses: int) -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    for _ in range(presses):
        life.deliver(code)
        life.now += timedelta(seconds=1)
        life.command(CommandKind.ESCALATE, code, by="officer", via=Via.SMS)
    life.deliver(code)
    due = next_due(life.state, life.now)
    assert due is not None
    assert due <= NOON + timedelta(seconds=300)
    life.deliver(code)
    life.now = NOON + timedelta(seconds=300)
    assert "thana" in told(life.do(Tick()))


def test_the_auditor_makes_the_next_step_due_now() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    said = life.do(Tick(repair=frozenset({code, "0000"})))
    assert told(said) == {"manager", "officer"}
    assert any(isinstance(fact, facts.Escalated) and fact.cause is Cause.REPAIRED for fact in said)


def test_pressed_again_after_an_answer_the_ladder_starts_afresh_under_the_same_code() -> None:
    life = Life()
    code = life.press().code
    life.police(CommandKind.ARRIVE, code)
    life.now += timedelta(minutes=30)
    said = life.do(alarm("holdup", Role.HOLD_UP))
    assert any(isinstance(fact, facts.IncidentReactivated) and fact.code == code for fact in said)
    assert told(said) == {"thana", "room"}


def test_pressed_answered_and_pressed_again_within_one_instant_is_told_again() -> None:
    life = Life()
    code = life.press().code
    life.police(CommandKind.ACKNOWLEDGE, code)
    life.do(over("holdup", Role.HOLD_UP))
    assert told(life.do(alarm("holdup", Role.HOLD_UP))) == {"thana", "room"}


def test_pressed_again_while_the_ladder_runs_is_a_fact_and_no_more() -> None:
    life = Life()
    life.press()
    said = life.do(alarm("holdup", Role.HOLD_UP))
    assert [type(fact) for fact in said] == [facts.Signalled]


def test_the_real_press_after_a_test_is_not_told_as_a_test() -> None:
    life = Life()
    life.do(replace(alarm("holdup", Role.HOLD_UP), test=True))
    (incident,) = life.state.incidents.values()
    assert incident.test
    said = life.do(alarm("holdup", Role.HOLD_UP))
    assert not life.state.incidents[incident.code].test
    life.deliver(incident.code)
    assert any(isinstance(fact, facts.IncidentReactivated) for fact in said)


def test_a_rung_count_that_nobody_can_have_climbed_is_not_believed() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    base = life.incident(code).rungs_base
    life.say(facts.Escalated(code, base, 10**30, (0,), Cause.DUE))
    due = next_due(life.state, life.now)
    assert due is not None
    assert due <= NOON + timedelta(seconds=300)
    life.say(facts.Escalated(code, base, -5, (0,), Cause.DUE))
    assert next_due(life.state, life.now) is not None


@pytest.mark.parametrize(
    "nonsense",
    [
        Ladder("x", (Step(-(10**15), (THANA,)), Step(10**15, (THANA,))), -1),
        Ladder("x", (Step(0, (THANA,)),), 10**18),
        Ladder("x", (Step(600, (THANA,)), Step(0, (THANA,))), 0),
    ],
)
def test_a_ladder_that_makes_no_sense_still_has_a_next_step(nonsense: Ladder) -> None:
    life = Life()
    life.say(
        facts.IncidentOpened(
            "1234", "k", "zone:fire", Role.FIRE, Severity.CRITICAL, 110, True, False, False, "", (), nonsense
        )
    )
    life.do(Tick())
    due = next_due(life.state, life.now)
    assert due is not None
    assert life.now < due <= life.now + timedelta(days=2)


def test_an_incident_that_was_armed_in_the_future_is_overdue_not_years_away() -> None:
    life = Life(now=NOON + timedelta(days=3650))
    code = life.press("fire", Role.FIRE).code
    life.deliver(code)
    life.boot, life.now = "boot-2", NOON
    assert told(life.do(Tick())) == {"thana", "room", "manager", "officer", "district"}
    life.deliver(code)
    due = next_due(life.state, life.now)
    assert due is not None
    assert due <= NOON + timedelta(seconds=300)


def test_an_answer_from_the_future_stops_nobody() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    life.now += timedelta(days=400)
    life.police(CommandKind.DISPATCH, code)
    life.boot, life.now = "boot-2", NOON + timedelta(minutes=1)
    assert ladder.standing(life.incident(code), life.now) is None


def test_a_clock_that_slews_back_a_little_repeats_nothing() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    life.deliver(code)
    life.now -= timedelta(seconds=1)
    assert life.do(Tick()) == ()
    life.police(CommandKind.ACKNOWLEDGE, code)
    life.now -= timedelta(seconds=1)
    assert life.do(Tick()) == ()


def test_an_empty_ladder_asks_for_nobody() -> None:
    empty = Ladder("none", (), 300)
    incident = Incident(
        "1000", "k", "zone:x", Role.FIRE, Severity.CRITICAL, 110, True, False, False, "", (), empty, NOON, 1, NOON, "b"
    )
    assert ladder.due(incident, NOON) == ladder.Due(NOON, (), 0, None)
    assert incident.rungs_base == LONG_AGO


def test_with_no_row_for_it_a_signal_still_finds_somebody() -> None:
    only_loud = replace(POLICY, ladders=((Role.FIRE, Severity.CRITICAL, LOUD),))
    assert told(Life(policy=only_loud).do(trouble("door", Role.INTRUSION))) == {"thana", "room"}
    only_fault = replace(POLICY, ladders=((Role.MAINS, Severity.FAULT, LOUD),))
    assert told(Life(policy=only_fault).do(alarm("holdup", Role.HOLD_UP))) == {"thana", "room"}
    nobody = replace(POLICY, ladders=())
    assert not told(Life(policy=nobody).do(alarm("holdup", Role.HOLD_UP)))


def test_what_has_left_is_not_withdrawn_and_what_waits_is_when_the_police_answer() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    first, second = life.incident(code).notices
    life.do(Report(first, NoticeState.SENT, 1))
    said = life.police(CommandKind.ACKNOWLEDGE, code)
    assert [fact.notice for fact in said if isinstance(fact, facts.NoticeWithdrawn)] == [second]
    assert life.incident(code).notices[first].state is NoticeState.SENT


def test_an_answer_of_the_bank_withdraws_nothing_of_a_critical_incident() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    said = life.command(CommandKind.ACKNOWLEDGE, code, by="officer", via=Via.SMS)
    assert not refused(said)
    assert not [fact for fact in said if isinstance(fact, facts.NoticeWithdrawn)]


def test_a_closed_incident_has_no_next_step() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    life.police(CommandKind.CLOSE, code, disposition=Disposition.GENUINE)
    assert next_due(life.state, life.now) is None
    assert decide(life.state, POLICY, Tick(), life.now + timedelta(days=1)) == ()
    assert life.incident(code).answers == ()
    assert [answer.party for answer in life.incident(code).answers if answer.party is not Party.POLICE] == []


def test_a_fault_that_comes_to_weigh_more_is_told_anew_to_those_of_the_louder_ladder_and_only_once() -> None:
    life = Life()
    lost = Signal("channel:mail", Role.PATH, Condition.TROUBLE, Condition.TROUBLE, 350, Severity.FAULT, "lost")
    life.do(lost)
    (code,) = life.state.incidents
    life.deliver(code)
    life.command(CommandKind.ACKNOWLEDGE, code, by="service", via=Via.SMS)
    said = life.do(replace(lost, severity=Severity.HIGH))
    assert told(said) == {"thana", "room"}
    assert (life.incident(code).severity, life.incident(code).ladder) == (Severity.HIGH, LOUD)
    assert not told(life.do(replace(lost, severity=Severity.HIGH)))
    assert not told(life.do(lost)), "it weighs no less in the morning"
    assert life.incident(code).severity is Severity.HIGH
    assert told(life.wait(minutes=1)) == {"manager", "officer"}
    said = life.do(replace(lost, condition=Condition.NORMAL))
    assert life.incident(code).disposition is facts.Disposition.RESTORED
