"""The spool as it lies on the branch's card: written while the card can be written, opened again each minute when not.

It leaves the last of the card to the journal. What it does not take stays with the sampler. The recorder owns it.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from sentinel.telemetry.model import SpoolUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sentinel.ports import Clock
    from sentinel.telemetry.sampling import Sampler
    from sentinel.telemetry.spool import Spool

log = logging.getLogger("sentinel.recording")

REOPEN_S = 60.0
ROOM_BYTES = 24 * 2**20  # the journal's reserve, and as much again twice; once it is short, twice that is wanted
ROOM_S = 3.0
CLOSE_S = 2.0
NO_ROOM = "no-room"

# Of the process, not of a spool: reloads on a card that hangs hold this one thread, and none of those that look names up
# for an alarm.
_ASKS = ThreadPoolExecutor(max_workers=1, thread_name_prefix="room")


class Card:
    """One spool and how it is. Times are the run's monotonic."""

    def __init__(self, spool: Spool, folder: Path, free_bytes: Callable[[Path], int], clock: Clock) -> None:
        self.spool = spool
        self.up: bool | None = None  # None: not opened yet
        self.since = self._retry_at = clock.monotonic()
        self.reason = ""  # NO_ROOM, or the disk's own words
        self.free: int | None = None  # bytes; None: not known
        self._folder, self._free_bytes, self._clock = folder, free_bytes, clock
        self._asking: asyncio.Future[int] | None = None  # a card that hangs is asked once only
        self._closing: asyncio.Task[None] | None = None

    async def put(self, sampler: Sampler) -> bool:
        """Put what is due on the card; False when it could not be."""
        try:
            await self._have_room()
            if self.spool.failure is not None:
                await self._reopen()
            await self._append(sampler)
        except SpoolUnavailable as error:
            self._is(up=False, reason=str(error))
            return False
        self._is(up=True, reason="")
        return True

    def hurry(self) -> None:
        """The next flush tries to open it, whenever it was tried last."""
        self._retry_at = self._clock.monotonic()

    async def close(self) -> None:
        """Give the file back, also twice; a card that hangs does so when it comes to."""
        if self._asking is not None:
            self._asking.cancel()
        if self._closing is None:
            self._closing = asyncio.create_task(self.spool.close(), name="spool closes")
        await asyncio.wait({self._closing}, timeout=CLOSE_S)

    async def _append(self, sampler: Sampler) -> None:
        flush = sampler.flush()
        if flush is None:
            return
        now_ms = int(self._clock.now().timestamp() * 1000) if self._clock.synchronised() else None
        try:
            await self.spool.append(flush, now_ms)
        except BaseException:
            sampler.refused(flush)
            raise

    async def _have_room(self) -> None:
        if self._asking is None:
            self._asking = asyncio.get_running_loop().run_in_executor(_ASKS, self._free_bytes, self._folder)
        done, _ = await asyncio.wait({self._asking}, timeout=ROOM_S)
        self.free = None
        if not done:
            raise SpoolUnavailable("the card does not answer")
        asked, self._asking = self._asking, None
        try:
            self.free = asked.result()
        except OSError as error:
            raise SpoolUnavailable(error.strerror or str(error)) from None
        if self.free < (2 * ROOM_BYTES if self.reason == NO_ROOM else ROOM_BYTES):
            raise SpoolUnavailable(NO_ROOM)

    async def _reopen(self) -> None:
        now = self._clock.monotonic()
        if now < self._retry_at:
            raise SpoolUnavailable(self.reason or str(self.spool.failure))
        self._retry_at = now + REOPEN_S
        await self.spool.open()

    def _is(self, *, up: bool, reason: str) -> None:
        if up is not self.up:
            now = self._clock.monotonic()
            if not up:
                log.warning("spool lost: %s", reason)
            elif self.up is False:
                log.info("spool back after=%.0fs", now - self.since)
            self.up, self.since = up, now
        self.reason = reason
