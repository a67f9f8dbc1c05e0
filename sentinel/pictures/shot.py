"""One picture as a recorder gave it. Whether it can be shown is asked here once; nobody else looks at its bytes' form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

MOST = 6_000_000  # bytes of one picture; a main stream of 8 megapixels is half of it
SMALL = 60_000  # what leaves the branch at once must cross a thin line within seconds
START, END = b"\xff\xd8\xff", b"\xff\xd9"


@dataclass(frozen=True, slots=True)
class Shot:
    """One camera at one moment."""

    camera: str  # "<device>.<camera>"
    at: datetime
    data: bytes = field(repr=False)

    @property
    def small(self) -> bool:
        """It may leave as it is."""
        return len(self.data) <= SMALL


def is_picture(data: bytes) -> bool:
    """A whole JPEG of a size that can be kept. Some recorders fill up with zeros behind its end."""
    return data.startswith(START) and len(data) <= MOST and data.rstrip(b"\x00").endswith(END)
