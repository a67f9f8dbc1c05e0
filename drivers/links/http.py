"""Questions to a recorder by HTTP: four at once, two urgent ones beside them, signed by Digest, through the account's gate.

The target goes onto the wire as it is given. Never follows a redirect, never sends the password itself unless `basic` is
set, never reads more than it was allowed. Made by the composition root through `LINKS`.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from drivers import wsse
from drivers.digest import challenge, offers_basic
from drivers.links import account
from drivers.links.account import AccountOptions
from drivers.links.gate import gate
from drivers.links.locked import locked
from drivers.links.presence import Presence
from drivers.links.signing import Signer
from drivers.links.stats import LinkStats, Tally
from sentinel.core.model import Failure
from sentinel.ports import HttpReply, HttpRequest, LinkError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Mapping
    from pathlib import Path

    import aiohttp

    from drivers.links.gate import Entry

AT_ONCE: Final = 4  # small recorders serve about ten, and people look at them too
URGENT: Final = 2  # turns that nothing else may take
MOST_WAITING: Final = 1024  # the newest question is the loser
CONNECT_S: Final = 5.0
_PIECE: Final = 64 * 1024  # bytes that are taken in before they are asked for
DENIED_S: Final = 3600.0  # what the account may not have is asked for again so often
MOST_DENIED: Final = 256
_SMALL: Final = 50_000  # bytes of an answer that is worth asking for again
_STALE: Final = 2  # nonces in a row that may be too old


class HttpOptions(AccountOptions):
    """A recorder's web address and the account on it."""

    kind: Literal["http"] = "http"
    port: Annotated[int, Field(ge=1, le=65535)] = 80
    tls: Literal["off", "verify", "fingerprint"] = "off"
    fingerprint: Annotated[str, Field(description="SHA-256 of the recorder's own certificate, in hex")] | None = None
    basic: Annotated[bool, Field(description="send the password readable to whoever listens, if the device asks")] = (
        False
    )

    @model_validator(mode="before")
    @classmethod
    def _usual_port(cls, given: object) -> object:
        if isinstance(given, dict) and "port" not in given and given.get("tls", "off") != "off":
            return {**given, "port": 443}
        return given

    @field_validator("fingerprint", mode="before")
    @classmethod
    def _hex(cls, value: object) -> object:
        plain = value.replace(":", "").replace(" ", "").lower() if isinstance(value, str) else value
        if not (isinstance(plain, str) and len(plain) == 64 and set(plain) <= set("0123456789abcdef")):
            raise ValueError("is no SHA-256 fingerprint: 64 hex digits")
        return plain

    @model_validator(mode="after")
    def _fingerprint_goes_with_its_kind(self) -> Self:
        if (self.tls == "fingerprint") != (self.fingerprint is not None):
            raise ValueError("tls: fingerprint and fingerprint: go together")
        return self


@dataclass(slots=True)
class _Answer:
    """The head of an answer, and the body where it had to be looked at already."""

    response: aiohttp.ClientResponse
    body: bytes | None = field(default=None, repr=False)
    tag: bytes = b""  # of the password that was taken
    denied: bool = False  # refused to an account that is good

    @property
    def status(self) -> int:
        return 403 if self.denied else self.response.status

    def challenges(self) -> list[str]:
        """What it says about signing in."""
        return self.response.headers.getall("WWW-Authenticate", [])


