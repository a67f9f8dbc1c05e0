"""Prints every figure as JSON: ratios and medians of one run, the machine named. `make bench ARGS="contact rtu"` picks."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench import contact, journal, lines, rtu, serial, spool, store
from tests.bench.daemon import CONFIG, DEVICE, LINK, ZONE, cpu_s, daemon, machine, panel, victoria, w1_profile

if TYPE_CHECKING:
    from collections.abc import Callable

UNITS, VALUES = 50, 52
WINDOW_S = 20.0

BARE_LOOP = """
import asyncio, sys, time
from pymodbus.client import AsyncModbusTcpClient
async def main(port, seconds):
    c = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=1.0, retries=0)
    await c.connect()
    start = time.monotonic()
    tick = 0
    cpu = time.process_time()
    while tick < seconds:
        for unit in range(1, 51):
            r = await c.read_holding_registers(0, count=20, device_id=unit)
            b = await c.read_coils(0, count=32, device_id=unit)
            assert len(r.registers) == 20 and len(b.bits) == 32
        tick += 1
        await asyncio.sleep(max(0, start + tick - time.monotonic()))
    print(time.process_time() - cpu)
asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
"""


def percentile(values: list[float], share: float) -> float:
    """The value below which this share lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def w1(folder: Path) -> dict[str, Any]:
    """50 units x (20 registers + 32 coils) a second: CPU beside a bare pymodbus loop, and the spread of the period."""
    with panel() as server, victoria(folder) as port:
        bare = float(
            subprocess.run(
                [sys.executable, "-c", BARE_LOOP, str(server.port), str(int(WINDOW_S))],
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        profile = w1_profile(folder)
        config = folder / "w1-branch.yaml"
        devices = [
            DEVICE.format(id=f"u{unit}", link="line", profile=profile, unit=unit, more="")
            for unit in range(1, UNITS + 1)
        ]
        zones = [
            ZONE.format(
                id=f"z{unit}", point=f"u{unit}.r1", role="temperature", wiring="{high: 2000, hysteresis: 1}", more=""
            )
            for unit in range(1, UNITS + 1)
        ]
        config.write_text(
            CONFIG.format(
                links=LINK.format(id="line", port=server.port),
                devices="\n".join(devices),
                zones="\n".join(zones),
                mail=9,
                store=port,
                folder=folder,
            ),
            encoding="utf-8",
        )
        with daemon(config) as process:
            time.sleep(5)
            server.dump()
            before, began = cpu_s(process), time.monotonic()
            time.sleep(WINDOW_S)
            used, lasted = cpu_s(process) - before, time.monotonic() - began
            notes = server.dump()["notes"]
            rss = process.memory_info().rss
    periods = [later - earlier for times in notes.values() for earlier, later in pairwise(times)]
    reads = sum(len(times) for times in notes.values())
    values = reads * VALUES
    return {
        "values_per_s": round(values / lasted),
        "expected_values_per_s": UNITS * VALUES,
        "cpu_ms_per_1000_values": round(used * 1e6 / values, 2),
        "bare_pymodbus_cpu_ms_per_1000_values": round(bare * 1e6 / (WINDOW_S * UNITS * VALUES), 2),
        "period_ms_p50": round(statistics.median(periods) * 1000, 2),
        "period_ms_p99": round(percentile(periods, 0.99) * 1000, 2),
        "drift_ms_over_window": round(
            statistics.median([(times[-1] - times[0]) - (len(times) - 1) for times in notes.values()]) * 1000, 2
        ),
        "rss_mib": round(rss / 2**20, 1),
    }


def typical(folder: Path) -> dict[str, Any]:
    """A typical branch: 3 devices, 60 points, 1 s; memory, share of a core, and exec to first request."""
    with panel() as server, victoria(folder) as port:
        points = [f"  - {{id: r{i}, table: holding, address: {i}, type: u16, interval: 1s}}" for i in range(12)]
        points += [f"  - {{id: c{i}, table: coil, address: {i}, type: bool, interval: 1s}}" for i in range(8)]
        profile = folder / "typical.yaml"
        text = "maker: bench\nmodel: typical\nsummary: twenty points\nsource: this file\ncertainty: high\npoints:\n"
        profile.write_text(text + "\n".join(points), encoding="utf-8")
        config = folder / "typical-branch.yaml"
        config.write_text(
            CONFIG.format(
                links="\n".join(LINK.format(id=f"l{i}", port=server.port) for i in range(1)),
                devices="\n".join(
                    DEVICE.format(id=f"d{unit}", link="l0", profile=profile, unit=unit, more="") for unit in (1, 2, 3)
                ),
                zones="\n".join(
                    ZONE.format(
                        id=f"z{unit}",
                        point=f"d{unit}.r1",
                        role="temperature",
                        wiring="{high: 2000, hysteresis: 1}",
                        more="",
                    )
                    for unit in (1, 2, 3)
                ),
                mail=9,
                store=port,
                folder=folder,
            ),
            encoding="utf-8",
        )
        started = time.time()
        with daemon(config) as process:
            time.sleep(5)
            first = server.dump()["first"][0]
            before = cpu_s(process)
            time.sleep(10)
            share = (cpu_s(process) - before) / 10
            rss = process.memory_info().rss
    return {
        "rss_mib": round(rss / 2**20, 1),
        "share_of_a_core": round(share, 4),
        "start_to_first_request_s": round(first - started, 3),
    }


def line(_folder: Path) -> Any:
    """The RTU line at its limit, healthy and with one of ten units silent."""
    return rtu.rtu(15.0)


PARTS: dict[str, Callable[[Path], Any]] = {
    "contact": contact.measure,
    "serial": serial.measure,
    "w1": w1,
    "typical": typical,
    "replay": journal.replay,
    "rtu": line,
    "store": store.drain,
    "spool": spool.measure,
    "lines": lines.measure,
}


def main() -> int:
    """0 when every part that was asked for could be measured."""
    wanted = sys.argv[1:] or list(PARTS)
    figures: dict[str, Any] = {"machine": machine()}
    for name in wanted:
        with tempfile.TemporaryDirectory(prefix="sentinel-bench-") as folder:
            figures[name] = PARTS[name](Path(folder))
        print(f"{name}: {json.dumps(figures[name])}", file=sys.stderr, flush=True)
    print(json.dumps(figures, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
