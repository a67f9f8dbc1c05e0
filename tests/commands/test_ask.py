"""The commands that ask the daemon, as processes, against a server on a real socket."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from sentinel.web.server import Server, reply

if TYPE_CHECKING:
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
    path = tmp_path / "s"
    task = asyncio.create_task(Server([web.get("/api/v1/incidents", _incidents)], path, None).run())
    read, write = os.pipe()
    os.close(read)  # as `| head -0` does
    try:
        code, said = await sentinel("incidents", "--socket", str(path), *more, out=write)
    finally:
        os.close(write)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert (code, said) == (1, "")  # something is open: that, and nothing of a pipe
