"""What an answer may do. It follows from the credential and channel it came by, never from the name in it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sentinel.core.facts import ClockQuality, Disposition
from sentinel.core.model import Party, Severity, Via

if TYPE_CHECKING:
    from datetime import datetime

    from sentinel.core.incident import Incident, State
    from sentinel.core.model import Policy


class CommandKind(StrEnum):
    """What a person or a room may ask for in this version."""

    ACKNOWLEDGE = "acknowledge"
    DISPATCH = "dispatch"
    ARRIVE = "arrive"
    CLOSE = "close"
    ESCALATE = "escalate"
    MISTAKE = "mistake"
    OTHER = "other"  # anything else that arrived: refused, and a fact


ACTUATING = frozenset({CommandKind.ESCALATE})  # refused while the clock cannot be believed; answers are taken


@dataclass(frozen=True, slots=True)
class Command:
    """Something a person asked for. `claims` is the party they say they are; `via` is how it came and what counts."""

    id: str
    kind: CommandKind
    code: str
    by: str  # contact, account or room id
    name: str  # reference to the name beside the chain
    claims: Party
    via: Via
    until: datetime
    disposition: Disposition | None = None
    word: str = ""  # the kind as it arrived, for OTHER


def party(policy: Policy, command: Command) -> Party:
    """Whom this command speaks for, at most."""
    match command.via:
        case Via.SOCKET | Via.PAGE:
            return command.claims if command.claims in (Party.SERVICE, Party.OTHER) else Party.BANK
        case Via.ROOM:
            granted = dict(policy.room_grants).get(command.by, ())
            return command.claims if command.claims in granted else Party.ROOM
        case Via.EMAIL:  # whoever writes a From line is whoever he says
            return Party.OTHER
        case Via.SMS | Via.VOICE:
            return next((one.party for one in policy.contacts if one.id == command.by), Party.OTHER)
        case Via.STATION:
            return Party.POLICE


def refusal(state: State, policy: Policy, command: Command, now: datetime) -> str:
    """Why this command does nothing, or "" when it may be carried out."""
    if command.kind is CommandKind.OTHER:
        return f"unknown-command:{command.word[:40]}"
    if command.id in state.commands:
        return "repeated"
    unsure = state.clock is not ClockQuality.SYNCED
    if command.until <= now and not unsure:
        return "expired"
    if unsure and command.kind in ACTUATING:
        return "clock-not-synchronised"
    incident = state.open(command.code)
    if incident is None or (incident.silent and command.via in (Via.SOCKET, Via.PAGE)):
        return "no-such-incident"  # nothing said in the branch may show that a hold-up is known
    speaks_for = party(policy, command)
    if speaks_for is Party.OTHER:
        return "not-entitled"
    if command.via is Via.ROOM and speaks_for is not command.claims:
        return f"room-may-not-speak-for-{command.claims}"
    return _for_incident(incident, command, speaks_for)


def _for_incident(incident: Incident, command: Command, speaks_for: Party) -> str:
    strong = command.via in (Via.ROOM, Via.STATION) and speaks_for is Party.POLICE
    match command.kind:
        case CommandKind.DISPATCH | CommandKind.ARRIVE | CommandKind.CLOSE if (
            incident.severity is Severity.HIGH and speaks_for is Party.ROOM
        ):  # of itself a room sends nobody and judges nothing: it acknowledges and escalates
            return "room-may-not-speak-for-itself"
        case CommandKind.DISPATCH | CommandKind.ARRIVE if incident.severity is Severity.CRITICAL and not strong:
            return "needs-a-station-or-room-account"
        case CommandKind.CLOSE if command.disposition in (None, Disposition.RESTORED):
            return "needs-a-disposition"
        case CommandKind.CLOSE if incident.severity is Severity.CRITICAL and not strong:
            return "needs-a-station-or-room-account"
        case CommandKind.MISTAKE if speaks_for is not Party.BANK:
            return "only-the-bank-reports-a-mistake"
        case _:
            return ""
