"""The section of zones: every zone with state and age, what is not normal first; places otherwise stay as in the config."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from htpy import Element, div, fragment, h2, li, p, span, strong, ul
from markupsafe import Markup

from sentinel.core import labels, words
from sentinel.core.codes import ROLES
from sentinel.core.model import Condition, Severity
from sentinel.gateway.page.parts import SEVERITY_LEVEL, lasting, mark, moving, read_ago
from sentinel.gateway.page.values import Reader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, tzinfo

    from htpy import Fragment, Node

    from sentinel.gateway.page.values import ZoneView
    from sentinel.web.language import Language

WELL = ("normal", "supervised")


def show(zones: Sequence[ZoneView], reader: Reader) -> Fragment:
    """All of them."""
    ordered = sorted(zones, key=rank)  # stable: places stay
    return fragment[
        h2[reader.say(labels.ZONES), span(class_="count")[str(len(zones))]],
        ul(class_="rows")[(_again(zone, reader) for zone in ordered)]
        if ordered
        else p(class_="nothing")[mark("unknown"), reader.say(labels.STARTING)],
    ]


def level(zone: ZoneView) -> str:
    """Which of the house's shapes stands for it."""
    if zone.state == Condition.ALARM:
        return SEVERITY_LEVEL[ROLES[zone.role].severity]
    if zone.state == Condition.TROUBLE:
        return SEVERITY_LEVEL[ROLES[zone.role].trouble_severity]
    return "unknown" if zone.state == Condition.UNKNOWN else "calm"


def rank(zone: ZoneView) -> int:
    """0 for what is loudest; what is not known stands with the faults."""
    if zone.state == Condition.ALARM:
        return ROLES[zone.role].severity.rank
    if zone.state == Condition.TROUBLE:
        return ROLES[zone.role].trouble_severity.rank
    return Severity.FAULT.rank if zone.state == Condition.UNKNOWN else Severity.INFO.rank


def _again(zone: ZoneView, reader: Reader) -> Node:
    """For the stream a row is made once: when one zone of a hundred changes the loop is not held for all of them."""
    return _row(zone, reader) if reader.now is not None else _made(zone, reader.lang, reader.zone, reader.day)


@lru_cache(maxsize=1000)
def _made(zone: ZoneView, lang: Language, place: tzinfo, day: date) -> Markup:
    return Markup(_row(zone, Reader(lang, place, day)))  # noqa: S704 - htpy has escaped it


def _row(zone: ZoneView, reader: Reader) -> Element:
    shape = level(zone)
    well = zone.state in WELL or shape == "calm"
    about = [reader.say(labels.KINDS[zone.role]), zone.point]
    if zone.limits:
        about.append(reader.say(labels.LIMIT).format(zone.limits))
    hatched = " hatched" if zone.stale or zone.state == Condition.UNKNOWN else ""
    return li({"class": f"row {shape} {zone.state}{hatched}", "data-key": f"zone:{zone.id}"})[
        mark(shape, "line" if shape in ("fault", "calm", "unknown") else "full"),
        div(class_="what")[strong[reader.say(zone.name)], span(class_="about")[" · ".join(about)]],
        div(class_="state")[
            strong[_state(zone, reader)],
            span(class_="about")[
                zone.since is not None and not well and [lasting(zone.since, reader), " "],
                zone.reason and [span(class_="why")[words.reason(zone.reason, reader.lang)], " "],
                zone.since is not None and not well and zone.state != Condition.UNKNOWN and "· ",
                (well or zone.state != Condition.UNKNOWN) and read_ago(f"zone:{zone.id}", reader),
            ],
        ],
    ]


def _state(zone: ZoneView, reader: Reader) -> Node:
    label = reader.say(zone.label)
    if zone.stale and zone.state == Condition.ALARM:
        return reader.say(labels.LAST_KNOWN).format(label)
    if zone.measured and zone.state in (Condition.NORMAL, Condition.ALARM):
        return [moving(f"value:{zone.id}", reader), span(class_="word")[f" {label}"]]
    return [label]
