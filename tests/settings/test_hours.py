"""When a branch is open."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from sentinel.settings.hours import Hours, SiteKind, is_open
from sentinel.settings.place import spans, week, weekdays

KOLKATA = ZoneInfo("Asia/Kolkata")
BERLIN = ZoneInfo("Europe/Berlin")
WEEK = week({"mon-fri": "10:00-17:00", "sat": "10:00-14:00"})
BRANCH = Hours(KOLKATA, WEEK, frozenset({2, 4}), frozenset({date(2027, 1, 26)}))


def at(year: int, month: int, day: int, hour: int, minute: int = 0, zone: ZoneInfo = KOLKATA) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=zone)


def open_at(when: datetime, hours: Hours = BRANCH) -> bool:
    return is_open(hours, SiteKind.BRANCH, when)


def test_a_weekday_opens_at_ten_and_closes_at_five() -> None:
    assert not open_at(at(2027, 1, 25, 9, 59))
    assert open_at(at(2027, 1, 25, 10))
    assert open_at(at(2027, 1, 25, 16, 59))
    assert not open_at(at(2027, 1, 25, 17))


def test_the_moment_is_read_in_the_branch_time_zone() -> None:
    assert open_at(datetime(2027, 1, 25, 4, 30, tzinfo=UTC))  # 10:00 in Kolkata
    assert not open_at(datetime(2027, 1, 25, 4, 29, tzinfo=UTC))
    assert not open_at(datetime(2027, 1, 25, 11, 30, tzinfo=UTC))


def test_the_second_and_fourth_saturdays_are_closed_and_the_others_open() -> None:
    saturdays = [date(2027, 1, 2) + timedelta(weeks=n) for n in range(5)]
    assert [open_at(datetime.combine(day, time(11), KOLKATA)) for day in saturdays] == [True, False, True, False, True]


def test_a_month_that_begins_on_a_saturday_counts_that_as_its_first() -> None:
    assert date(2027, 5, 1).weekday() == 5
    assert open_at(at(2027, 5, 1, 11))
    assert not open_at(at(2027, 5, 8, 11))
    assert not open_at(at(2027, 5, 22, 11))
    assert open_at(at(2027, 5, 29, 11))


def test_a_sunday_and_a_holiday_are_closed() -> None:
    assert not open_at(at(2027, 1, 24, 11))
    assert not open_at(at(2027, 1, 26, 11))
    assert open_at(at(2027, 1, 27, 11))


def test_the_holiday_is_the_branch_own_day_and_not_the_day_of_utc() -> None:
    night = Hours(KOLKATA, week({"mon-sun": "00:00-24:00"}), holidays=frozenset({date(2027, 1, 26)}))
    assert open_at(datetime(2027, 1, 25, 18, 29, tzinfo=UTC), night)
    assert not open_at(datetime(2027, 1, 25, 18, 30, tzinfo=UTC), night)
    assert open_at(datetime(2027, 1, 26, 18, 30, tzinfo=UTC), night)


def test_an_atm_lobby_never_closes() -> None:
    shut = Hours(KOLKATA, ((),) * 7, holidays=frozenset({date(2027, 1, 26)}))
    assert is_open(shut, SiteKind.ATM_LOBBY, at(2027, 1, 26, 3))
    assert not is_open(shut, SiteKind.CURRENCY_CHEST, at(2027, 1, 26, 3))


def test_summer_time_moves_with_the_wall_clock() -> None:
    berlin = Hours(BERLIN, week({"mon-sun": "10:00-17:00"}))
    assert open_at(datetime(2027, 3, 27, 9, 0, tzinfo=UTC), berlin)  # 10:00 CET
    assert not open_at(datetime(2027, 3, 27, 8, 0, tzinfo=UTC), berlin)
    assert open_at(datetime(2027, 3, 28, 8, 0, tzinfo=UTC), berlin)  # 10:00 CEST, the night the clocks went forward
    assert not open_at(datetime(2027, 3, 28, 15, 0, tzinfo=UTC), berlin)
    assert open_at(datetime(2027, 10, 31, 9, 0, tzinfo=UTC), berlin)
    assert not open_at(datetime(2027, 10, 31, 8, 0, tzinfo=UTC), berlin)


def test_the_hour_that_comes_twice_is_open_twice() -> None:
    berlin = Hours(BERLIN, week({"sun": "02:00-03:00"}))
    first, second = datetime(2027, 10, 31, 0, 30, tzinfo=UTC), datetime(2027, 10, 31, 1, 30, tzinfo=UTC)
    assert open_at(first, berlin)
    assert open_at(second, berlin)


def test_a_lunch_break_is_closed() -> None:
    hours = Hours(KOLKATA, week({"mon": "10:00-13:30, 14:00-16:00"}))
    assert [open_at(at(2027, 1, 25, 13, m), hours) for m in (29, 30, 59)] == [True, False, False]
    assert open_at(at(2027, 1, 25, 14), hours)


def test_days_and_spans_are_read_as_they_are_written() -> None:
    assert weekdays("mon-fri") == (0, 1, 2, 3, 4)
    assert weekdays("sat") == (5,)
    assert weekdays("mon, wed-thu") == (0, 2, 3)
    assert spans("22:00-24:00") == ((time(22), time.max),)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)))  # noqa: DTZ001 - the zone is given below
def test_open_never_depends_on_the_zone_of_the_question(moment: datetime) -> None:
    when = moment.replace(tzinfo=UTC)
    assert open_at(when) == open_at(when.astimezone(BERLIN)) == open_at(when.astimezone(KOLKATA))


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)))
def test_every_month_has_exactly_one_second_and_one_fourth_saturday_closed(day: date) -> None:
    month = [date(day.year, day.month, 1) + timedelta(days=n) for n in range(31)]
    closed = [
        d
        for d in month
        if d.month == day.month
        and d.weekday() == 5
        and not open_at(datetime.combine(d, time(12), KOLKATA))
        and d not in BRANCH.holidays
    ]
    assert [(d.day - 1) // 7 + 1 for d in closed] == [2, 4]
