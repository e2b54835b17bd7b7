import numpy as np
import pandas as pd
import pytest

from kam.errors import DataError, EmptyDataError, MissingColumnError, ParameterError, UndefinedMeasureError
from kam.identify.dependence import assess_dependence
from kam.results import Context


@pytest.fixture
def values():
    """Ten accounts: a has half of the revenue and loses money, b earns most; j is below zero."""
    return pd.DataFrame(
        {
            "customer_id": list("abcdefghij"),
            "revenue": [100.0, 40.0, 10.0, 10.0, 10.0, 10.0, 8.0, 6.0, 6.0, -20.0],
            "profit": [-30.0, 60.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0],
        }
    )


def test_by_hand(values):
    result = assess_dependence(values, context=Context(currency="EUR"))
    table = result.accounts.set_index("customer_id")
    assert table.loc[["a", "b", "c"], "share_revenue"].tolist() == [0.5, 0.2, 0.05]
    assert table.loc[["a", "b", "c"], "share_profit"].tolist() == [0, 0.6, 0.05]
    assert (table.at["a", "revenue_left"], table.at["a", "profit_left"]) == (80, 100)
    assert table.index[table["is_breadwinner_revenue"]].tolist() == ["a", "b"]
    assert table.index[table["is_breadwinner_profit"]].tolist() == ["b"]
    assert (result.n_breadwinners_revenue, result.n_breadwinners_profit, result.revenue, result.profit) == (
        2,
        1,
        200,
        100,
    )
    assert result.answer() == (
        "2 of 10 accounts bring 10% or more of revenue or contribution. "
        "The largest, a, brings 50.0% of revenue (€100.00), counted over the time of the ledger."
    )
    assert result.groups.empty and not result.has_groups


def test_a_lower_bar_makes_more_breadwinners(values):
    assert len(assess_dependence(values, breadwinner=0.05).breadwinners()) == 10  # 5 of 100 are a twentieth
    assert assess_dependence(values, breadwinner=0.7).breadwinners().empty
    assert assess_dependence(values, breadwinner=0.7).answer().startswith("None of 10 accounts brings 70% or more")


def test_a_small_breadwinner_by_contribution_is_listed_though_not_large():
    values = pd.DataFrame(
        {"customer_id": [f"{i:03d}" for i in range(100)], "revenue": np.arange(100.0, 0, -1), "profit": 1.0}
    )
    values.loc[99, "profit"] = 50.0
    result = assess_dependence(values)
    assert len(result.accounts) == 21 and result.accounts["rank"].iloc[-1] == 100
    assert result.breadwinners()["customer_id"].tolist() == ["099"]


def test_groups_add_up_to_their_head(values):
    accounts = pd.DataFrame({"customer_id": ["c", "a"], "name": ["Cee Holding", "Aye"]})
    result = assess_dependence(values, accounts=accounts, parents={"d": "c", "e": "d", "f": "x", "g": "x"})
    table = result.groups.set_index("group_id")
    assert table.loc["c", ["n_customers", "revenue", "share_revenue", "name"]].tolist() == [3, 30, 0.15, "Cee Holding"]
    assert table.loc["x", ["n_customers", "revenue"]].tolist() == [2, 18]
    assert table.loc["c", ["profit", "share_profit", "profit_left"]].tolist() == [15, 0.15, 55]
    assert (
        table.at["c", "is_breadwinner_revenue"]
        and not result.accounts.set_index("customer_id").at["c", "is_breadwinner_revenue"]
    )
    assert result.n_groups == 7
    assert result.checks[2].finding.startswith("5 accounts share a group")
    assert "By group of companies, Aye brings most" in result.answer()


def test_key_accounts_and_what_is_usual(values):
    with_loss = assess_dependence(values, key_accounts=["b", "c", "j"])
    assert with_loss.share_key_revenue == 0.25  # j, below zero, counts as 0
    result = assess_dependence(values, key_accounts=["b", "c"])
    assert (result.n_key_accounts, result.share_key_revenue, result.share_key_profit) == (
        2,
        0.25,  # 50 of the 200 above zero, as in the list of key accounts: not of the net 180
        0.65,
    )
    assert result.checks[-1].verdict == "does not hold"
    assert assess_dependence(values, key_accounts=["b", "c", "d"]).checks[-1].verdict == "holds"
    assert "The 2 key accounts bring 25.0% of revenue." in result.answer()
    assert len(result.answer().key_figures) == 4


def test_by_revenue_alone(values):
    result = assess_dependence(values.drop(columns="profit"))
    assert not result.has_profit and "profit" not in result.accounts
    assert result.checks[1].verdict == "not testable"
    assert "bring 10% or more of revenue." in result.answer()


def test_nobody_earns(values):
    result = assess_dependence(values.assign(profit=-1.0))
    assert result.accounts["share_profit"].isna().all() and result.n_breadwinners_profit == 0
    assert result.checks[1].verdict == "does not hold" and result.share_key_profit is None


def test_bad_input_is_named(values):
    with pytest.raises(ParameterError, match="breadwinner"):
        assess_dependence(values, breadwinner=10)
    with pytest.raises(MissingColumnError, match="revenue"):
        assess_dependence(values[["customer_id"]])
    with pytest.raises(EmptyDataError, match="no account"):
        assess_dependence(values.head(0))
    with pytest.raises(DataError, match=r"stands twice.*\['a'\]"):
        assess_dependence(pd.concat([values, values.head(1)]))
    with pytest.raises(DataError, match=r"not finite.*\['b'\]"):
        assess_dependence(values.assign(profit=values["profit"].mask(values["customer_id"] == "b")))
    with pytest.raises(UndefinedMeasureError, match="No revenue"):
        assess_dependence(values.assign(revenue=-1.0))
    with pytest.raises(DataError, match=r"not among the accounts.*\['zz'\]"):
        assess_dependence(values, key_accounts=["zz"])
    with pytest.raises(ParameterError, match="key_accounts is the text 'bc'"):
        assess_dependence(values, key_accounts="bc")


@pytest.mark.parametrize("circle", [{"a": "b", "b": "a"}, {"a": "b", "b": "c", "c": "d", "d": "b"}])
def test_parents_in_a_circle_are_named(values, circle):
    with pytest.raises(DataError, match="circle"):
        assess_dependence(values, parents=circle)
