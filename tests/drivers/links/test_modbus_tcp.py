"""Modbus TCP and RTU over TCP on real sockets: pymodbus's own server, and units that misbehave."""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections import Counter
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from drivers.links import LINKS, ModbusLink
from drivers.links.modbus_tcp import MOST_WAITING, ModbusRtuTcpOptions, ModbusTcp, ModbusTcpOptions
from sentinel.core.model import Failure
from sentinel.ports import LinkError, Request, Table, Write
from tests.fakes_wire import SERIAL_FAULTS, Fault, Rascal, TcpUnits, verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.real

WIRE_FAULTS = int(os.environ.get("SENTINEL_FAULTS", "30000")) // 75
TIMEOUT_S = 0.02
KINDS = pytest.mark.parametrize("numbered", [True, False], ids=["tcp", "rtu over tcp"])
BLOCK = Request(1, Table.HOLDING, 0, 10)
BLOCKS = [
    Request(unit, table, address, count)
    for unit in (1, 2, 3, 4)
    for table, address, count in (
        (Table.HOLDING, 0, 10),
        (Table.HOLDING, 100, 10),
        (Table.INPUT, 0, 7),
        (Table.DISCRETE, 0, 32),
    )
]


def link_to(port: int, *, numbered: bool, timeout_s: float = 5.0, hold_s: float | None = None) -> ModbusTcp:
    if numbered:
        return ModbusTcp(ModbusTcpOptions(host="127.0.0.1", port=port, timeout_s=timeout_s, hold_s=hold_s or 0.0))
    return ModbusTcp(ModbusRtuTcpOptions(host="127.0.0.1", port=port, timeout_s=timeout_s, hold_s=hold_s))


@asynccontextmanager
async def linked(rascal: Rascal, timeout_s: float = 5.0) -> AsyncIterator[tuple[TcpUnits, ModbusTcp]]:
    async with TcpUnits(rascal) as units:
        link = link_to(units.port, numbered=rascal.numbered, timeout_s=timeout_s)
        try:
            yield units, link
        finally:
            await link.close()


async def failure_of(link: ModbusLink, request: Request = BLOCK) -> Failure:
    async with asyncio.timeout(3):
        with pytest.raises(LinkError) as caught:
            await link.read(request)
    return caught.value.failure


@asynccontextmanager
async def pymodbus_server(framer: FramerType) -> AsyncIterator[int]:
    def registers(first: int) -> list[SimData]:
        return [SimData(0, values=list(range(first, first + 50)), datatype=DataType.REGISTERS)]

    def bits(odd: bool) -> list[SimData]:
        return [SimData(0, values=[odd, not odd] * 16, datatype=DataType.BITS)]

    async with TcpUnits(Rascal(0, 1)) as free:
        port = free.port
    device = SimDevice(1, simdata=(bits(odd=True), bits(odd=False), registers(100), registers(200)))
    server = ModbusTcpServer([device], address=("127.0.0.1", port), framer=framer)
    await server.serve_forever(background=True)
    try:
        yield port
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("kind", ["modbus-tcp", "modbus-rtu-tcp"])
async def test_pymodbus_own_server_is_read_written_and_its_refusal_told(kind: str) -> None:
    framer = FramerType.SOCKET if kind == "modbus-tcp" else FramerType.RTU
    async with pymodbus_server(framer) as port:
        link = LINKS[kind].make(LINKS[kind].options(kind=kind, host="127.0.0.1", port=port), "fire", Path())
        assert await link.read(Request(1, Table.COIL, 0, 5)) == (1, 0, 1, 0, 1)
        assert await link.read(Request(1, Table.DISCRETE, 1, 9)) == (1, 0, 1, 0, 1, 0, 1, 0, 1)
        assert await link.read(Request(1, Table.HOLDING, 2, 3)) == (102, 103, 104)
        assert await link.read(Request(1, Table.INPUT, 0, 4)) == (200, 201, 202, 203)
        await link.write(Write(1, Table.HOLDING, 2, (7,)))
        await link.write(Write(1, Table.HOLDING, 3, (8, 9)))
        await link.write(Write(1, Table.COIL, 1, (1,)))
        await link.write(Write(1, Table.COIL, 2, (0, 1)))
        assert await link.read(Request(1, Table.HOLDING, 2, 3)) == (7, 8, 9)
        assert await link.read(Request(1, Table.COIL, 0, 4)) == (1, 1, 0, 1)
        assert await failure_of(link, Request(1, Table.HOLDING, 90, 5)) is Failure.REFUSED
        assert link.stats().connects == 1
        assert link.stats().answers == link.stats().requests - 1
        await link.close()


