"""The driver against the simulator over real sockets, and a library that nobody here wrote against both."""

from __future__ import annotations

import asyncio
import resource
import time
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from aiodahua import DahuaClient  # type: ignore[import-untyped]
from aiohttp import ClientSession

from drivers.dahua_find import _page
from drivers.sim.dahua import JPEG, SimDahua
from drivers.sim.dahua_recorder import Fault, Recorder, SimCamera, SimDisk
from sentinel.core.model import Failure, Value
from sentinel.ports import HttpReply
from tests.drivers.dahua.talk import DAY, NOW, Talk, moment, recorder, simulated, values

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from drivers.dahua import DahuaRecorder

pytestmark = pytest.mark.real
ROUNDS = ("state", "proof", "history")


@asynccontextmanager
async def served(it: Recorder) -> AsyncIterator[tuple[SimDahua, Talk]]:
    sim = SimDahua(it)
    port = await sim.serve()
    try:
        async with Talk(port, it.username, it.password) as talk:
            yield sim, talk
    finally:
        await sim.close()


async def assessed(driver: DahuaRecorder, talk: Talk, *names: str) -> dict[str, Value | Failure | None]:
    found: dict[str, Value | Failure | None] = {}
    for name in names or ROUNDS:
        found |= values(await talk.run(driver.assess(name, moment())))
    return found


async def test_a_recorder_that_is_well_says_so_at_every_point() -> None:
    async with served(simulated(2)) as (sim, talk):
        found = await assessed(recorder(2), talk)
    assert not sim.finders
    assert found == {
        "disks": "ok",
        "clock": "right",
        "identity": "same",
        "drift": 0.0,
        "disk-use": 100.0,
        "ch1.video": "ok",
        "ch2.video": "ok",
        "ch1.recording": "proved",
        "ch2.recording": "proved",
        "ch1.newest": 0,
        "ch2.newest": 0,
        "footage": "kept",
        "access": "ok",
        "retention": 120.01,
        "time": "ntp",
        "firmware": "4.001.0000000.3,build:2024-06-25",
        "model": "CP PLUS CP-UNR-4K2322-V2",
        "ch1.mode": "always",
        "ch2.mode": "always",
        "ch1.oldest": 120.01,
        "ch2.oldest": 120.01,
        "ch1.gap": 0,
        "ch2.gap": 0,
    }


async def test_each_thing_that_breaks_is_seen_and_names_the_camera() -> None:
    it = simulated(6)
    it.cameras[1].lost = True
    it.cameras[2] = SimCamera("GATE", connection="Unconnect")
    it.cameras[3].stopped = NOW - timedelta(hours=5, minutes=20)
    it.cameras[4].kept_days = 11
    it.cameras[5].gaps = [(NOW - timedelta(hours=9), NOW - timedelta(hours=7))]
    it.cameras[5].mode, it.cameras[4].mask = 2, 2
    it.disks = [SimDisk(), SimDisk("/dev/sdb", type="Read-Only")]
    it.drift_s, it.ntp, it.open = 312, False, True
    async with served(it) as (sim, talk):
        found = await assessed(recorder(6), talk)
    assert not sim.finders
    assert [found[f"ch{n}.video"] for n in range(1, 7)] == ["ok", "lost", "offline", "ok", "ok", "ok"]
    assert [found[f"ch{n}.recording"] for n in range(1, 7)] == [*["proved"] * 3, "stopped 17-10 08:54", *["proved"] * 2]
    assert (found["disks"], found["clock"], found["drift"]) == ("read-only 2", "wrong +312 s", 312.0)
    assert (found["footage"], found["time"], found["access"]) == ("short 11/90", "manual", "open")
    assert found["retention"] == found["ch5.oldest"] == pytest.approx(11, abs=0.1)
    assert (found["ch5.mode"], found["ch6.mode"]) == ("motion", "off")
    assert found["ch6.gap"] == pytest.approx(7200, abs=3600)


async def test_a_recorder_under_the_same_address_with_another_number_is_told() -> None:
    async with served(simulated(1)) as (sim, talk):
        driver = recorder(1)
        assert (await assessed(driver, talk, "state"))["identity"] == "same"
        sim.recorder.serial = "9Z00000000000XYZ"
        assert (await assessed(driver, talk, "state"))["identity"] == "changed CP-UNR-4K2322-V2 9Z00…XYZ"
        named = recorder(1, serial="4H05C1CPAZ8A31D")
        assert str((await assessed(named, talk, "state"))["identity"]).startswith("changed")


