"""The quality of sales by customer and month: discounts, returns, month ends, other regions, freight and terms."""

from __future__ import annotations

from numbers import Integral
from weakref import WeakKeyDictionary

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from kam.errors import MissingColumnError, ParameterError
from kam.ledger.engines import table_of
from kam.ledger.limits import ORDER_BYTES, QUALITY_BYTES, fits, require_memory
from kam.ledger.mix import periods_of_lines
from kam.ledger.opening import Ledger
from kam.ledger.summaries import MONEY_PARTS, _to_pandas, whole_parts

Ints = npt.NDArray[np.int64]

LAST_DAYS = 7
"""Days at the end of a month that count as its last days: five working days lie in any seven."""

_RATES = {
    "discount_rate": ("discount",),
    "price_rate": ("discount", "trade_terms"),
    "serve_rate": ("freight", "trade_terms"),
}
_RATE = 1_000_000_000  # parts of one: sums of floats depend on the order of the rows, those of whole numbers do not
_HALF = 2**32  # squares of money do not fit one whole number

_MOST_KEPT = 1_000_000  # rows
_last: WeakKeyDictionary[Ledger, tuple[int, pd.DataFrame | None, pd.DataFrame]] = WeakKeyDictionary()
"""The last facts of a ledger, with the days and the homes they are of: several analyses in a row ask for the same."""


def quality_facts(ledger: Ledger, *, accounts: pd.DataFrame | None = None, last_days: int = LAST_DAYS) -> pd.DataFrame:
    """One row per customer and complete month: what an order was sold at, where it went, when in the month, what came back.

    One pass over the lines: the database gathers them into orders, and these are sorted into months here: most months of a
    customer hold one order or two, and to group them by hashes costs several times as much. An order whose lines lie in two
    months is an order in each. Rates are per order, of orders with a positive line, cut at 0 and 1; their sum and the sum of
    their squares give mean and variance of any months together.

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
    TooLargeError
        A row per customer and month would not fit in memory.

    Examples
    --------
    >>> from kam.ledger import open_ledger
    >>> orders = pd.DataFrame({"customer_id": "a", "order_date": ["2024-01-05", "2024-01-31"], "amount": [10, 30]})
    >>> facts = quality_facts(open_ledger(orders.assign(discount=[10, 0], region="N", ship_region=["N", "S"])))
    >>> facts[["n_orders", "n_last_days", "discount_rate", "n_away", "away"]].to_numpy().tolist()
    [[2.0, 1.0, 0.5, 1.0, 30.0]]
    """
    if not isinstance(last_days, Integral) or not 1 <= last_days <= 28:
        raise ParameterError(f"last_days is {last_days!r}.", hint="Give 1 to 28 days.")
    if not isinstance(ledger, Ledger):
        raise ParameterError(f"ledger is a {type(ledger).__name__}.", hint="Open it with kam.open_ledger.")
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
    orders = lines.group_by("customer_id", "order_id", month=lines.period).agg(**sums).drop("order_id")
    require_memory(
        int(ledger.rollup.months.count().to_pyarrow().as_py()),
        bytes_per_row=QUALITY_BYTES,
        what="The quality of sales by customer and month",
        where=ledger.description,
        hint="Select customers, or use a machine with more memory.",
    )
    # Orders that are here are sorted into months here, if they fit; those on another engine are summed up there.
    is_here = lines.get_backend() is ledger.con and fits(ledger.audit.n_rows_kept, bytes_per_row=ORDER_BYTES)
    known_facts = _by_month(_read_orders(orders), present) if is_here else _sum_by_month(orders, present)
    if len(known_facts) <= _MOST_KEPT:
        _last[ledger] = last_days, homes, known_facts.copy()
    return known_facts


def _read_orders(orders: ir.Table) -> dict[str, npt.NDArray[np.generic] | pd.Series]:
    """The columns of the orders: customers as texts, days, flags, and money in whole ten-thousandths."""
    read = orders.mutate(month=orders.month.cast("timestamp(6)")).to_pyarrow()
    columns: dict[str, npt.NDArray[np.generic] | pd.Series] = {
        name: whole_parts(read.column(name))
        if pa.types.is_decimal(read.column(name).type)
        else read.column(name).to_numpy()
        for name in read.column_names
        if name != "customer_id"
    }
    return columns | {"customer_id": read.column("customer_id").to_pandas()}


