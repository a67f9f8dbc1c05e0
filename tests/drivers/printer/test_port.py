"""The driver and a simulated printer port, over a real line that can be wrong."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from drivers.links.byte_line import SerialLine, SerialOptions, TcpLine, TcpOptions
from drivers.printer import Printer, PrinterOptions
from drivers.sim.panel_wire import PanelWire, WireFault
from drivers.sim.printer import PrinterPort

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.real


class Desk:
    """One line, listened to until something is said."""

    def __init__(self, line: SerialLine | TcpLine) -> None:
        self.line = line
        self.driver = Printer("fire", PrinterOptions(table="afp-2800"))

    async def hear(self, wanted: str) -> str:
        """The first alarm at this point."""
        async with asyncio.timeout(5):
            while True:
                data = await self.line.receive()
                for turn in self.driver.feed(data, asyncio.get_running_loop().time()):
                    assert not turn.send + turn.acknowledge
                    for reading in turn.readings:
                        if reading.point == f"fire.{wanted}" and str(reading.value).startswith("alarm"):
                            return str(reading.value)


@pytest.fixture
async def wire() -> AsyncIterator[PanelWire]:
    made = PanelWire(PrinterPort())
    yield made
    await made.close()


@pytest.fixture(params=["serial", "tcp"])
async def desk(request: pytest.FixtureRequest, wire: PanelWire, tmp_path: Path) -> AsyncIterator[Desk]:
    if request.param == "serial":
        path = await wire.serve_pty()
        made = Desk(SerialLine(SerialOptions(port=path), "line", tmp_path))
    else:
        port = await wire.serve_tcp()
        made = Desk(TcpLine(TcpOptions(host="127.0.0.1", port=port), "line", tmp_path))
    await made.line.open()
    made.driver.opened(0.0)
    await asyncio.sleep(0.05)
    yield made
    await made.line.close()


def port(wire: PanelWire) -> PrinterPort:
    assert isinstance(wire.panel, PrinterPort)
    return wire.panel


async def test_a_fire_is_read_off_the_printers_line(wire: PanelWire, desk: Desk) -> None:
    port(wire).print(wire, "ALARM", 1, "L1D5", "STRONG ROOM")
    assert await desk.hear("other-fire") == "alarm 110/1:L1D5:STRONG_ROOM"


async def test_a_line_whose_end_is_lost_is_told_with_the_next(wire: PanelWire, desk: Desk) -> None:
    wire.fault = WireFault.TRUNCATED
    port(wire).print(wire, "ALARM", 1, "L1D5", "STRONG ROOM")
    wire.fault = None
    port(wire).print(wire, "ALARM", 2, "L1D6", "HALL")
    assert "110/1:L1D5" in await desk.hear("other-fire")


async def test_a_panel_of_another_language_is_told_as_trouble(wire: PanelWire, desk: Desk) -> None:
    port(wire).lies = True
    port(wire).print(wire, "ALARM", 1, "L1D5", "STRONG ROOM")
    assert await desk.hear("other-trouble") == "alarm unknown-line:EREIGNIS_1_STRONG_ROOM"


async def test_a_garbled_line_is_told_whatever_is_left_of_it(wire: PanelWire, desk: Desk) -> None:
    wire.fault = WireFault.GARBLED
    for _ in range(20):
        port(wire).print(wire, "FAULT", 1, "L1D5", "STRONG ROOM")
    assert await desk.hear("other-trouble")
    assert desk.driver.damaged()
