"""The tables of an analysis of drivers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from kam.errors import KamError
from kam.survey.driver_draws import Estimates, bias_corrected_interval, moments_of
from kam.survey.importance_performance import gather_themes, map_of
from kam.survey.not_used import Drivers
from kam.survey.ordinal import MOST_LEVELS, fit_ordinal, split_at_cuts
from kam.survey.penalty_reward import contrast_penalty_reward, low_and_high
from kam.wording import N_

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FILLED, TO_MEAN, COMPLETE = N_("filled from the other answers"), N_("set to the mean"), N_("only who answered all")
"""What can be done with missing answers; the first is what the analysis does."""
ORDINAL_COLUMNS = {
    "item": "str", "question": "str", "odds_ratio": "float64", "odds_low": "float64", "odds_high": "float64", "rank": "int64",
    "p_value": "float64",
}  # fmt: skip


def item_frame(
    given: Drivers, estimate: Estimates, draws: Estimates, declared: pd.DataFrame, level: float
) -> pd.DataFrame:
    """One row per item, in the order given; see :class:`~kam.survey.drivers.DriversResult`."""
    answered = (~np.isnan(given.answers[:, : len(given.items)])).sum(axis=0)
    ranks = estimate.ranks[0]
    relative = estimate.relative_weights[0]
    frame = pd.DataFrame(
        {
            "rank": ranks,
            "item": list(given.items),
            "question": declared["text"].to_numpy(),
            "theme": declared["theme"].fillna("").to_numpy(),
            "n_given": answered,
            "share_given": answered / len(given.y),
        }
    )
    measures: tuple[tuple[str, str, Callable[[Estimates], Floats]], ...] = (
        ("share_importance", "importance", lambda e: e.shares),
        ("beta", "beta", lambda e: e.betas),
        ("points", "points", lambda e: e.slopes),
        ("mean_answer", "mean", lambda e: e.means),
    )
    for name, ends, take in measures:
        frame[name] = take(estimate)[0]
        frame[f"{ends}_low"], frame[f"{ends}_high"] = bias_corrected_interval(take(draws), take(estimate)[0], level)
    frame["share_johnson"] = relative / relative.sum()
    frame["lmg"] = estimate.lmg[0]
    frame["share_rank_held"] = (draws.ranks == ranks).mean(axis=0)
    frame["share_top_3"] = (draws.ranks <= 3).mean(axis=0)
    columns = [
        "rank", "item", "question", "theme", "n_given", "share_given", "share_importance", "importance_low", "importance_high",
        "share_johnson", "lmg", "beta", "beta_low", "beta_high", "points", "points_low", "points_high", "mean_answer",
        "mean_low", "mean_high", "share_rank_held", "share_top_3",
    ]  # fmt: skip
    return frame[columns]


def order_frame(given: Drivers, draws: Estimates, at: Ints) -> pd.DataFrame:
    """In how many resamples an item is before another, for every pair in the order ``at``."""
    ranks = draws.ranks[:, at]
    first, second = np.triu_indices(len(at), 1)
    names = np.array(given.items, dtype=object)[at]
    return pd.DataFrame(
        {
            "item": names[first].astype("str").tolist(),
            "other_item": names[second].astype("str").tolist(),
            "share_before": (ranks[:, first] < ranks[:, second]).mean(axis=0),
        }
    ).astype({"item": "str", "other_item": "str"})


def reading_frame(
    level_3: str, given: Drivers, estimate: Estimates, draws: Estimates, texts: pd.Series, level: float
) -> pd.DataFrame:
    """The items under one reading of level 3, the most important first."""
    low, high = bias_corrected_interval(draws.shares, estimate.shares[0], level)
    frame = pd.DataFrame(
        {
            "level_3": level_3,
            "n_respondents": len(given.y),
            "rank": estimate.ranks[0],
            "item": list(given.items),
            "question": texts.loc[list(given.items)].to_numpy(),
            "share_importance": estimate.shares[0],
            "importance_low": low,
            "importance_high": high,
            "mean_answer": estimate.means[0],
        }
    )
    return frame.sort_values("rank", ignore_index=True)


def compare_handlings(given: Drivers, estimate: Estimates) -> pd.DataFrame:
    """Shares of what is explained if missing answers are handled otherwise; those that the data do not allow are not there."""
    found = {FILLED: (len(given.y), estimate)}
    missing = np.isnan(given.answers)
    if missing.any():
        weights = given.weights[:, None]
        mean = np.where(missing, 0.0, given.answers * weights).sum(axis=0) / (~missing * weights).sum(axis=0)
        found |= _attempt(TO_MEAN, replace(given, filled=np.where(missing, mean, given.answers)))
    all_there = given.complete
    if missing.any() and np.unique(given.account[all_there]).size >= given.fewest_accounts:
        found |= _attempt(COMPLETE, given.of_rows(all_there))
    frames = [
        pd.DataFrame(
            {
                "method": method,
                "n_respondents": n,
                "item": list(given.items),
                "rank": one.ranks[0],
                "share_importance": one.shares[0],
                "points": one.slopes[0],
            }
        ).sort_values("rank")
        for method, (n, one) in found.items()
    ]
    return pd.concat(frames, ignore_index=True)


def fit_ordinal_check(given: Drivers, texts: pd.Series, level: float) -> tuple[pd.DataFrame, float | None]:
    """The ordinal logit on the same items and indicators, and the p-value that all steps count alike at every cut point."""
    empty = pd.DataFrame({name: [] for name in ORDINAL_COLUMNS}).astype(ORDINAL_COLUMNS)
    if np.unique(given.y).size > MOST_LEVELS:
        return empty, None
    x = np.column_stack([given.filled, given.unused])
    p = len(given.items)
    try:
        fit = fit_ordinal(given.y, x, weights=given.weights, account=given.account)
    except KamError:
        return empty, None
    p_values, joint = np.full(p, np.nan), None
    try:
        _, _, _, tested = split_at_cuts(given.y, given.filled, weights=given.weights, account=given.account)
        p_values, joint = tested[:p], float(tested[-1])
    except KamError:
        pass
    reach = float(ndtri((1 + level) / 2))
    slopes, errors = fit.slopes[:p], fit.std_errors[:p]
    importance = np.abs(slopes) * given.filled[:, :p].std(axis=0)
    frame = pd.DataFrame(
        {
            "item": list(given.items),
            "question": texts.loc[list(given.items)].to_numpy(),
            "odds_ratio": np.exp(slopes),
            "odds_low": np.exp(slopes - reach * errors),
            "odds_high": np.exp(slopes + reach * errors),
            "rank": np.argsort(np.argsort(-importance, kind="stable"), kind="stable") + 1,
            "p_value": p_values,
        }
    )
    return frame.sort_values("rank", ignore_index=True), joint


def penalty_reward_frame(
    given: Drivers, lowest: Floats, highest: Floats, texts: pd.Series, level: float
) -> pd.DataFrame:
    """Penalty and reward of each item, in the order given."""
    low, high = low_and_high(lowest, highest)
    frame = contrast_penalty_reward(given, low=low, high=high, level=level)
    frame.insert(1, "question", texts.loc[list(given.items)].to_numpy())
    return frame


def theme_frame(
    themes: pd.Series,
    at: Ints,
    estimate: Estimates,
    draws: Estimates,
    performance: Floats,
    performance_draws: Floats,
    level: float,
) -> pd.DataFrame:
    """Themes on the importance–performance map, the most important first; empty where there are not two."""
    columns = ["theme", "n_items", "share_importance", "importance_low", "importance_high", "mean_answer", "quadrant",
               "p_quadrant", "is_called"]  # fmt: skip
    if themes.nunique() < 2:
        kinds = {"n_items": "int64", "is_called": "bool", **dict.fromkeys([*columns[2:6], "p_quadrant"], "float64")}
        return pd.DataFrame({name: [] for name in columns}).astype(kinds).astype({"theme": "str", "quadrant": "str"})
    named = [theme or "–" for theme in themes]
    names, importance, means = gather_themes(named, estimate.shares[0][at], performance[at])
    _, importance_draws, mean_draws = gather_themes(named, draws.shares[:, at], performance_draws[:, at])
    frame = map_of(importance, means, (importance_draws, mean_draws))
    frame["importance_low"], frame["importance_high"] = bias_corrected_interval(importance_draws, importance, level)
    frame["theme"], frame["n_items"] = names, [named.count(name) for name in names]
    return frame[columns].sort_values("share_importance", ascending=False, ignore_index=True)


def _attempt(method: str, given: Drivers) -> dict[str, tuple[int, Estimates]]:
    try:
        return {method: (len(given.y), moments_of(given).estimate(np.ones((1, given.n_accounts))))}
    except (KamError, np.linalg.LinAlgError):
        return {}
