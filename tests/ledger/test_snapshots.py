from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from kam.errors import EmptyDataError, LeakageError, MissingColumnError, ParameterError
from kam.ledger import Cleaning, Covariates, Ledger, Snapshots, open_ledger, snapshots
from kam.ledger.snapshot_rows import OUTCOMES

NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)  # each example opens ledgers, which takes its time
AS_IS = Cleaning(duplicates=False, zero_amounts=False, cancellations=False)
NETTED = Cleaning(duplicates=False, zero_amounts=False)
COLUMNS = ["customer_id", "order_date", "amount", "cost", "discount"]
MONTHS = {"month": 1, "quarter": 3, "year": 12}


def open_orders(rows: list[tuple[Any, ...]], **options: Any) -> Ledger:
    frame = pd.DataFrame(rows, columns=COLUMNS[: len(rows[0])])
    frame["order_date"] = pd.to_datetime(frame["order_date"], format="ISO8601")
    return open_ledger(frame, **{"today": date(2027, 1, 1), "cleaning": AS_IS} | options)


def features(found: Snapshots) -> pd.DataFrame:
    return found.rows.drop(columns=[name for name in OUTCOMES if name in found.rows])


# -- one customer by hand ----------------------------------------------------------------------------------------------

HAND = [
    ("a", "2023-01-01T09:00", 10.0, 4.0, 2.5),
    ("a", "2023-01-01T17:00", 20.0, 12.0, 0.0),  # the same purchase day
    ("a", "2023-12-01", 40.0, 30.0, 10.0),
    ("a", "2024-02-10", -4.0, -2.0, 0.0),  # a credit note is no order
    ("a", "2024-02-29", 60.0, 30.0, 0.0),
    ("a", "2024-03-01", 7.0, None, 0.0),  # on the origin
    ("a", "2024-04-01", 9.0, 6.0, 0.0),
    ("b", "2024-03-05", 1.0, 1.0, 0.0),
    ("c", "2023-02-01", -5.0, 0.0, 0.0),
]
LEAP = date(2024, 3, 1)


def test_a_customer_by_hand() -> None:
    found = snapshots(open_orders(HAND, as_of="2024-06-30"), origins=[LEAP], horizon_days=31, k=1)
    assert (found.origins, found.k, found.freq, found.horizon_days) == ((LEAP,), 1, "month", 31)
    assert found.as_of == date(2024, 6, 30)
    assert found.left_out.to_dict("records") == [
        {"term": "customers", "source": "ledger", "n_cases": 2, "why": "no order before the last origin"}
    ]
    (row,) = found.rows.to_dict("records")
    gaps = [334, 90]
    assert row == {
        "customer_id": "a",
        "origin": pd.Timestamp(LEAP),
        "at_risk": True,
        "frequency": 2,
        "recency": 424,
        "T": 425,
        "tenure_days": 425,
        "left_censored": True,
        "monetary_value": 130 / 3,
        "days_since_last_order": 1,
        "mean_gap_days": 212.0,
        "gap_cv": pytest.approx(np.std(gaps) / np.mean(gaps), rel=1e-12),
        "gap_ratio": 1 / 212,
        "n_days_recent": 1,
        "n_days_before": 0,
        "n_days_year": 2,
        "n_days_season": 0,
        "n_days_year_before": pytest.approx(np.nan, nan_ok=True),  # the ledger is 425 days old
        "revenue_recent": 60.0,
        "revenue_before": 0.0,
        "revenue_year": 100.0,
        "revenue_season": 0.0,
        "revenue_year_before": pytest.approx(np.nan, nan_ok=True),
        "margin_year": 100 - 4 - (30 + 30 - 2),
        "share_returned": 0.04,
        "discount_share": 10 / 110,
        "n_days_next": 1.0,  # the first day of April is day 31
        "revenue_next": 7.0,
        "margin_next": 0.0,  # without a cost nothing is earned
        "no_order": False,
        "churned": True,  # a month after the order of 1 March there was none before 1 April, when the silence was over
    }


