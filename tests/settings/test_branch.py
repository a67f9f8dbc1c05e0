"""Loading a branch: everything that an installer can get wrong, said at once, with its line and a remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.model import Party
from sentinel.settings.branch import load
from sentinel.settings.hours import SiteKind
from sentinel.settings.problems import Level
from sentinel.settings.secrets import REMEDY
from tests.settings.town import GOOD, TABLES, changed, loaded, said

if TYPE_CHECKING:
    from pathlib import Path


def test_the_good_branch_is_good() -> None:
    result = loaded()
    assert result.settings is not None
    assert result.exit_code() == 0
    assert result.settings.branch.name.hi == "सेक्टर 6"
    assert result.settings.branch.kind is SiteKind.BRANCH
    assert result.settings.rooms["durg"].may_speak_for == (Party.POLICE,)
    assert list(result.settings.zones) == ["counter", "door", "hall", "battery"]


def test_errors_name_the_file_the_line_the_place_and_the_remedy() -> None:
    result = loaded(changed(("unit: 2", "unit: 300")))
    assert [str(p) for p in result.problems if p.level == "error"] == [
        "branch.yaml:22: devices.meter.unit: 300 is above 255"
    ]
    assert result.settings is None
    assert result.exit_code() == 2


def test_all_errors_come_at_once_in_the_order_of_the_file() -> None:
    result = loaded(
        changed(
            ("number: 17", "number: x"),
            ("bank: Bank of Bhilai", "bnk: 5"),
            ("{interface: wwan0}", "{modem: gsm}"),
            ("link: fire", "link: fier"),
            ("profile: meter", "profile: mter"),
            ("party: police", "partie: police"),
            ("after: 1m", "after: 1"),
            ("password: !credential mqtt", "password: hunter2"),
        )
    )
    assert [str(p) for p in result.problems] == [
        "branch.yaml:1: branch.bank: is required",
        "branch.yaml:3: branch.number: must be a whole number, without quotes",
        "branch.yaml:5: branch.bnk: is not known here; did you mean 'bank'?",
        "branch.yaml:21: devices.smoke.link: there is no link 'fier'; did you mean 'fire'?",
        "branch.yaml:22: devices.meter.profile: 'mter' is no good profile: mter",
        "branch.yaml:26: zones.hall.wiring: note: read as trouble, not alarm: fault",
        "branch.yaml:33: contacts.thana.partie: is not known here; did you mean 'party'?",
        "branch.yaml:33: contacts.thana.party: is required",
        "branch.yaml:49: ladders.hold-up.steps[1].after: is no duration: write 100ms, 5s, 3m or 1h",
        f"branch.yaml:61: channels.room.password: {REMEDY}",
    ]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("  number: 17", "  number: 0", "branch.number: 0 is below 1"),
        ("number: 17", "number: 12345", "branch.number: 12345 is above 9999"),
        ("id: sbi-1234", "id: SBI 1234", "branch.id: is no id: small letters"),
        ("id: sbi-1234", "id: rooms", "branch.id: 'rooms' is no branch id"),
        ("hi: सेक्टर 6", "hi: Sector 6", "branch.name.hi: has no Hindi letter"),
        ("hi: सेक्टर 6", 'hi: ""', "branch.name.hi: is empty: fill it in"),
        ("{en: Sector 6, hi: सेक्टर 6}", "{en: Sector 6}", "branch.name.hi: is required"),
        ("address: Sector 6, Bhilai", 'address: "a\\nb"', "branch.address: has a line end"),
        ("lat: 21.19", "lat: 91", "branch.location.lat: 91 is above 90"),
        ("lat: 21.19", "lat: north", "branch.location.lat: must be a"),
        ('account: "C601"', "account: 1234", "branch.account: must be text: put it in quotes"),
        ('account: "C601"', "account: C6X1", "branch.account: is no account: 3 to 16 digits"),
        ('account: "C601"', 'account: "c601"', "branch.account: is no account: 3 to 16 digits"),
        ("  bank:", "  time_zone: IST\n  bank:", "branch.time_zone: is no time zone: in India write Asia/Kolkata"),
        ("  bank:", "  time_zone: ../etc\n  bank:", "branch.time_zone: is no time zone"),
        ("  bank:", "  kind: kiosk\n  bank:", "branch.kind: must be branch or atm-lobby or currency-chest"),
        ("  bank:", "  kind: atm-lobby\n  bank:", "branch: hours: an atm-lobby never closes; leave them out"),
        ("  bank:", "  language: cg\n  bank:", "branch.language: must be hi or en"),
        ("  hours:", "  ours:", "branch.ours: is not known here; did you mean 'hours'?"),
        ("mon-fri: 10:00-17:00", "fri-mon: 10:00-17:00", "branch.hours.open: 'fri-mon' names no days"),
        ("sat: 10:00-14:00", "fri: 10:00-14:00", "branch.hours.open: fri is given twice"),
        ("sat: 10:00-14:00", "sat: 10:00-9:00", "branch.hours.open: '10:00-9:00' are no hours"),
        ("sat: 10:00-14:00", "sat: 14:00-10:00", "branch.hours.open: '14:00-10:00' does not run forward"),
        ("sat: 10:00-14:00", "sat: 10:00-24:30", "branch.hours.open: '10:00-24:30' are no hours"),
        ("[2, 4]", "[2, 6]", "branch.hours.closed_saturdays[1]: 6 is above 5"),
        ("2027-01-26", "26.1.2027", "branch.hours.holidays[0]: is no day: write 2027-01-26"),
        ("2027-01-26", "2027-02-30", "branch.hours.holidays[0]: "),
        ("{interface: eth0}", "{}", "paths.wan: is bound to either an interface (eth0) or a modem"),
        ("{interface: eth0}", "{interface: eth0, modem: /dev/ttyUSB1}", "paths.wan: is bound to either"),
        (
            "wan: {interface: eth0}",
            "dsl: {interface: eth0}",
            "paths.dsl: is no kind of path by its name: add kind: wan or lte or sim",
        ),
        ("kind: modbus-rtu", "kind: modbus-rtx", 'links.bus.kind: no kind "modbus-rtx"; there are: http, modbus-rtu'),
        ("{kind: modbus-rtu, port", "{port", "links.bus.kind: is required"),
        ("port: /dev/ttyUSB0", "baud: 9601, port: /dev/ttyUSB0", "links.bus.baud: must be 9600 or 19200"),
        ("bus: {kind: modbus-rtu, port: /dev/ttyUSB0}", "bus: serial", "links.bus: must be a list of `key: value`"),
        ("bus: {kind: modbus-rtu", "Bus: {kind: modbus-rtu", "links.Bus: is no id: small letters"),
        ("driver: modbus, profile: di8", "driver: modbuss, profile: di8", 'devices.panel.driver: no kind "modbuss"'),
        (
            "profile: di8",
            "profile: /no/such.yaml",
            "devices.panel.profile: there is no profile '/no/such.yaml': No such",
        ),
        (
            "profile: di8, unit: 1",
            "profile: di8, unit: 1, counts: {zone: 5}",
            "devices.panel: counts.zone: there is no",
        ),
        ("profile: di8, unit: 1", "profile: di8, unit: 1, alarm_s: -1", "devices.panel: panel: cannot be asked before"),
        ("role: hold-up", "role: holdup", "zones.counter.role: is not known; did you mean 'hold-up'?"),
        (
            "role: intrusion",
            "role: summary",
            "zones.door.role: a point taken off the hooter says that something sounds",
        ),
        ("role: intrusion", "role: measure", "zones.door.role: a measured value without limits is recorded anyway"),
        ("role: intrusion", "role: journal", "zones.door.role: 'journal' is the gateway's own"),
        ("point: panel.di1", "point: di1", "zones.counter.point: is no point: write DEVICE.POINT, as in panel.di1"),
        ("{contact: normally-open}", "{contact: open}", "zones.door.wiring.contact: must be normally-closed or"),
        ("{contact: normally-open}", "{}", "zones.door.wiring: says no way: write contact, bands"),
        ("{contact: normally-open}", "{contact: normally-open, active_low: yes}", "active_low: must be true or false"),
        ("{low: 11.5, hysteresis: 0.3}", "{hysteresis: 1}", "zones.battery.wiring: has neither low nor high"),
        ("{low: 11.5, hysteresis: 0.3}", "{low: 1, high: 2, hysteresis: 0.5}", "leave no normal between them"),
        ("{low: 11.5, hysteresis: 0.3}", "{low: 1}", "zones.battery.wiring.hysteresis: is required"),
        ("{quiet: normal, fire: alarm}", "{fire: alarm, fault: trouble}", "states: no word means normal"),
        ("{quiet: normal, fire: alarm}", "{quiet: normal, fault: trouble}", "states: no word means alarm"),
        (
            "{quiet: normal, fire: alarm}",
            "{quiet: normal, fire: unknown}",
            "wiring.states.fire: must be normal or alarm or trouble",
        ),
        ("from: 2026-01-01", "from: 2026-01-01, until: 2025-01-01", "contacts.sho.persons[0]: until is before from"),
        ("addresses: {room: durg}", "addresses: {}", "contacts.thana.addresses: needs at least 1"),
        (
            "{mail: m@bank.example}",
            "{mail: 5}",
            "contacts.manager.addresses.mail: must be text in quotes, or !credential",
        ),
        (
            "language: en, on_site: true",
            "language: en, on_site: yes",
            "contacts.manager.on_site: must be true or false",
        ),
        ("round: 5m", "round: 30s", "ladders.hold-up: round is over before the last step"),
        ("after: 1m", "after: 0s", "ladders.hold-up: steps[1].after is not later than the step before it"),
        ("after: 1m", "after: 1.5s", "ladders.hold-up: steps are timed in whole seconds"),
        ("roles: [hold-up, duress]", "roles: []", "ladders.hold-up.roles: needs at least 1"),
        ("round: 1h", "round: 1d", "ladders.rest.round: is no duration: write 100ms, 5s, 3m or 1h"),
        ("round: 1h", "round: 0s", "ladders.rest.round: it is not above 0"),
        ("round: 1h", "round: 1h\n    single_path: yes", "ladders.rest.single_path: must be accepted"),
        ("may_speak_for: [police]", "may_speak_for: [room]", "rooms.durg.may_speak_for[0]: must be"),
        ("state_dir: /tmp/sentinel", "state_dir: here", "gateway.state_dir: must be an absolute path"),
        ("gateway:", "gatway:", "gatway: is not known here; did you mean 'gateway'?"),
        ("kind: mqtt, path: wan", "kind: mqtt", "channels.room.path: is required"),
    ],
)
def test_one_slip_is_named_with_its_remedy(old: str, new: str, reason: str) -> None:
    lines = said((old, new))
    assert any(reason in line for line in lines), lines


@pytest.mark.parametrize("section", ["branch", "paths", "links", "devices", "zones", "contacts", "ladders", "channels"])
def test_a_section_that_is_left_out_is_asked_for(section: str) -> None:
    lines = said((f"{section}:\n", "gone:\n"))
    assert f"{section}: is required" in lines


def test_a_section_that_is_no_list_of_entries_is_refused() -> None:
    assert "gateway: must be a list of `key: value` lines" in said(("{state_dir: /tmp/sentinel}", "5"))
    assert any("rooms: must be a list" in line for line in said(("  durg: {may_speak_for: [police]}", "  - durg")))


def test_one_slip_is_not_told_as_ten() -> None:
    errors = [p for p in loaded(changed(("point: panel.di1", "point: panel.di9"))).problems if p.level == "error"]
    assert [str(p) for p in errors] == [
        "branch.yaml:24: zones.counter.point: panel has no point 'di9'; did you mean 'di8'?"
    ]


def test_a_broken_branch_section_hides_no_other_error() -> None:
    lines = said(("number: 17", "number: x"), ("unit: 2", "unit: 1"))
    assert any("branch.number" in line for line in lines)
    assert any("devices.meter.unit: 1 is also the unit of devices.panel" in line for line in lines)


def test_a_secret_in_the_file_is_refused_and_never_repeated() -> None:
    result = loaded(changed(("password: !credential mqtt", "password: hunter2")))
    assert result.exit_code() == 2
    assert "hunter2" not in "".join(str(p) for p in result.problems)


def test_a_file_that_is_not_there_is_an_error_and_no_crash(tmp_path: Path) -> None:
    result = load(tmp_path / "none.yaml", TABLES)
    assert [str(p) for p in result.problems] == ["none.yaml:1: cannot be read: No such file or directory"]
    assert load(tmp_path, TABLES).exit_code() == 2


def test_a_file_that_is_not_yaml_is_an_error_and_no_crash(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("a: [")
    assert load(tmp_path / "x.yaml", TABLES).exit_code() == 2


def test_a_driver_without_a_profile_is_taken_at_its_word() -> None:
    result = loaded(
        changed(
            ("  meter: {", "  log: {name: {en: Log, hi: लॉग}, link: fire, driver: stranger}\n  meter: {"),
            (
                "zones:\n",
                "zones:\n  line: {point: log.z1, role: vault, name: {en: V, hi: वॉल्ट}, wiring: {contact: normally-open}}\n",
            ),
        )
    )
    assert result.settings is not None, result.problems
    assert result.settings.devices["log"].points is None


def test_an_atm_lobby_has_no_hours() -> None:
    hours = next(line for line in GOOD.splitlines() if line.startswith("  hours:"))
    result = loaded(changed((hours, "  kind: atm-lobby")))
    assert result.settings is not None
    assert said((hours + "\n", ""))[0] == "branch: hours is required: only an atm-lobby never closes"


def test_an_address_is_looked_up_when_it_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = loaded().settings
    assert settings is not None
    assert settings.address("thana", "room") == "durg"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(LookupError, match="sho-mail"):
        settings.address("sho", "mail")
    (tmp_path / "sho-mail").write_text("sho@police.example\n")
    assert settings.address("sho", "mail") == "sho@police.example"


def test_every_absent_secret_is_named_where_it_is_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "mqtt").write_text("word")
    (line,) = loaded().absent_secrets(Level.NOTE)
    assert str(line).startswith("branch.yaml:39: contacts.sho.addresses.mail: note: !credential sho-mail is absent")
    (tmp_path / "sho-mail").write_text("sho@police.example")
    assert loaded().absent_secrets(Level.ERROR) == ()


LINES = GOOD.splitlines()


@given(st.data())
def test_no_torn_config_breaks_the_loader(data: st.DataObject) -> None:
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.sampled_from(["drop", "cut", "indent", "value"])):
            case "drop":
                del lines[at]
            case "cut":
                lines[at] = lines[at][: data.draw(st.integers(0, len(lines[at])))]
            case "indent":
                lines[at] = "  " + lines[at]
            case "value":
                key = lines[at].partition(":")[0]
                lines[at] = (
                    key + ": " + data.draw(st.sampled_from(["5", "[]", "{}", "null", "true", "!env X", "x", "1.5"]))
                )
    result = loaded("\n".join(lines))
    assert (result.settings is None) == (result.exit_code() == 2)
