"""Checks of who is told: paths, ladders, contacts. Each yields what is wrong with the places it looks at."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from sentinel.core.codes import ROLES, is_critical
from sentinel.core.model import Party, Role, Severity
from sentinel.settings.ends import address_of, end_of, plain, share_a_person, shared
from sentinel.settings.equipment import GATEWAYS_OWN
from sentinel.settings.people import PathKind, SinglePath
from sentinel.settings.problems import Level
from sentinel.settings.references import MAILBOX
from sentinel.settings.said import Said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sentinel.settings.people import Contact, Ladder, Tell
    from sentinel.settings.problems import Place
    from sentinel.settings.said import Look
    from sentinel.settings.site import Settings

LONGEST_ROUND_S = 15 * 60  # a critical incident that nobody answered is told again within this
NO_ROUND_S = 60 * 60  # beyond this it is as good as told once
LOUDEST_OF_OWN = {Role.LINK, Role.DEVICE, Role.PATH}  # high when critical points stand behind, or out of hours


def paths_are_apart(look: Look) -> Iterator[Said]:
    """Two paths on one interface die together: they are one."""
    seen: dict[str, str] = {}
    for id_, path in look.settings.paths.items():
        wire = path.wire()
        if wire is None or path.kind is PathKind.LOCAL:
            continue
        if wire in seen:
            yield Said(("paths", id_), f"is on {wire} like paths.{seen[wire]}: two paths on one interface are one")
        elif path.interface is not None and (first := next(iter(seen), None)) is not None:
            yield Said(
                ("paths", id_, "interface"),
                f"no channel is bound to {wire} yet, the routing table decides: see that each channel of this path "
                f"leaves by {wire} also while {first} is up",
                Level.NOTE,
            )
        seen.setdefault(wire, id_)


def everything_is_told_to_somebody(look: Look) -> Iterator[Said]:
    """Each role in use, and the gateway's own, has a ladder for its alarm and for its fault."""
    rows = look.settings.rows()
    for id_, zone in look.settings.zones.items():
        for severity in _arises(zone.role):
            if (zone.role, severity) not in rows:
                yield Said(("zones", id_, "role"), f"nobody is told of {zone.role} ({severity}): add it to a ladder")
    for severity in Severity:
        untold = [role for role in GATEWAYS_OWN if severity in _arises(role) and (role, severity) not in rows]
        if untold:
            roles = ", ".join(sorted(untold))
            yield Said(
                ("ladders",),
                f"nobody is told of the gateway's own {roles} ({severity}): end with a ladder without roles and severity",
            )


def critical_ladders_have_two_paths(look: Look) -> Iterator[Said]:
    """The first step of a critical ladder goes over two paths, or says that it cannot."""
    for id_, ladder in _critical_ladders(look.settings):
        place: Place = ("ladders", id_, "steps", 0)
        wires = {_path_of(look.settings, tell) for tell in ladder.steps[0].tell} - {None}
        if len(wires) >= 2:
            if ladder.single_path is not None:
                yield Said(("ladders", id_, "single_path"), "there are two paths now: take it away", Level.FINDING)
        elif ladder.single_path is SinglePath.ACCEPTED:
            yield Said(("ladders", id_, "single_path"), "one path only; accepted until there is a second", Level.NOTE)
        else:
            yield Said(
                place,
                f"a critical ladder's first step needs two paths, and has {len(wires)}: "
                "add a channel on another path, or write single_path: accepted",
            )


def critical_ladders_reach_two_ends(look: Look) -> Iterator[Said]:
    """The first step of a critical ladder reaches two ends that do not fail together."""
    for id_, ladder in _critical_ladders(look.settings):
        ends = [end for tell in ladder.steps[0].tell if (end := end_of(look, tell)) is not None]
        reasons = [shared(a, b) for a, b in combinations(ends, 2)]
        if ends and all(reasons):
            why = f"{reasons[0]}" if reasons else f"only {ends[0].name}"
            yield Said(
                ("ladders", id_, "steps", 0),
                f"a critical ladder's first step needs two ends that share no phone, person or server: {why}",
                Level.ERROR if ladder.single_path is None else Level.FINDING,
            )


def critical_ladders_start_at_once(look: Look) -> Iterator[Said]:
    """A critical incident waits for nothing, and the police or a room are on the first step."""
    for id_, ladder in _critical_ladders(look.settings):
        first = ladder.steps[0]
        if first.after > 0:
            yield Said(("ladders", id_, "steps", 0, "after"), "a critical ladder starts at once: write 0s")
        parties = {look.settings.contacts[t.contact].party for t in first.tell if t.contact in look.settings.contacts}
        if parties and not parties & {Party.POLICE, Party.ROOM}:
            yield Said(
                ("ladders", id_, "steps", 0),
                "neither the police nor a room is told on the first step of a critical ladder",
                Level.FINDING,
            )


def critical_ladders_come_round(look: Look) -> Iterator[Said]:
    """Whoever missed the first telling of a critical incident hears it again soon."""
    for id_, ladder in _critical_ladders(look.settings):
        if ladder.round > LONGEST_ROUND_S:
            yield Said(
                ("ladders", id_, "round"),
                f"{ladder.round:g} s is too long before a critical incident is told again: write 15m or less",
                Level.ERROR if ladder.round > NO_ROUND_S else Level.FINDING,
            )


