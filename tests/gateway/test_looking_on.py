"""What a camera shows, judged once a day and told: a covered one is a fault with its word, an ordinary week is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from sentinel.core.model import Failure, Quality
from sentinel.gateway import looking_on
from tests.fakes import Story
from tests.pictures.scenes import Scene

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

GATE, COUNTER, VAULT, YARD = 1, 2, 3, 4
KOLKATA = ZoneInfo("Asia/Kolkata")
POINT = "recorder.vault.picture"


class Living:
    """What the recorder's cameras show: another moment each time they are asked."""

    def __init__(self) -> None:
        self.moment = 0
        self.scenes = {channel: Scene(room=channel) for channel in (GATE, COUNTER, VAULT, YARD)}
        self.still: set[int] = set()

    def get(self, channel: int, _otherwise: bytes) -> bytes:
        self.moment += 7
        return self.scenes[channel].at(0 if channel in self.still else self.moment).jpeg()


@pytest.fixture
async def branch() -> AsyncIterator[tuple[Story, Living]]:
    """Ten minutes old: every camera has been looked at twice."""
    living = Living()
    async with Story(whole=True) as made:
        made.cctv.shows = living  # type: ignore[assignment]
        await made.minutes(10)
        assert made.subjects() == []
        yield made, living


def value(story: Story) -> object:
    return story.gateway.sensing.latest[POINT].value


async def test_a_camera_that_is_well_is_said_to_be_after_two_looks(branch: tuple[Story, Living]) -> None:
    story, _ = branch
    for camera in ("gate", "counter", "vault", "yard"):
        assert story.gateway.sensing.latest[f"recorder.{camera}.picture"].value == "ok"
    assert len(list((story.state_dir / "references").iterdir())) == 4


@pytest.mark.parametrize(("change", "word"), [({"cover": "cloth"}, "covered"), ({"shift": (150, 60)}, "moved")])
async def test_what_is_wrong_with_a_picture_is_a_fault_and_its_end_is_told(
    branch: tuple[Story, Living], change: dict[str, object], word: str
) -> None:
    story, living = branch
    well = living.scenes[VAULT]
    living.scenes[VAULT] = well.at(0, **change)
    assert story.gateway.looking_on.judge_now("recorder.vault")
    await story.seconds(30)
    assert value(story) == "ok"  # one look says nothing
    await story.minutes(3)
    assert value(story) == word
    assert story.subjects() == ["coverage:strong-room", "zone:recorder-vault-picture"]
    living.scenes[VAULT] = well
    story.gateway.looking_on.judge_now("recorder.vault")
    await story.minutes(5)
    assert value(story) == "ok"
    assert story.subjects() == []


async def test_a_picture_that_stands_still_is_frozen(branch: tuple[Story, Living]) -> None:
    story, living = branch
    living.still.add(VAULT)
    story.gateway.looking_on.judge_now("recorder.vault")
    await story.minutes(4)
    assert value(story) == "ok"
    await story.minutes(3)
    assert value(story) == "frozen"


async def test_a_camera_whose_video_comes_back_is_looked_at_within_minutes(branch: tuple[Story, Living]) -> None:
    story, living = branch
    story.cctv.inside.cameras[VAULT].online = False
    await story.minutes(2)
    living.scenes[VAULT] = living.scenes[VAULT].at(0, cover="spray")
    story.cctv.inside.cameras[VAULT].online = True
    await story.minutes(5)
    assert value(story) == "covered"


async def test_it_is_looked_at_again_at_noon_of_the_next_working_day(branch: tuple[Story, Living]) -> None:
    story, _ = branch
    wait_s = story.gateway.looking_on._until_next()
    noon = (story.clock.wall() + timedelta(seconds=wait_s)).astimezone(KOLKATA)
    assert f"{noon:%a %H:%M}" == "Tue 11:30"
    story.clock.step(datetime(2026, 6, 12, 9, 0, tzinfo=UTC))  # a Friday; the next day is a second Saturday
    noon = (story.clock.wall() + timedelta(seconds=story.gateway.looking_on._until_next())).astimezone(KOLKATA)
    assert f"{noon:%a %d %H:%M}" == "Mon 15 11:30"


async def test_without_a_judge_the_picture_is_neither_well_nor_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking_on, "available", lambda: False)
    async with Story(whole=True) as story:
        await story.minutes(10)
        reading = story.gateway.sensing.latest[POINT]
        assert (reading.quality, reading.reason) == (Quality.FAILED, Failure.UNSUPPORTED)
        assert story.subjects() == []
        assert not story.gateway.looking_on.judge_now("recorder.nobody")
