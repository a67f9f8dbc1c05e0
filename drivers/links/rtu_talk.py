"""The conversation on one serial line: open it, listen before speaking, ask, believe only the right reply, remember.

Blocking and free of asyncio; one caller, in one thread. Never retries. The clock and the line are handed in, so that a
million faults can be lived through in virtual time. Called by `modbus_rtu`.
"""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING, Protocol

from drivers.links.guard import Guard
from drivers.links.pdu import Question, RefusedError, reading
from drivers.links.presence import Presence
from drivers.links.rtu import ChecksumError, decode, frame, reply_size, whole_frame
from drivers.links.stats import Tally
from sentinel.core.model import Failure
from sentinel.ports import LinkError, Request, Words, Write

if TYPE_CHECKING:
    from collections.abc import Callable


class LaterError(Exception):
    """The unit has just talked out of turn: put its question off until it is silent again."""


class Line(Protocol):
    """What the conversation needs of a port. OSError means that the port is gone."""

    def settle(self) -> bytes:
        """Wait for a true silence; the bytes that came meanwhile."""

    def exchange(
        self, frame: bytes, size: int, timeout_s: float, decode: Callable[[bytes], Words | None]
    ) -> tuple[Words, int]:
        """The answer that `decode` finds and how many bytes came, or LinkError."""

    def close(self) -> None:
        """Give the port back."""


class Talk:
    """One master on one line."""

    def __init__(self, name: str, opener: Callable[[], Line], hold_s: float, clock: Callable[[], float]) -> None:
        self._name = name
        self._opener = opener
        self._clock = clock
        self._presence = Presence(name, random.Random().random)  # noqa: S311 - jitter, no secret
        self._line: Line | None = None
        self._proven = False  # the open port has given an answer
        self.guard = Guard(hold_s)
        self.tally = Tally()

    def wait_s(self, asked: Request | Write) -> float:
        """How long this question must wait for its unit; 0 while there is no line, so that it fails at once."""
        return self.guard.wait_s(asked, self._clock()) if self._line else 0.0

    def ask(self, asked: Request | Write, question: Question, timeout_s: float, *, patient: bool) -> Words:
        """The answer, LinkError, or (only when `patient`) LaterError.

        1. Open the port if need be, or fail at once while it is being left alone.
        2. Wait for silence; what is heard unasked is a late reply, and its unit is left alone.
        3. Where a reply on its way could be taken for ours, ask for something of another length and throw it away.
        4. Ask.
        """
        line = self._line or self._open()
        try:
            self._listen(line, asked, patient=patient)
            first = self.guard.first(asked) if isinstance(asked, Request) else None
            if first is not None:
                self._throw_away(line, first, timeout_s)
                self._listen(line, asked, patient=patient)
            return self._exchange(line, asked, question, timeout_s)
        except OSError as error:
            self.close()
            went = self._presence.lost if self._proven else self._presence.failed
            went(str(error), self._clock())
            self.guard.failed(asked, self._clock())
            raise self._failed(LinkError(Failure.NOT_CONNECTED, f"{self._name}: {error}")) from error

    def close(self) -> None:
        """Give the port back; the next question opens it again."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def _open(self) -> Line:
        wait_s = self._presence.wait_s(self._clock())
        if wait_s:
            why = f"{self._name}: {self._presence.why}; tried again in {wait_s:.1f} s"
            raise self._failed(LinkError(Failure.NOT_CONNECTED, why))
        try:
            self._line = self._opener()
        except OSError as error:
            self._presence.failed(str(error), self._clock())
            raise self._failed(LinkError(Failure.NOT_CONNECTED, f"{self._name}: {error}")) from error
        self._proven = False
        self.tally.connects += 1
        return self._line

    def _listen(self, line: Line, asked: Request | Write, *, patient: bool) -> None:
        try:
            unasked = line.settle()
        except LinkError as error:
            self.guard.failed(asked, self._clock())
            raise self._failed(error) from None
        if not unasked:
            return
        if not whole_frame(unasked):
            self.tally.junk_bytes += len(unasked)
            return
        self.tally.late_frames += 1
        self.guard.late(unasked[0], self._clock())
        if unasked[0] == asked.unit:
            if patient:
                raise LaterError
            text = f"unit {asked.unit} talks out of turn: raise its timeout"
            raise self._failed(LinkError(Failure.BAD_REPLY, text))

    def _throw_away(self, line: Line, first: Request, timeout_s: float) -> None:
        try:
            self._exchange(line, first, reading(first), timeout_s)
        except RefusedError as error:
            self.guard.unusable(first)
            raise LinkError(Failure.BAD_REPLY, f"not in step again: {error}") from error

    def _exchange(self, line: Line, asked: Request | Write, question: Question, timeout_s: float) -> Words:
        self.tally.requests += 1
        begun = self._clock()
        size = reply_size(question)
        try:
            words, came = line.exchange(frame(question), size, timeout_s, partial(decode, question))
        except RefusedError as error:
            self.guard.refused(asked, self._clock())
            self._works()
            raise self._failed(error) from None
        except LinkError as error:
            self.guard.failed(asked, self._clock())
            raise self._failed(error) from None
        self.guard.answered(asked, self._clock())
        self.tally.junk_bytes += came - size
        self.tally.answered(self._clock() - begun)
        self._works()
        return words

    def _works(self) -> None:
        self._proven = True
        self._presence.works(self._clock())

    def _failed(self, error: LinkError) -> LinkError:
        self.tally.failures[error.failure] += 1
        self.tally.crc_errors += isinstance(error, ChecksumError)
        return error
