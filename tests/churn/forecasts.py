"""Forecasts of accounts whose probabilities are known."""

import numpy as np
import pandas as pd
from scipy.special import expit

MODELS = {"regression": 0.2, "recency": 1.2, "BG/NBD": 0.9, "twin": 0.2}
"""By model, how far it is off in log-odds."""


def some_forecasts(n=300, n_origins=4, seed=1, *, season=0.0, models=tuple(MODELS)):
    """Forecasts and snapshots of n accounts; at the last origin all log-odds of no order are ``season`` above what was said."""
    rng = np.random.default_rng(seed)
    lasting, money = rng.normal(0, 1.2, n), np.exp(rng.normal(6, 1.2, n))
    names = [f"C{i:05d}" for i in range(n)]
    rows, forecasts = [], []
    for o, day in enumerate(pd.date_range("2023-01-02", periods=n_origins, freq="91D")):
        odds = lasting + rng.normal(0, 0.6, n)
        no_order = rng.random(n) < expit(odds + season * (o == n_origins - 1))
        key = pd.DataFrame({"origin": day, "customer_id": names})
        rows.append(
            key.assign(
                at_risk=odds < 1.5,
                revenue_year=money,
                revenue_next=np.where(no_order, 0, money / 4 * np.exp(rng.normal(0, 0.5, n))),
                no_order=pd.array(no_order, dtype="boolean"),
            )
        )
        for name in models:
            off = MODELS[name]
            p = expit((odds + rng.normal(0, off, n)) / (1 + off**2 / 3))
            forecasts.append(key.assign(model=name, p_no_order=p, expected_revenue=(1 - p) * money / 4))
    return pd.concat(forecasts, ignore_index=True), pd.concat(rows, ignore_index=True)
