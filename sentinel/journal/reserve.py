"""A file that only takes room: given back when the disk is full, so that an alarm can still be written. `store` uses it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

RESERVE_BYTES = 8 * 1024 * 1024  # some ten thousand facts: days of alarms


class Reserve:
    """`size` bytes really allocated beside the journal, or nothing."""

    def __init__(self, path: Path, size: int = RESERVE_BYTES) -> None:
        self.path = path
        self.size = size

    def intact(self) -> bool:
        """True when it can still help."""
        try:
            return self.path.stat().st_blocks * 512 >= self.size
        except OSError:
            return False

    def fill(self) -> bool:
        """Take the room, unless that would leave less than as much again for others; True when it is held."""
        if self.intact():
            return True
        try:
            disk = os.statvfs(self.path.parent)
            if disk.f_bavail * disk.f_frsize < 2 * self.size:
                return False
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                # A sparse file would hold nothing: fallocate takes blocks, or writes zeros where it cannot.
                os.posix_fallocate(handle, 0, self.size)
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError:
            self.free()
            return False
        return self.intact()

    def free(self) -> bool:
        """Give the room back; False when there was none to give."""
        try:
            held = self.path.stat().st_blocks > 0
            self.path.unlink()
        except OSError:
            return False
        return held
