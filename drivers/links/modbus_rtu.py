"""Modbus RTU on a serial port: one thread owns the port, the event loop only hands it questions.

The loop never touches the port and a busy loop never stretches a frame. A cancelled read is finished on the line and
its answer dropped: nothing may cut an exchange. Made by the composition root through `LINKS`.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from drivers.links.pdu import Question, reading, writing
from drivers.links.rtu_line import Timing, open_line
from drivers.links.rtu_talk import LaterError, Talk
from sentinel.core.model import Failure
from sentinel.ports import LinkError, Request, Words, Write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from drivers.links.stats import LinkStats

MOST_WAITING: Final = 64  # the newest question is the loser: the poller asks again
MOST_PUT_OFF: Final = 3  # times a question waits for a unit that talks out of turn


class ModbusRtuOptions(BaseModel):
    """One RS-485 bus on a serial port. Name the port by its lasting path, /dev/serial/by-id/..."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["modbus-rtu"] = "modbus-rtu"
    port: str = Field(min_length=1)
    baud: int = Field(default=9600, ge=300, le=1_000_000)
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1
    timeout_s: float = Field(default=0.3, gt=0, le=10, description="from the request's last byte to the reply's")
    hold_s: float | None = Field(
        default=None, ge=0, le=60, description="how late a unit may still answer; twice the timeout when not given"
    )
    fixed_silence: bool = Field(
        default=True,
        description="above 19200 Bd wait 1.75 ms between frames as the specification says, not 3.5 characters",
    )


@dataclass(slots=True, eq=False)
class _Job:
    asked: Request | Write
    question: Question
    timeout_s: float
    loop: asyncio.AbstractEventLoop
    result: asyncio.Future[Words]
    put_off: int = 0
    dropped: bool = False  # its caller went before its turn


class ModbusRtu:
    """ports.Link[Request, Words] on a serial port. Reads of a unit that is held wait; other units go on."""

    def __init__(self, options: ModbusRtuOptions, name: str = "", _folder: Path | None = None) -> None:
        self._options = options
        self._name = name or options.port
        timing = Timing.of(options.baud, options.parity, options.stop_bits, fixed_silence=options.fixed_silence)
        self._talk = Talk(
            self._name,
            partial(open_line, options.port, options.baud, options.parity, options.stop_bits, timing),
            hold_s=2 * options.timeout_s if options.hold_s is None else options.hold_s,
            clock=time.monotonic,
        )
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._waiting = 0  # counted in the event loop
        self._thread: threading.Thread | None = None
        self._closing = False

    async def read(self, request: Request, timeout_s: float | None = None) -> Words:
        """The words of exactly this block, or LinkError."""
        return await self._ask(request, reading(request), timeout_s)

    async def write(self, write: Write) -> None:
        """Write, and believe only the exact echo. LinkError when it may not have been done."""
        await self._ask(write, writing(write), None)

    async def close(self) -> None:
        """Finish the exchange that is on the line, fail the others, give the port back."""
        self._closing = True
        thread = self._thread
        if thread is not None:
            self._jobs.put(None)
            await asyncio.to_thread(thread.join)

    def held_s(self, unit: int) -> float:
        """How long a question to this unit would wait for late replies to be gone."""
        return self._talk.guard.held_s(unit, time.monotonic())

    def stats(self) -> LinkStats:
        """The counters now."""
        return self._talk.tally.snapshot()

    async def _ask(self, asked: Request | Write, question: Question, timeout_s: float | None) -> Words:
        if not 1 <= asked.unit <= 247:
            raise ValueError(f"unit {asked.unit} is not in 1 to 247")
        if self._closing:
            raise self._gone()
        if self._waiting >= MOST_WAITING:
            raise LinkError(Failure.NO_REPLY, f"{self._name}: {MOST_WAITING} questions wait already")
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=f"rtu {self._name}", daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        job = _Job(asked, question, timeout_s or self._options.timeout_s, loop, loop.create_future())
        self._waiting += 1
        self._jobs.put(job)
        try:
            return await job.result
        finally:
            job.dropped = True
            self._waiting -= 1

    def _gone(self) -> LinkError:
        return LinkError(Failure.NOT_CONNECTED, f"{self._name} is closed")

    # --- The port's own thread ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        waiting: list[_Job] = []
        job: _Job | None = None
        try:
            while (job := self._next(waiting)) is not None:
                self._serve(job, waiting)
        finally:  # closed, or a defect: then the traceback is printed, nobody waits for ever, the next read begins anew
            self._talk.close()
            self._thread = None
            while not self._jobs.empty():
                self._take(waiting, None)
            for left in (*waiting, job):
                if left is not None:
                    _tell(left, partial(_fail, left.result, self._gone()))

    def _serve(self, job: _Job, waiting: list[_Job]) -> None:
        try:
            words = self._talk.ask(job.asked, job.question, job.timeout_s, patient=job.put_off < MOST_PUT_OFF)
        except LaterError:
            job.put_off += 1
            waiting.insert(0, job)
        except LinkError as error:
            _tell(job, partial(_fail, job.result, error))
        else:
            _tell(job, partial(_give, job.result, words))

    def _next(self, waiting: list[_Job]) -> _Job | None:
        """The first question whose unit may be asked now; None when the link closes."""
        while True:
            wait_s: float | None = None
            while not self._jobs.empty():
                self._take(waiting, None)
            if self._closing:
                return None
            waiting[:] = [job for job in waiting if not job.dropped]
            for at, job in enumerate(waiting):
                held_s = self._talk.wait_s(job.asked)
                if not held_s:
                    return waiting.pop(at)
                wait_s = held_s if wait_s is None else min(wait_s, held_s)
            self._take(waiting, wait_s)

    def _take(self, waiting: list[_Job], wait_s: float | None) -> None:
        try:
            job = self._jobs.get(timeout=wait_s)
        except queue.Empty:
            return
        if job is not None:
            waiting.append(job)


def _tell(job: _Job, what: Callable[[], None]) -> None:
    if not job.loop.is_closed():
        job.loop.call_soon_threadsafe(what)


def _give(result: asyncio.Future[Words], words: Words) -> None:
    if not result.done():
        result.set_result(words)


def _fail(result: asyncio.Future[Words], error: LinkError) -> None:
    if not result.done():
        result.set_exception(error)
