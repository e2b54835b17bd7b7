from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kam.churn.churn_probability import churn_probability, lasting_share
from kam.churn.definition import churn_definition
from kam.churn.prediction import predict_churn
from kam.churn.rolling import REGRESSION
from kam.errors import EmptyDataError, NoEventError, ParameterError
from kam.ledger import activity_panel, open_ledger
from tests.churn.seasonal_buyers import simulate_orders


@pytest.fixture(scope="module")
def forecast(seasonal):
    taken, rolled = seasonal
    return predict_churn(taken, rolled=rolled)


@pytest.fixture(scope="module")
def definition():
    panel = activity_panel(open_ledger(simulate_orders(days=1100, season=0.5)))
    return churn_definition(panel, k=6, n_resamples=50)


def test_the_forecast_is_that_of_the_last_origin(seasonal, forecast):
    taken, rolled = seasonal
    own = rolled.forecasts.query("model == @REGRESSION and origin == origin.max()").reset_index(drop=True)
    customers = forecast.customers
    assert customers["customer_id"].tolist() == own["customer_id"].tolist()
    assert customers["p_no_order"].tolist() == own["p_no_order"].tolist()
    at_risk = customers[customers["at_risk"]]
    assert forecast.n_expected == pytest.approx(at_risk["p_no_order"].sum())
    assert (forecast.n_at_risk, forecast.n_lapsed) == (len(at_risk), len(customers) - len(at_risk))
    assert taken.as_of + pd.Timedelta(days=1) == forecast.origin


def test_what_was_returned_is_no_revenue_of_the_year(seasonal):
    taken, rolled = seasonal
    rows = taken.rows.assign(share_returned=0.25)
    customers = predict_churn(replace(taken, rows=rows), rolled=rolled).customers
    last = rows[rows["origin"] == rows["origin"].max()].reset_index(drop=True)
    assert customers["revenue_year"].to_numpy() == pytest.approx(0.75 * last["revenue_year"].to_numpy())


def test_intervals_hold_the_estimate(forecast):
    risk = forecast.customers[forecast.customers["at_risk"]]
    assert (risk["p_no_order_low"] < risk["p_no_order"]).all() and (risk["p_no_order"] < risk["p_no_order_high"]).all()
    assert (risk["p_churn_low"] <= risk["p_churn"]).all() and (risk["p_churn"] <= risk["p_churn_high"]).all()
    assert forecast.n_low < forecast.n_expected < forecast.n_high
    lapsed = forecast.customers[~forecast.customers["at_risk"]]
    assert lapsed["p_churn"].isna().all() and lapsed["p_no_order"].notna().all()


def test_the_record_by_hand(seasonal, forecast):
    taken, rolled = seasonal
    record = forecast.record
    row = record.iloc[-2]
    truth = taken.rows[(taken.rows["origin"] == row["origin"]) & taken.rows["at_risk"]]
    said = rolled.forecasts[(rolled.forecasts["model"] == REGRESSION) & (rolled.forecasts["origin"] == row["origin"])]
    both = truth.merge(said, on="customer_id")
    assert row["n_customers"] == len(truth)
    assert row["n_actual"] == truth["no_order"].sum()
    assert row["n_expected"] == pytest.approx(both["p_no_order"].sum())
    assert row["money_came"] == pytest.approx(truth["revenue_next"].sum())
    assert record.iloc[-1][["n_actual", "money_came"]].isna().all()


def test_intervals_of_earlier_windows_held_what_happened(forecast):
    over = forecast.record.dropna(subset=["n_actual"])
    inside = over["n_actual"].between(over["n_low"], over["n_high"])
    assert inside.mean() >= 0.75


def test_contributions_add_up(forecast):
    at_risk = forecast.customers[forecast.customers["at_risk"]].set_index("customer_id")
    total = forecast.contributions.groupby("customer_id")["contribution"].sum()
    log_odds = np.log(at_risk["p_churn"] / (1 - at_risk["p_churn"]))
    assert set(total.index) == set(at_risk.index)
    assert np.corrcoef(total[at_risk.index], log_odds)[0, 1] ** 2 == pytest.approx(forecast.explained, abs=0.02)
    assert forecast.explained > 0.8
    assert total.mean() == pytest.approx(0, abs=1e-9)
    one = forecast.contributions[forecast.contributions["term"] == "days_since_last_order"].set_index("customer_id")
    days = at_risk["days_since_last_order"]
    assert (one["seen"].astype(float)[days.index] == days).all()
    assert np.corrcoef(one["contribution"][days.index], days)[0, 1] > 0.5


