"""The simulated branch: its parts may fail, and the demo must then not say that all went well."""

from __future__ import annotations

import asyncio
import io
import shutil
from typing import TYPE_CHECKING

import pytest

from sentinel.demo import broker as brokers
from sentinel.demo.broker import amqtt, installed
from sentinel.demo.command import judged, passed
from sentinel.demo.scenes import BEHIND_THE_PANEL, ON_THE_BUS, SCENES
from sentinel.demo.telling import Teller
from sentinel.demo.town import TownError, town

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.real, pytest.mark.timeout(90)]
HOLD_UP = [scene for scene in SCENES if scene.name == "hold-up"]


def soon(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


def nobody() -> Teller:
    return Teller(io.StringIO())


async def test_a_mail_server_that_takes_nothing_fails_the_hold_up() -> None:
    async with town() as here:
        here.outside.boxes.refusing = "451 4.3.0 no room left"
        report = await judged(here, HOLD_UP, nobody(), soon(30))
    assert not passed(report)
    assert report["scenes"][0]["seen"][-1] == "not seen within 3 s: the station house officer reads"


async def test_a_room_that_is_deaf_fails_the_hold_up() -> None:
    async with town() as here:
        here.room.heard = lambda *_: None  # type: ignore[method-assign]
        report = await judged(here, HOLD_UP, nobody(), soon(30))
    assert not passed(report)
    assert "the station's wall has it" in report["scenes"][0]["seen"][-1]


async def test_an_alarm_that_may_show_moves_what_the_branch_shows_so_the_comparison_is_not_blind() -> None:
    async with town() as here:
        quiet = await here.outside.shown()
        here.bus.set("panel.di3", value=False)
        await here.room.until(lambda: here.outside.opened("zone:panic-gate") is not None, 5)
        loud = await here.outside.shown()
        assert loud.zones["panic-gate"] == "alarm"
        assert loud.metrics != quiet.metrics
        assert loud.status != quiet.status
        assert len(loud.incidents["open"]) == 1


async def test_without_mosquitto_the_same_scene_comes_out_over_amqtt() -> None:
    async with town(choose=amqtt) as here:
        assert here.broker == "amqtt"
        report = await judged(here, HOLD_UP, nobody(), soon(60))
    assert passed(report), report["scenes"]


def test_mosquitto_is_found_where_debian_puts_it_and_amqtt_is_taken_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shutil.which("mosquitto", path=brokers.SBIN + ":/usr/bin"), "apt-get install mosquitto"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert installed(1, tmp_path)[0] == "mosquitto"
    monkeypatch.setattr(brokers, "SBIN", str(tmp_path))
    assert installed(1, tmp_path)[0] == "amqtt"


async def test_a_broker_that_does_not_start_is_an_error_with_its_last_words() -> None:
    def broken(_port: int, _folder: Path) -> tuple[str, list[str]]:
        return "broken", ["sh", "-c", "echo no memory left"]

    with pytest.raises(TownError, match="no memory left"):
        async with town(choose=broken):
            pass


async def test_the_scenes_know_what_the_branch_has_behind_its_panel() -> None:
    async with town() as here:
        settings = here.outside.settings
        wired = {**settings.zones, **settings.summaries}
        assert {id_ for id_, zone in wired.items() if zone.device() == "panel"} == BEHIND_THE_PANEL
        on_the_bus = {id_ for id_, device in settings.devices.items() if device.link == "bus"}
        assert {id_ for id_, zone in wired.items() if zone.device() in on_the_bus} == ON_THE_BUS
