"""The tiers of a scorecard: how many accounts each takes, who is in it, and who changes when one weight moves (the tornado)."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from kam.columns import is_number
from kam.errors import ParameterError
from kam.identify.scorecard_frames import TIERS, Floats, Ints
from kam.identify.smaa import weighted_scores

SHIFT = 0.2
"""By how much one weight is moved, of its own size."""


def tier_sizes(tiers: tuple[float, float], n: int) -> tuple[int, int]:
    """Accounts in tier A and in tier B."""
    hint = "Give two shares such as (0.2, 0.3), or two whole numbers of accounts; tier A takes at least one."
    is_pair = isinstance(tiers, (tuple, list)) and len(tiers) == 2 and all(is_number(t) for t in tiers)
    if not is_pair or not np.isfinite(tiers).all() or min(tiers) < 0 or not tiers[0] > 0:
        raise ParameterError(f"tiers is {tiers}.", hint=hint)
    if all(isinstance(t, (int, np.integer)) for t in tiers):
        n_a = min(int(tiers[0]), n)
        return n_a, min(int(tiers[1]), n - n_a)
    if sum(tiers) > 1 + 1e-9:
        raise ParameterError(f"tiers is {tiers}.", hint=hint)
    n_a = min(n, math.ceil(tiers[0] * n - 1e-9))
    return n_a, min(n, math.ceil(sum(tiers) * n - 1e-9)) - n_a


def order_by_score(scores: Floats) -> Ints:
    """Accounts by score, highest first; equal ones as they stand, by id."""
    return np.argsort(-np.round(scores, 12), kind="stable")


def tiers_of(order: Ints, n_a: int, n_b: int) -> Ints:
    """0, 1, 2 for A, B, C, by account."""
    own = np.full(order.size, 2)
    own[order[: n_a + n_b]] = 1
    own[order[:n_a]] = 0
    return own


def shift_weights(u: Floats, w: Floats, own: Ints, sizes: tuple[int, int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tiers with one weight lower or higher, the others scaled to make up for it: counts, and each account that changes."""
    counts, moved = [], []
    for j in range(w.size):
        for change in (-SHIFT, SHIFT):
            new = w.copy()
            if w.size > 1:
                new[j] = min(1.0, w[j] * (1 + change))
                others = np.arange(w.size) != j
                new[others] *= (1 - new[j]) / w[others].sum()
            tier = tiers_of(order_by_score(weighted_scores(u, np.maximum(new, 1e-12))), *sizes)
            rows = np.flatnonzero(tier != own)
            counts.append((j, change, rows.size, int((own[rows] == 0).sum()), int((tier[rows] == 0).sum())))
            moved.append(
                pd.DataFrame(
                    {
                        "row": rows,
                        "j": j,
                        "weight_change": change,
                        "from_tier": np.array(TIERS)[own[rows]],
                        "to_tier": np.array(TIERS)[tier[rows]],
                    }
                )
            )
    tornado = pd.DataFrame(counts, columns=["j", "weight_change", "n_tier_changes", "n_left_a", "n_entered_a"])
    most = tornado.groupby("j")["n_tier_changes"].transform("max")
    tornado = tornado.assign(most=most).sort_values(
        ["most", "j", "weight_change"], ascending=[False, True, True], ignore_index=True
    )
    return tornado, pd.concat(moved, ignore_index=True)
