"""What a value means, for how long it must mean it, and when it is too old to mean anything."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.codes import ROLES
from sentinel.core.detect import Detector, judge
from sentinel.core.model import (
    BandSense,
    Condition,
    ContactSense,
    Failure,
    LimitSense,
    Quality,
    Reading,
    Role,
    Sense,
    Severity,
    StateSense,
    Value,
)
from tests.core.sensing import Sensing, said, zone

if TYPE_CHECKING:
    from sentinel.core.signal import Signal

ALARM, NORMAL, TROUBLE, UNKNOWN = Condition.ALARM, Condition.NORMAL, Condition.TROUBLE, Condition.UNKNOWN
EOL = BandSense(((4.5, 5.5, NORMAL), (8.0, 9.0, ALARM)))  # volts over a loop with two end-of-line resistors
HOT = LimitSense(5.0, 45.0, 2.0)
PANEL = StateSense((("ready", NORMAL), ("fire", ALARM)))
SENSES: list[Sense] = [ContactSense(alarm_when=True), ContactSense(alarm_when=False), EOL, HOT, PANEL]
TOLD = [("zone:z", ALARM, ALARM)]
RESTORED = [("zone:z", NORMAL, ALARM)]
FAULTY = [("zone:z", TROUBLE, TROUBLE)]
MENDED = [("zone:z", NORMAL, TROUBLE)]


def beside() -> Sensing:
    """A fire zone `z` and another on the same device that goes on being read."""
    return Sensing((zone("z", Role.FIRE, point="d.z"), zone("alive", Role.SMOKE, point="d.alive")))


# --- Meaning ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("volts", "means"),
    [(5.0, NORMAL), (4.5, NORMAL), (8.5, ALARM), (0.0, TROUBLE), (12.0, TROUBLE), (6.5, TROUBLE), (-1.0, TROUBLE)],
)
def test_a_cut_or_shorted_line_is_never_normal(volts: float, means: Condition) -> None:
    assert judge(EOL, volts, NORMAL) is means


@given(
    sense=st.sampled_from(SENSES),
    value=st.sampled_from([math.nan, math.inf, -math.inf, "", "nonsense", "5.0", "NORMAL"]),
    before=st.sampled_from(Condition),
)
def test_what_is_not_a_value_of_this_point_is_trouble(sense: Sense, value: Value, before: Condition) -> None:
    assert judge(sense, value, before) is TROUBLE


@pytest.mark.parametrize("sense", [EOL, BandSense(((0.0, 1.0, NORMAL),)), HOT, LimitSense(None, None, 0.0)])
@pytest.mark.parametrize("value", [True, False])
def test_a_bit_is_not_a_measured_value(sense: Sense, value: bool) -> None:
    assert judge(sense, value, NORMAL) is TROUBLE


@pytest.mark.parametrize("value", [0, 1, 0.0, 1.0])
def test_a_number_is_not_a_contact(value: float) -> None:
    assert judge(ContactSense(alarm_when=False), value, NORMAL) is TROUBLE


def test_a_contact_alarms_on_the_side_that_the_wiring_says() -> None:
    assert judge(ContactSense(alarm_when=True), True, NORMAL) is ALARM
    assert judge(ContactSense(alarm_when=False), False, NORMAL) is ALARM
    assert judge(ContactSense(alarm_when=False), True, NORMAL) is NORMAL


@given(st.floats(-100, 100), st.sampled_from([NORMAL, ALARM]))
def test_a_limit_returns_only_past_its_hysteresis(value: float, before: Condition) -> None:
    outside = value < 5.0 or value > 45.0
    near = value < 7.0 or value > 43.0
    assert judge(HOT, value, before) is (ALARM if outside or (near and before is ALARM) else NORMAL)


def test_a_nonsense_value_in_between_does_not_make_a_limit_forget_its_hysteresis() -> None:
    here = Sensing.one(Role.TEMPERATURE, HOT)
    assert said(here.steady(46.0, 31)) == TOLD
    here.steady(math.nan, 0.5)
    assert RESTORED[0] not in said(here.steady(44.0, 120))


def test_an_unlisted_word_is_trouble_and_never_normal() -> None:
    here = Sensing.one(Role.FIRE, PANEL)
    here.steady("ready", 5)
    assert said(here.steady("Ready", 5)) == FAULTY
    assert here.view().condition is TROUBLE


# --- Delays ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.HOLD_UP, Role.DURESS, Role.PANIC, Role.FIRE, Role.CALL_POINT])
def test_the_first_trustworthy_read_of_a_hold_up_is_told_in_the_same_call(role: Role) -> None:
    here = Sensing.one(role)
    here.steady(False, 1)
    assert said(here.read(True)) == TOLD


def test_a_hold_up_is_told_even_when_the_reading_is_a_little_ahead_of_the_caller() -> None:
    here = Sensing.one(Role.HOLD_UP)
    here.steady(False, 1)
    ahead = Reading("d.z", True, Quality.GOOD, here.now + 0.05)
    assert said(here.detector.feed([ahead], here.now)) == TOLD


def test_a_button_that_was_let_go_within_one_reply_is_told() -> None:
    here = Sensing.one(Role.HOLD_UP)
    both = [Reading("d.z", value, Quality.GOOD, here.now) for value in (True, False)]
    assert said(here.detector.feed(both, here.now)) == TOLD


def test_a_door_that_shakes_for_a_moment_is_not_told_and_one_that_opens_is() -> None:
    here = Sensing.one(Role.INTRUSION)
    here.steady(False, 1)
    assert not here.read(True)
    here.now += 0.2
    assert not here.read(False)
    assert not here.wait(2, reading={"d.z": False})
    assert not here.read(True)
    assert said(here.wait(0.5, reading={"d.z": True}, each=0.1)) == TOLD


@pytest.mark.parametrize("role", sorted(role for role in Role if ROLES[role].on_delay_s > 0))
def test_every_delay_is_kept_to_the_tick(role: Role) -> None:
    here = Sensing.one(role)
    delay = ROLES[role].on_delay_s
    here.steady(False, 1)
    here.read(True)
    assert not here.wait(delay - 0.05, reading={"d.z": True}, each=0.05)
    assert said(here.wait(0.1, reading={"d.z": True}, each=0.05)) == TOLD


def test_normal_must_stand_before_it_is_told() -> None:
    here = Sensing.one(Role.MAINS)
    assert said(here.steady(True, 11)) == TOLD
    assert not here.steady(False, 9)
    assert not here.steady(True, 1)
    assert not here.steady(False, 9.5)
    assert said(here.steady(False, 1)) == RESTORED


def test_a_zone_that_fell_silent_is_not_restored_by_its_last_word() -> None:
    here = Sensing.one(Role.MAINS)
    here.steady(True, 11)
    here.read(False)
    assert RESTORED[0] not in said(here.wait(60))
    assert here.view().condition is not NORMAL
    assert RESTORED[0] in said(here.steady(False, 11))


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.1, 0.25, 1.0, 3.0, 9.0])), max_size=40))
def test_a_hold_up_yields_exactly_one_alarm_for_each_activation(presses: list[tuple[bool, float]]) -> None:
    here = Sensing.one(Role.HOLD_UP)
    told = 0
    active = False
    for pressed, seconds in presses:
        signals = said(here.read(pressed))
        assert signals.count(TOLD[0]) == (1 if pressed and not active else 0), "told in the call that read it"
        active = active or pressed
        later = said(here.steady(pressed, seconds))
        told += signals.count(TOLD[0])
        assert TOLD[0] not in later
        if RESTORED[0] in later:
            active = False
    assert told <= len(presses)


# --- Age -------------------------------------------------------------------------------------------------------------


def test_before_the_first_read_nothing_is_normal() -> None:
    assert Sensing.one(Role.HOLD_UP).view().condition is UNKNOWN


def test_a_zone_that_is_not_heard_of_is_unknown_and_then_told() -> None:
    here = beside()
    here.wait(2, reading={"d.z": False, "d.alive": False})
    signals = here.wait(3.5, reading={"d.alive": False})
    assert here.view().condition is UNKNOWN
    assert here.view().unknown
    assert not signals, "a little later than unknown, so that a dead device can speak for it"
    (signal,) = here.wait(1, reading={"d.alive": False})
    assert (signal.subject, signal.condition, signal.reason) == ("zone:z", TROUBLE, "silent")
    assert (signal.event, signal.severity) == (373, Severity.HIGH)
    assert said(here.wait(1, reading={"d.z": False, "d.alive": False})) == MENDED


def test_a_failed_read_says_why() -> None:
    here = beside()
    here.wait(2, reading={"d.z": False, "d.alive": False})
    here.fail(reason=Failure.RANGE)
    (signal,) = here.wait(6, reading={"d.alive": False})
    assert signal.reason == Failure.RANGE
    assert here.view().reason == Failure.RANGE


def test_why_a_read_failed_long_ago_is_not_why_it_is_silent_now() -> None:
    here = beside()
    here.fail(reason=Failure.RANGE)
    here.wait(2, reading={"d.z": False, "d.alive": False})
    (signal,) = here.wait(6, reading={"d.alive": False})
    assert signal.reason == "silent"


@given(
    sense=st.sampled_from(SENSES),
    role=st.sampled_from([Role.HOLD_UP, Role.SMOKE, Role.INTRUSION, Role.MAINS, Role.TEMPERATURE]),
    steps=st.lists(
        st.tuples(
            st.sampled_from([None, True, False, 0.0, 5.0, 8.5, 46.0, math.nan, "ready", "fire", "?", Failure.NO_REPLY]),
            st.sampled_from([0.0, 0.3, 1.0, 2.9, 4.0, 30.0]),
        ),
        max_size=40,
    ),
)
def test_whatever_is_read_nothing_old_or_senseless_is_shown_as_normal(
    sense: Sense, role: Role, steps: list[tuple[Value | Failure | None, float]]
) -> None:
    here = Sensing.one(role, sense)
    last: Value | None = None
    heard = -math.inf
    trouble, alarm = False, False
    for value, seconds in steps:
        signals = []
        if isinstance(value, Failure):
            signals += here.fail(reason=value)
        elif value is not None:
            signals += here.read(value)
            last, heard = value, here.now
        signals += here.wait(seconds)
        for signal in signals:
            if signal.subject == "zone:z" and signal.of is TROUBLE:
                assert (signal.condition is TROUBLE) is not trouble, "troubles and their ends alternate"
                trouble = not trouble
            elif signal.subject == "zone:z":
                assert (signal.condition is ALARM) is not alarm, "alarms and their ends alternate"
                alarm = not alarm
        view = here.view()
        if view.condition is NORMAL:
            assert here.now - heard <= view.zone.stale_after_s
            assert last is not None
            assert judge(sense, last, NORMAL) is NORMAL or view.active, "in alarm, but not yet for long enough"
            assert not trouble
            assert not alarm


@pytest.mark.parametrize(("first", "then"), [(True, 1), (False, 0), (True, 1.0)])
def test_a_point_that_changes_its_kind_of_value_is_noticed(first: bool, then: float) -> None:
    here = Sensing.one(Role.HOLD_UP, ContactSense(alarm_when=not first))
    here.steady(first, 2)
    assert here.view().condition is NORMAL
    assert said(here.steady(then, 2)) == FAULTY
    assert said(here.steady(first, 2)) == MENDED


def test_a_reading_that_comes_late_does_not_make_the_zone_older() -> None:
    here = Sensing.one(Role.HOLD_UP)
    here.steady(False, 10)
    late = Reading("d.z", False, Quality.GOOD, here.now - 8)
    here.detector.feed([late], here.now)
    assert here.view().condition is NORMAL


# --- Restarts --------------------------------------------------------------------------------------------------------


def test_a_zone_in_alarm_at_first_boot_is_told() -> None:
    assert said(Sensing.one(Role.HOLD_UP).read(True)) == TOLD


def test_one_that_was_told_before_a_restart_is_not_told_again_and_shows_still_active() -> None:
    here = Sensing.one(Role.HOLD_UP, alarm=ALARM)
    assert not here.steady(True, 10)
    assert here.view().condition is ALARM
    assert here.view().active


def test_one_that_went_back_while_the_daemon_was_down_is_restored() -> None:
    here = Sensing.one(Role.HOLD_UP, alarm=ALARM)
    assert said(here.steady(False, 5)) == RESTORED
    assert said(here.read(True)) == TOLD


def test_a_zone_that_was_told_before_a_restart_is_not_shown_as_normal_before_it_is_read() -> None:
    here = Sensing.one(Role.HOLD_UP, alarm=ALARM)
    assert here.view().condition is ALARM


def test_a_trouble_that_stood_before_a_restart_is_told_when_it_is_over_and_only_then() -> None:
    here = Sensing.one(Role.FIRE, EOL, trouble=TROUBLE)
    assert not here.wait(0.5)
    assert not here.steady(0.0, 10), "still cut: nothing new"
    assert said(here.steady(5.0, 2)) == MENDED


def test_a_restart_tells_nothing_when_nothing_changed() -> None:
    here = Sensing.one(Role.MAINS, alarm=ALARM, trouble=NORMAL)
    assert not here.steady(True, 100)


def test_points_that_no_zone_watches_are_taken_in_peace() -> None:
    here = Sensing.one(Role.FIRE)
    assert not here.read(5.0, "d.battery_v")
    assert not here.read(5.0, "stranger.x")
    assert not here.fail("stranger.x")
    assert isinstance(here.detector, Detector)


# --- Panels that speak only of changes --------------------------------------------------------------------------------

SAYS = StateSense((("normal", NORMAL), ("alarm", ALARM), ("trouble", TROUBLE), ("bypassed", TROUBLE)))


def held(branch: Sensing) -> list[Signal]:
    """The panel is there, and has told no change."""
    return branch.detector.feed([Reading("d.z", None, Quality.HELD, branch.now)], branch.now)


def again(branch: Sensing, value: str) -> list[Signal]:
    """The panel tells the same once more, and means a new activation."""
    return branch.detector.feed([Reading("d.z", value, Quality.GOOD, branch.now, again=True)], branch.now)


def test_what_a_panel_called_faulty_before_a_restart_is_not_mended_by_its_heartbeat() -> None:
    branch = Sensing.one(Role.HOLD_UP, SAYS, trouble=TROUBLE)
    assert said(held(branch)) == []
    assert said(branch.wait(1.5)) == []
    assert branch.view().condition is TROUBLE
    assert said(branch.read("normal")) == MENDED


def test_an_alarm_before_a_restart_stands_through_heartbeats_and_ends_with_its_restore() -> None:
    branch = Sensing.one(Role.INTRUSION, SAYS, alarm=ALARM)
    assert said(held(branch)) == []
    assert branch.view().condition is ALARM
    assert said(branch.steady("normal", 6.0)) == RESTORED


def test_a_second_press_is_told_though_the_first_still_stands() -> None:
    branch = Sensing.one(Role.HOLD_UP, SAYS)
    assert said(again(branch, "alarm")) == TOLD  # once, not twice
    assert said(branch.read("alarm")) == []
    assert said(again(branch, "alarm")) == TOLD


def test_a_second_activation_is_told_though_the_alarm_is_from_before_the_restart() -> None:
    branch = Sensing.one(Role.HOLD_UP, SAYS, alarm=ALARM)
    held(branch)
    assert said(again(branch, "alarm")) == TOLD


@pytest.mark.parametrize("value", ["normal", "trouble"])
def test_what_is_no_alarm_is_no_second_activation(value: str) -> None:
    branch = Sensing.one(Role.HOLD_UP, SAYS, alarm=ALARM)
    assert said(again(branch, value)) == []


@pytest.mark.parametrize(
    ("value", "reason"), [("bypassed", "bypassed"), ("trouble 380", "trouble"), ("?", "senseless-value")]
)
def test_the_panels_own_word_says_why_a_zone_cannot_be_believed(value: str, reason: str) -> None:
    branch = Sensing.one(Role.INTRUSION, SAYS)
    branch.read(value)
    assert [one.reason for one in branch.wait(2.0)] == [reason]


def test_the_word_alone_decides_whatever_detail_follows_it() -> None:
    assert judge(SAYS, "alarm 5,7", NORMAL) is ALARM
    assert judge(SAYS, "normal since 04:12", ALARM) is NORMAL
    assert judge(SAYS, "alarming", NORMAL) is TROUBLE


@pytest.mark.parametrize("stood", [NORMAL, ALARM])
def test_a_point_that_is_held_is_as_it_was_and_unknown_as_soon_as_nobody_holds_it(stood: Condition) -> None:
    branch = Sensing.one(Role.HOLD_UP, SAYS, alarm=stood)
    assert branch.view().unknown
    assert said(held(branch)) == []
    assert (branch.view().condition, branch.view().unknown) == (stood, False)
    branch.wait(100.0)
    assert branch.view().unknown


def test_what_a_device_cannot_say_is_unknown_and_no_incident() -> None:
    cannot, alive = zone("z", Role.CAMERA_VIDEO, SAYS, point="d.z"), zone("alive", Role.DISK, point="d.alive")
    branch = Sensing((cannot, alive))
    told = []
    for _ in range(60):
        told += branch.fail(reason=Failure.UNSUPPORTED)
        told += branch.wait(5.0, reading={"d.alive": False})
    assert said(told) == []
    assert (branch.view().condition, branch.view().reason) == (UNKNOWN, "unsupported")
