"""The driver and a receiver that keeps the rules of its manual, over a line that does not."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.contact_id import ContactId, ContactIdOptions
from drivers.contact_id_wire import Format
from drivers.links.byte_line import TcpLine, TcpOptions
from drivers.panel import Status
from drivers.sim.panel_wire import PanelWire, WireFault
from drivers.sim.receiver import Receiver
from sentinel.core.model import Quality, Reading

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from sentinel.ports import Turn

FORMATS = st.sampled_from(Format)


def driver(format_: Format = Format.MLR2) -> ContactId:
    made = ContactId("panel", ContactIdOptions(account="1234", format=format_))
    made.opened(0.0)
    return made


class Bench:
    """A receiver, a line and the driver, by the second. `durable`: whether what was said can be written down."""

    def __init__(self, format_: Format = Format.MLR2) -> None:
        self.receiver = Receiver(format=format_)
        self.driver = driver(format_)
        self.durable = True
        self.cut = False
        self.late_s = 0.0
        self.noise: random.Random | None = None
        self.readings: list[Reading] = []
        self.now = 0.0
        self._answers: list[tuple[float, bytes]] = []

    def second(self) -> None:
        self.now += 1.0
        self._carry(self.receiver.tick(self.now))
        self._take(self.driver.tick(self.now))
        due = [data for at, data in self._answers if at <= self.now]
        self._answers = [one for one in self._answers if one[0] > self.now]
        for data in due:
            self._carry(self.receiver.hear(data))

    def until_idle(self, most: int = 600) -> None:
        for _ in range(most):
            self.second()
            if self.receiver.idle:
                return
        raise AssertionError("the receiver still has something to say")

    def alarms(self) -> list[tuple[str, str]]:
        return [(one.point, str(one.value)) for one in self.readings if str(one.value).startswith("alarm")]

    def _carry(self, data: bytes) -> None:
        if not data or self.cut:
            return
        self.now += 0.05  # it takes its time on the line
        if self.noise is not None and self.noise.random() < 0.4:
            at = self.noise.randrange(len(data))
            data = data[:at] + self.noise.choice([b"", b"\xff", b"\x14", b"#"]) + data[at + 1 :]
        self._take(self.driver.feed(data, self.now))

    def _take(self, turns: Sequence[Turn]) -> None:
        for turn in turns:
            self.readings += turn.readings
            answer = turn.send + (turn.acknowledge if self.durable and self.late_s <= turn.within_s else b"")
            if answer:
                self._answers.append((self.now + self.late_s, answer))


@settings(max_examples=50)
@given(st.lists(st.integers(1, 400), min_size=1, max_size=8, unique=True), FORMATS, st.integers(0, 1000))
def test_over_a_noisy_line_every_alarm_arrives(zones: list[int], format_: Format, seed: int) -> None:
    bench = Bench(format_)
    bench.noise = random.Random(seed)
    for zone in zones:
        bench.receiver.report(130, zone=zone)
    for _ in range(60):
        bench.second()
    bench.noise = None
    bench.until_idle()
    seen = {word for point, value in bench.alarms() if point == "panel.other-burglary" for word in value[6:].split(",")}
    # What came damaged the same twice is told as it is; nothing else may be missing.
    assert len(bench.receiver.acknowledged) == len(zones)
    assert {f"130/{zone}" for zone in zones} <= seen or any("other-trouble" in point for point, _ in bench.alarms())


@pytest.mark.parametrize("format_", list(Format))
def test_an_alarm_is_acknowledged_and_the_next_flows(format_: Format) -> None:
    bench = Bench(format_)
    bench.receiver.report(122, zone=2)
    bench.receiver.report(130, zone=5)
    bench.until_idle()
    assert len(bench.receiver.acknowledged) == 2
    assert {point for point, _ in bench.alarms()} == {"panel.other-hold-up", "panel.other-burglary"}
    assert bench.driver.damaged() == 0


def test_what_cannot_be_written_down_is_not_acknowledged_and_comes_again_when_it_can() -> None:
    bench = Bench()
    bench.durable = False
    bench.receiver.report(122, zone=2)
    for _ in range(60):
        bench.second()
    assert bench.receiver.acknowledged == []
    assert bench.alarms(), "it is told from memory all the same"
    bench.durable = True
    bench.until_idle()
    assert len(bench.receiver.acknowledged) == 1
    assert sum(one.again for one in bench.readings) == 1, "told as one press, not as one for each repetition"


def test_what_happened_while_the_line_was_cut_is_told_when_it_is_back() -> None:
    bench = Bench()
    bench.cut = True
    bench.receiver.report(122, zone=2)
    for _ in range(120):
        bench.second()
    assert bench.receiver.host_down
    bench.cut = False
    bench.until_idle()
    assert ("panel.other-hold-up", "alarm 122/2") in bench.alarms()


def test_an_acknowledgement_that_comes_late_makes_no_second_incident() -> None:
    bench = Bench()
    bench.late_s = 3.0
    bench.receiver.report(122, zone=2)
    bench.until_idle()
    assert sum(one.again for one in bench.readings) == 1


def test_a_receiver_that_says_another_branchs_account_is_told_as_such() -> None:
    bench = Bench()
    bench.receiver.lies = True
    bench.receiver.report(130, zone=2)
    bench.until_idle()
    assert bench.alarms() == [("panel.foreign", "alarm 9999:130/2")]
    assert bench.receiver.refused == 1


@pytest.mark.parametrize(
    ("code", "point"),
    [(122, "other-hold-up"), (120, "other-hold-up"), (121, "other-duress"), (125, "other-duress"), (111, "other-fire")],
)
def test_somebody_in_danger_is_told_as_such_whatever_account_the_panel_was_given(code: int, point: str) -> None:
    bench = Bench()
    bench.receiver.lies = True
    bench.receiver.report(code, zone=2)
    bench.until_idle()
    assert bench.alarms() == [(f"panel.{point}", f"alarm {code}/2")]  # and nothing else: rule 6


def test_a_silent_receiver_holds_nothing() -> None:
    bench = Bench()
    bench.cut = True
    for _ in range(200):
        bench.second()
    assert bench.readings == []


@pytest.fixture
async def wire() -> AsyncIterator[PanelWire]:
    made = PanelWire(Receiver(pace=0.02))
    yield made
    await made.close()


@pytest.mark.real
async def test_over_a_socket_that_garbles_truncates_and_comes_back(wire: PanelWire, tmp_path: Path) -> None:
    assert isinstance(wire.panel, Receiver)
    line = TcpLine(TcpOptions(host="127.0.0.1", port=await wire.serve_tcp()), "line", tmp_path)
    talk, readings, running = driver(), list[Reading](), True

    async def host() -> None:
        await line.open()
        while running:
            now = asyncio.get_running_loop().time()
            try:
                data = await asyncio.wait_for(line.receive(), 0.05)
            except TimeoutError:
                data = b""
            for turn in (*talk.feed(data, now), *talk.tick(now)):
                readings.extend(turn.readings)
                if answer := turn.send + turn.acknowledge:
                    await line.send(answer)

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        speaking = group.create_task(wire.panel.run(wire))
        hearing = group.create_task(host())
        for fault in (None, WireFault.GARBLED, WireFault.TRUNCATED, WireFault.SILENT, None):
            wire.fault = fault
            wire.panel.report(122, zone=2)
            wire.panel.report(122, Status.RESTORED, zone=2)
            await asyncio.sleep(0.3)
        while not wire.panel.idle:
            await asyncio.sleep(0.05)
        running = False
        await hearing
        speaking.cancel()
    await line.close()
    assert len(wire.panel.acknowledged) == 10
    assert any(one.quality is Quality.GOOD and str(one.value).startswith("alarm 122/2") for one in readings)
