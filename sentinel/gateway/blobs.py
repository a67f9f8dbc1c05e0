"""Small pictures on their way to the rooms, in pieces: a queue that yields to facts and forgets its oldest. Pure.

    blob/<sha256>  {"code","camera","moment","at","size","n","of","data"}    data: base64 of a piece

Put together they are 16 bytes of salt and a JPEG, whose SHA-256 is the topic's and the fact's `ref`.
"""

from __future__ import annotations

from base64 import b64encode
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sentinel.core.encoding import canonical, stamp

if TYPE_CHECKING:
    from datetime import datetime

    from sentinel.core.facts import PictureMoment

PIECE = 8 * 1024  # bytes: on a line of 20 kbit/s a fact waits four seconds for one
WAITING = 48  # pictures; 3 MB at most


@dataclass(frozen=True, slots=True)
class Blob:
    """One picture for the rooms."""

    ref: str
    code: str
    camera: str
    moment: PictureMoment
    at: datetime
    whole: bytes = field(repr=False)


class Blobs:
    """What waits for one broker."""

    def __init__(self, most: int = WAITING) -> None:
        self._waiting: deque[Blob] = deque()
        self._most = most
        self._sent = 0  # pieces of the first one that are out

    def offer(self, blob: Blob) -> None:
        """One more; the oldest is the loser."""
        if len(self._waiting) >= self._most:
            self._waiting.popleft()
            self._sent = 0
        self._waiting.append(blob)

    def next(self) -> tuple[str, str] | None:
        """Topic (below the branch's) and payload of the piece that should leave now; None when nothing waits."""
        if not self._waiting:
            return None
        one = self._waiting[0]
        start = self._sent * PIECE
        body = {
            "code": one.code,
            "camera": one.camera,
            "moment": one.moment,
            "at": stamp(one.at),
            "size": len(one.whole),
            "n": self._sent,
            "of": _pieces(one),
            "data": b64encode(one.whole[start : start + PIECE]).decode(),
        }
        return f"blob/{one.ref}", canonical(body)

    def sent(self, topic: str) -> None:
        """The broker has that piece. Of a picture that was forgotten meanwhile nothing more leaves."""
        if not self._waiting or topic != f"blob/{self._waiting[0].ref}":
            return
        self._sent += 1
        if self._sent >= _pieces(self._waiting[0]):
            self._waiting.popleft()
            self._sent = 0


def _pieces(blob: Blob) -> int:
    return -(-len(blob.whole) // PIECE)
