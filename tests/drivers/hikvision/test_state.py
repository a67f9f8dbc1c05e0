"""What is now: the recorder itself, its disks, its clock, and whether each camera gives a picture."""

from __future__ import annotations

from datetime import timedelta

import pytest

from drivers.sim.hikvision_recorder import Fault, SimDisk
from sentinel.core.model import Failure
from tests.drivers.hikvision.branch import NOON, moment, recorder, simulated, wired

pytestmark = pytest.mark.real


async def test_a_healthy_recorder_is_healthy_and_a_full_overwriting_disk_is_normal() -> None:
    async with wired(simulated()) as (_, wire):
        assert await wire.assess(recorder(), "state") == {
            "disks": "ok", "clock": "right", "identity": "same", "drift": 0, "disk-use": 100.0,
            "cam1.video": "ok", "cam2.video": "ok",
        }  # fmt: skip


async def test_an_analogue_input_without_a_signal_is_lost_though_no_event_says_so() -> None:
    it = simulated(analogue=True)
    it.cameras[2].lost = True
    async with wired(it) as (_, wire):
        found = await wire.assess(recorder(), "state")
        assert (found["cam1.video"], found["cam2.video"]) == ("ok", "lost")


async def test_the_input_list_alone_is_enough_where_the_recorder_says_nothing_of_itself() -> None:
    it = simulated(analogue=True)
    it.cameras[2].lost = True
    it.faults = {"workingstatus": Fault.ABSENT, "InputProxy": Fault.FORBIDDEN}
    async with wired(it) as (_, wire):
        found = await wire.assess(recorder(), "state")
        assert (found["cam1.video"], found["cam2.video"]) == ("ok", "lost")


async def test_an_ip_camera_that_does_not_answer_is_offline_with_the_recorders_reason() -> None:
    it = simulated()
    it.cameras[2].online, it.cameras[2].detected = False, "netUnreachable"
    async with wired(it) as (_, wire):
        found = await wire.assess(recorder(), "state")
        assert (found["cam1.video"], found["cam2.video"]) == ("ok", "offline netUnreachable")


async def test_an_ip_camera_that_is_online_without_a_picture_is_lost() -> None:
    it = simulated()
    it.cameras[1].lost = True
    async with wired(it) as (_, wire):
        assert (await wire.assess(recorder(), "state"))["cam1.video"] == "lost"


async def test_a_camera_that_was_taken_off_the_recorder_is_offline() -> None:
    it = simulated(1)
    async with wired(it) as (_, wire):
        found = await wire.assess(recorder(2), "state")
        assert (found["cam1.video"], found["cam2.video"]) == ("ok", "offline")


async def test_a_model_that_has_none_of_the_lists_is_neither_broken_nor_fine() -> None:
    it = simulated(faults={"InputProxy": Fault.ABSENT, "workingstatus": Fault.ABSENT})
    async with wired(it) as (_, wire):
        found = await wire.assess(recorder(), "state")
        assert found["cam1.video"] is Failure.UNSUPPORTED
        assert found["disks"] == "ok"


async def test_the_recorders_own_word_serves_where_the_lists_are_not_supported_only_with_a_list_of_inputs() -> None:
    it = simulated(faults={"InputProxy": Fault.FORBIDDEN})
    it.cameras[2].lost = True
    async with wired(it) as (_, wire):
        found = await wire.assess(recorder(), "state")
        assert found["cam2.video"] == "lost"
        assert found["cam1.video"] is Failure.UNSUPPORTED  # "signal 0" of a channel in no list proves nothing


async def test_all_cameras_taken_off_the_recorder_are_offline() -> None:
    it = simulated(2)
    it.cameras.clear()
    async with wired(it) as (_, wire):
        found = await wire.assess(recorder(2), "state")
        assert (found["cam1.video"], found["cam2.video"]) == ("offline", "offline")


async def test_a_list_that_failed_leaves_a_camera_unknown_and_not_taken_off() -> None:
    it = simulated(2, analogue=True, faults={"Video/inputs": Fault.BUSY})
    async with wired(it) as (_, wire):
        found = await wire.assess(recorder(2), "state")
        assert (found["cam1.video"], found["cam2.video"]) == (Failure.REFUSED, Failure.REFUSED)


