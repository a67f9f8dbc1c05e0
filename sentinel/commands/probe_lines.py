"""`sentinel probe` of a panel that speaks when it likes: listen for a while, show what comes and what it means.

It never acknowledges: what a panel reports meanwhile it reports again to the daemon, which is the one to tell it. What a
silent button says is shown to nobody in a branch, neither as bytes nor as a word.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from sentinel.core.model import Quality
from sentinel.ports import LinkError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from sentinel.core.model import Reading
    from sentinel.ports import ByteLink, Conversation, Turn

TICK_S: Final = 1.0
ANSWERS: Final = (b"\x06", b"\x15")  # ACK and NAK: one that comes late is taken for the answer to the alarm after it
LONGEST: Final = 200  # characters of one piece that are shown


async def listen(
    link: ByteLink, panel: Conversation, seconds: float, silent: Collection[str], say: Callable[[str], None]
) -> int:
    """0 when something was heard and all of it understood. `silent`: "<device>.<point>" of hold-up and duress."""
    ear = _Ear(panel, silent, say)
    try:
        await link.open()
        until = time.monotonic() + seconds
        await ear.take(link, panel.opened(time.monotonic()))
        while (left_s := until - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(min(TICK_S, left_s)):
                    data = await link.receive()
            except TimeoutError:
                await ear.take(link, panel.tick(time.monotonic()))
            else:
                await ear.take(link, panel.feed(data, time.monotonic()), data)
    except LinkError as error:
        say(f"the line: {error}")
        return 1
    finally:
        await link.close()
    say(f"{ear.heard} bytes in {seconds:g} s, {panel.damaged()} messages not understood, {len(ear.words)} points told")
    if not ear.heard:
        say("nothing heard: check wiring (crossed?), baud and parity, and that the panel's port is switched on")
    say("nothing was acknowledged: what waits for an answer is said again to the daemon")
    return 0 if ear.heard and not panel.damaged() else 1


def asks(turn: Turn) -> bool:
    """Whether it says something that may be said without the daemon: a question or a sign-in, never an answer."""
    return turn.send not in (b"", *ANSWERS)


class _Ear:
    """What was heard so far."""

    def __init__(self, panel: Conversation, silent: Collection[str], say: Callable[[str], None]) -> None:
        self._panel, self._silent, self._say = panel, silent, say
        self.heard = 0
        self.words: dict[str, str] = {}

    async def take(self, link: ByteLink, turns: Sequence[Turn], data: bytes = b"") -> None:
        """Show a piece and its meaning; say what must be said to hear more."""
        self.heard += len(data)
        readings = [reading for turn in turns for reading in turn.readings if reading.quality is Quality.GOOD]
        if data and not any(self._secret(reading) for reading in readings):
            self._say(f"heard   {_shown(data)}")
        for reading in readings:
            self._show(reading)
        for turn in turns:
            if asks(turn):
                await link.send(turn.send)
                self._say(f"said    {len(turn.send)} bytes")  # not which: a sign-in holds a password

    def _show(self, reading: Reading) -> None:
        word = "supervised" if reading.point in self._silent else str(reading.value)
        if self.words.get(reading.point) != word:
            self._say(f"means   {reading.point.partition('.')[2]} = {word}")
        self.words[reading.point] = word

    def _secret(self, reading: Reading) -> bool:
        return reading.point in self._silent and str(reading.value).partition(" ")[0] != "normal"


def _shown(data: bytes) -> str:
    text = repr(data)[2:-1]
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... ({len(data)} bytes)"