class HttpLink:
    """ports.Link[HttpRequest, HttpReply], and its stream of events. The name is for the log."""

    def __init__(self, options: HttpOptions, name: str, folder: Path) -> None:
        self._options = options
        host = options.host.strip("[]")
        scheme = "http" if options.tls == "off" else "https"
        self._base = f"{scheme}://{f'[{host}]' if ':' in host else host}:{options.port}"
        self._name = name or self._base
        self._endpoint = f"http:{options.port}"
        self._gate = gate(folder, options.host, options.username) if options.username is not None else None
        self._signer = Signer(options.username or "")
        self._presence = Presence(self._name, random.Random().random)  # noqa: S311 - jitter, no secret
        self._tally = Tally()
        self._turns, self._urgent = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(URGENT)
        self._waiting = 0
        self._known = b"", HttpRequest("/")  # the tag of a password, and what was given for it
        self._denied: dict[tuple[str, str, str], float] = {}  # method, target, about -> until when it is not asked for
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def read(self, request: HttpRequest, timeout_s: float | None = None) -> HttpReply:
        """The answer, whatever its status; LinkError when there is none, it is too long, or nobody may ask now."""
        if self._waiting >= MOST_WAITING:
            raise LinkError(Failure.NO_REPLY, f"{self._name}: {MOST_WAITING} questions wait already")
        self._waiting += 1
        try:
            async with self._urgent if request.urgent else self._turns:
                return await self._counted(request, timeout_s or request.timeout_s)
        finally:
            self._waiting -= 1

    async def stream(self, request: HttpRequest) -> AsyncGenerator[bytes, None]:
        """What the device says by itself, piece by piece, until it hangs up. `timeout_s` is the longest silence."""
        answer, _ = await self._answer(request, request.timeout_s)
        try:
            if answer.status != 200:
                failure = Failure.UNSUPPORTED if answer.status in {403, 404} else Failure.REFUSED
                raise LinkError(failure, f"{self._name}: HTTP {answer.status} to the event stream")
            while True:
                with self._faults(request.timeout_s):
                    async with asyncio.timeout(request.timeout_s):
                        piece = await answer.response.content.readany()
                if not piece:
                    return
                yield piece
        finally:
            answer.response.close()

    async def close(self) -> None:
        """Hang up; what is out fails with NOT_CONNECTED."""
        self._closed = True
        if self._session is not None:
            await self._session.close()

    def stats(self) -> LinkStats:
        """The counters now."""
        return self._tally.snapshot()

    # --- One question -------------------------------------------------------------------------------------------------

    async def _counted(self, request: HttpRequest, timeout_s: float) -> HttpReply:
        begun = time.monotonic()
        if request.signed and self._denied.get(_asked(request), 0.0) > begun:
            return HttpReply(403, {}, b"")
        self._tally.requests += 1
        try:
            answer, deadline = await self._answer(request, timeout_s)
            body = await self._body(answer, request.most, deadline, timeout_s)
        except LinkError as error:
            self._tally.failures[error.failure] += 1
            raise
        if answer.tag not in {b"", self._known[0]} and answer.status == 200 and len(body) <= _SMALL:
            self._known = answer.tag, request
        self._tally.answered(time.monotonic() - begun)
        return HttpReply(answer.status, _small(answer.response.headers), body)

    async def _answer(self, request: HttpRequest, timeout_s: float) -> tuple[_Answer, float]:
        """The head of the answer, signed in where that is asked for, and until when its body may come."""
        if not account.TARGET.fullmatch(request.target):
            raise LinkError(Failure.REFUSED, f"{self._name}: not to be asked: {request.target!r}")
        clock = asyncio.get_running_loop().time
        if not request.signed or self._gate is None or self._options.password is None:
            deadline = clock() + timeout_s
            answer = await self._send(request, None, deadline, timeout_s)
            if answer.status == 401 and request.signed:
                raise LinkError(Failure.CREDENTIAL, f"{self._name}: it wants an account, and the config names none")
            return answer, deadline
        for again in (False, True):
            password = account.read(self._options.password)
            async with self._gate.entry(password, self._endpoint) as entry:
                deadline = clock() + timeout_s
                signed = await self._signed(request, entry, deadline, timeout_s)
                if signed is not None:
                    self._signer.single_use |= (
                        again and not signed.denied
                    )  # a fresh nonce was taken where a used one was not
                    return self._no_redirect(signed), deadline
        raise LinkError(Failure.BAD_REPLY, f"{self._name}: takes no nonce twice, nor once")

    async def _signed(self, request: HttpRequest, entry: Entry, deadline: float, timeout_s: float) -> _Answer | None:
        """The answer to a signed question. None: a nonce was refused that had been good; to be asked again alone."""
        signer, stale = self._signer, 0
        if entry.alone:
            signer.forget()
        used = signer.challenge is not None
        while True:
            header = signer.header(entry.password, request.method, request.target)
            if header is not None or request.wsse is not None:
                await entry.signing()
            answer = await self._send(self._with_token(request, entry), header, deadline, timeout_s)
            if answer.body is not None and locked(answer.status, answer.body):
                raise await entry.refused(locked=True)
            offered = challenge(answer.challenges())
            if request.wsse is not None and offered is None and wsse.refused(answer.status, answer.body or b""):
                return await self._refused(request, answer, entry, deadline, timeout_s)
            if answer.status != 401:
                if header is not None or (request.wsse is not None and answer.status == 200):
                    await entry.good()
                    answer.tag = entry.tag
                return answer
            too_old = offered is not None and offered.stale and stale < _STALE
            if header is not None and not too_old:
                signer.forget()
                if used:
                    await entry.doubt()
                    return None
                return await self._refused(request, answer, entry, deadline, timeout_s)
            stale += too_old
            used = False
            self._take_up(answer)

    async def _refused(
        self, request: HttpRequest, answer: _Answer, entry: Entry, deadline: float, timeout_s: float
    ) -> _Answer:
        """The password is wrong, or this account may not have this: some recorders say 401 to both, none says which.

        What the account was given before tells them apart. Given still, it is 403 for this question, and not asked for an
        hour; not given, the gate is shut.
        """
        (tag, known), offered = self._known, challenge(answer.challenges())
        if tag == entry.tag and _asked(known) != _asked(request):
            header = None
            if offered is not None:
                self._signer.begin(offered)
                header = self._signer.header(entry.password, known.method, known.target)
            if known.wsse is not None:
                known = replace(known, wsse=request.wsse or known.wsse)
            given = await self._send(self._with_token(known, entry), header, deadline, timeout_s)
            await self._body(given, known.most, deadline, timeout_s)
            if given.status == 200:
                await entry.good()
                if len(self._denied) >= MOST_DENIED:
                    self._denied.clear()
                self._denied[_asked(request)] = time.monotonic() + DENIED_S
                answer.denied = True
                return answer
            self._signer.forget()
        raise await entry.refused(locked=False)

    def _with_token(self, request: HttpRequest, entry: Entry) -> HttpRequest:
        """With the name and password in the SOAP header, where the driver wants them there."""
        if request.wsse is None:
            return request
        token = wsse.wsse_header(self._signer.username, entry.password, request.wsse, os.urandom(wsse.NONCE_BYTES))
        return replace(request, body=request.body.replace(wsse.MARKER, token, 1))

    def _take_up(self, answer: _Answer) -> None:
        """The challenge that is answered next, or LinkError when there is none that we answer."""
        headers = answer.challenges()
        offered = challenge(headers)
        if offered is not None:
            self._signer.begin(offered)
        elif not offers_basic(headers):
            raise LinkError(Failure.BAD_REPLY, f"{self._name}: HTTP 401 without a challenge that can be answered")
        elif not self._options.basic:
            raise LinkError(
                Failure.REFUSED, f"{self._name}: takes passwords only in clear; `basic: true` would send it"
            )
        else:
            self._signer.basic = True

    def _no_redirect(self, answer: _Answer) -> _Answer:
        if 300 <= answer.status < 400:
            answer.response.close()
            to = answer.response.headers.get("Location", "")[:120]
            raise LinkError(
                Failure.REFUSED, f"{self._name}: sends us on to {to!r}, and nobody follows: mend the address"
            )
        return answer

    # --- The wire -----------------------------------------------------------------------------------------------------

    async def _send(self, request: HttpRequest, header: str | None, deadline: float, timeout_s: float) -> _Answer:
        """One exchange; the body too, where a refusal may say why."""
        from yarl import URL

        wait_s = self._presence.wait_s(time.monotonic())
        if wait_s:
            why = f"{self._name}: {self._presence.why}; tried again in {wait_s:.1f} s"
            raise LinkError(Failure.NOT_CONNECTED, why)
        headers = {"Authorization": header} if header is not None else {}
        if request.content_type:
            headers["Content-Type"] = request.content_type
        with self._faults(timeout_s):
            async with asyncio.timeout_at(deadline):
                url = URL(self._base + request.target, encoded=True)
                session = self._opened()
                response = await session.request(
                    request.method, url, headers=headers, data=request.body or None, allow_redirects=False
                )
        self._presence.works(time.monotonic())
        answer = _Answer(response)
        if response.status in {401, 403, 423} or (request.wsse is not None and response.status != 200):
            answer.body = await self._body(answer, request.most, deadline, timeout_s)
        return answer

    async def _body(self, answer: _Answer, most: int, deadline: float, timeout_s: float) -> bytes:
        if answer.body is not None:
            return answer.body
        response = answer.response
        body = bytearray()
        whole = False
        try:
            packed = response.headers.get("Content-Encoding", "identity").casefold()
            if packed not in {"identity", ""}:
                raise LinkError(Failure.BAD_REPLY, f"{self._name}: answers packed ({packed[:20]!r}), unasked")
            with self._faults(timeout_s):
                async with asyncio.timeout_at(deadline):
                    while piece := await response.content.readany():
                        body += piece
                        if len(body) > most:
                            raise LinkError(Failure.BAD_REPLY, f"{self._name}: an answer above {most} bytes")
            whole = True
        finally:
            if whole:
                response.release()
            else:
                response.close()
        return bytes(body)

    def _opened(self) -> aiohttp.ClientSession:
        import aiohttp

        if self._closed:
            raise LinkError(Failure.NOT_CONNECTED, f"{self._name} is closed")
        if self._session is None:
            tls: bool | aiohttp.Fingerprint = True
            if self._options.fingerprint is not None:
                tls = aiohttp.Fingerprint(bytes.fromhex(self._options.fingerprint))
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=AT_ONCE + URGENT + 2, ssl=tls),  # and the stream, old and new
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                read_bufsize=_PIECE,
                headers={"Accept-Encoding": "identity", "User-Agent": "sentinel"},
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
            )
        return self._session

    @contextmanager
    def _faults(self, timeout_s: float) -> Iterator[None]:
        """What can go wrong on the wire, as LinkError."""
        import aiohttp

        try:
            yield
        except (aiohttp.ServerFingerprintMismatch, aiohttp.ClientConnectorCertificateError) as error:
            raise LinkError(Failure.IDENTITY, f"{self._name}: another certificate than the config names") from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            now = time.monotonic()
            if not self._presence.wait_s(now):  # four that fail together are one failure
                self._presence.failed("no connection", now)
            raise LinkError(Failure.NOT_CONNECTED, f"{self._name}: no connection: {_why(error)}") from error
        except TimeoutError:
            raise LinkError(Failure.NO_REPLY, f"{self._name}: no reply within {timeout_s:g} s") from None
        except aiohttp.ClientPayloadError as error:
            raise LinkError(Failure.BAD_REPLY, f"{self._name}: the answer broke off") from error
        except aiohttp.ClientConnectionError as error:
            raise LinkError(Failure.NOT_CONNECTED, f"{self._name}: the other end hung up") from error
        except (aiohttp.ClientError, ValueError) as error:
            raise LinkError(Failure.BAD_REPLY, f"{self._name}: no HTTP: {_why(error)}") from error


def _asked(request: HttpRequest) -> tuple[str, str, str]:
    """What was asked for, by which it is known again."""
    return request.method, request.target, request.about


def _small(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.casefold(): value for name, value in headers.items()}


def _why(error: Exception) -> str:
    """Its own words, cut short: they may repeat what a stranger sent."""
    return re.sub(r"[^\x20-\x7e]+", " ", str(error))[:120] or type(error).__name__
