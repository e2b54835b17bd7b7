"""How many customers will be in each state: the forecast of a Markov chain, what it does not know, and how well it did before.

The same forecast is made at past origins from what was known there, and compared with what happened and with forecasts that
need no model. Everything works on counts by period; customers are looked at only to be counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.backtest import (
    AS_IF,
    BACKTEST_DRAWS,
    backtest_frame,
    points_frame,
    run_backtest,
    skill_frame,
    why_untested,
)
from kam.churn.chain_choice import decide_chain
from kam.churn.forecast_checks import assumed_of_forecast, check_forecast
from kam.churn.mix_history import MixHistory, follow_customers, past_origins, read_history, with_years_before
from kam.churn.periods import name_period, period_in_words
from kam.churn.projection import (
    ACTIVE,
    ALL,
    GROUPS,
    draw_numbers,
    expect_numbers,
    look_ahead,
    prediction_limits,
)
from kam.churn.sequences import Sequences, read_sequences
from kam.churn.varying_chain import CYCLIC, POOLED, fit_at
from kam.errors import DataError, EmptyStateError, ParameterError
from kam.results import Context, KeyFigure, Result
from kam.stats.resampling import check_whole

if TYPE_CHECKING:
    from kam.ledger.states import StatePanel
    from kam.wording import Wording

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class MixForecastResult(Result):
    """Result of :func:`forecast_mix`.

    ``scope`` says whose number it is: ``all`` (today's customers and those who will be new), ``present`` (today's customers, with
    those who are lost today) or ``active`` (today's customers who are not lost; without a lost state the same as ``present``).

    Attributes
    ----------
    forecast : pandas.DataFrame
        One row per scope, period to come and state: ``scope, n_ahead, period, state, n_expected, n_low, n_high``. In the scope
        ``active`` the lost state holds the newly lost.
    totals : pandas.DataFrame
        All states but the lost one together: ``scope, n_ahead, period, n_expected, n_low, n_high``.
    entrants : pandas.DataFrame
        New customers of each period to come: ``n_ahead, period, n_expected, n_low, n_high``.
    history : pandas.DataFrame
        What was: ``period, state, n_customers``.
    backtest : pandas.DataFrame
        One row per scope (``all``, ``active``), model and number of periods ahead: ``scope, term, n_ahead, error`` (sum of the
        absolute errors over the sum of what happened, states that are not lost), ``bias`` (the same with sign: above 0 too many
        were forecast), ``coverage`` (share of what happened that lay within the prediction interval; missing for models without
        one), ``n_cases`` (numbers compared: origins × states). Empty if nothing could be tested.
    skill : pandas.DataFrame
        The chain in use beside each forecast without a model, over all periods ahead at the origins where both were there, the
        harder to beat first: ``scope, term, error, error_naive, estimate`` (one over the other: below 1 the chain is better),
        ``ci_low, ci_high`` (pairs resampled in runs of neighboring origins), ``n_origins``.
    backtest_points : pandas.DataFrame
        Every forecast of the chain in use with what happened: ``scope, origin, n_ahead, period, state, n_expected, n_low,
        n_high, n_actual``; the states that are not lost.
    chain : str
        ``pooled`` or ``cyclic``: which chain forecasts.
    why_chain : str
        Why that one.
    untested : str
        Why there is no back-test; empty if there is one.
    lost : str
        Name of the lost state; empty: none.
    freq : str
        ``month``, ``quarter``, ``year`` or ``period``.
    horizon : int
        Periods ahead.
    n_origins : int
        Origins of the back-test of the chain in use.
    n_left_out : int
        Origins left out because a state had not yet been seen to be left, so that no forecast could be made.
    n_now, n_active : int
        Customers in the last period, and those of them who are not lost.
    variation : float
        How much the transitions differ from period to period: Pearson's X² over its degrees of freedom; 1 is chance
        alone, 0 where one table of transitions cannot tell.
    entrants_rule : str
        ``season``: new customers as in the same seasons before; ``mean``: as on average before.
    n_draws, seed : int
    level : float
        Of the intervals.
    """

    main: ClassVar[str] = "totals"

    forecast: pd.DataFrame
    totals: pd.DataFrame
    entrants: pd.DataFrame
    history: pd.DataFrame
    backtest: pd.DataFrame
    skill: pd.DataFrame
    backtest_points: pd.DataFrame
    chain: str
    why_chain: str
    untested: str
    lost: str
    freq: str
    horizon: int
    n_origins: int
    n_left_out: int
    n_now: int
    n_active: int
    variation: float
    entrants_rule: str
    n_draws: int
    seed: int
    level: float

    def coverage(self, scope: str = ALL) -> float:
        """Share of what happened in the back-test that lay within the prediction interval of the chain in use.

        Raises
        ------
        ParameterError
            There was no back-test of the scope.
        """
        points = self._tested(self.backtest_points, scope)
        return float(points["n_actual"].between(points["n_low"], points["n_high"]).mean())

    def _total(self, scope: str) -> pd.Series:
        totals = self.totals
        return totals[(totals["scope"] == scope) & (totals["n_ahead"] == self.horizon)].iloc[0]

    def _sentence(self) -> str:
        return self.context.wording.join([self._what_comes(), self._how_good()])

    def _what_comes(self) -> str:
        say = self.context.wording
        kept, everyone = self._total(ACTIVE), self._total(ALL)
        when = period_in_words(say, kept["period"], self.freq)
        if self.lost:
            return say.sentence(
                "Of the {n_now} customers not lost today, {n} are expected to be there still in {when} ({interval}), "
                "{n_lost} to be lost.",
                when=when,
                n=say.count(kept["n_expected"]),
                n_now=say.count(self.n_active),
                interval=self._interval(kept),
                n_lost=say.count(self.n_active - round(kept["n_expected"])),
            )
        last = self.forecast[(self.forecast["scope"] == ALL) & (self.forecast["n_ahead"] == self.horizon)]
        fullest = last.iloc[int(last["n_expected"].argmax())]
        return say.sentence(
            "In {when} {n} customers are expected, new ones included, {n_state} of them in {state} ({interval}).",
            when=when,
            n=say.count(everyone["n_expected"]),
            n_state=say.count(fullest["n_expected"]),
            state=say.state(fullest["state"]),
            interval=self._interval(fullest),
        )

    def _how_good(self) -> str:
        say = self.context.wording
        if self.untested:
            return say.sentence("Nothing says how good this is: {reason}.", reason=say.text(self.untested))
        row = self.hardest()
        values = {
            "n": say.count(row["n_origins"]),
            "error": say.share(row["error"]),
            "naive": say.share(row["error_naive"]),
            "name": say.text(AS_IF[str(row["term"])]),
            "coverage": say.share(self.coverage(), 0),
        }
        if row["ci_high"] < 1:
            return say.sentence(
                "In {n} back-tests the forecast of how many are in each state missed by {error}, {name} by {naive}; {coverage} "
                "of what happened lay within the interval.",
                **values,
            )
        if row["ci_low"] > 1:
            return say.sentence(
                "It is worse than {name}: in {n} back-tests it missed how many are in each state by {error}, against {naive}; "
                "{coverage} of what happened lay within the interval.",
                **values,
            )
        return say.sentence(
            "It is no better than {name}: in {n} back-tests it missed how many are in each state by {error}, against {naive}; "
            "{coverage} of what happened lay within the interval.",
            **values,
        )

    def hardest(self, scope: str = ALL) -> pd.Series:
        """The row of ``skill`` with the forecast without a model that is hardest to beat.

        Raises
        ------
        ParameterError
            There was no back-test of the scope.
        """
        return self._tested(self.skill, scope).iloc[0]

    def _tested(self, frame: pd.DataFrame, scope: str) -> pd.DataFrame:
        """The rows of a scope; raises where there was no back-test of it."""
        rows = frame[frame["scope"] == scope]
        if rows.empty:
            raise ParameterError(f"There is no back-test of the scope {scope!r}.", hint=self.untested or "Use 'all'.")
        return rows

    def _interval(self, row: pd.Series) -> str:
        return prediction_interval(self.context.wording, row["n_low"], row["n_high"], self.level)

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        kept, everyone = self._total(ACTIVE), self._total(ALL)
        when = period_in_words(say, kept["period"], self.freq)
        figures = [
            KeyFigure(
                value=say.count(everyone["n_expected"]),
                label=say.sentence(
                    "customers in {when}, new ones included, lost ones not"
                    if self.lost
                    else "customers in {when}, new ones included",
                    when=when,
                ),
                note=self._interval(everyone),
            )
        ]
        if self.lost:
            figures.append(
                KeyFigure(
                    value=say.count(self.n_active - round(kept["n_expected"])),
                    label=say.sentence("of the {n} not lost today are lost by then", n=say.count(self.n_active)),
                    note=prediction_interval(
                        say, self.n_active - kept["n_high"], self.n_active - kept["n_low"], self.level
                    ),
                )
            )
        if self.untested:
            figures += [
                KeyFigure(value=say.count(0), label=say.sentence("back-tests"), note=say.text(self.untested)),
                KeyFigure(
                    value=say.count(self.n_now),
                    label=say.sentence("customers now"),
                    note=say.sentence("counted, not estimated"),
                ),
            ]
            return tuple(figures)
        row = self.hardest()
        points = self.backtest_points
        return (
            *figures,
            KeyFigure(
                value=say.share(row["error"]),
                label=say.sentence("is what the forecast missed by in {n} back-tests", n=say.count(row["n_origins"])),
                note=say.sentence(
                    "{name}: {naive}", name=say.text(AS_IF[str(row["term"])]), naive=say.share(row["error_naive"])
                ),
            ),
            KeyFigure(
                value=say.share(self.coverage(), 0),
                label=say.sentence("of what happened lay within the interval"),
                note=say.sentence(
                    "of {n} numbers; {level} were meant to",
                    n=say.count((points["scope"] == ALL).sum()),
                    level=say.share(self.level, 0),
                ),
            ),
        )


def forecast_mix(
    panel: pd.DataFrame | StatePanel,
    *,
    horizon: int = 4,
    chain: Literal["auto", "pooled", "cyclic"] = "auto",
    lost: str | None = "lost",
    n_origins: int | None = None,
    n_draws: int = 1000,
    level: float = 0.95,
    seed: int = 1,
    states: Sequence[str] | None = None,
    context: Context | None = None,
) -> MixForecastResult:
    """Forecast how many customers will be in each state, and test that forecast on past periods.

    Customers who are there move by the chain, lost ones may come back, and new ones enter: n_{t+1} = n_t P + e, with the
    estimated P and the expected entrants e. The prediction interval is that of draws that hold

    1. that P is not known exactly: Dirichlet draws from the counts, and how far the mean of so few periods may be off;
    2. the chance of every customer: multinomial draws;
    3. that no two periods are alike: a period to come deviates from P as a random past one did, and carries on a part of the
       deviation before it, as much as neighboring periods were alike (a sieve of order 1, Bühlmann 1997). Past deviations are
       first shrunk to what chance does not explain, by the overdispersion of each row (moments of Pearson's X²), and made
       comparable between seasons by √(p(1−p)); a factor √(ν/χ²_ν), ν tables less matrices, holds that few periods do not show
       how far periods differ;
    4. that the number of new customers differs from the rule as much as it did before.

    Assumes (1) that where a customer goes depends on the state now; (2) that customers are independent, given the period; (3)
    that periods to come differ from each other as past ones did: a change of regime is not covered; (4) that new customers come
    as before.

    Parameters
    ----------
    panel : pandas.DataFrame or StatePanel
        One row per customer and period, from the customer's first period to the last of the panel, in any order: ``customer_id,
        period`` (first day, or a whole number), ``state``; or from :func:`kam.ledger.state_panel`.
    horizon : int
        Periods ahead.
    chain : {"auto", "pooled", "cyclic"}
        One matrix for all periods, or one per season; ``auto``: see :func:`~kam.churn.chain_choice.choose_chain`.
    lost : str or None
        The state that is lost; None: there is none.
    n_origins : int, optional
        Past periods from which to forecast; default: a third of the periods, the last ones, at least 3. The first possible origin
        is the fourth period; where fewer than 3 are possible the result says that and why nothing was tested.
    n_draws : int
        Draws of the future, at least 100; at each origin of the back-test at most 500.
    level : float
        Of the prediction intervals, between 0 and 1.
    seed : int
        The same seed gives the same forecast.
    states : sequence of str, optional
        The states in order. Default: as the panel has them, the lost one last.
    context : Context, optional
        Currency, language and dataset.

    Returns
    -------
    MixForecastResult

    Raises
    ------
    ParameterError
        An argument is out of range, a state is unknown, or a cyclic chain is asked for and not every season and state was seen in
        two years.
    DataError
        A customer is missing in a period after the first (where was it?), or stands twice in one.
    EmptyStateError
        A state was never seen to be left, or never seen.
    EmptyDataError, MissingColumnError, ColumnTypeError
        The panel is empty, has one period, or lacks a column.

    Notes
    -----
    Dirichlet draws stand for resampling customers, which is slower: of 3,000 customers over 24 months both gave the same interval
    within 1 %; where customers were of two very different kinds, resampling them gave one wider by 1 to 2 % one period ahead and
    by 2 to 6 % six ahead, because what is not known of P is a small part beside (2).

    New customers of a period: the mean number and first states of the same season in the years after the first (in which
    customers who were there before look new), scaled so that a year brings as many as the last one did. Where some season was not
    seen after the first year nothing is scaled, and that season has the mean of the periods after it, or of all periods if fewer
    than three came after it. Their number is drawn as Poisson × gamma: the rule's errors one period ahead give the variance,
    and their products with the next error the part of it that lasts.

    References
    ----------
    Anderson, T. W. and Goodman, L. A. (1957). Statistical inference about Markov chains. Annals of Mathematical Statistics 28.
    Breiman, L., Friedman, J., Olshen, R. and Stone, C. (1984). Classification and Regression Trees.
    Bühlmann, P. (1997). Sieve bootstrap for time series. Bernoulli 3.
    Politis, D. N. and Romano, J. P. (1994). The stationary bootstrap. J. of the American Statistical Association 89.

    Examples
    --------
    >>> rows = [(c, t, "lost" if t > c % 9 else "buys") for c in range(90) for t in range(8)]
    >>> panel = pd.DataFrame(rows, columns=["customer_id", "period", "state"])
    >>> result = forecast_mix(panel, horizon=2, n_draws=100)
    >>> result.totals[result.totals["scope"] == "active"][["n_ahead", "n_expected"]].round(1).to_numpy().tolist()
    [[1.0, 16.7], [2.0, 13.9]]
    """
    context = context or Context()
    _check_arguments(horizon, chain, n_draws, level, seed)
    sequences = _read(panel, states, lost)
    _need_no_gaps(sequences)
    history = read_history(sequences, lost)
    if not history.can_pool(history.last):
        stuck = int(
            np.flatnonzero((history.tables.sum(axis=(0, 2)) == 0) & (history.mix.sum(axis=0) > 0) & history.alive)[0]
        )
        raise EmptyStateError(
            f"Nobody in the state {history.states[stuck]!r} was seen a period later, so that nobody knows where they go.",
            hint="Leave the state out, or use other limits between the states.",
        )
    origins = past_origins(history, n_origins)
    usable = origins[[history.can_pool(o) for o in origins]]
    followed = follow_customers(sequences, with_years_before(history, usable), max(horizon, history.n_seasons))
    choice = decide_chain(chain, history, followed, usable)
    in_use = CYCLIC if choice.chain == "cyclic" else POOLED
    untested = why_untested(history, origins, usable, choice.chain, n_origins)

    rng = np.random.default_rng(seed)
    fitted = fit_at(history, history.last, in_use)
    future = look_ahead(history, history.last, horizon)
    starts = np.stack([history.mix[-1] * history.alive, history.mix[-1] * ~history.alive, 0 * history.mix[-1]])
    expected = expect_numbers(fitted, starts, future)
    draws, drawn_entrants = draw_numbers(rng, fitted, starts, future, n_draws)
    tested = usable[:0] if untested else usable
    cases = run_backtest(rng, history, followed, tested, horizon, min(n_draws, BACKTEST_DRAWS), level)
    points = points_frame(history, cases, in_use)
    ahead = history.ahead(horizon)
    result = MixForecastResult(
        context=context,
        forecast=_forecast_frame(history, ahead, expected, draws, level),
        totals=_totals_frame(history, ahead, expected, draws, level),
        entrants=_interval_frame(ahead, future.entrants.sum(axis=1), drawn_entrants, level),
        history=_history_frame(history),
        backtest=backtest_frame(cases),
        skill=skill_frame(rng, cases, in_use, level),
        backtest_points=points,
        chain=choice.chain,
        why_chain=choice.reason,
        untested=untested,
        lost=lost or "",
        freq=sequences.freq,
        horizon=horizon,
        n_origins=int(points["origin"].nunique()),
        n_left_out=len(origins) - len(usable),
        n_now=int(history.mix[-1].sum()),
        n_active=int(history.mix[-1][history.alive].sum()),
        variation=fitted.variation,
        entrants_rule="season" if future.by_season else "mean",
        n_draws=n_draws,
        seed=seed,
        level=level,
    )
    return replace(result, checks=check_forecast(result, fitted, history), assumed=assumed_of_forecast(result))


# -- inside ----------------------------------------------------------------------------------------------------------


def _check_arguments(horizon: int, chain: str, n_draws: int, level: float, seed: int) -> None:
    check_whole("horizon", horizon, at_least=1)
    check_whole("seed", seed, at_least=0)
    if chain not in ("auto", "pooled", "cyclic"):
        raise ParameterError(f"There is no chain {chain!r}.", hint="Use 'auto', 'pooled' or 'cyclic'.")
    if n_draws < 100:
        raise ParameterError(f"n_draws is {n_draws}.", hint="The ends of an interval need at least 100 draws.")
    if not 0 < level < 1:
        raise ParameterError(f"The level of an interval is {level}, which is not between 0 and 1.", hint="Use 0.95.")


def _read(panel: pd.DataFrame | StatePanel, states: Sequence[str] | None, lost: str | None) -> Sequences:
    rows = panel if isinstance(panel, pd.DataFrame) else panel.rows
    sequences = read_sequences(rows, states=states)
    if lost is not None and lost not in sequences.states:
        raise ParameterError(
            f"There is no state {lost!r}.",
            hint=f"The states are {', '.join(sequences.states)}; lost=None: none of them is lost.",
        )
    if states is None and lost in sequences.states[:-1]:
        order = [name for name in sequences.states if name != lost]
        sequences = read_sequences(rows, states=[*order, str(lost)])
    return sequences


def _need_no_gaps(sequences: Sequences) -> None:
    step = np.diff(sequences.period)
    same = sequences.customer[1:] == sequences.customer[:-1]
    ends = np.append(~same, True)
    early = ends & (sequences.period < len(sequences.periods) - 1)
    broken = np.append(same & (step > 1), False) | early
    if not broken.any():
        return
    row = int(np.flatnonzero(broken)[0])
    raise DataError(
        f"{len(np.unique(sequences.customer[broken]))} customers are missing in a period after their first.",
        where=f"customer {sequences.customers[sequences.customer[row]]!r}, "
        f"period {name_period(sequences.periods[sequences.period[row] + 1])}",
        hint="Give a state for every period up to the last, such as 'lost' for who is silent.",
    )


def _forecast_frame(history: MixHistory, ahead: pd.Index, expected: Floats, draws: Ints, level: float) -> pd.DataFrame:
    parts = []
    for scope, groups in GROUPS.items():
        mean, (low, high) = expected[:, groups].sum(axis=1), prediction_limits(draws[:, :, groups].sum(axis=2), level)
        parts.append(
            pd.DataFrame(
                {
                    "scope": scope,
                    "n_ahead": np.repeat(np.arange(1, len(ahead) + 1), len(history.states)),
                    "period": ahead.repeat(len(history.states)),
                    "state": np.tile(np.array(history.states, dtype=object), len(ahead)),
                    "n_expected": mean.ravel(),
                    "n_low": low.ravel(),
                    "n_high": high.ravel(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _totals_frame(history: MixHistory, ahead: pd.Index, expected: Floats, draws: Ints, level: float) -> pd.DataFrame:
    parts = []
    for scope, groups in GROUPS.items():
        mean = expected[:, groups][..., history.alive].sum(axis=(1, 2))
        frame = _interval_frame(ahead, mean, draws[:, :, groups][..., history.alive].sum(axis=(2, 3)), level)
        frame.insert(0, "scope", scope)
        parts.append(frame)
    return pd.concat(parts, ignore_index=True)


def _interval_frame(ahead: pd.Index, mean: Floats, draws: Ints, level: float) -> pd.DataFrame:
    low, high = prediction_limits(draws, level)
    columns = {
        "n_ahead": np.arange(1, len(ahead) + 1),
        "period": ahead,
        "n_expected": mean,
        "n_low": low,
        "n_high": high,
    }
    return pd.DataFrame(columns)


def _history_frame(history: MixHistory) -> pd.DataFrame:
    n = len(history.states)
    columns = {
        "period": history.periods.repeat(n),
        "state": np.tile(np.array(history.states, dtype=object), len(history.mix)),
        "n_customers": history.mix.ravel(),
    }
    return pd.DataFrame(columns)


# -- in words --------------------------------------------------------------------------------------------------------


def prediction_interval(say: Wording, low: float, high: float, level: float) -> str:
    """``95% prediction interval 1,050 to 1,180``."""
    return say.sentence(
        "{level} prediction interval {low} to {high}",
        level=say.share(level, 0),
        low=say.count(low),
        high=say.count(high),
    )
