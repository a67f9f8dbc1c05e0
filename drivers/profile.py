"""A device profile as its YAML is written: strict models, and their turning into the frozen values of `drivers.points`.

Reads no YAML: the caller's strict loader does, and hands over its data. `python -m drivers.profile --schema` prints
the JSON Schema that lies beside the shipped profiles for editors.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from drivers.duration import Seconds  # noqa: TC001 pydantic reads it
from drivers.points import (
    BIT_TABLES,
    IDENTITY,
    VITALITY,
    Bounds,
    Certainty,
    IdentityCheck,
    Kind,
    Match,
    Order,
    Point,
    PointList,
    Profile,
    Repeat,
    Serial,
    Source,
    TestCommand,
    VitalityCheck,
)
from sentinel.core.model import Role  # noqa: TC001 pydantic reads it
from sentinel.ports import Table  # noqa: TC001 pydantic reads it

SHIPPED = Path(__file__).parent / "profiles"
MAX_REGISTERS, MAX_BITS = 125, 2000  # of one read: Modbus Application Protocol V1.1b3, 6.1 to 6.4


def _hexadecimal(value: object) -> object:
    """0x1F of a manual: plain YAML leaves it a text."""
    if isinstance(value, str) and value.startswith("0x"):
        return int(value, 16)
    return value


def _number_schema(most: int, description: str) -> WithJsonSchema:
    number = {"type": "integer", "minimum": 0, "maximum": most}
    return WithJsonSchema(
        {"anyOf": [number, {"type": "string", "pattern": "^0x[0-9A-Fa-f]+$"}], "description": description}
    )


PointId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*(\.[a-z0-9-]+)*$", max_length=40)]
Address = Annotated[
    int,
    BeforeValidator(_hexadecimal),
    Field(ge=0, le=65535),
    _number_schema(65535, "PDU address: a manual's 40001 is 0"),
]
Word = Annotated[int, BeforeValidator(_hexadecimal), Field(ge=0, le=65535), _number_schema(65535, "one register")]
Raw = Annotated[int, BeforeValidator(_hexadecimal), Field(ge=0, le=0xFFFFFFFF), _number_schema(0xFFFFFFFF, "as read")]
Text = Annotated[str, Field(min_length=1, max_length=400)]


class Strict(BaseModel):
    """Every part of a profile: no unknown keys, no changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class SerialForm(Strict):
    """Line settings."""

    baud: Annotated[int, Field(ge=300, le=921600)] = 9600
    parity: Literal["N", "E", "O"] = "N"
    stop_bits: Literal[1, 2] = 1
    unit: Annotated[int, Field(ge=0, le=255)] = 1
    variant: Annotated[str, Field(max_length=120, description="which clone or setting this is")] = ""


class LimitsForm(Strict):
    """What the device takes in one request, and how often."""

    max_registers: Annotated[int, Field(ge=1, le=MAX_REGISTERS)] = MAX_REGISTERS
    max_bits: Annotated[int, Field(ge=1, le=MAX_BITS)] = MAX_BITS
    max_gap: Annotated[int, Field(ge=0, le=124, description="unasked addresses that may be read across")] = 0
    min_poll: Seconds = 0.0


class Sourced(Strict):
    """A part with its own source and certainty; what it leaves out is the profile's."""

    source: Text | None = None
    certainty: Certainty | None = None

    def sourced(self, profile: Source) -> Source:
        """The part's own words, or the profile's."""
        return Source(self.source or profile.text, self.certainty or profile.certainty)


class IdentityForm(Sourced):
    """A register by which this kind of device is known."""

    table: Literal[Table.INPUT, Table.HOLDING]
    address: Address
    equals: Word | None = None
    range: Annotated[list[Word], Field(min_length=2, max_length=2)] | None = None

    @model_validator(mode="after")
    def _one_test(self) -> Self:
        if (self.equals is None) == (self.range is None):
            raise ValueError("an identity check has either equals or range")
        return self

    def to_check(self, profile: Source) -> IdentityCheck:
        """The frozen value."""
        low, high = (self.equals, self.equals) if self.equals is not None else (self.range or [0, 0])
        return IdentityCheck(self.table, self.address, low, high, self.sourced(profile))


