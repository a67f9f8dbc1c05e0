"""The bodies that a simulated Hikvision recorder answers with. Pure; only `drivers.sim.hikvision` uses them."""

from __future__ import annotations

import calendar
import json
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Callable

    from drivers.sim.hikvision_recorder import SimCamera, SimRecorder

WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def document(it: SimRecorder, name: str, inner: str) -> str:
    """One element with the maker's declaration and namespace."""
    return (
        f'<?xml version="1.0" encoding="UTF-8" ?>\n<{name} version="2.0" xmlns="{it.namespace}">\n{inner}\n</{name}>\n'
    )


def status(it: SimRecorder, path: str, code: int, text: str, detail: str) -> str:
    """An error in words."""
    inner = f"<requestURL>{escape(path)}</requestURL><statusCode>{code}</statusCode>"
    inner += f"<statusString>{text}</statusString><subStatusCode>{detail}</subStatusCode>"
    return document(it, "ResponseStatus", inner)


def device(it: SimRecorder) -> str:
    inner = {
        "deviceName": "BRANCH", "deviceID": "48443031-3134", "model": it.model, "serialNumber": it.serial,
        "macAddress": "44:47:cc:00:00:01", "firmwareVersion": it.firmware, "firmwareReleasedDate": "build 220810",
        "deviceType": it.kind,
    }  # fmt: skip
    return document(it, "DeviceInfo", "".join(f"<{name}>{escape(text)}</{name}>" for name, text in inner.items()))


def system(it: SimRecorder) -> str:
    return document(
        it, "DeviceStatus", f"<currentDeviceTime>{_local(it)}</currentDeviceTime><deviceUpTime>86400</deviceUpTime>"
    )


def time(it: SimRecorder) -> str:
    mode = "NTP" if it.ntp else "manual"
    inner = f"<timeMode>{mode}</timeMode><localTime>{_local(it)}</localTime><timeZone>{it.zone}</timeZone>"
    return document(it, "Time", inner)


def _local(it: SimRecorder) -> str:
    shown = it.wall(it.now())
    if it.tag == "Z!":  # the right instant in UTC, where others put a Z behind their wall clock
        shown -= it.now().utcoffset() or timedelta()
    return f"{shown:%Y-%m-%dT%H:%M:%S}{it.tag[:1] if it.tag.startswith('Z') else it.tag}"


def ntp(it: SimRecorder) -> str:
    inner = f"<id>1</id><addressingFormatType>ipaddress</addressingFormatType><ipAddress>{it.ntp}</ipAddress><portNo>123</portNo>"
    return document(it, "NTPServerList", f"<NTPServer>{inner}<synchronizeInterval>60</synchronizeInterval></NTPServer>")


def storage(it: SimRecorder) -> str:
    rows = "".join(
        f"<hdd><id>{id_}</id><hddName>hdd{id_}</hddName><hddType>SATA</hddType><status>{disk.status}</status>"
        f"<capacity>{disk.capacity_mb}</capacity><freeSpace>{disk.free_mb}</freeSpace><property>{disk.property}</property></hdd>"
        for id_, disk in it.disks.items()
    )
    return document(it, "storage", f'<hddList size="16">{rows}</hddList><nasList></nasList><workMode>quota</workMode>')


def _of(it: SimRecorder, *, analogue: bool) -> list[tuple[int, SimCamera]]:
    return [(number, camera) for number, camera in sorted(it.cameras.items()) if camera.analogue == analogue]


def proxied_status(it: SimRecorder) -> str:
    rows = "".join(
        f"<InputProxyChannelStatus><id>{number}</id><sourceInputPortDescriptor><proxyProtocol>HIKVISION</proxyProtocol>"
        f"<ipAddress>192.168.254.{number}</ipAddress></sourceInputPortDescriptor><online>{_yes(camera.online)}</online>"
        f"<chanDetectResult>{camera.detected}</chanDetectResult></InputProxyChannelStatus>"
        for number, camera in _of(it, analogue=False)
    )
    return document(it, "InputProxyChannelStatusList", rows)


def proxied(it: SimRecorder) -> str:
    rows = "".join(
        f"<InputProxyChannel><id>{number}</id><name>{escape(camera.name)}</name></InputProxyChannel>"
        for number, camera in _of(it, analogue=False)
    )
    return document(it, "InputProxyChannelList", rows)


