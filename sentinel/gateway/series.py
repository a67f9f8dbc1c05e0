"""What of a branch is recorded, and under which names: numbers and zones, with their tags. Pure; the recorder asks.

Rule 6 is kept here for numbers (for zones in `showing`): what a hold-up or duress line gives is never recorded, nor any
other number that the same device could make of it. A raw input word moves when a button is pressed, and so does the
voltage on a line's resistors; a temperature does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sentinel.core.codes import ROLES
from sentinel.core.model import Role, Zone
from sentinel.settings.policy import zones
from sentinel.settings.wiring import LimitWiring

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sentinel.core.model import Text
    from sentinel.settings.site import Settings

# A change of at most so much is no news and waits for the minute's line. Twice what a good sensor trembles by.
DEADBANDS: Mapping[str, float] = {
    "°C": 0.2,  # XY-MD02 and its like step by 0.1
    "%": 1.0,  # relative humidity, charge: steps of 0.1, an accuracy of 3
    "hPa": 0.5,
    "V": 0.02,  # PZEM-017 steps by 0.01; a battery falls by 0.02 in minutes
    "A": 0.02,
    "W": 1.0,
    "Wh": 10.0,  # counters only grow: the minute's line is enough
    "kWh": 0.01,
    "Hz": 0.05,  # the mains wander by less all the time
}
OF_A_LINE = {"", "V", "mV", "A", "mA", "Ω", "ohm", "kΩ"}  # units of what a wired input itself can give
STATES: Mapping[str, int] = {"normal": 0, "alarm": 1, "trouble": 2, "unknown": 3, "supervised": 4}
GOOD, STALE, FAILED = 0, 1, 2


@dataclass(frozen=True, slots=True)
class RecordedPoint:
    """A number that is recorded, and may be plotted. Limits are those of the zone on it."""

    point: str  # "<device>.<point>"
    name: Text  # the zone's where there is one, else the device's
    unit: str
    device: str
    role: Role
    zone: str | None
    low: float | None
    high: float | None
    deadband: float


def common(settings: Settings) -> dict[str, str]:
    """The tags of everything that this branch records of its devices."""
    branch = settings.branch
    return {"branch": branch.id, "bank": branch.bank, "station": branch.station.id}


def numbers(settings: Settings) -> list[RecordedPoint]:
    """Every number that is recorded, in the order of the file."""
    on: dict[str, Zone] = {zone.point: zone for zone in zones(settings)}
    silent = {zone.point.partition(".")[0] for zone in on.values() if ROLES[zone.role].silent}
    found = []
    for id_, device in settings.devices.items():
        for name, point in (device.points or {}).items():
            full = f"{id_}.{name}"
            zone = on.get(full)
            if point.gives != "number" or (zone is not None and ROLES[zone.role].silent):
                continue
            if zone is None and id_ in silent and point.unit in OF_A_LINE:
                continue
            low, high = _limits(settings, zone)
            found.append(
                RecordedPoint(
                    point=full,
                    name=device.name.text() if zone is None else zone.name,
                    unit=point.unit,
                    device=id_,
                    role=zone.role if zone is not None else point.role or Role.MEASURE,
                    zone=None if zone is None else zone.id,
                    low=low,
                    high=high,
                    deadband=float(settings.telemetry.deadband.get(full, DEADBANDS.get(point.unit, 0.0))),
                )
            )
    return found


def number_tags(settings: Settings, point: RecordedPoint) -> dict[str, str]:
    """The tags of a number's series."""
    return {**common(settings), "device": point.device, "point": point.point, "role": point.role}


def zone_tags(settings: Settings) -> dict[str, dict[str, str]]:
    """Zone -> the tags of its series; summaries too."""
    return {
        zone.id: {
            **common(settings),
            "zone": zone.id,
            "device": zone.point.partition(".")[0],
            "point": zone.point,
            "role": zone.role,
        }
        for zone in zones(settings)
    }


def state_of(shown: Mapping[str, Any]) -> tuple[int, int]:
    """State and quality of a zone as numbers, from what `showing.zone` lets out of it and from nothing else."""
    state = shown["state"]
    if state != "unknown" and not shown["stale"]:
        return STATES[state], GOOD
    return STATES[state], FAILED if shown["reason"] else STALE


def _limits(settings: Settings, zone: Zone | None) -> tuple[float | None, float | None]:
    wired = None if zone is None else settings.zones.get(zone.id) or settings.summaries.get(zone.id)
    if wired is None or not isinstance(wired.wiring, LimitWiring):
        return None, None
    low, high = wired.wiring.low, wired.wiring.high
    return None if low is None else float(low), None if high is None else float(high)
