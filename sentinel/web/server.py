"""The HTTP server of both daemons: JSON errors, strict headers, a Unix socket and, when asked, a loopback port.

Any other address is refused until there is sign-in and TLS. Over TCP only a loopback Host is answered, and nothing
is changed but by a page of ours: no web page in a browser on this machine can speak for the branch.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sentinel.web.door import BACKLOG, Door

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

log = logging.getLogger("sentinel.web")

MAX_BODY = 64 * 1024
BODY_S = 10.0  # for all of it
VISITORS, NEIGHBOURS = 64, 32  # connections at once: over the port (half may be streams), over the socket
SHUTDOWN_S = 1.0
PORT_AGAIN_S = 10.0  # after a port that another program holds
ADDRESSES = ("127.0.0.1", "::1")
HOSTS = ("127.0.0.1", "localhost", "[::1]")  # a tunnel may lead from any of them to the one that is served
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

JSON = "application/json; charset=utf-8"

Reply = web.StreamResponse

# Answers without an end register here what ends them; it is called when the server goes down.
ENDLESS: web.AppKey[set[Callable[[], None]]] = web.AppKey("endless")


class Refusal(Exception):  # noqa: N818 - an answer, not an accident
    """A request that is answered with an error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def reply(value: Any, status: int = 200) -> web.Response:
    """A JSON answer."""
    return web.Response(text=_text(value), status=status, headers={**HEADERS, "Content-Type": JSON})


def refused(status: int, code: str, message: str) -> web.Response:
    """An error, in the one form that all errors have."""
    return web.Response(text=_error(code, message), status=status, headers={**HEADERS, "Content-Type": JSON})


def _error(code: str, message: str) -> str:
    return _text({"error": {"code": code, "message": message}})


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def page(html: str, status: int = 200) -> web.Response:
    """A page as `document.page` makes it, with what it may load: our own assets and stream, nothing inline."""
    headers = HEADERS | {"Content-Security-Policy": PAGE_POLICY}
    return web.Response(text=html, status=status, content_type="text/html", headers=headers)


async def body(request: web.Request) -> dict[str, Any]:
    """The request's JSON object; Refusal when it is none."""
    try:
        async with asyncio.timeout(BODY_S):
            text = await request.text()
        value = json.loads(text or "{}")
    except TimeoutError:
        raise Refusal(408, "too-slow", f"the body did not come within {BODY_S:g} s") from None
    except (ValueError, LookupError, RecursionError):  # LookupError: a charset that nobody knows
        raise Refusal(400, "not-json", "the body is no JSON") from None
    if not isinstance(value, dict):
        raise Refusal(400, "not-an-object", "the body must be a JSON object")
    return value


def by_socket(request: web.Request) -> bool:
    """True when the request came over the Unix socket, whose file mode says who may."""
    transport = request.transport
    name = None if transport is None else transport.get_extra_info("sockname")
    return isinstance(name, str)


@web.middleware
async def _guarded(request: web.Request, handler: Callable[[web.Request], Awaitable[Reply]]) -> Reply:
    if not by_socket(request):
        host = request.host.rpartition(":")[0] if request.host.rpartition(":")[2].isdigit() else request.host
        if host not in HOSTS:
            return refused(421, "wrong-host", "this port answers to 127.0.0.1 only")
        if _from_elsewhere(request):
            return refused(403, "not-this-page", "another page may lead here, and not ask by itself")
        if request.method == "POST" and not _from_our_page(request):
            return refused(403, "not-this-page", "only this page's own buttons may change anything here, by JSON")
        if request.method not in ("GET", "HEAD", "POST"):
            return refused(405, "method-not-allowed", "this port knows GET, HEAD and POST")
    try:
        return await handler(request)
    except Refusal as error:
        return refused(error.status, error.code, str(error))
    except web.HTTPException as error:
        return refused(error.status, error.reason.lower().replace(" ", "-"), error.reason)


