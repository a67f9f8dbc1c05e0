"""What stands in the demo's branch beside its Modbus devices: a recorder, and a receiver of a panel's reports.

Both are simulators on this machine: a recorder on a socket, a receiver on a pty. The scenes turn what is in them.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from drivers.panel import Status
from drivers.sim.hikvision import SimHikvision
from drivers.sim.hikvision_recorder import SimCamera, SimDisk, SimRecorder
from drivers.sim.panel_wire import PanelWire
from drivers.sim.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ACCOUNT = "C601"
PACE = 0.2  # a receiver whose half minute is six seconds: a scene takes seconds
CAMERAS = ("Gate", "Counter", "Strong room", "Yard")
KEPT_DAYS = 120.0


def recorder() -> SimRecorder:
    """Four cameras and two disks, in India's time wherever the demo runs."""
    kolkata = ZoneInfo("Asia/Kolkata")
    cameras = {number: SimCamera(name) for number, name in enumerate(CAMERAS, start=1)}
    made = SimRecorder(cameras, disks={1: SimDisk(), 2: SimDisk()}, now=lambda: datetime.now(kolkata))
    calm(made)
    return made


def calm(made: SimRecorder) -> None:
    """Every camera there and recording, every disk well, footage for long enough."""
    for camera in made.cameras.values():
        camera.online, camera.kept_days = True, KEPT_DAYS
    for disk in made.disks.values():
        disk.status = "ok"


@asynccontextmanager
async def serving(made: SimRecorder) -> AsyncIterator[int]:
    """The recorder on a port of this machine; the port."""
    server = SimHikvision(made)
    try:
        yield await server.serve()
    finally:
        await server.close()


class ReportingPanel:
    """An intruder panel that reports through a receiver on a serial line."""

    def __init__(self) -> None:
        self._receiver = Receiver(account=ACCOUNT, pace=PACE)

    @property
    def acknowledged(self) -> list[bytes]:
        """The reports that it may forget."""
        return self._receiver.acknowledged

    def report(self, code: int, status: Status = Status.NEW, *, zone: int) -> None:
        """It reports this, in Contact ID."""
        self._receiver.report(code, status, zone=zone)

    @asynccontextmanager
    async def plugged(self, port: Path) -> AsyncIterator[None]:
        """The receiver on this port."""
        wire = PanelWire(self._receiver)
        await wire.serve_pty(port)
        talking = asyncio.create_task(self._receiver.run(wire), name="demo-receiver")
        try:
            yield
        finally:
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)
            await wire.close()
