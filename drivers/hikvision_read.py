"""What a Hikvision recorder's answers mean: bytes in, values or a Failure out. Pure; never raises on any answer.

403 and 404 mean "this model does not have it": neither broken nor fine. An error may also come as a ResponseStatus with
status 200. Words and numbers that are not known are not judged.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from drivers import xml
from drivers.recorder import Disks, Video
from sentinel.core.model import Failure
from sentinel.ports import HttpReply, LinkError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from xml.etree.ElementTree import Element

    from drivers.hikvision_ask import Answer

Span = tuple[datetime, datetime]  # of the recorder's own wall clock, no zone: its tags are often wrong

_ABSENT = (403, 404, 405, 501)
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?")
_POSIX = re.compile(r"[A-Za-z<>+\-0-9]*?([+-]\d{1,2}):(\d\d)(?::\d\d)?")
_DAY_S = 86400


def root(answer: Answer, *roots: str) -> Element | Failure:
    """The XML answer whose outermost element is one of `roots`."""
    failure = refused(answer)
    if failure is not None or isinstance(answer, LinkError):
        return failure or Failure.BAD_REPLY
    found = xml.parse(answer.body, *roots)
    if found is not None:
        return found
    status = xml.parse(answer.body, "ResponseStatus") if len(answer.body) < 4000 else None
    return _said(status) if status is not None else Failure.BAD_REPLY


def refused(answer: Answer) -> Failure | None:
    """Why there is no answer, judged by its status alone; None when there may be one."""
    if isinstance(answer, LinkError):
        return answer.failure
    if answer.status == 200:
        return None
    if answer.status in _ABSENT:
        return Failure.UNSUPPORTED
    if answer.status == 401:  # only to a question that was asked without the account
        return Failure.CREDENTIAL
    status = xml.parse(answer.body, "ResponseStatus") if len(answer.body) < 4000 else None
    if status is not None:
        return _said(status)
    return Failure.BAD_REPLY if answer.status < 400 else Failure.REFUSED


def _said(status: Element) -> Failure:
    """A ResponseStatus in place of an answer. "OK" is none either."""
    if xml.word(status, "subStatusCode").lower() in ("notsupport", "notsupported", "methodnotallowed"):
        return Failure.UNSUPPORTED
    return Failure.BAD_REPLY if xml.number(status, "statusCode") in (None, 0, 1) else Failure.REFUSED


# --- The recorder itself ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Disk:
    """One disk, or one share of a network store."""

    id: str
    word: str  # one of Disks, or, where it is not known, the recorder's own
    capacity_mb: int
    free_mb: int


_DISK_WORDS = {
    "ok": Disks.OK, "idle": Disks.OK, "sleeping": Disks.OK, "online": Disks.OK,
    "unformatted": Disks.UNFORMATTED, "formating": Disks.UNFORMATTED, "formatting": Disks.UNFORMATTED,
    "error": Disks.FAILED, "abnormal": Disks.FAILED, "smartfailed": Disks.FAILED, "mismatch": Disks.FAILED,
    "reparing": Disks.FAILED, "repairing": Disks.FAILED,
    "offline": Disks.MISSING,
}  # fmt: skip


def disks(storage: Element) -> list[Disk]:
    """Those that are there. A bay that says "notexist" is empty. Full is normal: free space is never judged."""
    found = []
    for kind in ("hdd", "nas"):
        for number, element in enumerate(storage.iter(kind), 1):
            raw = xml.word(element, "status", 30)
            if raw.lower() == "notexist" or (kind == "nas" and not raw):
                continue
            word: str = _DISK_WORDS.get(raw.lower()) or re.sub(r"[^A-Za-z0-9]+", "-", raw).strip("-") or "unknown"
            if word == Disks.OK and xml.word(element, "property").upper() == "RO":
                word = Disks.READ_ONLY
            id_ = re.sub(r"[^A-Za-z0-9]+", "", xml.word(element, "id", 12)) or str(number)
            capacity = max(xml.number(element, "capacity") or 0, 0)
            free = min(max(xml.number(element, "freeSpace") or 0, 0), capacity)
            found.append(Disk(id_ if kind == "hdd" else f"nas{id_}", word, capacity, free))
    return found


def wall(text: str) -> tuple[datetime, str] | None:
    """A time as the device's clock shows it, and the zone's tag, which is often wrong."""
    found = _TIME.match(text)
    if found is None:
        return None
    try:
        time = datetime(*(int(part) for part in found.groups()[:6]))  # type: ignore[arg-type]  # noqa: DTZ001 wall clock
    except ValueError:
        return None
    return (time, found[7] or "") if 1990 <= time.year <= 2100 else None


def clock(time: Element, here: datetime) -> datetime | None:
    """The recorder's wall clock. `here` is the site's aware time.

    The tag is not believed: firmwares show the right wall clock with the standard offset in summer, and Z for local.
    Only a Z that is the right instant, from a recorder whose own zone is the site's, is shown in the site's zone.
    """
    found = wall(xml.word(time, "localTime"))
    if found is None:
        return None
    shown, tag = found
    offset = here.utcoffset() or timedelta()
    if tag == "Z" and offset:
        zone = _POSIX.match(xml.word(time, "timeZone"))
        true = shown + offset
        meant = zone is not None and -timedelta(hours=int(zone[1])) - _minutes(zone) == offset  # POSIX counts westwards
        if meant and abs(true - here.replace(tzinfo=None)) < abs(shown - here.replace(tzinfo=None)):
            return true
    return shown


def _minutes(zone: re.Match[str]) -> timedelta:
    minutes = timedelta(minutes=int(zone[2]))
    return -minutes if zone[1].startswith("-") else minutes


def ntp(time: Element, servers: Element | Failure) -> bool | None:
    """Whether a time server sets the clock: the mode says so, and a server is named where it can be asked for."""
    mode = xml.word(time, "timeMode").upper()
    if mode != "NTP":
        return False if mode else None
    if isinstance(servers, Failure):
        return True
    named = [server for server in servers.iter("NTPServer") if xml.flag(server, "enabled") is not False]
    return any(xml.word(server, path) for server in named for path in ("hostName", "ipAddress", "ipv6Address"))


# --- Cameras ---------------------------------------------------------------------------------------------------------

# Reasons that are known and may be shown; others are not judged
_DETECTED = {
    "netunreachable", "notexist", "ipconflict", "userpwerror", "userorpassworderror", "errorusernameorpasswd", "userlocked",
    "connecting", "streamerror", "noresource",
}  # fmt: skip


def proxied(channels: Element) -> dict[int, str]:
    """Each IP camera's word."""
    found = {}
    for element in channels.iter("InputProxyChannelStatus"):
        number, online = xml.number(element, "id"), xml.flag(element, "online")
        if number is None or online is None:
            continue
        why = re.sub(r"[^A-Za-z]", "", xml.word(element, "chanDetectResult", 30))
        reason = f" {why}" if why.lower() in _DETECTED else ""
        found[number] = str(Video.OK) if online else f"{Video.OFFLINE}{reason}"
    return found


