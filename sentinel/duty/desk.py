"""The desk: event -> decide -> one transaction -> evolve -> whoever waits is woken. The only writer of facts.

    submit(events) ──> [queue] ──> decide on the state as it will be ──> journal.append ──> state, listeners
                                                        └─ cannot write: bare mode, told from memory, marked late

Events that wait while a transaction runs go into the next one together (group commit). The desk never sends,
polls or shows anything itself.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from sentinel.core import facts, numbering
from sentinel.core.codes import ROLES
from sentinel.core.decide import Tick, decide, next_due
from sentinel.core.facts import ClockQuality, Fact, Recorded
from sentinel.core.incident import State, evolve, replay
from sentinel.core.model import Condition, Role
from sentinel.core.signal import Signal
from sentinel.duty.carrying import carried, nameless, queued
from sentinel.journal.errors import JournalRefused, JournalUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence
    from datetime import datetime

    from sentinel.core.decide import Event
    from sentinel.core.model import Policy
    from sentinel.ports import Clock

log = logging.getLogger("sentinel.desk")

LATE_FACTS = (
    20_000  # facts kept in memory while the journal cannot be written: a week of one incident that nobody answers
)
RETRY_S, RETRY_LAST_S = 5.0, 20.0  # when bare mode tries to write again; a hanging card holds each try for seconds
STALL_S = 10.0  # a card that takes a moment is nobody's business: told when it has lasted, or it would be told twice
LATE_S = 1.0  # of writing late facts at one go
TRIES = 2  # an event that makes the desk fall so often, the last time alone, is dropped
AHEAD = timedelta(seconds=2)  # facts this much later than now were told by a clock that was wrong
NAP_S = 30.0  # the longest sleep before deadlines are looked at again: the wall clock may have been set


class Ledger(Protocol):
    """What the desk needs of the journal."""

    async def append(
        self, batch: Sequence[Fact], *, at: datetime, boot: str, clock: ClockQuality, late: bool = False
    ) -> list[Recorded]:
        """Write all of them durably, with the outbox rows that follow, or raise JournalUnavailable."""

    async def reopen(self) -> list[Recorded]:
        """Try to mend it; gives what was written although `append` had raised."""

    def replay(self) -> AsyncIterator[list[Recorded]]:
        """Everything that was written, in order."""

    @property
    def replaced(self) -> bool:
        """The file that `reopen` found is not the one that was written to: it was deleted, or is an older copy."""

    @property
    def failure(self) -> JournalUnavailable | None:
        """Why nothing can be read or written now, or None."""


@dataclass(slots=True)
class Bare:
    """The journal cannot be written: what was decided since, to be written late."""

    since: datetime
    reason: str
    durable: State | None  # the state as far as it is written; None: the journal was never read
    late: list[tuple[datetime, list[Fact]]]
    tell_at: float = 0.0  # when (monotonic) the fault itself is told
    replaced: bool = False  # what is open has still to be carried over into the file that lies there now
    kept: int = 0
    lost: int = 0
    full_at: State | None = None  # the state when there was no more room for whom was told
    told: int = 0
    tries: int = 0


@dataclass(slots=True)
class _Item:
    events: list[Event]
    said: list[Fact]
    done: asyncio.Future[None]
    tries: int = 0  # how often it was decided on; more than once only after a fall


class Desk:
    """One branch's (or room's) desk. `listen` callbacks get every durable fact; `from_memory` notices of bare mode."""

    def __init__(self, ledger: Ledger, clock: Clock, boot: str, policy: Policy, state: State | None = None) -> None:
        self.policy = policy
        self.state = state or State()
        self.bare: Bare | None = None
        self.listeners: list[Callable[[list[Recorded]], None]] = []
        self.from_memory: Callable[[facts.NoticeQueued], None] = lambda _notice: None
        self.withdrawn: Callable[[str], None] = lambda _notice: None  # while bare: nobody needs this notice any more
        self.written_again: Callable[[], None] = lambda: None
        self.alive: Callable[[], None] = lambda: None
        self.stepped: Callable[[], float] = lambda: 0.0  # seconds by which wall time jumped since the last call
        self._ledger = ledger
        self._clock = clock
        self._boot = boot
        self._queue: deque[_Item] = deque()
        self._wake = asyncio.Event()
        self._retry_at = 0.0
        self.dropped = 0  # what was handed in and made the desk fall twice: it is lost, and health says so

    # --- What others call ------------------------------------------------------------------------------------------

    def submit(self, *events: Event) -> asyncio.Future[None]:
        """Hand events in. The future is done when what follows from them is durable (or told from memory)."""
        return self._put(list(events), [])

    def say(self, *said: Fact) -> asyncio.Future[None]:
        """Hand in facts of the daemon's own life, which nobody has to decide."""
        return self._put([], list(said))

    def _put(self, events: list[Event], said: list[Fact]) -> asyncio.Future[None]:
        done = asyncio.get_running_loop().create_future()
        self._queue.append(_Item(events, said, done))
        self._wake.set()
        return done

    def begin_bare(self, error: JournalUnavailable) -> None:
        """The journal could not even be opened: start without it rather than not at all."""
        quality = ClockQuality.SYNCED if self._clock.synchronised() else ClockQuality.UNSYNCED
        # The codes of what is open on the unreadable card are not known: begin somewhere in the parts kept for that.
        minute = int(self._clock.now().timestamp()) // 60
        self.state = State(
            boot=self._boot,
            issued=numbering.SPOKEN_UNREAD.wrap(minute),
            issued_silently=numbering.SILENT_UNREAD.wrap(minute),
        )
        self._go_bare(error, [], self._clock.now(), quality).durable = None

    # --- The one task ----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Decide and write, for ever."""
        while True:
            await self._rest()
            items = self._taken()
            try:
                await self._turn(items)
            except BaseException as error:
                self._put_back(items, error)
                raise
            self.alive()

    def _taken(self) -> list[_Item]:
        """All that waits; after a fall what fell comes first and alone, so that it takes nobody with it again."""
        if self._queue and self._queue[0].tries:
            return [self._queue.popleft()]
        items = list(self._queue)
        self._queue.clear()
        return items

    def _put_back(self, items: list[_Item], error: BaseException) -> None:
        """A turn fell: nothing of it is lost, but what has fallen twice is given up, loudly."""
        for item in reversed(items):
            if item.done.done():
                continue
            if item.tries < TRIES or isinstance(error, asyncio.CancelledError):
                self._queue.appendleft(item)
                continue
            self.dropped += 1
            log.critical("given up after %d falls events=%s said=%s", item.tries, item.events, item.said)
            item.done.set_exception(error)
            item.done.exception()  # looked at here, for those who do not wait for it

    async def _rest(self) -> None:
        self._wake.clear()
        if self._queue:
            return
        due = next_due(self.state, self._clock.now())
        wait = NAP_S if due is None else max(0.0, min(NAP_S, (due - self._clock.now()).total_seconds()))
        if self.bare is not None:
            wait = min(wait, max(0.0, self._retry_at - self._clock.monotonic()))
        try:
            async with asyncio.timeout(min(wait, 2.0)):  # 2 s: the watchdog wants to see progress
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _turn(self, items: list[_Item]) -> None:
        by_s = (
            self.stepped()
        )  # first: a step that comes after it is seen by the next turn, and makes all rows due again
        now = self._clock.now()
        # Earlier than the last fact, at a start: that fact's clock was ahead, and no deadline of then is worth anything.
        sure = self._clock.synchronised() and self.state.at - now < AHEAD
        quality = ClockQuality.SYNCED if sure else ClockQuality.UNSYNCED
        if self.bare is None and self._ledger.failure is not None:
            self._go_bare(self._ledger.failure, [], now, quality)
        if self.bare is not None and self._clock.monotonic() >= self.bare.tell_at:
            self.bare.tell_at = math.inf
            trouble = _journal_signal(Condition.TROUBLE, self.bare.reason)
            items.append(_Item([trouble], [], asyncio.get_running_loop().create_future()))
        if by_s:  # before anything is decided on the new time: the deadlines of this boot move with it
            items.insert(0, _Item([], [facts.ClockStepped(by_s)], asyncio.get_running_loop().create_future()))
        alone = any(item.tries for item in items)
        working, batch = self.state, list[Fact]()
        for item in items:
            item.tries += 1
        for item in items:
            for fact in item.said:
                working = self._evolved(working, fact, now, quality)
            batch += item.said
            for event in item.events:
                decided = decide(working, self.policy, event, now)
                batch += decided
                for fact in decided:
                    working = self._evolved(working, fact, now, quality)
        for fact in () if alone else decide(working, self.policy, Tick(), now):
            batch.append(fact)
            working = self._evolved(working, fact, now, quality)
        recorded = await self._write(batch, working, now, quality) if batch else []
        for item in items:
            if not item.done.done():
                item.done.set_result(None)
        self._announce(recorded)  # after all promises: a listener that falls puts nothing back
        if self.bare is not None and self._clock.monotonic() >= self._retry_at:
            await self._write_late(now, quality)  # last: a card that hangs delays what comes next, not what is here

    def _evolved(self, state: State, fact: Fact, now: datetime, quality: ClockQuality) -> State:
        return evolve(state, Recorded(state.epoch, state.seq + 1, now, self._boot, quality, late=False, fact=fact))

    async def _write(self, batch: list[Fact], working: State, now: datetime, quality: ClockQuality) -> list[Recorded]:
        if self.bare is None:
            try:
                recorded = await self._ledger.append(batch, at=now, boot=self._boot, clock=quality)
            except JournalUnavailable as error:
                self._go_bare(error, batch, now, quality)
                return []
            for one in recorded:
                self.state = evolve(self.state, one)
            return recorded
        self.state = working
        self._remember(batch, now)
        return []

    def _go_bare(self, error: JournalUnavailable, batch: list[Fact], now: datetime, quality: ClockQuality) -> Bare:
        """From here on memory is all there is: `batch` could not be written, and that itself is told if it lasts."""
        log.critical("bare mode begins reason=%s", error)
        bare = self.bare = Bare(now, str(error.reason), self.state, [])
        for notice in _waiting(self.state):  # queued in the journal, which now gives nothing to send
            bare.told += 1
            self.from_memory(notice)
        self._retry_at = self._clock.monotonic() + RETRY_S
        bare.tell_at = self._clock.monotonic() + STALL_S
        for fact in batch:
            self.state = self._evolved(self.state, fact, now, quality)
        self._remember(batch, now)  # kept apart from the rest: if it landed after all, it is dropped whole
        return bare

    def _announce(self, recorded: list[Recorded]) -> None:
        for listener in self.listeners if recorded else ():
            listener(recorded)

    def _remember(self, batch: list[Fact], now: datetime) -> None:
        bare = self.bare
        assert bare is not None
        kept = batch
        if bare.kept + len(batch) > LATE_FACTS:
            bare.full_at = bare.full_at or self.state
            kept = [fact for fact in batch if not _may_be_lost(fact, bare.full_at)]
            bare.lost += len(batch) - len(kept)
        if kept:
            bare.late.append((now, kept))
            bare.kept += len(kept)
        for fact in batch:
            if isinstance(fact, facts.NoticeQueued):
                bare.told += 1
                self.from_memory(fact)
            elif isinstance(fact, facts.NoticeWithdrawn):
                self.withdrawn(fact.notice)

    async def _replayed(self) -> State:
        state = State()
        async for page in self._ledger.replay():
            for one in page:
                state = evolve(state, one)
        return state

    async def _carry_over(self, bare: Bare, known: State, now: datetime) -> None:
        """The journal is another one now: what is open must be known in it, or the next start would forget it."""
        found = await self._replayed()
        what = carried(known, found, now)
        log.critical("the journal was deleted or replaced; carried over incidents=%d", len(known.incidents))
        late = [(at, [nameless(fact) for fact in batch]) for at, batch in bare.late]
        bare.durable, bare.late, bare.replaced = found, what + late, False

    async def _write_late(self, now: datetime, quality: ClockQuality) -> None:
        """Write what bare mode decided, in its own times, and leave it; or stay in it.

        For a second at most: five bare hours on a slow card are a minute of syncs, and somebody may press meanwhile.
        """
        bare = self.bare
        assert bare is not None
        began = self._clock.monotonic()
        recorded: list[Recorded] = []
        try:
            if self._ledger.failure is not None:
                recorded += await self._ledger.reopen()
                bare.replaced |= self._ledger.replaced
                if bare.late and _is_of(bare.late[0][1], recorded):
                    bare.late.pop(0)
            if bare.durable is None:
                bare.durable = await self._replayed()
            elif bare.replaced:
                await self._carry_over(bare, bare.durable, now)
            while bare.late:
                if self._clock.monotonic() - began >= LATE_S:
                    self._kept(bare, recorded)
                    self._retry_at = self._clock.monotonic()
                    return
                at, batch = bare.late[0]
                if batch:
                    recorded += await self._ledger.append(batch, at=at, boot=self._boot, clock=quality, late=True)
                bare.late.pop(0)
            ended = facts.BareModeEnded(bare.since, bare.told, bare.reason)
            recorded += await self._ledger.append([ended], at=now, boot=self._boot, clock=quality)
        except (JournalUnavailable, JournalRefused):  # refused: somebody else holds the file now
            self._kept(bare, recorded)
            bare.tries += 1
            self._retry_at = self._clock.monotonic() + min(RETRY_S * 2 ** (bare.tries - 1), RETRY_LAST_S)
            return
        state = bare.durable
        for one in recorded:
            state = evolve(state, one)
        self.state, self.bare = state, None
        self.written_again()
        self._announce(recorded)
        log.warning("bare mode ended facts_written_late=%d lost=%d", len(recorded), bare.lost)
        mended = _journal_signal(Condition.NORMAL, "")
        if mended.key in self.state.by_key:
            self._put([mended], [])

    def _kept(self, bare: Bare, recorded: list[Recorded]) -> None:
        """So far it is durable, whatever comes next."""
        if recorded:
            bare.durable = replay(recorded, bare.durable)
            self._announce(recorded)


