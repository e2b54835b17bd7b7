"""Resampling that several analyses share: weights, blocks of periods, intervals. Every draw takes an explicit seed.

A bootstrap sample of n units is kept as its *weights*: how often each unit was drawn. A measure that takes weights then
needs no copy of the data, and a chunk of resamples is one matrix product.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from kam.errors import ParameterError, UndefinedMeasureError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CELLS = 2_000_000
"""A chunk holds at most this many numbers (16 MB), and at least one resample."""


def check_whole(name: str, value: object, *, at_least: int) -> None:
    """Raise :class:`~kam.errors.ParameterError` unless a number of resamples or a seed is whole and large enough."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < at_least:
        raise ParameterError(f"{name} is {value!r}.", hint=f"Give a whole number, at least {at_least}.")


def bootstrap_weights(n: int, n_resamples: int, seed: int) -> Iterator[Ints]:
    """Draw how often each of n units (customers, say) stands in each bootstrap sample, in chunks of bounded memory.

    Assumes (1) that the units are exchangeable and independent of one another.

    Parameters
    ----------
    n : int
        Number of units, at least 1.
    n_resamples : int
        Number of bootstrap samples, at least 1.
    seed : int
        The same seed gives the same draws.

    Yields
    ------
    numpy.ndarray
        Whole numbers, shape (resamples of this chunk, n); every row sums to n. The chunks together have ``n_resamples``
        rows.

    Raises
    ------
    ParameterError
        ``n`` or ``n_resamples`` is below 1.

    Notes
    -----
    Efron (1979): a sample of size n with replacement, that is multinomial counts with equal probabilities.

    Examples
    --------
    >>> values = np.array([1.0, 2.0, 6.0])
    >>> means = np.concatenate([weights @ values / 3 for weights in bootstrap_weights(3, 1000, seed=1)])
    >>> means.shape, bool(abs(means.mean() - 3) < 0.2)
    ((1000,), True)
    """
    check_whole("seed", seed, at_least=0)
    return _chunks_of_weights(n, chunk_sizes(n_resamples, n), np.random.default_rng(seed))


def _chunks_of_weights(n: int, chunks: list[int], rng: np.random.Generator) -> Iterator[Ints]:
    for rows in chunks:
        drawn = rng.integers(n, size=(rows, n)) + n * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n)


