"""The outbox worker: takes due rows, has them sent, marks them. Send, then mark: a crash repeats, it never loses.

One task a channel. A row is leased while it is being sent; a lease that runs out goes back to pending. The first
notice of a critical incident (priority 0) waits for no other: it has senders of its own and no limit holds it.
What a temporary failure costs is time (backoff); what a permanent one costs is told by the ladder's other ways.

    journal row: pending -> sending (lease) -> sent -> delivered        facts: NoticeSent, NoticeDelivered,
                    ^---- postponed (backoff) ---'  '-> failed                  NoticeDelayed (reason changed), NoticeFailed
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol

from sentinel.core.decide import Report
from sentinel.core.incident import NoticeState
from sentinel.journal.errors import JournalUnavailable
from sentinel.ports import ChannelError, Sent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sentinel.core.decide import Event
    from sentinel.journal.outbox import OutboxRow
    from sentinel.ports import Channel, Clock, Letter

log = logging.getLogger("sentinel.outbox")

LEASE_S = 60.0
SEND_S = 30.0  # a channel's own deadline is shorter; this one is for a channel that forgot
LOOK_S = 1.0  # the longest time between two looks at the rows
PARALLEL = 3  # sends at one time on one channel, besides priority 0
BACKOFF_S = (2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0)
BACKOFF_CRITICAL_S = (1.0, 2.0, 4.0, 8.0, 15.0, 20.0)
DOWN_AFTER = 2  # failures in a row before the channel is told to be down


class Rows(Protocol):
    """What the worker needs of the journal: rows in, working states out. Facts go by way of the desk."""

    async def take(self, channels: Sequence[str], now: datetime, lease_s: float, limit: int) -> list[OutboxRow]:
        """Every due row of priority 0 and at most `limit` others, loudest and oldest first, now leased."""

    async def release_leased(self, channel: str, now: datetime) -> int:
        """What a lane before this one was sending is due now."""

    async def postpone(self, notice: str, next_at: datetime, error: str) -> bool:
        """Give a leased row back, to be tried again at `next_at`; False when it is not leased any more."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` sends in `per_s` seconds (an operator's SMS cap, a mail server's patience)."""

    count: int
    per_s: float


@dataclass(slots=True)
class _Lane:
    """One channel with its limit, its health and its wake-up."""

    channel: Channel
    limit: Limit | None
    alive: Callable[[], None]
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    sends: deque[float] = field(default_factory=deque)
    busy: int = 0
    failures: int = 0
    errors: dict[str, str] = field(default_factory=dict)  # notice -> last reason told
    sending: set[asyncio.Task[None]] = field(default_factory=set)


