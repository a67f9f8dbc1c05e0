"""What a store's HTTP answer to a write means. Pure: the writer asks, and does what the verdict says.

Only 204 is "stored". Everything that no InfluxDB says (a captive portal's page, a redirect) is a stranger's answer.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_WAIT_S = 3600.0  # whatever a server asks for: it may have meant milliseconds, or another clock
WORDS = 300  # characters of a server's own words that are kept


class Reason(StrEnum):
    """Why nothing is stored now. Pages and messages have their own sentence for each."""

    CREDENTIAL = "credential"  # 401, 403: token, user or rights
    NOT_FOUND = "not-found"  # database, retention policy, organisation or bucket, or no InfluxDB at this path
    STRANGER = "not-influxdb"  # something else answers at this address
    SECRET = "secret"  # noqa: S105 - a word, no password: the token or password cannot be read here
    TLS = "tls"  # certificate not trusted, or no TLS there; the CA file cannot be read
    ALL_REFUSED = "all-refused"  # not one line is taken, for reasons that are not the lines'
    LIMIT = "store-limit"  # a bound that an admin set for series, tags, requests or room
    LINES = "lines-refused"  # more of them than a handful, for good
    BUSY = "busy"  # 429, 503
    BROKEN = "server-error"  # other 5xx
    UNREACHABLE = "unreachable"  # refused, no route, no such name
    LOST = "connection-lost"  # reset, or hung up in the middle
    SLOW = "too-slow"  # no answer within the deadline
    SILENT = "nothing-written"  # for six hours, though lines wait
    DROPPED = "points-dropped"  # the spool's bound was reached


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. Header names are in lower case; the body is its beginning, at most 64 KiB."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Stored:
    """Every line of the request is in the store."""


@dataclass(frozen=True, slots=True)
class BadLines:
    """Lines are at fault. `certain`: the words are a store's about lines; otherwise it may be our request or a proxy."""

    why: str
    certain: bool
    dropped: int | None = None  # so many lines of the request, as it says itself
    named: Mapping[bytes, str] | None = None  # the lines that it quotes, with its words on each


@dataclass(frozen=True, slots=True)
class TooLarge:
    """Send less at a time."""


@dataclass(frozen=True, slots=True)
class Later:
    """It will pass. `after_s`: as told by the server."""

    reason: Reason
    after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A person must mend something first."""

    reason: Reason


Verdict = Stored | BadLines | TooLarge | Later | Refused

# tsdb/store.go, models/points.go and http/write_handler.go of InfluxDB 1 and 2; "partial write of line protocol" is 3's.
_OF_LINES = re.compile(r"unable to parse|partial write|field type conflict|points beyond retention|dropped=\d")
# tsdb/shard.go and tsdb/index of InfluxDB 1, the operating system, the quotas of 2 and 3: what the server lacks, not a line.
_LIMITS = re.compile(
    r"max-series-per-database|max-values-per-tag|cache-max-memory-size|cache maximum memory size"
    r"|no space left on device|disk (is )?full|disk quota|quota exceeded|limit exceeded|exceeded (the )?(quota|limit)",
    re.IGNORECASE,
)
_IN_QUOTES = re.compile(r"['\"].*['\"]")
_CLOSED = re.compile(r"engine is closed|shard is disabled|shutting down", re.IGNORECASE)  # it stops, or starts
_DROPPED = re.compile(r"dropped=(\d{1,9})\b")
# One line each: unable to parse 'm v=x 1': invalid number. The quoted line may itself hold quotes and colons.
_QUOTED = re.compile(r"unable to parse '(.+)': (.+)")


def judge(answer: Answer, now: datetime) -> Verdict:
    """What to do about this answer. `now` is for a Retry-After that is a date, when the answer has no Date itself."""
    match answer.status:
        case 204:
            return Stored()
        case 400 | 422:
            return _about_lines(answer)
        case 401 | 403:
            return Refused(Reason.CREDENTIAL)
        case 404:
            return Refused(Reason.NOT_FOUND)
        case 408:
            return Later(Reason.SLOW)
        case 413:
            return TooLarge()
        case 429 | 503:
            return Later(Reason.BUSY, retry_after_s(answer.headers, now))
        case 500 if "retention policy not found" in _words(answer.body):  # InfluxDB 1.6 says 500, not 404
            return Refused(Reason.NOT_FOUND)
        case 500 | 507 if _LIMITS.search(_words(answer.body)):
            return Refused(Reason.LIMIT)
        case status if 500 <= status < 600:
            return Later(Reason.BROKEN)
        case _:
            return Refused(Reason.STRANGER)


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds, 0 to an hour; None when it says nothing that can be understood. A date is measured by its own clock."""
    told = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", told, re.ASCII):
        return min(float(told), LONGEST_WAIT_S)
    until = _date(told)
    if until is None:
        return None
    wait: timedelta = until - (_date(headers.get("date", "")) or now)
    return min(max(wait.total_seconds(), 0.0), LONGEST_WAIT_S)


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # a zone of many days
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)


def _about_lines(answer: Answer) -> Verdict:
    if "html" in answer.headers.get("content-type", ""):
        return Refused(Reason.STRANGER)
    words = _words(answer.body)
    own = _IN_QUOTES.sub("", words)  # a tag of ours may hold any words
    if _LIMITS.search(own):
        return Refused(Reason.LIMIT)
    if _CLOSED.search(own):
        return Later(Reason.BROKEN)
    dropped = _DROPPED.search(words)
    quoted = (_QUOTED.fullmatch(line.strip()) for line in words.split("\n"))
    return BadLines(
        why=shortened(words) or f"status {answer.status}",
        certain=_OF_LINES.search(words) is not None,
        dropped=int(dropped[1]) if dropped else None,
        named={found[1].encode(errors="replace"): shortened(found[2]) for found in quoted if found is not None},
    )


def _words(body: bytes) -> str:
    """The message in {"error": ...} (1 and 3) or {"message": ...} (2), else the text itself."""
    text = body.decode(errors="replace")
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return text
    said = fields.get("error", fields.get("message")) if isinstance(fields, dict) else None
    return said if isinstance(said, str) else text


def shortened(words: str) -> str:
    """A server's words as one short line that may be shown."""
    return " ".join("".join(c if c.isprintable() else " " for c in words[: WORDS * 4]).split())[:WORDS]
