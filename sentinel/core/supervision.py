"""Who is silent: dead devices and links folded into one trouble each, so that forty dead points are one incident.

A device is dead when nothing trustworthy came from any of its points for as long as its most impatient zone allows;
a link when all its devices are, or when one is and the others say that the line itself is gone. Ages decide, not
error messages: a poller that hangs is silence too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sentinel.core.codes import ROLES, is_critical
from sentinel.core.model import Condition, Failure, Role, Severity
from sentinel.core.signal import Signal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sentinel.core.model import Device, Zone

DEAD_AFTER_S = 10.0  # a device without zones
FOLD_S = 1.0  # a dead device waits this long, so that its link can speak for it


@dataclass(frozen=True, slots=True)
class DeviceView:
    """What a page may show of a device."""

    id: str
    link: str
    up: bool | None  # None: nothing trustworthy heard of it in this run, and not yet for long enough
    age_s: float  # since something trustworthy came, or since the start
    reason: str  # why the last read failed, "" otherwise


@dataclass(slots=True)
class _Root:
    """What is known of one device."""

    id: str
    link: str
    dead_after_s: float
    zones: tuple[str, ...]
    loud: bool  # critical zones stand behind it, or it is a recorder
    good_at: float
    told: bool  # its own trouble is signalled
    reason: Failure | None = None
    heard: bool = False
    dead: bool = False
    back_at: float = -math.inf  # when it last came back: its zones are read one by one from then


@dataclass(slots=True)
class _Line:
    """What is known of one link."""

    id: str
    devices: list[_Root] = field(default_factory=list)
    told: bool = False
    back_at: float = -math.inf  # when it last came back: its devices answer one by one from then


class Roots:
    """All devices and links of a branch. `conditions` as for `detect.Detector`."""

    def __init__(
        self, devices: Sequence[Device], zones: Sequence[Zone], conditions: Mapping[str, Condition], now: float
    ) -> None:
        self._roots: dict[str, _Root] = {}
        self._lines: dict[str, _Line] = {}
        for device in devices:
            behind = [zone for zone in zones if zone.point in device.points]
            root = _Root(
                id=device.id,
                link=device.link,
                dead_after_s=min((zone.stale_after_s for zone in behind), default=DEAD_AFTER_S),
                zones=tuple(zone.id for zone in behind),
                loud=any(is_critical(zone.role) or zone.role is Role.RECORDER for zone in behind),
                good_at=now,
                told=_standing(conditions, f"device:{device.id}"),
            )
            self._roots[device.id] = root
            line = self._lines.setdefault(device.link, _Line(device.link))
            line.told = _standing(conditions, f"link:{device.link}")
            line.devices.append(root)
        # A trouble that stood before the restart stands until something trustworthy is heard.
        for root in self._roots.values():
            root.dead = root.told or self._lines[root.link].told

    def good(self, point: str, at: float) -> None:
        """Something trustworthy came from this point's device."""
        root = self._roots.get(point.partition(".")[0])
        if root is not None:
            root.good_at = max(root.good_at, at)
            root.reason, root.heard = None, True
            if root.dead:
                root.dead, root.back_at = False, at

    def failed(self, point: str, reason: Failure | None) -> None:
        """A read failed; whether that matters is a question of age."""
        root = self._roots.get(point.partition(".")[0])
        if root is not None:
            root.reason = reason

    def covers(self, device: str) -> str:
        """The subject whose trouble speaks for this device's zones, or ""."""
        root = self._roots.get(device)
        if root is None or not root.dead:
            return ""
        return f"link:{root.link}" if self._lines[root.link].told else f"device:{device}"

    def view(self, now: float) -> list[DeviceView]:
        """Every device as it is now."""
        return [
            DeviceView(
                root.id,
                root.link,
                not root.dead if root.dead or root.heard else None,
                now - root.good_at,
                root.reason or "",
            )
            for root in self._roots.values()
        ]

    def back_at(self, device: str) -> float:
        """When this device last came back from the dead; long ago when it never did."""
        root = self._roots.get(device)
        return -math.inf if root is None else root.back_at

    def tick(self, now: float) -> list[Signal]:
        """Deaths and returns since the last tick, links before devices."""
        signals = []
        for line in self._lines.values():
            for root in line.devices:
                root.dead = root.dead or now - root.good_at > root.dead_after_s
            alive = not _lost(line)
            sure = len(line.devices) > 1 or line.devices[0].reason is Failure.NOT_CONNECTED
            if line.told is alive and (alive or sure):
                line.told = not alive
                for root in line.devices:
                    root.dead = root.dead or line.told  # what the line's trouble hides is unknown at once
                line.back_at = now if alive else line.back_at
                signals.append(_line_signal(line, back=alive))
            signals += [signal for root in line.devices if (signal := self._device(root, line, now))]
        return signals

    @staticmethod
    def _device(root: _Root, line: _Line, now: float) -> Signal | None:
        if root.told and (not root.dead or line.told):
            root.told = False
            return _device_signal(root, Condition.NORMAL, folded=line.told)
        silent_s = now - max(root.good_at, line.back_at)
        if not root.told and root.dead and not line.told and silent_s > root.dead_after_s + FOLD_S:
            root.told = True
            return _device_signal(root, Condition.TROUBLE)
        return None


def _lost(line: _Line) -> bool:
    """Every device is dead, or one is and every other one's last read says that the line itself is gone.

    Else an adapter that was pulled out would first be told as each of its impatient devices.
    """
    gone = all(root.dead or root.reason is Failure.NOT_CONNECTED for root in line.devices)
    return gone and any(root.dead for root in line.devices)


def _standing(conditions: Mapping[str, Condition], subject: str) -> bool:
    return conditions.get(f"{subject}/trouble") is Condition.TROUBLE


def _device_signal(root: _Root, condition: Condition, *, folded: bool = False) -> Signal:
    return Signal(
        subject=f"device:{root.id}",
        role=Role.DEVICE,
        condition=condition,
        of=Condition.TROUBLE,
        event=ROLES[Role.DEVICE].event,
        severity=Severity.HIGH if root.loud else Severity.FAULT,
        reason=(f"link:{root.link}" if folded else root.reason or "silent")
        if folded or condition is Condition.TROUBLE
        else "",
        hides=root.zones,
        folded=folded,
    )


def _line_signal(line: _Line, *, back: bool) -> Signal:
    reasons = {root.reason for root in line.devices if root.reason}
    return Signal(
        subject=f"link:{line.id}",
        role=Role.LINK,
        condition=Condition.NORMAL if back else Condition.TROUBLE,
        of=Condition.TROUBLE,
        event=ROLES[Role.LINK].event,
        severity=Severity.HIGH if any(root.loud for root in line.devices) else Severity.FAULT,
        reason="" if back else (reasons.pop() if len(reasons) == 1 else "silent"),
        hides=tuple(zone for root in line.devices for zone in root.zones),
    )
