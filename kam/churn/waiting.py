"""How long customers wait from one purchase to the next, as arrays: the waits of a panel, their curve, their resamples.

A period is active when a customer has an order in it. A wait runs from one active period to the customer's next one; the last
wait of each customer is still open in the last period. "Silent for k periods" is a wait longer than k.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from kam.churn.periods import PERIODS_A_YEAR
from kam.errors import ColumnTypeError, DataError, EmptyDataError, MissingColumnError, ParameterError
from kam.stats.resampling import bootstrap_weights

if TYPE_CHECKING:
    from kam.ledger import Ledger
    from kam.ledger.periods import Frequency

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MIN_GAPS = 3
"""An account has a rhythm of its own from this many gaps on."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Waits:
    """Waits, sorted by customer and start.

    Attributes
    ----------
    customer : numpy.ndarray
        Index of the customer.
    start : numpy.ndarray
        Active period in which the wait begins, counted from the first of the data.
    length : numpy.ndarray
        Periods until the next active one, or until the last of the data.
    ended : numpy.ndarray of bool
        Whether it ended with a purchase.
    """

    customer: Ints
    start: Ints
    length: Ints
    ended: Flags

    def take(self, which: Flags) -> Waits:
        """Some of the waits."""
        return Waits(
            customer=self.customer[which], start=self.start[which], length=self.length[which], ended=self.ended[which]
        )

    def beyond(self, k: Ints) -> Waits:
        """What is left of the waits that last longer than the ``k`` of their customer: lengths count from there."""
        rest = self.length - k[self.customer]
        return replace(self, length=rest).take(rest > 0)

    def followed_for(self, longest: int) -> Waits:
        """The waits as they were known after ``longest`` periods: longer ones are open."""
        return replace(self, length=np.minimum(self.length, longest), ended=self.ended & (self.length <= longest))


@dataclass(frozen=True, eq=False, kw_only=True)
class Activity:
    """A panel of purchases.

    Attributes
    ----------
    names : numpy.ndarray
        Customers with an order, in order; indices of customers point here.
    waits : Waits
    first : pandas.Timestamp
        First period with an order: period 0.
    n_periods : int
        Periods up to the last complete one.
    freq : str
        ``month``, ``quarter`` or ``year``.
    n_without_order : int
        Customers left out, since they have rows but no order.
    n_after : int or None
        Customers with an order after the last complete period; None: not known.
    money : tuple of numpy.ndarray, or None
        Customer, period and net revenue, sorted by customer and period.
    """

    names: npt.NDArray[np.object_]
    waits: Waits
    first: pd.Timestamp
    n_periods: int
    freq: str
    n_without_order: int
    n_after: int | None
    money: tuple[Ints, Ints, Floats] | None

    @property
    def middle(self) -> int:
        """First period of the second half."""
        return self.n_periods // 2

    @property
    def days(self) -> pd.DatetimeIndex:
        """First day of every period."""
        step = 12 // PERIODS_A_YEAR[self.freq]
        return pd.date_range(self.first, periods=self.n_periods, freq=pd.DateOffset(months=step))