async def test_a_recorder_that_says_no_signal_of_every_camera_that_it_shows_is_not_believed() -> None:
    it = simulated(2)
    for camera in it.cameras.values():
        camera.lost = True
    async with wired(it) as (_, wire):
        found = await wire.assess(recorder(2), "state")
        assert (found["cam1.video"], found["cam2.video"]) == ("ok", "ok")
        it.cameras[1].online = False
        found = await wire.assess(recorder(2), "state")
        assert (found["cam1.video"], found["cam2.video"]) == ("offline", "lost")


@pytest.mark.parametrize(
    ("status", "property_", "word"),
    [
        ("ok", "RW", "ok"), ("idle", "RW", "ok"), ("sleeping", "RW", "ok"), ("ok", "RO", "read-only 2"),
        ("error", "RW", "failed 2"), ("abnormal", "RW", "failed 2"), ("smartFailed", "RW", "failed 2"),
        ("mismatch", "RW", "failed 2"), ("offline", "RW", "missing 2"), ("unformatted", "RW", "unformatted 2"),
        ("formating", "RW", "unformatted 2"), ("melted", "RW", "melted 2"), ("", "RW", "unknown 2"),
    ],
)  # fmt: skip
async def test_the_worst_disk_gives_the_word(status: str, property_: str, word: str) -> None:
    it = simulated()
    it.disks[2] = SimDisk(status, property=property_)
    async with wired(it) as (_, wire):
        assert (await wire.assess(recorder(), "state"))["disks"] == word


async def test_a_disk_that_was_there_and_is_gone_is_missing() -> None:
    it = simulated()
    it.disks[2] = SimDisk()
    async with wired(it) as (_, wire):
        dvr = recorder()
        assert (await wire.assess(dvr, "state"))["disks"] == "ok"
        del it.disks[2]
        assert (await wire.assess(dvr, "state"))["disks"] == "missing 2"
        it.disks[2] = SimDisk("notexist")
        assert (await wire.assess(dvr, "state"))["disks"] == "missing 2"
        it.disks[2] = SimDisk("ok")
        assert (await wire.assess(dvr, "state"))["disks"] == "ok"


async def test_an_empty_bay_is_no_missing_disk_and_no_disk_at_all_is_told() -> None:
    it = simulated()
    it.disks[2] = SimDisk("notexist")
    async with wired(it) as (_, wire):
        assert (await wire.assess(recorder(), "state"))["disks"] == "ok"
        it.disks.clear()
        assert (await wire.assess(recorder(), "state"))["disks"] == "none"


async def test_all_disks_gone_at_once_is_missing_when_they_were_seen_before() -> None:
    it = simulated()
    async with wired(it) as (_, wire):
        dvr = recorder()
        await wire.assess(dvr, "state")
        it.disks.clear()
        assert (await wire.assess(dvr, "state"))["disks"] == "missing 1"


async def test_another_recorder_in_its_place_is_told() -> None:
    it = simulated()
    async with wired(it) as (_, wire):
        dvr = recorder()
        assert (await wire.assess(dvr, "state"))["identity"] == "same"
        it.serial, it.model = "DS-7608NI-E220170101AAWR000000001WCVU", "DS-7608NI-E2"
        assert (await wire.assess(dvr, "state"))["identity"] == f"changed DS-7608NI-E2 {it.serial}"


@pytest.mark.parametrize(
    ("written", "word"),
    [
        ("DS-7616NI-K20120190315CCRR123456789WCVU", "same"),
        ("ds-7616ni-k20120190315ccrr123456789wcvu", "same"),
        ("123456789", "same"),  # what the label says
        ("WCVU", "changed DS-7616NI-K2 DS-7616NI-K20120190315CCRR123456789WCVU"),  # too little to know it by
        ("987654321", "changed DS-7616NI-K2 DS-7616NI-K20120190315CCRR123456789WCVU"),
    ],
)
async def test_the_serial_number_that_is_written_is_compared(written: str, word: str) -> None:
    async with wired(simulated()) as (_, wire):
        assert (await wire.assess(recorder(serial=written), "state"))["identity"] == word


@pytest.mark.parametrize("tag", ["+05:30", "Z", "", "+08:00"])
@pytest.mark.parametrize(("drift", "word"), [(0, "right"), (59, "right"), (312, "wrong +312 s"), (-90, "wrong -90 s")])
async def test_the_clock_is_compared_as_it_is_shown_whatever_zone_it_claims(tag: str, drift: int, word: str) -> None:
    it = simulated(tag=tag, drift=timedelta(seconds=drift))
    async with wired(it) as (_, wire):
        found = await wire.assess(recorder(), "state")
        assert (found["clock"], found["drift"]) == (word, drift)


