"""Answers that were bent on the way or by the recorder: no round ever raises, leaves a point out, or keeps memory.

The ordinary run bends 10,000 of them, the slow one 100,000, or as many as SENTINEL_FAULTS says.
"""

from __future__ import annotations

import gc
import os
import random
import re
import sys
from functools import lru_cache
from typing import TYPE_CHECKING

import pytest

from drivers.hikvision import HikvisionRecorder
from drivers.hikvision_events import AlertStream
from drivers.sim import hikvision_answers as answers
from drivers.sim.hikvision_recorder import JPEG
from sentinel.core.model import Failure, Quality
from sentinel.ports import HttpReply, HttpRequest, LinkError
from tests.drivers.hikvision.branch import moment, options, simulated
from tests.drivers.hikvision.test_cases import CASES

if TYPE_CHECKING:
    from collections.abc import Callable

FAULTS = max(int(os.environ.get("SENTINEL_FAULTS", "0")), 100_000)
IT = simulated(1)
IT.cameras[1].kept_days, IT.cameras[1].mode = 40, "CMR"
OPTIONS = options(1, footage={"days": 10})
WRITTEN = [path.read_bytes() for case in CASES for path in sorted(case.iterdir()) if path.name != "case.yaml"]
PIECES = [
    b"<", b">", b"</", b"\0", b"\xff", b"&", b"&amp;", b"9" * 5000, b"-1", b"1e999", b"NaN", b"true", b"]]>", b"<!--",
    b"<![CDATA[", b"<!DOCTYPE a>", b"0001-01-01T00:00:00Z", b"9999-12-31T23:59:59Z", b"MORE", b"NO MATCHES", b"<id>1</id>",
    b"{", b"[" * 3000, b'"chanNo":', b"ok", b"\xf0\x9f\x92\xa3", b"<online>true</online>", b"2147483648", b" " * 2000,
]  # fmt: skip


def true_answer(request: HttpRequest) -> bytes:
    return _true_answer(request.target, re.sub(rb"<searchID>[^<]*", b"<searchID>", request.body))


@lru_cache(64)
def _true_answer(target: str, question: bytes) -> bytes:
    path, body = target.removeprefix("/ISAPI/").partition("?")[0], question.decode()
    if path == "ContentMgmt/search":
        return (answers.search(IT, body, lying=False) or "").encode()
    if path.endswith("/dailyDistribution"):
        return (answers.days(IT, 1, body) or "").encode()
    if path.endswith("/picture"):
        return JPEG
    return (answers.PAGES[path](IT) or "").encode() if path in answers.PAGES else b""


def bend(body: bytes, rng: random.Random) -> bytes:
    """One to three hurts at random places."""
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(body) + 1)
        to = min(len(body), at + rng.choice((1, 1, 2, 8, 60, 500)))
        match rng.randrange(7):
            case 0:
                body = body[:at]
            case 1:
                body = body[:at] + body[to:]
            case 2:
                body = body[:to] + body[at:]
            case 3:
                body = body[:at] + rng.choice(PIECES) + body[to:]
            case 4:
                body = body[:at] + bytes([rng.randrange(256)]) + body[at + 1 :]
            case 5:
                body = re.sub(rb"\d+", lambda _: rng.choice((b"0", b"33", b"-5", b"4096", b"9" * 20)), body, count=3)
            case _:
                body = body[:at] + body[at:to].upper() + body[to:]
    return body


class Liar:
    """Answers a round, each time with one bent answer more or less."""

    def __init__(self, seed: int) -> None:
        self.rng, self.bent = random.Random(seed), 0

    def __call__(self, request: HttpRequest) -> HttpReply | LinkError:
        dice = self.rng.random()
        if dice < 0.02:
            return LinkError(self.rng.choice(list(Failure)), "lost")
        if dice < 0.3:
            return HttpReply(200, {}, true_answer(request))
        self.bent += 1
        if dice < 0.35:
            return HttpReply(
                self.rng.choice((200, 204, 302, 400, 401, 403, 404, 500, 501, 503)), {}, true_answer(request)
            )
        body = true_answer(request) if dice < 0.8 else self.rng.choice(WRITTEN)
        return HttpReply(200, {}, bend(body, self.rng))


def live(dvr: HikvisionRecorder, answer: Callable[[HttpRequest], HttpReply | LinkError], name: str, at: float) -> int:
    """One round; how many questions it took."""
    asking, asked = dvr.assess(name, moment(at=at)), 0
    questions = next(asking)
    while True:
        asked += len(questions)
        assert asked < 400, "a round that never ends"
        try:
            questions = asking.send([answer(question) for question in questions])
        except StopIteration as end:
            readings = end.value
            break
    wanted = next(round_.points for round_ in dvr.rounds() if round_.name == name)
    assert tuple(reading.point for reading in readings) == wanted
    for reading in readings:
        assert (reading.value is None) == (reading.quality is Quality.FAILED) == (reading.reason is not None)
        if isinstance(reading.value, str):
            assert len(reading.value) <= 140
            assert reading.value.isprintable()
        elif reading.value is not None:
            assert abs(reading.value) <= 1e10
    return asked


def blocks() -> int:
    """How many pieces of memory are held."""
    gc.collect()
    return sys.getallocatedblocks()


def live_through(faults: int, seed: int) -> None:
    dvr, liar = HikvisionRecorder("dvr", None, OPTIONS), Liar(seed)
    before, runs = 0, 0
    while liar.bent < faults:
        live(dvr, liar, ("state", "proof", "history")[runs % 3], 60.0 * runs)
        runs += 1
        if not before and liar.bent > faults // 4:
            before = blocks()
    assert blocks() - before < 2000


def test_no_bent_answer_brings_a_round_down_or_stays_in_memory() -> None:
    live_through(10_000, 7)


@pytest.mark.slow
@pytest.mark.timeout(0)
def test_nor_do_a_hundred_thousand() -> None:
    live_through(FAULTS, 8)


@pytest.mark.parametrize("name", ["state", "proof", "history"])
@pytest.mark.parametrize(
    "body", [b"", b"\0" * 500, b"<a/>", b"[]", b"{}", b"<" * 500_000, b"[" * 500_000, b"9" * 500_000]
)
def test_the_plainest_rubbish_gives_no_word_that_reads_as_fine(name: str, body: bytes) -> None:
    dvr = HikvisionRecorder("dvr", None, OPTIONS)
    live(dvr, lambda _: HttpReply(200, {}, body), name, 0.0)
    asking = dvr.assess(name, moment())
    questions = next(asking)
    while True:
        try:
            questions = asking.send([HttpReply(200, {}, body) for _ in questions])
        except StopIteration as end:
            good = {reading.point: reading.value for reading in end.value if reading.value is not None}
            break
    assert set(good) <= {"dvr.access"}  # neither its name nor a picture was given away


def test_no_bent_stream_of_events_brings_the_hints_down_or_stays_in_memory() -> None:
    stream, rng = AlertStream(), random.Random(7)
    kinds = ("videoloss", "diskerror", "recordingfailure", "VMD", "other")
    before = 0
    for number in range(10_000):
        part = answers.event(IT, rng.choice(kinds), rng.randrange(40), rng.randrange(5), active=rng.random() < 0.5)
        assert set(stream.feed(bend(part, rng))) <= {"state", "proof"}
        if number == 2000:
            before = blocks()
    assert blocks() - before < 4000
