"""`sentinel probe` of panels and recorders, as an installer runs it: what is shown, and what is never shown or said."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

import pytest

from drivers.sim.alarmdecoder import SimulatedAlarmDecoder
from drivers.sim.dahua import SimDahua
from drivers.sim.dahua_recorder import Recorder as DahuaRecorder
from drivers.sim.dahua_recorder import SimCamera as DahuaCamera
from drivers.sim.hikvision import SimHikvision
from drivers.sim.hikvision_recorder import SimCamera, SimDisk, SimRecorder
from drivers.sim.it100 import SimulatedIt100
from drivers.sim.receiver import Receiver
from sentinel.commands import probe
from sentinel.commands.probe_recorder import shown
from tests.commands.far_ends import panel, recorder

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real


def probed(*words: str) -> int:
    parser = argparse.ArgumentParser()
    probe.add_arguments(parser)
    return probe.run(parser.parse_args(words))


# --- Panels -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pty", [False, True])
def test_a_receiver_is_heard_raw_and_decoded_and_never_acknowledged(
    pty: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver = Receiver(pace=0.1)
    receiver._beat_at = 1e12  # no heartbeat: it waits for the answer to that before it says what happened
    receiver.report(130, zone=5)
    with panel(receiver, pty=pty) as link:
        assert probed("--link", link, "--driver", "contact-id", "--option", "account=1234", "--seconds", "1.5") == 0
    said = capsys.readouterr().out
    assert r"heard   5011 181234E13001005\x14" in said
    assert re.search(r"means   .* = alarm 130/5", said)
    assert receiver.acknowledged == []
    assert receiver.refused == 0
    assert "said    " not in said


def test_a_hold_up_is_not_shown_to_whoever_stands_behind_the_installer(capsys: pytest.CaptureFixture[str]) -> None:
    receiver = Receiver(pace=0.01)
    receiver._beat_at = 1e12  # no heartbeat: the hold-up is the first thing it says
    receiver.report(122, zone=2)
    with panel(receiver) as link:
        probed("--link", link, "--driver", "contact-id", "--option", "account=1234", "--seconds", "1")
    said = capsys.readouterr().out
    assert "122" not in said
    assert "alarm" not in said
    assert re.search(r"means   other-hold-up = supervised", said)


def test_a_panel_that_can_be_asked_says_its_state(capsys: pytest.CaptureFixture[str]) -> None:
    with panel(SimulatedIt100()) as link:
        assert probed("--link", link, "--driver", "it100", "--seconds", "1.5") == 0
    assert "said    7 bytes" in capsys.readouterr().out
    with panel(SimulatedAlarmDecoder()) as link:
        assert probed("--link", link, "--driver", "alarmdecoder", "--seconds", "1.5") == 0


def test_a_module_with_a_password_is_signed_in_to(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVISALINK", "user")
    with panel(SimulatedIt100("tpi")) as link:
        asked = ("--option", "variant=tpi", "--password-env", "ENVISALINK", "--seconds", "1")
        assert probed("--link", link, "--driver", "it100", *asked) == 0
    assert "access = ok" in capsys.readouterr().out


def test_nothing_heard_says_what_to_look_at(capsys: pytest.CaptureFixture[str]) -> None:
    quiet = Receiver(pace=1e9)
    quiet._beat_at = 1e12
    with panel(quiet) as link:
        assert probed("--link", link, "--driver", "contact-id", "--option", "account=1", "--seconds", "0.2") == 1
    assert "nothing heard: check wiring" in capsys.readouterr().out
    assert probed("--link", "serial:/dev/none:9600:7E1", "--driver", "printer", "--option", "table=afp-2800") == 1
    assert "No such file" in capsys.readouterr().out


# --- Recorders --------------------------------------------------------------------------------------------------------


def hikvision(**more: object) -> SimHikvision:
    cameras = {n: SimCamera(f"Lobby {n}", kept_days=120) for n in (1, 2)}
    return SimHikvision(SimRecorder(cameras, {1: SimDisk()}, **more))  # type: ignore[arg-type]


def asked(port: int, tmp_path: Path, *more: str) -> int:
    (tmp_path / "state").mkdir(exist_ok=True)
    return probed(
        "--link", f"http://127.0.0.1:{port}", "--user", "sentinel", "--password-env", "DVR",
        "--state-dir", str(tmp_path / "state"), *more,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def _kolkata(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVR", "right")


def test_a_recorder_shows_who_it_is_and_the_auditors_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with recorder(hikvision) as port:
        code = asked(port, tmp_path, "--driver", "hikvision")
    said = capsys.readouterr().out
    assert code == 0, said
    assert said.startswith("Hikvision DS-7616NI-K2 serial DS-7616NI-K2")
    assert re.search(r"CAMERA +CHANNEL +PLACE +LIVE +RECORDING NOW +OLDEST +LONGEST GAP", said)
    assert re.search(r"Lobby 2 +2 +- +ok +proved +1\d\d(\.\d)? d +0 min", said)
    assert "all that it can be asked is well" in said


def test_a_recorder_that_keeps_too_little_is_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def short() -> SimHikvision:
        return SimHikvision(SimRecorder({1: SimCamera("Lobby", kept_days=11)}))

    with recorder(short) as port:
        assert asked(port, tmp_path, "--driver", "hikvision") == 1
    assert "look at footage: short 11/90" in capsys.readouterr().out


def test_a_dahua_recorder_answers_alike(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def dahua() -> SimDahua:
        return SimDahua(DahuaRecorder([DahuaCamera("Cash")], username="sentinel", password="right"))

    with recorder(dahua) as port:
        asked(port, tmp_path, "--driver", "dahua")
    assert re.search(r"Cash +1 +- +ok", capsys.readouterr().out)


def test_a_wrong_password_is_one_failed_login_however_often_and_whatever_is_probed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[SimHikvision] = []

    def kept() -> SimHikvision:
        made.append(hikvision())
        return made[0]

    monkeypatch.setenv("DVR", "wrong")
    with recorder(kept) as port:
        for driver in ("hikvision", "hikvision", "dahua"):
            assert asked(port, tmp_path, "--driver", driver) == 1
        assert "the password was refused; tried again at" in capsys.readouterr().out
        assert made[0].failed_logins == 1
        made[0].recorder.password = "wrong"  # the account is made as the config has it
        assert asked(port, tmp_path, "--driver", "hikvision") == 1
        assert asked(port, tmp_path, "--driver", "hikvision", "--again") == 0
        made[0].recorder.password = "right"
        monkeypatch.setenv("DVR", "right")
        assert asked(port, tmp_path, "--driver", "hikvision") == 0


def test_nobody_there_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with recorder(hikvision) as port:
        pass
    assert asked(port, tmp_path, "--driver", "hikvision") == 1
    assert "not-connected: " in capsys.readouterr().out


def test_what_a_stranger_calls_his_camera_moves_no_cursor() -> None:
    assert shown("a\x1b[2Jb\r\nc\u202e") == "a?[2Jb??c?"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say CONFIG DEVICE, or --link"),
        (("--link", "http://h", "--driver", "hikvison"), 'no driver "hikvison"'),
        (("--link", "http://h", "--driver", "it100"), "speaks bytes, --link http://h carries http"),
        (("--link", "h", "--driver", "dahua"), "write Modbus: tcp:HOST:PORT"),
        (("--link", "http://h", "--driver", "dahua", "--user", "x"), "go together"),
        (("--link", "tcp:h:1", "--driver", "contact-id"), "account: Field required"),
        (("--link", "tcp:h:1", "--driver", "contact-id", "--option", "account"), "write NAME=VALUE"),
        (("--link", "rtsp://h", "--driver", "rtsp"), "path: Field required"),
        (("--link", "rtsp://h", "--driver", "rtsp", "--option", "path=/x", "--channels", "many"), "many"),
        (("--link", "https://h", "--driver", "dahua", "--fingerprint", "12"), "64 hex digits"),
        (("none.yaml", "panel"), "is no good config"),
    ],
)
def test_a_wrong_question_is_answered_with_the_right_way_to_ask(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert probed(*words, "--state-dir", str(tmp_path)) == 2
    assert said in capsys.readouterr().err


def test_rtsp_without_anybody_there_is_a_table_of_reasons(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--link", "rtsp://127.0.0.1:1", "--driver", "rtsp", "--option", "path=/ch{channel}", "--channels", "2")
    assert probed(*words, "--state-dir", str(tmp_path)) == 1
    assert "not-connected" in capsys.readouterr().out
