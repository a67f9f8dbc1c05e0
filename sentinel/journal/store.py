"""The journal: facts, chained and numbered, and the outbox, in one SQLite file. Durable before it returns.

Plain and synchronous, for one thread: `thread.Journal` is what the daemons call. It never decides anything and never
looks at a clock. An append that raises promises nothing; `resume` says afterwards what of it was written after all.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import UTC
from typing import TYPE_CHECKING, TypeVar

from sentinel.core.chain import GENESIS, chain, line, parse
from sentinel.core.encoding import canonical
from sentinel.core.facts import EpochBegan, Recorded, Sealed
from sentinel.journal import asides, marks, outbox, sealing
from sentinel.journal.database import Database, reported
from sentinel.journal.errors import JournalUnavailable, Reason
from sentinel.journal.marks import Checkpoint, Cursor
from sentinel.journal.reserve import Reserve

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from sentinel.core.facts import ClockQuality, Fact
    from sentinel.journal.outbox import OutboxRow
    from sentinel.journal.verify import Report, Verification

T = TypeVar("T")

CHUNK = 2_000  # facts a step of a replay: some 40 ms on a Pi, the longest that an append waits for it


@dataclass(frozen=True, slots=True)
class Head:
    """The last fact. Before the first one: no epoch, 0, GENESIS, None. `at`: wall time is never earlier than this."""

    epoch: str
    seq: int
    hash: str
    at: datetime | None


NOTHING = Head("", 0, GENESIS, None)


@dataclass(frozen=True, slots=True)
class Mark:
    """A fact's place: its epoch and sequence number."""

    epoch: str
    seq: int