def analogue(it: SimRecorder) -> str | None:
    """An NVR answers 403 in its place."""
    if it.kind == "NVR":
        return None
    rows = "".join(
        f"<VideoInputChannel><id>{number}</id><inputPort>{number}</inputPort><videoInputEnabled>true</videoInputEnabled>"
        f"<name>{escape(camera.name)}</name><videoFormat>PAL</videoFormat>"
        f"<resDesc>{'NO VIDEO' if camera.lost else '2560*1440(4MP)P30'}</resDesc></VideoInputChannel>"
        for number, camera in _of(it, analogue=True)
    )
    return document(it, "VideoInputChannelList", rows)


def working(it: SimRecorder) -> str:
    rows = []
    for number, camera in sorted(it.cameras.items()):
        records = camera.recording(it.now()) if camera.says_recording is None else camera.says_recording
        rows.append(
            {
                "chanNo": number + it.numbers_from - 1, "enable": 1, "online": int(camera.online), "record": int(records),
                "recordStatus ": 0 if records else 3, "signal": int(camera.lost), "linkNum": 1, "bitRate": 4096,
            }
        )  # fmt: skip
    return json.dumps({"ChanStatus": {"JSON_ChanStatus": rows} if it.nested else rows})


def tracks(it: SimRecorder) -> str:
    rows = "".join(
        _track(number * 100 + stream, camera) for number, camera in sorted(it.cameras.items()) for stream in (1, 2)
    )
    return document(it, "TrackList", rows)


def _track(id_: int, camera: SimCamera) -> str:
    actions = "".join(
        f"<ScheduleAction><id>{number}</id><ScheduleActionStartTime><DayOfWeek>{day}</DayOfWeek>"
        "<TimeOfDay>00:00:00</TimeOfDay></ScheduleActionStartTime><ScheduleActionEndTime>"
        f"<DayOfWeek>{WEEK[number % 7]}</DayOfWeek><TimeOfDay>00:00:00</TimeOfDay></ScheduleActionEndTime>"
        "<ScheduleDSTEnable>false</ScheduleDSTEnable><Description>nothing</Description><Actions><Record>true</Record>"
        "<Log>false</Log><SaveImg>false</SaveImg>"
        f"<ActionRecordingMode>{camera.mode}</ActionRecordingMode></Actions></ScheduleAction>"
        for number, day in enumerate(WEEK, 1)
    )
    return (
        f"<Track><id>{id_}</id><Channel>{id_}</Channel><Enable>true</Enable>"
        "<Description>trackType=standard,contentType=video,codecType=H.264-BP</Description>"
        f"<SrcDescriptor><SrcChannel>{id_ // 100}</SrcChannel></SrcDescriptor><Duration>P0DT0H</Duration>"
        "<DefaultRecordingMode>CMR</DefaultRecordingMode><LoopEnable>true</LoopEnable><TrackSchedule><ScheduleBlockList>"
        f"<ScheduleBlock>{actions if camera.mode else ''}</ScheduleBlock></ScheduleBlockList></TrackSchedule>"
        f"<CustomExtensionList><CustomExtension><enableSchedule>{_yes(bool(camera.mode))}</enableSchedule>"
        "</CustomExtension></CustomExtensionList></Track>"
    )


def triggers(it: SimRecorder) -> str:
    """What it tells of by its stream."""
    rows = "".join(_trigger("videoloss", number) for number in sorted(it.cameras)) + _trigger("diskerror", None)
    return document(it, "EventNotification", f"<EventTriggerList>{rows}</EventTriggerList>")


def _trigger(kind: str, channel: int | None) -> str:
    id_ = kind if channel is None else f"{kind}-{channel}"
    where = "" if channel is None else f"<videoInputChannelID>{channel}</videoInputChannelID>"
    return (
        f"<EventTrigger><id>{id_}</id><eventType>{kind}</eventType>{where}<EventTriggerNotificationList>"
        "<EventTriggerNotification><id>center</id><notificationMethod>center</notificationMethod>"
        "</EventTriggerNotification></EventTriggerNotificationList></EventTrigger>"
    )


