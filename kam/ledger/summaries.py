"""What is known of each customer, and what each did in each period: made from the rollup alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from ibis import _

from kam.errors import EmptyDataError
from kam.ledger.engines import in_order, pull
from kam.ledger.limits import ACTIVITY_BYTES, SUMMARY_BYTES, require_memory
from kam.ledger.opening import Ledger
from kam.ledger.periods import Frequency, add_months, check_frequency, first_month_index, period_start
from kam.ledger.rollup import MEASURES, Rollup, purchase_days

MONEY_PARTS = 10_000
"""Money is summed in whole parts of one: sums of floats depend on the order of the rows."""


def summarize_customers(ledger: Ledger) -> pd.DataFrame:
    """One row per customer: what was bought, when, and how regularly.

    Parameters
    ----------
    ledger : Ledger
        See :func:`kam.open_ledger`.

    Returns
    -------
    pandas.DataFrame
        Ordered by customer:

        - ``customer_id``;
        - ``first_order``, ``last_order``: days with a positive line (missing for who has credit notes only);
        - ``n_orders``: distinct orders with a positive line; an order that spans two months counts once;
        - ``n_purchase_days``: distinct days with a positive line;
        - ``n_active_periods``: complete months with an order; ``n_periods``: complete months from the month of the first order
          on, missing without an order and 0 where that month is not complete;
        - ``revenue`` (net), ``returns`` (the negative amounts, as a positive number), and of ``cost``, ``freight``,
          ``trade_terms``, ``discount`` those that the ledger has; ``margin`` (``revenue`` minus ``cost``) where it has the cost
          (a row without a cost counts with its amount as cost, so that it earns nothing; the audit warns of it);
          in the ledger's currency, exact sums given as floats;
        - ``days_since_last_order``, ``tenure_days``: days from the last, the first order to the as-of date;
        - ``median_gap_days``: median of the days between successive purchase days; missing with one purchase day;
        - ``gap_cv``: their standard deviation (ddof 0) over their mean; missing with fewer than two gaps;
        - ``demand_cv``: the same for gross revenue per complete month from the month of the first order on, silent months
          counting zero; missing with fewer than two such months.

    Raises
    ------
    TooLargeError
        It would not fit in memory.

    Examples
    --------
    >>> from kam.ledger import open_ledger
    >>> days = ["2024-01-01", "2024-01-11", "2024-02-10", "2024-03-31"]
    >>> orders = pd.DataFrame({"customer_id": "a", "order_date": days, "amount": [10, 30, -10, 20]})
    >>> summary = summarize_customers(open_ledger(orders))
    >>> summary[["n_orders", "revenue", "returns", "median_gap_days"]].to_dict("records")
    [{'n_orders': 3, 'revenue': 50.0, 'returns': 10.0, 'median_gap_days': 45.0}]
    """
    require_memory(
        ledger.audit.n_customers,
        bytes_per_row=SUMMARY_BYTES,
        what="The summary of the customers",
        where=ledger.description,
        hint="Select customers, use a machine with more memory, or ask ledger.rollup.months in its engine.",
    )
    months = ledger.rollup.months
    end = ledger.last_complete_month
    is_complete = months.month <= end if end else ibis.literal(False)
    gross = months.gross.cast("float64")
    sums = months.group_by("customer").agg(  # their numbers are in the order of the identifiers, and faster
        customer_id=months.customer_id.max(),
        n_orders=months.n_orders.sum(),
        n_active_periods=(is_complete & (months.day_mask != 0)).sum(),
        revenue=(months.gross - months.returns).sum(),
        **{name: months[name].sum() for name in ("returns", *MEASURES) if name in months.columns},
        demand=months.gross.sum(where=is_complete),
        # Squares are summed as decimals too: sums of floats depend on the order of the rows.
        demand_squares=(gross * gross).cast("decimal(38, 6)").sum(where=is_complete),
    )
    spanning = ledger.rollup.spanning.group_by("customer_id", "order_id").agg(n=_.count() - 1)
    repeats = spanning.group_by("customer_id").agg(n_repeats=_.n.sum())
    joined = _join_left(_join_left(sums, _summarize_days(ledger.rollup), "customer"), repeats, "customer_id")
    known = _to_pandas(joined, ["customer"])

    as_of = pd.Timestamp(ledger.as_of)
    first, last = known["first_order"], known["last_order"]
    frame = known[["customer_id", "first_order", "last_order"]].copy()
    frame["n_orders"] = known["n_orders"] - known["n_repeats"].fillna(0).astype("int64")
    frame["n_purchase_days"] = (known["n_gaps"] + 1).fillna(0).astype("int64")
    frame["n_active_periods"] = known["n_active_periods"]
    n_months = 12 * (end.year - first.dt.year) + end.month - first.dt.month + 1 if end else first.dt.year * np.nan
    frame["n_periods"] = n_months.clip(lower=0)
    for name in ("revenue", "returns", *MEASURES):
        if name in known:
            frame[name] = known[name]
    if "margin" in known:
        frame["margin"] = known["margin"]
    frame["days_since_last_order"] = (as_of - last).dt.days.astype("float64")
    frame["tenure_days"] = (as_of - first).dt.days.astype("float64")
    frame["median_gap_days"] = known["median_gap_days"]
    frame["gap_cv"] = _variation(known["n_gaps"], known["gaps"], known["gap_squares"])
    frame["demand_cv"] = _variation(n_months, known["demand"], known["demand_squares"])
    return frame


def activity_panel(ledger: Ledger, *, freq: Frequency = "month") -> pd.DataFrame:
    """One row per customer and period in which the customer has any line.

    Only complete periods: what lies after the last complete month stands in ``ledger.audit.incomplete``; a quarter or year is
    complete when its last month is. The first period may begin before the ledger does. Silent periods have no row.

    Parameters
    ----------
    ledger : Ledger
        See :func:`kam.open_ledger`.
    freq : {"month", "quarter", "year"}
        Length of the periods; quarters and years begin with the ledger's ``fiscal_year_start``.

    Returns
    -------
    pandas.DataFrame
        Ordered by customer and period: ``customer_id``; ``period``, its first day; ``revenue``, net; ``n_orders``, distinct
        orders with a positive line in the period (0: credit notes only, the customer did not buy); ``margin`` where the ledger
        has the cost.

    Raises
    ------
    EmptyDataError
        No period is complete.
    ParameterError
        The frequency is not known.
    TooLargeError
        It would not fit in memory.

    Examples
    --------
    >>> from kam.ledger import open_ledger
    >>> days = ["2024-01-01", "2024-01-11", "2024-02-10", "2024-03-31"]
    >>> orders = pd.DataFrame({"customer_id": "a", "order_date": days, "amount": [10, 30, -10, 20]})
    >>> activity_panel(open_ledger(orders), freq="quarter").to_dict("records")
    [{'customer_id': 'a', 'period': Timestamp('2024-01-01 00:00:00'), 'revenue': 50.0, 'n_orders': 3}]
    """
    check_frequency(freq, ledger.fiscal_year_start)
    end = _last_period_end(ledger, freq)
    if end is None:
        raise EmptyDataError(
            f"No {freq} of the ledger is complete on {ledger.as_of:%Y-%m-%d}.",
            where=ledger.description,
            hint="Use a shorter period, more data, or a later as_of if the data do reach further.",
        )
    require_memory(
        int(ledger.rollup.months.count().to_pyarrow().as_py()),
        bytes_per_row=ACTIVITY_BYTES,
        what="The activity panel",
        where=ledger.description,
        hint="Select customers, use a machine with more memory, or ask ledger.rollup.months in its engine.",
    )
    periods = _add_period(ledger.rollup.months, freq, ledger.fiscal_year_start).filter(_.month <= end)
    sums = periods.group_by("customer_id", "period").agg(
        revenue=(_.gross - _.returns).sum(),
        n_orders=_.n_orders.sum(),
        **({"cost": _.cost.sum()} if "cost" in periods.columns else {}),
    )
    spanning = _add_period(ledger.rollup.spanning, freq, ledger.fiscal_year_start)
    repeated = spanning.group_by("customer_id", "order_id", "period").agg(n=_.count() - 1)
    repeats = repeated.group_by("customer_id", "period").agg(n_repeats=_.n.sum())
    known = _to_pandas(_join_left(sums, repeats, "customer_id", "period"), ["customer_id", "period"])
    known["n_orders"] -= known["n_repeats"].fillna(0).astype("int64")
    return known[["customer_id", "period", "revenue", "n_orders", *(["margin"] if "margin" in known else [])]]


def _last_period_end(ledger: Ledger, freq: Frequency) -> date | None:
    """The last month of the last complete period, if it is not before the ledger's first month."""
    if ledger.last_complete_month is None:
        return None
    next_month = add_months(ledger.last_complete_month, 1)
    end = add_months(period_start(next_month, freq, fiscal_year_start=ledger.fiscal_year_start), -1)
    first = ledger.rollup.months.month.min().to_pyarrow().as_py()
    return end if end >= first else None


