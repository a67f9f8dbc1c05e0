"""The cross checks: what a config as a whole would do to people. Each test fails without its check."""

from __future__ import annotations

import pytest

from sentinel.settings.checks import CHECKS
from tests.settings.town import changed, loaded, said

BUTTON = "{contact: normally-closed}"
FIRST = "      - {after: 0s, tell: [{contact: thana, by: room}, {contact: sho, by: mail}]}\n      - {after: 1m"
SHO_SECRET = "note: sho's address is a secret that is absent: not compared with own_addresses"


def first_step(tells: str) -> tuple[str, str]:
    """An edit that replaces the hold-up ladder's first step."""
    return (FIRST, f"      - {{after: 0s, tell: [{tells}]}}\n      - {{after: 1m")


def errors(*edits: tuple[str, str]) -> list[str]:
    return [line for line in said(*edits) if "note: " not in line]


def test_nothing_is_said_against_the_good_branch() -> None:
    assert errors() == []


# --- names that lead nowhere ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("link: bus, driver: modbus, profile: di8", "link: buss, driver: modbus, profile: di8",
         "devices.panel.link: there is no link 'buss'; did you mean 'bus'?"),
        ("point: panel.di1", "point: pane.di1", "zones.counter.point: there is no device 'pane'; did you mean 'panel'?"),
        ("point: panel.di1", "point: panel.di9", "zones.counter.point: panel has no point 'di9'; did you mean 'di8'?"),
        ("point: panel.di8", "point: panel.do8", "summaries.hooter.point: panel has no point 'do8'"),
        ("path: lte", "path: let", "channels.mail.path: there is no path 'let'; did you mean 'lte'?"),
        ("{room: durg}", "{room: drug}", "contacts.thana.addresses.room: room serves no room 'drug'; did you mean 'durg'?"),
        ("rooms: [durg]", "rooms: [drug]", "channels.room.rooms[0]: there is no room 'drug'; did you mean 'durg'?"),
        ("{room: durg}", "{sms: durg}", "contacts.thana.addresses.sms: there is no channel 'sms'; there are: mail, room"),
        ("contact: security", "contact: secure", "steps[1].tell[0].contact: there is no contact 'secure'; did you mean"),
        ("security, by: mail", "security, by: mall", "steps[1].tell[0].by: there is no channel 'mall'; did you mean 'mail'"),
        ("security, by: mail", "security, by: room", "steps[1].tell[0].by: security has no address for room: add it to"),
        ("{mail: s@bank.example}", "{mail: s.bank.example}", "contacts.security.addresses.mail: is no mailbox"),
    ],
)  # fmt: skip
def test_a_name_that_leads_nowhere_is_an_error(old: str, new: str, reason: str) -> None:
    assert any(reason in line for line in errors((old, new)))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (
            "point: panel.di2",
            "point: smoke.loop",
            "zones.door.wiring: smoke.loop gives a number, and contact reads a bool",
        ),
        (
            "point: smoke.zone1",
            "point: panel.di3",
            "zones.hall.wiring: panel.di3 gives a bool, and states reads a word",
        ),
        (
            "point: meter.volts",
            "point: panel.di4",
            "zones.battery.wiring: panel.di4 gives a bool, and low/high reads a",
        ),
        (
            "fire: alarm}",
            "fier: alarm}",
            "zones.hall.wiring.states.fier: smoke.zone1 never says 'fier'; did you mean 'fire'",
        ),
    ],
)
def test_a_wiring_that_cannot_be_read_from_its_point_is_an_error(old: str, new: str, reason: str) -> None:
    assert any(reason in line for line in errors((old, new)))


def test_words_of_a_pattern_count_as_words_too() -> None:
    assert errors(("fire: alarm}", "fire: alarm, fault: trouble}")) == []


def test_the_words_that_a_critical_zone_does_not_list_are_noted() -> None:
    assert "zones.hall.wiring: note: read as trouble, not alarm: fault" in said()
    assert not any("read as trouble" in line for line in said(("fire: alarm}", "fire: alarm, fault: trouble}")))


# --- lines and units --------------------------------------------------------------------------------------------------


def test_two_devices_with_one_unit_on_one_bus_are_an_error() -> None:
    assert errors(("unit: 2", "unit: 1")) == [
        "devices.meter.unit: 1 is also the unit of devices.panel on bus: change one"
    ]


def test_one_unit_on_two_lines_is_fine() -> None:
    result = loaded()
    assert result.settings is not None
    assert result.settings.devices["panel"].options == result.settings.devices["panel"].options
    assert errors() == []  # panel and smoke are both unit 1


