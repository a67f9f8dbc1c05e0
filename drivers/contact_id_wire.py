"""Frames of receivers' automation output: bytes in any pieces -> messages. Pure; bounded; never raises.

Sur-Gard MLR2 (and what speaks its language), Bosch/Radionics D6500: no header, no checksum, ended by DC4.
Ademco 685: LF ... CR. No format has a checksum: what does not have exactly its shape is damaged and asked for again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from drivers.contact_id_sia import sia_events
from drivers.panel import Event, Status

DC4, LF, CR, NUL = 0x14, 0x0A, 0x0D, 0x00
MOST = 128  # bytes of a frame; the longest known, SIA with several events, has about 60
SHORTEST = 8
QUIET_S = 2.0  # a frame that stops in the middle for so long has lost its end


class Format(StrEnum):
    """What the receiver is set to."""

    MLR2 = "mlr2"
    ADEMCO_685 = "ademco-685"
    D6500 = "d6500"


@dataclass(frozen=True, slots=True)
class Report:
    """Events of one account. `account` is as `account_of` writes it; events in Contact ID's numbers."""

    account: str
    events: tuple[Event, ...]
    known: bool  # False: some of it stands in no table
    text: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The receiver is there."""


@dataclass(frozen=True, slots=True)
class OfReceiver:
    """The receiver speaks of itself."""

    text: str


@dataclass(frozen=True, slots=True)
class Strange:
    """Whole, but of no kind that is known."""

    text: str


@dataclass(frozen=True, slots=True)
class Damaged:
    """Not the shape of what it claims to be."""

    frame: bytes


Message = Report | Heartbeat | OfReceiver | Strange | Damaged


class Frames:
    """Bytes in any pieces -> whole frames without their ends. `lost` counts what was too long or lost its end."""

    def __init__(self, format_: Format) -> None:
        self.lost = 0
        self._ends = frozenset({CR, LF} if format_ is Format.ADEMCO_685 else {DC4})
        self._rest = bytearray()
        self._skipping = False
        self._heard = 0.0

    def feed(self, data: bytes, now: float) -> list[bytes]:
        """The frames that these bytes finish, empty ones left out."""
        found = []
        self._heard = now
        for byte in data:
            if byte in self._ends:
                if self._rest and not self._skipping:
                    found.append(bytes(self._rest))
                self._rest.clear()
                self._skipping = False
            elif self._skipping or (not self._rest and byte in (CR, LF, NUL)):
                continue
            elif len(self._rest) == MOST:
                self.lost, self._skipping = self.lost + 1, True
                self._rest.clear()
            else:
                self._rest.append(byte)
        return found

    def tick(self, now: float) -> None:
        """What was begun and not gone on with is dropped: the next frame must not be glued to it."""
        if (self._rest or self._skipping) and now - self._heard >= QUIET_S:
            self.lost += not self._skipping
            self.clear()

    def clear(self) -> None:
        """The line is a new one."""
        self._rest.clear()
        self._skipping = False


def account_of(written: str) -> str:
    """An account as it is compared: capitals, no padding, and A where a panel's dialler says 0."""
    return written.strip().upper().replace("A", "0").lstrip("0") or "0"


_UNIT = r"[0-9A-F]{2}[0-9A-F]{1,3}"  # receiver and line
_EVENT = r"(?P<q>[ERP136])(?P<code>[0-9A-F]{3})"
_CONTACT_ID = re.compile(
    rf"5{_UNIT} 18(?P<account> {{0,12}}[0-9A-F]{{3,16}}){_EVENT}(?P<part>[0-9A-F]{{2}})(?P<zone>[0-9A-F]{{3}})"
)
_BOSCH = re.compile(
    rf"a{_UNIT} (?P<account> {{0,12}}[0-9A-F]{{3,16}})18{_EVENT}(?P<part>[0-9A-F]{{2}})(?P<zone>[0-9A-F]{{3}})"
)
_HEARTBEAT = re.compile(rf"1{_UNIT} {{8,12}}@ {{4}}")
_BASIC = re.compile(
    rf"1{_UNIT} {{1,8}}(?P<account>[0-9A-F]{{3,6}}) (?P<x>[A-Z])(?P<part>[0-9A-F ])(?P<zone>[0-9A-F ]{{1,3}})"
)
_SIA = re.compile(rf"3{_UNIT} {{1,12}}(?P<account>[0-9A-F]{{3,16}})(?P<code>[A-Z]{{2}})(?P<zone>[0-9A-F ]{{1,4}})")
_SIA_BLOCK = re.compile(rf"[S3]{_UNIT}\[#(?P<account>[0-9A-F]{{1,16}})\|(?P<block>[^\]]{{1,80}})\]")
_HIGH_SPEED = re.compile(
    rf"8{_UNIT}(?P<account>[0-9A-F]{{4}}) (?P<a>[0-9A-F]{{4}}) (?P<b>[0-9A-F]{{4}}) (?P<c>[0-9A-F])"
)
_OF_RECEIVER = re.compile(rf"0{_UNIT}(?P<text>.*)")
_685 = re.compile(
    r"(?:\d\d:\d\d \d\d/\d\d )?[0-9A-F]{1,2}[0-9A-F] (?P<account> {0,4}[0-9A-F]{3,6}) (?:18 )?"
    rf"{_EVENT} (?P<part>[0-9A-F]{{2}}) [CUZ](?P<zone>[0-9A-F]{{3}})"
)
_685_OKAY = re.compile(r"(?:\d\d:\d\d \d\d/\d\d )?\d\d OKAY *@? *")  # sources silent; as receivers in this mode send it

