"""The recorder alone, on a real spool: what it writes and when, and that nothing waits for a card that is full, dead or stuck."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from sentinel.commands.tables import real_tables
from sentinel.core import facts
from sentinel.core.codes import ROLES
from sentinel.core.detect import Detector
from sentinel.core.incident import State
from sentinel.core.model import Condition, Quality, Reading, Role
from sentinel.core.signal import Signal
from sentinel.demo.sink import DATABASE
from sentinel.duty.supervise import Fallen, Progress
from sentinel.gateway.card import ROOM_BYTES
from sentinel.gateway.poller import PollStats
from sentinel.gateway.recording import SLICE, WAITING, Around, Recorder, target_of
from sentinel.gateway.world import World
from sentinel.settings.branch import load
from sentinel.settings.policy import policy
from sentinel.settings.recording import InfluxV1, InfluxV2
from sentinel.telemetry.model import Flush, Keep
from sentinel.telemetry.sampling import LINES_AT_MOST
from tests.example import EXAMPLE
from tests.fakes import MONDAY_NOON, FakeCard, FakeClock, FakeStore, virtual_loop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from sentinel.core.detect import ZoneView
    from sentinel.core.facts import Recorded
    from sentinel.telemetry.spool import Spool

TEMPERATURE = "climate.temperature"


class House:
    """A recorder and what it looks at: real rules for the zones, made-up lines, a card that can fail."""

    def __init__(self, folder: Path, store: FakeStore | None = None, most_bytes: int | None = None) -> None:
        loaded = load(EXAMPLE, real_tables(EXAMPLE.parent)).settings
        assert loaded is not None
        url = f"http://127.0.0.1:{0 if store is None else store.port}"
        influx = None if store is None else InfluxV2.model_construct(api="v2", url=url, bucket=DATABASE)
        telemetry = loaded.telemetry.model_copy(update={"influx": influx})
        self.settings = replace(loaded, telemetry=telemetry)
        self.most_bytes = most_bytes
        self.clock = FakeClock()
        self.system = self.clock.system()
        self.card = FakeCard()
        self.spool: Spool
        self.path = folder / "telemetry.db"
        made = policy(loaded)
        self.zones = Detector(made.zones, made.devices, {}, self.system.monotonic())
        self.links = {"bus": PollStats(), "fire": PollStats()}
        self.state, self.health, self.looks = State(), "ok", 0
        self.pictures = 0  # bytes
        self.told: list[tuple[float, Signal]] = []
        self.progress, self.fallen = Progress(), Fallen()
        self.made: list[Recorder] = []
        self.recorder = self.recorder_anew()

    def recorder_anew(self) -> Recorder:
        def spool(path: Path, keep: Any, forward: bool) -> Spool:
            bounds = keep if self.most_bytes is None else Keep(keep.days, self.most_bytes)
            self.spool = self.card.spool(
                path, bounds, True
            )  # also where nobody takes the lines: they are looked at here
            return self.spool

        around = Around(
            zones=self.look,
            latest=dict,
            links=lambda: self.links,
            state=lambda: self.state,
            health=lambda: self.health,
            began=self.system.monotonic(),
            pictures=lambda: self.pictures,
        )
        world = World(spool=spool, free_bytes=lambda _folder: self.card.free_bytes)
        recorder = Recorder(self.settings, self.path, world, self.system, around, self.tell)
        self.made.append(recorder)
        return recorder

    def look(self) -> Sequence[ZoneView]:
        self.looks += 1
        return self.zones.view(self.system.monotonic())

    def tell(self, signal: Signal) -> None:
        self.told.append((round(virtual_loop().time() - 1000), signal))
        key, conditions = f"{signal.subject}/trouble", dict(self.state.conditions)
        self.state = State(conditions={**conditions, key: signal.condition})

    def open(self) -> None:
        self.recorder.open(self.progress, self.fallen)

    def reads(self, **values: float | bool) -> None:
        """Readings of climate.temperature and others, of now."""
        at = self.system.monotonic()
        readings = [
            Reading(point.replace("_", ".", 1).replace("_", "-"), value, Quality.GOOD, at)
            for point, value in values.items()
        ]
        signals = self.zones.feed(readings, at)
        self.recorder.take(readings)
        self.recorder.signals(signals)

    async def lives(self, seconds: float, temperature: Callable[[int], float] = lambda _: 25.0) -> None:
        """Each second the sensor is read, and the lines answer."""
        for second in range(int(seconds)):
            self.reads(climate_temperature=temperature(second))
            for stats in self.links.values():
                stats.reads += 1
            await asyncio.sleep(1)

    async def lines(self, measurement: str = "") -> list[str]:
        """What waits on the card."""
        found: list[str] = []
        batch = await self.spool.read(1_000_000)
        if batch is not None:
            found = [line.decode() for line in batch.lines]
        return [line for line in found if line.startswith(f"{measurement}," if measurement else "")]

    def faults(self) -> list[str]:
        """ "second subject condition reason" of what was told."""
        return [f"{at} {one.subject} {one.condition} {one.reason}".strip() for at, one in self.told]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    made = House(tmp_path)
    yield made
    for recorder in made.made:
        await recorder.abandon()


def value_of(line: str) -> float:
    return float(line.split("value=")[1].split(" ", maxsplit=1)[0])


def at_ms(line: str) -> int:
    return int(line.rpartition(" ")[2])


# --- What is written ------------------------------------------------------------------------------------------------


async def test_a_number_that_stands_still_is_a_line_a_minute_and_one_that_moves_is_a_line_a_move(house: House) -> None:
    house.open()
    await house.lives(120, lambda second: 25.0 if second < 90 else 26.0)
    await house.lives(13)
    lines = await house.lines("measure")
    assert [value_of(line) for line in lines] == [25.0, 25.0, 26.0, 25.0]
    assert at_ms(lines[0]) == round(MONDAY_NOON.timestamp() * 1000)


async def test_a_trembling_within_the_deadband_is_no_news_and_stands_in_the_minutes_summary(house: House) -> None:
    house.open()
    await house.lives(73, lambda second: 25.0 + 0.1 * (second % 2))
    begin = int(MONDAY_NOON.timestamp())
    plot = await house.recorder.plot(TEMPERATURE, begin, begin + 60)
    assert (plot.low[0], plot.high[0]) == (25.0, 25.1)
    assert len(await house.lines("measure")) == 2


async def test_every_zone_is_a_line_a_minute_and_one_more_when_it_changes(house: House) -> None:
    house.open()
    await house.lives(20)
    assert len(await house.lines("zone")) == len(house.settings.zones) + len(house.settings.summaries)
    house.reads(panel_di3=False)
    await house.lives(5)
    house.reads(panel_di3=True)
    await house.lives(13)
    panic = [line for line in await house.lines("zone") if "zone=panic-gate" in line]
    assert [line.rsplit(" ", 2)[1] for line in panic] == [
        "quality=1i,state=3i",
        "quality=0i,state=0i",
        "quality=0i,state=1i",
        "quality=1i,state=1i",  # no more reads: latched, and nobody knows
    ]


async def test_an_alarm_shorter_than_a_second_is_in_the_record(house: House) -> None:
    house.open()
    await house.lives(3)
    house.reads(panel_di5=True)
    await asyncio.sleep(1)
    for closed in (False, False, True):  # a shutter: 0.3 s until it is told
        house.reads(panel_di5=closed)
        await asyncio.sleep(0.35)
    at = house.system.monotonic()
    house.recorder.signals(house.zones.tick(at))
    await house.lives(13)
    shutter = [line for line in await house.lines("zone") if "zone=shutter-front" in line]
    assert any("state=1i" in line for line in shutter)


async def test_a_press_of_a_silent_button_is_not_even_looked_at(house: House) -> None:
    house.open()
    await house.lives(3)
    looks = house.looks
    house.recorder.signals([signal_of("zone:hold-up-counter", Role.HOLD_UP)])
    assert house.looks == looks
    house.recorder.signals([signal_of("zone:panic-gate", Role.PANIC)])
    assert house.looks == looks + 1


def signal_of(subject: str, role: Role) -> Signal:
    return Signal(subject, role, Condition.ALARM, Condition.ALARM, ROLES[role].event, ROLES[role].severity, "")


async def test_a_line_of_devices_that_falls_silent_is_down_at_once_and_up_at_once(house: House) -> None:
    house.open()
    await house.lives(30)
    for _ in range(60):
        house.links["fire"].reads += 1
        house.links["bus"].reads += 1
        house.links["bus"].failed += 1
        await asyncio.sleep(1)
    await house.lives(15)
    bus = [line for line in await house.lines("link") if "link=bus" in line]
    begin = at_ms(bus[0])
    found = [(round((at_ms(line) - begin) / 1000), line.split("up=")[1][0]) for line in bus]
    assert found == [(0, "1"), (49, "0"), (60, "0"), (90, "1")]  # two of its slowest polls, 10 s each, are waited for
    assert "errors=60i" in bus[-1]


async def test_the_daemon_itself_is_a_line_a_minute_and_one_when_its_health_changes(house: House) -> None:
    house.open()
    await house.lives(30)
    house.health = "impaired"
    await house.lives(45)
    lines = await house.lines("gateway")
    assert [line.split("health=")[1][0] for line in lines] == ["0", "1", "1"]
    assert all(line.startswith("gateway,branch=shivnath-sector6 clock_synced=1i,") for line in lines)
    assert "uptime_s=60i" in lines[-1]
    assert f"disk_free_bytes={2**30}i" in lines[-1]
    assert f"points_made={house.spool.counts().made}i" not in lines[0]


async def test_pictures_that_are_kept_do_not_show_in_the_room_that_is_left(house: House) -> None:
    house.open()
    await house.lives(30)
    house.card.free_bytes -= 40 * 2**20
    house.pictures += 40 * 2**20
    await house.lives(60)
    assert house.recorder.view().disk_free_bytes == 2**30
    lines = [line for line in await house.lines("gateway") if "disk_free_bytes" in line]
    assert lines
    assert all(f"disk_free_bytes={2**30}i" in line for line in lines)
    house.card.free_bytes = 16 * 2**20
    await house.lives(60)
    assert house.recorder.view().disk_free_bytes == 16 * 2**20  # a card that is full is not shown as roomy


async def test_incidents_are_recorded_when_they_open_are_answered_or_close_and_silent_ones_never(
    story: Any,
) -> None:
    records: list[Recorded] = []
    story.gateway.desk.listeners.append(records.extend)
    story.press("hold-up-counter")
    story.press("panic-gate")
    await story.seconds(2)
    await story.answer("acknowledge", "panic-gate")
    await story.answer("close", "panic-gate", disposition="genuine")
    await story.answer("acknowledge", "hold-up-counter")
    await story.gateway.recorder.look()
    sampler = story.gateway.recorder._sampler
    code = story.gateway.desk.state.recent[0].code
    waiting = [line for line in sampler._lines if line.startswith("incident,")]
    assert [line.split(" ")[:2] for line in waiting] == [
        [
            "incident,branch=shivnath-sector6,role=panic,severity=critical",
            f"answered={a}i,code={code}i,event=120i,open={o}i",
        ]
        for a, o in ((0, 1), (1, 1), (0, 0))
    ]
    kinds = [type(one.fact) for one in records]
    assert kinds.count(facts.IncidentOpened) == 2


async def test_a_slip_in_the_records_own_code_reaches_neither_the_alarm_nor_the_watchdog(story: Any) -> None:
    recorder = story.gateway.recorder
    recorder._sampler.take = lambda *_: 1 / 0
    recorder._note = lambda _: 1 / 0
    story.mark()
    story.press("panic-gate")
    await story.seconds(120)
    assert story.letters(contact="sho")[:1] == ["0:00 mail sho alarm"]
    assert set(story.gateway.fallen.counts) == {"recorder", "spool"}
    assert "recorder" not in story.gateway.progress.stuck()
    assert story.gateway.health().word == "impaired"


# --- To the card --------------------------------------------------------------------------------------------------


async def test_a_power_cut_takes_at_most_fifteen_seconds(house: House) -> None:
    house.open()
    for _ in range(60):
        await house.lives(1, lambda _: 20 + house.system.monotonic() % 10)
        newest = max((at_ms(line) for line in await house.lines()), default=0)
        if house.system.monotonic() > 15:
            assert house.clock.wall().timestamp() * 1000 - newest <= 15_000


async def test_a_card_that_dies_for_half_an_hour_is_told_once_and_costs_no_line(house: House) -> None:
    house.open()
    await house.lives(30)
    house.card.dead = True
    before = house.card.appends
    await house.lives(1800, lambda second: 20.0 + second % 7)
    assert house.card.appends == before
    house.card.dead = False
    await house.lives(150)
    assert house.faults() == ["96 telemetry:spool trouble card", "1932 telemetry:spool normal"]
    view = house.recorder.view()
    assert (view.spool_up, view.spool_reason, view.counts.dropped) == (True, "", 0)
    values = [value_of(line) for line in await house.lines("measure")]
    assert len(values) >= 1800
    assert view.counts.made == view.counts.waiting


async def test_a_card_that_hangs_holds_up_neither_the_readings_nor_the_look(house: House) -> None:
    house.open()
    await house.lives(20)
    house.card.hangs = True
    looks = 0

    def alive() -> None:
        nonlocal looks
        looks += 1

    house.recorder._alive = alive
    await house.lives(100)
    assert looks >= 99
    assert house.progress.stuck() == []
    view = house.recorder.view()
    assert (view.spool_up, view.spool_reason[:16]) == (False, "no answer within")
    assert [one.reason for _, one in house.told] == ["card"]
    assert house.fallen.counts == {}


async def test_room_that_hangs_is_asked_for_once(house: House) -> None:
    gate = asyncio.Event()

    async def hanging() -> int:
        await gate.wait()
        return 2**30

    house.open()
    await house.lives(14)
    house.recorder._card._asking = asyncio.create_task(hanging())
    house.card.free_bytes = 0  # would be seen, were it asked again
    await house.lives(60)
    assert house.recorder.view().spool_reason == "the card does not answer"
    assert house.recorder.view().disk_free_bytes is None
    house.card.free_bytes = 2**30
    gate.set()
    await house.lives(30)
    assert house.recorder.view().spool_up is True


async def test_the_last_of_the_card_is_left_to_the_journal(house: House) -> None:
    house.open()
    await house.lives(20)
    house.card.free_bytes = ROOM_BYTES - 1
    before = house.card.appends
    await house.lives(100)
    assert house.card.appends == before
    assert [one.reason for _, one in house.told] == ["no-room"]
    house.card.free_bytes = 2 * ROOM_BYTES - 1  # a log that was turned makes no difference
    await house.lives(100)
    assert house.card.appends == before
    house.card.free_bytes = 2 * ROOM_BYTES
    await house.lives(75)
    assert [one.condition for _, one in house.told] == [Condition.TROUBLE, Condition.NORMAL]
    assert house.spool.counts().dropped == 0


async def test_a_card_that_takes_nothing_for_hours_costs_the_oldest_lines_and_they_are_counted(house: House) -> None:
    house.open()
    await house.lives(15)
    house.card.dead = True
    for second in range(LINES_AT_MOST + 5_000):
        house.reads(climate_temperature=float(second % 50))
        if second % 1000 == 0:
            await house.recorder.look()
    house.card.dead = False
    await house.lives(80)
    counts = house.spool.counts()
    assert counts.dropped >= 5_000
    assert counts.made == counts.waiting + counts.dropped


async def test_readings_that_nobody_samples_are_bounded_and_counted(house: House) -> None:
    house.open()
    await house.lives(3)
    for second in range(WAITING + 500):  # the loop stands: nobody looks
        house.reads(climate_temperature=float(second % 50))
    await house.lives(70)
    assert "readings_missed=501i" in (await house.lines("gateway"))[-1]  # one of them was in the second before


async def test_while_the_journal_cannot_be_written_either_the_same_card_is_not_told_twice(house: House) -> None:
    house.open()
    await house.lives(15)
    house.card.dead, house.health = True, "bare"
    await house.lives(300)
    assert house.told == []
    house.health = "ok"
    await house.lives(59)
    assert house.told == []
    await house.lives(15)
    assert [one.reason for _, one in house.told] == ["card"]


async def test_a_fault_that_was_told_before_the_restart_is_over_when_the_card_is_written(house: House) -> None:
    house.state = State(
        conditions={"telemetry:spool/trouble": Condition.TROUBLE, "telemetry:store/trouble": Condition.TROUBLE}
    )
    house.open()
    await house.lives(75)
    assert sorted(line.partition(" ")[2] for line in house.faults()) == [
        "telemetry:spool normal",
        "telemetry:store normal",  # the settings name no database any more
    ]


async def test_a_fault_of_before_a_start_without_the_journal_is_over_when_that_is_back_and_the_card_is_well(
    house: House,
) -> None:
    house.health = "bare"
    house.open()
    await house.lives(120)
    house.health = "ok"
    house.state = State(conditions={"telemetry:spool/trouble": Condition.TROUBLE})
    await house.lives(75)
    assert [line.partition(" ")[2] for line in house.faults()] == ["telemetry:spool normal"]


async def test_a_card_at_the_edge_of_its_room_is_one_fault(house: House) -> None:
    house.open()
    await house.lives(15)
    for number in range(12):
        house.card.free_bytes = ROOM_BYTES + (-(2**20) if number % 2 else 2**20)
        await house.lives(90)
    assert [one.reason for _, one in house.told] == ["no-room"]


async def test_a_spool_that_was_damaged_while_the_branch_was_dark_is_told_for_an_hour(house: House) -> None:
    house.open()
    await house.lives(60)
    before = house.spool.counts()
    await house.recorder.close()
    with house.path.open("r+b") as file:
        file.write(b"\0" * 4096)
    house.recorder = house.recorder_anew()
    house.open()
    await house.lives(60)
    assert before.waiting > 0
    assert [one.reason for _, one in house.told] == ["damaged"]
    assert (house.recorder.view().spool_up, house.recorder.view().spool_reason) == (True, "damaged")
    virtual_loop().grain_s = 60.0
    await house.lives(70 * 60)
    assert [one.condition for _, one in house.told] == [Condition.TROUBLE, Condition.NORMAL]
    assert house.recorder.view().spool_reason == ""


async def test_an_orderly_stop_puts_the_last_second_on_the_card(house: House) -> None:
    house.open()
    await house.lives(20)
    house.reads(climate_temperature=77.0)
    assert await house.recorder.close() is None
    again = house.recorder_anew()
    await again._spool.open()
    assert 77.0 in [value_of(line) for line in await house.lines("measure")]


async def test_a_stop_with_a_dead_card_is_over_in_time_and_hands_on_what_it_could_not_write(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.open()
    await house.lives(20)
    house.card.hangs = True
    house.reads(climate_temperature=77.0)
    began = virtual_loop().time()
    left = await house.recorder.close()
    assert virtual_loop().time() - began <= 4.5
    assert left is not None
    assert f"lines={len(left.lines)}" in caplog.messages[-1]  # nobody inherits them at a stop
    assert any("value=77" in line for line in left.lines)
    house.card.hangs = False
    house.recorder = house.recorder_anew()
    house.recorder.inherit(left)
    house.open()
    await house.lives(90)
    assert 77.0 in [value_of(line) for line in await house.lines("measure")]


async def test_a_slip_of_the_sampler_at_the_end_still_gives_the_file_to_the_next_recorder(house: House) -> None:
    house.open()
    await house.lives(5)

    def slip(*_: object) -> None:
        raise ZeroDivisionError

    sampler: Any = house.recorder._sampler
    sampler.take = slip
    house.reads(climate_temperature=3.0)
    with pytest.raises(ZeroDivisionError):
        await house.recorder.close()
    house.recorder = house.recorder_anew()
    house.open()
    await house.lives(15)
    assert house.recorder.view().spool_up is True


async def test_a_backlog_is_sampled_in_slices_between_which_the_loop_serves_others(house: House) -> None:
    for second in range(WAITING):  # the journal is being replayed: nobody looks yet
        house.reads(climate_temperature=float(second % 50))
    looking = asyncio.create_task(house.recorder.look())
    others = most = 0
    while not looking.done():
        before = len(house.recorder._readings)
        await asyncio.sleep(0)
        most = max(most, before - len(house.recorder._readings))
        others += 1
    assert most <= SLICE
    assert others >= WAITING / SLICE
    assert house.recorder.view().counts.dropped == 0


async def test_closing_twice_and_inheriting_nothing_are_no_accidents(house: House) -> None:
    house.open()
    await house.lives(2)
    await house.recorder.close()
    house.recorder.inherit(None)
    left = await house.recorder.close()
    assert left is None or isinstance(left, Flush)
    assert "recorder" not in house.progress.stuck()


async def test_a_clock_that_is_set_moves_what_comes_and_not_what_was(house: House) -> None:
    house.open()
    await house.lives(13)
    house.clock.step(house.clock.wall() + timedelta(hours=2))
    await house.lives(26)
    times = [at_ms(line) for line in await house.lines("measure")]
    assert times == sorted(times)
    assert times[-1] - times[0] > 2 * 3600 * 1000 - 60_000


# --- Ten days ---------------------------------------------------------------------------------------------------------


async def ten_days_away(house: House) -> None:
    """The database is away; the branch's readings and states go on. A turn of the loop takes half an hour here."""
    loop = virtual_loop()
    house.open()
    loop.grain_s = 1800.0
    for number in range(10 * 24 * 2):
        house.reads(climate_temperature=20.0 + number % 13 / 2, climate_humidity=40.0 + number % 7)
        for stats in house.links.values():
            stats.reads += 1
        await asyncio.sleep(1800)
    loop.grain_s = 0.0


