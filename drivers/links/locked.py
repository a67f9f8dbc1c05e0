"""Whether an answer says that the device has locked the account or our address. Pure; called by the links that sign in."""

from __future__ import annotations

import re
from typing import Final

_LOOKED_AT: Final = 8192  # bytes; such answers have some hundreds

# Hikvision: <lockStatus>lock</lockStatus> (unlock: only wrong), subStatusCode userLocked; Dahua and others say it in words.
# A resource may be called illegalLoginLock, and an error names its resource: that is no lock.
_WORDS: Final = re.compile(
    r"""lockstatus"?>?\s{0,9}[:=]?\s{0,9}"?lock\b
    | substatuscode"?>?\s{0,9}[:=]?\s{0,9}"?(?:user|account|ip|login)?_?(?:is_?)?(?:locked|illegallogin)\b
    | \b(?:user|account|ip|address|login)(?:\W+(?:has|is|was|been)){0,2}[\W_]*locked\b""",
    re.IGNORECASE | re.VERBOSE,
)


def locked(status: int, body: bytes) -> bool:
    """True for a 401 or 403 (or 423) that says so; any other refusal is about the password or the request."""
    if status == 423:
        return True
    return status in {401, 403} and _WORDS.search(body[:_LOOKED_AT].decode("utf-8", "replace")) is not None