def read_activity(ledger: Ledger | pd.DataFrame, freq: Frequency) -> Activity:
    """Read the waits of a ledger, or of a panel as from :func:`kam.ledger.activity_panel`.

    Raises
    ------
    ParameterError
        The frequency is not known.
    MissingColumnError, ColumnTypeError, DataError
        The panel lacks a column, its periods are not first days of periods of this length, a value is missing, or a customer
        stands twice in a period.
    EmptyDataError
        Nobody has an order in a complete period, or there is one period.
    """
    lengths = [name for name in PERIODS_A_YEAR if name != "period"]
    if freq not in lengths:
        raise ParameterError(f"There is no frequency {freq!r}.", hint=f"Use one of {', '.join(lengths)}.")
    if isinstance(ledger, pd.DataFrame):
        return _read_panel(ledger, freq, last=None, n_after=None)
    from kam.ledger import activity_panel
    from kam.ledger.periods import add_months, period_start
    from kam.ledger.states import PeriodRange

    panel = activity_panel(ledger, freq=freq)
    first = PeriodRange.of(ledger, freq).starts(np.zeros(1, dtype=np.int64))[0]
    panel = panel[panel["period"] >= first]  # not one that had begun before the ledger does
    assert ledger.last_complete_month is not None  # activity_panel raises without
    begun = period_start(add_months(ledger.last_complete_month, 1), freq, fiscal_year_start=ledger.fiscal_year_start)
    months = ledger.rollup.months
    after = months.filter((months.month >= begun) & (months.day_mask != 0)).customer_id.nunique().execute()
    last = pd.Timestamp(add_months(begun, -(12 // PERIODS_A_YEAR[freq])))
    return _read_panel(panel, freq, last=last, n_after=int(after))


# -- the curve -------------------------------------------------------------------------------------------------------


def kaplan_meier(ended: npt.ArrayLike, still_open: npt.ArrayLike) -> tuple[Floats, Ints]:
    """Kaplan–Meier curve of waits in whole periods, from counts by length.

    Parameters
    ----------
    ended, still_open : array_like of int
        Shape (..., T): waits that ended, and that were open when last seen, after 0, 1, …, T − 1 periods. Leading axes are
        resamples.

    Returns
    -------
    survival : numpy.ndarray
        S(t), the share of waits longer than t, shape (..., T); flat where nobody is at risk.
    at_risk : numpy.ndarray
        Waits known to last t periods or longer, shape (..., T).

    Notes
    -----
    Kaplan & Meier (1958), JASA 53, equation 2b.

    Examples
    --------
    >>> survival, at_risk = kaplan_meier([0, 2, 1, 0], [0, 0, 1, 1])
    >>> survival.round(4).tolist(), at_risk.tolist()
    ([1.0, 0.6, 0.4, 0.4], [5, 5, 3, 1])
    """
    events = np.asarray(ended)
    n = events + np.asarray(still_open)
    at_risk = n[..., ::-1].cumsum(axis=-1)[..., ::-1]
    hazard = np.divide(events, at_risk, out=np.zeros(n.shape), where=at_risk > 0)
    return np.cumprod(1 - hazard, axis=-1), at_risk


def return_shares(tables: Ints) -> tuple[Floats, Floats, Ints]:
    """Share of the waits longer than k that end within what the data follow, 1 − S(t_max) / S(k), for k = 0, …, T − 2.

    Parameters
    ----------
    tables : numpy.ndarray
        Shape (..., 2, T): waits by open or ended, and length.

    Returns
    -------
    survival, share : numpy.ndarray
        S(k) and the return share, shape (..., T − 1); a share is 0 where nothing is left of the curve.
    followed : numpy.ndarray
        Waits seen to last longer than k, same shape.

    Examples
    --------
    >>> survival, share, followed = return_shares(np.array([[0, 0, 1, 1], [0, 2, 1, 0]]))
    >>> share.round(4).tolist(), followed.tolist()
    ([0.6, 0.3333, 0.0], [5, 3, 1])
    """
    survival, at_risk = kaplan_meier(tables[..., 1, :], tables[..., 0, :])
    before = survival[..., :-1]
    kept = np.divide(survival[..., -1:], before, out=np.ones(before.shape), where=before > 0)
    return before, 1 - kept, at_risk[..., 1:]


def count_waits(waits: Waits, activity: Activity) -> Ints:
    """Number of waits by half of the data in which they began, open or ended, and length; shape (2, 2, T)."""
    return np.bincount(_cells(waits, activity), minlength=4 * activity.n_periods).reshape(2, 2, -1)


def resample_waits(waits: Waits, activity: Activity, *, n_resamples: int, seed: int) -> Ints:
    """The same counts of resampled customers, shape (n_resamples, 2, 2, T).

    Assumes (1) that customers are independent of one another; the waits of one customer need not be.
    """
    n, n_cells = len(activity.names), 4 * activity.n_periods
    once = np.ones(len(waits.length), dtype=np.int64)
    each = sparse.csr_array((once, (waits.customer, _cells(waits, activity))), shape=(n, n_cells))
    each.sum_duplicates()
    chunks = [weights @ each for weights in bootstrap_weights(n, n_resamples, seed)]
    return np.concatenate(chunks).reshape(n_resamples, 2, 2, -1)


def median_gaps(activity: Activity) -> tuple[Ints, Floats]:
    """Number of waits that ended, and their median length in periods, by customer; missing without one."""
    waits = activity.waits.take(activity.waits.ended)
    length = waits.length[np.lexsort((waits.length, waits.customer))]
    n = np.bincount(waits.customer, minlength=len(activity.names))
    begin, some = n.cumsum() - n, n > 0
    median = np.full(len(n), np.nan)
    median[some] = (length[(begin + (n - 1) // 2)[some]] + length[(begin + n // 2)[some]]) / 2
    return n, median


@dataclass(frozen=True, eq=False, kw_only=True)
class Losses:
    """What happened in each period, by the k of each customer; arrays of shape (T,).

    Attributes
    ----------
    n_at_risk : numpy.ndarray
        Customers who had bought and were not lost before the period.
    n_lost : numpy.ndarray
        Those of them whose k-th silent period it is.
    n_returned : numpy.ndarray
        Lost ones who bought in it.
    money_before : numpy.ndarray or None
        Net revenue of those lost in the year that ends with the period of their last order.
    """

    n_at_risk: Ints
    n_lost: Ints
    n_returned: Ints
    money_before: Floats | None


def count_losses(activity: Activity, k: Ints) -> Losses:
    """Count losses and returns by period, where customer i is lost after ``k[i]`` silent periods."""
    waits, n_periods = activity.waits, activity.n_periods
    own = k[waits.customer]
    lost = np.where(waits.ended, waits.length > own, waits.length >= own)
    when = (waits.start + own)[lost]
    begins = np.bincount(waits.start + 1, minlength=n_periods + 1)
    ends = np.bincount(waits.start + np.minimum(waits.length, own) + 1, minlength=n_periods + 1)
    money: Floats | None = None
    if activity.money is not None:
        money = np.zeros(n_periods)
        np.add.at(money, when, _money_before(activity, waits.take(lost)))
    return Losses(
        n_at_risk=(begins - ends).cumsum()[:n_periods],
        n_lost=np.bincount(when, minlength=n_periods),
        n_returned=np.bincount((waits.start + waits.length)[lost & waits.ended], minlength=n_periods),
        money_before=money,
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _cells(waits: Waits, activity: Activity) -> Ints:
    late = (waits.start >= activity.middle).astype(np.int64)
    return np.asarray((late * 2 + waits.ended) * activity.n_periods + waits.length)


def _money_before(activity: Activity, waits: Waits) -> Floats:
    """Net revenue of the customer in the year that ends with the period in which the wait begins, for each wait."""
    assert activity.money is not None
    customer, period, revenue = activity.money
    year, sums = PERIODS_A_YEAR[activity.freq], np.append(0.0, revenue.cumsum())
    room = activity.n_periods + 2 * year  # a year before the first period is still this customer's
    key = customer * room + np.maximum(period, -year) + year
    end = waits.customer * room + waits.start + year
    until, before = (sums[np.searchsorted(key, at, side="right")] for at in (end, end - year))
    return np.asarray(until - before)


def _read_panel(panel: pd.DataFrame, freq: str, *, last: pd.Timestamp | None, n_after: int | None) -> Activity:
    names = ["customer_id", "period", "n_orders", *(["revenue"] if "revenue" in panel.columns else [])]
    missing = [name for name in names if name not in panel.columns]
    if missing:
        raise MissingColumnError(
            f"The panel lacks {', '.join(missing)}.",
            where=f"columns {list(panel.columns)}",
            hint="Use kam.ledger.activity_panel, or give the ledger.",
        )
    if panel.empty:
        raise EmptyDataError("The panel has no rows.", hint="Look at the audit of the ledger.")
    for name in names:
        _refuse(panel, panel[name].isna().to_numpy(), f"{name} is missing")
    numbers = {name: _numbers(panel, name) for name in names[2:]}
    _refuse(panel, numbers["n_orders"] < 0, "n_orders is below 0")
    month = _months(panel["period"])
    step = 12 // PERIODS_A_YEAR[freq]
    _refuse(panel, (month - month.min()) % step != 0, f"The periods are not a whole number of {freq}s apart")
    customer, found = pd.factorize(panel["customer_id"], sort=True)
    order = np.lexsort((month, customer))
    customer, month = customer[order].astype(np.int64), month[order]
    twice = np.append(False, (customer[1:] == customer[:-1]) & (month[1:] == month[:-1]))
    _refuse(panel.iloc[order], twice, "A customer stands twice in a period")

    active = numbers["n_orders"][order] > 0
    if not active.any():
        raise EmptyDataError("Nobody has an order in a complete period.", hint="Look at the audit of the ledger.")
    start = int(month[active].min())
    end = int(month.max()) if last is None else 12 * last.year + last.month - 1
    period, n_periods = (month - start) // step, (end - start) // step + 1
    first = pd.Timestamp(year=start // 12, month=start % 12 + 1, day=1)
    if n_periods < 2:
        raise EmptyDataError(
            f"The data have one {freq} with orders, {first:%Y-%m-%d}: nobody can be seen to come back.",
            hint="Use a shorter period, or more data.",
        )
    buyers, buyer = np.unique(customer[active], return_inverse=True)
    known = np.isin(customer, buyers)
    place = np.searchsorted(buyers, customer[known])
    return Activity(
        names=np.asarray(found, dtype=object)[buyers].astype(str).astype(object),
        waits=_waits(buyer, period[active], n_periods - 1),
        first=first,
        n_periods=n_periods,
        freq=freq,
        n_without_order=len(found) - len(buyers),
        n_after=n_after,
        money=(place, period[known], numbers["revenue"][order][known]) if "revenue" in numbers else None,
    )


def _refuse(panel: pd.DataFrame, bad: Flags, what: str) -> None:
    if bad.any():
        row = panel[bad].iloc[0]
        raise DataError(
            f"{what}.",
            where=f"customer {row['customer_id']!r}, period {str(row['period'])[:10]}, {int(bad.sum()):,} such rows",
            hint="Give one row per customer and period, with the first day of the period.",
        )


def _numbers(panel: pd.DataFrame, name: str) -> Floats:
    try:
        values = panel[name].to_numpy(dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ColumnTypeError(f"{name} is no number.", where=f"the panel, {panel[name].dtype}") from error
    _refuse(panel, ~np.isfinite(values), f"{name} is not finite")
    return values


def _months(column: pd.Series) -> Ints:
    """Months counted from year 0."""
    if isinstance(column.dtype, pd.PeriodDtype):
        column = column.dt.to_timestamp()
    if not pd.api.types.is_datetime64_any_dtype(column):
        raise ColumnTypeError(
            "The periods are no dates.",
            where=f"column period, {column.dtype}, such as {column.iloc[0]!r}",
            hint="Give the first day of each period.",
        )
    starts = pd.DatetimeIndex(column)
    if (starts.day != 1).any():
        raise ColumnTypeError(
            "A period does not begin with a month.",
            where=f"period {starts[starts.day != 1][0]:%Y-%m-%d}",
            hint="Give the first day of each period.",
        )
    return (12 * starts.year + starts.month - 1).to_numpy(dtype=np.int64)


def _waits(customer: Ints, period: Ints, last: int) -> Waits:
    ended = np.append(customer[1:] == customer[:-1], False)
    until = np.where(ended, np.append(period[1:], last), last)
    return Waits(customer=customer, start=period, length=until - period, ended=ended)
