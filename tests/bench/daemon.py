"""The real daemon under the bench: its config, its process, and what it costs."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from tests.servers import free_port
from tests.stores import Victoria

if TYPE_CHECKING:
    from collections.abc import Iterator

PROFILE = """
maker: bench
model: W1
summary: 20 registers and 32 coils, the load of the W1 comparison
source: this file
certainty: high
points:
{points}
"""
CONFIG = """
branch:
  id: bench
  number: 1
  name: {{en: Bench, hi: जाँच}}
  bank: Bench Bank
  kind: atm-lobby
  address: here
  location: {{lat: 21.19, lon: 81.35}}
  station: {{id: bench, name: {{en: Bench station, hi: थाना}}}}
  account: "C601"
paths: {{wan: {{interface: eth0}}}}
links:
{links}
devices:
{devices}
zones:
{zones}
rooms: {{durg: {{may_speak_for: [police]}}}}
contacts:
  sho: {{party: police, name: {{en: SHO, hi: थाना प्रभारी}}, language: hi, addresses: {{mail: sho@thana.example}}}}
ladders:
  all: {{single_path: accepted, round: 1h, steps: [{{after: 0s, tell: [{{contact: sho, by: mail}}]}}]}}
channels:
  mail: {{kind: email, path: wan, host: 127.0.0.1, port: {mail}, security: none, sender: bench@bank.example}}
gateway: {{state_dir: {folder}/state, socket: {folder}/s, page_port: null, clock: trusted}}
telemetry: {{influx: {{url: "http://127.0.0.1:{store}", api: v2, org: bench, bucket: bench}}}}
"""
LINK = "  {id}: {{kind: modbus-tcp, host: 127.0.0.1, port: {port}}}"
DEVICE = (
    "  {id}: {{name: {{en: {id}, hi: उपकरण}}, link: {link}, driver: modbus, profile: {profile}, unit: {unit}{more}}}"
)
ZONE = (
    "  {id}: {{point: {point}, role: {role}, name: {{en: {id}, hi: क्षेत्र}}, wiring: {wiring}, stale_after: 10s{more}}}"
)


def w1_profile(folder: Path) -> Path:
    """20 holding registers and 32 coils, each asked every second."""
    points = [f"  - {{id: r{i}, table: holding, address: {i}, type: u16, interval: 1s}}" for i in range(20)]
    points += [f"  - {{id: c{i}, table: coil, address: {i}, type: bool, interval: 1s}}" for i in range(32)]
    path = folder / "w1.yaml"
    path.write_text(PROFILE.format(points="\n".join(points)), encoding="utf-8")
    return path


def button_profile(folder: Path) -> Path:
    """Eight discrete inputs."""
    points = [f"  - {{id: di{i + 1}, table: discrete, address: {i}, type: bool, interval: 1s}}" for i in range(8)]
    path = folder / "buttons.yaml"
    path.write_text(PROFILE.format(points="\n".join(points)), encoding="utf-8")
    return path


@dataclass
class Panel:
    """The server process of `tests.bench.panel`."""

    port: int
    process: subprocess.Popen[str]

    def set(self, bit: int, on: bool) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"di {bit} {int(on)}\n")
        self.process.stdin.flush()

    def dump(self) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("dump\n")
        self.process.stdin.flush()
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        return found


@contextmanager
def panel() -> Iterator[Panel]:
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.panel", str(port)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    time.sleep(0.5)
    try:
        yield Panel(port, process)
    finally:
        process.kill()
        process.wait()


@contextmanager
def daemon(config: Path) -> Iterator[psutil.Process]:
    """The daemon as its own process, on a config that is already written."""
    log = (config.parent / "log").open("wb")
    # What a service manager gives: a shell's SSL_CERT_FILE alone costs 3 MiB, for aiohttp reads it when it is imported.
    bare = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    process = subprocess.Popen([sys.executable, "-m", "sentinel.cli", "run", str(config)], stderr=log, env=bare)
    try:
        yield psutil.Process(process.pid)
        assert process.poll() is None, (config.parent / "log").read_text()[-3000:]
    finally:
        process.terminate()
        process.wait(10)
        log.close()


@contextmanager
def victoria(folder: Path) -> Iterator[int]:
    """VictoriaMetrics, as the district's store: its port."""
    server = Victoria(folder / "store")
    asyncio.run(server.start())
    try:
        yield server.port
    finally:
        server.stop()


def cpu_s(process: psutil.Process) -> float:
    """CPU seconds used so far, user and system."""
    times = process.cpu_times()
    return float(times.user + times.system)


def machine() -> str:
    """What was measured on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        "unknown CPU",
    )
    return f"{model}, {os.cpu_count()} cores, Python {sys.version.split()[0]}, Linux {os.uname().release}"
