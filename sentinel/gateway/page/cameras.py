"""The section of recorders and cameras: the places that must be seen, then each recorder with its cameras.

A camera says whether its picture comes, what proves that it records, how far back it goes against what is required, and
its longest gap. What a recorder cannot say is said to be so, and is neither well nor broken.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from htpy import Element, div, fragment, h2, li, span, strong, ul
from markupsafe import Markup

from sentinel.core import labels, words
from sentinel.core.coverage import Seen
from sentinel.core.model import Condition, Failure, Role
from sentinel.core.said import span as time_span
from sentinel.gateway.page.parts import mark, read_ago
from sentinel.gateway.page.values import Reader
from sentinel.gateway.page.zones import level, rank

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, tzinfo

    from htpy import Fragment, Node

    from sentinel.core.model import Text
    from sentinel.gateway.page.values import (
        CamerasView,
        CameraView,
        FigureView,
        FindingView,
        PlaceView,
        RecorderView,
    )
    from sentinel.web.language import Language

LEVELS = {Seen.SEEN: "calm", Seen.DARK: "fault", Seen.MISSING: "fault", Seen.UNKNOWN: "unknown"}


def show(view: CamerasView, reader: Reader) -> Fragment:
    """Nothing where there is no recorder."""
    if not view.recorders and not view.places:
        return fragment[None]
    count = sum(len(one.cameras) for one in view.recorders)
    return fragment[
        h2[reader.say(labels.CAMERAS), span(class_="count")[str(count)]],
        bool(view.places) and ul(class_="places")[(_place(place, reader) for place in view.places)],
        (_recorder(one, reader) for one in view.recorders),
    ]


def _place(place: PlaceView, reader: Reader) -> Element:
    accepted = place.accepted and place.seen == Seen.MISSING
    shape = LEVELS[Seen(place.seen)]
    said = reader.say(labels.SEEN[place.seen])
    fill = " accepted" if accepted else " hatched" if shape == "unknown" else ""
    return li({"class": f"place-seen {shape}{fill}", "data-key": f"place:{place.sight}"})[
        mark(shape, "old" if accepted else "line"),
        div[
            strong[reader.say(labels.PLACES[place.sight])],
            span(class_="word")[f"{said}: {reader.say(labels.ACCEPTED)}" if accepted else said],
            span(class_="about")[", ".join(reader.say(name) for name in place.cameras)],
        ],
    ]


def _recorder(one: RecorderView, reader: Reader) -> Element:
    return ul({"class": "rows filmed", "data-key": f"recorder:{one.id}"})[
        _row(one.findings, _worst(one.findings), one.id, reader.say(one.name), one.about, _said(one.findings, reader)),
        (_again(camera, reader) for camera in one.cameras),
    ]


def _again(camera: CameraView, reader: Reader) -> Node:
    """For the stream a camera is made once, as a zone is."""
    return _camera(camera, reader) if reader.now is not None else _made(camera, reader.lang, reader.zone, reader.day)


@lru_cache(maxsize=600)
def _made(camera: CameraView, lang: Language, place: tzinfo, day: date) -> Markup:
    return Markup(_camera(camera, Reader(lang, place, day)))  # noqa: S704 - htpy has escaped it


def _camera(camera: CameraView, reader: Reader) -> Element:
    return _row(
        camera.findings,
        f"camera {_worst(camera.findings, short=_short(camera))}",
        camera.id,
        reader.say(camera.name),
        _sees(camera, reader),
        [*_said(camera.findings, reader), *_figures(camera, reader)],
    )


def _row(findings: Sequence[FindingView], kind: str, id_: str, name: str, about: str, facts: Sequence[Node]) -> Element:
    unsure = any(one.zone.stale or one.zone.state == Condition.UNKNOWN for one in findings if not _unjudged(one))
    return li({"class": f"row {kind}{' hatched' if unsure else ''}", "data-key": f"film:{id_}"})[
        mark(kind.rpartition(" ")[2], "line"),
        div(class_="what")[strong[name], span(class_="about")[about]],
        ul(class_="facts")[facts],
    ]


def _worst(findings: Sequence[FindingView], *, short: bool = False) -> str:
    """The shape of a row: of its loudest finding; what is not known is no fault, and is not calm."""
    worst = min((one.zone for one in findings if not _unjudged(one)), key=rank, default=None)
    shape = "unknown" if worst is None else level(worst)
    return "fault" if short and shape in ("calm", "unknown") else shape


def _unjudged(finding: FindingView) -> bool:
    """Nobody has looked at its picture yet: no doubt at whether it comes and is recorded."""
    return finding.zone.role is Role.CAMERA_PICTURE and finding.zone.state == Condition.UNKNOWN


def _short(camera: CameraView) -> bool:
    """Fewer days than required; one is forgiven, as the recorder's own finding forgives it."""
    kept = camera.oldest_d.value
    return kept is not None and kept < camera.required_d - 1


