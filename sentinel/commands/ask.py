"""`sentinel status`, `incidents` and `ack`: ask the running daemon over its Unix socket, never its database file.

Exit 0 good, 1 a finding (something is open, impaired or refused), 2 nobody answers or the question is wrong.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sentinel.core.model import Failure, Role

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

SOCKET = "/run/sentinel/sentinel.sock"
ASK_S = 10.0
_MARKED = {True: (" ", "up"), False: ("x", "down"), None: ("?", "unknown")}
MARKS = {"normal": " ", "supervised": " ", "alarm": "!", "trouble": "x", "unknown": "?"}


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=ASK_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def add_socket(parser: argparse.ArgumentParser) -> None:
    """Where the daemon listens."""
    parser.add_argument(
        "--socket",
        default=os.environ.get("SENTINEL_SOCKET", SOCKET),
        help="the daemon's socket (default: $SENTINEL_SOCKET, else %(default)s)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """For those that print for machines too."""
    add_socket(parser)
    parser.add_argument("--json", action="store_true", help="the whole answer as JSON")


def add_ack(parser: argparse.ArgumentParser) -> None:
    """`ack CODE --by NAME`."""
    add_socket(parser)
    parser.add_argument("code", help="the incident's code, with or without the branch's number: 4821 or 17-4821")
    parser.add_argument("--by", required=True, metavar="NAME", help="who says so")


def ask(path: str, method: str, url: str, given: dict[str, Any] | None = None) -> tuple[int, Any]:
    """Status and JSON of one request; OSError when nobody answers."""
    connection = _UnixConnection(path)
    try:
        body = None if given is None else json.dumps(given)
        connection.request(method, url, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    except http.client.HTTPException as error:
        raise OSError(f"no sensible answer: {error!r}") from None
    finally:
        connection.close()


def fetch(path: str, url: str) -> bytes:
    """The body of a GET; OSError also when the daemon refuses."""
    status, answer = ask(path, "GET", url)
    if status != 200:
        raise OSError(_words(answer))
    return json.dumps(answer).encode()


def status(args: argparse.Namespace) -> int:
    """`sentinel status`."""
    got = _get(args, "/api/v1/status")
    if got is None:
        return 2
    with _reader_may_leave():
        if args.json:
            _print(got)
        else:
            _print_status(got)
    return 0 if got["health"] == "ok" and all(map(_is_no_finding, got["zones"])) and got["incidents"] == 0 else 1


def _is_no_finding(zone: dict[str, Any]) -> bool:
    """Well; or unknown because its device does not have it, or because its picture's daily look is still to come."""
    if zone["state"] != "unknown":
        return zone["state"] in ("normal", "supervised")
    return zone["reason"] == Failure.UNSUPPORTED or (zone["role"] == Role.CAMERA_PICTURE and not zone["reason"])


def incidents(args: argparse.Namespace) -> int:
    """`sentinel incidents`."""
    got = _get(args, "/api/v1/incidents")
    if got is None:
        return 2
    with _reader_may_leave():
        if args.json:
            _print(got)
        else:
            for one in got["open"]:
                print(_incident(one))
            if not got["complete"]:
                print("what was open before this start is not known")
            elif not got["open"]:
                print("nothing open")
    return 1 if got["open"] or not got["complete"] else 0


def ack(args: argparse.Namespace) -> int:
    """`sentinel ack CODE --by NAME`."""
    url = f"/api/v1/incidents/{quote(args.code, safe='')}/acknowledge"
    try:
        code, got = ask(args.socket, "POST", url, {"by": args.by})
    except (OSError, ValueError) as error:
        return _nobody(args, error)
    if code != 200:
        print(f"sentinel ack: {_words(got)}", file=sys.stderr)
        return 1
    print(_incident(got))
    if got["severity"] == "critical":
        print("recorded; the station is told until the police answer")
    return 0


