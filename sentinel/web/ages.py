"""How long ago, for people: the same short words at first paint here and, ticking, in assets/stream.js.

An age that nobody knows is a dash, never a zero: so is that of a moment which, by a clock that was set back, is to come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import htpy

from sentinel.core.model import Text

if TYPE_CHECKING:
    from sentinel.web.language import Language

UNITS = (Text("सेकंड", "s"), Text("मिनट", "min"), Text("घंटे", "h"), Text("दिन", "d"))
NEVER = "–"
SLIP_S = 2.0  # a moment may seem to lie so far ahead: two clocks, and what was rounded


def words(seconds: float, lang: Language) -> str:
    """`7 s`, `26 min`, `5 h`, `3 d`: whole ones that are over, hours up to two days."""
    if seconds < -SLIP_S:
        return NEVER
    whole = max(0, int(seconds))
    second, minute, hour, day = (unit.of(lang) for unit in UNITS)
    if whole < 60:
        return f"{whole} {second}"
    if whole < 3600:
        return f"{whole // 60} {minute}"
    if whole < 48 * 3600:
        return f"{whole // 3600} {hour}"
    return f"{whole // 86400} {day}"


def clock(seconds: float, lang: Language) -> str:
    """`00:47`, `1:03:12`, then days: the time since something opened."""
    if seconds < -SLIP_S:
        return NEVER
    whole = max(0, int(seconds))
    if whole >= 48 * 3600:
        return words(whole, lang)
    hours, rest = divmod(whole, 3600)
    short = f"{rest // 60:02}:{rest % 60:02}"
    return f"{hours}:{short}" if hours else short


def age(
    at: float | None, now: float | None, lang: Language, *, key: str | None = None, as_clock: bool = False
) -> htpy.Element:
    """An age that ticks in the browser. `at` and `now` are epoch seconds of the server's wall clock.

    For the stream `now` is None: the browser fills the text in, so that the section changes only when something did.
    With a `key` the time comes with every ping (its `ages`: {key: epoch seconds or null}), for what is read each second.
    """
    text = "" if now is None else NEVER if at is None else (clock if as_clock else words)(now - at, lang)
    streamed = now is None and key is not None
    return htpy.time(
        class_="age",
        data_at=None if at is None or streamed else f"{at:.3f}",
        data_age=key,
        data_as="clock" if as_clock else None,
    )[text]
