"""The last year of every account beside the year before, at the end of every quarter; what chance would do, and what follows."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.definition import ChurnDefinitionResult
from kam.churn.waiting import Activity
from kam.errors import ParameterError
from kam.ledger.periods import MONTHS_IN
from kam.stats.proportions import wilson_interval
from kam.stats.resampling import bootstrap_weights, check_whole, percentile_interval

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

QUARTER, YEAR = 3, 12
MIN_EVENTS = 5
"""With fewer partial churners, or fewer losses, nothing is said of what follows."""
SWAPS = np.array(list(product((False, True), repeat=YEAR // QUARTER)))
"""Which of the four quarters change places between the two years: all sixteen ways, the first is as it was."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Seen:
    """What is seen of all accounts at the end of a quarter; arrays of shape (n,)."""

    known: Flags
    partial: Flags
    rose: Flags
    recent: Flags
    before: Floats
    after: Floats
    chance: Floats
    p_chance: Floats
    lost_next: Flags


def silent_months(activity: Activity, definition: ChurnDefinitionResult | int) -> Ints:
    """Silent months after which each account is lost.

    Raises
    ------
    ParameterError
        The definition is of other data.
    """
    if isinstance(definition, ChurnDefinitionResult):
        if definition.freq != "month":
            return np.full(len(activity.names), definition.k * MONTHS_IN[definition.freq], dtype=np.int64)
        customers = definition.customers
        same = len(customers) == len(activity.names) and (customers["customer_id"].to_numpy() == activity.names).all()
        if not same:
            raise ParameterError(
                "The definition is of other data than the ledger.",
                hint="Give churn_definition(ledger), or the number of silent months.",
            )
        own = customers["k_own"] if "k_own" in customers else np.full(len(customers), definition.k)
        return np.asarray(own, dtype=np.int64)
    check_whole("definition", definition, at_least=1)
    return np.full(len(activity.names), definition, dtype=np.int64)


def lay_out(activity: Activity, k: Ints) -> tuple[Floats, Ints, Ints]:
    """Net revenue by account and month; last month with an order up to each month, and the month of the next loss from it on
    (large: none is seen), both accounts × months.
    """
    assert activity.money is not None
    n, t = len(activity.names), activity.n_periods
    revenue = np.zeros((n, t))
    customer, period, money = activity.money
    inside = (period >= 0) & (period < t)
    np.add.at(revenue, (customer[inside], period[inside]), money[inside])
    waits = activity.waits
    last = np.full((n, t), -1)
    last[waits.customer, waits.start] = waits.start
    last = np.maximum.accumulate(last, axis=1)
    lost = np.where(waits.ended, waits.length > k[waits.customer], waits.length >= k[waits.customer])
    lost_on = np.full((n, t + 1), 10 * t)
    lost_on[waits.customer[lost], (waits.start + k[waits.customer])[lost]] = (waits.start + k[waits.customer])[lost]
    lost_on = np.minimum.accumulate(lost_on[:, ::-1], axis=1)[:, ::-1]
    silent = np.arange(t) - last >= k[:, None]
    return revenue, np.where(silent, -1, last), lost_on


def first_orders(activity: Activity) -> Ints:
    """Month of the first order of every account."""
    first = np.full(len(activity.names), activity.n_periods)
    np.minimum.at(first, activity.waits.customer, activity.waits.start)
    return first


def not_lost_at(first: Ints, last: Ints, lost_on: Ints, end: int) -> Flags:
    """Who had ordered before the month and was not lost then."""
    return np.asarray((first < end) & (last[:, end - 1] >= 0))


