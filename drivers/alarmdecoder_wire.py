"""The lines of an AlarmDecoder AD2: what the keypads of the panel show, and what it would radio to a monitoring station.

One line in, one message out; pure. Source: the AlarmDecoder protocol wiki and the vectors of its own Python library.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from drivers.panel import Status

LONGEST = 400  # bytes of one line; a !CONFIG line is the longest, about 200

# [00110001000000000A--],010,[f70700060010808c08020000],"ARMED ***STAY** ZONE BYPASSED   "
_KEYPAD = re.compile(
    r"(?:!KPM:)?\[([01\-]{5})([0-9A-Fa-f\-])([01\-]{10})([0-9A-Fa-f\-])([A-Za-z0-9\-])[\-0-9A-Fa-f]{2}\]"
    r',([0-9A-Fa-f]{3}),\[([0-9A-Fa-f]{8,64})\],"(.{1,64})"'
)
_EXPANDER = re.compile(r"!(EXP|REL):(\d{1,2}),(\d{1,2}),(0{0,2}[012])")  # !EXP:07,01,01
_SENSOR = re.compile(r"!RFX:([0-9A-Fa-f]{6,8}),([0-9A-Fa-f]{2})")  # !RFX:0180036,80
_RADIO = re.compile(r"!LRR:(\d{1,4}),(\d{1,2}),([A-Z0-9]+(?:_[A-Z0-9]+)*)(?:,([0-9A-Fa-f]{2}))?")
_CID = re.compile(r"CID_([136])([0-9A-F]{3})")
_STATUS = {"1": Status.NEW, "3": Status.RESTORED, "6": Status.STILL}
_IDLE = ("!Sending", "!setting", "!Reading", "!UART", "!boot", "!AUI", "!>", "!DBG")  # said, and of no weight here


@dataclass(frozen=True, slots=True)
class Keypad:
    """What a keypad shows."""

    ready: bool
    away: bool
    home: bool
    programming: bool
    mains: bool
    memory: bool  # an alarm happened and was not cleared by a person yet
    sounding: bool
    battery_low: bool
    fire: bool
    check: bool
    issue: str  # the system's own trouble as one hex digit; "0" or "-": none
    panel: str  # "A" Ademco, "D" DSC
    code: str  # three digits: a zone, or another number where the text says so
    text: str


@dataclass(frozen=True, slots=True)
class Radio:
    """An event as the panel reports it to a station, from firmware 2.2a.8.6 on: Contact ID."""

    code: str  # three digits
    status: Status
    partition: int
    number: int  # the zone, or the user


@dataclass(frozen=True, slots=True)
class OldRadio:
    """The same from older firmware: a word."""

    event: str  # ALARM_PANIC, LOWBAT_RESTORE, ...
    partition: int
    number: int


@dataclass(frozen=True, slots=True)
class Expander:
    """An input of a zone expander, or a relay."""

    relay: bool
    address: int
    channel: int
    value: int  # of an input: 0 at rest, 1 disturbed, 2 its wire is not right


@dataclass(frozen=True, slots=True)
class Sensor:
    """A radio sensor, as its receiver hears it."""

    serial: str
    value: int

    @property
    def battery_low(self) -> bool:
        """Bit 2 of 8, counted from 1."""
        return bool(self.value & 0x02)

    @property
    def disturbed(self) -> bool:
        """Any of its four loops: bits 5 to 8."""
        return bool(self.value & 0xF0)


@dataclass(frozen=True, slots=True)
class Config:
    """Its settings, as it answers `C`."""

    settings: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Version:
    """What it is, as it answers `V`."""

    serial: str
    firmware: str


@dataclass(frozen=True, slots=True)
class Aside:
    """A line that says nothing about the panel: it has started, it has sent keys."""

    text: str


Message = Keypad | Radio | OldRadio | Expander | Sensor | Config | Version | Aside


def decode(line: bytes) -> Message | None:
    """One line without its end, or None when it is none of this device's."""
    try:
        text = line.decode("ascii").strip("\0 ")
    except UnicodeDecodeError:
        return None
    if text.startswith(("[", "!KPM:")):
        return _keypad(text)
    if text.startswith("!LRR:"):
        return _radio(text)
    if found := _EXPANDER.fullmatch(text):
        return Expander(found[1] == "REL", int(found[2]), int(found[3]), int(found[4]))
    if found := _SENSOR.fullmatch(text):
        return Sensor(found[1], int(found[2], 16))
    if text.startswith("!CONFIG>"):
        return _config(text.removeprefix("!CONFIG>"))
    if text.startswith("!VER:"):
        serial, _, rest = text.removeprefix("!VER:").partition(",")
        return Version(serial, rest.partition(",")[0])
    if text == "!Ready" or text.startswith(_IDLE):
        return Aside(text)
    return None


def _keypad(text: str) -> Keypad | None:
    found = _KEYPAD.fullmatch(text)
    if found is None:
        return None
    # Positions as the device counts them: 1 to 5, 6 the beeps, 7 to 16, 17 the system issue, 18 the panel's kind.
    on = [bit == "1" for bit in "0" + found[1] + "0" + found[3]]
    return Keypad(
        ready=on[1], away=on[2], home=on[3], programming=on[5], mains=on[8], memory=on[10], sounding=on[11],
        battery_low=on[12], fire=on[14], check=on[15], issue=found[4], panel=found[5], code=found[6], text=found[8],
    )  # fmt: skip


def _radio(text: str) -> Radio | OldRadio | None:
    found = _RADIO.fullmatch(text)
    if found is None:
        return None
    number, partition, event, report = int(found[1]), int(found[2]), found[3], (found[4] or "ff").lower()
    if not event.startswith("CID_"):
        return OldRadio(event, partition, number)
    cid = _CID.fullmatch(event)
    if cid is None:
        return None
    # A report code other than 00 and ff stands in for the last two digits.
    code = cid[2] if report in ("00", "ff") else cid[2][0] + report
    return Radio(code, _STATUS[cid[1]], partition, number)


def _config(text: str) -> Config:
    pairs = (pair.partition("=") for pair in text.split("&"))
    return Config(tuple((key, value) for key, _, value in pairs))
