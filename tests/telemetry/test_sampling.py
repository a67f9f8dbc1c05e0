"""What becomes a line, when, and what the minutes say: the sampler alone, by hand-written stories and by laws."""

from __future__ import annotations

from sentinel.core.model import Failure, Quality, Reading, Value
from sentinel.telemetry.sampling import Sampler

WALL = 1_800_000_000.0  # begins a minute


def good(value: Value, at: float, point: str = "panel.volts") -> Reading:
    """One believed value."""
    return Reading(point, value, Quality.GOOD, at)


def failed(at: float, point: str = "panel.volts") -> Reading:
    """One read that gave nothing."""
    return Reading(point, None, Quality.FAILED, at, Failure.NO_REPLY)


def sampler(deadband: float = 0.5) -> Sampler:
    """One that knows one point."""
    made = Sampler()
    made.measure("panel.volts", {"branch": "rampur", "point": "panel.volts"}, deadband)
    return made


def lines(of: Sampler) -> list[str]:
    """What the next flush carries, without the head that all share."""
    flush = of.flush()
    return [line.removeprefix("measure,branch=rampur,point=panel.volts ") for line in flush.lines] if flush else []


def test_a_value_within_the_deadband_of_the_last_reported_one_is_no_news() -> None:
    one = sampler()
    one.take([good(230.0, 0), good(230.5, 1), good(229.5, 2), good(230.6, 3)], WALL)
    assert lines(one) == ["quality=0i,value=230 1800000000000", "quality=0i,value=230.6 1800000003000"]


def test_a_failed_read_is_said_at_once_and_then_once_a_minute() -> None:
    one = sampler()
    one.take([good(230, 0), *(failed(at) for at in range(1, 125))], WALL)
    assert lines(one) == [
        "quality=0i,value=230 1800000000000",
        "quality=2i 1800000001000",
        "quality=2i 1800000060000",
        "quality=2i 1800000120000",
    ]
