"""Stores for the tests: a real InfluxDB 1.6, a real VictoriaMetrics, and a sink that misbehaves as it is told.

They listen on 127.0.0.1 only, keep everything in the test's folder and are ended by their own process id. A server
that is missing fails the test.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import signal
import subprocess
from collections import Counter, deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

from tests.servers import free_port

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from pathlib import Path

READY_S = 20.0

Points = dict[tuple[str, int], float]  # (series with its field, ms) -> value


class _Server:
    """One process on one port, that can be killed and started again on the same files."""

    program: str
    ready: str

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def arguments(self) -> list[str]:
        raise NotImplementedError

    async def start(self) -> None:
        """Run it, and return when it answers."""
        found = shutil.which(self.program)
        assert found is not None, f"{self.program} is not installed: bash .ci/servers"
        log = (self.folder / "log").open("ab")
        with log:
            self.process = subprocess.Popen([found, *self.arguments()], stdout=log, stderr=log)
        async with asyncio.timeout(READY_S), aiohttp.ClientSession() as session:
            while True:
                assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
                try:
                    async with session.get(f"{self.url}{self.ready}") as answer:
                        if answer.status < 300:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.02)

    def kill(self) -> None:
        """As a power cut does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def signal(self, which: signal.Signals) -> None:
        """SIGSTOP makes a server that takes connections and says nothing."""
        assert self.process is not None
        self.process.send_signal(which)

    def stop(self) -> None:
        """Orderly."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.send_signal(signal.SIGCONT)
            self.process.wait(20)


class Influx(_Server):
    """InfluxDB 1.6, as apt gives it to a Pi. With `auth`, it wants a user for everything."""

    program, ready = "influxd", "/ping"

    def __init__(self, folder: Path, *, auth: bool = False, max_body: int = 25_000_000) -> None:
        super().__init__(folder)
        self.headers: dict[str, str] = {}  # of queries, where a user is wanted
        (folder / "influxdb.conf").write_text(
            f"""reporting-disabled = true
bind-address = "127.0.0.1:{free_port()}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:{self.port}"
auth-enabled = {"true" if auth else "false"}
log-enabled = false
max-body-size = {max_body}
[continuous_queries]
run-interval = "1s"
[ifql]
enabled = false
"""
        )

    def arguments(self) -> list[str]:
        return ["-config", str(self.folder / "influxdb.conf")]

    async def query(self, statement: str, database: str = "") -> list[dict[str, Any]]:
        """The series of the first statement's answer."""
        form = {"q": statement, "db": database, "epoch": "ms"}
        async with (
            aiohttp.ClientSession(headers=self.headers) as session,
            session.post(f"{self.url}/query", data=form) as answer,
        ):
            said = json.loads(await answer.read())
        assert answer.status == 200, said
        result = said["results"][0]
        assert "error" not in result, result
        series: list[dict[str, Any]] = result.get("series", [])
        return series

    async def points(self, database: str, measurement: str) -> Points:
        """Every number in a measurement, of every series."""
        found: Points = {}
        for series in await self.query(f'SELECT * FROM "{measurement}" GROUP BY *', database):
            tags = "".join(f",{k}={v}" for k, v in sorted(series["tags"].items()))
            for at, *values in series["values"]:
                for name, value in zip(series["columns"][1:], values, strict=True):
                    if value is not None:
                        found[f"{measurement}{tags} {name}", at] = float(value)
        return found


class Victoria(_Server):
    """VictoriaMetrics, that keeps a hundred years."""

    program, ready = "victoria-metrics", "/health"

    def arguments(self) -> list[str]:
        return [
            f"-storageDataPath={self.folder}/data",
            f"-httpListenAddr=127.0.0.1:{self.port}",
            "-retentionPeriod=100y",
            "-memory.allowedBytes=256MB",
        ]

    async def points(self, measurement: str) -> Points:
        """Every number in a measurement, of every series; what is in memory is written out first."""
        found: Points = {}
        async with aiohttp.ClientSession() as session:
            await session.get(f"{self.url}/internal/force_flush")
            match = {"match[]": f'{{__name__=~"{measurement}_.*"}}'}
            async with session.get(f"{self.url}/api/v1/export", params=match) as answer:
                exported = await answer.text()
        for line in exported.splitlines():
            row = json.loads(line)
            name = row["metric"].pop("__name__").removeprefix(f"{measurement}_")
            tags = "".join(f",{k}={v}" for k, v in sorted(row["metric"].items()) if k != "db")
            for at, value in zip(row["timestamps"], row["values"], strict=True):
                found[f"{measurement}{tags} {name}", at] = float(value)
        return found


