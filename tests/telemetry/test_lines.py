"""Our lines beside influxdb-client's own, and where ours differ on purpose: nothing leaves its line or its series.

"Theirs" is what `Point` of influxdb-client writes. The stores read a backslash in two ways: InfluxDB looks one sign
back, VictoriaMetrics counts the backslashes. The law reads every line both ways; real stores read them too.
"""

from __future__ import annotations

import math
import random
import re
import unicodedata
import warnings
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from influxdb_client.client.write.point import Point

from sentinel.telemetry.lines import fields, head, line, number
from tests.stores import Influx, Victoria

if TYPE_CHECKING:
    from pathlib import Path

    from tests.stores import Points

Values = dict[str, bool | int | float | str]

AT_MS = 1_700_000_000_000  # past: a store refuses what is days ahead
ENDS: Final = ("Cc", "Zl", "Zp")
SIGNS = [*'\\\\\\,, == ""', "\n", "\r", "\t", "\0", "\x85", "\u2028", "\ud800", "#", "i", "e", "त", "\U0001f525"]

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=ENDS))
PLAIN = st.text(
    st.characters(codec="utf-8", exclude_categories=ENDS, exclude_characters="\\")
)  # nothing of ours to mend
NASTY = st.text(st.one_of(st.sampled_from(SIGNS), st.characters()), max_size=8)
INT64 = st.integers(-(2**63), 2**63 - 1)


def theirs(measurement: str, tags: dict[str, str], values: Values) -> str:
    """The point as influxdb-client writes it; "" when it writes none."""
    point: Any = Point(measurement)  # type: ignore[no-untyped-call]
    point.time(AT_MS)
    for name, tag in tags.items():
        point.tag(name, tag)
    for name, value in values.items():
        point.field(name, value)
    return str(point.to_line_protocol())


def ours(measurement: str, tags: dict[str, str], values: Values) -> str:
    """The same by us."""
    text = fields(values)
    return line(head(measurement, tags), text, AT_MS) if text else ""


def cut(text: str, at: str, *, counts: bool, quotes: bool = False) -> list[str]:
    """Cut where no backslash (the one before, or an odd count of them) and no quotes hold the sign."""
    parts, held, quoted = [""], False, False
    for sign in text:
        if sign == at and not held and not quoted:
            parts.append("")
            continue
        quoted ^= quotes and sign == '"' and not held
        held = sign == "\\" and not (counts and held)
        parts[-1] += sign
    return parts


def read(text: str, *, counts: bool) -> tuple[str, dict[str, str], dict[str, str], str]:
    """Measurement, tags, fields and time of a line; every part must be there."""
    series = cut(text, " ", counts=counts)[0]
    body, at_ms = cut(text[len(series) + 1 :], " ", counts=True, quotes=True)
    measurement, *tags = cut(series, ",", counts=counts)
    names = [plain(cut(tag, "=", counts=counts)) for tag in tags]
    values = [cut(value, "=", counts=True, quotes=True) for value in cut(body, ",", counts=True, quotes=True)]
    assert [name for name, _ in names] == sorted({name for name, _ in names})
    return plain([measurement])[0], dict(names), {plain([name])[0]: value for name, value in values}, at_ms


def plain(parts: list[str]) -> list[str]:
    """Without the backslashes that hold a separator."""
    assert all(parts)
    return [re.sub(r"\\([,= ])", r"\1", part) for part in parts]


def said(text: str, backslash: str = "/") -> str:
    """What may come back of a name, by the docstring of `lines`."""
    kept = {"Cs": "?", **dict.fromkeys(ENDS, " ")}
    return "".join(kept.get(unicodedata.category(sign), sign) for sign in text).replace("\\", backslash)


# --- Alike ----------------------------------------------------------------------------------------------------------


