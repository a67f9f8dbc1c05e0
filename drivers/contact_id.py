"""Contact ID from a receiver's automation port: Sur-Gard MLR2, Ademco 685, Bosch D6500. A conversation without I/O.

A message is acknowledged only when what it means is durable. One that is damaged, of another account or of no known
kind is asked for again; if it comes the same twice it is no noise: it is told as it is and acknowledged, or it would
stand before every alarm after it.
The receiver repeats what was not acknowledged, so nothing is missed while away; it cannot be asked how things are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal, assert_never

from pydantic import AfterValidator, Field, model_validator

from drivers import DriverKind
from drivers.contact_id_wire import (
    Damaged,
    Format,
    Frames,
    Heartbeat,
    Message,
    OfReceiver,
    Report,
    Strange,
    account_of,
    parse,
)
from drivers.described import Described
from drivers.duration import Seconds  # noqa: TC001 pydantic reads it
from drivers.panel import WORDS, Event, Panel, PanelOptions, Word, described
from drivers.panel_codes import Kind, kind
from sentinel.core.model import Role, Text
from sentinel.ports import Speech, Turn

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from typing import Self

    from sentinel.core.model import Reading

ACK, NAK = b"\x06", b"\x15"
WITHIN_S = 3.5  # the receiver waits 4 s (MLR2 manual p. 38), then says it again: a later ACK would be for that one
# An answer names no message. Two to one that noise has cut in two, and the second is taken for one to the message after
# it, which then may be lost: better none, for the receiver says it again after 4 s.
ONE_NAK_S = 2.0
REACTION_S = 0.02  # what follows an answered message sooner was not said after that answer
OWN_S = 86_400.0  # what a receiver says of itself, or another account, has no restore that is known: it stands a day
LATE = 25 / 24  # a daily test may come an hour late
GRAVE = frozenset({Kind.HOLD_UP, Kind.DURESS, Kind.HELP, Kind.FIRE})  # told whatever account it came under
FOREIGN, RECEIVER, TEST_DUE = "foreign", "receiver", "test-due"


def _account(value: str) -> str:
    if not value or len(value) > 16 or not set(value.upper()) <= set("0123456789ABCDEF"):
        raise ValueError(f'"{value}" is no account: write its digits, 0-9 and A-F, in quotes')
    return value.upper()


class ContactIdOptions(PanelOptions):
    """What an operator writes under a device with `driver: contact-id`. The line is the link's."""

    driver: Literal["contact-id"] = "contact-id"
    format: Format = Format.MLR2
    account: Annotated[
        str, AfterValidator(_account), Field(description="this branch's own; others on the line are told apart")
    ]
    heartbeat: Annotated[Seconds, Field(description="how often the receiver gives a sign of life")] = 30.0
    test_every: Annotated[Seconds | None, Field(description="the panel's own periodic test; unset: not watched")] = None

    @model_validator(mode="after")
    def _own_names(self) -> Self:
        for id_ in (FOREIGN, RECEIVER, TEST_DUE):
            if id_ in self.points:
                raise ValueError(f"points.{id_}: the driver has a point of that name: choose another")
        return self


def _own(options: ContactIdOptions) -> list[Described]:
    every_s = float(options.heartbeat)
    points = [
        Described(
            FOREIGN, "word", every_s, Role.PANEL_FAULT, WORDS,
            Text("लाइन पर किसी और का खाता", "another account on the line"), pushed=True,
        ),
        Described(
            RECEIVER, "word", every_s, Role.PANEL_FAULT, WORDS,
            Text("अलार्म रिसीवर की खराबी", "alarm receiver's own trouble"), pushed=True,
        ),
    ]  # fmt: skip
    if options.test_every is not None:
        points.append(
            Described(
                TEST_DUE, "word", every_s, Role.PANEL_FAULT, WORDS,
                Text("पैनल की रोज़ की जाँच", "panel's periodic test"), pushed=True,
            )
        )  # fmt: skip
    return points


def points(options: ContactIdOptions) -> list[Described]:
    """Every point of the panel behind the receiver."""
    return described(options, float(options.heartbeat), _own(options))


