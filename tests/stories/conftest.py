"""Every story runs in virtual time, with the outbox's jitter the same each time."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.fakes import Story, VirtualLoop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], VirtualLoop]]:
    return {"virtual": VirtualLoop}


@pytest.fixture(autouse=True)
def _same_jitter() -> None:
    random.seed(17)


@pytest.fixture
async def story() -> AsyncIterator[Story]:
    async with Story() as branch:
        yield branch
