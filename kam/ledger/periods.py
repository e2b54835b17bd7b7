"""Months, quarters and years of a ledger: where they start, and which of them are complete."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Literal, TypeVar

import ibis.expr.types as ir

from kam.errors import ParameterError

Frequency = Literal["month", "quarter", "year"]
MONTHS_IN: dict[str, int] = {"month": 1, "quarter": 3, "year": 12}

# A weekday is judged only when the ledger has seen its busiest one at least this often.
_MIN_WEEKS = 8
_RARE = 20

Index = TypeVar("Index", int, ir.IntegerValue)


def first_month_index(index: Index, freq: Frequency, fiscal_year_start: int = 1) -> Index:
    """The first month of a period, months counted from year 0 (12 × year + month − 1).

    The same arithmetic for a number and for a column of them.

    Parameters
    ----------
    index : int or ibis integer
        A month.
    freq : {"month", "quarter", "year"}
        Length of the periods.
    fiscal_year_start : int
        The month, 1 to 12, with which years begin; quarters follow the year.
    """
    return index - (index - (fiscal_year_start - 1)) % MONTHS_IN[freq]


def period_start(day: date, freq: Frequency = "month", *, fiscal_year_start: int = 1) -> date:
    """First day of the month, quarter or year in which a day lies.

    Parameters
    ----------
    day : datetime.date
        Any day.
    freq : {"month", "quarter", "year"}
        Length of the periods.
    fiscal_year_start : int
        The month with which years begin.

    Raises
    ------
    ParameterError
        The frequency is not known, or ``fiscal_year_start`` is no month.

    Examples
    --------
    >>> period_start(date(2011, 12, 9), "quarter")
    datetime.date(2011, 10, 1)
    >>> period_start(date(2011, 2, 9), "year", fiscal_year_start=4)
    datetime.date(2010, 4, 1)
    """
    check_frequency(freq, fiscal_year_start)
    index = first_month_index(12 * day.year + day.month - 1, freq, fiscal_year_start)
    return date(index // 12, index % 12 + 1, 1)


def add_months(start: date, months: int) -> date:
    """The first day of the month that lies some months after (or, negative, before) the month of a day.

    >>> add_months(date(2011, 12, 9), 1)
    datetime.date(2012, 1, 1)
    """
    index = 12 * start.year + start.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def check_frequency(freq: str, fiscal_year_start: int) -> None:
    """Raise :class:`~kam.errors.ParameterError` unless the frequency is known and the fiscal year starts with a month."""
    if freq not in MONTHS_IN:
        raise ParameterError(f"There is no frequency {freq!r}.", hint=f"Use one of {', '.join(MONTHS_IN)}.")
    if not (isinstance(fiscal_year_start, int) and 1 <= fiscal_year_start <= 12):
        raise ParameterError(
            f"fiscal_year_start is {fiscal_year_start!r}.", hint="Give the number of a month, 1 to 12."
        )


def rare_weekdays(order_days: Iterable[date]) -> set[int]:
    """Weekdays on which a ledger (almost) never orders; Monday is 0.

    Parameters
    ----------
    order_days : iterable of datetime.date
        The days on which anybody ordered; a day that is named twice counts once.

    Returns
    -------
    set of int
        Weekdays with fewer than a twentieth of the active days of the busiest weekday. Empty while even the busiest has
        been seen on fewer than eight days: too few weeks to call a weekday a day of rest.
    """
    active = Counter(day.weekday() for day in set(order_days))
    busiest = max(active.values(), default=0)
    if busiest < _MIN_WEEKS:
        return set()
    return {weekday for weekday in range(7) if active[weekday] * _RARE < busiest}


def last_complete_month(as_of: date, *, order_days: Iterable[date] = ()) -> date:
    """First day of the last month that is complete on the as-of date.

    Assumes that nothing is missing before ``as_of``.

    Parameters
    ----------
    as_of : datetime.date
        The last day that the data cover.
    order_days : iterable of datetime.date
        Days with orders. Give them when ``as_of`` is only the day of the last order: then a month also is complete when
        all of its days that remain are days of rest (:func:`rare_weekdays`), so that a ledger whose last order is on
        Friday the 29th is not called incomplete.

    Returns
    -------
    datetime.date
        The month of ``as_of`` if it is complete, else the one before.

    Examples
    --------
    >>> last_complete_month(date(2011, 11, 30)), last_complete_month(date(2011, 12, 9))
    (datetime.date(2011, 11, 1), datetime.date(2011, 11, 1))
    """
    end = add_months(as_of, 1) - timedelta(days=1)
    remaining = {(as_of + timedelta(days=n)).weekday() for n in range(1, (end - as_of).days + 1)}
    if remaining <= rare_weekdays(order_days):
        return as_of.replace(day=1)
    return add_months(as_of, -1)
