"""`sentinel probe` of a Modbus device: read once through the same link, planner and decoder as the daemon. Only reads."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from drivers.modbus import ModbusDriver, ModbusOptions
from drivers.points import IDENTITY
from sentinel.commands.simulate import tcp_address
from sentinel.core.model import Failure, Quality, Reading
from sentinel.ports import LinkError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from drivers.links import ModbusLink
    from drivers.points import Profile

LINK_HELP = "tcp:HOST:PORT, rtu-tcp:HOST:PORT, or rtu:/dev/ttyUSB0[:9600[:8N1]]"
SCAN_TIMEOUT_S = 0.2
SCAN_UNITS = range(1, 248)  # Modbus over Serial Line V1.02, 2.2: the addresses of individual devices
_SERIAL = re.compile(r"(?P<port>/.+?)(?::(?P<baud>\d+)(?::8(?P<parity>[NEO])(?P<stop>[12]))?)?")


def link_of(text: str, profile: Profile, timeout_s: float | None = None) -> tuple[str, dict[str, object]]:
    """The kind of link and its options. What a serial link leaves out is the profile's factory setting."""
    scheme, _, rest = text.partition(":")
    timing = {"timeout_s": timeout_s} if timeout_s else {}
    if scheme in ("tcp", "rtu-tcp"):
        host, port = tcp_address(rest)
        return f"modbus-{scheme}", {"host": host, "port": port, **timing}
    found = _SERIAL.fullmatch(rest) if scheme == "rtu" else None
    if found is None:
        raise ValueError(f"--link {text}: write {LINK_HELP}")
    factory = profile.serial
    line: dict[str, object] = {"port": found["port"], **timing}
    if found["baud"] or factory:
        line["baud"] = int(found["baud"]) if found["baud"] else factory and factory.baud
    if found["parity"] or factory:
        line["parity"] = found["parity"] or (factory and factory.parity)
        line["stop_bits"] = int(found["stop"]) if found["stop"] else factory and factory.stop_bits
    return "modbus-rtu", line


def made(name: str, profile: Profile, unit: int, counts: Mapping[str, int]) -> ModbusDriver:
    """The driver for a device of that profile."""
    return ModbusDriver("device", profile, ModbusOptions(profile=name, unit=unit, counts=dict(counts)))


async def look(link: ModbusLink, profile: Profile, driver: ModbusDriver, silent: Collection[str] = ()) -> int:
    """Read it once and say what it is. 0 when every point is good. `silent`: points whose value nobody is shown."""
    readings, errors = await read_once(link, driver)
    print(table(profile, driver, readings, silent))
    for error in errors:
        print(f"  {error}")
    print(verdict(profile, readings))
    return 0 if all(reading.quality is Quality.GOOD for reading in readings) else 1


async def read_once(link: ModbusLink, driver: ModbusDriver) -> tuple[list[Reading], list[str]]:
    """One reading of each point, and what went wrong on the line."""
    readings: list[Reading] = []
    errors: list[str] = []
    for poll in driver.plan():
        try:
            words = await link.read(poll.request)
        except LinkError as error:
            now = time.monotonic()
            readings += [Reading(point, None, Quality.FAILED, now, error.failure) for point in poll.points]
            errors.append(f"{poll.request.table} {poll.request.address}+{poll.request.count}: {error}")
        else:
            readings += driver.decode(poll, words, time.monotonic())
    return readings, errors


def table(profile: Profile, driver: ModbusDriver, readings: list[Reading], silent: Collection[str] = ()) -> str:
    """The readings for a person, in the order of reading. A silent button shows that it is read, never what it says."""
    rows = [("POINT", "VALUE", "UNIT", "CERTAINTY")]
    for reading in readings:
        name = reading.point.partition(".")[2]
        point = driver.points.get(name)
        value = f"failed: {reading.reason}" if reading.value is None else str(reading.value)
        if name in silent and reading.value is not None:
            value = "supervised"
        rows.append((name, value, point.unit if point else "", (point or profile).source.certainty))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return f"{profile.maker} {profile.model}\n" + "\n".join(f"  {line}" for line in lines)


def verdict(profile: Profile, readings: list[Reading]) -> str:
    """Whether this is the device that the profile describes, in one sentence."""
    checks = [r for r in readings if r.point.partition(".")[2].startswith(IDENTITY)]
    reasons = {reading.reason for reading in readings}
    if reasons <= {Failure.NOT_CONNECTED, Failure.NO_REPLY}:
        settings = [s for s in (profile.serial, *profile.variants) if s is not None]
        known = "".join(
            f"\n  known: {s.baud} 8{s.parity}{s.stop_bits} unit {s.unit} {s.variant}".rstrip() for s in settings
        )
        return f"identity: unknown, nothing answers: check wiring, unit, baud and parity{known}"
    if not profile.identity:
        return "identity: this profile has no check; compare a value with the device's own display"
    if all(check.quality is Quality.GOOD for check in checks):
        return f"identity: right, this answers as {profile.model}"
    if Failure.IDENTITY in {check.reason for check in checks}:
        return f"identity: WRONG, something answers but it is not {profile.model}"
    return "identity: not proved, the check could not be read"


async def scan_units(link: ModbusLink, driver: ModbusDriver, say: Callable[[str], None]) -> int:
    """Ask each unit the first question of the plan. 0 when somebody answered."""
    first = driver.plan()[0].request
    found = 0
    for unit in SCAN_UNITS:
        request = type(first)(unit, first.table, first.address, first.count)
        try:
            await link.read(request, SCAN_TIMEOUT_S)
        except LinkError as error:
            if error.failure is Failure.NOT_CONNECTED:
                say(f"the line is gone: {error}")
                return 1
            if error.failure is Failure.NO_REPLY:
                continue
            say(f"unit {unit}: answers, but not this profile's question ({error})")
        else:
            say(f"unit {unit}: answers")
        found += 1
    if found == len(SCAN_UNITS):
        say("every unit answers: this is one device that does not look at the unit")
    say(f"{found} of {len(SCAN_UNITS)} units answer")
    return 0 if found else 1
