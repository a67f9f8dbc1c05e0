"""The DSC IT-100 on a serial port, and the Envisalink's TPI over TCP: one framing, one driver. Sans-IO.

    opened -> (TPI: 505 3 -> 005 password -> 505 1) -> 001 -> 500 001, the state of everything -> 000 ... 500 000 -> beat

State is asked for on every opening and every hour, so that an alarm that stands comes out and a restore that was missed
is made good; before that was answered no point is held. What the panel says is not acknowledged: the protocol has none.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BeforeValidator, ConfigDict, model_validator

from drivers import DriverKind
from drivers.described import Described
from drivers.it100_codes import KNOWN, PROGRAMMING
from drivers.it100_state import DscState
from drivers.it100_wire import LONGEST, Frame, decode, encode
from drivers.panel import Event, Panel, PanelOptions, Status, described
from drivers.text_lines import TextLines
from sentinel.core.model import Condition, Failure, Quality, Reading, Role, Text
from sentinel.ports import Secret, Speech, Turn

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

POLL_S = 10.0
FIRST_POLL_S = 2.0  # behind a status request: its answer has passed by then
UNANSWERED_S = 25.0  # two polls and a little
STATUS_S, STATUS_AGAIN_S = 3600.0, 15.0  # asked for by itself; and when it was not answered in full
PROMPT_S = 3.0  # firmware of version 1.00 asks for no password and waits for one all the same
REFUSED_S = 1800.0  # a refused password is not tried again for so long, unless it is another
TELL_S = 5.0  # how often it is said that nothing can be said
INSTALLER_MODE = "017"  # of 502
ACCESS = "access"


def _a_reference(value: object) -> object:
    if isinstance(value, str):
        raise ValueError("a secret never stands here: write !credential NAME, !file /PATH or !env NAME")  # noqa: TRY004 - pydantic shows ValueErrors
    return value


class Access(StrEnum):
    """`access`, TPI only: what became of the password."""

    OK = "ok"
    REFUSED = "refused"
    ABSENT = "absent"  # it cannot be read where the config says it is


class It100Options(PanelOptions):
    """What an operator writes under a device with `driver: it100`."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    driver: Literal["it100"] = "it100"
    variant: Literal["it100", "tpi"] = "it100"
    password: Annotated[Secret, BeforeValidator(_a_reference)] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.variant == "tpi") is not (self.password is not None):
            raise ValueError("variant tpi needs a password, variant it100 has none")
        if self.variant == "tpi" and ACCESS in self.points:
            raise ValueError(f"points.{ACCESS}: the driver has a point of that name: choose another")
        return self


def _own(options: It100Options) -> list[Described]:
    if options.variant != "tpi":
        return []
    means = tuple((word, Condition.NORMAL if word is Access.OK else Condition.ALARM) for word in Access)
    name = Text("पैनल के मॉड्यूल का पासवर्ड", "password of the panel's module")
    return [Described(ACCESS, "word", POLL_S, Role.PANEL_FAULT, means, name, pushed=True)]


def points(options: It100Options) -> Sequence[Described]:
    """The operator's, the catch-alls, and for the TPI its password."""
    return described(options, POLL_S, _own(options))


@dataclass(slots=True)
class _Refusal:
    """A password that was not taken. Its digest, never itself."""

    at: float
    digest: bytes


