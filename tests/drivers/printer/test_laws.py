"""Whatever a printer port gives: no exception, no growth, no line that takes long, and no line that is not told.

SENTINEL_FAULTS sets how many mutated inputs there are (`make faults`: a million); the ordinary run has 100,000.
"""

from __future__ import annotations

import os
import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from drivers.panel import MOST_SOURCES
from drivers.printer import Printer, PrinterOptions, points
from drivers.printer_lines import FOLDER, MOST, LineForm, Table, TableForm, compiled, table, tables
from sentinel.core.model import Quality
from sentinel.settings.policy import STALE_SIGNS
from sentinel.settings.yaml import load_yaml

FAULTS = int(os.environ.get("SENTINEL_FAULTS", "100000"))
LINES = [
    b":ALARM Z001 1.1.Z1 STRONG ROOM 12/08 01:23;\r\n",
    b":RESET ALARM Z001 1.1.Z1 STRONG ROOM 12/08 01:23;\r\n",
    b":FAULT (F01) Z001 L2D159 CASH HALL 12/08 01:23;\r\n",
    b":MAINS FAIL Z000 0.2.I5 MAINS FAIL 11/12 15:08;\r\n",
    b":ISOL Z002 L1D7 HALL 11/12 15:08;\r\n",
    b":ACKD ALARM Z001 1.1.Z1 STRONG ROOM 12/08 01:24;\r\n",
    b"\x0c PAGE 2\r\n",
    b"nonsense\r\n",
]


def driver() -> Printer:
    made = Printer("fire", PrinterOptions(table="afp-2800"))
    made.opened(0.0)
    return made


@given(st.lists(st.one_of(st.sampled_from(LINES), st.binary(max_size=60)), max_size=20))
def test_one_byte_at_a_time_is_the_same_as_all_at_once(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    whole, slow = driver(), driver()
    expected = {reading for turn in whole.feed(data, 1.0) for reading in turn.readings}
    assert {
        reading for byte in data for turn in slow.feed(bytes((byte,)), 1.0) for reading in turn.readings
    } == expected
    assert slow.damaged() == whole.damaged()


@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=MOST))
def test_a_line_that_is_not_understood_is_told(line: str) -> None:
    printer = driver()
    turns = printer.feed(line.encode() + b"\r\n", 1.0)
    assert printer.damaged() == 0 or any(
        reading.point == "fire.other-trouble" and str(reading.value).startswith("alarm")
        for turn in turns
        for reading in turn.readings
    )


@pytest.mark.timeout(3600)
def test_damaged_input_breaks_nothing_and_fills_nothing() -> None:
    rng, printer, now = random.Random(5), driver(), 0.0
    for _ in range(FAULTS):
        passed = rng.choice((0.0, 0.1, 0.2, 3.0))
        now += passed
        data = bytearray(rng.choice(LINES))
        for _ in range(rng.randint(0, 3)):
            at = rng.randrange(len(data) + 1)
            data[at : at + rng.randint(0, 5)] = bytes(rng.choices(range(256), k=rng.randint(0, 5)))
        for turn in (*printer.feed(bytes(data), now), *(printer.tick(now) if passed > 1 else ())):
            assert all(len(str(reading.value)) < 600 for reading in turn.readings)
    assert printer.damaged() > 0
    assert len(printer._lines._rest) <= MOST
    assert all(len(point.sources) <= MOST_SOURCES for point in printer._panel._points.values())


@pytest.mark.parametrize("name", tables())
@pytest.mark.parametrize("pump", ["Z", "0", " ", ":ALARM ", "1.1.Z1 ", ":FAULT (", "Z001 ", "12/08 01:23 "])
def test_no_line_takes_long_to_read(name: str, pump: str) -> None:
    lines = Table(table(name).lines)
    heads = {one.line.partition("{")[0] for one in table(name).lines}
    began = time.process_time()
    for head in heads:
        for tail in ("", "!", ";", "\t"):
            lines.read((head + pump * MOST)[:MOST] + tail)
    assert time.process_time() - began < 0.05


