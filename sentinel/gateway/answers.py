"""What comes back: a room's events and the local socket's requests, as events for the desk.

The authority of an answer is set here by how it came (`via`), and nowhere from what it says. Pure.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sentinel.core.authority import Command, CommandKind
from sentinel.core.facts import Disposition
from sentinel.core.model import Party, Via

if TYPE_CHECKING:
    from datetime import datetime

    from sentinel.gateway.exchange import RoomCommand

HERE_S = 30.0  # a request from this machine is carried out at once or not at all


def by_room(command: RoomCommand, name: str, number: int) -> Command:
    """A room's command. `name`: the reference of `by_name` beside the chain; `number`: the branch's."""
    known = str(command.kind) in list(CommandKind)
    disposition = command.arg("disposition")
    return Command(
        id=f"{command.room}/{command.id}",
        kind=CommandKind(str(command.kind)) if known else CommandKind.OTHER,
        code=code_in(str(command.arg("incident") or ""), number),
        by=command.room,
        name=name,
        claims=Party(command.by_role) if command.by_role in list(Party) else Party.OTHER,
        via=Via.ROOM,
        until=command.until,
        disposition=None if disposition is None else Disposition(str(disposition)),
        word=str(command.kind),
    )


def here(via: Via, code: str, who: str, name: str, request: str, now: datetime) -> Command:
    """An acknowledgement from this machine, by its socket or its page: the branch's authority at most.

    `who`: a contact id, or "local". `code`: as `code_in` gives it.
    """
    return Command(
        id=f"{via}/{request}",
        kind=CommandKind.ACKNOWLEDGE,
        code=code,
        by=who,
        name=name,
        claims=Party.BANK,
        via=via,
        until=now + timedelta(seconds=HERE_S),
    )


def code_in(text: str, number: int) -> str:
    """The incident's code, with or without the branch's number before it ("17-4821" -> "4821").

    With another branch's number it is no code of ours, and stays as it is.
    """
    text = text.strip()
    branch, dash, code = text.rpartition("-")
    return text if dash and branch.lstrip("0") != str(number) else code
