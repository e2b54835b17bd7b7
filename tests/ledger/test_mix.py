"""What was bought of what, and deliveries, against plain pandas."""

import numpy as np
import pandas as pd
import pytest

from kam.errors import EmptyDataError, MissingColumnError, ParameterError
from kam.ledger import Cleaning, open_ledger, summarize_deliveries, summarize_mix
from kam.ledger.mix import bought_groups

AS_IS = Cleaning(duplicates=False, zero_amounts=False, cancellations=False)


@pytest.fixture(scope="module")
def orders() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    n = 4000
    order = rng.integers(0, 1500, n)
    customer = order % 40
    day = pd.Timestamp("2023-01-01") + pd.to_timedelta((order * 7919) % 700, unit="D")
    promised = day + pd.to_timedelta(3 + order % 5, unit="D")
    delivered = promised + pd.to_timedelta(rng.integers(-2, 3, n), unit="D")
    frame = pd.DataFrame(
        {
            "customer_id": [f"{i:03d}" for i in customer],
            "order_id": order.astype(str),
            "order_date": day,
            "amount": rng.integers(-20, 200, n) / 4,
            "cost": rng.integers(0, 100, n) / 4,
            "quantity": rng.integers(1, 9, n).astype(float),
            "discount": rng.integers(0, 9, n) / 4,
            "product_group": np.array(["film", "tape", "labels", None], dtype=object)[rng.integers(0, 4, n)],
            "promised_date": promised,
            "delivered_date": pd.Series(delivered).mask(rng.random(n) < 0.05),
        }
    )
    frame.loc[rng.random(n) < 0.05, "cost"] = np.nan
    return frame


@pytest.fixture(scope="module")
def ledger(orders):
    return open_ledger(orders, as_of="2024-11-20", cleaning=AS_IS)


def kept(orders, freq):
    frame = orders[orders["order_date"] <= "2024-11-20"].copy()
    if freq == "day":
        return frame.assign(period=frame["order_date"])
    frame["period"] = frame["order_date"].dt.to_period({"month": "M", "quarter": "Q"}[freq]).dt.start_time
    return frame[frame["order_date"] < {"month": "2024-11-01", "quarter": "2024-10-01"}[freq]]


@pytest.mark.parametrize("freq", ["month", "quarter", "day"])
@pytest.mark.parametrize("by", ["product_group", None])
def test_mix_is_what_pandas_says(ledger, orders, freq, by):
    frame = kept(orders, freq)
    keys = ["customer_id", "period", *(["group"] if by else [])]
    frame["group"] = frame["product_group"]
    frame["margin"] = frame["amount"] - frame["cost"].fillna(frame["amount"])
    frame["returns"] = -frame["amount"].clip(upper=0)
    grouped = frame.groupby(keys, dropna=False)
    expected = grouped[["amount", "returns", "quantity", "discount", "margin"]].sum()
    positive = frame[frame["amount"] > 0].groupby(keys, dropna=False)["order_id"].nunique()
    expected["n_orders"] = positive.reindex(expected.index).fillna(0).astype(int)
    expected = expected.reset_index().rename(columns={"amount": "revenue"}).sort_values(keys, ignore_index=True)
    got = summarize_mix(ledger, by=by, freq=freq)
    assert list(got) == [*keys, "revenue", "returns", "n_orders", "quantity", "discount", "margin"]
    assert len(got) == len(expected) > 100
    for name in got.columns[len(keys) :]:
        np.testing.assert_allclose(got[name], expected[name], atol=1e-9)
    assert (got["customer_id"].to_numpy() == expected["customer_id"].to_numpy()).all()
    assert (got["period"].to_numpy() == expected["period"].to_numpy()).all()
    if by:
        assert got["group"].fillna("-").tolist() == expected["group"].fillna("-").tolist()


def test_deliveries_are_what_pandas_says(ledger, orders):
    frame = kept(orders, "month")
    as_of = pd.Timestamp("2024-11-20")
    arrived = frame["delivered_date"].notna() & (frame["delivered_date"] <= as_of)
    known = frame[(frame["amount"] > 0) & (arrived | (frame["promised_date"] < as_of))].copy()
    known["late"] = ~(known["delivered_date"] <= known["promised_date"])
    per_order = known.groupby(["customer_id", "period", "order_id"])["late"].any().reset_index()
    expected = per_order.groupby(["customer_id", "period"])["late"].agg(["size", "sum"]).reset_index()
    got = summarize_deliveries(ledger)
    assert got["n_deliveries"].tolist() == expected["size"].tolist()
    assert got["n_late"].tolist() == expected["sum"].tolist()
    some = summarize_deliveries(ledger, customers=["003", "007"])
    pd.testing.assert_frame_equal(some, got[got["customer_id"].isin(["003", "007"])].reset_index(drop=True))


