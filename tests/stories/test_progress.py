"""The watchdog and the heartbeat hang on the progress of every part, each of which is heard of by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.fakes import Story

PARTS = ("desk", "sensing", "auditor", "ways", "outbox mail", "outbox room", "poller bus", "poller fire", "recorder")
LONG_AGO_S = 10_000.0


@pytest.mark.parametrize("part", PARTS)
async def test_a_part_that_stands_still_is_seen_and_one_that_works_says_so_by_itself(story: Story, part: str) -> None:
    progress = story.gateway.progress
    progress._last[part] -= LONG_AGO_S
    assert part in progress.stuck()
    assert story.gateway.health().word == "impaired"
    await story.seconds(70)
    assert part not in progress.stuck()


async def test_a_branch_whose_desk_stands_still_sends_no_heartbeat(story: Story) -> None:
    assert story.gateway._heartbeat() == "ok"
    story.gateway.progress._last["desk"] -= LONG_AGO_S
    assert story.gateway._heartbeat() is None


async def test_the_journal_thread_is_watched(story: Story) -> None:
    assert "journal" in story.gateway.progress._asked
