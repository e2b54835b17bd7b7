"""How many customers will be in each state: the forecast of a Markov chain, what it does not know, and how well it did before.

The same forecast is made at past origins from what was known there, and compared with what happened and with forecasts that
need no model. Everything works on counts by period; customers are looked at only to be counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from kam.churn.estimation import count_cells, count_states
from kam.churn.sequences import PERIODS_A_YEAR, Sequences, name_period, read_sequences
from kam.errors import DataError, EmptyStateError, ParameterError
from kam.results import Assumed, Check, Context, KeyFigure, Result, Verdict
from kam.stats.resampling import percentile_interval

if TYPE_CHECKING:
    from kam.ledger.states import StatePanel
    from kam.wording import Wording

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

POOLED, CYCLIC, NO_CHANGE, YEAR_AGO = "pooled chain", "cyclic chain", "no change", "same period a year ago"
ALL, PRESENT, ACTIVE = "all", "present", "active"
TESTED = (ALL, ACTIVE)

MIN_ORIGINS = 3
"""A back-test of fewer origins says nothing."""
FIRST_ORIGIN = 3
"""Three tables of transitions, so that how much they vary can be estimated at the first origin."""
MIN_ENTRIES = 3
"""Periods after the first year from which on they, and not those before, say how many new customers come."""
BACKTEST_DRAWS = 500
"""At each origin at most so many draws are made: enough for the ends of an interval, and fast."""
ENTRANTS_OFF = 0.2
"""The rule for new customers holds if in the last year it was off by no more, or by no more than chance would have it."""
GOOD_COVERAGE = (0.10, 0.05)
"""How far the coverage of the back-test may lie below and above the level of the interval."""

SKILL_DRAWS = 1000
_GROUPS: dict[str, list[int]] = {ALL: [0, 1, 2], PRESENT: [0, 1], ACTIVE: [0]}
"""Which groups of customers make a scope: not lost today, lost today, new."""
_AS_IF = {NO_CHANGE: "assuming no change", YEAR_AGO: "taking the numbers of a year before"}


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
        points = self.backtest_points[self.backtest_points["scope"] == scope]
        if points.empty:
            raise ParameterError(f"There is no back-test of the scope {scope!r}.", hint=self.untested or "Use 'all'.")
        return float(points["n_actual"].between(points["n_low"], points["n_high"]).mean())

    def _total(self, scope: str) -> pd.Series:
        totals = self.totals
        return totals[(totals["scope"] == scope) & (totals["n_ahead"] == self.horizon)].iloc[0]

    def _sentence(self) -> str:
        return f"{self._what_comes()} {self._how_good()}"

    def _what_comes(self) -> str:
        say = self.context.wording
        kept, everyone = self._total(ACTIVE), self._total(ALL)
        when = name_in_words(say, kept["period"], self.freq)
        if self.lost:
            return say.sentence(
                "Of the {n_now} customers that still buy, {n} are expected still to buy in {when} ({interval}), {n_lost} to be "
                "lost.",
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
            state=fullest["state"],
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
            "name": say.text(_AS_IF[str(row["term"])]),
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
        rows = self.skill[self.skill["scope"] == scope]
        if rows.empty:
            raise ParameterError(f"There is no back-test of the scope {scope!r}.", hint=self.untested or "Use 'all'.")
        return rows.iloc[0]

    def _interval(self, row: pd.Series) -> str:
        return prediction_interval(self.context.wording, row["n_low"], row["n_high"], self.level)

    def _key_figures(self) -> tuple[KeyFigure, ...]:
        say = self.context.wording
        kept, everyone = self._total(ACTIVE), self._total(ALL)
        when = name_in_words(say, kept["period"], self.freq)
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
                    label=say.sentence("of the {n} that buy now are lost by then", n=say.count(self.n_active)),
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
                    "{name}: {naive}", name=say.text(_AS_IF[str(row["term"])]), naive=say.share(row["error_naive"])
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


@dataclass(frozen=True, eq=False, kw_only=True)
class ChainChoice:
    """Which chain forecasts better, see :func:`choose_chain`.

    Attributes
    ----------
    chain : str
        ``pooled`` or ``cyclic``.
    reason : str
        Why, in words.
    errors : pandas.DataFrame
        ``term, n_ahead, error, n_cases`` of both chains at the origins where both could forecast; empty where they were not
        compared.
    """

    chain: Literal["pooled", "cyclic"]
    reason: str
    errors: pd.DataFrame


def choose_chain(sequences: Sequences, *, lost: str | None, n_origins: int | None = None) -> ChainChoice:
    """Decide by back-test whether one chain for all periods or one per season forecasts better.

    At each held-out origin both chains are estimated from what was known there and forecast the states of the customers then
    present, for every period up to a year ahead; errors are summed over the states that are not lost. The cyclic chain is chosen
    only if it misses by less one period ahead, and up to a year ahead by more than one standard error (over origins) of the
    difference: chance does not choose the larger model (the one-standard-error rule of Breiman et al. 1984, section 3.4.3).

    Assumes (1) that what forecast better before will do so again; (2) that customers who are not seen at the end of a forecast
    went where the others did.

    Parameters
    ----------
    sequences : Sequences
        From :func:`~kam.churn.sequences.read_sequences`; gaps are allowed.
    lost : str or None
        Name of the lost state.
    n_origins : int, optional
        How many of the last origins; default: a third of the periods, at least 3.

    Returns
    -------
    ChainChoice
        Pooled, with the reason, where the two cannot be compared: before the origin the cyclic chain needs transitions of every
        season in two years, and of every state in every season.

    Raises
    ------
    ParameterError
        The lost state is not known, or so many origins are not possible.
    """
    seen = _see(sequences, lost)
    origins = _origins(seen, n_origins)
    return _decide("auto", seen, _follow(sequences, origins, seen.n_seasons), origins)


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
        One matrix for all periods, or one per season; ``auto``: see :func:`choose_chain`.
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
    _check_arguments(horizon, chain, n_draws, level)
    sequences = _read(panel, states, lost)
    _need_no_gaps(sequences)
    seen = _see(sequences, lost)
    if not seen.can_pool(seen.last):
        stuck = int(np.flatnonzero((seen.tables.sum(axis=(0, 2)) == 0) & (seen.mix.sum(axis=0) > 0) & seen.alive)[0])
        raise EmptyStateError(
            f"Nobody in the state {seen.states[stuck]!r} was seen a period later, so that nobody knows where they go.",
            hint="Leave the state out, or use other limits between the states.",
        )
    origins = _origins(seen, n_origins)
    usable = origins[[seen.can_pool(o) for o in origins]]
    followed = _follow(sequences, _with_year_before(seen, usable), max(horizon, seen.n_seasons))
    choice = _decide(chain, seen, followed, usable)
    in_use = CYCLIC if choice.chain == "cyclic" else POOLED
    untested = _why_untested(seen, origins, usable, choice.chain, n_origins)

    rng = np.random.default_rng(seed)
    fit = _fit_at(seen, seen.last, in_use)
    future = _look_ahead(seen, seen.last, horizon)
    starts = np.stack([seen.mix[-1] * seen.alive, seen.mix[-1] * ~seen.alive, 0 * seen.mix[-1]])
    expected = _expect(fit, starts, future)
    draws, drawn_entrants = _draw(rng, fit, starts, future, n_draws)
    tested = usable[:0] if untested else usable
    cases = _backtest(rng, seen, followed, tested, horizon, min(n_draws, BACKTEST_DRAWS), level)
    points = _points_frame(sequences, seen, cases, in_use)
    ahead = _periods_ahead(sequences, horizon)
    result = MixForecastResult(
        context=context,
        forecast=_forecast_frame(seen, ahead, expected, draws, level),
        totals=_totals_frame(seen, ahead, expected, draws, level),
        entrants=_interval_frame(ahead, future.entrants.sum(axis=1), drawn_entrants, level),
        history=_history_frame(sequences, seen),
        backtest=_backtest_frame(cases),
        skill=_skill_frame(rng, cases, in_use, level),
        backtest_points=points,
        chain=choice.chain,
        why_chain=choice.reason,
        untested=untested,
        lost=lost or "",
        freq=sequences.freq,
        horizon=horizon,
        n_origins=int(points["origin"].nunique()),
        n_left_out=len(origins) - len(usable),
        n_now=int(seen.mix[-1].sum()),
        n_active=int(seen.mix[-1][seen.alive].sum()),
        variation=fit.variation,
        entrants_rule="season" if future.by_season else "mean",
        n_draws=n_draws,
        seed=seed,
        level=level,
    )
    return replace(result, checks=_checks(result, fit, seen), assumed=_assumed(result))


# -- what was seen ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, kw_only=True)
class _Seen:
    """A panel as counts by period; what was known at the end of period o is ``tables[:o]``, ``mix[:o + 1]``."""

    states: tuple[str, ...]
    tables: Ints  # (T, S, S), by the period that is left
    mix: Ints  # (T, S)
    entered: Ints  # (T, S): seen for the first time; those of the first period are not new
    one_ahead: Floats  # (T,): new customers that the rule expected one period before
    season: Ints
    n_seasons: int
    alive: Bools

    @property
    def last(self) -> int:
        return len(self.mix) - 1

    def can_pool(self, origin: int) -> bool:
        """Every state that anybody was in has a row of probabilities; who is lost, and was never followed, stays so."""
        left, seen = self.tables[:origin].sum(axis=(0, 2)) > 0, self.mix[: origin + 1].sum(axis=0) > 0
        return bool((left | ~seen | ~self.alive).all())

    def can_cycle(self, origin: int) -> bool:
        """Every season has transitions in two years, and every state that anybody was in a row in every season."""
        if self.n_seasons == 1 or not self.can_pool(origin):
            return False
        known, season = self.tables[:origin], self.season[:origin]
        years = np.bincount(season[known.sum(axis=(1, 2)) > 0], minlength=self.n_seasons)
        counts = _sum_by(known, season, self.n_seasons)
        used = self.mix[: origin + 1].sum(axis=0) > 0
        return bool((years >= 2).all() and (counts.sum(axis=2)[:, used] > 0).all())


def _see(sequences: Sequences, lost: str | None) -> _Seen:
    n, shape = len(sequences.states), (len(sequences.periods), len(sequences.states))
    first = np.append(True, sequences.customer[1:] != sequences.customer[:-1])
    cell = sequences.period[first] * n + sequences.state[first]
    entered = np.bincount(cell, minlength=shape[0] * n).reshape(shape)
    alive = np.ones(n, dtype=bool)
    if lost is not None:
        alive[sequences.index(lost)] = False
    season = sequences.season
    one_ahead = np.full(shape[0], np.nan)
    for u in range(2, shape[0]):
        one_ahead[u] = _expect_entrants(entered[:u], season, sequences.n_seasons, 1)[0].sum()
    return _Seen(
        states=sequences.states,
        tables=count_cells(sequences),
        mix=count_states(sequences),
        entered=entered,
        one_ahead=one_ahead,
        season=season,
        n_seasons=sequences.n_seasons,
        alive=alive,
    )


def _follow(sequences: Sequences, origins: Ints, horizon: int) -> Ints:
    """Customers in state i at an origin and in j so many periods later, shape (T, horizon, S, S); 0 where not asked for."""
    n, n_periods = len(sequences.states), len(sequences.periods)
    panel = np.full((n_periods, len(sequences.customers)), n, dtype=np.int32)
    panel[sequences.period, sequences.customer] = sequences.state
    pairs = np.zeros((n_periods, horizon, n, n), dtype=np.int64)
    for o in origins:
        begin = panel[o] * (n + 1)
        for h in range(1, min(horizon, n_periods - 1 - o) + 1):
            both = np.bincount(begin + panel[o + h], minlength=(n + 1) ** 2).reshape(n + 1, n + 1)
            pairs[o, h - 1] = both[:n, :n]
    return pairs


def _origins(seen: _Seen, n_origins: int | None) -> Ints:
    """The last periods from which one period ahead can be checked; by default as many as a third of the periods, at least 3."""
    possible = np.arange(FIRST_ORIGIN, seen.last)
    if n_origins is None:
        return possible[-max(MIN_ORIGINS, len(seen.mix) // 3) :]
    if not 1 <= n_origins <= len(possible):
        raise ParameterError(
            f"A back-test from {n_origins} origins was asked for.",
            where=f"{len(seen.mix)} periods",
            hint=f"At most {len(possible)} are possible; by default there are as many as a third of the periods.",
        )
    return possible[-n_origins:]


def _with_year_before(seen: _Seen, origins: Ints) -> Ints:
    """The origins, and those whole years before them."""
    if not len(origins) or seen.n_seasons == 1:
        return origins
    years = origins[:, None] - seen.n_seasons * np.arange(seen.last // seen.n_seasons + 1)
    return np.unique(years[years >= 0])


# -- the chain, and how it varies ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, kw_only=True)
class _Fit:
    """A chain of C seasons, estimated from m tables, and how these differ from it.

    ``deviations`` (m, S, S) are those of each table from its season's matrix, in units of √(p(1−p)), scaled so that their mean
    square is the variance that chance does not explain; ``weights`` (m, S) are each table's share of its season's row;
    ``persistence`` is the correlation of neighboring deviations.
    """

    p: Floats
    counts: Floats
    group: Ints
    deviations: Floats
    weights: Floats
    persistence: float
    variation: float
    surely_varies: bool

    @property
    def freedom(self) -> int:
        return len(self.group) - len(self.p)


def _fit_at(seen: _Seen, origin: int, term: str) -> _Fit:
    tables = seen.tables[:origin]
    if term == CYCLIC:
        return _fit(tables, seen.season[:origin], seen.n_seasons)
    return _fit(tables, np.zeros(origin, dtype=np.int64), 1)


def _fit(tables: Ints, group: Ints, n_groups: int) -> _Fit:
    """Estimate the chain and the overdispersion of each row.

    Under the Dirichlet-multinomial law with intraclass correlation ρ the share of table t has the variance p(1−p) s_t, s_t =
    1/n_t + ρ(1 − 1/n_t). With h_t = n_t/Σn and a columns, E X² = Σ_t (a−1) n_t [s_t(1 − 2h_t) + Σ_u h_u² s_u]; solved for ρ ≥ 0.
    """
    counts = _sum_by(tables, group, n_groups)
    total = counts.sum(axis=2)
    p = np.where(total[:, :, None] > 0, _ratio(counts, total[:, :, None]), np.eye(counts.shape[-1]))
    n = tables.sum(axis=2)
    weights = _ratio(n, total[group])
    mean = p[group]
    residual = np.where(n[:, :, None] > 0, _ratio(tables, n[:, :, None]) - mean, 0.0)
    pearson = (n[:, :, None] * _ratio(residual**2, mean)).sum(axis=(0, 2))
    inner = np.where(n > 0, 1 - _ratio(np.ones_like(n), n), 0.0)
    columns = (mean > 0).sum(axis=2) - 1
    freedom = (columns * (n > 0) * (1 - weights)).sum(axis=0)
    slope = (columns * n * ((1 - 2 * weights) * inner + _sum_by(weights**2 * inner, group, n_groups)[group])).sum(
        axis=0
    )
    rho = np.clip(_ratio(pearson - freedom, slope), 0.0, 0.99)

    per_table = np.where(n > 0, _ratio(np.ones_like(n), n) + rho * inner, 0.0)
    left = per_table * (1 - 2 * weights) + _sum_by(weights**2 * per_table, group, n_groups)[group]
    scale = np.sqrt(np.where(left > 1e-15, _ratio(np.broadcast_to(rho, left.shape), left), 0.0))
    deviations = scale[:, :, None] * _ratio(residual, np.sqrt(mean * (1 - mean)))
    together = float(_ratio((deviations[1:] * deviations[:-1]).sum(), (deviations**2).sum()))
    persistence = min(max(0.0, together + 1 / len(tables)), 0.9) if together else 0.0
    variation = float(_ratio(pearson.sum(), freedom.sum()))
    return _Fit(
        p=p,
        counts=counts,
        group=group,
        deviations=deviations,
        weights=weights,
        persistence=persistence,
        variation=variation,
        surely_varies=bool(freedom.sum() > 0 and variation > 1 + 2 * np.sqrt(2 / freedom.sum())),
    )


def _sum_by(values: npt.ArrayLike, group: Ints, n_groups: int) -> Floats:
    values = np.asarray(values, dtype=float)
    sums = np.zeros((n_groups, *values.shape[1:]))
    np.add.at(sums, group, values)
    return sums


def _ratio(a: npt.ArrayLike, b: npt.ArrayLike) -> Floats:
    """a / b, and 0 where b is 0."""
    numerator, denominator = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    out = np.zeros(np.broadcast_shapes(numerator.shape, denominator.shape))
    return np.divide(numerator, denominator, out=out, where=denominator != 0)


# -- the future ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, kw_only=True)
class _Future:
    """The seasons of the H periods that are left from an origin on, and who enters: means (H, S), variances relative to them."""

    season: Ints
    entrants: Floats
    by_season: bool
    variance: float
    variance_lasting: float


def _look_ahead(seen: _Seen, origin: int, horizon: int) -> _Future:
    entrants, by_season = _expect_entrants(seen.entered[: origin + 1], seen.season, seen.n_seasons, horizon)
    variance, lasting = _entrants_variance(seen, origin)
    return _Future(
        season=(seen.season[origin] + np.arange(horizon)) % seen.n_seasons,
        entrants=entrants,
        by_season=by_season,
        variance=variance,
        variance_lasting=lasting,
    )


def _expect_entrants(entered: Ints, season: Ints, n_seasons: int, horizon: int) -> tuple[Floats, bool]:
    """Mean new customers by first state in the next periods, from those of the periods so far; whether all go by their season."""
    now = len(entered) - 1
    periods = np.arange(1, now + 1)
    settled = periods[periods >= n_seasons]
    typical = settled if len(settled) >= MIN_ENTRIES else periods
    fallback = entered[typical].mean(axis=0) if len(typical) else np.zeros(entered.shape[1])
    means: dict[int, Floats] = {}
    if n_seasons > 1:
        means = {c: entered[settled[season[settled] == c]].mean(axis=0) for c in np.unique(season[settled]).tolist()}
    if means and len(means) == n_seasons:  # as many in a year as in the last one
        level = _ratio(entered[now + 1 - n_seasons : now + 1].sum(), sum(mean.sum() for mean in means.values()))
        means = {c: level * mean for c, mean in means.items()}
    ahead = [int(season[now] + h) % n_seasons for h in range(1, horizon + 1)]
    return np.stack([means.get(c, fallback) for c in ahead]), all(c in means for c in ahead)


def _entrants_variance(seen: _Seen, origin: int) -> tuple[float, float]:
    """Variance of new customers relative to the rule, beyond Poisson's, and the part of it that lasts from period to period."""
    periods = np.arange(min(2, origin + 1), origin + 1)
    settled = periods[periods >= seen.n_seasons + MIN_ENTRIES]
    used = settled if len(settled) >= MIN_ENTRIES else periods
    rule, error = seen.one_ahead[used], seen.entered[used].sum(axis=1) - seen.one_ahead[used]
    variance = max(0.0, float(_ratio((error**2 - rule).sum(), (rule**2).sum())))
    lasting = float(_ratio((error[1:] * error[:-1]).sum(), (rule[1:] * rule[:-1]).sum()))
    return variance, min(max(0.0, lasting), variance)


