"""What a point did, minute by minute: nothing widened is forgotten, nothing missing is drawn."""

from __future__ import annotations

import math
import sqlite3
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sentinel.telemetry.minutes import MOST_ROWS
from sentinel.telemetry.model import Counts, Flush, Keep, Summary
from sentinel.telemetry.store import Store
from sentinel.telemetry.summaries import Track, fold, pack_hour, pack_minute, unpack_minute, wider
from tests.telemetry.spooling import NOW_MS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

HOUR = NOW_MS // 3_600_000
MINUTE = HOUR * 60
KEEP = Keep(30, 2**20)

values = st.floats(allow_nan=False, allow_infinity=False)
summaries = st.builds(Summary, values, values, values)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "telemetry.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    store = Store(path, KEEP, forward=False, known=Counts())
    yield store
    store.close()


def tell(store: Store, minutes: Mapping[int, Mapping[str, Summary]]) -> None:
    at = max(minutes, default=MINUTE) * 60_000
    store.append(Flush((), at, at, minutes))


def level(value: float) -> Summary:
    return Summary(value, value, value)


# --- As bytes --------------------------------------------------------------------------------------------------------


@given(st.dictionaries(st.integers(1, 2**32 - 1), summaries))
def test_a_minute_comes_back_as_it_was(points: dict[int, Summary]) -> None:
    assert unpack_minute(pack_minute(points)) == points


@given(st.dictionaries(st.integers(0, 59), summaries))
def test_an_hour_comes_back_as_it_was(minutes: dict[int, Summary]) -> None:
    ordered = {minute: minutes[minute] for minute in sorted(minutes)}
    track = Track()
    track.add_hour(HOUR, pack_hour(ordered))
    assert track.minutes() == {MINUTE + minute: one for minute, one in ordered.items()}


@given(st.binary(max_size=100))
def test_bytes_that_are_no_summary_are_known_as_such(data: bytes) -> None:
    track = Track()
    with pytest.raises(ValueError):
        track.add_hour(HOUR, data)
    if len(data) % 28:
        with pytest.raises(ValueError):
            unpack_minute(data)


# --- Folding ---------------------------------------------------------------------------------------------------------


