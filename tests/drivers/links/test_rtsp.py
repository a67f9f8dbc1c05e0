"""Looks at streams: GStreamer's server as judge, and a server that is as sim as a recorder may be."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from drivers.digest import challenge
from drivers.links.rtsp import RtspLink, RtspOptions
from drivers.links.rtsp_wire import LIMIT, Answer, Wire, channel_of, video
from drivers.sim.rtsp import PACKET, SDP, Fault, SimRtsp
from sentinel.core.model import Failure
from sentinel.ports import LinkError, RtspReply, RtspRequest
from tests.drivers.mutations import INPUTS, mutated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SERVER = Path(__file__).parents[1] / "rtsp" / "gst_server.py"
LOOK = RtspRequest("/Streaming/Channels/102", timeout_s=2)


@dataclass
class Password:
    """A ports.Secret."""

    value: str = field(default="right", repr=False)

    def read(self) -> str:
        return self.value


def linked(port: int, folder: Path, password: Password | None = None, *, account: bool = True) -> RtspLink:
    said = {"username": "gateway", "password": password or Password()} if account else {}
    return RtspLink(RtspOptions.model_validate({"host": "127.0.0.1", "port": port, **said}), "dvr", folder)


async def failure_of(link: RtspLink, request: RtspRequest = LOOK) -> Failure:
    with pytest.raises(LinkError) as caught:
        await link.read(request)
    return caught.value.failure


# --- GStreamer's server -----------------------------------------------------------------------------------------------


@asynccontextmanager
async def gstreamer(*password: str) -> AsyncIterator[int]:
    child = await asyncio.create_subprocess_exec(
        "/usr/bin/python3", str(SERVER), *password, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert child.stdout is not None
    try:
        async with asyncio.timeout(30):
            yield int(await child.stdout.readline())
    finally:
        child.kill()
        await child.wait()
        await child.stdout.read()
        child._transport.close()  # type: ignore[attr-defined]


@pytest.mark.real
async def test_a_stream_of_gstreamers_server_is_described_and_flows(tmp_path: Path) -> None:
    async with gstreamer("right") as port:
        link = linked(port, tmp_path)
        assert await link.read(RtspRequest("/Streaming/Channels/102", timeout_s=25)) == RtspReply(200, True, 0)
        seen = await link.read(RtspRequest("/Streaming/Channels/102", frames_s=1.0, timeout_s=25))
        assert (seen.status, seen.video) == (200, True)
        assert seen.packets >= 5
        assert await link.read(RtspRequest("/sound", frames_s=1.0, timeout_s=25)) == RtspReply(200, False, 0)
        assert await link.read(RtspRequest("/Streaming/Channels/902")) == RtspReply(404, False, 0)
        await link.close()
        wrong = linked(port, tmp_path, Password("wrong"))
        assert await failure_of(wrong) is Failure.CREDENTIAL
        assert await failure_of(wrong) is Failure.CREDENTIAL
        assert wrong.stats().connects == 1
        await wrong.close()


@pytest.mark.real
async def test_a_server_that_asks_for_no_account_is_looked_at_without(tmp_path: Path) -> None:
    async with gstreamer() as port:
        for account in (True, False):
            link = linked(port, tmp_path, account=account)
            seen = await link.read(RtspRequest("/Streaming/Channels/102", frames_s=0.5, timeout_s=25))
            assert seen.packets > 0
            await link.close()


# --- A recorder that may be odd ---------------------------------------------------------------------------------------


@asynccontextmanager
async def serving(sim: SimRtsp) -> AsyncIterator[SimRtsp]:
    await sim.serve()
    try:
        yield sim
    finally:
        await sim.close()


async def test_the_levels_of_a_look_and_no_more_than_is_asked(tmp_path: Path) -> None:
    async with serving(SimRtsp()) as sim:
        link = linked(sim.port, tmp_path)
        assert await link.read(LOOK) == RtspReply(200, True, 0)
        assert sim.asked == ["OPTIONS", "DESCRIBE"]
        sim.asked.clear()
        assert await link.read(RtspRequest("/x", frames_s=0.2)) == RtspReply(200, True, 20)
        assert sim.asked[:4] == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]
        sim.after_play = b""
        assert await link.read(RtspRequest("/x", frames_s=0.2)) == RtspReply(200, True, 0)
        sim.after_play = b"$\x01" + PACKET[2:] + b"$\x00\x00\x02ab" + b"RTSP/1.0 200 OK\r\n\r\n" + PACKET
        assert (await link.read(RtspRequest("/x", frames_s=0.2))).packets == 1
        assert link.stats().answers == 4
        await link.close()
        assert await failure_of(link) is Failure.NOT_CONNECTED


async def test_a_wrong_password_is_said_once_and_a_nonce_for_one_use_is_humoured(tmp_path: Path) -> None:
    async with serving(SimRtsp(password="right")) as sim:
        wrong = linked(sim.port, tmp_path, Password("wrong"))
        assert set(await asyncio.gather(*(failure_of(wrong) for _ in range(9)))) == {Failure.CREDENTIAL}
        assert sim.failed_logins == 1
        await wrong.close()
        sim.failed_logins, sim.single_use = 0, True
        link = linked(sim.port, tmp_path)
        for _ in range(3):
            assert (await link.read(RtspRequest("/x", frames_s=0.1))).packets == 20
        assert sim.failed_logins == 1
        await link.close()


async def test_a_wrong_password_after_a_right_one_is_one_failed_login_too(tmp_path: Path) -> None:
    async with serving(SimRtsp(password="right")) as sim:
        password = Password()
        link = linked(sim.port, tmp_path, password)
        assert (await link.read(RtspRequest("/one"))).status == 200
        password.value = "wrong"
        assert await failure_of(link, RtspRequest("/two")) is Failure.CREDENTIAL
        assert sim.failed_logins == 1
        await link.close()


async def test_a_401_for_a_camera_that_the_account_may_not_see_shuts_no_gate(tmp_path: Path) -> None:
    async with serving(SimRtsp(password="right", keeps=("/two",))) as sim:
        link = linked(sim.port, tmp_path)
        for _ in range(3):
            assert (await link.read(RtspRequest("/one"))).status == 200
            assert (await link.read(RtspRequest("/two"))).status == 403
        assert sim.failed_logins == 0
        assert not list((tmp_path / "gates").glob("*.json"))
        sim.password = "another"
        assert await failure_of(link, RtspRequest("/three")) is Failure.CREDENTIAL
        assert sim.failed_logins == 2
        await link.close()


@pytest.mark.parametrize(
    ("answers", "failure"),
    [
        ({"DESCRIBE": b""}, Failure.NO_REPLY),
        ({"OPTIONS": b"HTTP/1.1 400 Bad\r\n\r\n"}, Failure.BAD_REPLY),
        ({"OPTIONS": b"\x00" * 100_000}, Failure.BAD_REPLY),
        ({"DESCRIBE": b"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n"}, Failure.BAD_REPLY),
        ({"DESCRIBE": "RTSP/1.0 200 OK\r\nContent-Length: ٣\r\n\r\n".encode()}, Failure.BAD_REPLY),
        ({"DESCRIBE": b"RTSP/1.0 200 OK\r\nCSeq: 77\r\n\r\n" * 6000}, Failure.BAD_REPLY),
        ({"DESCRIBE": b"RTSP/1.0 401 No\r\n\r\n"}, Failure.REFUSED),
        ({"DESCRIBE": b'RTSP/1.0 401 No\r\nWWW-Authenticate: Basic realm="x"\r\n\r\n'}, Failure.REFUSED),
        ({"DESCRIBE": b"RTSP/1.0 403 No\r\nContent-Length: 23\r\n\r\nuser account is locked!"}, Failure.LOCKED),
        ({"SETUP": b"RTSP/1.0 461 Unsupported Transport\r\n\r\n"}, Failure.REFUSED),
        ({"SETUP": "RTSP/1.0 200 OK\r\nSession: \udcff\r\n\r\n".encode("utf-8", "surrogateescape")}, Failure.BAD_REPLY),
        ({"PLAY": b"RTSP/1.0 453 Not Enough Bandwidth\r\n\r\n"}, Failure.REFUSED),
    ],
)
async def test_what_is_no_good_answer_is_a_failure(tmp_path: Path, answers: dict[str, bytes], failure: Failure) -> None:
    async with serving(SimRtsp(answers=answers)) as sim:
        link = linked(sim.port, tmp_path)
        assert await failure_of(link, RtspRequest("/x", frames_s=0.1, timeout_s=0.5)) is failure
        await link.close()


async def test_nothing_there_a_bad_path_and_a_server_that_hangs_up(tmp_path: Path) -> None:
    async with serving(SimRtsp()) as sim:
        pass
    link = linked(sim.port, tmp_path)
    assert await failure_of(link) is Failure.NOT_CONNECTED
    assert await failure_of(link, RtspRequest("/a b")) is Failure.REFUSED
    await link.close()

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    link = linked(server.sockets[0].getsockname()[1], tmp_path)
    assert await failure_of(link) is Failure.NOT_CONNECTED
    await link.close()
    server.close()


@pytest.mark.parametrize(
    ("sdp", "headers", "track"),
    [
        (SDP, {}, "rtsp://dvr/x/trackID=1"),
        (SDP, {"content-base": ["rtsp://dvr/base/"]}, "rtsp://dvr/base/trackID=1"),
        (b"m=video 0 RTP/AVP 96\n", {}, "rtsp://dvr/x"),
        (b"m=video 0 RTP/AVP 96\na=control:*\n", {}, "rtsp://dvr/x"),
        (b"m=video 0 RTP/AVP 96\na=control:rtsp://dvr/y/t1\n", {}, "rtsp://dvr/y/t1"),
        (b"m=video 0 RTP/AVP 96\na=control:a b\n", {}, "rtsp://dvr/x"),
        (b"m=audio 0 RTP/AVP 8\n", {}, None),
        (b"a=control:x\nm=videos\n", {}, None),
        (b"", {}, None),
    ],
)
def test_where_the_first_video_is_set_up(sdp: bytes, headers: dict[str, list[str]], track: str | None) -> None:
    assert video(Answer(200, headers, sdp), "rtsp://dvr/x") == track


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (Fault.SILENT, Failure.NO_REPLY),
        (Fault.TRUNCATED, Failure.NOT_CONNECTED),
        (Fault.GARBLED, Failure.BAD_REPLY),
        (Fault.LYING, Failure.NO_REPLY),
    ],
)
async def test_each_way_to_be_wrong_is_a_failure_of_its_own(tmp_path: Path, fault: Fault, failure: Failure) -> None:
    async with serving(SimRtsp(password="right", fault=fault)) as sim:
        link = linked(sim.port, tmp_path)
        assert await failure_of(link, RtspRequest("/x", frames_s=0.1, timeout_s=0.3)) is failure
        sim.fault = None
        assert (await link.read(RtspRequest("/x", frames_s=0.1))).packets == 20
        await link.close()


async def test_one_byte_at_a_time_is_the_same_stream(tmp_path: Path) -> None:
    async with serving(SimRtsp(password="right", fault=Fault.TRICKLE)) as sim:
        link = linked(sim.port, tmp_path)
        assert await link.read(RtspRequest("/x", frames_s=1.0)) == RtspReply(200, True, 20)
        await link.close()


TALK = [
    b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: %d\r\n\r\n" % len(SDP) + SDP,
    b'RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nWWW-Authenticate: Digest realm="IP Camera", nonce="n"\r\n\r\n',
    b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nSession: 12345;timeout=60\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n\r\n",
    PACKET * 3 + b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n" + PACKET,
]


async def test_whatever_comes_ends_in_an_answer_or_a_stated_failure_and_memory_does_not_grow() -> None:
    rng = random.Random(1)
    answers = packets = 0
    inputs = INPUTS if INPUTS > 100_000 else INPUTS // 4  # a reader for each: the ordinary run takes fewer
    before = 0
    for number in range(inputs):
        if number == inputs // 10:
            before = psutil.Process().memory_info().rss
        reader = asyncio.StreamReader(limit=LIMIT)
        reader.feed_data(mutated(rng, TALK))
        reader.feed_eof()
        wire = Wire(reader, _Nowhere())  # type: ignore[arg-type]
        with suppress(LinkError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            answer = await wire.ask("DESCRIBE", "rtsp://x/", {})
            answers += 1
            track = video(answer, "rtsp://x/")
            assert track is None or track.isascii()
            channel_of(answer.header("transport"))
            found = challenge(answer.headers.get("www-authenticate", ()))
            if found is not None:
                found.answer("a", "b", "DESCRIBE", track or "rtsp://x/", 1, "c").encode()
            while True:
                await wire.packet()
                packets += 1
    grown = psutil.Process().memory_info().rss - before
    assert answers > inputs // 4
    assert packets > inputs // 20
    assert grown < 10_000_000, grown


class _Nowhere:
    def write(self, data: bytes) -> None: ...

    async def drain(self) -> None: ...
