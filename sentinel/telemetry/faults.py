"""What a person must know of the store, and when it is well again. Pure but for the clock; the writer's.

A store that comes and goes is one fault and not a hundred: well is only who was well for a while, and for longer each
time that it was told of within a day.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Final

from sentinel.telemetry.replies import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from sentinel.ports import Clock
    from sentinel.telemetry.model import Counts

log = logging.getLogger(__name__)

SILENT_S: Final = 6 * 3600.0
GRACE_S: Final = 600.0  # for a run that begins with an outage older than that
QUIET_S: Final = (900.0, 3600.0, 4 * 3600.0, 8 * 3600.0)  # without a fault until well, for the 1st, 2nd ... of a day
DAY_S: Final = 86_400.0
HOUR_S: Final = 3600.0
# Of an hour: a device whose every line is bad gives sixty. A small branch makes fewer lines, and so fewer bad ones.
HANDFUL: Final = 10
FEW: Final = 3
SHARE: Final = 20

# These a person must mend: told at once. The others pass by themselves, and are told when they last.
TOLD_AT_ONCE: Final = frozenset(
    {
        Reason.CREDENTIAL,
        Reason.NOT_FOUND,
        Reason.STRANGER,
        Reason.SECRET,
        Reason.TLS,
        Reason.ALL_REFUSED,
        Reason.LIMIT,
    }
)


class Faults:
    """Told by `lost`, `wrote` and `look`; tells (False, reason) once for each fault, and (True, "") when all is well."""

    def __init__(self, clock: Clock, tell: Callable[[bool, str], None], shown: str) -> None:
        self._clock, self._tell, self._shown = clock, tell, shown
        self._told: set[Reason] = set()  # since it was last well
        self._began: deque[float] = deque()  # of the faults of the last day
        self._last = self._moving = clock.monotonic()  # the last fault; when it last wrote, or had nothing to write
        self._seen: Counts | None = None  # as last looked at; None: the spool was not open yet
        self._hour = (0.0, 0, 0)  # when it began, and what was poisoned and written by then

    def lost(self, reason: Reason) -> None:
        """A request was not taken. A clock that was never set trusts no certificate: that mends itself."""
        if reason in TOLD_AT_ONCE and (reason is not Reason.TLS or self._clock.synchronised()):
            self._say(reason)

    def wrote(self) -> None:
        """The store took something."""
        now = self._moving = self._clock.monotonic()
        while self._began and now - self._began[0] > DAY_S:
            self._began.popleft()
        quiet = QUIET_S[min(max(len(self._began) - 1, 0), len(QUIET_S) - 1)]
        if self._told and now - self._last > quiet:
            self._told.clear()
            self._tell(True, "")

    def look(self, counts: Counts) -> None:
        """What a person must know although each single failure passes, or none is ever seen."""
        now, before = self._clock.monotonic(), self._seen
        if before is None:
            if not counts.made:
                return
            before = counts
            self._hour = (now, counts.poisoned, counts.written)
            self._moving = min(self._moving, now - self._outage_before_s(counts))
        if now - self._hour[0] >= HOUR_S:
            self._hour = (now, before.poisoned, before.written)
        self._seen = counts
        if not counts.waiting:
            self._moving = now
        if now - self._moving >= SILENT_S:
            self._say(Reason.SILENT)
        if counts.dropped > before.dropped:
            self._say(Reason.DROPPED)
        if counts.poisoned > before.poisoned and self._too_many_bad(counts):
            self._say(Reason.LINES)

    def _too_many_bad(self, counts: Counts) -> bool:
        _, poisoned, written = self._hour
        bad, good = counts.poisoned - poisoned, counts.written - written
        return bad > HANDFUL or (bad >= FEW and bad * SHARE > bad + good)

    def _outage_before_s(self, counts: Counts) -> float:
        """A daemon that is restarted every few hours tells of a silent store too, ten minutes after its start."""
        if counts.oldest_ms is None or not self._clock.synchronised():
            return 0.0
        waits_s = self._clock.now().timestamp() - counts.oldest_ms / 1000
        return min(waits_s, SILENT_S - GRACE_S) if waits_s > 0 else 0.0

    def _say(self, reason: Reason) -> None:
        self._last = self._clock.monotonic()
        if reason in self._told:
            return
        log.warning("store wants a person: %s url=%s", reason, self._shown)
        if not self._told:
            self._began.append(self._last)
        self._told.add(reason)
        self._tell(False, reason)
