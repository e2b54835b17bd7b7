import pandas as pd
import pytest

from kam.dataset.periods import parse_periods


def parse(values, freq=None, start=1):
    parsed = parse_periods(pd.Series(values, dtype="str"), freq=freq, fiscal_year_start=start)
    days = [None if pd.isna(day) else str(day.date()) for day in parsed.start]
    return parsed.freq, days, list(parsed.unreadable)


@pytest.mark.parametrize(
    ("values", "freq", "first"),
    [
        (["2025", "2026"], "year", ["2025-01-01", "2026-01-01"]),
        (["2025-Q1", "2025Q2", "2025 q3", "Q4 2025", "Q1/2026"], "quarter",
         ["2025-01-01", "2025-04-01", "2025-07-01", "2025-10-01", "2026-01-01"]),
        (["2025-01", "2025/02", "2025.03", "202504", "5/2025", "06.2025"], "month",
         [f"2025-0{m}-01" for m in range(1, 7)]),
        (["2025-01-01", " 2025-02-01 00:00:00", "2025-03-01T00:00:00.000"], "month",
         ["2025-01-01", "2025-02-01", "2025-03-01"]),
    ],
)  # fmt: skip
def test_periods_as_people_write_them(values, freq, first):
    assert parse(values) == (freq, first, [False] * len(values))


def test_a_first_day_is_of_what_the_file_says():
    assert parse(["2025-01-01", "2025-04-01"], freq="quarter")[0] == "quarter"
    assert parse(["2025-01-01", "2025-02-01"], freq="quarter")[2] == [False, True]
    assert parse(["2025-04-01", "2025-01-01"], freq="year", start=4)[2] == [False, True]


def test_the_rarer_kind_and_what_is_no_period_are_unreadable():
    assert parse(["2025-01", "2025-02", "2025", "soon", "2025-13", "2025-01-02"])[2] == [
        False,
        False,
        True,
        True,
        True,
        True,
    ]


def test_a_named_fiscal_year_is_ambiguous_unless_it_is_the_calendar_year():
    assert parse(["2025", "2026"], start=4)[2] == [True, True]
    assert parse(["2025-Q1"], start=4)[2] == [True]
    assert parse(["2025-01"], start=4) == ("month", ["2025-01-01"], [False])


def test_missing_stays_missing():
    assert parse(["2025", None]) == ("year", ["2025-01-01", None], [False, False])
