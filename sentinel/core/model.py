"""The nouns of a branch, as values: what is read, what it means, who is told.

Frozen dataclasses and StrEnums only. Everything in `core` is pure: no I/O, no clock, no asyncio. Two kinds of
time: `at` of a reading is seconds on the run's monotonic clock (an age must survive a stepped wall clock); facts
and deadlines are aware UTC datetimes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

Value = bool | int | float | str  # what one point can give; never None: a missing value is a failed reading


class Quality(StrEnum):
    """How far a reading may be believed."""

    GOOD = "good"
    STALE = "stale"
    FAILED = "failed"
    HELD = "held"  # no value: who speaks only of changes is there, and has told none since the last one


class Failure(StrEnum):
    """Why a read gave no value. The word goes into readings, facts and pages."""

    NOT_CONNECTED = "not-connected"  # the line itself is gone: refused, unplugged, no such port
    NO_REPLY = "no-reply"  # asked, and the deadline passed
    BAD_REPLY = "bad-reply"  # bytes that cannot be the answer to this question
    REFUSED = "refused"  # the device said no (a Modbus exception, HTTP 500)
    UNSUPPORTED = "unsupported"  # the device does not have this (HTTP 403, 404): neither broken nor well
    CREDENTIAL = "credential"  # the password was refused: nobody asks again until it is due or the password is another
    LOCKED = "locked"  # the device has locked the account
    IDENTITY = "identity"  # something answers, but it is not the device the config names
    STUCK = "stuck"  # its sign-of-life counter stands still
    RANGE = "range"  # a value that the device cannot mean (a sentinel, outside the profile's limits)


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one point. A failed read is a reading with a reason, never a silence and never a zero."""

    point: str  # "<device>.<point>", e.g. "panel.di1"
    value: Value | None  # None exactly when quality is FAILED or HELD
    quality: Quality
    at: float  # seconds, monotonic, of this run
    reason: Failure | None = None
    again: bool = False  # a new activation though the value is none: pressed once more, another zone behind the point


