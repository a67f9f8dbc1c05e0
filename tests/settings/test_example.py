"""The shipped example, with the real drivers and channels: an installer copies it, so it must be right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sentinel.commands.tables import real_tables
from sentinel.core.model import Role, Severity
from sentinel.settings.branch import Loaded, load
from sentinel.settings.fingerprint import fingerprint
from sentinel.settings.policy import policy
from sentinel.settings.problems import Level
from sentinel.settings.yaml import load_yaml
from tests.example import EXAMPLE


@pytest.fixture(autouse=True)
def _no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


def example() -> Loaded:
    return load(EXAMPLE, real_tables(EXAMPLE.parent))


def edited(tmp_path: Path, *edits: tuple[str, str]) -> list[str]:
    text = EXAMPLE.read_text(encoding="utf-8")
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / "branch.yaml"
    path.write_text(text, encoding="utf-8")
    return [str(p) for p in load(path, real_tables(tmp_path)).problems if p.level is not Level.NOTE]


def test_the_example_passes_on_a_machine_without_its_secrets() -> None:
    result = example()
    assert [str(p) for p in result.problems if p.level is not Level.NOTE] == []
    assert result.exit_code() == 0
    assert result.settings is not None


def test_its_absent_secrets_are_said_one_by_one() -> None:
    places = [p.path for p in example().absent_secrets(Level.NOTE)]
    assert places == [
        "links.cctv.password",
        "contacts.sho.addresses.mail",
        "channels.room.password",
        "channels.mail.password",
        "telemetry.influx.token",
    ]


def test_a_hold_up_button_on_the_board_s_own_relay_is_a_finding(tmp_path: Path) -> None:
    found = edited(tmp_path, ("point: panel.di1\n", "point: panel.relay1\n"))
    assert any("panel.relay1 is an output of the device (a coil): name the input" in line for line in found), found


def test_every_name_in_it_is_in_both_languages() -> None:
    def names(value: object) -> list[dict[str, str]]:
        if isinstance(value, dict):
            here = [value] if value.keys() == {"en", "hi"} else []
            return here + [n for inner in value.values() for n in names(inner)]
        return []

    found = names(load_yaml(EXAMPLE).data)
    assert len(found) > 20
    for name in found:
        assert re.search(r"[\u0900-\u097F]", name["hi"]), name
        assert name["en"].isascii(), name


def test_a_hold_up_in_it_reaches_the_station_at_once_and_nobody_in_the_branch() -> None:
    settings = example().settings
    assert settings is not None
    made = policy(settings)
    ladder = next(x for role, severity, x in made.ladders if (role, severity) == (Role.HOLD_UP, Severity.CRITICAL))
    assert [t.contact for t in ladder.steps[0].targets] == ["thana", "sho"]
    assert not any(t.on_site for step in ladder.steps for t in step.targets)


def test_its_recorder_and_panel_become_zones_by_themselves() -> None:
    settings = example().settings
    assert settings is not None
    assert settings.zones["recorder-gate-video"].name.hi == "गेट का कैमरा"
    assert settings.zones["intruder-panel-cash-room"].role is Role.INTRUSION
    assert {"recorder-footage", "recorder-yard-recording", "intruder-panel-other-hold-up"} <= settings.zones.keys()


def test_its_buttons_are_polled_within_the_time_of_a_press() -> None:
    settings = example().settings
    assert settings is not None
    assert settings.polled["panel.di1"] <= 0.2
    assert settings.urgent_points("panel") == {f"di{n}" for n in (1, 2, 3, 4, 5, 6)}


def test_its_fingerprint_names_nobody() -> None:
    settings = example().settings
    assert settings is not None
    text = str(fingerprint(settings))
    assert not any(private in text for private in ("Sahu", "Deshmukh", "manager.sector6", "2000 017"))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("    unit: 2", "    unit: 1", "devices.climate.unit: 1 is also the unit of devices.panel on bus: change one"),
        ("    unit: 1\n", "    unit: 300\n", "devices.panel.unit: 300 is above 255"),
        ("    single_path: accepted         #", "    #", "needs two paths, and has 1"),
        ("profile: xy-md02", "profile: xymd02", "'xymd02' is no good profile"),
        ("profile: xy-md02", "profile: ./mine.yaml", "there is no profile './mine.yaml': No such file"),
        ("alarm: 100ms", "alarm: 250ms", "zones.hold-up-counter.point: panel.di1 is asked every 250 ms"),
        ("alarm: 100ms", "alarms: 100ms", "devices.panel.poll.alarms: is not known here; did you mean 'alarm'?"),
        ("kind: modbus-tcp", "kind: modbus-udp", "there is no kind of link 'modbus-udp'; did you mean"),
        ("driver: modbus\n", "driver: modbos\n", 'devices.panel.driver: no driver "modbos"; there are: alarmdecoder'),
        ("kind: email", "kind: e-mail", 'channels.mail.kind: no channel "e-mail"; there are: email, mqtt'),
        (
            "password: !credential mqtt-password",
            "password: hunter2",
            "channels.room.password: a secret never stands here",
        ),
        ("counts: {zone: 4,", "counts: {zone: 4000,", "counts.zone: 4000 is not from 0 to 2000"),
        ("counts: {zone: 4,", "counts: {zones: 4,", "has no such list"),
        ("rooms: [durg]", "rooms: [drug]", "channels.room.rooms[0]: there is no room 'drug'; did you mean 'durg'?"),
        ("active: alarm", "activ: alarm", "fire-panel.zone1 never says 'activ'; did you mean 'active'?"),
        ("point: battery.voltage", "point: battery.volts", "battery has no point 'volts'; did you mean 'voltage'?"),
        ("    tls: {ca_file: /etc/sentinel/room-ca.pem}\n", "", "tls is missing"),
        ("accept: [cut-wire-reads-normal]", "# rewired", "zones.panic-gate.wiring: finding: a cut wire reads normal"),
    ],
)
def test_a_slip_in_the_example_is_named(old: str, new: str, reason: str, tmp_path: Path) -> None:
    found = edited(tmp_path, (old, new))
    assert any(reason in line for line in found), found
    assert "hunter2" not in "".join(found)


def test_a_profile_of_the_installer_lies_beside_the_config(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[2] / "drivers" / "profiles" / "xy-md02.yaml"
    (tmp_path / "mine.yaml").write_text(shipped.read_text(encoding="utf-8"), encoding="utf-8")
    assert edited(tmp_path, ("profile: xy-md02", "profile: mine.yaml")) == []


def test_a_broken_profile_of_the_installer_is_named_with_its_own_line(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("maker: x\nmaker: y\n", encoding="utf-8")
    found = edited(tmp_path, ("profile: xy-md02", "profile: mine.yaml"))
    assert any(
        "devices.climate.profile: 'mine.yaml' is no good profile: mine.yaml:2: duplicate key" in f for f in found
    )
