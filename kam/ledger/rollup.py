"""The customer × month rollup: one scan of the ledger, from which everything that is period-based derives.

One row per customer and month with any line: exact sums of money, the orders, and the days with purchases as a bit mask
(bit 0 is the first of the month). It lives in the ledger's own DuckDB, whatever engine the ledger itself is on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import ibis
import ibis.expr.types as ir
from ibis import _

from kam.ledger.storage import Storage

MEASURES = ("cost", "freight", "trade_terms", "discount")
"""Optional columns of money that are summed where the ledger has them."""


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
        ``customer_id``, ``order_day``, ``order_id``, ``amount`` and the optional measures.
    by_order : bool
        The ledger has order numbers of its own. Without them an order is a customer's day, and the mask tells all.
    storage : Storage
        Where the rollup goes.
    """
    month = lines.order_day.truncate("M")
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
    sums |= {name: values.sum().fill_null(0) for name, values in measured.items()}
    if by_order and storage.is_local:
        # Summed up by order first: for DuckDB less work than to count distinct orders.
        orders = lines.group_by("customer_id", "order_id", month=month).agg(**sums)
        again = {name: orders[name].sum() for name in sums} | {"day_mask": bit_or(orders.day_mask)}
        grouped = orders.group_by("customer_id", "month").agg(**again, n_orders=(orders.day_mask != 0).sum())
        grouped = grouped.cast({"n_rows": "int64"})
    else:
        sums |= {"n_orders": lines.order_id.nunique(where=bought)} if by_order else {}
        grouped = lines.group_by("customer_id", month=month).agg(**sums)
    if not storage.is_local:
        grouped = storage.pull("unnumbered", grouped)  # another engine may order texts in another way
    first_month = grouped.month.min(where=grouped.day_mask != 0)
    customers = grouped.group_by("customer_id").agg(first_month=first_month)
    customers = customers.mutate(customer=ibis.row_number().over(order_by="customer_id").cast("int32"))
    months = storage.con.create_table("rollup", grouped.inner_join(customers, "customer_id"))
    if not by_order:
        months = months.mutate(n_orders=bit_count(months.day_mask))
    positive = lines.filter(bought if by_order else ibis.literal(False))
    first, last = (day.truncate("M") for day in (_.order_day.min(), _.order_day.max()))
    spans = positive.group_by("order_id").having(first < last).agg()
    spanning = positive.semi_join(spans, "order_id").select("customer_id", "order_id", month=month).distinct()
    return Rollup(months, storage.pull("spanning", spanning))


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
    """Every customer's distinct purchase days: ``customer_id``, ``day``."""
    bits = ibis.range(31).unnest().name("bit").as_table()
    days = rollup.months.select("customer_id", "month", "day_mask").cross_join(bits)
    bought = days.filter((days.day_mask >> days.bit.cast("int32")) % 2 == 1)
    return bought.select("customer_id", day=bought.month + bought.bit.as_interval("D"))
