"""Pictures lie beside the chain: the facts name them, those who were told get them, and erasing one breaks nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from sentinel.core import facts
from sentinel.core.decide import Pictured, Report
from sentinel.core.facts import PictureMoment
from sentinel.core.incident import PICTURES, NoticeState
from sentinel.core.model import Role
from tests.core.branch import CONTACTS, Life, over, queued

MAIL = frozenset({"mail"})
ON_SITE = {contact.id for contact in CONTACTS if contact.on_site}


def kept(life: Life, code: str, number: int = 0, camera: str = "dvr.ch1") -> facts.PictureKept:
    ref = sha256(f"{code}/{camera}/{number}".encode()).hexdigest()
    return facts.PictureKept(code, camera, PictureMoment.AFTER, life.now, ref)


def test_a_picture_is_named_in_the_incident_it_shows() -> None:
    life = Life()
    code = life.press("door", Role.INTRUSION).code
    one = kept(life, code)
    assert life.do(Pictured((one,))) == (one,)
    (picture,) = life.incident(code).pictures
    assert (picture.camera, picture.moment, picture.at, picture.ref) == (one.camera, one.moment, one.at, one.ref)


def test_a_picture_that_was_named_before_is_named_once() -> None:
    life = Life()
    code = life.press("door", Role.INTRUSION).code
    for _ in range(3):
        life.do(Pictured((kept(life, code),)))
    assert len(life.incident(code).pictures) == 1


def test_a_picture_of_an_incident_that_nobody_knows_is_no_fact() -> None:
    life = Life()
    assert life.do(Pictured((kept(life, "9999"),), MAIL)) == ()


def test_whoever_was_told_by_mail_gets_them_and_whoever_was_told_by_sms_does_not() -> None:
    life = Life()
    code = life.press("door", Role.INTRUSION).code
    life.deliver(code)
    life.wait(seconds=60)
    life.deliver(code)
    said = life.do(Pictured((kept(life, code),), MAIL))
    assert [(notice.contact, notice.channel, notice.words) for notice in queued(said)] == [
        ("thana", "mail", "pictures")
    ]


def test_whoever_is_just_being_told_gets_them_too() -> None:
    life = Life()
    code = life.press("door", Role.INTRUSION).code
    assert [notice.contact for notice in queued(life.do(Pictured((kept(life, code),), MAIL)))] == ["thana"]


def test_whoever_could_not_be_told_does_not() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    thana = next(one.id for one in life.incident(code).notices.values() if one.channel == "mail")
    life.do(Report(thana, NoticeState.FAILED, 1, "550"))
    assert queued(life.do(Pictured((kept(life, code),), MAIL))) == []


def test_pictures_never_go_before_a_first_notice() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    first = {notice.priority for notice in queued(tuple(one.fact for one in life.records))}
    said = queued(life.do(Pictured((kept(life, code),), MAIL)))
    assert min(notice.priority for notice in said) > max(first)


def test_pictures_of_a_door_that_closed_again_still_reach_who_was_told() -> None:
    life = Life()
    code = life.press("door", Role.INTRUSION).code
    life.deliver(code)
    life.do(over("door", Role.INTRUSION))
    said = life.do(Pictured((kept(life, code),), MAIL))
    assert [notice.words for notice in queued(said)] == ["pictures"]
    assert len(life.incident(code).pictures) == 1


def test_pictures_of_a_hold_up_go_off_site_only() -> None:
    life = Life()
    code = life.press().code
    for _ in range(8):
        life.deliver(code)
        life.wait(minutes=1)
    life.deliver(code)
    told = {notice.contact for notice in queued(life.do(Pictured((kept(life, code),), frozenset({"mail", "sms"}))))}
    assert told == {"thana", "district", "officer"}
    assert not told & ON_SITE


def test_what_the_branch_sees_is_the_same_with_and_without_pictures_of_a_hold_up() -> None:
    lives = Life(), Life()
    for life in lives:
        code = life.press().code
        if life is lives[0]:
            life.do(Pictured((kept(life, code),), MAIL))
        life.press("door", Role.INTRUSION)
    seen = [[replace(one, opened_seq=0) for one in life.state.incidents.values() if not one.silent] for life in lives]
    assert seen[0] == seen[1]
    assert lives[0].state.noticed == lives[1].state.noticed


@given(st.integers(0, 60))
def test_pictures_move_no_ladder(seconds: int) -> None:
    plain, pictured = Life(), Life()
    for life in (plain, pictured):
        code = life.press("fire", Role.FIRE).code
        life.wait(seconds=seconds)
        if life is pictured:
            life.do(Pictured((kept(life, code),), MAIL))
    one, other = plain.incident(code), pictured.incident(code)
    assert (one.rungs, one.rungs_base, one.armed_at) == (other.rungs, other.rungs_base, other.armed_at)


def test_an_incident_that_goes_on_for_weeks_names_so_many_and_no_more() -> None:
    life = Life()
    code = life.press("fire", Role.FIRE).code
    for number in range(PICTURES + 50):
        life.now += timedelta(seconds=1)
        life.do(Pictured((kept(life, code, number),)))
    assert len(life.incident(code).pictures) == PICTURES
