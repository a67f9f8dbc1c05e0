"""`sentinel influx setup CONFIG`: makes what telemetry needs in the branch's database, and says what it made.

On InfluxDB 2: bucket, down-sampling and a token that may only write there. On InfluxDB 1: database, retention policies
and continuous queries. A second run changes nothing; nothing is ever shortened or deleted. Secrets come by reference
and are never in an argument: everybody on the machine can read those.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sentinel.commands.setting_up import Report, SetupError, Wish
from sentinel.commands.tables import real_tables
from sentinel.settings.branch import load
from sentinel.settings.recording import InfluxV1, InfluxV2, on_this_machine
from sentinel.settings.secrets import SecretKind, SecretRef, fault_in_name

if TYPE_CHECKING:
    from collections.abc import Iterator

RAW_DAYS = 90  # as long as the footage of the cameras
YEARS = 3  # as long as the journal
ADMIN_TOKEN = SecretRef(SecretKind.ENV, "INFLUX_ADMIN_TOKEN")
ADMIN_PASSWORD = SecretRef(SecretKind.ENV, "INFLUX_ADMIN_PASSWORD")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add `setup` to the `influx` command."""
    actions = parser.add_subparsers(dest="action", required=True)
    setup = actions.add_parser("setup", help="make database, retention, down-sampling and token; twice is no harm")
    setup.add_argument("config", type=Path, metavar="CONFIG", help="the branch's YAML file, for its telemetry.influx")
    setup.add_argument(
        "--admin-secret",
        type=_place,
        metavar="PLACE",
        help=f"the admin's token (v2) or password (v1), as '!file /PATH', '!env NAME' or '!credential NAME' "
        f"(default: '{ADMIN_TOKEN}' or '{ADMIN_PASSWORD}')",
    )
    setup.add_argument("--admin-user", metavar="NAME", help="v1 with authentication: who may create databases")
    setup.add_argument("--token-file", type=Path, metavar="FILE", help="v2: a new file for the token (default: stdout)")
    setup.add_argument("--raw-days", type=_count, default=RAW_DAYS, metavar="N", help="default: %(default)s")
    setup.add_argument("--years", type=_count, default=YEARS, metavar="N", help="of 10-minute values; default: 3")
    setup.add_argument("--print", action="store_true", dest="show", help="only show what a fresh server would be told")


def _place(text: str) -> SecretRef:
    found = re.fullmatch(r"!(credential|file|env) (.+)", text)
    if found is None:  # the text may be the secret itself: it is not repeated
        raise argparse.ArgumentTypeError("a secret never stands here: write '!file /PATH' or '!env NAME'")
    kind = SecretKind(found[1])
    if fault := fault_in_name(kind, found[2]):
        raise argparse.ArgumentTypeError(fault)
    return SecretRef(kind, found[2])


def _count(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,4}", text, re.ASCII):
        raise argparse.ArgumentTypeError("a whole number from 1 is wanted")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """0 all is there, 1 something wants a person's eye, 2 it could not be done."""
    loaded = load(args.config, real_tables(args.config.parent))
    if loaded.settings is None:
        for problem in loaded.problems:
            print(problem, file=sys.stderr)
        return 2
    settings = loaded.settings
    influx = settings.telemetry.influx
    wish = Wish(settings.branch.id, args.raw_days, args.years, settings.telemetry.spool.days + 1)
    if influx is None:
        print(f"{args.config.name} names no database: write its telemetry.influx section first", file=sys.stderr)
        return 2
    if args.show:
        print("\n".join(_shown(influx, wish)))
        return 0
    try:
        report = _set_up(args, influx, wish)
    except (SetupError, LookupError) as error:  # LookupError: an absent secret, which names its place
        print(f"sentinel influx setup: {error}", file=sys.stderr)
        return 2
    for word, lines in (("made", report.made), ("there", report.there), ("look at", report.findings)):
        for line in lines:
            print(f"{word}: {line}", file=sys.stderr)
    return 1 if report.findings else 0


def _shown(influx: InfluxV1 | InfluxV2, wish: Wish) -> Iterator[str]:
    if isinstance(influx, InfluxV1):
        from sentinel.commands.influx_v1 import fresh

        return (f"{statement};" for statement in fresh(influx, wish))
    from sentinel.commands.influx_v2 import tasks

    return iter(tasks(influx, wish).values())


def _set_up(args: argparse.Namespace, influx: InfluxV1 | InfluxV2, wish: Wish) -> Report:
    _in_no_clear(influx, secret=not isinstance(influx, InfluxV1) or bool(args.admin_user or influx.username))
    if isinstance(influx, InfluxV1):
        from sentinel.commands import influx_v1

        if args.token_file is not None:
            raise SetupError("--token-file is for InfluxDB 2: InfluxDB 1 has users and passwords")
        admin = None if args.admin_user is None else (args.admin_user, (args.admin_secret or ADMIN_PASSWORD).read())
        return influx_v1.set_up(influx, wish, admin)
    from sentinel.commands import influx_v2

    if args.admin_user is not None:
        raise SetupError("--admin-user is for InfluxDB 1: InfluxDB 2 takes an admin's token")
    token = (args.admin_secret or ADMIN_TOKEN).read()
    if args.token_file is None:
        report = influx_v2.set_up(influx, wish, token)
        if report.token:
            print(report.token)
        return report
    return _into_a_file(args.token_file, influx, wish, token)


def _in_no_clear(influx: InfluxV1 | InfluxV2, *, secret: bool) -> None:
    """An admin's secret is worth every branch's records: it does not cross a network that anybody may listen to."""
    if secret and influx.url.startswith("http:") and not on_this_machine(influx.url):
        raise SetupError(
            f"{influx.url} would get the admin's secret over the network in clear: write https://, or run this on the "
            "server itself, with http://127.0.0.1 in a config of its own"
        )


def _into_a_file(path: Path, influx: InfluxV2, wish: Wish, admin: str) -> Report:
    """The file is made first: a token that nobody could keep is not made."""
    from sentinel.commands import influx_v2

    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise SetupError(f"{path}: {error.strerror}: name a new file that can be written") from None
    written = False
    try:
        report = influx_v2.set_up(influx, wish, admin)
        if report.token:
            os.write(handle, f"{report.token}\n".encode())
            os.fsync(handle)
            written = True
            report.made.append(f"{path}, with the token")
        return report
    finally:
        os.close(handle)
        if not written:
            with suppress(OSError):
                path.unlink()
