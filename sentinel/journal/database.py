"""The journal's file: found or made, locked, opened, migrated, and watched for being taken away. `store` is the only user.

One connection in one thread. SQLite before 3.51.3 (Debian 12 has 3.40) can corrupt a WAL file on which two connections
checkpoint at once, so a second program is refused by a lock before it opens anything.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from sentinel.journal.errors import JournalRefused, JournalUnavailable, Reason
from sentinel.journal.schema import MIGRATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import IO

Identity = tuple[int, int]  # device and inode

# EXCLUSIVE keeps the WAL's index in memory: no shared-memory file that a full disk could turn into a SIGBUS, and
# a second opener is refused by SQLite too. 1,000 pages between checkpoints: more saves no flash (measured).
PRAGMAS = (
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA wal_autocheckpoint = 1000",
    "PRAGMA journal_size_limit = 8388608",
    "PRAGMA cache_size = -1024",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA secure_delete = ON",  # what was erased is overwritten, not only unlinked
    "PRAGMA busy_timeout = 2000",
)

_REASONS = {
    sqlite3.SQLITE_FULL: Reason.FULL,
    sqlite3.SQLITE_READONLY: Reason.READ_ONLY,
    sqlite3.SQLITE_CORRUPT: Reason.DAMAGED,
    sqlite3.SQLITE_NOTADB: Reason.DAMAGED,
    sqlite3.SQLITE_IOERR: Reason.FAILED,
    sqlite3.SQLITE_CANTOPEN: Reason.FAILED,
    sqlite3.SQLITE_BUSY: Reason.FAILED,
    sqlite3.SQLITE_NOMEM: Reason.FAILED,
}
_ERRNOS = {errno.ENOSPC: Reason.FULL, errno.EDQUOT: Reason.FULL, errno.EROFS: Reason.READ_ONLY}


@contextmanager
def reported() -> Iterator[None]:
    """What the disk did wrong becomes JournalUnavailable; a wrong statement or row stays the program's own error."""
    try:
        yield
    except sqlite3.Error as error:
        # A text that is no UTF-8 comes without a code: only a damaged file can hold one.
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
        reason = _REASONS.get(code & 0xFF)
        if reason is None or isinstance(error, sqlite3.ProgrammingError):
            raise
        raise JournalUnavailable(reason, str(error)) from error
    except OSError as error:
        reason = _ERRNOS.get(error.errno or 0, Reason.FAILED)
        raise JournalUnavailable(reason, str(error)) from error


class Database:
    """An open, locked, migrated file and its one connection."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with ExitStack() as undo, reported():
            _make_directory(path.parent)
            self._lock = _lock(path)
            undo.callback(self._lock.close)
            _make_file(path)
            self.connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            undo.callback(self.connection.close)
            for pragma in PRAGMAS:
                self.connection.execute(pragma)
            _migrate(self.connection, path)
            self._identity = self._look()
            undo.pop_all()

    def close(self) -> None:
        """Give the file and its lock back, also twice. Never fails: a disk that is gone cannot be asked."""
        with suppress(sqlite3.Error):
            self.connection.close()
        self._lock.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it durable, or JournalUnavailable and nothing of it promised."""
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

    def _look(self) -> tuple[Identity, Identity]:
        main, wal = self.path.stat(), self.path.with_name(self.path.name + "-wal").stat()
        return (main.st_dev, main.st_ino), (wal.st_dev, wal.st_ino)

    def _look_for_loss(self) -> None:
        try:
            there = self._look() == self._identity
        except FileNotFoundError:
            there = False
        if not there:
            raise JournalUnavailable(Reason.GONE, f"{self.path} was deleted or replaced while it was open")


def _make_directory(directory: Path) -> None:
    if directory.is_dir():
        return
    _make_directory(directory.parent)
    directory.mkdir(mode=0o700)
    sync_directory(directory.parent)


def _make_file(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        path.chmod(0o600)
        return
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make the names in it survive a power cut."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def lock_path(path: Path) -> Path:
    """The lock lies beside the file: closing any other handle of the database file would drop SQLite's own locks."""
    return path.with_name(path.name + ".lock")


def _lock(path: Path) -> IO[bytes]:
    handle = os.fdopen(os.open(lock_path(path), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "rb")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        raise JournalRefused(f"{path} is in use by another sentinel; stop that one first") from None
    return handle


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise JournalRefused(
            f"{path} has layout {version}, this sentinel knows up to {len(MIGRATIONS)}: "
            "install the newer sentinel again, or move the file away to begin a new journal"
        )
    for number in range(version + 1, len(MIGRATIONS) + 1):
        # executescript commits what is open, so the transaction is written into the script.
        connection.executescript(f"BEGIN IMMEDIATE; {MIGRATIONS[number - 1]}; PRAGMA user_version = {number}; COMMIT;")
