"""Hold-up and duress are silent in the branch, latched everywhere, and told outside."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sentinel.core import facts
from sentinel.core.authority import CommandKind
from sentinel.core.codes import ROLES
from sentinel.core.decide import Report, Tick, may_take
from sentinel.core.facts import Cause, ClockQuality, Disposition, Fact
from sentinel.core.incident import NoticeState
from sentinel.core.model import Condition, Ladder, Party, Role, Severity, Step, Via
from tests.core.branch import (
    CONTACTS,
    MANAGER,
    OFFICER,
    POLICY,
    THANA,
    Life,
    alarm,
    mended,
    over,
    queued,
    told,
    trouble,
)


@pytest.mark.parametrize("role", [role for role in Role if ROLES[role].silent])
def test_nobody_in_the_branch_is_told_of_a_hold_up_for_as_long_as_it_lasts(role: Role) -> None:
    life = Life()
    code = life.press("button", role).code
    heard = set[str]()
    for _ in range(60):
        life.deliver(code)
        heard |= told(life.wait(minutes=1))
        heard |= told(life.command(CommandKind.ESCALATE, code, by="officer", via=Via.SMS))
        heard |= told(life.do(Tick(repair=frozenset({code}))))
    life.command(CommandKind.ACKNOWLEDGE, code, by="officer", via=Via.SMS)
    life.police(CommandKind.ARRIVE, code)
    heard |= told(life.police(CommandKind.CLOSE, code, disposition=Disposition.GENUINE))
    assert heard == {"thana", "room", "officer", "district"}


def test_a_contact_that_the_post_calls_on_site_is_not_told_even_when_the_ladder_forgot_to_say_so() -> None:
    forgot = Ladder("forgot", (Step(0, (THANA, replace(MANAGER, on_site=False), OFFICER)),), 300)
    policy = replace(POLICY, ladders=((Role.HOLD_UP, Severity.CRITICAL, forgot),))
    assert told(Life(policy=policy).do(alarm("holdup", Role.HOLD_UP))) == {"thana", "officer"}
    assert {contact.id for contact in CONTACTS if contact.on_site} == {"manager"}


def test_an_officer_who_stands_in_the_branch_since_the_hold_up_began_hears_no_more_of_it() -> None:
    life = Life()
    code = life.press().code
    life.deliver(code)
    assert "officer" in told(life.wait(minutes=1))
    life.deliver(code)
    moved = tuple(replace(one, on_site=one.on_site or one.id == "officer") for one in CONTACTS)
    life.policy = replace(POLICY, contacts=moved)
    heard = set[str]()
    for _ in range(10):
        life.deliver(code)
        heard |= told(life.wait(minutes=1))
    heard |= told(life.do(Tick(repair=frozenset({code}))))
    heard |= told(life.police(CommandKind.ACKNOWLEDGE, code))
    heard |= told(life.police(CommandKind.CLOSE, code, disposition=Disposition.GENUINE))
    assert heard == {"thana", "room", "district"}
    assert "officer" in told(life.do(alarm("gate", Role.PANIC))) | told(life.wait(minutes=1))


def test_a_hold_up_takes_another_way_only_where_the_ladder_of_today_names_it() -> None:
    incident = Life().press()
    assert may_take(POLICY, incident, "officer", "sms")
    assert not may_take(POLICY, incident, "officer", "mail")  # nobody checked where that rings
    assert not may_take(POLICY, incident, "manager", "sms")
    assert may_take(POLICY, Life().press("gate", Role.PANIC), "officer", "mail")


def test_a_panic_button_that_the_bank_wants_heard_is_told_to_the_manager_too() -> None:
    life = Life()
    life.deliver(life.press("button", Role.PANIC).code)
    assert "manager" in told(life.wait(minutes=1))


def test_a_fault_of_the_hold_up_button_is_no_secret() -> None:
    life = Life()
    life.do(trouble("holdup", Role.HOLD_UP))
    (incident,) = life.state.incidents.values()
    assert (incident.silent, incident.latching, incident.severity) == (False, False, Severity.HIGH)
    life.do(mended("holdup", Role.HOLD_UP))
    assert life.state.incidents == {}


def told_of(code: str, said: tuple[Fact, ...]) -> set[str]:
    """Who is to be told of this incident."""
    return {notice.contact for notice in queued(said) if notice.code == code}


def test_a_mailbox_that_is_gone_for_good_brings_the_next_rung_at_once_and_once_a_round() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    first, second = list(life.incident(code).notices)
    assert told_of(code, life.do(Report(first, NoticeState.FAILED, 1, "550"))) == {"manager", "officer"}
    assert not told_of(code, life.do(Report(first, NoticeState.FAILED, 1, "550")))
    assert not told_of(code, life.do(Report(second, NoticeState.FAILED, 1, "550")))
    assert [
        one.fact.cause for one in life.records if isinstance(one.fact, facts.Escalated) and one.fact.code == code
    ] == [
        Cause.DUE,
        Cause.FAILED,
    ]
    life.deliver(code)
    assert not told_of(code, life.wait(seconds=119))
    assert told_of(code, life.wait(seconds=1)) == {"district"}
    assert told_of(code, life.wait(minutes=3)) == {"thana", "room"}  # the next round comes neither later nor earlier


def test_when_every_mailbox_is_gone_each_rung_is_tried_once_a_round_and_no_faster() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    tries = 0
    for _ in range(30):
        for notice in list(life.incident(code).notices.values()):
            if notice.live:
                life.do(Report(notice.id, NoticeState.FAILED, 1, "550"))
                tries += 1
        life.wait(seconds=20)
    assert tries == 10  # five ways, two rounds


def unreachable(life: Life) -> list[tuple[str, bool]]:
    """Which ways to whom are known to be refused, and whether that is silent."""
    return [(one.subject, one.silent) for one in life.state.incidents.values() if one.role is Role.DELIVERY]


def test_a_mailbox_that_refuses_an_alarm_for_good_is_a_fault_of_its_own_until_a_letter_leaves_there_again() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    first, _ = life.incident(code).notices
    said = life.do(Report(first, NoticeState.FAILED, 1, "550"))
    assert told(said) >= {"service"}
    assert unreachable(life) == [("delivery:thana/mail", False)]
    fault = next(one for one in life.state.incidents.values() if one.role is Role.DELIVERY)
    assert (fault.severity, fault.reason) == (Severity.FAULT, "550")
    for notice in list(fault.notices):
        life.do(Report(notice, NoticeState.FAILED, 1, "550"))
    assert len(life.state.incidents) == 2, "that nobody can be told of it either opens nothing further"
    life.deliver(code)
    life.wait(minutes=5)
    again = next(one for one in life.incident(code).notices.values() if one.live and one.contact == "thana")
    life.do(Report(again.id, NoticeState.FAILED, 1, "550"))
    assert len(unreachable(life)) == 1, "said once"
    life.deliver(code)
    life.wait(minutes=5)
    life.deliver(code)
    assert unreachable(life) == []
    assert life.incident(fault.code).disposition is Disposition.RESTORED


def test_a_mailbox_that_refuses_a_hold_up_shows_in_the_branch_neither_when_it_does_nor_when_it_is_mended() -> None:
    life = Life()
    code = life.press().code
    first, _ = life.incident(code).notices
    said = life.do(Report(first, NoticeState.FAILED, 1, "550"))
    assert "service" in told(said)
    assert "manager" not in told(said) | told(life.wait(hours=2))
    assert unreachable(life) == [("delivery:thana/mail/quiet", True)]
    fire = life.press("fire", Role.FIRE).code
    life.do(Report(next(iter(life.incident(fire).notices)), NoticeState.FAILED, 1, "550"))
    assert unreachable(life) == [("delivery:thana/mail/quiet", True), ("delivery:thana/mail", False)]
    life.deliver(code)
    assert unreachable(life) == [("delivery:thana/mail", False)], "the branch sees no letter of a hold-up arrive"
    life.wait(minutes=5)
    life.deliver(fire)
    assert unreachable(life) == []


def test_a_failure_after_the_police_took_it_or_of_no_critical_thing_brings_nobody() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    first = next(iter(life.incident(code).notices))
    life.do(Report(first, NoticeState.SENT, 1))
    life.police(CommandKind.DISPATCH, code)
    assert not told_of(code, life.do(Report(first, NoticeState.FAILED, 1, "bounced")))
    other = Life()
    other.do(alarm("mains", Role.MAINS))
    (incident,) = other.state.incidents.values()
    assert not told(other.do(Report(next(iter(incident.notices)), NoticeState.FAILED, 1, "550")))


def test_a_latched_incident_stays_whatever_the_input_does() -> None:
    life = Life()
    code = life.press().code
    life.do(over("holdup", Role.HOLD_UP))
    life.do(over("holdup", Role.HOLD_UP))
    assert code in life.state.incidents
    assert not life.incident(code).active
    assert len([one for one in life.records if isinstance(one.fact, facts.IncidentCleared)]) == 1


def test_alarm_and_trouble_of_one_zone_are_two_incidents() -> None:
    life = Life()
    life.press("fire", Role.FIRE)
    life.do(trouble("fire", Role.FIRE))
    assert sorted(life.state.by_key) == ["zone:fire", "zone:fire/trouble"]


def test_a_fault_closes_when_it_is_restored_and_those_who_were_told_are_told() -> None:
    life = Life()
    life.do(alarm("mains", Role.MAINS))
    (code,) = life.state.incidents
    first, _second = life.incident(code).notices
    life.do(Report(first, NoticeState.SENT, 1))
    said = life.do(over("mains", Role.MAINS))
    assert life.incident(code).disposition is Disposition.RESTORED
    assert [(one.contact, one.words) for one in queued(said)] == [
        (life.incident(code).notices[first].contact, "restored")
    ]
    assert len([fact for fact in said if isinstance(fact, facts.NoticeWithdrawn)]) == 1


def test_what_a_larger_fault_took_over_is_not_told_as_restored() -> None:
    life = Life()
    life.do(trouble("door", Role.INTRUSION))
    (code,) = life.state.incidents
    life.deliver(code)
    said = life.do(replace(mended("door", Role.INTRUSION), folded=True))
    assert life.incident(code).closed_at is not None
    assert not queued(said)


def test_a_door_that_was_open_for_a_moment_is_told_though_it_is_shut_again() -> None:
    life = Life()
    life.do(alarm("door", Role.INTRUSION))
    (code,) = life.state.incidents
    said = life.do(over("door", Role.INTRUSION))
    assert not [fact for fact in said if isinstance(fact, facts.NoticeWithdrawn)]
    assert [notice.live for notice in life.incident(code).notices.values()] == [True, True]


def test_a_notice_in_mid_air_when_the_fault_ended_is_followed_by_its_end() -> None:
    life = Life()
    life.do(alarm("mains", Role.MAINS))
    (code,) = life.state.incidents
    life.do(over("mains", Role.MAINS))
    first = next(iter(life.incident(code).notices))
    said = life.do(Report(first, NoticeState.SENT, 1))
    assert [(one.contact, one.words) for one in queued(said)] == [
        (life.incident(code).notices[first].contact, "restored")
    ]
    assert not queued(life.do(Report(first, NoticeState.DELIVERED, 1)))


def test_mains_gone_is_told_in_the_words_of_a_fault_and_an_open_door_in_those_of_an_alarm() -> None:
    words = {
        role: {notice.words for notice in queued(Life().do(alarm("z", role)))}
        for role in (Role.MAINS, Role.RECORDER, Role.TEMPERATURE, Role.INTRUSION, Role.FIRE, Role.HOLD_UP, Role.TAMPER)
    }
    faults = {Role.MAINS, Role.RECORDER, Role.TEMPERATURE}
    assert words == {role: {"trouble" if role in faults else "alarm"} for role in words}


def test_opening_in_hours_is_a_fact_and_no_incident() -> None:
    life = Life()
    said = life.do(alarm("counter", Role.OPENING))
    assert [type(fact) for fact in said] == [facts.Signalled]
    assert life.state.conditions == {"zone:counter": Condition.ALARM}


def test_everyone_who_was_told_learns_who_took_it_but_the_one_who_did() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    life.deliver(code)
    life.wait(minutes=1)
    life.deliver(code)
    said = life.command(CommandKind.ACKNOWLEDGE, code, by="thana", via=Via.SMS)
    assert told(said) == {"room", "manager", "officer"}
    assert {notice.words for notice in queued(said)} == {"answered.acknowledged"}
    assert {notice.step for notice in queued(said)} == {-1}


def test_at_a_boot_without_time_every_open_ladder_is_due_at_once() -> None:
    life = Life()
    code = life.press().code
    life.police(CommandKind.DISPATCH, code)
    said = life.reboot(clock=ClockQuality.UNSYNCED, seconds=30)
    assert told(said) == {"thana", "room"}
    assert [answer.party for answer in life.incident(code).answers] == []


def test_at_a_boot_with_time_an_answer_still_counts_for_as_long_as_it_did() -> None:
    life = Life()
    code = life.press().code
    life.police(CommandKind.DISPATCH, code)
    assert not told(life.reboot(minutes=10))
    assert told(life.wait(minutes=5)) == {"thana", "room"}


def test_power_cut_between_two_steps_and_the_ladder_goes_on_where_it_was() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    life.deliver(code)
    assert not told(life.reboot(seconds=30))
    assert told(life.wait(seconds=30)) == {"manager", "officer"}
    assert [one.fact.cause for one in life.records if isinstance(one.fact, facts.Escalated)] == [Cause.DUE, Cause.DUE]


def test_the_clock_is_years_behind_and_set_right_with_a_ladder_running() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    life.deliver(code)
    life.wait(seconds=30)
    life.step_clock(86400 * 400)
    assert not told(life.do(Tick()))
    assert told(life.wait(seconds=30)) == {"manager", "officer"}
    life.police(CommandKind.ACKNOWLEDGE, code)
    life.step_clock(-86400 * 400)
    assert not told(life.wait(minutes=2, seconds=59))
    assert told(life.wait(seconds=1)) == {"thana", "room"}


def test_closed_while_the_input_is_still_active_it_opens_anew_only_when_it_is_pressed_anew() -> None:
    life = Life()
    code = life.press().code
    life.police(CommandKind.CLOSE, code, disposition=Disposition.GENUINE)
    assert life.state.conditions["zone:holdup"] is Condition.ALARM
    assert life.wait(hours=1) == ()
    life.do(over("holdup", Role.HOLD_UP))
    again = life.press()
    assert again.code != code
    assert again.opened_at == life.now > life.incident(code).opened_at + timedelta(minutes=59)
    assert {notice.party for notice in again.notices.values()} == {Party.POLICE, Party.ROOM}
