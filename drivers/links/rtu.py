"""The strict RTU decoder: from the bytes that followed one request to its answer, to "not all here yet", or to a failure.

Pure; the end of a reply is known by its length, never by silence. Called by the serial line and by RTU over TCP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from drivers.links.pdu import Question, answer
from sentinel.core.model import Failure
from sentinel.ports import LinkError

if TYPE_CHECKING:
    from sentinel.ports import Words

MOST_JUNK: Final = 4  # bytes that a transceiver may throw when it turns round; more is somebody else's frame
REFUSAL_FRAME: Final = 5  # unit, function | 0x80, code, two of checksum
SHORTEST_FRAME: Final = 4
LONGEST_FRAME: Final = 256


class ChecksumError(LinkError):
    """The right header and the wrong checksum: noise on this line. A changed alarm bit deserves a second read."""


def _table() -> tuple[int, ...]:
    rows = []
    for row in range(256):
        value = row
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
        rows.append(value)
    return tuple(rows)


_CRC: Final = _table()


def crc(data: bytes) -> bytes:
    """The two checksum bytes as they go over the line, low byte first."""
    value = 0xFFFF
    for byte in data:
        value = value >> 8 ^ _CRC[(value ^ byte) & 0xFF]
    return value.to_bytes(2, "little")


def frame(question: Question) -> bytes:
    """A question as it goes over the line."""
    body = bytes((question.unit,)) + question.pdu
    return body + crc(body)


def reply_size(question: Question) -> int:
    """Bytes on the line when the unit agrees."""
    return question.size + 3


def decode(question: Question, came: bytes) -> Words | None:
    """The answer in all that `came` since the question; None while it may still become one; LinkError at once when not."""
    head = bytes((question.unit,)) + question.opening
    no = bytes((question.unit,)) + question.no
    for skip in range(MOST_JUNK + 1):
        rest = came[skip:]
        if rest.startswith(head):
            size = reply_size(question)
        elif rest.startswith(no):
            size = REFUSAL_FRAME
        elif head.startswith(rest) or no.startswith(rest):
            return None
        else:
            continue
        if len(rest) < size:
            return None
        if crc(rest[: size - 2]) != rest[size - 2 : size]:
            raise ChecksumError(Failure.BAD_REPLY, f"unit {question.unit}: wrong checksum")
        if len(rest) > size:
            raise LinkError(Failure.BAD_REPLY, f"unit {question.unit}: {len(rest) - size} bytes after its reply")
        return answer(question, rest[1 : size - 2])
    raise LinkError(
        Failure.BAD_REPLY, f"unit {question.unit}: the line says {came[:8].hex(' ')}, not {head[:3].hex(' ')}"
    )


def whole_frame(came: bytes) -> bool:
    """True when `came` is exactly one frame with a right checksum: unasked, it is some unit's late reply."""
    return SHORTEST_FRAME <= len(came) <= LONGEST_FRAME and crc(came[:-2]) == came[-2:]
