from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import gammainc, gammaincc, gammaln

from kam.churn import rhythm
from kam.churn.bg_nbd import fit_bg_nbd
from kam.churn.pareto_nbd import fit_pareto_nbd
from kam.churn.purchase_model import distinct_histories
from kam.churn.rhythm import Rhythm, fit_rhythm
from kam.errors import NotConvergedError
from tests.churn.buyers import assert_calibrated, beta_points, by_difference, gamma_points, simulate_rhythm

TRUE = {"k": 3.0, "r": 4.0, "alpha": 10.0, "a": 0.6, "b": 4.0}
HISTORIES = [(0, 0, 0), (0, 0, 38.86), (1, 0.14, 5), (2, 30.43, 38.86), (7, 20, 20), (9, 11, 25)]


def model(params) -> Rhythm:
    return Rhythm(params=params, std_errors={}, log_likelihood=0, n_customers=1, penalty=0)


def by_integration(params, x, t_x, t, ahead):
    """P(no order), from the customer's own rate and probability of stopping, weighted over both; and the likelihood."""
    k, r, alpha, a, b = params.values()
    rate, of_rate = gamma_points(r, alpha)
    p, of_p = beta_points(a, b)
    rate, of_rate = rate[:, None], of_rate[:, None]
    when = k * x * np.log(rate) - rate * t_x  # up to a factor of t_x
    top = when.max()
    when = np.exp(when - top)

    def likelihood(until):
        return when * ((1 - p) ** (x + 1) * gammaincc(k, rate * (until - t_x)) + p * (1 - p) ** x) * of_rate * of_p

    total = likelihood(t).sum()
    return likelihood(t + ahead).sum() / total, np.log(total) + top


@pytest.fixture(scope="module")
def buyers():
    return simulate_rhythm(1500, **TRUE, horizon=13, seed=3)


@pytest.fixture(scope="module")
def fitted(buyers):
    return fit_rhythm(*buyers.histories, penalty=0)


@pytest.mark.parametrize("k", [0.6, 1.0, 3.0, 12.5])
@pytest.mark.parametrize(("x", "t_x", "t"), HISTORIES)
def test_against_integration(k, x, t_x, t):
    params = TRUE | {"k": k, "a": 1.7}
    none, log_total = by_integration(params, x, t_x, t, 13)
    assert model(params).p_no_order(13, x, t_x, t) == pytest.approx(none, abs=1e-8)
    if x:
        alone = distinct_histories([x], [t_x], [t])
        value, _ = rhythm._log_likelihood(np.array(list(params.values())), alone)
        assert value == pytest.approx(log_total + (k * x - 1) * np.log(t_x) - gammaln(k * x), abs=1e-7)


def test_at_random_it_is_mbg_nbd():
    r, alpha, a, b = 0.8, 6.0, 0.9, 3.0
    x, t_x, t = 3, 9.0, 20.0
    odds = a / (b + x) * ((alpha + t) / (alpha + t_x)) ** (r + x)  # Batislam, Denizel & Filiztekin 2007
    assert model({"k": 1.0, "r": r, "alpha": alpha, "a": a, "b": b}).p_alive(x, t_x, t) == pytest.approx(1 / (1 + odds))


