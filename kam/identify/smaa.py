"""SMAA: how a ranking by weighted criteria stands when neither the weights nor the levels are known exactly.

Stochastic multicriteria acceptability analysis draws both many times. The *rank acceptability* of an account is the share of the
draws in which it takes a rank (SMAA-2), its *tier acceptability* that in which it falls into a tier (SMAA-TRI), its *central
weights* are the mean of the weights that make it first: what one must think important to want it first.

Weights come from a Dirichlet distribution with mean w and parameters c × w: the larger c, the closer to w; with all parameters
1 every set of weights is as likely as any other. Levels come with independent normal errors. A weighted sum of them is normal
too, so that one draw for each account and set of weights is exact:

    score = Σ_j w_j u_j / Σ_j w_j + z × sqrt(Σ_j w_j² s_j²) / Σ_j w_j,    both sums over the criteria known of the account

References: Lahdelma, Hokkanen & Salminen (1998), EJOR 106; Lahdelma & Salminen (2001), SMAA-2, Operations Research 49(3),
444–454; Tervonen, Figueira, Lahdelma, Almeida Dias & Salminen (2009), SMAA-TRI, EJOR 192.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kam.stats.resampling import chunk_sizes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TIE = 1e-6
"""Added to the error of every score, so that equal scores take their turns."""
LEAST_WEIGHT = 1e-12
_BINS = 2048
_BLOCK = 500


def draw_weights(
    weights: Floats, n_draws: int, rng: np.random.Generator, *, concentration: float | None = None
) -> Floats:
    """Sets of weights that sum to 1, shape (n_draws, n_criteria): around the given ones, or all alike without a concentration."""
    alpha = np.ones(weights.size) if concentration is None else concentration * weights / weights.sum()
    return np.maximum(rng.dirichlet(alpha, n_draws), LEAST_WEIGHT)


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of accounts, made ready for many sets of weights.

    Accounts with the same criteria known and the same errors share a *profile*, for which the sum of the weights and the
    error of the score are found once.
    """

    levels: npt.NDArray[np.float32]  # criteria × accounts, 0 where missing
    known: Floats  # criteria × profiles
    variance: Floats  # criteria × profiles
    profile: Ints  # of each account

    @property
    def n(self) -> int:
        """Number of accounts."""
        return int(self.profile.size)

    def drawn(
        self, weights: Sequence[Floats], rng: np.random.Generator, *, cells: int = 2_000_000
    ) -> Iterator[list[npt.NDArray[np.float32]]]:
        """Scores in chunks of draws, one array (draws, accounts) per set of weights; all sets share the errors."""
        start = 0
        for rows in chunk_sizes(len(weights[0]), max(self.n, 100), cells=cells):
            z = rng.standard_normal((rows, self.n), dtype=np.float32)
            yield [self._score(w[start : start + rows], z) for w in weights]
            start += rows

    def _score(self, w: Floats, z: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        total = w @ self.known
        error = (np.sqrt(w**2 @ self.variance) / total + TIE).astype(np.float32)
        values = w.astype(np.float32) @ self.levels
        values *= np.take((1 / total).astype(np.float32), self.profile, axis=1)
        spread = np.take(error, self.profile, axis=1)
        spread *= z
        values += spread
        return values


def prepare(levels: Floats, errors: Floats) -> Scores:
    """Make levels (accounts × criteria, missing where not known) and their standard deviations ready for draws."""
    known = ~np.isnan(levels)
    facts = np.hstack([known, np.where(known, np.nan_to_num(errors) ** 2, 0.0)])
    mark = facts @ np.random.default_rng(0).random(facts.shape[1])  # equal rows get equal marks
    _, first, profile = np.unique(mark, return_index=True, return_inverse=True)
    m = levels.shape[1]
    return Scores(
        levels=np.ascontiguousarray(np.where(known, levels, 0.0).T, dtype=np.float32),
        known=np.ascontiguousarray(facts[first, :m].T),
        variance=np.ascontiguousarray(facts[first, m:].T),
        profile=profile.astype(np.int64),
    )


def weighted_scores(levels: Floats, weights: Floats) -> Floats:
    """Weighted mean of the levels that are known, by account; missing where none is."""
    known = ~np.isnan(levels)
    total = known @ weights
    return np.divide(np.where(known, levels, 0.0) @ weights, total, out=np.full(len(levels), np.nan), where=total > 0)


def tier_acceptability(
    scores: Scores, weights: Sequence[Floats], places: tuple[int, int], rng: np.random.Generator
) -> list[Floats]:
    """Share of the draws in which each account falls into tier A, B and C, for each set of weights.

    Parameters
    ----------
    scores : Scores
        From :func:`prepare`.
    weights : sequence of numpy.ndarray, each of shape (n_draws, n_criteria)
        From :func:`draw_weights`.
    places : tuple of int
        Accounts in tier A, and in A and B together.
    rng : numpy.random.Generator
        For the errors.

    Returns
    -------
    list of numpy.ndarray
        Shape (n_accounts, 3) each; rows sum to 1.
    """
    n = scores.n
    inside = np.zeros((len(weights), 2, n))
    for chunk in scores.drawn(weights, rng):
        for k, values in enumerate(chunk):
            for j, limit in enumerate(np.array([largest(row, places) for row in values], dtype=np.float32).T):
                inside[k, j] += (values >= limit[:, None]).view(np.uint8).sum(axis=0, dtype=np.uint16)
    inside /= len(weights[0])
    return [np.column_stack([a, up_to_b - a, 1 - up_to_b]) for a, up_to_b in inside]


def largest(values: npt.NDArray[np.float32], places: tuple[int, ...]) -> list[float]:
    """The k-th largest value, for each k of ``places``; infinite for k = 0. By a histogram: a fifth of the time of a partition.

    Examples
    --------
    >>> largest(np.array([3.0, 9.0, 5.0, 7.0], dtype=np.float32), (0, 1, 3))
    [inf, 9.0, 5.0]
    """
    low, high = float(values.min()), float(values.max())
    width, n_bins = high - low, min(_BINS, values.size)
    bins = (
        ((values - low) * np.float32((n_bins - 1) / width)).astype(np.intp)
        if width > 0
        else np.zeros(values.size, np.intp)
    )
    from_top = np.cumsum(np.bincount(bins, minlength=n_bins)[::-1])
    found = []
    for k in places:
        if k == 0:
            found.append(np.inf)
            continue
        at = int(np.searchsorted(from_top, k))
        before = int(from_top[at - 1]) if at else 0
        inside = np.sort(values[bins == n_bins - 1 - at])
        found.append(float(inside[inside.size - (k - before)]))
    return found


def not_dominated(levels: Floats, scores: Floats, *, most: int) -> Ints:
    """Accounts that no other beats under every set of weights, in descending order of the score; at most so many.

    One account beats another if it is nowhere lower and somewhere higher. A missing level counts as the lowest known one where an
    account would beat, and as the highest where it would be beaten: its score lies between them whatever the weights.

    Examples
    --------
    >>> levels = np.array([[0.9, 0.1], [0.5, 0.5], [0.4, 0.5], [0.1, 0.9]])
    >>> not_dominated(levels, levels.mean(axis=1), most=10).tolist()
    [0, 1, 3]
    """
    order = np.argsort(-scores, kind="stable")
    low = np.where(np.isnan(levels), np.nanmin(levels, axis=1, keepdims=True), levels)[order]
    high = np.where(np.isnan(levels), np.nanmax(levels, axis=1, keepdims=True), levels)[order]
    kept = np.empty(0, dtype=np.int64)
    for start in range(0, len(order), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(order)))
        for front in (kept[:50], kept[50:]):  # the best beat most of those that anyone beats
            rows = rows[~_beaten(high[rows], low[front])]
        rows = rows[~_beaten(high[rows], low[rows])]
        kept = np.concatenate([kept, rows])
        if kept.size >= most:
            break
    return order[kept[:most]]


