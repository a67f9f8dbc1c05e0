"""The HTTP server of both daemons: JSON errors, strict headers, a Unix socket and, read-only, a loopback port.

Any other address is refused until there is sign-in and TLS. Over TCP nothing can be changed and only a loopback
Host is answered, so that no web page in a browser on this machine can speak for the branch.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

log = logging.getLogger("sentinel.web")

MAX_BODY = 64 * 1024
SHUTDOWN_S = 1.0
PORT_AGAIN_S = 10.0  # after a port that another program holds
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

Reply = web.StreamResponse


class Refusal(Exception):  # noqa: N818 - an answer, not an accident
    """A request that is answered with an error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def reply(value: Any, status: int = 200) -> web.Response:
    """A JSON answer."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return web.Response(text=text + "\n", status=status, content_type="application/json", headers=HEADERS)


def refused(status: int, code: str, message: str) -> web.Response:
    """An error, in the one form that all errors have."""
    return reply({"error": {"code": code, "message": message}}, status)


async def body(request: web.Request) -> dict[str, Any]:
    """The request's JSON object; Refusal when it is none."""
    try:
        value = json.loads(await request.text() or "{}")
    except (ValueError, LookupError, RecursionError):  # LookupError: a charset that nobody knows
        raise Refusal(400, "not-json", "the body is no JSON") from None
    if not isinstance(value, dict):
        raise Refusal(400, "not-an-object", "the body must be a JSON object")
    return value


@web.middleware
async def _guarded(request: web.Request, handler: Callable[[web.Request], Awaitable[Reply]]) -> Reply:
    if not _by_socket(request):
        host = request.host.rpartition(":")[0] if request.host.rpartition(":")[2].isdigit() else request.host
        if host not in LOOPBACK:
            return refused(421, "wrong-host", "this port answers to 127.0.0.1 only")
        if request.method not in ("GET", "HEAD"):
            return refused(405, "read-only", "nothing can be changed here; use the sentinel command on this machine")
    try:
        return await handler(request)
    except Refusal as error:
        return refused(error.status, error.code, str(error))
    except web.HTTPException as error:
        return refused(error.status, error.reason.lower().replace(" ", "-"), error.reason)


def _by_socket(request: web.Request) -> bool:
    transport = request.transport
    name = None if transport is None else transport.get_extra_info("sockname")
    return isinstance(name, str)


class Server:
    """Serves `routes` on a socket path and, when a port is given, on 127.0.0.1. Port 0 takes any free one.

    `port` is the one that is really served: None before, and for as long as another program holds it.
    """

    def __init__(self, routes: list[web.RouteDef], socket: Path, port: int | None) -> None:
        self.port: int | None = None
        self._wanted = port
        self._routes = routes
        self._socket = socket

    async def run(self) -> None:
        """Serve until cancelled. OSError when the socket cannot be had; a port is waited for."""
        app = web.Application(middlewares=[_guarded], client_max_size=MAX_BODY)
        app.add_routes(self._routes)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_S)
        await runner.setup()
        try:
            self._socket.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                self._socket.unlink()  # of a run that was killed; the journal's lock says that it is gone
            await web.UnixSite(runner, str(self._socket)).start()
            os.chmod(self._socket, 0o660)  # noqa: PTH101 - next to the site that made it
            if self._wanted is not None:
                await self._open_port(runner, self._wanted)
            await asyncio.Event().wait()
        finally:
            self.port = None
            await runner.cleanup()
            with suppress(FileNotFoundError):
                self._socket.unlink()

    async def _open_port(self, runner: web.AppRunner, wanted: int) -> None:
        """Try until it is ours; the socket is served meanwhile."""
        lost = False
        while True:
            site = web.TCPSite(runner, "127.0.0.1", wanted)
            try:
                await site.start()
            except OSError as error:
                await site.stop()
                if not lost:
                    log.warning("page lost: in use or forbidden port=%d errno=%s", wanted, error.errno)
                lost = True
                await asyncio.sleep(PORT_AGAIN_S)
            else:
                self.port = runner.addresses[-1][1]
                if lost:
                    log.info("page back port=%d", self.port)
                return
