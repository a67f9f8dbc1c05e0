"""The driver over the link that the daemon uses: what it costs, and how often a wrong password is said."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from drivers.links.http import HttpLink, HttpOptions
from drivers.sim.dahua import SimDahua
from sentinel.core.model import Failure, Reading
from sentinel.duty.clock import SystemClock
from sentinel.gateway.surveyor import Surveyor
from sentinel.ports import HttpRequest, LinkError
from tests.drivers.dahua.talk import IST, moment, recorder, simulated, values

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

pytestmark = pytest.mark.real


class Word:
    """A secret that is written here."""

    def __init__(self, word: str) -> None:
        self._word = word

    def read(self) -> str:
        return self._word


def link(port: int, folder: Path, password: str = "right") -> HttpLink:
    options = HttpOptions.model_validate(
        {"kind": "http", "host": "127.0.0.1", "port": port, "username": "sentinel", "password": Word(password)}
    )
    return HttpLink(options, "dvr", folder)


async def run(job: Generator[Sequence[HttpRequest], Sequence[Any], Any], over: HttpLink) -> Any:
    async def ask(question: HttpRequest) -> Any:
        try:
            return await over.read(question)
        except LinkError as error:
            return error

    try:
        questions = next(job)
        while True:
            questions = job.send(await asyncio.gather(*map(ask, questions)))
    except StopIteration as stop:
        return stop.value


async def test_thirty_two_cameras_cost_less_than_a_hundredth_of_a_core_at_one_assessment_a_minute(
    tmp_path: Path,
) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.drivers.dahua.serve", "32"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        over = link(int(process.stdout.readline()), tmp_path)
        try:
            driver = recorder(32)
            for nth in ("first", "later"):
                began, cpu, asked = time.perf_counter(), time.process_time(), over.stats().requests
                found: dict[str, Any] = {}
                for name in ("state", "proof", "history"):
                    found |= values(await run(driver.assess(name, moment(datetime.now(IST))), over))
                took, cpu = time.perf_counter() - began, time.process_time() - cpu
                print(f"{nth}: {over.stats().requests - asked} questions in {took:.2f} s, {cpu * 1000:.0f} ms of CPU")
                assert found["ch32.recording"] == "proved"
                assert found["footage"] == "kept"
                assert took < 10
                assert cpu < 0.6
        finally:
            await over.close()
            if process.stdin:
                process.stdin.close()


async def test_a_wrong_password_is_said_once_whatever_is_asked_and_the_recorder_is_not_locked(tmp_path: Path) -> None:
    sim = SimDahua(simulated(4))
    port = await sim.serve()
    over = link(port, tmp_path, "wrong")
    try:
        driver = recorder(4)
        found = values(await run(driver.assess("state", moment()), over))
        assert set(found.values()) == {Failure.CREDENTIAL}
        for _ in range(3):
            for name in ("state", "proof", "history"):
                await run(driver.assess(name, moment()), over)
        assert sim.failed_logins == 1
        assert not sim.locked
    finally:
        await over.close()
        await sim.close()


async def test_a_lost_camera_is_told_by_the_event_stream_long_before_its_turn(tmp_path: Path) -> None:
    """As the daemon runs it: the surveyor, the link, the stream; the state is asked every 20 seconds."""
    it = simulated(2)
    it.now = lambda: datetime.now(IST)
    sim = SimDahua(it)
    over, heard = link(await sim.serve(), tmp_path), list[Reading]()
    driver = recorder(2)
    surveyor = Surveyor(
        "cctv", over, driver, heard.extend, SystemClock(trusted=True), ZoneInfo("Asia/Kolkata"), (driver.hints(), over)
    )
    tasks = [asyncio.ensure_future(work()) for work in surveyor.works().values()]
    try:
        async with asyncio.timeout(15):
            while not sim.listening or not any(reading.point == "dvr.footage" for reading in heard):
                await asyncio.sleep(0.02)
            assert [one.value for one in heard if one.point == "dvr.ch2.video"] == ["ok"]
            it.cameras[1].lost = True
            sim.event("VideoLoss", "Start", 1)
            while [one.value for one in heard if one.point == "dvr.ch2.video"][-1] != "lost":
                await asyncio.sleep(0.02)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await over.close()
        await sim.close()
    assert not sim.finders
