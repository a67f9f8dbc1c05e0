"""Libraries that nobody here wrote read the simulator: what they understand of it is what was set."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from drivers.sim.hikvision import SimHikvision
from drivers.sim.hikvision_answers import event
from drivers.sim.hikvision_recorder import JPEG, SimDisk
from tests.drivers.hikvision.branch import NOON, ago, recorder, simulated, wired

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from drivers.sim.hikvision_recorder import SimRecorder

pytestmark = pytest.mark.real


@asynccontextmanager
async def served(it: SimRecorder) -> AsyncIterator[tuple[SimHikvision, int]]:
    simulator = SimHikvision(it)
    try:
        yield simulator, await simulator.serve()
    finally:
        await simulator.close()


def pyhik(port: int) -> Any:
    from pyhik.hikvision import HikCamera  # type: ignore[import-untyped]

    return HikCamera("http://127.0.0.1", port, "sentinel", "right")


async def test_pyhik_knows_the_recorder_and_its_cameras_as_we_do() -> None:
    from pyhik.hikvision import get_video_channels

    it = simulated(3)
    async with wired(it) as (_, wire):
        ours = await wire.run(recorder(3).inventory(None))  # type: ignore[arg-type]
    async with served(it) as (_, port):
        camera = await asyncio.to_thread(pyhik, port)
        info = await asyncio.to_thread(camera.get_device_info)
        assert (info["serialNumber"], info["model"], info["firmwareVersion"]) == (
            ours.serial,
            ours.model,
            ours.firmware,
        )
        channels = await asyncio.to_thread(get_video_channels, "127.0.0.1", port, "sentinel", "right")
        assert [(one.id, one.name) for one in channels] == [(one.number, one.name) for one in ours.channels]
        assert await asyncio.to_thread(camera.get_snapshot, 2) == JPEG


async def test_pyhik_finds_the_files_and_the_days_that_we_find() -> None:
    it = simulated(1)
    it.cameras[1].stopped, it.cameras[1].kept_days = ago(hours=3), 11
    async with served(it) as (_, port):
        camera = await asyncio.to_thread(pyhik, port)
        start, now = NOON.replace(tzinfo=None) - timedelta(days=20), NOON.replace(tzinfo=None)
        files = await asyncio.to_thread(camera.search_recordings, 101, now - timedelta(days=1), now)
        days = await asyncio.to_thread(camera.get_recording_days, 101, start, now)
    async with wired(it) as (_, wire):
        dvr = recorder(1)
        proof = await wire.assess(dvr, "proof")
        history = await wire.assess(dvr, "history")
    newest = max(one.end_time.replace(tzinfo=None) for one in files)
    assert proof["cam1.recording"] == f"stopped {newest:%d-%m %H:%M}"
    assert history["cam1.oldest"] == (now.date() - min(one.date for one in days).date()).days == 11


async def test_pyhik_hears_the_failure_of_the_disk_that_we_hear() -> None:
    it = simulated(2, heartbeat_s=0.05)
    async with served(it) as (sim, port):
        camera = await asyncio.to_thread(pyhik, port)

        def broken() -> bool:  # a video loss is its heartbeat: it tracks none
            return bool(camera.fetch_attributes("Disk Error", 1)[0])

        camera.start_stream()
        try:
            async with asyncio.timeout(10):
                while not broken():
                    sim.event("diskerror", 1)
                    await asyncio.sleep(0.05)
            assert recorder().hints().feed(event(it, "diskerror", 1, 1, active=True)) == ["state"]
        finally:
            await asyncio.to_thread(camera.disconnect)


async def test_pyhiks_isapi_client_sees_the_disks_that_we_see() -> None:
    from pyhik.isapi import ISAPIClient  # type: ignore[import-untyped]

    it = simulated()
    it.disks[2] = SimDisk("error", 953_869, 1000)
    async with served(it) as (_, port):
        client = ISAPIClient("127.0.0.1", port, "sentinel", "right")
        disks = await asyncio.to_thread(client.get_storage_devices)
        assert [(str(one.id), one.status, one.free_space) for one in disks] == [
            ("1", "ok", 0), ("2", "error", 1000 * 1024 * 1024),
        ]  # fmt: skip


async def test_hikvisionapi_reads_the_clock_the_schedule_and_the_state_of_each_camera() -> None:
    from hikvisionapi import Client  # type: ignore[import-untyped]

    it = simulated(2)
    it.cameras[2].online, it.cameras[1].mode = False, "MOTION"
    async with served(it) as (_, port):
        client = await asyncio.to_thread(Client, f"http://127.0.0.1:{port}", "sentinel", "right")
        time = await asyncio.to_thread(client.System.time, method="get")
        assert time["Time"]["localTime"] == "2026-10-17T12:10:00+05:30"
        states = await asyncio.to_thread(client.ContentMgmt.InputProxy.channels.status, method="get")
        rows = states["InputProxyChannelStatusList"]["InputProxyChannelStatus"]
        assert [(row["id"], row["online"]) for row in rows] == [("1", "true"), ("2", "false")]
        tracks = await asyncio.to_thread(client.ContentMgmt.record.tracks, method="get")
        track = tracks["TrackList"]["Track"][0]
        block = track["TrackSchedule"]["ScheduleBlockList"]["ScheduleBlock"]
        assert {action["Actions"]["ActionRecordingMode"] for action in block["ScheduleAction"]} == {"MOTION"}
    async with wired(it) as (_, wire):
        dvr = recorder()
        assert (await wire.assess(dvr, "history"))["cam1.mode"] == "motion"
        assert (await wire.assess(dvr, "state"))["cam2.video"] == "offline"
