"""What a branch touches: its clock, its lines and its ways out, as they really are.

The composition root asks here for each of them; the stories hand it a world of their own, with the same house in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.links import LINKS
from sentinel.channels import channel
from sentinel.duty.clock import SystemClock, boot_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.links import ModbusLink
    from sentinel.channels.mqtt import MqttWire
    from sentinel.ports import Channel
    from sentinel.settings import equipment


def real_clock(trusted: bool) -> SystemClock:
    """The machine's."""
    return SystemClock(trusted=trusted)


def real_link(link: equipment.Link, name: str) -> ModbusLink:
    """The line that the settings describe."""
    return LINKS[link.kind].make(link.options, name)


def real_channel(entry: equipment.Channel, branch: str) -> Channel | MqttWire:
    """The way out that the settings describe."""
    return channel(entry.kind).make(entry.options, branch)


@dataclass(frozen=True, slots=True)
class World:
    """How each is made. `clock` is told whether the installer vouches for a battery clock."""

    clock: Callable[[bool], SystemClock] = real_clock
    boot: Callable[[], str] = boot_id
    link: Callable[[equipment.Link, str], ModbusLink] = real_link
    channel: Callable[[equipment.Channel, str], Channel | MqttWire] = real_channel
