"""Every folder of `cases`, see tests/drivers/talk.py. Lines as they stand on the wire, without their ends."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from drivers.alarmdecoder import AlarmDecoder, AlarmDecoderOptions
from tests.drivers.talk import play

if TYPE_CHECKING:
    from sentinel.ports import Conversation

CASES = sorted((Path(__file__).parent / "cases").iterdir())


def made(options: dict[str, Any]) -> Conversation:
    return AlarmDecoder("d", AlarmDecoderOptions.model_validate(options))


def on_the_wire(text: str) -> bytes:
    return text.encode() + (b"\r" if len(text) == 1 else b"\r\n")  # what is asked ends with CR alone


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_panel_is_understood_as_it_was_written_down(case: Path) -> None:
    play(case, made, on_the_wire)
