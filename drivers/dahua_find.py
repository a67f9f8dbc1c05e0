"""Which files a Dahua recorder keeps: searches by finders, which leak inside the recorder unless they are destroyed.

A search is create, findFile, findNextFile, close, destroy: five questions, the last two also after every error. A
finder whose search was cancelled, or whose destroy got no answer, is destroyed by the next round. All generators here
yield questions and are sent the answers, as ports.Assessor says; they never raise.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, TypeVar

from drivers.dahua_text import Answer, ask, plain, rows, table, time_of
from drivers.recorder import NEAR_MOTION, NEAR_NOW
from sentinel.core.model import Failure
from sentinel.ports import HttpRequest, LinkError

T = TypeVar("T")
Job = Generator[Sequence[HttpRequest], Sequence[Any], T]

WIDTH = 4  # searches at a time: so many finders at most stand open
PAGE = 100  # files an answer; more is refused
PAGES = 50  # of one search: a motion file every 17 s for a day
MOST_DAYS = 7300  # looked back for
LEFT = 64  # finders that wait to be destroyed; the oldest is given up
TRIES = 6
HOLE, HOLE_MOTION = 3, 14  # days without a recording that do not yet end the footage: a power cut; a long quiet
LONGEST = timedelta(hours=25)  # no file is longer: one that is proves nothing
AHEAD = timedelta(hours=2)  # a file that is still being written may be dated to the end of its hour

_CLOSE, _DESTROY = ("close", "factory.close"), ("destroy", "factory.destroy")  # the one or the other, by firmware
_VIDEO = ("dav", "mp4")
_FINDER = re.compile(r"[0-9A-Za-z]{1,32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class File:
    """One recording, by the recorder's own clock in the site's zone."""

    start: datetime
    end: datetime


class Finders:
    """Makes searches, and remembers which finders are still to be destroyed."""

    def __init__(self) -> None:
        self._left: dict[str, int] = {}  # finder -> tries so far
        self._silent = 0  # searches in a row that got no answer at all
        self._typed: bool | None = None  # it can be asked for recordings alone; None: not known before some are found

    def sweep(self) -> Job[None]:
        """Begin a round: destroy what earlier ones had to leave."""
        self._silent = 0
        left, self._left = self._left, {}
        if not left:
            return
        try:
            yield [_act(_CLOSE[tries % 2], finder) for finder, tries in left.items()]
            answers = yield [_act(_DESTROY[tries % 2], finder) for finder, tries in left.items()]
        except GeneratorExit:
            self._left = left | self._left
            raise
        for (finder, tries), answer in zip(left.items(), answers, strict=True):
            if not _gone(answer) and tries + 1 < TRIES:
                self._leave(finder, tries + 1)

    def search(self, channel: int, start: datetime, end: datetime, *, first: bool = False) -> Job[list[File] | Failure]:
        """The files of a channel (from 1) that touch this time, the oldest first; or that one alone."""
        if self._silent >= WIDTH:
            return Failure.NO_REPLY  # it has stopped answering: the other cameras are not asked one by one
        known = self._typed
        found = yield from self._search(channel, start, end, first=first, typed=known is not False)
        if known is None and not isinstance(found, Failure):
            if found:
                self._typed = True
            else:  # there are none, or the firmware does not know what it was asked for
                found = yield from self._search(channel, start, end, first=first, typed=False)
                if found and not isinstance(found, Failure):
                    self._typed = False
        self._silent = self._silent + 1 if found in (Failure.NO_REPLY, Failure.NOT_CONNECTED) else 0
        return found

    def _search(
        self, channel: int, start: datetime, end: datetime, *, first: bool, typed: bool
    ) -> Job[list[File] | Failure]:
        (answer,) = yield [ask("mediaFileFind.cgi?action=factory.create")]
        created = table(answer)
        if isinstance(created, Failure):
            return created
        finder = created.get("result", "")
        if not _FINDER.fullmatch(finder):
            return Failure.BAD_REPLY
        self._left.pop(finder, None)  # the number is used again
        try:
            found = yield from _files(finder, channel, start, end, first=first, typed=typed)
            yield [_act(_CLOSE[0], finder)]
            (answer,) = yield [_act(_DESTROY[0], finder)]
        except GeneratorExit:
            self._leave(finder)
            raise
        if not _gone(answer):
            self._leave(finder)
        return found

    def newest(self, channel: int, now: datetime) -> Job[datetime | Failure | None]:
        """When the newest file of the last days ends, not later than now. None: there is none of them."""
        for since, until in ((NEAR_NOW, AHEAD), (timedelta(days=1), timedelta(0)), (NEAR_MOTION, timedelta(0))):
            files = yield from self.search(channel, now - since, now + until)
            if isinstance(files, Failure):
                return files
            ends = [min(file.end, now) for file in files if believable(file, now)]
            if ends:
                return max(ends)
        return None

    def oldest(
        self, channel: int, now: datetime, days: int, hint: int | None, hole: int = HOLE
    ) -> Job[datetime | Failure | None]:
        """When the oldest file starts, found by looking at single days: wide searches are slow and fail at random.

        `days` must be there; up to twice as many are looked for. A `hint` is where it was the last time, or on another
        camera of the same recorder: the search goes from there in growing steps, otherwise by halves. A clip that was
        kept when all else was overwritten is not where footage begins: no third of the way back may be without any.
        """
        days = min(days, MOST_DAYS)
        cap = min(2 * days, MOST_DAYS)
        while True:
            found = yield from self._farthest(channel, now, days, hint, cap)
            if isinstance(found, Failure) or found is None:
                return found
            age, start = found
            for part in (age // 3, 2 * age // 3):
                if part <= hole or part + hole >= age:
                    continue
                near = yield from self._starts(channel, now, part)
                if near is None:
                    near = yield from self._starts(channel, now, part + hole + 1)
                if isinstance(near, Failure):
                    return near
                if near is None:
                    days = cap = part
                    hint = None
                    break
            else:
                return start

    def _starts(self, channel: int, now: datetime, age: int) -> Job[datetime | Failure | None]:
        """When the first file of the day so many days ago starts."""
        day = datetime.combine(now.date() - timedelta(days=age), time(), now.tzinfo)
        files = yield from self.search(channel, day, day + timedelta(days=1), first=True)
        if isinstance(files, Failure):
            return files
        return min((file.start for file in files if believable(file, now)), default=None)

    def _farthest(
        self, channel: int, now: datetime, days: int, hint: int | None, cap: int
    ) -> Job[tuple[int, datetime] | Failure | None]:
        """The farthest day with files that is found, and when its first one starts."""
        starts: dict[int, datetime] = {}
        has, lacks = -1, cap + 1  # the farthest day known to have files; the nearest known to have none
        probe, step = min(days if hint is None else hint, cap), 1
        while lacks - has > 1:
            start = yield from self._starts(channel, now, probe)
            if isinstance(start, Failure):
                return start
            if start is not None:
                starts[probe], has = start, probe
            else:
                lacks = probe
            if has >= 0 and lacks <= cap:
                probe = (has + lacks) // 2
            elif has < 0:
                probe = lacks // 2 if hint is None else max(0, lacks - step)
            else:
                probe = cap if hint is None else min(cap, has + step)
            step *= 2
        return (has, starts[has]) if has in starts else None

    def _leave(self, finder: str, tries: int = 0) -> None:
        self._left[finder] = tries
        while len(self._left) > LEFT:
            del self._left[next(iter(self._left))]


def believable(file: File, now: datetime) -> bool:
    """Not longer than a file can be, begun in the past, and not of a day to come."""
    return timedelta(0) <= file.end - file.start <= LONGEST and file.start <= now and file.end <= now + AHEAD


def longest_gap(files: Iterable[File], since: datetime, now: datetime) -> timedelta:
    """The longest time without a recording from `since` to now. An open file may be listed late: not a gap yet."""
    longest, covered = timedelta(0), since
    for file in sorted((file for file in files if believable(file, now)), key=lambda file: file.start):
        longest = max(longest, file.start - covered)
        covered = max(covered, min(file.end, now))
    tail = now - covered
    return max(longest, tail) if tail > NEAR_NOW else longest


def together(jobs: Iterable[Job[T]], width: int = WIDTH) -> Job[list[T]]:
    """Runs jobs, `width` at a time, their questions in one yield. What each returned, in order."""
    waiting = deque(enumerate(jobs))
    running: dict[int, tuple[Job[T], Sequence[HttpRequest]]] = {}
    done: dict[int, T] = {}
    try:
        while waiting or running:
            while waiting and len(running) < width:
                place, job = waiting.popleft()
                _step(place, job, None, running, done)
            if not running:
                continue
            batch = list(running.items())
            answers = list((yield [question for _, (_, questions) in batch for question in questions]))
            for place, (job, questions) in batch:
                part, answers = answers[: len(questions)], answers[len(questions) :]
                _step(place, job, part, running, done)
    finally:
        for job, _ in running.values():
            job.close()
    return [done[place] for place in sorted(done)]


def _step(
    place: int,
    job: Job[T],
    answers: list[Any] | None,
    running: dict[int, tuple[Job[T], Sequence[HttpRequest]]],
    done: dict[int, T],
) -> None:
    try:
        running[place] = (job, next(job) if answers is None else job.send(answers))
    except StopIteration as stop:
        running.pop(place, None)
        done[place] = stop.value


def _files(
    finder: str, channel: int, start: datetime, end: datetime, *, first: bool, typed: bool
) -> Job[list[File] | Failure]:
    (answer,) = yield [
        ask(
            f"mediaFileFind.cgi?action=findFile&object={finder}&condition.Channel={channel}"
            f"&condition.StartTime={start:%Y-%m-%d%%20%H:%M:%S}&condition.EndTime={end:%Y-%m-%d%%20%H:%M:%S}"
            + ("&condition.Types[0]=dav" if typed else "")  # pictures are files too, and prove no recording
        )
    ]
    began = _began(answer)
    if began is not True:
        return [] if began is False else began
    files: list[File] = []
    count = 1 if first and typed else PAGE
    for _ in range(1 if first else PAGES):
        (answer,) = yield [ask(f"mediaFileFind.cgi?action=findNextFile&object={finder}&count={count}")]
        page = _page(answer, channel, start)
        if isinstance(page, Failure):
            return page
        found, listed = page
        files += listed
        if first or found < count:
            return files
    return Failure.BAD_REPLY


def _began(answer: Answer) -> bool | Failure:
    """True: there are files. False: there are none, which a recorder that could make a finder says by 400 or "Error"."""
    if not isinstance(answer, LinkError) and answer.status in (200, 400):
        text = answer.body[:200].decode("utf-8", "replace").strip().lower()
        if "not implemented" in text or "authority" in text:
            return Failure.UNSUPPORTED
        if answer.status == 400 or text.startswith("error"):
            return False
        return True if text == "ok" else Failure.BAD_REPLY
    text_or_failure = plain(answer)
    return text_or_failure if isinstance(text_or_failure, Failure) else Failure.BAD_REPLY


def _page(answer: Answer, channel: int, start: datetime) -> tuple[int, list[File]] | Failure:
    """How many files this answer says it has, and those of this channel whose times can be read."""
    found = table(answer)
    if isinstance(found, Failure):
        return found
    said = found.get("found", "")
    items = rows(found, "items")
    if not (said.isascii() and said.isdecimal() and len(said) <= 6) or int(said) > len(items):
        return Failure.BAD_REPLY  # cut short: a hole here would look like a hole in the recordings
    if len({item.get("Channel") for item in items.values()}) > 1:
        return Failure.BAD_REPLY  # it passes over which channel was asked for: whose files these are cannot be told
    files = []
    for item in items.values():
        begin, end = time_of(item.get("StartTime", ""), start.tzinfo), time_of(item.get("EndTime", ""), start.tzinfo)
        # Asked from 1, answered from 0 (and by some firmware from 1); a file of any other channel proves nothing.
        ours = item.get("Channel", str(channel)) in (str(channel), str(channel - 1))
        if begin and end and ours and item.get("Type", "dav").lower() in _VIDEO:
            files.append(File(begin, end))
    return int(said), files


def _gone(answer: Answer) -> bool:
    """The finder was destroyed, or there is none of that number."""
    return not isinstance(answer, LinkError) and (answer.status == 400 or plain(answer) == "OK")


def _act(action: str, finder: str) -> HttpRequest:
    return ask(f"mediaFileFind.cgi?action={action}&object={finder}")
