"""The daemon as its service manager sees it: ready, alive, reloading, stopping; a real process and a real notify socket."""

from __future__ import annotations

import signal
import socket
from typing import TYPE_CHECKING

import pytest

from sentinel.core.facts import Reloaded, ReloadRefused, Started, Stopping
from tests.crash.branch import branch

if TYPE_CHECKING:
    from pathlib import Path

    from tests.crash.branch import Branch

pytestmark = pytest.mark.real


class Manager:
    """What systemd hears on its socket."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.setblocking(False)
        self.words: list[str] = []

    def heard(self, word: str, times: int = 1) -> bool:
        """Whether it was said so often by now."""
        while True:
            try:
                self.words += self.socket.recv(4096).decode().splitlines()
            except BlockingIOError:
                return self.words.count(word) >= times


def said(here: Branch, kind: type) -> int:
    return sum(isinstance(one.fact, kind) for one in here.copy.facts)


async def test_it_says_ready_feeds_the_watchdog_reloads_and_says_good_bye(tmp_path: Path) -> None:
    manager = Manager(tmp_path / "n")
    async with branch(tmp_path, round_="30s") as here:
        here.start(NOTIFY_SOCKET=str(manager.path), WATCHDOG_USEC="1000000")
        await here.until(lambda: manager.heard("READY=1"), "READY=1")
        await here.until(lambda: manager.heard("WATCHDOG=1", 3), "the watchdog is fed")
        await here.until(lambda: said(here, Started) == 1, "the start is a fact")

        good = here.config.read_text(encoding="utf-8")
        here.config.write_text(good.replace("round: 30s", "round: 40s"), encoding="utf-8")
        assert here.process is not None
        here.process.send_signal(signal.SIGHUP)
        await here.until(lambda: manager.heard("RELOADING=1") and manager.heard("READY=1", 2), "a reload")
        await here.until(lambda: said(here, Reloaded) == 1, "the reload is a fact, with what changed")
        (reloaded,) = [one.fact for one in here.copy.facts if isinstance(one.fact, Reloaded)]
        assert [change.path for change in reloaded.changes if "round" in change.path]

        here.config.write_text("branch: [", encoding="utf-8")
        here.process.send_signal(signal.SIGHUP)
        await here.until(lambda: said(here, ReloadRefused) == 1, "a config that is not valid is refused, and a fact")
        await here.press("panic", True)
        await here.until(lambda: bool(here.letters()), "the old config goes on telling")

        await here.stop()
        assert manager.heard("STOPPING=1")
        await here.until(lambda: said(here, Stopping) == 1, "the stop is a fact")
        assert here.copy.statuses[-1]["state"] == "stopping"
    manager.socket.close()
