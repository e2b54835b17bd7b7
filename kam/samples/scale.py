"""Ledgers of any size, written straight to Parquet."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from kam.errors import ParameterError
from kam.samples.decimals import MONEY_TYPE, decimals_of
from kam.samples.months import Floats, Ints, Months

ROWS_PER_CUSTOMER = 50
BLOCK = 250_000
"""Rows that are drawn and written at a time; one row group. What is in a block depends on the seed and its number
only.
"""

LAST_DAY = date(2025, 12, 31)
N_PRODUCTS = 1000
SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("order_id", pa.int64()),
        ("order_date", pa.date32()),
        ("amount", MONEY_TYPE),
        ("cost", MONEY_TYPE),
        ("product_id", pa.string()),
        ("quantity", pa.int32()),
    ]
)


def write_ledger(path: str | os.PathLike[str], *, n_rows: int, seed: int, n_months: int = 36) -> Path:
    """Write a ledger of `n_rows` order lines to a Parquet file, block by block.

    1. There are ``n_rows / 50`` customers (rounded up), each with an order at least. How often a customer orders is
       gamma(2); what it spends on a line is 12 EUR times Pareto(1.2), at most 20,000 times as much, times
       lognormal(0, 0.7): the largest 20 % of the customers have 75 to 80 % of the revenue.
    2. An order has 1 + Poisson(3) lines, four on average (the last of a block is cut short), all on one day; orders
       are spread evenly over `n_months` months and written in their order, customers at random: no locality that a
       group-by could profit from.
    3. One line in fifty is a credit note: negative amount, cost and quantity. Amounts are whole cents, never 0; cost
       is 55 to 85 % of the amount.

    It holds one block of 250,000 rows and a few numbers per customer: 100 million rows take well under 1 GB. The rows
    of a block depend on nothing but `seed`, its number, and the numbers of rows and months. The file is written under
    a temporary name beside its place and moved there when it is complete.

    Parameters
    ----------
    path : path-like
        Where to write; the folder must exist.
    n_rows : int
        At least 1.
    seed : int
    n_months : int, default 36
        The last ends on 2025-12-31.

    Returns
    -------
    pathlib.Path
        The file: ``customer_id`` (text), ``order_id``, ``order_date``, ``amount`` and ``cost`` (DECIMAL(18,4), EUR),
        ``product_id``, ``quantity``.

    Raises
    ------
    ParameterError
        If there is nothing to write.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     ledger = pq.read_table(write_ledger(f"{folder}/ledger.parquet", n_rows=1000, seed=1))
    >>> ledger.num_rows, pc.count_distinct(ledger["customer_id"]).as_py()
    (1000, 20)
    """
    if n_rows < 1 or n_months < 1:
        raise ParameterError(
            f"A ledger of {n_rows} rows and {n_months} months has nothing in it.", hint="Take 1 or more of each."
        )
    target = Path(path)
    months = Months.until(LAST_DAY, n_months)
    n_customers = -(-n_rows // ROWS_PER_CUSTOMER)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    shuffled = rng.permutation(n_customers)
    often = np.cumsum(rng.standard_gamma(2.0, n_customers))
    often /= often[-1]
    spend = 12 * np.minimum(1 + rng.pareto(1.2, n_customers), 20_000)

    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        with pq.ParquetWriter(partial, SCHEMA, compression="zstd") as writer:
            for block, start in enumerate(range(0, n_rows, BLOCK)):
                n = min(BLOCK, n_rows - start)
                first = start // ROWS_PER_CUSTOMER
                owed = shuffled[first : first + -(-n // ROWS_PER_CUSTOMER)]
                block_rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, block)))
                days = (start + np.arange(n)) * months.n_days // n_rows
                writer.write_table(_draw_block(start, days, owed, often, spend, months, block_rng), row_group_size=n)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def _draw_block(
    start: int, days: Ints, owed: Ints, often: Floats, spend: Floats, months: Months, rng: np.random.Generator
) -> pa.Table:
    """One block of rows; the customers `owed` an order get theirs at random places among its orders."""
    n = len(days)
    n_lines = 1 + rng.poisson(3.0, max(n // 3, len(owed)) + 10)
    # So short a block that the customers owed an order would not fit in: one line each.
    ends = np.cumsum(n_lines) if np.cumsum(n_lines)[len(owed) - 1] <= n else np.arange(1, n + 1)
    order = np.searchsorted(ends, np.arange(n), side="right")
    n_orders = int(order[-1]) + 1
    first_row = np.searchsorted(order, np.arange(n_orders))

    customer = np.searchsorted(often, rng.random(n_orders), side="right")
    customer[rng.choice(n_orders, len(owed), replace=False)] = owed
    width = len(str(len(often)))
    numbers = pc.utf8_lpad(pc.cast(pa.array(customer + 1), pa.string()), width=width, padding="0")
    customer_id = pc.binary_join_element_wise("C", numbers, "")

    cents = np.rint(100 * spend[customer[order]] * rng.lognormal(0.0, 0.7, n)).astype(np.int64)
    sign = np.where(rng.random(n) < 0.02, -1, 1)
    cents = sign * np.clip(cents, 50, 10**9)
    cost = np.rint(cents * rng.uniform(0.55, 0.85, n)).astype(np.int64)
    product = np.floor(N_PRODUCTS * rng.random(n) ** 2).astype(np.int32)
    products = pa.array([f"P{k:04d}" for k in range(N_PRODUCTS)])
    date_of_row = months.dates(days[first_row][order])
    return pa.table(
        [
            customer_id.take(pa.array(order)),
            pa.array(start + first_row[order] + 1),
            pa.array(date_of_row, type=pa.date32()),
            decimals_of(cents * 100),
            decimals_of(cost * 100),
            products.take(pa.array(product)),
            pa.array((sign * rng.geometric(0.15, n)).astype(np.int32)),
        ],
        schema=SCHEMA,
    )