async def test_a_disk_that_is_no_longer_listed_is_missing() -> None:
    it = simulated(1, disks=[SimDisk(), SimDisk("/dev/sdb")])
    async with served(it) as (_, talk):
        driver = recorder(1)
        assert (await assessed(driver, talk, "state"))["disks"] == "ok"
        it.disks.pop()
        assert (await assessed(driver, talk, "state"))["disks"] == "missing 2"
        it.disks = [SimDisk(), SimDisk("/dev/sdb", state="Degraded")]
        assert (await assessed(driver, talk, "state"))["disks"] == "failed 2"
        it.disks = [SimDisk(), SimDisk("/dev/sdb")]
        it.bare_lists, it.storage_event = True, "StorageFailure"
        assert (await assessed(driver, talk, "state"))["disks"] == "failed"


PARTS = {
    "getSerialNo": ("identity",),
    "getCurrentTime": ("clock", "drift"),
    "getDeviceAllInfo": ("disks", "disk-use"),
    "VideoLoss": ("ch1.video",),
    "mediaFileFind": ("ch1.recording", "footage", "retention", "ch1.oldest", "ch1.gap"),
    "name=NTP": ("time",),
    "getSoftwareVersion": ("firmware",),
    "getDeviceType": ("model",),
    "RecordMode": ("ch1.mode",),
}
WELL = {"ok", "right", "same", "kept", "proved"}


@pytest.mark.parametrize(
    "fault", [Fault.SILENT, Fault.GARBLED, Fault.TRUNCATED, Fault.ABSENT, Fault.FORBIDDEN, Fault.BUSY]
)
async def test_nothing_that_could_not_be_read_is_called_well(fault: Fault) -> None:
    for text, points in PARTS.items():
        it = simulated(1, faults={text: fault})
        if text == "getSerialNo":
            it.faults["getSystemInfo"] = fault
        async with served(it) as (_, talk):
            talk.impatient = text if fault is Fault.SILENT else ""
            found = await assessed(recorder(1), talk)
        for point in points:
            if point == "ch1.recording" and fault in (Fault.ABSENT, Fault.FORBIDDEN):
                assert found[point] == "now"  # files cannot be asked for: the recorder's own word, and it is called so
            elif fault in (Fault.GARBLED, Fault.TRUNCATED):
                assert found[point] not in WELL, (text, point, found[point])
            else:
                assert isinstance(found[point], Failure), (text, point, found[point])


async def test_what_a_recorder_does_not_have_is_neither_broken_nor_well() -> None:
    async with served(simulated(1, faults={"cgi-bin": Fault.ABSENT})) as (_, talk):
        found = await assessed(recorder(1), talk)
    assert found.pop("access") == "ok"  # whoever has no account is sent away before anything else
    assert set(found.values()) == {Failure.UNSUPPORTED}


async def test_a_recorder_that_answers_about_another_camera_proves_nothing() -> None:
    it = simulated(2, faults={"findFile": Fault.LYING})
    async with served(it) as (_, talk):
        found = await assessed(recorder(2), talk, "proof")
    assert found["ch2.recording"] == "stopped"


async def test_a_recorder_with_its_clock_hours_wrong_still_proves_its_recordings() -> None:
    async with served(simulated(1, drift_s=-4 * 3600)) as (_, talk):
        found = await assessed(recorder(1), talk)
    assert (found["clock"], found["ch1.recording"], found["ch1.gap"]) == ("wrong -14400 s", "proved", 0)


@pytest.mark.parametrize("fault", list(Fault))
async def test_no_finder_is_left_behind_whatever_the_recorder_does(fault: Fault) -> None:
    for text in ("findFile", "findNextFile", "action=close", "action=destroy"):
        it = simulated(3, faults={text: fault}, slow_s=0.02)
        async with served(it) as (sim, talk):
            talk.impatient = text if fault is Fault.SILENT else ""
            driver = recorder(3)
            for name in ("proof", "history"):
                await talk.run(driver.assess(name, moment()))
            it.faults.clear()
            await talk.run(driver.assess("state", moment()))
        assert not sim.finders, (text, fault)
        assert sim.most_finders <= 64


