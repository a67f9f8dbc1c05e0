"""Pictures on the card, beside the journal: one file each, 0600, named by its own SHA-256. Called in a worker thread.

A file is 16 bytes of salt and the picture. Its name is all that a fact says of it: without the salt, which goes with the
file, nobody can try out pictures, and erasing one breaks no chain. Bounded by days, by bytes, and by what the card has
left; what must make room is the oldest that is not held, then the oldest. Any OSError is the caller's to count.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import shutil
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sentinel.pictures import atomic
from sentinel.pictures.shot import MOST

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

DAYS = timedelta(days=90)
BYTES = 512 * 1024 * 1024
LEFT = 256 * 1024 * 1024  # of the card: the journal and the measured values come first
SALT = 16
REFERENCE = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class _File:
    bytes: int
    at: float  # when the picture was taken: the file's time


@dataclass(frozen=True, slots=True)
class Sealed:
    """A picture behind its salt: what lies on the card, and what a room is sent, which can prove it by its name."""

    ref: str
    whole: bytes = field(repr=False)


def sealed(data: bytes) -> Sealed:
    """With a salt of its own."""
    whole = secrets.token_bytes(SALT) + data
    return Sealed(hashlib.sha256(whole).hexdigest(), whole)


class Shelf:
    """One folder. One thread at a time."""

    def __init__(self, folder: Path, *, most: int = BYTES, left: int = LEFT, days: timedelta = DAYS) -> None:
        self._folder, self._most, self._left, self._days = folder, most, left, days
        self._files: dict[str, _File] | None = None
        self.bytes = 0
        self.erased = 0  # on time, or to make room

    def look(self) -> None:
        """Count what lies here, so that the first picture of this run changes no figure but by its own size."""
        if self._folder.is_dir():
            self._open()

    def keep(self, sealed: Sealed, at: datetime, held: Collection[str] = ()) -> None:
        """Durable when it returns; OSError when the card does not take it."""
        files = self._open()
        self._make_room(len(sealed.whole), held)
        atomic.write(self._folder / sealed.ref, sealed.whole, at.timestamp())
        files[sealed.ref] = _File(len(sealed.whole), at.timestamp())
        self.bytes += len(sealed.whole)

    def read(self, ref: str) -> bytes | None:
        """The picture, or None when it was erased, damaged or never here. From any thread."""
        if REFERENCE.fullmatch(ref) is None:
            return None
        try:
            with (self._folder / ref).open("rb") as file:
                whole = file.read(SALT + MOST + 1)
        except OSError:
            return None
        return whole[SALT:] if hashlib.sha256(whole).hexdigest() == ref else None

    def trim(self, now: datetime, held: Collection[str] = ()) -> None:
        """Erase what is older than its days and not held. Only with a clock that is right."""
        files = self._open()
        oldest = (now - self._days).timestamp()
        for ref in [ref for ref, one in files.items() if one.at < oldest and ref not in held]:
            self._erase(ref)

    def _make_room(self, wanted: int, held: Collection[str]) -> None:
        files = self._open()
        order = sorted(files, key=lambda ref: (ref in held, files[ref].at))
        while order and (self.bytes + wanted > self._most or self._lacks(wanted)):
            self._erase(order.pop(0))
        if self.bytes + wanted > self._most or self._lacks(wanted):
            raise OSError(errno.ENOSPC, "the card has no room for pictures")

    def _lacks(self, wanted: int) -> bool:
        return shutil.disk_usage(self._folder).free - wanted < self._left

    def _erase(self, ref: str) -> None:
        assert self._files is not None
        (self._folder / ref).unlink(missing_ok=True)
        self.bytes -= self._files.pop(ref).bytes
        self.erased += 1

    def _open(self) -> dict[str, _File]:
        """What lies here; what was half written when the power went is removed."""
        if self._files is not None:
            return self._files
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        files: dict[str, _File] = {}
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name.endswith(atomic.PARTIAL):
                    Path(entry.path).unlink()
                elif REFERENCE.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                    told = entry.stat(follow_symlinks=False)
                    files[entry.name] = _File(told.st_size, told.st_mtime)
        self._files = files
        self.bytes = sum(one.bytes for one in files.values())
        return files
