"""The accounts below class A: the chance of each, what is left of its wallet, and why it stands where it does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit

from kam.identify.growth_backtest import Backtest
from kam.identify.growth_features import YEAR, Flags, History, Ints
from kam.wording import Wording


def list_candidates(
    history: History,
    tested: Backtest,
    potential: pd.Series,
    keys: frozenset[str],
    profit: pd.Series,
    horizon: int,
    say: Wording,
) -> tuple[pd.DataFrame, Flags]:
    """The accounts below class A, and which of them ordered within the year."""
    now, model = tested.now, tested.model
    rows = _left(history, tested, keys)
    p, low, high, likeness = (np.full(len(rows), np.nan) for _ in range(4))
    buys = now.candidate[rows]
    if model is not None:
        x = now.x[rows[buys]]
        log_odds = model.log_odds(x)
        reach = 1.96 * np.sqrt(model.std_error(x) ** 2 + tested.level_variance)
        p[buys], low[buys], high[buys] = expit(log_odds), expit(log_odds - reach), expit(log_odds + reach)
        ranked = np.searchsorted(model.scores, log_odds, side="right")
        likeness[buys] = ranked / len(model.scores)
    rank = np.empty(len(now.value), dtype=np.int64)
    rank[np.lexsort((np.arange(len(now.value)), -now.value))] = np.arange(1, len(now.value) + 1)
    ids = history.customer_id[rows]
    value = now.value[rows]
    demand = potential.reindex(ids).to_numpy(dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        wallet = np.where(demand > 0, np.clip(value / demand, 0, 1), np.nan)
    frame = pd.DataFrame(
        {
            "customer_id": ids,
            "rank": rank[rows],
            "abc_class": np.where(now.is_b[rows], "B", "C"),
            "value": value,
            "share_limit": np.maximum(value, 0) / now.limit,
            "share_limit_pace": now.pace[rows],
            "p_become_a": p,
            "p_become_low": low,
            "p_become_high": high,
            "likeness": likeness,
            "trend": now.trend[rows],
            "share_wallet": wallet,
            "elsewhere": np.clip(demand - np.maximum(value, 0), 0, None),
            "profit": profit.reindex(ids.astype(str)).to_numpy(dtype=float),
        }
    )
    reason = _say_no_chance(say, history.n_months, horizon) if model is None else ""
    frame["why"] = _explain(say, frame, buys, reason)
    return frame, buys


def order_candidates(candidates: pd.DataFrame, buys: Flags, by: str, n_named: int) -> pd.DataFrame:
    """The most promising first; who has not ordered for a year comes last and is not named."""
    ordered = candidates.assign(silent=~buys).sort_values(
        ["silent", by, "value", "customer_id"], ascending=[True, False, False, True], ignore_index=True
    )
    named = (np.arange(len(ordered)) < n_named) & ~ordered["silent"]
    ordered = ordered.drop(columns="silent")
    ordered.insert(len(ordered.columns) - 1, "is_named", named)
    return ordered


def count_interval(history: History, tested: Backtest, keys: frozenset[str]) -> tuple[float | None, float | None]:
    """95 % interval of how many candidates will become class A; None without chances."""
    rows = _left(history, tested, keys)
    if tested.model is None:
        return None, None
    return tested.model.sum_interval(tested.now.x[rows[tested.now.candidate[rows]]], tested.level_variance)


# -- inside ----------------------------------------------------------------------------------------------------------


def _left(history: History, tested: Backtest, keys: frozenset[str]) -> Ints:
    """Rows of the accounts that are neither class A now nor key accounts."""
    key = np.isin(history.customer_id.astype(str), list(keys))
    return np.flatnonzero(~tested.now.is_a & ~key & (history.first < history.n_months))


def _say_no_chance(say: Wording, n_months: int, horizon: int) -> str:
    """Why no chance is given to anybody."""
    if n_months < YEAR + horizon:
        return say.sentence(
            "no chance given: {n} of history, {needed} are needed",
            n=say.periods(n_months, "month"),
            needed=say.periods(YEAR + horizon, "month"),
        )
    return say.sentence("no chance given: too few accounts have become class A so far")


def _explain(say: Wording, frame: pd.DataFrame, buys: Flags, no_chance: str) -> npt.NDArray[np.object_]:
    """One text per account; a text is made once for each rounded figure, so that many accounts cost little."""
    if frame.empty:
        return np.empty(0, dtype=object)
    size = _each(
        frame["share_limit"], lambda x: say.sentence("buys {share} of what class A takes", share=say.share(x, 0))
    )
    trend = _each(frame["trend"].clip(upper=9.99), lambda x: _say_trend(say, x))
    likeness = _each(
        frame["likeness"],
        lambda x: say.sentence(
            "looks at least as promising as {share} of those that became class A did before", share=say.share(x, 0)
        ),
    )
    wallet = _each(
        frame["share_wallet"],
        lambda x: (
            say.sentence("we have {share} of its demand", share=say.share(x, 0))
            if x < 1
            else say.sentence("buys as much as its demand is said to be, or more")
        ),
    )
    silent = say.sentence("no chance given: no order in the last twelve months; see who is to be won back")
    pace = np.where(
        frame["share_limit_pace"] >= 1,
        say.sentence("at the pace of the last three months it would be class A"),
        "",
    ).astype(object)
    loss = np.where(frame["profit"] < 0, say.sentence("loses money"), "").astype(object)
    mark = say.mark(";")
    text = size
    for part in (pace, trend, likeness, wallet, loss):
        text = np.where(part == "", text, text + mark + part)
    text = np.where(buys, text, silent)
    return np.where(buys & (no_chance != ""), text + mark + no_chance, text) if no_chance else text


def _each(values: pd.Series, text: Callable[[float], str]) -> npt.NDArray[np.object_]:
    """The text of every value in whole percent; empty where it is missing."""
    rounded = values.round(2)
    texts = {x: text(float(x)) for x in rounded.dropna().unique()}
    return rounded.map(texts).astype(object).where(rounded.notna(), "").to_numpy(dtype=object)


def _say_trend(say: Wording, x: float) -> str:
    if abs(x) < 0.05:
        return say.sentence("buys about as much as half a year ago")
    if x >= 9.99:
        return say.sentence("bought more than ten times as much in the last half-year as in the one before")
    if x > 0:
        return say.sentence("bought {share} more in the last half-year than in the one before", share=say.share(x, 0))
    return say.sentence("bought {share} less in the last half-year than in the one before", share=say.share(-x, 0))
