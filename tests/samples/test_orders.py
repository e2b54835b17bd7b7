"""The ordering process shows the traits that it was drawn from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kam.samples import SampleCompany
from kam.samples.orders import SEASON


def transition_counts(states: pd.DataFrame) -> pd.DataFrame:
    following = states.groupby("customer_id")["state"].shift(-1)
    return pd.crosstab(states["state"], following)


def test_transitions_of_the_states_are_found(companies):
    counts = sum(transition_counts(company.truth.states) for company in companies)
    truth = companies[0].truth.transitions.pivot(index="from_state", columns="to_state", values="probability")
    n = counts.sum(axis="columns")
    error = np.sqrt(truth * (1 - truth)).div(np.sqrt(n), axis="index")
    z = (counts.div(n, axis="index") - truth) / error
    assert abs(z.to_numpy()).max() < 3.8
    assert (abs(z.to_numpy()) < 1.96).mean() > 0.75
    assert error.to_numpy().max() < 0.02
    np.testing.assert_allclose(truth.sum(axis="columns"), 1)


def test_rhythms_are_found(companies, ledgers):
    estimated, shape, mean, rhythm = [], [], [], []
    for company, ledger in zip(companies, ledgers, strict=True):
        days = ledger[ledger["amount"] > 0].groupby("customer_id")["order_date"].unique()
        truth = company.truth.accounts.set_index("customer_id")
        trapped = company.truth.traps.query("trap != 'manager_handover'")["customer_id"]
        truth = truth[(truth["n_dormant"] == 0) & ~truth.index.isin(trapped)]
        for customer, account in truth.iterrows():
            gaps = np.diff(np.sort(days[customer])).astype("timedelta64[D]").astype(int)
            if len(gaps) >= 12:
                estimated.append((gaps.mean(), gaps.std() / gaps.mean()))
                shape.append(account["gap_shape"])
                mean.append(account["gap_mean_days"])
                rhythm.append(account["rhythm"])
    gap, variation = np.array(estimated).T
    expected = np.array(shape) ** -0.5
    table = pd.DataFrame({"rhythm": rhythm, "ratio": gap / mean, "cv": variation, "difference": variation - expected})
    medians = table.groupby("rhythm")[["cv", "difference"]].median()
    assert table["ratio"].median() == pytest.approx(1.0, abs=0.06)
    assert medians["cv"]["regular"] < 0.4 < medians["cv"]["moderate"] < 0.8 < medians["cv"]["irregular"]
    assert np.corrcoef(variation, expected)[0, 1] > 0.85


@pytest.fixture(scope="module")
def relative_values(companies: list[SampleCompany], ledgers: list[pd.DataFrame]) -> pd.DataFrame:
    """One row per order of the larger accounts: its worth beside their typical order, its month, state and region."""
    parts = []
    for company, ledger in zip(companies, ledgers, strict=True):
        orders = (
            ledger[ledger["amount"] > 0]
            .groupby(["customer_id", "order_id"], as_index=False)
            .agg(amount=("amount", "sum"), date=("order_date", "first"), region=("region", "first"))
        )
        orders["month"] = orders["date"].dt.to_period("M").dt.to_timestamp()
        states = company.truth.states.astype({"month": orders["month"].dtype})  # of accounts without a trap
        index = company.external[company.external["series"] == "industrial_production"]
        joined = orders.merge(states, on=["customer_id", "month"])
        for lag in (1, 6):
            month = (index["month"] + pd.DateOffset(months=lag)).astype(orders["month"].dtype)
            joined = joined.merge(index[["region"]].assign(month=month, **{f"lag_{lag}": index["value"]}))
        typical = (
            company.truth.accounts.set_index("customer_id")["order_value"].reindex(joined["customer_id"]).to_numpy()
        )
        joined["relative"] = joined["amount"] / typical
        parts.append(joined[typical > 1000])  # an order of less than a pack is filled up to one
    return pd.concat(parts, ignore_index=True)


def test_state_shows_in_what_is_spent(relative_values):
    state = relative_values.groupby("state")["relative"].mean()
    assert "dormant" not in state
    assert state["low"] / state["normal"] == pytest.approx(0.5, abs=0.05)
    assert state["high"] / state["normal"] == pytest.approx(2.0, abs=0.15)
    assert state["normal"] == pytest.approx(1.05, abs=0.08)  # and growth


def test_season_shows_in_what_is_spent(relative_values):
    month = relative_values.groupby(relative_values["month"].dt.month)["relative"].mean()
    assert np.corrcoef(month, SEASON)[0, 1] > 0.8


def test_production_of_the_month_before_shows_in_what_is_spent(relative_values):
    names = ["log", "lag_1", "lag_6"]
    data = relative_values.assign(log=np.log(relative_values["relative"]))
    data[["lag_1", "lag_6"]] = np.log(data[["lag_1", "lag_6"]])
    cells = [data["state"], data["month"].dt.month, data["month"].dt.year]
    within = (data[names] - data.groupby(cells)[names].transform("mean")).to_numpy()
    y, x = within[:, 0], within[:, 1:]
    slope, *_ = np.linalg.lstsq(x, y, rcond=None)
    error = np.sqrt((y - x @ slope).var() * np.diag(np.linalg.inv(x.T @ x)))
    assert (abs(slope - [0.6, 0.0]) < 4 * error).all() and (error < 0.15).all()
    assert slope[0] > 0.3 > slope[1] + 0.1


def test_dormant_months_have_no_orders(company: SampleCompany, ledger: pd.DataFrame):
    dormant = company.truth.states.query("state == 'dormant'")
    ordered = ledger[ledger["amount"] > 0].assign(month=lambda d: d["order_date"].dt.to_period("M").dt.to_timestamp())
    months = set(zip(ordered["customer_id"], ordered["month"], strict=True))
    assert len(dormant) > 500
    assert not set(zip(dormant["customer_id"], dormant["month"], strict=True)) & months
