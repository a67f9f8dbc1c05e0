"""Where a telling arrives, and whether two of them fail together: one contact, address, person or server.

Secret addresses are compared by what `reveal` shows, else by their place.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentinel.settings.people import Contact, Tell
    from sentinel.settings.said import Look

NUMBER_TAIL = 10  # a mobile number in India, without trunk or country code


@dataclass(frozen=True, slots=True)
class End:
    """Where a telling arrives, as far as the settings show it."""

    name: str
    contact_id: str
    contact: Contact
    address: str  # plain; a secret that is not revealed, by its place
    servers: frozenset[str]


def end_of(look: Look, tell: Tell) -> End | None:
    contact, channel = look.settings.contacts.get(tell.contact), look.settings.channels.get(tell.by)
    if contact is None or channel is None or tell.by not in contact.addresses:
        return None
    address = address_of(look, contact, tell.by)
    host = getattr(channel.options, "host", None)
    servers = {same_host(host)} if isinstance(host, str) else set()
    if address is not None and "@" in address:
        servers.add(same_host(address.rpartition("@")[2]))
    known = plain(address) if address is not None else str(contact.addresses[tell.by])
    return End(f"{tell.contact} by {tell.by}", tell.contact, contact, known, frozenset(servers))


def shared(a: End, b: End) -> str | None:
    """Why two ends are not two, or None."""
    if a.contact_id == b.contact_id:
        return f"{a.name} and {b.name} are one contact"
    if a.address == b.address:
        return f"{a.name} and {b.name} have one address"
    if share_a_person(a.contact, b.contact):
        return f"{a.name} and {b.name} share a person"
    if a.servers & b.servers:
        return f"{a.name} and {b.name} share the server {min(a.servers & b.servers)}"
    return None


def share_a_person(a: Contact, b: Contact) -> bool:
    """Whether one person holds both posts on some day."""
    return any(
        person.name.casefold() == other.name.casefold() and person.overlaps(other)
        for person in a.persons
        for other in b.persons
    )


def address_of(look: Look, contact: Contact, channel: str) -> str | None:
    """The address as text; None when it is a secret that is not there."""
    address = contact.addresses.get(channel)
    if address is None or isinstance(address, str):
        return address
    shown = look.reveal(address)
    return None if shown is None else shown.strip()


def plain(address: str) -> str:
    """One spelling for one address: the last ten digits of a number, a mailbox in small letters without its +tag."""
    text = address.strip().casefold().removeprefix("tel:")
    if "@" in text:
        local, _, domain = text.rpartition("@")
        return f"{local.partition('+')[0]}@{domain}"
    digits = "".join(str(int(c)) for c in text if c.isdecimal())  # of any script
    return digits[-NUMBER_TAIL:] if digits and not any(c.isalpha() for c in text) else text


def same_host(host: str) -> str:
    """One spelling for one host: capitals, a dot at the end and a long IPv6 address make no other."""
    try:
        return str(ipaddress.ip_address(host.strip()))
    except ValueError:
        return host.strip().casefold().rstrip(".")
