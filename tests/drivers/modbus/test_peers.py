"""Strangers as judges: `mbpoll` reads our simulators, and our driver reads servers that nobody here wrote.

mbpoll and libmodbus are Debian's (.ci/servers), pyModbusTCP is from PyPI.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from pyModbusTCP.server import ModbusServer  # type: ignore[import-untyped]

from drivers.links import LINKS
from drivers.profile import shipped
from drivers.sim.pty_pair import PtyPair
from drivers.sim.server import Simulator
from sentinel.ports import Request, Table
from tests.drivers.test_simulator import another, read, simulated
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from drivers.links import ModbusLink
    from drivers.modbus import ModbusDriver
    from drivers.sim.device import SimulatedDevice
    from sentinel.core.model import Value

pytestmark = pytest.mark.real

BAUD = 115200
TYPES = {Table.COIL: "0", Table.DISCRETE: "1", Table.INPUT: "3:hex", Table.HOLDING: "4:hex"}
LINE = re.compile(r"^\[(\d+)\]:\s+(\S+)", re.MULTILINE)
SERVER = Path(__file__).parent / "libmodbus_server.py"


def filled(name: str) -> tuple[SimulatedDevice, ModbusDriver, dict[str, Value]]:
    """A simulated device with a value of its own in every point."""
    device, driver = simulated(name)
    wanted = {point: another(spec, number) for number, (point, spec) in enumerate(driver.points.items())}
    for point, value in wanted.items():
        device.set(point, value)
    return device, driver, wanted


async def mbpoll(place: list[str], request: Request) -> list[int]:
    """What mbpoll reads there."""
    asked = ["-a", str(request.unit), "-0", "-r", str(request.address), "-c", str(request.count), "-1", "-o", "2"]
    process = await asyncio.create_subprocess_exec(
        "mbpoll", *place[:-1], *asked, "-t", TYPES[request.table], place[-1],
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said = (await asyncio.wait_for(process.communicate(), 10))[0].decode(errors="replace")
    assert process.returncode == 0, said
    found = {int(address): int(word, 0) for address, word in LINE.findall(said)}
    assert list(found) == list(range(request.address, request.address + request.count)), said
    return list(found.values())


@pytest.mark.parametrize("name", shipped())
async def test_mbpoll_reads_from_our_simulator_what_our_driver_makes_of_it(name: str) -> None:
    device, driver, wanted = filled(name)
    simulator = Simulator(device)
    place = ["-m", "tcp", "-p", str(await simulator.serve_tcp()), "127.0.0.1"]
    try:
        found: dict[str, object] = {}
        for _ in range(2):  # a verdict of the second round holds for the first
            for poll in driver.plan():
                words = tuple(await mbpoll(place, poll.request))
                found |= {one.point.partition(".")[2]: one.value for one in driver.decode(poll, words, 0.0)}
    finally:
        await simulator.close()
    assert {point: found[point] for point in wanted} == wanted


@pytest.mark.parametrize("name", ["waveshare-relay-di8", "eastron-sdm120", "kidde-alarmline-ii"])
async def test_mbpoll_reads_our_simulator_on_a_serial_line(name: str) -> None:
    device, driver, _ = filled(name)
    simulator = Simulator(device)
    path = await simulator.serve_pty(baud=BAUD)
    place = ["-m", "rtu", "-b", str(BAUD), "-P", "none", path]
    try:
        for poll in driver.plan():
            ask = poll.request
            assert await mbpoll(place, ask) == device.read(ask.table, ask.address, ask.count, 0.0)
    finally:
        await simulator.close()


@asynccontextmanager
async def libmodbus(device: SimulatedDevice, *place: str) -> AsyncIterator[None]:
    """libmodbus serves what the simulated device holds."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SERVER), *place, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps({table: words for table, words in device._memory.items() if words}).encode())
        process.stdin.close()
        assert await asyncio.wait_for(process.stdout.readline(), 10) == b"ready\n"
        yield
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def linked(kind: str, **options: object) -> ModbusLink:
    made = LINKS[kind]
    return cast("ModbusLink", made.make(made.options.model_validate({**options, "timeout_s": 2.0}), "peer", Path()))


async def both_rounds(link: ModbusLink, driver: ModbusDriver, wanted: dict[str, Value]) -> None:
    await read(link, driver)
    readings = await read(link, driver)
    assert {point: readings[point].value for point in wanted} == wanted


@pytest.mark.parametrize("name", shipped())
async def test_our_driver_reads_what_libmodbus_serves(name: str) -> None:
    device, driver, wanted = filled(name)
    port = free_port()
    async with libmodbus(device, "tcp", str(port)):
        link = linked("modbus-tcp", host="127.0.0.1", port=port)
        try:
            await both_rounds(link, driver, wanted)
        finally:
            await link.close()


@pytest.mark.parametrize("name", ["waveshare-relay-di8", "eastron-sdm120", "calectro-ug3"])
async def test_our_driver_reads_what_libmodbus_serves_on_a_serial_line(name: str) -> None:
    device, driver, wanted = filled(name)
    pair = PtyPair()
    try:
        async with libmodbus(device, "rtu", pair.ours, str(BAUD)):
            link = linked("modbus-rtu", port=pair.theirs, baud=BAUD)
            try:
                await both_rounds(link, driver, wanted)
            finally:
                await link.close()
    finally:
        pair.close()


@pytest.mark.parametrize("name", shipped())
async def test_our_driver_reads_what_pymodbustcp_serves(name: str) -> None:
    device, driver, wanted = filled(name)
    server = ModbusServer(host="127.0.0.1", port=free_port(), no_block=True)
    server.start()
    bank = server.data_bank
    put = {
        Table.COIL: lambda address, word: bank.set_coils(address, [bool(word)]),
        Table.DISCRETE: lambda address, word: bank.set_discrete_inputs(address, [bool(word)]),
        Table.INPUT: lambda address, word: bank.set_input_registers(address, [word]),
        Table.HOLDING: lambda address, word: bank.set_holding_registers(address, [word]),
    }
    for table, words in device._memory.items():
        for address, word in words.items():
            put[table](address, word)
    link = linked("modbus-tcp", host="127.0.0.1", port=server.port)
    try:
        await both_rounds(link, driver, wanted)
    finally:
        await link.close()
        server.stop()