def hold_ups_stay_silent(look: Look) -> Iterator[Said]:
    """Nobody who may stand beside the robber hears of a hold-up, nor does anything in the branch ring or show it."""
    inside = _inside(look)
    for id_, ladder in _silent_ladders(look.settings):
        for place, tell in _tells(id_, ladder):
            contact, channel = look.settings.contacts.get(tell.contact), look.settings.channels.get(tell.by)
            if contact is None or channel is None:
                continue
            path = look.settings.paths.get(channel.path)
            if contact.on_site:
                yield Said(place, f"{tell.contact} is on_site: tell the bank's off-site security officer")
                continue
            if contact.shared_group:
                yield Said(place, f"{tell.contact} is a shared group, and who reads it is not known: tell persons")
            if path is not None and path.kind is PathKind.LOCAL:
                yield Said(
                    place, f"{tell.by} sounds in the branch: a hold-up is silent; use the role panic to be heard"
                )
            if (beside := _beside(look.settings, contact)) is not None:
                yield Said(place, f"{tell.contact} and {beside}, who is on_site, are one person")
            address = address_of(look, contact, tell.by)
            if address is None and inside:
                yield Said(
                    place,
                    f"{tell.contact}'s address is a secret that is absent: not compared with those in the branch",
                    Level.NOTE,
                )
            elif address is not None and plain(address) in inside:
                yield Said(
                    place,
                    f"{tell.contact} by {tell.by} is the address of {inside[plain(address)]}: it rings in the branch",
                )


def _inside(look: Look) -> dict[str, str]:
    """The addresses that ring or show in the branch, and whose each is."""
    inside = {plain(address): "the branch (own_addresses)" for address in look.settings.branch.own_addresses}
    for id_, contact in look.settings.contacts.items():
        for channel in contact.addresses if contact.on_site else ():
            address = address_of(look, contact, channel)
            if address is not None:
                inside.setdefault(plain(address), f"{id_}, who is on_site")
    return inside


def _beside(settings: Settings, contact: Contact) -> str | None:
    """The post on site that a person of this contact holds too."""
    return next(
        (id_ for id_, other in settings.contacts.items() if other.on_site and share_a_person(contact, other)), None
    )


def rooms_can_answer_for_whom_they_tell(look: Look) -> Iterator[Said]:
    """A station that is told through a room must be able to answer through it, or its ladder never rests."""
    for id_, contact in look.settings.contacts.items():
        for address in contact.addresses.values():
            room = look.settings.rooms.get(address) if isinstance(address, str) else None
            if contact.party is Party.POLICE and room is not None and Party.POLICE not in room.may_speak_for:
                yield Said(
                    ("rooms", str(address)),
                    f"{id_} is told here and cannot answer from here: write may_speak_for: [police]",
                    Level.FINDING,
                )


def secret_mailboxes_are_mailboxes(look: Look) -> Iterator[Said]:
    """A secret that is no mailbox would fail at the first press. Its value is never quoted."""
    for id_, contact in look.settings.contacts.items():
        for by, address in contact.addresses.items():
            channel = look.settings.channels.get(by)
            if isinstance(address, str) or channel is None or channel.kind != "email":
                continue
            shown = address_of(look, contact, by)
            if shown is not None and not MAILBOX.fullmatch(shown):
                yield Said(("contacts", id_, "addresses", by), "the secret there holds no mailbox: name@server.example")


def everybody_is_used(look: Look) -> Iterator[Said]:
    """What nobody uses is often a slip of the pen."""
    told = {tell.contact for id_, ladder in look.settings.ladders.items() for _, tell in _tells(id_, ladder)}
    for id_ in look.settings.contacts:
        if id_ not in told:
            yield Said(("contacts", id_), "is on no ladder and will never be told", Level.NOTE)
    rows = set(look.settings.rows().values())
    for id_ in look.settings.ladders:
        if id_ not in rows:
            yield Said(("ladders", id_), "comes too late: the ladders above it take everything it names", Level.FINDING)


def _arises(role: Role) -> set[Severity]:
    """The severities in which a role comes up and somebody must hear of it."""
    rule = ROLES[role]
    arises = {rule.severity} | ({Severity.HIGH} if role in LOUDEST_OF_OWN or role is Role.OPENING else set())
    if role not in GATEWAYS_OWN:
        arises.add(rule.trouble_severity)
    return arises - {Severity.INFO}


def _critical_ladders(settings: Settings) -> Iterator[tuple[str, Ladder]]:
    """The ladders that a critical incident of this branch would climb."""
    return _ladders_for(settings, {role for role in Role if is_critical(role)})


def _silent_ladders(settings: Settings) -> Iterator[tuple[str, Ladder]]:
    """The ladders that a hold-up or duress of this branch would climb."""
    return _ladders_for(settings, {role for role in Role if ROLES[role].silent})


def _ladders_for(settings: Settings, roles: set[Role]) -> Iterator[tuple[str, Ladder]]:
    in_use = {zone.role for zone in settings.zones.values()}
    rows = settings.rows()
    for id_, ladder in settings.ladders.items():
        meant = roles & (in_use | set(ladder.roles or ()))
        if any(rows.get((role, Severity.CRITICAL)) == id_ for role in meant):
            yield id_, ladder


def _tells(id_: str, ladder: Ladder) -> Iterator[tuple[Place, Tell]]:
    for s, step in enumerate(ladder.steps):
        for t, tell in enumerate(step.tell):
            yield ("ladders", id_, "steps", s, "tell", t), tell


def _path_of(settings: Settings, tell: Tell) -> str | None:
    """The physical way a telling leaves by; nothing that stays in the branch counts."""
    channel = settings.channels.get(tell.by)
    path = settings.paths.get(channel.path) if channel is not None else None
    return path.wire() if path is not None and path.kind is not PathKind.LOCAL else None
