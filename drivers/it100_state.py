"""What a DSC panel says by IT-100 or TPI, as Contact ID events: zones, partitions, keys, troubles. Pure; keeps no readings.

The panel never says what a zone is for: the config does. A zone that the config does not name and that alarms while its
partition is not known to be armed watches round the clock, so it may be a hold-up button: it is told as one, silently.
The same goes for a partition in alarm for which no zone says why.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drivers.it100_codes import (
    ALARM_CODES,
    ARMING,
    BURGLARY,
    DURESS,
    OF_A_ZONE,
    OPENINGS,
    PANEL,
    ROUND_THE_CLOCK,
    SENSOR_FAULT,
    SENSOR_TAMPER,
    TROUBLES,
    VAGUE,
    VERBOSE,
)
from drivers.panel import Event, Status
from sentinel.core.codes import ROLES, is_critical

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from drivers.it100_wire import Frame
    from drivers.panel import PanelPoint
    from sentinel.core.model import Role

ZONES, PARTITIONS = range(1, 129), range(1, 9)  # PowerSeries has 64, Neo 128
SAME_S = 60.0  # a line that was away no longer than this finds the same alarm as before
EXPLAIN_S = 3.0  # a partition in alarm waits so long for the zone that says why
VAGUE_S = 5.0  # a trouble LED waits so long for the trouble
DUMP_S = 10.0  # an answer to a status request that leaves something out is taken as it is after so long
DURESS_S = 600.0  # duress has no restore: it stands for so long


@dataclass(slots=True)
class _Zone:
    """One input. `alarm` and `troubles` are what was told of it and not taken back."""

    role: Role | None  # as the config has it; None: it names no such zone
    partition: int = 1
    there: bool = False  # the panel has spoken of it: the config may name one that it does not have
    open: bool = False
    alarm: tuple[int, int] | None = None  # code, partition
    troubles: set[int] = field(default_factory=set)

    @property
    def critical(self) -> bool:
        """Watches round the clock: open is alarm."""
        return self.role is not None and is_critical(self.role)


@dataclass(slots=True)
class _Partition:
    """One area. `armed` is None until it was said."""

    armed: bool | None = None
    alarm_since: float | None = None
    explained: bool = False  # of the alarm that stands
    vague: int = 0  # the code by which it was told without a reason
    read_back: bool = False  # its alarm was found in an answer to a status request: it may have been told before
    led: bool = False


@dataclass(slots=True)
class _Dump:
    """What an answer to a status request has covered so far."""

    began: float
    zones: set[int] = field(default_factory=set)
    partitions: set[int] = field(default_factory=set)
    leds: bool = False  # what the answer ends with


class DscState:
    """One panel. Each method gives the events that follow; `at` is monotonic seconds."""

    def __init__(self, points: Mapping[str, PanelPoint]) -> None:
        self._zones: dict[int, _Zone] = {}
        for entry in points.values():
            if entry.zone is None:
                continue
            known = self._zones.setdefault(entry.zone, _Zone(entry.role, entry.partition or 1))
            if is_critical(entry.role):
                known.role = entry.role
        self._mapped = frozenset(self._zones)
        self._partitions: dict[int, _Partition] = {}
        self._troubles: set[int] = set()  # of the panel itself
        self._led_since: float | None = None
        self._duress_until: float | None = None
        self._dump: _Dump | None = None
        self._heard_at = -math.inf
        self._openings = 0
        self.missing: frozenset[int] = frozenset()  # zones of the config that the last answer left out

    def opened(self, now: float) -> None:
        """The line is a new one: what was asked on the old will not be answered; after a while an alarm may be another."""
        self._dump = None
        self._openings += 1
        away = now - self._heard_at > SAME_S
        for number, partition in self._partitions.items():
            stands = any(zone.alarm and zone.alarm[1] == number for zone in self._zones.values())
            partition.explained = stands or (partition.explained and not away)
            partition.alarm_since = None

    def take(self, frame: Frame, at: float) -> list[Event] | None:
        """What one message means; None when its content cannot be."""
        command, data = frame.command, frame.data
        self._heard_at = at
        if command in ("601", "602"):
            return self._zone_alarm(command, data)
        if command in ("609", "610"):
            return self._zone_moves(command, data)
        if command in OF_A_ZONE:
            return self._zone_trouble(*OF_A_ZONE[command], data)
        if command in ("650", "651", "652", "653", "654", "655"):
            return self._partition(command, data, at)
        if command in OPENINGS:
            return self._by_user(data, armed=OPENINGS[command])
        if command == "620":
            self._duress_until = at + DURESS_S
            self._explain()
            return [Event(DURESS, Status.NEW)]
        if command in PANEL:
            code, restore = PANEL[command]
            if code < 200 and not restore:
                self._explain()
            return [Event(code, Status.RESTORED if restore else Status.NEW)]
        if command in TROUBLES:
            code, restore = TROUBLES[command]
            return [self._trouble(code, restore=restore)]
        if command in ("840", "841"):
            return self._led(data, at, on=command == "840")
        return self._verbose(data) if command == "849" else []

    def tick(self, at: float) -> list[Event]:
        """What waited for an explanation and got none; what stood long enough."""
        events: list[Event] = []
        for number, partition in self._partitions.items():
            since = partition.alarm_since
            if since is not None and not partition.explained and not partition.vague and at - since >= EXPLAIN_S:
                partition.vague = self._unnamed(number)
                events.append(Event(partition.vague, _STATUS[partition.read_back], number))
        if self._led_since is not None and not self._any_trouble() and at - self._led_since >= VAGUE_S:
            events.append(self._trouble(VAGUE, restore=False))
        if self._duress_until is not None and at >= self._duress_until:
            self._duress_until = None
            events.append(Event(DURESS, Status.RESTORED))
        return events

    # --- The answer to a status request -----------------------------------------------------------------------------

    def dump_begins(self, at: float) -> None:
        """The panel has taken the request: what comes now is the state of everything."""
        self._dump = _Dump(at)

    def dump_ends(self, at: float) -> list[Event] | None:
        """Everything was said: what stood and stands no longer is over. None while something is still missing."""
        dump = self._dump
        if dump is None or not dump.partitions or not dump.zones:
            return None
        whole = dump.leds and self._mapped <= dump.zones
        if not whole and at - dump.began < DUMP_S:
            return None
        self._dump, self.missing = None, self._mapped - dump.zones
        events = [event for number in sorted(dump.zones) for event in self._as_it_is(number)]
        if not any(partition.alarm_since is not None for partition in self._partitions.values()):
            events += [Event(code, Status.RESTORED) for code in ALARM_CODES]
        return events

    def _as_it_is(self, number: int) -> Iterator[Event]:
        zone = self._zones.get(number)
        if zone is None:
            return
        if zone.critical and zone.open:
            if zone.alarm is None:
                yield self._alarm(number, zone, zone.partition, read_back=True)
                # At the start of a run that is reason enough: all of it may have been told by the run before.
                self._area(zone.partition).explained |= self._openings == 1
        elif not any(partition.alarm_since is not None for partition in self._partitions.values()):
            yield from self._alarm_over(number, zone)

    # --- Zones ------------------------------------------------------------------------------------------------------

    def _there(self, number: int) -> _Zone:
        zone = self._zones.setdefault(number, _Zone(None))
        zone.there = True
        return zone

    def _zone_alarm(self, command: str, data: str) -> list[Event] | None:
        number, partition = _number(data[1:], 3), _number(data[:1], 1)
        if number not in ZONES or partition not in PARTITIONS:
            return None
        zone = self._there(number)
        if command == "602":
            return list(self._alarm_over(number, zone))
        before = zone.alarm
        zone.partition = partition
        events = [self._alarm(number, zone, partition)]
        if before is not None and before != zone.alarm:
            events.append(Event(before[0], Status.RESTORED, before[1], number))
        self._area(partition).explained = True
        return events

    def _alarm(self, number: int, zone: _Zone, partition: int, *, read_back: bool = False) -> Event:
        if zone.role is None:
            code = zone.alarm[0] if zone.alarm else self._unnamed(partition)
        else:
            code = ROLES[zone.role].event if ROLES[zone.role].event < 200 else BURGLARY
        zone.alarm = (code, partition)
        return Event(code, _STATUS[read_back], partition, number)

    @staticmethod
    def _alarm_over(number: int, zone: _Zone) -> Iterator[Event]:
        """Also for one of before a restart, of which nothing is known here."""
        if zone.alarm is not None:
            yield Event(zone.alarm[0], Status.RESTORED, zone.alarm[1], number)
        elif zone.role is not None:
            event = ROLES[zone.role].event
            yield Event(event if event < 200 else BURGLARY, Status.RESTORED, zone.partition, number)
        zone.alarm = None

    def _zone_moves(self, command: str, data: str) -> list[Event] | None:
        number = _number(data, 3)
        if number not in ZONES:
            return None
        zone = self._there(number)
        zone.open = command == "609"
        if self._dump is not None:
            self._dump.zones.add(number)
        elif zone.critical and not zone.open:  # of a zone that watches round the clock the panel may send no 602
            return list(self._alarm_over(number, zone))
        return []

    def _zone_trouble(self, code: int, restore: bool, data: str) -> list[Event] | None:
        with_partition = len(data) == 4
        number = _number(data[1:] if with_partition else data, 3)
        if number not in ZONES or (with_partition and _number(data[:1], 1) not in PARTITIONS):
            return None
        zone = self._there(number)
        if restore:
            zone.troubles.discard(code)
        else:
            zone.troubles.add(code)
        return [Event(code, Status.RESTORED if restore else Status.NEW, zone.partition, number)]

    # --- Partitions -------------------------------------------------------------------------------------------------

    def _area(self, number: int) -> _Partition:
        return self._partitions.setdefault(number, _Partition())

    def _unnamed(self, partition: int) -> int:
        """The code for an alarm of which nobody knows what it is."""
        known = self._partitions.get(partition)
        return BURGLARY if known is not None and known.armed else ROUND_THE_CLOCK

    def _explain(self) -> None:
        """A key, a duress code: why a partition is in alarm, whichever it is."""
        for number in self._partitions or (1,):
            self._area(number).explained = True

    def _partition(self, command: str, data: str, at: float) -> list[Event] | None:
        number = _number(data[:1], 1)
        rest = data[1:]
        if number not in PARTITIONS or (rest not in {"0", "1", "2", "3"} if command == "652" else rest):
            return None
        partition = self._area(number)
        if self._dump is not None:
            self._dump.partitions.add(number)
        if command == "654":
            if partition.alarm_since is None:
                partition.alarm_since, partition.read_back = at, self._dump is not None
            return []
        events = [] if command == "651" else list(self._calm(number, partition, disarmed=command != "652"))
        armed = command == "652"
        if partition.armed is not armed:
            partition.armed = armed
            events.append(Event(ARMING, Status.RESTORED if armed else Status.NEW, number))
        return events

    def _calm(self, number: int, partition: _Partition, *, disarmed: bool) -> Iterator[Event]:
        """It is not in alarm: a reason that was never given is over, and after disarming so are its zones' alarms."""
        partition.alarm_since, partition.explained = None, False
        if partition.vague:
            yield Event(partition.vague, Status.RESTORED, number)
            partition.vague = 0
        for id_, zone in self._zones.items():
            over = zone.alarm is not None and zone.alarm[1] == number and not (zone.critical and zone.open)
            if disarmed and over:
                yield from self._alarm_over(id_, zone)

    def _by_user(self, data: str, *, armed: bool) -> list[Event] | None:
        number, user = _number(data[:1], 1), _number(data[1:] or "0000", 4)
        if number not in PARTITIONS or user < 0:
            return None
        self._area(number).armed = armed
        return [Event(ARMING, Status.RESTORED if armed else Status.NEW, number, user)]

    # --- Troubles ---------------------------------------------------------------------------------------------------

    def _trouble(self, code: int, *, restore: bool) -> Event:
        if restore:
            self._troubles.discard(code)
        else:
            self._troubles.add(code)
        return Event(code, Status.RESTORED if restore else Status.NEW)

    def _any_trouble(self) -> bool:
        return bool(self._troubles) or any(zone.troubles for zone in self._zones.values())

    def _led(self, data: str, at: float, *, on: bool) -> list[Event] | None:
        number = _number(data, 1)
        if number not in PARTITIONS:
            return None
        self._area(number).led = on
        if self._dump is not None:
            self._dump.leds = True
        if any(partition.led for partition in self._partitions.values()):
            self._led_since = at if self._led_since is None else self._led_since
            return []
        self._led_since = None
        # An armed partition's keypad may keep it dark in the midst of troubles (TPI document, 841).
        if any(partition.armed is not False for partition in self._partitions.values()):
            return []
        return list(self._no_trouble())

    def _no_trouble(self) -> Iterator[Event]:
        self._troubles.clear()
        for code in sorted({*VERBOSE.values(), *(code for code, _ in TROUBLES.values())}):
            yield Event(code, Status.RESTORED)
        for number, zone in self._zones.items():
            told = zone.troubles | ({SENSOR_TAMPER, SENSOR_FAULT} if zone.role is not None and zone.there else set())
            zone.troubles.clear()
            for code in sorted(told):
                yield Event(code, Status.RESTORED, zone.partition, number)

    def _verbose(self, data: str) -> list[Event] | None:
        try:
            bits = int(data, 16) if len(data) == 2 else -1
        except ValueError:
            bits = -1
        if bits < 0:
            return None
        events = []
        for bit, code in VERBOSE.items():
            on = bool(bits >> bit & 1)
            if on is not (code in self._troubles):
                events.append(self._trouble(code, restore=not on))
        return events


# What stands is told where it was not yet; what was told before a restart, or closed, is not told anew.
_STATUS = {False: Status.NEW, True: Status.STILL}


def _number(text: str, digits: int) -> int:
    """Exactly so many digits; -1, which is nobody's number, when they are not."""
    return int(text) if len(text) == digits and text.isascii() and text.isdigit() else -1