def _by_month(orders: dict[str, npt.NDArray[np.generic] | pd.Series], present: list[str]) -> pd.DataFrame:
    """The facts of each customer and month, ordered by both, from those of the orders."""
    code, customers = pd.factorize(orders["customer_id"], sort=True)
    months, month = np.unique(orders["month"], return_inverse=True)
    key = code * len(months) + month
    order = np.argsort(key, kind="stable")
    key = key[order]
    starts = np.flatnonzero(np.diff(key, prepend=-1))

    def total(values: npt.NDArray[np.generic]) -> Ints:
        return np.asarray(np.add.reduceat(values[order], starts, dtype=np.int64), dtype=np.int64)

    money = {name: np.asarray(orders[name]) for name in orders if name not in ("customer_id", "month")}
    gross, returns, at_end = money["gross"], money["returns"], money["at_end"].astype(bool)
    squares = np.floor((gross / MONEY_PARTS) ** 2 * MONEY_PARTS + 0.5)
    high = np.floor(squares / _HALF)
    facts: dict[str, npt.NDArray[np.generic]] = {
        "n_orders": total(gross > 0),
        "gross": total(gross) / MONEY_PARTS,
        "returns": total(returns) / MONEY_PARTS,
        "n_returns": total(returns > 0),
        "n_last_days": total(at_end),
        "last_days": total(gross * at_end) / MONEY_PARTS,
        "order_squares": (
            total(high.astype(np.int64)) * float(_HALF) + total((squares - high * _HALF).astype(np.int64))
        )
        / MONEY_PARTS,
    }
    facts |= {name: total(money[name]) / MONEY_PARTS for name in ("margin", *present) if name in money}
    for rate, parts in _RATES.items():
        known = [money[f"given_{part}"] / MONEY_PARTS for part in parts if part in present]
        if not known:
            continue
        whole = gross / MONEY_PARTS
        if "discount" in parts and "discount" in present:
            whole = whole + money["given_discount"] / MONEY_PARTS
        share = np.divide(sum(known), whole, out=np.zeros(len(whole)), where=(gross > 0) & (whole > 0)).clip(0.0, 1.0)
        for name, values in ((rate, share), (f"{rate}_squares", share * share)):
            facts[name] = total(np.floor(values * _RATE + 0.5).astype(np.int64)) / _RATE
    if "away" in money:
        away = money["away"].astype(bool)
        facts |= {"n_located": total(money["located"].astype(bool)), "n_away": total(away)}
        facts["away"] = total(gross * away) / MONEY_PARTS
    keys = {"customer_id": customers.take(key[starts] // len(months)), "month": months[key[starts] % len(months)]}
    return pd.DataFrame(keys | facts)


def _sum_by_month(orders: ir.Table, present: list[str]) -> pd.DataFrame:
    """What :func:`_by_month` does, on the engine that has the orders."""
    parts: dict[str, int] = {}

    def total(name: str, values: ir.Value, n_parts: int) -> ir.Value:
        parts[name] = n_parts
        return (values * n_parts).cast("decimal(38, 0)").sum()  # rounded as it is cast

    gross, is_order = orders.gross.cast("float64"), orders.gross > 0
    facts: dict[str, ir.Value] = {
        "n_orders": is_order.sum(),
        "gross": orders.gross.sum(),
        "returns": orders.returns.sum(),
        "n_returns": (orders.returns > 0).sum(),
        "n_last_days": orders.at_end.sum(),
        "last_days": orders.gross.sum(where=orders.at_end).fill_null(0),
        "order_squares": total("order_squares", gross * gross, MONEY_PARTS),
    }
    facts |= {name: orders[name].sum() for name in ("margin", *present) if name in orders.columns}
    for rate, names in _RATES.items():
        given = {name: orders[f"given_{name}"].cast("float64") for name in names if name in present}
        if not given:
            continue
        whole = gross + given["discount"] if "discount" in given else gross
        share = sum(given.values()) / ibis.ifelse(is_order & (whole > 0), whole, None)
        share = share.fill_null(0.0).clip(0.0, 1.0)
        facts |= {
            name: total(name, values, _RATE) for name, values in ((rate, share), (f"{rate}_squares", share * share))
        }
    if "away" in orders.columns:
        facts |= {"n_located": orders.located.sum(), "n_away": orders.away.sum()}
        facts["away"] = orders.gross.sum(where=orders.away).fill_null(0)
    known = _to_pandas(orders.group_by("customer_id", "month").agg(**facts), ["customer_id", "month"])
    counts = [name for name in facts if name.startswith("n_")]
    return known.assign(**{name: known[name] / n for name, n in parts.items()}).astype(dict.fromkeys(counts, "int64"))


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
    joined = lines.left_join(table_of({str(name): homes[name].tolist() for name in homes}), "customer_id").drop(
        "customer_id_right"
    )
    home = joined.account_region.fill_null(joined.region) if own else joined.account_region
    return joined.mutate(home=home), True
