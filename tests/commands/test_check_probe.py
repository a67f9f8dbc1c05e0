"""`sentinel check --probe` of a whole branch: what answers is compared with what is written."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import pytest

from drivers.sim.hikvision import SimHikvision
from drivers.sim.hikvision_recorder import SimCamera, SimDisk, SimRecorder
from drivers.sim.receiver import Receiver
from sentinel.commands import check, probe
from tests.commands.far_ends import panel, recorder
from tests.example import EXAMPLE

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real
CAMERAS = {1: "Gate", 2: "Counter", 3: "Vault", 4: "Yard"}


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.setenv("DVR", "right")


def checked(*words: str) -> int:
    parser = argparse.ArgumentParser()
    check.add_arguments(parser)
    return check.run(parser.parse_args(words))


def probed(*words: str) -> int:
    parser = argparse.ArgumentParser()
    probe.add_arguments(parser)
    return probe.run(parser.parse_args(words))


def simulator(cameras: dict[int, str] | None = None, **more: Any) -> SimHikvision:
    named = CAMERAS if cameras is None else cameras
    made = {n: SimCamera(name, mode="MOTION" if name == "Vault" else "CMR") for n, name in named.items()}
    return SimHikvision(SimRecorder(made, {1: SimDisk()}, **more))


def branch(tmp_path: Path, port: int, serial: str = "/dev/none", username: str = "sentinel", **options: str) -> str:
    """The shipped example with its recorder and its receiver on simulated lines; everything else is unplugged."""
    (tmp_path / "state").mkdir(exist_ok=True)
    text = EXAMPLE.read_text(encoding="utf-8")
    changes = {
        "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0": "/dev/unplugged",
        "/dev/serial/by-id/usb-Prolific_USB-Serial_Controller-if00-port0": serial,
        "host: 192.168.10.40": "host: 127.0.0.1\n    port: 1",
        "host: 192.168.10.64 ": f"host: 127.0.0.1\n    port: {port} ",
        "username: sentinel  ": f"username: {username}  ",
        "!credential cctv-password": "!env DVR",
        "state_dir: /var/lib/sentinel ": f"state_dir: {tmp_path / 'state'} ",
        "    footage: {days: 90}": "".join(f"    {k}: {v}\n" for k, v in options.items()) + "    footage: {days: 90}",
    }
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    (tmp_path / "branch.yaml").write_text(text, encoding="utf-8")
    return str(tmp_path / "branch.yaml")


def test_a_recorder_that_is_as_written_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with recorder(simulator) as port:
        checked(branch(tmp_path, port), "--probe")
    said = [line for line in capsys.readouterr().out.splitlines() if "devices.recorder" in line]
    assert all(": note: " in line for line in said), said
    assert any("devices.recorder: note: answers, " in line for line in said)


def test_what_a_restart_would_forget_is_asked_for_with_what_to_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with recorder(simulator) as port:
        checked(branch(tmp_path, port), "--probe")
        said = capsys.readouterr().out
        assert (
            "note: serial is not written: another recorder is not noticed after a restart; write serial: DS-76" in said
        )
        assert "note: disks is not written" in said
        checked(branch(tmp_path, port, disks="1"), "--probe")
        assert "disks is not written" not in capsys.readouterr().out


def test_a_recorder_that_is_not_as_written_is_told_thing_by_thing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def other() -> SimHikvision:
        made = simulator({1: "Gate", 2: "Counter", 3: "Vault", 7: "Lobby"})
        made.recorder.username = "admin"
        made.recorder.cameras[2].kept_days = 11
        made.recorder.cameras[1].online = False
        made.recorder.disks[1].status = "error"
        return made

    with recorder(other) as port:
        assert checked(branch(tmp_path, port, username="admin", serial="SN-1234567890"), "--probe") == 1
    said = capsys.readouterr().out
    for finding in (
        "links.cctv.username: finding: 'admin' is the maker's own or an administrator's account",
        "devices.recorder.cameras: finding: the recorder has channel 7 'Lobby', not written here",
        "devices.recorder.cameras.yard: finding: the recorder has no channel 4",
        "devices.recorder.cameras.gate: finding: gate.video: offline",
        "devices.recorder: finding: footage: short 11/90",
        "devices.recorder: finding: disks: failed",
    ):
        assert finding in said, said


def test_another_recorder_in_its_place_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = ""
    with recorder(simulator) as port:
        path = branch(tmp_path, port)
        text = (tmp_path / "branch.yaml").read_text(encoding="utf-8")
        (tmp_path / "branch.yaml").write_text(
            text.replace("    footage: {days: 90}", '    serial: "DS-OTHER-12345678"\n    footage: {days: 90}'),
            encoding="utf-8",
        )
        checked(path, "--probe")
    assert "devices.recorder: finding: identity: changed DS-7616NI-K2" in capsys.readouterr().out


def test_a_wrong_password_in_the_config_is_said_once_by_check_and_probe_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[SimHikvision] = []

    def kept() -> SimHikvision:
        made.append(simulator())
        return made[0]

    monkeypatch.setenv("DVR", "wrong")
    with recorder(kept) as port:
        path = branch(tmp_path, port)
        assert checked(path, "--probe") == 1
        assert "devices.recorder: finding: does not answer: sentinel@127.0.0.1: the password was refused" in (
            capsys.readouterr().out
        )
        assert probed(path, "recorder") == 1
        assert checked(path, "--probe") == 1
        assert made[0].failed_logins == 1


def test_a_receiver_that_says_nothing_may_and_one_that_is_gone_may_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sentinel.commands.check_probe.LISTEN_S", 0.3)
    quiet = Receiver(account="C601", pace=1e9)
    quiet._beat_at = 1e12
    with recorder(simulator) as port, panel(quiet, pty=True) as link:
        checked(branch(tmp_path, port, link.removeprefix("serial:")), "--probe")
        assert "devices.intruder-panel: note: the line opens; nothing said in 0.3 s" in capsys.readouterr().out
        talking = Receiver(account="C601", pace=0.01)
        with panel(talking, pty=True) as other:
            checked(branch(tmp_path, port, other.removeprefix("serial:")), "--probe")
        assert "devices.intruder-panel: note: answers, and is understood" in capsys.readouterr().out
        assert talking.acknowledged == []
        checked(branch(tmp_path, port, "/dev/none"), "--probe")
        assert "devices.intruder-panel: finding: does not answer: " in capsys.readouterr().out


def test_a_device_of_a_config_is_probed_by_its_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with recorder(simulator) as port, panel(Receiver(account="C601", pace=0.01), pty=True) as link:
        path = branch(tmp_path, port, link.removeprefix("serial:"))
        assert probed(path, "recorder") == 0, capsys.readouterr().out
        assert "entrance, front, road" in (said := capsys.readouterr().out)
        assert "Strong room camera" in said
        assert probed(path, "intruder-panel", "--seconds", "0.5") in {0, 1}
        assert "heard   1011" in capsys.readouterr().out
        assert probed(path, "panel") == 1
        assert "nothing answers" in capsys.readouterr().out
        assert probed(path, "recordr") == 2
        assert "did you mean 'recorder'" in capsys.readouterr().err
        assert probed(path) == 2
        assert "say which device; panel, climate" in capsys.readouterr().err
