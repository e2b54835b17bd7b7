"""Whom to call: accounts at risk, by the money that a call is expected to save, with a hold-out that shows whether it does."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.call_checks import assumed_of_calls, check_calls
from kam.churn.reasons import say_reasons
from kam.churn.remaining_value import (
    HORIZON_YEARS,
    MARGIN_SHARE,
    ValueTerms,
    check_number,
    origin_of,
    read_forecast,
    shift_together,
    show_money,
    spread_of_log_odds,
    value_accounts,
)
from kam.errors import ParameterError
from kam.results import Context, KeyFigure, Result
from kam.stats.resampling import check_whole, chunk_sizes, percentile_interval
from kam.wording import N_

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

CALL, HOLD_OUT, WAITS, NO_GAIN, EXCLUDED = N_("call"), N_("hold-out"), N_("waits"), N_("no gain"), N_("excluded")
"""Parts of the portfolio: to be called; drawn to be left alone; beyond the capacity; a call costs more than it is expected to
save; taken out by the user."""
MIN_SELECTED = 5
"""Of fewer accounts that can be held out nobody is."""
_FACTORS = (0.5, 1.0, 2.0)
_FACTS = ("days_since_last_order", "mean_gap_days", "n_deliveries", "share_late")


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class CallListResult(Result):
    """Result of :func:`build_call_list`.

    Attributes
    ----------
    calls : pandas.DataFrame
        Who was selected, largest expected gain first: ``rank`` (on this list, without gaps), ``customer_id`` (and ``name``, if
        the forecast has it), ``list_part`` (``call`` or ``hold-out``: do not call), ``called_before`` (named so: never held out,
        and no match for those who are), ``p_churn, days_since_last_order`` (if there), ``margin_year, value_if_stays,
        expected_loss, expected_gain``, ``break_even_rate`` (saving rate at which the call pays) and ``reason``.
    accounts : pandas.DataFrame
        Every account at risk, by expected gain: ``rank`` (among all of them), ``customer_id, list_part, p_churn, yearly_loss,
        margin_year, value_if_stays, expected_loss, expected_gain``. ``list_part`` is also ``waits`` (beyond the capacity), ``no
        gain`` or ``excluded``.
    sensitivity : pandas.DataFrame
        The list made again with half and twice the saving rate and cost: ``saving_rate, visit_cost, n_calls, expected_gain`` (of
        all calls).
    gain, gain_low, gain_high : float
        Money that the calls together are expected to bring, cost deducted, and the interval in which it will lie, given the
        assumptions: see ``covers``. 0 without calls.
    covers : str
        What the interval covers: ``chance`` (who leaves and who is saved) or ``chance and probabilities`` (the forecast had
        intervals).
    loss_at_risk : float
        Expected loss summed over all accounts at risk whose value is above 0.
    break_even : float or None
        Saving rate at which the calls together cost as much as they save; without calls, at which the first would. None:
        no saving rate makes a call pay.
    n_at_risk, n_lapsed, n_worth : int
        Accounts at risk; lost already, which are for the win-back list; at risk, not excluded, and with a gain above 0.
    n_calls, n_held_out, n_excluded : int
        Accounts to call, held out, and at risk but excluded by the user.
    n_called_before : int
        Of those to call, accounts named as called before.
    unknown : tuple of str
        Excluded accounts that the forecast does not have.
    capacity : int
        Calls at most.
    saving_rate, cost_of_visit, holdout_share : float
        As assumed.
    discount_rate, horizon_years, margin_share : float
        Of the value ahead; ``margin_share`` is used only where there is no margin.
    horizon_days : int
        Days of the forecast.
    origin : datetime.date
        Day from which the forecast looks ahead.
    level : float
        Of the interval.
    n_draws, seed : int
        Draws of the interval, and the seed of them and of the hold-out.
    """

    main: ClassVar[str] = "calls"

    calls: pd.DataFrame
    accounts: pd.DataFrame
    sensitivity: pd.DataFrame
    gain: float
    gain_low: float
    gain_high: float
    covers: str
    loss_at_risk: float
    break_even: float | None
    n_at_risk: int
    n_lapsed: int
    n_worth: int
    n_calls: int
    n_held_out: int
    n_excluded: int
    n_called_before: int
    unknown: tuple[str, ...]
    capacity: int
    saving_rate: float
    cost_of_visit: float
    holdout_share: float
    discount_rate: float
    horizon_years: float
    margin_share: float
    horizon_days: int
    origin: date
    level: float
    n_draws: int
    seed: int

    def _interval(self) -> str:
        say = self.context.wording
        return say.interval(show_money(say, self.gain_low), show_money(say, self.gain_high), self.level)

    def _sentence(self) -> str:
        say = self.context.wording
        if not self.n_calls:
            return say.plural(
                "No call pays: of one account at risk, none is expected to save the {cost} that a visit costs, if {rate} of "
                "those lost or leaving are saved.",
                "No call pays: of {n} accounts at risk, none is expected to save the {cost} that a visit costs, if {rate} of "
                "those lost or leaving are saved.",
                self.n_at_risk,
                cost=say.money(self.cost_of_visit),
                rate=say.share(self.saving_rate),
            )
        first = say.plural(
            "Call one account: that is expected to bring {gain} ({interval}), if a call saves {rate} of those lost or leaving "
            "and costs {cost}.",
            "Call {n} accounts: together that is expected to bring {gain} ({interval}), if a call saves {rate} of those lost or "
            "leaving and costs {cost}.",
            self.n_calls,
            gain=show_money(say, self.gain),
            interval=self._interval(),
            rate=say.share(self.saving_rate),
            cost=say.money(self.cost_of_visit),
        )
        if not self.n_held_out:
            return first
        second = say.plural(
            "Leave one more alone, drawn at random, so that a later report can say what the calls saved.",
            "Leave {n} more alone, drawn at random, so that a later report can say what the calls saved.",
            self.n_held_out,
        )
        return say.join([first, second])

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        return (
            KeyFigure(
                value=show_money(say, self.gain),
                label=say.sentence("expected from the calls, cost deducted"),
                note=self._interval() if self.n_calls else say.sentence("no calls, so nothing to be unsure of"),
            ),
            KeyFigure(
                value=say.count(self.n_calls),
                label=say.sentence("accounts to call, of {n} at risk", n=say.count(self.n_at_risk)),
                note=say.sentence(
                    "room for {capacity}; a call would pay for {n}",
                    capacity=say.count(self.capacity),
                    n=say.count(self.n_worth),
                ),
            ),
            KeyFigure(
                value=show_money(say, self.loss_at_risk),
                label=say.sentence("expected loss of all accounts at risk"),
                note=say.sentence(
                    "a sum of forecasts: how close they came before, the checks of the churn forecast say"
                ),
            ),
            KeyFigure(
                value="–" if self.break_even is None else say.share(self.break_even),
                label=say.sentence("saving rate at which the calls pay"),
                note=say.sentence("{rate} is assumed, not estimated", rate=say.share(self.saving_rate)),
            ),
        )


def build_call_list(
    customers: pd.DataFrame,
    *,
    horizon_days: int,
    k: int,
    saving_rate: float,
    cost_of_visit: float,
    discount_rate: float,
    freq: str = "month",
    capacity: int = 20,
    holdout_share: float = 0.1,
    horizon_years: float = HORIZON_YEARS,
    margin_share: float = MARGIN_SHARE,
    contributions: pd.DataFrame | None = None,
    exclude: Collection[str] = (),
    called_before: Collection[str] = (),
    level: float = 0.95,
    n_draws: int = 2000,
    seed: int = 1,
    context: Context | None = None,
) -> CallListResult:
    """List the accounts at risk whom a call is expected to pay for, with a random hold-out.

    Expected loss = p_churn × E[discounted margin over the remaining life | stays], see
    :func:`~kam.churn.remaining_value.remaining_value`; expected gain = expected loss × saving rate − cost of a visit. The list
    takes accounts with a gain above 0, the largest first. Accounts that are lost already never stand on it.

    *Hold-out.* For C calls, h = max(1, round(C × s / (1 − s))) more accounts are selected, with s the share held out; of all
    C + h, h are drawn at random and left alone, so that C calls remain. Where fewer are worth a call, max(1, round(s × selected))
    of those are drawn; from fewer than five selected nobody is. What hold-outs of small lists cannot show one by one, the track
    record pools over lists; an account that is held out must stay so until the horizon is over: ``exclude`` it from new lists.
    An account that another list said to call cannot show what comes of no call: if it is named in ``called_before``, it may be
    called again but is never drawn. Then the share s of the others on the list is held out (nobody of fewer than five), and at
    most C accounts are called.

    *Interval.* Each draw lets every called account leave or stay, and be saved or not, independently, and takes the cost; if
    the forecast has ``p_churn_low`` and ``p_churn_high`` (of the same level), it moves all probabilities together by a normal
    draw on the scale of log-odds, as if all were too high or too low at once, which is the widest they can make it. The ends are
    moved, if need be, to hold the expectation. It covers chance (and, with the ends, the unsureness of the probabilities), not a
    wrong saving rate, value or cost.

    Assumes (1) that the saving rate is the same for all accounts; (2) that an account that is neither lost nor leaving
    brings no more for being called; (3) that accounts leave independently of one another; (4) what the value ahead assumes.

    Parameters
    ----------
    customers : pandas.DataFrame
        A forecast, one row per customer: ``customer_id, origin, at_risk, p_churn``, ``margin_year`` or ``revenue_year``; if
        there, ``p_churn_low, p_churn_high, name`` and what a reason can name (``days_since_last_order, mean_gap_days``) are used.
    horizon_days : int
        Days of the forecast.
    k, freq : int, str
        Silent periods, ``month``, ``quarter`` or ``year``, that mean lost, as in the forecast.
    saving_rate : float
        Share of the accounts lost or leaving that a call saves, 0 to 1: assumed. Those are what ``p_churn`` counts: accounts at
        risk that will fall silent within the horizon, or whose silence has begun though it is not yet long enough to be known.
    cost_of_visit : float
        Cost of one call or visit, money: assumed.
    discount_rate : float
        A year.
    capacity : int
        Calls at most.
    holdout_share : float
        Share of the selected accounts left uncalled, 0 (none) to below 1.
    horizon_years, margin_share : float
        See :func:`~kam.churn.remaining_value.remaining_value`.
    contributions : pandas.DataFrame, optional
        ``customer_id, term, seen, contribution`` (log-odds against the portfolio mean), for the reasons.
    exclude : collection of str
        Customers that must not be selected.
    called_before : collection of str
        Customers that earlier lists said to call, such as ``TrackRecordResult.called``: never held out. Others than accounts at
        risk change nothing.
    level : float
        Of the interval.
    n_draws : int
        At least 100.
    seed : int
        Of the hold-out and the interval.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    CallListResult

    Raises
    ------
    MissingColumnError, ColumnTypeError, DataError, EmptyDataError
        As :func:`~kam.churn.remaining_value.remaining_value`; the contributions lack a column.
    ParameterError
        A parameter is out of range.

    Examples
    --------
    >>> forecast = pd.DataFrame({"customer_id": ["large", "small"], "origin": pd.Timestamp("2024-01-01"), "at_risk": True,
    ...     "p_churn": 0.5, "margin_year": [10_000.0, 10.0]})
    >>> found = build_call_list(forecast, horizon_days=91, k=3, saving_rate=0.2, cost_of_visit=100, discount_rate=0.1)
    >>> found.accounts[["customer_id", "list_part"]].to_numpy().tolist()
    [['large', 'call'], ['small', 'no gain']]
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
    check_number("saving_rate", saving_rate, 0, 1, hint="Give a share, such as 0.2.")
    check_number("cost_of_visit", cost_of_visit, 0, np.inf, hint="Give money, 0 or more.")
    check_number("holdout_share", holdout_share, 0, 0.9, hint="Give a share, such as 0.1; 0: no hold-out.")
    check_number("level", level, 0.5, 0.999, hint="Give a level such as 0.95.")
    check_whole("capacity", capacity, at_least=1)
    check_whole("n_draws", n_draws, at_least=100)
    check_whole("seed", seed, at_least=0)
    for name, given in (("exclude", exclude), ("called_before", called_before)):
        if isinstance(given, str):
            raise ParameterError(f"{name} is the text {given!r}.", hint="Give a list of identifiers.")
    forecast = read_forecast(customers)
    here = forecast[forecast["at_risk"]].reset_index(drop=True)
    accounts = value_accounts(forecast, terms)
    accounts["expected_loss"] = accounts["p_churn"] * accounts["value_if_stays"]
    order = np.lexsort((accounts["customer_id"], -accounts["expected_loss"].to_numpy()))
    accounts, here = accounts.iloc[order].reset_index(drop=True), here.iloc[order].reset_index(drop=True)
    loss = accounts["expected_loss"].to_numpy()
    is_out = accounts["customer_id"].isin(set(exclude)).to_numpy()
    accounts["called_before"] = accounts["customer_id"].isin(set(called_before))
    was_called = accounts["called_before"].to_numpy()

    part = _assign(loss * saving_rate - cost_of_visit, is_out, was_called, capacity, holdout_share, seed)
    accounts["expected_gain"] = loss * saving_rate - cost_of_visit
    accounts["list_part"] = part
    accounts["rank"] = np.arange(1, len(accounts) + 1)
    called = part == CALL
    low, high, covers = _interval_of_gain(here, accounts, called, saving_rate, cost_of_visit, level, n_draws, seed)
    n_calls = int(called.sum())
    reasons = _reasons(context, contributions, here, accounts, horizon_days)
    result = CallListResult(
        context=context,
        calls=_selected(accounts, here, cost_of_visit, reasons),
        accounts=accounts[
            ["rank", "customer_id", "list_part", "p_churn", "yearly_loss", "margin_year", "value_if_stays", "expected_loss",
             "expected_gain"]
        ],
        sensitivity=_sensitivity(loss, is_out, was_called, saving_rate, cost_of_visit, capacity, holdout_share, seed),
        gain=float(accounts["expected_gain"].to_numpy()[called].sum()),
        gain_low=low,
        gain_high=high,
        covers=covers,
        loss_at_risk=float(loss.clip(min=0).sum()),
        break_even=_break_even(loss, called, is_out, cost_of_visit),
        n_at_risk=len(accounts),
        n_lapsed=int((~forecast["at_risk"]).sum()),
        n_worth=int(np.isin(part, (CALL, HOLD_OUT, WAITS)).sum()),
        n_calls=n_calls,
        n_held_out=int((part == HOLD_OUT).sum()),
        n_excluded=int((part == EXCLUDED).sum()),
        n_called_before=int((called & was_called).sum()),
        unknown=tuple(sorted(str(one) for one in set(exclude) - set(forecast["customer_id"]))),
        capacity=int(capacity),
        saving_rate=float(saving_rate),
        cost_of_visit=float(cost_of_visit),
        holdout_share=float(holdout_share),
        discount_rate=float(discount_rate),
        horizon_years=float(horizon_years),
        margin_share=float(margin_share),
        horizon_days=int(horizon_days),
        origin=origin_of(forecast),
        level=float(level),
        n_draws=int(n_draws),
        seed=int(seed),
    )  # fmt: skip
    return replace(
        result,
        checks=check_calls(result, has_reasons=contributions is not None),
        assumed=assumed_of_calls(result, terms, list(forecast.columns)),
    )


