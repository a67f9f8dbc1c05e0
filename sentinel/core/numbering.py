"""The four digits by which people name an incident: which one comes next, and what a code says of its place.

Whoever is told of one fault a week sees the row of the codes, and the row is public. A hold-up that took a number of it
would leave a hole there, and the branch would know (DESIGN rule 6). So silent incidents count in a part of their own, and
so do those of a start that could not read which codes are open. Pure; `decide` asks, `evolve` follows the facts.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CODES = 9000  # 1000..9999
STRIDE = 4787  # prime to CODES: neighbouring incidents get codes that are not mistaken for one another
_BACK = pow(STRIDE, -1, CODES)
_DIGITS = 9  # of a notice's number that is believed


@dataclass(frozen=True, slots=True)
class Part:
    """Places in the row of all codes. `beyond`: the first of the longer codes, for when all of these are open."""

    first: int
    size: int
    beyond: int

    def __contains__(self, place: int) -> bool:
        return self.first <= place < self.first + self.size

    def wrap(self, place: int) -> int:
        """This place, or the one that comes round again."""
        return self.first + (place - self.first) % self.size


SPOKEN = Part(0, 6000, 10_000)
SPOKEN_UNREAD = Part(6000, 1000, 20_000)  # of a start without its journal: what is open there is not known
SILENT = Part(7000, 1000, 30_000)
SILENT_UNREAD = Part(8000, 1000, 40_000)
PARTS = (SPOKEN, SPOKEN_UNREAD, SILENT, SILENT_UNREAD)


def code_at(place: int) -> str:
    """The code at this place: every one of 1000..9999 once in 9,000."""
    return str(1000 + place * STRIDE % CODES)


def place_of(code: str) -> int | None:
    """Where this code stands; None for one that is not of four digits."""
    if len(code) != 4 or not code.isascii() or not code.isdecimal() or code < "1000":
        return None
    return (int(code) - 1000) * _BACK % CODES


def after(last: int, code: str) -> int:
    """Where to look next, once this code was given out; `last` as before when the code is of another part."""
    place = place_of(code)
    part = _part(last)
    return last if place is None or place not in part else part.wrap(place + 1)


def next_code(start: int, is_open: Callable[[str], bool], rests: Callable[[str], float]) -> str:
    """The first free code from `start` on. `rests`: how many seconds a code has still to rest, 0 when it is free.

    With thousands of incidents in 90 days, telling this one matters more than the rest of an old code.
    """
    part = _part(start)
    row = (code_at(part.wrap(start + step)) for step in range(part.size))
    closed = (code for code in row if not is_open(code))
    resting: list[str] = []
    for code in closed:
        if rests(code) <= 0:
            return code
        resting.append(code)
    beyond = (str(number) for number in itertools.count(part.beyond) if not is_open(str(number)))
    return min(resting, key=rests) if resting else next(beyond)


def notice_number(notice: str) -> int:
    """The number in a notice's id ("4821-17" -> 17), 0 where there is none."""
    number = notice.rpartition("-")[2]
    return int(number) if number.isascii() and number.isdecimal() and len(number) <= _DIGITS else 0


def _part(place: int) -> Part:
    return next((part for part in PARTS if place in part), SPOKEN)
