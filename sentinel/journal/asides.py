"""People, numbers and free text beside the chain. A fact holds only a reference with a salted hash, so that the text can
be erased on time and the chain stays whole. Functions over the journal's connection; `store` calls them.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

REFERENCE = re.compile(r"[0-9a-f]{8}:[0-9a-f]{64}")  # a short id, then SHA-256 over salt and text


def put(db: sqlite3.Connection, text: str, kind: str) -> str:
    """The reference of this text, the same one as long as the text is kept."""
    text = text.encode(errors="replace").decode()  # half a surrogate pair cannot be stored
    known = db.execute("SELECT ref FROM aside WHERE kind = ? AND text = ?", (kind, text)).fetchone()
    if known:
        return str(known[0])
    salt = secrets.token_bytes(16)
    ref = f"{secrets.token_hex(4)}:{digest(salt, text)}"
    db.execute("INSERT INTO aside (ref, kind, salt, text, last) VALUES (?, ?, ?, ?, 0)", (ref, kind, salt, text))
    return ref


def digest(salt: bytes, text: str) -> str:
    """What a reference says about its text. Without the salt, which goes with the text, nobody can try out numbers."""
    return hashlib.sha256(salt + text.encode()).hexdigest()


def reveal(db: sqlite3.Connection, ref: str) -> str | None:
    """The text, or None when it was erased or never known."""
    row = db.execute("SELECT text FROM aside WHERE ref = ?", (ref,)).fetchone()
    return None if row is None else row[0]


def erase(db: sqlite3.Connection, ref: str) -> bool:
    """Forget text and salt; False when there was nothing to forget."""
    done = db.execute("UPDATE aside SET salt = NULL, text = NULL WHERE ref = ? AND text IS NOT NULL", (ref,))
    return done.rowcount == 1


def named_by(db: sqlite3.Connection, n: int, line: str) -> None:
    """Note that the fact at place n is the last to name its references."""
    for ref in REFERENCE.findall(line):
        db.execute("UPDATE aside SET last = ? WHERE ref = ?", (n, ref))


def erase_named_up_to(db: sqlite3.Connection, n: int) -> None:
    """Drop what only pruned facts named."""
    db.execute("DELETE FROM aside WHERE last BETWEEN 1 AND ?", (n,))


def fault(db: sqlite3.Connection, named: set[str]) -> str:
    """What is wrong with the asides that facts name, or "" when nothing is."""
    missing = set(named)
    for ref, salt, text in db.execute("SELECT ref, salt, CAST(text AS BLOB) FROM aside"):
        missing.discard(ref)
        if text is not None and hashlib.sha256(salt + text).hexdigest() != ref[9:]:
            return f"the text beside the chain at {ref[:8]} was changed"
    return f"the text beside the chain at {min(missing)[:8]} was removed without being erased" if missing else ""
