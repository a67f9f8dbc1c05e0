"""Ways to tell people, by name. A channel's module is imported when its kind is first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

    from sentinel.channels.mqtt import MqttWire
    from sentinel.ports import Channel

CHANNELS: dict[str, str] = {"mqtt": "sentinel.channels.mqtt", "email": "sentinel.channels.email"}


@dataclass(frozen=True, slots=True)
class ChannelKind:
    """What a channel gives: the model of its options, and `make(options, branch id)`, called inside the running loop.

    For mqtt that is a wire: the Channel is the gateway's uplink over it, for only the uplink knows which facts are out.
    """

    options: type[BaseModel]
    make: Callable[..., Channel | MqttWire]


def channel(name: str) -> ChannelKind:
    """The channel of that name, or LookupError with the names there are."""
    if name not in CHANNELS:
        raise LookupError(f'no channel "{name}"; there are: {", ".join(sorted(CHANNELS))}')
    found: Any = import_module(CHANNELS[name]).CHANNEL
    if not isinstance(found, ChannelKind):
        raise TypeError(f'channel "{name}" is no ChannelKind')
    return found
