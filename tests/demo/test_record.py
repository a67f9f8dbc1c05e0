"""The demo believes no count of telemetry but its own: a point that is lost on the way fails it."""

from __future__ import annotations

import asyncio
import io
import math
from typing import TYPE_CHECKING, cast

import aiohttp
import pytest

from sentinel.demo import record
from sentinel.demo.command import judged, passed
from sentinel.demo.record import Server, Tally, make_room, section, settled
from sentinel.demo.scenes import SCENES
from sentinel.demo.sink import DATABASE, Sink, sink
from sentinel.demo.telling import Teller
from sentinel.demo.town import TownError, town
from sentinel.settings.yaml import load_yaml
from tests.servers import free_port
from tests.stores import Influx

if TYPE_CHECKING:
    from pathlib import Path

    from sentinel.demo.outside import Outside

MAINS = [scene for scene in SCENES if scene.name == "mains-and-battery"]


class Branch:
    """Says one count after the other, and then the last for ever."""

    def __init__(self, *made: int, dropped: int = 0) -> None:
        self._made, self._dropped = list(made), dropped

    async def points(self) -> dict[str, int]:
        if not self._made:
            raise aiohttp.ServerDisconnectedError
        made = self._made.pop(0) if len(self._made) > 1 else self._made[0]
        return {"made": made, "written": made - 1, "dropped": self._dropped}


async def tallied(branch: Branch, count: int | None) -> Tally:
    kept = None if count is None else Sink(count=count)
    return await settled(cast("Outside", branch), kept, math.inf)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "LOOK_S", 0.0)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "SETTLE_S", 0.2)


async def test_what_was_in_memory_is_waited_for_before_the_count_is_believed() -> None:
    assert await tallied(Branch(5, 5, 9), 9) == Tally(9, 9, 0)
    assert await tallied(Branch(5, 5, 9, dropped=2), 7) == Tally(9, 7, 2)


@pytest.mark.usefixtures("impatient")
async def test_a_count_that_never_comes_right_is_not_whole() -> None:
    assert not (await tallied(Branch(9), 8)).whole
    assert not (await tallied(Branch(9, dropped=2), 8)).whole
    assert not (await tallied(Branch(0), 0)).whole, "nothing was made at all"
    assert (await tallied(Branch(9), 9)).whole, "nothing new came, and all that was is there"


def test_points_that_were_given_up_are_accounted_for_and_yet_no_success() -> None:
    lost = Tally(100, 90, 10)
    assert (lost.whole, lost.passed) == (True, False)
    assert Tally(100, 100, 0).passed


@pytest.mark.usefixtures("impatient")
async def test_a_server_that_somebody_named_is_believed_with_what_it_said() -> None:
    assert await tallied(Branch(9, dropped=1), None) == Tally(9, 8, 1)


async def test_a_branch_that_is_gone_leaves_nothing_whole() -> None:
    assert await tallied(Branch(), 5) == Tally()


