"""In real time, on a real loop: a drain delays no alarm, and an outage of both stores costs no point."""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from sentinel.duty.clock import SystemClock
from sentinel.telemetry.spool import Spool
from sentinel.telemetry.target import version_1, version_2
from sentinel.telemetry.writer import Writer
from tests.stores import Influx, Victoria
from tests.telemetry.spooling import flush
from tests.telemetry.test_real_stores import KEEP, ROOT, Branch, writing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OUTAGE_S = float(os.environ.get("SENTINEL_OUTAGE_S", "4"))
FLUSHES = 40  # in the outage, of twelve seconds of sixty points

pytestmark = [pytest.mark.real, pytest.mark.timeout(240 + OUTAGE_S)]

SINK = """
import asyncio
from aiohttp import web
async def main():
    async def handle(request):
        await request.read()
        return web.Response(status=204)
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


async def late_ms(until: Callable[[], bool]) -> list[float]:
    """By how much a loop that wants to look each 5 ms is late, as an alarm would be; sorted."""
    late: list[float] = []
    while not until() or len(late) < 100:
        began = time.monotonic()
        await asyncio.sleep(0.005)
        late.append((time.monotonic() - began - 0.005) * 1000)
    return sorted(late)


async def test_a_drain_at_full_speed_delays_no_alarm(tmp_path: Path) -> None:
    """An alarm is to be told within a quarter of a second; a drain that held the loop for a batch would show here."""
    sink = subprocess.Popen([sys.executable, "-c", SINK], stdout=subprocess.PIPE, cwd=ROOT)
    spool = Spool(tmp_path / "telemetry.db", KEEP, forward=True)
    try:
        await spool.open()
        for number in range(150):
            await spool.append(flush(number, 720))
        assert sink.stdout is not None
        with sink.stdout:
            port = int(await asyncio.to_thread(sink.stdout.readline))
        idle_until = time.monotonic() + 1
        idle = await late_ms(lambda: time.monotonic() > idle_until)
        writer = Writer(spool, version_2(f"http://127.0.0.1:{port}", bucket="b"), SystemClock(), lambda _up, _why: None)
        began = time.monotonic()
        task = asyncio.create_task(writer.run())
        busy = await late_ms(lambda: not spool.counts().waiting)
        took_s = time.monotonic() - began
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert spool.counts().written == 150 * 720
        assert took_s < 60, "it was a drain"
        assert statistics.median(busy) < 10 + 5 * statistics.median(idle)
        assert busy[int(len(busy) * 0.98)] < 50 + 5 * idle[int(len(idle) * 0.98)]
    finally:
        await spool.close()
        sink.kill()
        sink.wait(10)


async def test_an_outage_of_both_stores_costs_no_point(tmp_path: Path) -> None:
    """They hang, are killed, and come again after many flushes: SENTINEL_OUTAGE_S seconds, 4 unless told otherwise."""
    influx, victoria = Influx(tmp_path / "influx"), Victoria(tmp_path / "victoria")
    branches = [Branch(tmp_path / "one"), Branch(tmp_path / "two")]
    servers: tuple[Influx | Victoria, ...] = (influx, victoria)
    try:
        for server in servers:
            await server.start()
        await influx.query("CREATE DATABASE durg")
        one = writing(branches[0], version_1(influx.url, database="durg"))
        two = writing(branches[1], version_2(victoria.url, bucket="durg"))
        async with one, two:
            for branch in branches:
                await branch.flush(12)
                await branch.drained()
            for number in range(FLUSHES):
                if number == 0:
                    for server in servers:
                        server.signal(signal.SIGSTOP)
                if number == FLUSHES // 2:
                    for server in servers:
                        server.kill()
                for branch in branches:
                    await branch.flush(12)
                await asyncio.sleep(OUTAGE_S / FLUSHES)
            for branch in branches:
                assert branch.spool.counts().waiting == FLUSHES * 12 * 60
            for server in servers:
                await server.start()
            for branch in branches:
                await branch.drained(200)
                counts = branch.spool.counts()
                assert counts.made == counts.written == (FLUSHES + 1) * 12 * 60
                assert (counts.dropped, counts.poisoned) == (0, 0)
        assert await influx.points("durg", "measure") == branches[0].made
        assert await victoria.points("measure") == branches[1].made
    finally:
        for server in servers:
            server.stop()
