"""The Protocols the shell is built against. Every await on the outside behind one of these has its own deadline."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from datetime import datetime

    from sentinel.core.model import Failure, Reading


class Clock(Protocol):
    """Wall time, the run's monotonic time, and whether the wall clock may be believed."""

    def now(self) -> datetime:
        """Aware UTC wall time."""

    def monotonic(self) -> float:
        """Seconds, never going back, of this run."""

    def synchronised(self) -> bool:
        """True when the kernel says that a time server disciplines the clock."""


# --- Towards devices -------------------------------------------------------------------------------------------------


class LinkError(Exception):
    """A read or write that gave no trustworthy answer. `failure` goes into the failed readings, the text into the log."""

    def __init__(self, failure: Failure, text: str) -> None:
        super().__init__(text)
        self.failure = failure


class Speech(StrEnum):
    """What goes over a link. A driver is put on a link that carries its own."""

    MODBUS = "modbus"  # a Driver asks Requests and gets Words
    BYTES = "bytes"  # a Conversation hears and says bytes
    HTTP = "http"  # an Assessor asks HttpRequests
    RTSP = "rtsp"  # an Assessor asks RtspRequests


class Table(StrEnum):
    """The four Modbus tables. Addresses are PDU addresses, from 0."""

    COIL = "coil"
    DISCRETE = "discrete"
    INPUT = "input"
    HOLDING = "holding"


@dataclass(frozen=True, slots=True)
class Request:
    """One Modbus read: 1-2000 bits or 1-125 registers of one unit."""

    unit: int
    table: Table
    address: int
    count: int


@dataclass(frozen=True, slots=True)
class Write:
    """One Modbus write (FC5/6 for one value, FC15/16 for more): a relay, a test command."""

    unit: int
    table: Table  # COIL or HOLDING
    address: int
    values: tuple[int, ...]  # bits as 0 and 1


Words = tuple[int, ...]  # registers 0..65535, or bits as 0 and 1, exactly as many as were asked for

