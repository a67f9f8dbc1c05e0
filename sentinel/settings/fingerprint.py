"""A config as plain data that may be kept for life: secrets as references, people and numbers masked; and its hash.

What is masked keeps an eight-bit tag: a changed number shows as changed and cannot be worked back to the old one.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from sentinel.core.codes import ROLES
from sentinel.ports import Secret
from sentinel.settings.policy import zones

if TYPE_CHECKING:
    from sentinel.settings.people import Contact, Ladder
    from sentinel.settings.site import Settings

Plain = dict[str, Any]  # JSON

_PRIVATE = re.compile(
    r"password|passphrase|secret|token|pin|key"
)  # a stranger's option that should have been a reference
_HIDDEN = "***"
_NUMBERED = re.compile(r"(?:\D*\d){6}")


def fingerprint(settings: Settings) -> tuple[str, Plain]:
    """The hash, 64 hexadecimal digits, and the redacted config that it is of."""
    canonical = _canonical(settings)
    text = json.dumps(canonical, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest(), canonical


def masked(text: str) -> str:
    """A mailbox without its name, a number without all but its last two digits, anything else its first letter."""
    text = text.strip()
    tag = hashlib.blake2b(text.casefold().encode(), digest_size=1).hexdigest()
    if "@" in text:
        return f"{_HIDDEN}@{text.rpartition('@')[2]}~{tag}"
    if _NUMBERED.match(text):
        return f"{_HIDDEN}{''.join(c for c in text if c.isdigit())[-2:]}~{tag}"
    return f"{text[:1]}{_HIDDEN}~{tag}"


def _canonical(settings: Settings) -> Plain:
    branch: Plain = _plain(settings.branch)
    branch["own_addresses"] = [masked(address) for address in settings.branch.own_addresses]
    effective = {zone.id: zone for zone in zones(settings)}
    return {
        "branch": branch,
        "gateway": _plain(settings.gateway),
        "rooms": _plain(settings.rooms),
        "paths": _plain(settings.paths),
        "links": {id_: {"kind": x.kind, "options": _plain(x.options)} for id_, x in settings.links.items()},
        "devices": {
            id_: {"name": _plain(x.name), "link": x.link, "driver": x.driver, "options": _plain(x.options)}
            for id_, x in settings.devices.items()
        },
        "zones": {
            id_: {
                **_plain(zone),
                "severity": str(ROLES[zone.role].severity),
                "on_delay": effective[id_].on_delay_s,
                "off_delay": effective[id_].off_delay_s,
                "stale_after": effective[id_].stale_after_s,
                "polled": settings.polled.get(zone.point),
            }
            for id_, zone in settings.zones.items()
        },
        "summaries": _plain(settings.summaries),
        "contacts": {id_: _contact(contact) for id_, contact in settings.contacts.items()},
        "ladders": {id_: _ladder(ladder) for id_, ladder in settings.ladders.items()},
        "channels": {
            id_: {"kind": x.kind, "path": x.path, "limit": _plain(x.limit), "options": _plain(x.options)}
            for id_, x in settings.channels.items()
        },
        "telemetry": _plain(settings.telemetry),
        "told": {f"{role} {severity}": ladder for (role, severity), ladder in settings.rows().items()},
    }


def _contact(contact: Contact) -> Plain:
    plain: Plain = _plain(contact)
    plain["persons"] = [{**_plain(person), "name": masked(person.name)} for person in contact.persons]
    plain["addresses"] = {
        channel: _address(address) if isinstance(address, str) else str(address)
        for channel, address in contact.addresses.items()
    }
    return plain


def _address(address: str) -> str:
    """A room's id is no secret; a mailbox or a number is somebody's."""
    return masked(address) if "@" in address or _NUMBERED.match(address) else address


def _ladder(ladder: Ladder) -> Plain:
    plain: Plain = _plain(ladder)
    plain["steps"] = {
        str(number): {"after": step.after, "tell": {f"{t.contact} by {t.by}": True for t in step.tell}}
        for number, step in enumerate(ladder.steps, start=1)
    }
    return plain


def _plain(value: Any, key: str = "") -> Any:
    """Any value of the settings as JSON has it."""
    match value:
        case BaseModel():
            return {name: _plain(getattr(value, name), name) for name in type(value).model_fields}
        case Mapping():
            return {str(k): _plain(v, str(k)) for k, v in value.items()}
        case Enum():
            return _plain(value.value)
        case str() if key and _PRIVATE.search(key):
            return _HIDDEN
        case None | bool() | int() | float() | str():
            return value
        case date():
            return value.isoformat()
        case tuple() | list() | set() | frozenset():
            return [_plain(item, key) for item in value]
        case Secret():
            return str(value)
        case _:
            return f"<{type(value).__name__}>"