async def test_ten_days_without_the_database_are_all_there_a_minute_after_it_is_back(tmp_path: Path) -> None:
    store = FakeStore()
    house = House(tmp_path, store)
    await ten_days_away(house)
    away = house.recorder.view()
    assert (away.store_up, away.store_reason) == (False, "unreachable")
    assert away.counts.waiting == away.counts.made > 8_000
    assert away.counts.oldest_ms == round(MONDAY_NOON.timestamp() * 1000)
    assert [line.partition(" ")[2] for line in house.faults()] == ["telemetry:store trouble nothing-written"]
    async with store:
        await house.lives(75)
        counts = house.spool.counts()
        assert counts.written > away.counts.made
        await house.lives(16 * 60)  # well is who was well for a while
        await house.recorder.close()
        counts = house.spool.counts()
        assert counts.made == counts.written + counts.waiting
        assert store.count == counts.written > away.counts.made
        assert store.refused == []
    assert house.faults()[-1].endswith("telemetry:store normal")


async def test_on_a_small_card_the_oldest_of_the_ten_days_are_dropped_and_counted(tmp_path: Path) -> None:
    store = FakeStore()
    house = House(tmp_path, store, most_bytes=50_000)
    await ten_days_away(house)
    away = house.recorder.view().counts
    assert away.dropped > 3_000
    assert away.bytes <= 50_000
    assert [f"{one.condition} {one.reason}" for _, one in house.told] == [
        "trouble nothing-written",
        "normal ",  # nobody is told "restored": it is worse than that
        "trouble points-dropped",
    ]
    assert house.told[1][1].folded
    async with store:
        await house.lives(75)
        await house.recorder.close()
        counts = house.spool.counts()
        assert counts.made == counts.written + counts.waiting + counts.dropped
        assert counts.dropped == away.dropped
        assert store.count == counts.written


