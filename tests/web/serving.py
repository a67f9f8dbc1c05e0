"""A server of our own on a real socket and a free loopback port, for the tests of the web base and its pages."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sentinel.web.server import Server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from aiohttp import web


@dataclass(frozen=True, slots=True)
class Served:
    """Where it is."""

    url: str
    server: Server
    socket: Path


@asynccontextmanager
async def serving(
    folder: Path,
    routes: list[web.RouteDef],
    *beside: Callable[[], Awaitable[None]],
    port: int = 0,
    address: str = "127.0.0.1",
) -> AsyncIterator[Served]:
    """Serve `routes`, and run what runs `beside` them, until the end of the block."""
    server = Server(routes, folder / "s", port, address)
    tasks = [asyncio.ensure_future(work()) for work in (server.run, *beside)]
    try:
        async with asyncio.timeout(5):
            while server.port is None:
                await asyncio.sleep(0.005)
        host = f"[{address}]" if ":" in address else address
        yield Served(f"http://{host}:{server.port}", server, folder / "s")
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