@pytest.mark.parametrize(
    ("line", "other"),
    [
        ("{kind: modbus-rtu, port: /dev/ttyUSB0}", "bus (/dev/ttyUSB0)"),
        ("{kind: modbus-tcp, host: 192.0.2.10}", "fire (192.0.2.10:502)"),
    ],
)
def test_two_links_on_one_line_are_an_error(line: str, other: str) -> None:
    found = errors(("devices:\n", f"  again: {line}\ndevices:\n"))
    assert found == [f"links.again: is the same line as links.{other}: put the devices on one link"]


def test_a_name_written_in_capitals_is_the_same_host() -> None:
    found = errors(
        (
            "devices:\n",
            "  a: {kind: modbus-tcp, host: panel.local}\n  b: {kind: modbus-tcp, host: PANEL.local.}\ndevices:\n",
        )
    )
    assert found == ["links.b: is the same line as links.a (panel.local:502): put the devices on one link"]


@pytest.mark.parametrize(("unit", "reason"), [(248, "248 is above 247"), (0, "0 addresses every device of the line")])
def test_a_unit_that_no_serial_line_has_is_an_error(unit: int, reason: str) -> None:
    assert any(f"devices.meter.unit: {reason}" in line for line in errors(("unit: 2", f"unit: {unit}")))


def test_a_tcp_endpoint_may_have_unit_255() -> None:
    assert errors(("profile: fire-panel, unit: 1", "profile: fire-panel, unit: 255")) == []


# --- zones ------------------------------------------------------------------------------------------------------------


def test_one_point_with_two_meanings_is_an_error() -> None:
    assert errors(("point: panel.di2", "point: panel.di1")) == [
        "zones.door.point: panel.di1 is already zones.counter: one point, one meaning"
    ]


def test_a_point_taken_off_the_hooter_is_no_zone() -> None:
    found = errors(("point: panel.di2", "point: panel.di8"), ("point: panel.di8, name", "point: panel.di7, name"))
    assert any("panel.di8 only says that the hooter sounds, not where: write it under summaries" in f for f in found)


SLOW = ("profile: di8, unit: 1", "profile: di8, unit: 1, alarm_s: 0.25")
TOO_SLOW = (
    "zones.counter.point: panel.di1 is asked every 250 ms, and a critical contact needs 200 ms: "
    "poll it faster, or say latching_input: true if the device holds a press"
)


def test_a_critical_contact_polled_slower_than_200_ms_is_an_error() -> None:
    assert errors(SLOW) == [TOO_SLOW]


def test_200_ms_are_just_fast_enough() -> None:
    assert errors(("profile: di8, unit: 1", "profile: di8, unit: 1, alarm_s: 0.2")) == []


def test_an_input_that_is_said_to_latch_may_be_polled_slower() -> None:
    assert errors(SLOW, ("role: hold-up", "latching_input: true, role: hold-up")) == []


def test_an_input_whose_profile_latches_may_be_polled_slower() -> None:
    edits = [
        ("profile: di8, unit: 1", "profile: latcher, unit: 1, alarm_s: 0.25"),
        ("point: panel.di8", "point: panel.di3"),
    ]
    summaries = (
        "summaries:\n  hooter: {point: panel.di3, name: {en: Hooter, hi: हूटर}, wiring: {contact: normally-open}}\n"
    )
    assert errors(*edits, (summaries, "")) == []


def test_an_age_shorter_than_two_polls_is_an_error() -> None:
    found = errors(("role: battery", "stale_after: 1s, role: battery"))
    assert found == ["zones.battery.stale_after: 1 s is less than two reads of 1 s: lengthen it or poll faster"]


CUT = (
    "zones.counter.wiring: finding: a cut wire reads normal: wire it normally-closed or with an end-of-line resistor, "
    "or take the weakness with accept: [cut-wire-reads-normal]"
)


def test_a_critical_point_where_a_cut_wire_reads_normal_is_a_finding() -> None:
    result = loaded(changed((BUTTON, "{contact: normally-open}")))
    assert result.settings is not None
    assert result.exit_code() == 1
    assert errors((BUTTON, "{contact: normally-open}")) == [CUT]


def test_an_inverting_board_makes_no_open_contact_safe() -> None:
    assert errors((BUTTON, "{contact: normally-open, active_low: true}")) == [CUT]


def test_the_weakness_is_taken_only_by_its_name() -> None:
    edits = [(BUTTON, "{contact: normally-open}"), ("role: hold-up", "accept: [cut-wire-reads-normal], role: hold-up")]
    assert errors(*edits) == []
    assert any("zones.counter.wiring: note: a cut wire reads normal" in line for line in said(*edits))
    assert loaded(changed(*edits)).exit_code() == 0


