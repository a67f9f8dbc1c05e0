"""A simulated branch and those it tells, on loopback in a temporary folder, around the real daemon.

    fire panel (Modbus TCP) --.                 .-- broker -- control room (room.py)
    alarm panel, sensor,      |                 |
    battery (RTU on a pty)    +-- sentinel run -+-- mail server (mail.py)
    receiver (on a pty),      |                 |
    recorder (HTTP)         --'                 '-- store (sink.py), unless a server is named

Everything ends when the block is left, however it is left; the scenes (scenes.py) play on it.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import aiohttp

from drivers.sim.device import SimulatedDevice
from drivers.sim.server import Simulator
from sentinel.channels.mqtt import MqttOptions, MqttWire
from sentinel.commands.profiles import load_profile
from sentinel.commands.tables import real_tables
from sentinel.demo.broker import broker, free_port, installed
from sentinel.demo.child import child
from sentinel.demo.equipment import ReportingPanel, calm, recorder, serving
from sentinel.demo.mail import mailboxes
from sentinel.demo.outside import Outside
from sentinel.demo.record import Server, make_room, section
from sentinel.demo.room import Room
from sentinel.demo.sink import sink
from sentinel.settings.branch import load
from sentinel.settings.problems import Level

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from drivers.sim.device import Fault
    from drivers.sim.hikvision_recorder import SimRecorder
    from sentinel.core.model import Value
    from sentinel.demo.child import Child
    from sentinel.demo.sink import Sink

READY_S = 20.0
ROOM = "durg"
REST: dict[str, Value] = {
    **{f"panel.di{number}": True for number in range(1, 8)},  # closed circuits: all is well
    "panel.di8": False,
    "climate.temperature": 28.0,
    "climate.humidity": 41.0,
    "battery.voltage": 13.2,
    "battery.current": 0.42,
    "battery.power": 5.5,
    "battery.energy": 812,
}


class TownError(Exception):
    """The simulated branch does not come up. The text says what is missing, and the daemon's last words."""


class Bus:
    """The RS-485 line: devices on a pty that can be pulled out and put back like an adapter."""

    def __init__(self, port: Path, *devices: SimulatedDevice) -> None:
        self.port = port
        self._devices = {device.name: device for device in devices}
        self._line: Simulator | None = None

    async def plug(self) -> None:
        """Put it in; nothing when it is in."""
        if self._line is None:
            self._line = Simulator(*self._devices.values())
            await self._line.serve_pty(self.port)

    async def pull(self) -> None:
        """Pull it out: the port's path is gone."""
        if self._line is not None:
            await self._line.close()
            self._line = None

    def set(self, point: str, value: Value) -> None:
        """Change what a device gives."""
        device, _, name = point.partition(".")
        self._devices[device].set(name, value)

    def fault(self, device: str, fault: Fault | None) -> None:
        """Break a device, or mend it."""
        self._devices[device].fault = fault


@dataclass(frozen=True, slots=True)
class Town:
    """What a scene can lay hands on, and the view from outside."""

    config: Path
    socket: Path
    page_port: int
    broker: str  # which one it is
    bus: Bus
    fire: Simulator
    panel: ReportingPanel
    recorder: SimRecorder
    room: Room
    outside: Outside
    daemon: Child
    sink: Sink | None  # None: points go to a server that somebody named

    @property
    def page(self) -> str:
        """Where the branch's page is."""
        return f"http://127.0.0.1:{self.page_port}/"

    async def calm(self) -> None:
        """Everything at rest, as at the start."""
        for device in ("panel", "climate", "battery"):
            self.bus.fault(device, None)
        for point, value in REST.items():
            self.bus.set(point, value)
        for number in range(1, 5):
            await self.fire.set(f"fire-panel.zone{number}", "normal")
        calm(self.recorder)
        await self.bus.plug()