async def test_a_clock_that_says_the_right_instant_in_utc_is_right_when_its_own_zone_is_the_sites() -> None:
    it = simulated(tag="Z!")
    async with wired(it) as (_, wire):
        assert (await wire.assess(recorder(), "state"))["clock"] == "right"
        it.zone = "UTC+0:00:00"  # then its pictures carry the wrong time
        assert (await wire.assess(recorder(), "state"))["clock"] == "wrong -19800 s"


async def test_the_clock_must_be_well_right_again_before_it_is_called_right() -> None:
    it = simulated()
    async with wired(it) as (_, wire):
        dvr = recorder()
        for drift, word in ((70, "wrong +70 s"), (45, "wrong +45 s"), (25, "right"), (45, "right")):
            it.drift = timedelta(seconds=drift)
            assert (await wire.assess(dvr, "state"))["clock"] == word


async def test_nobodys_clock_is_called_wrong_while_ours_is_not_believed() -> None:
    async with wired(simulated(drift=timedelta(hours=5))) as (_, wire):
        found = await wire.assess(recorder(), "state", moment(synchronised=False))
        assert (found["clock"], found["drift"]) == (Failure.UNSUPPORTED, Failure.UNSUPPORTED)


async def test_a_recorder_that_is_busy_once_is_asked_again_and_one_that_stays_busy_is_not_fine() -> None:
    it = simulated(faults={"Storage": Fault.BUSY_ONCE, "channels/status": Fault.BUSY})
    async with wired(it) as (sim, wire):
        found = await wire.assess(recorder(), "state")
        assert found["disks"] == "ok"
        assert found["cam1.video"] is Failure.REFUSED
        assert sim.asked["ContentMgmt/InputProxy/channels/status"] == 2


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (Fault.FORBIDDEN, Failure.UNSUPPORTED), (Fault.ABSENT, Failure.UNSUPPORTED), (Fault.BUSY, Failure.REFUSED),
        (Fault.WORDS, Failure.REFUSED), (Fault.PAGE, Failure.BAD_REPLY), (Fault.GARBLED, Failure.BAD_REPLY),
        (Fault.TRUNCATED, Failure.BAD_REPLY), (Fault.LYING, Failure.BAD_REPLY), (Fault.SILENT, Failure.NO_REPLY),
    ],
)  # fmt: skip
async def test_no_fault_of_an_answer_reads_as_a_word(fault: Fault, failure: Failure) -> None:
    it = simulated(faults={"Storage": fault, "System/time": fault})
    async with wired(it) as (_, wire):
        found = await wire.assess(recorder(), "state")
        assert {name: found[name] for name in ("disks", "disk-use", "clock", "drift")} == dict.fromkeys(
            ("disks", "disk-use", "clock", "drift"), failure
        )
        assert found["identity"] == "same"


@pytest.mark.parametrize("name", ["state", "proof", "history"])
async def test_a_recorder_that_is_silent_costs_one_question_and_no_point_is_left_standing(name: str) -> None:
    it = simulated(8, faults={"": Fault.SILENT})
    async with wired(it) as (sim, wire):
        assert set((await wire.assess(recorder(8), name)).values()) == {Failure.NO_REPLY}
        assert sum(sim.asked.values()) == 1


@pytest.mark.parametrize("name", ["state", "proof", "history"])
async def test_a_wrong_password_is_one_failed_login_a_round_and_every_point_says_so(name: str) -> None:
    it = simulated(8)
    async with wired(it) as (sim, wire):
        it.password = "changed"
        assert set((await wire.assess(recorder(8), name)).values()) == {Failure.CREDENTIAL}
        assert sim.failed_logins == 1


async def test_a_year_of_noons_later_it_is_still_the_same() -> None:
    it = simulated()
    async with wired(it) as (_, wire):
        dvr = recorder()
        for year in range(3):
            later = NOON.replace(year=NOON.year + year)
            it.now = lambda later=later: later  # type: ignore[misc]
            assert (await wire.assess(dvr, "state", moment(later)))["clock"] == "right"


async def test_a_disk_that_is_gone_is_still_missing_after_a_restart_where_the_config_says_how_many_there_are() -> None:
    it = simulated()
    async with wired(it) as (_, wire):
        assert (await wire.assess(recorder(disks=2), "state"))["disks"] == "missing 2"
        it.disks[2] = SimDisk()
        assert (await wire.assess(recorder(disks=2), "state"))["disks"] == "ok"