@given(
    PLAIN.filter(lambda name: name and name[0] != "#"),
    st.dictionaries(PLAIN, PLAIN, max_size=4),
    st.dictionaries(
        PLAIN.filter(lambda name: name and '"' not in name),
        st.one_of(st.booleans(), INT64, st.floats(), TEXT),
        max_size=4,
    ),
)
def test_our_line_is_the_one_that_the_makers_of_the_store_write(
    measurement: str, tags: dict[str, str], values: Values
) -> None:
    assert ours(measurement, tags, values) == theirs(measurement, tags, values)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_measured_value_comes_back_to_the_last_bit(value: float) -> None:
    assert float(number(value)) == value
    assert number(value) == fields({"value": value}).removeprefix("value=")


def test_a_line_as_it_goes_to_the_store() -> None:
    tags = {"point": "panel.volts", "branch": "rampur", "bank": "State Bank, Durg = CG", "station": ""}
    series = r"measure,bank=State\ Bank\,\ Durg\ \=\ CG,branch=rampur,point=panel.volts"
    assert head("measure", tags) == series
    assert ours("measure", tags, {"value": 231.0, "quality": 0}) == f"{series} quality=0i,value=231 {AT_MS}"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_left_out_and_a_line_of_nothing_else_is_none(value: float) -> None:
    assert fields({"value": value}) == ""
    assert fields({"value": value, "quality": 2}) == "quality=2i"
    assert theirs("measure", {}, {"value": value}) == ""


# --- Hostile ----------------------------------------------------------------------------------------------------------


@given(
    NASTY.filter(bool),
    st.dictionaries(NASTY, NASTY, max_size=4),
    st.dictionaries(NASTY, st.one_of(st.booleans(), st.integers(), st.floats(), NASTY), max_size=4),
)
def test_whatever_a_device_or_a_config_says_stays_one_line_of_its_own_series(
    measurement: str, tags: dict[str, str], values: Values
) -> None:
    text = ours(measurement, tags, values)
    if not text:
        return
    assert text.splitlines() == [text]
    assert text.encode().decode() == text
    for counts in (False, True):
        name, pairs, written, at_ms = read(text, counts=counts)
        assert name == re.sub("^#", "_", said(measurement))
        expected = {said(key): said(value) for key, value in tags.items()}
        assert pairs == {key: value for key, value in expected.items() if key and value}
        assert written.keys() <= {said(key).replace('"', "'") for key in values}
        assert at_ms == str(AT_MS)


@given(NASTY)
def test_a_text_comes_back_as_it_was_said_but_for_its_line_ends(text: str) -> None:
    _, _, written, _ = read(ours("incident", {}, {"words": text}), counts=True)
    assert re.sub(r"\\(.)", r"\1", written["words"][1:-1]) == said(text, "\\")


# --- Different on purpose -----------------------------------------------------------------------------------------------


def test_a_line_end_in_a_text_is_a_space_because_one_store_ends_the_line_there() -> None:
    assert theirs("incident", {}, {"words": "fire\nfalse"}) == f'incident words="fire\nfalse" {AT_MS}'
    assert ours("incident", {}, {"words": "fire\nfalse"}) == f'incident words="fire false" {AT_MS}'


def test_a_line_end_in_a_tag_is_a_space_and_no_letter_n() -> None:
    assert theirs("m", {"a": "x\ny"}, {"v": 1}) == rf"m,a=x\ny v=1i {AT_MS}"
    assert ours("m", {"a": "x\ny"}, {"v": 1}) == rf"m,a=x\ y v=1i {AT_MS}"


def test_a_backslash_at_the_end_of_a_tag_does_not_take_the_separator_with_it() -> None:
    assert theirs("m", {"a": "C:\\"}, {"v": 1}) == f"m,a=C:\\  v=1i {AT_MS}"
    assert ours("m", {"a": "C:\\"}, {"v": 1}) == f"m,a=C:/ v=1i {AT_MS}"
    assert ours("m\\", {"a\\": "b"}, {"v\\": 1}) == f"m/,a/=b v/=1i {AT_MS}"