def test_the_silence_is_counted_by_the_calendar() -> None:
    cases: list[tuple[str, int, Any, str]] = [
        ("2024-01-31", 1, "month", "2024-02-29"),
        ("2023-01-31", 1, "month", "2023-02-28"),
        ("2024-02-29", 1, "year", "2025-02-28"),
        ("2023-11-30", 1, "quarter", "2024-02-29"),
        ("2024-03-31", 2, "month", "2024-05-31"),
        ("2023-12-31", 2, "quarter", "2024-06-30"),
    ]
    ledger = open_orders([(last, last, 1.0) for last, *_ in cases] + [("b", "2022-01-01", 1.0)], as_of="2026-12-31")
    for last, k, freq, due in cases:
        day = date.fromisoformat(due)
        origins = [day - timedelta(days=n) for n in (31, 30, 1, 0)]
        origins = [origin for origin in origins if origin > date.fromisoformat(last)]
        rows = snapshots(ledger, origins=origins, horizon_days=30, k=k, freq=freq).rows
        rows = rows[rows["customer_id"] == last].set_index("origin")
        for origin in origins:
            row = rows.loc[pd.Timestamp(origin)]
            assert row["at_risk"] == (origin < day)
            expected = pd.NA if origin >= day else True
            assert row["churned"] is expected or row["churned"] == expected


def test_churn_looks_beyond_the_horizon_for_silences_that_begin_in_it() -> None:
    rows = [
        ("returns in time", "2024-01-10", 1.0),
        ("returns in time", "2024-02-20", 1.0),
        ("returns in time", "2024-04-19", 1.0),
        ("returns on the day", "2024-01-10", 1.0),
        ("returns on the day", "2024-02-20", 1.0),
        ("returns on the day", "2024-04-20", 1.0),
        ("still silent", "2024-01-10", 1.0),
        ("still silent", "2024-03-01", 1.0),
        ("no order", "2024-01-10", 1.0),
        ("silent beyond", "2024-01-31", 1.0),
        ("long gone", "2023-01-10", 1.0),
    ]
    found = snapshots(open_orders(rows, as_of="2024-04-30"), origins=[date(2024, 2, 15)], horizon_days=30, k=2)
    churned = found.rows.set_index("customer_id")["churned"]
    assert {name: None if pd.isna(value) else bool(value) for name, value in churned.items()} == {
        "long gone": None,  # not at risk
        "no order": True,  # due on 10 March
        "returns in time": False,
        "returns on the day": True,  # two months are over on 20 April
        "silent beyond": True,  # due on 31 March, after the horizon, begun before the origin
        "still silent": True,  # the last silent day is the last of the data
    }
    earlier = snapshots(open_orders(rows, as_of="2024-04-29"), origins=[date(2024, 2, 15)], horizon_days=30, k=2)
    assert earlier.rows.set_index("customer_id")["churned"]["still silent"] is pd.NA
    late = snapshots(open_orders(rows, as_of="2024-04-29"), origins=[date(2024, 4, 1)], horizon_days=30, k=2)
    assert late.rows[["no_order", "churned"]].isna().all(axis=None)  # the data end a day too early
    assert late.rows[["n_days_next", "revenue_next"]].isna().all(axis=None)


# -- plain pandas ------------------------------------------------------------------------------------------------------


