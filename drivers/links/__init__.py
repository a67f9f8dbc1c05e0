"""The lines to devices: the only I/O of the drivers. `LINKS` names each kind, its options and what makes it.

pymodbus and pyserial are imported by the first connect, not by this table: checking a config needs neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from drivers.links.modbus_rtu import ModbusRtu, ModbusRtuOptions
from drivers.links.modbus_tcp import ModbusRtuTcpOptions, ModbusTcp, ModbusTcpOptions
from sentinel.ports import Link, Request, Words, Write

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

    from drivers.links.stats import LinkStats


class ModbusLink(Link[Request, Words], Protocol):
    """A link that speaks Modbus, whatever carries it."""

    async def write(self, write: Write) -> None:
        """Write, and believe only the exact echo. LinkError when it may not have been done."""

    def held_s(self, unit: int) -> float:
        """How long a question to this unit would wait: ask its neighbours first."""

    def stats(self) -> LinkStats:
        """The counters now."""


class LinkKind(NamedTuple):
    """The options of one kind of link, and `make(options, name)`; call `make` inside the running loop."""

    options: type[BaseModel]
    make: Callable[..., ModbusLink]


LINKS: Final[dict[str, LinkKind]] = {
    "modbus-tcp": LinkKind(ModbusTcpOptions, ModbusTcp),
    "modbus-rtu-tcp": LinkKind(ModbusRtuTcpOptions, ModbusTcp),
    "modbus-rtu": LinkKind(ModbusRtuOptions, ModbusRtu),
}