# -- inside ----------------------------------------------------------------------------------------------------------


def _assign(
    gain: Floats, is_out: Flags, was_called: Flags, capacity: int, share: float, seed: int
) -> npt.NDArray[np.object_]:
    """The part of each account; accounts come largest gain first."""
    part = np.where(is_out, EXCLUDED, np.where(gain > 0, WAITS, NO_GAIN)).astype(object)
    candidates = np.flatnonzero(part == WAITS)
    n_out = max(1, round(capacity * share / (1 - share))) if share else 0
    first = candidates[: capacity + n_out]
    if len(first) < capacity + n_out:
        n_out = max(1, round(share * len(first)), len(first) - capacity) if share else 0
    n_free = np.cumsum(~was_called[first])
    if was_called[first].any():  # held out: the same share of those who can be, for each length of the list
        outs = np.minimum(np.maximum(np.round(share * n_free).astype(int), 1), n_out)
    else:
        outs = np.full(len(first), n_out)
    outs[n_free < MIN_SELECTED] = 0
    fits = np.flatnonzero(np.arange(1, len(first) + 1) - outs <= capacity)
    selected, n_out = (first[: fits[-1] + 1], int(outs[fits[-1]])) if len(fits) else (first, 0)
    free = selected[~was_called[selected]]
    part[selected] = CALL
    part[np.random.default_rng(seed).choice(free, n_out, replace=False) if n_out else []] = HOLD_OUT
    return part


