"""The round "proof" of a Hikvision recorder: for each camera, a file that ends near now, or since when there is none."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from drivers import hikvision_ask as ask
from drivers import hikvision_read as read
from drivers.hikvision_files import AHEAD, Found, Way, last_day, search
from drivers.recorder import HISTORY_S, NEAR_NOW, RecorderOptions, Recording, near_of, recording
from sentinel.core.model import Failure

if TYPE_CHECKING:
    from collections.abc import Collection

    from drivers.hikvision_ask import Asking, Talk
    from sentinel.core.model import Value
    from sentinel.ports import Moment

NARROW = NEAR_NOW + timedelta(minutes=5)
WIDER = (timedelta(hours=3), timedelta(hours=9), timedelta(hours=24))  # one after the other, to learn since when


def recorders_now(talk: Talk, moment: Moment) -> Asking[datetime]:
    """The recorder's own wall clock: files are proof by it, however wrong it is. Ours where it does not say."""
    time = read.root((yield from talk.one(ask.TIME)), "Time")
    shown = None if isinstance(time, Failure) else read.clock(time, moment.wall)
    return shown or moment.wall.replace(tzinfo=None)


def own_words(talk: Talk, channels: Collection[int]) -> Asking[dict[int, read.Working] | Failure]:
    """What the recorder says of each channel itself, by the short resource or, on older firmware, the long one."""
    for request in (ask.WORKING, ask.WORKING_ALL):
        said = read.working((yield from talk.one(request)), channels)
        if said is not Failure.UNSUPPORTED:
            break
    return said


