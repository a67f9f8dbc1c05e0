"""Modbus RTU on ptys: pymodbus's own server, units that misbehave, a line paced to the byte, and adapters pulled out."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import threading
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

from drivers.links.modbus_rtu import MOST_WAITING, ModbusRtu, ModbusRtuOptions
from drivers.links.rtu_line import MARGIN_S, Timing
from drivers.sim.paced_line import PacedLine
from drivers.sim.pty_pair import PtyPair
from sentinel.core.model import Failure
from sentinel.ports import LinkError, Request, Table, Write
from tests.fakes_wire import Fault, PtyUnits, Rascal, verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.real

WIRE_FAULTS = int(os.environ.get("SENTINEL_FAULTS", "30000")) // 75
TIMEOUT_S = 0.02
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


def link_to(port: str, timeout_s: float = 2.0, hold_s: float | None = None) -> ModbusRtu:
    """A fast line, as an unpaced pty is."""
    return ModbusRtu(
        ModbusRtuOptions(port=port, baud=1_000_000, fixed_silence=False, timeout_s=timeout_s, hold_s=hold_s), "bus"
    )


@asynccontextmanager
async def linked(
    rascal: Rascal, timeout_s: float = 2.0, hold_s: float | None = None
) -> AsyncIterator[tuple[PtyUnits, ModbusRtu]]:
    with PtyUnits(rascal) as units:
        link = link_to(units.port, timeout_s, hold_s)
        try:
            yield units, link
        finally:
            await link.close()


async def failure_of(link: ModbusRtu, request: Request = BLOCK) -> Failure:
    async with asyncio.timeout(3):
        with pytest.raises(LinkError) as caught:
            await link.read(request)
    return caught.value.failure


async def test_pymodbus_own_server_is_read_written_and_its_refusal_told() -> None:
    pair = PtyPair()
    registers = [SimData(0, values=list(range(100, 150)), datatype=DataType.REGISTERS)]
    bits = [SimData(0, values=[True, False] * 16, datatype=DataType.BITS)]
    server = ModbusSerialServer(
        [SimDevice(7, simdata=(bits, bits, registers, registers))],
        port=pair.theirs,
        baudrate=115200,
        framer=FramerType.RTU,
    )
    await server.serve_forever(background=True)
    link = ModbusRtu(ModbusRtuOptions(port=pair.ours, baud=115200, timeout_s=1))
    assert await link.read(Request(7, Table.HOLDING, 3, 2)) == (103, 104)
    assert await link.read(Request(7, Table.DISCRETE, 1, 9)) == (0, 1, 0, 1, 0, 1, 0, 1, 0)
    await link.write(Write(7, Table.HOLDING, 3, (9,)))
    await link.write(Write(7, Table.HOLDING, 4, (8, 7)))
    await link.write(Write(7, Table.COIL, 1, (1,)))
    await link.write(Write(7, Table.COIL, 2, (0, 1)))
    assert await link.read(Request(7, Table.HOLDING, 2, 4)) == (102, 9, 8, 7)
    assert await link.read(Request(7, Table.COIL, 0, 4)) == (1, 1, 0, 1)
    assert await failure_of(link, Request(7, Table.HOLDING, 90, 5)) is Failure.REFUSED
    await link.close()
    await server.shutdown()  # type: ignore[no-untyped-call]
    pair.close()


@pytest.mark.timeout(3600)
async def test_no_fault_on_a_port_makes_another_value_pass() -> None:
    rascal = Rascal(0.3, TIMEOUT_S, seed=5)
    seen: Counter[str] = Counter()
    rng = random.Random(5)
    async with linked(rascal, TIMEOUT_S) as (_, link):
        while rascal.injected < WIRE_FAULTS:
            request = rng.choice(BLOCKS)
            try:
                words = await link.read(request)
            except LinkError as error:
                seen[error.failure] += 1
            else:
                seen[verdict(request, words, rascal.serial)] += 1
        stats = link.stats()
    assert seen["wrong"] == 0, (seen, rascal.kinds)
    assert seen["stale"] * 100 <= rascal.injected, seen
    assert seen["right"] > WIRE_FAULTS / 4
    assert stats.crc_errors
    assert stats.late_frames
    assert stats.junk_bytes
    assert stats.connects == 1


@pytest.mark.parametrize("fault", [Fault.OTHER_FUNCTION, Fault.SHORT, Fault.LONG, Fault.CHECKSUM])
async def test_a_foreign_reply_fails_the_read_at_once_and_not_at_its_deadline(fault: Fault) -> None:
    async with linked(Rascal(1, 1, faults=(fault,)), timeout_s=10, hold_s=0) as (_, link):
        assert await failure_of(link) is Failure.BAD_REPLY


async def test_a_held_unit_waits_and_its_neighbours_go_first() -> None:
    async with linked(Rascal(1, 1, faults=(Fault.SILENT,)), timeout_s=0.3, hold_s=1.5) as (units, link):
        assert await failure_of(link) is Failure.NO_REPLY
        units.rascal.chance = 0
        assert 0 < link.held_s(1) <= 1.5
        order: list[int] = []

        async def ask(unit: int) -> None:
            await link.read(Request(unit, Table.HOLDING, 0, 5))
            order.append(unit)

        await asyncio.gather(ask(1), ask(2), ask(3))
        assert order == [2, 3, 1]


async def test_a_unit_that_always_answers_late_is_told_as_out_of_turn_and_never_believed() -> None:
    rascal = Rascal(0, 1, think_s=0.06)
    async with linked(rascal, timeout_s=0.03, hold_s=0.04) as (_, link):
        for _ in range(6):
            assert await failure_of(link) in {Failure.NO_REPLY, Failure.BAD_REPLY}
        assert link.stats().late_frames


async def test_a_probe_has_its_own_shorter_timeout() -> None:
    async with linked(Rascal(1, 1, faults=(Fault.SILENT,)), timeout_s=10) as (_, link):
        async with asyncio.timeout(3):
            with pytest.raises(LinkError, match=r"0\.02 s"):
                await link.read(BLOCK, timeout_s=0.02)


async def test_a_cancelled_read_is_finished_on_the_line_and_never_answers_the_next() -> None:
    rascal = Rascal(0, 1, think_s=0.03)
    async with linked(rascal) as (_, link):
        for address in range(0, 100, 10):
            asked = rascal.serial
            cut = asyncio.create_task(link.read(Request(1, Table.HOLDING, address, 10)))
            while rascal.serial == asked:
                await asyncio.sleep(0.001)
            cut.cancel()
            await asyncio.wait([cut])
            other = Request(1, Table.HOLDING, address + 500, 10)
            assert verdict(other, await link.read(other), rascal.serial) == "right"
        assert not link.stats().failures
        assert not link.stats().late_frames


async def test_a_read_that_is_cancelled_before_its_turn_is_never_asked() -> None:
    rascal = Rascal(0, 1, think_s=0.05)
    async with linked(rascal) as (_, link):
        reads = [asyncio.create_task(link.read(Request(unit, Table.HOLDING, 0, 5))) for unit in (1, 2, 3)]
        await asyncio.sleep(0.01)
        reads[1].cancel()
        await asyncio.gather(reads[0], reads[2])
        assert rascal.serial == 2


async def test_a_pulled_adapter_is_not_connected_at_once_and_comes_back_by_its_path(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "drivers.links.presence")
    path = tmp_path / "by-id"
    first = PtyUnits(Rascal(0, 1))
    path.symlink_to(first.port)
    link = link_to(str(path))
    await link.read(BLOCK)
    first.unplug()
    path.unlink()
    for _ in range(10):
        assert await failure_of(link) is Failure.NOT_CONNECTED
    with PtyUnits(Rascal(0, 1)) as second:
        path.symlink_to(second.port)
        async with asyncio.timeout(10):
            while True:
                try:
                    words = await link.read(BLOCK)
                    break
                except LinkError as error:
                    assert error.failure is Failure.NOT_CONNECTED  # noqa: PT017 - until the backoff has passed
                    await asyncio.sleep(0.02)
        assert verdict(BLOCK, words, second.rascal.serial) == "right"
        await link.close()
    told = [record.message.split(":")[0].split(" after")[0] for record in caplog.records]
    assert told == ["link lost", "link back"]


async def test_an_adapter_pulled_in_the_middle_of_a_read_fails_it_at_once() -> None:
    units = PtyUnits(Rascal(1, 1, faults=(Fault.SILENT,)))
    link = link_to(units.port, timeout_s=10)
    reading = asyncio.create_task(failure_of(link))
    while not units.rascal.serial:
        await asyncio.sleep(0.001)
    units.unplug()
    assert await reading is Failure.NOT_CONNECTED
    await link.close()


async def test_one_line_has_one_talker() -> None:
    async with linked(Rascal(0, 1)) as (units, link):
        await link.read(BLOCK)
        second = link_to(units.port)
        assert await failure_of(second) is Failure.NOT_CONNECTED
        await second.close()


@pytest.mark.parametrize("port", ["/dev/null", "/nowhere/at/all"])
async def test_what_is_no_serial_port_is_a_link_that_is_not_connected(port: str) -> None:
    link = link_to(port)
    assert await failure_of(link) is Failure.NOT_CONNECTED
    assert await failure_of(link) is Failure.NOT_CONNECTED
    await link.close()


async def test_closing_finishes_the_exchange_fails_the_others_and_ends_the_thread() -> None:
    before = threading.active_count()
    with PtyUnits(Rascal(0, 1, think_s=0.05)) as units:
        link = link_to(units.port)
        reads = [asyncio.create_task(link.read(Request(unit, Table.HOLDING, 0, 5))) for unit in (1, 2, 3)]
        await asyncio.sleep(0.02)
        await link.close()
        first, *others = await asyncio.gather(*reads, return_exceptions=True)
        assert isinstance(first, tuple)
        assert all(isinstance(other, LinkError) and other.failure is Failure.NOT_CONNECTED for other in others)
        assert await failure_of(link) is Failure.NOT_CONNECTED
    await asyncio.get_running_loop().shutdown_default_executor()
    assert threading.active_count() == before


async def test_closing_a_link_that_was_never_used_does_nothing() -> None:
    await link_to("/nowhere").close()


async def test_a_question_too_many_is_the_loser_and_hears_so_at_once() -> None:
    async with linked(Rascal(0, 1, think_s=0.02)) as (_, link):
        reads = [asyncio.create_task(link.read(BLOCK)) for _ in range(MOST_WAITING)]
        await asyncio.sleep(0)
        assert await failure_of(link) is Failure.NO_REPLY
        for read in reads:
            read.cancel()
        await asyncio.gather(*reads, return_exceptions=True)


@pytest.mark.parametrize("unit", [0, 248, 255])
async def test_a_bus_has_units_1_to_247(unit: int) -> None:
    link = link_to("/nowhere")
    with pytest.raises(ValueError, match="unit"):
        await link.read(Request(unit, Table.HOLDING, 0, 1))
    await link.close()


async def test_a_second_master_that_never_stops_talking_is_a_bad_reply() -> None:
    with PtyUnits(Rascal(0, 1)) as units:
        link = link_to(units.port)
        await link.read(BLOCK)
        stop = threading.Event()

        def chatter() -> None:
            while not stop.is_set():
                os.write(units._master, b"\x55" * 8)
                stop.wait(0.0001)

        talker = threading.Thread(target=chatter)
        talker.start()
        try:
            assert await failure_of(link) is Failure.BAD_REPLY
        finally:
            stop.set()
            talker.join()
            await link.close()


async def test_the_silence_between_frames_is_never_broken() -> None:
    with PacedLine(19200, silent=frozenset({3})) as line:
        link = ModbusRtu(ModbusRtuOptions(port=line.port, baud=19200, timeout_s=2, hold_s=0.1))
        for unit in (1, 2, 3, 4) * 5:
            try:
                words = await link.read(Request(unit, Table.HOLDING, 0, 20), 0.05 if unit == 3 else None)
            except LinkError:
                assert unit == 3
            else:
                assert len(words) == 20
        await link.close()
        seen = line.report()
    assert seen.violations == 0
    assert seen.answers == 15
    assert 0 < seen.utilisation <= 1


@pytest.mark.parametrize(
    ("baud", "parity", "stop_bits", "fixed", "silence_ms"),
    [
        (9600, "N", 1, True, 3.5 * 10 / 9.6),
        (9600, "E", 1, True, 3.5 * 11 / 9.6),
        (19200, "N", 2, True, 3.5 * 11 / 19.2),
        (115200, "N", 1, True, 1.75),
        (115200, "N", 1, False, 3.5 * 10 / 115.2),
    ],
)
def test_a_character_has_its_start_parity_and_stop_bits(
    baud: int, parity: str, stop_bits: int, fixed: bool, silence_ms: float
) -> None:
    timing = Timing.of(baud, parity, stop_bits, fixed_silence=fixed)
    assert timing.silence_s - MARGIN_S == pytest.approx(silence_ms / 1000)
