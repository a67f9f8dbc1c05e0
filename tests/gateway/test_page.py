"""What the branch's page says in its HTML: whose turn it is, what is not known, and nothing of a hold-up."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core import ladder
from sentinel.core.facts import Escalated
from sentinel.core.incident import NoticeState
from sentinel.core.model import Role, Severity, Text
from sentinel.gateway.page import head, incidents, plots, ways
from sentinel.gateway.page.parts import clock, number, size
from sentinel.gateway.page.values import (
    CurveView,
    HeadView,
    IncidentsView,
    IncidentView,
    NoticeView,
    PictureView,
    Reader,
    WayView,
)
from tests.fakes import Story

if TYPE_CHECKING:
    from collections.abc import Mapping

IST = ZoneInfo("Asia/Kolkata")
NOON = datetime(2026, 6, 1, 6, 30, tzinfo=UTC)
READER = Reader("en", IST, date(2026, 6, 1))
HINDI = Reader("hi", IST, date(2026, 6, 1))


def sections(story: Story, lang: str = "en") -> Mapping[str, str]:
    return {id_: str(shown) for id_, shown in story.gateway.page.sections(lang).items()}


def text(markup: str) -> str:
    """What a person reads."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", markup)).split())


def rows(markup: str) -> list[tuple[str, str, str]]:
    """(key, classes, words) of each row, from above."""
    found = re.findall(r'<li class="([^"]*)" data-key="([^"]*)">(.*?)</li>', markup, re.DOTALL)
    return [(key, classes, text(inside)) for classes, key, inside in found]


def row(story: Story, section: str, key: str, lang: str = "en") -> tuple[str, str]:
    return next(rest for found, *rest in rows(sections(story, lang)[section]) if found == key)  # type: ignore[return-value]


def card(story: Story, lang: str = "en") -> tuple[str, str]:
    """Classes and words of the one open incident."""
    found = re.findall(
        r'<article class="([^"]*)" id="[^"]*">(.*?)</article>', sections(story, lang)["incidents"], re.DOTALL
    )
    assert len(found) == 1
    return found[0][0], text(found[0][1])


# --- Quiet, and rule 6 ------------------------------------------------------------------------------------------------


async def test_a_quiet_branch_sends_no_section_twice(story: Story) -> None:
    before = {lang: sections(story, lang) for lang in ("hi", "en")}
    for _ in range(30):
        await story.seconds(20.3)
        assert {lang: sections(story, lang) for lang in ("hi", "en")} == before


@pytest.mark.parametrize("lang", ["hi", "en", ""])
async def test_no_section_and_no_pulse_knows_of_a_hold_up_from_the_press_to_long_after_it_was_closed(
    story: Story, lang: str
) -> None:
    page = story.gateway.page

    def shown() -> tuple[Any, set[str], dict[str, str]]:
        pulse: Any = page.pulse()
        live = {key: said for key, said in pulse["live"].items() if not key.startswith(("counts:", "disk", "now"))}
        return dict(page.sections(lang)), set(pulse["ages"]), live

    quiet = shown()
    story.press("hold-up-counter")
    for _ in range(120):
        await story.seconds(1)
        assert shown() == quiet
    await story.answer("acknowledge", "hold-up-counter")
    assert shown() == quiet
    story.release("hold-up-counter")
    await story.minutes(10)
    assert shown() == quiet
    await story.answer("close", "hold-up-counter", disposition="genuine")
    await story.minutes(2)
    assert shown() == quiet


async def test_a_hold_up_beside_a_fire_leaves_no_hole_in_what_is_shown(story: Story) -> None:
    story.press("smoke-hall")
    await story.minutes(4)
    before = sections(story)
    story.press("hold-up-manager")
    await story.seconds(20)
    after = sections(story)
    assert {id_: text(one) for id_, one in after.items()} == {id_: text(one) for id_, one in before.items()}
    assert "1 critical" in text(after["head"])


