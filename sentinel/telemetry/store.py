"""The spool, synchronously: lines wait here as compressed blobs until they are written or too old. Only `spool` calls it.

One transaction a flush holds the lines, the counters and the summaries. The counters are kept, never counted again:
made = written + waiting + dropped + poisoned holds in the file at every instant, and in memory. What is done is known
in memory at once, in the file with the next transaction: a crash in between sends lines again, and loses none.
"""

from __future__ import annotations

import gzip
import logging
import sys
import zlib
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from sentinel.telemetry.age import Age
from sentinel.telemetry.minutes import Minutes
from sentinel.telemetry.model import Batch, Counts, Poison, SpoolUnavailable
from sentinel.telemetry.spoolfile import PAGE_BYTES, SpoolFile

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sentinel.telemetry.model import Flush, Keep, Plot

log = logging.getLogger("sentinel.telemetry")

BLOB_LINES: Final = 5000  # a longer flush is several blobs: a request, and a step of the thread, stay short
SETTLE_BATCHES: Final = 16  # done and not yet forgotten in the file, while a backlog drains
LEVEL: Final = 5  # of gzip: 9.1 bytes a line for 0.6 us; level 1 takes 12.4 for 0.4, level 6 9.0 for 0.9
POISONS: Final = 100  # kept to be looked at; the oldest is the loser
POISON_CHARS: Final = 2000
SUMMED_SHARE: Final = 4  # the packed summaries get a fourth of the room on top; in half-filled pages they take two
_STEP_BLOBS: Final = 64  # dropped a transaction at most
_STEP_PAGES: Final = 1024  # given back to the disk a transaction at most
_SPARE_PAGES: Final = 4096  # free ones that stay, for the blobs to come
_SLACK_BYTES: Final = 16 * 2**20


class Blob(NamedTuple):
    """What is known of a blob without unpacking it."""

    id: int
    lines: int
    size: int  # room in the file
    first_ms: int
    last_ms: int


