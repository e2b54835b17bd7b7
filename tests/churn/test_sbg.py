import numpy as np
import pytest
from scipy.special import beta as beta_function

from kam.churn import sbg
from kam.churn.sbg import fit_sbg
from kam.errors import EmptyDataError, NoEventError, NotConvergedError, ParameterError
from tests.churn.buyers import by_difference

HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491]
REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241]


@pytest.mark.parametrize(("table", "alpha", "beta"), [(HIGH_END, 0.668, 3.806), (REGULAR, 0.704, 1.182)])
def test_fader_and_hardie(table, alpha, beta):
    params = fit_sbg(table).params
    assert {name: round(value, 3) for name, value in params.items()} == {"alpha": alpha, "beta": beta}


def test_projection():
    fitted = fit_sbg(REGULAR)
    alpha, beta = fitted.params.values()
    assert fitted.survival([0, 1, 12]) == pytest.approx(
        [1, beta / (alpha + beta), beta_function(alpha, beta + 12) / beta_function(alpha, beta)]
    )
    assert fitted.retention(np.arange(1, 30)) == pytest.approx(
        fitted.survival(np.arange(1, 30)) / fitted.survival(np.arange(29))
    )
    assert (np.diff(fitted.retention(np.arange(1, 30))) > 0).all()
    assert fitted.p_kept(3, 4) == pytest.approx(fitted.survival(7) / fitted.survival(4))
    assert fitted.survival(12) == pytest.approx(0.173, abs=0.01)  # 17.3 % in the paper's hold-out years


def test_likelihood_is_that_of_the_paper():
    alpha, beta = 0.7, 1.2
    table = np.array(REGULAR[:4], dtype=float)
    left = [beta_function(alpha + 1, beta + t - 1) / beta_function(alpha, beta) for t in (1, 2, 3)]
    stay = beta_function(alpha, beta + 3) / beta_function(alpha, beta)
    value, gradient = sbg._log_likelihood(np.array([alpha, beta]), -np.diff(table), table[1:])
    assert value == pytest.approx(-np.diff(table) @ np.log(left) + table[-1] * np.log(stay))
    difference = by_difference(
        lambda v, data: sbg._log_likelihood(v, *data), np.array([alpha, beta]), (-np.diff(table), table[1:])
    )
    assert gradient == pytest.approx(difference, rel=1e-6)


def test_cohorts_of_several_ages():
    both = np.array([[1000, 631, 468, 382], [800, 505, np.nan, np.nan]])
    fitted = fit_sbg(both)
    assert fitted.n_customers == 1800
    alone = fit_sbg([1000, 631, 468, 382])
    assert fitted.params["alpha"] == pytest.approx(alone.params["alpha"], rel=0.05)
    assert fitted.std_errors["alpha"] < alone.std_errors["alpha"]
    assert fit_sbg(np.array([REGULAR, REGULAR])).params["beta"] == pytest.approx(
        fit_sbg(REGULAR).params["beta"], rel=1e-5
    )


def test_recovers_the_truth():
    rng = np.random.default_rng(1)
    last = rng.geometric(rng.beta(0.8, 2.5, 5000))  # the renewal at which the customer leaves
    fitted = fit_sbg([(last > t).sum() for t in range(9)])
    assert abs(fitted.params["alpha"] - 0.8) < 3 * fitted.std_errors["alpha"] < 0.3
    assert abs(fitted.params["beta"] - 2.5) < 3 * fitted.std_errors["beta"]


def test_retention_that_does_not_rise():
    with pytest.raises(NotConvergedError, match="infinity"):
        fit_sbg([10_000, 8000, 6400, 5100, 4000])
    assert fit_sbg([10_000, 8000, 6400, 5100, 4000], penalty=1e-6).retention(1) == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        ([100, 100, 100], NoEventError, "Nobody left"),
        ([100, 0, 0], NoEventError, "Everybody left"),
        ([[100, 80, 70], [100, 110, 70]], ParameterError, "more customers.*cohort 1"),
        ([[100, 80, 70], [100, np.nan, 70]], ParameterError, "missing before the end.*cohort 1"),
        ([100, 80, -1], ParameterError, "below 0"),
        ([100], EmptyDataError, "No cohort"),
    ],
)
def test_bad_input(table, error, message):
    with pytest.raises(error, match=message):
        fit_sbg(table)


@pytest.mark.parametrize("t", [-1, 0.5, np.nan])
def test_renewals_are_whole_numbers(t):
    with pytest.raises(ParameterError, match="renewals"):
        fit_sbg(REGULAR).survival(t)