def recompute(
    rows: list[tuple[Any, ...]], origin: date, *, as_of: date, horizon: int, k: int, freq: str
) -> dict[str, dict[str, Any]]:
    """Every column of the ledger, by loops over Decimals and dates."""
    lines = [
        (customer, date.fromisoformat(day), Decimal(str(amount)), Decimal(str(cost)), Decimal(str(discount)))
        for customer, day, amount, cost, discount in rows
        if date.fromisoformat(day) <= as_of
    ]
    start = min(day for _, day, *_ in lines)
    end = as_of + timedelta(days=1)

    def after(day: date) -> date:
        return (pd.Timestamp(day) + pd.DateOffset(months=k * MONTHS[freq])).date()

    found: dict[str, dict[str, Any]] = {}
    for customer in sorted({line[0] for line in lines}):
        own = [line[1:] for line in lines if line[0] == customer]
        days = sorted({day for day, amount, *_ in own if amount > 0})
        past = [day for day in days if day < origin]
        if not past:
            continue
        gaps = [(b - a).days for a, b in pairwise(past)]
        since = (origin - past[-1]).days

        def gross(low: date, high: date, own: list[Any] = own) -> float:
            return float(sum((a for d, a, *_ in own if low <= d < high and a > 0), Decimal(0)))

        def margin(low: date, high: date, own: list[Any] = own) -> float:
            return float(sum((a - c for d, a, c, _ in own if low <= d < high), Decimal(0)))

        def before(days: int) -> date:
            return origin - timedelta(days=days)

        ahead = origin + timedelta(days=horizon)
        windows = {
            "recent": (before(horizon), origin),
            "before": (before(2 * horizon), before(horizon)),
            "year": (before(364), origin),
            "season": (before(364), before(364 - horizon)),
            "year_before": (before(728), before(364)),
        }
        row: dict[str, Any] = {
            "at_risk": after(past[-1]) > origin,
            "frequency": len(past) - 1,
            "recency": (past[-1] - past[0]).days,
            "T": (origin - past[0]).days,
            "tenure_days": (origin - past[0]).days,
            "left_censored": (past[0] - start).days < horizon,
            "monetary_value": gross(date.min, origin) / len(past),
            "days_since_last_order": since,
            "mean_gap_days": np.mean(gaps) if gaps else np.nan,
            "gap_cv": np.std(gaps) / np.mean(gaps) if len(gaps) > 1 else np.nan,
            "gap_ratio": since / np.mean(gaps) if gaps else np.nan,
        }
        for name, (low, high) in windows.items():
            known = name not in ("season", "year_before") or low >= start
            row[f"n_days_{name}"] = sum(low <= day < high for day in days) if known else np.nan
            row[f"revenue_{name}"] = gross(low, high) if known else np.nan
        year = [line for line in own if before(364) <= line[0] < origin]
        row["margin_year"] = margin(before(364), origin)
        total = float(sum(a for _, a, *_ in year if a > 0))
        row["share_returned"] = float(-sum(a for _, a, *_ in year if a < 0)) / total if total else np.nan
        given_away = float(sum(d for _, a, _, d in year if a > 0))
        row["discount_share"] = given_away / (total + given_away) if total else np.nan
        is_over = ahead <= end
        following = [day for day in days if origin <= day < ahead]
        row["n_days_next"] = len(following) if is_over else np.nan
        row["revenue_next"] = gross(origin, ahead) if is_over else np.nan
        row["margin_next"] = margin(origin, ahead) if is_over else np.nan
        row["no_order"] = not following if is_over else pd.NA
        silences = []
        for day in [past[-1], *following]:
            later = [other for other in days if other > day]
            silences.append(later[0] >= after(day) if later else True if after(day) <= end else None)
        known = any(silences) or None not in silences
        row["churned"] = any(silences) if is_over and row["at_risk"] and known else pd.NA
        found[customer] = row
    return found


FIRST = date(2022, 1, 1)
LINE = st.tuples(
    st.sampled_from("abcd"),
    st.integers(0, 1000).map(lambda n: str(FIRST + timedelta(days=n))),
    st.integers(-300, 1000).filter(bool).map(lambda cents: cents / 100),
    st.integers(-100, 500).map(lambda cents: cents / 100),
    st.integers(0, 200).map(lambda cents: cents / 100),
)
CHOICE = {
    "horizon": st.integers(1, 364),
    "k": st.integers(1, 5),
    "freq": st.sampled_from(["month", "quarter", "year"]),
}


@settings(max_examples=3, phases=NO_SHRINKING)
@given(st.data())
def test_all_columns_equal_plain_loops(data: st.DataObject) -> None:
    rows = [*data.draw(st.lists(LINE, min_size=20, max_size=150)), ("a", str(FIRST), 1.0, 0.0, 0.0)]
    as_of = FIRST + timedelta(days=data.draw(st.integers(900, 1100)))
    ledger = open_orders(rows, as_of=as_of)
    for _ in range(4):
        origins = data.draw(st.sets(st.integers(1, 901), min_size=1, max_size=4))
        days = tuple(FIRST + timedelta(days=n) for n in sorted(origins))
        choice = data.draw(st.fixed_dictionaries(CHOICE))
        horizon = choice.pop("horizon")
        found = snapshots(ledger, origins=days, horizon_days=horizon, **choice)
        expected = [
            {"customer_id": customer, "origin": pd.Timestamp(day)} | row
            for day in days
            for customer, row in recompute(rows, day, as_of=as_of, horizon=horizon, **choice).items()
        ]
        frame = pd.DataFrame(expected).astype({"no_order": "boolean", "churned": "boolean"})
        pd.testing.assert_frame_equal(found.rows, frame[found.rows.columns], check_dtype=False, rtol=1e-12)


