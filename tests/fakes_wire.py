"""Units that misbehave on purpose, on a pty, on TCP and in virtual time. Every value names where it came from.

A register says unit, table and address; the last register of a block (the last eight bits of a bit block) says which
request it answers. So a wrong value and a stale one are each caught, whatever the wire did.
"""

from __future__ import annotations

import asyncio
import heapq
import os
import random
import select
import struct
import threading
import time
import tty
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count
from typing import TYPE_CHECKING, Self

from drivers.links.rtu import crc
from sentinel.core.model import Failure
from sentinel.ports import LinkError, Request, Table, Words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

CODE_OF = {Table.COIL: 1, Table.DISCRETE: 2, Table.HOLDING: 3, Table.INPUT: 4}


class Fault(StrEnum):
    """What a unit or a line can do to one reply."""

    LATE = "late"
    VERY_LATE = "very-late"
    SILENT = "silent"
    OTHER_UNIT = "other-unit"
    OTHER_FUNCTION = "other-function"
    SHORT = "short"
    LONG = "long"
    CHECKSUM = "checksum"
    JUNK_BEFORE = "junk-before"
    TAIL = "tail"
    ECHO = "echo"
    TRUNCATED = "truncated"
    EXCEPTION = "exception"
    SPLIT = "split"
    DUPLICATE = "duplicate"
    NOISE = "noise"
    # Only where frames have a transaction number:
    OTHER_NUMBER = "other-number"
    NUMBER_ZERO = "number-zero"
    BAD_HEADER = "bad-header"
    # Only where there is a connection:
    HANG_UP = "hang-up"


SERIAL_FAULTS = tuple(Fault)[: tuple(Fault).index(Fault.OTHER_NUMBER)]
HARMLESS = frozenset({Fault.SPLIT})  # the answer is still whole and in time


def name_of(unit: int, table: Table, address: int) -> int:
    """Sixteen bits that no other unit, table and address share (units below 16, addresses below 1024)."""
    return unit << 12 | (CODE_OF[table] - 1) << 10 | address


