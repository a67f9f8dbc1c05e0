"""What a profile says of a device, as frozen values: points, checks, limits. No YAML, no I/O, no decoding.

Built by `drivers.profile`, read by the planner, the decoder, the simulator and `sentinel probe`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from sentinel.ports import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sentinel.core.model import Role

BIT_TABLES = (Table.COIL, Table.DISCRETE)
IDENTITY = "identity"  # the points that every device with such a check has, beside its profile's own
VITALITY = "vitality"


class Certainty(StrEnum):
    """How far a number of a profile may be believed."""

    HIGH = "high"  # read in the maker's manual, or seen on the device
    MEDIUM = "medium"  # one site sheet, or a manual that contradicts itself
    LOW = "low"  # remembered, or from a clone
    UNCONFIRMED = "unconfirmed"  # nobody has seen it: a template to be filled in on the spot


class Kind(StrEnum):
    """How the words of a point are read."""

    BOOL = "bool"
    U16 = "u16"
    I16 = "i16"
    U32 = "u32"
    I32 = "i32"
    F32 = "f32"

    @property
    def words(self) -> int:
        """Registers that it fills."""
        return 2 if self in (Kind.U32, Kind.I32, Kind.F32) else 1


class Order(StrEnum):
    """Where the bytes of a 32-bit value lie; A is the most significant."""

    ABCD = "ABCD"
    CDAB = "CDAB"
    BADC = "BADC"
    DCBA = "DCBA"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a number comes from, and how far to believe it."""

    text: str
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class Match:
    """One line of a status word: it applies when `word & mask == equals`. `state` None: nothing is there."""

    mask: int
    equals: int
    state: str | None


@dataclass(frozen=True, slots=True)
class Repeat:
    """A zone list: `count` points, each further by `step` addresses and `bits` bits (a full word goes on to the next)."""

    count: int
    most: int  # what the device can have
    step: int
    bits: int


@dataclass(frozen=True, slots=True)
class Point:
    """One named value of a device. Addresses are PDU addresses, from 0."""

    id: str
    table: Table
    address: int
    kind: Kind
    source: Source
    order: Order = Order.ABCD
    bit: int | None = None  # of a register, for bool
    mask: int | None = None  # applied first, then `shift`
    shift: int = 0
    states: tuple[tuple[int, str], ...] = ()  # number -> word; a number that is not listed is out of range
    match: tuple[Match, ...] = ()  # instead of `states`: the first that applies; none: out of range
    absent: tuple[int, ...] = ()  # raw numbers that mean "not there"
    active_low: bool = False
    scale: float = 1.0
    offset: float = 0.0
    unit: str = ""
    limits: tuple[float, float] | None = None  # of the scaled value, both ends good
    interval_s: float = 1.0
    latching: bool = False  # the device holds a short contact until it was read
    role: Role | None = None  # a suggestion for `sentinel init`
    note: str = ""

    @property
    def words(self) -> int:
        """Addresses that it fills: one bit, or one or two registers."""
        return self.kind.words

    @property
    def gives(self) -> str:
        """What a reader gets: "bool", "word" or "number"."""
        if self.kind is Kind.BOOL:
            return "bool"
        return "word" if self.states or self.match else "number"


@dataclass(frozen=True, slots=True)
class PointList:
    """A point as the profile writes it: alone, or the first of a list of like ones (`zone` -> zone1, zone2, ...)."""

    first: Point
    repeat: Repeat | None = None

    def expand(self, count: int | None = None) -> Iterator[Point]:
        """All points; `count` overrides the profile's own for a list."""
        if self.repeat is None:
            yield self.first
            return
        for index in range(self.repeat.count if count is None else count):
            yield self._nth(index, self.repeat)

    def _nth(self, index: int, repeat: Repeat) -> Point:
        point, start = self.first, self.first.bit if self.first.bit is not None else self.first.shift
        words, position = divmod(start + index * repeat.bits, 16)
        moved = replace(point, id=f"{point.id}{index + 1}", address=point.address + index * repeat.step + words)
        if not repeat.bits:
            return moved
        if point.bit is not None:
            return replace(moved, bit=position)
        width = (point.mask or 0) >> point.shift
        return replace(moved, shift=position, mask=width << position)


@dataclass(frozen=True, slots=True)
class IdentityCheck:
    """A register that tells this kind of device from another: its value lies from `low` to `high`."""

    table: Table
    address: int
    low: int
    high: int
    source: Source


@dataclass(frozen=True, slots=True)
class VitalityCheck:
    """A sign of life: the register's value must change within `within_s`."""

    table: Table
    address: int
    within_s: float
    source: Source


@dataclass(frozen=True, slots=True)
class Serial:
    """Line settings as the device leaves the factory; `variant` names a clone that differs."""

    baud: int
    parity: str
    stop_bits: int
    unit: int
    variant: str = ""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the device takes in one request, and how often."""

    max_registers: int
    max_bits: int
    max_gap: int  # how many addresses that nobody asked for may be read across
    min_poll_s: float


@dataclass(frozen=True, slots=True)
class TestCommand:
    """A write that makes the device prove something (a timed relay pulse, a lamp test). Data; nothing here sends it."""

    id: str
    table: Table
    address: int
    value: int
    summary: str
    source: Source


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of device."""

    maker: str
    model: str
    summary: str
    source: Source
    bounds: Bounds
    lists: tuple[PointList, ...]
    serial: Serial | None = None
    variants: tuple[Serial, ...] = ()
    identity: tuple[IdentityCheck, ...] = ()
    vitality: VitalityCheck | None = None
    test_commands: tuple[TestCommand, ...] = ()

    def points(self, counts: Mapping[str, int] | None = None) -> tuple[Point, ...]:
        """Every point, lists expanded; `counts` (list id -> how many) overrides. ValueError names a wrong one."""
        counts = dict(counts or {})
        found: list[Point] = []
        for points in self.lists:
            count = counts.pop(points.first.id, None) if points.repeat else None
            if count is not None and points.repeat and not 0 <= count <= points.repeat.most:
                raise ValueError(f"counts.{points.first.id}: {count} is not from 0 to {points.repeat.most}")
            found.extend(points.expand(count))
        if counts:
            lists = ", ".join(p.first.id for p in self.lists if p.repeat) or "none"
            raise ValueError(f"counts.{min(counts)}: {self.model} has no such list; its lists: {lists}")
        return tuple(found)
