"""The journal cannot be written: the branch tells from memory, says so, and writes it down when it can."""

from __future__ import annotations

import asyncio
import fcntl
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from sentinel.core import facts
from sentinel.journal.errors import JournalUnavailable, Reason
from sentinel.ports import ChannelError
from tests.fakes import Story

if TYPE_CHECKING:
    from pathlib import Path

    from sentinel.core.facts import Recorded
    from sentinel.ports import Letter, Sent


class Card:
    """The card with the journal, which can be pulled out and put back."""

    def __init__(self, story: Story) -> None:
        self.place: Path = story.state_dir
        self._aside = story.home / "pulled"

    def pull(self) -> None:
        self.place.rename(self._aside)
        self.place.write_text("no card", encoding="utf-8")  # nothing can be made there

    def put_back(self) -> None:
        self.place.unlink()
        self._aside.rename(self.place)


def bare(story: Story) -> bool:
    return story.gateway.desk.bare is not None


async def in_order(story: Story) -> list[Recorded]:
    stored = await story.stored()
    assert [one.seq for one in stored] == list(range(1, len(stored) + 1))
    return stored


async def test_a_hold_up_with_the_card_pulled_out_is_told_over_every_way_and_says_so(story: Story) -> None:
    card = Card(story)
    card.pull()
    story.mark()
    story.press("hold-up-counter")
    await story.minutes(2)
    assert [line for line in story.letters() if not line.endswith("trouble")] == [
        "0:00 mail sho bare",
        "0:00 room thana bare",
        "0:10 mail security-officer bare",
        "0:10 room thana bare",
        "1:00 mail security-officer bare",
    ]
    assert "बिना रिकॉर्ड" in story.texts("sho")[0]
    assert any("17-" in body["incident"] and "बिना रिकॉर्ड" in body["subject"] for _, body in story.room.from_memory)
    assert (await story.ask("GET", "/healthz"))[0] == 503
    assert story.room.retained["health"] == "bare"


async def test_what_happened_without_a_card_is_written_late_in_order_when_it_is_back(story: Story) -> None:
    card = Card(story)
    before = story.gateway.journal.head().seq
    card.pull()
    story.mark()
    story.press("hold-up-counter")
    await story.seconds(30)
    code = story.incident("hold-up-counter").code
    await story.answer("dispatch", "hold-up-counter")
    await story.seconds(28)
    card.put_back()
    await story.minutes(2)
    stored = [one for one in await in_order(story) if one.seq > before]
    ended = next(index for index, one in enumerate(stored) if isinstance(one.fact, facts.BareModeEnded))
    late = stored[:ended]
    assert late
    assert all(one.late for one in late)
    assert [one.at for one in late] == sorted(one.at for one in late)
    kinds = [type(one.fact).__name__ for one in late]
    assert kinds.index("IncidentOpened") < kinds.index("NoticeSent") < kinds.index("Answered")
    assert not any(one.late for one in stored[ended:])
    end = stored[ended].fact
    assert isinstance(end, facts.BareModeEnded)
    assert end.told >= 3
    assert story.incident("hold-up-counter").code == code
    assert "gateway:journal/trouble" not in story.subjects()
    assert (await story.ask("GET", "/healthz"))[0] == 200
    assert [line for line in story.letters(contact="sho") if line.endswith("alarm")] == ["0:00 mail sho alarm"]
    assert story.room.copy.seq == story.gateway.journal.head().seq
    await story.good()


async def test_a_letter_that_waited_in_the_journal_when_the_card_went_leaves_from_memory(story: Story) -> None:
    story.mail.down = True
    story.press("hold-up-counter")
    await story.seconds(5)
    Card(story).pull()
    await story.seconds(5)
    story.mark()
    story.mail.down = False
    await story.seconds(20)
    assert any(line.endswith("mail sho alarm") for line in story.letters(contact="sho"))
    assert bare(story)


async def test_an_answer_without_a_card_stops_what_waits_in_memory(story: Story) -> None:
    Card(story).pull()
    story.mail.down = True
    story.press("hold-up-counter")
    await story.seconds(10)
    await story.answer("arrive", "hold-up-counter")
    await story.seconds(6)
    story.mark()
    story.mail.down = False
    await story.minutes(2)
    assert story.letters(contact="sho") == []


async def hang(_work: object, deadline_s: float) -> None:
    """A card that answers nothing."""
    await asyncio.sleep(deadline_s)
    raise JournalUnavailable(Reason.SLOW, f"no answer within {deadline_s:g} s")


@pytest.mark.parametrize("pressed", [False, True])
async def test_a_card_that_stalls_for_a_moment_is_a_fact_and_told_to_nobody(story: Story, pressed: bool) -> None:
    whole = story.gateway.journal._submit
    story.gateway.journal._submit = hang  # type: ignore[method-assign, assignment]
    story.mark()
    async with asyncio.timeout(8):
        while not bare(story):
            await story.seconds(0.5)
    story.gateway.journal._submit = whole  # type: ignore[method-assign]
    if pressed:
        story.press("smoke-hall")
        await story.seconds(1)
        assert any("धुआँ" in text for text in story.texts("sho")), "what cannot wait does not"
    await story.seconds(60)
    assert not bare(story)
    assert [one.reason for one in story.facts(facts.BareModeEnded)] == ["slow"]
    assert not [line for line in story.letters() if line.endswith(("trouble", "restored"))]
    assert story.subjects() == (["zone:smoke-hall"] if pressed else [])


