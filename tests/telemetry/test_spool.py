"""The spool: what was made is written, waiting, dropped or poisoned, and never anything else."""

from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING

import pytest

from sentinel.telemetry import store as store_module
from sentinel.telemetry.model import Counts, Flush, Keep, Poison, Summary
from sentinel.telemetry.spool import Spool
from sentinel.telemetry.store import BLOB_LINES, SETTLE_BATCHES, Store
from tests.telemetry.spooling import NOW_MS, balanced, flush, lines

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

KEEP = Keep(30, 64 * 2**20)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "telemetry.db"


@pytest.fixture
async def spool(path: Path) -> AsyncIterator[Spool]:
    spool = Spool(path, KEEP, forward=True)
    await spool.open(NOW_MS)
    yield spool
    await spool.close()


async def opened(path: Path, keep: Keep = KEEP, *, forward: bool = True, now_ms: int = NOW_MS) -> Spool:
    spool = Spool(path, keep, forward=forward)
    await spool.open(now_ms)
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
        copy.with_name(copy.name + suffix).write_bytes(path.with_name(path.name + suffix).read_bytes())
    store = Store(copy, KEEP, forward=True, known=Counts())
    counts = store.counts()
    store.close()
    assert balanced(counts)
    return counts.made, counts.written


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
    day = 86_400_000
    for number in range(5):
        await spool.append(flush(number, 10, at_ms=NOW_MS + number * day))
    assert (spool.counts().waiting, spool.counts().dropped) == (30, 20)
    await spool.close()


async def test_at_a_start_what_is_too_old_or_too_much_is_dropped(path: Path) -> None:
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
    spool = await opened(path, now_ms=NOW_MS + 31 * 86_400_000)
    assert spool.counts() == Counts(made=20_000, dropped=20_000)
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
    for number in range(100):
        await spool.append(Flush(noise(number), NOW_MS, NOW_MS, {}))
    await drained(spool)
    await spool.close()
    before = path.stat().st_size
    spool = await opened(path)
    await spool.close()
    assert before > 15_000_000
    assert path.stat().st_size <= (store_module._SPARE_PAGES + 64) * 4096


def noise(number: int) -> tuple[str, ...]:
    """Lines that cannot be compressed."""
    return tuple(f"x v={os.urandom(400).hex()} {number}" for _ in range(500))
