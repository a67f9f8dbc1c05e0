"""What the branch may see of itself: zones, incidents, ways out, as plain JSON values. Rule 6 is kept here, once.

Of a hold-up or duress point only *supervised* or its own fault is ever shown, and nothing anywhere in these values
differs between a quiet branch and one where somebody has just pressed the button: no incident, count or number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sentinel.core import ladder, words
from sentinel.core.codes import ROLES
from sentinel.core.encoding import stamp
from sentinel.core.model import Condition
from sentinel.core.said import own_words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sentinel.core.detect import ZoneView
    from sentinel.core.incident import Incident, State
    from sentinel.core.model import Text


def zone(view: ZoneView) -> dict[str, Any]:
    """One zone. `state`: normal, alarm, trouble, unknown, or supervised for a silent role."""
    silent = ROLES[view.zone.role].silent
    if not silent:
        state = str(view.condition)
    elif view.unknown:
        state = str(Condition.UNKNOWN)
    else:
        state = str(Condition.TROUBLE) if view.reason else "supervised"
    label = words.SUPERVISED if state == "supervised" else words.CONDITIONS[Condition(state)]
    return {
        "id": view.zone.id,
        "role": view.zone.role,
        "name": _both(view.zone.name),
        "state": state,
        "label": _both(label),
        "reason": view.reason,
        "age_s": round(view.age_s, 1),
        "value": None if silent or view.unknown else view.value,
        "active": None if silent or view.unknown else view.active,
        "stale": view.unknown,
    }


def incident(one: Incident, state: State, names: Mapping[str, Text], now: datetime) -> dict[str, Any]:
    """One incident with its timeline, as the branch may see it. Never called for a silent one."""
    answer, own = ladder.standing(one, now), own_words(state, one)
    due = ladder.due_in(state, one, now)
    return {
        "code": one.code,
        "subject": one.subject,
        "name": _both(names[one.subject]) if one.subject in names else None,
        "role": one.role,
        "label": _both(words.ROLES[one.role]),
        "severity": one.severity,
        "test": one.test,
        "reason": one.reason,
        "said": None if own is None else _both(own),
        "hides": list(one.hides),
        "opened_at": stamp(one.opened_at),
        "closed_at": None if one.closed_at is None else stamp(one.closed_at),
        "disposition": one.disposition,
        "state": "closed" if one.closed_at else (answer.kind if answer else "open"),
        "still_active": one.active,
        "next_at": None if one.closed_at or due.next_at is None else stamp(due.next_at),
        "confirmed_by": one.confirmed_by or None,
        "pictures": [{"camera": p.camera, "moment": p.moment, "at": stamp(p.at), "ref": p.ref} for p in one.pictures],
        "answers": [
            {"kind": a.kind, "by": a.by, "party": a.party, "via": a.via, "at": stamp(a.at), "until": _at(a.until)}
            for a in one.answers
        ],
        "notices": [
            {
                "contact": n.contact,
                "channel": n.channel,
                "what": n.words,
                "state": n.state,
                "at": stamp(n.at),
                "reason": n.reason,
            }
            for n in one.notices.values()
        ],
    }


def visible(state: State) -> list[Incident]:
    """Open incidents that the branch may see, loudest and oldest first."""
    ordered = sorted(state.incidents.values(), key=lambda one: (one.severity.rank, one.opened_at))
    return [one for one in ordered if not one.silent]


def closed(state: State) -> list[Incident]:
    """The last closed ones that the branch may see, newest first."""
    return [one for one in state.recent if not one.silent]


def incidents(state: State, names: Mapping[str, Text], now: datetime) -> dict[str, Any]:
    """Open incidents and the last closed ones."""
    return {
        "open": [incident(one, state, names, now) for one in visible(state)],
        "recent": [incident(one, state, names, now) for one in closed(state)],
        "complete": complete(state),
    }


def complete(state: State) -> bool:
    """False until the journal has said what was open before this start: nothing shown is then not nothing open."""
    return bool(state.epoch)


def count(state: State) -> int | None:
    """How many are open; None while that is not known."""
    return len(visible(state)) or (0 if complete(state) else None)


def notices(state: State) -> dict[str, dict[str, int]]:
    """{channel: {state: how many}} over what `incidents` shows."""
    found: dict[str, dict[str, int]] = {}
    for one in (*visible(state), *closed(state)):
        for notice in one.notices.values():
            counts = found.setdefault(notice.channel, {})
            counts[notice.state] = counts.get(notice.state, 0) + 1
    return found


def _both(text: Text) -> dict[str, str]:
    return {"hi": text.hi, "en": text.en}


def _at(when: datetime | None) -> str | None:
    return None if when is None else stamp(when)