def _expect(fit: _Fit, starts: Ints, future: _Future) -> Floats:
    """Expected numbers (H, K, S) of K groups of customers; new ones join the last group."""
    numbers = starts.astype(float)
    path = np.empty((len(future.season), *numbers.shape))
    for h, season in enumerate(future.season):
        numbers = numbers @ fit.p[season % len(fit.p)]
        numbers[-1] += future.entrants[h]
        path[h] = numbers
    return path


def _draw(rng: np.random.Generator, fit: _Fit, starts: Ints, future: _Future, n_draws: int) -> tuple[Ints, Ints]:
    """Draws (B, H, K, S) of the numbers, and (B, H) of the new customers; everything that the interval holds is in them."""
    horizon = len(future.season)
    lasting = _gamma_of_mean_one(rng, future.variance_lasting, (n_draws, 1))
    passing = _gamma_of_mean_one(rng, future.variance - future.variance_lasting, (n_draws, horizon))
    entrants = rng.poisson(future.entrants * (lasting * passing)[:, :, None])
    p = _draw_matrices(rng, fit, future.season, n_draws)
    numbers = np.broadcast_to(starts, (n_draws, *starts.shape))
    path = np.empty((n_draws, horizon, *starts.shape), dtype=np.int64)
    for h in range(horizon):
        numbers = rng.multinomial(numbers, p[:, h, None]).sum(axis=-2)
        numbers[:, -1] += entrants[:, h]
        path[:, h] = numbers
    return path, entrants.sum(axis=2)


