"""Steps of loyalty over the levels of satisfaction: every way to cut the levels once or twice, and how sure the best one is.

With five levels there are four one-threshold and six two-threshold partitions. Each is fitted by least squares: the mean of
every band. Accounts are resampled, and the weight of a partition is the share of the resamples in which it fits best among
those with as many thresholds.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from kam.stats.resampling import bootstrap_weights

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

Partition = tuple[int, ...]
"""Where the levels are cut: the position of the first level of each band but the lowest."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LevelRows:
    """Loyalty of those who answered, by level of satisfaction; only levels that somebody chose.

    Attributes
    ----------
    level : numpy.ndarray
        Shape (k,): the levels, rising.
    at : numpy.ndarray
        Shape (n,): position of the row's level.
    y, weight : numpy.ndarray
        Shape (n,): loyalty, and what the row counts for (above 0).
    cluster : numpy.ndarray
        Shape (n,): number of the row's account (or primary sampling unit), 0 to ``n_clusters`` − 1.
    stratum : numpy.ndarray
        Shape (n_clusters,): number of the stratum.
    """

    level: Floats
    at: Ints
    y: Floats
    weight: Floats
    cluster: Ints
    stratum: Ints

    @property
    def n_clusters(self) -> int:
        """Accounts."""
        return len(self.stratum)

    @property
    def sizes(self) -> Floats:
        """Shape (n_clusters, k): weight of each account at each level."""
        return self._by_cluster(self.weight)

    @property
    def totals(self) -> Floats:
        """Shape (n_clusters, k): weighted loyalty of each account at each level."""
        return self._by_cluster(self.weight * self.y)

    @property
    def weights(self) -> Floats:
        """Shape (k,): weight of each level."""
        return self.sizes.sum(axis=0)

    @property
    def means(self) -> Floats:
        """Shape (k,): weighted mean of each level."""
        return self.totals.sum(axis=0) / self.weights

    @property
    def n_accounts(self) -> Ints:
        """Shape (k,): accounts with somebody at the level."""
        return (self.sizes > 0).sum(axis=0)

    def _by_cluster(self, values: Floats) -> Floats:
        k = len(self.level)
        summed = np.bincount(self.cluster * k + self.at, values, minlength=self.n_clusters * k).astype(np.float64)
        return summed.reshape(self.n_clusters, k)


@dataclass(frozen=True, eq=False, kw_only=True)
class PartitionWeights:
    """How well each partition with so many thresholds fits.

    Attributes
    ----------
    partitions : tuple of Partition
        All of them.
    explained : numpy.ndarray
        Shape (partitions,): weighted sum of squares that the band means explain.
    share : numpy.ndarray
        Shape (partitions,): share of the resamples in which the partition fits best.
    """

    partitions: tuple[Partition, ...]
    explained: Floats
    share: Floats

    @property
    def best(self) -> int:
        """Position of the partition that fits best."""
        return int(self.explained.argmax())


def list_partitions(k: int, n_thresholds: int) -> tuple[Partition, ...]:
    """All ways to cut k levels so many times.

    Examples
    --------
    >>> list_partitions(5, 2)
    ((1, 2), (1, 3), (1, 4), (2, 3), (2, 4), (3, 4))
    """
    return tuple(combinations(range(1, k), n_thresholds))


def bands_of(partition: Partition, k: int) -> Ints:
    """Band of each of k levels.

    Examples
    --------
    >>> bands_of((2, 4), 5)
    array([0, 0, 1, 1, 2])
    """
    return np.searchsorted(np.asarray(partition, dtype=np.int64), np.arange(k), side="right").astype(np.int64)


def explained_by_steps(sizes: Floats, totals: Floats, partitions: tuple[Partition, ...]) -> Floats:
    """Weighted sum of squares explained by the band means, Σ (Σ w y)² / Σ w.

    Parameters
    ----------
    sizes, totals : numpy.ndarray
        Shape (..., k): weight, and weighted loyalty, of each level.
    partitions : tuple of Partition

    Returns
    -------
    numpy.ndarray
        Shape (..., partitions).
    """
    k = sizes.shape[-1]
    found = []
    for partition in partitions:
        of_band = np.eye(len(partition) + 1)[bands_of(partition, k)]
        size, total = sizes @ of_band, totals @ of_band
        found.append(np.divide(total**2, size, out=np.zeros_like(total), where=size > 0).sum(axis=-1))
    return np.stack(found, axis=-1)


def explained_by_line(sizes: Floats, totals: Floats, level: Floats) -> Floats:
    """Weighted sum of squares explained by a straight line over the levels; shapes (..., k) and (k,), returns (...)."""
    size, total = sizes.sum(axis=-1), totals.sum(axis=-1)
    center = (sizes @ level) / size
    sxx = (sizes @ level**2) - size * center**2
    sxy = (totals @ level) - total * center
    slope = np.divide(sxy**2, sxx, out=np.zeros_like(sxy), where=sxx > 0)
    return np.asarray(total**2 / size + slope)


def weigh_partitions(rows: LevelRows, *, n_resamples: int, seed: int) -> dict[int, PartitionWeights]:
    """Weights of all partitions, by number of thresholds (1 and 2, as far as the levels allow).

    Assumes (1) that accounts are exchangeable and independent of one another.

    Parameters
    ----------
    rows : LevelRows
    n_resamples, seed : int
        Resamples of the accounts.

    Notes
    -----
    Efron & Tibshirani (1993), chapter 6: the bootstrap distribution of the selected model, accounts drawn whole.
    """
    k = len(rows.level)
    families = {n: list_partitions(k, n) for n in (1, 2) if n < k}
    sums = np.hstack([rows.sizes, rows.totals])
    chosen = {n: np.zeros(len(family), dtype=np.int64) for n, family in families.items()}
    for drawn in bootstrap_weights(rows.n_clusters, n_resamples, seed):
        resampled = drawn.astype(np.float64) @ sums
        for n, family in families.items():
            best = explained_by_steps(resampled[:, :k], resampled[:, k:], family).argmax(axis=1)
            chosen[n] += np.bincount(best, minlength=len(family))
    size, total = rows.sizes.sum(axis=0), rows.totals.sum(axis=0)
    return {
        n: PartitionWeights(
            partitions=family, explained=explained_by_steps(size, total, family), share=chosen[n] / n_resamples
        )
        for n, family in families.items()
    }
