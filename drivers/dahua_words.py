"""Which word a finding about a Dahua recorder makes. Pure functions; what could not be read is never called well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drivers.dahua_text import Answer, clean, table, time_of
from drivers.recorder import Access, Kept, Recording, TimeSource, kept, near_of, recording
from sentinel.core.model import Failure

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from drivers.recorder import Camera
    from sentinel.ports import Moment


def recording_word(
    camera: Camera,
    newest: datetime | Failure | None,
    now: datetime,
    ahead: timedelta,
    recording_now: dict[int, int] | Failure,
    modes: dict[int, str] | Failure,
) -> str | Failure:
    """The proof where there can be one; where files cannot be asked for, what the recorder says of itself."""
    at = camera.channel - 1
    off = not isinstance(modes, Failure) and modes.get(at) == "2"
    if newest is Failure.UNSUPPORTED:
        says = recording_now.get(at) if not isinstance(recording_now, Failure) else None
        if says == 1:
            return Recording.NOW
        if off:
            return Recording.OFF
        return Recording.STOPPED if says == 0 and camera.record == "always" else newest
    if isinstance(newest, Failure):
        return newest
    near = near_of(camera)
    if newest is not None and now - newest <= near:
        return Recording.PROVED
    if off:
        return Recording.OFF
    return recording(newest and newest - ahead, now - ahead, near=near)


def footage_words(days: list[float | Failure], required: int) -> tuple[str | Failure, float | Failure]:
    """Of the camera that keeps least. A camera that could not be asked may be the one: only a bad word is said then."""
    known = [one for one in days if not isinstance(one, Failure)]
    unknown = next((one for one in days if isinstance(one, Failure)), None)
    least = min(known, default=None)
    if least is None:
        return unknown or Failure.UNSUPPORTED, unknown or Failure.UNSUPPORTED
    word = kept(least or None, required)
    if unknown is not None:
        return (unknown if word == Kept.KEPT else word), unknown
    return word, least


def days_kept(oldest: datetime | Failure | None, now: datetime) -> float | Failure:
    """How long ago the oldest file starts; 0.0 when there is none."""
    if isinstance(oldest, Failure):
        return oldest
    return round((now - oldest).total_seconds() / 86_400, 2) if oldest else 0.0


def mode_word(at: int, modes: dict[int, str] | Failure, by_schedule: dict[int, str] | Failure) -> str | Failure:
    """What is configured: always, motion, part of the week, off."""
    if isinstance(modes, Failure):
        return modes
    match modes.get(at):
        case "1":
            return "always"
        case "2":
            return "off"
        case "0":
            return by_schedule if isinstance(by_schedule, Failure) else by_schedule.get(at, Failure.UNSUPPORTED)
        case None:
            return Failure.UNSUPPORTED
        case _:
            return Failure.RANGE


def access_word(*guarded: bool | Failure) -> str | Failure:
    """Open when anything was given; well only when everything was refused or is not there, and something was refused."""
    if False in guarded:
        return Access.OPEN
    for one in guarded:
        if isinstance(one, Failure) and one is not Failure.UNSUPPORTED:
            return one
    return Access.OK if True in guarded else Failure.UNSUPPORTED


def time_source(answer: Answer) -> str | Failure:
    """What sets its clock."""
    enabled = word_of(answer, "table.NTP.Enable")
    if isinstance(enabled, Failure):
        return enabled
    return {"true": TimeSource.NTP, "false": TimeSource.MANUAL}.get(enabled.lower(), Failure.BAD_REPLY)


def model_name(vendor: str | Failure, model: str | Failure) -> str | Failure:
    """The maker, as the box says, and the model."""
    if isinstance(model, Failure):
        return model
    return model if isinstance(vendor, Failure) or vendor.lower() in model.lower() else f"{vendor} {model}"


def word_of(answer: Answer, key: str) -> str | Failure:
    """One value of an answer, as people may see it."""
    found = table(answer)
    if isinstance(found, Failure):
        return found
    return clean(found.get(key, "")) or Failure.BAD_REPLY


def time_now(answer: Answer, moment: Moment) -> datetime | Failure:
    """The recorder's own wall clock, in the site's zone."""
    word = word_of(answer, "result")
    if isinstance(word, Failure):
        return word
    return time_of(word, moment.wall.tzinfo) or Failure.BAD_REPLY