@pytest.mark.timeout(3600)
@KINDS
async def test_no_fault_on_a_socket_makes_another_value_pass(numbered: bool, caplog: pytest.LogCaptureFixture) -> None:
    faults = (*SERIAL_FAULTS, Fault.HANG_UP)
    if numbered:
        faults = tuple(set(Fault) - {Fault.CHECKSUM})  # nothing but TCP's own guards a byte there
    rascal = Rascal(0.3, TIMEOUT_S, faults=faults, seed=5, numbered=numbered)
    seen: Counter[str] = Counter()
    rng = random.Random(5)
    async with linked(rascal, TIMEOUT_S) as (_, link):

        async def ask(unit: int) -> None:
            while rascal.injected < WIRE_FAULTS:
                request = rng.choice([block for block in BLOCKS if block.unit == unit])
                try:
                    words = await link.read(request)
                except LinkError as error:
                    seen[error.failure] += 1
                    await asyncio.sleep(0.002)
                else:
                    seen[verdict(request, words, rascal.serial)] += 1

        async with asyncio.TaskGroup() as group:
            for unit in (1, 2, 3, 4):
                group.create_task(ask(unit))
        stats = link.stats()
    assert seen["wrong"] == 0, (seen, rascal.kinds)
    assert seen["stale"] * 100 <= rascal.injected, seen
    assert seen["right"] > WIRE_FAULTS / 20
    assert stats.answers >= seen["right"]
    assert not [record for record in caplog.records if record.name.startswith(("asyncio", "pymodbus"))]


@KINDS
@pytest.mark.parametrize("fault", [Fault.OTHER_UNIT, Fault.OTHER_FUNCTION, Fault.SHORT, Fault.LONG, Fault.TAIL])
async def test_a_foreign_reply_fails_the_read_at_once_and_not_at_its_deadline(fault: Fault, numbered: bool) -> None:
    async with linked(Rascal(1, 1, faults=(fault,), numbered=numbered), timeout_s=30) as (_, link):
        assert await failure_of(link) is Failure.BAD_REPLY


async def test_a_reply_that_carries_transaction_zero_is_not_believed() -> None:
    async with linked(Rascal(1, 1, faults=(Fault.NUMBER_ZERO,), numbered=True), timeout_s=0.1) as (_, link):
        assert await failure_of(link) is Failure.NO_REPLY


@KINDS
async def test_a_dropped_connection_fails_the_read_at_once(numbered: bool) -> None:
    async with linked(Rascal(1, 1, faults=(Fault.SILENT,), numbered=numbered), timeout_s=30) as (units, link):
        reading = asyncio.create_task(failure_of(link))
        while not units.rascal.serial:
            await asyncio.sleep(0.001)
        await units.vanish()
        assert await reading is Failure.NOT_CONNECTED
        await units.listen()


@KINDS
async def test_silence_is_no_reply_and_the_next_read_has_a_new_socket(numbered: bool) -> None:
    async with linked(Rascal(1, 1, faults=(Fault.SILENT,), numbered=numbered), timeout_s=0.05) as (units, link):
        assert await failure_of(link) is Failure.NO_REPLY
        units.rascal.chance = 0
        assert verdict(BLOCK, await link.read(BLOCK), units.rascal.serial) == "right"
        assert units.connections == 2


