"""What stands in a simulated Hikvision recorder: cameras, disks, files, clock. Plain values that demo and tests turn."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Span = tuple[datetime, datetime]

# 64 x 48, grey, a bright door and a dark ball: a real picture that any reader of JPEG opens
JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWGkJ6jq62rZ4C8ybqmx5"
    "moq6T/wAALCAAwAEABAREA/8QAGgAAAwEBAQEAAAAAAAAAAAAAAgQFAwABBv/EAC0QAQACAQICCAUFAAAAAAAAAAEAAgMEEQUSISQxNEFRgbEVMlNh"
    "cnGSosHR/9oACAEBAAA/AJoQghhCCEEMIQQwiASzoNDp8ukx5MmPezvu8z5sY+HaT6X8n/YhxDBjw561x15Rrvtvv4sW6A3XYIrfiFa22pRsea7TfS"
    "6umd5duW/k+P6RsIiEvcM7jj9fdjUl8VOs1/A92R+JWa0pQ7LKvpEJ6KIjsnYk+gwWb4aXe21RdomEu8N7jj9fdjMmcTOsV/A92TdZpnPiOX569J9/"
    "tJSIomydozXTae+pyctegPmt5S/ShSpWpsBsREJc4d3LH6+7GJO4kdYr+P8AbFgnWw47u98dbPmm80pStKla1Kh4BtDCIhNaZctala5LgeBZhmbN9W"
    "/7mc2td3tZs+a7z0IYQghBP//Z"
)


class Fault(StrEnum):
    """How it can be wrong, for every question whose path holds the given text."""

    SLOW = "slow"  # half a second
    SILENT = "silent"
    GARBLED = "garbled"
    TRUNCATED = "truncated"
    LYING = "lying"  # a search finds nothing; anything else is the answer to another question
    ABSENT = "absent"  # 404
    FORBIDDEN = "forbidden"  # 403
    BUSY = "busy"  # 503
    BUSY_ONCE = "busy-once"  # 503 every second time
    PAGE = "page"  # the login page, with 200
    WORDS = "words"  # an error in words, with 200


@dataclass(slots=True)
class SimCamera:
    """One channel. Files lie on whole multiples of `SimRecorder.file_minutes`, and the last one is being written."""

    name: str
    analogue: bool = False
    online: bool = True  # an IP camera
    lost: bool = False  # no signal
    detected: str = "connect"
    mode: str = "CMR"  # or MOTION, or "" for no schedule
    kept_days: float = 120.0
    stopped: datetime | None = None  # aware: no file ends later
    gaps: list[Span] = field(default_factory=list)  # aware
    says_recording: bool | None = None  # what it says of itself; None: the truth
    scene: str = "normal"  # of SimRecorder.pictures

    def intervals(self, now: datetime) -> Iterator[Span]:
        """What was recorded without a break."""
        start, end = now - timedelta(days=self.kept_days), min(self.stopped or now, now)
        for first, last in sorted(self.gaps):
            if start < first < end:
                yield start, first
            start = max(start, min(last, end))
        if start < end:
            yield start, end

    def recording(self, now: datetime) -> bool:
        """Whether it records."""
        held = any(first <= now < last for first, last in self.gaps)
        return not held and (self.stopped is None or self.stopped > now)


@dataclass(slots=True)
class SimDisk:
    """One disk. Full and overwriting from the first day, as real ones are."""

    status: str = "ok"
    capacity_mb: int = 7_630_885
    free_mb: int = 0
    property: str = "RW"


@dataclass(slots=True)
class SimRecorder:
    """Everything that may be turned."""

    cameras: dict[int, SimCamera]
    disks: dict[int, SimDisk] = field(default_factory=lambda: {1: SimDisk()})
    serial: str = "DS-7616NI-K20120190315CCRR123456789WCVU"
    model: str = "DS-7616NI-K2"
    kind: str = "NVR"  # or DVR, HDVR
    firmware: str = "V4.30.085"
    username: str = "sentinel"
    password: str = "right"  # noqa: S105 of a simulator
    algorithms: tuple[str, ...] = ("MD5",)  # and SHA-256
    locks_after: int = 5
    locked_for_s: float = 1800.0
    open: bool = False  # gives pictures to whoever asks
    ntp: str = "10.0.0.1"  # "" for a clock set by hand
    drift: timedelta = timedelta()
    tag: str = "+05:30"  # of its local time; "Z" stands behind the wall clock on some, "Z!" behind the true instant
    zone: str = "CST-5:30:00"
    file_minutes: float = 60
    utc_search: bool = False  # takes the Z of a search for UTC; most take it for their own wall clock
    page: int = 40  # files of one page at most
    position: str = ""  # the one spelling of a search's place that it knows; "" for both
    strict: bool = False  # refuses the other spelling, where some pass over it
    more: str = "Strg"  # the end of its word for what follows: Strg, Strip, Strp; "" for no word
    numbers_from: int = 1  # of chanStatus: 33 on some
    nested: bool = False  # the second shape of chanStatus
    namespace: str = "http://www.hikvision.com/ver20/XMLSchema"
    heartbeat_s: float = 10.0
    now: Callable[[], datetime] = lambda: datetime.now().astimezone()  # its zone is the site's
    pictures: dict[str, bytes] = field(default_factory=lambda: {"normal": JPEG})  # by scene, as bytes of JPEG
    faults: dict[str, Fault] = field(default_factory=dict)  # text in the path -> fault

    def wall(self, time: datetime) -> datetime:
        """That time as its own clock shows it, no zone."""
        return time.replace(tzinfo=None) + self.drift

    def files(self, camera: SimCamera, start: datetime, end: datetime) -> Iterator[Span]:
        """Those that touch the window, all in its own wall clock, the oldest first."""
        length = timedelta(minutes=self.file_minutes)
        for first, last in camera.intervals(self.now()):
            begin, stop = self.wall(first), self.wall(last)
            if begin > end or stop < start:
                continue
            midnight = begin.replace(hour=0, minute=0, second=0, microsecond=0)
            skipped = max((max(start, begin) - midnight) // length - 1, 0)
            edge = midnight + skipped * length
            while edge <= min(stop, end):
                file = max(edge, begin), min(edge + length, stop)
                if file[0] < file[1] and file[0] <= end and file[1] >= start:
                    yield file
                edge += length
