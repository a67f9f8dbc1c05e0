"""The live readings: what changed, seldom, and everything once a minute; an old value says its age."""

from __future__ import annotations

import json
import math
from typing import Any

from sentinel.core.model import Failure, Quality, Reading, Value
from sentinel.gateway.live import ALL_S, EVERY_S, MAX_POINTS, LiveBoard


def good(point: str, value: Value, at: float = 0.0) -> Reading:
    return Reading(point, value, Quality.GOOD, at)


def sent(board: LiveBoard, now: float) -> list[dict[str, Any]]:
    message = board.due("2031-06-01T02:30:00.000000Z", now)
    if message is None:
        return []
    body = json.loads(message)
    assert body["at"] == "2031-06-01T02:30:00.000000Z"
    readings: list[dict[str, Any]] = body["readings"]
    return readings


def test_only_what_changed_is_sent_and_at_most_every_five_seconds() -> None:
    board = LiveBoard()
    board.take([good("a", 1), good("b", 2)])
    assert [r["point"] for r in sent(board, 0.0)] == ["a", "b"]
    board.take([good("a", 1, 1.0), good("b", 3, 1.0)])
    assert sent(board, EVERY_S - 0.1) == []
    assert sent(board, EVERY_S) == [{"point": "b", "value": 3, "quality": "good", "age_s": 4.0}]
    assert sent(board, 2 * EVERY_S) == []


def test_once_a_minute_all_points_are_sent_with_their_age() -> None:
    board = LiveBoard()
    board.take([good("a", 1), good("b", 2)])
    sent(board, 0.0)
    assert [(r["point"], r["age_s"]) for r in sent(board, ALL_S)] == [("a", ALL_S), ("b", ALL_S)]


def test_while_a_room_watches_it_sees_every_second_for_a_minute() -> None:
    board = LiveBoard()
    board.take([good("a", 0)])
    sent(board, 0.0)
    board.watch(0.5)
    seen = []
    for tick in range(1, 90):
        board.take([good("a", tick, float(tick))])
        seen += [tick for r in sent(board, tick + 0.5)]
    assert seen[:58] == list(range(1, 59))
    assert seen[-1] - seen[-2] == EVERY_S


def test_a_dead_point_is_shown_as_failed_with_its_reason() -> None:
    board = LiveBoard()
    board.take([good("a", 1)])
    sent(board, 0.0)
    board.take([Reading("a", None, Quality.FAILED, 5.0, Failure.NO_REPLY)])
    assert sent(board, 5.0) == [{"point": "a", "value": None, "quality": "failed", "age_s": 0.0, "reason": "no-reply"}]


def test_a_value_that_is_no_number_is_a_failure_and_breaks_nothing() -> None:
    board = LiveBoard()
    board.take([good("a", math.nan), good("b", math.inf), good("c", 1.5)])
    assert [(r["value"], r["quality"]) for r in sent(board, 0.0)] == [(None, "failed"), (None, "failed"), (1.5, "good")]


def test_more_points_than_fit_go_with_the_next_message_and_none_is_lost() -> None:
    board = LiveBoard()
    points = [f"device-with-a-long-name-{n:04}.point-{n:04}" for n in range(MAX_POINTS + 10)]
    board.take([good(point, 20.125) for point in points])
    message = board.due("2031-06-01T02:30:00.000000Z", 0.0)
    assert message is not None
    assert len(message.encode()) < 64 * 1024
    assert [r["point"] for r in sent(board, EVERY_S)] == points[MAX_POINTS:]