class ContactId:
    """One receiver's line and the one account behind it."""

    def __init__(self, device: str, options: ContactIdOptions) -> None:
        self._format = options.format
        self._account = account_of(options.account)
        self._beat_s = float(options.heartbeat)
        self._test_s = None if options.test_every is None else float(options.test_every) * LATE
        self._panel = Panel(device, options, _own(options))
        self._frames = Frames(options.format)
        self._damaged = 0
        self._refused = b""  # the frame that was answered with NAK
        self._refused_at = self._taken_at = float("-inf")
        self._taken = b""  # the last that was answered with ACK
        self._beat_at: float | None = None
        self._test_at: float | None = None  # the last test, or when waiting for one began

    def opened(self, now: float) -> Sequence[Turn]:
        """The receiver speaks first. What was begun on the old line is worth nothing."""
        self._frames.clear()
        self._refused = b""
        if self._test_at is None:
            self._test_at = now
        return ()

    def feed(self, data: bytes, now: float) -> Sequence[Turn]:
        """One turn for each message, so that each is acknowledged by itself."""
        return [self._answer(frame, now) for frame in self._frames.feed(data, now)]

    def tick(self, now: float) -> Sequence[Turn]:
        """What stood only for a while is over; a test that did not come is told."""
        self._frames.tick(now)
        readings = self._panel.tick(now)
        if self._test_s is not None and self._test_at is not None and now - self._test_at > self._test_s:
            self._test_at = now
            readings.append(self._panel.say(TEST_DUE, Word.ALARM, now))
        return [Turn(tuple(readings))] if readings else ()

    def damaged(self) -> int:
        """Frames that were not what they claimed to be, too long, or without their end."""
        return self._damaged + self._frames.lost

    def _answer(self, frame: bytes, now: float) -> Turn:
        message = parse(frame, self._format)
        if self._is_doubtful(message) and frame != self._refused:
            self._damaged += isinstance(message, Damaged | Strange)
            self._refused = frame
            if now - self._refused_at < ONE_NAK_S or now - self._taken_at < REACTION_S:
                return Turn()
            self._refused_at = now
            return Turn(send=NAK)
        # Said again because of our NAK to something else: it was answered, and waits for nothing.
        twice = frame == self._taken and now - self._taken_at < ONE_NAK_S and now - self._refused_at < 2 * ONE_NAK_S
        self._taken, self._taken_at = frame, now
        if isinstance(message, Heartbeat):
            return Turn(tuple(self._beat(now)), send=ACK)
        self._refused = b""
        beat = self._panel.beat(now) if self._beat_at is None or now - self._beat_at >= self._beat_s else []
        readings = self._read(message, now)
        if beat and not self._panel.secret(readings):  # a receiver that is busy leaves its heartbeats out
            self._beat_at, readings = now, [*beat, *readings]
        return Turn(tuple(readings), acknowledge=b"" if twice else ACK, within_s=WITHIN_S)

    def _is_doubtful(self, message: Message) -> bool:
        """No frame has a checksum: what is not plainly this branch's own is believed when it comes the same twice."""
        match message:
            case Report():
                return message.account != self._account or not message.known
            case Heartbeat():
                return False
            case OfReceiver() | Strange() | Damaged():
                return True
            case _:
                assert_never(message)

    def _beat(self, now: float) -> list[Reading]:
        self._beat_at = now
        return self._panel.beat(now)

    def _read(self, message: Message, now: float) -> list[Reading]:
        match message:
            case Report() if message.account != self._account:
                return self._foreign(message, now)
            case Report():
                readings = [reading for event in message.events for reading in self._take(event, now)]
                if message.known or self._panel.secret(readings):  # of a hold-up nothing else is said
                    return readings
                return [*readings, self._panel.strange(_fit(message.text), now)]
            case OfReceiver():
                return [self._panel.strange(_fit(message.text), now, RECEIVER, OWN_S)]
            case Strange():
                return [self._panel.strange(_fit(message.text), now)]
            case Damaged():
                return [self._panel.strange(_fit(message.frame.decode("ascii", "replace")), now)]
            case Heartbeat():
                return []
            case _:
                assert_never(message)

    def _foreign(self, message: Report, now: float) -> list[Reading]:
        """Another account on a line that ends in this branch: wrongly written, more likely than another branch's.

        Somebody in danger is told as such, and of a hold-up nothing else is said. All else is told as a fault.
        """
        grave = [event for event in message.events if kind(event.code) in GRAVE]
        rest = [event for event in message.events if event not in grave]
        readings = [self._panel.take_unnamed(event, now) for event in grave]
        if rest or not grave:
            labels = ".".join(event.label for event in rest) or message.text
            readings.append(self._panel.strange(f"{message.account}:{_fit(labels)}", now, FOREIGN, OWN_S))
        return readings

    def _take(self, event: Event, now: float) -> list[Reading]:
        readings = self._panel.take(event, now)
        if self._test_s is not None and kind(event.code) is Kind.TEST:
            self._test_at = now
            readings.append(self._panel.say(TEST_DUE, Word.NORMAL, now))
        return readings


_SILENT = re.compile(r"(?:^|[.EPR136])12[0-9]|[HP]A")


def _fit(text: str) -> str:
    """What may be shown in the branch of a message that is not understood: nothing that tells of a hold-up."""
    return f"{text[:1]}..." if _SILENT.search(text) else text


def _build(device: str, _profile: object, options: ContactIdOptions, _urgent: Collection[str]) -> ContactId:
    return ContactId(device, options)


DRIVER = DriverKind(ContactIdOptions, _build, Speech.BYTES, points)
