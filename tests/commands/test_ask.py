"""The commands that ask the daemon, as processes, against a server on a real socket."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from sentinel.web.server import Server, reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.real

OPEN: dict[str, Any] = {
    "code": "1000",
    "severity": "high",
    "label": {"en": "Break-in"},
    "name": None,
    "subject": "zone:vault",
}
OPEN |= {"state": "open", "still_active": True, "opened_at": "2031-01-06T12:00:00Z", "answers": [], "notices": []}


async def _incidents(_request: web.Request) -> web.Response:
    return reply({"open": [OPEN]})


async def _verify(_request: web.Request) -> web.Response:
    return reply({"ok": True, "first_bad_seq": None, "why": ""})


ROUTES = [web.get("/api/v1/incidents", _incidents), web.get("/api/v1/journal/verify", _verify)]


@asynccontextmanager
async def answering(path: Path, routes: list[web.RouteDef] = ROUTES) -> AsyncIterator[None]:
    task = asyncio.create_task(Server(routes, path, None).run())
    async with asyncio.timeout(5):
        while not path.exists():
            await asyncio.sleep(0.01)
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def sentinel(*words: str, out: int) -> tuple[int | None, str]:
    """Exit code, and what was said on standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sentinel.cli", *words, stdout=out, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(30):
        _, said = await process.communicate()
    return process.returncode, said.decode()


@pytest.mark.parametrize("more", [[], ["--json"]])
async def test_a_reader_that_goes_away_early_is_told_of_no_fault(tmp_path: Path, more: list[str]) -> None:
    read, write = os.pipe()
    os.close(read)  # as `| head -0` does
    async with answering(tmp_path / "s"):
        code, said = await sentinel("incidents", "--socket", str(tmp_path / "s"), *more, out=write)
    os.close(write)
    assert (code, said) == (1, "")  # something is open: that, and nothing of a pipe


async def test_the_daemon_that_is_asked_for_proof_can_be_named_by_its_socket(tmp_path: Path) -> None:
    async with answering(tmp_path / "s"):
        assert await sentinel("journal", "verify", "--socket", str(tmp_path / "s"), out=asyncio.subprocess.DEVNULL) == (
            0,
            "",
        )
    code, said = await sentinel("journal", "verify", "--socket", str(tmp_path / "gone"), out=asyncio.subprocess.DEVNULL)
    assert code == 2
    assert said.startswith("sentinel journal: ")
