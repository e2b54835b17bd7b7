from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from kam.columns import GLOSSARY
from kam.errors import EmptyDataError, ParameterError
from kam.ledger import Cleaning, Ledger, activity_panel, open_ledger, summarize_customers
from kam.ledger.periods import add_months, period_start

TODAY = date(2026, 1, 1)
NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # each example opens ledgers, which takes its time
AS_IS = Cleaning(duplicates=False, zero_amounts=False, cancellations=False)


def open_orders(rows: list[tuple[Any, ...]], **options: Any) -> Ledger:
    """Rows of customer, day, amount and perhaps order_id and cost."""
    frame = pd.DataFrame(rows, columns=["customer_id", "order_date", "amount", "order_id", "cost"][: len(rows[0])])
    frame["order_date"] = pd.to_datetime(frame["order_date"], format="ISO8601")
    frame = frame.astype({name: kind for name, kind in {"order_id": "str", "cost": "float64"}.items() if name in frame})
    return open_ledger(frame, **{"today": TODAY, "cleaning": AS_IS} | options)


HAND = [
    ("a", "2024-01-10T09:00", 10.0, "1", 4.0),
    ("a", "2024-01-10T17:00", 5.0, "2", 2.0),
    ("a", "2024-01-20", 15.0, "3", 6.0),
    ("a", "2024-03-30", 30.0, "4", 12.0),
    ("a", "2024-03-31", -6.0, "5", -2.0),
    ("a", "2024-05-02", 40.0, "6", 16.0),
    ("b", "2024-04-30", 8.0, "7", 9.0),
    ("c", "2024-02-01", -3.0, "8", 0.0),
    ("김철수", "2024-01-31", 1.0, "9", 0.0),
    ("김철수", "2024-02-01", 2.0, "9", 0.0),
]


@pytest.mark.parametrize("is_missing", [False, True])
def test_order_numbers_that_are_numbers_count_like_their_texts(is_missing: bool) -> None:
    rows = [("a", "2024-01-31", 1), ("a", "2024-02-01", 1), ("a", "2024-02-02", 2), ("b", "2024-02-02", 2)]
    frame = pd.DataFrame(rows, columns=["customer_id", "order_date", "order_id"]).assign(amount=[1.0, 2.0, 3.0, 4.0])
    frame["order_id"] = frame["order_id"].astype("Int64").where(frame.index != 3, None if is_missing else 2)
    by_number, by_text = (open_ledger(one, today=TODAY) for one in (frame, frame.astype({"order_id": "string"})))
    assert by_number.lines.columns == by_text.lines.columns
    assert by_number.rollup.spanning.order_id.type().is_integer() != is_missing
    summary = summarize_customers(by_number)
    assert summary[["n_orders", "n_purchase_days"]].to_numpy().tolist() == [[2, 3], [1, 1]]
    pd.testing.assert_frame_equal(summary, summarize_customers(by_text))
    pd.testing.assert_frame_equal(by_number.lines.to_pandas(), by_text.lines.to_pandas())


def test_customers_by_hand() -> None:
    summary = summarize_customers(open_orders(HAND)).set_index("customer_id")
    assert list(summary.index) == ["a", "b", "c", "김철수"]
    a = summary.loc["a"]
    assert (a["first_order"], a["last_order"]) == (pd.Timestamp("2024-01-10"), pd.Timestamp("2024-05-02"))
    assert (a["n_orders"], a["n_active_periods"]) == (5, 2)  # January and March; May is not complete
    assert (a["n_purchase_days"], a["n_periods"]) == (4, 4)  # January to April
    assert (a["revenue"], a["returns"], a["cost"], a["margin"]) == (94, 6, 38, 56)
    assert (a["days_since_last_order"], a["tenure_days"]) == (0, 113)
    gaps = [10, 70, 33]  # one purchase day in the morning and in the evening
    assert a["median_gap_days"] == 33
    assert a["gap_cv"] == pytest.approx(np.std(gaps) / np.mean(gaps), rel=1e-12)
    demand = [30, 0, 30, 0]  # January to April, returns excluded
    assert a["demand_cv"] == pytest.approx(np.std(demand) / np.mean(demand), rel=1e-12)

    b = summary.loc["b"]
    assert (b["n_orders"], b["margin"], b["days_since_last_order"]) == (1, -1, 2)
    assert b[["median_gap_days", "gap_cv", "demand_cv"]].isna().all()  # one order, one complete month

    c = summary.loc["c"]  # credit notes only
    assert (c["n_orders"], c["n_active_periods"], c["revenue"], c["returns"]) == (0, 0, -3, 3)
    assert c[["first_order", "last_order", "days_since_last_order", "tenure_days", "demand_cv"]].isna().all()

    spanning = summary.loc["김철수"]  # one order over the turn of the month
    assert (spanning["n_orders"], spanning["n_active_periods"], spanning["median_gap_days"]) == (1, 2, 1)
    assert np.isnan(spanning["gap_cv"])


