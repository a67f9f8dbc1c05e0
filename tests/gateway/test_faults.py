"""What a person hears of a card that fails, mends itself, comes and goes, or loses what was kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.model import Condition
from sentinel.gateway.faults import DAMAGED, DAY_S, PATIENCE_S, Fault
from sentinel.telemetry.replies import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from sentinel.core.signal import Signal


class Person:
    """Who is told; a look each second."""

    def __init__(self, stands: str | None = None, patience_s: float = PATIENCE_S) -> None:
        self.told: list[str] = []
        self.now = 1000.0
        self._fault = Fault("telemetry:spool", self._hear, stands, patience_s=patience_s)

    def _hear(self, signal: Signal) -> None:
        word = signal.reason if signal.condition is Condition.TROUBLE else "folded" if signal.folded else "over"
        self.told.append(f"{self.now - 1000:g} {word}")

    def sees(self, reason: str | None, seconds: float, every_s: float = 1.0) -> None:
        for _ in range(int(seconds / every_s)):
            self._fault.look(reason, self.now)
            self.now += every_s

    def days(self, number: int, reason: Callable[[int], str]) -> int:
        """How many letters a day that reason at each second brings, at most."""
        most = 0
        for day in range(number):
            before = len(self.told)
            for second in range(0, int(DAY_S), 10):
                self._fault.look(reason(day * int(DAY_S) + second), self.now)
                self.now += 10
            most = max(most, len(self.told) - before)
        return most


def test_what_mends_itself_within_a_minute_is_no_fault_and_what_lasts_is_told_once() -> None:
    person = Person()
    person.sees("card", 59)
    person.sees("", 100)
    assert person.told == []
    person.sees("card", 1000)
    person.sees("no-room", 1000)
    assert person.told == ["219 card"]


def test_a_fault_is_over_when_it_was_well_for_a_minute() -> None:
    person = Person()
    person.sees("card", 100)
    person.sees("", 50)
    person.sees("card", 5)
    person.sees("", 100)
    assert person.told == ["60 card", "215 over"]


def test_a_card_that_is_never_well_for_a_minute_is_a_fault_though_it_is_never_ill_for_one() -> None:
    person = Person()
    for _ in range(3):
        person.sees("card", 40)
        person.sees("", 20)
    assert person.told == ["60 card"]


def test_a_card_at_the_edge_is_a_few_letters_a_day_and_not_hundreds() -> None:
    assert Person().days(3, lambda second: "no-room" if second % 180 < 90 else "") <= 4
    assert Person().days(3, lambda second: "no-room" if second % 7200 < 3600 else "") <= 6
    assert Person().days(3, lambda second: "no-room" if second % 43_200 < 3600 else "") <= 4


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 20_000)), max_size=60))
def test_however_it_comes_and_goes_a_day_brings_at_most_eight_faults(stretches: list[tuple[bool, int]]) -> None:
    person = Person()
    for ill, seconds in stretches:
        person.sees("card" if ill else "", seconds, every_s=60)
    began = [float(one.split(" ")[0]) for one in person.told if one.endswith("card")]
    assert all(sum(0 <= other - at < DAY_S for other in began) <= 8 for at in began)
    # Told and over take turns: nobody is told twice, or of an end without a beginning.
    assert [one.split(" ")[1] for one in person.told] == (["card", "over"] * len(person.told))[: len(person.told)]


def test_a_fault_of_before_the_restart_stands_until_it_is_well_here() -> None:
    person = Person(stands="card")
    person.sees(None, 100)
    person.sees("card", 100)
    assert person.told == []
    person.sees("", 61)
    assert person.told == ["260 over"]


def test_values_that_are_lost_are_told_at_once_though_a_lesser_fault_stands_and_once_only() -> None:
    person = Person()
    person.sees("card", 100)
    person.sees(Reason.DROPPED, 100)
    person.sees("card", 10)
    person.sees(DAMAGED, 100)
    assert person.told == ["60 card", "100 folded", "100 points-dropped"]
    other = Person()
    other.sees(DAMAGED, 1)
    assert other.told == ["0 damaged"]


def test_while_nobody_can_say_how_it_is_our_patience_begins_anew() -> None:
    person = Person()
    person.sees("card", 40)
    person.sees(None, 10)
    person.sees("card", 59)
    assert person.told == []
