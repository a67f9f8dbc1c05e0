"""How much of something is taken at once and how fast it may go on: what a room gone mad sends fills no journal. Pure."""

from __future__ import annotations


class Allowance:
    """So many at once, and one more every so many seconds. Times are the run's monotonic."""

    def __init__(self, at_once: int, every_s: float) -> None:
        self._at_once, self._every_s = at_once, every_s
        self._left = at_once
        self._counted_at = 0.0

    def take(self, now: float) -> int | None:
        """How many are left after this one; None when it is one too many."""
        if self._left == self._at_once:
            self._counted_at = now
        more = int((now - self._counted_at) / self._every_s)
        self._left = min(self._at_once, self._left + more)
        self._counted_at += more * self._every_s
        if self._left == 0:
            return None
        self._left -= 1
        return self._left
