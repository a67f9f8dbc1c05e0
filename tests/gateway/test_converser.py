"""One line on which a panel speaks: it is acknowledged when what it said is durable, and only then."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sentinel.core.model import Failure, Quality, Reading
from sentinel.gateway.converser import PENDING, Converser
from sentinel.ports import Turn
from tests.fakes import FakeByteLine

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

    from tests.fakes import FakeClock

POINTS = {"panel.counter": 30.0, "panel.door": 30.0}


@dataclass
class Letters:
    """A conversation of one-letter messages: `A`-`Z` is an alarm at the counter, `.` a sign of life, `!` is no message.

    Each message is acknowledged with its own small letter; a sign of life with a dot.
    """

    within_s: float = 4.0
    greetings: int = 0
    bad: int = 0
    tick_says: bytes = b""

    def opened(self, now: float) -> Sequence[Turn]:
        self.greetings += 1
        return [Turn(send=b"hello")]

    def feed(self, data: bytes, now: float) -> Sequence[Turn]:
        turns = []
        for letter in data.decode():
            if letter == "!":
                self.bad += 1
            elif letter == ".":
                held = tuple(Reading(point, None, Quality.HELD, now) for point in POINTS)
                turns.append(Turn(held, acknowledge=b".", within_s=self.within_s))
            else:
                reading = Reading("panel.counter", letter, Quality.GOOD, now)
                turns.append(Turn((reading,), acknowledge=letter.lower().encode(), within_s=self.within_s))
        return turns

    def tick(self, now: float) -> Sequence[Turn]:
        return [Turn(send=self.tick_says)] if self.tick_says else []

    def damaged(self) -> int:
        return self.bad


@dataclass
class Desk:
    """Makes things durable when the test says so."""

    by_itself: bool = True
    heard: list[Reading] = field(default_factory=list)
    signs: int = 0
    waiting: list[asyncio.Future[bool]] = field(default_factory=list)

    def hear(self, readings: list[Reading], regular: bool) -> asyncio.Future[bool]:
        self.signs += regular
        self.heard += readings
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if self.by_itself:
            done.set_result(True)
        else:
            self.waiting.append(done)
        return done

    def said(self) -> str:
        return "".join(str(one.value) for one in self.heard if one.quality is Quality.GOOD)

    def failures(self) -> set[tuple[str, Failure | None]]:
        return {(one.point, one.reason) for one in self.heard if one.quality is Quality.FAILED}


class Bench:
    """A converser at work."""

    def __init__(self, clock: FakeClock, talk: Letters | None = None, *, by_itself: bool = True) -> None:
        self.line, self.talk, self.desk = FakeByteLine(), talk or Letters(), Desk(by_itself)
        self.converser = Converser("serial", self.line, self.talk, POINTS, self.desk.hear, clock.system())
        self.task = asyncio.create_task(self.converser.run())

    def acks(self) -> str:
        return b"".join(data for _, data in self.line.said).replace(b"hello", b"").decode()

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def test_a_message_is_acknowledged_once_what_follows_from_it_is_durable_and_not_before(clock: FakeClock) -> None:
    bench = Bench(clock, by_itself=False)
    await asyncio.sleep(0.1)
    bench.line.say(b"A")
    await asyncio.sleep(1)
    assert (bench.desk.said(), bench.acks()) == ("A", "")
    bench.desk.waiting[0].set_result(True)
    await asyncio.sleep(0.01)
    assert bench.acks() == "a"
    await bench.stop()


async def test_what_is_in_memory_only_is_never_acknowledged(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(clock, by_itself=False)
    await asyncio.sleep(0.1)
    for letter in b"ABC":
        bench.line.say(bytes([letter]))
        await asyncio.sleep(0.1)
        bench.desk.waiting[-1].set_result(False)
    await asyncio.sleep(1)
    assert (bench.desk.said(), bench.acks()) == ("ABC", "")
    bench.line.say(b"D")
    await asyncio.sleep(0.1)
    bench.desk.waiting[-1].set_result(True)
    await asyncio.sleep(0.1)
    assert bench.acks() == "d"
    assert caplog.text.count("panel not acknowledged link=serial reason=not-durable") == 1
    assert caplog.text.count("panel acknowledged again link=serial") == 1
    await bench.stop()


async def test_an_acknowledgement_that_would_come_too_late_is_not_sent(clock: FakeClock) -> None:
    bench = Bench(clock, Letters(within_s=4.0), by_itself=False)
    await asyncio.sleep(0.1)
    bench.line.say(b"A")
    await asyncio.sleep(4.1)
    assert bench.desk.waiting[0].cancelled(), "nobody waits for it any more"
    bench.line.say(b"B")
    await asyncio.sleep(0.1)
    bench.desk.waiting[1].set_result(True)
    await asyncio.sleep(0.1)
    assert bench.acks() == "b"
    await bench.stop()


async def test_acknowledgements_go_in_the_order_of_the_messages(clock: FakeClock) -> None:
    bench = Bench(clock, by_itself=False)
    await asyncio.sleep(0.1)
    bench.line.say(b"AB")
    await asyncio.sleep(0.1)
    bench.desk.waiting[1].set_result(True)
    await asyncio.sleep(1)
    assert bench.acks() == ""
    bench.desk.waiting[0].set_result(True)
    await asyncio.sleep(0.1)
    assert bench.acks() == "ab"
    await bench.stop()


async def test_one_that_waited_too_long_for_the_one_before_it_is_not_sent_either(clock: FakeClock) -> None:
    bench = Bench(clock, by_itself=False)
    await asyncio.sleep(0.1)
    bench.line.say(b"A")
    await asyncio.sleep(0.1)
    bench.talk.within_s = 1.0
    bench.line.say(b"B")
    await asyncio.sleep(0.1)
    bench.desk.waiting[1].set_result(True)
    await asyncio.sleep(5)
    assert (bench.desk.said(), bench.acks()) == ("AB", "")
    await bench.stop()


async def test_what_was_owed_over_a_line_that_was_lost_is_not_said_over_the_new_one(clock: FakeClock) -> None:
    bench = Bench(clock, by_itself=False)
    await asyncio.sleep(0.1)
    bench.line.say(b"A")
    await asyncio.sleep(0.1)
    bench.line.cut()
    await asyncio.sleep(0.1)
    bench.line.cut(back=True)
    await asyncio.sleep(2)
    assert bench.talk.greetings == 2
    assert bench.desk.waiting[0].cancelled()
    assert bench.acks() == ""
    await bench.stop()


async def test_a_panel_that_says_more_than_can_be_acknowledged_is_heard_to_the_last_message(clock: FakeClock) -> None:
    bench = Bench(clock, Letters(within_s=60.0), by_itself=False)
    await asyncio.sleep(0.1)
    bench.line.say(b"A" * 200)
    await asyncio.sleep(0.1)
    assert bench.desk.said() == "A" * 200
    for one in bench.desk.waiting:
        if not one.cancelled():
            one.set_result(True)
    await asyncio.sleep(0.1)
    assert bench.acks() == "a" * PENDING
    await bench.stop()


async def test_a_line_that_takes_nothing_is_still_heard_and_then_opened_anew(clock: FakeClock) -> None:
    bench = Bench(clock)
    await asyncio.sleep(0.1)
    bench.line.stuck = True
    bench.line.say(b"A")
    await asyncio.sleep(1)
    bench.line.say(b"B")
    await asyncio.sleep(1)
    assert bench.desk.said() == "AB"
    bench.line.stuck = False
    await asyncio.sleep(10)
    assert bench.line.opened == 2
    await bench.stop()


async def test_a_line_that_is_pulled_out_fails_every_point_and_is_tried_again_less_and_less_often(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(clock)
    await asyncio.sleep(0.1)
    bench.line.say(b".")
    await asyncio.sleep(0.1)
    bench.line.cut()
    await asyncio.sleep(120)
    assert bench.desk.failures() == {(point, Failure.NOT_CONNECTED) for point in POINTS}
    tries = bench.converser.stats.failures[Failure.NOT_CONNECTED]
    assert 6 <= tries <= 9  # after 1, 2, 5, 10, then every 30 s
    bench.line.cut(back=True)
    await asyncio.sleep(31)
    bench.line.say(b".")
    await asyncio.sleep(0.1)
    assert bench.talk.greetings == 2
    assert caplog.text.count("line lost link=serial reason=not-connected") == 1
    assert caplog.text.count("line back link=serial") == 1
    await bench.stop()


async def test_a_connection_on_which_nothing_comes_any_more_is_opened_anew(clock: FakeClock) -> None:
    bench = Bench(clock)
    for _ in range(10):
        bench.line.say(b".")
        await asyncio.sleep(30)
    assert bench.line.opened == 1
    await asyncio.sleep(100)
    assert bench.line.opened == 2
    assert (Failure.NO_REPLY, 1) in bench.converser.stats.failures.items()
    await bench.stop()


async def test_a_message_that_comes_by_itself_moves_no_counter_that_the_branch_can_see(clock: FakeClock) -> None:
    bench = Bench(clock)
    await asyncio.sleep(0.1)
    bench.line.say(b".")
    await asyncio.sleep(0.1)
    before = bench.converser.stats.reads
    bench.line.say(b"A")
    await asyncio.sleep(5)
    assert (bench.desk.said(), bench.converser.stats.reads) == ("A", before)
    bench.line.say(b".")
    await asyncio.sleep(0.1)
    assert bench.converser.stats.reads == before + 1
    await bench.stop()


async def test_a_panel_that_repeats_all_that_it_knows_gives_a_sign_of_life(clock: FakeClock) -> None:
    class Whole(Letters):
        """Tells both points each time."""

        def feed(self, data: bytes, now: float) -> Sequence[Turn]:
            return [Turn(tuple(Reading(point, data.decode(), Quality.GOOD, now) for point in POINTS))]

    bench = Bench(clock, Whole())
    await asyncio.sleep(0.1)
    for word in (b"normal", b"normal", b"alarm", b"alarm", b"alarm"):
        bench.line.say(word)
        await asyncio.sleep(0.1)
    assert (bench.converser.stats.reads, bench.desk.signs) == (3, 3), "what changed is news and not counted"
    await bench.stop()


async def test_a_thousand_messages_in_one_piece_are_all_heard_and_answered_at_once_where_that_is_asked_for(
    clock: FakeClock,
) -> None:
    class Prompt(Letters):
        """Answers without waiting."""

        def feed(self, data: bytes, now: float) -> Sequence[Turn]:
            return [Turn((Reading("panel.counter", n, Quality.GOOD, now),), send=b"+") for n in data]

    bench = Bench(clock, Prompt())
    await asyncio.sleep(0.1)
    bench.line.say(b"abcde" * 200)
    await asyncio.sleep(0.1)
    assert (len(bench.desk.heard), bench.acks(), bench.line.opened) == (1000, "+" * 1000, 1)
    await bench.stop()


async def test_damage_is_counted_as_questions_without_an_answer_are(clock: FakeClock) -> None:
    bench = Bench(clock)
    await asyncio.sleep(0.1)
    bench.line.say(b"!!A!")
    await asyncio.sleep(1.5)
    assert bench.converser.stats.failures == {Failure.BAD_REPLY: 3}
    assert bench.acks() == "a"
    await bench.stop()


async def test_the_watchdog_hears_of_a_line_that_waits_and_of_one_that_cannot_be_opened(clock: FakeClock) -> None:
    bench = Bench(clock)
    signs: list[float] = []
    bench.converser.alive = lambda: signs.append(clock.monotonic())
    await asyncio.sleep(60)
    bench.line.cut()
    await asyncio.sleep(120)
    gaps = [after - before for before, after in itertools.pairwise(signs)]
    assert max(gaps) < 12
    await bench.stop()
