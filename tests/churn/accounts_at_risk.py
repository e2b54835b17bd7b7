"""Frames as a churn forecast makes them, for the tests of what is done with one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

STRANGE = ["한빛포장 유통", "<script>alert(1)</script>", "../../x", "007", "7"]


def forecast(**columns: object) -> pd.DataFrame:
    """A forecast of accounts at risk; what is not given: named a, b, …, from 1 January 2025."""
    n = max(np.size(values) for values in columns.values())
    standard = {"customer_id": [chr(97 + i) for i in range(n)], "origin": pd.Timestamp("2025-01-01"), "at_risk": True}
    return pd.DataFrame({**standard, **columns}, index=pd.RangeIndex(n))


def simulated(n: int, seed: int = 1) -> pd.DataFrame:
    """A forecast of n accounts, some lost already."""
    rng = np.random.default_rng(seed)
    return forecast(
        customer_id=[f"K{i:05d}" for i in range(n)],
        at_risk=rng.random(n) < 0.9,
        p_churn=rng.beta(1.5, 6, n),
        margin_year=np.exp(rng.normal(7, 1.2, n)),
    )


class Departing(NamedTuple):
    """A forecast with the right probabilities, and the truth: years to each account's departure, 0 if it has left."""

    frame: pd.DataFrame
    left: np.ndarray
    rate: float


def departing(n: int, rate: float = 0.2, orders: float = 24.0, seed: int = 1) -> Departing:
    """Accounts of 1 a year that order at random and leave at a constant rate, at risk at an origin with k a quarter, h 91 days.

    An account silent for s years has left with probability e / (1 + e), e = r / (r + a) (exp((r + a) s) − 1), at the rates r of
    leaving and a of ordering (Schmittlein, Morrison & Colombo 1987, for known rates); else it orders again
    after h with exp(−r h) a / (r + a). What it does not do after h is begin a silence before.
    """
    rng = np.random.default_rng(seed)
    k, h = 0.25, 91 / 365.25
    left = rng.exponential(1 / rate, n) - k  # years from the origin; all are there k before it
    silence = np.maximum(-left, 0) + rng.exponential(1 / orders, n)
    odds = rate / (rate + orders) * np.expm1((rate + orders) * silence)
    p = 1 - np.exp(-rate * h) * orders / (rate + orders) / (1 + odds)
    here = silence < k
    frame = forecast(customer_id=[f"K{i:05d}" for i in range(here.sum())], p_churn=p[here], margin_year=1.0)
    return Departing(frame, np.maximum(left[here], 0), rate)
