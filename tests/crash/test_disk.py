"""A full, a read-only and a vanishing disk under the whole daemon: bare mode, told from memory, written late."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from sentinel.core.facts import BareModeEnded, IncidentOpened
from sentinel.journal.verify import verify
from tests.crash.branch import Branch, branch
from tests.journal.disks import mounted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.real, pytest.mark.slow]


@contextmanager
def full(here: Branch) -> Iterator[None]:
    """No file of the daemon may grow any more: what a full disk is to it (EFBIG for ENOSPC)."""
    assert here.process is not None
    pid = here.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, before[1]))
    yield
    resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@contextmanager
def read_only(here: Branch) -> Iterator[None]:
    """The card came up read-only, as a kernel leaves a dying one; without the right to mount, by permissions."""
    if os.path.ismount(here.state):
        subprocess.run(["mount", "-o", "remount,ro", str(here.state)], check=True)
        yield
        subprocess.run(["mount", "-o", "remount,rw", str(here.state)], check=True)
    else:
        files = [*here.state.iterdir()]
        for path in files:
            path.chmod(0o400)
        here.state.chmod(0o500)
        yield
        here.state.chmod(0o700)
        for path in files:
            path.chmod(0o600)


@contextmanager
def vanished(here: Branch) -> Iterator[None]:
    """The disk is pulled: the path is gone while the daemon holds the file. Later it comes back as it was."""
    away = here.folder / "away"
    if os.path.ismount(here.state):
        raise AssertionError("this one works on a plain folder")
    shutil.move(here.state, away)
    yield
    shutil.rmtree(here.state, ignore_errors=True)
    shutil.move(away, here.state)


async def health(here: Branch) -> str:
    status, body = await here.ask("/healthz")
    assert (status == 200) is (body["health"] == "ok")
    return str(body["health"])


async def told_from_memory(here: Branch) -> None:
    await here.press("hold-up", True)
    await here.until(lambda: any("Hold-up" in one["Subject"] for one in here.letters()), "told from memory")
    urgent = next(letter for letter in here.letters() if "Hold-up" in letter["Subject"])
    assert "told from memory" in urgent["Subject"]
    await here.until(lambda: bool(here.copy.bare), "the room is told over its own path")
    assert await health(here) == "bare"


async def written_late(here: Branch) -> None:
    await here.until(
        lambda: any(isinstance(one.fact, BareModeEnded) for one in here.copy.facts), "written late, and said so", 30
    )
    late = [one.fact for one in here.copy.facts if one.late]
    opened = [fact for fact in late if isinstance(fact, IncidentOpened) and fact.role == "hold-up"]
    assert len(opened) == 1
    assert opened[0].code in here.codes_in_mail()
    await asyncio.sleep(0.5)
    assert await health(here) == "ok"
    await here.stop()
    assert verify(here.state / "journal.db").ok


async def test_a_full_disk_is_told_and_the_alarm_is_told_from_memory(tmp_path: Path) -> None:
    async with branch(tmp_path, round_="30s") as here:
        here.start()
        await here.until(lambda: here.copy.seq > 0, "the branch is up")
        with full(here):
            await told_from_memory(here)
        await written_late(here)


async def test_a_vanished_disk_is_told_and_the_alarm_is_told_from_memory(tmp_path: Path) -> None:
    async with branch(tmp_path, round_="30s") as here:
        here.start()
        await here.until(lambda: here.copy.seq > 0, "the branch is up")
        with vanished(here):
            await told_from_memory(here)
        await written_late(here)


async def test_a_branch_whose_card_came_up_read_only_starts_bare_and_tells(tmp_path: Path) -> None:
    with mounted(tmp_path / "card", "32m"):
        async with branch(tmp_path, state=tmp_path / "card", round_="30s") as here:
            here.start()
            await here.until(lambda: here.copy.seq > 0, "the branch is up")
            await here.stop()
            with read_only(here):
                here.start()
                await asyncio.sleep(1.5)
                await told_from_memory(here)
            await written_late(here)


async def test_a_branch_without_a_disk_starts_bare_and_tells(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file where the folder should be")
    async with branch(tmp_path, state=tmp_path / "file" / "state", round_="30s") as here:
        here.start()
        await asyncio.sleep(1.5)
        await told_from_memory(here)
        await here.stop()
