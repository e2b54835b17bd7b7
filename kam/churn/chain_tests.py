"""Tests of what a Markov chain assumes: G² and Pearson on counts, and p-values from sequences simulated under the hypothesis.

The tests are those of Anderson & Goodman (1957). Their χ² distribution holds for large expected counts; where these are small
(:attr:`LikelihoodTest.is_sparse`) the parametric bootstrap says what the statistic does when the hypothesis is true: customers
move as the hypothesis has it, and enter, and go out of sight, as observed.

What is bootstrapped is the χ² p-value of Pearson's X² with the degrees of freedom of the resample itself (Beran 1988 calls this
prepivoting): with few customers a rare transition is missing in some resamples, and then G² or X² has less to add up. In
simulations with 25 to 60 customers the p-values of the plain bootstrap of G² were up to 0.5 in 58 to 79 % of cases under the
hypothesis, these in 46 to 53 % (``tests/churn/test_chain_tests.py`` has a small version).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc, rel_entr

from kam.churn.estimation import count_cells, customer_cells, ratio, sum_by
from kam.churn.sequences import Sequences
from kam.errors import ParameterError
from kam.stats.resampling import chunk_sizes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_MANY = 50_000


@dataclass(frozen=True)
class LikelihoodTest:
    """A comparison of counts with what a hypothesis expects.

    Attributes
    ----------
    g2, x2 : float
        Likelihood-ratio statistic 2 Σ n ln(n / e) and Pearson's Σ (n − e)² / e.
    df : int
        Degrees of freedom; 0: not testable, the hypothesis cannot be wrong on these counts.
    p_g2, p_x2 : float or None
        Probability of a statistic as large under the hypothesis, by χ²; None where df is 0.
    n_cells, n_small : int
        Cells compared (expected count above 0), and those of them with an expected count below 5.
    p_bootstrap : float or None
        The same for X², from simulated sequences; None: not simulated, or df is 0.
    """

    g2: float
    x2: float
    df: int
    p_g2: float | None
    p_x2: float | None
    n_cells: int
    n_small: int
    p_bootstrap: float | None = None

    @property
    def is_sparse(self) -> bool:
        """Whether χ² is not to be trusted: expected counts below 5 in more than 20 % of the cells (Cochran 1954)."""
        return self.n_small > 0.2 * self.n_cells

    @property
    def p(self) -> float | None:
        """The p-value of X² to be reported: by the bootstrap if there is one, else by χ²; None: not testable."""
        return self.p_x2 if self.p_bootstrap is None else self.p_bootstrap


# -- tests on counts -------------------------------------------------------------------------------------------------


def specified_test(counts: npt.ArrayLike, p0: npt.ArrayLike) -> LikelihoodTest:
    """Test whether a chain has given transition probabilities, row by row; df = Σ_i (a_i − 1).

    Assumes (1) that customers move independently of one another; (2) that the chain is of order one, the same in all periods.

    Parameters
    ----------
    counts : array_like
        Transitions, shape (S, S); rows without any are left out.
    p0 : array_like
        Probabilities of the hypothesis, shape (S, S); a_i of row i are above 0.

    Raises
    ------
    ParameterError
        The shapes differ, a row of ``p0`` is no distribution, or a transition was seen that has probability 0.

    Notes
    -----
    Kullback, Kupperman & Ku (1962), Technometrics 4(4), with row totals.

    Examples
    --------
    >>> test = specified_test([[18, 12], [5, 15]], [[0.5, 0.5], [0.5, 0.5]])
    >>> round(test.x2, 3), test.df, round(test.p_x2, 3)
    (6.2, 2, 0.045)
    """
    n = _counts(counts, 2)
    p = np.asarray(p0, dtype=np.float64)
    if p.shape != n.shape:
        raise ParameterError(f"There are probabilities {p.shape} for counts {n.shape}.", hint="Give one shape.")
    if not ((p >= 0).all() and np.allclose(p.sum(axis=1), 1)):
        raise ParameterError("A row of the probabilities is no distribution.", hint="Rows sum to 1.")
    impossible = (n > 0) & (p == 0)
    if impossible.any():
        i, j = np.argwhere(impossible)[0]
        raise ParameterError(
            "A transition was seen that has probability 0 under the hypothesis: it is refuted without a test.",
            where=f"from state {i} to state {j}, counted from 0: {n[i, j]:.0f} times",
        )
    seen = n.sum(axis=1) > 0
    return _compare(n, n.sum(axis=1, keepdims=True) * p, int(((p > 0).sum(axis=1) - 1)[seen].sum()))


def homogeneity_test(tables: npt.ArrayLike) -> LikelihoodTest:
    """Test whether transition tables come from one chain: over time (tables by period) or over segments.

    df = Σ_i (a_i − 1)(T_i − 1), with a_i columns that row i ever reached and T_i tables in which it is not empty.

    Assumes (1) that customers move independently of one another; (2) that the chain is of order one.

    Parameters
    ----------
    tables : array_like
        Transitions, shape (T, S, S).

    Raises
    ------
    ParameterError
        The array is not (T, S, S), or a count is negative.

    Notes
    -----
    Anderson & Goodman (1957), Annals of Mathematical Statistics 28(1), section 3.1.

    Examples
    --------
    >>> test = homogeneity_test([[[8, 2], [3, 7]], [[5, 5], [3, 7]]])
    >>> round(test.x2, 3), test.df, test.is_sparse
    (1.978, 2, True)
    """
    return _compare_tables(_counts(tables, 3))


def order_zero_test(counts: npt.ArrayLike) -> LikelihoodTest:
    """Test order 0 against order 1: whether the next state does not depend on the state now.

    df = (r − 1)(c − 1) with r rows and c columns that are not empty.

    Assumes (1) that customers move independently of one another; (2) that the chain is the same in all periods.

    Parameters
    ----------
    counts : array_like
        Transitions, shape (S, S).

    Raises
    ------
    ParameterError
        The array is not (S, S), or a count is negative.

    Notes
    -----
    Anderson & Goodman (1957), section 3.2; R: ``loglin(counts, list(1, 2))``.

    Examples
    --------
    >>> round(order_zero_test([[20, 10], [10, 20]]).x2, 3)
    6.667
    """
    return _compare_tables(_counts(counts, 2)[:, None])


def order_one_test(triples: npt.ArrayLike) -> LikelihoodTest:
    """Test order 1 against order 2: whether, given the state now, the next does not depend on the one before.

    df = Σ_j (a_j − 1)(b_j − 1) with a_j states seen before state j and b_j states seen after it.

    Assumes (1) that customers move independently of one another; (2) that the chain is the same in all periods.

    Parameters
    ----------
    triples : array_like
        Three states in successive periods (before, now, next), shape (S, S, S): :func:`count_triples`.

    Raises
    ------
    ParameterError
        The array is not (S, S, S), or a count is negative.

    Notes
    -----
    Anderson & Goodman (1957), section 3.2; R: ``loglin(triples, list(c(1, 2), c(2, 3)))``, whose df counts empty margins too.

    Examples
    --------
    >>> order_one_test(np.full((2, 2, 2), 10)).g2
    0.0
    """
    return _compare_tables(_counts(triples, 3))


def count_triples(sequences: Sequences) -> Ints:
    """Three states in successive periods (before, now, next), shape (S, S, S); none leads over a gap.

    Examples
    --------
    >>> import pandas as pd
    >>> from kam.churn.sequences import read_sequences
    >>> panel = pd.DataFrame({"customer_id": "1", "period": [1, 2, 3, 5], "state": list("abba")})
    >>> np.argwhere(count_triples(read_sequences(panel))).tolist()
    [[0, 1, 1]]
    """
    moves, n = sequences.moves, len(sequences.states)
    first = moves[:-1][np.diff(moves) == 1]
    cell = (sequences.state[first] * n + sequences.state[first + 1]) * n + sequences.state[first + 2]
    return np.bincount(cell, minlength=n**3).reshape(n, n, n)


def count_segments(sequences: Sequences) -> Ints:
    """Transitions by segment, shape (segments, S, S).

    Raises
    ------
    ParameterError
        The sequences have no segments.
    """
    if sequences.segment is None:
        raise ParameterError("The customers have no segments.", hint="Give a segment for each.")
    moves, n = sequences.moves, len(sequences.states)
    cell = (sequences.segment[sequences.customer[moves]] * n + sequences.state[moves]) * n + sequences.state[moves + 1]
    return np.bincount(cell, minlength=len(sequences.segments) * n * n).reshape(-1, n, n)


def count_seasons(sequences: Sequences) -> Ints:
    """Transitions by the season that is left, shape (seasons of a year, S, S)."""
    return sum_by(count_cells(sequences), sequences.season, sequences.n_seasons)


# -- p-values from simulated sequences -------------------------------------------------------------------------------


def bootstrap_homogeneity(
    sequences: Sequences, *, by: Literal["period", "season", "segment"] = "period", n_resamples: int = 499, seed: int
) -> LikelihoodTest:
    """:func:`homogeneity_test` over periods, seasons or segments, with the p-value of sequences simulated under one pooled chain.

    Assumes (1) that customers move independently of one another; (2) that the chain is of order one and, between segments,
    the same in all periods; (3) that who is lost from sight depends on period, state (and segment) only.

    Parameters
    ----------
    sequences : Sequences
    by : {"period", "season", "segment"}
    n_resamples, seed : int

    Raises
    ------
    ParameterError
        ``by`` is none of these, the sequences have no segments, or ``n_resamples`` is below 1.
    """
    if by not in ("period", "season", "segment"):
        raise ParameterError(f"There are no tables by {by!r}.", hint="Use 'period', 'season' or 'segment'.")
    tables = {"period": count_cells, "season": count_seasons, "segment": count_segments}[by](sequences)
    flow = _Flow.of(sequences, len(tables) if by == "segment" else 1)
    p = _shares(tables.sum(axis=0))
    place = np.arange(len(sequences.periods)) if by == "period" else sequences.season

    def simulate(rng: np.random.Generator, rows: int) -> Floats:
        drawn = np.zeros((rows, *tables.shape))
        for t, moves in flow.simulate(rng, rows, p):
            if by == "segment":
                drawn += moves[:, :, 0]
            else:
                drawn[:, place[t]] += moves[:, 0, 0]
        return drawn

    return _bootstrapped(tables, simulate, n_resamples, seed)


def bootstrap_order_zero(sequences: Sequences, *, n_resamples: int = 499, seed: int) -> LikelihoodTest:
    """:func:`order_zero_test` with the p-value of sequences whose next state does not depend on the state now.

    Assumes (1) that customers move independently of one another; (2) that who is lost from sight depends on period and state
    only.

    Parameters
    ----------
    sequences : Sequences
    n_resamples, seed : int

    Raises
    ------
    ParameterError
        ``n_resamples`` is below 1.
    """
    counts = count_cells(sequences).sum(axis=0)
    flow = _Flow.of(sequences)
    p = np.broadcast_to(_shares(counts.sum(axis=0)), counts.shape)

    def simulate(rng: np.random.Generator, rows: int) -> Floats:
        drawn = np.zeros((rows, len(p), 1, len(p)))
        for _, moves in flow.simulate(rng, rows, p):
            drawn[:, :, 0] += moves[:, 0, 0]
        return drawn

    return _bootstrapped(counts[:, None], simulate, n_resamples, seed)


def bootstrap_order_one(sequences: Sequences, *, n_resamples: int = 499, seed: int) -> LikelihoodTest:
    """:func:`order_one_test` with the p-value of sequences simulated under the chain of order one.

    Assumes (1) that customers move independently of one another; (2) that the chain is the same in all periods; (3) that who
    is lost from sight depends on period and state only.

    Parameters
    ----------
    sequences : Sequences
    n_resamples, seed : int

    Raises
    ------
    ParameterError
        ``n_resamples`` is below 1.
    """
    triples = count_triples(sequences)
    flow = _Flow.of(sequences)
    p = _shares(count_cells(sequences).sum(axis=0))

    def simulate(rng: np.random.Generator, rows: int) -> Floats:
        drawn = np.zeros((rows, *triples.shape))
        for _, moves in flow.simulate(rng, rows, p, remember=True):
            drawn += moves[:, 0, 1:]
        return drawn

    return _bootstrapped(triples, simulate, n_resamples, seed)


def permute_segments(sequences: Sequences, *, n_resamples: int = 499, seed: int) -> tuple[LikelihoodTest, float]:
    """:func:`homogeneity_test` over segments, with the p-value of segments dealt to the customers by lot.

    Transitions of one customer are like one another, so that χ² finds differences between any groups of customers; lots, which
    take customers whole, do not.

    Assumes (1) that customers are independent of one another.

    Parameters
    ----------
    sequences : Sequences
        With segments.
    n_resamples, seed : int
        At most 100 lots for more than 50,000 customers.

    Returns
    -------
    test : LikelihoodTest
        ``p_bootstrap`` is the share of lots whose X² is at least the observed one, which counts as one of them.
    design_effect : float
        Mean X² of the lots over its degrees of freedom; 1 where nothing can be compared.

    Raises
    ------
    ParameterError
        The sequences have no segments.
    """
    test = homogeneity_test(count_segments(sequences))
    if not test.df or sequences.segment is None:
        return test, 1.0
    n_states = len(sequences.states)
    cells = customer_cells(sequences, seasons=np.zeros(len(sequences.periods), dtype=np.int64))[:, : n_states**2]
    rng = np.random.default_rng(seed)
    member = np.eye(len(sequences.segments), dtype=np.float32)[sequences.segment]
    lots = []
    for _ in range(n_resamples if len(cells) <= _MANY else min(n_resamples, 100)):
        tables = (member[rng.permutation(len(member))].T @ cells).reshape(-1, n_states, n_states)
        lots.append(homogeneity_test(np.rint(tables)).x2)
    p = (1 + sum(x2 >= test.x2 * (1 - 1e-9) for x2 in lots)) / (1 + len(lots))
    return replace(test, p_bootstrap=p), float(np.mean(lots)) / test.df


# -- inside ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Flow:
    """Who comes into sight and who goes out of it, by group g, period t and state j.

    ``entrants`` (G, T, S) are customers whose unbroken run of periods begins; ``leaving`` (G, T, S) is the share of those
    present whose run ends before the last period. Where nobody was present, it is the state's over all groups and periods;
    a state that nobody was ever seen to leave is the end of every run.
    """

    entrants: Ints
    leaving: Floats

    @classmethod
    def of(cls, sequences: Sequences, n_groups: int = 1) -> _Flow:
        n_periods, n_states = len(sequences.periods), len(sequences.states)
        group = 0 if sequences.segment is None or n_groups == 1 else sequences.segment[sequences.customer]
        cell = (group * n_periods + sequences.period) * n_states + sequences.state

        def tally(rows: npt.NDArray[np.bool_]) -> Ints:
            counts = np.bincount(cell[rows], minlength=n_groups * n_periods * n_states)
            return counts.reshape(n_groups, n_periods, n_states)

        begins, ends = np.ones(len(cell), dtype=bool), np.ones(len(cell), dtype=bool)
        begins[sequences.moves + 1] = False
        ends[sequences.moves] = False
        not_last = sequences.period < n_periods - 1
        present, gone = tally(not_last), tally(ends & not_last)
        ever = present.sum(axis=(0, 1))
        overall = np.where(ever > 0, ratio(gone.sum(axis=(0, 1)), ever), 1.0)
        return cls(tally(begins), np.where(present > 0, ratio(gone, present), overall))

    def simulate(
        self, rng: np.random.Generator, rows: int, p: Floats, *, remember: bool = False
    ) -> Iterator[tuple[int, Ints]]:
        """Move customers by the chain ``p`` (S, S), period by period.

        Yields t and the moves from period t to the next, shape (rows, G, H, S, S): H = 1, or with ``remember`` H = S + 1,
        the state before (0: none, the run begins; h + 1: state h).
        """
        n_groups, n_periods, n_states = self.entrants.shape
        present = np.zeros((rows, n_groups, n_states + 1 if remember else 1, n_states), dtype=np.int64)
        for t in range(n_periods - 1):
            present[:, :, 0] += self.entrants[:, t]
            stays = 1 - self.leaving[:, t, :, None]
            chances = np.concatenate([p * stays, 1 - stays], axis=-1)  # (G, S, S + 1); the last: out of sight
            moves = rng.multinomial(present, chances[:, None])[..., :-1]
            yield t, moves
            arrived = moves.sum(axis=2)  # (rows, G, from, to)
            if remember:
                present[:, :, 0] = 0
                present[:, :, 1:] = arrived
            else:
                present[:, :, 0] = arrived.sum(axis=2)


def _bootstrapped(
    tables: Ints, simulate: Callable[[np.random.Generator, int], Floats], n_resamples: int, seed: int
) -> LikelihoodTest:
    """Put in the share of simulated p-values that are at most the observed one, which counts as one of them."""
    chunks = chunk_sizes(n_resamples, 2 * tables.size)
    test = _compare_tables(tables.astype(np.float64))
    if test.p_x2 is None:
        return test
    rng = np.random.default_rng(seed)
    n_as_small = 0
    for rows in chunks:
        drawn = simulate(rng, rows)
        x2, df = _pearson(drawn, _expected(drawn)), _freedom(drawn)
        p = np.where(df > 0, chdtrc(np.maximum(df, 1), x2), 1.0)
        n_as_small += int((p <= test.p_x2 * (1 + 1e-9)).sum())
    return replace(test, p_bootstrap=(1 + n_as_small) / (1 + n_resamples))


def _compare_tables(n: Floats) -> LikelihoodTest:
    """Are rows of T tables (T, R, K) the same in all? Time and segments: a table each. Order one: a table per state before.

    Order zero: a table of one row per state now.
    """
    return _compare(n, _expected(n), int(_freedom(n)))


def _compare(n: Floats, expected: Floats, df: int) -> LikelihoodTest:
    g2 = max(float(2 * rel_entr(n, expected).sum()), 0.0)  # what rounding leaves below 0 is 0
    x2 = float(_pearson(n[None], expected[None])[0])
    return LikelihoodTest(
        g2=g2,
        x2=x2,
        df=df,
        p_g2=float(chdtrc(df, g2)) if df else None,
        p_x2=float(chdtrc(df, x2)) if df else None,
        n_cells=int((expected > 0).sum()),
        n_small=int(((expected > 0) & (expected < 5)).sum()),
    )


def _pearson(n: Floats, expected: Floats) -> Floats:
    """Σ (n − e)² / e over all but the first axis."""
    return np.asarray(ratio((n - expected) ** 2, expected).reshape(len(n), -1).sum(axis=1))


def _freedom(n: Floats) -> Ints:
    """Σ_i (a_i − 1)(T_i − 1) of tables (..., T, R, K): a_i columns that row i reached, T_i tables in which it is not empty."""
    columns = (n.sum(axis=-3) > 0).sum(axis=-1) - 1
    tables = (n.sum(axis=-1) > 0).sum(axis=-2) - 1
    return np.asarray((columns.clip(min=0) * tables.clip(min=0)).sum(axis=-1))


def _expected(n: Floats) -> Floats:
    """Counts of tables (..., T, R, K) if each row were split as in all tables together."""
    return np.asarray(n.sum(axis=-1, keepdims=True) * _shares(n.sum(axis=-3, keepdims=True)))


def _shares(n: npt.NDArray[np.number]) -> Floats:
    """Divide by the sum of the last axis; a row without counts, which nothing is drawn from, is evenly spread."""
    total = n.sum(axis=-1, keepdims=True)
    return np.where(total > 0, ratio(n, total), 1 / n.shape[-1])


def _counts(counts: npt.ArrayLike, n_axes: int) -> Floats:
    n = np.asarray(counts, dtype=np.float64)
    if n.ndim != n_axes or n.shape[-1] != n.shape[-2]:
        raise ParameterError(
            f"The counts have the shape {n.shape}.", hint=f"Give {n_axes} axes, the last two one entry per state."
        )
    if not (np.isfinite(n) & (n >= 0)).all():
        raise ParameterError("A count is negative or missing.", hint="Give how often each transition was seen.")
    return n
