"""The demo's town with the real daemon in it, for tests of the page: one for a whole module, in a thread of its own.

Tests change devices and speak for the police from their own loop; `calm` puts everything back and closes what is open.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from sentinel.demo.town import town
from sentinel.gateway.exchange import CommandKind

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Coroutine, Iterator

    from sentinel.core.incident import Incident
    from sentinel.core.model import Value
    from sentinel.demo.town import Town

T = TypeVar("T")
UP_S, LOOK_S = 45.0, 0.05


class Branch:
    """One running town. Its devices, its room and its daemon."""

    def __init__(self, made: Town, loop: asyncio.AbstractEventLoop) -> None:
        self.town = made
        self._loop = loop
        self.url = f"http://127.0.0.1:{made.page_port}"

    async def _there(self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def set(self, point: str, value: Value) -> None:
        """A device on the bus gives another value."""
        self.town.bus.set(point, value)

    async def fire(self, zone: str, word: str) -> None:
        """The fire panel says another word."""
        await self._there(self.town.fire.set(f"fire-panel.{zone}", word))

    async def unplug(self, *, back: bool = False) -> None:
        """The adapter of the RS-485 line is pulled out, or put in again."""
        await self._there(self.town.bus.plug() if back else self.town.bus.pull())

    async def opened(self, zone: str, within_s: float = 15.0) -> Incident:
        """What the room knows of an open incident, hold-up and all."""
        await until(lambda: self.town.outside.opened(f"zone:{zone}") is not None, within_s)
        found = self.town.outside.opened(f"zone:{zone}")
        assert found is not None
        return found

    def open_zones(self) -> frozenset[str]:
        """Of which the room knows an open incident."""
        open_ = self.town.outside.state().incidents.values()
        return frozenset(one.subject.removeprefix("zone:") for one in open_)

    async def calm(self, within_s: float = 30.0) -> None:
        """Everything at rest, and the station closes what is open."""
        await self._there(self.town.calm())
        outside, ends = self.town.outside, time.monotonic() + within_s
        while open_ := list(outside.state().incidents.values()):
            assert time.monotonic() < ends, [one.subject for one in open_]
            for one in open_:
                if one.latching and not one.active:
                    await self._there(self._close(one))
            await asyncio.sleep(0.3)
        await until(self._well, within_s)

    async def _close(self, one: Incident) -> None:
        self.town.room.command(
            self.town.outside.branch,
            CommandKind.CLOSE,
            name="Insp. A. Sahu",
            role="police",
            incident=one.code,
            disposition="genuine",
        )

    async def _well(self) -> bool:
        return await self._there(self.town.outside.is_ready())

    async def ask(self, url: str) -> tuple[int, Any]:
        """A GET on the daemon's socket."""
        return await self._there(self.town.outside.ask(url))

    def send(self, number: signal.Signals) -> None:
        """A signal to the daemon, and to nobody else."""
        os.kill(self.town.daemon.process.pid, number)


async def until(wanted: Callable[[], bool | Coroutine[Any, Any, bool]], within_s: float) -> None:
    """Look until it is so."""
    ends = time.monotonic() + within_s
    while True:
        found = wanted()
        if found if isinstance(found, bool) else await found:
            return
        assert time.monotonic() < ends, "not so in time"
        await asyncio.sleep(LOOK_S)


@contextmanager
def running() -> Iterator[Branch]:
    """A town from here to the end of the block."""
    ready, over = threading.Event(), threading.Event()
    made: list[Branch] = []

    async def live() -> None:
        async with town() as one:
            made.append(Branch(one, asyncio.get_running_loop()))
            ready.set()
            while not over.is_set():
                await asyncio.sleep(0.1)

    def run() -> None:
        try:
            asyncio.run(live())
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="town")
    thread.start()
    try:
        assert ready.wait(UP_S)
        assert made, "the town did not come up"
        yield made[0]
    finally:
        over.set()
        thread.join()
