"""A broker on loopback for the demo: mosquitto where it is installed, else amqtt in a process of its own.

Open to everybody on this machine; config/mosquitto.conf is how a real one is set up.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sentinel.demo.child import child

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from sentinel.demo.child import Child

UP_S = 10.0
TRIES = 3  # between finding a free port and listening on it somebody may take it
SBIN = "/usr/sbin:/usr/local/sbin"  # where Debian puts mosquitto, and not on a user's PATH


@dataclass(frozen=True, slots=True)
class Broker:
    """Where it listens, and which one it is."""

    name: str
    port: int


def free_port() -> int:
    """A port on loopback that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def installed(port: int, folder: Path) -> tuple[str, list[str]]:
    """What to start: the installed mosquitto, else amqtt."""
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', os.defpath)}:{SBIN}")
    if program is None:
        return amqtt(port, folder)
    conf = folder / "mosquitto.conf"
    # Started by root it would become another user, and Linux then cuts the tether (prctl(2), PR_SET_PDEATHSIG).
    conf.write_text(f"user root\nlistener {port} 127.0.0.1\nallow_anonymous true\n", encoding="utf-8")
    return "mosquitto", [program, "-c", str(conf)]


def amqtt(port: int, _folder: Path) -> tuple[str, list[str]]:
    """This module as a program, see `main`."""
    return "amqtt", [sys.executable, "-m", "sentinel.demo.broker", str(port)]


@asynccontextmanager
async def broker(
    folder: Path, choose: Callable[[int, Path], tuple[str, list[str]]] = installed
) -> AsyncIterator[Broker]:
    """A broker that takes connections, until the block is left. OSError when none can be had."""
    words = ""
    for _ in range(TRIES):
        port = free_port()
        name, command = choose(port, folder)
        async with child(name, command, folder / f"{name}.log") as running:
            if await _listens(port, running):
                yield Broker(name, port)
                return
            words = running.last_words()
    raise OSError(f"no broker could be started: {words}")


async def _listens(port: int, running: Child) -> bool:
    deadline = asyncio.get_running_loop().time() + UP_S
    while running.running and asyncio.get_running_loop().time() < deadline:
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), 1.0)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        writer.close()
        return True
    return False


async def main(port: int) -> None:
    """Be amqtt on this port, until SIGTERM."""
    from amqtt.broker import Broker as Amqtt  # type: ignore[import-untyped]
    from amqtt.contexts import BrokerConfig, ListenerConfig  # type: ignore[import-untyped]

    plugins = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    config = BrokerConfig(listeners={"default": ListenerConfig(bind=f"127.0.0.1:{port}")}, plugins=plugins)
    await Amqtt(config).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
