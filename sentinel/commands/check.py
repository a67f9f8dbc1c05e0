"""`sentinel check`: everything that is wrong with a config, and with --probe whether its devices answer.

Exit 0 good, 1 a finding, 2 a config that must not run. Without --probe it touches no device and needs no secret.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sentinel.commands.tables import real_tables
from sentinel.settings.branch import load
from sentinel.settings.problems import Level, Problem, exit_code, in_order

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from sentinel.ports import Secret


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own arguments."""
    parser.add_argument("config", type=Path, metavar="CONFIG", help="the branch's YAML file")
    parser.add_argument(
        "--probe", action="store_true", help="read every device once; not while a daemon runs on the same lines"
    )


def run(args: argparse.Namespace) -> int:
    """Say what is wrong, one line each, and the verdict last."""
    loaded = load(args.config, real_tables(args.config.parent), reveal)
    problems = in_order((*loaded.problems, *loaded.absent_secrets(Level.NOTE)))
    for problem in problems:
        print(problem)
    if args.probe and loaded.settings is not None:
        from sentinel.commands.check_probe import probe

        found = asyncio.run(probe(loaded, loaded.settings))
        for problem in found:
            print(problem)
        problems += found
    code = exit_code(problems)
    print(_verdict(args.config.name, problems), file=sys.stderr)
    return code


def reveal(secret: Secret) -> str | None:
    """A secret address for comparing, when it is there."""
    with suppress(LookupError):
        return secret.read()
    return None


def _verdict(name: str, problems: Sequence[Problem]) -> str:
    counts = Counter(problem.level for problem in problems)
    parts = [f"{counts[level]} {level}{'s' if counts[level] != 1 else ''}" for level in Level if counts[level]]
    return f"{name}: {', '.join(parts) or 'nothing to say'}; {('good', 'look at the findings', 'must not run')[exit_code(problems)]}"
