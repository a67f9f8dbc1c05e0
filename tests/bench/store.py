"""How fast a full spool drains into real stores: points per wall second and per CPU second, spool to answer, gzip included."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from sentinel.duty.clock import SystemClock
from sentinel.telemetry.lines import head, line, number
from sentinel.telemetry.model import Flush, Keep
from sentinel.telemetry.spool import Spool
from sentinel.telemetry.target import version_1, version_2
from sentinel.telemetry.writer import Writer
from tests.stores import Influx, Victoria

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from sentinel.telemetry.target import Target

POINTS = 600_000
SERIES = 60
FLUSH_S = 15  # of all series each second


def drain(folder: Path) -> dict[str, Any]:
    """Both stores, one after the other."""
    return asyncio.run(_drain(folder))


async def _drain(folder: Path) -> dict[str, Any]:
    influx, victoria = Influx(folder / "influx"), Victoria(folder / "victoria")
    figures: dict[str, Any] = {}
    for name, server in (("influxdb_1_6", influx), ("victoriametrics", victoria)):
        await server.start()
        try:
            if isinstance(server, Influx):
                await server.query("CREATE DATABASE bench")
                target = version_1(server.url, database="bench")
            else:
                target = version_2(server.url, bucket="bench")
            figures[name] = await _one(folder / f"{name}.db", target)
        finally:
            server.stop()
    return figures


async def _one(path: Path, target: Target) -> dict[str, Any]:
    spool = Spool(path, Keep(30, 512 * 2**20), forward=True)
    await spool.open()
    made = await _fill(spool)
    size = spool.counts().bytes
    idle = await _lateness(asyncio.sleep(3.0))
    writer = Writer(spool, target, SystemClock(), lambda _well, _why: None)
    wall, cpu = time.perf_counter(), time.process_time()
    task = asyncio.create_task(writer.run())
    busy = await _lateness(_drained(spool))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert spool.counts().written == made, spool.counts()
    await spool.close()
    return {
        "points": made,
        "points_per_s": round(made / wall),
        "points_per_cpu_s": round(made / cpu),
        "spool_bytes_per_point": round(size / made, 2),
        "loop_late_ms_p50_p99": busy,
        "loop_late_ms_p50_p99_idle": idle,
    }


async def _fill(spool: Spool) -> int:
    """A day and more of a busy branch: flushes of fifteen seconds."""
    heads = [
        head("measure", {"branch": "durg-17", "bank": "sbi", "device": f"d{n % 3}", "point": f"d{n % 3}.r{n}"})
        for n in range(SERIES)
    ]
    at_ms, made = int(time.time() * 1000) - POINTS // SERIES * 1000, 0
    while made < POINTS:
        first, lines = at_ms, list[str]()
        for _ in range(FLUSH_S):
            at_ms += 1000
            lines += [
                line(one, f"quality=0i,value={number((at_ms // 1000 * 7 + n * 13) % 4096 / 10)}", at_ms)
                for n, one in enumerate(heads)
            ]
        await spool.append(Flush(tuple(lines), first, at_ms, {}))
        made += len(lines)
    return made


async def _drained(spool: Spool) -> None:
    while spool.counts().waiting:
        await asyncio.sleep(0.01)


async def _lateness(work: Coroutine[Any, Any, None]) -> list[float]:
    """How late a sleep of five milliseconds wakes up while the work goes on, in ms: median and 99th of a hundred."""
    late: list[float] = []
    task = asyncio.create_task(work)
    while not task.done():
        began = time.perf_counter()
        await asyncio.sleep(0.005)
        late.append((time.perf_counter() - began - 0.005) * 1000)
    await task
    late.sort()
    return [round(late[len(late) // 2], 2), round(late[int(len(late) * 0.99)], 2)]
