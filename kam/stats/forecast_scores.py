"""How good forecasts of an event are: ranking (AUC), size of the error (log loss, Brier), and what the highest scores find.

Every score takes weights, one row per bootstrap sample, so that a chunk of resamples is one call.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kam.errors import DataError, ParameterError, UndefinedMeasureError

Floats = npt.NDArray[np.float64]

CLIP = 1e-6
"""A probability counts as at least this and at most 1 less this, where its logarithm is taken."""
TOP_SHARE = 0.2
"""Share of the buyers who are the top buyers."""


def auc(event: npt.ArrayLike, p: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Floats:
    """Take the area under the ROC curve: how often, of two units, the one with the event has the higher score; ties half.

    Assumes (1) that only the order of the scores matters.

    Parameters
    ----------
    event : array_like of bool, shape (n,)
        Who had the event.
    p : array_like, shape (n,)
        Probability or score: higher for who is to have it.
    weights : array_like, shape (n,) or (n_resamples, n), optional
        How often each unit counts; by default once.

    Returns
    -------
    numpy.ndarray
        Between 0 and 1, one per row of weights.

    Raises
    ------
    UndefinedMeasureError
        Nobody had the event, or everybody.
    DataError
        The arrays do not fit each other, or a value is missing.

    Notes
    -----
    Hanley & McNeil (1982), Radiology 143: the Mann–Whitney statistic.

    Examples
    --------
    >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).item()
    0.75
    """
    y, score, w = _checked(event, p, weights)
    order, starts = _tie_groups(score)
    ordered = w[..., order]
    had = np.add.reduceat(ordered * y[order], starts, axis=-1)
    not_had = np.add.reduceat(ordered * (1 - y[order]), starts, axis=-1)
    below = np.cumsum(not_had, axis=-1) - not_had / 2
    pairs = had.sum(axis=-1) * not_had.sum(axis=-1)
    return np.asarray((had * below).sum(axis=-1) / _some(pairs, "Nobody had the event, or everybody."))


def placements(event: npt.ArrayLike, p: npt.ArrayLike) -> Floats:
    """Say of each unit which share of the units of the other kind its score is right against; ties half.

    The mean over the units with the event is the AUC, and so is that over those without. They carry what sampling does to the
    AUC: for weights w, ``AUC(w) ≈ mean_w(events) + mean_w(others) − AUC``, but for a term of order 1/n.

    Parameters
    ----------
    event : array_like of bool, shape (n,)
        Who had the event.
    p : array_like, shape (n,)
        Probability or score.

    Returns
    -------
    numpy.ndarray, shape (n,)
        Between 0 and 1.

    Raises
    ------
    UndefinedMeasureError
        Nobody had the event, or everybody.
    DataError
        The arrays do not fit each other, or a value is missing.

    Notes
    -----
    The structural components of DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44; sums of them within clusters give the
    variance for clustered data (Obuchowski 1997, Biometrics 53).

    Examples
    --------
    >>> placements([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]).tolist()
    [1.0, 0.5, 0.5, 1.0]
    """
    y, score, _ = _checked(event, p, None)
    had, not_had = np.sort(score[y == 1]), np.sort(score[y == 0])
    _some(np.array(len(had) * len(not_had)), "Nobody had the event, or everybody.")

    def mean_rank(among: Floats) -> Floats:
        return (np.searchsorted(among, score, "left") + np.searchsorted(among, score, "right")) / (2 * len(among))

    return np.where(y == 1, mean_rank(not_had), 1 - mean_rank(had))


def log_losses(event: npt.ArrayLike, p: npt.ArrayLike) -> Floats:
    """Take the surprise at what happened to each unit, −log of the probability it had; probabilities are clipped at 1e-6.

    Raises
    ------
    DataError
        The arrays do not fit each other, a value is missing, or a probability lies outside 0 to 1.

    Examples
    --------
    >>> log_losses([1, 0], [0.5, 0.9]).round(4).tolist()
    [0.6931, 2.3026]
    """
    y, probability, _ = _checked(event, p, None, probability=True)
    return -np.log(np.clip(np.where(y == 1, probability, 1 - probability), CLIP, 1 - CLIP))


def log_loss(event: npt.ArrayLike, p: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Floats:
    """Take the mean log loss; shapes, returns and errors as :func:`auc`, and a probability must lie within 0 to 1.

    Notes
    -----
    Good (1952), JRSS B 14: the logarithmic score, which no forecast but the true probability makes least.

    Examples
    --------
    >>> log_loss([1, 0], [0.5, 0.9]).round(4).item()
    1.4979
    """
    _, _, w = _checked(event, p, weights)
    return _mean(log_losses(event, p), w)


def brier(event: npt.ArrayLike, p: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Floats:
    """Take the mean squared error of probabilities; shapes, returns and errors as :func:`log_loss`.

    Notes
    -----
    Brier (1950), Monthly Weather Review 78.

    Examples
    --------
    >>> brier([1, 0], [0.5, 0.9]).round(4).item()
    0.53
    """
    y, probability, w = _checked(event, p, weights, probability=True)
    return _mean((y - probability) ** 2, w)


def observed_over_expected(event: npt.ArrayLike, p: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Floats:
    """Take the number of events over the sum of their probabilities; shapes, returns and errors as :func:`log_loss`.

    Examples
    --------
    >>> observed_over_expected([1, 0, 1], [0.5, 0.5, 0.6]).item()
    1.25
    """
    y, probability, w = _checked(event, p, weights, probability=True)
    expected = _some((w * probability).sum(axis=-1), "No event was expected.")
    return np.asarray((w * y).sum(axis=-1) / expected)


def called(score: npt.ArrayLike, n_called: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Floats:
    """Say who is among the highest scores; equal scores at the cut share what is left.

    Parameters
    ----------
    score : array_like, shape (n,)
        Higher is called earlier.
    n_called : array_like
        How many (weighted) units are called; a number, or one per row of weights.
    weights : array_like, shape (n,) or (n_resamples, n), optional
        How often each unit counts; by default once.

    Returns
    -------
    numpy.ndarray
        Share of each unit that is called, in the shape of the weights.

    Raises
    ------
    DataError
        The arrays do not fit each other, or a value is missing.

    Examples
    --------
    >>> called([9, 5, 5, 1], 2).tolist()
    [1.0, 0.5, 0.5, 0.0]
    """
    _, values, w = _checked(np.zeros(np.shape(score)), score, weights)
    order, starts = _tie_groups(-values)
    of_group = np.add.reduceat(w[..., order], starts, axis=-1)
    left = np.asarray(n_called, dtype=np.float64)[..., None] - (np.cumsum(of_group, axis=-1) - of_group)
    share = np.clip(np.divide(left, of_group, out=np.zeros(of_group.shape), where=of_group > 0), 0, 1)
    sizes = np.diff(np.append(starts, len(order)))
    credit = np.empty(w.shape)
    credit[..., order] = np.repeat(share, sizes, axis=-1)
    return credit


def gains(amount: npt.ArrayLike, score: npt.ArrayLike, shares_called: npt.ArrayLike) -> Floats:
    """Take which share of an amount the highest scores hold, by share of the units called: the cumulative gains curve.

    Parameters
    ----------
    amount : array_like, shape (n,)
        What is looked for: 1 for who had the event, or money.
    score : array_like, shape (n,)
        Higher is called earlier; equal scores at a cut share what is left.
    shares_called : array_like
        Shares of the units that are called, 0 to 1.

    Returns
    -------
    numpy.ndarray
        Between 0 and 1, in the shape of ``shares_called``.

    Raises
    ------
    ParameterError
        A share is not between 0 and 1.
    UndefinedMeasureError
        There is nothing to find.
    DataError
        The arrays do not fit each other, a value is missing, or an amount is negative.

    Examples
    --------
    >>> gains([0, 100, 0, 300], [0.1, 0.4, 0.35, 0.8], [0.25, 0.5]).tolist()
    [0.75, 1.0]
    """
    share = np.asarray(shares_called, dtype=np.float64)
    if not ((share >= 0) & (share <= 1)).all():
        raise ParameterError(
            f"A share that is called is {share.min()} or {share.max()}.", hint="Give shares between 0 and 1."
        )
    held, values, _ = _checked(amount, score, None, name="amount")
    if (held < 0).any():
        raise DataError("An amount to be found is negative.", hint="Leave credit notes out.")
    total = _some(held.sum(), "There is nothing to find.")
    order, starts = _tie_groups(-values)
    n_called = np.append(starts, len(order))
    found = np.append(0.0, np.cumsum(np.add.reduceat(held[order], starts)))
    return np.asarray(np.interp(share * len(order), n_called, found) / total)


def top_buyers_named(revenue: npt.ArrayLike, expected: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Floats:
    """Take which share of the top fifth of the buyers as many highest forecasts name; ties by fractional credit.

    The truth is the top ``⌈0.2 × buyers⌉`` by revenue, as many are named by expected revenue; equal values at either cut share
    what is left.

    Parameters
    ----------
    revenue : array_like, shape (n,)
        What each brought; who brought something is a buyer.
    expected : array_like, shape (n,)
        What each was expected to bring.
    weights : array_like, shape (n,) or (n_resamples, n), optional
        How often each unit counts; by default once.

    Returns
    -------
    numpy.ndarray
        Between 0 and 1, one per row of weights.

    Raises
    ------
    UndefinedMeasureError
        Nobody bought.
    DataError
        The arrays do not fit each other, or a value is missing.

    Examples
    --------
    >>> top_buyers_named([0, 10, 20, 30, 40, 50], [0, 1, 5, 2, 2, 4]).item()
    0.0
    >>> top_buyers_named([0, 10, 20, 30, 40, 50], [0, 1, 5, 2, 2, 5]).item()
    0.5
    """
    bought, score, w = _checked(revenue, expected, weights, name="revenue")
    buyers = _some((w * (bought > 0)).sum(axis=-1), "Nobody bought anything.")
    n_top = np.ceil(TOP_SHARE * buyers)
    return np.asarray((w * called(bought, n_top, w) * called(score, n_top, w)).sum(axis=-1) / n_top)


# -- inside ----------------------------------------------------------------------------------------------------------


def _tie_groups(score: Floats) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The order of the scores, lowest first, and where in it each new value begins."""
    order = np.argsort(score, kind="stable")
    return order, np.flatnonzero(np.diff(score[order], prepend=-np.inf) > 0)


