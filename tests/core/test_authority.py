"""What an answer may do follows from the credential and channel it came by, never from the name in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core import facts, ladder
from sentinel.core.authority import Command, CommandKind, party
from sentinel.core.facts import AnswerKind, ClockQuality, Disposition
from sentinel.core.model import Party, Role, Via
from tests.core.branch import NOON, POLICY, Life, refused, told

BY = st.sampled_from(
    ["thana", "thana-1", "room", "district-room", "other-room", "manager", "officer", "service", "x", ""]
)
VIA = st.sampled_from(Via)
KIND = st.sampled_from(CommandKind)


def fire() -> tuple[Life, str]:
    """A branch with an open critical incident that is not silent."""
    life = Life()
    return life, life.press("fire", Role.FIRE).code


@given(via=VIA, by=BY, claims=st.sampled_from(Party))
def test_nobody_speaks_for_the_police_by_saying_so(via: Via, by: str, claims: Party) -> None:
    speaks_for = party(POLICY, Command("c", CommandKind.ACKNOWLEDGE, "1000", by, "SHO", claims, via, NOON))
    if speaks_for is Party.POLICE:
        own_number = via in (Via.SMS, Via.VOICE) and by in ("thana", "district")
        assert via is Via.STATION or own_number or (via is Via.ROOM and by == "district-room")
    if via in (Via.PAGE, Via.SOCKET):
        assert speaks_for in (Party.BANK, Party.SERVICE, Party.OTHER), "the branch's authority at most"


@given(
    kind=KIND,
    by=BY,
    via=st.sampled_from([via for via in Via if via is not Via.ROOM]),
    one=st.tuples(st.sampled_from(Party), st.text(max_size=5)),
    other=st.tuples(st.sampled_from(Party), st.text(max_size=5)),
    disposition=st.sampled_from([None, *Disposition]),
)
def test_the_same_credential_gets_no_more_police_powers_under_another_name_or_claim(
    kind: CommandKind,
    by: str,
    via: Via,
    one: tuple[Party, str],
    other: tuple[Party, str],
    disposition: Disposition | None,
) -> None:
    stopped = []
    for claims, name in (one, other):
        life, code = fire()
        for _ in range(2):
            life.command(kind, code, by=by, via=via, claims=claims, name=name, disposition=disposition)
        incident = life.incident(code)
        stopped.append(incident.closed_at is not None or ladder.standing(incident, life.now) is not None)
    assert stopped[0] == stopped[1]


@pytest.mark.parametrize("kind", [CommandKind.DISPATCH, CommandKind.ARRIVE, CommandKind.CLOSE])
@pytest.mark.parametrize("via", [Via.SMS, Via.VOICE, Via.PAGE, Via.SOCKET, Via.EMAIL])
def test_dispatch_and_close_of_a_critical_incident_need_a_station_or_room_account(kind: CommandKind, via: Via) -> None:
    life, code = fire()
    before = life.incident(code)
    said = life.command(kind, code, by="thana", via=via, claims=Party.POLICE, disposition=Disposition.GENUINE)
    assert refused(said)
    assert life.incident(code) == before


def test_the_station_answers_by_its_own_telephone_and_may_acknowledge() -> None:
    life, code = fire()
    assert not refused(life.command(CommandKind.ACKNOWLEDGE, code, by="thana", via=Via.SMS))
    assert ladder.standing(life.incident(code), life.now) is not None


def test_an_e_mail_proves_nobody() -> None:
    life, code = fire()
    said = life.command(CommandKind.ACKNOWLEDGE, code, by="thana", via=Via.EMAIL, claims=Party.POLICE)
    assert refused(said) == "not-entitled"


def test_a_stranger_is_not_entitled() -> None:
    life, code = fire()
    assert refused(life.command(CommandKind.ACKNOWLEDGE, code, by="nobody", via=Via.SMS, claims=Party.POLICE))


def test_a_room_speaks_for_the_police_only_where_the_branch_granted_it() -> None:
    life, code = fire()
    said = life.command(CommandKind.ACKNOWLEDGE, code, by="other-room", via=Via.ROOM, claims=Party.POLICE)
    assert refused(said) == "room-may-not-speak-for-police"
    life.command(CommandKind.ACKNOWLEDGE, code, by="other-room", via=Via.ROOM, claims=Party.ROOM)
    assert ladder.standing(life.incident(code), life.now) is None, "taken and shown; it stops nothing"
    assert len(life.incident(code).answers) == 1
    life.command(CommandKind.DISPATCH, code, by="district-room", via=Via.ROOM, claims=Party.POLICE)
    assert ladder.standing(life.incident(code), life.now) is not None


@pytest.mark.parametrize("kind", [CommandKind.DISPATCH, CommandKind.ARRIVE, CommandKind.CLOSE])
@pytest.mark.parametrize("by", ["other-room", "district-room"])
def test_a_room_that_speaks_for_nobody_neither_stops_nor_closes_a_break_in(kind: CommandKind, by: str) -> None:
    life = Life()
    code = life.press("door", Role.INTRUSION).code
    said = life.command(kind, code, by=by, via=Via.ROOM, claims=Party.ROOM, disposition=Disposition.FALSE)
    assert refused(said) == "room-may-not-speak-for-itself"
    assert ladder.standing(life.incident(code), life.now) is None
    assert not refused(life.command(CommandKind.ACKNOWLEDGE, code, by=by, via=Via.ROOM, claims=Party.ROOM))
    assert not refused(life.command(CommandKind.ESCALATE, code, by=by, via=Via.ROOM, claims=Party.ROOM))
    life.command(kind, code, by="district-room", via=Via.ROOM, claims=Party.POLICE, disposition=Disposition.FALSE)
    incident = life.incident(code)
    assert incident.closed_at is not None or ladder.standing(incident, life.now) is not None


def test_false_needs_a_report_from_the_spot() -> None:
    life, code = fire()
    said = life.police(CommandKind.CLOSE, code, disposition=Disposition.FALSE)
    assert [type(fact) for fact in said] == [facts.CommandTaken, facts.FalseProposed]
    life.police(CommandKind.ARRIVE, code)
    life.police(CommandKind.CLOSE, code, disposition=Disposition.FALSE)
    assert life.incident(code).disposition is Disposition.FALSE


def test_false_or_a_second_officer_with_an_account_of_his_own() -> None:
    life, code = fire()
    life.police(CommandKind.CLOSE, code, disposition=Disposition.FALSE, by="thana-1")
    life.police(CommandKind.CLOSE, code, disposition=Disposition.FALSE, by="thana-1")
    assert life.incident(code).closed_at is None
    life.police(CommandKind.CLOSE, code, disposition=Disposition.FALSE, by="thana-2")
    assert life.incident(code).disposition is Disposition.FALSE


def test_one_station_account_under_two_names_is_one_officer() -> None:
    life, code = fire()
    for name in ("n1", "n2"):
        life.command(CommandKind.CLOSE, code, by="thana-1", via=Via.STATION, name=name, disposition=Disposition.FALSE)
    assert life.incident(code).closed_at is None


def test_a_room_vouches_for_its_officers_by_name() -> None:
    life, code = fire()
    for name in ("n1", "n1", "n2"):
        assert life.incident(code).closed_at is None
        life.command(
            CommandKind.CLOSE,
            code,
            by="district-room",
            via=Via.ROOM,
            claims=Party.POLICE,
            name=name,
            disposition=Disposition.FALSE,
        )
    assert life.incident(code).disposition is Disposition.FALSE


def test_a_new_press_makes_an_earlier_call_of_false_worthless() -> None:
    life, code = fire()
    life.police(CommandKind.CLOSE, code, disposition=Disposition.FALSE, by="thana-1")
    life.police(CommandKind.ACKNOWLEDGE, code)
    life.press("fire", Role.FIRE)
    life.police(CommandKind.CLOSE, code, disposition=Disposition.FALSE, by="thana-2")
    assert life.incident(code).closed_at is None


def test_the_bank_reports_a_mistake_the_police_are_told_and_nothing_stops() -> None:
    life, code = fire()
    life.deliver(code)
    said = life.command(CommandKind.MISTAKE, code, by="officer", via=Via.SMS)
    assert told(said) == {"thana"}
    assert life.incident(code).reports == ("officer",)
    life.deliver(code)
    assert told(life.wait(seconds=60)) == {"manager", "officer"}


@pytest.mark.parametrize(("by", "via"), [("thana", Via.SMS), ("service", Via.SMS), ("thana-1", Via.STATION)])
def test_only_the_bank_reports_a_mistake(by: str, via: Via) -> None:
    life, code = fire()
    assert refused(life.command(CommandKind.MISTAKE, code, by=by, via=via)) == "only-the-bank-reports-a-mistake"


@pytest.mark.parametrize("disposition", [None, Disposition.RESTORED])
def test_no_person_closes_without_saying_what_it_was(disposition: Disposition | None) -> None:
    life, code = fire()
    assert refused(life.police(CommandKind.CLOSE, code, disposition=disposition)) == "needs-a-disposition"


@given(
    kind=st.sampled_from([kind for kind in CommandKind if kind is not CommandKind.OTHER]),
    via=st.sampled_from([Via.PAGE, Via.SOCKET]),
)
def test_from_inside_the_branch_a_hold_up_looks_like_a_code_that_was_never_given(kind: CommandKind, via: Via) -> None:
    life = Life()
    code = life.press().code
    for claims in Party:
        known = life.command(kind, code, by="manager", via=via, claims=claims, disposition=Disposition.FALSE)
        unknown = life.command(kind, "9999", by="manager", via=via, claims=claims, disposition=Disposition.FALSE)
        assert refused(known) == refused(unknown) == "no-such-incident"


def test_a_command_runs_once() -> None:
    life, code = fire()
    assert not refused(life.command(CommandKind.ACKNOWLEDGE, code, by="officer", via=Via.SMS, id_="same"))
    assert refused(life.command(CommandKind.ACKNOWLEDGE, code, by="officer", via=Via.SMS, id_="same")) == "repeated"
    assert len(life.incident(code).answers) == 1


def test_an_expired_command_does_nothing() -> None:
    life, code = fire()
    said = life.command(CommandKind.ACKNOWLEDGE, code, by="thana-1", via=Via.STATION, until=life.now)
    assert refused(said) == "expired"


def test_while_the_clock_cannot_be_believed_answers_are_taken_and_actuating_commands_are_not() -> None:
    life, code = fire()
    life.reboot(clock=ClockQuality.UNSYNCED, minutes=1)
    old = NOON - timedelta(days=1)
    said = life.command(CommandKind.ESCALATE, code, by="thana-1", via=Via.STATION)
    assert refused(said) == "clock-not-synchronised"
    assert not refused(life.command(CommandKind.ACKNOWLEDGE, code, by="thana-1", via=Via.STATION, until=old))


def test_a_command_nobody_knows_is_refused_and_a_fact() -> None:
    life, code = fire()
    command = Command("c", CommandKind.OTHER, code, "room", "", Party.ROOM, Via.ROOM, NOON, word="dance" * 50)
    (fact,) = life.do(command)
    assert isinstance(fact, facts.CommandRefused)
    assert fact.reason.startswith("unknown-command:dance")
    assert len(fact.reason) < 60


@given(kind=KIND, via=VIA, by=BY, claims=st.sampled_from(Party), code=st.sampled_from(["1000", "9999", ""]))
def test_every_command_ends_as_exactly_one_fact_taken_or_refused(
    kind: CommandKind, via: Via, by: str, claims: Party, code: str
) -> None:
    life, _ = fire()
    said = life.command(kind, code, by=by, via=via, claims=claims, disposition=Disposition.GENUINE)
    assert len([fact for fact in said if isinstance(fact, facts.CommandTaken | facts.CommandRefused)]) == 1
    assert bool(refused(said)) is (len(said) == 1), "a refused command does nothing"


@given(
    st.lists(st.tuples(KIND, st.sampled_from(["manager", "officer", "service", "room"]), VIA), max_size=8),
    st.integers(1, 90),
)
def test_nothing_the_bank_says_or_asks_makes_the_station_wait(
    asked: list[tuple[CommandKind, str, Via]], every_s: int
) -> None:
    """Compared with a life in which nobody said anything: the police are told at the same times, or also earlier."""
    quiet, loud = Life(), Life()
    for life in (quiet, loud):
        life.press("fire", Role.FIRE)
    asked = [one for one in asked if one[2] is not Via.STATION]
    heard: dict[int, list[float]] = {id(quiet): [], id(loud): []}
    for second in range(0, 700, 5):
        for life in (quiet, loud):
            life.deliver("1000")
            life.now = NOON + timedelta(seconds=second)
            said = life.wait(seconds=0)
            if life is loud and asked and second // every_s < len(asked) and second % every_s < 5:
                kind, by, via = asked[second // every_s]
                said += loud.command(kind, "1000", by=by, via=via, claims=Party.BANK, disposition=Disposition.FALSE)
            if told(said) & {"thana"}:
                heard[id(life)].append(second)
    assert set(heard[id(quiet)]) <= set(heard[id(loud)])


def test_an_answer_says_whose_it_was_and_how_it_came() -> None:
    life, code = fire()
    life.command(CommandKind.ACKNOWLEDGE, code, by="officer", via=Via.SMS, claims=Party.POLICE, name="n3")
    (answer,) = life.incident(code).answers
    assert (answer.kind, answer.by, answer.name, answer.party, answer.via) == (
        AnswerKind.ACKNOWLEDGED,
        "officer",
        "n3",
        Party.BANK,
        Via.SMS,
    )
    assert replace(answer, party=Party.POLICE) != answer
