"""What several scenes do and look for: an officer's answer, a fault that is mended, a part of the branch that goes dark."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sentinel.core.facts import Answered, Disposition, IncidentCleared, IncidentOpened, NoticeQueued
from sentinel.core.incident import NoticeState
from sentinel.core.model import Party, Severity
from sentinel.demo.outside import WELL
from sentinel.gateway.exchange import CommandKind

if TYPE_CHECKING:
    from sentinel.core.incident import Incident
    from sentinel.demo.outside import Shown
    from sentinel.demo.stage import Stage

OFFICER = "HC R. Verma"
STEADY_S = 1.0


async def settled(stage: Stage) -> Shown:
    """What the branch shows once the last letters of the scene before have left."""
    before = await stage.outside.shown()
    while True:
        await asyncio.sleep(STEADY_S)
        if (shown := await stage.outside.shown()) == before:
            return shown
        before = shown


async def delivered(stage: Stage, one: Incident) -> None:
    await stage.see(
        "the notice to the station's desk is delivered: the room's receipt is in",
        lambda: stage.outside.notice(one.code, "thana", "room") is NoticeState.DELIVERED,
        5,
    )


async def answer(stage: Stage, one: Incident, kind: CommandKind) -> None:
    """An officer answers by the room's credential, and the answer comes back as a fact."""
    room, outside = stage.town.room, stage.outside
    before = len(answers(stage, one))
    room.command(outside.branch, kind, name=OFFICER, role="police", incident=one.code)
    await stage.see(
        f"{kind}: a fact, with the authority of the police",
        lambda: (
            [fact.party for fact in answers(stage, one)[before:]] == [Party.POLICE] and outside.state().find(one.code)
        ),
        5,
    )


async def close(stage: Stage, one: Incident, disposition: Disposition) -> None:
    room, outside = stage.town.room, stage.outside
    room.command(
        outside.branch, CommandKind.CLOSE, name=OFFICER, role="police", incident=one.code, disposition=str(disposition)
    )
    await stage.see(f"closed by the station as {disposition}", lambda: closed(stage, one, disposition), 5)
    await stage.see("the station house officer reads", lambda: outside.mail("sho", "मामला बंद", one.code), 5)


async def restored(stage: Stage, one: Incident, contact: str, name: str) -> None:
    await stage.see("closed by itself", lambda: closed(stage, one, Disposition.RESTORED), 12)
    await stage.see("who was told is told", lambda: stage.outside.mail(contact, f"ठीक हुआ: {name}", one.code), 3)


async def goes_dark(stage: Stage, subject: str, name: str, behind: frozenset[str]) -> None:
    """One high incident that names what it hides, told; and the branch shows all of it as unknown."""
    outside = stage.outside
    before = sum(isinstance(one.fact, IncidentOpened) for one in outside.facts())
    one = await stage.see("the room has one incident", lambda: outside.opened(subject), 10)
    stage.check("high, for a hold-up button stands behind it", holds=one.severity is Severity.HIGH)
    stage.check(f"it folds {len(behind)} zones", holds=set(one.hides) == behind)
    await stage.see(
        "the bank's security officer reads", lambda: outside.mail("security-officer", f"खराबी: {name}", one.code), 3
    )
    await stage.see_branch(
        "the branch shows each of them as unknown, none as normal",
        lambda shown: {zone for zone, state in shown.zones.items() if state == "unknown"} == behind,
        4,
    )
    opened = sum(isinstance(one.fact, IncidentOpened) for one in outside.facts()) - before
    stage.check("one incident, not one for each zone", holds=opened == 1)


async def comes_back(stage: Stage, subject: str, name: str) -> None:
    outside = stage.outside
    one = outside.opened(subject)
    stage.check("it stands until then", holds=one is not None)
    assert one is not None
    await restored(stage, one, "security-officer", name)
    await stage.see_branch("every zone is known again", all_is_well, 5)


def all_is_well(shown: Shown) -> bool:
    return all(state in WELL for state in shown.zones.values()) and not shown.incidents["open"]


def cleared(stage: Stage, one: Incident) -> bool:
    return any(isinstance(r.fact, IncidentCleared) and r.fact.code == one.code for r in stage.outside.facts())


def closed(stage: Stage, one: Incident, disposition: Disposition) -> Incident | None:
    found = stage.outside.state().find(one.code)
    return found if found is not None and found.disposition is disposition else None


def answers(stage: Stage, one: Incident) -> list[Answered]:
    return [r.fact for r in stage.outside.facts() if isinstance(r.fact, Answered) and r.fact.code == one.code]


def answered(stage: Stage, one: Incident, party: Party) -> bool:
    return [fact.party for fact in answers(stage, one)] == [party]


def alarms(stage: Stage, one: Incident, contact: str = "") -> int:
    """How often anybody (or this contact) was told of it, follow-ups not counted."""
    queued = [r.fact for r in stage.outside.facts() if isinstance(r.fact, NoticeQueued)]
    return sum(fact.code == one.code and fact.step >= 0 and contact in ("", fact.contact) for fact in queued)
