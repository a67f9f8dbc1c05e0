"""`sentinel probe` of a recorder or camera: who it is, and the table an auditor wants. `check --probe` looks the same way.

Asks through the account's gate like everybody else: a password that was refused is not said again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drivers.recorder import Inventory, points
from sentinel.commands.asking import answered
from sentinel.core.model import Condition, Failure, Quality
from sentinel.ports import LinkError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from drivers import DriverKind
    from drivers.recorder import RecorderOptions
    from sentinel.core.model import Reading
    from sentinel.ports import Moment

HEADS = ("CAMERA", "CHANNEL", "PLACE", "LIVE", "RECORDING NOW", "OLDEST", "LONGEST GAP")
GONE = (Failure.CREDENTIAL, Failure.LOCKED, Failure.NOT_CONNECTED, Failure.NO_REPLY)
OWN = ("model", "firmware", "identity", "disks", "clock", "time", "footage", "access")


@dataclass(frozen=True, slots=True)
class Found:
    """What one look found."""

    inventory: Inventory | None  # None: this driver cannot ask for one
    readings: Mapping[str, Reading]  # by point inside the device

    def bad(self, options: RecorderOptions) -> Iterator[tuple[str, str]]:
        """Each point that is not well, and its word or the reason. What is not supported is neither."""
        for point in points(options):
            reading = self.readings.get(point.id)
            if reading is None or reading.reason is Failure.UNSUPPORTED:
                continue
            if reading.quality is not Quality.GOOD:
                yield point.id, f"not known: {reading.reason}"
            elif point.means:
                word = str(reading.value)
                if dict(point.means).get(word.partition(" ")[0], Condition.TROUBLE) is not Condition.NORMAL:
                    yield point.id, word


async def inventory(link: Any, kind: DriverKind, options: RecorderOptions, moment: Moment) -> Inventory | None:
    """Who it is and its channels; LinkError when it does not say; None where the driver cannot ask."""
    assessor = kind.build("device", None, options, ())
    ask = getattr(assessor, "inventory", None)
    if ask is None:
        return None
    found: Inventory = await answered(link, ask(moment))
    return found


async def look(link: Any, kind: DriverKind, options: RecorderOptions, moment: Moment) -> Found:
    """Everything, once. LinkError when it does not answer at all: then nothing more is asked."""
    who = await inventory(link, kind, options, moment)
    assessor = kind.build("device", None, options, ())
    readings: dict[str, Reading] = {}
    for one in assessor.rounds():
        said = await answered(link, assessor.assess(one.name, moment))
        readings |= {reading.point.partition(".")[2]: reading for reading in said}
        reasons = {reading.reason for reading in said} - {Failure.UNSUPPORTED}
        if len(reasons) == 1 and (why := reasons.pop()) in GONE:
            raise LinkError(why, f"it does not answer: {why}")
    return Found(who, readings)


def report(found: Found, options: RecorderOptions, say: Callable[[str], None]) -> int:
    """The auditor's table. 0 when all that could be asked is well."""
    who = found.inventory
    if who is not None:
        say(shown(f"{who.maker} {who.model} serial {who.serial or '?'} firmware {who.firmware or '?'}".strip()))
    for point in OWN:
        reading = found.readings.get(point)
        if reading is not None and reading.reason is not Failure.UNSUPPORTED:
            say(f"  {point:9} {_word(found, point)}")
    rows = [HEADS]
    for id_, camera in options.cameras.items():
        place = ", ".join(camera.sees) or "-"
        cells = [_word(found, f"{id_}.{point}") for point in ("video", "recording")]
        cells += [_word(found, f"{id_}.oldest", " d"), _span(found, f"{id_}.gap")]
        rows.append((shown(camera.name.en) or id_, str(camera.channel), place, cells[0], cells[1], cells[2], cells[3]))
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    for row in rows:
        say("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    bad = list(found.bad(options))
    for point, word in bad:
        say(f"look at {point}: {shown(word)}")
    say("all that it can be asked is well" if not bad else f"{len(bad)} things are not well")
    return 1 if bad else 0


def shown(text: str) -> str:
    """Without what would move a terminal's cursor: a recorder's names are a stranger's."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:120]


def _word(found: Found, point: str, unit: str = "") -> str:
    reading = found.readings.get(point)
    if reading is None or reading.reason is Failure.UNSUPPORTED:
        return "not supported"
    return f"({reading.reason})" if reading.value is None else shown(f"{reading.value}{unit}")


def _span(found: Found, point: str) -> str:
    reading = found.readings.get(point)
    if reading is None or not isinstance(reading.value, (int, float)):
        return _word(found, point)
    minutes = round(reading.value / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"
