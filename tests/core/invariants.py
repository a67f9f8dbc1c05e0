"""What is true of every state, whatever facts made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sentinel.core.numbering import SILENT, SPOKEN

if TYPE_CHECKING:
    from sentinel.core.incident import State


def check(state: State) -> None:
    """Assert it all."""
    assert {code: one.key for code, one in state.incidents.items()} == {
        code: key for key, code in state.by_key.items()
    }, "open incidents and their keys are the same set, one to one"
    for code, incident in state.incidents.items():
        assert incident.code == code
        assert incident.closed_at is None
        assert incident.disposition is None
        assert incident.rungs >= 0
        for id_, notice in incident.notices.items():
            assert notice.id == id_
            told_as = id_.partition("-")[0]
            assert state.also.get(told_as, told_as) == code
    assert set(state.also.values()) <= state.incidents.keys()
    assert not state.also.keys() & state.incidents.keys()
    for incident in state.recent:
        assert incident.closed_at is not None
        assert incident.disposition is not None
    assert state.issued in SPOKEN
    assert state.issued_silently in SILENT
    for silent, noticed in ((False, state.noticed), (True, state.noticed_silently)):
        assert noticed >= sum(len(one.notices) for one in state.incidents.values() if one.silent is silent)
