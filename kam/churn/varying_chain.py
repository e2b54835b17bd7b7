"""A chain whose probabilities vary from period to period: how much they did, and what they may be in periods to come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kam.churn.estimation import ratio, sum_by
from kam.churn.mix_history import MixHistory
from kam.wording import N_

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

POOLED, CYCLIC = N_("pooled chain"), N_("cyclic chain")
"""One matrix for all periods, and one per season."""


@dataclass(frozen=True, eq=False, kw_only=True)
class VaryingChain:
    """A chain of C seasons, estimated from m tables of transitions, and how these differ from it.

    Attributes
    ----------
    p : numpy.ndarray
        Probabilities, shape (C, S, S).
    counts : numpy.ndarray
        Transitions, shape (C, S, S).
    group : numpy.ndarray
        Which of the C matrices each table belongs to, shape (m,).
    deviations : numpy.ndarray
        Those of each table from its season's matrix, in units of √(p(1−p)), scaled so that their mean square is the variance
        that chance does not explain; shape (m, S, S).
    weights : numpy.ndarray
        Each table's share of its season's row, shape (m, S).
    persistence : float
        Correlation of neighboring deviations.
    variation : float
        Pearson's X² over its degrees of freedom: 1 is chance alone.
    surely_varies : bool
        The variation is more than chance would have it.
    """

    p: Floats
    counts: Floats
    group: Ints
    deviations: Floats
    weights: Floats
    persistence: float
    variation: float
    surely_varies: bool

    @property
    def freedom(self) -> int:
        """Tables less matrices."""
        return len(self.group) - len(self.p)


def fit_chain(tables: Ints, group: Ints, n_groups: int) -> VaryingChain:
    """Estimate the chain, and the overdispersion of each row, from tables (m, S, S).

    Under the Dirichlet-multinomial law with intraclass correlation ρ the share of table t has the variance p(1−p) s_t, s_t =
    1/n_t + ρ(1 − 1/n_t). With h_t = n_t/Σn and a columns, E X² = Σ_t (a−1) n_t [s_t(1 − 2h_t) + Σ_u h_u² s_u]; solved for ρ ≥ 0.
    """
    counts = sum_by(tables.astype(np.float64), group, n_groups)
    total = counts.sum(axis=2)
    p = np.where(total[:, :, None] > 0, ratio(counts, total[:, :, None]), np.eye(counts.shape[-1]))
    n = tables.sum(axis=2)
    weights = ratio(n, total[group])
    mean = p[group]
    residual = np.where(n[:, :, None] > 0, ratio(tables, n[:, :, None]) - mean, 0.0)
    pearson = (n[:, :, None] * ratio(residual**2, mean)).sum(axis=(0, 2))
    inner = np.where(n > 0, 1 - ratio(np.ones_like(n), n), 0.0)
    columns = (mean > 0).sum(axis=2) - 1
    freedom = (columns * (n > 0) * (1 - weights)).sum(axis=0)
    slope = (columns * n * ((1 - 2 * weights) * inner + sum_by(weights**2 * inner, group, n_groups)[group])).sum(axis=0)
    rho = np.clip(ratio(pearson - freedom, slope), 0.0, 0.99)

    per_table = np.where(n > 0, ratio(np.ones_like(n), n) + rho * inner, 0.0)
    left = per_table * (1 - 2 * weights) + sum_by(weights**2 * per_table, group, n_groups)[group]
    scale = np.sqrt(np.where(left > 1e-15, ratio(np.broadcast_to(rho, left.shape), left), 0.0))
    deviations = scale[:, :, None] * ratio(residual, np.sqrt(mean * (1 - mean)))
    together = float(ratio((deviations[1:] * deviations[:-1]).sum(), (deviations**2).sum()))
    persistence = min(max(0.0, together + 1 / len(tables)), 0.9) if together else 0.0
    variation = float(ratio(pearson.sum(), freedom.sum()))
    return VaryingChain(
        p=p,
        counts=counts,
        group=group,
        deviations=deviations,
        weights=weights,
        persistence=persistence,
        variation=variation,
        surely_varies=bool(freedom.sum() > 0 and variation > 1 + 2 * np.sqrt(2 / freedom.sum())),
    )


def fit_at(history: MixHistory, origin: int, term: str) -> VaryingChain:
    """Estimate the pooled or the cyclic chain from what was known at an origin."""
    tables = history.tables[:origin]
    if term == CYCLIC:
        return fit_chain(tables, history.season[:origin], history.n_seasons)
    return fit_chain(tables, np.zeros(origin, dtype=np.int64), 1)


def draw_matrices(rng: np.random.Generator, chain: VaryingChain, season: Ints, n_draws: int) -> Floats:
    """Draw the probabilities of the periods to come, shape (B, H, S, S)."""
    n_chains, n_tables, ahead = len(chain.p), len(chain.group), season % len(chain.p)
    gamma = rng.standard_gamma(chain.counts, size=(n_draws, *chain.counts.shape))
    total = gamma.sum(axis=-1, keepdims=True)
    p = np.where(total > 0, ratio(gamma, total), chain.p)[:, ahead]
    if chain.freedom < 1 or not chain.deviations.any():
        return p
    past = draw_deviations(rng, chain, n_draws, n_tables)
    of_mean = np.empty((n_draws, n_chains, *chain.p.shape[1:]))
    for c in range(n_chains):
        mine = chain.group == c
        of_mean[:, c] = np.einsum("ti,btij->bij", chain.weights[mine], past[:, mine])
    total_deviation = of_mean[:, ahead] + draw_deviations(rng, chain, n_draws, len(season))
    total_deviation *= np.sqrt(chain.freedom / rng.chisquare(chain.freedom, n_draws))[:, None, None, None]
    shift = np.sqrt(chain.p * (1 - chain.p))[ahead] * total_deviation
    shift -= chain.p[ahead] * shift.sum(axis=-1, keepdims=True)
    p = np.maximum(p + shift, 0.0)
    return np.asarray(p / p.sum(axis=-1, keepdims=True))


def draw_deviations(rng: np.random.Generator, chain: VaryingChain, n_draws: int, length: int) -> Floats:
    """Paths (B, length, S, S) of deviations: each a part of the one before and a random one of those seen."""
    path = chain.deviations[rng.integers(len(chain.deviations), size=(n_draws, length))]
    if chain.persistence:
        for t in range(1, length):
            path[:, t] = chain.persistence * path[:, t - 1] + np.sqrt(1 - chain.persistence**2) * path[:, t]
    return path
