"""Keeps a unit's late replies from being taken for the answer to a later question. Pure: `now` is an argument.

RTU has no transaction number, so the only proofs are time and length. After any failed read the unit is left alone
for `hold_s`; a reply that may still be on its way is *owed*, and no question whose answer looks alike is asked before
another one, of a length that is not owed, has been answered and thrown away. One Guard for each link, called by it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from drivers.links.pdu import reading
from sentinel.ports import Request, Table, Write

if TYPE_CHECKING:
    from collections.abc import Iterator

Shape = bytes  # what two replies of one unit must share to be confused: function and byte count

LONGER: Final = 3  # times hold_s, where two blocks look alike and nothing else can be read between them
_REMEMBERED: Final = 4  # answered questions of different shapes kept for each unit


@dataclass(slots=True)
class _Unit:
    free_at: float = 0.0
    failed_at: float = 0.0
    owed: dict[Shape, Request | None] = field(
        default_factory=dict
    )  # the question it answers, None when it may be several
    last: Request | None = None
    answered: dict[Shape, Request] = field(default_factory=dict)
    useless: set[Request] = field(default_factory=set)  # refused when read only to be thrown away


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
        if isinstance(question, Request) and self._confused(unit, question) and not self._other(unit, question):
            free_at = max(free_at, unit.failed_at + LONGER * self._hold_s)
        return max(0.0, free_at - now)

    def first(self, request: Request) -> Request | None:
        """The read to ask and throw away before `request`, so that nothing on its way can be taken for its answer."""
        unit = self._of(request.unit)
        shape = _shape(request)
        last = unit.last
        alike = last is not None and last != request and _shape(last) == shape  # a second copy of the last reply
        return self._other(unit, request) if shape in unit.owed or alike else None

    def answered(self, question: Request | Write) -> None:
        """The right answer came. A unit answers in order, so nothing older is still on its way."""
        if isinstance(question, Write):
            return
        unit = self._of(question.unit)
        unit.owed.clear()
        unit.last = question
        unit.answered[_shape(question)] = question
        if len(unit.answered) > _REMEMBERED:
            del unit.answered[next(iter(unit.answered))]

    def refused(self, question: Request | Write, now: float) -> None:
        """An exception came. While something is owed it may be the answer to that."""
        if self._of(question.unit).owed:
            self.failed(question, now)

    def unusable(self, first: Request) -> None:
        """The unit refuses what was read only to be thrown away: never ask that again."""
        self._of(first.unit).useless.add(first)

    def failed(self, question: Request | Write, now: float) -> None:
        """Nothing, or nothing that may be believed, came: its reply may come later."""
        unit = self._hold(question.unit, now)
        if isinstance(question, Request):
            shape = _shape(question)
            unit.owed[shape] = question if unit.owed.get(shape, question) == question else None

    def late(self, frame: bytes, now: float) -> None:
        """A whole frame that nobody waited for: the unit is slow, and there may be more."""
        self._hold(frame[0], now).owed.setdefault(frame[1:3], None)

    def _of(self, unit: int) -> _Unit:
        return self._units.setdefault(unit, _Unit())

    def _hold(self, unit: int, now: float) -> _Unit:
        held = self._of(unit)
        held.failed_at = now
        held.free_at = now + self._hold_s
        return held

    @staticmethod
    def _confused(unit: _Unit, request: Request) -> bool:
        """Could what is owed be another block's words? A unit of one block can be stale, never wrong."""
        shape = _shape(request)
        return shape in unit.owed and unit.owed[shape] != request

    @staticmethod
    def _other(unit: _Unit, request: Request) -> Request | None:
        taken = {*unit.owed, _shape(request)}
        if unit.last is not None:
            taken.add(_shape(unit.last))
        for other in (*_parts(request), *unit.answered.values()):
            if _shape(other) not in taken and other not in unit.useless:
                return other
        return None


def _parts(request: Request) -> Iterator[Request]:
    """Shorter reads of the same block: what may be read whole may nearly always be read in part."""
    step = 8 if request.table in {Table.COIL, Table.DISCRETE} else 1
    for count in (request.count - step, request.count - 2 * step):
        if count > 0:
            yield Request(request.unit, request.table, request.address, count)


def _shape(request: Request) -> Shape:
    return reading(request).opening
