"""Readings on their way in (sensing, ways) and words on their way out (letters, answers)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from sentinel.core.authority import CommandKind
from sentinel.core.codes import ROLES
from sentinel.core.decide import decide
from sentinel.core.encoding import stamp
from sentinel.core.facts import Disposition, IncidentReactivated, Recorded
from sentinel.core.incident import State, evolve
from sentinel.core.model import Condition, Failure, Party, Quality, Reading, Role, Severity, Via
from sentinel.core.signal import Signal
from sentinel.core.words import WORDS
from sentinel.gateway.answers import by_room, code_in, here
from sentinel.gateway.exchange import CommandKind as Asked
from sentinel.gateway.exchange import Refusal, RoomCommand, command_of, judge
from sentinel.gateway.letters import LetterBook
from sentinel.gateway.sensing import Sensing
from sentinel.gateway.ways import PATIENCE_S, Ways
from sentinel.settings.policy import policy as policy_of
from tests.core.branch import PANEL, ZONES
from tests.fakes import MONDAY_NOON, Story

if TYPE_CHECKING:
    from tests.fakes import FakeClock


class Heard:
    """Stands where the desk stands."""

    def __init__(self) -> None:
        self.signals: list[Signal] = []

    def submit(self, *signals: Signal) -> asyncio.Future[None]:
        self.signals += signals
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


def reading(clock: FakeClock, pressed: bool) -> list[Reading]:
    return [Reading("panel.holdup", pressed, Quality.GOOD, clock.monotonic())]


# --- Sensing --------------------------------------------------------------------------------------------------------


async def test_a_button_pressed_and_released_while_the_journal_is_replayed_is_told_at_the_start(
    clock: FakeClock,
) -> None:
    heard = Heard()
    sensing = Sensing(clock.system(), heard.submit)
    began = clock.monotonic()
    for pressed in (False, True, False):
        sensing.take(reading(clock, pressed))
        await asyncio.sleep(0.1)
    assert heard.signals == []
    assert sensing.view() == []
    sensing.start(ZONES, (PANEL,), {}, began)
    assert [(one.subject, one.condition) for one in heard.signals] == [("zone:holdup", Condition.ALARM)]


async def test_ten_thousand_readings_wait_and_none_is_lost(clock: FakeClock) -> None:
    heard = Heard()
    sensing = Sensing(clock.system(), heard.submit)
    began = clock.monotonic()
    for _ in range(10_000):
        sensing.take(reading(clock, pressed=False))
    sensing.take(reading(clock, pressed=True))
    for _ in range(10_000):
        sensing.take(reading(clock, pressed=False))
    sensing.start(ZONES, (PANEL,), {}, began)
    assert [one.condition for one in heard.signals] == [Condition.ALARM]


async def test_what_was_in_alarm_before_the_restart_is_no_news(clock: FakeClock) -> None:
    heard = Heard()
    sensing = Sensing(clock.system(), heard.submit)
    sensing.start(ZONES, (PANEL,), {"zone:holdup": Condition.ALARM}, clock.monotonic())
    sensing.take(reading(clock, pressed=True))
    assert heard.signals == []
    assert [view.active for view in sensing.view() if view.zone.id == "holdup"] == [True]


async def test_points_that_fall_silent_are_found_by_time_alone(clock: FakeClock) -> None:
    heard = Heard()
    sensing = Sensing(clock.system(), heard.submit)
    sensing.start(ZONES, (PANEL,), {}, clock.monotonic())
    sensing.take(reading(clock, pressed=False))
    task = asyncio.create_task(sensing.run())
    await asyncio.sleep(10)
    task.cancel()
    assert [one.subject for one in heard.signals] == ["device:panel"]


async def test_the_sink_gets_every_reading_and_the_latest_is_kept(clock: FakeClock) -> None:
    taken: list[Reading] = []

    class Sink:
        def take(self, readings: list[Reading]) -> None:
            taken.extend(readings)

    sensing = Sensing(clock.system(), Heard().submit, Sink())  # type: ignore[arg-type]
    for pressed in (False, True):
        sensing.take(reading(clock, pressed))
    assert [one.value for one in taken] == [False, True]
    assert sensing.latest["panel.holdup"].value is True


def held(clock: FakeClock, point: str = "panel.holdup") -> list[Reading]:
    return [Reading(point, None, Quality.HELD, clock.monotonic())]


class SlowDesk(Heard):
    """Makes nothing durable until the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[asyncio.Future[None]] = []

    def submit(self, *signals: Signal) -> asyncio.Future[None]:
        self.signals += signals
        self.waiting.append(asyncio.get_running_loop().create_future())
        return self.waiting[-1]


