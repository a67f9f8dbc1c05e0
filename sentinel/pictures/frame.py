"""A picture made small and plain for the judge: 192 by 144 levels of grey, and what it is known by. Needs Pillow.

Pillow is imported by the first picture (extra `[pictures]`), never by this file. What a recorder sends is hostile: only
JPEG, only so many pixels, decoded no larger than needed. Runs in a worker thread; about 20 ms for a small stream.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING

from sentinel.pictures.shot import SMALL, is_picture

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

WIDTH, HEIGHT = 192, 144
PIXELS = 25_000_000  # of a picture before it is decoded; the largest camera sold has 12 million or so
PLAIN = 1_000_000  # pixels: up to here it is decoded as it is, beyond it a half, a quarter or an eighth
GREY = 4.0  # mean distance of its colours from grey, in levels: an infrared picture has under 2, a dull room over 6
SIDES = (704, 480, 352, 240)  # what a picture is shrunk to, until it is small enough
QUALITIES = (70, 50, 35)


class UnreadableError(Exception):
    """No picture that can be judged."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A picture as the judge sees it."""

    luma: bytes = field(repr=False)  # WIDTH * HEIGHT
    grey: bool  # no colours: infrared, or a camera without any
    digest: str  # of every decoded pixel: two moments with the same one are the same picture


def available() -> bool:
    """Whether there is Pillow."""
    return find_spec("PIL") is not None


def frame(data: bytes) -> Frame:
    """UnreadableError when it is none. ImportError without Pillow."""
    image = _decoded(data, "YCbCr", PLAIN)
    luma, blue, red = image.split()
    small = luma.resize((WIDTH, HEIGHT), 4)  # 4: BOX, which takes the mean of what it covers
    far = [abs(level - 128) for band in (blue, red) for level in band.resize((48, 36), 4).tobytes()]
    digest = hashlib.sha256(luma.tobytes()).hexdigest()
    return Frame(small.tobytes(), sum(far) / len(far) < GREY, digest)


def shrunk(data: bytes, most: int = SMALL) -> bytes | None:
    """The picture in at most so many bytes, or None when that cannot be done. As it is where it is small already."""
    if len(data) <= most:
        return data
    if not available():
        return None
    try:
        image = _decoded(data, "RGB", PLAIN)
        for side in SIDES:
            image.thumbnail((side, side))
            for quality in QUALITIES:
                out = io.BytesIO()
                image.save(out, "JPEG", quality=quality)
                if out.tell() <= most:
                    return out.getvalue()
    except UnreadableError:
        pass
    return None


def _decoded(data: bytes, mode: str, plain: int) -> Picture:
    from PIL import Image  # 15 MiB that a branch without pictures does not pay for

    if not is_picture(data):
        raise UnreadableError("no JPEG")
    try:
        image: Image.Image = Image.open(io.BytesIO(data), formats=("JPEG",))
        width, height = image.size
        if width * height > PIXELS or min(width, height) < 64:
            raise UnreadableError(f"{width}x{height} pixels")
        if width * height > plain:
            image.draft(mode, (704, 480))
        return image.convert(mode)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise UnreadableError(type(error).__name__) from None