# -- nothing from the future -------------------------------------------------------------------------------------------


LINES = pd.DataFrame(
    [
        ("a", "1", "2024-01-10", 2, 10.0, "2024-01-12", "2024-01-12"),
        ("a", "2", "2024-02-10", 3, 30.0, "2024-02-12", "2024-02-12"),
        ("b", "3", "2024-02-20", 1, 5.0, "2024-02-25", "2024-02-25"),
        ("c", "4", "2024-01-15", 1, 7.0, "2024-01-20", "2024-01-20"),
    ],
    columns=["customer_id", "order_id", "order_date", "quantity", "amount", "promised_date", "delivered_date"],
).assign(product_id="p")


def open_lines(lines: pd.DataFrame) -> Ledger:
    dates = {name: pd.to_datetime(lines[name]) for name in ("order_date", "promised_date", "delivered_date")}
    return open_ledger(lines.assign(**dates), as_of="2024-06-30", cleaning=NETTED)


def cancel(lines: pd.DataFrame, order_id: str, day: str) -> pd.DataFrame:
    order = lines[lines["order_id"] == order_id]
    back = order.assign(order_id=f"C{order_id}", order_date=day, promised_date=None, delivered_date=None)
    back = back.assign(quantity=-order["quantity"], amount=-order["amount"])
    return pd.concat([lines, back], ignore_index=True)


EVENT = st.tuples(
    st.sampled_from("ab"),
    st.integers(0, 300),  # the day it was ordered, or cancelled
    st.sampled_from([-2, -1, 1, 2]),  # pieces, of few kinds, so that many orders are cancelled
    st.sampled_from([5.0, 7.0]),
    st.integers(0, 20),  # promised so many days after
    st.none() | st.integers(0, 60),  # delivered so many days after
)


@settings(max_examples=3, phases=NO_SHRINKING)
@given(st.lists(EVENT, min_size=10, max_size=60), st.lists(EVENT, max_size=20), st.integers(50, 300))
def test_what_happens_from_the_origin_on_changes_no_feature(
    events: list[tuple[Any, ...]], others: list[tuple[Any, ...]], n: int
) -> None:
    origin = FIRST + timedelta(days=n)

    def open_events(events: list[tuple[Any, ...]], *, delivered: bool) -> Ledger:
        rows = [("a", "first", str(FIRST), 1, 3.0, None, None)]
        for i, (name, day, pieces, price, due, came) in enumerate(events):
            ordered = FIRST + timedelta(days=day)
            arrives = None if came is None else ordered + timedelta(days=came)
            is_seen = arrives is not None and (delivered or arrives < origin)
            promised = ordered + timedelta(days=due)
            rows.append((name, str(i), ordered, pieces, pieces * price, promised, arrives if is_seen else None))
        return open_lines(pd.DataFrame(rows, columns=LINES.columns[:-1]).assign(product_id="p"))

    past = [event for event in events if event[1] < n]
    future = [event for event in events if event[1] >= n]
    changed = [event for event in others if event[1] >= n]
    seen = open_events(past + future, delivered=True)
    other = open_events(past + changed, delivered=False)
    found, again = (features(snapshots(ledger, origins=[origin], horizon_days=50, k=2)) for ledger in (seen, other))
    pd.testing.assert_frame_equal(found, again)


def test_who_cancels_after_the_origin_had_ordered_at_it() -> None:
    options: dict[str, Any] = {"origins": [date(2024, 3, 1), date(2024, 4, 1)], "horizon_days": 28, "k": 2}
    before = snapshots(open_lines(LINES), **options)
    cancelled = cancel(cancel(LINES, "2", "2024-03-01"), "4", "2024-03-20")
    after = snapshots(open_lines(cancelled), **options)
    march, april = (
        features(after)[lambda rows, day=day: rows["origin"] == day] for day in ("2024-03-01", "2024-04-01")
    )
    pd.testing.assert_frame_equal(march, features(before)[features(before)["origin"] == "2024-03-01"])
    assert march["customer_id"].tolist() == ["a", "b", "c"]
    assert april["customer_id"].tolist() == ["a", "b"]
    assert april.set_index("customer_id").loc["a", ["frequency", "revenue_year", "n_deliveries"]].tolist() == [0, 10, 1]
    # As an outcome, the order that was cancelled is none.
    found = snapshots(open_lines(cancelled), origins=[date(2024, 2, 5)], horizon_days=28, k=2)
    assert found.rows.set_index("customer_id")["no_order"].to_dict() == {"a": True, "c": True}


