"""The driver over the link that the daemon uses: what it costs, and how often a wrong password is said."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from drivers.links.http import HttpLink, HttpOptions
from drivers.sim.hikvision import SimHikvision
from sentinel.core.model import Failure
from sentinel.ports import HttpReply, HttpRequest, LinkError
from tests.drivers.hikvision.branch import IST, moment, recorder, said, simulated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Sequence
    from pathlib import Path

    from drivers.sim.hikvision_recorder import SimRecorder

pytestmark = pytest.mark.real
ROUNDS = ("state", "proof", "history")


class Word:
    """A secret that is written here."""

    def __init__(self, word: str) -> None:
        self._word = word

    def read(self) -> str:
        return self._word


def link(port: int, folder: Path, password: str = "right") -> HttpLink:
    written = {"host": "127.0.0.1", "port": port, "username": "sentinel", "password": Word(password)}
    return HttpLink(HttpOptions.model_validate(written), "dvr", folder)


@asynccontextmanager
async def linked(
    it: SimRecorder, folder: Path, password: str = "right"
) -> AsyncIterator[tuple[SimHikvision, HttpLink]]:
    simulator = SimHikvision(it)
    over = link(await simulator.serve(), folder, password)
    try:
        yield simulator, over
    finally:
        await over.close()
        await simulator.close()


async def asked(over: HttpLink, question: HttpRequest) -> HttpReply | LinkError:
    try:
        return await over.read(question)
    except LinkError as error:
        return error


async def run(asking: Generator[Sequence[HttpRequest], Sequence[Any], Any], over: HttpLink) -> Any:
    try:
        questions = next(asking)
        while True:
            questions = asking.send(await asyncio.gather(*(asked(over, question) for question in questions)))
    except StopIteration as end:
        return end.value


async def test_thirty_two_cameras_cost_less_than_a_hundredth_of_a_core_at_one_assessment_a_minute(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-m", "tests.drivers.hikvision.serve", "32"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdin
        over = link(int(process.stdout.readline()), tmp_path)
        try:
            dvr = recorder(32)
            for nth in ("first", "later"):
                began, cpu, before = time.perf_counter(), time.process_time(), over.stats().requests
                found: dict[str, Any] = {}
                for name in ROUNDS:
                    found |= said(await run(dvr.assess(name, moment(datetime.now(IST))), over))
                took, cpu = time.perf_counter() - began, time.process_time() - cpu
                print(f"{nth}: {over.stats().requests - before} questions in {took:.2f} s, {cpu * 1000:.0f} ms of CPU")
                assert [found[f"cam{n}.recording"] for n in range(1, 33)] == ["proved"] * 32
                assert (found["footage"], found["cam32.gap"], found["cam32.mode"]) == ("kept", 0, "always")
                assert took < 10
                assert cpu < 0.6
        finally:
            await over.close()
            process.stdin.close()


@pytest.mark.parametrize("algorithms", [("MD5",), ("SHA-256",), ("MD5", "SHA-256")], ids=" and ".join)
async def test_a_recorder_is_read_by_either_digest_without_one_failed_login(
    tmp_path: Path, algorithms: tuple[str, ...]
) -> None:
    async with linked(simulated(4, algorithms=algorithms), tmp_path) as (sim, over):
        dvr = recorder(4)
        for name in ROUNDS:
            assert "ok" in (found := said(await run(dvr.assess(name, moment()), over))).values() or name == "proof"
            assert not [value for value in found.values() if isinstance(value, Failure)]
        assert sim.failed_logins == 0


async def test_a_wrong_password_is_one_failed_login_whatever_runs_and_across_a_restart(tmp_path: Path) -> None:
    async with linked(simulated(4), tmp_path, "wrong") as (sim, over):
        dvr, hints = recorder(4), recorder(4).hints()

        async def listen() -> None:
            with pytest.raises(LinkError):
                await anext(over.stream(hints.request()))

        async def probe() -> None:
            with pytest.raises(LinkError):
                await run(dvr.inventory(moment()), over)

        for _ in range(3):
            *rounds, picture, _, _ = await asyncio.gather(
                *(run(dvr.assess(name, moment()), over) for name in ROUNDS),
                asked(over, dvr.snapshot(1, small=True)),
                listen(),
                probe(),
            )
            for readings in rounds:
                assert set(said(readings).values()) == {Failure.CREDENTIAL}
            assert isinstance(picture, LinkError)
        assert sim.failed_logins == 1

        again = link(over._options.port, tmp_path, "wrong")  # the daemon starts anew
        try:
            await run(recorder(4).assess("state", moment()), again)
            assert sim.failed_logins == 1
            assert not sim.locked
        finally:
            await again.close()


async def test_an_account_that_the_recorder_locked_is_told_as_locked(tmp_path: Path) -> None:
    async with linked(simulated(2, locks_after=1), tmp_path, "wrong") as (sim, over):
        await run(recorder().assess("state", moment()), over)
        assert sim.locked
        right = link(over._options.port, tmp_path / "another", "right")
        try:
            found = said(await run(recorder().assess("state", moment()), right))
            assert set(found.values()) == {Failure.LOCKED}
        finally:
            await right.close()


async def test_the_recorders_stream_names_a_round_and_a_picture_comes_whole(tmp_path: Path) -> None:
    async with linked(simulated(2, heartbeat_s=0.02), tmp_path) as (sim, over):
        dvr = recorder()
        hints = dvr.hints()
        pieces = over.stream(hints.request())
        heard = hints.feed(await anext(pieces))
        sim.event("videoloss", 2)
        async with asyncio.timeout(5):
            while not heard:
                heard = hints.feed(await anext(pieces))
        assert heard == ["state"]
        sim.drop()
        await pieces.aclose()
        reply = await over.read(dvr.snapshot(1, small=True))
        assert (dvr.picture(reply) or b"")[-2:] == b"\xff\xd9"
        sim.recorder.cameras[2].online = False
        assert dvr.picture(await over.read(dvr.snapshot(2, small=False))) is None
