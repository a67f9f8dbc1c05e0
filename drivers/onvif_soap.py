"""The SOAP calls to an ONVIF device, written by hand, and how an answer is read. Pure; never raises on any bytes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from drivers import xml
from drivers.wsse import MARKER, refused
from sentinel.core.model import Failure
from sentinel.ports import HttpReply, HttpRequest, LinkError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

Answer = HttpReply | LinkError

DEVICE: Final = "http://www.onvif.org/ver10/device/wsdl"
MEDIA: Final = "http://www.onvif.org/ver10/media/wsdl"
SEARCH: Final = "http://www.onvif.org/ver10/search/wsdl"
SCHEMA: Final = "http://www.onvif.org/ver10/schema"
DEVICE_PATH: Final = "/onvif/device_service"  # the one address that the standard fixes

_ABSENT = (
    "notsupported",
    "not supported",
    "notimplemented",
    "not implemented",
    "unknownaction",
    "noentity",
    "norecordings",
)
_DATE_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d)?", re.ASCII)


def call(
    path: str, service: str, action: str, inside: str = "", *, created: datetime | None, timeout_s: float = 10.0
) -> HttpRequest:
    """One call. `created` signs it by the device's own time; None asks without the account."""
    body = (
        '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">'
        f'<s:Header>{MARKER.decode()}</s:Header><s:Body><{action} xmlns="{service}">{inside}</{action}></s:Body>'
        "</s:Envelope>"
    )
    type_ = f'application/soap+xml; charset=utf-8; action="{service}/{action}"'
    signed = created is not None
    return HttpRequest(
        path, "POST", body.encode(), type_, timeout_s=timeout_s, signed=signed, wsse=created, about=action
    )


def token(name: str, value: str) -> str:
    """An element that holds a device's own token, as it was given."""
    return f"<{name}>{escape(value)}</{name}>"


def read(answer: Answer, action: str) -> Element | Failure:
    """The response element of a call, or why there is none."""
    if isinstance(answer, LinkError):
        return answer.failure
    root = xml.parse(answer.body, "Envelope")
    body = root.find("Body") if root is not None else None
    if body is not None:
        found = body.find(f"{action}Response")
        if found is not None and answer.status == 200:
            return found
        fault = body.find("Fault")
        if fault is not None:
            return _why(fault, answer)
    if answer.status in (403, 404, 405, 501):
        return Failure.UNSUPPORTED
    if refused(answer.status, answer.body):
        return Failure.CREDENTIAL
    return Failure.REFUSED if answer.status >= 500 else Failure.BAD_REPLY


def _why(fault: Element, answer: HttpReply) -> Failure:
    said = " ".join(text for text in fault.itertext())[:2000].lower()
    if any(word in said for word in _ABSENT):
        return Failure.UNSUPPORTED
    if refused(answer.status, answer.body) or "notauthorized" in said:
        return Failure.CREDENTIAL
    return Failure.REFUSED


def path_of(address: str) -> str | None:
    """The path of an address that a device gave; its host is left out, behind a router it is wrong."""
    match = re.fullmatch(r"https?://[^/\s]{1,255}(/[\x21\x22\x24-\x7e]{0,500})", address, re.ASCII)
    return match[1] if match else None


def date_time(text: str, zone: tzinfo | None) -> datetime | None:
    """An xs:dateTime, in the site's zone; one without a zone is UTC."""
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    offset = timedelta(0)
    if match[7] and match[7] != "Z":
        sign = -1 if match[7][0] == "-" else 1
        offset = sign * timedelta(hours=int(match[7][1:3]), minutes=int(match[7][4:6]))
    return _at(year, month, day, hour, minute, second, offset, zone)


def clock_of(element: Element | None, zone: tzinfo | None, *, local: bool) -> datetime | None:
    """A Date and Time of GetSystemDateAndTime: in UTC, or the wall clock that the device shows."""
    parts = [xml.number(element, path) for path in (
        "Date/Year", "Date/Month", "Date/Day", "Time/Hour", "Time/Minute", "Time/Second"
    )]  # fmt: skip
    year, month, day, hour, minute, second = (-1 if part is None else part for part in parts)
    at = _at(year, month, day, hour, minute, second, timedelta(0), UTC)
    if at is None:
        return None
    return at.replace(tzinfo=zone) if local else at.astimezone(zone)


def _at(
    year: int, month: int, day: int, hour: int, minute: int, second: int, offset: timedelta, zone: tzinfo | None
) -> datetime | None:
    if not 2000 <= year <= 2099:
        return None
    try:
        return (datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC) - offset).astimezone(zone)
    except ValueError:
        return None
