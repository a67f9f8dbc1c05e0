"""Who may be connected: so many at once on each way in, and nobody who asks nothing for long.

A local program that leaks or hoards connections is turned away: the daemon keeps its file descriptors for alarms.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

IDLE_S = 15.0  # from a connection's beginning, and from an answer, to the next whole request
BACKLOG = 16  # so many may be let in before the first of them is counted
UNREAD_S = 15.0  # an answer that nobody takes
# No line in the log for each request; what a refused body still sends is read for a moment; nothing is unpacked.
OPTIONS: dict[str, Any] = {
    "access_log": None,
    "keepalive_timeout": IDLE_S,
    "lingering_time": 2.0,
    "auto_decompress": False,
}


class Door:
    """Makes the connections of one way in: `most` at once, the next is closed unanswered."""

    def __init__(self, server: web.Server, most: int) -> None:
        self.server = server
        self.most = most
        self.inside: set[_Connection] = set()

    def __call__(self) -> web.RequestHandler:
        """The protocol of a connection that asyncio is about to make."""
        return _Connection(self)


class _Connection(web.RequestHandler):
    __slots__ = ("_door", "_unread")

    def __init__(self, door: Door) -> None:
        super().__init__(door.server, loop=asyncio.get_running_loop(), **OPTIONS)
        self._door = door
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if len(self._door.inside) < self._door.most:
            self._door.inside.add(self)
            super().connection_made(transport)
        elif isinstance(transport, asyncio.WriteTransport):
            transport.abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        if self in self._door.inside:
            self._door.inside.discard(self)
            self._taken()
            super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self.transport is not None:
            self._unread = asyncio.get_running_loop().call_later(UNREAD_S, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._taken()

    def _taken(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
        self._unread = None
