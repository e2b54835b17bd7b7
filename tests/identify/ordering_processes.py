"""Companies of accounts that order by known processes, each of which can be run again: what class stability is judged by.

A process draws the accounts once (what is fixed: rate, rhythm, size of orders, when they join and end, season) and then any
number of independent runs of their orders over the same window. :func:`compare` sets the probability that a method states for
an account beside how often the account gets its class again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from kam.samples import simulate_company, simulate_rerun

MONTHS_START = pd.Timestamp("2021-01-01")


@dataclass(frozen=True)
class Company:
    """Accounts with everything that stays the same when the same window is run again. Times are in months."""

    n_months: int
    rate: np.ndarray  # orders per month while active
    regularity: np.ndarray  # shape of the gamma gaps: 1 is Poisson, 20 is nearly a clock
    size: np.ndarray  # median order size
    spread: np.ndarray  # standard deviation of the log order size
    start: np.ndarray  # month of joining; at or below 0: was there before
    end: np.ndarray  # month after which nothing is ordered
    opening_order: bool  # whether an account that joins does so with an order
    intensity: np.ndarray  # accounts × months: season and trend, mean about 1
    bursts: float = 0.0  # standard deviation of monthly log intensity, drawn anew in each run …
    memory: float = 0.0  # … with this autocorrelation
    hazard: float = 0.0  # chance per month to end, drawn anew in each run
    returns: float = 0.0  # chance that an order comes back
    margin: np.ndarray | None = None  # mean margin per account; amounts are then margins …
    margin_noise: float = 0.15  # … which vary by this much from order to order

    @property
    def n(self) -> int:
        return len(self.rate)


@dataclass(frozen=True)
class Orders:
    account: np.ndarray
    month: np.ndarray  # as a fraction
    amount: np.ndarray
    is_order: np.ndarray  # False for what comes back


def run(company: Company, seed: int) -> Orders:
    """All orders of one run: gamma renewal in operational time, mapped back through the intensity."""
    c, rng = company, np.random.default_rng(seed)
    n, months = c.n, c.n_months
    monthly = c.intensity * c.rate[:, None]
    if c.bursts:
        shock = np.empty((n, months))
        shock[:, 0] = rng.normal(size=n)
        for t in range(1, months):
            shock[:, t] = c.memory * shock[:, t - 1] + np.sqrt(1 - c.memory**2) * rng.normal(size=n)
        monthly = monthly * np.exp(c.bursts * shock - c.bursts**2 / 2)
    end = c.end if not c.hazard else np.minimum(c.end, np.maximum(c.start, 0) + rng.exponential(1 / c.hazard, n))
    edges = np.arange(months + 1)
    active = np.clip(np.minimum(end[:, None], edges[1:]) - np.maximum(c.start[:, None], edges[:-1]), 0, 1)
    work = np.concatenate([np.zeros((n, 1)), np.cumsum(monthly * active, axis=1)], axis=1)
    total = work[:, -1]
    joins = c.start > 0
    # A process that has run for long is met at a random point of a gap; one that begins now begins with a gap or an order.
    first = rng.gamma(c.regularity) / c.regularity
    inside = rng.random(n) * rng.gamma(c.regularity + 1) / c.regularity
    first = np.where(joins, 0.0 if c.opening_order else first, inside)
    accounts, times = [], []
    at, left = first, np.arange(n)
    while len(left):
        keep = at < total[left]
        left, at = left[keep], at[keep]
        accounts.append(left)
        times.append(at)
        at = at + rng.gamma(c.regularity[left]) / c.regularity[left]
    account, time = np.concatenate(accounts), np.concatenate(times)
    order = np.argsort(account, kind="stable")
    account, time = account[order], time[order]
    month = np.empty(len(time))
    bounds = np.searchsorted(account, np.arange(n + 1))
    for i in range(n):
        rows = slice(bounds[i], bounds[i + 1])
        if rows.start < rows.stop:
            low = int(max(0, np.floor(c.start[i])))
            high = int(min(months, np.ceil(end[i])))
            knots = edges[low : high + 1].astype(float)
            knots[0], knots[-1] = max(c.start[i], 0), min(end[i], months)
            month[rows] = np.interp(time[rows], work[i, low : high + 1], knots)
    month = np.minimum(month, months - 1e-9)
    amount = c.size[account] * np.exp(c.spread[account] * rng.normal(size=len(account)))
    is_order = np.ones(len(account), dtype=bool)
    if c.margin is not None:
        amount = amount * (c.margin[account] + c.margin_noise * rng.normal(size=len(account)))
    if c.returns:
        back = rng.random(len(account)) < c.returns
        later = np.minimum(month[back] + rng.exponential(0.5, back.sum()), months - 1e-9)
        account = np.concatenate([account, account[back]])
        month = np.concatenate([month, later])
        amount = np.concatenate([amount, -amount[back] * rng.uniform(0.3, 1, back.sum())])
        is_order = np.concatenate([is_order, np.zeros(back.sum(), dtype=bool)])
    return Orders(account, month, amount, is_order)


def totals(orders: Orders, n: int) -> np.ndarray:
    return np.bincount(orders.account, orders.amount, minlength=n)


def frames(orders: Orders) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The summary and the monthly panel of a run, as far as the classes need them."""
    ordinal = MONTHS_START.to_period("M").ordinal + np.floor(orders.month).astype(int)
    period = pd.PeriodIndex.from_ordinals(ordinal, freq="M").to_timestamp()
    lines = pd.DataFrame(
        {"customer_id": [f"{a:06d}" for a in orders.account], "period": period, "revenue": orders.amount}
    )
    lines["day"] = period + pd.to_timedelta(np.floor(orders.month % 1 * 28), unit="D")
    lines["n_orders"] = orders.is_order.astype(int)
    panel = lines.groupby(["customer_id", "period"], as_index=False)[["revenue", "n_orders"]].sum()
    summary = lines.groupby("customer_id")[["revenue", "n_orders"]].sum()
    days = lines[lines["n_orders"] > 0].drop_duplicates(["customer_id", "day"]).sort_values(["customer_id", "day"])
    gaps = (
        days["day"]
        .diff()
        .dt.days.where(days["customer_id"] == days["customer_id"].shift())
        .groupby(days["customer_id"])
    )
    summary["first_order"] = days.groupby("customer_id")["day"].min()
    summary["last_order"] = days.groupby("customer_id")["day"].max()
    summary["median_gap_days"] = gaps.median()
    summary["gap_cv"] = gaps.std(ddof=0) / gaps.mean()
    summary["demand_cv"] = np.nan
    as_of = period.max() + pd.offsets.MonthEnd()
    summary["days_since_last_order"] = (as_of - summary["last_order"]).dt.days.astype(float)
    summary["tenure_days"] = (as_of - summary["first_order"]).dt.days.astype(float)
    return summary.reset_index(), panel


