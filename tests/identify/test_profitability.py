from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kam
from kam.errors import ColumnTypeError, DataError, EmptyDataError, MissingColumnError, ParameterError
from kam.identify.concentration import concentration
from kam.identify.dependence import assess_dependence
from kam.identify.profit_quadrants import HIGH_HIGH, HIGH_LOW, LOW_HIGH, LOW_LOW, NO_REVENUE, NOT_KNOWN
from kam.identify.profitability import profitability
from kam.results import Context
from kam.samples import simulate_company

PIECES = ["cost", "freight", "trade_terms", "service_cost", "credit_cost"]


@pytest.fixture
def summary():
    """Four accounts: two good ones, a large one that loses, and one with a credit note only."""
    return pd.DataFrame(
        {
            "customer_id": ["a", "b", "c", "d"],
            "revenue": [1000.0, 400.0, 2000.0, -10.0],
            "cost": [600.0, 200.0, 1990.0, -8.0],
            "freight": [20.0, 10.0, 100.0, 0.0],
            "trade_terms": [30.0, 0.0, 40.0, 0.0],
            "tenure_days": [730.0, 365.0, 1095.0, np.nan],
            "days_since_last_order": [0.0, 365.0, 0.0, np.nan],
        }
    )


@pytest.fixture
def accounts():
    return pd.DataFrame(
        {
            "customer_id": ["c", "b", "a", "prospect"],
            "name": ["Cee", "Bee", None, "Nobody yet"],
            "service_cost": [50.0, 40.0, 10.0, 1e6],
            "receivable": [300.0, np.nan, 100.0, 1e6],
            "payment_days": [60.0, 73.0, 30.0, 30.0],
        }
    )


@pytest.fixture
def found(summary, accounts):
    return profitability(summary, accounts, credit_rate=0.1, context=Context(currency="EUR"))


def _of(result, customer):
    return result.accounts.set_index("customer_id").loc[customer]


def test_an_account_by_hand(found):
    """a: 1,000 − 600 − 20 − 30 − 10 a year × 2 years − 100 × 10 % × 2 years."""
    a = _of(found, "a")
    assert a[PIECES].tolist() == [600, 20, 30, 20, 20]
    assert (a["profit"], a["cost_to_serve"], a["share_cost_to_serve"]) == (310, 90, 0.09)
    assert (a["name"], _of(found, "c")["name"]) == ("a", "Cee")


def test_credit_from_payment_days_where_there_is_no_balance(found):
    """b: 400 a year at 73 of 365 days is a balance of 80; at 10 % that is 8."""
    assert _of(found, "b")["credit_cost"] == pytest.approx(8)
    balance = next(check for check in found.checks if "balances" in check.assumption)
    assert "of one account the balance is taken from its payment days" in balance.finding
    assert balance.statistic == pytest.approx((300 + 100) / (2000 * 60 / 1095 + 1000 * 30 / 730))


def test_years_take_the_place_of_each_account_s_own_days(summary, accounts):
    result = profitability(summary, accounts, credit_rate=0.1, years=1)
    assert _of(result, "a")[PIECES].tolist() == [600, 20, 30, 10, 10]
    assert _of(result, "b")["credit_cost"] == pytest.approx(8)  # payment days need no time
    assert any("1.0 years for every account" in one.value for one in result.assumed)


def test_missing_costs_are_shown_and_counted_as_nothing_in_the_open(found):
    d = _of(found, "d")
    assert d[["service_cost", "credit_cost", "cost_to_serve", "share_cost_to_serve"]].isna().all()
    assert (d["profit"], d["not_known"], d["quadrant"]) == (-2, "service and credit", NO_REVENUE)
    assert (found.accounts["not_known"] != "").sum() == 1
    checks = {check.assumption: check for check in found.checks}
    assert checks["the cost of service is known of every account"].finding.startswith("not of one, with 0.0%")
    assert "one of 4 is not; it is kept; one row of the file has no line" in "".join(c.finding for c in found.checks)


def test_a_missing_service_cost_that_would_change_who_loses_does_not_hold():
    summary = pd.DataFrame(
        {"customer_id": ["a", "b"], "revenue": [100.0, 100.0], "cost": [50.0, 95.0], "tenure_days": 365.0}
    )
    accounts = pd.DataFrame({"customer_id": ["a", "b"], "service_cost": [10.0, None]})
    result = profitability(summary, accounts)
    check = next(c for c in result.checks if c.assumption.startswith("the cost of service"))
    assert (result.n_losing, check.verdict, check.statistic) == (0, "does not hold", 0.5)
    assert "at the 10.0% of revenue of the others, 1 more would be below zero" in check.finding
    assert _of(result, "b")["quadrant"] == NOT_KNOWN
    assert _of(profitability(summary, accounts.fillna(10.0)), "b")["profit"] == -5


