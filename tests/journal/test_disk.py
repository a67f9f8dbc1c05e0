"""A full, a read-only, a failing and a vanishing disk: known at once, nothing promised that is not there, and back again."""

from __future__ import annotations

import errno
import shutil
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from sentinel.core.facts import EpochBegan
from sentinel.journal.database import reported
from sentinel.journal.errors import JournalRefused, JournalUnavailable, Reason
from sentinel.journal.reserve import Reserve
from sentinel.journal.store import Store
from sentinel.journal.verify import verify
from tests.journal.disks import RESERVE, mounted, small_disk
from tests.journal.samples import NOON, opened, queued, signalled, states, write

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real


def fill(store: Store) -> JournalUnavailable:
    """Write until the disk is full; what it said then."""
    for _ in range(100_000):
        try:
            write(store, signalled(reason="x" * 500))
        except JournalUnavailable as failure:
            return failure
    raise AssertionError("the disk was never full")


# --- Full ------------------------------------------------------------------------------------------------------------


def test_on_a_full_disk_the_reserve_is_freed_and_the_alarm_is_written(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        store = disk.open()
        assert store.reserve.intact()
        while store.reserve.intact():
            write(store, signalled(reason="x" * 500))
        records = write(store, opened(), queued())
        assert list(store.replay())[-2:] == records
        store.close()


def test_a_disk_that_stays_full_is_reported_and_keeps_what_it_has(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        store = disk.open()
        failure = fill(store)
        assert failure.reason is Reason.FULL
        assert not store.reserve.intact()
        known = store.head()
        assert len(list(store.replay())) == known.seq
        store.close()
        again = Store.open(disk.path)
        landed = again.resume(known)
        assert again.head().seq == known.seq + len(landed)
        again.close()
        rescued = tmp_path / "rescued.db"
        for suffix in ("", "-wal"):
            if (file := disk.path.with_name(disk.path.name + suffix)).exists():
                shutil.copy(file, rescued.with_name(rescued.name + suffix))
        report = verify(rescued)
        assert report.ok, report.why


def test_a_journal_that_cannot_be_read_where_it_lies_is_not_called_bad(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        store = disk.open()
        fill(store)
        store.close()
        try:
            said = verify(disk.path).why
        except JournalRefused as refusal:
            said = str(refusal)
        assert not said or "copy it and journal.db-wal to a disk with room" in said


def test_taking_and_postponing_also_use_the_reserve(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        store = disk.open()
        write(store, queued())
        while store.reserve.intact():
            write(store, signalled(reason="x" * 500))
            (row,) = store.take(["mqtt"], NOON, 30, 1)
            assert store.postpone(row.notice, NOON, "busy")
        store.close()


def test_the_reserve_really_takes_room_and_gives_it_back(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve", RESERVE)
    assert not reserve.intact()
    assert reserve.fill()
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= RESERVE
    assert reserve.fill(), "twice is once"
    assert reserve.free()
    assert not reserve.free()


def test_a_reserve_is_not_taken_from_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve", 2**60)
    assert not reserve.fill()
    assert not (tmp_path / "reserve").exists()
    assert not Reserve(tmp_path / "no such directory" / "reserve").fill()


def test_a_sparse_file_is_no_reserve(tmp_path: Path) -> None:
    with (tmp_path / "reserve").open("wb") as file:
        file.truncate(RESERVE)
    reserve = Reserve(tmp_path / "reserve", RESERVE)
    assert not reserve.intact()
    assert reserve.fill()
    assert reserve.intact()


LIMITED = textwrap.dedent("""
    import resource, sys
    from pathlib import Path
    from sentinel.journal.errors import JournalUnavailable
    from sentinel.journal.store import Store
    from tests.journal.samples import signalled, write

    path = Path(sys.argv[1])
    store = Store.open(path)
    write(store, signalled())
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
    for _ in range(10_000):
        try:
            write(store, signalled(reason="x" * 500))
        except JournalUnavailable as failure:
            print(failure.reason)
            break
    known = store.head()
    store.close()
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    store = Store.open(path)
    landed = store.resume(known)
    assert store.head().seq == known.seq + len(landed)
    write(store, signalled("vault"))
    print(store.head().seq == known.seq + len(landed) + 1, store.head().epoch == known.epoch)
    store.close()
""")


def test_a_disk_that_fails_to_write_is_reported_and_goes_on_when_it_is_mended(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True, check=False, timeout=50
    )
    assert (done.stdout.splitlines(), done.stderr) == (["failed", "True True"], "")
    assert verify(path).ok


# --- Read-only -------------------------------------------------------------------------------------------------------


def test_a_disk_that_went_read_only_is_reported_and_can_still_be_read(store: Store) -> None:
    write(store, signalled(), queued())
    store._db.execute("PRAGMA query_only = ON")
    with pytest.raises(JournalUnavailable) as caught:
        write(store, opened())
    assert caught.value.reason is Reason.READ_ONLY
    assert len(list(store.replay())) == 3
    store._db.execute("PRAGMA query_only = OFF")
    write(store, opened())


def test_a_journal_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JournalUnavailable, match="file") as caught:
        Store.open(tmp_path / "file" / "state" / "journal.db")
    assert caught.value.reason is Reason.FAILED


def test_a_card_mounted_read_only_at_boot_is_named_so(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with mounted(disk, "1m") as real:
        if real:
            subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(JournalUnavailable) as caught:
            _open_read_only(disk / "journal.db", real=real)
    assert caught.value.reason is Reason.READ_ONLY


def _open_read_only(path: Path, *, real: bool) -> None:
    if real:
        Store.open(path)
    with reported():  # nothing may be mounted here: what the kernel would say
        raise OSError(errno.EROFS, "Read-only file system")


# --- Vanishing -------------------------------------------------------------------------------------------------------


def test_a_deleted_journal_is_noticed_before_anything_is_promised(store: Store, path: Path) -> None:
    write(store, signalled())
    path.unlink()
    with pytest.raises(JournalUnavailable) as caught:
        write(store, opened())
    assert caught.value.reason is Reason.GONE


def test_a_deleted_log_is_noticed_too(store: Store, path: Path) -> None:
    write(store, signalled())
    path.with_name("journal.db-wal").unlink()
    with pytest.raises(JournalUnavailable, match="deleted or replaced"):
        write(store, opened())


def test_a_file_that_vanishes_during_the_commit_is_noticed_after_it(store: Store, path: Path) -> None:
    write(store, signalled())
    known = store.head()
    store._db.create_function("vanish", 0, path.unlink)
    store._db.execute("CREATE TEMP TRIGGER gone AFTER INSERT ON outbox BEGIN SELECT vanish(); END")
    with pytest.raises(JournalUnavailable) as caught:
        write(store, opened(), queued())
    assert caught.value.reason is Reason.GONE
    assert store.head() == known


def test_a_file_that_was_replaced_by_a_copy_is_noticed(store: Store, path: Path) -> None:
    write(store, signalled())
    shutil.copy(path, path.with_name("copy"))
    path.with_name("copy").rename(path)
    with pytest.raises(JournalUnavailable, match="deleted or replaced"):
        write(store, opened())


def test_a_directory_that_vanished_is_made_anew_and_the_break_is_on_record(store: Store, path: Path) -> None:
    write(store, signalled(), queued())
    known = store.head()
    shutil.rmtree(path.parent)
    with pytest.raises(JournalUnavailable):
        write(store, opened())
    store.close()
    again = Store.open(path)
    assert again.resume(known) == []
    began, alarm = write(again, opened())
    assert began.fact == EpochBegan("behind", known.epoch, known.hash)
    assert alarm.fact == opened()
    assert began.epoch != known.epoch
    again.close()
    assert verify(path).ok


def test_a_disk_that_comes_back_with_its_journal_goes_on_in_the_same_epoch(store: Store, path: Path) -> None:
    write(store, signalled(), queued())
    known = store.head()
    away = path.parent.rename(path.parent.with_name("unplugged"))
    with pytest.raises(JournalUnavailable):
        write(store, opened())
    store.close()
    away.rename(path.parent)
    again = Store.open(path)
    assert again.resume(known) == []
    (record,) = write(again, opened())
    assert (record.epoch, record.seq) == (known.epoch, known.seq + 1)
    assert states(again) == {"4821-1": "pending"}
    again.close()
