"""The regression of an outcome on items from weighted moments: once, and on a thousand bootstrap samples of accounts."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from kam.errors import ModelError
from kam.stats.resampling import bootstrap_weights
from kam.survey.importance import johnson, lmg
from kam.survey.not_used import Drivers, fill

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MOST_UNITS = 4000
"""More accounts are pooled at random into as many groups of equal size (give or take one), which are resampled: the error is
the same, the work is not."""
N_REFITS, MOST_REFITTED = 60, 1000
"""Resamples in which missing answers are filled anew, and the accounts that they look at, drawn at random if there are more."""
_RIDGE = 1e-9  # of the variance of an indicator: a resample in which two agree stays solvable


@dataclass(frozen=True, eq=False, kw_only=True)
class Estimates:
    """What a regression says of the p items that are ranked; each array with a leading axis for resamples, of length 1 for the
    estimate.

    Attributes
    ----------
    r_squared, r_squared_unused, r_squared_beside : numpy.ndarray
        Shape (B,): share of the outcome's variance that items and indicators explain, the indicators alone, and what falls to
        the items beside those that are ranked.
    slopes : numpy.ndarray
        Shape (B, p): points of the outcome per point of the item, all other items and the indicators held.
    betas : numpy.ndarray
        Shape (B, p): the same in standard deviations; that of the item among who answered it.
    lmg, relative_weights : numpy.ndarray
        Shape (B, p): parts of R² beyond that of the indicators, by LMG and by Johnson.
    means : numpy.ndarray
        Shape (B, p): weighted mean of the answers given.
    """

    r_squared: Floats
    r_squared_unused: Floats
    r_squared_beside: Floats
    slopes: Floats
    betas: Floats
    lmg: Floats
    relative_weights: Floats
    means: Floats

    @property
    def shares(self) -> Floats:
        """Shape (B, p): each item's part of what the ranked items explain together, by LMG."""
        return self.lmg / self.lmg.sum(axis=-1, keepdims=True)

    @property
    def ranks(self) -> Ints:
        """Shape (B, p): 1 is the most important, by LMG."""
        return np.argsort(np.argsort(-self.lmg, axis=-1, kind="stable"), axis=-1, kind="stable").astype(np.int64) + 1


@dataclass(frozen=True, eq=False, kw_only=True)
class Moments:
    """Sums over the respondents of each account: of products of columns, and of the answers given.

    Attributes
    ----------
    products : numpy.ndarray
        Shape (accounts, q (q + 1) / 2): weighted products of the columns 1, items (filled), indicators, outcome.
    sums : numpy.ndarray
        Shape (accounts, 3 (p + m)): weights, weighted answers and weighted squares of those who answered each item.
    n_items, n_beside, n_unused : int
        p, m and k.
    """

    products: Floats
    sums: Floats
    n_items: int
    n_beside: int
    n_unused: int

    def estimate(self, counts: npt.ArrayLike) -> Estimates:
        """The regression where account i stands ``counts[..., i]`` times; shape (B, accounts)."""
        times = np.asarray(counts, dtype=np.float64)
        ranked, p = slice(0, self.n_items), self.n_items + self.n_beside
        q = 2 + p + self.n_unused
        upper = np.triu_indices(q)
        packed = times @ self.products
        full = np.empty((len(times), q, q))
        full[:, upper[0], upper[1]] = full[:, upper[1], upper[0]] = packed
        full /= full[:, :1, :1].copy()
        mean = full[:, 0, 1:]
        covariance = full[:, 1:, 1:] - mean[:, :, None] * mean[:, None, :]
        variance = covariance[:, -1, -1]
        own = np.r_[0:p, q - 2]
        given = covariance[:, own[:, None], own]
        if self.n_unused:
            apart = slice(p, p + self.n_unused)
            inside = covariance[:, apart, apart]
            index = np.arange(self.n_unused)
            inside[:, index, index] += _RIDGE
            across = covariance[:, apart][:, :, own]
            given = given - np.swapaxes(across, 1, 2) @ np.linalg.solve(inside, across)
        rest = given[:, -1, -1] / variance
        slopes = np.asarray(np.linalg.solve(given[:, :-1, :-1], given[:, :-1, -1:])[..., 0], dtype=np.float64)
        n, total, squares = np.moveaxis((times @ self.sums).reshape(len(times), 3, p), 1, 0)
        means = total / n
        spread = np.sqrt(np.maximum(squares / n - means**2, 0.0))
        parts = lmg(given) * rest[:, None]
        return Estimates(
            r_squared=1 - rest + parts.sum(axis=1),
            r_squared_unused=1 - rest,
            r_squared_beside=parts[:, self.n_items :].sum(axis=1),
            slopes=slopes[:, ranked],
            betas=(slopes * spread / np.sqrt(variance)[:, None])[:, ranked],
            lmg=parts[:, ranked],
            relative_weights=johnson(given)[:, ranked] * rest[:, None],
            means=means[:, ranked],
        )

    def bootstrap(self, n_resamples: int, seed: int) -> Estimates:
        """The regression on bootstrap samples of accounts.

        Raises
        ------
        ModelError
            A resample has no regression: an item does not vary there, or is a combination of others.
        """
        n = len(self.products)
        pooled = self._pooled(seed)
        try:
            parts = [pooled.estimate(counts) for counts in bootstrap_weights(len(pooled.products), n_resamples, seed)]
        except (ModelError, np.linalg.LinAlgError) as error:
            raise ModelError(
                "Resampled accounts have no regression: too few of them tell the items apart.",
                where=f"{n} accounts, {self.n_items} items",
                hint="Name fewer items.",
            ) from error
        return Estimates(
            **{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Estimates)}
        )

    def _pooled(self, seed: int) -> Moments:
        n = len(self.products)
        if n <= MOST_UNITS:
            return self
        order = np.random.default_rng(seed).permutation(n)
        starts = np.arange(MOST_UNITS) * n // MOST_UNITS
        return replace(
            self,
            products=np.add.reduceat(self.products[order], starts),
            sums=np.add.reduceat(self.sums[order], starts),
        )


