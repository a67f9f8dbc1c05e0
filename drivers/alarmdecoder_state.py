"""What a panel says through an AlarmDecoder, as Contact ID events: the keypad's lines, radio reports, expanders. Pure.

A keypad shows what stands in turn, every few seconds: what it has not shown for half a minute while it spoke is over,
and so is every alarm once it says ready and remembers none. Some bits flicker by nature (battery, fire): they stand as
long. The same rules as in the makers' own library, apart from a zone that watches round the clock: open, it is in alarm.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from drivers.alarmdecoder_wire import Expander, Keypad, OldRadio, Radio, Sensor
from drivers.panel import Event, Status
from sentinel.core.codes import ROLES, is_critical

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from drivers.panel import PanelPoint
    from sentinel.core.model import Role

SHOWN_S = 30.0  # the library's own time for what a keypad no longer shows
SOUNDING_S = 5.0  # a siren waits so long for the zone that says why
ZONES = range(1, 1000)
MOST_SENSORS, MOST_ALARMS = 200, 500
FIRE, SILENT, BURGLARY = 110, 122, 130
VAGUE, MAINS, BATTERY, SENSOR, LOW_BATTERY, ARMING = 300, 301, 302, 380, 384, 401

_CHECK = re.compile(r"CHECK (\d+)")
_NO_ZONE = 0xBF  # what an Ademco bus shows for a failure: the zone is in the text
_CATCH_ALLS = (100, FIRE, 120, 121, BURGLARY)  # an event of each kind of alarm
_BY_USER = frozenset({121, 124, 125})  # duress: the number is a user's
# Firmware before 2.2a.8.6; the words of the AlarmDecoder's wiki.
_OLD: Mapping[str, tuple[int, Status]] = {
    "ALARM_PANIC": (120, Status.NEW), "ALARM_AUDIBLE": (123, Status.NEW), "ALARM_SILENT": (122, Status.NEW),
    "ALARM_DURESS": (121, Status.NEW), "ALARM_FIRE": (FIRE, Status.NEW), "ALARM_ENTRY": (134, Status.NEW),
    "ALARM_PERIMETER": (131, Status.NEW), "ALARM_EXIT_ERROR": (374, Status.NEW),
    "OPEN": (ARMING, Status.NEW), "CLOSE": (ARMING, Status.RESTORED),
    "ARM_AWAY": (ARMING, Status.RESTORED), "ARM_STAY": (441, Status.RESTORED),
    "ACLOSS": (MAINS, Status.NEW), "AC_RESTORE": (MAINS, Status.RESTORED),
    "LOWBAT": (BATTERY, Status.NEW), "LOWBAT_RESTORE": (BATTERY, Status.RESTORED),
    "RFLOWBAT": (LOW_BATTERY, Status.NEW), "RFLOWBAT_RESTORE": (LOW_BATTERY, Status.RESTORED),
    "TROUBLE": (SENSOR, Status.NEW), "TROUBLE_RESTORE": (SENSOR, Status.RESTORED),
    "BYPASS": (570, Status.NEW), "BYPASS_RESTORE": (570, Status.RESTORED),
    "CANCEL": (406, Status.NEW), "TEST_CALL": (602, Status.NEW), "TEST_RESTORE": (602, Status.RESTORED),
}  # fmt: skip


@dataclass(slots=True)
class FaultList:
    """Zones that are open, as a keypad shows them in turn: one that was passed over is shut again."""

    zones: dict[int, float] = field(default_factory=dict)  # zone -> when it was last shown
    wired: set[int] = field(default_factory=set)  # those that an expander reports: it says itself when they are shut
    last: int = 0

    def shown(self, zone: int, now: float) -> None:
        """The keypad shows this one."""
        if zone in self.zones:
            for passed in self._between(self.last, zone):
                del self.zones[passed]
            self.last = zone
        else:
            self.last = 0  # out of its turn
        self.zones[zone] = now

    def _between(self, last: int, zone: int) -> list[int]:
        if last not in self.zones:
            return []
        turn = sorted(self.zones)
        at = turn.index(last)
        behind = turn[at + 1 :] + turn[: at + 1]
        return [one for one in behind[: behind.index(zone)] if one not in self.wired]

    def by_wire(self, zone: int, now: float, *, open_: bool) -> None:
        """An expander says so."""
        if open_:
            self.zones[zone] = now
            self.wired.add(zone)
        else:
            self.zones.pop(zone, None)
            self.wired.discard(zone)

    def passed(self, now: float) -> None:
        """What was not shown for long is shut."""
        for zone in [one for one, at in self.zones.items() if one not in self.wired and now - at > SHOWN_S]:
            del self.zones[zone]

    def none(self) -> None:
        """The panel is ready."""
        self.zones.clear()
        self.wired.clear()
        self.last = 0


class Ad2State:
    """One panel. `take` gives the events that follow; `now` is monotonic seconds."""

    def __init__(self, points: Mapping[str, PanelPoint]) -> None:
        self._roles: dict[int, Role] = {}
        self._partitions: dict[int, int] = {}
        for entry in points.values():
            if entry.zone is not None and (entry.zone not in self._roles or is_critical(entry.role)):
                self._roles[entry.zone] = entry.role
                self._partitions[entry.zone] = entry.partition or 1
        self.faults = FaultList()
        self._shown: dict[Event, float] = {}  # what the keypad shows, as it was told -> when it was last seen
        self._radio: set[tuple[int, int, int]] = set()  # alarms that were reported: code, partition, zone
        self._known: set[int] = set()  # zones whose alarm was reported since all was calm: the keypad only repeats it
        self._low: set[str] = set()  # sensors with a weak battery
        self._mains: bool | None = None
        self._armed: bool | None = None
        self._calm = False  # it was ready, with nothing remembered, since the last alarm or opening
        self._swept = False  # alarms of before this opening, of which nothing is known here, were ended
        self._sounds_since: float | None = None
        self._fire_at = -math.inf  # when a line last had its bit
        self._listening_since: float | None = math.inf  # until what is not shown is known to be well

    def opened(self) -> None:
        """The line is a new one: what the keypad shows is to be said again."""
        self._mains, self._sounds_since, self._listening_since = None, None, math.inf
        self._calm = self._swept = False

    def open_zones(self) -> list[int]:
        """For the record. An open hold-up button is an alarm and stands in no list that the branch can see (rule 6)."""
        return sorted(zone for zone in self.faults.zones if not self._round_the_clock(zone))

    def take(self, message: Keypad | Radio | OldRadio | Expander | Sensor, now: float) -> list[Event] | None:
        """What one message means; None when no table knows it."""
        match message:
            case Keypad():
                return list(self._keypad(message, now))
            case Radio():
                code = int(message.code) if message.code.isdigit() else 0
                return self._reported(code, message.status, message.partition, message.number)
            case OldRadio():
                # An alarm in a word that no table has may be a silent one: told as such.
                unknown = (SILENT if message.event.startswith("ALARM_") else 0, Status.NEW)
                code, status = _OLD.get(message.event, unknown)
                return self._reported(code, status, message.partition, message.number)
            case Expander():
                return list(self._expander(message, now))
            case Sensor():
                return list(self._sensor(message))

    # --- The keypad -------------------------------------------------------------------------------------------------

    def _keypad(self, line: Keypad, now: float) -> Iterator[Event]:
        text = line.text.upper()
        aside = text.startswith(("SYSTEM", "CHECK"))  # says little of the rest: its other bits do not count
        if line.mains is not self._mains:
            self._mains = line.mains
            yield Event(MAINS, Status.RESTORED if line.mains else Status.NEW)
        if line.battery_low:
            yield from self._show(Event(BATTERY, Status.NEW), now)
        if line.issue not in "0-":
            yield from self._show(Event(VAGUE, Status.NEW), now)
        if line.fire:
            yield from self._fire(line, text, now)
        if line.panel != "D" and (aside or not line.ready):
            yield from self._zone(line, text, now)
        yield from self._siren(line, now)
        if not aside:
            yield from self._arming(line)
        if line.ready and not aside:
            yield from self._ready(line)
        yield from self._unshown(now)

    def _unshown(self, now: float) -> Iterator[Event]:
        """What it shows no longer; and what it has not shown from the start, so that a fault of before then ends."""
        self.faults.passed(now)
        for event in [one for one, at in self._shown.items() if now - at > SHOWN_S]:
            yield from self._over(event)
        if self._listening_since is None:
            return
        self._listening_since = min(self._listening_since, now)
        if now - self._listening_since <= SHOWN_S:
            return
        self._listening_since = None
        wires = (Event(SENSOR, Status.NEW, partition, zone) for zone, partition in sorted(self._partitions.items()))
        for event in (Event(BATTERY, Status.NEW), Event(VAGUE, Status.NEW), *wires):
            if event not in self._shown:
                yield Event(event.code, Status.RESTORED, event.partition, event.zone)

    def _show(self, event: Event, now: float) -> Iterator[Event]:
        known = event in self._shown
        self._shown[event] = max(now, self._shown.get(event, now))
        if event.code < 200:
            self._calm = False
        if not known:  # in the first turn of the keypad it may stand since before a restart, and was told then
            yield event if self._listening_since is None else replace(event, status=Status.STILL)

    def _over(self, event: Event) -> Iterator[Event]:
        del self._shown[event]
        yield Event(event.code, Status.RESTORED, event.partition, event.zone)

    def _fire(self, line: Keypad, text: str, now: float) -> Iterator[Event]:
        """No line carries a checksum: a lone bit is believed when another line has it too."""
        named, before, self._fire_at = text.startswith("FIRE"), self._fire_at, now
        if named or now - before <= SHOWN_S:
            zone = _zone(line) if named else 0
            yield from self._show(Event(self._code(zone, FIRE), Status.NEW, self._partitions.get(zone, 1), zone), now)

    def _zone(self, line: Keypad, text: str, now: float) -> Iterator[Event]:
        alarm, fault = text.startswith("ALARM"), text.startswith("FAULT")
        if not (line.check or alarm or fault):
            return
        zone = _zone(line)
        if zone not in ZONES:
            return
        partition = self._partitions.get(zone, 1)
        self.faults.shown(zone, now)
        if zone in self._known and not line.check:
            return
        if alarm or (fault and self._round_the_clock(zone)):
            yield from self._show(Event(self._code(zone, BURGLARY), Status.NEW, partition, zone), now)
        elif line.check:
            yield from self._show(Event(SENSOR, Status.NEW, partition, zone), now)

    def _siren(self, line: Keypad, now: float) -> Iterator[Event]:
        alarm = Event(BURGLARY, Status.NEW, 1)
        if not line.sounding:
            self._sounds_since = None
            return
        if self._sounds_since is None:
            self._sounds_since = now
        explained = self._radio or any(one.code < 200 for one in self._shown if one != alarm)
        if alarm in self._shown or (not explained and now - self._sounds_since >= SOUNDING_S):
            yield from self._show(alarm, now)

    def _arming(self, line: Keypad) -> Iterator[Event]:
        armed = line.away or line.home
        if armed is not self._armed:
            self._armed = armed
            yield Event(ARMING, Status.RESTORED if armed else Status.NEW, 1)

    def _ready(self, line: Keypad) -> Iterator[Event]:
        """Nothing is open. When it remembers no alarm either, none stands, not even one of before a restart."""
        self.faults.none()
        if line.memory or line.sounding or line.fire or self._calm:
            return
        self._calm = True
        for event in [one for one in self._shown if one.code < 200]:
            yield from self._over(event)
        for code, partition, zone in sorted(self._radio):
            yield Event(code, Status.RESTORED, partition, zone)
        self._radio.clear()
        self._known.clear()
        if self._swept:
            return
        self._swept = True
        for zone, partition in sorted(self._partitions.items()):
            yield Event(self._code(zone, BURGLARY), Status.RESTORED, partition, zone)
        for code in _CATCH_ALLS:
            yield Event(code, Status.RESTORED)

    def _round_the_clock(self, zone: int) -> bool:
        role = self._roles.get(zone)
        return role is not None and is_critical(role)

    def _code(self, zone: int, otherwise: int) -> int:
        """The event of what the config takes the zone for."""
        role = self._roles.get(zone)
        return ROLES[role].event if role is not None and ROLES[role].event < 200 else otherwise

    # --- Everything else --------------------------------------------------------------------------------------------

    def _reported(self, code: int, status: Status, partition: int, number: int) -> list[Event] | None:
        if not 100 <= code <= 999:
            return None
        key = (code, partition, number)
        if code < 200 and status is Status.RESTORED:
            self._radio.discard(key)
        elif code < 200:
            self._calm = False
            if len(self._radio) < MOST_ALARMS:
                self._radio.add(key)
                self._known.update(() if code in _BY_USER else (number,))
        if code // 10 in {40, 44}:
            self._armed = status is Status.RESTORED
        return [Event(code, status, partition, number)]

    def _expander(self, message: Expander, now: float) -> Iterator[Event]:
        if message.relay:
            return
        # Ademco: the expanders' addresses begin at 7, and each has eight inputs (1 is the panel's own up to 8).
        zone = message.address + message.channel + (message.address - 7) * 7 + 1
        if zone not in ZONES:
            return
        partition = self._partitions.get(zone, 1)
        self.faults.by_wire(zone, now, open_=message.value != 0)
        wire = Event(SENSOR, Status.NEW, partition, zone)
        alarm = Event(self._code(zone, BURGLARY), Status.NEW, partition, zone)
        for event, stands in ((wire, message.value == 2), (alarm, message.value == 1 and self._round_the_clock(zone))):
            if stands:
                yield from self._show(event, math.inf)  # it says itself when that is over
            elif event in self._shown:
                yield from self._over(event)

    def _sensor(self, message: Sensor) -> Iterator[Event]:
        before = bool(self._low)
        if not message.battery_low:
            self._low.discard(message.serial)
        elif len(self._low) < MOST_SENSORS:
            self._low.add(message.serial)
        if bool(self._low) is not before:
            yield Event(LOW_BATTERY, Status.RESTORED if before else Status.NEW)


def _zone(line: Keypad) -> int:
    """The zone that a line speaks of, 0 when there is none."""
    number = int(line.code) if line.code.isdigit() else int(line.code, 16)
    if number == _NO_ZONE:
        found = _CHECK.match(line.text)
        return int(found[1]) if found else 0
    return number
