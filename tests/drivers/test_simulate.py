"""`sentinel simulate`: what is typed changes what is read; as a function, and as the program an installer starts."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from drivers.links import LINKS
from drivers.sim.device import Fault, SimulatedDevice
from sentinel.commands import simulate
from sentinel.commands.profiles import load_profile
from sentinel.ports import Request, Table

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.real

BOARD = "waveshare-relay-di8"


def boards(*units: int) -> list[SimulatedDevice]:
    return [SimulatedDevice(str(unit), load_profile(BOARD), unit) for unit in units]


def test_a_typed_line_sets_a_point_and_shows_it() -> None:
    devices = boards(1)
    assert simulate.obey(devices, "di1=1") == "di1 = True"
    assert simulate.obey(devices, " di1 = off ") == "di1 = False"
    assert simulate.obey(devices, "mode2=linkage") == "mode2 = linkage"
    assert simulate.obey(devices, "mode2") == "mode2 = linkage"


def test_with_several_units_the_line_says_which() -> None:
    one, two = boards(1, 2)
    assert simulate.obey([one, two], "2.di1=1") == "di1 = True"
    assert (one.get("di1"), two.get("di1")) == (False, True)
    assert simulate.obey([one, two], "3.di1=1") == "no unit 3; there are 1, 2"


def test_a_number_is_set_in_its_unit() -> None:
    sensor = [SimulatedDevice("1", load_profile("xy-md02"))]
    assert simulate.obey(sensor, "temperature=-12.5") == "temperature = -12.5"
    assert simulate.obey(sensor, "temperature=warm") == "temperature: warm is not a number"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("di9=1", "no point di9"),
        ("di1=maybe", "di1: maybe is not 1, true"),
        ("mode1=party", "mode1: party is none of normal, linkage, toggle, edge"),
        ("fault tired", "no fault tired; there are silent"),
    ],
)
def test_a_typing_error_is_answered_and_changes_nothing(line: str, said: str) -> None:
    devices = boards(1)
    before = simulate.obey(devices, "points")
    assert said in simulate.obey(devices, line)
    assert simulate.obey(devices, "points") == before


def test_a_fault_is_made_and_mended_by_name() -> None:
    (device,) = boards(1)
    assert simulate.obey([device], "fault silent") == "unit 1: fault silent"
    assert device.fault is Fault.SILENT
    simulate.obey([device], "fault none")
    assert device.fault is None


async def test_the_simulated_bus_lies_under_the_path_that_was_asked_for(tmp_path: Path) -> None:
    bus, said = tmp_path / "bus", asyncio.Queue[str]()

    async def lines() -> AsyncIterator[str]:
        yield "2.di4=1\n"
        link = LINKS["modbus-rtu"].make(
            LINKS["modbus-rtu"].options.model_validate({"port": str(bus)}), "test", tmp_path
        )
        assert await link.read(Request(2, Table.DISCRETE, 0, 8)) == (0, 0, 0, 1, 0, 0, 0, 0)
        await link.close()
        yield "\n"
        yield "quit\n"
        pytest.fail("went on after quit")

    assert await simulate.run_simulate(BOARD, bus, (1, 2), {}, lines=lines(), say=said.put_nowait) == 0
    assert said.get_nowait() == f"{BOARD} on {bus}, unit 1, 2"
    assert not bus.is_symlink()


async def test_it_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    program = (
        "import argparse, sys; from sentinel.commands import simulate; p = argparse.ArgumentParser(); "
        "simulate.add_arguments(p); sys.exit(simulate.run(p.parse_args()))"
    )
    bus = tmp_path / "bus"
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-u", "-c", program, "generic-zone-panel", "--pty", str(bus), "--count", "field=8",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    async with asyncio.timeout(30):
        assert b"generic-zone-panel on" in await child.stdout.readline()
        await child.stdout.readline()
        child.stdin.write(b"field3=alarm\n")
        assert await child.stdout.readline() == b"field3 = alarm\n"
        child.stdin.close()  # the end of the typing is not the end of the device
        link = LINKS["modbus-rtu"].make(
            LINKS["modbus-rtu"].options.model_validate({"port": str(bus)}), "test", tmp_path
        )
        assert await link.read(Request(1, Table.HOLDING, 0, 1)) == (0b01_00_00,)
        await link.close()
        os.kill(child.pid, signal.SIGTERM)
        assert await child.wait() == 0
        await child.stdout.read()  # to its end: a pipe that is not read out is left to the garbage collector
        child._transport.close()  # type: ignore[attr-defined]
    assert not bus.is_symlink()


def started(*words: str) -> int:
    parser = argparse.ArgumentParser()
    simulate.add_arguments(parser)
    return simulate.run(parser.parse_args(words))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("xy-md2",), "did you mean 'xy-md02'"),
        ((BOARD, "--tcp", "5020"), "is no HOST:PORT"),
        ((BOARD, "--count", "di=99"), "is not from 0 to 8"),
        ((BOARD, "--unit", "1", "--unit", "1"), "two devices have one unit"),
        ((BOARD, "--pty", "/"), "File exists"),
    ],
)
def test_what_cannot_be_started_is_refused_with_the_reason(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert started(*words) == 2
    assert said in capsys.readouterr().err


def test_a_port_that_is_taken_is_said_to_be(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert started(BOARD, "--tcp", f"127.0.0.1:{taken.getsockname()[1]}") == 2
    assert "Could not start listen" in capsys.readouterr().err
