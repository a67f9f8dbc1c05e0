"""Who speaks only of changes: a sign of life changes nothing, and what cannot be said is neither broken nor fine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.detect import Detector
from sentinel.core.model import Condition, Failure, Quality, Reading, Role, Severity, StateSense
from tests.core.sensing import Sensing, device, said, zone

if TYPE_CHECKING:
    from sentinel.core.signal import Signal

NORMAL, ALARM, TROUBLE = Condition.NORMAL, Condition.ALARM, Condition.TROUBLE
SAYS = StateSense((("normal", NORMAL), ("alarm", ALARM)))
EVERY_S = 2.0  # a sign of life; fewer seconds than the zones of these tests wait


def hold(branch: Sensing, point: str = "d.z") -> list[Signal]:
    return branch.detector.feed([Reading(point, None, Quality.HELD, branch.now)], branch.now)


def press(branch: Sensing, value: str = "alarm") -> list[Signal]:
    """The panel says it by itself."""
    return branch.detector.feed([Reading("d.z", value, Quality.GOOD, branch.now)], branch.now, sudden=True)


@given(
    st.sampled_from([Role.HOLD_UP, Role.FIRE, Role.INTRUSION, Role.MAINS]),
    st.lists(st.tuples(st.sampled_from(["normal", "alarm"]), st.integers(0, 5)), max_size=20),
)
def test_signs_of_life_between_its_words_change_nothing_that_is_told(role: Role, words: list[tuple[str, int]]) -> None:
    """The same words with and without the signs of life between them, as long as nothing grows too old."""
    holding, silent = Sensing.one(role, SAYS), Sensing.one(role, SAYS)
    told: dict[str, list[tuple[str, Condition, Condition]]] = {"holding": [], "silent": []}
    for word, beats in words:
        told["holding"] += said(holding.read(word))
        told["silent"] += said(silent.read(word))
        for _ in range(beats):
            for name, branch in (("holding", holding), ("silent", silent)):
                again = hold(branch) if name == "holding" else branch.read(word)
                told[name] += said(again) + said(branch.wait(EVERY_S))
    assert told["holding"] == told["silent"]


def test_signs_of_life_keep_a_panel_and_its_zones_alive() -> None:
    branch = Sensing.one(Role.HOLD_UP, SAYS)
    told = []
    for _ in range(100):
        told += hold(branch) + branch.wait(EVERY_S)
    assert said(told) == []
    assert not branch.view().unknown


@pytest.mark.parametrize("reason", [Failure.NO_REPLY, Failure.REFUSED, Failure.CREDENTIAL, Failure.UNSUPPORTED])
def test_what_a_device_said_once_and_says_no_more_is_told(reason: Failure) -> None:
    """Somebody took a right from the gateway's account: nobody watches the disk any more."""
    disk, alive = zone("z", Role.DISK, SAYS, point="d.z"), zone("alive", Role.DISK, point="d.alive")
    branch = Sensing((disk, alive))
    branch.read("normal")
    told = []
    for _ in range(60):
        told += branch.fail(reason=reason)
        told += branch.wait(5.0, reading={"d.alive": False})
    assert said(told) == [("zone:z", TROUBLE, TROUBLE)]
    assert [one.reason for one in told] == [reason]


def test_a_recorder_that_is_dead_is_high_and_hides_its_cameras() -> None:
    cameras = tuple(zone(f"cam{n}", Role.CAMERA_VIDEO, SAYS, point=f"dvr.cam{n}") for n in range(32))
    itself = zone("identity", Role.RECORDER, SAYS, point="dvr.identity")
    branch = Sensing((itself, *cameras), (device("dvr", "lan", itself, *cameras),))
    branch.read("normal", "dvr.identity")
    branch.fail("dvr.identity", reason=Failure.NOT_CONNECTED)
    told = branch.wait(60.0)
    assert [(one.subject, one.severity, one.reason) for one in told] == [
        ("link:lan", Severity.HIGH, Failure.NOT_CONNECTED)
    ]
    assert set(told[0].hides) == {"identity", *(one.id for one in cameras)}
    assert all(branch.view(one.id).unknown for one in cameras)


