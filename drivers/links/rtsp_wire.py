"""RTSP 1.0 as bytes on one connection: requests out, answers and RTP packets in, all bounded. Called by `rtsp`.

Understands just enough to look at a stream: no reconnect, no second stream, nothing kept of the pictures.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sentinel.core.model import Failure
from sentinel.ports import LinkError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping, Sequence

LIMIT: Final = 16 * 1024  # bytes of one head
MOST_BODY: Final = 64 * 1024  # of a description; real ones have 500
MOST_PASSED: Final = 5000  # packets that may come between a question and its answer

_URL = re.compile(r"rtsp://[\x21-\x7e]{1,2000}", re.IGNORECASE)
_STATUS = re.compile(r"RTSP/1\.\d (\d{3})(?: |$)")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `headers`: names in small letters, each with all its values."""

    status: int
    headers: Mapping[str, Sequence[str]]
    body: bytes = field(repr=False)

    def header(self, name: str) -> str:
        """Its first value, or ""."""
        return next(iter(self.headers.get(name, ())), "")


class Wire:
    """One open connection. The caller's deadline is around every await."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._number = 0

    async def ask(self, method: str, url: str, headers: Mapping[str, str]) -> Answer:
        """The answer to this very question."""
        self._number += 1
        lines = [f"{method} {url} RTSP/1.0", f"CSeq: {self._number}", "User-Agent: sentinel"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._writer.write("\r\n".join([*lines, "", ""]).encode())
        await self._writer.drain()
        for _ in range(MOST_PASSED):
            start = await self._reader.readexactly(1)
            if start == b"$":
                await self._packet()
                continue
            answer = await self._answer(start)
            if answer.header("cseq").strip() in {"", str(self._number)}:
                return answer
        raise LinkError(Failure.BAD_REPLY, f"no answer to {method} among all that came")

    async def packet(self) -> tuple[int, bool]:
        """The channel of the next packet, and whether it is RTP. Answers that come between are passed over."""
        while True:
            start = await self._reader.readexactly(1)
            if start == b"$":
                return await self._packet()
            await self._answer(start)

    def say(self, method: str, url: str, headers: Mapping[str, str]) -> None:
        """Without waiting for an answer: a good-bye."""
        self._number += 1
        lines = [f"{method} {url} RTSP/1.0", f"CSeq: {self._number}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._writer.write("\r\n".join([*lines, "", ""]).encode())

    async def _packet(self) -> tuple[int, bool]:
        head = await self._reader.readexactly(3)
        size = int.from_bytes(head[1:], "big")
        body = await self._reader.readexactly(size)
        return head[0], size >= 12 and body[0] >> 6 == 2  # RFC 3550, 5.1: a header of 12 bytes, version 2

    async def _answer(self, start: bytes) -> Answer:
        head = start + await self._reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("utf-8", "surrogateescape").strip().split("\r\n")
        found = _STATUS.match(first)
        if found is None:
            raise LinkError(Failure.BAD_REPLY, f"no RTSP: {first[:40]!r}")
        headers: dict[str, list[str]] = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers.setdefault(name.strip().casefold(), []).append(value.strip())
        answer = Answer(int(found[1]), headers, b"")
        length = answer.header("content-length") or "0"
        if not (length.isascii() and length.isdigit()) or int(length) > MOST_BODY:
            raise LinkError(Failure.BAD_REPLY, f"an answer of {length[:20]!r} bytes")
        return Answer(answer.status, headers, await self._reader.readexactly(int(length)))


def video(described: Answer, url: str) -> str | None:
    """Where the first video of a description is set up, or None when it has none."""
    inside = False
    control = ""
    for line in described.body.decode("utf-8", "replace").splitlines():
        if line.startswith("m="):
            if inside:
                break
            inside = line.startswith("m=video ")
        elif inside and line.startswith("a=control:"):
            control = line.removeprefix("a=control:").strip()
    if not inside:
        return None
    whole = base(described, url)
    if control in {"", "*"}:
        return whole
    found = control if control.casefold().startswith("rtsp://") else f"{whole.removesuffix('/')}/{control}"
    return found if _URL.fullmatch(found) else whole


def base(described: Answer, url: str) -> str:
    """What the whole stream is called from now on."""
    found = described.header("content-base") or described.header("content-location")
    return found if _URL.fullmatch(found) else url


def channel_of(transport: str) -> int:
    """The interleaved channel of RTP that a SETUP agreed on; 0 where it does not say."""
    found = re.search(r"interleaved=(\d{1,3})", transport)
    return int(found[1]) if found else 0
