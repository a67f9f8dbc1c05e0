"""A poller that is told to stop stops, also when the reply comes in the same instant."""

from __future__ import annotations

import asyncio

import pytest

from drivers.links.modbus_tcp import ModbusTcp, ModbusTcpOptions
from drivers.sim.device import SimulatedDevice
from drivers.sim.server import Simulator
from sentinel.commands.profiles import load_profile
from sentinel.ports import Request, Table

pytestmark = pytest.mark.real


async def test_a_cancel_that_comes_together_with_the_reply_is_not_swallowed() -> None:
    simulator = Simulator(SimulatedDevice("panel", load_profile("waveshare-relay-di8")))
    port = await simulator.serve_tcp()
    link = ModbusTcp(ModbusTcpOptions(kind="modbus-tcp", host="127.0.0.1", port=port), "line")
    request = Request(1, Table.DISCRETE, 0, 8)
    await link.read(request)

    client = link._client
    assert client is not None
    reading = asyncio.create_task(link.read(request))
    seen = client.ctx.trace_packet

    def cancel_with_the_reply(sending: bool, data: bytes) -> bytes:
        if not sending:
            reading.cancel()
        return seen(sending, data)

    client.ctx.trace_packet = cancel_with_the_reply
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(reading, 5)
    await link.close()
    await simulator.close()