def test_months_by_hand() -> None:
    panel = activity_panel(open_orders(HAND))
    assert panel.to_numpy().tolist() == [
        ["a", pd.Timestamp("2024-01-01"), 30.0, 3, 18.0],
        ["a", pd.Timestamp("2024-03-01"), 24.0, 1, 14.0],
        ["b", pd.Timestamp("2024-04-01"), 8.0, 1, -1.0],
        ["c", pd.Timestamp("2024-02-01"), -3.0, 0, -3.0],
        ["김철수", pd.Timestamp("2024-01-01"), 1.0, 1, 1.0],
        ["김철수", pd.Timestamp("2024-02-01"), 2.0, 1, 2.0],
    ]


def test_quarters_and_years_follow_the_fiscal_year() -> None:
    quarters = activity_panel(open_orders(HAND), freq="quarter")
    assert quarters.to_numpy().tolist() == [
        ["a", pd.Timestamp("2024-01-01"), 54.0, 4, 32.0],
        ["c", pd.Timestamp("2024-01-01"), -3.0, 0, -3.0],
        ["김철수", pd.Timestamp("2024-01-01"), 3.0, 1, 3.0],
    ]
    fiscal = activity_panel(open_orders(HAND, fiscal_year_start=2), freq="quarter")
    assert fiscal[["customer_id", "period", "n_orders"]].to_numpy().tolist() == [
        ["a", pd.Timestamp("2023-11-01"), 3],
        ["a", pd.Timestamp("2024-02-01"), 1],
        ["b", pd.Timestamp("2024-02-01"), 1],
        ["c", pd.Timestamp("2024-02-01"), 0],
        ["김철수", pd.Timestamp("2023-11-01"), 1],
        ["김철수", pd.Timestamp("2024-02-01"), 1],
    ]
    years = activity_panel(open_orders(HAND, fiscal_year_start=5), freq="year")
    assert years.loc[years["customer_id"] == "a", ["period", "revenue"]].to_numpy().tolist() == [
        [pd.Timestamp("2023-05-01"), 54.0]
    ]
    with pytest.raises(EmptyDataError, match=r"No year of the ledger is complete on 2024-05-02"):
        activity_panel(open_orders(HAND), freq="year")


def test_columns_are_in_the_glossary() -> None:
    optional = {"freight": 1.0, "trade_terms": 2.0, "discount": 3.0, "cost": 4.0}
    frame = pd.DataFrame([{"customer_id": "a", "order_date": pd.Timestamp("2024-01-31"), "amount": 10.0} | optional])
    ledger = open_ledger(frame, today=TODAY)
    summary = summarize_customers(ledger)
    assert set(summary.columns) | set(activity_panel(ledger).columns) <= set(GLOSSARY)
    assert summary.loc[0, [*optional, "margin"]].to_list() == [1, 2, 3, 4, 6]
    few = summarize_customers(open_ledger(frame.drop(columns=list(optional)), today=TODAY))
    assert not {*optional, "margin"} & set(few.columns)


def test_one_customer_with_one_order() -> None:
    ledger = open_orders([("a", "2024-01-31", 10.0)])
    summary = summarize_customers(ledger)
    assert summary[["n_orders", "n_active_periods", "revenue", "tenure_days"]].to_numpy().tolist() == [[1, 1, 10, 0]]
    assert activity_panel(ledger)["period"].tolist() == [pd.Timestamp("2024-01-01")]


