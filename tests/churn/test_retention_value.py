import numpy as np
import pandas as pd
import pytest

from kam.churn.customer_value import customer_value
from kam.churn.markov import fit_markov_churn
from kam.churn.remaining_value import YEAR
from kam.churn.retention_value import value_of_retention
from kam.errors import DataError, ParameterError, UndefinedMeasureError
from kam.results import Context, load_results, save_results
from tests.churn.accounts_at_risk import STRANGE, departing, forecast, simulated

TERMS = {"horizon_days": 91, "k": 3, "discount_rate": 0.1}


def p_of(yearly):
    """The probability of a forecast of 91 days that means this yearly loss."""
    return 1 - (1 - np.asarray(yearly)) ** ((91 + 365.25 / 4) / YEAR)


def worth(loss, rate, years):
    force = np.log(1 + rate) - np.log(1 - np.asarray(loss))
    return (1 - np.exp(-force * years)) / force


SURE = 91 / YEAR
LONGER = TERMS | {"horizon_years": 5 + SURE}


@pytest.fixture(scope="module")
def many():
    return value_of_retention(simulated(300), **TERMS, n_resamples=500, context=Context(currency="EUR"))


def test_two_accounts_worked_by_hand():
    """Both lose 20 % a year; 400 a year, of which 0.8^(182.3125 / 365.25) = 0.8946 is there; 10 % discount; the days of the
    forecast, 0.2462 years of money, and after them five years: (1 − (0.8 / 1.1)^5) / ln(1.1 / 0.8) = 2.5013, times 0.9765.
    """
    there, later = 0.8 ** (182.3125 / 365.25), 1.1**-SURE
    found = value_of_retention(forecast(p_churn=p_of(0.2), margin_year=[100.0, 300.0]), **LONGER)
    assert found.loss_rate == pytest.approx(0.2)
    assert found.value == pytest.approx(400 * 0.894566 * (0.246209 + 0.976534 * 2.501285), rel=1e-4)
    assert found.value == pytest.approx(400 * there * (worth(0, 0.1, SURE) + later * worth(0.2, 0.1, 5)))
    assert found.n_there == pytest.approx(2 * there)
    effects = found.effects.set_index("term")
    for term, loss in (("1 point", 0.19), ("5 points", 0.15), ("5 % relative", 0.19)):
        change = 400 * there * later * (worth(loss, 0.1, 5) - worth(0.2, 0.1, 5))
        row = effects.loc[term]
        assert row["value_change"] == pytest.approx(change)
        assert row["share_change"] == pytest.approx(change / found.value)
        assert row["profit_year"] == pytest.approx(change / worth(0, 0.1, 5 + SURE))
        assert row["n_kept"] == pytest.approx(2 * there * (0.2 - loss)) and row["loss_after"] == pytest.approx(loss)
    assert np.isnan(effects["ci_low"]).all() and found.value_low is None  # two accounts: no interval
    assert "no interval" in found.answer()


def test_agrees_with_customer_value_of_a_markov_chain_with_constant_retention():
    """Yearly periods of 0.8: value ahead = Σ (0.8 / 1.1)^t; here money flows evenly, so each year is worth what its start is
    times one year's flow: 100 × Σ_{t=0..4} (0.8 / 1.1)^t × flow of one year. Before that come the days of the forecast, and all
    of it counts with the probability to be there.
    """
    counts = pd.DataFrame({"from_state": ["buys", "buys", "lost"], "to_state": ["buys", "lost", "lost"],
                           "n_transitions": [800, 200, 400]})  # fmt: skip
    chain = fit_markov_churn(counts, n_resamples=100)
    one_year = float(worth(0.2, 0.1, 1))
    markov = customer_value(chain, {"buys": 100 * one_year, "lost": 0}, discount_rate=0.1, horizon=4, n_paths=100)
    found = value_of_retention(forecast(p_churn=p_of([0.2]), margin_year=100.0), **LONGER)
    ahead = 100 * worth(0, 0.1, SURE) + 1.1**-SURE * markov.states["value"][0]
    assert found.value == pytest.approx((1 - p_of(0.2)) * ahead)


def test_each_account_counts_with_its_own_chance_to_be_there():
    """Of 0 and 0.4 the mean is 0.2 for both; the first counts whole, the second with 0.6."""
    found = value_of_retention(forecast(p_churn=[0.0, 0.4], margin_year=100.0), **TERMS).customers
    loss = 1 - 0.8 ** (YEAR / (91 + YEAR / 4))
    one = 100 * (worth(0, 0.1, SURE) + 1.1**-SURE * worth(loss, 0.1, 5 - SURE))
    np.testing.assert_allclose(found["value_ahead"], [one, 0.6 * one])


@pytest.mark.parametrize("rate", [0.1, 0.4])
def test_is_the_value_of_a_company_with_a_known_loss(rate):
    """Those who leave during the forecast still bring a little till then: at most half the loss of its days."""
    people = departing(20_000, rate, orders=50)
    found = value_of_retention(people.frame, **(TERMS | {"discount_rate": 0}), n_resamples=100)
    assert found.value == pytest.approx(np.minimum(people.left, 5).sum(), rel=0.025)
    assert found.loss_rate == pytest.approx(1 - np.exp(-rate), rel=0.03)
    assert found.n_there == pytest.approx((people.left > SURE).sum(), rel=0.01)


