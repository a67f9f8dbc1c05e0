"""The drivers by name. Ours are in the table; strangers' come by the entry-point group `sentinel.drivers`."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

    from sentinel.ports import Driver

DRIVERS: dict[str, str] = {"modbus": "drivers.modbus:DRIVER"}  # name -> module:attribute, imported when it is used
ENTRY_POINTS = "sentinel.drivers"


@dataclass(frozen=True, slots=True)
class DriverKind:
    """What a driver gives: the model of its options, and how one is made for a device."""

    options: type[BaseModel]
    build: Callable[..., Driver]  # (device id, profile, options, urgent point ids) -> the driver; Any: each its own


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
