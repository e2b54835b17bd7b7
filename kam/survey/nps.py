"""The net promoter score: promoters less detractors, per hundred answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from kam.disclosure import AS_IT_IS
from kam.errors import DataError, EmptyDataError
from kam.results import Assumed, Check, Context, KeyFigure, Result
from kam.survey.intervals import adjusted_wald_interval, korn_graubard_interval
from kam.survey.shown_names import name_first
from kam.wording import Wording

Floats = npt.NDArray[np.float64]

PROMOTER, DETRACTOR = 9, 6
"""Who answers this or more is a promoter; this or less, a detractor."""
FEW = 30
"""Fewer answers than this say little."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class NpsResult(Result):
    """Result of :func:`nps`.

    Attributes
    ----------
    shares : pandas.DataFrame
        One row for promoters, passives and detractors: ``group_name, n_respondents, share_answers`` (weighted) with ``ci_low,
        ci_high`` (Korn–Graubard).
    intervals : pandas.DataFrame
        One row per method: ``method`` (``Wald``, ``adjusted Wald``), ``estimate``, ``ci_low, ci_high``, points.
    nps : float
        Net promoter score, −100 to 100.
    nps_low, nps_high : float
        Adjusted Wald interval.
    n_respondents, n_missing : int
        Answers, and scores that are missing.
    n_effective : float
        Answers that would tell as much if all counted alike.
    level : float
        Level of the intervals.
    """

    main: ClassVar[str] = "shares"
    rests_on: ClassVar = {
        "shares": AS_IT_IS,
        "intervals": AS_IT_IS,
    }

    shares: pd.DataFrame
    intervals: pd.DataFrame
    nps: float
    nps_low: float
    nps_high: float
    n_respondents: int
    n_missing: int
    n_effective: float
    level: float

    def _interval(self) -> str:
        say = self.context.wording
        return say.interval(points(say, self.nps_low), points(say, self.nps_high), self.level)

    def _sentence(self) -> str:
        say = self.context.wording
        return say.sentence(
            "The net promoter score is {nps} points ({interval}), from {n}: {promoters} would recommend (9 or 10), {detractors} "
            "would not (0 to 6).",
            nps=points(say, self.nps),
            interval=self._interval(),
            n=say.plural("one answer", "{n} answers", self.n_respondents),
            promoters=say.share(self.shares["share_answers"].iloc[0]),
            detractors=say.share(self.shares["share_answers"].iloc[2]),
        )

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        ends = {row["group_name"]: row for row in self.shares.to_dict("records")}
        return (
            KeyFigure(value=points(say, self.nps), label=say.sentence("net promoter score"), note=self._interval()),
            *(
                KeyFigure(
                    value=say.share(ends[name]["share_answers"]),
                    label=label,
                    note=say.interval(say.share(ends[name]["ci_low"]), say.share(ends[name]["ci_high"]), self.level),
                )
                for name, label in (
                    ("promoters", say.sentence("promoters, 9 or 10")),
                    ("detractors", say.sentence("detractors, 0 to 6")),
                )
            ),
        )


def nps(
    scores: Sequence[float] | npt.ArrayLike,
    *,
    weights: npt.ArrayLike | None = None,
    level: float = 0.95,
    context: Context | None = None,
) -> NpsResult:
    """Net promoter score of answers from 0 to 10: the share of 9 and 10 less that of 0 to 6, times 100.

    The Wald interval has the variance (p + d − (p − d)²) / n of a difference of shares p and d; the adjusted one adds three
    answers, ¾ to promoters and to detractors, and is the one to lead with. With weights n is the effective number, the variance
    of a simple random sample over Σ w² (x − θ)² / (Σ w)², where x is 1, 0 or −1 and θ the score.

    Assumes (1) that the answers are a simple random sample, independent of one another: for strata, several people of an
    account, or waves use :func:`kam.survey.estimate`.

    Parameters
    ----------
    scores : array_like
        Shape (respondents,): whole numbers from 0 to 10; missing: no answer, counted.
    weights : array_like, optional
        Shape (respondents,), above 0; by default all count alike.
    level : float
        Level of the intervals, between 0 and 1.
    context : Context, optional
        Dataset and language.

    Returns
    -------
    NpsResult

    Raises
    ------
    DataError
        A score is not a whole number from 0 to 10, or a weight is missing or not above 0; the first are named, counted from 0.
    EmptyDataError
        There is no score.
    ParameterError
        The level is not between 0 and 1.

    References
    ----------
    Reichheld, F. F. (2003). The one number you need to grow. Harvard Business Review 81(12).
    Rocks, B. (2016). Interval estimation for the "Net Promoter Score". The American Statistician 70(4).

    Examples
    --------
    >>> result = nps([10] * 120 + [8] * 45 + [3] * 30)
    >>> round(result.nps, 3)
    46.154
    >>> result.intervals.round(2).values.tolist()
    [['Wald', 46.15, 35.69, 56.62], ['adjusted Wald', 46.15, 35.04, 55.86]]
    """
    context = context or Context()
    given = np.asarray(pd.to_numeric(pd.Series(scores), errors="coerce"), dtype=np.float64)
    _check_scale(pd.Series(scores), given)
    counted = _checked_weights(weights, len(given))
    there = ~np.isnan(given)
    if not there.any():
        raise EmptyDataError("There is no score.", hint="Look at the codes for no answer.")
    x, w = net(given[there]), counted[there]
    p, d = float(w[x > 0].sum() / w.sum()), float(w[x < 0].sum() / w.sum())
    theta, spread = p - d, p + d - (p - d) ** 2
    variance = float((w**2 * (x - theta) ** 2).sum() / w.sum() ** 2)
    n_kish = float(w.sum() ** 2 / (w**2).sum())
    n_effective = spread / variance if variance > 1e-12 else n_kish
    low, high = adjusted_wald_interval(p, d, n_effective, level=level)
    half = float(stats.norm.isf((1 - level) / 2)) * variance**0.5
    ends = [(100 * (theta - half), 100 * (theta + half)), (100 * float(low), 100 * float(high))]
    say = context.wording
    return NpsResult(
        context=context,
        checks=_checks(say, int(there.sum()), int((~there).sum()), n_kish, weights is not None),
        assumed=_assumed(say),
        shares=_shares(x, w, level),
        intervals=pd.DataFrame(
            [[method, 100 * theta, *end] for method, end in zip(("Wald", "adjusted Wald"), ends, strict=True)],
            columns=["method", "estimate", "ci_low", "ci_high"],
        ),
        nps=100 * theta,
        nps_low=ends[1][0],
        nps_high=ends[1][1],
        n_respondents=int(there.sum()),
        n_missing=int((~there).sum()),
        n_effective=n_effective,
        level=level,
    )


