"""Calibration: by hand, against statsmodels, and with a known truth."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit, logit

from kam.errors import DataError, NotConvergedError, UndefinedMeasureError
from kam.stats.calibration import (
    GROUPS,
    calibration_curve,
    calibration_index,
    calibration_index_interval,
    recalibrate,
)


def _world(n, seed, *, slope=1.0, intercept=0.0):
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 1.5, n)
    return rng.random(n) < expit(intercept + slope * odds), expit(odds), rng.integers(0, n // 3, n)


def test_as_statsmodels():
    event, p, clusters = _world(600, 1, slope=0.7, intercept=0.3)
    fit = recalibrate(event, p, clusters)
    design = sm.add_constant(logit(p))
    reference = sm.Logit(event.astype(float), design).fit(disp=0, cov_type="cluster", cov_kwds={"groups": clusters})
    assert fit.coefficients == pytest.approx(reference.params, abs=1e-6)
    assert fit.covariance == pytest.approx(reference.cov_params(), rel=1e-5)
    assert fit.interval(1) == pytest.approx(tuple(reference.conf_int()[1]), abs=1e-6)


def test_many_units_are_fitted_together_without_harm():
    event, p, clusters = _world(4 * GROUPS, 2, slope=1.3)
    fit = recalibrate(event, p, clusters)
    reference = sm.Logit(event.astype(float), sm.add_constant(logit(p))).fit(disp=0)
    assert fit.coefficients == pytest.approx(reference.params, abs=2e-4)


def test_a_straight_truth_is_a_straight_curve_and_a_bent_one_bends():
    event, p, _ = _world(20_000, 3, slope=0.6)
    said = np.array([0.1, 0.5, 0.9])
    observed, low, high = calibration_curve(event, p).at(said)
    truth = expit(0.6 * logit(said))
    assert observed == pytest.approx(truth, abs=0.03)
    assert ((low < truth) & (truth < high)).all()
    rng = np.random.default_rng(4)
    bent = 0.25 + 0.5 * p**2
    curve = calibration_curve(rng.random(len(p)) < bent, p)
    assert curve.share(said) == pytest.approx(0.25 + 0.5 * said**2, abs=0.03)
    assert calibration_index(curve, p) == pytest.approx(np.abs(bent - p).mean(), abs=0.01)


def test_the_index_interval_covers_zero_where_nothing_is_off_and_the_truth_where_it_is():
    hit_right = hit_off = 0
    for seed in range(30):
        event, p, _ = _world(600, 100 + seed)
        low, high = calibration_index_interval(calibration_curve(event, p), p, n_draws=200, seed=seed)
        hit_right += low <= 0.003
        assert high > low
        event, p, _ = _world(600, 200 + seed, slope=0.5)
        truth = np.abs(expit(0.5 * logit(p)) - p).mean()
        low, high = calibration_index_interval(calibration_curve(event, p), p, n_draws=200, seed=seed)
        hit_off += low <= truth <= high
    assert hit_right >= 27
    assert hit_off >= 26


def test_few_values_make_a_straight_line():
    said = np.repeat([0.2, 0.6], 50)
    event = np.concatenate([np.arange(50) < 20, np.arange(50) < 25])
    curve = calibration_curve(event, said)
    assert len(curve.knots) == 0
    assert curve.share([0.2, 0.6]) == pytest.approx([0.4, 0.5])
    assert calibration_index(curve, said) == pytest.approx(0.15)


def test_bad_input():
    with pytest.raises(UndefinedMeasureError, match="equal"):
        recalibrate([0, 1], [0.5, 0.5])
    with pytest.raises(UndefinedMeasureError, match="everybody"):
        recalibrate([1, 1], [0.4, 0.5])
    with pytest.raises(NotConvergedError, match="separate"):
        recalibrate([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])
    with pytest.raises(DataError, match="shape"):
        recalibrate([0, 1], [0.5])
    with pytest.raises(DataError, match="within 0 to 1"):
        recalibrate([0, 1], [0.5, 1.5])
