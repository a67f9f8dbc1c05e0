"""The spool as the gateway uses it: `Store`'s methods, awaited, carried out by one thread, each within a deadline.

After a failure every call raises SpoolUnavailable at once until `open` succeeds; the recorder tries that each minute.
A file that is damaged is set aside and a new one begun. No alarm waits for anything here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

from sentinel.telemetry.model import Counts, Damage, SpoolUnavailable
from sentinel.telemetry.spoolfile import SpoolDamaged, last_counts, set_aside
from sentinel.telemetry.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sentinel.telemetry.model import Batch, Flush, Keep, Plot, Poison

T = TypeVar("T")

log = logging.getLogger("sentinel.telemetry")

DEADLINE_S: Final = 10.0  # a card that tidies itself up may take seconds, and nobody waits for telemetry
SETTLE_S: Final = 15.0  # what is done is durable after this long, when no append came
MAX_QUESTIONS: Final = 8  # of pages, waiting at a time; the one that comes next is refused, a flush never


class _Late(SpoolUnavailable):
    """No answer within the deadline."""


class Spool:
    """The one spool of a daemon. `open` it first, and again after a failure."""

    def __init__(self, path: Path, keep: Keep, *, forward: bool, deadline_s: float = DEADLINE_S) -> None:
        self.path = path
        self._keep, self._forward, self._deadline_s = keep, forward, deadline_s
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool")
        self._store: Store | None = None  # touched in the thread only
        self._counts = Counts()
        self._damage: Damage | None = None
        self._failure: SpoolUnavailable | None = SpoolUnavailable("not opened yet")
        self._closed = False
        self._questions = 0
        self._settling: asyncio.Task[None] | None = None

    @property
    def failure(self) -> SpoolUnavailable | None:
        """Why every call is refused now, or None."""
        return self._failure

    @property
    def damage(self) -> Damage | None:
        """The last damage that was found in this run: a person should know of it, although the next file is well."""
        return self._damage

    def counts(self) -> Counts:
        """How many lines are where; in a failure those of before it."""
        return self._counts

    async def open(self) -> None:
        """Open or make the file, also after a failure; the oldest beyond the bytes that are asked for is dropped."""

        def work() -> None:
            if self._store is not None:
                self._store.close()
                self._store = None
            try:
                store = self._begin()
            except SpoolDamaged as damage:
                self._put_away(damage)
                store = self._begin()
            self._store = store
            self._counts = store.counts()

        # Opening may replay a log of some megabytes from a slow card.
        try:
            await self._submit(work, 3 * self._deadline_s)
        except SpoolUnavailable as failure:
            self._failure = failure
            raise
        self._failure = None
        while await self._ask(Store.trim):
            pass

    async def close(self) -> None:
        """What is done becomes durable, and the file is given back; a hanging card is left to the kernel."""
        if self._closed:
            return
        self._leave_settled()
        with contextlib.suppress(SpoolUnavailable):
            await self._ask(Store.settle)
        self._failure = SpoolUnavailable("closed")

        def work() -> None:
            if self._store is not None:
                self._store.close()
                self._store = None

        with contextlib.suppress(SpoolUnavailable):
            await self._submit(work, self._deadline_s)
        self._closed = True
        self._executor.submit(work)  # a card that hung gives the file back when it comes to: the next spool wants it
        self._executor.shutdown(wait=False)

    async def append(self, flush: Flush, now_ms: int | None = None) -> None:
        """Durable when it returns. Who is refused keeps the lines; they may be in the file all the same, which is harmless.

        `now_ms`: the wall clock while it is synchronised, else None; lines and plots are too old by that alone.
        """
        await self._ask(lambda store: store.append(flush, now_ms))
        self._leave_settled()

    async def read(self, most: int = 5000) -> Batch | None:
        """The oldest lines that wait, at most `most` unless one blob holds more; None when there are none."""
        return await self._ask(lambda store: store.read(most))

    async def done(self, upto: int, written: int, poisoned: Sequence[Poison]) -> None:
        """The lines of the batch that was read last need not be kept. Counted at once, durable within SETTLE_S."""
        await self._ask(lambda store: store.done(upto, written, poisoned))
        if self._settling is None:
            self._settling = asyncio.create_task(self._settle(), name="spool settles")

    async def plot(self, point: str, begin_s: int, end_s: int, most: int = 600) -> Plot:
        """What a point did, in at most `most` rows of equal length."""
        return await self._answer(lambda store: store.plot(point, begin_s, end_s, most))

    async def poisons(self) -> list[Poison]:
        """The last lines that the server would not take."""
        return await self._answer(Store.poisons)

    # --- The thread --------------------------------------------------------------------------------------------------

    def _begin(self) -> Store:
        return Store(self.path, self._keep, forward=self._forward, known=self._counts)

    def _put_away(self, damage: SpoolDamaged) -> None:
        """What was counted goes on in the next file: from memory, or after a start from the damaged one if it can be read."""
        known = self._counts if self._counts.made else last_counts(self.path)
        aside = set_aside(self.path)
        log.warning(
            "spool damaged, begun anew file=%s aside=%s lost=%s error=%s",
            self.path,
            "-" if aside is None else aside.name,
            "unknown" if known is None else known.waiting,
            damage,
        )
        self._counts = known or Counts()
        self._damage = Damage(str(damage), None if known is None else known.waiting)

    async def _settle(self) -> None:
        await asyncio.sleep(SETTLE_S)
        with contextlib.suppress(SpoolUnavailable):  # the next append says it
            await self._ask(Store.settle)
        self._settling = None

    def _leave_settled(self) -> None:
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None

    async def _answer(self, work: Callable[[Store], T]) -> T:
        if self._questions >= MAX_QUESTIONS:
            raise SpoolUnavailable(f"{MAX_QUESTIONS} questions are waiting")
        self._questions += 1
        try:
            return await self._ask(work, question=True)
        finally:
            self._questions -= 1

    async def _ask(self, work: Callable[[Store], T], *, question: bool = False) -> T:
        if self._failure is not None:
            raise SpoolUnavailable(str(self._failure))

        def job() -> T:
            if self._store is None:
                raise SpoolUnavailable("not open")
            try:
                answer = work(self._store)
            except SpoolDamaged as damage:
                self._store.close()
                self._store = None
                self._put_away(damage)
                raise
            self._counts = self._store.counts()
            return answer

        try:
            return await self._submit(job, self._deadline_s)
        except SpoolUnavailable as failure:
            # A question of a page may have been too large: that is no fault of the card. The next flush shows it.
            if not (question and isinstance(failure, _Late)):
                self._failure = failure
            raise

    async def _submit(self, work: Callable[[], T], deadline_s: float) -> T:
        if self._closed:
            raise SpoolUnavailable("closed")
        future = self._executor.submit(work)
        try:
            # One that has not begun is taken out of the queue by the time-out; one that has may still end well.
            # Not wait_for: on Python 3.11 it swallows a cancel that arrives together with the answer.
            async with asyncio.timeout(deadline_s):
                return await asyncio.wrap_future(future)
        except TimeoutError:
            raise _Late(f"no answer within {deadline_s:g} s") from None