def test_who_cancelled_before_the_origin_had_not_ordered() -> None:
    found = snapshots(open_lines(cancel(LINES, "2", "2024-02-29")), origins=[date(2024, 3, 1)], horizon_days=28, k=2)
    without = snapshots(open_lines(LINES[LINES["order_id"] != "2"]), origins=[date(2024, 3, 1)], horizon_days=28, k=2)
    pd.testing.assert_frame_equal(found.rows, without.rows)


def test_cancellations_pair_the_latest_order() -> None:
    lines = LINES[LINES["order_id"] == "2"]
    twice = pd.concat([lines, lines.assign(order_id="5", order_date="2024-02-15", promised_date="2024-02-16")])
    cancelled = cancel(cancel(twice, "5", "2024-03-05"), "2", "2024-04-05")
    rows = snapshots(
        open_lines(pd.concat([cancelled, LINES[:1]])), origins=[date(2024, 3, 1), date(2024, 4, 1)], k=2
    ).rows
    assert rows["frequency"].tolist() == [2, 1]
    assert rows["days_since_last_order"].tolist() == [15, 51]  # the order of 15 February was cancelled first


# -- deliveries --------------------------------------------------------------------------------------------------------


def test_deliveries_are_late_as_far_as_was_known() -> None:
    deliveries = [
        ("1", "2024-01-01", "2024-01-10", "2024-01-10"),  # in time
        ("2", "2024-01-01", "2024-01-10", "2024-01-11"),  # late
        ("2", "2024-01-01", "2024-01-10", "2024-01-12"),  # the same delivery
        ("3", "2024-01-01", "2024-02-29", "2024-03-20"),  # late, and not yet there at the origin
        ("4", "2024-02-01", "2024-02-28", None),  # never came
        ("5", "2024-02-01", "2024-03-01", "2024-03-09"),  # due on the origin
        ("6", "2023-11-01", "2023-12-01", "2023-12-31"),  # 91 days before the origin
        ("7", "2023-11-01", "2023-11-30", "2023-12-31"),  # 92 days
        ("8", "2024-02-01", None, None),
    ]
    rows = [
        ("a", order, ordered, 1, 5.0 + i, due, came) for i, (order, ordered, due, came) in enumerate(deliveries)
    ] + [("b", "9", "2024-02-01", 1, 5.0, None, None), ("a", "10", "2024-02-02", -1, -9.5, "2024-02-03", None)]
    lines = pd.DataFrame(rows, columns=LINES.columns[:-1]).assign(product_id="p")
    found = snapshots(open_lines(lines), origins=[LEAP], horizon_days=30, k=6)
    rows_of = found.rows.set_index("customer_id")
    assert rows_of["n_deliveries"].to_dict() == {"a": 5, "b": 0}
    assert rows_of.loc["a", "share_late"] == 4 / 5
    assert np.isnan(rows_of.loc["b", "share_late"])
    assert found.covariates.to_dict("records") == [
        {"term": "n_deliveries", "source": "ledger", "unit": "91 days", "n_missing": 0, "why": ""},
        {
            "term": "share_late",
            "source": "ledger",
            "unit": "share",
            "n_missing": 1,
            "why": "no delivery was due in the 91 days before",
        },
    ]
    # What becomes known on the origin or later, and orders placed later, change nothing.
    later = lines.copy()
    later.loc[later["order_id"] == "3", "delivered_date"] = None
    later.loc[later["order_id"] == "5", "delivered_date"] = "2024-03-01"
    later.loc[later["order_id"] == "8", "promised_date"] = "2024-03-01"
    backdated = lines[:1].assign(order_id="11", order_date=str(LEAP), amount=1.5)
    again = snapshots(open_lines(pd.concat([later, backdated])), origins=[LEAP], horizon_days=30, k=6)
    pd.testing.assert_frame_equal(features(again), features(found))


