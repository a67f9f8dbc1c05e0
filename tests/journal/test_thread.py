"""The journal behind its thread: alarms do not wait for a replay, a hanging card is noticed, and nothing is told twice."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from typing import TYPE_CHECKING

import pytest

from sentinel.core.facts import ClockQuality, EpochBegan, NoticeSent
from sentinel.journal.errors import JournalRefused, JournalUnavailable, Reason
from sentinel.journal.marks import Cursor
from sentinel.journal.store import CHUNK, Mark, Store
from sentinel.journal.thread import MAX_CHANGES, MAX_QUESTIONS, Journal
from sentinel.journal.verify import verify
from tests.journal.samples import BOOT, NOON, answered, later, opened, queued, signalled, write

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sentinel.core.facts import Fact, Recorded


@pytest.fixture
async def journal(path: Path) -> AsyncIterator[Journal]:
    opening = Journal(path, deadline_s=0.3)
    await opening.open()
    yield opening
    await opening.close()


async def append(journal: Journal, *facts: Fact) -> list[Recorded]:
    return await journal.append(facts, at=NOON, boot=BOOT, clock=ClockQuality.SYNCED)


async def replayed(journal: Journal, after_seq: int = 0) -> list[Recorded]:
    return [record async for chunk in journal.replay(after_seq) for record in chunk]


class HangingCard:
    """Holds the journal's thread as a sync to a dying card does, until it is let go."""

    def __init__(self, journal: Journal) -> None:
        self._go = threading.Event()
        store = journal._store
        assert store is not None
        store._db.create_function("hang", 0, lambda: self._go.wait(20) and None)
        store._db.execute("CREATE TEMP TRIGGER hang AFTER INSERT ON fact BEGIN SELECT hang(); END")

    def let_go(self) -> None:
        self._go.set()


async def test_what_is_appended_is_there_after_a_restart(path: Path, journal: Journal) -> None:
    written = await append(journal, signalled(), opened(), queued())
    assert journal.head().seq == 4
    await journal.close()
    again = Journal(path)
    assert (await again.open()).seq == 4
    assert await replayed(again) == written
    assert await replayed(again, 3) == written[3:]
    await again.close()


async def test_every_part_of_the_store_is_reached(journal: Journal) -> None:
    await append(journal, signalled(), queued(), queued("4821-2"))
    row = (await journal.take(["mqtt"], NOON, 30, 1))[0]
    assert await journal.postpone(row.notice, later(9), "busy")
    assert await journal.release_expired(NOON) == 0
    assert await journal.release_all(later(1)) == 2
    assert not await journal.requeue("4821-2", later(1))
    assert await journal.reroute("4821-2", "email", "lte", later(1))
    assert [row.channel for row in await journal.live()] == ["mqtt", "email"]
    await append(journal, NoticeSent("4821-1", 1))
    assert [row.notice for row in await journal.awaiting("mqtt")] == ["4821-1"]
    assert len(await journal.rows_of("4821")) == 2
    assert await journal.counts() == {"mqtt": {"sent": 1}, "email": {"pending": 1}}
    assert await journal.prune_outbox(NOON) == 0
    ref = await journal.aside("R. Yadav", "name")
    assert await journal.reveal(ref) == "R. Yadav"
    assert await journal.erase(ref)
    await journal.set_cursor("district", journal.head().epoch, 2, "a" * 64)
    assert await journal.cursor("district") == Cursor(journal.head().epoch, 2, "a" * 64)
    await journal.save_checkpoint(2, "0.1.0", b"state")
    saved = await journal.checkpoint()
    assert saved is not None
    assert saved.blob == b"state"
    assert (await journal.lines(5, 9, 9_999))[1][0][0] == 5
    assert await journal.reserve_intact(refill=True) == await journal.reserve_intact()
    report = await journal.verify()
    assert (report.ok, report.facts, report.head) == (True, 5, journal.head().hash)


