"""The text of an answer, the event stream, and what may not happen whatever comes."""

from __future__ import annotations

import os
import random
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.dahua_find import File, longest_gap
from drivers.dahua_hints import DahuaHints
from drivers.dahua_judge import is_guarded
from drivers.dahua_text import MOST_LINES, json_of, rows, table, time_of
from drivers.dahua_words import access_word
from drivers.recorder import NEAR_NOW
from sentinel.core.model import Failure, Quality
from sentinel.ports import HttpReply, HttpRequest, LinkError
from tests.drivers.dahua.talk import DAY, IST, NOW, moment, play, recorder
from tests.drivers.dahua.test_cases import CASES, answers

if TYPE_CHECKING:
    from collections.abc import Callable

MUTATIONS = int(os.environ.get("SENTINEL_FAULTS", "120000"))
WORDS = (
    b"=", b"[", b"]", b"[99999999999]", b"[-1]", b".", b"\r\n", b"\0", b"Error", b"OK", b"found=99", b"\xff\xfe", b"nan",
    b"1e309", b"9" * 40, b"0000-00-00 00:00:00", b"2026-02-30 25:61:61", b"9999-12-31 23:59:59", b"{", b"[[[[[[", b'"',
    b"true", b"null", b"items[0].", b"list.info[0].Detail[0].", b"table.Record[0].TimeSection[0][0]=1 ", b"-", b"%00",
)  # fmt: skip


def reply(body: bytes | str, status: int = 200) -> HttpReply:
    return HttpReply(status, {}, body.encode() if isinstance(body, str) else body)


def mutate(body: bytes, rng: random.Random) -> bytes:
    for _ in range(rng.choice((1, 1, 2, 8))):
        at = rng.randrange(len(body) + 1)
        to = min(len(body), at + rng.choice((0, 1, 1, 4, 40)))
        match rng.randrange(5):
            case 0:
                body = body[:at] + bytes((rng.randrange(256),)) + body[to:]
            case 1:
                body = body[:at] + rng.choice(WORDS) + body[to:]
            case 2:
                body = body[:at]
            case 3:
                body = body[:to] + body[at:]
            case _:
                body = body[:at] + body[to:]
    return body


class Mutant:
    """Answers as a case does, most of them bent."""

    def __init__(self, answer: Callable[[HttpRequest], HttpReply | LinkError], rng: random.Random) -> None:
        self._answer, self._rng = answer, rng
        self.bent = 0

    def __call__(self, request: HttpRequest) -> HttpReply | LinkError:
        said, rng = self._answer(request), self._rng
        self.bent += 1
        match rng.randrange(10):
            case 0:
                return LinkError(rng.choice(list(Failure)), "bent")
            case 1:
                return HttpReply(
                    rng.choice((200, 200, 204, 302, 400, 401, 403, 404, 500, 503, 999)), {}, rng.randbytes(9)
                )
            case 2 | 3 | 4:
                self.bent -= 1
                return said
            case _ if isinstance(said, HttpReply):
                return HttpReply(said.status, {}, mutate(said.body, rng))
            case _:
                return said


def live(count: int, seed: int) -> int:
    """So many bent answers, through all rounds of recorders that go on living. How many it took."""
    rng = random.Random(seed)
    done = 0
    table_of = {path: answers(path) for path in CASES}
    driver = recorder(3)
    while done < count:
        mutant = Mutant(table_of[rng.choice(CASES)], rng)
        if rng.random() < 0.01:
            driver = recorder(3, footage={"days": rng.choice((1, 30, 90, 3650))})
        for round_ in driver.rounds():
            readings = play(driver.assess(round_.name, moment()), mutant)
            assert [reading.point for reading in readings] == list(round_.points)
            for reading in readings:
                assert (reading.reason is None) == (reading.quality is Quality.GOOD)
                assert not isinstance(reading.value, str) or (len(reading.value) < 90 and "\n" not in reading.value)
        with suppress(LinkError):  # of a recorder that answers nothing at all
            play(driver.inventory(moment()), mutant)
        done += mutant.bent
    return done


