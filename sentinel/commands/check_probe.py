"""`sentinel check --probe`: whether what stands in a config is what answers, line by line. Only reads.

Never shows what a button or detector says: a pressed hold-up button shows in no command's output. A recorder is asked
through its account's gate, and where it refuses the password nothing more is asked of it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from drivers import driver
from drivers.links import LINKS
from drivers.recorder import FACTORY
from sentinel.commands.asking import moment, state_folder
from sentinel.commands.probe_lines import asks
from sentinel.commands.probe_recorder import Found, look, shown
from sentinel.core.model import Quality, Reading
from sentinel.ports import LinkError, Speech
from sentinel.settings.problems import Level, Problem, in_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from drivers.links import ModbusLink
    from sentinel.ports import ByteLink, Conversation, Driver
    from sentinel.settings.branch import Loaded
    from sentinel.settings.equipment import Device
    from sentinel.settings.problems import Place
    from sentinel.settings.site import Settings

LINE_S: Final = 60.0  # the longest that probing one line may take; what is left then is said not to answer
LISTEN_S: Final = 5.0  # for a panel that answers a question; one that only speaks by itself may be silent for longer

Said = tuple["Place", str, Level]


async def probe(loaded: Loaded, settings: Settings) -> tuple[Problem, ...]:
    """All lines side by side: a note for each device that answers well, else its findings."""
    found = await asyncio.gather(*(_probe_line(settings, id_) for id_ in settings.links))
    return in_order(loaded.problem(*said) for line in found for said in line)


async def _probe_line(settings: Settings, link_id: str) -> list[Said]:
    entry = settings.links[link_id]
    devices = {id_: device for id_, device in settings.devices.items() if device.link == link_id}
    if not devices:
        return []
    folder, _ = state_folder(settings.gateway.state_dir)
    link = LINKS[entry.kind].make(entry.options, link_id, folder)
    found: list[Said] = []
    until = time.monotonic() + LINE_S
    try:
        for id_, device in devices.items():
            built = driver(device.driver).build(id_, device.profile, device.options, settings.urgent_points(id_))
            match entry.speech:
                case Speech.MODBUS:
                    found.append((("devices", id_), *_counted(*await _read_once(link, built, until))))
                case Speech.BYTES:
                    found.append((("devices", id_), *await _heard(link, built)))
                case Speech.HTTP | Speech.RTSP:
                    found += await _recorder(settings, id_, device, link)
    finally:
        await link.close()
    return found


# --- Modbus -----------------------------------------------------------------------------------------------------------


async def _read_once(link: ModbusLink, made: Driver, until: float) -> tuple[list[Reading], Sequence[str]]:
    """The readings, and what went wrong on the line."""
    readings: list[Reading] = []
    errors: list[str] = []
    for poll in made.plan():
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                words = await link.read(poll.request)
        except LinkError as error:
            errors.append(str(error))
        except TimeoutError:
            errors.append(f"not asked any more: the line took over {LINE_S:g} s")
        else:
            readings += made.decode(poll, words, time.monotonic())
            continue
        readings += [Reading(point, None, Quality.FAILED, time.monotonic()) for point in poll.points]
    return readings, errors


def _counted(readings: list[Reading], errors: Sequence[str]) -> tuple[str, Level]:
    """A device's verdict in one line."""
    good = sum(reading.quality is Quality.GOOD for reading in readings)
    if good == len(readings):
        return f"answers, {good} points good", Level.NOTE
    reasons = Counter(errors) or Counter(str(r.reason) for r in readings if r.quality is not Quality.GOOD)
    why, _ = reasons.most_common(1)[0]
    return f"{good} of {len(readings)} points good: {why}", Level.FINDING


# --- Panels that speak when they like ---------------------------------------------------------------------------------


