"""The desk: what is handed in together is durable together, in order, before anybody hears of it."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from sentinel.core import facts
from sentinel.core.decide import Report
from sentinel.core.facts import ClockQuality, Fact, Recorded
from sentinel.core.incident import NoticeState, replay
from sentinel.core.model import Condition, Role
from sentinel.duty.desk import Desk
from sentinel.duty.supervise import Fallen, supervise
from sentinel.journal.errors import JournalRefused, JournalUnavailable, Reason
from tests.core.branch import POLICY, signal
from tests.duty.house import DOOR, FIRE, HOLD_UP, MAINS, House

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime

    from sentinel.journal.thread import Journal
    from tests.fakes import FakeClock


@pytest.fixture
async def house(journal: Journal, clock: FakeClock) -> AsyncIterator[House]:
    made = House(journal, clock)
    yield made
    await made.close()


async def test_what_was_submitted_is_durable_when_its_future_is_done(house: House) -> None:
    await house.desk.submit(HOLD_UP)
    stored = await house.replayed()
    assert [one.subject for one in stored.incidents.values()] == ["zone:holdup"]
    assert stored == house.desk.state


async def test_events_that_wait_together_go_into_one_transaction_in_their_order(house: House) -> None:
    futures = [house.desk.submit(one) for one in (DOOR, HOLD_UP, MAINS, FIRE)]
    await asyncio.gather(*futures)
    assert len(house.commits) == 1
    opened = [one.fact.subject for one in house.record if isinstance(one.fact, facts.IncidentOpened)]
    assert opened == ["zone:door", "zone:holdup", "zone:mains", "zone:fire"]


async def test_nobody_hears_of_a_fact_before_it_is_durable(house: House) -> None:
    heard: list[int] = []
    house.desk.listeners.append(lambda records: heard.append(house.journal.head().seq - records[-1].seq))
    await house.desk.submit(HOLD_UP)
    await house.desk.submit(FIRE)
    assert heard == [0, 0]


async def test_the_next_rung_is_taken_by_time_alone(house: House) -> None:
    await house.desk.submit(HOLD_UP)
    await asyncio.sleep(61)
    steps = [one.fact.steps for one in house.record if isinstance(one.fact, facts.Escalated)]
    assert steps == [(0,), (1,)]


async def test_a_step_of_the_clock_is_a_fact_before_anything_is_decided_on_the_new_time(
    house: House, clock: FakeClock
) -> None:
    house.desk.stepped = house.clock.stepped
    house.desk.stepped()
    await house.desk.submit(HOLD_UP)
    clock.step(clock.wall() + timedelta(days=1))
    await house.desk.submit(FIRE)
    kinds = [type(one.fact).__name__ for one in house.record]
    assert kinds.index("ClockStepped") < kinds.index("IncidentOpened", kinds.index("IncidentOpened") + 1)
    assert len([kind for kind in kinds if kind == "Escalated"]) == 2  # the hold-up's next rung is not due for it


class Ledger:
    """A journal that fails on the test's word; `lands`: what failed was written all the same."""

    def __init__(self) -> None:
        self.failure: JournalUnavailable | None = None
        self.replaced = False
        self.broken: JournalUnavailable | None = None
        self.refuses_to_open: Exception | None = None
        self.lands = False
        self.falls: dict[str, int] = {}  # subject -> how often a signal of it still makes append fall
        self.stored: list[Recorded] = []
        self._landed: list[Recorded] = []

    async def append(
        self, batch: Sequence[Fact], *, at: datetime, boot: str, clock: ClockQuality, late: bool = False
    ) -> list[Recorded]:
        for fact in batch:
            if isinstance(fact, facts.Signalled) and self.falls.get(fact.subject, 0):
                self.falls[fact.subject] -= 1
                raise sqlite3.IntegrityError(fact.subject)
        first = len(self.stored) + 1
        made = [Recorded("e", first + n, at, boot, clock, late, fact) for n, fact in enumerate(batch)]
        if self.broken is None or self.lands:
            self.stored += made
        if self.broken is not None:
            self._landed = made if self.lands else []
            self.failure = self.broken
            raise self.broken
        return made

    async def reopen(self) -> list[Recorded]:
        if self.refuses_to_open is not None:
            raise self.refuses_to_open
        self.failure = self.broken = None
        landed, self._landed = self._landed, []
        return landed

    async def replay(self) -> AsyncIterator[list[Recorded]]:
        yield self.stored


class Told:
    """Who is told from memory."""

    def __init__(self, desk: Desk) -> None:
        self.notices: list[str] = []
        self.withdrawn: list[str] = []
        desk.from_memory = lambda fact: self.notices.append(f"{fact.contact} {fact.words}")
        desk.withdrawn = self.withdrawn.append


