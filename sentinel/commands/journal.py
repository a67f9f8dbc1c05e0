"""`sentinel journal verify|export [FILE]`: proves a journal, or writes its facts out as JSON lines.

With a FILE it reads that copied or stopped journal and changes nothing. Without one `verify` asks the running daemon
by `fetch`, never the database file of a daemon that runs.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sentinel.commands import ask
from sentinel.journal.errors import JournalRefused
from sentinel.journal.verify import Report, open_copy, verify

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    Fetch = Callable[
        [str], bytes
    ]  # the body of a GET of this path on the daemon's socket; OSError when it is not there

VERIFY_PATH = "/api/v1/journal/verify"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add `verify` and `export` to the `journal` command."""
    actions = parser.add_subparsers(dest="action", required=True)
    check = actions.add_parser("verify", help="prove that no stored fact was changed, lost or added")
    export = actions.add_parser("export", help="write the facts as JSON lines, exactly as stored")
    check.add_argument("file", nargs="?", type=Path, metavar="FILE", help="a journal that no daemon holds")
    check.add_argument("--socket", help="the daemon's socket (default: as for `sentinel status`)")
    # The facts tell of hold-ups: no daemon hands them out in the branch (see gateway/showing).
    export.add_argument("file", type=Path, metavar="FILE", help="a journal that no daemon holds, or a copy of one")
    export.add_argument("--out", type=Path, help="a new file to write (default: standard output)")


def run(args: argparse.Namespace, fetch: Fetch) -> int:
    """Carry it out: 0 good, 1 a finding, 2 it could not be done."""
    try:
        if args.action == "verify":
            report = verify(args.file) if args.file else report_of(_asked(args.socket, fetch))
            print(sentence(report))
            return 0 if report.ok else 1
        count = _write(_stored(args.file), args.out)
    except (JournalRefused, OSError, ValueError) as error:
        print(f"sentinel journal: {error}", file=sys.stderr)
        return 2
    except sqlite3.DatabaseError as error:
        print(f"sentinel journal: {args.file} is damaged: {error}", file=sys.stderr)
        return 1
    print(f"{count} facts", file=sys.stderr)
    return 0


def _asked(socket: str | None, fetch: Fetch) -> bytes:
    return fetch(VERIFY_PATH) if socket is None else ask.fetch(socket, VERIFY_PATH)


def sentence(report: Report) -> str:
    """The verdict as one line."""
    if report.ok and not report.facts:
        return "good: every fact is whole and in its place"
    if report.ok:
        return f"good: {report.facts} facts, epoch {report.epoch or '-'}, head {report.head}"
    place = "" if report.first_bad_seq is None else f"fact {report.first_bad_seq}: "
    return f"bad: {place}{report.why}"


def report_of(body: bytes) -> Report:
    """What the daemon says: no number in it moves when a silent button is pressed. ValueError when it is no report."""
    fields = json.loads(body)
    if not isinstance(fields, dict) or fields.keys() != {"ok", "first_bad_seq", "why"}:
        raise ValueError("the daemon's answer is not a report")
    return Report(
        ok=fields["ok"] is True, facts=0, epoch="", head="", first_bad_seq=fields["first_bad_seq"], why=fields["why"]
    )


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
