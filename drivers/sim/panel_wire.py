"""A simulated panel on a real wire, TCP or a pty, and what can be wrong with that wire. The daemon never imports this."""

from __future__ import annotations

import asyncio
import os
import random
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from drivers.sim.pty_pair import PtyPair

if TYPE_CHECKING:
    from pathlib import Path

CHUNK = 4096
LATE_S = 2.0


class WireFault(StrEnum):
    """What the line does to what the panel says."""

    SILENT = "silent"
    LATE = "late"  # by two seconds
    GARBLED = "garbled"  # one bit in twenty bytes is another one
    TRUNCATED = "truncated"  # the end of each message is missing


class Panel(Protocol):
    """What a simulated panel gives: bytes for bytes."""

    def connected(self) -> bytes:
        """Somebody opened the line."""

    def hear(self, data: bytes) -> bytes:
        """The answer to what came."""


class PanelWire:
    """One panel and whoever listens. `say` sends what the panel says by itself; `close` when done."""

    def __init__(self, panel: Panel, seed: int = 1) -> None:
        self.panel = panel
        self.fault: WireFault | None = None
        self._rng = random.Random(seed)  # noqa: S311 noise on a line, no secret
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._pair: PtyPair | None = None
        self._fd = -1
        self._late: set[asyncio.TimerHandle] = set()

    async def serve_tcp(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; the port that was taken."""
        self._server = await asyncio.start_server(self._serve, host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def serve_pty(self, link: Path | None = None) -> str:
        """Open a pty as the serial line; the path for the other side."""
        self._pair = PtyPair(link)
        self._fd = os.open(self._pair.ours, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        asyncio.get_running_loop().add_reader(self._fd, self._read)
        return self._pair.theirs

    def say(self, data: bytes) -> None:
        """Put it on the line, as the fault lets it."""
        match self.fault:
            case WireFault.SILENT:
                return
            case WireFault.LATE:
                loop = asyncio.get_running_loop()
                self._late = {handle for handle in self._late if handle.when() > loop.time()}
                self._late.add(loop.call_later(LATE_S, self._write, data))
                return
            case WireFault.GARBLED:
                data = bytes(
                    byte ^ (1 << self._rng.randrange(8) if not self._rng.randrange(20) else 0) for byte in data
                )
            case WireFault.TRUNCATED:
                data = data[: -self._rng.randint(1, 4)]
            case None:
                pass
        self._write(data)

    def drop(self) -> None:
        """Hang up on everybody; they may come again."""
        for writer in self._writers:
            writer.close()

    async def close(self) -> None:
        """Leave the wire."""
        for handle in self._late:
            handle.cancel()
        self.drop()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        if self._pair is not None:
            asyncio.get_running_loop().remove_reader(self._fd)
            os.close(self._fd)
            self._pair.close()

    def _write(self, data: bytes) -> None:
        for writer in self._writers:
            if not writer.is_closing():
                writer.write(data)
        if self._fd >= 0 and data:
            os.write(self._fd, data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            self.say(self.panel.connected())
            while data := await reader.read(CHUNK):
                self.say(self.panel.hear(data))
        except ConnectionError:
            pass  # who hung up hears no more
        finally:
            self._writers.discard(writer)
            writer.close()

    def _read(self) -> None:
        self.say(self.panel.hear(os.read(self._fd, CHUNK)))
