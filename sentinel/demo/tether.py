"""Runs a command as a child that ends when its parent does: a demo that is killed leaves nothing running. Linux only.

`python -m sentinel.demo.tether PARENT COMMAND...`, started by demo/child.py.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h; it outlives the exec below


def main(argv: list[str]) -> None:
    """Become the command; nothing, when the parent is gone already."""
    parent, command = int(argv[0]), argv[1:]
    if ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) == 0 and os.getppid() == parent:
        os.execvp(command[0], command)  # noqa: S606 - the whole purpose


if __name__ == "__main__":
    main(sys.argv[1:])
