"""What is known of each account: by hand, against the frames it comes from, and without what the data do not hold."""

import numpy as np
import pandas as pd
import pytest

from kam.errors import ColumnTypeError, DataError, MissingColumnError
from kam.identify import account_facts


@pytest.fixture
def summary():
    days = pd.to_datetime(["2022-01-01", "2023-07-01"])
    return pd.DataFrame({
        "customer_id": ["a", "b"], "revenue": [2400.0, 600.0], "margin": [240.0, -60.0], "n_orders": [48, 6],
        "first_order": days, "tenure_days": [1461.0, 183.0], "gap_cv": [0.2, np.nan],
        "days_since_last_order": [10.0, 100.0], "median_gap_days": [30.0, 25.0],
    })  # fmt: skip


@pytest.fixture
def panel():
    months = pd.date_range("2022-01-01", periods=24, freq="MS")
    of_a = pd.DataFrame({"customer_id": "a", "period": months, "revenue": [50.0] * 12 + [75.0] * 12})
    return pd.concat([of_a, pd.DataFrame({"customer_id": "b", "period": months[-3:], "revenue": 200.0})])


def test_by_hand(summary, panel):
    facts = account_facts(summary, panel).set_index("customer_id")
    assert facts["revenue_year"].tolist() == [900.0, 600.0]
    assert facts["growth"]["a"] == pytest.approx(0.5) and np.isnan(facts["growth"]["b"])
    assert facts["orders_per_year"].tolist() == [12.0, 6.0]  # the first year counts whole
    assert facts["share_margin"].tolist() == [0.1, -0.1]
    assert facts["share_profit"].tolist() == [1.0, -0.25]
    assert facts["n_silent_gaps"].tolist() == [pytest.approx(1 / 3), 4.0]
    assert "potential" not in facts and "n_competitors" not in facts


def test_account_file(summary, panel):
    accounts = pd.DataFrame({
        "customer_id": ["b", "stranger"], "since": pd.to_datetime(["2013-12-31", None]), "potential": [1200.0, 5.0],
        "competitors": ["Packwell; Wrapio", None], "reputation": [4.0, 5.0],
    })  # fmt: skip
    facts = account_facts(summary, panel, accounts=accounts, judged=("reputation",)).set_index("customer_id")
    assert list(facts.index) == ["a", "b"]  # who never bought is no customer
    assert facts["share_wallet"]["b"] == pytest.approx(0.5) and np.isnan(facts["share_wallet"]["a"])
    assert facts["n_competitors"]["b"] == 2 and np.isnan(facts["n_competitors"]["a"])
    assert facts["reputation"]["b"] == 4 and np.isnan(facts["reputation"]["a"])
    assert facts["tenure_years"]["b"] == pytest.approx(10, abs=0.02) and facts["tenure_years"]["a"] == pytest.approx(4)
    none = account_facts(summary, panel, accounts=accounts.assign(competitors=["", None]))
    assert none["n_competitors"][1] == 0


def test_profit_may_be_given(summary, panel):
    profit = pd.Series({"a": 120.0, "b": 60.0})
    assert account_facts(summary, panel, profit=profit)["share_margin"].tolist() == [0.05, 0.1]
    with pytest.raises(DataError, match=r"not known of every customer.*\['b'\]"):
        account_facts(summary, panel, profit=profit.drop("b"))
    bare = summary.drop(columns="margin")
    assert "share_margin" not in account_facts(bare, panel)


def test_one_year_has_no_growth(summary, panel):
    late = panel[panel["period"] >= "2023-01-01"]
    assert "growth" not in account_facts(summary, late)
    assert account_facts(summary, panel.iloc[:0])["revenue_year"].tolist() == [0.0, 0.0]


def test_bad_input(summary, panel):
    with pytest.raises(MissingColumnError, match=r"no column .gap_cv.*summary"):
        account_facts(summary.drop(columns="gap_cv"), panel)
    with pytest.raises(MissingColumnError, match=r"no column .period.*panel"):
        account_facts(summary, panel.drop(columns="period"))


@pytest.mark.parametrize("column", ["potential", "overdue", "reputation"])
def test_numbers_of_the_account_file_that_are_texts_are_named(summary, panel, column):
    accounts = pd.DataFrame({"customer_id": ["a", "b"], column: ["4", "5"]})
    with pytest.raises(ColumnTypeError, match=rf"'{column}' holds no numbers.*account file"):
        account_facts(summary, panel, accounts=accounts, judged=("reputation",))
