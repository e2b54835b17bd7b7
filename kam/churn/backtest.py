"""The forecast made again at past origins from what was known there, beside what happened and forecasts that need no model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.estimation import ratio
from kam.churn.mix_history import MIN_ORIGINS, MixHistory
from kam.churn.projection import ACTIVE, ALL, draw_numbers, expect_numbers, look_ahead, prediction_limits
from kam.churn.varying_chain import CYCLIC, POOLED, fit_at
from kam.stats.resampling import percentile_interval
from kam.wording import N_

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

TESTED = (ALL, ACTIVE)
"""Scopes that are back-tested."""
NO_CHANGE, YEAR_AGO = N_("no change"), N_("same period a year ago")
"""Forecasts that need no model."""
AS_IF = {NO_CHANGE: N_("assuming no change"), YEAR_AGO: N_("taking the numbers of a year before")}
"""The same in a sentence."""
BACKTEST_DRAWS = 500
"""At each origin of the back-test at most so many draws are made: enough for the ends of an interval, and fast."""
SKILL_DRAWS = 1000


@dataclass(frozen=True, eq=False, kw_only=True)
class Cases:
    """Forecasts and what happened: arrays (2, O, H, S) by scope tested, origin, periods ahead and state that is not lost.

    Not a number where there is none.
    """

    origins: Ints
    actual: Floats
    forecast: dict[str, Floats]
    low: dict[str, Floats]
    high: dict[str, Floats]


def run_backtest(
    rng: np.random.Generator,
    history: MixHistory,
    followed: Ints,
    origins: Ints,
    horizon: int,
    n_draws: int,
    level: float,
) -> Cases:
    """Forecast from each origin by both chains and by what needs no model, and note what happened.

    ``followed`` is that of :func:`~kam.churn.mix_history.follow_customers`, for these origins and those whole years before.
    """
    alive, year = history.alive, history.n_seasons
    shape = (len(TESTED), len(origins), horizon, int(alive.sum()))
    terms = [POOLED, CYCLIC, NO_CHANGE, YEAR_AGO]
    actual = np.full(shape, np.nan)
    forecast, low, high = ({term: np.full(shape, np.nan) for term in terms} for _ in range(3))
    for k, o in enumerate(origins):
        steps = min(horizon, history.last - o)
        now = history.mix[o] * alive
        actual[:, k, :steps] = (
            history.mix[o + 1 : o + 1 + steps, alive],
            followed[o, :steps, alive].sum(axis=0)[:, alive],
        )
        forecast[NO_CHANGE][:, k, :steps] = now[alive]
        for h in range(1, steps + 1):
            before = o - year * -(-h // year)
            if year > 1 and before >= 0:
                kept = followed[before, h - 1][alive][:, alive].sum(axis=0)
                forecast[YEAR_AGO][0, k, h - 1] = history.mix[before + h, alive]
                forecast[YEAR_AGO][1, k, h - 1] = kept * ratio(now.sum(), history.mix[before, alive].sum())
        future = look_ahead(history, o, steps)
        starts = np.stack([now, history.mix[o] - now])
        for term in (POOLED, CYCLIC) if history.can_cycle(o) else (POOLED,):
            fit = fit_at(history, o, term)
            expected = expect_numbers(fit, starts, future)[..., alive]
            draws = draw_numbers(rng, fit, starts, future, n_draws)[0][..., alive]
            for at, (mean, drawn) in enumerate(
                ((expected.sum(axis=1), draws.sum(axis=2)), (expected[:, 0], draws[:, :, 0]))
            ):
                forecast[term][at, k, :steps] = mean
                low[term][at, k, :steps], high[term][at, k, :steps] = prediction_limits(drawn, level)
    return Cases(origins=origins, actual=actual, forecast=forecast, low=low, high=high)


def why_untested(history: MixHistory, origins: Ints, usable: Ints, chain: str, n_origins: int | None) -> str:
    """Why there is no back-test; empty if there is one."""
    needed = min(MIN_ORIGINS, n_origins or MIN_ORIGINS)
    if len(origins) < needed:
        return N_("too few periods were seen to hold some out")
    if len(usable) < needed:
        return N_("at the past origins some state had not yet been seen to be left")
    if chain == "cyclic" and sum(history.can_cycle(o) for o in usable) < needed:
        return N_("at the past origins not every season and state had been seen in two years")
    return ""


def backtest_frame(cases: Cases) -> pd.DataFrame:
    """Errors of every forecast: the frame ``backtest`` of a :class:`~kam.churn.forecast.MixForecastResult`."""
    rows = []
    for at, scope in enumerate(TESTED):
        for term in cases.forecast:
            for h in range(cases.actual.shape[2]):
                actual, forecast = cases.actual[at, :, h], cases.forecast[term][at, :, h]
                there = np.isfinite(actual) & np.isfinite(forecast)
                if not actual[there].sum():
                    continue
                low, high = cases.low[term][at, :, h][there], cases.high[term][at, :, h][there]
                inside = (low <= actual[there]) & (actual[there] <= high)
                rows.append(
                    {
                        "scope": scope,
                        "term": term,
                        "n_ahead": h + 1,
                        "error": np.abs(forecast - actual)[there].sum() / actual[there].sum(),
                        "bias": (forecast - actual)[there].sum() / actual[there].sum(),
                        "coverage": inside.mean() if np.isfinite(low).all() else np.nan,
                        "n_cases": int(there.sum()),
                    }
                )
    columns = {
        "scope": str,
        "term": str,
        "n_ahead": int,
        "error": float,
        "bias": float,
        "coverage": float,
        "n_cases": int,
    }
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)


def skill_frame(rng: np.random.Generator, cases: Cases, in_use: str, level: float) -> pd.DataFrame:
    """The chain in use beside forecasts without a model: the frame ``skill``."""
    rows = []
    for at, scope in enumerate(TESTED):
        for term in (NO_CHANGE, YEAR_AGO):
            there = (
                np.isfinite(cases.actual[at])
                & np.isfinite(cases.forecast[in_use][at])
                & np.isfinite(cases.forecast[term][at])
            )
            if not there.any():
                continue
            total = cases.actual[at][there].sum()
            mine, naive = (
                np.where(there, np.abs(cases.forecast[name][at] - cases.actual[at]), 0.0).sum(axis=(1, 2))
                for name in (in_use, term)
            )
            origins = np.flatnonzero(there.any(axis=(1, 2)))
            paths = origins[_runs(rng, SKILL_DRAWS, len(origins), len(origins))]
            over = naive[paths].sum(axis=1)
            ratios = mine[paths].sum(axis=1)[over > 0] / over[over > 0]
            low, high = percentile_interval(ratios, level) if ratios.size else (np.nan, np.nan)
            rows.append(
                {
                    "scope": scope,
                    "term": term,
                    "error": ratio(mine.sum(), total),
                    "error_naive": ratio(naive.sum(), total),
                    "estimate": mine.sum() / naive.sum() if naive.sum() else np.nan,
                    "ci_low": low,
                    "ci_high": high,
                    "n_origins": len(origins),
                }
            )
    columns = {
        "scope": str,
        "term": str,
        "error": float,
        "error_naive": float,
        "estimate": float,
        "ci_low": float,
        "ci_high": float,
        "n_origins": int,
    }
    frame = pd.DataFrame(rows, columns=list(columns)).astype(columns)
    return frame.sort_values(["scope", "estimate"], ascending=[False, False], ignore_index=True)


def points_frame(history: MixHistory, cases: Cases, in_use: str) -> pd.DataFrame:
    """Every forecast of the chain in use with what happened: the frame ``backtest_points``."""
    forecast = cases.forecast[in_use]
    at, origin, h, state = np.nonzero(np.isfinite(forecast) & np.isfinite(cases.actual))
    there = (at, origin, h, state)
    names = np.array(history.states, dtype=object)[history.alive]
    return pd.DataFrame(
        {
            "scope": np.array(TESTED, dtype=object)[at],
            "origin": history.periods[cases.origins[origin]],
            "n_ahead": h + 1,
            "period": history.periods[cases.origins[origin] + h + 1],
            "state": names[state],
            "n_expected": forecast[there],
            "n_low": cases.low[in_use][there],
            "n_high": cases.high[in_use][there],
            "n_actual": cases.actual[there].astype(np.int64),
        }
    )


def _runs(rng: np.random.Generator, n_draws: int, length: int, n: int) -> Ints:
    """Draw (n_draws, length) of n periods in runs of neighbors, n^(1/3) long on average, the first following the last."""
    begins = rng.random((n_draws, length)) < n ** (-1 / 3)
    begins[:, 0] = True
    place = np.arange(length)
    begun = np.maximum.accumulate(np.where(begins, place, 0), axis=1)
    return np.asarray((np.take_along_axis(rng.integers(n, size=(n_draws, length)), begun, 1) + place - begun) % n)
