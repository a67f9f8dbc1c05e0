"""Pictures of an incident: taken when an alarm opens at a zone that cameras watch, kept, named by a fact, and sent away.

    1. the facts are durable: a task of its own begins; nothing of it is in the alarm's path
    2. of each camera the newest of the short memory ("before") and a small one of now ("after")
    3. one small one of each camera leaves at once: to the rooms in pieces, by mail with the words `pictures`
    4. larger ones after 5 and 30 seconds stay here

Of a hold-up the same is done and sent off-site. Nothing here is counted, logged or shown in the branch.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sentinel.core import facts
from sentinel.core.decide import Pictured
from sentinel.core.facts import PictureMoment
from sentinel.core.incident import PICTURES
from sentinel.core.model import Severity
from sentinel.gateway.blobs import Blob
from sentinel.gateway.snapshots import Snapshots, watchers
from sentinel.pictures.frame import shrunk
from sentinel.pictures.ring import Ring
from sentinel.pictures.shelf import Shelf, sealed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sentinel.core.facts import Recorded
    from sentinel.gateway.app import Gateway
    from sentinel.gateway.snapshots import Watcher
    from sentinel.pictures.shot import Shot

T = TypeVar("T")

CARRIERS = frozenset({"email"})  # kinds of channels that carry pictures to a person
RING_S = 30.0
LATER_S = (5.0, 30.0)
CARD_S = 10.0  # for one file; a card that hangs costs pictures, nothing else
AT_ONCE = 8  # incidents of which pictures are taken at one time; one more goes without
TRIM_S = 3600.0
TOO_LATE = timedelta(minutes=5)


class Pictures:
    """All of a branch. `folder` is its own."""

    def __init__(self, gateway: Gateway, folder: Path) -> None:
        self.ring, self.shelf = Ring(), Shelf(folder)
        self.snapshots = Snapshots(lambda: gateway.plant, gateway.clock)
        self._gateway = gateway
        self._card = ThreadPoolExecutor(1, thread_name_prefix="pictures")
        self._writes = 0  # that wait for the card's thread
        self._wanted: asyncio.Queue[str] = asyncio.Queue(4 * AT_ONCE)
        self._busy: dict[str, asyncio.Task[None]] = {}  # by code

    def recorded(self, records: Sequence[Recorded]) -> None:
        """Facts became durable. An alarm opened, or was pressed anew, before cameras: their pictures are wanted."""
        for record in records:
            fact = record.fact
            if not isinstance(fact, facts.IncidentOpened | facts.IncidentReactivated):
                continue
            if record.late and self._gateway.clock.now() - record.at > TOO_LATE:
                continue  # told from memory long ago: a picture of now shows nothing of it
            if not self._wanted.full() and self._cameras(fact.code):  # of a storm only what cameras watch takes a place
                self._wanted.put_nowait(fact.code)

    async def run(self) -> None:
        """For ever."""
        await self._in_thread(partial(self._laid, self.shelf.look))
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_remembering(), name="pictures-ring")
            group.create_task(self._keep_trimming(), name="pictures-trim")
            while True:
                code = await self._wanted.get()
                cameras = self._cameras(code)
                if not cameras or code in self._busy or len(self._busy) >= AT_ONCE:
                    continue
                self._busy[code] = group.create_task(self._take(code, cameras), name="pictures-incident")

    @property
    def busy(self) -> bool:
        """An alarm needs the lines now."""
        return bool(self._busy)

    async def read(self, ref: str) -> bytes | None:
        """A picture that was kept, or None."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(None, self.shelf.read, ref)

    def close(self) -> None:
        """Take no more."""
        self._card.shutdown(wait=False, cancel_futures=True)

    # --- One incident ------------------------------------------------------------------------------------------------

    def _cameras(self, code: str) -> list[Watcher]:
        incident = self._gateway.desk.state.find(code)
        if incident is None or incident.key != incident.subject or incident.severity.rank > Severity.HIGH.rank:
            return []
        if len(incident.pictures) >= PICTURES:
            return []
        kind, _, zone = incident.subject.partition(":")
        return [one for one in watchers(self._gateway.settings) if kind == "zone" and zone in one.watches]

    async def _take(self, code: str, cameras: list[Watcher]) -> None:
        try:
            found = await asyncio.gather(*(self._first(code, camera) for camera in cameras))
            self._name([one for kept in found for one in kept], self._carriers())
            waited = 0.0
            for later_s in LATER_S:
                await asyncio.sleep(later_s - waited)
                waited = later_s
                for camera in cameras:
                    shot = await self.snapshots.take(camera, small=False)
                    self._name(await self._keep(code, shot, PictureMoment.AFTER))
        finally:
            del self._busy[code]

    async def _first(self, code: str, camera: Watcher) -> list[facts.PictureKept]:
        """What one camera saw before and now; the one that says more leaves."""
        before = self.ring.newest(camera.id)
        after = await self.snapshots.take(camera, small=True)
        if after is not None and not after.small:
            small = await self._in_thread(partial(shrunk, after.data))
            after = after if small is None else replace(after, data=small)
        leaves = after if after is not None and after.small else before
        kept = await self._keep(code, after, PictureMoment.AFTER, leaves=leaves is after)
        return kept + await self._keep(code, before, PictureMoment.BEFORE, leaves=leaves is before)

    async def _keep(
        self, code: str, shot: Shot | None, moment: PictureMoment, *, leaves: bool = False
    ) -> list[facts.PictureKept]:
        """Send it where it leaves, lay it on the shelf; the fact that names it, or nothing when the card refuses."""
        if shot is None:
            return []
        one = sealed(shot.data)
        if leaves and shot.small:
            self._gateway.exits.picture(Blob(one.ref, code, shot.camera, moment, shot.at, one.whole))
        if not await self._in_thread(partial(self._laid, partial(self.shelf.keep, one, shot.at, self._held()))):
            return []
        return [facts.PictureKept(code, shot.camera, moment, shot.at, one.ref)]

    def _name(self, kept: Sequence[facts.PictureKept], by: frozenset[str] = frozenset()) -> None:
        if kept:
            self._gateway.desk.submit(Pictured(tuple(kept), by))

    def _carriers(self) -> frozenset[str]:
        return frozenset(name for name, one in self._gateway.settings.channels.items() if one.kind in CARRIERS)

    # --- The card ----------------------------------------------------------------------------------------------------

    def _held(self) -> frozenset[str]:
        """Pictures of what is still open."""
        return frozenset(one.ref for open_ in self._gateway.desk.state.incidents.values() for one in open_.pictures)

    async def _in_thread(self, work: Callable[[], T]) -> T | None:
        """What it gives, or None when the card hangs: then no more than a few wait for it."""
        if self._writes >= AT_ONCE * 4:
            return None
        self._writes += 1
        doing = asyncio.get_running_loop().run_in_executor(self._card, work)
        doing.add_done_callback(self._done)
        try:
            async with asyncio.timeout(CARD_S):
                return await asyncio.shield(doing)
        except TimeoutError:
            return None

    def _done(self, doing: asyncio.Future[Any]) -> None:
        self._writes -= 1
        if not doing.cancelled():
            doing.exception()  # looked at here, for who waits no more

    @staticmethod
    def _laid(work: Callable[[], None]) -> bool:
        try:
            work()
        except OSError:  # full, read-only, dying: the journal says so, and says it once
            return False
        return True

    # --- What goes on all day ----------------------------------------------------------------------------------------

    async def _keep_remembering(self) -> None:
        """The short memory of the cameras that watch something, one after the other, unless an alarm needs the line."""
        while True:
            watching = [one for one in watchers(self._gateway.settings) if one.watches]
            self.ring.keep_only({one.id for one in watching})
            for camera in watching:
                await asyncio.sleep(RING_S / len(watching))
                shot = None if self._busy else await self.snapshots.take(camera, small=True)
                if shot is not None:
                    self.ring.put(shot)
            if not watching:
                await asyncio.sleep(RING_S)

    async def _keep_trimming(self) -> None:
        while True:
            await asyncio.sleep(TRIM_S)
            clock = self._gateway.clock
            if clock.synchronised():
                await self._in_thread(partial(self._laid, partial(self.shelf.trim, clock.now(), self._held())))
