"""Recorders of Dahua and those sold under other names (CP Plus and more), by their HTTP CGI. Pure; Surveyors drive it.

Polling is the truth; the event stream only makes it fast. What a recorder does not have is never called well.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from drivers import DriverKind
from drivers.dahua_find import HOLE, HOLE_MOTION, Finders, Job, longest_gap, together
from drivers.dahua_hints import DahuaHints
from drivers.dahua_judge import (
    camera_states,
    channel_names,
    disks,
    event_channels,
    is_guarded,
    record_modes,
    recording_states,
    schedules,
    video,
)
from drivers.dahua_text import Answer, ask, ask_json
from drivers.dahua_words import (
    access_word,
    days_kept,
    footage_words,
    mode_word,
    model_name,
    recording_word,
    time_now,
    time_source,
    word_of,
)
from drivers.recorder import (
    DRIFT_S,
    Channel,
    Disks,
    Findings,
    Inventory,
    RecorderOptions,
    clock,
    points,
    points_of,
)
from sentinel.core.model import Failure, Reading, Value
from sentinel.ports import HttpReply, HttpRequest, LinkError, Moment, Round, Speech

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from drivers.recorder import Camera

MOST_PICTURE = 4_000_000

_SERIAL = ask("magicBox.cgi?action=getSerialNo")
_MODEL = ask("magicBox.cgi?action=getDeviceType")
_VENDOR = ask("magicBox.cgi?action=getVendor")
_VERSION = ask("magicBox.cgi?action=getSoftwareVersion")
_SYSTEM = ask("magicBox.cgi?action=getSystemInfo")
_TIME = ask("global.cgi?action=getCurrentTime")
_DISKS = ask("storageDevice.cgi?action=getDeviceAllInfo")
_LOST = ask("eventManager.cgi?action=getEventIndexes&code=VideoLoss")
_DISK_FAILURE = ask("eventManager.cgi?action=getEventIndexes&code=StorageFailure")
_NO_DISK = ask("eventManager.cgi?action=getEventIndexes&code=StorageNotExist")
_CAMERAS = ask_json("LogicDeviceManager/getCameraState", '{"uniqueChannels":[-1]}')
_RECORDING = ask_json("recordManager/getStateAll", "{}")
_TITLES = ask("configManager.cgi?action=getConfig&name=ChannelTitle")
_MODES = ask("configManager.cgi?action=getConfig&name=RecordMode")
_SCHEDULE = ask("configManager.cgi?action=getConfig&name=Record")
_NTP = ask("configManager.cgi?action=getConfig&name=NTP")
_OPEN_PICTURE = ask("snapshot.cgi?channel=1", signed=False)
_OPEN_NAME = ask("magicBox.cgi?action=getDeviceType", signed=False)


class DahuaOptions(RecorderOptions):
    """What an operator writes under a device with `driver: dahua`."""

    driver: Literal["dahua"]


class DahuaRecorder:
    """ports.Assessor for one recorder. Keeps what a verdict over time needs, and nothing that grows."""

    def __init__(self, device: str, profile: object, options: DahuaOptions, urgent: Collection[str] = ()) -> None:
        del profile, urgent  # a recorder describes itself, and none of its points is an alarm contact
        self._device, self._options = device, options
        self._finders = Finders()
        self._serial = options.serial.upper()
        self._clock = ""  # the last word: for its hysteresis
        self._disks = options.disks  # the most that were seen, or must be there
        self._channels: int | None = None
        self._ends: dict[str, datetime] = {}  # camera -> the newest end ever seen: its age is told when it stops
        self._oldest_day: dict[str, int] = {}  # camera -> where its oldest file was, in days ago

    def rounds(self) -> tuple[Round, ...]:
        """What is now · a file that ends near now · how far back, and who may look."""
        options = self._options
        every = {"state": options.state_every, "proof": options.proof_every, "history": options.history_every}
        return tuple(Round(name, float(s), points_of(options, self._device, name)) for name, s in every.items())

    def assess(self, name: str, moment: Moment) -> Job[list[Reading]]:
        """One round."""
        yield from self._finders.sweep()
        wanted = points_of(self._options, self._device, name)
        values = yield from {"state": self._state, "proof": self._proof, "history": self._history}[name](moment)
        if isinstance(values, Failure):
            values = {point.removeprefix(f"{self._device}."): values for point in wanted}
        return Findings(self._device, moment.at, values).readings(wanted)

    def hints(self) -> DahuaHints:
        """The event stream."""
        return DahuaHints()

    def snapshot(self, channel: int, *, small: bool = False) -> HttpRequest:
        """A picture of this channel, from 1; a small one from the sub-stream where the firmware knows how."""
        stream = "&subtype=1" if small else ""
        return HttpRequest(f"/cgi-bin/snapshot.cgi?channel={channel}{stream}", most=MOST_PICTURE)

    def picture(self, reply: HttpReply) -> bytes | None:
        """The JPEG, whole, or None."""
        body = reply.body.rstrip(b"\0\r\n")
        return body if reply.status == 200 and body[:3] == b"\xff\xd8\xff" and body[-2:] == b"\xff\xd9" else None

    def inventory(self, moment: Moment) -> Job[Inventory]:
        """Who made it, and which cameras it has; raises the LinkError of one that answers nothing."""
        del moment
        answers = yield [_VENDOR, _MODEL, _SERIAL, _VERSION, _TITLES, _CAMERAS, _LOST]
        if gone := _gone(answers):
            raise gone
        vendor, model, serial, version = (
            word_of(answer, key) for answer, key in zip(answers, ("vendor", "type", "sn", "version"), strict=False)
        )
        names, states, lost = channel_names(answers[4]), camera_states(answers[5]), event_channels(answers[6])
        titles = {} if isinstance(names, Failure) else names
        known = sorted({*titles, *({} if isinstance(states, Failure) else states)})
        return Inventory(
            maker=_or_nothing(vendor),
            model=_or_nothing(model),
            serial=_or_nothing(serial),
            firmware=_or_nothing(version),
            channels=tuple(
                Channel(at + 1, titles.get(at, ""), _online(video(at + 1, lost, states, None))) for at in known
            ),
        )

    # --- What is now ----------------------------------------------------------------------------------------------

    def _state(self, moment: Moment) -> Job[dict[str, Value | Failure] | Failure]:
        answers = yield [_SERIAL, _TIME, _DISKS, _DISK_FAILURE, _NO_DISK, _LOST, _CAMERAS, _TITLES]
        if gone := _gone(answers):
            return gone.failure
        serial, time, disk, failure, gone, lost, cameras, titles = answers
        values: dict[str, Value | Failure] = {}
        values["identity"] = yield from self._identity(serial)
        values["drift"], values["clock"] = self._drift(time, moment)
        values["disks"], values["disk-use"] = self._disk(disk, event_channels(failure), event_channels(gone))
        names = channel_names(titles)
        if not isinstance(names, Failure):
            self._channels = max(names) + 1
        lost_at, states = event_channels(lost), camera_states(cameras)
        for id_, camera in self._options.cameras.items():
            values[f"{id_}.video"] = video(camera.channel, lost_at, states, self._channels)
        return values

    def _identity(self, answer: Answer) -> Job[str | Failure]:
        """A serial number that is new here is believed only when the recorder does not contradict itself."""
        serial = word_of(answer, "sn")
        if serial.upper() == self._serial:
            return "same"
        if isinstance(serial, Failure) and serial is not Failure.UNSUPPORTED:
            return serial
        system, model = yield [_SYSTEM, _MODEL]
        other = word_of(system, "serialNumber")
        if serial is Failure.UNSUPPORTED:
            serial = other
        elif other not in (serial, Failure.UNSUPPORTED):
            return other if isinstance(other, Failure) else Failure.BAD_REPLY
        if isinstance(serial, Failure):
            return serial
        self._serial = self._serial or serial.upper()
        if serial.upper() == self._serial:
            return "same"
        name = word_of(model, "type")
        return f"changed {'' if isinstance(name, Failure) else name + ' '}{_short(serial)}"

    def _drift(self, answer: Answer, moment: Moment) -> tuple[float | Failure, str | Failure]:
        now = time_now(answer, moment)
        if isinstance(now, Failure):
            return now, now
        if not moment.synchronised:
            return Failure.UNSUPPORTED, Failure.UNSUPPORTED  # against a clock that is not believed itself
        drift = (now - moment.wall).total_seconds()
        self._clock = clock(drift, self._clock)
        return round(drift, 1), self._clock

    def _disk(
        self, answer: Answer, failure: frozenset[int] | Failure, gone: frozenset[int] | Failure
    ) -> tuple[str | Failure, float | Failure]:
        """The list first; an event that says worse is believed, one that is silent says nothing."""
        view = disks(answer, self._disks)
        failing, missing = (not isinstance(event, Failure) and bool(event) for event in (failure, gone))
        if isinstance(view, Failure):
            if failing or missing:
                return (Disks.FAILED if failing else Disks.MISSING), view
            return view, view
        self._disks = max(self._disks, view.count)
        word = view.word
        if word == Disks.OK and (failing or missing):
            word = Disks.FAILED if failing else Disks.MISSING
        return word, Failure.UNSUPPORTED if view.use is None else view.use

    # --- A file that ends near now --------------------------------------------------------------------------------

    def _proof(self, moment: Moment) -> Job[dict[str, Value | Failure] | Failure]:
        time, states, modes = answers = yield [_TIME, _RECORDING, _MODES]
        if gone := _gone(answers):
            return gone.failure
        now = time_now(time, moment)
        there = moment.wall if isinstance(now, Failure) else now  # the recorder's own now: its files carry its clock
        ahead = there - moment.wall
        if abs(ahead) <= timedelta(seconds=DRIFT_S):
            ahead = timedelta(0)
        cameras = self._options.cameras
        ends = yield from together(self._finders.newest(camera.channel, there) for camera in cameras.values())
        recording_now, mode = recording_states(states), record_modes(modes)
        values: dict[str, Value | Failure] = {}
        for (id_, camera), end in zip(cameras.items(), ends, strict=True):
            if isinstance(end, datetime):
                self._ends[id_] = end
            newest = end if isinstance(end, Failure) else self._ends.get(id_)
            if end is None and isinstance(newest, datetime) and newest > there - timedelta(days=1):
                newest = None  # by a clock that was set since: no file of the last day is there
            values[f"{id_}.recording"] = recording_word(camera, newest, there, ahead, recording_now, mode)
            if isinstance(newest, datetime):
                values[f"{id_}.newest"] = max(0.0, round((there - newest).total_seconds()))
            elif newest:
                values[f"{id_}.newest"] = newest
        return values

    # --- How far back ---------------------------------------------------------------------------------------------

    def _history(self, moment: Moment) -> Job[dict[str, Value | Failure] | Failure]:
        answers = yield [_TIME, _MODES, _SCHEDULE, _NTP, _VERSION, _VENDOR, _MODEL, _TITLES]
        if gone := _gone(answers):
            return gone.failure
        time, modes, schedule, ntp, version, vendor, model, titles = answers
        picture, name = yield [_OPEN_PICTURE, _OPEN_NAME]
        names = channel_names(titles)
        if not isinstance(names, Failure):
            self._channels = max(names) + 1
        values: dict[str, Value | Failure] = {
            "access": access_word(is_guarded(picture), is_guarded(name)),
            "time": time_source(ntp),
            "firmware": word_of(version, "version"),
            "model": model_name(word_of(vendor, "vendor"), word_of(model, "type")),
        }
        by_schedule, mode = schedules(schedule), record_modes(modes)
        now = time_now(time, moment)
        there = moment.wall if isinstance(now, Failure) else now
        required = self._options.footage.required(moment.wall.date())
        cameras = self._options.cameras
        seen: list[int] = []  # where the oldest was on a camera before: the others are mostly there too
        found = yield from together(
            self._footage(id_, camera, there, required, seen) for id_, camera in cameras.items()
        )
        days: list[float | Failure] = []
        for (id_, camera), (oldest, gap) in zip(cameras.items(), found, strict=True):
            values[f"{id_}.mode"] = mode_word(camera.channel - 1, mode, by_schedule)
            values[f"{id_}.gap"] = gap
            kept_days = days_kept(oldest, there)
            days.append(kept_days)
            values[f"{id_}.oldest"] = kept_days
        values["footage"], values["retention"] = footage_words(days, required)
        return values

    def _footage(
        self, id_: str, camera: Camera, now: datetime, required: int, seen: list[int]
    ) -> Job[tuple[datetime | Failure | None, float | Failure]]:
        since = now - timedelta(days=1)
        files = yield from self._finders.search(camera.channel, since, now)
        if isinstance(files, Failure):
            return files, files
        gap = round(longest_gap(files, since, now).total_seconds())
        hint = self._oldest_day.get(id_, seen[-1] if seen else None)
        hole = HOLE if camera.record == "always" else HOLE_MOTION
        oldest = yield from self._finders.oldest(camera.channel, now, required, hint, hole)
        if isinstance(oldest, datetime):
            self._oldest_day[id_] = (now.date() - oldest.date()).days
            seen[:] = [self._oldest_day[id_]]
        return oldest, gap


def _gone(answers: Sequence[Answer]) -> LinkError | None:
    """Why nothing was answered at all: then the rest is not asked either."""
    errors = [answer for answer in answers if isinstance(answer, LinkError)]
    return errors[0] if len(errors) == len(answers) else None


def _or_nothing(word: str | Failure) -> str:
    return "" if isinstance(word, Failure) else word


def _online(word: str | Failure) -> bool | None:
    return None if isinstance(word, Failure) else word == "ok"


def _short(serial: str) -> str:
    """Enough of a serial number for a person to know it again, and no more."""
    return serial if len(serial) <= 8 else f"{serial[:4]}…{serial[-3:]}"


DRIVER = DriverKind(DahuaOptions, DahuaRecorder, Speech.HTTP, points)
