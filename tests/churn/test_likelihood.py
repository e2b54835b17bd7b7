import numpy as np
import pytest

from kam.churn.likelihood import maximize
from kam.errors import NotConvergedError, ParameterError


def poisson(rate_of):
    """25 events in 10 units of time, at a rate that the parameters give, with its gradient."""

    def log_likelihood(values):
        rate, slope = rate_of(values)
        return float(25 * np.log(rate) - 10 * rate), (25 / rate - 10) * slope

    return log_likelihood


def test_the_peak_and_its_errors():
    found = maximize(poisson(lambda v: (v[0], np.ones(1))), {"rate": 0.01}, n=25, model="a rate")
    assert found.names == ("rate",)
    assert found.values == pytest.approx([2.5], abs=1e-6)
    assert found.std_errors == pytest.approx([0.5], abs=1e-5)  # rate / √events


def test_a_penalty_has_the_weight_of_n():
    found = maximize(poisson(lambda v: (v[0], np.ones(1))), {"rate": 1.0}, n=25, penalty=0.1, model="a rate")
    rate = found.values[0]
    assert 25 / rate - 10 - 25 * 0.1 * 2 * rate == pytest.approx(0, abs=1e-5)


def test_two_parameters_that_only_count_together():
    either = poisson(lambda v: (v[0] * v[1], v[::-1].copy()))
    with pytest.raises(
        NotConvergedError, match=r"a product cannot be estimated.*parameter (one|two) has no best value"
    ):
        maximize(either, {"one": 1.0, "two": 1.0}, n=25, model="a product")


@pytest.mark.parametrize(("sign", "where"), [(1, "infinity"), (-1, "0")])
def test_a_parameter_that_runs_away(sign, where):
    def log_likelihood(values):
        odds = values[0] ** sign
        return float(-10 * np.log1p(1 / odds)), np.array([10 * sign / (values[0] * (1 + odds))])

    with pytest.raises(NotConvergedError, match=f"parameter theta runs to {where}"):
        maximize(log_likelihood, {"theta": 1.0}, n=10, model="odds")


def test_a_likelihood_that_is_no_number():
    with pytest.raises(NotConvergedError, match="do not settle"):
        maximize(lambda v: (np.nan, np.array([np.nan])), {"theta": 1.0}, n=1, model="nothing")


def test_a_penalty_below_zero():
    with pytest.raises(ParameterError, match="penalty is -1"):
        maximize(poisson(lambda v: (v[0], np.ones(1))), {"rate": 1.0}, n=1, penalty=-1, model="a rate")


def test_with_a_penalty_what_runs_to_zero_is_held_there():
    def log_likelihood(values):  # 25 events in 10 at rate + drift, as if no drift were best by far
        rate, drift = values
        return float(25 * np.log(rate) - 10 * rate - 40 * drift), np.array([25 / rate - 10, -40.0])

    with pytest.raises(NotConvergedError, match="parameter drift runs to 0"):
        maximize(log_likelihood, {"rate": 1.0, "drift": 1.0}, n=25, model="a drift")
    found = maximize(log_likelihood, {"rate": 1.0, "drift": 1.0}, n=25, penalty=1e-9, model="a drift")
    values, errors = found.named(np.array([2.0, 1.0]))
    assert values["rate"] == pytest.approx(5, rel=1e-5) and values["drift"] < 1e-5
    assert list(errors) == ["rate"] and errors["rate"] == pytest.approx(1, rel=1e-4)
