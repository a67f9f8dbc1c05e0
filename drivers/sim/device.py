"""One simulated device: the memory that a profile describes, set and read in engineering units, and its faults.

Knows no wire: `drivers.sim.server` puts it on a socket or a pty. Deliberately strict: an address that the profile
does not name, or a request above its limits, is refused as a real device refuses it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from drivers.decoding import decoder
from drivers.modbus import known_addresses
from drivers.points import BIT_TABLES, Kind, Point, Profile
from drivers.sim.encoding import encode
from sentinel.ports import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sentinel.core.model import Failure, Value

LIFE_TICK_S = 0.25  # how fast a simulated sign of life counts; NK8237's does so too


class Fault(StrEnum):
    """What can be wrong with a device."""

    SILENT = "silent"  # takes the question and says nothing
    EXCEPTION = "exception"  # answers every question with exception 4, device failure
    FROZEN = "frozen"  # its sign of life stands still
    IMPOSTOR = "impostor"  # another device answers: the identity registers are wrong
    ABSENT = "absent"  # not on the bus; a TCP gateway says so (exception 11), an RTU line is silent


class Refused(Exception):  # noqa: N818 what the device does, not what went wrong here
    """The device answers with this Modbus exception code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code


class SimulatedDevice:
    """The memory of one unit. `counts` gives a list of the profile more or fewer points, as in ModbusOptions."""

    def __init__(self, name: str, profile: Profile, unit: int = 1, counts: Mapping[str, int] | None = None) -> None:
        self.name, self.unit = name, unit
        self.fault: Fault | None = None
        self.points: dict[str, Point] = {point.id: point for point in profile.points(counts)}
        self._profile = profile
        known = known_addresses(profile, self.points.values())
        self._memory = {table: dict.fromkeys(sorted(known[table]), 0) for table in Table}
        self._frozen_at = 0
        for check in profile.identity:
            self._memory[check.table][check.address] = check.low
        for point in self.points.values():
            self.set(point.id, _at_rest(point))

    def set(self, point: str, value: Value) -> None:
        """Put a value there. ValueError says what the point can take, KeyError that there is none of that name."""
        spec = self.points[point]
        for offset, word in enumerate(encode(spec, value, self._words(spec))):
            self._memory[spec.table][spec.address + offset] = word

    def get(self, point: str) -> Value | Failure:
        """What a reader would make of the point now."""
        spec = self.points[point]
        return decoder(spec)(self._words(spec), 0)

    def poke(self, table: Table, address: int, word: int) -> None:
        """Write a raw word, sentinels and nonsense included; a bit is 0 or 1."""
        self._memory[table][address] = word

    def read(self, table: Table, address: int, count: int, now_s: float) -> list[int]:
        """Answer a read at the time `now_s` (seconds, any epoch), or Refused."""
        bounds = self._profile.bounds
        if self.fault is Fault.EXCEPTION:
            raise Refused(4)
        if count > (bounds.max_bits if table in BIT_TABLES else bounds.max_registers):
            raise Refused(3)
        memory = self._memory[table]
        missing = [a for a in range(address, address + count) if a not in memory]
        if len(missing) > bounds.max_gap or address not in memory or address + count - 1 not in memory:
            raise Refused(2)
        words = [memory.get(a, 0) for a in range(address, address + count)]
        self._sign_of_life(table, address, words, now_s)
        if self.fault is Fault.IMPOSTOR:
            for check in self._profile.identity:
                if check.table is table and 0 <= check.address - address < count:
                    words[check.address - address] = (check.high + 1) & 0xFFFF
        return words

    def write(self, table: Table, address: int, values: Sequence[int]) -> None:
        """Take a write to coils or holding registers, or Refused."""
        if self.fault is Fault.EXCEPTION:
            raise Refused(4)
        if any(address + offset not in self._memory[table] for offset in range(len(values))):
            raise Refused(2)
        for offset, value in enumerate(values):
            self._memory[table][address + offset] = int(value)

    def _words(self, point: Point) -> tuple[int, ...]:
        return tuple(self._memory[point.table][point.address + offset] for offset in range(point.words))

    def _sign_of_life(self, table: Table, address: int, words: list[int], now_s: float) -> None:
        life = self._profile.vitality
        if self.fault is not Fault.FROZEN:
            self._frozen_at = int(now_s / LIFE_TICK_S) & 0xFFFF
        if life is not None and life.table is table and 0 <= life.address - address < len(words):
            words[life.address - address] = self._frozen_at


def _at_rest(point: Point) -> Value:
    """A quiet value: off, the state called normal (else the first), the middle of the limits, zero."""
    if point.kind is Kind.BOOL:
        return False
    words = [word for _, word in point.states] or [line.state for line in point.match if line.state]
    if words:
        return "normal" if "normal" in words else words[0]
    low, high = point.limits or (point.offset, point.offset)
    return (low + high) / 2
