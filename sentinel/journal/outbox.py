"""The outbox: notices that have to leave, as a projection of the facts, made in their transaction by `store`.

Facts decide what a row is (`project`); the worker's own steps between facts (take, postpone, release) only say who
holds it and when it is due next. Functions over the journal's connection; the caller holds the transaction.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sentinel.core.encoding import canonical
from sentinel.core.facts import (
    ClockStepped,
    NoticeDelayed,
    NoticeDelivered,
    NoticeFailed,
    NoticeQueued,
    NoticeSent,
    NoticeWithdrawn,
)
from sentinel.core.incident import NoticeState

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from sentinel.core.facts import Fact, Recorded


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One notice as the worker needs it."""

    notice: str
    epoch: str
    seq: int  # of the fact that queued it
    code: str
    contact: str
    channel: str
    path: str
    words: str
    args: tuple[tuple[str, str], ...]
    language: str
    party: str
    priority: int
    state: NoticeState
    attempt: int
    next_at: datetime | None
    lease_until: datetime | None
    done_at: datetime | None
    error: str


COLUMNS = ", ".join(OutboxRow.__slots__)

# (state, fact) -> next state. What is not here leaves the row as it is: a final word is not taken back by a late one.
# Withdrawn and yet sent: the send was under way and it did leave. Sent and then failed: it came back undeliverable.
NEXT: dict[tuple[NoticeState, type[Fact]], NoticeState] = {
    (NoticeState.PENDING, NoticeSent): NoticeState.SENT,  # the lease had expired, the send had not
    (NoticeState.SENDING, NoticeSent): NoticeState.SENT,
    (NoticeState.WITHDRAWN, NoticeSent): NoticeState.SENT,
    (
        NoticeState.PENDING,
        NoticeDelivered,
    ): NoticeState.DELIVERED,  # a crash between send and mark: the receipt says it left
    (NoticeState.SENDING, NoticeDelivered): NoticeState.DELIVERED,
    (NoticeState.WITHDRAWN, NoticeDelivered): NoticeState.DELIVERED,
    (NoticeState.SENT, NoticeDelivered): NoticeState.DELIVERED,
    (NoticeState.PENDING, NoticeFailed): NoticeState.FAILED,
    (NoticeState.SENDING, NoticeFailed): NoticeState.FAILED,
    (NoticeState.SENT, NoticeFailed): NoticeState.FAILED,
    (NoticeState.PENDING, NoticeWithdrawn): NoticeState.WITHDRAWN,
    (NoticeState.SENDING, NoticeWithdrawn): NoticeState.WITHDRAWN,
}
STEPPED_LEASE_S = 60.0  # from a step of the clock on, what is being sent has so long
LIVE = frozenset({NoticeState.PENDING, NoticeState.SENDING})


def project(db: sqlite3.Connection, record: Recorded) -> None:
    """Bring the outbox to where this fact says it is."""
    match record.fact:
        case NoticeQueued() as fact:
            _queue(db, record, fact)
        case NoticeDelayed(notice=notice, reason=reason):
            db.execute("UPDATE outbox SET error = ? WHERE notice = ? AND done_at IS NULL", (reason, notice))
        case NoticeFailed(notice=notice, reason=reason) as fact:
            _move(db, notice, type(fact), record.at, reason)
        case NoticeSent(notice=notice) | NoticeDelivered(notice=notice) | NoticeWithdrawn(notice=notice) as fact:
            _move(db, notice, type(fact), record.at, "")
        case ClockStepped():
            # Which deadlines were set on the old time and which already on the new one, nobody knows: all are due.
            db.execute(
                "UPDATE outbox SET next_at = CASE state WHEN 'pending' THEN ?1 END, "
                "lease_until = CASE state WHEN 'sending' THEN ?1 + ?2 END WHERE done_at IS NULL",
                (record.at.timestamp(), STEPPED_LEASE_S),
            )
        case _:
            pass


