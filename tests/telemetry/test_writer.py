"""What the writer does with a store that behaves, and with one that does not."""

from __future__ import annotations

import asyncio
import base64
import functools
import logging
import random
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from sentinel.telemetry.faults import DAY_S, HANDFUL, QUIET_S, SILENT_S
from sentinel.telemetry.model import Batch, Counts, Flush, Keep, Poison, SpoolUnavailable
from sentinel.telemetry.parcel import packed
from sentinel.telemetry.recent import FORGETS_S, MOST_BYTES, Recent
from sentinel.telemetry.replies import BadLines, Later, Reason, Refused, Stored
from sentinel.telemetry.spool import Spool
from sentinel.telemetry.target import Target, version_1, version_2
from sentinel.telemetry.wire import ANSWER_BYTES, REQUEST_S, Wire
from sentinel.telemetry.writer import LINES_A_SECOND, MOST, REFUSED_S, SMALLER_S, Writer
from tests.fakes import MONDAY_NOON, FakeClock, VirtualLoop, virtual_loop
from tests.servers import free_port, make_certificates
from tests.stores import MisbehavingSink, Post, Say, misbehaving

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from pathlib import Path

LARGE = "larger than the store takes"
HTML = {"Content-Type": "text/html"}
FIRST_MS = int(MONDAY_NOON.timestamp() * 1000)


