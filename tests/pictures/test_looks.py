"""Nothing is said from one look, and only what stays the same to the last pixel is frozen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sentinel.pictures.judge import Seen
from sentinel.pictures.looks import LOOKS, Look, Verdict, verdict

WORDS = st.sampled_from([Seen.OK, Seen.BLACK, Seen.COVERED, Seen.MOVED, None])


def sitting(*seen: Seen | None, digests: str = "") -> tuple[Verdict, list[Look]]:
    """Looks as they are asked for, until something is said or nothing can be."""
    looks: list[Look] = []
    at, found = 0.0, Verdict()
    for number, one in enumerate(seen):
        looks.append(Look(one, digests[number] if digests else str(number), at))
        found = verdict(looks)
        if found.again_s is None:
            break
        at += found.again_s
    return found, looks


def test_a_camera_that_is_well_twice_is_well() -> None:
    found, looks = sitting(Seen.OK, Seen.OK)
    assert found == Verdict(Seen.OK)
    assert looks[-1].at >= 60


def test_one_look_says_nothing_and_the_second_says_what_is_wrong() -> None:
    assert verdict([Look(Seen.COVERED, "a", 0)]).say is None
    assert sitting(Seen.COVERED, Seen.COVERED)[0] == Verdict(Seen.COVERED)
    assert sitting(Seen.MOVED, Seen.COVERED)[0] == Verdict(Seen.COVERED)


def test_whoever_stood_before_the_camera_for_a_minute_is_no_fault() -> None:
    assert sitting(Seen.COVERED, Seen.OK)[0] == Verdict(Seen.OK)


def test_a_picture_that_stays_the_same_to_the_last_pixel_for_five_minutes_is_frozen() -> None:
    found, looks = sitting(Seen.OK, Seen.OK, Seen.OK, digests="aaa")
    assert found == Verdict(Seen.FROZEN)
    assert looks[-1].at - looks[0].at >= 280


def test_a_recorder_that_gives_one_picture_twice_is_asked_again() -> None:
    assert sitting(Seen.OK, Seen.OK, Seen.OK, digests="aab")[0] == Verdict(Seen.OK)


@given(st.lists(WORDS, min_size=LOOKS + 2, max_size=LOOKS + 2), st.booleans())
def test_every_sitting_ends_and_says_nothing_bad_from_a_single_look(seen: list[Seen | None], still: bool) -> None:
    found, looks = sitting(*seen, digests="a" * len(seen) if still else "")
    assert found.again_s is None
    assert len(looks) <= LOOKS
    if found.say not in (None, Seen.OK, Seen.FROZEN):
        assert looks[-1].seen is found.say
        assert looks[-2].seen not in (None, Seen.OK)
    if not still:
        assert found.say is not Seen.FROZEN
