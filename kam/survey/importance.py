"""How much of what is explained falls to each of several correlated drivers: LMG and relative weights.

Both divide R² without remainder among the drivers, and both need the covariance matrix alone, so that a bootstrap of a
thousand matrices is one call. What :func:`lmg` says of its arguments is true of :func:`johnson`, too.
"""

from __future__ import annotations

from functools import lru_cache
from math import factorial

import numpy as np
import numpy.typing as npt

from kam.errors import ModelError, ParameterError

Floats = npt.NDArray[np.float64]

MOST_DRIVERS = 18
"""LMG looks at every subset: with more there are too many."""
_CELLS = 1 << 18  # subsets × matrices in a chunk: what the cache holds
_SINGULAR = 1e-10


def lmg(covariance: npt.ArrayLike) -> Floats:
    """Divide R² among the drivers: for each, what it adds to R², averaged over all orders in which drivers can enter.

    Assumes (1) that the outcome is described by a line in the drivers; (2) that no driver is a combination of the others.

    Parameters
    ----------
    covariance : array_like
        Shape (..., p + 1, p + 1): covariance or correlation matrices of p drivers and, last, the outcome.

    Returns
    -------
    numpy.ndarray
        Shape (..., p), not negative; the sum over the drivers is R².

    Raises
    ------
    ParameterError
        The matrices are not square, hold no driver or more than :data:`MOST_DRIVERS`.
    ModelError
        A matrix is singular: a driver is a combination of others, or the outcome does not vary.

    Notes
    -----
    Lindeman, Merenda & Gold (1980), Introduction to Bivariate and Multivariate Analysis, p. 119 ff.; it is the Shapley value
    of R². The residual variances of all 2^p subsets come from sweeping one driver after the other: step k keeps, for each
    subset of the first k drivers, the covariance of the others given that subset, which halves at each step what is left to
    do; about 8 · 2^p numbers a matrix in all.

    Examples
    --------
    Two drivers: half of (what each explains alone + what it adds to the other).

    >>> lmg([[1.0, 0.5, 0.6], [0.5, 1.0, 0.6], [0.6, 0.6, 1.0]]).round(4).tolist()
    [0.24, 0.24]
    """
    scaled = _scaled(covariance)
    p = scaled.shape[-1] - 1
    flat = scaled.reshape(-1, p + 1, p + 1)
    weights = _shapley_weights(p)
    step = max(1, _CELLS >> p)
    parts = [_residual_variances(flat[at : at + step]) @ weights for at in range(0, len(flat), step)]
    return np.concatenate(parts).reshape(*scaled.shape[:-2], p)


def johnson(covariance: npt.ArrayLike) -> Floats:
    """Divide R² among the drivers by relative weights: through the uncorrelated variables that are closest to the drivers.

    Assumes what :func:`lmg` assumes.

    Parameters
    ----------
    covariance : array_like
        As for :func:`lmg`, of any number of drivers.

    Returns
    -------
    numpy.ndarray
        As of :func:`lmg`.

    Raises
    ------
    ParameterError, ModelError
        As :func:`lmg`, but for the number of drivers.

    Notes
    -----
    Johnson (2000), Multivariate Behavioral Research 35(1), equations 4 to 9: with Λ = R^½, weights Λ² (Λ⁻¹ r)².

    Examples
    --------
    >>> johnson([[1.0, 0.5, 0.6], [0.5, 1.0, 0.6], [0.6, 0.6, 1.0]]).round(4).tolist()
    [0.24, 0.24]
    """
    scaled = _scaled(covariance, most=None)
    values, vectors = np.linalg.eigh(scaled[..., :-1, :-1])
    root = (vectors * np.sqrt(values)[..., None, :]) @ np.swapaxes(vectors, -1, -2)
    slopes = np.linalg.solve(root, scaled[..., :-1, -1:])
    shares: Floats = (root**2 @ slopes**2)[..., 0]
    return shares


# -- inside ----------------------------------------------------------------------------------------------------------


def _scaled(covariance: npt.ArrayLike, *, most: int | None = MOST_DRIVERS) -> Floats:
    """Correlation matrices, checked."""
    given = np.asarray(covariance, dtype=np.float64)
    if given.ndim < 2 or given.shape[-1] != given.shape[-2] or given.shape[-1] < 2:
        raise ParameterError(
            f"The covariance has the shape {given.shape}.", hint="Give square matrices: the drivers, then the outcome."
        )
    p = given.shape[-1] - 1
    if most is not None and p > most:
        raise ParameterError(
            f"There are {p} drivers: LMG looks at every subset of them.", hint=f"Give at most {most}, or use johnson."
        )
    variance = np.diagonal(given, axis1=-2, axis2=-1)
    if not (np.isfinite(given).all() and (variance > 0).all()):
        raise ModelError("A driver or the outcome does not vary.", hint="Leave out what does not vary.")
    scale = 1 / np.sqrt(variance)
    scaled = given * scale[..., :, None] * scale[..., None, :]
    if np.linalg.eigvalsh(scaled[..., :-1, :-1])[..., 0].min() < _SINGULAR:
        raise ModelError("A driver is a combination of others.", hint="Leave one of them out.")
    return scaled


def _residual_variances(scaled: Floats) -> Floats:
    """Variance of the outcome given each subset of the drivers, shape (matrices, 2^p); bit k: the k-th is in."""
    n, m = len(scaled), scaled.shape[-1]
    # rows[i][j]: covariance of the i-th and the (i + j)-th variable left, given each subset; shape (2^k n,)
    rows: list[Floats] = [np.ascontiguousarray(scaled[:, i, i:].T) for i in range(m)]
    for _ in range(m - 1):
        size = rows[0].shape[1]
        first = rows[0]
        slope = first[1:] / first[0]
        after = []
        for i in range(1, len(rows)):
            both = np.empty((rows[i].shape[0], 2 * size))
            both[:, :size] = rows[i]
            inside = both[:, size:]
            np.multiply(slope[i - 1 :], first[i], out=inside)
            np.subtract(rows[i], inside, out=inside)
            after.append(both)
        rows = after
    p = m - 1
    return rows[0][0].reshape(1 << p, n).T


@lru_cache(maxsize=2)
def _shapley_weights(p: int) -> Floats:
    """What the residual variance of each subset counts for in each driver's share, shape (2^p, p)."""
    subsets = np.arange(1 << p)
    inside = (subsets[:, None] >> np.arange(p)) & 1
    size = inside.sum(axis=1)
    weight = np.array([factorial(k) * factorial(p - 1 - k) / factorial(p) for k in range(p)])
    return np.where(inside, -weight[np.maximum(size - 1, 0)][:, None], weight[np.minimum(size, p - 1)][:, None])