def _sees(camera: CameraView, reader: Reader) -> str:
    places = ", ".join(reader.say(labels.PLACES[sight]) for sight in camera.sees)
    mode = labels.MODES.get(camera.mode)
    parts = [reader.say(labels.SEES).format(places) if places else "", reader.say(mode) if mode else ""]
    return " · ".join(part for part in parts if part)


def _said(findings: Sequence[FindingView], reader: Reader) -> list[Node]:
    """One line each; those that are not known for one reason stand together."""
    lines: list[Node] = [_line(finding, reader) for finding in findings if finding.zone.state != Condition.UNKNOWN]
    unknown: dict[tuple[str, bool], list[FindingView]] = {}
    for finding in findings:
        if finding.zone.state == Condition.UNKNOWN:
            unknown.setdefault((finding.zone.reason, _unjudged(finding)), []).append(finding)
    for (reason, unjudged), alike in unknown.items():
        kinds = ", ".join(dict.fromkeys(reader.say(labels.KINDS[finding.zone.role]) for finding in alike))
        why = reader.say(labels.NOT_JUDGED) if unjudged and not reason else _why(reason, reader)
        lines.append(li(class_="fact unknown")[mark("unknown", "line"), span[f"{kinds}: ", strong[why]]])
    return lines


def _why(reason: str, reader: Reader) -> str:
    if reason == Failure.UNSUPPORTED:
        return reader.say(labels.CANNOT_SAY)
    return words.reason(reason, reader.lang) if reason else reader.say(words.CONDITIONS[Condition.UNKNOWN])


def _line(finding: FindingView, reader: Reader) -> Element:
    shape, zone = level(finding.zone), finding.zone
    said = reader.say(finding.said)
    if zone.stale:
        said = reader.say(labels.LAST_KNOWN).format(said)
    return li({"class": f"fact {shape}", "data-key": f"zone:{zone.id}"})[
        shape != "calm" and mark(shape, "line"),
        span[
            not finding.own and f"{reader.say(labels.KINDS[zone.role])}: ",
            strong[said],
            " ",
            span(class_="soft")[read_ago(f"zone:{zone.id}", reader)],
        ],
    ]


def _figures(camera: CameraView, reader: Reader) -> Iterator[Node]:
    if camera.required_d:
        kept = camera.oldest_d.value
        said = None if kept is None else reader.say(labels.KEPT).format(kept, camera.required_d)
        yield _figure(camera.oldest_d, labels.OLDEST, said, reader, short=_short(camera))
    gap = camera.gap_s.value
    said = None if gap is None else reader.say(labels.GAP).format(time_span(gap, reader.lang))
    yield _figure(camera.gap_s, labels.LAST_GAP, reader.say(labels.NO_GAP) if gap == 0 else said, reader)


def _figure(figure: FigureView, name: Text, said: str | None, reader: Reader, *, short: bool = False) -> Element:
    if said is None:
        why = labels.CANNOT_SAY if figure.cannot else labels.NOT_KNOWN
        return li(class_="fact soft")[span[f"{reader.say(name)}: {reader.say(why)}"]]
    return li(class_="fact fault" if short else "fact")[
        short and mark("fault", "line"),
        span[strong[said], " ", span(class_="soft")[read_ago(figure.key, reader)]],
    ]
