"""What a Modbus question looks like, and the one reply that may be taken as its answer.

Pure, and strict towards the request: unit, function and byte count are taken from what was asked, never from what came.
Never guesses and never repairs. Called by the RTU decoder (`rtu.py`) and by the TCP link.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sentinel.core.model import Failure
from sentinel.ports import LinkError, Request, Table, Words, Write

READ_CODE: Final = {Table.COIL: 1, Table.DISCRETE: 2, Table.HOLDING: 3, Table.INPUT: 4}
MOST_BITS: Final = 2000  # Modbus application protocol 1.1b3, 6.1
MOST_REGISTERS: Final = 125  # the same, 6.3
MOST_WRITTEN_BITS: Final = 1968  # the same, 6.11
MOST_WRITTEN_REGISTERS: Final = 123  # the same, 6.12
NO_SUCH_WORDS: Final[Words] = ()

_BITS: Final = tuple(tuple(byte >> bit & 1 for bit in range(8)) for byte in range(256))  # first bit lowest
_MEANING: Final = {
    1: "function not supported",
    2: "no such address",
    3: "value or count not allowed",
    4: "device failure",
    5: "accepted, not done yet",
    6: "device busy",
    8: "memory parity error",
    10: "gateway has no path",
    11: "gateway got no reply from the unit",
}
_GATEWAY_SILENCE: Final = frozenset({10, 11})  # the gateway speaks; the unit behind it did not


class RefusedError(LinkError):
    """A Modbus exception: the answer is no. The exchange itself was in order, so the line needs no quiet time."""


@dataclass(frozen=True, slots=True)
class Question:
    """One request as bytes, with all that its answer must have."""

    unit: int
    pdu: bytes  # function code first, without unit and checksum
    opening: bytes  # how the reply must begin: function and byte count; of a write the whole reply
    size: int  # bytes in the reply's PDU
    count: int  # words in the answer; 0 for a write

    @property
    def no(self) -> bytes:
        """How a refusal begins."""
        return bytes((self.opening[0] | 0x80,))


@lru_cache(maxsize=2048)  # a plan asks the same few questions for years
def reading(request: Request) -> Question:
    """The bytes of a read. ValueError for a read that Modbus cannot express."""
    bits = request.table in {Table.COIL, Table.DISCRETE}
    _check(request.unit, request.address, request.count, MOST_BITS if bits else MOST_REGISTERS)
    code = READ_CODE[request.table]
    length = (request.count + 7) // 8 if bits else 2 * request.count
    return Question(
        unit=request.unit,
        pdu=struct.pack(">BHH", code, request.address, request.count),
        opening=bytes((code, length)),
        size=2 + length,
        count=request.count,
    )


def writing(write: Write) -> Question:
    """The bytes of a write: function 5 or 6 for one value, 15 or 16 for more. ValueError for an impossible one."""
    values, count = write.values, len(write.values)
    if write.table is Table.COIL:
        _check(write.unit, write.address, count, MOST_WRITTEN_BITS)
        if not set(values) <= {0, 1}:
            raise ValueError(f"coils are 0 or 1, not {values}")
        if count == 1:
            pdu = struct.pack(">BHH", 5, write.address, 0xFF00 * values[0])
        else:
            packed = sum(bit << at for at, bit in enumerate(values)).to_bytes((count + 7) // 8, "little")
            pdu = struct.pack(">BHHB", 15, write.address, count, len(packed)) + packed
    elif write.table is Table.HOLDING:
        _check(write.unit, write.address, count, MOST_WRITTEN_REGISTERS)
        if not all(0 <= value <= 0xFFFF for value in values):
            raise ValueError(f"registers are 0 to 65535, not {values}")
        if count == 1:
            pdu = struct.pack(">BHH", 6, write.address, values[0])
        else:
            pdu = struct.pack(f">BHHB{count}H", 16, write.address, count, 2 * count, *values)
    else:
        raise ValueError(f"a {write.table} table cannot be written")
    return Question(unit=write.unit, pdu=pdu, opening=pdu[:5], size=5, count=0)


def answer(question: Question, pdu: bytes) -> Words:
    """The words in a reply's PDU, exactly as many as were asked for; RefusedError, or LinkError when it is another's reply."""
    opening = question.opening
    if len(pdu) == question.size and pdu.startswith(opening):
        if not question.count:
            return NO_SUCH_WORDS
        if opening[0] > READ_CODE[Table.DISCRETE]:
            return struct.unpack_from(f">{question.count}H", pdu, 2)
        return tuple([bit for byte in pdu[2:] for bit in _BITS[byte]][: question.count])
    if len(pdu) == 2 and pdu[:1] == question.no:
        code = pdu[1]
        failure = Failure.NO_REPLY if code in _GATEWAY_SILENCE else Failure.REFUSED
        raise RefusedError(failure, f"unit {question.unit} answers exception {code} ({_MEANING.get(code, 'unlisted')})")
    raise LinkError(
        Failure.BAD_REPLY,
        f"unit {question.unit}: a reply of {len(pdu)} bytes that begins {pdu[:5].hex(' ')}, "
        f"not of {question.size} that begins {opening.hex(' ')}",
    )


def _check(unit: int, address: int, count: int, most: int) -> None:
    if not 0 <= unit <= 255:
        raise ValueError(f"unit {unit} is not in 0 to 255")
    if not 1 <= count <= most:
        raise ValueError(f"count {count} is not in 1 to {most}")
    if not 0 <= address <= 0x10000 - count:
        raise ValueError(f"addresses {address} to {address + count - 1} are not in 0 to 65535")
