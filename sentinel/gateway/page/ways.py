"""The section of ways out: each channel and each room, whether it can be used, and what it last carried."""

from __future__ import annotations

from typing import TYPE_CHECKING

from htpy import Element, div, fragment, h2, li, span, strong, ul

from sentinel.core import labels, words
from sentinel.gateway.page.devices import shape_of
from sentinel.gateway.page.parts import ago, lasting, mark, tick

if TYPE_CHECKING:
    from collections.abc import Sequence

    from htpy import Fragment

    from sentinel.gateway.page.values import Reader, WayView


def show(ways: Sequence[WayView], reader: Reader) -> Fragment:
    """All of them, in the order of the config."""
    return fragment[h2[reader.say(labels.WAYS)], ul(class_="rows")[(_way(way, reader) for way in ways)]]


def _way(way: WayView, reader: Reader) -> Element:
    shape = shape_of(way.up)
    word = "normal" if way.up else "hatched" if way.up is None else "lost"
    return li({"class": f"row way {shape} {word}", "data-key": f"way:{way.id}"})[
        mark(shape, "line"),
        div(class_="what")[
            strong[_name(way, reader)], span(class_="about")[_about(way, reader)], _carried(way, reader)
        ],
        div(class_="state")[
            strong[_state(way, reader)],
            span(class_="about")[
                lasting(way.since, reader),
                way.reason and [" · ", span(class_="why")[words.reason(way.reason, reader.lang)]],
            ],
        ],
    ]


def _name(way: WayView, reader: Reader) -> str:
    if way.room:
        return reader.say(labels.ROOM).format(way.id)
    kind = labels.CHANNELS.get(way.kind)
    return way.id if kind is None else reader.say(kind)


def _about(way: WayView, reader: Reader) -> str:
    path = labels.PATHS.get(way.path)
    return " · ".join([way.id, way.path if path is None else reader.say(path)])


def _state(way: WayView, reader: Reader) -> str:
    if way.up is None:
        return reader.say(labels.NOT_TRIED)
    if way.room:
        return reader.say(labels.ROOM_UP if way.up else labels.ROOM_DOWN)
    return reader.say(labels.UP if way.up else labels.DOWN)


def _carried(way: WayView, reader: Reader) -> Element:
    if way.last is None:
        return span(class_="about last")[reader.say(labels.NOTHING_CARRIED)]
    message = labels.MESSAGES.get(way.last.words)
    return span(class_="about last")[
        reader.say(labels.LAST_CARRIED),
        ": ",
        way.last.words if message is None else reader.say(message),
        " → ",
        reader.say(way.last.who),
        " ",
        tick(way.last.state, reader),
        " ",
        ago(way.last.at, reader),
    ]
