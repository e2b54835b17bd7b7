from datetime import date
from functools import cache
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from kam.dataset.schema import Assumptions
from kam.errors import DataError, ModelError, ParameterError
from kam.identify.key_accounts import identify_key_accounts
from kam.ledger import open_ledger
from kam.results import Context, NotPossible

MONTHS = pd.date_range("2022-01-01", periods=24, freq="MS")


def orders(customer, days, amount, cost=0.6):
    return pd.DataFrame(
        {
            "customer_id": customer,
            "order_date": pd.to_datetime(days),
            "amount": amount,
            "cost": cost * np.asarray(amount),
        }
    )


def portfolio():
    """A hundred small monthly buyers and a few large ones, each large in its own way."""
    return _portfolio().copy()


@cache
def _portfolio():
    early, late = MONTHS, MONTHS[:12]
    parts = [
        orders("monthly", early + pd.Timedelta(days=5), 2000.0),
        orders("weekly", pd.date_range("2022-01-03", "2023-12-28", freq="7D"), 400.0),
        orders("quarterly", early[::3] + pd.Timedelta(days=2), 4000.0),
        orders("one order", ["2023-03-01"], 30000.0),
        orders("gone", late + pd.Timedelta(days=8), 2500.0),
        orders("no margin", early + pd.Timedelta(days=9), 1500.0, cost=1.02),
        orders("returner", early + pd.Timedelta(days=12), 1400.0),
        orders("returner", early[:12] + pd.Timedelta(days=20), -300.0),
    ]
    parts += [orders(f"small {i}", early + pd.Timedelta(days=i % 28), 20.0) for i in range(100)]
    return pd.concat(parts, ignore_index=True)


@cache
def plain():
    """The ledger of the portfolio; opened once, so do not change it."""
    return open_ledger(portfolio(), as_of=date(2023, 12, 31), currency="EUR")


def dataset(lines=None, accounts=None, overrides=None):
    ledger = plain() if lines is None else open_ledger(lines, as_of=date(2023, 12, 31), currency="EUR")
    context, file = Context(currency="EUR", dataset="d"), SimpleNamespace(as_of=date(2023, 12, 31))
    return SimpleNamespace(
        ledger=ledger, accounts=accounts, context=context, file=file, criteria=(), overrides=overrides,
        assumptions=Assumptions(),
    )  # fmt: skip


def listed(data, **options):
    """The list without scorecard and flags, which have tests of their own and take long."""
    left_out = {"flags": (), "scorecard": NotPossible("score_accounts", ModelError("left out"))}
    return identify_key_accounts(data, **(left_out | options))


@pytest.fixture(scope="module")
def result():
    names = pd.DataFrame({"customer_id": ["monthly", "gone"], "name": ["한빛포장 유통", "<script>alert(1)</script>"]})
    return identify_key_accounts(dataset(accounts=names))


def by_customer(result):
    return result.accounts.set_index("customer_id")


def test_each_large_account_is_judged_on_every_criterion(result):
    accounts = by_customer(result)
    assert set(accounts.index[accounts["is_key_account"]]) == {"monthly", "weekly", "quarterly", "returner"}
    assert "bought on one day only" in accounts.at["one order", "why"]
    assert "silent for 387 days" in accounts.at["gone", "why"]
    assert "profit is -€720.00" in accounts.at["no margin", "why"]
    assert accounts.at["monthly", "why"].startswith("orders every 31 days; class A again: ")


def test_key_accounts_come_first_and_ranks_are_by_value(result):
    accounts = result.accounts
    assert accounts["is_key_account"].is_monotonic_decreasing
    for _, part in accounts.groupby("is_key_account"):
        assert part["rank"].is_monotonic_increasing
    lines = portfolio()
    expected = lines.groupby("customer_id")["amount"].sum().rank(ascending=False, method="first")
    assert (accounts.set_index("customer_id")["rank"] == expected[accounts["customer_id"]].to_numpy()).all()


