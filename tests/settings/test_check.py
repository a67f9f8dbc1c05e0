"""`sentinel check`, as an operator runs it: exit codes, sentences, and --probe against simulated devices on a socket."""

from __future__ import annotations

import argparse
import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from drivers.sim.device import Fault, SimulatedDevice
from drivers.sim.server import Simulator
from sentinel.commands import check
from sentinel.commands.profiles import load_profile
from tests.example import EXAMPLE, wired

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUS = """\
    kind: modbus-rtu
    port: /dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0   # not /dev/ttyUSB0, which moves
    baud: 9600
    stop_bits: 2                  # the battery monitor wants 8N2; the others take it
"""
COUNTS = {"zone": 4, "l1d": 0, "l1m": 0, "l2d": 0, "l2m": 0, "bell": 0}


@pytest.fixture(autouse=True)
def _no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


def sentinel_check(*words: str) -> int:
    parser = argparse.ArgumentParser()
    check.add_arguments(parser)
    return check.run(parser.parse_args(words))


def test_the_example_is_good_and_says_which_secrets_are_absent(capsys: pytest.CaptureFixture[str]) -> None:
    assert sentinel_check(str(EXAMPLE)) == 0
    said = capsys.readouterr()
    assert "channels.mail.password: note: !credential mail-password is absent" in said.out
    assert said.err == "branch.example.yaml: 14 notes; good\n"


def test_a_finding_exits_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "branch.yaml"
    path.write_text(EXAMPLE.read_text(encoding="utf-8").replace("accept: [cut", "# [cut"), encoding="utf-8")
    assert sentinel_check(str(path)) == 1
    assert capsys.readouterr().err.endswith("1 finding, 13 notes; look at the findings\n")


def test_an_error_exits_2_and_nothing_is_probed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "branch.yaml"
    path.write_text(EXAMPLE.read_text(encoding="utf-8").replace("role: vault", "role: volt"), encoding="utf-8")
    assert sentinel_check(str(path), "--probe") == 2
    said = capsys.readouterr()
    assert "branch.yaml:141: zones.strong-room.role: is not known; did you mean" in said.out
    assert said.err.startswith("branch.yaml: 1 error")


@pytest.mark.parametrize("text", ["", "a: [", "a: 1\na: 2\n"])
def test_what_is_no_config_exits_2(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text(text)
    assert sentinel_check(str(tmp_path / "x.yaml")) == 2


def test_a_file_that_is_not_there_exits_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sentinel_check(str(tmp_path / "none.yaml"), "--probe") == 2
    assert "none.yaml:1: cannot be read: No such file or directory" in capsys.readouterr().out


def test_a_secret_address_that_is_there_is_compared_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "sho-mail").write_text("sector6@shivnath-bank.example\n")
    assert sentinel_check(str(EXAMPLE)) == 2
    said = capsys.readouterr()
    assert "ladders.hold-up.steps[0].tell[1]: sho by mail is the address of the branch (own_addresses)" in said.out
    assert "sector6@shivnath-bank.example" not in said.out + said.err


@contextmanager
def served(*devices: SimulatedDevice) -> Iterator[int]:
    """The port of a simulator that runs in its own thread, as real devices do."""
    started, port = threading.Event(), 0
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        nonlocal port
        simulator = Simulator(*devices)
        port = await simulator.serve_tcp()
        started.set()
        await stop.wait()
        await simulator.close()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert started.wait(10)
    try:
        yield port
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


def on_sockets(tmp_path: Path, bus: int, fire: int) -> str:
    text = wired()
    assert BUS in text
    text = text.replace(BUS, f"    kind: modbus-tcp\n    host: 127.0.0.1\n    port: {bus}\n    timeout_s: 0.3\n")
    text = text.replace("host: 192.168.10.40", f"host: 127.0.0.1\n    port: {fire}\n    timeout_s: 0.3")
    (tmp_path / "branch.yaml").write_text(text, encoding="utf-8")
    return str(tmp_path / "branch.yaml")


def board() -> SimulatedDevice:
    return SimulatedDevice("panel", load_profile("waveshare-relay-di8"), 1)


def climate() -> SimulatedDevice:
    return SimulatedDevice("climate", load_profile("xy-md02"), 2)


def battery() -> SimulatedDevice:
    return SimulatedDevice("battery", load_profile("pzem-017"), 3)


def fire_panel() -> SimulatedDevice:
    device = SimulatedDevice("fire-panel", load_profile("honeywell-cgw-mb"), 1, COUNTS)
    for n in range(1, 5):
        device.set(f"zone{n}", "normal")
    return device


@pytest.mark.real
def test_probing_reads_every_device_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with served(board(), climate(), battery()) as bus, served(fire_panel()) as fire:
        code = sentinel_check(on_sockets(tmp_path, bus, fire), "--probe")
    said = capsys.readouterr().out
    assert code == 0, said
    for device in ("panel", "climate", "battery", "fire-panel"):
        assert f"devices.{device}: note: answers, " in said


@pytest.mark.real
def test_a_device_that_does_not_answer_is_a_finding_and_its_neighbours_are_still_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    silent = climate()
    silent.fault = Fault.SILENT
    with served(board(), silent, battery()) as bus, served(fire_panel()) as fire:
        code = sentinel_check(on_sockets(tmp_path, bus, fire), "--probe")
    said = capsys.readouterr().out
    assert code == 1
    assert "devices.climate: finding: 0 of 2 points good: " in said
    assert "devices.battery: note: answers" in said


@pytest.mark.real
def test_another_kind_of_device_under_the_number_is_a_finding(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = board()
    wrong.fault = Fault.IMPOSTOR
    with served(wrong, climate(), battery()) as bus, served(fire_panel()) as fire:
        code = sentinel_check(on_sockets(tmp_path, bus, fire), "--probe")
    assert code == 1
    assert "devices.panel: finding: 0 of " in (said := capsys.readouterr().out)
    assert "identity" in said


@pytest.mark.real
def test_probing_never_shows_a_value(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A pressed hold-up button shows nowhere in the branch, in no command's output either."""
    texts = []
    for pressed in (False, True):
        panel = board()
        panel.set("di1", not pressed)
        with served(panel, climate(), battery()) as bus, served(fire_panel()) as fire:
            sentinel_check(on_sockets(tmp_path, bus, fire), "--probe")
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]