def event(it: SimRecorder, kind: str, channel: int | str, count: int, *, active: bool) -> bytes:
    """One part of the stream of events."""
    inner = f"<ipAddress>192.168.1.64</ipAddress><portNo>80</portNo><protocol>HTTP</protocol><channelID>{channel}</channelID>"
    inner += f"<dateTime>{_local(it)}</dateTime><activePostCount>{count}</activePostCount><eventType>{kind}</eventType>"
    inner += f"<eventState>{'active' if active else 'inactive'}</eventState><eventDescription>{kind} alarm</eventDescription>"
    body = document(it, "EventNotificationAlert", inner).encode()
    body = re.sub(rb"^<\?xml[^>]*\?>\n", b"", body)
    head = 'Content-Type: application/xml; charset="UTF-8"\r\n'
    return f"--boundary\r\n{head}Content-Length: {len(body)}\r\n\r\n".encode() + body + b"\r\n"


def days(it: SimRecorder, number: int, body: str) -> str | None:
    """Which days of the asked month have recordings."""
    year, month = (int(_text(body, name) or 0) for name in ("year", "monthOfYear"))
    if number not in it.cameras or not (1970 <= year <= 2100 and 1 <= month <= 12):
        return None
    spans = [(it.wall(start), it.wall(end)) for start, end in it.cameras[number].intervals(it.now())]
    rows = ""
    for day in range(1, calendar.monthrange(year, month)[1] + 1):
        begin = datetime(year, month, day)  # noqa: DTZ001 its own wall clock
        there = any(start < begin + timedelta(days=1) and end > begin for start, end in spans)
        rows += f"<day><id>{day}</id><dayOfMonth>{day}</dayOfMonth><record>{_yes(there)}</record>"
        rows += ("<recordType>time</recordType>" if there else "") + "</day>"
    return document(it, "trackDailyDistribution", f"<dayList>{rows}</dayList>")


def search(it: SimRecorder, body: str, *, lying: bool) -> str | None:
    """The asked page of files; None for a question that is none."""
    track, most = (int(_text(body, name) or -1) for name in ("trackID", "maxResults"))
    spelt = [name for name in ("searchResultPosition", "searchResultPostion") if it.position in ("", name)]
    place = int(next((text for name in spelt if (text := _text(body, name))), "-1" if it.strict else "0"))
    camera = it.cameras.get(track // 100)
    if camera is None or place < 0 or most < 1:
        return None
    shift = (it.now().utcoffset() or timedelta()) if it.utc_search else timedelta()
    start, end = (
        datetime.strptime(_text(body, name), "%Y-%m-%dT%H:%M:%SZ") + shift  # noqa: DTZ007 its own wall clock
        for name in ("startTime", "endTime")
    )
    found = [] if lying or track % 100 != 1 else list(it.files(camera, start, end))
    page = found[place : place + min(most, it.page)]
    said = "NO MATCHES" if not page else "MORE" if place + len(page) < len(found) else "OK"
    rows = ""
    for first, last in page:
        begun, ended = (f"{time - shift:%Y-%m-%dT%H:%M:%S}Z" for time in (first, last))
        uri = f"rtsp://192.168.1.64/Streaming/tracks/{track}?starttime={begun}&endtime={ended}&name=00000000&size=1073"
        rows += (
            f"<searchMatchItem><sourceID>{{0}}</sourceID><trackID>{track}</trackID><timeSpan><startTime>{begun}</startTime>"
            f"<endTime>{ended}</endTime></timeSpan><mediaSegmentDescriptor><contentType>video</contentType>"
            f"<codecType>H.264-BP</codecType><playbackURI>{escape(uri)}</playbackURI></mediaSegmentDescriptor></searchMatchItem>"
        )
    inner = f"<searchID>{escape(_text(body, 'searchID'))}</searchID><responseStatus>true</responseStatus>"
    inner += f"<responseStatus{it.more}>{said}</responseStatus{it.more}>" if it.more else ""
    inner += f"<numOfMatches>{len(page)}</numOfMatches>"
    return document(it, "CMSearchResult", f"{inner}<matchList>{rows}</matchList>")


def _text(body: str, name: str) -> str:
    found = re.search(rf"<{name}>\s*([^<]*?)\s*</{name}>", body)
    return found[1] if found else ""


def _yes(value: bool) -> str:
    return "true" if value else "false"


PAGES: dict[str, Callable[[SimRecorder], str | None]] = {
    "System/deviceInfo": device, "System/status": system, "System/time": time, "System/time/ntpServers": ntp,
    "ContentMgmt/Storage": storage, "ContentMgmt/InputProxy/channels": proxied,
    "ContentMgmt/InputProxy/channels/status": proxied_status, "System/Video/inputs/channels": analogue,
    "System/workingstatus/chanStatus": working, "ContentMgmt/record/tracks": tracks, "Event/triggers": triggers,
}  # fmt: skip
