"""Ordinal logit with weights and errors clustered by account: the check of a regression that takes levels for numbers.

``statsmodels.miscmodels.OrderedModel`` takes no weights and no clusters, so the model is here; without weights it gives the
same estimates, and R's ``MASS::polr`` with them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit
from scipy.stats import chi2

from kam.errors import NotConvergedError, UndefinedMeasureError
from kam.stats.clusters import sandwich

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MIN_ON_A_SIDE = 20
"""Answers below and above a cut point without which it has no regression of its own."""
MOST_LEVELS = 11
_STEPS, _TOLERANCE = 60, 1e-9


@dataclass(frozen=True, eq=False, kw_only=True)
class OrdinalFit:
    """A proportional-odds model: logit P(y <= level k) = cut_k − x'slopes.

    Attributes
    ----------
    slopes, cuts : numpy.ndarray
        Shape (p,), log-odds of a higher level per unit; shape (levels − 1,), rising.
    std_errors : numpy.ndarray
        Shape (p,): of the slopes, clustered by account.
    log_likelihood : float
        Weighted.
    """

    slopes: Floats
    cuts: Floats
    std_errors: Floats
    log_likelihood: float


def fit_ordinal(levels: npt.ArrayLike, x: Floats, *, weights: Floats, account: Ints) -> OrdinalFit:
    """Fit a proportional-odds logit by Newton's method.

    Assumes (1) that a step in an item shifts the log-odds of a higher level alike at every cut point; (2) that accounts are
    independent of one another.

    Parameters
    ----------
    levels : array_like
        Shape (n,): the outcome; its distinct values are the levels.
    x : numpy.ndarray
        Shape (n, p), without a constant.
    weights : numpy.ndarray
        Shape (n,).
    account : numpy.ndarray
        Shape (n,): number of the account.

    Returns
    -------
    OrdinalFit

    Raises
    ------
    UndefinedMeasureError
        There are fewer than two levels.
    NotConvergedError
        The estimates do not settle: items tell levels apart without error.

    Notes
    -----
    McCullagh (1980), Journal of the Royal Statistical Society B 42(2). Errors are Huber's sandwich over accounts, with the
    factor G / (G − 1).
    """
    kinds, y = np.unique(np.asarray(levels, dtype=np.float64), return_inverse=True)
    if len(kinds) < 2:
        raise UndefinedMeasureError("An ordinal model needs two levels or more.", hint="Take another outcome.")
    p = x.shape[1]
    n_cuts = len(kinds) - 1
    mean, spread = x.mean(axis=0), x.std(axis=0)
    z = (x - mean) / np.where(spread > 0, spread, 1.0)
    at_most = np.cumsum(np.bincount(y, weights, minlength=len(kinds)))[:-1] / weights.sum()
    theta = np.concatenate([np.log(at_most / (1 - at_most)), np.zeros(p)])
    value = -np.inf
    for _ in range(_STEPS):
        trial, scores, information = _likelihood(theta, y, z, weights, n_cuts)
        try:
            step = np.linalg.solve(information, scores.sum(axis=0))
        except np.linalg.LinAlgError as error:
            raise _unsettled() from error
        gain = float(scores.sum(axis=0) @ step)
        if gain < _TOLERANCE * max(1.0, abs(trial)):
            value = trial
            break
        half = 1.0
        while _likelihood(theta + half * step, y, z, weights, n_cuts, value_only=True)[0] < trial and half > 1e-6:
            half /= 2
        theta = theta + half * step
        if np.abs(theta[n_cuts:]).max(initial=0) > 30:
            raise _unsettled()
    if not np.isfinite(value):
        raise _unsettled()
    covariance = sandwich(np.linalg.inv(information), scores, account)
    scale = np.where(spread > 0, spread, 1.0)
    slopes = theta[n_cuts:] / scale
    return OrdinalFit(
        slopes=slopes,
        cuts=theta[:n_cuts] + float(slopes @ mean),
        std_errors=np.sqrt(np.diagonal(covariance)[n_cuts:]) / scale,
        log_likelihood=value,
    )


def split_at_cuts(
    levels: npt.ArrayLike, x: Floats, *, weights: Floats, account: Ints
) -> tuple[Floats, Floats, Floats, Floats]:
    """Whether a step in an item counts alike at every cut point of the outcome: one logit for each, compared.

    Assumes (1) that accounts are independent of one another.

    Parameters
    ----------
    levels, x, weights, account
        As for :func:`fit_ordinal`.

    Returns
    -------
    cuts : numpy.ndarray
        Shape (c,): outcome above this level against not above; those with enough answers on either side.
    slopes : numpy.ndarray
        Shape (c, p): log-odds per unit at each.
    statistics, p_values : numpy.ndarray
        Shape (p + 1,): Wald tests that the slopes are alike, of each item and, last, of all.

    Raises
    ------
    UndefinedMeasureError
        Fewer than two cut points have :data:`MIN_ON_A_SIDE` answers on either side.
    NotConvergedError
        One of the logits does not settle.

    Notes
    -----
    Brant (1990), Biometrics 46(4), with the covariance of the logits from their scores summed over accounts in place of
    his, which takes answers for independent; with few accounts it rejects a little too often.
    """
    y = np.asarray(levels, dtype=np.float64)
    every = np.unique(y)[:-1]
    cuts = np.array([cut for cut in every if min((y > cut).sum(), (y <= cut).sum()) >= MIN_ON_A_SIDE])
    if len(cuts) < 2:
        raise UndefinedMeasureError(
            "Too few levels were given often enough to compare cut points.",
            where=f"{len(cuts)} cut points with {MIN_ON_A_SIDE} answers on either side",
        )
    p = x.shape[1]
    mean, spread = x.mean(axis=0), np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    z = (x - mean) / spread
    slopes, influence = [], []
    for cut in cuts:
        theta, pull = _fit_logit((y > cut).astype(np.float64), z, weights)
        slopes.append(theta[1:] / spread)
        influence.append(pull[:, 1:] / spread)
    found = np.array(slopes)
    stacked = np.hstack(influence)
    covariance = sandwich(np.eye(stacked.shape[1]), stacked, account)
    contrast = np.hstack([np.tile(-np.eye(p), (len(cuts) - 1, 1)), np.eye((len(cuts) - 1) * p)])
    difference = contrast @ found.ravel()
    between = contrast @ covariance @ contrast.T
    groups = [np.arange(len(cuts) - 1) * p + j for j in range(p)] + [np.arange((len(cuts) - 1) * p)]
    statistics = np.array([difference[g] @ np.linalg.pinv(between[np.ix_(g, g)]) @ difference[g] for g in groups])
    df = np.array([np.linalg.matrix_rank(between[np.ix_(g, g)]) for g in groups])
    return cuts, found, statistics, chi2.sf(statistics, df)


# -- inside ----------------------------------------------------------------------------------------------------------


def _likelihood(
    theta: Floats, y: Ints, z: Floats, weights: Floats, n_cuts: int, *, value_only: bool = False
) -> tuple[float, Floats, Floats]:
    """Log-likelihood, scores of each answer (n, c + p), and the negative of the second derivatives."""
    none = np.empty((0, 0))
    if (np.diff(theta[:n_cuts]) <= 0).any():
        return -np.inf, none, none
    line = z @ theta[n_cuts:]
    cuts = np.concatenate([[-np.inf], theta[:n_cuts], [np.inf]])
    above, below = expit(cuts[y + 1] - line), expit(cuts[y] - line)
    probability = np.maximum(above - below, 1e-300)
    value = float(weights @ np.log(probability))
    if value_only:
        return value, none, none
    density_above, density_below = above * (1 - above), below * (1 - below)
    upper = density_above / probability  # derivative of log p by the upper end
    lower = -density_below / probability
    n = len(y)
    ends = np.zeros((n, n_cuts))
    rows = np.arange(n)
    has_upper, has_lower = y < n_cuts, y > 0
    ends_upper, ends_lower = np.zeros_like(ends), np.zeros_like(ends)
    ends_upper[rows[has_upper], y[has_upper]] = 1.0
    ends_lower[rows[has_lower], y[has_lower] - 1] = 1.0
    by_upper, by_lower = np.hstack([ends_upper, -z]), np.hstack([ends_lower, -z])
    gradient = upper[:, None] * by_upper + lower[:, None] * by_lower
    scores = weights[:, None] * gradient
    # second derivatives of log p: by both ends of the interval
    bend_upper = weights * density_above * (1 - 2 * above) / probability
    bend_lower = -weights * density_below * (1 - 2 * below) / probability
    second = (by_upper * bend_upper[:, None]).T @ by_upper + (by_lower * bend_lower[:, None]).T @ by_lower
    return value, scores, gradient.T @ scores - second


def _fit_logit(y: Floats, z: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Coefficients of a weighted logit, the constant first, and the influence of each answer on them."""
    x = np.column_stack([np.ones(len(z)), z])
    theta = np.zeros(x.shape[1])
    for _ in range(_STEPS):
        p = expit(x @ theta)
        score = x * (weights * (y - p))[:, None]
        information = (x * (weights * p * (1 - p))[:, None]).T @ x
        try:
            step = np.linalg.solve(information, score.sum(axis=0))
        except np.linalg.LinAlgError as error:
            raise _unsettled() from error
        theta = theta + step * min(1.0, 5.0 / max(np.abs(step).max(), 1e-300))
        if np.abs(theta[1:]).max(initial=0) > 30:
            raise _unsettled()
        if np.abs(step).max() < 1e-8:
            return theta, np.linalg.solve(information, score.T).T
    raise _unsettled()


def _unsettled() -> NotConvergedError:
    return NotConvergedError(
        "The ordinal model does not settle: some items tell levels apart without error.", hint="Name fewer items."
    )
