"""Lines that carry bytes for one panel: a serial port, or a TCP socket in its place.

Opened again after a loss by whoever talks on it, who also decides when; a serial port is looked up anew each time, so an
adapter that came back as another /dev/tty is found by its lasting path. Nothing here blocks the loop: a port is opened in
a thread, then watched by the loop. Never retries, never logs. Made by the composition root through `LINKS`.
"""

from __future__ import annotations

import asyncio
import os
import socket
import termios
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from sentinel.core.model import Failure
from sentinel.ports import LinkError

if TYPE_CHECKING:
    from pathlib import Path

    import serial

OPEN_S: Final = 5.0
SEND_S: Final = 5.0  # an acknowledgement is some bytes; a line that does not take them in this time is stuck
_PIECE: Final = 4096
_MOST: Final = 64 * 1024  # bytes that wait to be received; then the line itself has to wait


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
    """ports.ByteLink on a serial port, which this process then has alone."""

    def __init__(self, options: SerialOptions, name: str, _folder: Path) -> None:
        self._options = options
        self._name = name or options.port
        self._port: serial.Serial | None = None
        self._came = bytearray()
        self._news = asyncio.Event()
        self._writable = asyncio.Event()
        self._gone = ""  # why, once the open port is lost
        self._paused = False

    async def open(self) -> None:
        """Take the port, or LinkError (NOT_CONNECTED) when it is not there or is another's. What came before is dropped."""
        await self.close()
        opening = asyncio.get_running_loop().run_in_executor(None, _open_port, self._options)
        try:
            async with asyncio.timeout(OPEN_S):
                port = await asyncio.shield(opening)
        except TimeoutError:
            opening.add_done_callback(_close_late)
            raise self._lost(f"not open within {OPEN_S:g} s") from None
        except asyncio.CancelledError:
            opening.add_done_callback(_close_late)
            raise
        except OSError as error:
            raise self._lost(str(error)) from error
        self._port, self._gone, self._paused = port, "", False
        self._came.clear()
        self._news.clear()
        asyncio.get_running_loop().add_reader(port.fileno(), self._take)

    async def receive(self) -> bytes:
        """The next bytes, at least one. What came before a loss is still given."""
        while not self._came:
            if self._port is None or self._gone:
                raise self._lost(self._gone or "not open")
            self._news.clear()
            await self._news.wait()
        came = bytes(self._came)
        self._came.clear()
        if self._paused and self._port is not None and not self._gone:
            self._paused = False
            asyncio.get_running_loop().add_reader(self._port.fileno(), self._take)
        return came

    async def send(self, data: bytes) -> None:
        """Hand them to the port within SEND_S. A port that takes only a part is lost: half a word is worse than none."""
        left = memoryview(data)
        try:
            async with asyncio.timeout(SEND_S):
                while left:
                    if self._port is None or self._gone:
                        raise self._lost(self._gone or "not open")
                    try:
                        left = left[os.write(self._port.fileno(), left) :]
                    except BlockingIOError:
                        await self._until_writable(self._port.fileno())
        except TimeoutError:
            self._lose(f"took only {len(data) - len(left)} of {len(data)} bytes within {SEND_S:g} s")
            raise self._lost(self._gone) from None
        except OSError as error:
            self._lose(str(error))
            raise self._lost(self._gone) from error
        except asyncio.CancelledError:
            if len(left) < len(data):
                self._lose("a word was cut in the middle")
            raise

    async def close(self) -> None:
        """Give the port back; also a second time."""
        self._lose("closed")
        port, self._port = self._port, None
        if port is not None:
            with suppress(OSError, termios.error):
                port.close()

    def _take(self) -> None:
        """The port has something to say, or is gone."""
        port = self._port
        if port is None:
            return
        try:
            came = os.read(port.fileno(), _PIECE)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(str(error))
            return
        if not came:
            self._lose("the port hung up")
            return
        self._came += came
        self._news.set()
        if len(self._came) >= _MOST:
            self._paused = True
            asyncio.get_running_loop().remove_reader(port.fileno())

    async def _until_writable(self, fd: int) -> None:
        loop = asyncio.get_running_loop()
        self._writable.clear()
        loop.add_writer(fd, self._writable.set)
        try:
            await self._writable.wait()
        finally:
            if self._port is not None and not self._gone:
                loop.remove_writer(fd)

    def _lose(self, why: str) -> None:
        """Look at the port no more; who waits on it learns why."""
        if self._port is not None and not self._gone:
            self._gone = why
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._port.fileno())
            loop.remove_writer(self._port.fileno())
        self._news.set()
        self._writable.set()

    def _lost(self, why: str) -> LinkError:
        return LinkError(Failure.NOT_CONNECTED, f"{self._name}: {why}")