def test_reichheld_and_sasser_five_points_of_retention_double_a_long_life():
    """Without end, without discount, 90 → 95 % retention doubles the years (their credit-card example); 100 years come close."""
    found = value_of_retention(
        forecast(p_churn=[1 - 0.9 ** (1 / YEAR + 0.25)], margin_year=1.0),
        horizon_days=1,
        k=3,
        discount_rate=0,
        horizon_years=100,
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


def test_bootstrap_interval_is_that_of_a_sum():
    """With one probability for all the loss is the same in every resample: half width near 1.96 √n sd."""
    found = value_of_retention(simulated(300).assign(p_churn=0.1), **TERMS)
    values = found.customers["value_change"].to_numpy()
    half = 1.96 * np.sqrt(len(values)) * values.std()
    row = found.effects.iloc[1]
    assert row["ci_high"] - row["ci_low"] == pytest.approx(2 * half, rel=0.15)
    assert found.loss_rate_low == pytest.approx(found.loss_rate) == found.loss_rate_high


def ends(p, by):
    odds = np.exp(by) * p / (1 - p), np.exp(-by) * p / (1 - p)
    return {"p_churn_high": odds[0] / (1 + odds[0]), "p_churn_low": odds[1] / (1 + odds[1])}


def test_intervals_cover_how_well_the_loss_rate_is_known(many):
    """Accounts all alike: only the common shift is left, and the ends are those of p itself."""
    alike = forecast(customer_id=[f"{i}" for i in range(40)], p_churn=0.1, margin_year=100.0)
    unsure = value_of_retention(alike.assign(**ends(alike["p_churn"], 0.5)), **TERMS, n_resamples=4000)
    assert unsure.covers == "accounts and loss rate"
    low, high = (float(np.unique(end)[0]) for end in (alike.assign(**ends(alike["p_churn"], 0.5))[c] for c in
                                                       ("p_churn_low", "p_churn_high")))  # fmt: skip
    loss = [1 - (1 - p) ** (YEAR / (91 + YEAR / 4)) for p in (low, high)]
    assert [unsure.loss_rate_low, unsure.loss_rate_high] == pytest.approx(loss, rel=0.05)
    value = [4000 * (1 - p) * (worth(0, 0.1, SURE) + 1.1**-SURE * worth(q, 0.1, 5 - SURE))
             for p, q in zip((high, low), loss[::-1], strict=True)]  # fmt: skip
    assert [unsure.value_low, unsure.value_high] == pytest.approx(value, rel=0.02)
    row = unsure.effects.iloc[2]  # five percent of the loss itself: as unsure as the loss is
    assert row["share_low"] < 0.8 * row["share_change"] and row["share_high"] > 1.2 * row["share_change"]
    exact = value_of_retention(alike.assign(**ends(alike["p_churn"], 0.0)), **TERMS, n_resamples=200)
    assert exact.value_low == pytest.approx(exact.value) == exact.value_high
    check = next(c for c in unsure.checks if "how well the loss rate is known" in c.assumption)
    assert check.verdict == "handled" and "do not cover" not in unsure.answer()


def test_without_intervals_of_the_forecast_it_says_what_is_not_covered(many):
    assert many.covers == "accounts"
    assert many.answer().endswith("The intervals do not cover how well the loss rate is known.")
    check = next(c for c in many.checks if "how well the loss rate is known" in c.assumption)
    assert check.verdict == "does not hold" and "only which accounts" in check.finding
    frame = simulated(20).assign(p_churn_low=0.9, p_churn_high=1.0)
    with pytest.raises(DataError, match="does not hold its estimate"):
        value_of_retention(frame, **TERMS)


@pytest.mark.parametrize(
    ("share", "verdict"), [(None, "not testable"), (0.1, "holds"), (0.0, "holds"), (0.25, "does not hold")]
)
def test_lost_accounts_that_come_back_make_the_value_too_high(share, verdict):
    found = value_of_retention(simulated(20), **TERMS, return_share=share, n_resamples=100)
    check = next(c for c in found.checks if "stays lost" in c.assumption)
    assert check.verdict == verdict and found.return_share == share
    assert ("25.0% of those counted as lost come back" in found.answer()) == (verdict == "does not hold")
    assert ("overstated" in check.finding) == (verdict == "does not hold")


def test_a_loss_below_five_points_falls_to_nothing():
    found = value_of_retention(forecast(p_churn=p_of(0.03), margin_year=[100.0, 100.0]), **TERMS)
    effects = found.effects.set_index("term")
    assert effects.loc["5 points", "loss_after"] == 0
    assert effects.loc["5 points", "n_kept"] == pytest.approx(0.06 * (1 - p_of(0.03)))
    check = next(c for c in found.checks if "five points" in c.assumption)
    assert check.verdict == "handled" and "3.0 points" in check.finding


def test_accounts_that_lose_money_count_against():
    with_loser = value_of_retention(forecast(p_churn=p_of(0.2), margin_year=[100.0, -50.0]), **TERMS)
    alone = value_of_retention(forecast(p_churn=p_of(0.2), margin_year=[50.0, 0.0]), **TERMS)
    assert with_loser.value == pytest.approx(alone.value)
    with pytest.raises(UndefinedMeasureError, match="earn nothing"):
        value_of_retention(forecast(p_churn=[1.0], margin_year=10.0), **TERMS)
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


@pytest.mark.parametrize("terms", [{"n_resamples": 99}, {"level": 0}, {"seed": 1.5}, {"discount_rate": -1},
                                   {"return_share": 1.5}, {"return_share": "0.1"}])  # fmt: skip
def test_parameters_out_of_range(terms):
    with pytest.raises(ParameterError, match=next(iter(terms))):
        value_of_retention(simulated(20), **(TERMS | terms))
