"""A program that the demo starts: tethered to it, out of the terminal's reach, its words in a file, ended in order."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

STOP_S = 8.0  # the daemon promises five
TAIL = 20  # lines of its last words


@dataclass(frozen=True, slots=True)
class Child:
    """A running program."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    @property
    def running(self) -> bool:
        """Not ended yet."""
        return self.process.returncode is None

    def last_words(self) -> str:
        """The end of what it wrote."""
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL:])

    def signal(self, number: signal.Signals) -> None:
        """Unless it has ended."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)


@asynccontextmanager
async def child(name: str, command: Sequence[str], log: Path) -> AsyncIterator[Child]:
    """Run it until the block is left: SIGTERM, and SIGKILL when that is not enough."""
    tethered = [sys.executable, "-m", "sentinel.demo.tether", str(os.getpid()), *command]
    with log.open("ab") as words:
        # A session of its own: Ctrl-C is for the demo, which then ends its programs in order.
        process = await asyncio.create_subprocess_exec(
            *tethered, stdin=asyncio.subprocess.DEVNULL, stdout=words, stderr=words, start_new_session=True
        )
    running = Child(name, process, log)
    try:
        yield running
    finally:
        running.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            running.signal(signal.SIGKILL)
            await process.wait()
