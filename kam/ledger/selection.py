"""A ledger of some customers only: their rows, and nothing that tells of the others."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
from ibis import _

from kam.errors import EmptyDataError
from kam.ledger.audit import IncompletePeriod, Remark, count_rules
from kam.ledger.opening import Ledger
from kam.ledger.reading import connect
from kam.ledger.rollup import build_rollup, month_totals
from kam.ledger.storage import Storage


def select_customers(ledger: Ledger, customers: Collection[str]) -> Ledger:
    """The same ledger with the rows of some customers.

    What cleaning did with a row stays; the audit is counted anew over the rows that are left, so that it tells nothing of the
    others. The as-of date and the last complete month stay as well: they are facts about the whole ledger's calendar. The
    general ledger's total is that of everybody and is left out.

    The rows are copied into a temporary DuckDB of their own, by way of a file; the ledger given can be closed, and nothing is
    created where it came from.

    Parameters
    ----------
    ledger : Ledger
        See :func:`kam.open_ledger`.
    customers : collection of str
        Their identifiers; who has no row is passed over.

    Returns
    -------
    Ledger
        With a fingerprint of its own.

    Raises
    ------
    EmptyDataError
        None of them has a row that was kept.

    Examples
    --------
    >>> import pandas as pd
    >>> from kam.ledger import open_ledger, summarize_customers
    >>> orders = pd.DataFrame({"customer_id": list("abca"), "order_date": "2024-01-31", "amount": [1.0, 2.0, 4.0, 0.0]})
    >>> some = select_customers(open_ledger(orders), ["a", "c", "z"])
    >>> summarize_customers(some)[["customer_id", "revenue"]].to_dict("list"), some.audit.n_rows_in
    ({'customer_id': ['a', 'c'], 'revenue': [1.0, 4.0]}, 3)
    """
    wanted = sorted({str(customer) for customer in customers})
    con = connect()
    try:
        names = con.create_table("chosen", pa.table({"customer_id": pa.array(wanted, pa.string())}))
        with tempfile.TemporaryDirectory(prefix="kam-") as folder:
            file = Path(folder) / "lines.parquet"
            ledger.lines.to_parquet(file)
            everything = con.read_parquet(file, table_name="everything")
            kept = con.create_table("lines", everything.semi_join(names, "customer_id"))
            con.drop_view("everything")
        con.drop_table("chosen")
        own = replace(ledger, lines=kept, con=con)
        totals = kept.agg(n=_.count(), amount=_.amount.sum()).to_pyarrow().to_pylist()[0]
        before = ledger.audit
        actions = {count.rule: count.action for count in before.counts}
        audit = count_rules(
            kept, actions, copies=None, n_rows_in=totals["n"], amount_in=totals["amount"], as_of=before.as_of
        )
        if not audit.n_rows_kept:
            raise EmptyDataError(
                "None of these customers has a row in the ledger.",
                where=f"{len(wanted)} customers, {ledger.description}",
            )
        by_order = "order_id" in ledger.columns
        rollup = build_rollup(own.table, by_order=by_order, storage=Storage(con, is_local=True))
        months = month_totals(rollup)
        n_customers = int(rollup.months.customer_id.nunique().execute())
        audit = replace(
            audit,
            n_customers=n_customers,
            n_customers_left_censored=next((month.n_customers for month in months if month.n_customers), 0),
            incomplete=_incomplete(before.incomplete, {month.month: month for month in months}),
            note_remarks=(
                *audit.note_remarks,
                Remark("Only the rows of {n} customers are looked at here.", {"n": n_customers}),
            ),
        )
    except BaseException:
        con.disconnect()
        raise
    identity = json.dumps([ledger.fingerprint, wanted])
    return replace(own, rollup=rollup, audit=audit, fingerprint=hashlib.sha256(f"only {identity}".encode()).hexdigest())


def _incomplete(period: IncompletePeriod | None, months: dict[object, object]) -> IncompletePeriod | None:
    """The same period with what these customers did in it."""
    if period is None:
        return None
    earlier = [months[day] for day in sorted(months, key=str) if str(day) < str(period.month)]
    last = months.get(period.month)
    return replace(
        period,
        n_rows=getattr(last, "n_rows", 0),
        n_customers=getattr(last, "n_customers", 0),
        amount=getattr(last, "amount", period.amount * 0),
        n_customers_before=getattr(earlier[-1], "n_customers", 0) if earlier else 0,
    )
