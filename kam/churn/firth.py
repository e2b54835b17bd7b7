"""Firth's logistic regression: estimates that stay finite with few events or separation, and FLIC for predictions."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from firthmodels import FirthLogisticRegression
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import norm
from sklearn.exceptions import ConvergenceWarning

from kam.churn.logit import LogitFit, clustered_covariance, information, log_likelihood, wald_fit
from kam.errors import NotConvergedError
from kam.stats.resampling import bootstrap_weights

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MIN_PER_PARAMETER = 10
"""Distinct customers with (or, if fewer, without) the event per estimate, below which maximum likelihood is not used."""
MAX_PROFILED = 1e6
"""Rows × estimates²: beyond this only columns that separate have a profile; the others are Wald's, which is then as good."""
MAX_RESAMPLED = 2e7
"""Rows × estimates²: beyond this customers are not resampled, which would take minutes; errors are the sandwich's."""
MIN_RESAMPLES = 50
"""Resamples with an estimate, below which there is no bootstrap."""


def fit_firth(
    matrix: Floats,
    event: Floats,
    cluster: Ints,
    *,
    separated: Sequence[int] = (),
    level: float = 0.95,
    n_resamples: int = 200,
    seed: int = 1,
) -> LogitFit:
    """Fit with Firth's penalty; predictions take the intercept of FLIC.

    Intervals are those of the profile penalized likelihood, p-values of its ratio test. They take rows for independent: where
    customers stand in several rows, customers are resampled too, the interval is the wider of both at each end (percentiles of
    the resamples), and the p-value the larger (Wald, by the spread of the resamples). The wider one, since separated resamples
    hardly scatter. With many rows (:data:`MAX_PROFILED`) profiles are only for the columns that separate, and Wald intervals
    with clustered errors stand for the others; with still more (:data:`MAX_RESAMPLED`) nobody is resampled.

    Assumes (1) that customers are independent; (2) that the penalty, which is half an event more for and against in a table of
    two by two, is small against what the data say.

    Parameters
    ----------
    matrix, event, cluster, level
        As in :func:`kam.churn.logit.fit_logit`.
    separated : sequence of int
        Columns whose maximum-likelihood estimate is infinite.
    n_resamples : int
        Resamples of the customers, where they stand in several rows.
    seed : int
        The same seed gives the same intervals.

    Raises
    ------
    NotConvergedError
        The estimates do not settle.

    Notes
    -----
    Firth (1993), Biometrika 80; Heinze & Schemper (2002), Statistics in Medicine 21; Puhr, Heinze, Nold, Lusa & Geroldinger
    (2017), Statistics in Medicine 36: FLIC keeps Firth's slopes and makes the mean prediction the share of events.

    Examples
    --------
    In a table of two by two, half an event is added to each cell: log(3.5 / 0.5) − log(1.5 / 2.5).

    >>> x, y = np.array([1.0] * 3 + [0.0] * 3), np.array([1, 1, 1, 1, 0, 0.0])
    >>> fit = fit_firth(x[:, None], y, np.arange(6))
    >>> fit.params.round(3).tolist(), round(float(fit.predict(x[:, None]).mean()), 3)
    ([-0.511, 2.457], 0.667)
    """
    scale = np.sqrt((matrix**2).mean(axis=0))
    scale[scale == 0] = 1.0
    scaled = matrix / scale  # the estimates are the same; the steps of the solver are of one size
    by = np.concatenate([[1.0], scale])
    model = _fitted(scaled, event)
    params = np.concatenate([[model.intercept_], model.coef_])
    intercept = flic_intercept(scaled @ params[1:], event)
    likelihood = log_likelihood(params[0] + scaled @ params[1:], event)
    repeats = int(cluster.max()) + 1 < len(cluster)
    wald = wald_fit(params, clustered_covariance(scaled, event, cluster, params), likelihood, level, intercept)
    work = len(matrix) * len(params) ** 2
    columns = list(range(len(params))) if work <= MAX_PROFILED else list(separated)
    low, high, p_value = (np.where(np.isnan(x), w, x) for x, w in _profiles_or_wald(model, level, columns, wald))
    covariance = wald.covariance
    if not repeats and work <= MAX_PROFILED:
        covariance = np.asarray(np.linalg.inv(_information(scaled, params)), dtype=np.float64)
    draws = np.empty((0, len(params)))
    if repeats and work <= MAX_RESAMPLED:
        draws = np.array(list(_resampled(scaled, event, cluster, params, n_resamples, seed))).reshape(-1, len(params))
    if len(draws) >= MIN_RESAMPLES:
        covariance = np.asarray(np.cov(draws, rowvar=False), dtype=np.float64)
        ends = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
        low, high = np.minimum(low, ends[0]), np.maximum(high, ends[1])
        p_value = np.maximum(p_value, 2 * norm.sf(np.abs(params) / np.sqrt(np.diag(covariance))))
    elif repeats:
        low, high, p_value = np.minimum(low, wald.low), np.maximum(high, wald.high), np.maximum(p_value, wald.p_value)
    fit = LogitFit(
        params=params,
        covariance=covariance,
        low=low,
        high=high,
        p_value=p_value,
        log_likelihood=likelihood,
        intercept=intercept,
    )
    return _scaled(fit, by)