def test_no_complete_month_is_said() -> None:
    ledger = open_orders([("a", "2024-01-10", 10.0), ("a", "2024-01-20", 5.0)])
    assert ledger.last_complete_month is None
    summary = summarize_customers(ledger)
    assert summary[["n_orders", "n_active_periods", "revenue"]].to_numpy().tolist() == [[2, 0, 15]]
    assert summary["demand_cv"].isna().all()
    assert "No month is complete: there are no measures by period." in ledger.audit.warnings
    with pytest.raises(EmptyDataError, match="No month of the ledger is complete on 2024-01-20"):
        activity_panel(ledger)
    with pytest.raises(ParameterError):
        activity_panel(ledger, freq="week")  # type: ignore[arg-type]


def test_a_ledger_of_credit_notes_only() -> None:
    ledger = open_orders([("a", "2024-01-31", -10.0), ("b", "2024-01-31", -5.0)])
    summary = summarize_customers(ledger)
    assert summary[["n_orders", "revenue", "returns"]].to_numpy().tolist() == [[0, -10, 10], [0, -5, 5]]
    assert summary["first_order"].dtype.kind == "M"
    assert activity_panel(ledger)[["revenue", "n_orders"]].to_numpy().tolist() == [[-10, 0], [-5, 0]]
    assert ledger.audit.n_customers_left_censored == 0


def test_leading_zeros_tell_customers_apart() -> None:
    summary = summarize_customers(open_orders([("007", "2024-01-31", 1.0), ("7", "2024-01-31", 2.0)]))
    assert dict(zip(summary["customer_id"], summary["revenue"], strict=True)) == {"007": 1, "7": 2}


def test_money_is_summed_exactly() -> None:
    rows = [("a", "2024-01-31", 0.1, str(n)) for n in range(30)] + [("a", "2024-01-31", -0.3, "x")]
    assert summarize_customers(open_orders(rows))["revenue"].tolist() == [2.7]
    back = [("a", "2024-01-31", amount, "1") for amount in (0.1, 0.2, -0.3)]
    assert summarize_customers(open_orders(back))["revenue"].tolist() == [0]


def test_even_demand_does_not_vary() -> None:
    rows = [("a", f"2024-{month:02}-15", 33.33) for month in range(1, 13)] + [("a", "2024-12-31", 0.0)]
    assert summarize_customers(open_orders(rows))["demand_cv"].tolist() == [pytest.approx(0, abs=1e-7)]


def test_silence_until_the_as_of_date_counts() -> None:
    rows = [("a", "2024-01-31", 10.0), ("a", "2024-02-29", 10.0)]
    summary = summarize_customers(open_orders(rows, as_of="2024-04-30"))
    assert summary["demand_cv"].tolist() == [pytest.approx(1)]
    assert summary["days_since_last_order"].tolist() == [61]


# -- against pandas --------------------------------------------------------------------------------------------------------

LINE = st.tuples(
    st.sampled_from(["a", "b", "007", "7", "김철수", "O'Hara; DROP"]),
    st.dates(date(2023, 11, 1), date(2024, 6, 30)).map(str),
    st.integers(-3000, 9000).map(lambda n: n / 100),
    st.sampled_from(["1", "2", "3", None]),
    st.one_of(st.none(), st.integers(0, 100).map(float)),
)