def _draw_matrices(rng: np.random.Generator, fit: _Fit, season: Ints, n_draws: int) -> Floats:
    """Draw the probabilities of the periods to come, shape (B, H, S, S)."""
    n_chains, n_tables, ahead = len(fit.p), len(fit.group), season % len(fit.p)
    gamma = rng.standard_gamma(fit.counts, size=(n_draws, *fit.counts.shape))
    total = gamma.sum(axis=-1, keepdims=True)
    p = np.where(total > 0, _ratio(gamma, total), fit.p)[:, ahead]
    if fit.freedom < 1 or not fit.deviations.any():
        return p
    past = _draw_deviations(rng, fit, n_draws, n_tables)
    of_mean = np.empty((n_draws, n_chains, *fit.p.shape[1:]))
    for c in range(n_chains):
        mine = fit.group == c
        of_mean[:, c] = np.einsum("ti,btij->bij", fit.weights[mine], past[:, mine])
    total_deviation = of_mean[:, ahead] + _draw_deviations(rng, fit, n_draws, len(season))
    total_deviation *= np.sqrt(fit.freedom / rng.chisquare(fit.freedom, n_draws))[:, None, None, None]
    shift = np.sqrt(fit.p * (1 - fit.p))[ahead] * total_deviation
    shift -= fit.p[ahead] * shift.sum(axis=-1, keepdims=True)
    p = np.maximum(p + shift, 0.0)
    return np.asarray(p / p.sum(axis=-1, keepdims=True))