@asynccontextmanager
async def town(
    page_port: int | None = None,
    choose: Callable[[int, Path], tuple[str, list[str]]] = installed,
    server: Server | None = None,
) -> AsyncIterator[Town]:
    """A town whose daemon has read everything and whose room has heard of it. TownError otherwise.

    `server` takes the telemetry; a sink of the town's own where there is none.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sentinel-demo-")))
        fire = Simulator(_device("fire-panel", "honeywell-cgw-mb", 1, zone=4, l1d=0, l1m=0, l2d=0, l2m=0, bell=0))
        stack.push_async_callback(fire.close)
        fire_port = await fire.serve_tcp()
        bus = Bus(
            folder / "rs485",
            _device("panel", "waveshare-relay-di8", 1),
            _device("climate", "xy-md02", 2),
            _device("battery", "pzem-017", 3),
        )
        stack.push_async_callback(bus.pull)
        panel, cctv = ReportingPanel(), recorder()
        await stack.enter_async_context(panel.plugged(folder / "receiver"))
        cctv_port = await stack.enter_async_context(serving(cctv))
        (folder / "cctv-password").write_text(cctv.password, encoding="utf-8")
        boxes = await stack.enter_async_context(mailboxes())
        kept = None if server else await stack.enter_async_context(sink())
        store = server or Server(f"http://127.0.0.1:{kept.port if kept else 0}", "v1")
        try:
            post = await stack.enter_async_context(broker(folder, choose))
            if server is not None:
                await make_room(server)
        except OSError as error:
            raise TownError(str(error)) from None
        page_port = page_port or free_port()
        config, socket = folder / "branch.yaml", folder / "sentinel.sock"
        places = {
            "bus": bus.port,
            "fire_port": fire_port,
            "receiver": folder / "receiver",
            "cctv_port": cctv_port,
            "cctv_password": folder / "cctv-password",
            "broker_port": post.port,
            "mail_port": boxes.port,
            "influx": section(store),
            "state_dir": folder / "state",
            "socket": socket,
            "page_port": page_port,
        }
        form = Template((Path(__file__).parent / "branch.yaml").read_text(encoding="utf-8"))
        config.write_text(form.substitute(places), encoding="utf-8")
        loaded = load(config, real_tables(folder))
        if (settings := loaded.settings) is None:
            wrong = [str(problem) for problem in loaded.problems if problem.level is Level.ERROR]
            raise TownError("\n".join(["the demo's branch.yaml is not valid:", *wrong]))
        wire = MqttOptions(kind="mqtt", path="wan", host="127.0.0.1", port=post.port, rooms=(ROOM,))
        room = Room(MqttWire(wire, f"room-{ROOM}"), ROOM)
        listening = asyncio.create_task(room.run(), name="demo-room")
        stack.push_async_callback(_leave, listening)
        outside = Outside(settings, boxes, room, socket)
        stack.push_async_callback(outside.close)
        command = [sys.executable, "-m", "sentinel.cli", "run", str(config)]
        daemon = await stack.enter_async_context(child("sentinel", command, folder / "sentinel.log"))
        made = Town(config, socket, page_port, post.name, bus, fire, panel, cctv, room, outside, daemon, kept)
        await made.calm()
        await _ready(made)
        yield made


async def _ready(made: Town) -> None:
    try:
        async with asyncio.timeout(READY_S):
            while not await made.outside.is_ready():
                if not made.daemon.running:
                    raise TownError(f"the daemon ended:\n{made.daemon.last_words()}")
                await asyncio.sleep(0.1)
            if "<html" not in await made.outside.page(made.page_port):
                raise TownError(f"{made.page} is no page")
    except aiohttp.ClientError as error:
        raise TownError(f"{made.page} does not open: {error}") from None
    except TimeoutError:
        raise TownError(f"not ready after {READY_S:g} s:\n{made.daemon.last_words()}") from None


async def _leave(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def _device(name: str, profile: str, unit: int, **counts: int) -> SimulatedDevice:
    return SimulatedDevice(name, load_profile(profile), unit, counts)
