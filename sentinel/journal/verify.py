"""Proves that a journal is what was written: every hash, every number, the outbox and the texts beside the chain.

Reads only. `verify(path)` is for a copied or stopped journal; the running daemon takes `Verification` step by step on
its own connection, so that alarms do not wait for it.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from sentinel.core.chain import GENESIS, chain, line, parse
from sentinel.core.encoding import canonical
from sentinel.core.facts import (
    EpochBegan,
    NoticeDelivered,
    NoticeFailed,
    NoticeQueued,
    NoticeSent,
    NoticeWithdrawn,
    Sealed,
)
from sentinel.core.incident import NoticeState
from sentinel.journal import asides
from sentinel.journal.database import lock_path
from sentinel.journal.errors import JournalRefused
from sentinel.journal.outbox import LIVE, NEXT

if TYPE_CHECKING:
    from pathlib import Path

    from sentinel.core.facts import Recorded

STEP = 2_000
ROWS_STEP = 500  # of the outbox: for each of them its fact is read


@dataclass(frozen=True, slots=True)
class Report:
    """The verdict. `first_bad_seq` is None when all is good, or when what is wrong is not a fact."""

    ok: bool
    facts: int
    epoch: str
    head: str
    first_bad_seq: int | None
    why: str


class _BadError(Exception):
    def __init__(self, seq: int | None, why: str) -> None:
        super().__init__(why)
        self.seq = seq


class Verification:
    """One walk over a journal. Call `step` until it gives the report."""

    def __init__(self) -> None:
        self._n = -1
        self._hash = GENESIS
        self._facts = 0
        self._epoch = ""
        self._seals: set[str] = set()  # every hash that a Sealed fact names
        self._refs: set[str] = set()
        # As the facts have it, with the place of its NoticeQueued.
        self._notices: dict[str, tuple[NoticeState, int]] = {}
        self._oldest_row = 0
        self._row: str | None = None  # the last notice in the outbox that was compared
        self._rows_done = False

    def step(self, db: sqlite3.Connection, limit: int = STEP) -> Report | None:
        """Check the next facts; the report at the end, or as soon as something is wrong."""
        try:
            return self._step(db, limit)
        except _BadError as bad:
            return self._report(bad.seq, str(bad))
        except (sqlite3.DatabaseError, ValueError, TypeError, IndexError) as error:
            return self._report(None, f"the file is damaged: {error}")

    def _report(self, seq: int | None, why: str) -> Report:
        return Report(not why, self._facts, self._epoch, self._hash, seq, why)

    def _step(self, db: sqlite3.Connection, limit: int) -> Report | None:
        start, start_hash = db.execute("SELECT n, hash FROM start").fetchone()
        if self._n < 0:
            oldest = db.execute("SELECT min(seq + base) FROM outbox JOIN epoch ON id = epoch").fetchone()
            self._oldest_row = oldest[0] or 0
        if start > self._n:  # also when somebody sealed since the last step
            self._n, self._hash = start, start_hash
        epochs: list[tuple[int, str]] = db.execute("SELECT base, id FROM epoch ORDER BY base").fetchall()
        rows = db.execute(
            "SELECT n, CAST(hash AS BLOB), CAST(line AS BLOB) FROM fact WHERE n > ? ORDER BY n LIMIT ?",
            (self._n, limit),
        ).fetchall()
        for n, digest, text in rows:
            self._check(epochs, n, digest, text)
        if len(rows) == limit:
            return None
        if epochs and epochs[-1][0] >= self._n:
            raise _BadError(1, f"epoch {epochs[-1][1]} has no facts")
        if start and start_hash not in self._seals:
            raise _BadError(None, "the beginning was removed and no fact says that it was sealed")
        if (
            not self._rows_done
        ):  # in steps as well; what was written meanwhile was followed just now, so nothing differs
            self._check_outbox(db, min(limit, ROWS_STEP))
            return None
        if fault := asides.fault(db, self._refs):
            raise _BadError(None, fault)
        return self._report(None, "")

    def _check(self, epochs: list[tuple[int, str]], n: int, digest: bytes, raw: bytes) -> None:
        base, epoch = next(((b, e) for b, e in reversed(epochs) if b < n), (0, ""))
        seq = n - base
        if n != self._n + 1:
            raise _BadError(self._n + 1 - base, f"{n - self._n - 1} facts are missing before fact {seq}")
        try:
            text = raw.decode()
            expected = chain(GENESIS if seq == 1 else self._hash, text)
            record = parse(text)
        except ValueError as error:
            raise _BadError(seq, f"fact {seq} of epoch {epoch} cannot be read: {error}") from error
        if digest != expected.encode():
            raise _BadError(seq, f"fact {seq} of epoch {epoch} does not match its hash: it, or one before, was changed")
        if (record.epoch, record.seq) != (epoch, seq) or line(record) != text:
            raise _BadError(seq, f"fact {seq} of epoch {epoch} is not in its place or not as it was written")
        if isinstance(record.fact, EpochBegan) is not (seq == 1):
            raise _BadError(seq, f"epoch {epoch} does not begin as an epoch does at fact {seq}")
        self._n, self._hash, self._epoch = n, expected, epoch
        self._facts += 1
        self._refs.update(asides.REFERENCE.findall(text))
        self._follow(n, record)

    def _follow(self, n: int, record: Recorded) -> None:
        match record.fact:
            case Sealed(hash=digest):
                self._seals.add(digest)
            case NoticeQueued(notice=notice):
                self._notices[notice] = NoticeState.PENDING, n
            case (
                NoticeSent(notice=notice)
                | NoticeDelivered(notice=notice)
                | NoticeFailed(notice=notice)
                | NoticeWithdrawn(notice=notice) as fact
            ) if notice in self._notices:
                state, queued = self._notices[notice]
                after = NEXT.get((state, type(fact)), state)
                if after in LIVE or queued >= self._oldest_row:
                    self._notices[notice] = after, queued
                else:
                    del self._notices[notice]  # final, and its row was pruned: nothing left to compare
            case _:
                pass

    def _check_outbox(self, db: sqlite3.Connection, limit: int) -> None:
        """The next rows, in the order of their notices."""
        rows = db.execute(
            "SELECT notice, state, outbox.epoch, seq, code, contact, words, args, language, party, priority FROM outbox "
            "WHERE ?1 IS NULL OR notice > ?1 ORDER BY notice LIMIT ?2",
            (self._row, limit),
        ).fetchall()
        before, self._rows_done = self._row, len(rows) < limit
        self._row = rows[-1][0] if rows else self._row
        lost = {
            notice
            for notice, (state, _) in self._notices.items()
            if state in LIVE
            and (before is None or before < notice)
            and (self._rows_done or self._row is None or notice <= self._row)
        }
        for notice, state, *columns in rows:
            lost.discard(notice)
            expected, n = self._notices.get(notice, (None, 0))
            if expected is None:
                raise _BadError(None, f"the outbox holds notice {notice}, which no fact queued")
            if NoticeState(state) is not expected and not (NoticeState(state) in LIVE and expected in LIVE):
                raise _BadError(None, f"notice {notice} is {state} in the outbox and {expected} by its facts")
            queued = parse(db.execute("SELECT line FROM fact WHERE n = ?", (n,)).fetchone()[0])
            if columns != _columns(queued):
                raise _BadError(queued.seq, f"notice {notice} in the outbox is not what fact {queued.seq} says")
        if lost:
            raise _BadError(None, f"notice {min(lost)} has no final fact and is not in the outbox")


def _columns(queued: Recorded) -> list[object]:
    """What an outbox row must repeat of its fact. Channel and path may differ: a row can be rerouted."""
    fact = queued.fact
    if not isinstance(fact, NoticeQueued):
        return []
    return [
        queued.epoch,
        queued.seq,
        fact.code,
        fact.contact,
        fact.words,
        canonical(fact.args),
        fact.language,
        fact.party,
        fact.priority,
    ]


def open_copy(path: Path) -> sqlite3.Connection:
    """A read-only connection to a journal that no daemon holds; JournalRefused when there is none or one does."""
    if not path.is_file():
        raise JournalRefused(f"{path}: there is no such journal")
    _refuse_when_held(path)
    # Without a log beside it nothing can change and nothing needs to be written: also from a write-protected card.
    log = path.with_name(path.name + "-wal")
    mode = "mode=ro" if log.exists() and log.stat().st_size else "immutable=1"
    db = sqlite3.connect(f"file:{quote(str(path.absolute()))}?{mode}", uri=True, isolation_level=None)
    try:
        db.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.OperationalError as error:
        # SQLite must write an index of the log beside it; these two say that it could not.
        db.close()
        raise JournalRefused(
            f"{path} cannot be read where it lies ({error}); copy it and {log.name} to a disk with room and try there"
        ) from error
    except sqlite3.DatabaseError:
        pass  # damaged: the verification says where
    return db


def _refuse_when_held(path: Path) -> None:
    try:
        handle = os.open(lock_path(path), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        raise JournalRefused(f"{path} is in use; leave the file out to ask the running daemon, or copy it") from None
    finally:
        os.close(handle)


def verify(path: Path) -> Report:
    """Verify a journal's file without changing it; JournalRefused when it is in use or not there."""
    db = open_copy(path)
    try:
        walk = Verification()
        report = None
        while report is None:
            report = walk.step(db)
        if not report.ok:
            return report
        try:
            (found,) = db.execute("PRAGMA integrity_check(1)").fetchone()
        except sqlite3.DatabaseError as error:
            found = str(error)
        return report if found == "ok" else replace(report, ok=False, why=f"the file is damaged: {found}")
    finally:
        db.close()
