"""What the journal needs now and then: a checkpoint, the sealing of what is too old, and its reserve filled again.

Nothing here is urgent: a call that fails is made again next time. Sealing never touches an open incident.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import sentinel.core
from sentinel.core import checkpoint
from sentinel.core.facts import ClockQuality
from sentinel.core.incident import State, evolve
from sentinel.journal.errors import JournalUnavailable
from sentinel.journal.store import Mark

if TYPE_CHECKING:
    from sentinel.duty.desk import Desk
    from sentinel.journal.thread import Journal
    from sentinel.ports import Clock

log = logging.getLogger("sentinel.upkeep")

EVERY_S = 3600.0
FACTS_KEPT = timedelta(days=3 * 366)
ROWS_KEPT = timedelta(days=90)
CHECKPOINT_FACTS = 500  # fewer are replayed faster than a checkpoint is worth the card's wear


def code_version() -> str:
    """A hash of the rules' own source: a checkpoint of other rules is worth nothing."""
    digest = hashlib.sha256()
    for path in sorted(Path(sentinel.core.__path__[0]).glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


async def restore(journal: Journal) -> State:
    """The state by the last checkpoint of these rules and what came after it, or by all facts."""
    state = State()
    kept = await journal.checkpoint()
    if kept is not None and kept.code_version == code_version():
        try:
            state = checkpoint.load(kept.blob.decode())
        except ValueError as error:
            log.warning("checkpoint not used error=%s", error)
    async for records in journal.replay(state.seq):
        for recorded in records:
            state = evolve(state, recorded)
    return state


class Upkeep:
    """Runs once an hour, and once more before an orderly stop."""

    def __init__(self, journal: Journal, desk: Desk, clock: Clock, boot: str) -> None:
        self._journal = journal
        self._desk = desk
        self._clock = clock
        self._boot = boot
        self._saved = ("", 0)  # epoch and number of the last checkpoint's fact

    async def run(self) -> None:
        """For ever. The first time is an hour after the start."""
        while True:
            await asyncio.sleep(EVERY_S)
            await self.once()

    async def once(self) -> None:
        """Checkpoint, seal, prune, refill."""
        if self._desk.bare is not None:
            return
        now = self._clock.now()
        try:
            await self.save()
            if self._clock.synchronised():  # a clock that may be years off seals nothing
                await self._seal()
                await self._journal.prune_outbox(now - ROWS_KEPT)
            await self._journal.reserve_intact(refill=True)
        except JournalUnavailable as error:
            log.warning("upkeep waits error=%s", error)

    async def save(self) -> None:
        """Save a checkpoint when enough has happened since the last one."""
        state = self._desk.state
        epoch, seq = self._saved
        new = state.seq - seq if epoch == state.epoch else state.seq
        if state.epoch == self._journal.head().epoch and new >= CHECKPOINT_FACTS:
            await self._journal.save_checkpoint(state.seq, code_version(), checkpoint.dump(state).encode())
            self._saved = state.epoch, state.seq

    async def _seal(self) -> None:
        mark = await self._journal.last_before(self._clock.now() - FACTS_KEPT)
        if mark is None:
            return
        open_since = [incident.opened_seq for incident in self._desk.state.incidents.values()]
        keep = Mark(self._desk.state.epoch, min(open_since)) if open_since else None
        await self._journal.seal(mark, keep, at=self._clock.now(), boot=self._boot, clock=ClockQuality.SYNCED)
