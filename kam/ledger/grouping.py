"""A ledger by groups of customers: the same rows under other identifiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import ibis.expr.types as ir

from kam.errors import ParameterError
from kam.ledger.audit import Audit, IncompletePeriod, Remark
from kam.ledger.opening import Ledger
from kam.ledger.rewriting import rewrite_ledger
from kam.ledger.rollup import MonthTotal
from kam.wording import N_


def group_customers(ledger: Ledger, groups: Mapping[str, str]) -> Ledger:
    """The same ledger with the customers of a group under one identifier.

    The rows, what cleaning did with each, and so all sums of money stay as they are: cleaning compared rows of the same customer,
    and is not done again. What is counted by customer (customers, orders, purchase days, those who were there at first) is
    counted anew: an order number that several customers of a group have in common is one order of the group, and without order
    numbers so is what the group bought on one day.

    Rows on another engine stay there, and nothing is created; what kam read itself is copied into a temporary DuckDB, by way of
    a file, so that the ledger given can be closed.

    Parameters
    ----------
    ledger : Ledger
        See :func:`kam.open_ledger`.
    groups : mapping of str to str
        Group by customer; who is not named stays as he is.

    Returns
    -------
    Ledger
        With a fingerprint of its own.

    Raises
    ------
    ParameterError
        An identifier is empty.

    Examples
    --------
    >>> import pandas as pd
    >>> from kam.ledger import open_ledger, summarize_customers
    >>> orders = pd.DataFrame({"customer_id": list("abc"), "order_date": "2024-01-31", "amount": [1.0, 2.0, 4.0]})
    >>> by_group = group_customers(open_ledger(orders), {"a": "g", "c": "g"})
    >>> summarize_customers(by_group)[["customer_id", "revenue"]].to_dict("list")
    {'customer_id': ['b', 'g'], 'revenue': [2.0, 5.0]}
    """
    moved = {str(customer): str(group) for customer, group in groups.items() if str(customer) != str(group)}
    if not all(group.strip() for group in moved.values()):
        empty = next(customer for customer, group in moved.items() if not group.strip())
        raise ParameterError("A group has no identifier.", where=f"customer {empty!r}")

    def change(lines: ir.Table, names: ir.Table) -> ir.Table:
        joined = lines.left_join(names, lines.customer_id == names.moved)
        return joined.mutate(customer_id=joined.grouped.fill_null(joined.customer_id)).select(lines.columns)

    def count(lines: ir.Table, n_groups: int, months: Sequence[MonthTotal]) -> Audit:
        remark = Remark(
            N_("{n} customers are counted by parent group: {groups} groups and single accounts."),
            {"n": ledger.audit.n_customers, "groups": n_groups},
        )
        return replace(
            ledger.audit,
            incomplete=_count_incomplete(ledger.audit.incomplete, {m.month: m.n_customers for m in months}),
            note_remarks=(*ledger.audit.note_remarks, remark),
        )

    names = {"moved": list(moved), "grouped": list(moved.values())}
    grouped = rewrite_ledger(ledger, names, change, count, ["groups", sorted(moved.items())])
    return replace(grouped, description=f"{ledger.description}, by parent group")


def _count_incomplete(period: IncompletePeriod | None, buyers: Mapping[date, int]) -> IncompletePeriod | None:
    """The same period with its customers counted anew."""
    if period is None:
        return None
    earlier = [n for month, n in sorted(buyers.items()) if month < period.month]
    return replace(period, n_customers=buyers.get(period.month, 0), n_customers_before=earlier[-1] if earlier else 0)
