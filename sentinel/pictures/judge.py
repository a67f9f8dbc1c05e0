"""What a camera shows: ok, black, covered or moved, against a reference of the same hours. Pure arithmetic on frames.

Luma alone is weak (devices.md 1.4: a black picture has 16, a dark scene 18.5), so structure decides: the picture's middle
is cut into 32 cells, and the cells that have texture in the reference are looked for in the new picture.

    black     nothing brighter than the noise of a dark sensor anywhere, where the reference was not so dark
    covered   most of them are smooth now (spray, cloth, a bag), or all detail is gone (grease, tape)
    moved     they have texture, but another one: the camera looks elsewhere

The strips above and below, where recorders write name and clock, are left out: they stand over a covered camera too. A
crowd hides cells and lamps change them, so most must agree before anything is said, and who asks looks twice
(`looks`). None: it cannot be said from this picture, which is neither well nor broken.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from operator import mul
from typing import TYPE_CHECKING

from sentinel.pictures.frame import HEIGHT, WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

W, H = WIDTH // 2, HEIGHT // 2  # structure is compared at half the size: noise and JPEG's blocks are gone there
CELL = 12
COLUMNS, FIRST_ROW, LAST_ROW = W // CELL, 1, 4  # of 6 rows; the first and the last carry the recorder's own writing
SHAKE = 2  # pixels of 96: wind, a lorry, a fan
TEXTURE = 6.0  # standard deviation of a cell that has some
SMOOTH, FADED = 5.0, 0.3  # a cell has lost its texture: under both, in levels and against the reference
ENOUGH = 6  # cells with texture that a reference must have
EDGES = 3.0  # standard deviation of a cell whose slow changes were taken away, if it has edges
COVERED_FROM, MOVED_BELOW, SAME_FROM = 0.7, 0.27, 0.12
BLURRED_BELOW = 0.28  # of the reference's finest detail, each against its own contrast
DARK, BRIGHTEST = 30.0, 45  # mean, and the 98th of 100, of a picture with nothing in it
DIM = 40.0  # a mean below this compares with a dark reference only
DAZZLED = 0.5  # share of cells that are all white: sun or a torch


class Seen(StrEnum):
    """`<camera>.picture`."""

    OK = "ok"
    BLACK = "black"
    FROZEN = "frozen"  # said by `looks`, from several pictures
    COVERED = "covered"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class _Cell:
    mean: float
    deviation: float


class Picture:
    """A frame's figures, each worked out when it is asked for."""

    def __init__(self, luma: bytes) -> None:
        self._luma = luma

    @cached_property
    def half(self) -> list[int]:
        """W * H, each the mean of four."""
        luma, out = self._luma, []
        for y in range(0, HEIGHT, 2):
            upper, lower = luma[y * WIDTH : (y + 1) * WIDTH], luma[(y + 1) * WIDTH : (y + 2) * WIDTH]
            sums = list(map(sum, zip(upper[::2], upper[1::2], lower[::2], lower[1::2], strict=True)))
            out += [one >> 2 for one in sums]
        return out

    @cached_property
    def cells(self) -> list[_Cell]:
        """Of the middle, row by row."""
        return [_figures(self.patch(number)) for number in range(COLUMNS * (LAST_ROW - FIRST_ROW + 1))]

    @cached_property
    def textured(self) -> list[int]:
        """Cells in which something can be recognised."""
        return [number for number, cell in enumerate(self.cells) if cell.deviation >= TEXTURE]

    @cached_property
    def middle(self) -> list[int]:
        """All levels between the strips, sorted."""
        return sorted(self.half[FIRST_ROW * CELL * W : (LAST_ROW + 1) * CELL * W])

    @cached_property
    def mean(self) -> float:
        """Of the middle."""
        return sum(self.middle) / len(self.middle)

    @property
    def featureless_dark(self) -> bool:
        """Nothing in it but the noise of a dark sensor."""
        return self.mean < DARK and self.middle[len(self.middle) * 98 // 100] < BRIGHTEST and len(self.textured) <= 1

    @cached_property
    def edges(self) -> list[int]:
        """What is left when slow changes of light are taken away: five pixels wide at most."""
        return _without(self.half, 2)

    @cached_property
    def finest(self) -> list[int]:
        """What changes from pixel to pixel."""
        return _without(self.half, 1)

    def patch(self, number: int, dx: int = 0, dy: int = 0) -> list[int]:
        """One cell's levels, shifted."""
        return patch(self.half, number, dx, dy)


def usable(picture: Picture) -> bool:
    """Good enough to be a reference: there is something to recognise."""
    return len(picture.textured) >= ENOUGH and not picture.featureless_dark


def judge(now: Picture, reference: Picture | None, *, lit: bool) -> Seen | None:
    """What this picture shows. `lit`: hours in which the branch has its lights on; by night a dark room is no fault."""
    if now.featureless_dark:
        if reference is None:
            return Seen.BLACK if lit else None
        return Seen.OK if reference.mean < DIM else Seen.BLACK
    if sum(cell.mean > 245 for cell in now.cells) >= DAZZLED * len(now.cells):
        return None
    if reference is None:
        return Seen.OK if usable(now) else (Seen.COVERED if not now.textured and now.mean >= DIM else None)
    wanted = reference.textured
    if len(wanted) < ENOUGH or (now.mean < DIM <= reference.mean):
        return None
    smooth = sum(_lost(reference.cells[number], now.cells[number]) for number in wanted)
    if smooth >= COVERED_FROM * len(wanted):
        return Seen.COVERED
    if detail(now, reference) < BLURRED_BELOW:
        return Seen.COVERED
    return Seen.MOVED if agreement(now, reference) < MOVED_BELOW else Seen.OK


def agreement(now: Picture, reference: Picture) -> float:
    """-1 to 1: how well the reference's textured cells are found again, all shifted alike by a shaking mast at most."""
    kept = {}
    for number in reference.textured:
        levels = patch(reference.edges, number)
        length = math.sqrt(_dot(levels, levels))
        if length >= EDGES * CELL:
            kept[number] = levels, length
    best = -1.0
    for dy in range(-SHAKE, SHAKE + 1):
        for dx in range(-SHAKE, SHAKE + 1):
            total = sum(_alike(*one, patch(now.edges, number, dx, dy)) for number, one in kept.items())
            best = max(best, total / max(1, len(kept)))
    return best


def detail(now: Picture, reference: Picture) -> float:
    """How much of the finest detail is left in the cell in the middle of all: 1 for the same camera, 0.2 for a greasy one."""
    left = []
    for number in reference.textured:
        before, after = _figures(patch(reference.finest, number)), _figures(patch(now.finest, number))
        if before.deviation >= EDGES:
            contrast = reference.cells[number].deviation / max(now.cells[number].deviation, EDGES)
            left.append(after.deviation / before.deviation * contrast)
    return sorted(left)[len(left) // 2] if left else 1.0


def closest(now: Picture, others: Iterable[Picture]) -> float:
    """The best agreement with references of other hours: whether this may be the same camera at the same place."""
    return max((agreement(now, other) for other in others), default=1.0)


def _lost(before: _Cell, now: _Cell) -> bool:
    return now.deviation < SMOOTH and now.deviation < FADED * before.deviation


def _dot(some: Sequence[int], others: Sequence[int]) -> int:
    return sum(map(mul, some, others))


def _figures(levels: Sequence[int]) -> _Cell:
    mean = sum(levels) / len(levels)
    return _Cell(mean, math.sqrt(max(0.0, _dot(levels, levels) / len(levels) - mean * mean)))


def _alike(kept: Sequence[int], length: float, levels: Sequence[int]) -> float:
    """Correlation of one cell's edges: brightness and contrast do not matter."""
    other = math.sqrt(_dot(levels, levels))
    # What is all but smooth is noise: it is held to be unlike, not divided by almost nothing.
    product = _dot(kept, levels)
    return product / (length * max(other, EDGES * CELL))


def _without(levels: Sequence[int], reach: int) -> list[int]:
    """Each less the mean of the square around it; the edge is repeated."""
    wide = 2 * reach + 1
    across: list[list[int]] = []
    for start in range(0, W * H, W):
        row = levels[start : start + W]
        long = [*[row[0]] * reach, *row, *[row[-1]] * reach]
        across.append([sum(long[x : x + wide]) for x in range(W)])
    tall = [*[across[0]] * reach, *across, *[across[-1]] * reach]
    means = [total // (wide * wide) for y in range(H) for total in map(sum, zip(*tall[y : y + wide], strict=True))]
    return [level - mean for level, mean in zip(levels, means, strict=True)]


def patch(levels: Sequence[int], number: int, dx: int = 0, dy: int = 0) -> list[int]:
    """One cell, shifted; the edge is repeated."""
    x = (number % COLUMNS) * CELL + dx
    y = (number // COLUMNS + FIRST_ROW) * CELL + dy
    out: list[int] = []
    for start in range(y * W, (y + CELL) * W, W):
        row = levels[start + max(0, x) : start + min(W, x + CELL)]
        out += [row[0]] * max(0, -x)
        out += row
        out += [row[-1]] * max(0, x + CELL - W)
    return out
