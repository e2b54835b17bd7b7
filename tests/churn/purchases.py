"""Panels of purchases, one worked by hand and simulated ones, and how a check of a result is found."""

import numpy as np
import pandas as pd

from kam.churn.definition import ChurnDefinitionResult

MONTHS = pd.date_range("2023-01-01", periods=60, freq="MS")
HAND = {"a": [0, 1, 4], "b": [0, 2], "c": [1, 2, 3, 5], "d": [0], "e": [0, 5]}
"""Six months. Waits that ended: 1 3 | 2 | 1 1 2 | – | 5. Open in the sixth: a 1, b 3, c 0, d 5, e 0."""


def make_panel(active: dict[str, list[int]], *, revenue: float | None = None) -> pd.DataFrame:
    rows = [(customer, MONTHS[t]) for customer, periods in active.items() for t in periods]
    panel = pd.DataFrame(rows, columns=["customer_id", "period"]).assign(n_orders=1)
    return panel if revenue is None else panel.assign(revenue=revenue)


def simulate_panel(
    n: int, seed: int, *, n_periods: int = 24, loss: float = 0.05, rates: tuple[float, ...] = (0.2, 0.6)
) -> pd.DataFrame:
    """Customers who buy at their own rate until they are gone for good, 1 in 20 a month."""
    rng = np.random.default_rng(seed)
    rate = rng.choice(rates, n)[:, None]
    time, start = np.arange(n_periods), rng.integers(0, n_periods // 2, n)[:, None]
    gone = np.cumsum((rng.random((n, n_periods)) < loss) & (time > start), axis=1) > 0
    active = ((rng.random((n, n_periods)) < rate) & ~gone & (time > start)) | (time == start)
    customer, period = np.nonzero(active)
    money = rng.integers(1, 100, len(customer)).astype(float)
    ids = [f"C{i:05d}" for i in customer]
    return pd.DataFrame({"customer_id": ids, "period": MONTHS[period], "n_orders": 1, "revenue": money})


def find_check(result: ChurnDefinitionResult, word: str) -> object:
    """The one check whose assumption has this word."""
    (found,) = [check for check in result.checks if word in check.assumption]
    return found
