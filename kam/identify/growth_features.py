"""What is known of each account at an origin: its size, trend, rhythm and tenure in the twelve months before it.

The same code makes the rows that the chance of becoming class A is learned from and the rows that are scored; a row of an origin
reads the months before the origin and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.columns import read_numbers, require_columns
from kam.errors import ColumnTypeError, DataError, EmptyDataError, UndefinedMeasureError
from kam.identify.value_classes import check_cuts, class_limits
from kam.wording import N_

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

YEAR = 12
"""Months whose revenue makes the class."""
FLOOR = 0.02
"""Added to a revenue relative to the limit of class A before its logarithm is taken, so that none at all has one."""

TERMS = {
    "size": N_("revenue of the last 12 months, relative to the limit of class A (log)"),
    "trend_6": N_("the last 6 months against the last 12, relative to the portfolio (log)"),
    "trend_3": N_("the last 3 months against the last 6, relative to the portfolio (log)"),
    "orders": N_("orders of the last 12 months (log)"),
    "active_months": N_("share of the last 12 months with an order"),
    "months_silent": N_("months since the last order"),
    "tenure": N_("months since the first order, 12 at most"),
    "largest_month": N_("share of the revenue of the last 12 months that fell in the largest one"),
    "breadth": N_("product groups bought in the last 12 months (log)"),
}
"""The features, in order; ``breadth`` only where the groups are given."""


@dataclass(frozen=True, eq=False)
class History:
    """Revenue and orders of every customer and month.

    Attributes
    ----------
    customer_id : numpy.ndarray of str, shape (n,)
        In ascending order.
    revenue, orders : numpy.ndarray, shape (n, n_months)
        Net revenue, number of orders.
    first : numpy.ndarray of int, shape (n,)
        Month of the first order; ``n_months`` without any.
    start : pandas.Timestamp
        The first month.
    bought : numpy.ndarray of int, shape (k, 3), optional
        Customer, month and product group of every purchase, as codes.
    cuts : tuple of float
        Limits of the classes, as cumulative shares before the customer.
    """

    customer_id: npt.NDArray[np.str_]
    revenue: Floats
    orders: Floats
    first: Ints
    start: pd.Timestamp
    bought: Ints | None
    cuts: tuple[float, float]

    @property
    def n_months(self) -> int:
        """Months that are known."""
        return self.revenue.shape[1]

    def month(self, origin: int) -> pd.Timestamp:
        """The month that begins at an origin."""
        return self.start + pd.DateOffset(months=origin)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """All accounts at one origin.

    Attributes
    ----------
    x : numpy.ndarray, shape (n, n_terms)
        The features, one column per term.
    value : numpy.ndarray, shape (n,)
        Revenue of the twelve months before the origin.
    is_a, is_b : numpy.ndarray of bool, shape (n,)
        In class A, in class B.
    limit : float
        The smallest value of class A.
    ordered : numpy.ndarray of bool, shape (n,)
        With an order in the twelve months before the origin.
    trend : numpy.ndarray, shape (n,)
        Last six months over the six before, each as a share of the portfolio, less 1; missing without revenue in the earlier.
    pace : numpy.ndarray, shape (n,)
        Revenue of the last three months as a share of the portfolio, relative to what class A takes.
    """

    x: Floats
    value: Floats
    is_a: Flags
    is_b: Flags
    limit: float
    ordered: Flags
    trend: Floats
    pace: Floats

    @property
    def candidate(self) -> Flags:
        """Not class A, and still buying."""
        return ~self.is_a & self.ordered


def read_history(panel: pd.DataFrame, mix: pd.DataFrame | None, cuts: tuple[float, float]) -> History:
    """Read a monthly panel, and what was bought of which product group.

    Raises
    ------
    MissingColumnError, ColumnTypeError, EmptyDataError, DataError
        A column is missing, holds no dates, there is no row, a value is missing, a month stands twice, or is no month.
    ParameterError
        The limits are not two ascending shares.
    """
    check_cuts(cuts)
    _check(panel, "panel", ("customer_id", "period", "revenue", "n_orders"))
    row, names = pd.factorize(panel["customer_id"].astype(str), sort=True)
    ids = np.asarray(names, dtype=str)
    start = panel["period"].min()
    month = _months(panel["period"], start)
    n_months = int(month.max()) + 1
    if n_months >= YEAR and len(set((month % 3).tolist())) == 1:
        raise DataError(
            "The panel is not by month.",
            where="panel, column period",
            hint="Use activity_panel(ledger, freq='month').",
        )
    cell = row * n_months + month
    if np.bincount(cell).max() > 1:
        twice = panel.loc[panel.duplicated(["customer_id", "period"]), "customer_id"].head(3).tolist()
        raise DataError("A customer's month stands twice.", where=f"panel, customers {twice}")
    # Months lie one after the other, since whole months are added up.
    revenue, orders = (np.zeros((len(ids), n_months), order="F") for _ in range(2))
    revenue[row, month] = panel["revenue"].to_numpy(dtype=float)
    orders[row, month] = panel["n_orders"].to_numpy(dtype=float)
    active = orders > 0
    first = np.where(active.any(axis=1), np.argmax(active, axis=1), n_months)
    return History(
        ids, revenue, orders, first, start, None if mix is None else _read_mix(mix, ids, start, n_months), cuts
    )


def snapshot(history: History, origin: int) -> Snapshot:
    """The accounts at an origin: month ``origin`` is the first that is not known, and is at least 12.

    Raises
    ------
    UndefinedMeasureError
        Nobody brought anything in the twelve months before.
    """
    revenue, orders = history.revenue[:, :origin], history.orders[:, :origin]
    value, n_orders = revenue[:, -YEAR:].sum(axis=1), orders[:, -YEAR:].sum(axis=1)
    limits_a, limits_b = class_limits(value[None], base="positive", cuts=history.cuts)
    limit = float(limits_a[0])
    if not np.isfinite(limit):
        raise UndefinedMeasureError(
            "No customer has a positive revenue in twelve months, so that nobody is in class A.",
            where=f"the year up to {history.month(origin):%Y-%m}",
        )
    total = np.maximum(value, 0).sum()

    def level(months: int) -> Floats:
        """Revenue of the last months as a share of the portfolio, relative to that of the smallest in class A (log)."""
        part = np.maximum(revenue[:, -months:].sum(axis=1), 0)
        return np.log(part / max(float(part.sum()), 1e-9) * total / limit + FLOOR)

    year, half, quarter = level(12), level(6), level(3)
    last_year = orders[:, -YEAR:] > 0
    silent = np.full(len(value), YEAR)
    for month in range(YEAR):  # the latest month with an order overwrites the earlier
        silent[last_year[:, month]] = YEAR - 1 - month
    columns = [
        year,
        half - year,
        quarter - half,
        np.log1p(n_orders),
        last_year.mean(axis=1),
        silent,
        np.clip(origin - history.first, 0, YEAR),
        np.clip(revenue[:, -YEAR:].max(axis=1) / np.where(value > 0, value, np.inf), 0, 1),
    ]
    if history.bought is not None:
        customer, month, group = history.bought.T
        known = (month < origin) & (month >= origin - YEAR)
        pairs = np.unique(customer[known] * (group.max(initial=0) + 1) + group[known])
        n_groups = np.bincount(pairs // (group.max(initial=0) + 1), minlength=len(value))
        columns.append(np.log1p(n_groups))
    is_a = value >= limit
    return Snapshot(
        x=np.column_stack(columns),
        value=value,
        is_a=is_a,
        is_b=~is_a & (value >= limits_b[0]),
        limit=limit,
        ordered=n_orders > 0,
        trend=_trend(revenue),
        pace=np.exp(quarter) - FLOOR,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _trend(revenue: Floats) -> Floats:
    now, before = (np.maximum(part.sum(axis=1), 0) for part in (revenue[:, -6:], revenue[:, -12:-6]))
    whole_now, whole_before = now.sum(), before.sum()
    known = (before > 0) & (whole_now > 0)
    ratio = np.full(len(now), np.nan)
    ratio[known] = now[known] / before[known] * (whole_before / whole_now) - 1
    return ratio


def _read_mix(mix: pd.DataFrame, ids: npt.NDArray[np.str_], start: pd.Timestamp, n_months: int) -> Ints:
    _check(mix, "mix", ("customer_id", "period", "revenue", "group"))
    bought = mix[(mix["revenue"] > 0) & mix["group"].notna()]
    group, _ = pd.factorize(bought["group"].astype(str))
    codes = np.column_stack(
        [
            pd.Index(ids).get_indexer(pd.Index(bought["customer_id"].astype(str))),
            _months(bought["period"], start),
            group,
        ]
    )
    return codes[(codes[:, 0] >= 0) & (codes[:, 1] >= 0) & (codes[:, 1] < n_months)].astype(np.int64)


def _months(period: pd.Series, start: pd.Timestamp) -> Ints:
    months = (period.dt.year - start.year) * 12 + period.dt.month - start.month
    return np.asarray(months.to_numpy(dtype=np.int64))


def _check(frame: pd.DataFrame, name: str, needed: Sequence[str]) -> None:
    require_columns(
        frame, needed, where=f"the {name}", hint="Give what activity_panel and summarize_mix return, by month."
    )
    if frame.empty:
        raise EmptyDataError(f"The {name} has no row.", hint="Look at the audit of the ledger.")
    if frame["period"].dtype.kind != "M":
        raise ColumnTypeError(
            "The column 'period' holds no dates.", where=name, hint="Convert it with pandas.to_datetime."
        )
    bad = (frame["customer_id"].isna() | frame["period"].isna()).to_numpy()
    for column in needed:
        if column in ("revenue", "n_orders"):
            bad = bad | ~np.isfinite(read_numbers(frame[column], column, where=f"the {name}"))
    if bad.any():
        rows = frame.loc[bad, "customer_id"].head(3).tolist()
        raise DataError(
            "A value is missing or not finite.", where=f"{name}, customers {rows}", hint="Mend or drop them."
        )
