"""Which places are seen: one good camera is enough, and what is not known is never called dark or seen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core.codes import ROLES
from sentinel.core.coverage import Camera, Place, Seen, news, places, subject_of
from sentinel.core.detect import ZoneView
from sentinel.core.model import Condition, Role, Severity, Sight, StateSense, Text, Zone
from sentinel.core.words import REASONS, SIGHTS

ROAD, FRONT = Sight.ROAD, Sight.FRONT
GATE = Camera("dvr.gate", (ROAD, FRONT), ("gate-video",), ("gate-picture",))
ROOF = Camera("dvr.roof", (ROAD,), ("roof-video",))


def view(zone: str, condition: Condition = Condition.NORMAL, *, unknown: bool = False) -> ZoneView:
    role = Role.CAMERA_PICTURE if zone.endswith("picture") else Role.CAMERA_VIDEO
    made = Zone(zone, f"dvr.{zone}", role, Text("क", "a"), StateSense(()), 0, 0, 100)
    return ZoneView(made, condition, 1.0, "ok", "", condition is Condition.ALARM, unknown)


def seen(*views: ZoneView, cameras: tuple[Camera, ...] = (GATE, ROOF)) -> Seen:
    """How the road is seen."""
    (place,) = places((ROAD,), cameras, {one.zone.id: one for one in views})
    return place.seen


def test_one_good_camera_is_enough() -> None:
    assert seen(view("gate-video", Condition.ALARM), view("roof-video")) is Seen.SEEN


def test_a_place_is_dark_when_every_camera_that_is_meant_to_see_it_is_blind() -> None:
    lost = Condition.ALARM
    assert seen(view("gate-video", lost), view("roof-video", lost)) is Seen.DARK
    assert seen(view("gate-video"), view("gate-picture", lost), view("roof-video", lost)) is Seen.DARK


def test_a_place_without_a_camera_is_missing() -> None:
    assert seen(cameras=(replace(ROOF, sees=()),)) is Seen.MISSING


@pytest.mark.parametrize(
    "roof",
    [
        (),
        (view("roof-video", Condition.UNKNOWN, unknown=True),),
        (view("roof-video", Condition.ALARM, unknown=True),),  # its recorder is dead: the last word is not today's
        (view("roof-video", Condition.TROUBLE),),
    ],
)
def test_while_a_camera_is_not_known_nor_is_its_place(roof: tuple[ZoneView, ...]) -> None:
    assert seen(view("gate-video", Condition.ALARM), *roof) is Seen.UNKNOWN
    assert seen(view("gate-video"), *roof) is Seen.SEEN


def test_a_picture_that_was_not_judged_yet_is_no_doubt_at_the_video() -> None:
    unjudged = view("gate-picture", Condition.UNKNOWN, unknown=True)
    assert seen(view("gate-video"), unjudged, cameras=(GATE,)) is Seen.SEEN


def now(found: Seen, *, told: bool, accepted: tuple[Sight, ...] = ()) -> list[tuple[Condition, str, bool]]:
    conditions = {subject_of(ROAD): Condition.ALARM if told else Condition.NORMAL}
    signals = news((Place(ROAD, found, ("dvr.roof",)),), conditions, accepted)
    assert all((one.key, one.role, one.severity) == ("coverage:road", Role.COVERAGE, Severity.FAULT) for one in signals)
    return [(one.condition, one.reason, one.folded) for one in signals]


def test_a_place_that_went_dark_is_told_once_and_its_return_too() -> None:
    assert now(Seen.DARK, told=False) == [(Condition.ALARM, "dark", False)]
    assert now(Seen.DARK, told=True) == []
    assert now(Seen.SEEN, told=True) == [(Condition.NORMAL, "", False)]
    assert now(Seen.SEEN, told=False) == []


def test_nothing_is_told_of_a_place_while_it_is_not_known() -> None:
    assert now(Seen.UNKNOWN, told=False) == now(Seen.UNKNOWN, told=True) == []


def test_a_side_without_a_camera_is_told_unless_the_bank_has_accepted_it() -> None:
    assert now(Seen.MISSING, told=False) == [(Condition.ALARM, "no-camera", False)]
    assert now(Seen.MISSING, told=False, accepted=(ROAD,)) == []
    assert now(Seen.MISSING, told=True, accepted=(ROAD,)) == [(Condition.NORMAL, "", True)]
    assert now(Seen.DARK, told=False, accepted=(ROAD,)) == [(Condition.ALARM, "dark", False)]


def test_a_place_that_is_asked_for_no_more_is_closed_without_a_word() -> None:
    (one,) = news((), {"coverage:road": Condition.ALARM, "zone:smoke": Condition.ALARM})
    assert (one.key, one.condition, one.folded) == ("coverage:road", Condition.NORMAL, True)


@given(st.lists(st.sampled_from(Seen), max_size=30))
def test_what_is_told_is_always_the_last_that_was_known(history: list[Seen]) -> None:
    conditions: dict[str, Condition] = {}
    for found in history:
        for one in news((Place(ROAD, found, ()),), conditions):
            assert conditions.get(one.key) is not one.condition, "no news"
            conditions[one.key] = one.condition
    known = [found for found in history if found is not Seen.UNKNOWN]
    is_told = conditions.get("coverage:road") is Condition.ALARM
    assert is_told is bool(known and known[-1] is not Seen.SEEN)


def test_every_place_and_every_reason_has_its_words() -> None:
    assert set(SIGHTS) == set(Sight)
    assert {Seen.DARK, Seen.MISSING} <= set(REASONS)
    assert ROLES[Role.COVERAGE].on_delay_s == 0, "the zones behind it have waited already"
