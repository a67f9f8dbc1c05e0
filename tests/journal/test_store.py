"""What the journal keeps, and that it is the same when it is read again."""

from __future__ import annotations

import sqlite3
import stat
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sentinel.core.chain import GENESIS, chain, line, parse
from sentinel.core.facts import ClockQuality, EpochBegan, Newer, NoticeSent, Sealed
from sentinel.journal.database import Database
from sentinel.journal.errors import JournalRefused, JournalUnavailable, Reason
from sentinel.journal.marks import Cursor
from sentinel.journal.store import Head, Mark, Store
from sentinel.journal.verify import verify
from tests.journal.samples import BOOT, NOON, answered, later, opened, queued, signalled, write

if TYPE_CHECKING:
    from pathlib import Path


def test_a_new_journal_begins_with_its_epoch(store: Store) -> None:
    assert store.head() == Head("", 0, GENESIS, None)
    began, alarm = write(store, signalled())
    assert began.fact == EpochBegan("new", "", "")
    assert (began.seq, alarm.seq) == (1, 2)
    assert began.epoch == alarm.epoch == store.head().epoch
    assert len(began.epoch) == 16


def test_what_is_read_again_is_what_was_written(store: Store, path: Path) -> None:
    newer = Newer("drone-seen", 7, '{"height":12}')
    written = [*write(store, signalled(), opened(), queued()), *write(store, newer, at=later(1))]
    head = store.head()
    store.close()
    again = Store.open(path)
    assert list(again.replay()) == written
    assert again.head() == head
    assert head.at == later(1)
    again.close()


def test_facts_written_late_say_so(store: Store) -> None:
    (_, record) = store.append([signalled()], at=NOON, boot=BOOT, clock=ClockQuality.UNSYNCED, late=True)
    assert (record.late, record.clock, record.boot) == (True, ClockQuality.UNSYNCED, BOOT)
    assert list(store.replay())[1] == record


def test_every_fact_hangs_on_the_one_before(store: Store) -> None:
    records = [*write(store, signalled(), opened()), *write(store, answered())]
    previous = GENESIS
    for record in records:
        previous = chain(previous, line(record))
    assert store.head().hash == previous


def test_a_replay_can_start_after_a_checkpoint(store: Store) -> None:
    write(store, signalled(), opened(), answered())
    assert [record.seq for record in store.replay(2)] == [3, 4]
    assert list(store.replay(4)) == []


def test_a_replay_stops_at_the_head_it_began_with(store: Store) -> None:
    write(store, signalled(), opened())
    seen = []
    for record in store.replay():
        seen.append(record.seq)
        write(store, answered())
    assert seen == [1, 2, 3]


def test_an_append_that_breaks_a_rule_leaves_nothing_behind(store: Store) -> None:
    write(store, signalled())
    before = store.head()
    store._db.execute("CREATE TEMP TRIGGER no BEFORE INSERT ON outbox BEGIN SELECT raise(ABORT, 'no'); END")
    with pytest.raises(sqlite3.IntegrityError):
        write(store, opened(), queued())
    assert store.head() == before
    assert len(list(store.replay())) == 2


def test_a_devices_broken_text_does_not_cost_the_alarm(store: Store, path: Path) -> None:
    write(store, signalled(reason="zone \ud83d काउंटर \x00"), replace(queued(), args=(("zone", "\udcff"),)))
    _, alarm, _ = store.replay()
    assert alarm.fact == signalled(reason="zone ? काउंटर \x00")
    assert store.live()[0].args == (("zone", "?"),)
    assert store.reveal(store.aside("R. \udcff Yadav", "name")) == "R. ? Yadav"
    store.close()
    assert verify(path).ok


def test_a_stored_fact_cannot_be_changed_removed_or_left_out(store: Store) -> None:
    write(store, signalled(), opened())
    for statement in (
        "UPDATE fact SET line = 'x' WHERE n = 2",
        "DELETE FROM fact WHERE n = 1",
        f"INSERT INTO fact VALUES (9, '{GENESIS}', 'x')",
    ):
        with pytest.raises(sqlite3.IntegrityError):
            store._db.execute(statement)


# --- What the uplink reads -------------------------------------------------------------------------------------------


def test_lines_come_with_the_hash_before_them(store: Store) -> None:
    write(store, signalled(), opened(), answered())
    previous, found = store.lines(2, 2, 65_536)
    assert [seq for seq, _, _ in found] == [2, 3]
    for _, text, digest in found:
        previous = chain(previous, text)
        assert previous == digest
    assert store.lines(1, 200, 65_536)[0] == GENESIS


