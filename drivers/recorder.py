"""What every recorder driver shares: what an operator writes, which points there are, and how a finding becomes a word.

Three facts are kept apart, for only the last is proof: recording is *configured*, recording *now*, and *a file that ends
near now and one that starts so many days ago*. What a recorder does not support is FAILED (unsupported), never a word:
it is neither broken nor fine, and whether the rest is proof enough is said by `chN.recording` alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from drivers.described import Described
from drivers.duration import Seconds  # noqa: TC001 pydantic reads it
from sentinel.core.model import Condition, Failure, Quality, Reading, Role, Sight, Text, Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STATE_S, PROOF_S, HISTORY_S = (
    20.0,
    60.0,
    3600.0,
)  # rounds: what is now · a file that ends near now · how far back, access
PICTURE_S = 86400.0  # a look a day
NEAR_NOW = timedelta(minutes=30)  # a continuous recorder closes a file at least so often; older is a gap
NEAR_MOTION = timedelta(days=3)  # a camera that records by movement: a long weekend behind a shutter is no fault
DRIFT_S, DRIFT_BACK_S = 60.0, 30.0  # of the recorder's clock, and the hysteresis
FACTORY = frozenset({"admin", "root", "888888", "666666", "default", "user"})  # makers' own accounts


def _day(value: object) -> object:
    """YAML gives text here; pydantic would also take a number of seconds for a day."""
    if isinstance(value, str):
        return date.fromisoformat(value)
    raise ValueError("is no day: write 2026-10-01")


class CameraName(BaseModel):
    """What people in this branch call it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hi: Annotated[str, Field(min_length=1, max_length=60)]
    en: Annotated[str, Field(min_length=1, max_length=60)]


class Camera(BaseModel):
    """One channel of a recorder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    channel: Annotated[int, Field(ge=1, le=256, description="as the recorder numbers it, from 1")]
    name: CameraName
    sees: tuple[Sight, ...] = ()
    watches: Annotated[tuple[str, ...], Field(description="zones at whose alarm its pictures are kept")] = ()
    record: Literal["always", "motion"] = "always"


class Footage(BaseModel):
    """How long recordings must be there. A legal hold keeps everything since its day, however long ago."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: Annotated[int, Field(ge=1, le=3650)] = 90
    hold_since: Annotated[date, BeforeValidator(_day)] | None = None

    def required(self, today: date) -> int:
        """Days that must be there today."""
        held = (today - self.hold_since).days if self.hold_since is not None else 0
        return max(self.days, held)


class RecorderOptions(BaseModel):
    """What an operator writes under a device that is a recorder. Address and account are the link's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    driver: str
    cameras: Annotated[dict[str, Camera], Field(min_length=1, max_length=256)]
    footage: Footage = Footage()
    serial: Annotated[str, Field(max_length=64, description="the recorder's own; another one is told")] = ""
    disks: Annotated[int, Field(ge=0, le=128, description="how many there must be; 0: as many as were seen")] = 0
    state_every: Seconds = STATE_S
    proof_every: Seconds = PROOF_S
    history_every: Seconds = HISTORY_S

    @model_validator(mode="after")
    def _one_camera_a_channel(self) -> Self:
        seen: dict[int, str] = {}
        for id_, camera in self.cameras.items():
            if camera.channel in seen:
                raise ValueError(f"cameras.{id_}: channel {camera.channel} is already {seen[camera.channel]}")
            seen[camera.channel] = id_
        return self


class Video(StrEnum):
    """`<camera>.video`: whether a picture comes in."""

    OK = "ok"
    LOST = "lost"  # no signal on the input
    OFFLINE = "offline"  # the IP camera does not answer the recorder


class Recording(StrEnum):
    """`<camera>.recording`: what the proof says, or, where there is none, the recorder's own word."""

    PROVED = "proved"  # a file ends near now
    NOW = "now"  # the recorder says that it records, and cannot be asked for files
    STOPPED = "stopped"  # says so, or no file ends near now: "stopped 17-10 04:12"
    OFF = "off"  # no schedule


class Disks(StrEnum):
    """`disks`: the worst of them, with its number after a blank. Full is normal: the oldest is overwritten."""

    OK = "ok"
    FAILED = "failed"
    MISSING = "missing"  # fewer than were there
    READ_ONLY = "read-only"
    UNFORMATTED = "unformatted"
    NONE = "none"


class Kept(StrEnum):
    """`footage`: whether recordings go back as far as they must: "short 11/90"."""

    KEPT = "kept"
    SHORT = "short"
    NONE = "none"


class Access(StrEnum):
    """`access`: how the recorder guards itself."""

    OK = "ok"
    OPEN = "open"  # gives pictures or its name to whoever asks
    FACTORY = "factory"  # the account is the maker's own or an administrator's


class TimeSource(StrEnum):
    """`time`: what sets the recorder's clock."""

    NTP = "ntp"
    MANUAL = "manual"