class Severity(StrEnum):
    """How loud. Order matters: see `rank`."""

    CRITICAL = "critical"
    HIGH = "high"
    FAULT = "fault"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for critical, 3 for info: smaller is louder."""
        return _SEVERITY_RANK[self]


_SEVERITY_RANK = {Severity.CRITICAL: 0, Severity.HIGH: 1, Severity.FAULT: 2, Severity.INFO: 3}


class Role(StrEnum):
    """What a point means. `codes.ROLES` gives each its code, severity, latching and timing."""

    HOLD_UP = "hold-up"
    DURESS = "duress"
    PANIC = "panic"
    FIRE = "fire"
    SMOKE = "smoke"
    HEAT = "heat"
    CALL_POINT = "call-point"
    INTRUSION = "intrusion"
    VAULT = "vault"
    VIBRATION = "vibration"
    SHUTTER = "shutter"
    TAMPER = "tamper"
    ATM_TAMPER = "atm-tamper"
    OPENING = "opening"
    ARMED = "armed"
    MAINS = "mains"
    BATTERY = "battery"
    CHARGER = "charger"
    SIREN = "siren"
    PANEL_FAULT = "panel-fault"
    FIRE_FAULT = "fire-fault"
    CAMERA_VIDEO = "camera-video"
    CAMERA_RECORDING = "camera-recording"
    CAMERA_PICTURE = "camera-picture"  # what it shows: black, frozen, covered, moved
    RECORDER = "recorder"
    RECORDER_ACCESS = "recorder-access"  # its password is refused, locked, a maker's own, or not asked for
    DISK = "disk"
    RETENTION = "retention"
    RECORDER_CLOCK = "clock"
    TEMPERATURE = "temperature"
    HUMIDITY = "humidity"
    SUMMARY = "summary"  # a point taken off the hooter: "something is sounding", never a zone
    MEASURE = "measure"  # telemetry only: no condition
    # Things of the gateway's own, never written on a point:
    COVERAGE = "coverage"  # a place that no camera sees
    LINK = "link"
    DEVICE = "device"
    PATH = "path"
    JOURNAL = "journal"
    AUDIT = "audit"
    PROGRAM = "program"
    CLOCK_STEP = "clock-step"
    DELIVERY = "delivery"
    POWER_UP = "power-up"
    TELEMETRY = "telemetry"


class Condition(StrEnum):
    """What a zone or a piece of the gateway is in. UNKNOWN is a state of its own and is never shown as normal."""

    NORMAL = "normal"
    ALARM = "alarm"
    TROUBLE = "trouble"
    UNKNOWN = "unknown"


class Sight(StrEnum):
    """What the police ask that a camera sees: the places inside, the four sides, the road."""

    ENTRANCE = "entrance"
    CASH_COUNTER = "cash-counter"
    HALL = "hall"
    STRONG_ROOM = "strong-room"
    ATM = "atm"
    FRONT = "front"
    BACK = "back"
    LEFT = "left"  # as one stands before the entrance
    RIGHT = "right"
    ROAD = "road"


@dataclass(frozen=True, slots=True)
class Text:
    """One text in both languages of the house."""

    hi: str
    en: str

    def of(self, lang: str) -> str:
        """The Hindi text for "hi", the English one otherwise."""
        return self.hi if lang == "hi" else self.en


# --- How a value becomes a condition ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ContactSense:
    """A dry contact. `alarm_when` is the point's value in alarm, after the profile's own active-low.

    Normally open: alarm when True. Normally closed (a cut wire alarms): alarm when False.
    """

    alarm_when: bool


@dataclass(frozen=True, slots=True)
class BandSense:
    """An analogue input behind end-of-line resistors: (low, high, condition), both ends included, first match wins.

    A value in no band is TROUBLE: a cut or shorted line must never read normal.
    """

    bands: tuple[tuple[float, float, Condition], ...]


@dataclass(frozen=True, slots=True)
class LimitSense:
    """A measured value with limits; it returns only past the limit by `hysteresis`."""

    low: float | None
    high: float | None
    hysteresis: float


@dataclass(frozen=True, slots=True)
class StateSense:
    """An enumerated value (a word from the profile). An unlisted word is TROUBLE, never normal.

    After a blank a word may carry a detail for people ("short 11/90"): the condition is the word's alone.
    """

    states: tuple[tuple[str, Condition], ...]


Sense = ContactSense | BandSense | LimitSense | StateSense


@dataclass(frozen=True, slots=True)
class Zone:
    """A point with a role and a name that people in this branch know. Times in seconds."""

    id: str
    point: str
    role: Role
    name: Text
    sense: Sense
    on_delay_s: float  # how long it must stand before it is told; 0 for hold-up and duress
    off_delay_s: float  # how long normal must stand before it is restored
    stale_after_s: float  # a last good value older than this is unknown


@dataclass(frozen=True, slots=True)
class Device:
    """One device on a link, as detection needs it: which points die with it."""

    id: str
    link: str
    name: Text
    points: tuple[str, ...]


# --- Who is told ---------------------------------------------------------------------------------------------------


class Party(StrEnum):
    """On whose side somebody stands. It decides what an answer may do, together with the channel it came by."""

    POLICE = "police"
    ROOM = "room"  # a control room; may speak for the police where the branch's config grants it
    BANK = "bank"
    SERVICE = "service"  # the installer or maintainer
    OTHER = "other"


class Via(StrEnum):
    """The channel and credential an answer came by: the only source of its authority."""

    SMS = "sms"
    VOICE = "voice"
    EMAIL = "email"
    PAGE = "page"  # the branch's own page
    SOCKET = "socket"  # the local Unix socket: the branch's authority at most
    ROOM = "room"  # a command from a control room whose credential the broker proved
    STATION = "station"  # a signed-in station account


@dataclass(frozen=True, slots=True)
class Contact:
    """A post that holds persons (in the settings). Core knows the post by id, never a name or a number."""

    id: str
    party: Party
    on_site: bool
    language: str  # "hi" or "en"


@dataclass(frozen=True, slots=True)
class Target:
    """One way to one contact: which channel, over which path."""

    contact: str
    channel: str
    path: str
    language: str
    party: Party
    on_site: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One rung: who is told, and how long after the ladder started."""

    after_s: int
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Ladder:
    """Who is told when. Frozen into the incident when it opens. After the last rung it goes round again."""

    id: str
    steps: tuple[Step, ...]
    round_s: int  # from the start of one round to the start of the next


@dataclass(frozen=True, slots=True)
class Policy:
    """The part of the settings that deciding needs. Built by `settings.policy`, handed to `decide` each time."""

    branch: str
    number: int  # the branch's short number, said before a code on channels that branches share
    zones: tuple[Zone, ...]
    devices: tuple[Device, ...]
    contacts: tuple[Contact, ...]
    ladders: tuple[tuple[Role, Severity, Ladder], ...]  # the first row whose role and severity match
    room_grants: tuple[tuple[str, tuple[Party, ...]], ...] = ()  # room id -> the parties it may speak for