def test_criteria_narrow_down(result):
    criteria = result.criteria.set_index("criterion")
    assert criteria.index.tolist() == ["large", "surely_large", "steady", "still_buying", "profitable"]
    assert criteria["n_all_so_far"].is_monotonic_decreasing
    assert criteria.at["profitable", "n_all_so_far"] == result.n_key_accounts == 4
    assert criteria.at["large", "n_customers"] == len(result.accounts)


def test_answer_names_the_large_ones_that_are_none(result):
    answer = result.answer()
    assert answer.startswith(
        "4 of 107 accounts are key accounts: surely large (80% or more), steady, still buying and profitable."
    )
    assert "(profit is -€720.00)" in answer and "and 1 more" in answer and "€" in answer
    held = portfolio().groupby("customer_id")["amount"].sum()
    assert result.share_key_accounts == pytest.approx(
        held[["monthly", "weekly", "quarterly", "returner"]].sum() / held.sum()
    )


def test_warnings_name_what_to_look_at(result):
    accounts = by_customer(result)
    assert accounts.at["returner", "warning"].startswith("returns 10.7%")  # 3,600 of 33,600, the portfolio far below
    assert "100% of revenue in one month" in accounts.at["one order", "warning"]
    assert "of our margin of the last twelve months" in accounts.at["weekly", "warning"]  # a risk: dependence


def test_a_shrinking_and_a_silent_account_are_warned_about():
    lines = pd.concat(
        [
            portfolio(),
            orders("shrinking", MONTHS + pd.Timedelta(days=3), [2000.0] * 12 + [1000.0] * 12),
            orders("silent", pd.date_range("2022-01-05", "2023-09-20", freq="14D"), 700.0),
        ]
    )
    accounts = by_customer(listed(dataset(lines)))
    assert "last 12 months -50%" in accounts.at["shrinking", "warning"]
    assert "silent 109 days, usually 14" in accounts.at["silent", "warning"]
    assert accounts.at["silent", "is_key_account"]


def test_names_come_from_the_account_file_and_stay_text(result):
    accounts = by_customer(result)
    assert accounts.at["monthly", "name"] == "한빛포장 유통"
    assert accounts.at["weekly", "name"] == "weekly"
    assert accounts.at["gone", "name"] == "<script>alert(1)</script>"
    assert result.checks[2].verdict == "handled"


def test_without_cost_profit_is_no_criterion_and_a_check_says_so():
    result = listed(dataset(portfolio().drop(columns="cost")))
    assert "profitable" not in set(result.criteria["criterion"])
    assert "profit" not in result.accounts
    assert by_customer(result).at["no margin", "is_key_account"]
    assert result.checks[1].verdict == "does not hold"
    assert "and profitable" not in result.answer()


def test_a_higher_bar_lets_fewer_in():
    data = dataset()
    strict = listed(data, min_active_share=1.0, max_gap_cv=0.001)
    assert set(strict.key_accounts()["customer_id"]) < {"monthly", "weekly", "quarterly", "returner"}


def test_nobody_is_a_key_account():
    result = listed(dataset(orders("only", ["2023-12-01"], 10.0)))
    assert result.n_key_accounts == 0
    assert "No account is a key account: the only one does not meet every criterion." in result.answer()


@pytest.mark.parametrize("parameter", [{"min_certainty": 80}, {"max_gap_cv": 0}, {"min_active_share": 2}])
def test_thresholds_out_of_range_are_named(parameter):
    with pytest.raises(ParameterError, match=next(iter(parameter))):
        listed(dataset(), **parameter)


def test_the_answer_names_what_accounts_are_ranked_by():
    from kam.identify import classify_abc_xyz
    from kam.ledger import activity_panel, summarize_customers

    data = dataset()
    summary, panel = summarize_customers(data.ledger), activity_panel(data.ledger, freq="month")
    classes = classify_abc_xyz(summary, panel, value="margin", n_resamples=50, context=data.context)
    result = listed(data, classes=classes)
    assert "of positive margin (€" in result.answer()
    assert "no margin" not in set(result.accounts["customer_id"])  # large by revenue, not by margin


