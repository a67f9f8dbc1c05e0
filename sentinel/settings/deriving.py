"""Zones that nobody had to write: every point that a driver describes with a role and a meaning.

A zone or summary of the config on the same point wins. Pure; called once the file is read, before the cross checks, so
that policy, page, records and checks know no difference.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import ValidationError

from sentinel.core.model import Role
from sentinel.settings.equipment import Summary, Zone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sentinel.settings.equipment import DescribedView, Device
    from sentinel.settings.site import Settings

LONGEST_ID = 80


@dataclass(frozen=True, slots=True)
class Derived:
    """The settings with their derived zones; which device stands behind each; what could not be made, by device."""

    settings: Settings
    behind: dict[str, str]  # zone or summary id -> device
    faults: tuple[tuple[str, str], ...]


def derive(settings: Settings) -> Derived:
    """Every described point that means something, as a zone; one taken off the hooter as a summary."""
    zones, summaries = dict(settings.zones), dict(settings.summaries)
    written = {wired.point for wired in (*zones.values(), *summaries.values())}
    behind: dict[str, str] = {}
    faults: list[tuple[str, str]] = []
    for device_id, device in settings.devices.items():
        for point in _telling(device):
            name = f"{device_id}.{point.id}"
            if name in written:
                continue
            id_ = name.replace(".", "-")
            if id_ in zones or id_ in summaries:
                other = f"of devices.{behind[id_]}" if id_ in behind else f"zones.{id_}"
                faults.append((device_id, f"its point {point.id} would be zone '{id_}' and so is {other}: rename one"))
                continue
            try:
                made = _zone(name, id_, device, point)
            except ValueError as error:
                faults.append((device_id, f"its point {point.id} makes no zone: {_first(error)}"))
                continue
            behind[id_] = device_id
            if isinstance(made, Zone):
                zones[id_] = made
            else:
                summaries[id_] = made
    return Derived(replace(settings, zones=zones, summaries=summaries), behind, tuple(faults))


def _telling(device: Device) -> Iterator[DescribedView]:
    for point in device.described.values():
        if point.role not in (None, Role.MEASURE) and point.means:
            yield point


def _zone(name: str, id_: str, device: Device, point: DescribedView) -> Zone | Summary:
    """ValueError (pydantic's is one) when it is none: a name in one language, a word that can mean only one thing."""
    if len(id_) > LONGEST_ID:
        raise ValueError(f"'{id_}' is longer than {LONGEST_ID} letters: shorten the device's or the camera's id")
    said = device.name.text() if point.name is None else point.name
    body = {
        "point": name,
        "name": {"en": said.en, "hi": said.hi},
        "wiring": {"states": {word: str(condition) for word, condition in point.means}},
    }
    if point.role is Role.SUMMARY:
        return Summary.model_validate(body)
    return Zone.model_validate({**body, "role": point.role})


def _first(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    detail = error.errors(include_url=False)[0]
    where = ".".join(str(key) for key in detail["loc"] if not str(key).startswith("<"))
    if where == "point":
        return "ids of devices and cameras are small letters, digits and dashes"
    reason = detail["msg"].removeprefix("Value error, ")
    return f"{where}: {reason}" if where else reason
