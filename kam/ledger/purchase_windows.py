"""What each customer bought in windows before and after some days.

The engine sums the lines up by customer and day, once for all origins, in order; a window is then a difference of two running
totals. Sums are whole ten-thousandths of the currency, so that they are exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from ibis import _

from kam.ledger.cleaning import CANCELLATIONS
from kam.ledger.engines import in_order, pull
from kam.ledger.opening import Ledger
from kam.ledger.periods import MONTHS_IN, Frequency
from kam.ledger.storage import Storage

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

YEAR = 364
"""Days in a year of 52 whole weeks, so that the same season begins on the same weekday."""

RECENT_DAYS = 91
"""Days before the origin in which deliveries, complaints, offers and handovers count."""

_EPOCH = date(1970, 1, 1)
_UNITS = 10_000


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - _EPOCH).days


def number_day(number: int) -> date:
    """The day that is so many days after 1970-01-01."""
    return _EPOCH + timedelta(days=number)


@dataclass(frozen=True, eq=False, kw_only=True)
class PurchaseDays:
    """Customers by day, ordered by both: one entry per customer and day with any line.

    Attributes
    ----------
    customer, day : numpy.ndarray
        Number of the customer; day number.
    sums : dict of str to numpy.ndarray
        ``gross``, ``returns``, and ``cost``, ``discount`` where the ledger has them, in whole ten-thousandths.
    """

    customer: Ints
    day: Ints
    sums: dict[str, Ints]

    def take(self, chosen: Ints | Bools) -> PurchaseDays:
        """Some of the entries."""
        sums = {name: values[chosen] for name, values in self.sums.items()}
        return PurchaseDays(customer=self.customer[chosen], day=self.day[chosen], sums=sums)

    def union(self, other: PurchaseDays) -> PurchaseDays:
        """The entries of both, those of the same customer and day summed up."""
        customer, day = np.append(self.customer, other.customer), np.append(self.day, other.day)
        order = np.lexsort((day, customer))
        customer, day = customer[order], day[order]
        first = np.flatnonzero(np.append(True, (customer[1:] != customer[:-1]) | (day[1:] != day[:-1])))
        both = {name: np.append(values, other.sums[name])[order] for name, values in self.sums.items()}
        sums = {name: np.add.reduceat(values, first) for name, values in both.items()}
        return PurchaseDays(customer=customer[first], day=day[first], sums=sums)


@dataclass(frozen=True, eq=False, kw_only=True)
class Purchases:
    """A ledger by customer and day.

    Attributes
    ----------
    ids : pandas.Index
        Identifiers of the customers, in order, by number.
    days : PurchaseDays
        What cleaning kept.
    undone : PurchaseDays
        Orders that cleaning removed together with their cancellation on a later day: until then they were orders.
    undone_on : numpy.ndarray
        Day number of that cancellation.
    """

    ids: pd.Index[Any]
    days: PurchaseDays
    undone: PurchaseDays
    undone_on: Ints

    @property
    def first_day(self) -> int:
        """Day number of the first line."""
        return int(min(self.days.day.min(), self.undone.day.min(initial=2**31)))

    @property
    def first_order(self) -> int | None:
        """Day number of the first order that was kept; None: there is none."""
        days = self.days.day[self.days.sums["gross"] > 0]
        return int(days.min()) if len(days) else None


def read_purchases(ledger: Ledger) -> Purchases:
    """Sum a ledger up by customer and day, in the engine."""
    storage = Storage(ledger.con, ledger.lines.get_backend() is ledger.con)
    numbers = ledger.rollup.months.select("customer_id", "customer").distinct()
    sums = _sum_by_day(ledger.table, "customer_id", day=ledger.table.order_day)
    sums = sums if storage.is_local else storage.pull("snapshot_days", sums)
    numbered = sums.inner_join(numbers, "customer_id").drop("customer_id").order_by("customer", "day")
    days = _to_days(numbered.to_pyarrow())
    if not storage.is_local:
        ledger.con.drop_table("snapshot_days")
    ids = pd.Index(numbers.order_by("customer").to_pandas()["customer_id"].astype("str"))

    nothing = days.take(np.zeros(0, dtype=np.int64))
    if not {"product_id", "quantity"} <= set(ledger.columns):
        return Purchases(ids=ids, days=days, undone=nothing, undone_on=nothing.day)
    pairs = _pair_cancellations(ledger.lines)
    pairs = pairs.filter(pairs.order_day < pairs.undone)  # of those undone on the same day no origin knew
    found = pull(_sum_by_day(pairs, "customer_id", day=pairs.order_day, undone=pairs.undone))
    if not found.num_rows:
        return Purchases(ids=ids, days=days, undone=nothing, undone_on=nothing.day)
    owners = pd.Index(found["customer_id"].to_pandas().astype("str"))
    everybody = pd.Index(sorted({*ids, *owners}), dtype="str") if not owners.isin(ids).all() else ids
    moved = everybody.get_indexer(ids).astype(np.int64)[days.customer]
    customer = pa.array(everybody.get_indexer(owners).astype(np.int64))
    return Purchases(
        ids=everybody,
        days=PurchaseDays(customer=moved, day=days.day, sums=days.sums),
        undone=_to_days(found.append_column("customer", customer)),
        undone_on=_to_day_numbers(found["undone"]),
    )


def count_windows(
    purchases: Purchases, origins: Sequence[int], *, end: int, horizon: int, k: int, freq: Frequency
) -> dict[str, npt.NDArray[Any]]:
    """Count what each customer bought around each origin, if there was an order before it.

    Parameters
    ----------
    purchases : Purchases
        See :func:`read_purchases`.
    origins : sequence of int
        Day numbers, ascending.
    end : int
        Day number of the day after the data.
    horizon : int
        Days of the outcome, and of the windows next to the origin.
    k, freq : int, {"month", "quarter", "year"}
        After how many silent periods a customer has churned.

    Returns
    -------
    dict of str to numpy.ndarray
        One entry per origin and customer, ordered by both: ``origin``, ``customer``; up to the origin ``n_days`` (purchase
        days), ``first``, ``last`` (day numbers), ``due`` (the last plus k periods), ``gap_squares``, ``gross``; for each window
        ``n_days_…``, ``revenue_…``; ``returns_year``, ``margin_…``, ``discount_year``; for a silence of k periods that runs at
        the origin or begins within the horizon: ``silent``, there is one; ``unknown``, one may go on beyond the data.
    """
    months = k * MONTHS_IN[freq]
    n = len(purchases.ids)
    running = _Running(purchases.days, n, origins, horizon=horizon, months=months, end=end)
    parts = []
    for origin in origins:
        found = running.count(origin)
        pending = (purchases.undone.day < origin) & (purchases.undone_on >= origin)
        if pending.any():
            undone = purchases.undone.take(pending)
            touched = np.zeros(n, dtype=bool)
            touched[undone.customer] = True
            days = purchases.days.take(touched[purchases.days.customer]).union(undone)
            known = _Running(days, n, [origin], horizon=horizon, months=months, end=end)
            for name, values in known.count(origin).items():
                found[name] = np.where(touched, values, found[name])
        has_order = found["n_days"] > 0
        found["origin"], found["customer"] = np.full(n, origin), np.arange(n)
        parts.append({name: values[has_order] for name, values in found.items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def count_deliveries(
    ledger: Ledger, ids: pd.Index[Any], origins: Sequence[int]
) -> dict[str, npt.NDArray[np.int64]] | None:
    """Deliveries that were due in the 91 days before each origin, and those late as far as was known.

    Returns
    -------
    dict of str to numpy.ndarray, or None
        ``origin``, ``customer`` (number), ``n_deliveries``, ``n_late``; None: the ledger has no dates of deliveries.
    """
    if not {"promised_date", "delivered_date"} <= set(ledger.columns):
        return None
    columns = ["customer_id", "order_id", "order_day", "promised_date", "delivered_date", "amount", "undone"]
    lines = ledger.table.mutate(undone=ibis.null("date")).select(columns)
    if {"product_id", "quantity"} <= set(ledger.columns):
        lines = lines.union(_pair_cancellations(ledger.lines).select(columns))
    lines = lines.filter((lines.amount > 0) & lines.promised_date.notnull())
    promised = lines.promised_date.date()
    # What was due before the origin and is not late was delivered before it.
    late = (lines.delivered_date.date() > promised).fill_null(True)
    due = lines.select("customer_id", "order_id", "order_day", "undone", promised=promised, late=late).distinct()
    counts = []
    for origin in origins:
        first, day = (ibis.literal(number_day(number)) for number in (origin - RECENT_DAYS, origin))
        known = due.filter(
            (due.promised >= first) & (due.promised < day) & (due.order_day < day) & (due.undone >= day).fill_null(True)
        )
        each = known.group_by("customer_id", "order_id", "promised").agg(late=known.late.any())
        counts.append(each.group_by("customer_id").agg(n_deliveries=_.count(), n_late=_.late.sum(), origin=origin))
    found = pull(ibis.union(*counts)).to_pandas()
    customer = ids.get_indexer(pd.Index(found["customer_id"].astype("str")))
    numbers = {name: found[name].to_numpy(np.int64) for name in ("origin", "n_deliveries", "n_late")}
    return numbers | {"customer": customer.astype(np.int64)}


# -- inside ----------------------------------------------------------------------------------------------------------


def _sum_by_day(lines: ir.Table, *keys: str, **named: ir.Value) -> ir.Table:
    bought = lines.amount > 0
    sums: dict[str, ir.Value] = {
        "gross": lines.amount.sum(where=bought),
        "returns": -lines.amount.sum(where=lines.amount < 0),
    }
    if "cost" in lines.columns:
        sums["cost"] = lines.cost.fill_null(lines.amount).sum()  # an unknown cost must not look like a profit
    if "discount" in lines.columns:
        sums["discount"] = lines.discount.sum(where=bought)
    summed = lines.group_by(*keys, **named).agg(**sums)
    return summed.mutate(**{name: summed[name].fill_null(0).cast("decimal(18, 4)") for name in sums})


def _pair_cancellations(lines: ir.Table) -> ir.Table:
    """The orders among the lines that cleaning netted, with the day they were cancelled on, ``undone``.

    The pairs are those of :func:`kam.ledger.cleaning.net_cancellations`: among netted lines only, the same brackets close.
    """
    lines = lines.filter(lines.rule == CANCELLATIONS).drop("rule")
    by_day = lines.customer_id + " " + lines.order_day.cast("string")
    lines = lines.mutate(order_id=lines.order_id.fill_null(by_day) if "order_id" in lines.columns else by_day)
    columns = lines.columns
    lines = lines.mutate(step=ibis.ifelse(lines.amount > 0, 1, -1), size=lines.quantity.abs(), price=lines.amount.abs())
    key = ["customer_id", "product_id", "size", "price"]
    order = in_order(
        lines[name] for name in ("order_date", "step", *(name for name in columns if name != "order_date"))
    )
    level = lines.step.sum().over(ibis.window(group_by=key, order_by=order, preceding=None, following=0))
    lines = lines.mutate(edge=ibis.ifelse(lines.step > 0, level - 1, level))
    undone = lines.order_day.lead().over(ibis.window(group_by=[*key, "edge"], order_by=order))
    return lines.mutate(undone=undone).filter(_.step > 0).select(*columns, "undone")


def _to_days(table: pa.Table) -> PurchaseDays:
    names = [name for name in ("gross", "returns", "cost", "discount") if name in table.column_names]
    return PurchaseDays(
        customer=table["customer"].to_numpy().astype(np.int64),
        day=_to_day_numbers(table["day"]),
        sums={name: _to_whole(table[name]) for name in names},
    )


def _to_day_numbers(days: pa.ChunkedArray) -> Ints:
    return days.cast(pa.int32()).to_numpy().astype(np.int64)


def _to_whole(values: pa.ChunkedArray) -> Ints:
    """Decimals with four places as whole numbers: the lower halves of what Arrow holds in 16 bytes."""
    halves = [
        np.frombuffer(chunk.buffers()[1], dtype="<i8")[2 * chunk.offset : 2 * (chunk.offset + len(chunk)) : 2]
        for chunk in values.cast(pa.decimal128(38, 4)).chunks
        if len(chunk)
    ]
    return np.concatenate(halves) if halves else np.zeros(0, dtype=np.int64)


def _windows(origin: int, horizon: int) -> dict[str, tuple[int, int]]:
    """First day of each window, and the day after its last."""
    return {
        "recent": (origin - horizon, origin),
        "before": (origin - 2 * horizon, origin - horizon),
        "year": (origin - YEAR, origin),
        "season": (origin - YEAR, origin - YEAR + horizon),
        "year_before": (origin - 2 * YEAR, origin - YEAR),
        "next": (origin, origin + horizon),
    }


class _Running:
    """Running totals over the days of each customer, and where they stand at the start of some days."""

    def __init__(
        self, days: PurchaseDays, n_customers: int, origins: Sequence[int], *, horizon: int, months: int, end: int
    ) -> None:
        bought = days.sums["gross"] > 0
        self._horizon = horizon
        self._totals = {name: _cumulate(values) for name, values in days.sums.items()}
        self._n_bought = _cumulate(bought)
        if "cost" in days.sums:
            self._totals["margin"] = self._totals["gross"] - self._totals["returns"] - self._totals["cost"]
        edges = {edge for origin in origins for ends in _windows(origin, horizon).values() for edge in ends}
        self._find_edges(days, n_customers, edges)

        self._day = days.day[bought]
        customer = days.customer[bought]
        self._due = _add_calendar_months(self._day, months)
        follows = customer[1:] == customer[:-1]
        gap = np.where(follows, np.diff(self._day), 0)
        self._gap_squares = _cumulate(np.append(0, gap**2))
        following = np.append(self._day[1:], 0)
        is_last = np.append(~follows, True)
        self._silent = np.where(is_last, self._due <= end, following >= self._due)
        self._unknown = is_last & (self._due > end)
        self._n_silent, self._n_unknown = _cumulate(self._silent), _cumulate(self._unknown)

    def _find_edges(self, days: PurchaseDays, n_customers: int, edges: set[int]) -> None:
        """For every edge the entry of each customer with which the days from it on begin."""
        owners = days.customer
        at = np.searchsorted(owners, np.arange(n_customers))
        self._start, self._edges = at, {}
        since = days.day - days.day.min()
        small = since.astype(np.uint16 if since.max() < 2**16 else np.uint32)  # 16 bits are sorted in one pass
        by_day = np.argsort(small, kind="stable")
        seen = 0
        for edge in sorted(edges):
            before = int(np.searchsorted(since, edge - days.day.min(), sorter=by_day))
            at = at + np.bincount(owners[by_day[seen:before]], minlength=n_customers)
            self._edges[edge] = at
            seen = before

    def _between(self, total: Ints, start: int, end: int) -> Ints:
        return total[self._edges[end]] - total[self._edges[start]]

    def count(self, origin: int) -> dict[str, npt.NDArray[Any]]:
        """All that is counted of each customer at an origin; see :func:`count_windows`."""
        windows = _windows(origin, self._horizon)
        at = (self._start, self._edges[origin], self._edges[origin + self._horizon])
        begin, here, after = (self._n_bought[entry] for entry in at)
        totals = self._totals
        n_days = here - begin
        any_day = np.append(self._day, 0)  # who has no order yet gets a day of no meaning
        last = np.where(n_days > 0, here - 1, len(self._day))
        first = np.where(n_days > 0, begin, len(self._day))
        due = np.append(self._due, 0)[last]
        found: dict[str, npt.NDArray[Any]] = {
            "n_days": n_days,
            "first": any_day[first],
            "last": any_day[last],
            "due": due,
            "gap_squares": self._gap_squares[here] - self._gap_squares[begin],
            "gross": _to_money(totals["gross"][self._edges[origin]] - totals["gross"][self._start]),
            "returns_year": _to_money(self._between(totals["returns"], *windows["year"])),
            "silent": np.append(self._silent, False)[last] | (self._n_silent[after] > self._n_silent[here]),
            "unknown": np.append(self._unknown, False)[last] | (self._n_unknown[after] > self._n_unknown[here]),
        }
        for name, window in windows.items():
            found[f"n_days_{name}"] = self._between(self._n_bought, *window)
            found[f"revenue_{name}"] = _to_money(self._between(totals["gross"], *window))
            if "margin" in totals and name in ("year", "next"):
                found[f"margin_{name}"] = _to_money(self._between(totals["margin"], *window))
        if "discount" in totals:
            found["discount_year"] = _to_money(self._between(totals["discount"], *windows["year"]))
        return found


def _cumulate(values: npt.NDArray[Any]) -> Ints:
    """Sums of the first 0, 1, … values; should they wrap around, their differences are right all the same."""
    return np.append(0, np.cumsum(values, dtype=np.int64))


def _to_money(values: Ints) -> npt.NDArray[np.float64]:
    return values / _UNITS


def _add_calendar_months(day: Ints, months: int) -> Ints:
    """The same day of the month so many months later, or the last of that month."""
    month = day.astype("datetime64[D]").astype("datetime64[M]")
    target = month + months
    in_month = day - month.astype("datetime64[D]").astype(np.int64)
    first, following = (start.astype("datetime64[D]").astype(np.int64) for start in (target, target + 1))
    return np.minimum(first + in_month, following - 1)
