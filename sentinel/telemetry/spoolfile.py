"""The spool's SQLite file: found or made, opened, watched for being taken away, set aside when it is damaged.

One connection in one thread: SQLite before 3.51.3 (Debian 12 has 3.40) can corrupt a WAL file on which two connections
checkpoint at once; the exclusive lock refuses a second one. `store` is the only user.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import TYPE_CHECKING, Final

from sentinel.telemetry.model import Counts, SpoolUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VERSION: Final = 1
SCHEMA: Final = """
CREATE TABLE state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    last INTEGER NOT NULL,
    made INTEGER NOT NULL, written INTEGER NOT NULL, dropped INTEGER NOT NULL, poisoned INTEGER NOT NULL,
    bytes INTEGER NOT NULL, summed INTEGER NOT NULL
) STRICT;
CREATE TABLE blob (
    id INTEGER PRIMARY KEY,
    lines INTEGER NOT NULL, size INTEGER NOT NULL, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;
CREATE TABLE poison (id INTEGER PRIMARY KEY, line TEXT NOT NULL, why TEXT NOT NULL) STRICT;
CREATE TABLE point (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
CREATE TABLE minute (minute INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
CREATE TABLE hour (at INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
"""

# Figures: MiB a day with the server up / down, 60 points a second, a flush each 12 s (tests/bench/spool.py).
# page_size: a WAL holds whole pages, and a flush touches six besides its blob: 4096 costs 237/304, 1024 143/217, 512
#   135/208 with twice the work to follow a blob. auto_vacuum: 8/10, so that the room of an outage is given back.
# EXCLUSIVE keeps the WAL's index in memory: no shared-memory file that a full disk could turn into a SIGBUS.
# wal_autocheckpoint: 4000 saves 2, and a power cut then leaves four times as much to replay.
# secure_delete: Debian's SQLite overwrites what is deleted unless told otherwise; these values are no secret.
PAGE_BYTES: Final = 1024
PRAGMAS: Final = (
    f"PRAGMA page_size = {PAGE_BYTES}",
    "PRAGMA auto_vacuum = INCREMENTAL",
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA wal_autocheckpoint = 1000",
    "PRAGMA journal_size_limit = 8388608",
    "PRAGMA cache_size = -2048",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA secure_delete = OFF",
)

ASIDE_BYTES: Final = 32 * 2**20  # it is in no bound: a larger one would take the room that the next needs

# ERROR: a table that should be there is not.
_DAMAGE: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_ERROR}
# A place that cannot be read is damage too: opened again, the file would fail there again, each minute.
_UNREADABLE: Final = {sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ}

Identity = tuple[int, int]  # device and inode


class SpoolDamaged(SpoolUnavailable):
    """The file is not whole; it is worth nothing any more."""


@contextmanager
def reported() -> Iterator[None]:
    """What the disk did wrong becomes SpoolUnavailable; a wrong statement stays the program's own error."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise
    except sqlite3.Error as error:
        # A text that is no UTF-8 comes without a code: only a damaged file can hold one.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
        if code & 0xFF in _DAMAGE or code in _UNREADABLE:
            raise SpoolDamaged(str(error)) from error
        raise SpoolUnavailable(str(error)) from error
    except OSError as error:
        raise SpoolUnavailable(str(error)) from error


class SpoolFile:
    """An open file with our tables in it, and its one connection."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        self.path = path
        with ExitStack() as undo, reported():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self.connection = sqlite3.connect(path, timeout=2.0, isolation_level=None, check_same_thread=False)
            undo.callback(self.connection.close)
            for pragma in PRAGMAS:
                self.connection.execute(pragma)
            self._make_tables()
            self.connection.execute(f"PRAGMA max_page_count = {most_bytes // PAGE_BYTES}")
            self._identity = self._look()
            undo.pop_all()

    def close(self) -> None:
        """Also twice. Never fails: a disk that is gone cannot be asked."""
        with suppress(sqlite3.Error):
            self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it durable, or SpoolUnavailable and nothing of it promised."""
        with reported():
            self._look_for_loss()
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise
            # A row synced into a file that was deleted meanwhile is durable nowhere.
            self._look_for_loss()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """For questions, each of which is whole in itself."""
        with reported():
            yield self.connection

    def _make_tables(self) -> None:
        (version,) = self.connection.execute("PRAGMA user_version").fetchone()
        if version == VERSION:
            return
        if version or self.connection.execute("SELECT 1 FROM sqlite_schema").fetchone():
            raise SpoolDamaged(f"layout {version}, this sentinel knows {VERSION}")
        # executescript commits what is open, so the transaction is written into the script.
        self.connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")

    def _look(self) -> tuple[Identity, Identity]:
        main, wal = self.path.stat(), self.path.with_name(self.path.name + "-wal").stat()
        return (main.st_dev, main.st_ino), (wal.st_dev, wal.st_ino)

    def _look_for_loss(self) -> None:
        try:
            there = self._look() == self._identity
        except FileNotFoundError:
            there = False
        if not there:
            raise SpoolUnavailable(f"{self.path} was deleted or replaced while it was open")


def last_counts(path: Path) -> Counts | None:
    """What a damaged file says of its lines, when that row of it is whole."""
    try:
        with reported(), closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
            row = db.execute("SELECT made, written, dropped, poisoned FROM state").fetchone()
    except SpoolUnavailable:
        return None
    if row is None or not all(isinstance(one, int) and one >= 0 for one in row) or row[0] < sum(row[1:]):
        return None
    made, written, dropped, poisoned = row
    return Counts(made, written, made - written - dropped - poisoned, dropped, poisoned)


def set_aside(path: Path) -> Path | None:
    """Keep a damaged file and its log to be looked at, when they are small; one of earlier makes room."""
    aside = path.with_name(path.name + ".damaged")
    with reported():
        pairs = [(path.with_name(path.name + end), aside.with_name(aside.name + end)) for end in ("-wal", "")]
        small = sum(old.stat().st_size for old, _ in pairs if old.exists()) <= ASIDE_BYTES
        for old, new in pairs:
            if small and old.exists():
                old.replace(new)
            else:
                old.unlink(missing_ok=True)
                new.unlink(missing_ok=True)
    return aside if small else None