class TcpLine:
    """ports.ByteLink on a TCP socket."""

    def __init__(self, options: TcpOptions, name: str, _folder: Path) -> None:
        self._options = options
        self._name = name or f"{options.host}:{options.port}"
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self) -> None:
        """Connect, or LinkError (NOT_CONNECTED). What came before is dropped."""
        await self.close()
        try:
            async with asyncio.timeout(OPEN_S):
                reader, writer = await asyncio.open_connection(self._options.host, self._options.port, limit=_MOST // 2)
        except TimeoutError:
            raise self._lost(f"no connection within {OPEN_S:g} s") from None
        except (OSError, UnicodeError) as error:  # also a host name that cannot be one
            raise self._lost(f"no connection: {error}") from error
        self._reader, self._writer = reader, writer
        _keep_alive(writer.get_extra_info("socket"))

    async def receive(self) -> bytes:
        """The next bytes, at least one."""
        reader = self._reader
        if reader is None:
            raise self._lost("not open")
        try:
            came = await reader.read(_PIECE)
        except OSError as error:
            raise self._lost(str(error)) from error
        if not came:
            raise self._lost("the other end hung up")
        return came

    async def send(self, data: bytes) -> None:
        """Hand them to the socket; within SEND_S all that waits is down to what the system buffers."""
        writer = self._writer
        if writer is None or writer.is_closing():
            raise self._lost("not open")
        try:
            writer.write(data)
            async with asyncio.timeout(SEND_S):
                await writer.drain()
        except TimeoutError:
            writer.transport.abort()
            raise self._lost(f"takes nothing for {SEND_S:g} s") from None
        except OSError as error:
            raise self._lost(str(error)) from error

    async def close(self) -> None:
        """Hang up; also a second time. Who receives learns it."""
        writer, self._writer, self._reader = self._writer, None, None
        if writer is not None:
            writer.transport.abort()
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(1.0):
                    await writer.wait_closed()

    def _lost(self, why: str) -> LinkError:
        return LinkError(Failure.NOT_CONNECTED, f"{self._name}: {why}")


def _open_port(options: SerialOptions) -> serial.Serial:
    """Blocking. OSError when it is not there, is another's, or cannot do this."""
    import serial

    try:
        port = serial.Serial(
            options.port,
            options.baud,
            bytesize=options.bits,
            parity=options.parity,
            stopbits=options.stop_bits,
            timeout=0,
            exclusive=True,
        )  # its own error is an OSError
    except (ValueError, termios.error) as error:
        raise OSError(f"{options.port} is no serial port for this: {error}") from error
    try:
        os.set_blocking(port.fileno(), False)
        settings = termios.tcgetattr(port.fileno())
        settings[6][termios.VMIN] = 1  # pyserial's 0 makes an empty read look like a hang-up
        settings[6][termios.VTIME] = 0
        termios.tcsetattr(port.fileno(), termios.TCSANOW, settings)
        termios.tcflush(port.fileno(), termios.TCIFLUSH)
    except termios.error as error:
        port.close()
        raise OSError(f"{options.port} is no serial port: {error}") from error
    return port


def _close_late(opening: asyncio.Future[serial.Serial]) -> None:
    """A port that opened when nobody waited any more must not stay ours."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


def _keep_alive(sock: socket.socket | None) -> None:
    """Notice within a minute a module that lost its power and says nothing any more."""
    if sock is None:
        return
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 20)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 20_000)
