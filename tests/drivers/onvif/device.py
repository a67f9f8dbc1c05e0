"""An ONVIF device of Profile G on a real port, as small as the calls of the driver; and one assembled from answers."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from aiohttp import web

JPEG = b"\xff\xd8\xff\xe0 a picture \xff\xd9"
ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope"'
    ' xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:tt="http://www.onvif.org/ver10/schema"'
    ' xmlns:trt="http://www.onvif.org/ver10/media/wsdl" xmlns:tse="http://www.onvif.org/ver10/search/wsdl">'
    "<SOAP-ENV:Body>{}</SOAP-ENV:Body></SOAP-ENV:Envelope>"
)
NOT_AUTHORIZED = (
    "<SOAP-ENV:Fault><SOAP-ENV:Code><SOAP-ENV:Value>SOAP-ENV:Sender</SOAP-ENV:Value><SOAP-ENV:Subcode>"
    '<SOAP-ENV:Value xmlns:ter="http://www.onvif.org/ver10/error">ter:NotAuthorized</SOAP-ENV:Value></SOAP-ENV:Subcode>'
    '</SOAP-ENV:Code><SOAP-ENV:Reason><SOAP-ENV:Text xml:lang="en">Sender not authorized</SOAP-ENV:Text>'
    "</SOAP-ENV:Reason></SOAP-ENV:Fault>"
)


@dataclass(slots=True)
class Kept:
    """One recording of the device, in UTC."""

    source: str
    since: datetime
    until: datetime
    status: str = "Recording"


@dataclass(slots=True)
class Device:
    """What it is, and what it counts."""

    now: datetime
    recordings: list[Kept] = field(default_factory=list)
    sources: int = 2
    serial: str = "NVR-0001"
    password: str = "right"
    search: bool = True
    drift: timedelta = timedelta(0)
    strict_clock_s: float = 5.0  # a signature that is older is refused
    failed_logins: int = 0
    searches: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def clock(self) -> datetime:
        return self.now + self.drift

    async def serve(self) -> tuple[web.AppRunner, int]:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner, int(runner.addresses[0][1])

    async def _answer(self, request: web.Request) -> web.Response:
        if request.path.startswith("/snap/"):
            return web.Response(body=JPEG, content_type="image/jpeg")
        body = (await request.read()).decode()
        found = re.search(r"Body>\s*<(?:\w+:)?(\w+)", body)
        action = found[1] if found else ""
        self.asked.append(action)
        if action != "GetSystemDateAndTime" and not self._signed(body):
            return self._say(NOT_AUTHORIZED, 400)
        return self._say(self._inside(action, body, f"http://192.0.2.1:{request.url.port}"), 200)

    def _say(self, inside: str, status: int) -> web.Response:
        return web.Response(text=ENVELOPE.format(inside), status=status, content_type="application/soap+xml")

    def _signed(self, body: str) -> bool:
        word = {
            name: re.search(rf"<(?:\w+:)?{name}\b[^>]*>([^<]*)<", body)
            for name in ("Username", "Password", "Nonce", "Created")
        }
        if not all(word.values()):
            return False
        user, digest, nonce, created = (match[1] for match in word.values() if match)
        raw = base64.b64decode(nonce) + created.encode() + self.password.encode()
        at = datetime.fromisoformat(created)
        good = user == "sentinel" and digest == base64.b64encode(hashlib.sha1(raw).digest()).decode()
        good = good and abs((at - self.clock()).total_seconds()) <= self.strict_clock_s
        self.failed_logins += not good
        return good

    def _inside(self, action: str, body: str, base: str) -> str:
        match action:
            case "GetSystemDateAndTime":
                return self._time()
            case "GetDeviceInformation":
                return (
                    "<tds:GetDeviceInformationResponse><tds:Manufacturer>Acme</tds:Manufacturer><tds:Model>N8</tds:Model>"
                    f"<tds:FirmwareVersion>2.1</tds:FirmwareVersion><tds:SerialNumber>{self.serial}</tds:SerialNumber>"
                    "<tds:HardwareId>1</tds:HardwareId></tds:GetDeviceInformationResponse>"
                )
            case "GetServices":
                names = ["media", "search"] if self.search else ["media"]
                return "<tds:GetServicesResponse>{}</tds:GetServicesResponse>".format(
                    "".join(
                        f"<tds:Service><tds:Namespace>http://www.onvif.org/ver10/{name}/wsdl</tds:Namespace>"
                        f"<tds:XAddr>{base}/onvif/{name}_service</tds:XAddr></tds:Service>"
                        for name in names
                    )
                )
            case "GetProfiles":
                return f"<trt:GetProfilesResponse>{''.join(map(self._profiles, range(self.sources)))}</trt:GetProfilesResponse>"
            case "GetSnapshotUri":
                name = re.search(r"ProfileToken>(\w+)<", body)
                uri = f"{base}/snap/{name[1] if name else ''}"
                return (
                    f"<trt:GetSnapshotUriResponse><trt:MediaUri><tt:Uri>{uri}</tt:Uri></trt:MediaUri>"
                    "</trt:GetSnapshotUriResponse>"
                )
            case "GetRecordingSummary":
                since = min(one.since for one in self.recordings)
                return (
                    f"<tse:GetRecordingSummaryResponse><tse:Summary><tt:DataFrom>{since:%Y-%m-%dT%H:%M:%SZ}</tt:DataFrom>"
                    "</tse:Summary></tse:GetRecordingSummaryResponse>"
                )
            case "FindRecordings":
                self.searches.add(str(len(self.asked)))
                return (
                    f"<tse:FindRecordingsResponse><tse:SearchToken>{len(self.asked)}</tse:SearchToken>"
                    "</tse:FindRecordingsResponse>"
                )
            case "GetRecordingSearchResults":
                found = "".join(map(self._recording, self.recordings))
                return (
                    "<tse:GetRecordingSearchResultsResponse><tse:ResultList><tt:SearchState>Completed</tt:SearchState>"
                    f"{found}</tse:ResultList></tse:GetRecordingSearchResultsResponse>"
                )
            case "EndSearch":
                search = re.search(r"SearchToken>(\w+)<", body)
                self.searches.discard(search[1] if search else "")
                return f"<tse:EndSearchResponse><tse:Endpoint>{self.clock():%Y-%m-%dT%H:%M:%SZ}</tse:Endpoint></tse:EndSearchResponse>"
        return "<SOAP-ENV:Fault><SOAP-ENV:Reason><SOAP-ENV:Text>ter:ActionNotSupported</SOAP-ENV:Text></SOAP-ENV:Reason></SOAP-ENV:Fault>"

    def _time(self) -> str:
        utc = self.clock().astimezone(UTC)
        local = utc + timedelta(hours=5, minutes=30)
        parts = "".join(
            f"<tt:{name}><tt:Time><tt:Hour>{at.hour}</tt:Hour><tt:Minute>{at.minute}</tt:Minute><tt:Second>{at.second}"
            f"</tt:Second></tt:Time><tt:Date><tt:Year>{at.year}</tt:Year><tt:Month>{at.month}</tt:Month>"
            f"<tt:Day>{at.day}</tt:Day></tt:Date></tt:{name}>"
            for name, at in (("UTCDateTime", utc), ("LocalDateTime", local))
        )
        return (
            "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType>"
            f"{parts}</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
        )

    def _profiles(self, at: int) -> str:
        return "".join(
            f'<trt:Profiles token="p{at}_{width}"><tt:VideoSourceConfiguration token="c{at}"><tt:SourceToken>vs{at}'
            "</tt:SourceToken></tt:VideoSourceConfiguration><tt:VideoEncoderConfiguration><tt:Resolution>"
            f"<tt:Width>{width}</tt:Width></tt:Resolution></tt:VideoEncoderConfiguration></trt:Profiles>"
            for width in (640, 1920)
        )

    def _recording(self, one: Kept) -> str:
        return (
            f"<tt:RecordingInformation><tt:RecordingToken>r{one.source}</tt:RecordingToken><tt:Source><tt:SourceId>{one.source}"
            f"</tt:SourceId></tt:Source><tt:EarliestRecording>{one.since:%Y-%m-%dT%H:%M:%SZ}</tt:EarliestRecording>"
            f"<tt:LatestRecording>{one.until:%Y-%m-%dT%H:%M:%S.250Z}</tt:LatestRecording><tt:RecordingStatus>{one.status}"
            "</tt:RecordingStatus></tt:RecordingInformation>"
        )
