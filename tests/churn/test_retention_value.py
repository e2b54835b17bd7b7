import numpy as np
import pandas as pd
import pytest

from kam.churn.customer_value import customer_value
from kam.churn.markov import fit_markov_churn
from kam.churn.remaining_value import YEAR
from kam.churn.retention_value import value_of_retention
from kam.errors import ParameterError, UndefinedMeasureError
from kam.results import Context, load_results, save_results
from tests.churn.accounts_at_risk import STRANGE, forecast, simulated

TERMS = {"horizon_days": 91, "k": 3, "discount_rate": 0.1}


def p_of(yearly):
    """The probability of a forecast of 91 days that means this yearly loss."""
    return 1 - (1 - np.asarray(yearly)) ** ((91 + 365.25 / 4) / YEAR)


def worth(loss, rate, years):
    force = np.log(1 + rate) - np.log(1 - np.asarray(loss))
    return (1 - np.exp(-force * years)) / force


@pytest.fixture(scope="module")
def many():
    return value_of_retention(simulated(300), **TERMS, n_resamples=500, context=Context(currency="EUR"))


def test_two_accounts_worked_by_hand():
    """Both lose 20 % a year; 400 a year; 10 % discount, five years: 400 × (1 − (0.8 / 1.1)^5) / ln(1.1 / 0.8) = 1,000.5."""
    found = value_of_retention(forecast(p_churn=p_of(0.2), margin_year=[100.0, 300.0]), **TERMS)
    assert found.loss_rate == pytest.approx(0.2)
    assert found.value == pytest.approx(400 * (1 - (0.8 / 1.1) ** 5) / np.log(1.1 / 0.8))
    effects = found.effects.set_index("term")
    for term, loss in (("1 point", 0.19), ("5 points", 0.15), ("5 % relative", 0.19)):
        change = 400 * (worth(loss, 0.1, 5) - worth(0.2, 0.1, 5))
        row = effects.loc[term]
        assert row["value_change"] == pytest.approx(change)
        assert row["share_change"] == pytest.approx(change / found.value)
        assert row["profit_year"] == pytest.approx(change * np.log(1.1) / (1 - 1.1**-5))
        assert row["n_kept"] == pytest.approx(2 * (0.2 - loss)) and row["loss_after"] == pytest.approx(loss)
    assert np.isnan(effects["ci_low"]).all() and found.value_low is None  # two accounts: no interval
    assert "no interval" in found.answer()


def test_agrees_with_customer_value_of_a_markov_chain_with_constant_retention():
    """Yearly periods of 0.8: value ahead = Σ (0.8 / 1.1)^t; here money flows evenly, so each year is worth what its start is
    times one year's flow: 100 × Σ_{t=0..4} (0.8 / 1.1)^t × flow of one year.
    """
    counts = pd.DataFrame({"from_state": ["buys", "buys", "lost"], "to_state": ["buys", "lost", "lost"],
                           "n_transitions": [800, 200, 400]})  # fmt: skip
    chain = fit_markov_churn(counts, n_resamples=100)
    one_year = float(worth(0.2, 0.1, 1))
    markov = customer_value(chain, {"buys": 100 * one_year, "lost": 0}, discount_rate=0.1, horizon=4, n_paths=100)
    found = value_of_retention(forecast(p_churn=p_of([0.2]), margin_year=100.0), **TERMS)
    assert found.value == pytest.approx(markov.states["value"][0])


def test_reichheld_and_sasser_five_points_of_retention_double_a_long_life():
    """Without end, without discount, 90 → 95 % retention doubles the years (their credit-card example); 100 years come close."""
    found = value_of_retention(
        forecast(p_churn=p_of([0.1]), margin_year=1.0), horizon_days=91, k=3, discount_rate=0, horizon_years=100
    )
    assert found.effects["share_change"][1] == pytest.approx(np.log(0.9) / np.log(0.95) - 1, abs=0.02)


def test_sums_orders_and_intervals(many):
    effects = many.effects
    assert many.value == pytest.approx(many.customers["value_ahead"].sum())
    assert effects["value_change"][1] == pytest.approx(many.customers["value_change"].sum())
    assert effects["value_change"][1] > effects["value_change"][0] > 0
    assert (effects["ci_low"] < effects["value_change"]).all() and (effects["value_change"] < effects["ci_high"]).all()
    assert (effects["share_low"] < effects["share_change"]).all() and (
        effects["share_change"] < effects["share_high"]
    ).all()
    assert many.value_low < many.value < many.value_high
    assert many.customers["value_ahead"].is_monotonic_decreasing


def test_bootstrap_interval_is_that_of_a_sum(many):
    """Sum over resampled accounts: half width near 1.96 √n sd."""
    values = many.customers["value_change"].to_numpy()
    half = 1.96 * np.sqrt(len(values)) * values.std()
    row = many.effects.iloc[1]
    assert row["ci_high"] - row["ci_low"] == pytest.approx(2 * half, rel=0.15)


def test_a_loss_below_five_points_falls_to_nothing():
    found = value_of_retention(forecast(p_churn=p_of(0.03), margin_year=[100.0, 100.0]), **TERMS)
    effects = found.effects.set_index("term")
    assert effects.loc["5 points", "loss_after"] == 0 and found.share_cut == 1
    assert effects.loc["5 points", "n_kept"] == pytest.approx(0.06)
    check = next(c for c in found.checks if "five points" in c.assumption)
    assert check.verdict == "handled" and "3.0 points" in check.finding


def test_accounts_that_lose_money_count_against():
    with_loser = value_of_retention(forecast(p_churn=p_of(0.2), margin_year=[100.0, -50.0]), **TERMS)
    alone = value_of_retention(forecast(p_churn=p_of(0.2), margin_year=[50.0, 0.0]), **TERMS)
    assert with_loser.value == pytest.approx(alone.value)
    with pytest.raises(UndefinedMeasureError, match="earn nothing"):
        value_of_retention(forecast(p_churn=0.2, margin_year=[-1.0]), **TERMS)


def test_answer_and_way_back(many, tmp_path):
    assert many.answer().startswith(f"If {100 * many.effects['loss_after'][1]:.1f}% instead of")
    assert 3 <= len(many.answer().key_figures) <= 5 and all(figure.note for figure in many.answer().key_figures)
    strange = value_of_retention(forecast(customer_id=STRANGE, p_churn=0.2, margin_year=1.0), **TERMS)
    save_results(many, to=tmp_path / "a")
    save_results(strange, to=tmp_path / "b")
    assert load_results(tmp_path / "a")["retention_value"].answer() == many.answer()
    assert sorted(load_results(tmp_path / "b")["retention_value"].customers["customer_id"]) == sorted(STRANGE)


@pytest.mark.parametrize("terms", [{"n_resamples": 99}, {"level": 0}, {"seed": 1.5}, {"discount_rate": -1}])
def test_parameters_out_of_range(terms):
    with pytest.raises(ParameterError, match=next(iter(terms))):
        value_of_retention(simulated(20), **(TERMS | terms))
