"""The settings of one branch as one frozen value, and the questions that many ask of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sentinel.core.codes import ROLES
from sentinel.core.model import Role, Severity
from sentinel.settings.place import Branch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sentinel.settings.equipment import Channel, Device, Link, Summary, Zone
    from sentinel.settings.people import Contact, Ladder, Path
    from sentinel.settings.place import Gateway, Room
    from sentinel.settings.recording import Telemetry

REQUIRED = ("branch", "paths", "links", "devices", "contacts", "ladders", "channels")
SECTIONS = (*REQUIRED, "zones", "summaries", "rooms", "telemetry", "gateway")
ID = re.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything an operator wrote for one branch. Mappings are by id, in the order of the file."""

    branch: Branch
    gateway: Gateway
    rooms: Mapping[str, Room]
    paths: Mapping[str, Path]
    links: Mapping[str, Link]
    devices: Mapping[str, Device]
    zones: Mapping[str, Zone]
    summaries: Mapping[str, Summary]
    contacts: Mapping[str, Contact]
    ladders: Mapping[str, Ladder]
    channels: Mapping[str, Channel]
    telemetry: Telemetry
    polled: Mapping[str, float]  # point -> seconds between two reads, as its driver plans them

    def address(self, contact: str, channel: str) -> str:
        """Where a letter goes, looked up when it is sent. SecretAbsentError when it is a secret that is not there."""
        address = self.contacts[contact].addresses[channel]
        return address if isinstance(address, str) else address.read().strip()

    def pushed(self, point: str) -> bool:
        """Whether a device tells this point by itself, and is not asked for it."""
        id_, _, inside = point.partition(".")
        device = self.devices.get(id_)
        described = None if device is None else device.described.get(inside)
        return described is not None and described.pushed

    def urgent_points(self, device: str) -> frozenset[str]:
        """The points of a device, by their names inside it, that are asked first: those of critical and high zones."""
        return frozenset(
            zone.point.partition(".")[2]
            for zone in self.zones.values()
            if zone.device() == device and ROLES[zone.role].severity in (Severity.CRITICAL, Severity.HIGH)
        )

    def rows(self) -> Mapping[tuple[Role, Severity], str]:
        """Which ladder an incident of each role and severity climbs: the first in the file that takes it."""
        found: dict[tuple[Role, Severity], str] = {}
        for role in Role:
            for severity in Severity:
                ladder = next((id_ for id_, ladder in self.ladders.items() if ladder.takes(role, severity)), None)
                if ladder is not None:
                    found[role, severity] = ladder
        return found


def nowhere() -> Branch:
    """Stands in while the rest of a file is judged whose own branch section is broken; never handed out."""
    names = {"en": "-", "hi": "अ"}
    return Branch.model_validate(
        {
            "id": "nowhere",
            "number": 1,
            "name": names,
            "bank": "-",
            "kind": "atm-lobby",
            "address": "-",
            "location": {"lat": 0, "lon": 0},
            "station": {"id": "nowhere", "name": names},
            "account": "000",
        }
    )
