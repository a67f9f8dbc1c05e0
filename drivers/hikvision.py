"""Hikvision recorders (and those made by it under other names) by ISAPI: what is now, the proof, and how far back.

Pure: `assess` yields questions and is sent their answers. Only reads; an answer that cannot be trusted is a failed reading,
and what this model does not have is "unsupported", never a word. Its own event stream only makes polling fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from drivers import DriverKind, xml
from drivers import hikvision_ask as ask
from drivers import hikvision_read as read
from drivers.hikvision_ask import Talk
from drivers.hikvision_events import AlertStream
from drivers.hikvision_files import Way
from drivers.hikvision_history import History
from drivers.hikvision_inventory import inventory
from drivers.hikvision_proof import Proof, own_words
from drivers.recorder import ROUNDS, Disks, Findings, RecorderOptions, Video, clock, points, points_of
from sentinel.core.model import Failure
from sentinel.ports import HttpReply, HttpRequest, Round, Speech

if TYPE_CHECKING:
    from collections.abc import Sequence
    from xml.etree.ElementTree import Element

    from drivers.hikvision_ask import Asking
    from drivers.recorder import Inventory
    from sentinel.core.model import Reading, Value
    from sentinel.ports import Moment

MOST_DISKS = 128  # bays and network stores of the largest; more were never seen
_WORST = (Disks.NONE, Disks.FAILED, Disks.MISSING, Disks.READ_ONLY, Disks.UNFORMATTED)


class HikvisionOptions(RecorderOptions):
    """What an operator writes under a Hikvision recorder."""

    driver: Literal["hikvision"]


class HikvisionRecorder:
    """ports.Assessor. Remembers of this run: the first serial number, the disks seen, the newest file of each camera."""

    def __init__(
        self, device: str, profile: object = None, options: HikvisionOptions | None = None, urgent: Sequence[str] = ()
    ) -> None:
        if options is None:
            raise ValueError("a recorder needs its options")
        del profile, urgent  # its points are in no profile; a round is as urgent as its interval says
        self._device, self._options = device, options
        self._cameras = {camera.channel: id_ for id_, camera in options.cameras.items()}
        self._serial = options.serial.strip()
        self._disks: set[str] = set()
        self._clock = ""
        way = Way()
        self._proof, self._history = Proof(options, way), History(options, way)

    def rounds(self) -> list[Round]:
        """What is now, the proof, how far back."""
        every = {
            "state": self._options.state_every,
            "proof": self._options.proof_every,
            "history": self._options.history_every,
        }
        return [Round(name, every[name], points_of(self._options, self._device, name)) for name in ROUNDS]

    def assess(self, name: str, moment: Moment) -> Asking[list[Reading]]:
        """One reading for each point of the round, whatever is answered."""
        talk = Talk()
        values: dict[str, Value | Failure]
        if name == "state":
            values = yield from self._state(talk, moment)
        elif name == "proof":
            values = yield from self._proof.assess(talk, moment)
        elif name == "history":
            values = yield from self._history.assess(talk, moment)
            self._proof.modes = self._history.modes
        else:
            raise ValueError(f'a recorder has no round "{name}"')
        wanted = points_of(self._options, self._device, name)
        if talk.gone is not None:
            values = {point.removeprefix(f"{self._device}."): talk.gone.failure for point in wanted} | values
        return Findings(self._device, moment.at, values).readings(wanted)

    def inventory(self, moment: Moment) -> Asking[Inventory]:
        """What is there, configured or not; raises the LinkError of a recorder that does not say who it is."""
        del moment
        return inventory()

    def snapshot(self, channel: int, *, small: bool = False) -> HttpRequest:
        """Asks for a picture of now, the sub-stream's when it must be small."""
        return ask.picture(channel, small=small)

    def picture(self, reply: HttpReply) -> bytes | None:
        """The JPEG of that reply, or None: an error in words comes with status 200 too."""
        return read.picture(reply)

    def hints(self) -> AlertStream:
        """The recorder's own stream of events."""
        return AlertStream()

    def _state(self, talk: Talk, moment: Moment) -> Asking[dict[str, Value | Failure]]:
        device = read.root((yield from talk.one(ask.DEVICE)), "DeviceInfo")
        storage, proxied, analogue, time = yield from talk.ask([ask.STORAGE, ask.PROXIED, ask.ANALOGUE, ask.TIME])
        stored = read.root(storage, "storage", "Storage", "hddList")
        if stored is Failure.UNSUPPORTED:
            stored = read.root((yield from talk.one(ask.DISKS)), "hddList", "storage")
        said = yield from own_words(talk, self._cameras)
        if talk.gone is not None:
            return {}
        values: dict[str, Value | Failure] = {"identity": self._identity(device)}
        values |= self._storage(stored)
        values |= self._drift(read.root(time, "Time"), moment)
        values |= self._video(
            read.root(proxied, "InputProxyChannelStatusList"),
            read.root(analogue, "VideoInputChannelList"),
            said,
            network_only=not isinstance(device, Failure) and xml.word(device, "deviceType").upper() == "NVR",
        )
        return values

    def _identity(self, device: Element | Failure) -> Value | Failure:
        if isinstance(device, Failure):
            return device
        serial = xml.word(device, "serialNumber", 64)
        if not serial:
            return Failure.BAD_REPLY
        self._serial = self._serial or serial
        # The label on the box often has only the last digits of the long number that the recorder says
        ours, theirs = self._serial.upper(), serial.upper()
        if theirs == ours or (len(ours) >= 8 and ours in theirs):
            return "same"
        return f"changed {xml.word(device, 'model', 40) or '?'} {serial}"

    def _storage(self, stored: Element | Failure) -> dict[str, Value | Failure]:
        if isinstance(stored, Failure):
            return {"disks": stored, "disk-use": stored}
        disks = read.disks(stored)
        there = {disk.id for disk in disks if disk.word != Disks.MISSING}
        gone = sorted((self._disks | {disk.id for disk in disks}) - there)
        self._disks = self._disks | there if len(self._disks | there) <= MOST_DISKS else there
        words = [(disk.word, disk.id) for disk in disks if disk.word != Disks.MISSING]
        words += [(str(Disks.MISSING), id_) for id_ in gone]
        if len(there) < self._options.disks and not gone:  # what was seen in this run is forgotten by a restart
            words.append((str(Disks.MISSING), f"{len(there) + 1}"))
        capacity = sum(disk.capacity_mb for disk in disks)
        used = capacity - sum(disk.free_mb for disk in disks)
        use: Value | Failure = round(100 * used / capacity, 1) if capacity else Failure.UNSUPPORTED
        return {"disks": _worst(words), "disk-use": use}

    def _drift(self, time: Element | Failure, moment: Moment) -> dict[str, Value | Failure]:
        if isinstance(time, Failure):
            return {"clock": time, "drift": time}
        shown = read.clock(time, moment.wall)
        if shown is None:
            return {"clock": Failure.BAD_REPLY, "drift": Failure.BAD_REPLY}
        if not moment.synchronised:  # whose clock is wrong cannot be said
            return {}
        drift_s = (shown - moment.wall.replace(tzinfo=None)).total_seconds()
        self._clock = clock(drift_s, self._clock)
        return {"clock": self._clock, "drift": round(drift_s, 1)}

    def _video(
        self,
        proxied: Element | Failure,
        analogue: Element | Failure,
        working: dict[int, read.Working] | Failure,
        *,
        network_only: bool,
    ) -> dict[str, Value | Failure]:
        """IP cameras are in one list, analogue inputs in another, and either may be refused by a model without them."""
        network = {} if isinstance(proxied, Failure) else read.proxied(proxied)
        inputs = {} if isinstance(analogue, Failure) else read.analogue(analogue)
        listed: dict[int, list[str | None]] = {}
        for channel in self._cameras:
            said: list[str | None] = [network[channel]] if channel in network else []
            listed[channel] = said + ([inputs[channel]] if channel in inputs and not (said and network_only) else [])
        lost = {} if isinstance(working, Failure) else {channel: one.lost for channel, one in working.items()}
        if len(lost) > 1 and all(lost.values()) and all(Video.OK in said for said in listed.values()):
            lost = {}  # a firmware that says "no signal" of every camera, good pictures and all
        given = not isinstance(proxied, Failure) or not isinstance(analogue, Failure)
        values: dict[str, Value | Failure] = {}
        for channel, id_ in self._cameras.items():
            value: Value | Failure | None = _seen(listed[channel], lost.get(channel))
            if value is None and given and not listed[channel] and _why(proxied, analogue) is Failure.UNSUPPORTED:
                value = str(Video.OFFLINE)  # it was taken off the recorder
            values[f"{id_}.video"] = _why(proxied, analogue, working) if value is None else value
        return values


def _seen(said: list[str | None], lost: bool | None) -> str | None:
    """The worst of what the lists say; the recorder's own word for "no signal" where they say nothing or only good."""
    bad = [word for word in said if word is not None and word != Video.OK]
    if bad:
        return bad[0]
    if lost:
        return str(Video.LOST)
    return str(Video.OK) if Video.OK in said or (said and lost is False) else None


def _why(*answers: object) -> Failure:
    """The first that failed; unsupported when none did."""
    failed = (one for one in answers if isinstance(one, Failure) and one is not Failure.UNSUPPORTED)
    return next(failed, Failure.UNSUPPORTED)


def _worst(words: list[tuple[str, str]]) -> str:
    if not words:
        return Disks.NONE
    for worst in _WORST:
        for word, id_ in words:
            if word == worst:
                return f"{word} {id_}"
    return next((f"{word} {id_}" for word, id_ in words if word != Disks.OK), str(Disks.OK))


DRIVER = DriverKind(HikvisionOptions, HikvisionRecorder, Speech.HTTP, points)
