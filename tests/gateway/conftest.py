"""Virtual time, except for tests that are marked `real`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.fakes import FakeClock, Story, VirtualLoop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    real = item.get_closest_marker("real") is not None
    return {"time": asyncio.SelectorEventLoop if real else VirtualLoop}


@pytest.fixture
async def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def story() -> AsyncIterator[Story]:
    async with Story() as branch:
        yield branch