def look_at(
    revenue: Floats, first: Ints, last: Ints, lost_on: Ints, end: int, drop: float, min_revenue: float, follow: int
) -> Seen:
    """Compare the year before the month ``end`` with the one before that, account by account."""
    after = revenue[:, end - YEAR : end].reshape(-1, YEAR // QUARTER, QUARTER).sum(axis=2)
    before = revenue[:, end - 2 * YEAR : end - YEAR].reshape(-1, YEAR // QUARTER, QUARTER).sum(axis=2)
    a, b = after.sum(axis=1), before.sum(axis=1)
    known = not_lost_at(first, last, lost_on, end) & (first <= end - 2 * YEAR) & (b > 0) & (b >= min_revenue)
    keep = 1 - drop
    difference = after - before
    swapped_before = b[:, None] + difference @ SWAPS.T.astype(float)
    swapped_after = a[:, None] - difference @ SWAPS.T.astype(float)
    tiny = 1e-9 * (np.abs(a) + np.abs(b))
    chance = ((swapped_after <= keep * swapped_before + tiny[:, None]) & (swapped_before > 0)).mean(axis=1)
    ratio = np.where(b > 0, a / np.where(b > 0, b, 1.0), np.inf)
    ratios = np.where(swapped_before > 0, swapped_after / np.where(swapped_before > 0, swapped_before, 1.0), np.inf)
    return Seen(
        known=known,
        partial=known & (a <= keep * b + tiny),
        rose=known & (b <= keep * a + tiny) & (a > 0),
        recent=known & (last[:, end - 1] >= end - QUARTER),
        before=b,
        after=a,
        chance=chance,
        p_chance=(ratios <= ratio[:, None] + 1e-12).mean(axis=1),
        lost_next=lost_on[:, end] < end + follow,
    )


def quarter_frame(seen: list[Seen], ends: Ints, activity: Activity, level: float) -> pd.DataFrame:
    """One row per end of a quarter; see ``quarters`` of the result."""
    rows = [
        {
            "period": activity.days[end - 1],
            "n_customers": int(s.known.sum()),
            "n_partial": int(s.partial.sum()),
            "n_chance": float(s.chance[s.known].sum()),
            "n_rise": int(s.rose.sum()),
            "money_drop": float((s.before - s.after)[s.partial].sum()),
        }
        for s, end in zip(seen, ends, strict=True)
        if s.known.any()
    ]
    frame = pd.DataFrame(rows)
    low, high = wilson_interval(frame["n_partial"], frame["n_customers"], level)
    frame = frame.assign(share_partial=frame["n_partial"] / frame["n_customers"], ci_low=low, ci_high=high)
    columns = ["period", "n_customers", "n_partial", "share_partial", "ci_low", "ci_high", "n_chance", "n_rise"]
    return frame[[*columns, "money_drop"]]


def early_signs(
    seen: list[Seen], ends: Ints, n_periods: int, follow: int, level: float, n_resamples: int, seed: int
) -> pd.DataFrame:
    """Of those followed long enough, how many were lost: partial churners against the others."""
    followed = [s for s, end in zip(seen, ends, strict=True) if end + follow <= n_periods]
    rows = []
    for scope in ("all that are not lost", "ordered in the last quarter"):
        there = [s.known if scope.startswith("all") else s.recent for s in followed]
        counts = np.array(
            [
                [now & s.partial, now & s.partial & s.lost_next, now & ~s.partial, now & ~s.partial & s.lost_next]
                for now, s in zip(there, followed, strict=True)
            ],
            dtype=np.float64,
        ).reshape(len(followed), 4, len(seen[0].known))
        total = counts.sum(axis=2)
        n_partial, partial_lost, n_others, others_lost = total.sum(axis=0)
        row = {"scope": scope, "n_partial": int(n_partial), "n_others": int(n_others)}
        shares = [float(share[0]) for share in _shares(total[None])]
        low = high = np.nan
        accounts_with = int(counts[:, 0].any(axis=0).sum())
        if accounts_with >= MIN_EVENTS and n_others and partial_lost + others_lost >= MIN_EVENTS:
            wide = counts.reshape(-1, counts.shape[2]).T
            drawn = np.concatenate([w @ wide for w in bootstrap_weights(len(wide), n_resamples, seed)])
            ours, theirs = _shares(drawn.reshape(len(drawn), -1, 4))
            difference = ours - theirs
            low, high = percentile_interval(difference[np.isfinite(difference)], level)
        rows.append(
            row
            | {
                "share_partial_lost": shares[0],
                "share_others_lost": shares[1],
                "estimate": shares[0] - shares[1],
                "ci_low": low,
                "ci_high": high,
            }
        )
    return pd.DataFrame(rows)


def _shares(counts: Floats) -> tuple[Floats, Floats]:
    """Share lost of partial churners and of others, from counts (B, quarters, 4); the others as if they stood in the quarters in
    which the partial churners do, since some quarters see more losses than others. Missing without any.
    """
    n, lost, n_others, lost_others = np.moveaxis(counts, 2, 0)
    n = np.where(n_others > 0, n, 0.0)
    rate = lost_others / np.where(n_others > 0, n_others, 1.0)
    total = n.sum(axis=1)
    some = np.where(total > 0, total, np.nan)
    return np.where(n_others > 0, lost, 0.0).sum(axis=1) / some, (n * rate).sum(axis=1) / some
