"""The broker that the channel tests share: one mosquitto a test, with three users."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.servers import Broker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

USERS = {"b17": "branch-secret", "b18": "other-secret", "room+durg": "room-secret", "room+raipur": "stranger-secret"}


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    made = Broker(tmp_path, USERS)
    await made.start()
    yield made
    made.stop()