def test_expectation_by_hand_where_nobody_stops_and_all_buy_alike():
    # λ = 0.5 for all: r and alpha large; p = 0: a small. Erlang-2 gaps: purchases = half the phases passed, rounded down.
    same = model({"k": 2.0, "r": 5e5, "alpha": 1e6, "a": 1e-9, "b": 1.0})
    phases = np.arange(200)
    poisson = np.exp(phases * np.log(5.0) - 5.0 - np.cumsum(np.log(np.maximum(phases, 1))))
    assert same.expected_purchases(10, 3, 12, 12) == pytest.approx((poisson * (phases // 2)).sum(), rel=1e-4)
    waited = np.array([1, 0.5 * 4]) / (1 + 0.5 * 4)  # in phase 0 or 1 after 4 without a purchase
    later = sum(share * (poisson * ((phases + phase) // 2)).sum() for phase, share in enumerate(waited))
    assert same.expected_purchases(10, 3, 12, 16) == pytest.approx(later, rel=1e-4)


@pytest.mark.parametrize("k", [0.6, 1.0, 2.5, 8.0])
def test_forecasts_what_happens(k):
    params = TRUE | {"k": k, "alpha": 30 / k}
    assert_calibrated(model(params), simulate_rhythm(2000, **params, horizon=20, seed=4), 20)


def test_gradient(buyers):
    histories = distinct_histories(*(column[:200] for column in buyers.histories))
    for values in (np.array([2.0, 3.0, 8.0, 0.5, 2.5]), np.array([0.7, 1.0, 14.0, 1.5, 2.0])):
        _, gradient = rhythm._log_likelihood(values, histories)
        assert gradient == pytest.approx(by_difference(rhythm._log_likelihood, values, histories), rel=1e-4, abs=1e-3)


def test_recovers_the_truth(fitted):
    for name, value in TRUE.items():
        assert abs(fitted.params[name] - value) < 3 * fitted.std_errors[name]
    assert fitted.std_errors["k"] < 0.5


def test_the_unit_of_time_does_not_matter(buyers, fitted):
    x, t_x, t = buyers.histories
    days = fit_rhythm(x, t_x * 7, t * 7, penalty=0)
    back = np.array([1, 1, 7, 1, 1])
    assert list(days.params.values()) == pytest.approx(back * list(fitted.params.values()), rel=1e-3)
    assert days.log_likelihood == pytest.approx(fitted.log_likelihood - (x > 0).sum() * np.log(7), abs=1e-3)


def test_quarterly_accounts_are_due_or_gone():
    rng = np.random.default_rng(7)
    n_orders, phase = rng.integers(2, 9, 150), rng.uniform(0, 91, 150)
    gone = rng.random(150) < 0.2
    x = np.where(gone, n_orders // 2, n_orders).astype(float)
    recency, T = 91 * x, 91.0 * n_orders + phase
    x[recency == 0] = 0
    with pytest.raises(NotConvergedError):
        fit_rhythm(x, recency, T, penalty=0)
    fitted = fit_rhythm(x, recency, T)
    assert fitted.params["k"] > 4  # far from random: 1
    due, silent_for_a_year = fitted.p_no_order(91, 6, 546, [546 + 60, 546 + 365])
    assert due < 0.3 and silent_for_a_year > 0.9


def test_who_buys_almost_daily_for_years():
    days = model({"k": 0.9, "r": 0.7, "alpha": 70.0, "a": 0.2, "b": 3.9})
    p = days.p_no_order(91, 500, [1000, 500, 1], 1000)
    assert p[0] < 1e-2 and (p[1:] == 1).all()
    assert days.expected_purchases(91, 500, 1000, 1000) == pytest.approx(500 / 1070 * 91, rel=0.05)
    assert days.expected_purchases(0, [0, 500], [0, 900], [0, 1000]).tolist() == [0, 0]


def test_of_many_customers_ten_thousand_are_fitted(monkeypatch, buyers):
    monkeypatch.setattr(rhythm, "_ENOUGH", 1000)
    some = fit_rhythm(*buyers.histories, penalty=0)
    assert some.n_customers == 1000
    for name, value in TRUE.items():
        assert abs(some.params[name] - value) < 3 * some.std_errors[name]


def test_poisson_phases_are_gamma():  # what the hand case rests on
    assert gammainc(4, 5.0) == pytest.approx(1 - sum(np.exp(-5) * 5**j / f for j, f in enumerate([1, 1, 2, 6])))


def test_adventure_works(real_data: Callable[[str], Path]) -> None:
    """Resellers that order each quarter, and skip one now and then: no peer that buys at random has an estimate."""
    lines = pd.read_parquet(real_data("adventureworks/aw_reseller_sales.parquet"))
    days = lines[lines["order_date"] < "2013-09-01"].groupby(["customer_id", "order_date"]).size().reset_index()
    first, last, n_days = (days.groupby("customer_id")["order_date"].agg(of) for of in ("min", "max", "size"))
    history = n_days - 1, (last - first).dt.days / 7, (pd.Timestamp("2013-09-01") - first).dt.days / 7
    with pytest.raises(NotConvergedError, match="infinity"):
        fit_bg_nbd(*history)
    with pytest.raises(NotConvergedError, match="infinity"):
        fit_pareto_nbd(*history)
    fitted = fit_rhythm(*history)
    assert fitted.params["k"] > 4
    orders = set(lines.loc[lines["order_date"].between("2013-09-01", "2013-11-30"), "customer_id"])
    y = ~n_days.index.isin(orders)

    def log_loss(model):
        p = model.p_no_order(13, *history)
        return -np.where(y, np.log(p), np.log1p(-p)).mean()

    assert log_loss(fitted) < log_loss(fit_bg_nbd(*history, penalty=0.001)) - 0.05
