"""Quadrants of contribution and cost to serve (Shapiro, Rangan, Moriarty & Ross 1987): who earns much, and at what effort.

A reading of its own: Kotler's relationship levels are about segments and stand in :mod:`kam.identify.relationship_levels`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from kam.wording import N_

HIGH_LOW = N_("high profit, low cost to serve")
HIGH_HIGH = N_("high profit, high cost to serve")
LOW_LOW = N_("low profit, low cost to serve")
LOW_HIGH = N_("low profit, high cost to serve")
NO_REVENUE = N_("no revenue above zero")
NOT_KNOWN = N_("cost to serve not known")

SAME_SHARE = 1e-4
"""Shares of revenue that differ by no more are the same: the rounding of invoices is no difference in cost to serve."""

QUADRANTS = (HIGH_LOW, HIGH_HIGH, LOW_LOW, LOW_HIGH)
"""The quadrants; accounts that have no place in the map are :data:`NO_REVENUE` or :data:`NOT_KNOWN`."""


def choose_cuts(
    accounts: pd.DataFrame, *, profit_cut: float | None, serve_cut: float | None
) -> tuple[float | None, float | None]:
    """Where the map is cut: as given, else by contribution at the median, at least 0, and by cost to serve at the portfolio's.

    Parameters
    ----------
    accounts : pandas.DataFrame
        ``revenue, profit, cost_to_serve`` (money), ``share_cost_to_serve`` (of revenue; missing: no place in the map).
    profit_cut, serve_cut : float or None
        Contribution in money; cost to serve as a share of revenue.

    Returns
    -------
    profit_cut, serve_cut : float or None
        None where no account has a place in the map.
    """
    placed = accounts[accounts["share_cost_to_serve"].notna()]
    if placed.empty:
        return None, None
    if profit_cut is None:
        profit_cut = max(float(placed["profit"].median()), 0.0)
    if serve_cut is None:
        serve_cut = float(placed["cost_to_serve"].sum() / placed["revenue"].sum())
    return float(profit_cut), float(serve_cut)


def place_accounts(accounts: pd.DataFrame, profit_cut: float | None, serve_cut: float | None) -> pd.Series:
    """The quadrant of each account.

    High profit: at or above the cut, and above zero. Low cost to serve: at or below the cut.

    Parameters
    ----------
    accounts : pandas.DataFrame
        As for :func:`choose_cuts`.
    profit_cut, serve_cut : float or None
        From :func:`choose_cuts`.

    Returns
    -------
    pandas.Series of str
        One of :data:`QUADRANTS`, :data:`NO_REVENUE` or :data:`NOT_KNOWN`.

    Examples
    --------
    >>> accounts = pd.DataFrame({"revenue": [100.0, 100.0, -5.0], "profit": [30.0, 5.0, -5.0],
    ...     "share_cost_to_serve": [0.02, 0.2, np.nan]})
    >>> place_accounts(accounts, 10, 0.1).tolist()
    ['high profit, low cost to serve', 'low profit, high cost to serve', 'no revenue above zero']
    """
    share = accounts["share_cost_to_serve"]
    if profit_cut is None or serve_cut is None:
        high = cheap = pd.Series(False, index=accounts.index)
    else:
        high = (accounts["profit"] >= profit_cut) & (accounts["profit"] > 0)
        cheap = share <= serve_cut + SAME_SHARE
    names = pd.array([*QUADRANTS, NO_REVENUE, NOT_KNOWN], dtype="str")
    at = np.select([accounts["revenue"] <= 0, share.isna()], [4, 5], 2 * ~high + ~cheap)
    return pd.Series(names.take(at), index=accounts.index)


def count_quadrants(accounts: pd.DataFrame) -> pd.DataFrame:
    """Accounts and money by quadrant: a row for every quadrant, and one for those without a place where there are any.

    Parameters
    ----------
    accounts : pandas.DataFrame
        ``quadrant, revenue, profit, cost_to_serve``, one row per account.

    Returns
    -------
    pandas.DataFrame
        ``quadrant, n_customers, share_customers, revenue, profit, cost_to_serve, share_cost_to_serve`` (of the revenue; missing
        where the revenue is not above zero or the cost to serve is not known), ``n_losing``.
    """
    sums = (
        accounts.assign(losing=accounts["profit"] < 0)
        .groupby("quadrant")
        .agg(
            n_customers=("profit", "size"),
            revenue=("revenue", "sum"),
            profit=("profit", "sum"),
            cost_to_serve=("cost_to_serve", lambda cost: cost.sum(min_count=len(cost))),
            n_losing=("losing", "sum"),
        )
    )
    others = [name for name in (NO_REVENUE, NOT_KNOWN) if name in sums.index]
    table = sums.reindex([*QUADRANTS, *others]).rename_axis("quadrant")
    empty = table["n_customers"].isna()
    table.loc[empty] = 0.0
    table[["n_customers", "n_losing"]] = table[["n_customers", "n_losing"]].astype("int64")
    table.insert(1, "share_customers", table["n_customers"] / len(accounts))
    share = table["cost_to_serve"] / table["revenue"].where(table["revenue"] > 0)
    table.insert(5, "share_cost_to_serve", share.mask(table.index == NOT_KNOWN))
    return table.reset_index()
