"""Frames as a churn forecast makes them, for the tests of what is done with one."""

from __future__ import annotations

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
