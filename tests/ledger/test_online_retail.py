"""Online Retail II: order lines of a wholesaler, 2009 to 2011 (UCI, D. Chen, CC BY 4.0)."""

from collections import defaultdict
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from kam.ledger import Cleaning, Ledger, activity_panel, open_ledger, summarize_customers

COLUMNS = {"order_id": "invoice", "order_date": "invoice_date", "product_id": "stock_code"}
FILE = "online_retail_ii/lines_2009_2011.parquet"


@pytest.fixture
def plain(online_retail_lines: Ledger) -> Ledger:
    return online_retail_lines


@pytest.fixture(scope="module")
def netted(real_data: Callable[[str], Path]) -> Ledger:
    return open_ledger(real_data(FILE), columns=COLUMNS, currency="GBP")


def test_the_audit(plain: Ledger) -> None:
    audit = plain.audit
    assert audit.n_rows_in == 1_044_847
    found = {count.rule: (count.n_rows, count.amount) for count in audit.counts if count.n_rows}
    assert found["without customer"] == (235_287, Decimal("2566093.08"))
    assert found["exact duplicates"][0] == 11_676
    assert found["zero amounts"] == (70, 0)
    assert len(found) == 3
    assert audit.is_balanced
    assert (audit.n_rows_kept, audit.n_customers) == (797_814, 5_939)
    assert round(audit.amount_kept, 2) == Decimal("16289973.29")


def test_the_customers(plain: Ledger) -> None:
    summary = summarize_customers(plain)
    revenue = summary.set_index("customer_id")["revenue"]
    assert len(revenue) == 5_939
    assert ((revenue <= 0).sum(), (revenue < 0).sum(), (revenue == 0).sum()) == (102, 81, 21)
    assert (revenue.idxmax(), revenue.max()) == ("18102", 570_380.61)
    top = revenue.nlargest(round(0.2 * len(revenue)))
    assert round(100 * top.sum() / revenue.sum(), 2) == 77.39


def test_december_2011_is_left_out(plain: Ledger) -> None:
    assert (plain.as_of, plain.last_complete_month) == (date(2011, 12, 9), date(2011, 11, 1))
    assert plain.audit.incomplete is not None
    assert plain.audit.incomplete.month == date(2011, 12, 1)
    assert (plain.audit.incomplete.n_customers, plain.audit.incomplete.n_customers_before) == (615, 1_664)
    panel = activity_panel(plain)
    assert panel["period"].max() == pd.Timestamp("2011-11-01")
    assert (panel.loc[panel["period"] == panel["period"].max(), "n_orders"] > 0).sum() == 1_664


def test_summaries_equal_pandas(plain: Ledger) -> None:
    table = plain.table
    exact = (table.amount * 10_000).cast("int64")  # pandas sums Decimals slowly
    lines = table.select("customer_id", "order_id", "order_date", amount=exact).to_pandas()
    lines["month"] = lines["order_date"].dt.to_period("M")
    bought = lines[lines["amount"] > 0]
    summary = summarize_customers(plain).set_index("customer_id")
    orders = bought.groupby("customer_id")["order_id"].nunique().reindex(summary.index, fill_value=0)
    assert summary["n_orders"].tolist() == orders.tolist()
    assert summary["revenue"].tolist() == (lines.groupby("customer_id")["amount"].sum() / 10_000).tolist()
    days = bought.assign(day=bought["order_date"].dt.normalize())[["customer_id", "day"]].drop_duplicates()
    days["gap"] = days.sort_values(["customer_id", "day"]).groupby("customer_id")["day"].diff().dt.days
    gaps = days.groupby("customer_id")["gap"]
    cv = (gaps.std(ddof=0) / gaps.mean())[gaps.count() > 1]
    pd.testing.assert_series_equal(summary["gap_cv"].dropna(), cv, check_names=False)
    median = gaps.median().reindex(summary.index)
    pd.testing.assert_series_equal(summary["median_gap_days"], median, check_names=False)
    complete = bought[bought["month"] <= pd.Period("2011-11")]
    demand = complete.pivot_table(index="customer_id", columns="month", values="amount", aggfunc="sum")
    demand = demand.fillna(0)
    for customer in ("18102", "12346", "14646", "13085"):
        series = demand.loc[customer, summary.loc[customer, "first_order"].to_period("M") :]
        assert summary.loc[customer, "demand_cv"] == pytest.approx(series.std(ddof=0) / series.mean(), rel=1e-9)


def test_two_runs_are_equal_to_the_last_bit(plain: Ledger, real_data: Callable[[str], Path]) -> None:
    again = open_ledger(real_data(FILE), columns=COLUMNS, currency="GBP", cleaning=Cleaning(cancellations=False))
    pd.testing.assert_frame_equal(summarize_customers(again), summarize_customers(plain), check_exact=True)
    pd.testing.assert_frame_equal(activity_panel(again), activity_panel(plain), check_exact=True)
    assert again.audit == plain.audit
    assert again.fingerprint == plain.fingerprint


def test_cancellations_equal_a_stack(plain: Ledger, netted: Ledger) -> None:
    columns = ["customer_id", "product_id", "quantity", "order_date"]
    lines = plain.table.select(*columns, amount=plain.table.amount.cast("float64")).to_pandas().dropna()
    lines = lines[(lines["quantity"] > 0) == (lines["amount"] > 0)]
    returned = set(lines.loc[lines["quantity"] < 0, "product_id"])
    lines = lines[lines["product_id"].isin(returned)]
    lines["is_sale"] = lines["quantity"] > 0
    lines = lines.sort_values(["order_date", "is_sale"], kind="stable")
    stacks: dict[tuple, int] = defaultdict(int)
    pairs, sales = 0, 0.0
    for row in lines.itertuples():
        key = (row.customer_id, row.product_id, abs(row.quantity), abs(row.amount))
        if row.is_sale:
            stacks[key] += 1
        elif stacks[key]:
            stacks[key] -= 1
            pairs, sales = pairs + 1, sales + abs(row.amount)
    count = netted.audit.counts[-1]
    assert (count.rule, count.n_rows, count.amount) == ("orders with their cancellation", 2 * pairs, 0)
    assert pairs == 6_126
    assert round(sales) == 615_957
    assert f"{pairs:,} cancellations were netted with their orders of {round(sales):,}." in netted.audit.notes
    assert netted.audit.n_rows_kept == plain.audit.n_rows_kept - 2 * pairs
    assert netted.audit.amount_kept == plain.audit.amount_kept
    assert netted.audit.is_balanced
    assert netted.audit.n_customers == 5_925
