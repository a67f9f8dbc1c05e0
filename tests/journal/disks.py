"""Disks that go wrong, for the journal's tests: a small one that is really full, with or without the right to mount."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sentinel.journal.reserve import Reserve
from sentinel.journal.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RESERVE = 256 * 1024


@contextmanager
def mounted(directory: Path, size: str) -> Iterator[bool]:
    """A tmpfs of this size at the directory; False where this user or container may not mount."""
    directory.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(directory)]
    done = shutil.which("mount") is not None and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield done
    finally:
        if done:
            subprocess.run(["umount", "--lazy", str(directory)], check=True)


@dataclass
class SmallDisk:
    """A place for a journal that runs full. Where nothing may be mounted SQLite itself counts the pages:

    the limit is raised by what the reserve held when it is given back, as a real disk would.
    """

    path: Path
    real: bool

    def open(self, reserve: int = RESERVE) -> Store:
        held = Reserve(self.path.with_name("reserve"), reserve)
        if self.real:
            return Store.open(self.path, reserve=held)
        counted = _CountedReserve(held.path, reserve)
        store = Store.open(self.path, reserve=counted)
        counted.store = store
        (pages,) = store._db.execute("PRAGMA page_count").fetchone()
        store._db.execute(f"PRAGMA max_page_count = {pages + 40}")
        return store


class _CountedReserve(Reserve):
    store: Store

    def free(self) -> bool:
        freed = super().free()
        if freed:
            (pages,) = self.store._db.execute("PRAGMA max_page_count").fetchone()
            self.store._db.execute(f"PRAGMA max_page_count = {pages + self.size // 4096}")
        return freed


@contextmanager
def small_disk(directory: Path) -> Iterator[SmallDisk]:
    with mounted(directory, "1m") as real:
        yield SmallDisk(directory / "journal.db", real)
