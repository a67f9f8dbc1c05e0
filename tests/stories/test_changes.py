"""A program that changes while it runs, and an outbox that somebody harmed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sentinel.core import facts
from sentinel.core.model import Ladder
from sentinel.duty.desk import Desk

if TYPE_CHECKING:
    from sentinel.journal.store import Store
    from tests.fakes import Story

SHO_BY_ROOM = {  # the officer's mailbox leaves, the room takes his letters
    "    addresses: {mail: !credential sho-mail}": "    addresses: {room: durg}",
    "{contact: sho, by: mail}": "{contact: sho, by: room}",
    "      - {after: 0s, tell: [{contact: thana, by: room}, {contact: sho, by: room}, {contact: manager, by: mail}]}": (
        "      - {after: 0s, tell: [{contact: thana, by: room}, {contact: sho, by: room}]}"
    ),
}


async def test_a_weaker_program_is_told_and_stands_until_a_person_closes_it(story: Story) -> None:
    story.mark()
    slower = "wiring: {contact: normally-closed}\n  shutter-front:"
    problems = await story.reload({slower: slower.replace("}\n", "}\n    on_delay: 20s\n")})
    assert not [one for one in problems if one.level == "error"]
    await story.seconds(5)
    assert story.subjects() == ["gateway:program"]
    assert sorted(line.partition(" ")[2] for line in story.letters()) == [
        "mail installer trouble",
        "mail manager trouble",
    ]
    (reloaded,) = story.facts(facts.Reloaded)
    assert [(one.path, one.weakens) for one in reloaded.changes] == [("zones.strong-room.on_delay", True)]
    await story.restart(cut_power=True)
    assert story.subjects() == ["gateway:program"]
    await story.answer("close", code=story.incident().code, disposition="fault")
    assert story.subjects() == []


async def test_a_second_weakening_is_told_anew_while_the_first_still_stands(story: Story) -> None:
    slower = "wiring: {contact: normally-closed}\n  shutter-front:"
    first = {slower: slower.replace("}\n", "}\n    on_delay: 20s\n")}
    await story.reload(first)
    await story.seconds(5)
    code = story.incident().code
    story.mark()
    await story.reload({**first, "    open: {mon-fri: 10:00-17:00": "    open: {mon-fri: 00:00-24:00"})
    await story.seconds(5)
    assert (story.incident().code, story.subjects()) == (code, ["gateway:program"])
    assert {line.partition(" ")[2] for line in story.letters()} == {"mail installer trouble", "mail manager trouble"}
    assert any("branch.hours.open" in text for text in story.texts("installer")), "it says what is weaker now"
    story.mark()
    await story.restart()
    await story.seconds(5)
    assert story.letters() == [], "a start with the same program weakens nothing"


async def test_a_weaker_program_is_told_though_the_power_went_before_that_was_durable(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_: Desk) -> None:
        await asyncio.Event().wait()

    await story.power_off()
    rung = "      - {after: 1m, tell: [{contact: security-officer, by: mail}]}\n"
    story.config.write_text(story.config.read_text(encoding="utf-8").replace(rung, "", 1), encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr(Desk, "run", never)
        await story.boot()
        await story.power_off()
    await story.boot()
    assert "gateway:program" in story.subjects()
    await story.restart()
    assert not story.facts(facts.Started)[-1].changes, "it is remembered once it is durable"


async def test_a_file_with_a_mistake_in_it_changes_nothing(story: Story) -> None:
    await story.reload({"role: vault": "role: volt"})
    assert [one.errors for one in story.facts(facts.ReloadRefused)] == [1]
    story.mark()
    story.press("strong-room")
    await story.seconds(5)
    assert story.letters(contact="thana") == ["0:00 room thana alarm"]


async def test_a_zone_that_left_the_program_while_in_alarm_stays_open_and_can_be_closed(story: Story) -> None:
    story.press("call-point-stairs")
    await story.seconds(5)
    text = story.config.read_text(encoding="utf-8")
    start, end = text.index("  call-point-stairs:"), text.index("\n# Points taken off the hooter")
    await story.reload({text[start:end]: ""})
    await story.minutes(6)
    incident = story.incident("call-point-stairs")
    await story.answer("close", code=incident.code, disposition="genuine")
    assert not list(story.open("call-point-stairs"))


async def test_letters_of_a_channel_that_left_go_to_their_contacts_by_another_one_or_fail_visibly(story: Story) -> None:
    story.mail.down = True
    story.mark()
    story.press("hold-up-counter")
    await story.seconds(5)
    sho = {"    addresses: {mail: !credential sho-mail}": "    addresses: {post: !credential sho-mail}"}
    renamed = {
        **sho,
        "by: mail": "by: post",
        "addresses: {mail:": "addresses: {post:",
        "  mail:\n    kind: email": "  post:\n    kind: email",
    }
    problems = await story.reload(renamed)
    assert not [one for one in problems if one.level == "error"]
    story.mail.down = False
    await story.minutes(6)
    first, second = (line for line in story.letters(contact="sho") if "alarm" in line)
    assert first in {"0:10 mail sho alarm", "0:11 mail sho alarm"}
    assert second == "5:00 mail sho alarm"
    assert [line for line in story.letters(contact="security-officer") if "alarm" in line] == [
        "1:00 mail security-officer alarm",
        "6:00 mail security-officer alarm",
    ]


OFFICER_COMES_TO_THE_BRANCH = {
    "      - {after: 1m, tell: [{contact: security-officer, by: mail}]}\n  life:": "  life:",
    "क्षेत्रीय सुरक्षा अधिकारी}\n": "क्षेत्रीय सुरक्षा अधिकारी}\n    on_site: true\n",
}


async def test_an_officer_who_became_on_site_by_a_reload_is_told_no_more_of_the_hold_up(story: Story) -> None:
    story.mail.down = True
    story.press("hold-up-counter")
    await story.seconds(65)  # his notice waits
    await story.reload(OFFICER_COMES_TO_THE_BRANCH)
    assert story.facts(facts.Reloaded)
    story.mail.down = False
    story.mark()
    await story.minutes(20)
    assert not [line for line in story.texts("security-officer") if "लूट" in line]
    assert [line for line in story.texts("sho") if "लूट" in line]


async def test_a_hold_up_is_not_rerouted_to_an_address_that_its_ladder_does_not_name(story: Story) -> None:
    story.mail.down = True
    story.press("hold-up-counter")
    story.press("smoke-hall")
    await story.seconds(5)
    everybody_by_post = {
        "    addresses: {mail: !credential sho-mail}": "    addresses: {post: !credential sho-mail, room: durg}",
        "{contact: sho, by: mail}": "{contact: sho, by: post}",
        "by: mail": "by: post",
        "addresses: {mail:": "addresses: {post:",
        "  mail:\n    kind: email": "  post:\n    kind: email",
    }
    await story.reload(everybody_by_post)
    assert story.facts(facts.Reloaded)
    await story.seconds(5)
    rows = {row.code: row.channel for row in await story.gateway.journal.live() if row.contact == "sho"}
    held_up = story.incident("hold-up-counter").code
    assert rows[held_up] == "post"  # the room is first among the channels, and would do for smoke
    assert story.letters("room", contact="sho") == []


async def test_a_letter_that_was_leaving_when_its_channel_was_changed_leaves_within_seconds(story: Story) -> None:
    story.mail.takes_s = 1.0
    story.mark()
    story.press("hold-up-counter")
    await story.seconds(0.6)
    await story.reload({"    port: 587\n": "    port: 588\n"})
    await story.seconds(5)
    assert [line.partition(" ")[2] for line in story.letters("mail", contact="sho")] == ["mail sho alarm"]
    await story.good()


async def test_a_lost_outbox_row_is_found_within_a_minute_made_again_and_told(story: Story) -> None:
    story.mail.down = True
    story.press("hold-up-counter")
    await story.seconds(10)

    def lose(store: Store) -> None:
        store._db.execute("DELETE FROM outbox WHERE contact = 'sho'")

    await story.gateway.journal._ask(lose)
    story.mail.down = False
    story.mark()
    await story.seconds(75)
    assert "mail sho alarm" in [line.partition(" ")[2] for line in story.letters(contact="sho")]
    found = [one for one in story.facts(facts.IncidentOpened) if one.subject == "gateway:audit/quiet"]
    assert [one.reason for one in found] == ["live in the facts, missing from the outbox"]
    await story.minutes(2)
    assert not [one for one in story.open() if one.subject == "gateway:audit/quiet"]


@pytest.mark.parametrize(
    "wrong", ["next_at = next_at + 3e8", "state = 'sending', attempt = 1, next_at = NULL, lease_until = 9e9"]
)
async def test_a_notice_put_off_for_years_is_found_within_a_minute_and_told(story: Story, wrong: str) -> None:
    story.mail.down = True
    story.press("hold-up-counter")
    await story.seconds(10)

    def put_off(store: Store) -> None:
        store._db.execute(f"UPDATE outbox SET {wrong} WHERE contact = 'sho' AND state = 'pending'")

    await story.gateway.journal._ask(put_off)
    story.mail.down = False
    story.mark()
    await story.seconds(75)
    assert "mail sho alarm" in [line.partition(" ")[2] for line in story.letters(contact="sho")]
    found = [one for one in story.facts(facts.IncidentOpened) if one.subject == "gateway:audit/quiet"]
    assert [(one.reason, one.silent) for one in found] == [("put off for too long", True)]


async def test_a_ladder_that_was_corrupted_is_told_as_a_fault_and_shows_as_impaired(story: Story) -> None:
    story.press("smoke-hall")
    await story.seconds(5)
    desk = story.gateway.desk
    broken = replace(story.incident(), ladder=Ladder("none", (), 300))
    desk.state = replace(desk.state, incidents={broken.code: broken})
    story.mark()
    await story.seconds(75)
    assert "gateway:audit/trouble" in story.subjects()
    status, health = await story.ask("GET", "/healthz")
    assert (status, health["reasons"]) == (503, ["audit: no next step"])
    assert story.room.retained["health"] == "impaired"
    assert {line.partition(" ")[2] for line in story.letters("mail")} == {
        "mail installer trouble",
        "mail manager trouble",
    }


async def test_a_healthy_branch_is_never_accused_by_its_auditor(story: Story) -> None:
    story.press("hold-up-counter")
    story.press("panel-mains")
    await story.minutes(16)
    await story.restart(cut_power=True)
    await story.minutes(3)
    assert not [one for one in story.facts(facts.IncidentOpened) if one.subject == "gateway:audit"]
