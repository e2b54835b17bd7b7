"""What it is worth to lose fewer accounts: one point, five points, five percent of the yearly loss rate, in money."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.remaining_value import (
    HORIZON_YEARS,
    MARGIN_SHARE,
    ValueTerms,
    assumed_of_terms,
    check_number,
    read_forecast,
    show_money,
    value_accounts,
)
from kam.errors import UndefinedMeasureError
from kam.results import Assumed, Check, Context, KeyFigure, Result
from kam.stats.resampling import bootstrap_weights, check_whole, percentile_interval

Floats = npt.NDArray[np.float64]

ONE_POINT, FIVE_POINTS, FIVE_PERCENT = "1 point", "5 points", "5 % relative"
_POINTS = {ONE_POINT: 0.01, FIVE_POINTS: 0.05}
MIN_CUSTOMERS = 10
"""With fewer accounts at risk no interval is given."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class RetentionValueResult(Result):
    """Result of :func:`value_of_retention`.

    Attributes
    ----------
    effects : pandas.DataFrame
        One row per change of the yearly loss rate, ``term``: ``1 point``, ``5 points``, ``5 % relative``. ``loss_before,
        loss_after`` (yearly, mean over accounts), ``n_kept`` (accounts kept in a year), ``value_change`` with ``ci_low, ci_high``
        (net present value within the horizon), ``profit_year`` with ``profit_low, profit_high`` (the same as an even yearly
        profit) and ``share_change`` with ``share_low, share_high`` (over the value now). Ends are missing with fewer than ten
        accounts, and those of ``share_change`` where the value of a resample is not above 0.
    customers : pandas.DataFrame
        One row per account at risk, largest first: ``customer_id, margin_year, yearly_loss, value_ahead`` and ``value_change`` of
        the five points.
    value : float
        Value ahead of all accounts at risk: discounted margin within the horizon.
    value_low, value_high : float or None
        Its interval; None with fewer than ten accounts.
    margin : float
        Margin of the last year of the accounts at risk.
    loss_rate : float
        Yearly loss, mean over accounts.
    share_cut : float
        Share of the accounts whose yearly loss is below five points, and so falls to 0 at most.
    n_customers : int
        Accounts at risk.
    horizon_days : int
        Days of the forecast.
    horizon_years, discount_rate, margin_share : float
        Of the value; ``margin_share`` is used only where there is no margin.
    level : float
        Of the intervals.
    n_resamples, seed : int
        Bootstrap samples of accounts, and the seed of their draws.
    """

    main: ClassVar[str] = "effects"

    effects: pd.DataFrame
    customers: pd.DataFrame
    value: float
    value_low: float | None
    value_high: float | None
    margin: float
    loss_rate: float
    share_cut: float
    n_customers: int
    horizon_days: int
    horizon_years: float
    discount_rate: float
    margin_share: float
    level: float
    n_resamples: int
    seed: int

    def _of(self, term: str) -> pd.Series:
        return self.effects[self.effects["term"] == term].iloc[0]

    def _interval(self, low: float | None, high: float | None, *, share: bool = False) -> str:
        say = self.context.wording
        if low is None or high is None or not (np.isfinite(low) and np.isfinite(high)):
            return say.sentence(
                "no interval: fewer than {n} accounts at risk, or too little value", n=say.count(MIN_CUSTOMERS)
            )
        form = say.share if share else partial(show_money, say)
        return say.interval(form(low), form(high), self.level)

    def _sentence(self) -> str:
        say = self.context.wording
        five, relative = self._of(FIVE_POINTS), self._of(FIVE_PERCENT)
        first = say.sentence(
            "If {after} instead of {before} of the accounts were lost in a year, today's accounts would be worth {value} more "
            "over {years} years ({interval}), {share} of what they are worth now.",
            after=say.share(five["loss_after"]),
            before=say.share(self.loss_rate),
            value=show_money(say, five["value_change"]),
            years=say.number(self.horizon_years, 0 if self.horizon_years == round(self.horizon_years) else 1),
            interval=self._interval(five["ci_low"], five["ci_high"]),
            share=say.share(five["share_change"]),
        )
        second = say.sentence(
            "A loss rate lower by 5% of itself, {after}, is worth {profit} a year ({interval}).",
            after=say.share(relative["loss_after"]),
            profit=show_money(say, relative["profit_year"]),
            interval=self._interval(relative["profit_low"], relative["profit_high"]),
        )
        return f"{first} {second}"

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        one, five, relative = (self._of(term) for term in (ONE_POINT, FIVE_POINTS, FIVE_PERCENT))
        return (
            KeyFigure(
                value=show_money(say, one["value_change"]),
                label=say.sentence("net present value of losing 1 point less a year"),
                note=self._interval(one["ci_low"], one["ci_high"]),
            ),
            KeyFigure(
                value=show_money(say, five["value_change"]),
                label=say.sentence("net present value of losing 5 points less a year"),
                note=self._interval(five["ci_low"], five["ci_high"]),
            ),
            KeyFigure(
                value=say.share(five["share_change"]),
                label=say.sentence("that is of the value now; 25% to 85% in Reichheld & Sasser (1990)"),
                note=self._interval(five["share_low"], five["share_high"], share=True),
            ),
            KeyFigure(
                value=show_money(say, relative["profit_year"]),
                label=say.sentence("a year for a loss rate 5% lower than now"),
                note=self._interval(relative["profit_low"], relative["profit_high"]),
            ),
            KeyFigure(
                value=say.share(self.loss_rate),
                label=say.sentence("of the accounts are lost in a year, as forecast"),
                note=say.sentence(
                    "mean of the forecasts of {n} accounts, carried on for a year", n=say.count(self.n_customers)
                ),
            ),
        )


