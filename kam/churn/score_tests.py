"""Score tests of what a logistic regression leaves out, clustered by customer: nothing has to be fitted again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2

from kam.churn.logit import LogitFit, information
from kam.stats.clusters import cluster_sums

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class FittedRows:
    """The rows of a fit, with what the tests need of it.

    Attributes
    ----------
    full : numpy.ndarray, shape (rows, estimates)
        The design with the intercept first.
    event, probability : numpy.ndarray
        What happened, and what was fitted.
    cluster : numpy.ndarray of int
        Customer of each row, from 0 on.
    bread : numpy.ndarray
        Inverse of the information.
    scores : numpy.ndarray, shape (customers, estimates)
        Score of each customer.
    """

    full: Floats
    event: Floats
    probability: Floats
    cluster: Ints
    bread: Floats
    scores: Floats


def fitted_rows(fit: LogitFit, matrix: Floats, event: Floats, cluster: Ints) -> FittedRows:
    """Put together what the tests need."""
    full = np.column_stack([np.ones(len(matrix)), matrix])
    p = fit.predict(matrix)
    return FittedRows(
        full=full,
        event=event,
        probability=p,
        cluster=cluster,
        bread=np.asarray(np.linalg.inv(information(full, p)), dtype=np.float64),
        scores=cluster_sums(full * (event - p)[:, None], cluster),
    )


def score_of(rows: FittedRows, extra: Floats) -> tuple[Floats, Floats]:
    """Score of columns that the regression does not have, and its covariance, clustered.

    Assumes (1) that customers are independent.

    Parameters
    ----------
    rows : FittedRows
    extra : numpy.ndarray, shape (rows, m)
        Columns to add.

    Returns
    -------
    score : numpy.ndarray, shape (m,)
    covariance : numpy.ndarray, shape (m, m)

    Notes
    -----
    Boos (1992), On generalized score tests, The American Statistician 46: the score is corrected for the estimates,
    ``s₂ − I₂₁ I₁₁⁻¹ s₁`` of each customer, and its covariance is the sum of squares over customers.
    """
    weight = rows.probability * (1 - rows.probability)
    cross = rows.bread @ (rows.full.T @ (extra * weight[:, None]))
    scores = cluster_sums(extra * (rows.event - rows.probability)[:, None], rows.cluster)
    corrected = scores - rows.scores @ cross
    return corrected.sum(axis=0), corrected.T @ corrected


def scores_by_group(rows: FittedRows, group: Ints) -> Iterator[tuple[Floats, Floats]]:
    """Score and covariance, as :func:`score_of`, of the products of each column with the groups but the first.

    Parameters
    ----------
    rows : FittedRows
    group : numpy.ndarray of int
        Group of each row, from 0 on; no customer stands twice in one.

    Yields
    ------
    score, covariance : numpy.ndarray
        Of one column of ``rows.full`` after the other, the intercept first: shapes (groups − 1,) and (groups − 1, groups − 1).
    """
    n_groups, n = int(group.max()) + 1, len(rows.scores)
    weight = rows.probability * (1 - rows.probability)
    crosses = []
    for g in range(1, n_groups):
        own = group == g
        crosses.append(rows.bread @ (rows.full[own].T @ (rows.full[own] * weight[own, None])))
    cross = np.stack(crosses, axis=-1)  # of what is left out on what is there: by estimate, column and group
    place, residual = rows.cluster * n_groups + group, rows.event - rows.probability
    for j in range(rows.full.shape[1]):
        scores = np.zeros(n * n_groups)
        scores[place] = rows.full[:, j] * residual
        corrected = scores.reshape(n, n_groups)[:, 1:] - rows.scores @ cross[:, j]
        yield corrected.sum(axis=0), corrected.T @ corrected


def score_test(score: Floats, covariance: Floats) -> tuple[float, int, float]:
    """Statistic, degrees of freedom and p-value of the joint test that added columns say nothing; 0 degrees: not testable."""
    size = np.sqrt(np.diag(covariance))
    some = size > 1e-10 * max(float(size.max(initial=0.0)), 1e-300)
    if not some.any():
        return 0.0, 0, 1.0
    z = score[some] / size[some]
    values, vectors = np.linalg.eigh(covariance[np.ix_(some, some)] / np.outer(size[some], size[some]))
    kept = values > 1e-8 * values.max()
    statistic = float((((vectors.T @ z)[kept]) ** 2 / values[kept]).sum())
    return statistic, int(kept.sum()), float(chi2.sf(statistic, kept.sum()))
