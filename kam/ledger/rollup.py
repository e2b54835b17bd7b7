"""The customer × month rollup: one scan of the ledger, from which everything that is period-based derives.

One row per customer and month with any line: exact sums of money, the orders, and the days with purchases as a bit mask
(bit 0 is the first of the month). It lives in the ledger's own DuckDB, whatever engine the ledger itself is on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from kam.ledger.storage import Storage

MEASURES = ("cost", "freight", "trade_terms", "discount")
"""Optional columns of money that are summed where the ledger has them."""

_MOST_LINES = 2**25
"""Lines that are gathered into orders at once: these take about two gigabytes."""


@dataclass(frozen=True)
class Rollup:
    """The rollup and what it cannot hold.

    Attributes
    ----------
    months : ibis.expr.types.Table
        ``customer_id``, ``customer`` (its number, from 0, in the order of the identifiers: windows and joins over numbers are
        fast), ``month`` (date, its first day), ``n_rows``, ``gross`` (sum of the positive amounts), ``returns``
        (sum of the negative ones, as a positive number), those of :data:`MEASURES` that the ledger has, ``n_orders``
        (distinct orders with a positive line in this month), ``day_mask`` (days with a positive line; 0: none),
        ``first_month`` (of the customer's first positive line; missing: there is none).
    spanning : ibis.expr.types.Table
        ``customer_id``, ``order_id``, ``month``: one row per month of each order whose number has positive lines in more than
        one. Such an order counts once in each month, and once in any longer period.
    """

    months: ir.Table
    spanning: ir.Table


@ibis.udf.agg.builtin  # type: ignore[untyped-decorator]
def bit_or(mask: int) -> int:  # type: ignore[empty-body]
    """The days of all masks. Ibis has no rule for its own on Spark."""


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def bit_count(mask: int) -> int:  # type: ignore[empty-body]
    """Number of days in a mask."""


def build_rollup(lines: ir.Table, *, by_order: bool, storage: Storage) -> Rollup:
    """Sum a cleaned ledger up by customer and month.

    Parameters
    ----------
    lines : ibis.expr.types.Table
        ``customer_id``, ``order_day``, ``order_id`` (text or number), ``amount`` and the optional measures.
    by_order : bool
        The ledger has order numbers of its own. Without them an order is a customer's day, and the mask tells all.
    storage : Storage
        Where the rollup goes.
    """
    days: list[dict[str, Any]] = []
    if by_order and storage.is_local:
        days = _look_at_days(lines)
        parts = _sum_by_order(lines, days, storage=storage)
    else:
        sums = _sums(lines) | ({"n_orders": lines.order_id.nunique(where=lines.amount > 0)} if by_order else {})
        # Another engine may order texts in another way: numbered here.
        parts = [storage.pull("by_month_0", lines.group_by("customer_id", month=_month(lines)).agg(**sums))]
    grouped = ibis.union(*parts)
    first_month = grouped.month.min(where=grouped.day_mask != 0)
    customers = grouped.group_by("customer_id").agg(first_month=first_month)
    customers = customers.mutate(customer=ibis.row_number().over(order_by="customer_id").cast("int32"))
    customers = storage.con.create_table("customers", customers, temp=True)
    for number, part in enumerate(parts):  # one after the other, so that there are not two of the largest table
        numbered = part.inner_join(customers, "customer_id")
        if number:
            storage.con.raw_sql(f"INSERT INTO rollup {storage.con.compile(numbered)}")
        else:
            months = storage.con.create_table("rollup", numbered, temp=True)
        storage.con.raw_sql(f"DROP TABLE by_month_{number}")
    storage.con.raw_sql("DROP TABLE customers")
    if not by_order:
        months = months.mutate(n_orders=bit_count(months.day_mask))
    positive = lines.filter(lines.amount > 0)
    spanning = positive.select("customer_id", "order_id", month=_month(positive))
    if by_order and not (days and _go_up_with_time(days)):
        first, last = (day.truncate("M") for day in (_.order_day.min(), _.order_day.max()))
        spans = positive.group_by("order_id").having(first < last).agg()
        spanning = spanning.semi_join(spans, "order_id").distinct()
    else:
        spanning = spanning.limit(0)
    return Rollup(months, storage.pull("spanning", spanning))


def _month(lines: ir.Table) -> ir.DateValue:
    return lines.order_day.truncate("M")


def _sums(lines: ir.Table) -> dict[str, ir.Value]:
    """What a row of the rollup says, but for the orders."""
    bought = lines.amount > 0
    day = ibis.literal(1, "int32") << (lines.order_day.day() - 1).cast("int32")
    sums: dict[str, ir.Value] = {
        "n_rows": lines.count(),
        "gross": lines.amount.sum(where=bought).fill_null(0),
        "returns": (-lines.amount.sum(where=lines.amount < 0)).fill_null(0),
        "day_mask": bit_or(day, where=bought).fill_null(0),
    }
    measured = {name: lines[name] for name in MEASURES if name in lines.columns}
    if "cost" in measured:
        measured["cost"] = lines.cost.fill_null(lines.amount)  # an unknown cost must not look like a profit
    return sums | {name: values.sum().fill_null(0) for name, values in measured.items()}


def _look_at_days(lines: ir.Table) -> list[dict[str, Any]]:
    """The days in order: ``order_day``, ``n`` lines, and of the positive ones the lowest and highest order number."""
    bought = lines.amount > 0
    days = lines.group_by("order_day").agg(
        n=lines.count(), low=lines.order_id.min(where=bought), high=lines.order_id.max(where=bought)
    )
    found: list[dict[str, Any]] = days.order_by("order_day").to_pyarrow().to_pylist()
    return found


def _sum_by_order(lines: ir.Table, days: Sequence[Mapping[str, Any]], *, storage: Storage) -> list[ir.Table]:
    """Summed up by order first: for DuckDB less work than to count distinct orders. Tables ``by_month_0``, ``by_month_1``, …

    Many lines are taken some months at a time: the orders of all of them would need more memory than anything else.
    """
    starts, n = [date.min], 0
    for before, day in pairwise(days):
        n += before["n"]
        if n >= _MOST_LINES and before["order_day"].replace(day=1) != day["order_day"].replace(day=1):
            starts.append(day["order_day"].replace(day=1))
            n = 0
    parts = []
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], None], strict=True)):
        part = lines if len(starts) == 1 else lines.filter(_.order_day >= start)
        part = part if end is None else part.filter(_.order_day < end)
        sums = _sums(part)
        orders = part.group_by("customer_id", "order_id", month=_month(part)).agg(**sums)
        again = {name: orders[name].sum() for name in sums} | {"day_mask": bit_or(orders.day_mask)}
        grouped = orders.group_by("customer_id", "month").agg(**again, n_orders=(orders.day_mask != 0).sum())
        parts.append(storage.keep(f"by_month_{number}", grouped.cast({"n_rows": "int64"})))
    return parts


def _go_up_with_time(days: Sequence[Mapping[str, Any]]) -> bool:
    """Whether all order numbers of a month are beyond those of the months before, as they mostly are: then no order is in two.

    To look at every order takes several times as long.
    """
    ends: dict[date, tuple[Any, Any]] = {}
    for day in days:
        if day["low"] is not None:
            low, high = ends.get(month := day["order_day"].replace(day=1), (day["low"], day["high"]))
            ends[month] = min(low, day["low"]), max(high, day["high"])
    return all(high < low for (_low, high), (low, _high) in pairwise(sorted(ends.values())))


def count_customers(storage: Storage) -> int:
    """Customers of the rollup that was built there."""
    row = storage.con.raw_sql("SELECT count(DISTINCT customer) FROM rollup").fetchone()
    return int(row[0])


@dataclass(frozen=True)
class MonthTotal:
    """What all customers together did in one month.

    Attributes
    ----------
    month : datetime.date
        Its first day.
    n_rows, n_customers, amount : int, int, decimal.Decimal
        Rows, customers with an order, sum of the amounts.
    day_mask : int
        Days with orders; bit 0 is the first.
    """

    month: date
    n_rows: int
    n_customers: int
    amount: Decimal
    day_mask: int

    @property
    def order_days(self) -> list[date]:
        """The days with orders."""
        return [self.month + timedelta(days=bit) for bit in range(31) if self.day_mask >> bit & 1]


def month_totals(rollup: Rollup) -> list[MonthTotal]:
    """The months in which anything happened, in order."""
    totals = rollup.months.group_by("month").agg(
        n_rows=_.n_rows.sum(),
        n_customers=(_.day_mask != 0).sum(),
        amount=(_.gross - _.returns).sum(),
        day_mask=_.day_mask.bit_or(),
    )
    return [MonthTotal(**row) for row in totals.order_by("month").to_pyarrow().to_pylist()]


def purchase_days(rollup: Rollup) -> ir.Table:
    """Every customer's distinct purchase days: ``customer``, ``day``."""
    bits = ibis.range(31).unnest().name("bit").as_table()
    bits = bits.mutate(mask=ibis.literal(1, "int64") << bits.bit.cast("int64"))
    days = rollup.months.select("customer", "month", "day_mask").cross_join(bits)
    bought = days.filter((days.day_mask & days.mask) != 0)
    return bought.select("customer", day=bought.month + bought.bit.as_interval("D"))
