"""`sentinel demo`: a simulated branch with its station, told in this terminal or judged without one.

Exit 0 when every scene came out as scripted, 1 when not, 2 when the demo cannot start at all.
"""

from __future__ import annotations

import asyncio
import json
import math
import signal
import sys
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse
    from collections.abc import Coroutine, Sequence

    from sentinel.core.incident import Incident
    from sentinel.demo.record import Server, Tally
    from sentinel.demo.stage import Scene
    from sentinel.demo.telling import Teller
    from sentinel.demo.town import Town

Report = dict[str, Any]  # what --headless prints
NAMES = (
    "hold-up",
    "mains-and-battery",
    "smoke",
    "duress",
    "camera-covered",
    "disk-failed",
    "retention-short",
    "device-unplugged",
)
SECONDS = 180.0
MOST_PORT = 65535


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("--scene", choices=NAMES, help="play this one only")
    parser.add_argument("--headless", action="store_true", help="play, print one JSON object last, and end")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, metavar="N", help="with --headless: a limit (default %(default)g)"
    )
    parser.add_argument("--port", type=int, metavar="P", help="of the branch's page (a free one when not given)")
    parser.add_argument(
        "--influx",
        metavar="URL",
        help="write telemetry to this server, as http://127.0.0.1:8086, and not to a store of the demo's own: "
        "into the database sentinel_demo (v1, made if need be) or the bucket of that name (v2; INFLUX_TOKEN and INFLUX_ORG "
        "from the environment)",
    )
    parser.add_argument(
        "--influx-api", choices=("v1", "v2"), default="v1", help="how it is written to (default %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Play the scenes."""
    if args.port is not None and not 0 < args.port <= MOST_PORT:
        print(f"sentinel demo: --port {args.port} is no port: give 1 to {MOST_PORT}", file=sys.stderr)
        return 2
    try:
        from sentinel.demo.record import Server
        from sentinel.demo.scenes import SCENES
        from sentinel.demo.town import TownError
    except ModuleNotFoundError as error:
        print(f"sentinel demo: {error.name} is missing: pip install 'branch-sentinel[demo]'", file=sys.stderr)
        return 2
    scenes = [scene for scene in SCENES if args.scene in (None, scene.name)]
    server = None if args.influx is None else Server(args.influx, args.influx_api)
    work = (
        headless(scenes, args.seconds, args.port, server) if args.headless else interactive(scenes, args.port, server)
    )
    try:
        return asyncio.run(_until_told(work))
    except TownError as error:
        print(f"sentinel demo: {error}", file=sys.stderr)
        return 2
    except (asyncio.CancelledError, KeyboardInterrupt):
        return 130


async def headless(scenes: Sequence[Scene], limit_s: float, port: int | None, server: Server | None) -> int:
    """Play and judge within the limit, the start included. The story goes to standard error, the verdict to standard output."""
    from sentinel.demo.record import Tally
    from sentinel.demo.telling import Teller
    from sentinel.demo.town import TownError, town

    teller = Teller(sys.stderr)
    deadline = asyncio.get_running_loop().time() + limit_s
    try:
        async with AsyncExitStack() as stack:
            async with asyncio.timeout_at(deadline):
                here = await stack.enter_async_context(town(port, server=server))
            report = await judged(here, scenes, teller, deadline)
            if not passed(report):
                teller.say(here.daemon.last_words())
    except (TownError, TimeoutError) as error:
        why = str(error) or "no time left"
        failed = [{"name": scene.name, "passed": False, "seconds": 0.0, "seen": [why]} for scene in scenes]
        report = {
            "scenes": failed,
            "readings": 0,
            "facts": 0,
            "incidents": [],
            "notices": {},
            "telemetry": Tally().plain(),
        }
    print(json.dumps(report, ensure_ascii=False))
    return 0 if passed(report) else 1


async def judged(here: Town, scenes: Sequence[Scene], teller: Teller, deadline: float) -> Report:
    """The scenes played in this town, and what the outside knows after them."""
    import aiohttp

    from sentinel.demo.stage import play

    outside = here.outside
    results = await play(here, scenes, teller, deadline)
    tally = await counted(here, teller, deadline)
    readings = 0
    with suppress(aiohttp.ClientError, TimeoutError):  # nobody can count those of a daemon that is gone
        readings = await outside.readings()
    return {
        "scenes": [asdict(result) for result in results],
        "readings": readings,
        "facts": outside.held(),
        "incidents": [_incident(one) for one in outside.incidents()],
        "notices": outside.notices(),
        "telemetry": tally.plain(),
    }


async def counted(here: Town, teller: Teller, deadline: float) -> Tally:
    """What became of the telemetry, told."""
    from sentinel.demo.record import settled

    tally = await settled(here.outside, here.sink, deadline)
    teller.counts(tally, "the server, as it said" if here.sink is None else "the store")
    return tally


def passed(report: Report) -> bool:
    """Every scene came out as scripted, and every point that was made was written."""
    from sentinel.demo.record import Tally

    return all(scene["passed"] for scene in report["scenes"]) and Tally(**report["telemetry"]).passed


async def interactive(scenes: Sequence[Scene], port: int | None, server: Server | None) -> int:
    """Play for a person, then stay for as long as they like to look around."""
    from sentinel.demo.stage import play
    from sentinel.demo.telling import Teller
    from sentinel.demo.town import town

    teller = Teller(sys.stdout)
    teller.say(
        "Starting a branch, its devices, a broker, a mail server, a database of measured values and a station's "
        "control room on this machine ..."
    )
    async with town(port, server=server) as here:
        teller.introduces(here)
        results = await play(here, scenes, teller, math.inf)
        good = all(result.passed for result in results)
        if not good:
            teller.say(here.daemon.last_words())
        teller.invites(here)
        with suppress(asyncio.CancelledError):  # Ctrl-C is how this ends
            good = (await counted(here, teller, math.inf)).passed and good
            await here.daemon.process.wait()
            teller.say(f"The daemon has ended:\n{here.daemon.last_words()}")
            good = False
    return 0 if good else 1


def _incident(one: Incident) -> dict[str, object]:
    return {
        "code": one.code,
        "subject": one.subject,
        "role": one.role,
        "severity": one.severity,
        "open": one.closed_at is None,
        "disposition": one.disposition,
    }


async def _until_told(work: Coroutine[Any, Any, int]) -> int:
    """Ctrl-C, SIGTERM and a closed terminal cancel the work, so that everything is ended in order."""
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    return await task
