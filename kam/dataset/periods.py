"""Months, quarters and years as people write them.

>>> parsed = parse_periods(pd.Series(["2025-Q1", "2025-Q4", "soon"]), freq=None, fiscal_year_start=1)
>>> parsed.freq, [str(day.date()) for day in parsed.start[:2]], list(parsed.unreadable)
('quarter', ['2025-01-01', '2025-10-01'], [False, False, True])
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

Freq = Literal["month", "quarter", "year"]

_MONTHS = {"month": 1, "quarter": 3, "year": 12}
_PATTERNS: dict[Freq, str] = {
    "year": r"^(?P<y>\d{4})$",
    "quarter": r"^(?P<y>\d{4})[-/ ]?[Qq](?P<q>[1-4])$|^[Qq](?P<q2>[1-4])[-/ ](?P<y2>\d{4})$",
    "month": r"^(?P<y>\d{4})[-/.]?(?P<m>0[1-9]|1[0-2])$|^(?P<m2>0?[1-9]|1[0-2])[/.](?P<y2>\d{4})$",
}
_DAY = r"^(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)([T ]00:00(:00(\.0+)?)?)?$"
ALLOWED = "2025, 2025-Q1, 2025-01, or the first day, 2025-01-01; one kind in a table"


@dataclass(frozen=True, kw_only=True)
class ParsedPeriods:
    """First days of the periods, what a period is, and which values are none."""

    start: pd.Series
    freq: Freq
    unreadable: pd.Series


def parse_periods(texts: pd.Series, *, freq: Freq | None, fiscal_year_start: int) -> ParsedPeriods:
    """Read periods written as 2025, 2025-Q1, 2025-01, or by their first day.

    Parameters
    ----------
    texts : pandas.Series of str
        One period each; missing stays missing.
    freq : {"month", "quarter", "year"}, optional
        What a first day stands for; None: a month. What is named (2025-Q1) says it itself.
    fiscal_year_start : int
        First month of the fiscal year. Unless it is 1, years and quarters have to be given by their first day, because
        whether 2025 begins or ends in 2025 differs between firms.

    Returns
    -------
    ParsedPeriods
        ``unreadable`` marks the values of another kind than the most frequent, days that begin no period, and the rest.
    """
    stripped = texts.str.strip()
    named: dict[Freq, pd.Series] = {}
    for kind, pattern in _PATTERNS.items():
        if kind == "month" or fiscal_year_start == 1:
            named[kind] = _first_days(stripped, kind, pattern)
    days = pd.to_datetime(stripped.where(stripped.str.match(_DAY)).str[:10], format="%Y-%m-%d", errors="coerce")
    by_day: Freq = freq or "month"
    begins = (days.dt.day == 1) & ((days.dt.month - fiscal_year_start) % _MONTHS[by_day] == 0)
    kinds: list[tuple[Freq, pd.Series]] = [(by_day, days.where(begins)), *named.items()]
    best, start = max(kinds, key=lambda kind: int(kind[1].notna().sum()))
    return ParsedPeriods(start=start, freq=best, unreadable=start.isna() & stripped.notna())


def _first_days(texts: pd.Series, kind: Freq, pattern: str) -> pd.Series:
    parts = texts.str.extract(pattern)
    year = parts["y"].fillna(parts["y2"]) if "y2" in parts else parts["y"]
    month = pd.Series("1", index=texts.index)
    if kind == "quarter":
        month = ((parts["q"].fillna(parts["q2"]).astype("Float64") - 1) * 3 + 1).astype("Int64").astype("str")
    elif kind == "month":
        month = parts["m"].fillna(parts["m2"])
    return pd.to_datetime(year + "-" + month + "-1", format="%Y-%m-%d", errors="coerce")
