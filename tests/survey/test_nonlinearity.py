import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from kam.survey.nonlinearity import (
    band_test,
    cluster_errors,
    fit_monotone,
    line_slope,
    line_test,
    model_covariance,
    order_test,
    step_test,
)
from tests.survey.loyal_respondents import level_rows, reference_data

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "survey_loyalty.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def reference_rows():
    data = reference_data()
    stratum = data.drop_duplicates("cluster")["stratum"]
    return level_rows(data["level"], data["y"], weight=data["w"], cluster=data["cluster"], stratum=stratum)


def test_level_means_and_errors_are_those_of_r_survey(reference_rows):
    assert reference_rows.means == pytest.approx(REFERENCE["means"]["estimate"], rel=1e-8)
    errors = np.sqrt(np.diag(cluster_errors(reference_rows, np.eye(5))))
    assert errors == pytest.approx(REFERENCE["means"]["std_error"], rel=1e-8)


def test_the_wald_test_of_the_line_is_that_of_r_survey(reference_rows):
    found = line_test(reference_rows)
    assert found.df == REFERENCE["wald"]["df"] == 3
    assert found.statistic == pytest.approx(REFERENCE["wald"]["f"], rel=1e-7)
    assert found.p_value == pytest.approx(REFERENCE["wald"]["p"], rel=1e-7)


def test_slope_of_the_line_is_that_of_r_survey(reference_rows):
    line = REFERENCE["line"]
    assert line_slope(reference_rows) == pytest.approx((line["slope"], line["std_error"]), rel=1e-8)


def test_model_covariance_holds_what_accounts_share():
    rng = np.random.default_rng(1)
    cluster = np.repeat(np.arange(4000), 2)
    at = np.tile([0, 1], 4000)
    y = rng.normal(size=4000)[cluster] + rng.normal(size=8000)  # intraclass correlation 0.5, variance 2
    found = model_covariance(level_rows(at, y, cluster=cluster))
    assert found == pytest.approx(np.array([[2, 1], [1, 2]]) / 4000, rel=0.06)


@pytest.mark.parametrize("shared", [0.0, 1.0])
def test_under_a_line_the_sup_lr_test_rejects_about_five_in_a_hundred(shared):
    rng = np.random.default_rng(int(shared) + 11)
    cluster = np.repeat(np.arange(60), 2)
    p = []
    for seed in range(200):
        at = rng.choice(5, 120, p=[0.1, 0.2, 0.2, 0.3, 0.2])
        y = 0.4 * at + shared * rng.normal(size=60)[cluster] + rng.normal(size=120)
        rows = level_rows(at, y, cluster=cluster)
        p.append(step_test(rows, model_covariance(rows), n_thresholds=2, null=None, n_draws=99, seed=seed).p_value)
    rejected = np.mean(np.array(p) <= 0.05)
    assert 0.015 <= rejected <= 0.095
    assert 0.4 <= np.mean(np.array(p) <= 0.5) <= 0.6


def test_steps_are_told_from_a_line_and_from_one_threshold():
    rng = np.random.default_rng(2)
    at = rng.choice(5, 500)
    rows = level_rows(at, np.array([0, 0, 1, 1, 2.0])[at] + rng.normal(size=500) * 0.6)
    covariance = model_covariance(rows)
    assert step_test(rows, covariance, n_thresholds=2, null=None, n_draws=199, seed=1).rejects
    assert step_test(rows, covariance, n_thresholds=2, null=(2,), n_draws=199, seed=1).rejects
    assert not band_test(rows, (2, 4), covariance).rejects
    assert band_test(rows, (1, 4), covariance).rejects, "levels 2 and 3 differ"
    straight = level_rows(at, at + rng.normal(size=500) * 0.6)
    found = step_test(straight, model_covariance(straight), n_thresholds=2, null=None, n_draws=199, seed=1)
    assert not found.rejects and found.statistic < 0


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=6), st.booleans())
def test_the_monotone_fit_is_the_isotonic_regression(values, rising):
    weights = 1 + np.arange(len(values)) % 3
    expected = isotonic_regression(values, weights=weights, increasing=rising).x
    assert fit_monotone(np.array(values), weights.astype(float), rising=rising) == pytest.approx(expected, abs=1e-9)


def test_a_level_that_falls_back_is_noticed():
    rng = np.random.default_rng(4)
    at = rng.choice(5, 400)
    turning = level_rows(at, np.array([0, 1, 2, 1, 0.0])[at] + rng.normal(size=400) * 0.5)
    rising = level_rows(at, np.array([0, 0, 1, 1, 2.0])[at] + rng.normal(size=400) * 0.5)
    for rows, expected in ((turning, True), (rising, False)):
        assert order_test(rows, model_covariance(rows), rising=True, n_draws=199, seed=1).rejects == expected


def test_what_cannot_be_tested_says_so():
    two = level_rows([1, 1, 2, 2] * 5, np.arange(20.0))
    assert line_test(two).p_value is None, "two means lie on a line"
    assert step_test(two, model_covariance(two), n_thresholds=1, null=None, n_draws=9, seed=1).p_value is None