async def test_a_hold_up_button_whose_panel_is_silent_is_unknown_and_says_why(story: Story) -> None:
    story.silence("panel")
    await story.minutes(1)
    classes, said = row(story, "zones", "zone:hold-up-counter")
    assert classes == "row unknown unknown hatched"
    assert said.startswith("Hold-up button cash counterHold-up button · panel.di1unknownfor ")
    assert said.endswith("no reply")


async def test_a_hold_up_button_is_unknown_as_soon_as_its_panel_is_lost_however_patient_it_is() -> None:
    before = "hi: कैश काउंटर होल्ड-अप बटन}\n    wiring: {contact: normally-closed}"
    async with Story(edits={before: f"{before}\n    stale_after: 60s"}) as story:
        await story.seconds(5)
        assert row(story, "zones", "zone:hold-up-counter")[0] == "row calm supervised"
        story.silence("panel")
        await story.seconds(20)
        assert row(story, "devices", "device:panel")[0] == "row device fault lost hatched"
        assert row(story, "zones", "zone:hold-up-counter")[0] == "row unknown unknown hatched"


async def test_an_alarm_whose_sensor_fell_silent_stands_and_is_hatched(story: Story) -> None:
    story.press("strong-room")
    await story.seconds(5)
    assert row(story, "zones", "zone:strong-room")[0] == "row high alarm"
    story.silence("panel")
    await story.minutes(1)
    classes, said = row(story, "zones", "zone:strong-room")
    assert classes == "row high alarm hatched"
    assert "no reply" in said
    assert "last known: alarm" in said


# --- Whose turn it is ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_the_fill_says_whose_turn_it_is(story: Story) -> None:
    story.press("smoke-hall")
    await story.seconds(5)
    classes, said = card(story)
    assert classes == "incident box critical full"
    assert "Nobody has answered yet" in said

    code = story.incident("smoke-hall").code
    await story.ask("POST", f"/api/v1/incidents/{code}/acknowledge", {"by": "Kavita Verma"})
    classes, said = card(story)
    assert classes == "incident box critical full"
    assert "Kavita Verma, the branch: acknowledged 12:00; the police have still to answer" in said

    await story.answer("dispatch", "smoke-hall")
    classes, said = card(story)
    assert classes == "incident box critical line"
    assert "Insp. A. Sahu, control room durg (police): party sent 12:00, until 12:15" in said

    await story.minutes(16)
    classes, said = card(story)
    assert classes == "incident box critical full"
    assert "the answer has run out, people are told again" in said

    await story.answer("arrive", "smoke-hall")
    await story.minutes(40)
    classes, said = card(story, "hi")
    assert classes == "incident box critical old"
    assert "दल पहुँचा" in said


async def test_who_comes_next_is_told_at_the_time_that_the_page_says_though_a_channel_is_dead(story: Story) -> None:
    story.mail.down = True
    story.press("panel-mains")  # the dead mail is noticed
    await story.minutes(3)
    story.press("smoke-hall")
    for _ in range(20):
        await story.seconds(20)
        shown = sections(story)["incidents"]
        found = re.search(
            r'Next: [^<]*<time datetime="([^"]*)"', shown.replace("</strong>", "").replace("<strong>", "")
        )
        assert found is not None
        due = ladder.due_in(story.gateway.desk.state, story.incident("smoke-hall"), story.clock.wall())
        assert due.next_at is not None
        assert found[1] == f"{due.next_at:%Y-%m-%dT%H:%M:%SZ}"


async def test_a_quiet_zone_is_named_as_a_thing_and_a_card_says_what_happened(story: Story) -> None:
    assert "होल्ड-अप बटन · panel.di1" in row(story, "zones", "zone:hold-up-counter", "hi")[1]
    assert "लूट" not in text(sections(story, "hi")["zones"])
    story.press("panel-mains")
    await story.seconds(40)
    assert card(story, "hi")[1].startswith("बिजली गुल कोड ")


