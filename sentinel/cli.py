"""The `sentinel` command: one argparse tree. A command imports what it needs when it runs."""

from __future__ import annotations

import argparse
import os
import sys
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

import sentinel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# name -> (module, function that adds its arguments, function that runs it, what it does)
COMMANDS = {
    "run": ("sentinel.commands.run", "add_arguments", "run", "be the branch daemon"),
    "check": ("sentinel.commands.check", "add_arguments", "run", "name everything that is wrong with a config"),
    "status": ("sentinel.commands.ask", "add_json", "status", "how the running branch is now"),
    "incidents": ("sentinel.commands.ask", "add_json", "incidents", "what is open, who was told, who answered"),
    "ack": ("sentinel.commands.ask", "add_ack", "ack", "acknowledge an incident with the branch's authority"),
    "probe": ("sentinel.commands.probe", "add_arguments", "run", "read one device once and say what it is"),
    "simulate": ("sentinel.commands.simulate", "add_arguments", "run", "be a device of a profile"),
    "journal": ("sentinel.commands.journal", "add_arguments", "run", "verify or export a journal"),
    "influx": ("sentinel.commands.influx", "add_arguments", "run", "make the telemetry database ready for the branch"),
    "demo": ("sentinel.demo.command", "add_arguments", "run", "a simulated branch with its station, in this terminal"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """0 good, 1 a finding, 2 bad usage or config."""
    given = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(
        prog="sentinel", description="A bank branch's alarms, told until somebody answers."
    )
    parser.add_argument("--version", action="version", version=f"sentinel {sentinel.__version__}")
    parts = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    wanted = next((word for word in given if not word.startswith("-")), None)
    runners: dict[str, Callable[[argparse.Namespace], int]] = {}
    for name, (module, adds, runs, what) in COMMANDS.items():
        part = parts.add_parser(name, help=what, description=what)
        if name == wanted:  # only the command that is asked for is imported
            home = import_module(module)
            getattr(home, adds)(part)
            runners[name] = getattr(home, runs)
    args = parser.parse_args(given)
    run = runners[args.command]
    if args.command == "journal":
        from sentinel.commands.ask import SOCKET, fetch

        run = partial(run, fetch=partial(fetch, os.environ.get("SENTINEL_SOCKET", SOCKET)))  # type: ignore[call-arg]
    try:
        return run(args)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
