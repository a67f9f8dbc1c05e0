"""kill -9 while a panel reports over a serial line: what it was told to forget is in the journal, and the rest comes again."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from drivers.sim.panel_wire import PanelWire
from drivers.sim.receiver import Receiver
from sentinel.core.facts import IncidentOpened, Signalled
from sentinel.journal.verify import verify
from tests.crash.branch import branch, journal_lines

if TYPE_CHECKING:
    from pathlib import Path

    from tests.crash.branch import Branch

KILLS, ZONES, PACE = 12, 150, 0.1
DEVICE = """
  intruder:
    name: {{en: Intruder panel, hi: अलार्म पैनल}}
    link: receiver
    driver: contact-id
    account: "C601"
    heartbeat: 3s
    points:
{points}
"""


def connect(here: Branch, port: Path) -> None:
    """Write the serial panel into the config, with a zone for each of its detectors."""
    points = "\n".join(
        f"      z{n}: {{role: intrusion, zone: {n}, name: {{en: Detector {n}, hi: सेंसर {n}}}}}" for n in range(1, ZONES)
    )
    text = here.config.read_text(encoding="utf-8")
    text = text.replace("links: {line:", f"links: {{receiver: {{kind: serial, port: {port}}}, line:")
    text = text.replace("devices:\n", "devices:" + DEVICE.format(points=points), 1)
    here.config.write_text(text, encoding="utf-8")


async def keep_reporting(receiver: Receiver, reported: list[int]) -> None:
    """A burglar walks through the building: another detector every few moments."""
    for zone in range(1, ZONES):
        receiver.report(130, zone=zone)
        reported.append(zone)
        await asyncio.sleep(0.1)


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_no_report_that_was_acknowledged_is_lost_by_a_power_cut_and_none_that_was_not(tmp_path: Path) -> None:
    dice = random.Random(7)
    receiver = Receiver(account="C601", pace=PACE)
    wire = PanelWire(receiver)
    reported: list[int] = []
    async with branch(tmp_path) as here:
        await wire.serve_pty(tmp_path / "receiver")
        connect(here, tmp_path / "receiver")
        talking = asyncio.create_task(receiver.run(wire))
        walking: asyncio.Task[None] | None = None
        for _ in range(KILLS):
            known = len(receiver.acknowledged)
            here.start()
            walking = walking or asyncio.create_task(keep_reporting(receiver, reported))
            await here.until(lambda known=known: len(receiver.acknowledged) > known, "an acknowledgement", 40)  # type: ignore[misc]
            await asyncio.sleep(dice.uniform(0.0, 0.4))
            here.kill()
            check(here, receiver)
        assert walking is not None
        walking.cancel()
        here.start()
        await here.until(lambda: len(receiver.acknowledged) == len(reported), "everything is acknowledged", 60)
        await here.stop()
        talking.cancel()
        await asyncio.gather(walking, talking, return_exceptions=True)
        await wire.close()
        check(here, receiver)
        opened = Counter(subjects(here, IncidentOpened.KIND))
        assert opened == {f"zone:intruder-z{zone}": 1 for zone in reported}, "each once, however often it was said"
        assert len(reported) > KILLS


def subjects(here: Branch, kind: str) -> list[str]:
    """What the facts of this kind are about, as they are stored."""
    return [str(one["body"]["subject"]) for one in journal_lines(here.state / "journal.db") if one["kind"] == kind]


def check(here: Branch, receiver: Receiver) -> None:
    """What the receiver may forget is on the card."""
    report = verify(here.state / "journal.db")
    assert report.ok, report.why
    forgotten = {f"zone:intruder-z{int(frame[-4:-1])}" for frame in receiver.acknowledged}
    assert forgotten <= set(subjects(here, Signalled.KIND))
