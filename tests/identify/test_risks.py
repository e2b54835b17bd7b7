import numpy as np
import pandas as pd
import pytest
from scipy import stats

from kam.errors import ColumnTypeError, DataError, MissingColumnError, ParameterError
from kam.identify import risks, sales_quality
from kam.identify.order_blocks import OrderBlocks
from kam.identify.own_brand import find_dropped_groups
from kam.identify.stagnation import judge_stagnation
from kam.results import Context
from tests.identify.flagged_accounts import SIGNS, clean_ledger, even_orders, opened, plant, planted_ledger

RISKS = ("own brand", "rising cost-to-serve", "stagnation", "concentration of buying", "dependence")


@pytest.fixture(scope="module")
def lines():
    return plant(even_orders())


@pytest.fixture(scope="module")
def ledger():
    return planted_ledger()


@pytest.fixture(scope="module")
def accounts():
    """All but 40; 10 owes much of what it bought, 11 more than its limit, 12 and 13 are one group with 10."""
    ids = [f"{i:02d}" for i in range(1, 40)]
    file = pd.DataFrame({"customer_id": ids, "name": [f"Firm {i}" for i in ids]}).set_index("customer_id", drop=False)
    file["overdue"], file["receivable"], file["credit_limit"], file["payment_days"] = 0.0, 1000.0, 2000.0, 30
    file.loc["20", ["overdue", "receivable"]] = 1500.0, 1500.0
    file.loc["11", "receivable"] = 2600.0
    file["parent_id"] = None
    file.loc[["12", "13"], "parent_id"] = "10", "12"
    file.loc[["14", "15"], "parent_id"] = "15", "14"  # a circle
    file["sponsor"] = "Head of sales"
    file.loc["10", "sponsor"] = " "
    return file.reset_index(drop=True)


@pytest.fixture(scope="module")
def found(ledger, accounts):
    return risks(ledger, accounts=accounts, key_accounts=["10", "11", "40"], context=Context(currency="EUR"))


@pytest.mark.parametrize(("customer", "flag"), [(c, f) for c, f in SIGNS.items() if f in RISKS])
def test_what_is_planted_is_flagged(found, customer, flag):
    assert flag in found.flags.loc[found.flags["customer_id"] == customer, "flag"].tolist()


def test_deep_discounts_are_bargaining(found):
    flag = found.flags.query("flag == 'bargaining'")
    assert flag["customer_id"].tolist() == ["01"]
    assert flag["figure"].item() == pytest.approx(0.3, abs=0.001)


def test_nothing_else_is_flagged(found):
    tested = found.flags[found.flags["p_value"].notna()]
    expected = {pair for pair in SIGNS.items() if pair[1] in RISKS} | {("01", "bargaining"), ("20", "overdue balance")}
    extra = set(zip(tested["customer_id"], tested["flag"], strict=True)) - expected
    # One huge month is a few huge orders, and who drops one of three groups buys two.
    assert extra <= {("05", "concentration of buying"), ("06", "concentration of buying")}
    clean = risks(clean_ledger()).flags
    assert clean.empty


def test_dependence_alone_and_with_the_group(found, lines):
    year = lines[lines["order_date"] >= "2024-01-01"].groupby("customer_id")["amount"].sum()
    flags = found.flags.query("flag == 'dependence'").set_index("customer_id")
    group = year[["10", "12", "13"]].sum() / year.sum()
    assert flags.loc["10", "figure"] == pytest.approx(group)
    assert flags.loc["13", "finding"].endswith("with its group of 3 accounts")
    facts = found.facts.set_index("customer_id")
    assert facts.loc["10", "share_our_revenue"] == pytest.approx(year["10"] / year.sum())
    assert (
        facts.loc["14", "share_group_revenue"] == facts.loc["14", "share_our_revenue"]
    )  # who is in a circle stands alone
    assert set(flags.index) >= {"10", "12", "13"} and "14" not in flags.index


def test_overdue_limit_and_sponsor(found):
    flags = found.flags.set_index(["customer_id", "flag"])
    days = 1500 / (found.facts.set_index("customer_id").loc["20", "overdue_days"])
    assert flags.loc[("20", "overdue balance"), "finding"].startswith("€2K overdue, ") and days > 0
    assert "to be paid within 30 days" in flags.loc[("20", "overdue balance"), "finding"]
    assert flags.loc[("11", "over credit limit"), "figure"] == pytest.approx(1.3)
    assert flags.loc[("11", "over credit limit"), "finding"] == "€3K receivable, 130% of its credit limit"
    assert found.flags.query("flag == 'no sponsor'")["customer_id"].tolist() == ["10"]
    counts = found.counts.set_index("flag")
    assert counts.loc["no sponsor", ["n_judged", "n_flagged"]].tolist() == [2, 1]  # 40 is not in the account file
    assert "1 of 2 key accounts have no sponsor." in found.answer()


