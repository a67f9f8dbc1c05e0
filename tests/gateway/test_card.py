"""The spool on a card that hangs: whoever else needs a thread has one, however often the record is begun anew."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from sentinel.gateway.card import Card
from sentinel.telemetry.model import Keep
from sentinel.telemetry.sampling import Sampler
from sentinel.telemetry.spool import Spool
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Stuck:
    """A card that answers nobody until it is let go."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.gate = threading.Event()
        self.times = 0

    def free_bytes(self, _folder: Path) -> int:
        self.times += 1
        self.asked.release()
        self.gate.wait()
        return 2**40


@pytest.fixture
def stuck() -> Iterator[Stuck]:
    made = Stuck()
    watch = threading.Timer(20, made.gate.set)  # a test that fails ends too
    watch.start()
    yield made
    watch.cancel()
    made.gate.set()


@pytest.mark.real
async def test_reloads_on_a_card_that_hangs_leave_the_threads_to_those_who_tell_an_alarm(
    tmp_path: Path, stuck: Stuck
) -> None:
    loop, clock = asyncio.get_running_loop(), FakeClock().system()
    loop.set_default_executor(ThreadPoolExecutor(1))
    for number in range(3):
        card = Card(Spool(tmp_path / "t.db", Keep(30, 2**20), forward=True), tmp_path, stuck.free_bytes, clock)
        put = asyncio.create_task(card.put(Sampler()))
        while not stuck.times:
            await asyncio.sleep(0.001)
        async with asyncio.timeout(2):
            assert await loop.getaddrinfo("127.0.0.1", 80), number
        put.cancel()
        await card.close()
    assert stuck.times == 1  # the others waited for the first, and were taken back
