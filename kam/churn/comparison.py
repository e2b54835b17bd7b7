"""Which churn model to believe on this ledger: forecasts of several models, scored on what then happened.

At past origins every model said of every account with which probability it would place no order, and what it would bring. Here
these forecasts meet the outcome. All differences are paired: same accounts, same origins.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from kam.churn.comparison_calibration import calibration_bins, calibration_curves
from kam.churn.comparison_checks import assumed_of_comparison, check_comparison, off_origins
from kam.churn.comparison_frames import (
    LESS,
    LESS_HERE,
    MORE_HERE,
    NOT_COMPARED,
    POOLED,
    SAME,
    difference_frame,
    lift_frame,
    score_frame,
    verdict_frame,
)
from kam.churn.comparison_scores import (
    AUC,
    BRIER,
    CALLED,
    ICI,
    LOG_LOSS,
    MONEY_FOUND,
    NAMED,
    OBSERVED,
    OBSERVED_ORDERS,
    SLOPE,
    draw_scores,
)
from kam.churn.peers import CANDIDATES
from kam.churn.rolling import RolledForecasts, roll_forecasts, rolling_snapshots
from kam.churn.scored_forecasts import AT_RISK, read_scored
from kam.errors import ParameterError
from kam.ledger import Covariates, Ledger, Snapshots
from kam.ledger.periods import Frequency
from kam.results import Check, Context, KeyFigure, Result
from kam.stats.resampling import check_whole
from kam.wording import N_

RECENCY = N_("recency")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ChurnComparisonResult(Result):
    """Result of :func:`compare_churn_models` and :func:`score_forecasts`.

    ``population`` is ``at risk`` (not yet churned at the origin; what the answer is about) or ``all``; ``origin`` is a day, as
    text, or ``pooled``. An account counts once per origin. A score without a value is a missing cell, and a check says of how
    many.

    Attributes
    ----------
    scores : pandas.DataFrame
        One row per ``model, population, origin, measure``: ``estimate, ci_low, ci_high, spread_over`` (``accounts`` or
        ``origins``: which of the two makes the interval, see :func:`score_forecasts`), ``n_customers, n_events, n_origins``.
        Measures: ``AUC``, ``log loss``, ``Brier``, ``observed / expected`` (accounts without an order), ``observed / expected,
        orders`` (accounts with one), ``calibration slope``, ``calibration intercept``, ``ICI``, ``top buyers named``, ``money
        found`` (see ``lift``, the first fifth).
    differences : pandas.DataFrame
        Reference less each other model, paired, over the origins that both have: ``model, population, origin, measure, estimate,
        ci_low, ci_high, accounts_low, accounts_high`` (over accounts alone), ``spread_over, standing, n_origins``.
    verdicts : pandas.DataFrame
        One row per other model, by log loss at risk, pooled, the most accurate first: ``model``; ``standing`` (``less accurate``
        than the reference; ``less accurate here``, on these origins, which differ too much to be sure of the next; ``no
        difference``; ``more accurate here``; ``more accurate``; ``not compared``); ``estimate, ci_low, ci_high`` of the
        difference (missing if not compared); ``n_better``, origins at which the reference erred less, of ``n_origins``;
        ``reason`` in words.
    calibration : pandas.DataFrame
        What happened by what was said, all origins together, in bins of width 0.05: ``model, population, predicted`` (mean),
        ``observed, ci_low, ci_high, n_customers, n_events``.
    curves : pandas.DataFrame
        The smooth curve of the same: ``model, population, predicted, observed, ci_low, ci_high`` (pointwise).
    lift : pandas.DataFrame
        Accounts called in the order of probability × revenue of the last year, at each origin: ``model`` (also ``largest first``:
        by that revenue alone), ``population, share_called, share_money_found`` (of the last year's revenue of accounts that then
        placed no order), ``share_lost_found`` (of these accounts).
    not_fitted : pandas.DataFrame
        Forecasts that there are not: ``model, origin, reason``.
    reference : str
        The model with which the others are compared.
    believed : str
        The model to believe: the reference, unless another is more accurate beyond the interval; then the best of those.
    rivals : tuple of str
        Models that cannot be told from the reference, best first.
    n_origins, n_customers : int
        Origins, and different accounts.
    n_forecasts, n_events : int
        Accounts at risk, counted once per origin, and those of them that then placed no order, where the reference has forecasts.
    n_expected : float
        How many the reference expected.
    level : float
        Level of the intervals.
    n_resamples, seed : int
        Resamples of the accounts, and their seed.
    """

    main: ClassVar[str] = "scores"

    scores: pd.DataFrame
    differences: pd.DataFrame
    verdicts: pd.DataFrame
    calibration: pd.DataFrame
    curves: pd.DataFrame
    lift: pd.DataFrame
    not_fitted: pd.DataFrame
    reference: str
    believed: str
    rivals: tuple[str, ...]
    n_origins: int
    n_customers: int
    n_forecasts: int
    n_events: int
    n_expected: float
    level: float
    n_resamples: int
    seed: int

    def score(self, model: str, measure: str, *, population: str = AT_RISK, origin: str = POOLED) -> pd.Series:
        """One row of ``scores``.

        Raises
        ------
        ParameterError
            There is no such row.
        """
        rows = self.scores[
            (self.scores["model"] == model)
            & (self.scores["measure"] == measure)
            & (self.scores["population"] == population)
            & (self.scores["origin"] == origin)
        ]
        if rows.empty:
            raise ParameterError(
                f"There is no score {measure!r} of {model!r}.",
                where=f"{population}, {origin}",
                hint=f"Models: {', '.join(self.scores['model'].unique())}.",
            )
        return rows.iloc[0]

    def pooled(self) -> pd.DataFrame:
        """The scores over all origins, one row per population and model, the smallest log loss first.

        Columns ``population, model, log_loss, auc, brier, orders_ratio`` (accounts with an order, observed over expected),
        ``slope, slope_low, slope_high`` (calibration), ``ici`` (mean difference of said and seen), ``share_named`` (top buyers),
        ``share_money_found``.
        """
        rows = self.scores[self.scores["origin"] == POOLED]
        wide = rows.pivot(index=["population", "model"], columns="measure", values="estimate")
        ends = rows[rows["measure"] == SLOPE].set_index(["population", "model"])
        found = pd.DataFrame(
            {
                "log_loss": wide[LOG_LOSS],
                "auc": wide[AUC],
                "brier": wide[BRIER],
                "orders_ratio": wide[OBSERVED_ORDERS],
                "slope": wide[SLOPE],
                "slope_low": ends["ci_low"],
                "slope_high": ends["ci_high"],
                "ici": wide[ICI],
                "share_named": wide[NAMED],
                "share_money_found": wide[MONEY_FOUND],
            }
        ).reset_index()
        order = np.lexsort((found["log_loss"], found["population"] != AT_RISK))
        return found.iloc[order].reset_index(drop=True)

    def off_origins(self) -> pd.DataFrame:
        """The rows of ``scores`` of origins at which the reference was off in number by more than a tenth, and beyond chance."""
        return off_origins(self.scores, self.reference, self.level)[1]

    # -- words -------------------------------------------------------------------------------------------------------

    def _sentence(self) -> str:
        return self.context.wording.join([self._whom_to_believe(), self._ranking(), self._number()])

    def _compared(self) -> pd.DataFrame:
        return self.verdicts[self.verdicts["standing"] != NOT_COMPARED]

    def _whom_to_believe(self) -> str:
        say = self.context.wording
        compared = self._compared()
        origins = say.plural("one past origin", "{n} past origins", self.n_origins)
        if compared.empty:
            return say.sentence(
                "There is no other model to compare {reference} with: the error of its probabilities (log loss) is {loss} over "
                "{origins} ({interval}).",
                reference=say.text(self.reference),
                loss=say.number(self.score(self.reference, LOG_LOSS)["estimate"], 3),
                interval=self._interval(self.score(self.reference, LOG_LOSS), 3),
                origins=origins,
            )
        if self.believed != self.reference:
            row = compared[compared["model"] == self.believed].iloc[0]
            return say.sentence(
                "On this ledger believe {believed}, not {reference}: over {origins} the error of its probabilities (log loss) is "
                "{less} smaller ({interval}).",
                believed=say.text(self.believed),
                reference=say.text(self.reference),
                origins=origins,
                less=say.number(row["estimate"], 3),
                interval=self._interval(row, 3),
            )
        if self.rivals:
            row = compared[compared["model"] == self.rivals[0]].iloc[0]
            values = {
                "reference": say.text(self.reference),
                "rivals": say.listing([say.text(name) for name in self.rivals]),
                "rival": say.text(self.rivals[0]),
                "origins": origins,
                "less": say.number(abs(row["estimate"]), 3),
                "interval": self._interval(row, 3, sign=-1 if row["estimate"] <= 0 else 1),
            }
            if row["standing"] == MORE_HERE:
                return say.sentence(
                    "Over {origins} the error of the probabilities (log loss) of {reference} is {less} smaller than that of "
                    "{rival}, but origins differ too much to be sure of the next ({interval}).",
                    **values,
                )
            message = (
                N_(
                    "On this ledger {reference} and {rivals} cannot be told apart: over {origins} the error of the probabilities "
                    "(log loss) of {reference} is {less} smaller than that of {rival}, which may be chance ({interval})."
                )
                if row["estimate"] <= 0
                else N_(
                    "On this ledger {reference} and {rivals} cannot be told apart: over {origins} the error of the "
                    "probabilities (log loss) of {reference} is {less} larger than that of {rival}, which may be chance "
                    "({interval})."
                )
            )
            return say.sentence(message, **values)
        row = compared.iloc[0]
        return say.sentence(
            "On this ledger believe {reference}: over {origins} the error of its probabilities (log loss) is {less} smaller than "
            "that of the next best, {rival} ({interval}).",
            reference=say.text(self.reference),
            rival=say.text(row["model"]),
            origins=origins,
            less=say.number(-row["estimate"], 3),
            interval=self._interval(row, 3, sign=-1),
        )

    def _ranking(self) -> str:
        say = self.context.wording
        row = self.score(self.believed, AUC)
        values = {
            "model": say.text(self.believed),
            "auc": say.share(row["estimate"]),
            "interval": self._interval(row, share=True),
        }
        if RECENCY in set(self.scores["model"]) and self.believed != RECENCY:
            return say.sentence(
                "Of two accounts at risk, one of which then placed no order, {model} picks that one in {auc} of cases "
                "({interval}), the days since the last order alone in {recency}.",
                recency=say.share(self.score(RECENCY, AUC)["estimate"]),
                **values,
            )
        return say.sentence(
            "Of two accounts at risk, one of which then placed no order, {model} picks that one in {auc} of cases ({interval}).",
            **values,
        )

    def _number(self) -> str:
        say = self.context.wording
        row = self.score(self.reference, OBSERVED)
        values = {
            "reference": say.text(self.reference),
            "expected": say.count(self.n_expected),
            "came": say.count(self.n_events),
            "ratio": say.share(row["estimate"], 0),
            "interval": self._interval(row, 0, share=True),
        }
        off = self.off_origins()
        if off.empty:
            return say.sentence(
                "In all, {reference} expected {expected} accounts at risk to place no order, and {came} placed none: {ratio} of "
                "what was expected ({interval}).",
                **values,
            )
        worst = off.iloc[int((off["estimate"] - 1).abs().to_numpy().argmax())]
        return say.sentence(
            "In all, {reference} expected {expected} accounts at risk to place no order, and {came} placed none: {ratio} of "
            "what was expected ({interval}), but {worst} at {day} alone, as when the season differs.",
            worst=say.share(worst["estimate"], 0),
            day=say.date(pd.Timestamp(worst["origin"]).date()),
            **values,
        )

    def _interval(self, row: pd.Series, digits: int = 1, *, share: bool = False, sign: int = 1) -> str:
        say = self.context.wording
        low, high = sorted((sign * row["ci_low"], sign * row["ci_high"]))
        if not np.isfinite([low, high]).all():
            return say.sentence("no interval: the score is undefined in too many resamples")
        form = say.share if share else say.number
        return say.interval(form(low, digits), form(high, digits), self.level)

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        auc, ratio = self.score(self.reference, AUC), self.score(self.reference, OBSERVED)
        figures = [
            KeyFigure(
                value=say.share(auc["estimate"]),
                label=say.sentence(
                    "of pairs of accounts are ranked rightly by {model}", model=say.text(self.reference)
                ),
                note=self._interval(auc, share=True),
            ),
            KeyFigure(
                value=say.share(ratio["estimate"], 0),
                label=say.sentence("of the expected number placed no order"),
                note=self._interval(ratio, 0, share=True),
            ),
        ]
        for measure, label in (
            (MONEY_FOUND, say.sentence("of the money lost is found by calling {share}", share=say.share(CALLED, 0))),
            (NAMED, say.sentence("of the next top buyers are named")),
        ):
            row = self.score(self.reference, measure)
            if np.isfinite(row["estimate"]):
                note = self._interval(row, share=True)
                figures.append(KeyFigure(value=say.share(row["estimate"]), label=label, note=note))
        loss = self.score(self.reference, LOG_LOSS)
        figures.append(
            KeyFigure(
                value=say.number(loss["estimate"], 3),
                label=say.sentence("error of the probabilities (log loss)"),
                note=self._interval(loss, 3),
            )
        )
        return tuple(figures)


def score_forecasts(
    forecasts: pd.DataFrame,
    snapshots_rows: pd.DataFrame,
    *,
    reference: str = "regression",
    not_fitted: pd.DataFrame | None = None,
    level: float = 0.95,
    n_resamples: int = 1000,
    seed: int = 1,
    context: Context | None = None,
) -> ChurnComparisonResult:
    """Score the forecasts of several churn models on what then happened, and say which to believe.

    *Pooled over origins*, AUC, log loss, Brier and top buyers named are means over the origins (accounts are ranked within an
    origin, never across); observed over expected and money found are ratios of sums; slope, intercept and ICI are of all
    forecasts together.

    *Intervals* of single origins resample accounts (slope and intercept: errors robust to accounts). Pooled, they are the wider
    of two: over accounts, each with all its origins, and, from three origins on, over origins (jackknife, Student's t). The
    first is about other accounts at the same origins, the second about other times; with a handful of origins neither alone is
    safe. Where origins differ much and lopsidedly, even the wider one covers too seldom: see the notes.

    Assumes (1) that accounts are independent of one another but for what an origin does to all; (2) that origins are alike, and
    the next will be like them; (3) that outcomes of different origins do not overlap; (4) that forecasts were made from data
    before their origin.

    Parameters
    ----------
    forecasts : pandas.DataFrame
        One row per ``model``, ``origin`` (day) and ``customer_id``: ``p_no_order`` (0 to 1), ``expected_revenue`` (gross money
        within the horizon); if there, ``as_of`` (day) is the last day whose data the forecast knew. A model has forecasts of all
        accounts of an origin, or of none.
    snapshots_rows : pandas.DataFrame
        As ``rows`` of :func:`kam.ledger.snapshots`: ``origin, customer_id, at_risk, revenue_year, revenue_next, no_order``.
    reference : str
        The model with which the others are compared.
    not_fitted : pandas.DataFrame, optional
        ``model, origin, reason``: forecasts that there are not.
    level : float
        Level of the intervals, between 0 and 1.
    n_resamples : int
        Resamples of the accounts, at least 50.
    seed : int
        The same seed gives the same intervals.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    ChurnComparisonResult

    Raises
    ------
    MissingColumnError
        A frame lacks a column.
    EmptyDataError
        There are no forecasts, or nobody is at risk at an origin.
    DataError
        A probability lies outside 0 to 1; a model has two forecasts of an account, none of some accounts of an origin, or none of
        an origin without a reason in ``not_fitted``; the snapshots lack an origin or an account, or do not know yet what
        happened.
    NoEventError
        At an origin all accounts placed an order, or none did.
    ParameterError
        The reference has no forecasts, or an argument is out of range.

    Notes
    -----
    The 95 % interval of a pooled difference of log losses in 300 simulated ledgers of 400 accounts and 4 origins covered the
    truth in 96 % where origins did not differ, 97 and 93 % where they differed a little and clearly, and 86 % where they
    differed nine times as much as chance, lopsidedly; that over accounts alone in 93, 91, 75 and 18 %.

    References
    ----------
    Steyerberg, E. W. et al. (2010). Assessing the performance of prediction models. Epidemiology 21.
    Austin, P. C. & Steyerberg, E. W. (2019). The integrated calibration index (ICI). Statistics in Medicine 38.

    Examples
    --------
    Two models on 400 accounts; one knows the probability, one says the same of all.

    >>> rng = np.random.default_rng(1)
    >>> rows = pd.DataFrame({"origin": pd.Timestamp("2024-01-01"), "customer_id": [f"C{i}" for i in range(400)],
    ...     "at_risk": True, "revenue_year": 100.0})
    >>> p = rng.uniform(0.1, 0.9, 400)
    >>> rows = rows.assign(no_order=rng.random(400) < p, revenue_next=lambda d: 25.0 * ~d["no_order"])
    >>> said = pd.concat([rows.assign(model=name, p_no_order=value, expected_revenue=25 * (1 - value))
    ...     for name, value in (("regression", p), ("recency", 0.5))])
    >>> result = score_forecasts(said, rows, n_resamples=200)
    >>> result.verdicts[["model", "standing"]].to_numpy().tolist()
    [['recency', 'less accurate']]
    >>> result.score("regression", "AUC")["estimate"].round(2)
    np.float64(0.77)
    """
    context = context or Context()
    check_whole("n_resamples", n_resamples, at_least=50)
    check_whole("seed", seed, at_least=0)
    if not 0 < level < 1:
        raise ParameterError(f"The level of an interval is {level}, which is not between 0 and 1.", hint="Use 0.95.")
    scored = read_scored(forecasts, snapshots_rows, reference=reference, not_fitted=not_fitted)
    draws = draw_scores(scored, n_resamples=n_resamples, seed=seed)
    scores = score_frame(scored, draws, n_resamples=n_resamples, level=level, seed=seed)
    differences = difference_frame(scored, draws, level)
    verdicts = verdict_frame(context.wording, scored, differences)
    rivals = verdicts.loc[verdicts["standing"].isin([MORE_HERE, SAME, LESS_HERE]), "model"]
    better = verdicts.loc[verdicts["standing"] == LESS, "model"]
    rows = scored.rows(AT_RISK)
    rows = rows[np.isfinite(scored.p[0, rows])]
    return ChurnComparisonResult(
        context=context,
        checks=check_comparison(context.wording, scored, scores, level),
        assumed=assumed_of_comparison(context.wording, len(verdicts), level),
        scores=scores,
        differences=differences,
        verdicts=verdicts,
        calibration=calibration_bins(scored, level),
        curves=calibration_curves(scored, level),
        lift=lift_frame(scored),
        not_fitted=scored.missing,
        reference=reference,
        believed=str(better.iloc[0]) if len(better) else reference,
        rivals=tuple(rivals.astype(str)),
        n_origins=len(scored.origins),
        n_customers=scored.n_customers,
        n_forecasts=len(rows),
        n_events=int(scored.event[rows].sum()),
        n_expected=float(scored.p[0, rows].sum()),
        level=level,
        n_resamples=n_resamples,
        seed=seed,
    )


def compare_churn_models(
    data: Ledger | Snapshots,
    *,
    horizon_days: int = 91,
    n_origins: int = 4,
    k: int | None = None,
    freq: Frequency = "month",
    covariates: Covariates | None = None,
    rolled: RolledForecasts | None = None,
    level: float = 0.95,
    n_resamples: int = 1000,
    seed: int = 1,
    context: Context | None = None,
) -> ChurnComparisonResult:
    """Hold the regression against its peers on this ledger's own last windows, each forecast made before its window.

    Peers: recency alone, a Markov chain, BG/NBD, Pareto/NBD and the rhythm model; see :mod:`kam.churn.peers`.

    Assumes what :func:`score_forecasts` assumes of the scores and :func:`kam.churn.roll_forecasts` of the forecasts.

    Parameters
    ----------
    data : Ledger or Snapshots
        A ledger, or snapshots from :func:`kam.churn.rolling_snapshots`, which then say ``horizon_days``, ``k``, ``freq`` and
        ``covariates``.
    horizon_days : int
        Days ahead.
    n_origins : int
        The last so many windows that are over and could be forecast. A window in which all accounts at risk ordered, or none, is
        left out; a check says so.
    k : int, optional
        Silent periods after which an account is lost; needed with a ledger.
    freq : {"month", "quarter", "year"}
        Length of these periods.
    covariates : Covariates, optional
        What is known besides the orders.
    rolled : RolledForecasts, optional
        The forecasts of these snapshots, if they have been rolled already.
    level, n_resamples, seed, context
        As in :func:`score_forecasts`.

    Returns
    -------
    ChurnComparisonResult

    Raises
    ------
    ParameterError
        ``k`` is missing, a number is out of range, or no window that is over could be forecast.
    NoEventError, EmptyDataError
        See :func:`kam.churn.roll_forecasts` and :func:`score_forecasts`.
    """
    check_whole("n_origins", n_origins, at_least=1)
    if isinstance(data, Ledger):
        if k is None:
            raise ParameterError(
                "k, the silent periods after which an account is lost, is missing.",
                hint="Take it from churn_definition(ledger).k.",
            )
        data = rolling_snapshots(data, k=k, freq=freq, horizon_days=horizon_days, covariates=covariates)
    rolled = rolled or roll_forecasts(data, seed=seed)
    over = data.rows.loc[data.rows["no_order"].notna(), "origin"].unique()
    forecasts = rolled.forecasts[rolled.forecasts["origin"].isin(over)]
    last = sorted(forecasts["origin"].unique())[-n_origins:]
    mixed = [origin for origin in last if _has_both(data.rows, origin)] or last
    if not last:
        raise ParameterError(
            f"No window of {data.horizon_days} days is over that could be forecast from an earlier one.",
            hint="Take a shorter horizon_days, or a ledger that reaches further back.",
        )
    result = score_forecasts(
        forecasts[forecasts["origin"].isin(mixed)],
        data.rows[data.rows["origin"].isin(mixed)].reset_index(drop=True),
        not_fitted=_not_fitted(rolled.not_fitted, mixed),
        level=level,
        n_resamples=n_resamples,
        seed=seed,
        context=context,
    )
    if mixed == last:
        return result
    say = result.context.wording
    left_out = Check(
        assumption=say.sentence("in every window some accounts at risk placed an order and some did not"),
        finding=say.sentence(
            "not in {days}: left out of the comparison",
            days=say.listing([say.date(origin) for origin in last if origin not in mixed]),
        ),
        verdict="handled",
    )
    return replace(result, checks=(*result.checks, left_out))


def _has_both(rows: pd.DataFrame, origin: pd.Timestamp) -> bool:
    return rows.loc[(rows["origin"] == origin) & rows["at_risk"], "no_order"].nunique() == 2


def _not_fitted(failed: pd.DataFrame, origins: list[pd.Timestamp]) -> pd.DataFrame:
    """One row per model without a forecast and origin: a candidate that failed at one origin has none at any."""
    parts = [failed[failed["origin"].isin(origins)]]
    for name in CANDIDATES:
        reasons = failed.loc[failed["model"] == name, "reason"]
        if len(reasons):
            parts.append(pd.DataFrame({"model": name, "origin": origins, "reason": reasons.iloc[0]}))
    return pd.concat(parts, ignore_index=True).drop_duplicates(["model", "origin"], ignore_index=True)