def test_without_key_accounts_the_large_ones_need_a_sponsor(ledger, accounts):
    result = risks(ledger, accounts=accounts)
    counts = result.counts.set_index("flag").loc["no sponsor"]
    assert f"1 of {counts['n_judged']} large accounts (class A) have no sponsor." in result.answer()
    assert "key account" not in str(result.answer()) and counts["reason"].startswith("no large account")


def test_counted_and_tested_flags_are_told_apart(found):
    named = found.flags[found.flags["is_large"] & found.flags["flag"].ne("no sponsor")]
    tested = named.loc[named["p_value"].notna(), "customer_id"].nunique()
    counted = named.loc[named["p_value"].isna(), "customer_id"].nunique()
    assert tested and counted
    said = f"A tested flag is carried by {tested}, one that is only counted (a limit) by {counted}."
    assert said in found.answer()
    first, _, _ = found.answer().key_figures
    assert first.note.startswith(f"{tested} a tested flag, {counted} one that is only counted")
    assert "10% of the tested flags" in first.note


def test_the_most_frequent_flag_is_a_tested_one(ledger):
    result = risks(ledger, dependence=0.01)  # a counted limit that almost all exceed
    counts = result.counts.set_index("flag")
    of_tested = counts.loc[counts["is_tested"].astype(bool), "n_flagged_large"]
    assert counts["n_flagged_large"].idxmax() == "dependence" and of_tested.max() > 0
    figure = result.answer().key_figures[1]
    assert (figure.value, figure.label) == (
        str(of_tested.max()), f"of them: {of_tested.idxmax()}, the most frequent tested flag",
    )  # fmt: skip
    one = pd.DataFrame({"customer_id": ["a"], "order_date": ["2024-12-31"], "amount": [10.0]})
    figure = risks(opened(one)).answer().key_figures[1]
    assert (figure.value, figure.label) == ("0", "of them carry a tested flag")


def test_no_finding_holds_what_parts_warnings(found):
    assert not found.flags["finding"].str.contains("; ").any()


def test_a_dropped_group_against_the_hypergeometric_distribution(lines):
    own = lines[lines["customer_id"] == "06"]
    facts = own.assign(month=own["order_date"].dt.to_period("M").dt.start_time)
    mix = facts.groupby(["customer_id", "month", "product_group"], as_index=False).agg(
        n_orders=("amount", "size"), revenue=("amount", "sum")
    )
    mix = mix.rename(columns={"month": "period", "product_group": "group"})
    months = facts.groupby(["customer_id", "month"], as_index=False).agg(n_orders=("amount", "size"))
    dropped = find_dropped_groups(OrderBlocks.of(months), mix, min_orders=8)
    tape = own[own["product_group"] == "tape"]
    before = int((facts["month"] <= tape["order_date"].dt.to_period("M").dt.start_time.max()).sum())
    # The chance that all orders of tape are among the first ones; the other groups could not have ended as improbably.
    p = stats.hypergeom.pmf(len(tape), len(own), len(tape), before)
    assert p <= dropped.p_value[0] * 0.95 <= 3 * p
    assert dropped.groups == [["tape"]]
    since = tape["order_date"].max() + pd.offsets.MonthBegin()
    assert dropped.start[0] == 12 * (since.year - 2022) + since.month - 1
    year = own[(own["order_date"] < since) & (own["order_date"] >= since - pd.DateOffset(years=1))]
    assert dropped.share[0] == pytest.approx(
        year.loc[year["product_group"] == "tape", "amount"].sum() / year["amount"].sum()
    )
    others = own[own["product_group"] != "tape"].set_index("order_date")["amount"].resample("MS").sum()
    before_since = others[others.index < since][1:]  # the month of the first order is not a whole one
    assert dropped.growth[0] == pytest.approx(others[others.index >= since].mean() / before_since.mean() - 1)


def test_a_group_that_ends_while_all_ends_is_no_own_brand():
    lines = even_orders()
    own = lines["customer_id"].eq("06") & lines["order_date"].ge("2024-01-01")
    falling = lines.copy()
    falling.loc[own, "product_group"] = falling.loc[own, "product_group"].replace("tape", "film")
    falling.loc[own, "amount"] *= 0.2
    assert "own brand" not in risks(opened(falling)).flags["flag"].tolist()


def test_without_the_columns_it_says_so(lines):
    bare = risks(opened(lines[["customer_id", "order_date", "order_id", "amount"]]))
    reasons = bare.counts.set_index("flag")["reason"]
    assert reasons["own brand"] == "no product_group in this ledger"
    assert reasons["bargaining"] == "no discount and no trade_terms in this ledger"
    assert reasons["rising cost-to-serve"] == "no freight and no trade_terms in this ledger"
    assert reasons["overdue balance"] == "no overdue balance in the account file"
    assert reasons["no sponsor"] == "no sponsor in the account file"
    assert "hhi_products" not in bare.facts


