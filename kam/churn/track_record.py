"""How good earlier forecasts were: every run scores what runs before it said of the same dataset, once the time has come."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from kam.churn.called_accounts import compare_called
from kam.churn.earlier_runs import EarlierForecast, EarlierRuns, read_earlier_runs
from kam.churn.remaining_value import check_number, show_money
from kam.churn.track_checks import assumed_of_track, check_track
from kam.errors import KamError, ParameterError
from kam.ledger import Ledger, snapshots
from kam.results import Context, KeyFigure, Result
from kam.stats.forecast_scores import auc, brier, placements, top_buyers_named
from kam.wording import N_

Floats = npt.NDArray[np.float64]

SCORED, WAITING, REPLACED, UNREADABLE = N_("scored"), N_("waiting"), N_("replaced"), N_("not readable")
"""Status of an earlier forecast: its horizon is over; it is not; a later run forecast from the same day; a file is damaged, of
another version, or does not fit the ledger."""
AT_RISK, ALL = N_("at risk"), N_("all")
STATED, CHANCE = N_("as stated"), N_("chance")
"""What an interval of the number expected covers: what the forecast itself stated, or chance alone."""
N_LARGEST = 10
"""Accounts of the latest scored forecast that are named one by one."""
_TRUTH = ["customer_id", "no_order", "revenue_next"]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class TrackRecordResult(Result):
    """Result of :func:`score_earlier_forecasts`.

    Attributes
    ----------
    runs : pandas.DataFrame
        Every earlier forecast of the dataset, oldest first, and every file that could not be read: ``run, forecast_day,
        scored_on`` (first day on which the horizon is over; both missing where it could not be read), ``status`` (``scored``,
        ``waiting``, ``replaced``, ``not readable``) and ``finding``.
    scores : pandas.DataFrame
        One row per scored forecast and ``scope`` (``at risk``, ``all``): ``forecast_day, n_customers, n_expected`` (accounts
        expected to place no order), ``n_low, n_high`` (where their number lies if the forecast is right), ``covers`` (``as
        stated`` by the forecast, for accounts at risk, or ``chance`` alone), ``n_actual``; ``auc, auc_low, auc_high`` (missing
        where all or none ordered), ``brier, brier_low, brier_high`` (ends are missing where nothing varies), ``brier_base`` (of
        the share observed, for all alike); ``money_expected, money_came, share_named`` (of the top fifth of the buyers, as many
        highest forecasts name; missing without a buyer).
    largest : pandas.DataFrame
        Of the latest scored forecast, the accounts at risk with most money in danger: ``customer_id, p_no_order,
        expected_revenue, money_at_risk, did_order, money_came``.
    calls : pandas.DataFrame
        Called against held out, over the lists of all scored forecasts, ``term``: ``orders`` (share of accounts with an order)
        and ``money`` (per account); without accounts that were called before. ``n_calls, n_held_out, called, held_out,
        difference, ci_low, ci_high``; ends are missing where a side has fewer than two accounts or nothing varies. Empty without
        a list.
    vanished : pandas.DataFrame
        Accounts of scored forecasts that the ledger does not have at that day any more: ``forecast_day, customer_id, p_no_order,
        expected_revenue``; renamed, merged or removed. They are not scored.
    money_saved, saved_low, saved_high : float or None
        Difference in money times the accounts called that it was taken over, and its interval; None: not known yet.
    money : str
        What that money is: ``margin`` or ``revenue``.
    held_out : tuple of str
        Accounts held out by lists of other forecast days (than the day after ``as_of``) whose horizon is not over, replaced
        lists among them: exclude them from a new call list.
    called : tuple of str
        Accounts that those lists said to call: never hold them out on a new one.
    n_scored, n_waiting, n_replaced, n_unreadable, n_other : int
        Forecasts by status, and forecasts of other datasets.
    n_without_auc : int
        Rows of ``scores`` in which all or none ordered.
    next_scored : datetime.date or None
        First day on which a waiting forecast can be scored.
    has_history : bool
        Whether there is a folder with earlier runs.
    as_of : datetime.date
        Last day of the ledger.
    level : float
        Of the intervals.
    """

    main: ClassVar[str] = "runs"

    runs: pd.DataFrame
    scores: pd.DataFrame
    largest: pd.DataFrame
    calls: pd.DataFrame
    vanished: pd.DataFrame
    money_saved: float | None
    saved_low: float | None
    saved_high: float | None
    money: str
    held_out: tuple[str, ...]
    called: tuple[str, ...]
    n_scored: int
    n_waiting: int
    n_replaced: int
    n_unreadable: int
    n_other: int
    n_without_auc: int
    next_scored: date | None
    has_history: bool
    as_of: date
    level: float

    def _latest(self) -> pd.Series:
        at_risk = self.scores[self.scores["scope"] == AT_RISK]
        return (at_risk if len(at_risk) else self.scores).iloc[-1]

    def _sentence(self) -> str:
        say = self.context.wording
        if not self.n_scored:
            if self.next_scored is None:
                return say.sentence("There are {n} earlier forecasts of this dataset to score.", n=say.count(0))
            return say.plural(
                "One earlier forecast of this dataset waits for its horizon to end; it can be scored from {day} on.",
                "{n} earlier forecasts of this dataset wait for their horizon to end; the first can be scored from {day} on.",
                self.n_waiting,
                day=say.date(self.next_scored),
            )
        latest = self._latest()
        first = say.sentence(
            "The forecast of {day} expected {expected} of {n} accounts to place no order; {actual} placed none, which lies "
            "{where} what {what} ({low} to {high}).",
            day=say.date(latest["forecast_day"]),
            expected=say.count(latest["n_expected"]),
            n=say.count(latest["n_customers"]),
            actual=say.count(latest["n_actual"]),
            where=say.sentence("within")
            if latest["n_low"] <= latest["n_actual"] <= latest["n_high"]
            else say.sentence("outside"),
            what=say.sentence("it stated") if latest["covers"] == STATED else say.sentence("chance alone allows"),
            low=say.count(latest["n_low"]),
            high=say.count(latest["n_high"]),
        )
        if self.money_saved is None:
            return first
        if self.saved_low is None:
            untold = say.sentence("What the calls brought cannot be told yet: too few accounts were held out.")
            return say.join([first, untold])
        second = say.sentence(
            "Called accounts brought {money} {direction} in {what} than if they had done as those held out ({interval}).",
            what=say.text(self.money),
            money=show_money(say, abs(self.money_saved)),
            direction=say.sentence("more") if self.money_saved >= 0 else say.sentence("less"),
            interval=self._interval_saved(),
        )
        return say.join([first, second])

    def _interval_saved(self) -> str:
        say = self.context.wording
        if self.saved_low is None or self.saved_high is None:
            return say.sentence("no interval: a side has fewer than two accounts, or nothing varies")
        return say.interval(show_money(say, self.saved_low), show_money(say, self.saved_high), self.level)

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        figures = [
            KeyFigure(
                value=say.count(self.n_scored),
                label=say.sentence("earlier forecasts scored"),
                note=say.sentence(
                    "{waiting} waiting, {replaced} replaced, {unreadable} not readable",
                    waiting=say.count(self.n_waiting),
                    replaced=say.count(self.n_replaced),
                    unreadable=say.count(self.n_unreadable),
                ),
            )
        ]
        not_yet = say.sentence("no forecast can be scored yet")
        if not self.n_scored:
            return (
                *figures,
                KeyFigure(value="–", label=say.sentence("without an order, of those expected"), note=not_yet),
                KeyFigure(value="–", label=say.sentence("money saved by calls"), note=not_yet),
            )
        latest = self._latest()
        interval = say.interval(say.count(latest["n_low"]), say.count(latest["n_high"]), self.level)
        figures.append(
            KeyFigure(
                value=say.sentence(
                    "{actual} of {expected}",
                    actual=say.count(latest["n_actual"]),
                    expected=say.count(latest["n_expected"]),
                ),
                label=say.sentence("without an order, of those expected, latest forecast"),
                note=say.sentence("{interval}, as the forecast stated", interval=interval)
                if latest["covers"] == STATED
                else say.sentence("{interval}, chance alone", interval=interval),
            )
        )
        has_auc = bool(np.isfinite(latest["auc"]))
        figures.append(
            KeyFigure(
                value=say.number(latest["auc"]) if has_auc else "–",
                label=say.sentence("how often the one that stayed away was rated higher (AUC)"),
                note=say.interval(say.number(latest["auc_low"]), say.number(latest["auc_high"]), self.level)
                if has_auc and np.isfinite(latest["auc_low"])
                else say.sentence("no interval: too few with or without an order"),
            )
        )
        figures.append(
            KeyFigure(
                value="–" if self.money_saved is None or self.saved_low is None else show_money(say, self.money_saved),
                label=say.sentence("money saved by calls"),
                note=say.sentence("no list with called and held-out accounts can be scored yet")
                if self.money_saved is None
                else self._interval_saved(),
            )
        )
        return tuple(figures)


def score_earlier_forecasts(
    history: str | os.PathLike[str],
    ledger: Ledger,
    *,
    dataset: str,
    level: float = 0.95,
    context: Context | None = None,
) -> TrackRecordResult:
    """Score the forecasts that earlier runs made of the same dataset against the orders that then came.

    A forecast is scored when its last day is not after the ledger's as-of date. Of several from the same day over the same
    horizon, the one of the latest run counts, with its call list. Whom waiting lists hold out or call is taken from all of them,
    replaced ones too, but for those of the day after the ledger's as-of date: a run that looks ahead from the same day as an
    earlier one, with the same seed and settings, draws the same list again. What happened is counted by
    :func:`kam.ledger.snapshots` at the day of the forecast, by the same code that made it. Accounts are matched by
    ``customer_id``; who is not in the ledger any more is listed, not scored.

    *Intervals.* Accounts without an order: for those at risk, the interval that the forecast stated, if it did so at this
    ``level``, less the forecasts of accounts that vanished. Otherwise mean ± z √Σp(1 − p), chance alone, as if accounts ordered
    independently; what all have in common (a season, a crisis) makes the true spread wider. AUC: DeLong's; Brier: of a mean.
    Called against held out: the accounts of all scored lists together; shares by Newcombe's interval, money by Welch's.

    Assumes (1) that a customer keeps its identifier; (2) that the ledger is complete up to the as-of date; (3) that those on the
    list to call were called and those held out were not: the comparison is of the lists, without who was called before; (4) that
    lists set aside the same share.

    Parameters
    ----------
    history : path
        Reports folder with earlier runs; empty, or no folder: there are none.
    ledger : Ledger
        The ledger of today.
    dataset : str
        Name of the dataset; forecasts of other datasets are counted, not scored.
    level : float
        Of the intervals.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    TrackRecordResult

    Raises
    ------
    ParameterError
        ``dataset`` is empty or ``level`` is out of range. A damaged file raises nothing: ``runs`` lists it.

    References
    ----------
    DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44; Newcombe (1998), Statistics in Medicine 17, method 10.

    Examples
    --------
    >>> from kam.ledger import open_ledger
    >>> orders = pd.DataFrame({"customer_id": "a", "order_date": ["2024-01-01", "2024-02-01"], "amount": 10})
    >>> score_earlier_forecasts("", open_ledger(orders), dataset="acme").answer()
    'There are 0 earlier forecasts of this dataset to score.'
    """
    context = context or Context()
    if not isinstance(dataset, str) or not dataset:
        raise ParameterError(f"dataset is {dataset!r}.", hint="Give the name of the dataset.")
    check_number("level", level, 0.5, 0.999, hint="Give a level such as 0.95.")
    earlier = read_earlier_runs(history, dataset)
    end = pd.Timestamp(ledger.as_of) + pd.Timedelta(days=1)
    latest = {(one.origin, one.horizon_days): one for one in earlier.forecasts}
    due = [one for one in latest.values() if one.until <= end]
    truths, misfits = _count_truths(ledger, due)
    scored = sorted((one for one in due if id(one) in truths), key=lambda one: (one.origin, one.horizon_days))
    waiting = [one for one in latest.values() if one.until > end]

    joined = [one.customers.merge(truths[id(one)], on="customer_id", how="left", validate="1:1") for one in scored]
    gone = [frame["no_order"].isna() for frame in joined]
    seen = [frame[~missing] for frame, missing in zip(joined, gone, strict=True)]
    rows = [row for one, frame in zip(scored, seen, strict=True) for row in _scores(one, frame, level)]
    money = "margin" if scored and all("margin_next" in frame.columns for frame in seen) else "revenue"
    lists = [(one.calls, frame) for one, frame in zip(scored, seen, strict=True) if one.calls is not None]
    calls, saved = compare_called(lists, f"{money}_next", level)
    numbers = [name for name in _SCORES if name not in ("forecast_day", "scope", "covers")]
    scores = pd.DataFrame(rows, columns=_SCORES).astype(dict.fromkeys(numbers, "float64"))
    others = [one for one in earlier.forecasts if one.until > end and pd.Timestamp(one.origin) != end]
    result = TrackRecordResult(
        context=context,
        runs=_runs(context, earlier, latest, truths, misfits, end),
        scores=scores.assign(forecast_day=scores["forecast_day"].astype("datetime64[s]")),
        largest=_largest(seen[-1] if seen else None),
        calls=calls,
        vanished=_vanished(scored, joined, gone),
        money_saved=saved[0],
        saved_low=saved[1],
        saved_high=saved[2],
        money=money,
        held_out=_accounts_of(others, "hold-out"),
        called=_accounts_of(others, "call"),
        n_scored=len(scored),
        n_waiting=len(waiting),
        n_replaced=len(earlier.forecasts) - len(latest),
        n_unreadable=len(earlier.problems) + len(misfits),
        n_other=earlier.n_other,
        n_without_auc=int(scores["auc"].isna().sum()),
        next_scored=min((one.until.date() for one in waiting), default=None),
        has_history=earlier.is_there,
        as_of=ledger.as_of,
        level=float(level),
    )
    n_new = sum(len(truths[id(one)]) - len(frame) for one, frame in zip(scored, seen, strict=True))
    return replace(
        result,
        checks=check_track(result, n_new=n_new, n_lists=len(lists)),
        assumed=assumed_of_track(result),
    )


# -- inside ----------------------------------------------------------------------------------------------------------

_SCORES = [
    "forecast_day", "scope", "n_customers", "n_expected", "n_low", "n_high", "covers", "n_actual", "auc", "auc_low", "auc_high",
    "brier", "brier_low", "brier_high", "brier_base", "money_expected", "money_came", "share_named",
]  # fmt: skip


def _count_truths(ledger: Ledger, due: list[EarlierForecast]) -> tuple[dict[int, pd.DataFrame], dict[int, str]]:
    """What happened after each forecast; and why some do not fit the ledger."""
    truths: dict[int, pd.DataFrame] = {}
    misfits: dict[int, str] = {}
    for horizon in sorted({one.horizon_days for one in due}):
        group = [one for one in due if one.horizon_days == horizon]
        try:
            rows = _outcomes(ledger, [one.origin for one in group], horizon)
        except KamError:  # one of them begins before the ledger does: find out which
            rows = None
        for one in group:
            try:
                own = _outcomes(ledger, [one.origin], horizon) if rows is None else rows
            except KamError as error:
                misfits[id(one)] = error.what
                continue
            own = own[own["origin"] == pd.Timestamp(one.origin)].drop(columns="origin")
            if not own["customer_id"].isin(one.customers["customer_id"]).any():
                misfits[id(one)] = "none of its accounts is in it"
                continue
            truths[id(one)] = own
    return truths, misfits


def _outcomes(ledger: Ledger, origins: list[date], horizon: int) -> pd.DataFrame:
    rows = snapshots(ledger, origins=origins, horizon_days=horizon, k=1).rows
    return rows[["origin", *_TRUTH, *(["margin_next"] if "margin_next" in rows.columns else [])]]


def _scores(one: EarlierForecast, frame: pd.DataFrame, level: float) -> list[tuple[object, ...]]:
    """Scores of the accounts at risk and of all, of those that are still known."""
    z = float(ndtri((1 + level) / 2))
    rows: list[tuple[object, ...]] = []
    for scope, part in ((AT_RISK, frame[frame["at_risk"]]), (ALL, frame)):
        if part.empty:
            continue
        p, y = part["p_no_order"].to_numpy(dtype=float), part["no_order"].to_numpy(dtype=float)
        expected, came = (part[name].to_numpy(dtype=float) for name in ("expected_revenue", "revenue_next"))
        mean = float(p.sum())
        n_low, n_high, covers = _interval_of_number(one, scope, p, level)
        squares = (p - y) ** 2
        middle = float(brier(y, p))
        half = z * float(squares.std(ddof=1) / np.sqrt(len(p))) if np.ptp(squares) > 0 else np.nan
        rows.append(
            (
                pd.Timestamp(one.origin),
                scope,
                len(part),
                mean,
                n_low,
                n_high,
                covers,
                int(y.sum()),
                *_auc(y, p, z),
                middle,
                float(np.maximum(middle - half, 0.0)),
                float(np.minimum(middle + half, 1.0)),
                float(y.mean() * (1 - y.mean())),
                float(expected.sum()),
                float(came.sum()),
                float(top_buyers_named(came, expected)) if (came > 0).any() else np.nan,
            )
        )
    return rows


def _interval_of_number(one: EarlierForecast, scope: str, p: Floats, level: float) -> tuple[float, float, str]:
    """Where the number without an order lies, whole accounts, and what that covers."""
    if scope == AT_RISK and one.stated is not None and np.isclose(one.stated[2], level):
        at_risk = one.customers["at_risk"].to_numpy(dtype=bool)
        gone = float(one.customers["p_no_order"].to_numpy(dtype=float)[at_risk].sum() - p.sum())
        low, high = np.clip(np.round(np.array(one.stated[:2]) - gone), 0, len(p))
        return float(low), float(high), STATED
    mean, spread = float(p.sum()), float(ndtri((1 + level) / 2)) * float(np.sqrt((p * (1 - p)).sum()))
    return max(float(np.floor(mean - spread)), 0.0), min(float(np.ceil(mean + spread)), float(len(p))), CHANCE


def _auc(y: Floats, p: Floats, z: float) -> tuple[float, float, float]:
    """AUC with DeLong's interval; missing where all or none had the event."""
    n = int(y.sum())
    if n in (0, len(y)):
        return np.nan, np.nan, np.nan
    value, placed = float(auc(y, p)), placements(y, p)
    if min(n, len(y) - n) < 2:
        return value, np.nan, np.nan
    error = float(np.sqrt(placed[y == 1].var(ddof=1) / n + placed[y == 0].var(ddof=1) / (len(y) - n)))
    if not error > 0:
        return value, np.nan, np.nan
    return value, max(value - z * error, 0.0), min(value + z * error, 1.0)


