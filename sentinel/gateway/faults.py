"""One fault of the record as a person hears of it: once when it has lasted, and once when it is over.

A card that comes and goes is one fault and not a hundred: over is only what was well for a while, and for longer each
time that it was told of within a day. Pure: time is an argument. The recorder looks each second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sentinel.core.codes import ROLES
from sentinel.core.model import Condition, Role
from sentinel.core.signal import Signal
from sentinel.telemetry.replies import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PATIENCE_S: Final = 60.0  # what mends itself within this was no fault
QUIET_S: Final = (60.0, 600.0, 3600.0, 6 * 3600.0)  # well for so long until over, for the 1st, 2nd ... of a day
DAY_S: Final = 86_400.0
DAMAGED: Final = "damaged"
LOSSES: Final = frozenset({Reason.DROPPED, Reason.LINES, DAMAGED})  # values are gone for good: told whatever was before


class Fault:
    """One subject. `stands` is the reason of one that was told before the restart, None when there was none."""

    def __init__(
        self,
        subject: str,
        tell: Callable[[Signal], object],
        stands: str | None,
        *,
        patience_s: float = PATIENCE_S,
        quiet_s: Sequence[float] = QUIET_S,
    ) -> None:
        self._subject, self._tell, self._stands = subject, tell, stands
        self._patience_s, self._quiet_s = patience_s, quiet_s
        self._ill_at: float | None = None  # since when it was not well for the length of our patience
        self._well_at: float | None = None  # since when it is well without a break
        self._told_at: list[float] = []

    def look(self, reason: str | None, now: float) -> None:
        """What is wrong now: "" when nothing is, None when that cannot be said."""
        match reason:
            case None:
                self._ill_at = self._well_at = None
            case "":
                self._well(now)
            case _:
                self._ill(reason, now)

    def _well(self, now: float) -> None:
        self._well_at = now if self._well_at is None else self._well_at
        lasted_s = now - self._well_at
        if lasted_s >= self._patience_s:
            self._ill_at = None
        if self._stands is not None and lasted_s >= self._wanted_s(now):
            self._stands = None
            self._say(Condition.NORMAL)

    def _ill(self, reason: str, now: float) -> None:
        self._well_at = None
        self._ill_at = now if self._ill_at is None else self._ill_at
        if self._stands is None:
            if reason not in LOSSES and now - self._ill_at < self._patience_s:
                return
            self._told_at.append(now)
        elif reason in LOSSES and self._stands not in LOSSES:
            self._say(Condition.NORMAL, folded=True)  # worse than what was told: an incident of its own
        else:
            return
        self._stands = reason
        self._say(Condition.TROUBLE, reason)

    def _wanted_s(self, now: float) -> float:
        self._told_at = [at for at in self._told_at if now - at < DAY_S]
        return self._quiet_s[min(max(len(self._told_at) - 1, 0), len(self._quiet_s) - 1)]

    def _say(self, condition: Condition, reason: str = "", *, folded: bool = False) -> None:
        rule = ROLES[Role.TELEMETRY]
        self._tell(
            Signal(
                self._subject,
                Role.TELEMETRY,
                condition,
                Condition.TROUBLE,
                rule.event,
                rule.severity,
                reason[:80],
                folded=folded,
            )
        )
