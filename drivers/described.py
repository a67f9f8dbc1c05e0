"""Points that a driver itself describes, where no profile does: panels on serial lines, recorders.

A point with a role and a meaning for its words becomes a zone by itself, unless the config writes a zone for it: nobody
has to list ninety zones of a recorder, and what a panel reports without being configured is still told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sentinel.core.model import Condition, Role, Text
    from sentinel.ports import Table


@dataclass(frozen=True, slots=True)
class Described:
    """One named value of a device. Satisfies `settings.equipment.PointView`."""

    id: str  # inside the device: "disks", "ch3.video", "other-fire"
    gives: str  # "word" or "number"
    every_s: float  # it is read, or held, at least so often while the device is there
    role: Role | None = None
    means: tuple[tuple[str, Condition], ...] = ()  # word -> condition; a word that is not listed is trouble
    name: Text | None = None  # what people call it; None: the device's own name
    unit: str = ""
    pushed: bool = False  # the device says by itself when it changes; `every_s` is then its sign of life

    @property
    def table(self) -> Table | None:
        """In no Modbus table."""
        return None

    @property
    def states(self) -> tuple[tuple[int, str], ...]:
        """The words it gives, numbered."""
        return tuple(enumerate(word for word, _ in self.means))

    @property
    def latching(self) -> bool:
        """A press between two reads is not lost when the device says it by itself."""
        return self.pushed

    @property
    def match(self) -> tuple[()]:
        """No patterns."""
        return ()
