"""A branch's points in the test's hand: readings in, signals out, time by the second."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sentinel.core.detect import Detector, ZoneView
from sentinel.core.model import Condition, Device, Failure, Quality, Reading, Text, Value, Zone
from tests.core.branch import zone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sentinel.core.model import Role, Sense
    from sentinel.core.signal import Signal

__all__ = ["Sensing", "device", "said", "zone"]


def device(id_: str, link: str, *zones: Zone) -> Device:
    """A device with the points of these zones."""
    return Device(id_, link, Text(id_, id_), tuple(one.point for one in zones))


def said(signals: list[Signal]) -> list[tuple[str, Condition, Condition]]:
    """What the signals say, in short."""
    return [(one.subject, one.condition, one.of) for one in signals]


@dataclass
class Sensing:
    """A detector and the seconds on its clock."""

    zones: tuple[Zone, ...]
    devices: tuple[Device, ...] = ()
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    now: float = 1000.0

    def __post_init__(self) -> None:
        if not self.devices:
            behind: dict[str, list[Zone]] = {}
            for one in self.zones:
                behind.setdefault(one.point.partition(".")[0], []).append(one)
            self.devices = tuple(device(id_, f"line-{id_}", *zones) for id_, zones in behind.items())
        self.detector = Detector(self.zones, self.devices, self.conditions, self.now)

    @classmethod
    def one(cls, role: Role, sense: Sense | None = None, **conditions: Condition) -> Sensing:
        """One zone `z` at `d.z`; conditions by "alarm" and "trouble", as an earlier run left them."""
        keys = {"alarm": "zone:z", "trouble": "zone:z/trouble"}
        return cls((zone("z", role, sense, point="d.z"),), conditions={keys[k]: v for k, v in conditions.items()})

    def read(self, value: Value, point: str = "d.z") -> list[Signal]:
        """One good reading, now."""
        return self.detector.feed([Reading(point, value, Quality.GOOD, self.now)], self.now)

    def fail(self, *points: str, reason: Failure = Failure.NO_REPLY) -> list[Signal]:
        """Reads that gave nothing."""
        return self.detector.feed(
            [Reading(point, None, Quality.FAILED, self.now, reason) for point in points or ("d.z",)], self.now
        )

    def wait(self, seconds: float, *, reading: Mapping[str, Value] | None = None, each: float = 0.25) -> list[Signal]:
        """Time passes, ticked; `reading` is read again before every tick."""
        signals: list[Signal] = []
        end = self.now + seconds
        while self.now < end - 1e-9:
            self.now = min(end, self.now + each)
            for point, value in (reading or {}).items():
                signals += self.read(value, point)
            signals += self.detector.tick(self.now)
        return signals

    def steady(self, value: Value, seconds: float) -> list[Signal]:
        """The one zone reads this for so long."""
        return self.wait(seconds, reading={"d.z": value})

    def view(self, id_: str = "z") -> ZoneView:
        """What may be shown of a zone."""
        return next(one for one in self.detector.view(self.now) if one.zone.id == id_)
