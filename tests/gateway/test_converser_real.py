"""A converser on a real serial port: an adapter that is pulled out and comes back, and a socket in its place."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from drivers.contact_id import ContactId, ContactIdOptions, points
from drivers.links.byte_line import SerialLine, SerialOptions, TcpLine, TcpOptions
from drivers.sim.panel_wire import PanelWire
from drivers.sim.receiver import Receiver
from sentinel.core.model import Failure, Quality
from sentinel.duty.clock import SystemClock
from sentinel.gateway.converser import Converser

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sentinel.core.model import Reading
    from sentinel.ports import ByteLink

pytestmark = pytest.mark.real
OPTIONS = ContactIdOptions(account="C601", heartbeat=2.0)
POINTS = {f"panel.{one.id}": one.every_s for one in points(OPTIONS)}


class Ears:
    """Everything is durable at once."""

    def __init__(self) -> None:
        self.readings: list[Reading] = []

    def hear(self, readings: list[Reading], regular: bool) -> asyncio.Future[bool]:
        del regular
        self.readings += readings
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        done.set_result(True)
        return done

    async def until(self, quality: Quality, reason: Failure | None = None) -> None:
        """Wait until the last reading is so."""
        async with asyncio.timeout(10):
            while not self.readings or (self.readings[-1].quality, self.readings[-1].reason) != (quality, reason):
                await asyncio.sleep(0.02)


@asynccontextmanager
async def conversing(line: ByteLink) -> AsyncIterator[Ears]:
    ears = Ears()
    converser = Converser("receiver", line, ContactId("panel", OPTIONS), POINTS, ears.hear, SystemClock(trusted=True))
    task = asyncio.create_task(converser.run())
    try:
        yield ears
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def speaking(receiver: Receiver, port: Path | None = None) -> AsyncIterator[PanelWire]:
    """The receiver at the far end, on a pty under this path where one is given."""
    wire = PanelWire(receiver)
    if port is not None:
        await wire.serve_pty(port)
    task = asyncio.create_task(receiver.run(wire))
    try:
        yield wire
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await wire.close()


async def acknowledged(receiver: Receiver, count: int) -> None:
    async with asyncio.timeout(10):
        while len(receiver.acknowledged) < count:
            await asyncio.sleep(0.02)


async def test_an_adapter_that_is_pulled_out_fails_every_point_and_is_found_again_under_its_lasting_path(
    tmp_path: Path,
) -> None:
    receiver, port = Receiver(account="C601", pace=0.1), tmp_path / "by-id"
    async with conversing(SerialLine(SerialOptions(port=str(port)), "receiver", tmp_path)) as ears:
        await ears.until(Quality.FAILED, Failure.NOT_CONNECTED)
        async with speaking(receiver, port):
            receiver.report(122, zone=7)
            await acknowledged(receiver, 1)
        await ears.until(Quality.FAILED, Failure.NOT_CONNECTED)
        assert {one.point for one in ears.readings[-len(POINTS) :]} == set(POINTS)
        receiver.report(110, zone=3)  # while nobody hears it
        async with speaking(receiver, port):
            await acknowledged(receiver, 2)
    said = [one.value for one in ears.readings if one.point.endswith("fire") and one.quality is Quality.GOOD]
    assert said[-1] == "alarm 110/3"


async def test_a_receiver_behind_a_socket_that_hangs_up_is_called_again(tmp_path: Path) -> None:
    receiver = Receiver(account="C601", pace=0.1)
    async with speaking(receiver) as wire:
        port = await wire.serve_tcp()
        async with conversing(TcpLine(TcpOptions(host="127.0.0.1", port=port), "receiver", tmp_path)):
            receiver.report(122, zone=7)
            await acknowledged(receiver, 1)
            wire.drop()
            receiver.report(110, zone=3)
            await acknowledged(receiver, 2)
