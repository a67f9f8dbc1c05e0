"""What is wrong with a config: one line for the installer, naming the file, the line, the place and the remedy.

Errors refuse the config, findings are weaknesses that somebody must look at, notes are only said.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Key = str | int
Place = tuple[Key, ...]  # the way from the root of the file: ("devices", "panel", "unit")


class Level(StrEnum):
    """How bad it is."""

    ERROR = "error"
    FINDING = "finding"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to say about one place in one file."""

    file: str
    line: int
    path: str
    text: str
    level: Level = Level.ERROR

    def __str__(self) -> str:
        """`file.yaml:31: devices.panel.unit: 300 is above 247`; findings and notes say so before the reason."""
        said = self.text if self.level is Level.ERROR else f"{self.level}: {self.text}"
        where = f"{self.path}: " if self.path else ""
        return f"{self.file}:{self.line}: {where}{said}"


def dotted(place: Place) -> str:
    """A place as people write it: `ladders.fire.steps[0].tell[1]`."""
    text = ""
    for key in place:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else key
    return text


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """By line, each said once."""
    return tuple(sorted(set(problems), key=lambda p: (p.line, p.path, p.level, p.text)))


def exit_code(problems: Iterable[Problem]) -> int:
    """0 good, 1 a finding, 2 a config that must not run."""
    levels = {p.level for p in problems}
    return 2 if Level.ERROR in levels else 1 if Level.FINDING in levels else 0