def test_stagnation_needs_its_quarters(lines):
    short = risks(opened(lines[lines["order_date"] >= "2023-07-01"]))
    assert short.counts.set_index("flag").loc["stagnation", "reason"] == "the ledger has 6 quarters, 8 are needed"


@pytest.mark.parametrize(("last", "flagged"), [("2024-05-31", False), ("2024-08-31", True)])
def test_an_account_that_has_ended_does_not_stagnate(lines, last, flagged):
    """08 declines; silent from June on it has ended, silent from September on (four months) not yet."""
    silent = lines["customer_id"].eq("08") & lines["order_date"].gt(last)
    result = risks(opened(lines[~silent]))
    flags = result.flags.query("flag == 'stagnation'")
    assert ("08" in flags["customer_id"].tolist()) == flagged
    assert result.counts.set_index("flag").loc["stagnation", "n_not_judged"] == (0 if flagged else 1)
    if flagged:
        assert flags["finding"].item().endswith("for the accounts that were there all the time and still buy")


def test_who_orders_once_a_year_has_not_ended_after_half_a_year():
    """Three of its own gaps: orders in Junes of eight years, the last seven months before the end."""
    months = pd.date_range("2016-06-01", "2023-06-01", freq="12MS")
    rows = [pd.DataFrame({"customer_id": "yearly", "month": months, "n_orders": 1})]
    monthly = pd.date_range("2016-01-01", "2024-01-01", freq="MS")
    rows.append(pd.DataFrame({"customer_id": "there", "month": monthly, "n_orders": 1}))
    rows.append(pd.DataFrame({"customer_id": "ended", "month": monthly[:-7], "n_orders": 1}))
    facts = pd.concat(rows, ignore_index=True).assign(gross=100.0)
    judged = judge_stagnation(OrderBlocks.of(facts), Context().wording).judged
    assert judged.tolist() == [False, True, True]  # ended, there, yearly


def test_concentration_of_orders_by_hand(found, lines):
    year = lines[(lines["customer_id"] == "09") & (lines["order_date"] >= "2024-01-01")]["amount"]
    hhi = float((year**2).sum() / year.sum() ** 2)
    flag = found.flags.query("customer_id == '09' and flag == 'concentration of buying'").iloc[0]
    assert flag["figure"] == pytest.approx(hhi) and flag["reference"] == pytest.approx(1 / len(year))
    np.testing.assert_allclose(found.facts.set_index("customer_id").loc["09", "hhi_orders"], hhi)


def test_bad_input(ledger):
    with pytest.raises(ParameterError, match="dependence"):
        risks(ledger, dependence=1.5)
    with pytest.raises(ParameterError, match="overdue_days"):
        risks(ledger, overdue_days=0)
    with pytest.raises(MissingColumnError, match="customer_id"):
        risks(ledger, accounts=pd.DataFrame({"name": ["x"]}))
    with pytest.raises(DataError, match="twice"):
        risks(ledger, accounts=pd.DataFrame({"customer_id": ["01", "01"]}))
    for options in ({"false_alarms": "0.1"}, {"dependence": "0.1"}, {"overdue_days": "30"}):
        with pytest.raises(ParameterError, match=next(iter(options))):
            risks(ledger, **options)


@pytest.mark.parametrize("column", ["overdue", "receivable", "credit_limit", "payment_days"])
def test_amounts_as_words_are_named(ledger, accounts, column):
    words = accounts.astype({column: object})
    words.loc[2, column] = "1,200 EUR"
    with pytest.raises(ColumnTypeError, match=rf"{column}.*'1,200 EUR' of customer '03'"):
        risks(ledger, accounts=words)
    as_text = accounts.assign(**{column: accounts[column].astype(str)})
    assert risks(ledger, accounts=as_text).answer() == risks(ledger, accounts=accounts).answer()


def test_key_accounts_are_a_list_and_not_one_text_read_letter_by_letter(ledger, accounts, monkeypatch):
    for given in ("0010", b"0010", accounts, 10):
        with pytest.raises(ParameterError, match=r"key_accounts is (a|the).*list of customer ids"):
            risks(ledger, accounts=accounts, key_accounts=given)
    listed, numbered = (
        risks(ledger, accounts=accounts, key_accounts=given).flags for given in (["10"], pd.Series([10], index=["x"]))
    )
    pd.testing.assert_frame_equal(listed, numbered)


@pytest.mark.parametrize("given", [pd.DataFrame({"customer_id": ["a"]}), ["a"], None, "orders.csv"])
def test_what_is_no_ledger_is_named(given):
    for analysis in (risks, sales_quality):
        with pytest.raises(ParameterError, match=r"ledger is a (DataFrame|list|NoneType|str).*kam\.open_ledger"):
            analysis(given)
