"""The drivers of speaking panels over real sockets and ptys, to panels whose line is bad: what is unknown is never told."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from drivers.alarmdecoder import AlarmDecoder, AlarmDecoderOptions
from drivers.it100 import It100, It100Options
from drivers.links.byte_line import SerialLine, SerialOptions, TcpLine, TcpOptions
from drivers.sim.alarmdecoder import SimulatedAlarmDecoder
from drivers.sim.it100 import SimulatedIt100
from drivers.sim.panel_wire import PanelWire, WireFault
from sentinel.core.model import Quality
from tests.drivers.it100.test_cases import Password

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from sentinel.core.model import Reading
    from sentinel.ports import ByteLink, Conversation, Turn

pytestmark = pytest.mark.real

NAME = {"hi": "क", "en": "a"}
POINTS = {"points": {"cash": {"role": "hold-up", "zone": 5, "name": NAME}}}


class Ear:
    """One driver on one real line; its clock runs a hundred times as fast as ours."""

    def __init__(self, line: ByteLink, driver: Conversation) -> None:
        self.line, self.driver = line, driver
        self.readings: list[Reading] = []
        self.now = 0.0

    async def listen(self, seconds: float) -> None:
        """For so long by the driver's clock."""
        until = self.now + seconds
        while self.now < until:
            try:
                async with asyncio.timeout(0.01):
                    data = await self.line.receive()
            except TimeoutError:
                self.now += 1.0
                await self._follow(self.driver.tick(self.now))
            else:
                await self._follow(self.driver.feed(data, self.now))

    async def open(self) -> None:
        await self.line.open()
        await self._follow(self.driver.opened(self.now))

    async def _follow(self, turns: Sequence[Turn]) -> None:
        for turn in turns:
            self.readings += turn.readings
            if turn.send:
                await self.line.send(turn.send)

    def words(self, id_: str) -> list[str]:
        """What a point said, in order, each once."""
        said = [str(r.value) for r in self.readings if r.point == f"d.{id_}" and r.quality is Quality.GOOD]
        return [word for at, word in enumerate(said) if at == 0 or said[at - 1] != word]

    def held(self) -> bool:
        return any(r.quality is Quality.HELD for r in self.readings)


def drivers() -> dict[str, tuple[Conversation, SimulatedIt100 | SimulatedAlarmDecoder]]:
    tpi = {**POINTS, "variant": "tpi", "password": Password()}
    return {
        "it100": (It100("d", It100Options.model_validate(POINTS)), SimulatedIt100()),
        "tpi": (It100("d", It100Options.model_validate(tpi)), SimulatedIt100("tpi")),
        "ad2": (AlarmDecoder("d", AlarmDecoderOptions.model_validate(POINTS)), SimulatedAlarmDecoder()),
    }


@asynccontextmanager
async def wired(
    kind: str, fault: WireFault | None = None, *, pty: bool = False
) -> AsyncIterator[tuple[Ear, PanelWire]]:
    driver, panel = drivers()[kind]
    wire = PanelWire(panel)
    wire.fault = fault
    if pty:
        path = await wire.serve_pty()
        line: ByteLink = SerialLine(SerialOptions(port=path), "line", Path())
    else:
        line = TcpLine(TcpOptions(host="127.0.0.1", port=await wire.serve_tcp()), "line", Path())
    ear = Ear(line, driver)
    try:
        await ear.open()
        yield ear, wire
    finally:
        await line.close()
        await wire.close()


def speak(wire: PanelWire) -> None:
    """Something of the panel's everyday: nothing of it is an alarm."""
    panel = wire.panel
    if isinstance(panel, SimulatedAlarmDecoder):
        wire.say(panel.beat())
    else:
        assert isinstance(panel, SimulatedIt100)
        wire.say(panel.open_zone(1) + panel.close_zone(1))


def press(wire: PanelWire) -> None:
    panel = wire.panel
    if isinstance(panel, SimulatedAlarmDecoder):
        wire.say(panel.silent("122", 5))
    else:
        assert isinstance(panel, SimulatedIt100)
        wire.say(panel.alarm(5))


@pytest.mark.parametrize("pty", [False, True], ids=["tcp", "pty"])
@pytest.mark.parametrize("kind", ["it100", "tpi", "ad2"])
async def test_a_button_is_told_over_a_good_line(kind: str, pty: bool) -> None:
    if kind == "tpi" and pty:
        return  # it has no serial port
    async with wired(kind, pty=pty) as (ear, wire):
        for _ in range(4):
            speak(wire)
            await ear.listen(6)
        assert ear.held()
        press(wire)
        await ear.listen(2)
        assert ear.words("cash")[-1] == "alarm 122/5"
        assert ear.driver.damaged() == 0


@pytest.mark.parametrize("fault", [WireFault.GARBLED, WireFault.TRUNCATED])
@pytest.mark.parametrize("kind", ["it100", "tpi", "ad2"])
async def test_a_bad_line_makes_no_alarm(kind: str, fault: WireFault) -> None:
    async with wired(kind, fault) as (ear, wire):
        for _ in range(30):
            speak(wire)
            await ear.listen(1)
        for id_ in ("cash", "other-hold-up", "other-duress", "other-fire", "other-help", "other-burglary"):
            assert not [word for word in ear.words(id_) if word.startswith("alarm")], id_
        assert ear.driver.damaged() > 0


@pytest.mark.parametrize("kind", ["it100", "tpi", "ad2"])
async def test_a_silent_panel_holds_nothing_and_says_why(kind: str) -> None:
    async with wired(kind, WireFault.SILENT) as (ear, wire):
        speak(wire)
        await ear.listen(60)
        assert not ear.held()
        assert {str(reading.reason) for reading in ear.readings} == {"no-reply"}


@pytest.mark.parametrize("kind", ["it100", "tpi", "ad2"])
async def test_a_late_panel_is_heard_when_it_speaks(kind: str) -> None:
    async with wired(kind, WireFault.LATE) as (ear, wire):
        press(wire)
        await asyncio.sleep(2.2)
        await ear.listen(5)
        assert ear.words("cash")[-1] == "alarm 122/5"


async def test_a_panel_that_hangs_up_is_asked_for_everything_when_it_is_back() -> None:
    async with wired("it100") as (ear, wire):
        await ear.listen(15)
        assert isinstance(wire.panel, SimulatedIt100)
        wire.drop()
        wire.panel.alarm(5)
        await asyncio.sleep(0.05)
        await ear.open()
        await ear.listen(15)
        assert ear.words("cash")[-1] == "alarm 122/5"
