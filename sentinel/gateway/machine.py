"""What the machine itself has left: memory of this process, room on the card. In coarse steps, because they are recorded.

Each fact that is journalled takes some bytes of the card and of memory, those of a silent button too; whoever watches the
figures must not see it (rule 6). The steps are thousands of facts wide.
"""

from __future__ import annotations

import os
from pathlib import Path

RSS_STEP = 4 * 2**20
FREE_STEP = 16 * 2**20
STATM = Path("/proc/self/statm")


def rss_bytes() -> int | None:
    """Resident memory, rounded up; None where the kernel does not say."""
    try:
        pages = int(STATM.read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return -(-pages * os.sysconf("SC_PAGESIZE") // RSS_STEP) * RSS_STEP


def free_bytes(folder: Path) -> int:
    """What others than root may still write there. OSError when the disk does not answer; it may hang: ask in a thread."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def in_steps(free: int) -> int:
    """Room on the card as it may be shown: rounded down."""
    return free // FREE_STEP * FREE_STEP
