"""Simulated recorders and panels in a thread and loop of their own, as another machine would be."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from drivers.sim.panel_wire import PanelWire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from drivers.sim.receiver import Receiver


@contextmanager
def elsewhere(start: Callable[[], Awaitable[tuple[Any, Callable[[], Awaitable[None]]]]]) -> Iterator[Any]:
    """What `start` gives first, while it is served; its second part stops it."""
    ready, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()
    found: list[Any] = []

    async def serve() -> None:
        given, close = await start()
        found.append(given)
        ready.set()
        await stop.wait()
        await close()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(10)
        yield found[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


@contextmanager
def recorder(simulator: Callable[[], Any]) -> Iterator[int]:
    """The port of a recorder's simulator; it is made inside its own loop."""

    async def start() -> tuple[int, Callable[[], Awaitable[None]]]:
        made = simulator()
        return await made.serve(), made.close

    with elsewhere(start) as port:
        yield port


@contextmanager
def panel(made: Any, *, pty: bool = False) -> Iterator[str]:
    """The --link of a panel on a wire. A receiver speaks by itself."""

    async def start() -> tuple[str, Callable[[], Awaitable[None]]]:
        wire = PanelWire(made)
        link = f"serial:{await wire.serve_pty()}" if pty else f"tcp:127.0.0.1:{await wire.serve_tcp()}"
        speaking = asyncio.create_task(_speak(made, wire))

        async def close() -> None:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)
            await wire.close()

        return link, close

    with elsewhere(start) as link:
        yield link


async def _speak(made: Any, wire: PanelWire) -> None:
    if hasattr(made, "run"):
        receiver: Receiver = made
        await receiver.run(wire)
