"""The Modbus driver: what a device of a profile is asked, and what its words mean. No I/O, no clock.

It keeps only what a verdict over time needs: whether the device has proved what it is, and whether its sign of life
still moves. Until it has proved itself once, and from any contradiction on, all its points are FAILED (identity);
while the sign of life stands still all are FAILED (stuck). A check that merely could not be read takes nothing back:
the poller reports that read's own failure, and an alarm that was read is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from drivers import DriverKind
from drivers.decoding import Decoder, decoder
from drivers.duration import Seconds  # noqa: TC001 pydantic reads it
from drivers.planning import Block, Want, blocks
from drivers.points import IDENTITY, VITALITY
from sentinel.core.model import Failure, Quality, Reading, Value
from sentinel.ports import Poll, Request, Table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from drivers.points import IdentityCheck, Point, Profile, VitalityCheck
    from sentinel.ports import Words

IDENTITY_INTERVAL_S = 10.0  # a device that was swapped under way is seen at the latest after this
LIFE_READS = 3  # within the time in which a sign of life must move


class PollTimes(BaseModel):
    """How often a device is asked. `other` unset: each point as its profile says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    alarm: Seconds = 0.1
    other: Seconds | None = None


class ModbusOptions(BaseModel):
    """What an operator writes under a device with `driver: modbus`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    driver: Literal["modbus"] = "modbus"
    profile: Annotated[str, Field(min_length=1, description="a shipped profile's name, or the path of a YAML file")]
    unit: Annotated[int, Field(ge=0, le=255, description="1 to 247 on a serial bus")] = 1
    poll: PollTimes = PollTimes()
    intervals: dict[str, Seconds] = {}  # point -> its own interval
    counts: dict[str, Annotated[int, Field(ge=0)]] = {}  # list of the profile -> how many this device has


Row = tuple[str, Value | None, Quality, Failure | None]


@dataclass(slots=True)
class _Reader:
    """One poll's decoders, and what the last words meant."""

    count: int
    points: tuple[str, ...]
    parts: tuple[tuple[int, Decoder], ...]
    identity: tuple[tuple[int, int], ...]  # (which check, index of its word)
    vitality: int | None  # index of its word
    words: Words = ()
    verdict: Failure | None = None
    rows: tuple[Row, ...] = ()


@dataclass(slots=True)
class _Life:
    """The last value of the sign of life, since when it stands, and whether that is too long."""

    value: int | None = None
    since: float = 0.0
    stuck: bool = False

    def see(self, value: int, at: float, within_s: float) -> None:
        if value != self.value:
            self.value, self.since, self.stuck = value, at, False
        else:
            self.stuck = self.stuck or at - self.since > within_s


class ModbusDriver:
    """ports.Driver for one device. ValueError when options name points that the profile does not have."""

    def __init__(self, device: str, profile: Profile, options: ModbusOptions, urgent: Collection[str] = ()) -> None:
        self.points = {point.id: point for point in profile.points(options.counts)}
        for name in (*options.intervals, *urgent):
            if name not in self.points:
                raise ValueError(f"{device}.{name}: {profile.model} has no such point")
        self._checks = profile.identity
        self._vitality = profile.vitality
        self._proved: list[bool] = [False] * len(profile.identity)
        self._life = _Life()
        self._readers: dict[Poll, _Reader] = {}
        wants = [*_check_wants(profile), *_point_wants(self.points.values(), profile, options, urgent)]
        for block in _identity_first(blocks(wants, profile.bounds, known_addresses(profile, self.points.values()))):
            poll = Poll(
                device,
                Request(options.unit, block.table, block.start, block.count),
                block.interval_s,
                block.urgent,
                tuple(f"{device}.{want.id}" for want in block.wants),
            )
            self._readers[poll] = _reader(block, self.points, poll.points)

    def plan(self) -> tuple[Poll, ...]:
        """The questions, those by which the device proves itself first."""
        return tuple(self._readers)

    def decode(self, poll: Poll, reply: Words, at: float) -> list[Reading]:
        """One reading a point. Words equal to the last ones are not decoded again."""
        reader = self._readers[poll]
        if len(reply) != reader.count:
            return [Reading(p, None, Quality.FAILED, at, Failure.BAD_REPLY) for p in reader.points]
        for check, index in reader.identity:
            test = self._checks[check]
            self._proved[check] = test.low <= reply[index] <= test.high
        if reader.vitality is not None and self._vitality is not None:
            self._life.see(reply[reader.vitality], at, self._vitality.within_s)
        verdict = self._verdict()
        if reply != reader.words or verdict is not reader.verdict:
            reader.rows = tuple(_rows(reader, reply, verdict))
            reader.words, reader.verdict = reply, verdict
        return [Reading(point, value, quality, at, reason) for point, value, quality, reason in reader.rows]

    def _verdict(self) -> Failure | None:
        if not all(self._proved):
            return Failure.IDENTITY
        return Failure.STUCK if self._life.stuck else None


