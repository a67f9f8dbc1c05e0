"""`sentinel run CONFIG`: load, refuse what must not run, and be the branch daemon until told to stop."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import sys
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sentinel.commands.check import reveal
from sentinel.commands.tables import real_tables
from sentinel.journal.errors import JournalRefused
from sentinel.settings.branch import load
from sentinel.settings.problems import Level, in_order

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from sentinel.settings.branch import Loaded
    from sentinel.settings.site import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("config", type=Path, metavar="CONFIG", help="the branch's YAML file")


def run(args: argparse.Namespace) -> int:
    """0 after an orderly stop, 2 when the config, a secret or the journal file must not be used."""
    _log()

    def loaded() -> Loaded:
        return load(args.config, real_tables(args.config.parent), reveal)

    first = loaded()
    problems = [*first.problems, *first.absent_secrets(Level.ERROR)]
    for problem in in_order(problems):
        print(problem, file=sys.stderr)
    if first.settings is None or any(problem.level is Level.ERROR for problem in problems):
        return 2
    try:
        with _alone(Path(first.settings.gateway.socket)):
            asyncio.run(_serve(first.settings, loaded))
    except JournalRefused as error:
        print(f"sentinel run: {error}", file=sys.stderr)
        return 2
    return 0


def _alone(socket: Path) -> ExitStack:
    """Held while we run: a second one may neither poll the same lines nor take the socket. It asks no disk of facts."""
    held = ExitStack()
    with suppress(OSError):  # a lock that cannot be had is no reason to watch no alarms; the journal has one more
        socket.parent.mkdir(parents=True, exist_ok=True)
        lock = held.enter_context(socket.with_name(f"{socket.name}.lock").open("wb"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.close()
            raise JournalRefused(f"another sentinel runs at {socket}; stop that one first") from None
    return held


async def _serve(settings: Settings, loaded: Callable[[], Loaded]) -> None:
    with _thrift():
        from sentinel.gateway.app import Gateway
    await Gateway(settings, loaded).run()
    # The journal is closed and all is said. A mail session or a stuck card in some thread may not hold up the restart.
    logging.shutdown()
    os._exit(0)


@contextmanager
def _thrift() -> Iterator[None]:
    """What aiohttp 3 takes when it is imported and nobody here uses, 3 MiB of 60.

    Every authority of the system: each of our connections brings its own context, and one that forgot would trust nobody.
    The C++ runtime for lists of start-up hooks, which frozenlist has in Python as well.
    """
    ours = {"SSL_CERT_FILE": os.devnull, "FROZENLIST_NO_EXTENSIONS": "1"}
    before = {name: os.environ.get(name) for name in ours}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _log() -> None:
    """To standard error, which the service manager keeps with its own time stamps."""
    stamp = "" if "JOURNAL_STREAM" in os.environ else "%(asctime)s "
    logging.basicConfig(level=logging.INFO, format=f"{stamp}%(levelname)s %(name)s %(message)s")
    logging.getLogger("asyncio").setLevel(logging.WARNING)
