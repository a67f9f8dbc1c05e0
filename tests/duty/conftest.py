"""Virtual time, except for tests that are marked `real`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sentinel.journal.thread import Journal
from tests.fakes import FakeClock, VirtualLoop, virtual_loop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    real = item.get_closest_marker("real") is not None
    return {"time": asyncio.SelectorEventLoop if real else VirtualLoop}


@pytest.fixture
async def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    """A real one, open, whose thread makes time stand still."""
    opened = Journal(tmp_path / "journal.db")
    virtual_loop().watch(opened)
    await opened.open()
    yield opened
    await opened.close()
