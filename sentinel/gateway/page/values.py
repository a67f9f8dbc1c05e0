"""What the page shows, as plain values: made by `looking` from the daemon, turned into HTML by the sections.

Two that are equal make the same bytes. What moves by itself (ages, latencies, measured numbers, counts) is not here:
it stands in `Live` under a key that the HTML names, so that a section is sent again only when something happened.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sentinel.core.incident import NoticeState
from sentinel.core.model import Role, Severity, Sight, Text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime, tzinfo

    from sentinel.web.language import Language


@dataclass(frozen=True, slots=True)
class Live:
    """What moves by itself, by key: when a thing was read (seconds since 1970), and figures, alike in both languages."""

    ages: Mapping[str, float | None] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom a section is made. For the stream `now` and `live` are left out, and the places that they fill are empty."""

    lang: Language
    zone: tzinfo
    day: date  # times of this day are written without their date
    now: datetime | None = None
    live: Live = field(default_factory=Live)

    def say(self, text: Text) -> str:
        """In the reader's language."""
        return text.of(self.lang)

    def now_s(self) -> float | None:
        """For `web.ages`."""
        return None if self.now is None else self.now.timestamp()


@dataclass(frozen=True, slots=True)
class RoomView:
    """A control room at the end of a way."""

    id: str
    up: bool | None
    since: datetime


@dataclass(frozen=True, slots=True)
class NoticeView:
    """The newest notice of one message to one contact by one channel; how many left, and when the first of them did."""

    who: Text
    channel: Text
    words: str
    state: NoticeState  # SENDING while it is being sent, PENDING when it has to wait
    at: datetime
    reason: str
    times: int
    first: datetime | None
    police: bool

    @property
    def alarm(self) -> bool:
        """It is what somebody has to be told, and not what became of it."""
        return self.words in ("alarm", "confirmed", "trouble", "bare")


@dataclass(frozen=True, slots=True)
class AnswerView:
    """What a person said."""

    what: Text
    by: Text
    at: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class PictureView:
    """One picture that was kept. It may have been erased since: the card then shows its words alone."""

    camera: Text
    before: bool  # the alarm; or after it
    at: datetime
    ref: str


@dataclass(frozen=True, slots=True)
class IncidentView:
    """One incident that the branch may see."""

    code: str
    name: Text
    role: Role
    severity: Severity
    alarm: bool  # or the trouble of its sensor
    test: bool
    reason: str
    said: Text | None  # what the point itself says of it: before the reason
    hides: tuple[Text, ...]
    opened_at: datetime
    again_at: datetime | None
    active: bool
    answers: tuple[AnswerView, ...]
    standing: AnswerView | None  # the answer that holds the ladder now
    old: bool  # that answer was given a good while ago
    police_owe: bool  # answered by somebody whose answer stops nothing
    notices: tuple[NoticeView, ...]
    next_at: datetime | None
    next_who: tuple[tuple[Text, Text], ...]  # (contact, channel)
    closed_at: datetime | None
    disposition: Text | None
    closed_by: Text | None
    pictures: tuple[PictureView, ...] = ()  # the newest, in the order in which they were taken
    more_pictures: int = 0

    @property
    def fault(self) -> bool:
        """Drawn as an outline from the beginning: nobody runs for it."""
        return self.severity in (Severity.FAULT, Severity.INFO)

    @property
    def untold(self) -> bool:
        """Somebody should run, and nothing has left the branch or is leaving it now."""
        stuck = (NoticeState.PENDING, NoticeState.FAILED, NoticeState.WITHDRAWN)
        grave = self.severity is Severity.CRITICAL and not self.test and self.closed_at is None
        return grave and bool(self.notices) and all(one.state in stuck for one in self.notices)


@dataclass(frozen=True, slots=True)
class HeadView:
    """Who and where we are, how the daemon is, and what is open, worst first."""

    bank: str
    branch: Text
    station: Text
    rooms: tuple[RoomView, ...]
    health: str
    clock: bool
    reasons: tuple[str, ...]
    open: tuple[tuple[Severity, int], ...]


@dataclass(frozen=True, slots=True)
class IncidentsView:
    """Open ones, worst and oldest first; the last closed; how many more are open."""

    open: tuple[IncidentView, ...]
    closed: tuple[IncidentView, ...]
    more: int = 0
    complete: bool = True  # False: the journal has not said yet what was open before this start


@dataclass(frozen=True, slots=True)
class ZoneView:
    """One zone, after rule 6."""

    id: str
    name: Text
    role: Role
    point: str
    state: str  # normal, alarm, trouble, unknown, supervised
    label: Text
    reason: str
    since: datetime | None  # when this state began, where it is not the normal one
    stale: bool  # not heard of for too long: an alarm that stands may be over by now
    measured: bool  # its value is a number and stands in `Live`
    limits: str


@dataclass(frozen=True, slots=True)
class FindingView:
    """One zone of a recorder or camera, and what it says in words."""

    zone: ZoneView
    said: Text
    own: bool  # in words of its own, that need no name of the thing before them


@dataclass(frozen=True, slots=True)
class FigureView:
    """One number of a camera, whole; None is not known. `cannot`: this recorder does not have it."""

    key: str  # of its age in `Live`
    value: int | None
    cannot: bool


@dataclass(frozen=True, slots=True)
class PlaceView:
    """One place that must be seen."""

    sight: Sight
    seen: str  # core.coverage.Seen
    accepted: bool
    cameras: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class CameraView:
    """One camera."""

    id: str
    name: Text
    sees: tuple[Sight, ...]
    mode: str
    findings: tuple[FindingView, ...]
    oldest_d: FigureView
    gap_s: FigureView
    required_d: int


@dataclass(frozen=True, slots=True)
class RecorderView:
    """One recorder with its cameras."""

    id: str
    name: Text
    about: str
    findings: tuple[FindingView, ...]
    cameras: tuple[CameraView, ...]


@dataclass(frozen=True, slots=True)
class CamerasView:
    """What the police ask for, and what stands behind it."""

    places: tuple[PlaceView, ...]
    recorders: tuple[RecorderView, ...]


@dataclass(frozen=True, slots=True)
class DeviceView:
    """One device on a line."""

    id: str
    name: Text
    up: bool | None
    since: datetime | None
    reason: str
    zones: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class LinkView:
    """One line and what is on it."""

    id: str
    kind: str
    up: bool | None
    since: datetime | None
    reason: str
    devices: tuple[DeviceView, ...]


@dataclass(frozen=True, slots=True)
class WayView:
    """One channel, or a room at its end, and what it last carried of what the branch may see."""

    id: str
    room: bool
    kind: str
    path: str
    up: bool | None
    since: datetime
    reason: str
    last: NoticeView | None


@dataclass(frozen=True, slots=True)
class SystemView:
    """Where the record stands. Counts and bytes are in `Live`."""

    server: str
    store_up: bool | None
    store_since: datetime | None
    store_reason: str
    spool_up: bool | None
    spool_since: datetime | None
    spool_reason: str
    journal_reason: str
    disk: bool | None
    clock: bool
    version: str


@dataclass(frozen=True, slots=True)
class CurveView:
    """One recorded number and what is known of its last day. `rows`: (seconds since 1970, low, high)."""

    point: str
    name: Text
    unit: str
    low: float | None
    high: float | None
    rows: tuple[tuple[int, float, float], ...]
    step_s: int
    begin_s: int
    end_s: int
