"""Looks each second which of the places that must be seen are seen, and tells what changed. The rules are `core.coverage`'s."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sentinel.core.coverage import Camera, news, places
from sentinel.core.model import Role
from sentinel.settings.equipment import cameras_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sentinel.core.coverage import Place
    from sentinel.core.detect import ZoneView
    from sentinel.core.incident import State
    from sentinel.core.signal import Signal
    from sentinel.settings.site import Settings

LOOK_S = 1.0


class Coverage:
    """The places of one branch. `load` again after each reload."""

    def __init__(
        self,
        settings: Settings,
        zones: Callable[[], Sequence[ZoneView]],
        state: Callable[[], State],
        submit: Callable[[Signal], asyncio.Future[None]],
    ) -> None:
        self._zones, self._state, self._submit = zones, state, submit
        self._told: asyncio.Future[None] | None = None
        self.alive: Callable[[], None] = lambda: None
        self.load(settings)

    def load(self, settings: Settings) -> None:
        """The places and cameras of these settings."""
        self._branch = settings.branch
        self._cameras = cameras(settings)

    def view(self) -> tuple[Place, ...]:
        """Each place that must be seen, as it is now."""
        if not self._branch.must_see:
            return ()
        return places(self._branch.must_see, self._cameras, {view.zone.id: view for view in self._zones()})

    async def run(self) -> None:
        """Tell what changed, for ever."""
        while True:
            await asyncio.sleep(LOOK_S)
            self.look()
            self.alive()

    def look(self) -> None:
        """One look; none while the last news is still being decided."""
        if self._told is not None and not self._told.done():
            return
        for signal in news(self.view(), self._state().conditions, self._branch.not_seen_accepted):
            self._told = self._submit(signal)


def cameras(settings: Settings) -> tuple[Camera, ...]:
    """Every camera of every recorder, with the zones that speak of it."""
    found = []
    for id_, device in settings.devices.items():
        for name, camera in cameras_of(device).items():
            full = f"{id_}.{name}"
            of = {
                role: tuple(
                    zone_id
                    for zone_id, zone in settings.zones.items()
                    if zone.role is role and zone.point.startswith(f"{full}.")
                )
                for role in (Role.CAMERA_VIDEO, Role.CAMERA_PICTURE)
            }
            found.append(Camera(full, tuple(camera.sees), of[Role.CAMERA_VIDEO], of[Role.CAMERA_PICTURE]))
    return tuple(found)
