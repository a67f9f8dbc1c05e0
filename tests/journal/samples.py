"""Facts of a small branch and the moments they happen at, for the journal's tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sentinel.core.facts import Answered, AnswerKind, ClockQuality, IncidentOpened, NoticeQueued, Recorded, Signalled
from sentinel.core.model import Condition, Ladder, Party, Role, Severity, Step, Target, Via

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sentinel.core.facts import Fact
    from sentinel.journal.store import Store

NOON = datetime(2026, 6, 1, 6, 30, tzinfo=UTC)
BOOT = "0f9c2b1e-7d4a-4a51-9a53-6a4be3b1c0de"


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def write(store: Store, *facts: Fact, at: datetime = NOON) -> list[Recorded]:
    return store.append(facts, at=at, boot=BOOT, clock=ClockQuality.SYNCED)


def signalled(zone: str = "cash-hold-up", reason: str = "") -> Signalled:
    alarm = Condition.ALARM
    return Signalled(f"zone:{zone}", Role.HOLD_UP, alarm, alarm, 122, Severity.CRITICAL, False, reason, "1")


def opened(code: str = "4821") -> IncidentOpened:
    station = Target("station", "mqtt", "wan", "hi", Party.POLICE)
    officer = Target("officer", "email", "lte", "en", Party.BANK)
    ladder = Ladder("hold-up", (Step(0, (station, officer)), Step(60, (station,))), 180)
    subject = "zone:cash-hold-up"
    return IncidentOpened(
        code, subject, subject, Role.HOLD_UP, Severity.CRITICAL, 122, True, True, False, "", (), ladder
    )


def queued(
    notice: str = "4821-1", *, channel: str = "mqtt", priority: int = 0, contact: str = "station"
) -> NoticeQueued:
    code = notice.partition("-")[0]
    args = (("zone", "नकद काउंटर"),)
    return NoticeQueued(notice, code, contact, channel, "wan", "hi", Party.POLICE, "alarm", args, priority, 0)


def answered(name: str = "", code: str = "4821") -> Answered:
    return Answered(code, AnswerKind.DISPATCHED, "station", name, Party.POLICE, Via.STATION, later(900))


def states(store: Store) -> dict[str, str]:
    """Every notice's state, by its name."""
    rows: Sequence[tuple[str, str]] = store._db.execute("SELECT notice, state FROM outbox").fetchall()
    return dict(rows)
