"""CDNOW, the 1/10 sample of Fader & Hardie, calibrated to 30 September 1997: one row per customer, in weeks."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

FILE = "cdnow_sample/cdnow_sample_10pct.parquet"


def calibration(path: Path) -> pd.DataFrame:
    """``frequency, recency, T`` and ``spend``, the mean of the repeat purchases; purchases on one day are one."""
    lines = pd.read_parquet(path).assign(date=lambda lines: pd.to_datetime(lines["date"]))
    end = pd.Timestamp("1997-09-30")
    days = lines[lines["date"] <= end].groupby(["customer_id", "date"])["amount"].sum().reset_index()
    customers = days.groupby("customer_id")["date"].agg(["min", "max", "size"])
    repeat = days[days["date"] > days["customer_id"].map(customers["min"])]
    return pd.DataFrame(
        {
            "frequency": customers["size"] - 1,
            "recency": (customers["max"] - customers["min"]).dt.days / 7,
            "T": (end - customers["min"]).dt.days / 7,
            "spend": repeat.groupby("customer_id")["amount"].mean(),
        }
    )
