"""Questions to a recorder by HTTP, on real sockets: who is let in, what is said exactly, and what nobody can make it do."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import random
import ssl
import subprocess
import sys
import time
from collections import Counter
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from drivers import wsse
from drivers.links.http import AT_ONCE, HttpLink, HttpOptions
from drivers.links.locked import locked
from drivers.sim.rtsp import SimRtsp
from sentinel.core.model import Failure
from sentinel.ports import HttpRequest, LinkError
from tests.drivers.links.recorder_web import LOCKED, RecorderWeb, serving
from tests.drivers.links.test_rtsp import serving as streaming
from tests.drivers.mutations import INPUTS, mutated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

TIME = HttpRequest("/ISAPI/System/time", timeout_s=2)


@dataclass
class Password:
    """A ports.Secret."""

    value: str = field(default="right", repr=False)

    def read(self) -> str:
        if not self.value:
            raise LookupError("!env DVR is absent")
        return self.value


def options(web: RecorderWeb, password: Password | None = None, **more: Any) -> HttpOptions:
    account = {"username": "gateway", "password": password or Password()}
    return HttpOptions.model_validate({"host": "127.0.0.1", "port": web.port, **account, **more})


@asynccontextmanager
async def linked(
    web: RecorderWeb, folder: Path, password: Password | None = None, **more: Any
) -> AsyncIterator[HttpLink]:
    async with serving(web):
        link = HttpLink(options(web, password, **more), "dvr", folder)
        try:
            yield link
        finally:
            await link.close()


async def failure_of(link: HttpLink, request: HttpRequest = TIME) -> Failure:
    with pytest.raises(LinkError) as caught:
        await link.read(request)
    return caught.value.failure


# --- Signing in -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
async def test_one_challenge_serves_many_questions(tmp_path: Path, algorithm: str) -> None:
    web = RecorderWeb(algorithm=algorithm)
    async with linked(web, tmp_path) as link:
        for _ in range(5):
            assert (await link.read(TIME)).body == b"fine"
        assert len(web.asked) == 6
        assert web.bad_logins == 0


async def test_the_first_question_is_alone_and_the_nonce_is_used_again(tmp_path: Path) -> None:
    web = RecorderWeb(takes_s=0.02)
    async with linked(web, tmp_path) as link:
        replies = await asyncio.gather(*(link.read(TIME) for _ in range(12)))
        assert {reply.status for reply in replies} == {200}
        assert len(web.asked) == 13  # one unsigned
        assert web.bad_logins == 0
        assert web.most_at_once <= AT_ONCE
        assert web.connections <= AT_ONCE
        assert link.stats().requests == link.stats().answers == 12


async def test_a_wrong_password_is_one_failed_login_whatever_is_asked(tmp_path: Path) -> None:
    web = RecorderWeb()
    async with linked(web, tmp_path, Password("wrong")) as link:
        events = HttpRequest("/ISAPI/Event/notification/alertStream", timeout_s=2)
        asked = [failure_of(link) for _ in range(20)] + [_first_event(link, events) for _ in range(3)]
        assert set(await asyncio.gather(*asked)) == {Failure.CREDENTIAL}
        assert web.bad_logins == 1
        assert len(web.asked) == 2


async def _first_event(link: HttpLink, request: HttpRequest) -> Failure:
    async with aclosing(link.stream(request)) as pieces:
        with pytest.raises(LinkError) as caught:
            await anext(pieces)
    return caught.value.failure


PROGRAM = """
import asyncio, sys
from pathlib import Path
from drivers.links import LINKS
from sentinel.ports import HttpRequest, LinkError, RtspRequest
class Password:
    def read(self): return "wrong"
async def ask(link, request):
    try: await link.read(request)
    except LinkError as error: return str(error.failure)
async def main():
    account = {"host": "127.0.0.1", "username": "gateway", "password": Password()}
    links = [LINKS[kind].make(LINKS[kind].options.model_validate({**account, "port": int(port)}), kind, Path(sys.argv[3]))
             for kind, port in zip(("http", "rtsp"), sys.argv[1:3])]
    sys.stdin.readline()
    print(*await asyncio.gather(*(ask(*one) for one in zip(links, (HttpRequest("/x"), RtspRequest("/x"))) for _ in range(5))))
    for link in links: await link.close()
