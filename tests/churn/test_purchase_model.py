import numpy as np
import pytest

from kam.churn.bg_nbd import BgNbd, fit_bg_nbd
from kam.churn.pareto_nbd import ParetoNbd, fit_pareto_nbd
from kam.churn.purchase_model import distinct_histories
from kam.churn.rhythm import Rhythm, fit_rhythm
from kam.errors import EmptyDataError, NoEventError, ParameterError

FITS = [fit_bg_nbd, fit_pareto_nbd, fit_rhythm]
MODELS = [
    BgNbd(params={"r": 0.8, "alpha": 6, "a": 0.9, "b": 3}, std_errors={}, log_likelihood=0, n_customers=1, penalty=0),
    ParetoNbd(
        params={"r": 0.8, "alpha": 9, "s": 0.7, "beta": 14}, std_errors={}, log_likelihood=0, n_customers=1, penalty=0
    ),
    Rhythm(
        params={"k": 2, "r": 3, "alpha": 9, "a": 0.7, "b": 4}, std_errors={}, log_likelihood=0, n_customers=1, penalty=0
    ),
]


def test_equal_histories_are_counted_once():
    histories = distinct_histories([1, 0, 1, 1], [3, 0, 3, 2], [9, 9, 9, 9])
    assert np.column_stack([histories.x, histories.t_x, histories.t, histories.n]).tolist() == [
        [0, 0, 9, 1],
        [1, 2, 9, 1],
        [1, 3, 9, 2],
    ]


def test_thinned_keeps_the_shares():
    rng = np.random.default_rng(1)
    x = rng.integers(0, 3, 10_000)
    histories = distinct_histories(x, np.where(x > 0, 5, 0), rng.integers(10, 20, 10_000))
    few = histories.thinned(500)
    assert few.n.sum() == 500
    for value in range(3):
        assert few.n[few.x == value].sum() == pytest.approx((x == value).mean() * 500, abs=1)
    assert histories.thinned(20_000).n.tolist() == histories.n.tolist()


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize(
    ("history", "message"),
    [
        (([1, -1], [2, 0], [5, 5]), "position 1.*frequency -1"),
        (([1, 1.5], [2, 1], [5, 5]), "whole number"),
        (([1, np.nan], [2, 0], [5, 5]), "whole number"),
        (([1, 1], [2, 6], [5, 5]), "recency above T.*position 1.*recency 6"),
        (([1, 1], [2, 0], [5, 5]), "recency of 0 with repeat purchases"),
        (([1, 0], [2, 2], [5, 5]), "or above 0 without"),
        (([1, 0], [2, 0], [5, np.nan]), "missing"),
        (([1, 0], [2, 0], [5, np.inf]), "infinite"),
        (([1, 0], [2], [5, 5]), "shapes"),
    ],
)
def test_impossible_histories_are_named(fit, history, message):
    with pytest.raises(ParameterError, match=message):
        fit(*history)


@pytest.mark.parametrize("fit", FITS)
def test_nothing_to_learn_from(fit):
    with pytest.raises(EmptyDataError):
        fit([], [], [])
    with pytest.raises(NoEventError, match="second time"):
        fit([0, 0], [0, 0], [5, 0])


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("penalty", [-1, np.nan])
def test_a_penalty_below_zero(fit, penalty):
    with pytest.raises(ParameterError, match="penalty"):
        fit([1, 0], [2, 0], [5, 5], penalty=penalty)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.label)
def test_what_must_hold_of_any_model(model):
    x, t_x, t = np.array([0, 0, 1, 3, 12]), np.array([0, 0, 4, 30, 35.0]), np.array([0, 40, 40, 40, 40.0])
    ahead = np.array([0, 1, 13, 52, 520.0])[:, None]
    none, expected, alive = (
        model.p_no_order(ahead, x, t_x, t),
        model.expected_purchases(ahead, x, t_x, t),
        model.p_alive(x, t_x, t),
    )
    assert none.shape == expected.shape == (5, 5)
    assert (none[0] == 1).all() and np.abs(expected[0]).max() < 1e-12
    assert (np.diff(none, axis=0) <= 0).all() and (np.diff(expected, axis=0) >= 0).all()
    assert (none >= 1 - alive - 1e-12).all()  # who has stopped does not order
    assert (expected >= 1 - none - 1e-9).all()  # who orders orders at least once
    # in two steps as in one: no order in 13, and then, with the history at T + 13, none in 39
    assert none[2] * model.p_no_order(39, x, t_x, t + 13) == pytest.approx(none[3], rel=1e-10)
    # the first moments of the time ahead: the rate of purchases is that at which "no order" falls
    small = model.expected_purchases(1e-4, x, t_x, t) - (1 - model.p_no_order(1e-4, x, t_x, t))
    assert np.abs(small).max() < 1e-6
    assert model.p_no_order(13, 0, 0, 40).shape == ()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.label)
def test_the_longer_silent_the_less(model):
    T = np.linspace(30, 90, 20)
    assert (np.diff(model.p_alive(5, 30, T)) < 0).all()
    with pytest.raises(ParameterError, match="time ahead"):
        model.p_no_order(-1, 5, 30, 40)
    with pytest.raises(ParameterError, match="position 0"):
        model.p_alive(5, 50, 40)


@pytest.mark.parametrize("fit", FITS)
def test_inputs_stay_as_they_were(fit):
    rng = np.random.default_rng(1)
    x = rng.poisson(rng.gamma(1, 2, 300))
    history = x, np.where(x > 0, rng.uniform(5, 35, 300), 0), np.full(300, 40.0)
    copies = [column.copy() for column in history]
    fit(*history, penalty=0.01)
    assert all((column == copy).all() for column, copy in zip(history, copies, strict=True))
