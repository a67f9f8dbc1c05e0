"""Which facts go to the rooms next. Pure: numbers in, numbers out; the uplink asks and reports.

    1 ......... behind ......... fresh .......... ahead ..... head
    all rooms'  |   gap to fill  |  sent already  |  to send
    or sent

What is new goes first, so that ten days of backlog never delay tonight's alarm. The gap is then filled in order, over
what was sent ahead of it too: a room that wants strict order sees one unbroken row.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

BATCH = 200
RESEND_FIRST_S, RESEND_LAST_S = 30.0, 600.0


class Lanes:
    """Positions in one epoch of the journal. Sequence numbers begin with 1."""

    def __init__(self, start: int = 1) -> None:
        self.low = self.behind = self.fresh = self.ahead = start  # below low nothing was sent by this run

    def next(self, head: int) -> int | None:
        """The first fact of the batch that should leave now, or None when all that the journal has is out."""
        if self.ahead <= head:
            return self.ahead
        return self.behind if self.behind < self.ahead else None

    def skip_to_newest(self, head: int) -> None:
        """After an outage: send the newest batch first and fill the rest afterwards."""
        if head - self.ahead >= BATCH:
            self.fresh = self.ahead = head - BATCH + 1

    def sent(self, first: int, last: int) -> None:
        """The broker has these. A batch that was under way while the gap was widened leaves the gap as it is."""
        if first <= self.ahead <= last:
            self.ahead = last + 1
        if first <= self.behind <= last:
            self.behind = last + 1

    def rewind(self, seq: int) -> None:
        """Fill again from here; no effect where the gap already covers it."""
        self.behind = min(self.behind, max(seq, 1))
        self.low = min(self.low, self.behind)

    def has(self, seq: int) -> bool:
        """True when this run has given this fact to the broker."""
        return self.low <= seq < self.behind or self.fresh <= seq < self.ahead


@dataclass(slots=True)
class RoomMark:
    """How far one room is, by its own receipts, and when it is sent again what it does not confirm."""

    receipt: int = 0
    online: bool | None = None  # None: nothing heard since we connected
    heard_at: float = -math.inf  # its last sign of life
    _since: float | None = None  # how long it has owed us a receipt without any progress
    _wait_s: float = field(default=RESEND_FIRST_S)

    def confirmed(self, seq: int) -> None:
        """A receipt came. Progress ends the waiting; a lower number than before is believed too."""
        if seq != self.receipt:
            self._since, self._wait_s = None, RESEND_FIRST_S
        self.receipt = seq

    def resend_from(self, behind: int, now: float) -> int | None:
        """Where to begin again when the room has been online and owing for too long: a broker may lose messages."""
        if self.online is not True or self.receipt >= behind - 1:
            self._since = None
            return None
        if self._since is None:
            self._since = now
        if now - self._since < self._wait_s:
            return None
        self._since, self._wait_s = now, min(self._wait_s * 2, RESEND_LAST_S)
        return self.receipt + 1
