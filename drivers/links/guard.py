"""Keeps a unit's late replies from being taken for the answer to a later question. Pure: `now` is an argument.

RTU has no transaction number, so the only proofs are time, length and order. After any failed read the unit is left
alone for `hold_s`, and its reply stays *owed*. No question is asked while a reply that looks like its answer is owed:
another one, of another length, is asked first and thrown away; as a unit answers in order, its answer proves that what
was owed before it is gone. One Guard for each link, called by it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from drivers.links.pdu import reading
from sentinel.ports import Request, Table, Write

if TYPE_CHECKING:
    from collections.abc import Iterator

Shape = bytes  # what two replies of one unit must share to be confused: function and byte count

LONGER: Final = 3  # holds to wait for each owed reply where nothing can be read between two blocks that look alike
_MOST_WAITED: Final = 4  # owed replies that are waited for in that way
_MOST_REFUSALS: Final = 3  # in a row, of a read that is only thrown away, until it is not tried again
_REMEMBERED: Final = 4  # answered questions of different shapes kept for each unit
_MOST_OWED: Final = 32  # the oldest is the loser: it was asked more than 32 holds ago


@dataclass(slots=True)
class _Unit:
    free_at: float = 0.0
    failed_at: float = 0.0
    answered_at: float = 0.0
    owed: list[Request] = field(default_factory=list)  # in the order they were asked
    last: Request | None = None  # the last that was answered: a second copy of its reply may be on its way
    answered: dict[Shape, Request] = field(default_factory=dict)
    refusals: Counter[Request] = field(default_factory=Counter)  # of reads that are only thrown away


class Guard:
    """The memory of one link about who may still say what."""

    def __init__(self, hold_s: float) -> None:
        self._hold_s = hold_s
        self._units: dict[int, _Unit] = {}

    def held_s(self, unit: int, now: float) -> float:
        """How long this unit must still be left alone, 0 when it may be asked."""
        known = self._units.get(unit)
        return max(0.0, known.free_at - now) if known else 0.0

    def wait_s(self, question: Request | Write, now: float) -> float:
        """How long this very question must still wait: longer than the hold where nothing can part two like blocks."""
        unit = self._of(question.unit)
        free_at = unit.free_at
        if isinstance(question, Request) and self._confused(unit, question) and self._other(unit, question) is None:
            owed = min(len(unit.owed), _MOST_WAITED)
            longer = unit.failed_at + LONGER * self._hold_s * owed
            free_at = max(free_at, longer, unit.answered_at + self._hold_s)
        return max(0.0, free_at - now)

    def first(self, request: Request) -> Request | None:
        """The read to ask and throw away before `request`, so that nothing on its way can be taken for its answer."""
        unit = self._of(request.unit)
        confused = self._confused(unit, request)
        if not confused and request not in unit.owed:
            return None
        other = self._other(unit, request)
        if other is None and confused:
            unit.owed.clear()  # wait_s has waited until nobody can be so late
        return other

    def answered(self, question: Request | Write, now: float) -> None:
        """A right answer came: at worst to the first question of its shape. What was asked before that is gone."""
        if isinstance(question, Write):
            return
        unit = self._of(question.unit)
        shape = _shape(question)
        shapes = [_shape(owed) for owed in unit.owed]
        del unit.owed[: shapes.index(shape) + 1 if shape in shapes else len(shapes)]
        if shape in shapes:
            unit.owed.append(question)
        unit.last = question
        unit.answered_at = now
        unit.refusals.pop(question, None)
        unit.answered[shape] = question
        if len(unit.answered) > _REMEMBERED:
            del unit.answered[next(iter(unit.answered))]

    def refused(self, question: Request | Write, now: float) -> None:
        """An exception came. It names no block: while anything is owed it may be the answer to that."""
        unit = self._of(question.unit)
        if unit.owed:
            self._hold(unit, now)
        self._owe(unit, question)

    def unusable(self, first: Request) -> None:
        """The unit refuses what was read only to be thrown away: rather try another."""
        self._of(first.unit).refusals[first] += 1

    def failed(self, question: Request | Write, now: float) -> None:
        """Nothing, or nothing that may be believed, came: its reply may come later."""
        unit = self._of(question.unit)
        self._hold(unit, now)
        self._owe(unit, question)

    def late(self, unit: int, now: float) -> None:
        """A whole frame that nobody waited for: the unit is slow, and there may be more."""
        self._hold(self._of(unit), now)

    def _of(self, unit: int) -> _Unit:
        return self._units.setdefault(unit, _Unit())

    def _hold(self, unit: _Unit, now: float) -> None:
        unit.failed_at = now
        unit.free_at = now + self._hold_s

    @staticmethod
    def _owe(unit: _Unit, question: Request | Write) -> None:
        if isinstance(question, Request):
            unit.owed.append(question)
            del unit.owed[:-_MOST_OWED]

    @staticmethod
    def _other(unit: _Unit, request: Request) -> Request | None:
        """A read whose answer cannot be owed from before the last owed reply that looks like `request`'s."""
        shape = _shape(request)
        shapes = [_shape(owed) for owed in unit.owed]
        after = len(shapes) - shapes[::-1].index(shape) if shape in shapes else 0
        taken = {*shapes[:after], shape}
        if unit.last is not None:
            taken.add(_shape(unit.last))
        others = [other for other in (*_parts(request), *unit.answered.values()) if _shape(other) not in taken]
        best = min(others, key=lambda other: unit.refusals[other], default=None)
        return best if best is not None and unit.refusals[best] < _MOST_REFUSALS else None

    @staticmethod
    def _confused(unit: _Unit, request: Request) -> list[Request]:
        """Other blocks whose reply may still come and would look like this one's. One block can be stale, never wrong."""
        shape = _shape(request)
        known = [*unit.owed, unit.last] if unit.last is not None else unit.owed
        return [other for other in known if other != request and _shape(other) == shape]


def _parts(request: Request) -> Iterator[Request]:
    """Shorter reads of the same block: what may be read whole may nearly always be read in part."""
    step = 8 if request.table in {Table.COIL, Table.DISCRETE} else 1
    for count in (request.count - step, request.count - 2 * step):
        if count > 0:
            yield Request(request.unit, request.table, request.address, count)


def _shape(request: Request) -> Shape:
    return reading(request).opening
