"""What the answers of a Dahua recorder mean: disks, video, the weekly schedule. Pure functions of answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from drivers.dahua_text import Answer, Table, clean, json_of, number, plain, rows, table
from drivers.recorder import Disks, Video
from sentinel.core.model import Failure
from sentinel.ports import LinkError

MOST_CHANNELS = 256

_WELL = {"success", "running", "active", "normal", "ok"}
_ILL: Final = {
    "failure": Disks.FAILED,
    "failed": Disks.FAILED,
    "error": Disks.FAILED,
    "degraded": Disks.FAILED,  # a RAID that has lost a disk
    "inactive": Disks.FAILED,
    "recovering": Disks.FAILED,  # and one that has not got it back yet
    "rebuilding": Disks.FAILED,
    "offline": Disks.MISSING,
    "notexist": Disks.MISSING,
    "unformatted": Disks.UNFORMATTED,
    "initializing": Disks.UNFORMATTED,
    "formatting": Disks.UNFORMATTED,
}
_WORST = (Disks.NONE, Disks.FAILED, Disks.MISSING, Disks.READ_ONLY, Disks.UNFORMATTED)
_SECTION = re.compile(r"(\d{1,10})\s+(\d{1,2}):(\d{1,2}):(\d{1,2})\s*-\s*(\d{1,2}):(\d{1,2}):(\d{1,2})", re.ASCII)
_DAY_S = 86_399  # a whole day ends at 23:59:59 or 24:00:00


@dataclass(frozen=True, slots=True)
class DiskView:
    """The worst disk's word, how many there are, and how full they are together."""

    word: str
    count: int
    use: float | None


def disks(answer: Answer, most_seen: int) -> DiskView | Failure:
    """Of getDeviceAllInfo. A full disk is normal: these recorders fill it when they format it."""
    found = table(answer)
    if isinstance(found, Failure):
        return found
    listed = rows(found, "list.info") or rows(found, "list")
    words: list[tuple[int, str]] = []
    total = used = 0.0
    for place, disk in enumerate(listed.values(), 1):
        details = list(rows(disk, "Detail").values())
        size = sum(number(detail.get("TotalBytes", "")) or 0.0 for detail in details)
        total += size
        used += sum(number(detail.get("UsedBytes", "")) or 0.0 for detail in details)
        word = _disk(disk, details, size)
        if word != Disks.OK:
            words.append((place, word))
    if not listed:
        if not any(key.startswith("list") for key in found):
            return Failure.BAD_REPLY
        return DiskView(Disks.NONE, 0, None)
    if len(listed) < most_seen:
        words.append((len(listed) + 1, Disks.MISSING))
    words.sort(key=lambda pair: (_WORST.index(Disks(pair[1])) if pair[1] in _WORST else len(_WORST), pair[0]))
    use = round(min(100.0, 100.0 * used / total), 1) if total else None
    return DiskView(f"{words[0][1]} {words[0][0]}" if words else Disks.OK, len(listed), use)


def _disk(disk: Table, details: list[Table], size: float) -> str:
    if any(detail.get("IsError", "").lower() == "true" for detail in details):
        return Disks.FAILED
    state = disk.get("State", "").lower()
    if state not in _WELL:
        return _ILL.get(state) or clean(state, 20).replace(" ", "-") or "unknown"
    if any(detail.get("Type", "").lower().replace("-", "") == "readonly" for detail in details):
        return Disks.READ_ONLY
    return Disks.OK if size else Disks.UNFORMATTED


def event_channels(answer: Answer) -> frozenset[int] | Failure:
    """Of getEventIndexes: at which channels, from 0, this is going on. "No Events" is none; anything else unclear is not."""
    if not isinstance(answer, LinkError) and answer.status in (200, 400):
        head = answer.body[:100].decode("utf-8", "replace").lower()
        if head.lstrip().startswith("error") and "no events" in head:
            return frozenset()
    found = table(answer)
    if isinstance(found, Failure):
        return found
    channels = {int(row[""]) for row in rows(found, "channels").values() if _is_channel(row.get("", ""))}
    return frozenset(channels) or Failure.BAD_REPLY