async def _heard(link: ByteLink, panel: Conversation) -> tuple[str, Level]:
    """Open the line and say what the panel wants to hear; acknowledge nothing."""
    asked = understood = False
    heard = 0
    until = time.monotonic() + LISTEN_S
    try:
        await link.open()
        turns = panel.opened(time.monotonic())
        while True:
            for turn in turns:
                understood |= any(reading.quality is not Quality.FAILED for reading in turn.readings) and heard > 0
                if asks(turn):
                    asked = True
                    await link.send(turn.send)
            if understood or (left_s := until - time.monotonic()) <= 0:
                break
            try:
                async with asyncio.timeout(left_s):
                    data = await link.receive()
            except TimeoutError:
                break
            heard += len(data)
            turns = panel.feed(data, time.monotonic())
    except LinkError as error:
        return f"does not answer: {error}", Level.FINDING
    finally:
        await link.close()
    if heard and (panel.damaged() or not understood):
        return f"{heard} bytes heard that are not all understood: is it this driver, baud, parity?", Level.FINDING
    if understood:
        return "answers, and is understood", Level.NOTE
    if asked:
        return f"says nothing within {LISTEN_S:g} s, though it was asked: check wiring, baud and parity", Level.FINDING
    return f"the line opens; nothing said in {LISTEN_S:g} s, which it may: look with `sentinel probe`", Level.NOTE


# --- Recorders --------------------------------------------------------------------------------------------------------


async def _recorder(settings: Settings, id_: str, device: Device, link: Any) -> list[Said]:
    options: Any = device.options
    said: list[Said] = list(_account(settings, device))
    now = moment(ZoneInfo(settings.branch.time_zone))
    try:
        async with asyncio.timeout(LINE_S):
            found = await look(link, driver(device.driver), options, now)
    except LinkError as error:
        return [*said, (("devices", id_), f"does not answer: {shown(str(error))}", Level.FINDING)]
    except TimeoutError:
        return [*said, (("devices", id_), f"not looked through within {LINE_S:g} s", Level.FINDING)]
    said += _channels(id_, options, found)
    said += _unwritten(id_, options, found)
    bad = list(found.bad(options))
    said += [(_place(id_, options, point), f"{point}: {shown(word)}", Level.FINDING) for point, word in bad]
    if not bad:
        said.append((("devices", id_), f"answers, {_good(found)} points good", Level.NOTE))
    return said


def _good(found: Found) -> int:
    return sum(reading.quality is Quality.GOOD for reading in found.readings.values())


def _account(settings: Settings, device: Device) -> Iterator[Said]:
    name = getattr(settings.links[device.link].options, "username", None)
    if isinstance(name, str) and name.casefold() in FACTORY:
        text = f"'{name}' is the maker's own or an administrator's account: make an operator for the gateway"
        yield ("links", device.link, "username"), text, Level.FINDING


def _channels(id_: str, options: Any, found: Found) -> Iterator[Said]:
    """Channels that only the recorder has, and cameras that only the config has."""
    if found.inventory is None or not found.inventory.channels:
        return
    there = {channel.number: channel for channel in found.inventory.channels}
    for name, camera in options.cameras.items():
        if camera.channel not in there:
            yield ("devices", id_, "cameras", name), f"the recorder has no channel {camera.channel}", Level.FINDING
    ours = {camera.channel for camera in options.cameras.values()}
    for number, channel in there.items():
        if number not in ours:
            level = Level.NOTE if channel.online is False else Level.FINDING
            state = ", without a picture" if channel.online is False else ""
            called = f" '{shown(channel.name)}'" if channel.name else ""
            yield (
                ("devices", id_, "cameras"),
                f"the recorder has channel {number}{called}{state}, not written here",
                level,
            )


def _unwritten(id_: str, options: Any, found: Found) -> Iterator[Said]:
    """What the daemon would learn anew at each start: another recorder, or a disk less, is then not noticed."""
    serial = found.inventory.serial if found.inventory is not None else ""
    if serial and not options.serial:
        text = f"serial is not written: another recorder is not noticed after a restart; write serial: {shown(serial)}"
        yield ("devices", id_), text, Level.NOTE
    disks = found.readings.get("disks")
    if disks is not None and disks.quality is Quality.GOOD and not options.disks:
        text = "disks is not written: one that is gone is forgotten by a restart; write how many there are"
        yield ("devices", id_), text, Level.NOTE


def _place(id_: str, options: Any, point: str) -> Place:
    camera, dot, _ = point.partition(".")
    return ("devices", id_, "cameras", camera) if dot and camera in options.cameras else ("devices", id_)
