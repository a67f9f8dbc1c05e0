"""The framing of the DSC IT-100 and of the Envisalink's TPI: CCC, data, two hex digits of checksum, CR LF.

Pure. Used by the driver and by its simulator.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST = 600  # bytes of one line; the longest there is carries 256 characters (TPI 615, zone timers)
_LINE = re.compile(rb"(?:\d\d:\d\d:\d\d )?(\d{3}[\x20-\x7e]*)([0-9A-Fa-f]{2})")  # TPI 055 puts a time before the frame


@dataclass(frozen=True, slots=True)
class Frame:
    """One message: a three-digit command and its data."""

    command: str
    data: str


def checksum(body: bytes) -> int:
    """The sum of its bytes, modulo 256."""
    return sum(body) & 0xFF


def encode(command: str, data: str = "") -> bytes:
    """The frame as it goes onto the wire."""
    body = f"{command}{data}".encode("ascii", "replace")
    return b"%b%02X\r\n" % (body, checksum(body))


def decode(line: bytes) -> Frame | None:
    """One line without its end, or None when it is no frame."""
    found = _LINE.fullmatch(line)
    if found is None or checksum(found[1]) != int(found[2], 16):
        return None
    text = found[1].decode("ascii")
    return Frame(text[:3], text[3:])