@dataclass(slots=True)
class Proof:
    """What this run knows of each channel's newest file, and how the firmware means its Z."""

    options: RecorderOptions
    way: Way
    modes: dict[int, str] = field(default_factory=dict)  # as configured, from the last "history"
    _newest: dict[int, datetime] = field(default_factory=dict)
    _looked_at: dict[int, float] = field(default_factory=dict)  # when one without files was last looked into widely
    _as_utc: dict[int, datetime] = field(default_factory=dict)  # newest ends, if Z were UTC
    _local: bool = False  # shown in this run

    def assess(self, talk: Talk, moment: Moment) -> Asking[dict[str, Value | Failure]]:
        """The words and ages of the round's points."""
        salt = moment.wall.isoformat()
        now = yield from recorders_now(talk, moment)
        cameras = {camera.channel: (id_, camera) for id_, camera in self.options.cameras.items()}
        windows = dict.fromkeys(cameras, (now - NARROW, now + AHEAD))
        found = yield from search(talk, windows, self.way, salt, shift=timedelta())
        if self.way.shift:  # believed before: a file near now in the site's own time says otherwise
            if any(_near_now(one, now) for one in found.values()):
                self.way.shift = timedelta()
            else:
                found = yield from search(talk, windows, self.way, f"{salt}u")
        working: dict[int, read.Working] | Failure = {}
        unproved = not any(isinstance(one, Found) and one.spans for one in found.values())
        if unproved or Failure.UNSUPPORTED in found.values():
            working = yield from own_words(talk, cameras)
        if unproved and not self._local:
            found |= yield from self._meant_otherwise(talk, found, working, now, moment)
        for channel, one in found.items():
            newest = one.newest(now) if isinstance(one, Found) else None
            if newest is not None:
                self._newest[channel] = newest
                self._local = self._local or not self.way.shift  # in the site's zone, hours ahead of UTC
        yield from self._since_when(talk, found, now, moment)
        if talk.gone is not None:
            return {}
        values: dict[str, Value | Failure] = {}
        for channel, (id_, camera) in cameras.items():
            word, age = self._judge(channel, found[channel], working, now, near_of(camera))
            values |= {f"{id_}.recording": word, f"{id_}.newest": age}
        return values

    def _judge(
        self,
        channel: int,
        found: Found | Failure,
        working: dict[int, read.Working] | Failure,
        now: datetime,
        close: timedelta,
    ) -> tuple[Value | Failure, Value | Failure]:
        if found is Failure.UNSUPPORTED:
            return self._weaker(channel, working, motion=close > NEAR_NOW), Failure.UNSUPPORTED
        if isinstance(found, Failure):
            return found, found
        newest = self._newest.get(channel)
        if newest is not None and newest > now + AHEAD:  # its clock was set back: what is remembered is of another time
            del self._newest[channel]
            newest = None
        if found.spans and found.newest(now) is None:  # only files of the future
            return Failure.RANGE, Failure.RANGE
        age = Failure.UNSUPPORTED if newest is None else max((now - newest).total_seconds(), 0.0)
        word = recording(newest, now, near=close)
        if newest is not None and not found.spans and now - newest <= NEAR_NOW:  # it was there, and is not any more
            word = f"{Recording.STOPPED} {newest:%d-%m %H:%M}"
        if word != Recording.PROVED and not found.whole:  # the last page was never seen
            return Failure.BAD_REPLY, Failure.BAD_REPLY
        if word != Recording.PROVED and self.modes.get(channel) == "off":
            word = str(Recording.OFF)
        return word, age

    def _weaker(self, channel: int, working: dict[int, read.Working] | Failure, *, motion: bool) -> Value | Failure:
        """The recorder's own word, where it cannot be asked for files."""
        if isinstance(working, Failure):
            return working
        said = working[channel].recording if channel in working else None
        if said is None or (motion and not said):  # between two movements nothing is recorded
            return Failure.UNSUPPORTED
        return str(Recording.NOW if said else Recording.STOPPED)

    def _meant_otherwise(
        self,
        talk: Talk,
        found: dict[int, Found | Failure],
        working: dict[int, read.Working] | Failure,
        now: datetime,
        moment: Moment,
    ) -> Asking[dict[int, Found | Failure]]:
        """No camera has a file near now: perhaps this firmware means UTC by its Z. Believed only with a second witness.

        For a recorder of local times shows the files of some hours ago in the same window, and newer ones as time goes on.
        """
        offset = moment.wall.utcoffset() or timedelta()
        if offset <= NARROW or self.way.shift:  # only east of Greenwich: there a wrong guess asks for the future
            return {}
        empty = [channel for channel, one in found.items() if isinstance(one, Found)]
        windows = dict.fromkeys(empty, (now - NARROW, now + offset))
        trial = yield from search(talk, windows, self.way, f"{moment.wall}u", shift=offset)
        if any(end > now + AHEAD for one in trial.values() if isinstance(one, Found) for _, end in one.spans):
            self._local = True  # there are files of hours to come, were Z UTC: they are of this morning
            return {}
        believed = False
        for channel, one in trial.items():
            newest = _near_now(one, now)
            if newest is None:
                continue
            says_so = not isinstance(working, Failure) and channel in working and working[channel].recording is True
            before = self._as_utc.get(channel)
            believed = believed or says_so or (before is not None and newest > before)
            self._as_utc[channel] = newest
        if not believed:
            return {}
        self.way.shift = offset
        return trial

    def _since_when(self, talk: Talk, found: dict[int, Found | Failure], now: datetime, moment: Moment) -> Asking[None]:
        """The newest file of those that have none near now and were not seen with one in this run."""
        lost = [
            channel
            for channel, one in found.items()
            if isinstance(one, Found)
            and not one.spans
            and channel not in self._newest
            and moment.at - self._looked_at.get(channel, -HISTORY_S) >= HISTORY_S
        ]
        for channel in lost:
            self._looked_at[channel] = moment.at
        until = now
        for back in WIDER:
            windows = {channel: (now - back, until) for channel in lost if channel not in self._newest}
            wide = yield from search(talk, windows, self.way, moment.wall.isoformat())
            self._remember(wide, now)
            until = now - back
        lost = [channel for channel in lost if channel not in self._newest]
        days = yield from last_day(talk, lost, now.date())
        midnights = {channel: datetime.combine(day, datetime.min.time()) for channel, day in days.items()}
        windows = {channel: (day, day + timedelta(days=1)) for channel, day in midnights.items()}
        self._remember((yield from search(talk, windows, self.way, moment.wall.isoformat())), now)

    def _remember(self, found: dict[int, Found | Failure], now: datetime) -> None:
        for channel, one in found.items():
            newest = one.newest(now) if isinstance(one, Found) and one.whole else None
            if newest is not None:
                self._newest[channel] = newest


def _near_now(found: Found | Failure, now: datetime) -> datetime | None:
    newest = found.newest(now) if isinstance(found, Found) else None
    return newest if newest is not None and now - newest <= NEAR_NOW else None
