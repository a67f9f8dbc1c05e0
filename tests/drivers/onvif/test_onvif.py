"""The ONVIF driver against a strict little device, against a camera program of strangers, and against nonsense."""

from __future__ import annotations

import base64
import os
import random
import threading
import tracemalloc
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from drivers.onvif import OnvifOptions, OnvifRecorder
from drivers.onvif_soap import date_time, path_of
from drivers.wsse import MARKER, refused, wsse_header
from sentinel.core.model import Failure, Quality, Value
from sentinel.ports import HttpReply, HttpRequest, LinkError
from tests.drivers.dahua.talk import DAY, IST, NOW, Talk, moment, play, values
from tests.drivers.dahua.test_link import link, run
from tests.drivers.dahua.test_text import mutate
from tests.drivers.onvif.device import ENVELOPE, JPEG, Device, Kept

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

ROUNDS = ("state", "proof", "history")
MUTATIONS = int(os.environ.get("SENTINEL_FAULTS", "20000"))


class SigningTalk(Talk):
    """As the HTTP link: who knows the password puts the header where the driver left room for it."""

    user, password = "sentinel", "right"

    async def ask(self, request: HttpRequest) -> HttpReply | LinkError:
        if request.wsse is not None and request.signed:
            header = wsse_header(self.user, self.password, request.wsse, os.urandom(16))
            body = request.body.replace(MARKER, header)
            request = HttpRequest(request.target, request.method, body, request.content_type, signed=False)
        return await super().ask(request)


def driver(count: int = 2, **more: Any) -> OnvifRecorder:
    cameras = {f"ch{n}": {"channel": n, "name": {"hi": f"कैमरा {n}", "en": f"camera {n}"}} for n in range(1, count + 1)}
    return OnvifRecorder("dvr", None, OnvifOptions.model_validate({"driver": "onvif", "cameras": cameras} | more))


@asynccontextmanager
async def served(device: Device) -> AsyncIterator[SigningTalk]:
    runner, port = await device.serve()
    try:
        async with SigningTalk(port) as talk:
            yield talk
    finally:
        await runner.cleanup()


def nvr(**more: Any) -> Device:
    kept = [
        Kept("vs1", NOW - 11 * DAY, NOW - timedelta(hours=3)),
        Kept("vs0", NOW - 95 * DAY, NOW - timedelta(minutes=1)),
    ]
    return Device(now=NOW.astimezone(UTC), recordings=[_utc(one) for one in kept], **more)


def _utc(one: Kept) -> Kept:
    return Kept(one.source, one.since.astimezone(UTC), one.until.astimezone(UTC), one.status)


async def assessed(it: OnvifRecorder, talk: Talk, *names: str) -> dict[str, Value | Failure | None]:
    found: dict[str, Value | Failure | None] = {}
    for name in names or ROUNDS:
        found |= values(await talk.run(it.assess(name, moment())))
    return found


@pytest.mark.real
async def test_a_recorder_with_profile_g_says_from_when_to_when_and_the_rest_is_not_claimed() -> None:
    device = nvr()
    async with served(device) as talk:
        it = driver(2)
        found = await assessed(it, talk)
        picture = it.snapshot(2, small=True)
        assert picture is not None
        assert picture.target == "/snap/p1_640"  # the host that the device names is not ours to follow
        reply = await talk.ask(picture)
        assert isinstance(reply, HttpReply)
        assert it.picture(reply) == JPEG
        assert (await talk.run(it.inventory(moment()))).model == "N8"
    assert not device.searches
    assert device.failed_logins == 0
    assert {point: value for point, value in found.items() if value is not Failure.UNSUPPORTED} == {
        "clock": "right",
        "drift": 0.0,
        "identity": "same",
        "ch1.recording": "proved",
        "ch1.newest": 60,
        "ch2.recording": "stopped 17-10 11:20",
        "ch2.newest": 10800,
        "access": "ok",
        "time": "ntp",
        "firmware": "2.1",
        "model": "Acme N8",
        "ch1.oldest": 95.0,
        "ch2.oldest": 11.0,
        "retention": 11.0,
        "footage": "short 11/90",
    }


@pytest.mark.real
async def test_a_device_whose_clock_is_hours_off_still_takes_our_signature_and_is_told_of() -> None:
    device = nvr(drift=timedelta(hours=2))
    device.recordings = [Kept("vs0", device.clock() - 95 * DAY, device.clock() - timedelta(minutes=2))]
    async with served(device) as talk:
        found = await assessed(driver(1), talk)
    assert device.failed_logins == 0
    assert (found["clock"], found["ch1.recording"]) == ("wrong +7200 s", "proved")


@pytest.mark.real
async def test_a_refused_password_is_said_and_never_called_well() -> None:
    device = nvr(password="another")
    async with served(device) as talk:
        found = await assessed(driver(1), talk)
    assert found["identity"] is found["ch1.recording"] is found["footage"] is Failure.CREDENTIAL


