"""The head of the page: who and where we are, which rooms have us, how the daemon is, and what is open, worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from htpy import Element, a, div, fragment, h1, p, span

from sentinel.core import labels, words
from sentinel.gateway.page.devices import shape_of
from sentinel.gateway.page.parts import SEVERITY_LEVEL, lasting, mark, moving

if TYPE_CHECKING:
    from htpy import Fragment

    from sentinel.gateway.page.values import HeadView, Reader, RoomView


def show(head: HeadView, reader: Reader) -> Fragment:
    """The bar. The live mark and the language switch belong to the frame around it."""
    return fragment[
        h1[span(class_="bank")[head.bank], " ", reader.say(head.branch)],
        p(class_="place")[
            reader.say(head.station),
            [[" · ", _room(room, reader)] for room in head.rooms],
            " · ",
            moving("now", reader),
        ],
        p(class_=f"health {head.health}")[
            head.health != "ok" and mark("high" if head.health == "bare" else "fault", "line"),
            reader.say(labels.HEALTH[head.health]),
            bool(head.reasons) and span(class_="why")[": ", "; ".join(_reason(one, reader) for one in head.reasons)],
        ],
        not head.clock
        and p(class_="health impaired")[
            mark("unknown", "line"), reader.say(labels.CLOCK), ": ", reader.say(labels.CLOCK_BAD)
        ],
        head.open
        and div(class_="tally")[
            (
                a(class_=f"count {SEVERITY_LEVEL[severity]}", href="#incidents")[
                    mark(SEVERITY_LEVEL[severity], "line"), str(count), " ", reader.say(words.SEVERITIES[severity])
                ]
                for severity, count in head.open
            )
        ],
    ]


def _reason(reason: str, reader: Reader) -> str:
    part, colon, rest = reason.partition(":")
    said = labels.PARTS.get(part)
    told = "; ".join(words.reason(one.strip(), reader.lang) for one in rest.split(";")) if rest else ""
    return f"{part if said is None else reader.say(said)}{colon} {told}".rstrip()


def _room(room: RoomView, reader: Reader) -> Element:
    said = labels.NOT_KNOWN if room.up is None else labels.ROOM_UP if room.up else labels.ROOM_DOWN
    return span(class_=f"room {'well' if room.up else 'ill'}")[
        not room.up and mark(shape_of(room.up), "line"),
        reader.say(labels.ROOM).format(room.id),
        " ",
        reader.say(said),
        " ",
        lasting(room.since, reader),
    ]
