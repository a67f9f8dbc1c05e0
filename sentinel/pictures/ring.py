"""The last pictures of each camera, in memory only: what was there before somebody broke the glass.

Bounded for each camera and in all; the oldest is the loser.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from sentinel.pictures.shot import Shot

EACH = 2  # pictures of one camera
BIGGEST = 256 * 1024  # a larger one is no picture of a small stream
ALL = 8 * 1024 * 1024


class Ring:
    """Small pictures, newest last."""

    def __init__(self, each: int = EACH, most: int = ALL) -> None:
        self._each, self._most = each, most
        self._shots: deque[Shot] = deque()
        self.bytes = 0

    def put(self, shot: Shot) -> None:
        """One more; what it pushes out is forgotten."""
        if len(shot.data) > min(BIGGEST, self._most):
            return
        self._shots.append(shot)
        self.bytes += len(shot.data)
        own = [one for one in self._shots if one.camera == shot.camera]
        for old in own[: -self._each]:
            self._drop(old)
        while self.bytes > self._most:
            self._drop(self._shots[0])

    def newest(self, camera: str) -> Shot | None:
        """The last one of this camera."""
        return next((one for one in reversed(self._shots) if one.camera == camera), None)

    def keep_only(self, cameras: Collection[str]) -> None:
        """The others have left the settings."""
        for old in [one for one in self._shots if one.camera not in cameras]:
            self._drop(old)

    def _drop(self, shot: Shot) -> None:
        self._shots.remove(shot)
        self.bytes -= len(shot.data)