def _runs(
    context: Context,
    earlier: EarlierRuns,
    latest: dict[tuple[date, int], EarlierForecast],
    truths: dict[int, pd.DataFrame],
    misfits: dict[int, str],
    end: pd.Timestamp,
) -> pd.DataFrame:
    say = context.wording
    rows: list[tuple[str, object, object, str, str]] = []
    for one in earlier.forecasts:
        counts = latest[one.origin, one.horizon_days]
        if counts is not one:
            status, finding = REPLACED, say.sentence("{run} forecast from the same day, later", run=counts.run)
        elif one.until > end:
            status = WAITING
            finding = say.sentence("will be scored on {day}", day=say.date(one.until.date()))
        elif id(one) in misfits:
            status, finding = UNREADABLE, say.sentence("does not fit the ledger: {why}", why=misfits[id(one)])
        else:
            n_gone = int((~one.customers["customer_id"].isin(truths[id(one)]["customer_id"])).sum())
            status = SCORED
            finding = say.plural("one account scored", "{n} accounts scored", len(one.customers) - n_gone) + (
                say.plural(", one is not in the ledger any more", ", {n} are not in the ledger any more", n_gone)
                if n_gone
                else ""
            )
        rows.append((one.run, pd.Timestamp(one.origin), one.until, status, finding))
    rows += [(place, pd.NaT, pd.NaT, UNREADABLE, why) for place, why in earlier.problems]
    frame = pd.DataFrame(rows, columns=["run", "forecast_day", "scored_on", "status", "finding"])
    days = {name: frame[name].astype("datetime64[s]") for name in ("forecast_day", "scored_on")}
    return frame.assign(**days)


