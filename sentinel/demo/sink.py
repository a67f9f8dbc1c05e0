"""A store on loopback for the demo: takes line protocol as InfluxDB does, believes no line, and counts what is distinct.

It reads by the published grammar and by nothing of ours, so that what it counted is a view from outside. It keeps no
values; a line that came twice counts once, for the same series and time overwrite each other.
"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DATABASE = "sentinel_demo"
MAX_BODY = 64 * 1024 * 1024
MAX_POINTS = 5_000_000  # days of a demo; what comes then is refused, not forgotten
VERSION = {"X-Influxdb-Version": "demo"}

_VALUE = re.compile(r'(-?\d+)i|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|"(?:[^"\\\n]|\\["\\])*"')
_TIME = re.compile(r"\d{13}")  # milliseconds, from 2001 to 2286
_ESCAPED = re.compile(r"\\([, =])")
_MOST = 2**63 - 1


class LineError(ValueError):
    """No line of the protocol (docs.influxdata.com, "Line protocol"), or one that a branch must not send."""


def parse(line: str) -> tuple[str, int]:
    """Series and time in milliseconds of one line; LineError."""
    series, *rest = _cut(line, " ", most=1)
    fields, _, at = "".join(rest).rpartition(" ")
    measurement, *tags = _cut(series, ",")
    if not measurement or measurement[0] == "#" or not fields or _TIME.fullmatch(at) is None:
        raise LineError(f"unable to parse '{line}'")
    keys = [_ESCAPED.sub(r"\1", _pair(tag, line)[0]) for tag in tags]
    if keys != sorted(set(keys)):
        raise LineError(f"tags are doubled or out of order: '{line}'")
    names = set[str]()
    for given in _cut(fields, ",", quotes=True):
        name, value = _pair(given, line, quotes=True)
        found = _VALUE.fullmatch(value)
        if name in names or found is None or (found[1] and abs(int(found[1])) > _MOST):
            raise LineError(f"no value, or one too many: {given} in '{line}'")
        names.add(name)
    return series, int(at)


def _pair(text: str, line: str, *, quotes: bool = False) -> tuple[str, str]:
    match _cut(text, "=", quotes=quotes):
        case [name, value] if name and value and len(_cut(text, " ", quotes=quotes)) == 1:
            return name, value
    raise LineError(f"no key and value: {text} in '{line}'")


def _cut(text: str, at: str, *, most: int = -1, quotes: bool = False) -> list[str]:
    """Cut at a character where no backslash takes it and, in a field's value, no quotes hold it."""
    parts, begin, index = list[str](), 0, 0
    value = held = False
    while index < len(text) and len(parts) != most:
        mark = text[index]
        if mark == "\\":
            index += 1
        elif held or (mark == '"' and quotes and value):
            held ^= mark == '"'
        else:
            value = mark == "=" or (value and mark != ",")
            if mark == at:
                parts.append(text[begin:index])
                begin = index + 1
        index += 1
    return [*parts, text[begin:]]


@dataclass(slots=True)
class Sink:
    """What came. `refused` keeps the words for what was not taken."""

    port: int = 0
    count: int = 0  # distinct points
    refused: list[str] = field(default_factory=list)
    points: dict[str, set[int]] = field(default_factory=dict)

    def keep(self, series: str, at_ms: int) -> None:
        """One point; nothing when it is there."""
        times = self.points.setdefault(series, set())
        self.count += at_ms not in times
        times.add(at_ms)

    async def ping(self, _request: web.Request) -> web.Response:
        """Somebody asks whether a store is there."""
        return web.Response(status=204, headers=VERSION)

    async def write(self, request: web.Request) -> web.Response:
        """A body of lines: all of them, or none when one of them is none."""
        query = request.query
        if (query.get("db") or query.get("bucket")) != DATABASE:
            return self._refuse(404, f"database not found: {query.get('db') or query.get('bucket')}")
        if query.get("precision") != "ms":
            return self._refuse(400, "the precision is not ms")
        try:
            found = [parse(line) for line in (await request.read()).decode().split("\n") if line]
        except ValueError as error:
            return self._refuse(400, str(error))
        if self.count + len(found) > MAX_POINTS:
            return self._refuse(507, "the demo's store is full")
        for series, at_ms in found:
            self.keep(series, at_ms)
        return web.Response(status=204, headers=VERSION)

    def _refuse(self, status: int, why: str) -> web.Response:
        self.refused = [*self.refused[-99:], why]
        return web.json_response({"code": "invalid", "message": why, "error": why}, status=status, headers=VERSION)


@asynccontextmanager
async def sink() -> AsyncIterator[Sink]:
    """Open until the block is left."""
    made = Sink()
    app = web.Application(client_max_size=MAX_BODY)
    app.add_routes(
        [
            web.get("/ping", made.ping),
            web.get("/health", made.ping),
            web.post("/write", made.write),
            web.post("/api/v2/write", made.write),
        ]
    )
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        made.port = runner.addresses[0][1]
        yield made
    finally:
        await runner.cleanup()
