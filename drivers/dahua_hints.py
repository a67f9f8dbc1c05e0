"""A Dahua recorder's event stream, as hints when to poll. A dropped stream, or a heartbeat that fails, is no alarm.

The stream is multipart text/plain. A part is "Heartbeat" or "Code=VideoLoss;action=Start;index=0", now and then with a
`data={json}` over many lines; some firmware leaves the index out. Only the line of the code is looked at.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from drivers.text_lines import TextLines
from sentinel.ports import HttpRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

CODES = {"VideoLoss": "state", "StorageNotExist": "state", "StorageFailure": "state"}
HEARTBEAT_S = 5
SILENT_S = 4.0 * HEARTBEAT_S
LINE = 4096

_CODE = re.compile(rb"\s*Code=(\w{1,40})\s*;\s*action=(?:Start|Stop|Pulse)\b", re.ASCII)


class DahuaHints:
    """ports.Hints."""

    def __init__(self) -> None:
        self._lines = TextLines(LINE)

    def request(self) -> HttpRequest:
        """What opens the stream."""
        self._lines.clear()
        codes = ",".join(CODES)
        return HttpRequest(
            f"/cgi-bin/eventManager.cgi?action=attach&codes=[{codes}]&heartbeat={HEARTBEAT_S}", timeout_s=SILENT_S
        )

    def feed(self, data: bytes) -> Sequence[str]:
        """The rounds that should run at once, each named once."""
        due: dict[str, None] = {}
        for line in self._lines.feed(data):
            match = _CODE.match(line)
            if match and (name := CODES.get(match[1].decode("ascii"))):
                due[name] = None
        return list(due)
