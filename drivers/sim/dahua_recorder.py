"""The state of a simulated Dahua recorder: everything here may be turned while it is served."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Fault(StrEnum):
    """How it can be wrong, for every question whose target holds the given text."""

    SLOW = "slow"
    SILENT = "silent"
    GARBLED = "garbled"
    TRUNCATED = "truncated"
    LYING = "lying"  # the right words about another camera
    ABSENT = "absent"  # "Not Implemented!"
    FORBIDDEN = "forbidden"
    BUSY = "busy"


@dataclass(slots=True)
class SimCamera:
    """One channel. Its files are as long as `Recorder.file_minutes` and lie on the whole hours."""

    name: str
    lost: bool = False
    connection: str | None = None  # an IP camera's state; None: an analogue input
    kept_days: float = 120.0
    stopped: datetime | None = None  # no file ends later
    gaps: list[tuple[datetime, datetime]] = field(default_factory=list)
    mode: int = 0
    mask: int = 1  # of the schedule: 1 continuous, 2 motion
    says: int | None = None  # what getStateAll answers; None: the truth


@dataclass(slots=True)
class SimDisk:
    """One disk. Full from the day it was formatted, as real ones are."""

    name: str = "/dev/sda"
    state: str = "Success"
    type: str = "ReadWrite"
    error: bool = False
    total: float = 4_000_787_030_016.0
    used: float = 4_000_787_030_016.0


@dataclass(slots=True)
class Recorder:
    """Everything that may be turned."""

    cameras: list[SimCamera]
    disks: list[SimDisk] = field(default_factory=lambda: [SimDisk()])
    serial: str = "4H05C1CPAZ8A31D"
    model: str = "CP-UNR-4K2322-V2"
    vendor: str = "CP PLUS"
    version: str = "4.001.0000000.3,build:2024-06-25"
    username: str = "sentinel"
    password: str = "right"  # noqa: S105 of a simulator
    locks_after: int = 5
    open: bool = False  # gives its picture to whoever asks
    ntp: bool = True
    drift_s: float = 0.0
    file_minutes: int = 60
    pictures_only: bool = False  # what lies there are snapshots, which prove no recording
    typed: bool = True  # False: firmware that answers 400 to a search for recordings alone
    strict_uri: bool = True  # False: a digest over another spelling of the same target is taken
    bare_lists: bool = False  # list[0] in place of list.info[0]
    now: Callable[[], datetime] = lambda: datetime.now().astimezone()  # its zone is the site's
    faults: dict[str, Fault] = field(default_factory=dict)  # text in the target -> fault
    slow_s: float = 0.5
    storage_event: str = ""  # "StorageFailure" or "StorageNotExist"

    def clock(self) -> datetime:
        """Its own wall clock."""
        return self.now() + timedelta(seconds=self.drift_s)

    def files(self, at: int, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        """The files of a camera that touch this time, the oldest first; the one being written ends now."""
        camera, now = self.cameras[at], self.clock()
        last = min(now, camera.stopped or now)
        first = last - timedelta(days=camera.kept_days) if camera.stopped is None else now - timedelta(camera.kept_days)
        long = timedelta(minutes=self.file_minutes)
        begin = start.replace(minute=0, second=0, microsecond=0) - long
        begin = max(begin, first.replace(minute=0, second=0, microsecond=0))
        found = []
        while begin < min(end, last):
            until = min(begin + long, last)
            for gap_start, gap_end in camera.gaps:
                if gap_start < until and begin < gap_end:
                    until = min(until, max(gap_start, begin))
            if until > begin and until > start:
                found.append((begin, until))
            begin += long
        return found
