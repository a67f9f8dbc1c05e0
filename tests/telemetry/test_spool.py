"""The spool: what was made is written, waiting, dropped or poisoned, and never anything else."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import os
import random
import sqlite3
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import ANY, patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.telemetry import age as age_module
from sentinel.telemetry import store as store_module
from sentinel.telemetry.age import Age
from sentinel.telemetry.model import Counts, Flush, Keep, Poison, SpoolUnavailable, Summary
from sentinel.telemetry.spool import MAX_QUESTIONS, Spool
from sentinel.telemetry.spoolfile import SpoolDamaged, reported
from sentinel.telemetry.store import BLOB_LINES, SETTLE_BATCHES, Store
from tests.journal.disks import mounted
from tests.telemetry.spooling import NOW_MS, balanced, flush, lines

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

KEEP = Keep(30, 64 * 2**20)
HOUR_MS = 3_600_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "telemetry.db"


@pytest.fixture
async def spool(path: Path) -> AsyncIterator[Spool]:
    spool = Spool(path, KEEP, forward=True)
    await spool.open()
    yield spool
    await spool.close()


async def opened(path: Path, keep: Keep = KEEP, *, forward: bool = True) -> Spool:
    spool = Spool(path, keep, forward=forward)
    await spool.open()
    return spool


async def drained(spool: Spool, most: int = 5000) -> list[str]:
    """Every line that waits, taken as a writer takes them."""
    taken: list[str] = []
    while (batch := await spool.read(most)) is not None:
        assert gzip.decompress(batch.body).split(b"\n") == list(batch.lines)
        taken += [line.decode() for line in batch.lines]
        await spool.done(batch.upto, len(batch.lines), ())
        assert balanced(spool.counts())
    return taken


# --- In and out ------------------------------------------------------------------------------------------------------


async def test_what_goes_in_comes_out_in_order_once(spool: Spool) -> None:
    made = [flush(number, 720) for number in range(20)]
    for one in made:
        await spool.append(one)
    assert spool.counts().waiting == 20 * 720
    assert spool.counts().oldest_ms == made[0].first_ms
    assert await drained(spool) == [line for one in made for line in one.lines]
    assert spool.counts() == Counts(made=14_400, written=14_400)
    assert await spool.read() is None


async def test_a_request_is_of_whole_flushes_and_no_larger_than_asked(spool: Spool) -> None:
    for number in range(3):
        await spool.append(flush(number, 100))
    for most, wanted in ((0, 100), (1, 100), (199, 100), (200, 200), (250, 200), (10_000, 300)):
        batch = await spool.read(most)
        assert batch is not None
        assert len(batch.lines) == wanted


async def test_a_long_flush_is_several_requests(spool: Spool) -> None:
    await spool.append(flush(0, 2 * BLOB_LINES + 1))
    batch = await spool.read()
    assert batch is not None
    assert len(batch.lines) == BLOB_LINES
    assert len(await drained(spool)) == 2 * BLOB_LINES + 1


async def test_a_batch_that_is_not_done_comes_again_the_same(spool: Spool) -> None:
    await spool.append(flush(0, 10))
    first = await spool.read()
    await spool.append(flush(1, 10))
    assert await spool.read(10) == first


async def test_a_line_end_inside_a_line_does_not_make_two_of_it(spool: Spool) -> None:
    await spool.append(Flush(('x text="a\nb" 1', 'x text="\udc80" 2'), NOW_MS, NOW_MS, {}))
    assert await drained(spool) == ['x text="a b" 1', 'x text="?" 2']


async def test_poison_is_counted_apart_and_its_words_are_kept(spool: Spool, path: Path) -> None:
    await spool.append(flush(0, 10))
    batch = await spool.read()
    assert batch is not None
    bad = [Poison("x v=1 1", "field type conflict"), Poison("y" * 9000, "too long")]
    await spool.done(batch.upto, 8, bad)
    assert spool.counts() == Counts(made=10, written=8, poisoned=2)
    assert await spool.poisons() == bad
    await spool.close()
    again = await opened(path)
    assert again.counts() == Counts(made=10, written=8, poisoned=2)
    assert [one.why for one in await again.poisons()] == ["field type conflict", "too long"]
    assert max(len(one.line) for one in await again.poisons()) == store_module.POISON_CHARS
    await again.close()


async def test_only_the_last_hundred_poisons_are_kept(spool: Spool, path: Path) -> None:
    for number in range(3):
        await spool.append(flush(number, 60))
        batch = await spool.read()
        assert batch is not None
        await spool.done(batch.upto, 0, [Poison(f"{number} {bad}", "no") for bad in range(60)])
    await spool.close()
    again = await opened(path)
    kept = [one.line for one in await again.poisons()]
    assert (len(kept), kept[-1]) == (100, "2 59")
    await again.close()


async def test_lines_given_up_in_memory_are_counted(spool: Spool) -> None:
    await spool.append(Flush(("x v=1 1",), NOW_MS, NOW_MS, {}, dropped=7))
    assert spool.counts() == Counts(made=8, waiting=1, dropped=7, bytes=spool.counts().bytes, oldest_ms=NOW_MS)


async def test_without_a_server_nothing_waits_and_the_plot_is_there(path: Path) -> None:
    spool = await opened(path, forward=False)
    minute = NOW_MS // 60_000
    await spool.append(Flush(lines(0, 5), NOW_MS, NOW_MS, {minute: {"p": Summary(1, 3, 2)}}, dropped=3))
    assert spool.counts() == Counts()
    assert await spool.read() is None
    assert (await spool.plot("p", NOW_MS // 1000 - 3600, NOW_MS // 1000 + 60)).last == (2.0,)
    await spool.close()


# --- Counted, whatever happens ---------------------------------------------------------------------------------------


async def test_done_is_counted_at_once_and_durable_with_the_next_append(spool: Spool, path: Path) -> None:
    await spool.append(flush(0, 10))
    batch = await spool.read()
    assert batch is not None
    await spool.done(batch.upto, 10, ())
    assert spool.counts() == Counts(made=10, written=10)
    assert durable(path) == (10, 0)
    await spool.append(flush(1, 10))
    assert durable(path) == (20, 10)


def durable(path: Path) -> tuple[int, int]:
    """Lines made and written, as a program that starts after a crash would find them."""
    copy = path.with_name("copy.db")
    for suffix in ("", "-wal"):
        if path.with_name(path.name + suffix).exists():
            copy.with_name(copy.name + suffix).write_bytes(path.with_name(path.name + suffix).read_bytes())
    store = Store(copy, KEEP, forward=True, known=Counts())
    counts = store.counts()
    (there,) = store._db.execute("SELECT coalesce(sum(lines), 0) FROM blob").fetchone()
    store.close()
    assert balanced(counts)
    assert counts.waiting == there
    return counts.made, counts.written


async def test_a_crash_between_the_upkeep_of_a_flush_and_the_flush_leaves_the_counts_true(path: Path) -> None:
    store = Store(path, KEEP, forward=True, known=Counts())
    store.append(flush(0, 10, minutes={NOW_MS // 60_000: {"p": Summary(1, 1, 1)}}))
    batch = store.read(100)
    assert batch is not None
    store.done(batch.upto, 9, [Poison("x", "no")])
    store._tidy(flush(1, 10, minutes={NOW_MS // 60_000 + 60: {"p": Summary(1, 1, 1)}}), NOW_MS)
    assert durable(path) == (10, 9)
    store.close()


async def test_done_is_durable_after_a_while_when_nothing_is_appended(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentinel.telemetry.spool.SETTLE_S", 0.05)
    spool = await opened(path)
    await spool.append(flush(0, 10))
    batch = await spool.read()
    assert batch is not None
    await spool.done(batch.upto, 10, ())
    settling = spool._settling
    assert settling is not None
    await settling
    assert durable(path) == (10, 10)
    await spool.close()


async def test_a_backlog_that_drains_is_forgotten_now_and_then(spool: Spool, path: Path) -> None:
    for number in range(SETTLE_BATCHES + 1):
        await spool.append(flush(number, 10))
    for number in range(SETTLE_BATCHES):
        assert durable(path)[1] == 0, number
        batch = await spool.read(10)
        assert batch is not None
        await spool.done(batch.upto, 10, ())
    assert durable(path)[1] == 10 * SETTLE_BATCHES


async def test_done_twice_or_for_another_batch_is_not_counted(spool: Spool) -> None:
    await spool.append(flush(0, 10))
    await spool.done(1, 10, ())
    await spool.done(10**9, 10, ())
    assert spool.counts().waiting == 10
    batch = await spool.read()
    assert batch is not None
    await spool.done(batch.upto, 10, ())
    await spool.done(batch.upto, 10, ())
    assert spool.counts() == Counts(made=10, written=10)


async def test_a_batch_that_is_dropped_on_its_way_and_then_written_is_written(path: Path) -> None:
    spool = await opened(path, Keep(30, 20_000))
    await spool.append(flush(0, 500))
    batch = await spool.read()
    assert batch is not None
    number = 1
    while not spool.counts().dropped:
        await spool.append(flush(number, 500))
        number += 1
    await spool.done(batch.upto, 500, ())
    counts = spool.counts()
    assert (counts.written, counts.dropped, balanced(counts)) == (500, 0, True)
    assert len(await drained(spool)) == counts.waiting
    await spool.close()


# --- Bounds ----------------------------------------------------------------------------------------------------------


async def test_beyond_its_bytes_the_oldest_lines_are_dropped_and_counted(path: Path) -> None:
    spool = await opened(path, Keep(30, 100_000))
    for number in range(60):
        await spool.append(flush(number, 500))
        assert spool.counts().bytes <= 100_000
        assert balanced(spool.counts())
    counts = spool.counts()
    assert 0 < counts.waiting < 30_000 - 500
    kept = await drained(spool)
    assert kept == [line for number in range(60) for line in lines(number, 500)][-len(kept) :]
    await spool.close()


async def test_beyond_its_days_the_oldest_lines_are_dropped(path: Path) -> None:
    spool = await opened(path, Keep(2, 2**20))
    for hour in range(4 * 24 + 1):
        at_ms = NOW_MS + hour * HOUR_MS
        await spool.append(flush(hour, 10, at_ms=at_ms), at_ms)
    assert (spool.counts().waiting, spool.counts().dropped) == (490, 480)
    await spool.close()


@pytest.mark.parametrize("running", [True, False], ids=["while it runs", "at its start"])
@pytest.mark.parametrize("synchronised", [True, False])
async def test_a_clock_that_is_a_year_ahead_costs_no_line_and_no_plot(
    path: Path, running: bool, synchronised: bool
) -> None:
    spool = await opened(path)
    for hour in range(48):
        at_ms = NOW_MS + hour * HOUR_MS
        await spool.append(flush(hour, 60, minutes={at_ms // 60_000: {"p": Summary(1, 2, 3)}}), at_ms)
    if not running:
        await spool.close()
        spool = await opened(path)
    for hour in range(23):
        at_ms = NOW_MS + 366 * 24 * HOUR_MS + hour * HOUR_MS
        new = flush(48 + hour, 60, at_ms=at_ms, minutes={at_ms // 60_000: {"p": Summary(1, 2, 3)}})
        await spool.append(new, at_ms if synchronised else None)
    assert spool.counts() == Counts(made=71 * 60, waiting=71 * 60, bytes=ANY, oldest_ms=NOW_MS)
    assert len((await spool.plot("p", NOW_MS // 1000 - 60, NOW_MS // 1000 + 48 * 3600)).at) == 48
    assert len(await drained(spool)) == 71 * 60
    await spool.close()


async def test_a_clock_that_nobody_believes_drops_nothing_by_age_however_long_it_runs(path: Path) -> None:
    spool = await opened(path, Keep(2, 2**20))
    for hour in range(24 * 9):
        await spool.append(flush(hour, 10, at_ms=NOW_MS + hour * HOUR_MS), None)
    assert spool.counts().waiting == 24 * 9 * 10
    await spool.close()


def test_the_age_is_judged_after_a_day_without_a_jump() -> None:
    age, at = Age(), NOW_MS
    for hour in range(24):
        assert age.judged(at + hour * HOUR_MS) is None
    assert age.judged(at + 24 * HOUR_MS) == at + 24 * HOUR_MS
    assert age.judged(at + 25 * HOUR_MS) is not None
    assert age.judged(at + 25 * HOUR_MS - 5000) is not None, "a clock that is corrected by seconds went on evenly"
    assert age.judged(at + 400 * 24 * HOUR_MS) is None
    assert age.judged(at + 26 * HOUR_MS) is None, "and back again"
    assert age.judged(None) is None
    assert age.judged(at + 27 * HOUR_MS) is None, "nobody knows what it did meanwhile"


async def test_at_a_start_what_is_too_much_is_dropped(path: Path) -> None:
    spool = await opened(path)
    for number in range(200):
        await spool.append(flush(number, 100))
    size = spool.counts().bytes
    await spool.close()
    spool = await opened(path, Keep(30, size // 2))
    assert spool.counts().bytes <= size // 2
    assert balanced(spool.counts())
    assert spool.counts().waiting >= 9_000
    await spool.close()


async def test_a_flush_larger_than_the_spool_is_dropped_with_all_before_it(path: Path) -> None:
    spool = await opened(path, Keep(30, 1000))
    await spool.append(flush(0, 2000))
    await spool.append(flush(1, 2000))
    assert spool.counts() == Counts(made=4000, dropped=4000)
    await spool.close()


async def test_the_file_does_not_grow_while_the_server_takes_everything(spool: Spool, path: Path) -> None:
    for number in range(300):
        await spool.append(flush(number, 200))
        await drained(spool)
    assert path.stat().st_size < 200_000


async def test_after_an_outage_the_file_gives_its_room_back(path: Path) -> None:
    spool = await opened(path)
    for number in range(80):
        await spool.append(Flush(noise(number), NOW_MS, NOW_MS, {}))
    await drained(spool)
    before = path.stat().st_size
    for number in range(20):
        await spool.append(flush(number, 10))
    await spool.close()
    assert before > 6_000_000
    assert path.stat().st_size <= (store_module._SPARE_PAGES + 64) * 1024


def noise(number: int) -> tuple[str, ...]:
    """Lines that cannot be compressed."""
    return tuple(f"x v={base64.b85encode(os.urandom(200)).decode()} {number}" for _ in range(500))


# --- The law, for every order of events ------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("append"), st.integers(0, 400)),
            st.tuples(st.just("read"), st.integers(1, 600)),
            st.tuples(st.just("done"), st.integers(0, 3)),
            st.tuples(st.just("settle"), st.just(0)),
            st.tuples(st.just("crash"), st.just(0)),
            st.tuples(st.just("days"), st.integers(0, 20)),
        ),
        max_size=40,
    )
)
def test_every_line_is_in_exactly_one_place_whatever_happens(steps: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder, patch.multiple(age_module, STEADY_MS=0, STEP_MS=10**15):
        path, keep = Path(folder) / "telemetry.db", Keep(30, 12_000)
        store = Store(path, keep, forward=True, known=Counts())
        made, at, number, batch, taken = 0, NOW_MS, 0, None, set[str]()
        poisoned = 0
        for what, much in steps:
            match what:
                case "append":
                    number += 1
                    store.append(flush(number, much, at_ms=at, minutes={at // 60_000: {"p": Summary(1, 1, 1)}}), at)
                    made += much
                case "read":
                    batch = store.read(much)
                case "done" if batch is not None:
                    bad = [Poison(line.decode(), "no") for line in batch.lines[:much]]
                    before = store.counts()
                    store.done(batch.upto, len(batch.lines) - len(bad), bad)
                    poisoned = store.counts().poisoned - before.poisoned
                    assert poisoned in {0, len(bad)}
                    taken |= {line.decode() for line in batch.lines}
                case "settle":
                    store.settle()
                case "crash":
                    store.close()
                    assert durable(path)[0] == made
                    store = Store(path, keep, forward=True, known=store.counts())
                case _:
                    at += much * 86_400_000
            counts = store.counts()
            assert balanced(counts), (what, counts)
            assert counts.made == made
            assert counts.bytes <= keep.bytes
            assert (counts.oldest_ms is None) == (counts.waiting == 0) == (counts.bytes == 0)
        waiting = 0
        while (batch := store.read(5000)) is not None:
            waiting += len(batch.lines)
            store.done(batch.upto, len(batch.lines), ())
        assert waiting == counts.waiting if steps else not waiting
        assert store.counts().bytes == 0
        store.close()


# --- Disks that go wrong ---------------------------------------------------------------------------------------------


async def test_before_it_is_opened_and_after_it_is_closed_everything_is_refused(path: Path) -> None:
    spool = Spool(path, KEEP, forward=True)
    for state in ("not opened yet", "closed"):
        assert state in str(spool.failure)
        for call in (
            spool.append(flush(0, 1)),
            spool.read(),
            spool.done(1, 1, ()),
            spool.plot("p", 0, 1),
            spool.poisons(),
        ):
            with pytest.raises(SpoolUnavailable, match=state):
                await call
        assert spool.counts() == Counts()
        await spool.close()
    with pytest.raises(SpoolUnavailable, match="closed"):
        await spool.open()
    assert not path.exists()


@pytest.mark.real
async def test_on_a_full_disk_the_flush_is_refused_and_taken_again_when_there_is_room(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "1m") as real:
        spool = await opened(tmp_path / "disk" / "telemetry.db")
        if not real:
            assert spool._store is not None
            spool._store._db.execute("PRAGMA max_page_count = 700")
        kept = await fill(spool)
        assert "full" in str(spool.failure)
        assert (kept > 0, spool.counts().waiting) == (True, kept * 500)
        if real:
            with pytest.raises(SpoolUnavailable, match=r"full|I/O"):
                await again_and_again(spool, kept)
            subprocess.run(["mount", "-o", "remount,size=8m", str(tmp_path / "disk")], check=True)
        await spool.open()
        await spool.append(Flush(noise(kept), NOW_MS, NOW_MS, {}))
        assert spool.failure is None
        assert (balanced(spool.counts()), spool.counts().waiting) == (True, (kept + 1) * 500)
        assert len(await drained(spool)) == (kept + 1) * 500
        await spool.close()


async def fill(spool: Spool) -> int:
    """How many flushes were taken before one was refused."""
    kept = 0
    with contextlib.suppress(SpoolUnavailable):
        while True:
            await spool.append(Flush(noise(kept), NOW_MS, NOW_MS, {}))
            kept += 1
    return kept


async def again_and_again(spool: Spool, number: int) -> None:
    for _ in range(20):
        await spool.open()
        await spool.append(Flush(noise(number), NOW_MS, NOW_MS, {}))


async def test_a_disk_that_went_read_only_is_said_and_what_was_counted_stands(spool: Spool) -> None:
    await spool.append(flush(0, 10))
    assert spool._store is not None
    spool._store._db.execute("PRAGMA query_only = ON")
    with pytest.raises(SpoolUnavailable, match="readonly"):
        await spool.append(flush(1, 10))
    with pytest.raises(SpoolUnavailable, match="readonly"):
        await spool.read()
    assert spool.counts().made == 10
    await spool.open()
    await spool.append(flush(1, 10))
    assert len(await drained(spool)) == 20


async def test_a_hanging_disk_is_given_up_after_the_deadline(path: Path) -> None:
    spool = Spool(path, KEEP, forward=True, deadline_s=0.2)
    await spool.open()
    await spool.append(flush(0, 10))
    hangs = threading.Event()
    spool._executor.submit(hangs.wait)
    with pytest.raises(SpoolUnavailable, match="no answer within"):
        await spool.append(flush(1, 10))
    with pytest.raises(SpoolUnavailable, match="no answer within"):
        await spool.open()
    hangs.set()
    await spool.open()
    assert spool.counts().waiting == 10, "what was refused before it began was not written"
    await spool.append(flush(1, 10))
    assert len(await drained(spool)) == 20
    await spool.close()


async def test_a_page_that_asks_too_much_is_refused_and_the_record_goes_on(path: Path) -> None:
    spool = Spool(path, KEEP, forward=True, deadline_s=0.2)
    await spool.open()
    busy = threading.Event()
    spool._executor.submit(busy.wait)
    for question in (spool.plot("p", 0, 1), spool.poisons()):
        with pytest.raises(SpoolUnavailable, match="no answer within"):
            await question
    busy.set()
    assert spool.failure is None
    await spool.append(flush(0, 10))
    assert spool.counts().waiting == 10
    await spool.close()


async def test_a_flush_that_was_refused_for_its_slowness_and_landed_is_counted_with_its_second_coming(
    path: Path,
) -> None:
    spool = Spool(path, KEEP, forward=True, deadline_s=0.2)
    await spool.open()
    hangs = threading.Event()
    assert spool._store is not None
    spool._store._db.set_progress_handler(lambda: not hangs.wait(), 1)
    with pytest.raises(SpoolUnavailable, match="no answer within"):
        await spool.append(flush(0, 10))
    assert spool.counts().made == 0
    hangs.set()
    await spool.open()
    await spool.append(flush(0, 10))
    assert spool.counts().made == 20
    assert await drained(spool) == [*lines(0, 10), *lines(0, 10)]
    await spool.close()


def test_a_place_of_the_card_that_cannot_be_read_is_damage_and_one_that_cannot_be_written_is_not() -> None:
    for code, damaged in (
        (sqlite3.SQLITE_IOERR_READ, True),
        (sqlite3.SQLITE_CORRUPT, True),
        (sqlite3.SQLITE_IOERR_WRITE, False),
        (sqlite3.SQLITE_FULL, False),
    ):
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = code
        with pytest.raises(SpoolUnavailable) as caught, reported():
            raise error
        assert isinstance(caught.value, SpoolDamaged) is damaged


async def test_a_file_that_is_deleted_is_missed_and_a_new_one_counts_on(spool: Spool, path: Path) -> None:
    await spool.append(flush(0, 10))
    batch = await spool.read()
    assert batch is not None
    await spool.done(batch.upto, 10, ())
    await spool.append(flush(1, 10))
    batch = await spool.read()
    assert batch is not None
    path.unlink()
    with pytest.raises(SpoolUnavailable, match="deleted"):
        await spool.append(flush(2, 10))
    await spool.open()
    assert spool.counts() == Counts(made=20, written=10, dropped=10)
    await spool.append(flush(2, 10))
    await spool.done(batch.upto, 10, ())
    assert spool.counts().waiting == 10, "what was read from the lost file is not this file's"
    assert await drained(spool) == list(lines(2, 10))


async def test_a_second_program_is_refused_and_disturbs_nothing(spool: Spool, path: Path) -> None:
    await spool.append(flush(0, 10))
    other = Spool(path, KEEP, forward=True)
    with pytest.raises(SpoolUnavailable, match="locked"):
        await other.open()
    await other.close()
    await spool.append(flush(1, 10))
    assert not path.with_name("telemetry.db.damaged").exists()
    assert len(await drained(spool)) == 20


async def test_too_many_plots_at_once_are_refused_and_a_flush_is_not(spool: Spool) -> None:
    hangs = threading.Event()
    spool._executor.submit(hangs.wait)
    plots = [asyncio.create_task(spool.plot("p", 0, 60)) for _ in range(MAX_QUESTIONS + 3)]
    flushing = asyncio.create_task(spool.append(flush(0, 10)))
    await asyncio.sleep(0)
    hangs.set()
    answers = await asyncio.gather(*plots, return_exceptions=True)
    assert [isinstance(one, SpoolUnavailable) for one in answers] == [False] * MAX_QUESTIONS + [True] * 3
    await flushing
    assert spool.counts().waiting == 10


# --- Damage ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"this is no database", os.urandom(50_000), b"SQLite format 3\0" + b"\xff" * 9000])
async def test_a_file_that_is_no_database_is_set_aside_and_a_new_one_begun(
    path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        path.write_bytes(content)
        spool = await opened(path)
        await spool.append(flush(0, 10))
        assert len(await drained(spool)) == 10
        await spool.close()
    assert sorted(one.name for one in path.parent.iterdir()) == ["telemetry.db", "telemetry.db.damaged"]
    assert path.with_name("telemetry.db.damaged").read_bytes() == content
    assert "spool damaged, begun anew" in caplog.text


async def test_what_waited_in_a_file_that_is_damaged_at_a_start_is_counted_as_dropped(path: Path) -> None:
    spool = await opened(path)
    for number in range(20):
        await spool.append(flush(number, 60))
    batch = await spool.read(600)
    assert batch is not None
    await spool.done(batch.upto, 600, ())
    assert spool.damage is None
    await spool.close()
    broken(path, "DROP TABLE minute")
    spool = await opened(path)
    assert spool.counts() == Counts(made=1200, written=600, dropped=600)
    assert spool.damage is not None
    assert spool.damage.lines == 600
    assert "minute" in spool.damage.why
    await spool.append(flush(30, 60))
    assert balanced(spool.counts())
    await spool.close()
    spool = await opened(path)
    assert (spool.counts().made, spool.damage) == (1260, None)
    await spool.close()


@pytest.mark.parametrize("how", ["no header", "no row", "senseless"])
async def test_when_nobody_can_tell_how_much_was_in_a_damaged_file_that_is_said(path: Path, how: str) -> None:
    spool = await opened(path)
    for number in range(20):
        await spool.append(flush(number, 60))
    await spool.close()
    if how == "no header":
        with path.open("r+b") as file:
            file.write(bytes(4096))
    else:
        broken(path, "DROP TABLE minute", "DELETE FROM state" if how == "no row" else "UPDATE state SET written = 9999")
    spool = await opened(path)
    assert spool.damage is not None
    assert spool.damage.lines is None
    assert spool.counts() == Counts()
    await spool.append(flush(30, 60))
    assert spool.counts().made == 60
    await spool.close()


async def test_a_damaged_file_of_a_run_goes_on_from_what_is_known_in_memory(spool: Spool, path: Path) -> None:
    for number in range(5):
        await spool.append(flush(number, 60))
    await spool.append(flush(5, 60))
    assert spool._store is not None
    spool._store._db.execute("DROP TABLE blob")
    with pytest.raises(SpoolUnavailable):
        await spool.append(flush(6, 60))
    assert spool.damage is not None
    assert spool.damage.lines == 360
    await spool.open()
    assert spool.counts() == Counts(made=360, dropped=360)


async def test_a_large_damaged_file_is_not_kept_beside_the_next_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(b"small and old")
    await (await opened(path)).close()
    assert path.with_name("telemetry.db.damaged").exists()
    monkeypatch.setattr("sentinel.telemetry.spoolfile.ASIDE_BYTES", 1000)
    path.write_bytes(os.urandom(1001))
    spool = await opened(path)
    assert not path.with_name("telemetry.db.damaged").exists(), "nor the one before"
    await spool.append(flush(0, 10))
    await spool.close()


def broken(path: Path, *statements: str) -> None:
    other = sqlite3.connect(path)
    for statement in statements:
        other.execute(statement)
    other.commit()
    other.close()


@pytest.mark.parametrize(
    "statement", ["DROP TABLE blob", "DROP TABLE hour", "PRAGMA user_version = 99", "DELETE FROM point"]
)
async def test_a_file_with_other_tables_is_set_aside_or_used_as_it_is(path: Path, statement: str) -> None:
    spool = await opened(path)
    await spool.append(flush(0, 10, minutes={NOW_MS // 60_000: {"p": Summary(1, 1, 1)}}))
    await spool.close()
    broken(path, statement)
    spool = Spool(path, KEEP, forward=True)
    for _ in range(3):
        with contextlib.suppress(SpoolUnavailable):
            await spool.open()
            await spool.append(flush(1, 10, minutes={NOW_MS // 60_000 + 60: {"p": Summary(2, 2, 2)}}))
            await spool.plot("p", 0, 2**40)
    await spool.open()
    assert balanced(spool.counts())
    assert len(await drained(spool)) >= 10
    await spool.close()


@pytest.mark.parametrize("seed", range(12))
async def test_wherever_the_file_is_damaged_nothing_but_spool_unavailable_comes_and_the_next_is_well(
    path: Path, seed: int
) -> None:
    dice = random.Random(seed)
    spool = await opened(path)
    for number in range(60):
        await spool.append(
            flush(number, 200, minutes={NOW_MS // 60_000 + number * 7: {f"p{n}": Summary(n, n, n) for n in range(30)}})
        )
    await spool.close()
    data = bytearray(path.read_bytes())
    for _ in range(dice.choice((1, 20))):
        begin = dice.randrange(0, len(data) - 1024)
        data[begin : begin + 1024] = dice.choice((dice.randbytes(1024), bytes(1024)))
    path.write_bytes(data)
    spool = Spool(path, KEEP, forward=True)
    refused = 0
    for number in range(20):
        try:
            if spool.failure is not None:
                await spool.open()
            await spool.append(
                flush(100 + number, 10, minutes={NOW_MS // 60_000 + number * 60: {"p1": Summary(1, 1, 1)}})
            )
            await spool.plot("p1", 0, 2**40)
            await drained(spool)
        except SpoolUnavailable:
            refused += 1
    assert refused <= 2
    assert spool.failure is None
    await spool.append(flush(200, 10))
    assert await drained(spool) == list(lines(200, 10))
    await spool.close()


async def test_a_blob_that_cannot_be_unpacked_is_dropped_alone(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    spool = await opened(path)
    for number in range(5):
        await spool.append(flush(number, 10 + number))
    await spool.close()
    other = sqlite3.connect(path)
    other.execute("UPDATE blob SET data = x'1f8b0800' WHERE id = 1")
    other.execute("UPDATE blob SET data = (SELECT data FROM blob WHERE id = 5) WHERE id = 3")
    other.commit()
    other.close()
    spool = await opened(path)
    assert await drained(spool) == [*lines(1, 11), *lines(3, 13), *lines(4, 14)]
    assert spool.counts() == Counts(made=60, written=38, dropped=22)
    assert caplog.text.count("damaged blob dropped") == 2
    await spool.close()
