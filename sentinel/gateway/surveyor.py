"""One link to a device that is looked into round by round: a recorder. What its rounds find goes to the rules.

The schedule of each round is absolute, as the poller's; a round never overlaps itself, and other rounds do not wait for it.
The questions of a round that may be asked together are. The device's own stream of events only makes a round come at
once: without it nothing is lost but seconds, so a stream that drops is no alarm.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from sentinel.core.model import Failure, Quality, Reading
from sentinel.gateway.poller import PollStats
from sentinel.ports import LinkError, Moment

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from sentinel.ports import Assessor, Clock, Hints, HttpRequest, Link, Round

log = logging.getLogger("sentinel.surveyor")

ROUND_S = 60.0  # a round may take so long, or its own interval where that is longer
HURRIED_S = 2.0  # rounds that are hurried begin at most so often
NAP_S = 10.0  # the longest without a sign of life
STREAM_BACK_S = (0.0, 2.0, 5.0, 15.0, 60.0)  # a dropped stream is opened again at once, then less and less often
STREAM_QUIET_S = 120.0  # of a stream without even a heartbeat: half a connection
STREAM_GOOD_S = 30.0  # one that stood so long counts as opened
MET = frozenset({Failure.CREDENTIAL, Failure.LOCKED, Failure.REFUSED})  # the device itself spoke


class Streaming(Protocol):
    """A link that can hand over an answer as it comes."""

    def stream(self, request: HttpRequest) -> AsyncGenerator[bytes, None]:
        """The bytes of an answer that never ends; LinkError when it does."""


@dataclass(slots=True)
class _Course:
    """One round with its place in the schedule."""

    round: Round
    due: float = 0.0
    began: float = -HURRIED_S
    wanted: asyncio.Event = field(default_factory=asyncio.Event)


class Surveyor:
    """Owns the questions to one device. `take` gets the readings of each round."""

    def __init__(
        self,
        name: str,
        link: Link[Any, Any],
        assessor: Assessor,
        take: Callable[[list[Reading]], object],
        clock: Clock,
        zone: ZoneInfo,
        hints: tuple[Hints, Streaming] | None = None,
    ) -> None:
        self.name = name
        self.stats = PollStats()
        self.alive: Callable[[], None] = lambda: None
        self._link = link
        self._assessor = assessor
        self._take = take
        self._clock = clock
        self._zone = zone
        self._hints = hints
        self._courses = {one.name: _Course(one) for one in assessor.rounds()}
        self._first = next(iter(self._courses), "")
        self._met = (
            asyncio.Event()
        )  # the device has answered once in this run: until then it is asked one thing at a time
        self._answers = 0  # of the device itself, so far
        self._why = ""  # the last failure in words
        self._reason: Failure | None = None
        self._lost = False  # as it was logged

    def works(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Its tasks, by name: one that falls takes no other with it."""
        works: dict[str, Callable[[], Awaitable[None]]] = {
            f"round {self.name} {name}": partial(self._keep_on, course) for name, course in self._courses.items()
        }
        if self._hints is not None:
            works[f"stream {self.name}"] = partial(self._keep_streaming, *self._hints)
        return works

    @property
    def met(self) -> Assessor | None:
        """Who knows how the device is asked, once it has answered in this run."""
        return self._assessor if self._met.is_set() else None

    def hurry(self, name: str) -> None:
        """Let this round come at once. Its schedule stays."""
        if (course := self._courses.get(name)) is not None:
            course.wanted.set()

    # --- Rounds ------------------------------------------------------------------------------------------------------

    async def _keep_on(self, course: _Course) -> None:
        if course.round.name != self._first:
            await self._met.wait()
        course.due = self._clock.monotonic()
        while True:
            await self._until_due(course)
            course.began = self._clock.monotonic()
            await self._go(course.round)
            self._reschedule(course)

    async def _until_due(self, course: _Course) -> None:
        """Sleep until its time, or until it is hurried and the last one is long enough ago."""
        while (now := self._clock.monotonic()) < course.due:
            self.alive()
            if course.wanted.is_set():
                soonest = min(course.due, course.began + HURRIED_S)
                if now >= soonest:
                    break
                await asyncio.sleep(soonest - now)
            else:
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(course.due - now, NAP_S)):
                        await course.wanted.wait()
        course.wanted.clear()
        self.alive()

    def _reschedule(self, course: _Course) -> None:
        now, every_s = self._clock.monotonic(), course.round.every_s
        if now < course.due:
            return  # it was hurried
        course.due += every_s
        if now - course.due >= every_s:
            missed = int((now - course.due) / every_s)
            self.stats.skipped += missed
            course.due += missed * every_s

    async def _go(self, one: Round) -> None:
        """One round: its readings, or why there are none."""
        limit_s = max(ROUND_S, one.every_s)
        failure: Failure | None = Failure.BAD_REPLY  # it fell: its supervisor has the traceback
        task, answers = asyncio.current_task(), self._answers
        try:
            async with asyncio.timeout(limit_s):
                self._take(await self._assess(one.name))
            failure = None
        except TimeoutError:  # one that answers, however slowly, was not carried away
            failure = Failure.NO_REPLY if self._answers == answers else Failure.REFUSED
            log.warning("round not finished link=%s round=%s within_s=%g", self.name, one.name, limit_s)
        finally:
            if failure is not None and not (task is not None and task.cancelling()):
                self._take(self._failed(one, failure))
        if self._answers == answers and not self._lost:
            self._lost = True
            log.warning("device lost link=%s reason=%s detail=%s", self.name, self._reason, self._why)
        if not self._met.is_set():  # nobody there: the others are not even asked, and say so
            for course in self._courses.values():
                if course.round is not one:
                    self._take(self._failed(course.round, self._reason or Failure.NO_REPLY))

    def _failed(self, one: Round, reason: Failure) -> list[Reading]:
        at = self._clock.monotonic()
        return [Reading(point, None, Quality.FAILED, at, reason) for point in one.points]

    async def _assess(self, name: str) -> list[Reading]:
        moment = Moment(self._clock.now().astimezone(self._zone), self._clock.monotonic(), self._clock.synchronised())
        asking = self._assessor.assess(name, moment)
        try:
            questions = next(asking)
            while True:
                answers = await self._ask_all(questions)
                questions = asking.send(answers)
        except StopIteration as end:
            found: list[Reading] = end.value
            return found
        finally:
            asking.close()

    async def _ask_all(self, questions: Sequence[Any]) -> list[Any]:
        answers = []
        waiting = list(questions)
        while waiting and not self._met.is_set():
            answers.append(await self._ask(waiting.pop(0)))
        return [*answers, *await asyncio.gather(*map(self._ask, waiting))]

    async def _ask(self, question: Any) -> Any:
        """Its answer, or the LinkError in its place. The deadline is the question's own, from its turn."""
        asked = self._clock.monotonic()
        self.stats.reads += 1
        self.alive()
        try:
            answer = await self._link.read(question)
        except LinkError as error:
            self._missed(error)
            return error
        self.stats.latency_s = self._clock.monotonic() - asked
        self._heard()
        return answer

    def _heard(self) -> None:
        self._met.set()
        self._answers += 1
        if self._lost:
            self._lost = False
            log.warning("device back link=%s", self.name)

    def _missed(self, error: LinkError) -> None:
        if error.failure is Failure.UNSUPPORTED:
            self._heard()
            return
        self._reason, self._why = error.failure, str(error)
        self.stats.failed += 1
        self.stats.failures[error.failure] = self.stats.failures.get(error.failure, 0) + 1
        if error.failure in MET:
            self._met.set()

    # --- The stream of events ------------------------------------------------------------------------------------------

    async def _keep_streaming(self, hints: Hints, link: Streaming) -> None:
        await self._met.wait()
        drops = 0
        while True:
            opened = self._clock.monotonic()
            why = await self._listen(hints, link)
            stood_s = self._clock.monotonic() - opened
            drops = 0 if stood_s >= STREAM_GOOD_S else drops + 1
            if drops <= 1:
                log.info("stream dropped link=%s detail=%s", self.name, why)
            await asyncio.sleep(STREAM_BACK_S[min(drops, len(STREAM_BACK_S) - 1)])

    async def _listen(self, hints: Hints, link: Streaming) -> str:
        """Until it drops; why it did."""
        pieces = link.stream(hints.request())
        try:
            while True:
                async with asyncio.timeout(STREAM_QUIET_S):
                    piece = await anext(pieces)
                for name in hints.feed(piece):
                    self.hurry(name)
        except (LinkError, TimeoutError, StopAsyncIteration) as error:
            return str(error) or type(error).__name__
        finally:
            await pieces.aclose()
