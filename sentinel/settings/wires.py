"""Checks of what is wired: lines, units, zones. Each yields what is wrong with the places it looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sentinel.core.codes import ROLES
from sentinel.core.model import Condition, Role
from sentinel.ports import Speech, Table
from sentinel.settings.ends import same_host
from sentinel.settings.equipment import Accept, words
from sentinel.settings.policy import STALE_SIGNS
from sentinel.settings.problems import Level
from sentinel.settings.said import Said
from sentinel.settings.wiring import BandWiring, LimitWiring, StateWiring

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sentinel.settings.equipment import Link, PointView, Zone
    from sentinel.settings.said import Look

SLOWEST_S = 0.2  # a press of 400 ms must fall into two polls even when one of them is lost
OLDEST_S = 30.0  # a critical value older than this (and than three reads) is no longer called supervised
LATE_S = 90.0  # a dead panel that is known later than this is said by `check`
LATCHED_S = 2.0  # a press that the device holds is still told soon
LATCHED_SLOWEST_S = 10.0
FAULT_WORDS = {"trouble", "fault", "disabled", "failed"}  # as panels say that they no longer watch
ALARM_WORDS = {"fire", "alarm", "active"}
MAX_SERIAL_UNIT = 247  # Modbus over Serial Line V1.02, 2.2: 248 to 255 are reserved
CARRIERS = {
    Speech.MODBUS: "modbus-rtu, modbus-tcp or modbus-rtu-tcp",
    Speech.BYTES: "serial or tcp",
    Speech.HTTP: "http",
    Speech.RTSP: "rtsp",
}
SERIAL_KINDS = ("modbus-rtu", "modbus-rtu-tcp")


def one_talker_a_line(look: Look) -> Iterator[Said]:
    """Two links on one port or socket would talk into each other's answers."""
    seen: dict[str, str] = {}
    for id_, link in look.settings.links.items():
        line = _line(link)
        if line is None:
            continue
        if line in seen:
            yield Said(("links", id_), f"is the same line as links.{seen[line]} ({line}): put the devices on one link")
        seen.setdefault(line, id_)


def drivers_speak_as_their_links(look: Look) -> Iterator[Said]:
    """A recorder on a bus, or a panel on a web address, would never answer."""
    for id_, device in look.settings.devices.items():
        link = look.settings.links.get(device.link)
        if link is not None and link.speech is not device.speech:
            yield Said(
                ("devices", id_, "link"),
                f"{device.driver} speaks {device.speech}, and {device.link} ({link.kind}) carries {link.speech}: "
                f"put it on a link of kind {CARRIERS[device.speech]}",
            )


def one_device_a_conversation(look: Look) -> Iterator[Said]:
    """A bus has unit numbers; a panel's cable and a recorder's address have one thing at the other end."""
    for id_, link in look.settings.links.items():
        behind = [name for name, device in look.settings.devices.items() if device.link == id_]
        for name in behind[1:] if link.speech is not Speech.MODBUS else ():
            yield Said(
                ("devices", name, "link"),
                f"{id_} is already the line of devices.{behind[0]}, and a {link.kind} link carries one device: "
                f"write a link of its own for {name}",
            )


def one_device_a_unit(look: Look) -> Iterator[Said]:
    """Two devices with one unit number on one line answer at once, or as each other."""
    seen: dict[tuple[str, int], str] = {}
    for id_, device in look.settings.devices.items():
        unit = getattr(device.options, "unit", None)
        if not isinstance(unit, int):
            continue
        if (device.link, unit) in seen:
            other = seen[device.link, unit]
            yield Said(
                ("devices", id_, "unit"), f"{unit} is also the unit of devices.{other} on {device.link}: change one"
            )
        seen.setdefault((device.link, unit), id_)


def units_that_a_serial_line_has(look: Look) -> Iterator[Said]:
    """On RS-485 unit 0 is everybody and 248 to 255 are nobody."""
    for id_, device in look.settings.devices.items():
        link, unit = look.settings.links.get(device.link), getattr(device.options, "unit", None)
        if link is None or link.kind not in SERIAL_KINDS or not isinstance(unit, int):
            continue
        if unit > MAX_SERIAL_UNIT:
            yield Said(("devices", id_, "unit"), f"{unit} is above {MAX_SERIAL_UNIT}")
        elif unit < 1:
            yield Said(("devices", id_, "unit"), "0 addresses every device of the line: give it 1 to 247")