async def test_what_a_panel_said_is_durable_when_the_desk_has_written_it_and_so_is_its_repetition(
    clock: FakeClock,
) -> None:
    desk = SlowDesk()
    sensing = Sensing(clock.system(), desk.submit)
    sensing.start(ZONES, (PANEL,), {}, clock.monotonic())
    first = sensing.hear(reading(clock, pressed=True))
    again = sensing.hear(reading(clock, pressed=True))
    nothing = sensing.hear([])
    assert len(desk.waiting) == 1
    await asyncio.sleep(1)
    assert not any(one.done() for one in (first, again, nothing))
    desk.waiting[0].set_result(None)
    await asyncio.sleep(0)
    assert all(await asyncio.gather(first, again, nothing))


async def test_what_brings_nothing_new_is_durable_at_once(clock: FakeClock) -> None:
    sensing = Sensing(clock.system(), Heard().submit)
    sensing.start(ZONES, (PANEL,), {}, clock.monotonic())
    assert sensing.hear(reading(clock, pressed=False)).result() is True


async def test_without_a_card_nothing_that_a_panel_says_is_called_durable(clock: FakeClock) -> None:
    bare = True
    sensing = Sensing(clock.system(), Heard().submit, is_bare=lambda: bare)
    sensing.start(ZONES, (PANEL,), {}, clock.monotonic())
    assert await sensing.hear(reading(clock, pressed=True)) is False
    assert await sensing.hear(reading(clock, pressed=True)) is False, "said again, and still in memory only"
    bare = False
    assert await sensing.hear(reading(clock, pressed=True)) is True


async def test_what_the_desk_gave_up_is_not_durable(clock: FakeClock) -> None:
    desk = SlowDesk()
    sensing = Sensing(clock.system(), desk.submit)
    sensing.start(ZONES, (PANEL,), {}, clock.monotonic())
    said = sensing.hear(reading(clock, pressed=True))
    desk.waiting[0].set_exception(RuntimeError("the desk fell twice"))
    assert await said is False


async def test_what_a_panel_says_while_the_journal_is_replayed_is_durable_when_that_is_written(
    clock: FakeClock,
) -> None:
    desk = SlowDesk()
    sensing = Sensing(clock.system(), desk.submit)
    said = sensing.hear(reading(clock, pressed=True))
    sensing.start(ZONES, (PANEL,), {}, clock.monotonic())
    await asyncio.sleep(0.1)
    assert (len(desk.signals), said.done()) == (1, False)
    desk.waiting[0].set_result(None)
    assert await said is True


async def test_an_alarm_that_waits_for_the_delay_of_its_zone_is_not_durable_before_it_was_told(
    clock: FakeClock,
) -> None:
    slow = replace(next(zone for zone in ZONES if zone.point == "panel.holdup"), on_delay_s=2.0)
    heard = Heard()
    sensing = Sensing(clock.system(), heard.submit)
    sensing.start([slow], (PANEL,), {}, clock.monotonic())
    task = asyncio.create_task(sensing.run())
    sensing.hear(reading(clock, pressed=False))
    said = sensing.hear(reading(clock, pressed=True))
    await asyncio.sleep(1.9)
    assert not said.done()
    await asyncio.sleep(0.5)
    assert [one.condition for one in heard.signals] == [Condition.ALARM]
    assert said.result() is True
    task.cancel()


