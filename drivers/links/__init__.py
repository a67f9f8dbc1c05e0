"""The lines to devices: the only I/O of the drivers. `LINKS` names each kind, its options and what makes it.

A kind is imported when it is asked for: a branch without a recorder does not carry what signs in to one. pymodbus, pyserial
and aiohttp are imported by the first connect: checking a config needs none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

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


class _Kinds(Mapping[str, LinkKind]):
    """kind -> (module, its options, its class, what it carries)."""

    def __init__(self, rows: dict[str, tuple[str, str, str, Speech]]) -> None:
        self._rows = rows

    def __getitem__(self, kind: str) -> LinkKind:
        name, options, line, speech = self._rows[kind]
        module = import_module(f"drivers.links.{name}")
        return LinkKind(getattr(module, options), getattr(module, line), speech)

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


LINKS: Final[Mapping[str, LinkKind]] = _Kinds(
    {
        "modbus-tcp": ("modbus_tcp", "ModbusTcpOptions", "ModbusTcp", Speech.MODBUS),
        "modbus-rtu-tcp": ("modbus_tcp", "ModbusRtuTcpOptions", "ModbusTcp", Speech.MODBUS),
        "modbus-rtu": ("modbus_rtu", "ModbusRtuOptions", "ModbusRtu", Speech.MODBUS),
        "serial": ("byte_line", "SerialOptions", "SerialLine", Speech.BYTES),
        "tcp": ("byte_line", "TcpOptions", "TcpLine", Speech.BYTES),
        "http": ("http", "HttpOptions", "HttpLink", Speech.HTTP),
        "rtsp": ("rtsp", "RtspOptions", "RtspLink", Speech.RTSP),
    }
)
