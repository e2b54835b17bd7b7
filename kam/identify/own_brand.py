"""Product groups that an account no longer buys, while what it spends on the others holds or grows: the sign of an own brand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from scipy.special import gammaln

from kam.identify.order_blocks import OrderBlocks

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

CERTAIN = 0.05
"""A group of an account counts as dropped when chance would end it as early with at most this probability."""
MONTHS_GONE = 6
"""And when it has not been bought for at least so many months."""


@dataclass(frozen=True, eq=False)
class DroppedGroups:
    """What each account no longer buys.

    Attributes
    ----------
    judged : numpy.ndarray of bool
        Enough orders to tell.
    p_value : numpy.ndarray
        That no group ended but by chance: the smallest of the sorted p-values, each times the number of groups over its place
        (Simes 1986), so that several groups that end speak louder than one.
    share : numpy.ndarray
        Share of the groups that ended in the revenue of the twelve months before the last of them did; 0 without any.
    growth : numpy.ndarray
        Change of what a month brings in all other groups, from the months before to those since; missing without any.
    p_fall : numpy.ndarray
        One-sided p-value of a fall of the other groups (Welch's t on their months); 1 without any.
    start : numpy.ndarray of int
        Month (an index) from which on none of them was bought; -1 without any.
    groups : list of list of str
        Their names.
    """

    judged: Flags
    p_value: Floats
    share: Floats
    growth: Floats
    p_fall: Floats
    start: Ints
    groups: list[list[str]]


def find_dropped_groups(blocks: OrderBlocks, mix: pd.DataFrame, *, min_orders: int) -> DroppedGroups:
    """Find the product groups that each account has stopped to buy.

    If an account with ``N + M`` orders buys a group in ``n`` of them, and any of its orders may be one of these, then the
    probability that none of the last ``M`` is one is ``C(N, n) / C(N + M, n)`` (hypergeometric; exact given ``n``). ``N`` are
    the orders up to the month in which the group was last bought.

    Assumes (1) that an order may hold the group at any time alike: a product of the season breaks this; (2) that the names of
    the groups stayed the same.

    Parameters
    ----------
    blocks : OrderBlocks
    mix : pandas.DataFrame
        From :func:`kam.ledger.summarize_mix` by product group and month.
    min_orders : int
        Orders that an account must have before and after.

    Returns
    -------
    DroppedGroups
    """
    n, n_months = len(blocks), len(blocks.months)
    orders = blocks.by_month("n_orders").cumsum(axis=1)
    bought = mix[mix["group"].notna() & mix["n_orders"].gt(0)]
    account = blocks.customers.get_indexer(pd.Index(bought["customer_id"]))
    month = blocks.months.get_indexer(pd.DatetimeIndex(bought["period"]))
    code, names = pd.factorize(bought["group"].astype(str), sort=True)
    pairs = pd.DataFrame(
        {
            "account": account,
            "group": code,
            "month": month,
            "n": bought["n_orders"].to_numpy(),
            "revenue": bought["revenue"].to_numpy(),
        }
    )
    ended = pairs.groupby(["account", "group"], as_index=False).agg(n=("n", "sum"), last=("month", "max"))
    who, last = ended["account"].to_numpy(), ended["last"].to_numpy()
    before, total = orders[who, last], orders[who, -1]
    drawn = np.minimum(ended["n"].to_numpy(), before)
    log_p = _log_choose(before, drawn) - _log_choose(total, drawn)
    n_groups = np.bincount(who, minlength=n)
    ended["p"] = np.minimum(np.exp(log_p) * n_groups[who], 1.0)
    enough = (before >= min_orders) & (total - before >= min_orders)
    possible = enough & (last < n_months - MONTHS_GONE)
    p_value = np.ones(n)
    told = ended.assign(one=np.exp(log_p))[possible].sort_values(["account", "one"])
    place = told.groupby("account").cumcount().to_numpy() + 1
    np.minimum.at(p_value, told["account"].to_numpy(), told["one"].to_numpy() * n_groups[told["account"]] / place)
    judged = orders[:, -1] >= 2 * min_orders

    gone = ended[possible & (ended["p"].to_numpy() <= CERTAIN)]
    start = np.full(n, -1, dtype=np.int64)
    np.maximum.at(start, gone["account"].to_numpy(), gone["last"].to_numpy() + 1)
    pairs = pairs.merge(gone[["account", "group"]].assign(is_gone=True), on=["account", "group"], how="left")
    is_gone = pairs["is_gone"].notna().to_numpy()
    at, when, money = pairs["account"].to_numpy(), pairs["month"].to_numpy(), pairs["revenue"].to_numpy()
    year_before = (when < start[at]) & (when >= start[at] - 12)
    dropped = np.bincount(at, money * (year_before & is_gone), minlength=n)
    whole = np.bincount(at, money * year_before, minlength=n)
    share = np.where(whole > 0, dropped / np.where(whole > 0, whole, 1), 0.0)
    rest = np.bincount(at * n_months + when, money * ~is_gone, n * n_months).astype(np.float64)
    growth, p_fall = _compare_rest(rest, orders, start)
    groups: list[list[str]] = [[] for _ in range(n)]
    for one, group in zip(gone["account"].to_numpy(), gone["group"].to_numpy(), strict=True):
        groups[one].append(str(names[group]))
    return DroppedGroups(judged, p_value, share, growth, p_fall, start, groups)


def _compare_rest(rest: Floats, orders: Floats, start: Ints) -> tuple[Floats, Floats]:
    """Change of the monthly mean after the start, and the p-value of a fall, of the accounts that have a start."""
    growth, p_fall = np.full(len(start), np.nan), np.ones(len(start))
    some = np.flatnonzero(start >= 0)
    months = np.arange(orders.shape[1])
    rest = rest.reshape(orders.shape)[some]
    first = (orders[some] > 0).argmax(axis=1)[:, None]  # the month of the first order is not a whole one
    after = months >= start[some, None]
    before = (months > first) & ~after
    (m0, v0, n0), (m1, v1, n1) = (_moments(rest, part) for part in (before, after))
    with np.errstate(divide="ignore", invalid="ignore"):
        growth[some] = np.where(m0 > 0, m1 / m0 - 1, np.nan)
        error = v0 / n0 + v1 / n1
        df = error**2 / ((v0 / n0) ** 2 / (n0 - 1) + (v1 / n1) ** 2 / (n1 - 1))
        p = stats.t.cdf((m1 - m0) / np.sqrt(error), df)
    p_fall[some] = np.where(np.isfinite(p), p, 1.0)
    return growth, p_fall


def _moments(values: Floats, chosen: Flags) -> tuple[Floats, Floats, Floats]:
    """Mean, variance and number of the chosen values of each row."""
    n = np.maximum(chosen.sum(axis=1), 2).astype(np.float64)
    mean = (values * chosen).sum(axis=1) / n
    return mean, (((values - mean[:, None]) ** 2) * chosen).sum(axis=1) / (n - 1), n


def _log_choose(n: Floats, k: Floats) -> Floats:
    chosen: Floats = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return chosen