@pytest.mark.real
async def test_a_camera_without_profile_g_claims_nothing_about_recordings() -> None:
    async with served(nvr(search=False)) as talk:
        found = await assessed(driver(1), talk)
    assert found["identity"] == "same"
    assert found["ch1.recording"] is found["footage"] is found["ch1.video"] is found["disks"] is Failure.UNSUPPORTED


@pytest.mark.real
async def test_recordings_that_cannot_be_placed_say_nothing_about_any_camera_but_too_short_is_too_short() -> None:
    device = nvr()
    device.recordings = [Kept(f"urn:{n}", device.now - 11 * DAY, device.now) for n in range(5)]
    async with served(device) as talk:
        found = await assessed(driver(2), talk, "history", "proof")
        assert found["ch1.recording"] is found["ch1.oldest"] is found["retention"] is Failure.UNSUPPORTED
        assert found["footage"] == "short 11/90"
        device.recordings = [Kept(f"urn:{n}", device.now - 200 * DAY, device.now) for n in range(5)]
        found = await assessed(driver(2), talk, "history")
        assert found["footage"] is Failure.UNSUPPORTED


@pytest.mark.real
async def test_a_channel_of_which_nothing_is_recorded_is_told() -> None:
    device = nvr()
    device.recordings = device.recordings[1:]
    async with served(device) as talk:
        found = await assessed(driver(2), talk)
    assert (found["ch1.recording"], found["ch2.recording"], found["footage"]) == ("proved", "stopped", "none")


@pytest.mark.real
async def test_over_the_daemons_own_link_a_wrong_password_is_said_once(tmp_path: Path) -> None:
    device = nvr()
    runner, port = await device.serve()
    try:
        over = link(port, tmp_path, "wrong")
        for name in ROUNDS * 2:
            found = values(await run(driver(2).assess(name, moment()), over))
        await over.close()
        assert device.failed_logins == 1
        assert found["footage"] is Failure.CREDENTIAL
        over = link(port, tmp_path)  # another password is tried at once
        found = values(await run(driver(2).assess("proof", moment()), over))
        assert found["ch1.recording"] == "proved"
        await over.close()
        assert device.failed_logins == 1
    finally:
        await runner.cleanup()


@pytest.mark.real
async def test_without_a_time_to_sign_by_nothing_is_signed() -> None:
    device = nvr()
    async with served(device) as talk:
        job = driver(1).assess("state", moment())
        (question,) = next(job)
        answer = await talk.ask(question)
        assert isinstance(answer, HttpReply)
        with pytest.raises(StopIteration) as stop:
            job.send([HttpReply(200, {}, answer.body.replace(b"UTCDateTime", b"Nothing"))])
    assert values(stop.value.value)["identity"] is Failure.BAD_REPLY


@pytest.mark.real
async def test_a_recording_of_the_future_proves_nothing() -> None:
    device = nvr()
    device.recordings = [Kept("vs0", device.now - 95 * DAY, device.now + timedelta(hours=5, minutes=30))]
    async with served(device) as talk:
        found = await assessed(driver(1), talk)
    assert found["ch1.recording"] is Failure.RANGE
    assert found["ch1.newest"] is Failure.UNSUPPORTED


def test_by_a_clock_of_ours_that_is_not_believed_nothing_is_signed() -> None:
    def answer(request: HttpRequest) -> HttpReply:
        assert request.wsse is None, "a refused signature counts as a failed login"
        return HttpReply(401, {}, b"")

    readings = play(driver(1).assess("state", moment(synchronised=False)), answer)
    assert values(readings)["identity"] is Failure.REFUSED


