"""Firth's logistic regression: estimates that stay finite with few events or separation, and FLIC for predictions."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

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
MAX_WORK = 2e7
"""Rows × estimates²: beyond this the intervals are Wald's, since profiles and resamples would take minutes."""
MIN_RESAMPLES = 50
"""Resamples with an estimate, below which there is no bootstrap."""


def fit_firth(
    matrix: Floats, event: Floats, cluster: Ints, *, level: float = 0.95, n_resamples: int = 200, seed: int = 1
) -> LogitFit:
    """Fit with Firth's penalty; predictions take the intercept of FLIC.

    Intervals are those of the profile penalized likelihood, p-values of its ratio test. They take rows for independent: where
    customers stand in several rows, customers are resampled too, the interval is the wider of both at each end (percentiles of
    the resamples), and the p-value the larger (Wald, by the spread of the resamples). The wider one, since separated resamples
    hardly scatter.

    Assumes (1) that customers are independent; (2) that the penalty, which is half an event more for and against in a table of
    two by two, is small against what the data say.

    Parameters
    ----------
    matrix, event, cluster, level
        As in :func:`kam.churn.logit.fit_logit`.
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
    model = _fitted(scaled, event, None)
    params = np.concatenate([[model.intercept_], model.coef_])
    intercept = flic_intercept(scaled @ params[1:], event)
    likelihood = log_likelihood(params[0] + scaled @ params[1:], event)
    repeats = int(cluster.max()) + 1 < len(cluster)
    wald = wald_fit(params, clustered_covariance(scaled, event, cluster, params), likelihood, level, intercept)
    if len(matrix) * len(params) ** 2 > MAX_WORK:
        return _scaled(wald, by)
    low, high, p_value = _profile(model, level)
    low, high = np.where(np.isnan(low), wald.low, low), np.where(np.isnan(high), wald.high, high)
    p_value = np.where(np.isnan(p_value), wald.p_value, p_value)
    covariance = np.asarray(np.linalg.inv(_information(scaled, params)), dtype=np.float64)
    if repeats:
        draws = np.array(list(_resampled(scaled, event, cluster, n_resamples, seed)))
        if len(draws) >= MIN_RESAMPLES:
            covariance = np.asarray(np.cov(draws, rowvar=False), dtype=np.float64)
            ends = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
            low, high = np.minimum(low, ends[0]), np.maximum(high, ends[1])
            p_value = np.maximum(p_value, 2 * norm.sf(np.abs(params) / np.sqrt(np.diag(covariance))))
        else:
            covariance = wald.covariance
            low, high, p_value = (
                np.minimum(low, wald.low),
                np.maximum(high, wald.high),
                np.maximum(p_value, wald.p_value),
            )
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


def _fitted(
    matrix: Floats, event: Floats, weights: Floats | None, *, tolerance: float = 1e-6
) -> FirthLogisticRegression:
    model = FirthLogisticRegression(backend="numpy", max_iter=200, gtol=tolerance, xtol=tolerance)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        try:
            model.fit(matrix, event, sample_weight=weights)
        except (np.linalg.LinAlgError, ValueError) as error:
            raise NotConvergedError("Firth's estimates cannot be found.", hint="Use fewer terms.") from error
    if not model.converged_ and tolerance < 1e-4:
        return _fitted(matrix, event, weights, tolerance=1e-4)
    if not (model.converged_ and np.isfinite(model.coef_).all() and np.isfinite(model.bse_).all()):
        raise NotConvergedError("Firth's estimates do not settle.", hint="Use fewer terms.")
    return model


def _profile(model: FirthLogisticRegression, level: float) -> tuple[Floats, Floats, Floats]:
    """Ends of the profile intervals and p-values of the likelihood ratio, intercept first; not a number where not found."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        ends = model.conf_int(alpha=round(1 - level, 12), method="pl", max_iter=100)
        model.gtol = model.xtol = 1e-4  # the ratio test does not need more, and stops in steps that are too small
        model.lrt()
    low, high, p_value = (np.roll(x, 1) for x in (ends[:, 0], ends[:, 1], model.lrt_pvalues_))
    return low, high, p_value


def _information(matrix: Floats, params: Floats) -> Floats:
    full = np.column_stack([np.ones(len(matrix)), matrix])
    return information(full, expit(full @ params))


def _resampled(matrix: Floats, event: Floats, cluster: Ints, n_resamples: int, seed: int) -> Iterator[Floats]:
    """Estimates of resampled customers; those without an estimate (one outcome only, a level that is not drawn) are left out."""
    for weights in bootstrap_weights(int(cluster.max()) + 1, n_resamples, seed):
        for row in weights:
            weight = row[cluster].astype(np.float64)
            drawn = weight > 0
            if len(set(event[drawn])) < 2:
                continue
            try:
                model = _fitted(matrix[drawn], event[drawn], weight[drawn], tolerance=1e-4)
            except NotConvergedError:
                continue
            yield np.concatenate([[model.intercept_], model.coef_])


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
