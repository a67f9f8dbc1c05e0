"""When the wall clock may be believed about what is too old: after a day of going on evenly while it was synchronised.

A Pi without a battery clock starts at any time, and a time server may lie: neither may cost what waits, or a plot. What
is kept longer than was asked is bounded in bytes all the same. Pure; `store` asks with each flush.
"""

from __future__ import annotations

from typing import Final

STEADY_MS: Final = 86_400_000
STEP_MS: Final = 3_600_000  # from one flush to the next; a card that was away for longer looks like a jump, at no harm


class Age:
    """One run of a store: another start, another day of waiting."""

    def __init__(self) -> None:
        self._before: int | None = None
        self._since = 0

    def judged(self, now_ms: int | None) -> int | None:
        """The time to judge by, or None. `now_ms`: of this flush; None when the clock is not synchronised."""
        before, self._before = self._before, now_ms
        if now_ms is None:
            return None
        if before is None or abs(now_ms - before) > STEP_MS:
            self._since = now_ms
        return now_ms if now_ms - self._since >= STEADY_MS else None
