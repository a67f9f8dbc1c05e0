"""Nobody can change, remove or add anything in a stored journal without `verify` saying where."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sentinel.core.chain import chain, line
from sentinel.core.facts import EpochBegan, NoticeSent
from sentinel.journal.errors import JournalRefused
from sentinel.journal.store import Store
from sentinel.journal.verify import Report, Verification, verify
from tests.journal.samples import answered, later, opened, queued, signalled, states, write

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def raw(store: Store) -> Iterator[sqlite3.Connection]:
    """The tables of a small journal, with the guards taken off as a forger would."""
    ref = store.aside("Sub-Inspector R. Yadav", "name")
    write(store, signalled(reason="काउंटर 2"), opened(), queued("4821-1"), queued("4821-2", contact="officer"))
    write(store, NoticeSent("4821-1", 1), answered(ref), at=later(9))
    db = store._db
    for trigger in ("fact_never_changes", "fact_goes_only_by_sealing", "fact_leaves_no_gap"):
        db.execute(f"DROP TRIGGER {trigger}")
    yield db
    store.close()


def walk(db: sqlite3.Connection) -> Report:
    walking = Verification()
    while True:
        if (report := walking.step(db, 3)) is not None:
            return report


def forged(db: sqlite3.Connection, *statements: str) -> Report:
    """The report after these changes, which are then undone."""
    db.execute("PRAGMA ignore_check_constraints = ON")
    db.execute("BEGIN")
    for statement in statements:
        db.execute(statement)
    report = walk(db)
    db.execute("ROLLBACK")
    return report


def test_an_honest_journal_is_good(raw: sqlite3.Connection, store: Store) -> None:
    assert walk(raw) == Report(True, 7, store.head().epoch, store.head().hash, None, "")


def test_an_empty_journal_is_good(store: Store) -> None:
    assert walk(store._db).ok


def test_every_single_changed_byte_of_every_fact_is_found(raw: sqlite3.Connection) -> None:
    raw.execute("PRAGMA ignore_check_constraints = ON")
    for n, stored, digest in raw.execute("SELECT n, line, hash FROM fact").fetchall():
        for column, text in (("line", stored.encode()), ("hash", digest.encode())):
            for place in range(len(text)):
                changed = bytearray(text)
                changed[place] ^= 1 + place % 255
                raw.execute("BEGIN")
                raw.execute(f"UPDATE fact SET {column} = CAST(? AS TEXT) WHERE n = ?", (bytes(changed), n))
                report = walk(raw)
                raw.execute("ROLLBACK")
                assert (report.ok, report.first_bad_seq) == (False, n), (column, place)
    assert walk(raw).ok


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_other_text_in_place_of_a_fact_is_found(raw: sqlite3.Connection, data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 7))
    column = data.draw(st.sampled_from(["line", "hash"]))
    (text,) = raw.execute(f"SELECT CAST({column} AS BLOB) FROM fact WHERE n = ?", (n,)).fetchone()
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    other = text[:start] + data.draw(st.binary(max_size=8)) + text[end:]
    raw.execute("PRAGMA ignore_check_constraints = ON")
    raw.execute("BEGIN")
    raw.execute(f"UPDATE fact SET {column} = CAST(? AS TEXT) WHERE n = ?", (other, n))
    report = walk(raw)
    raw.execute("ROLLBACK")
    assert report.ok is (other == text)
    assert report.ok or report.first_bad_seq == n


@pytest.mark.parametrize(
    ("forgery", "seq", "why"),
    [
        (["DELETE FROM fact WHERE n = 4"], 4, "missing"),
        (["DELETE FROM fact WHERE n IN (4, 5)"], 4, "2 facts are missing"),
        (["DELETE FROM fact"], None, "no facts"),
        (["DELETE FROM fact WHERE n < 3"], 1, "missing"),
        (
            ["UPDATE start SET n = 2, hash = (SELECT hash FROM fact WHERE n = 2)", "DELETE FROM fact WHERE n < 3"],
            None,
            "no fact says that it was sealed",
        ),
        (["UPDATE fact SET n = 99 WHERE n = 5"], 5, "missing"),
        (["UPDATE epoch SET base = 2"], None, ""),
        (["UPDATE epoch SET id = 'ffffffffffffffff'"], 1, "not in its place"),
        (["DELETE FROM epoch"], 1, "not in its place"),
        (["INSERT INTO epoch VALUES ('ffffffffffffffff', 7)"], 1, "has no facts"),
        (["DELETE FROM outbox WHERE notice = '4821-2'"], None, "4821-2 has no final fact"),
        (["UPDATE outbox SET state = 'sent', next_at = NULL, done_at = 1.0"], None, "4821-2 is sent"),
        (["UPDATE outbox SET contact = 'nobody' WHERE notice = '4821-2'"], 5, "not what fact 5 says"),
        (["UPDATE outbox SET priority = 4 WHERE notice = '4821-2'"], 5, "not what fact 5 says"),
        (["UPDATE outbox SET words = 'test' WHERE notice = '4821-1'"], 4, "not what fact 4 says"),
        (["UPDATE outbox SET notice = '4821-3' WHERE notice = '4821-1'"], None, "4821-3, which no fact queued"),
        (["UPDATE outbox SET state = 'gone'"], None, ""),
        (["UPDATE aside SET text = 'Constable X'"], None, "beside the chain"),
        (["UPDATE aside SET salt = x'00'"], None, "beside the chain"),
        (["DELETE FROM aside"], None, "removed without being erased"),
        (["DELETE FROM start"], None, "damaged"),
        (["DROP TABLE outbox"], None, "damaged"),
    ],
)  # fmt: skip
def test_a_forgery_is_found_and_named(raw: sqlite3.Connection, forgery: list[str], seq: int | None, why: str) -> None:
    report = forged(raw, *forgery)
    assert not report.ok
    assert why in report.why
    assert seq is None or report.first_bad_seq == seq


def test_a_fact_that_was_rewritten_with_its_hash_breaks_the_next(raw: sqlite3.Connection) -> None:
    (text,) = raw.execute("SELECT line FROM fact WHERE n = 3").fetchone()
    (before,) = raw.execute("SELECT hash FROM fact WHERE n = 2").fetchone()
    other = text.replace("critical", "info")
    report = forged(raw, f"UPDATE fact SET line = '{other}', hash = '{chain(before, other)}' WHERE n = 3")
    assert report.first_bad_seq == 4


def test_spaces_in_a_fact_are_not_as_it_was_written_even_with_the_right_hashes(raw: sqlite3.Connection) -> None:
    (text,) = raw.execute("SELECT line FROM fact WHERE n = 7").fetchone()
    (before,) = raw.execute("SELECT hash FROM fact WHERE n = 6").fetchone()
    other = text.replace('"seq":7', '"seq": 7')
    report = forged(raw, f"UPDATE fact SET line = '{other}', hash = '{chain(before, other)}' WHERE n = 7")
    assert report.first_bad_seq == 7
    assert "not as it was written" in report.why


def test_an_epoch_cannot_begin_in_the_middle_of_another(raw: sqlite3.Connection, store: Store) -> None:
    (before,) = raw.execute("SELECT hash FROM fact WHERE n = 6").fetchone()
    last = list(store.replay())[-1]
    other = line(replace(last, fact=EpochBegan("forged", "", "")))
    report = forged(raw, f"UPDATE fact SET line = '{other}', hash = '{chain(before, other)}' WHERE n = 7")
    assert report.first_bad_seq == 7
    assert "does not begin as an epoch does" in report.why


def test_an_alarm_that_is_written_during_a_verification_does_not_disturb_it(store: Store) -> None:
    write(store, *(signalled() for _ in range(20)))
    walking = Verification()
    for n in range(5):
        assert store.check(walking, 3) is None
        write(store, queued(f"{n}-1"), NoticeSent(f"{n}-1", 1))
    while (report := store.check(walking, 3)) is None:
        pass
    assert report.ok, report.why
    assert report.facts == 31


# --- The file --------------------------------------------------------------------------------------------------------


def test_a_copied_journal_is_verified_without_being_touched(store: Store, path: Path, tmp_path: Path) -> None:
    write(store, signalled(), opened())
    copy = tmp_path / "copy.db"
    shutil.copy(path, copy)
    shutil.copy(path.with_name("journal.db-wal"), tmp_path / "copy.db-wal")
    before = copy.read_bytes()
    report = verify(copy)
    assert (report.ok, report.facts, report.head) == (True, 3, store.head().hash)
    assert copy.read_bytes() == before


def test_a_journal_of_a_running_daemon_is_left_alone(store: Store, path: Path) -> None:
    with pytest.raises(JournalRefused, match="leave the file out to ask the running daemon"):
        verify(path)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(JournalRefused, match="no such journal"):
        verify(tmp_path / "none.db")


def test_a_file_that_is_no_journal_is_bad(tmp_path: Path) -> None:
    (tmp_path / "minutes.db").write_bytes(b"minutes of the meeting " * 99)
    (tmp_path / "empty.db").touch()
    for name in ("minutes.db", "empty.db"):
        report = verify(tmp_path / name)
        assert not report.ok
        assert "damaged" in report.why


def test_a_card_that_turns_bits_never_crashes_it_and_never_changes_a_fact_unseen(store: Store, path: Path) -> None:
    write(store, signalled(), opened(), queued())
    facts = list(store.replay())
    store.reserve.free()
    store.close()
    honest = path.read_bytes()
    assert verify(path).ok
    found = 0
    for place in range(0, len(honest), 89):
        changed = bytearray(honest)
        changed[place] ^= 0x20
        path.write_bytes(changed)
        if not verify(path).ok:
            found += 1
            continue
        # The byte was of no use, or of what only speeds things up: everything reads as before.
        again = Store.open(path)
        assert list(again.replay()) == facts
        assert states(again) == {"4821-1": "pending"}
        again.close()
    assert found > 20


def test_the_outbox_too_is_compared_in_steps_and_what_is_written_between_them_is_no_difference(store: Store) -> None:
    write(store, opened(), *(queued(f"4821-{number}") for number in range(100, 160)))
    asked: list[str] = []
    store._db.set_trace_callback(lambda sql: asked.append(sql) if sql.startswith("SELECT line") else None)
    walking, number, most = Verification(), 160, 0
    while True:
        del asked[:]
        report = store.check(walking, 7)
        most = max(most, len(asked))
        if report is not None:
            break
        if number < 200:
            write(store, queued(f"4821-{number}"), NoticeSent(f"4821-{number - 60}", 1))
            number += 1
    assert (report.ok, report.why, report.facts) == (True, "", 62 + 2 * (number - 160))
    assert number > 170
    assert 0 < most <= 7


@pytest.mark.parametrize("lost", ["4821-100", "4821-131", "4821-159"])
def test_a_row_that_is_missing_anywhere_in_the_outbox_is_found(store: Store, lost: str) -> None:
    write(store, opened(), *(queued(f"4821-{number}") for number in range(100, 160)))
    store._db.execute("DELETE FROM outbox WHERE notice = ?", (lost,))
    assert walk(store._db).why == f"notice {lost} has no final fact and is not in the outbox"