def _from_elsewhere(request: web.Request) -> bool:
    """A page of another origin makes the browser ask: it cannot read the answer, but the work would be done."""
    site, mode, into = (request.headers.get(f"Sec-Fetch-{name}", "") for name in ("Site", "Mode", "Dest"))
    return site in ("cross-site", "same-site") and (mode, into) != ("navigate", "document")


def _from_our_page(request: web.Request) -> bool:
    """The browser's word that the page which asks was served from this very origin. A form cannot send JSON at all."""
    if request.content_type != "application/json":
        return False
    site = request.headers.getall("Sec-Fetch-Site", [])
    if site:
        return site == ["same-origin"]
    return request.headers.getall("Origin", []) == [f"http://{request.host}"]


async def _headed(_request: web.Request, response: Reply) -> None:
    """Every answer has the strict headers, and aiohttp's own 500 is JSON as all errors are."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if isinstance(response, web.Response) and response.status >= 500 and response.content_type != "application/json":
        told = _error("internal-error", "the request failed inside; see the log").encode()
        response.body = told
        response.headers.update({"Content-Type": JSON, "Content-Length": str(len(told))})


async def _end_all(app: web.Application) -> None:
    endless = app[ENDLESS]
    for end in tuple(endless):
        end()


class Server:
    """Serves `routes` on a socket path and, when a port is given, on a loopback address. Port 0 takes any free one.

    `port` is the one that is really served: None before, and for as long as another program holds it. One address
    is served, 127.0.0.1 unless ::1 is asked for; ValueError for one that another machine could reach.
    """

    def __init__(self, routes: list[web.RouteDef], socket: Path, port: int | None, address: str = ADDRESSES[0]) -> None:
        if address not in ADDRESSES:
            raise ValueError(
                f"{address} is refused: until there is sign-in the page is on {' or '.join(ADDRESSES)} only"
            )
        self.port: int | None = None
        self._address = address
        self._wanted = port
        self._routes = routes
        self._socket = socket

    async def run(self) -> None:
        """Serve until cancelled. OSError when the socket cannot be had; a port is waited for."""
        app = web.Application(middlewares=[_guarded], client_max_size=MAX_BODY)
        app[ENDLESS] = set()
        app.on_response_prepare.append(_headed)
        app.on_shutdown.append(_end_all)
        app.add_routes(self._routes)
        runner = web.AppRunner(app, handle_signals=False, shutdown_timeout=SHUTDOWN_S)
        await runner.setup()
        inside = runner.server
        assert inside is not None  # `setup` made it
        open_: list[asyncio.Server] = []
        try:
            self._socket.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                self._socket.unlink()  # of a run that was killed; the journal's lock says that it is gone
            neighbours = Door(inside, NEIGHBOURS)
            path = str(self._socket)
            open_.append(await asyncio.get_running_loop().create_unix_server(neighbours, path, backlog=BACKLOG))
            os.chmod(path, 0o660)  # noqa: PTH101 - next to what made it
            if self._wanted is not None:
                open_.append(await self._open_port(Door(inside, VISITORS), self._wanted))
            await asyncio.Event().wait()
        finally:
            self.port = None
            for one in open_:
                one.close()
            await runner.cleanup()
            with suppress(FileNotFoundError):
                self._socket.unlink()

    async def _open_port(self, door: Door, wanted: int) -> asyncio.Server:
        """Try until it is ours; the socket is served meanwhile."""
        lost = False
        while True:
            try:
                made = await asyncio.get_running_loop().create_server(door, self._address, wanted, backlog=BACKLOG)
            except OSError as error:
                if not lost:
                    log.warning("page lost: in use or forbidden port=%d errno=%s", wanted, error.errno)
                lost = True
                await asyncio.sleep(PORT_AGAIN_S)
            else:
                self.port = made.sockets[0].getsockname()[1]
                if lost:
                    log.info("page back port=%d", self.port)
                return made
