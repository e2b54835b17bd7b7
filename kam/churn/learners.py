"""What learns from snapshots who is likelier than whom: a ridge regression with a level for each origin, and boosted trees."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, PoissonRegressor
from threadpoolctl import threadpool_limits

from kam.churn.blending import log_odds_of

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

PENALTY = 0.05
"""Inverse strength (C) of the ridge penalty on standardized predictors."""
FREEDOM = 3.0
"""Size of the indicator of an origin beside standardized predictors: its level is hardly penalized."""
MOST_SPENT = 0.995
"""What was spent is held at this quantile of those who spent."""


def ridge(x: Floats, training: Flags, event: Floats, day: Ints) -> Floats:
    """Log-odds of all N rows, without a level: slopes common to all origins, each of which has a level of its own.

    ``x`` has shape (N, F), ``training`` (N,); ``event`` (0 or 1) and ``day`` (the origin) are those of the training rows.
    """
    fit = LogisticRegression(C=PENALTY, solver="newton-cholesky", max_iter=100)
    fit.fit(np.column_stack([x[training], _own_level(day)]), event)
    return np.asarray(x @ fit.coef_[0][: x.shape[1]])


@threadpool_limits.wrap(limits=1)  # type: ignore[untyped-decorator]
def trees(x: Floats, training: Flags, event: Floats, *, seed: int) -> Floats:
    """Log-odds of all N rows by boosted trees; on one core, so that they do not fight over cores with the next notebook."""
    fit = HistGradientBoostingClassifier(**_growth(seed))
    fit.fit(x[training], event)
    return log_odds_of(fit.predict_proba(x)[:, 1])


@threadpool_limits.wrap(limits=1)  # type: ignore[untyped-decorator]
def relative_spending(x: Floats, training: Flags, spent: Floats, day: Ints, *, seed: int) -> Floats:
    """What all N rows spend, relative to one another: geometric mean of a Poisson regression and of trees with a Poisson loss.

    In the regression each origin has a level of its own. ``spent`` and ``day`` are those of the training rows.
    """
    if not spent.sum() > 0:
        return np.zeros(len(x))
    capped = np.minimum(spent, np.quantile(spent[spent > 0], MOST_SPENT))
    capped = capped / capped.mean()
    linear = PoissonRegressor(alpha=0.1, solver="newton-cholesky", max_iter=100).fit(
        np.column_stack([x[training], _own_level(day)]), capped
    )
    grown = HistGradientBoostingRegressor(loss="poisson", **_growth(seed)).fit(x[training], capped)
    return np.asarray(np.exp((x @ linear.coef_[: x.shape[1]] + np.log(np.maximum(grown.predict(x), 1e-9))) / 2))


def _own_level(day: Ints) -> Floats:
    return np.asarray((day[:, None] == np.unique(day)[None, :]) * FREEDOM)


def _growth(seed: int) -> dict[str, float | int | bool]:
    return {
        "max_iter": 50,
        "learning_rate": 0.08,
        "max_leaf_nodes": 8,
        "min_samples_leaf": 50,
        "l2_regularization": 5.0,
        "early_stopping": False,
        "random_state": seed,
    }