async def test_a_round_that_is_cut_off_anywhere_leaves_no_finder_to_the_next() -> None:
    it = simulated(5)
    async with served(it) as (sim, talk):
        driver = recorder(5)
        for stop_after in range(1, 30):
            job = driver.assess("proof", moment())
            questions = next(job)
            for _ in range(stop_after):
                try:
                    questions = job.send(await asyncio.gather(*(talk.ask(question) for question in questions)))
                except StopIteration:
                    break
            job.close()
            assert len(sim.finders) <= 4
            await talk.run(driver.assess("state", moment()))
            assert not sim.finders


async def test_a_wrong_password_is_said_at_every_point_and_the_lock_is_counted() -> None:
    sim = SimDahua(simulated(1, locks_after=2))
    port = await sim.serve()
    try:
        async with Talk(port, "sentinel", "wrong", width=1) as talk:
            found = await assessed(recorder(1), talk, "state")
            assert set(found.values()) == {Failure.CREDENTIAL}
        assert sim.locked
        async with Talk(port, "sentinel", "right", width=1) as talk:
            assert (await assessed(recorder(1), talk, "state"))["disks"] is Failure.CREDENTIAL
    finally:
        await sim.close()


async def test_the_oldest_day_is_found_wherever_it_is_and_again_after_it_moved() -> None:
    it = simulated(1)
    async with served(it) as (_, talk):
        driver = recorder(1)
        for days in (200, 91, 89, 40, 11, 2, 0.2, 11, 40, 95, 178, 300):
            it.cameras[0].kept_days = days
            found = await assessed(driver, talk, "history")
            assert found["ch1.oldest"] == pytest.approx(min(days, 181), abs=1.1)
            assert found["footage"] == ("kept" if days >= 89 else f"short {int(days + 0.01)}/90")
        it.cameras[0].stopped = NOW - 400 * DAY
        found = await assessed(driver, talk, "history")
        assert (found["footage"], found["retention"]) == ("none", 0.0)


async def test_a_camera_that_records_movement_may_be_quiet_for_an_hour() -> None:
    it = simulated(1)
    it.cameras[0].stopped = NOW - timedelta(hours=3)
    camera = {"channel": 1, "name": {"hi": "गेट", "en": "gate"}, "record": "motion"}
    async with served(it) as (_, talk):
        found = await assessed(recorder(1, cameras={"ch1": camera}), talk, "proof")
    assert found["ch1.recording"] == "proved"


async def test_thirty_two_cameras_are_assessed_in_under_ten_seconds_and_cost_little() -> None:
    it = simulated(32)
    async with served(it) as (_, talk):
        driver = recorder(32)
        began = time.perf_counter()
        await assessed(driver, talk)
        took = time.perf_counter() - began
        assert took < 10
        asked = talk.asked

        async def cost(name: str) -> float:
            """CPU of the driver alone: the answers are already there."""
            spent = 0.0
            job = driver.assess(name, moment())
            questions = next(job)
            while True:
                answers = await asyncio.gather(*(talk.ask(question) for question in questions))
                before = time.process_time()
                try:
                    questions = job.send(answers)
                except StopIteration:
                    return spent + time.process_time() - before
                spent += time.process_time() - before

        used = 3 * await cost("state") + await cost("proof") + await cost("history") / 60
    print(f"32 cameras: {took:.2f} s, {asked} questions; the driver's own CPU {used * 1000:.0f} ms a minute")
    assert used < 0.6, f"{used:.3f} s of CPU a minute"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1_000_000


async def test_a_picture_is_a_whole_jpeg_or_none() -> None:
    it = simulated(2)
    it.cameras[1].lost = True
    async with served(it) as (_, talk):
        driver = recorder(2)
        good = await talk.ask(driver.snapshot(1, small=True))
        dark = await talk.ask(driver.snapshot(2))
    assert isinstance(good, HttpReply)
    assert isinstance(dark, HttpReply)
    assert driver.picture(good) == JPEG
    assert driver.picture(dark) is None
    assert driver.picture(HttpReply(200, {}, JPEG[:-9])) is None


