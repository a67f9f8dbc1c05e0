"""Tasks that do not die unseen, and the proof of progress that feeds the heartbeat and the watchdog.

The only place of the house with a broad `except`: a task that falls is logged with its traceback, counted, and
started again after a pause. A fault that a restart cannot mend never stops the progress of the rest.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

log = logging.getLogger("sentinel.supervise")

SHOWN_S = 600.0  # so long after a fall the daemon does not call itself healthy
PAUSE_S = (0.5, 1.0, 2.0, 5.0, 10.0)


@dataclass(slots=True)
class Progress:
    """When each part last got on with its work. `allowed_s` is how long it may be silent."""

    _last: dict[str, float] = field(default_factory=dict)
    _allowed: dict[str, float] = field(default_factory=dict)
    _asked: dict[str, Callable[[], bool]] = field(default_factory=dict)

    def expect(self, part: str, allowed_s: float) -> Callable[[], None]:
        """Register a part; the returned function is its sign of life."""
        self._allowed[part] = allowed_s
        self._last[part] = time.monotonic()

        def alive() -> None:
            self._last[part] = time.monotonic()

        return alive

    def forget(self, part: str) -> None:
        """The part was taken away on purpose."""
        self._allowed.pop(part, None)
        self._last.pop(part, None)

    def watch(self, part: str, stuck: Callable[[], bool]) -> None:
        """A part that is asked rather than heard."""
        self._asked[part] = stuck

    def stuck(self) -> list[str]:
        """The parts that were silent for too long, or say themselves that they stand still."""
        now = time.monotonic()
        silent = [part for part, last in self._last.items() if now - last > self._allowed[part]]
        return sorted([*silent, *(part for part, stuck in self._asked.items() if stuck())])


@dataclass(slots=True)
class Fallen:
    """How often supervised tasks fell, when last, and the last reason: for health and metrics."""

    counts: dict[str, int] = field(default_factory=dict)
    last: str = ""
    _at: dict[str, float] = field(default_factory=dict)

    def note(self, task: str, reason: str) -> None:
        """It fell, or ended by itself, just now."""
        self.counts[task] = self.counts.get(task, 0) + 1
        self.last = f"{task}: {reason}"
        self._at[task] = time.monotonic()

    def lately(self) -> list[str]:
        """The tasks that fell in the last ten minutes."""
        now = time.monotonic()
        return sorted(task for task, at in self._at.items() if now - at <= SHOWN_S)


async def supervise(name: str, work: Callable[[], Awaitable[None]], fallen: Fallen) -> None:
    """Run `work` for as long as it is not cancelled. It is started again when it falls or comes to an end."""
    falls = 0
    while True:
        began = time.monotonic()
        try:
            await work()
            log.error("task ended by itself task=%s", name)
            reason = "ended"
        except Exception as error:
            log.exception("task fell task=%s", name)
            reason = type(error).__name__
        fallen.note(name, reason)
        falls = 0 if time.monotonic() - began > 60 else falls + 1
        await asyncio.sleep(PAUSE_S[min(falls, len(PAUSE_S) - 1)])
