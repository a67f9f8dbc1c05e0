"""The HTTP server by itself, on real sockets and ports: who is answered, who may change something, in what form."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from sentinel.web import server as module
from sentinel.web.server import HEADERS, PAGE_POLICY, Refusal, Server, body, page, reply
from tests.web.serving import Served, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.real


async def _echo(request: web.Request) -> web.Response:
    return reply(await body(request))


async def _page(_request: web.Request) -> web.Response:
    return page("<!doctype html><title>शाखा</title>")


async def _fall(_request: web.Request) -> web.Response:
    raise KeyError("a mistake of ours")


async def _refuse(_request: web.Request) -> web.Response:
    raise Refusal(409, "refused", "not now")


ROUTES = [web.post("/echo", _echo), web.get("/", _page), web.get("/fall", _fall), web.get("/refuse", _refuse)]


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path, ROUTES) as one:
        yield one


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


async def port_of(server: Server) -> int:
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


async def ask(url: str, method: str = "GET", text: bytes | None = None, **headers: str) -> tuple[int, str, Any]:
    """Status, error code if any, headers. A header's name with _ for -."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession(skip_auto_headers=("Content-Type",)) as session,
        session.request(method, url, data=text, headers=sent) as answer,
    ):
        code = ""
        if answer.status >= 400 and method != "HEAD":
            error = await answer.json()
            assert set(error) == {"error"}
            assert set(error["error"]) == {"code", "message"}
            code = error["error"]["code"]
        return answer.status, code, answer.headers


# --- The port ----------------------------------------------------------------------------------------------------------


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
            assert await port_of(server) == port
    assert [one.message.partition(" port")[0] for one in caplog.records if one.name == "sentinel.web"] == [
        "page lost: in use or forbidden",
        "page back",
    ]


@pytest.mark.parametrize(
    "address",
    ["0.0.0.0", "::", "", "192.168.1.10", "localhost", "127.0.0.1.evil.example", "127.0.0.2", "::ffff:127.0.0.1"],
)
def test_an_address_that_is_not_loopback_itself_is_refused_before_anything_is_served(
    tmp_path: Path, address: str
) -> None:
    with pytest.raises(ValueError, match="is refused: until there is sign-in the page is on"):
        Server([], tmp_path / "s", 0, address)


async def test_the_page_is_on_one_address_and_not_on_the_other_loopback_too(served: Served) -> None:
    with pytest.raises(OSError, match=r".*"):
        await asyncio.open_connection("::1", served.server.port)


async def test_asked_for_the_ipv6_loopback_the_page_is_there_where_the_machine_has_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            has_it = True
    except OSError:
        has_it = False
    if has_it:
        async with serving(tmp_path, ROUTES, address="::1") as served:
            assert served.url.startswith("http://[::1]:")
            assert (await ask(served.url))[0] == 200
    else:
        server = Server(ROUTES, tmp_path / "s", 0, "::1")
        task = asyncio.create_task(server.run())
        async with asyncio.timeout(5):
            while "page lost" not in caplog.text:
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "10.0.0.1", "127.0.0.1.evil.example", "localhost.", "", "[::2]"]
)
async def test_a_name_that_was_made_to_lead_here_is_not_answered(served: Served, host: str) -> None:
    assert (await ask(served.url, Host=host))[:2] == (421, "wrong-host")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "localhost:9000", "[::1]", "[::1]:9000"])
async def test_a_tunnel_to_the_page_may_begin_at_any_loopback_name_and_port(served: Served, host: str) -> None:
    assert (await ask(served.url, Host=host))[0] == 200


# --- Who may change something --------------------------------------------------------------------------------------------

JSON = "application/json"


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"Sec_Fetch_Site": "same-origin"}, True),
        ({"Sec_Fetch_Site": "same-origin", "Origin": "{own}"}, True),
        ({"Origin": "{own}"}, True),  # a browser from before 2023
        ({"Origin": "http://localhost:9000", "Host": "localhost:9000"}, True),  # through a tunnel
        ({}, False),
        ({"Sec_Fetch_Site": "none"}, False),
        ({"Sec_Fetch_Site": "same-site"}, False),  # another port of this machine
        ({"Sec_Fetch_Site": "cross-site"}, False),
        ({"Sec_Fetch_Site": "cross-site", "Origin": "{own}"}, False),
        ({"Sec_Fetch_Site": ""}, False),
        ({"Sec_Fetch_Site": "same-origin, cross-site"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "http://127.0.0.1"}, False),  # another port
        ({"Origin": "https://{host}"}, False),
        ({"Referer": "{own}/"}, False),
    ],
)
async def test_over_the_port_only_a_page_of_ours_may_change_something(
    served: Served, headers: dict[str, str], allowed: bool
) -> None:
    host = served.url.removeprefix("http://")
    sent = {name: text.replace("{own}", served.url).replace("{host}", host) for name, text in headers.items()}
    status, code, _ = await ask(served.url + "/echo", "POST", b'{"a": 1}', Content_Type=JSON, **sent)
    assert (status, code) == ((200, "") if allowed else (403, "not-this-page"))


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx", ""],
)
async def test_what_a_form_can_send_changes_nothing_whoever_sends_it(served: Served, kind: str) -> None:
    sent = {"Sec_Fetch_Site": "same-origin", **({"Content_Type": kind} if kind else {})}
    assert (await ask(served.url + "/echo", "POST", b'{"a": 1}', **sent))[:2] == (403, "not-this-page")


