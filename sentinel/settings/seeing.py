"""Checks of recorders and cameras: what must be seen, what is kept, and whose account the gateway uses."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from sentinel.core.model import Sight
from sentinel.core.words import SIGHTS
from sentinel.ports import Speech
from sentinel.settings.equipment import cameras_of
from sentinel.settings.explain import did_you_mean
from sentinel.settings.hours import SiteKind
from sentinel.settings.problems import Level
from sentinel.settings.said import Said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sentinel.settings.said import Look

# Makers' own accounts, as `drivers.recorder` knows them; a test holds the two together.
FACTORY = frozenset({"admin", "root", "888888", "666666", "default", "user"})
KEPT_DAYS = (30, 90, 180)  # what banks and police ask for
# What the police of a district ask of a branch: inside, outside, all four sides and the road.
SUGGESTED = {
    SiteKind.ATM_LOBBY: (Sight.ENTRANCE, Sight.ATM, Sight.FRONT, Sight.ROAD),
    SiteKind.BRANCH: (
        Sight.ENTRANCE, Sight.CASH_COUNTER, Sight.HALL, Sight.STRONG_ROOM,
        Sight.FRONT, Sight.BACK, Sight.LEFT, Sight.RIGHT, Sight.ROAD,
    ),
    SiteKind.CURRENCY_CHEST: (
        Sight.ENTRANCE, Sight.HALL, Sight.STRONG_ROOM,
        Sight.FRONT, Sight.BACK, Sight.LEFT, Sight.RIGHT, Sight.ROAD,
    ),
}  # fmt: skip


def places_are_seen(look: Look) -> Iterator[Said]:
    """Each place that must be seen has a camera that is meant to see it."""
    branch, devices = look.settings.branch, look.settings.devices
    cameras = [camera for device in devices.values() for camera in cameras_of(device).values()]
    if not branch.must_see:
        if cameras:
            every = ", ".join(SUGGESTED[branch.kind])
            yield Said(
                ("branch",),
                f"must_see is missing: nobody notices a side without a camera; write must_see: [{every}]",
                Level.FINDING,
            )
        return
    seen = {sight for camera in cameras for sight in camera.sees}
    for sight in branch.must_see:
        accepted = sight in branch.not_seen_accepted
        name = SIGHTS[sight].en
        if sight not in seen:
            yield Said(
                ("branch", "must_see"),
                f"no camera sees {name}"
                + (
                    " (accepted)"
                    if accepted
                    else f": add {sight} to what a camera sees, or take it with not_seen_accepted: [{sight}]"
                ),
                Level.NOTE if accepted else Level.FINDING,
            )
        elif accepted:
            yield Said(("branch", "not_seen_accepted"), f"a camera sees {name} now: take {sight} away", Level.FINDING)
    for sight in branch.not_seen_accepted:
        if sight not in branch.must_see:
            yield Said(("branch", "not_seen_accepted"), f"{sight} is not in must_see: take it away", Level.FINDING)


def cameras_watch_zones(look: Look) -> Iterator[Said]:
    """Pictures are kept at the alarm of a zone that exists."""
    for id_, device in look.settings.devices.items():
        for name, camera in cameras_of(device).items():
            for w, zone in enumerate(camera.watches):
                if zone not in look.settings.zones:
                    yield Said(
                        ("devices", id_, "cameras", name, "watches", w),
                        f"there is no zone '{zone}'; {did_you_mean(zone, look.settings.zones)}",
                    )


def recorders_are_asked_as_themselves(look: Look) -> Iterator[Said]:
    """The maker's own account opens everything to whoever finds the password, and its lock shuts everybody out."""
    for id_, link in look.settings.links.items():
        username = getattr(link.options, "username", None)
        if isinstance(username, str) and username.lower() in FACTORY:
            yield Said(
                ("links", id_, "username"),
                f"{username} is the recorder's own master account: make an operator account of the gateway's own",
                Level.FINDING,
            )


def recorders_are_near_or_behind_tls(look: Look) -> Iterator[Said]:
    """Over a network of strangers what a recorder says can be read and made up."""
    for id_, link in look.settings.links.items():
        host = getattr(link.options, "host", None)
        if link.speech not in (Speech.HTTP, Speech.RTSP) or not isinstance(host, str) or _nearby(host):
            continue
        if getattr(link.options, "tls", "off") == "off":
            remedy = "write tls: verify, or " if link.speech is Speech.HTTP else ""
            yield Said(
                ("links", id_, "host"),
                f"{host} is not in this building, and nothing on the way is encrypted: {remedy}use its address here",
                Level.FINDING,
            )


def _nearby(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        name = host.rstrip(".").lower()
        return "." not in name or name.rpartition(".")[2] in ("local", "lan", "internal", "home", "arpa")
    return address.is_private or address.is_loopback or address.is_link_local


def footage_is_kept_as_long_as_it_is_asked_for(look: Look) -> Iterator[Said]:
    """Another number than banks and police use is often a slip of the pen."""
    for id_, device in look.settings.devices.items():
        days = getattr(getattr(device.options, "footage", None), "days", None)
        if isinstance(days, int) and days not in KEPT_DAYS:
            yield Said(
                ("devices", id_, "footage", "days"),
                f"{days} days; banks and police ask for {', '.join(map(str, KEPT_DAYS[:-1]))} or {KEPT_DAYS[-1]}",
                Level.NOTE,
            )