async def test_a_fault_is_an_outline_from_the_beginning_and_says_who_comes_next(story: Story) -> None:
    story.press("panel-mains")
    await story.minutes(1)
    classes, said = card(story)
    assert classes == "incident box fault line"
    assert "Branch manager · e-mail sent 12:00" in said
    assert "Next: Zonal security officer · e-mail at 16:00" in said
    assert "24 hours" in said


async def test_what_never_left_the_branch_is_not_sent_and_never_on_its_way(story: Story) -> None:
    story.mail.down = True
    story.room.reachable = False
    story.room.wake.set()
    await story.minutes(3)
    story.press("smoke-hall")
    await story.minutes(3)
    assert not any(one.told for one in story.incident("smoke-hall").notices.values())
    said = re.findall(r'<article class="incident box critical.*?</article>', sections(story)["incidents"], re.DOTALL)
    hindi = re.findall(
        r'<article class="incident box critical.*?</article>', sections(story, "hi")["incidents"], re.DOTALL
    )
    assert "not sent yet, trying" in text(said[0])
    assert "on its way" not in text(said[0])
    assert "Nobody could be told: telephone the police yourselves, on 112" in text(said[0])
    assert "अभी नहीं भेजी जा सकी, कोशिश जारी है" in text(hindi[0])
    story.mail.down = False
    story.room.reachable = True
    story.room.wake.set()
    await story.minutes(5)
    assert "Nobody could be told" not in text(sections(story)["incidents"])


async def test_a_notice_that_is_being_sent_is_on_its_way(story: Story) -> None:
    story.press("smoke-hall")
    seen = set()
    for _ in range(400):
        await story.seconds(0.02)
        if found := re.findall(r'<ul class="told-list".*?</ul>', sections(story)["incidents"], re.DOTALL):
            seen |= set(re.findall(r'class="told ([a-z]+)"', found[0]))
    assert "sending" in seen
    assert "pending" not in seen


async def test_what_is_latched_and_normal_again_says_that_it_is_still_to_be_closed(story: Story) -> None:
    story.press("smoke-hall")
    await story.seconds(5)
    assert "still active" in card(story)[1]
    story.release("smoke-hall")
    await story.seconds(10)
    assert "normal again, but still to be closed" in card(story)[1]
    assert "अब सामान्य, पर मामला बंद करना बाकी" in card(story, "hi")[1]


async def test_a_closed_incident_is_shown_with_what_came_of_it(story: Story) -> None:
    story.press("panic-gate")
    await story.seconds(5)
    await story.answer("close", "panic-gate", disposition="genuine")
    said = text(sections(story)["incidents"])
    assert "Nothing is open" in said
    assert "Recently closed1" in said
    assert "Panic button at the gate · code" in said
    assert "genuine" in said
    assert "Insp. A. Sahu, control room durg" in said


# --- Zones, devices, ways ---------------------------------------------------------------------------------------------


async def test_what_is_not_normal_comes_first_and_every_other_place_stays(story: Story) -> None:
    calm = [key for key, _, _ in rows(sections(story)["zones"])]
    assert calm == [f"zone:{id_}" for id_ in (*story.settings.zones, *story.settings.summaries)]
    story.press("panel-battery")
    story.press("strong-room")
    story.press("call-point-stairs")
    await story.minutes(1)
    first = ["zone:call-point-stairs", "zone:strong-room", "zone:panel-battery"]
    assert [key for key, _, _ in rows(sections(story)["zones"])] == [*first, *(key for key in calm if key not in first)]


async def test_a_measured_value_stands_in_the_pulse_and_its_limit_beside_it(story: Story) -> None:
    story.press("panel-battery", 11.55)
    await story.minutes(1)
    classes, said = row(story, "zones", "zone:panel-battery", "hi")
    assert classes == "row fault alarm"
    assert "कमज़ोर" in said
    assert "सीमा 11.8 V" in said
    live: Any = story.gateway.page.pulse()["live"]
    assert live["value:panel-battery"] == "11.6 V"


