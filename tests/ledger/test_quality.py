"""The quality of sales by customer and month, against plain pandas."""

import numpy as np
import pandas as pd
import pytest

from kam.errors import EmptyDataError, ParameterError
from kam.ledger import Cleaning, open_ledger
from kam.ledger.quality import quality_facts

AS_IS = Cleaning(duplicates=False, zero_amounts=False, cancellations=False)


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    n = 3000
    order = rng.integers(0, 1200, n)
    away = rng.integers(0, 3, 1200)[order]
    return pd.DataFrame(
        {
            "customer_id": [f"{i:03d}" for i in order % 30],
            "order_id": order.astype(str),
            "order_date": pd.Timestamp("2023-01-01") + pd.to_timedelta((order * 7919) % 700, unit="D"),
            "amount": rng.integers(-20, 200, n) / 4,
            "cost": rng.integers(0, 100, n) / 4,
            "discount": rng.integers(0, 9, n) / 4,
            "freight": rng.integers(0, 5, n) / 1.0,
            "trade_terms": rng.integers(0, 3, n) / 2,
            "region": "N",
            "ship_region": np.array(["N", "S", None], dtype=object)[away],
        }
    )


@pytest.fixture(scope="module")
def facts(lines):
    return quality_facts(open_ledger(lines, as_of="2024-11-20", cleaning=AS_IS))


def test_facts_are_what_pandas_says(lines, facts):
    frame = lines[lines["order_date"] < "2024-11-01"].copy()
    frame["month"] = frame["order_date"].dt.to_period("M").dt.start_time
    up = frame["amount"] > 0
    at_end = frame["order_date"].dt.days_in_month - frame["order_date"].dt.day < 7
    away = up & frame["ship_region"].notna() & (frame["ship_region"] != "N")
    frame["gross"], frame["returns"] = frame["amount"].clip(lower=0), -frame["amount"].clip(upper=0)
    for name in ("discount", "freight", "trade_terms"):
        frame[f"given_{name}"] = frame[name].where(up, 0.0)
    frame["end"], frame["away"], frame["located"] = up & at_end, away, up & frame["ship_region"].notna()
    sums = [name for name in frame if name in ("gross", "returns") or name.startswith("given_")]
    orders = frame.groupby(["customer_id", "month", "order_id"])[[*sums, "freight"]].sum()
    orders = orders.join(
        frame.groupby(["customer_id", "month", "order_id"])[["end", "away", "located"]].any()
    ).reset_index()
    is_order = orders["gross"] > 0
    whole = orders["gross"] + orders["given_discount"]
    orders["rate"] = (orders["given_discount"] / whole).where(is_order, 0.0).clip(0, 1)
    serve = (orders["given_freight"] + orders["given_trade_terms"]) / orders["gross"].where(is_order)
    orders["serve"] = serve.fillna(0.0).clip(0, 1)
    orders["rate2"], orders["serve2"], orders["square"] = (
        orders["rate"] ** 2,
        orders["serve"] ** 2,
        orders["gross"] ** 2,
    )
    orders["is_order"], orders["back"] = is_order, orders["returns"] > 0
    orders["end_gross"], orders["away_gross"] = orders["gross"] * orders["end"], orders["gross"] * orders["away"]
    pairs = {
        "n_orders": "is_order", "gross": "gross", "returns": "returns", "n_returns": "back", "n_last_days": "end",
        "last_days": "end_gross", "order_squares": "square", "freight": "freight", "discount_rate": "rate",
        "discount_rate_squares": "rate2", "serve_rate": "serve", "serve_rate_squares": "serve2", "n_located": "located",
        "n_away": "away", "away": "away_gross",
    }  # fmt: skip
    expected = orders.groupby(["customer_id", "month"])[list(pairs.values())].sum()
    assert facts[["customer_id", "month"]].to_numpy().tolist() == [list(key) for key in expected.index]
    for name, plain in pairs.items():
        np.testing.assert_allclose(
            facts[name].to_numpy(dtype=float), expected[plain].to_numpy(dtype=float), atol=1e-6, err_msg=name
        )


def test_the_last_days_end_with_the_month():
    days = ["2024-02-22", "2024-02-23", "2024-02-29", "2024-03-31"]
    orders = pd.DataFrame({"customer_id": "a", "order_date": days, "amount": [1.0, 2.0, 4.0, 8.0]})
    facts = quality_facts(open_ledger(orders, as_of="2024-03-31"))
    assert facts[["n_last_days", "last_days"]].to_numpy().tolist() == [[2, 6.0], [1, 8.0]]


def test_the_home_of_the_account_file_goes_before_that_of_the_ledger():
    orders = pd.DataFrame({"customer_id": ["a", "b"], "order_date": "2024-01-31", "amount": 10.0})
    orders = orders.assign(region="N", ship_region=["S", "S"])
    accounts = pd.DataFrame({"customer_id": ["a"], "region": ["S"]})
    ledger = open_ledger(orders)
    assert quality_facts(ledger)["n_away"].tolist() == [1, 1]
    assert quality_facts(ledger, accounts=accounts)["n_away"].tolist() == [0, 1]


def test_only_what_the_ledger_has():
    orders = pd.DataFrame({"customer_id": ["a"], "order_date": "2024-01-31", "amount": 10.0})
    assert not {"discount_rate", "serve_rate", "n_away", "margin"} & set(quality_facts(open_ledger(orders)))


def test_bad_input():
    orders = pd.DataFrame({"customer_id": ["a"], "order_date": "2024-01-15", "amount": 10.0})
    with pytest.raises(EmptyDataError):
        quality_facts(open_ledger(orders, as_of="2024-01-15"))
    with pytest.raises(ParameterError, match="last_days"):
        quality_facts(open_ledger(orders, as_of="2024-01-31"), last_days=40)
