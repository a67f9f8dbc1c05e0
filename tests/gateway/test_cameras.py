"""What the page, the API and the metrics say of recorders and cameras: what is seen, what is proved, what nobody can say."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

import pytest

from sentinel.core.model import Failure, Sight
from sentinel.gateway import cctv
from sentinel.gateway.metrics import figures
from sentinel.ports import HttpReply
from tests.fakes import Story
from tests.gateway.contract import check

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def filmed() -> AsyncIterator[Story]:
    """The whole example, after the recorder has said everything once."""
    async with Story(whole=True) as story:
        await story.minutes(3)
        yield story


def section(story: Story, lang: str = "en") -> str:
    return str(story.gateway.page.sections(lang)["cameras"])


def row(story: Story, key: str, lang: str = "en") -> tuple[str, str]:
    """(classes, words) of the row with this key."""
    for classes, found, inside in re.findall(
        r'<li class="([^"]*)" data-key="([^"]*)">(.*?)</li>(?=<li class="row|<li class="place-seen|</ul></?(?:ul|section)|</ul>$)',
        section(story, lang) + "</ul>",
        re.DOTALL,
    ):
        if found == key:
            return classes, " ".join(html.unescape(re.sub(r"<[^>]+>", " ", inside)).split())
    raise AssertionError(f"no row {key}")


async def status(story: Story) -> Any:
    async with story.session() as session, session.get("http://localhost/api/v1/status") as answer:
        body = await answer.read()
        check("GET", "/api/v1/status", answer.status, answer.headers["Content-Type"], body)
        return await answer.json()


def metric(story: Story, name: str) -> dict[str, float | None]:
    return {"".join(labels.values()): value for found, labels, value in figures(story.gateway) if found == name}


async def test_every_place_that_the_police_ask_for_says_which_camera_sees_it(filmed: Story) -> None:
    assert row(filmed, "place:road") == ("place-seen calm", "Road in view Gate camera")
    assert row(filmed, "place:strong-room", "hi")[1] == "स्ट्रांग रूम नज़र में स्ट्रांग रूम का कैमरा"
    assert row(filmed, "place:right") == ("place-seen fault accepted", "Right side no camera: known to the bank")


async def test_a_camera_says_its_picture_its_proof_how_far_back_it_goes_and_its_gaps(filmed: Story) -> None:
    classes, said = row(filmed, "film:recorder.gate")
    assert classes == "row camera calm"
    for words in (
        "sees: Entrance, Front, Road",
        "the picture comes in",
        "recording, proved by a file",
        "120 days kept, 90 required",
        "no gap in 24 h",
    ):
        assert words in said


async def test_a_blind_camera_takes_its_places_with_it(filmed: Story) -> None:
    filmed.cctv.inside.cameras[4].online = False
    await filmed.minutes(2)
    assert row(filmed, "place:back") == ("place-seen fault", "Back not in view Back yard camera")
    classes, said = row(filmed, "film:recorder.yard")
    assert classes == "row camera fault"
    assert "the camera does not answer the recorder" in said
    places = {one["place"]: one["seen"] for one in (await status(filmed))["places"]}
    assert (places["back"], places["road"], places["right"]) == ("dark", "seen", "no-camera")
    assert metric(filmed, "sentinel_place_seen") | {"back": 0.0, "road": 1.0, "right": 0.0} == metric(
        filmed, "sentinel_place_seen"
    )


async def test_eleven_days_of_ninety_are_a_fault_of_the_camera_and_of_the_recorder(filmed: Story) -> None:
    filmed.cctv.inside.cameras[2].kept_days = 11
    await filmed.minutes(61)
    assert "11 days kept, 90 are required" in row(filmed, "film:recorder")[1]
    classes, said = row(filmed, "film:recorder.counter")
    assert classes == "row camera fault"
    assert "11 days kept, 90 required" in said
    [one] = [one for one in (await status(filmed))["recorders"] if one["id"] == "recorder"]
    assert (one["required_days"], int(one["retention_days"])) == (90, 11)


async def test_the_card_of_a_recorder_s_fault_says_what_the_recorder_says(filmed: Story) -> None:
    filmed.cctv.inside.cameras[2].kept_days = 11
    await filmed.minutes(61)
    for lang, words in (("en", "11 days kept, 90 are required"), ("hi", "रिकॉर्डिंग 11 दिन की है, 90 चाहिए")):
        assert words in str(filmed.gateway.page.sections(lang)["incidents"])
    async with filmed.session() as session, session.get("http://localhost/api/v1/incidents") as answer:
        body = await answer.read()
        check("GET", "/api/v1/incidents", answer.status, answer.headers["Content-Type"], body)
        open_ = (await answer.json())["open"]
    [said] = [one["said"] for one in open_ if one["subject"] == "zone:recorder-footage"]
    assert said["en"] == "11 days kept, 90 are required"


async def test_a_recording_that_stopped_says_since_when(filmed: Story) -> None:
    inside = filmed.cctv.inside
    inside.cameras[1].stopped = inside.now()
    await filmed.minutes(32)
    classes, said = row(filmed, "film:recorder.gate", "hi")
    assert classes == "row camera fault"
    assert "के बाद कुछ रिकॉर्ड नहीं हुआ" in said


async def test_what_a_recorder_cannot_say_is_said_to_be_so_and_is_neither_well_nor_broken() -> None:
    story = Story(whole=True)
    inside = story.cctv.link.answer
    story.cctv.link.answer = lambda asked: (
        HttpReply(403, {}, b"") if "search" in asked.target or "daily" in asked.target else inside(asked)
    )
    async with story:
        await story.minutes(3)
        _, said = row(story, "film:recorder.gate")
        assert "oldest footage: the recorder cannot say" in said
        assert "no gap" not in said
        [gate] = [one for one in (await status(story))["cameras"] if one["id"] == "recorder.gate"]
        assert gate["oldest_days"] is None
        assert "oldest" in gate["unsupported"]
        assert metric(story, "sentinel_camera_oldest_days")["recorder.gate"] is None


async def test_a_recorder_that_is_gone_is_hatched_and_none_of_its_places_is_in_view(filmed: Story) -> None:
    filmed.cctv.link.failure = Failure.NO_REPLY
    await filmed.minutes(6)
    classes, said = row(filmed, "film:recorder.gate")
    assert "hatched" in classes
    assert "the picture comes in" not in said
    for place in ("road", "back", "entrance"):
        assert row(filmed, f"place:{place}")[0] == "place-seen unknown hatched"
    seen = metric(filmed, "sentinel_place_seen")
    assert (seen["road"], seen["right"]) == (None, 0.0)  # that one never had a camera


async def test_the_zones_of_a_recorder_stand_with_their_cameras_and_nowhere_twice(filmed: Story) -> None:
    zones = str(filmed.gateway.page.sections("en")["zones"])
    assert "zone:intruder-panel-cash-room" in zones
    assert "zone:recorder-" not in zones
    shown = set(re.findall(r'data-key="zone:(recorder-[^"]*)"', section(filmed)))
    known = {one["id"] for one in (await status(filmed))["zones"] if one["state"] != "unknown"}
    assert shown == {id_ for id_ in filmed.settings.zones if id_.startswith("recorder-")} & known
    assert len(shown) > 10


async def test_a_camera_s_figures_are_not_drawn_and_the_recorder_s_are(filmed: Story) -> None:
    drawn = {one.point for one in await filmed.gateway.page._looker.curves() if one.point.startswith("recorder.")}
    assert drawn == {"recorder.retention", "recorder.drift"}


async def test_a_branch_without_a_recorder_has_nothing_there(story: Story) -> None:
    assert section(story) == '<section id="cameras" aria-label="Cameras and recordings"></section>'
    assert cctv.recorders(story.gateway) == ()
    assert (await status(story))["cameras"] == []


async def test_every_place_has_its_name_in_both_languages(filmed: Story) -> None:
    for lang in ("hi", "en"):
        for sight in filmed.settings.branch.must_see:
            assert isinstance(sight, Sight)
            assert row(filmed, f"place:{sight}", lang)[1]
