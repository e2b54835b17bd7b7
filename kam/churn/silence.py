"""How many of the silent come back, by how long they have been silent, and from which length on they hardly do."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, logit

from kam.churn.waiting import Activity, Waits, count_waits, kaplan_meier, resample_waits, return_shares
from kam.stats.proportions import wilson_interval
from kam.wording import Wording

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MIN_CUSTOMERS = 10
"""Below this many customers a bootstrap over customers says nothing, and no interval is given."""
MIN_FOLLOWED = 30
"""A return share that rests on fewer silences is not to be trusted."""
MAX_UNDEFINED = 0.01
"""With more than this share of resamples in which nobody is followed beyond k, its return share has no interval."""


def count_with_resamples(waits: Waits, activity: Activity, n_resamples: int, seed: int) -> tuple[Ints, Ints]:
    """Counts of the waits, shape (2, 2, T), and of those of resampled customers, shape (n_resamples, 2, 2, T)."""
    counts = count_waits(waits, activity)
    if not n_resamples:
        return counts, np.zeros((0, *counts.shape), dtype=np.int64)
    return counts, resample_waits(waits, activity, n_resamples=n_resamples, seed=seed)


def return_share_frame(curve: Ints, drawn: Ints, level: float, *, first: int = 1) -> pd.DataFrame:
    """Return shares by silent periods with their intervals, from counts (2, T) and those of resamples (B, 2, T).

    The columns are those of ``return_shares`` of a :class:`~kam.churn.definition.ChurnDefinitionResult`, from ``first`` on.
    """
    survival, share, followed = return_shares(curve)
    n_back = curve[1, ::-1].cumsum()[::-1][1:]  # waits that ended after k
    ks = np.flatnonzero(followed > 0)
    ks = ks[ks >= first]
    _, drawn_share, drawn_followed = return_shares(drawn)
    ends = [
        _interval(share[k], n_back[k], followed[k], drawn_share[drawn_followed[:, k] > 0, k], len(drawn), level)
        for k in ks
    ]
    low, high = np.array(ends).reshape(-1, 2).T
    return pd.DataFrame(
        {
            "k": ks,
            "n_at_risk": followed[ks],
            "survival": survival[ks],
            "return_share": share[ks],
            "ci_low": low,
            "ci_high": high,
            "share_naive": n_back[ks] / followed[ks],
        }
    )


def choose_k(curves: Ints, limit: float) -> Ints:
    """The smallest k >= 1 that qualifies on each curve (..., 2, T); 0: none does."""
    _, share, followed = return_shares(curves)
    fits = (share <= limit + 1e-12) & (followed > 0) & curves[..., 1, :].any(axis=-1, keepdims=True)
    fits[..., 0] = False
    return np.where(fits.any(axis=-1), fits.argmax(axis=-1), 0)


def find_k(curve: Ints, limit: float, activity: Activity, say: Wording) -> tuple[int | None, str]:
    """The k of the data; without one, why."""
    _, share, followed = return_shares(curve)
    ks = np.flatnonzero(followed[1:] > 0) + 1
    if len(activity.names) == 1:
        return None, "There is one customer, whose silences do not say when others are lost."
    if not curve[1].any():
        return None, f"Every customer has orders in one {activity.freq} only: no silence ever ended."
    if not len(ks):
        return None, f"Nobody was seen silent for longer than one {activity.freq}: no silence can be judged."
    k = int(choose_k(curve, limit))
    if k:
        return k, ""
    listed = ks[np.unique(np.linspace(0, len(ks) - 1, 10).round().astype(int))]
    table = ", ".join(f"{i}: {say.share(share[i])}" for i in listed)
    _, at_risk = kaplan_meier(curve[1], curve[0])
    last = int(np.flatnonzero(curve[1]).max())
    return None, (
        f"No number of silent {activity.freq}s within the data has a return share of at most {say.share(limit)}. "
        f"Return share by silent {activity.freq}s: {table}. "
        f"The longest wait that ended, {say.periods(last, activity.freq)}, is one of {at_risk[last]} that lasted as long."
    )


def resampled_choices(drawn: Ints, limit: float) -> pd.DataFrame:
    """Which k resamples (B, 2, T) choose: ``k`` (missing: none qualifies), ``share_resamples``."""
    ks, n = np.unique(choose_k(drawn, limit), return_counts=True)
    frame = pd.DataFrame({"k": pd.array(ks, dtype="Int64"), "share_resamples": n / max(len(drawn), 1)})
    frame["k"] = frame["k"].mask(frame["k"] == 0)
    return frame.sort_values("k", na_position="last", ignore_index=True)


def interval_of_k(shares: pd.DataFrame, limit: float) -> tuple[int | None, int | None]:
    """From the first k whose return share may be within the limit to the first whose return share surely is."""
    ends = [shares.loc[shares[name] <= limit, "k"] for name in ("ci_low", "ci_high")]
    low, high = (None if end.empty else int(end.iloc[0]) for end in ends)
    return low, high


# -- inside ----------------------------------------------------------------------------------------------------------


def _interval(share: float, n_back: int, n: int, draws: Floats, n_resamples: int, level: float) -> tuple[float, float]:
    """Interval of a return share: normal on the scale of log odds, with the standard deviation of the resamples.

    Covers better than percentiles where few come back. Wilson's where none did, or all: then no resample varies.
    """
    if not n_resamples or len(draws) < (1 - MAX_UNDEFINED) * n_resamples:
        return math.nan, math.nan
    if n_back in (0, n):
        low, high = wilson_interval(n_back, n, level)
        return float(low), float(high)
    edge = 0.5 / n
    odds = logit(np.clip(np.append(share, draws), edge, 1 - edge))
    reach = NormalDist().inv_cdf((1 + level) / 2) * odds[1:].std()
    low, high = expit(odds[0] + np.array([-reach, reach]))
    return min(float(low), share), max(float(high), share)