@KINDS
async def test_a_device_that_closes_its_idle_sockets_is_not_lost(
    numbered: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async with linked(Rascal(0, 1, numbered=numbered)) as (units, link):
        await link.read(BLOCK)
        await units.vanish()
        await units.listen()
        await asyncio.sleep(0.01)
        await link.read(BLOCK)
        assert link.stats().connects == 2
        assert not caplog.records


@KINDS
async def test_a_lost_link_fails_reads_at_once_is_logged_once_and_comes_back_by_itself(
    numbered: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "drivers.links.presence")
    async with linked(Rascal(0, 1, numbered=numbered), timeout_s=30) as (units, link):
        await link.read(BLOCK)
        await units.vanish()
        for _ in range(20):
            assert await failure_of(link) is Failure.NOT_CONNECTED
        await units.listen()
        async with asyncio.timeout(10):
            while True:
                try:
                    words = await link.read(BLOCK)
                    break
                except LinkError as error:
                    assert error.failure is Failure.NOT_CONNECTED  # noqa: PT017 - until the backoff has passed
                    await asyncio.sleep(0.02)
        assert verdict(BLOCK, words, units.rascal.serial) == "right"
    told = [record.message.split(":")[0] for record in caplog.records]
    assert [text.split(" after")[0] for text in told] == ["link lost", "link back"]


@KINDS
async def test_a_cancelled_read_never_answers_the_next_question(numbered: bool) -> None:
    rascal = Rascal(0, 1, numbered=numbered, think_s=0.05)
    async with TcpUnits(rascal) as units:
        link = link_to(units.port, numbered=numbered, hold_s=0.01)
        for address in range(0, 50, 10):
            asked = rascal.serial
            cut = asyncio.create_task(link.read(Request(1, Table.HOLDING, address, 10)))
            while rascal.serial == asked:
                await asyncio.sleep(0.001)
            cut.cancel()
            await asyncio.wait([cut])
            other = Request(1, Table.HOLDING, address + 500, 10)
            assert verdict(other, await link.read(other), rascal.serial) == "right"
        await link.close()


@KINDS
async def test_closing_fails_the_read_that_is_out_and_those_that_wait(numbered: bool) -> None:
    async with linked(Rascal(1, 1, faults=(Fault.SILENT,), numbered=numbered), timeout_s=30) as (units, link):
        reads = [asyncio.create_task(failure_of(link)) for _ in range(5)]
        while not units.rascal.serial:
            await asyncio.sleep(0.001)
        await link.close()
        assert set(await asyncio.gather(*reads)) == {Failure.NOT_CONNECTED}
        assert await failure_of(link) is Failure.NOT_CONNECTED


async def test_a_question_too_many_is_the_loser_and_hears_so_at_once() -> None:
    async with linked(Rascal(1, 1, faults=(Fault.SILENT,), numbered=True), timeout_s=30) as (_, link):
        reads = [asyncio.create_task(failure_of(link)) for _ in range(MOST_WAITING)]
        await asyncio.sleep(0)
        assert await failure_of(link) is Failure.NO_REPLY
        await link.close()
        await asyncio.gather(*reads)


async def test_the_deadline_of_a_read_counts_from_its_own_turn() -> None:
    async with linked(Rascal(0, 1, numbered=True, think_s=0.05), timeout_s=0.2) as (_, link):
        words = await asyncio.gather(*(link.read(Request(unit, Table.HOLDING, 0, 4)) for unit in range(1, 11)))
        assert len(words) == 10


async def test_late_bytes_between_questions_on_a_converter_cost_the_socket_and_their_unit_some_quiet() -> None:
    async with linked(Rascal(1, 0.05, faults=(Fault.DUPLICATE,)), timeout_s=0.2) as (units, link):
        while not link.stats().late_frames:
            try:
                await link.read(Request(1, Table.HOLDING, 0, 4))
            except LinkError:
                continue
            await asyncio.sleep(0.11)
        assert link.held_s(1) > 0
        assert link.held_s(2) == 0
        connections = units.connections
        units.rascal.chance = 0
        await link.read(Request(2, Table.HOLDING, 0, 4))
        assert units.connections == connections + 1


@KINDS
async def test_hostile_bytes_of_any_kind_end_in_a_failed_read(numbered: bool, caplog: pytest.LogCaptureFixture) -> None:
    rng = random.Random(1)

    async def attack(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(rng.randbytes(rng.choice((1, 5, 9, 260, 5000))))
        await asyncio.sleep(rng.choice((0, 0.005)))
        writer.write(bytes((0, 1, 0, 0, 0, 3, 1, rng.randrange(256), 0))[: rng.randint(1, 9)])
        writer.close()

    server = await asyncio.start_server(attack, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for _ in range(100):
        link = link_to(port, numbered=numbered, timeout_s=0.05)
        with pytest.raises(LinkError):
            await link.read(BLOCK)
        await link.close()
    server.close()
    await server.wait_closed()
    assert not [record for record in caplog.records if record.name.startswith(("asyncio", "pymodbus"))]


async def test_a_host_that_cannot_be_a_name_is_a_link_that_is_not_connected() -> None:
    link = ModbusTcp(ModbusTcpOptions(host="a..b", timeout_s=0.5))
    assert await failure_of(link) is Failure.NOT_CONNECTED
    await link.close()


def test_options_name_the_mistake() -> None:
    with pytest.raises(ValidationError, match="port"):
        ModbusTcpOptions(host="panel", port=70000)
    with pytest.raises(ValidationError, match="baud"):
        ModbusTcpOptions.model_validate({"host": "panel", "baud": 9600})
    least = {"modbus-rtu": {"port": "x"}, "serial": {"port": "x"}, "tcp": {"host": "x", "port": 1}}
    assert {kind.options.model_validate(least.get(name, {"host": "x"})).model_dump()["kind"]
            for name, kind in LINKS.items()} == set(LINKS)  # fmt: skip
