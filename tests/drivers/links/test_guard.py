"""Who is left alone for how long, and what is asked first: the guard's memory, value by value."""

from __future__ import annotations

import logging

import pytest

from drivers.links.guard import LONGER, Guard
from drivers.links.pdu import reading
from drivers.links.presence import LONGEST_S, Presence
from sentinel.ports import Request, Table, Write

HOLD_S = 0.6
A = Request(1, Table.HOLDING, 0, 10)
LIKE_A = Request(1, Table.HOLDING, 50, 10)
OTHER = Request(1, Table.HOLDING, 100, 3)
NEIGHBOUR = Request(2, Table.HOLDING, 0, 10)
ONE = Request(1, Table.INPUT, 0, 1)
LIKE_ONE = Request(1, Table.INPUT, 9, 1)


def shape(request: Request) -> bytes:
    return reading(request).opening


def test_a_unit_that_failed_is_left_alone_and_its_neighbour_is_not() -> None:
    guard = Guard(HOLD_S)
    guard.failed(A, 10.0)
    assert guard.wait_s(A, 10.1) == pytest.approx(0.5)
    assert guard.held_s(1, 10.1) == pytest.approx(0.5)
    assert guard.wait_s(NEIGHBOUR, 10.1) == 0
    assert guard.wait_s(A, 10.61) == 0


def test_after_a_hold_something_of_another_length_is_read_and_thrown_away_first() -> None:
    guard = Guard(HOLD_S)
    guard.failed(A, 10.0)
    first = guard.first(LIKE_A)
    assert first is not None
    assert shape(first) != shape(A)
    guard.answered(first, 11.0)
    assert guard.first(LIKE_A) is None


def test_a_question_of_another_length_needs_no_other_before_it() -> None:
    guard = Guard(HOLD_S)
    guard.failed(A, 10.0)
    assert guard.first(OTHER) is None
    guard.answered(OTHER, 11.0)
    assert guard.first(A) is None


def test_two_blocks_of_one_length_are_never_asked_one_after_the_other() -> None:
    """A second copy of the first reply would be taken for the second's."""
    guard = Guard(HOLD_S)
    guard.answered(A, 10.0)
    assert guard.first(A) is None
    assert guard.first(LIKE_A) is not None
    assert guard.first(OTHER) is None


def test_an_answer_that_may_belong_to_an_older_question_proves_only_what_was_before_that() -> None:
    guard = Guard(HOLD_S)
    guard.failed(OTHER, 10.0)
    guard.failed(A, 11.0)
    guard.answered(OTHER, 12.0)  # perhaps the first one's, late: A's reply may still be on its way
    assert guard.first(LIKE_A) is not None
    assert guard.first(OTHER) is not None  # and so may the second of these


def test_a_thrown_away_read_that_is_itself_owed_from_earlier_is_no_proof() -> None:
    guard = Guard(HOLD_S)
    guard.answered(OTHER, 9.0)
    guard.failed(Request(1, Table.HOLDING, 0, 9), 10.0)
    guard.failed(A, 11.0)
    first = guard.first(A)
    assert first is not None
    assert first.count not in {9, 10}


def test_a_refusal_while_something_is_owed_is_no_sign_of_being_in_step() -> None:
    guard = Guard(HOLD_S)
    guard.failed(A, 10.0)
    guard.refused(OTHER, 11.0)
    assert guard.held_s(1, 11.1) > 0
    assert guard.first(A) is not None


def test_a_plain_refusal_costs_no_quiet_time() -> None:
    guard = Guard(HOLD_S)
    guard.refused(A, 10.0)
    assert guard.wait_s(OTHER, 10.0) == 0


def test_a_read_that_is_refused_again_and_again_is_no_longer_tried_between() -> None:
    guard = Guard(HOLD_S)
    guard.answered(A, 10.0)
    tried = []
    while (first := guard.first(LIKE_A)) is not None:
        tried.append(first)
        guard.unusable(first)
        assert len(tried) < 20
    assert len(set(tried)) == 2
    guard.answered(tried[0], 10.5)
    guard.answered(A, 11.0)
    assert guard.first(LIKE_A) == tried[0]


def test_where_nothing_can_part_two_like_blocks_they_wait_much_longer() -> None:
    guard = Guard(HOLD_S)
    guard.failed(ONE, 10.0)
    assert guard.wait_s(ONE, 10.7) == 0  # one block alone can be stale, never wrong
    assert guard.wait_s(LIKE_ONE, 10.7) == pytest.approx(LONGER * HOLD_S - 0.7)
    assert guard.wait_s(LIKE_ONE, 10.0 + LONGER * HOLD_S) == 0
    assert guard.first(LIKE_ONE) is None
    guard.answered(LIKE_ONE, 13.0)
    assert guard.wait_s(ONE, 13.0) == pytest.approx(HOLD_S)


def test_a_whole_frame_that_nobody_waited_for_makes_its_unit_wait() -> None:
    guard = Guard(HOLD_S)
    guard.late(1, 10.0)
    assert guard.held_s(1, 10.0) == pytest.approx(HOLD_S)
    assert guard.held_s(2, 10.0) == 0


def test_a_failed_write_leaves_its_unit_alone_too() -> None:
    guard = Guard(HOLD_S)
    guard.failed(Write(1, Table.COIL, 0, (1,)), 10.0)
    guard.answered(Write(2, Table.COIL, 0, (1,)), 10.0)
    assert guard.wait_s(A, 10.0) == pytest.approx(HOLD_S)
    assert guard.first(A) is None


def test_a_dead_unit_is_remembered_within_bounds() -> None:
    guard = Guard(HOLD_S)
    for at in range(1000):
        guard.failed(guard.first(A) or A, float(at))
    assert len(guard._of(1).owed) <= 32


def test_a_lost_line_is_tried_again_ever_later_but_not_too_late(caplog: pytest.LogCaptureFixture) -> None:
    presence, now, waits = Presence("bus", lambda: 0.999), 0.0, []
    caplog.set_level(logging.INFO)
    for _ in range(12):
        presence.failed("refused", now)
        waits.append(presence.wait_s(now))
        now += waits[-1]
        assert presence.wait_s(now) == 0
    assert waits[:7] == sorted(waits[:7])
    assert waits[0] <= 0.25
    assert LONGEST_S / 2 < waits[-1] <= LONGEST_S
    presence.works(now)
    presence.works(now)
    presence.failed("refused", now)
    assert presence.wait_s(now) == pytest.approx(waits[0])
    said = [record.message.split()[1].rstrip(":") for record in caplog.records]
    assert said == ["lost", "back", "lost"]


def test_branches_that_lost_one_switch_do_not_come_back_in_one_moment() -> None:
    waits = set()
    for spread in (0.0, 0.25, 0.5, 0.75):
        presence = Presence("bus", iter([spread]).__next__)
        presence.failed("refused", 0.0)
        waits.add(presence.wait_s(0.0))
    assert len(waits) == 4