async def test_a_held_point_keeps_its_value_and_its_value_is_fresh(clock: FakeClock) -> None:
    taken: list[Reading] = []

    class Sink:
        def take(self, readings: list[Reading]) -> None:
            taken.extend(readings)

    sensing = Sensing(clock.system(), Heard().submit, Sink())  # type: ignore[arg-type]
    sensing.hear(held(clock))
    assert (taken, sensing.latest) == ([], {}), "of one that never said anything nothing is known"
    sensing.hear(reading(clock, pressed=False))
    await asyncio.sleep(20)
    sensing.hear(held(clock))
    last = sensing.latest["panel.holdup"]
    assert (last.value, last.quality, last.at) == (False, Quality.GOOD, clock.monotonic())
    sensing.hear([Reading("panel.holdup", None, Quality.FAILED, clock.monotonic(), Failure.NOT_CONNECTED)])
    assert sensing.latest["panel.holdup"].value is None
    sensing.hear(held(clock))
    assert [one.value for one in taken] == [False, False, None, False]
    assert all(one.quality is not Quality.HELD for one in taken)


async def test_a_press_that_a_panel_tells_by_itself_makes_no_age_and_no_count_begin_anew(clock: FakeClock) -> None:
    heard = Heard()
    sensing = Sensing(clock.system(), heard.submit)
    sensing.start(ZONES, (PANEL,), {}, clock.monotonic())
    sensing.hear(held(clock))
    await asyncio.sleep(1)
    before = (sensing.taken, [one.age_s for one in sensing.devices()], [one.age_s for one in sensing.view()])
    sensing.hear(reading(clock, pressed=True))
    assert [one.condition for one in heard.signals] == [Condition.ALARM]
    now = (sensing.taken, [one.age_s for one in sensing.devices()], [one.age_s for one in sensing.view()])
    assert now == before


# --- Ways -----------------------------------------------------------------------------------------------------------

MAIL, ROOM = "channel:mail", "room:durg"


@dataclass
class Watched:
    """Ways at work."""

    ways: Ways
    heard: Heard
    task: asyncio.Task[None]

    def told(self) -> list[tuple[str, Condition, Severity]]:
        return [(one.subject, one.condition, one.severity) for one in self.heard.signals]


@pytest.fixture
async def watched(clock: FakeClock) -> Watched:
    heard = Heard()
    ways = Ways(heard.submit, clock.system(), lambda: False)
    ways.watch({MAIL: Role.PATH, ROOM: Role.DELIVERY}, {}, {ROOM: MAIL})
    return Watched(ways, heard, asyncio.create_task(ways.run()))


async def test_a_way_is_told_when_it_has_been_down_for_its_patience_and_again_when_it_is_back(watched: Watched) -> None:
    watched.ways.report(ROOM, up=True)
    watched.ways.report(MAIL, up=False, reason="lost")
    await asyncio.sleep(PATIENCE_S - 1)
    assert watched.told() == []
    await asyncio.sleep(2.5)
    assert watched.told() == [(MAIL, Condition.TROUBLE, Severity.FAULT)]
    watched.ways.report(MAIL, up=True)
    await asyncio.sleep(2)
    assert watched.told()[1:] == [(MAIL, Condition.NORMAL, Severity.FAULT)]


async def test_a_way_that_comes_and_goes_within_the_patience_is_not_told(watched: Watched) -> None:
    watched.ways.report(ROOM, up=True)
    for _ in range(10):
        watched.ways.report(MAIL, up=False)
        await asyncio.sleep(15)
        watched.ways.report(MAIL, up=True)
        await asyncio.sleep(1)
    assert watched.told() == []


