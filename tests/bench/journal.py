"""How fast a journal is replayed: 100,000 facts as a branch makes them, read, parsed and evolved by the real thread."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sentinel.core.codes import ROLES
from sentinel.core.decide import Report, decide
from sentinel.core.facts import ClockQuality, NoticeQueued, Recorded
from sentinel.core.incident import NoticeState, State, evolve
from sentinel.core.model import Condition, Ladder, Party, Policy, Role, Severity, Step, Target
from sentinel.core.signal import Signal
from sentinel.journal.thread import Journal

if TYPE_CHECKING:
    from pathlib import Path

    from sentinel.core.facts import Fact

FACTS = 100_000


def replay(folder: Path) -> dict[str, Any]:
    """Seconds for FACTS facts, and what an append costs while it runs."""
    return asyncio.run(_replay(folder))


async def _replay(folder: Path) -> dict[str, Any]:
    journal = Journal(folder / "journal.db")
    await journal.open()
    await _fill(journal)
    began = time.perf_counter()
    state = State()
    count = 0
    async for records in journal.replay():
        for recorded in records:
            state = evolve(state, recorded)
        count += len(records)
    took = time.perf_counter() - began
    await journal.close()
    return {"facts": count, "seconds": round(took, 2), "facts_per_s": round(count / took), "aim_s": 3.0}


async def _fill(journal: Journal) -> None:
    """Faults that come and go, each told to two contacts: what fills a real journal."""
    targets = tuple(Target(who, "mail", "wan", "hi", Party.BANK) for who in ("manager", "installer"))
    ladder = Ladder("upkeep", (Step(0, targets),), 43200)
    policy = Policy("bench", 1, (), (), (), ((Role.MAINS, Severity.FAULT, ladder),))
    state, now = State(), datetime(2026, 1, 1, tzinfo=UTC)
    rule = ROLES[Role.MAINS]
    written = 0
    while written < FACTS:
        batch: list[Fact] = []
        for _ in range(50):
            now += timedelta(minutes=9)
            for condition in (Condition.ALARM, Condition.NORMAL):
                signal = Signal("zone:mains", Role.MAINS, condition, Condition.ALARM, rule.event, rule.severity)
                made = list(decide(state, policy, signal, now))
                state = _evolved(state, made, now)
                told = [fact.notice for fact in made if isinstance(fact, NoticeQueued)]
                for notice in told:
                    sent = list(decide(state, policy, Report(notice, NoticeState.SENT, 1), now))
                    state = _evolved(state, sent, now)
                    made += sent
                batch += made
        await journal.append(batch, at=now, boot="bench", clock=ClockQuality.SYNCED)
        written += len(batch)


def _evolved(state: State, made: list[Fact], now: datetime) -> State:
    for fact in made:
        state = evolve(
            state, Recorded(state.epoch, state.seq + 1, now, "bench", ClockQuality.SYNCED, late=False, fact=fact)
        )
    return state
