"""Levels that shifted: per account, the recent quarters against those before, or against a level that is given.

An account's orders are gathered into blocks of three months that end with the last complete month. Nobody says when a change
began, so every possible beginning is tried and the p-value of the strongest is multiplied by their number (Bonferroni).

>>> n = np.full((1, 8), 5.0)
>>> rate = np.array([[0.1, 0.1, 0.1, 0.1, 0.3, 0.3, 0.3, 0.3]])
>>> found = mean_shift(n, n * rate, n * (rate**2 + 0.01))
>>> round(float(found.before[0]), 2), round(float(found.after[0]), 2), int(found.start[0]), bool(found.p_value[0] < 1e-4)
(0.1, 0.3, 4, True)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MIN_ORDERS = 8
"""Orders on each side of a change, below which a change is not judged."""

MIN_BLOCKS = 4
"""A level is recent when it has held for the last four quarters at least: a season must not look like a change."""


WINDOWS = (4, 6, 8, 12)
"""Over so many last quarters, and over all, an event is held against what is expected."""


@dataclass(frozen=True, eq=False)
class Shift:
    """What changed, one entry per account.

    Attributes
    ----------
    judged : numpy.ndarray of bool
        Enough orders to tell.
    p_value : numpy.ndarray
        One-sided, for a rise, after Bonferroni over the possible beginnings; 1 where not judged.
    before, after : numpy.ndarray
        Level before (or the level given) and since the beginning; missing where not judged.
    start : numpy.ndarray of int
        Block with which the new level begins.
    n_before, n_after : numpy.ndarray
        Orders before and since.
    """

    judged: Flags
    p_value: Floats
    before: Floats
    after: Floats
    start: Ints
    n_before: Floats
    n_after: Floats

    def since(self, values: Floats) -> Floats:
        """Sum of other figures over the blocks from the beginning on, shape (n_accounts,)."""
        chosen = np.arange(values.shape[1]) >= self.start[:, None]
        return np.asarray((values * chosen).sum(axis=1), dtype=np.float64)

    def money_shares(self, part: Floats, whole: Floats) -> tuple[Floats, Floats]:
        """Sum over sum since the beginning and before it, two of shape (n_accounts,).

        This is the share of the money; the levels that are tested are means of the shares of orders, small and large alike.
        """
        p1, w1 = self.since(part), self.since(whole)
        p0, w0 = part.sum(axis=1) - p1, whole.sum(axis=1) - w1
        with np.errstate(divide="ignore", invalid="ignore"):
            after, before = (np.where(self.judged & (w > 0), p / w, np.nan) for p, w in ((p1, w1), (p0, w0)))
        return after, before


def mean_shift(n: Floats, sums: Floats, squares: Floats, *, floor: float = 0.01, min_orders: int = MIN_ORDERS) -> Shift:
    """Find the split of each account's blocks after which the mean is most surely higher than before.

    Welch's t for unequal variances (Welch 1947), on orders: ``t = (m1 − m0) / √(v1 / n1 + v0 / n0)`` with the degrees of
    freedom of Welch and Satterthwaite, for every split that leaves at least ``min_orders`` orders on each side and at least
    :data:`MIN_BLOCKS` blocks after it.

    Assumes (1) that orders are independent given the two levels; (2) that means of ``min_orders`` orders are near enough to
    normal.

    Parameters
    ----------
    n, sums, squares : numpy.ndarray, shape (n_accounts, n_blocks)
        Orders, sum over them and sum of squares.
    floor : float
        No standard deviation counts as less than this: rates that hardly vary would make any change certain.
    min_orders : int
        Orders on each side.

    Returns
    -------
    Shift
    """
    n_blocks = n.shape[1]
    splits = np.arange(1, max(n_blocks - MIN_BLOCKS, 0) + 1)
    if not len(splits):
        return _nothing(len(n))
    below = [np.cumsum(x, axis=1)[:, splits - 1] for x in (n, sums, squares)]
    above = [x.sum(axis=1, keepdims=True) - low for x, low in zip((n, sums, squares), below, strict=True)]
    possible = (below[0] >= min_orders) & (above[0] >= min_orders)
    with np.errstate(divide="ignore", invalid="ignore"):
        m0, e0, d0 = _mean_and_error(below[0], below[1], below[2], floor)
        m1, e1, d1 = _mean_and_error(above[0], above[1], above[2], floor)
        t = (m1 - m0) / np.sqrt(e0 + e1)
        df = (e0 + e1) ** 2 / (e0**2 / d0 + e1**2 / d1)
        p = np.where(possible, stats.t.sf(t, df), 2.0)
    best = p.argmin(axis=1)
    judged: Flags = np.asarray(possible.any(axis=1), dtype=np.bool_)
    at = np.arange(len(n)), best
    p_value = np.where(judged, np.minimum(p[at] * possible.sum(axis=1), 1.0), 1.0)
    return Shift(
        judged,
        p_value,
        np.where(judged, m0[at], np.nan),
        np.where(judged, m1[at], np.nan),
        splits[best],
        below[0][at],
        above[0][at],
    )


def excess(
    k: Floats, n: Floats, expected: Floats, *, min_orders: int = MIN_ORDERS, distribution: str = "binomial"
) -> Shift:
    """Find the last quarters of each account in which an event is most surely more frequent than is expected.

    The exact binomial tail ``P(K ≥ k | n, p)`` with ``p`` the expected share of the orders of a window (or the Poisson tail
    with mean ``n p``, for events that are no orders themselves), for each of a few windows that end with the last block
    (:data:`WINDOWS`, and all blocks) and hold at least ``min_orders`` orders.

    Assumes (1) that orders are independent; (2) that the expected level holds for every account to which nothing happened.

    Parameters
    ----------
    k, n : numpy.ndarray, shape (n_accounts, n_blocks)
        Events and orders.
    expected : numpy.ndarray, shape (n_blocks,)
        Expected events per order.
    min_orders : int
        Orders in the window.
    distribution : {"binomial", "poisson"}
        Whether an order can have the event once or more often.

    Returns
    -------
    Shift
        ``before`` is the expected level of the window.
    """
    n_blocks = n.shape[1]
    starts = np.unique(np.maximum(n_blocks - np.array([*WINDOWS, n_blocks]), 0))
    events, orders, mean = (np.cumsum(x[:, ::-1], axis=1)[:, ::-1][:, starts] for x in (k, n, n * expected))
    possible = orders >= min_orders
    share = mean / np.where(orders > 0, orders, 1)
    tail = (
        stats.binom.sf(events - 1, orders, share) if distribution == "binomial" else stats.poisson.sf(events - 1, mean)
    )
    p = np.where(possible, tail, 2.0)
    best = p.argmin(axis=1)
    judged: Flags = np.asarray(possible.any(axis=1), dtype=np.bool_)
    at = np.arange(len(n)), best
    p_value = np.where(judged, np.minimum(p[at] * possible.sum(axis=1), 1.0), 1.0)
    level = events / np.where(orders > 0, orders, 1)
    return Shift(
        judged,
        p_value,
        np.where(judged, share[at], np.nan),
        np.where(judged, level[at], np.nan),
        np.maximum(starts[best], (n > 0).argmax(axis=1)),  # nothing began before the first order
        n.sum(axis=1) - orders[at],
        orders[at],
    )


def _mean_and_error(n: Floats, total: Floats, squares: Floats, floor: float) -> tuple[Floats, Floats, Floats]:
    """Mean, squared standard error and degrees of freedom."""
    mean = total / n
    variance = np.maximum((squares - n * mean**2) / (n - 1), floor**2)
    return mean, variance / n, n - 1


def _nothing(n: int) -> Shift:
    none = np.full(n, np.nan)
    return Shift(np.zeros(n, dtype=bool), np.ones(n), none, none, np.zeros(n, dtype=np.int64), none, none)
