"""Bytes in any pieces -> lines. For protocols whose messages end with CR, LF or both. Keeps one unfinished line, bounded."""

from __future__ import annotations

import re

_END = re.compile(rb"[\r\n]+")


class TextLines:
    """Whole lines, empty ones left out. One that is too long is dropped to its end and counted once."""

    def __init__(self, longest: int) -> None:
        self.dropped = 0
        self._longest = longest
        self._rest = b""
        self._skipping = False

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that these bytes finish, without their ends."""
        *lines, rest = _END.split(self._rest + data)
        found = []
        for line in lines:
            if self._skipping:
                self._skipping = False
            elif len(line) > self._longest:
                self.dropped += 1
            elif line:
                found.append(line)
        if self._skipping:
            rest = b""
        elif len(rest) > self._longest:
            self.dropped, self._skipping, rest = self.dropped + 1, True, b""
        self._rest = rest
        return found

    def clear(self) -> None:
        """The line is a new one: what was begun on the old is worth nothing."""
        self._rest, self._skipping = b"", False
