"""Every folder of `cases`: what a receiver sends, and what is made of it.

`wire.txt`: lines of seconds, a blank, and bytes as text with <14> for the others. `expect.yaml`: the options, and for
each line what the points say ("(again)": a new activation) and how the receiver is answered.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from drivers.contact_id import ContactId, ContactIdOptions
from sentinel.core.model import Quality, Reading

CASES = sorted((Path(__file__).parent / "cases").iterdir())
ANSWERS = {
    (b"\x06", b""): "ack at once",
    (b"", b"\x06"): "ack when durable",
    (b"\x15", b""): "nak",
    (b"", b""): "nothing",
}


def raw(text: str) -> bytes:
    """The bytes of one line."""
    return re.sub(rb"<([0-9A-F]{2})>", lambda found: bytes((int(found[1], 16),)), text.encode("ascii"))


def shown(reading: Reading) -> str:
    if reading.quality is Quality.HELD:
        return "held"
    return f"{reading.value}{' (again)' if reading.again else ''}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_receiver_is_understood_as_it_was_written_down(case: Path) -> None:
    expected: dict[str, Any] = yaml.safe_load((case / "expect.yaml").read_text())
    driver = ContactId("panel", ContactIdOptions.model_validate(expected.get("options", {}) | {"account": "1234"}))
    lines = (case / "wire.txt").read_text().splitlines()
    driver.opened(0.0)
    for line, wanted in zip(lines, expected["turns"], strict=True):
        at, _, text = line.partition(" ")
        turns = [*driver.tick(float(at)), *driver.feed(raw(text), float(at))]
        said: dict[str, str] = {}
        for reading in (reading for turn in turns for reading in turn.readings):
            said[reading.point.removeprefix("panel.")] = shown(reading)
        answers = [ANSWERS[turn.send, turn.acknowledge] for turn in turns]
        assert {point: said.get(point) for point in wanted.get("says", {})} == wanted.get("says", {}), line
        if not wanted.get("says"):
            assert not [word for word in said.values() if word.partition(" ")[0] not in ("normal", "held")], line
        assert ", ".join(answers) == wanted.get("answers", "nothing" if answers else ""), line
    assert driver.damaged() == expected.get("damaged", 0)