class It100:
    """One panel. A ports.Conversation."""

    def __init__(self, device: str, options: It100Options) -> None:
        self._device, self._options = device, options
        self._panel = Panel(device, options, _own(options))
        self._state = DscState(options.points)
        self._lines = TextLines(LONGEST)
        self._points = [f"{device}.{point.id}" for point in points(options)]
        self._damaged = 0
        self._access = ""
        self._refusal: _Refusal | None = None
        self._begin(0.0)

    def _begin(self, now: float) -> None:
        self._opened_at, self._told_at = now, now
        self._signed_in = self._options.variant == "it100"
        self._tried = b""  # digest of the password that waits for its answer
        self._asked: dict[str, int] = {}  # command -> answers that are due
        self._complete = False  # the state was read on this line
        self._status_at = self._poll_at = now
        self._beat_at = now

    def damaged(self) -> int:
        """Lines that were no frame of this protocol, or whose content cannot be."""
        return self._damaged + self._lines.dropped

    def opened(self, now: float) -> Sequence[Turn]:
        """The IT-100 is asked for everything at once; the TPI asks us first."""
        self._lines.clear()
        self._state.opened(now)
        self._begin(now)
        return self._turn([], self._ask_status(now)) if self._signed_in else ()

    def feed(self, data: bytes, now: float) -> Sequence[Turn]:
        """What the panel says."""
        readings: list[Reading] = []
        send = b""
        for line in self._lines.feed(data):
            frame = decode(line)
            if frame is None:
                self._damaged += 1
            elif frame.command == "505":
                send += self._sign_in(frame.data, now, readings)
            elif frame.command in ("500", "501", "502"):
                readings += self._answer(frame, now)
            else:
                readings += self._heard(frame, now)
        return self._turn(readings, send)

    def tick(self, now: float) -> Sequence[Turn]:
        """Polls, the hourly status, what waited long enough, and that nothing answers."""
        readings = self._told(self._state.tick(now), now) + self._panel.tick(now)
        if not self._signed_in:
            waited = now - self._opened_at >= PROMPT_S
            send = self._password(now, readings) if waited else b""
            return self._turn(readings + self._nothing(now), send)
        send = b""
        again_s = STATUS_S if self._complete else STATUS_AGAIN_S
        if now - self._status_at >= again_s:
            send += self._ask_status(now)
        if now >= self._poll_at:
            send += self._ask("000")
            self._poll_at = now + POLL_S
        if now - self._beat_at >= UNANSWERED_S:
            readings += self._nothing(now)
        return self._turn(readings, send)

    # --- What is asked ----------------------------------------------------------------------------------------------

    def _ask(self, command: str) -> bytes:
        self._asked[command] = min(self._asked.get(command, 0) + 1, 3)
        return encode(command)

    def _ask_status(self, now: float) -> bytes:
        self._status_at, self._poll_at = now, now + FIRST_POLL_S
        return self._ask("001")

    def _answer(self, frame: Frame, now: float) -> list[Reading]:
        if frame.command == "501":  # our own words arrived damaged
            self._damaged += 1
            if not self._complete:
                self._status_at = min(self._status_at, now - STATUS_AGAIN_S + TELL_S)
            return []
        if frame.command == "502":
            in_programming = frame.data == INSTALLER_MODE
            return self._told([Event(PROGRAMMING, Status.NEW)], now) if in_programming else []
        if not self._asked.get(frame.data):
            self._damaged += frame.data != "005"
            return []
        self._asked[frame.data] -= 1
        if frame.data == "001":
            self._state.dump_begins(now)
        return self._beat(now) if frame.data == "000" else []

    def _beat(self, now: float) -> list[Reading]:
        readings = []
        ended = self._state.dump_ends(now)
        if ended is not None:
            self._complete = True
            readings += self._told(ended, now)
        if not self._complete:
            return readings
        self._beat_at = now
        missing = {
            f"{self._device}.{id_}" for id_, one in self._options.points.items() if one.zone in self._state.missing
        }
        return readings + [reading for reading in self._panel.beat(now) if reading.point not in missing]

    # --- What is said -----------------------------------------------------------------------------------------------

    def _heard(self, frame: Frame, now: float) -> list[Reading]:
        if frame.command not in KNOWN:
            return [self._panel.strange(frame.command, now)]
        events = self._state.take(frame, now)
        if events is None:
            self._damaged += 1
            return []
        return self._told(events, now)

    def _told(self, events: list[Event], now: float) -> list[Reading]:
        return [reading for event in events for reading in self._panel.take(event, now)]

    def _nothing(self, now: float) -> list[Reading]:
        """No point can be believed: each says why, so that they age for that reason."""
        if now - self._told_at < TELL_S:
            return []
        self._told_at = now
        if self._access in ("", Access.OK):
            return [Reading(point, None, Quality.FAILED, now, Failure.NO_REPLY) for point in self._points]
        said = f"{self._device}.{ACCESS}"  # it was read: it says why all others cannot be
        return [
            Reading(point, None, Quality.FAILED, now, Failure.CREDENTIAL) for point in self._points if point != said
        ]

    # --- Signing in to the TPI --------------------------------------------------------------------------------------

    def _sign_in(self, said: str, now: float, readings: list[Reading]) -> bytes:
        if self._options.variant != "tpi":
            self._damaged += 1
            return b""
        match said:
            case "3":
                return self._password(now, readings)
            case "1" if self._tried:
                self._signed_in, self._refusal, self._tried = True, None, b""
                readings += self._says(Access.OK, now)
                return self._ask_status(now)
            case "0" if self._tried:
                self._refusal, self._tried = _Refusal(now, self._tried), b""
                self._signed_in = False
                readings += self._says(Access.REFUSED, now)
            case "0" | "1" | "2":
                pass  # an answer to nothing; it waited too long for a password and hangs up
            case _:
                self._damaged += 1
        return b""

    def _password(self, now: float, readings: list[Reading]) -> bytes:
        """Sign in, unless this very password was refused a short time ago."""
        assert self._options.password is not None
        try:
            password = self._options.password.read()
        except LookupError:
            readings += self._says(Access.ABSENT, now)
            return b""
        digest = hashlib.sha256(password.encode("utf-8", "surrogatepass")).digest()
        refused = self._refusal
        if self._tried or (refused is not None and refused.digest == digest and now - refused.at < REFUSED_S):
            return b""
        self._tried = digest
        return encode("005", "".join(c for c in password if c.isprintable()))

    def _says(self, word: Access, now: float) -> list[Reading]:
        """Once for each change: a word of its own would call a device alive that says nothing else."""
        if self._access == word:
            return []
        self._access = word
        return [self._panel.say(ACCESS, word, now)]

    @staticmethod
    def _turn(readings: list[Reading], send: bytes) -> Sequence[Turn]:
        return (Turn(tuple(readings), send),) if readings or send else ()


def build(device: str, profile: None, options: It100Options, urgent: Collection[str]) -> It100:
    """The conversation of one device. It has no profile, and nothing on it is more urgent: the panel speaks by itself."""
    del profile, urgent
    return It100(device, options)


DRIVER = DriverKind(It100Options, build, Speech.BYTES, points)
