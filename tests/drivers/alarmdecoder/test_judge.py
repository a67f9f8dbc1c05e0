"""The simulator's stream over TCP, read by the makers' library and by our driver: they report the same."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from drivers.alarmdecoder import AlarmDecoder, AlarmDecoderOptions
from drivers.sim.alarmdecoder import SimulatedAlarmDecoder
from drivers.sim.panel_wire import PanelWire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.real

NAME = {"hi": "क", "en": "a"}
CONFIG = {
    "points": {
        "cash": {"role": "hold-up", "zone": 5, "name": NAME},
        "door": {"role": "intrusion", "zone": 1, "name": NAME},
    }
}


@dataclass
class Court:
    """The wire, our driver on it, and the library on it."""

    panel: SimulatedAlarmDecoder
    wire: PanelWire
    judge: asyncio.subprocess.Process
    driver: AlarmDecoder
    now: float = 0.0
    words: dict[str, str] = field(default_factory=dict)

    def say(self, data: bytes) -> None:
        """The panel says this; both hear it. A second passes."""
        self.wire.say(data)
        self.now += 1.0
        for turn in self.driver.feed(data, self.now):
            self.words |= {r.point.partition(".")[2]: str(r.value) for r in turn.readings if r.value is not None}

    async def judged(self, what: str) -> dict[str, object]:
        """The library's next word of that kind."""
        assert self.judge.stdout is not None
        async with asyncio.timeout(10):
            while line := await self.judge.stdout.readline():
                said: dict[str, object] = json.loads(line)
                if said["what"] == what:
                    return said
        raise AssertionError(f"the library is gone, waiting for {what}")


@pytest.fixture
async def court() -> AsyncIterator[Court]:
    panel = SimulatedAlarmDecoder()
    wire = PanelWire(panel)
    port = await wire.serve_tcp()
    judge = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.drivers.alarmdecoder.judge", "127.0.0.1", str(port),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    driver = AlarmDecoder("d", AlarmDecoderOptions.model_validate(CONFIG))
    driver.opened(0.0)
    here = Court(panel, wire, judge, driver)
    try:
        yield here
    finally:
        assert judge.stdin is not None
        judge.stdin.close()
        await wire.close()
        try:
            await asyncio.wait_for(judge.wait(), 5)
        except TimeoutError:
            judge.kill()
            await judge.wait()


async def test_both_read_the_same_from_one_wire(court: Court) -> None:
    panel = court.panel
    assert await court.judged("config") == {"what": "config", "radio": True, "address": 18}
    court.say(panel.hear(b"C\r"))
    assert court.words["radio"] == "on"

    court.say(panel.beat())
    assert await court.judged("keypad") == {"what": "keypad", "text": panel._at_rest(), "mains": True}
    assert court.words["mains"] == "normal"

    panel.mains = False
    court.say(panel.beat())
    assert await court.judged("mains") == {"what": "mains", "on": False}
    assert court.words["mains"] == "alarm 301"

    panel.mains, panel.battery_low = True, True
    court.say(panel.beat())
    assert await court.judged("mains") == {"what": "mains", "on": True}
    assert await court.judged("battery") == {"what": "battery", "low": True}
    assert (court.words["mains"], court.words["battery"]) == ("normal", "alarm 302")

    panel.armed = "away"
    court.say(panel.beat())
    assert await court.judged("armed") == {"what": "armed", "stay": False}
    assert court.words["armed"].startswith("armed")

    court.say(panel.alarm(1, "131"))
    assert await court.judged("alarm") == {"what": "alarm", "zone": 1}
    assert await court.judged("radio") == {"what": "radio", "code": "131", "status": 1, "number": 1}
    assert await court.judged("open") == {"what": "open", "zone": 1}
    assert court.words["door"] == "alarm 131/1"
    assert court.words["open-zones"] == "zones 1"

    panel.fire = True
    court.say(panel.beat())
    assert await court.judged("fire") == {"what": "fire", "on": True}
    assert court.words["other-fire"] == "normal", "one bit of one line proves nothing: the library believes it"
    court.say(panel.beat())
    assert court.words["other-fire"] == "alarm 110"

    court.say(panel.silent("122", 5))
    assert await court.judged("radio") == {"what": "radio", "code": "122", "status": 1, "number": 5}
    assert court.words["cash"] == "alarm 122/5"

    court.say(panel.disarm())
    assert await court.judged("shut") == {"what": "shut", "zone": 1}
    assert court.words["armed"].startswith("disarmed")
    assert court.words["door"] == court.words["other-fire"] == "normal"


async def test_both_follow_the_zones_that_a_keypad_shows_in_turn(court: Court) -> None:
    await court.judged("config")
    panel = court.panel
    panel.faults = {2: "FAULT", 7: "FAULT", 9: "FAULT"}
    for zone in (2, 7, 9):
        court.say(panel.beat())
        assert await court.judged("open") == {"what": "open", "zone": zone}
    assert court.words["open-zones"] == "zones 2,7,9"
    for _ in range(3):
        court.say(panel.beat())
    del panel.faults[7]  # it is passed over in its turn
    panel._turn = 0
    for _ in range(2):
        court.say(panel.beat())
    assert await court.judged("shut") == {"what": "shut", "zone": 7}
    assert court.words["open-zones"] == "zones 2,9"


async def test_both_hear_expanders_sensors_and_the_prefix_of_new_firmware(court: Court) -> None:
    await court.judged("config")
    court.say(court.panel.expander(7, 4, 1))
    assert await court.judged("open") == {"what": "open", "zone": 12}
    assert court.words["open-zones"] == "zones 12"
    court.say(court.panel.expander(7, 4, 0))
    assert await court.judged("shut") == {"what": "shut", "zone": 12}
    assert court.words["open-zones"] == "none"
    court.say(court.panel.sensor("0180036", 0x82))
    assert await court.judged("sensor") == {"what": "sensor", "serial": "0180036", "low": True}
    assert court.words["other-trouble"] == "alarm 384"
    court.panel.prefix = "!KPM:"
    court.say(court.panel.beat())
    assert (await court.judged("keypad"))["mains"] is True
    assert court.driver.damaged() == 0
