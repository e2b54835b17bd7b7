"""Would the list have found those that became class A? Forecasts at past origins, each learned from what was over by then.

At an origin the model learns from origins at least one horizon earlier, so that their outcome was known; nothing later enters.
Where the history is too short for that, accounts are dealt into five folds and each is forecast from the others at the last
origin whose outcome is known: a weaker test, since the level of that year is then known.

No forecast is moved by what earlier ones missed: those had learned from fewer origins, and what they missed is in the origins
that the later model learned from (docs/growth.md). What they missed widens the intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit

from kam.errors import NotConvergedError
from kam.identify.growth_features import YEAR, History, Snapshot, snapshot
from kam.identify.growth_model import GrowthModel, fit_growth, level_variance
from kam.stats.calibration import recalibrate
from kam.stats.forecast_scores import placements
from kam.stats.proportions import wilson_interval
from kam.stats.resampling import percentile_interval
from kam.wording import N_

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

Leader = Literal["list", "ranking", "not sure", "too few", "worse", "other accounts", "none"]

Learn = Callable[[Sequence[int], Flags | None], GrowthModel | None]

N_FOLDS = 5
LEAST_EVENTS = 10
"""With fewer accounts that became class A the interval of the AUC is not trusted."""
LENGTHS = (10, 20, 50, 100, 200)
"""Lengths of list that are compared beside the one asked for."""

_LISTS = ["n_named", "n_all_named", "n_by_model", "n_by_revenue", "n_became", "difference", "ci_low", "ci_high"]
_ORIGINS = ["origin", "n_accounts", "n_became", "n_expected", "n_named", "n_by_model", "n_by_revenue"]
_SCORES = ["term", "estimate", "ci_low", "ci_high", "why"]
_CALIBRATION = ["predicted", "observed", "ci_low", "ci_high", "n_cases"]


@dataclass(frozen=True, eq=False)
class PastForecast:
    """Who might have become class A at a past origin, what was said and what came; arrays over the candidates there."""

    origin: int
    account: Ints
    value: Floats
    log_odds: Floats
    event: Flags


@dataclass(frozen=True, eq=False)
class Backtest:
    """Past forecasts, and the model of today.

    Attributes
    ----------
    past : list of PastForecast
        In order of time.
    tested_on : str
        ``later origins``, ``other accounts`` or ``none``.
    model : GrowthModel or None
        Learned from every origin whose outcome is known; None where too few accounts became class A, or none could.
    now : Snapshot
        The accounts today.
    level_variance : float
        Variance of the level between origins, in log-odds; 0 where fewer than two were tested.
    n_origins : int
        Origins that the model of today learned from.
    """

    past: list[PastForecast]
    tested_on: str
    model: GrowthModel | None
    now: Snapshot
    level_variance: float
    n_origins: int


def run_backtest(history: History, *, horizon: int, seed: int) -> Backtest:
    """Learn from every origin, and forecast at the past ones; see the module."""
    step = max(1, min(3, horizon // 4))
    last = history.n_months
    known = list(range(last - horizon, YEAR - 1, -step))[::-1]
    at = {origin: snapshot(history, origin) for origin in (*known, last)}
    came = {
        origin: (at[origin + horizon] if origin + horizon in at else snapshot(history, origin + horizon)).is_a
        for origin in known
    }

    def learn(origins: Sequence[int], without: Flags | None = None) -> GrowthModel | None:
        if not origins:
            return None
        rows = [np.flatnonzero(at[o].candidate & (True if without is None else ~without)) for o in origins]
        x = np.vstack([at[o].x[r] for o, r in zip(origins, rows, strict=True)])
        event = np.concatenate([came[o][r] for o, r in zip(origins, rows, strict=True)])
        return fit_growth(x, event, np.concatenate(rows), seed=seed)

    past: list[PastForecast] = []
    for origin in known:
        fitted = learn([o for o in known if o + horizon <= origin])
        if fitted is None or not at[origin].candidate.any():
            continue
        past.append(_forecast(origin, at[origin], came[origin], fitted))
    if past and len(np.unique(_pooled(past)[1])) < 2:
        past = []  # nobody rose, or everybody: nothing to find
    tested_on = "later origins" if past else "none"
    variance = level_variance([one.log_odds for one in past], [one.event for one in past])
    model = learn(known)
    if model is not None and not past:
        past = _fold_forecasts(known, at[known[-1]], came[known[-1]], learn, seed)
        tested_on = "other accounts" if past else "none"
    return Backtest(past, tested_on, model, at[last], variance, len(known))


def compare_lists(
    past: list[PastForecast], n_named: int, *, n_accounts: int, n_resamples: int, seed: int
) -> pd.DataFrame:
    """Hold lists of several lengths, by forecast and by revenue, against what came, summed over the origins."""
    if not past:
        return pd.DataFrame(columns=_LISTS, dtype=float)
    rng = np.random.default_rng(seed)
    rows = []
    longest = min(len(one.event) for one in past) // 2
    lengths = sorted({n for n in LENGTHS if n <= max(longest, min(LENGTHS))} | {n_named})
    rankings = [(_ranking(one.log_odds, one.value), _ranking(one.value, one.value)) for one in past]
    for n in lengths:
        difference, hits = np.zeros(n_accounts), np.zeros(2)
        for one, (by_forecast, by_revenue) in zip(past, rankings, strict=True):
            for k, (named, sign) in enumerate(((by_forecast[:n], 1.0), (by_revenue[:n], -1.0))):
                difference[one.account[named]] += sign * one.event[named]
                hits[k] += one.event[named].sum()
        low, high = _resampled_sum(difference, n_resamples, rng)
        rows.append(
            {
                "n_named": n,
                "n_all_named": sum(min(n, len(one.event)) for one in past),
                "n_by_model": int(hits[0]),
                "n_by_revenue": int(hits[1]),
                "n_became": int(sum(one.event.sum() for one in past)),
                "difference": float(hits[0] - hits[1]),
                "ci_low": low,
                "ci_high": high,
            }
        )
    return pd.DataFrame(rows, columns=_LISTS)


def decide_leader(
    past: list[PastForecast], tested_on: str, lists: pd.DataFrame, scores: pd.DataFrame, n_named: int
) -> Leader:
    """Whether the forecast leads the list, and why or why not.

    It leads where, at later origins, its list of ``n_named`` found surely more than that by revenue (``list``), or where it
    ranked all accounts surely better: the interval of the AUC difference lies above 0, from at least
    :data:`LEAST_EVENTS` accounts that became class A (``ranking``). Not where its list found surely fewer (``worse``).
    """
    if tested_on != "later origins":
        return "other accounts" if tested_on == "other accounts" else "none"
    low, high = lists.loc[lists["n_named"] == n_named, ["ci_low", "ci_high"]].to_numpy(dtype=float)[0]
    if low > 0:
        return "list"
    if high < 0:
        return "worse"
    if len(np.unique(np.concatenate([one.account[one.event] for one in past]))) < LEAST_EVENTS:
        return "too few"
    ranked_low = scores.loc[scores["term"] == "auc_difference", "ci_low"].to_numpy(dtype=float)[0]
    return "ranking" if ranked_low > 0 else "not sure"


def by_origin(past: list[PastForecast], history: History, n_named: int) -> pd.DataFrame:
    """One row per origin: who became class A, and how many of the named did."""
    if not past:
        return pd.DataFrame(columns=_ORIGINS, dtype=float)
    rows = []
    for one in past:
        by_forecast, by_revenue = (_ranking(score, one.value)[:n_named] for score in (one.log_odds, one.value))
        rows.append(
            {
                "origin": history.month(one.origin),
                "n_accounts": len(one.event),
                "n_became": int(one.event.sum()),
                "n_expected": float(expit(one.log_odds).sum()),
                "n_named": len(by_forecast),
                "n_by_model": int(one.event[by_forecast].sum()),
                "n_by_revenue": int(one.event[by_revenue].sum()),
            }
        )
    return pd.DataFrame(rows, columns=_ORIGINS)


def score_past(past: list[PastForecast]) -> pd.DataFrame:
    """``term, estimate, ci_low, ci_high, why``: AUC of both rules, their difference, and how well calibrated the chances are."""
    if not past:
        return pd.DataFrame(columns=_SCORES, dtype=float)
    log_odds, event = _pooled(past)
    value = np.concatenate([one.value for one in past])
    account = np.concatenate([one.account for one in past])
    p = expit(log_odds)
    model, revenue = placements(event, p), placements(event, value)
    rows = []
    for term, of in (("auc", model), ("auc_revenue", revenue), ("auc_difference", model - revenue)):
        estimate, error = _clustered_mean(of, event, account)
        most = 1.0 if term != "auc_difference" else np.inf
        rows.append((term, estimate, estimate - 1.96 * error, min(estimate + 1.96 * error, most), ""))
    rows.append(("observed_over_expected", float(event.sum() / p.sum()), np.nan, np.nan, N_("counted, not estimated")))
    rows.append(("brier", float(np.mean((p - event) ** 2)), np.nan, np.nan, "counted, not estimated"))
    rows.append(("brier_base", float(event.mean() * (1 - event.mean())), np.nan, np.nan, "counted, not estimated"))
    _, clusters = np.unique(account, return_inverse=True)
    try:
        fit = recalibrate(event, np.clip(p, 1e-6, 1 - 1e-6), clusters)
        rows.append(("slope", float(fit.coefficients[1]), *fit.interval(1), ""))
    except NotConvergedError:
        pass  # the chances part those that became class A from the others; no slope fits them better than another
    return pd.DataFrame(rows, columns=_SCORES)


def calibrate_past(past: list[PastForecast], n_bins: int = 8) -> pd.DataFrame:
    """What was said and what came, in groups of rising chance: ``predicted, observed, ci_low, ci_high, n_cases``."""
    if not past:
        return pd.DataFrame(columns=_CALIBRATION, dtype=float)
    log_odds, event = _pooled(past)
    p = expit(log_odds)
    order = np.argsort(p, kind="stable")
    # Groups with about as many expected events, so that the upper end is not one group.
    group = np.minimum((np.cumsum(p[order]) / p.sum() * n_bins).astype(int), n_bins - 1)
    frame = pd.DataFrame({"group": group, "predicted": p[order], "observed": event[order].astype(float)})
    sums = frame.groupby("group").agg(
        predicted=("predicted", "mean"),
        observed=("observed", "mean"),
        n_cases=("observed", "size"),
        n=("observed", "sum"),
    )
    low, high = wilson_interval(sums["n"], sums["n_cases"])
    return sums.assign(ci_low=low, ci_high=high)[_CALIBRATION].reset_index(drop=True)


# -- inside ----------------------------------------------------------------------------------------------------------


def _forecast(origin: int, at: Snapshot, came: Flags, fitted: GrowthModel) -> PastForecast:
    rows = np.flatnonzero(at.candidate)
    return PastForecast(origin, rows, at.value[rows], fitted.log_odds(at.x[rows]), came[rows])


def _fold_forecasts(known: list[int], at: Snapshot, came: Flags, learn: Learn, seed: int) -> list[PastForecast]:
    fold = np.random.default_rng(seed).permutation(len(at.value)) % N_FOLDS
    log_odds = np.full(len(at.value), np.nan)
    for k in range(N_FOLDS):
        fitted = learn(known, fold == k)
        if fitted is None:
            return []
        log_odds[fold == k] = fitted.log_odds(at.x[fold == k])
    rows = np.flatnonzero(at.candidate)
    if len(np.unique(came[rows])) < 2:
        return []
    return [PastForecast(known[-1], rows, at.value[rows], log_odds[rows], came[rows])]


def _pooled(past: list[PastForecast]) -> tuple[Floats, Flags]:
    return np.concatenate([one.log_odds for one in past]), np.concatenate([one.event for one in past])


def _ranking(score: Floats, value: Floats) -> Ints:
    """The highest score first; of equal ones the larger revenue, then the account that stands first."""
    return np.lexsort((np.arange(len(score)), -value, -score))


def _resampled_sum(difference: Floats, n_resamples: int, rng: np.random.Generator) -> tuple[float, float]:
    """Interval of a sum over accounts, from resampled accounts; missing where both lists found the same accounts."""
    counted = difference[difference != 0]
    if not len(counted):
        return float("nan"), float("nan")
    n = len(difference)
    chances = np.append(np.full(len(counted), 1 / n), max(1 - len(counted) / n, 0.0))
    drawn = rng.multinomial(n, chances / chances.sum(), size=n_resamples)[:, :-1]
    return percentile_interval(drawn @ counted)


def _clustered_mean(placed: Floats, event: Flags, account: Ints) -> tuple[float, float]:
    """Mean placement (the AUC, or a difference of two) and its standard error over accounts."""
    estimate = float(placed[event].mean())
    weight = np.where(event, 1 / event.sum(), 1 / (~event).sum())
    _, cluster = np.unique(account, return_inverse=True)
    sums = np.bincount(cluster, weight * (placed - estimate))
    return estimate, float(np.sqrt((sums**2).sum()))