def test_the_whale_curve(found):
    """310 + 162, then −2 and 2,000 − 1,990 − 100 − 40 − 150 − 90 = −370."""
    assert found.curve["customer_id"].tolist() == ["a", "b", "d", "c"] == found.accounts["customer_id"].tolist()
    assert found.curve["cum_profit"].tolist() == [310, 472, 470, 100]
    assert (found.peak, found.n_at_peak, found.total, found.lost, found.n_losing) == (472, 2, 100, -372, 2)
    assert found.share_left == pytest.approx(100 / 472)
    assert found.peak == found.accounts["profit"].clip(lower=0).sum()


def test_the_bridge(found):
    bridge = found.bridge.set_index("term")
    assert bridge.index.tolist() == ["revenue", *PIECES, "profit"]
    assert bridge["piece"].tolist() == [3390, -2782, -130, -70, -190, -118, 100]
    assert bridge["subtotal"].tolist() == [3390, 608, 478, 408, 218, 100, 100]
    assert bridge["n_losing"].tolist() == [1, 1, 2, 2, 2, 2, 2]
    assert bridge.at["freight", "share_difference"] == pytest.approx(130 / 508)
    assert bridge["share_difference"].sum() == pytest.approx(1)
    assert bridge.at["cost", "share_of_revenue"] == pytest.approx(-2782 / 3390)


def test_large_and_losing_with_the_piece_that_stands_out(found):
    """The first 80 % of 3,400 are c and a; c loses: 99.5 % are goods, against 2,782 of 3,390 of all."""
    assert found.large_losing["customer_id"].tolist() == ["c"]
    row = found.large_losing.iloc[0]
    assert (row["profit"], row["share_revenue"]) == (-370, pytest.approx(2000 / 3400))
    assert row["reason"] == "cost of goods 99.5% of its revenue, 82.1% of that of all"
    assert found.n_large == 2


def test_quadrants(found):
    """Cuts: median contribution of a, b, c is 162; cost to serve 508 of 3,400 is 14.9 %."""
    assert (found.profit_cut, found.serve_cut) == (162, pytest.approx(508 / 3400))
    assert [_of(found, one)["quadrant"] for one in "abcd"] == [HIGH_LOW, HIGH_LOW, LOW_HIGH, NO_REVENUE]
    table = found.quadrants.set_index("quadrant")
    assert table["n_customers"].to_dict() == {HIGH_LOW: 2, HIGH_HIGH: 0, LOW_LOW: 0, LOW_HIGH: 1, NO_REVENUE: 1}
    assert table.at[HIGH_LOW, "share_cost_to_serve"] == pytest.approx((90 + 38) / 1400)
    assert table["profit"].sum() == found.total


def test_the_cut_lines_can_be_given(summary, accounts):
    result = profitability(summary, accounts, credit_rate=0.1, profit_cut=200, serve_cut=0.05)
    assert [_of(result, one)["quadrant"] for one in "abc"] == [HIGH_HIGH, LOW_HIGH, LOW_HIGH]
    assert _of(profitability(summary, accounts, serve_cut=0.5), "c")["quadrant"] == LOW_LOW


def test_answer_says_who_loses_and_what_is_counted(found):
    assert found.answer() == (
        "Some accounts lose money: 2 of 4 (50.0%), €372.00 together. 2 accounts earn €472.00; €100.00 is left. "
        "Counted: net revenue less cost of goods, freight, trade terms, service and credit."
    )


def test_without_any_cost_it_is_revenue_and_says_so(summary):
    result = profitability(summary[["customer_id", "revenue"]], None, credit_rate=0.1)
    assert result.pieces == () and result.accounts["profit"].tolist() == [2000, 1000, 400, -10]
    assert "No cost is known, so this is net revenue, not profit." in result.answer()
    assert "lose money" not in result.answer() and "3 accounts bring 3,400" in result.answer()
    assert result.quadrants.empty and result.profit_cut is None
    assert result.checks[0].verdict == "does not hold"


def test_credit_without_a_rate_is_left_out(summary, accounts):
    result = profitability(summary, accounts)
    assert "credit_cost" not in result.accounts and "not known: credit." in result.answer()
    assert any(one.value == "left out: no rate was given" for one in result.assumed)
    assert _of(profitability(summary, accounts, credit_rate=0.0), "a")["credit_cost"] == 0


