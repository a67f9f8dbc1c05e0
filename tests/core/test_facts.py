"""Facts are for life: what was written once reads the same for ever, byte for byte."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core import facts
from sentinel.core.chain import GENESIS, KINDS, UPCASTS, body_of, chain, line, parse
from sentinel.core.encoding import canonical, stamp, unstamp
from sentinel.core.facts import ClockQuality, Newer, Recorded
from sentinel.core.model import Via
from tests.core.facts_by_type import RECORDS, STAMPS, a_dataclass

GOLDEN = (Path(__file__).parent / "facts_v1.jsonl").read_text(encoding="utf-8").splitlines()
KNOWN = json.loads(GOLDEN[0])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


def changed(**changes: Any) -> str:
    """A good line with something in it that is not."""
    return json.dumps({**KNOWN, **changes})


def test_every_kind_that_was_ever_released_has_its_golden_line() -> None:
    assert {json.loads(text)["kind"] for text in GOLDEN} == set(KINDS) | {"from-tomorrow"}


@pytest.mark.parametrize("text", GOLDEN, ids=lambda text: str(json.loads(text)["kind"]))
def test_a_golden_line_decodes_for_ever_and_writes_itself_again(text: str) -> None:
    recorded = parse(text)
    assert line(recorded) == text
    assert isinstance(recorded.fact, Newer) is (json.loads(text)["kind"] == "from-tomorrow")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_no_field_of_a_released_version_came_or_went(kind: str) -> None:
    golden = next(body for body in map(json.loads, GOLDEN) if body["kind"] == kind)
    assert golden["v"] == KINDS[kind].V == 1
    assert set(golden["body"]) == {f.name for f in fields(KINDS[kind])}


@given(RECORDS)
def test_what_is_read_is_what_was_written(recorded: Recorded) -> None:
    text = line(recorded)
    assert parse(text) == recorded
    assert line(parse(text)) == text


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_kind_survives_the_journal(kind: str) -> None:
    @given(a_dataclass(KINDS[kind]))
    def survives(fact: facts.Fact) -> None:
        recorded = Recorded("e", 1, datetime(2026, 6, 1, tzinfo=UTC), "b", ClockQuality.SYNCED, late=False, fact=fact)
        assert parse(line(recorded)) == recorded

    survives()


@given(JSON)
def test_canonical_json_is_a_fixed_point(value: Any) -> None:
    text = canonical(value)
    assert canonical(json.loads(text)) == text


@given(kind=st.text(max_size=8), v=st.integers(0, 9), body=st.dictionaries(st.text(max_size=5), JSON, max_size=3))
def test_a_kind_from_tomorrow_is_kept_to_the_byte(kind: str, v: int, body: dict[str, Any]) -> None:
    text = canonical({**KNOWN, "kind": f"new-{kind}", "v": v, "body": body})
    recorded = parse(text)
    assert isinstance(recorded.fact, Newer)
    assert line(recorded) == text


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_version_from_tomorrow_is_kept_to_the_byte(kind: str) -> None:
    text = canonical({**KNOWN, "kind": kind, "v": 2, "body": {"whatever": [1, None, "ह"]}})
    recorded = parse(text)
    assert recorded.fact == Newer(kind, 2, '{"whatever":[1,null,"ह"]}')
    assert line(recorded) == text


@given(st.binary(max_size=80) | st.text(max_size=80).map(lambda text: text.encode("utf-8", "replace")))
def test_garbage_is_refused_and_does_nothing_else(garbage: bytes) -> None:
    with pytest.raises(ValueError):
        parse(garbage.decode("utf-8", "replace"))


@given(st.sampled_from(sorted(KNOWN)), JSON)
def test_a_line_with_one_thing_wrong_is_refused_or_is_itself(field: str, value: Any) -> None:
    text = canonical({**KNOWN, field: value})
    try:
        recorded = parse(text)
    except ValueError:
        return
    assert line(recorded) == text


@given(st.sampled_from(GOLDEN), st.data())
def test_a_body_with_one_thing_wrong_is_refused_or_is_itself(golden: str, data: st.DataObject) -> None:
    whole = json.loads(golden)
    name = data.draw(st.sampled_from(sorted(whole["body"])) if whole["body"] else st.just("more"))
    whole["body"][name] = data.draw(JSON)
    text = canonical(whole)
    try:
        recorded = parse(text)
    except ValueError:
        return
    assert line(recorded) == text


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "NaN",
        changed(seq="1"),
        changed(seq=True),
        changed(seq=1.5),
        changed(seq=0),
        changed(late="no"),
        changed(kind=5),
        changed(kind=["started"]),
        changed(v="1"),
        changed(v=0),
        changed(v=1.0),
        changed(v=True),
        changed(body=[]),
        changed(body={}),
        changed(body={**KNOWN["body"], "more": 1}),
        changed(at="2026-06-01T12:00:00Z"),
        changed(at="2026-06-01 12:00:00.000000Z"),
        changed(at=[1] * 27),
        changed(clock="perhaps"),
        changed(more=1),
        changed(kind="clock-stepped", body={"by_s": float("nan")}),
        changed(kind="clock-stepped", body={"by_s": "soon"}),
        changed(kind="clock-stepped", body={"by_s": None}),
        changed(kind="clock-stepped", body={"by_s": "1" * 400}),
        changed(kind="clock-stepped", body={"by_s": True}),
        changed(kind="clock-stepped", body={"by_s": 0}).replace('"by_s": 0', '"by_s": 1e999'),
        changed(kind="incident-cleared", body={"code": 1000}),
        changed(kind="incident-cleared", body={"code": "\ud800"}),
        changed(kind="new", body={"x": float("inf")}),
    ],
)
def test_what_cannot_have_been_written_here_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse(text)


def test_a_text_that_utf_8_cannot_say_is_written_all_the_same() -> None:
    fact = facts.CommandRefused("c1", "\ud800", "room", Via.ROOM, "unknown-command")
    recorded = Recorded("e", 1, datetime(2026, 6, 1, tzinfo=UTC), "b", ClockQuality.SYNCED, late=False, fact=fact)
    assert line(parse(line(recorded))) == line(recorded)
    assert chain(GENESIS, line(recorded))


@given(STAMPS)
def test_a_time_stamp_has_one_width_and_reads_back(at: datetime) -> None:
    assert len(stamp(at)) == 27
    assert unstamp(stamp(at)) == at


@given(STAMPS, STAMPS)
def test_time_stamps_sort_as_the_times_do(one: datetime, other: datetime) -> None:
    assert (stamp(one) < stamp(other)) is (one < other)


def test_a_time_in_india_is_stored_in_utc() -> None:
    ist = timezone(timedelta(hours=5, minutes=30))
    assert stamp(datetime(2026, 6, 1, 17, 30, tzinfo=ist)) == "2026-06-01T12:00:00.000000Z"


def test_one_changed_byte_changes_every_hash_after_it() -> None:
    def hashes(lines: list[str]) -> list[str]:
        before, result = GENESIS, []
        for text in lines:
            before = chain(before, text)
            result.append(before)
        return result

    good = hashes(GOLDEN)
    bad = hashes([GOLDEN[0], GOLDEN[1].replace("e", "f", 1), *GOLDEN[2:]])
    assert good[0] == bad[0]
    assert not set(good[1:]) & set(bad[1:])


def test_an_old_version_is_lifted_when_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(UPCASTS, ("incident-cleared", 0), lambda body: {"code": str(body["number"])})
    recorded = parse(changed(kind="incident-cleared", v=0, body={"number": 1234}))
    assert recorded.fact == facts.IncidentCleared("1234")


def test_late_facts_say_so() -> None:
    recorded = parse(GOLDEN[0])
    assert parse(line(replace(recorded, late=True))).late
    assert body_of(recorded.fact) == KNOWN["body"]
