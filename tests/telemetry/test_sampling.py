"""What becomes a line, when, and what the minutes say: the sampler alone, by stories and by laws.

Times and values of the laws are whole quarters, so that sums are exact and a law needs no tolerance.
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.model import Failure, Quality, Reading, Value
from sentinel.demo.sink import parse
from sentinel.telemetry.model import Flush, Summary
from sentinel.telemetry.sampling import LINES_AT_MOST, MINUTES_AT_MOST, Sampler

if TYPE_CHECKING:
    from collections.abc import Sequence

WALL = 1_800_000_000.0  # begins a minute
FIRST_MINUTE = 30_000_000  # that minute
VOLTS = "panel.volts"
HEAD = "measure,branch=rampur,point=panel.volts "


def good(value: Value, at: float, point: str = VOLTS) -> Reading:
    """A read that gave something."""
    return Reading(point, value, Quality.GOOD, at)


def failed(at: float, point: str = VOLTS) -> Reading:
    """A read that gave nothing."""
    return Reading(point, None, Quality.FAILED, at, Failure.NO_REPLY)


def sampler(deadband: float = 0.5) -> Sampler:
    """One that knows one point and one zone."""
    made = Sampler()
    made.measure(VOLTS, {"branch": "rampur", "point": VOLTS}, deadband)
    made.zone("counter", {"branch": "rampur", "zone": "counter"})
    return made


def lines(of: Sampler) -> list[str]:
    """What the next flush carries, without the head of the one point."""
    flush = of.flush()
    return [line.removeprefix(HEAD) for line in flush.lines] if flush else []


def told(readings: Sequence[Reading], deadband: float = 0.5) -> list[str]:
    """What of these is told: "<seconds> <value>", or "<seconds> q<quality>"."""
    one = sampler(deadband)
    one.take(readings, WALL)
    said = []
    for line in lines(one):
        fields, at_ms = line.split(" ")
        quality, _, value = fields.partition(",value=")
        said.append(f"{int(at_ms) / 1000 - WALL:g} {value or 'q' + quality[8]}")
    return said


# --- By exception -------------------------------------------------------------------------------------------------------


def test_a_line_names_its_series_its_quality_its_value_and_its_millisecond() -> None:
    one = sampler()
    one.take([good(230.5, 1.25)], WALL)
    flush = one.flush()
    assert flush is not None
    assert flush.lines == (f"{HEAD}quality=0i,value=230.5 1800000001250",)
    assert (flush.first_ms, flush.last_ms, flush.dropped) == (1800000001250, 1800000001250, 0)


def test_a_value_within_the_deadband_of_the_last_told_one_is_no_news() -> None:
    assert told([good(230.0, 0), good(230.5, 1), good(229.5, 2), good(230.75, 3)]) == ["0 230", "3 230.75"]


def test_a_slow_drift_is_told_because_the_last_told_value_counts_and_not_the_last_seen() -> None:
    assert told([good(20 + at / 8, at) for at in range(17)]) == ["0 20", "5 20.625", "10 21.25", "15 21.875"]


def test_without_a_deadband_every_change_is_told() -> None:
    assert told([good(1.0, 0), good(1.0, 1), good(1.25, 2), good(1.25, 3)], 0.0) == ["0 1", "2 1.25"]


def test_contacts_count_as_nought_and_one() -> None:
    assert told([good(False, 0), good(True, 1), good(True, 2), good(False, 3)]) == ["0 0", "1 1", "3 0"]


def test_words_are_no_numbers() -> None:
    one = sampler()
    one.take([good("open", 0), good("230", 1)], WALL)
    assert one.flush() is None
    one.take([good(230, 2), good("closed", 3), good("closed", 70)], WALL)
    assert lines(one) == ["quality=0i,value=230 1800000002000"]


def test_what_was_not_registered_is_passed_over() -> None:
    one = sampler()
    one.take([good(1, 0, "panel.amps"), failed(1, "panel.amps")], WALL)
    one.saw("vault", 1, 0, 1_800_000_000_000)
    assert one.flush() is None


@pytest.mark.parametrize("every_s", [1, 7, 30, 45, 60, 90])
def test_what_never_changes_is_told_once_in_each_minute_in_which_it_was_read(every_s: int) -> None:
    readings = [good(230, at) for at in range(0, 600, every_s)]
    first = {int(reading.at // 60): reading.at for reading in reversed(readings)}
    assert told(readings) == [f"{at:g} 230" for _, at in sorted(first.items())]


# --- What is not good --------------------------------------------------------------------------------------------------


def test_a_failed_read_is_told_at_once_without_a_value_and_then_once_a_minute() -> None:
    readings = [good(230, 0), *(failed(at) for at in range(1, 125))]
    assert told(readings) == ["0 230", "1 q2", "60 q2", "120 q2"]


def test_the_first_value_after_a_failure_is_told_also_when_it_is_the_old_one() -> None:
    assert told([good(230, 0), failed(1), good(230, 2), good(230, 3)]) == ["0 230", "1 q2", "2 230"]


def test_a_value_that_is_old_is_told_as_stale_and_not_as_a_value() -> None:
    stale = Reading(VOLTS, 230, Quality.STALE, 1)
    assert told([good(230, 0), stale, replace(stale, at=2), failed(3)]) == ["0 230", "1 q1", "3 q2"]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400, -(10**400), 1e301, None])
@pytest.mark.parametrize("deadband", [0.0, 0.5, 1e308, math.inf])
def test_what_no_device_can_mean_is_a_failed_read(value: Value, deadband: float) -> None:
    assert told([good(value, 0)], deadband) == ["0 q2"]
    assert told([good(230, 0), good(value, 1), good(230, 2)], deadband) == ["0 230", "1 q2", "2 230"]


def test_what_no_device_can_mean_is_in_no_summary() -> None:
    one = sampler()
    one.take([good(math.nan, 0), good(math.inf, 1), failed(2)], WALL)
    flush = one.flush()
    assert flush is not None
    assert not flush.minutes
    one.take([good(3, 3), good(math.nan, 4)], WALL)
    flush = one.flush()
    assert flush is not None
    assert flush.minutes == {FIRST_MINUTE: {VOLTS: Summary(3, 3, 3)}}


# --- Laws of readings --------------------------------------------------------------------------------------------------


@dataclass
class Heard:
    """What a reader of the store and of the summaries knows after some flushes."""

    values: dict[int, float | None] = field(default_factory=dict)  # ms -> value, None: no good one
    minutes: dict[int, Summary] = field(default_factory=dict)

    def hear(self, flush: Flush | None) -> None:
        """One flush. A minute that comes again takes the place of what was there."""
        if flush is None:
            return
        for line in flush.lines:
            assert parse(line)[0] == HEAD.strip()
            fields, at_ms = line.removeprefix(HEAD).split(" ")
            assert int(at_ms) not in self.values
            assert flush.first_ms <= int(at_ms) <= flush.last_ms
            value = fields.partition("value=")[2]
            self.values[int(at_ms)] = float(value) if value else None
        for minute, points in flush.minutes.items():
            self.minutes[minute] = points[VOLTS]

    def held(self, at_ms: int) -> float | None:
        """What a plot shows there: the newest value told by then."""
        return self.values[max(ms for ms in self.values if ms <= at_ms)]


QUARTERS = st.integers(-40, 40).map(lambda n: n / 4)
GAPS = st.one_of(st.integers(1, 8), st.integers(1, 700)).map(lambda n: n / 4)
STEPS = st.lists(st.tuples(GAPS, st.one_of(QUARTERS, QUARTERS, st.booleans(), st.none()), st.booleans()), max_size=60)
DEADBANDS = st.integers(0, 12).map(lambda n: n / 4)


def heard(steps: Sequence[tuple[float, Value | None, bool]], deadband: float) -> tuple[list[Reading], Heard]:
    """The readings of these steps (gap, value or failure, whether a flush follows), and what came of them."""
    one, known, readings, at = sampler(deadband), Heard(), list[Reading](), 0.0
    for gap, value, flushed in steps:
        at += gap
        readings.append(failed(at) if value is None else good(value, at))
        one.take(readings[-1:], WALL)
        if flushed:
            known.hear(one.flush())
    known.hear(one.flush())
    return readings, known


@given(STEPS, DEADBANDS)
def test_what_was_told_never_differs_from_what_was_read_by_more_than_the_deadband(
    steps: Sequence[tuple[float, Value | None, bool]], deadband: float
) -> None:
    readings, known = heard(steps, deadband)
    for reading in readings:
        held = known.held(round((WALL + reading.at) * 1000))
        assert (held is None) is (reading.value is None)
        if held is not None and reading.value is not None:
            assert abs(held - float(reading.value)) <= deadband


@given(STEPS, DEADBANDS)
def test_each_series_has_a_line_in_every_minute_in_which_it_was_read(
    steps: Sequence[tuple[float, Value | None, bool]], deadband: float
) -> None:
    readings, known = heard(steps, deadband)
    assert {ms // 60_000 for ms in known.values} == {FIRST_MINUTE + int(reading.at // 60) for reading in readings}


@given(STEPS, DEADBANDS)
def test_the_minutes_say_what_every_good_reading_of_them_said_told_or_not(
    steps: Sequence[tuple[float, Value | None, bool]], deadband: float
) -> None:
    readings, known = heard(steps, deadband)
    minutes = defaultdict(list)
    for reading in readings:
        if reading.value is not None:
            minutes[FIRST_MINUTE + int(reading.at // 60)].append(float(reading.value))
    assert known.minutes == {minute: Summary(min(of), max(of), of[-1]) for minute, of in minutes.items()}


@given(st.lists(st.tuples(GAPS, st.one_of(st.floats(), st.integers(), st.booleans(), st.none(), st.text()))), DEADBANDS)
def test_nothing_that_a_device_can_say_makes_a_line_that_a_store_would_refuse(
    steps: list[tuple[float, Value | None]], deadband: float
) -> None:
    one, at = sampler(deadband), 0.0
    for gap, value in steps:
        at += gap
        one.take([good(value, at) if value is not None else failed(at)], WALL)
    flush = one.flush()
    for line in flush.lines if flush else ():
        assert parse(line)[0] == HEAD.strip()
    for points in flush.minutes.values() if flush else ():
        assert all(map(math.isfinite, (points[VOLTS].low, points[VOLTS].high, points[VOLTS].last)))
        assert points[VOLTS].low <= points[VOLTS].last <= points[VOLTS].high


# --- Clocks -------------------------------------------------------------------------------------------------------------


def test_two_readings_of_one_millisecond_are_two_points() -> None:
    one = sampler()
    one.take([good(1, 5), good(2, 5), good(3, 5), good(4, 5.001), good(5, 6)], WALL)
    assert [int(line.split()[-1]) - 1_800_000_005_000 for line in lines(one)] == [0, 1, 2, 3, 1000]


def test_a_time_is_the_nearest_millisecond() -> None:
    one = sampler(0.0)
    one.take([good(1, 1.001), good(2, 1.0028), good(3, 1.0091)], 0.0)
    assert [line.split()[-1] for line in lines(one)] == ["1001", "1003", "1009"]


def test_a_clock_that_is_set_forward_moves_the_time_of_the_lines_and_begins_a_minute() -> None:
    one = sampler()
    one.take([good(230, 0)], 0.0)  # 1970: a Pi without a battery clock
    one.take([good(230, 1)], WALL)
    assert lines(one) == ["quality=0i,value=230 0", "quality=0i,value=230 1800000001000"]


def test_a_clock_that_is_set_within_its_minute_tells_nothing_twice() -> None:
    one = sampler()
    one.take([good(230, 0)], WALL)
    one.take([good(230, 1)], WALL + 20)
    one.take([good(230.25, 38.75)], WALL + 20)
    assert lines(one) == ["quality=0i,value=230 1800000000000"]
    one.take([good(230, 40)], WALL + 20)
    assert lines(one) == ["quality=0i,value=230 1800000060000"]


def test_a_clock_that_is_set_back_a_little_is_waited_for() -> None:
    one = sampler(0.0)
    one.take([good(1, 30)], WALL)
    one.take([good(2, 31), good(3, 32)], WALL - 10)
    one.take([good(4, 45)], WALL - 10)
    assert [int(line.split()[-1]) - 1_800_000_000_000 for line in lines(one)] == [30_000, 30_001, 30_002, 35_000]


def test_a_minute_that_is_lived_twice_has_one_summary() -> None:
    one = sampler()
    one.take([good(1, 50), good(5, 51), good(7, 61)], WALL)
    one.take([good(3, 62)], WALL - 30)
    flush = one.flush()
    assert flush is not None
    assert flush.minutes[FIRST_MINUTE] == {VOLTS: Summary(1, 5, 3)}


def test_a_clock_that_is_set_back_far_is_followed() -> None:
    one = sampler()
    one.take([good(1, 0)], WALL)
    one.take([good(1, 1)], WALL - 86_400)
    flush = one.flush()
    assert flush is not None
    assert [int(line.split()[-1]) for line in flush.lines] == [1_800_000_000_000, 1_799_913_601_000]
    assert (flush.first_ms, flush.last_ms) == (1_799_913_601_000, 1_800_000_000_000)
    assert set(flush.minutes) == {FIRST_MINUTE, FIRST_MINUTE - 1440}


@given(st.lists(st.tuples(GAPS, st.integers(-40, 400).map(lambda n: n / 4), QUARTERS)))
def test_a_clock_that_stumbles_never_puts_two_points_on_one_millisecond(
    steps: list[tuple[float, float, float]],
) -> None:
    one, at, offset, newest, taken = sampler(0.0), 0.0, WALL, 0.0, 0
    for gap, step, value in steps:
        at += gap
        offset = max(offset + step, newest - at - 59)  # it is never a minute behind
        newest = max(newest, at + offset)
        one.take([good(value, at)], offset)
        taken += 1
    times = [int(line.split()[-1]) for line in lines(one)]
    assert times == sorted(set(times))
    assert len(times) <= taken


@given(st.lists(st.tuples(GAPS, st.floats(-1e9, 1e9), st.one_of(QUARTERS, st.none()))))
def test_whatever_the_clock_does_every_reading_is_in_one_summary(
    steps: list[tuple[float, float, float | None]],
) -> None:
    one, at, seen = sampler(), 0.0, set[float]()
    for gap, offset, value in steps:
        at += gap
        one.take([good(value, at) if value is not None else failed(at)], offset)
        flush = one.flush()
        if value is not None:
            assert flush is not None
            (points,) = flush.minutes.values()
            assert points[VOLTS].last == value
            seen.add(value)
        assert flush is None or len(flush.lines) <= 1


# --- Zones and all else -------------------------------------------------------------------------------------------------


def test_a_zone_is_told_when_its_state_or_quality_changes_and_once_a_minute() -> None:
    one, at_ms = sampler(), 1_800_000_000_000
    for second, state, quality in [(0, 0, 0), (1, 0, 0), (2, 1, 0), (3, 1, 1), (59, 1, 1), (60, 1, 1), (119, 1, 1)]:
        one.saw("counter", state, quality, at_ms + second * 1000)
    assert lines(one) == [
        f"zone,branch=rampur,zone=counter quality={quality}i,state={state}i {at_ms + second * 1000}"
        for second, state, quality in [(0, 0, 0), (2, 1, 0), (3, 1, 1), (60, 1, 1)]
    ]


def test_an_alarm_that_is_over_within_the_millisecond_is_seen() -> None:
    one = sampler()
    for state in (0, 1, 0):
        one.saw("counter", state, 0, 1_800_000_000_000)
    times = [int(line.split()[-1]) for line in lines(one)]
    assert times == [1_800_000_000_000, 1_800_000_000_001, 1_800_000_000_002]


def test_all_else_is_a_line_each_time() -> None:
    one = sampler()
    for at_ms in (7, 7, 8):
        one.other("link", {"branch": "rampur", "link": "bus"}, {"up": 1, "latency_ms": 2.5}, at_ms)
    one.other("link", {"branch": "rampur", "link": "wan"}, {"up": 0}, 7)
    assert lines(one) == [
        "link,branch=rampur,link=bus latency_ms=2.5,up=1i 7",
        "link,branch=rampur,link=bus latency_ms=2.5,up=1i 8",
        "link,branch=rampur,link=bus latency_ms=2.5,up=1i 9",
        "link,branch=rampur,link=wan up=0i 7",
    ]


def test_a_line_without_any_number_is_none() -> None:
    one = sampler()
    one.other("gateway", {}, {"load": math.nan}, 7)
    assert one.flush() is None


# --- Flushes, and a spool that does not take them -----------------------------------------------------------------------


def test_when_nothing_was_read_there_is_nothing_to_flush() -> None:
    one = sampler()
    assert one.flush() is None
    for at in (0, 60):
        one.take([good(230, at)], WALL)
        flush = one.flush()
        assert flush is not None
        assert flush.first_ms == flush.last_ms == 1_800_000_000_000 + at * 1000
        assert one.flush() is None


def test_a_minute_comes_again_wider_and_a_quiet_one_without_lines() -> None:
    one = sampler()
    one.take([good(230, 0)], WALL)
    one.flush()
    one.take([good(230.5, 1), good(229.5, 2), good(230.25, 3)], WALL)
    assert one.flush() == Flush((), 0, 0, {FIRST_MINUTE: {VOLTS: Summary(229.5, 230.5, 230.25)}})


def test_what_the_spool_refused_comes_again_before_what_is_newer() -> None:
    one = sampler(0.0)
    one.take([good(1, 0), good(5, 1)], WALL)
    refused = one.flush()
    assert refused is not None
    one.take([good(3, 2), good(9, 61)], WALL)
    one.refused(refused)
    wanted = [(1, 0), (5, 1000), (3, 2000), (9, 61_000)]
    assert one.flush() == Flush(
        tuple(f"{HEAD}quality=0i,value={value} {1_800_000_000_000 + at_ms}" for value, at_ms in wanted),
        1_800_000_000_000,
        1_800_000_061_000,
        {FIRST_MINUTE: {VOLTS: Summary(1, 5, 3)}, FIRST_MINUTE + 1: {VOLTS: Summary(9, 9, 9)}},
    )


@given(STEPS, st.lists(st.booleans(), min_size=60, max_size=60))
def test_a_spool_that_often_refuses_gets_the_same_in_the_end(
    steps: list[tuple[float, Value | None, bool]], refusals: list[bool]
) -> None:
    _, wanted = heard(steps, 0.5)
    one, known, at = sampler(0.5), Heard(), 0.0
    for (gap, value, flushed), refused in zip(steps, refusals, strict=False):
        at += gap
        one.take([failed(at) if value is None else good(value, at)], WALL)
        if flushed and (flush := one.flush()):
            if refused:
                one.refused(flush)
            else:
                known.hear(flush)
    known.hear(one.flush())
    assert known.values == wanted.values
    late = sorted(wanted.minutes)[-MINUTES_AT_MOST:]
    assert {minute: known.minutes[minute] for minute in late} == {minute: wanted.minutes[minute] for minute in late}


def test_while_the_card_is_dead_the_oldest_lines_are_the_losers_and_each_is_counted() -> None:
    one, made = sampler(0.0), 0
    for at in range(0, LINES_AT_MOST + 5000, 1000):
        one.take([good(value, at + value / 1000) for value in range(1000)], WALL)
        made += 1000
        flush = one.flush()
        assert flush is not None
        assert len(flush.lines) <= LINES_AT_MOST
        one.refused(flush)
    flush = one.flush()
    assert flush is not None
    assert len(flush.lines) + flush.dropped == made
    assert flush.dropped == 5000
    assert flush.lines[-1].endswith(f" {flush.last_ms}")
    one.take([good(1, 100_000)], WALL)
    after = one.flush()
    assert after is not None
    assert after.dropped == 0


def test_also_without_a_flush_memory_is_bounded() -> None:
    one = sampler(0.0)
    one.take([good(value, value) for value in range(LINES_AT_MOST + 7)], WALL)
    for n in range(3):
        one.other("gateway", {}, {"n": n}, n)
    for n in range(2):
        one.saw("counter", n, 0, n)
    flush = one.flush()
    assert flush is not None
    assert (len(flush.lines), flush.dropped) == (LINES_AT_MOST, 12)
    assert len(flush.minutes) <= MINUTES_AT_MOST + 1


def test_ever_new_series_do_not_fill_the_memory() -> None:
    one = sampler()
    before = sum(map(sys.getsizeof, vars(one).values()))
    for n in range(5000):
        one.other("incident", {"branch": "rampur", "role": f"role-{n}"}, {"open": 1}, n)
        if n % 100 == 0:
            one.flush()
    one.flush()
    assert sum(map(sys.getsizeof, vars(one).values())) < before + 100_000


def test_while_the_card_is_dead_the_last_ten_minutes_of_the_summaries_are_kept() -> None:
    one = sampler()
    for minute in range(30):
        one.take([good(minute, minute * 60)], WALL)
        flush = one.flush()
        assert flush is not None
        one.refused(flush)
    flush = one.flush()
    assert flush is not None
    assert list(flush.minutes) == [FIRST_MINUTE + minute for minute in range(20, 30)]
    assert len(flush.lines) == 30
