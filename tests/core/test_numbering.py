"""Codes and numbers of notices: none of those that the branch sees is missing when somebody was held up."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core import facts
from sentinel.core.authority import CommandKind
from sentinel.core.decide import Report
from sentinel.core.facts import ClockQuality, Disposition
from sentinel.core.incident import RECENT, NoticeState, State, replay
from sentinel.core.model import Role
from sentinel.core.numbering import CODES, PARTS, SILENT, SPOKEN, Part, after, code_at, notice_number, place_of
from tests.core.branch import NOON, Life, alarm, over, queued, told

ALARMS = [
    ("door", Role.INTRUSION),
    ("mains", Role.MAINS),
    ("fire", Role.FIRE),
    ("holdup", Role.HOLD_UP),
    ("duress", Role.DURESS),
]


def lived(presses: list[tuple[str, Role]]) -> list[str]:
    """What of a day with these alarms the branch gets to see: codes and ids of notices."""
    life = Life()
    seen = []
    for name, role in presses:
        said = life.do(alarm(name, role))
        (opened,) = (fact for fact in said if isinstance(fact, facts.IncidentOpened))
        if opened.silent:
            life.deliver(opened.code)
            life.do(Report(queued(said)[0].notice, NoticeState.FAILED, 1, "bounced"))
        else:
            seen += [opened.code, *(fact.notice for fact in queued(said))]
            life.do(over(name, role))
    return seen


@given(st.lists(st.sampled_from(ALARMS), max_size=12))
def test_what_the_branch_sees_is_numbered_as_if_nobody_had_been_held_up(presses: list[tuple[str, Role]]) -> None:
    numbered = [(f"{name}-{number}", role) for number, (name, role) in enumerate(presses)]
    assert lived(numbered) == lived([one for one in numbered if one[1] not in (Role.HOLD_UP, Role.DURESS)])


def test_a_closed_hold_up_pushes_nothing_out_of_what_the_branch_sees_as_closed() -> None:
    life = Life()
    for _ in range(30):
        life.do(alarm("mains", Role.MAINS))
        life.do(over("mains", Role.MAINS))
    before = [one.code for one in life.state.recent if not one.silent]
    for _ in range(30):
        code = life.press().code
        life.police(CommandKind.CLOSE, code, disposition=Disposition.GENUINE)
        life.do(over("holdup", Role.HOLD_UP))
    assert [one.code for one in life.state.recent if not one.silent] == before
    assert len(life.state.recent) <= 2 * (RECENT + 30)


def test_a_journal_of_before_whose_hold_up_took_a_number_of_the_row_is_read_as_it_was_written() -> None:
    life = Life()
    for code, key, role in (
        ("1000", "zone:a", Role.MAINS),
        ("5787", "zone:b", Role.HOLD_UP),
        ("1574", "zone:c", Role.MAINS),
    ):
        model = next(one for one in Life().do(alarm("b", role)) if isinstance(one, facts.IncidentOpened))
        life.say(replace(model, code=code, key=key, subject=key))
        life.say(replace(queued(Life().do(alarm("b", role)))[0], code=code, notice=f"{code}-{len(life.records) + 6}"))
    assert set(life.state.incidents) == {"1000", "5787", "1574"}
    life.say(facts.IncidentClosed("5787", Disposition.GENUINE, "thana-1", "", None, None))
    mains = life.do(alarm("mains", Role.MAINS))
    (opened,) = (fact for fact in mains if isinstance(fact, facts.IncidentOpened))
    assert opened.code == code_at(3)
    assert [notice_number(one.notice) for one in queued(mains)] == [12, 13], "no id of before is given out again"
    assert replay(life.records, State(epoch="e1", clock=ClockQuality.SYNCED, boot="boot-1")) == life.state


def test_every_code_comes_once_in_nine_thousand_and_says_its_place() -> None:
    codes = [code_at(place) for place in range(CODES)]
    assert len(set(codes)) == CODES
    assert {len(code) for code in codes} == {4}
    assert [place_of(code) for code in codes] == list(range(CODES))


@pytest.mark.parametrize("strange", ["", "999", "0999", "10000", "12a4", "१२३४", " 123", "-100"])
def test_what_is_no_code_has_no_place_and_moves_no_counter(strange: str) -> None:
    assert place_of(strange) is None
    assert after(17, strange) == 17


def test_the_parts_share_no_place_and_leave_none_out() -> None:
    places = [place for part in PARTS for place in range(part.first, part.first + part.size)]
    assert places == list(range(CODES))


def test_a_row_goes_round_within_its_part_for_ever() -> None:
    life = Life(state=State(epoch="e1", issued=SPOKEN.size - 1, issued_silently=SILENT.first + SILENT.size - 1))
    for name, role in (("fire", Role.FIRE), ("holdup", Role.HOLD_UP)):
        life.press(name, role)
    assert (life.state.issued, life.state.issued_silently) == (SPOKEN.first, SILENT.first)


@pytest.mark.parametrize(("name", "role", "part"), [("fire", Role.FIRE, SPOKEN), ("holdup", Role.HOLD_UP, SILENT)])
def test_with_every_code_of_its_part_used_up_an_alarm_is_told_under_the_one_that_rested_longest(
    name: str, role: Role, part: Part
) -> None:
    closed = {code_at(place): NOON - timedelta(seconds=place) for place in range(CODES)}
    life = Life(state=State(epoch="e1", resting=closed, clock=ClockQuality.SYNCED))
    incident = life.press(name, role)
    assert incident.code == code_at(part.first + part.size - 1)
    assert incident.notices


def test_with_every_code_open_the_next_alarms_are_still_told() -> None:
    one = Life().press()
    everything = {code_at(place): one for place in range(CODES)}
    life = Life(state=State(epoch="e1", incidents=everything, clock=ClockQuality.SYNCED))
    codes = set()
    for name, role in (("fire", Role.FIRE), ("duress", Role.DURESS), ("smoke", Role.SMOKE)):
        said = life.do(alarm(name, role))
        assert told(said)
        codes |= {fact.code for fact in said if isinstance(fact, facts.IncidentOpened)}
    assert len(codes) == 3


def test_a_code_that_rested_long_enough_is_free_again() -> None:
    closed = {code_at(place): NOON - timedelta(days=90 if place == 7 else 1) for place in range(CODES)}
    life = Life(state=State(epoch="e1", resting=closed, clock=ClockQuality.SYNCED))
    assert life.press("fire", Role.FIRE).code == code_at(7)


@pytest.mark.parametrize(
    ("id_", "number"), [("4821-17", 17), ("4821", 4821), ("-", 0), ("1000-१", 0), ("1-" + "9" * 20, 0)]
)
def test_the_number_of_a_notice_is_what_its_id_says(id_: str, number: int) -> None:
    assert notice_number(id_) == number
