"""The calendar of a simulation: days counted from its first day, and the months they fall into."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.str_]
Dates = npt.NDArray[np.datetime64]

NEVER = 10**6
"""A month or a day that does not come."""


@dataclass(frozen=True, eq=False)
class Months:
    """Whole months in a row, the last one ended.

    ``first_day`` has one more entry than there are months: the day number on which month ``m`` begins, and last of
    all the day after the end.
    """

    start: np.datetime64
    first_day: Ints

    @classmethod
    def until(cls, last_day: date, n_months: int) -> Months:
        """The ``n_months`` months that end on `last_day`, which is the last day of a month.

        >>> months = Months.until(date(2025, 12, 31), 48)
        >>> months.start, len(months), months.n_days
        (np.datetime64('2022-01-01'), 48, 1461)
        >>> months.of(np.array([0, 30, 31, 1460])).tolist()
        [0, 0, 1, 47]
        """
        end = np.datetime64(last_day, "M") + 1
        firsts = np.arange(end - n_months, end + 1).astype("datetime64[D]")
        return cls(firsts[0], (firsts - firsts[0]).astype(np.int64))

    def __len__(self) -> int:
        return len(self.first_day) - 1

    @property
    def n_days(self) -> int:
        """Number of days from the first to the last."""
        return int(self.first_day[-1])

    @property
    def starts(self) -> Dates:
        """The first day of every month, as dates."""
        return self.dates(self.first_day[:-1])

    def of(self, days: Ints) -> Ints:
        """The month that each day falls into; before the first month -1, after the last one ``len(self)``."""
        return np.searchsorted(self.first_day, days, side="right").astype(np.int64) - 1

    def dates(self, days: Ints) -> Dates:
        """The days as dates (``datetime64[D]``)."""
        return self.start + days.astype("timedelta64[D]")

    def quarter_ends(self) -> Ints:
        """For every month, the last day of the calendar quarter that it lies in (or the last day there is)."""
        month_of_year = self.starts.astype("datetime64[M]").astype(np.int64) % 12
        last = np.arange(len(self)) + 2 - month_of_year % 3
        return self.first_day[np.minimum(last + 1, len(self))] - 1

    def workdays(self, days: Ints) -> Ints:
        """Saturdays and Sundays moved back to the Friday before; the very first days move forward instead."""
        weekday = (self.dates(days).astype(np.int64) + 3) % 7  # 0 is Monday
        moved = days - np.clip(weekday - 4, 0, 2)
        first_monday = int((7 - (self.start.astype(np.int64) + 3) % 7) % 7)
        return np.where(moved < 0, first_monday, moved)
