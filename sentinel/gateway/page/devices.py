"""The section of lines and devices: who answers, since when, how fast; and which zones hide behind whoever does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from htpy import Element, div, fragment, h2, li, span, strong, ul

from sentinel.core import labels, words
from sentinel.gateway.page.parts import lasting, mark, moving, read_ago

if TYPE_CHECKING:
    from collections.abc import Sequence

    from htpy import Fragment

    from sentinel.gateway.page.values import DeviceView, LinkView, Reader


def show(links: Sequence[LinkView], reader: Reader) -> Fragment:
    """Every line with its devices."""
    return fragment[h2[reader.say(labels.DEVICES)], (_link(link, reader) for link in links)]


def _link(link: LinkView, reader: Reader) -> Element:
    kind = labels.LINES.get(link.kind)
    shape = shape_of(link.up)
    return ul({"class": "rows link", "data-key": f"link:{link.id}"})[
        li(class_=f"row {shape} {_word(link.up)}")[
            mark(shape, "line"),
            div(class_="what")[
                strong[link.id],
                span(class_="about")[link.kind if kind is None else reader.say(kind)],
            ],
            div(class_="state")[
                strong[standing(link.up, reader)],
                span(class_="about")[
                    link.up is False and link.since is not None and [lasting(link.since, reader), " "],
                    link.reason and span(class_="why")[words.reason(link.reason, reader.lang)],
                    link.up is True and [reader.say(labels.LATENCY), " ", moving(f"latency:{link.id}", reader), " · "],
                    link.up is True and [reader.say(labels.ERRORS), " ", moving(f"errors:{link.id}", reader)],
                ],
            ],
        ],
        (_device(device, reader) for device in link.devices),
    ]


def _device(device: DeviceView, reader: Reader) -> Element:
    shape = shape_of(device.up)
    return li({"class": f"row device {shape} {_word(device.up)}", "data-key": f"device:{device.id}"})[
        mark(shape, "line"),
        div(class_="what")[
            strong[reader.say(device.name)],
            span(class_="about")[device.id],
        ],
        div(class_="state")[
            strong[standing(device.up, reader)],
            span(class_="about")[
                not device.up and device.since is not None and [lasting(device.since, reader), " "],
                device.reason and span(class_="why")[words.reason(device.reason, reader.lang)],
                device.up and read_ago(f"device:{device.id}", reader),
            ],
        ],
        (not device.up and bool(device.zones))
        and span(class_="behind")[reader.say(labels.HIDES), ": ", ", ".join(reader.say(name) for name in device.zones)],
    ]


def shape_of(up: bool | None) -> str:
    """A thing that is up is calm, down is a fault, and what nobody knows is neither."""
    return "calm" if up else "unknown" if up is None else "fault"


def _word(up: bool | None) -> str:
    return "normal" if up else "unknown hatched" if up is None else "lost hatched"


def standing(up: bool | None, reader: Reader) -> str:
    """Up, lost, unknown."""
    return reader.say(labels.UP if up else labels.NOT_KNOWN if up is None else labels.LOST)
