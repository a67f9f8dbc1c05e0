"""`sentinel status` and /metrics: the whole branch as it is now, as the branch may see it (see `showing`)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import sentinel
from sentinel.core.codes import ROLES
from sentinel.core.encoding import stamp
from sentinel.gateway import showing

if TYPE_CHECKING:
    from sentinel.gateway.app import Gateway

Figure = tuple[str, dict[str, str], float]
STATES = ("normal", "supervised", "alarm", "trouble", "unknown")


async def status(gateway: Gateway) -> dict[str, Any]:
    """Everything at a glance, with its age."""
    health = gateway.health()
    branch = gateway.settings.branch
    now = gateway.clock.now()
    return {
        "branch": {"id": branch.id, "number": branch.number, "name": {"hi": branch.name.hi, "en": branch.name.en}},
        "version": sentinel.__version__,
        "at": stamp(now),
        "clock": "synced" if gateway.clock.synchronised() else "unsynced",
        "health": health.word,
        "reasons": health.reasons,
        "zones": [showing.zone(view) for view in gateway.sensing.view()],
        "links": [_link(gateway, name) for name in gateway.plant.links],
        "ways": [
            {"id": way.subject, "up": way.up, "reason": "" if way.up else way.reason} for way in gateway.ways.view()
        ],
        "notices": showing.notices(gateway.desk.state),
        "incidents": len(showing.visible(gateway.desk.state)),
    }


def figures(gateway: Gateway) -> list[Figure]:
    """Metrics: name, labels, value. Nothing here moves when a silent button is pressed."""
    found: list[Figure] = [
        ("sentinel_healthy", {}, float(gateway.health().word == "ok")),
        ("sentinel_readings_total", {}, gateway.sensing.taken),
    ]
    for name, poller in gateway.plant.pollers.items():
        label = {"link": name}
        found += [
            ("sentinel_reads_total", label, poller.stats.reads),
            ("sentinel_reads_failed_total", label, poller.stats.failed),
            ("sentinel_slots_skipped_total", label, poller.stats.skipped),
            ("sentinel_read_latency_seconds", label, poller.stats.latency_s),
        ]
    for view in gateway.sensing.view():
        shown = showing.zone(view)
        label = {"zone": view.zone.id, "role": view.zone.role}
        found.append(("sentinel_zone_age_seconds", label, shown["age_s"]))
        found += [
            ("sentinel_zone_state", {**label, "state": state}, float(shown["state"] == state))
            for state in STATES
            if (state == "supervised") <= ROLES[view.zone.role].silent
        ]
    found += [("sentinel_task_falls_total", {"task": task}, count) for task, count in gateway.fallen.counts.items()]
    found += [("sentinel_way_up", {"way": way.subject}, _up(way.up)) for way in gateway.ways.view()]
    found += [
        ("sentinel_notices", {"channel": channel, "state": state}, count)
        for channel, counts in showing.notices(gateway.desk.state).items()
        for state, count in counts.items()
    ]
    found.append(("sentinel_incidents_open", {}, len(showing.visible(gateway.desk.state))))
    return sorted(found, key=lambda figure: figure[0])


def _up(up: bool | None) -> float:
    return math.nan if up is None else float(up)


def _link(gateway: Gateway, name: str) -> dict[str, Any]:
    stats = gateway.plant.pollers[name].stats
    return {
        "id": name,
        "reads": stats.reads,
        "failed": stats.failed,
        "failures": stats.failures,
        "latency_ms": round(stats.latency_s * 1000, 1),
    }
