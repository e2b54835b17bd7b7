from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.special import hyp2f1

from kam.churn import pareto_nbd
from kam.churn.pareto_nbd import ParetoNbd, fit_pareto_nbd
from kam.churn.purchase_model import distinct_histories
from kam.errors import NotConvergedError
from tests.churn.buyers import assert_calibrated, by_difference, gamma_points, simulate_pareto_nbd
from tests.churn.cdnow import FILE, calibration

TRUE = {"r": 0.8, "alpha": 9.0, "s": 0.7, "beta": 14.0}
CDNOW = {"r": 0.553275, "alpha": 10.577657, "s": 0.606252, "beta": 11.669149}
HISTORIES = [(0, 0, 0), (0, 0, 38.86), (1, 0.14, 5), (2, 30.43, 38.86), (7, 20, 20), (20, 11, 60)]


def model(params) -> ParetoNbd:
    return ParetoNbd(params=params, std_errors={}, log_likelihood=0, n_customers=1, penalty=0)


def by_integration(params, x, t_x, t, ahead):
    """P(no order) and E[Y], from the customer's own rates of buying and stopping, weighted over both."""
    (rate, of_rate), (end, of_end) = (gamma_points(*pair) for pair in np.reshape(list(params.values()), (2, 2)))
    rate, of_rate = rate[:, None], of_rate[:, None]
    both = rate + end

    def likelihood(until):
        return rate**x / both * (end * np.exp(-both * t_x) + rate * np.exp(-both * until))

    weight = of_rate * of_end
    total = (likelihood(t) * weight).sum()
    none = (likelihood(t + ahead) * weight).sum()
    mean = (rate**x * np.exp(-both * t) * rate * -np.expm1(-end * ahead) / end * weight).sum()
    return none / total, mean / total, total


@pytest.fixture(scope="module")
def buyers():
    return simulate_pareto_nbd(4000, **TRUE, horizon=13, seed=1)


@pytest.fixture(scope="module")
def fitted(buyers):
    return fit_pareto_nbd(*buyers.histories)


def test_cdnow(real_data: Callable[[str], Path]) -> None:
    customers = calibration(real_data(FILE))
    fitted = fit_pareto_nbd(customers["frequency"], customers["recency"], customers["T"])
    assert {name: round(value, 3) for name, value in fitted.params.items()} == {
        "r": 0.553,
        "alpha": 10.578,
        "s": 0.606,
        "beta": 11.669,
    }
    assert fitted.log_likelihood == pytest.approx(-9595.0, abs=0.05)


@pytest.mark.parametrize("params", [TRUE, {"r": 1.5, "alpha": 20.0, "s": 1.0, "beta": 3.0}])
@pytest.mark.parametrize(("x", "t_x", "t"), HISTORIES)
def test_against_integration(params, x, t_x, t):
    none, mean, total = by_integration(params, x, t_x, t, 13)
    assert model(params).p_no_order(13, x, t_x, t) == pytest.approx(none, abs=1e-8)
    assert model(params).expected_purchases(13, x, t_x, t) == pytest.approx(mean, rel=1e-6)
    if x:
        alone = distinct_histories([x], [t_x], [t])
        value, _ = pareto_nbd._log_likelihood(np.array(list(params.values())), alone)
        assert value == pytest.approx(np.log(total), abs=1e-8)


@pytest.mark.parametrize("params", [TRUE, {"r": 1.5, "alpha": 20.0, "s": 1.1, "beta": 3.0}])
def test_against_the_hypergeometric_form(params):
    r, alpha, s, beta = params.values()
    x, t_x, t = 3.0, 12.0, 50.0
    low, high, first = min(alpha, beta), max(alpha, beta), s + 1 if alpha >= beta else r + x

    def f(until):
        z = (high - low) / (high + until)
        return hyp2f1(r + s + x, first, r + s + x + 1, z) / (high + until) ** (r + s + x)

    stopped = s / (r + s + x) * (f(t_x) - f(t))
    alive = (alpha + t) ** -(r + x) * (beta + t) ** -s
    assert model(params).p_alive(x, t_x, t) == pytest.approx(alive / (alive + stopped), rel=1e-9)


def test_gradient(buyers):
    histories = distinct_histories(*(column[:200] for column in buyers.histories))
    for values in (np.array([0.6, 4.0, 0.5, 20.0]), np.array([1.6, 14.0, 1.5, 2.0])):
        _, gradient = pareto_nbd._log_likelihood(values, histories)
        assert gradient == pytest.approx(by_difference(pareto_nbd._log_likelihood, values, histories), rel=1e-5)


def test_recovers_the_truth(fitted):
    for name, value in TRUE.items():
        assert abs(fitted.params[name] - value) < 3 * fitted.std_errors[name]
    assert fitted.std_errors["r"] < 0.05


def test_forecasts_what_happens(buyers):
    assert_calibrated(model(TRUE), buyers, 13)


def test_the_unit_of_time_does_not_matter(buyers, fitted):
    x, t_x, t = buyers.histories
    days = fit_pareto_nbd(x, t_x * 7, t * 7)
    back = np.array([1, 7, 1, 7])
    assert list(days.params.values()) == pytest.approx(back * list(fitted.params.values()), rel=1e-4)
    assert list(days.std_errors.values()) == pytest.approx(back * list(fitted.std_errors.values()), rel=1e-3)
    assert days.log_likelihood == pytest.approx(fitted.log_likelihood - x.sum() * np.log(7), abs=1e-4)


def test_who_buys_almost_daily_for_years():
    days = model({"r": 0.6, "alpha": 60.0, "s": 0.4, "beta": 0.5})
    x, t_x, t = np.array([500, 500, 500, 0, 0]), np.array([1000, 500, 1, 0, 0]), np.array([1000, 1000, 1000, 1000, 0])
    p = days.p_no_order(91, x, t_x, t)
    assert (np.diff(p[:3]) >= 0).all() and p[0] < 0.04 and p[1] == 1
    assert days.expected_purchases(91, 500, 1000, 1000) == pytest.approx(500.6 / 1060 * 91, rel=0.03)
    assert np.isfinite([days.expected_purchases(91, x, t_x, t), days.p_alive(x, t_x, t)]).all()


def test_more_customers_than_fit_into_a_chunk(buyers):
    whole = model(TRUE).p_no_order(13, *buyers.histories)
    some = [0, 2047, 2048, 3999]
    assert whole[some] == pytest.approx(model(TRUE).p_no_order(13, *(column[some] for column in buyers.histories)))


def test_all_stop_at_one_age():
    rng = np.random.default_rng(5)
    life = rng.uniform(15, 25, 600)
    x = rng.poisson(rng.gamma(2, 0.1, 600) * life)
    recency = np.where(x > 0, life * rng.random(600) ** (1 / np.maximum(x, 1)), 0)
    with pytest.raises(NotConvergedError, match=r"Pareto/NBD .* parameter (s|beta) runs to infinity.*penalty"):
        fit_pareto_nbd(x, recency, np.full(600, 40.0))
    assert fit_pareto_nbd(x, recency, np.full(600, 40.0), penalty=0.001).params["beta"] < 1000
