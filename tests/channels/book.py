"""A journal in memory that keeps the rules the uplink relies on, and small things the channel tests share."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

from hypothesis import HealthCheck, settings

from sentinel.core.chain import GENESIS, chain, line
from sentinel.core.facts import ClockQuality, Fact, Recorded, Stopping
from sentinel.ports import Letter

# A law says nothing of speed: on a loaded machine a slow example is no failure.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True, slots=True)
class Row:
    """One stored fact."""

    seq: int
    text: str
    hashes: tuple[str, str]


class Book:
    """Facts in order with their chain."""

    def __init__(self, epoch: str = "e1") -> None:
        self.epoch = epoch
        self.rows: list[Row] = []

    def head(self) -> tuple[str, int]:
        return self.epoch, len(self.rows)

    async def facts_from(self, seq: int, limit: int) -> list[Row]:
        return self.rows[seq - 1 : seq - 1 + limit]

    def write(self, count: int = 1, fact: Fact | None = None) -> int:
        """Add facts; the number of the last."""
        for _ in range(count):
            seq, before = len(self.rows) + 1, self.rows[-1].hashes[1] if self.rows else GENESIS
            what = fact or Stopping(f"थाना {seq}")
            text = line(Recorded(self.epoch, seq, datetime.now(UTC), "boot", ClockQuality.SYNCED, False, what))
            self.rows.append(Row(seq, text, (before, chain(before, text))))
        return len(self.rows)

    def hash(self, seq: int) -> str:
        return self.rows[seq - 1].hashes[1]


class WallClock:
    """The machine's own clocks, said to be right or not."""

    def __init__(self, *, synced: bool = True) -> None:
        self.synced = synced

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def synchronised(self) -> bool:
        return self.synced


@dataclass(frozen=True, slots=True)
class Held:
    """A secret that the test holds in its hand."""

    value: str

    def read(self) -> str:
        return self.value


def letter(**given: object) -> Letter:
    """A letter of the kind the outbox makes."""
    values: dict[str, object] = {
        "notice": "4821-1",
        "contact": "thana",
        "address": "sho.supela@police.example",
        "code": "4821",
        "subject": "लूट का अलार्म 4821: दुर्ग शाखा",
        "body": "लूट का अलार्म दबाया गया।\nHold-up alarm pressed. Code 4821.\n",
        "urgent": True,
        "seq": 1,
    }
    return Letter(**{**values, **given})  # type: ignore[arg-type]
