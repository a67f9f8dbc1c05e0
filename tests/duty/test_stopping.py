"""Stopping means stopping: no cancel is lost on the way through the journal's thread."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentinel.journal.thread import Journal


async def test_a_cancel_that_arrives_together_with_the_journals_answer_is_not_lost(journal: Journal) -> None:
    async def ask_for_ever() -> None:
        while True:
            await journal.live()

    for trial in range(60):
        task = asyncio.create_task(ask_for_ever())
        for _ in range(trial % 7):
            await asyncio.sleep(0)
        time.sleep(0.002)
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=0.5)
        assert done, f"trial {trial}"
