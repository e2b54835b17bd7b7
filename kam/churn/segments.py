"""One transition matrix per segment, shrunk to the pooled one as far as the segment has too little to say of its own."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import gammaln

from kam.churn.estimation import ratio

Floats = npt.NDArray[np.float64]

_LOG_RANGE = (np.log(0.1), np.log(1e6))


def shrink_to_pooled(counts: npt.ArrayLike, *, design_effect: float = 1.0) -> tuple[Floats, Floats]:
    """Segment matrices by empirical Bayes: row i of a segment is Dirichlet around the pooled row, with strength m_i.

    p_segment,ij = (n_segment,ij + m_i p_ij) / (n_segment,i + m_i), where m_i maximizes the Dirichlet-multinomial likelihood of
    the segments' rows (Minka 2000, Estimating a Dirichlet distribution, section 3). Segments that differ no more than chance get
    the pooled row; large ones keep their own.

    Assumes (1) that transitions of a row are independent given the segment, but for the design effect; (2) that segments are
    exchangeable.

    Parameters
    ----------
    counts : array_like
        Shape (G, S, S): transitions of each segment.
    design_effect : float
        How much more counts vary than transitions would that are independent of one another; they count for so much less.

    Returns
    -------
    probabilities : numpy.ndarray
        Shape (G, S, S), rows sum to 1; a state that no segment ever left keeps a row of zeros.
    strength : numpy.ndarray
        m per state, shape (S,): how many transitions of its own a segment needs to count as much as the pooled row.

    Examples
    --------
    >>> same = [[[80, 20], [5, 5]], [[8, 2], [50, 50]]]
    >>> p, m = shrink_to_pooled(same)
    >>> p[1].round(2).tolist(), bool((m > 1e5).all())
    ([[0.8, 0.2], [0.5, 0.5]], True)
    """
    n = np.asarray(counts, dtype=np.float64) / max(1.0, design_effect)
    total = n.sum(axis=0)
    pooled = ratio(total, total.sum(axis=1, keepdims=True))
    strength = np.array([_strength(n[:, i], pooled[i]) for i in range(n.shape[1])])
    weight = strength[:, None]
    return (n + weight * pooled) / (n.sum(axis=2, keepdims=True) + weight), strength


def _strength(rows: Floats, pooled: Floats) -> float:
    seen = rows[rows.sum(axis=1) > 0][:, pooled > 0]
    mean = pooled[pooled > 0]
    if len(seen) < 2 or len(mean) < 2:
        return float(np.exp(_LOG_RANGE[1]))
    total = seen.sum(axis=1)

    def loss(log_m: float) -> float:
        m = np.exp(log_m)
        each = gammaln(m) - gammaln(m + total) + (gammaln(seen + m * mean) - gammaln(m * mean)).sum(axis=1)
        return -float(each.sum())

    best = minimize_scalar(loss, bounds=_LOG_RANGE, method="bounded")
    ends = min(_LOG_RANGE, key=loss)
    return float(np.exp(best.x if best.fun <= loss(ends) else ends))