async def test_a_room_that_is_not_heard_of_is_told_and_not_while_the_way_to_it_is_down(watched: Watched) -> None:
    watched.ways.report(MAIL, up=False)
    watched.ways.doubt(MAIL)
    await asyncio.sleep(60)
    assert watched.told() == [(MAIL, Condition.TROUBLE, Severity.FAULT)]
    watched.ways.report(MAIL, up=True)
    watched.ways.doubt(MAIL)
    await asyncio.sleep(PATIENCE_S + 3)
    assert watched.told()[2:] == [(ROOM, Condition.TROUBLE, Severity.FAULT)]
    watched.ways.report(ROOM, up=True)
    await asyncio.sleep(2)
    assert watched.told()[3:] == [(ROOM, Condition.NORMAL, Severity.FAULT)]


async def test_a_sign_in_that_works_does_not_outweigh_a_letter_that_did_not_leave(watched: Watched) -> None:
    def up() -> bool | None:
        return next(way.up for way in watched.ways.view() if way.subject == MAIL)

    assert up() is None
    watched.ways.checked(MAIL, up=False, reason="no sign-in")
    assert up() is False
    watched.ways.checked(MAIL, up=True)
    assert up() is True
    watched.ways.report(MAIL, up=False, reason="451")
    watched.ways.checked(MAIL, up=True)
    assert up() is False
    watched.ways.report(MAIL, up=True)
    watched.ways.checked("channel:gone", up=False)
    assert up() is True


async def test_at_night_a_lost_way_is_louder(clock: FakeClock) -> None:
    heard = Heard()
    ways = Ways(heard.submit, clock.system(), lambda: True)
    ways.watch({MAIL: Role.PATH}, {}, {})
    task = asyncio.create_task(ways.run())
    ways.report(MAIL, up=False)
    ways.report("channel:gone", up=False)  # of a config that is no more
    await asyncio.sleep(30)
    task.cancel()
    assert [one.severity for one in heard.signals] == [Severity.HIGH]


async def test_a_trouble_of_before_the_restart_is_not_told_twice_and_ends_when_it_is_over(clock: FakeClock) -> None:
    heard = Heard()
    ways = Ways(heard.submit, clock.system(), lambda: False)
    ways.watch({MAIL: Role.PATH}, {f"{MAIL}/trouble": Condition.TROUBLE}, {})
    task = asyncio.create_task(ways.run())
    await asyncio.sleep(60)
    assert heard.signals == []
    assert [way.up for way in ways.view()] == [False]
    ways.report(MAIL, up=True)
    await asyncio.sleep(2)
    task.cancel()
    assert [one.condition for one in heard.signals] == [Condition.NORMAL]


# --- Answers --------------------------------------------------------------------------------------------------------


def test_the_authority_of_an_answer_comes_from_how_it_came() -> None:
    asked = RoomCommand(
        "7",
        Asked.CLOSE,
        "durg",
        MONDAY_NOON,
        MONDAY_NOON,
        "Insp. A. Sahu",
        "police",
        (("disposition", "genuine"), ("incident", "17-4821")),
    )
    command = by_room(asked, "ref", 17)
    assert (command.via, command.by, command.claims) == (Via.ROOM, "durg", Party.POLICE)
    assert (command.kind, command.code, command.disposition) == (CommandKind.CLOSE, "4821", Disposition.GENUINE)
    assert command.id == "durg/7"  # two rooms may use one id
    assert by_room(replace(asked, by_role="emperor"), "", 17).claims is Party.OTHER
    assert by_room(replace(asked, kind=Asked.SILENCE), "", 17).kind is CommandKind.OTHER


