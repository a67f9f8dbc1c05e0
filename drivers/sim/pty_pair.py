"""A serial line without hardware: two ptys, each one's output the other's input. The simulator sits on one end."""

from __future__ import annotations

import asyncio
import os
import tty
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

CHUNK = 4096


class PtyPair:
    """`ours` and `theirs` are device paths. Built inside a running loop; `close` gives everything back."""

    def __init__(self, link: Path | None = None) -> None:
        self._fds: list[int] = []
        self._loop = asyncio.get_running_loop()
        near, self.ours = self._open()
        far, path = self._open()
        self.theirs = path
        self._link: Path | None = None
        if link is not None:
            try:
                link.symlink_to(path)
            except OSError:  # the name is taken: another simulator's, or a forgotten one; not ours to remove
                self.close()
                raise
            self._link, self.theirs = link, str(link)
        for source, target in ((near, far), (far, near)):
            self._loop.add_reader(source, self._carry, source, target)

    def _open(self) -> tuple[int, str]:
        master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        self._fds += [master, slave]  # the slave stays open here, or the master would read EIO between two clients
        return master, os.ttyname(slave)

    def _carry(self, source: int, target: int) -> None:
        data = os.read(source, CHUNK)
        try:
            os.write(target, data)
        except BlockingIOError:
            return  # nobody reads the other end: a line without a listener loses what is sent, too

    def close(self) -> None:
        """Close both ptys and take the link away."""
        for fd in self._fds:
            self._loop.remove_reader(fd)
            os.close(fd)
        self._fds.clear()
        if self._link is not None:
            self._link.unlink(missing_ok=True)
