"""The plan: everything is asked for once, within the device's limits, in the fewest questions, tellable apart."""

from __future__ import annotations

import itertools
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from drivers.planning import Block, Want, blocks
from drivers.points import BIT_TABLES, Bounds
from sentinel.ports import Table

KNOWN_NOTHING: dict[Table, frozenset[int]] = {table: frozenset() for table in Table}


@st.composite
def wants(draw: st.DrawFn) -> list[Want]:
    found: list[Want] = []
    for number in range(draw(st.integers(1, 30))):
        table = draw(st.sampled_from(Table))
        words = 1 if table in BIT_TABLES else draw(st.sampled_from([1, 1, 2]))
        interval = draw(st.sampled_from([0.1, 1.0, 10.0]))
        found.append(Want(f"p{number}", table, draw(st.integers(0, 60)), words, interval, draw(st.booleans())))
    return found


def bounds(most: int = 16, gap: int = 0) -> Bounds:
    return Bounds(max_registers=most, max_bits=most, max_gap=gap, min_poll_s=0)


def known(found: list[Want]) -> dict[Table, frozenset[int]]:
    return {t: frozenset(a for w in found if w.table is t for a in range(w.start, w.end)) for t in Table}


def plan(found: list[Want], most: int = 16, gap: int = 0) -> list[Block]:
    return blocks(found, bounds(most, gap), known(found))


def want(
    start: int, interval: float = 1.0, *, urgent: bool = False, table: Table = Table.HOLDING, words: int = 1
) -> Want:
    return Want(f"{table}{start}-{interval}-{urgent}", table, start, words, interval, urgent)


def laid(found: list[Block]) -> list[tuple[int, int]]:
    return [(block.start, block.count) for block in found]


@given(found=wants(), most=st.integers(2, 40), gap=st.integers(0, 5))
def test_every_point_is_asked_for_exactly_once(found: list[Want], most: int, gap: int) -> None:
    asked = Counter(want.id for block in plan(found, most, gap) for want in block.wants)
    assert asked == Counter(want.id for want in found)


@given(found=wants(), most=st.integers(2, 40), gap=st.integers(0, 5))
def test_a_block_holds_the_whole_of_each_of_its_points_and_no_table_but_theirs(
    found: list[Want], most: int, gap: int
) -> None:
    for block in plan(found, most, gap):
        for one in block.wants:
            assert one.table is block.table
            assert block.start <= one.start < one.end <= block.end


@given(found=wants(), most=st.integers(2, 40), gap=st.integers(0, 5))
def test_no_question_is_larger_than_the_device_allows(found: list[Want], most: int, gap: int) -> None:
    assert all(1 <= block.count <= most for block in plan(found, most, gap))


@given(found=wants(), most=st.integers(2, 40), gap=st.integers(0, 5))
def test_no_point_is_asked_less_often_or_less_urgently_than_it_wants(found: list[Want], most: int, gap: int) -> None:
    for block in plan(found, most, gap):
        for one in block.wants:
            assert block.interval_s <= one.interval_s
            assert block.urgent or not one.urgent


@given(found=wants(), most=st.integers(2, 40), gap=st.integers(0, 5))
def test_no_more_unknown_addresses_than_allowed_are_read_across(found: list[Want], most: int, gap: int) -> None:
    there = known(found)
    for block in plan(found, most, gap):
        run = 0
        for address in range(block.start, block.end):
            run = 0 if address in there[block.table] else run + 1
            assert run <= gap


@given(found=wants(), most=st.integers(2, 40), gap=st.integers(0, 5))
def test_the_plan_is_the_same_whatever_the_order_of_the_profile(found: list[Want], most: int, gap: int) -> None:
    assert laid(plan(found, most, gap)) == laid(plan(list(reversed(found)), most, gap))


@given(starts=st.sets(st.integers(0, 24), min_size=1, max_size=9), most=st.integers(1, 12), gap=st.integers(0, 4))
def test_no_other_plan_needs_fewer_questions(starts: set[int], most: int, gap: int) -> None:
    found = [want(start) for start in starts]
    assert len(plan(found, most, gap)) == fewest(sorted(starts), most, gap)


def fewest(starts: list[int], most: int, gap: int) -> int:
    """By trying every cut: block i..j is allowed when it is short enough and has no wider gap inside."""
    best = [0, *[len(starts)] * len(starts)]
    for end in range(1, len(starts) + 1):
        for first in range(end):
            inside = starts[first:end]
            wide = any(b - a - 1 > gap for a, b in itertools.pairwise(inside))
            if inside[-1] - inside[0] + 1 <= most and not wide:
                best[end] = min(best[end], best[first] + 1)
    return best[-1]


def test_neighbours_are_read_together_and_strangers_apart() -> None:
    assert laid(plan([want(0), want(1), want(5)])) == [(0, 2), (5, 1)]
    assert laid(plan([want(0), want(1), want(5)], gap=3)) == [(0, 6)]


def test_registers_that_other_points_vouch_for_are_no_gap() -> None:
    there = {**KNOWN_NOTHING, Table.HOLDING: frozenset(range(10))}
    assert laid(blocks([want(0), want(9)], bounds(), there)) == [(0, 10)]


def test_a_value_of_two_registers_is_never_torn() -> None:
    found = plan([want(0, words=2), want(2, words=2), want(4, words=2)], most=5)
    assert sorted(laid(found)) == [(0, 4), (4, 2)]


def test_alarm_points_have_a_question_of_their_own() -> None:
    first, second = plan([want(a) for a in range(16)] + [want(40, 0.1, urgent=True)], most=16)
    assert (first.urgent, first.interval_s, laid([first])) == (True, 0.1, [(40, 1)])
    assert (second.urgent, second.count) == (False, 16)


def test_slow_inputs_ride_along_where_the_alarm_inputs_reply_has_room_for_them() -> None:
    inputs = [want(a, 0.1 if a < 2 else 1.0, urgent=a < 2, table=Table.DISCRETE) for a in range(8)]
    (block,) = plan(inputs)
    assert (block.start, block.count, block.interval_s, block.urgent) == (0, 8, 0.1, True)


def test_slow_registers_do_not_make_the_alarm_question_longer() -> None:
    found = plan([want(0, 0.1, urgent=True), want(1), want(2)])
    assert laid(found) == [(0, 1), (1, 2)]


def test_two_blocks_of_one_table_get_answers_of_different_length() -> None:
    found = plan([want(a) for a in range(4)] + [want(a) for a in range(20, 24)] + [want(24, 10.0)])
    lengths = [block.reply_bytes for block in found]
    assert len(set(lengths)) == len(lengths)


def test_an_answer_is_made_longer_only_into_addresses_that_are_there() -> None:
    found = plan([want(0), want(1), want(20), want(21)])
    assert laid(found) == [(0, 2), (20, 2)]  # nothing beside them is known: they stay alike


def test_a_full_question_is_not_made_longer() -> None:
    assert all(block.count <= 4 for block in plan([want(a) for a in range(12)], most=4))