@pytest.mark.parametrize("via", [Via.SOCKET, Via.PAGE])
def test_an_answer_from_this_machine_is_the_banks_at_most_and_soon_over(via: Via) -> None:
    command = here(via, "4821", "local", "ref", "r1", MONDAY_NOON)
    assert (command.via, command.claims, command.kind) == (via, Party.BANK, CommandKind.ACKNOWLEDGE)
    assert (command.code, command.until - MONDAY_NOON) == ("4821", timedelta(seconds=30))
    assert [code_in(one, 17) for one in ("4821", " 17-4821 ", "017-4821")] == ["4821"] * 3
    assert [code_in(one, 17) for one in ("99-1000", "-1000", "17-99-1000")] == ["99-1000", "-1000", "17-99-1000"]


@pytest.mark.parametrize(("days", "for_s", "taken"), [(0, 3600, True), (0, 3601, False), (300_000, 60, False)])
def test_a_command_is_meant_for_an_hour_at_most_and_not_dated_ahead(days: int, for_s: int, taken: bool) -> None:
    at = MONDAY_NOON + timedelta(days=days)
    given = {"id": "7", "kind": "acknowledge", "incident": "17-4821", "by": {"name": "x", "role": "police"}}
    asked = command_of("durg", given | {"at": stamp(at), "until": stamp(at + timedelta(seconds=for_s))})
    assert isinstance(asked, RoomCommand)
    assert judge(asked, MONDAY_NOON, synchronised=True) is (None if taken else Refusal.MALFORMED)


# --- Letters --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """What a letter is made of."""

    code: str
    words: str = "alarm"
    contact: str = "sho"
    channel: str = "mail"
    language: str = "hi"
    notice: str = "1000-1"
    priority: int = 0


@pytest.mark.parametrize("language", ["hi", "en"])
@pytest.mark.parametrize("words", sorted(WORDS))
async def test_every_letter_can_be_written_in_both_languages_with_every_slot_filled(
    story: Story, words: str, language: str
) -> None:
    story.press("smoke-hall")
    await story.seconds(2)
    await story.answer("dispatch", "smoke-hall")
    code = story.incident().code
    letter = story.gateway._letters.letter(Row(code, words, language=language), 9)
    assert letter is not None
    assert f"17-{code}" in letter.subject + letter.body
    assert "{" not in letter.subject + letter.body
    assert (letter.seq, letter.code) == (9, f"17-{code}")


async def test_a_letter_names_the_person_who_answered_and_the_time_of_the_place(story: Story) -> None:
    story.press("smoke-hall")
    await story.seconds(2)
    await story.answer("dispatch", "smoke-hall", by="ASI Meena Yadav")
    made = story.gateway._letters.letter(Row(story.incident().code, "answered.dispatched", language="en"), 1)
    assert made is not None
    assert "ASI Meena Yadav" in made.body
    assert "12:00, 01-06-2026" in made.body


async def test_a_closing_letter_names_who_closed_it_and_a_late_answers_letter_who_gave_that_answer(
    story: Story,
) -> None:
    def body(words: str) -> str:
        made = story.gateway._letters.letter(Row(code, words, language="en"), 1)
        assert made is not None
        return made.body

    story.press("smoke-hall")
    await story.seconds(2)
    code = story.incident().code
    assert body("answered.arrived").startswith("somebody: ")
    await story.answer("dispatch", "smoke-hall", by="ASI Meena Yadav")
    await story.minutes(7)
    await story.answer("acknowledge", "smoke-hall", by="Insp. A. Sahu")
    assert "ASI Meena Yadav, durg sent a party at 12:00" in body("answered.dispatched")
    assert "Insp. A. Sahu, durg acknowledged at 12:07" in body("answered.acknowledged")
    await story.answer("close", "smoke-hall", by="SI R. Netam", disposition="genuine")
    assert "SI R. Netam, durg closed it at 12:07" in body("closed")
    assert body("answered.arrived").startswith("somebody: ")


