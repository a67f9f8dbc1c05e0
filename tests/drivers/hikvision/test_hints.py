"""The recorder's own stream of events makes polling fast and decides nothing; pictures are JPEG or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.hikvision_events import MOST, AlertStream
from drivers.sim.hikvision_answers import event
from drivers.sim.hikvision_recorder import JPEG
from sentinel.ports import HttpReply
from tests.drivers.hikvision.branch import recorder, simulated

IT = simulated()
HEARTBEAT = event(IT, "videoloss", 0, 0, active=False)
LOSS = event(IT, "videoloss", 2, 1, active=True)
PICTURE = b"--boundary\r\nContent-Type: image/pjpeg\r\nContent-Length: 200000\r\n\r\n" + bytes(range(256)) * 800


def test_a_loss_asks_for_a_look_and_a_recording_failure_for_the_proof() -> None:
    stream = recorder().hints()
    assert stream.request().target == "/ISAPI/Event/notification/alertStream"
    assert stream.feed(LOSS) == ["state"]
    assert stream.feed(event(IT, "recordingfailure", 1, 1, active=True)) == ["proof"]
    assert stream.feed(event(IT, "diskerror", 1, 1, active=True)) == ["state"]
    assert stream.feed(event(IT, "VMD", 1, 1, active=True)) == []


def test_the_heartbeat_never_means_that_a_camera_is_back() -> None:
    stream = AlertStream()
    assert stream.feed(HEARTBEAT * 10) == []
    stream.feed(LOSS)
    assert stream.feed(HEARTBEAT) == []
    assert stream.feed(event(IT, "videoloss", 2, 1, active=False)) == []
    assert stream.feed(event(IT, "other", "", 0, active=True)) == []


def test_an_event_that_lasts_is_named_once_and_again_when_it_comes_back() -> None:
    stream = AlertStream()
    lasting = [stream.feed(event(IT, "videoloss", 34, count, active=True) + HEARTBEAT) for count in range(1, 60)]
    assert [name for names in lasting for name in names] == ["state"]
    assert stream.feed(event(IT, "videoloss", 34, 1, active=True)) == ["state"]
    assert stream.feed(event(IT, "videoloss", 34, 1, active=True)) == []
    stream.feed(HEARTBEAT * 30)
    assert stream.feed(event(IT, "videoloss", 34, 1, active=True)) == ["state"]


def test_a_picture_between_two_events_does_not_hide_the_second() -> None:
    stream = AlertStream()
    assert stream.feed(HEARTBEAT + PICTURE + LOSS) == ["state"]


def test_an_event_that_never_ends_is_dropped_and_the_next_one_heard() -> None:
    stream = AlertStream()
    for _ in range(50):
        assert stream.feed(b"<EventNotificationAlert>" + b"x" * 10_000) == []
        assert len(stream._held) <= 2 * MOST
    assert stream.feed(b"y" * MOST + LOSS) == ["state"]


def test_what_was_held_of_a_dropped_stream_is_not_joined_to_the_next() -> None:
    stream = AlertStream()
    stream.feed(LOSS[:-40])
    stream.request()
    assert stream.feed(LOSS) == ["state"]


@given(st.lists(st.integers(1, 300), max_size=40))
def test_pieces_of_any_length_say_the_same(lengths: list[int]) -> None:
    data = HEARTBEAT + PICTURE[:500] + LOSS + HEARTBEAT + event(IT, "recordingfailure", 1, 1, active=True)
    stream, heard = AlertStream(), []
    for length in (*lengths, len(data)):
        heard += stream.feed(data[:length])
        data = data[length:]
    assert heard == ["state", "proof"]


@given(st.binary(max_size=300), st.integers(1, 7))
def test_one_byte_at_a_time_and_rubbish_before_it_lose_nothing(rubbish: bytes, size: int) -> None:
    stream, heard = AlertStream(), []
    data = rubbish + b"\r\n" + LOSS
    for start in range(0, len(data), size):
        heard += stream.feed(data[start : start + size])
    assert heard == ["state"]


@pytest.mark.parametrize(
    ("status", "body", "kept"),
    [
        (200, JPEG, JPEG), (200, JPEG + b"\0\0\r\n", JPEG), (200, JPEG[:-2], None), (503, JPEG, None), (200, b"", None),
        (200, b"<ResponseStatus><statusCode>3</statusCode></ResponseStatus>", None), (200, b"\xff\xd8\xff", None),
    ],
)  # fmt: skip
def test_a_picture_is_a_whole_jpeg_or_none(status: int, body: bytes, kept: bytes | None) -> None:
    assert recorder().picture(HttpReply(status, {}, body)) == kept


def test_a_small_picture_is_the_sub_streams() -> None:
    dvr = recorder()
    assert dvr.snapshot(3, small=True).target == "/ISAPI/Streaming/channels/302/picture"
    assert dvr.snapshot(3, small=False).target == "/ISAPI/Streaming/channels/301/picture"
    assert dvr.snapshot(12, small=False).signed