def chunk_sizes(n_rows: int, n_columns: int, *, cells: int = CELLS) -> list[int]:
    """Cut rows into chunks, so that each holds at most ``cells`` numbers, but at least one row.

    Examples
    --------
    >>> chunk_sizes(10, 300, cells=1000)
    [3, 3, 3, 1]
    """
    if n_rows < 1 or n_columns < 1:
        raise ParameterError(f"There are {n_rows} resamples of {n_columns} units.", hint="Both must be at least 1.")
    rows = max(1, cells // n_columns)
    whole, rest = divmod(n_rows, rows)
    return [rows] * whole + ([rest] if rest else [])


def percentile_interval(draws: npt.ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """Take the percentile interval of the bootstrap draws of one measure.

    Assumes (1) that the draws scatter around the estimate as the estimate does around the truth (no strong bias).

    Parameters
    ----------
    draws : array_like
        Shape (n_resamples,).
    level : float
        Level of the interval, between 0 and 1.

    Returns
    -------
    low, high : float
        The ends, in the unit of the draws.

    Raises
    ------
    ParameterError
        ``level`` is not between 0 and 1, or the draws are not one row of numbers.
    UndefinedMeasureError
        There are no draws, or some are not finite.

    Notes
    -----
    Efron & Tibshirani (1993), chapter 13.

    Examples
    --------
    >>> percentile_interval(np.arange(201), level=0.9)
    (10.0, 190.0)
    """
    if not 0 < level < 1:
        raise ParameterError(f"The level of an interval is {level}, which is not between 0 and 1.", hint="Use 0.95.")
    values = np.asarray(draws, dtype=float)
    if values.ndim != 1:
        raise ParameterError(
            f"The draws have {values.ndim} dimensions.", hint="Give the draws of one measure at a time."
        )
    if values.size == 0 or not np.isfinite(values).all():
        raise UndefinedMeasureError(
            "An interval has no value: there are no draws, or the measure is undefined in some of them.",
            hint="Resample only measures that exist on every resample.",
        )
    tail = round((1 - level) / 2, 12)
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)


def interval_among(draws: npt.ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """Take percentile intervals whose ends are draws themselves: for many measures at once, some of which may be infinite.

    Assumes (1) that the draws scatter around the estimate as the estimate does around the truth (no strong bias).

    Parameters
    ----------
    draws : array_like
        Shape (n_resamples, ...); infinite where a measure has no limit, such as the time to a loss that cannot happen.
    level : float
        Level of each interval, between 0 and 1.

    Returns
    -------
    low, high : numpy.ndarray
        The ends, in the shape of one draw.

    Notes
    -----
    Hyndman & Fan (1996), definition 1: the inverse of the empirical distribution function, which does not interpolate.

    Examples
    --------
    >>> low, high = interval_among([[1.0], [2.0], [3.0], [np.inf]], level=0.5)
    >>> low.tolist(), high.tolist()
    ([1.0], [3.0])
    """
    low, high = np.quantile(np.asarray(draws), [(1 - level) / 2, (1 + level) / 2], axis=0, method="inverted_cdf")
    return low, high


def block_variance(series: Floats, start: Ints, stop: Ints, length: Ints) -> tuple[Floats, Floats]:
    """Estimate the variance of the sum of each series over its window, from blocks of neighboring periods.

    The window is cut into blocks of ``length`` periods in every possible way; half the mean square of the difference between
    a block and the next one is the variance of one block. Since only neighbors are compared, what changes slowly (a trend,
    most of a season) is no noise, and since blocks are sums, dependence within a block is.

    Assumes (1) that blocks are nearly independent of one another; (2) that the level changes little from one block to the
    next.

    Parameters
    ----------
    series : numpy.ndarray, shape (n, periods)
        One series per row.
    start, stop : numpy.ndarray of int, shape (n,)
        The window of each row: from period ``start`` on, before period ``stop``.
    length : numpy.ndarray of int, shape (n,)
        Periods per block, at least 1.

    Returns
    -------
    variance : numpy.ndarray, shape (n,)
        Variance of the sum over the window; not a number where the window holds fewer than two blocks.
    n_blocks : numpy.ndarray, shape (n,)
        Length of the window in blocks.

    Notes
    -----
    The batch-means idea with overlapping batches (Meketon & Schmeiser 1984), with successive differences in place of
    deviations from the mean (von Neumann 1941), which a trend would inflate.

    Examples
    --------
    A series that alternates has no noise in blocks of two.

    >>> series, one = np.tile([3.0, 5.0], (2, 6)), np.array([1, 1])
    >>> block_variance(series, 0 * one, 12 * one, np.array([1, 2]))
    (array([24.,  0.]), array([12.,  6.]))
    """
    n, n_periods = series.shape
    variance = np.full(n, np.nan)
    window = np.maximum(stop - start, 0)
    for rows in np.split(np.arange(n), np.cumsum(chunk_sizes(n, n_periods + 1))[:-1]) if n else []:
        sums = np.zeros((rows.size, n_periods + 1))
        np.cumsum(series[rows], axis=1, out=sums[:, 1:])
        first = np.arange(n_periods + 1)
        size = length[rows, None]
        inside = (first >= start[rows, None]) & (first + 2 * size <= stop[rows, None])
        middle, last = (np.minimum(first + k * size, n_periods) for k in (1, 2))
        difference = np.take_along_axis(sums, last, 1) - 2 * np.take_along_axis(sums, middle, 1) + sums
        n_pairs = inside.sum(axis=1)
        squares = np.where(inside, difference**2, 0.0).sum(axis=1)
        per_block = np.divide(squares, 2 * n_pairs, out=np.full(rows.size, np.nan), where=n_pairs > 0)
        variance[rows] = per_block * window[rows] / length[rows]
    return variance, window / length