def _largest(frame: pd.DataFrame | None) -> pd.DataFrame:
    """Who had most money in danger, and what came of them."""
    names = ["customer_id", "p_no_order", "expected_revenue", "money_at_risk", "did_order", "money_came"]
    if frame is None:
        return pd.DataFrame({name: pd.Series(dtype="str" if name == "customer_id" else "float64") for name in names})
    part = frame[frame["at_risk"]]
    base = part["revenue_year"] if "revenue_year" in part.columns else part["expected_revenue"]
    part = part.assign(
        money_at_risk=part["p_no_order"] * base.astype(float),
        did_order=~part["no_order"].astype(bool),
        money_came=part["revenue_next"].astype(float),
    )
    order = part.sort_values(["money_at_risk", "customer_id"], ascending=[False, True], ignore_index=True)
    return order.loc[: N_LARGEST - 1, names]


def _vanished(scored: list[EarlierForecast], joined: list[pd.DataFrame], gone: list[pd.Series]) -> pd.DataFrame:
    names = ["customer_id", "p_no_order", "expected_revenue"]
    parts = [
        frame.loc[missing, names].assign(forecast_day=pd.Timestamp(one.origin))
        for one, frame, missing in zip(scored, joined, gone, strict=True)
        if missing.any()
    ]
    if not parts:
        return pd.DataFrame(
            {"forecast_day": pd.Series(dtype="datetime64[s]"), "customer_id": pd.Series(dtype="str")}
            | {name: pd.Series(dtype="float64") for name in names[1:]}
        )
    frame = pd.concat(parts, ignore_index=True)
    return frame[["forecast_day", *names]]


def _accounts_of(forecasts: list[EarlierForecast], part: str) -> tuple[str, ...]:
    """Accounts in a part of any of the call lists."""
    lists = [one.calls for one in forecasts if one.calls is not None]
    return tuple(sorted({str(who) for calls in lists for who in calls.loc[calls["list_part"] == part, "customer_id"]}))
