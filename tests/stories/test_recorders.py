"""From what a recorder answers to the notice: what is seen, what is kept, and who hears that it is not."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from sentinel.core.model import Condition, Failure, Quality, Reading, Severity
from tests.fakes import FakeStore, Story

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

GATE, COUNTER, VAULT, YARD = 1, 2, 3, 4  # channels; the gate's camera is the only one that sees the road


@pytest.fixture
async def branch() -> AsyncIterator[Story]:
    async with Story(whole=True) as made:
        await made.minutes(2)
        assert made.subjects() == []
        made.mark()
        yield made


def letter(story: Story, contact: str) -> str:
    """The one that somebody got."""
    (text,) = story.texts(contact)
    return text


async def test_a_disk_that_fails_is_told_to_those_who_mend_it_and_again_when_it_is_mended(branch: Story) -> None:
    branch.cctv.inside.disks[1].status = "error"
    await branch.minutes(1)
    assert branch.subjects() == ["zone:recorder-disks"]
    assert branch.incident().severity is Severity.FAULT
    assert [line.split(" ", 1)[1] for line in branch.letters()] == ["mail installer trouble", "mail manager trouble"]
    assert "disk 1 has failed" in letter(branch, "installer")
    branch.cctv.inside.disks[1].status = "ok"
    await branch.minutes(1)
    assert branch.subjects() == []
    assert "Restored: CCTV recorder" in branch.texts("installer")[-1]


async def test_a_full_disk_that_overwrites_the_oldest_is_normal(branch: Story) -> None:
    disk = branch.cctv.inside.disks[1]
    assert disk.free_mb == 0
    await branch.minutes(10)
    assert branch.subjects() == []


async def test_eleven_days_of_footage_where_ninety_are_asked_for_are_told_with_their_number() -> None:
    often = {"    driver: hikvision  ": "    history_every: 5m\n    driver: hikvision  "}
    async with Story(whole=True, edits=often) as story:
        story.mark()
        for camera in story.cctv.inside.cameras.values():
            camera.kept_days = 11.2
        await story.minutes(6)
        assert story.subjects() == ["zone:recorder-footage"]
        assert "11 days kept, 90 are required" in letter(story, "installer")
        assert "11" in letter(story, "manager")


async def test_a_camera_that_records_nothing_any_more_is_told_though_the_recorder_says_that_it_records(
    branch: Story,
) -> None:
    camera = branch.cctv.inside.cameras[COUNTER]
    camera.stopped, camera.says_recording = branch.clock.wall(), True
    await branch.minutes(34)
    assert branch.subjects() == ["zone:recorder-counter-recording"]
    assert "nothing recorded since" in letter(branch, "installer")


async def test_the_only_camera_of_the_road_goes_dark_and_the_road_is_told(branch: Story) -> None:
    branch.cctv.inside.cameras[GATE].online = False
    await branch.minutes(1)
    assert branch.subjects() == [
        "coverage:entrance", "coverage:front", "coverage:road", "zone:recorder-gate-video",
    ]  # fmt: skip
    road = next(text for text in branch.texts("installer") if "the road" in text)
    assert "every camera there is dark or covered" in road
    assert any("सड़क" in text for text in branch.texts("manager"))
    branch.cctv.inside.cameras[GATE].online = True
    await branch.minutes(1)
    assert branch.subjects() == []


async def test_a_camera_that_is_covered_sees_nothing_though_its_picture_comes_in(branch: Story) -> None:
    now = branch.gateway.clock.monotonic()
    branch.gateway.sensing.take([Reading("recorder.gate.picture", "covered", Quality.GOOD, now)])
    await branch.seconds(15)
    assert branch.subjects() == [
        "coverage:entrance", "coverage:front", "coverage:road", "zone:recorder-gate-picture",
    ]  # fmt: skip
    assert any("the camera is covered" in text for text in branch.texts("installer"))


async def test_a_side_without_a_camera_is_told_until_the_bank_says_that_it_knows() -> None:
    async with Story(whole=True, edits={"  not_seen_accepted: [right]": "  not_seen_accepted: []"}) as story:
        await story.minutes(1)
        assert story.subjects() == ["coverage:right"]
        assert any("no camera is there" in text for text in story.texts("installer"))
        story.mark()
        await story.reload({})
        await story.seconds(5)
        assert story.subjects() == ["gateway:program"], "that less is asked for is itself told"
        assert not [line for line in story.letters() if line.endswith("restored")], "nothing was restored"


async def test_a_dead_recorder_is_one_high_incident_and_no_camera_behind_it_reads_normal(branch: Story) -> None:
    branch.cctv.link.failure = Failure.NOT_CONNECTED
    await branch.minutes(5)
    (one,) = branch.open()
    assert (one.subject, one.severity, one.reason) == ("link:cctv", Severity.HIGH, Failure.NOT_CONNECTED)
    behind = [view for view in branch.gateway.sensing.view() if view.zone.point.startswith("recorder.")]
    assert {view.zone.id for view in behind} == set(one.hides)
    assert all(view.condition is Condition.UNKNOWN for view in behind)
    assert {place.seen.value for place in branch.gateway.coverage.view()} == {"unknown", "no-camera"}
    assert branch.letters()[0].endswith("mail security-officer trouble")
    branch.cctv.link.failure = None
    await branch.minutes(3)
    assert branch.subjects() == []
    assert {place.seen.value for place in branch.gateway.coverage.view()} == {"seen", "no-camera"}


async def test_a_refused_password_is_told_as_that(branch: Story) -> None:
    branch.cctv.link.failure = Failure.CREDENTIAL
    await branch.minutes(5)
    (one,) = branch.open()
    assert (one.severity, one.reason) == (Severity.HIGH, "credential")


async def test_another_recorder_at_the_same_address_is_high(branch: Story) -> None:
    branch.cctv.inside.serial = "DS-7608NI-K10000000000AAAA000000001WCVU"
    await branch.minutes(2)
    assert branch.subjects() == ["zone:recorder-identity"]
    assert branch.incident().severity is Severity.HIGH


async def test_a_recorder_whose_clock_runs_ahead_is_told_in_minutes(branch: Story) -> None:
    branch.cctv.inside.drift = timedelta(minutes=12)
    await branch.minutes(2)
    assert "zone:recorder-clock" in branch.subjects()
    assert "12 min fast" in " ".join(branch.texts("installer"))


async def test_what_a_model_does_not_have_is_unknown_and_no_incident() -> None:
    story = Story(whole=True)
    story.cctv.lacks = "torage"  # of Storage and storage, in whatever its firmware calls it
    async with story:
        await story.minutes(10)
        disks = next(view for view in story.gateway.sensing.view() if view.zone.id == "recorder-disks")
        assert (disks.condition, disks.reason) == (Condition.UNKNOWN, "unsupported")
        assert story.subjects() == []


async def test_an_event_of_the_recorder_tells_a_lost_picture_within_seconds(branch: Story) -> None:
    await branch.seconds(1)
    branch.cctv.inside.cameras[VAULT].online = False
    branch.cctv.event("videoloss", VAULT)
    await branch.seconds(9)
    assert "zone:recorder-vault-video" in branch.subjects()


async def test_recorders_and_cameras_are_on_record_and_a_lost_picture_at_once() -> None:
    async with FakeStore() as store, Story(whole=True, store=store) as story:
        await story.minutes(2)
        story.cctv.inside.cameras[YARD].online = False
        await story.minutes(2)
        (first, *_, last) = [line for line in store.of("camera") if "channel=4" in line]
        assert "recording=1i,video=1i" in first
        assert "video=0i" in last
        of_recorder = store.of("recorder")[-1]
        assert of_recorder.startswith("recorder,branch=shivnath-sector6,device=recorder ")
        assert "disks_ok=1i" in of_recorder
        assert "retention_days=1" in of_recorder
        assert "clock_drift_s=" in of_recorder
        story.cctv.link.failure = Failure.NO_REPLY
        await story.minutes(4)
        count = len(store.of("camera"))
        await story.minutes(5)
        assert len(store.of("camera")) == count, "what is not known is a gap"