class VitalityForm(Sourced):
    """A register that must go on changing."""

    table: Literal[Table.INPUT, Table.HOLDING]
    address: Address
    within: Seconds


class MatchForm(Strict):
    """One line of a status word: `state`, or `absent: true` when nothing is there."""

    mask: Word
    equals: Word
    state: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")] | None = None
    absent: Literal[True] | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if (self.state is None) == (self.absent is None):
            raise ValueError("a match has either state or absent")
        if self.equals & ~self.mask:
            raise ValueError(f"equals 0x{self.equals:04X} has bits outside mask 0x{self.mask:04X}: it never applies")
        return self


class RepeatForm(Strict):
    """A list of like points: `id: zone` becomes zone1, zone2, ..."""

    count: Annotated[int, Field(ge=0, le=4000)]
    max: Annotated[int, Field(ge=1, le=4000)] | None = None
    step: Annotated[int, Field(ge=0, le=1000, description="addresses from one to the next")] = 0
    bits: Annotated[Literal[0, 1, 2, 4, 8], Field(description="bits from one to the next inside registers")] = 0

    @model_validator(mode="after")
    def _moves(self) -> Self:
        if not self.step and not self.bits:
            raise ValueError("a repeat moves on by step addresses or by bits: add step: 1 (or bits: 2)")
        if self.count > (self.max or self.count):
            raise ValueError(f"count {self.count} is above max {self.max}")
        return self


class PointForm(Sourced):
    """One point."""

    id: PointId
    table: Table
    address: Address
    type: Kind
    order: Order = Order.ABCD
    bit: Annotated[int, Field(ge=0, le=15)] | None = None
    mask: Word | None = None
    shift: Annotated[int, Field(ge=0, le=15)] = 0
    enum: Annotated[dict[Raw, Annotated[str, Field(min_length=1)]], Field(min_length=1)] | None = None
    match: Annotated[list[MatchForm], Field(min_length=1)] | None = None
    absent: list[Raw] = []
    active_low: bool = False
    scale: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    offset: float = 0.0
    unit: Annotated[str, Field(max_length=12)] = ""
    limits: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    interval: Seconds = 1.0
    latching: bool = False
    role: Role | None = None
    note: Annotated[str, Field(max_length=400)] = ""
    repeat: RepeatForm | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for wrong, text in self._contradictions():
            if wrong:
                raise ValueError(f"point {self.id}: {text}")
        return self

    def _contradictions(self) -> list[tuple[bool, str]]:
        bits, words = self.table in BIT_TABLES, self.enum is not None or self.match is not None
        boolean, packed = self.type is Kind.BOOL, self.mask is not None or self.shift != 0
        return [
            (self.id in (IDENTITY, VITALITY), "the name is kept for the device's own check"),
            (bits and not boolean, "a coil or discrete input is a bool"),
            (bits and self.bit is not None, "a coil or discrete input has no bit"),
            (boolean and not bits and self.bit is None, "a bool in a register needs its bit"),
            (not boolean and self.bit is not None, "only a bool has a bit; a field has mask and shift"),
            (not boolean and self.active_low, "only a bool is active_low"),
            (packed and self.type is not Kind.U16, "only a u16 has mask and shift"),
            (packed and not (self.mask or 0) >> self.shift, "the mask has no bit at or above the shift"),
            (self.enum is not None and self.match is not None, "either enum or match"),
            (words and self.type not in (Kind.U16, Kind.U32), "states are read from a u16 or u32"),
            (self.match is not None and (packed or self.type is not Kind.U16), "match reads the whole u16"),
            (words and (self.scale != 1 or self.offset != 0 or self.limits is not None), "states have no scale"),
            (boolean and (words or self.scale != 1 or self.offset != 0 or bool(self.absent)), "a bool is only a bool"),
            (self.type is Kind.F32 and bool(self.absent), "a float's absent value is not a number; use limits"),
            (self.order is not Order.ABCD and self.type.words == 1, "only 32-bit types have an order"),
            (self.limits is not None and self.limits[0] > self.limits[-1], "limits are [low, high]"),
            (self.repeat is not None and self.repeat.bits > 0 and not (packed or self.bit is not None),
             "a repeat by bits needs a bit or a mask"),
        ]  # fmt: skip

    def to_points(self, profile: Source) -> PointList:
        """The frozen value."""
        point = Point(
            id=self.id, table=self.table, address=self.address, kind=self.type, source=self.sourced(profile),
            order=self.order, bit=self.bit, mask=self.mask, shift=self.shift,
            states=tuple((self.enum or {}).items()),
            match=tuple(Match(m.mask, m.equals, m.state) for m in self.match or ()),
            absent=tuple(self.absent), active_low=self.active_low, scale=self.scale, offset=self.offset,
            unit=self.unit, limits=(self.limits[0], self.limits[1]) if self.limits else None,
            interval_s=self.interval, latching=self.latching, role=self.role, note=self.note,
        )  # fmt: skip
        again = self.repeat
        if again is None:
            return PointList(point)
        return PointList(point, Repeat(again.count, again.max or again.count, again.step, again.bits))