def good_reply(unit: int, pdu: bytes, serial: int) -> bytes:
    """The reply of an honest unit to a read or a write."""
    code, address, number = struct.unpack_from(">BHH", pdu)
    if code in {5, 6, 15, 16}:
        return pdu[:5]
    table = next(table for table, known in CODE_OF.items() if known == code)
    if code in {3, 4}:
        words = [name_of(unit, table, address + at) for at in range(number)]
        if number > 1:
            words[-1] = serial & 0xFFFF
        return struct.pack(f">BB{number}H", code, 2 * number, *words)
    return bytes((code, (number + 7) // 8)) + (_bits(unit, table, address, number, serial)).to_bytes(
        (number + 7) // 8, "little"
    )


def _bits(unit: int, table: Table, address: int, number: int, serial: int) -> int:
    name = name_of(unit, table, address)
    if number > 16:
        name |= (serial & 0xFF) << (number - 8)
    return name & ((1 << number) - 1)


def verdict(request: Request, words: Words, serial: int) -> str:
    """`right`, `stale` (the right place, an earlier request) or `wrong`."""
    assert len(words) == request.count
    if request.table in {Table.COIL, Table.DISCRETE}:
        same = tuple(
            _bits(request.unit, request.table, request.address, request.count, serial) >> at & 1
            for at in range(request.count)
        )
        where = min(16, request.count)
        return "right" if words == same else "stale" if words[:where] == same[:where] else "wrong"
    named = [name_of(request.unit, request.table, request.address + at) for at in range(request.count)]
    if request.count == 1:
        return "right" if words[0] == named[0] else "wrong"
    if list(words[:-1]) != named[:-1]:
        return "wrong"
    return "right" if words[-1] == serial & 0xFFFF else "stale"


@dataclass(frozen=True)
class Piece:
    """Some bytes, so long after the request's end; None hangs up."""

    after_s: float
    data: bytes | None


@dataclass
class Rascal:
    """One bus of units that answer honestly but for a share of replies. In order: a unit never overtakes itself."""

    chance: float
    timeout_s: float
    faults: Sequence[Fault] = SERIAL_FAULTS
    seed: int = 1
    numbered: bool = False  # Modbus TCP headers instead of checksums
    think_s: float = 0.0
    serial: int = 0
    injected: int = 0
    kinds: dict[Fault, int] = field(default_factory=dict)
    _rng: random.Random = field(init=False)
    _free_at: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)

    def reply(self, asked: bytes, now: float) -> list[Piece]:
        """What comes back for one request frame that ended at `now`."""
        self.serial += 1
        head, unit, pdu = (asked[:2], asked[6], asked[7:]) if self.numbered else (b"", asked[0], asked[1:-2])
        fault = self._rng.choice(self.faults) if self._rng.random() < self.chance else None
        if fault is not None:
            self.injected += 1
            self.kinds[fault] = self.kinds.get(fault, 0) + 1
        pieces = self._bend(fault, head, unit, pdu, asked)
        starts = now + self.think_s
        if fault is not Fault.OTHER_UNIT:
            starts = max(starts, self._free_at.get(unit, 0.0))
        if pieces:
            ends = starts + max(piece.after_s for piece in pieces)
            self._free_at[unit] = max(ends, self._free_at.get(unit, 0.0))
        return [Piece(starts - now + piece.after_s, piece.data) for piece in pieces]

    def _wrap(self, head: bytes, unit: int, pdu: bytes) -> bytes:
        if self.numbered:
            return head + struct.pack(">HHB", 0, len(pdu) + 1, unit) + pdu
        return bytes((unit,)) + pdu + crc(bytes((unit,)) + pdu)

    def _bend(self, fault: Fault | None, head: bytes, unit: int, pdu: bytes, asked: bytes) -> list[Piece]:
        rng, late = self._rng, self.timeout_s
        honest = good_reply(unit, pdu, self.serial)
        good = self._wrap(head, unit, honest)
        some = rng.randbytes(rng.randint(1, 6))
        cut = rng.randint(1, len(good) - 1)
        match fault:
            case None:
                return [Piece(0, good)]
            case Fault.LATE:
                return [Piece(late * rng.uniform(0.9, 1.5), good)]
            case Fault.VERY_LATE:
                return [Piece(late * rng.uniform(0.5, 6), good)]
            case Fault.SILENT:
                return []
            case Fault.OTHER_UNIT:
                other = unit % 4 + 1
                return [Piece(0, self._wrap(head, other, good_reply(other, pdu, self.serial)))]
            case Fault.OTHER_FUNCTION:
                code = 7 - pdu[0] if pdu[0] in {3, 4} else 3 - pdu[0] if pdu[0] in {1, 2} else 3
                return [Piece(0, self._wrap(head, unit, good_reply(unit, bytes((code,)) + pdu[1:], self.serial)))]
            case Fault.SHORT | Fault.LONG:
                number = struct.unpack_from(">H", pdu, 3)[0]
                by = rng.randint(1, 9) * (8 if pdu[0] in {1, 2} else 1)  # fewer bits in as many bytes would be no fault
                number = max(1, number - by) if fault is Fault.SHORT else number + by
                bent = pdu[:3] + struct.pack(">H", number) if pdu[0] < 5 else pdu[:3] + bytes(2)
                return [Piece(0, self._wrap(head, unit, good_reply(unit, bent, self.serial)))]
            case Fault.CHECKSUM:
                at = rng.randrange(len(good))
                return [Piece(0, good[:at] + bytes((good[at] ^ 1 << rng.randrange(8),)) + good[at + 1 :])]
            case Fault.JUNK_BEFORE:
                return [Piece(0, some + good)]
            case Fault.TAIL:
                return [Piece(0, good + some)]
            case Fault.ECHO:
                return [Piece(0, asked), Piece(0, good)]
            case Fault.TRUNCATED:
                return [Piece(0, good[:cut])]
            case Fault.EXCEPTION:
                return [Piece(0, self._wrap(head, unit, bytes((pdu[0] | 0x80, rng.choice((1, 2, 3, 4, 6, 10, 11))))))]
            case Fault.SPLIT:
                return [Piece(0, good[:cut]), Piece(late * 0.1, good[cut:])]
            case Fault.DUPLICATE:
                return [Piece(0, good), Piece(rng.choice((0, late * rng.uniform(0.01, 2))), good)]
            case Fault.NOISE:
                return [Piece(late * rng.random(), rng.randbytes(rng.randint(1, 40)))]
            case Fault.OTHER_NUMBER:
                other_head = struct.pack(">H", struct.unpack(">H", head)[0] - 1 & 0xFFFF)
                return [Piece(0, self._wrap(other_head, unit, honest))]
            case Fault.NUMBER_ZERO:
                return [Piece(0, self._wrap(b"\0\0", unit, honest))]
            case Fault.BAD_HEADER:
                return [Piece(0, rng.randbytes(rng.randint(7, 20)))]
            case Fault.HANG_UP:
                return [Piece(0, good[:cut] if rng.random() < 0.5 else b""), Piece(0, None)]