def value_of_retention(
    customers: pd.DataFrame,
    *,
    horizon_days: int,
    k: int,
    discount_rate: float,
    freq: str = "month",
    horizon_years: float = HORIZON_YEARS,
    margin_share: float = MARGIN_SHARE,
    level: float = 0.95,
    n_resamples: int = 1000,
    seed: int = 1,
    context: Context | None = None,
) -> RetentionValueResult:
    """Value a lower yearly loss rate on the user's own accounts, as Reichheld & Sasser did.

    An account with margin m a year and yearly loss q is worth V(q) = m ∫₀ᴴ e^{−(λ+δ)t} dt, λ = −ln(1 − q), δ = ln(1 + discount
    rate), H = ``horizon_years``; q comes from the forecast as in :func:`~kam.churn.remaining_value.remaining_value`. The sum over
    the accounts at risk is compared with that of q − 0.01, q − 0.05 (never below 0) and 0.95 q. The yearly profit is the even
    one with the same present value over the horizon.

    Intervals resample accounts: they cover which accounts make up the portfolio, not errors of the forecast, which the track
    record shows, nor a wrong horizon or discount rate.

    Assumes (1) that margins and loss rates stay as they are; (2) that every account's loss falls by as many points, or by the
    same share; (3) that keeping them costs nothing: what it may cost is what comes out; (4) today's accounts only, no new ones.

    Parameters
    ----------
    customers : pandas.DataFrame
        A forecast, one row per customer: ``customer_id, origin, at_risk, p_churn``, ``margin_year`` or ``revenue_year``.
    horizon_days : int
        Days of the forecast.
    k, freq : int, str
        Silent periods, ``month``, ``quarter`` or ``year``, that mean lost, as in the forecast.
    discount_rate : float
        A year.
    horizon_years, margin_share : float
        See :func:`~kam.churn.remaining_value.remaining_value`.
    level : float
        Of the intervals.
    n_resamples : int
        At least 100.
    seed : int
        Of the draws.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    RetentionValueResult

    Raises
    ------
    MissingColumnError, ColumnTypeError, DataError, EmptyDataError
        As :func:`~kam.churn.remaining_value.remaining_value`.
    UndefinedMeasureError
        The accounts at risk together are worth nothing.
    ParameterError
        A parameter is out of range.

    References
    ----------
    Reichheld, F. F. and Sasser, W. E. (1990). Zero defections: quality comes to services. Harvard Business Review 68(5).

    Examples
    --------
    A yearly loss of 20 % without discount: 100 × ∫ 0.8ᵗ dt over five years is 301.29; of 15 %, 342.30.

    >>> forecast = pd.DataFrame({"customer_id": ["007"], "origin": pd.Timestamp("2024-01-01"), "at_risk": True,
    ...     "p_churn": 1 - 0.8 ** (182.3125 / 365.25), "margin_year": 100.0})
    >>> found = value_of_retention(forecast, horizon_days=91, k=3, discount_rate=0, horizon_years=5)
    >>> round(found.value, 2), found.effects["value_change"].round(2).tolist()[1]
    (301.29, 41.0)
    """
    context = context or Context()
    terms = ValueTerms(
        horizon_days=horizon_days,
        k=k,
        freq=freq,
        discount_rate=discount_rate,
        horizon_years=horizon_years,
        margin_share=margin_share,
    )
    check_number("level", level, 0.5, 0.999, hint="Give a level such as 0.95.")
    check_whole("n_resamples", n_resamples, at_least=100)
    check_whole("seed", seed, at_least=0)
    forecast = read_forecast(customers)
    accounts = value_accounts(forecast, terms)
    margin, loss = (accounts[name].to_numpy(dtype=float) for name in ("margin_year", "yearly_loss"))
    now = margin * terms.annuity(loss)
    if not now.sum() > 0:
        raise UndefinedMeasureError(
            "The accounts at risk together earn nothing: there is no value of which a share could be taken.",
            hint="Check cost and amounts of the last year.",
        )
    losses = {term: np.maximum(loss - points, 0) for term, points in _POINTS.items()} | {FIVE_PERCENT: 0.95 * loss}
    changes = {term: margin * terms.annuity(lower) - now for term, lower in losses.items()}
    per_year = float(terms.annuity(0.0))
    draws = (
        _resample(np.column_stack([now, *changes.values()]), n_resamples, seed) if len(now) >= MIN_CUSTOMERS else None
    )
    rows = []
    for place, (term, lower) in enumerate(losses.items(), start=1):
        change = float(changes[term].sum())
        low, high = (np.nan, np.nan) if draws is None else percentile_interval(draws[:, place], level)
        share_low, share_high = np.nan, np.nan
        if draws is not None and (draws[:, 0] > 0).all():
            share_low, share_high = percentile_interval(draws[:, place] / draws[:, 0], level)
        rows.append(
            {
                "term": term,
                "loss_before": float(loss.mean()),
                "loss_after": float(lower.mean()),
                "n_kept": float((loss - lower).sum()),
                "value_change": change,
                "ci_low": low,
                "ci_high": high,
                "profit_year": change / per_year,
                "profit_low": low / per_year,
                "profit_high": high / per_year,
                "share_change": change / float(now.sum()),
                "share_low": share_low,
                "share_high": share_high,
            }
        )
    ends = (None, None) if draws is None else percentile_interval(draws[:, 0], level)
    by_account = accounts[["customer_id", "margin_year", "yearly_loss"]].assign(
        value_ahead=now, value_change=changes[FIVE_POINTS]
    )
    result = RetentionValueResult(
        context=context,
        effects=pd.DataFrame(rows),
        customers=by_account.sort_values(["value_ahead", "customer_id"], ascending=[False, True], ignore_index=True),
        value=float(now.sum()),
        value_low=ends[0],
        value_high=ends[1],
        margin=float(margin.sum()),
        loss_rate=float(loss.mean()),
        share_cut=float((loss < _POINTS[FIVE_POINTS]).mean()),
        n_customers=len(accounts),
        horizon_days=int(horizon_days),
        horizon_years=float(horizon_years),
        discount_rate=float(discount_rate),
        margin_share=float(margin_share),
        level=float(level),
        n_resamples=int(n_resamples),
        seed=int(seed),
    )
    return replace(
        result,
        checks=_checks(result, int((~forecast["at_risk"]).sum())),
        assumed=(
            *assumed_of_terms(context.wording, terms, list(forecast.columns)),
            Assumed(
                what=context.wording.sentence("cost of keeping accounts"),
                value=context.wording.money(0),
                would_change=context.wording.sentence("the figures are what keeping them may cost at most"),
            ),
        ),
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _resample(values: Floats, n_resamples: int, seed: int) -> Floats:
    """Sums of the columns over resampled accounts, shape (n_resamples, columns)."""
    return np.concatenate(
        [weights.astype(np.float64) @ values for weights in bootstrap_weights(len(values), n_resamples, seed)]
    )


def _checks(result: RetentionValueResult, n_lapsed: int) -> tuple[Check, ...]:
    say = result.context.wording
    top = result.customers["value_ahead"].to_numpy()
    largest = float(top.max() / result.value)
    five = result._of(FIVE_POINTS)
    return (
        Check(
            assumption=say.sentence("every account can lose five points less"),
            finding=say.sentence(
                "{share} of the accounts are lost less often than that, and fall to 0: on average the loss falls by {points} "
                "points",
                share=say.share(result.share_cut),
                points=say.number(100 * (five["loss_before"] - five["loss_after"]), 1),
            ),
            verdict="handled" if result.share_cut else "holds",
            statistic=result.share_cut,
        ),
        Check(
            assumption=say.sentence("no single account decides the value"),
            finding=say.sentence(
                "{account} is worth {share} of all",
                account=str(result.customers["customer_id"][0]),
                share=say.share(largest),
            ),
            verdict="holds" if largest <= 0.2 else "does not hold",
            statistic=largest,
        ),
        Check(
            assumption=say.sentence("the loss of {days} days goes on all year", days=say.count(result.horizon_days)),
            finding=say.sentence("one forecast cannot say; the season may make it too high or too low"),
            verdict="not testable",
        ),
        Check(
            assumption=say.sentence("only accounts that can still be lost count"),
            finding=say.plural("one is lost already and left out", "{n} are lost already and left out", n_lapsed),
            verdict="handled" if n_lapsed else "holds",
        ),
    )
