"""How far others are: each room's cursor, and the checkpoint of the computed state. Functions over the connection."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a room says it has the journal."""

    epoch: str
    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state after fact `seq` of this epoch, as that version of the code computed it."""

    seq: int
    code_version: str
    blob: bytes


def cursor(db: sqlite3.Connection, room: str) -> Cursor | None:
    """By the room's last receipt."""
    row = db.execute("SELECT epoch, seq, hash FROM cursor WHERE room = ?", (room,)).fetchone()
    return Cursor(*row) if row else None


def set_cursor(db: sqlite3.Connection, room: str, at: Cursor) -> None:
    """Note a room's receipt."""
    db.execute("INSERT OR REPLACE INTO cursor VALUES (?, ?, ?, ?)", (room, at.epoch, at.seq, at.hash))


def checkpoint(db: sqlite3.Connection, head: int) -> Checkpoint | None:
    """None when there is none, or it is damaged or beyond the head: replay from the start."""
    row = db.execute("SELECT seq, code_version, blob, digest FROM checkpoint").fetchone()
    if row is None or row[0] > head or hashlib.sha256(row[2]).hexdigest() != row[3]:
        return None
    return Checkpoint(*row[:3])


def save_checkpoint(db: sqlite3.Connection, kept: Checkpoint) -> None:
    """Keep it in place of the last one."""
    values = (kept.seq, kept.code_version, hashlib.sha256(kept.blob).hexdigest(), kept.blob)
    db.execute("INSERT OR REPLACE INTO checkpoint VALUES (1, ?, ?, ?, ?)", values)
