"""Product groups that an account no longer buys, while what it spends on the others holds or grows: the sign of an own brand."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

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
PAIRS_AT_ONCE = 10_000
"""About so many groups of accounts are laid out over the months together, to bound memory."""


@dataclass(frozen=True, eq=False)
class DroppedGroups:
    """What each account no longer buys.

    Attributes
    ----------
    judged : numpy.ndarray of bool
        Enough orders to tell.
    p_value : numpy.ndarray
        Probability that an account drawn from those judged would, by chance alone, show a group that ended as improbably.
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

    A group can end in some months only, so this probability takes few values, and ``F(t) = P(p <= t)``, the largest of them
    that is not above ``t``, is below ``t``, for a group bought too seldom 0. Hence two steps for many groups and accounts:

    1. The account's p-value is the sum of ``F_g(smallest p)`` over all its groups ``g``, in place of the smallest ``p`` times
       their number: Tarone (1990) leaves out the groups with ``F = 0``, Westfall & Wolfinger (1997) count the others by their
       ``F``. It holds however the groups hang together.
    2. What this tells of the account among many is the mean of ``F_a(p)`` over the accounts ``a`` that were judged, where
       ``F_a(p)`` is the largest value not above ``p`` that the p-value of account ``a`` can take. The step-up procedure of
       Benjamini & Hochberg on these means is Heyse's (2011). Divided by ``1 - CERTAIN``, no p-value above ``CERTAIN``
       counting, it keeps the false discovery rate for independent accounts (Döhler, Durand & Roquain 2018, procedure HSU, in
       which every ``F_a`` is divided by one less its value at the largest p-value that counts).

    Assumes (1) that an order may hold the group at any time alike: a product of the season breaks this; (2) that the names of
    the groups stayed the same; (3) that accounts drop groups independently of each other.

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

    References
    ----------
    Tarone, R. E. (1990). A modified Bonferroni method for discrete data. Biometrics 46.

    Westfall, P. H. & Wolfinger, R. D. (1997). Multiple tests with discrete distributions. The American Statistician 51.

    Heyse, J. F. (2011). A false discovery rate procedure for categorical data. In Recent Advances in Biostatistics. World
    Scientific.

    Döhler, S., Durand, G. & Roquain, E. (2018). New FDR bounds for discrete and heterogeneous tests. Electronic Journal of
    Statistics 12.
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
    possible = (before >= min_orders) & (total - before >= min_orders) & (last < n_months - MONTHS_GONE)
    # At the last order by then, which may be of an earlier month when an order spans two.
    ordered = np.maximum.accumulate(np.where(np.diff(orders, axis=1, prepend=0) > 0, np.arange(n_months), 0), axis=1)
    ends = _possible_ends(orders, who, drawn, np.where(possible, ordered[who, last], -1), min_orders)
    happened = ends[ends["happened"]]
    ended["p"] = 1.0
    ended.loc[happened["pair"], "p"] = happened["summed"].to_numpy()
    judged = orders[:, -1] >= 2 * min_orders
    p_value = _mean_over_accounts(ends, n_judged=int(judged.sum()), n=n)

    gone = ended[ended["p"] <= CERTAIN]
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


def _possible_ends(orders: Floats, account: Ints, drawn: Floats, ended: Ints, min_orders: int) -> pd.DataFrame:
    """The months in which each group could have ended, as far as their ``summed`` is at most ``CERTAIN``.

    Parameters
    ----------
    orders : numpy.ndarray, shape (n_accounts, n_months)
        Orders up to the end of each month.
    account, drawn, ended : numpy.ndarray, shape (n_pairs,)
        The account of each group, in how many of its orders it is, and the month in which it ended; -1 if it did not.
    min_orders : int
        Orders before and after.

    Returns
    -------
    pandas.DataFrame
        By account and probability: ``pair`` (its place), ``account``; ``mass``, by how much the probability to have ended by
        this month exceeds that of the possible end before; ``summed``, the masses of all ends of the account that are as
        probable or less, i.e. the sum of ``F_g(p)`` over its groups; ``happened``, whether the group did end so.
    """
    starts = np.searchsorted(account, account[::PAIRS_AT_ONCE])  # no account is torn apart
    edges = np.unique(np.concatenate([[0], starts, [len(account)]]))
    log_factorials = gammaln(np.arange(int(orders.max(initial=0)) + 1) + 1.0)
    counts = orders.astype(np.int64)
    parts = []
    for first, end in pairwise(edges if len(account) else [0, 0]):
        part = _ends_of_some(counts, account[first:end], drawn[first:end], ended[first:end], min_orders, log_factorials)
        parts.append(part.assign(pair=part["pair"] + first))
    return pd.concat(parts, ignore_index=True)


def _ends_of_some(
    orders: Ints, account: Ints, drawn: Floats, ended: Ints, min_orders: int, log_factorials: Floats
) -> pd.DataFrame:
    """The possible ends of all groups of some accounts."""
    months = np.arange(orders.shape[1])
    so_far, n = orders[account], drawn[:, None].astype(np.int64)
    total = so_far[:, -1:]
    possible = (so_far >= np.maximum(n, min_orders)) & (total - so_far >= min_orders)
    possible &= months < len(months) - MONTHS_GONE
    # C(N, n) / C(N + M, n) = N! (N + M - n)! / ((N - n)! (N + M)!)
    log_p = log_factorials[so_far] - log_factorials[np.maximum(so_far - n, 0)]
    log_p += log_factorials[np.maximum(total - n, 0)] - log_factorials[total]
    p = np.where(possible, np.exp(np.round(log_p, 10)), 0.0)  # equal chances are equal numbers
    masses = np.diff(p, axis=1, prepend=0.0)
    pair, month = np.nonzero((masses > 0) & (p <= CERTAIN))
    chance, owner = p[pair, month], account[pair]
    order = np.lexsort((chance, owner))
    pair, month, chance, owner = pair[order], month[order], chance[order], owner[order]
    mass = masses[pair, month]
    is_last = np.append((np.diff(owner) != 0) | (np.diff(chance) != 0), True)[: len(owner)]  # of those as probable
    summed = pd.Series(mass).groupby(owner).cumsum().to_numpy()[is_last][np.cumsum(is_last) - is_last]
    ends = {"pair": pair, "account": owner, "mass": mass, "summed": summed, "happened": ended[pair] == month}
    return pd.DataFrame({name: column[summed <= CERTAIN] for name, column in ends.items()})


def _mean_over_accounts(ends: pd.DataFrame, *, n_judged: int, n: int) -> Floats:
    """Mean of ``F_a(p)`` over the accounts judged at the smallest ``p`` of each account, over ``1 - CERTAIN``; 1 without any."""
    own = np.ones(n)
    happened = ends[ends["happened"]]
    np.minimum.at(own, happened["account"].to_numpy(), happened["summed"].to_numpy())
    # F_a rises at each value that the sum of the account can take, to this value: by the masses that are summed.
    order = np.argsort(ends["summed"].to_numpy())
    heights = np.concatenate([[0.0], ends["mass"].to_numpy()[order].cumsum()])
    at_most = own * (1 + 1e-9)  # sums may differ by rounding
    place = np.searchsorted(ends["summed"].to_numpy()[order], at_most, side="right")
    p_value: Floats = np.where(own <= CERTAIN, heights[place] / max(n_judged, 1) / (1 - CERTAIN), 1.0)
    return np.minimum(p_value, 1.0)
