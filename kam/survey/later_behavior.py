"""What accounts did after the survey, by band of satisfaction: as counted, and with the same revenue and recency."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from scipy.special import expit, logit
from statsmodels.genmod import families
from statsmodels.genmod.generalized_linear_model import GLM

from kam.stats.clusters import cluster_sums
from kam.survey.intervals import share_interval, t_interval
from kam.survey.loyalty_rows import BANDS, band_of
from kam.survey.suppression import few_accounts
from kam.wording import Wording

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ADJUSTED_FOR = ("revenue", "days_since_last_order")
REVENUE_CHANGE = "revenue_change"
TERMS = {"no_order": "share_no_order", "churned": "share_lost", REVENUE_CHANGE: "share_revenue_change"}
"""Revenue of the year after over that of the year before, less 1, of all accounts of a band together."""
_COLUMNS = [
    "term", "group_name", "n_accounts", "estimate", "ci_low", "ci_high", "adjusted", "adjusted_low", "adjusted_high", "why",
]  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class _Outcome:
    """What is compared: values, what each row counts for, and whether they are shares."""

    name: str
    y: Floats
    weight: Floats
    is_share: bool


def later_behavior(frame: pd.DataFrame, say: Wording, *, min_n: int, level: float) -> pd.DataFrame:
    """Compare what accounts did after the survey between bands of satisfaction.

    The raw value is the weighted mean of the band. The adjusted one is that of a regression (logistic for shares, linear for the
    change of revenue) on band, log revenue of the year before and log days since the last order, averaged over all accounts as
    if each were in the band. Intervals from the sandwich covariance over accounts; no change of revenue is below −1, where all of
    it is gone, nor is an end of its interval.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per account and wave: ``score, weight, cluster``, and what is there of ``no_order, churned, revenue_next,
        revenue, days_since_last_order``.
    say : Wording
    min_n : int
        A band with fewer accounts has no figures.
    level : float
        Of the intervals.

    Returns
    -------
    pandas.DataFrame
        ``term`` (``share_no_order, share_lost, share_revenue_change``) ``, group_name, n_accounts, estimate, ci_low, ci_high,
        adjusted, adjusted_low, adjusted_high, why``; missing where ``why`` says so.
    """
    rows = []
    for name in ("no_order", "churned", REVENUE_CHANGE):
        needed = ["revenue", "revenue_next"] if name == REVENUE_CHANGE else [name]
        if not set(needed) <= set(frame.columns):
            continue
        known = frame[needed].notna().all(axis=1) & (frame["weight"] > 0)
        if name == REVENUE_CHANGE:
            known &= frame["revenue"] > 0
        part = frame[known].reset_index(drop=True)
        if part.empty:
            continue
        weight = part["weight"].to_numpy(dtype=np.float64)
        if name == REVENUE_CHANGE:
            before = part["revenue"].to_numpy(dtype=np.float64)
            after = part["revenue_next"].to_numpy(dtype=np.float64)
            outcome = _Outcome(name=name, y=after / before - 1, weight=weight * before, is_share=False)
        else:
            outcome = _Outcome(name=name, y=part[name].to_numpy(dtype=np.float64), weight=weight, is_share=True)
        rows += _compare(part, outcome, say, min_n, level)
    return pd.DataFrame(rows, columns=_COLUMNS).astype(
        {"n_accounts": "int64"} | dict.fromkeys(_COLUMNS[3:9], "float64")
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _compare(part: pd.DataFrame, outcome: _Outcome, say: Wording, min_n: int, level: float) -> list[tuple[object, ...]]:
    band = band_of(part["score"])
    n_accounts = part["customer_id"].groupby(band, observed=False).nunique()
    enough = [name for name in BANDS if n_accounts[name] >= min_n]
    found: dict[str, tuple[object, ...]] = {name: (*[np.nan] * 6, few_accounts(say, min_n)) for name in BANDS}
    if enough:
        kept = band.isin(enough).to_numpy()
        dummies = np.column_stack([np.asarray(band[kept] == name, dtype=np.float64) for name in enough])
        cluster = pd.factorize(part.loc[kept, "cluster"])[0]
        y, weight = outcome.y[kept], outcome.weight[kept]
        raw = _raw(y, weight, dummies, cluster, outcome.is_share, level)
        adjusted, why = _adjusted(part[kept], y, weight, dummies, cluster, outcome.is_share, say, level)
        least = 0.0 if outcome.is_share else min(-1.0, float(y.min()))
        numbers = np.maximum(np.hstack([raw, adjusted]), least)
        found |= {name: (*of_band, why) for name, of_band in zip(enough, numbers, strict=True)}
    return [(TERMS[outcome.name], name, n_accounts[name], *values) for name, values in found.items()]


def _raw(y: Floats, weight: Floats, dummies: Floats, cluster: Ints, is_share: bool, level: float) -> Floats:
    """Mean of each band with its interval; shape (bands, 3)."""
    found = []
    for d in dummies.T:
        w = weight * d
        mean = float((w * y).sum() / w.sum())
        scores = np.bincount(cluster, w * (y - mean)) / w.sum()
        there = np.bincount(cluster, w).astype(np.float64)
        there = there[there > 0]
        n = len(there)
        variance = float((scores**2).sum()) * n / max(n - 1, 1)
        if is_share:
            found.append([mean, *share_interval(mean, variance, there, level)])
        else:
            found.append([mean, *(float(end) for end in t_interval(mean, variance, df=n - 1, level=level))])
    return np.array(found)


def _adjusted(
    part: pd.DataFrame,
    y: Floats,
    weight: Floats,
    dummies: Floats,
    cluster: Ints,
    is_share: bool,
    say: Wording,
    level: float,
) -> tuple[Floats, str]:
    """Standardized values of the bands with intervals, shape (bands, 3); or missing, and why."""
    nothing = np.full((dummies.shape[1], 3), np.nan)
    missing = [name for name in ADJUSTED_FOR if name not in part.columns or part[name].isna().any()]
    if missing:
        return nothing, say.sentence("not adjusted: {names} not known", names=say.listing(missing))
    if is_share and any(len(np.unique(y[d > 0])) < 2 for d in dummies.T):
        return nothing, say.sentence("not adjusted: in a band it happened to nobody, or to all")
    facts = np.column_stack([np.log1p(part[name].clip(lower=0).to_numpy(dtype=np.float64)) for name in ADJUSTED_FOR])
    spread = facts.std(axis=0)
    facts = (facts - facts.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    x = np.hstack([dummies, facts])
    transform: Callable[[Floats], Floats] = expit if is_share else np.asarray
    family = families.Binomial() if is_share else families.Gaussian()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            beta = np.asarray(GLM(y, x, family=family, var_weights=weight / weight.mean()).fit().params)
            mu = transform(x @ beta)
            covariance = _sandwich(x, weight, y - mu, mu * (1 - mu) if is_share else np.ones_like(mu), cluster)
    except (Warning, np.linalg.LinAlgError, ValueError):
        return nothing, say.sentence("not adjusted: the regression did not settle")
    z = float(stats.norm.ppf((1 + level) / 2))
    found, share = [], weight / weight.sum()
    for j in range(dummies.shape[1]):
        as_if = x.copy()
        as_if[:, : dummies.shape[1]] = 0.0
        as_if[:, j] = 1.0
        mu = transform(as_if @ beta)
        slope = mu * (1 - mu) if is_share else np.ones_like(mu)
        gradient = (share * slope) @ as_if
        mean, error = float(share @ mu), float(np.sqrt(gradient @ covariance @ gradient))
        if is_share:  # on the log-odds, so that the ends stay within 0 and 1
            scale = mean * (1 - mean)
            ends = [float(expit(logit(mean) + side * z * error / scale)) for side in (-1, 1)]
        else:
            ends = [mean - z * error, mean + z * error]
        found.append([mean, *ends])
    return np.array(found), ""


def _sandwich(x: Floats, weight: Floats, residual: Floats, slope: Floats, cluster: Ints) -> Floats:
    """Covariance of the coefficients over accounts, with the correction n / (n − 1) of their number n (R: ``svyglm``)."""
    bread = np.linalg.inv((x * (weight * slope)[:, None]).T @ x)
    scores = cluster_sums(x * (weight * residual)[:, None], cluster)
    scores -= scores.mean(axis=0)
    n = len(scores)
    return np.asarray(bread @ (scores.T @ scores * n / (n - 1)) @ bread)
