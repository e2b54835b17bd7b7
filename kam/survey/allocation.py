"""How many accounts to draw in each stratum."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kam.errors import ParameterError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_LEAST = 1e-6  # a stratum whose values do not differ gets what the others cannot take


def allocate(n: int, size: npt.ArrayLike, *, spread: npt.ArrayLike | None = None, min_per_stratum: int = 2) -> Ints:
    """Share a sample out to strata, in proportion to their size or to size times spread.

    Each stratum gets ``min_per_stratum`` at least (all of it, where it is smaller) and all of it at most; what a limit takes or
    leaves, the others share in the same proportion. Fractions go to the largest remainders.

    Parameters
    ----------
    n : int
        Accounts to draw in all.
    size : array_like of int
        Shape (strata,): accounts in each, at least 1.
    spread : array_like, optional
        Shape (strata,): standard deviation in each, not negative (Neyman's allocation); by default alike (proportional).
    min_per_stratum : int
        At least so many in each.

    Returns
    -------
    numpy.ndarray of int
        Shape (strata,); the sum is ``n``.

    Raises
    ------
    ParameterError
        The strata cannot hold n, or the least of each is more than n.

    Notes
    -----
    Neyman (1934), Cochran (1977) equation 5.26: n_h = n N_h S_h / Σ N_h S_h; that no stratum gives more than it has: section
    5.8; largest remainders: Hamilton.

    Examples
    --------
    >>> allocate(10, [50, 30, 20]).tolist(), allocate(10, [50, 30, 20], spread=[1, 1, 4]).tolist()
    ([5, 3, 2], [3, 2, 5])
    """
    upper = np.asarray(size, dtype=np.float64)
    lower = np.minimum(float(min_per_stratum), upper)
    if not lower.sum() <= n <= upper.sum():
        raise ParameterError(
            f"{n} cannot be drawn from {len(upper)} strata of {int(upper.sum())} accounts, {min_per_stratum} at least from each.",
            hint=f"Draw {int(lower.sum())} to {int(upper.sum())}, or lower min_per_stratum.",
        )
    scale = np.ones_like(upper) if spread is None else np.asarray(spread, dtype=np.float64)
    weight = upper * (np.maximum(scale / scale.max(), _LEAST) if scale.max() > 0 else 1.0)
    exact = _within(n, weight, lower, upper)
    whole = np.floor(exact + 1e-9)
    rest = n - int(whole.sum())
    first = np.argsort(-(exact - whole), kind="stable")[:rest]
    whole[first] += 1
    return whole.astype(np.int64)


def _within(n: int, weight: Floats, lower: Floats, upper: Floats) -> Floats:
    """λ weight cut to the limits, with the λ at which the sum is n: the sum is piecewise linear in λ and rises."""
    bends = np.unique(np.concatenate([lower / weight, upper / weight]))
    sums = np.clip(bends[:, None] * weight, lower, upper).sum(axis=1)
    factor = float(np.interp(n, sums, bends))
    return np.clip(factor * weight, lower, upper)
