"""Zones that nobody wrote: what a panel or recorder tells of itself is told all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sentinel.core.model import Condition, Role, StateSense, Text
from sentinel.settings.changes import difference
from sentinel.settings.fingerprint import fingerprint
from sentinel.settings.policy import policy
from tests.settings.town import changed as text_of
from tests.settings.town import errors, loaded, said

if TYPE_CHECKING:
    from sentinel.settings.site import Settings

LINES = (
    "links:\n",
    "links:\n  wire: {kind: serial, port: /dev/ttyS0}\n  cctv: {kind: http, host: 192.0.2.20}\n",
)
MUST = ("  own_addresses:", "  must_see: [road]\n  own_addresses:")


def recorder(inside: str = "", camera: str = "") -> tuple[str, str]:
    return (
        "  meter: {",
        (
            "  dvr: {name: {en: Recorder, hi: रिकॉर्डर}, link: cctv, driver: dvr, cameras: "
            f"{{gate: {{name: {{en: Gate, hi: गेट}}, sees: [road]{camera}}}}}{inside}}}\n  meter: {{"
        ),
    )


def panel(points: str, alive: str = "30.0", id_: str = "log") -> tuple[str, str]:
    return (
        "  meter: {",
        (
            f"  {id_}: {{name: {{en: Panel, hi: पैनल}}, link: wire, driver: printer, alive: {alive}, points: {{{points}}}}}\n"
            "  meter: {"
        ),
    )


def settings(*edits: tuple[str, str]) -> Settings:
    result = loaded(text_of(LINES, *edits))
    assert result.settings is not None, result.problems
    return result.settings


def test_what_a_recorder_describes_is_a_zone_in_the_camera_s_name() -> None:
    made = policy(settings(recorder(), MUST))
    zone = next(one for one in made.zones if one.id == "dvr-gate-video")
    assert (zone.point, zone.role, zone.name) == ("dvr.gate.video", Role.CAMERA_VIDEO, Text("गेट", "Gate"))
    assert zone.sense == StateSense((("normal", Condition.NORMAL), ("alarm", Condition.ALARM)))
    disks = next(one for one in made.zones if one.id == "dvr-disks")
    assert disks.name == Text("रिकॉर्डर", "Recorder")
    assert not any(one.point == "dvr.drift" for one in made.zones)


def test_its_points_die_with_it() -> None:
    made = policy(settings(recorder(), MUST))
    device = next(one for one in made.devices if one.id == "dvr")
    assert device.points == ("dvr.disks", "dvr.drift", "dvr.gate.video")


def test_a_zone_that_somebody_wrote_on_the_point_wins() -> None:
    own = (
        "  battery: {point",
        (
            "  gate: {point: dvr.gate.video, role: intrusion, name: {en: My gate, hi: मेरा गेट}, "
            "wiring: {states: {normal: normal, alarm: alarm}}}\n  battery: {point"
        ),
    )
    made = settings(recorder(), MUST, own)
    assert [id_ for id_, zone in made.zones.items() if zone.point == "dvr.gate.video"] == ["gate"]


def test_two_that_would_have_one_id_are_an_error_at_the_device() -> None:
    own = (
        "  battery: {point",
        (
            "  dvr-disks: {point: panel.di5, role: intrusion, name: {en: X, hi: अ}, wiring: {contact: normally-open}}\n"
            "  battery: {point"
        ),
    )
    assert errors(LINES, recorder(), MUST, own) == [
        "devices.dvr: its point disks would be zone 'dvr-disks' and so is zones.dvr-disks: rename one"
    ]


def test_a_camera_whose_id_is_no_id_is_named() -> None:
    found = errors(LINES, (recorder()[0], recorder()[1].replace("gate: {", "Gate: {")), MUST)
    assert found == [
        "devices.dvr: its point Gate.video makes no zone: ids of devices and cameras are small letters, digits and dashes"
    ]


def test_a_camera_without_a_hindi_name_is_named() -> None:
    found = errors(LINES, (recorder()[0], recorder()[1].replace("गेट", "Gate")), MUST)
    assert found == [
        (
            "devices.dvr: its point gate.video makes no zone: name.hi: has no Hindi letter: "
            "write it in Devanagari, as the constable reads it"
        )
    ]


def test_what_is_wrong_with_it_is_said_at_the_device_s_line_once_for_all_alike() -> None:
    edits = (
        LINES,
        panel("a: mains, b: mains, c: mains"),
        ("  rest:\n    round: 1h", "  rest:\n    severity: [high]\n    round: 1h"),
    )
    result = loaded(text_of(*edits))
    [found] = [p for p in result.problems if p.path == "devices.log" and "nobody" in p.text]
    assert found.text == "log-a, log-b and 1 more: nobody is told of mains (fault): add it to a ladder"
    assert text_of(*edits).splitlines()[found.line - 1].lstrip().startswith("log:")


def test_a_panel_s_hold_up_that_nobody_configured_is_as_silent_as_one_that_somebody_did() -> None:
    """The only hold-up of this branch is one that its panel describes; its ladder may tell nobody on site."""
    without = (
        "  counter: {point: panel.di1, role: hold-up, name: {en: Counter, hi: काउंटर}, wiring: {contact: normally-closed}}\n",
        "",
    )
    on_site = (
        "      - {after: 1m, tell: [{contact: security, by: mail}]}",
        "      - {after: 1m, tell: [{contact: manager, by: mail}]}",
    )
    found = errors(LINES, panel("duress: duress"), without, on_site)
    assert any("manager is on_site: tell the bank's off-site security officer" in line for line in found)


def test_what_comes_by_itself_needs_no_fast_poll_and_is_missed_after_three_signs_of_life() -> None:
    edits = (LINES, panel("fire1: fire", alive="20.0"))
    assert not [line for line in said(*edits) if line.startswith("devices.log")]
    zone = next(one for one in policy(settings(panel("fire1: fire", alive="20.0"))).zones if one.id == "log-fire1")
    assert zone.stale_after_s == 60.0


def test_a_panel_that_is_missed_late_is_said() -> None:
    assert "devices.log: note: its alarms come by themselves; that it is dead is known after 90 s" in said(
        LINES, panel("fire1: fire")
    )


def test_a_bell_output_that_a_driver_describes_is_no_zone() -> None:
    made = settings(panel("bell: summary"))
    assert "log-bell" in made.summaries
    assert "log-bell" not in made.zones


def test_a_branch_whose_panel_describes_everything_needs_no_zones_of_its_own() -> None:
    text = text_of(LINES, panel("fire1: fire"))
    head, _, rest = text.partition("zones:\n")
    result = loaded(head + "summaries:" + rest.partition("summaries:")[2])
    assert result.settings is not None, result.problems
    assert list(result.settings.zones) == ["log-fire1"]


def test_a_zone_that_the_panel_no_longer_describes_weakens_the_branch() -> None:
    old, new = (fingerprint(settings(panel(points)))[1] for points in ("fire1: fire, fire2: fire", "fire1: fire"))
    found = {change.path for change in difference(old, new) if change.weakens}
    assert found == {"devices.log.options.points.fire2", "zones.log-fire2"}


# --- Lines ----------------------------------------------------------------------------------------------------------


def test_a_recorder_on_a_bus_is_an_error_with_the_remedy() -> None:
    found = errors(LINES, (recorder()[0], recorder()[1].replace("link: cctv", "link: bus")), MUST)
    assert found == [
        "devices.dvr.link: dvr speaks http, and bus (modbus-rtu) carries modbus: put it on a link of kind http"
    ]


def test_a_panel_s_cable_has_one_panel_at_its_end() -> None:
    found = errors(LINES, panel("a: mains"), panel("a: mains", id_="second"))
    assert found == [
        (
            "devices.second.link: wire is already the line of devices.log, and a serial link carries one device: "
            "write a link of its own for second"
        )
    ]
