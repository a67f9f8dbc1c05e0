"""Which of the two languages a person reads: asked for in the address, remembered, or the branch's own.

What the browser prefers is not asked: here they are sold preferring English, whoever sits before them. What is neither Hindi nor English is passed over, never an error: the page must come up on any device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from aiohttp import web

Language = Literal["hi", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

COOKIE = "lang"
YEAR_S = 365 * 24 * 3600


def choose(request: web.Request, default: Language) -> Language:
    """`?lang=`, then the cookie, then `default`: what was configured for the branch."""
    return asked(request) or _known(request.cookies.get(COOKIE, "")) or default


def asked(request: web.Request) -> Language | None:
    """What the address itself asks for."""
    return _known(request.query.get("lang", ""))


def remember(response: web.StreamResponse, lang: Language) -> None:
    """Let the next visit begin in this language."""
    response.set_cookie(COOKIE, lang, max_age=YEAR_S, path="/", httponly=True, samesite="Strict")


def _known(text: str) -> Language | None:
    return next((one for one in LANGUAGES if one == text), None)