# --- What others ask --------------------------------------------------------------------------------------------------


async def test_only_what_is_recorded_can_be_plotted(house: House) -> None:
    house.open()
    await house.lives(2)
    with pytest.raises(LookupError):
        await house.recorder.plot("panel.di1", 0, 60)
    assert TEMPERATURE in [point.point for point in house.recorder.points()]


async def test_without_a_database_the_view_names_none(house: House) -> None:
    view = house.recorder.view()
    assert (view.server, view.store_up, view.written_age_s, view.spool_up) == ("", None, None, None)
    assert (view.days, view.limit_bytes) == (30, 512 * 2**20)


class _Place:
    def read(self) -> str:
        return "the-token"


def test_the_database_of_the_settings_is_where_the_writer_goes() -> None:
    new = target_of(InfluxV2(api="v2", url="https://db.example/", org="o", bucket="b c", token=_Place()))
    assert new.url == "https://db.example/api/v2/write?org=o&bucket=b+c&precision=ms"
    assert new.headers() == {"Authorization": "Token the-token"}
    nobody = target_of(
        InfluxV2(api="v2", url="http://10.0.0.9:8428", bucket="b")
    )  # VictoriaMetrics knows no organisation
    assert nobody.url == "http://10.0.0.9:8428/api/v2/write?bucket=b&precision=ms"
    old = target_of(
        InfluxV1(
            api="v1",
            url="http://[::1]:8086",
            database="d",
            retention_policy="r",
            username="u",
            password=_Place(),
            ca_file="/c",
        )
    )
    assert old.url == "http://[::1]:8086/write?db=d&rp=r&precision=ms"
    assert "Authorization" in old.headers()
    assert old.ca_file == "/c"
