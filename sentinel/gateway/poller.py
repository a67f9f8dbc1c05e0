"""One link's scheduler: every planned question at its own time, alarm points first, a silent unit set aside.

The schedule is absolute: a question is due at start + n x interval, whatever the last one took; slots that passed
are skipped, not caught up. The link keeps the line's timing, the driver knows what the words mean; here is only
who is asked next. A read that fails becomes failed readings, and costs its neighbours one time-out at most.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sentinel.core.model import Failure, Quality, Reading
from sentinel.ports import LinkError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from sentinel.ports import Clock, Driver, Link, Poll, Request, Words

log = logging.getLogger("sentinel.poller")

ASIDE_AFTER = 2  # failures in a row before a unit's neighbours are spared its time-outs
ASIDE_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
ASIDE_URGENT_S = 5.0  # the longest that a unit with alarm points goes unprobed
PROBE_S = 0.2  # the shortest time-out of a probe; else four times what the unit usually takes
DOUBT_S = 10.0  # after a damaged frame, a changed alarm bit is read twice for so long
LATE_SLOTS = 1.0


@dataclass(slots=True)
class _Unit:
    """How one device on the line behaves."""

    driver: Driver
    urgent: bool
    failures: int = 0
    aside_until: float = 0.0
    usual_s: float = 0.05
    lost: str = ""  # the failure that was logged


@dataclass(slots=True)
class _Slot:
    """One poll with its place in the schedule."""

    poll: Poll
    unit: _Unit
    due: float
    order: int
    last: Words | None = None


@dataclass(slots=True)
class PollStats:
    """Counted since start, for metrics."""

    reads: int = 0
    failed: int = 0
    skipped: int = 0  # slots that passed while the line was busy
    doubted: int = 0  # changed alarm bits read a second time
    latency_s: float = 0.0  # of the last good read
    failures: dict[str, int] = field(default_factory=dict)


class Poller:
    """Owns the reading of one link. `take` gets the readings of each reply, in order."""

    def __init__(
        self,
        name: str,
        link: Link[Request, Words],
        drivers: Sequence[Driver],
        take: Callable[[list[Reading]], None],
        clock: Clock,
        damaged: Callable[[], int] = lambda: 0,
        held: Callable[[int], float] = lambda _unit: 0.0,
    ) -> None:
        self.name = name
        self.stats = PollStats()
        self.alive: Callable[[], None] = lambda: None
        self._link = link
        self._take = take
        self._clock = clock
        self._damaged = damaged  # the line's count of damaged frames so far
        self._held = held  # how long the line would make a question to this unit wait for late replies
        self._damage_seen = 0
        self._doubt_until = 0.0
        self._slots: list[_Slot] = []
        for driver in drivers:
            polls = driver.plan()
            unit = _Unit(driver, any(poll.urgent for poll in polls))
            self._slots += [_Slot(poll, unit, 0.0, 0) for poll in polls]
        self._slots.sort(key=lambda slot: not slot.poll.urgent)
        self._alone = len({id(slot.unit) for slot in self._slots}) == 1

    def works(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Its one task, by name."""
        return {f"poller {self.name}": self.run}

    async def run(self) -> None:
        """Poll, for ever."""
        began = self._clock.monotonic()
        later: list[tuple[float, int]] = []  # (due, slot index): slots that wait for their time
        ready: list[tuple[bool, float, int]] = []  # (not urgent, due, slot index): due now, alarm points first
        for index, slot in enumerate(self._slots):
            slot.due = began
            heapq.heappush(later, (slot.due, index))
        while self._slots:
            now = self._clock.monotonic()
            while later and later[0][0] <= now:
                due, index = heapq.heappop(later)
                heapq.heappush(ready, (not self._slots[index].poll.urgent, due, index))
            self.alive()
            if not ready:
                await asyncio.sleep(min(later[0][0] - now, 1.0))
                continue
            index = heapq.heappop(ready)[2]
            slot = self._slots[index]
            if not self._spared(slot, now):
                await self._ask(slot)
            slot.due = self._next(slot)
            heapq.heappush(later, (slot.due, index))

    def _spared(self, slot: _Slot, now: float) -> bool:
        """Set aside until the next probe, or held by the line: its neighbours do not wait for it."""
        return not self._alone and (now < slot.unit.aside_until or self._held(slot.poll.request.unit) > 0)

    def _next(self, slot: _Slot) -> float:
        interval = slot.poll.interval_s
        due = slot.due + interval
        late = self._clock.monotonic() - due
        if late > interval * LATE_SLOTS:
            missed = int(late / interval)
            self.stats.skipped += missed
            due += missed * interval
        return due

    async def _ask(self, slot: _Slot) -> None:
        unit, poll = slot.unit, slot.poll
        probing = unit.failures >= ASIDE_AFTER and not self._alone
        asked = self._clock.monotonic()
        self.stats.reads += 1
        try:
            words = await self._link.read(poll.request, max(PROBE_S, 4 * unit.usual_s) if probing else None)
            took = self._clock.monotonic() - asked  # of one read: a second one would show that a button moved (rule 6)
            if poll.urgent and words != slot.last and slot.last is not None and self._doubtful():
                words = await self._second(poll, words)
        except LinkError as error:
            self._missed(slot, error)
            return
        at = self._clock.monotonic()
        self.stats.latency_s = took
        unit.usual_s += (took - unit.usual_s) / 8
        if unit.lost:
            log.warning("device back link=%s device=%s", self.name, poll.device)
        unit.failures, unit.aside_until, unit.lost = 0, 0.0, ""
        slot.last = words
        self._take(unit.driver.decode(poll, words, at))

    def _doubtful(self) -> bool:
        """Damaged frames were seen just now: a changed bit may be noise that a checksum missed (1 in 65,536)."""
        damaged, now = self._damaged(), self._clock.monotonic()
        if damaged != self._damage_seen:
            self._damage_seen, self._doubt_until = damaged, now + DOUBT_S
        return now < self._doubt_until

    async def _second(self, poll: Poll, words: Words) -> Words:
        self.stats.doubted += 1
        try:
            return await self._link.read(poll.request)
        except LinkError:
            return words  # no second opinion to be had: an alarm is told on the first

    def _missed(self, slot: _Slot, error: LinkError) -> None:
        unit, poll = slot.unit, slot.poll
        self.stats.failed += 1
        self.stats.failures[error.failure] = self.stats.failures.get(error.failure, 0) + 1
        unit.failures += 1
        at = self._clock.monotonic()
        if unit.failures >= ASIDE_AFTER and error.failure is not Failure.NOT_CONNECTED:
            aside = ASIDE_S[min(unit.failures - ASIDE_AFTER, len(ASIDE_S) - 1)]
            unit.aside_until = at + (min(aside, ASIDE_URGENT_S) if unit.urgent else aside)
        if unit.lost != error.failure and unit.failures >= ASIDE_AFTER:
            unit.lost = error.failure
            log.warning(
                "device lost link=%s device=%s reason=%s detail=%s", self.name, poll.device, error.failure, error
            )
        self._take([Reading(point, None, Quality.FAILED, at, error.failure) for point in poll.points])
