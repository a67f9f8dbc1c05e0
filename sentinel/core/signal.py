"""A change of condition, on its way from detection to decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sentinel.core.model import Condition

if TYPE_CHECKING:
    from sentinel.core.model import Role, Severity


@dataclass(frozen=True, slots=True)
class Signal:
    """A change of condition. Input of `decide`; becomes a `Signalled` fact."""

    subject: str
    role: Role
    condition: Condition
    of: Condition
    event: int
    severity: Severity
    reason: str = ""
    value: str = ""
    test: bool = False
    hides: tuple[str, ...] = ()
    silent: bool = False  # about a hold-up: what it opens may show in the branch as little as that
    folded: bool = False  # NORMAL only because a larger trouble now covers it: nobody is told "restored"

    @property
    def key(self) -> str:
        """The incident key: alarms and troubles of one subject are two things."""
        return self.subject if self.of is Condition.ALARM else f"{self.subject}/trouble"
