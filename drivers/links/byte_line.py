"""Lines that carry bytes: a serial port, or a socket in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from pathlib import Path


class SerialOptions(BaseModel):
    """One panel on a serial port. Name the port by its lasting path, /dev/serial/by-id/..."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["serial"] = "serial"
    port: str = Field(min_length=1)
    baud: int = Field(default=9600, ge=300, le=1_000_000)
    bits: Literal[7, 8] = 8
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1


class TcpOptions(BaseModel):
    """One panel behind a TCP socket: a module of its own, or a serial server."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["tcp"] = "tcp"
    host: str = Field(min_length=1)
    port: int = Field(ge=1, le=65535)


class SerialLine:
    """ports.ByteLink on a serial port."""

    def __init__(self, options: SerialOptions, name: str, folder: Path) -> None:
        raise NotImplementedError


class TcpLine:
    """ports.ByteLink on a TCP socket."""

    def __init__(self, options: TcpOptions, name: str, folder: Path) -> None:
        raise NotImplementedError
