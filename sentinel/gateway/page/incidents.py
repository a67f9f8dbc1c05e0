"""The section of incidents: what is open, whose turn it is, who was told and how far it got, who comes next, the answer.

Fill says whose turn it is: full until somebody answered, an outline then or for a fault, dim when the answer is old.
Never handed anything silent: `showing` has taken it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import htpy
from htpy import (
    Element,
    a,
    article,
    button,
    details,
    div,
    form,
    fragment,
    h2,
    h3,
    img,
    label,
    li,
    ol,
    p,
    span,
    strong,
    summary,
    ul,
)
from markupsafe import Markup

from sentinel.core import labels, words
from sentinel.core.incident import NoticeState
from sentinel.core.model import Condition, Text
from sentinel.gateway.page.parts import SEVERITY_LEVEL, ago, around, clock, mark, tick, timer
from sentinel.gateway.page.values import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime, tzinfo

    from htpy import Fragment, Node

    from sentinel.gateway.page.values import IncidentsView, IncidentView, NoticeView, PictureView
    from sentinel.web.language import Language

MOST_EVENTS = 30  # of a timeline, the newest; and whatever was the first


@dataclass(frozen=True, slots=True)
class _Event:
    at: datetime
    what: Node
    first: bool = False  # of the beginning: never left out


def show(incidents: IncidentsView, reader: Reader) -> Fragment:
    """Open ones, then the last closed."""
    count = len(incidents.open) + incidents.more
    return fragment[
        h2[reader.say(labels.INCIDENTS), count > 0 and span(class_="count")[str(count)]],
        (_again(one, reader) for one in incidents.open),
        incidents.more > 0
        and p({"class": "more-open nothing", "data-count": str(incidents.more)})[
            reader.say(labels.MORE_OPEN).format(incidents.more)
        ],
        not incidents.complete and p(class_="nothing")[mark("unknown"), reader.say(labels.NOT_COMPLETE)],
        incidents.complete
        and not incidents.open
        and p(class_="nothing")[mark("calm", "line"), reader.say(labels.NOTHING_OPEN)],
        bool(incidents.closed)
        and details(class_="recent")[
            summary[reader.say(labels.RECENT), span(class_="count")[str(len(incidents.closed))]],
            ul(class_="rows")[(_closed(one, reader) for one in incidents.closed)],
        ],
    ]


def _again(one: IncidentView, reader: Reader) -> Node:
    """For the stream a card is made once: when one of many changes, only that one is made."""
    return _card(one, reader) if reader.now is not None else _made(one, reader.lang, reader.zone, reader.day)


@lru_cache(maxsize=200)
def _made(one: IncidentView, lang: Language, place: tzinfo, day: date) -> Markup:
    return Markup(_card(one, Reader(lang, place, day)))  # noqa: S704 - htpy has escaped it


def _card(one: IncidentView, reader: Reader) -> Element:
    shape = "test" if one.test else SEVERITY_LEVEL[one.severity]
    return article({"class": f"incident box {shape} {_fill(one)}", "id": f"i{one.code}"})[
        div(class_="top")[
            mark(shape, _fill(one)),
            h3[
                one.test and [reader.say(labels.TESTING), ": "],
                _what(one, reader),
                " ",
                span(class_="code")[reader.say(labels.CODE).format(one.code)],
            ],
            timer(one.again_at or one.opened_at, reader),
        ],
        p(class_="where")[
            reader.say(one.name),
            " · ",
            reader.say(words.SEVERITIES[one.severity]),
            bool(_reason(one, reader)) and [" · ", _reason(one, reader)],
            " · ",
            reader.say(labels.STILL_ACTIVE if one.active else labels.OVER),
        ],
        bool(one.hides)
        and p(class_="hides")[reader.say(labels.HIDES), ": ", ", ".join(reader.say(name) for name in one.hides)],
        one.untold and p(class_="untold")[reader.say(labels.NOBODY_TOLD)],
        p(class_="turn")[_turn(one, reader)],
        any(notice.alarm for notice in one.notices)
        and ul({"class": "told-list", "aria-label": reader.say(labels.TOLD)})[
            (_told(notice, reader) for notice in one.notices if notice.alarm)
        ],
        bool(one.pictures) and _pictures(one, reader),
        p(class_="next")[strong[reader.say(labels.NEXT)], ": ", _next(one, reader)],
        div(class_="more")[
            _answer(one, reader),
            details(class_="timeline")[
                summary[reader.say(labels.TIMELINE)], ol[_timeline(_events(one, reader), reader)]
            ],
        ],
    ]


def _fill(one: IncidentView) -> str:
    if one.test:
        return "dotted"
    if one.standing is not None:
        return "old" if one.old else "line"
    return "line" if one.fault else "full"


def _what(one: IncidentView, reader: Reader) -> str:
    if one.alarm:
        return reader.say(labels.HAPPENED.get(one.role, words.ROLES[one.role]))
    return f"{reader.say(labels.KINDS[one.role])}: {reader.say(words.CONDITIONS[Condition.TROUBLE])}"


def _reason(one: IncidentView, reader: Reader) -> str:
    if one.said is not None:
        return reader.say(one.said)
    return words.reason(one.reason, reader.lang) if one.reason else ""


def _turn(one: IncidentView, reader: Reader) -> Node:
    if not one.answers:
        return reader.say(labels.UNANSWERED)
    last = one.standing or one.answers[-1]
    said = [
        f"{reader.say(last.by)}: {reader.say(last.what)}",
        " ",
        clock(last.at, reader),
    ]
    if one.standing is not None:
        return [*said, last.until is not None and [", ", _until(last.until, reader)]]
    return [*said, "; ", strong[reader.say(labels.POLICE_OWE if one.police_owe else labels.RAN_OUT)]]


def _until(at: datetime, reader: Reader) -> Node:
    return around(labels.UNTIL, clock(at, reader), reader)


def _told(notice: NoticeView, reader: Reader) -> Element:
    """How far the alarm got: its newest attempt, and not what was said later. And when it first left, where it did."""
    return li[
        span(class_="who")[reader.say(notice.who), " · ", reader.say(notice.channel)],
        " ",
        tick(notice.state, reader),
        " ",
        clock(notice.at, reader),
        _times(notice, reader),
        _why(notice, reader),
    ]


def _times(notice: NoticeView, reader: Reader) -> Node:
    if notice.first is None or notice.first == notice.at:
        return None
    first = around(labels.FIRST, clock(notice.first, reader), reader)
    if notice.times == 1:
        return [" ", span(class_="times")["· ", first]]
    return [" ", span(class_="times")["· ", reader.say(labels.TIMES).format(notice.times), ", ", first]]


def _why(notice: NoticeView, reader: Reader) -> Node:
    """What stopped it. Of one that was withdrawn the word itself says why."""
    said = notice.reason and notice.state is not NoticeState.WITHDRAWN
    return said and span(class_="why")[" · ", words.reason(notice.reason, reader.lang)]


def _next(one: IncidentView, reader: Reader) -> Node:
    if one.next_at is None or not one.next_who:
        return reader.say(labels.NOBODY_NEXT)
    who = ", ".join(f"{reader.say(name)} · {reader.say(channel)}" for name, channel in one.next_who)
    return [who, " ", around(labels.AT_CLOCK, clock(one.next_at, reader), reader)]


def _pictures(one: IncidentView, reader: Reader) -> Element:
    """What the cameras saw, as it went on. Each is fetched when it comes into view, and opens whole beside the page."""
    return ul({"class": "pictures", "aria-label": reader.say(labels.PICTURES)})[
        one.more_pictures > 0 and li(class_="soft")[reader.say(labels.EARLIER).format(one.more_pictures)],
        (_picture(one.code, picture, reader) for picture in one.pictures),
    ]


def _picture(code: str, one: PictureView, reader: Reader) -> Element:
    address, camera = f"/api/v1/incidents/{code}/pictures/{one.ref}", reader.say(one.camera)
    moment = reader.say(labels.BEFORE if one.before else labels.AFTER)
    return li({"data-key": f"picture:{one.ref}"})[
        a(href=address, target="_blank", rel="noopener")[
            img(
                src=address,
                alt=reader.say(labels.PICTURE_OF).format(camera),
                width="160",
                height="120",
                loading="lazy",
                decoding="async",
            ),
            span(class_="camera")[camera],
            span(class_="moment")[moment, " · ", clock(one.at, reader, to_second=True)],
        ]
    ]


def _answer(one: IncidentView, reader: Reader) -> Element:
    field = f"by-{one.code}"
    return details(class_="respond", open=not one.fault and one.standing is None)[
        summary[reader.say(labels.ACKNOWLEDGE)],
        form(
            {
                "class": "answer",
                "data-code": one.code,
                "method": "dialog",  # without its script it goes nowhere
            }
        )[
            label(for_=field)[reader.say(labels.YOUR_NAME)],
            htpy.input(
                {
                    "id": field,
                    "name": "by",
                    "maxlength": "80",
                    "required": True,
                    "autocomplete": "name",
                }
            ),
            button(type="submit", aria_describedby=f"does-{one.code}")[reader.say(labels.ACKNOWLEDGE)],
            p(class_="outcome", role="status", data_own=True),
        ],
        p(class_="does", id=f"does-{one.code}")[reader.say(labels.WHAT_IT_DOES[one.severity])],
        p(class_="elsewhere")[reader.say(labels.ANSWER_ELSEWHERE).format(code=one.code)],
    ]


def _events(one: IncidentView, reader: Reader) -> list[_Event]:
    """All of them, oldest first."""

    def every() -> Iterator[_Event]:
        told = _reason(one, reader)
        reason = told and f": {told}"
        yield _Event(one.opened_at, [reader.say(labels.OPENED), reason], first=True)
        if one.again_at is not None:
            yield _Event(one.again_at, reader.say(labels.AGAIN))
        for notice in one.notices:
            yield from _notice(notice, reader)
        for answer in one.answers:
            yield _Event(answer.at, f"{reader.say(answer.by)}: {reader.say(answer.what)}")
        if one.closed_at is not None:
            yield _Event(one.closed_at, _result(one, reader))

    # Within a second in the order of things: which of two letters was refused first says nothing.
    return sorted(every(), key=lambda event: event.at.replace(microsecond=0))


def _notice(notice: NoticeView, reader: Reader) -> Iterator[_Event]:
    """The first that left, which is what people ask for afterwards, and the newest."""
    message = labels.MESSAGES.get(notice.words, Text(notice.words, notice.words))
    said = f"{reader.say(message)} → {reader.say(notice.who)} · {reader.say(notice.channel)}"
    if notice.first is not None and notice.first != notice.at:
        yield _Event(notice.first, [said, " ", tick(NoticeState.SENT, reader)], first=notice.alarm and notice.police)
    left = notice.state in (NoticeState.SENT, NoticeState.DELIVERED, NoticeState.READ)
    times = f" ({reader.say(labels.TIMES).format(notice.times)})" if left and notice.times > 1 else ""
    only = notice.first == notice.at and notice.alarm and notice.police
    yield _Event(notice.at, [said, times, " ", tick(notice.state, reader), _why(notice, reader)], first=only)


def _timeline(events: list[_Event], reader: Reader) -> Iterator[Element]:
    """The first and the newest; how many lie between is said in their place."""
    cut = len(events) - MOST_EVENTS
    left_out = sum(not event.first for event in events[: max(0, cut)])
    for number, event in enumerate(events):
        if number == cut and left_out:
            yield li(class_="soft")[reader.say(labels.NOT_SHOWN).format(left_out)]
        if number >= cut or event.first:
            yield li[clock(event.at, reader), " ", span(class_="event")[event.what]]


def _result(one: IncidentView, reader: Reader) -> str:
    said = "-" if one.disposition is None else reader.say(one.disposition)
    by = "" if one.closed_by is None else f" · {reader.say(one.closed_by)}"
    return reader.say(labels.CLOSED).format(said) + by


def _closed(one: IncidentView, reader: Reader) -> Element:
    return li(class_="row calm closed")[
        mark("test" if one.test else SEVERITY_LEVEL[one.severity], "old"),
        div(class_="what")[
            strong[_what(one, reader)],
            span(class_="about")[reader.say(one.name), " · ", reader.say(labels.CODE).format(one.code)],
        ],
        div(class_="state")[
            strong["-" if one.disposition is None else reader.say(one.disposition)],
            span(class_="about")[
                one.closed_by is not None and [reader.say(one.closed_by), " · "],
                one.closed_at is not None and ago(one.closed_at, reader),
            ],
        ],
    ]
