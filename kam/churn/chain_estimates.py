"""The chain that fits what was observed: pooled, by season, by segment, by money, and resampled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kam.churn.chain_tests import LikelihoodTest, count_segments, permute_segments
from kam.churn.estimation import bootstrap_cells, estimate, fill_empty, ratio, sum_by
from kam.churn.observed import Observed
from kam.churn.segments import shrink_to_pooled
from kam.churn.sequences import Sequences
from kam.errors import EmptyStateError, ParameterError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def allowed_transitions(states: Sequence[str], structural_zeros: Iterable[tuple[str, str]]) -> Flags:
    """Which transitions are possible, shape (S, S)."""
    allowed = np.ones((len(states), len(states)), dtype=bool)
    for pair in structural_zeros:
        unknown = [name for name in pair if name not in states]
        if unknown or len(pair) != 2:
            raise ParameterError(f"There is no state {unknown[0]!r}.", hint=f"The states are {', '.join(states)}.")
        allowed[states.index(pair[0]), states.index(pair[1])] = False
    return allowed


def estimate_matrix(seen: Observed, counts: Ints, lost: int | None, prior: float, allowed: Flags) -> Floats:
    """Probabilities (S, S). A lost state that nobody was seen to leave or stay in is the end."""
    counts = counts.copy()
    pseudo: Floats = np.where(allowed, prior, 0.0)
    seen_but_impossible = np.argwhere((counts > 0) & ~allowed)
    if len(seen_but_impossible):
        i, j = (int(index) for index in seen_but_impossible[0])
        raise ParameterError(
            f"{counts[i, j]} transitions from {seen.states[i]!r} to {seen.states[j]!r} were seen.",
            hint="Do not declare this transition impossible.",
        )
    empty = (counts + pseudo).sum(axis=1) == 0
    if lost is not None and empty[lost]:
        counts[lost, lost] = 1
        empty[lost] = False
    if empty.any():
        names = [seen.states[i] for i in np.flatnonzero(empty)]
        raise EmptyStateError(
            f"No transition from the state {names[0]!r} was seen: nobody in it was followed into a next period.",
            where=f"states {', '.join(names)}",
            hint="Join the state with another, take more periods, or give a prior.",
        )
    return estimate(counts, prior=pseudo)


def cut_returns(p: Floats, lost: int | None) -> Floats:
    """The same probabilities (..., S, S) with the lost state as the end."""
    if lost is None:
        return p
    p = p.copy()
    p[..., lost, :] = np.eye(p.shape[-1])[lost]
    return p


def mean_rewards(seen: Observed) -> Floats | None:
    """Mean money per customer and period in each state, (S,)."""
    if seen.money is None:
        return None
    return np.asarray(seen.money.sum(axis=0) / seen.mix.sum(axis=0))


def estimate_cycle(
    seen: Observed, p: Floats, rewards: Floats | None, prior: float, allowed: Flags
) -> tuple[Floats, Ints, Floats]:
    """One matrix and one row of rewards per season; what a season does not show is as in the pooled chain.

    None at all unless every season was seen in two years.
    """
    if not seen.has_two_years:
        none = np.zeros((0, *p.shape))
        return none, none.astype(np.int64), none[:, 0]
    season, n = seen.season, seen.n_seasons
    counts = seen.by_season
    pseudo: Floats = np.where(allowed, prior, 0.0)
    empty = (counts + pseudo).sum(axis=2, keepdims=True) == 0
    matrices = estimate(np.where(empty, p, counts), prior=pseudo)
    if seen.money is None or rewards is None:
        return matrices, counts, np.zeros((n, len(p)))
    customers = sum_by(seen.mix, season, n)
    mean = np.where(customers > 0, ratio(sum_by(seen.money, season, n), customers), rewards)
    return matrices, counts, mean


def resample_chain(
    seen: Observed, seasons: Ints, p: Floats, rewards: Floats, prior: Floats, *, n_resamples: int, seed: int
) -> tuple[Floats, Floats, Floats]:
    """Probabilities (B, C, S, S) and rewards (B, C, S) of the chain in use, and the pooled probabilities (B, S, S).

    Over customers; without customers every row is drawn from its own multinomial.
    """
    if seen.sequences is None:
        rng = np.random.default_rng(seed)
        total = seen.tables.sum(axis=(0, 2))
        counts = rng.multinomial(total, p[0], size=(n_resamples, len(total))).astype(float)[:, None]
        draws = fill_empty(counts + prior, p)
        return draws, np.broadcast_to(rewards, draws.shape[:-1]).copy(), draws[:, 0]
    counts, n, money = bootstrap_cells(seen.sequences, n_resamples=n_resamples, seed=seed, seasons=seasons)
    mean = np.where(n > 0, ratio(money, n), rewards)
    together = counts.sum(axis=1, keepdims=True)
    pooled = fill_empty(
        together + prior, estimate(seen.tables.sum(axis=0) + (seen.tables.sum(axis=(0, 2)) == 0)[:, None])[None]
    )
    return fill_empty(counts + prior, p), mean, pooled[:, 0]


@dataclass(frozen=True, eq=False)
class SegmentEstimates:
    """Transitions of the segments (G, S, S), their matrices shrunk to the pooled one, and the test that they are alike."""

    counts: Ints
    p: Floats
    test: LikelihoodTest


def estimate_segments(seen: Observed, p: Floats, *, seed: int) -> SegmentEstimates | None:
    """Segment matrices, shrunk by what segments of customers drawn by lot would differ; None without segments."""
    if seen.sequences is None or seen.sequences.segment is None:
        return None
    test, design_effect = permute_segments(seen.sequences, seed=seed)
    counts = count_segments(seen.sequences)
    shrunk, _ = shrink_to_pooled(counts, design_effect=design_effect)
    return SegmentEstimates(counts, np.where(shrunk.sum(axis=2, keepdims=True) > 0, shrunk, p), test)


def money_matrix(seen: Observed, p: Floats) -> Floats:
    """Transitions weighted by what the customer brought in the year up to its last period with money; none: as the heads do.

    Neither the money of the period left nor that of the year before it would do: who is about to be lost has been silent. A
    customer whose last money lies before the panel weighs as much as the others in its state do on average.
    """
    sequences = seen.sequences
    if sequences is None or sequences.money is None:
        return p
    moves, n = sequences.moves, len(seen.states)
    cell = sequences.state[moves] * n + sequences.state[moves + 1]
    weight, known = (column[moves] for column in _money_of_a_year(sequences, sequences.money))
    state = sequences.state[moves]
    mean = ratio(np.bincount(state[known], weight[known], n), np.bincount(state[known], minlength=n))
    weight = np.where(known, weight, mean[state])
    money = np.bincount(cell, weight, n * n).reshape(n, n)
    total = money.sum(axis=1, keepdims=True)
    return np.where(total > 0, ratio(money, total), p)


# -- inside ----------------------------------------------------------------------------------------------------------


def _money_of_a_year(sequences: Sequences, money: Floats) -> tuple[Floats, Flags]:
    """What each row's customer brought in the year that ends with its last period with money, and whether there was one."""
    rows = np.arange(len(sequences.customer))
    key = sequences.customer * (len(sequences.periods) + sequences.n_seasons) + sequences.period
    first = np.searchsorted(key, key - sequences.n_seasons + 1)
    starts = np.flatnonzero(np.diff(sequences.customer, prepend=-1))
    begin = np.repeat(starts, np.diff(np.append(starts, len(rows))))
    total = np.concatenate([[0.0], np.cumsum(money)])
    year = total[rows + 1] - total[np.maximum(first, begin)]
    last = np.maximum.accumulate(np.where(money > 0, rows, 0))
    return np.clip(year[np.maximum(last, begin)], 0, None), (last >= begin) & (money[last] > 0)
