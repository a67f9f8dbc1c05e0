"""A Hikvision recorder's alertStream as hints: which round should run at once. Polling stays the truth.

It drops every few seconds on some units and answers 403 on others, so nothing is concluded from its silence, and nothing
is ever restored by it: the heartbeat of old firmware is the event "videoloss, inactive".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers import hikvision_ask as ask
from drivers import xml

if TYPE_CHECKING:
    from sentinel.ports import HttpRequest

MOST = 65_536  # bytes of one event; a longer one, or a picture between two, is dropped
MOST_KEYS = 512
OVER = (
    20  # events without it, after which one counts as over: heartbeats come all the time, a lasting event each second
)
_BEGIN, _END = b"<EventNotificationAlert", b"</EventNotificationAlert>"

_ROUNDS = {
    "videoloss": "state", "badvideo": "state", "videomismatch": "state", "nicbroken": "state", "ipconflict": "state",
    "diskfull": "state", "diskerror": "state", "diskunformat": "state", "hdunformat": "state", "raidexception": "state",
    "recordingfailure": "proof", "recordexception": "proof",
}  # fmt: skip


class AlertStream:
    """ports.Hints."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._number = 0
        self._told: dict[tuple[str, str], tuple[int, int]] = {}  # kind, channel -> its count, the number of the event

    def request(self) -> HttpRequest:
        """Opens the stream; what was held of the one before is dropped."""
        self._held.clear()
        return ask.ALERTS

    def feed(self, data: bytes) -> list[str]:
        """Bytes in any pieces. Each round is named once, for what is new in them."""
        rounds: dict[str, None] = {}
        for start in range(0, len(data), MOST):
            self._held += data[start : start + MOST]
            for event in self._events():
                name = self._round(event)
                if name:
                    rounds[name] = None
        return list(rounds)

    def _events(self) -> list[bytes]:
        """Whole events, wherever the boundaries are: they differ, and some firmwares leave lengths out."""
        found, place = [], 0
        while True:
            begin = self._held.find(_BEGIN, place)
            if begin < 0:
                place = max(place, len(self._held) - len(_BEGIN) + 1)
                break
            end = self._held.find(_END, begin)
            if end < 0:
                place = begin if len(self._held) - begin <= MOST else begin + len(_BEGIN)
                if place == begin:
                    break
                continue
            begin = self._held.rfind(_BEGIN, begin, end)  # an event cut short before it is no part of it
            found.append(bytes(self._held[begin : end + len(_END)]))
            place = end + len(_END)
        del self._held[:place]
        return found

    def _round(self, event: bytes) -> str | None:
        """Named when the event is new: one that lasts is repeated each second, mostly with a count that grows."""
        self._number += 1
        root = xml.parse(event, "EventNotificationAlert") if len(event) <= MOST else None
        kind = xml.word(root, "eventType", 40).lower()
        name = _ROUNDS.get(kind)
        if root is None or name is None or xml.word(root, "eventState").lower() == "inactive":
            return None
        count = xml.number(root, "activePostCount") or 0
        key = kind, xml.word(root, "channelID", 12) or xml.word(root, "dynChannelID", 12)
        before = self._told.pop(key, None)
        self._told[key] = count, self._number
        if len(self._told) > MOST_KEYS:
            del self._told[next(iter(self._told))]
        new = before is None or count < before[0] or self._number - before[1] > OVER
        return name if new else None