def analogue(channels: Element) -> dict[int, str | None]:
    """Each analogue input's word; None where the firmware does not say. NO VIDEO comes without any event."""
    found: dict[int, str | None] = {}
    for element in channels.iter("VideoInputChannel"):
        number, shown = xml.number(element, "id"), xml.word(element, "resDesc").upper()
        if number is None:
            continue
        if xml.flag(element, "videoInputEnabled") is False:
            found[number] = Video.OFFLINE
        else:
            found[number] = None if not shown else Video.LOST if "NO VIDEO" in shown else Video.OK
    return found


@dataclass(frozen=True, slots=True)
class Working:
    """What the recorder itself says of one channel. None: not said, or a number without a meaning."""

    lost: bool | None
    recording: bool | None


def working(answer: Answer, channels: Collection[int]) -> dict[int, Working] | Failure:
    """By configured channel. Numbers may begin at 33 for IP cameras: they are taken only when they cover all of ours."""
    failure = refused(answer)
    if failure is not None or isinstance(answer, LinkError):
        return failure or Failure.BAD_REPLY
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        status = xml.parse(answer.body, "ResponseStatus") if len(answer.body) < 4000 else None
        return _said(status) if status is not None else Failure.BAD_REPLY
    rows = {}
    for row in _rows(said):
        number = _small(row, "chanNo")
        if number is not None and _small(row, "enable") != 0:
            rows[number] = row
    for shift in (0, 32):
        if channels and all(channel + shift in rows for channel in channels):
            return {channel: _working(rows[channel + shift]) for channel in channels}
    return Failure.UNSUPPORTED if rows else Failure.BAD_REPLY


def _rows(said: object, depth: int = 0) -> Iterator[dict[str, object]]:
    """The rows of channels, in either of the two shapes known, alone or inside the whole status."""
    if isinstance(said, list):
        for row in said[:1024]:
            if isinstance(row, dict):
                yield {str(key).strip(): value for key, value in row.items()}  # the guide prints "recordStatus "
    elif isinstance(said, dict) and depth < 4:
        for name, inner in said.items():
            if str(name).strip() in ("ChanStatus", "JSON_ChanStatus", "WorkingStatus", "JSON_WorkingStatus"):
                yield from _rows(inner, depth + 1)


def _small(row: dict[str, object], key: str) -> int | None:
    value = row.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 4096 else None


def _working(row: dict[str, object]) -> Working:
    record, why, signal = _small(row, "record"), _small(row, "recordStatus"), _small(row, "signal")
    recording = None
    if record in (0, 1):  # a second text of the guide has 0 for recording: 1 counts only when the other word agrees
        recording = record == 1 and why in (None, 0)
    return Working({0: False, 1: True}.get(signal) if signal is not None else None, recording)


