"""People's names, kept beside the chain: remembered as a reference, revealed from memory when a letter is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sentinel.journal.errors import JournalUnavailable

if TYPE_CHECKING:
    from sentinel.core.incident import State
    from sentinel.journal.thread import Journal

KEPT = 1000  # names in memory; the oldest is the loser and its letters say the post only


class Names:
    """The names that this run has seen or needs."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._known: dict[str, str] = {}

    async def remember(self, name: str) -> str:
        """The reference that a fact may hold; "" when it cannot be kept, and the answer counts all the same."""
        if not name:
            return ""
        try:
            ref = await self._journal.aside(name, "name")
        except JournalUnavailable:
            return ""
        self._known[ref] = name
        if len(self._known) > KEPT:
            self._known.pop(next(iter(self._known)))
        return ref

    async def learn(self, state: State) -> None:
        """Look up who answered what is still open."""
        for incident in (*state.incidents.values(), *state.recent):
            for answer in incident.answers:
                if answer.name and answer.name not in self._known:
                    self._known[answer.name] = await self._journal.reveal(answer.name) or ""

    def reveal(self, ref: str) -> str:
        """The name, or "" when it was erased or is not in memory."""
        return self._known.get(ref, "")
