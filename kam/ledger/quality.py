"""The quality of sales by customer and month: discounts, returns, month ends, other regions, freight and terms."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import ibis
import ibis.expr.types as ir
import pandas as pd

from kam.errors import MissingColumnError, ParameterError
from kam.ledger.mix import periods_of_lines
from kam.ledger.opening import Ledger
from kam.ledger.summaries import _to_pandas

LAST_DAYS = 7
"""Days at the end of a month that count as its last days: five working days lie in any seven."""

_RATES = {
    "discount_rate": ("discount",),
    "price_rate": ("discount", "trade_terms"),
    "serve_rate": ("freight", "trade_terms"),
}
_MONEY = "decimal(38, 4)"
_RATE = "decimal(38, 9)"  # sums of floats depend on the order of the rows

_MOST_KEPT = 1_000_000  # rows
_last: WeakKeyDictionary[Ledger, tuple[int, pd.DataFrame | None, pd.DataFrame]] = WeakKeyDictionary()
"""The last facts of a ledger, with the days and the homes they are of: several analyses in a row ask for the same."""


def quality_facts(ledger: Ledger, *, accounts: pd.DataFrame | None = None, last_days: int = LAST_DAYS) -> pd.DataFrame:
    """One row per customer and complete month: what an order was sold at, where it went, when in the month, what came back.

    One pass over the lines: they are gathered into orders, the orders into months. An order whose lines lie in two months is
    an order in each. Rates are per order, of orders with a positive line, cut at 0 and 1; their sum and the sum of their
    squares give mean and variance of any months together.

    Assumes (1) that a discount stands in money on the line, so that amount + discount is the list price; (2) that an empty
    ``ship_region`` means "not known", not "home".

    Parameters
    ----------
    ledger : Ledger
        See :func:`kam.open_ledger`.
    accounts : pandas.DataFrame, optional
        The account file: its ``region`` is the home of an account before the ``region`` of the ledger's lines is.
    last_days : int
        How many days at the end of a month are its last days.

    Returns
    -------
    pandas.DataFrame
        Ordered by customer and month: ``customer_id``; ``month``, its first day; ``n_orders``; ``gross``, ``returns``, the
        sums of positive and negative amounts (money, both positive numbers); ``n_returns``, documents with a negative line;
        ``n_last_days``, ``last_days``: orders and gross revenue in the last days of the month; ``order_squares``, the sum of
        squared order values; ``margin``, ``freight``, ``trade_terms``, ``discount`` (money, where the ledger has cost,
        freight, …); ``discount_rate`` (discount / list price), ``price_rate`` (discount and trade terms / list price),
        ``serve_rate`` (freight and trade terms / gross), each the sum over orders, with ``…_squares``, where the ledger has
        one of the columns; ``n_located`` and ``n_away``, ``away``: orders of which home and destination are known, those of
        them that ship elsewhere, and their gross revenue, where both regions are known.

    Raises
    ------
    EmptyDataError
        No month is complete.
    ParameterError
        ``last_days`` is not between 1 and 28.
    MissingColumnError
        The account file has no ``customer_id``.

    Examples
    --------
    >>> from kam.ledger import open_ledger
    >>> orders = pd.DataFrame({"customer_id": "a", "order_date": ["2024-01-05", "2024-01-31"], "amount": [10, 30]})
    >>> facts = quality_facts(open_ledger(orders.assign(discount=[10, 0], region="N", ship_region=["N", "S"])))
    >>> facts[["n_orders", "n_last_days", "discount_rate", "n_away", "away"]].to_numpy().tolist()
    [[2.0, 1.0, 0.5, 1.0, 30.0]]
    """
    if not 1 <= last_days <= 28:
        raise ParameterError(f"last_days is {last_days}.", hint="Give 1 to 28 days.")
    homes = _homes(ledger, accounts)
    if (last := _last.get(ledger)) and last[0] == last_days and _same(last[1], homes):
        return last[2].copy()
    lines, has_home = _with_home(periods_of_lines(ledger, "month", None), homes)
    bought = lines.amount > 0
    next_month = lines.period + ibis.interval(months=1)
    at_end = (lines.order_day + ibis.interval(days=last_days)).cast("date") >= next_month.cast("date")
    sums: dict[str, ir.Value] = {
        "gross": lines.amount.sum(where=bought).fill_null(0),
        "returns": (-lines.amount.sum(where=lines.amount < 0)).fill_null(0),
        "at_end": (bought & at_end).any(),
    }
    present = [name for name in ("freight", "trade_terms", "discount") if name in lines.columns]
    if "cost" in lines.columns:
        sums["margin"] = (lines.amount - lines.cost.fill_null(lines.amount)).sum()
    sums |= {name: lines[name].sum().fill_null(0) for name in present}
    # What comes back brings its discount back: the rate of an order is of its positive lines.
    sums |= {f"given_{name}": lines[name].sum(where=bought).fill_null(0) for name in present}
    if has_home:
        located = bought & lines.ship_region.notnull() & lines.home.notnull()
        sums["located"] = located.any()
        sums["away"] = (located & (lines.ship_region != lines.home)).any().fill_null(False)
    orders = lines.group_by("customer_id", "order_id", month=lines.period).agg(**sums)

    is_order = orders.gross > 0
    gross = orders.gross.cast("float64")
    facts: dict[str, ir.Value] = {
        "n_orders": is_order.sum(),
        "gross": orders.gross.sum(),
        "returns": orders.returns.sum(),
        "n_returns": (orders.returns > 0).sum(),
        "n_last_days": orders.at_end.sum().fill_null(0),
        "last_days": orders.gross.sum(where=orders.at_end).cast(_MONEY).fill_null(0),
        "order_squares": (gross * gross).cast(_MONEY).sum(),
    }
    facts |= {name: orders[name].sum().cast(_MONEY) for name in ("margin", *present) if name in orders.columns}
    for rate, parts in _RATES.items():
        known = [orders[f"given_{part}"].cast("float64") for part in parts if part in present]
        if not known:
            continue
        given = sum(known[1:], known[0])
        whole = (
            gross + orders.given_discount.cast("float64") if "discount" in parts and "discount" in present else gross
        )
        share = ibis.ifelse(is_order & (whole > 0), given / whole.nullif(0), 0.0).fill_null(0.0).clip(0.0, 1.0)
        facts[rate] = share.cast(_RATE).sum()
        facts[f"{rate}_squares"] = (share * share).cast(_RATE).sum()
    if has_home:
        facts["n_located"] = orders.located.sum().fill_null(0)
        facts["n_away"] = orders.away.sum().fill_null(0)
        facts["away"] = orders.gross.sum(where=orders.away).cast(_MONEY).fill_null(0)
    known_facts = _to_pandas(orders.group_by("customer_id", "month").agg(**facts).order_by("customer_id", "month"))
    counts = [name for name in known_facts if str(name).startswith("n_")]
    known_facts = known_facts.astype(dict.fromkeys(counts, "int64"))
    if len(known_facts) <= _MOST_KEPT:
        _last[ledger] = last_days, homes, known_facts.copy()
    return known_facts


def _homes(ledger: Ledger, accounts: pd.DataFrame | None) -> pd.DataFrame | None:
    """The regions of the account file, where the ledger says what ships where."""
    if "ship_region" not in ledger.columns or accounts is None or "region" not in accounts:
        return None
    if "customer_id" not in accounts:
        raise MissingColumnError("The account file has no customer_id.", hint="Name its column under columns:.")
    homes = accounts[["customer_id", "region"]].dropna().drop_duplicates("customer_id").astype("str")
    return homes.rename(columns={"region": "account_region"})


def _same(one: pd.DataFrame | None, other: pd.DataFrame | None) -> bool:
    return one is other if one is None or other is None else one.equals(other)


def _with_home(lines: ir.Table, homes: pd.DataFrame | None) -> tuple[ir.Table, bool]:
    """The lines with their ``home``, the account's region, and whether homes and destinations are known at all."""
    if "ship_region" not in lines.columns:
        return lines, False
    own = "region" in lines.columns
    if homes is None:
        return (lines.mutate(home=lines.region), True) if own else (lines, False)
    joined = lines.left_join(ibis.memtable(homes), "customer_id").drop("customer_id_right")
    home = joined.account_region.fill_null(joined.region) if own else joined.account_region
    return joined.mutate(home=home), True