def _interval_of_gain(
    here: pd.DataFrame,
    accounts: pd.DataFrame,
    called: Flags,
    rate: float,
    cost: float,
    level: float,
    n_draws: int,
    seed: int,
) -> tuple[float, float, str]:
    """Interval of what the calls will bring, and what it covers."""
    spread = spread_of_log_odds(here[called], level)
    covers = "chance" if spread is None else "chance and probabilities"
    if not called.any():
        return 0.0, 0.0, covers
    p, value = (accounts.loc[called, name].to_numpy(dtype=float) for name in ("p_churn", "value_if_stays"))
    rng, draws = np.random.default_rng([seed, 1]), []
    for rows in chunk_sizes(n_draws, len(p)):
        common = rng.standard_normal(rows)
        drawn = p[None, :] if spread is None else shift_together(p, spread, common)
        saved = rng.random((rows, len(p))) < drawn * rate
        draws.append(saved @ value - cost * len(p))
    low, high = percentile_interval(np.concatenate(draws), level)
    mean = float(p @ value * rate - cost * len(p))
    return min(low, mean), max(high, mean), covers


def _reasons(
    context: Context, contributions: pd.DataFrame | None, here: pd.DataFrame, accounts: pd.DataFrame, horizon_days: int
) -> dict[str, str]:
    """Reasons of the selected; without contributions, how long the last order is ago, if that is known."""
    say = context.wording
    selected = accounts.loc[accounts["list_part"].isin((CALL, HOLD_OUT)), "customer_id"].tolist()
    facts = here[["customer_id", *(name for name in _FACTS if name in here.columns)]]
    if contributions is None:
        terms = [name for name in ("days_since_last_order",) if name in here.columns]
        contributions = facts.melt("customer_id", terms, "term", "seen").assign(contribution=1.0)
    said = say_reasons(contributions, selected, horizon_days=horizon_days, say=say, facts=facts)
    return {
        name: text or say.sentence("nothing stands out: large rather than in danger") for name, text in said.items()
    }


