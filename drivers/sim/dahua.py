"""A Dahua recorder on a real TCP port, for the demo and the tests. The daemon never imports it.

Its state is plain and may be turned while it runs: cameras, disks, clock, account, faults. It keeps count of what a
real one suffers from: failed logins, and finders that nobody destroyed.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import json
import re
import secrets
from collections import Counter, deque
from datetime import datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from aiohttp import web

from drivers.sim.dahua_recorder import Fault

if TYPE_CHECKING:
    from drivers.sim.dahua_recorder import Recorder, SimCamera, SimDisk

JPEG: Final = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(range(64)) * 20 + b"\xff\xd9"
BOUNDARY = "myboundary"


class SimDahua:
    """`serve` it, turn its `recorder`, `close` it."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.failed_logins = 0
        self.asked: Counter[str] = Counter()  # path and action
        self.finders: dict[str, list[dict[str, str]] | None] = {}
        self.most_finders = 0
        self._realm = f"Login to {secrets.token_hex(16)}"
        self._nonces: deque[str] = deque(maxlen=1000)
        self._numbers = itertools.count(8137)
        self._listeners: list[asyncio.Queue[bytes]] = []
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
        if self._runner:
            await self._runner.cleanup()

    @property
    def locked(self) -> bool:
        """The account is locked: the right password is refused too."""
        return self.failed_logins >= self.recorder.locks_after

    @property
    def listening(self) -> int:
        """How many streams of events stand open."""
        return len(self._listeners)

    def event(self, code: str, action: str, index: int | None = None, data: str = "") -> None:
        """Tell everyone who listens."""
        text = f"Code={code};action={action}" + ("" if index is None else f";index={index}")
        self._tell(_part(text + (f";data={data}" if data else "")))

    def drop(self) -> None:
        """End all streams of events, as real ones do by themselves."""
        self._tell(b"")

    def _tell(self, part: bytes) -> None:
        for queue in self._listeners:
            with contextlib.suppress(asyncio.QueueFull):  # a listener that reads nothing loses events
                queue.put_nowait(part)

    # --- The door -------------------------------------------------------------------------------------------------

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        target = request.raw_path
        path, _, query = target.partition("?")
        words = dict(word.partition("=")[::2] for word in query.split("&") if word)
        asked = {key: unquote(value) for key, value in words.items()}
        self.asked[f"{path.removeprefix('/cgi-bin/')} {asked.get('action', '')}".strip()] += 1
        if not (self.recorder.open and path == "/cgi-bin/snapshot.cgi"):
            refused = self._door(request, target)
            if refused is not None:
                return refused
        fault = next((fault for text, fault in self.recorder.faults.items() if text in target), None)
        if fault is Fault.SILENT:
            await asyncio.sleep(3600)
        if fault is Fault.SLOW:
            await asyncio.sleep(self.recorder.slow_s)
        if fault in _REFUSALS:
            status, text = _REFUSALS[fault]
            return web.Response(status=status, text=text)
        if asked.get("action") == "attach":
            return await self._attach(request, float(asked.get("heartbeat", "0")))
        return _bent(await self._reply(path, asked, request, lying=fault is Fault.LYING), fault)

    def _door(self, request: web.Request, target: str) -> web.Response | None:
        """Digest MD5 with qop=auth. A wrong answer counts; no answer does not."""
        said = request.headers.get("Authorization", "")
        if said.startswith("Digest "):
            given = {m[1]: m[2] if m[2] is not None else m[3] for m in _PAIR.finditer(said)}
            uri = given.get("uri", "")
            if uri != target if self.recorder.strict_uri else unquote(uri) != unquote(target):
                return web.Response(status=400, text="Error\nBad Request!\n")  # as lighttpd does on %20 against a blank
            if given.get("nonce") in self._nonces:
                if not self.locked and self._matches(given, request.method):
                    return None
                self.failed_logins += 1
        nonce = secrets.token_hex(8)
        self._nonces.append(nonce)
        text = "Error\nAccount locked!\n" if self.locked else "Error\nInvalid Authority!\n"
        challenge = f'Digest realm="{self._realm}", qop="auth", nonce="{nonce}", opaque="{secrets.token_hex(16)}"'
        return web.Response(status=401, text=text, headers={"WWW-Authenticate": challenge})

    def _matches(self, given: dict[str, str], method: str) -> bool:
        recorder = self.recorder
        a1 = _md5(f"{recorder.username}:{self._realm}:{recorder.password}")
        a2 = _md5(f"{method}:{given.get('uri', '')}")
        middle = ":".join(given.get(key, "") for key in ("nonce", "nc", "cnonce", "qop"))
        return given.get("username") == recorder.username and given.get("response") == _md5(f"{a1}:{middle}:{a2}")

    async def _attach(self, request: web.Request, heartbeat_s: float) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": f"multipart/x-mixed-replace; boundary={BOUNDARY}"})
        await response.prepare(request)
        queue: asyncio.Queue[bytes] = asyncio.Queue(1000)
        self._listeners.append(queue)
        try:
            while True:
                try:
                    async with asyncio.timeout(heartbeat_s or None):
                        part = await queue.get()
                except TimeoutError:
                    part = _part("Heartbeat")
                if not part:
                    return response
                await response.write(part)
        except ConnectionResetError:
            return response
        finally:
            with contextlib.suppress(ValueError):
                self._listeners.remove(queue)

    # --- The answers ----------------------------------------------------------------------------------------------

    async def _reply(self, path: str, asked: dict[str, str], request: web.Request, *, lying: bool) -> web.Response:
        name, action = path.removeprefix("/cgi-bin/"), asked.get("action", "")
        if name == "mediaFileFind.cgi":
            return self._find(action, asked, lying=lying)
        if name == "snapshot.cgi":
            at = int(asked.get("channel", "1")) - 1
            if not 0 <= at < len(self.recorder.cameras) or self._dark(at):
                return web.Response(status=500, text="Error\nNo Video!\n")
            return web.Response(body=JPEG, content_type="image/jpeg")
        if name.startswith("api/"):
            await request.read()
            found = self._json(name.removeprefix("api/"))
            return _absent() if found is None else web.Response(text=json.dumps(found), content_type="application/json")
        lines = self._lines(name, action, asked, lying=lying)
        return _absent() if lines is None else web.Response(text="\r\n".join((*lines, "")))

    def _lines(self, name: str, action: str, asked: dict[str, str], *, lying: bool) -> list[str] | None:
        it = self.recorder
        match name, action:
            case "magicBox.cgi", "getSerialNo":
                return [f"sn={it.serial}"]
            case "magicBox.cgi", "getDeviceType":
                return [f"type={it.model}"]
            case "magicBox.cgi", "getVendor":
                return [f"vendor={it.vendor}"]
            case "magicBox.cgi", "getSoftwareVersion":
                return [f"version={it.version}"]
            case "magicBox.cgi", "getMachineName":
                return ["name=BRANCH"]
            case "magicBox.cgi", "getSystemInfo":
                return ["appAutoStart=true", f"deviceType={it.model}", f"serialNumber={it.serial}"]
            case "global.cgi", "getCurrentTime":
                return [f"result={it.clock():%Y-%m-%d %H:%M:%S}"]
            case "storageDevice.cgi", "getDeviceAllInfo":
                return [line for at, disk in enumerate(it.disks) for line in self._disk(at, disk)] or [""]
            case "eventManager.cgi", "getEventIndexes":
                return self._indexes(asked.get("code", ""), lying=lying)
            case "configManager.cgi", "getConfig":
                return self._config(asked.get("name", ""))
        return None

    def _disk(self, at: int, disk: SimDisk) -> list[str]:
        row = f"list[{at}]" if self.recorder.bare_lists else f"list.info[{at}]"
        return [
            f"{row}.Detail[0].IsError={str(disk.error).lower()}",
            f"{row}.Detail[0].Path=/mnt/dvr/{disk.name.rpartition('/')[2]}0",
            f"{row}.Detail[0].TotalBytes={disk.total:f}",
            f"{row}.Detail[0].Type={disk.type}",
            f"{row}.Detail[0].UsedBytes={disk.used:f}",
            f"{row}.HealthDataFlag=0",
            f"{row}.Name={disk.name}",
            f"{row}.State={disk.state}",
        ]

    def _indexes(self, code: str, *, lying: bool) -> list[str]:
        found = [at for at in range(len(self.recorder.cameras)) if self._dark(at)] if code == "VideoLoss" else []
        if code == self.recorder.storage_event:
            found = [0]
        if lying:
            found = [at + 1 for at in found]
        return [f"channels[{n}]={at}" for n, at in enumerate(found)] or ["Error: No Events"]

    def _dark(self, at: int) -> bool:
        camera = self.recorder.cameras[at]
        return camera.lost or camera.connection not in (None, "Connected")

    def _config(self, name: str) -> list[str] | None:
        cameras = list(enumerate(self.recorder.cameras))
        match name:
            case "ChannelTitle":
                return [f"table.ChannelTitle[{at}].Name={camera.name}" for at, camera in cameras]
            case "RecordMode":
                return [
                    line
                    for at, camera in cameras
                    for line in (f"table.RecordMode[{at}].Mode={camera.mode}", f"table.RecordMode[{at}].ModeExtra1=2")
                ]
            case "Record":
                return [
                    f"table.Record[{at}].TimeSection[{day}][{n}]={0 if n else camera.mask} 00:00:00-23:59:59"
                    for at, camera in cameras
                    for day in range(8)
                    for n in range(6)
                ]
            case "NTP":
                enabled = str(self.recorder.ntp).lower()
                return ["table.NTP.Address=pool.ntp.org", f"table.NTP.Enable={enabled}", "table.NTP.Port=123"]
        return None

    def _json(self, name: str) -> object:
        cameras = self.recorder.cameras
        match name:
            case "LogicDeviceManager/getCameraState":
                if all(camera.connection is None for camera in cameras):
                    return None
                return {"states": [{"channel": at, "connectionState": camera.connection or "Connected"}
                                   for at, camera in enumerate(cameras)]}  # fmt: skip
            case "recordManager/getStateAll":
                return {"state": [{"Main": {"State": self._says(camera)}} for camera in cameras]}
        return None

    def _says(self, camera: SimCamera) -> int:
        if camera.says is not None:
            return camera.says
        return int(camera.stopped is None and camera.mode != 2)

    # --- Files ----------------------------------------------------------------------------------------------------

    def _find(self, action: str, asked: dict[str, str], *, lying: bool) -> web.Response:
        if action == "factory.create":
            finder = str(next(self._numbers)).zfill(5)
            self.finders[finder] = None
            self.most_finders = max(self.most_finders, len(self.finders))
            return web.Response(text=f"result={finder}\r\n")
        finder = asked.get("object", "")
        if finder not in self.finders:
            return web.Response(status=400, text="Error\nBad Request!\n")
        match action:
            case "findFile":
                found = self._search(asked, lying=lying)
                self.finders[finder] = found
                return web.Response(text="OK\r\n") if found else web.Response(status=400, text="Error\nBad Request!\n")
            case "findNextFile":
                listed = self.finders[finder] or []
                page, rest = listed[: int(asked["count"])], listed[int(asked["count"]) :]
                self.finders[finder] = rest
                lines = [f"items[{n}].{key}={value}" for n, item in enumerate(page) for key, value in item.items()]
                return web.Response(text="\r\n".join((f"found={len(page)}", *lines, "")))
            case "close" | "factory.close":
                self.finders[finder] = None
                return web.Response(text="OK\r\n")
            case "destroy" | "factory.destroy":
                del self.finders[finder]
                return web.Response(text="OK\r\n")
        return _absent()

    def _search(self, asked: dict[str, str], *, lying: bool) -> list[dict[str, str]]:
        zone = self.recorder.clock().tzinfo
        try:
            start, end = (
                datetime.strptime(asked[f"condition.{which}Time"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=zone)
                for which in ("Start", "End")
            )
            at = int(asked["condition.Channel"]) - 1 + lying
        except (KeyError, ValueError):
            return []
        if not 0 <= at < len(self.recorder.cameras):
            return []
        if not self.recorder.typed and "condition.Types[0]" in asked:
            return []
        if self.recorder.pictures_only and asked.get("condition.Types[0]") == "dav":
            return []
        kind = "jpg" if self.recorder.pictures_only else "dav"
        return [
            {
                "Channel": str(at),
                "Cluster": "0",
                "EndTime": f"{until:%Y-%m-%d %H:%M:%S}",
                "FilePath": f"/mnt/dvr/sda0/{since:%Y-%m-%d}/{at}/dav/{since:%H.%M.%S}-{until:%H.%M.%S}[R][0@0][0].{kind}",
                "Length": "790000000",
                "StartTime": f"{since:%Y-%m-%d %H:%M:%S}",
                "Type": kind,
            }
            for since, until in self.recorder.files(at, start, end)
        ]


_PAIR = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')
_REFUSALS = {
    Fault.ABSENT: (200, "Error\nNot Implemented!\n"),
    Fault.FORBIDDEN: (403, "Error\nInvalid Authority!\n"),
    Fault.BUSY: (503, "Error\nBusy!\n"),
}


def _part(text: str) -> bytes:
    body = text.encode()
    head = f"--{BOUNDARY}\r\nContent-Type: text/plain\r\nContent-Length:{len(body)}\r\n\r\n"
    return head.encode() + body + b"\r\n\r\n"


def _absent() -> web.Response:
    return web.Response(status=501, text="Error\nNot Implemented!\n")


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _bent(reply: web.Response, fault: Fault | None) -> web.Response:
    body = reply.body if isinstance(reply.body, bytes) else b""
    if fault is Fault.GARBLED:
        reply.body = bytes(b ^ 0x5A if n % 7 == 3 else b for n, b in enumerate(body))
    elif fault is Fault.TRUNCATED:
        reply.body = body[: len(body) // 2]
    return reply
