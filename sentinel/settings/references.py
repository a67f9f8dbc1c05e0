"""Every name in a config that points at another entry: it must exist. Ids that are declared but broken count as there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sentinel.settings.equipment import words
from sentinel.settings.explain import did_you_mean
from sentinel.settings.said import Said
from sentinel.settings.wiring import BandWiring, ContactWiring, LimitWiring, StateWiring

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from sentinel.settings.equipment import Channel, Wired
    from sentinel.settings.people import Tell
    from sentinel.settings.problems import Place
    from sentinel.settings.site import Settings

# What the email channel sends to, and a dot in the server's name.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,64}"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
MAILBOX = re.compile(rf"{_ATOM}(?:\.{_ATOM}){{0,15}}@{_LABEL}(?:\.{_LABEL}){{1,15}}")
_ONE = {
    "links": "link",
    "devices": "device",
    "paths": "path",
    "channels": "channel",
    "contacts": "contact",
    "rooms": "room",
}


def references(settings: Settings, declared: Mapping[str, Collection[str]]) -> Iterator[Said]:
    """One error for each name that leads nowhere."""
    for id_, device in settings.devices.items():
        yield from _known(("devices", id_, "link"), "links", device.link, declared)
    for id_, channel in settings.channels.items():
        yield from _known(("channels", id_, "path"), "paths", channel.path, declared)
        for r, room in enumerate(_rooms(channel) or ()):
            yield from _known(("channels", id_, "rooms", r), "rooms", room, declared)
    for section in ("zones", "summaries"):
        wired: Mapping[str, Wired] = getattr(settings, section)
        for id_, zone in wired.items():
            yield from _known((section, id_, "point"), "devices", zone.device(), declared)
            yield from _point(settings, (section, id_), zone)
    for id_, contact in settings.contacts.items():
        for channel_id, address in contact.addresses.items():
            place = ("contacts", id_, "addresses", channel_id)
            yield from _known(place, "channels", channel_id, declared)
            by = settings.channels.get(channel_id)
            if by is None or not isinstance(address, str):
                continue
            rooms = _rooms(by)
            if rooms is not None and address not in rooms:  # over such a channel letters go to a room
                yield Said(place, f"{channel_id} serves no room '{address}'; {did_you_mean(address, rooms)}")
            elif by.kind == "email" and not MAILBOX.fullmatch(address):
                yield Said(place, "is no mailbox: write name@server.example")
    for id_, ladder in settings.ladders.items():
        for s, step in enumerate(ladder.steps):
            for t, tell in enumerate(step.tell):
                yield from _tell(settings, ("ladders", id_, "steps", s, "tell", t), tell, declared)


def _rooms(channel: Channel) -> tuple[str, ...] | None:
    """The control rooms that a channel serves; None for a channel that goes to people's own addresses."""
    rooms = getattr(channel.options, "rooms", None)
    return rooms if isinstance(rooms, tuple) else None


def _known(place: Place, section: str, name: str, declared: Mapping[str, Collection[str]]) -> Iterator[Said]:
    known = declared.get(section, ())
    if name not in known:
        yield Said(place, f"there is no {_ONE[section]} '{name}'; {did_you_mean(name, known)}")


def _tell(settings: Settings, place: Place, tell: Tell, declared: Mapping[str, Collection[str]]) -> Iterator[Said]:
    yield from _known((*place, "contact"), "contacts", tell.contact, declared)
    yield from _known((*place, "by"), "channels", tell.by, declared)
    contact = settings.contacts.get(tell.contact)
    if contact is not None and tell.by in declared.get("channels", ()) and tell.by not in contact.addresses:
        yield Said((*place, "by"), f"{tell.contact} has no address for {tell.by}: add it to contacts.{tell.contact}")


def _point(settings: Settings, place: Place, zone: Wired) -> Iterator[Said]:
    device = settings.devices.get(zone.device())
    if device is None or device.points is None:
        return
    name = zone.point.partition(".")[2]
    point = device.points.get(name)
    if point is None:
        yield Said((*place, "point"), f"{zone.device()} has no point '{name}'; {did_you_mean(name, device.points)}")
        return
    wanted, way = _wanted(zone)
    if point.gives != wanted:
        yield Said((*place, "wiring"), f"{zone.point} gives a {point.gives}, and {way} reads a {wanted}")
    elif isinstance(zone.wiring, StateWiring):
        known = words(point)
        for state in zone.wiring.states:
            if state not in known:
                yield Said(
                    (*place, "wiring", "states", state),
                    f"{zone.point} never says '{state}'; {did_you_mean(state, known)}",
                )


def _wanted(zone: Wired) -> tuple[str, str]:
    match zone.wiring:
        case ContactWiring():
            return "bool", "contact"
        case BandWiring():
            return "number", "bands"
        case LimitWiring():
            return "number", "low/high"
        case StateWiring():
            return "word", "states"
