"""Forecasts rolled over origins: at each, everything is learned from windows that were over by then, and nothing else.

The forecast named ``regression`` pools candidates: models of purchases, a regularized logistic regression and boosted trees on
the same snapshots. Candidates, weights and level are taken from earlier origins alone, so that the forecast of an origin is
frozen before it. The code that scores today's accounts is the code that made the forecasts held against what came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits

from kam.churn.blending import fit_weights, log_odds_of, pooled_spread, probability_of
from kam.churn.learners import relative_spending, ridge, trees
from kam.churn.level import Level, fit_level, predict_level
from kam.churn.peers import (
    CANDIDATES,
    PURCHASE_MODELS,
    PeerForecast,
    forecast_chain,
    forecast_purchases,
    forecast_recency,
)
from kam.churn.predictors import Predictors, read_predictors
from kam.errors import EmptyDataError, NoEventError, NotConvergedError, ParameterError
from kam.ledger import Covariates, Ledger, Snapshots, snapshots
from kam.ledger.periods import Frequency
from kam.ledger.rollup import month_totals
from kam.wording import N_

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

REGRESSION = N_("regression")
"""Name of kam's own forecast."""
MOST_ROWS = 150_000
"""More rows are not learned from; accounts are then left out at random."""
FEWEST_ACCOUNTS = 20
"""Accounts that an origin needs in a group to have a level of its own there."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RolledForecasts:
    """Forecasts at several origins.

    Attributes
    ----------
    forecasts : pandas.DataFrame
        One row per ``model``, ``origin`` and ``customer_id``: ``p_no_order``, ``expected_revenue`` (gross, within the horizon),
        ``as_of`` (the last day that it knows of);
        for the regression also, in log-odds, ``level_error``, the expected error that all accounts share, and ``spread``, how
        far apart the candidates are about the account.
    weights : pandas.DataFrame
        ``origin``, ``model`` (a candidate), ``weight`` in the regression.
    levels : pandas.DataFrame
        ``origin``, ``group`` (``recent``: ordered within two horizons; ``lapsed``), ``forecast`` (of the level),
        ``log_odds``, ``weight``.
    not_fitted : pandas.DataFrame
        ``model``, ``origin``, ``reason``: models of purchases that did not settle there. A candidate then takes no part at any
        origin.
    """

    forecasts: pd.DataFrame
    weights: pd.DataFrame
    levels: pd.DataFrame
    not_fitted: pd.DataFrame


def rolling_snapshots(
    ledger: Ledger,
    *,
    k: int,
    freq: Frequency = "month",
    horizon_days: int = 91,
    n_windows: int = 12,
    covariates: Covariates | None = None,
) -> Snapshots:
    """Snapshots to roll forecasts over: many origins to learn from, the last one the day after the data end.

    Parameters
    ----------
    ledger : Ledger
    k : int
        Silent periods after which an account is lost; see :func:`kam.churn.churn_definition`.
    freq : {"month", "quarter", "year"}
        Length of these periods.
    horizon_days : int
        Days ahead.
    n_windows : int
        Windows to go back, as far as the data reach; three origins in each.
    covariates : Covariates, optional
        What is known besides the orders: ``dataset.covariates``.

    Returns
    -------
    Snapshots

    Raises
    ------
    ParameterError, EmptyDataError
        See :func:`kam.ledger.snapshots`; and the history is shorter than two windows.
    """
    if isinstance(horizon_days, bool) or not isinstance(horizon_days, int) or horizon_days < 1:
        raise ParameterError(f"horizon_days is {horizon_days!r}.", hint="Give a whole number of days, such as 91.")
    bought = [month.order_days[0] for month in month_totals(ledger.rollup) if month.order_days]
    if not bought:
        raise EmptyDataError("Nobody ever ordered: all amounts are credit notes.", where=ledger.description)
    origins = rolling_origins(bought[0], ledger.as_of, horizon_days=horizon_days, n_windows=n_windows)
    if len(origins) < 2:
        n_days = (ledger.as_of - bought[0]).days + 1
        raise ParameterError(
            f"A horizon of {horizon_days} days needs {2 * horizon_days} days of data; there are {n_days}.",
            where=ledger.description,
            hint="Take a shorter horizon_days, or a ledger that reaches further back.",
        )
    return snapshots(ledger, origins=origins, horizon_days=horizon_days, k=k, freq=freq, covariates=covariates)


def rolling_origins(
    first_order: date, as_of: date, *, horizon_days: int, n_windows: int = 12, per_window: int = 3
) -> tuple[date, ...]:
    """Days from which to look ahead: so many windows back from the day after ``as_of``, with some in between to learn from.

    None lies less than one horizon after the first order; the last is the day after ``as_of``.
    """
    after = pd.Timestamp(as_of) + pd.Timedelta(days=1)
    offsets = [round(i * horizon_days / per_window) for i in range(per_window)]
    back = [w * horizon_days + offset for w in range(1, n_windows + 1) for offset in offsets]
    days = [after - pd.Timedelta(days=b) for b in back]
    earliest = pd.Timestamp(first_order) + pd.Timedelta(days=horizon_days)
    return tuple(sorted(day.date() for day in (*days, after) if day >= earliest))


@threadpool_limits.wrap(limits=1)  # type: ignore[untyped-decorator]  # small matrices: cores would wait for one another
def roll_forecasts(taken: Snapshots, *, n_forecasts: int = 8, seed: int = 1) -> RolledForecasts:
    """Forecast who places no order, at the last origins that have something to learn from.

    Assumes that (1) accounts that looked alike order alike at other origins, apart from the level of the origin; (2) the level
    of a window is like that of others, like that of the same season, or as the models of purchases say.

    Parameters
    ----------
    taken : Snapshots
        Origins a fraction of a horizon apart. Forecasts are made at those that lie whole horizons before the last.
    n_forecasts : int
        How many of them, besides the last; the weights of the candidates are learned from these.
    seed : int
        Seed of the trees, and of the accounts left out where there are too many.

    Returns
    -------
    RolledForecasts

    Raises
    ------
    NoEventError
        No account, or every account, placed an order after the earlier origins.
    ParameterError
        No window is over before the last origin.

    References
    ----------
    J. M. Bates, C. W. J. Granger, The combination of forecasts, Operational Research Quarterly 20 (1969).
    """
    rows = taken.rows
    day = rows["origin"].to_numpy().astype("datetime64[D]").astype(np.int64)
    origins = np.unique(day)
    horizon = taken.horizon_days
    known = rows["no_order"].notna().to_numpy()
    event = rows["no_order"].to_numpy(dtype=np.float64, na_value=np.nan)
    structural, not_fitted = _structural(rows, day, origins, horizon)
    first = int((day - rows["T"].to_numpy(dtype=np.int64)).min())
    history: list[tuple[Floats, Floats]] = []
    parts, weights, levels = [], [], []
    all_alike = ""
    whole = origins[(origins[-1] - origins) % horizon == 0]
    for origin in whole[-n_forecasts - 1 :]:
        learn = known & (day + horizon <= origin)
        if not learn.any():
            continue
        if event[learn].min() == event[learn].max():
            all_alike = "No account placed" if event[learn].min() else "Every account placed"
            continue  # later windows may tell one account from another
        window = _Window(taken, day, learn, day == origin, event, structural, seed)
        prior = _prior_weights(len(structural))
        weight = fit_weights(history, prior)
        pooled_training, pooled = window.training_log_odds @ weight, window.log_odds @ weight
        p, error, found = _set_level(window, pooled_training, pooled, int(origin), first)
        spread = pooled_spread(window.log_odds, weight)
        revenue = _set_money_level(window, int(origin), first)
        here = window.here
        pooled_frame = _frame(REGRESSION, rows, here, PeerForecast(p, revenue))
        parts.append(pooled_frame.assign(level_error=np.sqrt(error), spread=spread))
        for name, candidate in structural.items():
            peer = PeerForecast(candidate.p_no_order[here], candidate.expected_revenue[here])
            parts.append(_frame(name, rows, here, peer))
        training, scored = rows[learn], rows[here]
        parts.append(_frame("recency", rows, here, forecast_recency(training, scored, horizon)))
        parts.append(_frame("Markov chain", rows, here, forecast_chain(training, scored, horizon)))
        for name in PURCHASE_MODELS.keys() - set(CANDIDATES):
            try:
                parts.append(_frame(name, rows, here, forecast_purchases(name, scored, horizon)[0]))
            except NotConvergedError as error:
                not_fitted.append({"model": name, "origin": _stamp(origin), "reason": str(error)})
        stamp = _stamp(origin)
        weights += [
            {"origin": stamp, "model": name, "weight": float(w)}
            for name, w in zip((*structural, "logistic", "trees"), weight, strict=True)
        ]
        for group, level in found.items():
            levels += [
                {"origin": stamp, "group": group, "forecast": name, "log_odds": value, "weight": level.weights[name]}
                for name, value in level.forecasts.items()
            ]
        if known[here].all():
            recent = window.recent[here]
            if recent.any():
                history.append((window.log_odds[recent], event[here][recent]))
    if not parts and all_alike:
        raise NoEventError(
            f"{all_alike} an order in the windows that are over.",
            hint="Take a shorter or longer horizon_days: nothing tells one account from another.",
        )
    if not parts:
        raise ParameterError(
            f"No window of {horizon} days is over before the last origin: there is nothing to learn from.",
            hint="Take a shorter horizon_days, or a ledger that reaches further back.",
        )
    forecasts = pd.concat(parts, ignore_index=True)
    return RolledForecasts(
        forecasts=forecasts.assign(as_of=forecasts["origin"] - pd.Timedelta(days=1)),
        weights=pd.DataFrame(weights),
        levels=pd.DataFrame(levels),
        not_fitted=pd.DataFrame(not_fitted, columns=["model", "origin", "reason"]),
    )


class _Window:
    """What the candidates say at one origin, and of the rows that they learned from."""

    def __init__(
        self,
        taken: Snapshots,
        day: Ints,
        learn: Flags,
        here: Flags,
        event: Floats,
        structural: Mapping[str, PeerForecast],
        seed: int,
    ) -> None:
        rows, horizon = taken.rows, taken.horizon_days
        self.learn, self.here = _few_enough(rows, learn, seed), here
        self.day, self.event = day, event
        self.recent = (rows["days_since_last_order"] <= 2 * horizon).to_numpy()
        self.structural = {name: forecast.p_no_order for name, forecast in structural.items()}
        self.spent = rows["revenue_next"].to_numpy(dtype=np.float64)
        self.structural_revenue = {name: forecast.expected_revenue for name, forecast in structural.items()}
        self._rows, self._horizon, self._seed = rows, horizon, seed
        self._covariates = tuple(taken.covariates["term"])
        used = self.learn | here
        self._used, self._training = used, self.learn[used]
        x, outcome = self._read(money=False).values, event[self.learn]
        log_odds = [log_odds_of(p[used]) for p in self.structural.values()]
        log_odds += [ridge(x, self._training, outcome, day[self.learn]), trees(x, self._training, outcome, seed=seed)]
        together = np.column_stack(log_odds)
        self.training_log_odds, self.log_odds = together[self._training], together[here[used]]
        self.training_revenue, self.revenue = self._spending()

    def _read(self, *, money: bool) -> Predictors:
        return read_predictors(
            self._rows[self._used],
            self._training,
            horizon_days=self._horizon,
            covariates=self._covariates,
            structural={name: p[self._used] for name, p in self.structural.items()},
            money=money,
        )

    def _spending(self) -> tuple[Floats, Floats]:
        """Relative gross revenue of the rows learned from and of those scored, apart from the level of the origin."""
        x = self._read(money=True).values
        who = self._training & self.recent[self._used]
        who = who if self.spent[self._used][who].sum() > 0 else self._training
        relative = relative_spending(x, who, self.spent[self._used][who], self.day[self._used][who], seed=self._seed)
        return relative[self._training], relative[self.here[self._used]]


def _set_level(
    window: _Window, pooled_training: Floats, pooled: Floats, origin: int, first: int
) -> tuple[Floats, Floats, dict[str, Level]]:
    """Probabilities at the origin, the squared error of their level, and the level itself by group."""
    day, event, horizon = window.day[window.learn], window.event[window.learn], window._horizon
    training_recent, recent = window.recent[window.learn], window.recent[window.here]
    p, error = np.empty(len(pooled)), np.empty(len(pooled))
    found = {}
    for group, is_recent in (("recent", True), ("lapsed", False)):
        members, scored = training_recent == is_recent, recent == is_recent
        if not scored.any():
            continue
        days, counts = np.unique(day[members], return_counts=True)
        days = days[counts >= FEWEST_ACCOUNTS]
        if not len(days):
            members, days = np.ones(len(day), dtype=bool), np.unique(day)
        mature = days >= first + 2 * horizon - 1
        days = days[mature] if mature.any() else days
        levels, said = np.empty(len(days)), np.full(len(days), np.nan)
        for i, d in enumerate(days):
            which = members & (day == d)
            levels[i] = fit_level(pooled_training[which], event[which])
            said[i] = _structural_level(pooled_training[which], window, window.learn, which)
        new = _structural_level(pooled[scored], window, window.here, scored)
        found[group] = predict_level(days, levels, said, origin, new, horizon_days=horizon)
        p[scored] = probability_of(pooled[scored] + found[group].estimate)
        error[scored] = found[group].mean_squared_error
    return p, error, found


def _set_money_level(window: _Window, origin: int, first: int) -> Floats:
    """Expected gross revenue at the origin: relative revenue times a level, forecast as that of the orders is."""
    day, spent = window.day[window.learn], window.spent[window.learn]
    recent = window.recent[window.learn]
    days = np.unique(day)
    mature = days >= first + 2 * window._horizon - 1
    days = days[mature] if mature.any() else days
    levels, said = np.full(len(days), np.nan), np.full(len(days), np.nan)
    for i, d in enumerate(days):
        which = recent & (day == d)
        relative = window.training_revenue[which].sum()
        if relative > 0 and spent[which].sum() > 0:
            levels[i] = np.log(spent[which].sum() / relative)
            said[i] = _structural_money(relative, window, window.learn, which)
    seen = np.isfinite(levels)
    which = window.recent[window.here]
    relative = window.revenue[which].sum()
    if not seen.any() or relative <= 0:
        return window.revenue
    new = _structural_money(relative, window, window.here, which)
    level = predict_level(days[seen], levels[seen], said[seen], origin, new, horizon_days=window._horizon)
    return np.asarray(window.revenue * np.exp(level.estimate))


def _structural_money(relative: float, window: _Window, rows: Flags, which: Flags) -> float:
    """Logarithm of what the models of purchases expect, on average, over the relative revenue."""
    sums = [float(revenue[rows][which].sum()) for revenue in window.structural_revenue.values()]
    return float(np.log(np.mean(sums) / relative)) if sums and np.mean(sums) > 0 else np.nan


def _structural_level(pooled: Floats, window: _Window, rows: Flags, which: Flags) -> float:
    """The level at which the pool expects as many orders as the models of purchases do on average."""
    if not window.structural:
        return np.nan
    means = [float(p[rows][which].mean()) for p in window.structural.values()]
    return fit_level(pooled, np.full(len(pooled), np.mean(means)))


def _structural(
    rows: pd.DataFrame, day: Ints, origins: Ints, horizon: int
) -> tuple[dict[str, PeerForecast], list[dict[str, object]]]:
    """The models of purchases at every origin; one that does not settle somewhere takes no part anywhere."""
    fitted: dict[str, PeerForecast] = {}
    failed: list[dict[str, object]] = []
    for name in CANDIDATES:
        p, revenue = np.empty(len(rows)), np.empty(len(rows))
        for origin in origins:
            here = day == origin
            try:
                forecast, _ = forecast_purchases(name, rows[here], horizon)
            except NotConvergedError as error:
                failed.append({"model": name, "origin": _stamp(origin), "reason": str(error)})
                break
            p[here], revenue[here] = forecast.p_no_order, forecast.expected_revenue
        else:
            fitted[name] = PeerForecast(p, revenue)
    return fitted, failed


def _prior_weights(n_structural: int) -> Floats:
    """A third for the models of purchases together, for the logistic regression, and for the trees."""
    shares = [1 / (3 * n_structural)] * n_structural + [1 / 3, 1 / 3] if n_structural else [0.5, 0.5]
    return np.array(shares)


def _few_enough(rows: pd.DataFrame, learn: Flags, seed: int) -> Flags:
    n = int(learn.sum())
    if n <= MOST_ROWS:
        return learn
    codes, ids = pd.factorize(rows["customer_id"])
    kept = np.random.default_rng(seed).random(len(ids)) < MOST_ROWS / n
    return learn & kept[codes]


def _frame(model: str, rows: pd.DataFrame, here: Flags, forecast: PeerForecast) -> pd.DataFrame:
    frame = rows.loc[here, ["origin", "customer_id"]].reset_index(drop=True)
    frame.insert(0, "model", model)
    return frame.assign(p_no_order=forecast.p_no_order, expected_revenue=forecast.expected_revenue)


def _stamp(day: int) -> np.datetime64:
    return np.datetime64(int(day), "D").astype("datetime64[us]")
