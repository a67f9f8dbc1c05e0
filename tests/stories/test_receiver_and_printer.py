"""From what an alarm receiver or a fire panel's printer port says to the notice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sentinel.core.model import Role
from tests.fakes import Story

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PRINTER = {
    "\nlinks:\n": "\nlinks:\n  fire-line:\n    kind: serial\n    port: /dev/serial/by-id/usb-FTDI_Fire-if00-port0\n",
    "\ndevices:\n": """
devices:
  old-fire-panel:
    name: {en: Old fire panel, hi: पुराना फ़ायर पैनल}
    link: fire-line
    driver: printer
    table: afp-2800
    points:
      vault: {role: smoke, zone: 1, name: {en: strong room, hi: स्ट्रांग रूम}}
""",
}


@pytest.fixture
async def printing() -> AsyncIterator[Story]:
    async with Story(edits=PRINTER) as story:
        story.line.say(b":ACKD ALARM Z009 1.1.Z1 OLD 12/08 01:00;\r\n")  # it is there
        await story.seconds(30)
        story.mark()
        yield story


@pytest.fixture
async def receiving() -> AsyncIterator[Story]:
    async with Story(whole=True) as story:
        await story.seconds(40)
        story.mark()
        yield story


async def test_smoke_on_a_fire_panels_printer_line_is_told_to_the_police(printing: Story) -> None:
    printing.line.say(b":ALARM Z001 L1D5 STRONG ROOM 12/08 01:23;\r\n")
    await printing.seconds(3)
    assert printing.letters() == ["0:00 mail manager alarm", "0:00 mail sho alarm", "0:00 room thana alarm"]
    assert [(one.subject, one.role) for one in printing.open()] == [("zone:old-fire-panel-vault", Role.SMOKE)]
    printing.line.say(b":RESET ALARM Z001 L1D5 STRONG ROOM 12/08 01:30;\r\n")
    await printing.seconds(20)
    (one,) = printing.open()
    assert not one.active, "it stays open until a person closes it"
    await printing.good()


async def test_fire_in_a_zone_that_nobody_named_is_told_as_fire(printing: Story) -> None:
    printing.line.say(b":ALARM Z007 L1D9 STORE 12/08 01:23;\r\n")
    await printing.seconds(3)
    assert [(one.subject, one.role) for one in printing.open()] == [("zone:old-fire-panel-other-fire", Role.FIRE)]
    assert "0:00 mail sho alarm" in printing.letters()
    assert "ज़ोन 7 L1D9 STORE" in printing.texts("sho")[0]


async def test_a_printer_line_that_nobody_understands_is_a_fault_and_no_silence(printing: Story) -> None:
    printing.line.say(b"SOMETHING ELSE ENTIRELY\r\n")
    await printing.seconds(30)
    assert printing.subjects() == ["zone:old-fire-panel-other-trouble"]


async def test_an_intrusion_that_was_over_before_it_could_be_reported_is_told(receiving: Story) -> None:
    receiving.receiver.report("130", 5)
    receiving.receiver.report("130", 5, restored=True)  # buffered: both within a few milliseconds
    await receiving.seconds(3)
    assert [line for line in receiving.letters() if line.endswith("alarm")]
    await receiving.seconds(20)
    assert receiving.subjects() == []


async def test_a_zone_that_is_bypassed_at_the_panel_is_told_as_that(receiving: Story) -> None:
    receiving.receiver.report("570", 5)
    await receiving.seconds(20)
    (one,) = receiving.open()
    assert (one.subject, one.reason) == ("zone:intruder-panel-cash-room", "bypassed")