class Outbox:
    """All channels of a daemon. `letter` makes the letter of a row, or None when nobody can be addressed."""

    def __init__(
        self,
        rows: Rows,
        submit: Callable[[Event], asyncio.Future[None]],
        letter: Callable[[OutboxRow], Letter | None],
        clock: Clock,
    ) -> None:
        self._rows = rows
        self._submit = submit
        self._letter = letter
        self._clock = clock
        self._lanes: dict[str, _Lane] = {}
        self.on_health: Callable[[str, bool, str], None] = lambda _channel, _up, _reason: None
        # Rows of a hold-up: how their letters fare may show nowhere in the branch, in no log and in no way that is down.
        self.silent: Callable[[OutboxRow], bool] = lambda _row: False

    def add(
        self, name: str, channel: Channel, limit: Limit | None = None, alive: Callable[[], None] = lambda: None
    ) -> None:
        """Put a channel to work (its task is `run(name)`); `alive` is called at every round."""
        self._lanes[name] = _Lane(channel, limit, alive)

    def channel(self, name: str) -> Channel | None:
        """The channel of that name, while it is at work."""
        lane = self._lanes.get(name)
        return None if lane is None else lane.channel

    def remove(self, name: str) -> None:
        """Its task was cancelled: the settings name it no more."""
        self._lanes.pop(name, None)

    def wake(self, channel: str) -> None:
        """A row for this channel was written just now."""
        lane = self._lanes.get(channel)
        if lane is not None:
            lane.wake.set()

    async def run(self, name: str) -> None:
        """Work through the rows of one channel, for ever."""
        lane = self._lanes[name]
        with suppress(JournalUnavailable):  # the leases run out by themselves too
            await self._rows.release_leased(name, self._clock.now())
        try:
            while True:
                lane.wake.clear()
                if not await self._round(name, lane):
                    with suppress(TimeoutError):
                        async with asyncio.timeout(self._pause(lane)):
                            await lane.wake.wait()
                lane.alive()
        finally:
            for task in list(lane.sending):
                task.cancel()

    def _pause(self, lane: _Lane) -> float:
        """Until the limit opens again, or until the next look."""
        if lane.limit is None or len(lane.sends) < lane.limit.count:
            return LOOK_S
        return max(0.05, min(LOOK_S, lane.sends[0] + lane.limit.per_s - self._clock.monotonic()))

    async def _round(self, name: str, lane: _Lane) -> bool:
        """Start what may be started now; true when there may be more."""
        room = self._room(lane)
        try:
            rows = await self._rows.take([name], self._clock.now(), LEASE_S, room)
        except JournalUnavailable:
            return False
        for row in rows:
            self._start(name, lane, row)
        return bool(rows)

    def _room(self, lane: _Lane) -> int:
        mono = self._clock.monotonic()
        room = PARALLEL - lane.busy
        if lane.limit is not None:
            while lane.sends and mono - lane.sends[0] >= lane.limit.per_s:
                lane.sends.popleft()
            room = min(room, lane.limit.count - len(lane.sends))
        return max(0, room)

    def _start(self, name: str, lane: _Lane, row: OutboxRow) -> None:
        lane.busy += 1
        lane.sends.append(self._clock.monotonic())
        task = asyncio.create_task(self._send(name, lane, row), name=f"send {name} {row.notice}")
        lane.sending.add(task)
        task.add_done_callback(partial(self._ended, name, lane))

    def _ended(self, name: str, lane: _Lane, task: asyncio.Task[None]) -> None:
        """A send that fell is a fault of the program: seen, and sent again when its lease runs out."""
        lane.sending.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("send fell channel=%s", name, exc_info=error)
            self._unwell(name, lane, type(error).__name__)

    def _unwell(self, name: str, lane: _Lane, reason: str) -> None:
        lane.failures += 1
        if lane.failures == DOWN_AFTER:
            self.on_health(name, False, reason)

    async def _send(self, name: str, lane: _Lane, row: OutboxRow) -> None:
        try:
            try:
                letter = self._letter(row)
            except LookupError as error:  # an address that is a secret and is not there now
                await self._failed(name, lane, row, ChannelError(f"no address: {error}"))
                return
            if letter is None:
                await self._submit(Report(row.notice, NoticeState.FAILED, row.attempt, "no address for this contact"))
                return
            try:
                async with asyncio.timeout(SEND_S):
                    got = await lane.channel.send(letter)
            except ChannelError as error:
                await self._failed(name, lane, row, error)
            except TimeoutError:
                await self._failed(name, lane, row, ChannelError("the channel did not answer"))
            else:
                await self._done(name, lane, row, got)
        finally:
            lane.busy -= 1
            lane.wake.set()

    async def _done(self, name: str, lane: _Lane, row: OutboxRow, got: Sent) -> None:
        lane.errors.pop(row.notice, None)
        if not self.silent(row):
            lane.failures = 0
            self.on_health(name, True, "")  # each time: who listens may know of a trouble from before this lane
        await self._submit(Report(row.notice, NoticeState.SENT, row.attempt))
        if got is Sent.DELIVERED:
            await self._submit(Report(row.notice, NoticeState.DELIVERED, row.attempt))

    async def _failed(self, name: str, lane: _Lane, row: OutboxRow, error: ChannelError) -> None:
        reason = str(error)[:200]
        if error.permanent:
            lane.errors.pop(row.notice, None)
            if not self.silent(row):
                log.error("notice failed for good notice=%s channel=%s reason=%s", row.notice, name, reason)
            await self._submit(Report(row.notice, NoticeState.FAILED, row.attempt, reason))
            return
        if not self.silent(row):
            self._unwell(name, lane, reason)
        if lane.sends:  # nothing left: a dead channel does not use up what its limit allows
            lane.sends.pop()
        table = BACKOFF_CRITICAL_S if row.priority <= 1 else BACKOFF_S
        wait = min(error.retry_after_s or 0.0, BACKOFF_S[-1]) or table[min(row.attempt - 1, len(table) - 1)]
        wait *= random.uniform(0.8, 1.2)  # noqa: S311 - jitter, not a secret
        try:
            await self._rows.postpone(row.notice, self._clock.now() + timedelta(seconds=wait), reason)
        except JournalUnavailable:
            return  # the lease runs out by itself
        if lane.errors.get(row.notice) != reason:  # an edge, not a level: one fact a reason, not one an attempt
            lane.errors[row.notice] = reason
            if not self.silent(row):
                log.warning("notice delayed notice=%s channel=%s reason=%s", row.notice, name, reason)
            await self._submit(Report(row.notice, NoticeState.PENDING, row.attempt, reason))
