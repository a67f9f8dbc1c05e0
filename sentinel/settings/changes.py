"""What changed between two fingerprints, and which changes weaken: somebody is told less, later or not at all.

Pure. Works on redacted configs, so that the last program can be compared that a journal remembers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sentinel.core.codes import ROLES
from sentinel.core.facts import Change
from sentinel.core.model import Role, Severity
from sentinel.settings.hours import SiteKind
from sentinel.settings.place import week

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sentinel.settings.fingerprint import Plain

_ABSENT: Any = object()
_LONGEST = 120  # of one side of a change, in characters
_LOUD = {Severity.CRITICAL, Severity.HIGH}
FAULTS, HOLD_UPS = 200, 12  # Contact ID: events below are alarms; 120 to 129 are hold-ups and duress

Where = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Change:
    """One difference, with both programs around it."""

    where: Where
    before: Any
    after: Any
    old: Plain
    new: Plain

    @property
    def removed(self) -> bool:
        """Whether the place is gone."""
        return self.after is _ABSENT

    @property
    def added(self) -> bool:
        """Whether the place is new."""
        return self.before is _ABSENT

    def loud_zone(self) -> bool:
        """Whether it befalls a zone that was critical or high."""
        return self.old.get("zones", {}).get(self.where[1], {}).get("severity") in _LOUD

    def loud_device(self) -> bool:
        """Whether a critical or high zone stood behind the device or link."""
        section, id_ = self.where[:2]
        every = self.old.get("devices", {})
        devices = {id_} if section == "devices" else {d for d, x in every.items() if x.get("link") == id_}
        return any(
            zone.get("severity") in _LOUD and str(zone.get("point")).partition(".")[0] in devices
            for zone in self.old.get("zones", {}).values()
        )


def difference(old: Plain, new: Plain) -> tuple[Change, ...]:
    """Every place that differs, in order; none when the programs are the same."""
    return tuple(
        Change(".".join(change.where), _what(change), _weakens(change)) for change in _walk((), old, new, old, new)
    )


def _walk(where: Where, before: Any, after: Any, old: Plain, new: Plain) -> Iterator[_Change]:
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from _walk((*where, key), before.get(key, _ABSENT), after.get(key, _ABSENT), old, new)
    elif before is _ABSENT or after is _ABSENT or before != after:
        yield _Change(where, before, after, old, new)


def _what(change: _Change) -> str:
    if change.removed:
        return "removed"
    if change.added:
        return "added"
    return f"{_short(change.before)} -> {_short(change.after)}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _weakens(change: _Change) -> bool:
    return any(_fits(pattern, change.where) and judge(change) for pattern, judge in _WEAKENINGS)


def _fits(pattern: Sequence[str], where: Where) -> bool:
    """`*` stands for one key; a pattern that ends in `**` takes everything below."""
    if pattern[-1] == "**":
        pattern, where = pattern[:-1], where[: len(pattern) - 1]
    return len(pattern) == len(where) and all(p in ("*", w) for p, w in zip(pattern, where, strict=True))


def _removed(change: _Change) -> bool:
    return change.removed


def _replaced(change: _Change) -> bool:
    return not change.added


def _longer(change: _Change) -> bool:
    if change.added or change.removed:
        return False
    before, after = change.before, change.after
    if not isinstance(before, int | float) or not isinstance(after, int | float):
        return True  # an older release wrote it otherwise: better told than missed
    return after > before


def _mark_dropped(change: _Change) -> bool:
    return change.before is True


def _gained(change: _Change) -> bool:
    return not change.removed and bool(set(change.after) - set(() if change.added else change.before))


def _lost(change: _Change) -> bool:
    return not change.added and bool(set(change.before) - set(() if change.removed else change.after))


def _shorter(change: _Change) -> bool:
    if change.added or change.removed:
        return False
    before, after = change.before, change.after
    return not (isinstance(before, int | float) and isinstance(after, int | float) and after >= before)


def _held_less(change: _Change) -> bool:
    """Whether a legal hold on recordings was lifted, or reaches less far back."""
    return change.before not in (None, _ABSENT) and (change.after in (None, _ABSENT) or change.after > change.before)


def _camera_lost(change: _Change) -> bool:
    """Whether a recorder went, and its cameras with it."""
    return change.removed and bool(change.before.get("options", {}).get("cameras"))


def _opens_longer(change: _Change) -> bool:
    """Whether the branch counts as open at a time of the week when it did not: faults weigh less by day."""
    try:
        before, after = (week(program["branch"]["hours"]["open"]) for program in (change.old, change.new))
    except (KeyError, TypeError, ValueError, AttributeError):
        return True  # an older release wrote it otherwise: better told than missed
    return any(
        not any(opens <= start and end <= closes for opens, closes in was)
        for was, is_ in zip(before, after, strict=True)
        for start, end in is_
    )


def _opener_to_strangers(change: _Change) -> bool:
    """Whether a broker or mail server is taken from now on whose certificate nobody has looked at."""
    if isinstance(change.after, dict):
        return change.after.get("insecure") is True
    return not change.added


def _loud_row(change: _Change) -> bool:
    return not change.added and change.where[1].rpartition(" ")[2] in _LOUD


def _loud_zone_touched(change: _Change) -> bool:
    return change.loud_zone()


def _loud_zone_slower(change: _Change) -> bool:
    return change.loud_zone() and _longer(change)


def _loud_device_touched(change: _Change) -> bool:
    return not change.added and change.loud_device()


def _less_watched(change: _Change) -> bool:
    """Whether a panel's periodic test is waited for no more, longer, or by another line."""
    longer = change.where[-1] not in ("every", "test_every") or change.after is None or _longer(change)
    return change.before not in (None, _ABSENT) and longer and change.loud_device()


