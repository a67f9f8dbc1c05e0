"""The ways out as the settings have them now: put to work, watched, and changed for others when one leaves the settings.

Made anew by a reload. Knows no concrete channel: `app` hands in what it made.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sentinel
from sentinel.core import decide, facts
from sentinel.core.incident import NoticeState
from sentinel.core.model import Role
from sentinel.duty.outbox import Limit
from sentinel.gateway.telling import Telling
from sentinel.gateway.uplink import Uplink
from sentinel.journal.errors import JournalUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sentinel.channels.mqtt import MqttWire
    from sentinel.core.facts import Recorded
    from sentinel.core.model import Reading
    from sentinel.gateway.app import Gateway
    from sentinel.gateway.blobs import Blob
    from sentinel.journal.outbox import OutboxRow
    from sentinel.journal.thread import Journal
    from sentinel.ports import Channel
    from sentinel.settings.site import Settings

log = logging.getLogger("sentinel.gateway")


@dataclass(frozen=True, slots=True)
class _Line:
    """A fact as the uplink sends it (uplink.FactRow)."""

    seq: int
    text: str
    hashes: tuple[str, str]


class _Source:
    """The journal as the uplink reads it (uplink.FactSource)."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def head(self) -> tuple[str, int]:
        head = self._journal.head()
        return head.epoch, head.seq

    async def facts_from(self, seq: int, limit: int) -> Sequence[_Line]:
        try:
            before, lines = await self._journal.lines(seq, limit, 256 * 1024)
        except JournalUnavailable:
            return []
        rows = []
        for number, text, digest in lines:
            rows.append(_Line(number, text, (before, digest)))
            before = digest
        return rows


class Exits:
    """All generations of ways out, one after the other. `health`: the heartbeat's word, None without progress."""

    def __init__(self, gateway: Gateway, health: Callable[[], str | None]) -> None:
        self._gateway, self._health = gateway, health
        self._telling: Telling | None = None
        self._strayed = asyncio.Event()  # a notice was queued for a channel that is not in the settings

    async def open(self, settings: Settings, channels: Mapping[str, Channel], wires: Mapping[str, MqttWire]) -> None:
        """Put these to work; `wires` lead to brokers and their rooms."""
        gateway = self._gateway
        made: dict[str, Channel] = {}
        uplinks: dict[str, Uplink] = {}
        watched: dict[str, Role] = {}
        behind: dict[str, str] = {}
        receipts, conditions = await self._receipts(settings), gateway.desk.state.conditions
        for name in settings.channels:
            if (wire := wires.get(name)) is not None:
                watched |= {f"room:{room}": Role.DELIVERY for room in wire.options.rooms}
                behind |= {f"room:{room}": f"channel:{name}" for room in wire.options.rooms}
                made[name] = uplinks[name] = self._uplink(name, wire, settings.branch.id, receipts)
            else:
                made[name] = channels[name]
            watched[f"channel:{name}"] = Role.PATH
        gateway.ways.watch(watched, conditions, behind)
        limits = {
            name: Limit(entry.limit.count, entry.limit.per)
            for name, entry in settings.channels.items()
            if entry.limit is not None
        }
        self._telling = Telling(
            made, uplinks, limits, gateway.outbox, gateway.progress, gateway.fallen, self._lane_checked
        )
        self._telling.open()
        await self._reroute()

    async def close(self) -> None:
        """Say good-bye where that is possible, and stop."""
        if self._telling is not None:
            await self._telling.close()

    async def abandon(self) -> None:
        """Stop without a word; also a second time."""
        if self._telling is not None:
            await self._telling.abandon()

    def recorded(self, records: Sequence[Recorded]) -> None:
        """Facts became durable."""
        if self._telling is not None:
            self._telling.recorded(records)
        queued = {one.fact.channel for one in records if isinstance(one.fact, facts.NoticeQueued)}
        if queued - self._gateway.settings.channels.keys():
            self._strayed.set()

    def picture(self, blob: Blob) -> None:
        """A small picture for every room, after the facts."""
        if self._telling is not None:
            for uplink in self._telling.uplinks.values():
                uplink.offer(blob)

    def take(self, readings: Sequence[Reading]) -> None:
        """What the rooms see live."""
        if self._telling is not None:
            self._telling.take(readings)

    def lane_health(self, channel: str, up: bool, reason: str) -> None:
        """From the outbox: what came of a letter."""
        if self._telling is not None and channel not in self._telling.uplinks:  # a broker's wire speaks for itself
            self._gateway.ways.report(f"channel:{channel}", up=up, reason=reason)

    async def keep_rerouting(self) -> None:
        """A ladder was frozen with a channel that has left since: its later rungs are told by another way too."""
        while True:
            await self._strayed.wait()
            self._strayed.clear()
            await self._reroute()

    # --- Parts -----------------------------------------------------------------------------------------------------

    def _lane_checked(self, channel: str, up: bool, reason: str) -> None:
        self._gateway.ways.checked(f"channel:{channel}", up=up, reason=reason)

    def _uplink(self, name: str, wire: MqttWire, branch: str, receipts: dict[str, int]) -> Uplink:
        return Uplink(
            wire,
            _Source(self._gateway.journal),
            self._gateway.clock,
            branch=branch,
            rooms=wire.options.rooms,
            version=sentinel.__version__,
            health=self._health,
            tell=lambda event: self._gateway.inbox.hear(name, event),
            receipts=receipts,
        )

    async def _receipts(self, settings: Settings) -> dict[str, int]:
        """How far each room had this journal, from the card; none is known in bare mode."""
        journal = self._gateway.journal
        found: dict[str, int] = {}
        with suppress(JournalUnavailable):
            for room in settings.rooms:
                cursor = await journal.cursor(room)
                if cursor is not None and cursor.epoch == journal.head().epoch:
                    found[room] = cursor.seq
        return found

    async def _reroute(self) -> None:
        """A row whose channel left the settings goes to its contact by another one; where there is none it has failed."""
        gateway, channels = self._gateway, self._gateway.settings.channels
        with suppress(JournalUnavailable):
            for row in await gateway.journal.live():
                if row.channel in channels:
                    continue
                other = next((name for name in channels if self._may_take(row, name)), None)
                if other is None:
                    reason = f"channel {row.channel} left the settings"
                    gateway.desk.submit(decide.Report(row.notice, NoticeState.FAILED, row.attempt, reason))
                    continue
                log.warning("notice rerouted notice=%s from=%s to=%s", row.notice, row.channel, other)
                await gateway.journal.reroute(row.notice, other, channels[other].path, gateway.clock.now())
                gateway.outbox.wake(other)

    def _may_take(self, row: OutboxRow, channel: str) -> bool:
        gateway = self._gateway
        contact, incident = gateway.settings.contacts.get(row.contact), gateway.desk.state.find(row.code)
        if contact is None or incident is None or channel not in contact.addresses:
            return False
        return decide.may_take(gateway.desk.policy, incident, row.contact, channel)