def test_orders_of_one_day_are_one_purchase_whatever_their_number():
    day = orders("one day", ["2023-11-20"] * 4, 5000.0).assign(order_id=list("abcd"))
    lines = pd.concat([portfolio().assign(order_id=None), day])
    lines["order_id"] = lines["order_id"].fillna("").where(lines["order_id"].notna(), lines.index.astype(str))
    account = by_customer(listed(dataset(lines))).loc["one day"]
    assert account["n_orders"] == 4 and not account["is_key_account"]
    assert "bought on one day only" in account["why"]


def test_months_are_counted_from_that_of_the_first_order_to_the_last_complete_one():
    days = ["2023-08-31", "2023-10-01", "2023-10-02", "2023-10-03", "2023-11-27", "2023-11-28"]
    lines = pd.concat([portfolio(), orders("half", days, 9000.0)])  # 3 of the 5 months from August to December
    account = by_customer(listed(dataset(lines), min_active_share=0.7)).loc["half"]
    assert not account["is_key_account"]
    assert "ordered in 60.0% of its months, at random gaps" in account["why"]
    assert by_customer(listed(dataset(lines), min_active_share=0.6)).at["half", "is_key_account"]


def test_a_margin_of_credit_notes_only_is_named():
    from kam.identify import classify_abc_xyz
    from kam.ledger import activity_panel, summarize_customers

    notes = orders("credit", MONTHS[-6:] + pd.Timedelta(days=3), -100.0)
    notes["cost"] = -5000.0
    data = dataset(pd.concat([portfolio(), notes]))
    summary, panel = summarize_customers(data.ledger), activity_panel(data.ledger, freq="month")
    classes = classify_abc_xyz(summary, panel, value="margin", n_resamples=20, context=data.context)
    accounts = by_customer(listed(data, classes=classes))
    assert accounts.at["credit", "why"] == "no order, credit notes only"


def test_an_unknown_cost_is_no_profit():
    lines = portfolio()
    lines.loc[lines["customer_id"] == "monthly", "cost"] = np.nan
    account = by_customer(listed(dataset(lines))).loc["monthly"]
    assert account["profit"] == 0 and not account["is_key_account"]


def test_classes_of_another_ledger_are_refused():
    from kam.identify import classify_abc_xyz
    from kam.ledger import activity_panel, summarize_customers

    other = dataset(portfolio().query("customer_id != 'gone'"))
    classes = classify_abc_xyz(
        summarize_customers(other.ledger), activity_panel(other.ledger, freq="month"), n_resamples=20
    )
    with pytest.raises(DataError, match="not of this ledger"):
        listed(dataset(), classes=classes)


def test_a_tier_set_by_hand_goes_before_the_criteria():
    overrides = pd.DataFrame({
        "customer_id": ["gone", "monthly", "weekly"], "tier": ["A", "B", "A"], "reason": ["reference", "merged", "board"],
        "set_on": pd.to_datetime(["2023-06-01"] * 3), "set_by": ["Ms. Li", None, None],
        "until": pd.to_datetime([None, None, "2023-07-01"]),
    })  # fmt: skip
    result = listed(dataset(overrides=overrides))
    accounts = by_customer(result)
    assert accounts["is_key_account"][["gone", "monthly", "weekly"]].tolist() == [True, False, True]
    assert accounts.at["gone", "why"].startswith("tier A set by hand: reference (Ms. Li); silent for 387 days")
    assert accounts.at["monthly", "why"].startswith("tier B set by hand: merged; orders every")
    assert "set by hand" not in accounts.at["weekly", "why"]  # no longer in force
    assert (result.n_by_hand, result.n_key_accounts) == (1, 4)
    assert (
        "3 are surely large (80% or more), steady, still buying and profitable, and one more was set by hand"
        in result.answer()
    )
    assert "monthly (merged)" in result.answer()
    assert result._key_figures()[2].value == str(len(result.others()))


