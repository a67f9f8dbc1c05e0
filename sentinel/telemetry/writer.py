"""Drains the spool into the store, in order, one request at a time, and never gives a point up on its own.

Requests are made in `wire`, judged in `replies`, cut in `parcel`; here are the waiting and the telling. A
point leaves the spool only after the store's 204 (or as poison): a cancel at any moment sends it again later, where
the same timestamp overwrites. The recorder runs it; no alarm waits for it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, assert_never

from sentinel.telemetry.faults import Faults
from sentinel.telemetry.model import SpoolUnavailable
from sentinel.telemetry.parcel import Parcel
from sentinel.telemetry.recent import Recent
from sentinel.telemetry.replies import BadLines, Later, Reason, Refused, Stored, TooLarge
from sentinel.telemetry.wire import REQUEST_S, Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sentinel.ports import Clock
    from sentinel.telemetry.model import Batch, Counts, Poison
    from sentinel.telemetry.target import Target

log = logging.getLogger(__name__)

MOST = 5000  # lines a request: some 60 KiB on the line
LEAST = 100  # a line so slow that it does not carry these 2 KiB within the deadline is as good as cut
LINES_A_SECOND = 50_000  # of a drain: two days in three minutes, and most of a Pi's core is left for alarms
SMALLER_S = 600.0  # how long a smaller size is remembered
BACKOFF_FIRST_S, BACKOFF_LAST_S = 1.0, 60.0
REFUSED_S = 300.0  # what a person must mend is asked now and then
IDLE_S = 60.0  # without a wake-up


class Spool(Protocol):
    """What the writer needs of the spool. Each raises SpoolUnavailable and nothing else."""

    async def read(self, most: int = MOST) -> Batch | None:
        """The oldest lines."""

    async def done(self, upto: int, written: int, poisoned: Sequence[Poison]) -> None:
        """They need not be kept."""

    def counts(self) -> Counts:
        """From memory."""


@dataclass(frozen=True, slots=True)
class StoreView:
    """How the store is, for pages and metrics. Ages in seconds; None: not yet known in this run."""

    up: bool | None
    since_s: float
    reason: str  # a `Reason`, "" when it is up or was not tried yet
    last_written_s: float | None


class Writer:
    """`run` it; `wake` it after each flush. A change of settings makes a new one."""

    def __init__(
        self,
        spool: Spool,
        target: Target,
        clock: Clock,
        tell: Callable[[bool, str], None],
        *,
        rng: random.Random | None = None,
    ) -> None:
        self._spool, self._target, self._clock = spool, target, clock
        self._faults = Faults(clock, tell, target.shown)
        self._rng = rng or random.Random()  # noqa: S311 - it spreads branches, it guards nothing
        self._woken = asyncio.Event()
        self._most, self._smaller_until = MOST, 0.0
        self._tries = 0  # failures in a row
        self._parcel: Parcel | None = None
        self._doubted = False  # the store took some lines of this batch, and then none: once more from the beginning
        self._recent = Recent()
        self._up: bool | None = None
        self._reason = ""
        self._since = clock.monotonic()
        self._written_at: float | None = None

    def wake(self) -> None:
        """There is something new. A wait that the server asked for, or a back-off, is not cut short."""
        self._woken.set()

    def view(self) -> StoreView:
        """How it is now."""
        now = self._clock.monotonic()
        written = None if self._written_at is None else now - self._written_at
        return StoreView(self._up, now - self._since, self._reason, written)

    def look(self) -> None:
        """What is to be told although each single failure passes. Whoever runs it looks too, each second: a step may hang."""
        self._faults.look(self._spool.counts())

    async def run(self) -> None:
        """Until cancelled."""
        self._parcel = None
        async with Wire(self._target) as wire:
            while True:
                wait = await self._step(wire)
                self.look()
                if wait is None:
                    await self._idle()
                else:
                    await self._pause(wait)

    # --- One step ----------------------------------------------------------------------------------------------------

    async def _step(self, wire: Wire) -> float | None:
        """Send one piece. Seconds to wait before the next; None: until there is something new."""
        try:
            if (body := self._recent.owed()) is not None:
                return await self._send_again(wire, body)
            if self._parcel is None:
                self._woken.clear()
                batch = await self._spool.read(self._most)
                if batch is None:
                    return None
                self.look()  # now the spool is open for certain: what was lost in earlier runs is not told again
                self._parcel = Parcel(batch, self._most, again=self._doubted)
            parcel, piece, wait = self._parcel, self._parcel.piece(), 0.0
            if piece is not None:
                wait = await self._deliver(wire, parcel, piece)
            if self._parcel is parcel and parcel.piece() is None:
                self._parcel, self._doubted = None, False
                await self._spool.done(parcel.upto, parcel.written, parcel.poisoned())
        except SpoolUnavailable:  # the recorder tells of it; what was written is written once more then, over itself
            self._parcel = None
            return None
        return wait

    async def _deliver(self, wire: Wire, parcel: Parcel, piece: Sequence[bytes]) -> float:
        began = self._clock.monotonic()
        try:
            body = await wire.pack(parcel.body)
        except TimeoutError:
            return self._lost(Reason.SLOW)
        verdict = await wire.send(body, self._clock.now)
        if wire.anew:  # killed and started between two flushes: nothing failed, and the last seconds may be gone
            self._recent.gone()
        now = self._clock.monotonic()
        match verdict:
            case Stored():
                parcel.taken()
                self._recent.took(body, now)
                self._wrote(now)
                if now - began < REQUEST_S / 4 and now >= self._smaller_until:
                    self._most = min(MOST, self._most * 2)
                return len(piece) / LINES_A_SECOND - (now - began)
            case BadLines():
                parcel.refused(verdict)
                return self._unless_hopeless(parcel)
            case TooLarge():
                parcel.too_large()
                self._most = (len(piece) + 1) // 2 if len(piece) > 1 else MOST  # of one line it says nothing
                self._smaller_until = now + SMALLER_S if len(piece) > 1 else 0.0
                return self._unless_hopeless(parcel)
            case Later(reason, after_s):
                if reason is Reason.SLOW and len(piece) > LEAST:
                    parcel.halve()
                    self._most = max(LEAST, len(piece) // 2)
                wait = self._lost(reason, after_s)
            case Refused(reason):
                wait = self._lost(reason, REFUSED_S)
            case _:
                assert_never(verdict)
        if not parcel.begun():
            self._parcel = None  # read anew after the wait: more may go with it then, and the spool may have let it go
        return wait

    def _unless_hopeless(self, parcel: Parcel) -> float:
        """A store that takes no line any more is at fault, not the lines: nothing is thrown away."""
        if not parcel.hopeless():
            return 0.0
        self._parcel, self._doubted = None, True
        return self._lost(Reason.BROKEN) if parcel.written else self._lost(Reason.ALL_REFUSED, REFUSED_S)

    async def _send_again(self, wire: Wire, body: bytes) -> float:
        """It is counted already. Whatever is refused now was taken before: nobody is asked a third time."""
        verdict = await wire.send(body, self._clock.now)
        match verdict:
            case Later(reason, after_s):
                return self._lost(reason, after_s)
            case Refused(reason):
                return self._lost(reason, REFUSED_S)
            case Stored():
                now = self._clock.monotonic()
                again = self._recent.settled()
                if wire.anew:
                    self._recent.gone()
                self._recent.took(again, now)
                self._wrote(now)
            case BadLines() | TooLarge():
                self._recent.settled()
            case _:
                assert_never(verdict)
        return 0.0

    # --- Waiting and telling -----------------------------------------------------------------------------------------

    async def _idle(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(IDLE_S):
                await self._woken.wait()

    async def _pause(self, wait_s: float) -> None:
        """No wake-up shortens it: every flush would. None at all for what is over already."""
        until = self._clock.monotonic() + wait_s
        while (left := until - self._clock.monotonic()) > 0:
            await asyncio.sleep(min(left, IDLE_S))
            self.look()

    def _wrote(self, now: float) -> None:
        self._written_at = now
        self._tries = 0
        if self._up is False:
            log.info("store back after=%.0fs url=%s", now - self._since, self._target.shown)
        self._state(True, "")
        self._faults.wrote()

    def _lost(self, reason: Reason, after_s: float | None = None) -> float:
        """Note it, and say how long to wait."""
        if self._up is not False:
            log.warning("store lost: %s url=%s", reason, self._target.shown)
        self._state(False, reason)
        self._faults.lost(reason)
        if after_s is None and reason is not Reason.SLOW:  # a server that went away, not one that we ask too much of
            self._recent.gone()
        self._tries += 1
        if after_s is not None:
            return max(after_s, BACKOFF_FIRST_S) * self._rng.uniform(1.0, 1.1)  # not all branches at once
        return min(BACKOFF_FIRST_S * 2.0 ** min(self._tries, 16), BACKOFF_LAST_S) * self._rng.uniform(0.5, 1.0)

    def _state(self, up: bool, reason: str) -> None:
        if up is not self._up:
            self._since = self._clock.monotonic()
        self._up, self._reason = up, reason