def test_lines_stop_at_the_size_but_never_at_nothing(store: Store) -> None:
    write(store, *(signalled(reason="x" * 1_000) for _ in range(10)))
    _, found = store.lines(2, 200, 5_000)
    assert len(found) == 3 or len(found) == 4
    assert sum(len(text) for _, text, _ in found) <= 5_000
    assert len(store.lines(2, 200, 10)[1]) == 1


def test_lines_beyond_the_head_are_none(store: Store) -> None:
    write(store, signalled())
    assert store.lines(3, 200, 65_536) == (store.head().hash, [])


def test_a_room_is_remembered_by_its_last_receipt(store: Store) -> None:
    assert store.cursor("district") is None
    store.set_cursor("district", "e" * 16, 4, "a" * 64)
    store.set_cursor("district", "e" * 16, 7, "b" * 64)
    assert store.cursor("district") == Cursor("e" * 16, 7, "b" * 64)


def test_a_checkpoint_is_kept_and_a_damaged_one_is_not_believed(store: Store) -> None:
    assert store.checkpoint() is None
    write(store, signalled())
    store.save_checkpoint(2, "0.1.0", b"state")
    kept = store.checkpoint()
    assert kept is not None
    assert (kept.seq, kept.code_version, kept.blob) == (2, "0.1.0", b"state")
    store._db.execute("UPDATE checkpoint SET blob = x'00'")
    assert store.checkpoint() is None
    store.save_checkpoint(3, "0.1.0", b"of a fact that is not here")
    assert store.checkpoint() is None


# --- Epochs ----------------------------------------------------------------------------------------------------------


def test_a_restored_journal_goes_on_in_a_new_epoch(store: Store, path: Path) -> None:
    first = write(store, signalled(), opened())
    store.save_checkpoint(2, "0.1.0", b"state")
    room = Head(first[0].epoch, 40, "c" * 64, None)
    began = store.begin_epoch("restored", room, at=later(5), boot=BOOT, clock=ClockQuality.SYNCED)
    (answer,) = write(store, answered())
    assert began.fact == EpochBegan("restored", room.epoch, room.hash)
    assert (began.seq, answer.seq) == (1, 2)
    assert answer.epoch == began.epoch != first[0].epoch
    assert list(store.replay()) == [*first, began, answer], "open incidents of the old epoch are still replayed"
    assert list(store.replay(1)) == [answer]
    assert store.checkpoint() is None, "its number was of the epoch before"
    assert store.lines(1, 9, 65_536)[0] == GENESIS
    store.close()
    report = verify(path)
    assert report.ok, report.why
    assert (report.facts, report.epoch) == (5, began.epoch)


def test_after_a_failure_the_facts_that_were_written_anyway_are_known(store: Store) -> None:
    write(store, signalled())
    known = store.head()
    landed = write(store, opened(), queued())
    assert store.resume(known) == landed
    assert store.resume(store.head()) == []
    (answer,) = write(store, answered())
    assert answer.epoch == known.epoch


def test_another_card_than_the_one_that_was_lost_begins_a_new_epoch(store: Store) -> None:
    write(store, signalled())
    lost = Head(store.head().epoch, 9, "d" * 64, NOON)
    assert store.resume(lost) == []
    began, _ = write(store, answered())
    assert began.fact == EpochBegan("behind", lost.epoch, lost.hash)


# --- Sealing ---------------------------------------------------------------------------------------------------------


def seal(store: Store, up_to: Mark, keep_from: Mark | None = None) -> Sealed | None:
    record = store.seal(up_to, keep_from, at=later(99), boot=BOOT, clock=ClockQuality.SYNCED)
    if record is None:
        return None
    assert isinstance(record.fact, Sealed)
    return record.fact


def test_sealing_prunes_and_says_where_the_chain_starts(store: Store, path: Path) -> None:
    records = [*write(store, signalled(), opened(), answered()), *write(store, signalled("vault"))]
    epoch = store.head().epoch
    _, before = store.lines(4, 1, 9_999)
    assert seal(store, Mark(epoch, 4)) == Sealed(4, before[0][2])
    assert list(store.replay())[:1] == records[4:]
    assert store.lines(1, 9, 65_536)[0] == before[0][2]
    write(store, answered())
    store.close()
    report = verify(path)
    assert report.ok, report.why
    assert report.facts == 3


def test_sealing_never_touches_an_open_incident(store: Store) -> None:
    write(store, signalled(), opened(), answered())
    epoch = store.head().epoch
    sealed = seal(store, Mark(epoch, 4), keep_from=Mark(epoch, 3))
    assert sealed is not None
    assert sealed.up_to == 2
    assert seal(store, Mark(epoch, 4), keep_from=Mark(epoch, 3)) is None


