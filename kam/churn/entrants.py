"""New customers to come: how many the rule expects, and how far it was off before.

Those of a period are expected to be as many as in the same season of the years after the first (in which customers who were
there before look new), scaled so that a year brings as many as the last one did; see :func:`~kam.churn.forecast.forecast_mix`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kam.churn.estimation import ratio

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MIN_ENTRIES = 3
"""Periods after the first year from which on they, and not those before, say how many new customers come."""


def expect_entrants(entered: Ints, season: Ints, n_seasons: int, horizon: int) -> tuple[Floats, bool]:
    """Mean new customers by first state in the next periods, and whether all of them go by their season.

    Parameters
    ----------
    entered : numpy.ndarray
        Customers seen for the first time, by period so far and first state, shape (T, S).
    season : numpy.ndarray
        Season of these periods, shape (T,) or longer.
    n_seasons, horizon : int

    Returns
    -------
    numpy.ndarray
        Shape (horizon, S).
    bool
    """
    now = len(entered) - 1
    periods = np.arange(1, now + 1)
    settled = periods[periods >= n_seasons]
    typical = settled if len(settled) >= MIN_ENTRIES else periods
    fallback = entered[typical].mean(axis=0) if len(typical) else np.zeros(entered.shape[1])
    means: dict[int, Floats] = {}
    if n_seasons > 1:
        means = {c: entered[settled[season[settled] == c]].mean(axis=0) for c in np.unique(season[settled]).tolist()}
    if means and len(means) == n_seasons:  # as many in a year as in the last one
        level = ratio(entered[now + 1 - n_seasons : now + 1].sum(), sum(mean.sum() for mean in means.values()))
        means = {c: level * mean for c, mean in means.items()}
    ahead = [int(season[now] + h) % n_seasons for h in range(1, horizon + 1)]
    return np.stack([means.get(c, fallback) for c in ahead]), all(c in means for c in ahead)


def entrants_variance(entered: Ints, one_ahead: Floats, n_seasons: int) -> tuple[float, float]:
    """Variance of new customers relative to the rule, beyond Poisson's, and the part of it that lasts from period to period.

    Parameters
    ----------
    entered : numpy.ndarray
        New customers of the periods so far by first state, shape (T, S).
    one_ahead : numpy.ndarray
        What the rule expected of them all one period before, shape (T,) or longer, see :func:`expect_one_ahead`.
    n_seasons : int
    """
    periods = np.arange(min(2, len(entered)), len(entered))
    settled = periods[periods >= n_seasons + MIN_ENTRIES]
    used = settled if len(settled) >= MIN_ENTRIES else periods
    rule, error = one_ahead[used], entered[used].sum(axis=1) - one_ahead[used]
    variance = max(0.0, float(ratio((error**2 - rule).sum(), (rule**2).sum())))
    lasting = float(ratio((error[1:] * error[:-1]).sum(), (rule[1:] * rule[:-1]).sum()))
    return variance, min(max(0.0, lasting), variance)


def expect_one_ahead(entered: Ints, season: Ints, n_seasons: int) -> Floats:
    """What the rule expected of each period one period before, shape (T,); missing in the first two."""
    expected = np.full(len(entered), np.nan)
    for u in range(2, len(entered)):
        expected[u] = expect_entrants(entered[:u], season, n_seasons, 1)[0].sum()
    return expected
