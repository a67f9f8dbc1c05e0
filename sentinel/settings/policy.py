"""The part of the settings that deciding needs, as core's own values. Pure; called at each start and reload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sentinel.core import model
from sentinel.core.codes import ROLES
from sentinel.core.model import Role

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sentinel.settings.equipment import Wired
    from sentinel.settings.people import Ladder, Tell
    from sentinel.settings.site import Settings

STALE_AT_LEAST_S = 10.0  # a link that mends itself within this is no trouble
STALE_READS = 5  # reads that may be missed before a value is unknown
STALE_SIGNS = 3  # and signs of life of a device that speaks by itself


def policy(settings: Settings) -> model.Policy:
    """What `decide` and `detect` are handed."""
    ladders = {id_: _ladder(settings, id_, ladder) for id_, ladder in settings.ladders.items()}
    return model.Policy(
        branch=settings.branch.id,
        number=settings.branch.number,
        zones=tuple(zones(settings)),
        devices=tuple(_devices(settings)),
        contacts=tuple(
            model.Contact(id_, contact.party, contact.on_site, contact.language)
            for id_, contact in settings.contacts.items()
        ),
        ladders=tuple((role, severity, ladders[id_]) for (role, severity), id_ in settings.rows().items()),
        room_grants=tuple((id_, room.may_speak_for) for id_, room in settings.rooms.items()),
    )


def zones(settings: Settings) -> Iterator[model.Zone]:
    """Zones, then summaries; delays that are not written are the role's own."""
    for id_, zone in settings.zones.items():
        yield _zone(settings, id_, zone, zone.role)
    for id_, summary in settings.summaries.items():
        yield _zone(settings, id_, summary, Role.SUMMARY)


def _zone(settings: Settings, id_: str, wired: Wired, role: Role) -> model.Zone:
    rule = ROLES[role]
    interval_s = settings.polled.get(wired.point, 0.0)
    pushed = settings.pushed(wired.point)  # a panel has waited itself; its alarm and restore may come in one piece
    missed = STALE_SIGNS if pushed else STALE_READS
    on_s = 0.0 if pushed else rule.on_delay_s
    stale_s = wired.stale_after or max(STALE_AT_LEAST_S, missed * interval_s)
    return model.Zone(
        id=id_,
        point=wired.point,
        role=role,
        name=wired.name.text(),
        sense=wired.wiring.sense(),
        on_delay_s=on_s if wired.on_delay is None else wired.on_delay,
        off_delay_s=rule.off_delay_s if wired.off_delay is None else wired.off_delay,
        stale_after_s=stale_s,
    )


def _devices(settings: Settings) -> Iterator[model.Device]:
    for id_, device in settings.devices.items():
        names = device.points or [
            zone.point.partition(".")[2]
            for zone in (*settings.zones.values(), *settings.summaries.values())
            if zone.device() == id_
        ]
        yield model.Device(id_, device.link, device.name.text(), tuple(f"{id_}.{name}" for name in names))


def _ladder(settings: Settings, id_: str, ladder: Ladder) -> model.Ladder:
    steps = tuple(
        model.Step(int(step.after), tuple(_target(settings, tell) for tell in step.tell)) for step in ladder.steps
    )
    return model.Ladder(id_, steps, int(ladder.round))


def _target(settings: Settings, tell: Tell) -> model.Target:
    contact = settings.contacts[tell.contact]
    return model.Target(
        contact=tell.contact,
        channel=tell.by,
        path=settings.channels[tell.by].path,
        language=contact.language,
        party=contact.party,
        on_site=contact.on_site,
    )
