"""The journal's tables, as numbered migrations that only go forward. `database` runs them; nobody else writes DDL.

A CHECK here guards what the journal itself decides (states, leases, order). None guards what a fact says: a strange
notice must still be told, and a CHECK would turn it into a lost alarm.
"""

from __future__ import annotations

# The number of a migration is its place, from 1. A released one is never changed: add the next.
MIGRATIONS: tuple[str, ...] = (
    """
    -- An epoch's facts are those with n > base; a fact's sequence number is n - base.
    CREATE TABLE epoch (
        id   TEXT PRIMARY KEY CHECK (length(id) = 16),
        base INTEGER NOT NULL UNIQUE CHECK (base >= 0)
    ) STRICT, WITHOUT ROWID;

    -- Where the stored chain starts: the last pruned fact and its hash; 0 and zeros while nothing was pruned.
    CREATE TABLE start (
        one  INTEGER PRIMARY KEY CHECK (one = 1),
        n    INTEGER NOT NULL CHECK (n >= 0),
        hash TEXT NOT NULL CHECK (length(hash) = 64)
    ) STRICT;
    INSERT INTO start VALUES (1, 0, printf('%064d', 0));

    CREATE TABLE fact (
        n    INTEGER PRIMARY KEY CHECK (n > 0),
        hash TEXT NOT NULL CHECK (length(hash) = 64),
        line TEXT NOT NULL
    ) STRICT;
    CREATE TRIGGER fact_leaves_no_gap BEFORE INSERT ON fact
        WHEN NEW.n <> 1 + coalesce((SELECT max(n) FROM fact), (SELECT n FROM start))
        BEGIN SELECT raise(ABORT, 'a fact would leave a gap'); END;
    CREATE TRIGGER fact_never_changes BEFORE UPDATE ON fact
        BEGIN SELECT raise(ABORT, 'a fact never changes'); END;
    CREATE TRIGGER fact_goes_only_by_sealing BEFORE DELETE ON fact
        WHEN OLD.n > (SELECT n FROM start)
        BEGIN SELECT raise(ABORT, 'a fact goes only by sealing'); END;

    CREATE TABLE outbox (
        notice      TEXT PRIMARY KEY,
        epoch       TEXT NOT NULL,
        seq         INTEGER NOT NULL,
        code        TEXT NOT NULL,
        contact     TEXT NOT NULL,
        channel     TEXT NOT NULL,
        path        TEXT NOT NULL,
        words       TEXT NOT NULL,
        args        TEXT NOT NULL CHECK (json_valid(args)),
        language    TEXT NOT NULL,
        party       TEXT NOT NULL,
        priority    INTEGER NOT NULL,
        state       TEXT NOT NULL CHECK (state IN
                        ('pending', 'sending', 'sent', 'delivered', 'read', 'failed', 'withdrawn')),
        attempt     INTEGER NOT NULL CHECK (attempt >= 0),
        next_at     REAL,
        lease_until REAL,
        done_at     REAL,
        error       TEXT NOT NULL,
        CHECK ((state = 'pending') = (next_at IS NOT NULL)),
        CHECK ((state = 'sending') = (lease_until IS NOT NULL)),
        CHECK ((state IN ('pending', 'sending')) = (done_at IS NULL)),
        CHECK (state <> 'sending' OR attempt > 0)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX outbox_live ON outbox (priority, seq) WHERE done_at IS NULL;

    -- People, numbers and free text beside the chain. Erased: text and salt are gone, the reference stays known.
    CREATE TABLE aside (
        ref  TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        salt BLOB,
        text TEXT,
        last INTEGER NOT NULL,  -- n of the last fact that names it, 0 before the first
        CHECK ((salt IS NULL) = (text IS NULL))
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE cursor (
        room  TEXT PRIMARY KEY,
        epoch TEXT NOT NULL,
        seq   INTEGER NOT NULL CHECK (seq >= 0),
        hash  TEXT NOT NULL CHECK (length(hash) = 64)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE checkpoint (
        one          INTEGER PRIMARY KEY CHECK (one = 1),
        seq          INTEGER NOT NULL CHECK (seq >= 0),
        code_version TEXT NOT NULL,
        digest       TEXT NOT NULL,
        blob         BLOB NOT NULL
    ) STRICT;
    """,
)
