"""Modbus TCP, and RTU frames over TCP, on pymodbus's client behind the guard.

pymodbus carries the bytes, numbers the transactions and encodes the questions. It takes short, foreign and unnumbered
replies for answers, so every byte that comes is judged here first and pymodbus is shown nothing but the one right frame;
a wrong frame or a lost connection ends the read at once. After any failed read the socket is thrown away: no stale bytes.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from drivers.links import mbap, rtu
from drivers.links.guard import Guard
from drivers.links.pdu import Question, RefusedError, reading, writing
from drivers.links.presence import Presence
from drivers.links.stats import LinkStats, Tally
from sentinel.core.model import Failure
from sentinel.ports import LinkError, Request, Table, Words, Write

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable
    from pathlib import Path

    from pymodbus.client import AsyncModbusTcpClient
    from pymodbus.pdu import ModbusPDU

LONGEST_S: Final = 60.0
MOST_WAITING: Final = 64  # the newest question is the loser: the poller asks again


class ModbusTcpOptions(BaseModel):
    """One Modbus TCP endpoint: a device, or a gateway with a bus behind it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["modbus-tcp"] = "modbus-tcp"
    host: str = Field(min_length=1)
    port: int = Field(default=502, ge=1, le=65535)
    timeout_s: float = Field(default=1.0, gt=0, le=30, description="for connecting and answering together")
    hold_s: float = Field(
        default=0.0,
        ge=0,
        le=60,
        description="quiet time of a unit after a failed read; only for gateways that mix up replies",
    )


