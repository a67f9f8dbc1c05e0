"""What a reading costs the sampler when it is no news, and points per CPU second from reading to compressed line."""

from __future__ import annotations

import gzip
import random
import statistics
import time
from typing import TYPE_CHECKING, Any

from sentinel.core.model import Quality, Reading, Value
from sentinel.telemetry.sampling import Sampler

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SERIES = 1000
ROUNDS = 60  # seconds of readings
BODY = 5000  # lines a request
REPEATS = 9
WALL = 1_800_000_000.0


def measure(_folder: Path) -> dict[str, Any]:
    """Medians of REPEATS runs, in CPU time of this process."""
    return {
        "quiet_us_a_reading": round(1e6 * _median(_quiet), 3),
        "unknown_us_a_reading": round(1e6 * _median(_unknown), 3),
        "points_per_cpu_s": round(1 / _median(_news)),
        "aim_points_per_cpu_s": 400_000,
    }


def _median(part: Callable[[Sampler], float]) -> float:
    return statistics.median(part(_sampler()) for _ in range(REPEATS))


def _sampler() -> Sampler:
    """Fifty devices of twenty points; half a unit is no news."""
    made = Sampler()
    for i in range(SERIES):
        tags = {"branch": "rampur-12", "bank": "pnb", "station": "rampur-kotwali", "device": f"meter{i // 20}"}
        made.measure(_point(i), {**tags, "point": f"r{i % 20}"}, 0.5)
    return made


def _point(i: int) -> str:
    return f"meter{i // 20}.r{i % 20}"


def _quiet(sampler: Sampler) -> float:
    """CPU seconds a reading within the deadband, after the first of the minute was told."""
    chance = random.Random(12)
    rounds = [[_reading(i, at, 230 + chance.randrange(5) / 10) for i in range(SERIES)] for at in range(ROUNDS)]
    sampler.take(rounds[0], WALL)
    sampler.take(rounds[1], WALL)
    return _taken(sampler, rounds[2:])


def _unknown(sampler: Sampler) -> float:
    """CPU seconds a reading of a point that nobody registered."""
    return _taken(sampler, [[Reading("camera1.motion", True, Quality.GOOD, 1.0)] * SERIES] * ROUNDS)


def _news(sampler: Sampler) -> float:
    """CPU seconds a point: every value is news; a fifth contacts, a fifth counters, the rest measured values."""
    chance = random.Random(12)

    def value(i: int, at: int) -> Value:
        match i % 5:
            case 0:
                return at % 2 == 0
            case 1:
                return 14_000 + 7 * at + i
            case 2 | 3:
                return round(230 + 2 * at + chance.random(), 1)
            case _:
                return round(21 + at + chance.random(), 2)

    rounds = [[_reading(i, at, value(i, at)) for i in range(SERIES)] for at in range(ROUNDS)]
    sizes: list[int] = []

    began = time.process_time()
    for at, readings in enumerate(rounds, 1):
        sampler.take(readings, WALL)
        if at % (BODY // SERIES) == 0 and (flush := sampler.flush()):
            gzip.compress("\n".join(flush.lines).encode(), 1)
            sizes.append(len(flush.lines))
    return (time.process_time() - began) / sum(sizes)


def _reading(i: int, at: float, value: Value) -> Reading:
    return Reading(_point(i), value, Quality.GOOD, at + i / SERIES)


def _taken(sampler: Sampler, rounds: list[list[Reading]]) -> float:
    """CPU seconds a reading."""
    began = time.process_time()
    for readings in rounds:
        sampler.take(readings, WALL)
    return (time.process_time() - began) / sum(map(len, rounds))
