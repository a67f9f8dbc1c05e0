"""The skeleton that every page stands in: head, shapes, the sign of the stream, the frame that hatches when it is cut.

Nothing here is inline script or style, and nothing waits for JavaScript: without it the page comes whole, asks again by
itself every few seconds, and hatches by the style sheet alone when that fails (see assets/base.css, assets/stream.js).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import htpy as h

from sentinel.core.model import Text
from sentinel.web.ages import UNITS
from sentinel.web.language import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sentinel.web.language import Language

AGAIN_S = 8  # without JavaScript; under the 10 s after which the style sheet hatches the page

LIVE = Text("ताज़ा", "Live")
STILL = Text("पुराना चित्र", "Still picture")
LATE = Text("देर से", "Late")
CUT = Text("संपर्क टूटा", "Cut off")
CUT_LONG = Text("संपर्क टूटा: जो दिखता है वह पुराना है", "Cut off: what you see is old")
OTHER = {"hi": "हिं", "en": "EN"}

# Drawn on a square of 24. Colour and fill come from the page, so that one shape is filled, outlined or dimmed.
SHAPES = {
    "octagon": "M8 2.5h8L21.5 8v8L16 21.5H8L2.5 16V8Z",
    "triangle": "M12 3 22.5 21.5h-21Z",
    "diamond": "M12 1.5 22.5 12 12 22.5 1.5 12Z",
    "dot": "M12 8a4 4 0 1 1 0 8 4 4 0 0 1 0-8Z",
}
STROKES = {  # a dashed rim or none, and a line
    "ring": (
        "M12 2.5a9.5 9.5 0 1 1 0 19 9.5 9.5 0 0 1 0-19Z",
        "M9.2 9.5a2.8 2.8 0 1 1 4.3 2.4c-1 .6-1.5 1.1-1.5 2.1M12 16.6v.4",
    ),
    "test": ("M3 3h18v18H3Z", "M8 8h8M12 8v9"),
    "ringing": ("", "M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18ZM12 12V3M12 12h9"),
    "sent": ("", "m4 13 5 5L20 6"),
    "delivered": ("", "m1.5 13 4.5 5L16 6M11 17.5l.5.5L22.5 6"),
    "failed": ("", "m5 5 14 14M19 5 5 19"),
}


def page(title: str, lang: Language, body: h.Node, *, scripts: Sequence[str] = (), styles: Sequence[str] = ()) -> str:
    """A whole page. `scripts` and `styles` are addresses (AssetBook.url); scripts are modules, base.css comes first."""
    return str(
        h.html(lang=lang)[
            h.head[
                h.meta(charset="utf-8"),
                h.meta(name="viewport", content="width=device-width, initial-scale=1"),
                h.meta(name="color-scheme", content="light dark"),
                h.title[title],
                h.link(rel="icon", href="data:,"),
                (h.link(rel="stylesheet", href=url) for url in styles),
                (h.script(type="module", src=url) for url in scripts),
                h.noscript[h.meta(http_equiv="refresh", content=str(AGAIN_S))],
            ],
            # Until the stream speaks the page is a still picture, and says so.
            h.body(data_stream="still", data_units=" ".join(unit.of(lang) for unit in UNITS))[
                _sprite(),
                body,
                _cut(),
            ],
        ]
    )


def shape(name: str) -> h.Element:
    """A mark that always stands beside its word, so it says nothing itself to who cannot see it."""
    return h.svg(class_="shape", data_shape=name, viewBox="0 0 24 24", aria_hidden="true")[h.use(href=f"#shape-{name}")]


def sign(lang: Language) -> h.Element:
    """For the page's head: live, late, cut or a still picture, and how long ago the server last spoke."""
    states = (("still", STILL), ("live", LIVE), ("late", LATE), ("cut", CUT))
    return h.p(".sign")[
        [
            h.span(".sign-word", data_when=state)[shape("dot" if state == "live" else "ring"), text.of(lang)]
            for state, text in states
        ],
        " ",
        h.span(".sign-age", data_own=True, aria_hidden="true"),
    ]


def languages(lang: Language) -> h.Element:
    """The way to the same page in the other language."""
    return h.nav(".languages", aria_label="भाषा / Language")[
        [
            h.a(href=f"?lang={one}", lang=one, hreflang=one, aria_current="true" if one == lang else None)[OTHER[one]]
            for one in LANGUAGES
        ]
    ]


def _cut() -> h.Element:
    """In both languages: whoever stands before a page that is cut must understand it."""
    return h.div(".cut", role="status")[
        h.p[
            h.b(lang="hi")[CUT_LONG.hi],
            " ",
            h.span(lang="en")[CUT_LONG.en],
            " · ",
            h.span(".cut-age", aria_hidden="true"),
        ]
    ]


def _sprite() -> h.Element:
    return h.svg(".sprite", aria_hidden="true", focusable="false")[
        (h.symbol(id=f"shape-{name}", viewBox="0 0 24 24")[h.path(d=path)] for name, path in SHAPES.items()),
        (
            h.symbol(id=f"shape-{name}", viewBox="0 0 24 24")[
                h.path(fill="none", stroke_dasharray="3.2 2", d=rim) if rim else None,
                h.path(fill="none", d=line),
            ]
            for name, (rim, line) in STROKES.items()
        ),
    ]
