"""Odds ratios of each term on its own, beside those at the same values of all the others."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, logit

from kam.churn.regression_rows import RegressionData

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_MAX_STEPS = 30
_MAX_LOG_ODDS = 12.0  # per standard deviation: beyond that an estimate is on its way to infinity


def unadjusted_odds(data: RegressionData) -> Floats:
    """Odds ratio of each column of a design in a regression on its term alone and the origins.

    The columns of one term (levels, a number and its indicator) are fitted together, with an intercept for each origin, by
    maximum likelihood, also where all terms together are fitted by Firth's method.

    Returns
    -------
    numpy.ndarray, shape (columns,)
        Missing for origins, for terms of a formula that share a variable with another, and where the estimate is infinite.
    """
    columns = data.design.columns
    odds = np.full(len(columns), np.nan)
    for term in dict.fromkeys(column.term for column in columns if column.group != "origin" and column.alone):
        own = [j for j, column in enumerate(columns) if column.term == term]
        odds[own] = np.exp(fit_within(data.matrix[:, own], data.event, data.origin))
    return odds


def fit_within(matrix: Floats, event: Floats, stratum: Ints) -> Floats:
    """Logistic regression with an intercept for each stratum, by Newton's method; NaN: an estimate is infinite.

    The intercepts are eliminated from each step, so that its costs are those of the columns.

    >>> x = np.repeat([[1.0], [0.0]], [40, 60], axis=0)
    >>> y = np.repeat([1.0, 0.0, 1.0, 0.0], [30, 10, 20, 40])
    >>> np.exp(fit_within(x, y, np.zeros(100, dtype=int))).round(6).tolist()
    [6.0]
    """
    unknown = np.full(matrix.shape[1], np.nan)
    n = np.bincount(stratum)
    share = np.bincount(stratum, weights=event) / np.maximum(n, 1)
    tells = ((share > 0) & (share < 1))[stratum]  # a stratum where all are alike says nothing of the columns
    if not tells.any():
        return unknown
    matrix, event = matrix[tells], event[tells]
    stratum = np.unique(stratum[tells], return_inverse=True)[1]
    n_strata = int(stratum.max()) + 1
    center, spread = matrix.mean(axis=0), matrix.std(axis=0)
    if (spread <= 0).any():
        return unknown
    x = (matrix - center) / spread

    def sums(values: Floats) -> Floats:
        return np.column_stack([np.bincount(stratum, weights=column, minlength=n_strata) for column in values.T])

    intercept = logit(np.bincount(stratum, weights=event) / np.bincount(stratum))
    slope = np.zeros(x.shape[1])
    for _ in range(_MAX_STEPS):
        p = expit(intercept[stratum] + x @ slope)
        weight, residual = p * (1 - p), event - p
        weighted = x * weight[:, None]
        total, of_x = np.bincount(stratum, weights=weight), sums(weighted)
        rest = np.bincount(stratum, weights=residual)
        if (total < 1e-10).any():
            return unknown
        information = x.T @ weighted - of_x.T @ (of_x / total[:, None])
        try:
            step = np.linalg.solve(information, x.T @ residual - of_x.T @ (rest / total))
        except np.linalg.LinAlgError:
            return unknown
        slope = slope + step
        intercept = intercept + (rest - of_x @ step) / total
        if not np.isfinite(slope).all() or np.abs(slope).max() > _MAX_LOG_ODDS:
            return unknown
        if np.abs(step).max() < 1e-9:
            return np.asarray(slope / spread)
    return unknown


def turns(coefficients: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Rows whose odds ratio lies on the other side of 1 than that of the term alone (suppression); not where one is missing."""
    adjusted, alone = np.log(coefficients["odds_ratio"]), np.log(coefficients["odds_alone"])
    return np.asarray((adjusted * alone).to_numpy(dtype=np.float64) < 0)
