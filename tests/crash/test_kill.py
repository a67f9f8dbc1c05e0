"""kill -9 of the whole daemon at random instants under load: no fact that was shown and no notice is lost.

40 times here; `make crash` does it 1,000 times (SENTINEL_KILLS).
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from sentinel.core.chain import chain, line
from sentinel.core.facts import IncidentOpened, NoticeQueued, NoticeWithdrawn
from sentinel.gateway.exchange import CommandKind
from sentinel.journal.verify import verify
from tests.crash.branch import BRANCH, ZONES, Branch, branch, journal_lines

if TYPE_CHECKING:
    from pathlib import Path

KILLS = int(os.environ.get("SENTINEL_KILLS", "40"))
SEED = int(os.environ.get("SENTINEL_SEED", "7"))


async def stir(here: Branch, dice: random.Random) -> None:
    """The load: contacts that come and go, and a room that answers and closes, for ever."""
    while True:
        zone = dice.choice(list(ZONES))
        await here.press(zone, dice.random() < 0.5)
        opened = [one.fact for one in here.copy.facts[-200:] if isinstance(one.fact, IncidentOpened)]
        if opened and dice.random() < 0.3:
            code = dice.choice(opened[-10:]).code
            if dice.random() < 0.5:
                here.room.command(BRANCH, CommandKind.ACKNOWLEDGE, name="Sahu", role="police", incident=code)
            else:
                here.room.command(
                    BRANCH, CommandKind.CLOSE, name="Sahu", role="police", incident=code, disposition="genuine"
                )
        await asyncio.sleep(dice.uniform(0.01, 0.08))


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(0 if KILLS > 40 else 300)
async def test_killed_at_random_instants_it_loses_no_fact_and_no_notice(tmp_path: Path) -> None:
    dice = random.Random(SEED)
    async with branch(tmp_path) as here:
        load = asyncio.create_task(stir(here, dice))
        for _ in range(KILLS):
            here.start()
            await asyncio.sleep(dice.uniform(0.3, 2.2))
            here.kill()
        load.cancel()
        for zone in ZONES:
            await here.press(zone, False)
        here.start()
        # What is pressed last, after all the kills, is told like any other.
        await here.until(lambda: here.copy.seq > 0 and here.room.up, "the room hears the branch again")
        await here.until(lambda: any(one["state"] == "online" for one in here.copy.statuses[-1:]), "a heartbeat")
        letters = len(here.letters())
        await here.press("panic", True)
        await here.until(lambda: len(here.letters()) > letters, "the last press is told")
        await asyncio.sleep(3)  # a round and a half: rows that a crash had leased are due again at once
        await here.stop()
        check(here)


def check(here: Branch) -> None:
    """The promises, held against what the room and the mail sink remember."""
    path = here.state / "journal.db"
    report = verify(path)
    assert report.ok, report.why
    stored = {one["seq"]: one for one in journal_lines(path)}

    # Nothing that a room was shown is missing or different: its copy is a prefix of the journal, hash for hash.
    assert not here.copy.broken
    running = "0" * 64
    for recorded in here.copy.facts:
        text = line(recorded)
        running = chain(running, text)
        assert recorded.seq in stored
    assert running == here.copy.hash

    # Every notice that was queued left, unless a fact withdrew it; and each letter carries the code of its incident.
    queued = [one.fact for one in here.copy.facts if isinstance(one.fact, NoticeQueued) and one.fact.channel == "mail"]
    withdrawn = {one.fact.notice for one in here.copy.facts if isinstance(one.fact, NoticeWithdrawn)}
    needed = Counter(fact.code for fact in queued if fact.notice not in withdrawn)
    came = Counter(here.codes_in_mail())
    assert len(queued) > KILLS, "the load was no load"
    assert not needed - came, f"never left: {needed - came}"
    opened = {one.fact.code for one in here.copy.facts if isinstance(one.fact, IncidentOpened)}
    assert set(came) <= opened

    # A repeat is recognisable: the same Message-ID, the same words, the same code; and nothing else is sent twice.
    texts: dict[str, set[tuple[str, str]]] = {}
    for letter in here.letters():
        texts.setdefault(letter["Message-ID"], set()).add((letter["Subject"], letter.get_content()))
    assert all(len(versions) == 1 for versions in texts.values())
    assert len(texts) <= len(queued)