@pytest.mark.parametrize(
    ("server", "wanted"),
    [
        (Server("http://127.0.0.1:8086", "v1"), {"api": "v1", "url": "http://127.0.0.1:8086", "database": DATABASE}),
        (
            Server('http://h/"}', "v2"),
            {"api": "v2", "url": 'http://h/"}', "org": "sentinel", "bucket": DATABASE},
        ),
    ],
)
def test_a_server_is_written_into_the_settings_as_they_are_read(
    server: Server, wanted: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INFLUX_TOKEN", raising=False)
    monkeypatch.delenv("INFLUX_ORG", raising=False)
    assert load_yaml(f"influx: {section(server)}").data == {"influx": wanted}


def test_a_token_goes_by_the_environment_and_stands_in_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFLUX_TOKEN", "s3cret")
    monkeypatch.setenv("INFLUX_ORG", "durg")
    written = section(Server("http://127.0.0.1:8086", "v2"))
    assert "token: !env INFLUX_TOKEN" in written
    assert 'org: "durg"' in written
    assert "s3cret" not in written


@pytest.mark.real
async def test_a_server_that_is_not_there_or_makes_no_database_is_said_at_once() -> None:
    with pytest.raises(OSError, match="no InfluxDB at"):
        await make_room(Server(f"http://127.0.0.1:{free_port()}", "v1"))
    with pytest.raises(OSError, match="no InfluxDB at"):
        await make_room(Server("nonsense", "v1"))
    async with sink() as here:
        with pytest.raises(OSError, match="HTTP 404"):
            await make_room(Server(f"http://127.0.0.1:{here.port}", "v1"))
        await make_room(Server(f"http://127.0.0.1:{here.port}", "v2"))


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(90)
async def test_a_store_that_loses_a_line_without_a_word_fails_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    keep, seen = Sink.keep, list[str]()

    def losing(self: Sink, series: str, at_ms: int) -> None:
        seen.append(series)
        if len(seen) != 3:
            keep(self, series, at_ms)

    monkeypatch.setattr(Sink, "keep", losing)
    async with town() as here:
        out = io.StringIO()
        monkeypatch.setattr(record, "SETTLE_S", 3.0)
        report = await judged(here, MAINS, Teller(out), asyncio.get_running_loop().time() + 60)
    assert all(scene["passed"] for scene in report["scenes"])
    telemetry = report["telemetry"]
    assert telemetry["points_made"] == telemetry["points_written"] + 1
    assert not passed(report)
    assert "✗ telemetry" in out.getvalue()


@pytest.mark.real
@pytest.mark.timeout(90)
async def test_a_store_that_refuses_everything_fails_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sentinel.demo.sink.DATABASE", "another")
    monkeypatch.setattr(record, "SETTLE_S", 1.0)
    async with town() as here:
        report = await judged(here, [], Teller(io.StringIO()), asyncio.get_running_loop().time() + 60)
        assert here.sink is not None
        assert here.sink.refused
    assert report["telemetry"]["points_made"] > report["telemetry"]["points_written"] == 0
    assert not passed(report)


@pytest.mark.real
@pytest.mark.timeout(90)
async def test_a_server_that_is_none_is_refused_before_anything_plays() -> None:
    with pytest.raises(TownError, match="no InfluxDB at"):
        async with town(server=Server(f"http://127.0.0.1:{free_port()}", "v1")):
            pass
    with pytest.raises(TownError, match=r"telemetry\.influx\.url"):
        async with town(server=Server("gopher://h", "v2")):
            pass


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(90)
async def test_a_server_that_is_given_gets_the_points_and_the_branch_names_it() -> None:
    async with sink() as given, town(server=Server(f"http://127.0.0.1:{given.port}", "v2")) as here:
        assert here.sink is None
        report = await judged(here, [], Teller(io.StringIO()), asyncio.get_running_loop().time() + 60)
        _, status = await here.outside.ask("/api/v1/status")
        assert status["telemetry"]["store"]["server"] == f"127.0.0.1:{given.port}"
        assert passed(report)
        assert 0 < report["telemetry"]["points_written"] <= given.count
        assert not given.refused


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(90)
async def test_in_a_real_influxdb_there_are_as_many_points_as_the_branch_says_that_it_wrote(tmp_path: Path) -> None:
    store = Influx(tmp_path / "influx")
    await store.start()
    try:
        async with town(server=Server(store.url, "v1")) as here:
            report = await judged(here, [], Teller(io.StringIO()), asyncio.get_running_loop().time() + 60)
            assert passed(report)
            said, found = -1, 0
            while said != (await here.outside.points())["written"]:  # until nothing came while they were counted
                said, found = (await here.outside.points())["written"], await count(store)
            assert found == said >= report["telemetry"]["points_written"]
    finally:
        store.stop()


async def count(store: Influx) -> int:
    """Distinct (series, time) over all measurements."""
    names = [row[0] for one in await store.query("SHOW MEASUREMENTS", DATABASE) for row in one["values"]]
    assert {"zone", "measure", "link", "gateway"} <= set(names)
    every = [point for name in names for point in await store.points(DATABASE, name)]
    return len({(key.rpartition(" ")[0], at) for key, at in every})
