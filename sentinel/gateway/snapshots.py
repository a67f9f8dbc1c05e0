"""One picture from one camera, over its recorder's own line and through its gate. Never in an alarm's path.

A recorder that has not answered in this run is not asked: its first contact is one request alone, and not this one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sentinel.pictures.shot import MOST, Shot, is_picture
from sentinel.ports import LinkError, Showing
from sentinel.settings.equipment import cameras_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sentinel.gateway.plant import Plant
    from sentinel.ports import Clock
    from sentinel.settings.site import Settings

SNAP_S = 4.0


@dataclass(frozen=True, slots=True)
class Watcher:
    """A camera, and the zones at whose alarm its pictures are kept."""

    id: str  # "<device>.<camera>"
    link: str
    channel: int
    watches: frozenset[str]


def watchers(settings: Settings) -> tuple[Watcher, ...]:
    """Every camera of these settings."""
    return tuple(
        Watcher(f"{id_}.{name}", device.link, camera.channel, frozenset(camera.watches))
        for id_, device in settings.devices.items()
        for name, camera in cameras_of(device).items()
    )


class Snapshots:
    """Asks recorders for pictures. `plant`: the wires of now."""

    def __init__(self, plant: Callable[[], Plant], clock: Clock) -> None:
        self._plant, self._clock = plant, clock

    async def take(self, camera: Watcher, *, small: bool) -> Shot | None:
        """The picture of now, or None when the recorder gives none within the deadline."""
        plant = self._plant()
        talker, link = plant.pollers.get(camera.link), plant.links.get(camera.link)
        assessor = getattr(talker, "met", None)
        if link is None or not isinstance(assessor, Showing):
            return None
        request = assessor.snapshot(camera.channel, small=small)
        if request is None:
            return None
        try:
            async with asyncio.timeout(SNAP_S):
                reply = await link.read(replace(request, timeout_s=SNAP_S, most=min(request.most, MOST), urgent=True))
        except (LinkError, TimeoutError):  # the line tells its own loss
            return None
        data = assessor.picture(reply)
        return Shot(camera.id, self._clock.now(), data) if data is not None and is_picture(data) else None