_N, _A = Condition.NORMAL, Condition.ALARM
_VIDEO = ((Video.OK, _N), (Video.LOST, _A), (Video.OFFLINE, _A))
_RECORDING = ((Recording.PROVED, _N), (Recording.NOW, _N), (Recording.STOPPED, _A), (Recording.OFF, _A))
_DISKS = tuple((word, _N if word is Disks.OK else _A) for word in Disks)
_KEPT = ((Kept.KEPT, _N), (Kept.SHORT, _A), (Kept.NONE, _A))
_ACCESS = ((Access.OK, _N), (Access.OPEN, _A), (Access.FACTORY, _A))
_CLOCK = (("right", _N), ("wrong", _A))
_PICTURE = (("ok", _N), ("black", _A), ("frozen", _A), ("covered", _A), ("moved", _A))
_IDENTITY = (("same", _N), ("changed", _A))


def points(options: RecorderOptions) -> list[Described]:
    """Every point of a recorder, its own first, then each camera's in the order of the file."""
    state, proof, history = float(options.state_every), float(options.proof_every), float(options.history_every)
    own = [
        Described("disks", "word", state, Role.DISK, _DISKS),
        Described("clock", "word", state, Role.RECORDER_CLOCK, _CLOCK),  # "wrong +312 s"
        Described("identity", "word", state, Role.RECORDER, _IDENTITY),  # "changed DS-7616 0420…881"
        Described("footage", "word", history, Role.RETENTION, _KEPT),
        Described("access", "word", history, Role.RECORDER_ACCESS, _ACCESS),
        Described("drift", "number", state, unit="s"),
        Described("retention", "number", history, unit="d"),  # of the camera that keeps least
        Described("disk-use", "number", state, unit="%"),
        Described("time", "word", history),
        Described("firmware", "word", history),
        Described("model", "word", history),
    ]
    for id_, camera in options.cameras.items():
        name = Text(camera.name.hi, camera.name.en)
        own += [
            Described(f"{id_}.video", "word", state, Role.CAMERA_VIDEO, _VIDEO, name),
            Described(f"{id_}.recording", "word", proof, Role.CAMERA_RECORDING, _RECORDING, name),
            Described(f"{id_}.picture", "word", PICTURE_S, Role.CAMERA_PICTURE, _PICTURE, name),  # judged: in no round
            Described(f"{id_}.mode", "word", history, name=name),  # always, motion, off: what is configured
            Described(f"{id_}.newest", "number", proof, name=name, unit="s"),  # age of the newest file's end
            Described(f"{id_}.oldest", "number", history, name=name, unit="d"),
            Described(f"{id_}.gap", "number", history, name=name, unit="s"),  # the longest of the last 24 h
        ]
    return own


ROUNDS: Mapping[str, tuple[str, ...]] = {
    "state": ("disks", "clock", "identity", "drift", "disk-use", ".video"),
    "proof": (".recording", ".newest"),
    "history": ("footage", "access", "retention", "time", "firmware", "model", ".mode", ".oldest", ".gap"),
}


def points_of(options: RecorderOptions, device: str, name: str) -> tuple[str, ...]:
    """The points of one round, in full. `.video` stands for that of every camera."""
    found: list[str] = []
    for id_ in ROUNDS[name]:
        if id_.startswith("."):
            found += [f"{device}.{camera}{id_}" for camera in options.cameras]
        else:
            found.append(f"{device}.{id_}")
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Channel:
    """One camera that a recorder has, configured here or not."""

    number: int  # as the recorder numbers it, from 1
    name: str
    online: bool | None  # None: it does not say


@dataclass(frozen=True, slots=True)
class Inventory:
    """What `sentinel probe` and `init` learn of a recorder. A text that it did not give is ""."""

    maker: str
    model: str
    serial: str
    firmware: str
    channels: tuple[Channel, ...]


@dataclass(slots=True)
class Findings:
    """What one round found, by point inside the device. What nobody put in is FAILED (unsupported)."""

    device: str
    at: float
    values: dict[str, Value | Failure]

    def readings(self, wanted: tuple[str, ...]) -> list[Reading]:
        """One for each wanted point."""
        return list(self._readings(wanted))

    def _readings(self, wanted: tuple[str, ...]) -> Iterator[Reading]:
        for point in wanted:
            value = self.values.get(point.removeprefix(f"{self.device}."), Failure.UNSUPPORTED)
            if isinstance(value, Failure):
                yield Reading(point, None, Quality.FAILED, self.at, value)
            else:
                yield Reading(point, value, Quality.GOOD, self.at)


def recording(newest_end: datetime | None, now: datetime, *, near: timedelta = NEAR_NOW) -> str:
    """The word for the newest file: proved while it ends near now, else stopped since when. Both in the site's zone."""
    if newest_end is None:
        return Recording.STOPPED
    if now - newest_end <= near:
        return Recording.PROVED
    return f"{Recording.STOPPED} {newest_end:%d-%m %H:%M}"


def near_of(camera: Camera) -> timedelta:
    """How old the newest file of that camera may be."""
    return NEAR_NOW if camera.record == "always" else NEAR_MOTION


def kept(days: float | None, required: int) -> str:
    """The word for how far back recordings go. A day is forgiven: overwriting works in whole files."""
    if days is None:
        return Kept.NONE
    return Kept.KEPT if days >= required - 1 else f"{Kept.SHORT} {int(days)}/{required}"


def clock(drift_s: float, before: str) -> str:
    """The word for the clock's drift, with hysteresis against the word before."""
    limit = DRIFT_BACK_S if before.startswith("wrong") else DRIFT_S
    return "right" if abs(drift_s) <= limit else f"wrong {drift_s:+.0f} s"