def test_losses_are_learned_where_they_were_seen(seasonal, forecast):
    taken, _ = seasonal
    assert forecast.basis == "learned"
    settled = taken.rows[
        taken.rows["origin"] + pd.Timedelta(days=91) + pd.DateOffset(months=6) <= pd.Timestamp(taken.as_of)
    ]
    settled = settled[settled["at_risk"]]
    # As many as were lost a year, within what a season may change.
    usual = settled["churned"].astype(float).mean()
    assert forecast.n_churn / forecast.n_at_risk == pytest.approx(usual, rel=0.5)
    risk = forecast.customers[forecast.customers["at_risk"]]
    assert np.corrcoef(risk["p_churn"], risk["p_no_order"])[0, 1] > 0.6


def test_losses_too_few_to_learn_from(seasonal, definition):
    taken, rolled = seasonal
    long = replace(taken, k=60)  # nobody could be followed for so long
    with pytest.raises(NoEventError, match="definition=churn_definition"):
        predict_churn(long, rolled=rolled)
    by_waits = predict_churn(replace(taken, k=30), rolled=rolled, definition=definition)
    assert by_waits.basis == "waits"
    risk = by_waits.customers[by_waits.customers["at_risk"]]
    assert np.corrcoef(risk["p_churn"], risk["p_no_order"])[0, 1] > 0.9
    assert risk["p_churn"].between(0, 1).all()
    assert any("as many as among all accounts" in given.value for given in by_waits.assumed)


def test_lasting_share_by_hand(seasonal, definition):
    taken, _ = seasonal
    survival = definition.return_shares.set_index("k")["survival"]
    month = 365.25 / 12
    share = lasting_share(np.array([0.0, 2 * month, 6 * month, 900.0]), taken, definition)
    assert share == pytest.approx([survival[6], survival[6] / survival[2], 1, 1])


def test_only_settled_outcomes_are_learned_from(seasonal):
    taken, _ = seasonal
    rows = taken.rows
    origin = rows["origin"].max()
    here = rows["origin"] == origin
    p, error = np.full(here.sum(), 0.3), np.zeros(here.sum())
    before = churn_probability(taken, p, error, error, origin, None)
    late = rows["origin"] + pd.Timedelta(days=91) + pd.DateOffset(months=6) > origin
    turned = replace(taken, rows=rows.assign(churned=rows["churned"].where(~late, ~rows["churned"])))
    assert (churn_probability(turned, p, error, error, origin, None).p == before.p).all()


def test_losses_that_are_known_by_now_are_held_against_the_forecast(seasonal, forecast):
    taken, _ = seasonal
    (check,) = [c for c in forecast.checks if c.assumption.startswith("As many were lost")]
    settled = [
        o
        for o in forecast.record["origin"]
        if o + pd.Timedelta(days=91) + pd.DateOffset(months=6) <= pd.Timestamp(taken.as_of)
    ]
    rows = taken.rows[(taken.rows["origin"] == max(settled)) & taken.rows["at_risk"]]
    assert rows["churned"].notna().all()
    assert f"{int(rows['churned'].sum())} were lost" in check.finding
    assert check.statistic == pytest.approx(1, abs=0.3)


def test_answer_and_figures(forecast):
    assert "expected to place no order in the next 91 days (95% interval" in forecast.answer()
    assert forecast.answer().key_figures[2].label == "accounts lost, or leaving by then, though not yet known"
    (money,) = [check for check in forecast.checks if "revenue came" in check.assumption]
    over = forecast.record.dropna(subset=["n_actual"]).tail(4)
    assert money.statistic == pytest.approx(over["money_came"].sum() / over["expected_revenue"].sum())
    verdicts = {check.assumption: check.verdict for check in forecast.checks}
    assert verdicts["The season of the coming window has been seen before"] == "handled"
    assert verdicts["Every covariate is known for every account"] == "not testable"


def test_bad_input(seasonal):
    taken, rolled = seasonal
    with pytest.raises(ParameterError, match="level"):
        predict_churn(taken, rolled=rolled, level=95)
    with pytest.raises(EmptyDataError, match="are lost on"):
        predict_churn(replace(taken, rows=taken.rows.assign(at_risk=False)), rolled=rolled)
