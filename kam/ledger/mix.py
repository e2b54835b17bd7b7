"""What each customer bought of what: product groups, products, regions or channels, by customer and period or day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis import _

from kam.errors import EmptyDataError, MissingColumnError, ParameterError
from kam.ledger.cell_texts import is_one_of
from kam.ledger.engines import pull
from kam.ledger.limits import MIX_BYTES, require_memory_of
from kam.ledger.opening import Ledger
from kam.ledger.periods import Frequency, check_frequency, first_month_index
from kam.ledger.summaries import MONEY_PARTS, _last_period_end, _to_pandas, whole_parts

By = Literal["product_group", "product_id", "region", "ship_region", "channel"]
MixFrequency = Frequency | Literal["day", "last_years"]
KINDS: tuple[By, ...] = ("product_group", "product_id", "region", "ship_region", "channel")


def summarize_mix(
    ledger: Ledger,
    *,
    by: By | None,
    freq: MixFrequency = "month",
    customers: Sequence[str] | None = None,
) -> pd.DataFrame:
    """One row per customer, period and group: what the customer bought of it.

    Parameters
    ----------
    ledger : Ledger
        See :func:`kam.open_ledger`.
    by : {"product_group", "product_id", "region", "ship_region", "channel"}, optional
        The column whose values are the groups; None: all lines together.
    freq : {"month", "quarter", "year", "day", "last_years"}
        Length of the periods. Months, quarters and years are complete ones, and begin with the ledger's ``fiscal_year_start``;
        days are all days up to the as-of date; last years are twelve months each, counted back from the last complete month (the
        ledger may begin within the first of them).
    customers : sequence of str, optional
        Only these customers.

    Returns
    -------
    pandas.DataFrame
        Ordered by customer, period and group: ``customer_id``; ``period``, its first day; ``group`` (not if ``by`` is None;
        missing where the line names none); ``revenue``, net; ``returns``, the negative amounts, as a positive number;
        ``n_orders``, distinct orders with a positive line in the period and group (one that spans two periods counts in both);
        ``quantity``, ``discount`` and ``margin`` where the ledger has quantity, discount and cost (a line without a cost earns
        nothing).

    Raises
    ------
    MissingColumnError
        The ledger does not have the column.
    EmptyDataError
        No period is complete.
    ParameterError
        ``by`` or ``freq`` is not known.
    TooLargeError
        The outcome would not fit in memory.

    Examples
    --------
    >>> from kam.ledger import open_ledger
    >>> orders = pd.DataFrame({"customer_id": "a", "order_date": ["2024-01-05", "2024-01-31"], "amount": [10, 30]})
    >>> ledger = open_ledger(orders.assign(product_group=["tape", "film"]))
    >>> summarize_mix(ledger, by="product_group")[["period", "group", "revenue"]].astype(str).to_numpy().tolist()
    [['2024-01-01', 'film', '30.0'], ['2024-01-01', 'tape', '10.0']]
    """
    if by is not None and by not in KINDS:
        raise ParameterError(f"There is no grouping {by!r}.", hint=f"Use one of {', '.join(KINDS)}.")
    if by is not None and by not in ledger.columns:
        raise MissingColumnError(
            f"The ledger has no {by}.", where=ledger.description, hint="Name its column under columns: of the ledger."
        )
    lines, keys = periods_of_lines(ledger, freq, customers), ["customer_id", "period"]
    if by is not None:
        lines, keys = lines.mutate(group=lines[by]), [*keys, "group"]
    bought = lines.amount > 0
    sums: dict[str, ir.Value] = {
        "revenue": lines.amount.sum(),
        "returns": (-lines.amount.sum(where=lines.amount < 0)).fill_null(0),
        "n_orders": lines.order_id.nunique(where=bought),
    }
    sums |= {name: lines[name].sum().fill_null(0) for name in ("quantity", "discount") if name in lines.columns}
    if "cost" in lines.columns:
        sums["cost"] = lines.cost.fill_null(lines.amount).sum()
    summed = lines.group_by(keys).agg(**sums)
    _require_memory(summed, ledger)
    known = _to_pandas(summed, keys)
    measures = [name for name in (*sums, "margin") if name in known and name != "cost"]
    return known[[*keys, *measures]]


def bought_groups(ledger: Ledger, by: By) -> pd.DataFrame:
    """``customer_id, period, group, revenue, n_orders`` of :func:`summarize_mix` by month, faster, and nothing else of it.

    The lines are gathered by order first: to count distinct orders in every group costs several times as much.

    Examples
    --------
    >>> from kam.ledger import open_ledger
    >>> orders = pd.DataFrame({"customer_id": "a", "order_date": ["2024-01-05", "2024-01-31"], "amount": [10, 30]})
    >>> bought_groups(open_ledger(orders.assign(product_group="tape")), "product_group")[["revenue", "n_orders"]].to_dict("list")
    {'revenue': [40.0], 'n_orders': [2]}
    """
    lines = periods_of_lines(ledger, "month", None)
    keys = {"customer_id": lines.customer_id, "period": lines.period, "group": lines[by]}
    orders = lines.group_by(**keys, order_id=lines.order_id).agg(revenue=_.amount.sum(), bought=(_.amount > 0).any())
    known = orders.group_by("customer_id", "period", "group").agg(revenue=_.revenue.sum(), n_orders=_.bought.sum())
    _require_memory(known, ledger)
    read = pull(known.mutate(period=_.period.cast("timestamp(6)")))
    texts = {name: read.column(name).to_pandas().astype("str") for name in ("customer_id", "group")}
    period = read.column("period").to_numpy()
    customer, group = (pd.factorize(texts[name], sort=True)[0] for name in texts)
    months, month = np.unique(period, return_inverse=True)
    last = np.where(group < 0, group.max(initial=0) + 1, group)  # lines without a group stand last
    order = np.argsort((customer * len(months) + month) * (last.max(initial=0) + 1) + last)
    return pd.DataFrame(
        {
            "customer_id": texts["customer_id"].array.take(order),
            "period": period[order],
            "group": texts["group"].array.take(order),
            "revenue": whole_parts(read.column("revenue"))[order] / MONEY_PARTS,
            "n_orders": read.column("n_orders").to_numpy().astype(np.int64)[order],
        }
    )


def _require_memory(rows: ir.Table, ledger: Ledger) -> None:
    require_memory_of(
        rows,
        at_most=ledger.audit.n_rows_kept,
        bytes_per_row=MIX_BYTES,
        what="What customers bought by period and group",
        where=ledger.description,
        hint="Take longer periods, larger groups or fewer customers, or a machine with more memory.",
    )


def periods_of_lines(ledger: Ledger, freq: MixFrequency, customers: Sequence[str] | None) -> ir.Table:
    """The lines of some customers with the ``period`` in which each was ordered, those of periods that are complete.

    Raises
    ------
    EmptyDataError
        No period is complete.
    ParameterError
        ``freq`` is not known.
    """
    lines = ledger.table
    if customers is not None:
        lines = lines.filter(is_one_of(lines.customer_id, customers))
    if freq == "day":
        return lines.mutate(period=lines.order_day)
    length: Frequency = "month" if freq == "last_years" else freq
    check_frequency(length, ledger.fiscal_year_start)
    end = _last_period_end(ledger, length)
    if end is None:
        raise EmptyDataError(
            f"No {length} of the ledger is complete on {ledger.as_of:%Y-%m-%d}.",
            where=ledger.description,
            hint="Use a shorter period, more data, or a later as_of if the data do reach further.",
        )
    day = lines.order_day
    month = 12 * day.year() + day.month() - 1
    if freq == "last_years":
        index = first_month_index(month, "year", end.month % 12 + 1)
    else:
        index = first_month_index(month, freq, ledger.fiscal_year_start)
    lines = lines.mutate(period=ibis.date(index // 12, index % 12 + 1, 1))
    return lines.filter(_.order_day.truncate("M") <= end)
