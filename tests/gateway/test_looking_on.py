"""What a camera shows, judged once a day and told: a covered one is a fault with its word, an ordinary week is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from sentinel.core.model import Condition, Failure, Quality
from sentinel.gateway import looking_on
from sentinel.gateway.looking_on import LATER_S
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


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look that gave nothing is tried again after three minutes, not after thirty."""
    monkeypatch.setattr(looking_on, "LATER_S", 180.0)


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


def zone(story: Story, days: float = 0.0) -> tuple[Condition, str]:
    """How the strong room's picture is, or would be if nobody looked at it for so long."""
    detector = story.gateway.sensing._detector
    assert detector is not None
    views = detector.view(story.clock.monotonic() + days * 86_400)
    return next((one.condition, one.reason) for one in views if one.zone.point == POINT)


async def test_a_recorder_that_answers_and_never_gives_a_picture_has_none(hasty: None) -> None:
    async with Story(whole=True) as story:
        story.cctv.shows = dict.fromkeys((GATE, COUNTER, VAULT, YARD), b"<ResponseStatus/>")
        await story.minutes(4)
        assert POINT not in story.gateway.sensing.latest  # once is no proof
        await story.minutes(8)
        reading = story.gateway.sensing.latest[POINT]
        assert (reading.quality, reading.reason) == (Quality.FAILED, Failure.UNSUPPORTED)
        assert zone(story, days=6) == (Condition.UNKNOWN, "unsupported")


async def test_a_recorder_that_is_lost_is_not_said_to_have_no_pictures(hasty: None) -> None:
    async with Story(whole=True) as story:
        await story.seconds(30)
        story.cctv.link.failure = Failure.NOT_CONNECTED
        await story.minutes(15)
        assert POINT not in story.gateway.sensing.latest
        assert "link:cctv/trouble" in story.subjects()


async def test_what_is_judged_is_judged_again_before_it_grows_old_also_over_days_that_are_shut(
    branch: tuple[Story, Living],
) -> None:
    story, _ = branch
    policy = next(one for one in story.gateway.desk.policy.zones if one.point == POINT)
    for day in range(1, 60):
        for hour in (0, 5, 6, 12, 20):
            story.clock.step(datetime(2026, 6, 1, hour, 1, tzinfo=UTC) + timedelta(days=day))
            assert story.gateway.looking_on._until_next() + LATER_S < policy.stale_after_s


async def test_what_nobody_could_judge_for_too_long_is_unknown_and_not_what_it_was(
    branch: tuple[Story, Living],
) -> None:
    story, _ = branch
    assert zone(story, days=4.5)[0] is Condition.NORMAL
    assert zone(story, days=5.1)[0] is Condition.UNKNOWN


async def test_pictures_that_stop_coming_are_not_called_unsupported(branch: tuple[Story, Living], hasty: None) -> None:
    story, _ = branch
    story.cctv.shows = dict.fromkeys((GATE, COUNTER, VAULT, YARD), b"<ResponseStatus/>")
    story.gateway.looking_on.judge_now("recorder.vault")
    await story.minutes(15)
    assert zone(story)[0] is Condition.NORMAL  # until it is too old: it never aged into well
    assert zone(story, days=5.1) == (Condition.UNKNOWN, "")


async def test_after_a_reload_every_camera_is_looked_at_anew(branch: tuple[Story, Living]) -> None:
    story, _ = branch
    await story.reload({"Strong room camera": "Vault camera"})
    assert zone(story)[0] is Condition.UNKNOWN
    await story.minutes(6)
    assert zone(story)[0] is Condition.NORMAL