def test_taking_a_weakness_that_is_not_there_is_a_finding() -> None:
    assert errors(("role: hold-up", "accept: [cut-wire-reads-normal], role: hold-up")) == [
        "zones.counter.accept: finding: cut-wire-reads-normal is not the case here: take it away"
    ]


def test_a_door_with_a_cut_wire_is_not_asked_about() -> None:
    assert errors(("role: intrusion", "role: shutter")) == []


BANDS = "bands: [{low: 400, high: 600, means: normal}, {low: 100, high: 300, means: alarm}]"


def by_bands(more: str) -> list[tuple[str, str]]:
    return [
        ("point: smoke.zone1", "point: smoke.loop"),
        ("{states: {quiet: normal, fire: alarm}}", f"{{{BANDS}{more}}}"),
    ]


def test_an_end_of_line_resistor_needs_the_value_of_a_cut_wire() -> None:
    assert any("zones.hall.wiring: finding: nobody knows what a cut wire reads" in e for e in errors(*by_bands("")))
    assert errors(*by_bands(", cut: 1023")) == []
    assert errors(*by_bands(", cut: 200")) == []
    assert any("finding: a cut wire reads normal" in e for e in errors(*by_bands(", cut: 500")))


def test_bands_that_contradict_each_other_are_an_error() -> None:
    edit = by_bands("")
    edit[1] = (edit[1][0], edit[1][1].replace("high: 300", "high: 450"))
    assert any("alarm and normal both hold 400: keep them apart" in e for e in errors(*edit))


def test_a_critical_point_read_by_limits_is_a_finding() -> None:
    edits = (
        ("point: smoke.zone1", "point: smoke.loop"),
        ("{states: {quiet: normal, fire: alarm}}", "{high: 60, hysteresis: 2}"),
    )
    assert any("nobody knows what a cut wire reads: use a supervised input" in e for e in errors(*edits))


def test_a_hold_up_button_has_no_delay() -> None:
    assert errors(("role: hold-up", "on_delay: 100ms, role: hold-up")) == [
        "zones.counter.on_delay: hold-up has no delay: take it away"
    ]
    assert errors(("role: hold-up", "on_delay: 0s, role: hold-up")) == []


def test_a_smoke_zone_that_waits_long_is_a_finding() -> None:
    assert errors(("role: smoke", "on_delay: 30s, role: smoke")) == [
        "zones.hall.on_delay: finding: 30 s is above 1 s, the longest a critical zone may wait"
    ]


def test_a_measured_value_is_no_hold_up_button() -> None:
    assert any("hold-up is a contact" in e for e in errors(("role: battery", "role: hold-up")))


# --- who is told ------------------------------------------------------------------------------------------------------


def test_two_paths_on_one_interface_are_an_error() -> None:
    assert "paths.lte: is on eth0 like paths.wan: two paths on one interface are one" in errors(("wwan0", "eth0"))


@pytest.mark.parametrize("alias", ["eth0.10", "eth0:1"])
def test_a_vlan_or_an_alias_is_no_second_interface(alias: str) -> None:
    assert any("two paths on one interface are one" in e for e in errors(("wwan0", alias)))


def test_a_critical_ladder_without_two_paths_is_an_error() -> None:
    found = errors(("path: lte", "path: wan"))
    assert [e.split(":")[0] for e in found] == ["ladders.hold-up.steps[0]", "ladders.fire.steps[0]"]
    assert all(
        "needs two paths, and has 1: add a channel on another path, or write single_path: accepted" in e for e in found
    )


def test_a_second_path_on_a_later_step_does_not_count() -> None:
    found = errors(
        ("path: lte", "path: wan"),
        ("  room: {kind: mqtt", "  late: {kind: email, path: lte, host: late.example}\n  room: {kind: mqtt"),
        ("{mail: s@bank.example}", "{late: s@bank.example}"),
        ("security, by: mail", "security, by: late"),
    )
    assert any("ladders.hold-up.steps[0]: a critical ladder's first step needs two paths" in e for e in found)


ONE_PATH = (
    ("path: lte", "path: wan"),
    ("severity: [critical]\n", "severity: [critical]\n    single_path: accepted\n"),
    ("roles: [fire, smoke]\n", "roles: [fire, smoke]\n    single_path: accepted\n"),
)


def test_one_path_can_be_taken_by_name() -> None:
    assert errors(*ONE_PATH) == []
    assert "ladders.hold-up.single_path: note: one path only; accepted until there is a second" in said(*ONE_PATH)