# -- which origins -----------------------------------------------------------------------------------------------------

DAILY = [("a", str(FIRST + timedelta(days=n)), 1.0) for n in range(0, 500, 10)]


@pytest.fixture(scope="module")
def daily() -> Ledger:
    return open_orders(DAILY)


def test_origins_go_back_from_the_end_of_the_data() -> None:
    ledger = open_orders(DAILY, as_of=FIRST + timedelta(days=499))
    found = snapshots(ledger, k=2)
    assert found.origins == tuple(FIRST + timedelta(days=n) for n in (227, 318, 409))
    assert found.left_out.to_dict("records") == [
        {"term": "origins", "source": "ledger", "n_cases": 1, "why": "less than two horizons after the first order"}
    ]
    monthly = snapshots(ledger, origins=3, step_days=30, k=2, score=True)
    assert monthly.origins == tuple(FIRST + timedelta(days=n) for n in (349, 379, 409, 500))
    assert monthly.left_out.empty
    scored = monthly.rows[monthly.rows["origin"] == monthly.rows["origin"].max()]
    assert scored[["n_days_next", "revenue_next", "no_order", "churned"]].isna().all(axis=None)
    assert monthly.rows["no_order"].notna().sum() == 3
    # One code path: an origin has the same row whatever else is asked for.
    alone = snapshots(ledger, origins=[FIRST + timedelta(days=379)], k=2)
    pd.testing.assert_frame_equal(alone.rows, monthly.rows[1:2].reset_index(drop=True))
    assert alone.rows.index.equals(pd.RangeIndex(1))
    named = snapshots(ledger, origins=[pd.Timestamp(FIRST) + pd.Timedelta(days=n) for n in (409, 227)], k=2)
    assert named.origins == (FIRST + timedelta(days=227), FIRST + timedelta(days=409))


def names_of(con: Any) -> list[tuple[Any, ...]]:
    return con.raw_sql("SHOW ALL TABLES").fetchall()


def test_the_input_and_the_ledgers_database_stay_as_they_were() -> None:
    ledger = open_lines(cancel(LINES, "2", "2024-04-01"))
    tables = names_of(ledger.con)
    snapshots(ledger, origins=[LEAP], k=2)
    assert names_of(ledger.con) == tables


def test_a_ledger_in_another_database() -> None:
    other = ibis.duckdb.connect()
    lines = cancel(LINES[LINES["order_id"] != "1"], "4", "2024-04-01")  # c has no other order
    dates = {name: pd.to_datetime(lines[name]) for name in ("order_date", "promised_date", "delivered_date")}
    elsewhere = open_ledger(other.create_table("lines", lines.assign(**dates)), as_of="2024-06-30", cleaning=NETTED)
    tables = names_of(other), names_of(elsewhere.con)
    options: dict[str, Any] = {"origins": [LEAP], "horizon_days": 30, "k": 2}
    found = snapshots(elsewhere, **options)
    assert found.rows["customer_id"].tolist() == ["a", "b", "c"]
    pd.testing.assert_frame_equal(found.rows, snapshots(open_lines(lines), **options).rows)
    assert (names_of(other), names_of(elsewhere.con)) == tables


