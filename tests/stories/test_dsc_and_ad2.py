"""From what a DSC or an Ademco panel says on its line to the notice: alarms that came while the line was cut as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from drivers.sim.alarmdecoder import SimulatedAlarmDecoder
from drivers.sim.it100 import SimulatedIt100
from sentinel.core.model import Role
from tests.fakes import Story

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from drivers.sim.panel_wire import Panel

PORT = "/dev/serial/by-id/usb-FTDI_Panel-if00-port0"


def with_panel(driver: str) -> dict[str, str]:
    """The example with a panel on a line of its own: zone 5 is the cash counter's button."""
    return {
        "\nlinks:\n": f"\nlinks:\n  line:\n    kind: serial\n    port: {PORT}\n",
        "\ndevices:\n": f"""
devices:
  alarm-panel:
    name: {{en: Alarm panel, hi: अलार्म पैनल}}
    link: line
    driver: {driver}
    points:
      cash: {{role: hold-up, zone: 5, name: {{en: cash counter, hi: कैश काउंटर}}}}
""",
    }


def connect(story: Story, panel: Panel) -> None:
    """What the driver says, the panel hears and answers."""

    def hear(data: bytes) -> None:
        if answer := panel.hear(data):
            story.line.say(answer)

    story.line.on_said = hear


@pytest.fixture
async def dsc() -> AsyncIterator[tuple[Story, SimulatedIt100]]:
    story, panel = Story(edits=with_panel("it100")), SimulatedIt100()
    connect(story, panel)
    async with story:
        await story.seconds(30)
        story.mark()
        yield story, panel


async def test_a_hold_up_at_a_dsc_panel_is_told_to_the_police(dsc: tuple[Story, SimulatedIt100]) -> None:
    branch, panel = dsc
    branch.line.say(panel.alarm(5) + panel.alarm_over(5))  # pressed and let go in one breath
    await branch.seconds(3)
    assert branch.letters() == ["0:00 mail sho alarm", "0:00 room thana alarm"]
    assert [(one.subject, one.role, one.silent) for one in branch.open()] == [
        ("zone:alarm-panel-cash", Role.HOLD_UP, True)
    ]
    await branch.good()


async def shown(story: Story) -> tuple[object, float]:
    """All that the branch can see, and the age of the last word from the panel."""
    _, status = await story.ask("GET", "/api/v1/status")
    _, incidents = await story.ask("GET", "/api/v1/incidents")
    zones = [{key: value for key, value in one.items() if key != "age_s"} for one in status["zones"]]
    links = [one for one in status["links"] if one["id"] == "line"]
    (device,) = (one for one in status["devices"] if one["id"] == "alarm-panel")
    return (links, zones, incidents, {k: v for k, v in device.items() if k != "age_s"}), device["age_s"]


async def test_nothing_in_the_branch_shows_a_hold_up_at_a_dsc_panel(dsc: tuple[Story, SimulatedIt100]) -> None:
    branch, panel = dsc
    before, age_s = await shown(branch)
    branch.line.say(panel.alarm(5))
    await branch.seconds(2)
    assert branch.letters()
    after, later_s = await shown(branch)
    assert after == before
    assert later_s >= age_s + 2, "no age begins anew"


async def test_a_hold_up_while_the_line_was_cut_is_told_when_it_is_back(dsc: tuple[Story, SimulatedIt100]) -> None:
    branch, panel = dsc
    branch.line.cut()
    await branch.seconds(5)
    branch.line.say(panel.alarm(5))  # nobody hears it, and the button stays pressed
    await branch.seconds(60)
    branch.line.cut(back=True)
    await branch.seconds(45)
    assert "zone:alarm-panel-cash" in [one.subject for one in branch.open()]
    assert "sho" in "".join(branch.letters())
    await branch.good()


async def test_a_dsc_panel_that_answers_no_more_is_told_and_none_of_its_zones_reads_normal(
    dsc: tuple[Story, SimulatedIt100],
) -> None:
    branch, _ = dsc
    branch.line.on_said = lambda _data: None
    await branch.seconds(90)
    (told,) = (one.subject for one in branch.open())
    assert told in ("device:alarm-panel", "link:line")
    _, status = await branch.ask("GET", "/api/v1/status")
    shown = [zone for zone in status["zones"] if zone["id"].startswith("alarm-panel-")]
    assert shown
    assert {zone["state"] for zone in shown} == {"unknown"}


