"""A door that rattles is one fault, not a storm; a button that is pressed again and again is still a hold-up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.detect import FLAP_SAMPLES, FLAP_WINDOW_S
from sentinel.core.model import Condition, Role
from tests.core.sensing import Sensing, said

if TYPE_CHECKING:
    from sentinel.core.signal import Signal

ALARM, NORMAL, TROUBLE = Condition.ALARM, Condition.NORMAL, Condition.TROUBLE


def rattle(here: Sensing, times: int, *, each_s: float = FLAP_WINDOW_S) -> list[Signal]:
    """Open and shut so often, once in every sample."""
    signals = []
    for number in range(times):
        signals += here.steady(number % 2 == 0, each_s)
    return signals


def reasons(signals: list[Signal]) -> list[tuple[Condition, str]]:
    """The troubles and their ends."""
    return [(one.condition, one.reason) for one in signals if one.of is TROUBLE]


def test_five_changes_in_a_minute_are_five_changes() -> None:
    here = Sensing.one(Role.INTRUSION)
    here.steady(False, 60)
    assert reasons(rattle(here, 5)) == []


def test_seven_changes_in_a_minute_are_flapping() -> None:
    here = Sensing.one(Role.INTRUSION)
    here.steady(False, 60)
    assert reasons(rattle(here, 7)) == [(TROUBLE, "flapping")]
    assert here.view().condition is not NORMAL


def test_while_it_flaps_its_alarms_are_held_and_told_once_it_stands_still() -> None:
    here = Sensing.one(Role.INTRUSION)
    here.steady(False, 60)
    rattle(here, 8)
    assert [one for one in rattle(here, 40) if one.of is ALARM] == []
    later = said(here.steady(True, 90))
    assert sorted(later) == sorted([("zone:z", NORMAL, TROUBLE), *[one for one in later if one[2] is ALARM]])
    assert here.view().condition is ALARM


def test_it_leaves_flapping_only_below_the_lower_limit() -> None:
    here = Sensing.one(Role.INTRUSION)
    here.steady(False, 60)
    rattle(here, 8)
    quiet = 0.0
    while not reasons(here.steady(False, FLAP_WINDOW_S)):
        quiet += FLAP_WINDOW_S
        assert quiet < FLAP_WINDOW_S * FLAP_SAMPLES
    assert quiet == FLAP_WINDOW_S * 13, "six old changes still weigh more than a quarter, five do not"
    assert here.view().condition is NORMAL


def test_many_changes_within_one_sample_count_once() -> None:
    here = Sensing.one(Role.INTRUSION)
    here.now = FLAP_WINDOW_S * 1000
    here.steady(False, 60)
    assert reasons(rattle(here, 20, each_s=0.1)) == []


@pytest.mark.parametrize("role", [Role.HOLD_UP, Role.DURESS, Role.FIRE, Role.PANIC])
def test_a_critical_zone_that_flaps_is_told_every_time(role: Role) -> None:
    here = Sensing.one(role)
    here.steady(False, 60)
    told = [one for one in rattle(here, 20) if one.condition is ALARM]
    assert len(told) == 10


@pytest.mark.parametrize("role", [Role.HOLD_UP, Role.DURESS])
def test_a_hold_up_button_that_is_pressed_again_and_again_shows_no_fault_in_the_branch(role: Role) -> None:
    here = Sensing.one(role)
    here.steady(False, 60)
    assert reasons(rattle(here, 20)) == []


@given(st.lists(st.booleans(), min_size=1, max_size=120))
def test_of_any_rattling_the_alarms_and_restores_alternate_and_the_last_word_is_true(values: list[bool]) -> None:
    here = Sensing.one(Role.INTRUSION)
    signals = []
    for value in [*values, values[-1]]:
        signals += here.steady(value, 1.0)
    signals += here.steady(values[-1], 120)
    alarms = [one.condition for one in signals if one.of is ALARM]
    assert alarms == [ALARM if at % 2 == 0 else NORMAL for at in range(len(alarms))]
    troubles = [one.condition for one in signals if one.of is TROUBLE]
    assert troubles == [TROUBLE if at % 2 == 0 else NORMAL for at in range(len(troubles))]
    assert here.view().condition is (ALARM if values[-1] else NORMAL)
