"""Recorders and cameras for the record: what is seen and kept, each minute and when it changes, as docs/telemetry.md says.

What is not known has no field: a gap is unknown, never the same as before. Pure apart from what it remembers; made only
where there is a recorder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sentinel.core.model import Condition, Quality, Role
from sentinel.settings.equipment import cameras_of
from sentinel.settings.policy import STALE_READS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sentinel.core.detect import ZoneView
    from sentinel.core.model import Reading
    from sentinel.settings.site import Settings
    from sentinel.telemetry.sampling import Sampler

MINUTE_MS = 60_000
OF_A_CAMERA = {Role.CAMERA_RECORDING: "recording", Role.CAMERA_VIDEO: "video", Role.CAMERA_PICTURE: "picture"}
OF_A_RECORDER = {Role.DISK: "disks_ok", Role.RETENTION: "footage_ok"}
NUMBERS = {"retention": "retention_days", "drift": "clock_drift_s"}

Values = dict[str, bool | int | float | str]


@dataclass(slots=True)
class _Series:
    """One camera, or a recorder itself: which zones and points go into which field, and what was last said."""

    measurement: str
    tags: Mapping[str, str]
    zones: Mapping[str, str]  # zone -> field
    points: Mapping[str, str]  # point -> field
    told: Values
    minute: int = -1


class Recorders:
    """All recorders of a branch."""

    def __init__(self, settings: Settings, sampler: Sampler) -> None:
        self._settings, self._sampler = settings, sampler
        self._series = [one for device in settings.devices for one in _of(settings, device)]

    def look(self, zones: Iterable[ZoneView], latest: Mapping[str, Reading], now: float, now_ms: int) -> None:
        """`now` is the run's monotonic time, `now_ms` wall time."""
        if not self._series:
            return
        known = {view.zone.id: _word(view) for view in zones}
        for series in self._series:
            values: Values = {
                field: word for zone, field in series.zones.items() if (word := known.get(zone)) is not None
            }
            for point, field in series.points.items():
                if (number := self._number(latest.get(point), now)) is not None:
                    values[field] = number
            minute = now_ms // MINUTE_MS
            if values and (minute != series.minute or values != series.told):
                self._sampler.other(series.measurement, series.tags, values, now_ms)
            series.minute, series.told = minute, values

    def _number(self, reading: Reading | None, now: float) -> float | None:
        if reading is None or reading.quality is not Quality.GOOD or isinstance(reading.value, str | bool | None):
            return None
        stale = now - reading.at > STALE_READS * self._settings.polled.get(reading.point, 0.0) + 1.0
        return None if stale else float(reading.value)


def _of(settings: Settings, device: str) -> Iterable[_Series]:
    """The recorder's own series first; none for a device without cameras."""
    cameras = cameras_of(settings.devices[device])
    if not cameras:
        return
    tags = {"branch": settings.branch.id, "device": device}
    points = {f"{device}.{point}": field for point, field in NUMBERS.items()}
    yield _Series("recorder", tags, _zones(settings, f"{device}.", OF_A_RECORDER), points, {})
    for id_, camera in cameras.items():
        zones = _zones(settings, f"{device}.{id_}.", OF_A_CAMERA)
        yield _Series("camera", {**tags, "channel": str(camera.channel)}, zones, {}, {})


def _zones(settings: Settings, begins: str, fields: Mapping[Role, str]) -> dict[str, str]:
    return {
        id_: fields[zone.role]
        for id_, zone in settings.zones.items()
        if zone.role in fields and zone.point.startswith(begins)
    }


def _word(view: ZoneView) -> int | None:
    """1 while all is well, 0 while it is not, None while nobody can say."""
    if view.unknown or view.condition not in (Condition.NORMAL, Condition.ALARM):
        return None
    return int(view.condition is Condition.NORMAL)
