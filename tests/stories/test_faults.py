"""Things that break: told once, folded, never shown as normal, and told again when mended."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sentinel.core import facts
from sentinel.core.codes import ROLES
from sentinel.core.encoding import stamp
from sentinel.core.model import Condition, Role, Severity
from sentinel.core.signal import Signal
from tests.fakes import MONDAY_NIGHT, Story

SHORTLY_BEFORE_CLOSING = datetime(2026, 6, 1, 11, 25, tzinfo=UTC)  # 16:55 in Bhilai
PANEL_ZONES = (
    "hold-up-counter",
    "hold-up-manager",
    "panic-gate",
    "strong-room",
    "shutter-front",
    "panel-tamper",
    "panel-mains",
)


async def states(story: Story) -> dict[str, Any]:
    _, shown = await story.ask("GET", "/api/v1/status")
    return {zone["id"]: zone["state"] for zone in shown["zones"]}


async def test_a_quiet_branch_tells_nobody_anything_and_shows_every_zone_as_read(story: Story) -> None:
    story.mark()
    await story.minutes(10)
    assert story.letters() == []
    found = await states(story)
    assert found.pop("hold-up-counter") == found.pop("hold-up-manager") == "supervised"
    assert set(found.values()) == {"normal"}
    assert (await story.ask("GET", "/healthz"))[0] == 200


async def test_a_mended_fault_is_told_to_those_who_were_told_and_to_nobody_else(story: Story) -> None:
    story.mark()
    story.press("panel-mains")
    await story.minutes(2)
    story.release("panel-mains")
    await story.minutes(1)
    assert story.letters() == [
        "0:10 mail installer trouble",
        "0:10 mail manager trouble",
        "2:10 mail installer restored",
        "2:10 mail manager restored",
    ]
    assert not list(story.open())
    assert "Fault: Panel mains supply" in story.texts("installer")[0]


async def test_a_fault_that_mends_itself_within_its_delay_is_nobodys_business(story: Story) -> None:
    story.mark()
    story.press("panel-mains")
    await story.seconds(8)
    story.release("panel-mains")
    await story.minutes(1)
    assert story.letters() == []


async def test_a_dead_panel_is_one_incident_and_none_of_its_zones_reads_normal(story: Story) -> None:
    story.mark()
    story.silence("panel")
    await story.seconds(20)
    assert story.subjects() == ["device:panel/trouble"]
    assert story.incident().severity is Severity.HIGH  # critical zones stand behind it
    assert set(story.incident().hides) == {*PANEL_ZONES, "hooter"}
    assert story.letters() == ["0:11 mail security-officer trouble", "0:11 room thana trouble"]
    found = await states(story)
    assert {found[zone] for zone in PANEL_ZONES} == {"unknown"}
    assert found["server-room"] == "normal"  # a neighbour on the same bus
    story.silence("panel", back=True)
    await story.seconds(10)
    assert (await states(story))["panic-gate"] == "normal"
    assert [line.partition(" ")[2] for line in story.letters()[2:]] == [
        "mail security-officer restored",
        "room thana restored",
    ]


async def test_a_cut_bus_folds_all_its_devices_into_one_incident(story: Story) -> None:
    story.mark()
    story.cut("bus")
    await story.minutes(1)
    assert story.subjects() == ["link:bus/trouble"]
    assert {line.partition(" ")[2] for line in story.letters()} == {
        "mail security-officer trouble",
        "room thana trouble",
    }
    assert "लाइन कटी है" in story.texts("security-officer")[0]
    found = await states(story)
    assert {found[zone] for zone in (*PANEL_ZONES, "panel-battery", "server-room")} == {"unknown"}
    story.cut("bus", back=True)
    await story.seconds(20)
    assert story.subjects() == []


async def test_a_button_pressed_while_its_line_was_cut_is_told_when_the_line_is_back(story: Story) -> None:
    story.cut("bus")
    await story.minutes(1)
    story.press("hold-up-manager")
    story.mark()
    story.cut("bus", back=True)
    await story.seconds(5)
    assert story.letters(contact="sho") == ["0:00 mail sho alarm"]


async def test_a_door_that_flaps_is_told_as_a_fault_and_not_a_hundred_times(story: Story) -> None:
    story.mark()
    for _ in range(45):
        story.press("shutter-front")
        await story.seconds(1)
        story.release("shutter-front")
        await story.seconds(1)
    told = story.letters()
    assert [line for line in told if line.endswith("alarm")] == [
        "0:00 room thana alarm",
        "0:01 mail security-officer alarm",
    ]
    assert [line.partition(" ")[2] for line in told if line.endswith("trouble")] == [
        "mail installer trouble",
        "mail manager trouble",
    ]
    assert (await states(story))["shutter-front"] != "normal"
    await story.minutes(5)
    assert (await states(story))["shutter-front"] == "normal"
    assert not list(story.open())


async def test_a_hold_up_button_that_flaps_is_still_a_hold_up(story: Story) -> None:
    for _ in range(20):
        story.press("hold-up-counter")
        await story.seconds(1.5)
        story.release("hold-up-counter")
        await story.seconds(1.5)
    story.mark()
    story.press("hold-up-counter")
    await story.seconds(3)
    assert story.subjects() == ["zone:hold-up-counter"]


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("limit", ["limit: {count: 60, per: 1h}", "limit: {count: 9999, per: 1h}"])
async def test_a_storm_of_500_signals_loses_none_and_the_hold_up_in_it_is_told_first(limit: str) -> None:
    async with Story(edits={"limit: {count: 60, per: 1h}": limit}) as story:
        await storm(story, limited="60" in limit)


async def storm(story: Story, *, limited: bool) -> None:
    rule = ROLES[Role.SHUTTER]

    def door(number: int) -> Signal:
        return Signal(
            f"zone:door-{number}", Role.SHUTTER, Condition.ALARM, Condition.ALARM, rule.event, rule.severity, ""
        )

    story.mark()
    for number in range(250):
        story.gateway.desk.submit(door(number))
    story.press("hold-up-counter")
    for number in range(250, 500):
        story.gateway.desk.submit(door(number))
    await story.seconds(2)
    assert story.letters(contact="sho") == ["0:00 mail sho alarm"]
    assert len(list(story.open())) == 501
    assert len({one.code for one in story.open()}) == 501
    await story.minutes(2)
    told = [line for line in story.letters("mail", contact="security-officer") if line.endswith("alarm")]
    waiting = [n for one in story.open() for n in one.notices.values() if n.live and n.contact == "security-officer"]
    assert len(told) + len(waiting) >= 501  # those that the mail server's limit holds back wait, and are not lost
    assert bool(waiting) is limited
    assert len([fact for fact in story.facts(facts.IncidentOpened) if fact.role is Role.SHUTTER]) == 500
    assert len(story.room.told) == len([f for f in story.facts(facts.NoticeQueued) if f.channel == "room"])
    await story.good()


async def test_a_mail_server_that_is_gone_is_told_over_the_other_way_within_thirty_seconds(story: Story) -> None:
    story.mail.down = True
    story.mark()
    story.press("panel-mains")
    await story.seconds(70)
    assert "channel:mail/trouble" in story.subjects()
    story.mail.down = False
    await story.minutes(8)
    assert story.subjects() == ["zone:panel-mains"]


async def test_at_night_a_lost_way_is_told_to_the_station() -> None:
    async with Story(now=MONDAY_NIGHT) as story:
        story.mark()
        story.room.set(reachable=False)
        await story.minutes(1)
        assert story.subjects() == ["channel:room/trouble"]
        assert story.incident().severity is Severity.HIGH
        assert story.letters() == ["0:20 mail security-officer trouble"]
        story.room.set(reachable=True)
        await story.seconds(30)
        assert story.subjects() == []


@pytest.mark.parametrize(
    ("lost", "subject"), [({"reachable": False}, "channel:room"), ({"online": False}, "room:durg")]
)
async def test_a_way_that_was_lost_by_day_is_told_as_high_when_the_branch_closes(
    lost: dict[str, bool], subject: str
) -> None:
    async with Story(now=SHORTLY_BEFORE_CLOSING) as story:
        story.room.set(**lost)
        await story.minutes(2)
        assert story.subjects() == [f"{subject}/trouble"]
        code = story.incident().code
        assert story.incident().severity is Severity.FAULT
        story.mark()
        await story.minutes(9)
        assert (story.incident().code, story.incident().severity) == (code, Severity.HIGH)
        assert "2:57 mail security-officer trouble" in story.letters()
        assert len(story.facts(facts.IncidentRaised)) == 1
        await story.restart(cut_power=True)
        await story.minutes(2)
        assert len(story.facts(facts.IncidentRaised)) == 1
        story.room.set(**dict.fromkeys(lost, True))
        await story.minutes(1)
        assert story.subjects() == []
        await story.good()


async def test_a_mail_trouble_that_stood_before_a_restart_ends_with_the_first_letter_that_leaves(story: Story) -> None:
    story.mail.down = True
    story.press("panel-mains")
    await story.minutes(2)
    await story.power_off()
    story.mail.down = False
    await story.boot()
    await story.minutes(3)
    assert "channel:mail/trouble" not in story.subjects()


async def test_a_part_of_the_daemon_that_falls_again_and_again_is_not_called_healthy(story: Story) -> None:
    async def fall(*_: object) -> None:
        raise RuntimeError("a fault of the program")

    setattr(story.gateway.inbox, "_handle", fall)  # noqa: B010 - no input is known that does it
    await story.answer("acknowledge", code="1000")
    assert await story.ask("GET", "/healthz") == (503, {"health": "impaired", "reasons": ["fell: inbox"]})
    assert 'sentinel_task_falls_total{task="inbox"} 1' in (await story.ask("GET", "/metrics"))[1]


async def test_a_rooms_message_that_nothing_comes_of_is_seen_to_hang(story: Story) -> None:
    async def hang(*_: object) -> None:
        await asyncio.Event().wait()

    setattr(story.gateway.inbox, "_handle", hang)  # noqa: B010 - as above
    await story.answer("acknowledge", code="1000")
    assert (await story.ask("GET", "/healthz"))[0] == 200
    await story.seconds(31)
    assert await story.ask("GET", "/healthz") == (503, {"health": "impaired", "reasons": ["no progress: inbox"]})


async def test_a_mail_server_that_died_in_march_is_found_though_nobody_sends_a_letter(story: Story) -> None:
    async def shown() -> object:
        _, status = await story.ask("GET", "/api/v1/status")
        return {way["id"]: way["up"] for way in status["ways"]}["channel:mail"]

    assert await shown() is True
    story.mail.down = True
    await story.minutes(33)
    assert await shown() is False
    assert story.subjects() == ["channel:mail/trouble"]
    story.mail.down = False
    await story.minutes(6)
    assert await shown() is True
    assert story.subjects() == []


async def test_a_mail_server_that_comes_a_minute_after_the_branch_is_unknown_and_then_up() -> None:
    branch = Story()
    branch.mail.down = True
    async with branch as story:
        _, status = await story.ask("GET", "/api/v1/status")
        assert {way["id"]: way["up"] for way in status["ways"]}["channel:mail"] is None
        _, metrics = await story.ask("GET", "/metrics")
        assert 'sentinel_way_up{way="channel:mail"} NaN' in metrics
        await story.seconds(30)
        story.mail.down = False
        await story.seconds(40)
        _, status = await story.ask("GET", "/api/v1/status")
        assert {way["id"]: way["up"] for way in status["ways"]}["channel:mail"] is True
        assert story.facts(facts.IncidentOpened) == []


async def test_a_room_that_was_never_heard_of_does_not_count_as_listening() -> None:
    branch = Story()
    branch.room.known = branch.room.online = False
    async with branch as story:
        await story.minutes(1)
        assert story.subjects() == ["room:durg/trouble"]
        story.room.known = True
        story.room.set(online=True)
        await story.seconds(5)
        assert story.subjects() == []


async def test_a_room_behind_a_lost_way_is_not_shown_as_listening_and_is_not_a_second_incident(story: Story) -> None:
    story.room.set(reachable=False)
    await story.minutes(2)
    _, shown = await story.ask("GET", "/api/v1/status")
    assert {way["id"]: way["up"] for way in shown["ways"]} == {
        "channel:room": False,
        "room:durg": False,
        "channel:mail": True,
    }
    assert story.subjects() == ["channel:room/trouble"]
    story.room.set(reachable=True)
    await story.minutes(1)
    assert story.subjects() == []


async def test_a_mailbox_that_refuses_an_alarm_for_good_is_told_to_bank_and_service_until_it_takes_letters(
    story: Story,
) -> None:
    story.mail.refuses.add("sho.bhilai@police.example")
    story.mark()
    story.press("smoke-hall")
    await story.seconds(30)
    assert story.subjects() == ["delivery:sho/mail/trouble", "zone:smoke-hall"]
    assert {line.partition(" ")[2] for line in story.letters() if "trouble" in line} == {
        "mail installer trouble",
        "mail manager trouble",
    }
    assert any("Notice not delivered" in text and "(mail)" in text for text in story.texts("installer"))
    story.mail.refuses.clear()
    await story.minutes(6)
    assert story.subjects() == ["zone:smoke-hall"]
    await story.good()


async def test_a_room_that_hangs_behind_its_broker_is_not_shown_as_listening_for_what_it_said_last(
    story: Story,
) -> None:
    async def listens() -> object:
        _, shown = await story.ask("GET", "/api/v1/status")
        return {way["id"]: way["up"] for way in shown["ways"]}["room:durg"]

    assert await listens() is True
    story.room.hung = True
    await story.seconds(100)
    assert await listens() is False
    assert story.subjects() == ["room:durg/trouble"]
    await story.restart()
    await story.minutes(1)
    assert await listens() is False, "the broker keeps what it said last, and that is old"
    assert story.subjects() == ["room:durg/trouble"]
    story.room.hung = False
    await story.seconds(15)
    assert await listens() is True
    assert story.subjects() == []


async def test_a_room_gone_mad_fills_no_journal_and_the_others_are_told_in_time(story: Story) -> None:
    story.press("smoke-hall")
    await story.seconds(5)
    before, code = story.gateway.journal.head().seq, story.incident().code
    for _ in range(40):
        now = story.clock.wall()
        given: dict[str, Any] = {"at": stamp(now), "until": stamp(now + timedelta(seconds=60))}
        given["by"] = {"name": "x", "role": "police"}
        for _ in range(100):
            story.room.command("escalate", incident=f"17-{code}", **given)
        await story.seconds(1)
    refused = story.facts(facts.CommandRefused)
    assert "too-many" in [one.reason for one in refused]
    assert len(story.facts(facts.CommandTaken)) <= 120 + 40 / 3 + 1
    assert story.gateway.journal.head().seq - before < 1500
    story.mark()
    story.press("hold-up-counter")
    await story.seconds(3)
    assert story.letters(contact="sho")[:1] == ["0:00 mail sho alarm"]
    await story.minutes(1)
    await story.answer("dispatch", code=story.incident("hold-up-counter").code)
    assert story.incident("hold-up-counter").answers, "once it is calm it is heard again"
