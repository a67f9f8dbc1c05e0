"""Who is told, how often, and what an answer changes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from sentinel.core import facts
from sentinel.core.encoding import stamp
from sentinel.core.facts import Disposition
from sentinel.core.incident import NoticeState

if TYPE_CHECKING:
    from tests.fakes import Story


async def test_a_hold_up_that_nobody_answers_is_told_again_every_five_minutes(story: Story) -> None:
    story.mark()
    story.press("hold-up-counter")
    await story.minutes(19.5)
    assert story.letters() == [
        "0:00 mail sho alarm",
        "0:00 room thana alarm",
        "1:00 mail security-officer alarm",
        "5:00 mail sho alarm",
        "5:00 room thana alarm",
        "6:00 mail security-officer alarm",
        "10:00 mail sho alarm",
        "10:00 room thana alarm",
        "11:00 mail security-officer alarm",
        "15:00 mail sho alarm",
        "15:00 room thana alarm",
        "16:00 mail security-officer alarm",
    ]
    assert "लूट की सूचना" in story.texts("sho")[0]
    assert "कैश काउंटर होल्ड-अप बटन" in story.texts("sho")[0]
    assert f"17-{story.incident().code}" in story.texts("sho")[0]
    await story.good()


async def test_the_answer_of_the_bank_does_not_stop_the_station_being_told(story: Story) -> None:
    story.mark()
    story.press("panic-gate")
    await story.seconds(30)
    code = story.incident().code
    status, shown = await story.ask("POST", f"/api/v1/incidents/17-{code}/acknowledge", {"by": "Kavita Verma"})
    assert status == 200
    assert shown["answers"][0]["party"] == "bank"
    await story.minutes(6)
    assert story.letters() == [
        "0:00 mail manager alarm",
        "0:00 mail sho alarm",
        "0:00 room thana alarm",
        "0:30 mail manager answered.acknowledged",
        "0:30 mail sho answered.acknowledged",
        "0:30 room thana answered.acknowledged",
        "1:00 mail security-officer alarm",
        "5:00 mail manager alarm",
        "5:00 mail sho alarm",
        "5:00 room thana alarm",
        "6:00 mail security-officer alarm",
    ]
    assert "Kavita Verma" in story.texts("sho")[1]


async def test_the_police_answer_and_everybody_told_learns_who_took_it(story: Story) -> None:
    story.mark()
    story.press("hold-up-counter")
    await story.seconds(30)
    await story.answer("acknowledge", "hold-up-counter", by="ASI Meena Yadav")
    await story.minutes(2)
    assert story.letters() == [
        "0:00 mail sho alarm",
        "0:00 room thana alarm",
        "0:30 mail sho answered.acknowledged",
        "0:30 room thana answered.acknowledged",
    ]
    assert "ASI Meena Yadav" in story.texts("sho")[1]
    assert "संज्ञान" in story.texts("sho")[1]


async def test_an_acknowledgement_that_is_not_followed_up_is_worth_three_minutes(story: Story) -> None:
    story.mark()
    story.press("hold-up-counter")
    await story.seconds(30)
    await story.answer("acknowledge", "hold-up-counter")
    await story.minutes(5)
    assert story.letters()[4:] == [
        "3:30 mail sho alarm",
        "3:30 room thana alarm",
        "4:30 mail security-officer alarm",
    ]


async def test_a_party_that_arrived_stops_the_ladder_until_it_is_closed(story: Story) -> None:
    story.mark()
    story.press("hold-up-counter")
    await story.seconds(20)
    await story.answer("dispatch", "hold-up-counter")
    await story.minutes(10)
    await story.answer("arrive", "hold-up-counter")
    await story.minutes(60)
    await story.answer("close", "hold-up-counter", disposition="genuine")
    await story.minutes(10)
    assert story.letters(contact="sho") == [
        "0:00 mail sho alarm",
        "0:20 mail sho answered.dispatched",
        "10:22 mail sho answered.arrived",
        "70:24 mail sho closed",
    ]
    assert story.facts(facts.IncidentClosed)[0].disposition is Disposition.GENUINE
    assert not list(story.open())


async def test_an_answer_withdraws_what_still_waits_within_two_seconds(story: Story) -> None:
    story.mail.down = True
    story.mark()
    story.press("hold-up-counter")
    await story.seconds(10)
    sho = next(n for n in story.incident().notices.values() if n.contact == "sho")
    assert sho.state is NoticeState.PENDING
    await story.answer("acknowledge", "hold-up-counter")
    assert story.incident("hold-up-counter").notices[sho.id].state is NoticeState.WITHDRAWN
    story.mail.down = False
    await story.minutes(2)
    assert "0:10 room thana answered.acknowledged" in story.letters()
    assert story.letters(contact="sho") == []  # never told, so nothing to learn
    assert await story.gateway.journal.rows_of(story.incident("hold-up-counter").code)


async def test_pressed_again_after_an_answer_the_ladder_starts_afresh_under_the_same_code(story: Story) -> None:
    story.mark()
    story.press("hold-up-counter")
    await story.seconds(20)
    code = story.incident().code
    await story.answer("dispatch", "hold-up-counter")
    story.release("hold-up-counter")
    await story.seconds(38)
    story.press("hold-up-counter")
    await story.seconds(65)
    assert story.incident().code == code
    assert story.letters() == [
        "0:00 mail sho alarm",
        "0:00 room thana alarm",
        "0:20 mail sho answered.dispatched",
        "0:20 room thana answered.dispatched",
        "1:00 mail sho alarm",
        "1:00 room thana alarm",
        "2:00 mail security-officer alarm",
    ]


async def test_closed_while_the_button_is_still_pressed_it_is_not_told_again_but_a_new_press_is(story: Story) -> None:
    story.mark()
    story.press("hold-up-counter")
    await story.seconds(20)
    first = story.incident().code
    await story.answer("close", "hold-up-counter", disposition="genuine")
    await story.minutes(10)
    assert story.letters() == [
        "0:00 mail sho alarm",
        "0:00 room thana alarm",
        "0:20 mail sho closed",
        "0:20 room thana closed",
    ]
    await story.restart(cut_power=True)
    await story.minutes(2)
    assert not list(story.open("hold-up-counter"))
    story.release("hold-up-counter")
    await story.seconds(10)
    story.press("hold-up-counter")
    await story.seconds(5)
    assert story.incident("hold-up-counter").code != first


async def test_one_officer_alone_cannot_call_a_hold_up_false(story: Story) -> None:
    story.press("hold-up-counter")
    await story.seconds(10)
    await story.answer("close", "hold-up-counter", disposition="false", by="Insp. A. Sahu")
    assert len(list(story.open())) == 1
    await story.answer("close", "hold-up-counter", disposition="false", by="Insp. A. Sahu")
    assert len(list(story.open())) == 1
    await story.answer("close", "hold-up-counter", disposition="false", by="ASI Meena Yadav")
    assert not list(story.open())


async def test_a_room_cannot_speak_for_whom_it_was_not_granted(story: Story) -> None:
    story.mark()
    story.press("hold-up-counter")
    await story.seconds(10)
    await story.answer("acknowledge", "hold-up-counter", role="bank")
    assert [one.reason for one in story.facts(facts.CommandRefused)] == ["room-may-not-speak-for-bank"]
    assert not story.incident().answers
    await story.answer("close", "hold-up-counter", role="room", disposition="false")
    assert story.facts(facts.CommandRefused)[1].reason == "needs-a-station-or-room-account"
    await story.seconds(55)
    assert story.letters() == [
        "0:00 mail sho alarm",
        "0:00 room thana alarm",
        "1:00 mail security-officer alarm",
    ]


async def test_retained_expired_and_repeated_commands_do_nothing_and_are_facts(story: Story) -> None:
    story.press("hold-up-counter")
    await story.seconds(10)
    await story.answer("acknowledge", "hold-up-counter", retained=True)
    await story.answer("acknowledge", "hold-up-counter", valid_s=-1)
    assert not story.incident().answers
    id_ = await story.answer("acknowledge", "hold-up-counter", id="one")
    await story.answer("acknowledge", "hold-up-counter", id="one")
    assert len(story.incident().answers) == 1
    await story.restart(cut_power=True)  # what ran before a restart is known after it
    await story.answer("acknowledge", "hold-up-counter", id="one")
    assert len(story.incident().answers) == 1
    assert id_ == "one"
    assert [one.reason for one in story.facts(facts.CommandRefused)] == ["retained", "expired", "repeated", "repeated"]


async def test_a_name_that_no_letter_can_say_is_refused_and_the_mail_goes_on(story: Story) -> None:
    story.press("panic-gate")
    await story.seconds(5)
    await story.answer("arrive", "panic-gate", by="half a sign \ud800")
    assert [(one.kind, one.reason) for one in story.facts(facts.CommandRefused)] == [("arrive", "malformed")]
    await story.answer("arrive", "panic-gate")
    await story.seconds(5)
    for text in story.texts("sho"):
        text.encode()
    assert "Insp. A. Sahu" in story.texts("sho")[-1]


async def test_a_room_that_asks_for_the_next_step_gets_it_at_once(story: Story) -> None:
    story.mark()
    story.press("hold-up-counter")
    await story.seconds(10)
    await story.answer("escalate", "hold-up-counter")
    await story.seconds(20)
    assert story.letters() == [
        "0:00 mail sho alarm",
        "0:00 room thana alarm",
        "0:10 mail security-officer alarm",
    ]


async def test_the_bank_on_the_spot_cannot_answer_a_hold_up_that_it_must_not_know_of(story: Story) -> None:
    story.press("hold-up-counter")
    await story.seconds(10)
    code = story.incident().code
    known = await story.ask("POST", f"/api/v1/incidents/{code}/acknowledge", {"by": "x"})
    unknown = await story.ask("POST", "/api/v1/incidents/9999/acknowledge", {"by": "x"})
    assert known[0] == unknown[0] == 404
    assert known[1]["error"]["message"].replace(code, "9999") == unknown[1]["error"]["message"]


async def test_an_officer_who_looks_on_for_minutes_writes_nothing(story: Story) -> None:
    now, before = story.clock.wall(), len(story.record)
    for _ in range(3):
        story.room.command(
            "watch", at=stamp(now), until=stamp(now + timedelta(minutes=5)), by={"name": "x", "role": "police"}
        )
        await story.seconds(5)
    assert len(story.record) == before


async def test_a_notice_of_an_epoch_that_is_over_is_told_to_the_room_by_its_words(story: Story) -> None:
    story.room.set(reachable=False)
    await story.seconds(1)
    story.press("hold-up-counter")
    await story.seconds(5)
    journal = story.gateway.journal
    await journal.begin_epoch(
        "behind", journal.head(), at=story.clock.wall(), boot="boot", clock=facts.ClockQuality.SYNCED
    )
    story.room.set(reachable=True)
    await story.seconds(30)
    assert "thana" in [body["contact"] for _, body in story.room.from_memory]
    assert NoticeState.SENT in [one.state for one in story.incident().notices.values() if one.contact == "thana"]


async def test_an_answer_with_another_branchs_number_takes_nothing_of_this_one(story: Story) -> None:
    story.press("smoke-hall")
    await story.seconds(5)
    code = story.incident().code
    status, said = await story.ask("POST", f"/api/v1/incidents/99-{code}/acknowledge", {"by": "R. Verma"})
    assert (status, said["error"]["code"]) == (404, "no-such-incident")
    await story.answer("dispatch", incident=f"99-{code}")
    assert story.incident().answers == ()
    assert [one.reason for one in story.facts(facts.CommandRefused)] == ["no-such-incident"]
    status, _ = await story.ask("POST", f"/api/v1/incidents/17-{code}/acknowledge", {"by": "R. Verma"})
    assert status == 200
