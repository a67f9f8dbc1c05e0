"""The signature under one question after another: which challenge is answered, how often its nonce was used. No I/O.

Reusing a nonce saves a round trip a question. Some recorders take each nonce once only (a Dahua NVR answers 401 to the
second use, without stale=true) and count what they refuse as a failed login: they are noticed once and then humoured.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drivers.digest import Challenge


@dataclass(slots=True)
class Signer:
    """The memory of one link. It keeps no password."""

    username: str
    challenge: Challenge | None = None
    single_use: bool = False
    basic: bool = False
    _cnonce: str = ""
    _count: int = 0

    def begin(self, challenge: Challenge) -> None:
        """A new nonce."""
        self.challenge, self._cnonce, self._count = challenge, secrets.token_hex(8), 0

    def forget(self) -> None:
        """The next question goes unsigned, to be given a new challenge."""
        self.challenge, self.basic = None, False

    def header(self, password: str, method: str, target: str) -> str | None:
        """The value of `Authorization`, or None when there is nothing to answer yet."""
        if self.basic:
            return "Basic " + base64.b64encode(f"{self.username}:{password}".encode()).decode()
        if self.challenge is None or (self.single_use and self._count):
            return None
        self._count += 1
        return self.challenge.answer(self.username, password, method, target, self._count, self._cnonce)
