"""The simulator in a process of its own, so that a measurement of the driver is of the driver: prints its port."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime

from drivers.sim.dahua import SimDahua
from drivers.sim.dahua_recorder import Recorder, SimCamera
from tests.drivers.dahua.talk import IST


async def main(cameras: int) -> None:
    sim = SimDahua(Recorder([SimCamera(f"CAM {n}") for n in range(cameras)], now=lambda: datetime.now(IST)))
    print(await sim.serve(), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await sim.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
