"""The spool on flash: bytes written an hour with the server up and down, CPU a point, draining, and a plot of 30 days.

The hour is simulated as fast as the disk allows; what is written does not depend on the pace.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentinel.telemetry.model import Counts, Flush, Keep, Summary
from sentinel.telemetry.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

POINTS, EVERY_S, DAYS = 60, 12, 30
FLUSHES = 3600 // EVERY_S
KEEP = Keep(DAYS, 512 * 2**20)
BEGIN_MS = 1_795_000_000_000 // 3_600_000 * 3_600_000 + 1_800_000  # half past: an hour is packed on the way
AIM_MIB_A_DAY = 300


def measure(folder: Path) -> dict[str, Any]:
    """Everything this file is about."""
    return {
        "server_up": hour(folder / "up.db", drained=True),
        "server_down": hour(folder / "down.db", drained=False),
        "drain": drain(folder / "down.db"),
        "plot": plots(folder / "plot.db"),
        "aim_mib_a_day": AIM_MIB_A_DAY,
    }


def flushes(count: int) -> Iterator[Flush]:
    """Every point changes each second, by a step of a sensor with two decimals."""
    dice = random.Random(7)
    levels = [20.0 + 10 * point for point in range(POINTS)]
    heads = [f"measure,branch=AMB-014,device=panel-{n // 20},point=room{n}.temperature,unit=°C" for n in range(POINTS)]
    seen: dict[int, dict[str, Summary]] = {}
    for number in range(count):
        lines: list[str] = []
        first = BEGIN_MS + number * EVERY_S * 1000
        for second in range(EVERY_S):
            at = first + second * 1000
            minute = seen.setdefault(at // 60_000, {})
            for point in range(POINTS):
                value = levels[point] = round(levels[point] + dice.gauss(0, 0.3), 2)
                lines.append(f"{heads[point]} value={value},quality=0i {at + dice.randrange(1000)}")
                name = f"panel-{point // 20}.room{point}.temperature"
                old = minute.get(name, Summary(value, value, value))
                minute[name] = Summary(min(old.low, value), max(old.high, value), value)
        yield Flush(tuple(lines), first, first + EVERY_S * 1000 - 1, {at // 60_000: minute})


def hour(path: Path, *, drained: bool) -> dict[str, Any]:
    """An hour of flushes; what the disk got, with the last checkpoint."""
    made = list(flushes(FLUSHES))
    cpu, took = 0.0, []
    written = written_bytes()
    store = Store(path, KEEP, forward=True, known=Counts())
    for flush in made:
        began, used = time.perf_counter(), time.process_time()
        store.append(flush)
        cpu += time.process_time() - used
        took.append(time.perf_counter() - began)
        if drained and (batch := store.read(5000)) is not None:
            store.done(batch.upto, len(batch.lines), ())
    waiting = store.counts().bytes
    store.close()
    written = written_bytes() - written
    return {
        "mib_a_day": round(written * 24 / 2**20, 1),
        "file_mib": round(path.stat().st_size / 2**20, 2),
        "waiting_bytes_a_line": round(waiting / (FLUSHES * POINTS * EVERY_S), 1),
        "append_ms_p50": round(statistics.median(took) * 1000, 2),
        "append_ms_max": round(max(took) * 1000, 1),
        "cpu_ms_per_1000_points": round(cpu * 1e6 / (FLUSHES * POINTS * EVERY_S), 2),
    }


def drain(path: Path) -> dict[str, Any]:
    """The hour that waited, read as the writer does."""
    store = Store(path, KEEP, forward=True, known=Counts())
    written, began, took = written_bytes(), time.perf_counter(), []
    lines = 0
    while True:
        step = time.perf_counter()
        batch = store.read(5000)
        took.append(time.perf_counter() - step)
        if batch is None:
            break
        lines += len(batch.lines)
        store.done(batch.upto, len(batch.lines), ())
    store.settle()
    lasted = time.perf_counter() - began
    store.close()
    return {
        "lines_per_s": round(lines / lasted),
        "read_ms_p50": round(statistics.median(took) * 1000, 1),
        "read_ms_max": round(max(took) * 1000, 1),
        "kib_written_per_1000_lines": round((written_bytes() - written) / 1.024 / lines, 2),
    }


def plots(path: Path) -> dict[str, Any]:
    """A month of 60 points in the file; one of them plotted, with the file's pages not yet read by this program."""
    store = Store(path, KEEP, forward=False, known=Counts())
    dice = random.Random(7)
    first = BEGIN_MS // 3_600_000 * 60
    took, written = [], 0
    for hour_ in range(DAYS * 24):
        if hour_ == (DAYS - 1) * 24:
            written = written_bytes()
        minutes = {
            first + hour_ * 60 + minute: {
                f"p{n}": Summary(low := round(dice.gauss(20, 3), 2), low + 1.25, round(low + 0.6, 2))
                for n in range(POINTS)
            }
            for minute in range(60)
        }
        began = time.perf_counter()
        store.append(Flush((), 0, (first + hour_ * 60) * 60_000, minutes))
        took.append(time.perf_counter() - began)
    store.close()
    written = written_bytes() - written
    store = Store(path, KEEP, forward=False, known=Counts())
    times = []
    for point in range(0, POINTS, 6):
        began = time.perf_counter()
        plot = store.plot(f"p{point}", first * 60, (first + DAYS * 1440) * 60, 600)
        times.append(time.perf_counter() - began)
    store.close()
    return {
        "rows": len(plot.at),
        "ms_p50": round(statistics.median(times) * 1000, 1),
        "ms_max": round(max(times) * 1000, 1),
        "file_mib": round(path.stat().st_size / 2**20, 1),
        "mib_a_day": round(written / 2**20, 1),  # of the summaries alone, in a file that is full of them
        "packing_an_hour_ms_p50": round(statistics.median(took) * 1000, 1),
    }


def written_bytes() -> int:
    """What this program has sent to the block device, as the kernel counts it."""
    os.sync()
    for line in Path("/proc/self/io").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(": ")
        if name == "write_bytes":
            return int(value)
    raise LookupError("write_bytes")
