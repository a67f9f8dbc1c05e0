"""A recorder that is lost within minutes of an alarm confirms it; a recorder that is lost by itself is a fault, no more."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core import facts, ladder
from sentinel.core.authority import CommandKind
from sentinel.core.codes import ROLES
from sentinel.core.decide import CONFIRMS, Report
from sentinel.core.facts import ClockQuality, Disposition, Fact
from sentinel.core.incident import NoticeState
from sentinel.core.model import Condition, Device, Failure, Party, Role, Severity, StateSense, Text, Via
from sentinel.core.signal import Signal
from tests.core.branch import CONTACTS, POLICY, ZONES, Life, alarm, over, queued, told, trouble, zone

if TYPE_CHECKING:
    from collections.abc import Sequence

IDENTITY = zone("dvr-identity", Role.RECORDER, StateSense((("same", Condition.NORMAL),)), point="dvr.identity")
RECORDER = Device("dvr", "dvr-line", Text("रिकॉर्डर", "Recorder"), (IDENTITY.point,))
BRANCH = replace(POLICY, zones=(*ZONES, IDENTITY), devices=(*POLICY.devices, RECORDER))
ON_SITE = {contact.id for contact in CONTACTS if contact.on_site}
ALARMS = [
    role for role in Role if ROLES[role].severity in (Severity.CRITICAL, Severity.HIGH) and ROLES[role].event < 200
]
LOST = "device:dvr"


def lost(subject: str = LOST, reason: str = Failure.NO_REPLY, condition: Condition = Condition.TROUBLE) -> Signal:
    """The recorder, or the line to it, is silent; or it is back."""
    role = Role.LINK if subject.startswith("link:") else Role.DEVICE
    return Signal(subject, role, condition, Condition.TROUBLE, ROLES[role].event, Severity.HIGH, reason)


def branch() -> Life:
    return Life(policy=BRANCH)


def confirmed(said: Sequence[Fact]) -> list[facts.IncidentConfirmed]:
    return [fact for fact in said if isinstance(fact, facts.IncidentConfirmed)]


def words(said: Sequence[Fact], code: str) -> dict[str, str]:
    """What each contact is told of this incident."""
    return {notice.contact: notice.words for notice in queued(tuple(said)) if notice.code == code}


@pytest.mark.parametrize("subject", ["device:dvr", "link:dvr-line"])
@pytest.mark.parametrize("role", ALARMS)
def test_a_recorder_lost_minutes_after_an_alarm_confirms_it(role: Role, subject: str) -> None:
    life = branch()
    code = life.press("zone", role).code
    life.deliver(code)
    life.wait(minutes=9)
    (fact,) = confirmed(life.do(lost(subject)))
    assert (fact.code, fact.by) == (code, subject)
    assert life.incident(code).severity is ROLES[role].severity


@given(st.floats(0, 3600), st.sampled_from(ALARMS))
def test_it_confirms_within_ten_minutes_of_the_last_activation_and_never_later(after_s: float, role: Role) -> None:
    life = branch()
    life.press("zone", role)
    life.now += timedelta(seconds=after_s)
    assert bool(confirmed(life.do(lost()))) is (timedelta(seconds=after_s) <= CONFIRMS)


def test_a_recorder_that_is_lost_without_any_alarm_confirms_nothing() -> None:
    life = branch()
    said = life.do(lost())
    assert not confirmed(said)
    assert {notice.words for notice in queued(said)} == {"trouble"}


def test_an_alarm_after_the_recorder_was_lost_is_not_confirmed_by_it() -> None:
    life = branch()
    life.do(lost())
    assert not confirmed(life.do(alarm("door", Role.INTRUSION)))


def test_faults_confirm_nothing_and_are_not_confirmed() -> None:
    life = branch()
    life.do(alarm("mains", Role.MAINS))
    life.do(trouble("holdup", Role.HOLD_UP))
    assert not confirmed(life.do(lost()))


def test_a_panel_that_is_lost_is_no_recorder() -> None:
    life = branch()
    life.press("door", Role.INTRUSION)
    assert not confirmed(life.do(lost("device:panel")))
    assert not confirmed(life.do(lost("link:bus")))


@pytest.mark.parametrize("reason", sorted(set(Failure) - {Failure.NOT_CONNECTED, Failure.NO_REPLY}))
def test_a_recorder_that_answers_anything_was_not_carried_away(reason: Failure) -> None:
    life = branch()
    life.press("door", Role.INTRUSION)
    assert not confirmed(life.do(lost(reason=reason)))


def test_a_device_that_is_folded_into_its_line_confirms_once() -> None:
    life = branch()
    life.press("door", Role.INTRUSION)
    assert confirmed(life.do(lost("device:dvr")))
    assert not confirmed(life.do(lost("link:dvr-line")))
    folded = replace(lost("device:dvr", "link:dvr-line", Condition.NORMAL), folded=True)
    assert not confirmed(life.do(folded))


def test_a_recorder_that_comes_and_goes_confirms_an_activation_once_and_the_next_one_anew() -> None:
    life = branch()
    code = life.press("fire", Role.FIRE).code
    assert confirmed(life.do(lost()))
    life.do(lost(condition=Condition.NORMAL))
    assert not confirmed(life.do(lost()))
    life.do(over("fire", Role.FIRE))
    life.do(alarm("fire", Role.FIRE))
    assert life.incident(code).confirmed_by == ""
    life.do(lost(condition=Condition.NORMAL))
    assert confirmed(life.do(lost()))


def test_where_nobody_has_answered_the_ladder_begins_anew_and_says_so() -> None:
    life = branch()
    code = life.press("door", Role.INTRUSION).code
    life.deliver(code)
    life.wait(seconds=90)
    life.deliver(code)
    said = life.do(lost())
    assert words(said, code) == dict.fromkeys(["thana", "room", "manager", "officer"], "confirmed")
    assert len([notice for notice in queued(said) if notice.code == code]) == 4, "each is told once"
    life.deliver(code)
    assert words(life.wait(seconds=60), code) == dict.fromkeys(["manager", "officer"], "confirmed")
    assert words(life.wait(seconds=60), code) == {"district": "confirmed"}


def test_where_somebody_has_it_they_are_told_and_the_ladder_stays_where_it_is() -> None:
    life = branch()
    code = life.press("fire", Role.FIRE).code
    life.deliver(code)
    life.police(CommandKind.DISPATCH, code)
    before = life.incident(code)
    said = life.do(lost())
    assert words(said, code) == dict.fromkeys(["thana", "room"], "confirmed")
    after = life.incident(code)
    assert (after.armed_at, after.rungs, after.answers) == (before.armed_at, before.rungs, before.answers)
    assert ladder.standing(after, life.now) is not None


def test_a_bank_that_has_answered_does_not_keep_the_police_from_being_told_again() -> None:
    life = branch()
    code = life.press("fire", Role.FIRE).code
    life.deliver(code)
    life.command(CommandKind.ACKNOWLEDGE, code, by="officer", via=Via.SMS)
    (fact,) = confirmed(life.do(lost()))
    assert fact.afresh


def test_who_still_waits_for_the_first_word_is_not_told_twice() -> None:
    life = branch()
    code = life.press("door", Role.INTRUSION).code
    assert words(life.do(lost()), code) == {}


@pytest.mark.parametrize("role", [Role.HOLD_UP, Role.DURESS])
@given(st.integers(0, 600))
def test_of_a_hold_up_only_its_own_ladder_off_site_hears_it(role: Role, after_s: int) -> None:
    life = branch()
    code = life.press("holdup", role).code
    for _ in range(after_s // 30):
        life.deliver(code)
        life.wait(seconds=30)
    life.deliver(code)
    said = life.do(lost())
    assert [one.code for one in confirmed(said)] == [code]
    about = {notice.contact for notice in queued(said) if notice.code == code}
    assert about
    assert not about & ON_SITE
    for _ in range(10):
        life.deliver(code)
        assert not {n.contact for n in queued(life.wait(minutes=1)) if n.code == code} & ON_SITE


def test_what_the_branch_sees_of_a_lost_recorder_is_the_same_whether_a_hold_up_was_pressed_or_not() -> None:
    pressed, quiet = branch(), branch()
    pressed.press("holdup", Role.HOLD_UP)
    for life in (pressed, quiet):
        life.do(lost())
    seen = [
        [replace(one, notices={}, opened_seq=0) for one in life.state.incidents.values() if not one.silent]
        for life in (pressed, quiet)
    ]
    assert seen[0] == seen[1]


def test_a_test_is_not_confirmed() -> None:
    life = branch()
    life.do(replace(alarm("door", Role.INTRUSION), test=True))
    assert not confirmed(life.do(lost()))


def test_after_a_power_cut_a_recorder_that_is_not_up_yet_confirms_nothing() -> None:
    life = branch()
    life.press("fire", Role.FIRE)
    life.reboot(clock=ClockQuality.UNSYNCED, minutes=1)
    assert not confirmed(life.do(lost()))


@pytest.mark.parametrize("by_s", [-86400.0, 86400.0])
def test_a_clock_that_is_set_right_in_between_changes_nothing(by_s: float) -> None:
    life = branch()
    life.press("fire", Role.FIRE)
    life.wait(minutes=5)
    life.step_clock(by_s)
    assert confirmed(life.do(lost()))


def test_what_is_closed_is_not_confirmed() -> None:
    life = branch()
    code = life.press("fire", Role.FIRE).code
    life.police(CommandKind.ARRIVE, code)
    life.police(CommandKind.CLOSE, code, disposition=Disposition.GENUINE)
    assert not confirmed(life.do(lost()))


def test_a_burglary_that_was_restored_is_not_confirmed_but_the_one_that_stands_is() -> None:
    life = branch()
    life.press("door", Role.INTRUSION)
    standing = life.press("vault", Role.VAULT).code
    life.do(over("door", Role.INTRUSION))
    assert [one.code for one in confirmed(life.do(lost()))] == [standing]


def test_a_notice_of_a_confirmation_that_failed_brings_the_next_rung() -> None:
    life = branch()
    code = life.press("fire", Role.FIRE).code
    life.deliver(code)
    said = life.do(lost())
    first = next(one for one in queued(said) if one.contact == "thana")
    assert {"manager", "officer"} <= told(life.do(Report(first.notice, NoticeState.FAILED, 1, "550")))
    assert first.party is Party.POLICE
    assert first.priority == 0