def flic_intercept(log_odds: Floats, event: Floats) -> float:
    """The intercept with which the mean prediction is the share of events; ``log_odds`` come without one."""
    share = event.mean()
    middle = np.log(share / (1 - share))
    reach = float(np.abs(log_odds).max()) + 1
    found = brentq(lambda a: expit(a + log_odds).mean() - share, middle - reach, middle + reach, xtol=1e-12)
    return float(found)


# -- inside ----------------------------------------------------------------------------------------------------------


def _fitted(matrix: Floats, event: Floats, *, tolerance: float = 1e-6) -> FirthLogisticRegression:
    model = FirthLogisticRegression(backend="numpy", max_iter=200, gtol=tolerance, xtol=tolerance)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            model.fit(matrix, event)
        except (np.linalg.LinAlgError, ValueError) as error:
            raise NotConvergedError("Firth's estimates cannot be found.", hint="Use fewer terms.") from error
    if not model.converged_ and tolerance < 1e-4:
        return _fitted(matrix, event, tolerance=1e-4)
    if not (model.converged_ and np.isfinite(model.coef_).all() and np.isfinite(model.bse_).all()):
        raise NotConvergedError("Firth's estimates do not settle.", hint="Use fewer terms.")
    return model


def _profiles_or_wald(
    model: FirthLogisticRegression, level: float, columns: list[int], wald: LogitFit
) -> list[tuple[Floats, Floats]]:
    """Ends of the profile intervals and p-values of the likelihood ratio, intercept first, each beside Wald's.

    Not a number where not asked for (the columns count from 0 on, the intercept is the last) or not found.
    """
    n = len(wald.params)
    found = np.full((3, n), np.nan)
    if columns:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            warnings.simplefilter("ignore", RuntimeWarning)
            ends = model.conf_int(alpha=round(1 - level, 12), method="pl", features=columns, max_iter=100)
            model.gtol = model.xtol = 1e-4  # the ratio test does not need more, and stops in steps that are too small
            model.lrt(columns)
        found = np.roll(np.stack([ends[:, 0], ends[:, 1], model.lrt_pvalues_]), 1, axis=1)
    return list(zip(found, (wald.low, wald.high, wald.p_value), strict=True))


def _information(matrix: Floats, params: Floats) -> Floats:
    full = np.column_stack([np.ones(len(matrix)), matrix])
    return information(full, expit(full @ params))


def _resampled(
    matrix: Floats, event: Floats, cluster: Ints, start: Floats, n_resamples: int, seed: int
) -> Iterator[Floats]:
    """Estimates of resampled customers; those without an estimate (one outcome only, a level that is not drawn) are left out."""
    full = np.column_stack([np.ones(len(matrix)), matrix])
    for weights in bootstrap_weights(int(cluster.max()) + 1, n_resamples, seed):
        for row in weights:
            weight = row[cluster].astype(np.float64)
            drawn = weight > 0
            if len(set(event[drawn])) < 2:
                continue
            estimates = _newton(full[drawn], event[drawn], weight[drawn], start)
            if estimates is not None:
                yield estimates


def _newton(full: Floats, event: Floats, weight: Floats, start: Floats) -> Floats | None:
    """Firth's estimates of weighted rows from near-by ones, many times faster than a fit that starts anew; None: none found."""
    params = start
    for _ in range(50):
        p = expit(full @ params)
        root = full * np.sqrt(weight * p * (1 - p))[:, None]
        try:
            inverse = np.linalg.inv(np.linalg.cholesky(root.T @ root))
        except np.linalg.LinAlgError:
            return None
        leverage = ((root @ inverse.T) ** 2).sum(axis=1)
        step = inverse.T @ (inverse @ (full.T @ (weight * (event - p) + leverage * (0.5 - p))))
        largest = float(np.abs(step).max())
        if not np.isfinite(largest):
            return None
        params = params + step * min(1.0, 2.0 / max(largest, 1e-300))
        if largest < 1e-5:
            return params
    return None


def _scaled(fit: LogitFit, by: Floats) -> LogitFit:
    return LogitFit(
        params=fit.params / by,
        covariance=fit.covariance / np.outer(by, by),
        low=fit.low / by,
        high=fit.high / by,
        p_value=fit.p_value,
        log_likelihood=fit.log_likelihood,
        intercept=fit.intercept,
    )
