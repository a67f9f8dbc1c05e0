"""What the store took in the last seconds, to be sent once more when it went away: one that is killed forgets it.

VictoriaMetrics says 204 up to five seconds before the points are on its disk; InfluxDB 1 and 2 sync first. The same
timestamp overwrites, so a second time is no harm. Pure and in memory only: the writer's.
"""

from __future__ import annotations

from collections import deque
from typing import Final

FORGETS_S: Final = 15.0  # thrice what VictoriaMetrics 1.79 keeps in memory
MOST_BYTES: Final = 8 * 2**20  # some ten seconds of a drain at full speed; the oldest is the loser


class Recent:
    """Bodies by the time at which they were taken, and those that are owed again."""

    def __init__(self) -> None:
        self._taken: deque[tuple[float, bytes]] = deque()
        self._owed: deque[bytes] = deque()
        self._bytes = 0  # of both

    def took(self, body: bytes, now: float) -> None:
        """The store said that it has it."""
        self._taken.append((now, body))
        self._bytes += len(body)
        while self._taken[0][0] < now - FORGETS_S or (self._bytes > MOST_BYTES and len(self._taken) > 1):
            self._bytes -= len(self._taken.popleft()[1])

    def gone(self) -> None:
        """The store went away: it may have forgotten what it took."""
        self._owed.extendleft(body for _, body in reversed(self._taken))
        self._taken.clear()

    def owed(self) -> bytes | None:
        """What is to be sent again first."""
        return self._owed[0] if self._owed else None

    def settled(self) -> bytes:
        """That one was sent again."""
        body = self._owed.popleft()
        self._bytes -= len(body)
        return body
