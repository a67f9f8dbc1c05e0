"""The simulator on real wires, read by the real links and the real driver: what is set is what is read."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from drivers.links import LINKS, ModbusLink
from drivers.modbus import ModbusDriver, ModbusOptions
from drivers.profile import profile_from, shipped
from drivers.sim.device import Fault, Refused, SimulatedDevice
from drivers.sim.pty_pair import PtyPair
from drivers.sim.server import Simulator
from sentinel.commands.profiles import load_profile
from sentinel.core.model import Failure, Reading, Value
from sentinel.ports import LinkError, Request, Table, Write

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from drivers.points import Point

pytestmark = pytest.mark.real

WIRES = ["tcp", "pty"]
COUNTS = {"generic-zone-panel": {"field": 12}, "honeywell-cgw-mb": {"zone": 130, "l1d": 5}}
LIVELY = {
    "maker": "m", "model": "x", "summary": "s", "source": "made for tests", "certainty": "unconfirmed",
    "identity": [{"table": "holding", "address": 9, "equals": 7}],
    "vitality": {"table": "input", "address": 5, "within": "600ms"},
    "points": [{"id": "level", "table": "input", "address": 0, "type": "i16"}],
}  # fmt: skip


@asynccontextmanager
async def wired(wire: str, *devices: SimulatedDevice) -> AsyncIterator[tuple[Simulator, ModbusLink]]:
    """The devices on a real socket or pty, and a real link to them."""
    simulator = Simulator(*devices)
    if wire == "tcp":
        kind, options = "modbus-tcp", {"host": "127.0.0.1", "port": await simulator.serve_tcp()}
    else:
        kind, options = "modbus-rtu", {"port": await simulator.serve_pty(baud=115200), "baud": 115200}
    made = LINKS[kind]
    link = made.make(made.options.model_validate({**options, "timeout_s": 0.5}), "test", Path())
    try:
        yield simulator, link
    finally:
        await link.close()
        await simulator.close()


async def read(link: ModbusLink, driver: ModbusDriver, at: float = 0.0) -> dict[str, Reading]:
    found: dict[str, Reading] = {}
    for poll in driver.plan():
        words = await link.read(poll.request)
        found |= {reading.point.partition(".")[2]: reading for reading in driver.decode(poll, words, at)}
    return found


def simulated(name: str, unit: int = 1) -> tuple[SimulatedDevice, ModbusDriver]:
    profile, counts = load_profile(name), COUNTS.get(name, {})
    options = ModbusOptions(profile=name, unit=unit, counts=counts)
    return SimulatedDevice(name, profile, unit, counts), ModbusDriver(name, profile, options)


def lively() -> tuple[SimulatedDevice, ModbusDriver]:
    profile = profile_from(LIVELY)
    return SimulatedDevice("d", profile), ModbusDriver("d", profile, ModbusOptions(profile="x"))


def another(point: Point, number: int) -> Value:
    """A value that the point can take and that tells it from its neighbours."""
    if point.gives == "bool":
        return number % 3 == 0
    words = [word for _, word in point.states] or [line.state for line in point.match if line.state]
    if words:
        return words[number % len(words)]
    low, high = point.limits or (0, 5000)
    return round(low + (high - low) * (number % 7 + 1) / 9)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("name", shipped())
async def test_what_is_set_in_the_simulator_is_read_over_the_wire(name: str, wire: str) -> None:
    device, driver = simulated(name)
    async with wired(wire, device) as (simulator, link):
        wanted = {point: another(spec, number) for number, (point, spec) in enumerate(driver.points.items())}
        for point, value in wanted.items():
            await simulator.set(f"{name}.{point}", value)
        readings = await read(link, driver)
        assert {point: readings[point].value for point in wanted} == wanted
        assert [await simulator.get(f"{name}.{point}") for point in wanted] == list(wanted.values())


@pytest.mark.parametrize("wire", WIRES)
async def test_all_the_profiles_share_one_bus_each_under_its_unit(wire: str) -> None:
    bus = [simulated(name, unit) for unit, name in enumerate(shipped(), 1)]
    async with wired(wire, *(device for device, _ in bus)) as (_, link):
        for _, driver in bus:
            assert all(reading.value is not None for reading in (await read(link, driver)).values())


async def test_two_devices_with_one_unit_or_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two devices have one unit"):
        Simulator(simulated("xy-md02")[0], simulated("pzem-017")[0])
    with pytest.raises(ValueError, match="two devices have one name"):
        Simulator(simulated("xy-md02", 1)[0], simulated("xy-md02", 2)[0])


@pytest.mark.parametrize("wire", WIRES)
async def test_a_silent_device_does_not_answer_and_its_neighbour_does(wire: str) -> None:
    (one, first), (two, second) = simulated("xy-md02", 1), simulated("pzem-017", 2)
    async with wired(wire, one, two) as (simulator, link):
        await simulator.fault("xy-md02", Fault.SILENT)
        with pytest.raises(LinkError) as caught:
            await link.read(first.plan()[0].request, 0.15)
        assert caught.value.failure is Failure.NO_REPLY
        assert (await read(link, second))["voltage"].value is not None
        await simulator.fault("xy-md02", None)
        assert (await read(link, first))["temperature"].value is not None


@pytest.mark.parametrize("wire", WIRES)
async def test_a_device_that_is_gone_is_no_reply_on_either_wire(wire: str) -> None:
    device, driver = simulated("xy-md02")
    async with wired(wire, device) as (simulator, link):
        await simulator.fault("xy-md02", Fault.ABSENT)
        for unit in (1, 9):
            with pytest.raises(LinkError) as caught:
                await link.read(Request(unit, Table.INPUT, 1, 2), 0.15)
            assert caught.value.failure is Failure.NO_REPLY
        assert driver.plan()[0].request == Request(1, Table.INPUT, 1, 2)


@pytest.mark.parametrize("wire", WIRES)
async def test_a_device_that_is_asked_for_what_it_has_not_refuses(wire: str) -> None:
    async with wired(wire, simulated("xy-md02")[0]) as (_, link):
        for request in (Request(1, Table.INPUT, 2, 2), Request(1, Table.INPUT, 0, 1), Request(1, Table.INPUT, 1, 3)):
            with pytest.raises(LinkError) as caught:
                await link.read(request)
            assert caught.value.failure is Failure.REFUSED


@pytest.mark.parametrize("wire", WIRES)
async def test_a_broken_device_answers_every_question_with_its_failure(wire: str) -> None:
    device, driver = simulated("xy-md02")
    async with wired(wire, device) as (simulator, link):
        await simulator.fault("xy-md02", Fault.EXCEPTION)
        with pytest.raises(LinkError) as caught:
            await link.read(driver.plan()[0].request)
        assert caught.value.failure is Failure.REFUSED
        assert "exception 4" in str(caught.value)


def test_a_simulated_device_keeps_the_limits_that_its_profile_gives_the_real_one() -> None:
    points = [{"id": f"p{a}", "table": "input", "address": a, "type": "u16"} for a in (0, 1, 3, 4, 8)]
    form = {**LIVELY, "identity": [], "vitality": None, "points": points, "limits": {"max_registers": 4, "max_gap": 1}}
    device = SimulatedDevice("d", profile_from(form))
    assert device.read(Table.INPUT, 0, 4, 0.0) == [0, 0, 0, 0]  # across the one address that is no point
    for address, count, code in ((0, 5, 3), (2, 2, 2), (1, 2, 2), (4, 2, 2), (4, 4, 2)):
        with pytest.raises(Refused) as caught:
            device.read(Table.INPUT, address, count, 0.0)
        assert caught.value.code == code, (address, count)


async def test_an_impostor_is_found_by_its_identity_register() -> None:
    device, driver = lively()
    async with wired("tcp", device) as (simulator, link):
        assert (await read(link, driver))["level"].value == 0
        await simulator.fault("d", Fault.IMPOSTOR)
        assert (await read(link, driver))["level"].reason is Failure.IDENTITY


async def test_a_frozen_device_is_found_by_its_sign_of_life() -> None:
    device, driver = lively()
    async with wired("tcp", device) as (simulator, link):
        await simulator.fault("d", Fault.FROZEN)
        await read(link, driver, 0.0)
        readings = await read(link, driver, 1.0)
        assert {reading.reason for reading in readings.values()} == {None, Failure.STUCK}
        assert (await read(link, driver, 1.1))["level"].reason is Failure.STUCK


async def test_a_healthy_sign_of_life_moves_by_itself() -> None:
    device, driver = lively()
    async with wired("tcp", device) as (_, link):
        first = (await read(link, driver, 0.0))["vitality"].value
        await asyncio.sleep(0.3)
        assert (await read(link, driver, 0.3))["vitality"].value != first


@pytest.mark.parametrize("wire", WIRES)
async def test_a_relay_that_is_written_reads_back(wire: str) -> None:
    device, driver = simulated("waveshare-relay-di8")
    async with wired(wire, device) as (simulator, link):
        await link.write(Write(1, Table.COIL, 2, (1,)))
        await link.write(Write(1, Table.HOLDING, 0x1001, (3,)))
        readings = await read(link, driver)
        assert (readings["relay3"].value, readings["mode2"].value) == (True, "edge")
        assert await simulator.get("waveshare-relay-di8.relay3") is True
        with pytest.raises(LinkError):
            await link.write(Write(1, Table.COIL, 300, (1,)))
        await simulator.fault("waveshare-relay-di8", Fault.EXCEPTION)
        with pytest.raises(LinkError):
            await link.write(Write(1, Table.COIL, 2, (0,)))


async def test_a_writer_to_nobody_is_told_so() -> None:
    device, _ = simulated("waveshare-relay-di8")
    async with wired("tcp", device) as (_, link):
        with pytest.raises(LinkError) as caught:
            await link.write(Write(7, Table.COIL, 2, (1,)))
        assert caught.value.failure is Failure.NO_REPLY


async def test_nonsense_in_a_register_is_read_as_nonsense() -> None:
    device, driver = simulated("honeywell-cgw-mb")
    async with wired("tcp", device) as (_, link):
        device.poke(Table.HOLDING, 8000, 0x00FF)
        assert (await read(link, driver))["zone1"].reason is Failure.RANGE


async def test_the_pty_can_have_a_name_of_its_own_and_takes_it_away_again(tmp_path: Path) -> None:
    device, _ = simulated("xy-md02")
    simulator = Simulator(device)
    assert await simulator.serve_pty(tmp_path / "bus") == str(tmp_path / "bus")
    assert (tmp_path / "bus").is_symlink()
    await simulator.close()
    assert not (tmp_path / "bus").is_symlink()


async def test_another_simulators_name_is_left_alone(tmp_path: Path) -> None:
    first, second = Simulator(simulated("xy-md02")[0]), Simulator(simulated("xy-md02")[0])
    await first.serve_pty(tmp_path / "bus")
    open_files = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(FileExistsError):
        await second.serve_pty(tmp_path / "bus")
    assert (tmp_path / "bus").is_symlink()
    assert len(list(Path("/proc/self/fd").iterdir())) == open_files
    await second.close()
    await first.close()


async def test_what_nobody_reads_is_lost_and_blocks_nothing() -> None:
    pair = PtyPair()
    writer = os.open(pair.ours, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        sent = 0
        async with asyncio.timeout(20):
            while sent < 200_000:
                with suppress(BlockingIOError):
                    sent += os.write(writer, bytes(1024))
                await asyncio.sleep(0)
    finally:
        os.close(writer)
        pair.close()
