"""Which point an event of a panel belongs to: nothing is lost, nothing is told as less than it is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers.panel import (
    MOMENT_S,
    MOST_SOURCES,
    REPEAT_S,
    Event,
    Panel,
    PanelOptions,
    Status,
    described,
)
from drivers.panel_codes import CATCH_ALLS, Kind, kind
from sentinel.core.codes import ROLES, is_critical
from sentinel.core.detect import judge
from sentinel.core.model import Condition, Quality, Reading, StateSense

NAME = {"hi": "बटन", "en": "button"}
CRITICAL = {role for role in ROLES if is_critical(role)}
EVENTS = st.builds(Event, st.integers(100, 999), st.sampled_from(Status), st.integers(0, 9), st.integers(0, 30))


def options(**points: dict[str, Any]) -> PanelOptions:
    return PanelOptions.model_validate(
        {"driver": "x", "points": {id_.replace("_", "-"): {"name": NAME, **one} for id_, one in points.items()}}
    )


MAPPED = options(
    counter={"zone": 2, "role": "hold-up"},
    door={"zone": 5, "role": "intrusion"},
    hall={"zone": 7, "role": "smoke"},
    power={"event": [301], "role": "mains"},
    keys={"event": [401, 403], "role": "opening"},
)


def said(readings: list[Reading]) -> dict[str, object]:
    return {reading.point.removeprefix("p."): reading.value for reading in readings}


@given(EVENTS, st.sampled_from([options(), MAPPED]))
def test_every_event_changes_some_point(event: Event, mapped: PanelOptions) -> None:
    readings = Panel("p", mapped).take(event, 1.0)
    assert readings
    assert all(reading.quality is Quality.GOOD for reading in readings)


@given(EVENTS)
def test_a_critical_event_is_an_alarm_at_a_critical_point_whatever_is_mapped(event: Event) -> None:
    role = CATCH_ALLS[kind(event.code)].role
    if role not in CRITICAL or event.status is Status.RESTORED:
        return
    roles = {one.id: one for one in described(MAPPED, 1.0)}
    found = [(roles[id_], word) for id_, word in said(Panel("p", MAPPED).take(event, 1.0)).items()]
    assert any(
        point.role in CRITICAL and judge(StateSense(point.means), str(word), Condition.NORMAL) is Condition.ALARM
        for point, word in found
    )


@given(EVENTS)
def test_a_silent_alarm_shows_at_no_point_that_sounds(event: Event) -> None:
    if kind(event.code) not in (Kind.HOLD_UP, Kind.DURESS):
        return
    roles = {one.id: one.role for one in described(MAPPED, 1.0)}
    for id_ in said(Panel("p", MAPPED).take(event, 1.0)):
        role = roles[id_]
        assert role is not None
        assert ROLES[role].silent


@given(st.lists(EVENTS, max_size=60))
def test_what_was_restored_for_each_zone_is_normal(events: list[Event]) -> None:
    panel = Panel("p", MAPPED)
    for event in events:
        panel.take(event, 1.0)
    for event in events:
        panel.take(Event(event.code, Status.RESTORED, event.partition, event.zone), 2.0)
    panel.tick(2.0 + MOMENT_S)
    words = said([one for one in panel.beat(2.0) if one.value is not None])
    del_ = {Kind.TEST, Kind.EVENT, Kind.ARMED, "keys"}
    assert {word for id_, word in words.items() if id_ not in del_} <= {"normal"}
    assert all(str(words.get(id_, "armed")).startswith("armed") for id_ in (Kind.ARMED, "keys"))


def test_a_point_is_held_until_this_run_knows_it() -> None:
    panel = Panel("p", options())
    assert {reading.quality for reading in panel.beat(1.0)} == {Quality.HELD}
    panel.take(Event(130, Status.NEW, 1, 5), 2.0)
    assert said([one for one in panel.beat(3.0) if one.quality is Quality.GOOD]) == {"other-burglary": "alarm 130/5"}


def test_the_same_button_after_a_while_is_a_new_press_and_within_seconds_a_repetition() -> None:
    panel, press = Panel("p", MAPPED), Event(122, Status.NEW, 1, 2)
    times = [0.0, 4.0, 8.0, 12.0, 12.0 + REPEAT_S + 1]
    assert [panel.take(press, at)[0].again for at in times] == [True, False, False, False, True]


def test_a_restore_under_a_neighbouring_code_is_a_restore() -> None:
    panel = Panel("p", options())
    panel.take(Event(131, Status.NEW, 1, 5), 1.0)
    assert said(panel.take(Event(130, Status.RESTORED, 1, 5), 2.0)) == {"other-burglary": "normal"}


def test_the_mains_come_back_and_the_battery_stays_low() -> None:
    panel = Panel("p", options())
    panel.take(Event(302, Status.NEW), 1.0)
    panel.take(Event(301, Status.NEW), 1.0)
    assert said(panel.take(Event(301, Status.RESTORED), 2.0)) == {"mains": "normal"}
    assert said(panel.beat(3.0))["battery"] == "alarm 302"


def test_what_has_no_restore_is_over_after_a_while() -> None:
    panel = Panel("p", options())
    panel.take(Event(306, Status.NEW), 1.0)
    assert panel.tick(1.0 + MOMENT_S - 1) == []
    assert said(panel.tick(1.0 + MOMENT_S)) == {"other-trouble": "normal"}


def test_a_thousand_zones_in_alarm_are_told_and_not_all_kept() -> None:
    panel = Panel("p", options())
    readings = [panel.take(Event(130, Status.NEW, 1, zone), 1.0)[0] for zone in range(1, 2 * MOST_SOURCES)]
    assert all(reading.again for reading in readings)
    assert len(str(readings[-1].value)) < 120
    assert len(panel._points[Kind.BURGLARY].sources) <= MOST_SOURCES + 1


@pytest.mark.parametrize(
    ("point", "remedy"),
    [
        ({"role": "intrusion"}, "say which events it takes"),
        ({"zone": 1, "role": "link"}, "nothing that a panel reports"),
        ({"zone": 1, "role": "summary"}, "nothing that a panel reports"),
        ({"event": [130, 122], "role": "intrusion"}, "122 is a hold-up"),
        ({"event": [121], "role": "smoke"}, "121 is a hold-up"),
        ({"event": [111], "role": "intrusion"}, "111 is a fire"),
        ({"event": [13], "role": "intrusion"}, "greater than or equal to 100"),
        ({"zone": 1, "role": "intrusion", "colour": "red"}, "Extra inputs"),
    ],
)
def test_an_entry_that_cannot_be_meant_is_refused(point: dict[str, Any], remedy: str) -> None:
    with pytest.raises(ValidationError, match=remedy):
        options(door=point)


def test_a_catch_alls_name_is_taken() -> None:
    with pytest.raises(ValidationError, match="choose another"):
        options(mains={"event": [301], "role": "mains"})


def test_every_class_has_a_point_and_every_point_a_name_in_both_languages() -> None:
    assert set(CATCH_ALLS) == set(Kind)
    assert {kind(code) for code in range(1000)} == set(Kind)
    assert all(one.name.hi != one.name.en for one in CATCH_ALLS.values())


@pytest.mark.parametrize("role", ["opening", "armed"])
@pytest.mark.parametrize("entry", [{"zone": 5}, {"zone": 5, "event": [130]}, {"event": [401, 380]}])
def test_an_alarm_of_a_doors_zone_cannot_be_written_down_as_its_opening(role: str, entry: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="openings and closings alone"):
        options(door={"role": role, **entry})