def _queue(db: sqlite3.Connection, record: Recorded, fact: NoticeQueued) -> None:
    """A new row, due at once. A code comes back after 90 days: its notices replace the old ones of the same name."""
    db.execute(
        f"INSERT OR REPLACE INTO outbox ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",  # noqa: S608 - own columns
        (
            fact.notice,
            record.epoch,
            record.seq,
            fact.code,
            fact.contact,
            fact.channel,
            fact.path,
            fact.words,
            canonical(fact.args),
            fact.language,
            fact.party,
            fact.priority,
            NoticeState.PENDING,
            0,
            record.at.timestamp(),
            None,
            None,
            "",
        ),
    )


def _move(db: sqlite3.Connection, notice: str, kind: type[Fact], at: datetime, error: str) -> None:
    row = db.execute("SELECT state FROM outbox WHERE notice = ?", (notice,)).fetchone()
    after = NEXT.get((NoticeState(row[0]), kind)) if row else None
    if after is not None:
        db.execute(
            "UPDATE outbox SET state = ?, next_at = NULL, lease_until = NULL, done_at = ?, error = ? WHERE notice = ?",
            (after, at.timestamp(), error, notice),
        )


# --- The worker's own steps: no facts, lost by a crash without harm ---------------------------------------------------


def take(db: sqlite3.Connection, channels: Sequence[str], now: datetime, lease_s: float, limit: int) -> list[OutboxRow]:
    """Lease every due row of priority 0 and at most `limit` others, loudest first; each costs it an attempt.

    Leases of these channels that ran out are due again. Nothing is written when there is nothing to take.
    """
    release_expired(db, now, channels)
    due = f"WHERE done_at IS NULL AND state = 'pending' AND next_at <= ? AND channel IN ({_marks(channels)}) "
    names = _select(db, f"{due} AND priority = 0 ORDER BY seq", (now.timestamp(), *channels))
    if limit > 0:
        others = f"{due} AND priority > 0 ORDER BY priority, seq LIMIT ?"
        names += _select(db, others, (now.timestamp(), *channels, limit))
    lease = (now + timedelta(seconds=lease_s)).timestamp()
    for row in names:
        db.execute(
            "UPDATE outbox SET state = 'sending', next_at = NULL, lease_until = ?, attempt = attempt + 1 "
            "WHERE notice = ?",
            (lease, row.notice),
        )
    taken = [row.notice for row in names]
    return _select(db, f"WHERE notice IN ({_marks(taken)}) ORDER BY priority, seq", taken) if taken else []


def postpone(db: sqlite3.Connection, notice: str, next_at: datetime, error: str) -> bool:
    """Give a leased row back, due later. False when it is not leased any more: withdrawn, released, or final."""
    done = db.execute(
        "UPDATE outbox SET state = 'pending', next_at = ?, lease_until = NULL, error = ? "
        "WHERE notice = ? AND state = 'sending'",
        (next_at.timestamp(), error, notice),
    )
    return done.rowcount == 1


def release_expired(db: sqlite3.Connection, now: datetime, channels: Sequence[str] = ()) -> int:
    """Leases (of these channels) that ran out go back, due now: at least once, rather than perhaps never."""
    of = f"AND channel IN ({_marks(channels)})" if channels else ""
    done = db.execute(
        "UPDATE outbox SET state = 'pending', next_at = ?1, lease_until = NULL "  # noqa: S608 - marks only
        f"WHERE done_at IS NULL AND state = 'sending' AND lease_until <= ?1 {of}",
        (now.timestamp(), *channels),
    )
    return done.rowcount


def release_leased(db: sqlite3.Connection, channel: str, now: datetime) -> int:
    """At the start of a lane: what the one before it was sending is due now."""
    done = db.execute(
        "UPDATE outbox SET state = 'pending', next_at = ?, lease_until = NULL "
        "WHERE done_at IS NULL AND state = 'sending' AND channel = ?",
        (now.timestamp(), channel),
    )
    return done.rowcount


