"""A picture from a recorder is hostile until it is decoded, and is decoded no larger than it must be."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sentinel.pictures import frame as frames
from sentinel.pictures.frame import UnreadableError, frame, shrunk
from sentinel.pictures.shot import SMALL, is_picture
from tests.pictures.scenes import Scene

if TYPE_CHECKING:
    import random

GOOD = Scene().jpeg()


def jpeg(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((width, height), 60).convert("RGB").save(out, "JPEG", quality=90)
    return out.getvalue()


def test_a_picture_without_colours_is_grey_and_a_dull_room_is_not() -> None:
    assert frame(Scene(infrared=True).jpeg()).grey
    assert not frame(Scene().jpeg()).grey


def test_two_moments_of_a_still_room_are_two_pictures() -> None:
    assert frame(Scene(moment=1).jpeg()).digest != frame(Scene(moment=2, noise=2).jpeg()).digest
    assert frame(GOOD).digest == frame(GOOD).digest


def test_a_clock_alone_makes_another_picture() -> None:
    assert frame(Scene(moment=1, noise=0).jpeg()).digest != frame(Scene(moment=61, noise=0).jpeg()).digest


@pytest.mark.parametrize("size", [(352, 288), (1280, 720), (2560, 1440), (3840, 2160)])
def test_a_picture_of_any_camera_becomes_one_small_frame(size: tuple[int, int]) -> None:
    found = frame(Scene(size=size).jpeg())
    assert len(found.luma) == 192 * 144


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xd8\xff", b"\xff\xd8\xff\xd9", b"<html>busy</html>", GOOD[: len(GOOD) // 2], b"\x89PNG" + GOOD],
    ids=["nothing", "a beginning", "an end", "words", "half", "another kind"],
)
def test_what_is_no_picture_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(UnreadableError):
        frame(data)


def test_a_bomb_is_not_decoded() -> None:
    small = bytearray(jpeg(64, 64))
    at = small.index(b"\xff\xc0")
    small[at + 5 : at + 9] = b"\xff\xff\xff\xff"  # 65535 by 65535, it says
    began = time.monotonic()
    with pytest.raises(UnreadableError):
        frame(bytes(small))
    assert shrunk(bytes(small) + b"\0" * 70_000 + b"\xff\xd9") is None
    assert time.monotonic() - began < 0.5


@given(st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_bent_pictures_are_unreadable_or_pictures_and_nothing_else(chance: random.Random) -> None:
    bent = bytearray(GOOD)
    for _ in range(chance.randint(1, 12)):
        bent[chance.randrange(3, len(bent) - 2)] = chance.randrange(256)
    with contextlib.suppress(UnreadableError):
        assert len(frame(bytes(bent)).luma) == 192 * 144


def test_a_picture_that_is_too_large_to_leave_is_made_small() -> None:
    large = jpeg(1280, 720)
    assert len(large) > SMALL
    small = shrunk(large)
    assert small is not None
    assert len(small) <= SMALL
    assert is_picture(small)
    assert shrunk(small) == small


def test_what_cannot_be_made_small_stays_here() -> None:
    assert shrunk(b"\xff\xd8\xff" + bytes(SMALL) + b"\xff\xd9") is None


def test_without_pillow_only_what_is_small_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "available", lambda: False)
    assert shrunk(GOOD) == GOOD
    assert shrunk(jpeg(1280, 720)) is None


def test_zeros_behind_the_end_do_no_harm() -> None:
    assert is_picture(GOOD + bytes(500))
    assert not is_picture(GOOD[:-2])


def test_nobody_pays_for_pillow_who_judges_nothing() -> None:
    code = (
        "import sys, sentinel.pictures.frame, sentinel.pictures.judge, sentinel.pictures.references, "
        "sentinel.pictures.shelf; assert 'PIL' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=20)
