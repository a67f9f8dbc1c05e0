"""Which places the police ask for are seen by a camera now: the entrance, the four sides, the road.

A place is dark when every camera that is meant to see it is blind: no picture, or a black, covered, frozen or turned one.
While one of them is not known, nor is the place: nothing new is told, for the recorder's own incident speaks then. Pure;
`gateway.coverage` looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sentinel.core.codes import ROLES
from sentinel.core.model import Condition, Role
from sentinel.core.signal import Signal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sentinel.core.detect import ZoneView
    from sentinel.core.model import Sight


class Seen(StrEnum):
    """How a place is seen. The words of DARK and MISSING are reasons (`words.REASONS`)."""

    SEEN = "seen"
    DARK = "dark"  # every camera that is meant to see it is blind
    MISSING = "no-camera"  # none is meant to see it
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Camera:
    """One camera: the places that it is meant to see, and the zones that say whether it does."""

    id: str  # "<recorder>.<camera>"
    sees: tuple[Sight, ...]
    video: tuple[str, ...]  # ids of its zones with the role camera-video
    picture: tuple[str, ...] = ()  # and camera-picture


@dataclass(frozen=True, slots=True)
class Place:
    """One place as it is now."""

    sight: Sight
    seen: Seen
    cameras: tuple[str, ...]  # meant to see it


def places(must_see: Sequence[Sight], cameras: Sequence[Camera], zones: Mapping[str, ZoneView]) -> tuple[Place, ...]:
    """Each place that must be seen, in the order given."""
    found = []
    for sight in must_see:
        meant = [camera for camera in cameras if sight in camera.sees]
        found.append(Place(sight, _seen({_sees(camera, zones) for camera in meant}), tuple(one.id for one in meant)))
    return tuple(found)


def news(
    now: Sequence[Place], conditions: Mapping[str, Condition], accepted: Sequence[Sight] = ()
) -> tuple[Signal, ...]:
    """What has changed since it was last told. `conditions`: by key, as the state keeps them.

    A place that the bank has accepted to be without a camera is not told; one that is asked for no more is closed without
    a word.
    """
    told = {key for key, last in conditions.items() if key.startswith("coverage:") and last is Condition.ALARM}
    gone = told - {subject_of(place.sight) for place in now}
    found = [_signal(subject, Condition.NORMAL, folded=True) for subject in sorted(gone)]
    for place in now:
        subject = subject_of(place.sight)
        accepts = place.seen is Seen.MISSING and place.sight in accepted
        if place.seen is Seen.UNKNOWN:
            continue
        if subject in told and (accepts or place.seen is Seen.SEEN):
            found.append(_signal(subject, Condition.NORMAL, folded=accepts))
        elif subject not in told and not accepts and place.seen is not Seen.SEEN:
            found.append(_signal(subject, Condition.ALARM, place.seen, ", ".join(place.cameras)[:80]))
    return tuple(found)


def subject_of(sight: Sight) -> str:
    """What an incident of this place is about."""
    return f"coverage:{sight}"


def _seen(cameras: set[bool | None]) -> Seen:
    if not cameras:
        return Seen.MISSING
    if True in cameras:
        return Seen.SEEN
    return Seen.UNKNOWN if None in cameras else Seen.DARK


def _sees(camera: Camera, zones: Mapping[str, ZoneView]) -> bool | None:
    """Whether this camera sees anything; None: not known. A picture that is not judged yet is no doubt at the video."""
    known = [zones[zone] for zone in (*camera.video, *camera.picture) if zone in zones and not zones[zone].unknown]
    if any(view.condition is Condition.ALARM for view in known):
        return False
    has_video = any(view.zone.id in camera.video and view.condition is Condition.NORMAL for view in known)
    return True if has_video else None


def _signal(subject: str, condition: Condition, reason: str = "", value: str = "", *, folded: bool = False) -> Signal:
    rule = ROLES[Role.COVERAGE]
    return Signal(
        subject, Role.COVERAGE, condition, Condition.ALARM, rule.event, rule.severity, reason, value, folded=folded
    )
