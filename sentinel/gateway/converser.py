"""One line on which a panel speaks when it likes: what it says goes to the rules, and it is answered when that is durable.

    line -> Conversation -> readings -> Sensing -> desk -> journal
                 '-> bytes at once            '-- durable, in time --> acknowledgement -> line

A panel that gets no acknowledgement says it again, or another way: it is the last who knows. So none is sent for what is
in memory only, none late, none over a line that was opened anew, and each waits for those before it. Nothing here keeps
what the panel says from being read: a full queue loses the acknowledgement, never the reading.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sentinel.core.model import Failure, Quality, Reading
from sentinel.gateway.poller import PollStats
from sentinel.ports import LinkError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from sentinel.core.model import Value
    from sentinel.ports import ByteLink, Clock, Conversation, Turn

log = logging.getLogger("sentinel.converser")

BACK_OFF_S = (1.0, 2.0, 5.0, 10.0, 30.0)
OPEN_S, SEND_S, CLOSE_S = 10.0, 6.0, 2.0  # the link has its own, shorter ones
TICK_S = 1.0
PENDING = 32  # acknowledgements that wait; the newest is the loser
OUTGOING = 65_536  # bytes that the line has not taken yet; more is a line that is stuck
QUIET_S = 60.0  # a line on which nothing is heard for so long, or for three of its points' times, is opened anew


@dataclass(slots=True)
class _Owed:
    """An acknowledgement that waits until what it is for is durable."""

    data: bytes
    durable: asyncio.Future[bool]
    until: float


class Converser:
    """Owns the talk on one link. `points`: "<device>.<point>" -> how often it is read or held while the panel is there.

    `hear` gets the readings of each turn, in order, and whether they are a sign of life; what it gives is True once all
    that follows is durable.
    """

    def __init__(
        self,
        name: str,
        link: ByteLink,
        conversation: Conversation,
        points: Mapping[str, float],
        hear: Callable[[list[Reading], bool], asyncio.Future[bool]],
        clock: Clock,
    ) -> None:
        self.name = name
        self.stats = PollStats()
        self.alive: Callable[[], None] = lambda: None
        self._link = link
        self._conversation = conversation
        self._points = tuple(points)
        self._quiet_s = max(QUIET_S, 3 * max(points.values(), default=0.0))
        self._hear = hear
        self._clock = clock
        self._lost = ""  # the failure that was logged
        self._tries = 0  # at opening the line, since something was heard on it
        self._heard_at = 0.0
        self._damaged = 0
        self._withheld = ""  # why the last acknowledgement was not given
        self._owed: deque[_Owed] = deque()
        self._outgoing = bytearray()
        self._known: dict[str, Value] = {}  # what each point said last
        self._owing, self._speaking = asyncio.Event(), asyncio.Event()

    def works(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Its tasks, by name."""
        return {f"converser {self.name}": self.run}

    async def run(self) -> None:
        """Open the line, talk until it is lost, and again; for ever."""
        while True:
            try:
                await self._open()
                await self._talk()
            except* LinkError as group:
                self._fail(_first(group))
            finally:
                self._forget()
                with suppress(TimeoutError, LinkError):
                    async with asyncio.timeout(CLOSE_S):
                        await self._link.close()
            await self._pause()

    async def _open(self) -> None:
        self.alive()
        try:
            async with asyncio.timeout(OPEN_S):
                await self._link.open()
        except TimeoutError:
            raise LinkError(Failure.NOT_CONNECTED, f"not opened within {OPEN_S:g} s") from None

    async def _talk(self) -> None:
        """Listen, keep time, say, acknowledge: until one of them finds the line gone."""
        now = self._heard_at = self._clock.monotonic()
        self._follow(self._conversation.opened(now), now)
        async with asyncio.TaskGroup() as group:
            for work in (self._listen, self._keep_time, self._speak, self._acknowledge):
                group.create_task(work(), name=f"{work.__name__} {self.name}")

    async def _listen(self) -> None:
        while True:
            data = await self._link.receive()
            now = self._heard_at = self._clock.monotonic()
            self._tries = 0
            if self._lost:
                log.warning("line back link=%s", self.name)
                self._lost = ""
            self._follow(self._conversation.feed(data, now), now)
            self.alive()

    async def _keep_time(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now = self._clock.monotonic()
            self._follow(self._conversation.tick(now), now)
            self._count_damaged()
            self.alive()
            if now - self._heard_at > self._quiet_s:  # half a connection looks just like a panel with nothing to say
                raise LinkError(Failure.NO_REPLY, f"nothing heard for {self._quiet_s:g} s")

    async def _speak(self) -> None:
        while True:
            await self._speaking.wait()
            self._speaking.clear()
            while self._outgoing:
                if len(self._outgoing) > OUTGOING:
                    raise LinkError(Failure.NOT_CONNECTED, "the line does not take what is said")
                data = bytes(self._outgoing)
                self._outgoing.clear()
                try:
                    async with asyncio.timeout(SEND_S):
                        await self._link.send(data)
                except TimeoutError:
                    raise LinkError(Failure.NOT_CONNECTED, f"took nothing within {SEND_S:g} s") from None

    async def _acknowledge(self) -> None:
        """In the order of the messages: one that overtook would be taken for the answer to the message before it."""
        while True:
            await self._owing.wait()
            self._owing.clear()
            while self._owed:
                owed = self._owed[0]
                await asyncio.wait((owed.durable,), timeout=max(0.0, owed.until - self._clock.monotonic()))
                if not owed.durable.done():
                    owed.durable.cancel()
                    self._note("late")
                elif not owed.durable.result():
                    self._note("not-durable")
                elif self._clock.monotonic() > owed.until:  # it waited for the one before it
                    self._note("late")
                else:
                    self._say(owed.data)
                    self._note("")
                self._owed.popleft()

    def _follow(self, turns: Sequence[Turn], now: float) -> None:
        for turn in turns:
            durable = None
            if turn.readings:
                # Rule 6: only what comes at its own time is counted. A message that comes by itself may be a hold-up.
                regular = self._is_sign_of_life(turn.readings)
                self.stats.reads += regular
                durable = self._hear(list(turn.readings), regular)
            if turn.send:
                self._say(turn.send)
            if turn.acknowledge:
                self._owe(turn, durable or self._hear([], False), now)
            elif durable is not None:
                durable.cancel()  # nobody waits for it

    def _owe(self, turn: Turn, durable: asyncio.Future[bool], now: float) -> None:
        if len(self._owed) >= PENDING:
            durable.cancel()
            self._note("too-many")
            return
        self._owed.append(_Owed(turn.acknowledge, durable, now + turn.within_s))
        self._owing.set()

    def _note(self, withheld: str) -> None:
        """Say once why the panel gets no acknowledgement, and once that it does again."""
        if withheld and not self._withheld:
            log.warning("panel not acknowledged link=%s reason=%s", self.name, withheld)
        elif self._withheld and not withheld:
            log.warning("panel acknowledged again link=%s", self.name)
        self._withheld = withheld

    def _say(self, data: bytes) -> None:
        if len(self._outgoing) <= OUTGOING:
            self._outgoing += data
        self._speaking.set()

    def _is_sign_of_life(self, readings: Sequence[Reading]) -> bool:
        """At least half of the points, as they were."""
        still = 0
        for reading in readings:
            if reading.quality is Quality.HELD:
                still += 1
            elif reading.value is not None:
                still += not reading.again and self._known.get(reading.point) == reading.value
                self._known[reading.point] = reading.value
        return 2 * still >= max(len(self._points), 1)

    def _count_damaged(self) -> None:
        damaged = self._conversation.damaged()
        self._failed(Failure.BAD_REPLY, damaged - self._damaged)
        self._damaged = damaged

    def _failed(self, failure: Failure, count: int = 1) -> None:
        if count > 0:
            self.stats.reads += count
            self.stats.failed += count
            self.stats.failures[failure] = self.stats.failures.get(failure, 0) + count

    def _fail(self, error: LinkError) -> None:
        """The line is gone: every point says so, so that the rules see the death of it."""
        self._failed(error.failure)
        if self._lost != error.failure:
            self._lost = error.failure
            log.warning("line lost link=%s reason=%s detail=%s", self.name, error.failure, error)
        at = self._clock.monotonic()
        self._hear([Reading(point, None, Quality.FAILED, at, error.failure) for point in self._points], False).cancel()

    def _forget(self) -> None:
        """What was owed or to be said belongs to the line that was lost."""
        for owed in self._owed:
            owed.durable.cancel()
        self._owed.clear()
        self._outgoing.clear()

    async def _pause(self) -> None:
        wait_s = BACK_OFF_S[min(self._tries, len(BACK_OFF_S) - 1)]
        self._tries += 1
        until = self._clock.monotonic() + wait_s
        while (left := until - self._clock.monotonic()) > 0:
            self.alive()
            await asyncio.sleep(min(left, TICK_S))


def _first(group: BaseExceptionGroup[LinkError]) -> LinkError:
    """One of them: each finds the same line gone."""
    return next(iter(_flat(group)))


def _flat(group: BaseExceptionGroup[LinkError]) -> Iterable[LinkError]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _flat(error)
        else:
            yield error