def _selected(accounts: pd.DataFrame, here: pd.DataFrame, cost: float, reasons: dict[str, str]) -> pd.DataFrame:
    which = accounts["list_part"].isin((CALL, HOLD_OUT)).to_numpy()
    beside = [name for name in ("name", "days_since_last_order") if name in here.columns]
    frame = pd.concat([accounts, here[beside]], axis=1)[which].reset_index(drop=True)
    frame["rank"] = np.arange(1, len(frame) + 1)
    frame["break_even_rate"] = cost / frame["expected_loss"]
    frame["reason"] = frame["customer_id"].map(reasons).astype("str")
    head = ["rank", "customer_id", *(["name"] if "name" in beside else []), "list_part", "called_before", "p_churn"]
    days = ["days_since_last_order"] if "days_since_last_order" in beside else []
    tail = ["margin_year", "value_if_stays", "expected_loss", "expected_gain", "break_even_rate", "reason"]
    return frame[[*head, *days, *tail]]


def _sensitivity(
    loss: Floats, is_out: Flags, was_called: Flags, rate: float, cost: float, capacity: int, share: float, seed: int
) -> pd.DataFrame:
    rows = []
    for one_rate in dict.fromkeys(min(rate * f, 1.0) for f in _FACTORS):
        for one_cost in dict.fromkeys(cost * f for f in _FACTORS):
            gain = loss * one_rate - one_cost
            called = _assign(gain, is_out, was_called, capacity, share, seed) == CALL
            rows.append((one_rate, one_cost, int(called.sum()), float(gain[called].sum())))
    return pd.DataFrame(rows, columns=["saving_rate", "visit_cost", "n_calls", "expected_gain"])


def _break_even(loss: Floats, called: Flags, is_out: Flags, cost: float) -> float | None:
    if called.any():
        return float(cost * called.sum() / loss[called].sum())
    most = float(loss[~is_out].max(initial=0))
    return cost / most if 0 < most >= cost else None