class Store:
    """An open journal. Use `Store.open`."""

    def __init__(self, database: Database, reserve: Reserve) -> None:
        self._database = database
        self._db = database.connection
        self.reserve = reserve
        self._replaced: Head | None = None  # what was acknowledged and is not in this file
        with reported():
            self._base, self._head = self._find_head()

    @classmethod
    def open(cls, path: Path, *, reserve: Reserve | None = None) -> Store:
        """Open or make the journal at this path; JournalUnavailable or JournalRefused when that cannot be."""
        database = Database(path)
        try:
            store = cls(database, reserve or Reserve(path.with_name(path.name + ".reserve")))
        except JournalUnavailable:
            database.close()
            raise
        store.reserve.fill()
        return store

    def close(self) -> None:
        """Give the file back. Never fails."""
        self._database.close()

    # --- Facts ---------------------------------------------------------------------------------------------------------

    def head(self) -> Head:
        """The last durable fact."""
        return self._head

    @property
    def replaced(self) -> bool:
        """The last acknowledged fact is not in this file, and nothing was written to it since."""
        return self._replaced is not None

    def append(
        self, facts: Sequence[Fact], *, at: datetime, boot: str, clock: ClockQuality, late: bool = False
    ) -> list[Recorded]:
        """Write facts and what they mean to the outbox, all or nothing. A new journal begins with its EpochBegan."""
        blank = Recorded("", 0, at.astimezone(UTC), boot, clock, late, EpochBegan("", "", ""))
        if self._replaced is not None:
            facts = (EpochBegan("behind", self._replaced.epoch, self._replaced.hash), *facts)
        elif not self._head.epoch:
            facts = (EpochBegan("new", "", ""), *facts)
        return self._append([replace(blank, fact=fact) for fact in facts])

    def begin_epoch(self, reason: str, known: Head, *, at: datetime, boot: str, clock: ClockQuality) -> Recorded:
        """Begin a new epoch, because `known` (a room's, or our own of before) is further than this file."""
        began = EpochBegan(reason, known.epoch, known.hash)
        return self._append([Recorded("", 0, at.astimezone(UTC), boot, clock, False, began)])[-1]

    def resume(self, known: Head) -> list[Recorded]:
        """After a failure and a new open: the facts after `known`, the last acknowledged one, that were written anyway.

        When this file is not the one that held `known` (another card, an old copy), the next append begins an epoch.
        """
        if known.epoch in ("", self._head.epoch) and self._hash_at(known.seq) == known.hash:
            return list(self.replay(known.seq))
        self._replaced = known
        return []

    def replay(self, after_seq: int = 0) -> Iterator[Recorded]:
        """Facts in order up to today's head: from the very first of all epochs, or after `after_seq` of this one."""
        last = self.place(after_seq)
        end = self._base + self._head.seq
        while last < end:
            records, last = self.page(last, end)
            yield from records

    def place(self, after_seq: int) -> int:
        """The place in the file of this epoch's fact `after_seq`; 0 stands for the very first of all epochs."""
        return self._base + after_seq if after_seq else 0

    def page(self, after: int, end: int, limit: int = CHUNK) -> tuple[list[Recorded], int]:
        """One step of a replay: at most `limit` facts between two places, and the place of the last."""
        with reported():
            rows = self._db.execute(
                "SELECT n, line FROM fact WHERE n > ? AND n <= ? ORDER BY n LIMIT ?", (after, end, limit)
            ).fetchall()
        try:
            return [parse(text) for _, text in rows], rows[-1][0] if rows else end
        except ValueError as error:
            raise JournalUnavailable(Reason.DAMAGED, f"a stored fact cannot be read: {error}") from error

    def end(self) -> int:
        """The place in the file of the last fact."""
        return self._base + self._head.seq

    def lines(self, from_seq: int, limit: int, max_bytes: int) -> tuple[str, list[tuple[int, str, str]]]:
        """This epoch's (seq, line, hash) from there on, at least one if there is one, and the hash before the first."""
        found: list[tuple[int, str, str]] = []
        room = max_bytes
        with reported():
            rows = self._db.execute(
                "SELECT n - ?1, line, hash FROM fact WHERE n >= ?1 + ?2 ORDER BY n LIMIT ?3",
                (self._base, max(1, from_seq), limit),
            )
            for seq, text, digest in rows:
                room -= len(text.encode())
                if found and room < 0:
                    break
                found.append((seq, text, digest))
        return (self._hash_at(found[0][0] - 1) if found else self._head.hash), found

    # --- The outbox ----------------------------------------------------------------------------------------------------

    def take(self, channels: Sequence[str], now: datetime, lease_s: float, limit: int) -> list[OutboxRow]:
        """Lease due rows of these channels, loudest first."""
        return self._write(lambda db: outbox.take(db, channels, now, lease_s, limit))

    def postpone(self, notice: str, next_at: datetime, error: str) -> bool:
        """Give a leased row back, due later; False when it is not leased any more."""
        return self._write(lambda db: outbox.postpone(db, notice, next_at, error))

    def release_expired(self, now: datetime) -> int:
        """Leases that ran out go back, due now."""
        return self._write(lambda db: outbox.release_expired(db, now))

    def release_leased(self, channel: str, now: datetime) -> int:
        """At the start of a lane: what the one before it was sending is due now."""
        return self._write(lambda db: outbox.release_leased(db, channel, now))

    def release_all(self, now: datetime) -> int:
        """At a start: every live row is due now."""
        return self._write(lambda db: outbox.release_all(db, now))

    def release(self, notice: str, now: datetime) -> bool:
        """Give a live row back, due now; False when it is final or lost."""
        return self._write(lambda db: outbox.release(db, notice, now))

    def reroute(self, notice: str, channel: str, path: str, now: datetime) -> bool:
        """Send a live row by another channel, due now."""
        return self._write(lambda db: outbox.reroute(db, notice, channel, path, now))

    def requeue(self, notice: str, now: datetime) -> bool:
        """Make the lost row of a notice again from the fact that queued it; False when it is there or no fact is left."""
        wanted = f'"notice":{canonical(notice)}'
        with reported():
            found = self._db.execute(
                'SELECT line FROM fact WHERE instr(line, ?) AND instr(line, \'"kind":"notice-queued"\') '
                "ORDER BY n DESC LIMIT 1",
                (wanted,),
            ).fetchone()
        if found is None:
            return False
        record = parse(found[0])
        return self._write(lambda db: outbox.requeue(db, record, now))

    def prune_outbox(self, before: datetime) -> int:
        """Forget rows that were final before then."""
        return self._write(lambda db: outbox.prune(db, before))

    def live(self) -> list[OutboxRow]:
        """All that still has to leave, loudest first."""
        return self._read(outbox.live)

    def awaiting(self, channel: str) -> list[OutboxRow]:
        """Handed over by this channel and not yet known to be delivered."""
        return self._read(lambda db: outbox.awaiting(db, channel))

    def rows_of(self, code: str) -> list[OutboxRow]:
        """Every notice of an incident."""
        return self._read(lambda db: outbox.rows_of(db, code))

    def counts(self) -> dict[str, dict[str, int]]:
        """{channel: {state: how many}}."""
        return self._read(outbox.counts)

    # --- Beside the chain ------------------------------------------------------------------------------------------------

    def aside(self, text: str, kind: str) -> str:
        """Keep a text beside the chain; the reference is what a fact may hold."""
        return self._write(lambda db: asides.put(db, text, kind))

    def reveal(self, ref: str) -> str | None:
        """The text of a reference, or None when it was erased."""
        return self._read(lambda db: asides.reveal(db, ref))

    def erase(self, ref: str) -> bool:
        """Forget a text for good, in the file and in its log."""
        erased = self._write(lambda db: asides.erase(db, ref))
        with reported():
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return erased

    def cursor(self, room: str) -> Cursor | None:
        """How far this room has the journal, by its last receipt."""
        return self._read(lambda db: marks.cursor(db, room))

    def set_cursor(self, room: str, epoch: str, seq: int, digest: str) -> None:
        """Note a room's receipt."""
        self._write(lambda db: marks.set_cursor(db, room, Cursor(epoch, seq, digest)))

    def checkpoint(self) -> Checkpoint | None:
        """The last saved state of this epoch; None when there is none or it is damaged: replay from the start."""
        return self._read(lambda db: marks.checkpoint(db, self._head.seq))

    def save_checkpoint(self, seq: int, code_version: str, blob: bytes) -> None:
        """Keep the state after fact `seq` of this epoch."""
        self._write(lambda db: marks.save_checkpoint(db, Checkpoint(seq, code_version, blob)))

    # --- Sealing -----------------------------------------------------------------------------------------------------------

    def last_before(self, at: datetime) -> Mark | None:
        """The last fact of the oldest ones that are all earlier than `at`: what one sealing may let go."""
        last, found = self._read(sealing.start), None
        end = min(self.end(), last + sealing.SEAL_AT_ONCE)
        while last < end:
            records, last = self.page(last, end)
            for record in records:
                if record.at >= at:
                    return found
                found = Mark(record.epoch, record.seq)
        return found

    def seal(
        self, up_to: Mark, keep_from: Mark | None, *, at: datetime, boot: str, clock: ClockQuality
    ) -> Recorded | None:
        """Prune facts up to and including `up_to`, but none from `keep_from` (the oldest open incident's first) on.

        A notice that has not left keeps its facts too. At most sealing.SEAL_AT_ONCE at a time. None when nothing was to prune.
        """
        wanted = min(self._place_of(up_to), self.end())
        if keep_from is not None:
            wanted = min(wanted, self._place_of(keep_from) - 1)
        found = self._read(lambda db: sealing.last_to_go(db, wanted))
        if found is None:
            return None
        last, seq, digest = found
        sealed = Recorded("", 0, at.astimezone(UTC), boot, clock, False, Sealed(seq, digest))
        return self._append([sealed], lambda db: sealing.prune(db, last, digest))[-1]

    def check(self, walk: Verification, limit: int = CHUNK) -> Report | None:
        """One step of a verification on this connection."""
        return walk.step(self._db, limit)

    # --- Within --------------------------------------------------------------------------------------------------------------

    def _append(
        self, blanks: Sequence[Recorded], beside: Callable[[sqlite3.Connection], None] | None = None
    ) -> list[Recorded]:
        def write(db: sqlite3.Connection) -> tuple[list[Recorded], int, Head]:
            written, base, head = [], self._base, self._head
            for blank in blanks:
                if isinstance(blank.fact, EpochBegan):
                    base, head = base + head.seq, Head(secrets.token_hex(8), 0, GENESIS, None)
                    db.execute("INSERT INTO epoch (id, base) VALUES (?, ?)", (head.epoch, base))
                    db.execute("DELETE FROM checkpoint")  # its number is of the epoch before
                record = replace(blank, epoch=head.epoch, seq=head.seq + 1)
                text = line(record)
                head = Head(record.epoch, record.seq, chain(head.hash, text), record.at)
                db.execute("INSERT INTO fact (n, hash, line) VALUES (?, ?, ?)", (base + head.seq, head.hash, text))
                asides.named_by(db, base + head.seq, text)
                outbox.project(db, record)
                written.append(record)
            if beside is not None:
                beside(db)
            return written, base, head

        written, self._base, self._head = self._write(write)
        self._replaced = None
        return written

    def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            with self._database.transaction() as db:
                return work(db)
        except JournalUnavailable as failure:
            if failure.reason is not Reason.FULL or not self.reserve.free():
                raise
        with self._database.transaction() as db:
            return work(db)

    def _read(self, question: Callable[[sqlite3.Connection], T]) -> T:
        with reported():
            return question(self._db)

    def _find_head(self) -> tuple[int, Head]:
        epoch = self._db.execute("SELECT base, id FROM epoch ORDER BY base DESC LIMIT 1").fetchone()
        last = self._db.execute("SELECT n, hash, line FROM fact ORDER BY n DESC LIMIT 1").fetchone()
        if epoch is None and last is None:
            return 0, NOTHING
        try:
            return epoch[0], Head(epoch[1], last[0] - epoch[0], last[1], parse(last[2]).at)
        except (TypeError, ValueError) as error:
            raise JournalUnavailable(Reason.DAMAGED, f"the last fact cannot be read: {error}") from error

    def _hash_at(self, seq: int) -> str:
        """The hash of this epoch's fact `seq`, GENESIS for 0, "" when it is not there."""
        if seq == 0:
            return GENESIS
        place = self._base + seq
        with reported():
            row = self._db.execute(
                "SELECT hash FROM fact WHERE n = ?1 UNION ALL SELECT hash FROM start WHERE n = ?1", (place,)
            ).fetchone()
        return str(row[0]) if row else ""

    def _place_of(self, mark: Mark) -> int:
        row = self._db.execute("SELECT base FROM epoch WHERE id = ?", (mark.epoch,)).fetchone()
        if row is None:
            raise ValueError(f"this journal has no epoch {mark.epoch!r}")
        return int(row[0]) + mark.seq