async def test_a_line_that_is_cut_is_lost_with_its_devices_and_names_what_hides_behind_it(story: Story) -> None:
    story.cut("bus")
    await story.minutes(1)
    found = sections(story)["devices"]
    assert "bus" in text(found)
    assert {
        classes for key, classes, _ in rows(found) if key in ("device:panel", "device:battery", "device:climate")
    } == {"row device fault lost hatched"}
    assert row(story, "devices", "device:fire-panel")[0] == "row device calm normal"
    assert "Unknown because of it: Hold-up button cash counter" in row(story, "devices", "device:panel")[1]
    assert "the line is gone" in text(found)
    said = card(story)[1]
    assert "line bus" in said
    assert "Unknown because of it: " in said
    story.cut("bus", back=True)
    await story.minutes(1)
    assert row(story, "devices", "device:panel")[0] == "row device calm normal"


async def test_a_way_out_says_what_it_last_carried_and_since_when_it_is_down(story: Story) -> None:
    assert row(story, "ways", "way:mail")[1].endswith("nothing carried yetupfor")
    story.press("panel-mains")
    await story.minutes(1)
    said = row(story, "ways", "way:mail")[1]
    assert "Last notice: fault → " in said
    story.mail.down = True
    story.press("server-room")
    await story.minutes(3)
    classes, said = row(story, "ways", "way:mail")
    assert classes == "row way fault lost"
    assert "down" in said


async def test_a_dead_way_did_not_carry_what_was_withdrawn_or_still_waits(story: Story) -> None:
    story.press("panel-mains")
    await story.minutes(1)
    carried = row(story, "ways", "way:mail")[1]
    assert "Last notice: fault → Branch manager sent" in carried
    story.mail.down = True
    story.press("smoke-hall")
    await story.minutes(2)
    assert "Last notice: fault → Branch manager sent" in row(story, "ways", "way:mail")[1]
    await story.answer("dispatch", "smoke-hall")
    await story.minutes(2)
    assert "Last notice: fault → Branch manager sent" in row(story, "ways", "way:mail")[1]
    assert any(one.state is NoticeState.WITHDRAWN for one in story.incident("smoke-hall").notices.values())
    _, told = await story.ask("GET", "/api/v1/status")
    assert next(way for way in told["ways"] if way["id"] == "channel:mail")["carried"]["what"] == "trouble"


async def test_the_head_says_who_and_where_we_are_and_which_room_is_not_there(story: Story) -> None:
    said = text(sections(story, "hi")["head"])
    assert said.startswith("Shivnath Bank सेक्टर 6 शाखाथाना भिलाई नगर · नियंत्रण कक्ष durg जुड़ा है")
    assert "Sentinel ठीक काम कर रहा है" in said
    story.room.reachable = False
    story.room.wake.set()
    await story.seconds(30)
    assert "control room durg not connected" in text(sections(story)["head"])


def test_why_the_daemon_is_not_well_is_said_in_the_readers_language() -> None:
    view = HeadView(
        "B", Text("श", "b"), Text("थ", "s"), (), "impaired", True, ("no progress: poller bus", "odd: x"), ()
    )
    assert "Sentinel में गड़बड़ी है: रुका हुआ है: poller bus; odd: x" in text(str(head.show(view, HINDI)))


async def test_a_journal_that_cannot_be_written_is_said_in_the_head_and_in_its_row(story: Story) -> None:
    place = story.state_dir
    place.rename(story.home / "pulled")
    place.write_text("no card", encoding="utf-8")
    story.press("panel-mains")
    await story.minutes(1)
    found = sections(story)
    assert "The journal cannot be written; critical alarms are told from memory" in text(found["head"])
    assert "health bare" in found["head"]
    assert "cannot be written:" in text(found["telemetry"])


