"""The wires of a branch: links, the devices on them, and who talks on each, made from the settings.

`make` opens no line and the drivers come from a table; nothing here knows a concrete one. Opening does no I/O: a link opens
itself when it is first used, and an absent device is a failed reading, not a failed start.

    MODBUS: Poller, every device of the line · BYTES: Converser, one panel · HTTP, RTSP: Surveyor, one recorder
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from drivers import driver
from sentinel.duty.supervise import supervise
from sentinel.gateway.poller import Poller
from sentinel.ports import Hints, Speech

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from drivers.links import ModbusLink
    from sentinel.core.model import Reading
    from sentinel.duty.supervise import Fallen, Progress
    from sentinel.gateway.poller import PollStats
    from sentinel.ports import Clock
    from sentinel.settings import equipment
    from sentinel.settings.site import Settings

SILENT_S = 30.0  # a line on which nobody does anything for so long is stuck
CLOSE_S = 2.0


class Talker(Protocol):
    """Whoever asks or listens on one line."""

    stats: PollStats
    alive: Callable[[], None]

    def works(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Its tasks, by name; each for ever."""


class Ears(Protocol):
    """Where readings go: `gateway.sensing.Sensing`."""

    def take(self, readings: list[Reading]) -> None:
        """What was asked for."""

    def hear(self, readings: list[Reading], regular: bool) -> asyncio.Future[bool]:
        """What came by itself, as a sign of life or as news; whether it became durable."""


@runtime_checkable
class _Hinting(Protocol):
    """An assessor whose device has a stream of events."""

    def hints(self) -> Hints | None:
        """What opens and reads it."""


class Plant:
    """One generation of wires; a reload that changes them makes a new one. Make it inside the running loop."""

    def __init__(
        self,
        settings: Settings,
        ears: Ears,
        clock: Clock,
        make: Callable[[equipment.Link, str, Path], Any],
    ) -> None:
        self.links: dict[str, Any] = {}
        self.pollers: dict[str, Talker] = {}  # by link
        for name, entry in settings.links.items():
            on_it = [id_ for id_, device in settings.devices.items() if device.link == name]
            if not on_it:  # a line to which nothing is connected yet
                continue
            link = self.links[name] = make(entry, name, Path(settings.gateway.state_dir))
            match entry.speech:
                case Speech.MODBUS:
                    self.pollers[name] = _poller(settings, name, link, on_it, ears, clock)
                case Speech.BYTES:
                    self.pollers[name] = _converser(settings, name, link, on_it, ears, clock)
                case Speech.HTTP | Speech.RTSP:
                    self.pollers[name] = _surveyor(settings, name, link, on_it, ears, clock)

    async def run(self, progress: Progress, fallen: Fallen) -> None:
        """Talk on every line until cancelled, then give the lines back."""
        try:
            async with asyncio.TaskGroup() as group:
                for name, talker in self.pollers.items():
                    talker.alive = progress.expect(f"poller {name}", SILENT_S)
                    for task, work in talker.works().items():
                        group.create_task(supervise(task, work, fallen), name=task)
        finally:
            for name in self.pollers:
                progress.forget(f"poller {name}")
            async with asyncio.timeout(CLOSE_S):
                await asyncio.gather(*(link.close() for link in self.links.values()), return_exceptions=True)


def _built(settings: Settings, id_: str) -> Any:
    device = settings.devices[id_]
    return driver(device.driver).build(id_, device.profile, device.options, settings.urgent_points(id_))


def _poller(settings: Settings, name: str, link: ModbusLink, on_it: list[str], ears: Ears, clock: Clock) -> Poller:
    drivers = [_built(settings, id_) for id_ in on_it]
    return Poller(name, link, drivers, ears.take, clock, damaged=partial(_damaged, link), held=link.held_s)


def _converser(settings: Settings, name: str, link: Any, on_it: list[str], ears: Ears, clock: Clock) -> Talker:
    from sentinel.gateway.converser import Converser  # a branch without serial panels does not pay for it

    (id_,) = on_it  # the settings see to it
    described = settings.devices[id_].described
    points = {f"{id_}.{point}": settings.polled[f"{id_}.{point}"] for point in described}
    return Converser(name, link, _built(settings, id_), points, ears.hear, clock)


def _surveyor(settings: Settings, name: str, link: Any, on_it: list[str], ears: Ears, clock: Clock) -> Talker:
    from sentinel.gateway.surveyor import Surveyor  # nor one without recorders

    (id_,) = on_it
    assessor = _built(settings, id_)
    found = assessor.hints() if isinstance(assessor, _Hinting) else None
    hints = None if found is None else (found, link)
    return Surveyor(name, link, assessor, ears.take, clock, ZoneInfo(settings.branch.time_zone), hints)


def _damaged(link: ModbusLink) -> int:
    return link.stats().crc_errors