def test_late_as_known_on_the_last_day():
    orders = pd.DataFrame(
        {
            "customer_id": "a",
            "order_date": ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08"],
            "amount": [1.0, 1.0, 1.0, 1.0, -1.0],
            "promised_date": ["2024-01-10", "2024-01-10", "2024-02-10", None, "2024-01-09"],
            "delivered_date": ["2024-01-10", None, None, "2024-01-20", None],
        }
    )
    got = summarize_deliveries(open_ledger(orders, as_of="2024-01-31", cleaning=AS_IS), freq="day")
    assert got["period"].dt.day.tolist() == [2, 3]  # not due yet, nothing promised, and a credit note are no deliveries
    assert got[["n_deliveries", "n_late"]].to_numpy().tolist() == [[1, 0], [1, 1]]


def test_only_the_customers_asked_for(ledger):
    whole = summarize_mix(ledger, by="product_group")
    some = summarize_mix(ledger, by="product_group", customers=["001"])
    pd.testing.assert_frame_equal(some, whole[whole["customer_id"] == "001"].reset_index(drop=True))
    assert summarize_mix(ledger, by="product_group", customers=[]).empty


def test_bad_input(ledger):
    with pytest.raises(ParameterError, match="no grouping 'colour'"):
        summarize_mix(ledger, by="colour")
    with pytest.raises(MissingColumnError, match="no region"):
        summarize_mix(ledger, by="region")
    with pytest.raises(ParameterError, match="no frequency 'week'"):
        summarize_mix(ledger, by=None, freq="week")
    bare = open_ledger(pd.DataFrame({"customer_id": "a", "order_date": ["2024-01-10"], "amount": [1.0]}))
    with pytest.raises(MissingColumnError, match="no promised_date and no delivered_date"):
        summarize_deliveries(bare)
    with pytest.raises(EmptyDataError, match="No month"):
        summarize_mix(bare, by=None)


def test_last_years_count_back_from_the_last_complete_month():
    days = pd.date_range("2022-05-10", "2024-08-20", freq="D")
    orders = pd.DataFrame({"customer_id": "a", "order_date": days, "amount": 1.0, "product_group": "tape"})
    ledger = open_ledger(orders, as_of="2024-08-20", cleaning=AS_IS)
    years = summarize_mix(ledger, by="product_group", freq="last_years")
    assert years["period"].tolist() == [
        pd.Timestamp("2021-08-01"),
        pd.Timestamp("2022-08-01"),
        pd.Timestamp("2023-08-01"),
    ]
    assert years["revenue"].tolist() == [83.0, 365.0, 366.0]  # August 2024 is not complete
    months = summarize_mix(ledger, by="product_group")
    assert months["revenue"].tail(12).sum() == years["revenue"].iloc[-1]


def test_bought_groups_are_those_of_the_mix():
    rng = np.random.default_rng(4)
    n = 300
    lines = pd.DataFrame(
        {
            "customer_id": rng.choice(["b", "a", "é"], n),
            "order_date": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 91, n), "D"),
            "order_id": rng.integers(0, 60, n).astype(str),
            "amount": rng.choice([-1.25, 0.1, 0.2, 1e9], n),
            "product_group": rng.choice(["tape", "film", None], n),
        }
    )
    ledger = open_ledger(lines, as_of="2024-03-31")
    found = bought_groups(ledger, "product_group")
    expected = summarize_mix(ledger, by="product_group", freq="month")[list(found)]
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    assert found["group"].isna().any() and found["n_orders"].max() > 1


def test_a_customer_with_a_nul_in_its_id(tmp_path):
    """DuckDB takes a NUL for the end of a literal, so that one such id made the question a syntax error."""
    lines = pd.DataFrame(
        {"customer_id": ["a\0b'c", "d", "\0", "a"], "order_date": "2024-01-31", "amount": [1.0, 2.0, 3.0, 4.0]}
    )
    lines.to_parquet(tmp_path / "orders.parquet")
    ledger = open_ledger(tmp_path / "orders.parquet")
    mix = summarize_mix(ledger, by=None, freq="day", customers=["a\0b'c", "\0", "nobody"])
    assert dict(zip(mix["customer_id"], mix["revenue"], strict=True)) == {"a\0b'c": 1.0, "\0": 3.0}
