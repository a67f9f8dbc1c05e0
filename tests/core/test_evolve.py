"""evolve takes any fact in any order: it never raises, and the state it leaves is one that can be."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.core import facts, ladder
from sentinel.core.authority import CommandKind
from sentinel.core.chain import KINDS, line, parse
from sentinel.core.decide import Report, Tick, decide, next_due
from sentinel.core.facts import AnswerKind, ClockQuality, Disposition, Newer, Recorded
from sentinel.core.incident import LONG_AGO, NOTICES, NOTICES_MOST, RECENT, NoticeState, State, evolve, replay
from sentinel.core.model import Condition, Party, Role, Via
from tests.core.branch import NOON, POLICY, Life, alarm, mended, over, told, trouble
from tests.core.facts_by_type import a_dataclass, by_type
from tests.core.invariants import check

CODE = st.sampled_from(["1000", "1001", "5787", ""])
NOTICE = st.sampled_from(["1000-1", "1000-2", "1001-1", "5787-3", "-", "9"])
CHOSEN: dict[str, st.SearchStrategy[Any]] = {
    "code": CODE,
    "notice": NOTICE,
    "key": st.sampled_from(["zone:a", "zone:b", "zone:a/trouble"]),
    "subject": st.sampled_from(["zone:a", "zone:b"]),
}


def nonsense(kind: str) -> st.SearchStrategy[facts.Fact]:
    """A fact of this kind with any content, about things that often exist."""
    names = [f.name for f in fields(KINDS[kind])]
    return a_dataclass(KINDS[kind], **{name: CHOSEN[name] for name in names if name in CHOSEN})


NONSENSE = st.sampled_from(sorted(KINDS)).flatmap(nonsense) | st.just(Newer("from-tomorrow", 9, "{}"))
TIMES = st.datetimes(datetime(2001, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds must be naive
RECORDS = st.builds(
    Recorded,
    epoch=st.just("e"),
    seq=st.integers(1, 99),
    at=TIMES,
    boot=st.sampled_from(["b1", "b2"]),
    clock=by_type(ClockQuality),
    late=st.booleans(),
    fact=NONSENSE,
)


@given(st.lists(RECORDS, max_size=40))
@settings(max_examples=200)
def test_no_sequence_of_facts_makes_a_state_that_cannot_be(records: list[Recorded]) -> None:
    state = State()
    for recorded in records:
        state = evolve(state, recorded)
        check(state)
    assert state == replay(records)


@given(st.lists(RECORDS, max_size=25), TIMES)
@settings(max_examples=200)
def test_from_any_state_it_can_be_decided_and_every_critical_incident_goes_on(
    records: list[Recorded], now: datetime
) -> None:
    state = replay(records)
    for fact in decide(state, POLICY, Tick(), now):
        state = evolve(state, Recorded("e", state.seq + 1, now, "b2", ClockQuality.SYNCED, late=False, fact=fact))
    check(state)
    assert decide(state, POLICY, Tick(), now) == ()
    due = next_due(state, now)
    assert due is None or due > now
    for incident in state.incidents.values():
        if incident.ladder.steps and ladder.standing(incident, now) is None:
            assert due is not None
            assert due <= now + timedelta(days=2)


@given(st.lists(RECORDS, max_size=25))
def test_what_was_written_and_read_amounts_to_the_same(records: list[Recorded]) -> None:
    assert replay([parse(line(recorded)) for recorded in records]) == replay(records)


@given(st.lists(RECORDS, max_size=20), st.integers(0, 20))
def test_replaying_in_two_parts_is_replaying_at_once(records: list[Recorded], cut: int) -> None:
    assert replay(records[cut:], replay(records[:cut])) == replay(records)


def test_facts_about_nothing_change_nothing() -> None:
    life = Life()
    life.press("fire", Role.FIRE)
    before = life.without_ids()
    for fact in (
        facts.IncidentReactivated("0000"),
        facts.IncidentCleared("0000"),
        facts.Answered("0000", AnswerKind.ARRIVED, "x", "", Party.POLICE, Via.STATION, None),
        facts.MistakeReported("0000", "x", "", Party.BANK, Via.SMS),
        facts.FalseProposed("0000", "x", "", Via.ROOM),
        facts.IncidentClosed("0000", Disposition.GENUINE, "x", "", None, None),
        facts.Escalated("0000", NOON, 3, (), facts.Cause.DUE),
        facts.NoticeSent("0000-1", 1),
        facts.NoticeSent("1000-99", 1),
        Newer("from-tomorrow", 1, "{}"),
        facts.Stopping("SIGTERM"),
    ):
        life.say(fact)
    assert life.without_ids() == before


@pytest.mark.parametrize("by_s", [1e300, -1e300, 10**400, 3e11, -7e10])
def test_a_step_of_the_clock_that_no_calendar_has_moves_nothing(by_s: float) -> None:
    life = Life()
    life.press("fire", Role.FIRE)
    before = life.without_ids()
    life.say(facts.ClockStepped(by_s))
    assert life.without_ids() == before


def opened_as(life: Life, code: str, key: str) -> facts.IncidentOpened:
    """The fact that opened a fire, under another code or for another key."""
    fire = next(one.fact for one in life.records if isinstance(one.fact, facts.IncidentOpened))
    return replace(fire, code=code, key=key)


def test_the_same_opening_a_second_time_changes_nothing() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    before = life.state.incidents
    life.say(opened_as(life, code, "zone:fire"))
    assert life.state.incidents == before


def test_an_alarm_that_a_start_without_its_card_told_under_the_code_of_another_is_told_under_one_of_its_own() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    life.deliver(code)
    before = life.incident(code)
    life.say(opened_as(life, code, "zone:other"))
    assert life.incident(code) == before
    other = life.incident(life.state.by_key["zone:other"])
    assert other.code != code
    check(life.state)
    assert told(life.do(Tick())) == {"thana", "room"}
    life.say(opened_as(life, code, "zone:other"))
    assert len(life.state.incidents) == 2


def test_an_opening_under_a_second_code_is_a_new_press_of_the_open_incident_and_both_codes_are_its() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    life.police(CommandKind.ARRIVE, code)
    life.now += timedelta(minutes=1)
    life.say(opened_as(life, "2222", "zone:fire"), opened_as(life, "2222", "zone:fire"))
    notice = next(one.fact for one in life.records if isinstance(one.fact, facts.NoticeQueued))
    life.say(replace(notice, code="2222", notice="2222-1"), facts.NoticeSent("2222-1", 1))
    incident = life.incident("2222")
    assert (incident.code, incident.answers, incident.again_at) == (code, (), life.now)
    assert incident.notices["2222-1"].told
    check(life.state)
    assert told(life.do(Tick())) == {"thana", "room"}
    life.police(CommandKind.DISPATCH, "2222")
    assert [one.kind for one in life.incident(code).answers] == [AnswerKind.DISPATCHED]
    life.police(CommandKind.ARRIVE, "2222")
    life.police(CommandKind.CLOSE, "2222", disposition=Disposition.FALSE)
    assert not life.state.incidents
    assert not life.state.also
    assert life.state.resting.keys() == {code, "2222"}


def test_an_incident_that_stays_open_for_weeks_keeps_its_last_notices_and_who_was_told() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    life.deliver(code)
    first = next(one.id for one in life.incident(code).notices.values() if one.contact == "thana")
    for _ in range(6 * 24):
        life.wait(minutes=10)
        for notice in list(life.incident(code).notices.values()):
            if notice.live:
                to = NoticeState.FAILED if notice.contact == "thana" else NoticeState.SENT
                life.do(Report(notice.id, to, 1, "550"))
    notices = life.incident(code).notices
    assert NOTICES <= len(notices) <= NOTICES_MOST
    assert notices[first].told, "the only one that reached the station"
    assert [one.id for one in notices.values()][-1] == max(notices, key=lambda id_: int(id_.partition("-")[2]))
    said = life.police(CommandKind.ACKNOWLEDGE, code)
    assert told(said) == {"thana", "room", "manager", "officer", "district"}


def test_a_notice_that_was_withdrawn_and_left_all_the_same_counts_as_told() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    life.police(CommandKind.ACKNOWLEDGE, code)
    life.say(facts.NoticeSent("1000-1", 1))
    assert life.incident(code).notices["1000-1"].state is NoticeState.SENT


@pytest.mark.parametrize(
    ("first", "then", "ends"),
    [
        (facts.NoticeDelivered("1000-1"), facts.NoticeSent("1000-1", 1), NoticeState.DELIVERED),
        (facts.NoticeDelivered("1000-1"), facts.NoticeFailed("1000-1", 1, "x"), NoticeState.DELIVERED),
        (facts.NoticeSent("1000-1", 1), facts.NoticeWithdrawn("1000-1", "x"), NoticeState.SENT),
        (facts.NoticeSent("1000-1", 1), facts.NoticeDelayed("1000-1", 1, "x"), NoticeState.SENT),
        (facts.NoticeSent("1000-1", 1), facts.NoticeFailed("1000-1", 1, "bounced"), NoticeState.FAILED),
        (facts.NoticeFailed("1000-1", 1, "x"), facts.NoticeDelayed("1000-1", 2, "x"), NoticeState.FAILED),
        (facts.NoticeDelayed("1000-1", 1, "x"), facts.NoticeDelayed("1000-1", 2, "y"), NoticeState.PENDING),
    ],
)
def test_a_notice_only_goes_forward(first: facts.Fact, then: facts.Fact, ends: NoticeState) -> None:
    life = Life()
    life.press("fire", Role.FIRE)
    life.say(first, then)
    assert life.incident("1000").notices["1000-1"].state is ends


def test_a_notice_that_is_queued_twice_is_one() -> None:
    life = Life()
    life.press("fire", Role.FIRE)
    twice = next(one.fact for one in life.records if isinstance(one.fact, facts.NoticeQueued))
    life.say(facts.NoticeSent(twice.notice, 1), twice)
    assert life.incident("1000").notices[twice.notice].state is NoticeState.SENT


def test_a_code_rests_for_ninety_days() -> None:
    life = Life()
    used: list[str] = []
    for number in range(200):
        life.now += timedelta(hours=6)
        said = life.do(trouble(f"z{number % 3}", Role.MAINS))
        used += [fact.code for fact in said if isinstance(fact, facts.IncidentOpened)]
        life.do(mended(f"z{number % 3}", Role.MAINS))
    assert len(used) == len(set(used)) == 200


def test_the_rest_of_a_code_is_remembered_for_ninety_days_and_no_longer() -> None:
    life = Life()
    codes = []
    for days in (0, 89, 2):
        life.now += timedelta(days=days)
        codes.append(life.press("fire", Role.FIRE).code)
        life.police(CommandKind.CLOSE, codes[-1], disposition=Disposition.GENUINE)
        assert (codes[0] in life.state.resting) is (len(codes) < 3)
    assert list(life.state.resting) == codes[1:]


def test_closed_incidents_are_kept_while_a_notice_of_theirs_still_has_to_leave() -> None:
    life = Life()
    code = life.press("door", Role.INTRUSION).code
    life.do(over("door", Role.INTRUSION))
    assert any(notice.live for notice in life.incident(code).notices.values())
    for number in range(RECENT + 5):
        life.do(alarm(f"m{number}", Role.MAINS))
        life.do(over(f"m{number}", Role.MAINS))
    assert life.state.find(code) is not None
    life.deliver(code)
    life.do(alarm("m", Role.MAINS))
    life.do(over("m", Role.MAINS))
    assert life.state.find(code) is None
    assert len(life.state.recent) == RECENT


def test_an_id_of_a_command_is_remembered_long_after_it_expired() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    life.command(CommandKind.ACKNOWLEDGE, code, by="thana-1", via=Via.STATION, id_="one")
    life.now += timedelta(minutes=10)
    life.police(CommandKind.ACKNOWLEDGE, code)
    life.reboot(clock=ClockQuality.UNSYNCED, minutes=1)
    said = life.command(CommandKind.ACKNOWLEDGE, code, by="thana-1", via=Via.STATION, id_="one", until=NOON)
    assert [fact.reason for fact in said if isinstance(fact, facts.CommandRefused)] == ["repeated"]


def test_conditions_are_kept_by_what_is_over() -> None:
    life = Life()
    life.do(alarm("door", Role.INTRUSION))
    life.do(trouble("door", Role.INTRUSION))
    life.do(over("door", Role.INTRUSION))
    assert life.state.conditions == {"zone:door": Condition.NORMAL, "zone:door/trouble": Condition.TROUBLE}
    assert life.state.at > LONG_AGO
