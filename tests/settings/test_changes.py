"""The fingerprint that is kept for life, and what between two of them weakens the branch."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from sentinel.core.facts import Change
from sentinel.settings.changes import difference
from sentinel.settings.fingerprint import _plain, fingerprint, masked
from tests.settings.town import changed, loaded


def plain(*edits: tuple[str, str]) -> dict[str, Any]:
    result = loaded(changed(*edits))
    assert result.settings is not None, result.problems
    return fingerprint(result.settings)[1]


def hash_of(*edits: tuple[str, str]) -> str:
    result = loaded(changed(*edits))
    assert result.settings is not None, result.problems
    return fingerprint(result.settings)[0]


def changes(*edits: tuple[str, str]) -> tuple[Change, ...]:
    return difference(plain(), plain(*edits))


def weakened(*edits: tuple[str, str]) -> set[str]:
    return {change.path for change in changes(*edits) if change.weakens}


GOOD = plain()


# --- what may be kept for life ---------------------------------------------------------------------------------------


def test_the_same_program_has_the_same_hash() -> None:
    assert hash_of() == hash_of()
    assert len(hash_of()) == 64


def test_a_comment_or_an_empty_line_is_no_other_program() -> None:
    assert hash_of(("paths:\n", "# ways out\n\npaths:\n")) == hash_of()


def test_a_ladder_moved_up_is_another_program() -> None:
    head, _, rest = changed().partition("  fire:\n    roles")
    ladder, rest_name, tail = rest.partition("  rest:\n")
    moved = loaded(head.replace("ladders:\n", f"ladders:\n  fire:\n    roles{ladder}") + rest_name + tail)
    assert moved.settings is not None, moved.problems
    assert fingerprint(moved.settings)[1]["ladders"] == GOOD["ladders"]
    wider = ("roles: [fire, smoke]", "roles: [fire, smoke, duress]")
    assert weakened(wider) == set()  # duress is taken by the ladder above it


def test_no_person_number_or_mailbox_is_kept() -> None:
    text = json.dumps(GOOD, ensure_ascii=False)
    for private in ("R. Verma", "Verma", "m@bank.example", "s@bank.example", "branch@bank", "2220000", "222 0000"):
        assert private not in text
    assert "!credential sho-mail" in text
    assert "!credential mqtt" in text


def test_a_room_id_is_no_secret() -> None:
    assert GOOD["contacts"]["thana"]["addresses"] == {"room": "durg"}


def test_a_password_that_a_stranger_driver_takes_in_clear_is_not_kept() -> None:
    class Careless(BaseModel):
        user: str = "admin"
        password: str = "hunter2"
        api_token: str = "hunter3"

    assert _plain(Careless()) == {"user": "admin", "password": "***", "api_token": "***"}


def test_what_is_kept_is_json() -> None:
    assert json.loads(json.dumps(GOOD)) == GOOD


@given(st.from_regex(r"\+91 ?[6-9][0-9]{4} ?[0-9]{5}", fullmatch=True))
def test_a_masked_number_shows_two_digits_at_most(number: str) -> None:
    shown = masked(number).partition("~")[0]
    assert sum(c.isdigit() for c in shown) == 2


def test_a_changed_number_shows_as_changed() -> None:
    assert masked("+91 98260 11110") != masked("+91 98261 11110")
    assert masked("Sho@police.example") == masked("sho@police.example ")


# --- what changed ----------------------------------------------------------------------------------------------------


def test_nothing_changed_is_no_change() -> None:
    assert changes() == ()


def test_a_change_says_what_was_and_what_is() -> None:
    assert changes(("hysteresis: 0.3", "hysteresis: 0.5")) == (
        Change("zones.battery.wiring.hysteresis", "0.3 -> 0.5", weakens=False),
    )


def test_an_entry_that_came_or_went_is_one_change() -> None:
    battery = "  battery: {point: meter.volts, role: battery, name: {en: Battery, hi: बैटरी}, wiring: {low: 11.5, hysteresis: 0.3}}\n"
    assert changes((battery, "")) == (Change("zones.battery", "removed", weakens=False),)
    assert difference(plain((battery, "")), GOOD) == (Change("zones.battery", "added", weakens=False),)


def test_a_long_change_is_cut() -> None:
    (change,) = changes(("address: Sector 6, Bhilai", f"address: {'x' * 200}"))
    assert len(change.what) < 260


UNIT = ("profile: fire-panel, unit: 1", "profile: fire-panel, unit: 5")
HOOTER = (
    "summaries:\n  hooter: {point: panel.di8, name: {en: Hooter, hi: हूटर}, wiring: {contact: normally-open}}\n",
    "",
)
COUNTER = (
    "  counter: {point: panel.di1, role: hold-up, name: {en: Counter, hi: काउंटर}, wiring: {contact: normally-closed}}\n"
)
DOOR = "  door: {point: panel.di2, role: intrusion, name: {en: Door, hi: दरवाज़ा}, wiring: {contact: normally-open}}\n"
SECURITY = "      - {after: 1m, tell: [{contact: security, by: mail}]}\n"


@pytest.mark.parametrize(
    ("edits", "path"),
    [
        ([(COUNTER, "")], "zones.counter"),
        ([(DOOR, "")], "zones.door"),
        ([("point: panel.di1", "point: panel.di3")], "zones.counter.point"),
        ([("role: intrusion", "role: shutter")], "zones.door.role"),
        ([("role: intrusion", "role: siren")], "zones.door.role"),
        ([("{contact: normally-open}}\n  hall", "{contact: normally-closed}}\n  hall")], "zones.door.wiring.contact"),
        ([("fire: alarm}", "fire: alarm, fault: normal}")], "zones.hall.wiring.states.fault"),
        ([("role: intrusion", "on_delay: 5s, role: intrusion")], "zones.door.on_delay"),
        ([("role: battery", "on_delay: 1m, role: battery")], "zones.battery.on_delay"),
        ([("role: intrusion", "stale_after: 1m, role: intrusion")], "zones.door.stale_after"),
        ([("profile: di8, unit: 1", "profile: di8, unit: 1, alarm_s: 0.2")], "zones.counter.polled"),
        ([("profile: di8, unit: 1", "profile: di8, unit: 9")], "devices.panel.options.unit"),
        (
            [
                ("link: bus, driver: modbus, profile: di8", "link: fire, driver: modbus, profile: di8, alarm_s: 0.11"),
                UNIT,
            ],
            "devices.panel.link",
        ),
        ([("driver: modbus, profile: di8, unit: 1", "driver: stranger"), HOOTER], "devices.panel.driver"),
        ([("profile: di8", "profile: di8-old"), UNIT], "devices.panel.options.profile"),
        ([("host: 192.0.2.10", "host: 192.0.2.10, port: 503")], "links.fire.options.port"),
        ([("host: 192.0.2.10", "host: 192.0.2.11")], "links.fire.options.host"),
        ([(SECURITY, "")], "ladders.hold-up.steps.2"),
        ([("after: 1m", "after: 2m")], "ladders.hold-up.steps.2.after"),
        ([("round: 5m", "round: 10m")], "ladders.hold-up.round"),
        ([(", {contact: manager, by: mail}]}\n  rest", "]}\n  rest")], "ladders.fire.steps.1.tell.manager by mail"),
        ([("on_site: true, ", "")], "contacts.manager.on_site"),
        ([("party: bank, name: {en: Security", "party: police, name: {en: Security")], "contacts.security.party"),
        ([("{mail: s@bank.example}", "{mail: t@bank.example}")], "contacts.security.addresses.mail"),
        ([("  local: {}\n", "")], "paths.local"),
        ([("roles: [fire, smoke]", "roles: [fire]"), ("role: smoke", "role: fire")], "told.smoke critical"),
        ([("may_speak_for: [police]", "may_speak_for: [police, bank]")], "rooms.durg.may_speak_for"),
        ([("rooms:\n", "rooms:\n  raipur: {may_speak_for: [police]}\n")], "rooms.raipur"),
        ([(", branch@bank.example]", "]")], "branch.own_addresses"),
        ([("host: mail.example", "host: mail.elsewhere.example")], "channels.mail.options.host"),
        ([("host: room.example", "host: 192.0.2.99")], "channels.room.options.host"),
        ([("{state_dir: /tmp/sentinel}", "{state_dir: /tmp/sentinel, clock: trusted}")], "gateway.clock"),
        ([("mon-fri: 10:00-17:00", "mon-fri: 10:00-22:00")], "branch.hours.open.mon-fri"),
        ([("sat: 10:00-14:00", "sat: 10:00-14:00, sun: 00:00-24:00")], "branch.hours.open.sun"),
        ([("closed_saturdays: [2, 4]", "closed_saturdays: [2]")], "branch.hours.closed_saturdays"),
        (
            [
                ("bank: Bank of Bhilai", "bank: Bank of Bhilai\n  kind: atm-lobby"),
                (
                    "  hours: {open: {mon-fri: 10:00-17:00, sat: 10:00-14:00}, closed_saturdays: [2, 4], holidays: [2027-01-26]}\n",
                    "",
                ),
            ],
            "branch.kind",
        ),
        ([("bank: Bank of Bhilai", "bank: Bank of Bhilai\n  time_zone: America/New_York")], "branch.time_zone"),
    ],
)
def test_a_change_that_weakens_is_told_as_one(edits: list[tuple[str, str]], path: str) -> None:
    assert path in weakened(*edits)


def test_dropping_a_contact_weakens() -> None:
    security = (
        "  security: {party: bank, name: {en: Security, hi: सुरक्षा}, language: en, addresses: {mail: s@bank.example}}\n"
    )
    assert weakened((security, ""), (SECURITY, "")) == {"contacts.security", "ladders.hold-up.steps.2"}


def test_dropping_the_mark_of_a_shared_group_weakens() -> None:
    group = ("on_site: true, addresses: {mail: m@", "on_site: true, shared_group: true, addresses: {mail: m@")
    assert {c.path for c in difference(plain(group), GOOD) if c.weakens} == {"contacts.manager.shared_group"}
    assert weakened(group) == set()


def options(channel: str, **changed: object) -> dict[str, Any]:
    """The program with other options of a channel, as the real channels have them."""
    whole = GOOD["channels"][channel]
    return {**GOOD, "channels": {**GOOD["channels"], channel: {**whole, "options": {**whole["options"], **changed}}}}


TLS = {"ca_file": "/etc/ca.pem", "insecure": False}


@pytest.mark.parametrize(
    ("channel", "before", "after", "path"),
    [
        ("mail", {"security": "starttls"}, {"security": "none"}, "channels.mail.options.security"),
        ("mail", {"security": "tls"}, {"security": "starttls"}, ""),
        ("room", {"tls": TLS}, {"tls": None}, "channels.room.options.tls"),
        ("room", {"tls": TLS}, {"tls": {**TLS, "insecure": True}}, "channels.room.options.tls.insecure"),
        ("room", {"tls": None}, {"tls": {**TLS, "insecure": True}}, "channels.room.options.tls"),
        ("room", {"tls": None}, {"tls": TLS}, ""),
        ("room", {"tls": {**TLS, "insecure": True}}, {"tls": TLS}, ""),
        ("room", {}, {"tls": None}, ""),
    ],
)
def test_a_way_out_that_asks_nobody_for_a_certificate_any_more_is_weaker(
    channel: str, before: dict[str, Any], after: dict[str, Any], path: str
) -> None:
    found = difference(options(channel, **before), options(channel, **after))
    assert {change.path for change in found if change.weakens} == ({path} if path else set())


def test_hours_that_an_older_release_wrote_otherwise_are_compared_with_suspicion() -> None:
    older = {**GOOD, "branch": {**GOOD["branch"], "hours": {"open": {"mon-fri": "ten to five"}}}}
    assert "branch.hours.open.mon-fri" in {change.path for change in difference(older, GOOD) if change.weakens}


def test_taking_a_single_path_weakens() -> None:
    accepted = ("roles: [fire, smoke]\n", "roles: [fire, smoke]\n    single_path: accepted\n")
    assert weakened(
        accepted,
        ("path: lte", "path: wan"),
        ("roles: [hold-up, duress]\n", "roles: [hold-up, duress]\n    single_path: accepted\n"),
    ) == {
        "ladders.fire.single_path",
        "ladders.hold-up.single_path",
    }


def test_accepting_a_cut_wire_weakens() -> None:
    found = weakened(
        ("{contact: normally-closed}", "{contact: normally-open}"),
        ("role: hold-up", "accept: [cut-wire-reads-normal], role: hold-up"),
    )
    assert found == {"zones.counter.accept", "zones.counter.wiring.contact"}


@pytest.mark.parametrize(
    "edits",
    [
        [("name: {en: Counter, hi: काउंटर}", "name: {en: Cash counter, hi: कैश काउंटर}")],
        [("{low: 11.5", "{low: 11.8")],
        [("2027-01-26", "2028-01-26")],
        [("after: 1m", "after: 30s")],
        [("round: 5m", "round: 4m")],
        [("from: 2026-01-01", "from: 2026-01-01, until: 2026-12-31")],
        [
            (
                "zones:\n",
                "zones:\n  vault: {point: panel.di4, role: vault, name: {en: V, hi: व}, wiring: {contact: normally-closed}}\n",
            )
        ],
        [("may_speak_for: [police]", "may_speak_for: []")],
        [("role: intrusion", "on_delay: 100ms, role: intrusion")],
        [("language: en, addresses: {mail: s@", "language: hi, addresses: {mail: s@")],
        [("paths:\n", "paths:\n  pstn: {modem: /dev/ttyUSB7}\n")],
        [("unit: 2}", "unit: 3}")],
        [("mon-fri: 10:00-17:00", "mon-fri: 10:30-16:00")],
        [("mon-fri: 10:00-17:00", "mon-thu: 10:00-17:00, fri: 10:00-13:00")],
        [("closed_saturdays: [2, 4]", "closed_saturdays: [1, 2, 4]")],
    ],
)
def test_a_change_that_weakens_nothing_is_only_a_change(edits: list[tuple[str, str]]) -> None:
    assert changes(*edits)
    assert weakened(*edits) == set()


@given(st.sampled_from(["contacts", "paths", "ladders", "zones"]), st.data())
def test_removing_any_contact_path_ladder_or_loud_zone_weakens(section: str, data: st.DataObject) -> None:
    gone = data.draw(st.sampled_from(sorted(GOOD[section])))
    rest = {**GOOD, section: {k: v for k, v in GOOD[section].items() if k != gone}}
    loud = section != "zones" or GOOD["zones"][gone]["severity"] in ("critical", "high")
    assert (f"{section}.{gone}", loud) in {(c.path, c.weakens) for c in difference(GOOD, rest)}


def test_an_older_release_without_some_place_is_compared_all_the_same() -> None:
    older = {k: v for k, v in GOOD.items() if k != "summaries"}
    assert difference(older, GOOD) == (Change("summaries", "added", weakens=False),)


def test_places_that_an_older_release_wrote_otherwise_are_compared_with_suspicion() -> None:
    zones = {id_: {**zone, "on_delay": "5 s"} for id_, zone in GOOD["zones"].items()}
    older = {**GOOD, "zones": zones, "devices": {}, "rooms": {"durg": {}}}
    paths = {change.path for change in difference(older, GOOD) if change.weakens}
    assert "zones.counter.on_delay" in paths
    assert "rooms.durg.may_speak_for" in paths


def panel(**changed: object) -> dict[str, Any]:
    """The program with a panel that speaks by itself, a loud zone behind it."""
    point = {"role": "intrusion", "zone": 5, "event": [], "partition": None}
    whole = {
        "account": "C601", "format": "mlr2", "table": "afp-2800", "lines": [], "points": {"cash": point},
        "test_every": 86400.0, "daily_test": {"line": "TEST {text}", "every": 86400.0},
    }  # fmt: skip
    device = {"name": {}, "link": "line", "driver": "x", "options": {**whole, **changed}}
    zone = {"point": "p.other-fire", "role": "fire", "severity": "critical"}
    return {
        **GOOD,
        "devices": {**GOOD["devices"], "p": device},
        "zones": {**GOOD["zones"], "p-other-fire": zone},
    }


def entry(role: str, **events: object) -> dict[str, Any]:
    points = panel()["devices"]["p"]["options"]["points"]
    return {"points": {**points, "new": {"role": role, **events}}}


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"account": "C602"}, "account"),
        ({"format": "d6500"}, "format"),
        ({"table": None}, "table"),
        ({"lines": [{"line": ":ALARM {text}", "means": "ignored"}]}, "lines"),
        ({"test_every": None}, "test_every"),
        ({"test_every": 172800.0}, "test_every"),
        ({"test_every": 43200.0}, ""),
        ({"daily_test": None}, "daily_test"),
        ({"daily_test": {"line": "TEST {text}", "every": 172800.0}}, "daily_test.every"),
        ({"daily_test": {"line": "{skip} {text}", "every": 86400.0}}, "daily_test.line"),
        (entry("panel-fault", zone=6), "points.new"),
        (entry("mains", event=[130]), "points.new"),
        (entry("panic", event=[122]), "points.new"),
        (entry("mains", event=[301]), ""),
        (entry("vault", zone=6), ""),
        (entry("hold-up", event=[122]), ""),
    ],
)
def test_what_takes_alarms_from_a_panel_weakens(changed: dict[str, Any], path: str) -> None:
    found = {change.path for change in difference(panel(), panel(**changed)) if change.weakens}
    assert found == ({f"devices.p.options.{path}"} if path else set())


def test_a_periodic_test_that_is_waited_for_from_now_on_weakens_nothing() -> None:
    before = panel(test_every=None, daily_test=None)
    assert not [change for change in difference(before, panel()) if change.weakens]
