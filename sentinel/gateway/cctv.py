"""Recorders and cameras as they are now: what is seen, what is recorded, how far back, and what a recorder cannot say.

For the page, the API and the metrics. A number that is too old, or that this recorder does not give, is None, never 0.
Nothing silent goes through here: zones come from `showing`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sentinel.core.model import Condition, Failure, Quality, Text
from sentinel.core.said import said
from sentinel.core.words import CONDITIONS, SIGHTS, SUPERVISED, reason
from sentinel.gateway import showing
from sentinel.settings.equipment import cameras_of, required_days
from sentinel.settings.policy import STALE_READS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sentinel.core.detect import ZoneView
    from sentinel.core.model import Role, Sight, Value
    from sentinel.gateway.app import Gateway
    from sentinel.settings.equipment import CameraView

GRACE_S = 1.0
MOST = 60  # characters of a model or firmware
LANGUAGES = ("hi", "en")


@dataclass(frozen=True, slots=True)
class Number:
    """One figure. `cannot`: the recorder has said that it does not have it."""

    value: float | None = None
    cannot: bool = False


@dataclass(frozen=True, slots=True)
class CameraNow:
    """One camera."""

    id: str  # "<recorder>.<camera>"
    name: Text
    channel: int
    sees: tuple[Sight, ...]
    zones: tuple[ZoneView, ...]
    mode: str  # always, motion, off; "" not known
    oldest_d: Number
    gap_s: Number
    required_d: int


@dataclass(frozen=True, slots=True)
class RecorderNow:
    """One recorder, and its cameras in the order of the file."""

    id: str
    name: Text
    zones: tuple[ZoneView, ...]
    model: str
    firmware: str
    retention_d: Number
    drift_s: Number
    required_d: int
    cameras: tuple[CameraNow, ...]


def recorders(gateway: Gateway) -> tuple[RecorderNow, ...]:
    """Each device that has cameras."""
    filmed = {id_: cameras for id_, device in gateway.settings.devices.items() if (cameras := cameras_of(device))}
    views: dict[str, dict[str, list[ZoneView]]] = {id_: {} for id_ in filmed}
    for view in gateway.sensing.view() if filmed else ():
        device, _, inside = view.zone.point.partition(".")
        if device in filmed:
            camera = inside.partition(".")[0]
            views[device].setdefault(camera if camera in filmed[device] else "", []).append(view)
    return tuple(_recorder(gateway, id_, cameras, views[id_]) for id_, cameras in filmed.items())


def _recorder(
    gateway: Gateway, id_: str, cameras: Mapping[str, CameraView], views: Mapping[str, Sequence[ZoneView]]
) -> RecorderNow:
    """`views`: by camera; those of the recorder itself under ""."""
    device = gateway.settings.devices[id_]
    today = gateway.clock.now().astimezone(ZoneInfo(gateway.settings.branch.time_zone)).date()
    required = required_days(device, today)
    return RecorderNow(
        id=id_,
        name=device.name.text(),
        zones=tuple(views.get("", ())),
        model=_word(gateway, f"{id_}.model"),
        firmware=_word(gateway, f"{id_}.firmware"),
        retention_d=_number(gateway, f"{id_}.retention"),
        drift_s=_number(gateway, f"{id_}.drift"),
        required_d=required,
        cameras=tuple(
            CameraNow(
                id=f"{id_}.{name}",
                name=Text(camera.name.hi, camera.name.en),
                channel=camera.channel,
                sees=tuple(camera.sees),
                zones=tuple(views.get(name, ())),
                mode=_word(gateway, f"{id_}.{name}.mode"),
                oldest_d=_number(gateway, f"{id_}.{name}.oldest"),
                gap_s=_number(gateway, f"{id_}.{name}.gap"),
                required_d=required,
            )
            for name, camera in cameras.items()
        ),
    )


def _number(gateway: Gateway, point: str) -> Number:
    reading = gateway.sensing.latest.get(point)
    if reading is not None and reading.reason is Failure.UNSUPPORTED:
        return Number(cannot=True)
    value = _fresh(gateway, point)
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return Number(float(value)) if good and value is not None else Number()


def _word(gateway: Gateway, point: str) -> str:
    value = _fresh(gateway, point)
    return value[:MOST] if isinstance(value, str) else ""


def _fresh(gateway: Gateway, point: str) -> Value | None:
    """What was last read of it well, unless that is too long ago."""
    reading = gateway.sensing.latest.get(point)
    if reading is None or reading.quality is not Quality.GOOD:
        return None
    stale_s = STALE_READS * gateway.settings.polled.get(point, 0.0) + GRACE_S
    return None if gateway.clock.monotonic() - reading.at > stale_s else reading.value


# --- For programs -----------------------------------------------------------------------------------------------------


def status(gateway: Gateway) -> dict[str, list[dict[str, Any]]]:
    """Places, recorders and cameras as plain JSON values. Ages stand in the zones that they name."""
    now = recorders(gateway)
    return {
        "places": [
            {
                "place": place.sight,
                "name": _both(SIGHTS[place.sight]),
                "seen": place.seen,
                "cameras": list(place.cameras),
            }
            for place in gateway.coverage.view()
        ],
        "recorders": [
            {
                "id": one.id,
                "name": _both(one.name),
                "model": one.model,
                "firmware": one.firmware,
                "required_days": one.required_d,
                "retention_days": one.retention_d.value,
                "drift_s": one.drift_s.value,
                "findings": [_finding(view) for view in one.zones],
            }
            for one in now
        ],
        "cameras": [
            {
                "id": camera.id,
                "name": _both(camera.name),
                "recorder": one.id,
                "channel": camera.channel,
                "sees": list(camera.sees),
                "mode": camera.mode,
                "oldest_days": camera.oldest_d.value,
                "required_days": camera.required_d,
                "gap_s": camera.gap_s.value,
                "unsupported": [
                    name for name, number in (("oldest", camera.oldest_d), ("gap", camera.gap_s)) if number.cannot
                ],
                "findings": [_finding(view) for view in camera.zones],
            }
            for one in now
            for camera in one.cameras
        ],
    }


def _finding(view: ZoneView) -> dict[str, Any]:
    shown = showing.zone(view)
    return {
        "zone": shown["id"],
        "role": shown["role"],
        "state": shown["state"],
        "reason": shown["reason"],
        "said": said_of(view),
    }


def said_of(view: ZoneView) -> dict[str, str]:
    """What a zone of a recorder says, in both languages: its own words where it has any, why not, or its state."""
    shown = showing.zone(view)
    value = shown["value"] if isinstance(shown["value"], str) else ""
    return {lang: _said(view.zone.role, shown["state"], value, shown["reason"], lang) for lang in LANGUAGES}


@lru_cache(maxsize=2000)  # a recorder says the same for months, and is looked at each second
def _said(role: Role, state: str, value: str, why: str, lang: str) -> str:
    if state == Condition.UNKNOWN and why:
        return reason(why, lang)
    if state != Condition.UNKNOWN and value and (told := said(role, value, lang)):
        return told
    return CONDITIONS[Condition(state)].of(lang) if state in list(Condition) else SUPERVISED.of(lang)


def _both(text: Text) -> dict[str, str]:
    return {"hi": text.hi, "en": text.en}
