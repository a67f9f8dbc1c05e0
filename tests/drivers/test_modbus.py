"""The Modbus driver: its questions, its readings, and when it stops believing a device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers import DRIVERS, DriverKind, driver
from drivers.modbus import ModbusDriver, ModbusOptions
from drivers.profile import profile_from, shipped
from sentinel.commands.profiles import load_profile
from sentinel.core.model import Failure, Quality, Reading
from sentinel.ports import Driver, Poll, Table, Words

if TYPE_CHECKING:
    from pathlib import Path

LIFE = {"table": "input", "address": 9, "within": "10s"}
BADGE = {"table": "holding", "address": 100, "equals": 42}
POINTS = [
    {"id": "alarm", "table": "discrete", "address": 0, "type": "bool"},
    {"id": "level", "table": "input", "address": 4, "type": "i16", "scale": 0.1, "limits": [-40, 80]},
]


def made(urgent: tuple[str, ...] = (), options: dict[str, Any] | None = None, **parts: Any) -> ModbusDriver:
    head = {"maker": "m", "model": "x", "summary": "s", "source": "the manual", "certainty": "high", "points": POINTS}
    return ModbusDriver("panel", profile_from({**head, **parts}), ModbusOptions(profile="x", **options or {}), urgent)


def poll_for(driver: ModbusDriver, point: str) -> Poll:
    return next(poll for poll in driver.plan() if f"panel.{point}" in poll.points)


def decoded(driver: ModbusDriver, point: str, words: Words, at: float = 0.0) -> Reading:
    readings = driver.decode(poll_for(driver, point), words, at)
    return next(reading for reading in readings if reading.point == f"panel.{point}")


def good(reading: Reading) -> bool:
    return reading.quality is Quality.GOOD and reading.value is not None and reading.reason is None


@pytest.mark.parametrize("name", shipped())
def test_every_point_of_a_shipped_profile_is_polled_once(name: str) -> None:
    profile = load_profile(name)
    one: Driver = ModbusDriver("d", profile, ModbusOptions(profile=name))
    polled = [point for poll in one.plan() for point in poll.points]
    assert len(polled) == len(set(polled))
    assert {f"d.{point.id}" for point in profile.points()} <= set(polled)
    assert one.plan() == one.plan()


@given(data=st.data(), name=st.sampled_from(shipped()))
def test_no_reply_of_the_right_length_makes_the_driver_raise(data: st.DataObject, name: str) -> None:
    one = ModbusDriver("d", load_profile(name), ModbusOptions(profile=name))
    for poll in one.plan():
        most = 1 if poll.request.table in (Table.COIL, Table.DISCRETE) else 65535
        count = poll.request.count
        words = tuple(data.draw(st.lists(st.integers(0, most), min_size=count, max_size=count)))
        readings = one.decode(poll, words, 7.0)
        assert [reading.point for reading in readings] == list(poll.points)
        for reading in readings:
            assert (reading.value is None) is (reading.quality is Quality.FAILED) is (reading.reason is not None)
            assert reading.at == 7.0


def test_the_fire_panels_zones_are_read_in_one_question() -> None:
    one = ModbusDriver("d", load_profile("honeywell-cgw-mb"), ModbusOptions(profile="p", counts={"zone": 64}))
    asked = [(p.request.address, p.request.count) for p in one.plan() if "d.zone1" in p.points]
    assert asked == [(8000, 64)]


def test_alarm_points_are_asked_fast_and_the_others_as_the_profile_says() -> None:
    one = made(urgent=("alarm",))
    assert (poll_for(one, "alarm").interval_s, poll_for(one, "alarm").urgent) == (0.1, True)
    assert (poll_for(one, "level").interval_s, poll_for(one, "level").urgent) == (1.0, False)


def test_the_operators_intervals_go_before_the_profiles() -> None:
    one = made(("alarm",), {"poll": {"alarm": "200ms", "other": "5s"}, "intervals": {"level": "30s"}})
    assert (poll_for(one, "alarm").interval_s, poll_for(one, "level").interval_s) == (0.2, 30)
    assert poll_for(made(options={"poll": {"other": "5s"}}), "level").interval_s == 5


def test_a_device_is_never_asked_more_often_than_it_bears() -> None:
    one = made(("alarm",), limits={"min_poll": "5s"}, vitality=LIFE)
    assert all(poll.interval_s >= 5 for poll in one.plan())


def test_a_zone_on_a_point_that_the_profile_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match=r"panel\.di9: x has no such point"):
        made(urgent=("di9",))
    with pytest.raises(ValueError, match=r"panel\.di9"):
        made(options={"intervals": {"di9": "1s"}})


@pytest.mark.parametrize(
    "options",
    [
        {"unit": 256},
        {"unit": -1},
        {"poll": {"alarm": "0s"}},
        {"pol": {}},
        {"counts": {"z": -1}},
        {"intervals": {"a": "x"}},
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ModbusOptions.model_validate({"profile": "x", **options})


def test_a_value_outside_its_limits_is_a_failure_and_its_neighbour_is_not() -> None:
    assert decoded(made(), "level", (235,)) == Reading("panel.level", 23.5, Quality.GOOD, 0.0)
    assert decoded(made(), "level", (801,)) == Reading("panel.level", None, Quality.FAILED, 0.0, Failure.RANGE)


def test_a_reply_of_the_wrong_length_is_nobodys_value() -> None:
    one = made()
    for words in ((), (1, 1)):
        assert decoded(one, "alarm", words).reason is Failure.BAD_REPLY


def test_the_same_words_again_give_the_same_values_at_the_new_time() -> None:
    one = made()
    first, again = decoded(one, "level", (235,), 1.0), decoded(one, "level", (235,), 2.0)
    assert (first.value, first.at, again.value, again.at) == (23.5, 1.0, 23.5, 2.0)
    assert decoded(one, "level", (236,), 3.0).value == 23.6
    assert decoded(one, "level", (235,), 4.0).value == 23.5


def test_the_device_is_asked_who_it_is_before_anything_else_and_urgently() -> None:
    first = made(("alarm",), identity=[BADGE]).plan()[0]
    assert first.points == ("panel.identity",)
    assert first.urgent


def test_until_a_device_has_proved_what_it_is_nothing_of_it_is_believed() -> None:
    one = made(identity=[BADGE])
    assert decoded(one, "alarm", (0,)).reason is Failure.IDENTITY
    assert good(decoded(one, "identity", (42,)))
    assert good(decoded(one, "alarm", (0,)))


def test_another_device_in_its_place_fails_all_points_at_once() -> None:
    one = made(identity=[BADGE])
    decoded(one, "identity", (42,))
    assert decoded(one, "identity", (41,)).reason is Failure.IDENTITY
    assert decoded(one, "alarm", (0,)).reason is Failure.IDENTITY
    assert decoded(one, "level", (235,)).reason is Failure.IDENTITY
    decoded(one, "identity", (42,))
    assert good(decoded(one, "alarm", (0,)))


def test_an_identity_that_merely_could_not_be_read_again_does_not_silence_an_alarm() -> None:
    one = made(identity=[BADGE])
    decoded(one, "identity", (42,), 0.0)
    assert decoded(one, "alarm", (1,), 3600.0).value is True


def test_all_of_several_identity_registers_must_be_right() -> None:
    one = made(identity=[BADGE, {"table": "input", "address": 50, "range": [1, 3]}])
    decoded(one, "identity", (42,))
    assert decoded(one, "alarm", (0,)).reason is Failure.IDENTITY
    decoded(one, "identity2", (3,))
    assert good(decoded(one, "alarm", (0,)))
    decoded(one, "identity2", (4,))
    assert decoded(one, "alarm", (0,)).reason is Failure.IDENTITY


def test_an_identity_register_beside_the_values_is_checked_with_every_reply() -> None:
    one = made(identity=[{"table": "input", "address": 5, "equals": 42}], limits={"max_gap": 1})
    (poll,) = [p for p in one.plan() if p.request.table is Table.INPUT and "panel.identity" in p.points]
    assert poll == one.plan()[0]


def test_a_sign_of_life_that_moves_is_a_reading_like_another() -> None:
    one = made(vitality=LIFE)
    for second in range(0, 60, 5):
        reading = decoded(one, "vitality", (second,), float(second))
        assert good(reading)
        assert reading.value == second
    assert good(decoded(one, "alarm", (0,), 60.0))


def test_a_frozen_gateway_is_found_and_none_of_its_points_reads_normal() -> None:
    one = made(vitality=LIFE)
    decoded(one, "vitality", (7,), 0.0)
    decoded(one, "vitality", (7,), 10.0)
    assert good(decoded(one, "alarm", (0,), 10.0))  # it may stand for ten seconds
    assert decoded(one, "vitality", (7,), 10.1).reason is Failure.STUCK
    assert decoded(one, "alarm", (0,), 10.2).reason is Failure.STUCK
    assert good(decoded(one, "vitality", (8,), 11.0))
    assert good(decoded(one, "alarm", (0,), 11.1))


def test_a_gap_in_the_reading_is_not_a_standstill() -> None:
    one = made(vitality=LIFE)
    decoded(one, "vitality", (7,), 0.0)
    assert good(decoded(one, "vitality", (9,), 500.0))
    assert good(decoded(one, "alarm", (0,), 500.0))


def test_a_sign_of_life_is_looked_at_several_times_within_its_time() -> None:
    assert poll_for(made(vitality=LIFE), "vitality").interval_s < 10 / 2


def test_an_impostor_that_is_also_frozen_is_called_an_impostor() -> None:
    one = made(vitality=LIFE, identity=[BADGE])
    decoded(one, "vitality", (7,), 0.0)
    assert decoded(one, "vitality", (7,), 99.0).reason is Failure.IDENTITY


def test_the_driver_is_found_by_its_name() -> None:
    assert isinstance(driver("modbus"), DriverKind)
    assert driver("modbus").options is ModbusOptions
    assert all(isinstance(driver(name), DriverKind) for name in DRIVERS)


def test_an_unknown_driver_names_those_that_there_are() -> None:
    with pytest.raises(LookupError, match=r'no driver "knx"; there are: .*modbus'):
        driver("knx")


def test_a_strangers_driver_comes_in_by_its_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "stranger-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text("[sentinel.drivers]\nknx = stranger:DRIVER\nbroken = stranger:OTHER\n")
    (tmp_path / "stranger.py").write_text("from drivers.modbus import DRIVER\nOTHER = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert driver("knx").options is ModbusOptions
    with pytest.raises(TypeError, match='driver "broken" is no DriverKind'):
        driver("broken")
    with pytest.raises(LookupError, match=r"broken, .*knx, modbus"):
        driver("lon")
