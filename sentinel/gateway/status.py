"""The whole branch as it is now, as the branch may see it (see `showing`): `sentinel status`, and the stream's sections."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeGuard

import sentinel
from sentinel.core import words
from sentinel.core.encoding import stamp
from sentinel.core.model import Quality
from sentinel.gateway import cctv, showing
from sentinel.gateway.letters import names_of
from sentinel.gateway.metrics import oldest_age_s

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sentinel.core.incident import Incident, Notice
    from sentinel.core.model import Value
    from sentinel.gateway.app import Gateway
    from sentinel.gateway.series import RecordedPoint

STALE_READS = 3  # a number that was not read for so many of its intervals is stale
MOVING = ("age_s", "since_s", "value")  # what moves by itself; in the stream it comes with the pings


def status(gateway: Gateway) -> dict[str, Any]:
    """Everything at a glance, with its age."""
    return {
        **_head(gateway),
        "at": stamp(gateway.clock.now()),
        "zones": [showing.zone(view) for view in gateway.sensing.view()],
        "links": [_link(gateway, name) for name in gateway.plant.links],
        "devices": _devices(gateway),
        **cctv.status(gateway),
        "ways": _ways(gateway),
        "notices": showing.notices(gateway.desk.state),
        "incidents": showing.count(gateway.desk.state),
        "telemetry": _telemetry(gateway),
    }


def sections(gateway: Gateway) -> dict[str, object]:
    """The same in the parts that the stream sends, each again when something happened in it; see MOVING."""
    view = gateway.recorder.view()
    return {
        "head": _head(gateway),
        "incidents": showing.incidents(gateway.desk.state, names_of(gateway.settings), gateway.clock.now()),
        "zones": [_still(showing.zone(one)) for one in gateway.sensing.view()],
        "devices": [_still(one) for one in _devices(gateway)],
        "cameras": cctv.status(gateway),
        "ways": [_still(one) for one in _ways(gateway)],
        "telemetry": {
            "spool": {"up": view.spool_up, "reason": plainly(view.spool_reason)},
            "store": {"server": view.server, "up": view.store_up, "reason": view.store_reason} if view.server else None,
        },
    }


def points(gateway: Gateway) -> list[dict[str, Any]]:
    """Every number that is recorded, with its last value."""
    now = gateway.clock.monotonic()
    return [_point(gateway, point, now) for point in gateway.recorder.points()]


def _head(gateway: Gateway) -> dict[str, Any]:
    health, branch = gateway.health(), gateway.settings.branch
    return {
        "branch": {"id": branch.id, "number": branch.number, "name": {"hi": branch.name.hi, "en": branch.name.en}},
        "version": sentinel.__version__,
        "clock": "synced" if gateway.clock.synchronised() else "unsynced",
        "health": health.word,
        "reasons": health.reasons,
    }


def _link(gateway: Gateway, name: str) -> dict[str, Any]:
    stats = gateway.plant.pollers[name].stats
    return {
        "id": name,
        "reads": stats.reads,
        "failed": stats.failed,
        "failures": stats.failures,
        "latency_ms": round(stats.latency_s * 1000, 1),
    }


def _devices(gateway: Gateway) -> list[dict[str, Any]]:
    names = {id_: device.name for id_, device in gateway.settings.devices.items()}
    return [
        {
            "id": device.id,
            "name": {"hi": names[device.id].hi, "en": names[device.id].en},
            "link": device.link,
            "up": device.up,
            "reason": device.reason,
            "age_s": round(device.age_s, 1),
        }
        for device in gateway.sensing.devices()
        if device.id in names  # in the middle of a reload it may not be any more
    ]


def _ways(gateway: Gateway) -> list[dict[str, Any]]:
    now = gateway.clock.monotonic()
    last = carried(gateway)
    return [
        {
            "id": way.subject,
            "up": way.up,
            "reason": "" if way.up else way.reason,
            "since_s": round(now - way.since, 1),
            "carried": _notice(*last[way.subject]) if way.subject in last else None,
        }
        for way in gateway.ways.view()
    ]


def carried(gateway: Gateway) -> dict[str, tuple[Incident, Notice]]:
    """By way ("channel:...", "room:..."): the last notice that really left by it, of those that the branch may see."""
    state, contacts = gateway.desk.state, gateway.settings.contacts
    found: dict[str, tuple[Incident, Notice]] = {}
    for incident in (*showing.visible(state), *showing.closed(state)):
        for notice in incident.notices.values():
            if not notice.told:
                continue
            contact = contacts.get(notice.contact)
            room = None if contact is None else contact.addresses.get(notice.channel)
            for way in (f"channel:{notice.channel}", f"room:{room}"):
                if way not in found or notice.at > found[way][1].at:
                    found[way] = (incident, notice)
    return found


def _notice(incident: Incident, notice: Notice) -> dict[str, Any]:
    return {
        "code": incident.code,
        "what": notice.words,
        "contact": notice.contact,
        "state": notice.state,
        "at": stamp(notice.at),
    }


def _telemetry(gateway: Gateway) -> dict[str, Any]:
    view = gateway.recorder.view()
    counts = view.counts
    store = {
        "server": view.server,
        "up": view.store_up,
        "reason": view.store_reason,
        "since_s": round(view.store_since_s, 1),
        "written_age_s": None if view.written_age_s is None else round(view.written_age_s, 1),
    }
    return {
        "points": {
            "made": counts.made,
            "written": counts.written,
            "waiting": counts.waiting,
            "dropped": counts.dropped,
            "poisoned": counts.poisoned,
        },
        "spool": {
            "up": view.spool_up,
            "reason": plainly(view.spool_reason),
            "since_s": round(view.spool_since_s, 1),
            "bytes": counts.bytes,
            "limit_bytes": view.limit_bytes,
            "days": view.days,
            "oldest_age_s": oldest_age_s(view, gateway.clock.now().timestamp()),
            "disk_free_bytes": view.disk_free_bytes,
        },
        "store": store if view.server else None,
    }


def plainly(reason: str) -> str:
    """A disk's own words name paths of this machine, in English: they stand in the log."""
    return reason if reason in words.REASONS else "card"


def _point(gateway: Gateway, point: RecordedPoint, now: float) -> dict[str, Any]:
    reading = gateway.sensing.latest.get(point.point)
    age_s = None if reading is None else round(now - reading.at, 1)
    quality, value = str(Quality.FAILED), None
    if reading is not None and reading.quality is Quality.GOOD and _is_number(reading.value):
        stale = now - reading.at > STALE_READS * gateway.settings.polled.get(point.point, 60.0) + 1.0
        quality, value = ("stale", None) if stale else (str(Quality.GOOD), reading.value)
    return {
        "id": point.point,
        "name": {"hi": point.name.hi, "en": point.name.en},
        "unit": point.unit,
        "device": point.device,
        "zone": point.zone,
        "low": point.low,
        "high": point.high,
        "value": value,
        "quality": quality,
        "age_s": age_s,
    }


def _is_number(value: Value | None) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _still(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if key not in MOVING}
