"""How each camera looked when it looked well: one small frame for each kind of hour, on the card. Runs in a worker thread.

The first good picture becomes the reference; from then on only a person's word renews it. A kind of hour that is new takes
a picture only if it resembles one of the others: a camera that was turned away by night is not learnt by heart.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from sentinel.pictures import atomic
from sentinel.pictures.frame import HEIGHT, WIDTH, Frame, frame
from sentinel.pictures.judge import SAME_FROM, Picture, Seen, closest, judge, usable

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = b"SNTREF1\n"
KINDS = tuple(f"{hours}-{colour}" for hours in ("day", "night") for colour in ("colour", "grey"))


class References:
    """One folder. One thread at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def look(self, camera: str, data: bytes, *, lit: bool) -> tuple[Seen | None, str]:
        """What this picture of the camera shows, and its digest. UnreadableError when it is none."""
        one = frame(data)
        return self._judged(camera, one, lit=lit), one.digest

    def _judged(self, camera: str, one: Frame, *, lit: bool) -> Seen | None:
        now = Picture(one.luma)
        kind = f"{'day' if lit else 'night'}-{'grey' if one.grey else 'colour'}"
        known = {name: found for name in KINDS if (found := self._get(camera, name)) is not None}
        if kind in known:
            return judge(now, known[kind], lit=lit)
        seen = judge(now, None, lit=lit)
        if seen is not Seen.OK or not usable(now):
            return seen
        if closest(now, known.values()) < SAME_FROM:
            return None
        with suppress(OSError):  # it is offered again by the next look
            self._put(camera, kind, one.luma)
        return seen

    def _get(self, camera: str, kind: str) -> Picture | None:
        try:
            with self._path(camera, kind).open("rb") as file:
                whole = file.read(len(MAGIC) + WIDTH * HEIGHT + 1)
        except OSError:
            return None
        if not whole.startswith(MAGIC) or len(whole) != len(MAGIC) + WIDTH * HEIGHT:
            return None
        return Picture(whole[len(MAGIC) :])

    def _put(self, camera: str, kind: str, luma: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        atomic.write(self._path(camera, kind), MAGIC + luma)

    def _path(self, camera: str, kind: str) -> Path:
        """Ids of the settings have no dots and no slashes in them: the names are plain."""
        return self._folder / f"{camera}.{kind}.ref"
