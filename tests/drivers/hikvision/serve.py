"""A simulated recorder in a process of its own, so that a test can count its own CPU: says its port, ends with its stdin."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime

from drivers.sim.hikvision import SimHikvision
from tests.drivers.hikvision.branch import IST, simulated


async def serve(cameras: int) -> None:
    it = simulated(cameras, file_minutes=30)
    it.now = lambda: datetime.now(IST)
    simulator = SimHikvision(it)
    print(await simulator.serve(), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await simulator.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
