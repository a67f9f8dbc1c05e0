"""From what a panel says on its serial line to the notice, and back to the acknowledgement that lets it forget."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sentinel.core import facts
from sentinel.core.model import Role, Severity
from sentinel.gateway.metrics import metrics
from sentinel.journal.errors import JournalUnavailable, Reason
from tests.fakes import Story, virtual_loop

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sentinel.core.detect import ZoneView
    from sentinel.core.facts import Recorded

HOLD_UP = "zone:intruder-panel-other-hold-up"  # nobody has named button 7 in the config


@pytest.fixture
async def branch() -> AsyncIterator[Story]:
    async with Story(whole=True) as made:
        await made.seconds(40)  # the receiver has given a sign of life
        made.mark()
        yield made


def acknowledged(story: Story) -> list[str]:
    """The events that the receiver may forget."""
    return [report[11:15] for _, report in story.receiver.acknowledged]


def behind(story: Story) -> list[ZoneView]:
    """The zones of the serial panel."""
    return [view for view in story.gateway.sensing.view() if view.zone.point.startswith("intruder-panel.")]


def pull_card(story: Story) -> None:
    story.state_dir.rename(story.home / "pulled")
    story.state_dir.write_text("no card", encoding="utf-8")


def put_card_back(story: Story) -> None:
    story.state_dir.unlink()
    (story.home / "pulled").rename(story.state_dir)


async def test_a_hold_up_from_a_serial_panel_is_durable_then_acknowledged_and_the_police_are_told(
    branch: Story,
) -> None:
    durable: list[float] = []

    def note(records: list[Recorded]) -> None:
        if any(isinstance(one.fact, facts.IncidentOpened) for one in records):
            durable.append(virtual_loop().time())

    branch.gateway.desk.listeners.append(note)
    branch.receiver.report("122", 7)
    pressed = virtual_loop().time()
    await branch.seconds(3)
    ((at, _),) = branch.receiver.acknowledged
    assert pressed <= durable[0] <= at < pressed + 0.02
    assert branch.letters() == ["0:00 mail sho alarm", "0:00 room thana alarm"]
    assert [(one.subject, one.role, one.silent) for one in branch.open()] == [(HOLD_UP, Role.HOLD_UP, True)]
    assert "लूट" in branch.texts("sho")[0]
    await branch.good()


async def test_nothing_in_the_branch_shows_a_hold_up_that_came_by_the_serial_line(branch: Story) -> None:
    async def shown() -> tuple[object, float]:
        _, status = await branch.ask("GET", "/api/v1/status")
        _, incidents = await branch.ask("GET", "/api/v1/incidents")
        zones = [{k: v for k, v in one.items() if k != "age_s"} for one in status["zones"]]
        links = [one for one in status["links"] if one["id"] == "receiver"]
        (panel,) = (one for one in status["devices"] if one["id"] == "intruder-panel")
        return (links, zones, incidents, {k: v for k, v in panel.items() if k != "age_s"}), panel["age_s"]

    before, age_s = await shown()
    branch.receiver.report("122", 7)
    await branch.seconds(2)
    assert acknowledged(branch) == ["E122"]
    after, later_s = await shown()
    assert after == before
    assert later_s >= age_s + 2, "no age begins anew"


async def test_without_a_card_a_hold_up_is_told_from_memory_and_the_panel_keeps_it_until_there_is_one(
    branch: Story,
) -> None:
    pull_card(branch)
    branch.receiver.report("122", 7)
    await branch.seconds(20)
    assert [line for line in branch.letters(contact="sho") if line.startswith("0:0")] == ["0:00 mail sho bare"]
    assert acknowledged(branch) == []
    assert branch.receiver.said >= 4, "it says it again and again"
    assert len(list(branch.open())) == 2, "and is still one incident, beside the card's own"
    put_card_back(branch)
    await branch.seconds(30)
    assert acknowledged(branch) == ["E122"]
    opened = [one for one in branch.facts(facts.IncidentOpened) if one.subject == HOLD_UP]
    assert len(opened) == 1
    await branch.good()


async def test_a_card_that_answers_after_four_seconds_gets_the_panel_no_late_word(branch: Story) -> None:
    submit = branch.gateway.journal._submit
    late = virtual_loop().time() + 6.0

    async def slow(work: object, deadline_s: float) -> object:
        await asyncio.sleep(max(0.0, min(late - virtual_loop().time(), deadline_s - 0.1)))
        if virtual_loop().time() < late:
            raise JournalUnavailable(Reason.SLOW, "no answer")
        return await submit(work, deadline_s)  # type: ignore[arg-type]

    branch.gateway.journal._submit = slow  # type: ignore[method-assign, assignment]
    said = virtual_loop().time()
    branch.receiver.report("110", 3)
    await branch.seconds(3.9)
    assert acknowledged(branch) == []
    await branch.seconds(30)
    ((at, _),) = branch.receiver.acknowledged
    assert at >= late
    assert branch.receiver.said >= 2
    on_time = [(at - said) % 4.0 for at, data in branch.line.said if data == b"\x06" and said < at]
    assert all(after < 3.6 for after in on_time), "never when the receiver has given up waiting"


async def test_a_report_that_comes_while_the_journal_is_replayed_is_acknowledged_when_it_is_durable(
    branch: Story,
) -> None:
    await branch.power_off()
    branch.receiver.report("110", 3)
    await branch.boot()
    await branch.seconds(40)
    assert acknowledged(branch) == ["E110"]
    assert [one.role for one in branch.open()] == [Role.FIRE]


async def test_a_serial_line_that_is_pulled_out_is_one_high_incident_and_everything_behind_it_is_unknown(
    branch: Story,
) -> None:
    branch.line.cut()
    await branch.minutes(4)
    (one,) = branch.open()
    assert (one.key, one.severity, one.reason) == ("link:receiver/trouble", Severity.HIGH, "not-connected")
    assert len(one.hides) == 19
    assert all(view.unknown for view in behind(branch))
    branch.line.cut(back=True)
    await branch.minutes(2)
    assert branch.subjects() == []
    assert not any(view.unknown for view in behind(branch))


async def test_a_receiver_that_falls_silent_is_found_though_its_line_is_there(branch: Story) -> None:
    branch.receiver.works = False
    await branch.minutes(4)
    assert branch.subjects() == ["device:intruder-panel/trouble"]
    assert branch.line.opened > 1, "half a connection looks the same: it was opened anew"


async def test_an_alarm_of_before_a_restart_stands_and_is_over_when_the_panel_says_so(branch: Story) -> None:
    branch.receiver.report("130", 5)
    await branch.seconds(5)
    assert branch.subjects() == ["zone:intruder-panel-cash-room"]
    branch.mark()
    await branch.restart(cut_power=True)
    await branch.minutes(2)
    assert branch.subjects() == ["zone:intruder-panel-cash-room"]
    assert not [line for line in branch.letters() if line.endswith("restored")]
    branch.receiver.report("130", 5, restored=True)
    await branch.seconds(20)
    assert branch.subjects() == []


async def test_the_same_button_pressed_again_is_told_again_under_the_same_code(branch: Story) -> None:
    branch.receiver.report("122", 7)
    await branch.seconds(5)
    code = branch.incident().code
    await branch.answer("arrive", code=code)
    await branch.seconds(40)
    branch.mark()
    branch.receiver.report("122", 7)
    await branch.seconds(5)
    assert branch.incident().code == code
    assert "0:00 mail sho alarm" in branch.letters()


async def test_a_line_to_which_nothing_is_connected_yet_disturbs_nobody() -> None:
    spare = {"links:\n": "links:\n  spare:\n    kind: serial\n    port: /dev/ttyS9\n"}
    async with Story(whole=True, edits=spare) as story:
        await story.seconds(40)
        assert (await story.ask("GET", "/healthz"))[1] == {"health": "ok", "reasons": []}
        _, status = await story.ask("GET", "/api/v1/status")
        assert [one["id"] for one in status["links"]] == ["bus", "fire", "receiver", "cctv"]


async def test_a_reload_lets_a_panel_go_on_where_it_was(branch: Story) -> None:
    branch.receiver.report("130", 5)
    await branch.seconds(5)
    branch.receiver.report("110", 9)
    await branch.reload({"Cash room motion": "Cash room detector"})
    await branch.seconds(30)
    assert acknowledged(branch) == ["E130", "E110"]
    assert {"zone:intruder-panel-cash-room", "zone:intruder-panel-other-fire"} <= set(branch.subjects())
    assert not any(view.unknown for view in behind(branch))


async def seen(branch: Story) -> dict[str, object]:
    """All figures and all that the status says, but for the instant."""
    _, status = await branch.ask("GET", "/api/v1/status")
    _, incidents = await branch.ask("GET", "/api/v1/incidents")
    figures = [line for line in metrics(branch.gateway).splitlines() if "rss" not in line]
    return {"status": {k: v for k, v in status.items() if k != "at"}, "incidents": incidents, "figures": figures}


@pytest.mark.parametrize("last", ["a heartbeat that came", "a heartbeat that was lost", "none since the start"])
async def test_no_figure_tells_that_a_button_was_pressed_twice_and_let_go(last: str) -> None:
    """Twins: the same branch with and without."""
    found = []
    for pressed in (False, True):
        async with Story(whole=True) as branch:
            await branch.seconds(40)
            if last == "none since the start":
                await branch.restart(cut_power=True)
            branch.receiver.works = last == "a heartbeat that came"
            await branch.seconds(42)
            for message in (b"5011 18C601E12201007\x14", b"5011 18C601R12201007\x14") if pressed else ():
                for _ in range(2):
                    branch.line.say(message)
                    await branch.seconds(0.5)
            await branch.seconds(0.0 if pressed else 2.0)
            assert bool(list(branch.open())) is pressed
            found.append(await seen(branch))
    assert found[0] == found[1]


async def test_a_press_ends_no_fault_of_its_button() -> None:
    button = {"      cash-room:": "      till: {role: hold-up, zone: 7, name: {en: till, hi: गल्ला}}\n      cash-room:"}
    async with Story(whole=True, edits=button) as branch:
        await branch.seconds(40)
        branch.receiver.report("380", 7)
        await branch.seconds(20)
        branch.mark()
        before = await seen(branch)
        branch.receiver.report("122", 7)
        await branch.seconds(2)
        assert "zone:intruder-panel-till" in branch.subjects()
        after = await seen(branch)
        assert after["incidents"] == before["incidents"]
        assert not [line for line in branch.letters() if line.endswith("restored")]


async def test_what_stood_before_a_start_without_a_card_reads_unknown_until_the_card_is_read(branch: Story) -> None:
    def cash_room() -> tuple[str, bool]:
        (view,) = (one for one in behind(branch) if one.zone.id == "intruder-panel-cash-room")
        return str(view.condition), view.unknown

    branch.receiver.report("130", 5)
    await branch.seconds(5)
    await branch.power_off()
    pull_card(branch)
    await branch.boot()
    await branch.seconds(60)
    assert cash_room() == ("unknown", True)
    put_card_back(branch)
    await branch.seconds(90)
    assert cash_room() == ("alarm", False)
    branch.receiver.report("130", 5, restored=True)
    await branch.seconds(20)
    assert "zone:intruder-panel-cash-room" not in branch.subjects()
    assert cash_room() == ("normal", False)