def modes(tracks: Element) -> dict[int, str]:
    """What is configured for each channel's main stream: always, motion, partly or off."""
    found: dict[int, str] = {}
    for element in tracks.iter("Track"):
        number = xml.number(element, "id")
        if number is not None and number % 100 == 1 and number > 100:
            mode = _mode(element)
            found |= {number // 100: mode} if mode is not None else {}
    return found


def _mode(element: Element) -> str | None:
    enabled = xml.flag(element, "CustomExtensionList/CustomExtension/enableSchedule")
    if element.find("TrackSchedule") is None:  # a short form: off is said, what else is not
        return "off" if enabled is False or xml.flag(element, "Enable") is False else None
    always_s, kinds = 0, set()
    for action in element.iter("ScheduleAction"):
        actions = action.find("Actions")
        kind = xml.word(actions, "ActionRecordingMode").upper()
        if kind and xml.flag(actions, "Record") is not False:
            kinds.add(kind)
            always_s += _length_s(action) if kind == "CMR" else 0
    if enabled is False or not kinds:  # "Enable" alone is false on some firmwares that do record by the schedule
        return "off"
    if always_s >= 7 * _DAY_S - 7 * 60:
        return "always"
    return "partly" if kinds == {"CMR"} else "motion"


def _length_s(action: Element) -> int:
    """From its start to its end on one day; an end of 00:00 is midnight after."""
    times = []
    for path in ("ScheduleActionStartTime/TimeOfDay", "ScheduleActionEndTime/TimeOfDay"):
        found = re.fullmatch(r"(\d\d):(\d\d)(?::(\d\d))?", xml.word(action, path))
        if found is None:
            return 0
        times.append(int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3] or 0))
    return min((times[1] if times[1] > times[0] else times[1] + _DAY_S) - times[0], _DAY_S)


# --- Recordings ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search."""

    spans: tuple[Span, ...]
    items: int  # on this page, readable or not
    more: bool


def misspelt(answer: Answer) -> bool:
    """Whether the question's own words were refused."""
    if isinstance(answer, LinkError) or len(answer.body) > 4000:
        return False
    status = xml.parse(answer.body, "ResponseStatus")
    return xml.number(status, "statusCode") in (5, 6) or xml.word(status, "subStatusCode").startswith("badXml")


def page(answer: Answer, track: int, shift: timedelta, size: int) -> Page | Failure:
    """The files on it. `shift` is added to a time that ends in Z, where the firmware means UTC by it.

    The word for what follows has three spellings and is missing on some; a page of the full `size` is never the last.
    """
    found = root(answer, "CMSearchResult")
    if isinstance(found, Failure):
        return found
    spelt = (xml.word(found, f"responseStatus{end}").upper() for end in ("Strg", "Strip", "Strp"))
    said, count = next(filter(None, spelt), ""), xml.number(found, "numOfMatches")
    items = found.findall("matchList/searchMatchItem")
    none = said == "NO MATCHES" or (said in ("OK", "") and count == 0)
    if said not in ("MORE", "OK", "NO MATCHES", "") or (none if items else not none) or count not in (None, len(items)):
        return Failure.BAD_REPLY
    spans = []
    for item in items:
        if xml.number(item, "trackID") not in (track, None):
            continue
        start, end = (_recorded(xml.word(item, f"timeSpan/{name}Time"), shift) for name in ("start", "end"))
        if start is not None and end is not None and start <= end:
            spans.append((start, end))
    if items and not spans:
        return Failure.BAD_REPLY
    return Page(tuple(spans), len(items), said == "MORE" or len(items) >= size)


def _recorded(text: str, shift: timedelta) -> datetime | None:
    found = wall(text)
    if found is None:
        return None
    return found[0] + (shift if found[1] in ("Z", "") else timedelta())


def recorded_days(answer: Answer, year: int, month: int) -> set[date] | Failure:
    """The days of that month that have recordings."""
    found = root(answer, "trackDailyDistribution")
    if isinstance(found, Failure):
        return found
    days = set()
    for element in found.iter("day"):
        day, record = xml.number(element, "dayOfMonth"), xml.flag(element, "record")
        if day is None or record is None or not 1 <= day <= 31:
            continue
        try:
            days |= {date(year, month, day)} if record else set()
        except ValueError:  # the 31st of a short month
            continue
    return days if found.find("dayList") is not None else Failure.BAD_REPLY  # empty for a month without any


def picture(answer: HttpReply) -> bytes | None:
    """The JPEG, without what some append; an error in words with status 200 is none."""
    start, end = answer.body[:3], answer.body.rfind(b"\xff\xd9")
    if answer.status != 200 or start != b"\xff\xd8\xff" or end < 0:
        return None
    return answer.body[: end + 2]
