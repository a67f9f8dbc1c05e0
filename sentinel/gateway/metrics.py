"""/metrics: the branch's figures, each with its help, as Prometheus text. Nothing here moves when a silent button is pressed.

What is said of zones, incidents and notices comes from `showing`, of the record from the recorder, which keeps rule 6 too.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import sentinel
from sentinel.core.codes import ROLES
from sentinel.core.coverage import Seen
from sentinel.gateway import cctv, showing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sentinel.gateway.app import Gateway
    from sentinel.gateway.recording import RecorderView

Figure = tuple[str, dict[str, str], float | None]  # name, labels, value; None is not known
STATES = ("normal", "supervised", "alarm", "trouble", "unknown")
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
HELP: Mapping[str, str] = {
    "sentinel_build_info": "Always 1; the version is a label.",
    "sentinel_camera_gap_seconds": "Longest gap in a camera's recordings of the last day; NaN when not known.",
    "sentinel_camera_oldest_days": "How far back a camera's recordings go; NaN when not known.",
    "sentinel_device_age_seconds": "Since something trustworthy came from a device.",
    "sentinel_device_up": "1 while a device answers, 0 when it is silent, NaN before it was heard of.",
    "sentinel_healthy": "1 while the daemon itself is well: what /healthz says.",
    "sentinel_incidents_open": "Open incidents, without those that the branch is not shown; NaN until the journal was read.",
    "sentinel_notices": "Notices of the incidents that the branch is shown, by how far they got.",
    "sentinel_place_seen": "1 while a camera sees a place that must be seen, 0 when none does, NaN when not known.",
    "sentinel_read_latency_seconds": "How long the last good read of a line took.",
    "sentinel_readings_total": "Values read from devices.",
    "sentinel_reads_failed_total": "Questions to a line's devices that gave no trustworthy answer.",
    "sentinel_reads_total": "Questions to a line's devices.",
    "sentinel_recorder_drift_seconds": "How far a recorder's clock is off; NaN when not known.",
    "sentinel_recorder_required_days": "How far back a recorder's footage must go today.",
    "sentinel_recorder_retention_days": "How far back the camera goes that keeps least; NaN when not known.",
    "sentinel_slots_skipped_total": "Questions that were not asked because the line was busy.",
    "sentinel_task_falls_total": "How often a part of the daemon fell and was started again.",
    "sentinel_telemetry_points_dropped_total": "Points given up, oldest first, because neither disk nor database took them.",
    "sentinel_telemetry_points_made_total": "Points made for the database since the spool was begun.",
    "sentinel_telemetry_points_poisoned_total": "Points that the database will never take; kept aside.",
    "sentinel_telemetry_points_written_total": "Points that the database has taken.",
    "sentinel_telemetry_oldest_age_seconds": "Age of the oldest point that waits; 0 when none does.",
    "sentinel_telemetry_spool_bytes": "Compressed size of the points that wait on disk.",
    "sentinel_telemetry_spool_limit_bytes": "Size at which the oldest waiting points are given up.",
    "sentinel_telemetry_spool_up": "1 while the spool's file can be used.",
    "sentinel_telemetry_store_up": "1 while the database takes points, 0 when not, NaN when unknown or none is configured.",
    "sentinel_telemetry_waiting": "Points that wait on disk for the database.",
    "sentinel_way_up": "1 while a way out or the room at its end is up, 0 when down, NaN when not heard of yet.",
    "sentinel_zone_age_seconds": "Since a zone was last read well.",
    "sentinel_zone_stale": "1 while nobody knows how a zone is now: its state is the last that was known.",
    "sentinel_zone_state": "1 for the state that a zone is in, 0 for the others; a silent one is supervised or in fault.",
}


def metrics(gateway: Gateway) -> str:
    """All of them, in Prometheus text format 0.0.4."""
    return exposition(sorted(figures(gateway), key=lambda figure: figure[0]))


def figures(gateway: Gateway) -> Iterator[Figure]:
    """Every figure of the branch, now."""
    yield "sentinel_build_info", {"version": sentinel.__version__}, 1
    yield "sentinel_healthy", {}, gateway.health().word == "ok"
    yield "sentinel_readings_total", {}, gateway.sensing.taken
    for name, poller in gateway.plant.pollers.items():
        line = {"link": name}
        yield "sentinel_reads_total", line, poller.stats.reads
        yield "sentinel_reads_failed_total", line, poller.stats.failed
        yield "sentinel_slots_skipped_total", line, poller.stats.skipped
        yield "sentinel_read_latency_seconds", line, poller.stats.latency_s
    for device in gateway.sensing.devices():
        yield "sentinel_device_up", {"device": device.id, "link": device.link}, device.up
        yield "sentinel_device_age_seconds", {"device": device.id, "link": device.link}, round(device.age_s, 1)
    for view in gateway.sensing.view():
        shown = showing.zone(view)
        zone = {"zone": view.zone.id, "role": str(view.zone.role)}
        yield "sentinel_zone_age_seconds", zone, shown["age_s"]
        yield "sentinel_zone_stale", zone, shown["stale"]
        for state in STATES:
            if (state == "supervised") <= ROLES[view.zone.role].silent:
                yield "sentinel_zone_state", {**zone, "state": state}, shown["state"] == state
    yield from _filmed(gateway)
    for task, falls in gateway.fallen.counts.items():
        yield "sentinel_task_falls_total", {"task": task}, falls
    for way in gateway.ways.view():
        yield "sentinel_way_up", {"way": way.subject}, way.up
    for channel, counts in showing.notices(gateway.desk.state).items():
        for state, count in counts.items():
            yield "sentinel_notices", {"channel": channel, "state": state}, count
    yield "sentinel_incidents_open", {}, showing.count(gateway.desk.state)
    yield from _record(gateway.recorder.view(), gateway.clock.now().timestamp())


def _filmed(gateway: Gateway) -> Iterator[Figure]:
    seen = {Seen.SEEN: 1.0, Seen.UNKNOWN: None}
    for place in gateway.coverage.view():
        yield "sentinel_place_seen", {"place": str(place.sight)}, seen.get(place.seen, 0.0)
    for one in cctv.recorders(gateway):
        recorder = {"device": one.id}
        yield "sentinel_recorder_required_days", recorder, one.required_d
        yield "sentinel_recorder_retention_days", recorder, one.retention_d.value
        yield "sentinel_recorder_drift_seconds", recorder, one.drift_s.value
        for camera in one.cameras:
            yield "sentinel_camera_oldest_days", {"camera": camera.id}, camera.oldest_d.value
            yield "sentinel_camera_gap_seconds", {"camera": camera.id}, camera.gap_s.value


def _record(view: RecorderView, now_s: float) -> Iterator[Figure]:
    counts, name = view.counts, "sentinel_telemetry"
    yield f"{name}_points_made_total", {}, counts.made
    yield f"{name}_points_written_total", {}, counts.written
    yield f"{name}_points_dropped_total", {}, counts.dropped
    yield f"{name}_points_poisoned_total", {}, counts.poisoned
    yield f"{name}_waiting", {}, counts.waiting
    yield f"{name}_oldest_age_seconds", {}, oldest_age_s(view, now_s)
    yield f"{name}_spool_bytes", {}, counts.bytes
    yield f"{name}_spool_limit_bytes", {}, view.limit_bytes
    yield f"{name}_spool_up", {}, view.spool_up
    yield f"{name}_store_up", {}, view.store_up


def oldest_age_s(view: RecorderView, now_s: float) -> float:
    """Of the points that wait; 0 when none does."""
    oldest_ms = view.counts.oldest_ms
    return 0.0 if oldest_ms is None else round(max(0.0, now_s - oldest_ms / 1000), 1)


def exposition(given: Sequence[Figure]) -> str:
    """Prometheus text; figures of one name stand together."""
    lines: list[str] = []
    last = ""
    for name, labels, value in given:
        if name != last:
            last = name
            lines.append(f"# HELP {name} {HELP[name]}")
            lines.append(f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}")
        inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        lines.append(f"{name}{{{inside}}} {_number(value)}" if inside else f"{name} {_number(value)}")
    return "\n".join(lines) + "\n"


def _number(value: float | None) -> str:
    """Every digit of it: a counter of millions must not stand still."""
    if value is None or not math.isfinite(value):
        return "NaN"
    return str(int(value)) if value == int(value) else repr(float(value))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