# -- bad input ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"horizon_days": 200}, ParameterError, "horizon of 200 days needs 600 days of data, and there are 491"),
        ({"horizon_days": 365}, ParameterError, "horizon_days is 365.*1 to 364"),
        ({"horizon_days": 9.5}, ParameterError, "horizon_days is 9.5"),
        ({"k": 0}, ParameterError, "k is 0"),
        ({"k": True}, ParameterError, "k is True"),
        ({"freq": "day"}, ParameterError, "no frequency 'day'"),
        ({"step_days": 0}, ParameterError, "step_days is 0"),
        ({"origins": 0}, ParameterError, "origins is 0"),
        ({"origins": True}, ParameterError, "origins is True"),
        ({"origins": "2022-05-01"}, ParameterError, "origins is '2022-05-01'"),
        ({"origins": 2.0}, ParameterError, r"origins is 2\.0"),
        ({"origins": []}, ParameterError, "There are no origins"),
        ({"origins": ["2022-05-01"]}, ParameterError, "origin '2022-05-01' is no day"),
        ({"origins": [pd.Timestamp("2022-05-01 12:00")]}, ParameterError, "is no day"),
        ({"origins": [date(2022, 5, 1)] * 2}, ParameterError, "origin 2022-05-01 is named twice"),
        ({"origins": [date(2023, 5, 8)]}, ParameterError, "2023-05-08 is outside of the data, which end on 2023-05-06"),
        ({"origins": [FIRST]}, EmptyDataError, "No customer ordered before the origin 2022-01-01"),
        ({"covariates": {}}, ParameterError, "covariates is a dict"),
    ],
)
def test_bad_arguments_are_named(daily: Ledger, options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        snapshots(daily, **{"k": 2} | options)


def test_ledgers_without_orders_are_named() -> None:
    ledger = open_orders([("a", "2024-01-01", -1.0), ("b", "2024-06-01", -1.0)])
    with pytest.raises(EmptyDataError, match="Nobody ever ordered"):
        snapshots(ledger, origins=[LEAP], k=2)


def test_features_can_be_required(daily: Ledger) -> None:
    accounts = pd.DataFrame({"customer_id": ["a"], "receivable": [1.0], "industry": ["food"]})
    found = snapshots(daily, k=2, covariates=Covariates(accounts=accounts, static=("industry",)))
    found.require(["frequency", "industry"])
    with pytest.raises(LeakageError, match="'receivable' of accounts is known only as of today"):
        found.require(["frequency", "receivable"])
    with pytest.raises(LeakageError, match="'no_order' lies on or after the origin"):
        found.require(["no_order"])
    with pytest.raises(MissingColumnError, match="no feature 'weather'"):
        found.require(["weather"])


# -- real data ---------------------------------------------------------------------------------------------------------


def test_online_retail_equals_pandas(real_data: Callable[[str], Path]) -> None:
    orders = pd.read_parquet(real_data("online_retail_ii/orders_2009_2011.parquet"))
    orders = orders[(orders["amount"] > 0) & ~orders["cancelled"] & orders["customer_id"].notna()]
    orders = orders[["invoice", "date", "customer_id", "amount"]].astype({"customer_id": "int64"})
    ledger = open_ledger(orders, columns={"order_id": "invoice", "order_date": "date"})
    found = snapshots(ledger, k=6)
    assert [str(day) for day in found.origins] == ["2010-12-11", "2011-03-12", "2011-06-11", "2011-09-10"]
    orders = orders.assign(day=orders["date"].dt.normalize(), customer_id=orders["customer_id"].astype(str))
    for origin in found.origins:
        rows = found.rows[found.rows["origin"] == pd.Timestamp(origin)].set_index("customer_id")
        day = pd.Timestamp(origin)
        past = orders[orders["day"] < day].groupby("customer_id")
        assert rows.index.tolist() == sorted(past.groups)
        assert (rows["frequency"] == past["day"].nunique() - 1).all()
        assert (rows["days_since_last_order"] == (day - past["day"].max()).dt.days).all()
        year = orders[orders["day"].between(day - pd.Timedelta(days=364), day - pd.Timedelta(days=1))]
        money = year.groupby("customer_id")["amount"].sum().reindex(rows.index, fill_value=0)
        assert np.allclose(rows["revenue_year"], money, rtol=0, atol=1e-6)
        ahead = orders[orders["day"].between(day, day + pd.Timedelta(days=90))]
        assert (rows["no_order"] == ~rows.index.isin(ahead["customer_id"])).all()
        due = past["day"].max() + pd.DateOffset(months=6)
        assert (rows["at_risk"] == (due > day)).all()


def test_origins_apart_share_no_outcome() -> None:
    ledger = open_orders([("a", "2023-01-01", 1.0), ("b", "2023-05-01", 1.0)], as_of="2024-12-31")
    days = [date(2024, 1, 1), date(2024, 1, 11), date(2024, 1, 21), date(2024, 1, 31)]
    taken = snapshots(ledger, origins=days, horizon_days=15, k=3)
    apart = taken.apart()
    assert apart.origins == (date(2024, 1, 1), date(2024, 1, 31))
    assert apart.rows["origin"].unique().tolist() == [pd.Timestamp(day) for day in apart.origins]
    assert len(apart.rows) == 4 and apart.rows.index.equals(pd.RangeIndex(4))
    assert taken.origins == tuple(days)