def test_taking_one_path_when_there_are_two_is_a_finding() -> None:
    found = errors(*ONE_PATH[1:])
    assert "ladders.hold-up.single_path: finding: there are two paths now: take it away" in found


def test_a_lamp_in_the_branch_is_no_second_path() -> None:
    found = errors(
        ("  room: {kind: mqtt", "  lamp: {kind: siren, path: local}\n  room: {kind: mqtt"),
        ("path: lte", "path: wan"),
        ("{room: durg}", "{room: durg, lamp: x}"),
        ("{contact: manager, by: mail}]}\n  rest", "{contact: thana, by: lamp}]}\n  rest"),
    )
    assert any("ladders.fire.steps[0]: a critical ladder's first step needs two paths, and has 1" in e for e in found)


def ends(found: list[str]) -> str:
    return next(e.partition("person or server: ")[2] for e in found if "hold-up" in e and "needs two ends" in e)


def test_two_ways_to_one_contact_are_one_end() -> None:
    found = errors(
        first_step("{contact: thana, by: room}, {contact: thana, by: mail}"),
        ("{room: durg}", "{room: durg, mail: t@p.example}"),
    )
    assert ends(found) == "thana by room and thana by mail are one contact"


def test_one_telling_is_one_end() -> None:
    assert ends(errors(first_step("{contact: thana, by: room}"))) == "only thana by room"


def test_two_posts_of_one_person_are_one_end() -> None:
    found = errors(("{room: durg}}", "{room: durg}, persons: [{name: r. verma, from: 2026-02-01}]}"))
    assert ends(found) == "thana by room and sho by mail share a person"


def test_a_person_who_left_before_the_other_came_is_not_shared() -> None:
    assert (
        errors(("{room: durg}}", "{room: durg}, persons: [{name: R. Verma, from: 2025-01-01, until: 2025-12-31}]}"))
        == []
    )


def test_two_ends_on_one_server_are_one() -> None:
    assert (
        ends(errors(("host: mail.example", "host: Room.example")))
        == "thana by room and sho by mail share the server room.example"
    )


def test_two_mailboxes_on_one_server_are_one_end() -> None:
    found = errors(
        first_step("{contact: thana, by: other}, {contact: security, by: mail}"),
        ("{room: durg}", "{other: t@bank.example}"),
        ("  room: {kind: mqtt", "  other: {kind: email, path: wan, host: other.example}\n  room: {kind: mqtt"),
        (
            "[{contact: thana, by: room}, {contact: sho, by: mail}, {contact: manager",
            "[{contact: sho, by: mail}, {contact: manager",
        ),
    )
    assert ends(found) == "thana by other and security by mail share the server bank.example"


def test_two_contacts_behind_one_secret_are_one_end() -> None:
    found = errors(
        first_step("{contact: thana, by: other}, {contact: sho, by: mail}"),
        ("{room: durg}", "{other: !credential sho-mail}"),
        ("  room: {kind: mqtt", "  other: {kind: email, path: wan, host: other.example}\n  room: {kind: mqtt"),
        (
            "[{contact: thana, by: room}, {contact: sho, by: mail}, {contact: manager",
            "[{contact: sho, by: mail}, {contact: manager",
        ),
    )
    assert ends(found) == "thana by other and sho by mail have one address"


def test_one_end_on_a_single_path_is_still_a_finding() -> None:
    found = errors(*ONE_PATH, first_step("{contact: thana, by: room}"))
    assert any(
        e.startswith("ladders.hold-up.steps[0]: finding: a critical ladder's first step needs two ends") for e in found
    )


def test_a_role_nobody_is_told_about_is_an_error() -> None:
    found = errors(("  rest:\n    round: 1h", "  rest:\n    severity: [high]\n    round: 1h"))
    assert "zones.battery.role: nobody is told of battery (fault): add it to a ladder" in found
    assert any(e.startswith("ladders: nobody is told of the gateway's own audit, delivery") for e in found)


def test_the_fault_of_a_hold_up_button_is_told_to_somebody_too() -> None:
    found = errors(("  rest:\n    round: 1h", "  rest:\n    severity: [fault]\n    round: 1h"))
    assert "zones.counter.role: nobody is told of hold-up (high): add it to a ladder" in found
    assert "zones.door.role: nobody is told of intrusion (high): add it to a ladder" in found


def test_an_opening_out_of_hours_is_told_to_somebody() -> None:
    found = errors(("role: intrusion", "role: opening"), ("  rest:\n", "  rest:\n    severity: [fault]\n"))
    assert "zones.door.role: nobody is told of opening (high): add it to a ladder" in found


