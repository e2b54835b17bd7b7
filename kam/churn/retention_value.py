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
    shift_together,
    show_money,
    spread_of_log_odds,
    value_accounts,
)
from kam.errors import UndefinedMeasureError
from kam.results import Assumed, Check, Context, KeyFigure, Result
from kam.stats.resampling import bootstrap_weights, check_whole, percentile_interval
from kam.wording import N_

Floats = npt.NDArray[np.float64]

ONE_POINT, FIVE_POINTS, FIVE_PERCENT = "1 point", "5 points", "5 % relative"
_POINTS = {ONE_POINT: 0.01, FIVE_POINTS: 0.05}
MIN_CUSTOMERS = 10
"""With fewer accounts at risk no interval is given."""
ACCOUNTS, ACCOUNTS_AND_LOSS = N_("accounts"), N_("accounts and loss rate")
"""What the intervals cover."""
MAX_RETURN_SHARE = 0.10
"""If more of the lost come back, being lost is not the end that the value takes it for; as in the definition of churn."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class RetentionValueResult(Result):
    """Result of :func:`value_of_retention`.

    Attributes
    ----------
    effects : pandas.DataFrame
        One row per change of the yearly loss rate, ``term``: ``1 point``, ``5 points``, ``5 % relative``. ``loss_before,
        loss_after`` (yearly), ``n_kept`` (accounts kept in a year, of those still there), ``value_change`` with ``ci_low,
        ci_high`` (net present value within the horizon), ``profit_year`` with ``profit_low, profit_high`` (the same as an
        even yearly profit) and ``share_change`` with ``share_low, share_high`` (over the value now). Ends are missing
        with fewer than ten accounts, and those of ``share_change`` where the value of a resample is not above 0.
    customers : pandas.DataFrame
        One row per account at risk, largest first: ``customer_id, margin_year, p_churn, value_ahead`` and ``value_change`` of
        the five points.
    value : float
        Value ahead of all accounts at risk, each times the probability that it is still there: discounted margin within the
        horizon.
    value_low, value_high : float or None
        Its interval; None with fewer than ten accounts.
    margin : float
        Margin of the last year of the accounts at risk.
    loss_rate : float
        Yearly loss of the accounts at risk.
    loss_rate_low, loss_rate_high : float or None
        Its interval; None with fewer than ten accounts.
    covers : str
        What the intervals cover: ``accounts`` (which accounts make up the portfolio) or ``accounts and loss rate`` (the forecast
        had intervals of ``p_churn``).
    return_share : float or None
        Share of the lost that come back; None if not given.
    n_customers, n_there : int, float
        Accounts at risk, and how many of them are expected to be still there.
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
    loss_rate_low: float | None
    loss_rate_high: float | None
    covers: str
    return_share: float | None
    n_customers: int
    n_there: float
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
        return say.join((first, second, *self._reservations()))

    def _reservations(self) -> tuple[str, ...]:
        say, said = self.context.wording, []
        if self.return_share is not None and self.return_share > MAX_RETURN_SHARE:
            said.append(
                say.sentence(
                    "These values are too high: {share} of those counted as lost come back.",
                    share=say.share(self.return_share),
                )
            )
        if self.value_low is not None and self.covers == ACCOUNTS:
            said.append(say.sentence("The intervals do not cover how well the loss rate is known."))
        return tuple(said)

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
                note=say.sentence(
                    "{interval}; more years ahead make it larger",
                    interval=self._interval(five["share_low"], five["share_high"], share=True),
                ),
            ),
            KeyFigure(
                value=show_money(say, relative["profit_year"]),
                label=say.sentence("a year for a loss rate 5% lower than now"),
                note=self._interval(relative["profit_low"], relative["profit_high"]),
            ),
            KeyFigure(
                value=say.share(self.loss_rate),
                label=say.sentence("of the accounts are lost in a year, as forecast"),
                note=self._interval(self.loss_rate_low, self.loss_rate_high, share=True),
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
    return_share: float | None = None,
    level: float = 0.95,
    n_resamples: int = 1000,
    seed: int = 1,
    context: Context | None = None,
) -> RetentionValueResult:
    """Value a lower yearly loss rate on the user's own accounts, as Reichheld & Sasser did.

    An account is worth (1 − p_churn) × its value if it stays, see :func:`~kam.churn.remaining_value.remaining_value`: with
    p_churn it is gone or going already, else it is there through the forecast and lost after that at the yearly loss q of all
    accounts at risk. The sum over the accounts at risk is compared with that of q − 0.01, q − 0.05 (never below 0) and 0.95 q
    from the end of the forecast on, with the same p_churn. The yearly profit is the even one with the same present value over
    the horizon.

    Intervals resample accounts; if the forecast has ``p_churn_low`` and ``p_churn_high`` (of the same level), each resample also
    moves all p_churn together by a normal draw on the scale of log-odds, as if all were too high or too low at once, and q with
    them. They cover which accounts make up the portfolio and, with these columns, how well the loss rate is known; not a wrong
    horizon or discount rate. The share of the value that points of the loss rate bring hardly depends on that rate, so that its
    interval is narrow; it depends on the horizon.

    Assumes (1) that margins and the loss rate stay as they are, the same for all accounts still there; (2) that the loss of every
    account falls by as many points, or by the same share; (3) that keeping them costs nothing: what it may cost is what comes
    out; (4) that a lost account brings nothing more; (5) today's accounts only, no new ones.

    Parameters
    ----------
    customers : pandas.DataFrame
        A forecast, one row per customer: ``customer_id, origin, at_risk, p_churn``, ``margin_year`` or ``revenue_year``; if
        there, ``p_churn_low, p_churn_high``.
    horizon_days : int
        Days of the forecast.
    k, freq : int, str
        Silent periods, ``month``, ``quarter`` or ``year``, that mean lost, as in the forecast.
    discount_rate : float
        A year.
    horizon_years, margin_share : float
        See :func:`~kam.churn.remaining_value.remaining_value`.
    return_share : float, optional
        Share of the lost that come back, 0 to 1: ``return_share`` of :func:`~kam.churn.definition.churn_definition`. Above 0.10
        the checks and the answer say that the values are too high.
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
        As :func:`~kam.churn.remaining_value.remaining_value`; an interval of ``p_churn`` does not hold its estimate.
    UndefinedMeasureError
        The accounts at risk together are worth nothing.
    ParameterError
        A parameter is out of range.

    References
    ----------
    Reichheld, F. F. and Sasser, W. E. (1990). Zero defections: quality comes to services. Harvard Business Review 68(5).

    Examples
    --------
    A yearly loss of 20 % without discount: 100 × ∫ 0.8ᵗ dt over five years is 301.29; of 15 %, 342.30. Five years and the 91 days
    of the forecast, 24.91 more, count 1 − p_churn = 0.8946 times.

    >>> forecast = pd.DataFrame({"customer_id": ["007"], "origin": pd.Timestamp("2024-01-01"), "at_risk": True,
    ...     "p_churn": 1 - 0.8 ** (182.3125 / 365.25), "margin_year": 100.0})
    >>> found = value_of_retention(forecast, horizon_days=91, k=3, discount_rate=0,
    ...     horizon_years=5 + 91 / 365.25)
    >>> round(found.value, 2), found.effects["value_change"].round(2).tolist()[1]
    (291.83, 36.68)
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
    if return_share is not None:
        check_number("return_share", return_share, 0, 1, hint="Give a share, such as 0.05, or None.")
    forecast = read_forecast(customers)
    accounts = value_accounts(forecast, terms)
    margin, p = (accounts[name].to_numpy(dtype=float) for name in ("margin_year", "p_churn"))
    spread = spread_of_log_odds(forecast[forecast["at_risk"]], level)
    loss = float(accounts["yearly_loss"].iloc[0])
    now = (1 - p) * accounts["value_if_stays"].to_numpy()
    if not now.sum() > 0:
        raise UndefinedMeasureError(
            "The accounts at risk together earn nothing: there is no value of which a share could be taken.",
            hint="Check cost and amounts of the last year.",
        )
    enough = len(p) >= MIN_CUSTOMERS
    drawn_loss, drawn_value, drawn_changes = _resample(p, spread, margin, terms, n_resamples, seed) if enough else _NONE
    there, per_year, rows = float((1 - p).sum()), float(terms.annuity(0.0)), []
    changes = _changes(margin * (1 - p), np.asarray(loss), terms)
    for term, lower in _lower_losses(np.asarray(loss)).items():
        change = float(changes[term].sum())
        low, high = _ends(drawn_changes.get(term), level)
        shares = drawn_changes[term] / drawn_value if enough and (drawn_value > 0).all() else None
        share_low, share_high = _ends(shares, level)
        rows.append(
            {
                "term": term,
                "loss_before": loss,
                "loss_after": float(lower),
                "n_kept": (loss - float(lower)) * there,
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
    value_low, value_high = percentile_interval(drawn_value, level) if enough else (None, None)
    loss_low, loss_high = percentile_interval(drawn_loss, level) if enough else (None, None)
    by_account = accounts[["customer_id", "margin_year", "p_churn"]].assign(
        value_ahead=now, value_change=changes[FIVE_POINTS]
    )
    result = RetentionValueResult(
        context=context,
        effects=pd.DataFrame(rows),
        customers=by_account.sort_values(["value_ahead", "customer_id"], ascending=[False, True], ignore_index=True),
        value=float(now.sum()),
        value_low=value_low,
        value_high=value_high,
        margin=float(margin.sum()),
        loss_rate=loss,
        loss_rate_low=loss_low,
        loss_rate_high=loss_high,
        covers=ACCOUNTS if spread is None else ACCOUNTS_AND_LOSS,
        return_share=None if return_share is None else float(return_share),
        n_customers=len(accounts),
        n_there=there,
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
                what=context.wording.sentence("from when on fewer accounts are lost"),
                value=context.wording.sentence("after {days} days", days=context.wording.count(int(horizon_days))),
                would_change=context.wording.sentence("at once would be worth more: the losses till then are forecast"),
            ),
            Assumed(
                what=context.wording.sentence("cost of keeping accounts"),
                value=context.wording.money(0),
                would_change=context.wording.sentence("the figures are what keeping them may cost at most"),
            ),
        ),
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _lower_losses(loss: Floats) -> dict[str, Floats]:
    return {term: np.maximum(loss - points, 0) for term, points in _POINTS.items()} | {FIVE_PERCENT: 0.95 * loss}


def _changes(there: Floats, loss: Floats, terms: ValueTerms) -> dict[str, Floats]:
    """Value gained by each lower loss, from the yearly margin still there."""
    now = terms.annuity_if_stays(loss)
    return {term: there * (terms.annuity_if_stays(lower) - now) for term, lower in _lower_losses(loss).items()}


_NONE: tuple[Floats, Floats, dict[str, Floats]] = (np.empty(0), np.empty(0), {})


def _resample(
    p: Floats, spread: Floats | None, margin: Floats, terms: ValueTerms, n_resamples: int, seed: int
) -> tuple[Floats, Floats, dict[str, Floats]]:
    """Loss rate, value and its changes over resampled accounts, all p_churn moved together if their spread is known."""
    rng, mean, there = np.random.default_rng([seed, 1]), [], []
    for weights in bootstrap_weights(len(p), n_resamples, seed):
        drawn = p if spread is None else shift_together(p, spread, rng.standard_normal(len(weights)))
        lost = weights * drawn
        mean.append(lost.sum(axis=1) / len(p))
        there.append((weights - lost) @ margin)
    loss, still = terms.yearly_loss(np.concatenate(mean)), np.concatenate(there)
    return loss, still * terms.annuity_if_stays(loss), _changes(still, loss, terms)


def _ends(draws: Floats | None, level: float) -> tuple[float, float]:
    return (np.nan, np.nan) if draws is None else percentile_interval(draws, level)


def _checks(result: RetentionValueResult, n_lapsed: int) -> tuple[Check, ...]:
    say = result.context.wording
    top = result.customers["value_ahead"].to_numpy()
    largest = float(top.max() / result.value)
    five = result._of(FIVE_POINTS)
    can_fall = result.loss_rate >= _POINTS[FIVE_POINTS]
    return (
        Check(
            assumption=say.sentence("the accounts can lose five points less"),
            finding=say.sentence("{share} are lost in a year", share=say.share(result.loss_rate))
            if can_fall
            else say.sentence(
                "only {share} are lost in a year: the loss falls to 0, by {points} points",
                share=say.share(result.loss_rate),
                points=say.number(100 * (five["loss_before"] - five["loss_after"]), 1),
            ),
            verdict="holds" if can_fall else "handled",
            statistic=result.loss_rate,
        ),
        Check(
            assumption=say.sentence("the intervals cover how well the loss rate is known"),
            finding=say.sentence(
                "all probabilities of loss are moved together within their intervals, the widest they can be wrong by chance"
            )
            if result.covers == ACCOUNTS_AND_LOSS
            else say.sentence(
                "the forecast has no intervals of its probabilities: those here cover only which accounts there are"
            ),
            verdict="handled" if result.covers == ACCOUNTS_AND_LOSS else "does not hold",
        ),
        _check_returns(result),
        Check(
            assumption=say.sentence("accounts that are gone or going already are not counted as there"),
            finding=say.sentence(
                "each account counts with its chance to be still there: {there} of {n}",
                there=say.number(result.n_there, 1),
                n=say.count(result.n_customers),
            ),
            verdict="handled",
            statistic=result.n_there / result.n_customers,
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


def _check_returns(result: RetentionValueResult) -> Check:
    """Whether a lost account stays lost."""
    say, share = result.context.wording, result.return_share
    assumption = say.sentence("who is lost stays lost")
    if share is None:
        finding = say.sentence("the share of the lost that come back was not given")
        return Check(assumption=assumption, finding=finding, verdict="not testable")
    if share > MAX_RETURN_SHARE:
        finding = say.sentence(
            "{share} of the lost come back, so that the value of keeping them is overstated", share=say.share(share)
        )
        return Check(assumption=assumption, finding=finding, verdict="does not hold", statistic=share)
    finding = say.sentence("{share} of the lost come back", share=say.share(share))
    return Check(assumption=assumption, finding=finding, verdict="holds", statistic=share)
