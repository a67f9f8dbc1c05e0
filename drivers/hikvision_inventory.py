"""What a Hikvision recorder has, configured or not: for `sentinel probe` and `init`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers import hikvision_ask as ask
from drivers import hikvision_read as read
from drivers import xml
from drivers.recorder import Channel, Inventory, Video
from sentinel.core.model import Failure
from sentinel.ports import LinkError

if TYPE_CHECKING:
    from drivers.hikvision_ask import Asking

MOST_CHANNELS = 256


def inventory() -> Asking[Inventory]:
    """Who it is and its channels; LinkError when it does not say who it is."""
    talk = ask.Talk()
    answer = yield from talk.one(ask.DEVICE)
    device = read.root(answer, "DeviceInfo")
    if isinstance(device, Failure):
        raise answer if isinstance(answer, LinkError) else LinkError(device, f"deviceInfo is {device}")
    states, names, inputs = yield from talk.ask([ask.PROXIED, ask.PROXIED_NAMES, ask.ANALOGUE])
    found: dict[int, Channel] = {}
    listed = read.root(inputs, "VideoInputChannelList")
    if not isinstance(listed, Failure):
        words = read.analogue(listed)
        for element in listed.iter("VideoInputChannel"):
            number = xml.number(element, "id")
            if number in words:
                word = words[number]
                found[number] = Channel(
                    number, xml.word(element, "name", 60), None if word is None else word == Video.OK
                )
    status = read.root(states, "InputProxyChannelStatusList")
    online = {} if isinstance(status, Failure) else read.proxied(status)
    named = read.root(names, "InputProxyChannelList")
    titles: dict[int, str] = {}
    if not isinstance(named, Failure):
        for element in named.iter("InputProxyChannel"):
            number = xml.number(element, "id")
            if number is not None:
                titles[number] = xml.word(element, "name", 60)
    for number in {*titles, *online}:
        word = online.get(number)
        found[number] = Channel(number, titles.get(number, ""), None if word is None else word == Video.OK)
    channels = [found[number] for number in sorted(found) if 1 <= number <= MOST_CHANNELS]
    return Inventory(
        xml.word(device, "manufacturer", 40) or "Hikvision",
        xml.word(device, "model", 60),
        xml.word(device, "serialNumber", 64),
        xml.word(device, "firmwareVersion", 60),
        tuple(channels),
    )
