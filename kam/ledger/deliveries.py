"""Deliveries by customer and period or day of the order: how many were promised, and how many came late."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pandas as pd
from ibis import _

from kam.errors import MissingColumnError
from kam.ledger.limits import DELIVERY_BYTES, require_memory_of
from kam.ledger.mix import periods_of_lines
from kam.ledger.opening import Ledger
from kam.ledger.periods import Frequency
from kam.ledger.summaries import _to_pandas


def summarize_deliveries(
    ledger: Ledger,
    *,
    freq: Frequency | Literal["day"] = "month",
    customers: Sequence[str] | None = None,
) -> pd.DataFrame:
    """One row per customer and period of the order: deliveries, and those of them that were late as known on the as-of date.

    A delivery is an order with a promised day. It is late when a line of it came after its promised day, or was promised
    before the as-of date and has not come. Orders of which nothing is due yet and nothing has come are left out, and so are
    credit notes.

    Assumes (1) that an empty delivery date means "not delivered yet".

    Parameters
    ----------
    ledger : Ledger
        See :func:`kam.open_ledger`; it must have ``promised_date`` and ``delivered_date``.
    freq : {"month", "quarter", "year", "day"}
        Length of the periods, as in :func:`kam.ledger.summarize_mix`; the order's day decides.
    customers : sequence of str, optional
        Only these customers.

    Returns
    -------
    pandas.DataFrame
        Ordered by customer and period: ``customer_id``; ``period``, its first day; ``n_deliveries``; ``n_late``.

    Raises
    ------
    MissingColumnError
        The ledger has no promised or no delivered dates.
    EmptyDataError
        No period is complete.
    ParameterError
        ``freq`` is not known.
    TooLargeError
        The outcome would not fit in memory.

    Examples
    --------
    >>> from kam.ledger import open_ledger
    >>> days = pd.DataFrame({"promised_date": ["2024-01-08", "2024-01-20"], "delivered_date": ["2024-01-09", "2024-01-20"]})
    >>> orders = pd.DataFrame({"customer_id": "a", "order_date": ["2024-01-05", "2024-01-15"], "amount": [10, 30]})
    >>> ledger = open_ledger(orders.join(days), as_of="2024-01-31")
    >>> summarize_deliveries(ledger)[["n_deliveries", "n_late"]].to_numpy().tolist()
    [[2, 1]]
    """
    missing = [name for name in ("promised_date", "delivered_date") if name not in ledger.columns]
    if missing:
        raise MissingColumnError(
            f"The ledger has no {' and no '.join(missing)}.",
            where=ledger.description,
            hint="Name both under columns: of the ledger; without them nothing can be said of deliveries.",
        )
    lines = periods_of_lines(ledger, freq, customers)
    promised, delivered = lines.promised_date.date(), lines.delivered_date.date()
    arrived = delivered.notnull() & (delivered <= ledger.as_of)
    known = lines.filter((lines.amount > 0) & promised.notnull() & (arrived | (promised < ledger.as_of)))
    late = (~arrived | (delivered > promised)).fill_null(True)
    orders = known.mutate(late=late).group_by("customer_id", "period", "order_id").agg(late=_.late.any())
    counted = orders.group_by("customer_id", "period").agg(n_deliveries=_.count(), n_late=_.late.sum())
    require_memory_of(
        counted,
        at_most=ledger.audit.n_rows_kept,
        bytes_per_row=DELIVERY_BYTES,
        what="The deliveries by customer and period",
        where=ledger.description,
        hint="Take longer periods or fewer customers, or a machine with more memory.",
    )
    return _to_pandas(counted, ["customer_id", "period"])