def _draw_deviations(rng: np.random.Generator, fit: _Fit, n_draws: int, length: int) -> Floats:
    """Paths (B, length, S, S) of deviations: each a part of the one before and a random one of those seen."""
    path = fit.deviations[rng.integers(len(fit.deviations), size=(n_draws, length))]
    if fit.persistence:
        for t in range(1, length):
            path[:, t] = fit.persistence * path[:, t - 1] + np.sqrt(1 - fit.persistence**2) * path[:, t]
    return path


def _runs(rng: np.random.Generator, n_draws: int, length: int, n: int) -> Ints:
    """Draw (n_draws, length) of n periods in runs of neighbors, n^(1/3) long on average, the first following the last."""
    begins = rng.random((n_draws, length)) < n ** (-1 / 3)
    begins[:, 0] = True
    place = np.arange(length)
    begun = np.maximum.accumulate(np.where(begins, place, 0), axis=1)
    return np.asarray((np.take_along_axis(rng.integers(n, size=(n_draws, length)), begun, 1) + place - begun) % n)


def _gamma_of_mean_one(rng: np.random.Generator, variance: float, shape: tuple[int, int]) -> Floats:
    return rng.gamma(1 / variance, variance, shape) if variance > 1e-12 else np.ones(shape)


# -- the back-test ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, kw_only=True)
class _Cases:
    """Forecasts and what happened: arrays (2, O, H, S) by scope tested, origin, periods ahead and state that is not lost.

    Not a number where there is none.
    """

    origins: Ints
    actual: Floats
    forecast: dict[str, Floats]
    low: dict[str, Floats]
    high: dict[str, Floats]


