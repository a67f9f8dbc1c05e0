"""One recorder, looked into round by round: in time, without a crowd, and what is not answered is said to be so."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from sentinel.core.model import Failure, Quality, Reading
from sentinel.gateway.surveyor import STREAM_GOOD_S, Surveyor
from sentinel.ports import HttpRequest, LinkError, Moment, Round
from tests.fakes import MONDAY_NOON, FakeRecorderLink

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from tests.fakes import FakeClock

CAMERAS = 8


@dataclass
class Recorder:
    """A state every 20 s (who are you; then each camera, together) and a history every hour of one slow question."""

    moments: list[tuple[str, Moment]] = field(default_factory=list)
    falls: bool = False

    def rounds(self) -> Sequence[Round]:
        return [
            Round("state", 20.0, tuple(f"dvr.cam{n}" for n in range(CAMERAS))),
            Round("history", 3600.0, ("dvr.footage",)),
        ]

    def assess(self, name: str, moment: Moment) -> Generator[Sequence[Any], Sequence[Any], list[Reading]]:
        self.moments.append((name, moment))
        if name == "history":
            if self.falls:
                raise ValueError("a slip of the driver")
            (found,) = yield ["footage"]
            return [self._reading("footage", found, moment)]
        yield ["who"]
        found = yield [f"cam{n}" for n in range(CAMERAS)]
        return [self._reading(f"cam{n}", one, moment) for n, one in enumerate(found)]

    @staticmethod
    def _reading(point: str, found: object, moment: Moment) -> Reading:
        if isinstance(found, LinkError):
            return Reading(f"dvr.{point}", None, Quality.FAILED, moment.at, found.failure)
        return Reading(f"dvr.{point}", str(found), Quality.GOOD, moment.at)


class Motion:
    """Each piece of the stream is the name of a round."""

    def request(self) -> HttpRequest:
        return HttpRequest("/alertStream")

    def feed(self, data: bytes) -> Sequence[str]:
        return [data.decode()]


class Bench:
    """A surveyor at work, each of its tasks begun again when it falls."""

    def __init__(self, clock: FakeClock, driver: Recorder | None = None, *, stream: bool = False) -> None:
        self.link, self.driver = FakeRecorderLink(lambda _request: "ok"), driver or Recorder()
        self.readings: list[Reading] = []
        self.surveyor = Surveyor(
            "dvr",
            self.link,
            self.driver,
            self.readings.extend,
            clock.system(),
            ZoneInfo("Asia/Kolkata"),
            (Motion(), self.link) if stream else None,
        )
        self.began = asyncio.get_running_loop().time()
        self.tasks = [asyncio.ensure_future(work()) for work in self.surveyor.works().values()]

    def asked(self, what: object) -> list[float]:
        return [at - self.began for at, request in self.link.asked if request == what]

    def of(self, point: str) -> list[Reading]:
        return [one for one in self.readings if one.point == point]

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def test_a_day_of_rounds_does_not_drift(clock: FakeClock) -> None:
    bench = Bench(clock)
    await asyncio.sleep(86_400 - 1)
    times = bench.asked("who")
    assert len(times) == 86_400 / 20
    assert max(at - 20 * n for n, at in enumerate(times)) < 0.01
    assert len(bench.asked("footage")) == 24
    await bench.stop()


async def test_a_round_is_told_when_it_is_in_the_time_of_the_branch(clock: FakeClock) -> None:
    bench = Bench(clock)
    await asyncio.sleep(1)
    moment = bench.driver.moments[0][1]
    assert abs(moment.wall - MONDAY_NOON) < timedelta(seconds=1)
    assert (str(moment.wall.tzinfo), moment.synchronised) == ("Asia/Kolkata", True)
    await bench.stop()


async def test_the_first_contact_after_a_start_is_one_question_alone(clock: FakeClock) -> None:
    bench = Bench(clock)
    bench.link.takes_s = 3.0
    await asyncio.sleep(2.9)
    assert [request for _, request in bench.link.asked] == ["who"]
    await asyncio.sleep(3)
    assert len(bench.link.asked) == 2 + CAMERAS
    assert bench.link.most == 1 + CAMERAS
    await bench.stop()


async def test_a_recorder_that_is_not_there_is_asked_one_thing_at_a_time_and_every_point_says_so(
    clock: FakeClock,
) -> None:
    bench = Bench(clock)
    bench.link.failure = Failure.NOT_CONNECTED
    await asyncio.sleep(60)
    assert bench.link.most == 1
    assert bench.asked("footage") == []
    assert {one.point for one in bench.readings} == {"dvr.footage", *(f"dvr.cam{n}" for n in range(CAMERAS))}
    assert {one.reason for one in bench.readings} == {Failure.NOT_CONNECTED}
    bench.link.failure = None
    await asyncio.sleep(21)
    assert bench.of("dvr.footage")[-1].quality is bench.of("dvr.cam0")[-1].quality is Quality.GOOD
    await bench.stop()


@pytest.mark.parametrize("failure", [Failure.CREDENTIAL, Failure.LOCKED])
async def test_a_password_that_is_refused_is_said_of_every_point_in_its_own_round(
    clock: FakeClock, failure: Failure
) -> None:
    bench = Bench(clock)
    bench.link.failure = failure
    await asyncio.sleep(30)
    assert {one.reason for one in bench.readings} == {failure}
    assert "dvr.footage" in {one.point for one in bench.readings}
    await bench.stop()


async def test_a_round_that_does_not_end_fails_its_points_and_comes_again(clock: FakeClock) -> None:
    bench = Bench(clock)
    await asyncio.sleep(1)
    bench.link.takes_s = 100.0
    await asyncio.sleep(89)
    assert [one.reason for one in bench.of("dvr.cam3")] == [None, Failure.NO_REPLY]
    bench.link.takes_s = 0.05
    await asyncio.sleep(80)
    assert bench.of("dvr.cam3")[-1].quality is Quality.GOOD
    await bench.stop()


async def test_a_recorder_that_answers_slowly_was_not_carried_away(clock: FakeClock) -> None:
    bench = Bench(clock)
    await asyncio.sleep(1)
    bench.link.takes_s = 45.0  # who are you: answered; the cameras: not within the round
    await asyncio.sleep(89)
    assert [one.reason for one in bench.of("dvr.cam3")] == [None, Failure.REFUSED]
    await bench.stop()


async def test_a_slow_history_keeps_no_state_waiting(clock: FakeClock) -> None:
    bench = Bench(clock)
    read = bench.link.read

    async def slow(request: Any, timeout_s: float | None = None) -> Any:
        await asyncio.sleep(600 if request == "footage" else 0)
        return await read(request, timeout_s)

    bench.link.read = slow  # type: ignore[method-assign]
    await asyncio.sleep(599)
    assert len(bench.asked("who")) == 30
    assert bench.of("dvr.footage") == []
    await asyncio.sleep(2)
    assert bench.of("dvr.footage")[-1].value == "ok"
    await bench.stop()


async def test_a_round_whose_driver_slips_says_so_and_takes_no_other_with_it(clock: FakeClock) -> None:
    bench = Bench(clock, Recorder(falls=True))
    await asyncio.sleep(50)
    assert [one.reason for one in bench.of("dvr.footage")] == [Failure.BAD_REPLY]
    assert len(bench.of("dvr.cam0")) == 3
    await bench.stop()


async def test_a_round_that_is_hurried_comes_at_once_but_not_twice_in_two_seconds(clock: FakeClock) -> None:
    bench = Bench(clock)
    await asyncio.sleep(5)
    for _ in range(100):
        bench.surveyor.hurry("state")
        bench.surveyor.hurry("no such round")
        await asyncio.sleep(0.05)
    await asyncio.sleep(5)
    times = bench.asked("who")
    assert times[1] == pytest.approx(5.0, abs=0.1)
    assert 3 <= len(times) <= 5
    assert min(after - before for before, after in itertools.pairwise(times)) >= 2.0
    await asyncio.sleep(6)
    assert bench.asked("who")[-1] == pytest.approx(20.0, abs=0.01), "its own schedule stays"
    await bench.stop()


async def test_an_event_of_the_recorder_makes_polling_fast(clock: FakeClock) -> None:
    bench = Bench(clock, stream=True)
    await asyncio.sleep(10)
    bench.link.event(b"state")
    await asyncio.sleep(0.2)
    assert bench.asked("who")[-1] == pytest.approx(10.0, abs=0.2)
    await bench.stop()


async def test_a_stream_that_drops_is_opened_again_at_once_then_less_often_and_fails_no_point(
    clock: FakeClock,
) -> None:
    bench = Bench(clock, stream=True)
    await asyncio.sleep(STREAM_GOOD_S + 1)
    bench.link.event(None)
    await asyncio.sleep(0.5)
    assert bench.link.streams == 2
    for _ in range(20):
        bench.link.event(None)
    await asyncio.sleep(60)
    assert 4 <= bench.link.streams <= 8
    assert all(one.quality is Quality.GOOD for one in bench.readings)
    assert bench.surveyor.stats.failed == 0
    await bench.stop()


async def test_a_recorder_that_is_gone_is_logged_once_and_one_question_that_fails_is_no_loss_of_it(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(clock)
    bench.link.answer = lambda request: LinkError(Failure.BAD_REPLY, "no XML") if request == "cam3" else "ok"
    await asyncio.sleep(300)
    assert caplog.text == ""
    assert bench.surveyor.stats.failures == {Failure.BAD_REPLY: 15}
    bench.link.failure = Failure.NO_REPLY
    await asyncio.sleep(300)
    bench.link.failure = None
    await asyncio.sleep(60)
    await bench.stop()
    assert caplog.text.count("device lost link=dvr reason=no-reply") == 1
    assert caplog.text.count("device back link=dvr") == 1
    assert len(caplog.records) == 2


async def test_what_is_not_supported_is_no_failed_question(clock: FakeClock) -> None:
    bench = Bench(clock)
    bench.link.answer = lambda request: LinkError(Failure.UNSUPPORTED, "404") if request == "footage" else "ok"
    await asyncio.sleep(30)
    assert bench.of("dvr.footage")[-1].reason is Failure.UNSUPPORTED
    assert bench.surveyor.stats.failed == 0
    await bench.stop()