async def test_a_hold_up_behind_an_alarmdecoder_is_told_though_its_keypad_shows_nothing() -> None:
    branch, panel = Story(edits=with_panel("alarmdecoder")), SimulatedAlarmDecoder()
    connect(branch, panel)
    async with branch:
        for _ in range(6):
            branch.line.say(panel.beat())
            await branch.seconds(5)
        branch.mark()
        before, age_s = await shown(branch)
        branch.line.say(panel.silent("122", 5))
        await branch.seconds(3)
        after, later_s = await shown(branch)
        assert after == before
        assert later_s >= age_s + 3, "no age begins anew"
        assert branch.letters() == ["0:00 mail sho alarm", "0:00 room thana alarm"]
        (one,) = branch.open()
        assert (one.subject, one.silent) == ("zone:alarm-panel-cash", True)
        await branch.good()


FIRE = b'[00000001011001000A--],005,[f72600ff1005000028020000000000],"FIRE 05                         "\r\n'


def named(driver: str, role: str, name: str = "cash counter") -> dict[str, str]:
    """The panel with another name for the zone: a reload with it makes the line anew."""
    return {k: v.replace("hold-up", role).replace("cash counter", name) for k, v in with_panel(driver).items()}


@pytest.mark.parametrize("afresh", ["restart", "reload"])
async def test_a_fire_that_was_answered_is_not_told_again_because_a_keypad_still_shows_it(afresh: str) -> None:
    branch, panel = Story(edits=named("alarmdecoder", "fire")), SimulatedAlarmDecoder()
    connect(branch, panel)

    async def shows(line: bytes, times: int) -> None:
        for _ in range(times):
            branch.line.say(line)
            await branch.seconds(5)

    async with branch:
        await shows(panel.beat(), 8)
        await shows(FIRE, 1)
        await branch.answer("arrive", code=branch.incident().code)
        branch.mark()
        if afresh == "restart":
            await branch.restart()
        else:
            await branch.reload(named("alarmdecoder", "fire", "cash desk"))
        await shows(FIRE, 12)
        (one,) = branch.open("alarm-panel-cash")
        assert (one.active, len(one.answers)) == (True, 1)
        assert not [line for line in branch.letters() if line.endswith("sho alarm")]
        await branch.good()


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("afresh", ["restart", "reload"])
async def test_a_smoke_alarm_that_was_answered_or_closed_is_not_told_again_because_a_dsc_panel_is_asked(
    afresh: str, closed: bool
) -> None:
    branch, panel = Story(edits=named("it100", "smoke")), SimulatedIt100()
    connect(branch, panel)
    async with branch:
        await branch.seconds(30)
        branch.line.say(panel.alarm(5))
        await branch.seconds(5)
        code = branch.incident().code
        await branch.answer("arrive", code=code)
        if closed:
            await branch.answer("close", code=code, disposition="genuine")
        branch.line.say(panel.disarm())  # its zone is still open
        await branch.seconds(5)
        branch.mark()
        if afresh == "restart":
            await branch.restart()
        else:
            await branch.reload(named("it100", "smoke", "cash desk"))
        await branch.seconds(60)
        assert [len(one.answers) for one in branch.open("alarm-panel-cash")] == ([] if closed else [1])
        assert not [line for line in branch.letters() if line.endswith("sho alarm")]
        await branch.good()


async def test_no_age_begins_anew_when_a_button_at_a_dsc_panel_is_let_go(dsc: tuple[Story, SimulatedIt100]) -> None:
    branch, panel = dsc
    await branch.seconds(1)
    before, age_s = await shown(branch)
    branch.line.say(panel.alarm(5))
    await branch.seconds(1)
    branch.line.say(panel.alarm_over(5))  # 610, then 602: it says the end of it twice
    await branch.seconds(2)
    after, later_s = await shown(branch)
    assert after == before
    assert later_s >= age_s + 3


async def test_a_restart_makes_no_second_hold_up_of_a_button_that_is_still_pressed(
    dsc: tuple[Story, SimulatedIt100],
) -> None:
    branch, panel = dsc
    branch.line.say(panel.alarm(5))  # its partition stays in alarm until somebody disarms it
    await branch.seconds(5)
    await branch.answer("arrive", code=branch.incident().code)
    branch.mark()
    await branch.restart()
    await branch.seconds(60)
    assert branch.subjects() == ["zone:alarm-panel-cash"]
    assert not [line for line in branch.letters() if line.endswith("sho alarm")]
