"""The lines that a fire panel sends to its printer, read by a table. One way: nothing is ever sent or acknowledged.

A line that no table knows is counted and told. A printer gives no sign of life: while it says nothing its points grow
unknown after `alive`, and `daily_test` names the line that must come so often, or `test-due` is told.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from drivers import DriverKind
from drivers.described import Described
from drivers.duration import Seconds  # noqa: TC001 pydantic reads it
from drivers.panel import WORDS, Event, Panel, PanelOptions, Status, Word, described, printable
from drivers.panel_codes import Kind
from drivers.printer_lines import MOST, Is, LineForm, Said, Table, compiled, table
from drivers.text_lines import TextLines
from sentinel.core.model import Role, Text
from sentinel.ports import Speech, Turn

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sentinel.core.model import Reading

QUIET_S = 2.0  # a line that stops for so long is whole: some panels send their line feed first, before the next line
BEAT_S = 1.0
LATE = 25 / 24  # a daily test may come an hour late
TEST_DUE = "test-due"
_ESCAPES = re.compile(rb"\x1b.|[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\xff]")  # printers' own commands, page feeds
_BLANKS = re.compile(r" {2,}")


def _table(name: str) -> str:
    try:
        table(name)
    except LookupError as error:
        raise ValueError(str(error)) from None
    return name


class DailyTest(BaseModel):
    """The line that the panel prints by itself so often."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    line: Annotated[str, Field(min_length=1, max_length=120), AfterValidator(lambda line: compiled(line) and line)]
    every: Seconds = 86_400.0


class PrinterOptions(PanelOptions):
    """What an operator writes under a device with `driver: printer`."""

    driver: Literal["printer"] = "printer"
    table: Annotated[str | None, AfterValidator(lambda name: name and _table(name))] = None
    lines: Annotated[tuple[LineForm, ...], Field(max_length=100, description="read before the table's")] = ()
    daily_test: DailyTest | None = None
    alive: Annotated[Seconds, Field(description="it prints something at least so often, or nothing is known")] = (
        86_400.0
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.table is None and not self.lines:
            raise ValueError("say how its lines are to be read: table, lines, or both")
        if TEST_DUE in self.points:
            raise ValueError(f"points.{TEST_DUE}: the driver has a point of that name: choose another")
        return self


def _own(options: PrinterOptions) -> list[Described]:
    if options.daily_test is None:
        return []
    name = Text("पैनल की रोज़ की जाँच", "panel's periodic test")
    return [Described(TEST_DUE, "word", _every_s(options), Role.PANEL_FAULT, WORDS, name, pushed=True)]


def points(options: PrinterOptions) -> list[Described]:
    """Every point of the panel behind the printer port."""
    return described(options, _every_s(options), _own(options))


def _every_s(options: PrinterOptions) -> float:
    """Three signs of life may be missed before a point is unknown, and that is to be after `alive`."""
    return float(options.alive) / 3


class Printer:
    """One printer port."""

    def __init__(self, device: str, options: PrinterOptions) -> None:
        shipped = None if options.table is None else table(options.table)
        self._table = Table(options.lines + (() if shipped is None else shipped.lines))
        self._end = b"" if shipped is None else shipped.ends_with.encode("ascii")
        test = options.daily_test
        self._test = None if test is None else compiled(test.line)
        self._test_s = 0.0 if test is None else float(test.every) * LATE
        self._test_at: float | None = None
        self._panel = Panel(device, options, _own(options))
        self._lines = TextLines(MOST)
        self._heard = 0.0
        self._pending = False
        self._unknown = 0
        self._beat_at: float | None = None

    def opened(self, now: float) -> Sequence[Turn]:
        """It speaks first, if at all."""
        self._lines.clear()
        self._pending = False
        if self._test_at is None:
            self._test_at = now
        return ()

    def feed(self, data: bytes, now: float) -> Sequence[Turn]:
        """One turn for each line."""
        if self._end:
            data = data.replace(self._end, b"\n")
        self._heard, self._pending = now, not data.endswith((b"\r", b"\n"))
        dropped = self._lines.dropped
        turns = [self._read(line, now) for line in self._lines.feed(data)]
        if self._lines.dropped > dropped:
            turns.append(Turn((self._panel.strange("line-too-long", now),)))
        return turns

    def tick(self, now: float) -> Sequence[Turn]:
        """A line without an end is read after a while; what stood only for a while is over; a missing test is told."""
        turns: list[Turn] = []
        if self._pending and now - self._heard >= QUIET_S:
            self._pending = False
            turns += [self._read(line, now) for line in self._lines.feed(b"\n")]
        readings = self._panel.tick(now)
        if self._test is not None and self._test_at is not None and now - self._test_at > self._test_s:
            self._test_at = now
            readings.append(self._panel.say(TEST_DUE, Word.ALARM, now))
        return [*turns, Turn(tuple(readings))] if readings else turns

    def damaged(self) -> int:
        """Lines that no row fits, or too long."""
        return self._unknown + self._lines.dropped

    def _read(self, raw: bytes, now: float) -> Turn:
        line = _BLANKS.sub(" ", _ESCAPES.sub(b"", raw).decode("ascii")).strip()
        if not line:
            return Turn()
        beat = self._panel.beat(now) if self._beat_at is None or now - self._beat_at >= BEAT_S else []
        readings = self._meaning(line, now)
        if readings is None:
            self._unknown += 1
            return Turn((self._panel.strange(f"unknown-line:{line}", now),))
        if beat and not self._panel.secret(readings):
            self._beat_at, readings = now, [*beat, *readings]
        return Turn(tuple(readings))

    def _meaning(self, line: str, now: float) -> list[Reading] | None:
        """What a line says; None when no row fits: it may be noise, and noise is no sign of life."""
        if self._test is not None and self._test.fullmatch(line):
            self._test_at = now
            return [self._panel.say(TEST_DUE, Word.NORMAL, now)]
        said = self._table.read(line)
        if said is None:
            return None
        if said.means is Is.NOTED:
            return [self._panel.say(Kind.EVENT, f"noted {printable(line, 60)}", now)]
        return [] if said.means is Is.IGNORED else self._panel.take(self._event(said), now)

    def _event(self, said: Said) -> Event:
        status = Status.NEW if said.means is Is.NEW else Status.RESTORED
        point, text = printable(said.point, 20), printable(said.text.strip(), 24)
        events = [Event(code, status, said.partition, said.zone, point, text) for code in said.codes]
        return next((event for event in events if self._panel.tracks(event)), events[0])


def _build(device: str, _profile: object, options: PrinterOptions, _urgent: Collection[str]) -> Printer:
    return Printer(device, options)


DRIVER = DriverKind(PrinterOptions, _build, Speech.BYTES, points)
