"""A hold-up shows nowhere in the branch: two worlds, one with a pressed button, must look the same to the byte."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace
from typing import Any

import pytest

from sentinel.core.model import Ladder
from tests.fakes import Story

ON_SITE = {"manager"}
LOOKS = (
    "/api/v1/status", "/api/v1/incidents", "/metrics", "/healthz", "/api/v1/journal/verify", "/api/v1/points",
    "/api/v1/plot?point=battery.voltage",
)  # fmt: skip
SAYS_ITS_OWN_VALUE = "panic-gate"


async def watched(zone: str, *, pressed: bool) -> tuple[list[Any], set[str]]:
    """Everything the branch can see of itself over ten minutes, and who got letters."""
    seen: list[Any] = []
    async with Story() as story:
        for minute in range(10):
            if pressed and minute == 2:
                story.press(zone)
            if pressed and minute == 6:
                story.release(zone)
            await story.minutes(1)
            if pressed and minute == 4:
                await story.answer("acknowledge", zone)
            elif minute == 4:
                await story.seconds(2)
            seen += [await story.ask("GET", path) for path in LOOKS]
        told = {letter.contact for _, letter in story.mail.letters} | {fact.contact for _, fact in story.room.told}
        assert bool(told) is pressed
    return seen, told


@pytest.mark.parametrize("zone", ["hold-up-counter", "hold-up-manager"])
async def test_a_hold_up_shows_nowhere_in_the_branch_and_nobody_on_site_is_told(zone: str) -> None:
    quiet, _ = await watched(zone, pressed=False)
    held_up, told = await watched(zone, pressed=True)
    assert [masked(one) for one in held_up] == [masked(one) for one in quiet]
    assert told == {"thana", "sho", "security-officer"}


async def test_the_same_look_does_tell_a_panic_button_apart() -> None:
    quiet, _ = await watched(SAYS_ITS_OWN_VALUE, pressed=False)
    heard, told = await watched(SAYS_ITS_OWN_VALUE, pressed=True)
    assert [masked(one) for one in heard] != [masked(one) for one in quiet]
    assert told & ON_SITE


async def test_after_a_restart_in_the_middle_of_a_hold_up_the_branch_still_sees_nothing(story: Story) -> None:
    story.press("hold-up-counter")
    await story.seconds(20)
    await story.restart(cut_power=True)
    await story.seconds(20)
    _, shown = await story.ask("GET", "/api/v1/incidents")
    assert shown == {"open": [], "recent": [], "complete": True}
    _, status = await story.ask("GET", "/api/v1/status")
    zone = next(one for one in status["zones"] if one["id"] == "hold-up-counter")
    assert (zone["state"], zone["value"], zone["active"]) == ("supervised", None, None)
    assert status["notices"] == {}


async def test_a_dead_hold_up_button_does_show_its_fault(story: Story) -> None:
    story.silence("panel")
    await story.seconds(30)
    _, status = await story.ask("GET", "/api/v1/status")
    zone = next(one for one in status["zones"] if one["id"] == "hold-up-counter")
    assert zone["state"] == "unknown"


async def test_a_mail_server_that_refuses_the_letters_of_a_hold_up_shows_nothing_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def looked_at(*, pressed: bool) -> tuple[list[Any], list[str], set[str]]:
        caplog.clear()
        seen: list[Any] = []
        async with Story() as story:
            story.mail.down = True
            for minute in range(4):
                if pressed and minute == 1:
                    story.press("hold-up-counter")
                await story.minutes(1)
                seen += [masked(await story.ask("GET", path)) for path in LOOKS]
            logged = [one.getMessage() for one in caplog.records if "notice" in one.getMessage()]
            return seen, logged, {letter.contact for _, letter in story.mail.letters}

    caplog.set_level("INFO")
    quiet, said_quietly, _ = await looked_at(pressed=False)
    held_up, said_then, told = await looked_at(pressed=True)
    assert held_up == quiet
    assert said_then == said_quietly
    assert not told & ON_SITE


async def test_a_mailbox_that_refuses_a_hold_up_for_good_is_told_to_nobody_on_site_and_shown_nowhere() -> None:
    async def looked_at(*, pressed: bool) -> tuple[list[Any], set[str]]:
        seen: list[Any] = []
        async with Story() as story:
            story.mail.refuses.add("sho.bhilai@police.example")
            for minute in range(4):
                if pressed and minute == 1:
                    story.press("hold-up-counter")
                await story.minutes(1)
                seen += [masked(await story.ask("GET", path)) for path in LOOKS]
            assert ("delivery:sho/mail/quiet/trouble" in story.subjects()) is pressed
            return seen, {letter.contact for _, letter in story.mail.letters}

    quiet, _ = await looked_at(pressed=False)
    held_up, told = await looked_at(pressed=True)
    assert held_up == quiet
    assert told == {"installer", "security-officer"}


@pytest.mark.parametrize("dead", [("mail",), ("room",), ("mail", "room")])
async def test_with_its_ways_out_dead_the_branch_looks_the_same_whether_a_button_was_pressed_or_not(
    dead: tuple[str, ...], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "uniform", lambda _low, _high: 1.0)  # the jitter of more letters is another

    async def looked_at(*, pressed: bool) -> tuple[list[Any], list[str]]:
        caplog.clear()
        seen: list[Any] = []
        async with Story() as story:
            story.mail.down = "mail" in dead
            story.room.set(reachable="room" not in dead)
            await story.minutes(3)
            if pressed:
                story.press("hold-up-counter")
            for _ in range(40):
                await story.seconds(30)
                seen += [masked(await story.ask("GET", path)) for path in LOOKS]
                seen += [story.gateway.page.sections(lang) for lang in ("hi", "en", "")]
                seen.append(story.gateway.page.pulse()["live"])
            assert [one for one in story.subjects() if "audit" in one] == []
            return seen, [one.getMessage() for one in caplog.records if one.levelname != "DEBUG"]

    caplog.set_level("INFO")
    quiet, said_quietly = await looked_at(pressed=False)
    held_up, said_then = await looked_at(pressed=True)
    for one, other in zip(held_up, quiet, strict=True):
        assert to_the_second(one) == to_the_second(other)
    assert sorted(said_then) == sorted(said_quietly)  # two letters at once are refused in any order


async def test_what_the_auditor_finds_about_a_hold_up_is_told_off_site_and_shown_nowhere() -> None:
    async def looked_at(*, pressed: bool) -> tuple[list[Any], set[str]]:
        seen: list[Any] = []
        async with Story() as story:
            if pressed:
                story.press("hold-up-counter")
            await story.seconds(5)
            if pressed:
                desk, broken = story.gateway.desk, replace(story.incident(), ladder=Ladder("none", (), 300))
                desk.state = replace(desk.state, incidents={broken.code: broken})
            for _ in range(10):
                await story.seconds(20)
                seen += [masked(await story.ask("GET", path)) for path in LOOKS]
                seen += [story.gateway.page.sections(lang) for lang in ("hi", "en", "")]
            assert ("gateway:audit/quiet/trouble" in story.subjects()) is pressed
            return seen, {letter.contact for _, letter in story.mail.letters if "3000" not in letter.notice}

    quiet, _ = await looked_at(pressed=False)
    held_up, told = await looked_at(pressed=True)
    assert held_up == quiet
    assert told
    assert not told & ON_SITE


@pytest.mark.parametrize("without_card", [False, True])
async def test_the_codes_and_letters_of_the_branch_are_numbered_as_if_nobody_had_been_held_up(
    without_card: bool,
) -> None:
    async def letters(*, pressed: bool) -> list[tuple[str, str, str]]:
        branch = Story()
        if without_card:
            branch.state_dir.write_text("no card", encoding="utf-8")
        async with branch as story:
            for zone in ("hold-up-counter", "hold-up-manager") if pressed else ():
                story.press(zone)
            await story.seconds(30)
            story.press("panel-mains")
            await story.seconds(30)
            got = [letter for _, letter in story.mail.letters if letter.contact in ON_SITE]
            return [(one.code, one.notice, one.body) for one in got]

    quiet, held_up = await letters(pressed=False), await letters(pressed=True)
    assert quiet
    assert [one[:2] for one in held_up] == [one[:2] for one in quiet]


def to_the_second(value: Any) -> str:
    """As text, without the microseconds that a turn of the loop takes."""
    return re.sub(r"(T\d\d:\d\d:\d\d)\.\d{6}Z", r"\1Z", json.dumps(value, default=str))


def masked(answer: tuple[int, Any]) -> Any:
    """Without the stamps, which move by the microseconds that a turn of the loop takes, and without ages' last digit."""
    status, body = answer
    if isinstance(body, dict):
        body = {key: value for key, value in body.items() if key != "at"}
        for list_, age in (("zones", "age_s"), ("devices", "age_s"), ("ways", "since_s"), ("points", "age_s")):
            for one in body.get(list_, ()):
                one[age] = round(one[age])
        if "telemetry" in body:
            spool = body["telemetry"]["spool"]
            spool["since_s"], spool["oldest_age_s"] = round(spool["since_s"]), round(spool["oldest_age_s"])
        for link in body.get("links", ()):
            link.pop("reads")
            link.pop("latency_ms")
    elif isinstance(body, str):
        moving = ("sentinel_reads_total", "sentinel_zone_age", "sentinel_device_age", "sentinel_read_latency")
        body = [line for line in body.splitlines() if not line.startswith(moving)]
    return status, body
