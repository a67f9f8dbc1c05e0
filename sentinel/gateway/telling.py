"""All ways out of a branch and what comes back by them: one outbox lane a channel, one uplink a broker.

Made anew by a reload. Receipts become delivered notices, a room's commands go to the desk with the room's authority,
a fork or a silent room becomes a trouble. Knows no concrete channel: `app` hands in what it made.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING

from sentinel.core import facts
from sentinel.core.codes import ROLES
from sentinel.core.decide import Report
from sentinel.core.incident import NoticeState
from sentinel.core.model import Condition, Role, Severity, Via
from sentinel.core.signal import Signal
from sentinel.duty.supervise import supervise
from sentinel.gateway.answers import by_room
from sentinel.gateway.exchange import Forked, Receipt, Refused, RoomCommand, RoomSeen, WireChanged
from sentinel.gateway.trying import keep_trying
from sentinel.journal.errors import JournalUnavailable
from sentinel.ports import Checked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from sentinel.core.facts import Recorded
    from sentinel.core.model import Reading
    from sentinel.duty.desk import Desk
    from sentinel.duty.outbox import Limit, Outbox
    from sentinel.duty.supervise import Fallen, Progress
    from sentinel.gateway.exchange import Event
    from sentinel.gateway.names import Names
    from sentinel.gateway.uplink import Uplink
    from sentinel.gateway.ways import Ways
    from sentinel.journal.thread import Journal
    from sentinel.ports import Channel, Clock

log = logging.getLogger("sentinel.telling")

HEARD = 1000  # events of the rooms that wait; the newest is the loser: receipts are cumulative, commands come again
CURSOR_S = 60.0  # a receipt is noted on the card at most so often
CLOSE_S = 3.0
LANE_SILENT_S = 30.0  # a lane looks at its rows every second


class Telling:
    """One generation of ways out. `uplinks` are those of `channels` that are exchanges with rooms."""

    def __init__(
        self,
        channels: Mapping[str, Channel],
        uplinks: Mapping[str, Uplink],
        limits: Mapping[str, Limit],
        outbox: Outbox,
        progress: Progress,
        fallen: Fallen,
        checked: Callable[[str, bool, str], None],
    ) -> None:
        self._checked = checked  # (channel, up, reason): what a try without a letter came to
        self.channels = channels
        self.uplinks = uplinks
        self._limits = limits
        self._outbox = outbox
        self._progress = progress
        self._fallen = fallen
        self._tasks: list[asyncio.Task[None]] = []

    def open(self) -> None:
        """Put every channel to work."""
        for name, channel in self.channels.items():
            self._outbox.add(
                name, channel, self._limits.get(name), self._progress.expect(f"outbox {name}", LANE_SILENT_S)
            )
            self._start(f"outbox {name}", partial(self._outbox.run, name))
            if isinstance(channel, Checked):
                self._start(f"try {name}", partial(keep_trying, channel, partial(self._checked, name)))
        for name, uplink in self.uplinks.items():
            self._start(f"uplink {name}", uplink.run)

    def _start(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        self._tasks.append(asyncio.create_task(supervise(name, work, self._fallen), name=name))

    def recorded(self, records: Sequence[Recorded]) -> None:
        """Facts are durable: publish them, and wake the channels that have something to send."""
        for uplink in self.uplinks.values():
            uplink.wake()
        for channel in {one.fact.channel for one in records if isinstance(one.fact, facts.NoticeQueued)}:
            self._outbox.wake(channel)

    def take(self, readings: Sequence[Reading]) -> None:
        """Readings for the rooms that look on."""
        for uplink in self.uplinks.values():
            uplink.live.take(readings)

    async def close(self) -> None:
        """Say good-bye where that is possible, and stop."""
        try:
            async with asyncio.timeout(CLOSE_S):
                await asyncio.gather(*(channel.close() for channel in self.channels.values()))
        except TimeoutError:
            log.warning("a channel did not close in time")
        finally:
            await self.abandon()

    async def abandon(self) -> None:
        """Stop without a word; also a second time."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for name in self.channels:
            self._outbox.remove(name)
            self._progress.forget(f"outbox {name}")


class Inbox:
    """What the uplinks hear, turned into the desk's events one after the other."""

    def __init__(
        self,
        desk: Desk,
        journal: Journal,
        names: Names,
        ways: Ways,
        clock: Clock,
        room_of: Callable[[str, str], str],
    ) -> None:
        self._room_of = room_of  # (contact, channel) -> the room that is its address
        self._desk = desk
        self._journal = journal
        self._names = names
        self._ways = ways
        self._clock = clock
        self._heard: asyncio.Queue[tuple[str, Event]] = asyncio.Queue(HEARD)
        self._noted: dict[str, float] = {}
        self._began: float | None = None
        self.lost = 0

    def hear(self, channel: str, event: Event) -> None:
        """From an uplink, in the loop; never blocks."""
        try:
            self._heard.put_nowait((channel, event))
        except asyncio.QueueFull:
            self.lost += 1

    def busy_s(self) -> float:
        """Since when (seconds) one message is being worked on; 0 while none is."""
        return 0.0 if self._began is None else self._clock.monotonic() - self._began

    async def run(self) -> None:
        """Work through what was heard, for ever."""
        while True:
            channel, event = await self._heard.get()
            self._began = self._clock.monotonic()
            try:
                await self._handle(channel, event)
            except JournalUnavailable:
                log.warning("a room's message waits for the journal kind=%s", type(event).__name__)
            finally:
                self._began = None

    async def _handle(self, channel: str, event: Event) -> None:
        match event:
            case Receipt():
                await self._receipt(channel, event)
            case Forked():
                log.critical(
                    "a room has another journal under our name room=%s kind=%s", event.receipt.room, event.kind
                )
                await self._desk.submit(_fork(event))
            case RoomCommand():
                await self._desk.submit(
                    by_room(event, await self._names.remember(event.by_name), self._desk.policy.number)
                )
            case Refused():
                await self._desk.say(
                    facts.CommandRefused(event.id, event.kind, event.room, Via.ROOM, str(event.reason))
                )
            case RoomSeen():
                self._ways.report(f"room:{event.room}", up=event.online, reason="silent")
            case WireChanged():
                self._ways.report(f"channel:{channel}", up=event.trouble is None, reason=event.trouble or "")
                self._ways.doubt(f"channel:{channel}")

    async def _receipt(self, channel: str, receipt: Receipt) -> None:
        rows = await self._journal.awaiting(channel)
        here = [row for row in rows if row.epoch == receipt.epoch and row.seq <= receipt.seq]
        here = [row for row in here if self._room_of(row.contact, channel) == receipt.room]
        if here:
            await self._desk.submit(*(Report(row.notice, NoticeState.DELIVERED) for row in here))
        now = self._clock.monotonic()
        if now - self._noted.get(receipt.room, -CURSOR_S) >= CURSOR_S:
            self._noted[receipt.room] = now
            await self._journal.set_cursor(receipt.room, receipt.epoch, receipt.seq, receipt.hash)


def _fork(event: Forked) -> Signal:
    rule = ROLES[Role.AUDIT]
    subject = f"gateway:fork-{event.receipt.room}"
    return Signal(subject, Role.AUDIT, Condition.TROUBLE, Condition.TROUBLE, rule.event, Severity.HIGH, str(event.kind))
