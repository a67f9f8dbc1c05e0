"""What a room may say, parsed: everything that is not exactly right does nothing, whatever bytes come."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.channels.mqtt import MAX_DEPTH, MAX_PAYLOAD, json_object
from sentinel.core.encoding import canonical, stamp
from sentinel.gateway.exchange import (
    ACTUATING,
    CommandKind,
    Receipt,
    Refusal,
    Refused,
    RoomCommand,
    command_of,
    judge,
    receipt_of,
)
from tests.channels.book import unhurried

NOW = datetime(2031, 6, 1, 2, 30, tzinfo=UTC)
GOOD_ARGS: dict[CommandKind, dict[str, Any]] = {
    CommandKind.ACKNOWLEDGE: {"incident": "4821"},
    CommandKind.DISPATCH: {"incident": "4821", "note": "गाड़ी 12 निकली"},
    CommandKind.ARRIVE: {"incident": "4821"},
    CommandKind.CLOSE: {"incident": "4821", "disposition": "false"},
    CommandKind.ESCALATE: {"incident": "4821"},
    CommandKind.SILENCE: {"zone": "hall", "minutes": 60},
    CommandKind.SELFTEST: {"test": "siren"},
    CommandKind.RESEND: {"incident": "4821"},
    CommandKind.WATCH: {},
    CommandKind.FETCH: {"from": 17},
}


def said(kind: CommandKind = CommandKind.ACKNOWLEDGE, /, **changes: Any) -> dict[str, object]:
    body: dict[str, object] = {
        "id": "c1",
        "kind": kind.value,
        "at": stamp(NOW),
        "until": stamp(NOW + timedelta(minutes=1)),
        "by": {"name": "आरक्षक यादव", "role": "police"},
        **GOOD_ARGS[kind],
    }
    return {key: value for key, value in {**body, **changes}.items() if value is not ...}


@pytest.mark.parametrize("kind", CommandKind)
def test_every_kind_of_command_is_understood(kind: CommandKind) -> None:
    taken = command_of("durg", said(kind))
    assert isinstance(taken, RoomCommand)
    assert (taken.kind, taken.room, taken.until) == (kind, "durg", NOW + timedelta(minutes=1))
    assert dict(taken.args) == GOOD_ARGS[kind]
    assert all(taken.arg(name) == value for name, value in GOOD_ARGS[kind].items())
    assert taken.arg("no-such") is None


@pytest.mark.parametrize(
    "changes",
    [
        {"id": ...},
        {"id": ""},
        {"id": "a b"},
        {"id": "x" * 65},
        {"id": 7},
        {"kind": "open-the-vault"},
        {"kind": ["acknowledge"]},
        {"at": ...},
        {"until": "tomorrow"},
        {"until": "2031-06-01T02:30:00"},
        {"until": 5},
        {"by": ...},
        {"by": "police"},
        {"by": {"name": "a"}},
        {"by": {"name": "a", "role": "police", "rank": "SP"}},
        {"by": {"name": "a\nb", "role": "police"}},
        {"by": {"name": "half a sign \ud800", "role": "police"}},
        {"by": {"name": "", "role": "police"}},
        {"by": {"name": "a", "role": ["police"]}},
        {"sig": 1},
        {"sig": "x" * 513},
        {"unknown": 1},
        {"incident": ...},
        {"incident": 4821},
        {"incident": "48 21"},
        {"note": "two\nlines"},
        {"note": "half a sign \udc00"},
        {"note": "x" * 281},
        {"disposition": "false"},
    ],
)
def test_a_command_with_anything_wrong_is_refused_and_not_guessed(changes: dict[str, Any]) -> None:
    refused = command_of("durg", said(**changes))
    assert isinstance(refused, Refused)
    assert refused.reason is Refusal.MALFORMED


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (CommandKind.CLOSE, {"disposition": ...}),
        (CommandKind.CLOSE, {"disposition": "restored"}),  # only the input itself can say that
        (CommandKind.CLOSE, {"disposition": ["false"]}),
        (CommandKind.SILENCE, {"minutes": 61}),
        (CommandKind.SILENCE, {"minutes": 0}),
        (CommandKind.SILENCE, {"minutes": True}),
        (CommandKind.FETCH, {"from": 0}),
        (CommandKind.FETCH, {"from": -1}),
        (CommandKind.FETCH, {"from": 1.5}),
        (CommandKind.FETCH, {"from": 2**60}),
        (CommandKind.WATCH, {"incident": "4821"}),
    ],
)
def test_an_argument_that_the_kind_does_not_take_is_refused(kind: CommandKind, changes: dict[str, Any]) -> None:
    refused = command_of("durg", said(kind, **changes))
    assert refused == Refused("durg", "c1", kind.value, "आरक्षक यादव", Refusal.MALFORMED)


def test_a_signature_is_kept_for_those_who_will_check_it() -> None:
    taken = command_of("durg", said(sig="ed25519:abc"))
    assert isinstance(taken, RoomCommand)
    assert taken.sig == "ed25519:abc"


@pytest.mark.parametrize("kind", CommandKind)
def test_a_command_is_good_until_it_says_and_no_longer(kind: CommandKind) -> None:
    command = command_of("durg", said(kind))
    assert isinstance(command, RoomCommand)
    assert judge(command, command.until, synchronised=True) is None
    assert judge(command, command.until + timedelta(microseconds=1), synchronised=True) is Refusal.EXPIRED


@pytest.mark.parametrize("kind", CommandKind)
@pytest.mark.parametrize("years", [-20, 0, 20])
def test_with_a_clock_that_may_be_wrong_answers_count_and_nothing_is_moved(kind: CommandKind, years: int) -> None:
    command = command_of("durg", said(kind))
    assert isinstance(command, RoomCommand)
    verdict = judge(command, NOW.replace(year=NOW.year + years), synchronised=False)
    assert verdict is (Refusal.CLOCK if kind in ACTUATING else None)


def test_what_moves_something_in_the_branch_is_known_as_such() -> None:
    assert {CommandKind.SILENCE, CommandKind.SELFTEST} == ACTUATING


# --- Receipts ----------------------------------------------------------------------------------------------------------

RECEIPT: dict[str, Any] = {"epoch": "e1", "seq": 7, "hash": "a" * 64}


def test_a_receipt_is_understood() -> None:
    assert receipt_of("durg", RECEIPT) == Receipt("durg", "e1", 7, "a" * 64)


@pytest.mark.parametrize(
    "changes",
    [
        {"seq": -1},
        {"seq": True},
        {"seq": "7"},
        {"seq": 7.0},
        {"seq": 2**53},
        {"hash": "A" * 64},
        {"hash": "a" * 63},
        {"hash": None},
        {"epoch": ""},
        {"epoch": 1},
        {"more": 1},
    ],
)
def test_a_receipt_with_anything_wrong_delivers_nothing(changes: dict[str, Any]) -> None:
    assert receipt_of("durg", {**RECEIPT, **changes}) is None


def test_no_message_is_no_receipt_and_a_refused_command() -> None:
    assert receipt_of("durg", None) is None
    assert command_of("durg", None) == Refused("durg", "", "", "", Refusal.MALFORMED)


# --- Any bytes at all --------------------------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@unhurried
@given(st.binary())
def test_no_bytes_break_the_reader(payload: bytes) -> None:
    assert json_object(payload) is None or isinstance(json_object(payload), dict)


@unhurried
@given(st.dictionaries(st.sampled_from(["id", "kind", "at", "until", "by", "sig", "incident", "from"]), json_values))
def test_no_json_breaks_the_parsers(changes: dict[str, object]) -> None:
    for kind in (CommandKind.ACKNOWLEDGE, CommandKind.FETCH):
        parsed = command_of("durg", {**said(kind), **changes})
        if isinstance(parsed, RoomCommand):  # then every field of it is within its bounds
            assert 0 < len(parsed.id) <= 64
            assert 0 < len(parsed.by_name) <= 80
    assert receipt_of("durg", changes) is None


@unhurried
@given(st.dictionaries(st.text(), json_values, max_size=4))
def test_what_we_write_is_what_is_read(body: dict[str, object]) -> None:
    try:
        text = canonical(body)
        text.encode()
    except ValueError:  # not a number, infinity or half a surrogate: we never write those
        return
    assert json_object(text.encode()) == json.loads(text)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[1]",
        b'"a"',
        b"null",
        b"{",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":1,"a":1}',
        b'{"b":{"a":1,"a":1}}',
        b'{"a":"\xff"}',
        b'{"a":' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 20_000,
        b'{"a":"' + b"x" * MAX_PAYLOAD + b'"}',
        b'{"a":' * MAX_DEPTH + b"{}" + b"}" * MAX_DEPTH,
    ],
)
def test_hostile_json_is_nothing(payload: bytes) -> None:
    assert json_object(payload) is None


def test_json_within_the_bounds_is_read() -> None:
    assert json_object(b'{"a":' * (MAX_DEPTH - 1) + b"{}" + b"}" * (MAX_DEPTH - 1)) is not None
    assert json_object('{"थाना":[1,2.5,true,null]}'.encode()) == {"थाना": [1, 2.5, True, None]}
