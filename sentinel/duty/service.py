"""What a service owes its service manager: READY, STATUS, WATCHDOG, and the signals to stop and to reload.

The watchdog is fed by proof of progress only: a part that stands still stops it. Nothing here knows what the parts are.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sentinel.duty.supervise import Progress

log = logging.getLogger("sentinel.service")


def notify(*lines: str) -> bool:
    """Tell the service manager (sd_notify(3)); False where there is none or it does not listen."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return False
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as out:
            out.connect("\0" + address[1:] if address.startswith("@") else address)
            out.sendall("\n".join(lines).encode())
    except OSError as error:
        log.warning("service manager not told error=%s", error.strerror)
        return False
    return True


def watchdog_period_s() -> float | None:
    """Half of what the service manager allows, or None when it does not watch this process."""
    try:
        allowed_us = int(os.environ["WATCHDOG_USEC"])
    except (KeyError, ValueError):
        return None
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return allowed_us / 2e6


async def feed_watchdog(progress: Progress, period_s: float) -> None:
    """Feed it for as long as every part gets on; the first silence is logged, and the rest is the manager's."""
    told: list[str] = []
    while True:
        stuck = progress.stuck()
        if not stuck:
            notify("WATCHDOG=1")
        elif stuck != told:
            log.critical("no progress, watchdog not fed parts=%s", ",".join(stuck))
        told = stuck
        await asyncio.sleep(period_s)


def on_signals(stop: Callable[[str], None], reload: Callable[[], None]) -> Callable[[], None]:
    """SIGTERM and SIGINT stop, SIGHUP reloads. Returns what takes them off again."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, signal.Signals(number).name)
    loop.add_signal_handler(signal.SIGHUP, reload)

    def off() -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)

    return off
