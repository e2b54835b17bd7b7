"""Panels of customers' states with a known truth, for tests and benchmarks."""

import numpy as np
import pandas as pd

STATES = ("A", "B", "lost")
TRUTH = np.array([[0.80, 0.15, 0.05], [0.20, 0.65, 0.15], [0.02, 0.03, 0.95]])
MONEY = np.array([100.0, 30.0, 0.0])


def simulate(
    seed,
    *,
    p=TRUTH,
    n_customers=300,
    n_periods=24,
    freq="MS",
    start="2022-01-01",
    states=STATES,
    money=MONEY,
    level=0.0,
):
    """A panel of a chain ``p`` (S, S), or of one per season (C, S, S) whose first season is that of the first period.

    ``level``: spread of a gamma factor per customer that multiplies the money.
    """
    rng = np.random.default_rng(seed)
    cycle = p[None] if p.ndim == 2 else p
    state = np.zeros((n_customers, n_periods), dtype=int)
    state[:, 0] = rng.integers(len(states) - 1, size=n_customers)
    for t in range(1, n_periods):
        limits = cycle[(t - 1) % len(cycle)].cumsum(axis=1)[:, :-1]
        state[:, t] = (rng.random((n_customers, 1)) > limits[state[:, t - 1]]).sum(axis=1)
    factor = rng.gamma(1 / level**2, level**2, (n_customers, 1)) if level else np.ones((n_customers, 1))
    revenue = money[state] * factor * rng.uniform(0.5, 1.5, state.shape)
    return pd.DataFrame(
        {
            "customer_id": np.repeat([f"{i:05d}" for i in range(n_customers)], n_periods),
            "period": np.tile(pd.date_range(start, periods=n_periods, freq=freq), n_customers),
            "state": np.asarray(states, dtype=object)[state.ravel()],
            "revenue": revenue.ravel(),
        }
    )


def seasonal(strength, p=TRUTH, n_seasons=4):
    """A matrix per season: more are lost in the one half of the year, fewer in the other."""
    tilt = strength * np.cos(2 * np.pi * np.arange(n_seasons) / n_seasons)
    cycle = p * np.exp(tilt[:, None, None] * np.array([1.0, 0.0, -1.0]))
    return cycle / cycle.sum(axis=2, keepdims=True)


def quarterly(seed=1, *, p=TRUTH, n_customers=300, n_periods=16, late=True):
    """A panel by quarter in which every third customer comes later."""
    panel = simulate(seed, p=p, n_customers=n_customers, n_periods=n_periods, freq="QS")
    if not late:
        return panel
    customer, period = panel["customer_id"].astype(int), panel.groupby("customer_id").cumcount()
    return panel[(customer % 3 > 0) | (period >= customer % n_periods)].reset_index(drop=True)


def from_states(states, names=STATES):
    """A panel of numbered periods from an array (customers, periods); -1: not there."""
    customer, period = np.nonzero(states >= 0)
    codes = states[customer, period]
    ids = np.array([f"{i:05d}" for i in range(len(states))])
    columns = {"customer_id": ids[customer], "period": period, "state": np.array(names, dtype=object)[codes]}
    return pd.DataFrame(columns)


def walk(rng, matrices, n):
    """States (n, T + 1) under one matrix per step."""
    state = np.empty((n, len(matrices) + 1), dtype=int)
    state[:, 0] = rng.integers(3, size=n)
    for t, p in enumerate(matrices):
        state[:, t + 1] = (rng.random((n, 1)) > p.cumsum(axis=1)[state[:, t], :-1]).sum(axis=1)
    return state


def numbers(result, scope, column="n_expected"):
    """A forecast of states: one row per period ahead, one column per state."""
    frame = result.forecast[result.forecast["scope"] == scope]
    return frame.pivot(index="n_ahead", columns="state", values=column)