def test_sealing_never_touches_a_notice_that_has_not_left(store: Store, path: Path) -> None:
    write(store, signalled(), queued("4821-1"), queued("4821-2"), NoticeSent("4821-1", 1), answered())
    epoch = store.head().epoch
    sealed = seal(store, Mark(epoch, 6))
    assert sealed is not None
    assert sealed.up_to == 3, "4821-2 was queued by fact 4"
    assert [row.notice for row in store.live()] == ["4821-2"]
    assert store.rows_of("4821") == store.live(), "a final row goes with its fact"
    store.close()
    assert verify(path).ok


def test_sealing_reaches_over_epochs_and_again(store: Store, path: Path) -> None:
    write(store, signalled(), opened())
    first = store.head()
    store.begin_epoch("restored", first, at=NOON, boot=BOOT, clock=ClockQuality.SYNCED)
    write(store, signalled(), answered(), answered())
    sealed = seal(store, Mark(first.epoch, 2))
    assert sealed is not None
    assert sealed.up_to == 2
    sealed = seal(store, Mark(store.head().epoch, 3))
    assert sealed is not None
    assert sealed.up_to == 3
    assert [record.seq for record in store.replay()] == [4, 5, 6]
    store.close()
    report = verify(path)
    assert report.ok, report.why


def test_retention_lets_go_what_is_older_and_nothing_behind_the_first_younger(store: Store) -> None:
    write(store, signalled(), at=NOON)
    write(store, opened(), at=later(100))
    write(store, answered(), at=later(50))  # the clock was set back
    epoch = store.head().epoch
    assert store.last_before(later(60)) == Mark(epoch, 2)
    assert store.last_before(later(200)) == Mark(epoch, 4)
    assert store.last_before(NOON) is None


def test_sealing_up_to_an_unknown_epoch_is_an_error(store: Store) -> None:
    write(store, signalled())
    with pytest.raises(ValueError, match="no epoch"):
        seal(store, Mark("f" * 16, 1))


# --- The file ----------------------------------------------------------------------------------------------------------


def test_only_the_daemon_may_read_the_file(store: Store, path: Path) -> None:
    write(store, signalled())
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_two_programs_on_one_journal_are_refused(store: Store, path: Path) -> None:
    with pytest.raises(JournalRefused, match="in use by another sentinel"):
        Store.open(path)
    store.close()
    Store.open(path).close()


def test_a_file_of_a_newer_sentinel_is_refused_with_the_remedy(store: Store, path: Path) -> None:
    store.close()
    raw = sqlite3.connect(path)
    raw.execute("PRAGMA user_version = 99")
    raw.close()
    with pytest.raises(JournalRefused, match=r"layout 99.*install the newer sentinel again"):
        Store.open(path)
    with pytest.raises(JournalRefused, match="layout 99"):
        Store.open(path)  # the lock was given back


def test_a_file_that_is_no_journal_is_damaged_not_overwritten(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"these are the minutes of the last meeting\n" * 200)
    with pytest.raises(JournalUnavailable) as caught:
        Store.open(path)
    assert caught.value.reason is Reason.DAMAGED
    assert path.read_bytes().startswith(b"these are")


def test_an_empty_file_left_by_a_power_cut_becomes_a_journal(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    store = Store.open(path)
    assert len(write(store, signalled())) == 2
    store.close()


def test_the_file_is_synced_in_full(path: Path) -> None:
    database = Database(path)
    assert database.connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert database.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    database.close()


def test_a_fact_of_an_unreadable_line_is_damage_and_not_a_crash(store: Store, path: Path) -> None:
    write(store, signalled(), opened())
    store._db.execute("DROP TRIGGER fact_never_changes")
    store._db.execute("UPDATE fact SET line = '{}' WHERE n = 2")
    with pytest.raises(JournalUnavailable) as caught:
        list(store.replay())
    assert caught.value.reason is Reason.DAMAGED
    store._db.execute("UPDATE fact SET line = '{}' WHERE n = 3")
    store.close()
    with pytest.raises(JournalUnavailable, match="last fact"):
        Store.open(path)


def test_a_hundred_thousand_facts_are_replayed_in_seconds(store: Store) -> None:
    (_, sample) = write(store, signalled())
    assert parse(line(sample)) == sample
    for _ in range(10):
        write(store, *(signalled() for _ in range(1_000)))
    assert sum(1 for _ in store.replay()) == 10_002
