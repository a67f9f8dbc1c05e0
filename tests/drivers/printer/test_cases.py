"""Every folder of `cases`: what a panel prints, and what is made of it.

`wire.txt`: lines of seconds, a blank, and what is printed, with <0D> for bytes that are no text; each ends with CR LF
unless it ends with <>. `expect.yaml`: the options, and for each line what the points say.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from drivers.printer import Printer, PrinterOptions
from sentinel.core.model import Quality, Reading

CASES = sorted((Path(__file__).parent / "cases").iterdir())


def raw(text: str) -> bytes:
    """The bytes of one line."""
    data = text.removesuffix("<>").encode() + (b"" if text.endswith("<>") else b"\r\n")
    return re.sub(rb"<([0-9A-F]{2})>", lambda found: bytes((int(found[1], 16),)), data)


def shown(reading: Reading) -> str:
    if reading.quality is Quality.HELD:
        return "held"
    return f"{reading.value}{' (again)' if reading.again else ''}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_panel_is_understood_as_it_was_written_down(case: Path) -> None:
    expected: dict[str, Any] = yaml.safe_load((case / "expect.yaml").read_text())
    driver = Printer("fire", PrinterOptions.model_validate({"table": "afp-2800"} | expected.get("options", {})))
    lines = (case / "wire.txt").read_text().splitlines()
    driver.opened(0.0)
    for line, wanted in zip(lines, expected["turns"], strict=True):
        at, _, text = line.partition(" ")
        turns = [*driver.tick(float(at)), *driver.feed(raw(text), float(at))]
        assert not any(turn.send or turn.acknowledge for turn in turns), "it never speaks"
        said: dict[str, str] = {}
        for reading in (reading for turn in turns for reading in turn.readings):
            said[reading.point.removeprefix("fire.")] = shown(reading)
        assert {point: said.get(point) for point in wanted} == wanted, line
        if not wanted:
            assert not [word for word in said.values() if word.partition(" ")[0] not in ("normal", "held")], line
    assert driver.damaged() == expected.get("damaged", 0)