class TestCommandForm(Sourced):
    """A write that makes the device prove something. Not carried out by reading a profile."""

    id: PointId
    table: Literal[Table.COIL, Table.HOLDING]
    address: Address
    value: Word
    summary: Text

    def to_command(self, profile: Source) -> TestCommand:
        """The frozen value."""
        return TestCommand(
            self.id, self.table, self.address, self.value, self.summary, self.sourced(profile)
        )  # fmt: skip


class ProfileForm(Strict):
    """A whole profile file."""

    maker: Text
    model: Text
    summary: Text
    source: Text
    certainty: Certainty
    serial: SerialForm | None = None
    variants: list[SerialForm] = []
    limits: LimitsForm = LimitsForm()
    identity: list[IdentityForm] = []
    vitality: VitalityForm | None = None
    points: Annotated[list[PointForm], Field(min_length=1)]
    test_commands: list[TestCommandForm] = []

    @model_validator(mode="after")
    def _points_are_one_each_and_in_reach(self) -> Self:
        seen: set[str] = set()
        source = Source(self.source, self.certainty)
        for form in self.points:
            every = form.to_points(source)
            for point in every.expand(every.repeat.most if every.repeat else None):
                if point.id in seen:
                    raise ValueError(f"point {point.id}: the name is given twice")
                if point.address + point.words > 65536:
                    raise ValueError(f"point {point.id}: address {point.address} is above 65535")
                seen.add(point.id)
        if any(p.type.words > self.limits.max_registers for p in self.points):
            raise ValueError("limits.max_registers: a 32-bit point needs 2")
        return self

    def to_profile(self) -> Profile:
        """The frozen value that drivers and simulators work with."""
        source = Source(self.source, self.certainty)
        life = self.vitality
        return Profile(
            maker=self.maker, model=self.model, summary=self.summary, source=source,
            bounds=Bounds(
                self.limits.max_registers, self.limits.max_bits, self.limits.max_gap, self.limits.min_poll
            ),
            lists=tuple(form.to_points(source) for form in self.points),
            serial=_serial(self.serial) if self.serial else None,
            variants=tuple(_serial(v) for v in self.variants),
            identity=tuple(form.to_check(source) for form in self.identity),
            vitality=VitalityCheck(life.table, life.address, life.within, life.sourced(source)) if life else None,
            test_commands=tuple(form.to_command(source) for form in self.test_commands),
        )  # fmt: skip


def _serial(form: SerialForm) -> Serial:
    return Serial(form.baud, form.parity, form.stop_bits, form.unit, form.variant)


def profile_from(data: object) -> Profile:
    """The profile that parsed YAML means; pydantic's ValidationError names everything that is wrong with it."""
    return ProfileForm.model_validate(data).to_profile()


def profile_path(name: str) -> Path:
    """Where a profile lies: a shipped one by its bare name, or the path of a user's own YAML. No check that it exists."""
    return Path(name) if name.endswith((".yaml", ".yml")) or "/" in name else SHIPPED / f"{name}.yaml"


def shipped() -> tuple[str, ...]:
    """The names of the profiles in the package."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.yaml")))


def schema() -> str:
    """The JSON Schema of a profile file, as text."""
    return json.dumps(ProfileForm.model_json_schema(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    if sys.argv[1:] != ["--schema"]:
        sys.exit("usage: python -m drivers.profile --schema > drivers/profiles/schema.json")
    sys.stdout.write(schema())
