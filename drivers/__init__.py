"""The drivers by name. Ours are in the table; strangers' come by the entry-point group `sentinel.drivers`."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from sentinel.ports import Speech

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pydantic import BaseModel

    from drivers.described import Described

DRIVERS: dict[str, str] = {  # name -> module:attribute, imported when it is used
    "modbus": "drivers.modbus:DRIVER",
    "contact-id": "drivers.contact_id:DRIVER",
    "it100": "drivers.it100:DRIVER",
    "alarmdecoder": "drivers.alarmdecoder:DRIVER",
    "printer": "drivers.printer:DRIVER",
    "hikvision": "drivers.hikvision:DRIVER",
    "dahua": "drivers.dahua:DRIVER",
    "onvif": "drivers.onvif:DRIVER",
    "rtsp": "drivers.rtsp:DRIVER",
}
ENTRY_POINTS = "sentinel.drivers"


@dataclass(frozen=True, slots=True)
class DriverKind:
    """What a driver gives: the model of its options, and how one is made for a device.

    `build(device, profile, options, urgent)` makes a ports.Driver, Conversation or Assessor, as `speech` says.
    `points(options)` describes its points where no profile does.
    """

    options: type[BaseModel]
    build: Callable[..., Any]
    speech: Speech = Speech.MODBUS
    points: Callable[[Any], Sequence[Described]] | None = None


def driver(name: str) -> DriverKind:
    """The driver of that name, or LookupError with the names there are; TypeError when a stranger's is none."""
    if name in DRIVERS:
        module, _, attribute = DRIVERS[name].partition(":")
        found: Any = getattr(import_module(module), attribute)
    else:
        strangers = {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}
        if name not in strangers:
            raise LookupError(f'no driver "{name}"; there are: {", ".join(sorted({*DRIVERS, *strangers}))}')
        found = strangers[name].load()
    if not isinstance(found, DriverKind):
        raise TypeError(f'driver "{name}" is no DriverKind')
    return found
