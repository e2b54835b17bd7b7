"""The account's own level: by hand, and recovered from known variances."""

import numpy as np
import pytest

from kam.churn.credibility import customer_levels, levels_of
from kam.churn.markov import fit_markov_churn


def test_credibility_by_hand():
    # a: 30 for 20 expected in two periods (14, 16), b: 10 for 20 (4, 6). X 1.5 and .5, k = 2.
    # within: Q − 200 (X − 1)² = 52 − 50 = 2 each → w = 2 · 2 · 2/200 / 2 = .02; a = (2 · 2 · .25 − 2 · .02) / 4 = .24
    levels = customer_levels([30, 10], [20, 20], [16 + 36, 36 + 16], [200, 200])
    assert levels.between == pytest.approx(0.24)
    assert levels.within == pytest.approx(0.02 / 1.24)
    assert levels.credibility.tolist() == pytest.approx(2 * [2 / (2 + 0.02 / 0.24)])  # .96
    assert levels.factor.tolist() == pytest.approx([1.48, 0.52])
    first = 1.48**2 / (1 / 0.24 + 2 * 1.24 / 0.02)
    assert levels.variance[0] == pytest.approx(first + 0.02**2)


def test_customers_who_are_alike_are_not_told_apart():
    rng = np.random.default_rng(1)
    money = 10 * rng.uniform(0.5, 1.5, (400, 12))
    levels = customer_levels(money.sum(1), np.full(400, 120.0), ((money - 10) ** 2).sum(1), np.full(400, 1200.0))
    assert levels.between < 0.002
    assert np.abs(levels.factor - 1).max() < 0.1
    alike = customer_levels([20, 20], [20, 20], [8, 8], [200, 200])
    assert alike.between == 0 and alike.factor.tolist() == [1, 1] and alike.variance.tolist() == [0, 0]


def test_a_customer_without_expected_money_keeps_the_level_of_all():
    levels = customer_levels([30, 10, 5], [20, 20, 0], [52, 52, 25], [200, 200, 0])
    assert levels.credibility[2] == 0 and levels.factor[2] == 1
    assert levels.variance[2] == pytest.approx(levels.between)


def test_seen_once_tells_nothing():
    assert customer_levels([30, 10], [20, 20], [100, 100], [400, 400]) is None


@pytest.mark.parametrize("between", [0.1, 0.5, 2.0])
def test_variances_are_recovered(between):
    found = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        level = rng.gamma(1 / between, between, (2000, 1))
        reward = rng.choice([5.0, 10.0, 40.0], (2000, 15))
        money = reward * level * rng.gamma(4, 0.25, reward.shape)
        levels = customer_levels(money.sum(1), reward.sum(1), ((money - reward) ** 2).sum(1), (reward**2).sum(1))
        found.append((levels.between, levels.within))
    assert np.mean(found, axis=0).tolist() == pytest.approx([between, 0.25], rel=0.1)


def test_squares_of_expected_money_are_exact_when_one_state_brings_money(panel):
    silent = panel.assign(revenue=panel["revenue"].where(panel["state"] == "A", 0.0))
    chain = fit_markov_churn(silent, n_resamples=20, chain="pooled")
    r = chain.rewards()[0, 0]
    customers = chain.customers
    assert customers["expected_squares"].tolist() == pytest.approx((customers["money_expected"] * r).tolist())
    mine, exact = levels_of(customers), levels_of(customers.assign(expected_squares=customers["money_expected"] * r))
    assert mine.between == pytest.approx(exact.between)
    assert mine.credibility.tolist() == pytest.approx(exact.credibility.tolist())
