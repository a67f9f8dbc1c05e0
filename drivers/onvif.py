"""Recorders and cameras of any maker, by ONVIF: who it is, its clock, and from when to when it has recordings. Pure.

Profile G, where there is one, says from when to when; nothing here looks at a disk, a picture or a file, so most points
of a recorder stay unsupported. Prefer the maker's own driver.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from drivers import DriverKind, xml
from drivers.onvif_recordings import MOST_CHANNELS, Span, Values, by_channel, footage, listed, proof
from drivers.onvif_soap import (
    DEVICE,
    DEVICE_PATH,
    MEDIA,
    SEARCH,
    call,
    clock_of,
    date_time,
    path_of,
    read,
    token,
)
from drivers.recorder import (
    DRIFT_S,
    Access,
    Channel,
    Findings,
    Inventory,
    RecorderOptions,
    TimeSource,
    clock,
    points,
    points_of,
)
from sentinel.core.model import Failure, Reading
from sentinel.ports import HttpReply, HttpRequest, LinkError, Moment, Round, Speech

if TYPE_CHECKING:
    from collections.abc import Collection
    from xml.etree.ElementTree import Element

T = TypeVar("T")
Job = Generator[Sequence[HttpRequest], Sequence[Any], T]

MOST_PICTURE = 4_000_000
RESULTS = 5  # times that a search is asked for more

_SCOPE = f"<Scope/><MaxMatches>{MOST_CHANNELS}</MaxMatches><KeepAliveTime>PT30S</KeepAliveTime>"


class OnvifOptions(RecorderOptions):
    """What an operator writes under a device with `driver: onvif`."""

    driver: Literal["onvif"]


class OnvifRecorder:
    """ports.Assessor for one device. Keeps the difference of the clocks, the services' paths and the profiles."""

    def __init__(self, device: str, profile: object, options: OnvifOptions, urgent: Collection[str] = ()) -> None:
        del profile, urgent
        self._device, self._options = device, options
        self._serial = options.serial.upper()
        self._clock = ""
        self._ahead = timedelta(0)  # of the device's UTC against ours
        self._paths: dict[str, str] = {}  # namespace -> path
        self._sources: list[str] = []  # tokens of the video sources, in the order of the channels
        self._profiles: list[list[str]] = []  # of each source, the largest first
        self._pictures: dict[tuple[int, bool], str] = {}  # (channel, small) -> path

    def rounds(self) -> tuple[Round, ...]:
        """As of every recorder."""
        options = self._options
        every = {"state": options.state_every, "proof": options.proof_every, "history": options.history_every}
        return tuple(Round(name, float(s), points_of(options, self._device, name)) for name, s in every.items())

    def assess(self, name: str, moment: Moment) -> Job[list[Reading]]:
        """One round."""
        wanted = points_of(self._options, self._device, name)
        seen = yield from self._time(moment)
        values = seen if isinstance(seen, Failure) else (yield from self._values(name, moment, seen))
        if isinstance(values, Failure):
            values = {point.removeprefix(f"{self._device}."): values for point in wanted}
        return Findings(self._device, moment.at, values).readings(wanted)

    def _values(self, name: str, moment: Moment, seen: Element) -> Job[Values | Failure]:
        if name == "state":
            return (yield from self._state(moment, seen))
        services = yield from self._services(moment, again=name == "history")
        if isinstance(services, Failure):
            return services
        if name == "proof":
            return (yield from self._proof(moment))
        return (yield from self._history(moment, seen))

    def hints(self) -> None:
        """Its events are not read."""

    def snapshot(self, channel: int, *, small: bool = False) -> HttpRequest | None:
        """A picture of this channel; None until a `history` round or an inventory has learnt where it is."""
        path = self._pictures.get((channel, small)) or self._pictures.get((channel, False))
        return HttpRequest(path, most=MOST_PICTURE) if path else None

    def picture(self, reply: HttpReply) -> bytes | None:
        """The JPEG, whole, or None."""
        body = reply.body.rstrip(b"\0\r\n")
        return body if reply.status == 200 and body[:3] == b"\xff\xd8\xff" and body[-2:] == b"\xff\xd9" else None

    def inventory(self, moment: Moment) -> Job[Inventory]:
        """Who made it and which channels it has; raises LinkError when it does not say."""
        seen = yield from self._time(moment)
        if isinstance(seen, Failure):
            raise LinkError(seen, "does not answer as an ONVIF device")
        (answer,) = yield [self._device_call("GetDeviceInformation", moment)]
        who = read(answer, "GetDeviceInformation")
        if isinstance(who, Failure):
            raise LinkError(who, "does not say who it is")
        services = yield from self._services(moment, again=True)
        if not isinstance(services, Failure):
            yield from self._learn_pictures(moment)
        return Inventory(
            maker=xml.word(who, "Manufacturer", 40),
            model=xml.word(who, "Model", 40),
            serial=xml.word(who, "SerialNumber", 64),
            firmware=xml.word(who, "FirmwareVersion", 40),
            channels=tuple(Channel(n, source, None) for n, source in enumerate(self._sources, 1)),
        )

    # --- What every round begins with -----------------------------------------------------------------------------

    def _created(self, moment: Moment) -> datetime:
        """Now, as the device's clock has it: it refuses signatures that are minutes old or ahead."""
        return moment.wall.astimezone(UTC) + self._ahead

    def _device_call(self, action: str, moment: Moment, inside: str = "") -> HttpRequest:
        return call(DEVICE_PATH, DEVICE, action, inside, created=self._created(moment))

    def _time(self, moment: Moment) -> Job[Element | Failure]:
        """Its clock: free to all by the standard, and asked with the account where a device thinks otherwise."""
        (answer,) = yield [call(DEVICE_PATH, DEVICE, "GetSystemDateAndTime", created=None)]
        found = read(answer, "GetSystemDateAndTime")
        if found is Failure.CREDENTIAL:
            if not moment.synchronised:
                return Failure.REFUSED  # signed by a clock of ours that is wrong it would be refused, and counted
            (answer,) = yield [self._device_call("GetSystemDateAndTime", moment)]
            found = read(answer, "GetSystemDateAndTime")
        if isinstance(found, Failure):
            return found
        utc = clock_of(found.find("SystemDateAndTime/UTCDateTime"), UTC, local=False)
        if utc is None:
            return Failure.BAD_REPLY  # no signature would be taken, and each refused one counts
        self._ahead = utc - moment.wall.astimezone(UTC)
        return found

    def _services(self, moment: Moment, *, again: bool) -> Job[Failure | None]:
        """Where the other services are."""
        if self._paths and not again:
            return None
        (answer,) = yield [self._device_call("GetServices", moment, "<IncludeCapability>false</IncludeCapability>")]
        found = read(answer, "GetServices")
        if isinstance(found, Failure):
            return found
        for service in found.findall("Service")[:64]:
            path = path_of(xml.word(service, "XAddr", 400))
            if path:
                self._paths[xml.word(service, "Namespace")] = path
        return None if self._paths else Failure.BAD_REPLY

    # --- The rounds -----------------------------------------------------------------------------------------------

    def _state(self, moment: Moment, seen: Element) -> Job[Values | Failure]:
        (answer,) = yield [self._device_call("GetDeviceInformation", moment)]
        who = read(answer, "GetDeviceInformation")
        values: Values = {"identity": who if isinstance(who, Failure) else self._identity(who)}
        if moment.synchronised:
            shown = self._shown(moment, seen)
            if shown is None:
                values["clock"] = values["drift"] = Failure.BAD_REPLY
            else:
                drift = (shown - moment.wall).total_seconds()
                self._clock = clock(drift, self._clock)
                values["clock"], values["drift"] = self._clock, round(drift, 1)
        return values

    def _identity(self, who: Element) -> str | Failure:
        serial = xml.word(who, "SerialNumber", 64)
        if not serial:
            return Failure.BAD_REPLY
        self._serial = self._serial or serial.upper()
        return (
            "same"
            if serial.upper() == self._serial
            else f"changed {xml.word(who, 'Model', 40)} {serial}".replace("  ", " ")
        )

    def _shown(self, moment: Moment, seen: Element) -> datetime | None:
        """The wall clock that it shows and burns into pictures; where it gives none, its UTC in the site's zone."""
        zone = moment.wall.tzinfo
        local = clock_of(seen.find("SystemDateAndTime/LocalDateTime"), zone, local=True)
        return local or clock_of(seen.find("SystemDateAndTime/UTCDateTime"), zone, local=False)

    def _proof(self, moment: Moment) -> Job[Values | Failure]:
        if not self._sources:
            yield from self._learn_pictures(moment)  # which recording is which channel's
        spans = yield from self._recordings(moment)
        if isinstance(spans, Failure):
            return spans
        ahead = self._ahead if abs(self._ahead) > timedelta(seconds=DRIFT_S) else timedelta(0)
        now = moment.wall + self._ahead
        return proof(self._options, spans, now, ahead)

    def _history(self, moment: Moment, seen: Element) -> Job[Values | Failure]:
        who_call = self._device_call("GetDeviceInformation", moment)
        open_call = call(DEVICE_PATH, DEVICE, "GetDeviceInformation", created=None)
        said, given = yield [who_call, open_call]
        values: Values = {}
        who, for_all = read(said, "GetDeviceInformation"), read(given, "GetDeviceInformation")
        if isinstance(who, Failure):
            values["firmware"] = values["model"] = who
        else:
            values["firmware"] = xml.word(who, "FirmwareVersion", 40) or Failure.BAD_REPLY
            name = f"{xml.word(who, 'Manufacturer', 40)} {xml.word(who, 'Model', 40)}".strip()
            values["model"] = name or Failure.BAD_REPLY
        values["access"] = Access.OPEN if not isinstance(for_all, Failure) else _guarded(for_all)
        source = xml.word(seen, "SystemDateAndTime/DateTimeType")
        values["time"] = {"NTP": TimeSource.NTP, "Manual": TimeSource.MANUAL}.get(source, Failure.BAD_REPLY)
        yield from self._learn_pictures(moment)
        spans = yield from self._recordings(moment)
        summary = yield from self._summary(moment)
        now = moment.wall + self._ahead
        required = self._options.footage.required(moment.wall.date())
        return values | footage(self._options, spans, summary, now, required)

    # --- Profile S and G ------------------------------------------------------------------------------------------

    def _learn_pictures(self, moment: Moment) -> Job[None]:
        """Which video sources there are, which profiles show them, and where their pictures are."""
        media = self._paths.get(MEDIA)
        if media is None:
            return
        (answer,) = yield [call(media, MEDIA, "GetProfiles", created=self._created(moment))]
        found = read(answer, "GetProfiles")
        if isinstance(found, Failure):
            return
        by_source: dict[str, list[tuple[int, str]]] = {}
        for profile in found.findall("Profiles")[: 4 * MOST_CHANNELS]:
            source = xml.word(profile, "VideoSourceConfiguration/SourceToken", 64)
            width = xml.number(profile, "VideoEncoderConfiguration/Resolution/Width") or 0
            if source and profile.get("token") and (source in by_source or len(by_source) < MOST_CHANNELS):
                by_source.setdefault(source, []).append((-width, str(profile.get("token"))[:64]))
        self._sources = list(by_source)
        self._profiles = [[name for _, name in sorted(by_source[source])] for source in self._sources]
        wanted = [
            (camera.channel, small, profiles[-1 if small else 0])
            for camera in self._options.cameras.values()
            for small in (False, True)
            if camera.channel <= len(self._profiles) and (profiles := self._profiles[camera.channel - 1])
        ]
        answers = yield [
            call(media, MEDIA, "GetSnapshotUri", token("ProfileToken", name), created=self._created(moment))
            for _, _, name in wanted
        ]
        for (channel, small, _), answer in zip(wanted, answers, strict=True):
            uri = read(answer, "GetSnapshotUri")
            path = None if isinstance(uri, Failure) else path_of(xml.word(uri, "MediaUri/Uri", 500))
            if path:
                self._pictures[channel, small] = path

    def _summary(self, moment: Moment) -> Job[datetime | Failure | None]:
        path = self._paths.get(SEARCH)
        if path is None:
            return Failure.UNSUPPORTED
        (answer,) = yield [call(path, SEARCH, "GetRecordingSummary", created=self._created(moment))]
        found = read(answer, "GetRecordingSummary")
        if isinstance(found, Failure):
            return found
        return date_time(xml.word(found, "Summary/DataFrom"), moment.wall.tzinfo)

    def _recordings(self, moment: Moment) -> Job[dict[int, Span] | Failure]:
        """Every recording, by channel. The search is ended whatever happens, and ends itself after 30 s."""
        path = self._paths.get(SEARCH)
        if path is None:
            return Failure.UNSUPPORTED
        created = self._created(moment)
        (answer,) = yield [call(path, SEARCH, "FindRecordings", _SCOPE, created=created)]
        begun = read(answer, "FindRecordings")
        if isinstance(begun, Failure):
            return begun
        search = token("SearchToken", xml.word(begun, "SearchToken", 64))
        found: list[Span] = []
        failure: Failure | None = Failure.BAD_REPLY
        wait = f"<MinResults>1</MinResults><MaxResults>{MOST_CHANNELS}</MaxResults><WaitTime>PT5S</WaitTime>"
        for _ in range(RESULTS):
            (answer,) = yield [call(path, SEARCH, "GetRecordingSearchResults", search + wait, created=created)]
            results = read(answer, "GetRecordingSearchResults")
            if isinstance(results, Failure):
                failure = results
                break
            found += listed(results, moment.wall.tzinfo)[: MOST_CHANNELS - len(found)]
            if xml.word(results, "ResultList/SearchState") == "Completed":
                failure = None
                break
        yield [call(path, SEARCH, "EndSearch", search, created=created)]
        return failure or by_channel(found, self._sources, len(self._options.cameras))


def _guarded(why: Failure) -> str | Failure:
    return Access.OK if why in (Failure.CREDENTIAL, Failure.LOCKED) else why


DRIVER = DriverKind(OnvifOptions, OnvifRecorder, Speech.HTTP, points)
