"""Who will place no order, who will be lost, and what says so of each account: today's accounts, scored.

The forecast is the one that :func:`kam.churn.compare_churn_models` holds against its peers at earlier origins: same code, same
snapshots, one origin later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from kam.churn.blending import log_odds_of, probability_of
from kam.churn.churn_probability import check_churn, churn_probability
from kam.churn.definition import ChurnDefinitionResult
from kam.churn.prediction_checks import assumed_of_prediction, check_prediction
from kam.churn.predictors import read_predictors
from kam.churn.rolling import REGRESSION, RolledForecasts, roll_forecasts
from kam.errors import EmptyDataError, ParameterError
from kam.ledger import Snapshots
from kam.results import Context, KeyFigure, Result

Floats = npt.NDArray[np.float64]

SHRINK = 1.0
"""Ridge penalty of the regression that splits a forecast into contributions."""
_FACTS = ("days_since_last_order", "mean_gap_days", "revenue_year", "margin_year")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class ChurnForecastResult(Result):
    """Result of :func:`predict_churn`.

    Attributes
    ----------
    customers : pandas.DataFrame
        One row per customer with an order before ``origin``: ``customer_id, origin, at_risk``; ``p_no_order`` with
        ``p_no_order_low, p_no_order_high``; ``p_churn`` with ``p_churn_low, p_churn_high`` (missing for who is not at risk);
        ``expected_revenue`` (gross, within the horizon); ``days_since_last_order``, ``mean_gap_days`` (missing with one purchase
        day), ``revenue_year`` (less returns), and ``margin_year`` where the ledger has the cost.
    contributions : pandas.DataFrame
        For accounts at risk: ``customer_id, term`` (a column of the snapshots), ``seen`` (its value, as text), ``contribution``
        to the log-odds of being lost, against the mean of the accounts at risk.
    record : pandas.DataFrame
        The same forecast at earlier origins, accounts at risk: ``origin, n_customers, n_expected, n_low, n_high, n_actual``
        without an order (missing where the window is not over), ``expected_revenue, money_came``.
    weights : pandas.DataFrame
        What the forecast pools: ``origin, model, weight`` of the log-odds of each candidate.
    levels : pandas.DataFrame
        How many are expected, apart from who: ``origin, group, forecast, log_odds, weight``; see :mod:`kam.churn.level`.
    origin : datetime.date
        The day from which the forecast looks ahead.
    horizon_days : int
        Days ahead.
    k : int
        Silent periods after which an account is lost.
    freq : str
        Length of these periods.
    basis : str
        Where ``p_churn`` comes from: ``learned`` from losses seen, or ``waits``: from the chance of no order and the share of
        silences that last.
    n_at_risk, n_lapsed : int
        Accounts not lost at the origin, and lost ones.
    n_expected, n_low, n_high : float
        Accounts at risk expected to place no order, and the interval.
    n_churn, n_churn_low, n_churn_high : float
        Accounts at risk expected to be lost, and the interval.
    explained : float
        Share of the variance of the log-odds of being lost that the contributions add up to.
    level : float
        Level of the intervals.
    seed : int
        Seed of the forecast.
    """

    main: ClassVar[str] = "customers"

    customers: pd.DataFrame
    contributions: pd.DataFrame
    record: pd.DataFrame
    weights: pd.DataFrame
    levels: pd.DataFrame
    origin: date
    horizon_days: int
    k: int
    freq: str
    basis: str
    n_at_risk: int
    n_lapsed: int
    n_expected: float
    n_low: float
    n_high: float
    n_churn: float
    n_churn_low: float
    n_churn_high: float
    explained: float
    level: float
    seed: int

    def _sentence(self) -> str:
        say = self.context.wording
        return say.sentence(
            "Of {n} accounts that were not lost on {day}, about {x} are expected to place no order in the next {h} days "
            "({interval}). About {y} are, or will be by then, in a silence that lasts {k}, which means lost ({range}).",
            n=say.count(self.n_at_risk),
            day=say.date(self.origin),
            x=say.count(round(self.n_expected)),
            interval=self._interval(self.n_low, self.n_high),
            h=say.count(self.horizon_days),
            y=say.count(round(self.n_churn)),
            range=self._interval(self.n_churn_low, self.n_churn_high),
            k=say.periods(self.k, self.freq),
        )

    def _interval(self, low: float, high: float) -> str:
        say = self.context.wording
        return say.interval(say.count(round(low)), say.count(round(high)), self.level)

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        risk = self.customers[self.customers["at_risk"]]
        year = float(risk["revenue_year"].sum())
        exposed = float((risk["p_no_order"] * risk["revenue_year"]).sum())
        h = say.count(self.horizon_days)
        return (
            KeyFigure(
                value=say.count(round(self.n_expected)),
                label=say.sentence("accounts expected to place no order in {h} days", h=h),
                note=self._interval(self.n_low, self.n_high),
            ),
            KeyFigure(
                value=say.share(self.n_expected / self.n_at_risk),
                label=say.sentence("of the accounts not lost so far"),
                note=say.sentence("{n} accounts", n=say.count(self.n_at_risk)),
            ),
            KeyFigure(
                value=say.count(round(self.n_churn)),
                label=say.sentence("accounts lost, or leaving by then, though not yet known"),
                note=self._interval(self.n_churn_low, self.n_churn_high),
            ),
            KeyFigure(
                value=say.money_short(exposed),
                label=say.sentence("revenue of last year × chance of no order"),
                note=say.sentence("of {year}; a sum to compare, not a loss", year=say.money_short(year)),
            ),
        )


def predict_churn(
    snapshots: Snapshots,
    *,
    definition: ChurnDefinitionResult | None = None,
    rolled: RolledForecasts | None = None,
    level: float = 0.95,
    seed: int = 1,
    context: Context | None = None,
) -> ChurnForecastResult:
    """Score the accounts at the last origin: probability of no order, of being lost, expected revenue, and why.

    Assumes (1) that accounts which looked alike order alike at other origins, apart from the level of the origin; (2) that the
    level of the coming window is like that of earlier ones, of the same season, or as the models of purchases say; (3) that
    nothing that is known but not in the snapshots sets the coming window apart.

    Parameters
    ----------
    snapshots : Snapshots
        With ``score=True`` or :func:`kam.churn.rolling_origins`: the last origin is the one to score.
    definition : ChurnDefinitionResult, optional
        Used where too few losses have been seen to learn from: the waits between purchases.
    rolled : RolledForecasts, optional
        Forecasts of the same snapshots, if they have been rolled already.
    level : float
        Level of the intervals. They cover the level of the window, the spread of the candidates and, for numbers of accounts,
        chance; not a change that the data know nothing of.
    seed : int
        Seed of the trees.
    context : Context, optional
        Dataset, currency, language.

    Returns
    -------
    ChurnForecastResult

    Raises
    ------
    NoEventError, ParameterError
        There is nothing to learn from; see :func:`kam.churn.rolling.roll_forecasts`.
    EmptyDataError
        Every account is lost at the last origin.
    """
    if not 0 < level < 1:
        raise ParameterError(f"The level is {level}.", hint="Give a share such as 0.95.")
    rolled = rolled or roll_forecasts(snapshots, seed=seed)
    context = context or Context()
    rows = snapshots.rows
    own = rolled.forecasts[rolled.forecasts["model"] == REGRESSION]
    origin = own["origin"].max()
    scored = rows[rows["origin"] == origin].reset_index(drop=True)
    forecast = own[own["origin"] == origin].reset_index(drop=True)
    risk = scored["at_risk"].to_numpy(dtype=bool)
    if not risk.any():
        raise EmptyDataError(
            f"All {len(scored):,} customers are lost on {origin:%Y-%m-%d}: there is nobody to forecast.",
            hint="Take a larger k, or a later as_of if the data reach further.",
        )
    p, level_error = forecast["p_no_order"].to_numpy(), forecast["level_error"].to_numpy()
    error = np.hypot(level_error, forecast["spread"].to_numpy())
    churn = churn_probability(snapshots, p, level_error, error, origin, definition, seed=seed)
    z = float(norm.ppf((1 + level) / 2))
    customers = scored[["customer_id", "origin", "at_risk"]].copy()
    customers["p_no_order"] = p
    customers["p_no_order_low"], customers["p_no_order_high"] = _band(p, error, z)
    low, high = _band(churn.p, churn.std_error, z)
    for name, values in (("p_churn", churn.p), ("p_churn_low", low), ("p_churn_high", high)):
        customers[name] = np.where(risk, values, np.nan)
    customers["expected_revenue"] = forecast["expected_revenue"]
    for name in _FACTS:
        if name in scored:
            customers[name] = scored[name]
    customers["revenue_year"] = scored["revenue_year"] * (1 - scored["share_returned"].fillna(0.0))
    contributions, explained = _contributions(snapshots, scored, churn.p, risk)
    record = _record(snapshots, own, z)
    expected = _sum_with_interval(p[risk], level_error[risk], z)
    lost = _sum_with_interval(churn.p[risk], churn.level_error[risk], z)
    say = context.wording
    return ChurnForecastResult(
        context=context,
        checks=check_prediction(
            say, snapshots, rolled, record, churn, check_churn(snapshots, own, definition), explained
        ),
        assumed=assumed_of_prediction(say, snapshots, churn),
        customers=customers,
        contributions=contributions,
        record=record,
        weights=rolled.weights,
        levels=rolled.levels,
        origin=origin.date(),
        horizon_days=snapshots.horizon_days,
        k=snapshots.k,
        freq=snapshots.freq,
        basis=churn.basis,
        n_at_risk=int(risk.sum()),
        n_lapsed=int((~risk).sum()),
        n_expected=expected[0],
        n_low=expected[1],
        n_high=expected[2],
        n_churn=lost[0],
        n_churn_low=lost[1],
        n_churn_high=lost[2],
        explained=explained,
        level=level,
        seed=seed,
    )


def _band(p: Floats, error: Floats, z: float) -> tuple[Floats, Floats]:
    log_odds = log_odds_of(p)
    return np.minimum(p, probability_of(log_odds - z * error)), np.maximum(p, probability_of(log_odds + z * error))


def _sum_with_interval(p: Floats, level_error: Floats, z: float) -> tuple[float, float, float]:
    """Expected number of events: the level moves all accounts together, chance each on its own."""
    slope = p * (1 - p)
    together = float((slope * level_error).sum())
    spread = z * float(np.sqrt(together**2 + slope.sum()))
    total = float(p.sum())
    return total, max(total - spread, 0.0), min(total + spread, float(len(p)))


def _record(snapshots: Snapshots, own: pd.DataFrame, z: float) -> pd.DataFrame:
    rows = snapshots.rows[["origin", "customer_id", "at_risk", "no_order", "revenue_next"]]
    joined = own.merge(rows[rows["at_risk"]], on=["origin", "customer_id"])
    records = []
    for origin, at in joined.groupby("origin"):
        n, low, high = _sum_with_interval(at["p_no_order"].to_numpy(), at["level_error"].to_numpy(), z)
        over = bool(at["no_order"].notna().all())
        records.append(
            {
                "origin": origin,
                "n_customers": len(at),
                "n_expected": n,
                "n_low": low,
                "n_high": high,
                "n_actual": float(at["no_order"].astype("float64").sum()) if over else np.nan,
                "expected_revenue": float(at["expected_revenue"].sum()),
                "money_came": float(at["revenue_next"].sum()) if over else np.nan,
            }
        )
    return pd.DataFrame(records)


def _contributions(
    snapshots: Snapshots, scored: pd.DataFrame, p: Floats, risk: npt.NDArray[np.bool_]
) -> tuple[pd.DataFrame, float]:
    """Split the forecast's log-odds among what the snapshots tell: a ridge regression of it on the predictors.

    The candidates are pooled, and some are no sums of terms; the regression on their outcome is one, and adds up to the share
    of its variance that is returned.
    """
    terms = tuple(snapshots.covariates["term"])
    among = scored[risk].reset_index(drop=True)
    predictors = read_predictors(
        among, np.ones(len(among), dtype=bool), horizon_days=snapshots.horizon_days, covariates=terms, money=True
    )
    x = predictors.values - predictors.values.mean(axis=0)
    target = log_odds_of(p[risk])
    centered = target - target.mean()
    slopes = np.linalg.solve(x.T @ x + SHRINK * np.eye(x.shape[1]), x.T @ centered) if x.shape[1] else np.empty(0)
    variance = float((centered**2).sum())
    explained = 1 - float(((centered - x @ slopes) ** 2).sum()) / variance if variance > 0 else 1.0
    names = np.array(predictors.terms, dtype=object)
    parts = []
    for term in dict.fromkeys(predictors.terms):
        of_term = names == term
        parts.append(
            pd.DataFrame(
                {
                    "customer_id": among["customer_id"],
                    "term": term,
                    "seen": _as_text(among[term]),
                    "contribution": x[:, of_term] @ slopes[of_term],
                }
            )
        )
    empty = pd.DataFrame({"customer_id": [], "term": [], "seen": [], "contribution": []})
    frame = pd.concat(parts, ignore_index=True) if parts else empty
    return frame.sort_values(["customer_id", "term"], ignore_index=True, kind="stable"), explained


def _as_text(values: pd.Series) -> pd.Series:
    if pd.api.types.is_bool_dtype(values) or pd.api.types.is_numeric_dtype(values):
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        return pd.Series([None if np.isnan(x) else f"{x:.10g}" for x in numbers], dtype="str")
    return values.astype("str")
