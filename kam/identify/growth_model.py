"""The chance of becoming class A: a ridge logistic regression, and by how much the level of such forecasts was missed.

Fitted are log-odds of being in class A a horizon later, on standardized features, with a penalty of half the squared
coefficients (Hoerl & Kennard 1970; le Cessie & van Houwelingen 1992). Where there are many rows, those without the event are
drawn and weighed up. The covariance is the sandwich over accounts (White 1982), whose rows of several origins belong together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from kam.stats.clusters import cluster_sums

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

MIN_EVENTS = 5
"""With fewer accounts that became class A, or that did not, nothing is learned."""
MOST_ROWS = 20_000
"""More rows with, or without, the event are not learned from; the rest is drawn at random and weighed up."""


@dataclass(frozen=True, eq=False)
class GrowthModel:
    """A fit.

    Attributes
    ----------
    mean, scale : numpy.ndarray, shape (q,)
        Of the features.
    coefficients : numpy.ndarray, shape (q + 1,)
        Intercept, then log-odds per standard deviation.
    covariance : numpy.ndarray, shape (q + 1, q + 1)
        Robust to accounts.
    scores : numpy.ndarray
        Log-odds of the rows that had the event, ascending.
    n_rows, n_events : int
        Rows learned from, and those with the event.
    """

    mean: Floats
    scale: Floats
    coefficients: Floats
    covariance: Floats
    scores: Floats
    n_rows: int
    n_events: int

    def log_odds(self, x: Floats) -> Floats:
        """Log-odds of rows of features."""
        return np.asarray(self._design(x) @ self.coefficients)

    def std_error(self, x: Floats) -> Floats:
        """Standard error of the log-odds, over the accounts learned from."""
        design = self._design(x)
        return np.sqrt(np.einsum("nj,jk,nk->n", design, self.covariance, design))

    def sum_interval(self, x: Floats, level_variance: float) -> tuple[float, float]:
        """95 % interval of how many of the rows will have the event: level of the year, coefficients and chance together.

        All log-odds are moved by one amount, so that the ends stay within 0 and the number of rows; its variance is that of
        the level, of the sum through the coefficients (delta method) and of a sum of independent events.
        """
        log_odds = self.log_odds(x)
        p = expit(log_odds)
        spread = p * (1 - p)
        slope = spread @ self._design(x)
        variance = level_variance + (slope @ self.covariance @ slope + spread.sum()) / spread.sum() ** 2
        reach = 1.96 * float(np.sqrt(variance))
        return float(expit(log_odds - reach).sum()), float(expit(log_odds + reach).sum())

    def _design(self, x: Floats) -> Floats:
        return np.column_stack([np.ones(len(x)), (x - self.mean) / self.scale])


@threadpool_limits.wrap(limits=1)  # type: ignore[untyped-decorator]  # small matrices: cores would wait for one another
def fit_growth(x: Floats, event: Flags, account: Ints, *, seed: int) -> GrowthModel | None:
    """Fit the rows, shape (n, q); None where fewer than :data:`MIN_EVENTS` had the event, or had not."""
    if min(int(event.sum()), int((~event).sum())) < MIN_EVENTS:
        return None
    rng = np.random.default_rng(seed)
    kept, weight = [], np.ones(len(event))
    for rows in (np.flatnonzero(event), np.flatnonzero(~event)):
        chosen = np.sort(rng.choice(rows, MOST_ROWS, replace=False)) if len(rows) > MOST_ROWS else rows
        weight[chosen] = len(rows) / len(chosen)
        kept.append(chosen)
    rows = np.concatenate(kept)
    x, y, weight, account = x[rows], event[rows], weight[rows], account[rows]
    mean = np.average(x, axis=0, weights=weight)
    scale = np.sqrt(np.average((x - mean) ** 2, axis=0, weights=weight))
    scale = np.where(scale > 1e-9, scale, 1.0)
    z = (x - mean) / scale
    fitted = LogisticRegression(C=1.0, max_iter=1000, tol=1e-8, solver="newton-cholesky").fit(
        z, y, sample_weight=weight
    )
    coefficients = np.concatenate([fitted.intercept_, fitted.coef_[0]])
    design = np.column_stack([np.ones(len(z)), z])
    p = expit(design @ coefficients)
    penalty = np.diag([1e-9, *np.ones(z.shape[1])])
    bread = np.linalg.inv((design * (weight * p * (1 - p))[:, None]).T @ design + penalty)
    _, cluster = np.unique(account, return_inverse=True)
    scores = cluster_sums(design * (weight * (y - p))[:, None], cluster)
    return GrowthModel(
        mean=mean,
        scale=scale,
        coefficients=coefficients,
        covariance=bread @ (scores.T @ scores) @ bread,
        scores=np.sort(design[y] @ coefficients),
        n_rows=len(event),
        n_events=int(event.sum()),
    )


def level_missed(log_odds: Floats, event: Flags) -> float:
    """By how much all log-odds have to move for the events expected to be those that came; half an event where none did."""
    came = np.clip(float(event.sum()), 0.5, len(event) - 0.5)
    return float(brentq(lambda shift: expit(log_odds + shift).sum() - came, -30.0, 30.0))


def level_variance(log_odds: list[Floats], event: list[Flags]) -> float:
    """Variance of what forecasts of several origins missed, beyond the chance of single accounts; 0 for fewer than two."""
    if len(log_odds) < 2:
        return 0.0
    missed = np.array([level_missed(z, y) for z, y in zip(log_odds, event, strict=True)])
    chance = np.array([1 / max(float((expit(z) * (1 - expit(z))).sum()), 0.5) for z in log_odds])
    return max(float((missed**2 - chance).mean()), 0.0)
