"""What a check says of a place, before it has a line; and how the checks look at a config."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sentinel.ports import Secret
from sentinel.settings.problems import Level, Place

if TYPE_CHECKING:
    from sentinel.settings.site import Settings

Reveal = Callable[[Secret], str | None]  # a secret address's value, or None when it is not there to be compared


@dataclass(frozen=True, slots=True)
class Said:
    """One thing to say about one place."""

    place: Place
    text: str
    level: Level = Level.ERROR


@dataclass(frozen=True, slots=True)
class Look:
    """What a check may look at."""

    settings: Settings
    reveal: Reveal


Check = Callable[[Look], Iterator[Said]]