async def test_over_the_socket_the_file_s_mode_is_the_proof(served: Served) -> None:
    assert served.socket.stat().st_mode & 0o777 == 0o660
    assert await post(served.socket, b'{"a": 1}', **{"Content-Type": "text/plain"}) == (200, {"a": 1})


@pytest.mark.parametrize(
    ("site", "mode", "into", "status"),
    [
        ("cross-site", "no-cors", "image", 403),
        ("same-site", "no-cors", "image", 403),  # a page on another port of this machine
        ("cross-site", "cors", "empty", 403),
        ("cross-site", "navigate", "iframe", 403),
        ("same-site", "", "", 403),
        ("cross-site", "navigate", "document", 200),  # a link to the page
        ("none", "navigate", "document", 200),  # its address, typed
        ("same-origin", "cors", "empty", 200),
        ("same-origin", "no-cors", "script", 200),
    ],
)
async def test_a_page_of_somebody_else_cannot_even_make_the_daemon_work(
    served: Served, site: str, mode: str, into: str, status: int
) -> None:
    got = await ask(served.url, Sec_Fetch_Site=site, Sec_Fetch_Mode=mode, Sec_Fetch_Dest=into)
    assert got[0] == status


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
async def test_the_port_knows_no_other_way_to_change_something(served: Served, method: str) -> None:
    proof = {"Sec_Fetch_Site": "same-origin", "Content_Type": JSON}
    assert (await ask(served.url + "/echo", method, b"{}", **proof))[:2] == (405, "method-not-allowed")


# --- In what form ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 200, ""),
        ("HEAD", "/", 200, ""),
        ("GET", "/nothing", 404, "not-found"),
        ("HEAD", "/nothing", 404, ""),
        ("GET", "/echo", 405, "method-not-allowed"),
        ("POST", "/", 403, "not-this-page"),
        ("GET", "/refuse", 409, "refused"),
        ("GET", "/fall", 500, "internal-error"),
    ],
)
async def test_every_answer_has_the_strict_headers_and_every_error_is_json(
    served: Served, method: str, path: str, status: int, code: str
) -> None:
    got, said, headers = await ask(served.url + path, method)
    assert (got, said) == (status, code)
    policy = PAGE_POLICY if status == 200 else HEADERS["Content-Security-Policy"]
    assert {name: headers[name] for name in HEADERS} == {**HEADERS, "Content-Security-Policy": policy}
    assert headers["Content-Type"] == ("text/html" if status == 200 else JSON) + "; charset=utf-8"


async def test_a_body_that_is_too_long_is_refused_in_the_same_form(served: Served) -> None:
    proof = {"Sec_Fetch_Site": "same-origin", "Content_Type": JSON}
    long = b'{"a": "' + b"x" * module.MAX_BODY + b'"}'
    assert (await ask(served.url + "/echo", "POST", long, **proof))[:2] == (413, "request-entity-too-large")


async def test_a_mistake_of_ours_is_in_the_log_and_not_in_the_answer(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    async with aiohttp.ClientSession() as session, session.get(served.url + "/fall") as answer:
        assert "mistake" not in await answer.text()
    assert "a mistake of ours" in caplog.text


def test_a_page_may_load_from_its_own_server_only_and_nothing_inline() -> None:
    rules = dict(rule.split(" ", 1) for rule in PAGE_POLICY.split("; "))
    assert rules.pop("img-src") == "'self' data:"
    assert set(rules.values()) == {"'none'", "'self'"}
    assert {name for name, value in rules.items() if value == "'none'"} == {
        "default-src",
        "base-uri",
        "frame-ancestors",
    }


async def test_a_charset_that_nobody_knows_is_refused_as_every_wrong_body_is(tmp_path: Path) -> None:
    async with running(tmp_path / "s"):
        for text, kind in ((b"{}", "application/json; charset=nonsense"), (b"\xff", "application/json"), (b"{", "")):
            status, answer = await post(tmp_path / "s", text, **{"Content-Type": kind})
            assert status == 400
            assert answer == {"error": {"code": "not-json", "message": "the body is no JSON"}}