@pytest.mark.timeout(3600)
def test_no_answer_whatever_it_is_ends_an_assessment_or_is_kept() -> None:
    live(MUTATIONS // 10, 1)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        live(MUTATIONS // 10, 2)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 300_000
    live(MUTATIONS - MUTATIONS // 5, 3)


def test_a_no_is_told_apart_from_nothing_there_and_from_nonsense() -> None:
    assert table(reply("Error\nNot Implemented!\n")) is Failure.UNSUPPORTED
    assert table(reply("Error: Error -1 getting param in name=Lighting[0][0]")) is Failure.UNSUPPORTED
    assert table(reply("", 403)) is table(reply("", 404)) is Failure.UNSUPPORTED
    assert table(reply("Error\r\n")) is Failure.REFUSED
    assert table(reply("", 503)) is Failure.REFUSED
    assert table(reply("hello")) is table(reply("")) is table(reply("a=b", 302)) is Failure.BAD_REPLY
    assert table(LinkError(Failure.LOCKED, "")) is Failure.LOCKED
    assert json_of(reply("[" * 100_000)) is Failure.BAD_REPLY


def test_more_than_any_recorder_says_is_no_answer() -> None:
    assert table(reply("a=b\n" * (MOST_LINES + 1))) is Failure.BAD_REPLY
    assert table(reply(b"x" * 2_000_000)) is Failure.BAD_REPLY
    found = table(reply("a[1][1][1][1][1][1][1][1]=x\n" + "k" * 999 + "=x\nlist[5000].A=x\nlist[7].A=" + "y" * 9999))
    assert isinstance(found, dict)
    assert len(found["list[7].A"]) == 512
    assert list(rows(found, "list")) == [7]


@given(st.binary(max_size=400), st.integers(0, 999))
def test_no_bytes_are_too_strange_to_be_read_as_text(body: bytes, status: int) -> None:
    found = table(reply(body, status))
    assert isinstance(found, Failure) or found
    json_of(reply(body, status))


@given(st.dictionaries(st.integers(0, 1023), st.dictionaries(st.sampled_from("ABC"), st.from_regex(r"[a-z]{1,9}", fullmatch=True), min_size=1), max_size=5))  # fmt: skip
def test_rows_come_back_as_they_were_written(written: dict[int, dict[str, str]]) -> None:
    text = "".join(f"list.info[{n}].{key}={value}\r\n" for n, row in written.items() for key, value in row.items())
    found = table(reply(text + "other=1\r\n"))
    assert isinstance(found, dict)
    assert rows(found, "list.info") == written


def test_times_are_wall_clocks_of_the_site_and_nothing_else() -> None:
    assert time_of("2026-7-2 9:05:3", IST) == NOW.replace(month=7, day=2, hour=9, minute=5, second=3)
    assert time_of("1970-01-01 00:00:00", IST) is time_of("2026-02-30 00:00:00", IST) is time_of("soon", IST) is None


@given(st.lists(st.tuples(st.integers(-3000, 200), st.integers(0, 1500)), max_size=20))
def test_a_gap_is_never_negative_nor_longer_than_the_time_looked_at(minutes: list[tuple[int, int]]) -> None:
    minute = DAY / 1440
    files = [File(NOW + start * minute, NOW + (start + long) * minute) for start, long in minutes]
    gap = longest_gap(files, NOW - DAY, NOW)
    assert 0 * DAY <= gap <= DAY
    assert longest_gap([File(NOW - DAY, NOW - NEAR_NOW)], NOW - DAY, NOW) == 0 * DAY
    assert longest_gap([File(NOW - DAY, NOW - 2 * NEAR_NOW)], NOW - DAY, NOW) == 2 * NEAR_NOW


STREAM = (
    b"--myboundary\r\nContent-Type: text/plain\r\nContent-Length:9\r\n\r\nHeartbeat\r\n\r\n"
    b"--myboundary\r\nContent-Type: text/plain\r\nContent-Length:180\r\n\r\n"
    b'Code=VideoMotion;action=Start;index=0;data={\n   "Id" : [ 0 ],\n   "Name" : "Code=VideoLoss"\n}\r\n\r\n'
    b"--myboundary\r\nContent-Type: text/plain\r\nContent-Length:36\r\n\r\nCode=VideoLoss;action=Start;index=0\r\n\r\n"
    b"--myboundary\r\nContent-Type: text/plain\r\nContent-Length:29\r\n\r\nCode=VideoLoss;action=Stop\r\n\r\n"
    b"--myboundary\r\nContent-Type: text/plain\r\nContent-Length:40\r\n\r\nCode=StorageFailure; action=Start;index=0\r\n\r\n"
)


def test_events_hint_at_the_round_that_should_run_and_heartbeats_at_none() -> None:
    assert DahuaHints().feed(STREAM) == ["state"]
    hints = DahuaHints()
    one_by_one = [name for at in range(len(STREAM)) for name in hints.feed(STREAM[at : at + 1])]
    assert one_by_one == ["state"] * 3
    assert DahuaHints().feed(STREAM[: STREAM.index(b"Code=VideoLoss;")]) == []
    assert "codes=[VideoLoss," in DahuaHints().request().target


@given(st.lists(st.binary(max_size=99), max_size=20))
def test_no_event_stream_is_too_strange(pieces: list[bytes]) -> None:
    hints = DahuaHints()
    for piece in pieces:
        assert set(hints.feed(piece)) <= {"state"}


def test_an_endless_line_of_a_stream_is_not_kept() -> None:
    hints = DahuaHints()
    tracemalloc.start()
    try:
        for _ in range(1000):
            hints.feed(b"x" * 10_000)
        assert tracemalloc.get_traced_memory()[0] < 200_000
    finally:
        tracemalloc.stop()
    assert hints.feed(b"\r\nCode=VideoLoss;action=Start\r\n") == ["state"]


def test_the_cases_are_there() -> None:
    assert len(CASES) >= 15
    assert all((path.parent / "01.txt").is_file() for path in CASES)
    assert Path(__file__).parent.name == "dahua"


def test_a_recorder_that_has_no_picture_to_give_has_not_refused_one() -> None:
    asked = [is_guarded(reply("", 404)), is_guarded(reply("Error\r\nNot Implemented!"))]
    assert access_word(*asked) is Failure.UNSUPPORTED
    assert access_word(is_guarded(reply("", 401)), is_guarded(reply("", 404))) == "ok"
    assert access_word(is_guarded(reply("", 401)), is_guarded(reply("type=DVR\r\n"))) == "open"
    assert access_word(is_guarded(reply("", 401)), is_guarded(LinkError(Failure.NO_REPLY, ""))) is Failure.NO_REPLY
