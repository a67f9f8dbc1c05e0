"""A dead line is one thing to mend, not forty; and none of what is behind it reads normal."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.model import Condition, Failure, Role, Severity
from tests.core.sensing import Sensing, device, said, zone

NORMAL, TROUBLE, UNKNOWN = Condition.NORMAL, Condition.TROUBLE, Condition.UNKNOWN
NAMES = ("a", "b", "c")
ROLES_OF = {"a": Role.HOLD_UP, "b": Role.INTRUSION, "c": Role.MAINS}


def bus(**conditions: Condition) -> Sensing:
    """Three devices on one line, twelve zones each; only device a has critical ones. `b` is read more slowly."""
    zones = {
        name: [
            zone(
                f"{name}{n}",
                ROLES_OF[name],
                point=f"{name}.{n}",
                stale_after_s=3.6 if name == "b" else 3.0 if n else 20.0,
            )
            for n in range(12)
        ]
        for name in NAMES
    }
    return Sensing(
        tuple(one for group in zones.values() for one in group),
        tuple(device(name, "bus", *zones[name]) for name in NAMES),
        {f"{kind}:{name}/trouble": TROUBLE for kind_name in conditions for kind, name in [kind_name.split("_")]},
    )


def points(*names: str) -> dict[str, bool]:
    """All points of these devices, quiet."""
    return {f"{name}.{n}": False for name in names for n in range(12)}


def told(here: Sensing, seconds: float, *alive: str, failing: tuple[str, ...] = ()) -> list[tuple[str, Condition]]:
    """What is said while only these devices are read; the folded ones apart."""
    signals = []
    for _ in range(int(seconds * 4)):
        for name in failing:
            here.fail(*points(name))
        signals += here.wait(0.25, reading=points(*alive))
    return [(one.subject, one.condition) for one in signals if not one.folded]


def conditions(here: Sensing, name: str) -> set[Condition]:
    """How the zones of a device read."""
    return {here.view(f"{name}{n}").condition for n in range(12)}


def test_a_quiet_bus_says_nothing() -> None:
    here = bus()
    assert told(here, 60, *NAMES) == []
    assert conditions(here, "a") == conditions(here, "b") == {NORMAL}


@pytest.mark.parametrize("failing", [(), NAMES])
def test_a_dead_line_is_one_signal_and_none_of_its_points_reads_normal(failing: tuple[str, ...]) -> None:
    here = bus()
    told(here, 5, *NAMES)
    assert told(here, 60, failing=failing) == [("link:bus", TROUBLE)]
    for name in NAMES:
        assert conditions(here, name) == {UNKNOWN}


def test_the_dead_line_says_what_nobody_can_know_and_how_bad_that_is() -> None:
    here = bus()
    told(here, 5, *NAMES)
    here.fail("a.0", "b.0", "c.0", reason=Failure.NOT_CONNECTED)
    signals = here.wait(60)
    (line,) = [one for one in signals if one.subject == "link:bus"]
    assert len(line.hides) == 36
    assert line.severity is Severity.HIGH
    assert line.reason == Failure.NOT_CONNECTED


@pytest.mark.parametrize(("name", "severity"), [("a", Severity.HIGH), ("b", Severity.FAULT)])
def test_one_dead_device_is_one_signal_high_when_critical_points_are_behind_it(name: str, severity: Severity) -> None:
    here = bus()
    told(here, 5, *NAMES)
    others = [other for other in NAMES if other != name]
    signals = here.wait(60, reading=points(*others))
    assert [(one.subject, one.condition, one.severity, len(one.hides)) for one in signals] == [
        (f"device:{name}", TROUBLE, severity, 12)
    ]
    assert conditions(here, name) == {UNKNOWN}
    assert conditions(here, others[0]) == {NORMAL}


def test_a_dead_device_takes_its_slowest_zones_with_it() -> None:
    here = bus()
    told(here, 5, *NAMES)
    told(here, 5, "b", "c")
    assert here.view("a0").condition is UNKNOWN, "though its own value would be young enough for 20 seconds"


@pytest.mark.parametrize("order", list(permutations(NAMES)))
@pytest.mark.parametrize("apart_s", [0.5, 30.0])
def test_in_whatever_order_they_die_in_the_end_it_is_the_line(order: tuple[str, ...], apart_s: float) -> None:
    here = bus()
    told(here, 5, *NAMES)
    open_troubles: set[str] = set()
    alive = list(NAMES)
    for name in order:
        alive.remove(name)
        for signal in here.wait(apart_s, reading=points(*alive)):
            (open_troubles.add if signal.condition is TROUBLE else open_troubles.remove)(signal.subject)
    for signal in here.wait(60):
        (open_troubles.add if signal.condition is TROUBLE else open_troubles.remove)(signal.subject)
    assert open_troubles == {"link:bus"}


def test_what_the_line_took_over_is_not_told_as_mended() -> None:
    here = bus()
    told(here, 5, *NAMES)
    assert told(here, 30, "b", "c") == [("device:a", TROUBLE)]
    signals = here.wait(30)
    assert said(signals) == [("link:bus", TROUBLE, TROUBLE), ("device:a", NORMAL, TROUBLE)]
    assert [one.folded for one in signals] == [False, True]
    assert signals[1].reason == "link:bus"


def test_an_adapter_that_is_pulled_out_is_one_thing_however_patient_each_device_is() -> None:
    patient = zone("p", Role.BATTERY, point="p.1", stale_after_s=25.0)
    urgent = zone("u", Role.HOLD_UP, point="u.1", stale_after_s=3.0)
    here = Sensing((patient, urgent), (device("p", "bus", patient), device("u", "bus", urgent)))
    here.wait(5, reading={"p.1": False, "u.1": False})
    here.fail("p.1", "u.1", reason=Failure.NOT_CONNECTED)
    assert said(here.wait(60)) == [("link:bus", TROUBLE, TROUBLE)]
    here.fail("p.1", reason=Failure.NO_REPLY)
    assert said(here.wait(60)) == [], "dead by now, whatever its last read says"
    assert said(here.wait(60, reading={"p.1": False, "u.1": False})) == [("link:bus", NORMAL, TROUBLE)]


def test_an_adapter_that_is_back_before_its_patient_device_is_dead_is_back() -> None:
    patient = zone("p", Role.BATTERY, point="p.1", stale_after_s=25.0)
    urgent = zone("u", Role.HOLD_UP, point="u.1", stale_after_s=3.0)
    here = Sensing((patient, urgent), (device("p", "bus", patient), device("u", "bus", urgent)))
    here.wait(5, reading={"p.1": False, "u.1": False})
    here.fail("p.1", "u.1", reason=Failure.NOT_CONNECTED)
    assert said(here.wait(10)) == [("link:bus", TROUBLE, TROUBLE)]
    assert here.view("p").condition is UNKNOWN, "its value is young, but the line's trouble says that nobody knows"
    assert said(here.wait(1, reading={"u.1": False})) == [("link:bus", NORMAL, TROUBLE)]
    assert said(here.wait(60, reading={"p.1": False, "u.1": False})) == []


def test_when_the_line_is_back_one_thing_is_told() -> None:
    here = bus()
    told(here, 5, *NAMES)
    told(here, 60)
    assert told(here, 60, *NAMES) == [("link:bus", NORMAL)]
    assert conditions(here, "a") == {NORMAL}


def test_when_the_line_is_back_its_devices_get_the_time_to_come_one_by_one() -> None:
    here = bus()
    told(here, 5, *NAMES)
    told(here, 60)
    assert told(here, 2, "a") == [("link:bus", NORMAL)]
    assert conditions(here, "b") == {UNKNOWN}
    assert told(here, 2, "a", "c") == []
    assert told(here, 60, *NAMES) == []


def test_when_the_line_is_back_without_one_device_that_one_is_told() -> None:
    here = bus()
    told(here, 5, *NAMES)
    told(here, 60)
    assert told(here, 60, "a", "b") == [("link:bus", NORMAL), ("device:c", TROUBLE)]
    assert told(here, 60, *NAMES) == [("device:c", NORMAL)]


def test_when_a_device_is_back_its_zones_get_the_time_to_be_read_one_by_one() -> None:
    here = bus()
    told(here, 5, *NAMES)
    told(here, 60, "b", "c")
    some = {point: False for point in points("a", "b", "c") if point != "a.5"}
    signals = here.wait(2, reading=some)
    assert said(signals) == [("device:a", NORMAL, TROUBLE)]
    assert here.view("a5").condition is UNKNOWN
    assert said(here.wait(10, reading=some)) == [("zone:a5", TROUBLE, TROUBLE)]


def test_a_poller_that_hangs_is_noticed_by_the_passing_of_time() -> None:
    here = bus()
    told(here, 5, *NAMES)
    here.now += 3600
    signals = here.wait(10)
    assert [(one.subject, one.condition) for one in signals if not one.folded] == [("link:bus", TROUBLE)]


def test_a_line_with_one_device_is_to_blame_only_when_it_says_so() -> None:
    alone = Sensing.one(Role.FIRE)
    alone.steady(False, 5)
    alone.fail(reason=Failure.NO_REPLY)
    assert said(alone.wait(20)) == [("device:d", TROUBLE, TROUBLE)]
    alone.fail(reason=Failure.NOT_CONNECTED)
    assert said(alone.wait(20)) == [("link:line-d", TROUBLE, TROUBLE), ("device:d", NORMAL, TROUBLE)]
    assert [s for s in said(alone.steady(False, 20)) if s[0] != "zone:z"] == [("link:line-d", NORMAL, TROUBLE)]


def test_a_line_that_was_unplugged_last_week_is_not_blamed_for_a_device_that_hangs_today() -> None:
    alone = Sensing.one(Role.FIRE)
    alone.fail(reason=Failure.NOT_CONNECTED)
    alone.steady(False, 5)
    assert said(alone.wait(20)) == [("device:d", TROUBLE, TROUBLE)]


@pytest.mark.parametrize("known", ["link_bus", "device_a"])
def test_a_trouble_that_stood_before_a_restart_is_told_once_and_ends_once(known: str) -> None:
    here = bus(**{known: TROUBLE})
    alive = ("b", "c") if known == "device_a" else ()
    assert told(here, 60, *alive) == []
    assert conditions(here, "a") == {UNKNOWN}
    assert told(here, 60, *NAMES) == [(known.replace("_", ":"), NORMAL)]


def test_a_device_is_shown_as_unheard_of_then_up_then_down_with_why_and_for_how_long() -> None:
    here = bus()

    def shown() -> list[tuple[bool | None, float, str]]:
        return [(one.up, round(one.age_s, 1), one.reason) for one in here.detector.devices(here.now)]

    assert shown() == [(None, 0.0, "")] * 3
    told(here, 2, *NAMES)
    assert shown() == [(True, 0.0, "")] * 3
    told(here, 20, "a", "b", failing=("c",))
    assert shown()[:2] == [(True, 0.0, "")] * 2
    assert shown()[2] == (False, 20.0, "no-reply")
    told(here, 1, *NAMES)
    assert shown() == [(True, 0.0, "")] * 3


def test_from_the_first_second_nothing_that_was_never_read_is_normal() -> None:
    here = bus()
    assert {here.view(f"{name}{n}").condition for name in NAMES for n in range(12)} == {UNKNOWN}
    assert told(here, 60) == [("link:bus", TROUBLE)]


@given(
    st.lists(
        st.tuples(st.sets(st.sampled_from(NAMES)), st.booleans(), st.sampled_from([0.5, 2.0, 4.0, 12.0])), max_size=15
    )
)
def test_through_any_outage_nothing_dead_reads_normal_and_every_trouble_ends(
    outages: list[tuple[set[str], bool, float]],
) -> None:
    here = bus()
    standing: set[str] = set()
    for alive, failing, seconds in [*outages, (set(NAMES), False, 30.0)]:
        for _ in range(int(seconds * 2)):
            if failing:
                for name in set(NAMES) - alive:
                    here.fail(*points(name))
            for signal in here.wait(0.5, reading=points(*alive), each=0.5):
                if signal.condition is TROUBLE:
                    assert signal.subject not in standing, "told twice"
                    standing.add(signal.subject)
                else:
                    standing.remove(signal.subject)
            for view in here.detector.view(here.now):
                owner = view.zone.point[0]
                if view.condition is NORMAL:
                    assert f"device:{owner}" not in standing
                    assert "link:bus" not in standing
                    assert view.age_s <= view.zone.stale_after_s
    assert standing == set()
    assert {view.condition for view in here.detector.view(here.now)} == {NORMAL}
