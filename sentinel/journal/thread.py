"""The journal as the daemons use it: `Store`'s methods, awaited, carried out by one thread, each within a deadline.

After a failure every call raises at once until `reopen` succeeds: the desk goes on in bare mode meanwhile. A replay or
a verification is done in steps, so that an append waits for one step at most.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sentinel.journal.errors import JournalUnavailable, Reason
from sentinel.journal.store import NOTHING, Store
from sentinel.journal.verify import Verification

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from concurrent.futures import Future
    from datetime import datetime
    from pathlib import Path

    from sentinel.core.facts import ClockQuality, Fact, Recorded
    from sentinel.journal.marks import Checkpoint, Cursor
    from sentinel.journal.outbox import OutboxRow
    from sentinel.journal.store import Head, Mark
    from sentinel.journal.verify import Report

T = TypeVar("T")

DEADLINE_S = 3.0  # a good card syncs in 30 ms and now and then takes a second; beyond this an alarm waits too long
PROVE_STEP = 200  # facts of a verification at once: 5 ms here, some 25 on a Pi, and as long a pause after it
MAX_QUESTIONS = 32  # waiting in the thread's queue, about a second on a slow card; the one that comes next is refused
MAX_CHANGES = 256  # facts have their own queue: no number of questions refuses an alarm


class Journal:
    """The one journal of a daemon. `open` it first; when that fails it can still be opened later by `reopen`."""

    def __init__(self, path: Path, *, deadline_s: float = DEADLINE_S) -> None:
        self.path = path
        self._deadline_s = deadline_s
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._jobs: set[Future[Any]] = set()
        self._one_change = asyncio.Lock()
        self._changes = 0
        self._progress = time.monotonic()
        self._store: Store | None = None  # touched in the thread only
        self._failure: JournalUnavailable | None = JournalUnavailable(Reason.FAILED, "not opened yet")
        self._acknowledged: Head = NOTHING  # the last fact of the file that is open
        self._known: Head = NOTHING  # the last fact that a caller was told is durable, in this file or in one before it
        self._proving: asyncio.Task[Report] | None = None
        self.replaced = False  # the file that was opened last does not hold it

    # --- Life ------------------------------------------------------------------------------------------------------------

    @property
    def failure(self) -> JournalUnavailable | None:
        """Why every call is refused now, or None."""
        return self._failure

    def stalled_s(self, now: float) -> float:
        """For the watchdog: seconds (monotonic) that work has been waiting without any being finished; 0 when idle."""
        return max(0.0, now - self._progress) if self._jobs else 0.0

    async def open(self) -> Head:
        """Open or make the file; JournalUnavailable or JournalRefused when that cannot be."""
        await self.reopen()
        return self._acknowledged

    async def reopen(self) -> list[Recorded]:
        """Close and open again. Gives the facts that were written although their append was reported as failed.

        They stand: whoever kept them in memory drops them there. Others are appended again, marked late.
        """

        def work() -> tuple[Store, list[Recorded], bool]:
            if self._store is not None:
                self._store.close()
                self._store = None
            store = Store.open(self.path)
            try:
                landed = store.resume(known) if known is not NOTHING else []
            except JournalUnavailable:
                store.close()
                raise
            self._store = store
            return store, landed, store.replaced

        known = self._known
        # Opening may replay a log of some megabytes from a slow card.
        store, landed, self.replaced = await self._submit(work, 5 * self._deadline_s)
        self._failure = None
        self._acknowledged = store.head()
        if not self.replaced:
            self._known = self._acknowledged
        return landed

    async def close(self) -> None:
        """Give the file back; a hanging card is left to the kernel."""

        def work() -> None:
            if self._store is not None:
                self._store.close()
                self._store = None

        self._failure = JournalUnavailable(Reason.FAILED, "closed")
        if self._proving is not None:
            self._proving.cancel()
        with contextlib.suppress(JournalUnavailable, RuntimeError):  # a second close finds the thread gone
            await self._submit(work, self._deadline_s)
        self._executor.shutdown(wait=False, cancel_futures=True)

    # --- Facts -----------------------------------------------------------------------------------------------------------

    def head(self) -> Head:
        """The last durable fact, from memory."""
        return self._acknowledged

    async def append(
        self, facts: Sequence[Fact], *, at: datetime, boot: str, clock: ClockQuality, late: bool = False
    ) -> list[Recorded]:
        """Durable when it returns; see `Store.append`. Who cancels it does not learn whether it was written."""

        def work(store: Store) -> tuple[list[Recorded], Head]:
            return store.append(facts, at=at, boot=boot, clock=clock, late=late), store.head()

        return await self._change(work)

    async def begin_epoch(self, reason: str, known: Head, *, at: datetime, boot: str, clock: ClockQuality) -> Recorded:
        """Begin a new epoch because `known` is further than this file."""

        def work(store: Store) -> tuple[Recorded, Head]:
            return store.begin_epoch(reason, known, at=at, boot=boot, clock=clock), store.head()

        return await self._change(work)

    async def seal(
        self, up_to: Mark, keep_from: Mark | None, *, at: datetime, boot: str, clock: ClockQuality
    ) -> Recorded | None:
        """Prune old facts; see `Store.seal`."""

        def work(store: Store) -> tuple[Recorded | None, Head]:
            return store.seal(up_to, keep_from, at=at, boot=boot, clock=clock), store.head()

        return await self._change(work)

    async def last_before(self, at: datetime) -> Mark | None:
        """What one sealing may let go."""
        return await self._ask(lambda store: store.last_before(at))

    async def replay(self, after_seq: int = 0) -> AsyncIterator[list[Recorded]]:
        """Chunks of facts in order, up to the head of now: what is appended meanwhile comes by its own append."""
        last, end = await self._ask(lambda store: (store.place(after_seq), store.end()))
        while last < end:
            records, last = await self._ask(partial(Store.page, after=last, end=end))
            yield records

    async def lines(self, from_seq: int, limit: int, max_bytes: int) -> tuple[str, list[tuple[int, str, str]]]:
        """What the uplink publishes; see `Store.lines`."""
        return await self._ask(lambda store: store.lines(from_seq, limit, max_bytes))

    async def verify(self) -> Report:
        """Prove the whole journal, in steps with pauses. One walk at a time, whose end all who ask meanwhile are told."""
        if self._proving is None or self._proving.done():
            self._proving = asyncio.create_task(self._prove(), name="verify")
            self._proving.add_done_callback(
                lambda walk: walk.cancelled() or walk.exception()
            )  # who asked may have left
        return await asyncio.shield(self._proving)

    async def _prove(self) -> Report:
        walk, loop = Verification(), asyncio.get_running_loop()
        while True:
            began = loop.time()
            report = await self._ask(lambda store: store.check(walk, PROVE_STEP))
            if report is not None:
                return report
            await asyncio.sleep(loop.time() - began)

    # --- The outbox --------------------------------------------------------------------------------------------------------

    async def take(self, channels: Sequence[str], now: datetime, lease_s: float, limit: int) -> list[OutboxRow]:
        """Lease due rows of these channels, loudest first."""
        return await self._ask(lambda store: store.take(channels, now, lease_s, limit))

    async def postpone(self, notice: str, next_at: datetime, error: str) -> bool:
        """Give a leased row back, due later; False when it is not leased any more."""
        return await self._ask(lambda store: store.postpone(notice, next_at, error))

    async def release_expired(self, now: datetime) -> int:
        """Leases that ran out go back, due now."""
        return await self._ask(lambda store: store.release_expired(now))

    async def release_leased(self, channel: str, now: datetime) -> int:
        """At the start of a lane: what the one before it was sending is due now."""
        return await self._ask(lambda store: store.release_leased(channel, now))

    async def release_all(self, now: datetime) -> int:
        """At a start: every live row is due now."""
        return await self._ask(lambda store: store.release_all(now))

    async def release(self, notice: str, now: datetime) -> bool:
        """Give a live row back, due now; False when it is final or lost."""
        return await self._ask(lambda store: store.release(notice, now))

    async def reroute(self, notice: str, channel: str, path: str, now: datetime) -> bool:
        """Send a live row by another channel, due now."""
        return await self._ask(lambda store: store.reroute(notice, channel, path, now))

    async def requeue(self, notice: str, now: datetime) -> bool:
        """Make the lost row of a notice again, due now."""
        return await self._ask(lambda store: store.requeue(notice, now))

    async def prune_outbox(self, before: datetime) -> int:
        """Forget rows that were final before then."""
        return await self._ask(lambda store: store.prune_outbox(before))

    async def live(self) -> list[OutboxRow]:
        """All that still has to leave, loudest first."""
        return await self._ask(lambda store: store.live())

    async def awaiting(self, channel: str) -> list[OutboxRow]:
        """Handed over by this channel and not yet known to be delivered."""
        return await self._ask(lambda store: store.awaiting(channel))

    async def rows_of(self, code: str) -> list[OutboxRow]:
        """Every notice of an incident."""
        return await self._ask(lambda store: store.rows_of(code))

    async def counts(self) -> dict[str, dict[str, int]]:
        """{channel: {state: how many}}."""
        return await self._ask(lambda store: store.counts())

    # --- Beside the chain --------------------------------------------------------------------------------------------------

    async def aside(self, text: str, kind: str) -> str:
        """Keep a text beside the chain; the reference is what a fact may hold."""
        return await self._ask(lambda store: store.aside(text, kind))

    async def reveal(self, ref: str) -> str | None:
        """The text of a reference, or None when it was erased."""
        return await self._ask(lambda store: store.reveal(ref))

    async def erase(self, ref: str) -> bool:
        """Forget a text for good."""
        return await self._ask(lambda store: store.erase(ref))

    async def cursor(self, room: str) -> Cursor | None:
        """How far this room has the journal."""
        return await self._ask(lambda store: store.cursor(room))

    async def set_cursor(self, room: str, epoch: str, seq: int, digest: str) -> None:
        """Note a room's receipt."""
        await self._ask(lambda store: store.set_cursor(room, epoch, seq, digest))

    async def checkpoint(self) -> Checkpoint | None:
        """The last saved state of this epoch."""
        return await self._ask(lambda store: store.checkpoint())

    async def save_checkpoint(self, seq: int, code_version: str, blob: bytes) -> None:
        """Keep the state after fact `seq`."""
        await self._ask(lambda store: store.save_checkpoint(seq, code_version, blob))

    async def reserve_intact(self, *, refill: bool = False) -> bool:
        """True when the reserve can still help a full disk; `refill` takes the room again where there is enough."""
        return await self._ask(lambda store: store.reserve.fill() if refill else store.reserve.intact())

    # --- The thread --------------------------------------------------------------------------------------------------------

    async def _change(self, work: Callable[[Store], tuple[T, Head]]) -> T:
        """One change of the chain at a time: the next one must see that this one's outcome is not known."""
        if self._changes >= MAX_CHANGES:
            raise JournalUnavailable(Reason.SLOW, f"{MAX_CHANGES} appends are waiting")
        self._changes += 1
        try:
            async with self._one_change:
                result, self._acknowledged = await self._carry_out(work)
                self._known = self._acknowledged
                return result
        finally:
            self._changes -= 1

    async def _ask(self, work: Callable[[Store], T]) -> T:
        if len(self._jobs) >= MAX_QUESTIONS:
            raise JournalUnavailable(Reason.SLOW, f"{MAX_QUESTIONS} calls are waiting")
        return await self._carry_out(work)

    async def _carry_out(self, work: Callable[[Store], T]) -> T:
        if self._failure is not None:
            raise JournalUnavailable(self._failure.reason, self._failure.text)  # a raised one again grows its traceback

        def job() -> T:
            if self._store is None:
                raise JournalUnavailable(Reason.FAILED, "not open")
            return work(self._store)

        try:
            return await self._submit(job, self._deadline_s)
        except JournalUnavailable as failure:
            self._failure = failure
            raise

    async def _submit(self, work: Callable[[], T], deadline_s: float) -> T:
        if not self._jobs:
            self._progress = time.monotonic()
        future = self._executor.submit(work)
        self._jobs.add(future)
        future.add_done_callback(self._done)
        try:
            # One that has not begun is taken out of the queue by the time-out; one that has may still end well.
            # Not wait_for: on Python 3.11 it swallows a cancel that arrives together with the answer.
            async with asyncio.timeout(deadline_s):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise JournalUnavailable(Reason.SLOW, f"no answer within {deadline_s:g} s") from None

    def _done(self, future: Future[Any]) -> None:
        if not future.cancelled():
            self._progress = time.monotonic()
        self._jobs.discard(future)
