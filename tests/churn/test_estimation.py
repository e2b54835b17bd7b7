"""Counts, estimates and resamples over customers."""

import numpy as np
import pandas as pd
import pytest

from kam.churn.estimation import (
    bootstrap_cells,
    count_cells,
    count_states,
    customer_cells,
    estimate,
    fill_empty,
    ratio,
    sum_by,
    sum_money,
)
from kam.churn.sequences import read_sequences
from kam.errors import EmptyStateError, ParameterError
from tests.churn.worlds import TRUTH, simulate


def naive_counts(panel, states):
    """Transitions by period, counted by looking at every pair of rows."""
    found = {}
    for _, rows in panel.sort_values("period").groupby("customer_id"):
        for (p, i), (q, j) in zip(
            rows[["period", "state"]].values[:-1], rows[["period", "state"]].values[1:], strict=True
        ):
            if (q.year - p.year) * 12 + q.month - p.month == 1:
                found[p, states.index(i), states.index(j)] = found.get((p, states.index(i), states.index(j)), 0) + 1
    return found


def test_counts_by_period_are_the_naive_ones(panel):
    part = panel.sample(frac=0.7, random_state=1)
    sequences = read_sequences(part, money="revenue")
    cells = count_cells(sequences)
    naive = naive_counts(part, sequences.states)
    assert {(sequences.periods[t], i, j): cells[t, i, j] for t, i, j in np.argwhere(cells)} == naive
    by_state = part.pivot_table(
        index="period", columns="state", values="revenue", aggfunc=["size", "sum"], fill_value=0
    )
    assert (count_states(sequences) == by_state["size"].to_numpy()).all()
    np.testing.assert_allclose(sum_money(sequences), by_state["sum"].to_numpy())


def test_estimates_by_hand():
    counts = [[8, 2], [0, 0]]
    assert estimate(counts, prior=1.0).tolist() == [[0.75, 0.25], [0.5, 0.5]]
    allowed = np.array([[True, True], [False, True]])
    assert estimate(counts, prior=1.0, allowed=allowed).tolist() == [[0.75, 0.25], [0, 1]]
    with pytest.raises(EmptyStateError, match="state 1"):
        estimate(counts)
    with pytest.raises(ParameterError, match="prior"):
        estimate(counts, prior=-1)
    with pytest.raises(ParameterError, match="impossible"):
        estimate([[1, 1], [1, 1]], allowed=allowed)


def test_cells_of_the_customers_add_up_to_the_counts(panel):
    sequences = read_sequences(panel, money="revenue")
    seasons = sequences.season
    total = customer_cells(sequences, seasons=seasons).astype(float).sum(axis=0)
    counts = count_cells(sequences)
    by_season = np.array([counts[seasons == c].sum(axis=0) for c in range(12)])
    np.testing.assert_allclose(total[: by_season.size], by_season.ravel())
    money = np.array([sum_money(sequences)[seasons == c].sum(axis=0) for c in range(12)])
    np.testing.assert_allclose(total[-money.size :], money.ravel(), rtol=1e-6)


def test_a_resample_takes_customers_whole():
    """Two customers, one of whom never moves: every resample holds 0, 1 or 2 of each, with all their periods."""
    frame = pd.DataFrame(
        {"customer_id": list("aaabbb"), "period": [1, 2, 3] * 2, "state": list("xxxyyy"), "money": 1.0}
    )
    counts, n, money = bootstrap_cells(read_sequences(frame, money="money"), n_resamples=200, seed=1)
    assert counts.shape == (200, 1, 2, 2) and n.shape == money.shape == (200, 1, 2)
    stayed = counts[:, 0, [0, 1], [0, 1]]
    assert set(stayed[:, 0]) == {0, 2, 4} and (stayed.sum(axis=1) == 4).all()
    np.testing.assert_array_equal(n[:, 0], stayed / 2 * 3)
    np.testing.assert_array_equal(money, n)


def test_the_spread_of_resamples_is_that_of_new_samples():
    """Customers who differ: the bootstrap over customers sees it, the multinomial does not."""
    rng = np.random.default_rng(1)

    def world(seed):
        calm, wild = (np.array([[q, 1 - q], [0.5, 0.5]]) for q in (0.95, 0.55))
        states, money = ("x", "y"), np.zeros(2)
        n_calm = int(np.random.default_rng(seed).binomial(120, 0.5))
        one = simulate(seed, p=calm, n_customers=n_calm, n_periods=12, states=states, money=money)
        two = simulate(seed + 10_000, p=wild, n_customers=120 - n_calm, n_periods=12, states=states, money=money)
        return read_sequences(pd.concat([one, two.assign(customer_id="w" + two["customer_id"])]))

    stay = [estimate(count_cells(world(int(s))).sum(axis=0))[0, 0] for s in rng.integers(9_000, size=150)]
    sequences = world(1)
    counts, _, _ = bootstrap_cells(sequences, n_resamples=500, seed=1)
    draws = counts[:, 0, 0, 0] / counts[:, 0, 0].sum(axis=1)
    total = count_cells(sequences).sum(axis=0)[0]
    multinomial = np.sqrt(total[0] * total[1] / total.sum() ** 3)
    assert 0.8 < draws.std() / np.std(stay) < 1.25
    assert draws.std() > 1.3 * multinomial


def test_rows_that_a_resample_missed_are_as_estimated():
    filled = fill_empty(np.array([[[[3.0, 1], [0, 0]]]]), TRUTH[None, :2, :2])
    assert filled[0, 0].tolist() == [[0.75, 0.25], [0.2, 0.65]]


def test_the_same_seed_gives_the_same_resamples(panel):
    sequences = read_sequences(panel)
    one, two = (bootstrap_cells(sequences, n_resamples=5, seed=3)[0] for _ in range(2))
    assert (one == two).all()


def test_sums_by_group_and_ratios_where_there_is_a_whole():
    values = np.array([[1, 2], [3, 4], [5, 6]])
    assert sum_by(values, np.array([2, 0, 2]), 4).tolist() == [[3, 4], [0, 0], [6, 8], [0, 0]]
    assert ratio([[1, 2], [3, 0]], [[2], [0]]).tolist() == [[0.5, 1], [0, 0]]