@pytest.fixture
async def desk(clock: FakeClock) -> AsyncIterator[tuple[Desk, Ledger, Told]]:
    ledger = Ledger()
    made = Desk(ledger, clock.system(), "boot-1", POLICY)
    running = asyncio.create_task(supervise("desk", made.run, Fallen()))
    yield made, ledger, Told(made)
    running.cancel()


SLOW = JournalUnavailable(Reason.SLOW, "no answer")


async def test_an_alarm_that_cannot_be_written_is_told_from_memory_at_once(desk: tuple[Desk, Ledger, Told]) -> None:
    at_desk, ledger, told = desk
    ledger.broken = SLOW
    await at_desk.submit(HOLD_UP)
    assert told.notices[:2] == ["thana alarm", "room alarm"]
    assert at_desk.bare is not None
    ledger.refuses_to_open = SLOW
    await asyncio.sleep(13)
    assert "gateway:journal" in {one.subject for one in at_desk.state.incidents.values()}


@pytest.mark.parametrize("lands", [False, True])
async def test_a_write_that_failed_is_written_once_whether_it_had_landed_or_not(
    desk: tuple[Desk, Ledger, Told], lands: bool
) -> None:
    at_desk, ledger, _ = desk
    ledger.broken, ledger.lands, ledger.refuses_to_open = SLOW, lands, SLOW
    await at_desk.submit(HOLD_UP)
    ledger.lands = False
    await asyncio.sleep(6)
    ledger.refuses_to_open = None
    await asyncio.sleep(8)
    assert at_desk.bare is None
    opened = [one.fact.subject for one in ledger.stored if isinstance(one.fact, facts.IncidentOpened)]
    assert opened == ["zone:holdup", "gateway:journal"]
    assert ledger.stored[0].late is not lands


async def test_the_last_word_of_bare_mode_may_land_and_fail_without_harm(desk: tuple[Desk, Ledger, Told]) -> None:
    at_desk, ledger, _ = desk
    ledger.broken = SLOW
    await at_desk.submit(HOLD_UP)
    append = ledger.append

    async def fail_at_the_end(
        batch: Sequence[Fact], *, at: datetime, boot: str, clock: ClockQuality, late: bool = False
    ) -> list[Recorded]:
        if isinstance(batch[0], facts.BareModeEnded) and ledger.append is fail_at_the_end:
            ledger.append = append  # type: ignore[method-assign]
            ledger.broken, ledger.lands = SLOW, True
        return await append(batch, at=at, boot=boot, clock=clock, late=late)

    ledger.append = fail_at_the_end  # type: ignore[method-assign]
    await asyncio.sleep(20)
    assert at_desk.bare is None
    assert [one.subject for one in at_desk.state.incidents.values()] == ["zone:holdup"]


async def test_a_file_that_somebody_else_holds_keeps_bare_mode_and_loses_no_event(
    desk: tuple[Desk, Ledger, Told],
) -> None:
    at_desk, ledger, told = desk
    ledger.broken, ledger.refuses_to_open = SLOW, JournalRefused("in use")
    await at_desk.submit(DOOR)
    await asyncio.sleep(30)
    await at_desk.submit(HOLD_UP)
    assert "thana alarm" in told.notices
    assert {one.subject for one in at_desk.state.incidents.values()} >= {"zone:door", "zone:holdup"}


async def test_what_waited_to_leave_when_the_journal_went_is_told_from_memory_loudest_first(
    desk: tuple[Desk, Ledger, Told],
) -> None:
    at_desk, ledger, told = desk
    await at_desk.submit(MAINS)
    await at_desk.submit(HOLD_UP)
    ledger.broken = SLOW
    await at_desk.say(facts.Stopping("x"))
    assert told.notices[:2] == ["thana alarm", "room alarm"]
    assert "service trouble" in told.notices[2:]


async def test_a_fault_that_mends_itself_in_bare_mode_takes_its_notices_back(desk: tuple[Desk, Ledger, Told]) -> None:
    at_desk, ledger, told = desk
    ledger.broken = ledger.refuses_to_open = SLOW
    await at_desk.submit(MAINS)
    waiting = [n.id for one in at_desk.state.incidents.values() if one.role is Role.MAINS for n in one.notices.values()]
    await at_desk.submit(signal("mains", Role.MAINS, Condition.NORMAL, Condition.ALARM))
    assert waiting
    assert told.withdrawn == waiting


