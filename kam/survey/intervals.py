"""Intervals of design-based estimates: shares after Korn and Graubard, means by t, the net promoter score by adjusted Wald."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.special import betaincinv

from kam.errors import ParameterError

Floats = npt.NDArray[np.float64]
_NONE = 1e-12  # a variance below this share of that of a single answer is none


def effective_number(spread: Floats, variance: Floats, n_kish: Floats) -> Floats:
    """Answers of a simple random sample that would tell as much: their variance over that of the design.

    Where the answers do not differ, or the design leaves no error (all of a population answered), nothing can be compared, and
    Kish's number stands: (Σ weights)² / Σ weights².
    """
    compares = variance > _NONE * np.maximum(spread, _NONE)
    return np.where(compares, spread / np.where(compares, variance, 1.0), n_kish)


def korn_graubard_interval(
    share: npt.ArrayLike, n_effective: npt.ArrayLike, *, n: npt.ArrayLike, df: npt.ArrayLike, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Take Korn and Graubard's interval of a share: Clopper and Pearson's with the effective number of answers.

    Assumes (1) that the effective number is that of the design; (2) that the design's variance has about ``df`` degrees of
    freedom: the effective number is multiplied by (t_{n−1} / t_df)².

    Parameters
    ----------
    share : array_like
        Shares, 0 to 1.
    n_effective, n, df : array_like
        Effective number of answers, answers, and degrees of freedom; at least 1 of the last.
    level : float
        Level of each interval, between 0 and 1.

    Returns
    -------
    low, high : numpy.ndarray
        Shares.

    Raises
    ------
    ParameterError
        The level is not between 0 and 1.

    Notes
    -----
    Korn, E. L. & Graubard, B. I. (1998). Confidence intervals for proportions with small expected number of positive counts
    estimated from survey data. Survey Methodology 24(2). R: ``survey::svyciprop(method = "beta")``. Unlike R's, it has a value
    where nobody or everybody says so: the effective number is then Kish's.

    Examples
    --------
    A simple random sample: Clopper and Pearson's.

    >>> low, high = korn_graubard_interval([0.0, 0.3], 10, n=10, df=9)
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([0.0, 0.0667], [0.3085, 0.6525])
    """
    tail = _tail(level) / 2
    p, size, answers, freedom = np.broadcast_arrays(
        *(np.asarray(x, dtype=np.float64) for x in (share, n_effective, n, df))
    )
    t_srs, t_design = stats.t.isf(tail, np.maximum(answers - 1, 1)), stats.t.isf(tail, np.maximum(freedom, 1))
    adjusted = size * (t_srs / t_design) ** 2
    yes, no = adjusted * p, adjusted * (1 - p)
    low = np.where(p > 0, betaincinv(np.maximum(yes, 1e-9), no + 1, tail), 0.0)
    high = np.where(p < 1, betaincinv(yes + 1, np.maximum(no, 1e-9), 1 - tail), 1.0)
    return low, high


def t_interval(
    estimate: npt.ArrayLike, variance: npt.ArrayLike, *, df: npt.ArrayLike, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Take the interval estimate ± t_df √variance.

    Raises
    ------
    ParameterError
        The level is not between 0 and 1.
    """
    middle = np.asarray(estimate, dtype=np.float64)
    half = stats.t.isf(_tail(level) / 2, np.maximum(np.asarray(df, dtype=np.float64), 1)) * np.sqrt(variance)
    return middle - half, middle + half


def adjusted_wald_interval(
    promoters: npt.ArrayLike, detractors: npt.ArrayLike, n_effective: npt.ArrayLike, *, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Take the adjusted Wald interval of a net promoter score: three answers are added, ¾ each to the ends.

    Parameters
    ----------
    promoters, detractors : array_like
        Shares, 0 to 1.
    n_effective : array_like
        Effective number of answers.
    level : float
        Level of each interval, between 0 and 1.

    Returns
    -------
    low, high : numpy.ndarray
        From −1 to 1: not yet times 100.

    Raises
    ------
    ParameterError
        The level is not between 0 and 1.

    Notes
    -----
    Rocks, B. (2016). Interval estimation for the "Net Promoter Score". The American Statistician 70(4).

    Examples
    --------
    120 promoters, 45 passives, 30 detractors.

    >>> low, high = adjusted_wald_interval(120 / 195, 30 / 195, 195)
    >>> round(100 * float(low), 2), round(100 * float(high), 2)
    (35.04, 55.86)
    """
    p, d, n = (np.asarray(x, dtype=np.float64) for x in (promoters, detractors, n_effective))
    p, d = (p * n + 0.75) / (n + 3), (d * n + 0.75) / (n + 3)
    half = stats.norm.isf(_tail(level) / 2) * np.sqrt(np.maximum(p + d - (p - d) ** 2, 0.0) / (n + 3))
    return np.clip(p - d - half, -1.0, 1.0), np.clip(p - d + half, -1.0, 1.0)


def share_interval(
    share: float, variance: float, sizes: Floats, level: float, *, n_answers: int | None = None
) -> tuple[float, float]:
    """Korn and Graubard's interval of a weighted share over accounts.

    Parameters
    ----------
    share, variance : float
        The share, and its variance over accounts.
    sizes : numpy.ndarray
        What each account counts for, above 0.
    level : float
    n_answers : int, optional
        Answers behind it, by default one of each account: the effective number is at most that.

    Examples
    --------
    >>> tuple(round(end, 4) for end in share_interval(0.3, 0.3 * 0.7 / 10, np.ones(10), 0.95))
    (0.0667, 0.6525)
    """
    n = len(sizes) if n_answers is None else n_answers
    kish = np.asarray(sizes.sum() ** 2 / (sizes**2).sum())
    effective = np.minimum(effective_number(np.asarray(share * (1 - share)), np.asarray(variance), kish), n)
    low, high = korn_graubard_interval(share, effective, n=n, df=max(len(sizes) - 1, 1), level=level)
    return float(low), float(high)


def check_level(level: float) -> None:
    """Raise :class:`~kam.errors.ParameterError` unless the level of an interval is between 0 and 1."""
    if not 0 < level < 1:
        raise ParameterError(f"The level of an interval is {level}, which is not between 0 and 1.", hint="Use 0.95.")


# -- inside ----------------------------------------------------------------------------------------------------------


def _tail(level: float) -> float:
    check_level(level)
    return round(1 - level, 12)
