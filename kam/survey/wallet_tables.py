"""Share of wallet by group and by level of satisfaction, with intervals over accounts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.stats.resampling import bootstrap_weights, percentile_interval
from kam.survey.frame import levels_of

Floats = npt.NDArray[np.float64]


def sum_groups(known: pd.DataFrame, by: Sequence[str], min_accounts: int, few: str) -> pd.DataFrame:
    """Money and demand by column and value; too small groups with the reason why they get no share."""
    parts = []
    for column in by:
        groups = known.groupby(levels_of(known[f"of {column}"]), sort=True)
        part = groups[["revenue", "potential", "elsewhere"]].sum()
        part.insert(0, "n_accounts", groups.size())
        parts.append(part.reset_index(names="group_name").assign(by=column))
    columns = ["by", "group_name", "n_accounts", "revenue", "potential", "elsewhere"]
    table = pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)
    return table.assign(
        share_wallet=(table["revenue"] / table["potential"]).astype("float64"),
        reason=np.where(table["n_accounts"] < min_accounts, few, ""),
    )


def average_levels(known: pd.DataFrame, min_accounts: int, few: str) -> pd.DataFrame:
    """Mean share of wallet by whole level of satisfaction."""
    rounded = np.floor(known["satisfaction"] + 0.5)
    groups = known.groupby(rounded)["share_wallet"]
    table = pd.DataFrame({"n_accounts": groups.size(), "estimate": groups.mean()}).reset_index()
    return table.assign(reason=np.where(table["n_accounts"] < min_accounts, few, ""))


def resample(
    known: pd.DataFrame, groups: pd.DataFrame, levels: pd.DataFrame, n_resamples: int, seed: int
) -> dict[str, Floats]:
    """Sums of resampled accounts: over all, by group, by level of satisfaction, and the slope on satisfaction."""
    member = [
        (levels_of(known[f"of {by}"]) == name).to_numpy()
        for by, name in zip(groups["by"], groups["group_name"], strict=True)
    ]
    at = np.column_stack([np.ones(len(known)), *member]).astype(np.float64)
    rounded = np.floor(known["satisfaction"].to_numpy() + 0.5)
    level = (rounded[:, None] == levels["satisfaction"].to_numpy()[None, :]).astype(np.float64)
    y, x = known["share_wallet"].to_numpy(), known["satisfaction"].to_numpy()
    has = ~np.isnan(x)
    x = np.where(has, x - (x[has].mean() if has.any() else 0.0), 0.0)
    moments = np.column_stack([has, x, has * y, x * y, x * x]).astype(np.float64)
    blocks = {
        "revenue": known["revenue"].to_numpy()[:, None] * at,
        "potential": known["potential"].to_numpy()[:, None] * at,
        "shares": y[:, None] * level,
        "counts": level,
        "slope": moments,
    }
    columns = np.concatenate(list(blocks.values()), axis=1)
    sums = np.concatenate([w.astype(np.float64) @ columns for w in bootstrap_weights(len(known), n_resamples, seed)])
    ends = np.cumsum([block.shape[1] for block in blocks.values()])[:-1]
    return dict(zip(blocks, np.split(sums, ends, axis=1), strict=True))


def add_intervals(table: pd.DataFrame, above: Floats, below: Floats, estimate: str, level: float) -> pd.DataFrame:
    """Intervals of ratios of resampled sums; no estimate and no interval where there is a reason against it."""
    low, high = np.full(len(table), np.nan), np.full(len(table), np.nan)
    for i in np.flatnonzero((table["reason"] == "").to_numpy()):
        there = below[:, i] > 0  # a resample may miss a small group
        low[i], high[i] = percentile_interval(above[there, i] / below[there, i], level)
    table = table.assign(ci_low=low, ci_high=high)
    table[estimate] = table[estimate].where(table["reason"] == "")
    first = [c for c in table.columns if c not in (estimate, "ci_low", "ci_high", "elsewhere", "reason")]
    return table[[*first, estimate, "ci_low", "ci_high", *(["elsewhere"] if "elsewhere" in table else []), "reason"]]


def fit_slope(
    known: pd.DataFrame, moments: Floats, min_accounts: int, level: float
) -> tuple[float, float, float] | tuple[None, None, None]:
    """Least squares of the share of wallet on satisfaction, with its interval; None where too few are known."""
    there = known[known["satisfaction"].notna()]
    x, y = there["satisfaction"].to_numpy(), there["share_wallet"].to_numpy()
    if len(there) < 2 * min_accounts or np.ptp(x) == 0:
        return None, None, None
    x = x - x.mean()
    n, sx, sy, sxy, sxx = moments.T
    spread = sxx - sx**2 / n
    draws = ((sxy - sx * sy / n) / np.where(spread > 0, spread, np.nan))[spread > 1e-12]
    low, high = percentile_interval(draws, level)
    return float((x * y).sum() / (x * x).sum()), low, high
