import numpy as np
import pytest

from kam.churn.blending import LARGEST, fit_weights, log_odds_of, pooled_spread, probability_of

PRIOR = np.array([0.5, 0.5])


def simulate(n, seed, *, offset=0.0):
    """Two candidates, of which only the first knows."""
    rng = np.random.default_rng(seed)
    known, noise = rng.normal(0, 1.5, (2, n))
    outcome = (rng.random(n) < probability_of(known + offset)).astype(float)
    return np.column_stack([known, noise]), outcome


def test_without_history_the_prior_stands():
    assert fit_weights([], PRIOR) is PRIOR


def test_the_candidate_that_knows_gets_the_weight():
    weights = fit_weights([simulate(4000, s, offset=o) for s, o in ((1, 2.0), (2, -2.0))], PRIOR)
    # The level of an origin has no say in it.
    assert weights == pytest.approx([1.0, 0.0], abs=0.12)


def test_with_few_accounts_the_weights_stay_near_the_prior():
    assert np.abs(fit_weights([simulate(20, 3)], PRIOR) - PRIOR).max() < 0.1


def test_a_candidate_that_is_not_sure_enough_is_made_surer_but_not_without_limit():
    log_odds, outcome = simulate(4000, 4)
    weights = fit_weights([(log_odds / 3, outcome)], PRIOR)
    assert weights[0] == pytest.approx(LARGEST, abs=1e-6)


def test_spread_by_hand():
    log_odds = np.array([[1.0, 3.0], [-1.0, -3.0]])  # candidates already have mean 0
    assert pooled_spread(log_odds, np.array([0.5, 0.5])).tolist() == [1.0, 1.0]
    assert pooled_spread(log_odds + np.array([5.0, -7.0]), np.array([0.5, 0.5])) == pytest.approx([1.0, 1.0])
    assert pooled_spread(log_odds, np.array([0.4, 0.0])).tolist() == [0.0, 0.0]


def test_log_odds_are_held():
    assert log_odds_of(np.array([0.0, 0.5, 1.0])) == pytest.approx([-9.2102, 0, 9.2102], abs=1e-4)
