"""Looks at streams: GStreamer's server as judge, and a server that is as odd as a recorder may be."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.digest import challenge
from drivers.links.rtsp import RtspLink, RtspOptions
from drivers.links.rtsp_wire import LIMIT, Answer, Wire, video
from sentinel.core.model import Failure
from sentinel.ports import LinkError, RtspReply, RtspRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SERVER = Path(__file__).parents[1] / "rtsp" / "gst_server.py"
LOOK = RtspRequest("/Streaming/Channels/102", timeout_s=2)
SDP = (
    b"v=0\r\nm=audio 0 RTP/AVP 8\r\na=control:trackID=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    b"a=control:trackID=1\r\nm=application 0 RTP/AVP 107\r\na=control:trackID=2\r\n"
)
PACKET = b"$\x00\x00\x10\x80\x60" + bytes(14)


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


@dataclass
class Odd:
    """Answers by method; asks for a password where `nonces` has some left."""

    answers: dict[str, bytes] = field(default_factory=dict)
    after_play: bytes = PACKET * 20
    guarded: bool = False
    single_use: bool = False
    asked: list[str] = field(default_factory=list)
    bad: int = 0
    port: int = 0
    _nonces: dict[str, int] = field(default_factory=dict)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                text = (await reader.readuntil(b"\r\n\r\n")).decode()
                method, url, _ = text.split(" ", 2)
                self.asked.append(method)
                number = re.search(r"CSeq: (\d+)", text)
                assert number is not None
                head = f"CSeq: {number[1]}\r\n".encode()
                if self.guarded and method != "OPTIONS" and not self._allowed(method, url, text):
                    nonce = f"n{len(self._nonces)}"
                    self._nonces[nonce] = 0
                    said = f'WWW-Authenticate: Digest realm="IP Camera", nonce="{nonce}"\r\n'
                    writer.write(b"RTSP/1.0 401 Unauthorized\r\n" + head + said.encode() + b"\r\n")
                elif method in self.answers:
                    writer.write(self.answers[method])
                else:
                    writer.write(b"RTSP/1.0 200 OK\r\n" + head + self._usual(method))
                    if method == "PLAY":
                        writer.write(self.after_play)
                await writer.drain()
        writer.close()

    def _usual(self, method: str) -> bytes:
        match method:
            case "DESCRIBE":
                return b"Content-Base: rtsp://127.0.0.1/x/\r\nContent-Length: %d\r\n\r\n" % len(SDP) + SDP
            case "SETUP":
                return b"Session: 12345;timeout=60\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n"
            case _:
                return b"\r\n"

    def _allowed(self, method: str, url: str, text: str) -> bool:
        found = re.search(r"Authorization: (Digest .*)", text)
        if found is None:
            return False
        nonce = re.search(r'nonce="([^"]*)"', found[1])
        asked = challenge([f'Digest realm="IP Camera", nonce="{nonce[1]}"']) if nonce else None
        good = asked is not None and asked.answer("gateway", "right", method, url, 1, "") == found[1].strip()
        used = self._nonces.get(nonce[1], 99) if nonce else 99
        if not good or (self.single_use and used):
            self.bad += 1
            return False
        assert nonce is not None
        self._nonces[nonce[1]] += 1
        return True


@asynccontextmanager
async def serving(odd: Odd) -> AsyncIterator[Odd]:
    server = await asyncio.start_server(odd, "127.0.0.1", 0)
    odd.port = server.sockets[0].getsockname()[1]
    try:
        yield odd
    finally:
        server.close()


async def test_the_levels_of_a_look_and_no_more_than_is_asked(tmp_path: Path) -> None:
    async with serving(Odd()) as odd:
        link = linked(odd.port, tmp_path)
        assert await link.read(LOOK) == RtspReply(200, True, 0)
        assert odd.asked == ["OPTIONS", "DESCRIBE"]
        odd.asked.clear()
        assert await link.read(RtspRequest("/x", frames_s=0.2)) == RtspReply(200, True, 20)
        assert odd.asked[:4] == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]
        odd.after_play = b""
        assert await link.read(RtspRequest("/x", frames_s=0.2)) == RtspReply(200, True, 0)
        odd.after_play = b"$\x01" + PACKET[2:] + b"$\x00\x00\x02ab" + b"RTSP/1.0 200 OK\r\n\r\n" + PACKET
        assert (await link.read(RtspRequest("/x", frames_s=0.2))).packets == 1
        assert link.stats().answers == 4
        await link.close()
        assert await failure_of(link) is Failure.NOT_CONNECTED


async def test_a_wrong_password_is_said_once_and_a_nonce_for_one_use_is_humoured(tmp_path: Path) -> None:
    async with serving(Odd(guarded=True)) as odd:
        wrong = linked(odd.port, tmp_path, Password("wrong"))
        assert set(await asyncio.gather(*(failure_of(wrong) for _ in range(9)))) == {Failure.CREDENTIAL}
        assert odd.bad == 1
        await wrong.close()
        odd.bad, odd.single_use = 0, True
        link = linked(odd.port, tmp_path)
        for _ in range(3):
            assert (await link.read(RtspRequest("/x", frames_s=0.1))).packets == 20
        assert odd.bad == 1
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
    async with serving(Odd(answers)) as odd:
        link = linked(odd.port, tmp_path)
        assert await failure_of(link, RtspRequest("/x", frames_s=0.1, timeout_s=0.5)) is failure
        await link.close()


async def test_nothing_there_a_bad_path_and_a_server_that_hangs_up(tmp_path: Path) -> None:
    async with serving(Odd()) as odd:
        pass
    link = linked(odd.port, tmp_path)
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


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([b"RTSP/1.0 200 OK\r\n", b"\r\n", b"CSeq: 1\r\n", b"Content-Length: 3\r\n", b"$", b"$\x00\x00\x01",
    b"a", b":", b"RTSP/1.0 ", b"\xff", b"Session", b"m=video "]), max_size=12) | st.lists(st.binary(max_size=40), max_size=4))  # fmt: skip
async def test_whatever_comes_ends_in_an_answer_or_a_stated_failure(pieces: list[bytes]) -> None:
    reader = asyncio.StreamReader(limit=LIMIT)
    reader.feed_data(b"".join(pieces))
    reader.feed_eof()
    wire = Wire(reader, _Nowhere())  # type: ignore[arg-type]
    with suppress(LinkError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
        answer = await wire.ask("DESCRIBE", "rtsp://x/", {})
        video(answer, "rtsp://x/")
        while True:
            await wire.packet()


class _Nowhere:
    def write(self, data: bytes) -> None: ...

    async def drain(self) -> None: ...