def _is_channel(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 4


def camera_states(answer: Answer) -> dict[int, str] | Failure:
    """Of getCameraState: how each channel, from 0, is connected."""
    found = json_of(answer)
    if isinstance(found, Failure):
        return found
    states = found.get("states") if isinstance(found, dict) else None
    if not isinstance(states, list):
        return Failure.BAD_REPLY
    by_channel = {}
    for state in states[:MOST_CHANNELS]:
        if isinstance(state, dict) and _whole(state.get("channel")) and isinstance(state.get("connectionState"), str):
            by_channel[int(state["channel"])] = clean(state["connectionState"]).lower()
    return by_channel or Failure.UNSUPPORTED


def recording_states(answer: Answer) -> dict[int, int] | Failure:
    """Of getStateAll: 1 recording, 0 not, by channel from 0. What says neither is left out."""
    found = json_of(answer)
    if isinstance(found, Failure):
        return found
    states = found.get("state") if isinstance(found, dict) else None
    if not isinstance(states, list):
        return Failure.BAD_REPLY
    by_channel = {}
    for channel, state in enumerate(states[:MOST_CHANNELS]):
        main = state.get("Main") if isinstance(state, dict) else None
        value = main.get("State") if isinstance(main, dict) else None
        if _whole(value) and value in (0, 1):
            by_channel[channel] = int(value)
    return by_channel


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST_CHANNELS


def video(
    channel: int, lost: frozenset[int] | Failure, states: dict[int, str] | Failure, channels: int | None
) -> str | Failure:
    """The word for one camera (from 1). What is bad is believed from anyone; fine is only what nobody left unsaid."""
    at = channel - 1
    state = states.get(at) if isinstance(states, dict) else None
    if state in ("unconnect", "connecting", "empty", "disable") or (channels is not None and channel > channels):
        return Video.OFFLINE
    if not isinstance(lost, Failure) and at in lost:
        return Video.LOST
    for view in (lost, states):
        if isinstance(view, Failure) and view is not Failure.UNSUPPORTED:
            return view
    if state == "connected" or (state is None and not isinstance(lost, Failure)):
        return Video.OK
    return Failure.UNSUPPORTED if state is None else Failure.BAD_REPLY


def channel_names(answer: Answer) -> dict[int, str] | Failure:
    """Of the ChannelTitle table: each channel's name, by channel from 0."""
    found = table(answer)
    if isinstance(found, Failure):
        return found
    titles = rows(found, "table.ChannelTitle")
    return {at: clean(row.get("Name", "")) for at, row in titles.items() if at < MOST_CHANNELS} or Failure.BAD_REPLY


def record_modes(answer: Answer) -> dict[int, str] | Failure:
    """Of the RecordMode table: "0" by schedule, "1" always by hand, "2" off; by channel from 0."""
    found = table(answer)
    if isinstance(found, Failure):
        return found
    modes = {channel: row["Mode"] for channel, row in rows(found, "table.RecordMode").items() if "Mode" in row}
    return modes or Failure.BAD_REPLY


def schedules(answer: Answer) -> dict[int, str] | Failure:
    """Of the Record table: "always", "motion", "part" or "off" for each channel from 0.

    TimeSection[day][n] is "mask hh:mm:ss-hh:mm:ss": days 0-6, 7 is for holidays; bit 0 of the mask is continuous, the
    others are events. Enable reads false on channels that record, and means nothing.
    """
    found = table(answer)
    if isinstance(found, Failure):
        return found
    words = {}
    for channel, row in rows(found, "table.Record").items():
        days = rows(row, "TimeSection")
        if days:
            words[channel] = _week([list(days.get(weekday, {}).values()) for weekday in range(7)])
    return words or Failure.BAD_REPLY


def _week(days: list[list[str]]) -> str:
    continuous = [sum(_seconds(text, 1) for text in day) for day in days]
    events = any(_seconds(text, ~1) for day in days for text in day)
    if all(seconds >= _DAY_S - 60 for seconds in continuous):
        return "always"
    if any(continuous):
        return "part"
    return "motion" if events else "off"


def _seconds(text: str, bits: int) -> int:
    match = _SECTION.match(text)
    if match is None:
        return 0
    mask, *clock = map(int, match.groups())
    begin, end = (h * 3600 + m * 60 + s for h, m, s in (clock[:3], clock[3:]))
    return max(0, end - begin) if mask & bits else 0


def is_guarded(answer: Answer) -> bool | Failure:
    """Of a question asked without the account: False when it was answered all the same."""
    if isinstance(answer, LinkError):
        return True if answer.failure in (Failure.CREDENTIAL, Failure.LOCKED) else answer.failure
    if answer.status in (401, 403):
        return True
    if answer.status == 200 and answer.body[:2] == b"\xff\xd8":
        return False
    found = plain(answer)
    if isinstance(found, Failure):
        return found
    return Failure.BAD_REPLY if "=" not in found else False