def test_who_has_left_is_served_for_half_a_year_more_and_the_range_is_told(summary, accounts):
    """b, 365 days in all, left after its one order: 400 − 355 − 10 − 8 (credit) − 40 × 0.5 = 7; 27 if it had ended, −13."""
    poor = summary.assign(cost=[600.0, 355.0, 1990.0, -8.0])
    result = profitability(poor, accounts, credit_rate=0.1, context=Context(currency="EUR"))
    assert _of(result, "b")["service_cost"] == 20 and _of(result, "b")["profit"] == 7
    assert (result.n_losing, result.n_losing_if_ended, result.n_losing_if_continued) == (2, 2, 3)
    said = "2 if service and credit ended with the last order, 3 if counted to the as-of date."
    assert f"€372.00 together; {said}" in result.answer()
    assert result.answer().key_figures[0].note == "2 accounts; 2 to 3 by how long service and credit are counted"
    assumed = next(one for one in result.assumed if one.what.startswith("how long a year's costs"))
    assert "at most until half a year after the last order" in assumed.value
    assert assumed.would_change == (
        "if they ended with the last order, 2 accounts would be below zero, if they went on to the as-of date 3, now 2"
    )
    recent = poor.assign(days_since_last_order=[0.0, 100.0, 0.0, np.nan])  # silent for less: charged to the as-of date
    assert _of(profitability(recent, accounts), "b")["service_cost"] == 40
    unknown = profitability(poor.drop(columns="days_since_last_order"), accounts, credit_rate=0.1)
    assert _of(unknown, "b")["service_cost"] == 40 and unknown.n_losing_if_ended == unknown.n_losing
    assert "ended with" not in unknown.answer()
    given = profitability(poor, accounts, credit_rate=0.1, years=1)
    assert _of(given, "b")["service_cost"] == 40 and given.n_losing_if_ended == given.n_losing


def test_none_loses_unless_service_went_on():
    summary = pd.DataFrame(
        {"customer_id": ["a"], "revenue": [100.0], "tenure_days": [730.0], "days_since_last_order": [365.0]}
    )
    result = profitability(summary, pd.DataFrame({"customer_id": ["a"], "service_cost": [60.0]}))
    assert result.total == 10  # 100 − 60 × 1.5 years
    assert "0 if service ended with the last order, 1 if counted to the as-of date" in result.answer()


def test_credit_of_accounts_long_silent_by_payment_days():
    """gone: 730 × 50 / 365 × 10 % = 10 though it owes nothing today; lost has no payment days: 20 × 10 % × 1.5 years of 3."""
    summary = pd.DataFrame(
        {
            "customer_id": ["gone", "here", "lost", "year"],
            "revenue": [730.0, 730.0, 730.0, 730.0],
            "tenure_days": [1095.0, 730.0, 1095.0, 730.0],
            "days_since_last_order": [730.0, 10.0, 730.0, 365.0],
        }
    )
    accounts = pd.DataFrame(
        {
            "customer_id": ["gone", "here", "lost", "year"],
            "receivable": [0.0, 60.0, 20.0, 40.0],
            "payment_days": [50.0, 50.0, np.nan, 50.0],
        }
    )
    result = profitability(summary, accounts, credit_rate=0.1)
    credit = result.accounts.set_index("customer_id")["credit_cost"]
    assert credit["gone"] == pytest.approx(10) and credit["lost"] == pytest.approx(3)
    assert credit["here"] == pytest.approx(12)  # 60 × 10 % × 2 years
    assert credit["year"] == pytest.approx(6)  # a year is not more than a year: 40 × 10 % × 1.5
    checks = {check.assumption: check for check in result.checks}
    active = checks["today's balances of active accounts are what usually is outstanding"]
    assert active.statistic == pytest.approx(100 / (100 * 365 / 730 + 100 * 365 / 547.5))  # gone is not in it
    silent = checks["today's balances of accounts silent for more than a year are what was outstanding"]
    assert (silent.verdict, silent.statistic) == ("does not hold", 0)
    assert (
        "2 accounts are; one counts by payment days, not by today's balance (0.00 times what they imply)"
        in silent.finding
    )
    assert "one without payment days" in silent.finding and "one still has a balance: 20" in silent.finding
    known = profitability(summary, accounts.fillna({"payment_days": 50.0}), credit_rate=0.1)
    assert next(c for c in known.checks if "silent for more" in c.assumption).verdict == "handled"


