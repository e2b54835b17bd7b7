"""Who leaves, and why: the planted effects are in the ledger and the events, and a regression finds them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kam.samples import SampleCompany


def fit_logit(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Maximum likelihood by Newton's method: coefficients and standard errors."""
    b = np.zeros(x.shape[1])
    for _ in range(12):
        p = 1 / (1 + np.exp(-x @ b))
        information = (x * (p * (1 - p))[:, None]).T @ x
        b = b + np.linalg.solve(information, x.T @ (y - p))
    return b, np.sqrt(np.diag(np.linalg.inv(information)))


def design(hazards: pd.DataFrame) -> pd.DataFrame:
    classes = {f"class: {c}": hazards["latent_class"] == c for c in ("partner", "ordinary", "opportunist")}
    bands = {band: hazards["band"] == band for band in ("low", "high")}
    recorded = {name: hazards[name] for name in ("late_share", "n_complaints", "handover", "manager")}
    return pd.DataFrame(classes | bands | recorded).astype(float)


def planted(company: SampleCompany) -> pd.Series:
    effects = company.truth.effects
    effects = effects[effects["scale"] == "log-odds of leaving in a month"]
    return effects.set_index("term")["estimate"].drop("middle")


def test_a_regression_finds_the_effects(companies):
    hazards = pd.concat([company.truth.hazards for company in companies])
    x = design(hazards)
    b, error = fit_logit(x.to_numpy(), hazards["left"].to_numpy(dtype=float))
    truth = planted(companies[0]).reindex(x.columns, fill_value=1.0)  # of the manager's own effect: 1
    z = (b - truth) / error
    assert abs(z).max() < 3
    assert error[x.columns.get_loc("late_share")] < 0.1
    assert (abs(b) > 3 * error).all()


def test_intervals_of_single_companies_cover(companies):
    inside = []
    for company in companies:
        x = design(company.truth.hazards)
        b, error = fit_logit(x.to_numpy(), company.truth.hazards["left"].to_numpy(dtype=float))
        truth = planted(company).reindex(x.columns, fill_value=1.0)
        inside.append(abs(b - truth) < 1.96 * error)
    assert np.mean(inside) > 0.85


def test_hazards_are_calibrated(companies):
    hazards = pd.concat([company.truth.hazards for company in companies])
    tenth = pd.qcut(hazards["hazard"], 10)
    table = hazards.groupby(tenth, observed=True).agg(
        n=("left", "size"), left=("left", "mean"), hazard=("hazard", "mean")
    )
    error = np.sqrt(table["hazard"] * (1 - table["hazard"]) / table["n"])
    assert (abs(table["left"] - table["hazard"]) < 4 * error).all()
    assert 0.008 < hazards["left"].mean() < 0.016
    assert not hazards.groupby("customer_id")["left"].sum().gt(len(companies)).any()


def by_month(frame: pd.DataFrame, date: str) -> pd.Series:
    return frame.groupby(["customer_id", frame[date].dt.to_period("M")]).size()


def test_late_share_is_in_the_ledger(company, ledger):
    orders = ledger[ledger["amount"] > 0].drop_duplicates("order_id").dropna(subset=["delivered_date"])
    late = orders[orders["delivered_date"] > orders["promised_date"]]
    delivered_in, late_in = by_month(orders, "delivered_date"), by_month(late, "delivered_date")
    sample = company.truth.hazards.sample(400, random_state=1)
    for row in sample.itertuples():
        months = [row.month.to_period("M") - k for k in (1, 2, 3)]
        n = sum(delivered_in.get((row.customer_id, m), 0) for m in months)
        n_late = sum(late_in.get((row.customer_id, m), 0) for m in months)
        assert row.late_share == (n_late / n if n else 0.0)


def test_complaints_are_in_the_events(company):
    complaints = by_month(company.events.query("kind == 'complaint'"), "date")
    counted = company.truth.hazards.sample(400, random_state=2)
    for row in counted.itertuples():
        months = [row.month.to_period("M") - k for k in (1, 2, 3)]
        assert row.n_complaints == sum(complaints.get((row.customer_id, m), 0) for m in months)


def test_handovers_are_in_the_events(company):
    handed = company.events.query("kind == 'handover'").set_index("customer_id")["date"].dt.to_period("M")
    size = company.truth.traps.query("trap == 'manager_handover'").set_index("customer_id")["size"]
    hazards = company.truth.hazards
    since = [
        (row.month.to_period("M") - handed[row.customer_id]).n if row.customer_id in handed else -1
        for row in hazards[["month", "customer_id"]].itertuples()
    ]
    expected = hazards["customer_id"].map(size).where(pd.Series(since).between(1, 6), 0.0)
    np.testing.assert_array_equal(hazards["handover"], expected)
    assert (expected > 0).sum() > 500


def test_nothing_is_ordered_after_leaving(company, ledger):
    orders = ledger[ledger["amount"] > 0]
    last = orders.groupby("customer_id")["order_date"].max()
    left = company.truth.accounts.set_index("customer_id")["left"].dropna()
    assert (last[left.index] < left).all()
    assert 300 < len(left) < 550
    lost = company.events.query("kind == 'lost'").set_index("customer_id")["date"]
    assert lost.index.is_unique and set(lost.index) <= set(left.index)
    assert (lost > left[lost.index]).all()
    assert 0.4 < len(lost) / len(left) < 0.7


def test_satisfaction_has_two_thresholds(companies):
    hazards = pd.concat(
        [company.truth.hazards.merge(company.truth.accounts[["customer_id", "satisfaction"]]) for company in companies]
    )
    level = pd.cut(hazards["satisfaction"], [0.9, 2.5, 3.2, 3.9, 4.5, 5.1], right=False)
    rate = hazards.groupby(level, observed=True)["left"].mean().to_numpy()
    below, flat, above = rate[0], rate[1:4], rate[4]
    assert below > 2 * flat.mean() and above < 0.7 * flat.mean()
    assert flat.max() < 1.5 * flat.min()


def test_lost_accounts_were_often_satisfied(companies):
    shares = []
    for company in companies:
        left = company.truth.accounts.set_index("customer_id")["left"].notna()
        satisfied = company.survey.groupby("customer_id")["overall"].mean() >= 3.5
        shares.append(satisfied[left.reindex(satisfied.index)].mean())
    assert 0.3 < np.mean(shares) < 0.85
