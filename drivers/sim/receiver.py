"""A simulated alarm receiver's automation port, for tests and the demo. The daemon never imports this.

It keeps the rules of Sur-Gard's MLR2: one message at a time; without ACK it is said again after 4 s, three times, then the
host is down and events wait; a heartbeat every 30 s, and the first that is acknowledged lets them flow. Runs on
`panel_wire.PanelWire`, which makes it late, garbled, truncated or silent; it lies by itself.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drivers.contact_id_wire import Format
from drivers.panel import Event, Status

if TYPE_CHECKING:
    from drivers.sim.panel_wire import PanelWire

ACK, NAK = 0x06, 0x15
REPEAT_S, BEAT_S, TRIES = 4.0, 30.0, 4  # MLR2 manual p. 38, p. 42: said once and three times more
BUFFER = 512  # events that wait; the oldest is the loser, as in the receiver
LETTERS = {Status.NEW: "E", Status.RESTORED: "R", Status.STILL: "P"}
DIGITS = {Status.NEW: "1", Status.RESTORED: "3", Status.STILL: "6"}
HEARTBEATS = {
    Format.MLR2: b"1011           @    \x14",
    Format.D6500: b"1011           @    \x14",
    Format.ADEMCO_685: b"\n00 OKAY @\r",
}


def frame(event: Event, account: str, format_: Format = Format.MLR2) -> bytes:
    """An event as the receiver says it."""
    tail = f"{event.code:03}{event.partition:02}{event.zone:03}"
    match format_:
        case Format.MLR2:
            return f"5011 18{account:>4}{LETTERS[event.status]}{tail}\x14".encode("ascii")
        case Format.D6500:
            return f"\x01a011 {account:>4}18{DIGITS[event.status]}{tail}\x14".encode("ascii")
        case Format.ADEMCO_685:
            said = f"{LETTERS[event.status]}{event.code:03} {event.partition:02} C{event.zone:03}"
            return f"\n11 {account:>4} 18 {said}\r".encode("ascii")


@dataclass(slots=True)
class Receiver:
    """One receiver with one line. `pace` 0.01 makes its seconds a hundred times shorter."""

    account: str = "1234"
    format: Format = Format.MLR2
    pace: float = 1.0
    lies: bool = False  # says every event for another account
    host_down: bool = False
    acknowledged: list[bytes] = field(default_factory=list)
    refused: int = 0  # NAKs heard
    _waiting: deque[bytes] = field(default_factory=lambda: deque(maxlen=BUFFER))
    _said: bytes = b""  # what an answer would be for
    _tries: int = 0
    _said_at: float = 0.0
    _beat_at: float = float("-inf")
    _now: float = 0.0

    def report(self, code: int, status: Status = Status.NEW, partition: int = 1, zone: int = 0) -> None:
        """Something happened at the panel."""
        account = "9999" if self.lies else self.account
        self._waiting.append(frame(Event(code, status, partition, zone), account, self.format))

    @property
    def idle(self) -> bool:
        """Everything was acknowledged."""
        return not self._waiting and self._said in (b"", HEARTBEATS[self.format])

    def connected(self) -> bytes:
        """It does not know that somebody opened the line."""
        return b""

    def hear(self, data: bytes) -> bytes:
        """What it says to the host's answers."""
        said = b""
        for byte in data:
            if byte == ACK and self._said:
                self._done()
                said += self._next()
            elif byte == NAK and self._said:
                self.refused += 1
                said += self._again()
        return said

    def tick(self, now: float) -> bytes:
        """What it says because time has passed."""
        self._now = now
        if self._said:
            return self._again() if now - self._said_at >= REPEAT_S * self.pace else b""
        if now - self._beat_at >= BEAT_S * self.pace:
            self._beat_at = now
            return self._say(HEARTBEATS[self.format])
        return self._next()

    async def run(self, wire: PanelWire) -> None:
        """Speak on the wire until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            if said := self.tick(loop.time()):
                wire.say(said)
            await asyncio.sleep(0.1 * self.pace)

    def _say(self, message: bytes) -> bytes:
        self._said, self._said_at, self._tries = message, self._now, 1
        return message

    def _next(self) -> bytes:
        """The oldest that waits, unless the host is down."""
        if self._said or self.host_down or not self._waiting:
            return b""
        return self._say(self._waiting.popleft())

    def _again(self) -> bytes:
        if self._tries < TRIES:
            self._tries, self._said_at = self._tries + 1, self._now
            return self._said
        if self._said != HEARTBEATS[self.format]:
            self._waiting.appendleft(self._said)
        self.host_down, self._said = True, b""
        return b""

    def _done(self) -> None:
        if self._said != HEARTBEATS[self.format]:
            self.acknowledged.append(self._said)
        self.host_down, self._said = False, b""
