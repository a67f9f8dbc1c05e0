"""One assessment of a recorder, asked as the daemon's surveyor asks, for the commands that look once."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sentinel.duty.clock import kernel_synchronised
from sentinel.ports import LinkError, Moment

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from datetime import tzinfo

T = TypeVar("T")


async def answered(link: Any, asking: Generator[Sequence[Any], Sequence[Any], T]) -> T:
    """What the assessment returns. Its questions go out together, each one's failure comes back in its place."""
    try:
        questions = next(asking)
        while True:
            questions = asking.send(await asyncio.gather(*(_one(link, question) for question in questions)))
    except StopIteration as end:
        found: T = end.value
        return found
    finally:
        asking.close()


async def _one(link: Any, question: Any) -> Any:
    try:
        return await link.read(question)
    except LinkError as error:
        return error


def moment(zone: tzinfo | None) -> Moment:
    """Now, in the site's zone; None: this machine's."""
    return Moment(datetime.now(UTC).astimezone(zone), time.monotonic(), kernel_synchronised())


def state_folder(wanted: str) -> tuple[Path, bool]:
    """Where refused passwords are remembered, and whether that is the daemon's own place: an installer may not write there."""
    folder = Path(wanted)
    if os.access(folder, os.W_OK):
        return folder, True
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state"
    return Path(home) / "sentinel", False
