"""The lines to devices: the only I/O of the drivers. `LINKS` names each kind, its options and what makes it.

pymodbus, pyserial and aiohttp are imported by the first connect, not by this table: checking a config needs none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from drivers.links.byte_line import SerialLine, SerialOptions, TcpLine, TcpOptions
from drivers.links.http import HttpLink, HttpOptions
from drivers.links.modbus_rtu import ModbusRtu, ModbusRtuOptions
from drivers.links.modbus_tcp import ModbusRtuTcpOptions, ModbusTcp, ModbusTcpOptions
from drivers.links.rtsp import RtspLink, RtspOptions
from sentinel.ports import Link, Request, Speech, Words, Write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

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
    """The options of one kind of link, `make(options, name, folder)`, and what goes over it.

    `folder` is the state's: whoever signs in keeps there, beyond a restart, that a password was refused. `make` gives a
    ModbusLink, a ports.ByteLink, or a ports.Link of HttpRequest or RtspRequest, as `speech` says; call it inside the
    running loop. It does no I/O.
    """

    options: type[BaseModel]
    make: Callable[[Any, str, Path], Any]
    speech: Speech


def _modbus_tcp(options: ModbusTcpOptions | ModbusRtuTcpOptions, name: str, _folder: Path) -> ModbusTcp:
    return ModbusTcp(options, name)


def _modbus_rtu(options: ModbusRtuOptions, name: str, _folder: Path) -> ModbusRtu:
    return ModbusRtu(options, name)


LINKS: Final[dict[str, LinkKind]] = {
    "modbus-tcp": LinkKind(ModbusTcpOptions, _modbus_tcp, Speech.MODBUS),
    "modbus-rtu-tcp": LinkKind(ModbusRtuTcpOptions, _modbus_tcp, Speech.MODBUS),
    "modbus-rtu": LinkKind(ModbusRtuOptions, _modbus_rtu, Speech.MODBUS),
    "serial": LinkKind(SerialOptions, SerialLine, Speech.BYTES),
    "tcp": LinkKind(TcpOptions, TcpLine, Speech.BYTES),
    "http": LinkKind(HttpOptions, HttpLink, Speech.HTTP),
    "rtsp": LinkKind(RtspOptions, RtspLink, Speech.RTSP),
}
