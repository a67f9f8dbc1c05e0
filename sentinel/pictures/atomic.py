"""A file written whole or not at all, 0600, and durable when it returns. OSError leaves nothing behind."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PARTIAL = ".partial"


def write(path: Path, data: bytes, at: float | None = None) -> None:
    """`at`: the file's time, seconds since 1970."""
    partial = path.with_name(f".{path.name}{PARTIAL}")
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            if at is not None:
                os.utime(handle, (at, at))
            os.fsync(handle)
        partial.rename(path)
    except OSError:
        with suppress(OSError):
            partial.unlink()
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
