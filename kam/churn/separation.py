"""Separation: whether covariates tell those with the event from those without, so that estimates run off to infinity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from firthmodels import detect_separation
from scipy.special import expit

from kam.churn.logit import information

Floats = npt.NDArray[np.float64]


def find_separation(matrix: Floats, event: Floats, names: Sequence[str]) -> tuple[str, ...]:
    """Name the columns whose maximum-likelihood estimate is infinite; empty if there is no separation.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (rows, columns)
        Without the intercept; full rank.
    event : numpy.ndarray
        1 with the event, 0 without.
    names : sequence of str
        Names of the columns.

    Returns
    -------
    tuple of str
        In the order of the columns; ``("intercept",)`` if that alone is infinite.

    Notes
    -----
    Konis (2007), Linear programming algorithms for detecting separated data in binary logistic regression models, by
    ``firthmodels``. It is slow for many rows: try :func:`finite_estimates` first.

    Examples
    --------
    >>> x = np.arange(6.0)[:, None]
    >>> find_separation(x, np.array([0, 0, 0, 1, 1, 1.0]), ["x"])
    ('x',)
    >>> find_separation(x, np.array([0, 1, 0, 1, 0, 1.0]), ["x"])
    ()
    """
    found = detect_separation(matrix / _size(matrix), event)
    if not found.separation:
        return ()
    infinite = [name for name, finite in zip(names, found.is_finite[:-1], strict=True) if not finite]
    return tuple(infinite) or ("intercept",)


def finite_estimates(matrix: Floats, event: Floats) -> Floats | None:
    """Find the maximum-likelihood estimates, intercept first, if Newton's method shows that they are finite; else None.

    Along a separated direction the squared Newton decrement is about the sum of the fitted error probabilities of the separated
    rows, each at least exp(−largest |log-odds|); a decrement far below that is not on the way to infinity (Albert & Anderson
    1984: without separation the estimates exist and are unique).

    Examples
    --------
    >>> x, y = np.array([[0.0]] * 4 + [[1.0]] * 4), np.array([1, 0, 0, 0, 1, 1, 1, 0.0])
    >>> finite_estimates(x, y).round(4).tolist(), finite_estimates(x, x[:, 0]) is None
    ([-1.0986, 2.1972], True)
    """
    size = _size(matrix)
    full = np.column_stack([np.ones(len(matrix)), matrix / size])
    params = np.zeros(full.shape[1])
    for _ in range(30):
        log_odds = full @ params
        largest = float(np.abs(log_odds).max())
        if not largest < 30:
            return None
        p = expit(log_odds)
        gradient = full.T @ (event - p)
        try:
            step = np.linalg.solve(information(full, p), gradient)
        except np.linalg.LinAlgError:
            return None
        params = params + step
        if float(gradient @ step) < 0.01 * np.exp(-largest):
            return params / np.concatenate([[1.0], size])
    return None


def _size(matrix: Floats) -> Floats:
    size = np.sqrt((matrix**2).mean(axis=0))
    return np.asarray(np.where(size > 0, size, 1.0), dtype=np.float64)