# --- What nobody in the branch may see (rule 6) -----------------------------------------------------------------------


def test_a_press_that_comes_by_itself_lets_no_age_begin_anew() -> None:
    branch = Sensing.one(Role.HOLD_UP, SAYS)
    hold(branch)
    branch.wait(1.0)
    ages = branch.view().age_s, branch.detector.devices(branch.now)[0].age_s
    assert [one.condition for one in press(branch)] == [ALARM]
    assert (branch.view().age_s, branch.detector.devices(branch.now)[0].age_s) == ages
    hold(branch)
    assert branch.view().age_s == 0.0


def test_neither_a_repetition_nor_the_end_of_a_press_lets_an_age_begin_anew() -> None:
    branch = Sensing.one(Role.HOLD_UP, SAYS)
    hold(branch)
    for word in ("alarm", "alarm", "normal", "normal"):
        branch.wait(1.0)
        press(branch, word)
    assert (branch.view().age_s, branch.detector.devices(branch.now)[0].age_s) == (4.0, 4.0)


def test_a_press_before_the_first_sign_of_life_is_told_and_leaves_the_button_unknown() -> None:
    branch = Sensing.one(Role.HOLD_UP, SAYS)
    branch.fail()
    before = branch.view()
    assert [one.condition for one in press(branch)] == [ALARM]
    assert (branch.view().unknown, branch.view().reason) == (before.unknown, before.reason) == (True, "no-reply")
    hold(branch)
    assert not branch.view().unknown


def test_a_press_ends_no_fault_and_its_end_leaves_it() -> None:
    states = StateSense((("normal", NORMAL), ("alarm", ALARM), ("trouble", TROUBLE)))
    branch = Sensing.one(Role.HOLD_UP, states)
    press(branch, "trouble")
    hold(branch)
    assert said(branch.wait(2.0)) == [("zone:z", TROUBLE, TROUBLE)]
    assert said(press(branch, "alarm") + hold(branch) + branch.wait(2.0)) == [("zone:z", ALARM, ALARM)]
    assert branch.view().reason == "trouble"
    assert not said(press(branch, "trouble") + hold(branch) + branch.wait(2.0))
    assert branch.view().reason == "trouble"
    assert said(press(branch, "normal")) == [("zone:z", NORMAL, TROUBLE)]


def test_a_fire_that_comes_by_itself_is_heard_of_just_now() -> None:
    branch = Sensing.one(Role.FIRE, SAYS)
    hold(branch)
    branch.wait(1.0)
    press(branch)
    assert branch.view().age_s == 0.0


# --- What an acknowledgement waits for --------------------------------------------------------------------------------


def test_an_alarm_is_undecided_until_its_delay_is_over_and_its_end_is_waited_for_by_nobody() -> None:
    branch = Sensing.one(Role.MAINS, SAYS)  # ten seconds
    branch.read("alarm")
    assert branch.detector.undecided({"d.z", "d.nothing"})
    assert said(branch.steady("alarm", 11.0)) == [("zone:z", ALARM, ALARM)]
    assert not branch.detector.undecided({"d.z"})
    branch.read("normal")
    assert not branch.detector.undecided({"d.z"})


def test_what_flaps_is_decided_for_its_trouble_was_told() -> None:
    branch = Sensing.one(Role.INTRUSION, SAYS)
    told = []
    for n in range(60):
        told += branch.read("alarm" if n % 2 else "normal") + branch.wait(1.0)
    assert "flapping" in {one.reason for one in told}
    assert not branch.detector.undecided({"d.z"})


def test_a_sign_of_life_says_nothing_where_nobody_knows_what_stood_before() -> None:
    branch = Sensing.one(Role.INTRUSION, SAYS)
    one = branch.zones[0]
    branch.detector = Detector((one,), (device("d", "line", one),), {}, branch.now, blind=True)
    assert said(hold(branch) + branch.wait(2.0)) == []
    assert (branch.view().condition, branch.view().unknown) == (Condition.UNKNOWN, True)
    press(branch, "normal")
    assert branch.view().condition is NORMAL
