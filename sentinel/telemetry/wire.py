"""One connection to the store, and one request at a time over it: a body out, a verdict back. It never raises and never waits
longer than its deadline, follows no redirect, and reads the beginning of an answer only. The writer's.
"""

from __future__ import annotations

import asyncio
import io
import ssl
from collections import deque
from typing import TYPE_CHECKING, Self

import aiohttp

from sentinel.telemetry.aside import Aside
from sentinel.telemetry.replies import Answer, Later, Reason, Refused, judge

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sentinel.telemetry.replies import Verdict
    from sentinel.telemetry.target import Target

REQUEST_S = 30.0  # a whole request with its answer; the writer sends less at a time when it is not enough
CONNECT_S = 10.0  # name, TCP, TLS
KEEP_S = (
    20.0  # an idle connection: shorter than servers and NATs keep it, longer than a store may forget for (`recent`)
)
HABIT, HABIT_S = 3, 3600.0  # so often in so long: what is sent again for it stays little
SECRET_S = 10.0  # a file that hangs, or authorities on a slow card
ANSWER_BYTES = 64 * 1024

HEADERS = {
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Encoding": "gzip",
    "Accept-Encoding": "identity",  # a small answer may unpack to gigabytes
}


class Wire:
    """Used as a context. The TLS context is made with the first request, off the loop: reading authorities takes long."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self.anew = False  # the server hung up, unannounced, before the last request: it may have been started anew
        self._session: aiohttp.ClientSession | None = None
        self._connected = False  # for this request
        self._kept_until = 0.0  # the connection of the request before, by both sides
        self._anew_at: deque[float] = deque(maxlen=HABIT)
        self._secrets, self._packs = Aside("telemetry secrets"), Aside("telemetry packs")

    async def __aenter__(self) -> Self:
        """Nothing is connected yet."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up."""
        self._secrets.close()
        self._packs.close()
        if self._session is not None:
            await self._session.close()

    async def send(self, body: bytes, now: Callable[[], datetime]) -> Verdict:
        """One request with this gzip body. Every way in which it ends is a verdict."""
        kept = asyncio.get_running_loop().time() < self._kept_until
        self.anew = self._connected = False
        self._kept_until = 0.0
        try:
            session = await self._open()
        except (OSError, ValueError):  # SSLError, TimeoutError among them: the CA file is absent, senseless, or hangs
            return Refused(Reason.TLS)
        try:
            headers = {**HEADERS, **await self._secrets.run(self._target.headers, SECRET_S)}
        except (LookupError, TimeoutError, UnicodeError):  # the last: of a file that is no text
            return Refused(Reason.SECRET)
        try:
            data = io.BytesIO(body)  # in pieces: bytes would be written to the socket at once
            async with session.post(self._target.url, data=data, headers=headers, allow_redirects=False) as response:
                said = await _beginning(response)
                self.anew = kept and self._connected and self._is_unusual()
                if _stays(response):
                    self._kept_until = asyncio.get_running_loop().time() + KEEP_S - 1.0
        except aiohttp.ClientSSLError:
            return Refused(Reason.TLS)
        except (aiohttp.ConnectionTimeoutError, aiohttp.ClientConnectorError):
            return Later(Reason.UNREACHABLE)
        except TimeoutError:
            return Later(Reason.SLOW)
        except UnicodeError:  # a name that no resolver takes
            return Later(Reason.UNREACHABLE)
        except (aiohttp.ClientResponseError, ValueError):  # what came is no HTTP, or the address is none
            return Refused(Reason.STRANGER)
        except (aiohttp.ClientError, OSError):
            return Later(Reason.LOST)
        low = {name.lower(): value for name, value in response.headers.items()}
        return judge(Answer(response.status, low, said), now())

    async def pack(self, work: Callable[[], bytes]) -> bytes:
        """A body, made off the loop. TimeoutError from a machine that cannot do so in the time of a request."""
        return await self._packs.run(work, REQUEST_S)

    async def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            secure = self._target.url.startswith("https:")
            context = await self._secrets.run(lambda: _tls(self._target.ca_file), SECRET_S) if secure else True
            trace = aiohttp.TraceConfig()
            trace.on_connection_create_end.append(self._note)
            self._session = aiohttp.ClientSession(
                trace_configs=[trace],
                connector=aiohttp.TCPConnector(limit=1, ssl=context, keepalive_timeout=KEEP_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=REQUEST_S, connect=CONNECT_S),
                auto_decompress=False,
            )
        return self._session

    def _is_unusual(self) -> bool:
        """Servers and proxies that hang up whenever they are idle for some seconds were not started anew each time."""
        now = asyncio.get_running_loop().time()
        if len(self._anew_at) == HABIT and now - self._anew_at[0] < HABIT_S:
            return False
        self._anew_at.append(now)
        return True

    async def _note(self, *_: object) -> None:
        self._connected = True


def _stays(response: aiohttp.ClientResponse) -> bool:
    """The connection is for the next request too, as far as both have said."""
    closing = "close" in response.headers.get("Connection", "").lower()
    return not closing and response.version == aiohttp.HttpVersion11 and response.content.at_eof()


def _tls(ca_file: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


async def _beginning(response: aiohttp.ClientResponse) -> bytes:
    """As much of the body as is looked at; the connection of a longer one is not used again."""
    said = bytearray()
    while len(said) < ANSWER_BYTES and (part := await response.content.read(ANSWER_BYTES - len(said))):
        said += part
    return bytes(said)
