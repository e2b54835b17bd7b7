from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kam.errors import ParameterError
from kam.ledger.periods import add_months, last_complete_month, period_start, rare_weekdays

DAYS = st.dates(date(1999, 1, 1), date(2030, 12, 31))


def days_between(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


@pytest.mark.parametrize(
    ("day", "freq", "fiscal_year_start", "start"),
    [
        (date(2011, 12, 9), "month", 1, date(2011, 12, 1)),
        (date(2011, 12, 9), "month", 4, date(2011, 12, 1)),
        (date(2011, 12, 9), "quarter", 1, date(2011, 10, 1)),
        (date(2011, 12, 9), "year", 1, date(2011, 1, 1)),
        (date(2011, 1, 1), "quarter", 2, date(2010, 11, 1)),
        (date(2011, 3, 31), "year", 4, date(2010, 4, 1)),
        (date(2011, 4, 1), "year", 4, date(2011, 4, 1)),
        (date(2012, 2, 29), "quarter", 12, date(2011, 12, 1)),
    ],
)
def test_periods_start_where_the_fiscal_year_says(day: date, freq: str, fiscal_year_start: int, start: date) -> None:
    assert period_start(day, freq, fiscal_year_start=fiscal_year_start) == start  # type: ignore[arg-type]


@given(DAYS, st.sampled_from(["month", "quarter", "year"]), st.integers(1, 12))
def test_a_day_lies_in_its_period(day: date, freq: str, fiscal_year_start: int) -> None:
    length = {"month": 1, "quarter": 3, "year": 12}[freq]
    start = period_start(day, freq, fiscal_year_start=fiscal_year_start)  # type: ignore[arg-type]
    assert start <= day < add_months(start, length)
    assert start.day == 1
    assert (start.month - fiscal_year_start) % length == 0


@pytest.mark.parametrize(("freq", "start"), [("week", 1), ("month", 0), ("month", 13), ("year", 1.5)])
def test_unknown_periods_are_errors(freq: str, start: int) -> None:
    with pytest.raises(ParameterError):
        period_start(date(2011, 1, 1), freq, fiscal_year_start=start)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2011, 12, 31), 1, date(2012, 1, 1)),
        (date(2012, 1, 31), -1, date(2011, 12, 1)),
        (date(2012, 1, 5), 0, date(2012, 1, 1)),
        (date(2012, 1, 5), -13, date(2010, 12, 1)),
    ],
)
def test_add_months(day: date, months: int, expected: date) -> None:
    assert add_months(day, months) == expected


def test_a_month_is_complete_on_its_last_day() -> None:
    assert last_complete_month(date(2024, 2, 29)) == date(2024, 2, 1)
    assert last_complete_month(date(2024, 2, 28)) == date(2024, 1, 1)
    assert last_complete_month(date(2023, 2, 28)) == date(2023, 2, 1)
    assert last_complete_month(date(2024, 1, 1)) == date(2023, 12, 1)


def test_days_of_rest_do_not_make_a_month_incomplete() -> None:
    # Friday 29 November 2024 is followed by a weekend; the month before ended on a Thursday.
    weekdays = [day for day in days_between(date(2024, 8, 1), date(2024, 11, 29)) if day.weekday() < 5]
    assert last_complete_month(date(2024, 11, 29), order_days=weekdays) == date(2024, 11, 1)
    assert last_complete_month(date(2024, 11, 28), order_days=weekdays) == date(2024, 10, 1)
    assert last_complete_month(date(2024, 11, 29)) == date(2024, 10, 1)  # as_of given: taken by its word


def test_a_weekday_with_fewer_than_a_twentieth_of_the_busiest_is_a_day_of_rest() -> None:
    mondays = [date(2023, 1, 2) + timedelta(weeks=n) for n in range(41)]
    saturdays = [date(2023, 1, 7) + timedelta(weeks=n) for n in range(3)]
    assert 5 in rare_weekdays(mondays + saturdays[:2])  # 2 of 41
    assert 5 not in rare_weekdays(mondays + saturdays)  # 3 of 41
    assert 0 not in rare_weekdays(mondays)
    assert rare_weekdays(mondays[:20] + saturdays[:1]) == {1, 2, 3, 4, 6}  # a twentieth itself is not fewer


def test_few_weeks_do_not_tell_days_of_rest() -> None:
    assert rare_weekdays([]) == set()
    assert rare_weekdays([date(2024, 11, 25)]) == set()
    assert last_complete_month(date(2024, 11, 25), order_days=[date(2024, 11, 25)]) == date(2024, 10, 1)
    seven = [date(2024, 1, 1) + timedelta(weeks=n) for n in range(7)]
    assert rare_weekdays(seven * 2) == set()
    assert rare_weekdays([*seven, date(2024, 2, 19)]) == {1, 2, 3, 4, 5, 6}
