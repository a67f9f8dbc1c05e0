"""The AlarmDecoder AD2 on a serial port or behind ser2sock: it listens where the panel's keypads do. Sans-IO.

    opened -> C, V -> its settings, its version; keypad lines every few seconds: each a sign of life of the panel itself

That the AD2 answers proves nothing of the panel: only what a keypad shows holds a point. It is asked when it is quiet,
so that a log says which of the two is silent. It has no acknowledgement.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Literal, Self

from pydantic import model_validator

from drivers import DriverKind
from drivers.alarmdecoder_state import Ad2State
from drivers.alarmdecoder_wire import LONGEST, Aside, Config, Keypad, Version, decode
from drivers.described import Described
from drivers.panel import Panel, PanelOptions, described
from drivers.text_lines import TextLines
from sentinel.core.model import Condition, Failure, Quality, Reading, Role, Text
from sentinel.ports import Speech, Turn

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

EVERY_S = 15.0  # each point is read or held so often while a keypad speaks
SETTLE_S = 5.0  # of keypad lines after an opening, before anything is held: what stands is shown in turn
QUIET_S = 15.0  # without a keypad line: ask the AD2 itself
SILENT_S = 30.0  # without one: nothing can be said any more
ASK_S = 3600.0
MOST_NAMED = 8
RADIO, OPEN, FIRMWARE = "radio", "open-zones", "firmware"


class RadioWord(StrEnum):
    """`radio`: whether the AD2 passes on what the panel reports to its station. Without it no silent alarm is heard."""

    ON = "on"
    OFF = "off"


class AlarmDecoderOptions(PanelOptions):
    """What an operator writes under a device with `driver: alarmdecoder`."""

    driver: Literal["alarmdecoder"] = "alarmdecoder"

    @model_validator(mode="after")
    def _own_names(self) -> Self:
        for point in _OWN:
            if point.id in self.points:
                raise ValueError(f"points.{point.id}: the driver has a point of that name: choose another")
        return self


_OWN = (
    Described(
        RADIO,
        "word",
        EVERY_S,
        Role.PANEL_FAULT,
        ((RadioWord.ON, Condition.NORMAL), (RadioWord.OFF, Condition.ALARM)),
        Text("पैनल के मौन अलार्म की लाइन", "the panel's silent alarms are passed on"),
        pushed=True,
    ),
    Described(OPEN, "word", EVERY_S, name=Text("खुले ज़ोन", "zones that are open"), pushed=True),
    Described(FIRMWARE, "word", EVERY_S, name=Text("AD2 का फर्मवेयर", "firmware of the AD2"), pushed=True),
)


def points(options: AlarmDecoderOptions) -> Sequence[Described]:
    """The operator's, the catch-alls, and the AD2's own."""
    return described(options, EVERY_S, _OWN)


class AlarmDecoder:
    """One panel. A ports.Conversation."""

    def __init__(self, device: str, options: AlarmDecoderOptions) -> None:
        self._panel = Panel(device, options, _OWN)
        self._state = Ad2State(options.points)
        self._lines = TextLines(LONGEST)
        self._points = [f"{device}.{point.id}" for point in points(options)]
        self._radio = f"{device}.{RADIO}"
        self._damaged = 0
        self._open = ""
        self._begin(0.0)

    def _begin(self, now: float) -> None:
        self._keypad_at = self._beat_at = self._told_at = now
        self._asked_at = now
        self._heard_since: float | None = None  # the first keypad line of this opening

    def damaged(self) -> int:
        """Lines that are none of an AD2's, or that say what cannot be."""
        return self._damaged + self._lines.dropped

    def opened(self, now: float) -> Sequence[Turn]:
        """Ask what it is and how it is set."""
        self._lines.clear()
        self._state.opened()
        self._begin(now)
        return (Turn(send=b"C\rV\r"),)

    def feed(self, data: bytes, now: float) -> Sequence[Turn]:
        """What it says."""
        readings: list[Reading] = []
        for line in self._lines.feed(data):
            readings += self._line(line, now)
        return (Turn(tuple(readings)),) if readings else ()

    def tick(self, now: float) -> Sequence[Turn]:
        """A quiet keypad: ask the AD2, and say that nothing can be said."""
        readings = self._panel.tick(now)
        send = b""
        quiet = now - self._keypad_at >= QUIET_S and now - self._asked_at >= QUIET_S
        if quiet or now - self._asked_at >= ASK_S:
            self._asked_at = now
            send = b"C\r"
        if now - self._keypad_at >= SILENT_S and now - self._told_at >= QUIET_S:
            self._told_at = now
            readings += [Reading(point, None, Quality.FAILED, now, Failure.NO_REPLY) for point in self._points]
        return (Turn(tuple(readings), send),) if readings or send else ()

    def _line(self, line: bytes, now: float) -> list[Reading]:
        message = decode(line)
        match message:
            case None:
                self._damaged += 1
                return []
            case Aside():
                return []
            case Config():
                return self._config(message, now)
            case Version():
                return [self._panel.say(FIRMWARE, _shown(message.firmware), now)]
            case _:
                events = self._state.take(message, now)
        if events is None:
            return [self._panel.strange("LRR", now)]  # no more of it: it may be a silent alarm's (rule 6)
        readings = [reading for event in events for reading in self._panel.take(event, now)]
        readings += self._say_open(now)
        return readings + self._beat(now) if isinstance(message, Keypad) else readings

    def _config(self, message: Config, now: float) -> list[Reading]:
        settings = dict(message.settings)
        if settings.get("LRR") not in ("Y", "N"):
            self._damaged += 1
            return []
        return [self._panel.say(RADIO, RadioWord.ON if settings["LRR"] == "Y" else RadioWord.OFF, now)]

    def _say_open(self, now: float) -> list[Reading]:
        zones = self._state.open_zones()
        more = f",+{len(zones) - MOST_NAMED}" if len(zones) > MOST_NAMED else ""
        said = f"zones {','.join(map(str, zones[:MOST_NAMED]))}{more}" if zones else "none"
        if said == self._open:
            return []
        self._open = said
        return [self._panel.say(OPEN, said, now)]

    def _beat(self, now: float) -> list[Reading]:
        self._keypad_at = now
        if self._heard_since is None:
            self._heard_since = self._beat_at = now
        if now - self._heard_since < SETTLE_S or now - self._beat_at < SETTLE_S:
            return []
        self._beat_at = now
        # Whether silent alarms are passed on is not known before the AD2 has said so; held, it would read normal.
        return [one for one in self._panel.beat(now) if one.point != self._radio or one.quality is not Quality.HELD]


def _shown(text: str) -> str:
    return "".join(c if c.isalnum() or c in ".-" else "_" for c in text[:24])


def build(device: str, profile: None, options: AlarmDecoderOptions, urgent: Collection[str]) -> AlarmDecoder:
    """The conversation of one device. It has no profile, and nothing on it is more urgent: the panel speaks by itself."""
    del profile, urgent
    return AlarmDecoder(device, options)


DRIVER = DriverKind(AlarmDecoderOptions, build, Speech.BYTES, points)
