"""Made-up ledgers of six kinds, to try churn models on. ``python -m benchmarks.unseen_ledgers [seed]`` says what is in them.

No model of kam was chosen, and no number of it set, by what comes out on them. All end on 2025-06-30; orders are ``customer_id,
order_date, amount``, one row per customer and day.
"""
# ruff: noqa: T201

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

END = pd.Timestamp("2025-06-30")
YEAR = 365.25


def regular_b2b(seed: int) -> pd.DataFrame:
    """400 firms over four years, most of which order each quarter, some each month or half-year; 8 % a year leave."""
    rng = np.random.default_rng(seed)
    span = 4 * YEAR
    start = np.where(rng.random(400) < 0.6, rng.uniform(0, 91, 400), rng.uniform(0, span, 400))
    stop = start + rng.exponential(YEAR / 0.08, 400)
    gap = rng.choice([30.4, 91.3, 182.6], 400, p=[0.15, 0.7, 0.15])
    days = [
        _renewals(rng, first, min(last, span), mean, shape=18)
        for first, last, mean in zip(start, stop, gap, strict=True)
    ]
    return _ledger(rng, days, span, level=5000, spread=1.0)


def poisson_with_dropout(seed: int) -> pd.DataFrame:
    """2,000 customers over three years who order at a constant rate of their own until they leave: a Pareto/NBD world."""
    rng = np.random.default_rng(seed)
    span = 3 * YEAR
    start = rng.uniform(0, span, 2000)
    stop = start + rng.exponential(1 / (rng.gamma(0.9, 1 / 500, 2000) + 1e-9))
    rate = rng.gamma(0.8, 1 / 40, 2000)
    days = [
        np.r_[first, _poisson(rng, first, min(last, span), r)] for first, last, r in zip(start, stop, rate, strict=True)
    ]
    return _ledger(rng, days, span, level=80, spread=0.7)


def seasonal_retail(seed: int) -> pd.DataFrame:
    """3,000 customers over two and a half years; from October to December they order at three times the usual rate."""
    rng = np.random.default_rng(seed)
    span = 2.5 * YEAR
    at = rng.uniform(0, span, 12_000)
    start = at[rng.random(12_000) < _season(at, span) / 3][:3000]
    stop = start + rng.exponential(1 / (rng.gamma(1.0, 1 / 600, len(start)) + 1e-9))
    rate = rng.gamma(0.7, 1 / 60, len(start))
    days = []
    for first, last, r in zip(start, stop, rate, strict=True):
        busy = _poisson(rng, first, min(last, span), 3 * r)
        days.append(np.r_[first, busy[rng.random(len(busy)) < _season(busy, span) / 3]])
    return _ledger(rng, days, span, level=60, spread=0.6)


def young_company(seed: int) -> pd.DataFrame:
    """A company of 15 months whose new customers double every four; it has 1,500, and each orders every 20 to 90 days."""
    rng = np.random.default_rng(seed)
    span = 15 * YEAR / 12
    growth = np.log(2) / (4 * YEAR / 12)
    start = np.log1p(rng.random(1500) * np.expm1(growth * span)) / growth
    stop = start + rng.exponential(300, 1500)
    gap = rng.uniform(20, 90, 1500)
    days = [
        _renewals(rng, first, min(last, span), mean, shape=2)
        for first, last, mean in zip(start, stop, gap, strict=True)
    ]
    return _ledger(rng, days, span, level=200, spread=0.8)


def few_customers(seed: int) -> pd.DataFrame:
    """120 customers over four years, of very different size and rhythm; 15 % a year leave, some fade before."""
    rng = np.random.default_rng(seed)
    span = 4 * YEAR
    start = np.where(rng.random(120) < 0.7, rng.uniform(0, 60, 120), rng.uniform(0, span, 120))
    stop = start + rng.exponential(YEAR / 0.15, 120)
    gap = np.exp(rng.normal(np.log(60), 0.7, 120))
    days = []
    for first, last, mean in zip(start, stop, gap, strict=True):
        made = _renewals(rng, first, min(last, span), mean, shape=3)
        fading = (made > last - 270) & (rng.random(len(made)) < 0.5)
        days.append(np.r_[made[:1], made[1:][~fading[1:]]])
    return _ledger(rng, days, span, level=2000, spread=1.3)


def one_time_buyers(seed: int) -> pd.DataFrame:
    """6,000 customers over two years, three in four of whom order once; the others as often as they like, for a while."""
    rng = np.random.default_rng(seed)
    span = 2 * YEAR
    start = rng.uniform(0, span, 6000)
    returns = rng.random(6000) < 0.25
    stop = start + np.where(returns, rng.exponential(400, 6000), 0)
    rate = rng.gamma(1.2, 1 / 70, 6000)
    days = [
        np.r_[first, _poisson(rng, first, min(last, span), r)] for first, last, r in zip(start, stop, rate, strict=True)
    ]
    return _ledger(rng, days, span, level=45, spread=0.5)


UNSEEN: dict[str, Callable[[int], pd.DataFrame]] = {
    "regular B2B": regular_b2b,
    "Poisson with dropout": poisson_with_dropout,
    "seasonal retail": seasonal_retail,
    "young company": young_company,
    "few customers": few_customers,
    "one-time buyers": one_time_buyers,
}


def _poisson(rng: np.random.Generator, start: float, stop: float, rate: float) -> Floats:
    return np.sort(rng.uniform(start, stop, rng.poisson(rate * (stop - start)))) if stop > start else np.empty(0)


def _renewals(rng: np.random.Generator, start: float, stop: float, mean: float, *, shape: float) -> Floats:
    """The first order, then orders after gaps of a gamma distribution."""
    n = int((stop - start) / mean * 2) + 20
    days = start + np.r_[0.0, rng.gamma(shape, mean / shape, n).cumsum()]
    return np.r_[start, days[1:][days[1:] < stop]]


def _season(day: Floats, span: float) -> Floats:
    days = END.to_datetime64().astype("datetime64[D]") - np.floor(span - day).astype(np.int64)
    month = days.astype("datetime64[M]").astype(np.int64) % 12 + 1
    return np.where(month >= 10, 3.0, 1.0)


def _ledger(rng: np.random.Generator, days: list[Floats], span: float, *, level: float, spread: float) -> pd.DataFrame:
    """Days from the beginning, one array per customer, as orders with amounts around a mean of the customer's own."""
    customer = np.repeat(np.arange(len(days)), [len(one) for one in days])
    own = level * np.exp(rng.normal(0, spread, len(days)))
    day = END - pd.to_timedelta(np.floor(span - np.concatenate(days)), unit="D")
    orders = pd.DataFrame({"customer_id": [f"C{i:05d}" for i in customer], "order_date": day})
    orders["amount"] = np.round(own[customer] * np.exp(rng.normal(0, 0.4, len(orders))), 2) + 0.01
    orders = orders[orders["order_date"] <= END]
    return orders.groupby(["customer_id", "order_date"], as_index=False)["amount"].sum()


def main(seed: int) -> None:
    """Print the size of each."""
    for name, make in UNSEEN.items():
        orders = make(seed)
        per = orders.groupby("customer_id").size()
        print(
            f"{name:22s} {orders['order_date'].min().date()} to {orders['order_date'].max().date()}: {len(per):,} customers, "
            f"{len(orders):,} purchase days, {(per == 1).mean():.0%} with one"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2025)
