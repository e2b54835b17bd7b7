"""The back-test of white space: the list made from the year before, against what was bought in the last year."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import t as student

from kam.identify.like_accounts import Purchases, choose_pairs, compare_like_accounts
from kam.wording import N_

Flags = npt.NDArray[np.bool_]

MIN_ACCOUNTS = 10
"""With fewer accounts on the list of the year before, its back-test says nothing."""
LISTED, OTHERS, MOST_BOUGHT = N_("listed"), N_("all others"), N_("most bought")
"""The sets of pairs that are compared."""


def backtest_list(
    before: Purchases, now: Purchases, n_accounts: int, n_like: int, min_share: float
) -> tuple[pd.DataFrame, int]:
    """Make the list from the year before, and see what was bought of it in the last year.

    Parameters
    ----------
    before, now : Purchases
        Of the year before and the last year.
    n_accounts, n_like, min_share : int, int, float
        As for the list of the last year.

    Returns
    -------
    backtest : pandas.DataFrame
        As :class:`~kam.identify.white_space.WhiteSpaceResult` describes it; empty where nothing was listed.
    n_accounts : int
        Accounts on the list.

    Notes
    -----
    The difference of two shares of pairs is one of two ratios over accounts: its variance is that of the linearized sums over
    accounts (Cochran 1977, section 6).
    """
    columns = ["pair_set", "n_pairs", "n_bought", "share_bought", "listed_less", "ci_low", "ci_high"]
    none = pd.DataFrame({name: pd.Series(dtype="str" if name == "pair_set" else "float64") for name in columns})
    if len(before.customers) < 2:
        return none, 0
    judged = before.choose_groups()
    if not judged.size:
        return none, 0
    table = compare_like_accounts(before, judged, n_accounts=n_accounts, n_like=n_like)
    listed = choose_pairs(before, table, min_share)
    on_list: Flags = np.asarray(listed.any(axis=1))
    if not on_list.any() or not (~listed & ~table.bought)[on_list].any():
        return none, int(on_list.sum())
    listed, open_pairs = listed[on_list], ~table.bought[on_list]
    came = now.bought(before.customers[: len(on_list)][on_list], judged)
    # as many per account, those that most of all accounts buy
    order = np.argsort(np.where(open_pairs, -before.count_buyers()[judged], 1), axis=1, kind="stable")
    place = np.argsort(order, axis=1, kind="stable")
    sets = {
        LISTED: listed,
        OTHERS: open_pairs & ~listed,
        MOST_BOUGHT: place < listed.sum(axis=1, keepdims=True),
    }
    rows = []
    for name, pairs in sets.items():
        n, hits = int(pairs.sum()), int((came & pairs).sum())
        less = (np.nan, np.nan, np.nan) if name == LISTED else _difference(came, listed, pairs)
        rows.append((name, n, hits, hits / n, *less))
    return pd.DataFrame(rows, columns=columns), int(on_list.sum())


# -- inside ----------------------------------------------------------------------------------------------------------


def _difference(came: Flags, one: Flags, other: Flags) -> tuple[float, float, float]:
    """Share bought of one set of pairs less that of another, with a 95% interval over accounts (missing below MIN_ACCOUNTS)."""
    parts = []
    for pairs in (one, other):
        n, hits = pairs.sum(axis=1), (came & pairs).sum(axis=1)
        share = hits.sum() / n.sum()
        parts.append((share, (hits - share * n) / n.sum()))
    difference = float(parts[0][0] - parts[1][0])
    influence = parts[0][1] - parts[1][1]
    k = len(influence)
    if k < MIN_ACCOUNTS:
        return difference, np.nan, np.nan
    half = float(student.ppf(0.975, k - 1) * np.sqrt(k / (k - 1) * np.square(influence).sum()))
    return difference, max(difference - half, -1.0), min(difference + half, 1.0)
