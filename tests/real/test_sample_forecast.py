"""Notebook 20 on the sample, in a kernel: what plain pandas counts, and what was planted."""

import pandas as pd
import pytest

NOTEBOOK = "20_churn_regression"


def test_every_cell_completes_silently_and_every_figure_has_alternative_text(sample_run):
    sample_run.check(n_figures=9)


def test_the_forecast_counts_the_accounts_of_plain_pandas(sample_run, sample_lines):
    """Lost by hand: the last order more than k months before the day after the data."""
    forecast = sample_run.results["churn_forecast"]
    last = sample_lines[sample_lines["amount"] > 0].groupby("customer_id")["order_date"].max()
    lost = last + pd.DateOffset(months=forecast.k) <= pd.Timestamp(forecast.origin)
    assert abs(forecast.n_lapsed - int(lost.sum())) <= 3, "orders that were cancelled in full are no orders"
    record = forecast.record.dropna(subset=["n_actual"])
    assert record["n_actual"].sum() / record["n_expected"].sum() == pytest.approx(1, abs=0.1)


def test_the_list_opens_with_accounts_that_have_gone_silent(sample_run):
    calls, forecast = sample_run.results["call_list"], sample_run.results["churn_forecast"]
    first = calls.calls.head(1).merge(forecast.customers[["customer_id", "mean_gap_days"]], on="customer_id")
    assert (first["days_since_last_order"] > 2 * first["mean_gap_days"]).all()
    assert set(calls.calls["customer_id"]) <= set(forecast.customers.query("at_risk")["customer_id"])
    assert calls.saving_rate == 0.2 and calls.cost_of_visit == 350, "as the dataset says"
    assert calls.calls["reason"].str.len().gt(0).all()


def test_the_regression_is_believed_on_the_sample(sample_run):
    comparison = sample_run.results["churn_comparison"]
    assert comparison.believed == "regression"
    pooled = comparison.pooled().query("population == 'at risk'").set_index("model")
    assert pooled["log_loss"].idxmin() == "regression"
    assert pooled.loc["regression", "slope_low"] < 1 < pooled.loc["regression", "slope_high"]
    assert pooled.loc["regression", "orders_ratio"] == pytest.approx(1, abs=0.1)


def test_what_was_planted_is_found(sample_run):
    hazard, autopsy = sample_run.results["hazard"], sample_run.results["post_mortem"]
    ratio = hazard.terms.set_index("term")
    for term in ("share_late", "n_complaints", "handover"):
        assert ratio.loc[term, "ci_low"] > 1, term
    reasons = autopsy.accounts["reason"].str
    assert reasons.contains("late deliveries").any() and reasons.contains("complaints").any()
