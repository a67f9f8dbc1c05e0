"""What the journal needs now and then: a start goes on from a checkpoint, and three years later old facts are sealed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sentinel.core.codes import ROLES
from sentinel.core.facts import ClockQuality, Sealed, Stopping
from sentinel.core.incident import State, replay
from sentinel.core.model import Condition, Ladder, Party, Policy, Role, Severity, Step, Target
from sentinel.core.signal import Signal
from sentinel.duty import upkeep
from sentinel.duty.desk import Desk
from sentinel.duty.upkeep import CHECKPOINT_FACTS, FACTS_KEPT, Upkeep, restore
from sentinel.journal.thread import Journal
from sentinel.journal.verify import verify

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
LADDER = Ladder("all", (Step(0, (Target("sho", "mail", "wan", "hi", Party.POLICE),)),), 300)
POLICY = Policy("branch", 1, (), (), (), ((Role.FIRE, Severity.CRITICAL, LADDER),))


class Clock:
    """Wall time as the test says."""

    def __init__(self) -> None:
        self.at = NOON
        self.believed = True

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def synchronised(self) -> bool:
        return self.believed


async def written(journal: Journal) -> State:
    records = [one async for chunk in journal.replay() for one in chunk]
    return replay(records)


async def live(journal: Journal, clock: Clock, *, stops: int = 0, fire: bool = False) -> Desk:
    """A desk that has lived through some facts."""
    desk = Desk(journal, clock, "boot", POLICY, await restore(journal))
    for _ in range(0, stops, 100):
        await journal.append([Stopping("x")] * 100, at=clock.at, boot="boot", clock=ClockQuality.SYNCED)
    if fire:
        rule = ROLES[Role.FIRE]
        signal = Signal("zone:f", Role.FIRE, Condition.ALARM, Condition.ALARM, rule.event, rule.severity)
        item = desk.submit(signal)
        await desk._turn(list(desk._queue))
        assert item.done()
    desk.state = await written(journal)
    return desk


async def test_a_start_goes_on_from_the_last_checkpoint(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    desk = await live(journal, clock, stops=CHECKPOINT_FACTS, fire=True)
    await Upkeep(journal, desk, clock, "boot").once()
    await journal.append([Stopping("later")], at=clock.at, boot="boot", clock=ClockQuality.SYNCED)
    replayed = 0
    whole = Journal.replay

    async def counting(self: Journal, after_seq: int = 0) -> AsyncIterator[list[object]]:
        nonlocal replayed
        async for chunk in whole(self, after_seq):
            replayed += len(chunk)
            yield chunk  # type: ignore[misc]

    monkeypatch.setattr(Journal, "replay", counting)
    state = await restore(journal)
    monkeypatch.undo()
    assert replayed == 1
    assert state == await written(journal)
    assert state.incidents


async def test_a_checkpoint_of_other_rules_is_worth_nothing(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    desk = await live(journal, clock, stops=CHECKPOINT_FACTS, fire=True)
    desk.state = State(epoch=desk.state.epoch, seq=desk.state.seq)  # as if those rules had lost the fire
    await Upkeep(journal, desk, clock, "boot").once()
    assert not (await restore(journal)).incidents
    monkeypatch.setattr(upkeep, "code_version", lambda: "other rules")
    assert await restore(journal) == await written(journal)


async def test_a_new_epoch_is_worth_a_checkpoint_as_soon_as_an_old_one_was(journal: Journal) -> None:
    clock = Clock()
    desk = await live(journal, clock, stops=2 * CHECKPOINT_FACTS)
    keeper = Upkeep(journal, desk, clock, "boot")
    await keeper.once()
    await journal.begin_epoch("behind", journal.head(), at=clock.at, boot="boot", clock=ClockQuality.SYNCED)
    assert await journal.checkpoint() is None
    await live(journal, clock, stops=CHECKPOINT_FACTS)
    desk.state = await written(journal)
    await keeper.once()
    kept = await journal.checkpoint()
    assert kept is not None
    assert kept.seq == journal.head().seq


async def test_few_facts_are_not_worth_a_write_to_the_card(journal: Journal) -> None:
    clock = Clock()
    desk = await live(journal, clock, fire=True)
    await Upkeep(journal, desk, clock, "boot").once()
    assert await journal.checkpoint() is None


async def test_after_three_years_old_facts_are_sealed_and_the_chain_still_verifies(journal: Journal) -> None:
    clock = Clock()
    desk = await live(journal, clock, stops=300)
    clock.at += FACTS_KEPT + timedelta(days=1)
    await Upkeep(journal, desk, clock, "boot").once()
    facts = [one.fact async for chunk in journal.replay() for one in chunk]
    assert any(isinstance(fact, Sealed) for fact in facts)
    assert len(facts) < 300
    assert (await journal.verify()).ok
    await journal.close()
    assert verify(journal.path).ok


async def test_the_facts_of_an_open_incident_are_never_sealed(journal: Journal) -> None:
    clock = Clock()
    desk = await live(journal, clock, fire=True)
    opened = next(iter(desk.state.incidents.values()))
    clock.at += FACTS_KEPT + timedelta(days=1)
    await Upkeep(journal, desk, clock, "boot").once()
    assert opened.code in (await written(journal)).incidents


async def test_a_clock_that_cannot_be_believed_seals_nothing(journal: Journal) -> None:
    clock = Clock()
    desk = await live(journal, clock, stops=300)
    clock.at += FACTS_KEPT + timedelta(days=365)
    clock.believed = False
    await Upkeep(journal, desk, clock, "boot").once()
    assert len([one async for chunk in journal.replay() for one in chunk]) >= 300
