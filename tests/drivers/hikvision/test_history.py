"""How far back, the longest gap of a day, what is set, and whether the recorder guards itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from drivers.hikvision_files import Back, bisect, run_of
from drivers.hikvision_history import _footage
from drivers.sim.hikvision_recorder import Fault, SimCamera
from sentinel.core.model import Failure
from tests.drivers.hikvision.branch import NOON, ago, recorder, simulated, wired

pytestmark = pytest.mark.real


async def test_a_recorder_that_keeps_what_it_must_is_well_in_every_point() -> None:
    async with wired(simulated(1)) as (_, wire):
        assert await wire.assess(recorder(1), "history") == {
            "footage": "kept", "retention": 120, "access": "ok", "time": "ntp", "firmware": "V4.30.085 build 220810",
            "model": "DS-7616NI-K2", "cam1.mode": "always", "cam1.oldest": 120, "cam1.gap": 0,
        }  # fmt: skip


@pytest.mark.parametrize("daily", [True, False], ids=["day lists", "single days"])
@pytest.mark.parametrize(
    ("kept", "required", "word", "days"),
    [
        (11, 90, "short 11/90", 11), (89.2, 90, "kept", 89), (88, 90, "short 88/90", 88), (90, 90, "kept", 90),
        (31, 30, "kept", 31), (0.4, 90, "short 0/90", 0), (200, 180, "kept", 180),
    ],
)  # fmt: skip
async def test_footage_is_as_long_as_the_camera_that_keeps_least(
    kept: float, required: int, word: str, days: int, *, daily: bool
) -> None:
    it = simulated(3, faults={} if daily else {"dailyDistribution": Fault.FORBIDDEN})
    it.cameras[2].kept_days = kept
    for number in (1, 3):
        it.cameras[number].kept_days = 400
    async with wired(it) as (_, wire):
        found = await wire.assess(recorder(3, footage={"days": required}), "history")
        assert found["footage"] == word
        assert found["retention"] == found["cam2.oldest"]
        assert found["cam2.oldest"] in (days, min(int(kept), required + 31), required)


async def test_a_camera_that_keeps_nothing_is_told_as_none() -> None:
    it = simulated()
    it.cameras[2].kept_days = 0
    async with wired(it) as (_, wire):
        found = await wire.assess(recorder(), "history")
        assert (found["footage"], found["retention"], found["cam2.oldest"]) == ("none", 0, Failure.UNSUPPORTED)


async def test_a_legal_hold_asks_for_more() -> None:
    it = simulated()
    async with wired(it) as (_, wire):
        found = await wire.assess(recorder(footage={"days": 30, "hold_since": "2026-01-01"}), "history")
        assert found["footage"] == "short 120/289"


async def test_a_recorder_whose_clock_is_a_year_behind_is_not_asked_for_less() -> None:
    it = simulated(drift=timedelta(days=-365))
    async with wired(it) as (_, wire):
        found = await wire.assess(recorder(footage={"days": 30, "hold_since": "2026-01-01"}), "history")
        assert (found["footage"], found["cam1.oldest"]) == ("short 120/289", 120)


async def test_a_power_cut_of_two_days_does_not_end_the_footage_but_a_kept_clip_of_last_year_is_not_footage() -> None:
    it = simulated()
    it.cameras[1].gaps = [(ago(days=22), ago(days=20))]
    it.cameras[2].gaps = [(ago(days=119), ago(days=11))]
    async with wired(it) as (_, wire):
        found = await wire.assess(recorder(), "history")
        assert (found["cam1.oldest"], found["cam2.oldest"]) == (120, 11)
        assert found["footage"] == "short 11/90"


async def test_cameras_that_could_not_be_asked_do_not_make_the_footage_kept_but_a_short_one_is_short() -> None:
    it = simulated(faults={"tracks/201/": Fault.BUSY})
    async with wired(it) as (_, wire):
        found = await wire.assess(recorder(), "history")
        assert (found["footage"], found["retention"]) == (Failure.REFUSED, Failure.REFUSED)
        assert (found["cam1.oldest"], found["cam2.oldest"]) == (120, Failure.REFUSED)
        it.cameras[1].kept_days = 11
        assert (await wire.assess(recorder(), "history"))["footage"] == "short 11/90"


def test_footage_that_was_not_asked_for_to_its_end_is_enough_or_unknown_but_never_short() -> None:
    assert _footage({1: Back(95, whole=False)}, 90) == {"footage": "kept", "retention": 95}
    assert _footage({1: Back(20, whole=False)}, 90) == dict.fromkeys(("footage", "retention"), Failure.BAD_REPLY)
    assert _footage({1: Back(20, whole=False), 2: Back(11)}, 90) == {"footage": "short 11/90", "retention": 11}


async def test_a_recorder_that_cannot_be_asked_for_days_at_all_is_neither_kept_nor_short() -> None:
    it = simulated(faults={"dailyDistribution": Fault.ABSENT, "search": Fault.FORBIDDEN})
    async with wired(it) as (_, wire):
        found = await wire.assess(recorder(), "history")
        for point in ("footage", "retention", "cam1.oldest", "cam1.gap"):
            assert found[point] is Failure.UNSUPPORTED


@pytest.mark.parametrize(
    "gaps", [[(300, 240)], [(700, 690), (300, 240), (100, 90)]], ids=["one gap", "the longest of three"]
)
async def test_the_longest_gap_of_the_last_day_is_found(gaps: list[tuple[int, int]]) -> None:
    it = simulated()
    it.cameras[1].gaps = [(ago(minutes=start), ago(minutes=end)) for start, end in gaps]
    it.page, it.file_minutes = 9, 20
    async with wired(it) as (_, wire):
        found = await wire.assess(recorder(), "history")
        assert (found["cam1.gap"], found["cam2.gap"]) == (3600, 0)


@pytest.mark.parametrize("strict", [False, True], ids=["passed over", "refused"])
@pytest.mark.parametrize("position", ["searchResultPosition", "searchResultPostion"])
@pytest.mark.parametrize("more", ["Strg", "Strip", "Strp", ""])
async def test_pages_are_turned_in_the_spelling_that_the_firmware_knows(
    position: str, more: str, *, strict: bool
) -> None:
    it = simulated(file_minutes=10, position=position, strict=strict, more=more)
    it.cameras[2].gaps = [(ago(hours=2), ago(hours=1))]
    async with wired(it) as (_, wire):
        dvr = recorder()
        for _ in range(2):
            found = await wire.assess(dvr, "history")
            assert (found["cam1.gap"], found["cam2.gap"]) == (0, 3600)


async def test_a_recorder_that_turns_no_page_is_not_believed() -> None:
    it = simulated(file_minutes=10, position="unheard of")
    async with wired(it) as (_, wire):
        assert (await wire.assess(recorder(), "history"))["cam1.gap"] is Failure.BAD_REPLY


async def test_a_camera_that_stopped_has_a_gap_up_to_now_and_one_that_never_recorded_has_a_day() -> None:
    it = simulated()
    it.cameras[1].stopped = ago(hours=2)
    it.cameras[2].kept_days = 0
    async with wired(it) as (_, wire):
        found = await wire.assess(recorder(), "history")
        assert (found["cam1.gap"], found["cam2.gap"]) == (7200, 86400)


async def test_a_gap_is_not_claimed_from_pages_that_were_never_seen() -> None:
    it = simulated(file_minutes=1, page=40)
    async with wired(it) as (_, wire):
        assert (await wire.assess(recorder(), "history"))["cam1.gap"] is Failure.BAD_REPLY


@pytest.mark.parametrize(("mode", "word"), [("CMR", "always"), ("MOTION", "motion"), ("EDR", "motion"), ("", "off")])
async def test_what_is_configured_is_read_from_the_schedule(mode: str, word: str) -> None:
    it = simulated()
    it.cameras[1].mode = mode
    async with wired(it) as (_, wire):
        found = await wire.assess(recorder(), "history")
        assert (found["cam1.mode"], found["cam2.mode"]) == (word, "always")


async def test_a_recorder_without_a_time_server_is_told() -> None:
    it = simulated(ntp="")
    async with wired(it) as (_, wire):
        assert (await wire.assess(recorder(), "history"))["time"] == "manual"


async def test_a_recorder_that_shows_pictures_to_whoever_asks_is_open() -> None:
    it = simulated()
    async with wired(it) as (sim, wire):
        it.open = True
        assert (await wire.assess(recorder(), "history"))["access"] == "open"
        it.open = False
        assert (await wire.assess(recorder(), "history"))["access"] == "ok"
        assert sim.failed_logins == 0


async def test_the_inventory_has_every_channel_with_its_name() -> None:
    it = simulated()
    it.cameras[3] = SimCamera("गेट & <road>")
    async with wired(it) as (_, wire):
        found = await wire.run(recorder().inventory(None))  # type: ignore[arg-type]
        assert [(one.number, one.name, one.online) for one in found.channels] == [
            (1, "Camera 1", True), (2, "Camera 2", True), (3, "गेट & <road>", True),
        ]  # fmt: skip


async def test_an_error_in_words_to_whoever_asks_is_not_called_guarded() -> None:
    it = simulated(open=True)
    it.cameras[1].online = False
    async with wired(it) as (_, wire):
        assert (await wire.assess(recorder(), "history"))["access"] is Failure.BAD_REPLY


def hunted(start: int) -> tuple[int | None, int]:
    """What the questions for single days find when footage begins so many days ago, and how many they were."""
    hunt, questions = bisect(90, 3), 1
    age = next(hunt)
    while True:
        try:
            age = hunt.send(age <= start)
        except StopIteration as end:
            return end.value, questions
        questions += 1


@pytest.mark.parametrize("start", range(0, 91, 7))
def test_asking_single_days_finds_the_oldest_with_few_questions(start: int) -> None:
    oldest, questions = hunted(start)
    assert oldest == start
    assert questions <= 20


def test_an_unbroken_run_of_days_ends_at_a_hole() -> None:
    today = NOON.date()
    days = {today - timedelta(days=age) for age in (0, 1, 2, 5, 6, 60)}
    assert run_of(days, today, 3) == (6, True)
    assert run_of(days, today, 1) == (2, True)
    assert run_of(days, today, 60) == (60, False)
    assert run_of({today + timedelta(days=1)}, today, 3) == (None, False)


async def test_a_clip_that_was_kept_when_all_else_was_overwritten_is_no_footage_of_ninety_days() -> None:
    it = simulated(1)
    it.cameras[1].kept_days, it.cameras[1].gaps = 90.5, [(ago(days=89), ago(days=6))]
    async with wired(it) as (simulator, wire):
        assert (await wire.assess(recorder(1), "history"))["footage"] == "short 6/90"
        it.faults["dailyDistribution"] = Fault.ABSENT
        assert (await wire.assess(recorder(1), "history"))["footage"] == "short 6/90"
        del simulator
