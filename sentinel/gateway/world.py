"""What a branch touches: its clock, its lines, its card and its ways out, as they really are.

The composition root asks here for each of them; the stories hand it a world of their own, with the same house in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drivers.links import LINKS
from sentinel.channels import channel
from sentinel.duty.clock import SystemClock, boot_id
from sentinel.gateway.machine import free_bytes, rss_bytes
from sentinel.telemetry.spool import Spool
from sentinel.telemetry.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sentinel.channels.mqtt import MqttWire
    from sentinel.ports import Channel, Clock
    from sentinel.settings import equipment
    from sentinel.telemetry.model import Keep
    from sentinel.telemetry.target import Target


def real_clock(trusted: bool) -> SystemClock:
    """The machine's."""
    return SystemClock(trusted=trusted)


def real_link(link: equipment.Link, name: str, folder: Path) -> Any:
    """The line that the settings describe, as its speech says. `folder`: where it keeps what it must not forget."""
    return LINKS[link.kind].make(link.options, name, folder)


def real_channel(entry: equipment.Channel, branch: str) -> Channel | MqttWire:
    """The way out that the settings describe."""
    return channel(entry.kind).make(entry.options, branch)


def real_spool(path: Path, keep: Keep, forward: bool) -> Spool:
    """The file on the card. `forward`: there is a database to forward lines to."""
    return Spool(path, keep, forward=forward)


def real_writer(spool: Spool, target: Target, clock: Clock, tell: Callable[[bool, str], None]) -> Writer:
    """What sends them there."""
    return Writer(spool, target, clock, tell)


@dataclass(frozen=True, slots=True)
class World:
    """How each is made. `clock` is told whether the installer vouches for a battery clock."""

    clock: Callable[[bool], SystemClock] = real_clock
    boot: Callable[[], str] = boot_id
    link: Callable[[equipment.Link, str, Path], Any] = real_link
    channel: Callable[[equipment.Channel, str], Channel | MqttWire] = real_channel
    spool: Callable[[Path, Keep, bool], Spool] = real_spool
    writer: Callable[[Spool, Target, Clock, Callable[[bool, str], None]], Writer] = real_writer
    free_bytes: Callable[[Path], int] = free_bytes
    rss_bytes: Callable[[], int | None] = rss_bytes
