"""How well the serial line is used: ten units of 20 registers, flat out, on a pty paced to the byte.

The simulated line's own lateness is taken off the time; the master's is not. A busy machine still tells: look at the load.

python -m tests.bench.rtu [SECONDS]     prints one JSON object per cell; never part of the tests
"""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drivers.links.modbus_rtu import ModbusRtu, ModbusRtuOptions
from drivers.sim.paced_line import PacedLine
from sentinel.ports import LinkError, Request, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

UNITS = 10
REGISTERS = 20
SILENT_UNIT = 5
WORKERS = 2  # one question is always waiting when the line is free
ASIDE_AFTER = 2
PROBE_EVERY_S = 30.0
PROBE_TIMEOUT_S = 0.2


@dataclass
class Master:
    """What the poller does at its fastest: round and round, a silent unit set aside."""

    link: ModbusRtu
    answers: int = 0
    missed: dict[int, int] = field(default_factory=dict)
    again_at: dict[int, float] = field(default_factory=dict)

    async def ask(self, units: Iterator[int], until: float) -> None:
        """One worker."""
        while time.monotonic() < until:
            unit = next(units)
            if time.monotonic() < self.again_at.get(unit, 0.0):
                continue
            aside = self.missed.get(unit, 0) >= ASIDE_AFTER
            try:
                await self.link.read(Request(unit, Table.HOLDING, 0, REGISTERS), PROBE_TIMEOUT_S if aside else None)
            except LinkError:
                self.missed[unit] = self.missed.get(unit, 0) + 1
                if self.missed[unit] >= ASIDE_AFTER:
                    self.again_at[unit] = time.monotonic() + PROBE_EVERY_S
            else:
                self.answers += 1
                self.missed[unit] = 0


async def cell(baud: int, silent: frozenset[int], seconds: float) -> dict[str, float]:
    """One window on one line, after one that warms up and finds the silent unit."""
    with PacedLine(baud, silent) as line:
        link = ModbusRtu(ModbusRtuOptions(port=line.port, baud=baud))
        master = Master(link)
        units = itertools.cycle(range(1, UNITS + 1))
        for window_s in (3.0, seconds):
            master.answers = 0
            cpu, until = time.process_time(), time.monotonic() + window_s
            async with asyncio.TaskGroup() as group:
                for _ in range(WORKERS):
                    group.create_task(master.ask(units, until))
            cpu = time.process_time() - cpu
            seen = line.report()
        await link.close()
    return {
        "utilisation": round(seen.utilisation, 3),
        "violations": seen.violations,
        "line_worst_late_ms": round(1000 * seen.worst_late_s, 1),
        "requests": seen.requests,
        "answers_per_s": round(master.answers / (seen.elapsed_s - seen.late_s), 2),
        "cpu_s_per_1000": round(1000 * cpu / max(1, master.answers), 2),
    }


def rtu(seconds: float) -> list[dict[str, float]]:
    """Healthy and with one of ten silent, at 9600 and 19200."""
    rows = []
    for baud in (9600, 19200):
        healthy = asyncio.run(cell(baud, frozenset(), seconds))
        silent = asyncio.run(cell(baud, frozenset({SILENT_UNIT}), seconds))
        rows.append(
            {
                "baud": baud,
                **healthy,
                "silent_utilisation": silent["utilisation"],
                "silent_violations": silent["violations"],
                "silent_unit_ratio": round(silent["answers_per_s"] / healthy["answers_per_s"], 3),
            }
        )
    return rows


if __name__ == "__main__":
    for row in rtu(float(sys.argv[1]) if len(sys.argv) > 1 else 15.0):
        print(json.dumps(row))