def _beaten(those: Floats, by: Floats) -> npt.NDArray[np.bool_]:
    """Whether a row of ``those`` is beaten by any of ``by``."""
    never_lower = np.ones((len(those), len(by)), dtype=bool)
    higher = np.zeros((len(those), len(by)), dtype=bool)
    for one, other in zip(those.T, by.T, strict=True):
        never_lower &= other >= one[:, None]
        higher |= other > one[:, None]
    return np.asarray((never_lower & higher).any(axis=1))


@dataclass(frozen=True, eq=False)
class Ranks:
    """How accounts rank among one another over the draws.

    Attributes
    ----------
    p_rank : numpy.ndarray, shape (n_accounts, n_first)
        Rank acceptability: share of the draws with rank 1, 2, ….
    quantiles : numpy.ndarray, shape (n_accounts, 3)
        2.5 %, 50 % and 97.5 % quantile of the rank.
    central : numpy.ndarray, shape (n_accounts, n_criteria)
        Mean of the weights that make the account first; missing where none does.
    """

    p_rank: Floats
    quantiles: Ints
    central: Floats


def rank_acceptability(scores: Scores, weights: Floats, *, n_first: int, rng: np.random.Generator) -> Ranks:
    """Ranks of accounts among one another over the draws of :func:`draw_weights`; 1 is the highest score.

    Parameters
    ----------
    scores : Scores
        From :func:`prepare`; the ranks of all draws are held (2 bytes each).
    weights : numpy.ndarray, shape (n_draws, n_criteria)
        From :func:`draw_weights`.
    n_first : int
        Ranks for which the acceptability is wanted.
    rng : numpy.random.Generator
        For the errors.

    Returns
    -------
    Ranks
    """
    n, n_draws = scores.n, len(weights)
    ranks = np.empty((n_draws, n), dtype=np.uint16)
    counts = np.zeros((n, min(n_first, n)))
    central = np.zeros((n, weights.shape[1]))
    numbers = np.arange(1, n + 1, dtype=np.uint16)
    start = 0
    for (values,) in scores.drawn([weights], rng):
        order = np.argsort(-values, axis=1)
        rows = slice(start, start + len(values))
        np.put_along_axis(ranks[rows], order, numbers[None, :], axis=1)
        for rank in range(counts.shape[1]):
            counts[:, rank] += np.bincount(order[:, rank], minlength=n)
        np.add.at(central, order[:, 0], weights[rows])
        start += len(values)
    by_account = np.sort(ranks.T, axis=1)
    at = [int(np.ceil(q * n_draws)) - 1 for q in (0.025, 0.5, 0.975)]
    first = counts[:, :1]
    return Ranks(
        p_rank=counts / n_draws,
        quantiles=by_account[:, at].astype(np.int64),
        central=np.divide(central, first, out=np.full(central.shape, np.nan), where=first > 0),
    )