@given(
    st.dictionaries(st.integers(MINUTE, MINUTE + 300), summaries, max_size=60),
    st.integers((MINUTE - 50) * 60, (MINUTE + 350) * 60),
    st.integers(0, 30_000),
    st.integers(1, 50),
)
@settings(max_examples=200)
def test_a_fold_holds_every_minute_that_was_asked_for_in_few_equal_rows(
    minutes: dict[int, Summary], begin: int, span: int, most: int
) -> None:
    track = Track()
    for minute in sorted(minutes):
        track.add_minute(minute, minutes[minute])
    plot = fold("p", track, begin, begin + span, most)
    inside = {minute: one for minute, one in minutes.items() if begin // 60 <= minute < -(-(begin + span) // 60)}
    assert len(plot.at) == len(plot.low) == len(plot.high) == len(plot.last) <= most
    assert plot.step_s % 60 == 0
    assert list(plot.at) == sorted(set(plot.at))
    assert all((at - plot.at[0]) % plot.step_s == 0 for at in plot.at)
    for row, at in enumerate(plot.at):
        here = [inside[minute] for minute in sorted(inside) if at <= minute * 60 < at + plot.step_s]
        assert plot.low[row] == min(one.low for one in here)
        assert plot.high[row] == max(one.high for one in here)
        assert plot.last[row] == here[-1].last
    covered = [minute for minute in inside if any(at <= minute * 60 < at + plot.step_s for at in plot.at)]
    assert len(covered) == len(inside)


# --- In the file -----------------------------------------------------------------------------------------------------


def test_the_running_minute_is_widened_by_each_flush(store: Store) -> None:
    tell(store, {MINUTE: {"p": Summary(5, 6, 5)}})
    tell(store, {MINUTE: {"p": Summary(4, 6, 4), "q": level(1)}})
    tell(store, {MINUTE: {"p": Summary(5, 9, 8)}})
    plot = store.plot("p", MINUTE * 60, MINUTE * 60 + 60, 600)
    assert (plot.at, plot.low, plot.high, plot.last) == ((MINUTE * 60,), (4.0,), (9.0,), (8.0,))
    assert store.plot("q", MINUTE * 60, MINUTE * 60 + 60, 600).last == (1.0,)


def test_an_hour_reads_the_same_before_and_after_it_is_packed_and_after_a_restart(store: Store, path: Path) -> None:
    def look(one: Store) -> list[object]:
        return [one.plot(point, MINUTE * 60, (MINUTE + 60) * 60, most) for point in "pq" for most in (1, 7, 600)]

    for minute in range(60):
        if minute % 7:
            points = {"p": Summary(-minute, minute, minute / 3), "q": level(minute)}
            tell(store, {MINUTE + minute: points if minute % 2 else {"p": points["p"]}})
    before = look(store)
    tell(store, {MINUTE + 60: {"p": level(0)}})
    assert rows(store) == (2, 1)
    assert look(store) == before
    store.close()
    again = Store(path, KEEP, forward=False, known=Counts())
    assert look(again) == before
    again.close()


def rows(store: Store) -> tuple[int, int]:
    """Packed hours and single minutes in the file."""
    hours, minutes = (store._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("hour", "minute"))
    return hours, minutes


def test_a_clock_that_was_set_back_widens_what_was_packed(store: Store) -> None:
    tell(store, {MINUTE: {"p": Summary(1, 2, 2)}, MINUTE + 1: {"p": level(7)}})
    tell(store, {MINUTE + 60: {"p": level(0)}})
    tell(store, {MINUTE: {"p": Summary(0, 1, 1)}})
    for _ in range(2):
        plot = store.plot("p", MINUTE * 60, (MINUTE + 59) * 60, 600)
        assert (plot.low, plot.high, plot.last) == ((0.0, 7.0), (2.0, 7.0), (1.0, 7.0))
        tell(store, {MINUTE + 61: {"p": level(0)}})
    assert rows(store) == (2, 1)


def test_a_value_that_cannot_be_drawn_is_left_out(store: Store) -> None:
    tell(store, {MINUTE: {"p": Summary(-math.inf, 1, 1), "q": Summary(1, 1, math.nan), "r": level(1)}})
    assert store.plot("p", 0, 2**62, 600).at == ()
    assert store.plot("q", 0, 2**62, 600).at == ()
    assert store.plot("r", 0, 2**62, 600).last == (1.0,)


@pytest.mark.parametrize(
    ("begin", "end", "most"),
    [(-(2**70), 2**70, 10**9), (2**70, -(2**70), 0), (0, 0, -5), (MINUTE * 60, MINUTE * 60, 1), (2**62, 2**63, 600)],
)
def test_whatever_is_asked_the_answer_is_bounded(store: Store, begin: int, end: int, most: int) -> None:
    for minute in range(0, 240, 3):
        tell(store, {MINUTE + minute: {"p": level(minute)}})
    for point in ("p", "no such point", ""):
        plot = store.plot(point, begin, end, most)
        assert len(plot.at) <= MOST_ROWS
        assert plot.step_s >= 60


def test_what_is_older_than_was_asked_to_keep_is_forgotten(store: Store) -> None:
    for hour in range(39 * 24 + 1):
        minutes = {MINUTE + hour * 60: {"p": level(hour // 24)}} if hour % 24 == 0 else {}
        at = (MINUTE + hour * 60) * 60_000
        store.append(Flush((), at, at, minutes), at)
    plot = store.plot("p", MINUTE * 60, (MINUTE + 40 * 1440) * 60, MOST_ROWS)
    assert 30 <= len(plot.at) <= 32
    assert plot.last[-1] == 39.0


def test_more_points_than_there_is_room_for_lose_their_oldest_days(path: Path) -> None:
    store = Store(path, Keep(30, 40_000), forward=False, known=Counts())
    for day in range(6):
        for minute in range(0, 120, 2):
            tell(store, {MINUTE + day * 1440 + minute: {f"p{n}": Summary(-n, n, minute / 7) for n in range(20)}})
    assert store._minutes.summed <= 20_000
    assert store.plot("p1", 0, 2**40, 600).last[-1] == 118 / 7
    assert store._minutes.summed == sum(n for (n,) in store._db.execute("SELECT length(data) FROM hour"))
    store.close()


def test_a_damaged_row_is_a_gap_and_nothing_else_suffers(
    store: Store, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for hour in range(3):
        tell(store, {MINUTE + 60 * hour: {"p": level(hour)}, MINUTE + 60 * hour + 1: {"p": level(hour)}})
    store.close()
    other = sqlite3.connect(path)
    other.execute("UPDATE hour SET data = x'00' WHERE at = (SELECT min(at) FROM hour)")
    other.execute("UPDATE minute SET data = x'00' WHERE minute = (SELECT max(minute) FROM minute)")
    other.commit()
    other.close()
    again = Store(path, KEEP, forward=False, known=Counts())
    span = (MINUTE * 60, (MINUTE + 240) * 60)
    assert again.plot("p", *span, 600).last == (1.0, 1.0, 2.0)
    tell(again, {MINUTE + 180: {"p": level(3)}})
    assert again.plot("p", *span, 600).last == (1.0, 1.0, 2.0, 3.0)
    assert "damaged summary left out" in caplog.text
    again.close()


def test_two_summaries_together_know_both() -> None:
    assert wider(None, Summary(1, 2, 2)) == Summary(1, 2, 2)
    assert wider(Summary(1, 5, 4), Summary(0, 3, 2)) == Summary(0, 5, 2)
