"""The shipped service files, judged by systemd itself."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
UNIT = ROOT / "systemd" / "sentinel.service"
CREDENTIALS = ROOT / "systemd" / "sentinel.service.d" / "credentials.conf"


@pytest.mark.real
def test_systemd_knows_every_word_of_the_unit() -> None:
    said = subprocess.run(["systemd-analyze", "verify", UNIT], capture_output=True, text=True, check=False).stderr
    wrong = [line for line in said.splitlines() if "is not executable" not in line and line.strip()]
    assert not wrong, wrong  # the program itself is installed by the installer


@pytest.mark.real
def test_the_unit_gives_away_little() -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=30", str(UNIT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-400:]


def test_the_daemon_may_ask_whether_the_clock_is_synchronised() -> None:
    text = UNIT.read_text(encoding="utf-8")
    assert "\nProtectClock=yes" not in text
    assert "SystemCallFilter=adjtimex clock_adjtime" in text


def test_a_fault_that_a_restart_cannot_mend_never_stops_the_restarting() -> None:
    text = UNIT.read_text(encoding="utf-8")
    assert "StartLimitIntervalSec=0" in text
    assert "Restart=always" in text


def test_a_secret_that_a_branch_does_not_have_keeps_its_daemon_from_nothing() -> None:
    assert "\nLoadCredential=" not in UNIT.read_text(encoding="utf-8")
    named = set(
        re.findall(r"^[^#]*!credential ([\w-]+)", (ROOT / "config/branch.example.yaml").read_text(), re.MULTILINE)
    )
    assert set(re.findall(r"^LoadCredential=([\w-]+):", CREDENTIALS.read_text(), re.MULTILINE)) == named


def test_a_wrong_config_does_not_start_python_every_second() -> None:
    assert "\nRestartSec=5\n" in UNIT.read_text(encoding="utf-8")
