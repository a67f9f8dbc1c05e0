"""Every point that was made is in a real InfluxDB 1.6 and a real VictoriaMetrics, also when they are killed on the way."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from sentinel.duty.clock import SystemClock
from sentinel.telemetry.lines import fields, head, line
from sentinel.telemetry.model import Flush, Keep
from sentinel.telemetry.spool import Spool
from sentinel.telemetry.target import Target, version_1, version_2
from sentinel.telemetry.writer import Writer
from tests.stores import Influx, Points, Victoria

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

pytestmark = pytest.mark.real

KEEP = Keep(30, 512 * 2**20)
SERIES = [f"panel.r{n}" for n in range(60)]
NAMES = {"branch": "shivnath-sector6", "bank": "State Bank, Durg = CG", "station": "दुर्ग"}


class Branch:
    """Makes points as a branch does, and remembers each."""

    def __init__(self, folder: Path) -> None:
        self.spool = Spool(folder / "telemetry.db", KEEP, forward=True)
        self.made: Points = {}
        self.told: list[tuple[bool, str]] = []
        self.wake: Callable[[], None] = lambda: None
        self._heads = {point: head("measure", {**NAMES, "point": point}) for point in SERIES}
        self._at_ms = int((time.time() - 10 * 86_400) * 1000)

    async def flush(self, seconds: int) -> None:
        """So many seconds of all series, as one flush."""
        first, lines = self._at_ms, list[str]()
        tags = ",".join(f"{name}={value}" for name, value in sorted(NAMES.items()))
        for _ in range(seconds):
            self._at_ms += 1000
            for n, point in enumerate(SERIES):
                value = round(self._at_ms % 86_400_000 / 7 + n / 10, 2)
                lines.append(line(self._heads[point], fields({"value": value, "quality": 0}), self._at_ms))
                series = f"measure,{tags.replace(',station', f',point={point},station')}"
                self.made[f"{series} value", self._at_ms] = value
                self.made[f"{series} quality", self._at_ms] = 0.0
        await self.spool.append(Flush(tuple(lines), first, self._at_ms, {}))
        self.wake()

    async def drained(self, within_s: float = 50) -> None:
        async with asyncio.timeout(within_s):
            while self.spool.counts().waiting:
                await asyncio.sleep(0.05)


@asynccontextmanager
async def writing(branch: Branch, target: Target) -> AsyncIterator[None]:
    """A writer at work."""
    await branch.spool.open(int(time.time() * 1000))
    writer = Writer(branch.spool, target, SystemClock(), lambda well, why: branch.told.append((well, why)))
    branch.wake = writer.wake
    task = asyncio.create_task(writer.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await branch.spool.close()


@pytest.fixture
async def influx(tmp_path: Path) -> AsyncIterator[Influx]:
    server = Influx(tmp_path / "influx")
    await server.start()
    yield server
    server.stop()


@pytest.fixture
async def victoria(tmp_path: Path) -> AsyncIterator[Victoria]:
    server = Victoria(tmp_path / "victoria")
    await server.start()
    yield server
    server.stop()


async def test_every_point_is_in_influxdb_with_its_value_and_its_time(tmp_path: Path, influx: Influx) -> None:
    await influx.query("CREATE DATABASE durg")
    branch = Branch(tmp_path)
    async with writing(branch, version_1(influx.url, database="durg")):
        for _ in range(20):
            await branch.flush(15)
        await branch.drained()
        assert branch.spool.counts().written == 20 * 15 * 60
    assert await influx.points("durg", "measure") == branch.made
    assert branch.told == []


@pytest.mark.parametrize("api", ["v1", "v2"])
async def test_every_point_is_in_victoriametrics_with_its_value_and_its_time(
    tmp_path: Path, victoria: Victoria, api: str
) -> None:
    branch = Branch(tmp_path)
    v1, v2 = version_1(victoria.url, database="durg"), version_2(victoria.url, bucket="durg")
    async with writing(branch, v1 if api == "v1" else v2):
        for _ in range(20):
            await branch.flush(15)
        await branch.drained()
    assert await victoria.points("measure") == branch.made
    assert branch.told == []


@pytest.mark.parametrize("kind", ["influx", "victoria"])
async def test_a_store_that_is_stopped_killed_and_started_again_has_every_point_in_the_end(
    tmp_path: Path, kind: str
) -> None:
    server = Influx(tmp_path / "store") if kind == "influx" else Victoria(tmp_path / "store")
    await server.start()
    branch = Branch(tmp_path)
    if isinstance(server, Influx):
        await server.query("CREATE DATABASE durg")
        target = version_1(server.url, database="durg")
    else:
        target = version_2(server.url, bucket="durg")
    try:
        async with writing(branch, target):
            for ending in (server.kill, server.stop, server.kill):
                before = branch.spool.counts().written
                for _ in range(60):
                    await branch.flush(15)
                async with asyncio.timeout(20):
                    while branch.spool.counts().written < before + 20_000:
                        await asyncio.sleep(0.002)
                ending()  # in the middle of the drain
                await branch.flush(15)
                assert branch.spool.counts().waiting > 900
                await server.start()
            await branch.drained()
        counts = branch.spool.counts()
        assert (counts.written, counts.dropped, counts.poisoned) == (len(branch.made) // 2, 0, 0)
        there = await (server.points("durg", "measure") if isinstance(server, Influx) else server.points("measure"))
        assert len(there) == len(branch.made)
        assert there == branch.made
        assert branch.told == []
    finally:
        server.stop()
