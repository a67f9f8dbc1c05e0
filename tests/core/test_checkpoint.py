"""A checkpoint is the state, whole: nothing that replaying would give is missing or different."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.checkpoint import dump, load
from sentinel.core.facts import AnswerKind, Recorded
from sentinel.core.incident import State, evolve, replay
from sentinel.core.model import Role
from tests.core.branch import Life
from tests.core.facts_by_type import RECORDS


@given(st.lists(RECORDS, max_size=30))
def test_a_state_comes_back_from_its_checkpoint(records: list[Recorded]) -> None:
    state = replay(records)
    assert load(dump(state)) == state


@given(st.lists(RECORDS, min_size=1, max_size=30), st.data())
def test_going_on_from_a_checkpoint_is_the_same_as_replaying_all(records: list[Recorded], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(records)))
    state = load(dump(replay(records[:cut])))
    for one in records[cut:]:
        state = evolve(state, one)
    assert state == replay(records)


def test_an_open_hold_up_survives_with_its_ladder_answers_and_notices() -> None:
    life = Life()
    life.press("button", Role.HOLD_UP)
    life.wait(minutes=7)
    back = load(dump(life.state))
    assert back == life.state
    (incident,) = back.incidents.values()
    assert incident.ladder.steps
    assert incident.notices
    assert AnswerKind.ARRIVED not in [answer.kind for answer in incident.answers]


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"epoch": 1}', "[" * 5000])
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"checkpoint|Expecting"):
        load(text)


def test_a_field_of_another_type_is_refused() -> None:
    body = json.loads(dump(State()))
    body["issued"] = "many"
    with pytest.raises(ValueError, match="checkpoint"):
        load(json.dumps(body))