async def test_a_card_that_stays_away_is_told_after_ten_seconds_and_its_return_too(story: Story) -> None:
    card = Card(story)
    card.pull()
    story.press("panel-tamper")
    await story.seconds(1)
    story.mark()
    await story.seconds(15)
    assert "gateway:journal/trouble" in story.subjects()
    assert any("trouble" in line or "bare" in line for line in story.letters(contact="security-officer"))
    card.put_back()
    await story.minutes(1)
    assert "gateway:journal/trouble" not in story.subjects()


async def test_a_full_card_holds_no_alarm_back_and_the_branch_writes_again_when_there_is_room(story: Story) -> None:
    journal = story.gateway.journal

    def fill(store: object) -> None:
        (pages,) = store._db.execute("PRAGMA page_count").fetchone()  # type: ignore[attr-defined]
        store._db.execute(f"PRAGMA max_page_count = {pages}")  # type: ignore[attr-defined]

    await journal._ask(fill)
    story.mark()
    for zone in ("panic-gate", "smoke-hall", "smoke-records", "call-point-stairs", "hold-up-counter"):
        story.press(zone)
        await story.seconds(1)
    await story.minutes(1)
    opened = {one.subject for one in story.facts(facts.IncidentOpened)}
    assert {"zone:panic-gate", "zone:hold-up-counter"} <= opened
    ended = story.facts(facts.BareModeEnded)
    assert [one.reason for one in ended] == ["full"]
    assert story.letters(contact="sho").count("0:00 mail sho alarm") <= 2
    await in_order(story)
    await story.good()


async def test_a_branch_whose_journal_cannot_be_opened_runs_all_the_same_and_says_so() -> None:
    branch = Story()
    branch.state_dir.write_text("no card", encoding="utf-8")
    async with branch as story:
        assert bare(story)
        story.mark()
        story.press("hold-up-counter")
        await story.seconds(20)
        assert [line.partition(" ")[2] for line in story.letters(contact="sho")] == ["mail sho bare"]
        story.state_dir.unlink()
        await story.seconds(20)
        assert not bare(story)
        assert isinstance((await in_order(story))[0].fact, facts.EpochBegan)
        assert story.incident("hold-up-counter")
        await story.good()


async def test_incidents_of_before_are_known_again_when_a_journal_that_could_not_be_opened_is_back(
    story: Story,
) -> None:
    story.press("hold-up-counter")
    await story.seconds(20)
    code = story.incident().code
    await story.power_off()
    card = Card(story)
    card.pull()
    story.release("hold-up-counter")
    await story.boot()
    assert bare(story)
    story.press("panic-gate")
    await story.seconds(20)
    card.put_back()
    await story.minutes(2)
    assert not bare(story)
    assert {one.code for one in story.open("hold-up-counter")} == {code}
    assert story.incident("panic-gate")
    story.mark()
    await story.minutes(5)
    assert any(line.endswith("mail sho alarm") for line in story.letters(contact="sho"))
    await in_order(story)
    await story.good()


async def test_a_button_pressed_again_while_its_open_incident_cannot_be_read_is_a_new_press_of_it(story: Story) -> None:
    story.press("hold-up-counter")
    await story.seconds(20)
    code = story.incident().code
    await story.answer("arrive", "hold-up-counter")
    story.release("hold-up-counter")
    await story.seconds(5)
    await story.power_off()
    card = Card(story)
    card.pull()
    await story.boot()
    story.press("hold-up-counter")
    await story.seconds(8)
    told_as = story.incident("hold-up-counter").code
    assert told_as != code
    card.put_back()
    await story.seconds(30)
    assert not bare(story)
    incident = story.incident("hold-up-counter")
    assert (incident.code, incident.answers) == (code, ()), "what the police said before is not said of this press"
    story.mark()
    await story.minutes(5)
    assert any(line.endswith("mail sho alarm") for line in story.letters(contact="sho"))
    await story.restart(cut_power=True)
    assert story.incident("hold-up-counter").code == code
    await story.answer("arrive", code=told_as)
    assert [one.kind for one in story.incident("hold-up-counter").answers] == ["arrived"]
    await story.answer("close", code=told_as, disposition="genuine")
    assert not list(story.open("hold-up-counter"))
    await story.good()


def throw_away(story: Story, *, copy_of: Path | None = None) -> None:
    """Somebody deletes the journal under the running daemon, or puts an older one in its place."""
    for file in story.state_dir.glob("journal.db*"):
        if not file.name.endswith((".lock", ".reserve")):
            file.unlink()
    if copy_of is not None:
        shutil.copy(copy_of, story.state_dir / "journal.db")


