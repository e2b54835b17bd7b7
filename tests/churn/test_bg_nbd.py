from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.special import gamma as gamma_function
from scipy.special import hyp2f1

from kam.churn import bg_nbd
from kam.churn.bg_nbd import BgNbd, fit_bg_nbd
from kam.churn.purchase_model import distinct_histories
from kam.errors import NotConvergedError
from tests.churn.buyers import assert_calibrated, beta_points, by_difference, gamma_points, simulate_rhythm
from tests.churn.cdnow import FILE, calibration

TRUE = {"r": 0.8, "alpha": 6.0, "a": 0.9, "b": 3.0}
CDNOW = {"r": 0.242594, "alpha": 4.413592, "a": 0.792927, "b": 2.425930}
HISTORIES = [(0, 0, 0), (0, 0, 38.86), (1, 0.14, 5), (2, 30.43, 38.86), (7, 20, 20), (20, 11, 60)]


def model(params) -> BgNbd:
    return BgNbd(params=params, std_errors={}, log_likelihood=0, n_customers=1, penalty=0)


def by_integration(params, x, t_x, t, ahead):
    """P(no order) and E[Y], from the customer's own rate and probability of stopping, weighted over both."""
    rate, of_rate = gamma_points(params["r"], params["alpha"])
    p, of_p = beta_points(params["a"], params["b"])
    rate, of_rate = rate[:, None], of_rate[:, None]
    alive = (1 - p) ** x * rate**x * np.exp(-rate * t)
    stopped = (p * (1 - p) ** (x - 1) * rate**x * np.exp(-rate * t_x)) if x else 0
    weight = of_rate * of_p
    total = ((alive + stopped) * weight).sum()
    none = ((alive * np.exp(-rate * ahead) + stopped) * weight).sum()
    mean = (alive * -np.expm1(-rate * p * ahead) / p * weight).sum()
    return none / total, mean / total, total


@pytest.fixture(scope="module")
def buyers():
    return simulate_rhythm(6000, k=1, **TRUE, horizon=13, seed=1, after_first=False)


@pytest.fixture(scope="module")
def fitted(buyers):
    return fit_bg_nbd(*buyers.histories)


def test_cdnow(real_data: Callable[[str], Path]) -> None:
    customers = calibration(real_data(FILE))
    fitted = fit_bg_nbd(customers["frequency"], customers["recency"], customers["T"])
    assert fitted.n_customers == 2357
    assert {name: round(value, 3) for name, value in fitted.params.items()} == {
        "r": 0.243,
        "alpha": 4.414,
        "a": 0.793,
        "b": 2.426,
    }
    assert fitted.log_likelihood == pytest.approx(-9582.4, abs=0.05)
    assert fitted.expected_purchases(39, 2, 30.43, 38.86) == pytest.approx(1.226, abs=5e-4)


def test_published_expectation():
    assert model(CDNOW).expected_purchases(39, 2, 30.43, 38.86) == pytest.approx(1.226, abs=5e-4)


@pytest.mark.parametrize(("x", "t_x", "t"), HISTORIES)
def test_against_integration(x, t_x, t):
    params = TRUE | {"a": 1.7}
    none, mean, total = by_integration(params, x, t_x, t, 13)
    assert model(params).p_no_order(13, x, t_x, t) == pytest.approx(none, abs=1e-8)
    assert model(params).expected_purchases(13, x, t_x, t) == pytest.approx(mean, rel=1e-6)
    if x:
        alone = distinct_histories([x], [t_x], [t])
        assert bg_nbd._log_likelihood(np.array(list(params.values())), alone)[0] == pytest.approx(
            np.log(total), abs=1e-8
        )


def test_against_the_formulas_of_the_paper():
    r, alpha, a, b = CDNOW.values()
    x, t_x, t, ahead = 2.0, 30.43, 38.86, 39.0
    alive = 1 / (1 + a / (b + x - 1) * ((alpha + t) / (alpha + t_x)) ** (r + x))
    fitted = model(CDNOW)
    assert fitted.p_alive(x, t_x, t) == pytest.approx(alive)
    assert fitted.p_no_order(ahead, x, t_x, t) == pytest.approx(
        1 - alive * (1 - ((alpha + t) / (alpha + t + ahead)) ** (r + x))
    )
    f = hyp2f1(r + x, b + x, a + b + x - 1, ahead / (alpha + t + ahead))
    expected = (a + b + x - 1) / (a - 1) * (1 - ((alpha + t) / (alpha + t + ahead)) ** (r + x) * f) * alive
    assert fitted.expected_purchases(ahead, x, t_x, t) == pytest.approx(expected)


