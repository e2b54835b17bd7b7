"""Periods of a panel: their length, their seasons, what comes before and after them."""

import pandas as pd
import pytest

from kam.churn.periods import Calendar, read_periods, seasons_of


@pytest.mark.parametrize(
    ("periods", "freq", "n"),
    [
        (["2024-01-01", "2024-02-01", "2024-05-01", "2024-01-01"], "month", 5),
        (["2024-01-01", "2024-04-01", "2024-10-01", "2024-01-01"], "quarter", 4),
        (["2024-07-01", "2025-07-01", "2027-07-01", "2024-07-01"], "year", 4),
        (["2024-01-01", "2024-07-01", "2025-01-01", "2024-01-01"], "quarter", 5),
    ],
)
def test_the_length_of_a_period_is_what_all_steps_are_multiples_of(periods, freq, n):
    every, _, length = read_periods(pd.Series(pd.to_datetime(periods)))
    assert (length, len(every)) == (freq, n)


def test_periods_of_pandas_are_dates_too():
    every, place, freq = read_periods(pd.Series(pd.PeriodIndex(["2024-01", "2024-02", "2024-03", "2024-01"], freq="M")))
    assert freq == "month" and every[0] == pd.Timestamp("2024-01-01") and place.tolist() == [0, 1, 2, 0]


def test_seasons_are_those_of_the_calendar():
    assert seasons_of(pd.date_range("2023-11-01", periods=4, freq="MS"), "month").tolist() == [10, 11, 0, 1]
    assert seasons_of(pd.date_range("2023-10-01", periods=3, freq="QS"), "quarter").tolist() == [3, 0, 1]
    assert seasons_of(pd.RangeIndex(3), "period").tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("freq", "first", "before", "ahead"),
    [
        ("month", "2023-12-01", "2023-11-01", ["2024-02-01", "2024-03-01"]),
        ("quarter", "2023-10-01", "2023-07-01", ["2024-04-01", "2024-07-01"]),
        ("year", "2023-07-01", "2022-07-01", ["2025-07-01", "2026-07-01"]),
    ],
)
def test_what_comes_before_and_after(freq, first, before, ahead):
    code = {"month": "MS", "quarter": "QS", "year": "YS-JUL"}[freq]
    calendar = Calendar(periods=pd.date_range(first, periods=2, freq=code), freq=freq)
    assert calendar.before == pd.Timestamp(before)
    assert calendar.ahead(2).tolist() == [pd.Timestamp(day) for day in ahead]


def test_numbers_come_before_and_after_numbers():
    calendar = Calendar(periods=pd.RangeIndex(3, 6), freq="period")
    assert (calendar.before, calendar.ahead(2).tolist()) == (2, [6, 7])
    assert (calendar.n_seasons, calendar.season.tolist()) == (1, [0, 0, 0])
