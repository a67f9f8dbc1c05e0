"""Which facts go next: nothing is left out, tonight's alarm goes before last week's facts."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from sentinel.gateway.lanes import BATCH, RESEND_FIRST_S, RESEND_LAST_S, Lanes, RoomMark
from sentinel.gateway.uplink import within
from tests.channels.book import Book, Row, unhurried


def publish(lanes: Lanes, head: int, batch: int = BATCH) -> tuple[int, int] | None:
    first = lanes.next(head)
    if first is None:
        return None
    last = min(first + batch - 1, head)
    lanes.sent(first, last)
    return first, last


def all_of(lanes: Lanes, head: int, batch: int = BATCH) -> list[tuple[int, int]]:
    spans = []
    while (span := publish(lanes, head, batch)) is not None:
        spans.append(span)
        assert len(spans) < 10_000
    return spans


def test_a_quiet_branch_sends_each_fact_once_in_order() -> None:
    lanes = Lanes()
    assert all_of(lanes, 450) == [(1, 200), (201, 400), (401, 450)]
    assert publish(lanes, 450) is None
    assert all_of(lanes, 452) == [(451, 452)]


def test_after_ten_days_without_a_network_the_newest_goes_first_and_the_rest_in_order() -> None:
    lanes = Lanes()
    all_of(lanes, 100)
    lanes.skip_to_newest(5000)
    spans = all_of(lanes, 5000)
    assert spans[0] == (4801, 5000)
    assert spans[1] == (101, 300)
    assert [first for first, _ in spans[1:]] == sorted(first for first, _ in spans[1:])
    assert spans[-1][1] >= 5000


def test_an_alarm_in_the_middle_of_a_long_repeat_goes_at_once() -> None:
    lanes = Lanes(1001)
    lanes.rewind(1)
    assert publish(lanes, 1000) == (1, 200)
    assert publish(lanes, 1001) == (1001, 1001)
    assert publish(lanes, 1001) == (201, 400)


def test_a_short_absence_is_sent_in_plain_order() -> None:
    lanes = Lanes(101)
    lanes.skip_to_newest(300)
    assert publish(lanes, 300) == (101, 300)


def test_a_batch_that_was_on_its_way_while_the_room_asked_for_more_does_not_hide_the_gap() -> None:
    lanes = Lanes(301)
    lanes.rewind(101)
    first = lanes.next(300)
    assert first == 101
    lanes.rewind(11)  # the room asks while that batch is on its way
    lanes.sent(101, 300)
    assert lanes.next(300) == 11


def test_only_what_this_run_gave_to_the_broker_counts_as_sent() -> None:
    lanes = Lanes(501)
    assert not lanes.has(500)
    lanes.rewind(400)
    publish(lanes, 500, batch=50)
    assert lanes.has(449)
    assert not lanes.has(450)
    assert not lanes.has(399)
    lanes.rewind(420)
    assert not lanes.has(430)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(1, 500)),
        st.tuples(st.just("publish"), st.integers(1, 200)),
        st.tuples(st.just("lose"), st.integers(1, 200)),
        st.tuples(st.just("rewind"), st.integers(1, 3000)),
        st.tuples(st.just("reconnect"), st.just(0)),
    ),
    max_size=60,
)


@unhurried
@given(steps, st.integers(0, 20))
def test_whatever_happens_a_room_that_takes_only_the_next_fact_ends_with_all_of_them(
    story: list[tuple[str, int]], receipt: int
) -> None:
    head, room, lanes = receipt, receipt, Lanes(receipt + 1)

    def deliver(span: tuple[int, int] | None) -> None:
        nonlocal room
        if span is not None and span[0] <= room + 1:
            room = max(room, span[1])

    for what, number in story:
        before = {seq for seq in range(1, head + 1) if lanes.has(seq)}
        if what == "write":
            head += number
        elif what == "publish":
            deliver(publish(lanes, head, number))
        elif what == "lose":  # confirmed by the broker, never delivered to the room
            publish(lanes, head, number)
        elif what == "rewind":
            lanes.rewind(min(number, room + 1))
        else:
            lanes.skip_to_newest(head)
        assert lanes.behind <= lanes.ahead <= head + 1
        # A repeat that was cut off by another outage is owed again; nothing else makes a fact unsent.
        assert what in ("rewind", "reconnect") or before <= {seq for seq in range(1, head + 1) if lanes.has(seq)}
    lanes.rewind(room + 1)  # the room comes, or its receipts stand still: it is sent from its receipt on
    while (span := publish(lanes, head)) is not None:
        deliver(span)
    assert room == head
    assert all(lanes.has(seq) for seq in range(lanes.low, head + 1))


# --- One room's receipts -----------------------------------------------------------------------------------------------


def test_a_room_that_owes_a_receipt_is_sent_again_ever_more_rarely() -> None:
    mark = RoomMark(receipt=10, online=True)
    resent = [t for t in range(4000) if mark.resend_from(21, float(t)) == 11]
    assert resent[0] == RESEND_FIRST_S
    gaps = [later - earlier for earlier, later in pairwise(resent)]
    assert gaps == sorted(gaps)
    assert gaps[-1] == RESEND_LAST_S


def test_progress_begins_the_waiting_anew() -> None:
    mark = RoomMark(receipt=10, online=True)
    assert mark.resend_from(21, 0.0) is None
    mark.confirmed(15)
    assert mark.resend_from(21, RESEND_FIRST_S) is None
    assert mark.resend_from(21, 2 * RESEND_FIRST_S) == 16


def test_a_room_that_is_away_or_has_everything_is_not_sent_again() -> None:
    for mark in (RoomMark(10, online=False), RoomMark(10, online=None), RoomMark(20, online=True)):
        assert all(mark.resend_from(21, float(t)) is None for t in range(100))


def test_a_room_that_was_restored_from_an_older_copy_is_believed() -> None:
    mark = RoomMark(receipt=10, online=True)
    mark.confirmed(4)
    assert mark.receipt == 4


# --- What fits into a message ------------------------------------------------------------------------------------------


@unhurried
@given(st.lists(st.integers(0, 50), min_size=1), st.integers(0, 200))
def test_a_batch_is_a_beginning_that_fits_and_is_never_empty(sizes: list[int], budget: int) -> None:
    rows = [Row(seq, "थ" * size, ("", "")) for seq, size in enumerate(sizes, 1)]
    taken = within(rows, budget)
    assert taken == rows[: len(taken)]
    assert taken
    size = sum(len(row.text.encode()) + 1 for row in taken)
    assert len(taken) == 1 or size <= budget
    if len(taken) < len(rows):
        assert size + len(rows[len(taken)].text.encode()) + 1 > budget


def test_a_batch_of_ordinary_facts_is_below_64_kib() -> None:
    book = Book()
    book.write(200)
    assert len(within(book.rows, 64 * 1024)) == 200
