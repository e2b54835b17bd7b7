import numpy as np
import pytest
from scipy.special import expit

from kam.churn.level import PRIOR_ERROR, PRIOR_WEIGHT, SEASON_ERROR, fit_level, predict_level

H = 91


def test_fit_level_meets_the_mean():
    log_odds = np.array([-2.0, -1.0, 0.0, 1.0, 3.0])
    outcome = np.array([0, 0, 1, 1, 1.0])
    level = fit_level(log_odds, outcome)
    assert expit(log_odds + level).mean() == pytest.approx(0.6, abs=1e-7)


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_fit_level_stays_finite_when_all_are_alike(outcome):
    level = fit_level(np.zeros(9), np.full(9, outcome))
    assert expit(level) == pytest.approx(0.05 if outcome == 0 else 0.95, abs=1e-6)


def test_first_forecast_by_hand():
    # One earlier window, over: it says 0.4, the models of purchases 0.1; a quarter of the year is covered.
    said = predict_level(np.array([0]), np.array([0.4]), np.array([0.2]), H, 0.1, horizon_days=H)
    structural_error = (PRIOR_WEIGHT * PRIOR_ERROR + 0.2**2) / (PRIOR_WEIGHT + 1)
    other = PRIOR_ERROR + SEASON_ERROR * 0.75
    weights = np.array([1 / other, 1 / structural_error])
    weights /= weights.sum()
    assert said.forecasts == {"year": 0.4, "structural": 0.1}
    assert list(said.weights.values()) == pytest.approx(weights)
    assert said.estimate == pytest.approx(weights @ [0.4, 0.1])
    assert said.mean_squared_error == pytest.approx(weights @ [other, structural_error])


def test_a_season_that_comes_back_is_learned():
    origins = np.arange(12) * H
    levels = np.tile([1.0, 0.0, -1.0, 0.0], 3)
    said = predict_level(origins, levels, np.full(12, np.nan), 12 * H, None, horizon_days=H)
    assert said.forecasts["season"] == pytest.approx(1.0)
    assert said.weights["season"] > 0.6
    assert said.estimate > 0.5


def test_a_bad_structural_model_loses_its_weight():
    origins = np.arange(8) * H
    rng = np.random.default_rng(1)
    levels = rng.normal(0, 0.05, 8)
    said = predict_level(origins, levels, levels + 2, 8 * H, 2.0, horizon_days=H)
    assert said.weights["structural"] < 0.02
    assert abs(said.estimate) < 0.1


def test_windows_that_are_not_over_are_not_known():
    origins = np.array([0, 30, 60])
    levels = np.array([0.1, 0.2, 9.0])
    said = predict_level(origins, levels, np.full(3, np.nan), 30 + H, None, horizon_days=H)
    assert said.forecasts == {"year": pytest.approx(0.15)}


def test_levels_of_more_than_a_year_ago_count_for_the_season_only():
    origins = np.array([0, 100, 200, 400])
    said = predict_level(origins, np.array([5.0, 1.0, 2.0, 3.0]), np.full(4, np.nan), 600, None, horizon_days=H)
    assert said.forecasts == {"year": 2.0}


def test_nothing_known():
    said = predict_level(np.array([0]), np.array([0.4]), np.array([np.nan]), 10, None, horizon_days=H)
    assert (said.estimate, said.mean_squared_error) == (0.0, PRIOR_ERROR + SEASON_ERROR)