def _backtest(
    rng: np.random.Generator, seen: _Seen, followed: Ints, origins: Ints, horizon: int, n_draws: int, level: float
) -> _Cases:
    alive, year = seen.alive, seen.n_seasons
    shape = (len(TESTED), len(origins), horizon, int(alive.sum()))
    terms = [POOLED, CYCLIC, NO_CHANGE, YEAR_AGO]
    actual = np.full(shape, np.nan)
    forecast, low, high = ({term: np.full(shape, np.nan) for term in terms} for _ in range(3))
    for k, o in enumerate(origins):
        steps = min(horizon, seen.last - o)
        now = seen.mix[o] * alive
        actual[:, k, :steps] = seen.mix[o + 1 : o + 1 + steps, alive], followed[o, :steps, alive].sum(axis=0)[:, alive]
        forecast[NO_CHANGE][:, k, :steps] = now[alive]
        for h in range(1, steps + 1):
            before = o - year * -(-h // year)
            if year > 1 and before >= 0:
                kept = followed[before, h - 1][alive][:, alive].sum(axis=0)
                forecast[YEAR_AGO][0, k, h - 1] = seen.mix[before + h, alive]
                forecast[YEAR_AGO][1, k, h - 1] = kept * _ratio(now.sum(), seen.mix[before, alive].sum())
        future = _look_ahead(seen, o, steps)
        starts = np.stack([now, seen.mix[o] - now])
        for term in (POOLED, CYCLIC) if seen.can_cycle(o) else (POOLED,):
            fit = _fit_at(seen, o, term)
            expected = _expect(fit, starts, future)[..., alive]
            draws = _draw(rng, fit, starts, future, n_draws)[0][..., alive]
            for at, (mean, drawn) in enumerate(
                ((expected.sum(axis=1), draws.sum(axis=2)), (expected[:, 0], draws[:, :, 0]))
            ):
                forecast[term][at, k, :steps] = mean
                low[term][at, k, :steps], high[term][at, k, :steps] = _limits(drawn, level)
    return _Cases(origins=origins, actual=actual, forecast=forecast, low=low, high=high)


def _limits(draws: npt.ArrayLike, level: float) -> tuple[Floats, Floats]:
    """Whole numbers between which the level lies, over the first axis."""
    tail = round((1 - level) / 2, 12)
    low, high = np.quantile(np.asarray(draws), [tail, 1 - tail], axis=0)
    return np.floor(low), np.ceil(high)


def _decide(chain: str, seen: _Seen, followed: Ints, origins: Ints) -> ChainChoice:
    if chain == "pooled":
        return _no_choice("it was asked for")
    possible = seen.can_cycle(seen.last)
    if chain == "cyclic":
        if not possible:
            raise ParameterError(
                "A chain with seasons needs transitions of every season in two years, and of every state in every season.",
                where=f"{len(seen.mix)} periods, {seen.n_seasons} in a year",
                hint="Use chain='pooled', or more data.",
            )
        return ChainChoice(chain="cyclic", reason="it was asked for", errors=_errors_frame({}))
    if seen.n_seasons == 1:
        return _no_choice("the periods have no seasons")
    if not possible:
        return _no_choice("not every season and state was seen in two years")
    return _choose(seen, followed, origins)


def _choose(seen: _Seen, followed: Ints, origins: Ints) -> ChainChoice:
    both = [o for o in origins if seen.can_cycle(o)]
    if len(both) < MIN_ORIGINS:
        return _no_choice("too few periods were held out to compare it with a chain for each season")
    year, alive = seen.n_seasons, seen.alive
    actual = followed[both].sum(axis=2)[..., alive].astype(float)
    starts = followed[both].sum(axis=3)
    actual[starts.sum(axis=2) == 0] = np.nan
    error = {}
    for term in (POOLED, CYCLIC):
        forecast = np.empty_like(actual)
        for k, o in enumerate(both):
            p, step = _fit_at(seen, o, term).p, np.eye(len(seen.states))
            for h in range(year):
                step = step @ p[(seen.season[o] + h) % len(p)]
                forecast[k, h] = (starts[k, h] @ step)[alive]
        error[term] = np.abs(forecast - actual)
    difference = np.nansum(error[CYCLIC] - error[POOLED], axis=(1, 2))
    standard_error = difference.std(ddof=1) / np.sqrt(len(both))
    sooner = np.nansum(error[CYCLIC][:, 0]) < np.nansum(error[POOLED][:, 0])
    better = sooner and difference.mean() + standard_error < 0
    frame = _errors_frame({term: (values, actual) for term, values in error.items()})
    if better:
        return ChainChoice(
            chain="cyclic", reason="a chain for each season missed by less in the back-test", errors=frame
        )
    return ChainChoice(
        chain="pooled", reason="a chain for each season did not miss by clearly less in the back-test", errors=frame
    )


def _no_choice(reason: str) -> ChainChoice:
    return ChainChoice(chain="pooled", reason=reason, errors=_errors_frame({}))


def _why_untested(seen: _Seen, origins: Ints, usable: Ints, chain: str, n_origins: int | None) -> str:
    needed = min(MIN_ORIGINS, n_origins or MIN_ORIGINS)
    if len(origins) < needed:
        return "too few periods were seen to hold some out"
    if len(usable) < needed:
        return "at the past origins some state had not yet been seen to be left"
    if chain == "cyclic" and sum(seen.can_cycle(o) for o in usable) < needed:
        return "at the past origins not every season and state had been seen in two years"
    return ""


# -- frames ----------------------------------------------------------------------------------------------------------


def _forecast_frame(seen: _Seen, ahead: pd.Index, expected: Floats, draws: Ints, level: float) -> pd.DataFrame:
    parts = []
    for scope, groups in _GROUPS.items():
        mean, (low, high) = expected[:, groups].sum(axis=1), _limits(draws[:, :, groups].sum(axis=2), level)
        parts.append(
            pd.DataFrame(
                {
                    "scope": scope,
                    "n_ahead": np.repeat(np.arange(1, len(ahead) + 1), len(seen.states)),
                    "period": ahead.repeat(len(seen.states)),
                    "state": np.tile(np.array(seen.states, dtype=object), len(ahead)),
                    "n_expected": mean.ravel(),
                    "n_low": low.ravel(),
                    "n_high": high.ravel(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _totals_frame(seen: _Seen, ahead: pd.Index, expected: Floats, draws: Ints, level: float) -> pd.DataFrame:
    parts = []
    for scope, groups in _GROUPS.items():
        mean = expected[:, groups][..., seen.alive].sum(axis=(1, 2))
        frame = _interval_frame(ahead, mean, draws[:, :, groups][..., seen.alive].sum(axis=(2, 3)), level)
        frame.insert(0, "scope", scope)
        parts.append(frame)
    return pd.concat(parts, ignore_index=True)


def _interval_frame(ahead: pd.Index, mean: Floats, draws: Ints, level: float) -> pd.DataFrame:
    low, high = _limits(draws, level)
    columns = {
        "n_ahead": np.arange(1, len(ahead) + 1),
        "period": ahead,
        "n_expected": mean,
        "n_low": low,
        "n_high": high,
    }
    return pd.DataFrame(columns)


def _history_frame(sequences: Sequences, seen: _Seen) -> pd.DataFrame:
    n = len(seen.states)
    columns = {
        "period": sequences.periods.repeat(n),
        "state": np.tile(np.array(seen.states, dtype=object), len(seen.mix)),
        "n_customers": seen.mix.ravel(),
    }
    return pd.DataFrame(columns)


def _backtest_frame(cases: _Cases) -> pd.DataFrame:
    rows = []
    for at, scope in enumerate(TESTED):
        for term in cases.forecast:
            for h in range(cases.actual.shape[2]):
                actual, forecast = cases.actual[at, :, h], cases.forecast[term][at, :, h]
                there = np.isfinite(actual) & np.isfinite(forecast)
                if not actual[there].sum():
                    continue
                low, high = cases.low[term][at, :, h][there], cases.high[term][at, :, h][there]
                inside = (low <= actual[there]) & (actual[there] <= high)
                rows.append(
                    {
                        "scope": scope,
                        "term": term,
                        "n_ahead": h + 1,
                        "error": np.abs(forecast - actual)[there].sum() / actual[there].sum(),
                        "bias": (forecast - actual)[there].sum() / actual[there].sum(),
                        "coverage": inside.mean() if np.isfinite(low).all() else np.nan,
                        "n_cases": int(there.sum()),
                    }
                )
    return _frame(
        rows,
        {"scope": str, "term": str, "n_ahead": int, "error": float, "bias": float, "coverage": float, "n_cases": int},
    )


def _errors_frame(errors: Mapping[str, tuple[Floats, Floats]]) -> pd.DataFrame:
    rows = [
        {
            "term": term,
            "n_ahead": h + 1,
            "error": float(_ratio(np.nansum(error[:, h]), np.nansum(actual[:, h]))),
            "n_cases": int(np.isfinite(actual[:, h]).sum()),
        }
        for term, (error, actual) in errors.items()
        for h in range(actual.shape[1])
        if np.isfinite(actual[:, h]).any()
    ]
    return _frame(rows, {"term": str, "n_ahead": int, "error": float, "n_cases": int})


def _skill_frame(rng: np.random.Generator, cases: _Cases, in_use: str, level: float) -> pd.DataFrame:
    rows = []
    for at, scope in enumerate(TESTED):
        for term in (NO_CHANGE, YEAR_AGO):
            there = (
                np.isfinite(cases.actual[at])
                & np.isfinite(cases.forecast[in_use][at])
                & np.isfinite(cases.forecast[term][at])
            )
            if not there.any():
                continue
            total = cases.actual[at][there].sum()
            mine, naive = (
                np.where(there, np.abs(cases.forecast[name][at] - cases.actual[at]), 0.0).sum(axis=(1, 2))
                for name in (in_use, term)
            )
            origins = np.flatnonzero(there.any(axis=(1, 2)))
            paths = origins[_runs(rng, SKILL_DRAWS, len(origins), len(origins))]
            over = naive[paths].sum(axis=1)
            ratios = mine[paths].sum(axis=1)[over > 0] / over[over > 0]
            low, high = percentile_interval(ratios, level) if ratios.size else (np.nan, np.nan)
            rows.append(
                {
                    "scope": scope,
                    "term": term,
                    "error": _ratio(mine.sum(), total),
                    "error_naive": _ratio(naive.sum(), total),
                    "estimate": mine.sum() / naive.sum() if naive.sum() else np.nan,
                    "ci_low": low,
                    "ci_high": high,
                    "n_origins": len(origins),
                }
            )
    columns = {
        "scope": str,
        "term": str,
        "error": float,
        "error_naive": float,
        "estimate": float,
        "ci_low": float,
        "ci_high": float,
    }
    frame = _frame(rows, columns | {"n_origins": int})
    return frame.sort_values(["scope", "estimate"], ascending=[False, False], ignore_index=True)


def _points_frame(sequences: Sequences, seen: _Seen, cases: _Cases, in_use: str) -> pd.DataFrame:
    forecast = cases.forecast[in_use]
    at, origin, h, state = np.nonzero(np.isfinite(forecast) & np.isfinite(cases.actual))
    there = (at, origin, h, state)
    names = np.array(seen.states, dtype=object)[seen.alive]
    return pd.DataFrame(
        {
            "scope": np.array(TESTED, dtype=object)[at],
            "origin": sequences.periods[cases.origins[origin]],
            "n_ahead": h + 1,
            "period": sequences.periods[cases.origins[origin] + h + 1],
            "state": names[state],
            "n_expected": forecast[there],
            "n_low": cases.low[in_use][there],
            "n_high": cases.high[in_use][there],
            "n_actual": cases.actual[there].astype(np.int64),
        }
    )


def _frame(rows: list[dict[str, object]], columns: Mapping[str, type]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series([row[name] for row in rows], dtype=kind) for name, kind in columns.items()})


def _periods_ahead(sequences: Sequences, horizon: int) -> pd.Index:
    last, steps = sequences.periods[-1], range(1, horizon + 1)
    if sequences.freq == "period":
        return pd.Index([int(last) + k for k in steps], name="period")
    months = 12 // PERIODS_A_YEAR[sequences.freq]
    return pd.DatetimeIndex([last + pd.DateOffset(months=months * k) for k in steps], name="period")


# -- reading, checking, saying ---------------------------------------------------------------------------------------


def _check_arguments(horizon: int, chain: str, n_draws: int, level: float) -> None:
    if horizon < 1:
        raise ParameterError(f"The horizon is {horizon}.", hint="Give the number of periods ahead, at least 1.")
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


def name_in_words(say: Wording, period: object, freq: str) -> str:
    """A period in a sentence: a month, quarter or year, or the number of a period."""
    if isinstance(period, pd.Timestamp):
        return say.period(period, freq)
    return say.sentence("period {n}", n=period)


def prediction_interval(say: Wording, low: float, high: float, level: float) -> str:
    """``95% prediction interval 1,050 to 1,180``."""
    return say.sentence(
        "{level} prediction interval {low} to {high}",
        level=say.share(level, 0),
        low=say.count(low),
        high=say.count(high),
    )


def _checks(result: MixForecastResult, fit: _Fit, seen: _Seen) -> tuple[Check, ...]:
    return _check_periods(result, fit), _check_entrants(result, seen), _check_coverage(result), _check_skill(result)


def _check_periods(result: MixForecastResult, fit: _Fit) -> Check:
    say = result.context.wording
    assumption = (
        say.sentence("the probabilities are the same in every period")
        if result.chain == "pooled"
        else say.sentence("the probabilities are the same in the same season of every year")
    )
    if not result.variation:
        return Check(assumption=assumption, finding=say.sentence("too few periods to tell"), verdict="not testable")
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "they differ {x} times as much as chance alone would have it; the interval holds that",
            x=say.number(result.variation, 1),
        ),
        verdict="handled" if fit.surely_varies else "holds",
        statistic=result.variation,
    )


def _check_entrants(result: MixForecastResult, seen: _Seen) -> Check:
    say = result.context.wording
    assumption = say.sentence("new customers come as before")
    used = np.arange(len(seen.mix))[-min(seen.n_seasons if seen.n_seasons > 1 else 4, len(seen.mix)) :]
    used = used[np.isfinite(seen.one_ahead[used])]
    if not len(used):
        return Check(assumption=assumption, finding=say.sentence("too few periods to tell"), verdict="not testable")
    came, rule = int(seen.entered[used].sum()), float(seen.one_ahead[used].sum())
    verdict: Verdict = "holds" if abs(came - rule) <= max(ENTRANTS_OFF * rule, 2 * np.sqrt(rule)) else "does not hold"
    return Check(
        assumption=assumption,
        finding=say.plural(
            "in the last period {came} came where the rule expected {rule}",
            "in the last {n} periods {came} came where the rule expected {rule}",
            len(used),
            came=say.count(came),
            rule=say.count(rule),
        ),
        verdict=verdict,
        statistic=float(came - rule),
    )


def _check_coverage(result: MixForecastResult) -> Check:
    say = result.context.wording
    assumption = say.sentence("the interval covered what happened")
    if result.untested:
        return Check(assumption=assumption, finding=say.text(result.untested), verdict="not testable")
    covered = [result.coverage(scope) for scope in TESTED]
    low, high = result.level - GOOD_COVERAGE[0], result.level + GOOD_COVERAGE[1]
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "{covered} of {n} numbers lay within the {level} interval, from {origins} origins; without new and once lost "
            "customers {covered_active}",
            covered=say.share(covered[0]),
            n=say.count((result.backtest_points["scope"] == ALL).sum()),
            level=say.share(result.level, 0),
            origins=say.count(result.n_origins),
            covered_active=say.share(covered[1]),
        ),
        verdict="holds" if all(low <= share <= high for share in covered) else "does not hold",
        statistic=covered[0],
    )


