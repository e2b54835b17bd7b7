"""Loyalty over a score of several items: a continuous line with two bends, against a straight one."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from kam.errors import EmptyDataError
from kam.stats.resampling import bootstrap_weights, chunk_sizes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_KNOTS = 17  # places where the line may bend, evenly spaced between the 5 % and the 95 % quantile of the score


@dataclass(frozen=True, eq=False, kw_only=True)
class SegmentedFit:
    """A continuous line with two bends.

    Attributes
    ----------
    breakpoints : numpy.ndarray
        Shape (2,): where it bends, rising.
    slopes : numpy.ndarray
        Shape (3,): loyalty per point of the score below, between and above.
    break_draws, slope_draws : numpy.ndarray
        Shapes (resamples, 2) and (resamples, 3): the same of resampled accounts.
    p_value : float
        Share of the wild-bootstrap draws under the line in which n log(RSS of the line / RSS with bends) is as large.
    """

    breakpoints: Floats
    slopes: Floats
    break_draws: Floats
    slope_draws: Floats
    p_value: float


def fit_segmented(x: Floats, y: Floats, weight: Floats, cluster: Ints, *, n_resamples: int, seed: int) -> SegmentedFit:
    """Fit y = a + b x + c (x − s)₊ + d (x − t)₊ by weighted least squares over a grid of s < t.

    Assumes (1) that accounts are independent of one another; (2) that between two bends loyalty changes evenly.

    Parameters
    ----------
    x, y, weight : numpy.ndarray
        Shape (n,): score, loyalty, what the row counts for.
    cluster : numpy.ndarray
        Shape (n,): number of the account, from 0 on.
    n_resamples, seed : int
        Resamples of the accounts for the intervals, and wild-bootstrap draws for the test.

    Returns
    -------
    SegmentedFit

    Raises
    ------
    EmptyDataError
        The score has too few different values to bend twice.

    References
    ----------
    Hansen, B. E. (1996). Inference when a nuisance parameter is not identified under the null. Econometrica 64.
    Cameron, A. C., Gelbach, J. B. & Miller, D. L. (2008). Bootstrap-based improvements for inference with clustered errors.
    Review of Economics and Statistics 90: signs drawn by account.

    Examples
    --------
    >>> x = np.tile(np.linspace(1, 5, 41), 10)
    >>> noise = np.random.default_rng(1).normal(0, 0.1, len(x))
    >>> fit = fit_segmented(x, np.clip(x, 2, 4) + noise, np.ones(len(x)), np.arange(len(x)), n_resamples=50, seed=1)
    >>> fit.breakpoints.round(1).tolist(), fit.slopes.round(1).tolist(), fit.p_value < 0.05
    ([2.1, 3.9], [0.1, 1.0, 0.1], True)
    """
    low, high = np.quantile(x, [0.05, 0.95])
    knots = np.linspace(low, high, _KNOTS)
    pairs = [(i, j) for i, j in combinations(range(_KNOTS), 2) if _is_between(x, *knots[[i, j]])]
    if not pairs:
        raise EmptyDataError(
            "The score has too few different values for two bends.",
            where=f"{len(np.unique(x))} different values",
            hint="Take more items, or the curve over the five levels alone.",
        )
    columns = np.column_stack([np.ones(len(x)), x - low, np.maximum(x[:, None] - knots, 0.0)])
    n_clusters, width = int(cluster.max()) + 1, columns.shape[1]
    chosen = np.array([[0, 1, 2 + i, 2 + j] for i, j in pairs])

    def gram_of(counts: Floats) -> tuple[Floats, Floats]:
        w = weight * counts[cluster]
        return (columns * w[:, None]).T @ columns, (w * y) @ columns

    gram, moment = gram_of(np.ones(n_clusters))
    coefficients, best, explained = _solve(gram[None], moment[None], chosen)
    line, _, explained_line = _solve(gram[None], moment[None], np.array([[0, 1]]))
    square = np.asarray((weight * y**2).sum())
    statistic = _log_ratio(len(x), square, explained_line[0], explained[0])

    grams, moments = [], []
    for drawn in bootstrap_weights(n_clusters, n_resamples, seed):
        for counts in drawn:
            one = gram_of(counts.astype(np.float64))
            grams.append(one[0])
            moments.append(one[1])
    draws, which, _ = _solve(np.array(grams), np.array(moments), chosen)

    rng = np.random.default_rng(seed + 1)
    residual = y - columns[:, :2] @ line[0]
    fitted = y - residual
    pull = np.zeros((n_clusters, width))
    np.add.at(pull, cluster, (weight * residual)[:, None] * columns)
    cross = np.bincount(cluster, weight * fitted * residual, minlength=n_clusters)
    simulated = []
    for rows in chunk_sizes(n_resamples, n_clusters):
        signs = rng.choice([-1.0, 1.0], size=(rows, n_clusters))
        wild = (weight * fitted) @ columns + signs @ pull
        squares = np.asarray(float((weight * (fitted**2 + residual**2)).sum()) + 2 * signs @ cross, dtype=np.float64)
        same = np.broadcast_to(gram, (rows, *gram.shape))
        simulated.append(
            _log_ratio(len(x), squares, _solve(same, wild, np.array([[0, 1]]))[2], _solve(same, wild, chosen)[2])
        )
    exceed = int((np.concatenate(simulated) >= statistic - 1e-12).sum())
    return SegmentedFit(
        breakpoints=knots[chosen[best[0], 2:] - 2],
        slopes=coefficients[0, 1:].cumsum(),
        break_draws=knots[chosen[which, 2:] - 2],
        slope_draws=draws[:, 1:].cumsum(axis=1),
        p_value=(1 + exceed) / (n_resamples + 1),
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _is_between(x: Floats, low: float, high: float) -> bool:
    """Whether enough answers lie below, between and above two bends: a twentieth of them, at two values or more."""
    parts = (x[x < low], x[(x >= low) & (x <= high)], x[x > high])
    return all(len(part) >= len(x) / 20 and len(np.unique(part)) > 1 for part in parts)


def _solve(gram: Floats, moment: Floats, chosen: Ints) -> tuple[Floats, Ints, Floats]:
    """Best of the designs ``chosen`` (designs, q) for each of B problems: coefficients (B, q), its position, and Σ w ŷ²."""
    n, q = len(gram), chosen.shape[1]
    best, explained = np.zeros(n, dtype=np.int64), np.full(n, -np.inf)
    coefficients = np.zeros((n, q))
    for d, columns in enumerate(chosen):
        right = moment[:, columns]
        solved = np.linalg.solve(gram[:, columns[:, None], columns] + 1e-9 * np.eye(q), right[..., None])[..., 0]
        value = (solved * right).sum(axis=1)
        better = value > explained
        best[better], explained[better], coefficients[better] = d, value[better], solved[better]
    return coefficients, best, explained


def _log_ratio(n: int, square: Floats, line: Floats, bent: Floats) -> Floats:
    tiny = 1e-12 * np.abs(square)
    return np.asarray(n * np.log(np.maximum(square - line, tiny) / np.maximum(square - bent, tiny)))