print("ready", flush=True)
asyncio.run(main())
"""


@pytest.mark.real
async def test_three_programs_by_two_protocols_make_one_failed_login_between_them(tmp_path: Path) -> None:
    web, streams = RecorderWeb(takes_s=0.05), SimRtsp(password="right")
    async with serving(web), streaming(streams):
        children = [
            await asyncio.create_subprocess_exec(
                sys.executable, "-c", PROGRAM, str(web.port), str(streams.port), str(tmp_path),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )
            for _ in range(3)
        ]  # fmt: skip
        async with asyncio.timeout(30):
            for child in children:
                assert child.stdout is not None
                await child.stdout.readline()
            said = await asyncio.gather(*(child.communicate(b"\n") for child in children))
    assert [out.split() for out, _ in said] == [[b"credential"] * 10] * 3
    assert web.bad_logins + streams.failed_logins == 1


async def test_a_password_in_the_file_that_becomes_another_is_tried_at_once(tmp_path: Path) -> None:
    web, password = RecorderWeb(), Password("wrong")
    async with linked(web, tmp_path, password) as link:
        assert await failure_of(link) is Failure.CREDENTIAL
        password.value = "right"
        assert (await link.read(TIME)).status == 200
        assert web.bad_logins == 1


async def test_a_wrong_password_after_a_right_one_is_one_failed_login_too(tmp_path: Path) -> None:
    web, password = RecorderWeb(), Password()
    async with linked(web, tmp_path, password) as link:
        assert (await link.read(TIME)).status == 200
        password.value = "wrong"
        assert await failure_of(link, HttpRequest("/else")) is Failure.CREDENTIAL
        assert web.bad_logins == 1


async def test_a_password_changed_on_the_recorder_is_noticed_and_tried_no_more(tmp_path: Path) -> None:
    web = RecorderWeb()
    async with linked(web, tmp_path) as link:
        await link.read(TIME)
        web.password = "another"
        assert await failure_of(link) is Failure.CREDENTIAL
        said = web.bad_logins
        assert said <= 2  # the nonce might have been too old: once more with a fresh one
        assert await failure_of(link) is Failure.CREDENTIAL
        assert web.bad_logins == said


async def test_a_nonce_that_is_too_old_is_no_refusal(tmp_path: Path) -> None:
    web = RecorderWeb()
    async with linked(web, tmp_path) as link:
        for _ in range(3):
            assert (await link.read(TIME)).status == 200
            web.forgets = True
        assert web.bad_logins == 0


async def test_a_recorder_that_takes_each_nonce_once_is_noticed_once(tmp_path: Path) -> None:
    web = RecorderWeb(single_use=True)
    async with linked(web, tmp_path) as link:
        for _ in range(6):
            assert (await link.read(TIME)).status == 200
        assert {(await one).status for one in [link.read(TIME) for _ in range(4)]} == {200}
        assert web.bad_logins == 1


async def test_a_recorder_that_calls_every_nonce_too_old_is_not_asked_for_ever(tmp_path: Path) -> None:
    web = RecorderWeb(always_stale=True)
    async with linked(web, tmp_path) as link:
        assert await failure_of(link) is Failure.CREDENTIAL
        assert len(web.asked) <= 4


async def test_locked_is_said_and_the_password_is_not_even_sent(tmp_path: Path) -> None:
    web = RecorderWeb(locked=True)
    async with linked(web, tmp_path) as link:
        assert await failure_of(link) is Failure.LOCKED
        assert await failure_of(link) is Failure.LOCKED
        assert len(web.asked) == 1
        assert "uthorization" not in web.sent[0]


@pytest.mark.parametrize(
    ("status", "body", "is_locked"),
    [
        (401, LOCKED, True),
        (401, LOCKED.replace(b">lock<", b">unlock<"), False),
        (401, b'{"statusCode":4,"subStatusCode":"userLocked"}', True),
        (403, b"<subStatusCode>accountLocked</subStatusCode>", True),
        (403, b"<ResponseStatus><subStatusCode>illegalLogin</subStatusCode></ResponseStatus>", True),
        (403, b"<requestURL>/ISAPI/Security/illegalLoginLock</requestURL><subStatusCode>notSupport</subStatusCode>", False),
        (403, b"Error\r\nErrorID=8, Detail=User account has been locked!", True),
        (401, b"Error\r\nErrorID=8, Detail=Invalid Authority!", False),
        (200, b"<chanDetectResult>userLocked</chanDetectResult> account locked", False),
        (423, b"", True),
        (403, b"\xff" * 100_000, False),
    ],
)  # fmt: skip
def test_what_means_locked(status: int, body: bytes, is_locked: bool) -> None:
    assert locked(status, body) is is_locked


async def test_whether_it_means_locked_is_known_at_once_however_much_it_says() -> None:
    began = time.perf_counter()
    for words in (b"lockstatus", b"substatuscode", b"login", b"user has "):
        assert not locked(401, words + b" " * 8000)
    assert time.perf_counter() - began < 0.2


async def test_403_and_404_are_answers_and_no_refusal_of_the_password(tmp_path: Path) -> None:
    web = RecorderWeb(status="403 Forbidden", answer=b"<subStatusCode>notSupport</subStatusCode>")
    async with linked(web, tmp_path) as link:
        reply = await link.read(TIME)
        assert (reply.status, b"notSupport" in reply.body) == (403, True)
        web.status = "404 Not Found"
        assert (await link.read(TIME)).status == 404
        assert not list((tmp_path / "gates").glob("*.json"))


async def test_a_401_for_what_the_account_may_not_have_is_403_and_shuts_no_gate(tmp_path: Path) -> None:
    web = RecorderWeb(keeps="/users")
    async with linked(web, tmp_path) as link:
        await link.read(TIME)
        for _ in range(3):
            assert (await link.read(HttpRequest("/users"))).status == 403
            assert (await link.read(TIME)).status == 200
        assert web.bad_logins == 0
        assert sum("/users" in line for line in web.asked) <= 3, "and it is not asked for again at once"
        assert await _first_event(link, HttpRequest("/users/stream")) is Failure.UNSUPPORTED
        assert not link._signer.single_use
        assert not list((tmp_path / "gates").glob("*.json"))
        web.password = "another"
        web.keeps = ""
        assert await failure_of(link, HttpRequest("/else")) is Failure.CREDENTIAL
        assert web.bad_logins <= 3
        said = web.bad_logins
        assert await failure_of(link) is Failure.CREDENTIAL
        assert web.bad_logins == said


async def test_a_camera_that_the_account_may_not_search_keeps_no_other_from_being_searched(tmp_path: Path) -> None:
    web = RecorderWeb()
    async with linked(web, tmp_path) as link:
        await link.read(TIME)

        async def search(camera: str) -> int:
            web.keeps = "/search" if camera == "2" else ""
            return (await link.read(HttpRequest("/search", "POST", camera.encode(), about=camera))).status

        assert [await search(camera) for camera in "1231"] == [200, 403, 200, 200]


async def test_a_question_without_the_account_is_answered_401_and_no_gate_is_touched(tmp_path: Path) -> None:
    web = RecorderWeb()
    async with linked(web, tmp_path, Password("wrong")) as link:
        assert await failure_of(link) is Failure.CREDENTIAL
        reply = await link.read(replace(TIME, signed=False))
        assert reply.status == 401
        assert "digest" in reply.headers["www-authenticate"].lower()
        assert web.bad_logins == 1


async def test_an_absent_password_is_said_by_its_place_and_nothing_is_asked(tmp_path: Path) -> None:
    web = RecorderWeb()
    async with linked(web, tmp_path, Password("")) as link:
        with pytest.raises(LinkError, match="!env DVR is absent") as caught:
            await link.read(TIME)
        assert caught.value.failure is Failure.CREDENTIAL
        assert web.asked == []


async def test_basic_is_sent_only_where_the_config_says_so(tmp_path: Path) -> None:
    web = RecorderWeb(open=True, status="401 Unauthorized", headers='WWW-Authenticate: Basic realm="dvr"\r\n')
    async with linked(web, tmp_path) as link:
        assert await failure_of(link) is Failure.REFUSED
        assert not any("uthorization" in head for head in web.sent)
    async with linked(web, tmp_path, basic=True) as link:
        assert await failure_of(link) is Failure.CREDENTIAL
        assert "Authorization: Basic Z2F0ZXdheTpyaWdodA==" in web.sent[-1]


async def test_nothing_secret_is_logged_or_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with linked(RecorderWeb(), tmp_path, Password("Sentinel@1234")) as link:
            with pytest.raises(LinkError) as caught:
                await link.read(TIME)
            assert "Sentinel@1234" not in f"{caught.value!r} {link!r} {vars(link)} {caplog.text}"


# --- What goes onto the wire and what comes back ------------------------------------------------------------------------


async def test_the_target_goes_onto_the_wire_as_it_is(tmp_path: Path) -> None:
    target = "/cgi-bin/x.cgi?action=attach&codes=[VideoLoss,All]&t=2026-01-01%2000:00:00&a=%5B+'"
    web = RecorderWeb()
    async with linked(web, tmp_path) as link:
        assert (await link.read(HttpRequest(target))).status == 200  # signed over the same text
        assert web.asked == [f"GET {target} HTTP/1.1"] * 2
        assert "accept-encoding: identity" in web.sent[0].lower()
        for bad in ("no-slash", "/a b", "/a\r\nHost: x", "/ü", "/a#b", ""):
            assert await failure_of(link, HttpRequest(bad)) is Failure.REFUSED
        assert len(web.asked) == 2


async def test_a_search_is_posted_whole_and_again_with_the_signature(tmp_path: Path) -> None:
    web = RecorderWeb(answer=b"")
    async with linked(web, tmp_path) as link:
        reply = await link.read(HttpRequest("/search", "POST", b"<CMSearchDescription/>", "application/xml"))
        assert reply.body == b"<CMSearchDescription/>"
        assert all("content-type: application/xml" in head.lower() for head in web.sent)


async def test_an_answer_that_is_too_long_is_not_read_on(tmp_path: Path) -> None:
    web = RecorderWeb(answer=b"x" * 300_000)
    async with linked(web, tmp_path) as link:
        assert await failure_of(link, replace(TIME, most=299_999)) is Failure.BAD_REPLY
        assert len((await link.read(replace(TIME, most=300_000))).body) == 300_000


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff\xfe",
        b"SSH-2.0-dropbear\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 50_000 + b"\r\n",
        b"HTTP/1.1 9999 OK\r\n\r\n",
        b"HTTP/1.1 401 No\r\nWWW-Authenticate: Digest\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_what_is_no_answer_is_a_failure_and_closes_no_gate(tmp_path: Path, raw: bytes) -> None:
    web = RecorderWeb(raw=raw)
    async with linked(web, tmp_path) as link:
        assert await failure_of(link) in {Failure.BAD_REPLY, Failure.NOT_CONNECTED}
        assert not list((tmp_path / "gates").glob("*.json"))
        web.raw = None
        assert (await link.read(TIME)).status == 200


TALK = [
    b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: 12\r\n\r\n<DeviceInfo>",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n<a/>\r\n0\r\n\r\n",
    b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="x", nonce="n"\r\nContent-Length: 2\r\n\r\nno',
    b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n",
]


async def test_whatever_a_recorder_says_ends_in_an_answer_or_a_stated_failure(tmp_path: Path) -> None:
    rng = random.Random(2)
    web = RecorderWeb(raw=b"")
    outcomes = Counter[str]()
    async with linked(web, tmp_path) as link:
        for number in range(INPUTS // 400):
            web.raw = mutated(rng, TALK)
            try:
                reply = await link.read(HttpRequest("/x", timeout_s=0.5, signed=bool(number % 2)))
                outcomes[str(reply.status)] += 1
            except LinkError as error:
                outcomes[str(error.failure)] += 1
            link._presence.works(0)
            for kept in (tmp_path / "gates").glob("*.json"):
                kept.unlink()  # a 401 to a signature is a refusal, whoever says it
    assert outcomes["200"] > INPUTS // 4000
    assert len(outcomes) > 4


async def test_nobody_follows_where_a_recorder_sends_us(tmp_path: Path) -> None:
    web = RecorderWeb(status="302 Found", headers="Location: http://127.0.0.1:1/evil\r\n")
    async with linked(web, tmp_path) as link:
        with pytest.raises(LinkError, match="sends us on to 'http://127") as caught:
            await link.read(TIME)
        assert caught.value.failure is Failure.REFUSED
        web.open = True
        assert (await link.read(replace(TIME, signed=False))).status == 302


async def test_a_recorder_that_says_nothing_is_no_reply_within_the_deadline(tmp_path: Path) -> None:
    web = RecorderWeb(silent=True)
    async with linked(web, tmp_path) as link:
        began = asyncio.get_running_loop().time()
        answers = await asyncio.gather(*(failure_of(link, replace(TIME, timeout_s=0.2)) for _ in range(12)))
        assert set(answers) == {Failure.NO_REPLY}
        assert asyncio.get_running_loop().time() - began < 1
        web.silent = False
        assert (await link.read(TIME)).status == 200


async def test_no_recorder_there_is_not_connected_at_once_and_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    web = RecorderWeb()
    async with serving(web):
        pass
    link = HttpLink(options(web), "dvr", tmp_path)
    with caplog.at_level(logging.WARNING):
        assert set([await failure_of(link) for _ in range(5)]) == {Failure.NOT_CONNECTED}  # noqa: C403
        await asyncio.sleep(0.3)
        async with serving(web, port=web.port):
            for _ in range(40):
                with suppress(LinkError):
                    await link.read(TIME)
                    break
                await asyncio.sleep(0.05)
            await link.close()
    assert [record.getMessage().split(" link=")[0][:9] for record in caplog.records] == ["link lost", "link back"]


async def test_a_picture_after_an_alarm_waits_for_no_search(tmp_path: Path) -> None:
    web = RecorderWeb()
    async with linked(web, tmp_path) as link:
        await link.read(TIME)
        web.takes_s = 0.2
        searches = [asyncio.create_task(link.read(HttpRequest(f"/search{n}"))) for n in range(12)]
        await asyncio.sleep(0.05)
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(link.read(HttpRequest(f"/picture{n}", urgent=True)) for n in range(2)))
        assert asyncio.get_running_loop().time() - began < 0.35
        assert not all(search.done() for search in searches)
        await asyncio.gather(*searches)


async def test_a_closed_link_answers_nobody(tmp_path: Path) -> None:
    web = RecorderWeb(silent=True)
    async with linked(web, tmp_path) as link:
        waiting = asyncio.create_task(failure_of(link))
        await asyncio.sleep(0.05)
        await link.close()
        assert await waiting is Failure.NOT_CONNECTED
        assert await failure_of(link) is Failure.NOT_CONNECTED


async def test_a_cancelled_question_leaves_the_link_and_the_gate_in_order(tmp_path: Path) -> None:
    web = RecorderWeb(takes_s=0.05)
    async with linked(web, tmp_path) as link:
        for after_s in (0.0, 0.02, 0.06, 0.08):
            task = asyncio.create_task(link.read(TIME))
            await asyncio.sleep(after_s)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        assert (await link.read(TIME)).status == 200
        assert web.bad_logins == 0


async def test_a_soap_question_carries_the_account_and_its_refusal_closes_the_gate_too(tmp_path: Path) -> None:
    web = RecorderWeb(open=True, answer=b"")
    soap = HttpRequest("/onvif", "POST", b"<h>" + wsse.MARKER + b"</h>", "application/soap+xml", wsse=datetime.now(UTC))
    async with linked(web, tmp_path) as link:
        reply = await link.read(soap)
        assert b"<Username>gateway</Username>" in reply.body
        assert wsse.MARKER not in reply.body
        assert b"right" not in reply.body
        web.status, web.answer = "400 Bad Request", b"<s:Value>ter:NotAuthorized</s:Value>"
        assert await failure_of(link, soap) is Failure.CREDENTIAL
        asked = len(web.asked)
        assert await failure_of(link, soap) is Failure.CREDENTIAL
        assert await failure_of(link) is Failure.CREDENTIAL
        assert len(web.asked) == asked


# --- Events ---------------------------------------------------------------------------------------------------------


async def test_events_come_as_they_are_said_beside_the_questions(tmp_path: Path) -> None:
    web = RecorderWeb(answer=b"--boundary\r\n" * 100)
    async with linked(web, tmp_path) as link:
        heard = b""
        async with aclosing(link.stream(HttpRequest("/events", timeout_s=2))) as pieces:
            async for piece in pieces:
                heard += piece
                assert (await link.read(TIME)).status == 200
        assert heard == web.answer
        web.status = "403 Forbidden"
        assert await _first_event(link, HttpRequest("/events")) is Failure.UNSUPPORTED


async def test_a_stream_that_falls_silent_ends(tmp_path: Path) -> None:
    web = RecorderWeb(open=True, raw=None, headers="X: 1\r\n")
    async with linked(web, tmp_path) as link:
        web._write = lambda writer, *_: writer.write(b"HTTP/1.1 200 OK\r\n\r\nabc")  # type: ignore[method-assign]
        async with aclosing(link.stream(HttpRequest("/events", timeout_s=0.2))) as pieces:
            assert await anext(pieces) == b"abc"
            with pytest.raises(LinkError, match="no reply within"):
                await anext(pieces)


# --- TLS ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A recorder's own certificate, and its fingerprint."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=dvr",
         "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    der = ssl.PEM_cert_to_DER_cert((folder / "cert.pem").read_text())
    return folder, hashlib.sha256(der).hexdigest()


@pytest.mark.real
async def test_only_the_recorder_with_the_right_certificate_is_asked(
    tmp_path: Path, certificate: tuple[Path, str]
) -> None:
    folder, fingerprint = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    web = RecorderWeb()
    server = await asyncio.start_server(web.serve, "127.0.0.1", 0, ssl=context)
    web.port = server.sockets[0].getsockname()[1]
    colons = ":".join(fingerprint[i : i + 2] for i in range(0, 64, 2)).upper()
    link = HttpLink(options(web, tls="fingerprint", fingerprint=colons), "dvr", tmp_path)
    assert (await link.read(TIME)).status == 200
    await link.close()
    asked = len(web.asked)
    others: list[dict[str, Any]] = [{"tls": "fingerprint", "fingerprint": "0" * 64}, {"tls": "verify"}]
    for more in others:
        link = HttpLink(options(web, **more), "dvr", tmp_path)
        assert await failure_of(link) is Failure.IDENTITY
        await link.close()
    assert len(web.asked) == asked
    server.close()


def test_options_name_the_mistake() -> None:
    assert HttpOptions(host="dvr", tls="verify").port == 443
    assert HttpOptions(host="dvr").port == 80
    for wrong, said in (
        ({"username": "x"}, "go together"),
        ({"username": "x", "password": "secret"}, "a secret never stands here"),
        ({"tls": "fingerprint"}, "go together"),
        ({"fingerprint": "12"}, "64 hex digits"),
        ({"host": "http://dvr"}, "host"),
    ):
        with pytest.raises(ValidationError, match=said) as caught:
            HttpOptions.model_validate({"host": "dvr", **wrong})
        assert caught.value.error_count() == 1


# --- Somebody else's server -------------------------------------------------------------------------------------------

LIGHTTPD = """
server.modules = ("mod_authn_file", "mod_auth", "mod_access")
server.document-root = "{root}"
server.port = {port}
server.bind = "127.0.0.1"
server.errorlog = "{root}/error.log"
auth.backend = "plain"
auth.backend.plain.userfile = "{root}/users"
auth.require = ("/" => ("method" => "digest", "algorithm" => "{algorithm}", "realm" => "शाखा 17, gate", "require" => "valid-user"))
"""


@pytest.mark.real
@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
async def test_lighttpd_lets_us_in_with_the_right_password_alone(
    tmp_path: Path, algorithm: str, unused_tcp_port: int
) -> None:
    root = tmp_path / "www"
    root.mkdir()
    (root / "users").write_text("gateway:pä: ss\n")
    (root / "time").write_text("now")
    (root / "c.conf").write_text(LIGHTTPD.format(root=root, port=unused_tcp_port, algorithm=algorithm))
    path = os.environ["PATH"] + ":/usr/sbin"
    child = await asyncio.create_subprocess_exec(
        "lighttpd", "-D", "-f", str(root / "c.conf"), env={**os.environ, "PATH": path}
    )
    web = RecorderWeb(port=unused_tcp_port)
    try:
        link = HttpLink(options(web, Password("pä: ss")), "dvr", tmp_path)
        async with asyncio.timeout(20):
            while True:
                with suppress(LinkError):
                    assert (await link.read(HttpRequest("/time?a=[1]%20b"))).body == b"now"
                    break
                await asyncio.sleep(0.1)
        replies = await asyncio.gather(*(link.read(HttpRequest(f"/time?{n}")) for n in range(20)))
        assert {reply.status for reply in replies} == {200}
        await link.close()
        wrong = HttpLink(options(web, Password("pä: sS")), "dvr", tmp_path)
        assert await failure_of(wrong, HttpRequest("/time")) is Failure.CREDENTIAL
        await wrong.close()
        [kept] = (tmp_path / "gates").glob("*.json")
        assert len(json.loads(kept.read_text())["shut"]) == 1
    finally:
        child.terminate()
        await child.wait()
