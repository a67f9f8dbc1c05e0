"""What is taken at once, and how fast it may go on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sentinel.gateway.allowance import Allowance


def test_so_many_are_taken_at_once_and_then_one_in_so_many_seconds() -> None:
    allowance = Allowance(3, 10.0)
    assert [allowance.take(5.0) for _ in range(5)] == [2, 1, 0, None, None]
    assert allowance.take(14.9) is None
    assert allowance.take(15.0) == 0
    assert allowance.take(15.0) is None
    assert [allowance.take(1000.0) for _ in range(4)] == [2, 1, 0, None]


@given(st.lists(st.floats(0, 50), max_size=200))
def test_however_they_come_no_more_are_taken_than_that(waits: list[float]) -> None:
    allowance, now, taken = Allowance(5, 10.0), 0.0, 0
    for wait in waits:
        now += wait
        taken += allowance.take(now) is not None
    assert min(len(waits), 5) <= taken <= 5 + now / 10.0 + 1