def moments_of(drivers: Drivers) -> Moments:
    """The sums that every regression of these drivers needs."""
    columns = np.column_stack([drivers.terms, drivers.y])
    weighted = columns * drivers.weights[:, None]
    i, j = np.triu_indices(columns.shape[1])
    there = ~np.isnan(drivers.answers)
    answers = np.where(there, drivers.answers, 0.0)
    sums = np.hstack([there, answers, answers**2]) * drivers.weights[:, None]
    order = np.argsort(drivers.account, kind="stable")
    starts = np.flatnonzero(np.diff(drivers.account[order], prepend=-1))
    products = weighted[order][:, i] * columns[order][:, j]
    if len(starts) < len(order):
        products, sums = np.add.reduceat(products, starts), np.add.reduceat(sums[order], starts)
    else:
        sums = sums[order]
    return Moments(
        products=products,
        sums=sums,
        n_items=len(drivers.items),
        n_beside=len(drivers.beside),
        n_unused=len(drivers.unused_items),
    )


def resample(given: Drivers, n_resamples: int, seed: int) -> tuple[Estimates, Estimates]:
    """The estimate, and bootstrap samples of it that know the error of what was filled in.

    Filling anew in each resample costs more than all the rest, so it is done in :data:`N_REFITS` of them, beside the same
    resamples filled once; by the ratio of the two spreads the parts of R² are moved away from the estimate. (On the simulated
    companies it is about 1.2 for items that half of the people answered; for the slopes it is 1.00 to 1.01.)

    Raises
    ------
    ModelError
        A resample has no regression.
    """
    moments = moments_of(given)
    estimate, draws = moments.estimate(np.ones((1, given.n_accounts))), moments.bootstrap(n_resamples, seed)
    factor = _filling_factor(given, seed)
    return estimate, replace(draws, lmg=np.maximum(estimate.lmg + (draws.lmg - estimate.lmg) * factor, 1e-12))


def _filling_factor(given: Drivers, seed: int) -> Floats:
    """Spread of the parts of R² if answers are filled anew in each resample, over that if they are not; shape (p,), from 1."""
    if not np.isnan(given.answers).any():
        return np.ones(len(given.items))
    rng = np.random.default_rng(seed)
    if given.n_accounts > MOST_REFITTED:
        kept = np.isin(given.account, rng.choice(given.n_accounts, MOST_REFITTED, replace=False))
        given = given.of_rows(kept)
    n = given.n_accounts
    ones, parts = np.ones((1, n)), []
    moments = moments_of(given)
    for counts in np.concatenate(list(bootstrap_weights(n, N_REFITS, seed))):
        weights = given.weights * counts[given.account]
        drawn, filled = weights > 0, given.filled.copy()  # what others would be filled with counts for nothing
        filled[drawn] = fill(given.answers[drawn], weights[drawn])
        again = replace(given, filled=filled, weights=weights)
        try:
            parts.append([moments.estimate(counts[None]).lmg[0], moments_of(again).estimate(ones).lmg[0]])
        except (ModelError, np.linalg.LinAlgError):
            continue
    if len(parts) < N_REFITS // 2:
        raise ModelError(
            "Resampled accounts have no regression: too few of them tell the items apart.", hint="Name fewer items."
        )
    once, anew = np.array(parts).std(axis=0)
    return np.maximum(anew / np.maximum(once, 1e-300), 1.0)


def bias_corrected_interval(draws: Floats, estimate: Floats, level: float) -> tuple[Floats, Floats]:
    """Bias-corrected percentile intervals of several measures.

    Parts of R² cannot be negative, so that draws of small ones lie above the estimate on average; the ends are the quantiles
    that put the estimate in the middle of its draws.

    Assumes (1) that some monotone scale exists on which draws scatter normally with constant spread.

    Parameters
    ----------
    draws : numpy.ndarray
        Shape (B, p).
    estimate : numpy.ndarray
        Shape (p,).
    level : float
        Of each interval.

    Returns
    -------
    low, high : numpy.ndarray
        Shape (p,).

    Notes
    -----
    Efron & Tibshirani (1993), section 14.3, with acceleration 0.

    Examples
    --------
    >>> draws = np.arange(1000.0)[:, None]
    >>> low, high = bias_corrected_interval(draws, np.array([499.5]), 0.9)
    >>> low.round().tolist(), high.round().tolist()
    ([50.0], [949.0])
    """
    n = len(draws)
    below = (draws < estimate).mean(axis=0) + (draws == estimate).mean(axis=0) / 2
    shift = ndtri(np.clip(below, 1 / (n + 1), n / (n + 1)))
    reach = ndtri((1 + level) / 2)
    ends = [ndtr(2 * shift + sign * reach) for sign in (-1.0, 1.0)]
    rows = np.sort(draws, axis=0)
    low, high = (
        np.array([np.interp(at * (n - 1), np.arange(n), rows[:, j]) for j, at in enumerate(end)]) for end in ends
    )
    return low, high