async def test_sealing_and_a_new_epoch_move_the_head(journal: Journal) -> None:
    await append(journal, signalled(), answered())
    epoch = journal.head().epoch
    assert await journal.last_before(later(1)) == Mark(epoch, 3)
    sealed = await journal.seal(Mark(epoch, 2), None, at=later(1), boot=BOOT, clock=ClockQuality.SYNCED)
    assert sealed is not None
    assert journal.head().seq == sealed.seq == 4
    began = await journal.begin_epoch("restored", journal.head(), at=later(2), boot=BOOT, clock=ClockQuality.SYNCED)
    assert (journal.head().epoch, journal.head().seq) == (began.epoch, 1)
    assert (await journal.verify()).ok


async def test_an_alarm_does_not_wait_for_a_long_replay(path: Path) -> None:
    store = Store.open(path)
    for _ in range(10):
        write(store, *(signalled() for _ in range(CHUNK)))
    store.close()
    journal = Journal(path)
    await journal.open()
    reader = asyncio.create_task(replayed(journal))
    await asyncio.sleep(0)
    began = time.monotonic()
    await append(journal, signalled("vault"))
    waited = time.monotonic() - began
    assert not reader.done(), "the replay was still going on"
    assert len(await reader) == 10 * CHUNK + 1, "and does not see what came after its beginning"
    assert waited < 0.5 * (time.monotonic() - began)
    await journal.close()


async def test_however_many_ask_for_a_proof_an_alarm_waits_for_one_small_step_only(path: Path) -> None:
    store = Store.open(path)
    for _ in range(10):
        write(store, *(signalled() for _ in range(1000)))
    store.close()
    journal = Journal(path)
    await journal.open()
    askers = [asyncio.create_task(journal.verify()) for _ in range(100)]
    waited = []
    for _ in range(30):
        began = time.monotonic()
        await append(journal, signalled("vault"))
        assert await journal.take(["mqtt"], NOON, 30, 1) == []
        waited.append(time.monotonic() - began)
    assert not any(one.done() for one in askers), "the proof was still going on"
    assert sorted(waited)[15] < 0.1
    askers.pop().cancel()
    assert {id(one) for one in await asyncio.gather(*askers)} == {id(askers[0].result())}, "one walk for all of them"
    assert askers[0].result().ok
    assert await journal.verify() is not askers[0].result(), "who asks later gets a new one"
    await journal.close()


async def test_a_proof_that_is_going_on_when_the_journal_is_closed_ends(path: Path) -> None:
    store = Store.open(path)
    write(store, *(signalled() for _ in range(1000)))
    store.close()
    journal = Journal(path)
    await journal.open()
    asker = asyncio.create_task(journal.verify())
    await asyncio.sleep(0)
    await journal.close()
    with pytest.raises((JournalUnavailable, asyncio.CancelledError)):
        await asker


# --- Failures --------------------------------------------------------------------------------------------------------


async def test_a_hanging_card_is_unavailable_within_the_deadline(journal: Journal) -> None:
    await append(journal, signalled())
    card = HangingCard(journal)
    began = time.monotonic()
    with pytest.raises(JournalUnavailable) as caught:
        await append(journal, opened())
    assert caught.value.reason is Reason.SLOW
    assert 0.25 < time.monotonic() - began < 2
    with pytest.raises(JournalUnavailable):
        await journal.live()
    assert time.monotonic() - began < 2, "the next caller is not kept waiting"
    assert journal.failure is not None
    assert journal.stalled_s(time.monotonic()) > 0.2
    card.let_go()


async def test_what_a_hanging_card_wrote_after_all_is_told_when_it_is_back(path: Path, journal: Journal) -> None:
    await append(journal, signalled())
    card = HangingCard(journal)
    with pytest.raises(JournalUnavailable):
        await append(journal, opened(), queued())
    with pytest.raises(JournalUnavailable):
        await append(journal, answered())
    card.let_go()
    landed = await journal.reopen()
    assert [record.fact for record in landed] == [opened(), queued()]
    assert await journal.reopen() == []
    (record,) = await append(journal, answered())
    assert record.seq == 5
    await journal.close()
    report = verify(path)
    assert report.ok, report.why
    assert report.facts == 5


