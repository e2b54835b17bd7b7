"""A ledger of some customers only: their rows, and nothing that tells of the others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import ibis.expr.types as ir
from ibis import _

from kam.errors import EmptyDataError
from kam.ledger.audit import Audit, IncompletePeriod, Remark, count_rules
from kam.ledger.opening import Ledger
from kam.ledger.rewriting import rewrite_ledger
from kam.ledger.rollup import MonthTotal
from kam.wording import N_


def select_customers(ledger: Ledger, customers: Collection[str]) -> Ledger:
    """The same ledger with the rows of some customers.

    What cleaning did with a row stays; the audit is counted anew over the rows that are left, so that it tells nothing of the
    others. The as-of date and the last complete month stay as well: they are facts about the whole ledger's calendar. The
    general ledger's total is that of everybody and is left out.

    Rows on another engine stay there, and nothing is created; what kam read itself is copied into a temporary DuckDB, by way of
    a file, so that the ledger given can be closed.

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
    before = ledger.audit

    def count(lines: ir.Table, n_customers: int, months: Sequence[MonthTotal]) -> Audit:
        totals = lines.agg(n=_.count(), amount=_.amount.sum()).to_pyarrow().to_pylist()[0]
        actions = {count.rule: count.action for count in before.counts}
        audit = count_rules(
            lines, actions, copies=None, n_rows_in=totals["n"], amount_in=totals["amount"], as_of=before.as_of
        )
        if not audit.n_rows_kept:
            raise EmptyDataError(
                "None of these customers has a row in the ledger.",
                where=f"{len(wanted)} customers, {ledger.description}",
            )
        remark = Remark(N_("Only the rows of {n} customers are looked at here."), {"n": n_customers})
        return replace(
            audit,
            incomplete=_incomplete(before.incomplete, months),
            note_remarks=(*audit.note_remarks, remark),
        )

    return rewrite_ledger(
        ledger,
        {"customer_id": wanted},
        lambda lines, names: lines.semi_join(names, "customer_id"),
        count,
        ["only", wanted],
    )


def _incomplete(period: IncompletePeriod | None, months: Sequence[MonthTotal]) -> IncompletePeriod | None:
    """The same period with what these customers did in it."""
    if period is None:
        return None
    last = next((month for month in months if month.month == period.month), None)
    earlier = [month for month in months if month.month < period.month]
    return replace(
        period,
        n_rows=last.n_rows if last else 0,
        n_customers=last.n_customers if last else 0,
        amount=last.amount if last else period.amount * 0,
        n_customers_before=earlier[-1].n_customers if earlier else 0,
    )
