"""A desk and an outbox on a real journal, with the small branch of the core's tests."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sentinel.core.incident import State, evolve
from sentinel.core.model import Condition, Role
from sentinel.duty.desk import Desk
from sentinel.duty.outbox import Outbox
from sentinel.ports import Letter, Sent
from tests.core.branch import POLICY, signal

if TYPE_CHECKING:
    from sentinel.core.decide import Event
    from sentinel.core.facts import Recorded
    from sentinel.core.incident import Incident
    from sentinel.journal.outbox import OutboxRow
    from sentinel.journal.thread import Journal
    from tests.fakes import FakeClock

HOLD_UP = signal("holdup", Role.HOLD_UP, Condition.ALARM)
FIRE = signal("fire", Role.FIRE, Condition.ALARM)
DOOR = signal("door", Role.INTRUSION, Condition.ALARM)
MAINS = signal("mains", Role.MAINS, Condition.ALARM)


@dataclass
class FakePhone:
    """A channel that notes what it is given, does it slowly, and fails as it is told to."""

    takes_s: float = 0.1
    answers_s: float = 0.0  # the other end has it, and its answer is still under way
    trouble: list[Exception] = field(default_factory=list)  # of the next sends
    down: Exception | None = None
    began: list[tuple[float, str]] = field(default_factory=list)  # (time, notice)
    done: list[tuple[float, str]] = field(default_factory=list)
    gives: Sent = Sent.SENT

    async def send(self, letter: Letter) -> Sent:
        loop = asyncio.get_running_loop()
        self.began.append((loop.time(), letter.notice))
        await asyncio.sleep(self.takes_s)
        if self.trouble:
            raise self.trouble.pop(0)
        if self.down is not None:
            raise self.down
        self.done.append((loop.time(), letter.notice))
        await asyncio.sleep(self.answers_s)
        return self.gives

    async def close(self) -> None:
        pass


class House:
    """Everything of duty that a notice passes, running."""

    def __init__(self, journal: Journal, clock: FakeClock) -> None:
        self.clock = clock.system()
        self.journal = journal
        self.desk = Desk(journal, self.clock, "boot-1", POLICY)
        self.outbox = Outbox(journal, self.submit, self.letter, self.clock)
        self.record: list[Recorded] = []
        self.commits: list[int] = []
        self.health: list[tuple[str, bool]] = []
        self.desk.listeners.append(self._recorded)
        self.outbox.on_health = lambda name, up, _reason: self.health.append((name, up))
        self.tasks = [asyncio.create_task(self.desk.run())]

    def submit(self, event: Event) -> asyncio.Future[None]:
        return self.desk.submit(event)

    def letter(self, row: OutboxRow) -> Letter | None:
        return Letter(row.notice, row.contact, "somewhere", row.code, "s", "b", urgent=False, seq=row.seq)

    def add(self, name: str, phone: FakePhone, **given: object) -> None:
        self.outbox.add(name, phone, **given)  # type: ignore[arg-type]
        self.tasks.append(asyncio.create_task(self.outbox.run(name)))

    def _recorded(self, records: list[Recorded]) -> None:
        self.record += records
        self.commits.append(len(records))
        for one in records:
            if hasattr(one.fact, "channel"):
                self.outbox.wake(one.fact.channel)

    def incident(self, subject: str) -> Incident:
        return next(one for one in self.desk.state.incidents.values() if one.subject == subject)

    async def replayed(self) -> State:
        state = State()
        async for page in self.journal.replay():
            for one in page:
                state = evolve(state, one)
        return state

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
