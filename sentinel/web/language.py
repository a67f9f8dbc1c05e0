"""Which of the two languages a person reads: asked for in the address, remembered, preferred by the browser, or usual.

What is neither Hindi nor English is passed over, never an error: the page must come up on any device.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from aiohttp import web

Language = Literal["hi", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

COOKIE = "lang"
YEAR_S = 365 * 24 * 3600
MAX_HEADER = 256  # browsers send far less
_PREFERENCE = re.compile(r"([a-z]{1,8})(?:-[a-z0-9-]{1,32})?(?:;q=([01](?:\.[0-9]{1,3})?))?", re.IGNORECASE)


def choose(request: web.Request, default: Language) -> Language:
    """`?lang=`, then the cookie, then Accept-Language, then `default`."""
    return (
        asked(request)
        or _known(request.cookies.get(COOKIE, ""))
        or _preferred(request.headers.get("Accept-Language", ""))
        or default
    )


def asked(request: web.Request) -> Language | None:
    """What the address itself asks for."""
    return _known(request.query.get("lang", ""))


def remember(response: web.StreamResponse, lang: Language) -> None:
    """Let the next visit begin in this language."""
    response.set_cookie(COOKIE, lang, max_age=YEAR_S, path="/", httponly=True, samesite="Strict")


def _known(text: str) -> Language | None:
    return next((one for one in LANGUAGES if one == text), None)


def _preferred(header: str) -> Language | None:
    best: Language | None = None
    weight = 0.0
    for part in header[:MAX_HEADER].replace(" ", "").split(","):
        found = _PREFERENCE.fullmatch(part)
        lang = None if found is None else _known(found[1].lower())
        if found is None or lang is None:
            continue
        quality = 1.0 if found[2] is None else float(found[2])
        if quality > weight:
            best, weight = lang, quality
    return best
