from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.special import beta as beta_function

from kam.churn import gamma_gamma
from kam.churn.gamma_gamma import GammaGamma, fit_gamma_gamma
from kam.errors import EmptyDataError, ModelError, NotConvergedError, ParameterError
from tests.churn.buyers import by_difference
from tests.churn.cdnow import FILE, calibration

TRUE = {"p": 5.0, "q": 4.0, "gamma": 60.0}


@pytest.fixture(scope="module")
def spend():
    """Frequency, mean spend, and the customer's true mean."""
    rng = np.random.default_rng(1)
    x = rng.poisson(2, 6000)
    rate = rng.gamma(TRUE["q"], 1 / TRUE["gamma"], 6000)
    mean = np.divide(rng.gamma(TRUE["p"] * np.maximum(x, 1), 1 / rate), x, out=np.full(6000, np.nan), where=x > 0)
    return x, mean, TRUE["p"] / rate


@pytest.fixture(scope="module")
def fitted(spend):
    return fit_gamma_gamma(*spend[:2])


def test_cdnow(real_data: Callable[[str], Path]) -> None:
    customers = calibration(real_data(FILE))
    fitted = fit_gamma_gamma(customers["frequency"], customers["spend"])
    assert fitted.n_customers == 946
    assert [round(value, 2) for value in fitted.params.values()] == [6.25, 3.74, 15.44]


def test_recovers_the_truth(fitted, spend):
    for name, value in TRUE.items():
        assert abs(fitted.params[name] - value) < 3 * fitted.std_errors[name]
    assert fitted.n_customers == (spend[0] > 0).sum()


def test_shrinks(fitted, spend):
    x, mean, true = spend
    p, q, gamma = fitted.params.values()
    of_all = p * gamma / (q - 1)
    expected = fitted.expected_spend(x, mean)
    assert expected[x == 0] == pytest.approx(of_all)
    weight = p * x / (p * x + q - 1)  # the paper's weighted mean
    bought = x > 0
    assert expected[bought] == pytest.approx(((1 - weight) * of_all + weight * mean)[bought])
    assert np.abs(expected - true)[x == 1].mean() < 0.9 * np.abs(mean - true)[x == 1].mean()
    assert abs((expected - true).mean()) < 4 * (expected - true).std() / 6000**0.5


def test_likelihood_by_hand():
    p, q, gamma, x, z = 2.0, 3.0, 10.0, 4.0, 7.0
    hand = (gamma / (gamma + x * z)) ** q * (x * z / (gamma + x * z)) ** (p * x) / (z * beta_function(p * x, q))
    value, _ = gamma_gamma._log_likelihood(np.array([p, q, gamma]), np.array([x]), np.array([z]))
    assert value == pytest.approx(np.log(hand))


def test_gradient(spend):
    x, mean, _ = (column[spend[0] > 0] for column in spend)
    values = np.array([2.0, 3.0, 40.0])
    gradient = gamma_gamma._log_likelihood(values, x, mean)[1]
    difference = by_difference(lambda v, data: gamma_gamma._log_likelihood(v, *data), values, (x, mean))
    assert gradient == pytest.approx(difference, rel=1e-6)


def test_the_currency_does_not_matter(fitted, spend):
    cents = fit_gamma_gamma(spend[0], spend[1] * 100)
    assert cents.params["gamma"] == pytest.approx(100 * fitted.params["gamma"], rel=1e-5)
    assert cents.params["p"] == pytest.approx(fitted.params["p"], rel=1e-5)


def test_all_spend_alike():
    with pytest.raises(NotConvergedError, match=r"Gamma-Gamma .* infinity"):
        fit_gamma_gamma([1, 2, 3, 4] * 10, [20.0] * 40)


def test_a_mean_that_does_not_exist():
    heavy = GammaGamma(
        params={"p": 2.0, "q": 0.8, "gamma": 9.0}, std_errors={}, log_likelihood=0, n_customers=9, penalty=0
    )
    with pytest.raises(ModelError, match="infinite"):
        heavy.expected_spend([0, 3], [1, 40])
    assert heavy.expected_spend(3, 40) == pytest.approx(2 * (9 + 120) / 5.8)


@pytest.mark.parametrize(
    ("x", "z", "error", "message"),
    [
        ([1, 2], [5, 0], ParameterError, "position 1"),
        ([1, 2], [5, np.nan], ParameterError, "missing"),
        ([1, 0.5], [5, 5], ParameterError, "whole number"),
        ([1, 2], [5], ParameterError, "shapes"),
        ([0, 0], [np.nan, np.nan], EmptyDataError, "No customer"),
    ],
)
def test_bad_input(x, z, error, message):
    with pytest.raises(error, match=message):
        fit_gamma_gamma(x, z)