class ModbusRtuTcpOptions(BaseModel):
    """One RS-485 bus behind a transparent converter: RTU frames on a TCP socket."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["modbus-rtu-tcp"] = "modbus-rtu-tcp"
    host: str = Field(min_length=1)
    port: int = Field(default=502, ge=1, le=65535)
    timeout_s: float = Field(default=1.0, gt=0, le=30, description="for connecting and answering together")
    hold_s: float | None = Field(
        default=None, ge=0, le=60, description="how late a unit may still answer; twice the timeout when not given"
    )


@dataclass(slots=True, eq=False)
class _Pending:
    """The one question that is out."""

    question: Question
    scope: asyncio.Timeout
    sent: bytes = b""
    words: Words | None = None
    error: LinkError | None = None

    def end(self, error: LinkError) -> None:
        """Wake the reader now instead of at its deadline."""
        if self.error is None and self.words is None:
            self.error = error
            if not self.scope.expired():
                self.scope.reschedule(0)


class ModbusTcp:
    """ports.Link[Request, Words] on one TCP endpoint. One question at a time; the others queue."""

    def __init__(
        self, options: ModbusTcpOptions | ModbusRtuTcpOptions, name: str = "", _folder: Path | None = None
    ) -> None:
        self._options = options
        self._name = name or f"{options.host}:{options.port}"
        self._rtu = isinstance(options, ModbusRtuTcpOptions)
        self._guard = Guard(2 * options.timeout_s if options.hold_s is None else options.hold_s)
        self._presence = Presence(self._name, random.Random().random)  # noqa: S311 - jitter, no secret
        self._tally = Tally()
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._client: AsyncModbusTcpClient | None = None
        self._pending: _Pending | None = None
        self._proven = False  # this socket has given an answer
        self._closed = False

    async def read(self, request: Request, timeout_s: float | None = None) -> Words:
        """The words of exactly this block, or LinkError."""
        question = reading(request)
        async with self._own_turn(request):
            if self._rtu and (first := self._guard.first(request)) is not None:
                await self._throw_away(first, timeout_s)
            return await self._exchange(request, question, timeout_s)

    async def write(self, write: Write) -> None:
        """Write, and believe only the exact echo. LinkError when it may not have been done."""
        question = writing(write)
        async with self._own_turn(write):
            await self._exchange(write, question, None)

    async def close(self) -> None:
        """Give the socket back; reads that are out or wait fail with NOT_CONNECTED."""
        self._closed = True
        if self._pending is not None:
            self._pending.end(LinkError(Failure.NOT_CONNECTED, f"{self._name} is closed"))
        self._drop()

    def held_s(self, unit: int) -> float:
        """How long a question to this unit would wait for late replies to be gone."""
        return self._guard.held_s(unit, time.monotonic())

    def stats(self) -> LinkStats:
        """The counters now."""
        return self._tally.snapshot()

    @asynccontextmanager
    async def _own_turn(self, asked: Request | Write) -> AsyncIterator[None]:
        """Wait out the unit's hold, then for the socket."""
        if self._waiting >= MOST_WAITING:
            raise LinkError(Failure.NO_REPLY, f"{self._name}: {MOST_WAITING} questions wait already")
        self._waiting += 1
        try:
            while True:
                async with self._turn:
                    now = time.monotonic()
                    wait_s = 0.0 if self._closed or self._presence.wait_s(now) else self._guard.wait_s(asked, now)
                    if not wait_s:
                        yield
                        return
                await asyncio.sleep(wait_s)
        finally:
            self._waiting -= 1

    async def _throw_away(self, first: Request, timeout_s: float | None) -> None:
        try:
            await self._exchange(first, reading(first), timeout_s)
        except RefusedError as error:
            self._guard.unusable(first)
            raise LinkError(Failure.BAD_REPLY, f"not in step again: {error}") from error

    async def _exchange(self, asked: Request | Write, question: Question, timeout_s: float | None) -> Words:
        """One question under one deadline. Whatever is not an answer or a proper refusal costs the socket."""
        self._tally.requests += 1
        begun = time.monotonic()
        in_order = False
        try:
            words = await self._converse(asked, question, timeout_s or self._options.timeout_s)
            in_order = True
        except RefusedError as error:
            in_order = True
            self._guard.refused(asked, time.monotonic())
            self._tally.failures[error.failure] += 1
            raise
        except LinkError as error:
            self._tally.failures[error.failure] += 1
            self._tally.crc_errors += isinstance(error, rtu.ChecksumError)
            raise
        finally:
            if in_order:
                self._proven = True
                self._presence.works(time.monotonic())
            else:  # a cancelled read too: its reply is still on its way
                self._drop()
        self._guard.answered(asked, time.monotonic())
        self._tally.answered(time.monotonic() - begun)
        return words

    async def _converse(self, asked: Request | Write, question: Question, timeout_s: float) -> Words:
        from pymodbus.exceptions import ModbusException

        pending: _Pending | None = None
        try:
            async with asyncio.timeout(timeout_s) as scope:
                client = self._client or await self._connect()
                self._pending = pending = _Pending(question, scope)
                try:
                    await _call(client, asked)
                except ModbusException as error:
                    pending.end(LinkError(Failure.NOT_CONNECTED, f"{self._name}: {error}"))
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                # pymodbus waits by asyncio.wait_for, which on 3.11 swallows a cancel that comes together with the reply.
                raise asyncio.CancelledError
        except TimeoutError:
            if pending is None:
                self._presence.failed(f"no connection within {timeout_s:g} s", time.monotonic())
                raise LinkError(Failure.NOT_CONNECTED, f"{self._name}: no connection within {timeout_s:g} s") from None
            if pending.error is None and pending.words is None:
                raise LinkError(Failure.NO_REPLY, f"{self._name}: no reply within {timeout_s:g} s") from None
        finally:
            self._pending = None
            if pending is not None and pending.words is None and not isinstance(pending.error, RefusedError):
                self._guard.failed(asked, time.monotonic())
        if pending.error is not None:
            raise pending.error
        if pending.words is None:
            raise LinkError(Failure.BAD_REPLY, f"{self._name}: pymodbus answered without a checked reply")
        return pending.words

    async def _connect(self) -> AsyncModbusTcpClient:
        from pymodbus.client import AsyncModbusTcpClient
        from pymodbus.framer import FramerType

        self._must_be_open()
        wait_s = self._presence.wait_s(time.monotonic())
        if wait_s:
            why = f"{self._name}: {self._presence.why}; tried again in {wait_s:.1f} s"
            raise LinkError(Failure.NOT_CONNECTED, why)
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # it prints frames at ERROR level
        logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)
        client = AsyncModbusTcpClient(
            self._options.host,
            port=self._options.port,
            framer=FramerType.RTU if self._rtu else FramerType.SOCKET,
            timeout=LONGEST_S,  # the deadline is ours: see _converse
            retries=0,  # a second try after a late reply takes every reply for the next question
            reconnect_delay=0,
            trace_packet=self._packet,
            trace_connect=self._connection,
        )
        client.set_max_no_responses(-1)
        try:
            there = await client.connect()
        except UnicodeError:  # a host name that cannot be one
            there = False
        if not there:
            self._presence.failed("no connection", time.monotonic())
            raise LinkError(Failure.NOT_CONNECTED, f"{self._name}: no connection")
        self._client = client
        self._must_be_open()  # it may have been closed meanwhile; the failed read drops the client
        self._proven = False
        self._tally.connects += 1
        return client

    def _must_be_open(self) -> None:
        if self._closed:
            raise LinkError(Failure.NOT_CONNECTED, f"{self._name} is closed")

    # --- Called by pymodbus ------------------------------------------------------------------------------------------

    def _packet(self, sending: bool, data: bytes) -> bytes:
        """All bytes since the question went out; what is returned is all that pymodbus gets to see."""
        pending = self._pending
        if pending is None:
            self._stray(data)
            return b""
        if sending:
            pending.sent = data
            return data
        try:
            if self._rtu:
                words, size = rtu.decode(pending.question, data), rtu.reply_size(pending.question)
            else:
                number = int.from_bytes(pending.sent[:2], "big")
                words, size = mbap.decode(pending.question, number, data), mbap.reply_size(pending.question)
        except LinkError as error:
            pending.end(error)
            return b""
        if words is None:
            return b""
        pending.words = words
        self._tally.junk_bytes += len(data) - size
        return data[-size:]

    def _connection(self, made: bool) -> None:
        if made:
            return
        self._client = None
        if self._pending is not None:  # a device that hangs up between questions is only saving sockets
            went = self._presence.lost if self._proven else self._presence.failed
            went("the other end hung up", time.monotonic())
            self._pending.end(LinkError(Failure.NOT_CONNECTED, f"{self._name}: the other end hung up"))

    def _stray(self, data: bytes) -> None:
        """Bytes that nobody waits for. Without transaction numbers a socket with such bytes cannot be trusted again."""
        if rtu.whole_frame(data) and self._rtu:
            self._tally.late_frames += 1
            self._guard.late(data[0], time.monotonic())
        else:
            self._tally.junk_bytes += len(data)
        self._drop()

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def _call(client: AsyncModbusTcpClient, asked: Request | Write) -> Awaitable[ModbusPDU]:
    unit, address = asked.unit, asked.address
    if isinstance(asked, Request):
        read = {
            Table.COIL: client.read_coils,
            Table.DISCRETE: client.read_discrete_inputs,
            Table.HOLDING: client.read_holding_registers,
            Table.INPUT: client.read_input_registers,
        }[asked.table]
        return read(address, count=asked.count, device_id=unit)
    if asked.table is Table.COIL:
        bits = [bool(value) for value in asked.values]
        if len(bits) == 1:
            return client.write_coil(address, bits[0], device_id=unit)
        return client.write_coils(address, bits, device_id=unit)
    if len(asked.values) == 1:
        return client.write_register(address, asked.values[0], device_id=unit)
    return client.write_registers(address, list(asked.values), device_id=unit)