def summarize_naively(frame: pd.DataFrame, as_of: pd.Timestamp, end: date | None) -> pd.DataFrame:
    summary = []
    for customer, lines in frame.groupby("customer_id"):
        exact = [Decimal(str(amount)) for amount in lines["amount"]]
        cost = sum((Decimal(str(cost)) for cost in lines["cost"].fillna(lines["amount"])), Decimal(0))
        bought = lines[lines["amount"] > 0]
        days = bought["order_date"].dt.normalize().drop_duplicates().sort_values()
        gaps = days.diff().dropna().dt.days.to_numpy()
        demand = bought.groupby(bought["order_date"].dt.to_period("M"))["amount"].sum()
        if end is not None and len(days) and days.iloc[0].date() < add_months(end, 1):
            demand = demand.reindex(pd.period_range(days.iloc[0], end, freq="M"), fill_value=0.0)
        else:
            demand = demand[:0]
        summary.append(
            {
                "customer_id": customer,
                "first_order": days.min(),
                "last_order": days.max(),
                "n_orders": bought["order_id"].nunique(),
                "n_purchase_days": len(days),
                "n_active_periods": (demand > 0).sum(),
                "n_periods": float(len(demand)) if end is not None and len(days) else np.nan,
                "revenue": float(sum(exact)),
                "returns": -float(sum(amount for amount in exact if amount < 0)),
                "cost": float(cost),
                "margin": float(sum(exact) - cost),
                "days_since_last_order": float((as_of - days.max()).days) if len(days) else np.nan,
                "tenure_days": float((as_of - days.min()).days) if len(days) else np.nan,
                "median_gap_days": np.median(gaps) if len(gaps) else np.nan,
                "gap_cv": np.std(gaps) / np.mean(gaps) if len(gaps) > 1 else np.nan,
                "demand_cv": np.std(demand) / np.mean(demand) if len(demand) > 1 else np.nan,
            }
        )
    return pd.DataFrame(summary).sort_values("customer_id", ignore_index=True)


def sum_up_naively(frame: pd.DataFrame, freq: Any, fiscal_year_start: int, end: date) -> pd.DataFrame:
    panel = []
    starts = [period_start(day.date(), freq, fiscal_year_start=fiscal_year_start) for day in frame["order_date"]]
    length = {"month": 1, "quarter": 3, "year": 12}[freq]
    for (customer, start), lines in frame.assign(start=starts).groupby(["customer_id", "start"]):
        if add_months(start, length - 1) <= end:
            exact = sum(Decimal(str(amount)) for amount in lines["amount"])
            cost = sum(Decimal(str(cost)) for cost in lines["cost"].fillna(lines["amount"]))
            n_orders = lines.loc[lines["amount"] > 0, "order_id"].nunique()
            panel.append((customer, pd.Timestamp(start), float(exact), n_orders, float(exact - cost)))
    panel.sort()
    return pd.DataFrame(panel, columns=["customer_id", "period", "revenue", "n_orders", "margin"])


@settings(deadline=None, max_examples=10, phases=NO_SHRINKING)
@given(
    st.lists(LINE, min_size=1, max_size=80),
    st.dates(date(2024, 6, 30), date(2024, 9, 30)),
    st.integers(1, 12),
    st.randoms(use_true_random=False),
)
def test_summaries_equal_pandas(rows: list[tuple], as_of: date, fiscal_year_start: int, random: Any) -> None:
    ledger = open_orders(rows, as_of=as_of, fiscal_year_start=fiscal_year_start)
    frame = pd.DataFrame(rows, columns=["customer_id", "order_date", "amount", "order_id", "cost"])
    frame["order_date"], frame["cost"] = pd.to_datetime(frame["order_date"]), frame["cost"].astype(float)
    frame["order_id"] = frame["order_id"].fillna("day " + frame["order_date"].astype("str"))
    end = ledger.last_complete_month
    summary = summarize_customers(ledger)
    expected = summarize_naively(frame, pd.Timestamp(as_of), end)
    exact = ["revenue", "returns", "cost", "margin"]
    pd.testing.assert_frame_equal(summary[exact], expected[exact], check_exact=True)
    pd.testing.assert_frame_equal(summary, expected, check_dtype=False, rtol=1e-9, atol=1e-7)
    for freq in ("month", "quarter", "year"):
        panel = sum_up_naively(frame, freq, fiscal_year_start, end) if end else []
        if not len(panel):
            continue
        pd.testing.assert_frame_equal(activity_panel(ledger, freq=freq), panel, check_dtype=False, check_exact=True)
    # The order of the rows changes nothing, not even the last bit; a row after the as-of date only the count.
    random.shuffle(rows)
    again = open_orders([*rows, ("a", "2030-01-01", 5.0, "1", None)], as_of=as_of, fiscal_year_start=fiscal_year_start)
    pd.testing.assert_frame_equal(summarize_customers(again), summary, check_exact=True)
    assert (again.audit.n_rows_in, again.audit.n_rows_kept) == (len(rows) + 1, len(rows))
