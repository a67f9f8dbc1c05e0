"""A recorder's web server on a real socket, as strict or as odd as a test wants it; it counts what matters to a recorder."""

from __future__ import annotations

import asyncio
import hashlib
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LOCKED = b'<?xml version="1.0"?><userCheck><statusValue>401</statusValue><lockStatus>lock</lockStatus></userCheck>'


@dataclass
class RecorderWeb:
    """Digest with MD5; `bad_logins` is what it would lock the account for."""

    password: str = "right"
    port: int = 0
    algorithm: str = "MD5"
    single_use: bool = False  # each nonce once, and no stale=true
    forgets: bool = False  # the nonces that it gave out so far, saying stale=true
    always_stale: bool = False
    locked: bool = False
    keeps: str = ""  # a target that it refuses to this account, with 401
    open: bool = False  # asks nobody for anything
    takes_s: float = 0.0
    silent: bool = False
    answer: bytes = b"fine"
    status: str = "200 OK"
    headers: str = ""
    raw: bytes | None = None  # sent instead of everything
    bad_logins: int = 0
    good_logins: int = 0
    asked: list[str] = field(default_factory=list)  # request lines
    sent: list[str] = field(default_factory=list)  # whole heads
    at_once: int = 0
    most_at_once: int = 0
    connections: int = 0
    _nonces: dict[str, int] = field(default_factory=dict)
    _made: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                text = head.decode()
                length = re.search(r"content-length: (\d+)", text, re.IGNORECASE)
                body = await reader.readexactly(int(length[1])) if length else b""
                self.at_once += 1
                self.most_at_once = max(self.most_at_once, self.at_once)
                try:
                    await self._respond(text, body, writer)
                finally:
                    self.at_once -= 1
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _respond(self, text: str, body: bytes, writer: asyncio.StreamWriter) -> None:
        self.asked.append(text.split("\r\n", 1)[0])
        self.sent.append(text)
        await asyncio.sleep(self.takes_s)
        if self.silent:
            await asyncio.sleep(30)
        if self.raw is not None:
            writer.write(self.raw)
            writer.close()
            return
        allowed, stale = self._allowed(text)
        if self.locked:
            self._write(writer, "401 Unauthorized", LOCKED, self._challenge())
        elif allowed and not (self.keeps and self.keeps in text.split("\r\n", 1)[0]):
            self._write(writer, self.status, self.answer + body, self.headers)
        else:
            self._write(writer, "401 Unauthorized", b"no", self._challenge(stale=stale))
        await writer.drain()

    def _write(self, writer: asyncio.StreamWriter, status: str, body: bytes, headers: str) -> None:
        writer.write(f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def _challenge(self, *, stale: bool = False) -> str:
        self._made += 1
        nonce = f"{self._made:032x}"
        self._nonces[nonce] = 0
        said = f'qop="auth", realm="IP Camera(E1518)", nonce="{nonce}", stale="{str(stale).upper()}"'
        return f"WWW-Authenticate: Digest {said}, algorithm={self.algorithm}\r\n"

    def _allowed(self, text: str) -> tuple[bool, bool]:
        """Whether the login is good, and whether only its nonce is too old."""
        if self.open:
            return True, False
        found = re.search(r"^authorization: Digest (.*)$", text, re.IGNORECASE | re.MULTILINE)
        if not found:
            return False, False
        said = {k: a or b for k, a, b in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', found[1])}
        hashed = hashlib.sha256 if self.algorithm == "SHA-256" else hashlib.md5
        method, target, _ = text.split("\r\n", 1)[0].split(" ")

        def h(joined: str) -> str:
            return hashed(joined.encode()).hexdigest()

        secret, asked = h(f"{said['username']}:IP Camera(E1518):{self.password}"), h(f"{method}:{target}")
        ours = h(f"{secret}:{said['nonce']}:{said['nc']}:{said['cnonce']}:auth:{asked}")
        if ours != said["response"] or said["uri"] != target:
            self.bad_logins += 1
            return False, False
        known = self._nonces.get(said["nonce"])
        if self.forgets or self.always_stale:
            self.forgets = False
            self._nonces.clear()
            return False, True
        if known is None or (known and self.single_use) or int(said["nc"], 16) <= known:
            self.bad_logins += 1
            return False, False
        self._nonces[said["nonce"]] = int(said["nc"], 16)
        self.good_logins += 1
        return True, False


@asynccontextmanager
async def serving(web: RecorderWeb, *, port: int = 0) -> AsyncIterator[RecorderWeb]:
    server = await asyncio.start_server(web.serve, "127.0.0.1", port)
    web.port = server.sockets[0].getsockname()[1]
    try:
        yield web
    finally:
        server.close()
