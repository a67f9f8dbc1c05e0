"""Ways out and the rooms at their ends: which are down, told once when they have been down for long enough.

A way that comes back within the patience was no trouble. Being on fewer ways than the config promises is itself
told: a fault in opening hours, high outside them; what was lost by day is told again as high when the branch closes.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sentinel.core.codes import ROLES
from sentinel.core.model import Condition, Role, Severity
from sentinel.core.signal import Signal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sentinel.ports import Clock

PATIENCE_S = 20.0  # one way dead is told over another within 30 s
TICK_S = 1.0


@dataclass(slots=True)
class Way:
    """One channel ("channel:<id>") or room ("room:<id>")."""

    subject: str
    role: Role
    up: bool | None  # None: not heard of yet, which is neither
    since: float
    reason: str
    told: bool
    loud: bool = False  # told as high: the branch was closed
    guessed: bool = False  # down as a check saw it or as it was before the start, not as a letter did
    behind: str = ""  # the way that leads to it; while that is down, this one is not known and not told


class Ways:
    """All ways of a branch. `by_night`: whether the branch is closed now."""

    def __init__(
        self, submit: Callable[[Signal], asyncio.Future[None]], clock: Clock, by_night: Callable[[], bool]
    ) -> None:
        self._submit = submit
        self._clock = clock
        self._by_night = by_night
        self._ways: dict[str, Way] = {}
        self.alive: Callable[[], None] = lambda: None

    def watch(
        self,
        subjects: Mapping[str, Role],
        conditions: Mapping[str, Condition],
        behind: Mapping[str, str],
    ) -> None:
        """Watch these and no others; a trouble told before stands until they are heard of.

        A channel is unknown until it is heard of; what is `behind` one counts as silent until it is heard of.
        """
        now = self._clock.monotonic()
        self._ways = {}
        for subject, role in subjects.items():
            told = conditions.get(f"{subject}/trouble") is Condition.TROUBLE
            up = False if told or subject in behind else None
            reason = "before" if told else "silent"
            way = Way(subject, role, up, now, reason, told, guessed=told, behind=behind.get(subject, ""))
            self._ways[subject] = way

    def doubt(self, channel: str) -> None:
        """The way there came or went: whatever is behind it must be heard of anew."""
        for way in self._ways.values():
            if way.behind == channel:
                way.up, way.since, way.reason = False, self._clock.monotonic(), "silent"

    def report(self, subject: str, *, up: bool, reason: str = "") -> None:
        """What was just seen of it."""
        way = self._ways.get(subject)
        if way is None:
            return
        if way.up is not up:
            way.up, way.since = up, self._clock.monotonic()
        way.reason, way.guessed = reason, False

    def checked(self, subject: str, *, up: bool, reason: str = "") -> None:
        """What a check says of it: less than a letter that did not leave, which a sign-in alone does not outweigh."""
        way = self._ways.get(subject)
        if way is not None and not (up and way.up is False and not way.guessed):
            self.report(subject, up=up, reason=reason)
            way.guessed = not up

    def view(self) -> list[Way]:
        """All of them, for pages."""
        return list(self._ways.values())

    async def run(self) -> None:
        """Tell what has lasted, for ever."""
        while True:
            await asyncio.sleep(TICK_S)
            now = self._clock.monotonic()
            for way in self._ways.values():
                lasted = way.up or (now - way.since >= PATIENCE_S and self._reachable(way))
                louder = way.told and not way.up and not way.loud and self._by_night()
                if (way.told is way.up or louder) and lasted:  # one that is unknown is neither
                    way.told, way.loud = not way.up, not way.up and self._by_night()
                    self._submit(self._signal(way))
            self.alive()

    def _reachable(self, way: Way) -> bool:
        channel = self._ways.get(way.behind)
        return channel is None or channel.up is not False

    def _signal(self, way: Way) -> Signal:
        rule = ROLES[way.role]
        severity = Severity.HIGH if way.loud else rule.severity
        condition = Condition.NORMAL if way.up else Condition.TROUBLE
        reason = "" if way.up else way.reason[:80]
        return Signal(way.subject, way.role, condition, Condition.TROUBLE, rule.event, severity, reason)
