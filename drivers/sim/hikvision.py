"""A Hikvision recorder on a real TCP port, for the demo and the tests. The daemon never imports it.

Turn its `recorder` while it runs. It keeps count of what a real one suffers from: failed logins, and questions.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import secrets
from collections import Counter, deque
from typing import TYPE_CHECKING

from aiohttp import web

from drivers.sim import hikvision_answers as answers
from drivers.sim.hikvision_recorder import Fault

if TYPE_CHECKING:
    from drivers.sim.hikvision_recorder import SimRecorder

_PAIR = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,"]+))')
_HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
_LOGIN_PAGE = "<!DOCTYPE html><html><head><title>index</title></head><body><script>location='doc/page/login.asp'</script></body></html>"


class SimHikvision:
    """`serve` it, turn its `recorder`, `close` it."""

    def __init__(self, recorder: SimRecorder) -> None:
        self.recorder = recorder
        self.failed_logins = 0
        self.asked: Counter[str] = Counter()  # by path, without the account's challenge
        self._realm = "IP Camera(E1518)"
        self._nonces: deque[str] = deque(maxlen=1000)
        self._wrong = 0  # since the last right one
        self._locked_until = 0.0
        self._listeners: list[asyncio.Queue[bytes]] = []
        self._counts: Counter[tuple[str, int | str]] = Counter()
        self._runner: web.AppRunner | None = None

    async def serve(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen; the port that was taken (0 asks for a free one)."""
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        return int(self._runner.addresses[0][1])

    async def close(self) -> None:
        """Stop."""
        self.drop()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def locked(self) -> bool:
        """The account is locked: the right password is refused too."""
        return asyncio.get_running_loop().time() < self._locked_until

    def event(self, kind: str, channel: int | str, *, active: bool = True) -> None:
        """Tell everyone who listens; one that lasts is told again with a higher count."""
        count = self._counts[kind, channel] = self._counts[kind, channel] + 1 if active else 0
        self._tell(answers.event(self.recorder, kind, channel, count, active=active))

    def drop(self) -> None:
        """End all streams of events, as real ones do by themselves."""
        self._tell(b"")

    def _tell(self, part: bytes) -> None:
        for queue in self._listeners:
            with contextlib.suppress(asyncio.QueueFull):  # a listener that reads nothing loses events
                queue.put_nowait(part)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix("/ISAPI/")
        image = path.endswith("/picture")
        if not (self.recorder.open and image):
            refused = self._door(request)
            if refused is not None:
                return refused
        self.asked[path] += 1
        fault = next((fault for text, fault in self.recorder.faults.items() if text in path), None)
        if fault is Fault.SILENT:
            await asyncio.sleep(3600)
        if fault is Fault.SLOW:
            await asyncio.sleep(0.5)
        refused = self._refusal(path, fault)
        if refused is not None:
            return refused
        if path == "Event/notification/alertStream":
            return await self._stream(request)
        if image:
            return self._picture(path, fault)
        body = (await request.read()).decode("utf-8", "replace")
        text = self._text(path, request.method, body, lying=fault is Fault.LYING)
        if text is None and path == "ContentMgmt/search":
            return self._words(path, 400, 6, "Invalid XML Content", "badXmlContent")
        if text is None:
            return self._words(path, 403, 4, "Invalid Operation", "notSupport")
        kind = "application/json" if text.startswith("{") else "application/xml"
        return web.Response(body=_bent(text.encode(), fault), content_type=kind)

    def _text(self, path: str, method: str, body: str, *, lying: bool) -> str | None:
        if path == "ContentMgmt/search":
            return answers.search(self.recorder, body, lying=lying)
        daily = re.fullmatch(r"ContentMgmt/record/tracks/(\d+)01/dailyDistribution", path)
        if daily and method == "POST":
            return answers.days(self.recorder, int(daily[1]), body)
        page = answers.PAGES.get(path)
        if page is None:
            return None
        return answers.system(self.recorder) if lying else page(self.recorder)

    def _picture(self, path: str, fault: Fault | None) -> web.Response:
        found = re.fullmatch(r"Streaming/channels/(\d+)0[12]/picture", path)
        camera = self.recorder.cameras.get(int(found[1])) if found else None
        if camera is None or camera.lost or not camera.online:
            return self._words(path, 200, 3, "Device Error", "deviceError")
        body = self.recorder.pictures.get(camera.scene) or self.recorder.pictures["normal"]
        return web.Response(body=_bent(body, fault), content_type="image/jpeg")

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "multipart/mixed; boundary=boundary"})
        await response.prepare(request)
        queue: asyncio.Queue[bytes] = asyncio.Queue(1000)
        self._listeners.append(queue)
        try:
            while True:
                try:
                    async with asyncio.timeout(self.recorder.heartbeat_s):
                        part = await queue.get()
                except TimeoutError:
                    part = answers.event(self.recorder, "videoloss", 0, 0, active=False)
                if not part:
                    return response
                await response.write(part)
        except ConnectionResetError:
            return response
        finally:
            self._listeners.remove(queue)

    # --- The door -------------------------------------------------------------------------------------------------

    def _door(self, request: web.Request) -> web.Response | None:
        """Digest with qop=auth. A wrong answer counts; none, one to an old challenge and Basic, which it does not offer, do not."""
        said = request.headers.get("Authorization", "")
        stale = False
        if said.startswith("Digest "):
            given = {pair[1]: pair[2] if pair[2] is not None else pair[3] for pair in _PAIR.finditer(said)}
            stale = given.get("nonce") not in self._nonces
            if not stale:
                if not self.locked and self._matches(given, request):
                    self._wrong = 0
                    return None
                self._failed()
        nonce = secrets.token_hex(16)
        self._nonces.append(nonce)
        lock = f"<lockStatus>{'lock' if self.locked else 'unlock'}</lockStatus>"
        lock += f"<unlockTime>{int(self.recorder.locked_for_s) if self.locked else 0}</unlockTime>"
        lock += f"<retryLoginTime>{max(self.recorder.locks_after - self._wrong, 0)}</retryLoginTime>"
        body = answers.document(
            self.recorder, "userCheck", f"<statusValue>401</statusValue><statusString>Unauthorized</statusString>{lock}"
        )
        response = web.Response(status=401, text=body, content_type="application/xml", headers={"Connection": "close"})
        for algorithm in self.recorder.algorithms:
            named = "" if self.recorder.algorithms == ("MD5",) else f', algorithm="{algorithm}"'  # old ones name none
            challenge = (
                f'Digest qop="auth", realm="{self._realm}", nonce="{nonce}", stale="{str(stale).upper()}"{named}'
            )
            response.headers.add("WWW-Authenticate", challenge)
        return response

    def _failed(self) -> None:
        self.failed_logins += 1
        self._wrong += 1
        if self._wrong >= self.recorder.locks_after:
            self._locked_until = asyncio.get_running_loop().time() + self.recorder.locked_for_s
            self._wrong = 0

    def _matches(self, given: dict[str, str], request: web.Request) -> bool:
        it, algorithm = self.recorder, given.get("algorithm", "MD5")
        if algorithm not in it.algorithms or given.get("uri") != request.raw_path:
            return False

        def digest(text: str) -> str:
            return _HASHES[algorithm](text.encode()).hexdigest()

        first, second = (
            digest(f"{it.username}:{self._realm}:{it.password}"),
            digest(f"{request.method}:{request.raw_path}"),
        )
        middle = ":".join(given.get(key, "") for key in ("nonce", "nc", "cnonce", "qop"))
        return given.get("username") == it.username and given.get("response") == digest(f"{first}:{middle}:{second}")

    # --- Refusals -------------------------------------------------------------------------------------------------

    def _refusal(self, path: str, fault: Fault | None) -> web.Response | None:
        if fault is Fault.BUSY or (fault is Fault.BUSY_ONCE and self.asked[path] % 2):
            return self._words(path, 503, 2, "Device Busy", "deviceBusy")
        if fault is Fault.FORBIDDEN:
            return self._words(path, 403, 4, "Invalid Operation", "notSupport")
        if fault is Fault.ABSENT:
            return web.Response(status=404, text=_LOGIN_PAGE, content_type="text/html")
        if fault is Fault.PAGE:
            return web.Response(text=_LOGIN_PAGE, content_type="text/html")
        if fault is Fault.WORDS:
            return self._words(path, 200, 3, "Device Error", "deviceError")
        return None

    def _words(self, path: str, http: int, code: int, text: str, detail: str) -> web.Response:
        body = answers.status(self.recorder, f"/ISAPI/{path}", code, text, detail)
        return web.Response(status=http, text=body, content_type="application/xml")


def _bent(body: bytes, fault: Fault | None) -> bytes:
    if fault is Fault.GARBLED:
        return bytes(byte ^ 0x55 if place % 17 == 3 else byte for place, byte in enumerate(body))
    return body[: len(body) * 2 // 3] if fault is Fault.TRUNCATED else body
