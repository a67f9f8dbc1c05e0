"""What a Hikvision recorder is asked by ISAPI, and how: a few together, a busy one once more, a silent one not for ever.

Only reading, except that a search is a POST. Nothing here knows what an answer means beyond "busy" and "gone".
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, TypeVar
from uuid import NAMESPACE_URL, uuid5

from drivers import xml
from sentinel.core.model import Failure
from sentinel.ports import HttpReply, HttpRequest, LinkError

if TYPE_CHECKING:
    from datetime import datetime

T = TypeVar("T")
Answer = HttpReply | LinkError
Asking = Generator[Sequence[HttpRequest], Sequence[Answer], T]

XML = "application/xml; charset=UTF-8"
TOGETHER = 8  # questions yielded at once: a recorder that fell silent is noticed after so many
LINE_GONE = (Failure.NOT_CONNECTED, Failure.NO_REPLY, Failure.CREDENTIAL, Failure.LOCKED, Failure.IDENTITY)

DEVICE = HttpRequest("/ISAPI/System/deviceInfo", most=100_000)
TIME = HttpRequest("/ISAPI/System/time", most=50_000)
NTP = HttpRequest("/ISAPI/System/time/ntpServers", most=50_000)
STORAGE = HttpRequest("/ISAPI/ContentMgmt/Storage", most=300_000)
DISKS = HttpRequest("/ISAPI/ContentMgmt/Storage/hdd", most=300_000)  # older firmware
PROXIED = HttpRequest("/ISAPI/ContentMgmt/InputProxy/channels/status")
PROXIED_NAMES = HttpRequest("/ISAPI/ContentMgmt/InputProxy/channels")
ANALOGUE = HttpRequest("/ISAPI/System/Video/inputs/channels")
WORKING = HttpRequest("/ISAPI/System/workingstatus/chanStatus?format=json")
WORKING_ALL = HttpRequest("/ISAPI/System/workingstatus?format=json")  # older firmware
TRACKS = HttpRequest("/ISAPI/ContentMgmt/record/tracks", most=4_000_000, timeout_s=20.0)  # 8 kB a track, two a camera
ALERTS = HttpRequest("/ISAPI/Event/notification/alertStream", timeout_s=40.0)  # three heartbeats of 10 s are missing


def track(channel: int) -> int:
    """The number of the main stream's recordings."""
    return channel * 100 + 1


def picture(channel: int, *, small: bool, signed: bool = True) -> HttpRequest:
    """A picture of now: of the sub-stream where it must leave over a thin line."""
    stream = channel * 100 + (2 if small else 1)
    most = 1_000_000 if small else 6_000_000
    return HttpRequest(f"/ISAPI/Streaming/channels/{stream}/picture", most=most, signed=signed)


def days(channel: int, year: int, month: int) -> HttpRequest:
    """Which days of one month have recordings."""
    body = (
        '<?xml version="1.0" encoding="UTF-8"?><trackDailyParam>'
        f"<year>{year}</year><monthOfYear>{month}</monthOfYear></trackDailyParam>"
    )
    target = f"/ISAPI/ContentMgmt/record/tracks/{track(channel)}/dailyDistribution"
    return HttpRequest(target, "POST", body.encode(), XML, most=100_000)


# Two words of a search, as firmwares want them. The maker's own client writes "Postion", and some refuse or pass over the
# right spelling; others know only that one.
SPELLINGS = (
    ("trackIDList", "searchResultPostion"),
    ("trackIDList", "searchResultPosition"),
    ("trackList", "searchResultPostion"),
)


def files(channel: int, window: tuple[datetime, datetime], at: int, most: int, salt: str, spelling: int) -> HttpRequest:
    """Files that touch the window, from number `at`. Times go as they are, with the Z that firmwares want to see.

    A search's id must be new each time and a well-formed one; pages of one search share it, so `salt` does not change.
    """
    start, end = window
    tracks, position = SPELLINGS[spelling]
    id_ = str(uuid5(NAMESPACE_URL, f"{salt} {channel} {start} {end}")).upper()
    body = (
        '<?xml version="1.0" encoding="UTF-8"?><CMSearchDescription>'
        f"<searchID>{id_}</searchID><{tracks}><trackID>{track(channel)}</trackID></{tracks}>"
        f"<timeSpanList><timeSpan><startTime>{start:%Y-%m-%dT%H:%M:%S}Z</startTime>"
        f"<endTime>{end:%Y-%m-%dT%H:%M:%S}Z</endTime></timeSpan></timeSpanList>"
        f"<maxResults>{most}</maxResults><{position}>{at}</{position}>"
        "<metadataList><metadataDescriptor>//recordType.meta.std-cgi.com</metadataDescriptor></metadataList>"
        "</CMSearchDescription>"
    )
    return HttpRequest(
        "/ISAPI/ContentMgmt/search", "POST", body.encode(), XML, most=300_000, timeout_s=15.0, about=str(track(channel))
    )


def busy(answer: Answer) -> bool:
    """Whether the device says that it has no time just now: 503 and its kin, or its own words in any status."""
    if isinstance(answer, LinkError):
        return False
    if answer.status >= 500:
        return answer.status != 501
    if len(answer.body) > 4000 or b"ResponseStatus" not in answer.body:
        return False
    root = xml.parse(answer.body, "ResponseStatus")
    return xml.number(root, "statusCode") == 2 or xml.word(root, "subStatusCode") == "deviceBusy"


class Talk:
    """One round's questions. When the line is gone, the rest of the round is not asked at all."""

    def __init__(self) -> None:
        self.gone: LinkError | None = None
        self._first = True

    def ask(self, requests: Sequence[HttpRequest]) -> Asking[list[Answer]]:
        """Each one's answer, in order."""
        answers: list[Answer] = []
        for start in range(0, len(requests), TOGETHER):
            answers += yield from self._some(requests[start : start + TOGETHER])
        return answers

    def one(self, request: HttpRequest) -> Asking[Answer]:
        """Its answer."""
        return (yield from self.ask([request]))[0]

    def _some(self, requests: Sequence[HttpRequest]) -> Asking[list[Answer]]:
        if self.gone is not None:
            return [self.gone] * len(requests)
        answers = list((yield requests))
        errors = [answer for answer in answers if isinstance(answer, LinkError) and answer.failure in LINE_GONE]
        if len(errors) == len(answers) and (self._first or len(errors) >= 4):  # one lost question is not a lost line
            self.gone = errors[0]
            return answers
        self._first = False
        again = [place for place, answer in enumerate(answers) if busy(answer)]
        if again:
            for place, answer in zip(again, (yield [requests[place] for place in again]), strict=True):
                answers[place] = answer
        return answers
