"""What is carried over into another journal amounts to what was open, whatever the other one holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from sentinel.core import facts
from sentinel.core.authority import CommandKind
from sentinel.core.decide import Report
from sentinel.core.facts import ClockQuality, Disposition, Recorded
from sentinel.core.incident import NoticeState, State, evolve
from sentinel.core.model import Condition, Party, Role, Via
from sentinel.duty.carrying import carried, nameless
from tests.core.branch import NOON, Life, alarm, over, trouble

if TYPE_CHECKING:
    from sentinel.core.incident import Incident


def a_day() -> Life:
    """Things open in every way that there is."""
    life = Life()
    life.press("fire", Role.FIRE)
    life.deliver("1000")
    life.command(CommandKind.ACKNOWLEDGE, "1000", by="officer", via=Via.SMS, name="n1")
    life.do(over("fire", Role.FIRE))
    hold_up = life.press().code
    first, second = life.incident(hold_up).notices
    life.do(Report(first, NoticeState.SENT, 1))
    life.do(Report(second, NoticeState.FAILED, 1, "550"))
    life.police(CommandKind.ARRIVE, hold_up)
    life.now += timedelta(minutes=2)
    life.do(over("holdup", Role.HOLD_UP))
    life.press()
    life.police(CommandKind.DISPATCH, hold_up)
    life.do(trouble("door", Role.INTRUSION))
    life.do(alarm("mains", Role.MAINS))
    life.do(over("mains", Role.MAINS))
    life.wait(minutes=1)
    return life


def moved(life: Life, found: State) -> State:
    """The new file's state once everything was carried over."""
    for at, batch in carried(life.state, found, life.now):
        for fact in batch:
            one = Recorded("e2", found.seq + 1, at, life.boot, ClockQuality.SYNCED, late=True, fact=fact)
            found = evolve(found, one)
    return found


def about(incident: Incident) -> dict[str, object]:
    """What must not be lost of an incident; names lie beside the chain that is gone."""
    whole = {name: getattr(incident, name) for name in incident.__slots__ if name != "opened_seq"}
    answers = tuple((one.kind, one.by, one.party, one.via, one.at, one.until) for one in incident.answers)
    notices = {id_: (one.contact, one.channel, one.step, one.words, one.state) for id_, one in incident.notices.items()}
    return whole | {"answers": answers, "notices": notices}


@pytest.mark.parametrize("known_before", [0, 1, 5, 20, 1000])
def test_what_is_open_is_open_there_too_whatever_the_other_journal_knew_of_it(known_before: int) -> None:
    life = a_day()
    found = State()
    for recorded in life.records[:known_before]:
        found = evolve(found, recorded)
    after = moved(life, found)
    assert {code: about(one) for code, one in after.incidents.items()} == {
        code: about(one) for code, one in life.state.incidents.items()
    }
    assert after.by_key == life.state.by_key
    assert carried(life.state, after, life.now)[0][1], "done twice it does no harm"
    assert moved(life, after).incidents.keys() == life.state.incidents.keys()


def test_whoever_was_told_under_a_second_code_can_still_answer_by_it() -> None:
    life = Life()
    life.press("fire", Role.FIRE)
    opened = next(one.fact for one in life.records if isinstance(one.fact, facts.IncidentOpened))
    life.now += timedelta(minutes=1)
    life.say(replace(opened, code="2222"))
    life.police(CommandKind.DISPATCH, "2222")
    after = moved(life, State())
    known = after.open("2222")
    assert known is not None
    assert about(known) == about(life.incident("1000"))


def test_what_was_closed_since_the_older_copy_was_made_is_closed_there_too() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    found = life.state
    life.police(CommandKind.CLOSE, code, disposition=Disposition.GENUINE)
    after = moved(life, found)
    assert after.incidents == {}
    assert after.recent[0].disposition is Disposition.GENUINE


def test_a_zone_that_stands_in_alarm_though_its_incident_was_closed_is_not_told_anew_by_the_next_start() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    life.police(CommandKind.CLOSE, code, disposition=Disposition.GENUINE)
    assert moved(life, State()).conditions == {"zone:fire": Condition.ALARM}


def test_a_name_that_lay_beside_the_lost_chain_is_named_no_more() -> None:
    answer = facts.Answered(
        "1000", facts.AnswerKind.ARRIVED, "sho", "ab:cd", Party.POLICE, Via.STATION, NOON + timedelta(hours=1)
    )
    closed = facts.IncidentClosed("1000", Disposition.FALSE, "sho", "ab:cd", Party.POLICE, Via.STATION)
    assert {getattr(nameless(one), "name") for one in (answer, closed)} == {""}  # noqa: B009 - of either kind
    stopping = facts.Stopping("asked")
    assert nameless(stopping) is stopping