async def test_a_fall_of_the_desk_loses_no_alarm_and_leaves_nobody_waiting(desk: tuple[Desk, Ledger, Told]) -> None:
    at_desk, ledger, _ = desk
    ledger.falls = {"zone:holdup": 1}
    async with asyncio.timeout(10):
        await asyncio.gather(*[at_desk.submit(one) for one in (DOOR, HOLD_UP, FIRE)])
    assert {one.subject for one in at_desk.state.incidents.values()} == {"zone:door", "zone:holdup", "zone:fire"}
    assert at_desk.dropped == 0


async def test_what_makes_the_desk_fall_again_is_given_up_alone_and_whoever_waits_for_it_hears_so(
    desk: tuple[Desk, Ledger, Told], caplog: pytest.LogCaptureFixture
) -> None:
    at_desk, ledger, _ = desk
    ledger.falls = {"zone:door": 1000}
    async with asyncio.timeout(20):
        ends = await asyncio.gather(*[at_desk.submit(one) for one in (DOOR, HOLD_UP, FIRE)], return_exceptions=True)
    assert [type(one) for one in ends] == [sqlite3.IntegrityError, type(None), type(None)]
    assert {one.subject for one in at_desk.state.incidents.values()} == {"zone:holdup", "zone:fire"}
    assert at_desk.dropped == 1
    assert "zone:door" in next(one.message for one in caplog.records if "given up" in one.message)


async def test_weeks_without_a_card_fill_no_memory_and_lose_nothing_that_happened(
    desk: tuple[Desk, Ledger, Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentinel.duty.desk.LATE_FACTS", 60)
    at_desk, ledger, told = desk
    ledger.broken = ledger.refuses_to_open = SLOW
    await at_desk.submit(HOLD_UP)

    async def sent() -> None:
        waiting = [n.id for one in at_desk.state.incidents.values() for n in one.notices.values() if n.live]
        await at_desk.submit(*(Report(one, NoticeState.SENT, 1) for one in waiting))

    for _ in range(40):
        await sent()
        await asyncio.sleep(150)
    assert at_desk.bare is not None
    kept = at_desk.bare.kept
    assert kept <= 80
    assert at_desk.bare.lost > 100
    await at_desk.submit(FIRE)
    await at_desk.submit(DOOR)
    assert {one.subject for one in at_desk.state.incidents.values()} > {"zone:fire", "zone:door"}
    assert told.notices[-4:] == ["thana alarm", "room alarm"] * 2
    ledger.refuses_to_open = None
    await asyncio.sleep(60)
    opened = {one.fact.subject: one.fact.code for one in ledger.stored if isinstance(one.fact, facts.IncidentOpened)}
    assert list(opened) == ["zone:holdup", "gateway:journal", "zone:fire", "zone:door"]
    assert replay(ledger.stored) == at_desk.state
    queued = {one.fact.code for one in ledger.stored if isinstance(one.fact, facts.NoticeQueued)}
    assert opened["zone:fire"] in queued, "a rung that was lost is taken again"


async def test_a_listener_that_falls_has_nothing_written_twice(desk: tuple[Desk, Ledger, Told]) -> None:
    at_desk, ledger, _ = desk

    def fall(_records: list[Recorded]) -> None:
        at_desk.listeners.clear()
        raise ValueError("a listener's own slip")

    at_desk.listeners.append(fall)
    await at_desk.say(facts.Stopping("x"))
    await at_desk.submit(HOLD_UP)
    assert [type(one.fact) for one in ledger.stored].count(facts.Stopping) == 1


async def test_the_last_word_that_landed_drops_nothing_that_was_pressed_since(desk: tuple[Desk, Ledger, Told]) -> None:
    at_desk, ledger, _ = desk
    ledger.broken = SLOW
    await at_desk.submit(DOOR)
    append = ledger.append

    async def fail_at_the_end(
        batch: Sequence[Fact], *, at: datetime, boot: str, clock: ClockQuality, late: bool = False
    ) -> list[Recorded]:
        if isinstance(batch[0], facts.BareModeEnded) and ledger.append is fail_at_the_end:
            ledger.append = append  # type: ignore[method-assign]
            ledger.broken, ledger.lands = SLOW, True
        return await append(batch, at=at, boot=boot, clock=clock, late=late)

    ledger.append = fail_at_the_end  # type: ignore[method-assign]
    await asyncio.sleep(6)
    assert ledger.append is append  # the last word was tried
    await at_desk.submit(HOLD_UP)
    await asyncio.sleep(20)
    assert at_desk.bare is None
    assert {one.subject for one in at_desk.state.incidents.values()} == {"zone:door", "zone:holdup"}