def one_zone_a_point(look: Look) -> Iterator[Said]:
    """A point with two meanings would open two incidents for one press."""
    seen: dict[str, str] = {}
    for section, wired in (("zones", look.settings.zones), ("summaries", look.settings.summaries)):
        for id_, zone in wired.items():
            if zone.point in seen:
                yield Said(
                    (section, id_, "point"), f"{zone.point} is already {seen[zone.point]}: one point, one meaning"
                )
            seen.setdefault(zone.point, f"{section}.{id_}")


def one_id_a_zone(look: Look) -> Iterator[Said]:
    """Facts name a zone or a summary by its id alone."""
    for id_ in look.settings.summaries:
        if id_ in look.settings.zones:
            yield Said(("summaries", id_), f"'{id_}' is a zone already: call it otherwise")


def summaries_stay_summaries(look: Look) -> Iterator[Said]:
    """A point that its own profile takes for the hooter's is no zone."""
    for id_, zone in look.settings.zones.items():
        point = _point(look, zone)
        if point is not None and point.role is Role.SUMMARY:
            yield Said(
                ("zones", id_, "point"),
                f"{zone.point} only says that the hooter sounds, not where: write it under summaries",
            )


def zones_are_inputs(look: Look) -> Iterator[Said]:
    """A relay never moves by itself: a button taken for one would never alarm."""
    for id_, zone in look.settings.zones.items():
        point = _point(look, zone)
        if point is not None and point.table is Table.COIL and point.role is None:
            yield Said(
                ("zones", id_, "point"),
                f"{zone.point} is an output of the device (a coil): name the input that the wire is on",
                Level.FINDING,
            )


def critical_contacts_are_seen_in_time(look: Look) -> Iterator[Said]:
    """A press between two polls is lost, unless the device holds it; and one that is held must not wait long."""
    for id_, zone in look.settings.zones.items():
        interval_s = look.settings.polled.get(zone.point, 0.0)
        if not zone.critical() or look.settings.pushed(zone.point):
            continue
        if _latching(look, zone):
            if interval_s > LATCHED_S:
                yield Said(
                    ("zones", id_, "point"),
                    f"{zone.point} is asked every {interval_s:g} s: an alarm that the device holds would wait as long; "
                    f"poll it every {LATCHED_S:g} s",
                    Level.ERROR if interval_s > LATCHED_SLOWEST_S else Level.FINDING,
                )
        elif interval_s > SLOWEST_S:
            yield Said(
                ("zones", id_, "point"),
                f"{zone.point} is asked every {interval_s * 1000:.0f} ms, and a critical contact needs "
                f"{SLOWEST_S * 1000:.0f} ms: poll it faster, or say latching_input: true if the device holds a press",
            )


def ages_outlast_the_polls(look: Look) -> Iterator[Said]:
    """A value that is older than allowed before the next read comes would flicker between known and unknown."""
    for id_, zone in look.settings.zones.items():
        interval_s = look.settings.polled.get(zone.point, 0.0)
        if zone.stale_after is not None and zone.stale_after < 2 * interval_s:
            yield Said(
                ("zones", id_, "stale_after"),
                f"{zone.stale_after:g} s is less than two reads of {interval_s:g} s: lengthen it or poll faster",
            )


def critical_zones_are_missed_soon(look: Look) -> Iterator[Said]:
    """A dead device must not read as supervised for long because its zones are patient."""
    for id_, zone in look.settings.zones.items():
        longest_s = max(OLDEST_S, 3 * look.settings.polled.get(zone.point, 0.0))
        if zone.critical() and zone.stale_after is not None and zone.stale_after > longest_s:
            yield Said(
                ("zones", id_, "stale_after"),
                f"{zone.stale_after:g} s is above {longest_s:g} s: until then a dead device looks supervised; shorten it",
                Level.FINDING,
            )


def panels_that_fall_silent_are_missed_soon(look: Look) -> Iterator[Said]:
    """A panel that speaks by itself is known to be dead only by the signs of life that stay away."""
    settings = look.settings
    for id_ in settings.devices:
        points = [zone.point for zone in settings.zones.values() if zone.critical() and zone.device() == id_]
        signs = [settings.polled.get(point, 0.0) for point in points if settings.pushed(point)]
        longest_s = STALE_SIGNS * max(signs, default=0.0)
        if longest_s >= LATE_S:
            yield Said(
                ("devices", id_),
                f"its alarms come by themselves; that it is dead is known after {longest_s:g} s",
                Level.NOTE,
            )


def _latching(look: Look, zone: Zone) -> bool:
    point = _point(look, zone)
    return zone.latching_input or (point is not None and point.latching)


