"""Which addresses of one unit are read together: the fewest blocks that its limits allow. Pure; knows no values.

1. Urgent wants and faster intervals first; a want of a table that a faster block covers at no cost rides along there.
2. The rest of each pool is laid out from its lowest address: a block grows while the limits and the gaps allow it,
   which for intervals on a line gives the fewest blocks.
3. Two blocks of one table get different reply lengths where over-reading known addresses allows it, so that a late
   answer to one can never pass for the answer to the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from drivers.points import BIT_TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from drivers.points import Bounds
    from sentinel.ports import Table

MAX_OVER_READ = 16  # addresses; a longer reply costs an RTU line more than the distinction is worth


@dataclass(frozen=True, slots=True)
class Want:
    """One thing to read: `words` addresses from `start`, for the point `id`."""

    id: str
    table: Table
    start: int
    words: int
    interval_s: float
    urgent: bool

    @property
    def end(self) -> int:
        """The first address after it."""
        return self.start + self.words


@dataclass(slots=True)
class Block:
    """One read. It grows while the plan is made; nobody changes it afterwards."""

    table: Table
    start: int
    end: int
    interval_s: float
    urgent: bool
    wants: list[Want] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Addresses in the request."""
        return self.end - self.start

    @property
    def reply_bytes(self) -> int:
        """Data bytes of the answer: by these and the function code a reader tells answers apart."""
        return _reply_bytes(self.table, self.count)


def blocks(wants: Iterable[Want], bounds: Bounds, known: Mapping[Table, frozenset[int]]) -> list[Block]:
    """The plan. `known` are the addresses that the device surely has: those of all its profile's points."""
    plan: list[Block] = []
    for _, pool in groupby(sorted(wants, key=_rank), key=lambda w: (not w.urgent, w.interval_s, w.table)):
        own: list[Block] = []
        for want in pool:
            if not _rides_along(want, plan, bounds, known):
                _lay(want, own, bounds, known)
        plan.extend(own)
    _tell_apart(plan, bounds, known)
    return plan


def _rank(want: Want) -> tuple[bool, float, Table, int, int]:
    return not want.urgent, want.interval_s, want.table, want.start, want.words


def _most(table: Table, bounds: Bounds) -> int:
    return bounds.max_bits if table in BIT_TABLES else bounds.max_registers


def _reply_bytes(table: Table, count: int) -> int:
    return (count + 7) // 8 if table in BIT_TABLES else 2 * count


def _strangers(block: Block, want: Want, known: frozenset[int]) -> int:
    """How many addresses between the two nobody vouches for."""
    between = range(block.end, want.start) if want.start >= block.end else range(want.end, block.start)
    return sum(address not in known for address in between)


def _rides_along(want: Want, plan: Sequence[Block], bounds: Bounds, known: Mapping[Table, frozenset[int]]) -> bool:
    for block in plan:
        if block.table is not want.table or block.interval_s > want.interval_s:
            continue
        start, end = min(block.start, want.start), max(block.end, want.end)
        if (
            end - start <= _most(want.table, bounds)
            and _reply_bytes(want.table, end - start) <= block.reply_bytes
            and _strangers(block, want, known[want.table]) <= bounds.max_gap
        ):
            block.start, block.end = start, end
            block.wants.append(want)
            return True
    return False


def _lay(want: Want, own: list[Block], bounds: Bounds, known: Mapping[Table, frozenset[int]]) -> None:
    last = own[-1] if own else None
    if (
        last is not None
        and max(last.end, want.end) - last.start <= _most(want.table, bounds)
        and _strangers(last, want, known[want.table]) <= bounds.max_gap
    ):
        last.end = max(last.end, want.end)
        last.wants.append(want)
        return
    own.append(Block(want.table, want.start, want.end, want.interval_s, want.urgent, [want]))


def _tell_apart(plan: Sequence[Block], bounds: Bounds, known: Mapping[Table, frozenset[int]]) -> None:
    taken: set[tuple[Table, int]] = set()
    for block in plan:
        if (block.table, block.reply_bytes) in taken:
            _over_read(block, taken, _most(block.table, bounds), known[block.table])
        taken.add((block.table, block.reply_bytes))


def _over_read(block: Block, taken: set[tuple[Table, int]], most: int, known: frozenset[int]) -> None:
    start, end = block.start, block.end
    for _ in range(MAX_OVER_READ):
        if end - start == most:
            return
        if end in known:
            end += 1
        elif start - 1 in known:
            start -= 1
        else:
            return
        if (block.table, _reply_bytes(block.table, end - start)) not in taken:
            block.start, block.end = start, end
            return
