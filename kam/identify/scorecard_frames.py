"""The frames of a scorecard, and the reasons for each score in words."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import beta

from kam.identify.smaa import Ranks
from kam.wording import Wording

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Texts = npt.NDArray[np.object_]

TIERS = ("A", "B", "C")
SURE = 0.95
"""From this share of the draws on, an account is called sure of its tier."""


def reasons_of(u: Floats, w: Floats, labels: list[str], say: Wording) -> Texts:
    """What lifts each score above the average and what lowers it, and what is not known, in words."""
    m = w.size
    pull = np.nan_to_num(w * (u - np.nanmean(u, axis=0)))
    order = np.argsort(-pull, axis=1, kind="stable")
    first, second, last = order[:, 0], order[:, min(1, m - 1)], order[:, -1]
    rows = np.arange(len(u))
    small = 1e-3  # of a score between 0 and 1
    first = np.where(pull[rows, first] > small, first, -1)
    second = np.where((pull[rows, second] > small) & (m > 1), second, -1)
    last = np.where(pull[rows, last] < -small, last, -1)
    key = np.column_stack([first, second, last, np.isnan(u)])
    mark = key @ np.random.default_rng(0).random(key.shape[1])
    _, example, code = np.unique(mark, return_index=True, return_inverse=True)
    words = []
    for one in key[example]:
        parts = []
        strong = [labels[j] for j in one[:2] if j >= 0]
        if strong:
            parts.append(say.sentence("for it: {list}", list=say.listing(strong)))
        if one[2] >= 0:
            parts.append(say.sentence("against it: {list}", list=labels[one[2]]))
        unknown = [labels[j] for j in np.flatnonzero(one[3:])]
        if unknown:
            parts.append(say.sentence("not known: {list}", list=say.listing(unknown)))
        words.append(say.join(parts, ";") or say.sentence("average on all criteria"))
    return np.array(words, dtype=object)[code]


def add_unscored(
    known: pd.DataFrame, ids: Texts, names: Texts, scored: Ints, n_criteria: int, say: Wording
) -> pd.DataFrame:
    """All accounts, highest score first; those without a score last, with the reason."""
    frame = known.sort_values("rank").astype({"rank": "Int64", "tier": "str", "name": "str", "customer_id": "str"})
    others = np.setdiff1d(np.arange(len(ids)), scored)
    if len(others):
        rest = pd.DataFrame(
            {
                "customer_id": ids[others],
                "name": names[others],
                "hangs_on_weights": False,
                "n_criteria_missing": n_criteria,
                "why": say.sentence("no score: not one criterion is known"),
            }
        )
        frame = pd.concat([frame, rest.reindex(columns=frame.columns).astype(frame.dtypes)])
    return frame.reset_index(drop=True)


def summarize_tiers(known: pd.DataFrame) -> pd.DataFrame:
    """One row per tier, empty ones too."""
    groups = known.groupby("tier")
    frame = groups.agg(
        n_accounts=("tier", "size"),
        lowest_score=("weighted_score", "min"),
        p_tier=("p_tier", "mean"),
        p_tier_flat=("p_tier_flat", "mean"),
        n_hanging=("hangs_on_weights", "sum"),
    )
    frame["n_sure"] = (known["p_tier"] >= SURE).groupby(known["tier"]).sum()
    frame = frame.reindex(list(TIERS)).rename_axis("tier").reset_index()
    counts = ["n_accounts", "n_hanging", "n_sure"]
    frame[counts] = frame[counts].fillna(0).astype("int64")
    return frame[["tier", "n_accounts", "lowest_score", "p_tier", "p_tier_flat", "n_sure", "n_hanging"]]


def describe_weights(
    facts: pd.DataFrame, given: Floats, used: Floats, levels: Floats, errors: Floats, concentration: float
) -> pd.DataFrame:
    """One row per criterion."""
    known = ~np.isnan(levels)
    frame = facts[["criterion", "criterion_kind", "direction", "scale"]].reset_index(drop=True)
    frame["weight_given"], frame["weight"] = given, used
    a, b = concentration * used, concentration * (1 - used)
    inner = (a > 0) & (b > 1e-12)
    for name, q in (("weight_low", 0.025), ("weight_high", 0.975)):
        frame[name] = used
        frame.loc[inner, name] = beta.ppf(q, a[inner], b[inner])
    frame["n_accounts"] = known.sum(axis=0)
    total = np.where(known, errors, 0.0).sum(axis=0)
    frame["level_error"] = total / np.maximum(frame["n_accounts"], 1)
    frame["is_constant"] = [np.unique(column[~np.isnan(column)]).size == 1 for column in levels.T]
    return frame


def frame_ranks(who: pd.DataFrame, rank: Ints, ranks: Ranks) -> pd.DataFrame:
    """One row per account that is ranked."""
    frame = who.assign(rank=rank, p_first=ranks.p_rank[:, 0])
    frame[["rank_low", "rank_median", "rank_high"]] = ranks.quantiles
    return frame.sort_values("rank", ignore_index=True)


def frame_acceptability(who: pd.DataFrame, ranks: Ranks) -> pd.DataFrame:
    """One row per account and rank that it takes in any draw."""
    row, at = np.nonzero(ranks.p_rank)
    frame = who.iloc[row].assign(rank=at + 1, p_rank=ranks.p_rank[row, at])
    return frame.reset_index(drop=True)


def frame_central_weights(who: pd.DataFrame, ranks: Ranks, labels: Texts) -> pd.DataFrame:
    """The weights that make each of the ten most often first come first."""
    first = ranks.p_rank[:, 0]
    top = [i for i in np.argsort(-first, kind="stable")[:10] if first[i] > 0]
    frame = who.iloc[np.repeat(top, labels.size)].assign(p_first=np.repeat(first[top], labels.size))
    return frame.assign(criterion=np.tile(labels, len(top)), weight=ranks.central[top].ravel()).reset_index(drop=True)
