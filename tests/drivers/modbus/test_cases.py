"""Every folder of `cases`: a device's memory in steps, and what the driver makes of it; or a profile and its fault.

`profile` names a shipped profile, `profile.yaml` is the case's own. `raw.json`: steps of {"at", table: {address: words}},
each on top of the last. `expected.json`: for each step point -> value, or "! reason". `error.txt`: a part of the message.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from drivers.modbus import ModbusDriver, ModbusOptions
from sentinel.commands.profiles import load_profile
from sentinel.core.model import Quality, Reading
from sentinel.ports import Table

CASES = sorted((Path(__file__).parent / "cases").iterdir())


def profile_of(case: Path) -> str:
    own = case / "profile.yaml"
    return str(own) if own.exists() else (case / "profile").read_text().strip()


def shown(reading: Reading) -> object:
    return f"! {reading.reason}" if reading.quality is Quality.FAILED else reading.value


@pytest.mark.parametrize("case", [c for c in CASES if not (c / "error.txt").exists()], ids=lambda case: case.name)
def test_the_device_is_read_as_it_was_written_down(case: Path) -> None:
    name = profile_of(case)
    driver = ModbusDriver("d", load_profile(name), ModbusOptions(profile=name))
    memory: dict[Table, dict[int, int]] = {table: {} for table in Table}
    steps: list[dict[str, Any]] = json.loads((case / "raw.json").read_text())
    expected: list[dict[str, Any]] = json.loads((case / "expected.json").read_text())
    for step, wanted in zip(steps, expected, strict=True):
        at = float(step.pop("at"))
        for table, runs in step.items():
            for start, words in runs.items():
                memory[Table(table)].update(enumerate(words, int(start, 0)))
        seen: dict[str, object] = {}
        for _ in range(2):  # a verdict of the second poll holds for the first from the next round on
            for poll in driver.plan():
                ask = poll.request
                words = tuple(memory[ask.table][a] for a in range(ask.address, ask.address + ask.count))
                seen |= {reading.point.removeprefix("d."): shown(reading) for reading in driver.decode(poll, words, at)}
        assert {point: seen.get(point) for point in wanted} == wanted, f"at {at}"


@pytest.mark.parametrize("case", [c for c in CASES if (c / "error.txt").exists()], ids=lambda case: case.name)
def test_the_profile_is_refused_with_its_fault(case: Path) -> None:
    with pytest.raises(ValueError, match=r"profile\.yaml:\d+: ") as caught:
        load_profile(profile_of(case))
    assert (case / "error.txt").read_text().strip() in str(caught.value)
