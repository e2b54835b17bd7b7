"""Is loyalty a straight line over satisfaction? The tests behind a claim of thresholds.

Let m be the mean loyalty of the k levels and V its covariance. Under a null (a line, or one threshold) draws m* ~ N(fit, V) give
the distribution of the sup-LR statistic n log(RSS of the null / RSS of the best partition): a parametric bootstrap in which an
account's answers hang together, since V holds their intraclass correlation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from kam.survey.partitions import LevelRows, Partition, bands_of, explained_by_line, explained_by_steps, list_partitions
from kam.survey.taylor import total_variance
from kam.wording import N_

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FEW_ACCOUNTS = 5
"""A level with fewer accounts has no mean of its own."""
_FEW_IN_WALD = 10  # with the variance of fewer accounts the Wald test rejects a true line too often
LINE_TEST = N_("level means on a straight line")
_BORROWED = 10.0  # answers by which the variance of a level is drawn to that of all


@dataclass(frozen=True, kw_only=True)
class LoyaltyTest:
    """A test: its name, statistic, degrees of freedom (None: simulated) and p-value; both None: not testable."""

    test: str
    statistic: float | None
    df: int | None
    p_value: float | None

    @property
    def rejects(self) -> bool:
        """Whether it rejects at 5 %."""
        return self.p_value is not None and self.p_value <= 0.05


def model_covariance(rows: LevelRows) -> Floats:
    """Covariance of the level means when the answers of an account hang together; shape (k, k).

    The variance of a level is that of its answers drawn to the pooled one as if by ten more answers, so that a level of three
    answers does not look certain; the intraclass correlation is that of the residuals, at least 0.
    """
    k, n = len(rows.level), len(rows.y)
    residual = rows.y - rows.means[rows.at]
    count = np.bincount(rows.at, minlength=k).astype(np.float64)
    square = np.bincount(rows.at, rows.weight * residual**2, minlength=k) / rows.weights
    own = square * count / np.maximum(count - 1, 1)
    pooled = float((rows.weight * residual**2).sum() / rows.weight.sum()) * n / max(n - k, 1)
    variance = ((count - 1) * own + _BORROWED * pooled) / (count - 1 + _BORROWED)
    deviation = np.sqrt(variance)
    rho = _intraclass(rows, residual / np.where(deviation > 0, deviation, 1.0)[rows.at])
    sizes = rows.sizes
    squares = np.bincount(rows.at, rows.weight**2, minlength=k)
    inside = (1 - rho) * np.diag(squares) + rho * sizes.T @ sizes
    return inside * np.outer(deviation, deviation) / np.outer(rows.weights, rows.weights)


def _intraclass(rows: LevelRows, z: Floats) -> float:
    """Mean product of two residuals of one account over the mean square; within 0 and 1."""
    count = np.bincount(rows.cluster, minlength=rows.n_clusters)
    total = np.bincount(rows.cluster, z, minlength=rows.n_clusters)
    square = np.bincount(rows.cluster, z**2, minlength=rows.n_clusters)
    pairs = float((count * (count - 1)).sum())
    if pairs == 0 or not square.any():
        return 0.0
    return float(np.clip((total**2 - square).sum() / pairs / (square.sum() / len(z)), 0.0, 1.0))


def cluster_errors(rows: LevelRows, combinations: Floats) -> Floats:
    """Covariance of linear combinations of the level means by Taylor linearization over accounts within strata.

    Parameters
    ----------
    rows : LevelRows
    combinations : numpy.ndarray
        Shape (q, k).

    Returns
    -------
    numpy.ndarray
        Shape (q, q). There is no finite population correction: what is asked is how loyalty goes with satisfaction, not what a
        census would have found.
    """
    k, q = len(rows.level), len(combinations)
    scores = rows.weight * (rows.y - rows.means[rows.at]) / rows.weights[rows.at]
    by_level = np.bincount(rows.cluster * k + rows.at, scores, minlength=rows.n_clusters * k)
    z = by_level.reshape(rows.n_clusters, k) @ combinations.T
    left, right = np.triu_indices(q, 1)
    every = np.hstack([z, z[:, left] + z[:, right]])
    variance = total_variance(every, stratum=rows.stratum, psu=np.arange(rows.n_clusters))
    found = np.diag(variance[:q])
    found[left, right] = found[right, left] = (variance[q:] - variance[left] - variance[right]) / 2
    return found


def line_test(rows: LevelRows) -> LoyaltyTest:
    """Design-based Wald test that the level means lie on a straight line; levels with fewer than 10 accounts are left out.

    F = W / q on q and clusters − strata − levels + 1 degrees of freedom, as ``regTermTest`` of R's survey has it.
    """
    used = np.flatnonzero(rows.n_accounts >= _FEW_IN_WALD)
    q = len(used) - 2
    df = rows.n_clusters - len(np.unique(rows.stratum)) - len(used) + 1
    if q < 1 or df < 1:
        return LoyaltyTest(test=LINE_TEST, statistic=None, df=None, p_value=None)
    line = np.column_stack([np.ones(len(used)), rows.level[used]])
    contrasts = np.zeros((q, len(rows.level)))
    contrasts[:, used] = np.linalg.svd(line)[0][:, 2:].T
    return _wald(LINE_TEST, contrasts @ rows.means, cluster_errors(rows, contrasts), df)


def band_test(rows: LevelRows, partition: Partition, covariance: Floats) -> LoyaltyTest:
    """Wald test that loyalty is flat within the bands of a partition, by the covariance of :func:`model_covariance`."""
    k = len(rows.level)
    band = bands_of(partition, k)
    same = np.flatnonzero(band[1:] == band[:-1])
    name = f"flat within {'three' if len(partition) == 2 else 'two'} steps"
    df = rows.n_clusters - k
    if not len(same) or df < 1:
        return LoyaltyTest(test=name, statistic=None, df=None, p_value=None)
    contrasts = np.zeros((len(same), k))
    contrasts[np.arange(len(same)), same] = -1
    contrasts[np.arange(len(same)), same + 1] = 1
    return _wald(name, contrasts @ rows.means, contrasts @ covariance @ contrasts.T, df)


def _wald(name: str, values: Floats, covariance: Floats, df: int) -> LoyaltyTest:
    q = len(values)
    if np.linalg.matrix_rank(covariance, hermitian=True) < q:
        return LoyaltyTest(test=name, statistic=None, df=None, p_value=None)
    statistic = float(values @ np.linalg.solve(covariance, values)) / q
    return LoyaltyTest(test=name, statistic=statistic, df=q, p_value=float(stats.f.sf(statistic, q, df)))


def step_test(
    rows: LevelRows, covariance: Floats, *, n_thresholds: int, null: Partition | None, n_draws: int, seed: int
) -> LoyaltyTest:
    """Sup-LR test of the best partition with so many thresholds against a straight line, or against fewer thresholds.

    Parameters
    ----------
    rows : LevelRows
    covariance : numpy.ndarray
        Of the level means, shape (k, k), from :func:`model_covariance`.
    n_thresholds : int
        Of the alternative.
    null : Partition or None
        The partition of the null, which fits best among those with as many thresholds; None: a straight line.
    n_draws, seed : int
        Parametric bootstrap.

    Notes
    -----
    Hansen, B. E. (1996). Inference when a nuisance parameter is not identified under the null. Econometrica 64: the supremum
    over thresholds has no standard distribution, so it is simulated under the fitted null.
    """
    k, n = len(rows.level), len(rows.y)
    against = "a straight line" if null is None else "one threshold"
    name = f"{'two thresholds' if n_thresholds == 2 else 'one threshold'} against {against}"
    within = float((rows.weight * (rows.y - rows.means[rows.at]) ** 2).sum())
    df = rows.n_clusters - k
    if k < 3 or df < 1 or within <= 0:
        return LoyaltyTest(test=name, statistic=None, df=None, p_value=None)
    family, weights = list_partitions(k, n_thresholds), rows.weights
    nulls = () if null is None else list_partitions(k, len(null))

    def statistic(means: Floats, inside: Floats | float) -> Floats:
        sizes, totals = np.broadcast_to(weights, means.shape), means * weights
        total = (weights * means**2).sum(axis=-1)
        fitted = (
            explained_by_line(sizes, totals, rows.level)
            if null is None
            else explained_by_steps(sizes, totals, nulls).max(axis=-1)
        )
        best = explained_by_steps(sizes, totals, family).max(axis=-1)
        return np.asarray(n * np.log((inside + np.maximum(total - fitted, 0)) / (inside + np.maximum(total - best, 0))))

    rng = np.random.default_rng(seed)
    draws = rng.multivariate_normal(_fit(rows, null), covariance, size=n_draws, method="svd")
    simulated = statistic(draws, within * rng.chisquare(df, n_draws) / df)
    found = float(statistic(rows.means, within))
    p = (1 + int((simulated >= found - 1e-12).sum())) / (n_draws + 1)
    return LoyaltyTest(test=name, statistic=found, df=None, p_value=p)


def line_of(rows: LevelRows) -> Floats:
    """The weighted straight line at the levels; shape (k,)."""
    return _fit(rows, None)


def explained_by_parabola(rows: LevelRows) -> float:
    """Weighted sum of squares that a parabola over the levels explains: a smooth curve with as many numbers as three steps.

    Over four levels a parabola passes almost through any means, and says nothing: it is a line there.
    """
    degree = 2 if len(rows.level) > 4 else 1
    fitted = np.polyval(np.polyfit(rows.level, rows.means, degree, w=np.sqrt(rows.weights)), rows.level)
    return float(rows.weights @ fitted**2)


def _fit(rows: LevelRows, partition: Partition | None) -> Floats:
    weights, means = rows.weights, rows.means
    if partition is None:
        if len(rows.level) < 2:
            return means
        slope, start = np.polyfit(rows.level, means, 1, w=np.sqrt(weights))
        return np.asarray(start + slope * rows.level)
    band = bands_of(partition, len(rows.level))
    return np.asarray((np.bincount(band, weights * means) / np.bincount(band, weights))[band])


def fit_monotone(means: Floats, weights: Floats, *, rising: bool = True) -> Floats:
    """Weighted least-squares fit that never falls (or never rises) over the levels; shapes (..., k) and (k,).

    Notes
    -----
    Robertson, Wright & Dykstra (1988), Order Restricted Statistical Inference, equation 1.4.4: the largest over starts of the
    smallest over ends of the means of neighboring levels.

    Examples
    --------
    >>> fit_monotone(np.array([1.0, 3.0, 2.0]), np.ones(3))
    array([1. , 2.5, 2.5])
    """
    y = means if rising else -means
    k = y.shape[-1]
    size, total = (
        np.concatenate([np.zeros((*v.shape[:-1], 1)), v.cumsum(axis=-1)], axis=-1) for v in (weights, y * weights)
    )
    fitted = np.empty(y.shape)
    for i in range(k):
        lowest = [
            np.min(
                [(total[..., b] - total[..., a]) / (size[b] - size[a]) for b in range(i + 1, k + 1)],
                axis=0,
            )
            for a in range(i + 1)
        ]
        fitted[..., i] = np.max(lowest, axis=0)
    return fitted if rising else -fitted


def order_test(rows: LevelRows, covariance: Floats, *, rising: bool, n_draws: int, seed: int) -> LoyaltyTest:
    """Test that loyalty never falls (or never rises) from a level to the next.

    The weighted distance of the level means from their monotone fit, against its distribution when all means are equal, which
    of all monotone curves is the one that departs most by chance (Robertson, Wright & Dykstra 1988, section 2.3).
    """
    name = "never falls" if rising else "never rises"
    if len(rows.level) < 2 or not np.diag(covariance).any():
        return LoyaltyTest(test=name, statistic=None, df=None, p_value=None)
    weights = 1 / np.maximum(np.diag(covariance), 1e-12 * np.diag(covariance).max())
    draws = np.random.default_rng(seed).multivariate_normal(
        np.zeros(len(weights)), covariance, size=n_draws, method="svd"
    )

    def distance(means: Floats) -> Floats:
        return np.asarray((weights * (means - fit_monotone(means, weights, rising=rising)) ** 2).sum(axis=-1))

    found = float(distance(rows.means))
    p = (1 + int((distance(draws) >= found - 1e-12).sum())) / (n_draws + 1)
    return LoyaltyTest(test=name, statistic=found, df=None, p_value=p)


def step_combinations(partitions: Sequence[Partition], rows: LevelRows) -> Floats:
    """Band means of partitions as combinations of the level means; shape (bands of all partitions, k)."""
    k = len(rows.level)
    parts = []
    for partition in partitions:
        of_band = np.eye(len(partition) + 1)[bands_of(partition, k)].T * rows.weights
        parts.append(of_band / of_band.sum(axis=1, keepdims=True))
    return np.vstack(parts)


def line_slope(rows: LevelRows) -> tuple[float, float]:
    """Slope of the weighted line over the levels, and its standard error over accounts within strata."""
    center = float(rows.weights @ rows.level / rows.weights.sum())
    distance = rows.level - center
    sxx = float(rows.weights @ distance**2)
    slope = float((rows.weights * rows.means) @ distance / sxx)
    fitted = line_of(rows)[rows.at]
    scores = rows.weight * distance[rows.at] * (rows.y - fitted) / sxx
    total = np.bincount(rows.cluster, scores, minlength=rows.n_clusters).astype(np.float64)
    variance = total_variance(total[:, None], stratum=rows.stratum, psu=np.arange(rows.n_clusters))
    return slope, float(np.sqrt(variance[0]))