async def old_copy(story: Story) -> Path:
    """A copy of the journal as it is now, as a backup makes it."""
    kept = story.home / "copy.db"

    def make(store: object) -> None:
        store._db.execute("VACUUM INTO ?", (str(kept),))  # type: ignore[attr-defined]

    await story.gateway.journal._ask(make)
    return kept


@pytest.mark.parametrize("copied", [False, True])
async def test_a_journal_that_is_thrown_away_takes_no_open_incident_with_it(story: Story, copied: bool) -> None:
    story.press("strong-room")
    story.press("smoke-records")
    await story.seconds(5)
    copy = await old_copy(story) if copied else None
    await story.answer("arrive", "smoke-records")
    await story.answer("close", "smoke-records", disposition="false")
    story.press("hold-up-counter")
    await story.seconds(20)
    await story.answer("dispatch", "hold-up-counter")
    story.press("smoke-hall")
    await story.seconds(20)
    before = {one.key: (one.code, one.silent, one.opened_at) for one in story.open()}
    waiting = sorted(one.id for x in story.open() for one in x.notices.values() if one.live)
    throw_away(story, copy_of=copy)
    story.press("panic-gate")
    await story.seconds(40)
    assert not bare(story)
    open_ = {one.key: (one.code, one.silent, one.opened_at) for one in story.open()}
    assert before.items() <= open_.items()
    assert open_.keys() - before.keys() == {"zone:panic-gate"}
    assert sorted(one.id for x in story.open() for one in x.notices.values() if one.live) == waiting
    assert [one.kind for one in story.incident("hold-up-counter").answers] == ["dispatched"]
    story.mark()
    await story.minutes(6)
    heard = story.texts("sho")
    assert any("धुआँ" in text for text in heard), "the smoke goes on being told"
    assert not any("लूट" in text for text in heard), "the police have the hold-up for a quarter of an hour"
    await story.restart(cut_power=True)
    assert {one.key: (one.code, one.silent, one.opened_at) for one in story.open()} == open_
    began = [one.fact for one in await story.stored() if isinstance(one.fact, facts.EpochBegan)]
    assert [one.reason for one in began] == (["new", "behind"] if copied else ["behind"])
    story.mark()
    await story.minutes(20)
    assert any("लूट" in text for text in story.texts("sho"))
    assert story.room.copy.seq == story.gateway.journal.head().seq
    await story.good()


async def test_somebody_who_holds_the_journal_keeps_the_branch_in_bare_mode_and_no_longer(story: Story) -> None:
    card = Card(story)
    card.pull()
    story.press("panic-gate")
    await story.seconds(7)
    with (story.home / "pulled" / "journal.db.lock").open() as handle:
        card.put_back()
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        await story.seconds(20)
        assert bare(story)
        story.mark()
        story.press("hold-up-counter")
        await story.seconds(5)
        assert story.letters(contact="sho") == ["0:00 mail sho bare"]
        assert not story.gateway.fallen.counts
    await story.seconds(20)
    assert not bare(story)
    assert story.incident("panic-gate")


@pytest.mark.parametrize("error", [ChannelError("550", permanent=True), RuntimeError("a channel's own slip")])
async def test_one_refusal_without_a_card_does_not_silence_a_contact(story: Story, error: Exception) -> None:
    Card(story).pull()
    send = story.mail.send

    async def refuse_once(letter: Letter) -> Sent:
        if letter.contact == "sho":
            story.mail.send = send  # type: ignore[method-assign]
            raise error
        return await send(letter)

    story.mail.send = refuse_once  # type: ignore[method-assign]
    story.mark()
    story.press("hold-up-counter")
    await story.minutes(20)
    assert any("लूट" in text for text in story.texts("sho"))


async def test_while_hours_of_late_facts_are_written_to_a_slow_card_a_panic_button_is_told_at_once(
    story: Story,
) -> None:
    card = Card(story)
    card.pull()
    story.press("hold-up-counter")
    await story.minutes(60)
    quick = story.gateway.journal.append

    async def slow(*batch: Any, **when: Any) -> list[Recorded]:
        await asyncio.sleep(0.3)
        return await quick(*batch, **when)

    story.gateway.journal.append = slow  # type: ignore[method-assign]
    card.put_back()
    await story.seconds(22)
    assert story.gateway.desk.bare is not None
    story.mark()
    story.press("panic-gate")
    await story.seconds(4)
    assert any("आपात" in text for text in story.texts("sho"))
    await story.minutes(5)
    assert story.gateway.desk.bare is None


async def test_a_card_that_hangs_at_every_try_keeps_no_press_waiting_for_half_a_minute(story: Story) -> None:
    whole = story.gateway.journal._submit
    story.gateway.journal._submit = hang  # type: ignore[method-assign, assignment]
    story.press("panic-gate")
    await story.seconds(25)
    for zone in ("hold-up-counter", "smoke-hall", "call-point-stairs"):
        story.mark()
        story.press(zone)
        await story.seconds(17.3)  # not in step with the tries
        assert story.letters(contact="sho"), zone
    story.gateway.journal._submit = whole  # type: ignore[method-assign]
