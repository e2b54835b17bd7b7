"""Whether probabilities are right: do 30 of 100 units with a probability of 0.3 have the event?

Logistic recalibration says it in two numbers (intercept and slope), a smooth curve of what happened against what was said shows
where they are off, and its mean distance from the diagonal (ICI) sums it up. Standard errors are robust to clusters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtri, expit, logit, ndtri

from kam.errors import DataError, NotConvergedError, UndefinedMeasureError
from kam.stats.clusters import sandwich
from kam.stats.forecast_scores import CLIP

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

KNOTS = (0.05, 0.35, 0.65, 0.95)
"""Where the knots of the curve are: quantiles of the log-odds (Harrell 2015, table 2.3)."""
ICI_POINTS = 200
"""In how many steps the mean over the units is taken where their curve is drawn at random."""
GROUPS = 2000
"""Of more units than this, those with nearly the same log-odds are fitted together."""
_MAX_STEPS, _MAX_COEFFICIENT, _TOLERANCE = 60, 200.0, 1e-9


@dataclass(frozen=True, eq=False)
class CalibrationFit:
    """A logistic regression of the event on the log-odds that were said, straight or bent.

    Attributes
    ----------
    knots : numpy.ndarray
        Knots of the restricted cubic spline in the log-odds; empty: a straight line, that is logistic recalibration.
    coefficients : numpy.ndarray, shape (q,)
        Intercept, slope, and what bends.
    covariance : numpy.ndarray, shape (q, q)
        Robust to clusters.
    """

    knots: Floats
    coefficients: Floats
    covariance: Floats

    def interval(self, j: int, level: float = 0.95) -> tuple[float, float]:
        """The normal interval of a coefficient."""
        reach = float(ndtri(0.5 + level / 2) * np.sqrt(self.covariance[j, j]))
        return float(self.coefficients[j]) - reach, float(self.coefficients[j]) + reach

    def share(self, p: npt.ArrayLike) -> Floats:
        """The share with the event where ``p`` was said."""
        return np.asarray(expit(_design(_log_odds(p), self.knots) @ self.coefficients))

    def at(self, p: npt.ArrayLike, level: float = 0.95) -> tuple[Floats, Floats, Floats]:
        """The share with the event where ``p`` was said, and the ends of its pointwise interval."""
        design = _design(_log_odds(p), self.knots)
        middle = design @ self.coefficients
        spread = np.sqrt(np.maximum(np.einsum("nj,jk,nk->n", design, self.covariance, design), 0))
        z = float(ndtri(0.5 + level / 2))
        return expit(middle), expit(middle - z * spread), expit(middle + z * spread)


def recalibrate(event: npt.ArrayLike, p: npt.ArrayLike, clusters: npt.ArrayLike | None = None) -> CalibrationFit:
    """Fit logistic recalibration: log-odds of the event = intercept + slope × log-odds that were said.

    0 and 1 say that the probabilities are right; a slope below 1 that they are too extreme, above 1 too timid. With both free the
    intercept is read together with the slope.

    Assumes (1) that the log-odds are off by a straight line; (2) that clusters are independent of one another, and many.

    Parameters
    ----------
    event : array_like of bool, shape (n,)
        Who had the event.
    p : array_like, shape (n,)
        Probability that was said; clipped at 1e-6.
    clusters : array_like of int, shape (n,), optional
        Codes from 0; units of the same cluster may depend on one another; by default each is its own.

    Returns
    -------
    CalibrationFit
        ``coefficients`` are intercept and slope.

    Raises
    ------
    UndefinedMeasureError
        All probabilities are equal, or nobody or everybody had the event.
    NotConvergedError
        The probabilities separate those with the event from the others.
    DataError
        The arrays do not fit each other, or a probability lies outside 0 to 1.

    Notes
    -----
    Cox (1958), Biometrika 45; Van Calster et al. (2019), BMC Medicine 17. The covariance is the sandwich over clusters with the
    factor G / (G − 1) × (n − 1) / (n − q), as in statsmodels.

    Examples
    --------
    >>> said, n = np.repeat([0.2, 0.5, 0.8], 10), 10
    >>> event = np.concatenate([np.arange(n) < k for k in (3, 5, 7)])
    >>> (recalibrate(event, said).coefficients.round(3) + 0).tolist()  # log-odds of .3 over log-odds of .2
    [0.0, 0.611]
    """
    y, x, groups = _checked(event, p, clusters)
    return _fit(y, x, np.empty(0), groups)


def calibration_curve(event: npt.ArrayLike, p: npt.ArrayLike, clusters: npt.ArrayLike | None = None) -> CalibrationFit:
    """Fit a smooth curve of the share with the event against the probability that was said.

    A logistic regression on a restricted cubic spline of the log-odds with 4 knots; on 3 or, in a straight line, on none, where
    the probabilities take too few values or the curve does not settle. Parameters, returns and errors as :func:`recalibrate`.

    Notes
    -----
    Austin, Harrell & van Klaveren (2020), Statistics in Medicine 39, draw it by such splines; Austin & Steyerberg (2019) by
    loess.

    Examples
    --------
    >>> said = np.repeat([0.2, 0.5, 0.8], 10)
    >>> event = np.concatenate([np.arange(10) < k for k in (3, 5, 7)])
    >>> calibration_curve(event, said).at([0.2, 0.8])[0].round(2).tolist()
    [0.3, 0.7]
    """
    y, x, groups = _checked(event, p, clusters)
    knots = np.unique(np.quantile(x, KNOTS))
    if len(knots) >= 3 and len(_grouped(y, x)[0]) > len(knots):
        try:
            return _fit(y, x, knots, groups)
        except NotConvergedError:
            pass
    return _fit(y, x, np.empty(0), groups)


def calibration_index(curve: CalibrationFit, p: npt.ArrayLike) -> float:
    """Take the integrated calibration index (ICI): the mean distance of the curve from the probabilities that were said.

    Notes
    -----
    Austin & Steyerberg (2019), Statistics in Medicine 38. It is never below 0, so that noise alone makes it positive.

    Examples
    --------
    >>> said = np.repeat([0.2, 0.5, 0.8], 10)
    >>> event = np.concatenate([np.arange(10) < k for k in (3, 5, 7)])
    >>> round(calibration_index(calibration_curve(event, said), said), 3)
    0.067
    """
    said = np.asarray(p, dtype=np.float64)
    return float(np.abs(curve.share(said) - said).mean())


def calibration_index_interval(
    curve: CalibrationFit, p: npt.ArrayLike, *, n_draws: int, seed: int, level: float = 0.95
) -> tuple[float, float]:
    """Take an interval of the ICI from curves drawn around the one fitted.

    Noise adds to the ICI of a drawn curve as it did to that of the fitted, so the quantiles are reflected at the estimate (the
    basic interval) and cut at 0; the low end is 0 wherever a Wald test does not tell the curve from the diagonal. The
    probabilities that were said count as given.

    Assumes (1) that the coefficients of the curve are normal around the truth.

    Notes
    -----
    Davison & Hinkley (1997), section 5.2.

    Examples
    --------
    >>> said = np.repeat([0.2, 0.5, 0.8], 1000)
    >>> event = np.concatenate([np.arange(1000) < k for k in (300, 500, 700)])
    >>> low, high = calibration_index_interval(calibration_curve(event, said), said, n_draws=500, seed=1)
    >>> bool(low < 0.067 < high), bool(low > 0.04)
    (True, True)
    """
    said = np.quantile(np.asarray(p, dtype=np.float64), (np.arange(ICI_POINTS) + 0.5) / ICI_POINTS)
    drawn = np.random.default_rng(seed).multivariate_normal(curve.coefficients, curve.covariance, n_draws)
    curves = expit(drawn @ _design(_log_odds(said), curve.knots).T)
    indices = np.abs(curves - said).mean(axis=1)
    estimate = float(np.abs(curve.share(said) - said).mean())
    low, high = 2 * estimate - np.quantile(indices, [0.5 + level / 2, 0.5 - level / 2])
    off = curve.coefficients - np.eye(len(curve.coefficients))[1]
    is_off = float(off @ np.linalg.pinv(curve.covariance) @ off) > chdtri(len(off), round(1 - level, 12))
    return max(float(low), 0.0) if is_off else 0.0, max(float(high), 0.0)


# -- inside ----------------------------------------------------------------------------------------------------------


def _log_odds(p: npt.ArrayLike) -> Floats:
    return np.asarray(logit(np.clip(np.asarray(p, dtype=np.float64), CLIP, 1 - CLIP)))


def _design(x: Floats, knots: Floats) -> Floats:
    """Intercept, x and the restricted cubic spline of x: linear beyond the outer knots (Harrell 2015, equation 2.25)."""
    columns = [np.ones(len(x)), x]
    if len(knots):
        last, before = knots[-1], knots[-2]

        def cubed(at: float) -> Floats:
            return np.asarray(np.maximum(x - at, 0) ** 3)

        for knot in knots[:-2]:
            bent = (
                cubed(knot)
                - cubed(before) * (last - knot) / (last - before)
                + cubed(last) * (before - knot) / (last - before)
            )
            columns.append(bent / (last - knots[0]) ** 2)
    return np.column_stack(columns)


def _grouped(y: Floats, x: Floats) -> tuple[Floats, Floats, Floats]:
    """Units with nearly the same log-odds taken together: their mean, how many they are, and how many had the event."""
    if len(x) <= GROUPS:
        return x, np.ones(len(x)), y
    low, high = x.min(), x.max()
    group = np.minimum(((x - low) / (high - low) * GROUPS).astype(np.int64), GROUPS - 1)
    n, sums, events = (np.bincount(group, values, GROUPS).astype(np.float64) for values in (np.ones(len(x)), x, y))
    some = n > 0
    return sums[some] / n[some], n[some], events[some]


def _fit(y: Floats, x: Floats, knots: Floats, clusters: Ints) -> CalibrationFit:
    """Newton's method with halved steps, and the sandwich over clusters."""
    middle, n, events = _grouped(y, x)
    design = _design(middle, knots)
    beta = np.zeros(design.shape[1])
    beta[1] = 1.0  # the probabilities as they were said

    def likelihood(at: Floats) -> float:
        odds = design @ at
        return float((events * odds - n * np.logaddexp(0, odds)).sum())

    value = likelihood(beta)
    for _ in range(_MAX_STEPS):
        p = expit(design @ beta)
        information = (design * (n * p * (1 - p))[:, None]).T @ design
        try:
            step = np.linalg.solve(information, design.T @ (events - n * p))
        except np.linalg.LinAlgError:
            break
        size = 1.0
        while (new := likelihood(beta + size * step)) < value - 1e-12 * abs(value) and size > 1e-6:
            size /= 2
        beta, value = beta + size * step, new
        if np.abs(beta).max() > _MAX_COEFFICIENT:
            break
        if np.abs(size * step).max() < _TOLERANCE * (1 + np.abs(beta).max()):
            of_unit = _design(x, knots)
            scores = of_unit * (y - expit(of_unit @ beta))[:, None]
            covariance = sandwich(np.linalg.inv(information), scores, clusters, n_params=scores.shape[1])
            return CalibrationFit(knots, beta, covariance)
    raise NotConvergedError(
        "What happened cannot be set against the probabilities: they separate who had the event from who had not.",
        where=f"{len(y)} units",
        hint="Score more units.",
    )


def _checked(event: npt.ArrayLike, p: npt.ArrayLike, clusters: npt.ArrayLike | None) -> tuple[Floats, Floats, Ints]:
    y, said = np.asarray(event, dtype=np.float64), np.asarray(p, dtype=np.float64)
    groups = np.arange(len(y)) if clusters is None else np.asarray(clusters, dtype=np.int64)
    if y.ndim != 1 or y.shape != said.shape or y.shape != groups.shape:
        raise DataError(f"event has the shape {y.shape}, p {said.shape}, clusters {groups.shape}.")
    if not (np.isin(y, (0, 1)).all() and ((said >= 0) & (said <= 1)).all()):
        raise DataError("An event is neither 0 nor 1, or a probability is not within 0 to 1.")
    if not 0 < y.sum() < len(y):
        raise UndefinedMeasureError("Nobody had the event, or everybody.", hint="Score more units, or a longer time.")
    x = _log_odds(said)
    if np.ptp(x) < 1e-9:
        raise UndefinedMeasureError("All probabilities are equal: there is no slope.")
    return y, x, groups
