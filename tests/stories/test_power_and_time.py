"""Power cuts, restarts, wrong clocks: nothing told is forgotten, nothing due is lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sentinel.core import facts
from sentinel.core.facts import ClockQuality
from sentinel.duty import auditor
from tests.fakes import MONDAY_NOON, Story, virtual_loop


async def test_a_power_cut_between_two_steps_delays_neither_and_repeats_none(story: Story) -> None:
    story.mark()
    story.press("hold-up-counter")
    await story.seconds(40)
    await story.restart(cut_power=True, off=timedelta(0))
    await story.minutes(5)
    assert story.letters() == [
        "0:00 mail sho alarm",
        "0:00 room thana alarm",
        "1:00 mail security-officer alarm",
        "5:00 mail sho alarm",
        "5:00 room thana alarm",
    ]
    await story.good()


async def test_a_step_that_fell_due_while_the_power_was_off_is_taken_at_the_start(story: Story) -> None:
    story.mark()
    story.press("hold-up-counter")
    await story.seconds(40)
    await story.restart(cut_power=True, off=timedelta(hours=9))
    await story.seconds(15)
    assert story.letters()[2:] == [
        "0:40 mail security-officer alarm",
        "0:40 mail sho alarm",
        "0:40 room thana alarm",
    ]


async def test_a_letter_that_was_leaving_when_the_power_went_is_sent_again_under_the_same_code(story: Story) -> None:
    story.mail.takes_s = 5.0
    story.mark()
    story.press("hold-up-counter")
    await story.seconds(3)
    assert story.mail.tries == 1
    code = story.incident().code
    await story.restart(cut_power=True)
    await story.seconds(10)
    assert story.mail.tries == 2
    assert story.letters() == ["0:00 room thana alarm", "0:08 mail sho alarm"]
    assert code in story.texts("sho")[0]


async def test_at_a_boot_with_a_wrong_clock_every_open_ladder_is_due_at_once(story: Story) -> None:
    """The answer of before cannot be shown to be unexpired; the step to the right time then starts nothing twice."""
    story.mark()
    story.press("hold-up-counter")
    await story.seconds(20)
    await story.answer("dispatch", "hold-up-counter")
    await story.seconds(18)
    await story.restart(cut_power=True, clock=datetime(1970, 1, 1, tzinfo=UTC))
    await story.seconds(27)
    story.clock.step(MONDAY_NOON + timedelta(days=730))
    await story.minutes(5)
    assert story.letters()[4:] == [
        "0:40 mail sho alarm",
        "0:40 room thana alarm",
        "1:40 mail security-officer alarm",
        "5:40 mail sho alarm",
        "5:40 room thana alarm",
    ]
    assert len(story.facts(facts.ClockStepped)) == 1
    after = [one for one in story.record if one.boot == story.clock.boot_id]
    assert after[0].clock is ClockQuality.UNSYNCED
    assert after[0].at >= max(one.at for one in story.record if one.boot != story.clock.boot_id)
    assert after[-1].clock is ClockQuality.SYNCED
    await story.good()


async def test_a_clock_set_back_by_hours_delays_no_step_and_a_clock_set_forward_hurries_none(story: Story) -> None:
    story.mark()
    story.press("hold-up-counter")
    await story.seconds(30)
    story.clock.step(story.clock.wall() - timedelta(hours=5))
    await story.minutes(2)
    story.clock.step(story.clock.wall() + timedelta(days=400))
    await story.minutes(4)
    assert story.letters() == [
        "0:00 mail sho alarm",
        "0:00 room thana alarm",
        "1:00 mail security-officer alarm",
        "5:00 mail sho alarm",
        "5:00 room thana alarm",
        "6:00 mail security-officer alarm",
    ]


async def test_an_answer_is_worth_its_three_minutes_whatever_the_clock_is_set_to(story: Story) -> None:
    story.mark()
    story.press("hold-up-counter")
    await story.seconds(30)
    await story.answer("acknowledge", "hold-up-counter")
    story.clock.step(story.clock.wall() + timedelta(days=3650))
    await story.seconds(170)
    assert story.letters()[4:] == []
    await story.seconds(20)
    assert story.letters()[4:] == ["3:30 mail sho alarm", "3:30 room thana alarm"]


async def test_while_the_clock_is_not_believable_answers_count_and_actuating_commands_do_not(story: Story) -> None:
    story.press("hold-up-counter")
    await story.restart(cut_power=True, clock=datetime(1970, 1, 1, tzinfo=UTC))
    await story.answer("acknowledge", "hold-up-counter", valid_s=-86400)
    assert len(story.incident("hold-up-counter").answers) == 1
    await story.answer("escalate", "hold-up-counter")
    assert story.facts(facts.CommandRefused)[-1].reason == "clock-not-synchronised"


async def test_a_zone_in_alarm_at_the_first_boot_is_told() -> None:
    branch = Story()
    branch.press("smoke-hall")
    branch.mark()
    async with branch as story:
        assert story.letters() == ["0:00 room thana alarm", "0:01 mail manager alarm", "0:01 mail sho alarm"]


async def test_a_zone_that_was_told_before_a_restart_is_not_told_as_news_and_shows_still_active(story: Story) -> None:
    story.press("smoke-hall")
    await story.seconds(10)
    code = story.incident().code
    await story.answer("arrive", "smoke-hall")
    story.mark()
    await story.restart(cut_power=False)
    await story.restart(cut_power=True)
    await story.minutes(10)
    assert story.letters() == []
    assert story.incident().code == code
    _, shown = await story.ask("GET", "/api/v1/incidents")
    assert shown["open"][0]["still_active"] is True


async def test_an_alarm_that_cleared_while_the_power_was_off_stays_open_and_shows_cleared(story: Story) -> None:
    story.press("smoke-hall")
    await story.seconds(10)
    await story.power_off()
    story.release("smoke-hall")
    await story.boot()
    await story.seconds(5)
    assert story.incident("smoke-hall").active is False


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_after_ten_days_without_a_network_each_way_carries_one_notice_not_three_thousand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    patient = {"    point: ": "    stale_after: 1h\n    point: "}  # the machine is served once in ten minutes here
    async with Story(edits=patient) as story:
        story.room.set(reachable=False)
        story.mail.down = True
        story.press("hold-up-counter")
        await story.seconds(10)
        loop = virtual_loop()
        loop.grain_s = 600.0
        monkeypatch.setattr(auditor, "OVERDUE", timedelta(hours=1))  # and so it must not call ten minutes late
        for link in story.links.values():
            link.takes_s = 0.0
        await story.minutes(10 * 24 * 60)
        loop.grain_s = 0.0
        assert story.incident("hold-up-counter").notices
        assert len(story.incident("hold-up-counter").notices) == 3
        story.mark()
        story.mail.down = False
        story.room.set(reachable=True)
        await story.seconds(45)
        told = [line.partition(" ")[2] for line in story.letters() if "alarm" in line]
        assert set(told) == {"mail security-officer alarm", "mail sho alarm", "room thana alarm"}
        assert len(told) <= 5  # a new round may have begun meanwhile
        assert story.room.copy.seq == story.gateway.journal.head().seq
        await story.good()


async def test_an_orderly_stop_is_over_within_five_seconds_and_says_good_bye(story: Story) -> None:
    story.mail.takes_s = 60.0
    story.press("hold-up-counter")
    await story.seconds(2)
    assert await story.stop() < 5.0
    assert story.room.retained["state"] == "stopping"
    assert story.facts(facts.Stopping)


async def test_a_clock_that_was_years_ahead_before_a_power_cut_is_put_right_and_what_was_open_is_told_again(
    story: Story,
) -> None:
    right = story.clock.wall()
    story.clock.step(right + timedelta(days=3650))
    await story.seconds(5)
    story.press("hold-up-counter")
    await story.seconds(5)
    await story.power_off()
    story.clock.boot(right + timedelta(minutes=1), synced=True)
    story.mark()
    await story.boot()
    await story.minutes(2)
    assert story.gateway.clock.now() - story.clock.wall() < timedelta(seconds=1)
    assert "0:00 mail sho alarm" in story.letters()
    await story.answer("arrive", "hold-up-counter")
    assert story.facts(facts.Answered)