def _check_skill(result: MixForecastResult) -> Check:
    say = result.context.wording
    assumption = say.sentence("the chain forecasts better than no model")
    if result.untested:
        return Check(assumption=assumption, finding=say.text(result.untested), verdict="not testable")
    row = result.hardest()
    if not np.isfinite(row["estimate"]):
        return Check(
            assumption=assumption,
            finding=say.sentence("{name} missed by nothing: nothing moved", name=say.text(_AS_IF[row["term"]])),
            verdict="not testable",
        )
    return Check(
        assumption=assumption,
        finding=say.sentence(
            "its error is {x} of that of {name} ({interval}, origins resampled)",
            x=say.share(row["estimate"], 0),
            name=say.text(_AS_IF[row["term"]]),
            interval=say.interval(say.share(row["ci_low"], 0), say.share(row["ci_high"], 0), result.level),
        ),
        verdict="holds" if row["ci_high"] < 1 else "does not hold",
        statistic=float(row["estimate"]),
    )


def _assumed(result: MixForecastResult) -> tuple[Assumed, ...]:
    say = result.context.wording
    return (
        Assumed(
            what=say.sentence("new customers"),
            value=say.sentence(
                "{n} in {time}, as in the same seasons before"
                if result.entrants_rule == "season"
                else "{n} in {time}, as on average before",
                n=say.count(result.entrants["n_expected"].sum()),
                time=say.periods(result.horizon, result.freq),
            ),
            would_change=say.sentence(
                "more or less advertising, a new market; the customers of today are forecast without it"
            ),
        ),
        Assumed(
            what=say.sentence("periods to come"),
            value=say.sentence("differ from each other as those seen did"),
            would_change=say.sentence("a change that was not seen before: a competitor, a price, a law"),
        ),
    )
