"""Where the demo's telemetry goes, and whether it came there: points made, as the branch says, against points counted.

Without a server given the count is the sink's own, an outside view; a server that somebody named is believed with its 204.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import aiohttp

from sentinel.demo.sink import DATABASE

if TYPE_CHECKING:
    from sentinel.demo.outside import Outside
    from sentinel.demo.sink import Sink

SETTLE_S = 20.0  # longer than the daemon keeps points in memory, and a write
LOOK_S = 0.1
ASK_S = 10.0
APIS = ("v1", "v2")
ORG, TOKEN = "INFLUX_ORG", "INFLUX_TOKEN"  # as InfluxDB's own command line names them


@dataclass(frozen=True, slots=True)
class Server:
    """A database that somebody named: its address, and how it takes points."""

    url: str
    api: str


@dataclass(frozen=True, slots=True)
class Tally:
    """What --headless prints of it."""

    points_made: int = 0
    points_written: int = 0
    dropped: int = 0

    @property
    def whole(self) -> bool:
        """Something was made, and every point of it is accounted for."""
        return 0 < self.points_made == self.points_written + self.dropped

    @property
    def passed(self) -> bool:
        """Whole, and nothing was given up: nothing here is ever short of room or time."""
        return self.whole and not self.dropped

    def plain(self) -> dict[str, int]:
        """For JSON."""
        return asdict(self)


def section(server: Server) -> str:
    """`influx` as the branch's settings write it, on one line."""
    url = json.dumps(server.url)
    if server.api == "v1":
        return f"{{api: v1, url: {url}, database: {DATABASE}}}"
    org = json.dumps(os.environ.get(ORG, "sentinel"))
    token = f", token: !env {TOKEN}" if os.environ.get(TOKEN) else ""
    return f"{{api: v2, url: {url}, org: {org}, bucket: {DATABASE}{token}}}"


async def make_room(server: Server) -> None:
    """Have the database made, where the server makes one for the asking (v1). OSError with the remedy."""
    if server.api != "v1":
        return
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ASK_S)) as session:
            query = {"q": f'CREATE DATABASE "{DATABASE}"'}
            async with session.post(f"{server.url.rstrip('/')}/query", params=query) as answer:
                if answer.status != 200:
                    raise OSError(f"{server.url} does not make a database for the asking: HTTP {answer.status}")
    except (aiohttp.ClientError, ValueError, TimeoutError) as error:
        raise OSError(f"no InfluxDB at {server.url}: {error or 'no answer in time'}") from None


async def settled(outside: Outside, sink: Sink | None, deadline: float) -> Tally:
    """The tally once it is whole and holds what was in memory when this began; else the last one there was in time."""
    clock = asyncio.get_running_loop().time
    until, tally, began = min(deadline, clock() + SETTLE_S), Tally(), math.inf
    while True:
        before = 0 if sink is None else sink.count
        try:
            points = await outside.points()
        except (aiohttp.ClientError, TimeoutError):
            return tally
        tally = Tally(points["made"], points["written"] if sink is None else sink.count, points["dropped"])
        # What was counted was made before. Only while nothing comes does equal mean that nothing is lost.
        still = sink is None or before == sink.count
        if (tally.whole and still and tally.points_made > began) or clock() >= until:
            return tally
        began = min(began, tally.points_made)
        await asyncio.sleep(LOOK_S)
