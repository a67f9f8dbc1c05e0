"""Whether a line is there, when to try it again, and the two log lines of a loss: "lost" once, "back" once. Pure but for the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

FIRST_S: Final = 0.25
LONGEST_S: Final = 30.0  # a switch that comes back after a power cut must not wait longer for its branch


class Presence:
    """Capped exponential backoff with jitter around opening one line. `spread` gives a number in [0, 1)."""

    def __init__(self, name: str, spread: Callable[[], float]) -> None:
        self._name = name
        self._spread = spread
        self._failures = 0
        self._again_at = 0.0
        self._lost_at: float | None = None
        self.why = "not opened yet"

    def wait_s(self, now: float) -> float:
        """How long until the line may be tried again, 0 when at once."""
        return max(0.0, self._again_at - now)

    def failed(self, why: str, now: float) -> None:
        """The line could not be opened, or went before it had given one answer."""
        longest = min(LONGEST_S, FIRST_S * 2.0 ** min(self._failures, 16))
        self._failures += 1
        self._again_at = now + longest * (0.5 + self._spread() / 2)  # branches that lost one switch come back apart
        self.lost(why, now)

    def lost(self, why: str, now: float) -> None:
        """The line went while it worked: it may be tried again at once."""
        self.why = why
        if self._lost_at is None:
            self._lost_at = now
            log.warning("link lost: %s link=%s", why, self._name)

    def works(self, now: float) -> None:
        """The line gave an answer."""
        self._failures = 0
        if self._lost_at is not None:
            log.warning("link back after %.0f s link=%s", now - self._lost_at, self._name)
            self._lost_at = None
