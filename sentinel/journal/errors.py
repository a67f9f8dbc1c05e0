"""What can go wrong with the journal, as two exceptions. The desk answers the first with bare mode; `run` refuses on the second."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why the journal cannot be used now. The word goes into facts, incidents and the page."""

    FULL = "full"  # no room left, even after the reserve was freed
    READ_ONLY = "read-only"  # the file system refuses writes: a dying card is remounted so
    GONE = "gone"  # the file is no longer at its path: deleted, or its disk was taken away
    SLOW = "slow"  # no answer within the deadline: a hanging card
    DAMAGED = "damaged"  # SQLite says that the file is not whole
    FAILED = "failed"  # any other input or output error


class JournalUnavailable(Exception):  # noqa: N818 - a state of the world that is waited out, not a slip of the program
    """The journal cannot be read or written now; nothing that was asked for is promised. It may come back."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(f"journal {reason}: {text}")
        self.reason = reason
        self.text = text


class JournalRefused(Exception):  # noqa: N818 - as above
    """This file may not be used by this program at all: another one holds it, or a newer one wrote it."""
