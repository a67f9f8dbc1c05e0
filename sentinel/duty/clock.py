"""The one clock of a run: wall time that never goes back behind the journal, monotonic time, and whether to believe it.

A Pi has no battery clock. Until a time server has spoken, wall time is at least the last fact's time plus what has
passed since; the step that comes later is found here and told by `ClockStepped`.
"""

from __future__ import annotations

import ctypes
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

STEP_S = 2.0  # a smaller correction moves no deadline by enough to matter
TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
TIMEX_BYTES = 512  # more than any architecture's struct timex


def boot_id() -> str:
    """The kernel's id of this boot; where there is none, one of this run."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return f"run-{uuid.uuid4()}"


def kernel_synchronised() -> bool:
    """What the kernel says of a time server (adjtimex reads only, with modes = 0)."""
    buffer = ctypes.create_string_buffer(TIMEX_BYTES)
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.adjtimex(buffer) not in (TIME_ERROR, -1))


def utc_now() -> datetime:
    """What the machine believes that it is."""
    return datetime.now(UTC)


class SystemClock:
    """ports.Clock on the machine's own clocks. `trusted`: a battery clock that the installer vouches for."""

    def __init__(
        self,
        *,
        trusted: bool = False,
        wall: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
        disciplined: Callable[[], bool] = kernel_synchronised,
    ) -> None:
        self.monotonic = monotonic  # seconds, never going back, of this boot
        self._wall = wall
        self._disciplined = disciplined
        self._trusted = trusted
        self._floor: datetime | None = None
        self._floor_at = 0.0
        self._seen: tuple[datetime, float] | None = None

    def keep_after(self, last: datetime) -> None:
        """Until a time server has spoken, wall time is never earlier than this fact's."""
        self._floor, self._floor_at = last, self.monotonic()

    def now(self) -> datetime:
        """Aware UTC wall time."""
        wall = self._wall()
        if self._floor is not None and self._disciplined():  # a fact of a clock that was ahead is no reason any more
            self._floor = None
        if self._floor is None:
            return wall
        return max(wall, self._floor + timedelta(seconds=self.monotonic() - self._floor_at))

    def synchronised(self) -> bool:
        """Whether the wall time may be believed."""
        behind = self.now() > self._wall() + timedelta(seconds=STEP_S)  # a battery that died: nobody vouches for that
        return self._disciplined() or (self._trusted and not behind)

    def stepped(self) -> float:
        """Seconds by which wall time jumped since the last call, 0.0 when it did not."""
        wall, mono = self.now(), self.monotonic()
        before, self._seen = self._seen, (wall, mono)
        if before is None:
            return 0.0
        by = (wall - before[0]).total_seconds() - (mono - before[1])
        return by if abs(by) >= STEP_S else 0.0