def _get(args: argparse.Namespace, url: str) -> Any:
    try:
        code, got = ask(args.socket, "GET", url)
    except (OSError, ValueError) as error:
        _nobody(args, error)
        return None
    if code != 200:
        print(f"sentinel: {_words(got)}", file=sys.stderr)
        return None
    return got


def _nobody(args: argparse.Namespace, error: Exception) -> int:
    print(
        f"sentinel: no daemon answers at {args.socket} ({error}); is it running? `systemctl status sentinel`, "
        "or name its socket with --socket",
        file=sys.stderr,
    )
    return 2


def _words(got: Any) -> str:
    error = got.get("error") if isinstance(got, dict) else None
    return str(error.get("message")) if isinstance(error, dict) else "the daemon refused"


@contextmanager
def _reader_may_leave() -> Iterator[None]:
    """`| head` goes away early: the exit code still says what was found."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # Python's documentation of SIGPIPE: else the flush at the end complains.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print(got: Any) -> None:
    print(json.dumps(got, ensure_ascii=False, indent=2))


def _print_status(got: dict[str, Any]) -> None:
    branch = got["branch"]
    print(f"{branch['name']['en']} · {branch['name']['hi']} · {branch['number']}")
    why = f" ({'; '.join(got['reasons'])})" if got["reasons"] else ""
    print(f"health {got['health']}{why} · clock {got['clock']} · version {got['version']} · {got['at']}\n")
    wide = max((len(zone["id"]) for zone in got["zones"]), default=0)
    for zone in got["zones"]:
        reason = f" ({zone['reason']})" if zone["reason"] else ""
        print(f"{MARKS[zone['state']]} {zone['id']:<{wide}}  {zone['state'] + reason:<24} {zone['age_s']:>7.1f} s ago")
    print()
    for link in got["links"]:
        print(f"  link {link['id']}: {link['reads']} reads, {link['failed']} failed, {link['latency_ms']} ms")
    for way in got["ways"]:
        mark, word = _MARKED[way["up"]]
        word += f", {way['reason']}" if way["up"] is False else ""
        last = way["carried"]
        carried = f", last carried {last['code']} to {last['contact']} at {last['at'][:19]}Z" if last else ""
        print(f"{mark} {way['id']}: {word}{carried}")
    print(_record(got["telemetry"]))
    count = "it is not known what is" if got["incidents"] is None else got["incidents"]
    print(f"\n{count} open; `sentinel incidents` tells")


def _record(got: dict[str, Any]) -> str:
    """One line on telemetry: what waits, and whether disk and database take it."""
    points, spool, store = got["points"], got["spool"], got["store"]
    said, mark = [], " "
    if store is not None:
        age = f", the oldest for {spool['oldest_age_s']:.0f} s" if points["waiting"] else ""
        said.append(f"{points['waiting']} points waiting{age}")
        lost = {name: points[name] for name in ("dropped", "poisoned") if points[name]}
        said += [f"{count} {name}" for name, count in lost.items()]
        mark, word = _MARKED[store["up"]]
        said.append(f"database {store['server']} {word}{', ' + store['reason'] if store['reason'] else ''}")
    else:
        said.append("no database configured")
    if not spool["up"]:
        mark, word = _MARKED[spool["up"]]
        said.append(f"spool {word}{', ' + spool['reason'] if spool['reason'] else ''}")
    return f"{mark} telemetry: {'; '.join(said)}"


def _incident(one: dict[str, Any]) -> str:
    name = one["name"]["en"] if one["name"] else one["subject"]
    state = one["state"] if one["still_active"] else f"{one['state']}, input normal again"
    lines = [
        f"{one['code']}  {one['severity']:<8} {one['label']['en']}: {name} · {state} · since {one['opened_at'][:19]}Z"
    ]
    lines += [f"      {a['kind']} by {a['by']} ({a['party']}) at {a['at'][11:19]}" for a in one["answers"]]
    lines += [
        f"      {n['what']} to {n['contact']} by {n['channel']}: {n['state']}{' (' + n['reason'] + ')' if n['reason'] else ''}"
        for n in one["notices"]
    ]
    return "\n".join(lines)
