"""How much each candidate counts in a forecast: weights that would have served best at earlier origins.

Log-odds are averaged (a logarithmic pool), with weights that make the log loss of earlier forecasts smallest, each origin with a
level of its own: what is asked here is who is likelier than whom. The weights need not add up to 1, so that a pool that was
too sure or not sure enough is corrected at once; with little to learn from they stay near what was thought beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit

from kam.churn.level import fit_level

Floats = npt.NDArray[np.float64]

PRIOR_STRENGTH = 30.0
"""Log loss, summed over accounts, that it costs to move one weight from its prior by 1, per candidate."""
MOST_ACCOUNTS = 4000
"""An origin counts for at most this many accounts."""
LARGEST = 1.2
"""No candidate counts for more."""


def fit_weights(earlier: Sequence[tuple[Floats, Floats]], prior: Floats) -> Floats:
    """The weights of M candidates.

    Parameters
    ----------
    earlier : sequence of (numpy.ndarray of shape (N, M), numpy.ndarray of shape (N,))
        For each earlier origin the log-odds that the candidates forecast, and what happened (0 or 1).
    prior : numpy.ndarray, shape (M,)
        The weights without anything to learn from.

    Returns
    -------
    numpy.ndarray, shape (M,)
        From 0 to 1.2 each.
    """
    if not earlier:
        return prior

    def loss(weights: Floats) -> float:
        total = PRIOR_STRENGTH * len(prior) * float(((weights - prior) ** 2).sum())
        for log_odds, outcome in earlier:
            pooled = log_odds @ weights
            pooled = pooled + fit_level(pooled, outcome)
            losses = np.logaddexp(0, pooled) - outcome * pooled
            total += float(losses.mean()) * min(len(outcome), MOST_ACCOUNTS)
        return total

    found = minimize(loss, prior, method="L-BFGS-B", bounds=[(0.0, LARGEST)] * len(prior))
    return np.asarray(found.x, dtype=np.float64)


def pooled_spread(log_odds: Floats, weights: Floats) -> Floats:
    """How far apart the candidates are: the weighted standard deviation of their log-odds, shape (N,) from (N, M).

    Each candidate is taken less its mean over the accounts, since the level is set apart from them.
    """
    log_odds = log_odds - log_odds.mean(axis=0)
    share = weights / weights.sum() if weights.sum() > 0 else np.full(len(weights), 1 / len(weights))
    mean = log_odds @ share
    return np.asarray(np.sqrt(((log_odds - mean[:, None]) ** 2) @ share))


def log_odds_of(p: Floats) -> Floats:
    """Log-odds of probabilities, held between 0.0001 and 0.9999."""
    held = np.clip(p, 1e-4, 1 - 1e-4)
    return np.asarray(np.log(held / (1 - held)))


def probability_of(log_odds: Floats) -> Floats:
    """Probabilities of log-odds."""
    return np.asarray(expit(log_odds))
