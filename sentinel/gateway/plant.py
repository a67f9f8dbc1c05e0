"""The wires of a branch: links, the devices on them, and one poller a link, made from the settings.

`make` opens no line and the drivers come from a table; nothing here knows a concrete one. Opening does no I/O: a link opens
itself on its first read, and an absent device is a failed reading, not a failed start.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from drivers import driver
from sentinel.duty.supervise import supervise
from sentinel.gateway.poller import Poller

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.links import ModbusLink
    from sentinel.core.model import Reading
    from sentinel.duty.supervise import Fallen, Progress
    from sentinel.ports import Clock
    from sentinel.settings import equipment
    from sentinel.settings.site import Settings

POLLER_SILENT_S = 30.0  # a poller that does nothing for so long is stuck
CLOSE_S = 2.0


class Plant:
    """One generation of wires; a reload that changes them makes a new one. Make it inside the running loop."""

    def __init__(
        self,
        settings: Settings,
        take: Callable[[list[Reading]], None],
        clock: Clock,
        make: Callable[[equipment.Link, str, Path], ModbusLink],
    ) -> None:
        self.links: dict[str, ModbusLink] = {}
        self.pollers: dict[str, Poller] = {}
        for name, link in settings.links.items():
            made = make(link, name, Path(settings.gateway.state_dir))
            drivers = [
                driver(device.driver).build(id_, device.profile, device.options, settings.urgent_points(id_))
                for id_, device in settings.devices.items()
                if device.link == name
            ]
            self.links[name] = made
            self.pollers[name] = Poller(
                name, made, drivers, take, clock, damaged=partial(_damaged, made), held=made.held_s
            )

    async def run(self, progress: Progress, fallen: Fallen) -> None:
        """Poll every line until cancelled, then give the lines back."""
        try:
            async with asyncio.TaskGroup() as group:
                for name, poller in self.pollers.items():
                    poller.alive = progress.expect(f"poller {name}", POLLER_SILENT_S)
                    group.create_task(supervise(f"poller {name}", poller.run, fallen), name=f"poller {name}")
        finally:
            for name in self.pollers:
                progress.forget(f"poller {name}")
            async with asyncio.timeout(CLOSE_S):
                await asyncio.gather(*(link.close() for link in self.links.values()), return_exceptions=True)


def _damaged(link: ModbusLink) -> int:
    return link.stats().crc_errors