def virtual(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """The test's hours pass in an instant; the sockets are real."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run


class MemorySpool:
    """The spool's promises without its file."""

    def __init__(self) -> None:
        self.blobs: list[tuple[int, tuple[bytes, ...]]] = []
        self.poison: list[Poison] = []
        self.made = self.written = self.dropped = self._last = 0
        self.broken = False
        self.reads: list[int] = []

    def make(self, count: int, *, like: bytes = b"measure,point=p%d value=%d") -> tuple[bytes, ...]:
        """One blob of new points."""
        made = tuple(
            like.replace(b"%d", b"%d" % (n % 7), 1).replace(b"%d", b"%d" % n) + b" %d" % (FIRST_MS + n)
            for n in range(self.made, self.made + count)
        )
        return self.put(*made)

    def put(self, *lines: bytes) -> tuple[bytes, ...]:
        self._last += 1
        self.made += len(lines)
        self.blobs.append((self._last, lines))
        return lines

    def drop_oldest(self) -> None:
        self.dropped += len(self.blobs.pop(0)[1])

    async def read(self, most: int = MOST) -> Batch | None:
        await asyncio.sleep(0)
        self.reads.append(most)
        if self.broken:
            raise SpoolUnavailable
        upto, lines = 0, list[bytes]()
        for id_, blob in self.blobs:
            if upto and len(lines) + len(blob) > most:
                break
            upto = id_
            lines += blob
        return Batch(upto, tuple(lines), packed(lines)) if upto else None

    async def done(self, upto: int, written: int, poisoned: Sequence[Poison]) -> None:
        await asyncio.sleep(0)
        if self.broken:
            raise SpoolUnavailable
        gone = sum(len(lines) for id_, lines in self.blobs if id_ <= upto)
        assert gone == written + len(poisoned)
        self.blobs = [(id_, lines) for id_, lines in self.blobs if id_ > upto]
        self.written += written
        self.poison += poisoned

    def counts(self) -> Counts:
        waiting = sum(len(lines) for _, lines in self.blobs)
        oldest = FIRST_MS if waiting else None
        return Counts(self.made, self.written, waiting, self.dropped, len(self.poison), 0, oldest)


@dataclass
class Stage:
    """A writer between a spool and a sink, in virtual time."""

    sink: MisbehavingSink
    spool: MemorySpool = field(default_factory=MemorySpool)
    real: Spool | None = None  # instead
    target: Target | None = None
    told: list[tuple[bool, str]] = field(default_factory=list)
    synced: bool = True
    now: datetime = MONDAY_NOON

    def __post_init__(self) -> None:
        self.clock = FakeClock(self.now, synced=self.synced)
        target = self.target or version_2(self.sink.url, org="bank", bucket="branch")
        self.writer = Writer(
            self.real or self.spool,
            target,
            self.clock.system(),
            lambda well, why: self.told.append((well, why)),
            rng=random.Random(3),
        )

    async def __aenter__(self) -> Self:
        self.task = asyncio.create_task(self.writer.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def drained(self) -> None:
        """All that waits is written or poison."""
        self.writer.wake()
        async with asyncio.timeout(86_400):
            while self.spool.blobs:
                await asyncio.sleep(0.5)

    async def mended(self) -> float:
        """Wait, in an ordinary life of the branch, until it is told that all is well; how long that took."""
        began = asyncio.get_running_loop().time()
        async with asyncio.timeout(86_400):
            while self.told[-1] != (True, ""):
                self.spool.make(10)
                await self.drained()
                await asyncio.sleep(12)
        return asyncio.get_running_loop().time() - began

    def stored_once(self) -> bool:
        """Everything that was made is in the store; twice is no harm, for the timestamp overwrites."""
        return len(self.sink.stored) == self.spool.made and not self.sink.bad

    def gaps(self) -> list[float]:
        """Seconds between the requests."""
        return [later - earlier for earlier, later in zip(self.sink.times, self.sink.times[1:], strict=False)]


# --- A store that behaves ------------------------------------------------------------------------------------------------


@virtual
async def test_every_point_arrives_in_the_order_in_which_it_was_made() -> None:
    async with misbehaving() as sink, Stage(sink) as stage:
        made = [line for _ in range(40) for line in stage.spool.make(900)]
        await stage.drained()
        assert list(sink.stored) == made
        assert stage.stored_once()
        assert max(len(post.lines) for post in sink.posts) <= MOST
        assert stage.told == []
        view = stage.writer.view()
        assert (view.up, view.reason) == (True, "")
        assert view.last_written_s is not None


@virtual
async def test_a_new_flush_is_written_at_once_and_an_idle_writer_says_nothing() -> None:
    async with misbehaving() as sink, Stage(sink) as stage:
        await asyncio.sleep(3600)
        assert sink.posts == []
        assert stage.writer.view().up is None
        stage.spool.make(3)
        began = asyncio.get_running_loop().time()
        await stage.drained()
        assert sink.times[0] - began < 1


@virtual
async def test_the_request_is_what_influxdb_2_wants_and_its_token_is_read_when_it_is_used() -> None:
    token = FakeSecret("t0ken")
    async with misbehaving() as sink:
        target = version_2(f"{sink.url}/db/", org="State Bank & Co", bucket="durg/17", token=token)
        async with Stage(sink, target=target) as stage:
            assert token.reads == 0
            stage.spool.make(1)
            await stage.drained()
            token.value = "another"
            stage.spool.make(1)
            await stage.drained()
        first, second = (post.request for post in sink.posts)
        assert first.path == "/db/api/v2/write"
        assert dict(first.query) == {"org": "State Bank & Co", "bucket": "durg/17", "precision": "ms"}
        assert first.headers["Authorization"] == "Token t0ken"
        assert second.headers["Authorization"] == "Token another"


@virtual
async def test_the_request_is_what_influxdb_1_wants() -> None:
    async with misbehaving() as sink:
        target = version_1(
            sink.url, database="durg", retention_policy="raw", username="b17", password=FakeSecret("pass:wörd")
        )
        async with Stage(sink, target=target) as stage:
            stage.spool.make(1)
            await stage.drained()
        request = sink.posts[0].request
        assert (request.path, dict(request.query)) == ("/write", {"db": "durg", "rp": "raw", "precision": "ms"})
        kind, _, pair = request.headers["Authorization"].partition(" ")
        assert (kind, base64.b64decode(pair).decode()) == ("Basic", "b17:pass:wörd")


# --- Lines that the store does not take ----------------------------------------------------------------------------------


@virtual
async def test_a_poisoned_line_is_set_aside_and_the_rest_is_written() -> None:
    async with misbehaving() as sink, Stage(sink) as stage:
        sink.poison = lambda line: "what is this" if b"value=77 " in line else None
        stage.spool.make(5000)
        await stage.drained()
        assert [(one.line.split()[1], one.why) for one in stage.spool.poison] == [("value=77", "what is this")]
        assert len(sink.stored) == 4999
        assert stage.spool.written == 4999
        assert len(sink.posts) <= 30
        assert stage.told == []


@virtual
async def test_lines_that_the_store_names_are_set_aside_without_looking_for_them() -> None:
    async with misbehaving() as sink, Stage(sink) as stage:
        sink.names_bad_lines = True
        sink.poison = lambda line: "invalid number" if line.startswith(b"measure,point=p3 ") else None
        stage.spool.make(700)
        await stage.drained()
        assert (stage.spool.written, len(stage.spool.poison), len(sink.posts)) == (600, 100, 2)
        assert stage.told == [(False, Reason.LINES)]


@virtual
async def test_points_that_the_store_no_longer_keeps_are_let_go_at_once() -> None:
    async with misbehaving() as sink, Stage(sink) as stage:
        sink.counts_dropped = True
        sink.poison = lambda line: "points beyond retention policy"
        stage.spool.make(5000)
        await stage.drained()
        assert (len(sink.posts), len(stage.spool.poison), stage.spool.written) == (1, 5000, 0)
        assert stage.told == [(False, Reason.LINES)]


@virtual
@pytest.mark.parametrize(
    "words", ["max-series-per-database limit exceeded: (9)", "max-values-per-tag limit exceeded (9/9)"]
)
async def test_a_store_at_a_limit_of_its_own_costs_no_point_and_is_told(words: str) -> None:
    async with misbehaving() as sink, Stage(sink) as stage:
        sink.counts_dropped, sink.poison = True, lambda _line: words
        await flushes(stage, 3600)
        assert stage.told == [(False, Reason.LIMIT)]
        assert stage.spool.poison == []
        sink.poison = lambda _line: None
        await stage.drained()
        assert stage.stored_once()


@virtual
async def test_a_series_that_is_always_refused_is_told_once_and_well_when_it_is_mended() -> None:
    async with misbehaving() as sink, Stage(sink) as stage:
        sink.counts_dropped = True
        sink.poison = lambda line: "field type conflict" if line.startswith(b"measure,point=p3 ") else None
        await flushes(stage, 4 * 3600)
        assert stage.told == [(False, Reason.LINES)]
        assert stage.writer.view().up, "the rest is written all the time"
        sink.poison = lambda _line: None
        await stage.mended()
        assert len(stage.told) == 2


@virtual
async def test_a_bad_line_now_and_then_is_counted_and_calls_nobody() -> None:
    async with misbehaving() as sink, Stage(sink) as stage:
        sink.poison = lambda line: "field type conflict" if line.split()[1].endswith(b"00") else None
        for _ in range(48):
            stage.spool.make(300)  # three of them bad, each half hour
            await stage.drained()
            await asyncio.sleep(1800)
        assert len(stage.spool.poison) == 48 * 3 - 1, "of the first there is none"
        assert stage.told == []
        sink.poison = lambda line: "field type conflict" if line.split()[1].endswith(b"3") else None
        stage.spool.make(10 * HANDFUL + 10)
        await stage.drained()
        assert stage.told == [(False, Reason.LINES)]


@virtual
@pytest.mark.parametrize("every_s", [600, 3000, 3 * 3600])
async def test_a_store_that_comes_and_goes_is_told_a_few_times_a_day(every_s: int) -> None:
    async with misbehaving() as sink, Stage(sink) as stage:
        began = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() - began < 2 * DAY_S:
            sink.always = Say(401)
            stage.spool.make(10)
            stage.writer.wake()
            await asyncio.sleep(3)
            sink.always = None
            await flushes(stage, every_s)
        faults = sum(not well for well, _ in stage.told)
        assert 1 <= faults <= 2 * 4
        await stage.mended()
        assert stage.stored_once()


@virtual
async def test_a_store_that_refuses_every_line_in_strange_words_loses_nothing_and_is_told() -> None:
    async with misbehaving() as sink, Stage(sink) as stage:
        sink.always = Say(400, {"Content-Type": "application/json"}, b'{"error":"database is required"}')
        stage.spool.make(5000)
        await asyncio.sleep(1000)
        assert stage.told == [(False, Reason.ALL_REFUSED)]
        assert stage.spool.poison == []
        assert len(sink.posts) < 300
        sink.always = None
        await stage.drained()
        assert stage.stored_once()
        await stage.mended()


@virtual
async def test_a_proxy_that_finds_everything_too_large_costs_no_point_and_is_told() -> None:
    async with misbehaving() as sink, Stage(sink) as stage:
        sink.always = Say(413)
        stage.spool.make(3000)
        await asyncio.sleep(1000)
        assert stage.told == [(False, Reason.ALL_REFUSED)]
        assert len(sink.posts) < 300
        sink.always = None
        await stage.drained()
        assert stage.spool.poison == []
        assert stage.stored_once()


@virtual
async def test_a_store_that_turns_strange_in_the_middle_of_a_batch_costs_no_point() -> None:
    async with misbehaving() as sink, Stage(sink) as stage:
        sink.poison = lambda line: "nein" if line.startswith(b"measure,point=p3 ") else None
        stage.spool.make(700)  # that some lines were bad is no reason to believe it of the next batch
        await stage.drained()
        assert len(stage.spool.poison) == 100
        sink.poison = lambda _line: None
        taken = len(sink.stored)

        async def handle(_post: Post) -> None:
            if len(sink.stored) > taken:
                sink.always = Say(413)

        sink.first = handle
        sink.script.append(Say(413))  # in two halves
        stage.spool.make(4000)
        stage.writer.wake()
        await asyncio.sleep(900)
        assert len(sink.stored) == taken + 2000
        assert stage.told == [(False, Reason.LINES), (False, Reason.ALL_REFUSED)]
        sink.first = sink.always = None
        await stage.drained()
        assert len(stage.spool.poison) == 100
        assert len(sink.stored) == 4600


@virtual
async def test_a_drain_leaves_most_of_the_core_to_the_alarms() -> None:
    async with misbehaving() as sink, Stage(sink) as stage:
        for _ in range(100):
            stage.spool.make(2000)
        began = asyncio.get_running_loop().time()
        await stage.drained()
        took = asyncio.get_running_loop().time() - began
        assert 200_000 / LINES_A_SECOND * 0.9 < took < 200_000 / 20_000


@virtual
@pytest.mark.parametrize("series", [0, 3, 6])
async def test_bad_lines_in_words_that_nobody_knows_do_not_block_the_rest(series: int) -> None:
    async with misbehaving() as sink, Stage(sink) as stage:
        bad = b"measure,point=p%d " % series
        sink.poison = lambda line: "nein" if line.startswith(bad) else None
        stage.spool.make(700)
        await stage.drained()
        assert (stage.spool.written, len(stage.spool.poison)) == (600, 100)
        assert stage.told == [(False, Reason.LINES)]


@virtual
async def test_a_store_that_takes_less_at_a_time_gets_less_at_a_time() -> None:
    async with misbehaving() as sink, Stage(sink) as stage:
        sink.most = 1000
        for _ in range(20):
            stage.spool.make(1000)
        await stage.drained()
        assert stage.stored_once()
        refused = [post for post in sink.posts if len(post.lines) > 1000]
        assert len(refused) <= 8, "the smaller size is remembered"
        assert stage.told == []
        await asyncio.sleep(SMALLER_S + 1)
        sink.most = None
        for _ in range(40):
            stage.spool.make(1000)
        await stage.drained()
        assert MOST in [len(post.lines) for post in sink.posts[-6:]], "and forgotten after a while"


@virtual
async def test_one_line_that_is_too_large_is_set_aside_and_makes_nothing_slower() -> None:
    async with misbehaving() as sink, Stage(sink) as stage:
        huge = b'note text="%s" 1780000000000' % (b"x" * 5000)
        sink.poison = lambda line: None

        async def handle(post: Post) -> None:
            sink.most = 0 if huge in post.lines else None

        sink.first = handle
        stage.spool.make(2000)
        stage.spool.put(huge)
        for _ in range(10):
            stage.spool.make(2000)
        await stage.drained()
        assert [one.why for one in stage.spool.poison] == [LARGE]
        assert stage.spool.written == 22_000
        assert len(sink.posts) < 40


# --- A store that asks for patience --------------------------------------------------------------------------------------


@virtual
@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_store_is_left_alone_for_as_long_as_it_says(status: int) -> None:
    async with misbehaving() as sink, Stage(sink) as stage:
        sink.script.append(Say(status, {"Retry-After": "240"}))
        stage.spool.make(10)
        task = asyncio.create_task(flushes(stage, 300))
        await asyncio.sleep(200)
        assert len(sink.posts) == 1, "no flush wakes it up before"
        assert stage.writer.view().reason == Reason.BUSY
        await task
        await stage.drained()
        assert 240 <= stage.gaps()[0] <= 240 * 1.1 + 1
        assert stage.told == []


@virtual
async def test_a_store_that_asks_for_a_month_is_asked_again_after_an_hour() -> None:
    async with misbehaving() as sink, Stage(sink) as stage:
        sink.script.append(Say(503, {"Retry-After": "2592000"}))
        stage.spool.make(10)
        await stage.drained()
        assert 3600 <= stage.gaps()[0] <= 3600 * 1.1 + 1


@virtual
async def test_a_store_that_asks_for_no_wait_at_all_is_not_hammered() -> None:
    async with misbehaving() as sink, Stage(sink) as stage:
        sink.always = Say(503, {"Retry-After": "0"})
        stage.spool.make(10)
        await asyncio.sleep(60)
        assert len(sink.posts) <= 61


@virtual
@pytest.mark.parametrize(
    "fault",
    [Say(500), Say(502, HTML, b"<html>"), Say(503), Say(429), Say(0, reset=True)],
    ids=lambda say: str(say.status),
)
async def test_a_store_in_trouble_is_tried_ever_less_often_up_to_once_a_minute(
    fault: Say, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "sentinel.telemetry")
    async with misbehaving() as sink, Stage(sink) as stage:
        sink.always = fault
        stage.spool.make(10)
        await asyncio.sleep(3600)
        gaps = stage.gaps()
        assert gaps[0] < 3
        assert all(gap <= 61 for gap in gaps)
        assert min(gaps[8:]) >= 29
        assert 50 <= len(sink.posts) <= 130
        assert stage.told == [], "it may pass by itself"
        sink.always = None
        await stage.drained()
        assert stage.stored_once()
    words = [record.getMessage().partition(" ")[2].partition(" ")[0] for record in caplog.records]
    assert words == ["lost:", "back"], "the loss once, the return once"


@virtual
async def test_a_store_that_is_not_there_is_written_to_when_it_comes() -> None:
    port = free_port()
    nobody = MisbehavingSink(port)
    async with Stage(nobody) as stage:
        stage.spool.make(500)
        await asyncio.sleep(600)
        assert (stage.writer.view().up, stage.writer.view().reason) == (False, Reason.UNREACHABLE)
        async with misbehaving(port) as sink:
            await stage.drained()
            assert len(sink.stored) == 500
            view = stage.writer.view()
            assert view.up
            assert view.since_s < 5


@virtual
async def test_a_store_that_takes_the_points_and_says_nothing_gets_them_again() -> None:
    async with misbehaving() as sink, Stage(sink) as stage:
        sink.script.extend([Say(0, hang=True, keep=True), Say(0, reset=True, keep=True)])
        stage.spool.make(4000)
        await stage.drained()
        assert stage.stored_once()
        assert set(sink.stored.values()) <= {2, 3}
        assert stage.gaps()[0] >= REQUEST_S


@virtual
async def test_a_store_that_is_killed_and_forgets_its_last_seconds_gets_them_again() -> None:
    async with misbehaving() as sink, Stage(sink) as stage:
        stage.spool.make(1)
        await stage.drained()
        await asyncio.sleep(60)
        await stage.drained()
        sink.posts.clear()
        for _ in range(5):
            stage.spool.make(2000)
            await stage.drained()
        sink.stored.clear()
        sink.script.append(Say(0, reset=True))
        stage.spool.make(2000)
        await stage.drained()
        assert len(sink.stored) == 12_000
        assert [len(post.lines) for post in sink.posts] == [2000] * 5 + [2000] + [2000] * 5 + [2000]
        assert stage.spool.written == 12_001, "counted once"


@virtual
async def test_a_store_that_is_killed_and_started_between_two_flushes_gets_the_last_seconds_again() -> None:
    async with misbehaving() as sink, Stage(sink) as stage:
        connections: list[asyncio.BaseTransport] = []

        async def handle(post: Post) -> None:
            assert post.request.transport is not None
            connections.append(post.request.transport)

        sink.first = handle
        for _ in range(3):
            stage.spool.make(100)
            await stage.drained()
            await asyncio.sleep(12)
        assert len(set(connections)) == 1
        lost = set(list(sink.stored)[200:])
        for line in lost:
            del sink.stored[line]
        for connection in set(connections):
            connection.close()
        stage.spool.make(100)
        await stage.drained()
        await asyncio.sleep(1)
        assert stage.stored_once()
        assert stage.spool.written == 400, "counted once"


@virtual
async def test_a_store_that_says_that_it_hangs_up_after_each_answer_gets_every_point_once() -> None:
    async with misbehaving() as sink, Stage(sink) as stage:

        async def handle(post: Post) -> web.StreamResponse:
            sink.stored.update(post.lines)
            answer = web.Response(status=204)
            answer.force_close()
            return answer

        sink.first = handle
        for _ in range(10):
            stage.spool.make(100)
            await stage.drained()
            await asyncio.sleep(12)
        assert stage.stored_once()
        assert set(sink.stored.values()) == {1}


@virtual
async def test_a_store_that_hangs_up_after_each_answer_without_a_word_gets_little_twice() -> None:
    async with misbehaving() as sink, Stage(sink) as stage:

        async def handle(post: Post) -> None:
            assert post.request.transport is not None
            asyncio.get_running_loop().call_later(0.5, post.request.transport.close)

        sink.first = handle
        for _ in range(300):  # an hour
            stage.spool.make(100)
            await stage.drained()
            await asyncio.sleep(12)
        assert stage.stored_once()
        assert sum(sink.stored.values()) < 320 * 100, "some three times an hour"


@virtual
async def test_a_store_that_is_started_anew_while_the_last_seconds_are_sent_again_gets_them_once_more() -> None:
    async with misbehaving() as sink, Stage(sink) as stage:
        last: list[asyncio.BaseTransport] = []
        restarts = {4, 7}  # after so many requests
        kept: list[bytes] = []

        async def handle(post: Post) -> None:
            assert post.request.transport is not None
            last.append(post.request.transport)
            if len(sink.posts) in restarts:
                asyncio.get_running_loop().call_soon(forget)

        def forget() -> None:
            last[-1].close()
            sink.stored.clear()

        sink.first = handle
        for _ in range(10):
            kept += stage.spool.make(100)
            await stage.drained()
        await asyncio.sleep(5)
        kept += stage.spool.make(100)
        await stage.drained()
        await asyncio.sleep(5)
        assert set(sink.stored) == set(kept)


def test_what_is_remembered_of_the_last_seconds_is_bounded() -> None:
    recent = Recent()
    for n in range(100):
        recent.took(b"%d" % n, float(n))
    recent.gone()
    owed = []
    while (body := recent.owed()) is not None:
        owed.append(int(body))
        recent.took(recent.settled(), 200.0)
    assert owed == list(range(99 - int(FORGETS_S), 100)), "the last seconds, in order, once"
    recent = Recent()
    for n in range(100):
        recent.took(bytes(MOST_BYTES // 10), n / 100)
    recent.gone()
    count = 0
    while recent.owed() is not None:
        recent.settled()
        count += 1
    assert count == 10


@virtual
async def test_a_line_too_slow_for_a_whole_batch_carries_smaller_ones() -> None:
    async with misbehaving() as sink, Stage(sink) as stage:

        async def slow(post: Post) -> None:
            await asyncio.sleep(len(post.lines) / 20)  # 20 points a second: a GPRS uplink at the end of a village

        sink.first = slow
        for _ in range(10):
            stage.spool.make(250)
        await stage.drained()
        assert stage.stored_once()


# --- What a person must mend ---------------------------------------------------------------------------------------------


@virtual
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Say(401), Reason.CREDENTIAL),
        (Say(403), Reason.CREDENTIAL),
        (Say(404, {}, b'{"error":"database not found: \\"x\\""}'), Reason.NOT_FOUND),
        (Say(500, {}, b'{"error":"retention policy not found: x"}'), Reason.NOT_FOUND),
        (Say(302, {"Location": "http://portal.example/"}), Reason.STRANGER),
        (Say(200, HTML, b"<html>Sign in"), Reason.STRANGER),
        (Say(200), Reason.STRANGER),
        (Say(400, HTML, b"<html>Bad Request"), Reason.STRANGER),
    ],
    ids=["401", "403", "no-database", "no-policy", "redirect", "portal", "plain-200", "html-400"],
)
async def test_what_a_person_must_mend_is_told_once_and_tried_slowly_and_nothing_is_lost(
    fault: Say, reason: Reason
) -> None:
    async with misbehaving() as sink, Stage(sink) as stage:
        sink.always = fault
        stage.spool.make(100)
        await flushes(stage, 1600)
        assert stage.told == [(False, reason)]
        assert len(sink.posts) <= 1600 / (REFUSED_S * 0.5)
        assert stage.writer.view().reason == reason
        sink.always = None
        await stage.drained()
        assert stage.told == [(False, reason)], "it may come again"
        assert QUIET_S[0] - REFUSED_S < await stage.mended() < QUIET_S[0] + 60
        assert stage.told == [(False, reason), (True, "")]
        assert stage.stored_once()


@virtual
async def test_a_secret_that_is_not_there_is_told_and_nobody_is_asked_without_it() -> None:
    token = FakeSecret(None)
    async with misbehaving() as sink:
        target = version_2(sink.url, org="b", bucket="b", token=token)
        async with Stage(sink, target=target) as stage:
            stage.spool.make(1)
            await asyncio.sleep(60)
            assert stage.told == [(False, Reason.SECRET)]
            assert sink.posts == []
            token.value = "two\nlines"
            await asyncio.sleep(600)
            assert sink.posts == [], "a file that holds something else than a token is not sent anywhere"
            token.value = "good"
            await stage.drained()
            assert stage.writer.view().up
            await stage.mended()


@virtual
async def test_no_secret_is_in_a_log_a_view_or_an_error(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with misbehaving() as sink:
        target = version_2(sink.url, org="b", bucket="b", token=FakeSecret("hush-hush"))
        async with Stage(sink, target=target) as stage:
            for fault in (Say(401, {}, b"hush-hush is no token"), Say(0, reset=True), Say(500), Say(301)):
                sink.script.append(fault)
            stage.spool.make(10)
            await stage.drained()
            shown = f"{caplog.text}{stage.told}{stage.writer.view()}{stage.spool.poison}{target!r}"
            assert "hush-hush" not in shown


@virtual
async def test_a_server_whose_certificate_is_not_trusted_gets_nothing(tmp_path: Path) -> None:
    good, other = make_certificates(tmp_path / "good"), make_certificates(tmp_path / "other")
    async with misbehaving(context=good.server_context()) as sink:
        url = f"https://127.0.0.1:{sink.port}"
        for ca, told in ((other.ca, [(False, Reason.TLS)]), (good.ca, [])):
            target = version_2(url, org="b", bucket="b", ca_file=str(ca))
            async with Stage(sink, target=target) as stage:
                stage.spool.make(10)
                await asyncio.sleep(30)
                assert stage.told == told
                assert bool(stage.spool.blobs) is bool(told)
        assert len(sink.stored) == 10


@virtual
async def test_a_certificate_is_not_blamed_while_the_clock_was_never_set(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    async with misbehaving(context=made.server_context()) as sink:
        target = version_2(f"https://127.0.0.1:{sink.port}", org="b", bucket="b")
        async with Stage(sink, target=target, synced=False) as stage:
            stage.spool.make(10)
            await asyncio.sleep(30)
            assert stage.writer.view().reason == Reason.TLS
            assert stage.told == []


@virtual
async def test_a_ca_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    async with misbehaving() as sink:
        target = version_2("https://127.0.0.1:9", org="b", bucket="b", ca_file=str(tmp_path / "none.pem"))
        async with Stage(sink, target=target) as stage:
            stage.spool.make(10)
            await asyncio.sleep(30)
            assert stage.told == [(False, Reason.TLS)]


@pytest.mark.parametrize("what", ["secret", "authorities"])
async def test_a_secret_on_a_card_that_hangs_is_told_and_holds_one_thread_and_no_name_on_the_network(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real time: a thread that hangs is what no virtual clock can show."""
    for name in ("sentinel.telemetry.wire.SECRET_S", "sentinel.telemetry.writer.REFUSED_S"):
        monkeypatch.setattr(name, 0.05)
    loop, gate, token = asyncio.get_running_loop(), threading.Event(), FakeSecret("t0ken")
    loop.set_default_executor(ThreadPoolExecutor(1))  # whoever hangs in it stops every alarm that goes by name
    if what == "secret":
        monkeypatch.setattr(token, "read", lambda: "t0ken" if gate.wait() else "")
    else:
        monkeypatch.setattr("sentinel.telemetry.wire._tls", lambda _file: gate.wait() and ssl.create_default_context())
    async with misbehaving() as sink:
        url = sink.url if what == "secret" else sink.url.replace("http:", "https:")
        async with Stage(sink, target=version_2(url, bucket="b", token=token)) as stage:
            stage.spool.make(10)
            stage.writer.wake()
            threads = list[int]()
            async with asyncio.timeout(20):
                while len(threads) < 10:
                    await loop.getaddrinfo("localhost", 80)
                    await asyncio.sleep(0.05)
                    threads.append(sum(thread.name.startswith("telemetry secrets") for thread in threading.enumerate()))
            try:
                assert stage.told == [(False, Reason.SECRET if what == "secret" else Reason.TLS)]
                assert stage.writer.view().up is False
                assert max(threads) == 1
            finally:
                gate.set()
            if what == "secret":
                async with asyncio.timeout(20):
                    while stage.spool.blobs:
                        await asyncio.sleep(0.02)
                assert len(sink.stored) == 10


async def test_a_step_that_hangs_is_told_by_whoever_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    async with misbehaving() as sink:
        stage = Stage(sink)

        async def hangs(_most: int = MOST) -> Batch | None:
            return await asyncio.Future()

        monkeypatch.setattr(stage.spool, "read", hangs)
        async with stage:
            stage.spool.make(10)
            stage.writer.look()
            monkeypatch.setattr("sentinel.telemetry.faults.SILENT_S", 0.0)
            await asyncio.sleep(0)
            stage.writer.look()
            assert stage.told == [(False, Reason.SILENT)]


# --- What lasts ----------------------------------------------------------------------------------------------------------


@virtual
async def test_an_outage_of_six_hours_is_told_once() -> None:
    async with misbehaving() as sink, Stage(sink) as stage:
        sink.always = Say(500)
        await flushes(stage, SILENT_S - 120)
        assert stage.told == []
        await flushes(stage, 7200)
        assert stage.told == [(False, Reason.SILENT)]
        sink.always = None
        await stage.drained()
        await stage.mended()
        assert stage.told == [(False, Reason.SILENT), (True, "")]
        assert stage.stored_once()


@pytest.mark.slow
@virtual
async def test_after_ten_days_without_a_store_every_point_is_written_at_twenty_thousand_a_second(
    tmp_path: Path,
) -> None:
    loop = virtual_loop()
    spool = Spool(tmp_path / "telemetry.db", Keep(30, 512 * 2**20), forward=True)
    loop.watch(spool)  # type: ignore[arg-type]  # a thread of its own, as the journal has
    await spool.open()
    made = 0
    async with misbehaving() as sink, Stage(sink, real=spool) as stage:
        sink.always = Say(503, {"Retry-After": "3600"})
        for begin in range(0, 10 * 86_400, 1200):  # twenty minutes of sixty points, as one flush
            at_ms = FIRST_MS + begin * 1000
            lines = tuple(f"measure,point=p{n % 60} value={n % 977} {at_ms + n // 60}" for n in range(1200))
            await spool.append(Flush(lines, at_ms, at_ms + 20, {}))
            made += len(lines)
            stage.writer.wake()
            await asyncio.sleep(1200)
        assert spool.counts().waiting == made == 864_000
        assert stage.told == [(False, Reason.SILENT)]
        sink.always = None
        while spool.counts().written == 0:
            await asyncio.sleep(0.1)
        began, before = loop.time(), spool.counts().waiting
        while spool.counts().waiting:
            await asyncio.sleep(0.1)
        assert before / (loop.time() - began) > 20_000
        assert len(sink.stored) == made
        assert not sink.bad
        assert stage.told == [(False, Reason.SILENT)]
        await asyncio.sleep(QUIET_S[0])
        await spool.append(Flush((f"measure,point=p0 value=1 {at_ms + 1000}",), at_ms, at_ms, {}))
        stage.writer.wake()
        await asyncio.sleep(60)
        assert stage.told == [(False, Reason.SILENT), (True, "")]
    await spool.close()


@virtual
async def test_an_outage_that_began_before_the_restart_is_told_soon_after_it() -> None:
    async with misbehaving() as sink:
        spool = MemorySpool()
        spool.make(10)
        sink.always = Say(500)
        async with Stage(sink, spool, now=MONDAY_NOON + timedelta(hours=7)) as stage:
            await asyncio.sleep(300)
            assert stage.told == []
            await asyncio.sleep(600)
            assert stage.told == [(False, Reason.SILENT)]


@virtual
async def test_what_was_dropped_in_earlier_years_is_not_told_at_each_start() -> None:
    async with misbehaving() as sink:
        spool = MemorySpool()
        async with Stage(sink, spool) as stage:
            stage.writer.wake()
            await asyncio.sleep(70)  # the file is opened only now
            spool.dropped = spool.made = 5000
            await flushes(stage, 600)
            assert stage.told == []
            spool.dropped += 1
            spool.made += 1
            await flushes(stage, 600)
            assert stage.told == [(False, Reason.DROPPED)]


@virtual
async def test_a_branch_with_nothing_to_write_is_not_an_outage() -> None:
    async with misbehaving() as sink, Stage(sink) as stage:
        sink.always = Say(500)
        await asyncio.sleep(86_400)
        assert stage.told == []


@virtual
async def test_points_that_the_spool_had_to_drop_are_told_and_well_again_a_while_after_the_last() -> None:
    async with misbehaving() as sink, Stage(sink) as stage:
        sink.always = Say(500)
        for _ in range(5):
            stage.spool.make(10)
        await asyncio.sleep(120)
        for _ in range(3):
            stage.spool.drop_oldest()
            await asyncio.sleep(120)
        assert stage.told == [(False, Reason.DROPPED)]
        sink.always = None
        await stage.drained()
        assert stage.told == [(False, Reason.DROPPED)]
        await stage.mended()
        assert stage.told == [(False, Reason.DROPPED), (True, "")]


FAULTS = [
    Say(500),
    Say(503, {"Retry-After": "1"}),
    Say(429),
    Say(0, reset=True),
    Say(0, reset=True, keep=True),
    Say(0, hang=True, keep=True),
    Say(401),
    Say(413),
    Say(200, HTML, b"<html>"),
    Say(400, {"Content-Type": "application/json"}, b'{"error":"unexpected EOF"}'),
    Say(500, keep=True),
]


@given(
    blobs=st.lists(st.integers(1, 400), min_size=1, max_size=8),
    script=st.lists(st.none() | st.sampled_from(FAULTS), max_size=12),
    poison=st.sets(st.integers(0, 3000), max_size=5),
    most=st.none() | st.integers(20, 500),
    stops_s=st.lists(st.floats(0, 400), max_size=2),
)
def test_whatever_the_store_does_every_point_is_there_in_the_end_or_named_as_poison(
    blobs: list[int], script: list[Say | None], poison: set[int], most: int | None, stops_s: list[float]
) -> None:
    @virtual
    async def story() -> None:
        spool = MemorySpool()
        for count in blobs:
            spool.make(count)
        made = {line for _, blob in spool.blobs for line in blob}
        bad = {line for line in made if int(line.split()[1][6:]) in poison and len(made) > len(poison)}
        async with misbehaving() as sink:
            sink.script.extend(script)
            sink.most = most
            sink.poison = lambda line: "unable to parse it" if line in bad else None
            for stop_s in stops_s:  # the daemon is started anew
                async with Stage(sink, spool):
                    await asyncio.sleep(stop_s)
            async with Stage(sink, spool) as stage:
                await stage.drained()
            assert set(sink.stored) | bad == made
            assert spool.written + len(spool.poison) == len(made)
            # A 413 for a single line is believed, and so is one 400 among many answers that are 204.
            thrown = {one.line.encode() for one in spool.poison}
            assert thrown >= bad - set(sink.stored)
            assert all(one.line.encode() in bad or one.why in ("unexpected EOF", LARGE) for one in spool.poison)

    story()


# --- Our own disk, and the end -------------------------------------------------------------------------------------------


@virtual
async def test_a_spool_that_cannot_be_read_is_asked_again_and_not_in_a_hurry() -> None:
    async with misbehaving() as sink, Stage(sink) as stage:
        stage.spool.make(10)
        stage.spool.broken = True
        await asyncio.sleep(3600)
        assert 50 < len(stage.spool.reads) < 70
        assert sink.posts == []
        stage.spool.broken = False
        await stage.drained()
        assert stage.stored_once()


@virtual
async def test_a_spool_that_fails_after_the_write_sends_the_points_again_and_counts_them_once() -> None:
    async with misbehaving() as sink, Stage(sink) as stage:

        async def handle(_post: Post) -> None:
            stage.spool.broken = len(sink.posts) == 1

        sink.first = handle
        stage.spool.make(10)
        stage.writer.wake()
        await asyncio.sleep(5)
        assert stage.spool.written == 0
        stage.spool.broken = False
        await stage.drained()
        assert stage.spool.written == 10
        assert set(sink.stored.values()) == {2}


@virtual
@pytest.mark.parametrize("at_s", [0.0, 0.001, 0.01, 0.05, 0.2, 1.0])
async def test_a_writer_that_is_stopped_anywhere_loses_nothing(at_s: float) -> None:
    spool = MemorySpool()
    async with misbehaving() as sink:

        async def handle(_post: Post) -> None:
            await asyncio.sleep(0.01)

        sink.first = handle
        sink.poison = lambda line: "bad" if b"value=333 " in line else None
        for _ in range(6):
            spool.make(1000)
        async with Stage(sink, spool):
            await asyncio.sleep(at_s)
        async with Stage(sink, spool) as second:
            await second.drained()
        assert len(sink.stored) == 5999
        assert (spool.written, len(spool.poison)) == (5999, 1)


@virtual
async def test_a_change_of_settings_is_tried_at_once() -> None:
    spool = MemorySpool()
    async with misbehaving() as sink:
        sink.always = Say(401)
        spool.make(10)
        async with Stage(sink, spool):
            await asyncio.sleep(10)
        sink.always = None
        async with Stage(sink, spool):
            await asyncio.sleep(1)
        assert len(sink.stored) == 10


@virtual
async def test_an_answer_that_never_ends_is_not_read_to_its_end() -> None:
    sent: list[int] = []
    async with misbehaving() as sink, Stage(sink) as stage:

        async def endless(post: Post) -> web.StreamResponse:
            answer = web.StreamResponse(status=401)
            await answer.prepare(post.request)
            with suppress(ConnectionError):
                while True:
                    await answer.write(b"x" * 16_384)
                    sent.append(16_384)
            return answer

        sink.first = endless
        stage.spool.make(1)
        await asyncio.sleep(120)
        assert stage.told == [(False, Reason.CREDENTIAL)]
        assert sum(sent) < 100 * ANSWER_BYTES


@virtual
async def test_what_answers_in_another_language_than_http_is_no_store() -> None:
    async def banner(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP ready\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(banner, "127.0.0.1", 0)
    async with server:
        sink = MisbehavingSink(server.sockets[0].getsockname()[1])
        async with Stage(sink) as stage:
            stage.spool.make(1)
            await asyncio.sleep(30)
            assert stage.told == [(False, Reason.STRANGER)]


NONSENSE = [
    b"",
    b"\0\0\0",
    b"HTTP/1.1\r\n\r\n",
    b"HTTP/1.1 99999 What\r\n\r\n",
    b"HTTP/1.1 204 \xff\xfe\r\nX-\xff: \xfe\r\n\r\n",
    b"HTTP/1.1 503 Busy\r\nRetry-After: \xff\xfe\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 503 Busy\r\nRetry-After: Mon, 01 Jan 2024 00:00:00 +99999999999999\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 400 Bad\r\nContent-Length: 38\r\n\r\n" + b'{"error":"unable to parse \'\\ud800\': x"}',
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999999\r\n\r\nx",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffffff\r\nx",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Encoding: br\r\n\r\nx",
    b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nSet-Cookie: \xff=;;;=\r\nContent-Type: ;;;charset=\xff\r\nContent-Length: 1\r\n\r\nx",
    b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\nx",
    b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    b"HTTP/1.1 401 No\r\nContent-Length: 5\r\n\r\n",
]


@pytest.mark.parametrize("answer", NONSENSE, ids=range(len(NONSENSE)))
async def test_whatever_a_server_answers_the_wire_has_a_verdict(answer: bytes) -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        target = Target(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/write", "shown", dict)
        async with Wire(target) as wire, asyncio.timeout(20):
            for _ in range(2):
                verdict = await wire.send(packed([b"x v=1 1"]), lambda: MONDAY_NOON)
                assert isinstance(verdict, Later | Refused | BadLines) or b" 204 " in answer


@pytest.mark.parametrize(
    "url",
    [
        f"http://{'a' * 64}.example:8086",
        "http://a..b:8086",
        "http://ü" + "x" * 70,
        "http://a b:80",
        "http://a|b:80",
        "http://127.0.0.1:99999",
        "http://[::1",
        "http://[::1%25eth9]:8086",
        "http://exa_mple\u2024x:80",
        "http://\ud800:80",
        "nonsense",
    ],
)
async def test_whatever_the_address_the_wire_has_a_verdict(url: str) -> None:
    async with Wire(Target(f"{url}/write", "shown", dict)) as wire, asyncio.timeout(20):
        assert isinstance(await wire.send(b"", lambda: MONDAY_NOON), Later | Refused)


@pytest.mark.parametrize("secret", ["p\udc80ss", "two\nlines", "\0"])
async def test_whatever_stands_in_the_file_of_a_secret_the_wire_has_a_verdict(secret: str) -> None:
    async with misbehaving() as sink:
        targets = (
            version_1(sink.url, database="b", username="b17", password=FakeSecret(secret)),
            version_2(sink.url, bucket="b", token=FakeSecret(secret)),
        )
        for target in targets:
            async with Wire(target) as wire:
                assert await wire.send(packed([b"x v=1 1"]), lambda: MONDAY_NOON) in (Refused(Reason.SECRET), Stored())


async def test_a_ca_file_whose_name_is_none_is_a_verdict() -> None:
    async with Wire(Target("https://127.0.0.1:9/write", "shown", dict, "/tmp/\0")) as wire:
        assert await wire.send(b"", lambda: MONDAY_NOON) == Refused(Reason.TLS)


# --- Parts ---------------------------------------------------------------------------------------------------------------


class FakeSecret:
    """ports.Secret with a value that can change."""

    def __init__(self, value: str | None) -> None:
        self.value, self.reads = value, 0

    def __repr__(self) -> str:
        return "!env TOKEN"

    def read(self) -> str:
        self.reads += 1
        if self.value is None:
            raise LookupError("!env TOKEN is absent")
        return self.value


async def flushes(stage: Stage, seconds: float) -> None:
    """Ten new points each minute, and a wake-up."""
    for _ in range(int(seconds / 60)):
        stage.spool.make(10)
        stage.writer.wake()
        await asyncio.sleep(60)
