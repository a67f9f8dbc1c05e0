"""From a camera whose packets stop to the notice: a plain recorder of which only the streams can be looked at."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sentinel.core.model import Condition
from sentinel.ports import RtspReply, RtspRequest, Speech
from tests.fakes import FakeRecorderLink, Story

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from typing import Any

    from sentinel.gateway.world import World
    from sentinel.settings import equipment

STREAMS = {
    "\nlinks:\n": "\nlinks:\n  streams: {kind: rtsp, host: 192.168.10.70, username: sentinel, password: !env DVR}\n",
    "\ndevices:\n": """
devices:
  old-dvr:
    name: {en: Old recorder, hi: पुराना रिकॉर्डर}
    link: streams
    driver: rtsp
    path: /cam/realmonitor?channel={channel}&subtype=1
    cameras:
      gate: {channel: 1, name: {en: Gate camera, hi: गेट का कैमरा}, sees: [entrance]}
      cash: {channel: 2, name: {en: Cash camera, hi: नकद का कैमरा}}
""",
}


class Streams(Story):
    """The example with an old recorder. `shows`: what each channel's stream gives."""

    def __init__(self) -> None:
        self.shows = {1: RtspReply(200, True, 40), 2: RtspReply(200, True, 40)}
        self.streams = FakeRecorderLink(self._seen)
        super().__init__(edits=STREAMS)

    def _seen(self, request: RtspRequest) -> RtspReply:
        return self.shows[1 if "channel=1&" in request.target else 2]

    def _world(self) -> World:
        world = super()._world()

        def link(entry: equipment.Link, name: str, folder: Path) -> Any:
            return self.streams if entry.speech is Speech.RTSP else world.link(entry, name, folder)

        return replace(world, link=link)


@pytest.fixture
async def branch() -> AsyncIterator[Streams]:
    async with Streams() as story:
        await story.minutes(3)
        assert story.subjects() == []
        story.mark()
        yield story


async def test_a_camera_whose_packets_stop_is_told_and_told_again_when_they_flow(branch: Streams) -> None:
    branch.shows[2] = RtspReply(200, True, 0)
    await branch.minutes(4)
    assert branch.subjects() == ["zone:old-dvr-cash-video"]
    assert any("Cash camera" in text for text in branch.texts("installer"))
    branch.shows[2] = RtspReply(200, True, 40)
    await branch.minutes(4)
    assert branch.subjects() == []


async def test_one_look_without_packets_between_others_is_told_to_nobody(branch: Streams) -> None:
    looks = 0

    def once(request: RtspRequest) -> RtspReply:
        nonlocal looks
        looks += "channel=2&" in request.target
        return RtspReply(200, True, 0) if looks == 1 and "channel=2&" in request.target else branch._seen(request)

    branch.streams.answer = once
    await branch.minutes(10)
    assert looks > 3
    assert branch.letters() == []


async def test_a_channel_that_the_recorder_does_not_have_never_reads_normal(branch: Streams) -> None:
    branch.shows[2] = RtspReply(404, False, 0)
    await branch.minutes(10)
    seen = {view.zone.id: view.condition for view in branch.gateway.sensing.view()}
    assert seen["old-dvr-gate-video"] is Condition.NORMAL
    assert seen["old-dvr-cash-video"] is not Condition.NORMAL
