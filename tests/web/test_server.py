"""The HTTP server by itself, on real sockets and ports."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from sentinel.web import server as module
from sentinel.web.server import Server, body, reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.real


async def _echo(request: web.Request) -> web.Response:
    return reply(await body(request))


@asynccontextmanager
async def running(path: Path, port: int | None = None) -> AsyncIterator[Server]:
    made = Server([web.post("/echo", _echo)], path, port)
    task = asyncio.create_task(made.run())
    try:
        async with asyncio.timeout(5):
            while not path.exists():
                await asyncio.sleep(0.01)
        yield made
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def served(server: Server) -> int:
    async with asyncio.timeout(5):
        while server.port is None:
            await asyncio.sleep(0.01)
    return server.port


async def post(path: Path, text: bytes, **headers: str) -> tuple[int, object]:
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session,
        session.post("http://localhost/echo", data=text, headers=headers) as answer,
    ):
        return answer.status, await answer.json()


async def test_a_page_port_that_another_program_holds_costs_the_page_and_not_the_commands(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(module, "PORT_AGAIN_S", 0.02)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        async with running(tmp_path / "s", port) as server:
            await asyncio.sleep(0.1)  # several tries
            assert await post(tmp_path / "s", b'{"a": 1}') == (200, {"a": 1})
            assert server.port is None
            other.close()
            assert await served(server) == port
    assert [one.message.partition(" port")[0] for one in caplog.records if one.name == "sentinel.web"] == [
        "page lost: in use or forbidden",
        "page back",
    ]


async def test_a_charset_that_nobody_knows_is_refused_as_every_wrong_body_is(tmp_path: Path) -> None:
    async with running(tmp_path / "s"):
        for text, kind in ((b"{}", "application/json; charset=nonsense"), (b"\xff", "application/json"), (b"{", "")):
            status, answer = await post(tmp_path / "s", text, **{"Content-Type": kind})
            assert status == 400
            assert answer == {"error": {"code": "not-json", "message": "the body is no JSON"}}