def draw_company(
    seed: int,
    *,
    n: int = 1200,
    n_months: int = 36,
    rate: tuple[float, float] = (0.5, 1.0),
    regularity: tuple[float, float] = (1.0, 4.0),
    size_spread: float = 1.2,
    spread: tuple[float, float] = (0.2, 0.8),
    new: float = 0.4,
    ended: float = 0.2,
    season: float = 0.0,
    own_season: float = 0.0,
    trend: float = 0.0,
    opening_order: bool = True,
    pareto: float | None = None,
) -> Company:
    """Draw accounts: log-normal rates (median, log spread), regularity and order spread uniform between two values."""
    rng = np.random.default_rng(seed)
    t = np.arange(n_months)
    peak = np.where(rng.random(n)[:, None] < own_season, rng.uniform(0, 12, n)[:, None], 10.0)
    wave = np.exp(season * np.cos(2 * np.pi * (t - peak) / 12))
    slope = rng.normal(0, trend, n)[:, None] * (t / n_months - 0.5)
    size = np.exp(rng.normal(5, size_spread, n)) if pareto is None else 100 * (1 + rng.pareto(pareto, n))
    start = np.where(rng.random(n) < new, rng.uniform(0, n_months - 1, n), -1.0)
    end = np.where(rng.random(n) < ended, np.maximum(start, 0) + rng.uniform(0.5, n_months, n), np.inf)
    return Company(
        n_months=n_months,
        rate=np.minimum(rate[0] * np.exp(rate[1] * rng.normal(size=n)), 20.0),
        regularity=np.exp(rng.uniform(*np.log(regularity), n)),
        size=size,
        spread=rng.uniform(*spread, n),
        start=start,
        end=end,
        opening_order=opening_order,
        intensity=wave / wave.mean(axis=1, keepdims=True) * np.exp(slope),
    )


def _margins(seed: int) -> Company:
    company = draw_company(seed)
    return replace(company, margin=np.random.default_rng(seed).normal(0.12, 0.08, company.n))


PROCESSES: dict[str, Callable[[int], Company]] = {
    "pure chance": lambda seed: draw_company(seed, regularity=(1.0, 1.0001), n_months=24, rate=(0.6, 1.0)),
    "regular": lambda seed: draw_company(seed, regularity=(4.0, 25.0), n_months=48, spread=(0.1, 0.4), rate=(0.5, 0.7)),
    "mixed": lambda seed: draw_company(seed, regularity=(0.6, 12.0), spread=(0.1, 1.2)),
    "few orders": lambda seed: draw_company(seed, rate=(0.12, 0.8), n_months=24),
    "heavy sizes": lambda seed: draw_company(seed, rate=(0.3, 0.8), spread=(0.8, 1.4), pareto=1.4),
    "season": lambda seed: draw_company(seed, season=0.6, own_season=0.3),
    "trend": lambda seed: draw_company(seed, trend=1.0, season=0.3, n_months=48),
    "coming and going": lambda seed: draw_company(seed, new=0.7, ended=0.6, opening_order=False),
    "returns": lambda seed: replace(draw_company(seed), returns=0.08),
    "300 accounts": lambda seed: draw_company(seed, n=300, n_months=24),
    "6,000 accounts": lambda seed: draw_company(seed, n=6000, n_months=24, rate=(0.25, 1.1), size_spread=1.0),
    "all alike": lambda seed: draw_company(seed, size_spread=0.4, rate=(0.6, 0.4)),
}
"""What the method is for: the stated stability has to be right to within five points."""

