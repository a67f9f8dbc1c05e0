"""The shipped example, and the part of it that is wired by hand: what most stories live in."""

from __future__ import annotations

import re
from pathlib import Path

EXAMPLE = Path(__file__).parent.parent / "config" / "branch.example.yaml"


def wired(text: str | None = None) -> str:
    """The example without its recorder and its talking panel."""
    text = EXAMPLE.read_text(encoding="utf-8") if text is None else text
    for start in ("  receiver: ", "  cctv:", "  intruder-panel:", "  recorder:"):
        text, found = re.subn(rf"(?m)^{start}.*\n(?:    .*\n)+", "", text)
        assert found == 1, start
    return re.sub(r"(?m)^  (?:must_see|not_seen_accepted): .*\n", "", text)