_KNOWN = {Format.MLR2: "01358S", Format.D6500: "0135a", Format.ADEMCO_685: "0123456789ABCDEF"}


def parse(frame: bytes, format_: Format) -> Message:
    """What a frame says."""
    if format_ is Format.D6500 and frame[:1] not in (b"a", b"") and frame[1:2] == b"a":
        frame = frame[1:]  # the header byte
    if not all(0x20 <= byte < 0x7F for byte in frame):
        return Damaged(frame)
    text = frame.decode("ascii")
    message = _of_685(text) if format_ is Format.ADEMCO_685 else _of_surgard(text)
    if message is not None:
        return message
    if len(text) < SHORTEST or text[0] in _KNOWN[format_]:
        return Damaged(frame)
    return Strange(text)


def _of_685(text: str) -> Message | None:
    if found := _685.fullmatch(text):
        return _contact_id(found, text)
    return Heartbeat() if _685_OKAY.fullmatch(text) else None


def _of_surgard(text: str) -> Message | None:
    match text[:1]:
        case "5":
            found = _CONTACT_ID.fullmatch(text)
            return _contact_id(found, text) if found else None
        case "a":
            found = _BOSCH.fullmatch(text)
            return _contact_id(found, text) if found else None
        case "1":
            if _HEARTBEAT.fullmatch(text):
                return Heartbeat()
            found = _BASIC.fullmatch(text)
            return _basic(found, text) if found else None
        case "3" | "S":
            if found := _SIA_BLOCK.fullmatch(text):
                return Report(account_of(found["account"]), *sia_events(found["block"]), text)
            found = _SIA.fullmatch(text)
            return _sia(found, text) if found else None
        case "8":
            found = _HIGH_SPEED.fullmatch(text)
            return _high_speed(found, text) if found else None
        case "0":
            found = _OF_RECEIVER.fullmatch(text)
            return OfReceiver(found["text"].strip()) if found else None
        case _:
            return None


_STATUS = {
    "E": Status.NEW, "1": Status.NEW, "R": Status.RESTORED, "3": Status.RESTORED, "P": Status.STILL, "6": Status.STILL,
}  # fmt: skip


def _number(digits: str) -> int:
    """A decimal number in which a dialler's A is 0; 0 when it is none."""
    plain = digits.strip().replace("A", "0")
    return int(plain) if plain.isdecimal() else 0


def _contact_id(found: re.Match[str], text: str) -> Report:
    code, part, zone = (_number(found[name]) for name in ("code", "part", "zone"))
    plain = all(found[name].replace("A", "0").isdecimal() for name in ("code", "part", "zone"))
    events = (Event(code, _STATUS[found["q"]], part, zone),) if code >= 100 else ()
    return Report(account_of(found["account"]), events, bool(events) and plain, text)


def _sia(found: re.Match[str], text: str) -> Report:
    return Report(account_of(found["account"]), *sia_events(found["code"] + found["zone"].strip()), text)


def _basic(found: re.Match[str], text: str) -> Report:
    """Pulse formats say that something happened at a number, not what: an alarm is told as intrusion."""
    part, zone = _number(found["part"]), _number(found["zone"])
    said = {
        "A": ((140, Status.NEW),),
        "R": ((140, Status.RESTORED), (380, Status.RESTORED)),
        "T": ((380, Status.NEW),),
        "O": ((401, Status.NEW),),
        "C": ((401, Status.RESTORED),),
    }
    events = tuple(Event(code, status, part, zone) for code, status in said.get(found["x"], ()))
    return Report(account_of(found["account"]), events, bool(events), text)


def _high_speed(found: re.Match[str], text: str) -> Report:
    """Eight channels; their codes as remembered of the format, no source at hand: 1 alarm 2 open 3 restore 4 close 6 still."""
    said = {
        "1": (140, Status.NEW), "2": (401, Status.NEW), "3": (140, Status.RESTORED), "4": (401, Status.RESTORED),
        "6": (140, Status.STILL),
    }  # fmt: skip
    events = [
        Event(*said[state], 0, channel)
        for channel, state in enumerate(found["a"] + found["b"], start=1)
        if state in said
    ]
    if found["c"] == "9":
        events.append(Event(602, Status.NEW))
    return Report(account_of(found["account"]), tuple(events), True, text)
