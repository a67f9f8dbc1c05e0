"""The state as text and back, so that a start need not replay three years. Never a source of truth.

A checkpoint is worth something only to the code that wrote it: whoever loads one compares `code` first and replays
from the beginning when it differs.
"""

from __future__ import annotations

import json

from sentinel.core.encoding import build, canonical, plain
from sentinel.core.incident import State


def dump(state: State) -> str:
    """Canonical JSON of the whole state."""
    return canonical(plain(state))


def load(text: str) -> State:
    """The state of `dump`; ValueError when it is not one."""
    try:
        state: State = build(State, json.loads(text))
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a checkpoint: {error!r}") from error
    return state
