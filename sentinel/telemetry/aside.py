"""Work that may hang, in a thread of its own: never in the pool that every name on the network is looked up with.

One piece of work at a time: while one hangs, the next is refused at once, so that a dying card takes one thread and no
more. The wire and the writer use it.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Aside:
    """One thread, begun with the first piece of work."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._busy = False

    async def run(self, work: Callable[[], T], deadline_s: float) -> T:
        """What `work` returns or raises; TimeoutError when it takes longer, or what came before it hangs yet."""
        if self._busy:
            raise TimeoutError

        begun = False

        def job() -> T:
            nonlocal begun
            begun = True
            try:
                return work()
            finally:
                self._busy = False

        self._busy = True
        try:
            async with asyncio.timeout(deadline_s):
                return await asyncio.get_running_loop().run_in_executor(self._executor, job)
        finally:
            if not begun:  # cancelled before the thread took it up
                self._busy = False

    def close(self) -> None:
        """What hangs is left to the kernel."""
        self._executor.shutdown(wait=False, cancel_futures=True)