def test_likelihood_by_hand():
    r, alpha, a, b = 0.5, 2.0, 1.0, 3.0
    one = gamma_function(r + 1) / gamma_function(r) * alpha**r
    # x = 1, t_x = 4, T = 10: B(a, b + 1) / B(a, b) = b / (a + b), B(a + 1, b) / B(a, b) = a / (a + b)
    bought = one * (b / (a + b) / (alpha + 10) ** (r + 1) + a / (a + b) / (alpha + 4) ** (r + 1))
    silent = (alpha / (alpha + 10)) ** r
    histories = distinct_histories([1, 0, 0], [4, 0, 0], [10, 10, 10])
    value, _ = bg_nbd._log_likelihood(np.array([r, alpha, a, b]), histories)
    assert value == pytest.approx(np.log(bought) + 2 * np.log(silent))


def test_gradient(buyers):
    histories = distinct_histories(*(column[:200] for column in buyers.histories))
    values = np.array([0.6, 4.0, 0.5, 2.5])
    _, gradient = bg_nbd._log_likelihood(values, histories)
    assert gradient == pytest.approx(by_difference(bg_nbd._log_likelihood, values, histories), rel=1e-6)


def test_recovers_the_truth(fitted):
    for name, value in TRUE.items():
        assert abs(fitted.params[name] - value) < 3 * fitted.std_errors[name]
    assert fitted.std_errors["r"] < 0.05


def test_forecasts_what_happens(buyers):
    assert_calibrated(model(TRUE), buyers, 13)


def test_the_unit_of_time_does_not_matter(buyers, fitted):
    x, t_x, t = buyers.histories
    days = fit_bg_nbd(x, t_x * 7, t * 7)
    assert days.params["alpha"] == pytest.approx(7 * fitted.params["alpha"], rel=1e-4)
    assert days.std_errors["b"] == pytest.approx(fitted.std_errors["b"], rel=1e-3)
    assert days.log_likelihood == pytest.approx(fitted.log_likelihood - x.sum() * np.log(7), abs=1e-4)
    assert days.p_no_order(91, 2, 70, 140) == pytest.approx(fitted.p_no_order(13, 2, 10, 20), abs=1e-5)


def test_who_buys_almost_daily_for_years():
    days = model({"r": 0.6, "alpha": 60.0, "a": 0.17, "b": 2.7})
    assert days.p_no_order(91, 500, [1000, 500], 1000) == pytest.approx([3.5e-4, 1], abs=1e-4)
    assert days.expected_purchases(91, 500, 1000, 1000) == pytest.approx(500.6 / 1060 * 91, rel=0.02)
    assert np.isfinite(days.expected_purchases([1, 10_000, 91], [0, 500, 500], [0, 1000, 1], [0, 1000, 1000])).all()


def test_nothing_jumps_where_a_is_one():
    either = [model(TRUE | {"a": 1 + d}).expected_purchases(13, [0, 3], [0, 9], 20) for d in (-1e-4, 0, 1e-6, 1e-4)]
    assert np.ptp(either, axis=0).max() < 1e-4
    assert either[1] == pytest.approx((either[0] + either[3]) / 2, abs=1e-8)


def test_like_clockwork_there_is_no_estimate():
    x = np.tile([3, 4, 5, 6], 50)
    with pytest.raises(NotConvergedError, match=r"BG/NBD .* parameter (r|alpha) runs to infinity.*penalty"):
        fit_bg_nbd(x, 13.0 * x, 13.0 * x + 5)


def test_nobody_stops():
    rng = np.random.default_rng(1)
    x = rng.poisson(rng.gamma(2, 2, 500))
    with pytest.raises(NotConvergedError, match=r"parameter (a runs to 0|b runs to infinity)"):
        fit_bg_nbd(x, np.where(x > 0, 40, 0), np.full(500, 40.0))
    fitted = fit_bg_nbd(x, np.where(x > 0, 40, 0), np.full(500, 40.0), penalty=0.001)
    assert fitted.p_alive(5, 40, 40) > 0.99
    assert {"r", "alpha"} <= set(fitted.std_errors) < {"r", "alpha", "a", "b"}


def test_a_penalty_settles_it():
    x = np.tile([3, 4, 5, 2], 50)
    silent = np.tile([5.0, 5, 5, 300], 50)
    fitted = fit_bg_nbd(x, 13.0 * x, 13.0 * x + silent, penalty=0.001)
    assert fitted.penalty == 0.001
    assert max(fitted.params["r"], fitted.params["b"]) < 50


def test_a_penalty_draws_parameters_down(buyers, fitted):
    penalized = fit_bg_nbd(*buyers.histories, penalty=0.01)
    unit = buyers.T.max()
    size = [
        sum((value / (unit if name == "alpha" else 1)) ** 2 for name, value in m.params.items())
        for m in (fitted, penalized)
    ]
    assert size[1] < size[0]
    assert penalized.log_likelihood < fitted.log_likelihood
    assert -penalized.log_likelihood / 6000 + 0.01 * size[1] < -fitted.log_likelihood / 6000 + 0.01 * size[0]
