"""A simulated recorder's streaming port, on a real socket; it can be wrong in every way. The daemon never imports this."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from drivers.digest import challenge

SDP: Final = (
    b"v=0\r\nm=audio 0 RTP/AVP 8\r\na=control:trackID=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
    b"a=control:trackID=1\r\nm=application 0 RTP/AVP 107\r\na=control:trackID=2\r\n"
)
PACKET: Final = b"$\x00\x00\x10\x80\x60" + bytes(14)  # RTP, version 2, no payload to speak of


class Fault(StrEnum):
    """How it can be wrong."""

    SLOW = "slow"  # half a second a question
    SILENT = "silent"  # takes questions and answers none
    TRICKLE = "trickle"  # one byte at a time
    TRUNCATED = "truncated"  # the end of each answer is missing, and it hangs up
    GARBLED = "garbled"  # what it says is no RTSP
    LYING = "lying"  # well-formed answers to questions that nobody asked


@dataclass
class SimRtsp:
    """`serve` it, turn it, `close` it. `answers` stand in the place of what it would say to a method."""

    username: str = "gateway"
    password: str = ""  # asks for none when empty
    single_use: bool = False  # takes each nonce once only
    keeps: tuple[str, ...] = ()  # targets that it refuses to this account, with 401
    channels: tuple[str, ...] = ()  # targets that it has; empty: every one
    packets: int = 20  # sent at once after PLAY
    fault: Fault | None = None
    answers: dict[str, bytes] = field(default_factory=dict)
    after_play: bytes | None = None  # in the place of packets
    asked: list[str] = field(default_factory=list)  # methods
    failed_logins: int = 0
    port: int = 0
    _nonces: dict[str, int] = field(default_factory=dict)
    _server: asyncio.Server | None = None

    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; the port that was taken."""
        self._server = await asyncio.start_server(self._talk, host, port)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    async def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                text = (await reader.readuntil(b"\r\n\r\n")).decode()
                said = self._answer(text)
                if self.fault is Fault.TRUNCATED:
                    writer.write(said[:-3])
                    break
                await self._say(writer, said)
        writer.close()

    async def _say(self, writer: asyncio.StreamWriter, said: bytes) -> None:
        if self.fault is Fault.SLOW:
            await asyncio.sleep(0.5)
        if self.fault is Fault.SILENT:
            return
        for piece in [said[at : at + 1] for at in range(len(said))] if self.fault is Fault.TRICKLE else [said]:
            writer.write(piece)
            await writer.drain()
            if self.fault is Fault.TRICKLE:
                await asyncio.sleep(0)

    def _answer(self, text: str) -> bytes:
        method, url, _ = text.split(" ", 2)
        self.asked.append(method)
        number = re.search(r"CSeq: (\d+)", text)
        head = f"CSeq: {number[1] if number else 0}\r\n".encode()
        if self.fault is Fault.LYING:
            head = b"CSeq: 7777\r\n"
        if self.fault is Fault.GARBLED:
            return b"HTTP/1.1 400 Bad Request\r\n\r\n"
        allowed = not self.password or method == "OPTIONS" or self._allowed(method, url, text)
        if not allowed or (method == "DESCRIBE" and self.keeps and url.endswith(self.keeps)):
            nonce = f"n{len(self._nonces)}"
            self._nonces[nonce] = 0
            said = f'WWW-Authenticate: Digest realm="IP Camera", nonce="{nonce}"\r\n'
            return b"RTSP/1.0 401 Unauthorized\r\n" + head + said.encode() + b"\r\n"
        if method in self.answers:
            return self.answers[method]
        if self.channels and method == "DESCRIBE" and not url.endswith(self.channels):
            return b"RTSP/1.0 404 Not Found\r\n" + head + b"\r\n"
        return b"RTSP/1.0 200 OK\r\n" + head + self._usual(method)

    def _usual(self, method: str) -> bytes:
        match method:
            case "DESCRIBE":
                return b"Content-Base: rtsp://127.0.0.1/x/\r\nContent-Length: %d\r\n\r\n" % len(SDP) + SDP
            case "SETUP":
                return b"Session: 12345;timeout=60\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n"
            case "PLAY":
                return b"\r\n" + (PACKET * self.packets if self.after_play is None else self.after_play)
            case _:
                return b"\r\n"

    def _allowed(self, method: str, url: str, text: str) -> bool:
        found = re.search(r"Authorization: (Digest .*)", text)
        if found is None:
            return False
        nonce = re.search(r'nonce="([^"]*)"', found[1])
        given = nonce[1] if nonce else ""
        asked = challenge([f'Digest realm="IP Camera", nonce="{given}"'])
        good = asked is not None and asked.answer(self.username, self.password, method, url, 1, "") == found[1].strip()
        if not good or given not in self._nonces or (self.single_use and self._nonces[given]):
            self.failed_logins += 1
            return False
        self._nonces[given] += 1
        return True