async def test_a_library_of_strangers_reads_the_simulator_and_agrees_with_the_driver() -> None:
    it = simulated(2, disks=[SimDisk(), SimDisk("/dev/sdb", error=True)], strict_uri=False)  # it signs [ ] unescaped
    sim = SimDahua(it)
    port = await sim.serve()
    try:
        async with Talk(port) as talk, ClientSession() as session:
            judge = DahuaClient("127.0.0.1", it.username, it.password, port=port, session=session)
            ours = await talk.run(recorder(2).inventory(moment()))
            state = await assessed(recorder(2), talk, "state")
            assert await judge.async_get_serial_number() == ours.serial == it.serial
            assert await judge.async_get_device_type() == ours.model == it.model
            assert await judge.async_get_software_version() == ours.firmware == it.version
            assert (await judge.get_vendor())["vendor"] == ours.maker == "CP PLUS"
            assert [disk["healthy"] for disk in await judge.async_get_storage_info()] == [True, False]
            assert state["disks"] == "failed 2"
            assert await judge.async_get_snapshot(1) == JPEG
            found, files = await judge.async_find_recordings("2026-10-17 13:50:05", "2026-10-17 16:20:05", 2, 10)
            assert (found, [file["end_time"] for file in files]) == (2, ["2026-10-17 14:00:00", "2026-10-17 14:20:05"])
            assert (await assessed(recorder(2), talk, "proof"))["ch2.newest"] == 0
            assert not sim.finders
            assert b"Code=VideoLoss;action=Start;index=0" in await _one_event(judge, sim)
    finally:
        await sim.close()


async def _one_event(judge: DahuaClient, sim: SimDahua) -> bytes:
    heard: asyncio.Queue[bytes] = asyncio.Queue()
    listening = asyncio.create_task(judge.stream_events(lambda data, _: heard.put_nowait(data), ["VideoLoss"], 0))
    try:
        async with asyncio.timeout(5):
            while True:
                sim.event("VideoLoss", "Start", 0)
                try:
                    return await asyncio.wait_for(heard.get(), 0.1)
                except TimeoutError:
                    continue
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def test_an_inventory_names_the_maker_and_every_camera() -> None:
    it = simulated(2)
    it.cameras[1].lost = True
    async with served(it) as (_, talk):
        found = await talk.run(recorder(1).inventory(moment()))
    assert (found.maker, found.serial) == ("CP PLUS", it.serial)
    assert [(channel.number, channel.name, channel.online) for channel in found.channels] == [
        (1, "CAM 1", True),
        (2, "CAM 2", False),
    ]


async def test_a_recorder_that_stopped_answering_is_not_asked_camera_by_camera() -> None:
    it = simulated(32, faults={"mediaFileFind": Fault.SILENT})
    async with served(it) as (_, talk):
        talk.impatient = "mediaFileFind"
        found = await assessed(recorder(32), talk, "proof")
        assert {found[f"ch{n}.recording"] for n in range(1, 33)} == {Failure.NO_REPLY}
        assert talk.asked <= 3 + 8
        talk.asked = 0
        talk.impatient, it.faults = "cgi-bin", {"cgi-bin": Fault.SILENT}
        assert set((await assessed(recorder(32), talk)).values()) == {Failure.NO_REPLY}
        assert talk.asked == 8 + 3 + 8


async def test_snapshots_on_the_disk_prove_no_recording() -> None:
    async with served(simulated(1, pictures_only=True)) as (_, talk):
        found = await assessed(recorder(1), talk)
    assert (found["ch1.recording"], found["footage"]) == ("stopped", "none")


async def test_the_event_stream_hints_at_a_round_and_beats_when_nothing_happens() -> None:
    async with served(simulated(1)) as (sim, talk):
        hints = recorder(1).hints()
        request = hints.request()
        assert "heartbeat=5" in request.target
        reply = await talk.stream(request.target.replace("heartbeat=5", "heartbeat=0.05"))
        beat = await reply.content.readany()
        assert b"Heartbeat" in beat
        assert hints.feed(beat) == []
        sim.event("VideoLoss", "Start", None, '{\n "a": 1\n}')
        heard: list[str] = []
        async with asyncio.timeout(5):
            while not heard:
                heard += hints.feed(await reply.content.readany())
        assert heard == ["state"]
        sim.drop()
        async with asyncio.timeout(5):
            while await reply.content.readany():
                pass