def test_values_have_profit_only_where_a_cost_is_known(summary, found):
    assert found.values().columns.tolist() == ["customer_id", "revenue", "profit"]
    bare = profitability(summary[["customer_id", "revenue"]], None, context=Context(currency="GBP"))
    assert bare.values().columns.tolist() == ["customer_id", "revenue"]
    said = [bare.answer(), *(f"{one.label} {one.note}" for one in bare.answer().key_figures)]
    said += [one.would_change for one in bare.assumed if one.what == "large"]
    assert not any(word in text for text in said for word in ("earn", "lose", "£0.00 together"))
    assert "large accounts are below zero of 2 in class A by net revenue" in said[4]
    assert "99.7% of what those above zero bring" in said[3]
    dependence = assess_dependence(bare.values())
    assert "contribution" not in dependence.answer() and not dependence.has_profit


def test_freight_spread_by_a_key_is_noticed(summary):
    spread = summary.head(3)[["customer_id", "revenue"]].assign(
        freight=lambda frame: 0.025 * frame["revenue"] + [0, 1e-4, 0]
    )
    result = profitability(spread, None)
    check = next(c for c in result.checks if "by a key" in c.assumption)
    assert check.verdict == "does not hold" and "2.5% of revenue" in check.finding
    assert (result.accounts["quadrant"].isin([HIGH_LOW, LOW_LOW])).all()


def test_who_earns_nothing_has_no_share_left():
    result = profitability(pd.DataFrame({"customer_id": ["a", "b"], "revenue": [5.0, 7.0], "cost": [9.0, 7.0]}), None)
    assert (result.peak, result.share_left, result.n_losing, result.total) == (0, None, 1, -4)
    assert "No account earns anything." in result.answer()
    nothing = profitability(pd.DataFrame({"customer_id": ["a"], "revenue": [-5.0]}), None)
    assert nothing.bridge["share_of_revenue"].isna().all() and nothing.n_large == 0
    assert nothing.answer().startswith("Some accounts are below zero") or nothing.answer().startswith("Most accounts")


def test_concentration_of_a_contribution_that_is_negative_in_all():
    """Two of five earn 30 and 10; the others lose 100 each: shares are of the 40."""
    summary = pd.DataFrame(
        {"customer_id": list("abcde"), "revenue": 200.0, "cost": [170.0, 190.0, 300.0, 300.0, 300.0]}
    )
    shares = concentration(profitability(summary, None).contributions(), measure="profit")
    assert shares.estimate("top_share") == 0.75
    assert (shares.n_negative, shares.negative_total, shares.net_total) == (3, -300, -260)
    assert "positive contribution" in shares.answer() and "-300" in shares.checks[0].finding
    cheaper = profitability(summary.assign(cost=[190.0, 190.0, 300.0, 300.0, 300.0]), None)
    assert concentration(cheaper.contributions()).estimate("top_share") == 0.5


def test_rounding_of_floats_is_no_loss():
    result = profitability(
        pd.DataFrame({"customer_id": ["a"], "revenue": [0.3], "cost": [0.1], "freight": [0.2]}), None
    )
    assert 0.3 - 0.1 - 0.2 < 0
    assert (result.n_losing, result.bridge["n_losing"].max()) == (0, 0)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"service_cost": [50.0, -40.0, 10.0, 0.0]}, DataError, r"service_cost is below zero.*\['b'\]"),
        ({"payment_days": [60.0, 30.0, -1.0, 0.0]}, DataError, r"payment_days is below zero.*\['a'\]"),
        ({"customer_id": ["a", "b", "a", "d"]}, DataError, r"stands twice.*the account file.*\['a'\]"),
        ({"receivable": ["much", "b", "a", "d"]}, ColumnTypeError, "receivable holds no numbers"),
        ({"receivable": [np.inf, 1, 1, 1]}, DataError, "receivable is not finite"),
    ],
)
def test_a_bad_account_file_is_named(summary, accounts, change, error, says):
    with pytest.raises(error, match=says):
        profitability(summary, accounts.assign(**change), credit_rate=0.1)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (lambda s: s.head(0), EmptyDataError, "no customer"),
        (lambda s: s.drop(columns="revenue"), MissingColumnError, "no column 'revenue'"),
        (lambda s: s.drop(columns="tenure_days"), MissingColumnError, "tenure_days"),
        (lambda s: s.assign(customer_id="a"), DataError, "stands twice in the summary"),
        (lambda s: s.assign(freight=np.nan), DataError, "freight is missing"),
        (lambda s: s.assign(tenure_days=np.nan), DataError, "No customer has an order"),
    ],
)
def test_a_bad_summary_is_named(summary, accounts, change, error, says):
    with pytest.raises(error, match=says):
        profitability(change(summary), accounts)