# --- The page over its socket -------------------------------------------------------------------------------------------


async def test_the_page_is_served_whole_in_the_language_that_was_asked_for(story: Story) -> None:
    async with story.session() as session:
        async with session.get("http://localhost/") as reply:
            assert reply.status == 200
            assert "default-src 'none'; script-src 'self'" in reply.headers["Content-Security-Policy"]
            assert "Set-Cookie" not in reply.headers
            page = await reply.text()
        async with session.get("http://localhost/?lang=en") as reply:
            assert reply.cookies["lang"].value == "en"
            english = await reply.text()
    assert 'lang="hi"' in page
    assert " style=" not in page
    assert "<script>" not in page
    assert not re.search(r"\son[a-z]+=", page)
    for id_ in ("head", "incidents", "zones", "ways", "devices", "telemetry", "plots"):
        assert f'<section id="{id_}"' in page
    assert "कैश काउंटर होल्ड-अप बटन" in page
    assert "Alarms and sensors" in english


async def test_who_comes_next_and_when_is_what_then_happens_also_while_a_way_is_dead(story: Story) -> None:
    story.mail.down = True
    story.press("smoke-hall")
    await story.minutes(3)
    [one] = story.gateway.page._looker.incidents().open[:1]
    assert one.next_at is not None
    before = len([kept for kept in story.record if isinstance(kept.fact, Escalated)])
    left = (one.next_at - story.gateway.clock.now()).total_seconds()
    await story.seconds(max(0.0, left - 2))
    assert len([kept for kept in story.record if isinstance(kept.fact, Escalated)]) == before
    await story.seconds(4)
    assert len([kept for kept in story.record if isinstance(kept.fact, Escalated)]) == before + 1


async def test_a_clock_that_nobody_set_right_is_said_beside_the_health_of_the_daemon() -> None:
    async with Story(synced=False) as story:
        assert "घड़ी: मिलाई नहीं गई, समय गलत हो सकता है" in text(sections(story, "hi")["head"])


async def test_a_page_says_its_own_date_and_time_for_whoever_takes_a_picture_of_it(story: Story) -> None:
    async with story.session() as session, session.get("http://localhost/?lang=en") as reply:
        assert '<span class="moving" data-live="now">01-06-2026 12:00:0' in await reply.text()


async def test_a_disk_that_says_nothing_or_is_nearly_full_does_not_look_well(story: Story) -> None:
    assert "too little room" not in text(sections(story)["telemetry"])
    story.card.free_bytes = 1_000_000
    await story.minutes(2)
    assert "Disk freetoo little room" in text(sections(story)["telemetry"])


async def test_in_hindi_a_letter_that_does_not_leave_says_why_in_hindi(story: Story) -> None:
    story.mail.down = True
    story.press("panic-gate")
    await story.minutes(3)
    assert "मेल सर्वर" in text(sections(story, "hi")["incidents"])
    assert "mail server" not in text(sections(story, "hi")["incidents"])


async def test_in_the_middle_of_a_reload_a_device_that_left_makes_nothing_fall(story: Story) -> None:
    settings = story.gateway.settings
    devices = {id_: device for id_, device in settings.devices.items() if id_ != "climate"}
    story.gateway.settings = replace(settings, devices=devices)
    assert "device:climate" not in sections(story)["devices"]
    story.gateway.page.pulse()
    async with story.session() as session, session.get("http://localhost/api/v1/status") as answer:
        assert answer.status == 200


async def test_what_an_installer_wrote_is_text_and_never_markup() -> None:
    branch = Story(edits={"en: Front shutter,": "en: '<script>alert(1)</script>\"',"})
    async with branch as story:
        story.press("shutter-front")
        await story.seconds(5)
        _, page = await story.ask("GET", "/?lang=en")
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


# --- Parts ------------------------------------------------------------------------------------------------------------------