def test_a_small_account_set_by_hand_is_not_called_sure_of_class_a():
    rows = [("small 3", "A")] + [(name, "B") for name in ("monthly", "weekly", "quarterly", "returner")]
    overrides = pd.DataFrame(rows, columns=["customer_id", "tier"]).assign(
        reason="board", set_on=pd.Timestamp("2023-06-01"), set_by=None, until=pd.NaT
    )
    result = listed(dataset(portfolio(), overrides=overrides))
    assert by_customer(result).at["small 3", "why"] == "tier A set by hand: board; class B by value"
    assert (result.n_key_accounts, result.n_by_hand, result.n_removed) == (1, 1, 4)
    assert result.answer().startswith("One of 107 accounts is a key account: set by hand.")
    none = listed(dataset(portfolio(), overrides=overrides.tail(4)))
    assert (
        none.answer() == "None of 107 accounts is a key account: 4 meet every criterion, but have another tier by hand."
    )


def test_the_answer_names_those_that_are_silent():
    lines = pd.concat([portfolio(), orders("silent", pd.date_range("2022-01-05", "2023-09-20", freq="14D"), 700.0)])
    answer = listed(dataset(lines)).answer()
    assert "One of them has been silent for more than three times its rhythm (€32K)." in answer


def test_costs_beyond_the_goods_keep_an_account_off_the_list():
    names = pd.DataFrame({"customer_id": ["monthly", "weekly"], "service_cost": [9_800.0, 10.0]})
    accounts = by_customer(listed(dataset(accounts=names)))
    assert accounts.at["monthly", "profit"] < 0 and not accounts.at["monthly", "is_key_account"]
    assert "profit is -€" in accounts.at["monthly", "why"]
    assert accounts.at["weekly", "is_key_account"]


def test_a_year_at_a_loss_keeps_an_account_off_the_list():
    lines = portfolio()
    late = (lines["customer_id"] == "monthly") & (lines["order_date"] >= "2023-01-01")
    lines.loc[late, "cost"] = 1.05 * lines.loc[late, "amount"]
    accounts = by_customer(listed(dataset(lines)))
    assert accounts.at["monthly", "profit"] > 0 and not accounts.at["monthly", "is_key_account"]
    assert accounts.at["monthly", "why"] == "margin of the last 12 months is -€1,200"


def test_what_others_flag_is_a_warning():
    flags = pd.DataFrame({"customer_id": ["weekly"] * 3, "flag": ["own brand", "no sponsor", "overdue balance"],
                          "finding": ["tape dropped", "no sponsor is named", "half overdue"]})  # fmt: skip
    raised = SimpleNamespace(flags=flags)
    accounts = by_customer(listed(dataset(), flags=[raised]))
    assert accounts.at["weekly", "warning"] == "tape dropped; half overdue"


def test_a_short_history_is_said_and_the_list_stands():
    result = identify_key_accounts(dataset(portfolio().query("order_date < '2022-03-01'")))
    check = result.checks[-1]
    assert check.assumption.startswith("tiers, the scorecard and flags")
    assert (check.verdict == "does not hold") == (check.finding != "all of them")
    assert (result.accounts["tier"] == result.accounts["abc_class"]).all() or check.verdict == "holds"


def test_a_ledger_that_cannot_be_trusted_is_said_first():
    total = orders("Total", ["2023-12-28"], portfolio()["amount"].sum())
    result = listed(dataset(pd.concat([portfolio(), total])))
    assert result.answer().startswith("Not to be trusted: A row of totals seems to be taken for a customer: 'Total'.")
    assert result.checks[0].verdict == "does not hold"