def _taken_from_the_loud(change: _Change) -> bool:
    """Whether a panel's new point takes alarms that were told louder, or more quietly where it must be quiet, before."""
    if not change.added or not change.loud_device():
        return False
    try:
        events, role = change.after.get("event") or [], Role(change.after["role"])
    except (AttributeError, KeyError, ValueError):
        return True
    alarms = not events or any(event < FAULTS for event in events)
    hold_up = any(event // 10 == HOLD_UPS for event in events)
    return (alarms and ROLES[role].severity not in _LOUD) or (hold_up and not ROLES[role].silent)


# DESIGN rule 16. The first pattern that fits and whose judge agrees is enough.
_WEAKENINGS: tuple[tuple[tuple[str, ...], Callable[[_Change], bool]], ...] = (
    (("zones", "*"), lambda c: c.removed and c.loud_zone()),
    (("zones", "*", "role"), _loud_zone_touched),
    (("zones", "*", "point"), _loud_zone_touched),
    (("zones", "*", "wiring", "**"), _loud_zone_touched),
    (("zones", "*", "accept"), _loud_zone_touched),
    (("zones", "*", "polled"), _loud_zone_slower),
    (("zones", "*", "on_delay"), _longer),
    (("zones", "*", "stale_after"), _longer),
    (("contacts", "*"), _removed),
    (("contacts", "*", "party"), _replaced),
    (("contacts", "*", "on_site"), _mark_dropped),
    (("contacts", "*", "shared_group"), _mark_dropped),
    (("contacts", "*", "addresses", "*"), _replaced),
    (("paths", "*"), _removed),
    (("ladders", "*"), _removed),
    (("ladders", "*", "single_path"), lambda c: c.after == "accepted"),
    (("ladders", "*", "round"), _longer),
    (("ladders", "*", "steps", "*"), _removed),
    (("ladders", "*", "steps", "*", "after"), _longer),
    (("ladders", "*", "steps", "*", "tell", "*"), _removed),
    (("told", "*"), _loud_row),
    (("channels", "*", "options", "host"), _replaced),
    (("channels", "*", "options", "port"), _replaced),
    (("channels", "*", "options", "security"), lambda c: c.after == "none"),
    (("channels", "*", "options", "tls"), _opener_to_strangers),
    (("channels", "*", "options", "tls", "insecure"), lambda c: c.after is True),
    (("gateway", "clock"), lambda c: c.after == "trusted"),
    (("branch", "kind"), lambda c: c.after == SiteKind.ATM_LOBBY),
    (("branch", "time_zone"), _replaced),
    (("branch", "hours", "open", "*"), _opens_longer),
    (("branch", "hours", "closed_saturdays"), _lost),
    (("rooms", "*"), lambda c: c.added and bool(c.after.get("may_speak_for"))),
    (("rooms", "*", "may_speak_for"), _gained),
    (("branch", "own_addresses"), _lost),
    (("branch", "must_see"), _lost),
    (("branch", "not_seen_accepted"), _gained),
    (("devices", "*"), _camera_lost),
    (("devices", "*", "options", "cameras", "*"), _removed),
    (("devices", "*", "options", "cameras", "*", "sees"), _lost),
    (("devices", "*", "options", "cameras", "*", "watches"), _lost),
    (("devices", "*", "options", "cameras", "*", "record"), lambda c: c.after == "motion"),
    (("devices", "*", "options", "footage", "days"), _shorter),
    (("devices", "*", "options", "footage", "hold_since"), _held_less),
    (("devices", "*", "options", "points", "**"), _loud_device_touched),
    (("devices", "*", "options", "points", "*"), _taken_from_the_loud),
    (("devices", "*", "options", "account"), _loud_device_touched),
    (("devices", "*", "options", "format"), _loud_device_touched),
    (("devices", "*", "options", "variant"), _loud_device_touched),
    (("devices", "*", "options", "table"), _loud_device_touched),
    (("devices", "*", "options", "lines", "**"), _loud_device_touched),
    (("devices", "*", "options", "daily_test", "**"), _less_watched),
    (("devices", "*", "options", "test_every"), _less_watched),
    (("devices", "*", "link"), _loud_device_touched),
    (("devices", "*", "driver"), _loud_device_touched),
    (("devices", "*", "options", "profile"), _loud_device_touched),
    (("devices", "*", "options", "unit"), _loud_device_touched),
    (("links", "*", "options", "host"), _loud_device_touched),
    (("links", "*", "options", "port"), _loud_device_touched),
)