async def test_two_alarms_at_once_on_a_hanging_card_are_not_confused(journal: Journal) -> None:
    await append(journal, signalled())
    card = HangingCard(journal)
    first, second = asyncio.create_task(append(journal, opened())), asyncio.create_task(append(journal, answered()))
    done = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(result) for result in done] == [JournalUnavailable, JournalUnavailable]
    card.let_go()
    assert [record.fact for record in await journal.reopen()] == [opened()]
    assert journal.head().seq == 3


async def test_an_alarm_that_waited_behind_a_hanging_one_does_not_hide_that_it_landed(journal: Journal) -> None:
    await append(journal, signalled())
    card = HangingCard(journal)
    first = asyncio.create_task(append(journal, opened()))
    await asyncio.sleep(0.2)
    second = asyncio.create_task(append(journal, answered()))
    with pytest.raises(JournalUnavailable):
        await first
    card.let_go()
    with pytest.raises(JournalUnavailable):
        await second
    assert [record.fact for record in await journal.reopen()] == [opened()]


async def test_a_card_that_hangs_still_hangs_when_it_is_opened_again(journal: Journal) -> None:
    await append(journal, signalled())
    card = HangingCard(journal)
    with pytest.raises(JournalUnavailable):
        await append(journal, opened())
    with pytest.raises(JournalUnavailable) as caught:
        await asyncio.wait_for(journal.reopen(), 5)
    assert caught.value.reason is Reason.SLOW
    card.let_go()
    assert len(await journal.reopen()) == 1


async def test_a_journal_that_vanished_is_refused_until_it_is_opened_again(path: Path, journal: Journal) -> None:
    await append(journal, signalled())
    known = journal.head()
    shutil.rmtree(path.parent)
    with pytest.raises(JournalUnavailable) as caught:
        await append(journal, opened())
    assert caught.value.reason is Reason.GONE
    assert await journal.reopen() == []
    began, _ = await append(journal, opened())
    assert began.fact == EpochBegan("behind", known.epoch, known.hash)


async def test_a_daemon_may_start_without_its_journal_and_find_it_later(tmp_path: Path) -> None:
    (tmp_path / "card").touch()
    journal = Journal(tmp_path / "card" / "journal.db")
    with pytest.raises(JournalUnavailable):
        await journal.open()
    with pytest.raises(JournalUnavailable):
        await append(journal, signalled())
    (tmp_path / "card").unlink()
    assert await journal.reopen() == []
    assert journal.failure is None
    assert len(await append(journal, signalled())) == 2
    await journal.close()


async def test_a_second_daemon_is_refused_and_the_first_goes_on(path: Path, journal: Journal) -> None:
    second = Journal(path)
    with pytest.raises(JournalRefused):
        await second.open()
    await second.close()
    assert len(await append(journal, signalled())) == 2


async def test_an_idle_journal_is_not_stalled(journal: Journal) -> None:
    assert journal.stalled_s(time.monotonic() + 3_600) == 0
    await append(journal, signalled())
    assert journal.stalled_s(time.monotonic() + 3_600) == 0


async def test_a_closed_journal_says_so(journal: Journal) -> None:
    await journal.close()
    with pytest.raises(JournalUnavailable, match="closed"):
        await append(journal, signalled())


async def test_too_many_questions_are_refused_and_an_alarm_among_them_is_not(journal: Journal) -> None:
    questions = [asyncio.create_task(journal.live()) for _ in range(100)]
    await asyncio.sleep(0)
    alarm = await append(journal, signalled())
    done = await asyncio.gather(*questions, return_exceptions=True)
    assert len(alarm) == 2
    assert 0 < sum(isinstance(result, JournalUnavailable) for result in done) <= 100 - MAX_QUESTIONS
    assert journal.failure is None, "being busy is not being broken"


async def test_a_storm_of_appends_has_its_bound_and_is_told(journal: Journal) -> None:
    done = await asyncio.gather(*(append(journal, signalled()) for _ in range(300)), return_exceptions=True)
    assert sum(isinstance(result, JournalUnavailable) for result in done) == 300 - MAX_CHANGES
    assert journal.head().seq == MAX_CHANGES + 1
    assert journal.failure is None
