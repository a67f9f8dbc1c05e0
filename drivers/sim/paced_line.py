"""A serial line paced to the byte, with honest units on it: a pty behind a process that lets each byte take its time.

It judges the master as a strict bus would: requests that broke the 3.5 characters of silence, and the share of time that
the line was used. For tests and the bench only.

python -m drivers.sim.paced_line BAUD [SILENT_UNIT ...]     prints the port's path; "report" on stdin prints JSON
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
import tty
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Self

from drivers.links.rtu import crc

if TYPE_CHECKING:
    from types import TracebackType

SILENCE: Final = 3.5  # characters
BITS: Final = 10  # 8N1
SPIN_S: Final = 0.0002  # a sleep may end this much late
WATCH_S: Final = 0.02  # after a reply the next request is watched for without sleeping, to time it truly


@dataclass
class LineReport:
    """What the line saw since the last report."""

    requests: int = 0
    answers: int = 0
    violations: int = 0  # requests that began less than 3.5 characters after the last byte
    used_s: float = 0.0  # bytes on the wire, and the two silences that an exchange must have
    elapsed_s: float = 0.0
    late_s: float = 0.0  # how late the last bytes of our replies were, in all: the simulator's own, taken off
    worst_late_s: float = 0.0  # of a byte of ours: near the master's timeout, what it broke is this process's own fault

    @property
    def utilisation(self) -> float:
        """1.00 is the physical limit; more means that silences were broken."""
        return self.used_s / (self.elapsed_s - self.late_s) if self.elapsed_s else 0.0


class PacedLine:
    """The line in its own process. `port` is opened like any serial port."""

    def __init__(self, baud: int, silent: frozenset[int] = frozenset()) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "drivers.sim.paced_line", str(baud), *map(str, sorted(silent))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = self._line()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def report(self) -> LineReport:
        """What was seen since the last report."""
        assert self._process.stdin is not None
        self._process.stdin.write("report\n")
        self._process.stdin.flush()
        return LineReport(**json.loads(self._line()))

    def close(self) -> None:
        """Take the line down."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=5)
        self._process.stdout.close()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


class _Wire:
    """The pty's far end, one character at a time."""

    def __init__(self, master: int, baud: int, silent: frozenset[int]) -> None:
        self._master = master
        self._character_s = BITS / baud
        self._silent = silent
        self._free_at = 0.0  # the last byte's end
        self._began = 0.0
        self._seen = LineReport()

    def report(self) -> LineReport:
        """What was seen, and begin again."""
        seen, self._seen = self._seen, LineReport()
        return seen

    def request(self, began: float) -> None:
        """Bytes are there since `began`: take one request and answer it."""
        character_s, seen = self._character_s, self._seen
        silence_s = SILENCE * character_s
        asked = os.read(self._master, 512)
        if not seen.requests:
            self._began = began
        seen.requests += 1
        seen.violations += began - self._free_at < silence_s
        self._free_at = began + len(asked) * character_s
        seen.used_s += len(asked) * character_s + silence_s
        if len(asked) == 8 and asked[0] not in self._silent:
            count = int.from_bytes(asked[4:6], "big")
            body = asked[:2] + bytes((2 * count,)) + bytes(2 * count)
            self._say(body + crc(body), self._free_at + silence_s)
            seen.used_s += (len(body) + 2) * character_s + silence_s
            seen.answers += 1
        seen.elapsed_s = self._free_at + silence_s - self._began

    def _say(self, reply: bytes, begins: float) -> None:
        late_s = 0.0
        for at, byte in enumerate(reply, 1):
            _until(begins + at * self._character_s)
            self._free_at = time.monotonic()
            late_s = self._free_at - begins - at * self._character_s
            self._seen.worst_late_s = max(self._seen.worst_late_s, late_s)
            os.write(self._master, bytes((byte,)))
        self._seen.late_s += late_s


def _until(moment: float) -> None:
    rest = moment - time.monotonic() - SPIN_S
    if rest > 0:
        time.sleep(rest)
    while time.monotonic() < moment:
        pass


def main(baud: int, silent: frozenset[int]) -> None:
    """Serve until stdin ends."""
    master, slave = os.openpty()
    tty.setraw(master)
    tty.setraw(slave)
    print(os.ttyname(slave), flush=True)
    wire = _Wire(master, baud, silent)
    poll = select.poll()
    poll.register(master, select.POLLIN)
    poll.register(sys.stdin.fileno(), select.POLLIN | select.POLLHUP)
    watch_until = 0.0
    while True:
        ready = poll.poll(0 if time.monotonic() < watch_until else 1000)
        now = time.monotonic()
        for fd, _ in ready:
            if fd == master:
                wire.request(now)
                watch_until = time.monotonic() + WATCH_S
            elif os.read(fd, 512):
                print(json.dumps(asdict(wire.report())), flush=True)
            else:
                return


if __name__ == "__main__":
    main(int(sys.argv[1]), frozenset(map(int, sys.argv[2:])))
