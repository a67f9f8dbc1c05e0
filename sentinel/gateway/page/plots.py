"""The section of plots: each recorded number over its last day as a small drawing, with its limits.

The drawing is the first paint; where there is a script, plots.js puts one in its place that can be zoomed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from htpy import Element, button, div, figcaption, figure, fragment, h2, p, span, strong, svg
from markupsafe import Markup

from sentinel.core import labels
from sentinel.gateway.page.parts import moving, number, read_ago

if TYPE_CHECKING:
    from collections.abc import Sequence

    from htpy import Fragment

    from sentinel.gateway.page.values import CurveView, Reader

WIDTH, HEIGHT, EDGE = 600, 120, 6


def show(curves: Sequence[CurveView], reader: Reader) -> Fragment:
    """All of them."""
    return fragment[
        h2[
            reader.say(labels.PLOTS),
            span(class_="spans", data_own=True)[
                (
                    button(type="button", data_hours=str(hours), aria_pressed="true" if hours == 24 else "false")[
                        reader.say(text)
                    ]
                    for hours, text in labels.SPANS.items()
                )
            ],
        ],
        bool(curves) and p(class_="zoom soft")[reader.say(labels.ZOOM)],
        div(class_="plots")[(_plot(curve, reader) for curve in curves)],
        not curves and p(class_="nothing")[reader.say(labels.NO_RECORD)],
    ]


def _plot(curve: CurveView, reader: Reader) -> Element:
    limits = [number(limit) for limit in (curve.low, curve.high) if limit is not None]
    attributes = {
        "class": "plot",
        "data-key": curve.point,
        "data-point": curve.point,
        "data-unit": curve.unit,
        "data-low": "" if curve.low is None else f"{curve.low:g}",
        "data-high": "" if curve.high is None else f"{curve.high:g}",
    }
    return figure(attributes)[
        figcaption[
            strong[reader.say(curve.name)],
            span(class_="about")[
                curve.point,
                [[" · ", reader.say(labels.LIMIT).format(f"{limit} {curve.unit}")] for limit in limits],
            ],
            span(class_="latest")[
                moving(f"point:{curve.point}", reader), span(class_="about")[read_ago(f"point:{curve.point}", reader)]
            ],
        ],
        div(class_="canvas", data_own=True)[_drawing(curve, reader)],
        p(class_="readout", aria_hidden="true", data_own=True),
    ]


def _drawing(curve: CurveView, reader: Reader) -> Element:
    if not curve.rows:
        return p(class_="nothing")[reader.say(labels.NO_RECORD)]
    lows, highs = [row[1] for row in curve.rows], [row[2] for row in curve.rows]
    said = (
        f"{reader.say(curve.name)}: {reader.say(labels.LOWEST)} {number(min(lows))}, "
        f"{reader.say(labels.HIGHEST)} {number(max(highs))} {curve.unit}"
    )
    attributes = {
        "class": "sparkline", "viewBox": f"0 0 {WIDTH} {HEIGHT}", "preserveAspectRatio": "none", "role": "img", "aria-label": said,
    }  # fmt: skip
    return svg(attributes)[Markup(paths(curve))]  # noqa: S704 - made of numbers alone


def paths(curve: CurveView) -> str:
    """The band between lowest and highest, broken where nothing was recorded, and a line for each limit."""
    limits = [limit for limit in (curve.low, curve.high) if limit is not None]
    bottom = min(*(row[1] for row in curve.rows), *limits, *(row[2] for row in curve.rows))
    top = max(*(row[2] for row in curve.rows), *limits, *(row[1] for row in curve.rows))
    room = (top - bottom) or 1.0
    wide = max(curve.end_s - curve.begin_s, 1)

    def x(at: float) -> str:
        return f"{(at - curve.begin_s) / wide * WIDTH:.1f}"

    def y(value: float) -> str:
        return f"{EDGE + (top - value) / room * (HEIGHT - 2 * EDGE):.1f}"

    drawn = [f'<path class="limit" d="M0 {y(limit)}H{WIDTH}"/>' for limit in limits]
    for run in runs(curve):
        over = "L".join(f"{x(at + curve.step_s / 2)} {y(high)}" for at, _, high in run)
        under = "L".join(f"{x(at + curve.step_s / 2)} {y(low)}" for at, low, _ in reversed(run))
        drawn.append(f'<path class="band" d="M{over}L{under}Z"/>')
    return "".join(drawn)


def runs(curve: CurveView) -> list[list[tuple[int, float, float]]]:
    """Rows without a gap between them: what was not recorded is not drawn."""
    found: list[list[tuple[int, float, float]]] = []
    for row in curve.rows:
        if found and row[0] - found[-1][-1][0] <= 2 * curve.step_s:
            found[-1].append(row)
        else:
            found.append([row])
    return found
