"""What a Dahua recorder answers: lines of `key=value`, now and then JSON. Bounded; never raises on any bytes.

An answer is a table of words or the reason why there is none. "Not Implemented", 403 and 404 are UNSUPPORTED: the
recorder does not have this, which is neither broken nor fine.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, tzinfo
from typing import Any

from sentinel.core.model import Failure
from sentinel.ports import HttpReply, HttpRequest, LinkError

MOST_BYTES = 1_000_000  # the schedule table of 128 channels is 375 kB
MOST_LINES = 20_000
MOST_KEY, MOST_VALUE = 160, 512
MOST_INDEX = 1023
MOST_BRACKETS = 6  # of one key

Answer = HttpReply | LinkError
Table = dict[str, str]

_ABSENT = (400, 403, 404, 405, 501)  # 400 "Bad Request!" is how old firmware says "no such thing"
_ABSENT_WORDS = ("not implemented", "bad request", "invalid authority", "no authority", "getting param")
_TIME = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})[ T](\d{1,2}):(\d{1,2}):(\d{1,2})")
_INDEX = re.compile(r"\[(\d{1,4})\](?:\.|(?=\[)|\Z)", re.ASCII)


def ask(what: str, *, signed: bool = True) -> HttpRequest:
    """A question below /cgi-bin/. A blank in it is already %20: these recorders take a plus for a plus."""
    return HttpRequest(f"/cgi-bin/{what}", signed=signed)


def ask_json(what: str, body: str) -> HttpRequest:
    """A question of the newer kind."""
    return HttpRequest(f"/cgi-bin/api/{what}", "POST", body.encode(), "application/json")


def plain(answer: Answer) -> str | Failure:
    """The text of an answer that is none of the ways to say no."""
    if isinstance(answer, LinkError):
        return answer.failure
    if answer.status != 200:
        if answer.status in _ABSENT:
            return Failure.UNSUPPORTED
        if answer.status == 401:
            return Failure.CREDENTIAL
        return Failure.REFUSED if answer.status >= 500 else Failure.BAD_REPLY
    if len(answer.body) > MOST_BYTES:
        return Failure.BAD_REPLY
    text = answer.body.decode("utf-8", "replace").strip("\ufeff \t\r\n\0")
    if text[:5].lower() == "error":
        said = text[:200].lower()
        return Failure.UNSUPPORTED if any(word in said for word in _ABSENT_WORDS) else Failure.REFUSED
    return Failure.BAD_REPLY if text[:1] == "<" else text  # the login page, in place of every answer


def table(answer: Answer) -> Table | Failure:
    """The lines of an answer. One without a single `key=value` is BAD_REPLY."""
    text = plain(answer)
    if isinstance(text, Failure):
        return text
    found: Table = {}
    lines = text.split("\n", MOST_LINES)
    if len(lines) > MOST_LINES:
        return Failure.BAD_REPLY
    for line in lines:
        key, equals, value = line.partition("=")
        key = key.strip()
        if equals and 0 < len(key) <= MOST_KEY and key.count("[") <= MOST_BRACKETS:
            found[key] = value.strip()[:MOST_VALUE]
    return found or Failure.BAD_REPLY


def rows(found: Table, list_: str) -> dict[int, Table]:
    """`list_[3].Name=x` as {3: {"Name": "x"}}, by index. What lies deeper keeps its key, for another `rows`."""
    by_index: dict[int, Table] = {}
    start = len(list_)
    for key, value in found.items():
        if key.startswith(list_) and (match := _INDEX.match(key, start)) and int(match[1]) <= MOST_INDEX:
            by_index.setdefault(int(match[1]), {})[key[match.end() :]] = value
    return dict(sorted(by_index.items()))


def json_of(answer: Answer) -> Any:
    """The JSON of an answer, or the reason why there is none."""
    text = plain(answer)
    if isinstance(text, Failure):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return Failure.BAD_REPLY


def time_of(text: str, zone: tzinfo | None) -> datetime | None:
    """ "2026-07-02 19:09:25": a wall clock without a zone, read in the site's. Unpadded digits occur."""
    match = _TIME.match(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = map(int, match.groups())
    if not 2000 <= year <= 2099:
        return None
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None


def number(text: str) -> float | None:
    """A finite number that is not below zero: "495636709376.000000"."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < 1e18 else None


def clean(text: str, most: int = 40) -> str:
    """A device's word as people may see it: printable ASCII on one line, bounded."""
    return "".join(c if " " < c <= "~" else " " for c in text[: 4 * most]).strip()[:most]