def _add_period(table: ir.Table, freq: Frequency, fiscal_year_start: int) -> ir.Table:
    index = first_month_index(12 * table.month.year() + table.month.month() - 1, freq, fiscal_year_start)
    return table.mutate(period=ibis.date(index // 12, index % 12 + 1, 1))


def _summarize_days(rollup: Rollup) -> ir.Table:
    """First and last order, and the gaps between purchase days, of each customer who bought anything."""
    days = purchase_days(rollup)
    days = days.mutate(gap=days.day.delta(days.day.lag().over(group_by="customer", order_by="day"), unit="day"))
    return days.group_by("customer").agg(
        first_order=_.day.min(),
        last_order=_.day.max(),
        median_gap_days=_.gap.median(),
        n_gaps=_.gap.count().cast("float64"),
        gaps=_.gap.sum().cast("float64"),
        gap_squares=(_.gap * _.gap).sum().cast("float64"),
    )


def _join_left(table: ir.Table, other: ir.Table, *keys: str) -> ir.Table:
    joined = table.left_join(other, keys)
    return joined.drop(*(f"{key}_right" for key in keys))


def _to_pandas(table: ir.Table, order: Sequence[str]) -> pd.DataFrame:
    """In order, exact sums as floats, days as timestamps; the margin is taken while the sums are exact."""
    table = table.order_by(in_order(table[name] for name in order))
    if "cost" in table.columns:
        table = table.mutate(margin=table.revenue - table.cost)
    is_float = {name: kind.is_decimal() or kind.is_floating() for name, kind in table.schema().items()}
    floats = {name: table[name].cast("float64") for name in table.columns if is_float[name]}
    days = {name: table[name].cast("timestamp(6)") for name in table.columns if table[name].type().is_date()}
    # A column without a single value would come as objects.
    known = pull(table.mutate(**floats, **days)).to_pandas()
    return known.astype(dict.fromkeys(floats, "float64"))


def whole_parts(money: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Decimals of four places as whole ten-thousandths, exactly: the lower half of their 128 bits, which sums of money fit.

    To let the database turn wide decimals into other numbers costs more than to sum them.

    >>> from decimal import Decimal
    >>> whole_parts(pa.chunked_array([pa.array([Decimal("-1.5"), Decimal("2.25")], pa.decimal128(38, 4))])).tolist()
    [-15000, 22500]
    """
    halves = [np.frombuffer(one.buffers()[1], np.int64)[2 * one.offset :][: 2 * len(one) : 2] for one in money.chunks]
    return np.concatenate([*halves, np.empty(0, dtype=np.int64)])


def _variation(n: pd.Series, total: pd.Series, squares: pd.Series) -> pd.Series:
    """Standard deviation (ddof 0) over mean, from sums over n values; missing with fewer than two."""
    ratio = n * squares / total.where(total > 0) ** 2
    return np.sqrt((ratio - 1).clip(lower=0)).where(n >= 2)