# --- The sink ----------------------------------------------------------------------------------------------------------

# measurement,tag=value,... field=value,... milliseconds: what our own lines look like, and nothing else
_PAIR = r"(?:[^,= \\]|\\.)+=(?:[^,= \\]|\\.)+"
_VALUE = r'(?:t|f|-?\d+i|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?|"(?:[^"\\]|\\.)*")'
_FIELD = rf"(?:[^,= \\]|\\.)+={_VALUE}"
_LINE = re.compile(rf"((?:[^, \\]|\\.)+(?:,{_PAIR})*) ({_FIELD}(?:,{_FIELD})*) (\d{{10,16}})")


@dataclass(frozen=True, slots=True)
class Post:
    """One request as the sink saw it."""

    request: web.Request
    lines: tuple[bytes, ...]


@dataclass(slots=True)
class Say:
    """One answer; it may be given before the body is read, or never."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    hang: bool = False  # say nothing for ever
    reset: bool = False  # hang up hard instead
    keep: bool = False  # and yet store the lines


@dataclass
class MisbehavingSink:
    """Answers as `script` says, one entry a request, then as `always`, else 204; keeps every good line of a 204.

    `poison` lines are refused as InfluxDB 1 refuses them; more than `most` lines are too many.
    """

    port: int
    script: deque[Say | None] = field(default_factory=deque)
    always: Say | None = None
    poison: Callable[[bytes], str | None] = lambda line: None
    most: int | None = None
    posts: list[Post] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    stored: Counter[bytes] = field(default_factory=Counter)
    bad: list[bytes] = field(default_factory=list)
    first: Callable[[Post], Awaitable[web.StreamResponse | None]] | None = None  # asked before all else
    names_bad_lines: bool = False
    counts_dropped: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        raw = await request.read()
        assert request.headers["Content-Encoding"] == "gzip"
        lines = tuple(raw.split(b"\n"))  # aiohttp has unpacked it
        self.posts.append(post := Post(request, lines))
        self.times.append(asyncio.get_running_loop().time())
        if self.first is not None and (answer := await self.first(post)) is not None:
            return answer
        say = self.script.popleft() if self.script else self.always
        if say is not None:
            return await self._say(request, say, lines)
        if self.most is not None and len(lines) > self.most:
            return _json(413, {"error": "Request Entity Too Large"})
        refused = {line: why for line in lines if (why := self.poison(line)) is not None}
        for line in lines:
            if line not in refused:
                self._keep(line)
        if not refused:
            return web.Response(status=204)
        if self.counts_dropped:
            return _json(400, {"error": f"partial write: {next(iter(refused.values()))} dropped={len(refused)}"})
        if self.names_bad_lines:
            words = [f"unable to parse '{line.decode()}': {why}" for line, why in refused.items()]
            return _json(400, {"error": "\n".join(words)})
        return _json(400, {"error": next(iter(refused.values()))})

    async def _say(self, request: web.Request, say: Say, lines: tuple[bytes, ...]) -> web.StreamResponse:
        if say.keep:
            for line in lines:
                self._keep(line)
        if say.hang:
            await asyncio.sleep(3600)
        if say.reset:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=say.status, headers=say.headers, body=say.body)

    def _keep(self, line: bytes) -> None:
        if _LINE.fullmatch(line.decode()) is None:
            self.bad.append(line)
        self.stored[line] += 1


def _json(status: int, said: object) -> web.Response:
    return web.Response(status=status, body=json.dumps(said).encode(), content_type="application/json")


@asynccontextmanager
async def misbehaving(port: int | None = None, context: ssl.SSLContext | None = None) -> AsyncIterator[MisbehavingSink]:
    """The sink on a port of its own (or on this one), until the block ends. Requests that hang are cut then."""
    sink = MisbehavingSink(port or free_port())
    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_route("*", "/{path:.*}", sink.handle)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.05)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", sink.port, ssl_context=context, reuse_address=True).start()
    try:
        yield sink
    finally:
        await runner.cleanup()
