"""A surveyor on a real link to a simulated recorder: one failed login for a wrong password, and events that hurry."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from drivers.hikvision import HikvisionOptions, HikvisionRecorder
from drivers.links.http import HttpLink, HttpOptions
from drivers.sim.hikvision import SimHikvision
from drivers.sim.hikvision_recorder import SimCamera, SimRecorder
from sentinel.core.model import Failure, Quality
from sentinel.duty.clock import SystemClock
from sentinel.gateway.surveyor import Surveyor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sentinel.core.model import Reading

pytestmark = pytest.mark.real
KOLKATA = ZoneInfo("Asia/Kolkata")
CAMERAS = 4


@dataclass(frozen=True)
class Password:
    """A secret by reference."""

    value: str

    def read(self) -> str:
        return self.value


@dataclass
class Site:
    """A recorder on a port of this machine, and what was read of it."""

    sim: SimHikvision
    port: int
    folder: Path
    readings: list[Reading]

    @asynccontextmanager
    async def surveyed(self, password: str) -> AsyncIterator[Surveyor]:
        """With the gateway at it, signing in with this password."""
        options = HttpOptions(host="127.0.0.1", port=self.port, username="sentinel", password=Password(password))
        link = HttpLink(options, "cctv", self.folder)
        cameras = {f"cam{n}": {"channel": n, "name": {"hi": "कैमरा", "en": "camera"}} for n in range(1, CAMERAS + 1)}
        driver = HikvisionRecorder(
            "dvr", None, HikvisionOptions.model_validate({"driver": "hikvision", "cameras": cameras})
        )
        surveyor = Surveyor(
            "cctv", link, driver, self.readings.extend, SystemClock(trusted=True), KOLKATA, (driver.hints(), link)
        )
        tasks = [asyncio.ensure_future(work()) for work in surveyor.works().values()]
        try:
            yield surveyor
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await link.close()

    def last(self, point: str) -> Reading | None:
        return next((one for one in reversed(self.readings) if one.point == point), None)

    async def until(self, point: str, word: str, within_s: float) -> None:
        async with asyncio.timeout(within_s):
            while (found := self.last(point)) is None or found.value != word:
                await asyncio.sleep(0.02)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    cameras = {n: SimCamera(f"Camera {n}") for n in range(1, CAMERAS + 1)}
    sim = SimHikvision(SimRecorder(cameras, now=lambda: datetime.now(KOLKATA)))
    yield Site(sim, await sim.serve(), tmp_path, [])
    await sim.close()


async def test_all_rounds_are_read_at_once_after_a_start(site: Site) -> None:
    async with site.surveyed("right") as surveyor:
        await site.until("dvr.footage", "kept", 10)
        await site.until("dvr.cam4.recording", "proved", 10)
        await site.until("dvr.cam4.video", "ok", 10)
        assert all(one.quality is Quality.GOOD or one.reason is Failure.UNSUPPORTED for one in site.readings)
        assert surveyor.stats.failures.keys() <= {Failure.UNSUPPORTED}
    assert site.sim.failed_logins == 0


async def test_a_wrong_password_makes_one_failed_login_however_many_rounds_and_restarts_there_are(site: Site) -> None:
    for _ in range(2):
        async with site.surveyed("wrong") as surveyor:
            for _ in range(20):
                await asyncio.sleep(0.05)
                for name in ("state", "proof", "history"):
                    surveyor.hurry(name)
    assert site.sim.failed_logins == 1
    assert {one.reason for one in site.readings} == {Failure.CREDENTIAL}
    assert {"dvr.disks", "dvr.footage", "dvr.cam1.recording"} <= {one.point for one in site.readings}
    async with site.surveyed("right"):
        await site.until("dvr.disks", "ok", 10)
    assert site.sim.failed_logins == 1


async def test_an_event_tells_a_lost_picture_long_before_the_next_round(site: Site) -> None:
    async with site.surveyed("right"):
        await site.until("dvr.cam2.video", "ok", 10)
        await asyncio.sleep(2.2)  # the first round was just now
        site.sim.recorder.cameras[2].online = False
        site.sim.event("videoloss", 2)
        await site.until("dvr.cam2.video", "offline", 3)