def an_incident(**other: Any) -> IncidentView:
    given: dict[str, Any] = {
        "code": "4821", "name": Text("दरवाज़ा", "Door"), "role": Role.SHUTTER, "severity": Severity.HIGH, "alarm": True,
        "test": False, "reason": "", "said": None, "hides": (), "opened_at": NOON, "again_at": None, "active": True, "answers": (),
        "standing": None, "old": False, "police_owe": False, "notices": (), "next_at": None, "next_who": (),
        "closed_at": None, "disposition": None, "closed_by": None,
    }  # fmt: skip
    return IncidentView(**given | other)


def a_picture(number: int, **other: Any) -> PictureView:
    given: dict[str, Any] = {
        "camera": Text("गेट <b>", "Gate <b>"), "before": number == 0, "at": NOON + timedelta(seconds=number), "ref": f"{number:064x}",
    }  # fmt: skip
    return PictureView(**given | other)


def pictures_of(one: IncidentView, reader: Reader) -> tuple[list[dict[str, str]], list[str]]:
    """Attributes of each picture on the card, and the words beneath."""
    shown = str(incidents.show(IncidentsView((one,), ()), reader))
    strip = re.search(r'<ul class="pictures".*?</ul>', shown, re.DOTALL)
    if strip is None:
        return [], []
    found = [dict(re.findall(r'([a-z]+)="([^"]*)"', tag)) for tag in re.findall("<img [^>]*>", strip[0])]
    assert [one["src"] for one in found] == re.findall(r'<a href="([^"]*)"', strip[0])
    return found, [text(one) for one in re.findall(r"<li.*?</li>", strip[0], re.DOTALL)]


def test_a_card_shows_its_pictures_with_the_cameras_name_the_moment_and_the_second() -> None:
    one = an_incident(pictures=(a_picture(0), a_picture(30)), more_pictures=4)
    found, said = pictures_of(one, READER)
    assert said == ["4 more, earlier", "Gate <b>before · 12:00:00", "Gate <b>after · 12:00:30"]
    assert found[1] == {
        "src": f"/api/v1/incidents/4821/pictures/{30:064x}", "alt": "Picture from Gate &lt;b&gt;", "width": "160", "height": "120",
        "loading": "lazy", "decoding": "async",
    }  # fmt: skip
    found, said = pictures_of(one, HINDI)
    assert said == ["इनसे पहले की 4 और", "गेट <b>अलार्म से पहले · 12:00:00", "गेट <b>अलार्म के बाद · 12:00:30"]
    assert found[0]["alt"] == "गेट &lt;b&gt;: तस्वीर"
    assert pictures_of(an_incident(), READER) == ([], [])


def test_a_card_with_the_same_pictures_is_the_same_card() -> None:
    one, again = an_incident(pictures=(a_picture(0),)), an_incident(pictures=(a_picture(0),))
    assert (one, hash(one)) == (again, hash(again))
    assert one != an_incident(pictures=(a_picture(1),))


def a_notice(state: NoticeState, **other: Any) -> NoticeView:
    given: dict[str, Any] = {
        "who": Text("थाना", "Station"), "channel": Text("ईमेल", "e-mail"), "words": "alarm", "at": NOON, "reason": "", "times": 1,
        "first": other.get("at", NOON), "police": True,
    }  # fmt: skip
    return NoticeView(state=state, **given | other)


def test_a_test_is_dotted_and_says_so_in_words() -> None:
    shown = str(incidents.show(IncidentsView((an_incident(test=True),), ()), HINDI))
    assert "incident box test dotted" in shown
    assert "परीक्षण: शटर" in text(shown)


@pytest.mark.parametrize("state", list(NoticeState))
def test_how_far_a_notice_got_is_a_mark_and_a_word(state: NoticeState) -> None:
    shown = str(incidents.show(IncidentsView((an_incident(notices=(a_notice(state),)),), ()), READER))
    word = {
        "pending": "not sent yet, trying",
        "sending": "on its way",
        "withdrawn": "not needed any more, not sent",
    }.get(state, state)
    assert f'<span class="told {state}">' in shown
    assert f"Station · e-mail {word} 12:00" in text(shown)


