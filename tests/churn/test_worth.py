"""The number in which the effect of an assumption is said."""

import numpy as np
import pandas as pd
import pytest

from kam.churn.chain import as_cycle
from kam.churn.estimation import count_cells, estimate
from kam.churn.sequences import read_sequences
from kam.churn.worth import Worth, pairs_now, rate_per_period, recent_matrix
from kam.errors import ParameterError
from tests.churn.worlds import MONEY, TRUTH, simulate


def worth(**changes):
    return Worth(
        **({"mix": np.array([2.0, 1, 1]), "rewards": MONEY, "lost": 2, "discount": 0.01, "n_seasons": 12} | changes)
    )


def test_rates():
    assert rate_per_period(0.1, "year") == 0.1 == rate_per_period(0.1, "period")
    assert (1 + rate_per_period(0.1, "month")) ** 12 == pytest.approx(1.1)
    with pytest.raises(ParameterError, match="discount_rate"):
        rate_per_period(-0.1, "month")


def test_money_is_what_is_still_to_come():
    """By brute force: 3,000 periods of discounted rewards, this one left out."""
    now, total = np.array([2, 1, 1]) / 4, 0.0
    for t in range(1, 3000):
        now = now @ TRUTH
        total += now @ MONEY / 1.01**t
    assert worth().of(as_cycle(TRUTH)) == pytest.approx(total)


def test_without_money_it_is_the_time_to_loss_and_without_loss_the_mix():
    q = TRUTH[:2, :2]
    times = np.linalg.solve(np.eye(2) - q, np.ones(2))
    assert worth(rewards=None).of(as_cycle(TRUTH)) == pytest.approx((2 * times[0] + times[1]) / 3)
    year = np.array([0.5, 0.25, 0.25]) @ np.linalg.matrix_power(TRUTH, 12)
    assert worth(rewards=None, lost=None).of(as_cycle(TRUTH)) == pytest.approx(year[0])
    assert [worth(rewards=r, lost=k).unit for r, k in ((MONEY, 2), (None, 2), (None, None))] == [
        "money",
        "periods",
        "share",
    ]


def test_a_loss_that_cannot_be_reached_has_no_time():
    p = np.array([[1.0, 0, 0], [0.2, 0.6, 0.2], [0, 0, 1]])
    assert np.isnan(worth(rewards=None).of(as_cycle(p)))


@pytest.mark.parametrize("changes", [{}, {"rewards": None}, {"rewards": None, "lost": None}])
def test_a_second_order_chain_that_is_of_first_order_is_worth_the_same(changes):
    triples = np.broadcast_to(1000 * TRUTH, (3, 3, 3))  # the state before does not matter
    pairs = np.array([[1.0, 0.5, 0.5], [0.5, 0.25, 0.25], [0.5, 0.25, 0.25]])
    w = worth(mix=pairs.sum(axis=0), **changes)
    assert w.of_second_order(triples, TRUTH, pairs) == pytest.approx(w.of(as_cycle(TRUTH)))


def test_the_second_order_is_seen_where_there_is_one():
    """Who was in A before being in B returns to A; who was not, never does: by brute force over pairs."""
    triples = np.broadcast_to(1000 * TRUTH, (3, 3, 3)).copy()
    triples[0, 1] = [900, 50, 50]
    triples[1, 1] = [0, 800, 200]
    pairs = np.array([[0.0, 1, 0], [0, 0, 0], [0, 0, 0]])
    rows = triples / triples.sum(axis=2, keepdims=True)
    now, total = pairs / pairs.sum(), 0.0
    for t in range(1, 2000):
        now = np.einsum("ij,ijk->jk", now, rows)
        total += now.sum(axis=0) @ MONEY / 1.01**t
    assert worth(mix=pairs.sum(axis=0)).of_second_order(triples, TRUTH, pairs) == pytest.approx(total)


def test_pairs_of_today_are_counted_and_newcomers_spread():
    frame = pd.DataFrame({"customer_id": list("aabbcd"), "period": [1, 2, 1, 2, 2, 1], "state": list("xyyyyx")})
    pairs = pairs_now(read_sequences(frame))
    assert pairs.tolist() == [[0, 1.5], [0, 1.5]]


def test_recent_tables_only():
    panel = simulate(1, n_periods=8)
    tables = count_cells(read_sequences(panel))[:-1]
    assert recent_matrix(tables, 3, TRUTH).tolist() == estimate(tables[-3:].sum(axis=0)).tolist()
    empty = np.zeros((2, 3, 3))
    np.testing.assert_allclose(recent_matrix(empty, 2, TRUTH), TRUTH)
