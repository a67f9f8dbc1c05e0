"""What of a branch is recorded and under which names; and that a silent button moves nothing of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.commands.tables import real_tables
from sentinel.core.codes import ROLES
from sentinel.core.detect import ZoneView
from sentinel.core.model import Condition, ContactSense, Role, Text, Zone
from sentinel.gateway import machine, series, showing
from sentinel.settings.branch import load
from tests.example import EXAMPLE
from tests.settings.town import GOOD, PROFILES, TABLES, PointOf, ProfileOf, loaded

if TYPE_CHECKING:
    from sentinel.settings.site import Settings

SILENT = sorted(role for role, rule in ROLES.items() if rule.silent)
BOX = ProfileOf(
    (
        PointOf("loop1", "number", unit="V"),
        PointOf("loop2", "number", unit="V"),
        PointOf("word", "number"),
        PointOf("inside", "number", unit="°C"),
        PointOf("supply", "number", unit="A"),
    )
)
ZONE = "{point: box.%s, role: %s, name: {en: B, hi: ब}, wiring: {bands: [%s, %s]}}"
BANDS = ("{low: 1, high: 2, means: normal}", "{low: 3, high: 4, means: alarm}")


def example() -> Settings:
    settings = load(EXAMPLE, real_tables(EXAMPLE.parent)).settings
    assert settings is not None
    return settings


def box(**roles: str) -> list[str]:
    """The numbers that are recorded of a box of analogue inputs with these roles on them."""
    zones = "".join(
        f"  b{number}: {ZONE % (point, role, *BANDS)}\n" for number, (point, role) in enumerate(roles.items())
    )
    device = "  box: {name: {en: Box, hi: बक्सा}, link: bus, driver: modbus, profile: box, unit: 9}\n"
    text = GOOD.replace("zones:\n", f"zones:\n{zones}").replace("devices:\n", f"devices:\n{device}")
    tables = replace(TABLES, profiles=lambda name: BOX if name == "box" else PROFILES[name])
    settings = loaded(text, tables=tables).settings
    assert settings is not None
    return [point.point for point in series.numbers(settings) if point.device == "box"]


def test_of_the_example_every_number_is_recorded_and_nothing_of_the_panels_inputs() -> None:
    found = [point.point for point in series.numbers(example())]
    assert {"recorder.drift", "recorder.retention", "recorder.gate.oldest"} <= set(found)
    assert [point for point in found if not point.startswith("recorder.")] == [
        "climate.temperature",
        "climate.humidity",
        "battery.voltage",
        "battery.current",
        "battery.power",
        "battery.energy",
        "fire-panel.troubles",
    ]


def test_a_number_has_its_zones_name_role_and_limits() -> None:
    found = {point.point: point for point in series.numbers(example())}
    voltage = found["battery.voltage"]
    assert (voltage.zone, voltage.role, voltage.low, voltage.high) == ("panel-battery", Role.BATTERY, 11.8, None)
    assert voltage.name.en == "Panel battery"
    current = found["battery.current"]
    assert (current.zone, current.role, current.low, current.high) == (None, Role.MEASURE, None, None)
    assert current.name.en == "Panel battery monitor"


def test_a_deadband_is_the_units_own_unless_the_settings_say_another() -> None:
    found = {point.point: point.deadband for point in series.numbers(example())}
    assert found["climate.temperature"] == 0.2
    assert found["battery.power"] == 5.0  # as the example says
    assert found["fire-panel.troubles"] == 0.0  # a count: each change is news


def test_a_series_says_where_it_is_from() -> None:
    settings = example()
    number = next(point for point in series.numbers(settings) if point.zone == "server-room")
    assert series.number_tags(settings, number) == {
        "branch": "shivnath-sector6",
        "bank": "Shivnath Bank",
        "station": "bhilai-nagar",
        "device": "climate",
        "point": "climate.temperature",
        "role": "temperature",
    }
    tags = series.zone_tags(settings)
    assert set(tags) == {*settings.zones, *settings.summaries}
    assert tags["hooter"]["role"] == "summary"
    assert tags["panic-gate"] | {"zone": "panic-gate", "point": "panel.di3", "device": "panel"} == tags["panic-gate"]


def test_an_analogue_box_without_a_silent_button_is_recorded_whole() -> None:
    assert box(loop1="intrusion") == ["box.loop1", "box.loop2", "box.word", "box.inside", "box.supply"]


@pytest.mark.parametrize("role", SILENT)
def test_beside_a_silent_button_only_what_it_cannot_move_is_recorded(role: str) -> None:
    assert box(loop1=role) == ["box.inside"]
    assert box(loop1=role, loop2="intrusion") == ["box.loop2", "box.inside"]  # a line that the installer named


# --- States -------------------------------------------------------------------------------------------------------


def view(
    role: Role, condition: Condition, *, age_s: float = 1.0, value: bool | None = True, reason: str = ""
) -> ZoneView:
    zone = Zone("z", "p.z", role, Text("ज", "z"), ContactSense(alarm_when=True), 0.0, 2.0, 10.0)
    return ZoneView(
        zone, condition, age_s, value, reason, condition is Condition.ALARM, age_s > zone.stale_after_s or value is None
    )


@pytest.mark.parametrize(
    ("condition", "age_s", "reason", "expected"),
    [
        (Condition.NORMAL, 1, "", (0, 0)),
        (Condition.ALARM, 1, "", (1, 0)),
        (Condition.TROUBLE, 1, "flapping", (2, 0)),
        (Condition.UNKNOWN, 20, "", (3, 1)),
        (Condition.UNKNOWN, 20, "no-reply", (3, 2)),
        (Condition.UNKNOWN, 9, "", (3, 1)),  # its device is dead, though its value is not yet too old
        (Condition.ALARM, 20, "", (1, 1)),  # latched, and nobody knows any more
        (Condition.ALARM, 20, "not-connected", (1, 2)),
    ],
)
def test_a_zone_is_a_number_for_its_state_and_one_for_how_far_it_is_believed(
    condition: Condition, age_s: float, reason: str, expected: tuple[int, int]
) -> None:
    assert series.state_of(showing.zone(view(Role.PANIC, condition, age_s=age_s, reason=reason))) == expected


@pytest.mark.parametrize("role", SILENT)
def test_a_silent_zone_is_supervised_in_trouble_or_unknown(role: Role) -> None:
    def seen(age_s: float = 1.0, reason: str = "") -> tuple[int, int]:
        return series.state_of(showing.zone(view(role, Condition.NORMAL, age_s=age_s, reason=reason)))

    assert seen() == (4, 0)
    assert seen(reason="senseless-value") == (2, 0)
    assert seen(age_s=20.0) == (3, 1)
    assert seen(age_s=20.0, reason="no-reply") == (3, 2)


@given(
    st.sampled_from(SILENT),
    st.sampled_from(sorted(Condition)),
    st.sampled_from(sorted(Condition)),
    st.floats(0, 100),
    st.sampled_from(["", "no-reply", "senseless-value"]),
)
def test_whatever_is_done_with_a_silent_button_its_numbers_are_the_same(
    role: Role, one: Condition, other: Condition, age_s: float, reason: str
) -> None:
    def seen(condition: Condition, *, value: bool) -> tuple[int, int]:
        return series.state_of(showing.zone(view(role, condition, age_s=age_s, value=value, reason=reason)))

    assert seen(one, value=True) == seen(other, value=False)


# --- The machine --------------------------------------------------------------------------------------------------


def test_what_a_journalled_fact_takes_of_the_card_is_not_seen_in_the_room_that_is_shown() -> None:
    before = 20 * machine.FREE_STEP + 5_000_000
    assert machine.in_steps(before) == machine.in_steps(before - 40_000) == 20 * machine.FREE_STEP


def test_memory_is_told_in_steps_too() -> None:
    rss = machine.rss_bytes()
    assert rss is not None
    assert rss > 0
    assert rss % machine.RSS_STEP == 0


def test_a_kernel_that_says_nothing_of_memory_is_no_accident(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "STATM", Path("/nowhere/statm"))
    assert machine.rss_bytes() is None
