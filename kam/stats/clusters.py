"""Rows that belong together, such as the answers of one account: their sums, and errors that allow for it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def cluster_sums(values: Floats, cluster: Ints) -> Floats:
    """Sums of rows by cluster.

    Parameters
    ----------
    values : numpy.ndarray
        Shape (n, q).
    cluster : numpy.ndarray
        Shape (n,): number of each row's cluster, from 0.

    Returns
    -------
    numpy.ndarray
        Shape (clusters, q).

    Examples
    --------
    >>> cluster_sums(np.array([[1.0], [2.0], [4.0]]), np.array([1, 0, 1])).tolist()
    [[2.0], [5.0]]
    """
    n_rows = len(cluster)
    member = csr_array((np.ones(n_rows), (cluster, np.arange(n_rows))), shape=(int(cluster.max()) + 1, n_rows))
    return np.asarray(member @ values)


def sandwich(bread: npt.NDArray[np.floating], scores: Floats, cluster: Ints, *, n_params: int = 1) -> Floats:
    """Covariance of estimates from rows that are independent between clusters only.

    Assumes (1) that clusters are independent of one another, and many.

    Parameters
    ----------
    bread : numpy.ndarray
        Shape (q, q): inverse of the information.
    scores : numpy.ndarray
        Shape (n, q): what each row pulls at each estimate.
    cluster : numpy.ndarray
        Shape (n,): number of each row's cluster, from 0.
    n_params : int
        Parameters k of the second factor below; 1 leaves it out.

    Returns
    -------
    numpy.ndarray
        Shape (q, q).

    Notes
    -----
    Huber (1967); Liang & Zeger (1986), Biometrika 73(1). With G clusters and n rows the factor is
    G / (G − 1) × (n − 1) / (n − k), as in Stata and statsmodels.

    Examples
    --------
    The mean of two clusters of two equal rows has the error of the mean of two:

    >>> y = np.array([0.0, 0.0, 2.0, 2.0])
    >>> sandwich(np.array([[1 / 4]]), (y - 1)[:, None], np.array([0, 0, 1, 1])).tolist()
    [[1.0]]
    """
    n, n_clusters = len(cluster), int(np.count_nonzero(np.bincount(cluster)))
    sums = cluster_sums(scores, cluster)
    factor = n_clusters / max(n_clusters - 1, 1) * (n - 1) / max(n - n_params, 1)
    return np.asarray(factor * bread @ (sums.T @ sums) @ bread)