class Store:
    """An open spool. After SpoolUnavailable it is good for `close` only."""

    def __init__(self, path: Path, keep: Keep, *, forward: bool, known: Counts) -> None:
        """Open or make the file. `known`: the counters of this run so far, which a file that is new goes on from."""
        self._keep, self._forward = keep, forward
        # Beyond this no fault of ours can fill the card.
        self._file = SpoolFile(path, keep.bytes + 2 * keep.bytes // SUMMED_SHARE + _SLACK_BYTES)
        self._db = self._file.connection
        self._age = Age()
        self._given = 0  # the last blob that was read since the file was opened
        self._given_dropped = 0  # lines of those that were dropped since
        self._undone = 0  # batches done since the last transaction
        self._forgotten = 0  # the last blob that is done or dropped, though it may be in the file still
        try:
            self._load(known)
        except SpoolUnavailable:
            self._file.close()
            raise

    def _load(self, known: Counts) -> None:
        with self._file.transaction() as db:
            row = db.execute("SELECT last, made, written, dropped, poisoned, bytes, summed FROM state").fetchone()
            if row is None:
                lost = known.dropped + known.waiting
                row = (0, known.made, known.written, lost, known.poisoned, 0, 0)
                db.execute("INSERT INTO state VALUES (1, ?, ?, ?, ?, ?, ?, ?)", row)
            self._last, self._made, self._written, self._dropped, self._poisoned, self._bytes, summed = row
            rows = db.execute("SELECT line, why FROM poison ORDER BY id")
            self._poisons = deque((Poison(*one) for one in rows), POISONS)
            self._new_poisons: deque[Poison] = deque(maxlen=POISONS)
            self._minutes = Minutes(db, self._keep.days, self._keep.bytes // SUMMED_SHARE, summed)
            self._head = self._oldest()

    def close(self) -> None:
        """Give the file back, also twice."""
        self._file.close()

    # --- Lines -------------------------------------------------------------------------------------------------------

    def counts(self) -> Counts:
        """How many lines are where."""
        return Counts(
            made=self._made,
            written=self._written,
            waiting=self._made - self._written - self._dropped - self._poisoned,
            dropped=self._dropped,
            poisoned=self._poisoned,
            bytes=self._bytes,
            oldest_ms=None if self._head is None else self._head.first_ms,
        )

    def append(self, flush: Flush, now_ms: int | None = None) -> None:
        """Durable when it returns. `now_ms`: what is too old is judged by it; None where the clock is not synchronised."""
        now_ms = self._age.judged(now_ms)
        self._tidy(flush, now_ms)
        parts = _packed(flush.lines) if self._forward else []
        size = sum(_room(data) for _, data in parts)
        self._drop(now_ms, size)
        with self._changing() as db:
            if size > self._keep.bytes:
                self._made += len(flush.lines)
                self._dropped += len(flush.lines)
                parts = []
            for lines, data in parts:
                self._last += 1
                blob = Blob(self._last, lines, _room(data), flush.first_ms, flush.last_ms)
                db.execute("INSERT INTO blob VALUES (?, ?, ?, ?, ?, ?)", (*blob, data))
                self._made += lines
                self._bytes += blob.size
                self._head = self._head or blob
            if self._forward:
                self._made += flush.dropped
                self._dropped += flush.dropped
            self._minutes.add(db, flush.minutes)

    def read(self, most: int) -> Batch | None:
        """The oldest lines that wait, of whole blobs: at most `most`, or those of one blob."""
        upto, lines, bodies = 0, list[bytes](), list[bytes]()
        with self._file.reading() as db:
            wanted = "SELECT id, lines, size, first_ms, last_ms, data FROM blob WHERE id > ? ORDER BY id"
            for *about, data in db.execute(wanted, (self._forgotten,)):
                blob = Blob(*about)
                if upto and len(lines) + blob.lines > most:
                    break
                unpacked = _unpacked(data)
                if len(unpacked) != blob.lines:
                    if upto:
                        break
                    log.warning("damaged blob dropped blob=%d lines=%d", blob.id, blob.lines)
                    self._lose(blob)
                    continue
                upto = blob.id
                lines += unpacked
                bodies.append(data)
            self._head = self._oldest()
        if not upto:
            return None
        self._given, self._given_dropped = upto, 0
        body = bodies[0] if len(bodies) == 1 else _pack(lines)
        return Batch(upto, tuple(lines), body)

    def done(self, upto: int, written: int, poisoned: Sequence[Poison]) -> None:
        """The lines of the last batch are written, or poison. What is said of no batch of this file is not believed."""
        if upto != self._given:
            return
        with self._file.reading() as db:
            span = (self._forgotten, upto)
            lines, size = db.execute(
                "SELECT coalesce(sum(lines), 0), coalesce(sum(size), 0) FROM blob WHERE id > ? AND id <= ?", span
            ).fetchone()
            # Lines that were dropped while they were on their way are written after all.
            there = lines + self._given_dropped
            bad = min(len(poisoned), there)
            good = min(written, there - bad)
            self._written += good
            self._poisoned += bad
            self._dropped += there - good - bad - self._given_dropped
            self._bytes -= size
            self._forgotten = max(self._forgotten, upto)
            self._given = self._given_dropped = 0
            self._poisons += poisoned
            self._new_poisons += poisoned
            self._head = self._oldest()
        self._undone += 1
        if self._undone >= SETTLE_BATCHES:
            self.settle()

    def poisons(self) -> list[Poison]:
        """The last lines that the store would not take, oldest first."""
        return list(self._poisons)

    # --- Upkeep ------------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """What is known to be done becomes durable."""
        if not self._undone:
            return
        with self._changing():
            pass

    def trim(self) -> bool:
        """One step of keeping within the bytes; True while there is more to do. For the time after opening."""
        more = self._drop(None, 0)
        with self._changing() as db:
            self._minutes.prune(db, None)
        return self._shrink() or more

    def plot(self, point: str, begin_s: int, end_s: int, most: int) -> Plot:
        """See `Minutes.plot`."""
        with self._file.reading() as db:
            return self._minutes.plot(db, point, begin_s, end_s, most)

    def _tidy(self, flush: Flush, now_ms: int | None) -> None:
        """What is to be done now and then, in transactions of its own: a flush that finds it failing is not taken."""
        for hour in self._minutes.over(flush.minutes):
            with self._changing() as db:
                self._minutes.pack(db, hour)
                self._minutes.prune(db, None if now_ms is None else now_ms // 1000)
        self._shrink()

    def _drop(self, now_ms: int | None, coming: int) -> bool:
        """Give up the oldest blobs beyond the bounds, some of them at once; True when there may be more."""
        oldest = -sys.maxsize if now_ms is None else now_ms - self._keep.days * 86_400_000
        with self._file.reading():
            for _ in range(_STEP_BLOBS):
                head = self._head
                if head is None or (self._bytes + coming <= self._keep.bytes and head.last_ms >= oldest):
                    return False
                self._lose(head)
                self._head = self._oldest()
        return True

    def _lose(self, blob: Blob) -> None:
        self._forgotten = blob.id
        self._dropped += blob.lines
        self._bytes -= blob.size
        if blob.id <= self._given:
            self._given_dropped += blob.lines

    def _oldest(self) -> Blob | None:
        wanted = "SELECT id, lines, size, first_ms, last_ms FROM blob WHERE id > ? ORDER BY id LIMIT 1"
        row = self._db.execute(wanted, (self._forgotten,)).fetchone()
        return None if row is None else Blob(*row)

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """The only way to change the file: what the counters say is gone goes with them, in one transaction."""
        with self._file.transaction() as db:
            # First, so that the pages that become free are the next ones to be used.
            db.execute("DELETE FROM blob WHERE id <= ?", (self._forgotten,))
            for one in self._new_poisons:
                shortened = (one.line[:POISON_CHARS], one.why[:POISON_CHARS])
                db.execute("INSERT INTO poison (line, why) VALUES (?, ?)", shortened)
            if self._new_poisons:
                db.execute("DELETE FROM poison WHERE id <= (SELECT max(id) FROM poison) - ?", (POISONS,))
            yield db
            db.execute(
                "UPDATE state SET last = ?, made = ?, written = ?, dropped = ?, poisoned = ?, bytes = ?, summed = ?",
                (
                    *(self._last, self._made, self._written, self._dropped, self._poisoned, self._bytes),
                    self._minutes.summed,
                ),
            )
        self._new_poisons.clear()
        self._undone = 0

    def _shrink(self) -> bool:
        """A step of giving back to the disk what an outage needed; True when there is more."""
        with self._file.reading() as db:
            (free,) = db.execute("PRAGMA freelist_count").fetchone()
            # What waits has to be moved out of the way first: not while that is much, it will be forgotten soon.
            if free <= _SPARE_PAGES or free * PAGE_BYTES < 8 * self._bytes:
                return False
            # `execute` would stop after the first page.
            db.executescript(f"PRAGMA incremental_vacuum({_STEP_PAGES})")
        return True


def _room(data: bytes) -> int:
    """What a blob takes of the file at most: a row never has more than one page that is not its own."""
    return len(data) + PAGE_BYTES


def _pack(lines: Sequence[bytes]) -> bytes:
    return gzip.compress(b"\n".join(lines), LEVEL, mtime=0)


def _packed(lines: Sequence[str]) -> list[tuple[int, bytes]]:
    """How many lines, and these compressed, for each blob."""
    # A line end inside a line would make two of it, and the blob would not hold what it says.
    sent = [line.replace("\n", " ").encode(errors="replace") for line in lines]
    parts = [sent[begin : begin + BLOB_LINES] for begin in range(0, len(sent), BLOB_LINES)]
    return [(len(part), _pack(part)) for part in parts]


def _unpacked(data: bytes) -> list[bytes]:
    """The lines; none when these bytes are damaged: gzip carries its own checksum."""
    try:
        return gzip.decompress(data).split(b"\n")
    except (OSError, EOFError, zlib.error):
        return []
