"""Which large accounts are lost, the windows before their last order, and comparable accounts that stayed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.definition import ChurnDefinitionResult
from kam.churn.movements import Spans
from kam.churn.timelines import History
from kam.churn.waiting import read_activity
from kam.errors import EmptyDataError, ParameterError
from kam.ledger import Ledger, activity_panel

if TYPE_CHECKING:
    from kam.ledger.periods import Frequency

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

YEAR = 364
MIN_GAPS = 6
"""Gaps between purchase days from which on an account has a rhythm of its own."""
_CHUNK = 400


def lost_by_definition(ledger: Ledger, definition: ChurnDefinitionResult | int, freq: Frequency) -> set[str]:
    """The customers who are lost by the definition, or have been silent for so many periods.

    Raises
    ------
    ParameterError
        The definition is neither.
    """
    if isinstance(definition, ChurnDefinitionResult):
        column = "is_lost_own" if "is_lost_own" in definition.customers else "is_lost"
        return set(definition.customers.loc[definition.customers[column], "customer_id"].astype(str))
    activity = read_activity(ledger, freq)
    if isinstance(definition, bool) or not isinstance(definition, (int, np.integer)) or definition < 1:
        raise ParameterError(
            f"definition is {definition!r}.", hint="Give a churn definition, or a number of silent periods."
        )
    now = activity.waits.take(~activity.waits.ended)
    return set(activity.names[now.length >= definition])


def last_years(ledger: Ledger, top_share: float, min_revenue: float | None) -> tuple[pd.DataFrame, float]:
    """Net revenue in the year up to the last order, in the better of the last two and in the best of all; what is large."""
    panel = activity_panel(ledger, freq="month")
    panel = panel[panel.groupby("customer_id")["n_orders"].transform("max") > 0]
    if panel.empty:
        raise EmptyDataError("Nobody has an order in a complete month.", where=ledger.description)
    month = 12 * panel["period"].dt.year + panel["period"].dt.month
    account, names = pd.factorize(panel["customer_id"], sort=True)
    key, sums = account * 40_000 + month.to_numpy(), np.append(0.0, panel["revenue"].to_numpy().cumsum())
    until, before = (np.searchsorted(key, at, side="right") for at in (key, key - 12))
    before = np.maximum(before, np.searchsorted(account, account))
    earlier = np.maximum(np.searchsorted(key, key - 24, side="right"), np.searchsorted(account, account))
    panel = panel.assign(year=sums[until] - sums[before], earlier=sums[before] - sums[earlier])
    best = panel.groupby("customer_id")["year"].max()
    last = panel[panel["n_orders"] > 0].groupby("customer_id")[["year", "earlier"]].last()
    frame = pd.DataFrame({"customer_id": names, "best_year": best.reindex(names).to_numpy()})
    frame["revenue_before"] = last["year"].reindex(names).fillna(0.0).to_numpy()
    frame["revenue_peak"] = last.max(axis=1).reindex(names).fillna(0.0).to_numpy()
    if min_revenue is not None:
        return frame, float(min_revenue)
    return frame, float(np.quantile(frame["revenue_peak"], 1 - top_share, method="inverted_cdf"))


def find_lost(history: History, lost: set[str], gap_multiple: float | None) -> tuple[Ints, Flags, Floats]:
    """Who is lost, who of them by the own rhythm only, and the median gap of everybody (days; missing without one)."""
    account, day = np.divmod(history.purchases.key, 1 << 20)
    same = account[1:] == account[:-1]
    gaps = pd.Series(np.diff(day)[same]).groupby(account[1:][same])
    every = np.arange(len(history.names))
    median, longest, n = (
        getattr(gaps, how)().reindex(every).to_numpy(dtype=float) for how in ("median", "max", "count")
    )
    by_rule = np.isin(history.names.astype(str), list(lost))
    silent = history.as_of - history.last
    beyond = np.zeros(len(every), dtype=bool)
    if gap_multiple is not None:
        known = np.nan_to_num(n) >= MIN_GAPS
        beyond = known & (silent > gap_multiple * np.nan_to_num(median)) & (silent > np.nan_to_num(longest)) & ~by_rule
    return np.flatnonzero(by_rule | beyond), beyond, median


def find_spans(history: History, lost: Ints, usual_gap: Floats, window_days: int, level_days: int) -> Spans:
    """The windows of the lost, which end half a usual gap after the last order."""
    half = np.nan_to_num(usual_gap[lost] / 2, nan=0.0)
    end = history.last[lost] + 1 + np.minimum(half, window_days / 2).astype(np.int64)
    end = np.minimum(end, history.as_of + 1)
    middle = end - window_days
    start = np.maximum(middle - level_days, np.minimum(history.first[lost], middle - 1))
    return Spans(account=lost, start=start, middle=middle, end=end)


def find_peers(history: History, spans: Spans, n_peers: int) -> list[Ints]:
    """For each lost account those that stayed and were nearest to it in revenue and purchase days of the year before."""
    everybody = np.arange(len(history.names))
    size = history.purchases.between(everybody, np.zeros_like(everybody), np.full_like(everybody, 1 << 19)).sum("gross")
    ranked = np.argsort(size, kind="stable")
    place = np.argsort(ranked)
    silent = history.as_of - history.last
    found = []
    for i, account in enumerate(spans.account):
        near = max(0, min(int(place[account]) - _CHUNK, len(ranked) - 2 * _CHUNK))
        pool = ranked[near : near + 2 * _CHUNK]
        start, middle, end = (np.full(len(pool), int(days[i])) for days in (spans.start, spans.middle, spans.end))
        stayed = history.purchases.between(pool, end, end + int(silent[account])).n > 0
        fits = stayed & (history.first[pool] <= start) & (pool != account)
        fits &= history.purchases.between(pool, start, middle).n >= 2
        pool, year = pool[fits], history.purchases.between(pool[fits], end[fits] - YEAR, end[fits])
        own = history.purchases.between(*(np.array([v]) for v in (account, end[0] - YEAR, end[0])))
        far = [
            np.log(np.maximum(a, 1.0)) - np.log(np.maximum(b, 1.0))
            for a, b in ((year.sum("gross"), own.sum("gross")), (year.n, own.n))
        ]
        found.append(pool[np.argsort(far[0] ** 2 + far[1] ** 2, kind="stable")[:n_peers]])
    return found