@pytest.mark.parametrize(("language", "again"), [("hi", "फिर से"), ("en", "AGAIN")])
@pytest.mark.parametrize("words", ["alarm", "bare"])
async def test_a_second_press_under_the_same_code_does_not_read_as_a_repeat_of_the_first(
    story: Story, words: str, language: str, again: str
) -> None:
    story.press("hold-up-counter")
    await story.seconds(2)
    before, code = story.gateway.desk.state, story.incident().code
    later = before.at + timedelta(minutes=200)
    pressed = IncidentReactivated(code)
    after = evolve(before, Recorded("e", before.seq + 1, later, "b", before.clock, late=False, fact=pressed))
    state = before
    book = LetterBook(story.settings, lambda: state, lambda _ref: "")
    first = book.letter(Row(code, words, language=language), 1)
    state = after
    second = book.letter(Row(code, words, language=language), 1)
    assert first is not None
    assert second is not None
    assert [text.startswith(again) for text in (first.subject, first.body)] == [False, False]
    assert [text.startswith(again) for text in (second.subject, second.body)] == [True, True]
    assert ("12:00" in first.body, "15:20" in second.body) == (True, True)


@pytest.mark.parametrize(
    ("language", "told"),
    [("hi", "कारण: रिकॉर्डिंग 11 दिन की है, 90 चाहिए"), ("en", "Reason: 11 days kept, 90 are required")],
)
async def test_a_letter_of_a_recorder_says_what_the_recorder_says_in_words(
    story: Story, language: str, told: str
) -> None:
    rule = ROLES[Role.RETENTION]
    short = Signal(
        "zone:dvr-footage",
        Role.RETENTION,
        Condition.ALARM,
        Condition.ALARM,
        rule.event,
        rule.severity,
        value="short 11/90",
    )
    state, policy = story.gateway.desk.state, policy_of(story.settings)
    for seq, fact in enumerate(decide(state, policy, short, state.at), start=state.seq + 1):
        state = evolve(state, Recorded("e", seq, state.at, "b", state.clock, late=False, fact=fact))
    code = state.by_key["zone:dvr-footage"]
    made = LetterBook(story.settings, lambda: state, lambda _ref: "").letter(Row(code, "trouble", language=language), 1)
    assert made is not None
    assert told in made.body
    over = replace(short, condition=Condition.NORMAL, value="kept")
    for seq, fact in enumerate(decide(state, policy, over, state.at), start=state.seq + 1):
        state = evolve(state, Recorded("e", seq, state.at, "b", state.clock, late=False, fact=fact))
    assert state.values == {}


async def test_a_name_that_was_erased_leaves_the_post(story: Story) -> None:
    story.press("smoke-hall")
    await story.seconds(2)
    await story.answer("dispatch", "smoke-hall", by="ASI Meena Yadav")
    book = LetterBook(story.settings, lambda: story.gateway.desk.state, lambda _ref: "")
    made = book.letter(Row(story.incident().code, "answered.dispatched", language="en"), 1)
    assert made is not None
    assert made.body.startswith("durg sent a party")


async def test_there_is_no_letter_for_a_stranger_a_lost_address_or_an_unknown_code(story: Story) -> None:
    story.press("smoke-hall")
    await story.seconds(2)
    book, code = story.gateway._letters, story.incident().code
    assert book.letter(Row(code), 1) is not None
    assert book.letter(Row(code, contact="nobody"), 1) is None
    assert book.letter(Row(code, contact="thana"), 1) is None  # only by the room
    assert book.letter(Row("9999"), 1) is None
    assert LetterBook(story.settings, State, lambda _ref: "").letter(Row(code), 1) is None


async def test_an_address_is_looked_up_when_the_letter_leaves(story: Story) -> None:
    story.press("smoke-hall")
    await story.seconds(2)
    secret = story.home / "secrets" / "sho-mail"
    secret.write_text("new.sho@police.example", encoding="utf-8")
    made = story.gateway._letters.letter(Row(story.incident().code), 1)
    assert made is not None
    assert made.address == "new.sho@police.example"
    secret.unlink()
    with pytest.raises(LookupError):
        story.gateway._letters.letter(Row(story.incident().code), 1)
