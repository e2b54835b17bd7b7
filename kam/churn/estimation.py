"""Transition counts of sequences, the probabilities estimated from them, and their resamples over customers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from kam.churn.sequences import Sequences
from kam.errors import EmptyStateError, ParameterError
from kam.stats.resampling import bootstrap_weights

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Number = TypeVar("Number", bound=np.number)


def count_cells(sequences: Sequences) -> Ints:
    """Transitions by the period that is left, shape (T, S, S); the last period has none."""
    moves, n = sequences.moves, len(sequences.states)
    cell = (sequences.period[moves] * n + sequences.state[moves]) * n + sequences.state[moves + 1]
    return np.bincount(cell, minlength=len(sequences.periods) * n * n).reshape(-1, n, n)


def count_states(sequences: Sequences, rows: npt.NDArray[np.bool_] | None = None) -> Ints:
    """Customers in each state by period, shape (T, S); of some rows of the sequences, or of all."""
    n = len(sequences.states)
    cell = sequences.period * n + sequences.state
    if rows is not None:
        cell = cell[rows]
    return np.bincount(cell, minlength=len(sequences.periods) * n).reshape(-1, n)


def sum_money(sequences: Sequences) -> Floats:
    """Money by period and state, shape (T, S)."""
    n = len(sequences.states)
    cell = sequences.period * n + sequences.state
    total = np.bincount(cell, weights=sequences.money, minlength=len(sequences.periods) * n)
    return np.asarray(total.reshape(-1, n), dtype=np.float64)


def sum_by(values: npt.NDArray[Number], group: Ints, n_groups: int) -> npt.NDArray[Number]:
    """Sums over the first axis by group, shape (n_groups, ...); zeros for a group without any."""
    sums = np.zeros((n_groups, *values.shape[1:]), dtype=values.dtype)
    np.add.at(sums, group, values)
    return sums


def ratio(part: npt.ArrayLike, whole: npt.ArrayLike) -> Floats:
    """part / whole, and 0 where the whole is 0; broadcast against each other."""
    a, b = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    return np.divide(a, b, out=np.zeros(np.broadcast_shapes(a.shape, b.shape)), where=b != 0)


def estimate(
    counts: npt.ArrayLike, *, prior: float | Floats = 0.0, allowed: npt.NDArray[np.bool_] | None = None
) -> Floats:
    """Maximum likelihood, or the posterior mean under a Dirichlet prior: p_ij = (n_ij + a_ij) / Σ_j (n_ij + a_ij).

    Parameters
    ----------
    counts : array_like
        Shape (..., S, S).
    prior : float or numpy.ndarray
        Pseudo-counts a, the same for every transition that is allowed, or one for each.
    allowed : numpy.ndarray of bool, optional
        Shape (S, S); False is a structural zero.

    Raises
    ------
    EmptyStateError
        A row has no transition and no prior; ``where`` gives its position.
    ParameterError
        A transition was seen that is not allowed, or the prior is negative.

    Notes
    -----
    Anderson & Goodman (1957), Annals of Mathematical Statistics 28, equation 2.8.

    Examples
    --------
    >>> estimate([[8, 2], [1, 4]]).tolist()
    [[0.8, 0.2], [0.2, 0.8]]
    """
    n = np.asarray(counts, dtype=np.float64)
    pseudo = np.broadcast_to(np.asarray(prior, dtype=np.float64), n.shape[-2:])
    if not np.isfinite(pseudo).all() or (pseudo < 0).any():
        raise ParameterError(f"The prior is {prior}.", hint="Give pseudo-counts of 0 or more.")
    if allowed is not None:
        if (n * ~allowed).any():
            raise ParameterError("A transition that is declared impossible was seen.", hint="Do not declare it.")
        pseudo = pseudo * allowed
    total = (n + pseudo).sum(axis=-1, keepdims=True)
    if (total == 0).any():
        row = int(np.argwhere(total == 0)[0][-2])
        raise EmptyStateError("A state is never left.", where=f"state {row}, counted from 0", hint="Give a prior.")
    return np.asarray((n + pseudo) / total)


def customer_cells(sequences: Sequences, *, seasons: Ints) -> npt.NDArray[np.float32]:
    """What each customer adds to the counts: one row per customer.

    Parameters
    ----------
    sequences : Sequences
        Of N customers and S states.
    seasons : numpy.ndarray
        Season of each period, C in all; all 0 for a chain that is the same in all periods.

    Returns
    -------
    numpy.ndarray
        Shape (N, C·S·S + 2·C·S), single precision: transitions, then periods in each state, then money in each state.
    """
    n, n_states = len(sequences.customers), len(sequences.states)
    n_cells = (int(seasons.max()) + 1) * n_states
    moves = sequences.moves
    place = seasons[sequences.period] * n_states + sequences.state
    step = place[moves] * n_states + sequences.state[moves + 1]
    parts = [
        _tally(sequences.customer[moves], step, n, n_cells * n_states),
        _tally(sequences.customer, place, n, n_cells),
        _tally(sequences.customer, place, n, n_cells, sequences.money)
        if sequences.money is not None
        else np.zeros((n, n_cells), dtype=np.float32),
    ]
    return np.concatenate(parts, axis=1)


def bootstrap_cells(
    sequences: Sequences, *, n_resamples: int, seed: int, seasons: Ints | None = None
) -> tuple[Floats, Floats, Floats]:
    """Resample customers, with all that they did, and count again.

    Assumes (1) that customers are independent of one another; the periods of one customer need not be.

    Parameters
    ----------
    sequences : Sequences
        Of N customers and S states.
    n_resamples, seed : int
    seasons : numpy.ndarray, optional
        Season of each period; default: all the same.

    Returns
    -------
    counts : numpy.ndarray
        Transitions, shape (n_resamples, C, S, S).
    n : numpy.ndarray
        Customer-periods in each state, shape (n_resamples, C, S).
    money : numpy.ndarray
        Money brought in them, same shape.
    """
    seasons = np.zeros(len(sequences.periods), dtype=np.int64) if seasons is None else seasons
    n_states, n_seasons = len(sequences.states), int(seasons.max()) + 1
    cells = customer_cells(sequences, seasons=seasons)
    draws = np.concatenate(list(_products(cells, n_resamples, seed))).astype(np.float64)
    counts, n, money = np.split(draws, [n_seasons * n_states**2, n_seasons * (n_states**2 + n_states)], axis=1)
    shape = (n_resamples, n_seasons, n_states)
    return counts.reshape(*shape, n_states), n.reshape(shape), money.reshape(shape)


def fill_empty(counts: Floats, fallback: Floats) -> Floats:
    """Probabilities of resampled counts (B, C, S, S); a row without a transition takes those of the estimate (C, S, S)."""
    total = counts.sum(axis=-1, keepdims=True)
    return np.where(total > 0, ratio(counts, total), fallback)


# -- inside ----------------------------------------------------------------------------------------------------------


def _products(cells: npt.NDArray[np.float32], n_resamples: int, seed: int) -> Iterator[npt.NDArray[np.float32]]:
    for weights in bootstrap_weights(len(cells), n_resamples, seed):
        yield weights.astype(np.float32) @ cells


def _tally(
    row: Ints, column: Ints, n_rows: int, n_columns: int, weights: Floats | None = None
) -> npt.NDArray[np.float32]:
    flat = np.bincount(row * n_columns + column, weights=weights, minlength=n_rows * n_columns)
    return flat.reshape(n_rows, n_columns).astype(np.float32)