def test_a_line_that_never_ends_is_told_once_and_not_kept() -> None:
    printer = driver()
    told = [reading for _ in range(1000) for turn in printer.feed(b"x" * 100, 1.0) for reading in turn.readings]
    assert [reading.value for reading in told] == ["alarm line-too-long"]
    assert printer.damaged() == 1


@pytest.mark.parametrize("name", tables())
def test_every_shipped_table_is_good_yaml_for_the_strict_loader_too(name: str) -> None:
    assert TableForm.model_validate(load_yaml(FOLDER / f"{name}.yaml").data) == table(name)


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        (":ALARM {zonne}", "is no field"),
        (":ALARM {zone} {zone}", "stands twice"),
        ("{text} ALARM", "put it last"),
        (":ALARM {zone", "not closed"),
        ("{text}", "words of its own"),
    ],
)
def test_a_line_that_cannot_be_meant_is_refused(line: str, remedy: str) -> None:
    with pytest.raises(ValidationError, match=remedy):
        LineForm(line=line, codes=(110,))


def test_what_looks_like_a_regular_expression_is_only_text() -> None:
    assert compiled("(a+)+$ {zone}").fullmatch("(a+)+$ 5")
    assert not compiled("(a+)+$ {zone}").fullmatch("aaa 5")


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        ({}, "say how its lines are to be read"),
        ({"table": "afp-9"}, 'no table "afp-9"; there are: afp-2800'),
        ({"lines": [{"line": "FIRE {zone}"}]}, "'new' has 1 codes"),
        ({"lines": [{"line": "FIRE {zone}", "means": "noted", "codes": [110]}]}, "'noted' has 0 codes"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(options: dict[str, object], remedy: str) -> None:
    with pytest.raises(ValidationError, match=remedy):
        PrinterOptions.model_validate(options)


def test_noise_is_no_sign_of_life() -> None:
    """A port at a wrong speed gives lines too: what is on the other end is not known, so nothing is held."""
    printer = driver()
    (turn,) = printer.feed(b"x\x81z~\r\n", 1.0)
    assert [reading.point for reading in turn.readings] == ["fire.other-trouble"]
    (turn,) = printer.feed(LINES[5], 2.0)
    assert {reading.quality for reading in turn.readings} == {Quality.HELD, Quality.GOOD}


def test_a_printer_that_says_nothing_is_unknown_after_what_the_config_allows() -> None:
    every_s = {point.every_s for point in points(PrinterOptions(table="afp-2800", alive="24h"))}
    assert {STALE_SIGNS * every for every in every_s} == {86_400.0}


def test_a_hold_up_on_a_printers_line_is_no_sign_of_life() -> None:
    printer = Printer("fire", PrinterOptions(lines=(LineForm(line="HOLD UP {zone}", codes=(122,)),)))
    printer.opened(0.0)
    (turn,) = printer.feed(b"HOLD UP 5\r\n", 1.0)
    assert [reading.point for reading in turn.readings] == ["fire.other-hold-up"]


@pytest.mark.parametrize(
    "line", ["A" + "{skip}/" * 14, "ON {skip}/{skip}/{skip} {skip}:{skip}:{skip} FIRE", "{skip} " * 17]
)
def test_no_line_of_a_table_takes_long_whatever_comes(line: str) -> None:
    pattern = compiled(line.strip())
    for hostile in ("A" + "/" * 199, "A" + "b" * 199, "ON " + "/" * 190, "ON " + "/:" * 95, "a " * 100):
        began = time.perf_counter()
        pattern.fullmatch(hostile)
        assert time.perf_counter() - began < 0.1


@pytest.mark.parametrize("line", ["A {skip}{skip}", "A {point}{skip} B", "A {skip}{zone}"])
def test_fields_with_nothing_between_them_are_refused(line: str) -> None:
    with pytest.raises(ValidationError, match="something must stand between"):
        LineForm(line=line, codes=(110,))
