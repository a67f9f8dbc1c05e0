"""The daemon's own figures for the record: each line of devices, and itself, once a minute and when it changes.

Pure apart from what it remembers; the recorder looks, and hands over what it sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sentinel.gateway.poller import PollStats
    from sentinel.settings.site import Settings
    from sentinel.telemetry.model import Counts
    from sentinel.telemetry.sampling import Sampler

LINK_UP_S = 10.0  # a line without an answer for so long (or for two of its slowest polls) is down
MINUTE_MS = 60_000
HEALTH = {"ok": 0, "impaired": 1, "bare": 2}


@dataclass(slots=True)
class _Link:
    """What was last seen of a line."""

    patience_s: float
    answered: int
    answered_at: float
    up: bool | None = None  # None: nothing was heard of it yet, for less than its patience
    told: bool | None = None


@dataclass(frozen=True, slots=True)
class Daemon:
    """The daemon as it is now. Sizes in the steps of `machine`; None: not known."""

    health: str
    uptime_s: int
    synced: bool
    missed: int  # readings that nobody sampled
    rss_bytes: int | None
    free_bytes: int | None


class Vitals:
    """What was last recorded of lines and daemon, and what is due."""

    def __init__(self, settings: Settings, sampler: Sampler) -> None:
        self._settings, self._sampler = settings, sampler
        self._links: dict[str, _Link] = {}
        self._minute = -1
        self._health = ""

    def look(self, links: Mapping[str, PollStats], daemon: Daemon, counts: Counts, now: float, now_ms: int) -> None:
        """`now` is the run's monotonic time, `now_ms` wall time."""
        turned, self._minute = now_ms // MINUTE_MS != self._minute, now_ms // MINUTE_MS
        for name, stats in links.items():
            self._link(name, stats, now, now_ms, due=turned)
        if turned or daemon.health != self._health:
            self._health = daemon.health
            self._daemon(daemon, counts, now_ms)

    def _link(self, name: str, stats: PollStats, now: float, now_ms: int, *, due: bool) -> None:
        answered = stats.reads - stats.failed
        link = self._links.get(name)
        if link is None or answered < link.answered:  # a reload made the poller anew
            link = self._links[name] = _Link(self._patience_s(name), 0, now)
        if answered > link.answered:
            link.answered, link.answered_at, link.up = answered, now, True
        elif now - link.answered_at > link.patience_s:
            link.up = False
        if link.up is None or (link.up is link.told and not due):
            return
        link.told = link.up
        values = {"up": int(link.up), "latency_ms": round(stats.latency_s * 1000, 1), "errors": stats.failed}
        self._sampler.other("link", {"branch": self._settings.branch.id, "link": name}, values, now_ms)

    def _patience_s(self, link: str) -> float:
        devices = {id_ for id_, device in self._settings.devices.items() if device.link == link}
        polled = [every for point, every in self._settings.polled.items() if point.partition(".")[0] in devices]
        # Of several devices the quick one may be dead; a recorder alone is asked every few seconds, beside once an hour.
        return max(LINK_UP_S, 2 * (min if len(devices) == 1 else max)(polled, default=0.0))

    def _daemon(self, daemon: Daemon, counts: Counts, now_ms: int) -> None:
        values: dict[str, bool | int | float | str] = {
            "uptime_s": daemon.uptime_s,
            "spool_depth": counts.waiting,
            "points_made": counts.made,
            "points_written": counts.written,
            "points_dropped": counts.dropped,
            "readings_missed": daemon.missed,
            "health": HEALTH[daemon.health],
            "clock_synced": int(daemon.synced),
        }
        if daemon.rss_bytes is not None:
            values["rss_bytes"] = daemon.rss_bytes
        if daemon.free_bytes is not None:
            values["disk_free_bytes"] = daemon.free_bytes
        self._sampler.other("gateway", {"branch": self._settings.branch.id}, values, now_ms)
