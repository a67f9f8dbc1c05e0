"""/metrics as Prometheus itself reads it: every family helped, typed and named by convention, and silent about buttons."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sentinel.gateway.metrics import HELP, exposition
from tests.fakes import FakeStore, Story

if TYPE_CHECKING:
    from prometheus_client import Metric

UNITS = (
    "seconds",
    "days",
    "bytes",
    "stale",
    "seen",
    "total",
    "info",
    "up",
    "healthy",
    "state",
    "open",
    "notices",
    "waiting",
)
TELEMETRY = {
    "sentinel_telemetry_points_made", "sentinel_telemetry_points_written", "sentinel_telemetry_points_dropped",
    "sentinel_telemetry_points_poisoned", "sentinel_telemetry_waiting", "sentinel_telemetry_oldest_age_seconds",
    "sentinel_telemetry_spool_bytes", "sentinel_telemetry_spool_limit_bytes", "sentinel_telemetry_spool_up",
    "sentinel_telemetry_store_up",
}  # fmt: skip


async def read(story: Story) -> dict[str, Metric]:
    """The families, parsed by the official client; no series twice."""
    async with story.session() as session, session.get("http://localhost/metrics") as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        text = await answer.text()
    families = list(text_string_to_metric_families(text))
    series = [(sample.name, tuple(sample.labels.items())) for family in families for sample in family.samples]
    assert len(series) == len(set(series))
    names = [family.name for family in families]
    assert len(names) == len(set(names)), "a family stands together"
    return {family.name: family for family in families}


async def test_every_family_has_its_help_its_type_and_a_name_by_convention(story: Story) -> None:
    story.press("panic-gate")
    await story.seconds(20)
    for name, family in (await read(story)).items():
        assert family.documentation.endswith("."), name
        assert re.fullmatch("sentinel_[a-z_]+", name)
        assert family.type == ("counter" if f"{name}_total" in HELP else "gauge"), name
        assert family.samples, name
        for sample in family.samples:
            assert sample.name.endswith(UNITS), sample.name
            assert family.type != "counter" or sample.value >= 0


async def test_whatever_has_help_is_there_once_something_has_happened() -> None:
    async with Story(whole=True) as story:
        story.press("panic-gate")
        story.gateway.fallen.note("spool", "tried")
        await story.seconds(20)
        found = {sample.name for family in (await read(story)).values() for sample in family.samples}
    assert found == set(HELP)


async def test_the_record_is_there_and_nobody_knows_of_a_database_that_is_not_configured(story: Story) -> None:
    families = await read(story)
    assert families.keys() >= TELEMETRY
    value = {name: families[name].samples[0].value for name in TELEMETRY}
    assert math.isnan(value["sentinel_telemetry_store_up"])
    assert value["sentinel_telemetry_spool_up"] == 1
    assert value["sentinel_telemetry_spool_limit_bytes"] == 512 * 2**20


async def test_an_alarm_behind_a_line_that_died_is_said_to_be_the_last_that_was_known(story: Story) -> None:
    story.press("shutter-front")
    await story.seconds(5)
    story.silence("panel")
    await story.minutes(2)
    value = {
        (sample.labels["zone"], sample.labels.get("state")): sample.value
        for name in ("sentinel_zone_state", "sentinel_zone_stale")
        for sample in (await read(story))[name].samples
    }
    assert (value["shutter-front", "alarm"], value["shutter-front", None]) == (1, 1)
    assert value["smoke-hall", None] == 0
    async with story.session() as session, session.get("http://localhost/api/v1/status") as answer:
        zones = {zone["id"]: zone for zone in (await answer.json())["zones"]}
    assert (zones["shutter-front"]["state"], zones["shutter-front"]["active"]) == ("alarm", None)
    assert zones["shutter-front"]["stale"] is True


async def test_a_stale_zone_is_unknown_in_the_metrics_and_not_normal(story: Story) -> None:
    story.silence("panel")
    await story.seconds(20)
    families = await read(story)
    states = {
        (sample.labels["zone"], sample.labels["state"]): sample.value
        for sample in families["sentinel_zone_state"].samples
    }
    assert states["panic-gate", "unknown"] == states["hold-up-counter", "unknown"] == 1
    assert states["panic-gate", "normal"] == states["hold-up-counter", "supervised"] == 0
    assert families["sentinel_incidents_open"].samples[0].value == 1
    up = {sample.labels["device"]: sample.value for sample in families["sentinel_device_up"].samples}
    assert up == {"panel": 0, "climate": 1, "battery": 1, "fire-panel": 1}


@pytest.mark.parametrize("zone", ["hold-up-counter", "hold-up-manager"])
async def test_no_figure_of_the_record_moves_when_a_silent_button_is_pressed(zone: str) -> None:
    async def seen(*, pressed: bool) -> list[dict[str, float]]:
        found, store = [], FakeStore()
        await store.come()
        async with Story(store=store) as story:
            for minute in range(5):
                if pressed and minute == 1:
                    story.press(zone)
                if pressed and minute == 3:
                    story.release(zone)
                await story.minutes(1)
                families = await read(story)
                found.append({name: families[name].samples[0].value for name in TELEMETRY})
        await store.go()
        return found

    quiet = await seen(pressed=False)
    assert await seen(pressed=True) == quiet
    assert quiet[-1]["sentinel_telemetry_points_written"] > 100
    assert quiet[-1]["sentinel_telemetry_store_up"] == 1


def test_the_text_escapes_what_prometheus_wants_escaped_and_keeps_every_digit() -> None:
    text = exposition(
        [
            ("sentinel_readings_total", {"l": 'x"y\\z\n'}, 1.0),
            ("sentinel_readings_total", {}, 123_456_789),
            ("sentinel_way_up", {}, None),
            ("sentinel_healthy", {}, True),
            ("sentinel_read_latency_seconds", {}, 0.0125),
        ]
    )
    assert [line for line in text.splitlines() if not line.startswith("#")] == [
        'sentinel_readings_total{l="x\\"y\\\\z\\n"} 1',
        "sentinel_readings_total 123456789",
        "sentinel_way_up NaN",
        "sentinel_healthy 1",
        "sentinel_read_latency_seconds 0.0125",
    ]
    assert text.splitlines()[:2] == [
        "# HELP sentinel_readings_total Values read from devices.",
        "# TYPE sentinel_readings_total counter",
    ]


def test_a_figure_without_help_is_a_mistake_that_shows_at_once() -> None:
    with pytest.raises(KeyError):
        exposition([("sentinel_new_total", {}, 1)])
