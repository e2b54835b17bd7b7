from datetime import date
from decimal import Decimal
from typing import Any

import ibis
import pandas as pd
import pytest
from ibis.backends.duckdb import Backend

from kam.ledger import rollup as rollup_module
from kam.ledger.rollup import Rollup, build_rollup, month_totals, purchase_days
from kam.ledger.storage import Storage

LINES = [
    # customer, day, order, amount, cost
    ("a", date(2024, 1, 31), "1", "10.0001", "4"),
    ("a", date(2024, 1, 31), "1", "0.0001", None),
    ("a", date(2024, 1, 1), "2", "5", "1"),
    ("a", date(2024, 2, 1), "1", "7", "1"),  # order 1 goes on
    ("a", date(2024, 2, 2), "3", "-2", "-1"),  # a credit note
    ("b", date(2024, 1, 15), "1", "1", "0"),  # the same number at another customer
    ("c", date(2023, 12, 31), "9", "-3", "-1"),
]


@pytest.fixture
def con() -> Backend:
    return ibis.duckdb.connect()


def roll_up(
    con: Backend, lines: list[tuple[Any, ...]], *, by_order: bool, is_local: bool = True, by_number: bool = False
) -> Rollup:
    frame = pd.DataFrame(lines, columns=["customer_id", "order_day", "order_id", "amount", "cost"])
    columns = {"customer_id": "string", "order_day": "date", "order_id": "int64" if by_number else "string"}
    table = con.create_table("t", frame).mutate(
        amount=ibis._.amount.cast("decimal(18, 4)"), cost=ibis._.cost.cast("decimal(18, 4)")
    )
    own = con if is_local else ibis.duckdb.connect()
    return build_rollup(table.cast(columns), by_order=by_order, storage=Storage(own, is_local=is_local))


def rows(table: Any, *keys: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in table.order_by(*keys).to_pyarrow().to_pylist()]


@pytest.mark.parametrize("is_local", [True, False])
def test_one_row_per_customer_and_month(con: Backend, is_local: bool) -> None:
    rollup = roll_up(con, LINES, by_order=True, is_local=is_local)
    months = rollup.months.select("customer_id", "month", "n_rows", "gross", "returns", "cost", "n_orders", "day_mask")
    assert rows(months, "customer_id", "month") == [
        ("a", date(2024, 1, 1), 3, Decimal("15.0002"), 0, Decimal("5.0001"), 2, 1 << 30 | 1),
        ("a", date(2024, 2, 1), 2, 7, 2, 0, 1, 1),
        ("b", date(2024, 1, 1), 1, 1, 0, 0, 1, 1 << 14),
        ("c", date(2023, 12, 1), 1, 0, 3, -1, 0, 0),
    ]


def test_orders_over_months_are_kept_apart(con: Backend) -> None:
    rollup = roll_up(con, LINES, by_order=True)
    mine = rollup.spanning.filter(rollup.spanning.customer_id == "a")
    assert rows(mine, "order_id", "month") == [("a", "1", date(2024, 1, 1)), ("a", "1", date(2024, 2, 1))]
    assert roll_up(ibis.duckdb.connect(), LINES[:3], by_order=True).spanning.count().execute() == 0


@pytest.mark.parametrize("by_number", [False, True])
def test_orders_are_looked_for_only_where_numbers_do_not_go_up(con: Backend, by_number: bool) -> None:
    up = [("a", date(2024, 1, 3), "11", "1", "1"), ("b", date(2024, 1, 9), "12", "1", "1")]
    up += [("b", date(2024, 2, 1), "13", "1", "1"), ("a", date(2024, 3, 1), "12", "-1", "-1")]  # a credit note for 12
    for lines, n in [(up, 0), ([*up, ("b", date(2024, 2, 2), "12", "1", "1")], 2)]:
        rollup = roll_up(ibis.duckdb.connect(), lines, by_order=True, by_number=by_number)
        assert rollup.spanning.count().execute() == n
    assert rollup_module._go_up_with_time([day(1, 1, 2), day(2, 3, 3), day(3, None, None)])
    assert rollup_module._go_up_with_time([day(1, 5, 6), day(2, 1, 2)])  # down is as good
    assert not rollup_module._go_up_with_time([day(1, 1, 3), day(2, 3, 4)])
    assert not rollup_module._go_up_with_time([day(1, 1, 2), day(1, 7, 7), day(2, 3, 4)])


def day(month: int, low: int | None, high: int | None) -> dict[str, Any]:
    return {"order_day": date(2024, month, 1), "n": 1, "low": low, "high": high}


def test_many_lines_are_summed_a_few_months_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = roll_up(ibis.duckdb.connect(), LINES, by_order=True)
    monkeypatch.setattr(rollup_module, "_MOST_LINES", 1)
    in_parts = roll_up(con := ibis.duckdb.connect(), LINES, by_order=True)
    keys = "customer_id", "month"
    assert rows(in_parts.months, *keys) == rows(at_once.months, *keys)
    assert rows(in_parts.spanning, "order_id", *keys) == rows(at_once.spanning, "order_id", *keys)
    kept = {row[0] for row in con.raw_sql("SELECT table_name FROM duckdb_tables()").fetchall()}
    assert kept == {"t", "rollup", "spanning"}


def test_without_order_numbers_an_order_is_a_day(con: Backend) -> None:
    rollup = roll_up(con, LINES, by_order=False)
    assert rows(rollup.months.select("customer_id", "month", "n_orders"), "customer_id", "month") == [
        ("a", date(2024, 1, 1), 2),
        ("a", date(2024, 2, 1), 1),
        ("b", date(2024, 1, 1), 1),
        ("c", date(2023, 12, 1), 0),
    ]
    assert rollup.spanning.count().execute() == 0


def test_purchase_days_come_back_from_the_mask(con: Backend) -> None:
    days = purchase_days(roll_up(con, LINES, by_order=True))
    assert rows(days, "customer", "day") == [
        (0, date(2024, 1, 1)),
        (0, date(2024, 1, 31)),
        (0, date(2024, 2, 1)),
        (1, date(2024, 1, 15)),
    ]


def test_totals_by_month(con: Backend) -> None:
    december, january, february = month_totals(roll_up(con, LINES, by_order=True))
    assert (december.month, december.n_rows, december.n_customers, december.amount) == (date(2023, 12, 1), 1, 0, -3)
    assert december.order_days == []
    assert (january.n_rows, january.n_customers, january.amount) == (4, 2, Decimal("16.0002"))
    assert january.order_days == [date(2024, 1, 1), date(2024, 1, 15), date(2024, 1, 31)]
    assert (february.n_customers, february.order_days) == (1, [date(2024, 2, 1)])