@pytest.mark.parametrize(
    "parameter", [{"credit_rate": 6}, {"credit_rate": -0.1}, {"years": 0}, {"profit_cut": -1}, {"serve_cut": np.nan}]
)
def test_parameters_out_of_range_are_named(summary, parameter):
    with pytest.raises(ParameterError, match=next(iter(parameter))):
        profitability(summary, None, **parameter)


def test_inputs_are_not_changed_and_order_does_not_matter(summary, accounts):
    before = summary.copy(), accounts.copy()
    one = profitability(summary, accounts, credit_rate=0.1)
    pd.testing.assert_frame_equal(summary, before[0])
    pd.testing.assert_frame_equal(accounts, before[1])
    other = profitability(summary.iloc[::-1], accounts.iloc[::-1], credit_rate=0.1)
    for name, table in one.tables().items():
        pd.testing.assert_frame_equal(table, other.tables()[name])


money = st.floats(-1e5, 1e5).map(lambda x: round(x, 2))


@settings(max_examples=10)
@given(st.lists(st.tuples(money, money, st.floats(0, 1e4)), min_size=1, max_size=30))
def test_everything_adds_up(rows):
    summary = pd.DataFrame(rows, columns=["revenue", "cost", "freight"])
    summary.insert(0, "customer_id", [f"{i:02d}" for i in range(len(rows))])
    result = profitability(summary, None)
    naive = summary["revenue"] - summary["cost"] - summary["freight"]
    assert result.total == pytest.approx(naive.sum(), abs=1e-2)
    assert result.peak == pytest.approx(naive.clip(lower=0).sum(), abs=1e-2)
    assert result.peak >= result.curve["cum_profit"].max() - 1e-6
    if (summary["revenue"] > 0).any():
        assert result.quadrants["n_customers"].sum() == len(rows)
    else:
        assert result.quadrants.empty
    assert result.bridge["piece"].iloc[:-1].sum() == pytest.approx(result.total, abs=1e-2)
    assert result.answer().endswith(".")


# -- simulated and real ----------------------------------------------------------------------------------------------


def test_a_simulated_company_against_a_plain_recomputation():
    company = simulate_company(seed=5, n_accounts=150)
    summary = kam.ledger.summarize_customers(kam.open_ledger(company.ledger, currency="EUR"))
    result = profitability(summary, company.accounts, credit_rate=0.06)
    both = summary.merge(company.accounts, on="customer_id")
    served = [min(a, a - b + 182.5) for a, b in zip(both["tenure_days"], both["days_since_last_order"], strict=True)]
    years = np.array(served) / 365
    naive = both["margin"] - both["freight"] - both["trade_terms"] - both["service_cost"] * years
    silent = both["days_since_last_order"] > 365
    by_days = both["revenue"] * both["payment_days"] / 365 * 0.06
    naive -= (both["receivable"] * 0.06 * years).where(~silent | both["payment_days"].isna(), by_days)
    assert silent.sum() > 20 and (both.loc[silent, "receivable"] == 0).all()
    ours = result.contributions()
    np.testing.assert_allclose(ours.loc[both["customer_id"]], naive, atol=1e-4)
    assert 0.1 < result.total / result.revenue < 0.3
    assert (result.accounts["not_known"] == "").all()
    assert 0.5 < next(c.statistic for c in result.checks if "balances" in c.assumption) < 2


def test_adventureworks(real_data: Path):
    orders = kam.open_ledger(
        real_data("adventureworks/aw_reseller_sales.parquet"),
        columns={"product_id": "product", "product_group": "category"},
        currency="USD",
    )
    summary = kam.ledger.summarize_customers(orders)
    result = profitability(summary, None, context=Context(currency="USD"))
    assert (result.n_customers, result.n_losing) == (635, 399)
    assert (round(result.peak, 2), round(result.total, 2)) == (1896723.77, -1540783.31)
    assert result.answer().startswith("Most accounts lose money: 399 of 635 (62.8%)")
    assert "1,540,783 short" in result.answer()
    shares = concentration(result.contributions(), measure="profit", n_resamples=100)
    assert shares.measures["estimate"].notna().all() and shares.measures["ci_low"].notna().all()
    assert shares.n_negative == 399 and "3,437,507" in shares.checks[0].finding
