"""Readings -> signals: what a value means, for how long it must mean it, when it flaps, when it is too old to mean anything.

`Detector` is fed every reading and ticked a few times a second; both take `now` in monotonic seconds. It never
calls, waits or forgets: a point that is not heard of becomes unknown by its age, whoever was to blame.
Which device or link stands behind many silent points is `supervision.Roots`' business.

    value -> Sense -> raw condition --(on/off delay)--> stable condition -> Signal(ALARM | NORMAL of ALARM)
    age, senseless value, flapping  ---------------------------------> Signal(TROUBLE | NORMAL of TROUBLE)
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sentinel.core.codes import ROLES, is_critical
from sentinel.core.model import (
    BandSense,
    Condition,
    ContactSense,
    Failure,
    LimitSense,
    Quality,
    Sense,
    StateSense,
    Value,
    Zone,
)
from sentinel.core.signal import Signal
from sentinel.core.supervision import Roots

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sentinel.core.model import Device, Reading
    from sentinel.core.supervision import DeviceView

SETTLE_S = 1.0  # a silent zone waits this long, so that its dead device or link can speak for it
FLAP_WINDOW_S = 3.0  # one flapping sample
FLAP_SAMPLES = 20
FLAP_ENTER = 0.30  # share of weighted samples with a change; the two limits and the weights are Icinga's
FLAP_LEAVE = 0.25


def judge(sense: Sense, value: Value, before: Condition) -> Condition:
    """The raw condition of a value: NORMAL, ALARM or TROUBLE. What makes no sense is TROUBLE, never NORMAL."""
    match sense:
        case ContactSense():
            if not isinstance(value, bool):
                return Condition.TROUBLE
            return Condition.ALARM if value is sense.alarm_when else Condition.NORMAL
        case StateSense():
            return dict(sense.states).get(str(value).partition(" ")[0], Condition.TROUBLE)
        case BandSense():
            if isinstance(value, str | bool) or not math.isfinite(value):
                return Condition.TROUBLE
            return next((then for low, high, then in sense.bands if low <= value <= high), Condition.TROUBLE)
        case LimitSense():
            if isinstance(value, str | bool) or not math.isfinite(value):
                return Condition.TROUBLE
            slack = sense.hysteresis if before is Condition.ALARM else 0.0
            over = sense.high is not None and value > sense.high - slack
            under = sense.low is not None and value < sense.low + slack
            return Condition.ALARM if over or under else Condition.NORMAL


@dataclass(slots=True)
class _Watch:
    """What is known of one zone. Mutable on purpose: it is touched a hundred times a second."""

    zone: Zone
    device: str
    good_at: float
    alarm: bool  # the stable condition
    trouble: str  # the signalled trouble's reason, or ""
    value: Value | None = None
    raw: Condition | None = None  # None: nothing trustworthy read in this run
    heard: bool = False  # the same, as the branch may see it: not by a press that came by itself
    since: float = 0.0  # when raw began
    reason: str = ""  # why the last read failed
    flapping: bool = False
    changes: list[int] = field(default_factory=list)  # numbers of the flap windows with a change, oldest first


@dataclass(frozen=True, slots=True)
class ZoneView:
    """What a page may show of a zone, before rule 6 is applied."""

    zone: Zone
    condition: Condition
    age_s: float
    value: Value | None
    reason: str
    active: bool
    unknown: bool  # too old, never read, or behind a device or line that is dead


class Detector:
    """All zones of a branch. `conditions` is the last signalled condition by key, so that a restart tells only news.

    `blind`: they could not be read, and who only says that nothing changed has said nothing.
    """

    def __init__(
        self,
        zones: Sequence[Zone],
        devices: Sequence[Device],
        conditions: Mapping[str, Condition],
        now: float,
        *,
        blind: bool = False,
    ) -> None:
        self._blind = blind
        self._roots = Roots(devices, zones, conditions, now)
        self._by_point: dict[str, list[_Watch]] = {}
        self._watches: list[_Watch] = []
        for zone in zones:
            subject = f"zone:{zone.id}"
            watch = _Watch(
                zone=zone,
                device=zone.point.partition(".")[0],
                good_at=now,
                alarm=conditions.get(subject) is Condition.ALARM,
                trouble="before" if conditions.get(f"{subject}/trouble") is Condition.TROUBLE else "",
            )
            self._by_point.setdefault(zone.point, []).append(watch)
            self._watches.append(watch)

    def feed(self, readings: Iterable[Reading], now: float, *, sudden: bool = False) -> list[Signal]:
        """Take readings of one reply; return what they change. `sudden`: they came by themselves, not at their time.

        No age that the branch is shown begins anew with what a silent point says at such a moment (rule 6): not with a
        press, nor with its repetition or its end.
        """
        signals: list[Signal] = []
        for reading in readings:
            if reading.quality is Quality.HELD:
                signals += self._held(reading, now)
                continue
            if reading.quality is not Quality.GOOD:
                self._roots.failed(reading.point, reading.reason)
                for watch in self._by_point.get(reading.point, ()):
                    watch.reason = reading.reason or "failed"
                continue
            hidden = sudden and self._is_silent(reading.point)
            if not hidden:
                self._roots.good(reading.point, reading.at)
            for watch in self._by_point.get(reading.point, ()):
                if not hidden:
                    watch.good_at, watch.reason, watch.heard = max(watch.good_at, reading.at), "", True
                stood = watch.alarm
                # 1 == True in Python, and a contact that turns into a number is no contact.
                if watch.raw is None or watch.value != reading.value or type(watch.value) is not type(reading.value):
                    self._weigh(watch, reading, now)
                if watch.raw is not _STABLE[watch.alarm] or watch.trouble:
                    signals += self._settle(watch, now)
                if reading.again and stood and watch.raw is Condition.ALARM:
                    signals.append(_signal(watch, Condition.ALARM, Condition.ALARM, ""))
        return signals

    def tick(self, now: float) -> list[Signal]:
        """What only the passing of time changes: delays that ran out, values grown old, roots found."""
        signals = self._roots.tick(now)
        for watch in self._watches:
            signals += self._settle(watch, now)
        return signals

    def undecided(self, points: Iterable[str]) -> bool:
        """Whether an alarm at one of these points waits for the delay of its zone: nobody is told of it yet."""
        return any(
            watch.raw is Condition.ALARM and not watch.alarm and not watch.flapping
            for point in points
            for watch in self._by_point.get(point, ())
        )

    def view(self, now: float) -> list[ZoneView]:
        """Every zone with its condition and the age of its last trustworthy value."""
        return [self._view(watch, now) for watch in self._watches]

    def devices(self, now: float) -> list[DeviceView]:
        """Every device with the age of the last trustworthy word from it."""
        return self._roots.view(now)

    def _view(self, watch: _Watch, now: float) -> ZoneView:
        age = now - watch.good_at
        unknown = not watch.heard or age > watch.zone.stale_after_s or bool(self._roots.covers(watch.device))
        if watch.alarm:
            condition = Condition.ALARM
        elif unknown:
            condition = Condition.UNKNOWN
        else:
            condition = Condition.TROUBLE if watch.trouble or watch.raw is Condition.TROUBLE else Condition.NORMAL
        reason = watch.reason if unknown else watch.trouble
        return ZoneView(watch.zone, condition, age, watch.value, reason, watch.raw is Condition.ALARM, unknown)

    def _held(self, reading: Reading, now: float) -> list[Signal]:
        """Its panel speaks, and has told no change: what was last signalled stands, or nothing was ever wrong."""
        signals: list[Signal] = []
        self._roots.good(reading.point, reading.at)
        for watch in self._by_point.get(reading.point, ()):
            watch.good_at, watch.reason = max(watch.good_at, reading.at), ""
            if watch.raw is None and not self._blind:
                watch.raw = Condition.TROUBLE if watch.trouble else _STABLE[watch.alarm]
                watch.since = min(reading.at, now)
            watch.heard = watch.heard or not self._blind
            signals += self._settle(watch, now)
        return signals

    def _is_silent(self, point: str) -> bool:
        return any(ROLES[watch.zone.role].silent for watch in self._by_point.get(point, ()))

    @staticmethod
    def _weigh(watch: _Watch, reading: Reading, now: float) -> None:
        assert reading.value is not None  # GOOD readings carry a value
        before = watch.raw
        watch.value = reading.value
        known = before if before in (Condition.NORMAL, Condition.ALARM) else _STABLE[watch.alarm]
        watch.raw = judge(watch.zone.sense, reading.value, known)
        if watch.raw is before:
            return
        watch.since = min(reading.at, now)
        if before is not None:
            window = int(now / FLAP_WINDOW_S)
            if not watch.changes or watch.changes[-1] != window:
                watch.changes.append(window)

    def _settle(self, watch: _Watch, now: float) -> list[Signal]:
        signals = []
        flapped = self._flaps(watch, now) if watch.changes else watch.flapping
        held = flapped and not is_critical(watch.zone.role)  # a flapping hold-up is still a hold-up
        stood = now - watch.since
        fresh = now - watch.good_at <= watch.zone.stale_after_s  # a last word before silence is no all-clear
        if not watch.alarm and watch.raw is Condition.ALARM and not held and stood >= watch.zone.on_delay_s:
            watch.alarm = True
            signals.append(_signal(watch, Condition.ALARM, Condition.ALARM, ""))
        elif watch.alarm and watch.raw is Condition.NORMAL and fresh and not held and stood >= watch.zone.off_delay_s:
            watch.alarm = False
            signals.append(_signal(watch, Condition.NORMAL, Condition.ALARM, ""))
        return signals + self._trouble(watch, now, flapped=flapped)

    def _trouble(self, watch: _Watch, now: float, *, flapped: bool) -> list[Signal]:
        root = self._roots.covers(watch.device)
        silent_s = now - max(watch.good_at, self._roots.back_at(watch.device))
        silent = silent_s > watch.zone.stale_after_s
        if silent and not root and silent_s <= watch.zone.stale_after_s + SETTLE_S and not watch.trouble:
            return []
        stood = watch.trouble or now - watch.since >= max(watch.zone.on_delay_s, SETTLE_S)
        senseless = watch.raw is Condition.TROUBLE and stood
        reason = ""
        if silent and not root and watch.reason == Failure.UNSUPPORTED and watch.raw is None:
            return []  # it cannot say and never could: unknown on every page, and no incident of its own
        if silent and not root:
            reason = watch.reason or "silent"
        elif senseless:
            reason = _said(watch)
        elif flapped and not ROLES[watch.zone.role].silent:  # pressed again and again: no fault to show in the branch
            reason = "flapping"
        elif watch.trouble and watch.raw is None and not root:
            return []  # it was in trouble before the restart and has not been heard since
        elif watch.trouble in _OF_ITS_WORD and watch.raw is Condition.ALARM and ROLES[watch.zone.role].silent:
            return []  # a press mends no fault: the branch would see it end (rule 6)
        if bool(reason) is bool(watch.trouble):
            watch.trouble = reason
            return []
        watch.trouble = reason
        if reason:
            return [_signal(watch, Condition.TROUBLE, Condition.TROUBLE, reason)]
        return [_signal(watch, Condition.NORMAL, Condition.TROUBLE, root, folded=bool(root))]

    @staticmethod
    def _flaps(watch: _Watch, now: float) -> bool:
        newest = int(now / FLAP_WINDOW_S)
        watch.changes = [window for window in watch.changes if newest - window < FLAP_SAMPLES]
        # Newest sample weighs 1.18, oldest 0.80.
        share = sum(0.8 + 0.02 * (FLAP_SAMPLES - 1 - (newest - window)) for window in watch.changes) / FLAP_SAMPLES
        watch.flapping = share > (FLAP_LEAVE if watch.flapping else FLAP_ENTER)
        return watch.flapping


def _said(watch: _Watch) -> str:
    """Why it is in trouble: the panel's own word, or that the value makes no sense."""
    if watch.value is None:
        return watch.trouble  # held since before the restart
    word = str(watch.value).partition(" ")[0]
    return word if isinstance(watch.zone.sense, StateSense) and word in _WORDS else "senseless-value"


_WORDS = frozenset({"trouble", "bypassed"})  # of panels; `words.REASONS` has their texts
_OF_ITS_WORD = _WORDS | {"senseless-value", "before"}  # troubles that are in what a point says, not in its silence


_STABLE = {True: Condition.ALARM, False: Condition.NORMAL}


def _signal(watch: _Watch, condition: Condition, of: Condition, reason: str, *, folded: bool = False) -> Signal:
    rule = ROLES[watch.zone.role]
    alarm = of is Condition.ALARM
    return Signal(
        subject=f"zone:{watch.zone.id}",
        role=watch.zone.role,
        condition=condition,
        of=of,
        event=rule.event if alarm else rule.trouble_event,
        severity=rule.severity if alarm else rule.trouble_severity,
        reason=reason,
        value="" if watch.value is None else str(watch.value),
        folded=folded,
    )
