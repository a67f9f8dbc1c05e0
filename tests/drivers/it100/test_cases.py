"""Every folder of `cases`, see tests/drivers/talk.py. A frame is written without its checksum; `raw` as it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from drivers.it100 import It100, It100Options
from drivers.it100_wire import encode
from tests.drivers.talk import play

if TYPE_CHECKING:
    from sentinel.ports import Conversation

CASES = sorted((Path(__file__).parent / "cases").iterdir())


class Password:
    """A secret by reference that can be another one tomorrow."""

    def __init__(self, value: str = "user") -> None:
        self.value = value

    def read(self) -> str:
        if not self.value:
            raise LookupError("!env PANEL is not there")
        return self.value


def made(options: dict[str, Any]) -> Conversation:
    password = {"password": Password()} if options.get("variant") == "tpi" else {}
    return It100("d", It100Options.model_validate({**options, **password}))


def on_the_wire(text: str) -> bytes:
    if text.startswith("raw "):
        return text[4:].encode().decode("unicode_escape").encode("latin-1")
    return encode(text[:3], text[3:])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_panel_is_understood_as_it_was_written_down(case: Path) -> None:
    play(case, made, on_the_wire)