async def test_a_camera_that_could_not_be_asked_may_be_the_one_that_keeps_too_little() -> None:
    it = simulated(2, faults={"condition.Channel=2&": Fault.FORBIDDEN})
    async with served(it) as (sim, talk):
        found = await assessed(recorder(2), talk, "history")
        assert (found["ch1.oldest"], found["footage"]) == (120.01, Failure.UNSUPPORTED)
        it.cameras[0].kept_days = 11
        assert (await assessed(recorder(2), talk, "history"))["footage"] == "short 11/90"
    assert not sim.finders


async def test_a_clock_is_not_judged_by_one_that_is_not_believed_itself() -> None:
    async with served(simulated(1, drift_s=900)) as (_, talk):
        found = values(await talk.run(recorder(1).assess("state", moment(synchronised=False))))
    assert found["clock"] is found["drift"] is Failure.UNSUPPORTED
    assert found["disks"] == "ok"


async def test_a_clock_that_was_set_back_makes_no_old_file_a_proof() -> None:
    it = simulated(1)
    async with served(it) as (_, talk):
        driver = recorder(1)
        assert (await assessed(driver, talk, "proof"))["ch1.recording"] == "proved"
        it.drift_s, it.cameras[0].stopped = -7200, NOW - 4 * DAY
        found = await assessed(driver, talk, "proof")
    assert found["ch1.recording"] == "stopped"
    assert found["ch1.newest"] is Failure.UNSUPPORTED


async def test_rounds_that_run_at_the_same_time_do_not_destroy_each_others_finders() -> None:
    it = simulated(6, faults={"action=destroy": Fault.BUSY})
    async with served(it) as (sim, talk):
        driver = recorder(6)
        await assessed(driver, talk, "proof")
        assert len(sim.finders) == 6
        it.faults.clear()
        both = await asyncio.gather(*(assessed(driver, talk, name) for name in ("proof", "history", "state", "proof")))
    assert not sim.finders
    assert both[0]["ch6.recording"] == both[3]["ch6.recording"] == "proved"
    assert both[1]["footage"] == "kept"


async def test_finders_that_will_not_go_are_given_up_and_never_become_many() -> None:
    it = simulated(40, faults={"destroy": Fault.BUSY})
    async with served(it) as (_, talk):
        driver = recorder(40)
        for _ in range(4):
            talk.asked = 0
            await assessed(driver, talk, "proof")
            assert talk.asked <= 3 + 40 * 5 + 2 * 64


async def test_firmware_that_cannot_be_asked_for_recordings_alone_is_asked_for_all_files() -> None:
    async with served(simulated(2, typed=False)) as (sim, talk):
        driver = recorder(2)
        found = await assessed(driver, talk)
        assert (found["ch1.recording"], found["ch2.recording"], found["footage"]) == ("proved", "proved", "kept")
        talk.asked = 0
        await assessed(driver, talk, "proof")
        assert talk.asked == 3 + 2 * 5  # and is not asked twice again
        again = recorder(2)
        both = await asyncio.gather(*(assessed(again, talk, name) for name in ("history", "state", "proof")))
        assert (both[0]["footage"], both[2]["ch2.recording"]) == ("kept", "proved")
    assert not sim.finders


async def test_a_disk_that_is_gone_is_still_missing_after_a_restart_where_the_config_says_how_many_there_are() -> None:
    async with served(simulated(1)) as (_, talk):
        assert (await assessed(recorder(1, disks=2), talk, "state"))["disks"] == "missing 2"
        assert (await assessed(recorder(1, disks=1), talk, "state"))["disks"] == "ok"


async def test_a_clip_that_was_kept_when_all_else_was_overwritten_is_no_footage_of_ninety_days() -> None:
    it = simulated(1)
    it.cameras[0].kept_days, it.cameras[0].gaps = 90.5, [(NOW - 89 * DAY, NOW - 6 * DAY)]
    async with served(it) as (_, talk):
        driver = recorder(1)
        for _ in range(2):
            assert (await assessed(driver, talk, "history"))["footage"] == "short 5/90"


async def test_files_of_several_channels_prove_nothing_of_the_one_that_was_asked_for() -> None:
    rows = [f"items[{at}].Channel={at}\r\nitems[{at}].StartTime=2026-10-17 14:00:00\r\n"
            f"items[{at}].EndTime=2026-10-17 14:19:00\r\n" for at in range(2)]  # fmt: skip
    reply = HttpReply(200, {}, f"found=2\r\n{''.join(rows)}".encode())
    assert _page(reply, 2, NOW) is Failure.BAD_REPLY