def _mean(values: Floats, w: Floats) -> Floats:
    return np.asarray((w * values).sum(axis=-1) / _some(w.sum(axis=-1), "There is nothing to score."))


def _some(total: Floats, otherwise: str) -> Floats:
    if (np.asarray(total) <= 0).any():
        raise UndefinedMeasureError(otherwise, hint="Score more units, or a longer time.")
    return total


def _checked(
    event: npt.ArrayLike,
    p: npt.ArrayLike,
    weights: npt.ArrayLike | None,
    *,
    probability: bool = False,
    name: str = "event",
) -> tuple[Floats, Floats, Floats]:
    y, score = np.asarray(event, dtype=np.float64), np.asarray(p, dtype=np.float64)
    w = np.ones(score.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    if y.ndim != 1 or y.shape != score.shape or w.shape[-1:] != y.shape or w.ndim > 2:
        raise DataError(f"{name} has the shape {y.shape}, the scores {score.shape}, the weights {w.shape}.")
    if not y.size:
        raise UndefinedMeasureError("There is nothing to score.")
    bad = ~(np.isfinite(y) & np.isfinite(score))
    if bad.any():
        raise DataError(f"{name} or score is missing.", where=f"place {int(bad.argmax())}, counted from 0")
    outside = (score < 0) | (score > 1)
    if probability and outside.any():
        at = int(outside.argmax())
        raise DataError(f"A probability is {score[at]}.", where=f"place {at}, counted from 0", hint="Give 0 to 1.")
    return y, score, w
