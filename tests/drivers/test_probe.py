"""`sentinel probe` against simulated devices on real wires: what the installer reads, and the exit code."""

from __future__ import annotations

import argparse
import asyncio
import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from drivers.sim.device import Fault, SimulatedDevice
from drivers.sim.server import Simulator
from sentinel.commands import probe, probe_modbus
from sentinel.commands.profiles import load_profile
from sentinel.ports import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

BOARD = "waveshare-relay-di8"


@contextmanager
def wire(*devices: SimulatedDevice, pty: bool = False) -> Iterator[str]:
    """The devices on a wire of their own thread and loop, as another machine would be; gives the --link."""
    ready, stop, link = threading.Event(), asyncio.Event(), [""]
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        simulator = Simulator(*devices)
        link[0] = f"rtu:{await simulator.serve_pty()}" if pty else f"tcp:127.0.0.1:{await simulator.serve_tcp()}"
        ready.set()
        await stop.wait()
        await simulator.close()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(10)
        yield link[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def probed(*words: str) -> int:
    parser = argparse.ArgumentParser()
    probe.add_arguments(parser)
    return probe.run(parser.parse_args(words))


def board(unit: int = 1, **points: Any) -> SimulatedDevice:
    device = SimulatedDevice(f"board{unit}", load_profile(BOARD), unit)
    for point, value in points.items():
        device.set(point, value)
    return device


@pytest.mark.parametrize("pty", [False, True])
def test_a_healthy_board_is_shown_with_its_values_and_that_it_is_the_right_one(
    pty: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    with wire(board(di3=True), pty=pty) as link:
        assert probed("--link", link, "--profile", BOARD) == 0
    shown = capsys.readouterr().out
    assert re.search(r"di2 +False +high", shown)
    assert re.search(r"di3 +True +high", shown)
    assert re.search(r"mode1 +normal +medium", shown)
    assert "identity: right" in shown


def test_a_value_is_shown_with_its_unit(capsys: pytest.CaptureFixture[str]) -> None:
    sensor = SimulatedDevice("t", load_profile("xy-md02"), 4)
    sensor.set("temperature", -2.5)
    with wire(sensor) as link:
        assert probed("--link", link, "--profile", "xy-md02", "--unit", "4") == 0
    shown = capsys.readouterr().out
    assert re.search(r"temperature +-2\.5 +°C +high", shown)
    assert "no check; compare" in shown


def test_another_device_under_the_unit_is_called_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    device = board()
    device.fault = Fault.IMPOSTOR
    with wire(device) as link:
        assert probed("--link", link, "--profile", BOARD) == 1
    shown = capsys.readouterr().out
    assert "identity: WRONG, something answers but it is not" in shown
    assert re.search(r"di1 +failed: identity", shown)


def test_a_check_that_the_device_refuses_proves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with wire(SimulatedDevice("t", load_profile("xy-md02"))) as link:
        assert probed("--link", link, "--profile", "pzem-017") == 1
    shown = capsys.readouterr().out
    assert "identity: not proved" in shown
    assert "no such address" in shown


def test_a_single_bad_value_is_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    sensor = SimulatedDevice("t", load_profile("xy-md02"))
    sensor.poke(Table.INPUT, 1, 3050)
    with wire(sensor) as link:
        assert probed("--link", link, "--profile", "xy-md02") == 1
    assert re.search(r"temperature +failed: range", capsys.readouterr().out)


def test_nothing_at_the_other_end_says_what_to_look_at(capsys: pytest.CaptureFixture[str]) -> None:
    with wire(board()) as link:
        assert probed("--link", link, "--profile", BOARD, "--unit", "9", "--timeout", "0.2") == 1
    shown = capsys.readouterr().out
    assert "nothing answers: check wiring, unit, baud and parity" in shown
    assert "  known: 9600 8N1 unit 1\n" in shown
    assert "  known: 115200 8N1 unit 1 after holding register" in shown


def test_a_wire_that_is_not_there_is_no_crash(capsys: pytest.CaptureFixture[str]) -> None:
    assert probed("--link", "rtu:/dev/no-such-port", "--profile", BOARD, "--timeout", "0.2") == 1
    assert "failed: not-connected" in capsys.readouterr().out


def test_a_scan_finds_who_is_on_the_bus(capsys: pytest.CaptureFixture[str]) -> None:
    other = SimulatedDevice("t", load_profile("xy-md02"), 17)
    with wire(board(3), other) as link:
        assert probed("--link", link, "--profile", BOARD, "--scan") == 0
    assert capsys.readouterr().out.splitlines() == [
        "unit 3: answers",
        "unit 17: answers, but not this profile's question (unit 17 answers exception 2 (no such address))",
        "2 of 247 units answer",
    ]


def test_a_scan_of_an_empty_bus_is_a_finding(capsys: pytest.CaptureFixture[str]) -> None:
    with wire() as link:
        assert probed("--link", link, "--profile", BOARD, "--scan") == 1
    assert capsys.readouterr().out == "0 of 247 units answer\n"


def test_a_scan_stops_when_the_line_is_gone(capsys: pytest.CaptureFixture[str]) -> None:
    assert probed("--link", "rtu:/dev/no-such-port", "--profile", BOARD, "--scan") == 1
    assert "the line is gone" in capsys.readouterr().out


def test_a_device_that_answers_for_every_unit_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with wire(*(board(unit) for unit in probe_modbus.SCAN_UNITS)) as link:
        assert probed("--link", link, "--profile", BOARD, "--scan") == 0
    assert "this is one device that does not look at the unit" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--link", "tcp:1.2.3.4", "--profile", BOARD), "no HOST:PORT"),
        (("--link", "usb", "--profile", BOARD), "write tcp:HOST:PORT"),
        (("--link", "rtu:ttyUSB0", "--profile", BOARD), "write tcp:HOST:PORT"),
        (("--link", "tcp:h:99999", "--profile", BOARD), "no HOST:PORT"),
        (("--link", "tcp:h:502", "--profile", "xy-md2"), "did you mean 'xy-md02'"),
        (("--link", "tcp:h:502", "--profile", "/none.yaml"), "No such file"),
        (("--link", "tcp:h:502", "--profile", BOARD, "--unit", "300"), "unit: "),
        (("--link", "tcp:h:502", "--profile", BOARD, "--count", "di"), "write LIST=N"),
        (("--link", "tcp:h:502", "--profile", BOARD, "--count", "di=9"), "is not from 0 to 8"),
    ],
)
def test_a_wrong_question_is_answered_with_the_right_way_to_ask(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert probed(*words) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("link", "options"),
    [
        ("rtu:/dev/ttyUSB0", {"port": "/dev/ttyUSB0", "baud": 9600, "parity": "N", "stop_bits": 2}),
        ("rtu:/dev/ttyUSB0:19200", {"port": "/dev/ttyUSB0", "baud": 19200, "parity": "N", "stop_bits": 2}),
        ("rtu:/dev/ttyS1:4800:8E1", {"port": "/dev/ttyS1", "baud": 4800, "parity": "E", "stop_bits": 1}),
        (
            "rtu:/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0:9600:8N2",
            {
                "port": "/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0",
                "baud": 9600,
                "parity": "N",
                "stop_bits": 2,
            },
        ),
    ],
)
def test_a_serial_line_is_named_briefly_and_the_profile_knows_the_rest(link: str, options: dict[str, object]) -> None:
    assert probe_modbus.link_of(link, load_profile("pzem-017")) == ("modbus-rtu", options)


def test_a_converter_is_named_as_such() -> None:
    profile = load_profile("honeywell-cgw-mb")
    assert probe_modbus.link_of("rtu-tcp:h:4001", profile, 2.0) == (
        "modbus-rtu-tcp",
        {"host": "h", "port": 4001, "timeout_s": 2.0},
    )
    assert probe_modbus.link_of("rtu:/dev/ttyS0", profile) == ("modbus-rtu", {"port": "/dev/ttyS0"})
