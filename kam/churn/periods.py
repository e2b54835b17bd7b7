"""The periods of a panel: read from a column, what comes before and after them, their seasons, their names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.errors import ColumnTypeError

if TYPE_CHECKING:
    from kam.wording import Wording

Ints = npt.NDArray[np.int64]

PERIODS_A_YEAR = {"month": 12, "quarter": 4, "year": 1, "period": 1}
"""How many periods a year has; a period that is no calendar one is its own year."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Calendar:
    """Periods that follow one another.

    Attributes
    ----------
    periods : pandas.Index
        Every period from the first to the last, also one in which nobody was seen.
    freq : {"month", "quarter", "year", "period"}
        Length of a period; ``period``: numbered, no calendar.
    """

    periods: pd.Index
    freq: str

    @property
    def season(self) -> Ints:
        """Season of every period, see :func:`seasons_of`."""
        return seasons_of(self.periods, self.freq)

    @property
    def n_seasons(self) -> int:
        """Periods in a year."""
        return PERIODS_A_YEAR[self.freq]

    @property
    def before(self) -> pd.Timestamp | int:
        """The period before the first."""
        return step_periods(self.periods[0], -1, self.freq)

    def ahead(self, n: int) -> pd.Index:
        """The n periods after the last."""
        following = [step_periods(self.periods[-1], k, self.freq) for k in range(1, n + 1)]
        return (pd.Index if self.freq == "period" else pd.DatetimeIndex)(following, name="period")


def seasons_of(periods: pd.Index, freq: str) -> Ints:
    """Season of periods: 0 for January, or for the quarter that begins with January to March; all 0 for years and numbers."""
    if freq not in ("month", "quarter"):
        return np.zeros(len(periods), dtype=np.int64)
    months = pd.DatetimeIndex(periods).month.to_numpy() - 1
    return np.asarray(months if freq == "month" else months // 3, dtype=np.int64)


def step_periods(period: pd.Timestamp | int, n: int, freq: str) -> pd.Timestamp | int:
    """The period so many after this one, or before it if ``n`` is negative."""
    if not isinstance(period, pd.Timestamp):
        return int(period) + n
    return period + pd.DateOffset(months=12 // PERIODS_A_YEAR[freq] * n)


def read_periods(column: pd.Series) -> tuple[pd.Index, Ints, str]:
    """Read a column of periods: every period from the first to the last, the position of each row, and their length.

    Raises
    ------
    ColumnTypeError
        They are neither first days of months nor whole numbers.
    """
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    if pd.api.types.is_integer_dtype(column):
        numbers = column.to_numpy(dtype=np.int64)
        first = int(numbers.min())
        return pd.RangeIndex(first, int(numbers.max()) + 1, name="period"), numbers - first, "period"
    if not pd.api.types.is_datetime64_any_dtype(column):
        raise ColumnTypeError(
            "The periods are neither dates nor whole numbers.",
            where=f"column period, {column.dtype}, such as {column.iloc[0]!r}",
            hint="Give the first day of each period, or number the periods.",
        )
    codes, unique = pd.factorize(column, sort=True)
    starts = pd.DatetimeIndex(unique)
    if (starts.day != 1).any():
        raise ColumnTypeError(
            "A period does not begin with a month.",
            where=f"period {name_period(starts[starts.day != 1][0])}",
            hint="Give the first day of each month, quarter or year, or number the periods.",
        )
    months = (12 * starts.year + starts.month - 1).to_numpy(dtype=np.int64)
    steps = np.diff(months)
    step = int(np.gcd.reduce(steps)) if len(steps) else 1
    length = {1: "month", 3: "quarter", 12: "year"}
    if step not in length:
        step = 3 if step % 3 == 0 and step % 12 else (12 if step % 12 == 0 else 1)
    index = (months - months[0]) // step
    every = pd.date_range(starts[0], periods=int(index[-1]) + 1, freq=pd.DateOffset(months=step), name="period")
    return every, index[codes], length[step]


def name_period(period: object) -> str:
    """Name a period in an error."""
    return f"{period:%Y-%m-%d}" if isinstance(period, pd.Timestamp) else str(period)


def period_in_words(say: Wording, period: pd.Timestamp | int, freq: str) -> str:
    """Name a period in a sentence: a month, quarter or year, or the number of a period."""
    if isinstance(period, pd.Timestamp):
        return say.period(period, freq)
    return say.sentence("period {n}", n=period)
