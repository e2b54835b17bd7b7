"""Notebook 60 with a run before it, without one, with rules of one's own and on awkward data."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import kam
from kam import identify
from kam.ledger import summarize_customers
from kam.programme import ACTION_RULES
from kam.results import save_results
from tests.programme.account_by_hand import sample_results
from tests.sample_company import open_sample

NOTEBOOK = "60_programme_overview.ipynb"


@pytest.fixture(scope="module")
def run_before(tmp_path_factory):
    """The folder of a run in which notebook 10 left some of its results, and the others did not run."""
    data = open_sample()
    done = ("abc_xyz", "sales_quality", "tier_migration", "key_accounts", "plan")
    results = [sample_results()[key] for key in done]
    risks = identify.risks(data.ledger, accounts=data.accounts, context=data.context)
    staff = identify.staffing(
        data.accounts,
        sample_results()["key_accounts"].key_accounts(),
        summary=summarize_customers(data.ledger),
        context=data.context,
    )
    folder = tmp_path_factory.mktemp("run")
    save_results(*results, risks, staff, to=folder / "10_customer_identification")
    return folder


@pytest.fixture(scope="module")
def page(execute, run_before):
    return execute(run_dir=str(run_before))


def test_every_cell_completes_silently_and_what_is_missing_is_a_line(page):
    page.check(n_figures=2)
    assert list(page.results) == ["account_files", "action_list", "overview"]
    for missing in ("20_churn_regression", "40_satisfaction_survey"):
        assert f"it takes a run of notebook {missing} before this one." in page.html


def test_the_list_and_its_reasons_are_those_of_plain_pandas(page, run_before, sample_lines):
    """Revenue, the days since the last order and the usual gap, by hand from the order lines."""
    overview, actions = page.results["overview"], page.results["action_list"].actions
    key = kam.load_results(run_before)["key_accounts"].accounts.query("is_key_account")
    assert overview.accounts["customer_id"].tolist() == key["customer_id"].tolist()
    lines = sample_lines.drop_duplicates()
    revenue = lines.groupby("customer_id")["amount"].sum()
    by_id = overview.accounts.set_index("customer_id")["revenue"]
    assert by_id.to_dict() == pytest.approx(revenue[by_id.index].to_dict())
    days = lines[lines["amount"] > 0].groupby("customer_id")["order_date"].agg(lambda day: day.dt.normalize().nunique())
    spans = lines[lines["amount"] > 0].groupby("customer_id")["order_date"].agg(["min", "max"])
    silent = (pd.Timestamp("2025-12-31") - spans["max"].dt.normalize()).dt.days
    gap = (spans["max"].dt.normalize() - spans["min"].dt.normalize()).dt.days / (days - 1)
    called = actions.loc[actions["rule"] == "silent", "customer_id"]
    assert len(called) > 5
    assert (silent[called] >= 30).all() and ((silent / gap)[called] >= 2.8).all(), (
        "orders without a cancellation differ"
    )
    files = page.results["account_files"].accounts["customer_id"]
    surely = files[(silent[files] >= 30).to_numpy() & ((silent / gap)[files] >= 3.2).to_numpy()]
    assert set(surely) <= set(called)
    for customer_id, reason in actions.loc[actions["rule"] == "silent", ["customer_id", "reason"]].to_numpy():
        assert f"last order {silent[customer_id]:,} days ago" in reason


def test_targets_and_complaints_are_those_of_the_files(page):
    """From the files of the sample as pandas reads them."""
    data = open_sample()
    actions = page.results["action_list"].actions
    complaints = data.events.query("kind == 'complaint'")
    age = (pd.Timestamp("2025-12-31") - pd.to_datetime(complaints["date"])).dt.days
    counted = complaints[age.between(0, 180)].groupby("customer_id").size()
    listed = actions[actions["rule"] == "complaints"].set_index("customer_id")["reason"]
    assert len(listed) > 3
    assert listed.to_dict() == {one: f"complaints in the last 180 days: {counted[one]}" for one in listed.index}
    files = page.results["account_files"].accounts["customer_id"]
    twice = set(counted.index[counted >= 2]) & set(files)
    assert set(listed.index) == twice
    nobody = data.accounts.loc[data.accounts["manager"].isna(), "customer_id"]
    keys = page.results["overview"].accounts["customer_id"]
    assert set(actions.loc[actions["rule"] == "no manager", "customer_id"]) == set(nobody) & set(keys)


def test_rules_of_ones_own_and_a_shared_page(execute, tmp_path):
    table = ACTION_RULES[ACTION_RULES["rule"].isin(["silent", "complaints"])].assign(priority=2)
    table.to_csv(tmp_path / "rules.csv", index=False)
    page = execute(rules=str(tmp_path / "rules.csv"), audience="shared", most=1)
    page.check(n_figures=0)
    actions = page.results["action_list"].actions
    assert set(actions["rule"]) <= {"silent", "complaints"} and actions["customer_id"].is_unique
    names = open_sample().accounts["manager"].dropna().unique()
    assert len(names) > 20 and not [name for name in names if name in page.html]
    assert page.results["account_files"].contacts.empty


def test_a_small_ledger_with_hostile_names_and_nothing_but_what_is_required(execute, hostile_names, write_dataset):
    rng = np.random.default_rng(3)
    days = pd.date_range("2023-01-02", "2024-12-30", freq="14D")
    rows = [
        (name, day, round(float(rng.gamma(2, 100)), 2)) for name in hostile_names for day in days[: rng.integers(9, 50)]
    ]
    orders = pd.DataFrame(rows, columns=["customer_id", "order_date", "amount"])
    dataset = write_dataset(orders)
    own = [("all", "n_orders", ">=", 1, "Greet {name}", "orders: {n_orders}", 1)]
    table = pd.DataFrame(own, columns=["rule", "field", "operator", "limit", "action", "reason", "priority"])
    table.to_csv(Path(dataset).parent / "rules.csv", index=False)
    page = execute(dataset=dataset, rules="rules.csv")
    page.check(n_figures=0)
    assert set(page.results["action_list"].actions["rule"]) == {"all"}
    assert "<script>" not in page.html
    assert "it takes a run of notebook 10_customer_identification before this one." in page.html
