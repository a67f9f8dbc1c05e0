"""Telling from memory while the journal cannot be written (bare mode): the outbox without a disk.

Every notice that the desk decides then is sent from here, critical ones first, again and again until it left or the
journal is back (then the late rows take over; what already left is known by its fact). Bounded: the oldest notice
that is not of a critical incident is the loser.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from sentinel.core.decide import Report
from sentinel.core.incident import NoticeState
from sentinel.ports import ChannelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sentinel.core.decide import Event
    from sentinel.core.facts import NoticeQueued
    from sentinel.ports import Channel, Letter

log = logging.getLogger("sentinel.memory")

HELD = 500
AGAIN_S = 5.0
SEND_S = 30.0


class MemoryOutbox:
    """Sends `NoticeQueued` facts that no disk holds. `letter` makes the letter, saying that it is told from memory."""

    def __init__(
        self,
        channel: Callable[[str], Channel | None],
        letter: Callable[[NoticeQueued], Letter | None],
        submit: Callable[[Event], asyncio.Future[None]],
    ) -> None:
        self._channel = channel
        self._letter = letter
        self._submit = submit
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._loud: set[str] = set()
        self._unwanted: set[str] = set()

    def tell(self, fact: NoticeQueued) -> None:
        """Send this one as soon as its channel takes it."""
        if fact.notice in self._sending:
            return
        if len(self._sending) >= HELD:
            loser = next((id_ for id_ in self._sending if id_ not in self._loud), fact.notice)
            log.error("too many notices in memory, one is dropped notice=%s", loser)
            self._failed(loser, 0, "too many in memory")
            if loser == fact.notice:
                return
            self._sending.pop(loser).cancel()
        if fact.priority <= 1:
            self._loud.add(fact.notice)
        task = asyncio.create_task(self._send(fact), name=f"from memory {fact.notice}")
        self._sending[fact.notice] = task
        task.add_done_callback(lambda ended: self._forget(fact.notice, ended))

    def withdraw(self, notice: str) -> None:
        """It was answered: a try that is under way may end, no other begins."""
        if notice in self._sending:
            self._unwanted.add(notice)

    def stop(self) -> None:
        """The journal is back: its rows are sent by the outbox."""
        for task in list(self._sending.values()):
            task.cancel()

    def _failed(self, notice: str, attempt: int, reason: str) -> None:
        """The ladder's next round tells this contact anew, which it does not while a notice waits."""
        self._submit(Report(notice, NoticeState.FAILED, attempt, reason))

    def _forget(self, notice: str, ended: asyncio.Task[None]) -> None:
        if not ended.cancelled() and (error := ended.exception()) is not None:
            log.error("telling from memory fell notice=%s", notice, exc_info=error)
            self._failed(notice, 0, type(error).__name__)
        self._sending.pop(notice, None)
        self._loud.discard(notice)
        self._unwanted.discard(notice)

    async def _send(self, fact: NoticeQueued) -> None:
        attempt = 0
        while fact.notice not in self._unwanted:
            attempt += 1
            try:
                channel, letter = self._channel(fact.channel), self._letter(fact)
                if channel is None or letter is None:
                    log.error("nobody to tell from memory notice=%s channel=%s", fact.notice, fact.channel)
                    self._failed(fact.notice, attempt, "no channel or no letter")
                    return
                async with asyncio.timeout(SEND_S):
                    await channel.send(letter)
            except ChannelError as error:
                if error.permanent:
                    log.error("told from memory: refused for good notice=%s", fact.notice)
                    self._failed(fact.notice, attempt, str(error))
                    return
            except LookupError as error:  # an address that is a secret and is not there now
                if attempt == 1:
                    log.error("told from memory: no address notice=%s reason=%s", fact.notice, error)
            except TimeoutError:
                pass
            else:
                self._submit(Report(fact.notice, NoticeState.SENT, attempt))
                return
            await asyncio.sleep(AGAIN_S)
