"""The proof: which files a Hikvision recorder has. The newest, the longest gap, how many days back, of many cameras at once.

Windows are narrow (a day at most): wide searches fail at random on units whose narrow ones are reliable. All times here are
the recorder's own wall clock. Nothing that could not be asked to its end is taken for an answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from drivers import hikvision_ask as ask
from drivers import hikvision_read as read
from sentinel.core.model import Failure

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from drivers.hikvision_ask import Answer, Asking, Talk
    from drivers.hikvision_read import Span

PAGE, PAGES = 40, 10  # files asked for at once, and how often: 400 a window
HOLE, HOLE_MOTION = 3, 14  # days without a recording that do not yet end the footage: a power cut; a long quiet
AHEAD = timedelta(minutes=5)  # a file that ends later than this after now is no proof of anything


@dataclass(frozen=True, slots=True)
class Found:
    """The files that touch a window."""

    spans: tuple[Span, ...]
    whole: bool  # False: there were more pages than are asked for

    def newest(self, now: datetime) -> datetime | None:
        """The latest end that is possible."""
        return max((end for _, end in self.spans if end <= now + AHEAD), default=None)


@dataclass(slots=True)
class Way:
    """How this firmware wants to be asked for files; learnt, and remembered in this run. Rounds share it."""

    spelling: int = 0  # of ask.SPELLINGS
    shift: timedelta = timedelta()  # most take the Z of a time for their own wall clock; a few for UTC


@dataclass(slots=True)
class _Hunt:
    """One channel's search under way."""

    channel: int
    window: Span
    spelling: int
    spans: list[Span] = field(default_factory=list)
    place: int = 0
    last: read.Page | None = None

    def odd(self, answer: Answer, page: read.Page | Failure) -> bool:
        """Refused for its words, or the same page once more: the place was passed over."""
        if isinstance(page, Failure):
            return read.misspelt(answer)
        return bool(page.spans) and page == self.last

    def judge(self, page: read.Page | Failure) -> Found | Failure | None:
        """The end of it, or None when the next page is to be asked for."""
        if isinstance(page, Failure):
            return page
        start, end = self.window
        touching = [span for span in page.spans if span[0] <= end and span[1] >= start]
        if page.spans and (not touching or page == self.last):  # an answer to another question
            return Failure.BAD_REPLY
        self.spans += touching
        self.place += page.items
        self.last = page
        return None if page.more and page.items else Found(tuple(self.spans), not page.more)


def search(
    talk: Talk,
    windows: Mapping[int, Span],
    way: Way,
    salt: str,
    *,
    pages: int = PAGES,
    size: int = PAGE,
    shift: timedelta | None = None,
) -> Asking[dict[int, Found | Failure]]:
    """By channel, page after page; a recorder that gives fewer on a page than it was asked for is taken at its word."""
    shift = way.shift if shift is None else shift
    found: dict[int, Found | Failure] = {}
    hunts = [_Hunt(channel, window, way.spelling) for channel, window in windows.items()]
    for _ in range(pages):
        further = []
        for hunt, page in (yield from _pages(talk, hunts, way, salt, size, shift)):
            end = hunt.judge(page)
            if end is None:
                further.append(hunt)
            else:
                found[hunt.channel] = end
        hunts = further
        if not hunts:
            break
    return found | {hunt.channel: Found(tuple(hunt.spans), whole=False) for hunt in hunts}


def _pages(
    talk: Talk, hunts: Sequence[_Hunt], way: Way, salt: str, size: int, shift: timedelta
) -> Asking[list[tuple[_Hunt, read.Page | Failure]]]:
    """Each one's next page. What was odd is asked again in the other spellings; the one that helps is remembered."""
    pages: dict[int, read.Page | Failure] = {}
    waiting = list(hunts)
    for turn in range(len(ask.SPELLINGS)):
        tried = [(hunt.spelling + turn) % len(ask.SPELLINGS) for hunt in waiting]
        answers = yield from talk.ask(
            [
                ask.files(
                    hunt.channel, (hunt.window[0] - shift, hunt.window[1] - shift), hunt.place, size, salt, spelling
                )
                for hunt, spelling in zip(waiting, tried, strict=True)
            ]
        )
        odd = []
        for hunt, spelling, answer in zip(waiting, tried, answers, strict=True):
            pages[hunt.channel] = page = read.page(answer, ask.track(hunt.channel), shift, size)
            if hunt.odd(answer, page):
                odd.append(hunt)
            elif turn and not isinstance(page, Failure):
                way.spelling = hunt.spelling = spelling
        waiting = odd
        if not waiting:
            break
    return [(hunt, pages[hunt.channel]) for hunt in hunts]


