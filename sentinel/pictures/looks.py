"""From single looks at a camera to the word that is said of it. Pure.

Nothing is said from one look: two in a row must agree that something is wrong, minutes apart. Frozen is what stays the
same to the last pixel, the clock in the picture included, over three looks and five minutes: a still room never does, for
no sensor is without noise.
"""

from __future__ import annotations

from dataclasses import dataclass

from sentinel.pictures.judge import Seen

AGAIN_S = 90.0  # to the second look
FROZEN_S = 200.0  # and to the ones after it
STILL_S = 280.0  # three looks the same, over so long at least
LOOKS = 6  # in one sitting


@dataclass(frozen=True, slots=True)
class Look:
    """One picture, judged."""

    seen: Seen | None  # None: it cannot be said
    digest: str
    at: float  # monotonic seconds


@dataclass(frozen=True, slots=True)
class Verdict:
    """`say` now, or look again in so many seconds; neither: nothing can be said today."""

    say: Seen | None = None
    again_s: float | None = None


def verdict(looks: list[Look]) -> Verdict:
    """After each look of a sitting, oldest first."""
    same = _same(looks)
    last = looks[-1].seen
    before = looks[-2].seen if len(looks) > 1 else None
    if _bad(last) and _bad(before):
        return Verdict(last)
    if len(same) >= 3 and same[-1].at - same[0].at >= STILL_S:
        return Verdict(Seen.FROZEN)
    if last is Seen.OK and len(looks) > 1 and len(same) == 1:
        return Verdict(Seen.OK)
    if len(looks) >= LOOKS:
        return Verdict()
    return Verdict(again_s=AGAIN_S if len(looks) == 1 else FROZEN_S)


def _bad(seen: Seen | None) -> bool:
    return seen not in (None, Seen.OK)


def _same(looks: list[Look]) -> list[Look]:
    """The last ones that are one and the same picture."""
    count = 0
    while count < len(looks) and looks[-1 - count].digest == looks[-1].digest:
        count += 1
    return looks[len(looks) - count :]