Q_contra = TypeVar("Q_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)


class Link(Protocol[Q_contra, R_co]):
    """One physical line and its only talker. It opens itself on the first read and mends itself; it never retries."""

    async def read(self, request: Q_contra, timeout_s: float | None = None) -> R_co:
        """The answer to exactly this question, or LinkError. Requests queue; `timeout_s` counts from the own turn."""

    async def close(self) -> None:
        """Give the line back. Reads that wait fail with NOT_CONNECTED."""


@dataclass(frozen=True, slots=True)
class Poll:
    """One planned question to one device, asked every `interval_s`, `urgent` ones before all others of the link."""

    device: str
    request: Request
    interval_s: float
    urgent: bool
    points: tuple[str, ...]  # "<device>.<point>": what fails when this poll fails


class Driver(Protocol):
    """What a device is asked, and what its answers mean. Pure."""

    def plan(self) -> Sequence[Poll]:
        """The questions, fewest first of all; the same on every call."""

    def decode(self, poll: Poll, reply: Words, at: float) -> list[Reading]:
        """One reading for each of `poll.points`, in that order; never raises on any words of the right count."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a conversation makes of what it heard, in order: readings, and bytes for the other end.

    `send` goes at once. `acknowledge` goes only when everything that follows from the readings is durable, and never
    when it is not: a panel that gets none says it again. Later than `within_s` it is not sent at all.
    """

    readings: tuple[Reading, ...] = ()
    send: bytes = b""
    acknowledge: bytes = b""
    within_s: float = 4.0


class Conversation(Protocol):
    """A panel that speaks when it likes: bytes in, readings and bytes out. Pure; `now` is monotonic seconds.

    While the panel is there, each of its points gets a reading at least every `every_s` that the point declares: a
    value, or HELD for one that has not changed. What it cannot understand it counts and drops, never raises.
    """

    def opened(self, now: float) -> Sequence[Turn]:
        """The line is there, again or for the first time: greet, sign in, ask for the state of everything."""

    def feed(self, data: bytes, now: float) -> Sequence[Turn]:
        """Bytes as they came, in any pieces."""

    def tick(self, now: float) -> Sequence[Turn]:
        """Time has passed: called every second or so. Polls, heartbeats, a sign-in that got no answer."""

    def damaged(self) -> int:
        """Messages since the start that could not be understood; for metrics."""


class ByteLink(Protocol):
    """A line that carries bytes: a serial port, or a socket in its place. One talker; LinkError when it is gone."""

    async def open(self) -> None:
        """Open it, or LinkError (NOT_CONNECTED). Called again after it was lost; what came before is dropped."""

    async def receive(self) -> bytes:
        """The next bytes, at least one."""

    async def send(self, data: bytes) -> None:
        """Hand them to the line, within its own deadline."""

    async def close(self) -> None:
        """Give the line back; also a second time."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One question by HTTP. `target` goes onto the wire as it is: path and query, already escaped."""

    target: str
    method: str = "GET"
    body: bytes = b""
    content_type: str = ""
    timeout_s: float = 10.0
    most: int = 1_000_000  # bytes of an answer; a longer one is BAD_REPLY
    signed: bool = True  # False: asked without the account, to see whether it is given to everybody
    wsse: datetime | None = None  # signed in the SOAP header too, as made at this time: see drivers/wsse.py
    urgent: bool = False  # has turns of its own: a picture after an alarm waits for no search
    about: str = ""  # what it asks for, where the target alone does not say: a camera's search


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What was answered, whatever the status: 401 has become LinkError (CREDENTIAL or LOCKED) before this.

    A 401 to an account that is good, which only may not have this, is given as 403.
    """

    status: int
    headers: Mapping[str, str]  # names in small letters
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RtspRequest:
    """One look at a stream: is it described, and, where `frames_s` is given, do packets flow for so long."""

    target: str  # path and query
    frames_s: float = 0.0
    timeout_s: float = 12.0


@dataclass(frozen=True, slots=True)
class RtspReply:
    """What was seen: the status of DESCRIBE, whether it has video, how many packets came."""

    status: int
    video: bool
    packets: int


@dataclass(frozen=True, slots=True)
class Moment:
    """When an assessment runs: aware wall time in the site's zone, monotonic time, and whether the wall may be believed."""

    wall: datetime
    at: float
    synchronised: bool


@dataclass(frozen=True, slots=True)
class Round:
    """One kind of assessment: which points it reads, how often."""

    name: str
    every_s: float
    points: tuple[str, ...]  # "<device>.<point>": what fails when the round fails


class Assessor(Protocol):
    """A device that is looked into by several questions, the later ones leaning on the answers to the earlier. Pure."""

    def rounds(self) -> Sequence[Round]:
        """What is to be done and how often, the quickest first; the same on every call."""

    def assess(self, name: str, moment: Moment) -> Generator[Sequence[Any], Sequence[Any], list[Reading]]:
        """Yields questions that may be asked together; is sent, in their order, each one's answer or its LinkError.

        Returns one reading for each point of the round. Never raises on any answer.
        """


@runtime_checkable
class Showing(Protocol):
    """An assessor whose device gives pictures. Pure."""

    def snapshot(self, channel: int, *, small: bool) -> HttpRequest | None:
        """What asks for a picture of now, of the sub-stream when small; None where it is not known how."""

    def picture(self, reply: HttpReply) -> bytes | None:
        """The JPEG of that reply, or None: an error in words comes with status 200 too."""


class Hints(Protocol):
    """A device's own stream of events: it only makes polling fast. Pure."""

    def request(self) -> HttpRequest:
        """What opens the stream."""

    def feed(self, data: bytes) -> Sequence[str]:
        """The names of the rounds that should run at once."""


@runtime_checkable  # option models of links, drivers and channels name it as a field's type; pydantic asks isinstance
class Secret(Protocol):
    """A secret by reference, as the settings give it. Its repr names the place, never the value."""

    def read(self) -> str:
        """The value, fetched now, or LookupError naming the place. Read when it is used; never kept or logged."""


# --- Towards people --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Attachment:
    """A picture that goes with a letter, where the channel can carry it. Read when it is sent: it may be gone by then."""

    name: str  # of the file, as the reader sees it
    read: Callable[[], bytes | None] = field(repr=False)  # off the loop


@dataclass(frozen=True, slots=True)
class Letter:
    """One notice ready to leave: already in the contact's language and sized for the channel."""

    notice: str  # the notice's id, for the provider's idempotency and the log
    contact: str
    address: str  # where it goes (a mailbox, a number); never logged whole
    code: str  # the incident's code as people on this channel say it: "4821" or "17-4821"
    subject: str
    body: str
    urgent: bool
    seq: int  # of the fact that queued it: a room's receipt for this seq is the delivery; 0: told from memory
    attachments: tuple[Attachment, ...] = ()


class Sent(StrEnum):
    """How far `send` got: handed over, or known to be delivered to the other end."""

    SENT = "sent"
    DELIVERED = "delivered"


class ChannelError(Exception):
    """A send that failed. `permanent` means that trying again as it is cannot help (bad address, refused for good)."""

    def __init__(self, text: str, *, permanent: bool = False, retry_after_s: float | None = None) -> None:
        super().__init__(text)
        self.permanent = permanent
        self.retry_after_s = retry_after_s


class Channel(Protocol):
    """One way to tell people. `send` is called again after a crash: the code in the text lets a person see a repeat."""

    async def send(self, letter: Letter) -> Sent:
        """Hand the letter over within the channel's own deadline, or raise ChannelError."""

    async def close(self) -> None:
        """Give the way back."""


@runtime_checkable
class Checked(Protocol):
    """A channel that is silent unless it is used, and can be asked whether it would take a letter now."""

    async def check(self) -> None:
        """Go as far as a letter would without sending one, within the channel's own deadline, or raise ChannelError."""


class TelemetrySink(Protocol):
    """Where readings go beside detection. Never blocks and never raises; what it cannot keep it counts."""

    def take(self, readings: Sequence[Reading]) -> None:
        """Offer a batch."""
