"""The strict Modbus TCP decoder: the same promise as `rtu.decode`, with the transaction number that was sent.

Pure. A well-formed reply to another transaction is passed over, because ours may still follow; transaction 0 is not ours.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from drivers.links.pdu import Question, answer
from sentinel.core.model import Failure
from sentinel.ports import LinkError

if TYPE_CHECKING:
    from sentinel.ports import Words

HEADER: Final = 7  # transaction, protocol, length, unit
SHORTEST: Final = 3  # of the length field: unit, function, code
LONGEST: Final = 254


def reply_size(question: Question) -> int:
    """Bytes on the socket when the unit agrees."""
    return HEADER + question.size


def decode(question: Question, number: int, came: bytes) -> Words | None:
    """The answer in all that `came` since the question; None while it may still become one; LinkError at once when not."""
    at = 0
    while len(came) - at >= HEADER:
        theirs, protocol, length, unit = struct.unpack_from(">HHHB", came, at)
        if protocol or not SHORTEST <= length <= LONGEST:
            raise LinkError(Failure.BAD_REPLY, f"no Modbus TCP header: {came[at : at + HEADER].hex(' ')}")
        end = at + HEADER - 1 + length
        if theirs == number:
            if unit != question.unit:
                raise LinkError(Failure.BAD_REPLY, f"unit {unit} answers for unit {question.unit}")
            if len(came) < end:
                return None
            if len(came) > end:
                raise LinkError(Failure.BAD_REPLY, f"unit {unit}: {len(came) - end} bytes after its reply")
            return answer(question, came[at + HEADER : end])
        at = end
    return None
