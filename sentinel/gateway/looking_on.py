"""What each camera shows, once a day, when its picture comes back, and when somebody asks: judged, and fed as a reading.

    <device>.<camera>.picture   ok, black, frozen, covered, moved

One camera at a time, in a thread, never while pictures of an alarm are taken. Nothing is fed from a look that says
nothing: the point grows old, and old is unknown. Without Pillow, or from a recorder that has no pictures or never gave
one, it is unsupported: neither broken nor fine.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sentinel.core.model import Failure, Quality, Reading
from sentinel.gateway.snapshots import watchers
from sentinel.pictures.frame import UnreadableError, available
from sentinel.pictures.looks import Look, verdict
from sentinel.pictures.references import References
from sentinel.ports import Showing
from sentinel.settings.hours import is_open

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sentinel.gateway.app import Gateway
    from sentinel.gateway.snapshots import Watcher
    from sentinel.pictures.judge import Seen

TICK_S = 5.0
FIRST_S = 120.0  # after a start
BACK_S = 60.0  # after its video came back: exposure settles
REFUSED = 3  # pictures, and never one given: it has none
LATER_S = 1800.0  # when nothing could be said, or nobody answered
NOON_H = 11.5  # local time of the daily look: the lights are on, and the sun is high
DAYS_SHUT = 3.0  # a branch that stays closed is looked at all the same after so many
JUDGE_S = 20.0  # in the thread; a Pi takes one


@dataclass(slots=True)
class _Sitting:
    """Where one camera stands."""

    due: float
    looks: list[Look] = field(default_factory=list)
    video_ok: bool | None = None
    refused: int = 0  # pictures that its recorder, which answers, did not give
    judged: bool = False  # something was said of it in this run: from then on silence is a silence


class LookingOn:
    """All cameras of a branch. `folder`: how they looked when they looked well."""

    def __init__(self, gateway: Gateway, folder: Path) -> None:
        self._gateway = gateway
        self._references = References(folder)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="judge")
        self._sittings: dict[str, _Sitting] = {}
        self._plant = gateway.plant

    def take(self, readings: Sequence[Reading]) -> None:
        """Every reading: a camera whose video comes back is looked at within minutes."""
        for reading in readings:
            camera, dot, what = reading.point.rpartition(".")
            sitting = self._sittings.get(camera) if dot and what == "video" else None
            if sitting is None or reading.quality is not Quality.GOOD:
                continue
            ok = str(reading.value).partition(" ")[0] == "ok"
            if ok and sitting.video_ok is False:
                self._begin(sitting, BACK_S)
            sitting.video_ok = ok

    def judge_now(self, camera: str) -> bool:
        """Somebody wants to know; False when there is no such camera."""
        sitting = self._sittings.get(camera)
        if sitting is not None:
            self._begin(sitting, 0.0)
        return sitting is not None

    async def run(self) -> None:
        """For ever, one camera at a time."""
        while True:
            cameras = watchers(self._gateway.settings)
            if self._plant is not self._gateway.plant:  # a reload has forgotten what was said
                self._plant, self._sittings = self._gateway.plant, {}
            now = self._gateway.clock.monotonic()
            self._sittings = {one.id: self._sittings.get(one.id) or _Sitting(now + FIRST_S) for one in cameras}
            for camera in cameras:
                sitting = self._sittings[camera.id]
                if sitting.due <= self._gateway.clock.monotonic() and not self._gateway.pictures.busy:
                    await self._look(camera, sitting)
            await asyncio.sleep(TICK_S)

    def close(self) -> None:
        """Judge no more."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _begin(self, sitting: _Sitting, wait_s: float) -> None:
        sitting.looks.clear()
        sitting.due = self._gateway.clock.monotonic() + wait_s

    async def _look(self, camera: Watcher, sitting: _Sitting) -> None:
        assessor = getattr(self._gateway.plant.pollers.get(camera.link), "met", None)
        if assessor is None:  # it has not answered yet
            sitting.due += TICK_S * 4
            return
        if not available() or not isinstance(assessor, Showing):
            self._feed(camera, None)
            sitting.due += timedelta(days=1).total_seconds()
            return
        shot = await self._gateway.pictures.snapshots.take(camera, small=True)
        if shot is None:
            sitting.refused += self._answers(camera)
            if sitting.refused >= REFUSED and not sitting.judged:
                self._feed(camera, None)
            self._begin(sitting, LATER_S)
            return
        seen, digest = await self._judged(camera, shot.data)
        sitting.looks.append(Look(seen, digest, self._gateway.clock.monotonic()))
        found = verdict(sitting.looks)
        if found.say is not None:
            self._feed(camera, found.say)
            sitting.judged = True
        if found.again_s is not None:
            sitting.due = self._gateway.clock.monotonic() + found.again_s
        else:
            self._begin(sitting, self._until_next() if found.say is not None else LATER_S)

    async def _judged(self, camera: Watcher, data: bytes) -> tuple[Seen | None, str]:
        work = partial(self._references.look, camera.id, data, lit=self._lit())
        judging = asyncio.get_running_loop().run_in_executor(self._thread, work)
        try:
            async with asyncio.timeout(JUDGE_S):
                return await judging
        except (UnreadableError, TimeoutError):
            return None, f"unread {self._gateway.clock.monotonic()}"

    def _answers(self, camera: Watcher) -> bool:
        """Its recorder speaks: what fails is the picture alone, and not the line, which tells its own loss."""
        device = camera.id.partition(".")[0]
        found = next((one for one in self._gateway.sensing.devices() if one.id == device), None)
        return found is not None and found.up is True and found.reason in ("", Failure.UNSUPPORTED)

    def _lit(self) -> bool:
        branch = self._gateway.settings.branch
        return is_open(branch.opening(), branch.kind, self._gateway.clock.now())

    def _until_next(self) -> float:
        """Seconds to the next noon at which the branch is open, or to the third where it stays shut."""
        branch, now = self._gateway.settings.branch, self._gateway.clock.now()
        local = now.astimezone(ZoneInfo(branch.time_zone))
        noon = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(hours=NOON_H)
        while noon <= local + timedelta(hours=1):
            noon += timedelta(days=1)
        last = noon + timedelta(days=DAYS_SHUT)
        while noon < last and not is_open(branch.opening(), branch.kind, noon):
            noon += timedelta(days=1)
        return (noon - local).total_seconds()

    def _feed(self, camera: Watcher, seen: Seen | None) -> None:
        point, at = f"{camera.id}.picture", self._gateway.clock.monotonic()
        if seen is None:
            reading = Reading(point, None, Quality.FAILED, at, Failure.UNSUPPORTED)
        else:
            reading = Reading(point, str(seen), Quality.GOOD, at)
        self._gateway.sensing.take([reading])
