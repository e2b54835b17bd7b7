import numpy as np
import pandas as pd
import pytest

from kam.errors import DataError, ParameterError
from kam.identify import risks, sales_quality
from kam.identify.account_flags import Judgment
from kam.results import Context
from tests.identify.flagged_accounts import SIGNS, clean_ledger, even_orders, opened, plant, planted_ledger

QUALITY = ("discount depth", "returns", "order spike", "period-end loading", "shipping elsewhere")


@pytest.fixture(scope="module")
def lines():
    return plant(even_orders())


@pytest.fixture(scope="module")
def ledger():
    return planted_ledger()


@pytest.fixture(scope="module")
def quality(ledger):
    return sales_quality(ledger, context=Context(currency="EUR"))


@pytest.mark.parametrize(("customer", "flag"), [(c, f) for c, f in SIGNS.items() if f in QUALITY])
def test_what_is_planted_is_flagged(quality, customer, flag):
    assert flag in quality.flags.loc[quality.flags["customer_id"] == customer, "flag"].tolist()


def test_nothing_else_is_flagged(quality):
    flags = quality.flags[~quality.flags["customer_id"].isin(["09"])]  # one huge order is a spike as well
    assert set(zip(flags["customer_id"], flags["flag"], strict=True)) <= set(SIGNS.items())
    assert sales_quality(clean_ledger()).flags.empty


def test_the_figures_are_those_of_the_lines(quality, lines):
    own = lines[lines["customer_id"] == "01"]
    flag = quality.flags.set_index("flag").loc["discount depth"]
    assert flag["figure"] == pytest.approx(0.3, abs=0.001) and flag["reference"] == pytest.approx(0.1, abs=0.005)
    assert str(flag["since"].date()) == "2024-01-01"
    assert flag["finding"].startswith("discount 30.0% of the list price since January 2024, 10.")
    year = own[own["order_date"] >= "2024-01-01"]
    fact = quality.facts.set_index("customer_id").loc["01"]
    assert fact["share_discount"] == pytest.approx(year["discount"].sum() / (year["discount"] + year["amount"]).sum())
    assert fact["revenue"] == pytest.approx(own["amount"].sum()) and fact["n_orders"] == 110

    away = quality.flags.set_index("flag").loc["shipping elsewhere"]
    second = lines[(lines["customer_id"] == "02") & (lines["order_date"] >= away["since"])]
    assert away["figure"] == pytest.approx((second["ship_region"] == "south").mean())
    spike = quality.flags.query("customer_id == '05'").iloc[0]
    monthly = lines[lines["customer_id"] == "05"].groupby(lines["order_date"].dt.to_period("M"))["amount"].sum()
    usual = max(monthly.median(), monthly["2024":].median())
    assert spike["figure"] == pytest.approx(monthly["2024-05"] / usual, rel=0.02)
    assert str(spike["since"].date()) == "2024-05-01"


def test_the_discount_shown_is_the_share_of_the_money():
    """A large order at 40 % among small ones at 25 %: the mean of the orders is tested, the share of the money is shown."""
    lines = even_orders()
    own = lines["customer_id"].eq("01")
    recent = own & lines["order_date"].ge("2024-01-01")
    whole = lines["amount"] + lines["discount"]
    lines.loc[recent, "discount"] = (0.25 * whole).round(2)
    large = lines.index[recent][:1]
    whole.loc[large] *= 30
    lines.loc[large, "discount"] = (0.4 * whole).round(2)
    lines["amount"] = whole - lines["discount"]
    back = lines[recent].tail(2).assign(order_id=["B1", "B2"], order_date=pd.Timestamp("2024-12-30"))
    lines = pd.concat([lines, back.assign(amount=-back["amount"], discount=-back["discount"])], ignore_index=True)
    lines["trade_terms"] = 0.0
    ledger = opened(lines)
    own = lines[lines["customer_id"] == "01"]
    for result, name in ((sales_quality(ledger), "discount depth"), (risks(ledger), "bargaining")):
        flag = result.flags[result.flags["customer_id"].eq("01") & result.flags["flag"].eq(name)].iloc[0]
        for column, part in (
            ("figure", own[own["order_date"] >= flag["since"]]),
            ("reference", own[own["order_date"] < flag["since"]]),
        ):
            share = part["discount"].sum() / (part["amount"] + part["discount"]).sum()
            assert flag[column] == pytest.approx(share)
            assert f"{100 * share:.1f}%" in flag["finding"]
        assert flag["figure"] > 0.3  # the mean of the orders is 0.25
        drawn = result.history[result.history["customer_id"].eq("01") & result.history["flag"].eq(name)]
        drawn = drawn.set_index("period")["figure"]
        quarter = own[own["order_date"].between("2024-01-01", "2024-03-31")]
        share = quarter["discount"].sum() / (quarter["amount"] + quarter["discount"]).sum()
        assert drawn["2024-01-01"] == pytest.approx(share)