def test_a_backslash_before_a_comma_is_not_counted_as_its_guard() -> None:
    assert theirs("m", {"a": "x\\,b=y"}, {"v": 1}) == rf"m,a=x\\,b\=y v=1i {AT_MS}"
    assert ours("m", {"a": "x\\,b=y"}, {"v": 1}) == rf"m,a=x/\,b\=y v=1i {AT_MS}"


def test_a_measurement_is_never_a_comment() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # theirs warns, and writes the comment
        assert theirs("#m", {}, {"v": 1}) == f"#m v=1i {AT_MS}"
    assert ours("#m", {}, {"v": 1}) == f"_m v=1i {AT_MS}"


def test_a_measurement_without_a_name_is_a_slip_of_the_program() -> None:
    with pytest.raises(ValueError, match="a measurement has a name"):
        head("", {})


def test_a_quote_in_a_fields_name_opens_no_text() -> None:
    assert theirs("m", {}, {'a"b': 1}) == f'm a"b=1i {AT_MS}'
    assert ours("m", {}, {'a"b': 1}) == f"m a'b=1i {AT_MS}"


def test_a_field_without_a_name_and_a_number_beyond_64_bits_are_left_out() -> None:
    assert theirs("m", {}, {"": 1, "big": 2**63}) == f"m =1i,big=9223372036854775808i {AT_MS}"
    assert ours("m", {}, {"": 1, "big": 2**63}) == ""
    assert fields({"big": 2**63 - 1, "small": -(2**63)}) == "big=9223372036854775807i,small=-9223372036854775808i"


def test_half_a_surrogate_pair_has_bytes_to_be_sent() -> None:
    with pytest.raises(UnicodeEncodeError):
        theirs("m", {"a": "\ud800"}, {"v": "\udfff"}).encode()
    assert ours("m", {"a": "\ud800"}, {"v": "\udfff"}).encode() == b'm,a=? v="?" 1700000000000'


def test_of_two_names_that_become_one_the_later_stays() -> None:
    assert ours("m", {"a\\": "x", "a/": "y"}, {"v\\": 1, "v/": 2}) == f"m,a/=y v/=2i {AT_MS}"


# --- Real stores --------------------------------------------------------------------------------------------------------


def hostile() -> dict[str, str]:
    """One line for each of 400 tags and texts, by the tag."""
    chance = random.Random(3)
    texts = {"".join(chance.choices(SIGNS, k=chance.randint(1, 6))) for _ in range(400)}
    tagged = {said(text): text for text in texts if said(text).strip()}
    return {
        name: ours("hostile", {"who": text, "zone": "counter"}, {"n": n, "words": text, "yes": True})
        for n, (name, text) in enumerate(tagged.items())
    }


async def write(url: str, lines: list[str]) -> None:
    """One request, as the branch makes it."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/write", params={"db": "law", "precision": "ms"}, data="\n".join(lines).encode()) as answer,
    ):
        assert answer.status == 204, await answer.text()


def told(made: dict[str, str], found: Points) -> None:
    """Every line is there, whole, in its own series, and nothing else is."""
    numbers = {series: value for (series, _), value in found.items() if series.endswith(" n")}
    assert numbers == {f"hostile,who={name},zone=counter n": float(n) for n, name in enumerate(made)}


@pytest.mark.real
async def test_influxdb_1_keeps_every_hostile_line_in_its_own_series(tmp_path: Path) -> None:
    server = Influx(tmp_path / "influx")
    await server.start()
    try:
        await server.query('CREATE DATABASE "law"')
        made = hostile()
        await write(server.url, list(made.values()))
        rows = await server.query('SELECT n FROM "hostile" GROUP BY *', "law")
        told(made, {(f"hostile,who={r['tags']['who']},zone={r['tags']['zone']} n", 0): r["values"][0][1] for r in rows})
    finally:
        server.stop()


@pytest.mark.real
async def test_victoriametrics_keeps_every_hostile_line_in_its_own_series(tmp_path: Path) -> None:
    server = Victoria(tmp_path / "victoria")
    await server.start()
    try:
        made = hostile()
        await write(server.url, list(made.values()))
        told(made, await server.points("hostile"))
    finally:
        server.stop()