class VirtualLine:
    """A serial line in virtual time: `drivers.links.rtu_talk.Line`, and the clock that goes with it."""

    def __init__(self, rascal: Rascal, character_s: float = 0.00001) -> None:
        self.rascal = rascal
        self.now = 0.0
        self._character_s = character_s
        self._coming: list[tuple[float, int, bytes]] = []
        self._order = count()

    def clock(self) -> float:
        """Seconds, virtual."""
        return self.now

    def settle(self) -> bytes:
        """Wait for a true silence; the bytes that came meanwhile."""
        heard = bytearray()
        while True:
            self.now += 3.5 * self._character_s
            fresh = b"".join(data for _, data in self._until(self.now))
            heard += fresh
            if not fresh:
                return bytes(heard)

    def exchange(
        self, frame: bytes, size: int, timeout_s: float, decode: Callable[[bytes], Words | None]
    ) -> tuple[Words, int]:
        """The answer that `decode` finds and how many bytes came, or LinkError."""
        self.now += len(frame) * self._character_s
        for piece in self.rascal.reply(frame, self.now):
            assert piece.data is not None
            heapq.heappush(self._coming, (self.now + piece.after_s, next(self._order), piece.data))
        until = self.now + timeout_s
        came = b""
        for at, data in self._until(until):
            self.now = max(self.now, at)
            came += data
            words = decode(came)
            if words is not None:
                return words, len(came)
        self.now = until
        raise LinkError(Failure.BAD_REPLY if came else Failure.NO_REPLY, f"{len(came)} of {size} bytes")

    def close(self) -> None:
        """Nothing to give back."""

    def _until(self, until: float) -> Iterator[tuple[float, bytes]]:
        while self._coming and self._coming[0][0] <= until:
            at, _, data = heapq.heappop(self._coming)
            yield at, data


class PtyUnits:
    """A rascal behind a pty: open `port` as a serial port. No pacing: bytes go as fast as the kernel takes them."""

    def __init__(self, rascal: Rascal) -> None:
        self.rascal = rascal
        self._master, slave = os.openpty()
        tty.setraw(self._master)
        tty.setraw(slave)
        self.port = os.ttyname(slave)
        self._slave: int | None = slave  # held open so that the first opener finds a live line
        self._stop, self._stopped = os.pipe()
        self._thread = threading.Thread(target=self._serve, name="pty units", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()

    def unplug(self) -> None:
        """Pull the adapter out: the other end sees a hang-up."""
        if self._slave is not None:
            os.write(self._stopped, b".")
            self._thread.join()
            os.close(self._slave)
            os.close(self._master)
            os.close(self._stop)
            os.close(self._stopped)
            self._slave = None

    def _serve(self) -> None:
        coming: list[tuple[float, int, bytes]] = []
        order = count()
        asked = b""
        while True:
            wait = max(0.0, coming[0][0] - time.monotonic()) if coming else None
            ready = select.select([self._master, self._stop], [], [], wait)[0]
            if self._stop in ready:
                return
            if self._master in ready:
                asked += os.read(self._master, 512)
                size = _request_size(asked)
                if size and len(asked) >= size:
                    now = time.monotonic()
                    for piece in self.rascal.reply(asked[:size], now):
                        assert piece.data is not None
                        heapq.heappush(coming, (now + piece.after_s, next(order), piece.data))
                    asked = b""
            while coming and coming[0][0] <= time.monotonic():
                os.write(self._master, heapq.heappop(coming)[2])


def _request_size(asked: bytes) -> int:
    if len(asked) < 8:
        return 0
    return 9 + asked[6] if asked[1] in {15, 16} else 8


class TcpUnits:
    """A rascal behind a listening socket on 127.0.0.1, with transaction numbers or with RTU frames."""

    def __init__(self, rascal: Rascal) -> None:
        self.rascal = rascal
        self.port = 0
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.vanish()

    async def listen(self) -> None:
        """Take connections, on the same port again after `vanish`."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def vanish(self) -> None:
        """Hang up on everybody and listen no more."""
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await self._server.wait_closed()
        while self._writers:
            await asyncio.sleep(0.001)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        loop = asyncio.get_running_loop()
        try:
            while True:
                asked = await reader.readexactly(8)
                if self.rascal.numbered:
                    asked += await reader.readexactly(struct.unpack_from(">H", asked, 4)[0] - 2)
                elif asked[1] in {15, 16}:
                    asked += await reader.readexactly(1 + asked[6])
                for piece in self.rascal.reply(asked, loop.time()):
                    loop.call_later(piece.after_s, self._say, writer, piece.data)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    @staticmethod
    def _say(writer: asyncio.StreamWriter, data: bytes | None) -> None:
        if writer.is_closing():
            return
        if data is None:
            writer.close()
        else:
            writer.write(data)
