"""What the telemetry section takes, and how each slip in it is named with its place and its remedy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.settings.fingerprint import fingerprint
from sentinel.settings.problems import Level
from sentinel.settings.recording import InfluxV1, InfluxV2, Telemetry
from tests.settings.town import GOOD, loaded

V2 = "influx: {api: v2, url: https://db.example, org: durg, bucket: branches, token: !credential influx}"
V1 = "influx: {api: v1, url: http://127.0.0.1:8086/, database: branches}"


def telemetry(section: str) -> Telemetry:
    result = loaded(f"{GOOD}telemetry: {{{section}}}\n")
    assert result.settings is not None, [str(problem) for problem in result.problems]
    return result.settings.telemetry


def said(section: str) -> list[str]:
    """What is said of the good branch with this section, without file, line and notes."""
    problems = loaded(f"{GOOD}telemetry: {section}\n").problems
    return [str(one).split(": ", 1)[1] for one in problems if one.level is not Level.NOTE]


def test_a_branch_that_says_nothing_keeps_thirty_days_in_half_a_gibibyte_and_sends_them_nowhere() -> None:
    settings = loaded().settings
    assert settings is not None
    assert settings.telemetry == Telemetry()
    assert (settings.telemetry.spool.days, settings.telemetry.spool.max_mib) == (30, 512)
    assert settings.telemetry.influx is None
    assert settings.telemetry.deadband == {}


def test_a_new_database_is_named_by_its_bucket() -> None:
    influx = telemetry(V2).influx
    assert isinstance(influx, InfluxV2)
    assert (influx.url, influx.org, influx.bucket, str(influx.token)) == (
        "https://db.example",
        "durg",
        "branches",
        "!credential influx",
    )


def test_victoriametrics_on_this_machine_needs_no_org_and_no_token() -> None:
    influx = telemetry("influx: {api: v2, url: http://localhost:8428, bucket: branches}").influx
    assert isinstance(influx, InfluxV2)
    assert (influx.org, influx.token, influx.ca_file) == (None, None, None)


def test_the_old_database_of_a_pi_is_named_by_its_database() -> None:
    influx = telemetry(V1).influx
    assert isinstance(influx, InfluxV1)
    assert influx.url == "http://127.0.0.1:8086"  # what is added to it begins with a slash
    assert influx.database == "branches"
    assert influx.retention_policy is influx.username is None


def test_how_much_is_kept_and_what_is_too_small_to_tell_can_be_chosen() -> None:
    chosen = telemetry("spool: {days: 7, max_mib: 64}, deadband: {meter.volts: 0.1}")
    assert (chosen.spool.days, chosen.spool.max_mib) == (7, 64)
    assert chosen.deadband == {"meter.volts": 0.1}


@pytest.mark.parametrize(
    ("section", "reason"),
    [
        ("{influxx: 1}", "telemetry.influxx: is not known here; did you mean 'influx'?"),
        ("{spool: {days: 0}}", "telemetry.spool.days: 0 is below 1"),
        ("{spool: {days: 3650}}", "telemetry.spool.days: 3650 is above 366"),
        ("{spool: {max_mib: 0}}", "telemetry.spool.max_mib: 0 is below 1"),
        ("{spool: {max_mib: 1000000}}", "telemetry.spool.max_mib: 1000000 is above 65536"),
        ("{spool: {max_mb: 5}}", "telemetry.spool.max_mb: is not known here; did you mean 'max_mib'?"),
        ("{deadband: {meter.volts: -1}}", "telemetry.deadband.meter.volts: -1 is below 0"),
        (
            "{deadband: {meter.volt: 1}}",
            "telemetry.deadband.meter.volt: meter has no point 'volt'; did you mean 'volts'?",
        ),
        (
            "{deadband: {metre.volts: 1}}",
            "telemetry.deadband.metre.volts: there is no device 'metre'; did you mean 'meter'?",
        ),
        (
            "{deadband: {panel.di1: 1}}",
            "telemetry.deadband.panel.di1: panel.di1 gives a bool: only a number has a deadband",
        ),
        ("{deadband: {volts: 1}}", "telemetry.deadband.volts: is no point: write DEVICE.POINT, as in panel.di1"),
        ("{influx: {url: https://db.example}}", "telemetry.influx: says no way to write: add api: v2"),
        ("{influx: {api: v3, url: https://db.example}}", "telemetry.influx: says no way to write: add api: v2"),
        ("{influx: {api: v2, bucket: b}}", "telemetry.influx.url: is required"),
        ("{influx: {api: v2, url: https://db.example}}", "telemetry.influx.bucket: is required"),
        ("{influx: {api: v1, url: https://db.example}}", "telemetry.influx.database: is required"),
        (
            "{influx: {api: v1, url: https://db.example, database: b, bukket: c}}",
            "telemetry.influx.bukket: is not known",
        ),
        ("{influx: {api: v2, url: db.example, bucket: b}}", "telemetry.influx.url: must begin with https://"),
        ("{influx: {api: v2, url: ftp://db.example, bucket: b}}", "telemetry.influx.url: must begin with https://"),
        ("{influx: {api: v2, url: 'https://', bucket: b}}", "telemetry.influx.url: is no address of a server"),
        ("{influx: {api: v2, url: 'https://db.example:port', bucket: b}}", "telemetry.influx.url: is no address of a"),
        ("{influx: {api: v2, url: 'https://[db', bucket: b}}", "telemetry.influx.url: is no address of a server"),
        ("{influx: {api: v2, url: 'https://d b', bucket: b}}", "telemetry.influx.url: is no address of a server"),
        ("{influx: {api: v2, url: 'https://db.example?db=x', bucket: b}}", "telemetry.influx.url: has a ? or # in it"),
        ("{influx: {api: v2, url: 'https://db.example/#x', bucket: b}}", "telemetry.influx.url: has a ? or # in it"),
        (
            "{influx: {api: v2, url: 'https://me:hunter2@db', bucket: b}}",
            "telemetry.influx.url: has a user or a password",
        ),
        (
            "{influx: {api: v2, url: 'https://db', bucket: b, token: hunter2}}",
            "telemetry.influx.token: write !credential",
        ),
        (
            "{influx: {api: v2, url: 'https://db', bucket: b, ca_file: ca.pem}}",
            "influx.ca_file: must be an absolute path",
        ),
        (
            "{influx: {api: v1, url: 'https://db', database: b, username: me}}",
            "telemetry.influx: username and password go together: one is missing",
        ),
        ("{influx: {api: v2, url: 'https://db..example', bucket: b}}", "telemetry.influx.url: names a host that no"),
        (
            f"{{influx: {{api: v2, url: 'https://{'d' * 64}.in', bucket: b}}}}",
            "telemetry.influx.url: names a host that",
        ),
        ("{influx: {api: v2, url: 'https://d|b', bucket: b}}", "telemetry.influx.url: names a host that no network"),
        ("{influx: {api: v2, url: 'https://db:0', bucket: b}}", "telemetry.influx.url: is no address of a server"),
        (
            "{influx: {api: v1, url: 'https://db', database: b, username: 'a:b', password: !credential p}}",
            "telemetry.influx: username holds a colon",
        ),
        (
            "{influx: {api: v2, url: 'http://db.example', bucket: b, token: !credential t}}",
            "telemetry.influx.url: finding: the secret goes over the network in clear: write https://",
        ),
        (
            "{influx: {api: v1, url: 'http://10.0.0.7', database: b, username: u, password: !credential t}}",
            "telemetry.influx.url: finding: the secret goes over the network in clear: write https://",
        ),
        (
            "{influx: {api: v1, url: 'http://127.0.0.1', database: b, ca_file: /etc/ca.pem}}",
            "telemetry.influx.ca_file: finding: is of no use with http://",
        ),
    ],
)
def test_a_slip_is_named_with_its_place_and_its_remedy(section: str, reason: str) -> None:
    found = said(section)
    assert len(found) == 1, found
    assert reason in found[0]
    assert "hunter2" not in found[0]


@pytest.mark.parametrize("host", ["127.0.0.1:8086", "localhost:8086", "[::1]:8086"])
def test_a_secret_that_stays_on_this_machine_may_go_in_clear(host: str) -> None:
    assert said(f"{{influx: {{api: v2, url: 'http://{host}', bucket: b, token: !credential t}}}}") == []


def test_a_database_without_a_secret_on_the_branchs_network_is_good() -> None:
    assert said("{influx: {api: v2, url: 'http://10.0.0.7:8428', bucket: b}}") == []


def test_a_wrong_telemetry_section_hides_no_other_fault() -> None:
    text = GOOD.replace("role: intrusion", "role: intrusoin") + "telemetry: {spool: {days: 0}}\n"
    found = [str(problem) for problem in loaded(text).problems]
    assert any("telemetry.spool.days" in line for line in found)
    assert any("zones.door.role" in line for line in found)


def test_the_absent_token_is_a_note_for_check_and_an_error_for_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    result = loaded(f"{GOOD}telemetry: {{{V2}}}\n")
    places = [problem.path for problem in result.absent_secrets(Level.ERROR)]
    assert "telemetry.influx.token" in places


def test_the_program_that_is_remembered_names_the_database_and_no_secret() -> None:
    settings = loaded(f"{GOOD}telemetry: {{{V2}}}\n").settings
    assert settings is not None
    first, plain = fingerprint(settings)
    assert plain["telemetry"]["influx"]["url"] == "https://db.example"
    assert plain["telemetry"]["influx"]["token"] == "!credential influx"
    other = loaded(f"{GOOD}telemetry: {{{V2.replace('branches', 'others')}}}\n").settings
    assert other is not None
    assert fingerprint(other)[0] != first


@given(st.text(max_size=30), st.sampled_from(["", "http://", "https://", "https://db.example/", "https://a:b@"]))
def test_whatever_stands_for_an_address_it_is_taken_or_refused_and_never_quoted_back(text: str, before: str) -> None:
    try:
        taken = InfluxV2(api="v2", url=f"{before}{text}", bucket="b")
    except ValueError as error:
        reasons = [detail["msg"] for detail in error.errors()]  # type: ignore[attr-defined]
        assert not text.strip() or len(text) < 4 or not any(text in reason for reason in reasons)
    else:
        assert "@" not in taken.url.split("/")[2]
        assert not set(taken.url) & set("?# \t\n")
