"""Connections of programs that leak, dawdle or hoard them: the page is still answered, and the daemon keeps its files."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from sentinel.web import door, server
from sentinel.web.server import NEIGHBOURS, VISITORS, body, reply
from tests.web.serving import Served, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.real
OWN = "Host: 127.0.0.1\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\n"
Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _echo(request: web.Request) -> web.Response:
    return reply(await body(request) if request.method == "POST" else {})


async def _long(_request: web.Request) -> web.Response:
    return web.Response(body=bytes(30_000_000))


@pytest.fixture
async def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setitem(door.OPTIONS, "keepalive_timeout", 0.5)
    monkeypatch.setattr(server, "BODY_S", 0.5)
    async with serving(tmp_path, [web.get("/", _echo), web.post("/", _echo), web.get("/long", _long)]) as one:
        yield one


@asynccontextmanager
async def connected(
    served: Served, count: int, say: bytes = b"", *, by_socket: bool = False
) -> AsyncIterator[list[Line]]:
    lines: list[Line] = []
    try:
        for _ in range(count):
            assert served.server.port is not None
            lines.append(
                await asyncio.open_unix_connection(str(served.socket))
                if by_socket
                else await asyncio.open_connection("127.0.0.1", served.server.port)
            )
            lines[-1][1].write(say)
        yield lines
    finally:
        for _, writer in lines:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for _, writer in lines), return_exceptions=True)


async def left_open(lines: list[Line], within_s: float) -> int:
    """How many the daemon has not closed after so long."""

    async def end(reader: asyncio.StreamReader) -> None:
        try:
            while await reader.read(4096):
                pass
        except ConnectionError:
            pass

    ends = [asyncio.create_task(end(reader)) for reader, _ in lines]
    _, open_ = await asyncio.wait(ends, timeout=within_s)
    for one in open_:
        one.cancel()
    await asyncio.gather(*ends, return_exceptions=True)
    return len(open_)


def files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize(("by_socket", "most"), [(False, VISITORS), (True, NEIGHBOURS)])
async def test_a_program_that_hoards_connections_gets_so_many_and_no_more(
    served: Served, monkeypatch: pytest.MonkeyPatch, by_socket: bool, most: int
) -> None:
    monkeypatch.setitem(door.OPTIONS, "keepalive_timeout", 30.0)
    before = files()
    async with connected(served, 200, by_socket=by_socket) as lines:
        assert await left_open(lines, 0.5) == most
        assert files() - before == 200 + most, "the others cost the daemon nothing"
        other = aiohttp.TCPConnector() if by_socket else aiohttp.UnixConnector(str(served.socket))
        async with aiohttp.ClientSession(connector=other) as session, session.get(served.url) as answer:
            assert answer.status == 200, "one way in may be full: the other is not"


@pytest.mark.parametrize(
    "say",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: 127.0",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        f"POST / HTTP/1.1\r\n{OWN}Content-Length: 100\r\n\r\n{{".encode(),
        f"POST / HTTP/1.1\r\n{OWN}Transfer-Encoding: chunked\r\n\r\n1\r\n{{".encode(),
    ],
    ids=["nothing", "half a header", "no second question", "half a body", "a body without end"],
)
async def test_who_asks_nothing_or_not_all_of_it_is_let_go(served: Served, say: bytes) -> None:
    async with connected(served, VISITORS, say) as lines:
        assert await left_open(lines, 4.0) == 0
    async with aiohttp.ClientSession() as session, session.get(served.url) as answer:
        assert answer.status == 200


async def test_a_header_that_comes_byte_by_byte_is_not_waited_for(served: Served) -> None:
    async with connected(served, 1) as lines:
        began = time.monotonic()
        with pytest.raises(ConnectionError):  # noqa: PT012 - the one that is cut off
            for letter in b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 100:
                lines[0][1].write(bytes([letter]))
                await lines[0][1].drain()
                await asyncio.sleep(0.05)
        assert time.monotonic() - began < 3.0


async def test_a_body_that_is_not_what_it_says_is_refused_and_is_no_mistake_of_ours(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    sent = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/json", "Content-Encoding": "gzip"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(served.url, data=os.urandom(200), headers=sent) as answer,
    ):
        assert (answer.status, (await answer.json())["error"]["code"]) == (400, "not-json")
    assert "Traceback" not in caplog.text


async def test_an_answer_that_nobody_takes_is_not_kept_for_ever(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "UNREAD_S", 0.3)
    before = files()
    async with connected(served, 5, b"GET /long HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") as lines:
        for _, writer in lines:
            writer.transport.pause_reading()  # type: ignore[attr-defined]
        async with asyncio.timeout(5):
            while files() - before != 10:
                await asyncio.sleep(0.01)
            while files() - before != 5:  # the daemon's ends are closed
                await asyncio.sleep(0.01)
