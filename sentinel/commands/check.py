"""`sentinel check`: everything that is wrong with a config, and with --probe whether its devices answer.

Exit 0 good, 1 a finding, 2 a config that must not run. Without --probe it touches no device and needs no secret.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from drivers import driver
from drivers.links import LINKS
from sentinel.commands.tables import real_tables
from sentinel.core.model import Quality, Reading
from sentinel.ports import LinkError
from sentinel.settings.branch import load
from sentinel.settings.problems import Level, Problem, exit_code, in_order

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from drivers.links import ModbusLink
    from sentinel.ports import Driver, Secret
    from sentinel.settings.branch import Loaded
    from sentinel.settings.site import Settings

LINE_S = 60.0  # the longest that probing one line may take; what is left then is said not to answer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("config", type=Path, metavar="CONFIG", help="the branch's YAML file")
    parser.add_argument(
        "--probe", action="store_true", help="read every device once; not while a daemon runs on the same lines"
    )


def run(args: argparse.Namespace) -> int:
    """Say what is wrong, one line each, and the verdict last."""
    loaded = load(args.config, real_tables(args.config.parent), reveal)
    problems = in_order((*loaded.problems, *loaded.absent_secrets(Level.NOTE)))
    for problem in problems:
        print(problem)
    if args.probe and loaded.settings is not None:
        found = asyncio.run(probe(loaded, loaded.settings))
        for problem in found:
            print(problem)
        problems += found
    code = exit_code(problems)
    print(_verdict(args.config.name, problems), file=sys.stderr)
    return code


def reveal(secret: Secret) -> str | None:
    """A secret address for comparing, when it is there."""
    with suppress(LookupError):
        return secret.read()
    return None


async def probe(loaded: Loaded, settings: Settings) -> tuple[Problem, ...]:
    """One read of every point, all lines side by side: a note for each device that answers well, else a finding."""
    found = await asyncio.gather(*(_probe_line(loaded, settings, id_) for id_ in settings.links))
    return in_order(problem for line in found for problem in line)


async def _probe_line(loaded: Loaded, settings: Settings, link_id: str) -> list[Problem]:
    kind = LINKS[settings.links[link_id].kind]
    link = kind.make(settings.links[link_id].options, link_id, Path(settings.gateway.state_dir))
    found: list[Problem] = []
    deadline = time.monotonic() + LINE_S
    try:
        for id_, device in settings.devices.items():
            if device.link != link_id:
                continue
            made = driver(device.driver).build(id_, device.profile, device.options, settings.urgent_points(id_))
            text, level = _said(*await _read_once(link, made, deadline))
            found.append(loaded.problem(("devices", id_), text, level))
    finally:
        await link.close()
    return found


async def _read_once(link: ModbusLink, made: Driver, deadline: float) -> tuple[list[Reading], Sequence[str]]:
    """The readings, and what went wrong on the line."""
    readings: list[Reading] = []
    errors: list[str] = []
    for poll in made.plan():
        try:
            async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
                words = await link.read(poll.request)
        except LinkError as error:
            errors.append(str(error))
        except TimeoutError:
            errors.append(f"not asked any more: the line took over {LINE_S:g} s")
        else:
            readings += made.decode(poll, words, time.monotonic())
            continue
        readings += [Reading(point, None, Quality.FAILED, time.monotonic()) for point in poll.points]
    return readings, errors


def _said(readings: list[Reading], errors: Sequence[str]) -> tuple[str, Level]:
    """A device's verdict in one line."""
    good = sum(reading.quality is Quality.GOOD for reading in readings)
    if good == len(readings):
        return f"answers, {good} points good", Level.NOTE
    reasons = Counter(errors) or Counter(str(r.reason) for r in readings if r.quality is not Quality.GOOD)
    why, _ = reasons.most_common(1)[0]
    return f"{good} of {len(readings)} points good: {why}", Level.FINDING


def _verdict(name: str, problems: Sequence[Problem]) -> str:
    counts = Counter(problem.level for problem in problems)
    parts = [f"{counts[level]} {level}{'s' if counts[level] != 1 else ''}" for level in Level if counts[level]]
    return f"{name}: {', '.join(parts) or 'nothing to say'}; {('good', 'look at the findings', 'must not run')[exit_code(problems)]}"
