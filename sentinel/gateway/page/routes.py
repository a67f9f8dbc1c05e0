"""The branch's own page at "/", its stream and its assets: routes for the server, and a task that feeds the viewers.

The page is whole without JavaScript. Every section is made from values that `looking` takes; one whose values are the
same as a moment ago is not made again.
"""

from __future__ import annotations

import asyncio
import secrets
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from aiohttp import web
from htpy import div, header, main, section

from sentinel.core import labels
from sentinel.gateway import status
from sentinel.gateway.page import cameras, devices, head, incidents, pacing, plots, system, ways, zones
from sentinel.gateway.page.looking import Looker
from sentinel.gateway.page.values import Live, Reader
from sentinel.web import document, language
from sentinel.web.assets import ASSETS, AssetBook
from sentinel.web.server import page
from sentinel.web.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from htpy import Element, Fragment
    from markupsafe import Markup

    from sentinel.gateway.app import Gateway
    from sentinel.web.language import Language

    Show = Callable[[Any, Reader], Fragment]

STYLES = ("base.css", "uPlot.min.css", "page.css")
SCRIPTS = ("stream.js", "page.js", "plots.js")  # each by itself: the answer waits for no curve

NAMED = {
    "incidents": labels.INCIDENTS,
    "zones": labels.ZONES,
    "cameras": labels.CAMERAS,
    "devices": labels.DEVICES,
    "ways": labels.WAYS,
    "telemetry": labels.SYSTEM,
    "plots": labels.PLOTS,
}


class Page:
    """One branch's page. `run` feeds its viewers."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        look = self._looker = Looker(gateway)
        self._looks: dict[str, tuple[Show, Callable[[], object]]] = {
            "head": (head.show, look.head),
            "incidents": (incidents.show, look.incidents),
            "zones": (zones.show, look.zones),
            "cameras": (cameras.show, look.cameras),
            "devices": (devices.show, look.links),
            "ways": (ways.show, look.ways),
            "telemetry": (system.show, look.system),
            "plots": (plots.show, look.points),
        }
        self._book = AssetBook(ASSETS, Path(__file__).with_name("assets"))
        self._stream = Stream(secrets.token_hex(4), self.pieces, self.pulse, lambda: gateway.clock.now().timestamp())
        self._made: dict[tuple[str, str], tuple[object, str]] = {}
        self.run = self._stream.run

    def routes(self) -> list[web.RouteDef]:
        """The page, what it loads, and what feeds it."""
        return [web.get("/", self._serve), *self._book.routes(), *self._stream.routes()]

    async def _serve(self, request: web.Request) -> web.Response:
        lang = language.choose(request, self._gateway.settings.branch.language)
        response = page(await self.html(lang))
        if language.asked(request) is not None:
            language.remember(response, lang)
        return response

    # --- HTML ------------------------------------------------------------------------------------------------------

    async def html(self, lang: Language) -> str:
        """The whole page as it is now."""
        curves = await self._looker.curves()
        reader = self._reader(lang, self._looker.live(), now=self._gateway.clock.now())
        made: dict[str, Markup] = {}
        for id_, (show, look) in self._looks.items():
            values = curves if id_ == "plots" else look()
            made[id_] = await pacing.made(_section(id_, show(values, reader), reader))
            await asyncio.sleep(0)  # alarms come before pages
        branch = self._gateway.settings.branch
        return document.page(
            f"{branch.bank} · {branch.name.text().of(lang)}",
            lang,
            [
                header(class_="bar")[made["head"], div(class_="tools")[document.sign(lang), document.languages(lang)]],
                div(class_="unseen", role="alert", data_own=True),
                main(
                    data_taken=labels.TAKEN.of(lang),
                    data_not_taken=labels.NOT_TAKEN.of(lang),
                    data_not_open=labels.NOT_OPEN.of(lang),
                    data_no_name=labels.NO_NAME.of(lang),
                    data_lowest=labels.LOWEST.of(lang),
                    data_highest=labels.HIGHEST.of(lang),
                    data_zone=branch.time_zone,
                )[
                    div(class_="column")[made["incidents"], made["zones"]],
                    div(class_="column")[made["ways"], made["devices"], made["telemetry"]],
                    made["cameras"],
                    made["plots"],
                ],
            ],
            scripts=[self._book.url(name) for name in SCRIPTS],
            styles=[self._book.url(name) for name in STYLES],
        )

    def sections(self, lang: str) -> Mapping[str, object]:
        """All at once: elements in one language, or values for a program ("")."""
        if lang not in language.LANGUAGES:
            return status.sections(self._gateway)
        reader = self._reader(lang, Live())
        return {id_: str(_section(id_, show(look(), reader), reader)) for id_, (show, look) in self._looks.items()}

    def pieces(self, lang: str) -> Mapping[str, object]:
        """The same for the stream, each section made when it is asked for and a little at a time."""
        if lang not in language.LANGUAGES:
            return status.sections(self._gateway)
        reader = self._reader(lang, Live())
        return {id_: partial(self._piece, id_, reader) for id_ in self._looks}

    def pulse(self) -> Mapping[str, object]:
        """What every ping says: when things were read, and the figures that move by themselves."""
        live = self._looker.live()
        return {"ages": {key: at and round(at, 1) for key, at in live.ages.items()}, "live": live.words}

    async def _piece(self, id_: str, reader: Reader) -> str:
        show, look = self._looks[id_]
        key, made_of = (id_, reader.lang), (look(), reader.day)
        if key not in self._made or self._made[key][0] != made_of:
            self._made[key] = made_of, await pacing.made(_section(id_, show(made_of[0], reader), reader))
        return self._made[key][1]

    def _reader(self, lang: Language, live: Live, now: datetime | None = None) -> Reader:
        zone = ZoneInfo(self._gateway.settings.branch.time_zone)
        return Reader(lang, zone, self._gateway.clock.now().astimezone(zone).date(), now, live)


def _section(id_: str, inside: Fragment, reader: Reader) -> Element:
    """Named for whoever goes from section to section by ear."""
    name = NAMED.get(id_)
    return section(id=id_, aria_label=None if name is None else reader.say(name))[inside]
