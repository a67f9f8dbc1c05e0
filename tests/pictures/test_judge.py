"""What a camera shows: a hand before it is seen, and a busy, dim, sunny or infrared day is not taken for one."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.pictures.frame import frame
from sentinel.pictures.judge import Picture, Seen, closest, judge, usable
from tests.pictures.scenes import Scene

ROOMS = st.integers(0, 400)
MOMENTS = st.integers(1, 100_000)
EVERY_DAY = st.fixed_dictionaries(
    {
        "brightness": st.floats(0.5, 1.4),
        "contrast": st.floats(0.6, 1.15),
        "noise": st.floats(1, 14),
        "people": st.integers(0, 3),
        "sun": st.booleans(),
        "shift": st.tuples(st.integers(-4, 4), st.integers(-4, 4)),
        "blur": st.floats(0, 1.5),
        "quality": st.integers(30, 90),
    }
)


def seen_as(scene: Scene) -> Picture:
    return Picture(frame(scene.jpeg()).luma)


@given(ROOMS, MOMENTS, EVERY_DAY)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_an_ordinary_day_is_never_a_fault(room: int, moment: int, day: dict[str, object]) -> None:
    reference = seen_as(Scene(room=room))
    assert judge(seen_as(Scene(room=room).at(moment, **day)), reference, lit=True) in (Seen.OK, None)


@given(ROOMS, MOMENTS, st.floats(0.6, 1.3), st.floats(1, 12))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_a_night_by_infrared_is_no_fault_by_either_reference(
    room: int, moment: int, brightness: float, noise: float
) -> None:
    day, night = Scene(room=room), Scene(room=room, infrared=True)
    now = seen_as(night.at(moment, brightness=brightness, noise=noise))
    assert judge(now, seen_as(night), lit=False) in (Seen.OK, None)
    assert judge(now, seen_as(day), lit=False) in (Seen.OK, None)


@pytest.mark.parametrize(
    ("cover", "word"),
    [
        ("cap", Seen.BLACK),
        ("cloth", Seen.COVERED),
        ("bag", Seen.COVERED),
        ("tape", Seen.COVERED),
        ("spray", Seen.COVERED),
    ],
)
@given(room=ROOMS, moment=MOMENTS, noise=st.floats(1, 14))
@settings(max_examples=12, deadline=None, derandomize=True)
def test_whatever_is_put_before_a_camera_is_seen(cover: str, word: Seen, room: int, moment: int, noise: float) -> None:
    now = seen_as(Scene(room=room).at(moment, cover=cover, noise=noise))
    assert judge(now, seen_as(Scene(room=room)), lit=True) in {
        word,
        Seen.COVERED,
        Seen.MOVED if cover == "tape" else word,
    }


@pytest.mark.parametrize("infrared", [False, True])
@pytest.mark.parametrize("shift", [(150, 60), (-150, 40), (-20, -120), (60, 130), (160, -100)])
def test_a_camera_that_looks_elsewhere_is_seen_in_nine_rooms_of_ten(shift: tuple[int, int], infrared: bool) -> None:
    found = 0
    for room in range(10):  # drawn rooms are striped all over: a real one resembles itself less
        scene = Scene(room=room, infrared=infrared)
        word = judge(seen_as(scene.at(room + 1, shift=shift)), seen_as(scene), lit=True)
        found += word in (Seen.MOVED, Seen.COVERED)
    assert found >= 9


def test_a_dark_scene_with_one_lamp_is_not_black() -> None:
    dark = Scene(brightness=0.09, noise=3)
    assert seen_as(dark).mean < 30
    lamp = dark.image()
    lamp.paste((230, 225, 200), (170, 130, 200, 160))
    assert not Picture(lamp.convert("L").resize((192, 144), 4).tobytes()).featureless_dark


@pytest.mark.parametrize(("lit", "word"), [(True, Seen.BLACK), (False, None)])
def test_a_dark_room_by_night_is_a_fault_only_where_it_was_light_before(lit: bool, word: Seen | None) -> None:
    dark = seen_as(Scene(cover="cap"))
    assert judge(dark, None, lit=lit) is word
    assert judge(dark, seen_as(Scene(cover="cap", moment=9)), lit=lit) is Seen.OK
    assert judge(dark, seen_as(Scene()), lit=lit) is Seen.BLACK


def test_a_wall_of_light_says_nothing() -> None:
    assert judge(Picture(bytes([254]) * (192 * 144)), seen_as(Scene()), lit=True) is None


def test_a_camera_that_was_covered_from_the_first_day_is_no_reference() -> None:
    for cover in ("cloth", "bag", "cap"):
        now = seen_as(Scene(cover=cover, noise=3))
        assert not usable(now), cover
        assert judge(now, None, lit=True) in (Seen.COVERED, Seen.BLACK, None), cover


def test_another_room_is_not_the_same_place_and_the_same_room_by_night_is() -> None:
    for room in range(10):
        here = seen_as(Scene(room=room))
        same = closest(seen_as(Scene(room=room, infrared=True, moment=3)), [here])
        assert same > 0.5 > closest(seen_as(Scene(room=room + 1000)), [here])


@pytest.mark.parametrize("lit", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_any_levels_are_judged_without_a_fall(seed: int, lit: bool) -> None:
    levels = random.Random(seed).randbytes(192 * 144)
    judge(Picture(levels), Picture(levels[::-1]), lit=lit)
    judge(Picture(bytes(192 * 144)), Picture(levels), lit=lit)
