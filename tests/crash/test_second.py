"""A second daemon on the same config, started by mistake while the first one watches."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.crash.branch import branch

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real


async def test_a_second_daemon_goes_away_and_takes_nothing_from_the_first(tmp_path: Path) -> None:
    async with branch(tmp_path) as here:
        here.start()
        await here.until((tmp_path / "s").exists, "the first one's socket")
        first = here.process
        here.start()
        second, here.process = here.process, first
        assert second is not None
        try:
            assert await asyncio.to_thread(second.wait, 20) == 2
        finally:
            second.kill()
        assert f"another sentinel runs at {tmp_path / 's'}; stop that one first" in here.log()
        status, _ = await here.ask("/api/v1/status")
        assert status == 200
        await here.stop()
        assert not (tmp_path / "s").exists()
        here.start()  # and what it left behind keeps nobody out, also after a kill
        await here.until((tmp_path / "s").exists, "the socket again")
        here.kill()
        (tmp_path / "s").unlink()
        here.start()
        await here.until((tmp_path / "s").exists, "the socket after a kill")
        await here.stop()