def _may_be_lost(fact: Fact, full_at: State) -> bool:
    """With no more room: the letters that left since then, rungs and refusals. Never what happened or who answered.

    What became of a letter that is known already is kept: it would leave once more. A rung that is not known is taken
    again once the journal is back.
    """
    match fact:
        case facts.NoticeDelayed() | facts.NoticeQueued() | facts.Escalated() | facts.CommandRefused():
            return True
        case facts.NoticeSent() | facts.NoticeDelivered() | facts.NoticeFailed() | facts.NoticeWithdrawn():
            incident = full_at.find(fact.notice.partition("-")[0])
            return incident is None or fact.notice not in incident.notices
        case _:
            return False


def _is_of(batch: list[Fact], landed: list[Recorded]) -> bool:
    """What landed is this batch, not the last word of bare mode or a sealing. By kinds: a stored text may differ."""
    return [type(one.fact) for one in landed if not isinstance(one.fact, facts.EpochBegan)] == [*map(type, batch)]


def _waiting(state: State) -> Iterator[facts.NoticeQueued]:
    """The notices that have still to leave, loudest first, as the facts that queued them."""
    having = [one for one in (*state.incidents.values(), *state.recent) if one.leaving]
    for incident in sorted(having, key=lambda one: one.severity.rank):
        yield from (queued(incident, notice) for notice in incident.notices.values() if notice.live)


def _journal_signal(condition: Condition, reason: str) -> Signal:
    rule = ROLES[Role.JOURNAL]
    return Signal("gateway:journal", Role.JOURNAL, condition, Condition.TROUBLE, rule.event, rule.severity, reason[:80])