def test_why_a_notice_was_withdrawn_is_in_its_word_and_not_in_the_daemons() -> None:
    told = a_notice(NoticeState.WITHDRAWN, reason="answered")
    shown = str(incidents.show(IncidentsView((an_incident(notices=(told,)),), ()), HINDI))
    assert "ज़रूरत नहीं रही, नहीं भेजी गई" in text(shown)
    assert "answered" not in text(shown)


def told_and_timeline(*notices: NoticeView, **other: Any) -> tuple[list[str], list[str]]:
    shown = str(incidents.show(IncidentsView((an_incident(notices=notices, **other),), ()), READER))
    told, _, timeline = shown.partition("<ol>")
    return [[text(one) for one in re.findall(r"<li[^>]*>(.*?)</li>", part)] for part in (told, timeline)]  # type: ignore[return-value]


def later(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


def test_a_contact_has_one_row_for_the_alarm_and_the_timeline_has_when_it_was_first_told() -> None:
    told, timeline = told_and_timeline(
        a_notice(NoticeState.DELIVERED, times=3, at=later(4), first=NOON),
        a_notice(NoticeState.SENT, words="answered.acknowledged", at=later(5)),
    )
    assert told == ["Station · e-mail delivered 12:04 · 3 times, first 12:00"]
    assert timeline == [
        "12:00 opened",
        "12:00 alarm → Station · e-mail sent",
        "12:04 alarm → Station · e-mail (3 times) delivered",
        "12:05 acknowledged → Station · e-mail sent",
    ]


def test_who_did_not_get_the_alarm_has_no_tick_because_the_answer_reached_him() -> None:
    told, timeline = told_and_timeline(
        a_notice(NoticeState.FAILED, reason="number not in service", times=0, first=None, at=later(2)),
        a_notice(NoticeState.SENT, words="answered.acknowledged", at=later(5)),
    )
    assert told == ["Station · e-mail failed 12:02 · number not in service"]
    assert timeline[1] == "12:02 alarm → Station · e-mail failed · number not in service"


def test_who_got_the_alarm_once_and_then_not_has_both_in_the_row() -> None:
    told, _ = told_and_timeline(a_notice(NoticeState.PENDING, reason="no-room", times=1, first=NOON, at=later(8)))
    assert told == ["Station · e-mail not sent yet, trying 12:08 · first 12:00 · the card is full"]


def test_a_timeline_of_days_keeps_its_newest_events_and_how_it_began() -> None:
    channels = tuple(
        a_notice(NoticeState.SENT, channel=Text(f"c{n}", f"c{n}"), at=later(n), police=n == 0)
        for n in range(1, incidents.MOST_EVENTS + 10)
    )
    police = a_notice(NoticeState.DELIVERED, at=later(60), first=NOON)
    _, timeline = told_and_timeline(*channels, police, again_at=later(1))
    assert timeline[:3] == ["12:00 opened", "12:00 alarm → Station · e-mail sent", "11 in between are not shown"]
    assert timeline[3].startswith("12:11 ")
    assert len(timeline) == 3 + incidents.MOST_EVENTS
    assert "12:60" not in timeline[-1]
    assert timeline[-1].endswith("Station · e-mail delivered")


async def test_the_police_who_were_told_twice_were_first_told_at_the_first_time(story: Story) -> None:
    story.press("smoke-hall")
    await story.seconds(5)
    await story.minutes(9)
    said = text(sections(story)["incidents"])
    assert re.search(r"12:00 alarm → [^.]*? sent", said)
    assert re.search(r"[2-9] times, first 12:00", said)
    await story.answer("dispatch", "smoke-hall")
    await story.minutes(1)
    told = re.findall(r'<ul class="told-list".*?</ul>', sections(story)["incidents"], re.DOTALL)
    assert re.search(r"times, first 12:00", text(told[0]))


def test_a_message_channel_or_path_that_nobody_has_words_for_is_shown_by_its_id() -> None:
    way = WayView("tower", False, "semaphore", "hill", True, NOON, "", a_notice(NoticeState.SENT, words="wave"))
    said = text(str(ways.show((way,), READER)))
    assert "tower" in said
    assert "hill" in said
    assert "wave" in said


def test_the_clock_is_the_branchs_own_and_another_day_has_its_date() -> None:
    assert text(str(clock(NOON, READER))) == "12:00"
    assert text(str(clock(NOON - timedelta(hours=13), READER))) == "31-05 23:00"


@pytest.mark.parametrize(
    ("value", "said"),
    [(13.2, "13.2"), (28.0, "28"), (0.05, "0.05"), (0.0, "0"), (-12.34, "-12.3"), (True, "1"), (7, "7")],
)
def test_a_figure_has_as_few_places_as_say_it(value: float, said: str) -> None:
    assert number(value) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (99_900, "100 kB"), (5e8, "500 MB"), (8.25e10, "82.5 GB")],
)
def test_bytes_are_said_as_people_say_them(count: float, said: str) -> None:
    assert size(count) == said