def test_a_shown_rise_too_small_to_matter_is_no_flag():
    """Many small orders at 30 %, one large one at 10 %: the mean of the orders rose, the share of the money hardly."""
    lines = even_orders()
    recent = lines["customer_id"].eq("01") & lines["order_date"].ge("2024-01-01")
    whole = lines["amount"] + lines["discount"]
    lines.loc[recent, "discount"] = (0.3 * whole).round(2)
    large = lines.index[recent][:1]
    whole.loc[large] *= 1000
    lines.loc[large, "discount"] = (0.1 * whole).round(2)
    lines["amount"] = whole - lines["discount"]
    assert "discount depth" not in sales_quality(opened(lines)).flags.query("customer_id == '01'")["flag"].tolist()


def test_loading_names_what_came_back():
    lines = even_orders()
    recent = lines["customer_id"].eq("03") & lines["order_date"].ge("2024-01-01")
    lines.loc[recent, "order_date"] = lines["order_date"].dt.to_period("Q").dt.end_time.dt.normalize()
    sold = lines[recent & lines["order_date"].lt("2024-12-01")]
    back = sold.assign(order_id="C" + sold["order_id"], order_date=sold["order_date"] + pd.Timedelta("9D"))
    back = back.assign(amount=-(sold["amount"] / 2).round(2), discount=0.0)
    flag = (
        sales_quality(opened(pd.concat([lines, back], ignore_index=True)))
        .flags.set_index("flag")
        .loc["period-end loading"]
    )
    gross = lines.loc[recent, "amount"].sum()
    assert f"{100 * -back['amount'].sum() / gross:.1f}% came back in the month after" in flag["finding"]


def test_a_fixed_rhythm_is_no_loading():
    """Who orders once a quarter, always on its last day, has a rhythm (AdventureWorks)."""
    lines = even_orders()
    ends = pd.date_range("2022-03-31", "2024-12-31", freq="QE")
    own = lines[lines["customer_id"] == "03"].head(len(ends)).assign(order_date=ends)
    result = sales_quality(opened(pd.concat([lines[lines["customer_id"] != "03"], own], ignore_index=True)))
    assert result.flags.empty
    assert result.counts.set_index("flag").loc["period-end loading", "n_not_judged"] == 1


def test_without_the_columns_it_says_so(lines):
    bare = sales_quality(opened(lines[["customer_id", "order_date", "order_id", "amount"]]))
    counts = bare.counts.set_index("flag")
    assert counts.loc["discount depth", "reason"] == "no discount in this ledger"
    assert counts.loc["shipping elsewhere", "reason"].startswith("no ship_region")
    assert (counts.loc[["discount depth", "shipping elsewhere"], "n_judged"] == 0).all()
    assert [c.verdict for c in bare.checks if "shipping elsewhere" in c.assumption] == ["not testable"]
    assert "no ship_region" in bare.answer().key_figures[2].note


def test_one_account_and_one_month():
    one = pd.DataFrame({"customer_id": ["a"], "order_date": ["2024-12-31"], "amount": [10.0], "discount": 1.0})
    ledger = opened(one)
    quality, dangers = sales_quality(ledger), risks(ledger)
    assert quality.flags.empty and quality.counts["n_judged"].max() == 0
    assert "None of 1 accounts" in quality.answer()
    assert dangers.flags["flag"].tolist() == ["dependence"]


def test_a_flag_survives_benjamini_and_hochberg():
    """By hand: .01 <= .1 × 1/4, .04 <= .1 × 2/4, .08 > .1 × 3/4, .9; the fifth cannot be judged, the second does not matter."""
    nothing = np.zeros(5)
    one = Judgment(
        flag="x",
        measure="x",
        judged=np.array([True, True, True, True, False]),
        matters=np.array([True, False, True, True, True]),
        figure=nothing,
        reference=nothing,
        p_value=np.array([0.01, 0.04, 0.08, 0.9, 0.0]),
        since=None,
        finding=str,
    )
    assert one.raised(0.1).tolist() == [True, False, False, False, False]
    assert one.raised(0.11).tolist() == [True, False, True, False, False]  # .08 <= .11 × 3/4
    assert not one.raised(0.01).any()


def test_counts_and_evidence(quality):
    assert (quality.counts["n_judged"] + quality.counts["n_not_judged"] == 40).all()
    assert quality.counts["n_flagged"].sum() == len(quality.flags) == quality.facts["n_flags"].sum()
    assert quality.facts["revenue"].is_monotonic_decreasing
    pairs = quality.history[["customer_id", "flag"]].drop_duplicates()
    assert len(pairs) == len(quality.flags)
    first = quality.history.query("customer_id == '01' and flag == 'discount depth'")
    np.testing.assert_allclose(first["figure"].iloc[-4:], 0.3, atol=0.001)


def test_the_answer_names_the_worst(quality):
    answer = quality.answer()
    assert "large accounts (class A)" in answer and " carries most of them: " in answer
    assert "only counted" not in answer  # all of these flags are tested


def test_bad_input(ledger):
    with pytest.raises(ParameterError, match="false_alarms"):
        sales_quality(ledger, false_alarms=0)
    twice = pd.DataFrame({"customer_id": ["01", "01"], "name": ["x", "y"]})
    with pytest.raises(DataError, match="twice"):
        sales_quality(ledger, accounts=twice)
    for options in ({"false_alarms": "0.1"}, {"last_days": "7"}, {"last_days": 7.5}):
        with pytest.raises(ParameterError, match=next(iter(options))):
            sales_quality(ledger, **options)