def _point(look: Look, zone: Zone) -> PointView | None:
    """What the device's profile says of the zone's point."""
    device = look.settings.devices.get(zone.device())
    return device.points.get(zone.point.partition(".")[2]) if device and device.points is not None else None


def cut_wires_are_seen(look: Look) -> Iterator[Said]:
    """Whoever cuts the wire of a critical zone must not make it look well. Accepted by name only."""
    for id_, zone in look.settings.zones.items():
        place = ("zones", id_, "wiring")
        reads = zone.wiring.cut_reads()
        accepted = Accept.CUT_WIRE in zone.accept
        if not zone.critical() or reads in (Condition.ALARM, Condition.TROUBLE):
            if accepted:
                yield Said(
                    ("zones", id_, "accept"), f"{Accept.CUT_WIRE} is not the case here: take it away", Level.FINDING
                )
            continue
        if reads is Condition.NORMAL:
            text = "a cut wire reads normal: wire it normally-closed or with an end-of-line resistor"
        elif isinstance(zone.wiring, BandWiring):
            text = "nobody knows what a cut wire reads: take the wire off, read the input, write it as cut"
        else:
            text = "nobody knows what a cut wire reads: use a supervised input"
        if accepted:
            yield Said(place, f"{text} ({Accept.CUT_WIRE} is accepted)", Level.NOTE)
        else:
            yield Said(place, f"{text}, or take the weakness with accept: [{Accept.CUT_WIRE}]", Level.FINDING)


def other_words_are_known(look: Look) -> Iterator[Said]:
    """A word that a critical zone does not list is trouble: say which, for one of them may mean an alarm."""
    for id_, zone in look.settings.zones.items():
        point = _point(look, zone)
        if not zone.critical() or point is None or not isinstance(zone.wiring, StateWiring):
            continue
        others = sorted(words(point) - zone.wiring.states.keys())
        if others:
            yield Said(("zones", id_, "wiring"), f"read as trouble, not alarm: {', '.join(others)}", Level.NOTE)


def words_mean_what_they_say(look: Look) -> Iterator[Said]:
    """A panel's fault taken for normal, or its alarm for anything else, on a critical zone. Accepted by name only."""
    for id_, zone in look.settings.zones.items():
        states = zone.wiring.states if zone.critical() and isinstance(zone.wiring, StateWiring) else {}
        odd = [
            f"{word} means {means}"
            for word, means in states.items()
            if (word in FAULT_WORDS and means is Condition.NORMAL)
            or (word in ALARM_WORDS and means is not Condition.ALARM)
        ]
        accepted = Accept.ODD_WORDS in zone.accept
        if odd and accepted:
            yield Said(("zones", id_, "wiring"), f"{', '.join(odd)} here ({Accept.ODD_WORDS} is accepted)", Level.NOTE)
        elif odd:
            yield Said(
                ("zones", id_, "wiring"),
                f"{', '.join(odd)} here: write trouble or alarm, or take it with accept: [{Accept.ODD_WORDS}]",
                Level.FINDING,
            )
        elif accepted:
            yield Said(
                ("zones", id_, "accept"), f"{Accept.ODD_WORDS} is not the case here: take it away", Level.FINDING
            )


def silent_buttons_do_not_wait(look: Look) -> Iterator[Said]:
    """Hold-up and duress count from the first trustworthy read; every other critical role waits a second at most."""
    for id_, zone in look.settings.zones.items():
        place = ("zones", id_, "on_delay")
        if zone.on_delay is None or not zone.critical():
            continue
        if ROLES[zone.role].silent and zone.on_delay > 0:
            yield Said(place, f"{zone.role} has no delay: take it away")
        elif zone.on_delay > 1:
            yield Said(place, f"{zone.on_delay:g} s is above 1 s, the longest a critical zone may wait", Level.FINDING)


def limits_suit_the_role(look: Look) -> Iterator[Said]:
    """A measured value is no button."""
    for id_, zone in look.settings.zones.items():
        if isinstance(zone.wiring, LimitWiring) and ROLES[zone.role].silent:
            yield Said(("zones", id_, "wiring"), f"{zone.role} is a contact, and limits are for measured values")


def _line(link: Link) -> str | None:
    """What the link physically is, as far as its options say."""
    host, port = getattr(link.options, "host", None), getattr(link.options, "port", None)
    if isinstance(host, str):
        return f"{same_host(host)}:{port}"
    return port if isinstance(port, str) else None
