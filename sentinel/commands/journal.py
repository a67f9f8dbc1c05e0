"""`sentinel journal verify|export [FILE]`: proves a journal, or writes its facts out as JSON lines.

With a FILE it reads that copied or stopped journal and changes nothing. Without one it asks the running daemon by
`fetch`, never the database file of a daemon that runs.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sentinel.journal.errors import JournalRefused
from sentinel.journal.verify import Report, open_copy, verify

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    Fetch = Callable[
        [str], bytes
    ]  # the body of a GET of this path on the daemon's socket; OSError when it is not there

VERIFY_PATH = "/api/v1/journal/verify"
EXPORT_PATH = "/api/v1/journal/export"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add `verify` and `export` to the `journal` command."""
    actions = parser.add_subparsers(dest="action", required=True)
    check = actions.add_parser("verify", help="prove that no stored fact was changed, lost or added")
    export = actions.add_parser("export", help="write the facts as JSON lines, exactly as stored")
    for action in (check, export):
        action.add_argument("file", nargs="?", type=Path, metavar="FILE", help="a journal that no daemon holds")
    export.add_argument("--out", type=Path, help="a new file to write (default: standard output)")


def run(args: argparse.Namespace, fetch: Fetch) -> int:
    """Carry it out: 0 good, 1 a finding, 2 it could not be done."""
    try:
        if args.action == "verify":
            report = verify(args.file) if args.file else report_of(fetch(VERIFY_PATH))
            print(sentence(report))
            return 0 if report.ok else 1
        lines = _stored(args.file) if args.file else iter(fetch(EXPORT_PATH).splitlines(keepends=True))
        count = _write(lines, args.out)
    except (JournalRefused, OSError, ValueError) as error:
        print(f"sentinel journal: {error}", file=sys.stderr)
        return 2
    except sqlite3.DatabaseError as error:
        print(f"sentinel journal: {args.file} is damaged: {error}", file=sys.stderr)
        return 1
    print(f"{count} facts", file=sys.stderr)
    return 0


def sentence(report: Report) -> str:
    """The verdict as one line."""
    if report.ok:
        return f"good: {report.facts} facts, epoch {report.epoch or '-'}, head {report.head}"
    place = "" if report.first_bad_seq is None else f"fact {report.first_bad_seq}: "
    return f"bad: {place}{report.why}"


def as_json(report: Report) -> str:
    """What the daemon answers at VERIFY_PATH."""
    return json.dumps(asdict(report))


def report_of(body: bytes) -> Report:
    """The report of `as_json`; ValueError when it is not one."""
    try:
        fields: dict[str, Any] = json.loads(body)
        return Report(**fields)
    except TypeError as error:
        raise ValueError(f"the daemon's answer is not a report: {error}") from error


def _stored(path: Path) -> Iterator[bytes]:
    with contextlib.closing(open_copy(path)) as db:
        for (text,) in db.execute("SELECT CAST(line AS BLOB) FROM fact ORDER BY n"):
            yield text + b"\n"


def _write(lines: Iterator[bytes], out: Path | None) -> int:
    with contextlib.ExitStack() as stack:
        # An export is evidence: never written over an older one.
        sink = sys.stdout.buffer if out is None else stack.enter_context(out.open("xb"))
        count = 0
        for text in lines:
            sink.write(text)
            count += 1
    return count
