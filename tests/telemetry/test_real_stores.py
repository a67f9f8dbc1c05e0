"""Every point that was made is in a real InfluxDB 1.6 and a real VictoriaMetrics, also when they are killed on the way."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path
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

pytestmark = [pytest.mark.real, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[2]
KEEP = Keep(30, 512 * 2**20)
SERIES = [f"panel.r{n}" for n in range(60)]
NAMES = {"branch": "shivnath-sector6", "bank": "State Bank, Durg = CG", "station": "दुर्ग"}


class Branch:
    """Makes points as a branch does, and remembers each."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "telemetry.db"
        self.made: Points = {}
        self.told: list[tuple[bool, str]] = []
        self.wake: Callable[[], None] = lambda: None
        self._heads = {point: head("measure", {**NAMES, "point": point}) for point in SERIES}
        self._at_ms = int((time.time() - 10 * 86_400) * 1000)

    async def open(self) -> None:
        """As at each start."""
        self.spool = Spool(self._path, KEEP, forward=True)
        await self.spool.open()

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

    async def drained(self, within_s: float = 120) -> None:
        async with asyncio.timeout(within_s):
            while self.spool.counts().waiting:
                await asyncio.sleep(0.05)


@asynccontextmanager
async def writing(branch: Branch, target: Target) -> AsyncIterator[None]:
    """A writer at work."""
    await branch.open()
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


def now_lines(count: int, like: str) -> tuple[str, ...]:
    """Recent points, one a second."""
    begin = int(time.time()) - count
    return tuple(f"{like.format(n=n)} {(begin + n) * 1000}" for n in range(count))


async def put(branch: Branch, lines: tuple[str, ...]) -> None:
    """One flush of these."""
    times = [int(one.rpartition(" ")[2]) for one in lines]
    await branch.spool.append(Flush(lines, min(times), max(times), {}))
    branch.wake()


async def test_a_real_influxdb_keeps_the_good_lines_and_the_bad_ones_are_kept_aside_with_its_words(
    tmp_path: Path, influx: Influx
) -> None:
    await influx.query("CREATE DATABASE durg")
    branch = Branch(tmp_path)
    async with writing(branch, version_1(influx.url, database="durg")):
        await put(branch, now_lines(1, "door,zone=a value=1i"))  # a whole number from now on
        await branch.drained()
        bad = ["no line at all", "measure,point=x value=1e999 1780000000000", "measure,point=x value= 1780000000000"]
        good = now_lines(3000, "measure,point=p{n} value={n}.5")
        clash = now_lines(90, "door,zone=b value={n}.5")
        mixed = (*good[:1500], bad[0], *clash[:60], *good[1500:], bad[1], *clash[60:], bad[2])
        await branch.spool.append(Flush(mixed, 1_780_000_000_000, int(time.time() * 1000), {}))
        branch.wake()
        await branch.drained()
        counts = branch.spool.counts()
        assert (counts.written, counts.poisoned, counts.dropped) == (3001, 93, 0)
        why = {one.line: one.why for one in await branch.spool.poisons()}
        assert set(why) == {*bad, *clash}
        assert all("field type conflict" in why[line] for line in clash)
    assert len(await influx.points("durg", "measure")) == 3000
    assert len(await influx.points("durg", "door")) == 1


async def test_points_older_than_the_real_retention_policy_are_let_go_and_the_newer_ones_stored(
    tmp_path: Path, influx: Influx
) -> None:
    await influx.query('CREATE DATABASE durg WITH DURATION 1d REPLICATION 1 NAME "raw"')
    branch = Branch(tmp_path)
    async with writing(branch, version_1(influx.url, database="durg", retention_policy="raw")):
        for _ in range(12):
            await branch.flush(15)  # ten days old
        await put(branch, now_lines(600, "measure,point=new value={n}"))
        await branch.drained()
        counts = branch.spool.counts()
        assert (counts.written, counts.poisoned) == (600, 12 * 900)
    assert len(await influx.points("durg", "measure")) == 600
    assert branch.told == [(False, "lines-refused")], "nobody loses points for good without a word"


async def test_a_real_influxdb_that_takes_little_at_a_time_gets_little_at_a_time(tmp_path: Path) -> None:
    server = Influx(tmp_path / "influx", max_body=20_000)  # unpacked bytes: some hundred points
    await server.start()
    try:
        await server.query("CREATE DATABASE durg")
        branch = Branch(tmp_path)
        async with writing(branch, version_1(server.url, database="durg")):
            for _ in range(6):
                await branch.flush(15)
            await branch.drained()
            assert branch.spool.counts().poisoned == 0
        assert await server.points("durg", "measure") == branch.made
    finally:
        server.stop()


async def test_a_database_that_is_missing_is_told_and_written_to_once_it_is_made(
    tmp_path: Path, influx: Influx
) -> None:
    branch = Branch(tmp_path)
    async with writing(branch, version_1(influx.url, database="durg")):
        await branch.flush(15)
        async with asyncio.timeout(5):
            while not branch.told:
                await asyncio.sleep(0.01)
        assert branch.told == [(False, "not-found")]
        await influx.query("CREATE DATABASE durg")
    async with writing(branch, version_1(influx.url, database="durg", retention_policy="none")):
        async with asyncio.timeout(5):
            while len(branch.told) < 2:
                await asyncio.sleep(0.01)
        assert branch.told[1] == (False, "not-found"), "the retention policy"
    async with writing(branch, version_1(influx.url, database="durg")):
        await branch.drained()
    assert await influx.points("durg", "measure") == branch.made


DRAIN = """
import asyncio, sys, time
from pathlib import Path
from sentinel.duty.clock import SystemClock
from sentinel.telemetry.model import Keep
from sentinel.telemetry.spool import Spool
from sentinel.telemetry.target import version_1
from sentinel.telemetry.writer import Writer
async def main(path, url):
    spool = Spool(Path(path), Keep(30, 512 * 2**20), forward=True)
    await spool.open()
    writer = Writer(spool, version_1(url, database="durg"), SystemClock(), print)
    print(spool.counts().waiting, flush=True)
    await writer.run()
asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_branch_that_is_killed_again_and_again_in_the_drain_loses_no_point_and_doubles_none(
    tmp_path: Path, influx: Influx
) -> None:
    await influx.query("CREATE DATABASE durg")
    branch = Branch(tmp_path)
    await branch.open()
    for _ in range(100):
        await branch.flush(15)
    await branch.spool.close()
    waiting = []
    for kill in range(6):
        child = subprocess.Popen(
            [sys.executable, "-c", DRAIN, branch.spool.path, influx.url], stdout=subprocess.PIPE, cwd=ROOT
        )
        assert child.stdout is not None
        with child.stdout:
            waiting.append(int(await asyncio.to_thread(child.stdout.readline)))
            await asyncio.sleep(0.03 + 0.11 * kill)
            child.kill()
            child.wait(10)
    assert sorted(waiting, reverse=True) == waiting
    async with writing(branch, version_1(influx.url, database="durg")):
        await branch.drained()
        counts = branch.spool.counts()
        assert (counts.made, counts.written, counts.dropped, counts.poisoned) == (90_000, 90_000, 0, 0)
    assert await influx.points("durg", "measure") == branch.made


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
