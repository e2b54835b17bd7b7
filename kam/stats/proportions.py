"""Intervals of proportions: of one, and of all cells of a multinomial or of a matrix of transitions at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, chdtri

from kam.errors import ParameterError, UndefinedMeasureError

Floats = npt.NDArray[np.float64]


def wilson_interval(n_success: npt.ArrayLike, n: npt.ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """Take Wilson's interval of a binomial proportion.

    Assumes (1) that the trials are independent and have the same probability.

    Parameters
    ----------
    n_success, n : array_like
        Successes and trials, broadcast against each other.
    level : float
        Level of each interval, between 0 and 1.

    Returns
    -------
    low, high : numpy.ndarray
        Shares, in the shape of the inputs together.

    Raises
    ------
    ParameterError
        The level is not between 0 and 1, or a count is negative or above its number of trials.
    UndefinedMeasureError
        Somewhere there is no trial.

    Notes
    -----
    Wilson (1927), Journal of the American Statistical Association 22: the shares that the score test does not reject.

    Examples
    --------
    >>> low, high = wilson_interval([0, 5], 10)
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([0.0, 0.2366], [0.2775, 0.7634])
    """
    x, trials = _checked(n_success, n)
    return _score_interval(x, trials, float(chdtri(1, _tail(level))))


def jeffreys_interval(n_success: npt.ArrayLike, n: npt.ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """Take Jeffreys's interval of a binomial proportion: equal tails of the posterior Beta(x + ½, n − x + ½).

    Where no trial succeeds the low end is 0, where all do the high end is 1 (Brown, Cai & DasGupta 2001).

    Assumes (1) that the trials are independent and have the same probability.

    Parameters
    ----------
    n_success, n : array_like
        Successes and trials, broadcast against each other.
    level : float
        Level of each interval, between 0 and 1.

    Returns
    -------
    low, high : numpy.ndarray
        Shares, in the shape of the inputs together.

    Raises
    ------
    ParameterError
        The level is not between 0 and 1, or a count is negative or above its number of trials.
    UndefinedMeasureError
        Somewhere there is no trial.

    Notes
    -----
    Brown, Cai & DasGupta (2001), Statistical Science 16(2), section 4.

    Examples
    --------
    >>> low, high = jeffreys_interval([0, 5], 10)
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([0.0, 0.2235], [0.2172, 0.7765])
    """
    x, trials = _checked(n_success, n)
    tail = _tail(level) / 2
    low = np.where(x == 0, 0.0, betaincinv(x + 0.5, trials - x + 0.5, tail))
    high = np.where(x == trials, 1.0, betaincinv(x + 0.5, trials - x + 0.5, 1 - tail))
    return low, high


def goodman_interval(
    counts: npt.ArrayLike, level: float = 0.95, *, allowed: npt.ArrayLike | None = None
) -> tuple[Floats, Floats]:
    """Take Goodman's simultaneous intervals of all probabilities of a multinomial, or of all rows of a matrix.

    All intervals together hold with the level: the risk 1 − level is shared evenly among the comparisons (Bonferroni). A row
    with k > 2 attainable cells makes k comparisons; with two it makes **one**, since one probability is the other's
    complement and the intervals hold or fail together; a row with one attainable cell makes none, and its interval is
    [1, 1]. Structural zeros are no comparisons, and their interval is [0, 0]: cells that cannot be reached and are not
    declared make all others needlessly wide.

    Assumes (1) that rows are independent multinomials, as the rows of a Markov chain's counts are for large counts.

    Parameters
    ----------
    counts : array_like
        One multinomial, shape (S,), or a matrix with one per row, shape (R, S).
    level : float
        Joint level of all intervals of the array, between 0 and 1.
    allowed : array_like of bool, optional
        In the shape of the counts; False is a structural zero.

    Returns
    -------
    low, high : numpy.ndarray
        Shares, in the shape of the counts.

    Raises
    ------
    ParameterError
        The level is not between 0 and 1, the counts are neither a row nor a matrix, one is negative, or a structural zero
        was seen.
    UndefinedMeasureError
        A row is empty.

    Notes
    -----
    Goodman (1965), Technometrics 7(2): Wilson's interval with χ²₁(1 − α/k) in place of z², k the number of comparisons. At
    levels as high as 1 − α/k its low ends are far too high for counts of a few (one success out of many is called
    impossible at an expected 0.08), so an end does not go beyond the exact binomial limit of one-sided risk α/k, as Brown,
    Cai & DasGupta (2001, section 4.1.1) mend Wilson's. Ends of larger counts are Goodman's to the last digit. Over chains of
    3 to 8 states and 100 to 5,000 customers the joint coverage at 95 % is then 95 to 97 %, where it is 87 to 96 % without;
    a small version is in ``tests/stats/test_proportions.py``.

    Examples
    --------
    Two cells need one interval, Wilson's.

    >>> low, high = goodman_interval([[50, 50]])
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([[0.4038, 0.4038]], [[0.5962, 0.5962]])
    >>> wilson_interval(50, 100)[0].round(4).tolist()
    0.4038
    """
    x = np.asarray(counts, dtype=np.float64)
    if x.ndim not in (1, 2):
        raise ParameterError(f"The counts have the shape {x.shape}.", hint="Give a row of counts or a matrix.")
    cells = np.ones(x.shape, dtype=bool) if allowed is None else np.asarray(allowed, dtype=bool)
    if cells.shape != x.shape:
        raise ParameterError(f"Allowed has the shape {cells.shape}, the counts have {x.shape}.", hint="Give one shape.")
    if (x * ~cells).any():
        raise ParameterError("A structural zero was seen.", where=f"cell {_first(x * ~cells)}, counted from 0")
    x, n = _checked(x, x.sum(axis=-1, keepdims=True))
    tail = _tail(level)
    n_cells = cells.sum(axis=-1, keepdims=True)
    n_comparisons = int(np.where(n_cells > 2, n_cells, n_cells - 1).sum())
    risk = tail / max(n_comparisons, 1)
    low, high = _score_interval(x, n, float(chdtri(1, risk)))
    low = np.minimum(low, betaincinv(np.maximum(x, 1), n - x + 1, risk))
    high = np.maximum(high, 1 - betaincinv(np.maximum(n - x, 1), x + 1, risk))
    certain = cells & (n_cells == 1)
    return np.where(certain, 1.0, low * cells), np.where(certain, 1.0, high * cells)


# -- inside ----------------------------------------------------------------------------------------------------------


def _score_interval(x: Floats, n: Floats, z2: float) -> tuple[Floats, Floats]:
    """Where the score statistic (x − n p)² / (n p (1 − p)) is at most z²."""
    middle = x + z2 / 2
    half = np.sqrt(z2 * (z2 / 4 + x * (n - x) / n))
    low = np.where(x == 0, 0.0, (middle - half) / (n + z2))
    high = np.where(x == n, 1.0, (middle + half) / (n + z2))
    return low, high


def _tail(level: float) -> float:
    if not 0 < level < 1:
        raise ParameterError(f"The level of an interval is {level}, which is not between 0 and 1.", hint="Use 0.95.")
    return round(1 - level, 12)


def _checked(n_success: npt.ArrayLike, n: npt.ArrayLike) -> tuple[Floats, Floats]:
    x, trials = np.broadcast_arrays(np.asarray(n_success, dtype=np.float64), np.asarray(n, dtype=np.float64))
    if not ((x >= 0) & (x <= trials) & np.isfinite(trials)).all():
        raise ParameterError(
            "A count is negative, missing or above its number of trials.",
            where=f"cell {_first(~((x >= 0) & (x <= trials) & np.isfinite(trials)))}, counted from 0",
            hint="Give successes and trials.",
        )
    if (trials == 0).any():
        raise UndefinedMeasureError(
            "A share of no trials has no value.",
            where=f"cell {_first(trials == 0)}, counted from 0",
            hint="Leave out what was never tried.",
        )
    return x, trials


def _first(where: npt.NDArray[np.generic]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(where)[0])