# --- Curves -----------------------------------------------------------------------------------------------------------------

DAY = 86_400
NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)
ROWS = st.lists(st.tuples(st.integers(0, 1439), NUMBERS, st.floats(0, 1e3)), min_size=1, unique_by=lambda row: row[0])


def curve(rows_: list[tuple[int, float, float]], low: float | None = None, high: float | None = None) -> CurveView:
    at = tuple(sorted((minute * 60, bottom, bottom + span) for minute, bottom, span in rows_))
    return CurveView("battery.voltage", Text("बैटरी", "Battery"), "V", low, high, at, 60, 0, DAY)


@given(ROWS, st.none() | NUMBERS, st.none() | NUMBERS)
def test_whatever_was_recorded_is_drawn_inside_its_frame(
    recorded: list[tuple[int, float, float]], low: float | None, high: float | None
) -> None:
    drawn = plots.paths(curve(recorded, low, high))
    assert "nan" not in drawn
    assert "inf" not in drawn
    pairs = re.findall(r"(-?[0-9.]+) (-?[0-9.]+)", drawn)
    assert all(0 <= float(x) <= plots.WIDTH and 0 <= float(y) <= plots.HEIGHT for x, y in pairs)
    assert drawn.count('class="limit"') == (low is not None) + (high is not None)


@given(ROWS)
def test_what_was_not_recorded_is_not_drawn(recorded: list[tuple[int, float, float]]) -> None:
    view = curve(recorded)
    runs = plots.runs(view)
    assert [row for run in runs for row in run] == list(view.rows)
    assert all(later[0][0] - earlier[-1][0] > 120 for earlier, later in pairwise(runs))
    assert all(b[0] - a[0] <= 120 for run in runs for a, b in pairwise(run))


def test_a_number_without_a_record_says_so() -> None:
    empty = CurveView("climate.humidity", Text("नमी", "Humidity"), "%", None, None, (), 60, 0, DAY)
    assert "nothing recorded yet" in text(str(plots.show((empty,), READER)))
    assert "अभी कुछ दर्ज नहीं" in text(str(plots.show((), HINDI)))


async def test_a_recorded_day_is_in_the_first_paint(story: Story) -> None:
    await story.minutes(3)
    _, page = await story.ask("GET", "/?lang=en")
    figure = page.partition('data-point="battery.voltage"')[2].partition("</figure>")[0]
    assert 'class="band"' in figure
    assert 'class="limit"' in figure
    assert re.search(r'aria-label="Panel battery: lowest [0-9.]+, highest [0-9.]+ V"', figure)