def release_all(db: sqlite3.Connection, now: datetime) -> int:
    """At a start: every live row is due now. Its lease died with the last run, its deadline is of another clock."""
    done = db.execute(
        "UPDATE outbox SET state = 'pending', next_at = ?, lease_until = NULL WHERE done_at IS NULL",
        (now.timestamp(),),
    )
    return done.rowcount


def release(db: sqlite3.Connection, notice: str, now: datetime) -> bool:
    """Give a live row back, due now, whatever it waits for; False when it is final or lost."""
    done = db.execute(
        "UPDATE outbox SET state = 'pending', next_at = ?, lease_until = NULL WHERE notice = ? AND done_at IS NULL",
        (now.timestamp(), notice),
    )
    return done.rowcount == 1


def reroute(db: sqlite3.Connection, notice: str, channel: str, path: str, now: datetime) -> bool:
    """Send a live row by another channel at once, its own having left the settings. A lease on the old one is void."""
    done = db.execute(
        "UPDATE outbox SET channel = ?, path = ?, state = 'pending', lease_until = NULL, next_at = ? "
        "WHERE notice = ? AND done_at IS NULL",
        (channel, path, now.timestamp(), notice),
    )
    return done.rowcount == 1


def requeue(db: sqlite3.Connection, record: Recorded, now: datetime) -> bool:
    """Make a lost row again from the fact that queued it, due now; False when it is not lost."""
    assert isinstance(record.fact, NoticeQueued)
    notice = record.fact.notice
    if db.execute("SELECT 1 FROM outbox WHERE notice = ?", (notice,)).fetchone():
        return False
    _queue(db, record, record.fact)
    db.execute("UPDATE outbox SET next_at = ? WHERE notice = ?", (now.timestamp(), notice))
    return True


def prune(db: sqlite3.Connection, before: datetime) -> int:
    """Forget rows that were final before then. The facts stay."""
    return db.execute("DELETE FROM outbox WHERE done_at < ?", (before.timestamp(),)).rowcount


# --- Questions --------------------------------------------------------------------------------------------------------


def live(db: sqlite3.Connection) -> list[OutboxRow]:
    """All that still has to leave, loudest first."""
    return _select(db, "WHERE done_at IS NULL ORDER BY priority, seq", ())


def awaiting(db: sqlite3.Connection, channel: str) -> list[OutboxRow]:
    """Handed over by this channel and not yet known to be delivered, oldest first."""
    return _select(db, "WHERE state = 'sent' AND channel = ? ORDER BY seq", (channel,))


def rows_of(db: sqlite3.Connection, code: str) -> list[OutboxRow]:
    """Every notice of an incident, in the order they were queued."""
    return _select(db, "WHERE code = ? ORDER BY seq", (code,))


def counts(db: sqlite3.Connection) -> dict[str, dict[str, int]]:
    """{channel: {state: how many}}."""
    found: dict[str, dict[str, int]] = {}
    for channel, state, n in db.execute("SELECT channel, state, count(*) FROM outbox GROUP BY channel, state"):
        found.setdefault(channel, {})[state] = n
    return found


def _marks(items: Sequence[object]) -> str:
    return ",".join("?" * len(items))


def _select(db: sqlite3.Connection, where: str, values: Iterable[object]) -> list[OutboxRow]:
    rows = db.execute(f"SELECT {COLUMNS} FROM outbox {where}", tuple(values))  # noqa: S608 - own columns and clauses
    return [_row(*row) for row in rows]


def _row(*raw: Any) -> OutboxRow:
    named = dict(zip(OutboxRow.__slots__, raw, strict=True))
    named["args"] = tuple((name, value) for name, value in json.loads(named["args"]))
    named["state"] = NoticeState(named["state"])
    for name in ("next_at", "lease_until", "done_at"):
        named[name] = None if named[name] is None else datetime.fromtimestamp(named[name], UTC)
    return OutboxRow(**named)
