"""What an ONVIF recorder (Profile G) says of its recordings, by channel, and which words that makes. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from drivers import xml
from drivers.onvif_soap import date_time
from drivers.recorder import NEAR_NOW, Kept, RecorderOptions, Recording, kept, near_of, recording
from sentinel.core.model import Failure, Value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo
    from xml.etree.ElementTree import Element

Values = dict[str, Value | Failure]

MOST_CHANNELS: Final = 256


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when one recording lasts, in the site's zone."""

    source: str
    earliest: datetime | None
    latest: datetime | None
    status: str


EMPTY: Final = Span("", None, None, "Stopped")  # a channel of which nothing is recorded


def listed(results: Element, zone: tzinfo | None) -> list[Span]:
    """The recordings of one GetRecordingSearchResults."""
    return [
        Span(
            xml.word(one, "Source/SourceId", 128),
            date_time(xml.word(one, "EarliestRecording"), zone),
            date_time(xml.word(one, "LatestRecording"), zone),
            xml.word(one, "RecordingStatus", 20),
        )
        for one in results.findall("ResultList/RecordingInformation")[:MOST_CHANNELS]
    ]


def by_channel(found: Sequence[Span], sources: Sequence[str], cameras: int) -> dict[int, Span]:
    """By the video source that each names; else in their order, when there is one for each source or camera here.

    A channel that is left out of a list where all others found their place has no recordings. What cannot be placed is
    left out: it says nothing about any camera.
    """
    everything = range(1, max(len(sources), cameras) + 1)
    if not found:
        return dict.fromkeys(everything, EMPTY)
    if all(one.source in sources for one in found):
        placed = dict.fromkeys(everything, EMPTY)
        for one in found:
            channel = sources.index(one.source) + 1
            placed[channel] = _both(placed[channel], one)
        return placed
    if len(found) in (len(sources), cameras):
        return dict(enumerate(found, 1))
    return {}


def _both(a: Span, b: Span) -> Span:
    """Of two recordings of one source: from the first to the last."""
    if a is EMPTY:
        return b
    starts = [at for at in (a.earliest, b.earliest) if at]
    ends = [at for at in (a.latest, b.latest) if at]
    status = "Recording" if "Recording" in (a.status, b.status) else b.status
    return Span(b.source, min(starts, default=None), max(ends, default=None), status)


def proof(options: RecorderOptions, spans: dict[int, Span], now: datetime, ahead: timedelta) -> Values:
    """`now` is the device's; `ahead` how far its clock is off, for the time that is told to people."""
    values: Values = {}
    for id_, camera in options.cameras.items():
        span = spans.get(camera.channel)
        if span is None:
            continue
        near = near_of(camera)
        if span.latest is not None and span.latest > now + NEAR_NOW:
            values[f"{id_}.recording"] = Failure.RANGE  # a recording of the future proves nothing
        elif span.latest is not None:
            values[f"{id_}.newest"] = max(0.0, round((now - span.latest).total_seconds()))
            values[f"{id_}.recording"] = recording(span.latest - ahead, now - ahead, near=near)
        elif span.status == "Recording":
            values[f"{id_}.recording"] = Recording.NOW
        elif span is EMPTY or (span.status in ("Stopped", "Removed") and camera.record == "always"):
            values[f"{id_}.recording"] = Recording.STOPPED
    return values


def footage(
    options: RecorderOptions,
    spans: dict[int, Span] | Failure,
    since: datetime | Failure | None,
    now: datetime,
    required: int,
) -> Values:
    """Of the camera that keeps least. The summary of the whole device can only say that it is too short."""
    oldest = {id_: _oldest(spans, camera.channel, now) for id_, camera in options.cameras.items()}
    values: Values = {f"{id_}.oldest": days for id_, days in oldest.items()}
    known = [days for days in oldest.values() if not isinstance(days, Failure)]
    unknown = next((days for days in oldest.values() if isinstance(days, Failure)), None)
    if unknown is not None and isinstance(since, datetime) and since <= now:
        known.append(_days(since, now))
    word = kept(min(known) or None, required) if known else None
    if unknown is None:
        values["retention"], values["footage"] = min(known), word or Kept.NONE
    else:
        values["retention"] = unknown
        values["footage"] = unknown if word in (None, Kept.KEPT) else word or unknown
    return values


def _oldest(spans: dict[int, Span] | Failure, channel: int, now: datetime) -> float | Failure:
    if isinstance(spans, Failure):
        return spans
    span = spans.get(channel)
    if span is None:
        return Failure.UNSUPPORTED
    if span is EMPTY:
        return 0.0
    return _days(span.earliest, now) if span.earliest is not None and span.earliest <= now else Failure.BAD_REPLY


def _days(since: datetime, now: datetime) -> float:
    return round((now - since).total_seconds() / 86_400, 2)
