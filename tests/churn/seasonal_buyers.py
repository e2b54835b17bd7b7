"""A ledger whose truth is known: buyers with rates and lives of their own, and a season that comes back every year."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kam.churn.rolling import RolledForecasts, roll_forecasts, rolling_origins
from kam.ledger import Snapshots, open_ledger, snapshots

START = pd.Timestamp("2022-01-03")


def simulate_orders(n: int = 400, *, seed: int = 1, days: int = 900, season: float = 1.0) -> pd.DataFrame:
    """Poisson orders at gamma rates until an exponential life ends; ``season`` is the swing of the rate in log terms."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(1.2, 1 / 40, n)
    joined, life = rng.integers(0, days // 2, n), rng.exponential(500, n)
    day = np.arange(days)
    swing = np.exp(season * np.cos(2 * np.pi * day / 364))
    there = (day >= joined[:, None]) & (day < (joined + life)[:, None])
    orders = rng.random((n, days)) < np.clip(rate[:, None] * swing * there, 0, 1)
    orders[np.arange(n), joined] = True
    customer, when = np.nonzero(orders)
    size = rng.lognormal(5, 0.8, n)[customer] * rng.lognormal(0, 0.4, len(customer))
    return pd.DataFrame(
        {
            "customer_id": [f"{i:04d}" for i in customer],
            "order_date": START + pd.to_timedelta(when, unit="D"),
            "amount": size.round(2),
        }
    )


def roll(orders: pd.DataFrame) -> tuple[Snapshots, RolledForecasts]:
    """Snapshots of such buyers, the last origin the day after the data, and forecasts at each."""
    ledger = open_ledger(orders)
    origins = rolling_origins(START.date(), ledger.as_of, horizon_days=91, per_window=2)
    taken = snapshots(ledger, origins=origins, horizon_days=91, k=6)
    return taken, roll_forecasts(taken)
