"""From the alarm to a picture in the police's hands, before anybody carries the recorder away; and of a hold-up nothing here."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentinel.core import facts
from sentinel.core.decide import Pictured
from sentinel.core.encoding import unstamp
from sentinel.core.facts import PictureMoment
from sentinel.core.model import Failure
from sentinel.gateway.blobs import PIECE, WAITING, Blob, Blobs
from sentinel.pictures.shot import SMALL
from tests.fakes import MONDAY_NIGHT, Story
from tests.pictures.scenes import Scene

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from sentinel.ports import Letter

COUNTER, VAULT, YARD = 2, 3, 4  # channels: the counter's watches the hold-up buttons, the vault's the strong room
PICTURE = Scene(room=3).jpeg()
MOVING = re.compile('<time class="age"[^>]*>[^<]*</time>|<span class="moving"[^>]*>[^<]*</span>')


@pytest.fixture
async def branch() -> AsyncIterator[Story]:
    """Cameras that have been seen for two minutes."""
    async with Story(whole=True) as made:
        made.cctv.shows = dict.fromkeys((COUNTER, VAULT, YARD), PICTURE)
        await made.minutes(2)
        assert made.subjects() == []
        made.mark()
        yield made


def pictures(story: Story) -> list[facts.PictureKept]:
    return [one.fact for one in story.record if isinstance(one.fact, facts.PictureKept)]


def in_the_room(story: Story) -> dict[str, bytes]:
    """Pictures that the room has put together, by their SHA-256: each proved by its own name."""
    whole: dict[str, dict[int, bytes]] = {}
    of: dict[str, int] = {}
    for _, ref, body in story.room.pieces:
        whole.setdefault(ref, {})[body["n"]] = b64decode(body["data"])
        of[ref] = body["of"]
    found = {}
    for ref, pieces in whole.items():
        if len(pieces) == of[ref]:
            data = b"".join(pieces[number] for number in range(of[ref]))
            assert hashlib.sha256(data).hexdigest() == ref
            found[ref] = data[16:]
    return found


def with_pictures(story: Story) -> list[Letter]:
    return [letter for _, letter in story.mail.letters if letter.attachments]


async def test_a_picture_is_with_the_room_and_with_the_police_within_ten_seconds(branch: Story) -> None:
    branch.press("strong-room")
    await branch.seconds(10)
    (ref,) = in_the_room(branch)
    assert in_the_room(branch)[ref] == PICTURE
    assert ref in {one.ref for one in pictures(branch)}
    sent = with_pictures(branch)
    assert sent
    assert {letter.contact for letter in sent} <= {letter.contact for _, letter in branch.mail.letters}
    assert all(one.read() == PICTURE for letter in sent for one in letter.attachments)
    assert branch.incident("strong-room").code in sent[0].attachments[0].name


async def test_before_and_after_are_kept_and_named_in_the_incident(branch: Story) -> None:
    branch.press("strong-room")
    await branch.minutes(1)
    kept = branch.incident("strong-room").pictures
    assert [one.camera for one in kept] == ["recorder.vault"] * 4
    assert [one.moment for one in kept].count(PictureMoment.BEFORE) == 1
    before = next(one for one in kept if one.moment is PictureMoment.BEFORE)
    after = sorted(one.at for one in kept if one.moment is PictureMoment.AFTER)
    opened = branch.incident("strong-room").opened_at
    assert opened - timedelta(seconds=65) < before.at < opened
    assert [round((at - opened).total_seconds(), -0) // 5 * 5 for at in after] == [0, 5, 30]
    lie = {path.name for path in (branch.state_dir / "pictures").iterdir()}
    assert {one.ref for one in kept} == lie


async def test_the_alarm_waits_for_no_picture(branch: Story) -> None:
    branch.cctv.link.takes_s = 60.0  # the recorder hangs
    branch.press("strong-room")
    await branch.seconds(2)
    assert any("alarm" in line for line in branch.letters())
    assert not pictures(branch)
    await branch.seconds(8)
    kept = pictures(branch)  # what was there before is what there is
    assert [one.moment for one in kept] == [PictureMoment.BEFORE]
    assert list(in_the_room(branch)) == [kept[0].ref]


async def test_a_branch_whose_card_takes_no_pictures_tells_its_alarm_and_sends_them_all_the_same(
    branch: Story,
) -> None:
    (branch.state_dir / "pictures").write_bytes(b"a file where the folder should be")
    branch.press("strong-room")
    await branch.minutes(1)
    assert any("alarm" in line for line in branch.letters())
    assert in_the_room(branch)
    assert not pictures(branch)
    assert branch.gateway.health().word == "ok"


async def test_a_camera_that_does_not_watch_the_zone_is_not_asked(branch: Story) -> None:
    branch.press("panic-gate")
    await branch.minutes(1)
    assert not pictures(branch)
    assert not branch.room.pieces


async def test_a_picture_that_is_too_large_is_made_small_before_it_leaves(branch: Story) -> None:
    large = Scene(room=4, size=(1920, 1080), noise=14.0, quality=92).jpeg()
    assert len(large) > SMALL
    branch.cctv.shows[VAULT] = large
    branch.press("strong-room")
    await branch.seconds(12)
    (data,) = in_the_room(branch).values()
    assert 5_000 < len(data) <= SMALL


async def test_pictures_leave_after_the_facts_and_wait_for_the_broker(branch: Story) -> None:
    branch.room.set(reachable=False)
    branch.press("strong-room")
    await branch.minutes(1)
    assert not branch.room.pieces
    branch.room.set(reachable=True)
    await branch.seconds(10)
    assert len(in_the_room(branch)) == 1
    named = {one.fact.ref for one in branch.room.copy.facts if isinstance(one.fact, facts.PictureKept)}
    assert set(in_the_room(branch)) <= named


async def test_the_branch_shows_its_pictures_and_no_other(branch: Story) -> None:
    branch.press("strong-room")
    await branch.seconds(40)
    (shown,) = (await branch.ask("GET", "/api/v1/incidents"))[1]["open"]
    code = shown["code"]
    assert len(shown["pictures"]) == 4
    async with branch.session() as session:
        for one in shown["pictures"]:
            async with session.get(f"http://localhost/api/v1/incidents/{code}/pictures/{one['ref']}") as answer:
                assert (answer.status, answer.content_type) == (200, "image/jpeg")
                assert await answer.read() == PICTURE
    for name, lang in (("Strong room camera", "en"), ("स्ट्रांग रूम का कैमरा", "hi")):
        card = str(branch.gateway.page.sections(lang)["incidents"])
        assert re.findall(r'<img src="[^"]*/([0-9a-f]{64})" alt="[^"]*' + name, card) == by_time(shown["pictures"])
    for wrong in (f"{code}/pictures/{'a' * 64}", f"0000/pictures/{one['ref']}", f"{code}/pictures/..%2Fjournal.db"):
        status, _ = await branch.ask("GET", f"/api/v1/incidents/{wrong}")
        assert status == 404
    (branch.state_dir / "pictures" / one["ref"]).unlink()
    assert (await branch.ask("GET", f"/api/v1/incidents/{code}/pictures/{one['ref']}"))[0] == 404
    assert (await branch.ask("GET", "/api/v1/journal/verify"))[1]["ok"] is True  # erasing one breaks no chain


def by_time(pictures: list[dict[str, str]]) -> list[str]:
    return [one["ref"] for one in sorted(pictures, key=lambda one: one["at"])]


async def test_of_very_many_pictures_a_card_shows_the_newest_and_counts_the_rest(branch: Story) -> None:
    branch.press("strong-room")
    await branch.seconds(40)
    opened = branch.incident("strong-room")
    for number in range(20):
        at = opened.opened_at + timedelta(minutes=1, seconds=number)
        fact = facts.PictureKept(opened.code, "recorder.gone", PictureMoment.AFTER, at, f"{number:064x}")
        await branch.gateway.desk.submit(Pictured((fact,), frozenset()))
    card = str(branch.gateway.page.sections("en")["incidents"])
    assert re.findall(r'<img src="[^"]*/([0-9a-f]{64})"', card) == [f"{number:064x}" for number in range(8, 20)]
    assert "12 more, earlier" in card
    assert "Picture from recorder.gone" in card  # a camera that the config has lost since


async def seen(story: Story) -> dict[str, Any]:
    """All that the branch can see of itself, without what time alone changes."""
    _, status = await story.ask("GET", "/api/v1/status")
    _, incidents = await story.ask("GET", "/api/v1/incidents")
    async with story.session() as session, session.get("http://localhost/metrics") as answer:
        text = await answer.text()
    moving = ("_age_seconds", "latency", "telemetry", "_total")
    metrics = sorted(line for line in text.splitlines() if line[0] != "#" and not any(one in line for one in moving))
    return {
        "notices": status["notices"],
        "incidents": incidents,
        "ways": [(way["id"], way["up"], way["reason"]) for way in status["ways"]],
        "disk": status["telemetry"]["spool"]["disk_free_bytes"],
        "metrics": metrics,
        "page": [dict(story.gateway.page.sections(lang)) for lang in ("hi", "en", "")],
        "html": [MOVING.sub("", await story.gateway.page.html(lang)) for lang in ("hi", "en")],
    }


async def test_of_a_hold_up_the_police_get_pictures_and_the_branch_sees_nothing() -> None:
    what = []
    for pressed in (True, False):
        async with Story(whole=True) as story:
            story.cctv.shows = {COUNTER: PICTURE}
            await story.minutes(2)
            if pressed:
                story.press("hold-up-counter")
            await story.minutes(1)
            what.append(await seen(story))
            if not pressed:
                assert not pictures(story)
                continue
            code = story.incident("hold-up-counter").code
            assert {one.code for one in pictures(story)} == {code}
            assert len(in_the_room(story)) == 1
            on_site = {id_ for id_, one in story.settings.contacts.items() if one.on_site}
            assert with_pictures(story)
            assert not {letter.contact for letter in with_pictures(story)} & on_site
            for one in pictures(story):
                assert (await story.ask("GET", f"/api/v1/incidents/{code}/pictures/{one.ref}"))[0] == 404
    assert what[0] == what[1]


async def test_a_recorder_that_is_carried_away_confirms_the_burglary() -> None:
    async with Story(whole=True, now=MONDAY_NIGHT) as story:
        await story.minutes(2)
        story.press("strong-room")
        await story.minutes(2)
        story.mark()
        story.cctv.link.failure = Failure.NOT_CONNECTED
        await story.minutes(3)
        incident = story.incident("strong-room")
        assert incident.confirmed_by in ("link:cctv", "device:recorder")
        assert any("confirmed" in line for line in story.letters())


# --- Pieces ----------------------------------------------------------------------------------------------------------


def blob(number: int, size: int) -> Blob:
    whole = number.to_bytes(4, "big") + bytes(size)
    at = datetime(2026, 6, 1, tzinfo=UTC)
    return Blob(hashlib.sha256(whole).hexdigest(), "4821", "dvr.ch1", PictureMoment.AFTER, at, whole)


def taken(blobs: Blobs) -> Iterator[tuple[str, dict[str, Any]]]:
    import json

    while (piece := blobs.next()) is not None:
        yield piece[0], json.loads(piece[1])
        blobs.sent(piece[0])


@given(st.lists(st.integers(1, SMALL), min_size=1, max_size=5))
def test_pieces_put_together_are_the_picture(sizes: list[int]) -> None:
    blobs, offered = Blobs(), [blob(number, size) for number, size in enumerate(sizes)]
    for one in offered:
        blobs.offer(one)
    whole: dict[str, bytes] = {}
    for topic, body in taken(blobs):
        piece = b64decode(body["data"])
        assert len(piece) <= PIECE
        assert (body["code"], body["camera"], body["moment"]) == ("4821", "dvr.ch1", "after")
        assert unstamp(body["at"]) == datetime(2026, 6, 1, tzinfo=UTC)
        whole[topic] = whole.get(topic, b"") + piece
    assert whole == {f"blob/{one.ref}": one.whole for one in offered}


def test_a_piece_that_was_not_confirmed_is_sent_again() -> None:
    blobs = Blobs()
    blobs.offer(blob(1, 3 * PIECE))
    assert blobs.next() == blobs.next()


def test_of_too_many_the_oldest_is_forgotten_also_half_sent() -> None:
    blobs = Blobs()
    offered = [blob(number, 2 * PIECE) for number in range(WAITING + 1)]
    for one in offered[:-1]:
        blobs.offer(one)
    first = blobs.next()
    assert first is not None
    blobs.sent(first[0])
    blobs.offer(offered[-1])
    blobs.sent(first[0])  # its confirmation comes late
    topics = [topic for topic, _ in taken(blobs)]
    assert f"blob/{offered[0].ref}" not in topics
    assert topics.count(f"blob/{offered[1].ref}") == topics.count(f"blob/{offered[-1].ref}") == 3


async def test_a_storm_of_other_alarms_takes_no_place_from_the_one_that_cameras_watch(branch: Story) -> None:
    for zone in list(branch.settings.zones):
        if branch.settings.zones[zone].device() == "panel" and zone != "strong-room":
            branch.press(zone)
    branch.press("strong-room")
    await branch.seconds(12)
    assert "recorder.vault" in {one.camera for one in pictures(branch)}