@contextmanager
def strangers_camera(**more: Any) -> Iterator[int]:
    # Here and not above: it brings OpenCV, which needs libGL, and `make check` does without servers.
    from ipycam import CameraConfig, IPCamera  # type: ignore[import-untyped]
    from ipycam.camera import IPCameraHTTPHandler, ReusableThreadingTCPServer  # type: ignore[import-untyped]

    camera = IPCamera(CameraConfig(local_ip="127.0.0.1", **more))
    IPCameraHTTPHandler.camera = camera
    server = ReusableThreadingTCPServer(("127.0.0.1", 0), IPCameraHTTPHandler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        IPCameraHTTPHandler.camera = None


@pytest.mark.real
async def test_a_camera_program_of_strangers_takes_the_signature_and_is_read() -> None:
    here = moment(datetime.now(IST))
    with strangers_camera(username="sentinel", password="right", serial_number="IPY-7", model="Virtual") as port:
        async with SigningTalk(port) as talk:
            it = driver(1)
            found = values(await talk.run(it.assess("state", here))) | values(
                await talk.run(it.assess("history", here))
            )
            assert (found["identity"], found["clock"], found["access"]) == ("same", "right", "ok")
            assert "Virtual" in str(found["model"])
            assert found["footage"] is Failure.UNSUPPORTED
            inventory = await talk.run(it.inventory(here))
            assert (inventory.serial, len(inventory.channels)) == ("IPY-7", 1)
            assert it.snapshot(1) is not None
            talk.password = "wrong"
            assert set(values(await talk.run(driver(1).assess("state", here))).values()) == {Failure.CREDENTIAL}


@pytest.mark.real
async def test_a_camera_of_strangers_that_asks_nobody_for_a_password_is_open() -> None:
    here = moment(datetime.now(IST))
    with strangers_camera() as port:
        async with SigningTalk(port) as talk:
            found = values(await talk.run(driver(1).assess("history", here)))
    assert found["access"] == "open"


def test_the_signature_is_the_one_that_the_standard_prints() -> None:
    """The example of the ONVIF Application Programmer's Guide, 6.1.1.3."""
    created = datetime(2010, 9, 16, 7, 50, 45, tzinfo=UTC)
    nonce = base64.b64decode("LKqI6G/AikKCQrN0zqZFlg==")
    header = wsse_header("user", "userpassword", created.astimezone(IST), nonce)
    assert b">tuOSpGlFlIXsozq4HFNeeGeFLEI=<" in header
    assert b">2010-09-16T07:50:45Z<" in header
    assert b"userpassword" not in header
    assert b"&lt;" in wsse_header("<", "x", created, b"")
    assert b"userpassword" not in header
    assert refused(401, b"")
    assert refused(400, b"ter:NotAuthorized")
    assert not refused(200, b"ter:NotAuthorized")
    assert not refused(500, b"busy")


def test_times_and_addresses_of_a_device_are_read_or_dropped() -> None:
    noon = datetime(2026, 10, 17, 12, 0, 0, tzinfo=UTC)
    assert date_time("2026-10-17T12:00:00Z", IST) == date_time("2026-10-17T17:30:00.5+05:30", IST) == noon
    assert date_time("1970-01-01T00:00:00Z", IST) is date_time("yesterday", IST) is None
    assert path_of("http://10.0.0.9:8899/onvif/media?x=1") == "/onvif/media?x=1"
    assert path_of("http://10.0.0.9/a b") is path_of("ftp://x/") is path_of("http://x/\r\nHost:") is None


@pytest.mark.timeout(3600)
def test_no_answer_whatever_it_is_ends_an_assessment_or_is_kept() -> None:
    live(MUTATIONS // 20, 1)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        live(MUTATIONS // 20, 2)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 300_000
    live(MUTATIONS - MUTATIONS // 10, 3)


def live(count: int, seed: int) -> None:
    rng = random.Random(seed)
    device, bent = nvr(), 0
    it = driver(3)
    bodies: dict[str, bytes] = {}

    def answer(request: HttpRequest) -> HttpReply | LinkError:
        nonlocal bent
        action = request.content_type.rpartition("/")[2].strip('"')
        body = bodies.get(action) or ENVELOPE.format(device._inside(action, "", "http://192.0.2.1:80")).encode()
        bodies[action] = body
        match rng.randrange(8):
            case 0:
                bent += 1
                return LinkError(rng.choice(list(Failure)), "bent")
            case 1:
                bent += 1
                return HttpReply(rng.choice((200, 204, 302, 400, 401, 403, 500, 999)), {}, mutate(body, rng))
            case 2 | 3:
                return HttpReply(200, {}, body)
            case _:
                bent += 1
                at = rng.randrange(len(body))
                word = rng.choice((b"<", b">", b"</", b"&#0;", b"-", b"9" * 30, b"<!DOCTYPE x>", b"\0", b"Z", b"2"))
                return HttpReply(200, {}, body[:at] + word + body[at + rng.choice((0, 1, 2, 9)) :])

    while bent < count:
        if rng.random() < 0.02:
            it = driver(3)
        for round_ in it.rounds():
            readings = play(it.assess(round_.name, moment()), answer)
            assert [reading.point for reading in readings] == list(round_.points)
            for reading in readings:
                assert (reading.reason is None) == (reading.quality is Quality.GOOD)
                assert not isinstance(reading.value, str) or (len(reading.value) < 200 and "\n" not in reading.value)
        with suppress(LinkError):
            play(it.inventory(moment()), answer)


def test_a_search_is_ended_even_when_its_results_fail() -> None:
    device = nvr()

    def answer(request: HttpRequest) -> HttpReply | LinkError:
        action = request.content_type.rpartition("/")[2].strip('"')
        device.asked.append(action)
        if action == "GetRecordingSearchResults":
            return LinkError(Failure.NO_REPLY, "")
        return HttpReply(
            200, {}, ENVELOPE.format(device._inside(action, request.body.decode(), "http://x:80")).encode()
        )

    found = values(play(driver(1).assess("proof", moment()), answer))
    assert found["ch1.recording"] is Failure.NO_REPLY
    assert not device.searches