def known_addresses(profile: Profile, points: Collection[Point]) -> dict[Table, frozenset[int]]:
    """The addresses, by table, that a device of this profile surely answers for."""
    known: dict[Table, set[int]] = {table: set() for table in Table}
    for point in points:
        known[point.table].update(range(point.address, point.address + point.words))
    checks: list[IdentityCheck | VitalityCheck] = [*profile.identity, *([profile.vitality] if profile.vitality else [])]
    for check in checks:
        known[check.table].add(check.address)
    return {table: frozenset(addresses) for table, addresses in known.items()}


def _check_wants(profile: Profile) -> Iterator[Want]:
    for index, check in enumerate(profile.identity):
        yield Want(f"{IDENTITY}{index + 1 if index else ''}", check.table, check.address, 1, IDENTITY_INTERVAL_S, True)
    if profile.vitality:
        interval_s = max(profile.vitality.within_s / LIFE_READS, profile.bounds.min_poll_s)
        yield Want(VITALITY, profile.vitality.table, profile.vitality.address, 1, interval_s, False)


def _point_wants(
    points: Collection[Point], profile: Profile, options: ModbusOptions, urgent: Collection[str]
) -> Iterator[Want]:
    for point in points:
        hurry = point.id in urgent
        usual = options.poll.alarm if hurry else options.poll.other or point.interval_s
        interval_s = max(options.intervals.get(point.id, usual), profile.bounds.min_poll_s)
        yield Want(point.id, point.table, point.address, point.words, interval_s, hurry)


def _identity_first(plan: list[Block]) -> list[Block]:
    return sorted(plan, key=lambda block: not any(want.id.startswith(IDENTITY) for want in block.wants))


def _reader(block: Block, points: dict[str, Point], names: tuple[str, ...]) -> _Reader:
    parts: list[tuple[int, Decoder]] = []
    identity: list[tuple[int, int]] = []
    vitality: int | None = None
    for want in block.wants:
        index = want.start - block.start
        if want.id in points:
            parts.append((index, decoder(points[want.id])))
        elif want.id == VITALITY:
            vitality = index
            parts.append((index, lambda words, i: words[i]))
        else:
            identity.append((int(want.id.removeprefix(IDENTITY) or 1) - 1, index))
            parts.append((index, lambda _words, _i: True))
    return _Reader(block.count, names, tuple(parts), tuple(identity), vitality)


def _rows(reader: _Reader, words: Words, verdict: Failure | None) -> Iterator[Row]:
    for point, (index, decode) in zip(reader.points, reader.parts, strict=True):
        value = verdict or decode(words, index)
        if value.__class__ is Failure:
            yield point, None, Quality.FAILED, Failure(value)
        else:
            yield point, value, Quality.GOOD, None


DRIVER = DriverKind(ModbusOptions, ModbusDriver)
