"""Tables of printer lines: what a fire panel prints, as data. A line is written as it is printed, with fields in braces.

`:ALARM Z{zone} {point} {text}` stands for every line of that shape. There are no regular expressions to write: what
these become is matched in linear time, whatever a line holds. Tables lie in profiles/printer; a config may add lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt, model_validator

from drivers.points import Certainty  # noqa: TC001 pydantic reads it

FOLDER = Path(__file__).parent / "profiles" / "printer"
MOST = 200  # characters of a line; printers have 40, 80 or 160 columns

_FIELDS = {  # `text` takes all that is left, so it stands last
    "zone": r"(?P<zone>[0-9]{1,5})",
    "partition": r"(?P<partition>[0-9]{1,2})",
    "point": r"(?P<point>[^ END]{1,20})",  # END: what is written after it, so that there is one way to match
    "skip": r"[^ END]{1,20}",
    "text": r"(?P<text>.*)",
}
_STAMP = re.compile(r" *[0-9]{2}[/.-][0-9]{2}(?:[/.-][0-9]{2,4})? [0-9]{2}:[0-9]{2}(?::[0-9]{2})? *;?")
_PART = re.compile(r"\{([^{}]*)\}")


def compiled(line: str) -> re.Pattern[str]:
    """A line with fields, as a pattern for whole lines. ValueError says what is wrong with it."""
    pattern, at, seen = "", 0, set()
    for found in _PART.finditer(line):
        name = found[1]
        if name not in _FIELDS:
            raise ValueError(f'"{{{name}}}" is no field; there are: {", ".join(f"{{{one}}}" for one in _FIELDS)}')
        if name in seen and name != "skip":
            raise ValueError(f'"{{{name}}}" stands twice')
        if name == "text" and found.end() != len(line):
            raise ValueError('"{text}" takes all that is left: put it last')
        if at and at == found.start() and name != "text":
            raise ValueError(f'"{{{name}}}" follows another field at once: something must stand between them')
        seen.add(name)
        end = line[found.end() : found.end() + 1].replace("{", "")
        pattern += re.escape(line[at : found.start()]) + _FIELDS[name].replace("END", re.escape(end))
        at = found.end()
    rest = line[at:]
    if "{" in rest or "}" in rest:
        raise ValueError("a brace is not closed")
    if not (line.replace("{text}", "").strip()):
        raise ValueError("a line needs some words of its own")
    return re.compile(pattern + re.escape(rest))


def _line(value: str) -> str:
    compiled(value)
    return value


class Is(StrEnum):
    """What a line says."""

    NEW = "new"
    RESTORED = "restored"
    NOTED = "noted"  # recorded, changes nothing: acknowledged at the panel
    IGNORED = "ignored"  # headings, page feeds


Code = Annotated[StrictInt, Field(ge=100, le=999, description="Contact ID's number for it")]


class LineForm(BaseModel):
    """One kind of line. `codes`: of a restore, what it may restore; what this panel has reported is taken first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    line: Annotated[str, Field(min_length=1, max_length=120), AfterValidator(_line)]
    means: Is = Is.NEW
    codes: Annotated[tuple[Code, ...], Field(max_length=10)] = ()

    @model_validator(mode="after")
    def _meaning(self) -> Self:
        wanted = {Is.NEW: (1, 1), Is.RESTORED: (1, 10), Is.NOTED: (0, 0), Is.IGNORED: (0, 0)}[self.means]
        if not wanted[0] <= len(self.codes) <= wanted[1]:
            raise ValueError(f"'{self.means}' has {wanted[0] if wanted[0] == wanted[1] else '1 to 10'} codes")
        return self


class TableForm(BaseModel):
    """One panel's lines, the first that fits wins."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    maker: Annotated[str, Field(min_length=1, max_length=60)]
    model: Annotated[str, Field(min_length=1, max_length=60)]
    source: Annotated[str, Field(min_length=1, max_length=400)]
    certainty: Certainty
    note: Annotated[str, Field(max_length=400)] = ""
    ends_with: Annotated[str, Field(max_length=1, description="a character that ends a line beside CR and LF")] = ""
    lines: Annotated[tuple[LineForm, ...], Field(min_length=1, max_length=100)]


@dataclass(frozen=True, slots=True)
class Said:
    """What one line says. `codes` is empty for what changes nothing."""

    means: Is
    codes: tuple[int, ...]
    zone: int
    partition: int
    point: str
    text: str


class Table:
    """The lines of a panel, ready to be asked."""

    def __init__(self, lines: tuple[LineForm, ...]) -> None:
        self._rows = [(compiled(one.line), one) for one in lines]

    def read(self, line: str) -> Said | None:
        """What the line says; None when no row fits."""
        for pattern, row in self._rows:
            if (found := pattern.fullmatch(line)) is None:
                continue
            part = found.groupdict()
            text = part.get("text") or ""
            stamp = _STAMP.search(text)
            return Said(
                row.means,
                row.codes,
                int(part.get("zone") or 0),
                int(part.get("partition") or 0),
                part.get("point") or "",
                text[: stamp.start()] if stamp else text,
            )
        return None


def tables() -> tuple[str, ...]:
    """The names of the shipped tables."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def table(name: str) -> TableForm:
    """A shipped table, or LookupError naming those there are."""
    if name not in tables():
        raise LookupError(f'no table "{name}"; there are: {", ".join(tables())}')
    return TableForm.model_validate(yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8")))
