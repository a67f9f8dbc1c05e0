"""`sentinel simulate PROFILE`: the device of a profile, on a TCP port or a pty, changed by typing `di1=1`.

For installers who try a config before they drive to the branch. Never touches a real line.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from drivers.points import Kind
from drivers.sim.device import Fault, SimulatedDevice
from drivers.sim.server import Simulator
from sentinel.commands.profiles import load_profile

if TYPE_CHECKING:
    import argparse
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from drivers.points import Point
    from sentinel.core.model import Value

HELP = "POINT=VALUE sets · POINT shows · points lists · fault silent|exception|frozen|impostor|absent|none · quit"
_BOOLEANS = {"1": True, "true": True, "on": True, "0": False, "false": False, "off": False}
TYPED_AHEAD = 64  # lines; a script that types faster waits


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("profile", help="a shipped profile's name, or the path of a profile YAML")
    wire = parser.add_mutually_exclusive_group()
    wire.add_argument("--tcp", default="127.0.0.1:5020", metavar="HOST:PORT", help="Modbus TCP (default %(default)s)")
    wire.add_argument("--pty", type=Path, metavar="PATH", help="an RTU bus on a pty; PATH becomes a link to it")
    parser.add_argument("--unit", type=int, action="append", help="may be given again for more devices (default 1)")
    parser.add_argument("--count", action="append", default=[], metavar="LIST=N", help="points of a list: zone=16")


def run(args: argparse.Namespace) -> int:
    """Serve until `quit` or a signal. 0 served, 2 it could not start."""
    try:
        counts = counts_of(args.count)
        wire = args.pty or tcp_address(args.tcp)
        return asyncio.run(run_simulate(args.profile, wire, tuple(args.unit or (1,)), counts, lines=typed_lines()))
    except asyncio.CancelledError:
        return 0
    except (LookupError, ValueError, OSError, RuntimeError) as error:
        print(f"sentinel simulate: {error}", file=sys.stderr)
        return 2


async def run_simulate(
    profile: str,
    wire: Path | tuple[str, int],
    units: Sequence[int],
    counts: Mapping[str, int],
    *,
    lines: AsyncIterator[str],
    say: Callable[[str], None] = print,
) -> int:
    """Serve one device a unit on a pty (Path) or a TCP address, and obey `lines` until they end or say quit."""
    devices = [SimulatedDevice(str(unit), load_profile(profile), unit, counts) for unit in units]
    simulator = Simulator(*devices)
    try:
        if isinstance(wire, Path):
            say(f"{profile} on {await simulator.serve_pty(wire)}, unit {', '.join(map(str, units))}")
        else:
            port = await simulator.serve_tcp(*wire)
            say(f"{profile} on {wire[0]}:{port}, unit {', '.join(map(str, units))}")
        say(HELP)
        async for line in lines:
            if line.strip() == "quit":
                break
            if line.strip():
                say(obey(devices, line.strip()))
    finally:
        await simulator.close()
    return 0


def obey(devices: Sequence[SimulatedDevice], line: str) -> str:
    """Carry out one typed line; what to show. `2.di1=1` speaks to unit 2, without a unit to the first."""
    target, equals, text = (part.strip() for part in line.partition("="))
    unit, dot, rest = target.partition(".")
    if dot and unit.isdigit():
        found = next((d for d in devices if d.unit == int(unit)), None)
        if found is None:
            return f"no unit {unit}; there are {', '.join(d.name for d in devices)}"
        device, target = found, rest
    else:
        device = devices[0]
    if target == "points":
        return "\n".join(f"{name} = {device.get(name)}" for name in device.points)
    if target.startswith("fault "):
        return _fault(device, target.removeprefix("fault ").strip())
    point = device.points.get(target)
    if point is None:
        return f"no point {target}. {HELP}"
    if equals:
        try:
            device.set(target, value_of(point, text))
        except ValueError as error:
            return str(error)
    return f"{target} = {device.get(target)}"


def _fault(device: SimulatedDevice, word: str) -> str:
    if word != "none" and word not in list(Fault):
        return f"no fault {word}; there are {', '.join(Fault)}, none"
    device.fault = None if word == "none" else Fault(word)
    return f"unit {device.unit}: fault {word}"


def value_of(point: Point, text: str) -> Value:
    """What was typed, as the point's kind of value; ValueError says what it takes."""
    if point.kind is Kind.BOOL:
        if text.lower() not in _BOOLEANS:
            raise ValueError(f"{point.id}: {text} is not {', '.join(_BOOLEANS)}")
        return _BOOLEANS[text.lower()]
    if point.gives == "word":
        return text
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{point.id}: {text} is not a number") from None


def counts_of(written: Sequence[str]) -> dict[str, int]:
    """`zone=16` of a command line, as the options write it."""
    counts: dict[str, int] = {}
    for item in written:
        name, _, number = item.partition("=")
        if not name or not number.isdigit():
            raise ValueError(f"--count {item}: write LIST=N, as in zone=16")
        counts[name] = int(number)
    return counts


def tcp_address(text: str) -> tuple[str, int]:
    """HOST:PORT."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text} is no HOST:PORT, as in 127.0.0.1:5020")
    return host, int(port)


async def typed_lines() -> AsyncIterator[str]:
    """Lines from the keyboard until a signal; the end of the input only ends the typing."""
    loop = asyncio.get_running_loop()
    serving = asyncio.current_task()
    lines: asyncio.Queue[str] = asyncio.Queue(TYPED_AHEAD)

    def read() -> None:
        for line in sys.stdin:
            asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()

    if serving is not None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, serving.cancel)
    threading.Thread(target=read, name="typing", daemon=True).start()
    while True:
        yield await lines.get()
