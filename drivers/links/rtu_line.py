"""One RS-485 line at its own timing: write a frame after a true silence, read until the decoder has made up its mind.

Blocking, for one thread, free of asyncio; it never retries and never remembers a unit. Called by `modbus_rtu`.
The silence is timed from the last byte in either direction: a late stamp only makes it longer, never shorter.
"""

from __future__ import annotations

import os
import select
import termios
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sentinel.core.model import Failure
from sentinel.ports import LinkError

if TYPE_CHECKING:
    from collections.abc import Callable

    import serial

    from sentinel.ports import Words

SILENCE_CHARACTERS: Final = 3.5  # Modbus over serial line 1.02, 2.5.1.1
FIXED_SILENCE_S: Final = 0.00175  # the same: above 19200 Bd the silence is a fixed time
MARGIN_S: Final = 0.00002
CHATTER_S: Final = 0.5  # a line that is not silent once in this time belongs to another talker


@dataclass(frozen=True, slots=True)
class Timing:
    """What the baud rate makes of characters."""

    character_s: float
    silence_s: float

    @classmethod
    def of(cls, baud: int, parity: str, stop_bits: int, *, fixed_silence: bool) -> Timing:
        """A character is a start bit, eight data bits, parity if any, and the stop bits."""
        character_s = (9 + (parity != "N") + stop_bits) / baud
        silence_s = SILENCE_CHARACTERS * character_s
        if fixed_silence and baud > 19200:
            silence_s = max(silence_s, FIXED_SILENCE_S)
        return cls(character_s, silence_s + MARGIN_S)


def open_line(path: str, baud: int, parity: str, stop_bits: int, timing: Timing) -> RtuLine:
    """Take the port for this process alone. OSError when it is not there, is another's, or cannot do this speed."""
    import serial

    try:
        port = serial.Serial(
            path, baud, parity=parity, stopbits=stop_bits, timeout=0, exclusive=True
        )  # its own error is an OSError
    except (ValueError, termios.error) as error:
        raise OSError(f"{path} is no serial port for {baud} Bd: {error}") from error
    try:
        return RtuLine(port, timing)
    except termios.error as error:
        port.close()
        raise OSError(f"{path} is no serial port: {error}") from error


class RtuLine:
    """An open serial port. OSError from any method means that the port is gone: close it."""

    def __init__(self, port: serial.Serial, timing: Timing) -> None:
        self._port = port
        self._fd = port.fileno()
        self._timing = timing
        self._ready = select.poll()  # select() stops at descriptor 1024
        self._ready.register(self._fd, select.POLLIN)
        self._last = time.monotonic()  # when the line last carried a byte, never too early
        os.set_blocking(self._fd, False)
        settings = termios.tcgetattr(self._fd)
        settings[6][termios.VMIN] = 1  # pyserial's 0 makes an empty read look like a hang-up
        settings[6][termios.VTIME] = 0
        termios.tcsetattr(self._fd, termios.TCSANOW, settings)

    def close(self) -> None:
        """Give the port back."""
        self._port.close()

    def settle(self) -> bytes:
        """Wait for a true silence; what came meanwhile was an answer to nobody and is returned."""
        unasked = bytearray()
        until = time.monotonic() + CHATTER_S
        while True:
            wait_s = self._last + self._timing.silence_s - time.monotonic()
            if wait_s > 0:
                time.sleep(wait_s)
            came = self._take()
            if not came:
                return bytes(unasked)
            unasked += came
            if time.monotonic() > until:
                raise LinkError(Failure.BAD_REPLY, "the line is never silent: is there a second master?")

    def exchange(
        self, frame: bytes, size: int, timeout_s: float, decode: Callable[[bytes], Words | None]
    ) -> tuple[Words, int]:
        """The answer that `decode` finds, and the bytes that came. Call `settle` first.

        1. Write; the line is busy until the last byte's computed end, and the timeout counts from there.
        2. Nap once until just before a normal reply can be complete: two wake-ups instead of one for each byte.
        3. Take what comes until decode answers, raises, or the timeout passes.
        """
        if os.write(self._fd, frame) != len(frame):
            raise OSError("the port took only a part of the request")
        self._last = time.monotonic() + len(frame) * self._timing.character_s
        until = self._last + timeout_s
        nap_until = self._last + (SILENCE_CHARACTERS + size - 1) * self._timing.character_s
        time.sleep(max(0.0, min(nap_until, until) - time.monotonic()))
        came = bytearray()
        while True:
            left_s = until - time.monotonic()
            if not self._ready.poll(max(0.0, left_s) * 1000):
                break
            came += self._take()
            words = decode(bytes(came))
            if words is not None:
                return words, len(came)
            if left_s <= 0:
                break
        if came:
            raise LinkError(Failure.BAD_REPLY, f"the reply stopped after {len(came)} of {size} bytes")
        raise LinkError(Failure.NO_REPLY, f"no reply within {timeout_s:g} s")

    def _take(self) -> bytes:
        try:
            came = os.read(self._fd, 512)
        except BlockingIOError:
            return b""
        if not came:
            raise OSError("the port hung up")
        self._last = max(self._last, time.monotonic())
        return came
