"""One batch on its way: which lines to send next, and which of them the store will never take. Pure; the writer's.

A request that is refused for its lines is halved until the bad ones are alone; lines of one series are first brought
together, since a series is usually bad as a whole. What the store names itself is taken out at once. Nothing is
counted before the store said so: every line ends as written or as poison, exactly once, or the whole stays.
"""

from __future__ import annotations

import gzip
from collections import deque
from typing import TYPE_CHECKING

from sentinel.telemetry.model import Poison

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sentinel.telemetry.model import Batch
    from sentinel.telemetry.replies import BadLines

ALONE = 5  # single lines in a row refused in words that are not about lines: then it may not be the lines


class Parcel:
    """The pieces of a batch, in order. `piece` is the next one, None when all is decided.

    `again`: this batch was hopeless before. When some of it is taken now too, the rest is bad indeed.
    """

    def __init__(self, batch: Batch, most: int, *, again: bool = False) -> None:
        self._again = again
        self._in_a_row = 0  # set aside since one was taken
        self.upto = batch.upto
        self.written = 0
        self._body = batch.body if len(batch.lines) <= most else None
        self._pieces = deque(batch.lines[begin : begin + most] for begin in range(0, len(batch.lines), most))
        self._poison: list[Poison] = []
        self._aside: list[tuple[bytes, ...]] = []  # refused alone, in words that are not about lines: asked again last
        self._last_time = False

    def piece(self) -> tuple[bytes, ...] | None:
        """The lines to send now."""
        return self._pieces[0] if self._pieces else None

    def body(self) -> bytes:
        """The piece as a gzip body: the spool's own while the batch is whole, else made here, in some milliseconds."""
        return packed(self._pieces[0]) if self._body is None else self._body

    def taken(self) -> None:
        """The piece is in the store."""
        self.written += len(self._pieces.popleft())
        self._in_a_row = 0
        self._ask_again()

    def refused(self, bad: BadLines) -> None:
        """The store does not take the piece for its lines' sake."""
        lines = self._pieces.popleft()
        self._body = None
        named = bad.named or {}
        rest = tuple(line for line in lines if line not in named)
        if len(rest) < len(lines):
            self._poison += [Poison(_text(line), named[line]) for line in lines if line in named]
            if rest:
                self._pieces.appendleft(rest)
        elif bad.certain and (len(lines) == 1 or bad.dropped == len(lines)):
            self._poison += [Poison(_text(line), bad.why) for line in lines]
        elif len(lines) == 1:
            self._doubt(lines, bad.why)
        else:
            self._pieces.appendleft(tuple(sorted(lines, key=_head)))  # stable: each series stays in its order
            self.halve()
        self._ask_again()

    def too_large(self) -> None:
        """The store does not take so much at a time. A single line that is too much is poison, when others are not."""
        if len(self._pieces[0]) > 1:
            self.halve()
        else:
            self._body = None
            self._doubt(self._pieces.popleft(), "larger than the store takes")
            self._ask_again()

    def halve(self) -> None:
        """Send the piece as two."""
        lines = self._pieces.popleft()
        self._body = None
        middle = (len(lines) + 1) // 2
        self._pieces.extendleft((lines[middle:], lines[:middle]))

    def begun(self) -> bool:
        """Something of it was decided: to begin anew would send that again."""
        return bool(self.written or self._poison or self._aside)

    def hopeless(self) -> bool:
        """The store takes nothing any more, and not for the lines' sake: nothing may be thrown away."""
        if self._last_time or (self.written and self._again):
            return False
        return self._in_a_row >= ALONE or (not self._pieces and bool(self._aside))

    def poisoned(self) -> Sequence[Poison]:
        """What the store will never take, each with its words."""
        return tuple(self._poison)

    def _doubt(self, line: tuple[bytes, ...], why: str) -> None:
        """It may be the line, or the store, or a proxy on the way."""
        if self._last_time:
            self._poison.append(Poison(_text(line[0]), why))
            return
        self._aside.append(line)
        self._in_a_row += 1
        self._pieces.rotate(1)  # look at the other end next: here all may be of one bad series

    def _ask_again(self) -> None:
        """When all else is decided, and the store takes lines: those that are refused now too are bad."""
        if self._aside and not self._pieces and self.written:
            self._pieces.extend(self._aside)
            self._aside, self._last_time = [], True


def _head(line: bytes) -> bytes:
    """Measurement and tags: to the first space that is not escaped."""
    begin = 0
    while (at := line.find(b" ", begin)) > 0 and line[at - 1 : at] == b"\\":
        begin = at + 1
    return line[:at] if at >= 0 else line


def _text(line: bytes) -> str:
    return line.decode(errors="replace")


def packed(lines: Sequence[bytes]) -> bytes:
    """As the spool packs them."""
    return gzip.compress(b"\n".join(lines), 1, mtime=0)
