"""The proof that a camera is recorded: a file that ends near now. What is configured, or said, is not it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial

import pytest

from drivers.sim.hikvision_recorder import Fault
from sentinel.core.model import Failure
from tests.drivers.hikvision.branch import NOON, ago, moment, recorder, simulated, wired

pytestmark = pytest.mark.real


async def test_a_file_that_ends_near_now_is_the_proof() -> None:
    async with wired(simulated()) as (_, wire):
        assert await wire.assess(recorder(), "proof") == {
            "cam1.recording": "proved", "cam2.recording": "proved", "cam1.newest": 0, "cam2.newest": 0,
        }  # fmt: skip


@pytest.mark.parametrize("hours", [1, 2, 7, 20, 30, 24 * 5, 24 * 40])
async def test_a_camera_that_stopped_is_told_with_the_hour_though_the_recorder_says_that_it_records(hours: int) -> None:
    it = simulated()
    it.cameras[2].stopped, it.cameras[2].says_recording = ago(hours=hours), True
    async with wired(it) as (_, wire):
        dvr = recorder()
        for _ in range(2):
            found = await wire.assess(dvr, "proof")
            assert found["cam1.recording"] == "proved"
            assert found["cam2.recording"] == f"stopped {ago(hours=hours):%d-%m %H:%M}"
            assert found["cam2.newest"] == hours * 3600


async def test_what_was_learnt_of_a_stopped_camera_is_not_asked_again_each_minute() -> None:
    it = simulated()
    it.cameras[2].stopped = ago(days=5)
    it.cameras[1].kept_days = 0
    async with wired(it) as (_, wire):
        dvr = recorder()
        await wire.assess(dvr, "proof")
        asked = wire.asked
        found = await wire.assess(dvr, "proof", moment(at=1060.0))
        assert (found["cam1.recording"], found["cam1.newest"]) == ("stopped", Failure.UNSUPPORTED)
        assert wire.asked - asked <= 8  # the clock, two narrow windows, and the look whether Z means UTC here


async def test_a_camera_that_records_again_is_proved_again() -> None:
    it = simulated()
    it.cameras[1].stopped = ago(hours=2)
    async with wired(it) as (_, wire):
        dvr = recorder()
        assert (await wire.assess(dvr, "proof"))["cam1.recording"].startswith("stopped")
        it.cameras[1].stopped, it.cameras[1].gaps = None, [(ago(hours=2), ago(minutes=3))]
        assert (await wire.assess(dvr, "proof"))["cam1.recording"] == "proved"


async def test_files_that_vanish_are_told_at_once_though_they_were_seen_a_minute_ago() -> None:
    it = simulated()
    async with wired(it) as (_, wire):
        dvr = recorder()
        await wire.assess(dvr, "proof")
        it.cameras[1].kept_days = 0
        assert (await wire.assess(dvr, "proof"))["cam1.recording"] == f"stopped {NOON:%d-%m %H:%M}"


async def test_a_camera_that_stopped_within_the_half_hour_is_still_proved() -> None:
    it = simulated()
    it.cameras[1].stopped = ago(minutes=29)
    async with wired(it) as (_, wire):
        found = await wire.assess(recorder(), "proof")
        assert (found["cam1.recording"], found["cam1.newest"]) == ("proved", 29 * 60)


async def test_a_camera_that_records_by_movement_may_be_quiet_over_a_long_weekend() -> None:
    it = simulated()
    for camera in it.cameras.values():
        camera.stopped = ago(hours=60)
    async with wired(it) as (_, wire):
        found = await wire.assess(recorder(cam1={"record": "motion"}), "proof")
        assert found["cam1.recording"] == "proved"
        assert found["cam2.recording"].startswith("stopped")


async def test_a_schedule_that_is_off_is_told_as_off_once_it_was_read() -> None:
    it = simulated()
    it.cameras[1].stopped, it.cameras[1].mode = ago(hours=3), ""
    async with wired(it) as (_, wire):
        dvr = recorder()
        await wire.assess(dvr, "history")
        assert (await wire.assess(dvr, "proof"))["cam1.recording"] == "off"


@pytest.mark.parametrize("nested", [False, True], ids=["flat", "nested"])
@pytest.mark.parametrize("first", [1, 33])
async def test_the_recorders_own_word_is_the_weaker_one_where_files_cannot_be_asked_for(
    first: int, *, nested: bool
) -> None:
    it = simulated(faults={"search": Fault.FORBIDDEN}, nested=nested, numbers_from=first)
    it.cameras[2].stopped = ago(minutes=1)
    async with wired(it) as (_, wire):
        assert await wire.assess(recorder(), "proof") == {
            "cam1.recording": "now", "cam2.recording": "stopped",
            "cam1.newest": Failure.UNSUPPORTED, "cam2.newest": Failure.UNSUPPORTED,
        }  # fmt: skip


async def test_numbers_that_do_not_cover_all_cameras_are_not_guessed() -> None:
    it = simulated(faults={"search": Fault.FORBIDDEN}, numbers_from=17)
    async with wired(it) as (_, wire):
        assert set((await wire.assess(recorder(), "proof")).values()) == {Failure.UNSUPPORTED}


async def test_a_recorder_that_gives_neither_files_nor_a_word_is_neither_broken_nor_fine() -> None:
    it = simulated(faults={"search": Fault.ABSENT, "workingstatus": Fault.ABSENT})
    async with wired(it) as (_, wire):
        assert set((await wire.assess(recorder(), "proof")).values()) == {Failure.UNSUPPORTED}


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (Fault.BUSY, Failure.REFUSED), (Fault.WORDS, Failure.REFUSED), (Fault.PAGE, Failure.BAD_REPLY),
        (Fault.GARBLED, Failure.BAD_REPLY), (Fault.TRUNCATED, Failure.BAD_REPLY), (Fault.SILENT, Failure.NO_REPLY),
    ],
)  # fmt: skip
async def test_a_search_that_fails_is_no_proof_and_the_weaker_word_does_not_replace_it(
    fault: Fault, failure: Failure
) -> None:
    async with wired(simulated(faults={"search": fault})) as (_, wire):
        assert set((await wire.assess(recorder(), "proof")).values()) == {failure}


async def test_a_search_that_finds_nothing_is_not_believed_to_be_a_recording() -> None:
    async with wired(simulated(faults={"search": Fault.LYING})) as (_, wire):
        found = await wire.assess(recorder(), "proof")
        assert found["cam1.recording"] == "stopped"


@pytest.mark.parametrize("drift", [timedelta(hours=-5, minutes=-30), timedelta(minutes=312), timedelta(days=400)])
async def test_files_are_judged_by_the_recorders_own_clock_however_wrong_it_is(drift: timedelta) -> None:
    async with wired(simulated(drift=drift)) as (_, wire):
        assert (await wire.assess(recorder(), "proof"))["cam1.recording"] == "proved"


async def test_a_file_that_ends_in_the_future_proves_nothing() -> None:
    it = simulated(file_minutes=1440, drift=timedelta(minutes=20))
    it.faults = {"System/time": Fault.ABSENT}  # its file ends in 20 minutes, and it does not say what it takes now for
    async with wired(it) as (_, wire):
        found = await wire.assess(recorder(), "proof")
        assert (found["cam1.recording"], found["cam1.newest"]) == (Failure.RANGE, Failure.RANGE)


async def test_many_short_files_are_read_page_by_page() -> None:
    it = simulated(file_minutes=1, page=4)
    async with wired(it) as (_, wire):
        found = await wire.assess(recorder(), "proof")
        assert (found["cam1.recording"], found["cam1.newest"]) == ("proved", 0)


async def test_a_search_that_never_ends_is_no_answer_unless_it_proves_on_the_way() -> None:
    it = simulated(file_minutes=1, page=1)
    async with wired(it) as (_, wire):
        assert (await wire.assess(recorder(), "proof"))["cam1.recording"] == "proved"  # the tenth file ends near enough
        it.file_minutes = 0.25
        assert set((await wire.assess(recorder(), "proof")).values()) == {Failure.BAD_REPLY}


# --- Some firmwares mean UTC by their Z ----------------------------------------------------------------------------


async def test_a_firmware_that_means_utc_by_its_z_is_found_out() -> None:
    it = simulated(utc_search=True)
    it.cameras[2].stopped = ago(hours=3)
    async with wired(it) as (_, wire):
        dvr = recorder()
        found = await wire.assess(dvr, "proof")
        assert found["cam1.recording"] == "proved"
        assert found["cam2.recording"] == f"stopped {ago(hours=3):%d-%m %H:%M}"


async def test_it_is_believed_without_the_recorders_word_only_when_the_files_grow() -> None:
    it = simulated(utc_search=True, faults={"workingstatus": Fault.ABSENT})
    async with wired(it) as (_, wire):
        dvr = recorder()
        assert (await wire.assess(dvr, "proof"))["cam1.recording"].startswith("stopped")
        later = NOON + timedelta(minutes=1)
        it.now = lambda: later
        assert (await wire.assess(dvr, "proof", moment(later, 1060.0)))["cam1.recording"] == "proved"


async def test_a_recorder_that_stopped_as_long_ago_as_the_zone_is_ahead_is_not_taken_for_one_that_means_utc() -> None:
    it = simulated()
    for camera in it.cameras.values():
        camera.stopped = ago(hours=5, minutes=30)
    async with wired(it) as (_, wire):
        dvr = recorder()
        for minutes in range(3):
            later = NOON + timedelta(minutes=minutes)
            it.now = lambda later=later: later  # type: ignore[misc]
            found = await wire.assess(dvr, "proof", moment(later, 1000.0 + 60 * minutes))
            assert found["cam1.recording"] == f"stopped {ago(hours=5, minutes=30):%d-%m %H:%M}"


async def test_a_recorder_that_was_seen_to_mean_its_own_clock_is_not_doubted_when_all_cameras_stop() -> None:
    it = simulated()
    async with wired(it) as (_, wire):
        dvr = recorder()
        assert (await wire.assess(dvr, "proof"))["cam1.recording"] == "proved"
        for camera in it.cameras.values():
            camera.stopped, camera.says_recording = NOON, True  # and it lies about it
        later = NOON + timedelta(hours=5, minutes=40)
        it.now = lambda: later
        found = await wire.assess(dvr, "proof", moment(later, 21_000.0))
        assert found["cam1.recording"] == f"stopped {NOON:%d-%m %H:%M}"


async def test_a_wrong_guess_at_utc_ends_with_the_first_file_in_the_sites_own_zone() -> None:
    it = simulated()
    for camera in it.cameras.values():
        camera.stopped, camera.says_recording = ago(hours=5, minutes=40), True  # lies at the worst moment
    async with wired(it) as (_, wire):
        dvr = recorder()
        await wire.assess(dvr, "proof")
        for camera in it.cameras.values():
            camera.stopped, camera.gaps = None, [(ago(hours=5, minutes=40), ago(minutes=2))]
        assert (await wire.assess(dvr, "proof"))["cam1.recording"] == "proved"
        for camera in it.cameras.values():
            camera.stopped = NOON
        later = NOON + timedelta(hours=1)
        it.now = lambda: later
        found = await wire.assess(dvr, "proof", moment(later, 4600.0))
        assert found["cam1.recording"] == f"stopped {NOON:%d-%m %H:%M}"


async def test_rounds_that_run_at_the_same_time_do_not_disturb_each_other() -> None:
    it = simulated(4, utc_search=True, file_minutes=10, position="searchResultPosition")
    async with wired(it) as (_, wire):
        dvr = recorder(4)
        await wire.assess(dvr, "proof")
        for _ in range(3):
            _, proof, history = await asyncio.gather(
                *(wire.assess(dvr, name) for name in ("state", "proof", "history"))
            )
            assert {proof[f"cam{n}.recording"] for n in range(1, 5)} == {"proved"}
            assert {history[f"cam{n}.gap"] for n in range(1, 5)} == {0}


async def test_a_camera_that_the_recorder_does_not_have_spoils_no_other_search() -> None:
    it = simulated(2, position="searchResultPostion", strict=True)
    async with wired(it) as (_, wire):
        dvr = recorder(3)
        for _ in range(4):
            found = await wire.assess(dvr, "proof")
            assert (found["cam1.recording"], found["cam3.recording"]) == ("proved", Failure.REFUSED)


def _same(now: datetime) -> datetime:
    return now


@pytest.mark.parametrize("hours", [1, 3, 5])
async def test_a_recorder_that_stopped_before_we_started_is_not_proved_by_the_files_of_this_morning(hours: int) -> None:
    it = simulated(file_minutes=10)
    for camera in it.cameras.values():
        camera.stopped = ago(hours=hours)
    async with wired(it) as (_, wire):
        dvr = recorder()
        for minutes in range(0, 20, 5):
            now = NOON + timedelta(minutes=minutes)
            it.now = partial(_same, now)
            found = await wire.assess(dvr, "proof", moment(now, 1000.0 + 60 * minutes))
            assert found["cam1.recording"] == f"stopped {ago(hours=hours):%d-%m %H:%M}"