def net(scores: Floats) -> Floats:
    """1 for a promoter, −1 for a detractor, 0 between; missing where the score is."""
    return np.where(np.isnan(scores), np.nan, np.where(scores >= PROMOTER, 1.0, np.where(scores <= DETRACTOR, -1.0, 0)))


def points(say: Wording, x: float) -> str:
    """A score in points, with one decimal and a true minus; never minus zero."""
    return say.number(round(x, 1) + 0.0, 1)


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_scale(scores: pd.Series, given: Floats) -> None:
    unread = np.isnan(given) & scores.notna().to_numpy()
    bad = np.flatnonzero(unread | ((~np.isnan(given)) & ((given < 0) | (given > 10) | (given % 1 != 0))))
    if len(bad):
        raise DataError(
            "Scores are out of the scale from 0 to 10.",
            where=name_first([f"{scores.iloc[i]!s} at {i}" for i in bad]),
            hint="Make codes for no answer missing; a scale of five levels is no net promoter score.",
        )


def _checked_weights(weights: npt.ArrayLike | None, n: int) -> Floats:
    if weights is None:
        return np.ones(n)
    w = np.asarray(weights, dtype=np.float64)
    if w.shape != (n,):
        raise DataError(f"There are {w.size} weights for {n} scores.", hint="Give one for each.")
    bad = np.flatnonzero(~((w > 0) & np.isfinite(w)))
    if len(bad):
        raise DataError(
            "Weights are missing or not above 0.",
            where=name_first([f"{w[i]} at {i}" for i in bad]),
            hint="Give every score a weight, or none.",
        )
    return w


def _shares(x: Floats, w: Floats, level: float) -> pd.DataFrame:
    rows = []
    for name, sign in (("promoters", 1), ("passives", 0), ("detractors", -1)):
        p = float(w[x == sign].sum() / w.sum())
        variance = float((w**2 * ((x == sign) - p) ** 2).sum() / w.sum() ** 2)
        size = p * (1 - p) / variance if variance > 1e-12 else float(w.sum() ** 2 / (w**2).sum())
        low, high = korn_graubard_interval(p, size, n=len(x), df=max(len(x) - 1, 1), level=level)
        rows.append([name, int((x == sign).sum()), p, float(low), float(high)])
    return pd.DataFrame(rows, columns=["group_name", "n_respondents", "share_answers", "ci_low", "ci_high"])


def _checks(say: Wording, n: int, n_missing: int, n_kish: float, weighted: bool) -> tuple[Check, ...]:
    return (
        Check(
            assumption=say.sentence("there are enough answers"),
            finding=say.plural("there is one answer", "there are {n} answers", n),
            verdict="holds" if n >= FEW else "does not hold",
            statistic=float(n),
        ),
        Check(
            assumption=say.sentence("the answers are independent of one another"),
            finding=say.sentence("scores alone do not say who gave them"),
            verdict="not testable",
        ),
        Check(
            assumption=say.sentence("every answer counts alike"),
            finding=say.sentence("with their weights they tell as much as {n} that do", n=say.count(n_kish))
            if weighted
            else say.sentence("all do"),
            verdict="handled" if weighted else "holds",
            statistic=n_kish,
        ),
        Check(
            assumption=say.sentence("every score is there"),
            finding=say.plural("one is missing, and left out", "{n} are missing, and left out", n_missing)
            if n_missing
            else say.sentence("none is missing"),
            verdict="handled" if n_missing else "holds",
            statistic=float(n_missing),
        ),
    )


def _assumed(say: Wording) -> tuple[Assumed, ...]:
    return (
        Assumed(
            what=say.sentence("promoters and detractors"),
            value=say.sentence("9 and 10; 0 to 6"),
            would_change=say.sentence("other cuts are another measure, and cannot be compared"),
        ),
    )
