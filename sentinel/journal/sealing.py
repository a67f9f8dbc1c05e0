"""Pruning old facts: how far it may go, and doing it. Functions over the journal's connection; only `store` calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sentinel.journal import asides

if TYPE_CHECKING:
    import sqlite3

SEAL_AT_ONCE = 10_000  # facts pruned by one sealing: a bounded transaction; the rest goes next time


def start(db: sqlite3.Connection) -> int:
    """The place of the last pruned fact, 0 while there is none."""
    (n,) = db.execute("SELECT n FROM start").fetchone()
    return int(n)


def last_to_go(db: sqlite3.Connection, wanted: int) -> tuple[int, int, str] | None:
    """Place, sequence number and hash of the last fact that may be pruned up to `wanted`; None when there is none.

    The facts of a notice that has not left stay, and those after them.
    """
    begin = start(db)
    (live,) = db.execute("SELECT min(seq + base) FROM outbox JOIN epoch ON id = epoch WHERE done_at IS NULL").fetchone()
    last = min(wanted, begin + SEAL_AT_ONCE, wanted if live is None else live - 1)
    if last <= begin:
        return None
    seq, digest = db.execute(
        "SELECT n - (SELECT max(base) FROM epoch WHERE base < n), hash FROM fact WHERE n = ?", (last,)
    ).fetchone()
    return last, seq, digest


def prune(db: sqlite3.Connection, last: int, digest: str) -> None:
    """Remove facts up to this place, the final rows they queued and the texts that only they named."""
    db.execute("UPDATE start SET n = ?, hash = ?", (last, digest))
    db.execute("DELETE FROM fact WHERE n <= ?", (last,))
    db.execute(
        "DELETE FROM outbox WHERE done_at IS NOT NULL AND seq + (SELECT base FROM epoch WHERE id = epoch) <= ?",
        (last,),
    )
    asides.erase_named_up_to(db, last)
