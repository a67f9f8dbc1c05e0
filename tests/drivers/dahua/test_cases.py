"""What a recorder said, byte for byte, and what is made of it. A regression is a new folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from drivers.recorder import points
from sentinel.core.model import Condition, Failure
from sentinel.core.said import said
from sentinel.ports import HttpReply, HttpRequest, LinkError
from tests.drivers.dahua.talk import moment, options, play, recorder, values

CASES = sorted(Path(__file__).parent.glob("cases/*/case.json"))


def answers(path: Path) -> Any:
    """The answer to each question: that of the longest text which its target holds; 501 for what is not listed."""
    listed = json.loads(path.read_text(encoding="utf-8"))["answers"]
    table = {
        text: HttpReply(one["status"], {}, (path.parent / one["body"]).read_bytes()) for text, one in listed.items()
    }

    def answer(request: HttpRequest) -> HttpReply | LinkError:
        if not request.signed:
            return LinkError(Failure.CREDENTIAL, "not given to everybody")
        held = [text for text in table if text in request.target]
        return table[max(held, key=len)] if held else HttpReply(501, {}, b"Error\r\nNot Implemented!\r\n")

    return answer


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.parent.name)
def test_what_a_recorder_said_is_understood_as_it_was_meant(path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    driver = recorder(case["cameras"], **case["options"])
    readings = play(driver.assess(case["round"], moment()), answers(path))
    found = {point: value.value if isinstance(value, Failure) else value for point, value in values(readings).items()}
    assert found == case["expected"]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.parent.name)
def test_every_point_of_a_round_gets_exactly_one_reading(path: Path) -> None:
    driver = recorder(3)
    for round_ in driver.rounds():
        readings = play(driver.assess(round_.name, moment()), answers(path))
        assert [reading.point for reading in readings] == list(round_.points)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.parent.name)
def test_what_is_made_of_it_is_said_to_people_in_their_own_words(path: Path) -> None:
    """Also that nothing but the words of the table reads normal."""
    case = json.loads(path.read_text(encoding="utf-8"))
    for point in points(options(case["cameras"])):
        word = case["expected"].get(point.id)
        if point.role is None or word is None or word in list(Failure):
            continue
        condition = dict(point.means).get(str(word).partition(" ")[0], Condition.TROUBLE)
        assert (condition is Condition.NORMAL) == (word in ("ok", "right", "same", "proved", "now", "kept"))
        known = condition is not Condition.TROUBLE
        assert all(bool(said(point.role, word, language)) is known for language in ("hi", "en")), word
