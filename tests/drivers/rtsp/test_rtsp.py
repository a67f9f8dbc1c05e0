"""A recorder of which only streams can be looked at: what its answers mean, and GStreamer's server in its place."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from drivers import driver
from drivers.rtsp import LOOKS, RtspRecorder, RtspRecorderOptions
from sentinel.core.model import Failure, Quality, Reading
from sentinel.ports import LinkError, Moment, RtspReply, RtspRequest
from tests.drivers.links.test_rtsp import gstreamer, linked

if TYPE_CHECKING:
    from pathlib import Path

NOW = Moment(datetime(2031, 5, 5, 10, tzinfo=UTC), 5.0, synchronised=True)
FLOWS = RtspReply(200, True, 40)
NOTHING = RtspReply(200, True, 0)


def recorder(**more: Any) -> RtspRecorder:
    cameras = {
        "gate": {"channel": 1, "name": {"hi": "द्वार", "en": "gate"}},
        "cash": {"channel": 2, "name": {"hi": "नकद", "en": "cash"}},
    }
    given = {"driver": "rtsp", "cameras": cameras, "path": "/Streaming/Channels/{channel}02", **more}
    return RtspRecorder("dvr", None, RtspRecorderOptions.model_validate(given))


def told(device: RtspRecorder, *answers: list[RtspReply | LinkError]) -> tuple[dict[str, Reading], list[Any]]:
    """The readings of the state round, and what was asked each time."""
    asked, left = [], list(answers)
    job = device.assess("state", NOW)
    questions = next(job)
    while True:
        asked.append(list(questions))
        try:
            questions = job.send(left.pop(0))
        except StopIteration as stop:
            assert not left
            return {reading.point: reading for reading in stop.value}, asked


def test_packets_that_flow_are_a_picture_and_all_cameras_are_looked_at_together() -> None:
    readings, asked = told(recorder(), [FLOWS, FLOWS])
    assert asked == [
        [RtspRequest("/Streaming/Channels/102", 3.0), RtspRequest("/Streaming/Channels/202", 3.0)],
    ]
    assert readings["dvr.gate.video"].value == readings["dvr.cash.video"].value == "ok"
    assert readings["dvr.disks"].reason is Failure.UNSUPPORTED


def test_a_camera_without_packets_is_looked_at_three_times_before_it_is_lost() -> None:
    readings, asked = told(recorder(), [FLOWS, NOTHING], [NOTHING], [NOTHING])
    assert [len(questions) for questions in asked] == [2, 1, 1] == [2] + [1] * (LOOKS - 1)
    assert readings["dvr.cash.video"].value == "lost"
    readings, _ = told(recorder(), [FLOWS, RtspReply(200, False, 0)], [FLOWS])
    assert readings["dvr.cash.video"].value == "ok"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (RtspReply(404, False, 0), Failure.UNSUPPORTED),
        (RtspReply(403, False, 0), Failure.UNSUPPORTED),
        (RtspReply(503, False, 0), Failure.REFUSED),
        (LinkError(Failure.NO_REPLY, "x"), Failure.NO_REPLY),
        (LinkError(Failure.CREDENTIAL, "x"), Failure.CREDENTIAL),
    ],
)
def test_what_cannot_be_seen_is_neither_well_nor_lost(answer: RtspReply | LinkError, reason: Failure) -> None:
    readings, _ = told(recorder(), [FLOWS, answer])
    assert (readings["dvr.cash.video"].quality, readings["dvr.cash.video"].reason) == (Quality.FAILED, reason)


def test_the_other_rounds_ask_nothing_and_say_unsupported_for_each_point() -> None:
    device = recorder()
    for one in device.rounds()[1:]:
        job = device.assess(one.name, NOW)
        with pytest.raises(StopIteration) as stop:
            next(job)
        assert [reading.point for reading in stop.value.value] == list(one.points)
        assert {reading.reason for reading in stop.value.value} == {Failure.UNSUPPORTED}


def test_every_point_is_in_one_round() -> None:
    kind = driver("rtsp")
    assert kind.points is not None
    device = recorder()
    described = {f"dvr.{point.id}" for point in kind.points(device._options)}
    rounds = [point for one in device.rounds() for point in one.points]
    assert sorted(rounds) == sorted(described)


def test_options_name_the_mistake() -> None:
    for wrong, said in (
        ({"path": "/live"}, "all look at one picture"),
        ({"path": "live"}, "path"),
        ({"path": "/a b"}, "path"),
    ):
        with pytest.raises(ValidationError, match=said):
            recorder(**wrong)
    assert recorder(path="/cam/realmonitor?channel={channel}&subtype=1", frames="1s")


@pytest.mark.real
async def test_on_gstreamers_server_one_camera_shows_a_picture_and_the_other_is_not_there(tmp_path: Path) -> None:
    device = recorder(frames="500ms")
    async with gstreamer("right") as port:
        link = linked(port, tmp_path)
        job = device.assess("state", NOW)
        questions = next(job)
        answers = [await link.read(question, 25) for question in questions]
        with pytest.raises(StopIteration) as stop:
            job.send(answers)
        await link.close()
    readings = {reading.point: reading for reading in stop.value.value}
    assert readings["dvr.gate.video"].value == "ok"
    assert readings["dvr.cash.video"].reason is Failure.UNSUPPORTED
