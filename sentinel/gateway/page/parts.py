"""What the sections of the page share: marks (shape, colour and word of a level), ages, clock times, figures. Pure."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from htpy import Element, fragment, span, time

from sentinel.core import labels
from sentinel.core.incident import NoticeState
from sentinel.core.model import Severity
from sentinel.web import ages
from sentinel.web.document import shape

if TYPE_CHECKING:
    from datetime import datetime

    from htpy import Fragment

    from sentinel.core.model import Text
    from sentinel.gateway.page.values import Reader

SHAPES = {
    "critical": "octagon",
    "high": "triangle",
    "fault": "diamond",
    "unknown": "ring",
    "calm": "dot",
    "test": "test",
}
SEVERITY_LEVEL = {Severity.CRITICAL: "critical", Severity.HIGH: "high", Severity.FAULT: "fault", Severity.INFO: "calm"}
TICKS = {
    NoticeState.PENDING: "failed",
    NoticeState.SENDING: "ringing",
    NoticeState.SENT: "sent",
    NoticeState.DELIVERED: "delivered",
    NoticeState.READ: "delivered",
    NoticeState.FAILED: "failed",
}


def mark(level: str, fill: str = "line") -> Element:
    """A level's shape, which always stands beside its word. `fill`: full, line, old or dotted."""
    return span(class_=f"mark {level} {fill}")[shape(SHAPES[level])]


def tick(state: NoticeState, reader: Reader) -> Element:
    """How far a notice got: mark and word."""
    drawn = TICKS.get(state)
    return span(class_=f"told {state}")[drawn and [shape(drawn), " "], reader.say(labels.NOTICES[state])]


def lasting(at: datetime, reader: Reader) -> Fragment:
    """`for 26 min`."""
    return around(labels.FOR, ages.age(at.timestamp(), reader.now_s(), reader.lang), reader)


def ago(at: datetime, reader: Reader) -> Fragment:
    """`26 min ago`."""
    return around(labels.AGO, ages.age(at.timestamp(), reader.now_s(), reader.lang), reader)


def timer(at: datetime, reader: Reader) -> Element:
    """`00:47`, the time that something has been open."""
    return ages.age(at.timestamp(), reader.now_s(), reader.lang, as_clock=True)


def read_ago(key: str, reader: Reader) -> Fragment:
    """The age of a value that is read again and again: it comes with the pulse, under this key."""
    return around(labels.AGO, ages.age(reader.live.ages.get(key), reader.now_s(), reader.lang, key=key), reader)


def moving(key: str, reader: Reader) -> Element:
    """A number that comes with the pulse, under this key."""
    return span({"class": "moving", "data-live": key})[reader.live.words.get(key, "")]


def clock(at: datetime, reader: Reader, *, to_second: bool = False) -> Element:
    """14:02 today, 22-11 14:02 on another day: in the branch's own time."""
    there = at.astimezone(reader.zone)
    text = f"{there:%H:%M:%S}" if to_second else f"{there:%H:%M}"
    if there.date() != reader.day:
        text = f"{there:%d-%m} {text}"
    return time(datetime=at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"))[text]


def around(form: Text, inside: Element, reader: Reader) -> Fragment:
    """The words of `form` with something in the place of its braces."""
    before, _, after = reader.say(form).partition("{}")
    return fragment[before, inside, after]


def number(value: float) -> str:
    """13.2, 28, 0.05: as few figures as say it."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if abs(value) < 1 else f"{value:.1f}".removesuffix(".0")


def size(count: float) -> str:
    """Bytes as a person reads them."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
