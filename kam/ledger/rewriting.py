"""A ledger whose rows are those of another one, changed: counted anew, in a database of its own."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import ibis.expr.types as ir

from kam.ledger.audit import Audit
from kam.ledger.engines import table_of
from kam.ledger.opening import Ledger
from kam.ledger.reading import connect
from kam.ledger.rollup import MonthTotal, build_rollup, month_totals
from kam.ledger.storage import Storage


def rewrite_ledger(
    ledger: Ledger,
    names: Mapping[str, Sequence[str]],
    change: Callable[[ir.Table, ir.Table], ir.Table],
    audit: Callable[[ir.Table, int, Sequence[MonthTotal]], Audit],
    identity: Sequence[object],
) -> Ledger:
    """The same ledger with other rows.

    Rows that are in the ledger's own DuckDB are copied into a temporary one of their own, by way of a file, so that the ledger
    given can be closed. Rows on another engine stay there: the change is part of every statement, and nothing is created.

    Parameters
    ----------
    ledger : Ledger
        See :func:`kam.open_ledger`.
    names : dict of str to sequence of str
        Columns of a small table that the change needs beside the rows.
    change : callable
        From the rows and that table to the new rows, with the same columns.
    audit : callable
        From the new rows, the number of their customers and what happened by month to the new audit; the number of customers,
        and of those who were there at first, are put in.
    identity : sequence
        What the change follows from, as JSON may have it.

    Returns
    -------
    Ledger
        With a rollup, an audit and a fingerprint of its own.
    """
    con, small = connect(), table_of(names)
    try:
        storage = Storage(con, is_local=ledger.lines.get_backend() is ledger.con)
        if storage.is_local:
            with tempfile.TemporaryDirectory(prefix="kam-") as folder:
                file = Path(folder) / "lines.parquet"
                ledger.lines.to_parquet(file)
                lines = con.create_table("lines", change(con.read_parquet(file, table_name="before"), small))
                con.drop_view("before")
        else:
            lines = change(ledger.lines, small)
        own = replace(ledger, lines=lines, con=con)
        rollup = build_rollup(own.table, by_order="order_id" in ledger.columns, storage=storage)
        months = month_totals(rollup)
        n_customers = int(rollup.months.customer_id.nunique().execute())
        found = replace(
            audit(lines, n_customers, months),
            n_customers=n_customers,
            n_customers_left_censored=next((month.n_customers for month in months if month.n_customers), 0),
        )
    except BaseException:
        con.disconnect()
        raise
    fingerprint = hashlib.sha256(json.dumps([ledger.fingerprint, *identity]).encode()).hexdigest()
    return replace(own, rollup=rollup, audit=found, fingerprint=fingerprint)
