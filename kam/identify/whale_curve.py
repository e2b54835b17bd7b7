"""The whale curve: contribution added up over accounts, the most profitable first (Kaplan & Narayanan 2001).

It climbs as long as accounts earn money, and comes down where they lose it. Everything is in money: no figure here is divided by
a total that may be zero or below.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kam.columns import require_distinct
from kam.errors import DataError, EmptyDataError


@dataclass(frozen=True, eq=False, kw_only=True)
class WhaleCurve:
    """The whale curve of a portfolio; see :func:`whale_curve`.

    Attributes
    ----------
    curve : pandas.DataFrame
        One row per account, the most profitable first: ``rank, customer_id, profit, cum_profit`` (money),
        ``cum_share_customers``.
    peak : float
        The highest point in money, 0 if nobody earns anything. Accounts stand in the order of their contribution, so it is the
        sum of the contributions above zero, and peak / sum of positives is 1 by construction.
    total : float
        The end of the curve: the contribution of all accounts together.
    n_at_peak : int
        Accounts up to the peak: those above zero.
    n_losing : int
        Accounts below zero.
    """

    curve: pd.DataFrame
    peak: float
    total: float
    n_at_peak: int
    n_losing: int

    @property
    def lost(self) -> float:
        """What those below zero lose together, 0 or below: the way from the peak down to the end."""
        return self.total - self.peak

    @property
    def share_left(self) -> float | None:
        """End over peak: what is left of each unit of money that was earned, below 0 if more is lost than was earned.

        None where nobody earns anything.
        """
        return self.total / self.peak if self.peak > 0 else None


def whale_curve(profit: pd.Series) -> WhaleCurve:
    """Add up contributions over accounts, the most profitable first.

    Parameters
    ----------
    profit : pandas.Series, shape (n_customers,)
        Contribution of each account in money; the index is the customer id. Equal ones stand in the order of their id.

    Returns
    -------
    WhaleCurve

    Raises
    ------
    EmptyDataError
        No account.
    DataError
        A value is missing or not finite, or an account stands twice.

    References
    ----------
    Kaplan, R. S. & Narayanan, V. G. (2001). Measuring and managing customer profitability. Journal of Cost Management 15(5).

    Examples
    --------
    >>> whale = whale_curve(pd.Series({"a": 60.0, "b": -45.0, "c": 40.0}))
    >>> whale.curve["cum_profit"].tolist(), whale.peak, whale.n_at_peak, whale.share_left
    ([60.0, 100.0, 55.0], 100.0, 2, 0.55)
    """
    if profit.empty:
        raise EmptyDataError("There is no account whose contribution could be added up.", hint="Look at the audit.")
    ids = profit.index.astype(str)
    x = profit.to_numpy(dtype=float)
    if not np.isfinite(x).all():
        where = ids[~np.isfinite(x)][:3].tolist()
        raise DataError(
            "A contribution is missing or not finite.", where=f"accounts {where}", hint="Mend or drop them."
        )
    require_distinct(ids, where="the contributions", hint="Sum per account first.")
    order = np.argsort(-x, kind="stable") if ids.is_monotonic_increasing else np.lexsort((ids.to_numpy(), -x))
    x, n = x[order], x.size
    up_to = np.cumsum(x)
    n_at_peak = int((x > 0).sum())
    curve = pd.DataFrame(
        {
            "rank": np.arange(1, n + 1),
            "customer_id": ids.take(order),
            "profit": x,
            "cum_profit": up_to,
            "cum_share_customers": np.arange(1, n + 1) / n,
        }
    )
    return WhaleCurve(
        curve=curve,
        peak=float(up_to[n_at_peak - 1]) if n_at_peak else 0.0,
        total=float(up_to[-1]),
        n_at_peak=n_at_peak,
        n_losing=int((x < 0).sum()),
    )