BEYOND: dict[str, Callable[[int], Company]] = {
    "levels wander": lambda seed: replace(draw_company(seed, rate=(0.8, 0.8)), bursts=0.5, memory=0.7),
    "ends by chance": lambda seed: replace(draw_company(seed, ended=0.0), hazard=0.015),
    "clumps": lambda seed: draw_company(seed, regularity=(0.3, 0.8)),
    "clocks": lambda seed: draw_company(seed, regularity=(60.0, 200.0), spread=(0.02, 0.15), rate=(0.33, 0.4)),
    "six months": lambda seed: draw_company(seed, n_months=6, rate=(1.0, 0.8)),
    "12 accounts": lambda seed: draw_company(seed, n=12),
    "margins": _margins,
}
"""What its assumptions exclude, or data leave too little of: by how much it is then off."""


# -- judging ---------------------------------------------------------------------------------------------------------


def plain_classes(values: np.ndarray) -> np.ndarray:
    """ABC classes, written for the eye: the cumulative share before each value, largest first."""
    order = np.argsort(-values, kind="stable")
    positive = np.maximum(values[order], 0)
    before = np.cumsum(positive) - positive
    named = np.where(before < 0.8 * positive.sum(), "A", np.where(before < 0.95 * positive.sum(), "B", "C"))
    classes = np.empty(len(values), dtype="<U1")
    classes[order] = np.where(positive > 0, named, "C")
    return classes


def compare(
    first: Orders, again: Iterable[Orders], n: int, state: Callable[[pd.DataFrame, pd.DataFrame], pd.Series]
) -> pd.DataFrame:
    """One row per account that ordered in the first run: ``stated``, by a method that sees it alone, and ``observed``.

    ``state`` gives the probability of the same class by customer id, from summary and panel.
    """
    summary, panel = frames(first)
    stated = state(summary, panel)
    seen = stated.index.astype(int).to_numpy()
    own = plain_classes(totals(first, n)[seen])
    hits = [plain_classes(totals(orders, n))[seen] == own for orders in again]
    return pd.DataFrame({"abc_class": own, "stated": stated.to_numpy(), "observed": np.mean(hits, axis=0)})


def compare_process(
    company: Company, state: Callable[[pd.DataFrame, pd.DataFrame], pd.Series], n_reruns: int, seed: int
) -> pd.DataFrame:
    """:func:`compare` for a company that was drawn here."""
    first, *again = (run(company, 1000 * (seed + 1) + k) for k in range(n_reruns + 1))
    return compare(first, again, company.n, state)


def compare_sample(
    state: Callable[[pd.DataFrame, pd.DataFrame], pd.Series],
    n_reruns: int,
    seed: int,
    *,
    states: str = "kept",
    n_accounts: int = 1200,
) -> pd.DataFrame:
    """:func:`compare` for a company of kam.samples."""
    company = simulate_company(seed=seed, n_accounts=n_accounts)
    process = company.truth.process
    ids = pd.Index(process.traits.customer_id.astype(str))
    origin = pd.Timestamp(process.months.starts[0])

    def orders_of(k: int) -> Orders:
        ledger = simulate_rerun(company, seed=k, states=states if k else "kept")
        month = (ledger["order_date"].dt.year - origin.year) * 12 + ledger["order_date"].dt.month - origin.month
        ledger = ledger.assign(
            account=ids.get_indexer(ledger["customer_id"]), month=month + (ledger["order_date"].dt.day - 1) / 31
        )
        lines = ledger.groupby(["account", "month", "order_id"], as_index=False)["amount"].sum()
        amount = lines["amount"].to_numpy()
        return Orders(lines["account"].to_numpy(), lines["month"].to_numpy(), amount, amount > 0)

    first, *again = (orders_of(k) for k in range(n_reruns + 1))
    return compare(first, again, len(ids), state)


def by_decile(compared: pd.DataFrame) -> pd.DataFrame:
    """Ten equal groups of account-runs by stated stability: ``n, stated, observed, off`` (points, positive: overstated)."""
    decile = pd.Series(
        np.arange(len(compared)) * 10 // len(compared) + 1, index=compared["stated"].sort_values(kind="stable").index
    )
    groups = compared.groupby(decile.rename("decile"))
    table = groups[["stated", "observed"]].mean()
    table.insert(0, "n", groups.size())
    return table.assign(off=100 * (table["stated"] - table["observed"]))