def longest_gap(found: Found, start: datetime, end: datetime, near: timedelta) -> float:
    """Seconds of the longest hole. A hole up to now counts only when it is longer than a file may stay open."""
    gap, reached = timedelta(), start
    for first, last in sorted(found.spans):
        gap = max(gap, min(first, end) - reached)
        reached = max(reached, min(last, end))
    if end - reached > near:
        gap = max(gap, end - reached)
    return max(gap, timedelta()).total_seconds()


# --- How far back ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Back:
    """How many days ago the footage of one camera begins; None: there is none. `whole`: nothing older was left unasked."""

    days: int | None
    whole: bool = True


def run_of(days: set[date], today: date, hole: int) -> tuple[int | None, bool]:
    """How long ago the unbroken run begins, and whether its beginning was seen. One kept clip of last year is no run."""
    ages = sorted((today - day).days for day in days if day <= today)
    for place, age in enumerate(ages[:-1]):
        if ages[place + 1] - age > hole + 1:
            return age, True
    return (ages[-1] if ages else None), False


def oldest_by_days(talk: Talk, holes: Mapping[int, int], today: date, most: int) -> Asking[dict[int, Back | Failure]]:
    """Month by month backwards, until each camera's footage has begun or `most` days are reached."""
    found: dict[int, Back | Failure] = {}
    seen: dict[int, set[date]] = {channel: set() for channel in holes}
    waiting, year, month = list(holes), today.year, today.month
    while waiting:
        answers = yield from talk.ask([ask.days(channel, year, month) for channel in waiting])
        begun = (today - date(year, month, 1)).days  # the oldest day that has been asked for
        for channel, answer in zip(list(waiting), answers, strict=True):
            days = read.recorded_days(answer, year, month)
            age, ended = run_of(seen[channel], today, holes[channel])
            if isinstance(days, Failure):
                found[channel] = Back(age, whole=False) if age is not None else days
            else:
                seen[channel] |= days
                age, ended = run_of(seen[channel], today, holes[channel])
                if ended or begun >= most or (age is not None and begun - age > holes[channel]):
                    found[channel] = Back(age)
            if channel in found:
                waiting.remove(channel)
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    return found


def bisect(required: int, hole: int) -> Generator[int, bool, int | None]:
    """Asks of single days whether there is a recording, so many days ago; the oldest found. At least `required` is enough.

    A clip that was kept when all else was overwritten is no footage: no third of the way back may be without any.
    """
    if (yield required):
        for part in (required // 3, 2 * required // 3):
            if hole < part < required - hole and not (yield part) and not (yield part + hole + 1):
                return (yield from bisect(part, hole))
        return required
    low: int | None = None
    for age in (*range(hole + 1), *range(hole + 1, required, 7)):
        if (yield age):
            low = age
            break
    if low is None:
        return None
    high = required
    while high - low > 1:
        middle = (low + high) // 2
        if (yield middle):
            low = middle
        elif middle + hole + 1 < high and (yield middle + hole + 1):  # that day was a hole
            low = middle + hole + 1
        else:
            high = middle
    return low


def oldest_by_search(
    talk: Talk, holes: Mapping[int, int], today: date, required: int, way: Way, salt: str
) -> Asking[dict[int, Back | Failure]]:
    """By searches of single days, all cameras' next ones together."""
    found: dict[int, Back | Failure] = {}
    hunts = {channel: bisect(required, hole) for channel, hole in holes.items()}
    ages = {channel: next(hunt) for channel, hunt in hunts.items()}
    while ages:
        days = {
            channel: datetime.combine(today - timedelta(days=age), datetime.min.time()) for channel, age in ages.items()
        }
        windows = {channel: (day, day + timedelta(hours=23, minutes=59, seconds=59)) for channel, day in days.items()}
        answers = yield from search(talk, windows, way, salt, pages=1, size=1)
        for channel, answer in answers.items():
            if isinstance(answer, Failure):
                found[channel] = answer
                del ages[channel]
                continue
            try:
                ages[channel] = hunts[channel].send(bool(answer.spans))
            except StopIteration as end:
                found[channel] = Back(end.value)
                del ages[channel]
    return found


def last_day(talk: Talk, channels: Sequence[int], today: date) -> Asking[dict[int, date]]:
    """The last day with a recording, in this month or the two before; a camera without one is not in it."""
    found: dict[int, date] = {}
    year, month = today.year, today.month
    for _ in range(3):
        waiting = [channel for channel in channels if channel not in found]
        answers = yield from talk.ask([ask.days(channel, year, month) for channel in waiting])
        for channel, answer in zip(waiting, answers, strict=True):
            days = read.recorded_days(answer, year, month)
            if not isinstance(days, Failure) and (past := [day for day in days if day <= today]):
                found[channel] = max(past)
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    return found
