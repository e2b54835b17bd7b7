"""What the wholesaler plans with: targets, tiers set by hand, programmes, and series from outside."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kam.samples.months import Floats, Months
from kam.samples.traits import REGIONS

MONTHS_BEFORE = 12


def build_targets(ledger: pd.DataFrame, months: Months, rng: np.random.Generator) -> pd.DataFrame:
    """Build yearly targets, for every year but the first and for the one to come, of the 150 largest of the year
    before.

    The target of revenue is what was sold the year before plus 3 to 10 %, to 100 EUR; of margin, 18 to 28 % of it.
    """
    year = ledger["order_date"].dt.year
    sold = ledger.groupby([year, "customer_id"])["amount"].sum()
    parts = []
    for y in sorted(set(months.starts.astype("datetime64[Y]").astype(int) + 1970)):
        largest = sold.loc[y].nlargest(150).sort_index()
        target = np.round(largest.to_numpy() * rng.uniform(1.03, 1.10, len(largest)), -2)
        parts.append(
            pd.DataFrame(
                {
                    "customer_id": largest.index.to_numpy(),
                    "period": str(y + 1),
                    "revenue_target": target,
                    "margin_target": np.round(target * rng.uniform(0.18, 0.28, len(largest)), -2),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def build_overrides(accounts: pd.DataFrame, months: Months, rng: np.random.Generator) -> pd.DataFrame:
    """Build a dozen tiers set by hand within the last two years; half of them end."""
    reasons = ("reference customer", "group contract", "opens a new region", "board decision")
    chosen = np.sort(rng.choice(len(accounts), 12, replace=False))
    managers = accounts["manager"].dropna().unique()
    set_on = months.workdays(rng.integers(months.n_days - 700, months.n_days - 10, 12))
    until = np.where(rng.random(12) < 0.5, months.dates(set_on + 365), np.datetime64("NaT"))
    return pd.DataFrame(
        {
            "customer_id": accounts["customer_id"].to_numpy()[chosen],
            "tier": rng.choice(["A", "B"], 12, p=[0.7, 0.3]),
            "reason": rng.choice(reasons, 12),
            "set_on": months.dates(set_on),
            "set_by": rng.choice(managers, 12),
            "until": until,
        }
    )


def build_programmes() -> pd.DataFrame:
    """Build what could be done: ``effect`` is added to the quarterly probability of the transition, ``cost`` is per
    account and quarter.
    """
    columns = ["programme", "from_state", "to_state", "taken_from", "effect", "effect_sd", "source", "cost", "capacity"]
    rows = [
        ("service recovery", "A silent", "lost", "A silent", -0.050, 0.020, "experiment", 400.0, 40),
        ("quarterly review", "A", "B", "A", -0.010, 0.006, "judged", 250.0, 120),
        ("range extension", "B", "A", "B", 0.012, 0.006, "judged", 90.0, 200),
        ("inside sales call", "C silent", "C", "C silent", 0.050, 0.040, "assumed", 35.0, 600),
        ("win-back offer", "lost", "C", "lost", 0.015, 0.010, "assumed", 90.0, 100),
    ]
    return pd.DataFrame(rows, columns=columns)


def build_external(demand: Floats, months: Months, rng: np.random.Generator) -> pd.DataFrame:
    """Build the external series, from a year before the first month.

    Industrial production by region (`demand`; it acts on orders one month later) and the price of kraft paper, which
    acts on nothing; a month is known in the middle of the next.
    """
    every = months.starts[0].astype("datetime64[M]") + np.arange(-MONTHS_BEFORE, len(months))
    names = [r.name for r in REGIONS]
    paper = np.round(480 * np.exp(np.cumsum(rng.normal(0.0, 0.02, len(every)))), 1)
    known_on = (every + 2).astype("datetime64[D]") - 16
    production = pd.DataFrame(
        {
            "series": "industrial_production",
            "month": np.tile(every.astype("datetime64[D]"), len(names)),
            "value": demand.ravel(),
            "region": np.repeat(names, len(every)),
            "known_on": np.tile(known_on, len(names)),
        }
    )
    price = pd.DataFrame(
        {
            "series": "kraft_paper_price",
            "month": every.astype("datetime64[D]"),
            "value": paper,
            "region": None,
            "known_on": known_on,
        }
    )
    return pd.concat([production, price], ignore_index=True)
