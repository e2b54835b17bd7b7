"""Whether the loss rate rises or falls: a Poisson regression of losses on time, with the number at risk as exposure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from kam.churn.periods import PERIODS_A_YEAR
from kam.results import Assumed, Check

if TYPE_CHECKING:
    from kam.churn.definition import ChurnDefinitionResult
    from kam.wording import Wording

Floats = npt.NDArray[np.float64]

MIN_LOSSES = 10
"""With fewer losses no trend is fitted."""
MIN_PERIODS = 5
"""Nor with fewer periods."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Trend:
    """A fitted trend; all None where there is none.

    Attributes
    ----------
    ratio, ratio_low, ratio_high : float or None
        Loss rate over that a year before.
    p_value : float or None
        Of no trend.
    rate_first, rate_last : float or None
        Share lost a year, in the first and in the last period.
    dispersion : float or None
        Pearson's chi-square over its degrees of freedom.
    autocorrelation : float or None
        Of the Pearson residuals of successive periods.
    has_season : bool
        Whether a yearly wave was taken out.
    fitted : numpy.ndarray
        Shape (T, 3): share lost per period without the season, with the ends of its interval; missing without a trend.
    """

    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    p_value: float | None = None
    rate_first: float | None = None
    rate_last: float | None = None
    dispersion: float | None = None
    autocorrelation: float | None = None
    has_season: bool = False
    fitted: Floats

    def add_to(self, counts: pd.DataFrame) -> pd.DataFrame:
        """The periods with the fitted line."""
        columns = ["period", "n_at_risk", "n_lost", "share_lost", "ci_low", "ci_high"]
        frame = counts[columns].assign(
            **{name: self.fitted[:, i] for i, name in enumerate(("fitted", "fit_low", "fit_high"))}
        )
        return frame if "revenue_before" not in counts else frame.assign(revenue_before=counts["revenue_before"])

    def frame(self) -> pd.DataFrame:
        """The terms of the trend."""
        rows = [
            ("rate ratio a year", self.ratio, self.ratio_low, self.ratio_high),
            ("dispersion", self.dispersion, None, None),
        ]
        columns = ["term", "estimate", "ci_low", "ci_high"]
        frame = pd.DataFrame([row for row in rows if row[1] is not None], columns=columns)
        return frame.astype({"term": "str"} | dict.fromkeys(columns[1:], "float64"))


def fit_trend(counts: pd.DataFrame, freq: str, level: float) -> Trend:
    """Fit log(rate) = a + b × years, with one yearly wave where two years were seen.

    Parameters
    ----------
    counts : pandas.DataFrame
        One row per period: ``period, n_at_risk, n_lost``.
    freq : {"month", "quarter", "year"}
        Length of a period.
    level : float
        Level of the intervals.
    """
    from statsmodels.genmod import families
    from statsmodels.genmod.generalized_linear_model import GLM

    at_risk = counts["n_at_risk"].to_numpy(dtype=np.float64)
    lost = counts["n_lost"].to_numpy(dtype=np.float64)
    nothing = Trend(fitted=np.full((len(counts), 3), np.nan))
    some = at_risk > 0
    if lost.sum() < MIN_LOSSES or some.sum() < MIN_PERIODS:
        return nothing
    a_year = PERIODS_A_YEAR[freq]
    years = np.arange(len(counts)) / a_year
    has_season = a_year > 1 and int(some.sum()) >= 2 * a_year
    line = np.column_stack([np.ones(len(counts)), years - years.mean()])
    waves = [np.cos(2 * np.pi * years), np.sin(2 * np.pi * years)] if has_season else []
    design = np.column_stack([line, *waves])
    model = GLM(lost[some], design[some], family=families.Poisson(), offset=np.log(at_risk[some]))
    fit = model.fit()
    df = int(some.sum()) - design.shape[1]
    dispersion = float(fit.pearson_chi2 / df)
    scale = max(dispersion, 1.0)
    covariance = np.asarray(fit.cov_params()) * scale
    reach = float(stats.t.ppf((1 + level) / 2, df))
    slope, error = float(fit.params[1]), math.sqrt(covariance[1, 1])
    log_rate = line @ fit.params[:2]
    spread = reach * np.sqrt(np.einsum("ij,jk,ik->i", line, covariance[:2, :2], line))
    fitted = np.minimum(np.exp(np.column_stack([log_rate, log_rate - spread, log_rate + spread])), 1.0)
    residuals = np.asarray(fit.resid_pearson)
    rates = 1 - (1 - fitted[:, 0]) ** a_year
    return Trend(
        ratio=math.exp(slope),
        ratio_low=math.exp(slope - reach * error),
        ratio_high=math.exp(slope + reach * error),
        p_value=float(2 * stats.t.sf(abs(slope) / error, df)),
        rate_first=float(rates[0]),
        rate_last=float(rates[-1]),
        dispersion=dispersion,
        autocorrelation=float((residuals[1:] * residuals[:-1]).sum() / (residuals**2).sum())
        if residuals.any()
        else None,
        has_season=has_season,
        fitted=fitted,
    )


def assumed_of_losses(say: Wording, definition: ChurnDefinitionResult) -> tuple[Assumed, ...]:
    """What a description of losses takes for given."""
    return (
        Assumed(
            what=say.sentence("silence after which a customer is lost"),
            value=say.periods(definition.k, definition.freq)
            if definition.gap_multiple is None
            else say.sentence("{n} own median gaps, where known", n=say.number(definition.gap_multiple, 1)),
            would_change=say.sentence("a longer silence counts fewer losses, and later"),
        ),
    )


def check_losses(
    say: Wording, counts: pd.DataFrame, trend: Trend, freq: str, groups: pd.DataFrame
) -> tuple[Check, ...]:
    """Say of each assumption of a description of losses whether the data bear it out."""
    n, n_periods = int(counts["n_lost"].sum()), len(counts)
    tested = int(groups["p_value"].notna().sum()) if "p_value" in groups else 0
    enough = Check(
        assumption=say.sentence("there are enough losses to see a trend"),
        finding=say.sentence("{n} losses in {periods}", n=say.count(n), periods=say.periods(n_periods, freq)),
        verdict="holds" if trend.ratio is not None else "does not hold",
    )
    several = Check(
        assumption=say.sentence("a group that stands out does not do so by chance"),
        finding=say.sentence(
            "{n} groups were compared with the rest; p-values are Holm's over all of them", n=say.count(tested)
        )
        if tested
        else say.sentence("no groups are known"),
        verdict="handled" if tested else "not testable",
    )
    if trend.dispersion is None:
        return enough, several
    r = trend.autocorrelation or 0.0
    limit = 2 / math.sqrt(n_periods)
    return (
        enough,
        Check(
            assumption=say.sentence("losses of one period are independent of one another"),
            finding=say.sentence(
                "their spread is {ratio} times that of independent losses; intervals are widened by it where it is above 1",
                ratio=say.number(trend.dispersion),
            ),
            verdict="holds" if trend.dispersion <= 1 else "handled",
            statistic=trend.dispersion,
        ),
        Check(
            assumption=say.sentence("what is above the trend in one period says nothing of the next"),
            finding=say.sentence("correlation of successive periods {r}", r=say.number(r)),
            verdict="holds" if abs(r) <= limit else "does not hold",
            statistic=r,
        ),
        Check(
            assumption=say.sentence("the season is no trend"),
            finding=say.sentence("one yearly wave was taken out")
            if trend.has_season
            else say.sentence("fewer than two years were seen: a season would look like a trend"),
            verdict="handled" if trend.has_season else "not testable",
        ),
        several,
    )