def test_a_critical_ladder_that_waits_is_an_error() -> None:
    assert "ladders.fire.steps[0].after: a critical ladder starts at once: write 0s" in errors(
        ("      - {after: 0s, tell: [{contact: thana, by: room}, {contact: sho, by: mail}, {",
         "      - {after: 5s, tell: [{contact: thana, by: room}, {contact: sho, by: mail}, {")
    )  # fmt: skip


def test_a_critical_ladder_that_begins_without_the_police_is_a_finding() -> None:
    found = errors(("party: police, name", "party: bank, name"), ("    party: police\n", "    party: bank\n"))
    assert any("hold-up.steps[0]: finding: neither the police nor a room is told on the first step" in e for e in found)


SECOND = "{contact: security, by: mail}"


def test_a_hold_up_ladder_that_tells_somebody_on_site_is_an_error() -> None:
    assert errors((SECOND, "{contact: manager, by: mail}")) == [
        "ladders.hold-up.steps[1].tell[0]: manager is on_site: tell the bank's off-site security officer"
    ]


def test_a_hold_up_ladder_that_tells_a_shared_group_is_an_error() -> None:
    found = errors(("language: en, addresses: {mail: s@", "language: en, shared_group: true, addresses: {mail: s@"))
    assert found == [
        "ladders.hold-up.steps[1].tell[0]: security is a shared group, and who reads it is not known: tell persons"
    ]


def test_a_hold_up_ladder_that_writes_to_the_branch_is_an_error() -> None:
    found = errors(("{mail: s@bank.example}", "{mail: Branch@Bank.Example}"))
    assert found == [
        "ladders.hold-up.steps[1].tell[0]: security by mail is one of branch.own_addresses: it rings in the branch"
    ]


def test_the_branch_telephone_is_known_however_it_is_written() -> None:
    found = errors(
        ("  room: {kind: mqtt", "  phone: {kind: siren, path: lte}\n  room: {kind: mqtt"),
        ("{mail: s@bank.example}", '{phone: "0788-2220000"}'),
        (SECOND, "{contact: security, by: phone}"),
    )
    assert any("security by phone is one of branch.own_addresses" in e for e in found)


def test_a_secret_address_is_compared_once_it_is_there() -> None:
    note = f"ladders.hold-up.steps[0].tell[1]: {SHO_SECRET}"
    assert note in said()
    assert note not in said(reveal=lambda _: "sho@police.example")
    assert any("sho by mail is one of branch.own_addresses" in e for e in said(reveal=lambda _: "BRANCH@bank.example"))


def test_a_hold_up_ladder_that_sounds_a_siren_is_an_error() -> None:
    found = errors(
        ("  room: {kind: mqtt", "  siren: {kind: siren, path: local}\n  room: {kind: mqtt"),
        ("{mail: s@bank.example}", "{siren: relay}"),
        (SECOND, "{contact: security, by: siren}"),
    )
    assert any("siren sounds in the branch: a hold-up is silent" in e for e in found)


def test_the_fire_ladder_may_tell_whoever_is_there() -> None:
    assert not any("on_site" in line for line in errors())


def test_a_later_ladder_of_a_hold_up_is_held_to_the_same_silence() -> None:
    found = errors(
        ("roles: [hold-up, duress]", "roles: [duress]"), ("roles: [fire, smoke]", "roles: [fire, smoke, hold-up]")
    )
    assert "ladders.fire.steps[0].tell[2]: manager is on_site: tell the bank's off-site security officer" in found


def test_the_catch_all_ladder_is_held_to_it_when_a_hold_up_falls_through() -> None:
    found = errors(("roles: [hold-up, duress]", "roles: [duress]"))
    assert any(e.startswith("ladders.rest.steps[0].tell[0]: manager is on_site") for e in found)


def test_a_contact_on_no_ladder_is_noted() -> None:
    lines = said((SECOND, "{contact: sho, by: mail}"))
    assert "contacts.security: note: is on no ladder and will never be told" in lines


def test_a_ladder_that_comes_too_late_is_a_finding() -> None:
    found = errors(
        (
            "channels:\n",
            "  late:\n    round: 1h\n    steps: [{after: 0s, tell: [{contact: sho, by: mail}]}]\nchannels:\n",
        )
    )
    assert found == ["ladders.late: finding: comes too late: the ladders above it take everything it names"]


def test_every_check_is_in_the_table_once() -> None:
    names = [check.__name__ for check, _ in CHECKS]
    assert len(names) == len(set(names)) == 18
