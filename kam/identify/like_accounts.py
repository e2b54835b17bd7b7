"""Accounts that buy alike: for every account and product group it does not buy, what those most alike do with that group.

Two accounts are as alike as the cosine of the square roots of their shares of spending over product groups (the Bhattacharyya
coefficient of the two baskets), **without the group in question**: else whoever buys it would look unlike for that alone. An
account that does not buy group g has no share there, so leaving g out changes only the norm of the other, to √(1 − p_g): one
product of matrices serves all groups, and only buyers of g can move up the list of neighbors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_array

from kam.stats.proportions import wilson_interval

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MOST_POOL = 5_000
"""Like accounts are looked for among this many of the largest."""
MIN_BUYERS = 0.05
"""Only groups that at least this share of the accounts buy are judged."""
MOST_GROUPS = 200
"""At most this many groups are judged, those with the largest revenue."""
_DIGITS, _STEP, _ALIKE = 9, 1e-13, 1e-10  # equal likeness to 9 digits: the larger account comes first; 0 is not alike


@dataclass(frozen=True)
class Purchases:
    """What the accounts bought in one year.

    Attributes
    ----------
    customers : pandas.Index
        The accounts that bought something, the largest first.
    totals : numpy.ndarray
        What each spent, over groups with positive net revenue.
    shares : scipy.sparse.csr_array
        Shape (customers, groups): shares of what each spent.
    groups : pandas.Index
        The groups; the same in all years of a mix.
    """

    customers: pd.Index
    totals: Floats
    shares: csr_array
    groups: pd.Index

    def bought(self, customers: pd.Index, groups: Ints) -> Flags:
        """Whether each of some accounts (strangers did not) bought each of some groups, by their places."""
        place = self.customers.get_indexer(customers)
        table = np.asarray(self.shares[np.maximum(place, 0)][:, groups].todense()) > 0
        return table & (place >= 0)[:, None]

    def choose_groups(self) -> Ints:
        """Places of the groups to judge: bought by enough accounts, and not too many of them; in the order of the groups."""
        n_buyers = self.count_buyers()
        often = np.flatnonzero((n_buyers >= MIN_BUYERS * len(self.customers)) & (n_buyers > 0))
        revenue = self.revenue()[often]
        return np.sort(often[np.argsort(-revenue, kind="stable")[:MOST_GROUPS]])

    def count_buyers(self) -> Ints:
        """How many accounts bought each group."""
        return np.bincount(self.shares.indices, minlength=len(self.groups)).astype(np.int64)

    def revenue(self) -> Floats:
        """What all accounts together spent on each group."""
        return np.asarray(self.shares.T @ self.totals, dtype=np.float64)


def purchases_of_year(rows: pd.DataFrame, groups: pd.Index) -> Purchases:
    """Take the shares of spending from the rows of one year: ``customer_id, group, revenue``, unique, none missing.

    A group whose returns outweigh the purchases of the year counts as not bought.
    """
    kept = rows[rows["revenue"] > 0]
    totals = kept.groupby("customer_id")["revenue"].sum()
    totals = totals.iloc[np.lexsort((totals.index, -totals.to_numpy()))]
    place = totals.index.get_indexer(pd.Index(kept["customer_id"]))
    spent = kept["revenue"].to_numpy(dtype=float)
    shares = csr_array(
        (spent / totals.to_numpy()[place], (place, groups.get_indexer(pd.Index(kept["group"])))),
        shape=(len(totals), len(groups)),
    )
    return Purchases(totals.index, totals.to_numpy(dtype=float), shares, groups)


@dataclass(frozen=True)
class LikeTable:
    """What like accounts do, by account (rows, the largest first) and group (columns).

    Attributes
    ----------
    groups : numpy.ndarray
        Places of the groups among those of the purchases.
    bought : numpy.ndarray
        Whether the account itself bought; the other tables have no meaning there.
    n_like, n_like_buy : numpy.ndarray
        Like accounts, fewer than asked where too few have anything in common; those of them that buy the group.
    share_spent : numpy.ndarray
        Median share of their spending that like accounts that buy the group spend on it; 0 where none buys.
    """

    groups: Ints
    bought: Flags
    n_like: Ints
    n_like_buy: Ints
    share_spent: Floats


def compare_like_accounts(purchases: Purchases, groups: Ints, *, n_accounts: int, n_like: int) -> LikeTable:
    """Compare the largest accounts with those most alike, group by group.

    Parameters
    ----------
    purchases : Purchases
        Of one year.
    groups : array of int
        Places of the groups to judge.
    n_accounts, n_like : int
        How many accounts, and with how many each is compared.

    Returns
    -------
    LikeTable
    """
    shares = purchases.shares[:MOST_POOL]
    n_pool = shares.shape[0]
    n = min(n_accounts, n_pool)
    roots = shares.sqrt()
    likeness = np.asarray((roots[:n] @ roots.T).todense())
    np.fill_diagonal(likeness, -1.0)
    columns = np.asarray(shares[:, groups].todense())
    bought = columns[:n] > 0
    # The first n_like over all groups: leaving a group out moves only its buyers up, so nobody else can come in.
    every = _keys(likeness, np.arange(n_pool))
    first = np.argpartition(-every, min(n_like, n_pool) - 1, axis=1)[:, :n_like]
    first_keys = np.take_along_axis(every, first, axis=1)
    counts = np.zeros((2, n, len(groups)), dtype=np.int64)
    share_spent = np.zeros((n, len(groups)))
    for at in range(len(groups)):
        share = columns[:, at]
        buyers, rows = np.flatnonzero(share > 0), np.flatnonzero(~bought[:, at])
        if not rows.size:
            continue
        rest = np.maximum(1 - share[buyers], 0.0)
        scale = np.where(rest > 1e-12, 1 / np.sqrt(np.maximum(rest, 1e-12)), 1.0)
        keys = np.concatenate(
            [
                np.where(share[first[rows]] > 0, -1.0, first_keys[rows]),
                _keys(likeness[np.ix_(rows, buyers)] * scale, buyers),
            ],
            axis=1,
        )
        width = min(n_like, keys.shape[1])
        chosen = np.argpartition(-keys, width - 1, axis=1)[:, :width]
        alike = np.take_along_axis(keys, chosen, axis=1) > _ALIKE
        buys = alike & (chosen >= first.shape[1])
        of_place = np.append(np.full(first.shape[1], np.inf), share[buyers])
        spent = np.sort(np.where(buys, of_place[chosen], np.inf), axis=1)
        counts[0, rows, at], counts[1, rows, at] = alike.sum(axis=1), buys.sum(axis=1)
        share_spent[rows, at] = _median_of_first(spent, buys.sum(axis=1))
    return LikeTable(groups, bought, counts[0], counts[1], share_spent)


def choose_pairs(purchases: Purchases, table: LikeTable, min_share: float) -> Flags:
    """Choose which pairs are listed: enough of the like accounts buy, and surely (Wilson) more than of all accounts."""
    n = np.maximum(table.n_like, 1)
    low, _ = wilson_interval(table.n_like_buy, n)
    share_all = purchases.count_buyers()[table.groups] / len(purchases.customers)
    return ~table.bought & (table.n_like > 0) & (table.n_like_buy / n >= min_share) & (low > share_all)


# -- inside ----------------------------------------------------------------------------------------------------------


def _keys(likeness: Floats, place: Ints) -> Floats:
    """Numbers by which likeness is ordered, all different within a row."""
    return np.round(likeness, _DIGITS) - _STEP * place


def _median_of_first(ascending: Floats, n: Ints) -> Floats:
    """The median of the first n numbers of each row; 0 where n is 0."""
    low, high = np.maximum((n - 1) // 2, 0), np.maximum(n // 2, 0)
    rows = np.arange(len(n))
    found = np.zeros(len(n))
    some = n > 0
    found[some] = (ascending[rows[some], low[some]] + ascending[rows[some], high[some]]) / 2
    return found
