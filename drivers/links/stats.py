"""What a link has done so far, as numbers for the metrics page. Counts only; a link tallies, others read."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sentinel.core.model import Failure


@dataclass(frozen=True, slots=True)
class LinkStats:
    """A snapshot of one link's counters since it was made."""

    requests: int  # exchanges begun on the line, those that are thrown away included
    answers: int
    failures: Mapping[Failure, int]
    crc_errors: int  # wrong checksums: a bit that changed just after one of these deserves a second read
    junk_bytes: int  # bytes that belonged to no reply
    late_frames: int  # whole replies that came when nobody waited: raise that unit's timeout
    connects: int
    latency_s: float  # of the last answer
    latency_sum_s: float  # divide by answers for the mean
    latency_max_s: float


@dataclass(slots=True)
class Tally:
    """The counters while they run. One writer."""

    requests: int = 0
    answers: int = 0
    failures: Counter[Failure] = field(default_factory=Counter)
    crc_errors: int = 0
    junk_bytes: int = 0
    late_frames: int = 0
    connects: int = 0
    latency_s: float = 0.0
    latency_sum_s: float = 0.0
    latency_max_s: float = 0.0

    def answered(self, latency_s: float) -> None:
        """Count one answer and how long it took from question to last byte."""
        self.answers += 1
        self.latency_s = latency_s
        self.latency_sum_s += latency_s
        self.latency_max_s = max(self.latency_max_s, latency_s)

    def snapshot(self) -> LinkStats:
        """The counters now."""
        return LinkStats(
            requests=self.requests,
            answers=self.answers,
            failures=dict(self.failures),
            crc_errors=self.crc_errors,
            junk_bytes=self.junk_bytes,
            late_frames=self.late_frames,
            connects=self.connects,
            latency_s=self.latency_s,
            latency_sum_s=self.latency_sum_s,
            latency_max_s=self.latency_max_s,
        )
