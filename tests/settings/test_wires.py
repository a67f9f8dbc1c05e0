"""The checks of names and wires: what leads nowhere, what talks at once, what a cut wire looks like. Each test fails without its check."""

from __future__ import annotations

import pytest

from tests.settings.town import changed, errors, loaded, said

BUTTON = "{contact: normally-closed}"


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


ODD = ("fire: alarm}", "fire: alarm, fault: normal}")
ODD_ALARM = ("{quiet: normal, fire: alarm}", "{quiet: alarm, fire: normal}")


def test_a_panel_s_fault_taken_for_normal_is_a_finding_unless_it_is_taken_by_name() -> None:
    remedy = "here: write trouble or alarm, or take it with accept: [words-mean-otherwise]"
    take = ("role: smoke", "accept: [words-mean-otherwise], role: smoke")
    assert errors(ODD) == [f"zones.hall.wiring: finding: fault means normal {remedy}"]
    assert errors(ODD_ALARM) == [f"zones.hall.wiring: finding: fire means normal {remedy}"]
    assert errors(ODD, take) == []
    assert errors(take) == ["zones.hall.accept: finding: words-mean-otherwise is not the case here: take it away"]


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


def test_a_zone_and_a_summary_of_one_name_are_an_error() -> None:
    assert errors(("  hooter: {", "  door: {")) == ["summaries.door: 'door' is a zone already: call it otherwise"]


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


@pytest.mark.parametrize(("asked_s", "level"), [(2, None), (5, "finding: "), (3600, "")])
def test_a_press_that_the_device_holds_is_still_read_soon(asked_s: int, level: str | None) -> None:
    late = f"panel.di1 is asked every {asked_s} s: an alarm that the device holds would wait as long; poll it every 2 s"
    assert errors(
        ("profile: di8, unit: 1", f"profile: di8, unit: 1, alarm_s: {asked_s}"),
        ("role: hold-up", "latching_input: true, role: hold-up"),
    ) == ([] if level is None else [f"zones.counter.point: {level}{late}"])


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


def test_a_dead_hold_up_button_must_not_look_supervised_for_an_hour() -> None:
    assert errors(("role: hold-up", "stale_after: 30s, role: hold-up")) == []
    assert errors(("role: battery", "stale_after: 1h, role: battery")) == []
    assert errors(("role: hold-up", "stale_after: 1h, role: hold-up")) == [
        "zones.counter.stale_after: finding: 3600 s is above 30 s: until then a dead device looks supervised; shorten it"
    ]


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
