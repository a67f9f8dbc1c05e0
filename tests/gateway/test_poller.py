"""One line's scheduler: in time for ever, alarm points first, and no neighbour pays for a dead unit."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sentinel.core.model import Failure, Quality, Reading
from sentinel.gateway.poller import Poller
from sentinel.ports import LinkError, Poll, Request, Table, Words

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from tests.fakes import FakeClock


@dataclass
class Unit:
    """A driver with one or two polls; the value of a point is the first word."""

    name: str
    unit: int
    interval_s: float = 1.0
    urgent_s: float | None = None

    def plan(self) -> Sequence[Poll]:
        slow = Poll(self.name, Request(self.unit, Table.INPUT, 0, 1), self.interval_s, False, (f"{self.name}.slow",))
        if self.urgent_s is None:
            return [slow]
        fast = Poll(self.name, Request(self.unit, Table.DISCRETE, 0, 8), self.urgent_s, True, (f"{self.name}.alarm",))
        return [slow, fast]

    def decode(self, poll: Poll, reply: Words, at: float) -> list[Reading]:
        return [Reading(point, reply[0], Quality.GOOD, at) for point in poll.points]


@dataclass
class Line:
    """A line on which each question takes its time; some units say nothing; some answers are set by the test."""

    takes_s: float = 0.02
    timeout_s: float = 0.5
    silent: set[int] = field(default_factory=set)
    cut: bool = False
    asked: list[tuple[float, Request, float | None]] = field(default_factory=list)
    words: list[Words] = field(default_factory=list)  # of the next alarm reads

    async def read(self, request: Request, timeout_s: float | None = None) -> Words:
        self.asked.append((asyncio.get_running_loop().time(), request, timeout_s))
        if self.cut:
            raise LinkError(Failure.NOT_CONNECTED, "cut")
        if request.unit in self.silent:
            await asyncio.sleep(timeout_s or self.timeout_s)
            raise LinkError(Failure.NO_REPLY, "silence")
        await asyncio.sleep(self.takes_s)
        if request.table is Table.DISCRETE and self.words:
            return self.words.pop(0)
        return (0,) * request.count

    async def close(self) -> None:
        pass

    def times(self, unit: int, table: Table = Table.INPUT) -> list[float]:
        return [at for at, request, _ in self.asked if (request.unit, request.table) == (unit, table)]


class Bench:
    """A poller at work on a line."""

    def __init__(self, line: Line, clock: FakeClock, *units: Unit) -> None:
        self.readings: list[Reading] = []
        self.damaged = 0
        self.held: dict[int, float] = {}  # unit -> until when the line holds it
        self.poller = Poller(
            "bus", line, units, self.readings.extend, clock.system(), lambda: self.damaged, self.held_s
        )
        self.began = asyncio.get_running_loop().time()
        self.task = asyncio.create_task(self.poller.run())

    def held_s(self, unit: int) -> float:
        return max(0.0, self.held.get(unit, 0.0) - asyncio.get_running_loop().time())

    def of(self, point: str) -> list[Reading]:
        return [one for one in self.readings if one.point == point]


async def test_an_hour_of_polling_does_not_drift_by_a_millisecond(clock: FakeClock) -> None:
    line = Line()
    bench = Bench(line, clock, Unit("a", 1, 1.0))
    await asyncio.sleep(3600.5)
    bench.task.cancel()
    late = [at - bench.began - n for n, at in enumerate(line.times(1))]
    assert len(late) == 3601
    assert max(late) < 0.001
    assert bench.poller.stats.skipped == 0


async def test_slots_that_passed_while_the_line_was_slow_are_skipped_and_counted(clock: FakeClock) -> None:
    line = Line(takes_s=3.5)
    bench = Bench(line, clock, Unit("a", 1, 1.0))
    await asyncio.sleep(35)
    bench.task.cancel()
    assert 9 <= len(line.times(1)) <= 11
    assert bench.poller.stats.skipped >= 20
    phases = {round((at - bench.began) % 1.0, 2) % 1.0 for at in line.times(1)}
    assert phases <= {0.0, 0.5}


async def test_alarm_points_are_asked_first_and_in_time_on_a_line_that_is_too_full(clock: FakeClock) -> None:
    line = Line(takes_s=0.04)
    bench = Bench(line, clock, Unit("panel", 1, 1.0, urgent_s=0.1), *(Unit(f"m{n}", n, 0.2) for n in range(2, 12)))
    await asyncio.sleep(60)
    bench.task.cancel()
    alarm = line.times(1, Table.DISCRETE)
    gaps = [after - before for before, after in itertools.pairwise(alarm)]
    assert len(alarm) > 590
    assert max(gaps) < 0.19  # never two intervals


async def test_a_silent_unit_is_set_aside_and_its_neighbours_keep_their_rate(clock: FakeClock) -> None:
    line = Line(silent={5})
    bench = Bench(line, clock, *(Unit(f"u{n}", n, 0.25) for n in range(1, 11)))
    await asyncio.sleep(60)
    before = len(line.times(1))
    await asyncio.sleep(60)
    bench.task.cancel()
    assert len(line.times(1)) - before > 0.95 * 60 / 0.25
    assert 2 <= len([at for at in line.times(5) if at > bench.began + 60]) <= 5
    probes = [limit for at, request, limit in line.asked if request.unit == 5 and at > bench.began + 5]
    assert all(limit is not None and limit < line.timeout_s for limit in probes)


async def test_a_unit_that_the_line_holds_for_late_replies_costs_its_neighbours_nothing(clock: FakeClock) -> None:
    line = Line()
    bench = Bench(line, clock, Unit("slow", 1, 0.25), Unit("honest", 2, 0.25))
    await asyncio.sleep(1)
    bench.held[1] = asyncio.get_running_loop().time() + 0.6
    before = len(line.times(2))
    await asyncio.sleep(0.59)
    assert len(line.times(2)) - before >= 2
    assert max(line.times(1)) <= bench.held[1] - 0.6
    await asyncio.sleep(1)
    assert max(line.times(1)) > bench.held[1]
    bench.task.cancel()


async def test_a_unit_with_alarm_points_is_probed_every_five_seconds_and_heard_when_it_is_back(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    line = Line(silent={1})
    bench = Bench(line, clock, Unit("panel", 1, 1.0, urgent_s=0.1), Unit("b", 2))
    await asyncio.sleep(120)
    probes = [at for at, request, _ in line.asked if request.unit == 1 and at > bench.began + 60]
    assert max(after - before for before, after in itertools.pairwise(probes)) < 6.5
    assert all(one.quality is Quality.FAILED and one.value is None for one in bench.of("panel.alarm"))
    line.silent.clear()
    await asyncio.sleep(7)
    bench.task.cancel()
    assert bench.of("panel.alarm")[-1].quality is Quality.GOOD
    assert caplog.text.count("device lost link=bus device=panel") == 1
    assert caplog.text.count("device back link=bus device=panel") == 1


async def test_the_only_unit_of_a_line_is_never_set_aside(clock: FakeClock) -> None:
    line = Line(silent={1})
    bench = Bench(line, clock, Unit("a", 1, 1.0))
    await asyncio.sleep(60)
    bench.task.cancel()
    assert len(line.times(1)) >= 59


async def test_a_cut_line_says_so_at_every_point_and_sets_nobody_aside(clock: FakeClock) -> None:
    line = Line(cut=True)
    bench = Bench(line, clock, Unit("a", 1), Unit("b", 2))
    await asyncio.sleep(10)
    line.cut = False
    await asyncio.sleep(1.1)
    bench.task.cancel()
    assert {one.reason for one in bench.readings if one.quality is Quality.FAILED} == {Failure.NOT_CONNECTED}
    assert bench.of("a.slow")[-1].quality is bench.of("b.slow")[-1].quality is Quality.GOOD
    assert bench.poller.stats.failures == {"not-connected": 20}


async def test_a_changed_alarm_bit_just_after_a_damaged_frame_is_read_twice_and_the_second_word_counts(
    clock: FakeClock,
) -> None:
    quiet, noise = (0,) * 8, (1,) + (0,) * 7
    line = Line()
    bench = Bench(line, clock, Unit("panel", 1, 1.0, urgent_s=0.1))
    await asyncio.sleep(1.05)
    bench.damaged += 1
    line.words = [noise, quiet]
    await asyncio.sleep(1)
    assert bench.poller.stats.doubted == 1
    assert {one.value for one in bench.of("panel.alarm")} == {0}
    line.words = [noise] * 100
    await asyncio.sleep(1)
    assert bench.of("panel.alarm")[-1].value == 1
    await asyncio.sleep(20)
    line.words = [noise]
    doubted = bench.poller.stats.doubted
    await asyncio.sleep(1)
    bench.task.cancel()
    assert bench.poller.stats.doubted == doubted  # the line has been clean for long


async def test_a_second_read_does_not_show_in_the_time_that_the_line_takes(clock: FakeClock) -> None:
    """It is made because a button moved, and the branch sees the line's times (rule 6)."""
    line = Line()
    bench = Bench(line, clock, Unit("panel", 1, 1.0, urgent_s=0.1))
    await asyncio.sleep(1.05)
    before = bench.poller.stats.latency_s
    bench.damaged += 1
    line.words = [(1,) * 8] * 100
    while not bench.poller.stats.doubted:
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.03)
    bench.task.cancel()
    assert bench.of("panel.alarm")[-1].value == 1
    assert 0 < bench.poller.stats.latency_s < 1.5 * before


async def test_an_alarm_whose_second_read_fails_is_told_on_the_first(clock: FakeClock) -> None:
    line = Line()
    bench = Bench(line, clock, Unit("panel", 1, 100.0, urgent_s=0.1))
    await asyncio.sleep(1.05)
    bench.damaged += 1
    read, failing = line.read, iter([False, True])

    async def second_fails(request: Request, timeout_s: float | None = None) -> Words:
        if next(failing, True):
            raise LinkError(Failure.BAD_REPLY, "noise")
        return await read(request, timeout_s)

    line.words = [(1,) + (0,) * 7]
    line.read = second_fails  # type: ignore[method-assign]
    await asyncio.sleep(0.2)
    bench.task.cancel()
    assert 1 in {one.value for one in bench.of("panel.alarm")}
