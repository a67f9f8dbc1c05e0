"""The round "history" of a Hikvision recorder: how far back, the longest gap of a day, what is set, whether it is guarded."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from drivers import hikvision_ask as ask
from drivers import hikvision_read as read
from drivers import xml
from drivers.hikvision_files import (
    HOLE,
    HOLE_MOTION,
    Back,
    Found,
    Way,
    longest_gap,
    oldest_by_days,
    oldest_by_search,
    search,
)
from drivers.recorder import Access, Kept, RecorderOptions, TimeSource, kept, near_of
from sentinel.core.model import Failure
from sentinel.ports import HttpReply

if TYPE_CHECKING:
    from datetime import datetime
    from xml.etree.ElementTree import Element

    from drivers.hikvision_ask import Answer, Asking, Talk
    from sentinel.core.model import Value
    from sentinel.ports import Moment

MOST_DAYS = 4000
OPEN_DEVICE = replace(ask.DEVICE, signed=False)


@dataclass(slots=True)
class History:
    """What this round found last that another one needs."""

    options: RecorderOptions
    way: Way
    modes: dict[int, str] = field(default_factory=dict)

    def assess(self, talk: Talk, moment: Moment) -> Asking[dict[str, Value | Failure]]:
        """The round's points."""
        cameras = {camera.channel: (id_, camera) for id_, camera in self.options.cameras.items()}
        time = read.root((yield from talk.one(ask.TIME)), "Time")
        shown = None if isinstance(time, Failure) else read.clock(time, moment.wall)
        now = shown or moment.wall.replace(tzinfo=None)
        open_picture = ask.picture(min(cameras), small=True, signed=False)
        device, servers, tracks, bare_device, bare_picture = yield from talk.ask(
            [ask.DEVICE, ask.NTP, ask.TRACKS, OPEN_DEVICE, open_picture]
        )
        info = read.root(device, "DeviceInfo")
        values: dict[str, Value | Failure] = {
            "firmware": _text(info, "firmwareVersion", "firmwareReleasedDate"),
            "model": _text(info, "model"),
            "time": _time_source(time, read.root(servers, "NTPServerList", "NTPServer")),
            "access": _access(bare_device, bare_picture),
        }
        schedule = read.root(tracks, "TrackList")
        modes = {} if isinstance(schedule, Failure) else read.modes(schedule)
        self.modes = modes or self.modes
        salt = moment.wall.isoformat()
        required = self.options.footage.required(moment.wall.date())  # a hold's day is one of the site's calendar
        back = yield from self._oldest(talk, now, min(required, MOST_DAYS), salt)
        day = timedelta(days=1)
        found = yield from search(talk, dict.fromkeys(cameras, (now - day, now)), self.way, f"{salt}d")
        for channel, (id_, camera) in cameras.items():
            values[f"{id_}.mode"] = modes.get(
                channel, schedule if isinstance(schedule, Failure) else Failure.UNSUPPORTED
            )
            values[f"{id_}.oldest"] = _days(back[channel])
            values[f"{id_}.gap"] = _gap(found[channel], now, near_of(camera))
        if talk.gone is not None:  # what came before is not told either: the round is one look
            return {}
        return values | _footage(back, required)

    def _oldest(self, talk: Talk, now: datetime, required: int, salt: str) -> Asking[dict[int, Back | Failure]]:
        holes = {
            camera.channel: HOLE if camera.record == "always" else HOLE_MOTION
            for camera in self.options.cameras.values()
        }
        back = yield from oldest_by_days(talk, holes, now.date(), required + 31)
        rest = {channel: holes[channel] for channel, one in back.items() if one is Failure.UNSUPPORTED}
        if rest:
            back |= yield from oldest_by_search(talk, rest, now.date(), required, self.way, salt)
        return back


def _text(info: Element | Failure, *paths: str) -> Value | Failure:
    if isinstance(info, Failure):
        return info
    return " ".join(text for path in paths if (text := xml.word(info, path, 60))) or Failure.UNSUPPORTED


def _time_source(time: Element | Failure, servers: Element | Failure) -> Value | Failure:
    if isinstance(time, Failure):
        return time
    disciplined = read.ntp(time, servers)
    if disciplined is None:
        return Failure.UNSUPPORTED
    return str(TimeSource.NTP if disciplined else TimeSource.MANUAL)


def _access(device: Answer, picture: Answer) -> Value | Failure:
    """Open when either is given to whoever asks; guarded when both are refused."""
    given = not isinstance(read.root(device, "DeviceInfo"), Failure)
    shown = isinstance(picture, HttpReply) and read.picture(picture) is not None
    if given or shown:
        return str(Access.OPEN)
    for answer in (device, picture):
        if not isinstance(answer, HttpReply):
            return answer.failure
        if answer.status >= 500 and answer.status != 501:
            return Failure.REFUSED
        if answer.status == 200 and xml.parse(answer.body[:4000], "ResponseStatus") is not None:
            return Failure.BAD_REPLY  # it went as far as to look, unasked who asks: not guarded, and nothing was shown
    return str(Access.OK)


def _days(back: Back | Failure) -> Value | Failure:
    if isinstance(back, Failure):
        return back
    return Failure.UNSUPPORTED if back.days is None else back.days


def _gap(found: Found | Failure, now: datetime, close: timedelta) -> Value | Failure:
    if isinstance(found, Failure):
        return found
    return longest_gap(found, now - timedelta(days=1), now, close) if found.whole else Failure.BAD_REPLY


def _footage(back: dict[int, Back | Failure], required: int) -> dict[str, Value | Failure]:
    """The word for the camera that keeps least. It is "kept" only when every camera was asked to the end."""
    worst: int | None = None
    known = [one for one in back.values() if isinstance(one, Back)]
    failed = [one for one in back.values() if isinstance(one, Failure)]
    enough = [one for one in known if one.days is not None and kept(one.days, required) == Kept.KEPT]
    short = [one for one in known if one not in enough and one.whole]
    if not short and (failed or len(enough) < len(known)):
        failure = next((one for one in failed if one is not Failure.UNSUPPORTED), failed[0] if failed else None)
        return {"footage": failure or Failure.BAD_REPLY, "retention": failure or Failure.BAD_REPLY}
    if any(one.days is None for one in short):
        return {"footage": str(Kept.NONE), "retention": 0}
    worst = min(one.days for one in (*short, *enough) if one.days is not None)
    return {"footage": kept(worst, required), "retention": worst}
