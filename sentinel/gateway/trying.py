"""Tries a channel that nobody uses: a mail server that died in March is found in March, not in the night it matters.

One task a channel, for as long as the channel is at work. It never sends a letter; `Ways` weighs what it says.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sentinel.ports import ChannelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sentinel.ports import Checked

EVERY_S = 1800.0
AGAIN_S = 60.0  # after a failure: one alone may be a router that starts later than we do
DEADLINE_S = 30.0  # a channel's own is shorter; this one is for a channel that forgot
DOWN_AFTER = 2  # failures in a row


async def keep_trying(channel: Checked, say: Callable[[bool, str], None]) -> None:
    """For ever. `say(up, reason)` after every check that settles it."""
    failures = 0
    while True:
        reason = await _trouble(channel)
        failures = 0 if reason is None else failures + 1
        if reason is None or failures >= DOWN_AFTER:
            say(reason is None, reason or "")
        await asyncio.sleep(AGAIN_S if failures else EVERY_S)


async def _trouble(channel: Checked) -> str | None:
    try:
        async with asyncio.timeout(DEADLINE_S):
            await channel.check()
    except ChannelError as error:
        return str(error)
    except TimeoutError:
        return "the channel did not answer"
    return None
