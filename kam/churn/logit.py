"""Logistic regression by maximum likelihood with errors clustered by customer, and what it shares with Firth's."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, log_expit
from scipy.stats import norm
from statsmodels.discrete.discrete_model import Logit
from statsmodels.tools.sm_exceptions import ConvergenceWarning, HessianInversionWarning

from kam.errors import NotConvergedError
from kam.stats.clusters import sandwich

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class LogitFit:
    """Estimates of a logistic regression; every vector has the intercept first.

    Attributes
    ----------
    params : numpy.ndarray
        Log-odds.
    covariance : numpy.ndarray
        Clustered by customer.
    low, high, p_value : numpy.ndarray
        Interval and p-value of each.
    log_likelihood : float
        Without a penalty.
    intercept : float
        The intercept of predictions: the estimate, or that of FLIC.
    """

    params: Floats
    covariance: Floats
    low: Floats
    high: Floats
    p_value: Floats
    log_likelihood: float
    intercept: float

    @property
    def std_error(self) -> Floats:
        """Standard errors."""
        return np.sqrt(np.diag(self.covariance))

    def log_odds(self, matrix: Floats) -> Floats:
        """Predicted log-odds of rows of a design (without the intercept)."""
        return self.intercept + matrix @ self.params[1:]

    def predict(self, matrix: Floats) -> Floats:
        """Predicted probabilities of rows of a design (without the intercept)."""
        return expit(self.log_odds(matrix))


def fit_logit(
    matrix: Floats, event: Floats, cluster: Ints, level: float = 0.95, start: Floats | None = None
) -> LogitFit:
    """Fit by maximum likelihood; the errors are clustered.

    The covariance is that of statsmodels (``cov_type="cluster"``), which is ``sandwich::vcovCL(fit, cluster = ~customer_id,
    type = "HC1")`` of R: the factors G / (G − 1) and (n − 1) / (n − k) for G customers, n rows and k estimates. The default of
    vcovCL for a ``glm`` lacks the second factor. Intervals and p-values are normal (``lmtest::coeftest``).

    Assumes (1) that customers are independent, rows of one customer need not be; (2) no separation.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (rows, columns)
        Without the intercept; full rank.
    event : numpy.ndarray
        1 with the event, 0 without.
    cluster : numpy.ndarray of int
        Customer of each row, from 0 on.
    level : float
        Of the intervals.
    start : numpy.ndarray, optional
        Estimates to begin with, intercept first.

    Raises
    ------
    NotConvergedError
        Newton's method does not settle.
    """
    full = np.column_stack([np.ones(len(matrix)), matrix])
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        warnings.simplefilter("error", HessianInversionWarning)
        try:
            fit = Logit(event, full, check_rank=False).fit(
                start_params=start,
                method="newton",
                tol=1e-10,
                maxiter=100,
                disp=0,
                cov_type="cluster",
                cov_kwds={"groups": cluster},
            )
        except (ConvergenceWarning, HessianInversionWarning, np.linalg.LinAlgError) as error:
            raise NotConvergedError(
                "The maximum-likelihood estimates do not settle.", hint="Use fewer terms, or method='firth'."
            ) from error
    params, covariance = np.asarray(fit.params, dtype=float), np.asarray(fit.cov_params(), dtype=float)
    return wald_fit(params, covariance, float(fit.llf), level)


def wald_fit(
    params: Floats, covariance: Floats, log_likelihood: float, level: float, intercept: float | None = None
) -> LogitFit:
    """A fit whose intervals and p-values are normal around the estimates."""
    std_error = np.sqrt(np.diag(covariance))
    half = norm.ppf((1 + level) / 2) * std_error
    return LogitFit(
        params=params,
        covariance=covariance,
        low=params - half,
        high=params + half,
        p_value=2 * norm.sf(np.abs(params / std_error)),
        log_likelihood=log_likelihood,
        intercept=float(params[0]) if intercept is None else intercept,
    )


def log_likelihood(log_odds: Floats, event: Floats) -> float:
    """Of independent rows."""
    return float(log_expit(np.where(event > 0, log_odds, -log_odds)).sum())


def information(full: Floats, p: Floats) -> Floats:
    """Fisher information of rows with an intercept column at fitted probabilities."""
    return np.asarray((full * (p * (1 - p))[:, None]).T @ full)


def clustered_covariance(matrix: Floats, event: Floats, cluster: Ints, params: Floats) -> Floats:
    """Sandwich covariance with the factors of :func:`fit_logit`, at any estimates."""
    full = np.column_stack([np.ones(len(matrix)), matrix])
    p = expit(full @ params)
    scores = full * (event - p)[:, None]
    return sandwich(np.linalg.inv(information(full, p)), scores, cluster, n_params=full.shape[1])
